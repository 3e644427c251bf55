"""DGCNN: convolutions on graphs of nearest neighbours, drawn anew in every feature space (Wang et al., TOG 2019)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from extensions import gather, knn, max_pool
from models.baselines.common import SLOPE, Baseline, BaselineConfig, LinearBNReLU
from models.build import MODELS


@dataclass(kw_only=True)
class DGCNNConfig(BaselineConfig):
    """Keys of a `model` section with `NAME: DGCNN`; `group_size` is the number of neighbours (paper: 20)."""

    group_size: int = 20


class EdgeConv(nn.Module):
    """Maximum over the edges to a point's nearest neighbours, each seen as [neighbour - point, point].

    Args:
        inputs: channels before.
        outputs: channels after.
        group_size: neighbours, the point itself included.
    """

    def __init__(self, inputs: int, outputs: int, group_size: int):
        super().__init__()
        self.group_size = group_size
        self.edge = LinearBNReLU(2 * inputs, outputs, SLOPE)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, N, C) to (B, N, C')."""
        neighbors = gather(features, knn(features, features, self.group_size))
        own = features[:, :, None].expand_as(neighbors)
        return max_pool(self.edge(torch.cat((neighbors - own, own), dim=-1)))


@MODELS.register("DGCNN")
class DGCNN(Baseline):
    """DGCNN for classification, without a transform of its input, as its authors' own code has it."""

    Config = DGCNNConfig

    @classmethod
    def point_counts(cls, config: DGCNNConfig) -> dict[str, int]:
        return {"group_size": config.group_size}

    def __init__(self, config: DGCNNConfig):
        channels, (pooled,) = config.channels(64, 64, 128, 256), config.channels(1024)
        super().__init__(config, 2 * pooled, slope=SLOPE)
        layers = zip([3, *channels], channels, strict=False)
        self.layers = nn.ModuleList(EdgeConv(*layer, config.group_size) for layer in layers)
        self.fuse = LinearBNReLU(sum(channels), pooled, SLOPE)

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        features = [points]
        for layer in self.layers:
            features.append(layer(features[-1]))
        fused = self.fuse(torch.cat(features[1:], dim=-1))
        return self.cls_head_finetune(torch.cat((max_pool(fused), fused.mean(1)), dim=1))
