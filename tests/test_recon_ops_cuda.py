"""Every point operator on the GPU, forward and backward, against plain PyTorch on the CPU, over many shapes.

Where there is no GPU the compiled CPU library takes its place, so that these tests are themselves tested everywhere.
"""

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch
from test_recon_ops import draw_cloud
from torch import Tensor

from extensions import recon_ops

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
OPS, reference = torch.ops.recon_ops, recon_ops.reference

if DEVICE.type == "cpu" and recon_ops.ops.missing and os.environ.get("RECON_REQUIRE_LIBRARY") != "1":
    pytest.skip(f"the compiled library is missing: {recon_ops.ops.missing}", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def threads():
    """Beside a GPU the CPU has large references to compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(16, os.cpu_count() or 1) if DEVICE.type == "cuda" else before)
    yield
    torch.set_num_threads(before)


on_cuda = pytest.mark.skipif(DEVICE.type != "cuda", reason="PyTorch finds no CUDA device")


def larger(*shapes: tuple) -> list[tuple]:
    """Shapes for a GPU alone: they would be slow on the CPU."""
    return list(shapes) if DEVICE.type == "cuda" else []


def inputs_of(batch: int, *sizes: tuple[int, int]) -> dict[str, list[Tensor]]:
    """Clouds (batch, N, width) for every (N, width), by kind: real-valued ones, and ones in which distances tie."""
    rng = np.random.default_rng(sum(total for total, _ in sizes) + batch)
    kinds = {"normal": [torch.from_numpy(rng.standard_normal((batch, *size))).float() for size in sizes]}
    for kind in ("grid", "origin", "same"):
        kinds[kind] = [torch.from_numpy(draw_cloud(rng, kind, batch, *size)).float() for size in sizes]
    return kinds


def places(limit: int, *shape: int) -> Tensor:
    return torch.randint(limit, shape, generator=torch.Generator().manual_seed(limit + sum(shape)))


def flat(result) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else [one for part in result for one in flat(part)]


def assert_same(operator: str, *arguments) -> None:
    """The kernel of this device and plain PyTorch on the CPU: the same bits."""
    moved = [one.to(DEVICE) if isinstance(one, Tensor) else one for one in arguments]
    results = flat(getattr(OPS, operator)(*moved))
    for one, other in zip(results, flat(getattr(reference, operator)(*arguments)), strict=True):
        assert one.device.type == DEVICE.type
        assert one.dtype == other.dtype and torch.equal(one.cpu(), other), (operator, [tuple(one.shape)])


def assert_gradients(function: Callable[..., Tensor], exact: Callable[..., Tensor], inputs: list[Tensor]) -> None:
    """Gradients of `function` on this device, twice alike, and near those of `exact` in float64 on the CPU."""
    runs = []
    for _ in range(2):
        leaves = [one.to(DEVICE).requires_grad_() for one in inputs]
        runs.append(torch.autograd.grad(function(*leaves), leaves))
    for one, again in zip(*runs, strict=True):
        assert torch.equal(one, again)
    leaves = [one.double().requires_grad_() for one in inputs]
    for one, other in zip(runs[0], torch.autograd.grad(exact(*leaves), leaves), strict=True):
        largest = other.abs().amax().item() if other.numel() else 0.0
        torch.testing.assert_close(one.cpu().double(), other, rtol=1e-4, atol=1e-5 * max(1.0, largest))


def test_the_kernels_are_those_of_the_device():
    assert recon_ops.backend(DEVICE) == {"cpu": "cpp", "cuda": "cuda"}[DEVICE.type]
    key = DEVICE.type.upper()
    for name in recon_ops.ops.SCHEMAS:
        assert torch._C._dispatch_has_kernel_for_dispatch_key(f"recon_ops::{name}", key), name


@pytest.mark.parametrize(
    "batch, total, count",
    [
        (0, 5, 2),
        (1, 1, 1),
        (3, 31, 31),
        (2, 33, 20),
        (2, 128, 128),
        (2, 129, 50),
        (1, 513, 60),
        (2, 1025, 30),
        (32, 1024, 64),
        (32, 2048, 128),
        (2, 2049, 40),
        (2, 4097, 40),
        (2, 8193, 40),
        (1, 40_000, 50),
        *larger((8, 8192, 1200), (64, 20_000, 20), (300, 9000, 10), (70_000, 5, 3), (1, 100_000, 200)),
        *larger((1, 1_500_000, 4)),
    ],
)
def test_farthest_point_sample(batch, total, count):
    for (points,) in inputs_of(batch, (total, 3)).values():
        for skip_origin in (False, True):
            assert_same("farthest_point_sample", points, count, skip_origin)


@pytest.mark.parametrize(
    "batch, rows, total, width, k",
    [
        (0, 4, 5, 3, 2),
        (2, 0, 5, 3, 2),
        (1, 1, 1, 3, 1),
        (3, 33, 70, 3, 1),
        (3, 32, 513, 3, 2),
        (2, 31, 1030, 3, 3),
        (2, 9, 100, 3, 4),
        (2, 5, 33, 3, 31),
        (2, 7, 129, 3, 32),
        (2, 7, 130, 3, 33),
        (1, 9, 600, 3, 100),
        (1, 9, 600, 3, 128),
        (1, 9, 600, 3, 129),
        (2, 3, 300, 3, 300),
        (2, 9, 200, 1, 3),
        (2, 9, 200, 2, 40),
        (2, 9, 200, 4, 3),
        (2, 9, 200, 16, 20),
        (2, 9, 200, 17, 20),
        (1, 9, 200, 64, 200),
        (32, 64, 1024, 3, 32),
        (4, 128, 2048, 3, 32),
        *larger((32, 128, 2048, 3, 32), (4, 512, 8192, 3, 32), (4, 2048, 2048, 3, 3), (70_000, 2, 6, 3, 5)),
        *larger((70_000, 2, 6, 3, 1), (1, 100, 200_000, 3, 200), (4, 1024, 1024, 64, 20)),
    ],
)
def test_knn(batch, rows, total, width, k):
    for query, points in inputs_of(batch, (rows, width), (total, width)).values():
        assert_same("knn", query, points, k, True)
        if total < 1000:
            found = OPS.knn(query.to(DEVICE), points.to(DEVICE), k, False)[1].cpu()
            expected = reference.knn(query, points, k, True)[1]
            assert torch.equal(found.sort(-1).values, expected.sort(-1).values)


NEAREST = [
    (0, 4, 5),
    (1, 1, 1),
    (3, 1, 40),
    (5, 32, 32),
    (3, 33, 20),
    (2, 64, 64),
    (2, 65, 3),
    (2, 300, 1),
    (2, 513, 700),
    (304, 32, 32),
    *larger((4864, 32, 32), (70_000, 3, 5), (5000, 1, 65), (8, 2048, 2048), (1, 4000, 3000)),
]


def nearest_gradients(a: Tensor, b: Tensor) -> None:
    draw = torch.Generator().manual_seed(0)
    weight_a, weight_b = (torch.randn(cloud.shape[:2], generator=draw) for cloud in (a, b))
    moved_a, moved_b = weight_a.to(DEVICE), weight_b.to(DEVICE)
    _, _, index_a, index_b = reference.nearest(a, b)

    def distances(a: Tensor, b: Tensor) -> Tensor:
        there, back = recon_ops.nearest_squared_distances(a, b)
        return (there * moved_a).sum() + (back * moved_b).sum()

    def exact(a: Tensor, b: Tensor) -> Tensor:
        there = (a - recon_ops.gather(b, index_a)).square().sum(-1)
        back = (b - recon_ops.gather(a, index_b)).square().sum(-1)
        return (there * weight_a).sum() + (back * weight_b).sum()

    assert_gradients(distances, exact, [a, b])


@pytest.mark.parametrize("batch, m, n", NEAREST)
def test_nearest(batch, m, n):
    for a, b in inputs_of(batch, (m, 3), (n, 3)).values():
        assert_same("nearest", a, b)
        nearest_gradients(a, b)


@pytest.mark.parametrize("name", ["chamfer_l1", "chamfer_l2"])
@pytest.mark.parametrize(
    "batch, m, n", [(1, 1, 1), (76, 32, 32), (3, 100, 41), *larger((4864, 32, 32), (4, 2048, 2048))]
)
def test_chamfer(name, batch, m, n):
    def exact(a: Tensor, b: Tensor) -> Tensor:
        pairs = ((a - recon_ops.gather(b, index_a)), (b - recon_ops.gather(a, index_b)))
        there, back = (pair.square().sum(-1) for pair in pairs)
        return (there.sqrt().mean() + back.sqrt().mean()) / 2 if name == "chamfer_l1" else there.mean() + back.mean()

    a, b = inputs_of(batch, (m, 3), (n, 3))["normal"]
    _, _, index_a, index_b = reference.nearest(a, b)
    function = getattr(recon_ops, name)
    torch.testing.assert_close(function(a.to(DEVICE), b.to(DEVICE)).cpu(), exact(a.double(), b.double()).float())
    assert_gradients(function, exact, [a, b])


@pytest.mark.parametrize(
    "batch, rows, total, k",
    [
        (0, 4, 5, 3),
        (2, 0, 5, 3),
        (1, 1, 1, 4),
        (3, 9, 31, 5),
        (3, 9, 32, 40),
        (2, 20, 33, 33),
        (2, 30, 1025, 16),
        (4, 128, 2048, 32),
        *larger((8, 512, 2048, 32), (70_000, 2, 6, 3), (1, 100, 100_000, 64)),
    ],
)
@pytest.mark.parametrize("radius", [0.1, 0.25, 1.0, float("inf")])
def test_ball_query(batch, rows, total, k, radius):
    for centers, points in inputs_of(batch, (rows, 3), (total, 3)).values():
        assert_same("ball_query", centers, points, radius, k)


@pytest.mark.parametrize(
    "batch, channels, total, entries",
    [
        (0, 3, 5, 4),
        (2, 3, 5, 0),
        (1, 1, 1, 1),
        (2, 7, 40, 33),
        (2, 8, 40, 300),
        (3, 9, 300, 40),
        (2, 64, 2048, 4096),
        *larger((16, 64, 2048, 8192), (70_000, 3, 4, 5), (1, 384, 1000, 500), (2, 1, 300_000, 100_000)),
    ],
)
def test_gather(batch, channels, total, entries):
    features = torch.randn(batch, channels, total, generator=torch.Generator().manual_seed(total))
    index = places(total, batch, entries)
    index[:, : entries // 3] = 0  # many places that read one point: its gradient is a long sum
    assert_same("gather_channels", features, index)
    weight = torch.randn(batch, channels, entries, generator=torch.Generator().manual_seed(1))
    wide = index[:, None].expand(-1, channels, -1)

    def exact(features: Tensor) -> Tensor:
        return (features.gather(2, wide) * weight).sum()

    moved = index.to(DEVICE), weight.to(DEVICE)
    assert_gradients(lambda one: (recon_ops.gather_channels(one, moved[0]) * moved[1]).sum(), exact, [features])
    rows = features.mT.contiguous()
    assert torch.equal(recon_ops.gather(rows.to(DEVICE), moved[0]).cpu(), features.gather(2, wide).mT)
    assert_gradients(
        lambda one: (recon_ops.gather(one, moved[0]).mT * moved[1]).sum(), lambda one: exact(one.mT), [rows]
    )


@pytest.mark.parametrize(
    "batch, channels, total, rows",
    [
        (0, 3, 5, 4),
        (2, 3, 5, 0),
        (1, 1, 1, 1),
        (2, 7, 40, 33),
        (3, 9, 300, 40),
        (2, 64, 128, 512),
        *larger((16, 384, 128, 2048), (70_000, 3, 4, 5)),
    ],
)
def test_three_interpolate(batch, channels, total, rows):
    draw = torch.Generator().manual_seed(total)
    features = torch.randn(batch, channels, total, generator=draw)
    weight, cotangent = torch.rand(batch, rows, 3, generator=draw), torch.randn(batch, channels, rows, generator=draw)
    index = places(total, batch, rows, 3)
    assert_same("three_interpolate", features, index, weight)

    def exact(features: Tensor, weight: Tensor) -> Tensor:
        picked = features.gather(2, index.flatten(1)[:, None].expand(-1, channels, -1)).unflatten(2, (rows, 3))
        return ((picked * weight[:, None]).sum(-1) * cotangent).sum()

    moved = index.to(DEVICE), cotangent.to(DEVICE)
    assert_gradients(
        lambda f, w: (recon_ops.three_interpolate(f, moved[0], w) * moved[1]).sum(), exact, [features, weight]
    )


@pytest.mark.parametrize("batch, rows, total", [(1, 1, 3), (2, 40, 9), (4, 513, 700), *larger((16, 2048, 512))])
def test_three_nn(batch, rows, total):
    for unknown, known in inputs_of(batch, (rows, 3), (total, 3)).values():
        found = recon_ops.three_nn(unknown.to(DEVICE), known.to(DEVICE))
        for one, other in zip(found, reference.knn(unknown, known, 3, True), strict=True):
            assert torch.equal(one.cpu(), other)


def group_gradients(points: Tensor, groups: int, size: int) -> None:
    _, _, center_index, index = reference.group(points, groups, size, True)
    draw = torch.Generator().manual_seed(size)
    inner, outer = torch.randn(*index.shape, 3, generator=draw), torch.randn(*center_index.shape, 3, generator=draw)
    moved_inner, moved_outer = inner.to(DEVICE), outer.to(DEVICE)

    def patches(points: Tensor) -> Tensor:
        neighborhoods, centers = recon_ops.group(points, groups, size)
        return (neighborhoods * moved_inner).sum() + (centers * moved_outer).sum()

    def exact(points: Tensor) -> Tensor:
        centers = recon_ops.gather(points, center_index)
        neighborhoods = recon_ops.gather(points, index) - centers[:, :, None]
        return (neighborhoods * inner).sum() + (centers * outer).sum()

    assert_gradients(patches, exact, [points])


@pytest.mark.parametrize(
    "batch, total, groups, size",
    [
        (0, 5, 2, 2),
        (1, 1, 1, 1),
        (2, 40, 40, 40),
        (2, 300, 7, 200),
        (1, 9000, 5, 3),
        (8, 1024, 64, 32),
        *larger((32, 1024, 64, 32), (32, 2048, 128, 32), (2, 20_000, 64, 64), (70_000, 6, 2, 3)),
    ],
)
def test_group(batch, total, groups, size):
    for (points,) in inputs_of(batch, (total, 3)).values():
        for skip_origin in (False, True):
            assert_same("group", points, groups, size, skip_origin)
        group_gradients(points, groups, size)


def calls(*clouds: Tensor, dtype: torch.dtype = torch.float32) -> dict[str, Callable[[], list[Tensor]]]:
    """Every public operator on (B, N, 3) clouds `a` and `b`, by name, with its gradients where it has any."""
    a, b = (cloud.to(dtype) for cloud in clouds)
    index = (torch.arange(60, device=a.device).reshape(1, 20, 3) % a.shape[1]).expand(len(a), -1, -1)
    weight = torch.rand(index.shape, generator=torch.Generator().manual_seed(0)).to(a)

    def both(function: Callable[..., Tensor | tuple[Tensor, ...]], *inputs: Tensor) -> list[Tensor]:
        leaves = [one.detach().requires_grad_() for one in inputs]
        results = flat(function(*leaves))
        smooth = [one for one in results if one.requires_grad]
        grads = torch.autograd.grad(sum(one.float().square().sum() for one in smooth), leaves) if smooth else ()
        return [one.detach() for one in (*results, *grads)]

    return {
        "farthest_point_sample": lambda: both(lambda a: recon_ops.farthest_point_sample(a, 9), a),
        "knn": lambda: both(lambda a, b: recon_ops.knn(a, b, 5, sorted=True, return_distances=True), a, b),
        "gather": lambda: both(lambda a: recon_ops.gather(a, index), a),
        "nearest": lambda: both(recon_ops.nearest, a, b),
        "nearest_squared_distances": lambda: both(recon_ops.nearest_squared_distances, a, b),
        "chamfer_l1": lambda: both(recon_ops.chamfer_l1, a, b),
        "chamfer_l2": lambda: both(recon_ops.chamfer_l2, a, b),
        "ball_query": lambda: both(lambda a, b: recon_ops.ball_query(a, b, 0.5, 4), a, b),
        "three_nn": lambda: both(recon_ops.three_nn, a, b),
        "three_interpolate": lambda: both(lambda f, w: recon_ops.three_interpolate(f, index, w), a.mT, weight),
        "gather_channels": lambda: both(lambda f: recon_ops.gather_channels(f, index), a.mT),
        "group": lambda: both(lambda a: recon_ops.group(a, 5, 7), a),
        "max_pool": lambda: both(recon_ops.max_pool, a),
    }


def test_every_operator_is_called():
    names = set(calls(*inputs_of(2, (40, 3), (50, 3))["normal"]))
    assert names == set(recon_ops.__all__) - {"backend", "ops", "reference"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_other_float_types(dtype):
    # Short binary fractions, which every type holds.
    clouds = inputs_of(2, (40, 3), (50, 3))["grid"]
    here = calls(*(cloud.to(DEVICE) for cloud in clouds), dtype=dtype)
    for name, expected in calls(*clouds, dtype=dtype).items():
        for one, other in zip(here[name](), expected(), strict=True):
            assert one.dtype == other.dtype, name
            torch.testing.assert_close(one.cpu(), other, rtol=1e-2 if dtype.itemsize == 2 else 1e-5, atol=1e-3)


def test_any_layout():
    clouds = [cloud.to(DEVICE) for cloud in inputs_of(2, (40, 3), (50, 3))["normal"]]
    spread = [one.repeat_interleave(2, dim=-1).mT.contiguous().mT[..., ::2] for one in clouds]
    assert not any(one.is_contiguous() for one in spread)
    plain = calls(*clouds)
    for name, call in calls(*spread).items():
        for one, other in zip(call(), plain[name](), strict=True):
            assert torch.equal(one, other), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_autocast_changes_nothing(dtype):
    clouds = [cloud.to(DEVICE) for cloud in inputs_of(2, (40, 3), (50, 3))["normal"]]
    plain = calls(*clouds)
    for name, call in calls(*clouds).items():
        expected = plain[name]()
        with torch.autocast(DEVICE.type, dtype=dtype):
            found = call()
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype and torch.equal(one, other), name


@on_cuda
def test_nothing_waits_for_the_gpu():
    clouds = [cloud.to(DEVICE) for cloud in inputs_of(2, (40, 3), (50, 3))["normal"]]
    for call in (prepared := calls(*clouds)).values():
        call()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for call in prepared.values():
            call()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@on_cuda
def test_operators_run_on_the_current_stream():
    clouds = [cloud.to(DEVICE) for cloud in inputs_of(4, (900, 3), (1100, 3))["normal"]]
    expected = {name: call() for name, call in calls(*clouds).items()}
    stream = torch.cuda.Stream()
    # What the operators read is written late on their stream: on another one they would be too early.
    late = [torch.zeros_like(cloud) for cloud in clouds]
    prepared = calls(*late)
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        for into, cloud in zip(late, clouds, strict=True):
            into.copy_(cloud)
        found = {name: call() for name, call in prepared.items()}
    torch.cuda.synchronize()
    for name, results in found.items():
        for one, other in zip(results, expected[name], strict=True):
            assert torch.equal(one, other), name


@on_cuda
@pytest.mark.parametrize("name", ["knn", "chamfer_l2", "group", "farthest_point_sample", "three_interpolate"])
def test_cuda_graphs(name):
    clouds = [cloud.to(DEVICE) for cloud in inputs_of(2, (400, 3), (500, 3))["normal"]]
    run = calls(*clouds)[name]
    expected = run()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = run()
    graph.replay()
    torch.cuda.synchronize()
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@on_cuda
def test_compile():
    torch.compiler.reset()
    points = inputs_of(2, (200, 3))["normal"][0].to(DEVICE)

    def distance(points: Tensor) -> Tensor:
        neighborhoods, centers = recon_ops.group(points, 16, 8)
        return recon_ops.chamfer_l2(neighborhoods.flatten(0, 1), neighborhoods.flatten(0, 1).flip(0)) + centers.sum()

    compiled = torch.compile(distance, fullgraph=True, backend="aot_eager")
    leaf = points.clone().requires_grad_()
    value, expected = compiled(leaf), distance(leaf)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(*(torch.autograd.grad(one, leaf)[0] for one in (value, expected)))
