#!/usr/bin/env bash
# Check everything that needs a GPU, in one go and without a network: build, operators, golden vectors, benchmarks, steps
# of training, a short pretraining, the step benchmark. Python, PyTorch, nvcc and a C++ compiler must be there. Nothing is
# installed into that Python: wheels of other packages that it lacks come from a folder and go into build/gpu-check. To
# fill the folder where there is a network, for Python 3.12 there (without --wheels the check names what is missing, and
# the command for it):
#   python -m pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \
#       --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -d FOLDER \
#       easydict open_clip_torch trimesh ftfy wcwidth regex tqdm torch-fps
# GIT_REVISION names the commit in the results where .git is not at hand.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail

usage() {
    echo "usage: bash scripts/gpu_check.sh [--wheels FOLDER] [--device cuda|cpu] [--out FILE] [--limit SECONDS] [--only SECTION]" >&2
    exit 2
}
fail() { echo "error: $*" >&2; exit 2; }

wheels='' arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage ;;
        --wheels)
            [ $# -ge 2 ] || usage
            wheels=$(cd "$2" 2>/dev/null && pwd) || fail "--wheels $2: there is no such folder"
            shift
            ;;
        --out) # relative to where the script was called
            [ $# -ge 2 ] || usage
            case $2 in /*) arguments+=(--out "$2") ;; *) arguments+=(--out "$PWD/$2") ;; esac
            shift
            ;;
        *) arguments+=("$1") ;;
    esac
    shift
done
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
"$python" -c 'import torch' 2>/dev/null || fail "PyTorch cannot be imported by $python; PYTHON names another one"
home=$("$python" -c 'import os, sys; print(os.path.dirname(sys.executable))')
environment=$PWD/build/gpu-check
"$python" -m venv --without-pip --clear "$environment" || fail "$python -m venv $environment failed"
# It sees the packages of the Python that made it, also where that is a virtual environment itself.
"$python" - "$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" <<'END'
import sys
from pathlib import Path

seen = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
lines = [f"import site; site.addsitedir({path!r})\n" for path in seen]
Path(sys.argv[1], "packages_of_parent.pth").write_text("".join(lines))
END
export PATH="$environment/bin:$home:$PATH" # with ninja beside the Python of PyTorch
unset PYTHONHOME

# The linter checks nothing here.
needed=$environment/requirements.txt
grep -hvE '^(ruff|-r)' requirements.txt requirements-dev.txt >"$needed"
if [ -n "$wheels" ]; then
    python -m pip --version >/dev/null 2>&1 || fail "$python has no pip, which installs the wheels"
    pip=(python -m pip install --quiet --disable-pip-version-check --no-index --find-links "$wheels")
    "${pip[@]}" -r "$needed" || fail "the wheels of $wheels do not make up for what is missing; see the message above"
    # Peers of the operator benchmark are welcome, not needed.
    for peer in torch_fps torch_quickfps torch_fpsample torchbvh fpsample; do
        ! compgen -G "$wheels/$peer-*.whl" >/dev/null || "${pip[@]}" --no-deps "$peer" || echo "without the peer $peer" >&2
    done
fi
missing=$(python - "$needed" <<'END'
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

def look(name, missing, seen):
    """Gather what `name` needs and is not there, itself included."""
    if name in seen:
        return
    seen.add(name)
    try:
        version(name)
    except PackageNotFoundError:
        missing.append(name)
        return
    for line in requires(name) or ():
        if ";" not in line:
            look(re.match(r"[\w.-]+", line)[0], missing, seen)

missing, seen = [], set()
for line in open(sys.argv[1]):
    look(re.match(r"[\w.-]+", line)[0], missing, seen)
print(*missing)
END
)
if [ -n "$missing" ]; then
    version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "missing: $missing. On a machine with a network, python -m pip download --no-deps --only-binary=:all:" \
        "--python-version $version --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64" \
        "--platform manylinux2014_x86_64 -d FOLDER $missing ftfy wcwidth regex torch-fps; then --wheels FOLDER"
fi
export PYTHONPATH="$PWD/tests${PYTHONPATH:+:$PYTHONPATH}"
exec python -m gpu_check ${arguments[@]+"${arguments[@]}"}
