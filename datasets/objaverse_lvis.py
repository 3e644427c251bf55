"""Objaverse-LVIS in OpenShape's layout: 46,205 shapes of 1,156 categories (zero-shot)."""

import dataclasses
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from datasets.build import DATASETS, DatasetConfig, PointDataset, at_most
from datasets.readers import check_points, read_json, read_npy
from utils.errors import UserError


@dataclasses.dataclass(kw_only=True)
class ObjaverseLVISConfig(DatasetConfig):
    """Keys of `ObjaverseLVIS`.

    Attributes:
        subset: always test.
        DATA_PATH: folder that the paths in the list are relative to.
        LIST_PATH: the json list.
        N_POINTS: maximum number of points returned.
    """

    subset: Literal["test"]  # pyright: ignore[reportIncompatibleVariableOverride] see `DatasetConfig`
    DATA_PATH: str
    LIST_PATH: str
    N_POINTS: int = 10000


@DATASETS.register("ObjaverseLVIS")
class ObjaverseLVIS(PointDataset):
    """Clouds (N_POINTS, 3), y up, centred and scaled to the unit sphere, read when they are asked for: 46,205 clouds
    of 10,000 points do not fit into memory.

    Raises:
        UserError: if the list is missing or damaged, or the clouds are not where it says.
    """

    SUBSETS, NORMALIZES = ("test",), "cloud"
    Config = ObjaverseLVISConfig
    LAYOUT = (
        "ObjaverseLVIS/lvis.json, a list of {uid, category, data_path}, and the npy files that it names, each a dict "
        "with xyz (10000, 3)"
    )
    SOURCE = "OpenShape (https://huggingface.co/datasets/OpenShape/openshape-training-data)"
    STAND_IN = ""

    def __init__(self, config: ObjaverseLVISConfig, data_root: str, seed: int = 0):
        super().__init__(seed)
        self.config = config
        records = read_json(config.LIST_PATH, "Objaverse-LVIS list", self.hint())
        if not isinstance(records, list) or not records:
            raise UserError(f"{config.LIST_PATH} must hold a list of records with uid, category and data_path")
        keys = ("uid", "category", "data_path")
        for i, record in enumerate(records):
            if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in keys):
                raise UserError(f"{config.LIST_PATH}, record {i}: expected texts {', '.join(keys)}, got {record}")
        self.class_names = sorted({record["category"] for record in records})
        position = {name: label for label, name in enumerate(self.class_names)}
        self.labels = [position[record["category"]] for record in records]
        self.files = [record["uid"] for record in records]
        self.paths = _below(config.DATA_PATH, [record["data_path"] for record in records])
        missing = [path for path in self.paths if not os.path.isfile(path)]
        if missing:
            raise UserError(
                f"Objaverse-LVIS cloud not found: {missing[0]}, though {config.LIST_PATH} lists it ({len(missing)} of "
                f"{len(self.paths)} are missing); {self.hint()}"
            )

    def __len__(self) -> int:
        return len(self.paths)

    def _content(self, index: int) -> dict[str, Any]:
        path = self.paths[index]
        content = read_npy(path, "point file")
        if not isinstance(content, dict) or "xyz" not in content:
            raise UserError(f"{path} must hold a dict with xyz, got {type(content).__name__}")
        return content

    def packable(self, index: int) -> dict[str, Any]:
        """See `PointDataset.packable`; captions are the texts that OpenShape has of a shape."""
        content, texts = self._content(index), []
        for key in ("text", "blip_caption", "msft_caption", "retrieval_text"):
            value = content.get(key)
            texts += [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return super().packable(index) | {"captions": [text for text in texts if isinstance(text, str)]}

    def __getitem__(self, index: int) -> dict[str, Any]:
        path, config = self.paths[index], self.config
        content = self._content(index)
        points = at_most(check_points(content["xyz"], f"{path}, xyz,", config.min_points), config.N_POINTS)
        points = np.ascontiguousarray(points[:, [0, 2, 1]])  # stored with z up; swapped, not turned, as OpenShape does
        return {"points": self.normalize(torch.from_numpy(points), "cloud"), "label": self.labels[index]}


def _below(root: str, paths: list[str]) -> list[str]:
    """Take the paths of the list below `root`, without the folders of the machine that the list was made on.

    How many leading parts that are is found out once, by the first cloud that is there.
    """
    for path in paths:
        parts = Path(path).parts[Path(path).is_absolute() :]
        for drop in range(len(parts)):
            if os.path.isfile(os.path.join(root, *parts[drop:])):
                return [os.path.join(root, *Path(p).parts[Path(p).is_absolute() + drop :]) for p in paths]
    return [os.path.join(root, *Path(p).parts[Path(p).is_absolute() :]) for p in paths]
