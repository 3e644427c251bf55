#!/usr/bin/env bash
# Few-shot classification: one fold, or without <way> <shot> <fold> every protocol, setting and fold, one run a GPU.
# CONFIG=cfgs/linear/fewshot.yaml names another config.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp> <ckpt> [<way> <shot> <fold>]'
needed=3
source "$(dirname "$0")/launch.sh"
if [[ ${4:-} =~ ^[0-9]+$ ]]; then
    [ $# -ge 6 ] || usage
    launch --config "${CONFIG:-cfgs/full/fewshot.yaml}" --finetune_model --ckpts "$3" --way "$4" --shot "$5" --fold "$6" "${@:7}"
fi
exec "$python" -m tools.paper.fewshot --gpus "$gpu" --exp_name "$exp" --ckpts "$3" ${CONFIG:+--configs "$CONFIG"} "${@:4}"
