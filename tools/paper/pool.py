"""Planned runs at the same time on the devices of this machine, one run per device."""

import fcntl
import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.engine.task import all_tasks
from tools.paper.runs import PlannedRun
from utils.distributed import end_with_parent


class Pool:
    """Makes planned runs; see `run_all`.

    Args:
        size: how many are made at the same time.
        where: they are made, and what becomes of them when the command is `left`, for the user.

    Attributes:
        running: for each run under way: its process or job, its device, and when it was started.
    """

    def __init__(self, size: int, where: str, left: str):
        self.size, self.where, self.left = size, where, left
        self.running: dict[PlannedRun, tuple[Any, str, float]] = {}

    def take(self, waiting: Sequence[PlannedRun]) -> list[PlannedRun]:
        """Get to know all wanted runs, before any other method is called; returns those that are yet to be started."""
        return list(waiting)

    def start(self, run: PlannedRun) -> bool:
        """Start a run that `take` has left, if there is room for it now; returns whether there is."""
        raise NotImplementedError

    def finished(self) -> Iterator[tuple[PlannedRun, bool, float]]:
        """Wait a while, and yield each run that has ended, whether it succeeded, and its seconds."""
        for run in self._wait() if self.running else ():
            *_, began = self.running.pop(run)
            result = run.result()
            yield run, result is not None, (result or {}).get("wall_seconds", time.monotonic() - began)

    def remaining(self, waiting: Sequence[PlannedRun], pace: float) -> float:
        """Seconds until all is done, if runs take `pace` times as long as estimated."""
        now = time.monotonic()
        running = sum(max(run.seconds * pace - (now - began), 0) for run, (*_, began) in self.running.items())
        return (running + pace * sum(run.seconds for run in waiting)) / self.size

    def stop(self) -> None:
        """Leave what runs, or is queued, to itself."""

    def _wait(self) -> list[PlannedRun]:
        """Wait a while; returns the runs that have ended."""
        raise NotImplementedError


class WorkerPool(Pool):
    """Processes that run main.py, one run per device, forked from one that has imported everything.

    submitit's local executor has no queue, does not know which device is free, and starts an interpreter for every run,
    whose imports take some seconds: as long as many runs of a table on the synthetic world.

    Args:
        devices: the value of CUDA_VISIBLE_DEVICES for each run that is made at the same time.
        workers: loader processes of each run; None: none on the CPU, with GPUs a share of the cores.
    """

    def __init__(self, devices: Sequence[str], workers: int | None = None):
        where = f"one run each on GPU {', '.join(devices)}" if devices[0] else f"{len(devices)} runs at once on the CPU"
        super().__init__(len(devices), where, "finished runs are kept; the same command continues")
        self.devices = devices
        shared = max(1, min(8, (os.cpu_count() or 1) // len(devices) - 1))
        self.workers = workers if workers is not None else 0 if devices[0] == "" else shared
        if devices[0] == "":  # the runs share the cores, unless the user has set their number of threads
            os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // len(devices))))

    def take(self, waiting: Sequence[PlannedRun]) -> list[PlannedRun]:
        context = self.context = multiprocessing.get_context("forkserver")
        # Imported once, by the process from which all runs are forked.
        context.set_forkserver_preload(["torch.utils.tensorboard", *(task.__module__ for task in all_tasks())])
        return list(waiting)

    def start(self, run: PlannedRun) -> bool:
        free = Counter(self.devices) - Counter(device for _, device, _ in self.running.values())
        if not free:
            return False
        run.folder.mkdir(parents=True, exist_ok=True)
        device = next(iter(free))
        self.running[run] = self._begin(run, device), device, time.monotonic()
        return True

    def stop(self) -> None:
        """Ask every run to save and end, and wait until it has."""
        for process, *_ in self.running.values():
            process.terminate()
        for process, *_ in self.running.values():
            process.join()

    def _begin(self, run: PlannedRun, device: str) -> Any:
        process = self.context.Process(target=_run_in_pool, args=(run, device, self.workers, os.getcwd()))
        process.start()
        return process

    def _wait(self) -> list[PlannedRun]:
        multiprocessing.connection.wait([process.sentinel for process, *_ in self.running.values()], timeout=30)
        return [run for run, (process, *_) in self.running.items() if process.exitcode is not None]


def _run_in_pool(run: PlannedRun, device: str, workers: int, folder: str) -> None:
    os.chdir(folder)
    os.setpgid(0, 0)  # Ctrl-C reaches the command alone, which passes it on once
    end_with_parent()  # runs of a command that was killed save and end
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    os.environ["CUDA_VISIBLE_DEVICES"] = device
    run_here(run, workers, "__main__")


def run_here(run: PlannedRun, workers: int | None, name: str) -> None:
    """Run main.py in this process, its output in the run folder, unless another command finishes the run meanwhile.

    Args:
        run: the run.
        workers: its loader processes; None: as many as main.py takes.
        name: of main.py as a module: as "__main__" it ends this process if it fails, otherwise it raises.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    file = os.open(run.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(file, number)
    with open(run.folder / ".lock", "a") as lock:  # the one of main.py, which a process may take twice
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"waiting for the run of another command in {run.folder}", flush=True)
            fcntl.lockf(lock, fcntl.LOCK_EX)
        if run.result() is not None:
            return
        sys.argv = ["main.py", *run.arguments(), *([] if workers is None else ["--num_workers", str(workers)])]
        print("python", *sys.argv, flush=True)
        module = runpy.run_path(str(Path(__file__).parents[2] / "main.py"), run_name=name)
        if name != "__main__":
            module["main"]()
