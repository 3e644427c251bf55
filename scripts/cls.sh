#!/usr/bin/env bash
# Fine-tune a classifier, with a drawn seed unless --seed follows; CONFIG=cfgs/full/finetune_modelnet.yaml names another
# config.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/full/finetune_scan_hardest.yaml}" --finetune_model --ckpts "$3" --seed random "${@:4}"
