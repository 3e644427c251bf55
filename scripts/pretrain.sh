#!/usr/bin/env bash
# Pretrain ReCon; CONFIG=cfgs/pretrain/small.yaml names another config.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/pretrain/base.yaml}" "${@:3}"
