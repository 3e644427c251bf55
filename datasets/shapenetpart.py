"""ShapeNetPart (part segmentation): shapes of 16 categories whose points carry one of 50 part labels."""

import dataclasses
import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.build import DATASETS, DatasetConfig, PointDataset
from datasets.readers import check_labels, read_json, read_lines, read_points_txt
from utils.errors import UserError
from utils.registry import suggestion
from utils.seeding import generator

# Part labels by category (the numbering of the benchmark); the position of a category is its own label.
PARTS = {
    "Airplane": range(0, 4),
    "Bag": range(4, 6),
    "Cap": range(6, 8),
    "Car": range(8, 12),
    "Chair": range(12, 16),
    "Earphone": range(16, 19),
    "Guitar": range(19, 22),
    "Knife": range(22, 24),
    "Lamp": range(24, 28),
    "Laptop": range(28, 30),
    "Motorbike": range(30, 36),
    "Mug": range(36, 38),
    "Pistol": range(38, 41),
    "Rocket": range(41, 44),
    "Skateboard": range(44, 47),
    "Table": range(47, 50),
}
COLUMNS = 7  # x y z nx ny nz label


@dataclasses.dataclass(kw_only=True)
class ShapeNetPartConfig(DatasetConfig):
    """Keys of `ShapeNetPart`.

    Attributes:
        DATA_PATH: folder of synsetoffset2category.txt, the lists and the synset folders.
        npoints: how many points are drawn from each shape, with replacement.
        classes: only these categories; all if absent.
        fixed_test_points: draw the same points of a test shape at every evaluation; released: anew each time.
    """

    DATA_PATH: str
    npoints: int = 2048  # pyright: ignore[reportIncompatibleVariableOverride] see `DatasetConfig`
    classes: list[str] | None = None
    fixed_test_points: bool = False

    def __post_init__(self):
        super().__post_init__()
        for name in self.classes or ():
            if name not in PARTS:
                raise ValueError(f"classes: unknown category '{name}'{suggestion(name, PARTS)}")
        if self.classes == []:
            raise ValueError("classes must name at least one category")


@DATASETS.register("ShapeNetPart")
class ShapeNetPart(PointDataset):
    """Clouds (npoints, 3), centred and scaled to the unit sphere, with "point_label" (npoints,), 0..49.

    `subset: train` reads the train and the val list, as published results do. The whole stored cloud is normalised,
    then points are drawn with replacement, anew for each epoch, in test too (see `fixed_test_points`).

    The lists alone are read at the start. A shape's text file is read when it is first asked for (about 4 ms) and kept
    as coordinates and one byte of label a point, 35 kB a shape, by the worker of a loader that read it: training is
    slow in its first epoch only, while a test, whose workers are new each time, reads anew.

    Attributes:
        names: `<synset>/<id>` of the shapes.
        labels: (M,) int64 categories, 0..15.
    """

    AUGMENT, NORMALIZES = "scale_translate_small", "cloud"
    gives = PointDataset.gives | {"point_label"}
    Config = ShapeNetPartConfig
    LAYOUT = (
        "shapenetcore_partanno_segmentation_benchmark_v0_normal/ with synsetoffset2category.txt, "
        "train_test_split/shuffled_{train,val,test}_file_list.json (entries like shape_data/<synset>/<id>) and "
        "<synset>/<id>.txt (a line x y z nx ny nz label a point)"
    )
    SOURCE = (
        "PointNet++ (https://shapenet.cs.stanford.edu/media/shapenetcore_partanno_segmentation_benchmark_v0_normal.zip)"
    )

    def __init__(self, config: ShapeNetPartConfig, data_root: str, seed: int = 0):
        super().__init__(seed)
        self.config = config
        self.class_names = list(PARTS)
        categories = self._read_categories(os.path.join(config.DATA_PATH, "synsetoffset2category.txt"))
        wanted = {self.class_names.index(name) for name in config.classes or PARTS}
        self.names: list[str] = []
        labels: list[int] = []
        stored: dict[str, set[str]] = {}
        lists = [
            os.path.join(config.DATA_PATH, "train_test_split", f"shuffled_{name}_file_list.json")
            for name in (("train", "val") if config.subset == "train" else ("test",))
        ]
        for path in lists:
            for synset, name in self._read_list(path):
                if synset not in categories:
                    raise UserError(f"{path}: synset {synset} of '{synset}/{name}' is not in synsetoffset2category.txt")
                if categories[synset] not in wanted:
                    continue
                if synset not in stored:
                    stored[synset] = self._stored(synset)
                if f"{name}.txt" not in stored[synset]:
                    raise UserError(f"{self._path(f'{synset}/{name}')} not found, though {path} lists it")
                self.names.append(f"{synset}/{name}")
                labels.append(categories[synset])
        if not self.names:
            raise UserError(f"{' and '.join(lists)} list no shape of {', '.join(config.classes or PARTS)}")
        self.labels = np.array(labels, np.int64)
        self._read: dict[int, tuple[Tensor, Tensor]] = {}

    def _read_categories(self, path: str) -> dict[str, int]:
        """Read lines of category and synset into category labels by synset."""
        categories = {}
        for line in read_lines(path, "ShapeNetPart categories", self.hint()):
            name, _, synset = line.replace("\t", " ").partition(" ")
            if not synset.strip().isdecimal():
                raise UserError(f"{path}: a line must be a category and its synset, got '{line}'")
            if name not in PARTS:
                raise UserError(f"{path}: unknown category '{name}'{suggestion(name, PARTS)}")
            categories[synset.strip()] = self.class_names.index(name)
        return categories

    def _read_list(self, path: str) -> list[tuple[str, str]]:
        """Read a list of shapes into pairs of synset and id."""
        entries = read_json(path, "ShapeNetPart list", self.hint())
        if not isinstance(entries, list):
            raise UserError(f"{path} must hold a list of entries like shape_data/<synset>/<id>")
        pairs = []
        for entry in entries:
            parts = entry.split("/") if isinstance(entry, str) else []
            if len(parts) != 3 or not all(parts) or ".." in parts:
                raise UserError(f"{path}: an entry must be like shape_data/<synset>/<id>, got {str(entry)[:80]!r}")
            pairs.append((parts[1], parts[2]))
        return pairs

    def _stored(self, synset: str) -> set[str]:
        """Look once what there is, rather than fail in the middle of an epoch."""
        folder = os.path.join(self.config.DATA_PATH, synset)
        try:
            return set(os.listdir(folder))
        except OSError:
            raise UserError(f"folder of ShapeNetPart shapes not found: {folder}; {self.hint()}") from None

    def _path(self, name: str) -> str:
        return os.path.join(self.config.DATA_PATH, f"{name}.txt")

    def cloud(self, index: int) -> tuple[Tensor, Tensor]:
        """Return all points of one shape.

        Returns:
            (n, 3) float32, unit sphere; (n,) uint8 part labels.

        Raises:
            UserError: for a missing or damaged file, or a label that is not a part of the shape's category.
        """
        if index not in self._read:
            path = self._path(self.names[index])
            values = read_points_txt(path, COLUMNS, hint=self.hint(), keep=(0, 1, 2, COLUMNS - 1))
            name = self.class_names[self.labels[index]]
            labels = check_labels(values[:, 3], PARTS[name], f"{path} ({name})", what="point")
            points = self.normalize(torch.from_numpy(values[:, :3].copy()), "cloud")
            self._read[index] = points, torch.from_numpy(labels.astype(np.uint8))
        return self._read[index]

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        return self.names[index]

    def __getitem__(self, index: int) -> dict[str, Any]:
        points, labels = self.cloud(index)
        key = () if self.config.fixed_test_points and self.config.subset == "test" else (self.epoch,)
        draw = generator("cpu", self.seed, self.config.subset, *key, index)
        drawn = torch.randint(len(points), (self.config.npoints,), generator=draw)
        return {"points": points[drawn], "label": int(self.labels[index]), "point_label": labels[drawn].long()}
