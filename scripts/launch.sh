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

drawn_seed() { # of scripts whose released form draws one; a run that is resumed keeps its own
    case " $* " in *" --resume "*) ;; *) echo "--seed $RANDOM" ;; esac
}

launch() {
    local commas=${gpu//[^,]/}
    export CUDA_VISIBLE_DEVICES=${gpu#cpu}
    if [ -n "$commas" ]; then
        exec "$python" -m torch.distributed.run --standalone --nproc_per_node=$((${#commas} + 1)) \
            main.py --launcher pytorch --exp_name "$exp" "$@"
    fi
    exec "$python" main.py --exp_name "$exp" "$@"
}
