"""Where shards are: a folder, or an http(s) server, whose shards are kept in a folder of this machine.

Beside the shards, WebDataset tar files, lies `index.json`, which `python -m tools.pack NAME --shards` writes:
{"format": 1, "facts": {what the shapes are}, "class_names": [...], "shards": [{"file": ..., "size": bytes,
"sha256": ..., "offsets": [where each sample begins, and the end of the last], "crc32": [of each sample]}]}.
"""

import fcntl
import hashlib
import http.client
import io
import json
import os
import re
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np

from datasets.readers import guarded
from utils.errors import UserError
from utils.files import atomic_write, open_regular, sha256_of

INDEX = "index.json"
SHARD_NAME = re.compile(r"[\w-]{1,100}\.tar")
MAX_INDEX = 1 << 30  # bytes of an index
MAX_SAMPLE = 1 << 27  # bytes of a sample
CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte from a server
PAUSES = (1, 5, 15)  # seconds before a server that fails is asked again
Result = TypeVar("Result")


class Shard(NamedTuple):
    """A shard as the index has it."""

    file: str
    size: int
    sha256: str


class ShardStore:
    """Shards that are open for reading.

    Args:
        place: a folder, or the http(s) URL of one.
        cache: the folder for shards from a server; all runs of a machine may share it.
        cache_gb: how large it may grow before what was not used for longest is deleted.

    Attributes:
        facts: what the shapes are, see `tools.shards`.
        class_names: category names; the position is the label.
        shards: all of them.
        first: (shards + 1,) int64, the number of the first sample of each shard, and of samples in all.

    Raises:
        UserError: if there is no sound index, or a shard in the folder is missing or has another size.
    """

    def __init__(self, place: str, cache: str = "", cache_gb: float = 50):
        self.place, self.cache, self.cache_bytes = place, Path(cache), int(cache_gb * 1e9)
        self.remote = bool(re.match(r"https?://", place))
        where = self.where(INDEX)
        content = guarded(where, "index of shards", self._read_index, "python -m tools.pack NAME --shards writes it")
        try:
            self._parse(json.loads(content))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
            raise UserError(f"index of shards {where} is damaged: {error or type(error).__name__}") from None
        for shard in self.shards if not self.remote else ():
            path = self.path(shard)
            size = path.stat().st_size if path.is_file() else None
            if size != shard.size:
                found = "is missing" if size is None else f"has {size} bytes"
                raise UserError(f"shard {path} {found}, its index says {shard.size} bytes")

    def where(self, name: str) -> str:
        """The path or URL of a file."""
        return f"{self.place.rstrip('/')}/{name}"

    def _read_index(self) -> bytes:
        if not self.remote:
            with open_regular(self.where(INDEX)) as file:
                content = file.read(MAX_INDEX + 1)
        else:

            def get() -> bytes:
                _download(self.where(INDEX), buffer := io.BytesIO(), MAX_INDEX + 1)
                return buffer.getvalue()

            content = _insist(get)
        if len(content) > MAX_INDEX:
            raise UserError(f"{self.where(INDEX)} has more than {MAX_INDEX} bytes, too many for such a file")
        return content

    def _parse(self, index: Mapping[str, Any]) -> None:
        """Take over an index; raises ValueError and the like if it is damaged."""
        if index["format"] != 1:
            raise ValueError(f"its format is {str(index['format'])[:20]}, known is 1")
        self.facts, self.class_names, self.shards = dict(index["facts"]), index["class_names"], []
        if not isinstance(self.class_names, list) or not all(isinstance(name, str) for name in self.class_names):
            raise ValueError("class_names must be a list of texts")
        if self.facts["normalizes"] not in ("sample", "never") or not isinstance(self.facts["captions"], bool):
            raise ValueError("its facts are unknown")
        self.views, self.points = int(self.facts["views"]), int(self.facts["points"])
        starts, sizes, sums = [], [], []
        for entry in index["shards"]:
            shard = Shard(entry["file"], int(entry["size"]), entry["sha256"])
            if not SHARD_NAME.fullmatch(shard.file) or not re.fullmatch("[0-9a-f]{64}", shard.sha256):
                raise ValueError(f"shard {shard.file!r:.100} has an unfit name or sha256")
            offsets, crc = np.array(entry["offsets"], np.int64), np.array(entry["crc32"], np.uint32)
            lengths = np.diff(offsets)
            if offsets.ndim != 1 or lengths.shape != crc.shape or offsets[0] < 0 or offsets[-1] > shard.size:
                raise ValueError(f"the places in shard {shard.file} do not fit together")
            if not len(lengths) or (lengths < 512).any() or (lengths > MAX_SAMPLE).any():
                raise ValueError(f"shard {shard.file} has samples of {lengths} bytes, they must be 512 to {MAX_SAMPLE}")
            self.shards.append(shard)
            starts.append(offsets[:-1])
            sizes.append(lengths.astype(np.int32))
            sums.append(crc)
        self.first = np.cumsum([0, *map(len, starts)])
        self.starts, self.sizes, self.sums = (np.concatenate(parts) for parts in (starts, sizes, sums))

    def __len__(self) -> int:
        return len(self.starts)

    def shard_of(self, index: int) -> int:
        """The number of the shard that holds a sample."""
        return int(np.searchsorted(self.first, index, "right")) - 1

    def read(self, index: int) -> bytes:
        """Return the part of a tar file that is one sample.

        Raises:
            UserError: if the shard cannot be had, is cut off, or the sample is not what was written.
        """
        shard = self.shards[self.shard_of(index)]
        size, start = int(self.sizes[index]), int(self.starts[index])
        with self.open(shard) as file:
            content = os.pread(file.fileno(), size, start)
        if len(content) != size or zlib.crc32(content) != self.sums[index]:
            wrong = "is cut off" if len(content) != size else "is damaged"
            raise UserError(
                f"shard {self.path(shard)} {wrong} at byte {start}, sample {index}: "
                + ("delete it, it will be fetched again" if self.remote else "restore it, or pack with --overwrite")
            )
        return content

    def path(self, shard: Shard) -> Path:
        """Where a shard is on this machine, once it is there."""
        return self.cache / f"{shard.sha256}.tar" if self.remote else Path(self.place, shard.file)

    def open(self, shard: Shard) -> BinaryIO:
        """Open a shard, fetched before if it is not on this machine."""
        path = self.path(shard)
        if not self.remote:
            return guarded(path, "shard", lambda: open_regular(path))
        while True:
            try:
                os.utime(path)  # used now
                return open_regular(path)
            except FileNotFoundError:  # not yet there, or deleted for want of space
                self._fetch(shard, path)

    def _fetch(self, shard: Shard, path: Path) -> None:
        """Get a shard from the server, once a machine however many processes ask for it."""
        url = self.where(shard.file)
        self.cache.mkdir(parents=True, exist_ok=True)
        with open(self.cache / f"{shard.sha256}.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.is_file():
                return
            for left in self.cache.glob(f".{path.name}.*.tmp"):  # by processes that ended while they fetched it
                left.unlink(missing_ok=True)

            def get() -> None:
                with atomic_write(path) as temporary, open(temporary, "wb") as file:
                    digest = _download(url, file, shard.size + 1)
                    if file.tell() != shard.size or digest != shard.sha256:
                        wrong = f"{file.tell()} bytes" if file.tell() != shard.size else "another sha256"
                        raise UserError(f"shard {url} is not what its index says: it has {wrong}")

            _insist(get)
        self._make_room(path)

    def _make_room(self, newest: Path) -> None:
        files = []
        for path in (*self.cache.glob("*.tar"), *self.cache.glob(".*.tmp")):
            try:
                files.append((path.stat().st_mtime, path.stat().st_size, path))
            except FileNotFoundError:  # another process does the same
                continue
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total > self.cache_bytes and path != newest and path.suffix == ".tar":  # others are being fetched
                path.unlink(missing_ok=True)
                total -= size


def verify_shards(store: ShardStore, bar: Callable) -> None:
    """Compare all shards with their checksums.

    Raises:
        UserError: naming the first that is damaged.
    """
    for shard in bar(store.shards):
        with store.open(shard) as file:
            if sha256_of(file) != shard.sha256:
                raise UserError(f"shard {store.path(shard)} is damaged: its sha256 is not that of its index")


class _Again(Exception):
    """A server failed in a way that may pass."""


def _insist(get: Callable[[], Result]) -> Result:
    """Call `get` until it does not raise `_Again`, or that lasts.

    Raises:
        UserError: if it lasts.
    """
    for pause in PAUSES:
        try:
            return get()
        except _Again:
            time.sleep(pause)
    try:
        return get()
    except _Again as error:
        raise UserError(str(error)) from None


def _download(url: str, file: BinaryIO, most: int) -> str:
    """Write what a URL gives to a file, at most so many bytes; returns its sha256.

    Raises:
        _Again: if the server cannot be reached, is overloaded, or breaks off.
        UserError: if it refuses.
    """
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            announced = response.length
            while (left := most - file.tell()) and (chunk := response.read(min(CHUNK, left))):
                digest.update(chunk)
                file.write(chunk)
        if announced is not None and file.tell() < min(announced, most):
            raise _Again(f"{url}: the server announces {announced} bytes and sends {file.tell()}")
    except urllib.error.HTTPError as error:
        kind = _Again if error.code in (408, 429, 500, 502, 503, 504) else UserError
        raise kind(f"{url}: the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Again(f"{url} cannot be reached: {error.reason}") from None
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _Again(f"{url}: the server breaks off: {error or type(error).__name__}") from None
    return digest.hexdigest()
