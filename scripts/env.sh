# Sourced by scripts that set themselves up: puts a Python with all of requirements.txt first on PATH.
# An active virtual environment or conda environment is used as it is; otherwise .venv is made (VENV names another
# folder, PYTHON another interpreter). Packages are installed only when the requirements have changed since:
# requirements.txt, or the file that RECON_REQUIREMENTS names. RECON_LOCK=1 takes the versions in requirements.lock.
# A function `before_installing`, if the script has one, is called first with the interpreter, whose standard library alone
# is sure to be there; it ends the script by failing.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -F before_installing >/dev/null || before_installing() { :; }
fail() { echo "error: $*" >&2; exit 2; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }
old() { fail "Python 3.10 or newer is needed, $1 is $("$1" --version 2>/dev/null || echo missing)$2"; }

prefix=${VIRTUAL_ENV:-${CONDA_PREFIX:-}}
if [ -z "$prefix" ]; then
    prefix=${VENV:-.venv}
    case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
    if ! [ -x "$prefix/bin/python" ]; then
        candidates=(python3 python3.13 python3.12 python3.11 python3.10)
        [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
        for python in "${candidates[@]}"; do
            ! new_enough "$python" || break
        done
        new_enough "$python" || old "${PYTHON:-python3}" "; name one with PYTHON=/path/to/python3"
        before_installing "$python"
        "$python" -m venv --clear "$prefix" >&2 || fail "$python -m venv $prefix failed (Debian and Ubuntu: apt-get install python3-venv)"
    fi
    export VIRTUAL_ENV=$prefix
fi
[ -x "$prefix/bin/python" ] || fail "the active environment $prefix has no bin/python; deactivate it"
export PATH="$prefix/bin:$PATH"
new_enough python || old "$prefix/bin/python" "; renew that environment"
before_installing python

requirements=${RECON_REQUIREMENTS:-requirements.txt}
[ -f "$requirements" ] || fail "RECON_REQUIREMENTS: no such file: $requirements"
pip=(python -m pip install --disable-pip-version-check)
lock=/dev/null
[ "${RECON_LOCK:-0}" = 0 ] || lock=requirements.lock
constraints=(-c $lock)

# Without an NVIDIA GPU PyTorch is installed from its own index of CPU wheels, 200 MB instead of several GB.
# RECON_TORCH=cpu and default choose; keep takes the one that is there, whatever its version. RECON_TORCH_INDEX is a mirror.
install_torch() {
    local index=${RECON_TORCH_INDEX:-https://download.pytorch.org/whl/cpu} kind=${RECON_TORCH:-} wanted=()
    installed() { python -c 'from importlib.metadata import version; version("torch")' >/dev/null 2>&1; }
    case $kind in
        '') if nvidia-smi -L >/dev/null 2>&1 || [ "$(uname)" = Darwin ]; then kind=default; else kind=cpu; fi ;;
        cpu | default) ;;
        keep)
            installed || fail "RECON_TORCH=keep, but there is no PyTorch in $prefix"
            python -m pip freeze 2>/dev/null | sed -nE 's/^(torch|torchvision)( @.*|==.*)$/\1\2/p' >"$stamp.torch"
            constraints+=(-c "$stamp.torch")
            ;;
        *) fail "RECON_TORCH must be cpu, default or keep, got '$kind'" ;;
    esac
    [ $kind = cpu ] && ! installed || return 0
    local IFS=$'\n' # a line each
    wanted=($(grep -hE '^torch(vision)?[<>=]' $lock || grep -hE '^torch(vision)?[<>=]' requirements.txt))
    # Asked first, with little patience: installing from an index that is not there takes minutes to fail. By itself: other
    # indexes of pip's configuration would answer for it, and torch of one index does not go with torchvision of another.
    if ! python -m pip --isolated index versions torch --index-url "$index" --retries 0 --timeout 10 >/dev/null 2>&1 ||
        ! "${pip[@]}" --isolated --index-url "$index" "${wanted[@]}" >&2; then
        echo "PyTorch's CPU wheels cannot be had from $index: taking the default ones, which may be several GB" >&2
    fi
}

stamp=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/recon-$(basename "$requirements")
meant() {
    if [ "$requirements" = requirements.txt ]; then cat requirements.txt $lock; else cat requirements*.txt $lock; fi
}
if ! cmp -s <(meant) "$stamp"; then
    python -m pip --version >/dev/null 2>&1 || python -m ensurepip >&2 || fail "there is no pip in $prefix"
    echo "installing $requirements into $prefix (once; takes some minutes)" >&2
    install_torch
    "${pip[@]}" -r "$requirements" "${constraints[@]}" >&2 || fail "pip could not install $requirements into $prefix; its message is above"
    python -c 'import torch, torchvision' >&2 || fail "torch and torchvision in $prefix do not go together; the error is above"
    meant >"$stamp"
fi

# The point operators are compiled once, anew when they, PyTorch or the compilers change, with CUDA kernels where a GPU is
# (RECON_OPS_CUDA=1 insists, 0 forgoes them). A library that was meant to have them stays so where no GPU is: another
# machine may share this folder. A compiler that fails ends the set-up; only where there is none do the operators run in
# plain PyTorch (RECON_REQUIRE_LIBRARY=1 ends the set-up there too, 0 does without the library).
compile_operators() {
    local versions state cuda=${RECON_OPS_CUDA:-} folder=extensions/build
    [ "${RECON_REQUIRE_LIBRARY:-}" != 0 ] || return 0
    versions=$(python -c 'import sys; from importlib.metadata import version; print(sys.version, version("torch"))')
    [ -n "$versions" ] || return 0
    [ -n "$cuda" ] || cuda=$(sed -n 's/^cuda //p' $folder/state 2>/dev/null || true)
    if [ -z "$cuda" ] || [ "${RECON_OPS_CUDA:-} $cuda" = " 0" ]; then
        if nvidia-smi -L >/dev/null 2>&1; then cuda=auto; else cuda=0; fi
    fi
    state="$versions $(find extensions/setup.py extensions/recon_ops/csrc -type f | sort | xargs cat | cksum)
$(command -v "${CXX:-c++}" g++ clang++ nvcc || true)
cuda $cuda"
    [ "$state" != "$(cat $folder/state 2>/dev/null)" ] || return 0
    if ! mkdir -p $folder 2>/dev/null || ! [ -w $folder ] || ! [ -w extensions/recon_ops ]; then
        echo "recon_ops: extensions/ cannot be written, the operators stay as they are" >&2
        return 0
    fi
    {
        # A lock on this block's file; where there are no such locks, two set-ups at once are not kept apart.
        python -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' 2>/dev/null || true
        [ "$state" != "$(cat $folder/state 2>/dev/null)" ] || return 0
        echo "compiling the point operators (once; about a minute)" >&2
        rm -f extensions/recon_ops/_C* $folder/state
        RECON_OPS_CUDA=$cuda python extensions/setup.py build_ext --inplace >$folder/log 2>&1 || {
            grep '^recon_ops:' $folder/log >&2 || tail -3 $folder/log >&2
            fail "the point operators were not built; all that was printed is in $PWD/$folder/log"
        }
        grep '^recon_ops:' $folder/log >&2 || true
        echo "$state" >$folder/state
    } 9>$folder/lock
}
compile_operators
if [ "${RECON_REQUIRE_LIBRARY:-}" = 1 ] && ! compgen -G 'extensions/recon_ops/_C.*' >/dev/null; then
    fail "RECON_REQUIRE_LIBRARY=1, but the point operators are not built: no compiler was there when this was set up"
fi
