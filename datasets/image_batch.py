"""Augmentation of rendered views a batch at a time, on the device that they are on."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from datasets.image_transforms import GREY, ViewDraw

Number = float | Tensor


def apply_batch(views: Tensor, draws: Sequence[ViewDraw], size: int, square: int) -> Tensor:
    """Change resized views as `ImageTransform.apply` does.

    RandAugment and the square are those of Pillow to the pixel. The crop is resized with one rounding, where Pillow
    rounds after each of two passes (whose order changed with version 13): rendered views differ by at most 2 of 255
    before RandAugment, whose thresholds (solarize, equalize) can make more of that in single pixels, and by less than
    0.1 on average after it.

    Args:
        views: (B, 3, E, E) uint8.
        draws: one a view.
        size: edge of the result in pixels.
        square: see `ImageTransform`.

    Returns:
        (B, 3, size, size) uint8.
    """
    views = _resize_crops(views, draws, size)
    for slot in range(2):
        members: dict[str, list[int]] = {}
        for i, draw in enumerate(draws):
            for name, _, _ in draw.operations[slot : slot + 1]:
                members.setdefault(name, []).append(i)
        for name, rows in members.items():
            drawn = torch.tensor([draws[i].operations[slot][1:] for i in rows], dtype=torch.float64)
            index = torch.tensor(rows).to(views.device, non_blocking=True)
            views[index] = BATCH_OPERATIONS[name](views[index], *drawn.T)
    corners = torch.tensor([draw.corner for draw in draws]).to(views.device, non_blocking=True)
    inside = torch.arange(size, device=views.device) - corners[:, :, None]
    inside = (inside >= 0) & (inside <= square)
    return views.masked_fill_((inside[:, 0, :, None] & inside[:, 1, None])[:, None], GREY)


def _resize_crops(views: Tensor, draws: Sequence[ViewDraw], size: int) -> Tensor:
    """Flip, crop and resize (B, 3, E, E) uint8, bicubic with antialiasing; returns (B, 3, size, size) uint8."""
    numbers = torch.tensor([(*draw.crop, draw.flip) for draw in draws], dtype=torch.float32)
    top, left, height, width, flip = numbers.to(views.device, non_blocking=True).T
    rows = _bicubic(top, height, size, views.shape[2])
    columns = _bicubic(left, width, size, views.shape[3])
    columns = torch.where(flip.bool()[:, None, None], columns.flip(2), columns)
    with torch.autocast(views.device.type, enabled=False):
        resized = torch.einsum("bys,bcst,bxt->bcyx", rows, views.float(), columns)
    return resized.add_(0.5).clamp_(0, 255).to(torch.uint8)


def _bicubic(start: Tensor, length: Tensor, size: int, edge: int) -> Tensor:
    """Weights (B, size, edge) that resample `length` pixels from `start` on to `size`, as Pillow's with a = -0.5."""
    scale = (length / size)[:, None, None]
    stretch = scale.clamp_min(1)
    centre = scale * (torch.arange(size, device=start.device)[None, :, None] + 0.5)
    pixel = torch.arange(edge, device=start.device) - start[:, None, None]
    x = ((pixel + 0.5 - centre) / stretch).abs()
    weights = torch.where(x < 1, (1.5 * x - 2.5) * x * x + 1, torch.where(x < 2, ((2.5 - 0.5 * x) * x - 4) * x + 2, 0))
    weights = weights * ((pixel >= 0) & (pixel < length[:, None, None]))
    return weights / weights.sum(2, keepdim=True)


def _grey(views: Tensor) -> Tensor:
    red, green, blue = views.int().unbind(1)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)[:, None]


def _as_pixels(numbers: Tensor, views: Tensor, dtype: torch.dtype) -> Tensor:
    return numbers.to(views.device, dtype, non_blocking=True)[:, None, None, None]


def _blend(from_: Tensor, views: Tensor, m: Tensor) -> Tensor:
    """Pillow's enhancement: `from_`, without the property that is changed, to the views by 0.05 + 0.9 m."""
    from_ = from_.float()
    return (from_ + _as_pixels(0.05 + 0.9 * m, views, torch.float32) * (views - from_)).to(torch.uint8)


def _flat_grey(views: Tensor) -> Tensor:
    return (_grey(views).double().mean((1, 2, 3), keepdim=True) + 0.5).floor()


def _smooth(views: Tensor) -> Tensor:
    """Pillow's SMOOTH: a 3 x 3 filter of ones and a 5 in the middle; the border stays."""
    out = views.float()
    total = avg_pool2d(out, 3, 1, divisor_override=1) + 4 * out[..., 1:-1, 1:-1]
    out[..., 1:-1, 1:-1] = (total / 13 + 0.5).floor()
    return out


def _look_up(views: Tensor, table: Tensor) -> Tensor:
    """Replace every value by that of a table (n, 3, 256)."""
    return table.to(torch.uint8).gather(2, views.flatten(2).long()).view_as(views)


def _autocontrast(views: Tensor) -> Tensor:
    low, high = (bound.double()[..., None] for bound in views.flatten(2).aminmax(dim=2))
    scale = torch.full_like(high, 255) / (high - low).clamp_min(1)  # 255 / x would be 255 * (1 / x)
    values = torch.arange(256, device=views.device)
    stretched = (values * scale - low * scale).trunc().clamp(0, 255)
    return _look_up(views, torch.where(high > low, stretched, values))


def _equalize(views: Tensor) -> Tensor:
    flat = views.flatten(2).long()
    counts = torch.zeros(*flat.shape[:2], 256, dtype=torch.int64, device=views.device)
    counts.scatter_add_(2, flat, torch.ones_like(flat))
    step = (flat.shape[2] - counts.gather(2, flat.amax(2, keepdim=True))) // 255
    spread = ((step // 2 + counts.cumsum(2) - counts) // step.clamp_min(1)).clamp_max(255)
    return _look_up(views, torch.where(step > 0, spread, torch.arange(256, device=views.device)))


def _solarize(views: Tensor, m: Tensor) -> Tensor:
    return torch.where(views < _as_pixels(256 - (256 * m).floor(), views, torch.int32), views, 255 - views)


def _affine(
    views: Tensor, a: Number = 1.0, b: Number = 0.0, c: Number = 0.0, d: Number = 0.0, e: Number = 1.0, f: Number = 0.0
) -> Tensor:
    """Take each pixel from a place (a x + b y + c, d x + e y + f), nearest, black outside, in Pillow's fixed point.

    Args:
        views: (n, 3, H, W) uint8.
        a, b, c, d, e, f: one for all, or one a view (n,) float64.
    """
    like = torch.zeros(len(views), dtype=torch.float64)
    fixed = [(65536 * (like + v) + 0.5).floor().long() for v in (a, b, c + (a + b) / 2, d, e, f + (d + e) / 2)]
    a, b, c, d, e, f = torch.stack(fixed).to(views.device, non_blocking=True)[..., None, None]
    height, width = views.shape[2:]
    y, x = torch.arange(height, device=views.device)[:, None], torch.arange(width, device=views.device)
    from_x, from_y = (a * x + b * y + c) >> 16, (d * x + e * y + f) >> 16
    inside = (from_x >= 0) & (from_x < width) & (from_y >= 0) & (from_y < height)
    index = (from_y * width + from_x).where(inside, 0).flatten(1)[:, None].expand(-1, 3, -1)
    return views.flatten(2).gather(2, index).view_as(views) * inside[:, None]


def _rotate(views: Tensor, m: Tensor, s: Tensor) -> Tensor:
    angle = torch.deg2rad(s * (30 * m).floor())
    cos, sin, x, y = angle.cos(), -angle.sin(), views.shape[3] / 2, views.shape[2] / 2
    return _affine(views, cos, sin, -cos * x - sin * y + x, -sin, cos, sin * x - cos * y + y)


# The same as in `image_transforms` on views (n, 3, H, W) uint8, with a magnitude and a sign a view: (n,) float64, CPU.
BATCH_OPERATIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "autocontrast": lambda views, m, s: _autocontrast(views),
    "brightness": lambda views, m, s: _blend(torch.zeros_like(views), views, m),
    "colour": lambda views, m, s: _blend(_grey(views), views, m),
    "contrast": lambda views, m, s: _blend(_flat_grey(views), views, m),
    "equalize": lambda views, m, s: _equalize(views),
    "identity": lambda views, m, s: views,
    "posterize": lambda views, m, s: views & _as_pixels(256 - 2 ** (4 - (4 * m).floor()), views, torch.uint8),
    "rotate": _rotate,
    "sharpness": lambda views, m, s: _blend(_smooth(views), views, m),
    "shear_x": lambda views, m, s: _affine(views, b=s * 0.3 * m),
    "shear_y": lambda views, m, s: _affine(views, d=s * 0.3 * m),
    "solarize": lambda views, m, s: _solarize(views, m),
    "translate_x": lambda views, m, s: _affine(views, c=-s * (0.3 * m * views.shape[3]).floor()),
    "translate_y": lambda views, m, s: _affine(views, f=-s * (0.3 * m * views.shape[2]).floor()),
}
