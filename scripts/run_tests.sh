#!/usr/bin/env bash
# Run the tests; arguments are passed on to pytest. Needs no network once its packages are installed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
source "$(dirname "$0")/env.sh"
export HF_HUB_OFFLINE=1
exec python -m pytest tests "$@"
