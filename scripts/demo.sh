#!/usr/bin/env bash
# Pretrain ReCon on the synthetic world, carry it to three tasks, print a table. Needs nothing but Python >= 3.10.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
usage() {
    echo "usage: bash scripts/demo.sh [--smoke] [--resume] [--out FOLDER]" >&2
    exit 2
}
world='' name=demo scale=full seeds='0 1 2' shorter='' resume=''
while [ $# -gt 0 ]; do
    case $1 in
        --smoke) # seconds instead of minutes; its numbers mean nothing
            name=smoke scale=smoke seeds=0
            shorter='max_epoch=1 scheduler.kwargs.epochs=2 scheduler.kwargs.initial_epochs=0 total_bs=16'
            ;;
        --resume | --keep) resume=--resume ;; # pretraining goes on where it was interrupted; a finished one is used again
        --out) # where the data sets go
            [ $# -ge 2 ] || usage
            case $2 in /*) world=$2 ;; *) world=$PWD/$2 ;; esac
            shift
            ;;
        *) usage ;;
    esac
    shift
done
source "$(dirname "$0")/env.sh"
world=${world:-data/$name}
# The demo's model is so small that a second thread gains nothing, and loses much where something else wants the core.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
opts=(data_root="$world")
train_opts=("${opts[@]}" $shorter)

step() { echo; echo "[$1/6] $2"; }
run() { # config, experiment name, further arguments of main.py
    local config=cfgs/demo/$1.yaml experiment=$2 earlier=--overwrite
    [ "$1" != pretrain ] || earlier=${resume:-$earlier}
    shift 2
    python main.py --config "$config" --exp_name "$experiment" --num_workers 1 "$earlier" "$@"
}

step 1 "the synthetic world"
python -m datasets.demo --out "$world" --scale "$scale"

step 2 "pretraining on points, images and text"
pretrained=experiments/pretrain/demo/$name/ckpt-last.pth
run pretrain "$name" --opts "${train_opts[@]}"

picture=experiments/pretrain/demo/$name/reconstruction.png
python -m tools.visualize reconstruction --ckpts "$pretrained" --out "$picture" --opts "${opts[@]}"

step 3 "scanned objects: fine-tuning ReCon"
rm -rf experiments/finetune_scan/demo/"$name"-{recon,scratch}-*  # another number of seeds must not mix in
for seed in $seeds; do
    run finetune_scan "$name-recon-$seed" --finetune_model --ckpts "$pretrained" --seed "$seed" --val_freq 5 --opts "${train_opts[@]}"
done

step 4 "scanned objects: the same model from scratch"
for seed in $seeds; do
    run finetune_scan "$name-scratch-$seed" --scratch_model --seed "$seed" --val_freq 5 --opts "${train_opts[@]}"
done

step 5 "linear SVM on frozen features: ReCon, then random weights"
run svm "$name-recon" --svm --ckpts "$pretrained" --opts "${opts[@]}"
run svm "$name-scratch" --svm --opts "${opts[@]}"

step 6 "zero-shot: naming shapes without a label"
run zeroshot "$name" --zeroshot --ckpts "$pretrained" --opts "${opts[@]}"

echo
python -m tools.report --demo "$name"
[ "$name" != smoke ] || echo "A smoke test trains next to nothing: its numbers mean nothing."
echo
echo "picture: $picture"
echo "report:  experiments/pretrain/demo/$name/report.html, and one beside every other run"
echo "curves:  tensorboard --logdir experiments"
