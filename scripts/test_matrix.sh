#!/usr/bin/env bash
# Build the operators and run their tests on several versions of PyTorch, each in an environment of its own, which is
# made under build/matrix (3 to 6 GB each) and kept there; prints a table.
#     bash scripts/test_matrix.sh 2.6.0=python3.10 2.15.0=python3.13
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "usage: test_matrix.sh TORCH=PYTHON..." >&2; exit 2; }
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX RECON_OPS_CUDA
tests="tests/test_recon_ops.py tests/test_dropins.py tests/test_operator_build.py"

ask='import platform, torch
from extensions import recon_ops
print(torch.__version__, platform.python_version(), recon_ops.backend("cpu"), sep=" | ")'

rows=() status=0
for pair in "$@"; do
    version=${pair%%=*} folder=$PWD/build/matrix/${pair%%=*}
    if ! [ -x "$folder/bin/python" ]; then
        "${pair#*=}" -m venv "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
            "torch==$version" numpy pytest hypothesis 'setuptools>=70.1,<82' ninja
    fi
    # A copy without what other versions have built; each keeps its own.
    rm -rf "$folder/source" "$folder/tests.log"
    mkdir -p "$folder/source"
    git ls-files -z --cached --others --exclude-standard extensions scripts tests/golden $tests |
        xargs -0 cp --parents -t "$folder/source"
    (
        cd "$folder/source"
        export PATH="$folder/bin:$PATH" RECON_OPS_CUDA=0 RECON_REQUIRE_LIBRARY=1
        python extensions/setup.py build_ext --inplace >../build.log 2>&1 || { grep '^recon_ops:' ../build.log; exit 1; }
        python -m pytest --noconftest -p no:cacheprovider -q $tests >../tests.log 2>&1
    ) || status=1
    told=$(cd "$folder/source" && "$folder/bin/python" -c "$ask" 2>/dev/null || echo "$version | ? | none")
    rows+=("| $told | $("${CXX:-c++}" -dumpfullversion) | $(tail -1 "$folder/tests.log" 2>/dev/null) |")
    echo "${rows[-1]}" >&2
done
printf '%s\n' "| PyTorch | Python | backend | C++ compiler | tests |" "|---|---|---|---|---|" "${rows[@]}"
exit $status
