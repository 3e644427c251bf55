"""Loss terms of ReCon that are not in PyTorch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from extensions import chamfer_l1, chamfer_l2


@dataclass
class LossWeights:
    """`loss_weights`: factors of the terms of the pretraining loss (released: all 1)."""

    mdm: float = 1.0
    csc_img: float = 1.0
    csc_text: float = 1.0
    smc: float = 1.0

    def __post_init__(self):
        for name, weight in vars(self).items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"{name} must be at least 0 and finite, got {weight}")


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
