"""From a config section to a data set, and what all data sets share.

A data set is one file in this folder: a dataclass of its config keys and a class filed in `DATASETS`. `build_dataset`
finds the files by itself.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from utils.config import parse
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere
from utils.logging import progress
from utils.registry import Registry, suggestion
from utils.seeding import generator

DATASETS = Registry("data set", "datasets")
Keys = TypeVar("Keys", bound="DatasetConfig")


@dataclasses.dataclass(kw_only=True)
class DatasetConfig:
    """Keys of every data set. A subclass may change their types, since nobody sets them through this class.

    Attributes:
        subset: which split.
        npoints: how many points the model is fed; clouds with fewer are refused.
    """

    subset: Literal["train", "test"]
    npoints: int | None = None

    def __post_init__(self):
        for name in ("npoints", "N_POINTS", "way", "shot", "image_size"):
            value = getattr(self, name, None)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")

    @property
    def min_points(self) -> int:
        return self.npoints or 1


class PointDataset(Dataset):
    """A sequence of samples {"points": (n, C) float32, "label": int, ...}.

    Attributes:
        Config: the dataclass of its config keys.
        LAYOUT, SOURCE: the files it reads and where they are obtained, for messages.
        STAND_IN: the command that makes such files of the synthetic world; empty if it has none.
        AUGMENT, VOTE_AUGMENT: the `AUGMENTATIONS` of training and of voting where the config names none, which the
            released runners choose by the data set's NAME.
        RELEASED_SPELLING: class names that the released code spells otherwise.
        SUBSETS: the values of `subset` that it knows.
        PUBLISHED: its files are obtained from others, as `SOURCE` says; otherwise they are the user's own.
        COMPUTES: samples take a processor's time, not a disk's.
        IN_MEMORY: all of its files are read when it is built.
        wraps_text: texts are to be put into prompts; otherwise they are whole.
        NORMALIZES: where clouds are centred and scaled to the unit sphere: "cloud", all points of a cloud as it is
            read; "sample", the points that a model is fed, once they are sampled; or "never". See `normalize`.
        gives: what samples hold, see `collate`; "caption" stands for texts that are not class names.
        columns: of a cloud; 3, the coordinates, or more.
        class_names: category names; the position is the label.
        labels: of all samples, M whole numbers, where they are known without reading these; otherwise None.
        objects: of all samples, M whole numbers that copies of one object share; None where every sample is an object
            of its own, or where that is not known.
        copies: there are copies whose objects are not known; they are taken to follow each other.
        files: where each sample comes from, if it has a file or an identifier of its own.
        origin: otherwise what they all come from, in that order.
    """

    AUGMENT = "rotate"
    VOTE_AUGMENT = "none"
    RELEASED_SPELLING: Mapping[str, str] = {}
    SUBSETS: tuple[str, ...] = ("train", "test")
    PUBLISHED = True
    COMPUTES = False
    IN_MEMORY = False
    NORMALIZES: Literal["cloud", "sample", "never"] = "never"

    Config: type[DatasetConfig]
    LAYOUT: str
    STAND_IN = "python -m datasets.demo --out data/demo"
    SOURCE: str

    gives: frozenset[str] = frozenset({"points", "label"})
    columns = 3
    wraps_text = True
    class_names: list[str]
    labels: Any = None
    objects: Any = None
    copies = False
    files: list[str] | None = None
    origin = "sample"

    def __init__(self, seed: int = 0):
        self.seed = seed
        # In shared memory, so that workers which outlive an epoch see the next one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        raise NotImplementedError

    @classmethod
    def look(cls, base: Mapping, data_root: str, read: bool = False) -> str:
        """Say what the files of a data set hold, all splits of it; nothing is written.

        Args:
            base: the content of its config.
            data_root: what the leading `data` of paths stands for.
            read: look at every shape, not only at what building reads.

        Raises:
            UserError: if something is missing or damaged.
        """
        found, names = [], []
        for subset in cls.SUBSETS:
            data = build_dataset({"_base_": base, "others": {"subset": subset}}, data_root, subset)
            for index in progress(
                range(len(data) * (read and not cls.IN_MEMORY)), desc=f"reading {subset}", unit="shape"
            ):
                data[index]
            found.append(f"{subset} {data.held()}")
            names = data.class_names
        return ", ".join([*found, f"{len(names)} classes"])

    def held(self) -> str:
        """Say how much it holds."""
        return f"{len(self)} shapes"

    def name(self, index: int) -> str:
        """Name the file, or the place in one, that a sample comes from."""
        return self.files[index] if self.files is not None else f"{self.origin}[{index}]"

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch is drawn; random draws of a sample depend on (seed, epoch, index) only."""
        self._epoch.fill_(epoch)

    @property
    def epoch(self) -> int:
        return int(self._epoch)

    def normalize(self, points: Tensor, stage: Literal["cloud", "sample"]) -> Tensor:
        """Normalise points (..., n, C) if this is the stage at which this data set does; otherwise leave them."""
        return normalize_unit_sphere(points) if stage == self.NORMALIZES else points

    def epoch_order(self, epoch: int) -> Tensor | None:
        """Order (M,) int64 in which all M samples are best read in an epoch, a function of (seed, epoch); None: any."""
        return None

    def packable(self, index: int) -> dict[str, Any]:
        """Return what shards hold of a sample.

        Returns:
            "name"; "points" (n, 3) float32; "label"; if it has any, "views", contents of png and jpeg files, and
            "captions", texts.
        """
        sample = self[index]
        name = self.files[index] if self.files else str(index)
        return {"name": name, "points": sample["points"].numpy(), "label": sample["label"]}

    def pack_key(self) -> str:
        """Say what is packed: shards that were begun are gone on with if it is the same."""
        return "\n".join(self.files or [str(len(self))])

    def finish(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do what is left to do with a batch once it is on its device; draws nothing."""
        return batch

    def use_features(self, features: Tensor) -> None:
        """From now on give features (M, d) as "image" (d,), which an image teacher said of the images."""
        raise NotImplementedError

    def image_key(self) -> str | None:
        """Return a digest of all that finished images depend on; None if there are none, or they are drawn anew."""
        return None

    def class_weights(self) -> Tensor | None:
        """Weights (classes,) float32 of the classes in a loss, by how rare they are; None where all count alike."""
        return None

    @classmethod
    def hint(cls) -> str:
        """What to do about a missing file."""
        stand_in = f"; or make stand-ins with '{cls.STAND_IN}' and set data_root=data/demo" if cls.STAND_IN else ""
        return f"expected layout: {cls.LAYOUT}; get it from: {cls.SOURCE}{stand_in}"


class CloudDataset(PointDataset):
    """Labelled clouds held in memory.

    Training clouds are shuffled whenever they are read, as released: FPS starts at the first point, so it starts at
    another one in every epoch.

    Args:
        points: (M, N, C) float32; normalised in place if the data set does that.
        labels: (M,) int64.
        class_names: category names; the position is the label.
        shuffle: give the points of a cloud in an order drawn by (seed, epoch, index); otherwise as stored.
    """

    IN_MEMORY = True

    def __init__(
        self, points: Tensor, labels: np.ndarray, class_names: list[str], seed: int = 0, *, shuffle: bool = False
    ):
        super().__init__(seed)
        for part in points.split(256):  # ModelNet40 is a gigabyte
            part.copy_(self.normalize(part, "cloud"))
        self.points, self.labels, self.class_names, self.shuffle = points, labels, class_names, shuffle
        self.columns = points.shape[2]

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> dict[str, Any]:
        points = self.points[index]
        if self.shuffle:
            order = torch.randperm(len(points), generator=generator("cpu", self.seed, "points", self.epoch, index))
            points = points[order]
        return {"points": points, "label": int(self.labels[index])}


def at_most(points: np.ndarray, n: int) -> np.ndarray:
    """Keep n rows of (N, C) points if there are more; evenly spaced ones, since the order may follow the surface."""
    return points if len(points) <= n else points[np.linspace(0, len(points) - 1, n).astype(np.int64)]


def stack_clouds(clouds: Sequence[np.ndarray], use_normals: bool) -> Tensor:
    """Stack M checked clouds (N, 3 + ...) of one size; with `use_normals` their further columns too."""
    columns = slice(None) if use_normals else slice(3)
    return torch.from_numpy(np.stack([cloud[:, columns] for cloud in clouds]))


def below_root(path: str, data_root: str) -> str:
    """Take a path that starts with `data` below `data_root`; leave every other path alone."""
    first, *rest = Path(path).parts or ("",)
    return str(Path(data_root, *rest)) if first == "data" else path


def parse_section(schema: type[Keys], values: Mapping, data_root: str, where: str) -> Keys:
    """Check the keys of a data set against its dataclass and resolve its paths.

    Raises:
        UserError: for an unknown or missing key, or a value of the wrong type.
    """
    config = parse(schema, values, where)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, str) and field.name.endswith(("PATH", "ROOT")):
            setattr(config, field.name, below_root(value, data_root))
    return config


def build_dataset(section: Mapping, data_root: str, where: str, seed: int = 0) -> PointDataset:
    """Build the data set of a config section.

    Args:
        section: {"_base_": {NAME: ..., DATA_PATH: ...}, "others": {subset: ..., npoints: ...}}; `_base_` describes the
            data set, `others` this use of it, and wins.
        data_root: what the leading `data` of paths stands for.
        where: dotted path of the section in the config, for messages.
        seed: of the random draws of samples.

    Raises:
        UserError: for unknown names or keys, wrong values, and missing, damaged or unfit files.
    """
    dataset, others = dataset_class(section, where), section.get("others") or {}
    known = {field.name for field in dataclasses.fields(dataset.Config)} | {"NAME"}
    for part in ("_base_", "others"):
        for key in section.get(part) or {}:
            if key not in known:
                raise UserError(f"unknown config key '{where}.{part}.{key}'{suggestion(key, known)}")
    values = {key: value for key, value in {**section["_base_"], **others}.items() if key != "NAME"}
    make = cast(Callable[..., PointDataset], dataset)  # takes what the base class does not
    return make(parse_section(dataset.Config, values, data_root, where), data_root, seed)


def dataset_class(section: Mapping, where: str) -> type[PointDataset]:
    """Return the class that a config section names; none of its files is looked at.

    Raises:
        UserError: if the section has another form, or names no known data set.
    """
    if not isinstance(section, Mapping) or not isinstance(section.get("_base_"), Mapping):
        raise UserError(f"config section '{where}' must hold a _base_ file that describes the data set")
    others = section.get("others") or {}
    for key in section:
        if key not in ("_base_", "others"):
            raise UserError(f"unknown config key '{where}.{key}'{suggestion(key, ('_base_', 'others'))}")
    if not isinstance(others, Mapping):
        raise UserError(f"config section '{where}.others' must be a mapping, got {others!r}")
    name = {**section["_base_"], **others}.get("NAME")
    if name is None:
        raise UserError(f"missing config key '{where}._base_.NAME'")
    if not isinstance(name, str):
        raise UserError(f"config key '{where}._base_.NAME' must be text, got {name!r}")
    try:
        return DATASETS.get(name)
    except UserError as error:
        raise UserError(f"{where}._base_.NAME: {error}") from None


def collate(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put samples together.

    Args:
        samples: B mappings with "points" (n, C), "label" and what else the data set `gives`: "image" (3, S, S) uint8
            or (d,) features and "text" in pretraining, "point_label" (n,) int64 in segmentation, "index" (n,) int64
            where points are those of a room.

    Returns:
        {"points": (B, n, C), "label": (B,) int64, ...}: tensors are stacked, numbers become int64, all else a list.

    Raises:
        UserError: if the clouds do not have the same number of points.
    """
    sizes = sorted({len(sample["points"]) for sample in samples})
    if len(sizes) > 1:
        raise UserError(f"clouds of {sizes[0]} and {sizes[-1]} points cannot be one batch, set N_POINTS to {sizes[0]}")
    return {name: _together([sample[name] for sample in samples]) for name in samples[0]}


def _together(values: list) -> Tensor | list:
    if isinstance(values[0], Tensor):
        # In a worker `default_collate` stacks straight into the memory that it shares with the main process.
        if values[0].dtype == torch.uint8:  # pixels are stored channels last, and copied fastest so
            return default_collate([value.permute(1, 2, 0) for value in values]).permute(0, 3, 1, 2)
        return default_collate(values)
    return torch.tensor(values, dtype=torch.int64) if isinstance(values[0], int) else values
