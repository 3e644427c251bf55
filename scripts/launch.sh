# Sourced by the task scripts, which set `arguments` first (and `needed`, if fewer are) and then call
# `launch <arguments of main.py>`.
# Python is that of the active environment, else that of .venv, else python3; PYTHON names another.

usage() { echo "usage: bash scripts/$(basename "$0") $arguments [arguments of main.py]   (GPU: 0, or 0,1 for several, or cpu)" >&2; exit 2; }

unset CDPATH
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

from_caller() { # a path relative to where the script was called if it is there, else below the project's folder
    if [[ $1 != /* && $caller != "$PWD" && -e $caller/$1 ]]; then printf '%s' "$caller/$1"; else printf '%s' "$1"; fi
}

[ -z "${segmentation_flags:-}" ] || source scripts/segmentation_flags.sh
words=($arguments)
[ $# -ge "${needed:-${#words[@]}}" ] || usage
[[ $1 =~ ^(cpu|[0-9]+(,[0-9]+)*|(GPU|MIG)-[^,]+(,(GPU|MIG)-[^,]+)*)$ ]] || usage
gpu=$1 exp=$2
[ "${words[2]:-}" != '<ckpt>' ] || set -- "$1" "$2" "$(from_caller "$3")" "${@:4}"
[ -z "${CONFIG:-}" ] || CONFIG=$(from_caller "$CONFIG")
for _ in "$@"; do
    case ${before:-} in --ckpts | --start_ckpts | --config) path=$(from_caller "$1") ;; *) path=$1 ;; esac
    case $1 in --ckpts=* | --start_ckpts=* | --config=*) path=${1%%=*}=$(from_caller "${1#*=}") ;; esac
    set -- "$@" "$path"
    before=$1
    shift
done

python=python3
if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
python=${PYTHON:-$python}

# With NNODES (2, or 1:4 for a job whose machines may come and go) the same command runs on every machine; MASTER_ADDR is
# one of them, by NODE_RANK=0 or its name. MAX_RESTARTS: how often processes that died are started again; needs a JOB_ID.
launch() {
    local commas=${gpu//[^,]/} torchrun=(--standalone)
    export CUDA_VISIBLE_DEVICES=${gpu#cpu}
    if [ -n "${NNODES:-}" ]; then
        [ -n "${MASTER_ADDR:-}" ] || { echo "error: NNODES needs MASTER_ADDR, the address of one of the machines" >&2; exit 2; }
        torchrun=(--nnodes "$NNODES" --rdzv-backend c10d --rdzv-endpoint "$MASTER_ADDR:${MASTER_PORT:-29400}")
        torchrun+=(--rdzv-id "${JOB_ID:-none}")
        [ -z "${NODE_RANK:-}" ] || torchrun+=(--rdzv-conf "is_host=$((NODE_RANK == 0))")
        [ -z "${LOCAL_ADDR:-}" ] || torchrun+=(--local-addr "$LOCAL_ADDR")
    fi
    [ -z "${MAX_RESTARTS:-}" ] || torchrun+=(--max-restarts "$MAX_RESTARTS")
    if [ -n "$commas${NNODES:-}${MAX_RESTARTS:-}" ]; then
        exec "$python" -m tools.launch "${torchrun[@]}" --nproc_per_node=$((${#commas} + 1)) \
            main.py --launcher pytorch --exp_name "$exp" "$@"
    fi
    exec "$python" main.py --exp_name "$exp" "$@"
}
