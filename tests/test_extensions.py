"""Point operators against goldens, naive versions and their documented edges."""

import numpy as np
import pytest
import torch
from test_golden import load

import extensions.reference as reference
from extensions import chamfer_l1, chamfer_l2, farthest_point_sample, gather, knn


def test_golden_indices():
    golden = load("ops_2048")
    points = torch.from_numpy(golden["points"])
    index = farthest_point_sample(points, 128)
    assert np.array_equal(index.numpy(), golden["fps_index"])
    nearest = knn(gather(points, index), points, 32).sort(-1).values
    assert np.array_equal(nearest.numpy(), golden["knn_index_sorted"])


@pytest.mark.parametrize("name, chamfer", [("l1", chamfer_l1), ("l2", chamfer_l2)])
def test_golden_chamfer(name, chamfer):
    golden = load("ops_2048")
    a, b = (torch.from_numpy(golden[f"chamfer_{side}"]).requires_grad_() for side in "ab")
    value = chamfer(a, b)
    value.backward()
    assert value.item() == pytest.approx(golden[f"chamfer_{name}"].item(), abs=1e-5)
    assert np.abs(a.grad.numpy() - golden[f"{name}_grad_a"]).max() < 1e-5
    assert np.abs(b.grad.numpy() - golden[f"{name}_grad_b"]).max() < 1e-5


def naive_fps(cloud: np.ndarray, count: int) -> list[int]:
    picked = [0]
    allowed = (cloud**2).sum(1) > reference.ORIGIN_RADIUS_SQUARED
    while len(picked) < count:
        nearest = ((cloud[:, None] - cloud[picked][None]) ** 2).sum(-1).min(1)
        picked.append(int(np.where(allowed, nearest, -1).argmax()))
    return picked


@pytest.mark.parametrize("total, count", [(1, 1), (5, 5), (64, 1), (200, 40), (257, 256)])
def test_fps_is_greedy(total, count):
    points = torch.rand(3, total, 3, generator=torch.Generator().manual_seed(total)) - 0.5
    index = farthest_point_sample(points, count)
    assert index.shape == (3, count)
    if count < total:  # a full draw ends among points that are skipped or taken already
        assert index.tolist() == [naive_fps(cloud, count) for cloud in points.numpy()]


def test_fps_never_picks_near_the_origin():
    points = torch.rand(1, 50, 3, generator=torch.Generator().manual_seed(0)) + 0.1
    points[0, 1:10] = 0.01
    assert not set(farthest_point_sample(points, 30)[0].tolist()) & set(range(1, 10))
    points[0, 0] = 0.0
    assert farthest_point_sample(points, 3)[0, 0] == 0


def test_search_in_slices_is_the_same(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 70, 3, generator=generator), torch.rand(2, 90, 3, generator=generator)
    whole = knn(a, b, 4).sort(-1).values, reference.nearest_squared_distances(a, b)
    monkeypatch.setattr(reference, "MATRIX_LIMIT", 500)
    assert torch.equal(knn(a, b, 4).sort(-1).values, whole[0])
    for one, other in zip(reference.nearest_squared_distances(a, b), whole[1], strict=True):
        assert torch.equal(one, other)


def test_chamfer_of_equal_clouds_has_finite_gradient():
    a = torch.rand(2, 16, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    value = chamfer_l1(a, a.detach())
    value.backward()
    assert value.item() == 0 and torch.equal(a.grad, torch.zeros_like(a))


def test_chamfer_gradient():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, n, 3, generator=generator, dtype=torch.float64).requires_grad_() for n in (7, 5))
    assert torch.autograd.gradcheck(chamfer_l2, (a, b))
    assert torch.autograd.gradcheck(chamfer_l1, (a, b))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda p: farthest_point_sample(p, 0), "num_samples must be in 1..8, got 0"),
        (lambda p: farthest_point_sample(p, 9), "num_samples must be in 1..8, got 9"),
        (lambda p: farthest_point_sample(p[0], 1), "(B, N, 3)"),
        (lambda p: knn(p, p, 9), "k must be in 1..8"),
        (lambda p: knn(p, p[:1], 1), "batch sizes"),
        (lambda p: knn(p.long(), p, 1), "float"),
        (lambda p: chamfer_l2(p, p[..., :2]), "(B, N, 3)"),
        (lambda p: gather(p, torch.zeros(3, 1, dtype=torch.int64)), "do not fit"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError) as error:
        call(torch.rand(2, 8, 3))
    assert message in str(error.value)
