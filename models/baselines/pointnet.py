"""PointNet: one network on every point, then a maximum (Qi et al., CVPR 2017)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from extensions import max_pool
from models.baselines.common import Baseline, BaselineConfig, units
from models.build import MODELS
from models.losses import rotation_error


@dataclass(kw_only=True)
class PointNetConfig(BaselineConfig):
    """Keys of a `model` section with `NAME: PointNet`; `orthogonality` weighs the regulariser (paper: 0.001)."""

    dropout: float = 0.3
    orthogonality: float = 0.001

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.orthogonality < float("inf"):
            raise ValueError(f"orthogonality must be at least 0 and finite, got {self.orthogonality}")


class TNet(nn.Module):
    """A small PointNet that predicts a linear map for its input; it starts as the identity.

    Args:
        size: channels k of the input.
        config: for the width.
    """

    def __init__(self, size: int, config: BaselineConfig):
        super().__init__()
        self.size = size
        point, pooled = config.channels(64, 128, 1024), config.channels(1024, 512, 256)
        self.points, self.pooled = units(size, *point), units(*pooled)
        self.map = nn.Linear(pooled[-1], size * size)
        nn.init.zeros_(self.map.weight)
        with torch.no_grad():
            self.map.bias.copy_(torch.eye(size).flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Map values (B, N, k) to matrices (B, k, k)."""
        return self.map(self.pooled(max_pool(self.points(x)))).unflatten(1, (self.size, self.size))


@MODELS.register("PointNet")
class PointNet(Baseline):
    """PointNet with both transforms (paper, figure 2)."""

    Config = PointNetConfig
    has_losses = True

    def __init__(self, config: PointNetConfig):
        early, late = config.channels(64, 64), config.channels(64, 128, 1024)
        super().__init__(config, late[-1], dropouts=1)
        self.orthogonality = config.orthogonality
        self.align_points, self.align_features = TNet(3, config), TNet(early[-1], config)
        self.early, self.late = units(3, *early), units(early[-1], *late)

    def forward(self, points: Tensor, with_losses: bool = False) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """Map points (B, N, 3) to logits (B, classes).

        With `with_losses` also to loss terms, weighted: `orthogonality` keeps the feature transform A near a rotation,
        ||I - A A^T||^2, mean over the batch (paper, equation 2).
        """
        features = self.early(points @ self.align_points(points))
        transform = self.align_features(features)
        logits = self.cls_head_finetune(max_pool(self.late(features @ transform)))
        if not with_losses:
            return logits
        return logits, {"orthogonality": self.orthogonality * rotation_error(transform)}
