#!/usr/bin/env bash
# Test a fine-tuned classifier, with --vote by voting too; CONFIG names another config.
set -euo pipefail
arguments='<GPU> <exp> <ckpt>'
source "$(dirname "$0")/launch.sh"
launch --config "${CONFIG:-cfgs/full/finetune_scan_hardest.yaml}" --test --ckpts "$3" "${@:4}"
