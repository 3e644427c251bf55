#!/usr/bin/env bash
# Fine-tune part segmentation, with a drawn seed unless --seed follows; CONFIG=cfgs/segmentation/s3dis.yaml names another
# config. The flags of the released segmentation/main.py are understood, --test too.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
segmentation_flags=yes
task=--finetune_model
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/segmentation/shapenetpart.yaml}" "$task" --ckpts "$3" --seed random "${@:4}"
