"""PointNet++ with single-scale grouping: PointNet on balls, and again on their centres (Qi et al., NeurIPS 2017)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from extensions import ball_query, farthest_point_sample, gather, max_pool
from models.baselines.common import Baseline, BaselineConfig, units
from models.build import MODELS


@dataclass(kw_only=True)
class PointNet2Config(BaselineConfig):
    """Keys of a `model` section with `NAME: PointNet2`.

    Attributes:
        num_group: balls of the first level; the second has a quarter of them.
        group_size: points a ball at most; twice as many at the second level.
        radius: of the balls; twice as large at the second level.
    """

    num_group: int = 512
    group_size: int = 32
    radius: float = 0.2

    def __post_init__(self):
        super().__post_init__()
        if self.num_group < 4:
            raise ValueError(f"num_group must be at least 4, got {self.num_group}")
        if not 0 < self.radius < float("inf"):
            raise ValueError(f"radius must be above 0 and finite, got {self.radius}")


class SetAbstraction(nn.Module):
    """Replace points by fewer centres, each with the maximum over what a shared MLP makes of its ball.

    Args:
        num_group: centres.
        group_size: points a ball at most.
        radius: of the balls.
        channels: of the MLP, the first being those of the features it is given.
    """

    def __init__(self, num_group: int, group_size: int, radius: float, channels: list[int]):
        super().__init__()
        self.num_group, self.group_size, self.radius = num_group, group_size, radius
        self.mlp = units(3 + channels[0], *channels[1:])

    def forward(self, points: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) and features (B, N, C) to centres (B, G, 3) and their features (B, G, C')."""
        centers = gather(points, farthest_point_sample(points, self.num_group))
        index = ball_query(centers, points, self.radius, self.group_size)
        offsets = gather(points, index) - centers[:, :, None]
        return centers, max_pool(self.mlp(torch.cat((offsets, gather(features, index)), dim=-1)))


@MODELS.register("PointNet2")
class PointNet2(Baseline):
    """PointNet++ (SSG) for classification (paper, appendix B.1)."""

    Config = PointNet2Config

    def __init__(self, config: PointNet2Config):
        one, two = config.channels(64, 64, 128), config.channels(128, 128, 256)
        three = config.channels(256, 512, 1024)
        super().__init__(config, three[-1])
        groups, size, radius = config.num_group, config.group_size, config.radius
        self.one = SetAbstraction(groups, size, radius, [0, *one])
        self.two = SetAbstraction(groups // 4, 2 * size, 2 * radius, [one[-1], *two])
        self.three = units(3 + two[-1], *three)

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        centers, features = self.one(points, points[..., :0])
        centers, features = self.two(centers, features)
        return self.cls_head_finetune(max_pool(self.three(torch.cat((centers, features), dim=-1))))
