"""The run-level keys of a config file."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import datasets
from datasets.point_transforms import AUGMENTATIONS
from models import parse_model_config
from tools.engine.optim import OptimizerConfig, SchedulerConfig
from tools.engine.task import all_tasks
from utils.config import load_config, parse
from utils.errors import UserError
from utils.registry import suggestion

Section = TypeVar("Section")
PRECISIONS = Literal["fp32", "tf32", "bf16", "fp16"]


@dataclass
class DatasetSections:
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
class RunConfig:
    """The run-level keys of a config file; every task adds its own sections, see `run_config_class`.

    Epochs run from 0 to `max_epoch` inclusive, as released, and the model is evaluated after each from `val_from` on.
    With `double_step` the optimizer steps twice on every gradient, before it is clipped and after, which is a bug of
    the released segmentation. `accumulation` says what becomes of the gradients of `step_per_update` batches: "sum"
    (released) adds them up, and keeps those of batches that are left at the end of an epoch for the next one; "mean"
    averages them, and the last update of an epoch may be one of fewer batches.

    `val_share` is the part of the samples of `dataset.train`, of every class alike, that is drawn by the seed and held
    out: the model is evaluated on it in place of `dataset.val`, so that the best epoch is not chosen on test data.
    Copies of one object stay together as far as a data set tells them (`PointDataset.objects`, `copies`).

    Left out, `augment` is chosen by the data set of `dataset.train`, and `save_epochs` by the task, as released:
    pretraining saves every 25th epoch from 250 on.

    `precision` is that of matrix products: tf32 (on GPUs), or autocast to bf16 or fp16, which leaves parameters,
    norms and losses in float32. `compile` compiles the model. `parallel` is what several processes hold of the model,
    its gradients and the state of the optimizer: all of it (ddp), or each its share (fsdp), for models that outgrow a
    GPU. `checkpointing` computes the activations of every block
    a second time in the backward pass, which saves memory. `save_minutes` is how often a checkpoint is written within
    an epoch. `report` leaves a page, report.html, of a run that has ended.

    With `least_points` training clouds have so many points as are drawn between that and `most_points`, if it is left
    out `npoints`: log-uniformly, several numbers a batch. Of more than `npoints` FPS leaves that many, as in tests.
    `npoints: [256, 2048]` is short for `npoints: 2048` and `least_points: 256`.
    """

    model: dict
    dataset: DatasetSections
    npoints: int
    total_bs: int
    least_points: int | None = None
    most_points: int | None = None
    optimizer: OptimizerConfig | None = None
    scheduler: SchedulerConfig | None = None
    max_epoch: int = 0
    step_per_update: int = 1
    grad_norm_clip: float | None = None
    double_step: bool = False
    accumulation: Literal["sum", "mean"] = "sum"
    precision: PRECISIONS = "fp32"
    compile: bool = False
    parallel: Literal["ddp", "fsdp"] = "ddp"
    checkpointing: bool = False
    val_from: int = 1
    val_share: float = 0.0
    save_epochs: list[int] | None = None
    save_minutes: float = 10.0
    data_root: str = "data"
    augment: str | None = None
    report: bool = True

    def __post_init__(self):
        at_least = {"npoints": 1, "total_bs": 1, "step_per_update": 1, "max_epoch": 0, "val_from": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise ValueError(f"config key '{name}' must be at least {least}, got {getattr(self, name)}")
        if self.least_points is not None and not 1 <= self.least_points <= self.npoints:
            raise ValueError(
                f"config key 'npoints' must be a number or [fewest, most], got {[self.least_points, self.npoints]}"
            )
        if self.most_points is not None and (self.least_points is None or self.most_points < self.npoints):
            raise ValueError(
                f"config key 'most_points' goes with 'least_points' and is at least npoints, got {self.most_points}"
            )
        if not 0 <= self.val_share < 1:
            raise ValueError(f"config key 'val_share' must be at least 0 and less than 1, got {self.val_share}")
        if self.grad_norm_clip is not None and not self.grad_norm_clip > 0:
            raise ValueError(f"config key 'grad_norm_clip' must be positive or null, got {self.grad_norm_clip}")
        if not self.save_minutes > 0:
            raise ValueError(f"config key 'save_minutes' must be positive, got {self.save_minutes}")
        if self.double_step and self.precision == "fp16":
            raise ValueError("config key 'double_step' does not go with precision: fp16, whose loss is scaled")
        if self.parallel == "fsdp" and (self.precision == "fp16" or self.compile):
            raise ValueError(
                "config key 'parallel': fsdp does not go with compile or precision: fp16; bf16 it does with"
            )
        if self.augment is not None and self.augment not in AUGMENTATIONS:
            raise ValueError(f"config key 'augment': unknown '{self.augment}'{suggestion(self.augment, AUGMENTATIONS)}")

    def section(self, kind: type[Section]) -> Section:
        """Return the section of a task, by the dataclass of its keys."""
        return next(value for value in vars(self).values() if type(value) is kind)


def task_sections() -> dict[str, type]:
    """The config sections of all tasks by name; files may leave them out, and overrides still name their keys."""
    sections: dict[str, type] = {}
    for task in all_tasks():
        for name, kind in task.sections.items():
            if sections.setdefault(name, kind) is not kind or name in RunConfig.__dataclass_fields__:
                raise TypeError(f"two config sections are called '{name}', one of them of {task.__name__}")
    return sections


def run_config_class() -> type[RunConfig]:
    """Return `RunConfig` with the sections of all tasks; keys of theirs that are released may stand outside of them."""
    sections = [(name, kind, dataclasses.field(default_factory=kind)) for name, kind in task_sections().items()]
    aliases = {key: section for task in all_tasks() for key, section in task.aliases.items()}
    return dataclasses.make_dataclass("RunConfig", sections, bases=(RunConfig,), namespace={"ALIASES": aliases})


def parse_run_config(raw: dict) -> RunConfig:
    """Check a config with its overrides; `model.NAME` is filled in where it is left out, as released.

    Raises:
        UserError: for anything wrong with it.
    """
    if isinstance(raw.get("npoints"), list) and len(raw["npoints"]) == 2:
        raw = {**raw, "least_points": raw["npoints"][0], "npoints": raw["npoints"][1]}
    config = parse(run_config_class(), raw, "")
    model, keys = parse_model_config(config.model)
    config.model = {**config.model, "NAME": keys.NAME}  # the released segmentation has no name
    for name, value in model.point_counts(keys).items():
        if not 1 <= value <= (fewest := config.least_points or config.npoints):
            raise UserError(f"config key 'model.{name}' must be in 1..npoints ({fewest}), got {value}")
    return config


Fold = tuple[int, int, int]
FOLD_NAMES = {"way": "_{}way", "shot": "_{}shot", "fold": "_fold{}"}


def given_of(fold: Fold | None) -> dict[str, int]:
    """Way, shot and fold as far as they are given: -1 stands for "not given", as released."""
    return {name: number for name, number in zip(FOLD_NAMES, fold or (), strict=False) if number >= 0}


def runs_of(config: str) -> Path:
    """The folder of all runs of a config: experiments/<config stem>/<config folder> (released layout)."""
    return Path("experiments") / Path(config).stem / Path(config).resolve().parent.name


def run_folder(config: str, mode: str, exp_name: str, fold: Fold | None = None) -> Path:
    """Where a run writes: its name below `runs_of` its config.

    Args:
        config: the YAML file.
        mode: "test" runs stand beside the trained ones.
        exp_name: name of the run.
        fold: way, shot and fold of few-shot classification; the released code leaves them out of the name, so that
            folds replace each other.
    """
    name = f"test_{exp_name}" if mode == "test" else exp_name
    return runs_of(config) / (name + "".join(FOLD_NAMES[key].format(n) for key, n in given_of(fold).items()))


def read_config(config: str, opts: Sequence[str], fold: Fold | None = None) -> dict:
    """Read a config with its overrides, and fill way, shot and fold into its few-shot data sets.

    Raises:
        UserError: see `load_config`; or if way, shot or fold are given where no data set takes them.
    """
    raw = load_config(config, opts, task_sections())
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
