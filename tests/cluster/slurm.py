"""scripts/slurm.sh on a Slurm of two nodes."""

import re
from pathlib import Path

import pytest

from common import CONFIG, RUNS, assert_same, tool, until
from utils.logging import read_metrics

pytestmark = pytest.mark.usefixtures("slurm")


def submit(name: str, opts: list[str], *options: str) -> str:
    command = ["sbatch", "--parsable", "--nodes", "2", "--output", f"{name}.log", *options, "scripts/slurm.sh"]
    return tool(*command, "--config", CONFIG, "--exp_name", name, *opts)


def said(name: str) -> str:
    path = Path(f"{name}.log")
    return path.read_text() if path.exists() else ""


def state(job: str) -> str:
    return tool("squeue", "--noheader", "--jobs", job, "--states", "all", "--format", "%T")


def restarts(job: str) -> int:
    return int(re.findall(r"Restarts=(\d+)", tool("scontrol", "show", "job", job))[0])


def trained(name: str) -> int:
    return (read_metrics(RUNS / name) or {"epochs": 0})["epochs"]


def test_a_job_that_is_warned_requeued_and_preempted_ends_bit_identical(opts, unbroken):
    """The signal before the time limit, `scontrol requeue`, and a job in a partition of higher priority."""
    job = submit("moved", opts)
    until(lambda: trained("moved") >= 2)
    tool("scancel", "--signal", "USR1", job)
    until(lambda: restarts(job) == 1 and trained("moved") >= 5, 200)
    assert said("moved").count("interrupted: saved") == 1
    tool("scontrol", "requeue", job)
    until(lambda: restarts(job) == 2 and trained("moved") >= 8, 200)
    tool("sbatch", "--nodes", "2", "--exclusive", "--partition", "urgent", "--output", "/dev/null", "--wrap", "sleep 1")
    until(lambda: state(job) == "COMPLETED", 200)
    assert restarts(job) == 3 and said("moved").count("resuming at epoch") == 3, said("moved")
    assert read_metrics(RUNS / "moved")["finished"]
    assert_same("moved", unbroken)
    again = submit("moved", opts)  # there is nothing left to do
    until(lambda: state(again) == "COMPLETED")


def test_time_is_up(opts):
    """Slurm's own signal, up to a minute early; a job that is cancelled saves, but is not queued again."""
    job = submit("limited", [*opts, "max_epoch=100000"], "--time", "2", "--signal", "USR1@20")
    until(lambda: "resuming at epoch" in said("limited"), 400)
    assert restarts(job) >= 1
    tool("scancel", job)
    until(lambda: state(job) == "CANCELLED")
    before = said("limited").count("resuming at epoch")
    again = submit("limited", [*opts, "max_epoch=100000"])
    until(lambda: said("limited").count("resuming at epoch") > before)
    tool("scancel", again)
    until(lambda: state(again) == "CANCELLED")


def test_an_error_ends_the_job(opts):
    job = submit("wrong", [*opts, "no_such_key=1"])
    until(lambda: state(job) == "FAILED")
    assert "ExitCode=2:0" in tool("scontrol", "show", "job", job)
    assert said("wrong").count("unknown config key 'no_such_key'") == 1
