#!/usr/bin/env bash
# Linear SVM on frozen features; CONFIG names another config.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/svm/modelnet40.yaml}" --svm --ckpts "$3" "${@:4}"
