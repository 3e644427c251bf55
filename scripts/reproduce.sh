#!/usr/bin/env bash
# Regenerate tables of the paper: plans the runs, skips what is done, goes on after an interruption. With the synthetic world
# unless --scale paper, which needs the real data sets. `--plan` shows what would be run.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
arguments=("$@")
before_installing() {
    "$1" -m tools.paper.arguments ${arguments[@]+"${arguments[@]}"}
    case " ${arguments[*]-} " in *" -h "* | *" --help "*) exit ;; esac
}
source "$(dirname "$0")/env.sh"
exec python -m tools.paper "$@"
