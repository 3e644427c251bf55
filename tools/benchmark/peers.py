"""Calls of our point operators and of every implementation of them that can be imported, on the same clouds."""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from extensions import recon_ops
from extensions.recon_ops import reference
from tools.benchmark.common import REPOSITORY

BASELINE = REPOSITORY / "extensions" / "benchmarks" / "baseline.cu"
PEERS = ("fpsample", "torch_fps", "torch_quickfps", "torch_fpsample", "torchbvh", "pytorch3d", "scipy")
# Which height of its tree is best for fpsample and what derives from it depends on the machine.
TREE_HEIGHTS = (3, 5, 7, 9)
# What spares torch_fps work that ours does in any case, or that the clouds here do not need.
LEAST_CHECKS = {"random_start": False, "validate": False, "assume_finite": True}

Calls = dict[str, Callable[[], Any]]
ThreadPool = ThreadPoolExecutor | None


def find_peer(name: str) -> ModuleType | None:
    """Import a peer, or return None where it is missing or cannot run."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
    except Exception as error:  # one that was built for another PyTorch may raise anything
        print(f"without {name}: {error_line(error)}", file=sys.stderr)
        return None


def not_installed() -> list[str]:
    return [name for name in PEERS if importlib.util.find_spec(name) is None]


def error_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def clouds(device: torch.device, *shape: int, seed: int = 0) -> Tensor:
    """Points on a sphere with a little noise: like a scanned or sampled surface, centred and of unit size."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.nn.functional.normalize(torch.randn(shape, generator=draw), dim=-1)
    return (points + 0.02 * torch.randn(shape, generator=draw)).to(device)


@cache
def compiled_baseline() -> ModuleType | None:
    """The classic CUDA kernels, compiled at first use and kept in PyTorch's cache of extensions; None without nvcc."""
    from torch.utils.cpp_extension import load

    try:
        kernels = load("recon_baseline", [str(BASELINE)], extra_cuda_cflags=["-O3"], extra_cflags=["-O3"])
    except (RuntimeError, OSError, ImportError, subprocess.CalledProcessError) as error:
        print(f"without the classic CUDA kernels: {error_line(error)}", file=sys.stderr)
        return None
    return kernels if isinstance(kernels, ModuleType) else None


def classic(device: torch.device, name: str) -> Callable[..., Any] | None:
    """The classic CUDA kernel of an operator; None on another device."""
    kernels = compiled_baseline() if device.type == "cuda" else None
    return getattr(kernels, name) if kernels else None


def masked(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points and the mask of valid ones that torch_fps wants beside them."""
    return points, torch.ones(points.shape[:2], dtype=torch.bool, device=points.device)


def sampling(device: torch.device, pool: ThreadPool, batch: int, total: int, count: int) -> Calls:
    points, heights = clouds(device, batch, total, 3), [height for height in TREE_HEIGHTS if 2**height <= total]
    calls: Calls = {
        "recon_ops": partial(recon_ops.farthest_point_sample, points, count),
        "PyTorch": partial(reference.farthest_point_sample, points, count, True),
    }
    if kernel := classic(device, "farthest_point_sample"):
        calls["classic CUDA"] = partial(kernel, points, count, True)
    if torch_fps := find_peer("torch_fps"):
        calls["torch_fps"] = partial(torch_fps.farthest_point_sampling, *masked(points), count, **LEAST_CHECKS)
    for name, function in {"torch_quickfps": "sample_idx", "torch_fpsample": "sample"}.items():
        if peer := find_peer(name):
            for height in heights:
                calls[f"{name}: h={height}"] = partial(getattr(peer, function), points, count, h=height, start_idx=0)
    bvh = find_peer("torchbvh")
    if bvh and device.type == "cuda":
        calls["torchbvh"] = partial(bvh.fps, points, count)
    if three := find_peer("pytorch3d.ops"):
        calls["pytorch3d"] = partial(three.sample_farthest_points, points, K=count)
    fpsample = find_peer("fpsample")
    if fpsample and device.type == "cpu":
        arrays = list(points.numpy())
        for height in heights:
            one = partial(fpsample.bucket_fps_kdline_sampling, n_samples=count, h=height, start_idx=0)
            calls[f"fpsample: h={height}, serial"] = partial(lambda one: list(map(one, arrays)), one)
            if pool and batch > 1:
                calls[f"fpsample: h={height}, threads"] = partial(
                    lambda one, pool: list(pool.map(one, arrays)), one, pool
                )
    return calls


def matmul_topk(query: Tensor, points: Tensor, k: int) -> Tensor:
    squared = query.square().sum(-1, keepdim=True) + points.square().sum(-1)[:, None] - 2 * query @ points.mT
    return squared.topk(k, dim=-1, largest=False, sorted=False).indices


def neighbors(
    device: torch.device, pool: ThreadPool, batch: int, rows: int, total: int, k: int, ordered: bool = False
) -> Calls:
    points, query = clouds(device, batch, total, 3), clouds(device, batch, rows, 3, seed=1)
    calls: Calls = {
        "recon_ops": partial(recon_ops.knn, query, points, k, sorted=ordered, return_distances=True),
        "PyTorch: matmul": partial(matmul_topk, query, points, k),
        "PyTorch: cdist": lambda: torch.cdist(query, points).topk(k, largest=False, sorted=ordered),
    }
    if kernel := classic(device, "knn"):
        calls["classic CUDA"] = partial(kernel, query, points, k)
    bvh = find_peer("torchbvh")
    if bvh and device.type == "cuda":
        calls["torchbvh"] = lambda: bvh.BVH(points).knn(query, k)
    if three := find_peer("pytorch3d.ops"):
        calls["pytorch3d"] = partial(three.knn_points, query, points, K=k, return_sorted=ordered)
    spatial = find_peer("scipy.spatial")
    if spatial and device.type == "cpu":
        pairs, threads = list(zip(points.numpy(), query.numpy(), strict=True)), torch.get_num_threads()
        calls["scipy cKDTree"] = lambda: [spatial.cKDTree(one).query(own, k, workers=threads) for one, own in pairs]
    return calls


def cdist_chamfer(a: Tensor, b: Tensor) -> Tensor:
    distance = torch.cdist(a, b)
    return distance.min(2).values.square().mean() + distance.min(1).values.square().mean()


def with_backward(function: Callable[..., Tensor], *inputs: Tensor) -> Callable[[], Any]:
    """Forward and backward of a scalar function into all of its inputs."""
    leaves = [one.detach().clone().requires_grad_() for one in inputs]
    return lambda: torch.autograd.grad(function(*leaves), leaves)


def chamfers(device: torch.device, pool: ThreadPool, batch: int, m: int, n: int) -> Calls:
    a, b = clouds(device, batch, m, 3), clouds(device, batch, n, 3, seed=1)
    calls: Calls = {
        "recon_ops": with_backward(recon_ops.chamfer_l2, a, b),
        "PyTorch: cdist": with_backward(cdist_chamfer, a, b),
    }
    forward, backward = classic(device, "nearest"), classic(device, "nearest_backward")
    if forward and backward:
        grads = [torch.full(one.shape[:2], 1 / one[..., 0].numel(), device=device) for one in (a, b)]
        calls["classic CUDA"] = lambda: backward(*grads, a, b, *forward(a, b)[2:])
    if three := find_peer("pytorch3d.loss"):
        calls["pytorch3d"] = with_backward(lambda a, b: three.chamfer_distance(a, b)[0], a, b)
    return calls


def ball(device: torch.device, pool: ThreadPool, batch: int, rows: int, total: int, k: int) -> Calls:
    points = clouds(device, batch, total, 3)
    centers, radius = points[:, :rows].contiguous(), 0.2
    calls: Calls = {
        "recon_ops": partial(recon_ops.ball_query, centers, points, radius, k),
        "PyTorch": partial(reference.ball_query, centers, points, radius, k),
    }
    if three := find_peer("pytorch3d.ops"):
        calls["pytorch3d"] = partial(three.ball_query, centers, points, K=k, radius=radius, return_nn=False)
    return calls


def gathering(device: torch.device, pool: ThreadPool, batch: int, channels: int, total: int, places: int) -> Calls:
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(batch, channels, total, generator=draw).to(device)
    index = torch.randint(0, total, (batch, places), generator=draw).to(device)
    wide = index[:, None].expand(-1, channels, -1)
    return {
        "recon_ops": with_backward(lambda f: recon_ops.gather_channels(f, index).sum(), features),
        "PyTorch": with_backward(lambda f: f.gather(2, wide).sum(), features),
    }


def grouping(device: torch.device, pool: ThreadPool, batch: int, total: int, groups: int, size: int) -> Calls:
    points = clouds(device, batch, total, 3)

    def plain(sample: Callable[..., Tensor], search: Callable[[Tensor], Tensor]) -> Tensor:
        centers = recon_ops.gather(points, sample(points, groups, True))
        return recon_ops.gather(points, search(centers)) - centers[:, :, None]

    calls: Calls = {
        "recon_ops": partial(recon_ops.group, points, groups, size),
        "PyTorch": partial(plain, reference.farthest_point_sample, lambda c: matmul_topk(c, points, size)),
    }
    if torch_fps := find_peer("torch_fps"):
        inputs = *masked(points), groups, size

        def fused() -> Tensor:
            chosen, index = torch_fps.farthest_point_sampling_with_knn(*inputs, **LEAST_CHECKS)
            return recon_ops.gather(points, index) - recon_ops.gather(points, chosen)[:, :, None]

        calls["torch_fps"] = fused
    sample, knn = classic(device, "farthest_point_sample"), classic(device, "knn")
    if sample and knn:
        calls["classic CUDA"] = partial(plain, sample, lambda c: knn(c, points, size)[1])
    return calls
