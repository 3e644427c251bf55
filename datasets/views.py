"""Shapes with rendered views: what data sets that have them share."""

import dataclasses
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from datasets.build import DatasetConfig, PointDataset
from datasets.image_batch import apply_batch
from datasets.image_transforms import ImageTransform


@dataclasses.dataclass(kw_only=True)
class ViewConfig(DatasetConfig):
    """Keys of data sets with views.

    Attributes:
        N_POINTS: maximum number of points returned.
        images: return views.
        bgr: swap red and blue in the views (released).
        image_size: edge of the views in pixels.
        image_norm: whose mean and standard deviation the views are normalised with (released: imagenet, also for CLIP).
        image_augment: draw random changes of the views.
        image_path: how they are made: `pillow`, in the loader's workers (released); `tensor`, there too, with PyTorch's
            faster resize; `device`, a batch at a time where the model is.
    """

    N_POINTS: int = 8192
    images: bool = True
    bgr: bool = True
    image_size: int = 224
    image_norm: Literal["imagenet", "clip"] = "imagenet"
    image_augment: bool = True
    image_path: Literal["pillow", "tensor", "device"] = "pillow"


class ViewDataset(PointDataset):
    """Gives "image" (3, S, S) uint8, which `finish` makes float32, if the config wants views.

    Args:
        config: its keys.
        seed: of the random draws.

    Attributes:
        transform: of the views; None without.
        features: (M, d) float32 of the views, if they need not be seen themselves (see `use_features`).
    """

    def __init__(self, config: ViewConfig, seed: int = 0):
        super().__init__(seed)
        self.config = config
        self.transform: ImageTransform | None = None
        self.features: Tensor | None = None
        self.gives |= {"text"}
        if config.images:
            self.gives |= {"image"}
            self.transform = ImageTransform(config.image_size, config.image_norm, config.image_augment)

    def view(self, index: int, number: int, pixels: np.ndarray | None) -> dict[str, Any]:
        """Return what a sample has of its view: {"image": ..., "image_draw": ...}, or nothing.

        Args:
            index: of the sample.
            number: of the shape, by which changes are drawn.
            pixels: (edge, edge, 3) uint8, the resized view; not looked at where features take its place.
        """
        if self.features is not None:
            return {"image": self.features[index]}
        if self.transform is None or pixels is None:
            return {}
        image = torch.from_numpy(pixels).permute(2, 0, 1)
        if not self.config.image_augment:
            return {"image": image}
        draw = self.transform.draw((self.seed, self.epoch, number))
        if self.config.image_path == "device":
            return {"image": image, "image_draw": draw}
        if self.config.image_path == "tensor":
            return {"image": self.transform.apply_tensor(image, draw)}
        return {"image": self.transform.apply(Image.fromarray(pixels), draw)}

    def finish(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Augment the views of a batch if that is left to the device, and normalise them."""
        if self.transform is None or self.features is not None:
            return batch
        batch = dict(batch)
        if draws := batch.pop("image_draw", None):
            if batch["image"].device.type == "cpu":
                views = map(self.transform.apply_tensor, batch["image"], draws)
                batch["image"] = torch.stack([view.contiguous() for view in views])
            else:
                batch["image"] = apply_batch(batch["image"], draws, self.transform.size, self.transform.square)
        batch["image"] = self.transform.normalize(batch["image"])
        return batch

    def use_features(self, features: Tensor) -> None:
        """From now on give features (M, d) as "image" (d,), which an image teacher said of the views."""
        self.features = features
