"""The operators of PointNet++ (Qi et al., 2017) with the names, arguments, shapes and types of `pointnet2_ops`."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

import recon_ops


def furthest_point_sample(xyz: Tensor, npoint: int) -> Tensor:
    """Pick well-spread points greedily; points within sqrt(1e-3) of the origin only if they stand first.

    Args:
        xyz: (B, N, 3) float coordinates.
        npoint: how many to pick, 1 <= npoint <= N.

    Returns:
        (B, npoint) int32 indices into N; the first is 0.

    Raises:
        ValueError: if xyz is not (B, N, 3) or not finite, or npoint is out of range.
    """
    return recon_ops.farthest_point_sample(xyz, npoint, skip_origin=True).int()


def gather_operation(features: Tensor, idx: Tensor) -> Tensor:
    """Look up features.

    Args:
        features: (B, C, N) float values.
        idx: (B, npoint) integer indices into N.

    Returns:
        (B, C, npoint) values, differentiable in `features`.

    Raises:
        ValueError: if shapes, types or devices are wrong.
    """
    return recon_ops.gather_channels(features, idx)


def three_nn(unknown: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Find the three nearest known points of each unknown one, nearest first.

    Args:
        unknown: (B, n, 3) float coordinates.
        known: (B, m, 3) float coordinates, m >= 3.

    Returns:
        (B, n, 3) float32 distances, not squared and without gradient, and (B, n, 3) int32 indices into m.

    Raises:
        ValueError: if shapes, devices or values are wrong.
    """
    squared, index = recon_ops.three_nn(unknown, known)
    return squared.sqrt(), index.int()


def three_interpolate(features: Tensor, idx: Tensor, weight: Tensor) -> Tensor:
    """Blend three features for each target point.

    Args:
        features: (B, C, m) float values.
        idx: (B, n, 3) integer indices into m.
        weight: (B, n, 3) float weights.

    Returns:
        (B, C, n) values, differentiable in `features` (and, other than the original, in `weight`).

    Raises:
        ValueError: if shapes, types or devices are wrong.
    """
    return recon_ops.three_interpolate(features, idx, weight)


def grouping_operation(features: Tensor, idx: Tensor) -> Tensor:
    """Look up features for groups of points.

    Args:
        features: (B, C, N) float values.
        idx: (B, npoint, nsample) integer indices into N.

    Returns:
        (B, C, npoint, nsample) values, differentiable in `features`.

    Raises:
        ValueError: if shapes, types or devices are wrong.
    """
    return recon_ops.gather_channels(features, idx)


def ball_query(radius: float, nsample: int, xyz: Tensor, new_xyz: Tensor) -> Tensor:
    """Find the first nsample points, in index order, nearer than radius to each center.

    Args:
        radius: points nearer than this count.
        nsample: how many at most.
        xyz: (B, N, 3) float coordinates of the points.
        new_xyz: (B, npoint, 3) float coordinates of the centers.

    Returns:
        (B, npoint, nsample) int32 indices into N; the first one found fills up, 0 where none is.

    Raises:
        ValueError: if shapes, devices or values are wrong.
    """
    return recon_ops.ball_query(new_xyz, xyz, radius, nsample).int()


# Some projects call the autograd functions by name.
FurthestPointSampling = SimpleNamespace(apply=furthest_point_sample)
GatherOperation = SimpleNamespace(apply=gather_operation)
ThreeNN = SimpleNamespace(apply=three_nn)
ThreeInterpolate = SimpleNamespace(apply=three_interpolate)
GroupingOperation = SimpleNamespace(apply=grouping_operation)
BallQuery = SimpleNamespace(apply=ball_query)


class QueryAndGroup(nn.Module):
    """Group points by `ball_query`, coordinates relative to their centers.

    Args:
        radius: of the ball.
        nsample: points a group.
        use_xyz: put the coordinates before the features.
    """

    def __init__(self, radius: float, nsample: int, use_xyz: bool = True):
        super().__init__()
        self.radius, self.nsample, self.use_xyz = radius, nsample, use_xyz

    def forward(self, xyz: Tensor, new_xyz: Tensor, features: Tensor | None = None) -> Tensor:
        """Group points xyz (B, N, 3) and features (B, C, N) around new_xyz (B, npoint, 3).

        Returns:
            (B, 3 + C, npoint, nsample); without use_xyz (B, C, ...), without features (B, 3, ...).

        Raises:
            ValueError: if there are neither coordinates nor features to return, or shapes are wrong.
        """
        index = ball_query(self.radius, self.nsample, xyz, new_xyz)
        offsets = grouping_operation(xyz.mT, index) - new_xyz.mT.unsqueeze(-1)
        return _joined(offsets, None if features is None else grouping_operation(features, index), self.use_xyz)


class GroupAll(nn.Module):
    """Put all points into one group, coordinates as they are.

    Args:
        use_xyz: put the coordinates before the features.
    """

    def __init__(self, use_xyz: bool = True):
        super().__init__()
        self.use_xyz = use_xyz

    def forward(self, xyz: Tensor, new_xyz: Tensor | None, features: Tensor | None = None) -> Tensor:
        """Group points xyz (B, N, 3) and features (B, C, N); new_xyz is not looked at.

        Returns:
            (B, 3 + C, 1, N); without use_xyz (B, C, 1, N), without features (B, 3, 1, N).

        Raises:
            ValueError: if there are neither coordinates nor features to return, or shapes are wrong.
        """
        if not isinstance(xyz, Tensor) or xyz.dim() != 3 or xyz.shape[2] != 3:
            raise ValueError("xyz must be a (B, N, 3) tensor")
        fits = features is None or isinstance(features, Tensor) and features.dim() == 3
        if not fits or features is not None and features.shape[::2] != xyz.shape[:2]:
            raise ValueError("features must be a (B, C, N) tensor with the B and N of xyz")
        return _joined(xyz.mT.unsqueeze(2), None if features is None else features.unsqueeze(2), self.use_xyz)


def _joined(coordinates: Tensor, features: Tensor | None, use_xyz: bool) -> Tensor:
    if features is None:
        if not use_xyz:
            raise ValueError("features must be given where use_xyz is off")
        return coordinates
    return torch.cat((coordinates, features), dim=1) if use_xyz else features
