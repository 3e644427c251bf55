"""PCT: point cloud transformer, offset attention over embedded neighbourhoods (Guo et al., CVM 2021)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from extensions import farthest_point_sample, gather, knn, max_pool
from models.baselines.common import SLOPE, Baseline, BaselineConfig, LinearBNReLU, units
from models.build import MODELS


@dataclass(kw_only=True)
class PCTConfig(BaselineConfig):
    """Keys of a `model` section with `NAME: PCT`.

    Attributes:
        num_group: points that the first neighbour embedding leaves (paper: 512); the second leaves half of them.
        group_size: neighbours in either embedding (paper: 32).
    """

    num_group: int = 512
    group_size: int = 32

    def __post_init__(self):
        super().__post_init__()
        if self.num_group < 2:
            raise ValueError(f"num_group must be at least 2, got {self.num_group}")


class NeighborEmbedding(nn.Module):
    """Sample points, and give each the maximum over its neighbours, seen as [neighbour - point, point] (section 3.4).

    Args:
        num_group: points to keep.
        group_size: neighbours; all points where there are fewer.
        inputs: channels before.
        outputs: channels after.
    """

    def __init__(self, num_group: int, group_size: int, inputs: int, outputs: int):
        super().__init__()
        self.num_group, self.group_size = num_group, group_size
        self.mlp = units(2 * inputs, outputs, outputs)

    def forward(self, points: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) and features (B, N, C) to (B, G, 3) and (B, G, C')."""
        chosen = farthest_point_sample(points, self.num_group)
        centers, own = gather(points, chosen), gather(features, chosen)[:, :, None]
        neighbors = gather(features, knn(centers, points, min(self.group_size, points.shape[1])))
        return centers, max_pool(self.mlp(torch.cat((neighbors - own, own.expand_as(neighbors)), dim=-1)))


class OffsetAttention(nn.Module):
    """Add what an MLP makes of the difference between the tokens and their self-attention (section 3.3).

    Queries and keys share their weights, as in the authors' code; only so do the parameters come to the published
    2.88 M.

    Args:
        dim: channels C.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.query_key = nn.Linear(dim, dim // 4, bias=False)
        self.value = nn.Linear(dim, dim)
        self.mlp = LinearBNReLU(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, L, C) to (B, L, C)."""
        key = self.query_key(x)
        # Softmax over the queries, then the weights of each query are made to sum to 1 (equations 8 and 9).
        weights = (key @ key.mT).softmax(dim=1)
        weights = weights / weights.sum(2, keepdim=True).clamp_min(1e-9)
        return x + self.mlp(x - weights @ self.value(x))


@MODELS.register("PCT")
class PCT(Baseline):
    """PCT for classification, with neighbour embedding and four layers of offset attention."""

    Config = PCTConfig

    def __init__(self, config: PCTConfig):
        point, near, token, pooled = config.channels(64, 128, 256, 1024)
        super().__init__(config, pooled, slope=SLOPE)
        groups, size = config.num_group, config.group_size
        self.embed = units(3, point, point)
        self.embed1 = NeighborEmbedding(groups, size, point, near)
        self.embed2 = NeighborEmbedding(groups // 2, size, near, token)
        self.mix = units(token, token, token)
        self.layers = nn.ModuleList(OffsetAttention(token) for _ in range(4))
        self.fuse = LinearBNReLU(5 * token, pooled, SLOPE)

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        centers, features = self.embed1(points, self.embed(points))
        _, features = self.embed2(centers, features)
        outputs, x = [features], self.mix(features)
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return self.cls_head_finetune(max_pool(self.fuse(torch.cat(outputs, dim=-1))))
