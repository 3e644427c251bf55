"""Sampling and augmentation of point clouds, a batch at a time, on whatever device the points are on.

Every random function draws from the `torch.Generator` it is given, on that generator's device.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from extensions import farthest_point_sample, gather
from utils.errors import UserError

# How many points FPS keeps before the random choice of npoints (released table).
POINT_ALL = {1024: 1200, 2048: 2400, 4096: 4800, 8192: 8192}


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    drawn = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float32)
    return (low + (high - low) * drawn).to(like.device, like.dtype)


def random_subset(points: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Draw n points without replacement, another choice for each cloud.

    Args:
        points: (B, N, C).
        n: how many, n <= N.

    Returns:
        (B, n, C) in random order.

    Raises:
        UserError: if the clouds have fewer than n points.
    """
    batch, available = points.shape[:2]
    _require(n, available)
    keys = torch.rand(batch, available, generator=generator, device=generator.device)
    return gather(points, keys.topk(n, 1).indices.to(points.device))


def point_all(npoints: int, available: int) -> int:
    """How many points FPS keeps before `npoints` are drawn from them: 1200 for 1024, 2400 for 2048, 4800 for 4096,
    8192 for 8192, a fifth more for other numbers; never more than there are.

    Raises:
        UserError: if fewer than `npoints` are available.
    """
    _require(npoints, available)
    return min(POINT_ALL.get(npoints, int(1.2 * npoints)), available)


def _require(npoints: int, available: int) -> None:
    if available < npoints:
        raise UserError(f"npoints={npoints} asks for more points than the clouds have ({available})")


def _farthest(points: Tensor, n: int) -> Tensor:
    """Pick n points by FPS, which never skips the pass: even of n points it may repeat some (see `skip_origin`)."""
    return gather(points, farthest_point_sample(points[..., :3].contiguous(), n))


def sample_train(points: Tensor, npoints: int, generator: torch.Generator) -> Tensor:
    """FPS to `point_all` points, then a random `npoints` of these columns, the same for the whole batch (as released).

    Args:
        points: (B, N, C).
        npoints: how many, npoints <= N.

    Returns:
        (B, npoints, C).

    Raises:
        UserError: if N < npoints.
    """
    total = point_all(npoints, points.shape[1])
    columns = torch.randperm(total, generator=generator, device=generator.device)[:npoints].to(points.device)
    return _farthest(points, total)[:, columns]


def sample_test(points: Tensor, npoints: int) -> Tensor:
    """FPS straight to `npoints`.

    Args:
        points: (B, N, C).
        npoints: how many, npoints <= N.

    Returns:
        (B, npoints, C).

    Raises:
        UserError: if N < npoints.
    """
    _require(npoints, points.shape[1])
    return _farthest(points, npoints)


def rotate_y(points: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each cloud about the y axis by its own angle U(0, 2 pi): p R with R = [[cos,0,sin],[0,1,0],[-sin,0,cos]].

    Args:
        points: (B, N, 3).
    """
    angle = _uniform(0.0, 2 * math.pi, (len(points),), generator, points)
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rotation = torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], -1).view(-1, 3, 3)
    return points @ rotation


def scale(
    points: Tensor, generator: torch.Generator, low: float = 2 / 3, high: float = 3 / 2, per_axis: bool = True
) -> Tensor:
    """Stretch each cloud by U(low, high): a factor for each axis, or one for all three.

    Args:
        points: (B, N, 3).
    """
    return points * _uniform(low, high, (len(points), 1, 3 if per_axis else 1), generator, points)


def scale_translate(
    points: Tensor,
    generator: torch.Generator,
    low: float = 2 / 3,
    high: float = 3 / 2,
    shift: float = 0.2,
    per_axis: bool = True,
) -> Tensor:
    """Stretch as `scale` does, then shift each cloud along each axis by U(-shift, shift).

    Args:
        points: (B, N, 3).
    """
    stretched = scale(points, generator, low, high, per_axis)
    return stretched + _uniform(-shift, shift, (len(points), 1, 3), generator, points)


def identity(points: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Leave the points as they are."""
    return points


Augmentation = Callable[[Tensor, torch.Generator], Tensor]
AUGMENTATIONS: dict[str, Augmentation] = {
    "rotate": rotate_y,
    "scale_translate": scale_translate,
    # Of segmentation: gentler, and one factor a cloud, as in the PointNet++ code that it goes back to.
    "scale_translate_small": partial(scale_translate, low=0.8, high=1.25, shift=0.1, per_axis=False),
    "scale": scale,
    "none": identity,
}
