"""Augmentation of the rendered views in pretraining, as released."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from utils.seeding import stable_seed

NORMS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}
GREY = 127


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


def rand_augment(image: Image.Image) -> Image.Image:
    """Two operations drawn with replacement, each of magnitude 1..9 of 10 and applied with probability 1/2."""
    operations = list(OPERATIONS.values())
    for index in torch.randint(len(operations), (2,)).tolist():
        magnitude, apply, sign = torch.randint(1, 10, ()).item() / 10, torch.rand(()) < 0.5, torch.rand(()) < 0.5
        if apply:
            image = operations[index](image, magnitude, 1 if sign else -1)
    return image


def cut_out(image: Tensor, size: int) -> Tensor:
    """Paint a grey square at a random place, in place.

    Args:
        image: (3, H, W) uint8.
        size: distance of opposite corners in pixels. Both corners are painted, as released, so an edge is one pixel
            longer; the square is cut off at the right and lower border.
    """
    y, x = (int(max(0.0, torch.rand(()).item() * edge - size / 2)) for edge in image.shape[1:])
    image[:, y : y + size + 1, x : x + size + 1] = GREY
    return image


class ImageTransform:
    """Turn a rendered view into the tensor that an image teacher takes.

    With augmentation: resize, flip, random resized crop, RandAugment, a grey square. Without: resize only. The released
    pixel sizes (256 before the crop, 16 for the square) belong to 224 and scale with `size`.

    Args:
        size: edge of the result in pixels.
        norm: whose mean and standard deviation are taken off, "imagenet" (released, also for CLIP) or "clip".
        augment: draw random changes.
    """

    def __init__(self, size: int = 224, norm: Literal["imagenet", "clip"] = "imagenet", augment: bool = True):
        self.size, self.augment = size, augment
        self.square = max(1, round(size * 16 / 224))
        bicubic = InterpolationMode.BICUBIC
        self.plain = v2.Resize((size, size), bicubic)
        before = round(size * 256 / 224)
        self.crop = v2.Compose(
            [
                v2.Resize((before, before), bicubic),
                v2.RandomHorizontalFlip(0.5),
                v2.RandomResizedCrop(size, scale=(0.64, 1.0), interpolation=bicubic),
            ]
        )
        self.finish = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(*NORMS[norm])])

    def __call__(self, image: Image.Image, key: Sequence[int] = (0,)) -> Tensor:
        """Transform one image.

        Args:
            image: 8-bit colour.
            key: (seed, epoch, index); the same key always draws the same.

        Returns:
            (3, size, size) float32.
        """
        if not self.augment:
            return self.finish(F.pil_to_tensor(self.plain(image)))
        # torchvision draws from the global generator: lend it a seed of our own (CPU only; `torch.manual_seed` would
        # reach the generators of the GPUs as well) and put it back.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(stable_seed(*key))
            image = rand_augment(self.crop(image))
            return self.finish(cut_out(F.pil_to_tensor(image), self.square))
