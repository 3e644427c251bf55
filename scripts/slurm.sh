#!/usr/bin/env bash
# Train on the nodes of a Slurm job, one process a GPU; submit it from the project's folder:
#   sbatch --nodes 2 --gpus-per-node 8 scripts/slurm.sh --config FILE --exp_name NAME [arguments of main.py]
# Before its time is up the run saves, and the job is queued again, as after preemption and the loss of a node; then, and
# when it is submitted once more, it goes on. Without GPUs there are NPROC_PER_NODE processes a node (1). See
# docs/many_machines.md.
#SBATCH --job-name=recon
#SBATCH --ntasks-per-node=1
#SBATCH --signal=USR1@90
#SBATCH --requeue
#SBATCH --open-mode=append
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
fail() { echo "error: $*" >&2; exit 2; }
[ -n "${SLURM_JOB_ID:-}" ] || fail "this is for Slurm: sbatch --nodes N --gpus-per-node M scripts/slurm.sh --config FILE --exp_name NAME"
cd "$SLURM_SUBMIT_DIR"
[ -f main.py ] || fail "sbatch must be called in the project's folder, not in $PWD"

python=python3
if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)
export MASTER_ADDR MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))
MASTER_ADDR=$(scontrol show --oneliner node "$first" | sed 's/.* NodeAddr=\([^ ]*\) .*/\1/')

code=0
# All of them may save: the first to end does not end the others, unless it is long dead.
srun --kill-on-bad-exit=0 --wait=120 bash -c 'exec "$0" -m tools.launch --nnodes "$SLURM_JOB_NUM_NODES" \
    --nproc-per-node "${SLURM_GPUS_ON_NODE:-${NPROC_PER_NODE:-1}}" --max-restarts "${MAX_RESTARTS:-0}" \
    --rdzv-backend c10d --rdzv-endpoint "$MASTER_ADDR:$MASTER_PORT" --rdzv-id "$SLURM_JOB_ID" \
    --rdzv-conf "is_host=$((SLURM_NODEID == 0))" main.py --launcher pytorch --resume auto "$@"' \
    "${PYTHON:-$python}" "$@" || code=$?
# 75: stopped and saved; 138: ended by USR1 while it was starting. A job that was cancelled is not RUNNING any more.
if [[ $code =~ ^(75|138)$ ]] && [ "$(squeue --noheader --jobs "$SLURM_JOB_ID" --format %T)" = RUNNING ]; then
    exec scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
