"""A validation part of the training data (`val_share`), so that no epoch is chosen on the test data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets import PointDataset
from tools.engine.data import open_dataset
from tools.engine.run import Run
from utils import seeding
from utils.errors import UserError


class Part(PointDataset):
    """Some samples of another data set.

    Args:
        whole: the data set.
        indices: of the samples.
    """

    def __init__(self, whole: PointDataset, indices: Sequence[int]):
        super().__init__(whole.seed)
        self.whole, self.indices = whole, indices
        self.gives, self.columns, self.class_names = whole.gives, whole.columns, whole.class_names
        self.NORMALIZES = whole.NORMALIZES

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.whole[self.indices[index]]

    def name(self, index: int) -> str:
        return self.whole.name(self.indices[index])

    def set_epoch(self, epoch: int) -> None:
        self.whole.set_epoch(epoch)

    def finish(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.whole.finish(batch)

    def class_weights(self) -> Tensor | None:
        return self.whole.class_weights()


def split_indices(data: PointDataset, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Draw which samples are held out: the same share of every class.

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
    labels = np.asarray(data.labels)
    generator = seeding.generator("cpu", seed, "held out")
    classes, sizes = np.unique(labels, return_counts=True)
    counts = np.floor(share * sizes).astype(int)
    # What rounding down leaves goes to the classes that lost most by it, in a drawn order where they lost alike.
    lost, drawn = share * sizes - counts, torch.rand(len(classes), generator=generator).numpy()
    counts[np.lexsort((drawn, -lost))[: int(share * len(labels) + 0.5) - counts.sum()]] += 1
    held: list[int] = []
    for label, count in zip(classes, counts, strict=True):
        members = np.flatnonzero(labels == label)
        held += members[torch.randperm(len(members), generator=generator).numpy()[:count]].tolist()
    kept = sorted({*range(len(data))} - {*held})
    if not held or not kept:
        raise UserError(f"config key 'val_share': {share} of {len(data)} samples leaves one part empty")
    return kept, sorted(held)


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
