"""Several processes that fail, are stopped and are started again, and runs that go on with another number of them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
import torch

from tools.engine.data import Batches
from tools.engine.loop import Trainer
from utils import distributed, seeding
from utils.errors import Interrupted, UserError
from utils.logging import read_metrics

ROOT = Path(__file__).parent.parent
FOLDER = Path("experiments/classify/cfgs/default")


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextlib.contextmanager
def launched(configs, *options: str, flags: tuple[str, ...] = (), opts: tuple[str, ...] = ()) -> Iterator:
    """Train from scratch with tools.launch."""
    command = [sys.executable, "-m", "tools.launch", "--standalone", *options, str(ROOT / "main.py"), *flags]
    command += ["--launcher", "pytorch", "--config", str(configs["classify"]), "--scratch_model", "--num_workers", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    environment["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = "300"  # of newer versions of PyTorch: instead of 30 s
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen([*command, "--opts", "val_from=100000", *opts], env=environment, **pipes)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        process.communicate()


def children(process: int) -> list[int]:
    return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def epochs() -> int:
    return (read_metrics(FOLDER) or {"epochs": 0})["epochs"]


def test_the_job_goes_on_when_a_process_is_killed_and_ends_when_it_is_asked(run, configs):
    """With --overwrite it replaces what was there before, but not what it made itself before it was started again."""
    run("classify", "--scratch_model", "--opts", "max_epoch=0")
    before = read_metrics(FOLDER)["run"]
    options, flags = ("--nproc-per-node=2", "--max-restarts=3"), ("--overwrite",)
    with launched(configs, *options, flags=flags, opts=("max_epoch=100000",)) as job:
        until(lambda: read_metrics(FOLDER)["run"] != before and epochs() > 1)
        killed, at = children(job.pid), epochs()
        os.kill(killed[-1], signal.SIGKILL)
        until(lambda: epochs() > at + 2 and not {*killed} & {*children(job.pid)})
        job.send_signal(signal.SIGUSR1)
        said, _ = job.communicate(timeout=400)
    assert job.returncode == 75 and said.count("interrupted: saved") == 1, said
    assert said.count("resuming at epoch") == 1 and "in use" not in said and read_metrics(FOLDER)["run"] != before
    at = epochs()
    assert run("classify", "--scratch_model", "--resume", "--opts", f"max_epoch={at}") == FOLDER
    said = max(FOLDER.glob("*.log"), key=lambda path: path.stat().st_mtime).read_text()
    assert "resuming with 1 processes instead of 2" in said and f"resuming at epoch {at}" in said
    assert read_metrics(FOLDER)["finished"] and epochs() == at + 1


def test_status_after_an_error(configs):
    with launched(configs, "--nproc-per-node=1", opts=("no_such_key=1",)) as job:
        said, _ = job.communicate(timeout=300)
    assert job.returncode == 2 and said.count("error: ") == 1 and "unknown config key" in said, said


def test_status_when_stopped_before_anything_is_saved(configs, tmp_path):
    """The processes do not hear of the signal."""
    script = tmp_path / "sleeping.py"
    script.write_text("import pathlib, time\npathlib.Path('up').touch()\ntime.sleep(1000)\n")
    command = [sys.executable, "-m", "tools.launch", "--standalone", "--nproc-per-node=1", str(script)]
    job = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    until(Path("up").exists)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(timeout=300) == 1


@pytest.mark.parametrize("device, steps", [("cuda", [2, 4, 8, 16, 20, 20, 10, 5, 2, 1, 1, 2]), ("cpu", [1] * 12)])
def test_several_processes_look_every_few_seconds(monkeypatch, device, steps):
    """Twice as rarely after a look that came soon, twice as often after one that came late in any process."""
    clock, found = iter([float(x) for x in range(0, 10**6)]), []
    monkeypatch.setattr("utils.distributed.world_size", lambda: 2)
    monkeypatch.setattr("utils.distributed.anywhere", lambda flags, _: list(flags))
    monkeypatch.setattr("tools.engine.loop.time.monotonic", lambda: next(clock))
    trainer = mock.Mock(every=1, looked=0.0, unread=[], run=mock.Mock(device=torch.device(device)))
    trainer.stop.made = trainer.checkpoints.due.return_value = False
    for look in range(12):
        trainer.looked -= 3 * (6 <= look < 11)
        Trainer._save_if_asked(trainer)
        found.append(trainer.every)
    assert found == steps


def test_a_job_without_a_name_is_not_started_again(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_MAX_RESTARTS": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="--max-restarts needs --rdzv-id"):
        distributed.job()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")
    assert distributed.job() == "7"


@pytest.mark.parametrize("torchrun", [True, False])
def test_a_parent_that_is_process_1(monkeypatch, torchrun):
    """Of a container, say its shell; where torchrun started this process, it has ended."""
    calls = []
    monkeypatch.setattr(distributed, "end_with_parent", lambda: calls.append(1))
    monkeypatch.setattr(distributed.os, "getppid", lambda: 1)
    monkeypatch.setattr(distributed.Path, "read_bytes", lambda _: b"/bin/sh\0-c\0python main.py")
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    if not torchrun:
        distributed._end_with_torchrun()
        assert not calls
        return
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")
    with pytest.raises(UserError, match="torchrun, which started this process, has ended"):
        distributed._end_with_torchrun()
    assert calls


def test_processes_that_do_not_meet(monkeypatch):
    """Within the time that --timeout gives them."""
    with socket.socket() as taken:  # bound but not listening: nobody answers
        taken.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(taken.getsockname()[1]), "RANK": "1", "WORLD_SIZE": "2"}
        for name, value in place.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UserError, match="the 2 processes cannot meet at 127.0.0.1:.* within 0.03 minutes"):
            distributed.start("pytorch", 0, minutes=0.03)


def test_resume_auto_takes_up_the_same_run_only(run):
    folder = run("classify", "--scratch_model", "--resume", "auto", "--opts", "max_epoch=0")
    made = json.loads((folder / "metrics.json").read_text())
    run("classify", "--scratch_model", "--resume", "auto", "--opts", "max_epoch=0")
    assert json.loads((folder / "metrics.json").read_text())["run"] == made["run"]
    with pytest.raises(UserError, match="holds a finished run: --overwrite replaces it"):
        run("classify", "--scratch_model", "--resume", "auto", "--opts", "max_epoch=1")
    run("classify", "--scratch_model", "--resume", "auto", "--overwrite", "--opts", "max_epoch=0")
    assert json.loads((folder / "metrics.json").read_text())["run"] != made["run"]


@pytest.mark.parametrize("resume", [["--resume", "auto"], ["--resume"]])
def test_a_drawn_seed_is_kept(run, monkeypatch, resume):
    """Also by a command that is given twice; a run of other settings gets another one."""
    draws = iter((11, 12, 13, 14))
    monkeypatch.setattr("tools.engine.run.secrets.randbelow", lambda _: next(draws))
    command = ["classify", "--scratch_model", "--seed", "random", *resume, "--opts"]
    for exp, seed in {"run1": 11, "run2": 12, "run1/": 11}.items():
        made = read_metrics(run(*command, "max_epoch=0", exp=exp))
        assert made["seed"] == seed and made["finished"]
    if resume != ["--resume"]:
        made = read_metrics(run(*command, "max_epoch=1", "--overwrite", exp="run1"))
        assert made["seed"] == 14


def test_resume_auto_without_a_seed_goes_on_with_that_of_the_run(run):
    command = ["classify", "--scratch_model", "--opts", "max_epoch=0"]
    made = read_metrics(run(*command, "--seed", "31"))
    again = read_metrics(run(*command, "--resume", "auto"))
    assert made["run"] == again["run"] and again["seed"] == 31
    assert read_metrics(run(*command, "--resume", "auto", exp="other"))["seed"] == 0


def samples_of(monkeypatch, call: Callable[[], object]) -> list[int]:
    """Indices of the samples of all batches that are loaded meanwhile."""
    seen: list[int] = []
    batches = Batches.__iter__

    def noted(self):
        for batch in batches(self):
            seen.extend(batch * self.train)
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__iter__", noted)
        call()
    return seen


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize("total, left_out", [(4, 0), (2, 0), (3, 2), (6, 2), (5, 1)])
def test_an_epoch_goes_on_at_its_sample(run, monkeypatch, total, left_out, together):
    """With other batches: no sample comes twice in the epoch, and less than a batch of them is left out."""

    def stop(self):
        if self.at.step == 1:
            raise self._saved_to_stop()

    def begin():
        with pytest.raises(Interrupted):
            run("classify", "--scratch_model", "--opts", "max_epoch=0", "total_bs=4")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_if_asked", stop)
        seen = samples_of(monkeypatch, begin)[:4]
    resume = ["--scratch_model", "--resume", "--opts", "max_epoch=0", f"total_bs={total}"]
    resume += [f"step_per_update={together}", "accumulation=mean"]
    after = samples_of(monkeypatch, lambda: run("classify", *resume))
    order = torch.randperm(14, generator=seeding.generator("cpu", 0, "order", 0)).tolist()
    assert seen == order[:4] and after == order[4 + left_out :][: len(after)]
    assert len(after) == 14 // total * total - 4 - left_out


@pytest.mark.parametrize("world", [1, 2, 3])
def test_order_of_samples_with_any_number_of_processes(world, monkeypatch):
    total, parts = 6, []
    for rank in range(world):
        monkeypatch.setattr("utils.distributed.rank", lambda rank=rank: rank)
        monkeypatch.setattr("utils.distributed.world_size", lambda: world)
        batches = Batches(20, total // world, True, seed=3)
        batches.seek(5, 1)
        parts.append(list(batches))
    order = torch.randperm(20, generator=seeding.generator("cpu", 3, "order", 5)).tolist()
    turns = [[i for turn in zip(*step, strict=True) for i in turn] for step in zip(*parts, strict=True)]
    assert turns == [order[6:12], order[12:18]]
