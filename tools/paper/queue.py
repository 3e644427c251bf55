"""Planned runs are made here: a worker pool on the devices of this machine, one run per device."""

import argparse
import ctypes
import fcntl
import logging
import math
import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import os
import re
import runpy
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from tools.engine.task import all_tasks
from tools.paper.render import Table, save, show
from tools.paper.runs import PlannedRun, in_order
from utils.errors import UserError
from utils.logging import ConsoleHandler, progress


def choose_devices(args: argparse.Namespace) -> list[str]:
    """The value of CUDA_VISIBLE_DEVICES for each run made at the same time: one a GPU, or some on the CPU ("").

    Raises:
        UserError: if there is no such GPU, or no run would be made.
    """
    count = torch.cuda.device_count()
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


class WorkerPool:
    """Processes that run main.py, one run per device.

    Args:
        devices: see `choose_devices`.
        logs: folder for what each run prints.
        workers: loader processes of each run; None: none on the CPU, with GPUs a share of the cores.
    """

    def __init__(self, devices: Sequence[str], logs: Path, workers: int | None = None):
        self.free, self.logs = list(devices), logs
        shared = max(1, min(8, (os.cpu_count() or 1) // len(devices) - 1))
        self.workers = workers if workers is not None else 0 if devices[0] == "" else shared
        if devices[0] == "":  # the runs share the cores, unless the user has set their number of threads
            os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // len(devices))))
        self.context = multiprocessing.get_context("forkserver")
        # Imported once, by the process from which all runs are forked.
        self.context.set_forkserver_preload(["torch.utils.tensorboard", *(task.__module__ for task in all_tasks())])
        self.running: dict[PlannedRun, tuple[multiprocessing.process.BaseProcess, str, float]] = {}

    def log_file(self, run: PlannedRun) -> Path:
        return self.logs / f"{str(run).replace('/', '-')}.log"

    def start(self, run: PlannedRun) -> None:
        """Start a run on a free device."""
        device = self.free.pop(0)
        arguments = (run, device, self.workers, self.log_file(run).resolve(), os.getcwd())
        process = self.context.Process(target=_run_main, args=arguments)
        process.start()
        self.running[run] = process, device, time.monotonic()

    def finished(self) -> Iterator[tuple[PlannedRun, bool, float]]:
        """Wait a while, and yield each run that has ended, whether it succeeded, and its seconds."""
        if self.running:
            multiprocessing.connection.wait([process.sentinel for process, *_ in self.running.values()], timeout=30)
        for run, (process, device, began) in list(self.running.items()):
            if process.exitcode is not None:
                del self.running[run]
                self.free.append(device)
                yield run, process.exitcode == 0 and run.result() is not None, time.monotonic() - began

    def remaining(self, waiting: Sequence[PlannedRun], pace: float) -> float:
        """Seconds until all is done, if runs take `pace` times as long as estimated."""
        now = time.monotonic()
        running = sum(max(run.seconds * pace - (now - began), 0) for run, (*_, began) in self.running.items())
        return (running + pace * sum(run.seconds for run in waiting)) / (len(self.running) + len(self.free))

    def stop(self) -> None:
        """Ask every run to save and end, and wait until it has."""
        for process, *_ in self.running.values():
            process.terminate()
        for process, *_ in self.running.values():
            process.join()


def run_all(
    runs: Sequence[PlannedRun], devices: Sequence[str], logs: Path, workers: int | None = None
) -> list[PlannedRun]:
    """Make the runs that are not finished.

    Args:
        runs: the wanted ones; what they start from is run first.
        devices, logs, workers: see `WorkerPool`.

    Returns:
        The runs that failed, or that start from one that did.

    Raises:
        KeyboardInterrupt: on Ctrl-C, SIGTERM or SIGHUP, once the current runs have saved and ended.
    """
    waiting = [run for run in in_order(runs) if run.result() is None]
    if not waiting:
        return []
    logs.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger("runs")
    log.propagate, log.handlers = False, [ConsoleHandler()]
    log.setLevel(logging.INFO)
    total, failed, reasons = len(waiting), [], {}
    estimated = took = 1.0  # seconds of the finished runs
    # Without the bar's own estimate, which takes all runs to be alike.
    layout = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    before = {n: signal.signal(n, signal.default_int_handler) for n in (signal.SIGTERM, signal.SIGHUP)}
    with progress(total=total, unit="run", bar_format=layout) as bar:
        pool = WorkerPool(devices, logs, workers)
        try:
            while waiting or pool.running:
                for run in list(waiting):
                    if run.after in failed:
                        waiting.remove(run)
                        failed.append(run)
                        bar.update()
                    elif pool.free and run.after not in waiting and run.after not in pool.running:
                        waiting.remove(run)
                        pool.start(run)
                minutes = math.ceil(pool.remaining(waiting, took / estimated) / 60)
                bar.set_description_str(f"about {minutes} min left", refresh=False)
                bar.set_postfix_str(", ".join(map(str, pool.running))[:60], refresh=False)
                for run, succeeded, seconds in pool.finished():
                    bar.update()
                    if succeeded:
                        estimated, took = estimated + run.seconds, took + seconds
                        outcome = f"{headline(run)} ({seconds:.0f} s)"
                    else:
                        failed.append(run)
                        file = pool.log_file(run)
                        why = _last_line(file)
                        first = reasons.setdefault(re.sub(r"\d+", "", why), run)
                        outcome = f"failed: {why} (full log: {file})" if first is run else f"failed: much as {first}"
                    log.info(f"[{bar.n}/{total}] {run}: {outcome}")
        except KeyboardInterrupt:
            pool.stop()
            raise KeyboardInterrupt("finished runs are kept; the same command continues") from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return failed


def make_tables(tables: Mapping[Path, Table], devices: Sequence[str], logs: Path, workers: int | None = None) -> None:
    """Make the runs that tables lack, then save and print the tables; interrupted, save what there is.

    Args:
        tables: by where each is saved, without a suffix.
        devices, logs, workers: see `run_all`.

    Raises:
        UserError: if runs failed, once all tables are printed.
        KeyboardInterrupt: see `run_all`.
    """
    try:
        failed = run_all([run for table in tables.values() for run in table.runs], devices, logs, workers)
    finally:
        saved = {stem for stem, table in tables.items() if save(table, stem)}
    for stem, table in tables.items():
        show(table)
        print(f"saved as {stem}.md, .csv and .json\n" if stem in saved else "nothing to save\n")
    if failed:
        raise UserError(f"{len(failed)} runs failed or could not start, first {failed[0]}; their logs are in {logs}")


def headline(run: PlannedRun) -> str:
    """The main metric of a finished run, in one phrase."""
    metrics = run.result() or {"metric": "?", "last": {}}
    value = (metrics.get("best") or metrics["last"]).get(metrics["metric"])
    return metrics["metric"] + (" -" if value is None else f" {value:.4g}")


def _run_main(run: PlannedRun, device: str, workers: int, log: Path, folder: str) -> None:
    """Run main.py in this process with its output in a file, unless another command has finished the run meanwhile."""
    os.chdir(folder)
    os.setpgid(0, 0)  # Ctrl-C reaches the command alone, which passes it on once
    if sys.platform == "linux":  # runs of a command that was killed get SIGTERM, upon which they save and end
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    run.folder.mkdir(parents=True, exist_ok=True)
    with open(run.folder / ".lock", "a") as lock:  # the one of main.py, which a process may take twice
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for number in (1, 2):
            os.dup2(file, number)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"waiting for the run of another command in {run.folder}", flush=True)
            fcntl.lockf(lock, fcntl.LOCK_EX)
        if run.result() is not None:
            return
        os.environ["CUDA_VISIBLE_DEVICES"] = device
        sys.argv = ["main.py", *run.arguments(), "--num_workers", str(workers)]
        print("python", *sys.argv, flush=True)
        runpy.run_path(str(Path(__file__).parents[2] / "main.py"), run_name="__main__")


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1].removeprefix("error: ")[:800] if lines else "it left no message"
