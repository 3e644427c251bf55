# Sourced by the task scripts, which set `arguments` first (and `needed`, if fewer are) and then call
# `launch <arguments of main.py>`.
# Python is that of the active environment, else that of .venv, else python3; PYTHON names another.

usage() { echo "usage: bash scripts/$(basename "$0") $arguments [arguments of main.py]   (GPU: 0, or 0,1 for several, or cpu)" >&2; exit 2; }

words=($arguments)
[ $# -ge "${needed:-${#words[@]}}" ] || usage
[[ $1 =~ ^(cpu|[0-9]+(,[0-9]+)*|(GPU|MIG)-[^,]+(,(GPU|MIG)-[^,]+)*)$ ]] || usage
gpu=$1 exp=$2
# A checkpoint path is relative to where the script was called.
[ ! -f "${3:-}" ] || set -- "$1" "$2" "$(cd "$(dirname "$3")" && pwd)/$(basename "$3")" "${@:4}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=python3
if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
python=${PYTHON:-$python}

launch() {
    local commas=${gpu//[^,]/}
    export CUDA_VISIBLE_DEVICES=${gpu#cpu}
    if [ -n "$commas" ]; then
        exec "$python" -m torch.distributed.run --standalone --nproc_per_node=$((${#commas} + 1)) \
            main.py --launcher pytorch --exp_name "$exp" "$@"
    fi
    exec "$python" main.py --exp_name "$exp" "$@"
}
