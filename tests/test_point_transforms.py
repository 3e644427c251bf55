"""Sampling and augmentation of clouds, and the prompts."""

import math

import pytest
import torch

from datasets import point_transforms as pt
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere
from utils.prompts import TEMPLATES, all_prompts, prompt


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def points(generator: torch.Generator) -> torch.Tensor:
    return torch.randn(4, 300, 3, generator=generator)


def rows(cloud: torch.Tensor) -> set[tuple[float, ...]]:
    return set(map(tuple, cloud.tolist()))


def test_normalize_unit_sphere(points: torch.Tensor):
    normal = normalize_unit_sphere(5 * points + 3)
    assert torch.allclose(normal.mean(1), torch.zeros(4, 3), atol=1e-6)
    assert torch.allclose(normal.norm(dim=-1).amax(1), torch.ones(4))
    assert torch.allclose(normal[0], normalize_unit_sphere(5 * points[0] + 3), atol=1e-6)
    with_normals = normalize_unit_sphere(torch.cat([points, points], -1))
    assert torch.equal(with_normals[..., 3:], points)
    assert torch.equal(normalize_unit_sphere(torch.ones(1, 5, 3)), torch.zeros(1, 5, 3))


def test_random_subset_draws_without_replacement_for_each_cloud(points: torch.Tensor, generator: torch.Generator):
    same = points[:1].repeat(4, 1, 1)
    drawn = pt.random_subset(same, 100, generator)
    subsets = [rows(cloud) for cloud in drawn]
    assert all(len(subset) == 100 and subset <= rows(points[0]) for subset in subsets)
    assert subsets[0] != subsets[1]
    assert rows(pt.random_subset(points, 300, generator)[2]) == rows(points[2])
    with pytest.raises(UserError, match="npoints=301.*300"):
        pt.random_subset(points, 301, generator)


@pytest.mark.parametrize(
    ("npoints", "available", "expected"),
    [(1024, 8192, 1200), (2048, 8192, 2400), (4096, 8192, 4800), (8192, 8192, 8192), (8192, 10000, 8192)]
    + [(1024, 1100, 1100), (2048, 2048, 2048), (256, 1024, 307), (1, 1, 1)],
)
def test_point_all(npoints: int, available: int, expected: int):
    assert pt.point_all(npoints, available) == expected


def test_fewer_points_than_asked_for(points: torch.Tensor, generator: torch.Generator):
    for call in (lambda: pt.point_all(301, 300), lambda: pt.sample_test(points, 301)):
        with pytest.raises(UserError, match="npoints=301.*300"):
            call()
    with pytest.raises(UserError, match="npoints=301"):
        pt.sample_train(points, 301, generator)


@pytest.mark.parametrize("npoints", [100, 280, 300])
def test_sample_train_takes_the_same_columns_of_all_clouds(points: torch.Tensor, npoints: int):
    def draw(cloud: torch.Tensor) -> torch.Tensor:
        return pt.sample_train(cloud, npoints, torch.Generator().manual_seed(1))

    batch = draw(points)
    assert batch.shape == (4, npoints, 3)
    # What one cloud gets does not depend on its place in the batch, so all share the columns.
    assert torch.equal(batch, torch.cat([draw(cloud[None]) for cloud in points]))
    assert len(rows(batch[0])) == npoints and rows(batch[0]) <= rows(points[0])
    again = pt.sample_train(points, npoints, torch.Generator().manual_seed(2))
    assert not torch.equal(batch, again)


def test_sample_test(points: torch.Tensor):
    chosen = pt.sample_test(points, 50)
    assert chosen.shape == (4, 50, 3) and torch.equal(chosen[:, 0], points[:, 0])
    assert torch.equal(chosen, pt.sample_test(points, 60)[:, :50])
    assert rows(pt.sample_test(points, 300)[1]) == rows(points[1])


def test_points_near_the_origin_are_passed_over(points: torch.Tensor, generator: torch.Generator):
    """As by the released operator, also where all points are wanted: an earlier one comes again instead."""
    points[:, 7] = torch.tensor([0.01, 0.0, 0.02])
    for chosen in (pt.sample_test(points, 300), pt.sample_train(points, 300, generator)):
        assert chosen.shape == points.shape
        assert all(rows(some) == rows(cloud) - rows(cloud[7:8]) for some, cloud in zip(chosen, points, strict=True))


def test_rotation_convention(points: torch.Tensor):
    turned = pt.rotate_y(points, torch.Generator().manual_seed(3))
    angles = (2 * math.pi * torch.rand(4, generator=torch.Generator().manual_seed(3))).tolist()
    for cloud, result, angle in zip(points, turned, angles, strict=True):
        cos, sin = math.cos(angle), math.sin(angle)
        matrix = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        assert torch.allclose(result, cloud @ matrix, atol=1e-5)
    assert torch.allclose(turned[..., 1], points[..., 1])
    assert torch.allclose(turned.norm(dim=-1), points.norm(dim=-1), atol=1e-5)


def test_ranges_of_scale_and_shift(generator: torch.Generator):
    points = torch.tensor([[0.0, 0, 0], [1, 1, 1]]).repeat(5000, 1, 1)
    moved = pt.scale_translate(points, generator)
    shift, factor = moved[:, 0], moved[:, 1] - moved[:, 0]
    assert shift.min() >= -0.2 and shift.max() <= 0.2 and shift.min() < -0.199 and shift.max() > 0.199
    assert factor.min() >= 2 / 3 - 1e-6 and factor.max() <= 1.5 + 1e-6 and factor.min() < 0.668 and factor.max() > 1.499
    assert (factor[:, 0] != factor[:, 1]).all() and len(shift.unique()) > 14000
    stretched = pt.scale(points, generator)
    assert (stretched[:, 0] == 0).all() and stretched[:, 1].min() >= 2 / 3 - 1e-6 and stretched.max() <= 1.5 + 1e-6
    gentle = pt.AUGMENTATIONS["scale_translate_small"](points, generator)
    shift, factor = gentle[:, 0], gentle[:, 1] - gentle[:, 0]
    assert 0.099 < shift.abs().max() <= 0.1 and len(shift.unique()) > 14000
    torch.testing.assert_close(factor, factor[:, :1].expand(-1, 3))  # one factor a cloud
    assert 0.8 - 1e-6 <= factor.min() < 0.801 and 1.249 < factor.max() <= 1.25 + 1e-6


@pytest.mark.parametrize("name", pt.AUGMENTATIONS)
def test_augmentations_repeat_and_keep_their_input(points: torch.Tensor, name: str):
    before = points.clone()
    first, second = (pt.AUGMENTATIONS[name](points, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second) and torch.equal(points, before) and first.shape == points.shape
    assert torch.equal(first, points) == (name == "none")


def test_prompts(generator: torch.Generator):
    assert len(TEMPLATES) == len(set(TEMPLATES)) == 60
    prompts = all_prompts("flower_pot")
    assert len(set(prompts)) == 60
    assert {"flower_pot.", "A flower_pot with black context.", "A point cloud model of flower_pot."} <= set(prompts)
    assert "A 3D rendering image of a flower_pot with white background." in prompts
    drawn = prompt(["night_stand", "car"] * 500, generator)
    assert set(drawn[::2]) == set(all_prompts("night_stand")) and set(drawn[1::2]) == set(all_prompts("car"))
