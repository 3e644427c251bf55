#!/usr/bin/env bash
# Set up, once: packages and compiled point operators, in the active virtual environment or else in .venv. The demo, the
# tests and reproduce.sh do this themselves.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
source "$(dirname "$0")/env.sh"
python -c 'from extensions import recon_ops; print("ready; point operators run on:", recon_ops.backend("cpu"))'
