"""Packed data sets: what thousands of small files hold, in a few arrays that `python -m tools.pack` writes.

A pack is a folder of npy files with a row for each shape, and of `pack.json`:
{"names": which shape each row is, "settings": what else the rows depend on,
"arrays": {name: {"shape": ..., "dtype": ..., "blocks": [CRC-32 of BLOCK rows each]}}}.
"""

import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.readers import npy_layout, read_json
from utils.errors import UserError
from utils.files import atomic_write

BLOCK = 128  # rows that share a checksum
INDEX = "pack.json"


class Rows:
    """An npy file whose rows are read one by one.

    Rows are read into memory of their own instead of mapped: the pages of a mapping count as memory of every worker
    that has looked at them, until that is the whole data set.

    Args:
        path: the file.
        shape: (M, ...) that it must have.
        dtype: of its numbers.

    Raises:
        UserError: if the file is missing, or is not such an array in full.
    """

    def __init__(self, path: Path, shape: Sequence[int], dtype: str):
        self.path, (self.shape, self.dtype, self.offset) = path, npy_layout(path, "packed array")
        if (list(self.shape), self.dtype.name) != (list(shape), dtype) or not shape:
            raise UserError(f"{path} holds {self.dtype.name} {self.shape}, {INDEX} says {dtype} {tuple(shape)}")
        self.file: int | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict:
        return self.__dict__ | {"file": None}  # a spawned worker opens its own

    def read(self, start: int, count: int = 1) -> np.ndarray:
        """Return rows `start` to `start + count`: (count, ...)."""
        if self.file is None:
            self.file = os.open(self.path, os.O_RDONLY)
        rows = np.empty((count, *self.shape[1:]), self.dtype)
        size = rows.nbytes // count
        if os.preadv(self.file, [memoryview(rows).cast("B")], self.offset + start * size) != rows.nbytes:
            raise UserError(f"{self.path} ends before row {start + count} of {len(self)}")
        return rows


class Pack:
    """A pack that is open for reading.

    Args:
        folder: where it is.

    Attributes:
        rows: its arrays by name.
        settings: what they depend on beside the files.

    Raises:
        UserError: if it is damaged.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        path = self.folder / INDEX
        index = read_json(path, "index of a pack")
        try:
            self.names, self.arrays, self.settings = (
                list(index["names"]),
                dict(index["arrays"]),
                dict(index["settings"]),
            )
            self.rows = {
                name: Rows(self.folder / f"{name}.npy", array["shape"], array["dtype"])
                for name, array in self.arrays.items()
            }
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{path} is damaged; python -m tools.pack with --overwrite makes it again") from None

    def find(self, names: Sequence[str]) -> np.ndarray:
        """Return the rows (M,) int64 of shapes.

        Raises:
            UserError: if it lacks one.
        """
        position = {name: row for row, name in enumerate(self.names)}
        missing = [name for name in names if name not in position]
        if missing:
            raise UserError(
                f"the pack {self.folder} lacks {len(missing)} of {len(names)} shapes, first {missing[0]}: "
                "python -m tools.pack with --overwrite packs the present files"
            )
        return np.array([position[name] for name in names], np.int64)

    def damaged(self, name: str, start: int) -> bool:
        """Whether the block of an array that begins at a row is not what was written."""
        rows = self.rows[name]
        block = rows.read(start, min(BLOCK, len(rows) - start))
        return zlib.crc32(block) != self.arrays[name]["blocks"][start // BLOCK]


def open_pack(folder: str | None) -> Pack | None:
    """Return the pack in a folder; None if there is none."""
    return Pack(folder) if folder and Path(folder, INDEX).is_file() else None


def write_index(folder: Path, names: list[str], arrays: dict, settings: dict) -> None:
    """Write `pack.json`, which makes a folder a pack."""
    with atomic_write(folder / INDEX) as temporary:
        temporary.write_text(json.dumps({"settings": settings, "arrays": arrays, "names": names}), encoding="utf-8")
