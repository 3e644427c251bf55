"""Many runs of main.py: skipped where done, several at once, gone on with after an interruption."""

import argparse
import contextlib
import ctypes
import functools
import logging
import math
import multiprocessing
import multiprocessing.connection
import os
import re
import runpy
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tools.engine.config import Fold, parse_run_config, read_config, run_folder
from tools.engine.run import differences, run_identity
from utils.errors import UserError
from utils.logging import ConsoleHandler, progress, read_metrics

FLAGS = {
    "pretrain": (),
    "finetune": ("--finetune_model",),
    "scratch": ("--scratch_model",),
    "test": ("--test",),
    "zeroshot": ("--zeroshot",),
    "svm": ("--svm",),
}
RESUMED = ("pretrain", "finetune", "scratch")  # a test goes on with its rounds of voting by itself
# Imported once for all jobs, which are forked from the process that holds them.
PRELOADED = ["tools.tasks.classify", "tools.tasks.pretrain", "tools.tasks.zeroshot", "torch.utils.tensorboard"]


@dataclass(frozen=True)
class Job:
    """One run of main.py.

    Attributes:
        task: a key of `FLAGS`.
        config: YAML file.
        name: of the run folder.
        seed: of the run.
        opts: overrides, as `key=value`.
        fold: (way, shot, fold) of few-shot classification.
        after: the run whose weights it starts from: the last ones of pretraining, else the best.
        ckpts: a checkpoint to start from, where no job makes it.
        flags: further arguments of main.py.
        seconds: how long it takes, roughly, with one slot to itself.
    """

    task: str
    config: str
    name: str
    seed: int = 0
    opts: tuple[str, ...] = ()
    fold: Fold | None = None
    after: "Job | None" = None
    ckpts: str | None = None
    flags: tuple[str, ...] = ()
    seconds: float = 60.0

    @property
    def folder(self) -> Path:
        return run_folder(self.config, self.task, self.name, self.fold)

    @property
    def start(self) -> str | None:
        """The checkpoint it starts from."""
        if self.after is None:
            return self.ckpts
        return str(self.after.folder / ("ckpt-last.pth" if self.after.task == "pretrain" else "ckpt-best.pth"))

    def __str__(self) -> str:
        return str(self.folder.relative_to("experiments"))

    @functools.cached_property
    def raw(self) -> dict:
        """The config with its overrides."""
        return read_config(self.config, self.opts, self.fold)

    def metrics(self) -> dict | None:
        """What metrics.json says, if it is of this very job, finished or not."""
        try:
            found = read_metrics(self.folder)
        except UserError:
            found = None
        if found is None or (self.after is not None and self.after.result() is None):
            return None
        own = run_identity(self.task, self.seed, self.raw, self.start)
        if self.start and own["weights"] is None:  # removed since
            del own["weights"]
        return None if differences(found, own) else found

    def replaces(self) -> bool:
        """Whether a finished run of other settings, weights or data stands in its folder."""
        try:
            found = read_metrics(self.folder)
        except UserError:
            return False
        return bool(found and found.get("finished")) and self.metrics() is None

    def result(self) -> dict | None:
        """The metrics of the run, if it is finished."""
        found = self.metrics()
        if not found or not found.get("finished") or ("--vote" in self.flags and "vote" not in found["last"]):
            return None
        return found

    def arguments(self) -> list[str]:
        """The command line of main.py; a run of this job that was interrupted is resumed."""
        words = ["--config", self.config, "--exp_name", self.name, "--seed", str(self.seed)]
        words += [*FLAGS[self.task], *self.flags]
        if self.fold:
            words += "--way {} --shot {} --fold {}".format(*self.fold).split()
        if self.start:
            words += ["--ckpts", self.start]
        found = self.metrics()
        if self.task in RESUMED and found and not found.get("finished"):
            words.append("--resume")
        else:
            words.append("--overwrite")  # of an unfinished run; finished ones are looked after by `keep_results`
        return words + (["--opts", *self.opts] if self.opts else [])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `slots` takes."""
    parser.add_argument(
        "--gpus", metavar="0,1", help="GPUs to use, one run each (two on one named twice), or cpu (default: all)"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="runs at once on the CPU (default: one a core, at most 4)"
    )
    parser.add_argument("--num_workers", type=int, metavar="N", help="loader processes of each run (default: by cores)")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace finished runs of other settings, weights or data"
    )


def slots(args: argparse.Namespace) -> list[str]:
    """Where runs are made at the same time, as values of CUDA_VISIBLE_DEVICES: one a GPU, or some on the CPU ("").

    Raises:
        UserError: if there is no such GPU, or no run would be made.
    """
    count = torch.cuda.device_count()
    if (args.jobs is not None and args.jobs < 1) or (args.num_workers is not None and args.num_workers < 0):
        raise UserError("--jobs must be at least 1 and --num_workers at least 0")
    if args.gpus == "cpu" or (args.gpus is None and not count):
        return [""] * (args.jobs or min(4, os.cpu_count() or 1))
    if args.jobs is not None:
        raise UserError("--jobs is for runs on the CPU; on GPUs there is one for each that --gpus names")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    known = (visible.split(",") if visible else list(map(str, range(count))))[:count]
    chosen = known if args.gpus is None else args.gpus.split(",")
    for gpu in chosen:
        if gpu not in known and not gpu.startswith(("GPU-", "MIG-")):
            raise UserError(f"--gpus: there is no GPU '{gpu}' (there are: {', '.join(known) or 'none'})")
    return chosen


def in_order(jobs: Sequence[Job]) -> list[Job]:
    """Every job once, after the one that it starts from."""
    ordered: dict[Job, None] = {}

    def add(job: Job) -> None:
        if job.after is not None:
            add(job.after)
        ordered[job] = None

    for job in jobs:
        add(job)
    return list(ordered)


def check_configs(jobs: Sequence[Job]) -> None:
    """Read the config of every job and of what it starts from.

    Raises:
        UserError: for the first that is wrong.
    """
    for job in {(job.config, job.opts): job for job in in_order(jobs)}.values():
        try:
            parse_run_config(job.raw)
        except UserError as error:
            raise UserError(f"{job}: {error}") from None


def keep_results(jobs: Sequence[Job]) -> None:
    """Refuse to replace finished runs.

    Raises:
        UserError: if a job would.
    """
    lost = [job for job in in_order(jobs) if job.replaces()]
    if lost:
        raise UserError(
            f"{len(lost)} finished runs, first {lost[0].folder}, are of other settings, weights or data; "
            "--overwrite replaces them, moving them away keeps them"
        )


def estimate(jobs: Sequence[Job], places: int) -> float:
    """Seconds that the jobs take on so many slots, roughly: as if none had to wait for another."""
    return max(sum(job.seconds for job in jobs) / places, max((job.seconds for job in jobs), default=0.0))


class Crew:
    """Runs under way, at most one in a place.

    Args:
        places: see `slots`.
        logs: folder for what each run prints.
        workers: loader processes of each run; None: none on the CPU, with GPUs a share of the cores.
    """

    def __init__(self, places: Sequence[str], logs: Path, workers: int | None = None):
        self.free, self.logs = list(places), logs
        shared = max(1, min(8, (os.cpu_count() or 1) // len(places) - 1))
        self.workers = workers if workers is not None else 0 if places[0] == "" else shared
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)
        self.running: dict[Job, tuple[multiprocessing.Process, str, float]] = {}

    def log_file(self, job: Job) -> Path:
        return self.logs / f"{str(job).replace('/', '-')}.log"

    def start(self, job: Job) -> None:
        """Begin a run in a free place."""
        place = self.free.pop(0)
        told = (job, place, self.workers, self.log_file(job).resolve(), os.getcwd())
        process = self.context.Process(target=_run_main, args=told)
        process.start()
        self.running[job] = process, place, time.monotonic()

    def ended(self) -> Iterator[tuple[Job, bool, float]]:
        """Wait a while, and yield the runs that have ended: whether well, and after how many seconds."""
        if self.running:
            multiprocessing.connection.wait([process.sentinel for process, *_ in self.running.values()], timeout=30)
        for job, (process, place, began) in list(self.running.items()):
            if process.exitcode is not None:
                del self.running[job]
                self.free.append(place)
                yield job, process.exitcode == 0 and job.result() is not None, time.monotonic() - began

    def left(self, waiting: Sequence[Job], pace: float) -> float:
        """Seconds until all is done, if runs take `pace` times as long as was guessed."""
        now = time.monotonic()
        under_way = sum(max(job.seconds * pace - (now - began), 0) for job, (*_, began) in self.running.items())
        return (under_way + pace * sum(job.seconds for job in waiting)) / (len(self.running) + len(self.free))

    def stop(self) -> None:
        """Ask every run to save and end, and wait until it has."""
        for process, *_ in self.running.values():
            process.terminate()
        for process, *_ in self.running.values():
            process.join()


def run_jobs(jobs: Sequence[Job], places: Sequence[str], logs: Path, workers: int | None = None) -> list[Job]:
    """Run the jobs that are not done.

    Args:
        jobs: what is wanted; what they start from is run first.
        places, logs, workers: see `Crew`.

    Returns:
        The jobs that failed, or that start from one that did.

    Raises:
        KeyboardInterrupt: on Ctrl-C, SIGTERM or SIGHUP, when the runs under way have saved and ended.
    """
    waiting = [job for job in in_order(jobs) if job.result() is None]
    if not waiting:
        return []
    logs.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger("jobs")
    log.propagate, log.handlers = False, [ConsoleHandler()]
    log.setLevel(logging.INFO)
    total, failed, reasons = len(waiting), [], {}
    guessed = took = 1.0  # seconds of the runs that are done
    # Without the bar's own guess of what is left, which takes all runs to be alike.
    layout = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    with (
        progress(total=total, unit="run", bar_format=layout) as bar,
        _terminable(),
        _threads(len(places), places[0] == ""),
    ):
        crew = Crew(places, logs, workers)
        try:
            while waiting or crew.running:
                for job in list(waiting):
                    if job.after in failed:
                        waiting.remove(job)
                        failed.append(job)
                        bar.update()
                    elif crew.free and job.after not in waiting and job.after not in crew.running:
                        waiting.remove(job)
                        crew.start(job)
                minutes = math.ceil(crew.left(waiting, took / guessed) / 60)
                bar.set_description_str(f"about {minutes} min left", refresh=False)
                bar.set_postfix_str(", ".join(map(str, crew.running))[:60], refresh=False)
                for job, well, seconds in crew.ended():
                    bar.update()
                    if well:
                        guessed, took = guessed + job.seconds, took + seconds
                        log.info(f"[{bar.n}/{total}] {job}: {headline(job)} ({seconds:.0f} s)")
                    else:
                        failed.append(job)
                        file = crew.log_file(job)
                        why = _last_line(file)
                        first = reasons.setdefault(re.sub(r"\d+", "", why), job)
                        why = f"{why} (all of it: {file})" if first is job else f"much as {first}"
                        log.info(f"[{bar.n}/{total}] {job}: failed: {why}")
        except KeyboardInterrupt:
            crew.stop()
            raise KeyboardInterrupt("what was done is kept; the same command goes on") from None
    return failed


def headline(job: Job) -> str:
    """The number that a finished run is about, in one phrase."""
    metrics = job.result()
    value = (metrics.get("best") or metrics["last"]).get(metrics["metric"])
    return metrics["metric"] + (" -" if value is None else f" {value:.4g}")


def _run_main(job: Job, place: str, workers: int, log: Path, folder: str) -> None:
    """What a process does: main.py with its output in a file, unless another command has done the job meanwhile."""
    import fcntl

    os.chdir(folder)
    os.setpgid(0, 0)  # Ctrl-C reaches the command alone, which passes it on once
    if sys.platform == "linux":  # a command that was killed takes its runs along; they save and end
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    job.folder.mkdir(parents=True, exist_ok=True)
    with open(job.folder / ".lock", "a") as lock:  # the one of main.py, which a process may take twice
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for number in (1, 2):
            os.dup2(file, number)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"waiting for the run of another command in {job.folder}", flush=True)
            fcntl.lockf(lock, fcntl.LOCK_EX)
        if job.result() is not None:
            return
        os.environ["CUDA_VISIBLE_DEVICES"] = place
        sys.argv = ["main.py", *job.arguments(), "--num_workers", str(workers)]
        print("python", *sys.argv, flush=True)
        runpy.run_path(str(Path(__file__).parent.parent / "main.py"), run_name="__main__")


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1].removeprefix("error: ")[:800] if lines else "it left no message"


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Answer SIGTERM and a closed terminal as Ctrl-C."""
    before = {n: signal.signal(n, signal.default_int_handler) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _threads(places: int, on_cpu: bool) -> Iterator[None]:
    """Share the cores among the jobs, unless the user has said how many threads each gets."""
    given = os.environ.get("OMP_NUM_THREADS")
    if on_cpu and given is None:
        os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // places))
    try:
        yield
    finally:
        if given is None:
            os.environ.pop("OMP_NUM_THREADS", None)
