"""From patches to tokens: the mini-PointNet patch embedding."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from extensions import max_pool


class LinearMax(torch.autograd.Function):
    """Maximum over the points (R, K, D) of patches after a linear layer (C, D), on the CPU.

    Of all points only those that hold a maximum have a gradient, one a channel: it takes a K-th of the dense one.
    """

    @staticmethod
    def forward(points: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ops.recon_ops.max_pool(F.linear(points, weight))

    @staticmethod
    def setup_context(ctx, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs, output[1])
        ctx.mark_non_differentiable(output[1])

    @staticmethod  # torch has it as *grads, of any number
    def backward(ctx, grad: Tensor, _: None) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        points, weight, index = ctx.saved_tensors
        into = torch.ops.recon_ops.linear_max_backward
        into_points, into_weight = into(grad.float().contiguous(), index, points, weight.float())
        return into_points, into_weight.to(weight.dtype)


def linear_max(points: Tensor, weight: Tensor) -> Tensor:
    """Maximum (R, C) over the points (R, K, D) of patches after a linear layer (C, D) without bias."""
    if points.device.type == "cpu" and points.dtype in (torch.float32, torch.bfloat16):
        return LinearMax.apply(points, weight)[0]
    return max_pool(F.linear(points, weight))


class PatchEmbedding(nn.Module):
    """Mini-PointNet: one token for each neighbourhood (released `Encoder`).

    Args:
        width: channels C of a token.
        hidden: channels of the first layer; the others have two and four times as many (released: 128).
    """

    first_conv: Any  # nn.Sequential, which does not tell of what type its layers are
    second_conv: Any

    def __init__(self, width: int, hidden: int = 128):
        super().__init__()
        double, fourfold = 2 * hidden, 4 * hidden
        self.first_conv = nn.Sequential(
            nn.Conv1d(3, hidden, 1), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Conv1d(hidden, double, 1)
        )
        self.second_conv = nn.Sequential(
            nn.Conv1d(fourfold, fourfold, 1), nn.BatchNorm1d(fourfold), nn.ReLU(), nn.Conv1d(fourfold, width, 1)
        )

    def forward(self, neighborhoods: Tensor, unseen: Tensor | None = None) -> Tensor:
        """Map neighbourhoods (B, G, K, 3) to tokens (B, G, C).

        Those of `unseen` (B, M, K, 3), the masked ones, get no token; they count in the batch statistics, as released.
        """
        (batch, groups, size, _), first, second = neighborhoods.shape, self.first_conv, self.second_conv
        count = batch * groups  # patches that get a token; those that do not follow them
        rows = neighborhoods.flatten(0, 2)
        if unseen is not None and self.training:
            rows = torch.cat((rows, unseen.flatten(0, 2)))

        rows = F.linear(rows, first[0].weight[..., 0], absorbed(first[0].bias, first[1]))
        rows = F.relu(first[1](rows), inplace=True)
        rows = F.linear(rows, first[3].weight[..., 0], absorbed(first[3].bias, second[1]))

        # second_conv.0 sees [group feature, point feature]; its group half is the same for all K points of a
        # group, so it is computed once a group and added.
        group_weight, point_weight = second[0].weight[..., 0].chunk(2, dim=1)
        whole = max_pool(rows.unflatten(0, (-1, size)))
        shared = F.linear(whole, group_weight, absorbed(second[0].bias, second[1]))
        rows = F.linear(rows, point_weight).unflatten(0, (-1, size)) + shared[:, None]
        rows = second[1](rows.flatten(0, 1))[: count * size]
        rows = F.relu(rows).unflatten(0, (-1, size))
        # The bias is the same for all points of a patch. Added last, it makes tokens of its own precision, which is
        # float32 under autocast: that of the residual stream.
        bias = second[3].bias
        tokens = linear_max(rows, second[3].weight[..., 0]).to(bias.dtype) + bias
        return tokens.unflatten(0, (batch, groups))


def absorbed(bias: Tensor | None, norm: nn.BatchNorm1d) -> Tensor | None:
    """A bias whose constant shift `norm` takes off again.

    On batch statistics its gradient is zero; computed, it would be rounding noise, which Adam turns into full steps.
    """
    return bias if bias is None or not norm.training else bias.detach() + 0 * bias
