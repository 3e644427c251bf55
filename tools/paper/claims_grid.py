"""What the grid of `tools.paper.claims` is: `claims.yaml`, typed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tools.paper.arguments import HERE
from utils.config import parse, read_yaml


@dataclass(frozen=True)
class ModelSpec:
    """A model of the grid.

    Attributes:
        title: for tables.
        pretrained: the pretraining config whose difference makes it.
        opts: overrides of its pretraining.
        lacks: what cannot be measured of it: tasks, or "attention".
    """

    title: str
    pretrained: str
    opts: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DataSpec:
    """What is pretrained on.

    Attributes:
        title: for tables.
        shapes: of an epoch, to estimate its duration.
        opts: overrides of pretraining.
    """

    title: str
    shapes: int
    opts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GridStage:
    """What is made before the next one: all data sets for these seeds, epochs and models (None: all)."""

    seeds: list[int]
    epochs: list[int]
    models: list[str] | None = None


@dataclass(frozen=True)
class MeasureSpec:
    """What is measured of a pretrained encoder.

    Attributes:
        title: for tables.
        config: a key of `Scale.configs`.
        task: what is done.
        path: dotted path of the number in metrics.json.
        real: measured on the folder of real shapes: as a "whole", or fitted to a half and tested on the other one.
    """

    title: str
    config: str
    task: Literal["finetune", "svm", "zeroshot"] = "finetune"
    path: str = "last.accuracy"
    real: Literal["whole", "halves"] | None = None


@dataclass(frozen=True)
class Grid:
    """`claims.yaml`.

    Attributes:
        title: of the page.
        scale: a key of `plan.SCALES`.
        world: folder of the synthetic world with all categories.
        pretrain: the config over which differences are laid.
        models, data, measures: by short names, which runs and records are called by.
        stages: in the order in which they are made.
        attention: a key of `Scale.configs`, whose `dataset.test` is looked at.
        notes: for the page.
    """

    title: str
    scale: str
    world: str
    pretrain: str
    models: dict[str, ModelSpec]
    data: dict[str, DataSpec]
    stages: list[GridStage]
    measures: dict[str, MeasureSpec]
    attention: str
    notes: list[str] = field(default_factory=list)

    def __post_init__(self):  # `parse` leaves what is in mappings as it is read
        for name, kind in (("models", ModelSpec), ("data", DataSpec), ("measures", MeasureSpec)):
            specs = {key: parse(kind, keys, f"{name}.{key}") for key, keys in getattr(self, name).items()}
            object.__setattr__(self, name, specs)


def read_grid(path: Path = HERE / "claims.yaml") -> Grid:
    """Read the grid.

    Raises:
        UserError: for anything wrong with it.
    """
    return parse(Grid, read_yaml(path), "")
