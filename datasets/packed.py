"""Packed data sets: what thousands of small files hold, in a few arrays that `python -m tools.pack` writes.

A pack is a folder of npy files with a row for each shape, and of `pack.json`:
{"names": which shape each row is, "settings": what else the rows depend on,
"arrays": {name: {"shape": ..., "dtype": ..., "blocks": [CRC-32 of BLOCK rows each]}}}.
"""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from datasets.readers import npy_layout, read_json
from utils.errors import UserError

BLOCK = 128  # rows that share a checksum
INDEX = "pack.json"


class Rows:
    """An npy file whose rows are read one by one.

    Rows are read into memory of their own instead of mapped: the pages of a mapping count as memory of every worker
    that has looked at them, until that is the whole data set.

    Args:
        path: the file.
        about: what the index says of it.

    Raises:
        UserError: if the file is missing, or is not such an array in full.
    """

    def __init__(self, path: Path, about: dict[str, Any]):
        self.path, (self.shape, self.dtype, self.offset) = path, npy_layout(path, "packed array")
        if (list(self.shape), self.dtype.name) != (about["shape"], about["dtype"]) or not self.shape:
            raise UserError(f"{path} holds {self.dtype.name} {self.shape}, which is not what {INDEX} says")
        self.blocks: list[int] = about["blocks"]
        self.file: BinaryIO | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict:
        return self.__dict__ | {"file": None}  # a spawned worker opens its own

    def read(self, start: int, count: int = 1) -> np.ndarray:
        """Return rows `start` to `start + count`: (count, ...)."""
        if self.file is None:
            self.file = open(self.path, "rb", buffering=0)
        rows = np.empty((count, *self.shape[1:]), self.dtype)
        place = self.offset + start * (rows.nbytes // count)
        if os.preadv(self.file.fileno(), [rows.data.cast("B")], place) != rows.nbytes:
            raise UserError(f"{self.path} ends before row {start + count} of {len(self)}")
        return rows

    def damaged(self, start: int) -> bool:
        """Whether the block that begins at a row is not what was written."""
        return zlib.crc32(self.read(start, min(BLOCK, len(self) - start)).data) != self.blocks[start // BLOCK]


class Pack:
    """A pack that is open for reading.

    Args:
        folder: where it is.

    Attributes:
        names: which shape each row is.
        settings: what the rows depend on beside the files.
        rows: its arrays by name.

    Raises:
        UserError: if it is damaged.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        index = read_json(self.folder / INDEX, "index of a pack")
        try:
            self.names, self.settings = list(index["names"]), dict(index["settings"])
            self.rows = {name: Rows(self.folder / f"{name}.npy", about) for name, about in index["arrays"].items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            again = "python -m tools.pack with --overwrite makes it again"
            raise UserError(f"{self.folder / INDEX} is damaged; {again}") from None

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


def open_pack(folder: str | os.PathLike | None) -> Pack | None:
    """Return the pack in a folder; None if there is none."""
    return Pack(folder) if folder and Path(folder, INDEX).is_file() else None
