"""The stand-ins for pointnet2_ops, knn_cuda and chamfer_dist: names, arguments, shapes, types and meaning."""

import importlib
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from extensions import recon_ops

PROJECT = Path(__file__).parents[1] / "extensions" / "dropins"
PACKAGES = ("pointnet2_ops", "knn_cuda", "chamfer_dist", "chamfer")


@pytest.fixture(scope="module", autouse=True)
def on_path():
    """The stand-ins, importable for these tests only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT))
        yield
    for name in list(sys.modules):
        if name.split(".")[0] in PACKAGES:
            del sys.modules[name]


@pytest.fixture
def utils():
    return importlib.import_module("pointnet2_ops.pointnet2_utils")


def cloud(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) - 0.5


def test_furthest_point_sample(utils):
    xyz = cloud(2, 200, 3)
    xyz[:, 5:50] *= 0.01
    index = utils.furthest_point_sample(xyz, 60)
    assert index.dtype == torch.int32 and index.shape == (2, 60)
    assert torch.equal(index.long(), recon_ops.farthest_point_sample(xyz, 60, skip_origin=True))
    assert not ((index >= 5) & (index < 50)).any()
    assert torch.equal(utils.FurthestPointSampling.apply(xyz, 60), index)


def test_gather_operation(utils):
    features, index = cloud(2, 5, 30).requires_grad_(), torch.randint(0, 30, (2, 8), dtype=torch.int32)
    picked = utils.gather_operation(features, index)
    assert picked.shape == (2, 5, 8)
    assert torch.equal(picked, torch.stack([one[:, at.long()] for one, at in zip(features, index, strict=True)]))
    picked.sum().backward()
    counts = torch.stack([torch.bincount(at, minlength=30) for at in index])
    assert torch.equal(features.grad, counts[:, None].expand(-1, 5, -1).float())


def test_grouping_operation(utils):
    features, index = cloud(2, 5, 30).requires_grad_(), torch.randint(0, 30, (2, 8, 4), dtype=torch.int32)
    grouped = utils.grouping_operation(features, index)
    assert grouped.shape == (2, 5, 8, 4)
    assert torch.equal(grouped[1, :, 3, 2], features[1, :, index[1, 3, 2]])
    grouped.sum().backward()
    assert features.grad.sum() == grouped.numel()


def test_three_nn_and_interpolate(utils):
    unknown, known, features = cloud(2, 20, 3, seed=1), cloud(2, 9, 3, seed=2), cloud(2, 6, 9).requires_grad_()
    distance, index = utils.three_nn(unknown, known)
    assert distance.shape == index.shape == (2, 20, 3) and index.dtype == torch.int32
    expected = torch.cdist(unknown, known).topk(3, largest=False)
    assert torch.equal(index.long(), expected.indices)
    torch.testing.assert_close(distance, expected.values, rtol=1e-4, atol=1e-5)
    weight = 1 / (distance + 1e-8)
    weight = weight / weight.sum(2, keepdim=True)
    blended = utils.three_interpolate(features, index, weight)
    rows = torch.arange(2)[:, None, None]
    torch.testing.assert_close(blended, (features.mT[rows, index.long()] * weight[..., None]).sum(2).mT)
    blended.sum().backward()
    torch.testing.assert_close(features.grad[:, 0].sum(1), torch.full((2,), 20.0))


def test_ball_query(utils):
    xyz = torch.tensor([[[0.0, 0, 0], [0.1, 0, 0], [0.2, 0, 0], [5, 0, 0]]])
    centers = torch.tensor([[[0.1, 0, 0], [5, 0, 0], [9, 9, 9]]])
    index = utils.ball_query(0.15, 3, xyz, centers)
    assert index.dtype == torch.int32
    assert index.tolist() == [[[0, 1, 2], [3, 3, 3], [0, 0, 0]]]


@pytest.mark.parametrize("use_xyz", [True, False])
def test_query_and_group(utils, use_xyz):
    xyz, features = cloud(2, 50, 3), cloud(2, 4, 50, seed=1).requires_grad_()
    centers = xyz[:, :7].contiguous()
    index = utils.ball_query(0.4, 6, xyz, centers)
    grouped = utils.QueryAndGroup(0.4, 6, use_xyz=use_xyz)(xyz, centers, features)
    values = utils.grouping_operation(features, index)
    offsets = utils.grouping_operation(xyz.mT.contiguous(), index) - centers.mT[..., None]
    assert torch.equal(grouped, torch.cat((offsets, values), 1) if use_xyz else values)
    assert torch.equal(utils.QueryAndGroup(0.4, 6)(xyz, centers), offsets)
    grouped.sum().backward()
    assert features.grad.abs().sum() > 0


def test_group_all(utils):
    xyz, features = cloud(2, 50, 3), cloud(2, 4, 50)
    assert torch.equal(utils.GroupAll()(xyz, None, features), torch.cat((xyz.mT, features), 1)[:, :, None])
    assert torch.equal(utils.GroupAll(use_xyz=False)(xyz, None, features), features[:, :, None])
    assert utils.GroupAll()(xyz, None).shape == (2, 3, 1, 50)
    for grouper in (utils.GroupAll(use_xyz=False), utils.QueryAndGroup(1, 2, use_xyz=False)):
        with pytest.raises(ValueError, match="features must be given"):
            grouper(xyz, xyz)
    for wrong in (features[0], features[:1], features.mT, features.numpy()):
        with pytest.raises(ValueError, match="features must be"):
            utils.GroupAll()(xyz, None, wrong)
    with pytest.raises(ValueError, match="xyz must be"):
        utils.GroupAll()(xyz[0], None)


@pytest.mark.parametrize("width", [3, 5])
def test_knn(width):
    knn_cuda = importlib.import_module("knn_cuda")
    ref, query = cloud(2, 40, width, seed=1), cloud(2, 11, width, seed=2).requires_grad_()
    distance, index = knn_cuda.KNN(k=4, transpose_mode=True)(ref, query)
    assert distance.shape == index.shape == (2, 11, 4) and index.dtype == torch.int64 and not distance.requires_grad
    expected = torch.cdist(query.detach(), ref).topk(4, largest=False)
    assert torch.equal(index, expected.indices)
    torch.testing.assert_close(distance, expected.values, rtol=1e-4, atol=1e-5)
    flipped = knn_cuda.KNN(4)(ref.mT.contiguous(), query.mT.contiguous())
    assert torch.equal(flipped[0], distance.mT) and torch.equal(flipped[1], index.mT)
    single = knn_cuda.knn(ref[0].mT, query[0].mT, 4)
    assert torch.equal(single[0], distance[0].mT) and torch.equal(single[1], index[0].mT)
    with pytest.raises(ValueError, match="k must be in"):
        knn_cuda.KNN(41, transpose_mode=True)(ref, query)
    for wrong in ("4", 2.5, True, None, 0, 2**31):
        with pytest.raises(ValueError, match="k must be"):
            knn_cuda.KNN(wrong, transpose_mode=True)(ref, query)
    with pytest.raises(ValueError, match="query must be a tensor of three dimensions"):
        knn_cuda.KNN(4)(ref, query[0])


def test_chamfer_distances():
    chamfer_dist = importlib.import_module("chamfer_dist")
    a, b = cloud(3, 20, 3, seed=1).requires_grad_(), cloud(3, 31, 3, seed=2)
    there, back = chamfer_dist.ChamferFunction.apply(a, b)
    squared = (a[:, :, None] - b[:, None]).square().sum(-1)
    torch.testing.assert_close(there, squared.min(2).values)
    torch.testing.assert_close(back, squared.min(1).values)
    halves = chamfer_dist.ChamferDistanceL2_split()(a, b)
    torch.testing.assert_close(halves, (there.mean(), back.mean()))
    torch.testing.assert_close(chamfer_dist.ChamferDistanceL2()(a, b), there.mean() + back.mean())
    value = chamfer_dist.ChamferDistanceL1()(a, b)
    torch.testing.assert_close(value, (there.sqrt().mean() + back.sqrt().mean()) / 2)
    value.backward()
    assert a.grad.isfinite().all() and a.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["ChamferDistanceL1", "ChamferDistanceL2", "ChamferDistanceL2_split"])
def test_chamfer_ignores_zeros(name):
    kind = getattr(importlib.import_module("chamfer_dist"), name)
    a, b = cloud(1, 20, 3, seed=1) + 2, cloud(1, 31, 3, seed=2) + 2
    padded = torch.cat((a, torch.zeros(1, 5, 3)), 1)
    expected = kind()(a, b)
    torch.testing.assert_close(kind(ignore_zeros=True)(padded, b), expected)
    torch.testing.assert_close(kind(True)(b, padded), kind()(b, a))
    pair = [torch.cat((one, one)) for one in (padded, b)]
    torch.testing.assert_close(kind(True)(*pair), kind()(*pair))
    for wrong in (padded[0], padded[..., :2], padded.repeat(2, 1, 1), None):
        with pytest.raises(ValueError):
            kind(True)(b, wrong)
        with pytest.raises(ValueError):
            kind(True)(wrong, b)


def test_chamfer_module():
    chamfer = importlib.import_module("chamfer")
    a, b = cloud(2, 20, 3, seed=1).requires_grad_(), cloud(2, 31, 3, seed=2).requires_grad_()
    there, back, index_a, index_b = chamfer.forward(a, b)
    assert index_a.dtype == index_b.dtype == torch.int32 and not there.requires_grad
    expected = recon_ops.nearest_squared_distances(a, b)
    assert torch.equal(there, expected[0]) and torch.equal(back, expected[1])
    grads = chamfer.backward(a, b, index_a, index_b, torch.ones_like(there), torch.full_like(back, 2))
    by_autograd = torch.autograd.grad(expected[0].sum() + 2 * expected[1].sum(), (a, b))
    for one, other in zip(grads, by_autograd, strict=True):
        assert torch.equal(one, other)
    given = {"xyz1": a, "xyz2": b, "idx1": index_a, "idx2": index_b, "grad_dist1": there, "grad_dist2": back}
    for name, value in given.items():
        with pytest.raises(ValueError, match=name):
            chamfer.backward(**{**given, name: value[..., None]})
    with pytest.raises(ValueError, match="index_b must be in 0..19"):
        chamfer.backward(**{**given, "idx2": index_b + 20})


def test_wrong_arguments(utils):
    xyz, features, index = cloud(2, 9, 3), cloud(2, 5, 9), torch.zeros(2, 4, 3, dtype=torch.int32)
    for call in (
        lambda: utils.furthest_point_sample(xyz, 2.5),
        lambda: utils.furthest_point_sample(xyz, "3"),
        lambda: utils.furthest_point_sample(xyz[0], 3),
        lambda: utils.gather_operation(features, index[..., 0] + 9),
        lambda: utils.grouping_operation(features, index - 1),
        lambda: utils.grouping_operation(features, index.float()),
        lambda: utils.three_nn(xyz, xyz[:, :2]),
        lambda: utils.three_interpolate(features, index + 9, cloud(2, 4, 3)),
        lambda: utils.ball_query("0.2", 3, xyz, xyz),
        lambda: utils.ball_query(float("nan"), 3, xyz, xyz),
        lambda: utils.ball_query(0.2, 2**31, xyz, xyz),
        lambda: utils.QueryAndGroup(-1, 3)(xyz, xyz),
        lambda: utils.QueryAndGroup(1, 3)(xyz, xyz, features[:1]),
    ):
        with pytest.raises(ValueError):
            call()


def test_they_install_as_a_project_of_their_own(tmp_path):
    """Not with recon_ops, and nothing of it: an explicit install is what puts them before the originals."""
    pytest.importorskip("setuptools", "70.1", reason="builds a wheel without fetching anything")
    shutil.copytree(PROJECT, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "target"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    pip += ["--no-index", "--no-build-isolation", "--target", str(target), str(tmp_path / "source")]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    assert {path.name for path in target.iterdir()} >= {"pointnet2_ops", "knn_cuda", "chamfer_dist", "chamfer.py"}
    assert not (target / "recon_ops").exists()
    (found,) = importlib.metadata.distributions(path=[str(target)])
    assert found.metadata["Name"] == "recon-ops-dropins"
    assert not any((Path(recon_ops.__file__).parents[1] / name).exists() for name in PACKAGES)
