#!/usr/bin/env bash
# Run the tests; arguments are passed on to pytest. Needs no network once its packages are installed. The compiled point
# operators must be there; RECON_REQUIRE_LIBRARY=0 tests what runs without them. Not among them: tests/browser, which needs
# Chromium, and tests/cluster.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
export RECON_REQUIRE_LIBRARY=${RECON_REQUIRE_LIBRARY:-1}
RECON_REQUIREMENTS=${RECON_REQUIREMENTS:-requirements-dev.txt}
source "$(dirname "$0")/env.sh"
unset RECON_REQUIREMENTS # some tests set up environments of their own
export HF_HUB_OFFLINE=1
exec python -m pytest tests "$@"
