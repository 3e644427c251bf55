"""From patches to tokens: the mini-PointNet patch embedding."""

import torch.nn.functional as F
from torch import Tensor, nn


class PatchEmbedding(nn.Module):
    """Mini-PointNet: one token for each neighbourhood (released `Encoder`).

    Args:
        width: channels C of a token.
        hidden: channels of the first layer; the others have two and four times as many (released: 128).
    """

    def __init__(self, width: int, hidden: int = 128):
        super().__init__()
        double, fourfold = 2 * hidden, 4 * hidden
        self.first_conv = nn.Sequential(
            nn.Conv1d(3, hidden, 1), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Conv1d(hidden, double, 1)
        )
        self.second_conv = nn.Sequential(
            nn.Conv1d(fourfold, fourfold, 1), nn.BatchNorm1d(fourfold), nn.ReLU(), nn.Conv1d(fourfold, width, 1)
        )

    def forward(self, neighborhoods: Tensor) -> Tensor:
        """Map neighbourhoods (B, G, K, 3) to tokens (B, G, C)."""
        batch, groups, size, _ = neighborhoods.shape
        first, second = self.first_conv, self.second_conv

        points = F.linear(neighborhoods.reshape(-1, 3), first[0].weight[..., 0], absorbed(first[0].bias, first[1]))
        points = F.relu(first[1](points))
        points = F.linear(points, first[3].weight[..., 0], absorbed(first[3].bias, second[1])).unflatten(0, (-1, size))

        # second_conv.0 sees [group feature, point feature]; its group half is the same for all K points of a
        # group, so it is computed once a group and added.
        group_weight, point_weight = second[0].weight[..., 0].chunk(2, dim=1)
        shared = F.linear(points.amax(1), group_weight, absorbed(second[0].bias, second[1]))
        points = (F.linear(points, point_weight) + shared[:, None]).flatten(0, 1)
        points = F.relu(second[1](points))
        points = F.linear(points, second[3].weight[..., 0], second[3].bias).unflatten(0, (-1, size))
        return points.amax(1).unflatten(0, (batch, groups))


def absorbed(bias: Tensor, norm: nn.BatchNorm1d) -> Tensor:
    """A bias whose constant shift `norm` takes off again.

    On batch statistics its gradient is zero; computed, it would be rounding noise, which Adam turns into full steps.
    """
    return bias.detach() + 0 * bias if norm.training else bias
