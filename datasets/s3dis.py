"""S3DIS (semantic segmentation): rooms of six areas of three buildings, every point in one of 13 classes.

A network sees blocks: all points of a room above a square of 1 m. `S3DIS` draws blocks at random for training,
`S3DISRooms` goes through whole rooms for evaluation.
"""

import dataclasses
import math
import os
import re
from typing import Any

import numpy as np
import torch

from datasets.build import DATASETS, DatasetConfig, PointDataset
from datasets.readers import check_labels, check_points, read_npy
from utils.errors import UserError
from utils.logging import progress
from utils.seeding import stable_seed

CLASS_NAMES = "ceiling floor wall beam column window door table chair sofa bookcase board clutter".split()
AREAS = range(1, 7)
COLUMNS = 7  # x y z r g b label
ROOM_FILE = re.compile(r"Area_(\d+)_.+\.npy")
TRIES = 10


@dataclasses.dataclass(kw_only=True)
class S3DISConfig(DatasetConfig):
    """Keys of `S3DIS`.

    Attributes:
        DATA_PATH: folder of the rooms.
        npoints: number of points returned of a block.
        test_area: the area that is tested on; all others are trained on.
        block_size: edge of a block in metres.
        min_points_block: blocks with this many points or fewer are not trained on, if others can be found.
        sample_rate: an epoch draws this part of the points of the split.
    """

    DATA_PATH: str
    npoints: int = 2048  # pyright: ignore[reportIncompatibleVariableOverride] see `DatasetConfig`
    test_area: int = 5
    block_size: float = 1.0
    min_points_block: int = 1024
    sample_rate: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        if self.test_area not in AREAS:
            raise ValueError(f"test_area must be in {AREAS[0]}..{AREAS[-1]}, got {self.test_area}")
        for name in ("block_size", "sample_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be greater than 0, got {getattr(self, name)}")
        if self.min_points_block < 0:
            raise ValueError(f"min_points_block must be at least 0, got {self.min_points_block}")


@dataclasses.dataclass(kw_only=True)
class S3DISRoomsConfig(S3DISConfig):
    """Keys of `S3DISRooms`: those of `S3DIS` and one more.

    Attributes:
        stride: how far blocks are apart, in metres; at most block_size.
    """

    stride: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.stride <= self.block_size:
            raise ValueError(f"stride must be greater than 0 and at most block_size, got {self.stride}")


class Room:
    """One room, in 13 bytes a point.

    Attributes:
        name: Area_<a>_<room>_<n>.
        points: (n, 3) float32 in metres, z up; stored column by column, since blocks are cut out along x and y.
    """

    def __init__(self, name: str, points: np.ndarray, labels: np.ndarray):
        self.name = name
        self.points = np.asfortranarray(points, np.float32)
        self._labels = labels.astype(np.uint8)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64, 0..12."""
        return self._labels.astype(np.int64)

    def labels_at(self, index: np.ndarray) -> np.ndarray:
        """Labels of some points: (len(index),) int64."""
        return self._labels[index].astype(np.int64)

    def within(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Positions of the points with low <= (x, y) < high."""
        x, y = self.points[:, 0], self.points[:, 1]
        column = np.flatnonzero((x >= low[0]) & (x < high[0]))
        y = y[column]
        return column[(y >= low[1]) & (y < high[1])]


def read_room(path: str) -> Room:
    """Read one room.

    Raises:
        UserError: if the file is missing, damaged, empty, or does not hold finite coordinates and labels 0..12.
    """
    values = read_npy(path, "S3DIS room")
    is_table = isinstance(values, np.ndarray) and values.ndim == 2
    if is_table and len(values) == 0:
        raise UserError(f"{path} is an empty room")
    if is_table and values.shape[1] != COLUMNS:
        raise UserError(f"{path} must have {COLUMNS} columns (x y z r g b label), got {values.shape[1]}")
    points = check_points(values[:, :3] if is_table else values, path)
    labels = check_labels(values[:, -1], len(CLASS_NAMES), path, what="point")
    return Room(os.path.basename(path).removesuffix(".npy"), points, labels)


class _Rooms(PointDataset):
    """The rooms of a split, held in memory.

    Every room is read once at the start, with a progress bar, and reduced to coordinates and labels: 13 bytes a point,
    3.5 GB for all 272 rooms. Workers of a loader share them with the process that started them (Linux).

    Attributes:
        rooms: in the order of their names.
    """

    IN_MEMORY = True
    LAYOUT = (
        "stanford_indoor3d/Area_<a>_<room>_<n>.npy, a room each: n x 7 numbers, x y z (metres, z up) r g b and label "
        "0..12, as 'python -m datasets.s3dis_convert' makes from the raw data"
    )
    SOURCE = (
        "the form for Stanford3dDataset_v1.2_Aligned_Version on the authors' site (http://buildingparser.stanford.edu)"
    )

    def __init__(self, config: S3DISConfig, data_root: str, seed: int = 0):
        super().__init__(seed)
        self.config = config
        self.class_names = list(CLASS_NAMES)
        try:
            stored = sorted(os.listdir(config.DATA_PATH))
        except OSError:
            raise UserError(f"folder of S3DIS rooms not found: {config.DATA_PATH}; {self.hint()}") from None
        areas = {name: int(match[1]) for name in stored if (match := ROOM_FILE.fullmatch(name))}
        names = [name for name, area in areas.items() if (area == config.test_area) == (config.subset == "test")]
        if not names:
            there = ", ".join(map(str, sorted(set(areas.values())))) or "none"
            wanted = f"{'' if config.subset == 'test' else 'other than '}area {config.test_area}"
            raise UserError(f"{config.DATA_PATH} has no rooms of {wanted} (areas there: {there}); {self.hint()}")
        paths = [os.path.join(config.DATA_PATH, name) for name in names]
        title = f"S3DIS, {config.subset} rooms"
        self.rooms = [read_room(path) for path in progress(paths, desc=title, unit="room")]

    def held(self) -> str:
        return f"{len(self.rooms)} rooms"

    def class_weights(self) -> torch.Tensor:
        """Return (13,) float32, (greatest frequency / frequency) ** (1/3); 0 for a class that does not occur."""
        count = np.sum([np.bincount(room.labels, minlength=len(CLASS_NAMES)) for room in self.rooms], axis=0)
        weights = np.cbrt(count.max() / np.maximum(count, 1)) * (count > 0)
        return torch.from_numpy(weights.astype(np.float32))


@DATASETS.register("S3DIS")
class S3DIS(_Rooms):
    """Random blocks (npoints, 3), their middle at the origin in x and y, z as stored; "point_label" (npoints,).

    Rooms take part in proportion to their points, and an epoch draws as many points as there are (times sample_rate).
    The middle of a block is a random point of the room, drawn anew until the block has more than min_points_block
    points; the fullest of 10 is taken if none has. In test the same blocks are drawn in every epoch.
    """

    AUGMENT = "scale_translate_small"
    gives = PointDataset.gives | {"point_label"}
    Config = S3DISConfig

    def __init__(self, config: S3DISConfig, data_root: str, seed: int = 0):
        super().__init__(config, data_root, seed)
        ends = np.cumsum([len(room) for room in self.rooms])
        self._length = max(1, int(ends[-1] * config.sample_rate / config.npoints))
        places = (np.arange(self._length) + 0.5) * ends[-1] / self._length
        self.room_of = np.searchsorted(ends, places, side="right")

    def __len__(self) -> int:
        return self._length

    def name(self, index: int) -> str:
        return f"{self.rooms[self.room_of[index]].name}, block {index}"

    def __getitem__(self, index: int) -> dict[str, Any]:
        config, room = self.config, self.rooms[self.room_of[index]]
        owner = self.epoch if config.subset == "train" else "test"
        rng = np.random.default_rng(stable_seed(self.seed, owner, index))
        block, middle = np.empty(0, np.int64), np.empty(2, np.float32)
        for attempt in range(TRIES):
            drawn = room.points[rng.integers(len(room)), :2]
            half = np.float32(config.block_size / 2)
            found = room.within(drawn - half, drawn + half)
            if attempt == 0 or len(found) > len(block):
                block, middle = found, drawn
            if len(block) > config.min_points_block:
                break
        chosen = rng.choice(block, config.npoints, replace=len(block) < config.npoints)
        return {"points": _centred(room, chosen, middle), "label": 0, "point_label": _labels(room, chosen)}


@DATASETS.register("S3DISRooms")
class S3DISRooms(_Rooms):
    """Whole rooms in chunks (npoints, 3) of blocks; "label" is the number of the room, "index" (npoints,) where its
    points stand in that room, "point_label" (npoints,).

    Blocks on a grid of `stride` cover the room, the last ones moved back to end with it. The points of a block are
    filled up by repeats to whole chunks and shuffled, so every point of the room is in at least one chunk. Nothing
    depends on the epoch.
    """

    gives = PointDataset.gives | {"point_label", "index"}
    Config = S3DISRoomsConfig

    def __init__(self, config: S3DISRoomsConfig, data_root: str, seed: int = 0):
        super().__init__(config, data_root, seed)
        self._grids = [_Grid(room, config.block_size, config.stride) for room in self.rooms]
        counts = [grid.count(room) for grid, room in zip(self._grids, self.rooms, strict=True)]
        # rows of room, block, chunk
        self._chunks = np.array(
            [
                (number, block, chunk)
                for number, sizes in enumerate(counts)
                for block, size in enumerate(sizes.tolist())
                for chunk in range(-(-size // config.npoints))
            ]
        )
        self._last: tuple[tuple[int, int], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self._chunks)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number, block, chunk = self._chunks[index].tolist()
        room, grid, size = self.rooms[number], self._grids[number], self.config.npoints
        if self._last is None or self._last[0] != (number, block):  # the chunks of a block are asked for in turn
            found = room.within(*grid.bounds(block))
            rng = np.random.default_rng(stable_seed(self.seed, "room", number, block))
            short = -len(found) % size
            repeats = rng.choice(found, short, replace=short > len(found))
            self._last = (number, block), rng.permutation(np.concatenate([found, repeats]))
        chosen = self._last[1][chunk * size : (chunk + 1) * size]
        return {
            "points": _centred(room, chosen, grid.middle(block)),
            "label": number,
            "point_label": _labels(room, chosen),
            "index": torch.from_numpy(chosen.astype(np.int64)),
        }


class _Grid:
    """Overlapping blocks that cover a room, numbered row by row; each holds its lower edges and not its upper ones."""

    def __init__(self, room: Room, size: float, stride: float):
        self.size = size
        low, high = (bound.astype(np.float64) for bound in (room.points[:, :2].min(0), room.points[:, :2].max(0)))
        # per axis (k, 2): where blocks begin and end
        self.edges: list[np.ndarray] = []
        for start, end in zip(low, high, strict=True):
            steps = max(0, math.ceil((end - start - size) / stride))
            begin = np.minimum(start + stride * np.arange(steps + 1), max(start, end - size))
            edges = np.stack([begin, begin + size], 1).astype(np.float32)
            edges[0, 0] = min(edges[0, 0], start)
            edges[-1, 1] = np.nextafter(max(edges[-1, 1], np.float32(end)), np.float32(np.inf))  # holds the farthest
            self.edges.append(edges)

    def _place(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        i, j = divmod(block, len(self.edges[1]))
        return self.edges[0][i], self.edges[1][j]

    def bounds(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper x and y of a block."""
        return tuple(np.stack(self._place(block), 1))

    def middle(self, block: int) -> np.ndarray:
        """x and y of a block's middle."""
        return np.array([edges[0] + np.float32(self.size / 2) for edges in self._place(block)], np.float32)

    def count(self, room: Room) -> np.ndarray:
        """How many points each block holds, (blocks,) int64, in one pass over the room whatever the overlap."""
        cuts = [np.unique(edges) for edges in self.edges]
        cell = [np.searchsorted(cut, room.points[:, axis], side="right") - 1 for axis, cut in enumerate(cuts)]
        shape = tuple(len(cut) for cut in cuts)
        cells = np.bincount(np.ravel_multi_index(cell, shape), minlength=shape[0] * shape[1]).reshape(shape)
        total = np.pad(cells, ((1, 0), (1, 0))).cumsum(0).cumsum(1)  # of all cells before a cut
        (x0, x1), (y0, y1) = (np.searchsorted(cut, edges).T for cut, edges in zip(cuts, self.edges, strict=True))
        x0, x1 = x0[:, None], x1[:, None]
        return (total[x1, y1] - total[x0, y1] - total[x1, y0] + total[x0, y0]).reshape(-1)


def _centred(room: Room, chosen: np.ndarray, middle: np.ndarray) -> torch.Tensor:
    points = room.points[chosen]
    points[:, :2] -= middle
    return torch.from_numpy(np.ascontiguousarray(points))


def _labels(room: Room, chosen: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(room.labels_at(chosen))
