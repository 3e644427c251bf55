"""Loss terms of ReCon that are not in PyTorch."""

import torch
from torch import Tensor

from extensions import chamfer_l1, chamfer_l2

RECONSTRUCTION_LOSSES = {"cdl1": chamfer_l1, "cdl2": chamfer_l2}


def single_modal_contrast(features: Tensor, category: Tensor, temperature: float = 0.1) -> Tensor:
    """Pull clouds of one category together, push the rest apart (released `smc` term).

    The positive logit of a sample is its mean similarity to all samples of its category, itself included; every
    sample of another category is a negative.

    Args:
        features: (B, D) L2-normalised.
        category: (B,) int64; equal numbers mean equal category text.
        temperature: divides the similarities.

    Returns:
        Scalar cross entropy, mean over the batch.
    """
    logits = features @ features.T / temperature
    same = category[:, None] == category[None, :]
    positive = (logits * same).sum(1) / same.sum(1)
    negatives = logits.masked_fill(same, float("-inf"))
    return (torch.cat((positive[:, None], negatives), dim=1).logsumexp(1) - positive).mean()
