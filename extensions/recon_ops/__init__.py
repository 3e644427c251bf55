"""Point operators for PyTorch: sampling, neighbours, grouping, interpolation and Chamfer distance.

They run on the CPU and on CUDA, in C++ where the library is built and in plain PyTorch elsewhere, with the same
results, and work under autograd, autocast, torch.compile and torch.export. Inputs of other float types are computed
in float32; distances come back in float32, everything else and gradients in the type of the input. Results do not
depend on the number of threads. Coordinates must be finite; only the CPU checks that, since CUDA would have to wait.
"""

import operator
from typing import Any, Literal, overload

import torch
from torch import Tensor

from . import ops, reference

__version__ = "1.0.0"

__all__ = [
    "backend",
    "ball_query",
    "chamfer_l1",
    "chamfer_l2",
    "farthest_point_sample",
    "gather",
    "gather_channels",
    "group",
    "knn",
    "max_pool",
    "nearest",
    "nearest_squared_distances",
    "ops",
    "reference",
    "three_interpolate",
    "three_nn",
]


def backend(device: str | torch.device | None = None) -> str:
    """Tell what the operators run on: "cpp", "cuda" or "torch" (plain PyTorch).

    Args:
        device: which device is asked about; left out, CUDA where there is one and the CPU elsewhere.

    Raises:
        ValueError: if PyTorch knows no such device.
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError):
        raise ValueError(f"device must be one that PyTorch knows, got {device!r}") from None
    return {"cpu": "cpp", "cuda": "cuda"}[kind] if ops.has_kernel(kind) else "torch"


# Positions within a cloud are kept in 32 bits.
_LARGEST_COUNT = (1 << 30) - 1


def _got(value: Any) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    layout = "" if value.layout == torch.strided else f" {value.layout}"
    return f"{tuple(value.shape)} {value.dtype}{layout}"


def _check_float(name: str, tensor: Tensor, shape: str) -> None:
    """Check a float tensor against a shape such as "(B, N, 3)", where only numbers are binding."""
    sizes = shape.strip("()").split(", ")
    fits = isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.dim() == len(sizes)
    fits = fits and tensor.layout == torch.strided
    if not fits or any(size.isdigit() and int(size) != have for size, have in zip(sizes, tensor.shape, strict=True)):
        raise ValueError(f"{name} must be a {shape} float tensor, got {_got(tensor)}")


def _check_index(index: Tensor, shape: str, dims: int | None = None) -> None:
    fits = isinstance(index, Tensor) and not index.is_floating_point() and index.dtype != torch.bool
    fits = fits and not index.is_complex() and index.layout == torch.strided
    if not fits or index.dim() < 2 or (dims is not None and index.dim() != dims):
        raise ValueError(f"index must be a {shape} integer tensor, got {_got(index)}")


def _check_pair(name: str, one: Tensor, other_name: str, other: Tensor) -> None:
    if one.shape[0] != other.shape[0]:
        raise ValueError(f"{name} and {other_name} have different batch sizes: {one.shape[0]} and {other.shape[0]}")
    if one.device != other.device:
        raise ValueError(f"{name} and {other_name} are on different devices: {one.device} and {other.device}")


def _count(name: str, value: int, limit: int) -> int:
    """Check a count against 1..limit; NumPy's integers become Python's."""
    if type(value) is not int and not isinstance(value, torch.SymInt):
        try:
            if isinstance(value, bool):
                raise TypeError
            value = operator.index(value)
        except TypeError:
            raise ValueError(f"{name} must be an integer, got {value!r}") from None
    if not 1 <= value <= limit:
        raise ValueError(f"{name} must be in 1..{limit}, got {value}")
    return value


def _radius(value: float) -> float:
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        radius = float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(f"radius must be a number above 0, got {value!r}") from None
    if not radius > 0:
        raise ValueError(f"radius must be a number above 0, got {value!r}")
    return radius


def _check_flag(name: str, value: bool) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def _check_filled(name: str, points: Tensor) -> None:
    if points.shape[1] == 0:
        raise ValueError(f"{name} must hold at least one point, got {tuple(points.shape)}")


def _plain(tensor: Tensor) -> Tensor:
    """What the kernels take: contiguous float32."""
    return tensor.to(torch.float32).contiguous()


def farthest_point_sample(points: Tensor, num_samples: int, skip_origin: bool = True) -> Tensor:
    """Pick well-spread points greedily, as PointNet++ (Qi et al., 2017) does. Ties go to the lowest index.

    Args:
        points: (B, N, 3) float coordinates.
        num_samples: how many to pick, 1 <= num_samples <= N.
        skip_origin: never pick points within sqrt(1e-3) of the origin unless they stand first, as the released
            CUDA kernel does.

    Returns:
        (B, num_samples) int64 indices into N; the first is 0.

    Raises:
        ValueError: if points is not (B, N, 3) or not finite, or num_samples is out of range.
    """
    _check_float("points", points, "(B, N, 3)")
    num_samples = _count("num_samples", num_samples, points.shape[1])
    _check_flag("skip_origin", skip_origin)
    return ops.call("farthest_point_sample", _plain(points.detach()), num_samples, skip_origin)


@overload
def knn(
    query: Tensor, points: Tensor, k: int, sorted: bool = False, return_distances: Literal[False] = False
) -> Tensor: ...
@overload
def knn(
    query: Tensor, points: Tensor, k: int, sorted: bool = False, *, return_distances: Literal[True]
) -> tuple[Tensor, Tensor]: ...
def knn(
    query: Tensor, points: Tensor, k: int, sorted: bool = False, return_distances: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Find the k nearest points of each query by Euclidean distance. Ties go to the lowest index.

    Args:
        query: (B, M, C) float coordinates, of any dimension C >= 1.
        points: (B, N, C) float coordinates.
        k: how many, 1 <= k <= N.
        sorted: nearest first; otherwise in no particular order.
        return_distances: squared distances too, without gradient.

    Returns:
        (B, M, k) int64 indices into N; with return_distances, (B, M, k) float32 squared distances and the indices.

    Raises:
        ValueError: if shapes, devices or values are wrong or k is out of range.
    """
    _check_float("query", query, "(B, M, C)")
    _check_float("points", points, "(B, N, C)")
    _check_pair("query", query, "points", points)
    if query.shape[2] != points.shape[2] or query.shape[2] == 0:
        raise ValueError(f"query and points differ in dimension or have none: {query.shape[2]} and {points.shape[2]}")
    k = _count("k", k, points.shape[1])
    _check_flag("sorted", sorted)
    _check_flag("return_distances", return_distances)
    distance, index = ops.call("knn", _plain(query.detach()), _plain(points.detach()), k, sorted)
    return (distance, index) if return_distances else index


def gather(points: Tensor, index: Tensor) -> Tensor:
    """Look up points by index, cloud by cloud.

    Args:
        points: (B, N, C) values.
        index: (B, ...) integer indices into N.

    Returns:
        (B, ..., C) values, differentiable in `points`.

    Raises:
        ValueError: if points is not (B, N, C), index is no integer tensor, batch sizes or devices differ, or (on the
            CPU) an index is out of range.
    """
    if not isinstance(points, Tensor) or points.dim() != 3 or points.layout != torch.strided:
        raise ValueError(f"points must be a (B, N, C) tensor, got {_got(points)}")
    _check_index(index, "(B, ...)")
    if index.shape[0] != points.shape[0]:
        raise ValueError(f"points (B, N, C) and index (B, ...) do not fit: {tuple(points.shape)}, {tuple(index.shape)}")
    _check_pair("points", points, "index", index)
    if points.is_cuda and points.requires_grad and torch.is_grad_enabled() and points.dtype != torch.float64:
        # The gradient of torch.gather adds up in the order of arrival on CUDA.
        return gather_channels(points.mT, index).movedim(1, -1)
    flat = index.long().flatten(1).unsqueeze(-1).expand(-1, -1, points.shape[-1])
    try:
        picked = points.gather(1, flat)
    except RuntimeError:
        reference.check_range("index", index, points.shape[1])
        raise
    return picked.reshape(*index.shape, points.shape[-1])


def nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Find each point's nearest neighbour in the other cloud (Fan et al., 2017). Ties go to the lowest index.

    Args:
        a: (B, M, 3) float coordinates.
        b: (B, N, 3) float coordinates.

    Returns:
        Squared distances (B, M) from a to b and (B, N) from b to a, float32 and differentiable (once) in both, and
        the int64 indices (B, M) into N and (B, N) into M.

    Raises:
        ValueError: if shapes, devices or values are wrong or a cloud is empty.
    """
    _check_float("a", a, "(B, M, 3)")
    _check_float("b", b, "(B, N, 3)")
    _check_pair("a", a, "b", b)
    _check_filled("a", a)
    _check_filled("b", b)
    return ops.call("nearest", _plain(a), _plain(b))


def nearest_squared_distances(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distance of every point to its nearest neighbour in the other cloud: `nearest` without indices.

    Args:
        a: (B, M, 3) float coordinates.
        b: (B, N, 3) float coordinates.

    Returns:
        (B, M) distances from a to b and (B, N) from b to a, float32, differentiable (once) in both.

    Raises:
        ValueError: if shapes, devices or values are wrong or a cloud is empty.
    """
    return nearest(a, b)[:2]


def chamfer_l2(a: Tensor, b: Tensor) -> Tensor:
    """Chamfer distance on squared distances (`cdl2`): mean over a plus mean over b.

    Args:
        a: (B, M, 3) float coordinates.
        b: (B, N, 3) float coordinates.

    Returns:
        Scalar, differentiable in both.

    Raises:
        ValueError: if shapes, devices or values are wrong or a cloud is empty.
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

    Raises:
        ValueError: if shapes, devices or values are wrong or a cloud is empty.
    """
    forward, backward = nearest_squared_distances(a, b)
    return (_root(forward).mean() + _root(backward).mean()) / 2


def _root(squared: Tensor) -> Tensor:
    """Square root whose gradient at zero is zero, not infinite."""
    positive = squared > 0
    return torch.where(positive, squared, 1.0).sqrt() * positive


def ball_query(centers: Tensor, points: Tensor, radius: float, k: int) -> Tensor:
    """Find points near centers, as PointNet++ (Qi et al., 2017) does: the first k in index order, not the nearest.

    Args:
        centers: (B, M, 3) float coordinates.
        points: (B, N, 3) float coordinates.
        radius: points nearer than this count, radius > 0; infinity is fine.
        k: how many at most, k >= 1.

    Returns:
        (B, M, k) int64 indices into N. Where fewer are found the first one fills up; where none is, all are 0.

    Raises:
        ValueError: if shapes, devices or values are wrong.
    """
    _check_float("centers", centers, "(B, M, 3)")
    _check_float("points", points, "(B, N, 3)")
    _check_pair("centers", centers, "points", points)
    _check_filled("points", points)
    radius, k = _radius(radius), _count("k", k, _LARGEST_COUNT)
    return ops.call("ball_query", _plain(centers.detach()), _plain(points.detach()), radius, k)


def three_nn(unknown: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Find the three nearest known points of each unknown one, nearest first.

    Args:
        unknown: (B, n, 3) float coordinates.
        known: (B, m, 3) float coordinates, m >= 3.

    Returns:
        (B, n, 3) float32 squared distances, without gradient, and (B, n, 3) int64 indices into m.

    Raises:
        ValueError: if shapes, devices or values are wrong.
    """
    _check_float("unknown", unknown, "(B, n, 3)")
    _check_float("known", known, "(B, m, 3)")
    _check_pair("unknown", unknown, "known", known)
    if known.shape[1] < 3:
        raise ValueError(f"known must hold at least 3 points, got {known.shape[1]}")
    try:
        return ops.call("knn", _plain(unknown.detach()), _plain(known.detach()), 3, True)
    except ValueError as error:  # not finite
        raise ValueError(str(error).replace("query", "unknown").replace("points", "known")) from None


def three_interpolate(features: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Blend three features for each target point (feature propagation; Qi et al., 2017).

    Args:
        features: (B, C, m) float values.
        index: (B, n, 3) integer indices into m, as from `three_nn`.
        weight: (B, n, 3) float weights.

    Returns:
        (B, C, n) values in the type of the features, differentiable (once) in features and weight.

    Raises:
        ValueError: if shapes or devices are wrong, or (on the CPU) an index is out of range.
    """
    _check_float("features", features, "(B, C, m)")
    _check_index(index, "(B, n, 3)", dims=3)
    _check_float("weight", weight, "(B, n, 3)")
    _check_pair("features", features, "index", index)
    _check_pair("index", index, "weight", weight)
    if index.shape != weight.shape:
        raise ValueError(f"index must have the shape of weight {tuple(weight.shape)}, got {tuple(index.shape)}")
    blended = ops.call("three_interpolate", _plain(features), index.long().contiguous(), _plain(weight))
    return blended.to(features.dtype)


def gather_channels(features: Tensor, index: Tensor) -> Tensor:
    """Look up features that have their channels first.

    Args:
        features: (B, C, N) float values; float64 loses what float32 cannot hold.
        index: (B, ...) integer indices into N.

    Returns:
        (B, C, ...) values in the type of the features, differentiable (once) in `features`.

    Raises:
        ValueError: if shapes or devices are wrong, or (on the CPU) an index is out of range.
    """
    _check_float("features", features, "(B, C, N)")
    _check_index(index, "(B, ...)")
    _check_pair("features", features, "index", index)
    picked = ops.call("gather_channels", _plain(features), index.long().flatten(1).contiguous())
    return picked.to(features.dtype).reshape(*features.shape[:2], *index.shape[1:])


def group(points: Tensor, num_group: int, group_size: int, skip_origin: bool = True) -> tuple[Tensor, Tensor]:
    """Cut clouds into overlapping patches: FPS centres and their nearest neighbours (paper, section 3.1).

    Args:
        points: (B, N, 3) float coordinates.
        num_group: centres a cloud, 1 <= G <= N.
        group_size: neighbours a centre, 1 <= K <= N, the centre itself included.
        skip_origin: as for `farthest_point_sample`.

    Returns:
        Neighbourhoods (B, G, K, 3) relative to their centres, nearest first, and the centres (B, G, 3), both in the
        type of the points and differentiable (once) in them.

    Raises:
        ValueError: if points is not (B, N, 3) or not finite, or num_group or group_size is out of range.
    """
    _check_float("points", points, "(B, N, 3)")
    num_group = _count("num_group", num_group, points.shape[1])
    group_size = _count("group_size", group_size, points.shape[1])
    _check_flag("skip_origin", skip_origin)
    plain = _plain(points)
    neighborhoods, centers, center_index, index = ops.call("group", plain.detach(), num_group, group_size, skip_origin)
    if plain.requires_grad and torch.is_grad_enabled():
        # The indices are constant, so the gradient is that of looking the points up.
        axes = plain.mT
        centers = gather_channels(axes, center_index).mT
        neighborhoods = gather_channels(axes, index).movedim(1, -1) - centers[:, :, None]
    return neighborhoods.to(points.dtype), centers.to(points.dtype)


def max_pool(values: Tensor) -> Tensor:
    """Maximum over the points of each patch. Its gradient goes to the first point that holds it; NaN propagates.

    Args:
        values: (..., K, C) float features, K >= 1.

    Returns:
        (..., C) values in the type of the features, differentiable.

    Raises:
        ValueError: if values is not (..., K, C), or K is 0.
    """
    fits = isinstance(values, Tensor) and values.is_floating_point() and values.layout == torch.strided
    if not fits or values.dim() < 2 or values.shape[-2] == 0:
        raise ValueError(f"values must be a (..., K, C) float tensor with K >= 1, got {_got(values)}")
    if values.device.type != "cpu":
        return values.max(-2)[0]  # elsewhere PyTorch's own is as good
    plain = values if values.dtype in (torch.float32, torch.bfloat16) else values.float()
    most = ops.call("max_pool", plain.reshape(-1, *values.shape[-2:]))[0]
    return most.to(values.dtype).reshape(*values.shape[:-2], values.shape[-1])
