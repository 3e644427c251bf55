"""Seven corruptions of clouds at five severities, in the manner of ModelNet40-C (Sun et al., 2022) and PointCloud-C
(Ren et al., 2022).

Each takes clouds (B, N, 3) in the unit sphere, a severity from 1 to 5 and a generator, and returns clouds of one size.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from extensions import gather
from utils.geometry import normalize_unit_sphere

SEVERITIES = (1, 2, 3, 4, 5)


def _uniform(shape: tuple[int, ...], low: float, high: float, like: Tensor, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device).to(like.device)


def _normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device).to(like.device)


def stretch(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Stretch every axis by its own factor in [1 / s, s], s = 1.6 to 2.0, and normalise again."""
    most = 1.5 + severity / 10
    factors = _uniform((len(points), 1, 3), -1, 1, points, generator)
    return normalize_unit_sphere(points * most**factors)


def rotate(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Turn by up to 6 to 30 degrees about each axis."""
    angles = _uniform((3, len(points)), -1, 1, points, generator) * math.radians(6 * severity)
    for axis, angle in enumerate(angles):
        turn = torch.eye(3, device=points.device).repeat(len(points), 1, 1)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn[:, i, i] = turn[:, j, j] = angle.cos()
        turn[:, i, j], turn[:, j, i] = angle.sin(), -angle.sin()
        points = points @ turn
    return points


def jitter(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of standard deviation 0.01 to 0.05 to every coordinate."""
    return points + 0.01 * severity * _normal(tuple(points.shape), points, generator)


def drop_global(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Remove 25 to 75 % of the points at random."""
    kept = round(points.shape[1] * (1 - (1 + severity) / 8))
    keys = torch.rand(points.shape[:2], generator=generator, device=generator.device).to(points.device)
    return gather(points, keys.topk(max(kept, 1), 1).indices)


def drop_local(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Remove 10 to 50 % of the points: equal numbers, nearest to each of some of them, one after the other."""
    parts = int(torch.randint(1, 9, (), generator=generator, device=generator.device))
    total = round(points.shape[1] * severity / 10)
    for part in range(parts):
        size = total // parts + (part < total % parts)
        choice = torch.rand(len(points), generator=generator, device=generator.device).to(points.device)
        center = gather(points, (choice * points.shape[1]).long()[:, None])
        far = (points - center).square().sum(-1).topk(points.shape[1] - size, 1).indices
        points = gather(points, far.sort(1).values)
    return points


def add_global(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Add 1 to 5 % of outliers, uniform in the unit sphere."""
    count = max(1, round(points.shape[1] * severity / 100))
    direction = _normal((len(points), count, 3), points, generator)
    radius = _uniform((len(points), count, 1), 0, 1, points, generator) ** (1 / 3)
    return torch.cat((points, radius * direction / direction.norm(dim=-1, keepdim=True)), 1)


def add_local(points: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Add 10 to 50 % of clutter: Gaussian balls, 0.075 to 0.125 wide, around some of the points."""
    parts = int(torch.randint(1, 9, (), generator=generator, device=generator.device))
    count = round(points.shape[1] * severity / 10)
    choice = torch.rand((len(points), parts), generator=generator, device=generator.device).to(points.device)
    centers = gather(points, (choice * points.shape[1]).long())
    width = _uniform((len(points), parts, 1), 0.075, 0.125, points, generator)
    whose = torch.arange(count, device=points.device) % parts
    added = centers[:, whose] + width[:, whose] * _normal((len(points), count, 3), points, generator)
    return torch.cat((points, added), 1)


CORRUPTIONS: dict[str, Callable[[Tensor, int, torch.Generator], Tensor]] = {
    "scale": stretch,
    "rotate": rotate,
    "jitter": jitter,
    "drop global": drop_global,
    "drop local": drop_local,
    "add global": add_global,
    "add local": add_local,
}
