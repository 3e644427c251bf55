#!/usr/bin/env bash
# Test a fine-tuned classifier, then vote, with a drawn seed unless --seed follows; --no_vote leaves it at the test. CONFIG
# names another config, also that of a segmenter; flags of the released segmentation/main.py test part segmentation.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
segmentation_flags=yes
source "$(dirname "$0")/launch.sh"
config=cfgs/full/finetune_modelnet.yaml vote=--vote
[ -z "$released_segmentation" ] || config=cfgs/segmentation/shapenetpart.yaml
config=${CONFIG:-$config} folder=${CONFIG:-$config} folder=${folder%/*}
case ${folder##*/}/${config##*/} in segmentation/* | */segment_*) vote='' ;; esac # segmentation has no voting
launch --config "$config" --test --ckpts "$3" $vote --seed random "${@:4}"
