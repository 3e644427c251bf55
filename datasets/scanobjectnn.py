"""ScanObjectNN: objects cut out of indoor scans (OBJ_BG, OBJ_ONLY, and PB_T50_RS, the hardest split)."""

import dataclasses
import os

import torch

from datasets.build import DATASETS, CloudDataset, DatasetConfig
from datasets.readers import check_labels, check_points, read_h5

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
    LAYOUT = (
        "ScanObjectNN/ with {main_split,main_split_nobg}/{training,test}_objectdataset.h5 and "
        "main_split/{training,test}_objectdataset_augmentedrot_scale75.h5 (data: n x 2048 x 3, label: n)"
    )
    SOURCE = "the form on the authors' site (https://hkust-vgd.github.io/scanobjectnn)"

    def __init__(self, config: ScanObjectNNConfig, data_root: str, seed: int = 0):
        split = {"train": "training", "test": "test"}[config.subset]
        path = os.path.join(config.ROOT, f"{split}_objectdataset{self.SUFFIX}.h5")
        data, labels = read_h5(path, ("data", "label"), "ScanObjectNN", self.hint())
        points = torch.from_numpy(check_points(data, path, config.min_points, ndim=3)[..., :3])
        labels = check_labels(labels, len(CLASS_NAMES), path, len(points))
        super().__init__(points, labels, list(CLASS_NAMES), seed, shuffle=config.subset == "train")
        self.origin = path


@DATASETS.register("ScanObjectNN_hardest")
class ScanObjectNNHardest(ScanObjectNN):
    """PB_T50_RS: objects moved by up to half their size, turned and scaled."""

    VOTE_AUGMENT = "rotate"
    SUFFIX = "_augmentedrot_scale75"
