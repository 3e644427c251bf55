#!/usr/bin/env bash
# Test what needs several machines: two network namespaces, a Slurm of two nodes and nginx, all on this one. As root on
# Linux, with Debian's slurm-wlm, munge, iproute2 and nginx; arguments are passed on to pytest.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { echo "error: tests/cluster: $*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || fail "root is needed, for network namespaces and Slurm's daemons"
export PATH=$PATH:/usr/sbin:/sbin
for command in slurmctld slurmd sbatch munged ip nginx; do
    command -v $command >/dev/null || fail "$command is missing: apt-get install slurm-wlm munge iproute2 nginx"
done
ip netns add recon-probe 2>/dev/null && ip netns delete recon-probe || fail "no network namespaces can be made here"
source scripts/env.sh
python -c 'import submitit' 2>/dev/null || fail "submitit is missing: pip install -r requirements-cluster.txt"
exec python -m pytest tests/cluster/hosts.py tests/cluster/slurm.py tests/cluster/many_runs.py tests/cluster/test_nginx.py "$@"
