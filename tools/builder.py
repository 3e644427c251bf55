"""What every task is put together from: the run-level config, the run folder, loaders, optimiser and schedule."""

import argparse
import functools
import hashlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import torch
import yaml
from timm.scheduler import CosineLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

import datasets
from datasets.point_transforms import AUGMENTATIONS
from datasets.prompts import PromptNames
from models import CHECKPOINT_PREFIXES, parse_model_config
from models.build import Trainable
from utils import checkpoint, distributed, seeding
from utils.config import changed_keys, load_config, parse
from utils.errors import UserError
from utils.files import atomic_write, lock_folder
from utils.logging import git_revision, make_logger, read_metrics, versions, write_json
from utils.registry import nearest
from utils.stopping import SIGNALS, StopRequest

PACKAGES = ("torch", "torchvision", "timm", "open_clip_torch", "numpy", "scikit-learn")
GROUPS = ("head", "no_decay", "decay")


@dataclass
class AdamWKwargs:
    """`optimizer.kwargs`."""

    lr: float
    weight_decay: float = 0.05

    def __post_init__(self):
        if not (self.lr > 0 and self.weight_decay >= 0):
            raise ValueError(f"lr must be above 0 and weight_decay at least 0, got {self.lr} and {self.weight_decay}")


@dataclass
class AdamKwargs(AdamWKwargs):
    """`optimizer.kwargs` of Adam and RAdam."""

    weight_decay: float = 0.0


@dataclass
class SGDKwargs(AdamKwargs):
    """`optimizer.kwargs` of SGD, which takes Nesterov's step, as released."""

    momentum: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.momentum < 1:
            raise ValueError(f"momentum must be between 0 and 1, got {self.momentum}")


OPTIMIZER_KWARGS = {"AdamW": AdamWKwargs, "Adam": AdamKwargs, "RAdam": AdamKwargs, "SGD": SGDKwargs}


@dataclass
class OptimizerConfig:
    """`optimizer`; the keys of `kwargs` depend on its type."""

    kwargs: Any
    type: Literal["AdamW", "Adam", "RAdam", "SGD"] = "AdamW"

    def __post_init__(self):
        if not isinstance(self.kwargs, AdamWKwargs):
            self.kwargs = parse(OPTIMIZER_KWARGS[self.type], self.kwargs, "optimizer.kwargs")


@dataclass(kw_only=True)
class ScheduleKwargs:
    """`scheduler.kwargs` of every type, and all that `function` has: a constant rate.

    With `released_lag` epoch e uses what the schedule gives for e - 1, as the released code does, so epochs 0 and 1
    are alike. With `every_step` the rate moves with every step instead of every epoch: short runs need it.
    """

    released_lag: bool = True
    every_step: bool = False


@dataclass(kw_only=True)
class CosLRKwargs(ScheduleKwargs):
    """`scheduler.kwargs` of CosLR: cosine over `epochs` after a warm-up of `initial_epochs`."""

    epochs: int
    initial_epochs: int = 10

    def __post_init__(self):
        if self.epochs < 1 or self.initial_epochs < 0:
            raise ValueError(f"epochs must be at least 1 and initial_epochs at least 0, got {self}")


@dataclass(kw_only=True)
class StepLRKwargs(ScheduleKwargs):
    """`scheduler.kwargs` of StepLR: times `gamma` after every `step_size` epochs."""

    step_size: int
    gamma: float = 0.1

    def __post_init__(self):
        if self.step_size < 1 or not self.gamma > 0:
            raise ValueError(f"step_size must be at least 1 and gamma above 0, got {self}")


@dataclass(kw_only=True)
class LambdaLRKwargs(ScheduleKwargs):
    """`scheduler.kwargs` of LambdaLR: times `lr_decay` in every `decay_step` epochs, down to `lowest_decay` in all."""

    decay_step: float
    lr_decay: float
    lowest_decay: float

    def __post_init__(self):
        if not (self.decay_step > 0 and self.lr_decay > 0 and self.lowest_decay >= 0):
            raise ValueError(f"decay_step and lr_decay must be above 0 and lowest_decay at least 0, got {self}")


SCHEDULE_KWARGS = {
    "CosLR": CosLRKwargs,
    "LambdaLR": LambdaLRKwargs,
    "StepLR": StepLRKwargs,
    "function": ScheduleKwargs,
}


@dataclass
class SchedulerConfig:
    """`scheduler`; the keys of `kwargs` depend on its type."""

    kwargs: Any = field(default_factory=dict)
    type: Literal["CosLR", "LambdaLR", "StepLR", "function"] = "CosLR"

    def __post_init__(self):
        if not isinstance(self.kwargs, ScheduleKwargs):
            self.kwargs = parse(SCHEDULE_KWARGS[self.type], self.kwargs, "scheduler.kwargs")


@dataclass
class DatasetConfig:
    """`dataset`: each section in the released form `{_base_: {NAME: ...}, others: {...}}`.

    `extra_train` and `extra_val` are what a linear SVM probe is trained and measured on during pretraining, and
    `extra_val` what a zero-shot probe is measured on.
    """

    train: dict | None = None
    val: dict | None = None
    test: dict | None = None
    extra_train: dict | None = None
    extra_val: dict | None = None


@dataclass
class LossWeights:
    """`loss_weights`: factors of the terms of the pretraining loss (released: all 1)."""

    mdm: float = 1.0
    csc_img: float = 1.0
    csc_text: float = 1.0
    smc: float = 1.0

    def __post_init__(self):
        for name, weight in vars(self).items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"{name} must be at least 0 and finite, got {weight}")


@dataclass
class VoteConfig:
    """`vote`: rounds of test-time voting, each the mean logits of `samples` augmented sub-samples.

    `augment: null` leaves the augmentation to the data set of `dataset.train`, as released.
    """

    rounds: int = 299
    samples: int = 10
    augment: Literal["none", "scale", "rotate"] | None = None

    def __post_init__(self):
        if self.rounds < 1 or self.samples < 1:
            raise ValueError(f"rounds and samples must be at least 1, got {self.rounds} and {self.samples}")


@dataclass
class SvmConfig:
    """`svm`: C of the linear support vector machine.

    With `drop_last` it is fitted to whole batches of randomly ordered samples only, as in the released code, which
    leaves out up to `total_bs` - 1 of them.
    """

    C: float = 0.075
    drop_last: bool = False

    def __post_init__(self):
        if not self.C > 0:
            raise ValueError(f"C must be positive, got {self.C}")


@dataclass
class ZeroShotConfig:
    """`zeroshot`: all 60 prompts or one, the splits to measure on, and the class names seen in pretraining.

    `names` are the names to choose from where they are not the data set's own: more of them, or those for shapes whose
    class is not known. With `random_columns` FPS gives more points than the model takes, of which some are drawn, as
    released; otherwise FPS gives those that the model takes. `released_typo` spells names as the released code does
    where it misspells them.
    """

    ensemble: bool = True
    splits: list[Literal["train", "val", "test"]] = field(default_factory=lambda: ["test"])
    seen: list[str] | None = None
    names: list[str] | None = None
    random_columns: bool = True
    released_typo: bool = False

    def __post_init__(self):
        if self.names is not None and not (
            all(map(str.strip, self.names)) and 0 < len(self.names) == len(set(self.names))
        ):
            raise ValueError(f"names must be different from each other and not empty, got {self.names}")
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise ValueError(f"splits must name at least one split, each once, got {self.splits}")


@dataclass
class RunConfig:
    """All run-level keys of a config file.

    Epochs run from 0 to `max_epoch` inclusive, as released, and the model is evaluated after each from `val_from` on.
    With `double_step` the optimizer steps twice on every gradient, before it is clipped and after, which is a bug of
    the released segmentation. `accumulation` says what becomes of the gradients of `step_per_update` batches: "sum"
    (released) adds them up, and keeps those of batches that are left at the end of an epoch for the next one; "mean"
    averages them, and the last update of an epoch may be one of fewer batches.

    Left out, `augment` is chosen by the data set of `dataset.train`, and `save_epochs` and `validate` by the task, as
    released: pretraining saves every 25th epoch from 250 on. `validate` is what a pretrained encoder is measured by
    after every epoch. `prompt_names: plain` puts spaces for the underscores of category names.
    """

    model: dict
    dataset: DatasetConfig
    npoints: int
    total_bs: int
    optimizer: OptimizerConfig | None = None
    scheduler: SchedulerConfig | None = None
    max_epoch: int = 0
    step_per_update: int = 1
    grad_norm_clip: float | None = None
    double_step: bool = False
    accumulation: Literal["sum", "mean"] = "sum"
    val_from: int = 1
    validate: Literal["none", "svm", "zeroshot"] | None = None
    save_epochs: list[int] | None = None
    data_root: str = "data"
    augment: str | None = None
    prompt_names: PromptNames = "released"
    freeze_bn: bool = False
    loss_weights: LossWeights = field(default_factory=LossWeights)
    vote: VoteConfig = field(default_factory=VoteConfig)
    svm: SvmConfig = field(default_factory=SvmConfig)
    zeroshot: ZeroShotConfig = field(default_factory=ZeroShotConfig)

    def __post_init__(self):
        for name, least in (
            ("npoints", 1),
            ("total_bs", 1),
            ("step_per_update", 1),
            ("max_epoch", 0),
            ("val_from", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"config key '{name}' must be at least {least}, got {getattr(self, name)}")
        if self.grad_norm_clip is not None and not self.grad_norm_clip > 0:
            raise ValueError(f"config key 'grad_norm_clip' must be positive or null, got {self.grad_norm_clip}")
        if self.augment is not None and self.augment not in AUGMENTATIONS:
            raise ValueError(f"config key 'augment': unknown '{self.augment}'{nearest(self.augment, AUGMENTATIONS)}")


# Released files hold none of these, and overrides may name their keys all the same.
OPTIONAL_SECTIONS = ("loss_weights", "vote", "svm", "zeroshot")


@dataclass
class Run:
    """One run of one task: what was asked for, where it runs, and where it writes."""

    task: str
    args: argparse.Namespace
    config: RunConfig
    device: torch.device
    settings: dict
    folder: Path
    board: Path
    log: logging.Logger
    started: float = field(default_factory=time.perf_counter)
    stop: StopRequest = field(default_factory=StopRequest)
    lock: IO | None = None

    def __post_init__(self):
        self.revision = git_revision(Path(__file__).parent)
        self.versions = versions(PACKAGES)
        self.identity = identity(self.task, self.args.seed, self.settings, self.args.ckpts or self.args.start_ckpts)

    def close(self) -> None:
        """Let other runs into the folder."""
        if self.lock is not None:
            self.lock.close()

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
            "task": self.task,
            "config": str(args.config),
            "opts": list(args.opts),
            "exp_name": args.exp_name,
            "ckpts": args.ckpts,
            "seed": args.seed,
            "few_shot": given_of((args.way, args.shot, args.fold)) or None,
            "git_revision": self.revision,
            "versions": self.versions,
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            "processes": distributed.world_size(),
            "parameters": {
                "total": sum(p.numel() for p in parameters),
                "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            },
            "wall_seconds": round(time.perf_counter() - self.started, 3),
        }
        try:
            with atomic_write(self.folder / "config.yaml") as temporary:
                temporary.write_text(yaml.safe_dump(self.settings, sort_keys=False), encoding="utf-8")
            write_json(header | self.identity | numbers, self.folder / "metrics.json")
        except OSError as error:
            raise UserError(f"the results cannot be written to {self.folder}: {error.strerror}") from None


def identity(task: str, seed: int, settings: dict, weights: str | None) -> dict[str, Any]:
    """What makes a run this one and no other, as metrics.json holds it: wherever its files lie.

    Args:
        task: what is done.
        seed: of all randomness.
        settings: the config with its overrides.
        weights: the checkpoint that it starts from.
    """
    world = Path(str(settings.get("data_root")), "world.json")
    return {
        "task": task,
        "seed": seed,
        "settings": settings,
        "weights": weights and _digest(Path(weights)),
        "world": _digest(world),
    }


def differences(before: Mapping, now: Mapping) -> list[str]:
    """Name what tells the run behind a metrics.json from another: keys of `identity`, of the settings dotted ones."""
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
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def parse_run_config(raw: Mapping) -> RunConfig:
    """Check a config with its overrides; `model.NAME` is filled in where it is left out, as released.

    Raises:
        UserError: for anything wrong with it.
    """
    config = parse(RunConfig, raw, "")
    _, model = parse_model_config(config.model)
    config.model = {**config.model, "NAME": model.NAME}  # the released segmentation has no name
    for name in ("num_group", "group_size"):
        value = getattr(model, name, 1)  # not every model groups
        if not 1 <= value <= config.npoints:
            raise UserError(f"config key 'model.{name}' must be in 1..npoints ({config.npoints}), got {value}")
    return config


def start_run(args: argparse.Namespace, task: str, device: torch.device) -> Run:
    """Read the config, make the run folder and put a log file into it.

    Raises:
        UserError: for anything wrong with the config, see `load_config` and `parse`; if another run is in the folder,
            or was, and neither `--resume` nor `--overwrite` is given.
    """
    fold = (args.way, args.shot, args.fold)
    raw = read_config(args.config, args.opts, fold)
    if args.rounds is not None and isinstance(raw.setdefault("vote", {}), dict):
        raw["vote"]["rounds"] = args.rounds
    config = parse_run_config(raw)
    processes = distributed.world_size()
    if config.total_bs % processes:
        raise UserError(f"config key 'total_bs': {config.total_bs} is no multiple of the {processes} processes")
    folder = run_folder(args.config, task, args.exp_name, fold)
    root = runs_of(args.config)
    board = root / "TFBoard" / folder.relative_to(root)
    lock = _enter(folder)
    if args.seed is None:  # --resume without --seed: a drawn one need not be remembered
        args.seed = (read_metrics(folder) or {"seed": 0})["seed"]
    run = Run(task, args, config, device, raw, folder, board, logging.getLogger("run"), lock=lock)
    try:
        changed = _replaced(run)
        run.log = log = make_logger(folder)
    except OSError as error:
        run.close()
        raise UserError(f"run folder {folder} cannot be written to: {error.strerror}") from None
    except UserError:
        run.close()
        raise
    seeding.set_deterministic(args.deterministic)
    log.info(f"{task}: {args.config} -> {folder} (seed {args.seed}, {processes} x {device.type})")
    asked = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if device.type == "cpu" and asked not in ("", "-1"):
        log.warning(f"PyTorch finds no GPU {asked} here: running on the CPU")
    if changed:
        log.warning(f"{folder} holds {changed}, which this one replaces once it has results")
    return run


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
        except OSError as error:
            reason = f"run folder {folder} cannot be made or written to: {error.strerror}"
        except UserError as error:
            reason = str(error)
    if reason := distributed.gather(reason)[0]:
        raise UserError(reason)
    return lock


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
    if run.task not in ("test", "svm", "zeroshot"):
        kept = finished or bool(run.checkpoints())
        if kept and not run.args.resume:
            what = "a finished run" if finished else "an earlier run"
    else:
        changed = differences(before, run.identity) if before else []
        kept = finished
        if {*changed} - {"vote.rounds"}:  # rounds of voting are added
            what = f"a result with other {', '.join(changed)}"
    if what and kept and not run.args.overwrite:
        resume = "--resume continues it, " if run.task not in ("test", "svm", "zeroshot") else ""
        raise UserError(f"{run.folder} holds {what}: --overwrite replaces it, {resume}another --exp_name keeps both")
    return what


Fold = tuple[int, int, int]
FOLD_NAMES = {"way": "_{}way", "shot": "_{}shot", "fold": "_fold{}"}


def given_of(fold: Fold | None) -> dict[str, int]:
    """Way, shot and fold as far as they are given: -1 stands for "not given", as released."""
    return {name: number for name, number in zip(FOLD_NAMES, fold or (), strict=False) if number >= 0}


def runs_of(config: str) -> Path:
    """The folder of all runs of a config: experiments/<config stem>/<config folder> (released layout)."""
    return Path("experiments") / Path(config).stem / Path(config).resolve().parent.name


def run_folder(config: str, task: str, exp_name: str, fold: Fold | None = None) -> Path:
    """Where a run writes: its name below `runs_of` its config.

    Args:
        config: the YAML file.
        task: "test" runs stand beside the trained ones.
        exp_name: name of the run.
        fold: way, shot and fold of few-shot classification; the released code leaves them out of the name, so that
            folds replace each other.
    """
    name = f"test_{exp_name}" if task == "test" else exp_name
    return runs_of(config) / (name + "".join(FOLD_NAMES[key].format(n) for key, n in given_of(fold).items()))


def read_config(config: str, opts: Sequence[str], fold: Fold | None = None) -> dict:
    """Read a config with its overrides, and fill way, shot and fold into its few-shot data sets.

    Raises:
        UserError: see `load_config`; or if way, shot or fold are given where no data set takes them.
    """
    raw = load_config(config, opts, OPTIONAL_SECTIONS)
    sections, chosen = raw.get("dataset"), given_of(fold)
    if not chosen or not isinstance(sections, dict):
        return raw
    few_shot = []
    for name, section in sections.items():
        keys = datasets.dataset_class(section, f"dataset.{name}").Config.__dataclass_fields__ if section else ()
        few_shot += [section] * ({*FOLD_NAMES} <= {*keys})
    if not few_shot:
        flags = ", ".join(f"--{name}" for name in chosen)
        raise UserError(f"{flags}: no data set of {config} is a few-shot fold")
    for section in few_shot:
        section["others"] = {**(section.get("others") or {}), **chosen}
    return raw


def build_dataset(run: Run, section: str) -> Dataset:
    """Build `dataset.<section>`; unless it says otherwise, its clouds must have the `npoints` of the run.

    Raises:
        UserError: if the config has no such section, or the data set is not what it should be.
    """
    values = getattr(run.config.dataset, section)
    if values is None:
        raise UserError(f"config {run.args.config} has no section 'dataset.{section}', which {run.task} needs")
    others = values.get("others") or {}
    if isinstance(others, dict):
        values = {**values, "others": {"npoints": run.config.npoints, **others}}
    dataset = datasets.build_dataset(values, run.config.data_root, f"dataset.{section}", run.args.seed)
    if dataset.columns != 3:
        raise UserError(
            f"dataset.{section} gives points of {dataset.columns} columns, models take 3: set USE_NORMALS: false"
        )
    return dataset


def own_augmentation(run: Run, voting: bool = False) -> str:
    """Name the augmentation of training, or of voting: the config's, else that of the data set that is trained on.

    Raises:
        UserError: if the config has no such data set.
    """
    config, sections = run.config, run.config.dataset
    chosen = config.vote.augment if voting else config.augment
    if chosen is not None:
        return chosen
    where = "train" if sections.train or run.task != "test" else "test"  # what only tests may have no other
    data = datasets.dataset_class(getattr(sections, where) or {}, f"dataset.{where}")
    chosen = data.VOTE_AUGMENT if voting else data.AUGMENT
    run.log.info(f"augmentation {'of voting ' * voting}by the data set of dataset.{where}: {chosen}")
    return chosen


class Batches(Sampler[list[int]]):
    """Batches of indices for this process.

    In training every epoch is shuffled by (seed, epoch), all batches are full, and batches may start in mid-epoch.
    Otherwise indices come in order, each exactly once over all processes.

    Args:
        length: samples in the data set.
        batch_size: samples a batch and process, at most `length` over all processes.
        train: see above.
        seed: of the shuffling.
    """

    def __init__(self, length: int, batch_size: int, train: bool, seed: int):
        self.length, self.batch_size, self.train, self.seed = length, batch_size, train, seed
        self.rank, self.world = distributed.rank(), distributed.world_size()
        self.epoch = self.start = 0

    def seek(self, epoch: int, start: int) -> None:
        """Begin the next iteration at batch `start` of `epoch`."""
        self.epoch, self.start = epoch, start

    def __len__(self) -> int:
        """Batches in a whole epoch."""
        if self.train:
            return self.length // (self.batch_size * self.world)
        return -(-len(range(self.rank, self.length, self.world)) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        if self.train:
            order = torch.randperm(self.length, generator=seeding.generator("cpu", self.seed, "order", self.epoch))
            batches = order[: len(self) * self.batch_size * self.world].view(-1, self.world, self.batch_size)
            yield from batches[self.start :, self.rank].tolist()
        else:
            order = list(range(self.rank, self.length, self.world))
            yield from (order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size))


def build_loader(run: Run, dataset: Dataset, train: bool = False) -> DataLoader:
    """Load batches of `total_bs` samples over all processes; its `batch_sampler` is a `Batches`.

    Raises:
        UserError: if there is nothing to load.
    """
    length, world, batch_size = len(dataset), distributed.world_size(), run.config.total_bs
    least = 2 * world if train else 1
    if length < least:
        raise UserError(f"a data set of {length} samples is too small for {run.task}, which needs at least {least}")
    if train and length < batch_size:
        batch_size = length - length % world
        run.log.warning(f"total_bs {run.config.total_bs} lowered to {batch_size}: there are only {length} samples")
    return Loader(
        dataset,
        batch_sampler=Batches(length, batch_size // world if train else -(-batch_size // world), train, run.args.seed),
        num_workers=run.args.num_workers,
        collate_fn=datasets.collate,
        pin_memory=run.device.type == "cuda",
        worker_init_fn=_obey_parent_only,
        persistent_workers=train and run.args.num_workers > 0,
    )


class Loader(DataLoader):
    """A DataLoader whose workers outlive the signals that ask a whole process group to stop and save."""

    def __iter__(self) -> Iterator:
        # Held back while workers start, which inherit that; they would die of a signal before they ignore it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            return super().__iter__()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _obey_parent_only(_: int) -> None:
    """Ignore all `SIGNALS` but those of the main process, which ends its workers with SIGTERM after an error."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    parent = os.getppid()

    def wait() -> None:
        while signal.sigwaitinfo(SIGNALS).si_pid != parent:
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def load_pretrained(
    run: Run,
    model: nn.Module,
    path: str,
    new: Sequence[str] = (),
    first: str = "base_model",
    prepare: Callable[[dict[str, Tensor]], Sequence[str]] | None = None,
) -> None:
    """Put the weights of a checkpoint into a model, taking the encoder out of a pretraining checkpoint.

    With `--allow_missing` other names than the new ones may be missing too.

    Args:
        run: the run.
        model: takes the weights.
        path: the checkpoint.
        new: name prefixes that need not be there.
        first: key of the weights that is preferred if there are several.
        prepare: see `utils.checkpoint.load_weights`.

    Raises:
        UserError: see `utils.checkpoint.load_weights`.
    """
    checkpoint.load_weights(
        model,
        path,
        CHECKPOINT_PREFIXES,
        new,
        run.log,
        first=first,
        allow_missing=run.args.allow_missing,
        hint="" if run.task == "test" else "--allow_missing leaves them as initialised",
        prepare=prepare,
    )


def load_start(run: Run, model: nn.Module) -> None:
    """Put the weights that fine-tuning starts from into a model with `new_parameters`.

    Raises:
        UserError: if they do not fit; or if there are none, and nothing to resume either.
    """
    if run.args.ckpts:  # with --resume too: there may be nothing to resume yet
        load_pretrained(run, model, run.args.ckpts, model.new_parameters)
    elif run.task == "finetune" and run.args.resume and not run.checkpoints():
        raise UserError(f"nothing to resume in {run.folder}, and no --ckpts FILE to start from")


def build_optimizer(model: nn.Module, config: RunConfig) -> torch.optim.Optimizer:
    """Build the optimizer of a config on three groups of the trainable parameters.

    The `GROUPS`, any of which may be empty: `head` (the model's `head_parameters`) at ten times the learning rate,
    `no_decay` (vectors, biases, tokens), `decay` (the rest). As released, they are AdamW's; other types train all
    parameters alike, as `decay`.

    Raises:
        UserError: if the config has no `optimizer`.
    """
    if config.optimizer is None:
        raise UserError("missing config key 'optimizer', which training needs")
    kind, kwargs = config.optimizer.type, config.optimizer.kwargs
    names = {*model.head_parameters()} if isinstance(model, Trainable) else set()
    head, no_decay, decay = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if kind != "AdamW":
            decay.append(parameter)
        elif name in names:
            head.append(parameter)
        elif parameter.dim() == 1 or name.endswith(".bias") or "token" in name:
            no_decay.append(parameter)
        else:
            decay.append(parameter)
    lr, weight_decay = kwargs.lr, kwargs.weight_decay
    groups = zip((head, no_decay, decay), (10 * lr, lr, lr), (weight_decay, 0.0, weight_decay), strict=True)
    groups = [{"params": group, "lr": rate, "weight_decay": wd} for group, rate, wd in groups]
    if isinstance(kwargs, SGDKwargs):
        return torch.optim.SGD(groups, momentum=kwargs.momentum, nesterov=True)
    options = {} if kind == "RAdam" else {"fused": True}
    return getattr(torch.optim, kind)(groups, **options)


class Schedule:
    """Learning rates of an epoch or step, set anew each time, so that there is no state to save.

    Args:
        optimizer: its groups' learning rates are set.
        config: the kind of schedule, the released lag, and whether it moves with every step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, config: ScheduleKwargs):
        self.config, self.optimizer = config, optimizer
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.cosine = None
        if isinstance(config, CosLRKwargs):
            self.cosine = CosineLRScheduler(
                optimizer,
                t_initial=config.epochs,
                lr_min=1e-6,
                warmup_t=config.initial_epochs,
                warmup_lr_init=1e-6,
                cycle_limit=1,
            )

    def set(self, epoch: int, done: float = 0.0) -> None:
        """Set the learning rates for `epoch`, of which the fraction `done` lies behind."""
        at = max(epoch + done * self.config.every_step - self.config.released_lag, 0)
        if self.cosine is not None:
            self.cosine.step(at)
            return
        factor = 1.0
        if isinstance(self.config, StepLRKwargs):
            factor = self.config.gamma ** (at // self.config.step_size)
        elif isinstance(self.config, LambdaLRKwargs):
            factor = max(self.config.lr_decay ** (at / self.config.decay_step), self.config.lowest_decay)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = factor * rate


def build_schedule(optimizer: torch.optim.Optimizer, config: RunConfig) -> Schedule:
    """Build the learning rate schedule of a config.

    Raises:
        UserError: if the config has no `scheduler`.
    """
    if config.scheduler is None:
        raise UserError("missing config key 'scheduler', which training needs")
    return Schedule(optimizer, config.scheduler.kwargs)
