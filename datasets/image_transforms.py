"""Augmentation of the rendered views in pretraining, as released: one view at a time, or a batch on a device.

What is drawn for a view is a `ViewDraw`, whichever way it is applied.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.v2 import functional

from utils.seeding import stable_seed

NORMS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}
GREY = 127
F = cast(Any, functional)  # its annotations know of tensors only, it takes images as well


def _affine(image: Image.Image, translate: tuple[int, int] = (0, 0), shear: tuple[float, float] = (0, 0)):
    """Shift in pixels and shear in slopes about the upper left corner, nearest pixel, black outside."""
    degrees = [math.degrees(math.atan(slope)) for slope in shear]
    return F.affine(image, angle=0, translate=list(translate), scale=1, shear=degrees, center=[0, 0])


# Each takes the image, the magnitude m in 0.1..0.9, and a random sign s. Ranges of FixMatch (Sohn et al., 2020).
OPERATIONS: dict[str, Callable[[Image.Image, float, int], Image.Image]] = {
    "autocontrast": lambda image, m, s: F.autocontrast(image),
    "brightness": lambda image, m, s: F.adjust_brightness(image, 0.05 + 0.9 * m),
    "colour": lambda image, m, s: F.adjust_saturation(image, 0.05 + 0.9 * m),
    "contrast": lambda image, m, s: F.adjust_contrast(image, 0.05 + 0.9 * m),
    "equalize": lambda image, m, s: F.equalize(image),
    "identity": lambda image, m, s: image,
    "posterize": lambda image, m, s: F.posterize(image, 4 + int(4 * m)),
    "rotate": lambda image, m, s: F.rotate(image, s * int(30 * m)),
    "sharpness": lambda image, m, s: F.adjust_sharpness(image, 0.05 + 0.9 * m),
    "shear_x": lambda image, m, s: _affine(image, shear=(s * 0.3 * m, 0)),
    "shear_y": lambda image, m, s: _affine(image, shear=(0, s * 0.3 * m)),
    "solarize": lambda image, m, s: F.solarize(image, 256 - int(256 * m)),
    "translate_x": lambda image, m, s: _affine(image, translate=(s * int(0.3 * m * image.width), 0)),
    "translate_y": lambda image, m, s: _affine(image, translate=(0, s * int(0.3 * m * image.height))),
}


class ViewDraw(NamedTuple):
    """What is drawn for one view.

    Attributes:
        flip: mirror left and right.
        crop: top, left, height, width in the resized view.
        operations: those of RandAugment that are applied: name, magnitude 0.1..0.9, sign.
        corner: y and x of the grey square.
    """

    flip: bool
    crop: tuple[int, int, int, int]
    operations: tuple[tuple[str, float, int], ...]
    corner: tuple[int, int]


def draw_operations() -> tuple[tuple[str, float, int], ...]:
    """Draw two operations with replacement, each of magnitude 1..9 of 10 and applied with probability 1/2."""
    names, drawn = list(OPERATIONS), []
    for index in torch.randint(len(names), (2,)).tolist():
        magnitude, apply, sign = torch.randint(1, 10, ()).item() / 10, torch.rand(()) < 0.5, torch.rand(()) < 0.5
        if apply:
            drawn.append((names[index], magnitude, 1 if sign else -1))
    return tuple(drawn)


class ImageTransform:
    """Turn a rendered view into the tensor that an image teacher takes.

    With augmentation: resize, flip, random resized crop, RandAugment, a grey square. Without: resize only. The released
    pixel sizes (256 before the crop, 16 for the square) belong to 224 and scale with `size`.

    Args:
        size: edge of the result in pixels.
        norm: whose mean and standard deviation are taken off, "imagenet" (released, also for CLIP) or "clip".
        augment: draw random changes.

    Attributes:
        edge: edge of a resized view, before the crop.
        square: distance of opposite corners of the grey square in pixels. Both corners are painted, as released, so an
            edge is one pixel longer; the square is cut off at the right and lower border.
    """

    def __init__(self, size: int = 224, norm: Literal["imagenet", "clip"] = "imagenet", augment: bool = True):
        self.size, self.augment = size, augment
        self.square = max(1, round(size * 16 / 224))
        self.edge = round(size * 256 / 224) if augment else size
        self.mean, self.std = (torch.tensor(values)[:, None, None] for values in NORMS[norm])

    def resize(self, image: Image.Image) -> Image.Image:
        """Resize to `edge`, the part of the transform in which nothing is drawn."""
        return F.resize(image, [self.edge, self.edge], InterpolationMode.BICUBIC)

    def draw(self, key: Sequence[int]) -> ViewDraw:
        """Draw the changes of one view.

        Args:
            key: (seed, epoch, index); the same key always draws the same.
        """
        # torchvision draws from the global generator: lend it a seed of our own (CPU only; `torch.manual_seed` would
        # reach the generators of the GPUs as well) and put it back.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(stable_seed(*key))
            flip = bool(torch.rand(1) < 0.5)
            view = torch.empty(0, self.edge, self.edge)  # of which only the size is looked at
            crop = RandomResizedCrop.get_params(view, scale=[0.64, 1.0], ratio=[3 / 4, 4 / 3])
            operations = draw_operations()
            y, x = (int(max(0.0, torch.rand(()).item() * self.size - self.square / 2)) for _ in range(2))
        return ViewDraw(flip, crop, operations, (y, x))

    def apply(self, image: Image.Image, draw: ViewDraw) -> Tensor:
        """Change one resized view with Pillow; returns (3, size, size) uint8."""
        image = F.horizontal_flip(image) if draw.flip else image
        image = F.resized_crop(image, *draw.crop, [self.size, self.size], InterpolationMode.BICUBIC)
        return self._finish(image, draw)

    def apply_tensor(self, view: Tensor, draw: ViewDraw) -> Tensor:
        """Change one resized view as `apply` does, the crop resized by PyTorch in a quarter of Pillow's time.

        Rendered views differ by at most 2 of 255 before RandAugment, as those of `image_batch.apply_batch` do.

        Args:
            view: (3, edge, edge) uint8; fast if it is stored channels last.
            draw: what is drawn for it.

        Returns:
            (3, size, size) uint8, stored channels last.
        """
        top, left, height, width = draw.crop
        view = F.crop(view.flip(-1) if draw.flip else view, top, left, height, width)[None]
        view = view.contiguous(memory_format=torch.channels_last)
        view = interpolate(view, (self.size, self.size), mode="bicubic", antialias=True)
        return self._finish(Image.fromarray(view[0].permute(1, 2, 0).numpy()), draw)

    def _finish(self, image: Image.Image, draw: ViewDraw) -> Tensor:
        for name, magnitude, sign in draw.operations:
            image = OPERATIONS[name](image, magnitude, sign)
        (y, x), edge, pixels = draw.corner, self.square + 1, pixels_of(image)
        pixels[:, y : y + edge, x : x + edge] = GREY
        return pixels

    def normalize(self, views: Tensor) -> Tensor:
        """Turn uint8 views (..., 3, size, size) into float32 ones, to which the norm is applied; on any device."""
        out = torch.empty(views.shape, device=views.device)
        mean, std = self.mean.to(views.device), self.std.to(views.device)
        # On a CPU view by view: five times faster than a batch, which no cache holds.
        apart = views.dim() == 4 and views.device.type == "cpu"
        for result, pixels in zip(out, views, strict=True) if apart else ((out, views),):
            torch.mul(pixels, 1 / 255, out=result).sub_(mean).div_(std)
        return out

    def __call__(self, image: Image.Image, key: Sequence[int] = (0,)) -> Tensor:
        """Transform one image.

        Args:
            image: 8-bit colour.
            key: (seed, epoch, index); the same key always draws the same.

        Returns:
            (3, size, size) float32.
        """
        view = self.resize(image)
        return self.normalize(self.apply(view, self.draw(key)) if self.augment else pixels_of(view))


def pixels_of(image: Image.Image) -> Tensor:
    """Return the pixels of a colour image: (3, H, W) uint8, stored channels last."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)
