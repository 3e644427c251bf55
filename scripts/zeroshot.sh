#!/usr/bin/env bash
# Zero-shot classification; CONFIG=cfgs/zeroshot/scan_hardest.yaml names another config.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/zeroshot/modelnet40.yaml}" --zeroshot --ckpts "$3" "${@:4}"
