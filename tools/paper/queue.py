"""Many planned runs: their order, their progress, and the tables that are made of them."""

import argparse
import logging
import math
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from tools.paper.cluster import LocalJobs, SlurmJobs, slurm_keys
from tools.paper.pool import Pool, WorkerPool
from tools.paper.render import Table, save_table, show
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


def open_pool(args: argparse.Namespace) -> Pool:
    """Return what makes the runs, by the arguments of `tools.paper.arguments`.

    Raises:
        UserError: if they cannot be made so.
    """
    if args.cluster == "slurm":
        return SlurmJobs(slurm_keys(args), args.max_jobs, args.num_workers)
    if args.cluster is None:
        return WorkerPool(choose_devices(args), args.num_workers)
    args.jobs = args.max_jobs if args.gpus == "cpu" or not torch.cuda.device_count() else None
    return LocalJobs(choose_devices(args)[: args.max_jobs], args.num_workers)


def run_all(runs: Sequence[PlannedRun], pool: Pool) -> list[PlannedRun]:
    """Make the runs that are not finished.

    Args:
        runs: the wanted ones; what they start from is run first.
        pool: makes them.

    Returns:
        The runs that failed, or that start from one that did.

    Raises:
        KeyboardInterrupt: on Ctrl-C, SIGTERM or SIGHUP, once the runs under way have been stopped, if the pool does.
    """
    waiting = [run for run in in_order(runs) if run.result() is None]
    if not waiting:
        return []
    log = logging.getLogger("runs")
    log.propagate, log.handlers = False, [ConsoleHandler()]
    log.setLevel(logging.INFO)
    total, failed, reasons = len(waiting), [], {}
    estimated = took = 1.0  # seconds of the finished runs
    # Without the bar's own estimate, which takes all runs to be alike.
    layout = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    before = {n: signal.signal(n, signal.default_int_handler) for n in (signal.SIGTERM, signal.SIGHUP)}
    with progress(total=total, unit="run", bar_format=layout) as bar:
        try:
            waiting = pool.take(waiting)
            while waiting or pool.running:
                for run in list(waiting):
                    if run.after in failed:
                        waiting.remove(run)
                        failed.append(run)
                        bar.update()
                    elif run.after not in waiting and run.after not in pool.running and pool.start(run):
                        waiting.remove(run)
                minutes = math.ceil(pool.remaining(waiting, took / estimated) / 60)
                bar.set_description_str(f"about {minutes} min left", refresh=False)
                bar.set_postfix_str(", ".join(map(str, pool.running))[:60], refresh=False)
                for run, succeeded, seconds in pool.finished():
                    bar.update()
                    if succeeded:
                        estimated, took = estimated + run.seconds, took + seconds
                        outcome = f"{headline(run)} ({seconds:.0f} s)"
                    elif run.after in failed:
                        failed.append(run)
                        outcome = f"not started, since {run.after} failed"
                    else:
                        failed.append(run)
                        why = _last_line(run.output)
                        first = reasons.setdefault(re.sub(r"\d+", "", why), run)
                        outcome = f"failed: {why} (full log: {run.output})"
                        outcome = outcome if first is run else f"failed: much as {first}"
                    log.info(f"[{bar.n}/{total}] {run}: {outcome}")
        except KeyboardInterrupt:
            pool.stop()
            raise KeyboardInterrupt(pool.left) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return failed


def make_tables(tables: Mapping[Path, Table], pool: Pool) -> None:
    """Make the runs that tables lack, then save and print the tables; interrupted, save what there is.

    Args:
        tables: by where each is saved, without a suffix.
        pool: see `run_all`.

    Raises:
        UserError: if runs failed, once all tables are printed.
        KeyboardInterrupt: see `run_all`.
    """
    try:
        failed = run_all([run for table in tables.values() for run in table.runs], pool)
    finally:
        saved = {stem for stem, table in tables.items() if save_table(table, stem)}
    for stem, table in tables.items():
        show(table)
        print(f"saved as {stem}.md, .csv and .json\n" if stem in saved else "nothing to save\n")
    if failed:
        raise UserError(
            f"{len(failed)} runs failed or could not start, first {failed[0]}; see output.log in their folders"
        )


def headline(run: PlannedRun) -> str:
    """The main metric of a finished run, in one phrase."""
    metrics = run.result() or {"metric": "?", "last": {}}
    value = (metrics.get("best") or metrics["last"]).get(metrics["metric"])
    return metrics["metric"] + (" -" if value is None else f" {value:.4g}")


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1].removeprefix("error: ")[:800] if lines else "it left no message"
