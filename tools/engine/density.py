"""Training on clouds of varying density: `least_points` and `most_points`."""

from collections.abc import Callable

import torch
from torch import Tensor

from datasets.point_transforms import random_subset
from models import Trainable
from models.transformer import Patches
from tools.engine.config import RunConfig
from tools.engine.task import Generators
from utils.errors import UserError

PARTS = 8  # of a batch, each of another density


def numbers_of_points(config: RunConfig, parts: int, draw: Generators) -> list[int]:
    """Draw how many points the clouds of each part of a batch have.

    They are log-uniform between `least_points` and `most_points`, one in each of as many equal intervals as there are
    parts. So every batch has sparse and dense clouds, and BatchNorm in the patch embedding normalises all of them by
    the same statistics, as it does in evaluation.
    """
    assert config.least_points is not None
    span = (config.most_points or config.npoints) / config.least_points
    drawn = torch.rand(parts, generator=draw("npoints", "cpu"), dtype=torch.float64)
    return [round(config.least_points * span**share) for share in ((torch.arange(parts) + drawn) / parts).tolist()]


def group_varied(
    model: Trainable, points: Tensor, config: RunConfig, draw: Generators, feed: Callable[[Tensor], Tensor]
) -> Patches:
    """Cut a training batch into patches, a part of it after the other, each of another density.

    Args:
        model: cuts it.
        points: (B, n, C) as stored.
        config: says how many points there are.
        draw: see `TrainedTask.prepare`.
        feed: makes of clouds (b, m, C) those that the model is fed, of at most `npoints` points.

    Raises:
        UserError: if the model does not cut clouds into patches.
    """
    split = points.tensor_split(min(PARTS, len(points)))
    generator = draw("subsets")
    drawn = zip(numbers_of_points(config, len(split), draw), split, strict=True)
    parts = [model.group(feed(random_subset(part, number, generator))) for number, part in drawn]
    if not isinstance(parts[0], Patches):
        raise UserError("config key 'least_points': clouds of several sizes need a model that cuts them into patches")
    return Patches(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))
