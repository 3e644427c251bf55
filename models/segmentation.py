"""Segmentation: a label for every point, from tokens carried back to the points."""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from extensions import max_pool, three_interpolate, three_nn
from models.build import MODELS, DownstreamConfig
from models.downstream import PointModel
from models.embedding import absorbed
from models.shape import EncoderShape, check_positive
from models.transformer import Patches

CATEGORY_DIM = 64  # channels of an object category, as released


@dataclass(kw_only=True)
class SegmentationShape(EncoderShape):
    """An encoder's shape with the defaults of segmentation."""

    drop_path_rate: float = 0.1
    num_group: int = 128

    def __post_init__(self):
        super().__post_init__()
        if self.num_group < 3:
            raise ValueError(f"num_group must be at least 3, since points read 3 centres, got {self.num_group}")


@dataclass(kw_only=True)
class SegmentationConfig(DownstreamConfig):
    """Keys of every segmentation model.

    Attributes:
        cls_dim: classes of points.
        tapped_layers: blocks whose local tokens are used, counted from 0; left out, the last block of each third of the
            depth (released: 3, 7 and 11 of 12).
        propagation_dims: widths of the layers that carry tokens to points.
        head_dims: widths of the head's two hidden layers.
    """

    # Nobody sets it through the base class, which would admit any shape.
    encoder: SegmentationShape = field(default_factory=SegmentationShape)  # pyright: ignore[reportIncompatibleVariableOverride]
    cls_dim: int
    tapped_layers: list[int] | None = None
    propagation_dims: list[int] = field(default_factory=lambda: [1536, 1024])
    head_dims: list[int] = field(default_factory=lambda: [512, 256])

    def __post_init__(self):
        check_positive(self, "cls_dim")
        depth = self.encoder.depth
        if not self.taps or not all(0 <= layer < depth for layer in self.taps):
            raise ValueError(f"tapped_layers must name blocks 0 to {depth - 1}, got {self.tapped_layers}")
        if len(self.head_dims) != 2 or not self.propagation_dims or min(*self.head_dims, *self.propagation_dims) < 1:
            raise ValueError(
                "head_dims must be two widths and propagation_dims at least one, all above 0, "
                f"got {self.head_dims} and {self.propagation_dims}"
            )

    @property
    def taps(self) -> list[int]:
        """The blocks whose local tokens are used."""
        if self.tapped_layers is not None:
            return self.tapped_layers
        return sorted({-(-self.encoder.depth * third // 3) - 1 for third in (1, 2, 3)})


def _dense(rows: Tensor, conv: nn.Conv1d, norm: nn.BatchNorm1d) -> Tensor:
    """1x1 convolution, BatchNorm and ReLU on rows (R, C)."""
    return F.relu(norm(F.linear(rows, conv.weight[..., 0], absorbed(conv.bias, norm))), inplace=True)


class FeaturePropagation(nn.Module):
    """Tokens of centres to features of points (Qi et al., 2017): a blend of the three nearest, then shared layers.

    Args:
        width: channels C of a token.
        dims: widths of the layers.
    """

    mlp_convs: Any  # nn.ModuleList, which does not tell of what type its modules are
    mlp_bns: Any

    def __init__(self, width: int, dims: list[int]):
        super().__init__()
        pairs = zip([3 + width, *dims], dims, strict=False)
        self.mlp_convs = nn.ModuleList(nn.Conv1d(before, after, 1) for before, after in pairs)
        self.mlp_bns = nn.ModuleList(nn.BatchNorm1d(dim) for dim in dims)

    def forward(self, points: Tensor, centers: Tensor, tokens: Tensor) -> Tensor:
        """Map points (B, N, 3), centres (B, G, 3) and their tokens (B, G, C) to features (B, N, dims[-1])."""
        squared, index = three_nn(points, centers)
        weight = 1 / (squared + 1e-8)
        weight = weight / weight.sum(2, keepdim=True)
        # The first layer sees [coordinates, blended tokens]. It is linear and so is the blend: the tokens' part of it
        # is computed once a centre, not once a point, and blended afterwards.
        first, norm = self.mlp_convs[0], self.mlp_bns[0]
        point_weight, token_weight = first.weight[..., 0].split((3, tokens.shape[2]), dim=1)
        blended = three_interpolate(F.linear(tokens, token_weight).mT, index, weight).mT
        rows = F.linear(points, point_weight, absorbed(first.bias, norm)) + blended
        rows = F.relu(norm(rows.flatten(0, 1)), inplace=True)
        for conv, norm in zip(self.mlp_convs[1:], self.mlp_bns[1:], strict=True):
            rows = _dense(rows, conv, norm)
        return rows.unflatten(0, points.shape[:2])


class Segmentation(PointModel):
    """What both segmentation models share: multi-layer tokens, propagation to all points, and the head.

    Args:
        config: sizes.
        extra: channels that a subclass adds to the global feature.
    """

    new_parameters = ("label_conv.", "propagation_0.", "convs", "bns")

    def __init__(self, config: SegmentationConfig, extra: int = 0):
        super().__init__(config.encoder)
        self.tapped_layers, own = config.taps, config.encoder.trans_dim
        width = len(self.tapped_layers) * own
        self.propagation_0 = FeaturePropagation(width, config.propagation_dims)
        first, second = config.head_dims
        self.convs1 = nn.Conv1d(config.propagation_dims[-1] + 2 * width + own + extra, first, 1)
        self.bns1 = nn.BatchNorm1d(first)
        self.dp1 = nn.Dropout(0.5)
        self.convs2 = nn.Conv1d(first, second, 1)
        self.bns2 = nn.BatchNorm1d(second)
        self.convs3 = nn.Conv1d(second, config.cls_dim, 1)

    def segment(self, points: Tensor, patches: Patches | None, *extra: Tensor) -> Tensor:
        """Map points to log-probabilities.

        Args:
            points: (B, N, 3).
            patches: what `group` makes of them, if that is done.
            extra: what a subclass adds to the global feature, (B, extra).

        Returns:
            (B, N, classes), float32.
        """
        tokens, centers, _ = self.tokenize(points if patches is None else patches)
        layers = self.layers(tokens, centers)
        tokens = torch.cat([self.norm(layers[i][1]) for i in self.tapped_layers], dim=2)
        query = layers[-1][0].amax(1)
        whole = torch.cat((max_pool(tokens), tokens.mean(1), query, *extra), dim=1)
        features = self.propagation_0(points, centers, tokens)

        # convs1 sees [point feature, global feature]; its global half is the same for all points of a cloud.
        point_weight, whole_weight = self.convs1.weight[..., 0].split((features.shape[2], whole.shape[1]), dim=1)
        shared = F.linear(whole, whole_weight, absorbed(self.convs1.bias, self.bns1))
        rows = (F.linear(features, point_weight) + shared[:, None]).flatten(0, 1)
        rows = self.dp1(F.relu(self.bns1(rows), inplace=True))
        rows = _dense(rows, self.convs2, self.bns2)
        rows = F.linear(rows, self.convs3.weight[..., 0], self.convs3.bias)
        return F.log_softmax(rows, dim=1, dtype=torch.promote_types(rows.dtype, torch.float32)).unflatten(
            0, points.shape[:2]
        )


@dataclass(kw_only=True)
class PartSegmentationConfig(SegmentationConfig):
    """Keys of a `model` section with `NAME: PartSegmentation`."""

    num_categories: int = 16

    def __post_init__(self):
        super().__post_init__()
        check_positive(self, "num_categories")


@MODELS.register("PartSegmentation")
class PartSegmentation(Segmentation):
    """Parts of objects whose category is known (ShapeNetPart; released `segmentation/`).

    Args:
        config: `cls_dim` counts the parts of all categories together.
    """

    Config = PartSegmentationConfig
    segments = "parts"

    def __init__(self, config: PartSegmentationConfig):
        super().__init__(config, CATEGORY_DIM)
        self.num_categories = config.num_categories
        self.label_conv = nn.Sequential(
            nn.Conv1d(config.num_categories, CATEGORY_DIM, 1, bias=False),
            nn.BatchNorm1d(CATEGORY_DIM),
            nn.LeakyReLU(0.2),
        )

    def head_parameters(self) -> list[str]:
        """The released rule: convolutions outside the patch embedding, and the norm beside `label_conv`."""
        return [name for name, _ in self.named_parameters() if "conv" in name and "encoder" not in name]

    def forward(self, points: Tensor, category: Tensor, patches: Patches | None = None) -> Tensor:
        """Map points (B, N, 3) and object categories (B,) int64 to log-probabilities (B, N, parts)."""
        one_hot = F.one_hot(category, self.num_categories).to(points.dtype)
        return self.segment(points, patches, self.label_conv(one_hot[..., None])[..., 0])


@MODELS.register("SemanticSegmentation")
class SemanticSegmentation(Segmentation):
    """Indoor semantic segmentation, from coordinates alone (S3DIS; recipe of the authors' ACT)."""

    Config = SegmentationConfig
    segments = "scenes"

    def forward(self, points: Tensor, patches: Patches | None = None) -> Tensor:
        """Map points (B, N, 3) to log-probabilities (B, N, classes)."""
        return self.segment(points, patches)
