"""The frame of a cloud: where its origin is, how large it is, which way is up."""

from typing import Literal

import torch
from torch import Tensor

Up = Literal["x", "y", "z", "-x", "-y", "-z"]
# Rows: which coordinate, and with which sign, becomes x, y and z. All of them are rotations.
_TURNS = {
    "x": ((1, -1), (0, 1), (2, 1)),
    "y": ((0, 1), (1, 1), (2, 1)),
    "z": ((0, 1), (2, 1), (1, -1)),
    "-x": ((1, 1), (0, -1), (2, 1)),
    "-y": ((0, 1), (1, -1), (2, -1)),
    "-z": ((0, 1), (2, -1), (1, 1)),
}


def turn_up(points: Tensor, up: Up = "y") -> Tensor:
    """Turn points (..., 3), in whose frame the axis `up` points upwards, so that y does."""
    if up == "y":
        return points
    axes, signs = zip(*_TURNS[up], strict=True)
    return points[..., list(axes)] * points.new_tensor(signs)


def normalize_unit_sphere(points: Tensor) -> Tensor:
    """Move the mean of each cloud to the origin and scale its farthest point to distance 1.

    Args:
        points: (..., N, C) with coordinates in the first 3 columns; further columns are kept as they are.

    Returns:
        Same shape, finite also where all points coincide.
    """
    xyz = points[..., :3]
    xyz = xyz - xyz.mean(-2, keepdim=True)
    radius = xyz.square().sum(-1).amax(-1).sqrt()[..., None, None]
    xyz = xyz / radius.clamp_min(torch.finfo(points.dtype).tiny)
    return xyz if points.shape[-1] == 3 else torch.cat([xyz, points[..., 3:]], -1)


def up_scores(points: Tensor) -> Tensor:
    """Say how much each axis of clouds looks like the one that points upwards, or downwards.

    Things that stand have mirror planes, or a half turn that leaves them as they are, about the upright axis more often
    than about others.

    Args:
        points: (B, N, 3); of some hundred points, since all distances within a cloud are computed.

    Returns:
        (B, 3): the higher, the more likely; the sum over the axes is 0.
    """
    points = points - (points.amin(1, keepdim=True) + points.amax(1, keepdim=True)) / 2

    def change(signs: list[float]) -> Tensor:
        """Mean distance (B,) between a cloud and its image, both ways."""
        distance = torch.cdist(points, points * points.new_tensor(signs))
        return distance.amin(1).mean(1) + distance.amin(2).mean(1)

    mirrored = torch.stack([change([1 - 2.0 * (axis == i) for i in range(3)]) for axis in range(3)], 1)
    turned = torch.stack([change([2.0 * (axis == i) - 1 for i in range(3)]) for axis in range(3)], 1)
    tiny = torch.finfo(points.dtype).tiny
    return mirrored / mirrored.sum(1, keepdim=True).clamp_min(tiny) - turned / turned.sum(1, keepdim=True).clamp_min(
        tiny
    )
