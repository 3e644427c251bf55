"""The operators in plain PyTorch: readable, on any device, and the measure of every faster implementation.

Signatures are those of the registered operators: tensors come contiguous, float32 or int64, and of fitting shapes.
Squares and sums are separate PyTorch operations throughout, since a fused multiply-add would round differently and
could turn a tie, and with it an index, another way.
"""

import torch
from torch import Tensor

# The released CUDA kernel never picks a point this close to the origin (squared norm); a start point is exempt.
ORIGIN_RADIUS_SQUARED = 1e-3

# Largest distance matrix held at once, in entries; larger problems are worked off in slices of the query.
MATRIX_LIMIT = 1 << 25


def _check_finite(**tensors: Tensor) -> None:
    """Raise ValueError for NaN or infinity; on other devices than the CPU the answer would be a wait."""
    for name, tensor in tensors.items():
        if tensor.device.type == "cpu" and not tensor.isfinite().all():
            raise ValueError(f"{name} must be finite")


def check_range(name: str, index: Tensor, total: int) -> None:
    """Raise ValueError for an index outside 0..total - 1; as with finiteness, on the CPU only."""
    if index.device.type == "cpu" and index.numel() and not 0 <= index.min() <= index.max() < total:
        raise ValueError(f"{name} must be in 0..{total - 1}, got {index.min()}..{index.max()}")


def farthest_point_sample(points: Tensor, num_samples: int, skip_origin: bool) -> Tensor:
    """Pick well-spread points (B, N, 3) greedily (Qi et al., 2017); returns (B, num_samples) indices."""
    _check_finite(points=points)
    batch, total, _ = points.shape
    axes = points.permute(2, 0, 1).contiguous()
    distance = torch.full((batch, total), float("inf"), device=points.device)
    if skip_origin:
        x, y, z = axes * axes
        # A distance of -1 can never be the largest while any candidate is left.
        distance.masked_fill_(x + y + z <= ORIGIN_RADIUS_SQUARED, -1.0)
    picked = torch.zeros(batch, num_samples, dtype=torch.int64, device=points.device)
    last, delta = picked[:, :1], torch.empty_like(axes)
    for step in range(1, num_samples):
        torch.sub(axes, axes.gather(2, last.expand(3, -1, -1)), out=delta)
        x, y, z = delta.mul_(delta)
        torch.minimum(distance, x.add_(y).add_(z), out=distance)
        last = distance.argmax(1, keepdim=True)
        picked[:, step] = last[:, 0]
    return picked


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(B, M, N) squared distances by differences: exact where the |a|^2 - 2ab + |b|^2 form cancels."""
    total = (a[:, :, None, 0] - b[:, None, :, 0]).square_()
    for dim in range(1, a.shape[-1]):
        total.add_((a[:, :, None, dim] - b[:, None, :, dim]).square_())
    return total


def _slices(query: Tensor, points: Tensor) -> tuple[Tensor, ...]:
    rows = max(1, MATRIX_LIMIT // max(1, query.shape[0] * points.shape[1]))
    return query.split(rows, dim=1)


def _keys(distance: Tensor, index: Tensor) -> Tensor:
    """Integers that sort by distance, then by index: the bits of floats >= 0 sort as the floats do."""
    return (distance.contiguous().view(torch.int32).long() << 32) | index


def _smallest(distance: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest along the last dimension, ascending, ties by lowest index: values and indices."""
    total = distance.shape[-1]
    if k == 1:
        return distance.min(-1, keepdim=True)
    value, index = distance.topk(min(k + 1, total), largest=False)
    # Which of several equal values topk takes is open, so rows with a tie at the border are searched by key.
    tied = value[..., k - 1] == value[..., -1] if k < total else None
    key = _keys(value[..., :k], index[..., :k]).sort(-1).values
    if tied is not None and tied.any():
        key[tied] = _keys(distance[tied], torch.arange(total, device=index.device)).topk(k, largest=False).values
    return (key >> 32).int().view(torch.float32), key & 0xFFFFFFFF


def knn(query: Tensor, points: Tensor, k: int, sorted: bool) -> tuple[Tensor, Tensor]:
    """The k nearest points (B, N, C) of each query (B, M, C), nearest first: squared distances, indices (B, M, k)."""
    _check_finite(query=query, points=points)
    found = [_smallest(_squared_distances(part, points), k) for part in _slices(query, points)]
    distance, index = zip(*found, strict=True)
    return torch.cat(distance, dim=1), torch.cat(index, dim=1)


def nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Nearest neighbours both ways, of a (B, M, 3) in b (B, N, 3) and back (Fan et al., 2017).

    Returns squared distances (B, M), (B, N) and indices (B, M), (B, N).
    """
    _check_finite(a=a, b=b)
    from_a, first = [], 0
    to_a = torch.full(b.shape[:2], float("inf"), device=b.device)
    index_b = torch.zeros(b.shape[:2], dtype=torch.int64, device=b.device)
    for part in _slices(a, b):
        distance = _squared_distances(part, b)
        from_a.append(distance.min(2))
        value, index = distance.min(1)
        nearer = value < to_a
        to_a, index_b = torch.where(nearer, value, to_a), torch.where(nearer, index + first, index_b)
        first += part.shape[1]
    to_b, index_a = (torch.cat(parts, dim=1) for parts in zip(*from_a, strict=True))
    return to_b, to_a, index_a, index_b


def _add_at(target: Tensor, index: Tensor, values: Tensor) -> Tensor:
    """Add values (B, C, L) to target (B, C, N), in place, at index (B, L); in a fixed order."""
    batch, channels, _ = target.shape
    if target.device.type == "cpu":
        return target.scatter_add_(2, index[:, None].expand(-1, channels, -1), values)
    # Scattering elsewhere adds in the order of arrival; accumulating index_put sorts first.
    where = torch.arange(batch, device=target.device)[:, None, None], torch.arange(channels, device=target.device)
    return target.index_put_((where[0], where[1][:, None], index[:, None]), values, accumulate=True)


def nearest_backward(grad_a: Tensor, grad_b: Tensor, a: Tensor, b: Tensor, index_a: Tensor, index_b: Tensor) -> Tensor:
    """Gradient into a (B, M, 3) of the two distances that `nearest` gives; the indices are constant.

    That into b is the same with a and b exchanged.
    """
    check_range("index_a", index_a, b.shape[1])
    check_range("index_b", index_b, a.shape[1])
    own = 2 * grad_a[..., None] * (a - _rows(b, index_a))
    others = 2 * grad_b[..., None] * (b - _rows(a, index_b))
    return _add_at(own.mT, index_b, -others.mT).mT


def _rows(points: Tensor, index: Tensor) -> Tensor:
    """points (B, N, C) at index (B, ...): (B, ..., C)."""
    flat = index.flatten(1).unsqueeze(-1).expand(-1, -1, points.shape[-1])
    return points.gather(1, flat).reshape(*index.shape, points.shape[-1])


def ball_query(centers: Tensor, points: Tensor, radius: float, k: int) -> Tensor:
    """The first k points (B, N, 3), in index order, nearer to a center (B, M, 3) than radius: (B, M, k) indices.

    Places that are left repeat the first point found; where none is found they are 0.
    """
    _check_finite(centers=centers, points=points)
    total = points.shape[1]
    limit = torch.tensor(radius, dtype=torch.float32, device=points.device).square()
    order = torch.arange(total, device=points.device)
    found = []
    for part in _slices(centers, points):
        place = torch.where(_squared_distances(part, points) < limit, order, total)
        found.append(place.topk(min(k, total), largest=False).values)
    index = torch.nn.functional.pad(torch.cat(found, dim=1), (0, max(0, k - total)), value=total)
    index = torch.where(index == total, index[..., :1], index)
    return index.masked_fill_(index == total, 0)


def three_interpolate(features: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Weighted sum of three features each: (B, C, m) at index (B, n, 3) with weight (B, n, 3) gives (B, C, n)."""
    batch, targets, _ = index.shape
    picked = gather_channels(features, index.reshape(batch, 3 * targets)).unflatten(2, (targets, 3))
    x, y, z = (picked * weight[:, None]).unbind(-1)
    return x + y + z


def three_interpolate_backward(grad: Tensor, index: Tensor, weight: Tensor, m: int) -> Tensor:
    """Gradient (B, C, m) of `three_interpolate` into its features from that of its output, (B, C, n)."""
    return gather_channels_backward((grad[..., None] * weight[:, None]).flatten(2), index.flatten(1), m)


def gather_channels(features: Tensor, index: Tensor) -> Tensor:
    """features (B, C, N) at index (B, L): (B, C, L)."""
    check_range("index", index, features.shape[2])
    return features.gather(2, index[:, None].expand(-1, features.shape[1], -1))


def gather_channels_backward(grad: Tensor, index: Tensor, n: int) -> Tensor:
    """Gradient (B, C, n) of `gather_channels` into its features from that of its output, (B, C, L)."""
    check_range("index", index, n)
    return _add_at(grad.new_zeros(*grad.shape[:2], n), index, grad)


def group(points: Tensor, num_group: int, group_size: int, skip_origin: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cut clouds (B, N, 3) into patches around farthest points (paper, section 3.1).

    Returns neighbourhoods (B, G, K, 3) relative to their centres, nearest first; centres (B, G, 3); indices of the
    centres (B, G) and of the neighbours (B, G, K).
    """
    center_index = farthest_point_sample(points, num_group, skip_origin)
    centers = _rows(points, center_index)
    index = knn(centers, points, group_size, True)[1]
    return _rows(points, index) - centers[:, :, None], centers, center_index, index


def max_pool(values: Tensor) -> tuple[Tensor, Tensor]:
    """Maximum over the rows of (R, K, C): (R, C) values and the index (R, C) of the first row that holds each."""
    if values.shape[1] == 0:
        raise ValueError("recon_ops: values must hold at least one row a patch")
    most = values.amax(1)
    same = (values == most[:, None]) | values.isnan()
    return most, same.to(torch.int8).argmax(1)


def linear_max_backward(grad: Tensor, index: Tensor, points: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of a maximum (R, C) over linear maps of points (R, K, D) by weight (C, D), taken from rows `index`."""
    check_range("index", index, points.shape[1])
    dense = grad.new_zeros(*points.shape[:2], grad.shape[1]).scatter_(1, index[:, None], grad[:, None])
    into_points = (dense @ weight).to(points.dtype)
    return into_points, dense.flatten(0, 1).T @ points.flatten(0, 1).to(grad.dtype)
