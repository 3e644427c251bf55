"""Every loss. A new term of pretraining is a function here, its entry in `LOSS_TERMS`, and its line in `forward`."""

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from extensions import chamfer_l1, chamfer_l2

# Terms of the pretraining loss and their weights where a config's `loss_weights` names none (released: all 1).
LOSS_TERMS = {"mdm": 1.0, "csc_img": 1.0, "csc_text": 1.0, "smc": 1.0}


def nan_of_nan(distance: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Decorate a distance between clouds: NaN, without a look at the device, if a predicted point is not finite.

    The operators take finite coordinates only.
    """

    @functools.wraps(distance)
    def wrapper(predicted: Tensor, truth: Tensor) -> Tensor:
        finite = torch.where(predicted.isfinite().all(), predicted, 0.0)
        return distance(finite, truth) + (0 * predicted).sum()

    return wrapper


RECONSTRUCTION_LOSSES = {"cdl1": nan_of_nan(chamfer_l1), "cdl2": nan_of_nan(chamfer_l2)}


def float32(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Decorate a loss: whatever autocast computes the model in, it is computed in float32."""

    @functools.wraps(loss)
    def wrapper(first: Tensor, *others: Tensor | None, **options) -> Tensor:
        with torch.autocast(first.device.type, enabled=False):
            half = (torch.bfloat16, torch.float16)
            values = (v.float() if v is not None and v.dtype in half else v for v in (first, *others))
            return loss(*values, **options)

    return wrapper


@float32
def cross_modal_contrast(student: Tensor, teacher: Tensor) -> Tensor:
    """Bring a projected query (B, d) to the feature (B, d) that a teacher has of the same sample (`csc` terms)."""
    return F.smooth_l1_loss(student, teacher)


@float32
def info_nce(student: Tensor, teacher: Tensor, temperature: float = 0.07) -> Tensor:
    """Tell a sample's own feature from those of the rest of the batch, as far as the teacher itself can.

    Cross entropy of the cosine similarities of student and teacher features, over the batch, to those of the teacher
    features among themselves: samples of one text, or of texts that mean the same, are no negatives of each other.

    Args:
        student: (B, d) projected queries.
        teacher: (B, d) features of the same samples.
        temperature: divides the similarities.

    Returns:
        Scalar, the mean over the batch in excess of the entropy of what is matched: 0 where they agree.
    """
    student, teacher = F.normalize(student, dim=1), F.normalize(teacher, dim=1)
    truth = (teacher @ teacher.T / temperature).log_softmax(1)
    return F.kl_div((student @ teacher.T / temperature).log_softmax(1), truth, reduction="batchmean", log_target=True)


CONTRASTS = {"smooth_l1": cross_modal_contrast, "info_nce": info_nce}


@float32
def single_modal_contrast(features: Tensor, category: Tensor, temperature: float = 0.1) -> Tensor:
    """Pull clouds of one category together, push the rest apart (released `smc` term).

    The positive logit of a sample is its mean similarity to all samples of its category, itself included; every
    sample of another category is a negative.

    Args:
        features: (B, D), which are L2-normalised here.
        category: (B,) int64; equal numbers mean equal category text.
        temperature: divides the similarities.

    Returns:
        Scalar cross entropy, mean over the batch.
    """
    features = F.normalize(features, dim=1)
    logits = features @ features.T / temperature
    same = category[:, None] == category[None, :]
    positive = (logits * same).sum(1) / same.sum(1)
    negatives = logits.masked_fill(same, float("-inf"))
    return (torch.cat((positive[:, None], negatives), dim=1).logsumexp(1) - positive).mean()


@float32
def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of logits (B, classes) and labels (B,) int64, mean over the batch."""
    return F.cross_entropy(logits, labels)


@float32
def segmentation_loss(log_prob: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Negative log-likelihood of log-probabilities (B, N, classes) and labels (B, N) int64, by class weights if any."""
    return F.nll_loss(log_prob.flatten(0, 1), labels.flatten(), weight)


@float32
def rotation_error(maps: Tensor) -> Tensor:
    """How far linear maps A (B, k, k) are from rotations: ||I - A A^T||^2, mean over the batch (PointNet, eq. 2)."""
    identity = torch.eye(maps.shape[1], device=maps.device)
    return (identity - maps @ maps.mT).square().sum((1, 2)).mean()
