"""Any data set as WebDataset shards, which `python -m tools.pack NAME --shards` writes, from a folder or a server."""

import dataclasses
import hashlib
import io
import json
import re
import tarfile
import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.build import DATASETS, at_most, below_root
from datasets.readers import guarded, read_image, read_points_npy
from datasets.shard_store import ShardStore
from datasets.views import ViewConfig, ViewDataset
from utils.errors import UserError
from utils.optional import optional
from utils.seeding import generator, stable_seed

MEMBER = re.compile(r"\d{1,12}\.(points\.npy|\d{1,3}\.(png|jpg)|json)")


def webdataset() -> Any:
    """The library; raises UserError where it is not installed."""
    return optional("webdataset", "shards", "requirements-data.txt")


@dataclasses.dataclass(kw_only=True)
class ShardsConfig(ViewConfig):
    """Keys of `Shards`, besides those of `ViewConfig`.

    Attributes:
        SHARDS: folder of the shards, or its http(s) URL.
        CACHE_PATH: folder that keeps shards from a server.
        cache_gb: how large it may grow, in 10^9 bytes.
        captions: give one of a shape's captions as its "text", if it has any, instead of its category name.
        lanes: places in the sequence of shards that are read at the same time; batches take from all of them in turn.
        shuffle: samples of a lane among which the next one is drawn.
    """

    SHARDS: str
    CACHE_PATH: str = "data/shard_cache"
    cache_gb: float = 50
    captions: bool = False
    lanes: int = 8
    shuffle: int = 2048

    def __post_init__(self):
        super().__post_init__()
        for name in ("lanes", "shuffle", "cache_gb"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0, got {getattr(self, name)}")


@DATASETS.register("Shards")
class Shards(ViewDataset):
    """Clouds (n, 3) as packed; "text", a category name or caption; "image", one of the shape's views drawn anew.

    A sample depends on (seed, epoch, shape) only, and so does not depend on how shapes are spread over shards.
    """

    SUBSETS = ("train",)
    PUBLISHED = False
    Config = ShardsConfig
    LAYOUT = "a folder or http(s) URL with index.json and the shards that it lists"
    SOURCE = "python -m tools.pack NAME --shards"
    STAND_IN = ""

    config: ShardsConfig

    def __init__(self, config: ShardsConfig, data_root: str, seed: int = 0):
        super().__init__(config, seed)
        webdataset()
        self.store = ShardStore(below_root(config.SHARDS, data_root), config.CACHE_PATH, config.cache_gb)
        self.gives |= {"caption"} if config.captions else set()
        self.class_names, self.NORMALIZES = self.store.class_names, self.store.facts["normalizes"]
        self.lacks = f"the shards in {self.store.place} have no"
        if config.images and not self.store.views:
            raise UserError(f"{self.lacks} views: set images: false")
        if config.captions and not self.store.facts["captions"]:
            raise UserError(f"{self.lacks} captions: set captions: false")
        if self.store.points < config.min_points:
            raise UserError(f"{self.lacks} more than {self.store.points} points, {config.min_points} are asked for")
        self._ahead: tuple[int, set[int]] = -1, set()  # epoch, and shards after which the next one was asked for

    def __len__(self) -> int:
        return len(self.store)

    def epoch_order(self, epoch: int) -> Tensor:
        """Order of an epoch: (M,) int64, all samples.

        Shards are shuffled, samples within a shard, and the sequence is cut into lanes, whose lengths differ by 1 at
        most. In each a buffer of `shuffle` samples mixes what follows each other; the order takes one sample from every
        lane in turn. So a batch is made of all lanes, and a lane reads few shards at a time. It depends on (seed,
        epoch) only, neither on the size of the batches nor on the number of processes.
        """
        draw, mix = generator("cpu", self.seed, "samples", epoch), webdataset().filters.shuffle
        parts, first = [], self.store.first
        for shard in self._shard_order(epoch):
            parts.append(first[shard] + torch.randperm(int(first[shard + 1] - first[shard]), generator=draw).numpy())
        order, lanes, size = np.empty(len(self), np.int64), self.config.lanes, self.config.shuffle
        for number, lane in enumerate(np.array_split(np.concatenate(parts), lanes)):  # longer ones come first
            mixed = mix(size, initial=size, seed=stable_seed(self.seed, "lane", epoch, number))(iter(lane.tolist()))
            order[number::lanes] = np.fromiter(mixed, np.int64, len(lane))
        return torch.from_numpy(order)

    def _shard_order(self, epoch: int) -> list[int]:
        draw = generator("cpu", self.seed, "shards", epoch)
        return torch.randperm(len(self.store.shards), generator=draw).tolist()

    def __getitem__(self, index: int) -> dict[str, Any]:
        self._fetch_next(index)
        config, where = self.config, f"{self.store.where('sample')} {index}"
        members = guarded(where, "sample", lambda: _members(self.store.read(index)))
        about = guarded(where, "sample", lambda: _about(members["json"], len(self.class_names)))
        cloud = guarded(where, "sample", lambda: members["points.npy"])
        cloud = read_points_npy(f"{where}, points.npy", 3, config.min_points, content=cloud)
        points = torch.from_numpy(np.ascontiguousarray(at_most(cloud, config.N_POINTS)))
        number, label, captions = about
        sample = {"points": points, "label": label, "text": self.class_names[label]}
        if config.captions and captions:
            sample["text"] = captions[self._draw("caption", number, len(captions))]
        pixels = None
        if self.transform is not None and self.features is None:
            names = sorted(name for name in members if name.endswith((".png", ".jpg")))
            if not names:
                raise UserError(f"{where} has no view: set images: false")
            name = names[self._draw("view", number, len(names)) if config.image_augment else 0]
            image = read_image(f"{where}, {name}", config.bgr, content=members[name])
            pixels = np.array(self.transform.resize(image))
        return sample | self.view(index, number, pixels)

    def _draw(self, what: str, number: int, count: int) -> int:
        return stable_seed(self.seed, what, self.epoch, number) % count

    def _fetch_next(self, index: int) -> None:
        """While a shard from a server is read, have the one that follows it fetched."""
        if not self.store.remote:
            return
        epoch, shard = self.epoch, self.store.shard_of(index)
        if self._ahead[0] != epoch:
            self._ahead = epoch, set()
        if shard not in self._ahead[1]:
            self._ahead[1].add(shard)
            order = self._shard_order(epoch)
            for following in order[order.index(shard) + 1 :][:1]:
                threading.Thread(target=self._fetch_quietly, args=(following,), daemon=True).start()

    def _fetch_quietly(self, shard: int) -> None:
        try:
            self.store.open(self.store.shards[shard]).close()
        except (UserError, OSError):  # told when the shard is needed
            pass

    def image_key(self) -> str | None:
        if self.transform is None or self.config.image_augment:
            return None
        config = self.config
        settings = (config.image_size, config.image_norm, config.bgr, [shard.sha256 for shard in self.store.shards])
        return hashlib.sha256(repr(settings).encode()).hexdigest()


def _members(content: bytes) -> dict[str, bytes]:
    """Return the members of a sample by what follows its key.

    The library is given plain files only: it would unpack compressed archives and sparse files, which may hold
    far more than their size.

    Raises:
        ValueError: if the content is anything else.
    """
    at, key = 0, None
    while at < len(content):
        header = content[at : at + 512]
        about = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        key = key or about.name.partition(".")[0]
        plain = about.type == tarfile.REGTYPE and 0 <= about.size <= len(content)
        if not plain or not MEMBER.fullmatch(about.name) or about.name.partition(".")[0] != key:
            raise ValueError(f"it holds {about.name[:60]!r}, which is none of the files of a sample")
        at += 512 + -(-about.size // 512) * 512
    if at != len(content):
        raise ValueError("it is cut off")
    library = webdataset().tariterators
    files = library.tar_file_expander([{"url": "", "stream": io.BytesIO(content)}])
    sample = next(iter(library.group_by_keys(files)))
    return {name: data for name, data in sample.items() if not name.startswith("__")}


def _about(content: bytes, classes: int) -> tuple[int, int, list[str]]:
    """Return the number, label and captions of a shape.

    Raises:
        ValueError: if they are not what they should be.
    """
    about = json.loads(content)
    number, label, captions = about["number"], about["label"], about.get("captions", [])
    if type(number) is not int or type(label) is not int or not 0 <= number < 1 << 40 or not 0 <= label < classes:
        raise ValueError(f"it has number {number!r:.20} and label {label!r:.20} of {classes} classes")
    if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
        raise ValueError("its captions must be a list of texts")
    return number, label, captions
