"""Views in pretraining: the released recipe, drawn alike for the same key."""

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.image_transforms import NORMS, OPERATIONS, ImageTransform, cut_out, rand_augment


@pytest.fixture
def image() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8))


def test_same_key_same_draw(image: Image.Image):
    transform = ImageTransform(64)
    first = transform(image, (0, 1, 2))
    torch.rand(7)
    assert first.shape == (3, 64, 64) and first.dtype == torch.float32
    assert torch.equal(first, transform(image, (0, 1, 2)))
    for key in ((1, 1, 2), (0, 2, 2), (0, 1, 3), (0, 2, 1)):
        assert not torch.equal(first, transform(image, key))


def test_global_generator_is_left_alone(image: Image.Image):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    ImageTransform(32)(image, (0, 0, 0))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("norm", NORMS)
def test_without_augmentation(norm: str):
    mean, std = NORMS[norm]
    result = ImageTransform(32, norm, augment=False)(Image.new("RGB", (50, 20), (255, 0, 51)))
    expected = [(value - m) / s for value, m, s in zip((1, 0, 0.2), mean, std, strict=True)]
    assert result.shape == (3, 32, 32)
    assert torch.allclose(result.mean((1, 2)), torch.tensor(expected), atol=1e-5)


@pytest.mark.parametrize("size", [224, 64])
def test_sizes_scale(image: Image.Image, size: int):
    transform = ImageTransform(size)
    assert transform.square == {224: 16, 64: 5}[size]
    assert transform.crop.transforms[0].size == [{224: 256, 64: 73}[size]] * 2
    assert transform(image).shape == (3, size, size)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(image: Image.Image, name: str):
    results = [np.asarray(OPERATIONS[name](image, m / 10, s)) for m in (1, 9) for s in (1, -1)]
    assert all(result.shape == (48, 40, 3) and result.dtype == np.uint8 for result in results)
    has_sign = name.startswith(("rotate", "shear", "translate"))
    assert np.array_equal(results[2], results[3]) != has_sign
    if name not in ("identity", "autocontrast"):  # the latter has nothing to stretch in noise
        assert not np.array_equal(results[2], np.asarray(image))


def test_geometry_of_operations():
    image = Image.new("RGB", (20, 20))
    image.putpixel((10, 10), (255, 255, 255))

    def lit(name: str, magnitude: float) -> tuple[int, int]:
        y, x, _ = np.argwhere(np.asarray(OPERATIONS[name](image, magnitude, 1)))[0]
        return int(x), int(y)

    assert lit("translate_x", 0.5) == (13, 10) and lit("translate_y", 0.9) == (10, 15)
    x, y = lit("shear_x", 0.9)  # about the upper left corner: moves by about 0.27 of the height
    assert abs(x - 10) in (2, 3) and y == 10


def test_rand_augment_applies_half_of_two(image: Image.Image):
    """Each of two operations acts with probability 1/2, so a quarter of the images stays untouched (identity apart)."""
    torch.manual_seed(0)
    untouched = np.mean([rand_augment(image) is image for _ in range(2000)])
    still = 1 / 2 + 1 / 2 / len(OPERATIONS)
    assert abs(untouched - still**2) < 0.04


def test_grey_square():
    torch.manual_seed(0)
    corners = set()
    for _ in range(200):
        painted = cut_out(torch.zeros(3, 40, 50, dtype=torch.uint8), 16)
        assert set(painted.unique().tolist()) == {0, 127}
        y, x = (painted[0] == 127).nonzero().unbind(1)
        assert len(y) == (y.max() - y.min() + 1) * (x.max() - x.min() + 1) <= 17 * 17
        corners.add((int(y.min()), int(x.min())))
        if y.max() < 39 and x.max() < 49:
            assert len(y) == 17 * 17  # released: both corners are painted
    assert len(corners) > 100
