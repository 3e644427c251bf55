"""ScanObjectNN: objects cut out of indoor scans (OBJ_BG, OBJ_ONLY, and PB_T50_RS, the hardest split)."""

import dataclasses
import os

import numpy as np
import torch

from datasets.build import DATASETS, CloudDataset, DatasetConfig
from datasets.readers import check_labels, check_points, read_h5
from utils.errors import UserError

CLASS_NAMES = "bag bin box cabinet chair desk display door shelf table bed pillow sink sofa toilet".split()


@dataclasses.dataclass(kw_only=True)
class ScanObjectNNConfig(DatasetConfig):
    """Keys of `ScanObjectNN` and `ScanObjectNN_hardest`.

    Attributes:
        ROOT: folder of the h5 files: main_split, or main_split_nobg for OBJ_ONLY.
    """

    ROOT: str


@DATASETS.register("ScanObjectNN")
class ScanObjectNN(CloudDataset):
    """Clouds (2048, 3) as stored, not normalised again."""

    RELEASED_SPELLING = {"toilet": "toile"}
    Config = ScanObjectNNConfig
    SUFFIX = ""
    OBJECTS: tuple[str, ...] = ()
    LAYOUT = (
        "ScanObjectNN/ with {main_split,main_split_nobg}/{training,test}_objectdataset.h5 and "
        "main_split/{training,test}_objectdataset_augmentedrot_scale75.h5 (data: n x 2048 x 3, label: n)"
    )
    SOURCE = "the form on the authors' site (https://hkust-vgd.github.io/scanobjectnn)"

    def __init__(self, config: ScanObjectNNConfig, data_root: str, seed: int = 0):
        split = {"train": "training", "test": "test"}[config.subset]
        path = os.path.join(config.ROOT, f"{split}_objectdataset{self.SUFFIX}.h5")
        data, labels, *objects = read_h5(path, ("data", "label"), "ScanObjectNN", self.hint(), self.OBJECTS)
        points = torch.from_numpy(check_points(data, path, config.min_points, ndim=3)[..., :3])
        labels = check_labels(labels, len(CLASS_NAMES), path, len(points))
        super().__init__(points, labels, list(CLASS_NAMES), seed, shuffle=config.subset == "train")
        self.origin = path
        if objects:
            if objects[0].shape != (len(points),) or objects[0].dtype.kind not in "iu":
                raise UserError(f"{path}: 'object' must be {len(points)} whole numbers, got {objects[0].shape}")
            self.objects = objects[0].astype(np.int64)
        self.copies = bool(self.OBJECTS) and not objects


@DATASETS.register("ScanObjectNN_hardest")
class ScanObjectNNHardest(ScanObjectNN):
    """PB_T50_RS: objects moved by up to half their size, turned and scaled, up to five copies of each.

    The released files hold points and labels, but not which object a cloud is a copy of, and not all objects have all
    five copies (11,416 clouds of 2,309 objects). What is held out of them (`val_share`) is therefore one stretch of
    each class in the order of the file: if copies stand together there, at most two objects a class are in both parts;
    if they do not, this is no better than drawing clouds. Files that tell it in an array `object` (n whole numbers) are
    split by object, exactly.
    """

    VOTE_AUGMENT = "rotate"
    OBJECTS = ("object",)
    SUFFIX = "_augmentedrot_scale75"
