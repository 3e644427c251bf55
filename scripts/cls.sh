#!/usr/bin/env bash
# Fine-tune a classifier; CONFIG=cfgs/full/finetune_modelnet.yaml names another config.
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/full/finetune_scan_hardest.yaml}" --finetune_model --ckpts "$3" "${@:4}"
