"""What the tokens of an encoder attend to, and how far apart that lies."""

from typing import Any

import torch
from torch import Tensor, nn

from extensions import recon_ops
from models.transformer import ReConEncoder
from utils.errors import UserError


@torch.no_grad()
def block_attention(encoder: ReConEncoder, tokens: Tensor, centers: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Run the blocks of an encoder and look at the attention of each.

    Where queries and local tokens share one self-attention, only what goes to local tokens is looked at, scaled to
    sum to 1, since queries lie nowhere.

    Args:
        encoder: with any of the block forms.
        tokens: (B, G, C) local tokens.
        centers: (B, G, 3) their centres.

    Returns:
        Of every block the weights of the queries over the local tokens (B, H, Q, G) and of the local tokens over each
        other (B, H, G, G), rows summing to 1.

    Raises:
        UserError: if the blocks have no attention that can be looked at.
    """
    seen: dict[nn.Module, Tensor] = {}

    def look(module: Any, inputs: tuple) -> None:
        seen[module] = module.weights(*inputs)

    parts = [dict(block.named_children()) for block in encoder.blocks.blocks]
    pairs = [(block.get("attn"), block.get("attn_contrast")) for block in parts]
    handles = [module.register_forward_pre_hook(look) for pair in pairs for module in pair if module is not None]
    try:
        encoder.layers(tokens, centers)
    finally:
        for handle in handles:
            handle.remove()
    kept = []
    for own, contrast in pairs:
        if own is None:
            raise UserError("the blocks of this model (model.block_form) have no attention that can be looked at")
        query, local = None if contrast is None else seen[contrast], seen[own]
        if query is None:
            queries = local.shape[-1] - tokens.shape[1]
            local = local[..., queries:] / local[..., queries:].sum(-1, keepdim=True)
            query, local = local.split((queries, tokens.shape[1]), dim=-2)
        kept.append((query, local))
    return kept


def attention_distance(weights: Tensor, distances: Tensor) -> Tensor:
    """How far the tokens look: expected distance from a token to a patch drawn from its attention.

    Args:
        weights: (B, H, G, G) of tokens that are patches themselves, rows summing to 1.
        distances: (B, G, G) between the patches' centres.

    Returns:
        (B, H, G), at least 0, which is attention to itself; sum_j w_ij d_ij (Dosovitskiy et al., 2021, figure 7).
    """
    return (weights * distances[:, None]).sum(-1)


def attention_spread(weights: Tensor, distances: Tensor) -> Tensor:
    """How wide the tokens look: expected distance between two patches drawn from the attention of one token.

    Unlike `attention_distance` this needs no position of the token that looks, so it is defined for the global
    queries as well and compares both streams on one scale: with uniform attention both are the mean of `distances`.

    Args:
        weights: (B, H, Q, G) of any tokens, rows summing to 1.
        distances: (B, G, G) between the patches' centres.

    Returns:
        (B, H, Q), at least 0, which is attention to one patch only; sum_jk w_ij w_ik d_jk.
    """
    return ((weights @ distances[:, None]) * weights).sum(-1)


def over_points(weights: Tensor, centers: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Interpolate attention over patches to points, each map scaled to 0..1.

    Args:
        weights: (B, M, G) over the patches.
        centers: (B, G, 3) of the patches.
        points: (B, n, 3).

    Returns:
        (B, M, n) values, and (B, n) the patch nearest to each point.
    """
    square, index = recon_ops.three_nn(points, centers)
    near = 1 / (square + 1e-8)
    values = recon_ops.three_interpolate(weights, index, near / near.sum(-1, keepdim=True))
    low, high = values.amin(-1, keepdim=True), values.amax(-1, keepdim=True)
    return (values - low) / (high - low).clamp_min(torch.finfo().tiny), index[..., 0]
