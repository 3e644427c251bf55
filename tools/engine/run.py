"""One run: what was asked for, its folder, what makes it this run and no other, and its record."""

import argparse
import contextlib
import functools
import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import torch
import yaml
from torch import nn

from models import parse_model_config
from tools.engine.config import FOLD_NAMES, RunConfig, given_of, parse_run_config, read_config, run_folder, runs_of
from tools.engine.precision import Precision
from tools.engine.task import TEST, Mode, Task, all_modes, all_tasks, find_task, growing_keys
from utils import distributed, seeding
from utils.config import changed_keys
from utils.errors import UserError
from utils.files import lock_folder, read_text, remove_temporaries, sha256_of, write_text
from utils.logging import git_revision, machine_info, make_logger, read_metrics, versions, write_json
from utils.stopping import StopRequest

PACKAGES = ("torch", "torchvision", "timm", "open_clip_torch", "numpy", "scikit-learn")


def now() -> str:
    """Return the date and time in UTC, such as 2026-01-31 12:00:00+00:00."""
    return datetime.now(timezone.utc).isoformat(" ", "seconds")


@dataclass
class Run:
    """One run of one task: what was asked for, where it runs, and where it writes.

    Attributes:
        mode: what was asked for.
        task: the class of the task that does it.
        args: the command line.
        config: checked.
        device: where it runs.
        settings: the config as it was read, with its overrides.
        folder: of its checkpoints and its record.
        board: of its TensorBoard curves.
        precision: of the model.
        started: by the clock of `time.perf_counter`, less the seconds of earlier tries.
        began: the date of the first try, in UTC.
    """

    mode: Mode
    task: type[Task]
    args: argparse.Namespace
    config: RunConfig
    device: torch.device
    settings: dict
    folder: Path
    board: Path
    log: logging.Logger
    precision: Precision
    started: float = field(default_factory=time.perf_counter)
    began: str = field(default_factory=now)
    stop: StopRequest = field(default_factory=StopRequest)
    lock: IO | None = None

    def __post_init__(self):
        self.revision = git_revision(Path(__file__).parent)
        self.versions = versions(PACKAGES)
        weights = self.args.ckpts or self.args.start_ckpts
        self.identity = run_identity(self.mode.name, self.args.seed, self.settings, weights)

    def close(self) -> None:
        """Let other runs into the folder."""
        if self.lock is not None:
            self.lock.close()

    def continues(self, before: Mapping, seconds: float) -> None:
        """Count what an earlier start of this run took: its metrics.json, and how long it was at work."""
        self.started -= seconds
        self.began = str(before.get("started", self.began))

    def checkpoints(self) -> list[Path]:
        """The checkpoints in the run folder but those that the run starts from."""
        given = {Path(path).resolve() for path in (self.args.ckpts, self.args.start_ckpts) if path}
        return [path for path in sorted(self.folder.glob("ckpt-*.pth")) if path.resolve() not in given]

    def record(self, model: nn.Module, **numbers: Any) -> None:
        """Write metrics.json: what was run, on what, and the numbers so far; and config.yaml, which belongs to it.

        Raises:
            UserError: if they cannot be written.
        """
        if not distributed.is_main():
            return
        args, parameters = self.args, list(model.parameters())
        header = {
            "task": self.mode.name,
            "config": str(args.config),
            "opts": list(args.opts),
            "exp_name": args.exp_name,
            "ckpts": args.ckpts,
            "seed": args.seed,
            "few_shot": given_of((args.way, args.shot, args.fold)) or None,
            "command": args.command,
            "started": self.began,
            "ended": now() if numbers.get("finished") else None,
            "git_revision": self.revision,
            "versions": self.versions,
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            "processes": distributed.world_size(),
            "machine": machine_info(),
            "job": distributed.job(),
            "parameters": {
                "total": sum(p.numel() for p in parameters),
                "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            },
            "wall_seconds": round(time.perf_counter() - self.started, 3),
        }
        try:
            write_text(yaml.safe_dump(self.settings, sort_keys=False), self.folder / "config.yaml")
            write_json(header | self.identity | numbers, self.folder / "metrics.json")
        except OSError as error:
            raise UserError(f"the results cannot be written to {self.folder}: {error.strerror}") from None

    def recorded(self) -> dict:
        """Return what metrics.json holds of this very run, done before in the same folder; {} if there is nothing.

        What tasks add to may differ (`Task.growing`).
        """
        try:
            before = read_metrics(self.folder) or {}
        except UserError as error:
            self.log.warning(f"{error}; what it held is lost")
            return {}
        return {} if not before or {*differences(before, self.identity)} - growing_keys() else before


def run_identity(mode: str, seed: int, settings: dict, weights: str | None) -> dict[str, Any]:
    """What makes a run this one and no other, as metrics.json holds it: wherever its files lie.

    Args:
        mode: name of what is done.
        seed: of all randomness.
        settings: the config with its overrides.
        weights: the checkpoint that it starts from.
    """
    world = Path(str(settings.get("data_root")), "world.json")
    return {
        "task": mode,
        "seed": seed,
        "settings": settings,
        "weights": weights and _digest(Path(weights)),
        "world": _digest(world),
    }


def differences(before: Mapping, now: Mapping) -> list[str]:
    """Name what tells the run behind a metrics.json from another: keys of `run_identity`, dotted ones of settings."""
    names = [name for name in now if name != "settings" and before.get(name) != now[name]]
    return names + changed_keys(before.get("settings", {}), now["settings"])


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; None if it cannot be read."""
    try:
        state = path.stat()
        return _digest_of(path, state.st_mtime_ns, state.st_size)
    except OSError:
        return None


@functools.cache
def _digest_of(path: Path, *_: int) -> str:
    with open(path, "rb") as file:
        return sha256_of(file)


def start_run(args: argparse.Namespace, device: torch.device) -> Run:
    """Read the config, make the run folder and put a log file into it.

    Raises:
        UserError: for anything wrong with the config, see `load_config` and `parse`; if its model is not one for this;
            if another run is in the folder, or was, and neither `--resume` nor `--overwrite` is given.
    """
    mode, fold = args.task, (args.way, args.shot, args.fold)
    raw = read_config(args.config, args.opts, fold)
    for key in ("precision", "compile"):
        if getattr(args, key) is not None:
            raw[key] = getattr(args, key)
    model, parsed = parse_model_config(parse_run_config(raw).model)
    task = find_task(mode, parsed.NAME, model, args)
    task.override(raw, args)
    config = parse_run_config(raw)
    processes = distributed.world_size()
    precision = Precision(config, device)
    folder = run_folder(args.config, mode.name, args.exp_name, fold)
    if args.replay:
        folder = folder / "replay"
    if args.dry_run:
        folder = Path(args.scratch)
    root = runs_of(args.config)
    board = folder if args.dry_run else root / "TFBoard" / folder.relative_to(root)
    lock = _enter(folder)
    if args.replay and not isinstance(args.seed, int):
        args.seed = read_broken(args.replay)["seed"]
    if not isinstance(args.seed, int):
        args.seed = _choose_seed(args, folder, raw)
    run = Run(mode, task, args, config, device, raw, folder, board, logging.getLogger("run"), precision, lock=lock)
    try:
        args.resume = _resumes(run)
        left = config.total_bs % processes
        if left and not args.resume:
            raise UserError(f"config key 'total_bs': {config.total_bs} is no multiple of the {processes} processes")
        config.total_bs -= left
        changed = _replaced(run)
        run.log = log = make_logger(folder)
    except OSError as error:
        run.close()
        raise UserError(f"run folder {folder} cannot be written to: {error.strerror}") from None
    except UserError:
        run.close()
        raise
    seeding.set_deterministic(args.deterministic)
    where = "dry run" if args.dry_run else folder
    log.info(f"{mode.name}: {args.config} -> {where} (seed {args.seed}, {processes} x {device.type})")
    asked = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if device.type == "cpu" and asked not in ("", "-1"):
        log.warning(f"PyTorch finds no GPU {asked} here: running on the CPU")
    if left:
        log.warning(f"total_bs lowered by {left} to {config.total_bs}, a multiple of the {processes} processes")
    if changed:
        log.warning(f"{folder} holds {changed}, which this one replaces once it has results")
    return run


def read_broken(checkpoint: str) -> dict:
    """Read what nonfinite.json, beside its checkpoint, tells of the run that ended there.

    Raises:
        UserError: if it cannot be read, or lacks the seed or the settings.
    """
    path = Path(checkpoint).with_suffix(".json")
    try:
        found = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"--replay needs {path} beside its checkpoint: {error}") from None
    for key, kind in {"seed": int, "settings": dict}.items():
        if not isinstance(found, dict) or not isinstance(found.get(key), kind):
            raise UserError(f"--replay needs {path} beside its checkpoint: it has no '{key}'")
    return found


def past_run(folder: Path, device: torch.device) -> Run:
    """Take up a run of which the record is in a folder, to look at what it made; nothing is written.

    Raises:
        UserError: if there is no record, or it is damaged or of a task that is no more.
    """
    record = read_metrics(folder)
    if record is None:
        raise UserError(f"{folder} holds no run: it has no metrics.json")
    mode = next((mode for mode in all_modes() if mode.name == record["task"]), None)
    if mode is None:
        raise UserError(f"{folder / 'metrics.json'}: there is no task '{record['task']}'")
    fold = record.get("few_shot") or {}
    flags = argparse.ArgumentParser()
    for own in all_tasks():
        own.add_arguments(flags)
    known = argparse.Namespace(
        config=record.get("config"),
        opts=record.get("opts") or [],
        exp_name=record.get("exp_name"),
        seed=record["seed"],
        ckpts=record.get("ckpts"),
        start_ckpts=None,
        task=mode,
        test=mode is TEST,
        num_workers=0,
        **{name: fold.get(name, -1) for name in FOLD_NAMES},
    )
    args = flags.parse_args([], known)
    config = parse_run_config(record["settings"])
    model, parsed = parse_model_config(config.model)
    task, log = find_task(mode, parsed.NAME, model, args), logging.getLogger("past run")
    precision = Precision(config, device)
    return Run(mode, task, args, config, device, record["settings"], folder, folder, log, precision)


def _enter(folder: Path) -> IO | None:
    """Make a run folder and lock it; in every process an error if the main one cannot.

    Raises:
        UserError: if it cannot be made, or another run is in it.
    """
    lock = reason = None
    if distributed.is_main():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = lock_folder(folder)
            remove_temporaries(folder)
        except OSError as error:
            reason = f"run folder {folder} cannot be made or written to: {error.strerror}"
        except UserError as error:
            reason = str(error)
    if reason := distributed.gather_objects(reason)[0]:
        raise UserError(reason)
    return lock


def _choose_seed(args: argparse.Namespace, folder: Path, settings: dict) -> int:
    """Return the recorded seed of the run that is resumed, where there is one; else 0, or one that is drawn.

    With `--resume auto` that is a run of the same settings; a job of torchrun resumes what it has begun itself.
    """
    seed = secrets.randbelow(1 << 15) if args.seed == "random" else 0
    if args.resume is True:
        seed = (read_metrics(folder) or {"seed": seed})["seed"]
    elif args.task.trains:
        with contextlib.suppress(UserError):
            before = read_metrics(folder) or {}
            same = before.get("job") is not None and before["job"] == distributed.job()
            if before and args.resume and not args.overwrite:
                now = run_identity(args.task.name, before["seed"], settings, args.ckpts or args.start_ckpts)
                same = same or not differences(before, now)
            seed = before["seed"] if same else seed
    return distributed.gather_objects(seed)[0]


def _resumes(run: Run) -> bool:
    """Whether a run goes on from what is in its folder.

    It does so if it was asked to; with `--resume auto` if a run of the same settings is there; and if the run there is
    of the same job of torchrun, which has started its processes again.
    """
    args, same = run.args, False
    if run.mode.trains and distributed.is_main() and args.resume is not True:
        with contextlib.suppress(UserError):
            before = read_metrics(run.folder) or {}
            same = before.get("job") is not None and before["job"] == distributed.job()
            if before and args.resume == "auto" and not args.overwrite and run.checkpoints():
                same = same or not differences(before, run.identity)
    return args.resume is True or distributed.gather_objects(same)[0]


def _replaced(run: Run) -> str:
    """Say what a run would replace in its folder; "" if nothing.

    Training replaces every other training; a measurement that of other settings, since the same ones give it again.

    Raises:
        UserError: if that needs `--overwrite`, which is not given: it is finished, or has checkpoints.
    """
    try:
        before = read_metrics(run.folder)
    except UserError:
        before = None
    finished, what = bool(before and before.get("finished")), ""
    kept = finished
    if run.mode.trains:
        kept = finished or bool(run.checkpoints())
        if kept and not run.args.resume:
            what = "a finished run" if finished else "an earlier run"
    else:
        changed = differences(before, run.identity) if before else []
        if {*changed} - growing_keys():
            what = f"a result with other {', '.join(changed)}"
    if what and kept and not run.args.overwrite:
        resume = "--resume continues it, " if run.mode.trains else ""
        raise UserError(f"{run.folder} holds {what}: --overwrite replaces it, {resume}another --exp_name keeps both")
    return what
