"""A validation part of the training data (`val_share`), so that no epoch is chosen on the test data."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets import PointDataset
from tools.engine.data import open_dataset
from tools.engine.run import Run
from utils.errors import UserError
from utils.splits import hold_out


class Part(PointDataset):
    """Some samples of another data set.

    Args:
        whole: the data set.
        indices: of the samples.
    """

    def __init__(self, whole: PointDataset, indices: Sequence[int]):
        super().__init__(whole.seed)
        self.whole, self.indices = whole, indices
        self._epoch = whole._epoch
        for name in ("gives", "columns", "class_names", "wraps_text", "origin", "copies"):
            setattr(self, name, getattr(whole, name))
        for name in ("NORMALIZES", "COMPUTES", "IN_MEMORY"):
            setattr(self, name, getattr(whole, name))
        for name in ("labels", "objects"):
            values = getattr(whole, name)
            setattr(self, name, None if values is None else np.asarray(values)[[*indices]])
        self.files = None if whole.files is None else [whole.files[index] for index in indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.whole[self.indices[index]]

    def name(self, index: int) -> str:
        return self.whole.name(self.indices[index])

    def set_epoch(self, epoch: int) -> None:
        self.whole.set_epoch(epoch)

    def epoch_order(self, epoch: int) -> Tensor | None:
        order = self.whole.epoch_order(epoch)
        if order is None:
            return None
        place = torch.full((len(self.whole),), -1)
        place[torch.tensor(self.indices)] = torch.arange(len(self))
        return place[order][place[order] >= 0]

    def packable(self, index: int) -> dict[str, Any]:
        return self.whole.packable(self.indices[index])

    def pack_key(self) -> str:
        return f"{self.whole.pack_key()}\n{[*self.indices]}"

    def image_key(self) -> str | None:
        key = self.whole.image_key()
        return key and hashlib.sha256(f"{key} {[*self.indices]}".encode()).hexdigest()

    def use_features(self, features: Tensor) -> None:
        whole = features.new_zeros(len(self.whole), features.shape[1])  # of the others nothing is asked
        whole[torch.tensor(self.indices)] = features
        self.whole.use_features(whole)

    def finish(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.whole.finish(batch)

    def class_weights(self) -> Tensor | None:
        return self.whole.class_weights()


def split_indices(data: PointDataset, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Draw which samples are held out: the same share of every class, copies of one object together.

    Where it is not known what is a copy of what (`PointDataset.copies`), samples that follow each other are held out.

    Args:
        data: the data set.
        share: of its samples, between 0 and 1.
        seed: of the draw.

    Returns:
        Indices of the samples to train on and of those held out, both in order.

    Raises:
        UserError: if the data set does not know its labels, nothing would be held out, or nothing left.
    """
    if data.labels is None:
        raise UserError("config key 'val_share': this data set does not tell the classes of its samples")
    labels, objects = np.asarray(data.labels), None if data.objects is None else np.asarray(data.objects)
    if objects is None and data.files is not None and len({*data.files}) < len(data.files):
        objects = np.unique(data.files, return_inverse=True)[1]  # lists that name a file twice
    held = hold_out(labels, share, seed, "held out", objects=objects, stretches=data.copies).tolist()
    kept = sorted({*range(len(data))} - {*held})
    if not held or not kept:
        raise UserError(f"config key 'val_share': {share} of {len(data)} samples leaves one part empty")
    return kept, held


def open_training(run: Run) -> PointDataset:
    """Build `dataset.train`, without what `val_share` holds out.

    Raises:
        UserError: see `open_dataset` and `split_indices`.
    """
    data = open_dataset(run, "train")
    if not run.config.val_share:
        return data
    return Part(data, split_indices(data, run.config.val_share, run.args.seed)[0])


def open_evaluation(run: Run) -> PointDataset:
    """Build what a model is evaluated on: `dataset.test`; while it trains `dataset.val`, or what is held out.

    Raises:
        UserError: see `open_training`.
    """
    if not run.mode.trains or not run.config.val_share:
        return open_dataset(run, "val" if run.mode.trains else "test")
    data = open_dataset(run, "train")  # of its own: epochs of training do not change how its samples are drawn
    return Part(data, split_indices(data, run.config.val_share, run.args.seed)[1])
