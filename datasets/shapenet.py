"""ShapeNet-55 with one rendered view and a category name for each shape (pretraining)."""

import dataclasses
import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datasets.build import DATASETS, at_most
from datasets.packed import INDEX, open_pack
from datasets.readers import read_bytes, read_image, read_json, read_lines, read_points_npy
from datasets.views import ViewConfig, ViewDataset
from utils.errors import UserError


@dataclasses.dataclass(kw_only=True)
class ShapeNetConfig(ViewConfig):
    """Keys of `ShapeNet`, besides those of `ViewConfig`.

    Attributes:
        DATA_PATH: folder of train.txt and test.txt.
        PC_PATH: folder of the clouds.
        IMG_PATH: folder of the views.
        TEXT_PATH: the json of category names; if it is not there, shapenet55.json is looked for near by.
        CAPTION_PATH: a json {name: [captions]}, which `python -m tools.pack shapenet --shards` packs.
        PACK_PATH: a folder that `python -m tools.pack` made; where it is, it is read instead of clouds and views.
        whole: read the test list and the train list; left out, `subset: train` does (the released pretraining).
        ratio: part of the list that is read, from its beginning.
    """

    DATA_PATH: str
    PC_PATH: str
    IMG_PATH: str | None = None
    TEXT_PATH: str | None = None
    CAPTION_PATH: str | None = None
    PACK_PATH: str | None = None
    whole: bool | None = None
    ratio: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        if self.whole is None:
            self.whole = self.subset == "train"
        if not 0 < self.ratio <= 1:
            raise ValueError(f"ratio must lie in (0, 1], got {self.ratio}")
        if self.images and self.IMG_PATH is None:
            raise ValueError("IMG_PATH is missing; without views, set images: false")


@DATASETS.register("ShapeNet")
class ShapeNet(ViewDataset):
    """Clouds (n, 3) as stored; "text", the category name; "image", see `ViewDataset`.

    Attributes:
        names: `<synset>-<id>` of the shapes.
        rows: the arrays of the pack that are read instead of files.
    """

    config: ShapeNetConfig
    captions: dict[str, list[str]] | None = None

    NORMALIZES = "sample"
    Config = ShapeNetConfig
    LAYOUT = (
        "ShapeNet55-34/ with ShapeNet-55/{train,test}.txt (one <synset>-<id>.npy a line), shapenet_pc/<synset>-<id>.npy"
        " (8192 x 3), shapenet_img/<synset>-<id>.png, shapenet55.json (records or columns of catalogue and describe)"
    )
    SOURCE = (
        "the data instructions of Point-BERT (https://github.com/lulutang0608/Point-BERT) for lists and clouds, "
        "of ReCon (https://github.com/qizekun/ReCon) for views and names"
    )

    @classmethod
    def look(cls, base: Mapping, data_root: str, read: bool = False) -> str:
        return super().look({**base, "whole": False}, data_root, read)  # each list by itself

    def __init__(self, config: ShapeNetConfig, data_root: str, seed: int = 0):
        super().__init__(config, seed)
        lists = ["test", "train"] if config.whole else [config.subset]
        places = [
            (line, path)
            for path in (os.path.join(config.DATA_PATH, f"{name}.txt") for name in lists)
            for line in read_lines(path, "ShapeNet-55 list", self.hint())
        ]
        places = places[: max(1, int(config.ratio * len(places)))]
        self.names = self.files = [line.removesuffix(".npy") for line, _ in places]
        origins = [path for _, path in places]

        json_path = self._find_names(config, data_root)
        categories = _read_categories(json_path)
        self.class_names = sorted(set(categories.values()))
        position = {name: label for label, name in enumerate(self.class_names)}
        self.labels = np.empty(len(self.names), np.int64)
        for i, (line, path) in enumerate(places):
            synset = line.partition("-")[0]
            if not synset.isdecimal() or not line.endswith(".npy"):
                raise UserError(f"{path}: '{line}' must look like <synset>-<id>.npy")
            if int(synset) not in categories:
                raise UserError(f"{path}: synset {synset} of '{line}' has no record in {json_path}")
            self.labels[i] = position[categories[int(synset)]]

        pack = open_pack(config.PACK_PATH)
        self.rows, self.at = (pack.rows, pack.find(self.names)) if pack else ({}, np.empty(0, np.int64))
        if pack is None or "points" not in self.rows:
            self._check_files(config.PC_PATH, ".npy", "clouds", origins)
        elif (stored := self.rows["points"].shape[1]) < config.min_points:
            raise UserError(f"{pack.folder} has {stored} points, fewer than the {config.min_points} asked for")
        if self.transform is not None:
            if pack and "views" in self.rows and pack.settings.get("edge") != self.transform.edge:
                told = "%s holds views of %s pixels, image_size and image_augment ask for %d: files are read"
                logging.getLogger(__name__).warning(told, pack.folder, pack.settings.get("edge"), self.transform.edge)
                del self.rows["views"]
            self.swapped = pack is not None and pack.settings.get("bgr") != config.bgr
            if "views" not in self.rows:
                self._check_files(config.IMG_PATH or "", ".png", "views", origins)

    def _find_names(self, config: ShapeNetConfig, data_root: str) -> str:
        folders = [os.path.dirname(config.DATA_PATH.rstrip("/")), config.DATA_PATH, data_root]
        places = [os.path.join(folder, "shapenet55.json") for folder in folders]
        places = ([config.TEXT_PATH] if config.TEXT_PATH else []) + places
        for path in places:
            if os.path.isfile(path):
                return path
        looked = ", ".join(dict.fromkeys(places))
        raise UserError(f"ShapeNet-55 category names not found: looked for {looked}; {self.hint()}")

    def _check_files(self, folder: str, suffix: str, what: str, origins: list[str]) -> None:
        """Look once whether all files of the lists are there, rather than fail in the middle of an epoch."""
        try:
            stored = set(os.listdir(folder))
        except OSError:
            raise UserError(f"folder of ShapeNet-55 {what} not found: {folder}; {self.hint()}") from None
        missing = [i for i, name in enumerate(self.names) if name + suffix not in stored]
        if missing:
            path, origin = os.path.join(folder, self.names[missing[0]] + suffix), origins[missing[0]]
            raise UserError(
                f"{path} not found, though {origin} lists it ({len(missing)} of {len(self.names)} {what} are missing)"
            )

    def __len__(self) -> int:
        return len(self.names)

    def pack_settings(self) -> dict[str, Any]:
        """What packed views depend on besides their files."""
        return {"edge": self.transform.edge, "bgr": self.config.bgr} if self.transform else {}

    def name(self, index: int) -> str:
        return self.names[index]

    def _path(self, index: int, view: bool) -> str:
        folder, suffix = (self.config.IMG_PATH or "", ".png") if view else (self.config.PC_PATH, ".npy")
        return os.path.join(folder, self.names[index] + suffix)

    def stored(self, index: int) -> dict[str, np.ndarray]:
        """Return what a pack stores of one shape: `points` (n, 3) float32, `views` (edge, edge, 3) uint8 if any."""
        at = int(self.at[index]) if self.rows else 0
        if "points" in self.rows:
            arrays = {"points": self.rows["points"].read(at)[0]}
        else:
            arrays = {"points": read_points_npy(self._path(index, False), 3, self.config.min_points)}
        if self.transform is None or self.features is not None:
            return arrays
        if "views" in self.rows:
            views = self.rows["views"].read(at)[0]
            return arrays | {"views": np.ascontiguousarray(views[..., ::-1]) if self.swapped else views}
        image = read_image(self._path(index, True), self.config.bgr)
        return arrays | {"views": np.array(self.transform.resize(image))}

    def packable(self, index: int) -> dict[str, Any]:
        """See `PointDataset.packable`; further views than <name>.png are the files in the folder <name> beside it."""
        name, label = self.names[index], int(self.labels[index])
        found = {"name": name, "label": label, "points": self.stored(index)["points"]}
        if self.transform is not None:
            more = sorted(Path(self.config.IMG_PATH or "", name).glob("*.[pj][np]g"))
            found["views"] = [read_bytes(path, "view") for path in (self._path(index, True), *more)]
        if self.config.CAPTION_PATH is not None:
            if self.captions is None:
                self.captions = _read_captions(self.config.CAPTION_PATH)
            found["captions"] = self.captions.get(name, [])
        return found

    def __getitem__(self, index: int) -> dict[str, Any]:
        config, label, arrays = self.config, int(self.labels[index]), self.stored(index)
        points = torch.from_numpy(at_most(arrays["points"], config.N_POINTS))
        sample = {"points": points, "label": label, "text": self.class_names[label]}
        return sample | self.view(index, index, arrays.get("views"))

    def image_key(self) -> str | None:
        """Return a digest of what the finished views depend on; None if there are none, or they change."""
        if self.transform is None or self.config.image_augment:
            return None
        config, digest = self.config, hashlib.sha256()
        digest.update(repr((config.image_size, config.image_norm, config.bgr, self.names)).encode())
        if "views" in self.rows:
            digest.update(Path(config.PACK_PATH or "", INDEX).read_bytes())
        else:
            for index in range(len(self)):
                state = os.stat(self._path(index, True))
                digest.update(b"%d %d " % (state.st_size, state.st_mtime_ns))
        return digest.hexdigest()


def _read_captions(path: str) -> dict[str, list[str]]:
    captions = read_json(path, "captions")
    lists = captions.values() if isinstance(captions, dict) else [None]
    if not all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in lists):
        raise UserError(f"{path} must map names of shapes to lists of captions")
    return captions


def _read_categories(path: str) -> dict[int, str]:
    """Read synsets, with or without their leading 0, and category names, as records or as columns."""
    records = _records(read_json(path, "ShapeNet-55 category names"))
    if not records:
        raise UserError(
            f"{path} must hold records with catalogue and describe: a list of them, or a mapping of both columns "
            "with the same rows"
        )
    categories = {}
    for i, record in enumerate(records):
        try:
            synset, name = record["catalogue"], record["describe"]
            if isinstance(synset, bool) or int(synset) != float(synset):
                raise ValueError
            if not isinstance(name, str) or not name.strip():
                raise ValueError
            categories[int(synset)] = name.strip()
        except (KeyError, TypeError, ValueError, OverflowError):
            expected = "expected a catalogue (number) and a describe (name)"
            raise UserError(f"{path}, record {i}: {expected}, got {record}") from None
    return categories


def _records(content: Any) -> list | None:
    """Return records, from a list of them or from columns, which are lists or mappings by row; None for others."""
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        return None
    columns = [content.get(key) for key in ("catalogue", "describe")]
    columns = [dict(enumerate(c)) if isinstance(c, list) else c for c in columns]
    if not all(isinstance(column, dict) for column in columns) or columns[0].keys() != columns[1].keys():
        return None
    return [{"catalogue": columns[0][row], "describe": columns[1][row]} for row in columns[0]]
