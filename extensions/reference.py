"""Point operators in plain PyTorch: what every faster implementation must equal, and what runs everywhere."""

import torch
from torch import Tensor

# The released CUDA kernel never picks a point this close to the origin (squared norm); a start point is exempt.
ORIGIN_RADIUS_SQUARED = 1e-3

# Largest distance matrix held at once, in entries; larger problems are worked off in slices of the query.
MATRIX_LIMIT = 1 << 25


def _check_cloud(name: str, points: Tensor, width: int | None = 3) -> None:
    if points.dim() != 3 or (width is not None and points.shape[-1] != width) or not points.is_floating_point():
        shape = "(B, N, 3)" if width == 3 else "(B, N, C)"
        raise ValueError(f"{name} must be a {shape} float tensor, got {tuple(points.shape)} {points.dtype}")


@torch.no_grad()
def farthest_point_sample(points: Tensor, num_samples: int) -> Tensor:
    """Pick well-spread points greedily, as PointNet++ (Qi et al., 2017) does.

    As in the released kernel, points within sqrt(1e-3) of the origin are never picked unless they stand first.
    Ties go to the lowest index.

    Args:
        points: (B, N, 3) float coordinates.
        num_samples: how many to pick, 1 <= num_samples <= N.

    Returns:
        (B, num_samples) int64 indices into N; the first is 0.

    Raises:
        ValueError: if points is not (B, N, 3) or num_samples is out of range.
    """
    _check_cloud("points", points)
    batch, total, _ = points.shape
    if not 1 <= num_samples <= total:
        raise ValueError(f"num_samples must be in 1..{total}, got {num_samples}")
    x, y, z = points.float().unbind(-1)
    # A distance of -1 can never be the largest while any candidate is left.
    skipped = x * x + y * y + z * z <= ORIGIN_RADIUS_SQUARED
    distance = torch.full_like(x, float("inf")).masked_fill_(skipped, -1.0)
    picked = torch.zeros(batch, num_samples, dtype=torch.int64, device=points.device)
    last = picked[:, :1]
    for step in range(1, num_samples):
        dx, dy, dz = x - x.gather(1, last), y - y.gather(1, last), z - z.gather(1, last)
        dx.mul_(dx).addcmul_(dy, dy).addcmul_(dz, dz)
        torch.minimum(distance, dx, out=distance)
        last = distance.argmax(1, keepdim=True)
        picked[:, step] = last[:, 0]
    return picked


def gather(points: Tensor, index: Tensor) -> Tensor:
    """Look up points by index, cloud by cloud.

    Args:
        points: (B, N, C) values.
        index: (B, ...) int64 indices into N.

    Returns:
        (B, ..., C) values, differentiable in `points`.

    Raises:
        ValueError: if points is not (B, N, C) or the batch sizes differ.
    """
    if points.dim() != 3 or index.dim() < 2 or index.shape[0] != points.shape[0]:
        raise ValueError(f"points (B, N, C) and index (B, ...) do not fit: {tuple(points.shape)}, {tuple(index.shape)}")
    flat = index.reshape(index.shape[0], -1, 1).expand(-1, -1, points.shape[-1])
    return points.gather(1, flat).reshape(*index.shape, points.shape[-1])


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(B, M, N) squared distances by differences: exact where the |a|^2 - 2ab + |b|^2 form cancels."""
    total = None
    for dim in range(a.shape[-1]):
        difference = a[:, :, None, dim] - b[:, None, :, dim]
        total = difference * difference if total is None else total.addcmul_(difference, difference)
    return total


@torch.no_grad()
def _search(query: Tensor, points: Tensor, k: int) -> Tensor:
    """(B, M, k) indices of the k nearest points, worked off in slices of bounded memory."""
    rows = max(1, MATRIX_LIMIT // max(1, query.shape[0] * points.shape[1]))
    found = []
    for part in query.split(rows, dim=1):
        distance = _squared_distances(part, points)
        found.append(
            distance.argmin(-1, keepdim=True) if k == 1 else distance.topk(k, largest=False, sorted=False).indices
        )
    return torch.cat(found, dim=1)


def knn(query: Tensor, points: Tensor, k: int) -> Tensor:
    """Find the k nearest points of each query by Euclidean distance.

    Args:
        query: (B, G, 3) float coordinates.
        points: (B, N, 3) float coordinates.
        k: how many, 1 <= k <= N.

    Returns:
        (B, G, k) int64 indices into N, in no particular order.

    Raises:
        ValueError: if a shape is wrong or k is out of range.
    """
    _check_cloud("query", query)
    _check_cloud("points", points)
    if query.shape[0] != points.shape[0]:
        raise ValueError(f"query and points have different batch sizes: {query.shape[0]} and {points.shape[0]}")
    if not 1 <= k <= points.shape[1]:
        raise ValueError(f"k must be in 1..{points.shape[1]}, got {k}")
    return _search(query, points, k)


def nearest_squared_distances(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distance of every point to its nearest neighbour in the other cloud (Fan et al., 2017).

    Args:
        a: (B, M, 3) float coordinates.
        b: (B, N, 3) float coordinates.

    Returns:
        (B, M) distances from a to b and (B, N) from b to a, differentiable in both.

    Raises:
        ValueError: if a shape is wrong.
    """
    _check_cloud("a", a)
    _check_cloud("b", b)
    if a.shape[0] != b.shape[0]:
        raise ValueError(f"a and b have different batch sizes: {a.shape[0]} and {b.shape[0]}")
    if a.shape[1] * b.shape[1] * a.shape[0] <= MATRIX_LIMIT:
        with torch.no_grad():
            distance = _squared_distances(a, b)
            to_b, to_a = distance.argmin(2), distance.argmin(1)
    else:
        to_b, to_a = _search(a, b, 1)[..., 0], _search(b, a, 1)[..., 0]
    # The search is constant; only the chosen pairs carry a gradient.
    return (a - gather(b, to_b)).square().sum(-1), (b - gather(a, to_a)).square().sum(-1)


def chamfer_l2(a: Tensor, b: Tensor) -> Tensor:
    """Chamfer distance on squared distances (`cdl2`): mean over a plus mean over b.

    Args:
        a: (B, M, 3) float coordinates.
        b: (B, N, 3) float coordinates.

    Returns:
        Scalar, differentiable in both.
    """
    forward, backward = nearest_squared_distances(a, b)
    return forward.mean() + backward.mean()


def chamfer_l1(a: Tensor, b: Tensor) -> Tensor:
    """Chamfer distance on distances (`cdl1`): half the sum of mean over a and mean over b.

    Args:
        a: (B, M, 3) float coordinates.
        b: (B, N, 3) float coordinates.

    Returns:
        Scalar, differentiable in both; coinciding points have gradient zero.
    """
    forward, backward = nearest_squared_distances(a, b)
    return (_root(forward).mean() + _root(backward).mean()) / 2


def _root(squared: Tensor) -> Tensor:
    """Square root whose gradient at zero is zero, not infinite."""
    positive = squared > 0
    return torch.where(positive, squared, 1.0).sqrt() * positive
