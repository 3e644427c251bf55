"""Write a data set as WebDataset shards: `python -m tools.pack shapenet --shards`.

A shape is `<number>.points.npy`, `<number>.0.png` and further views (png or jpg), and `<number>.json`: {"number": its
place in the data set, "name", "label", "captions"}. `index.json` is described in `datasets/shard_store.py`.
"""

import hashlib
import io
import json
import shutil
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datasets import PointDataset
from datasets.packed import BLOCK
from datasets.readers import check_points, read_image
from datasets.shard_store import INDEX, Shard, ShardStore, verify_shards
from datasets.shards import webdataset
from utils.errors import UserError
from utils.files import atomic_write, lock_folder, remove_temporaries, sha256_of
from utils.logging import progress
from utils.seeding import generator
from utils.workers import Processes, Threads

BEGUN = "begun.json"  # what shards in the making are of


class ShardWriter:
    """Shards in the making.

    Args:
        data: what is packed.
        folder: where; shards of the same data and settings that are there, and sound, are kept.
        count, size: a shard ends after so many samples or bytes.
        dtype: of the points, float32 or float16.
        seed: of the order of the samples.

    Raises:
        UserError: if the data does not fit into shards, the folder cannot be written, other shards were begun there, or
            the disk is too small.
    """

    def __init__(self, data: PointDataset, folder: Path, count: int, size: int, dtype: str, seed: int):
        self.data, self.folder, self.count, self.size, self.dtype = data, folder, count, size, dtype
        if data.IN_MEMORY or "point_label" in data.gives or data.columns != 3 or not data.class_names:
            why = "are for data sets that do not fit into memory" if data.IN_MEMORY else "hold clouds with a class name"
            raise UserError(f"shards {why}: {type(data).__name__} cannot be packed")
        self.order = torch.randperm(len(data), generator=generator("cpu", seed, "pack")).tolist()
        first = packed_sample(data, dtype, self.order[0])[0]
        digest = hashlib.sha256(data.pack_key().encode()).hexdigest()
        normalizes = "sample" if data.NORMALIZES == "sample" else "never"  # that of a cloud is done
        self.facts = {"data_set": type(data).__name__, "normalizes": normalizes, "dtype": dtype, "names": digest}
        begun = self.facts | {"count": count, "size": size, "seed": seed, "classes": data.class_names}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.lock = lock_folder(folder)
            remove_temporaries(folder)
            before = (folder / BEGUN).read_text() if (folder / BEGUN).is_file() else json.dumps(begun)
            if before != json.dumps(begun):
                raise UserError(
                    f"{folder} holds shards of other files or settings that were begun: --overwrite drops it"
                )
            (folder / BEGUN).write_text(json.dumps(begun))
        except OSError as error:
            raise UserError(f"{folder} cannot be written to: {error.strerror}") from None
        self.done = self._kept()
        left = len(data) - sum(len(record["crc32"]) for record in self.done)
        needed, free = left * sum(map(len, first.values())), shutil.disk_usage(folder).free
        if needed > free:
            raise UserError(f"the shards take about {needed / 1e9:.1f} GB more, {folder} has {free / 1e9:.1f} GB free")

    def _kept(self) -> list[dict[str, Any]]:
        """Return the records of the shards that are there, up to the first that is missing or damaged."""
        records = []
        found = sorted(self.folder.glob("shard-*.json"))
        for number, path in enumerate(progress(found, desc=f"verifying {self.folder}", unit="shard")):
            try:
                record = json.loads(path.read_text())
                with open(self.folder / record["file"], "rb") as file:
                    if path.stem != f"shard-{number:06d}" or sha256_of(file) != record["sha256"]:
                        break
            except (OSError, ValueError, KeyError, TypeError):
                break
            records.append(record)
        return records

    def write(self, threads: int) -> None:
        """Write the shards that are not there, then the index, and compare all of them with their checksums.

        Raises:
            UserError: for a missing or damaged file, or if what was written is not what is read.
        """
        done, total = sum(len(record["crc32"]) for record in self.done), len(self.order)
        with (
            self._pool(threads) as pool,
            progress(total=total, initial=done, desc=f"packing into {self.folder}", unit="shape") as bar,
        ):
            samples = self._samples(pool, done)
            while done < total:
                record = self._write_shard(f"shard-{len(self.done):06d}", samples, bar)
                self.done.append(record)
                done += len(record["crc32"])
        facts = {key: min(record[key] for record in self.done) for key in ("points", "views")}
        facts["captions"] = max(record["captions"] for record in self.done)
        for record in self.done:
            del record["points"], record["views"], record["captions"]
        index = {"format": 1, "facts": self.facts | facts, "class_names": self.data.class_names, "shards": self.done}
        with atomic_write(self.folder / INDEX) as temporary:
            temporary.write_text(json.dumps(index))
        verify_shards(ShardStore(str(self.folder)), partial(progress, desc=f"verifying {self.folder}", unit="shard"))
        for path in (*self.folder.glob("shard-*.json"), self.folder / BEGUN):
            path.unlink()
        self.lock.close()
        (self.folder / ".lock").unlink()

    def _pool(self, workers: int) -> Processes | Threads:
        """Threads, which read files at the same time; processes for data sets that compute their samples."""
        return Processes(workers, receive, (self.data, self.dtype)) if self.data.COMPUTES else Threads(workers)

    def _samples(self, pool: Processes | Threads, start: int) -> Iterator[tuple[int, tuple]]:
        pack = received if self.data.COMPUTES else partial(packed_sample, self.data, self.dtype)
        for begin in range(start, len(self.order), BLOCK):
            chosen = self.order[begin : begin + BLOCK]
            yield from zip(chosen, pool.each(pack, chosen, chunksize=16), strict=True)

    def _write_shard(self, name: str, samples: Iterator, bar: Any) -> dict[str, Any]:
        """Write the next shard, and return its record, which is written, too."""
        offsets, facts, path = [0], [], self.folder / f"{name}.tar"
        try:
            with atomic_write(path) as temporary:
                with open(temporary, "wb") as file, webdataset().TarWriter(file, encoder=False, mtime=0) as tar:
                    for index, (packed, about) in samples:
                        tar.write({"__key__": f"{index:08d}", **packed})
                        offsets.append(tar.tarstream.offset)
                        facts.append(about)
                        bar.update()
                        if len(facts) >= self.count or offsets[-1] >= self.size:
                            break
                with open(temporary, "rb") as file:
                    crc = [zlib.crc32(file.read(length)) for length in np.diff(offsets).tolist()]
                    file.seek(0)
                    shard = Shard(path.name, temporary.stat().st_size, sha256_of(file))
            record = {
                **shard._asdict(),
                "offsets": offsets,
                "crc32": crc,
                "captions": any(f["captions"] for f in facts),
            }
            record |= {key: min(about[key] for about in facts) for key in ("points", "views")}
            with atomic_write(self.folder / f"{name}.json") as temporary:
                temporary.write_text(json.dumps(record))
        except OSError as error:
            raise UserError(f"cannot write to {self.folder}: {error.strerror}") from None
        return record


def packed_sample(data: PointDataset, dtype: str, index: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files of one shape by what follows its key, and what the index wants to know of it."""
    shape, file = data.packable(index), io.BytesIO()
    points = check_points(shape["points"], f"{shape['name']}, points").astype(dtype)
    np.save(file, points)
    packed, views, captions = {"points.npy": file.getvalue()}, shape.get("views", ()), shape.get("captions", ())
    for number, content in enumerate(views):
        read_image(f"view {number} of {shape['name']}", content=content)  # is it one?
        kind = "png" if content.startswith(b"\x89PNG") else "jpg"
        packed[f"{number}.{kind}"] = content
    about = {"number": index, "name": shape["name"], "label": int(shape["label"]), "captions": list(captions)}
    packed["json"] = json.dumps(about, ensure_ascii=False).encode()
    return packed, {"points": len(points), "views": len(views), "captions": bool(captions)}


_received: dict[str, Any] = {}  # of a worker process


def receive(data: PointDataset, dtype: str) -> None:
    """Begin a worker process."""
    _received.update(data=data, dtype=dtype)


def received(index: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    """`packed_sample` of what a worker process has received."""
    return packed_sample(**_received, index=index)
