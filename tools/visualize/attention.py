"""What the tokens of an encoder attend to, and how far apart that lies."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from models.transformer import ReConEncoder
from utils.errors import UserError

T = TypeVar("T")


@torch.no_grad()
def attention(
    encoder: ReConEncoder, tokens: Tensor, centers: Tensor, measure: Callable[[Tensor, Tensor], T] = lambda *both: both
) -> list[T]:
    """Run the blocks of an encoder and look at the attention of each.

    Where queries and local tokens share one self-attention, only what goes to local tokens is looked at, scaled to
    sum to 1, since queries lie nowhere.

    Args:
        encoder: with any of the block forms.
        tokens: (B, G, C) local tokens.
        centers: (B, G, 3) their centres.
        measure: what to keep of a block; it gets the weights of the queries over the local tokens (B, H, Q, G) and
            of the local tokens over each other (B, H, G, G), rows summing to 1. By default both are kept.

    Returns:
        What `measure` gave, for every block.

    Raises:
        UserError: if the blocks have no attention that can be looked at.
    """
    seen: dict[str, Tensor] = {}
    kept: list[T] = []
    handles = []

    def look(name: str) -> Callable:
        return lambda module, inputs: seen.update({name: module.weights(*inputs)})

    def keep(block: torch.nn.Module, *_) -> None:
        kept.append(measure(*_streams(seen, tokens.shape[1])))
        seen.clear()

    try:
        for block in encoder.blocks.blocks:
            for name, module in block.named_children():
                if name in ("attn", "attn_contrast"):
                    handles.append(module.register_forward_pre_hook(look(name)))
            handles.append(block.register_forward_hook(keep))
        encoder.layers(tokens, centers)
    finally:
        for handle in handles:
            handle.remove()
    return kept


def _streams(seen: dict[str, Tensor], groups: int) -> tuple[Tensor, Tensor]:
    local = seen.get("attn")
    if "attn_contrast" in seen and local is not None:
        return seen["attn_contrast"], local
    if local is None:
        raise UserError("the blocks of this model (model.block_form) have no attention that can be looked at")
    queries = local.shape[-1] - groups
    among_local = local[..., queries:]
    among_local = among_local / among_local.sum(-1, keepdim=True)
    return among_local[..., :queries, :], among_local[..., queries:, :]


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
