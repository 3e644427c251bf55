"""Views in pretraining: the released recipe, drawn alike for the same key."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter
from torchvision.transforms import v2

from datasets.image_batch import BATCH_OPERATIONS, apply_batch
from datasets.image_transforms import NORMS, OPERATIONS, ImageTransform, draw_operations, pixels_of


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
    assert transform.edge == {224: 256, 64: 73}[size]
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


def test_rand_augment_applies_half_of_two():
    """Each of two operations, of whatever kind, size and sign, acts with probability 1/2."""
    torch.manual_seed(0)
    drawn = [draw_operations() for _ in range(3000)]
    assert np.allclose(np.bincount([len(one) for one in drawn]) / 3000, [0.25, 0.5, 0.25], atol=0.04)
    names, magnitudes, signs = zip(*(operation for one in drawn for operation in one), strict=True)
    assert {*names} == {*OPERATIONS} and {*signs} == {-1, 1}
    assert {*magnitudes} == {m / 10 for m in range(1, 10)}


def test_grey_square():
    transform, corners = ImageTransform(224), set()
    for i in range(200):
        draw = transform.draw((0, 0, i))._replace(flip=False, crop=(0, 0, 256, 256), operations=())
        painted = transform.apply(Image.new("RGB", (256, 256)), draw)
        assert set(painted.unique().tolist()) == {0, 127}
        y, x = (painted[0] == 127).nonzero().unbind(1)
        assert len(y) == (y.max() - y.min() + 1) * (x.max() - x.min() + 1) <= 17 * 17
        corners.add((int(y.min()), int(x.min())))
        if y.max() < 223 and x.max() < 223:
            assert len(y) == 17 * 17  # released: both corners are painted
    assert len(corners) > 150


def rendered(count: int, size: int = 128) -> list[Image.Image]:
    """Smooth coloured shapes on white, as renders are."""
    rng, images = np.random.default_rng(0), []
    for _ in range(count):
        image = Image.new("RGB", (size, size), "white")
        for _ in range(8):
            x, y = rng.integers(0, size - 40, 2).tolist()
            ImageDraw.Draw(image).ellipse([x, y, x + 40, y + 30], fill=tuple(rng.integers(0, 256, 3).tolist()))
        images.append(image.filter(ImageFilter.GaussianBlur(1)))
    return images


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_on_a_batch_are_pillows(image: Image.Image, name: str):
    magnitudes, signs = [m / 10 for m in range(1, 10)] * 2, [1] * 9 + [-1] * 9
    images = [image, *rendered(1, 48)]
    images = [image.resize((40, 48)) for image in images] * 9
    expected = [OPERATIONS[name](one, m, s) for one, m, s in zip(images, magnitudes, signs, strict=True)]
    batch = torch.stack([pixels_of(one) for one in images]).contiguous()
    result = BATCH_OPERATIONS[name](batch, torch.tensor(magnitudes, dtype=torch.float64), torch.tensor(signs))
    assert torch.equal(result, torch.stack([pixels_of(e) for e in expected]))


def test_three_ways_to_one_view():
    """The same draws: equal but for the rounding of the crop, which thresholds make more of in single pixels."""
    transform, images = ImageTransform(112), rendered(40)
    views, draws = [transform.resize(image) for image in images], [transform.draw((0, 0, i)) for i in range(40)]
    assert {draw.flip for draw in draws} == {False, True}
    expected = torch.stack([transform.apply(view, draw) for view, draw in zip(views, draws, strict=True)]).int()
    pixels = [pixels_of(view) for view in views]
    one_by_one = torch.stack([transform.apply_tensor(view, draw) for view, draw in zip(pixels, draws, strict=True)])
    batch = apply_batch(torch.stack(pixels), draws, transform.size, transform.square)
    for result in (one_by_one, batch):
        difference = (result.int() - expected).abs()
        assert result.shape == (40, 3, 112, 112) and difference.float().mean() < 0.1
        assert (difference > 2).float().mean() < 0.005
    plain = [draw._replace(operations=()) for draw in draws]
    expected = torch.stack([transform.apply(view, draw) for view, draw in zip(views, plain, strict=True)]).int()
    one_by_one = torch.stack([transform.apply_tensor(view, draw) for view, draw in zip(pixels, plain, strict=True)])
    batch = apply_batch(torch.stack(pixels), plain, transform.size, transform.square)
    assert all((result.int() - expected).abs().max() <= 2 for result in (one_by_one, batch))


def test_normalised_as_torchvision_does(image: Image.Image):
    recipe = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(*NORMS["clip"])])
    batch = torch.stack([pixels_of(image), pixels_of(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM))])
    normalize = ImageTransform(32, "clip").normalize
    assert torch.equal(normalize(batch), recipe(batch)) and normalize(batch).is_contiguous()
    assert torch.equal(normalize(batch[0]), recipe(batch[0]))
