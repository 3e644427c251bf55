#!/usr/bin/env bash
# Pretrain ReCon; CONFIG=cfgs/pretrain/small.yaml names another config.
set -euo pipefail
arguments='<GPU> <exp>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/pretrain/base.yaml}" "${@:3}"
