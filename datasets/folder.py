"""Any folder of shapes, `<class>/<file>`: meshes and clouds in common formats, under class names of one's own."""

import collections
import dataclasses
import itertools
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from datasets.build import DATASETS, DatasetConfig, PointDataset, at_most
from datasets.readers import npy_layout, read_mesh, read_points_npy, read_points_pcd, read_points_txt
from utils import seeding
from utils.errors import UserError
from utils.geometry import Up, turn_up
from utils.logging import progress
from utils.registry import suggestion

MESHES = (".ply", ".off", ".obj", ".stl", ".glb")  # ply, off and obj may also hold points only
TEXTS = (".txt", ".xyz", ".pts", ".csv")
SUFFIXES = (".npy", ".pcd", *TEXTS, *MESHES)


@dataclasses.dataclass(kw_only=True)
class FolderConfig(DatasetConfig):
    """Keys of `Folder`.

    Attributes:
        subset: which of the split folders, where there are any; `all` for both, and for what lies beside them.
        DATA_PATH: the folder.
        N_POINTS: how many points are drawn from a mesh and returned of a cloud; a cloud of fewer, which still has
            npoints, repeats points.
        up: which axis of the files points upwards; other files are turned, since models are trained with y up.
        classes: the class folders to read, as a list, or as a mapping from folder to class name; null: all, under
            their own names. Folders with the same name are one class.
    """

    subset: Literal["train", "test", "all"]  # pyright: ignore[reportIncompatibleVariableOverride] see `DatasetConfig`
    DATA_PATH: str
    N_POINTS: int = 8192
    up: Up = "y"
    classes: Any = None

    def __post_init__(self):
        super().__post_init__()
        if self.min_points > self.N_POINTS:
            raise ValueError(f"npoints ({self.npoints}) must not be greater than N_POINTS ({self.N_POINTS})")
        if isinstance(self.classes, Sequence) and not isinstance(self.classes, str):
            self.classes = {name: name for name in self.classes}
        if self.classes is not None and not (
            isinstance(self.classes, dict)
            and self.classes
            and all(isinstance(text, str) and text for pair in self.classes.items() for text in pair)
        ):
            raise ValueError(f"classes must be a list of folders or a mapping folder: name, got {self.classes!r}")


@DATASETS.register("Folder")
class Folder(PointDataset):
    """Clouds (N_POINTS, 3), centred and scaled to the unit sphere, read when they are asked for.

    Where class folders hold `train` and `test` folders, `subset` chooses among them, as in ModelNet's original OFF
    files; otherwise it gives everything. Shapes that lie in the folder itself, where no class folder holds any, have
    the label -1 and no class names.

    Attributes:
        splits: how many shapes the `train` and the `test` folders hold; empty where no class has such folders.

    Raises:
        UserError: if there is no shape at all, or none of a class that the config names, or a text or npy file of fewer
            than npoints points; other shapes are looked at when they are asked for.
    """

    SUBSETS, NORMALIZES = ("test",), "cloud"
    PUBLISHED = False
    Config = FolderConfig
    LAYOUT = f"<class>/<file> or <class>/{{train,test}}/<file>, files of {', '.join(SUFFIXES)}"
    SOURCE = "your own shapes"

    def __init__(self, config: FolderConfig, data_root: str, seed: int = 0):
        super().__init__(seed)
        self.config = config
        root = Path(config.DATA_PATH)
        if not root.is_dir():
            raise UserError(f"folder of shapes not found: {root}; expected layout: {self.LAYOUT}")
        others = collections.Counter()
        loose, folders = _list(root, others)
        if config.classes is not None:
            for name in config.classes:
                if name not in folders:
                    raise UserError(f"classes: {root} has no folder '{name}'{suggestion(name, folders)}")
            folders = list(config.classes)
        found, empty = {}, []
        for name in folders:
            files, inner = _list(root / name, others)
            splits = {split: _list(root / name / split, others)[0] for split in ("train", "test") if split in inner}
            if files or any(splits.values()):
                found[name] = (files, splits)
            else:
                empty.append(name)
        self.splits: dict[str, int] = {}
        if any(splits for _, splits in found.values()):
            for split in ("train", "test"):
                self.splits[split] = sum(len(splits.get(split, ())) for _, splits in found.values())
        if self.splits and config.subset != "all":
            chosen = {name: splits.get(config.subset, []) for name, (_, splits) in found.items()}
            loose += [file for files, _ in found.values() for file in files]
        else:
            chosen = {name: [*files, *itertools.chain(*splits.values())] for name, (files, splits) in found.items()}

        names = config.classes or {name: name for name in found}
        self.class_names = list(dict.fromkeys(names[name] for name in found))
        shapes = [(file, self.class_names.index(names[name])) for name, files in chosen.items() for file in files]
        if found:
            others.update(Path(file).suffix for file in loose)
        elif config.classes is None:
            shapes = [(file, -1) for file in loose]
        if not shapes:
            raise UserError(f"{root} holds no shapes to {config.subset}; expected layout: {self.LAYOUT}")
        self.files = self.paths = [file for file, _ in shapes]
        self.labels = [label for _, label in shapes]
        self._tell(root, others, empty)
        for path in progress(self.files, desc=f"looking at {root}", unit="shape") if config.npoints else ():
            if _points_at_most(path) < config.min_points:
                read_shape(path, config.N_POINTS, seed, config.min_points)  # its reader tells what is wrong

    @staticmethod
    def _tell(root: Path, others: collections.Counter, empty: list[str]) -> None:
        log = logging.getLogger(__name__)
        if others:
            kinds = ", ".join(f"{count} {kind or 'without suffix'}" for kind, count in others.most_common(5))
            log.warning("%s: %d files that are not shapes of a class are passed over (%s)", root, others.total(), kinds)
        if empty:
            log.warning("%s: %d class folders without shapes are passed over (%s)", root, len(empty), ", ".join(empty))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        config, path = self.config, self.paths[index]
        # The draw belongs to the file, whatever stands beside it.
        seed = seeding.stable_seed(self.seed, "surface", os.path.relpath(path, config.DATA_PATH))
        points = read_shape(path, config.N_POINTS, seed, config.min_points)
        points = turn_up(torch.from_numpy(at_most(points, config.N_POINTS)), config.up)
        points = self.normalize(points, "cloud")
        # FPS, which comes next, takes no point twice before it has taken all.
        points = points[torch.arange(config.N_POINTS) % len(points)]
        return {"points": points, "label": self.labels[index]}


def _list(folder: Path, others: collections.Counter) -> tuple[list[str], list[str]]:
    """Return the paths of the shapes and the names of the folders in a folder; count the other files by suffix."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"folder {folder} cannot be read: {error.strerror}") from None
    entries = [entry for entry in entries if not entry.name.startswith(".")]
    files = [entry.path for entry in entries if entry.is_file()]
    shapes = [path for path in files if Path(path).suffix.lower() in SUFFIXES]
    others.update(Path(path).suffix for path in files if Path(path).suffix.lower() not in SUFFIXES)
    return shapes, [entry.name for entry in entries if entry.is_dir()]


def _points_at_most(path: str) -> float:
    """How many points a cloud may have by its lines or header; infinite where that is not told so cheaply."""
    suffix = Path(path).suffix.lower()
    try:
        if suffix in TEXTS:
            content = Path(path).read_bytes()
            return max(content.count(b"\n"), content.count(b"\r")) + 1
        if suffix == ".npy":
            return npy_layout(path)[0][0]
    except Exception:  # decoders of damaged files raise nearly anything; its reader tells what it is
        pass
    return math.inf


DENSITY = 8  # points drawn from a mesh over those that are fed, as in pretraining


def read_for_encoder(path: str, npoints: int, least: int, seed: int = 0, name: str | None = None) -> np.ndarray:
    """Read one mesh or cloud for an encoder that is fed `npoints` points.

    Args:
        path: see `read_shape`.
        npoints: see above.
        least: how many points a cloud must have at least, those of a patch.
        seed: of the draw from the surface of a mesh.
        name: what the file is called, if its path does not tell. The draw belongs to its last part, wherever it lies.

    Returns:
        (n, 3) float32, `DENSITY` times `npoints` points, of a cloud at most.

    Raises:
        UserError: see `read_shape`.
    """
    points, seed = DENSITY * npoints, seeding.stable_seed(seed, "surface", Path(name or path).name)
    return at_most(read_shape(path, points, seed, least), points)


def read_shape(path: str, num_points: int, seed: int, min_points: int = 1) -> np.ndarray:
    """Read one mesh or cloud by its suffix.

    Args:
        path: a file of one of `SUFFIXES`.
        num_points: how many points are drawn from the surface of a mesh.
        seed: of that draw.
        min_points: how many points a cloud must have at least.

    Returns:
        (n, 3) float32: of a mesh `num_points` points, of a cloud all.

    Raises:
        UserError: if the file is damaged, or is a cloud of fewer than `min_points` points.
    """
    suffix = Path(path).suffix.lower()
    if suffix in MESHES:
        return read_mesh(path, num_points, seed, min_points)
    if suffix == ".npy":
        return read_points_npy(path, 3, min_points)
    if suffix == ".pcd":
        return read_points_pcd(path, min_points)
    return read_points_txt(path, None, min_points)[:, :3]
