"""Many runs of main.py: skipped where done, several at once, gone on with after an interruption."""

import argparse
import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tools.builder import run_folder
from utils.errors import UserError
from utils.logging import progress

FLAGS = {
    "pretrain": (),
    "finetune": ("--finetune_model",),
    "scratch": ("--scratch_model",),
    "test": ("--test", "--vote"),
    "zeroshot": ("--zeroshot",),
    "svm": ("--svm",),
}
RESUMED = ("pretrain", "finetune", "scratch", "test")
# Imported once for all jobs, which are forked from the process that holds them.
PRELOADED = ["tools.runner_classify", "tools.runner_pretrain", "tools.runner_zeroshot", "torch.utils.tensorboard"]


@dataclass(frozen=True)
class Job:
    """One run of main.py.

    Attributes:
        task: a key of `FLAGS`; "test" votes as well.
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
    fold: tuple[int, int, int] | None = None
    after: "Job | None" = None
    ckpts: str | None = None
    flags: tuple[str, ...] = ()
    seconds: float = 60.0

    @property
    def folder(self) -> Path:
        return run_folder(self.config, self.task, self.name, *(self.fold or ()))

    @property
    def start(self) -> str | None:
        """The checkpoint it starts from."""
        if self.after is None:
            return self.ckpts
        return str(self.after.folder / ("ckpt-last.pth" if self.after.task == "pretrain" else "ckpt-best.pth"))

    def __str__(self) -> str:
        return str(self.folder.relative_to("experiments"))

    def metrics(self) -> dict | None:
        """What metrics.json says, if it is of this very job, finished or not."""
        try:
            found = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        same = {"task": self.task, "seed": self.seed, "opts": list(self.opts), "ckpts": self.start}
        return found if isinstance(found, dict) and same == {key: found.get(key) for key in same} else None

    def result(self) -> dict | None:
        """The metrics of the finished run, unless the run that it starts from is not done or was made anew since."""
        found = self.metrics()
        return found if found and found.get("finished") and self._in_time() else None

    def _in_time(self) -> bool:
        """Whether metrics.json is not older than the weights that the run starts from."""
        if self.after is None:
            return True
        earlier, own = (job.folder / "metrics.json" for job in (self.after, self))
        return self.after.result() is not None and earlier.stat().st_mtime <= own.stat().st_mtime

    def arguments(self) -> list[str]:
        """The command line of main.py; a run of this job that was interrupted is resumed."""
        words = [
            "--config",
            self.config,
            "--exp_name",
            self.name,
            "--seed",
            str(self.seed),
            *FLAGS[self.task],
            *self.flags,
        ]
        if self.fold:
            words += [
                word for pair in zip(("--way", "--shot", "--fold"), map(str, self.fold), strict=True) for word in pair
            ]
        if self.start:
            words += ["--ckpts", self.start]
        found = self.metrics()
        if self.task in RESUMED and found and not found.get("finished") and self._in_time():
            words.append("--resume")
        return words + (["--opts", *self.opts] if self.opts else [])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `slots` takes."""
    parser.add_argument("--gpus", metavar="0,1", help="GPUs to use, one run each, or cpu (default: every GPU there is)")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="runs at once on the CPU (default: one a core, at most 4)"
    )


def slots(args: argparse.Namespace) -> list[str]:
    """Where runs are made at the same time, as values of CUDA_VISIBLE_DEVICES: one a GPU, or some on the CPU ("").

    Raises:
        UserError: if there is no such GPU, or no run would be made.
    """
    count = torch.cuda.device_count()
    if args.jobs is not None and args.jobs < 1:
        raise UserError(f"--jobs must be at least 1, got {args.jobs}")
    if args.gpus == "cpu" or (args.gpus is None and not count):
        return [""] * (args.jobs or min(4, os.cpu_count() or 1))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    known = (visible.split(",") if visible else list(map(str, range(count))))[:count]
    chosen = known if args.gpus is None else args.gpus.split(",")
    for gpu in chosen:
        if gpu not in known:
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


def estimate(jobs: Sequence[Job], places: int) -> float:
    """Seconds that the jobs take on so many slots: those that others wait for come first, so they pack well."""
    return max(sum(job.seconds for job in jobs) / places, max((job.seconds for job in jobs), default=0.0))


def run_jobs(jobs: Sequence[Job], places: Sequence[str], logs: Path, workers: int = 0) -> list[Job]:
    """Run the jobs that are not done.

    Args:
        jobs: what is wanted; what they start from is run first.
        places: see `slots`.
        logs: folder for what each run prints.
        workers: loader processes of each run.

    Returns:
        The jobs that failed, or that start from one that did.

    Raises:
        KeyboardInterrupt: on Ctrl-C or SIGTERM, when the runs under way have saved and ended.
    """
    waiting = [job for job in in_order(jobs) if job.result() is None]
    if not waiting:
        return []
    logs.mkdir(parents=True, exist_ok=True)
    total, began, spent = len(waiting), time.monotonic(), 0.0
    failed: list[Job] = []
    running: dict[multiprocessing.Process, tuple[Job, str, float]] = {}
    free = list(places)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with progress(total=total, unit="run") as bar, _terminable(), _threads(len(places), places[0] == ""):
        try:
            while waiting or running:
                for job in list(waiting):
                    if job.after in failed:
                        waiting.remove(job)
                        failed.append(job)
                        bar.update()
                    elif free and not _blocked(job, waiting, running):
                        waiting.remove(job)
                        place = free.pop(0)
                        log = logs / f"{str(job).replace('/', '-')}.log"
                        arguments = [*job.arguments(), "--num_workers", str(workers)]
                        process = context.Process(target=_run_main, args=(arguments, log.resolve(), place, os.getcwd()))
                        process.start()
                        running[process] = job, place, time.monotonic()
                left = sum(job.seconds for job in waiting) + sum(job.seconds for job, *_ in running.values())
                pace = (time.monotonic() - began) * len(places) / spent if spent else 1.0
                names = ", ".join(str(job) for job, *_ in running.values())
                bar.set_description_str(
                    f"about {left * pace / len(places) / 60:.0f} min left: {names[:60]}", refresh=False
                )
                multiprocessing.connection.wait([process.sentinel for process in running], timeout=30)
                for process in [process for process in running if process.exitcode is not None]:
                    job, place, started = running.pop(process)
                    free.append(place)
                    spent += job.seconds
                    bar.update()
                    seconds = time.monotonic() - started
                    if process.exitcode == 0:
                        bar.write(f"[{bar.n}/{total}] {job}: {headline(job)} ({seconds:.0f} s)", file=sys.stdout)
                    else:
                        failed.append(job)
                        log = logs / f"{str(job).replace('/', '-')}.log"
                        bar.write(
                            f"[{bar.n}/{total}] {job}: failed: {_last_line(log)} (all of it: {log})", file=sys.stdout
                        )
                    sys.stdout.flush()
        except KeyboardInterrupt:
            for process in running:
                os.kill(process.pid, signal.SIGTERM)
            for process in running:
                process.join()
            raise KeyboardInterrupt("what was done is kept; the same command goes on") from None
    return failed


def check_failures(failed: Sequence[Job], logs: Path) -> None:
    """Raise a UserError if runs failed."""
    if failed:
        raise UserError(f"{len(failed)} runs failed or could not start, first {failed[0]}; what they said is in {logs}")


def _blocked(job: Job, waiting: Sequence[Job], running: dict) -> bool:
    """Whether the job has to wait for the one that it starts from."""
    return job.after is not None and (job.after in waiting or any(job.after == other for other, *_ in running.values()))


def headline(job: Job) -> str:
    """The number that a run is about, in one phrase."""
    metrics = job.result()
    if metrics is None:
        return "no result"
    values = metrics.get("best") or metrics.get("last") or {}
    value = values.get(metrics["metric"])
    return metrics["metric"] + (" -" if value is None else f" {value:.4g}")


def _run_main(arguments: list[str], log: Path, place: str, folder: str) -> None:
    """What a job's process does: main.py with its output in a file."""
    os.chdir(folder)
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which passes it on once
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number in (1, 2):
        os.dup2(file, number)
    os.environ["CUDA_VISIBLE_DEVICES"] = place
    sys.argv = ["main.py", *arguments]
    print("python", *sys.argv, flush=True)
    runpy.run_path(str(Path(__file__).parent.parent / "main.py"), run_name="__main__")


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1].removeprefix("error: ")[:300] if lines else "it left no message"


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Answer SIGTERM as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
