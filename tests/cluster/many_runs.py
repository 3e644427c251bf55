"""The runs of a table as jobs of Slurm."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from common import tool, until

pytestmark = pytest.mark.usefixtures("slurm")
# The world is there already, and smaller than the one it would make.
COMMAND = """
from tools.paper import __main__ as command
from utils.errors import run_command
command.prepare = lambda *_: None
run_command(command.main)
"""
RUNS = Path("experiments/pretrain_short/demo")


def reproduce(world: Path) -> subprocess.Popen:
    words = "table10 --cluster slurm --max_jobs 2 --gpus cpu --num_workers 0 --slurm time=60 cpus_per_task=1".split()
    words += ["--opts", f"data_root={world}", "--pretrain_opts", "max_epoch=39", "total_bs=8", "save_minutes=0.03"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, "-c", COMMAND, *words], **pipes)


def queued(*states: str) -> list[str]:
    chosen = ["--states", ",".join(states)] if states else []
    return tool("squeue", "--me", "--array", "--noheader", "--format", "%i", *chosen).split()


def test_a_table(world):
    """The command is interrupted, one job is warned and one preempted, and the same command shows the table."""
    front = reproduce(world)
    until(lambda: len(queued("RUNNING")) == 2, 300)
    until(lambda: len(list(RUNS.glob("*-seed0/ckpt-last.pth"))) == 2, 300)
    front.terminate()
    said, _ = front.communicate(timeout=120)
    assert front.returncode == 130 and "the jobs stay with Slurm" in said, said
    jobs = queued()
    assert len(jobs) >= 3 and len(queued("RUNNING")) <= 2
    warned, preempted = sorted(queued("RUNNING"))[:2]
    tool("scancel", "--signal", "USR2", warned)
    tool("scontrol", "requeue", preempted)
    front, most = reproduce(world), 0
    while front.poll() is None:
        running = queued("RUNNING")
        most = max(most, len(running))
        assert {*running} <= {*jobs}, "a job was submitted twice"
    said, _ = front.communicate()
    assert front.returncode == 0 and most == 2, said
    for job in (warned, preempted):
        assert "Restarts=1" in tool("scontrol", "show", "job", job)
    assert re.search(r"ReCon +\d+\.\d.*\n", said), said
    outputs = [path.read_text() for path in RUNS.glob("*/output.log")]
    assert len(outputs) == 2 and all("resuming at epoch" in output for output in outputs), outputs
