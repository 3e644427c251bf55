#!/usr/bin/env bash
# Fine-tune part segmentation; CONFIG=cfgs/segmentation/s3dis.yaml names another config.
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/segmentation/shapenetpart.yaml}" --finetune_model --ckpts "$3" "${@:4}"
