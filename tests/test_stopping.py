"""Signals to a process group of real processes: what was trained is saved, no process stays, and the run goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.checkpoint import load_checkpoint
from utils.errors import REQUEUE, Interrupted
from utils.logging import read_metrics
from utils.stopping import StopRequest

ROOT = Path(__file__).parent.parent
FOLDER = Path("experiments/classify/cfgs/default")
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
# main.py with an evaluation that takes seconds; each batch leaves a file behind.
SLOW = """
import os, sys, time
sys.path.insert(0, {root!r})
import main
import tools.tasks.classify as classify
from utils.errors import run_command

sample_test = classify.sample_test

def slow(points, npoints):
    open(f"evaluated-{{os.getpid()}}-{{time.time_ns()}}", "w").close()
    time.sleep(1)
    return sample_test(points, npoints)

classify.sample_test = slow
run_command(main.main)
"""


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextlib.contextmanager
def started(configs, script: str | Path, *opts: str, processes: int = 1, flags: tuple[str, ...] = ()):
    """Train in a process group of its own, with two loader workers a process."""
    command = [sys.executable, *TORCHRUN * (processes > 1), str(script), "--config", str(configs["classify"])]
    command += ["--scratch_model", "--num_workers", "2", *flags, *["--launcher", "pytorch"] * (processes > 1)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.Popen([*command, "--opts", *opts], env=environment, start_new_session=True, **pipes)
    try:
        yield done
    finally:
        for process in of_this_folder():  # torchrun's are in groups of their own
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        done.communicate()


def of_this_folder() -> list[int]:
    """Processes that run in the working directory, but this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if path.readlink() == Path.cwd() and path.parent.name != str(os.getpid()):
                found.append(int(path.parent.name))
    return found


def epochs() -> int:
    return (read_metrics(FOLDER) or {"epochs": 0})["epochs"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_signal_to_the_group_saves(configs, processes):
    with started(configs, ROOT / "main.py", "max_epoch=100000", "val_from=100000", processes=processes) as run:
        until(lambda: epochs() > 1)
        os.killpg(run.pid, signal.SIGTERM)
        said, _ = run.communicate(timeout=30)
    assert run.returncode == (REQUEUE if processes == 1 else 1), said  # torchrun itself was stopped
    assert said.count("interrupted: saved") == 1 and "exited unexpectedly" not in said, said
    until(lambda: not of_this_folder())
    state = load_checkpoint(FOLDER / "ckpt-last.pth")
    end = state["epoch"] + 1
    with started(configs, ROOT / "main.py", f"max_epoch={end}", processes=processes, flags=("--resume",)) as run:
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and f"resuming at epoch {state['epoch'] + (state['step'] == 0)}" in said, said
    assert epochs() == end + 1 and read_metrics(FOLDER)["finished"]


def test_processes_save_when_torchrun_is_killed(configs):
    """It passes on neither SIGKILL, of course, nor SIGUSR1, which ends it."""
    with started(configs, ROOT / "main.py", "max_epoch=100000", "val_from=100000", processes=2) as run:
        until(lambda: epochs() > 1)
        run.kill()
        run.wait()
        until(lambda: not of_this_folder())
        said, _ = run.communicate(timeout=30)
    assert said.count("interrupted: saved") == 1, said


@pytest.mark.parametrize("processes", [1, 2])
def test_an_evaluation_under_way_is_abandoned(configs, tmp_path, processes):
    """At the next batch, of three a process; where several have to agree, not before it."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW.format(root=str(ROOT)))
    with started(configs, script, "max_epoch=2", f"total_bs={2 * processes}", processes=processes) as run:
        until(lambda: list(Path().glob("evaluated-*")))
        os.killpg(run.pid, signal.SIGTERM)
        said, _ = run.communicate(timeout=30)
    assert said.count("interrupted: saved") == 1, said
    assert len(list(Path().glob("evaluated-*"))) < 3
    state = load_checkpoint(FOLDER / "ckpt-last.pth")
    assert (state["epoch"], state["step"]) == (1, 14 // (2 * processes))


def test_workers_end_with_a_process_that_fails(configs, tmp_path):
    script = tmp_path / "failing.py"
    failing = SLOW.replace("slow(points, npoints):", "slow(*_, **__):\n    raise RuntimeError('broken')")
    script.write_text(failing.format(root=str(ROOT)))
    with started(configs, script, "max_epoch=2") as run:
        said, _ = run.communicate(timeout=30)
    assert run.returncode == 1 and "RuntimeError: broken" in said, said
    until(lambda: not of_this_folder())


def test_workers_end_with_a_process_that_is_killed(configs):
    with started(configs, ROOT / "main.py", "max_epoch=100000", "val_from=100000") as run:
        until(lambda: epochs() and len(of_this_folder()) >= 3)
        run.kill()
        run.wait()
        until(lambda: not of_this_folder())


def test_only_a_second_ctrl_c_stops_at_once():
    with StopRequest() as stop:
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert stop.made and stop.by == signal.SIGUSR1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert Interrupted("", stop.by).code == REQUEUE == 75 and Interrupted("", signal.SIGINT).code == 130


def test_what_nohup_runs_does_not_hear_of_a_closed_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.made
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
