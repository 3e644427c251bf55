"""Many runs as jobs: submitit's local executor, and Slurm's commands as they would be called."""

import os
import re
import signal
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from tools.paper import cluster
from tools.paper.arguments import parse_arguments
from tools.paper.cluster import LocalJobs, RunJob, SlurmJobs, slurm_keys
from tools.paper.queue import open_pool, run_all
from tools.paper.runs import PlannedRun
from utils.errors import Interrupted, UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def runs(configs, monkeypatch) -> list[PlannedRun]:
    """Pretraining, two runs that start from it, and one that does not."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    first = PlannedRun("pretrain", str(configs["pretrain"]), "first", opts=("max_epoch=0",))
    common = {"config": str(configs["classify"]), "opts": ("max_epoch=0",)}
    tuned = [PlannedRun("finetune", name=f"tuned{seed}", seed=seed, after=first, **common) for seed in (0, 1)]
    return [first, *tuned, PlannedRun("scratch", name="scratch", **common)]


def test_local_executor(runs, capsys):
    first = runs[0]
    wrong = PlannedRun("scratch", runs[1].config, "wrong", opts=("no_such_key=1",))
    assert run_all([first, wrong], LocalJobs(["", ""])) == [wrong]
    assert first.result() and "no_such_key" in capsys.readouterr().out
    assert "finished; metrics in" in first.output.read_text()
    assert run_all([first], LocalJobs([""])) == []


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """Slurm's commands, which note how they are called; those in the queue are in a file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    say = {"sbatch": 'cp "$1" "$0.script"; echo Submitted batch job 7', "squeue": 'cat "$0.queue" 2>/dev/null || true'}
    for name in ("sbatch", "scontrol", "squeue", "scancel", "srun"):
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/calls\n{say.get(name, "")}\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setitem(cluster.POLL_SECONDS, "slurm", 0.01)
    return folder


def calls(slurm: Path) -> list[str]:
    found = (slurm.parent / "calls").read_text().splitlines()
    (slurm.parent / "calls").unlink()
    return [line for line in found if not line.startswith("squeue")]


def test_slurm_array(slurm, runs):
    """One array; a second call submits what is neither done nor queued."""
    first, *tuned, scratch = runs
    pool = SlurmJobs({"partition": "gpu", "time": 30, "additional_parameters": {"nice": 5}}, 2, 4)
    assert pool.take([*runs]) == [] and {run: job for run, (job, *_) in pool.running.items()} == {
        run: f"7_{number}" for number, run in enumerate(runs)
    }
    script = (slurm / "sbatch.script").read_text()
    wanted = "array=0-3%2 partition=gpu time=30 nice=5 hold requeue kill-on-invalid-dep=yes signal=USR2@90"
    for flag in wanted.split():
        assert re.search(rf"^#SBATCH --{flag}$", script, re.MULTILINE), script
    said = calls(slurm)
    assert said[1:] == [
        "scontrol update JobId=7_1 Dependency=afterok:7_0",
        "scontrol update JobId=7_2 Dependency=afterok:7_0",
        "scontrol release 7",
    ]
    (slurm / "squeue.queue").write_text("7_0\n7_2\n")
    again = SlurmJobs({}, None, None)
    again.take([*runs])
    assert again.running[first][0] == "7_0" and again.running[tuned[1]][0] == "7_2"
    assert "--array=0-1%2" in (slurm / "sbatch.script").read_text()
    assert calls(slurm)[1] == "scontrol update JobId=7_0 Dependency=afterok:7_0"  # the fake's number comes again


def test_slurm_jobs_that_leave_the_queue(slurm, runs):
    """Failed, or not started since what they start from failed."""
    assert set(run_all(runs[:2], SlurmJobs({}, None, None))) == set(runs[:2])


def test_slurm_that_does_not_say_what_is_queued(slurm, runs):
    """Nothing is submitted, since it may be queued; a command that answers in the end is asked again."""
    (slurm / "squeue").write_text(f"#!/bin/sh\necho squeue >>{slurm.parent}/asked\necho no controller >&2; exit 1\n")
    with pytest.raises(UserError, match="squeue .*: no controller"):
        SlurmJobs({}, None, None).take(runs)
    assert not (slurm.parent / "calls").exists() and (slurm.parent / "asked").read_text().count("squeue") == 5
    late = f"#!/bin/sh\n[ -e {slurm}/late ] || {{ touch {slurm}/late; exit 1; }}\n"
    (slurm / "squeue").write_text(late)
    pool = SlurmJobs({}, None, None)
    pool.take(runs)
    assert len(pool.running) == len(runs) and calls(slurm)[-1] == "scontrol release 7"


def test_slurm_that_refuses(slurm, runs):
    (slurm / "scontrol").write_text("#!/bin/sh\n[ $1 != update ] || { echo no such dependency >&2; exit 1; }\n")
    with pytest.raises(UserError, match="scontrol update .*: no such dependency"):
        SlurmJobs({}, None, None).take(runs)
    assert calls(slurm)[-1] == "scancel 7"
    (slurm / "sbatch").write_text("#!/bin/sh\necho Invalid account >&2; exit 1\n")
    with pytest.raises(UserError, match="Invalid account"):
        SlurmJobs({}, None, None).take(runs)
    with pytest.raises(UserError, match="--cluster slurm: Unavailable parameter.*partitoin"):
        SlurmJobs({"partitoin": "gpu"}, None, None)
    for name in ("sbatch", "srun"):
        (slurm / name).unlink()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(UserError, match="srun"):
        patch.setenv("PATH", str(slurm))
        SlurmJobs({}, None, None)


@pytest.mark.parametrize("by, heard", [(signal.SIGUSR2, 1), (signal.SIGTERM, 0)])
def test_a_job_whose_time_is_up_asks_to_run_again(runs, monkeypatch, by, heard):
    def interrupted(*_):
        raise Interrupted("saved", by)

    received = []
    before = signal.signal(signal.SIGUSR2, lambda *_: received.append(1))
    monkeypatch.setattr(cluster, "run_here", interrupted)
    try:
        with pytest.raises(Interrupted):
            RunJob(runs[0], None, 0)()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert len(received) == heard and RunJob(runs[0], None, 0).checkpoint().function.run == runs[0]


def test_keys_of_jobs(tmp_path):
    (tmp_path / "site.yaml").write_text("partition: gpu\ntime: 60\nadditional_parameters: {nice: 5}\n")
    found = slurm_keys(Namespace(gpus=None, slurm=[str(tmp_path / "site.yaml"), "time=90", "account=me"]))
    extra = {"additional_parameters": {"nice": 5}}
    assert found == {"gpus_per_node": 1, "partition": "gpu", "time": 90, "account": "me", **extra}
    assert slurm_keys(Namespace(gpus="cpu", slurm=[])) == {}


@pytest.mark.parametrize(
    "words, message",
    [
        ("--max_jobs 2", "--max_jobs goes with --cluster"),
        ("--slurm a=b", "--slurm goes with --cluster slurm"),
        ("--cluster local --jobs 2", "--jobs does not go with --cluster"),
        ("--cluster slurm --slurm nowhere.yaml", "takes key=value or a YAML file, got 'nowhere.yaml'"),
    ],
)
def test_arguments(words, message):
    with pytest.raises(UserError, match=message):
        parse_arguments(["table10", *words.split()])


def test_pools(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = {"gpus": "cpu", "jobs": None, "num_workers": None, "cluster": "local", "max_jobs": 3, "slurm": []}
    pool = open_pool(Namespace(**options))
    assert isinstance(pool, LocalJobs) and pool.size == 3
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match="submitit is needed for --cluster local: pip install -r requirements-cluster"):
        open_pool(Namespace(**options))
