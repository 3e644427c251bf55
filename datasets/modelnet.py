"""ModelNet40 and ModelNet10 (classification, zero-shot, linear SVM)."""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from datasets.build import DATASETS, CloudDataset, DatasetConfig, parse_section, stack_clouds
from datasets.readers import check_labels, check_points, read_lines, read_pickle, read_points_txt, write_pickle
from extensions import farthest_point_sample
from utils.errors import UserError
from utils.logging import progress
from utils.registry import suggestion
from utils.seeding import stable_seed

FPS_BATCH = 32


@dataclasses.dataclass(kw_only=True)
class ModelNetConfig(DatasetConfig):
    """Keys of `ModelNet`.

    Attributes:
        DATA_PATH: folder of names, lists and class folders.
        N_POINTS: how many points FPS keeps; part of the name of the cache.
        NUM_CATEGORY: 40 or 10; part of the file names.
        USE_NORMALS: return (N, 6) with normals.
    """

    DATA_PATH: str
    N_POINTS: int = 8192
    NUM_CATEGORY: Literal[40, 10] = 40
    USE_NORMALS: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.min_points > self.N_POINTS:
            raise ValueError(f"npoints ({self.npoints}) must not be greater than N_POINTS ({self.N_POINTS})")


@DATASETS.register("ModelNet")
class ModelNet(CloudDataset):
    """Clouds (N_POINTS, 3), centred and scaled to the unit sphere."""

    AUGMENT, VOTE_AUGMENT = "scale_translate", "scale"
    NORMALIZES = "cloud"
    Config = ModelNetConfig
    LAYOUT = (
        "ModelNet/modelnet40_normal_resampled/ with modelnet40_shape_names.txt, modelnet40_{train,test}.txt (one id a "
        "line, like night_stand_0001) and <class>/<id>.txt (10,000 lines x,y,z,nx,ny,nz), from which the cache "
        "modelnet40_{train,test}_8192pts_fps.dat is made if absent; modelnet10 likewise"
    )
    SOURCE = "PointNet++ (https://shapenet.cs.stanford.edu/media/modelnet40_normal_resampled.zip)"

    @classmethod
    def look(cls, base: Mapping, data_root: str, read: bool = False) -> str:
        """Look at the text files where the cache is absent, which building would make."""
        values = {key: value for key, value in base.items() if key != "NAME"}
        configs = [parse_section(ModelNetConfig, {**values, "subset": name}, data_root, name) for name in cls.SUBSETS]
        if all(os.path.exists(cache_of(config)) for config in configs):
            return super().look(base, data_root, read)
        found, class_names = [], []
        for config in configs:
            paths, _, class_names = read_lists(config)
            for path in progress(paths, desc=f"reading {config.subset}", unit="shape"):
                if read:
                    read_points_txt(path, 6, config.N_POINTS, cls.hint())
                elif not os.path.isfile(path):
                    raise UserError(f"point file not found: {path}; {cls.hint()}")
            found.append(f"{config.subset} {len(paths)} shapes")
        return ", ".join([*found, f"{len(class_names)} classes"])

    def __init__(self, config: ModelNetConfig, data_root: str, seed: int = 0):
        clouds, labels, class_names = read_modelnet(config)
        points = stack_clouds(clouds, config.USE_NORMALS)
        super().__init__(points, labels, class_names, seed, shuffle=config.subset == "train")
        self.paths = read_lists(config)[0]

    def name(self, index: int) -> str:
        return self.paths[index]


def _prefix(config: ModelNetConfig) -> str:
    return os.path.join(config.DATA_PATH, f"modelnet{config.NUM_CATEGORY}_")


def cache_of(config: ModelNetConfig) -> str:
    """Path of the cache of one split, which may not be there."""
    return f"{_prefix(config)}{config.subset}_{config.N_POINTS}pts_fps.dat"


def read_lists(config: ModelNetConfig) -> tuple[list[str], np.ndarray, list[str]]:
    """Read which shapes one split has; none of them is looked at.

    Returns:
        M paths of text files; (M,) int64 labels; class names.

    Raises:
        UserError: for missing, damaged or contradictory lists.
    """
    names_path, list_path = f"{_prefix(config)}shape_names.txt", f"{_prefix(config)}{config.subset}.txt"
    what = f"ModelNet{config.NUM_CATEGORY}"
    class_names = read_lines(names_path, f"{what} class names", ModelNet.hint())
    position = {name: label for label, name in enumerate(class_names)}
    paths, labels = [], []
    for name in read_lines(list_path, f"{what} {config.subset} list", ModelNet.hint()):
        category = name.rpartition("_")[0]
        if category not in position:
            close = suggestion(category, position)
            raise UserError(f"{list_path}: the class of '{name}' is not in {names_path}{close}")
        paths.append(os.path.join(config.DATA_PATH, category, f"{name}.txt"))
        labels.append(position[category])
    return paths, np.array(labels, np.int64), class_names


def read_modelnet(config: ModelNetConfig) -> tuple[list[np.ndarray], np.ndarray, list[str]]:
    """Read one split from its cache, making the cache first if it is absent.

    Returns:
        M clouds (N_POINTS, 6) float32 as stored, neither centred nor scaled; (M,) int64 labels; class names.

    Raises:
        UserError: for missing, damaged or contradictory files.
    """
    paths, labels, class_names = read_lists(config)
    cache = cache_of(config)
    if not os.path.exists(cache):
        with _alone(cache):
            if not os.path.exists(cache):
                return _make_cache(cache, paths, labels, config), labels, class_names
    try:
        list_path = f"{_prefix(config)}{config.subset}.txt"
        return *_read_cache(cache, config.N_POINTS, labels, list_path, len(class_names)), class_names
    except UserError as error:
        raise UserError(f"{error}; delete the file to have it made again from the txt files") from None


@contextlib.contextmanager
def _alone(cache: str) -> Iterator[None]:
    """Wait for another run that makes the same cache; where files cannot be locked, each makes its own."""
    with contextlib.ExitStack() as stack:
        try:
            import fcntl

            lock = stack.enter_context(open(f"{cache}.lock", "w"))
            stack.callback(Path(lock.name).unlink, missing_ok=True)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logging.getLogger(__name__).warning("waiting for another run, which makes %s", cache)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except (ImportError, OSError):
            pass
        yield


def _make_cache(cache: str, paths: list[str], labels: np.ndarray, config: ModelNetConfig) -> list[np.ndarray]:
    title = f"ModelNet{config.NUM_CATEGORY} {config.subset}: {config.N_POINTS} points by FPS"
    clouds = _sample_all(paths, config.N_POINTS, title)
    try:
        write_pickle(cache, [clouds, [np.array([label], np.int32) for label in labels]])
    except OSError as error:
        logging.getLogger(__name__).warning("%s cannot be written (%s), so the next run samples again", cache, error)
    return clouds


def _read_cache(
    path: str, num_points: int, expected: np.ndarray, list_path: str, num_classes: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Read the cache and check that it belongs to the list."""
    content = read_pickle(path, "cache")
    if not (isinstance(content, (list, tuple)) and len(content) == 2 and isinstance(content[0], (list, tuple))):
        raise UserError(f"{path} must hold a list of clouds and a list of labels")
    clouds, labels = content
    if len(clouds) != len(expected):
        raise UserError(f"{path} holds {len(clouds)} shapes, but {list_path} lists {len(expected)}")
    clouds = [check_points(cloud, f"{path}, shape {i},", num_points) for i, cloud in enumerate(clouds)]
    if len({cloud.shape for cloud in clouds}) > 1 or len(clouds[0]) != num_points:
        raise UserError(f"{path}: all shapes must have {num_points} points and as many columns")
    labels = check_labels(labels, num_classes, path, len(clouds))
    if not np.array_equal(np.sort(labels), np.sort(expected)):
        raise UserError(f"{path} does not hold the classes that {list_path} lists")
    return clouds, labels


def farthest_from(points: Tensor, starts: Tensor, n: int) -> Tensor:
    """FPS of clouds (B, N, 3) that begins at the points `starts` (B,) and passes over none.

    Returns:
        (B, n) int64 indices into N.
    """
    # The operator begins at the first point: a copy of the start is put there, which nothing else picks again.
    first = points.gather(1, starts[:, None, None].expand(-1, 1, 3))
    index = farthest_point_sample(torch.cat((first, points), 1), n, skip_origin=False) - 1
    return index.where(index >= 0, starts[:, None])


def _sample_all(paths: list[str], num_points: int, title: str) -> list[np.ndarray]:
    """Read clouds from text and keep `num_points` of each by FPS, a batch of shapes at a time.

    FPS starts at a random point of each shape, as released; the name of its file decides which.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    sampled: list[np.ndarray] = []
    with progress(total=len(paths), desc=title, unit="shape") as bar:
        for start in range(0, len(paths), FPS_BATCH):
            batch = [read_points_txt(path, 6, num_points, ModelNet.hint()) for path in paths[start : start + FPS_BATCH]]
            kept: dict[int, np.ndarray] = {}
            for size in {len(cloud) for cloud in batch}:
                members = [i for i, cloud in enumerate(batch) if len(cloud) == size]
                starts = torch.tensor([stable_seed(Path(paths[start + i]).name) % size for i in members])
                xyz = torch.from_numpy(np.stack([batch[i][:, :3] for i in members]))
                index = farthest_from(xyz.to(device), starts.to(device), num_points).cpu().numpy()
                kept |= {i: batch[i][row] for i, row in zip(members, index, strict=True)}
            sampled += [kept[i] for i in range(len(batch))]
            bar.update(len(batch))
    return sampled
