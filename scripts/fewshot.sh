#!/usr/bin/env bash
# Few-shot classification, one fold; CONFIG=cfgs/linear/fewshot.yaml names another config.
set -euo pipefail
arguments='<GPU> <exp> <ckpt> <way> <shot> <fold>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/full/fewshot.yaml}" --finetune_model --ckpts "$3" --way "$4" --shot "$5" --fold "$6" "${@:7}"
