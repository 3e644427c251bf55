"""PointMLP: residual MLPs on neighbourhoods and nothing else (Ma et al., ICLR 2022)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extensions import farthest_point_sample, gather, knn, max_pool
from models.baselines.common import Baseline, BaselineConfig, LinearBNReLU
from models.build import MODELS


@dataclass(kw_only=True)
class PointMLPConfig(BaselineConfig):
    """Keys of a `model` section with `NAME: PointMLP`; `group_size` is the number of neighbours (paper: 24)."""

    group_size: int = 24


class Residual(nn.Module):
    """Two layers beside a shortcut.

    Args:
        dim: channels C.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.mlp = nn.Sequential(LinearBNReLU(dim, dim), LinearBNReLU(dim, dim, slope=None))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., C) to (..., C)."""
        return F.relu(x + self.mlp(x))


class GeometricAffine(nn.Module):
    """Bring neighbourhoods to one spread, then scale and shift every channel by what is learnt (equation 4).

    Args:
        dim: channels C.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, offsets: Tensor) -> Tensor:
        """Map features less those of their centre (B, G, K, C) to the same shape."""
        spread = offsets.std((1, 2, 3), keepdim=True)
        return self.alpha * offsets / (spread + 1e-5) + self.beta


class Stage(nn.Module):
    """Half the points, twice the channels: neighbourhoods, an MLP on their points, a maximum, an MLP on that.

    Args:
        dim: channels C before.
        group_size: neighbours; all points where there are fewer.
    """

    def __init__(self, dim: int, group_size: int):
        super().__init__()
        self.group_size = group_size
        self.affine = GeometricAffine(dim)
        self.before = nn.Sequential(LinearBNReLU(2 * dim, 2 * dim), Residual(2 * dim), Residual(2 * dim))
        self.after = nn.Sequential(Residual(2 * dim), Residual(2 * dim))

    def forward(self, points: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) and features (B, N, C) to (B, N/2, 3) and (B, N/2, 2C)."""
        count = points.shape[1]
        chosen = farthest_point_sample(points, max(1, count // 2))
        centers, own = gather(points, chosen), gather(features, chosen)[:, :, None]
        neighbors = gather(features, knn(centers, points, min(self.group_size, count)))
        group = torch.cat((self.affine(neighbors - own), own.expand_as(neighbors)), dim=-1)
        return centers, self.after(max_pool(self.before(group)))


@MODELS.register("PointMLP")
class PointMLP(Baseline):
    """PointMLP for classification: four stages, two residual blocks before and after each maximum."""

    Config = PointMLPConfig

    def __init__(self, config: PointMLPConfig):
        (dim,) = config.channels(64)
        super().__init__(config, 16 * dim)
        self.embed = LinearBNReLU(3, dim)
        self.stages = nn.ModuleList(Stage(2**level * dim, config.group_size) for level in range(4))

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        features = self.embed(points)
        for stage in self.stages:
            points, features = stage(points, features)
        return self.cls_head_finetune(max_pool(features))
