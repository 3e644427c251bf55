"""Planned runs as jobs of Slurm, or as processes of their own on this machine, through submitit."""

import argparse
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tools.paper.pool import Pool, WorkerPool, run_here
from tools.paper.runs import PlannedRun
from utils.config import apply_opts, read_yaml
from utils.errors import Interrupted, UserError
from utils.files import read_text
from utils.logging import write_json
from utils.optional import optional

LOGS = "experiments/jobs"  # what submitit writes; what a run prints is in its folder
POLL_SECONDS = {"local": 0.5, "slurm": 10.0}
DAY = 24 * 60  # minutes


class RunJob:
    """What submitit calls in a job: one run.

    Args:
        run: the run.
        device: the value of CUDA_VISIBLE_DEVICES; None: as the job finds it.
        workers: see `run_here`.
    """

    def __init__(self, run: PlannedRun, device: str | None, workers: int | None):
        self.run, self.device, self.workers = run, device, workers

    def __call__(self) -> None:
        if self.device is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.device
        try:
            run_here(self.run, self.workers, "main")
        except UserError as error:
            print(f"error: {error}", flush=True)
            raise
        except Interrupted as stop:
            print(f"interrupted: {stop}", flush=True)
            if stop.by == signal.SIGUSR2:  # time is up; it is told what it would have been told without a training run
                os.kill(os.getpid(), signal.SIGUSR2)
            raise

    def checkpoint(self) -> Any:
        """What the job does when it runs again: the same, which resumes."""
        return optional("submitit", "--cluster", "requirements-cluster.txt").helpers.DelayedSubmission(self)


class LocalJobs(WorkerPool):
    """Like the pool, but with submitit's local executor, as a rehearsal of Slurm; the runs outlive this command."""

    def __init__(self, devices: Sequence[str], workers: int | None = None):
        super().__init__(devices, workers)
        submitit = optional("submitit", "--cluster local", "requirements-cluster.txt")
        self.executor = submitit.LocalExecutor(LOGS)
        self.executor.update_parameters(timeout_min=365 * DAY)
        self.left = "runs under way go on; the same command continues"

    def take(self, waiting: Sequence[PlannedRun]) -> list[PlannedRun]:
        return list(waiting)

    def stop(self) -> None:
        """Leave what runs to itself."""

    def _begin(self, run: PlannedRun, device: str) -> Any:
        return self.executor.submit(RunJob(run, device, self.workers))

    def _wait(self) -> list[PlannedRun]:
        time.sleep(POLL_SECONDS["local"])
        return [run for run, (job, *_) in self.running.items() if job.done()]


class SlurmJobs(Pool):
    """All runs as one array of jobs, each of which starts once the one it starts from has succeeded.

    Args:
        keys: what submitit's SlurmExecutor takes, such as partition, account, time (minutes) and gpus_per_node.
        most: how many run at the same time; None: 256.
        workers: see `run_here`.

    Raises:
        UserError: without submitit or Slurm, and for wrong keys.
    """

    def __init__(self, keys: dict, most: int | None, workers: int | None):
        size = most or 256
        super().__init__(size, f"as jobs of Slurm, at most {size} at once", "the jobs stay with Slurm (squeue --me)")
        self.workers = workers
        submitit = optional("submitit", "--cluster slurm", "requirements-cluster.txt")
        # How a job asks to be put on hold first, and what becomes of one that will never start.
        further = {"hold": True, "requeue": True, "kill_on_invalid_dep": "yes", **keys.pop("additional_parameters", {})}
        try:
            self.executor = submitit.SlurmExecutor(LOGS, max_num_timeout=10_000)
            defaults = {"job_name": "recon", "time": DAY, "array_parallelism": size}
            self.executor.update_parameters(**defaults | keys, additional_parameters=further)
        except (RuntimeError, ValueError, TypeError) as error:
            raise UserError(f"--cluster slurm: {error}") from None

    def take(self, waiting: Sequence[PlannedRun]) -> list[PlannedRun]:
        """Submit all that is not queued already.

        Raises:
            UserError: if Slurm refuses it, or does not say what is queued.
        """
        queued = _queued(tries=5)
        jobs = {run: job for run in waiting if (job := _job_of(run)) in queued}
        new = [run for run in waiting if run not in jobs]
        if new:
            jobs |= self._submit(new, jobs)
        self.running = {run: (job, "", time.monotonic()) for run, job in jobs.items()}
        return []

    def _submit(self, new: Sequence[PlannedRun], queued: Mapping[PlannedRun, str]) -> dict[PlannedRun, str]:
        jobs = dict(queued)
        try:
            with self.executor.batch():
                submitted = [self.executor.submit(RunJob(run, None, self.workers)) for run in new]
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:  # submitit wraps what sbatch says
            raise UserError(f"sbatch: {error}") from None
        try:
            for run, job in zip(new, submitted, strict=True):
                jobs[run] = job.job_id
                run.folder.mkdir(parents=True, exist_ok=True)
                write_json({"job": job.job_id, "run": repr(run)}, run.folder / "job.json")
            for run in new:
                if run.after in jobs:
                    _slurm("scontrol", "update", f"JobId={jobs[run]}", f"Dependency=afterok:{jobs[run.after]}")
            _slurm("scontrol", "release", jobs[new[0]].partition("_")[0])
        except BaseException:  # on hold they would stay for ever
            _slurm("scancel", jobs[new[0]].partition("_")[0])
            raise
        return jobs

    def _wait(self) -> list[PlannedRun]:
        time.sleep(POLL_SECONDS["slurm"])
        try:
            queued = _queued(tries=1)
        except UserError:  # Slurm may be back next time
            return []
        return [run for run, (job, *_) in self.running.items() if job not in queued]


def slurm_keys(args: argparse.Namespace) -> dict:
    """Read what `--slurm` gives: YAML files of keys, and keys over them.

    Raises:
        UserError: for anything wrong with it.
    """
    keys: dict = {} if args.gpus == "cpu" else {"gpus_per_node": 1}
    for entry in args.slurm:
        keys = apply_opts(keys, [entry]) if "=" in entry else keys | read_yaml(entry)
    return keys


def _job_of(run: PlannedRun) -> str | None:
    """The job that was submitted for exactly this run, queued or over."""
    try:
        found = json.loads(read_text(run.folder / "job.json"))
        return found["job"] if found["run"] == repr(run) else None
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


def _queued(tries: int) -> set[str]:
    """The jobs of this user that are not over.

    Raises:
        UserError: if Slurm does not answer any of the tries.
    """
    while True:
        try:
            return {*_slurm("squeue", "--me", "--array", "--noheader", "--format", "%i").split()}
        except UserError:
            if (tries := tries - 1) <= 0:
                raise
            time.sleep(POLL_SECONDS["slurm"])


def _slurm(*command: str) -> str:
    """Call one of Slurm's commands.

    Raises:
        UserError: if it fails.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"{' '.join(command)}: {getattr(error, 'stderr', None) or error}") from None
