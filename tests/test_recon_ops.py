"""Every point operator against a naive float64 version, in C++ and in plain PyTorch, and as a PyTorch operator."""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from extensions import recon_ops

ops, reference = recon_ops.ops, recon_ops.reference
OPS = torch.ops.recon_ops
# Without the library only where that is done knowingly.
BACKENDS = ["cpp", "torch"][bool(ops.missing) and os.environ.get("RECON_REQUIRE_LIBRARY") == "0" :]
THOROUGH = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@pytest.fixture(params=BACKENDS, scope="module", autouse=True)
def backend(request):
    """Run the whole module on the compiled library, then with the plain PyTorch kernels in its place."""
    if request.param == "cpp":
        assert ops.missing is None, f"the compiled library is missing: {ops.missing}"
    with warnings.catch_warnings(), torch.library._scoped_library("recon_ops", "IMPL") as library:
        warnings.simplefilter("ignore")
        if request.param == "torch" and not ops.missing:
            for name in ops.SCHEMAS:
                library.impl(name, ops.fallback(name), "CPU")
        yield request.param


# All coordinates drawn here are short binary fractions, on which float32 arithmetic is exact: indices must equal
# those of a float64 reference even where distances tie.
def draw_cloud(rng: np.random.Generator, kind: str, batch: int, total: int, width: int = 3) -> np.ndarray:
    shape = (batch, total, width)
    if kind == "grid":
        cloud = rng.integers(-4, 5, shape) / 4
    elif kind == "line":
        cloud = rng.integers(-8, 9, (batch, total, 1)) * rng.integers(-2, 3, (batch, 1, width)) / 8
    elif kind == "same":
        cloud = np.broadcast_to(rng.integers(-4, 5, (batch, 1, width)) / 4, shape)
    elif kind == "origin":
        cloud = np.where(rng.random((batch, total, 1)) < 0.6, rng.integers(-1, 2, shape) / 64, 0.5)
    else:
        cloud = rng.integers(-512, 513, shape) / 1024
    return cloud.astype(np.float64)


kinds = st.sampled_from(["grid", "line", "same", "origin", "uniform"])
seeds = st.integers(0, 2**32 - 1)
batches = st.integers(0, 3)
sizes = st.one_of(st.integers(1, 5), st.integers(6, 90))


def tensor(array: np.ndarray, strided: bool = False) -> Tensor:
    """float32 tensor; strided: the same values laid out with gaps, in another order of dimensions."""
    values = torch.from_numpy(np.ascontiguousarray(array)).float()
    if strided:
        values = values.repeat_interleave(2, dim=-1).mT.contiguous().mT[..., ::2]
    return values


def naive_fps(cloud: np.ndarray, count: int, skip_origin: bool) -> list[int]:
    nearest = np.full(len(cloud), np.inf)
    if skip_origin:
        nearest[(cloud**2).sum(1) <= reference.ORIGIN_RADIUS_SQUARED] = -1
    picked = [0]
    while len(picked) < count:
        nearest = np.minimum(nearest, ((cloud - cloud[picked[-1]]) ** 2).sum(1))
        picked.append(int(nearest.argmax()))
    return picked


def naive_squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1)


def naive_ball(center: np.ndarray, points: np.ndarray, radius: float, k: int) -> list[int]:
    found = [i for i, point in enumerate(points) if ((center - point) ** 2).sum() < radius**2][:k]
    return found + [found[0] if found else 0] * (k - len(found))


def clouds(shape: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) - 0.5).to(dtype)


@THOROUGH
@given(data=st.data(), kind=kinds, seed=seeds, batch=batches, total=sizes, skip=st.booleans(), strided=st.booleans())
def test_farthest_point_sample(data, kind, seed, batch, total, skip, strided):
    count = data.draw(st.sampled_from([1, total, (total + 1) // 2]))
    points = draw_cloud(np.random.default_rng(seed), kind, batch, total)
    index = recon_ops.farthest_point_sample(tensor(points, strided), count, skip_origin=skip)
    assert index.shape == (batch, count) and index.dtype == torch.int64
    assert index.tolist() == [naive_fps(cloud, count, skip) for cloud in points]


@THOROUGH
@given(data=st.data(), kind=kinds, seed=seeds, batch=batches, rows=st.integers(0, 20), total=sizes)
def test_knn(data, kind, seed, batch, rows, total):
    width = data.draw(st.sampled_from([1, 2, 3, 3, 3, 4, 7]))
    k = data.draw(st.sampled_from([1, total, min(3, total), (total + 1) // 2]))
    strided, is_sorted = data.draw(st.booleans()), data.draw(st.booleans())
    rng = np.random.default_rng(seed)
    query, points = draw_cloud(rng, kind, batch, rows, width), draw_cloud(rng, kind, batch, total, width)
    distance, index = recon_ops.knn(
        tensor(query, strided), tensor(points, strided), k, sorted=is_sorted, return_distances=True
    )
    assert distance.shape == index.shape == (batch, rows, k)
    assert distance.dtype == torch.float32 and index.dtype == torch.int64
    squared = naive_squared(query, points)
    expected = squared.argsort(-1, kind="stable")[..., :k]
    found = index.numpy()
    assert np.array_equal(distance.numpy(), np.take_along_axis(squared, found, -1))
    if is_sorted:
        assert np.array_equal(found, expected)
    else:
        assert np.array_equal(np.sort(found, -1), np.sort(expected, -1))


@THOROUGH
@given(kind=kinds, seed=seeds, batch=batches, m=sizes, n=sizes, strided=st.booleans())
def test_nearest(kind, seed, batch, m, n, strided):
    rng = np.random.default_rng(seed)
    first, second = draw_cloud(rng, kind, batch, m), draw_cloud(rng, kind, batch, n)
    a, b = (tensor(cloud, strided).requires_grad_() for cloud in (first, second))
    there, back, index_a, index_b = recon_ops.nearest(a, b)
    squared = naive_squared(first, second)
    assert np.array_equal(index_a.numpy(), squared.argmin(2)) and np.array_equal(index_b.numpy(), squared.argmin(1))
    assert np.array_equal(there.detach().numpy(), squared.min(2))
    assert np.array_equal(back.detach().numpy(), squared.min(1))

    weight_a, weight_b = rng.random((batch, m)), rng.random((batch, n))
    (there * tensor(weight_a)).sum().add((back * tensor(weight_b)).sum()).backward()
    grad_a, grad_b = np.zeros_like(first), np.zeros_like(second)
    for c in range(batch):
        for own, other, into, into_other, weight, index in (
            (first, second, grad_a, grad_b, weight_a, index_a),
            (second, first, grad_b, grad_a, weight_b, index_b),
        ):
            at = index[c].numpy()
            pull = 2 * weight[c][:, None] * (own[c] - other[c][at])
            into[c] += pull
            np.subtract.at(into_other[c], at, pull)
    np.testing.assert_allclose(a.grad, grad_a, atol=2e-5)
    np.testing.assert_allclose(b.grad, grad_b, atol=2e-5)


@THOROUGH
@given(data=st.data(), kind=kinds, seed=seeds, batch=batches, rows=st.integers(0, 12), total=sizes)
def test_ball_query(data, kind, seed, batch, rows, total):
    radius = data.draw(st.sampled_from([0.25, 0.5, 1.0, 10.0]))
    k = data.draw(st.sampled_from([1, 3, total, total + 5]))
    strided = data.draw(st.booleans())
    rng = np.random.default_rng(seed)
    centers, points = draw_cloud(rng, kind, batch, rows), draw_cloud(rng, kind, batch, total)
    index = recon_ops.ball_query(tensor(centers, strided), tensor(points, strided), radius, k)
    assert index.shape == (batch, rows, k) and index.dtype == torch.int64
    expected = [[naive_ball(center, points[c], radius, k) for center in centers[c]] for c in range(batch)]
    assert index.tolist() == expected


@THOROUGH
@given(seed=seeds, batch=batches, channels=st.integers(1, 9), m=sizes, n=st.integers(0, 40), strided=st.booleans())
def test_three_interpolate(seed, batch, channels, m, n, strided):
    rng = np.random.default_rng(seed)
    index = torch.from_numpy(rng.integers(0, m, (batch, n, 3)))
    values, weights = rng.standard_normal((batch, channels, m)), rng.random((batch, n, 3))
    cotangent = rng.standard_normal((batch, channels, n))
    exact = [torch.from_numpy(array).float().double().requires_grad_() for array in (values, weights)]
    rows = torch.arange(batch)[:, None, None]
    expected = (exact[0].mT[rows, index] * exact[1][..., None]).sum(2).mT
    single = [tensor(array, strided).requires_grad_() for array in (values, weights)]
    result = recon_ops.three_interpolate(single[0], index.int(), single[1])
    torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-5)
    result.backward(tensor(cotangent))
    expected.backward(tensor(cotangent).double())
    for one, other in zip(single, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-5, atol=1e-4)


@THOROUGH
@given(data=st.data(), seed=seeds, batch=batches, channels=st.integers(1, 9), total=sizes, strided=st.booleans())
def test_gather(data, seed, batch, channels, total, strided):
    shape = data.draw(st.sampled_from([(4,), (0,), (3, 5), (2, 2, 2)]))
    rng = np.random.default_rng(seed)
    index = rng.integers(0, total, (batch, *shape))
    values = rng.standard_normal((batch, channels, total)).astype(np.float32)
    cotangent = rng.standard_normal((batch, channels, *shape)).astype(np.float32)
    expected, gradient = np.empty_like(cotangent), np.zeros(values.shape)
    for c in range(batch):
        expected[c] = values[c][:, index[c]]
        np.add.at(gradient[c], (slice(None), index[c]), cotangent[c])
    features = tensor(values, strided).requires_grad_()
    result = recon_ops.gather_channels(features, torch.from_numpy(index).int())
    assert np.array_equal(result.detach().numpy(), expected)
    result.backward(torch.from_numpy(cotangent))
    np.testing.assert_allclose(features.grad, gradient, rtol=1e-5, atol=1e-5)

    features.grad = None
    rows = recon_ops.gather(features.mT, torch.from_numpy(index))
    assert rows.shape == (batch, *shape, channels)
    assert np.array_equal(rows.detach().movedim(-1, 1).numpy(), expected)
    rows.backward(torch.from_numpy(cotangent).movedim(1, -1))
    np.testing.assert_allclose(features.grad, gradient, rtol=1e-5, atol=1e-5)


@THOROUGH
@given(data=st.data(), kind=kinds, seed=seeds, batch=batches, total=sizes, skip=st.booleans(), strided=st.booleans())
def test_group(data, kind, seed, batch, total, skip, strided):
    groups, size = (data.draw(st.sampled_from([1, total, (total + 2) // 3])) for _ in range(2))
    rng = np.random.default_rng(seed)
    cloud = draw_cloud(rng, kind, batch, total)
    points = tensor(cloud, strided)
    neighborhoods, centers = recon_ops.group(points, groups, size, skip_origin=skip)
    center_index = recon_ops.farthest_point_sample(points, groups, skip)
    chosen = recon_ops.gather(points, center_index)
    index = recon_ops.knn(chosen, points, size, sorted=True)
    assert torch.equal(centers, chosen)
    assert torch.equal(neighborhoods, recon_ops.gather(points, index) - chosen[:, :, None])
    raw = OPS.group(points.contiguous(), groups, size, skip)
    assert torch.equal(raw[2], center_index) and torch.equal(raw[3], index)

    exact, single = torch.from_numpy(cloud).requires_grad_(), points.detach().requires_grad_()
    rows = torch.arange(batch)[:, None, None]
    base = exact[rows[..., 0], center_index]
    cotangents = torch.from_numpy(rng.integers(-3, 4, (batch, groups, size + 1, 3))).double()
    torch.cat((exact[rows, index] - base[:, :, None], base[:, :, None]), 2).backward(cotangents)
    with_gradient = recon_ops.group(single, groups, size, skip_origin=skip)
    assert torch.equal(with_gradient[0], neighborhoods) and torch.equal(with_gradient[1], centers)
    torch.cat((with_gradient[0], with_gradient[1][:, :, None]), 2).backward(cotangents.float())
    torch.testing.assert_close(single.grad.double(), exact.grad)


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_chamfer(name):
    single = [clouds((3, n, 3), n).requires_grad_() for n in (40, 57)]
    exact = [cloud.detach().double().requires_grad_() for cloud in single]
    squared = (exact[0][:, :, None] - exact[1][:, None]).square().sum(-1)
    there, back = squared.min(2).values, squared.min(1).values
    expected = (there.sqrt().mean() + back.sqrt().mean()) / 2 if name == "l1" else there.mean() + back.mean()
    value = getattr(recon_ops, f"chamfer_{name}")(*single)
    torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-7)
    value.backward()
    expected.backward()
    for one, other in zip(single, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-4, atol=1e-7)


def test_only_the_gradients_that_are_needed_are_computed():
    class Count(TorchDispatchMode):
        calls = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            self.calls += function is OPS.nearest_backward.default
            return function(*args, **(kwargs or {}))

    both = [clouds((3, n, 3), n).requires_grad_() for n in (40, 57)]
    expected = torch.autograd.grad(recon_ops.chamfer_l2(*both), both)
    for side in range(2):
        inputs = [cloud.detach().requires_grad_(i == side) for i, cloud in enumerate(both)]
        value = recon_ops.chamfer_l2(*inputs)
        with Count() as count:
            (grad,) = torch.autograd.grad(value, inputs[side])
        assert torch.equal(grad, expected[side]) and count.calls == 1


def test_gradients_of_any_layout():
    features, index = clouds((2, 6, 9)).requires_grad_(), torch.arange(16).reshape(2, 8) % 9
    for grad in (clouds((2, 8, 6)).mT, clouds((2, 1, 1)).expand(2, 6, 8), clouds((6, 2, 16)).transpose(0, 1)[..., ::2]):
        here = torch.autograd.grad(recon_ops.gather_channels(features, index), features, grad)[0]
        plain = torch.autograd.grad(features.gather(2, index[:, None].expand(2, 6, 8)), features, grad)[0]
        assert torch.equal(here, plain)


def test_chamfer_of_equal_clouds_has_finite_gradient():
    a = clouds((2, 16, 3)).requires_grad_()
    value = recon_ops.chamfer_l1(a, a.detach())
    value.backward()
    assert value.item() == 0 and torch.equal(a.grad, torch.zeros_like(a))


def test_three_nn():
    unknown, known = clouds((2, 30, 3), 1), clouds((2, 9, 3), 2)
    squared, index = recon_ops.three_nn(unknown, known)
    expected = naive_squared(unknown.double().numpy(), known.double().numpy())
    assert np.array_equal(index.numpy(), expected.argsort(-1)[..., :3])
    np.testing.assert_allclose(squared, np.sort(expected)[..., :3], rtol=1e-5)


def test_goldens():
    golden = np.load(Path(__file__).parent / "golden" / "ops_2048.npz")
    points = torch.from_numpy(golden["points"])
    index = recon_ops.farthest_point_sample(points, 128)
    assert np.array_equal(index.numpy(), golden["fps_index"])
    nearest = recon_ops.knn(recon_ops.gather(points, index), points, 32)
    assert np.array_equal(nearest.sort(-1).values.numpy(), golden["knn_index_sorted"])
    for name in ("l1", "l2"):
        a, b = (torch.from_numpy(golden[f"chamfer_{side}"]).requires_grad_() for side in "ab")
        value = getattr(recon_ops, f"chamfer_{name}")(a, b)
        value.backward()
        assert value.item() == pytest.approx(golden[f"chamfer_{name}"].item(), abs=1e-5)
        assert np.abs(a.grad.numpy() - golden[f"{name}_grad_a"]).max() < 1e-5
        assert np.abs(b.grad.numpy() - golden[f"{name}_grad_b"]).max() < 1e-5


def flat(result) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else [one for part in result for one in flat(part)]


# name: what to call, and its float arguments' shapes; each call is one that gradients can flow through, or can not.
INDEX = torch.arange(12).reshape(2, 2, 3) % 7
CALLS = {
    "fps": (lambda p: recon_ops.farthest_point_sample(p, 9), [(2, 40, 3)]),
    "knn": (lambda q, p: recon_ops.knn(q, p, 5, sorted=True, return_distances=True), [(2, 6, 3), (2, 40, 3)]),
    "three_nn": (recon_ops.three_nn, [(2, 6, 3), (2, 40, 3)]),
    "ball_query": (lambda c, p: recon_ops.ball_query(c, p, 0.3, 4), [(2, 6, 3), (2, 40, 3)]),
    "gather": (lambda p: recon_ops.gather(p, INDEX.to(p.device)), [(2, 7, 4)]),
    "gather_channels": (lambda p: recon_ops.gather_channels(p, INDEX.to(p.device)), [(2, 4, 7)]),
    "three_interpolate": (lambda f, w: recon_ops.three_interpolate(f, INDEX.to(f.device), w), [(2, 4, 7), (2, 2, 3)]),
    "nearest": (recon_ops.nearest, [(2, 6, 3), (2, 9, 3)]),
    "nearest_squared_distances": (recon_ops.nearest_squared_distances, [(2, 6, 3), (2, 9, 3)]),
    "chamfer_l1": (recon_ops.chamfer_l1, [(2, 6, 3), (2, 9, 3)]),
    "chamfer_l2": (recon_ops.chamfer_l2, [(2, 6, 3), (2, 9, 3)]),
    "group": (lambda p: recon_ops.group(p, 5, 7), [(2, 40, 3)]),
    "max_pool": (recon_ops.max_pool, [(3, 5, 9, 4)]),
}


def run_call(name: str, dtype: torch.dtype = torch.float32, wrap=lambda function: function):
    """Results and gradients of a call, with inputs of this type."""
    function, shapes = CALLS[name]
    inputs = [clouds(shape, 7 + i).to(dtype).requires_grad_() for i, shape in enumerate(shapes)]
    results = flat(wrap(function)(*inputs))
    smooth = [result for result in results if result.requires_grad]
    grads = torch.autograd.grad(sum(one.float().sin().sum() for one in smooth), inputs) if smooth else ()
    return [result.detach() for result in results], list(grads), inputs


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_other_float_types(name, dtype):
    results, grads, inputs = run_call(name, dtype)
    assert all(grad.dtype == dtype for grad in grads)
    keeps = name in ("gather", "gather_channels", "three_interpolate", "group", "max_pool")
    floats = [result for result in results if result.is_floating_point()]
    assert all(result.dtype == (dtype if keeps else torch.float32) for result in floats)
    with torch.no_grad():
        expected = flat(CALLS[name][0](*(one.float() for one in inputs)))
    for one, other in zip(results, expected, strict=True):
        assert torch.equal(one, other.to(one.dtype))


@pytest.mark.parametrize("name", CALLS)
def test_autocast_changes_nothing(name):
    plain, grads, _ = run_call(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast, cast_grads, _ = run_call(name)
    for one, other in zip(plain + grads, cast + cast_grads, strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)


def test_only_distances_and_values_carry_gradients():
    for name in CALLS:
        grads = run_call(name)[1]
        assert bool(grads) == (name not in ("fps", "knn", "three_nn", "ball_query"))


@pytest.mark.parametrize("name", ["nearest_squared_distances", "gather_channels", "three_interpolate"])
def test_second_derivatives_are_refused(name):
    function, shapes = CALLS[name]
    inputs = [clouds(shape, i).requires_grad_() for i, shape in enumerate(shapes)]
    value = sum(one.square().sum() for one in flat(function(*inputs)))
    grad = torch.autograd.grad(value, inputs[0], create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="no second derivative"):
        grad.square().sum().backward()


def samples() -> dict[str, list[tuple]]:
    """Arguments of the registered operators, with and without gradient, by name."""
    a, b, empty = clouds((2, 6, 3), 1), clouds((2, 9, 3), 2), clouds((0, 6, 3))
    wide, weight = clouds((2, 4, 7), 3), clouds((2, 5, 3), 4)
    index = torch.arange(30).reshape(2, 5, 3) % 7
    index_a, index_b = torch.arange(12).reshape(2, 6) % 9, torch.arange(18).reshape(2, 9) % 6
    needs = [tensor.clone().requires_grad_() for tensor in (a, b, wide, weight)]
    return {
        "farthest_point_sample": [(b, 4, True), (empty, 3, False)],
        "knn": [(a, b, 3, True), (a, b, 9, False), (empty, empty, 1, True)],
        "nearest": [(a, b), (needs[0], b), (needs[0], needs[1]), (empty, empty)],
        "nearest_backward": [(a[..., 0].contiguous(), b[..., 0].contiguous(), a, b, index_a, index_b)],
        "ball_query": [(a, b, 0.4, 3), (empty, empty, 0.4, 3)],
        "three_interpolate": [(wide, index, weight), (needs[2], index, needs[3]), (needs[2], index, weight)],
        "three_interpolate_backward": [(clouds((2, 4, 5)), index, weight, 7)],
        "gather_channels": [(wide, index[..., 0].contiguous()), (needs[2], index[..., 0].contiguous())],
        "gather_channels_backward": [
            (clouds((2, 4, 5)), index[..., 0].contiguous(), 7),
            (clouds((2, 5, 4)).mT, index[..., 0].contiguous(), 7),
        ],
        "group": [(b, 4, 3, True), (empty, 2, 2, False)],
        "max_pool": [(a,), (a.bfloat16(),), (needs[0],), (empty,)],
        "linear_max_backward": [
            (clouds((2, 5, 1))[..., 0], index[..., 0] % 6, one, clouds((1, 5, 3))[0]) for one in (a, a.bfloat16())
        ],
    }


@pytest.mark.parametrize("name", ops.SCHEMAS)
def test_opcheck(name):
    for arguments in samples()[name]:
        torch.library.opcheck(getattr(OPS, name).default, arguments)


@pytest.mark.parametrize("name", CALLS)
def test_compile_without_breaks(name):
    torch.compiler.reset()
    eager, grads, _ = run_call(name)
    compiled, compiled_grads, _ = run_call(
        name, wrap=lambda function: torch.compile(function, fullgraph=True, backend="aot_eager")
    )
    for one, other in zip(eager + grads, compiled + compiled_grads, strict=True):
        assert torch.equal(one, other)


def test_compile_for_changing_sizes():
    torch.compiler.reset()

    def distance(points: Tensor) -> Tensor:
        return recon_ops.chamfer_l2(recon_ops.group(points, 4, 3)[1], points)

    step = torch.compile(distance, fullgraph=True, backend="aot_eager", dynamic=True)
    for batch, total in ((2, 20), (3, 31), (5, 17)):
        points = clouds((batch, total, 3), total)
        torch.testing.assert_close(step(points), distance(points))


def test_compile_once_for_all_sizes():
    torch.compiler.reset()

    def features(points: Tensor) -> Tensor:
        index = recon_ops.knn(points, points, points.shape[1] // 2)
        return recon_ops.gather_channels(points.mT, index).square().sum()

    step = torch.compile(features, fullgraph=True, backend="aot_eager", dynamic=True)
    for total, stance in ((20, "default"), (31, "fail_on_recompile")):
        points = clouds((2, total, 3), total).requires_grad_()
        with torch.compiler.set_stance(stance):
            result = step(points)
        expected = features(points)
        torch.testing.assert_close(result, expected)
        torch.testing.assert_close(*(torch.autograd.grad(one, points)[0] for one in (result, expected)))


@pytest.mark.parametrize("name", CALLS)
def test_export(name):
    function, shapes = CALLS[name]

    class Module(torch.nn.Module):
        def forward(self, *inputs):
            return function(*inputs)

    inputs = tuple(clouds(shape, i) for i, shape in enumerate(shapes))
    module = torch.export.export(Module(), inputs, strict=False).module()
    for one, other in zip(flat(module(*inputs)), flat(function(*inputs)), strict=True):
        assert torch.equal(one, other)


@settings(THOROUGH)
@given(seeds, batches, sizes, sizes, st.booleans(), st.booleans())
def test_max_pool(seed, batch, total, channels, half, strided):
    """As NumPy has it: the first of several maxima, and NaN above everything."""
    values = draw_cloud(np.random.default_rng(seed), "grid", batch, total, channels)
    values[np.random.default_rng(seed).random(values.shape) < 0.02] = np.nan
    given_ = tensor(values, strided).to(torch.bfloat16 if half else torch.float32).requires_grad_()
    most, index = OPS.max_pool(given_.detach())
    assert np.array_equal(most.double().numpy(), values.max(1), equal_nan=True)
    assert np.array_equal(index.numpy(), values.argmax(1))
    recon_ops.max_pool(given_).sum().backward()
    expected = np.zeros_like(values)
    np.put_along_axis(expected, values.argmax(1)[:, None], 1, 1)
    assert np.array_equal(given_.grad.double().numpy(), expected)


@settings(THOROUGH)
@given(seeds, batches, sizes, sizes, st.integers(1, 40), st.booleans())
def test_linear_max_backward(seed, batch, total, channels, width, half):
    """The dense gradient, in float64."""
    rng = np.random.default_rng(seed)
    points, weight = draw_cloud(rng, "grid", batch, total, width), draw_cloud(rng, "grid", 1, channels, width)[0]
    grad, index = rng.integers(-4, 5, (batch, channels)) / 4, rng.integers(0, total, (batch, channels))
    dense = np.zeros((batch, total, channels))
    np.put_along_axis(dense, index[:, None], grad[:, None], 1)
    rows = tensor(points).to(torch.bfloat16 if half else torch.float32)
    into_points, into_weight = OPS.linear_max_backward(tensor(grad), torch.from_numpy(index), rows, tensor(weight))
    assert into_points.dtype == rows.dtype and into_weight.dtype == torch.float32
    torch.testing.assert_close(into_points, torch.from_numpy(dense @ weight).to(rows.dtype), atol=0, rtol=0)
    expected = np.einsum("rkc,rkd->cd", dense, points)
    torch.testing.assert_close(into_weight, torch.from_numpy(expected).float(), atol=0, rtol=0)
    if batch:
        with pytest.raises((ValueError, RuntimeError), match="index must be in"):
            OPS.linear_max_backward(tensor(grad), torch.from_numpy(index) + total, rows, tensor(weight))


def test_threads_change_nothing():
    points, other = clouds((5, 700, 3), 1), clouds((5, 600, 3), 2)
    features, index = clouds((5, 16, 700), 3), torch.randint(0, 700, (5, 900, 3), generator=torch.manual_seed(0))

    def everything() -> list[Tensor]:
        a, b, f, p = (one.clone().requires_grad_() for one in (points, other, features, points))
        weight = clouds((5, 900, 3), 4).requires_grad_()
        outputs = flat(recon_ops.nearest(a, b)) + flat(recon_ops.group(p, 60, 16))
        outputs += [recon_ops.gather_channels(f, index), recon_ops.three_interpolate(f, index, weight)]
        outputs += [recon_ops.gather(p, index[..., 0])]
        outputs += flat(recon_ops.knn(points, other, 17, return_distances=True))
        outputs += [recon_ops.ball_query(points, other, 0.1, 16), recon_ops.farthest_point_sample(points, 300)]
        total = sum(one.sin().sum() for one in outputs if one.requires_grad)
        return [one.detach() for one in outputs] + list(torch.autograd.grad(total, (a, b, f, p, weight)))

    before, first = torch.get_num_threads(), None
    try:
        for threads in (1, 2, 2, 1):
            torch.set_num_threads(threads)
            results = everything()
            first = first or results
            for one, other_run in zip(first, results, strict=True):
                assert torch.equal(one, other_run)
    finally:
        torch.set_num_threads(before)


def hard_clouds(total: int) -> dict[str, Tensor]:
    """Clouds that search structures stumble over, of real-valued coordinates."""
    draw = torch.Generator().manual_seed(total)
    normal = torch.randn(2, total, 3, generator=draw)
    blobs = normal * 0.01 + torch.randn(2, 8, 3, generator=draw).repeat_interleave(total // 8 + 1, dim=1)[:, :total]
    return {
        "normal": normal,
        "sphere": torch.nn.functional.normalize(normal, dim=-1),
        "blobs": blobs,
        "plane": normal * torch.tensor([1.0, 1.0, 0.0]),
        "line": normal[..., :1] * torch.tensor([0.3, 0.2, 0.1]),
        "copies": normal[:, torch.arange(total) % (total // 3 + 1)],
        "lattice": (normal * 4).round() / 10,
        "far": normal * 1e-3 + 1e3,
        "huge": normal * 1e15,
        "flat_order": normal.sort(1).values,
    }


def test_library_equals_plain_pytorch(backend):
    if backend != "cpp":
        pytest.skip("there is no second implementation to compare with")
    for total in (65, 1024, 6000):
        for name, points in hard_clouds(total).items():
            count = min(total, 400)
            for skip in (True, False):
                index = OPS.farthest_point_sample(points, count, skip)
                assert torch.equal(index, reference.farthest_point_sample(points, count, skip)), (name, total)
            query = points[:, :: total // 32].contiguous()
            for k in (1, 3, 20, 32, 64):
                for one, two in zip(
                    OPS.knn(query, points, k, True), reference.knn(query, points, k, True), strict=True
                ):
                    assert torch.equal(one, two), (name, total, k)
                unsorted = OPS.knn(query, points, k, False)[1]
                expected = reference.knn(query, points, k, False)[1]
                assert torch.equal(unsorted.sort().values, expected.sort().values), (name, total, k)
            for one, two in zip(OPS.nearest(query, points), reference.nearest(query, points), strict=True):
                assert torch.equal(one, two), (name, total)
            for radius in (0.1, 0.2, 0.7):
                found = OPS.ball_query(query, points, radius, 16)
                assert torch.equal(found, reference.ball_query(query, points, radius, 16)), (name, total)
            for one, two in zip(OPS.group(points, 32, 16, True), reference.group(points, 32, 16, True), strict=True):
                assert torch.equal(one, two), (name, total)
    generator = torch.Generator().manual_seed(0)
    wide, query = (torch.randn(2, rows, 65, generator=generator) for rows in (300, 40))
    for one, two in zip(OPS.knn(query, wide, 9, True), reference.knn(query, wide, 9, True), strict=True):
        assert torch.equal(one, two)


def test_library_equals_plain_pytorch_on_a_scan(backend):
    if backend != "cpp":
        pytest.skip("there is no second implementation to compare with")
    points = hard_clouds(100_000)["sphere"][:1]
    assert torch.equal(OPS.farthest_point_sample(points, 200, True), reference.farthest_point_sample(points, 200, True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device")
def test_cuda_equals_cpu():
    assert recon_ops.backend("cuda") == recon_ops.backend() == "cuda", ops.missing_cuda
    for total in (65, 1024, 6000, 20_000):
        for name, points in hard_clouds(total).items():
            query = points[:, :: total // 32].contiguous()
            calls = [
                (OPS.farthest_point_sample, [points], (min(total, 400), True)),
                (OPS.farthest_point_sample, [points], (min(total, 400), False)),
                (OPS.group, [points], (32, 16, True)),
                (OPS.nearest, [query, points], ()),
                *((OPS.knn, [query, points], (k, True)) for k in (1, 3, 20, 32, 64)),
                *((OPS.ball_query, [query, points], (radius, 16)) for radius in (0.1, 0.2, 0.7)),
            ]
            for operator, clouds_of, rest in calls:
                here = flat(operator(*clouds_of, *rest))
                there = flat(operator(*(one.cuda() for one in clouds_of), *rest))
                for one, two in zip(here, there, strict=True):
                    assert torch.equal(one, two.cpu()), (operator, name, total, rest)
    for function, shapes in CALLS.values():
        runs = []
        for device in ("cpu", "cuda", "cuda"):
            inputs = [clouds(shape, i).to(device).requires_grad_() for i, shape in enumerate(shapes)]
            outputs = flat(function(*inputs))
            smooth = [one for one in outputs if one.requires_grad]
            grads = torch.autograd.grad(sum(one.sin().sum() for one in smooth), inputs) if smooth else ()
            runs.append([one.detach().cpu() for one in (*outputs, *grads)])
        for here, there, again in zip(*runs, strict=True):
            torch.testing.assert_close(here, there)
            assert torch.equal(there, again)


def test_slices_change_nothing(monkeypatch):
    a, b = (tensor(draw_cloud(np.random.default_rng(i), "grid", 2, 40 + i)) for i in range(2))
    whole = *reference.knn(a, b, 4, True), *reference.nearest(a, b), reference.ball_query(a, b, 0.6, 5)
    monkeypatch.setattr(reference, "MATRIX_LIMIT", 500)
    sliced = *reference.knn(a, b, 4, True), *reference.nearest(a, b), reference.ball_query(a, b, 0.6, 5)
    for one, two in zip(whole, sliced, strict=True):
        assert torch.equal(one, two)


CLOUD = torch.rand(2, 8, 3, generator=torch.Generator().manual_seed(0)) + 0.1
BROKEN = CLOUD.clone()
BROKEN[1, 7, 2] = float("nan")
ENDLESS = CLOUD.clone()
ENDLESS[0, 0, 0] = float("-inf")
WEIGHT = torch.ones(2, 5, 3)
PLACES = torch.zeros(2, 5, 3, dtype=torch.int64)
META = CLOUD.to("meta")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: recon_ops.farthest_point_sample(CLOUD, 0), "num_samples must be in 1..8, got 0"),
        (lambda: recon_ops.farthest_point_sample(CLOUD, 9), "num_samples must be in 1..8, got 9"),
        (lambda: recon_ops.farthest_point_sample(CLOUD[0], 1), "points must be a (B, N, 3) float tensor"),
        (lambda: recon_ops.farthest_point_sample(CLOUD[..., :2], 1), "points must be a (B, N, 3) float tensor"),
        (lambda: recon_ops.farthest_point_sample(CLOUD.long(), 1), "torch.int64"),
        (lambda: recon_ops.farthest_point_sample(CLOUD.numpy(), 1), "got ndarray"),
        (lambda: recon_ops.farthest_point_sample(CLOUD[:, :0], 1), "num_samples must be in 1..0"),
        (lambda: recon_ops.farthest_point_sample(BROKEN, 1), "points must be finite"),
        (lambda: recon_ops.farthest_point_sample(ENDLESS, 1), "points must be finite"),
        (lambda: recon_ops.knn(CLOUD, CLOUD, 9), "k must be in 1..8, got 9"),
        (lambda: recon_ops.knn(CLOUD, CLOUD, 0), "k must be in 1..8, got 0"),
        (lambda: recon_ops.knn(CLOUD, CLOUD[:1], 1), "query and points have different batch sizes: 2 and 1"),
        (lambda: recon_ops.knn(CLOUD, CLOUD[..., :2], 1), "query and points differ in dimension"),
        (lambda: recon_ops.knn(CLOUD[..., :0], CLOUD[..., :0], 1), "or have none"),
        (lambda: recon_ops.knn(CLOUD.long(), CLOUD, 1), "query must be a (B, M, C) float tensor"),
        (lambda: recon_ops.knn(CLOUD, META, 1), "query and points are on different devices: cpu and meta"),
        (lambda: recon_ops.knn(BROKEN, CLOUD, 1), "query must be finite"),
        (lambda: recon_ops.knn(CLOUD, BROKEN, 1), "points must be finite"),
        (lambda: recon_ops.nearest(CLOUD, CLOUD[..., :2]), "b must be a (B, N, 3) float tensor"),
        (lambda: recon_ops.nearest(CLOUD[:, :0], CLOUD), "a must hold at least one point"),
        (lambda: recon_ops.nearest(BROKEN, CLOUD), "a must be finite"),
        (lambda: recon_ops.nearest(CLOUD, ENDLESS), "b must be finite"),
        (lambda: recon_ops.chamfer_l2(CLOUD[:1], CLOUD), "a and b have different batch sizes: 1 and 2"),
        (lambda: recon_ops.chamfer_l1(META, CLOUD), "a and b are on different devices"),
        (lambda: recon_ops.ball_query(CLOUD, CLOUD, 0, 1), "radius must be a number above 0, got 0"),
        (lambda: recon_ops.ball_query(CLOUD, CLOUD, float("nan"), 1), "radius must be a number above 0, got nan"),
        (lambda: recon_ops.ball_query(CLOUD, CLOUD, 1, 0), "k must be in 1..1073741823, got 0"),
        (lambda: recon_ops.ball_query(CLOUD, CLOUD[:, :0], 1, 1), "points must hold at least one point"),
        (lambda: recon_ops.ball_query(BROKEN, CLOUD, 1, 1), "centers must be finite"),
        (lambda: recon_ops.ball_query(CLOUD, BROKEN, 1, 1), "points must be finite"),
        (lambda: recon_ops.three_nn(CLOUD, CLOUD[:, :2]), "known must hold at least 3 points, got 2"),
        (lambda: recon_ops.three_nn(CLOUD[0], CLOUD), "unknown must be a (B, n, 3) float tensor"),
        (
            lambda: recon_ops.three_interpolate(CLOUD, PLACES.float(), WEIGHT),
            "index must be a (B, n, 3) integer tensor",
        ),
        (lambda: recon_ops.three_interpolate(CLOUD, PLACES, WEIGHT[:, :4]), "index must have the shape of weight"),
        (lambda: recon_ops.three_interpolate(CLOUD, PLACES + 3, WEIGHT), "index must be in 0..2"),
        (lambda: recon_ops.three_interpolate(CLOUD[:1], PLACES, WEIGHT), "different batch sizes"),
        (lambda: recon_ops.gather_channels(CLOUD, PLACES - 1), "index must be in 0..2"),
        (lambda: recon_ops.gather_channels(CLOUD, PLACES > 0), "index must be a (B, ...) integer tensor"),
        (lambda: recon_ops.gather_channels(CLOUD[0], PLACES), "features must be a (B, C, N) float tensor"),
        (lambda: recon_ops.gather(CLOUD, PLACES[:1]), "do not fit"),
        (lambda: recon_ops.gather(CLOUD[0], PLACES), "points must be a (B, N, C) tensor"),
        (lambda: recon_ops.gather(CLOUD, PLACES[0, 0]), "index must be a (B, ...) integer tensor"),
        (lambda: recon_ops.group(CLOUD, 9, 1), "num_group must be in 1..8, got 9"),
        (lambda: recon_ops.group(CLOUD, 1, 9), "group_size must be in 1..8, got 9"),
        (lambda: recon_ops.group(BROKEN, 1, 1), "points must be finite"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


# Arguments that every operator takes.
TAKEN = {
    "farthest_point_sample": {"points": CLOUD, "num_samples": 3, "skip_origin": False},
    "knn": {"query": CLOUD, "points": CLOUD, "k": 3, "sorted": True, "return_distances": True},
    "gather": {"points": CLOUD, "index": PLACES},
    "nearest": {"a": CLOUD, "b": CLOUD},
    "nearest_squared_distances": {"a": CLOUD, "b": CLOUD},
    "chamfer_l1": {"a": CLOUD, "b": CLOUD},
    "chamfer_l2": {"a": CLOUD, "b": CLOUD},
    "ball_query": {"centers": CLOUD, "points": CLOUD, "radius": 0.2, "k": 3},
    "three_nn": {"unknown": CLOUD, "known": CLOUD},
    "three_interpolate": {"features": CLOUD, "index": PLACES, "weight": WEIGHT},
    "gather_channels": {"features": CLOUD, "index": PLACES},
    "group": {"points": CLOUD, "num_group": 3, "group_size": 3, "skip_origin": False},
    "max_pool": {"values": CLOUD},
}
NO_TENSORS = [None, 3, [[[0.0]]], np.zeros((2, 8, 3)), CLOUD.to_sparse()]
WRONG_VALUES = {
    "count": [0, -1, 2.5, 3.0, float("nan"), "3", None, True, [3], torch.tensor([1, 2]), 2**31, 2**70],
    "radius": [0, -1.0, float("nan"), float("-inf"), "0.2", None, True, [0.2], torch.ones(2), -(10**400)],
    "flag": [1, "yes", None],
    "index": [*NO_TENSORS, PLACES.double(), PLACES > 0, PLACES + 0j, PLACES[0, 0], PLACES + 8, PLACES - 1]
    + [PLACES + 2**40, PLACES[:1], PLACES.to("meta")],
    "values": [*NO_TENSORS, CLOUD[0], CLOUD[None], CLOUD.long(), CLOUD + 0j, CLOUD > 0],
    "rows": [*NO_TENSORS, CLOUD[0, 0], CLOUD[:, :0], CLOUD.long(), CLOUD + 0j, CLOUD > 0],
    "cloud": [*NO_TENSORS, CLOUD[0], CLOUD[None], CLOUD.long(), CLOUD + 0j, CLOUD > 0, CLOUD[..., :2], BROKEN, ENDLESS],
}
KINDS = {
    "k": "count",
    "radius": "radius",
    "index": "index",
    "features": "values",
    "weight": "values",
    "values": "rows",
} | {
    name: kind
    for kind, names in {"count": ("num_samples", "num_group", "group_size"), "flag": ("skip_origin", "sorted")}.items()
    for name in names
}
KINDS["return_distances"] = "flag"


@pytest.mark.parametrize(
    "name, argument", [(name, argument) for name, arguments in TAKEN.items() for argument in arguments]
)
def test_every_wrong_argument_is_named(name, argument):
    function, arguments, kind = getattr(recon_ops, name), TAKEN[name], KINDS.get(argument, "cloud")
    function(**arguments)
    wrong = list(WRONG_VALUES[kind])
    if (name, argument) == ("gather", "points"):  # takes values of any type and width
        wrong = [*NO_TENSORS, CLOUD[0], CLOUD[None]]
    if kind in ("cloud", "values") and sum(isinstance(value, Tensor) for value in arguments.values()) > 1:
        wrong += [CLOUD[:1], CLOUD.to("meta")]
    for value in wrong:
        with pytest.raises(ValueError, match=rf"\b{argument}\b"):
            function(**{**arguments, argument: value})


def test_every_operator_is_tried_with_wrong_arguments():
    tools = {"backend", "ops", "reference"}
    assert set(TAKEN) == set(CALLS) - {"fps"} | {"farthest_point_sample"} == set(recon_ops.__all__) - tools


@pytest.mark.parametrize("count", [np.int64(3), np.int32(3), torch.tensor(3)])
def test_counts_may_come_from_numpy(count):
    assert torch.equal(recon_ops.knn(CLOUD, CLOUD, count, sorted=True), recon_ops.knn(CLOUD, CLOUD, 3, sorted=True))
    assert recon_ops.group(CLOUD, count, count)[0].shape == (2, 3, 3, 3)
    assert recon_ops.ball_query(CLOUD, CLOUD, np.float32(0.2), count).shape == (2, 8, 3)
    assert recon_ops.ball_query(CLOUD, CLOUD, float("inf"), count).tolist() == [[[0, 1, 2]] * 8] * 2


def test_backend_names_what_runs():
    assert recon_ops.backend("cpu") == BACKENDS[0]
    assert recon_ops.backend("meta") == "torch"
    assert recon_ops.backend() in ("cpp", "cuda", "torch")
    for wrong in ("gpu", 2.5):
        with pytest.raises(ValueError, match="device must be one that PyTorch knows"):
            recon_ops.backend(wrong)


def test_without_the_library(tmp_path, backend):
    """A copy without the compiled library works, and says once that it runs in plain PyTorch."""
    if backend == "cpp":
        pytest.skip("needs no compiled library")
    source = Path(recon_ops.__file__).parent
    compiled = shutil.ignore_patterns("*.so", "*.pyd", "csrc", "__pycache__")
    shutil.copytree(source, tmp_path / "recon_ops", ignore=compiled)
    script = (
        "import torch, warnings, recon_ops\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    for _ in range(2):\n"
        "        recon_ops.group(torch.rand(1, 20, 3), 4, 4)\n"
        "print(recon_ops.backend('cpu'), [str(one.message) for one in caught])\n"
    )

    def run(require: str) -> subprocess.CompletedProcess:
        environment = os.environ | {"RECON_REQUIRE_LIBRARY": require}
        return subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    said = run("").stdout
    assert said.startswith("torch ['recon_ops runs in plain PyTorch") and said.count("recon_ops runs") == 1
    refused = run("1")
    assert refused.returncode and "RECON_REQUIRE_LIBRARY=1, but the compiled library is missing" in refused.stderr


@pytest.mark.parametrize("instructions", ["generic", "avx2"])
def test_other_instruction_sets(instructions, backend):
    """What older processors run gives the same."""
    if backend == "torch":
        pytest.skip("is about the compiled library")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", __file__]
    command += ["-k", "library_equals_plain_pytorch and cpp"]
    done = subprocess.run(command, env={**os.environ, "RECON_OPS_ISA": instructions}, capture_output=True, text=True)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout[-2000:]
