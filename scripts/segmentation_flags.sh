# Sourced by launch.sh for scripts that set `segmentation_flags`: turns the flags of the released segmentation/main.py into
# those of our main.py. They may follow <GPU> <exp> <ckpt> or stand alone (`--gpu 0 --log_dir a --ckpts b`).
# Leaves <GPU> <exp> <ckpt> <arguments of main.py> behind, `task` where --test was there, and `released_segmentation`
# where something was that only the released segmentation has.

refuse() { echo "error: $*" >&2; exit 2; }
from_segmentation() { # the released program runs in segmentation/, from where ../data is ours
    local path
    path=$(from_caller "$1")
    if [[ $1 == ../* && ! -e $path && -e ${1#../} ]]; then path=${1#../}; fi
    printf '%s' "$path"
}

released_segmentation='' positional=() overrides=() passed=()
while [ $# -gt 0 ] && [ ${#positional[@]} -lt 3 ] && [[ $1 != --* ]]; do
    positional+=("$1")
    shift
done
if [ ${#positional[@]} -eq 0 ] && [ $# -gt 0 ]; then
    released_segmentation=yes
    positional=(0 ./exp ../model_zoo/pretrain.pth)
fi
while [ $# -gt 0 ] && [ ${#positional[@]} -eq 3 ]; do
    case $1 in --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; esac
    case $1 in
        --test) task=--test ;;
        --normal) refuse "--normal: the segmentation model reads three channels (x y z) and no normals; leave it out" ;;
        --ckpts | --gpu | --log_dir | --model | --batch_size | --epoch | --warmup_epoch | --learning_rate | --npoint | --root)
            [ $# -ge 2 ] || refuse "$1: expected one argument"
            [ "$1" = --ckpts ] || released_segmentation=yes
            case $1 in
                --ckpts) positional[2]=$2 ;;
                --gpu) positional[0]=$2 ;;
                --log_dir) positional[1]=$2 ;;
                --model) [ "$2" = pt ] || refuse "--model: the released segmentation model is 'pt', got '$2'" ;;
                --batch_size) overrides+=("total_bs=$2") ;;
                --epoch) # from 0 to max_epoch inclusive
                    [[ $2 =~ ^0*[1-9][0-9]*$ ]] || refuse "--epoch: must be a whole number from 1 on, got '$2'"
                    overrides+=("max_epoch=$((10#$2 - 1))" "scheduler.kwargs.epochs=$((10#$2))")
                    ;;
                --warmup_epoch) overrides+=("scheduler.kwargs.initial_epochs=$2") ;;
                --learning_rate) overrides+=("optimizer.kwargs.lr=$2") ;;
                --npoint) overrides+=("npoints=$2") ;;
                --root) # absolute, so that data_root leaves it alone, and quoted as YAML wants it
                    path=$(from_segmentation "$2")
                    case $path in /*) ;; *) path=$PWD/$path ;; esac
                    for section in train val test; do
                        overrides+=("dataset.$section.others.DATA_PATH='${path//\'/\'\'}'")
                    done
                    ;;
            esac
            shift
            ;;
        *) passed+=("$1") ;;
    esac
    shift
done
if [ ${#positional[@]} -eq 3 ]; then
    positional[2]=$(from_segmentation "${positional[2]}")
    [ ${#overrides[@]} -eq 0 ] || overrides=(--opts "${overrides[@]}")
    set -- "${positional[@]}" ${overrides[@]+"${overrides[@]}"} ${passed[@]+"${passed[@]}"}
else
    set -- ${positional[@]+"${positional[@]}"}
fi
