"""What pictures and reports show of a pretrained model, before it is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from datasets.point_transforms import random_subset
from models.losses import RECONSTRUCTION_LOSSES
from tools.visualize.attention import block_attention, over_points
from tools.visualize.figures import project
from tools.visualize.subject import Subject
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere


@dataclass
class AttentionMaps:
    """Attention over whole clouds, of a layer counted from 1.

    Attributes:
        cloud: (B, n, 3).
        colors: (B, n) in 0..1, the attention interpolated to the points, by what attends.
        weights: (B, G) over the patches, summing to 1, by what attends.
        centers: (B, G, 3) of the patches.
        token: (B,) the local token that attends.
    """

    layer: int
    cloud: np.ndarray
    colors: dict[str, np.ndarray]
    weights: dict[str, Tensor]
    centers: Tensor
    token: Tensor


@dataclass
class Reconstruction:
    """Clouds as the model reconstructs them.

    Attributes:
        truth: (B, n, 3).
        pieces: `visible`, `masked` and `predicted` points (B, m, 3).
        distances: of each cloud, `chamfer_<kind>` between what was masked and what is predicted.
    """

    truth: np.ndarray
    pieces: dict[str, np.ndarray]
    distances: list[dict[str, float]]


@torch.no_grad()
def attend(
    subject: Subject,
    chosen: Sequence[int],
    points: int,
    layer: int | None = None,
    head: int | None = None,
    token: int | None = None,
) -> AttentionMaps:
    """Look at the attention of a local token and of the queries that were taught.

    Args:
        subject: the model and its shapes.
        chosen: indices of shapes.
        points: how many points of each to colour, at most.
        layer: from 1; the last if None.
        head: from 1; the mean over heads if None.
        token: from 1; if None the patch nearest to the viewer, so that nothing hides it.

    Raises:
        UserError: if layer, head or token does not exist.
    """
    encoder = subject.encoder
    depth, groups = encoder.shape.depth, encoder.num_group
    layer = depth if layer is None else within("--layer", layer, depth)
    head = None if head is None else within("--head", head, encoder.shape.num_heads)
    stored = subject.points(chosen)
    fed = random_subset(stored, subject.config.npoints, subject.draw)
    middle = fed.mean(1, keepdim=True)
    radius = (fed - middle).norm(dim=-1).amax(1)[:, None, None]
    # More points than the model is fed make a clearer picture; they are moved and scaled as the fed ones are.
    cloud = random_subset(stored, min(points, stored.shape[1]), subject.draw)
    cloud = (cloud - middle) / radius
    tokens, centers, _ = encoder.tokenize(normalize_unit_sphere(fed))
    query, local = (of_head(weights, head) for weights in block_attention(encoder, tokens, centers)[layer - 1])

    if token is None:
        tokens = torch.tensor([int(project(own.numpy())[2].argmax()) for own in centers])
    else:
        tokens = torch.full((len(centers),), within("--token", token, groups) - 1)
    maps = {"local token": local[torch.arange(len(centers)), tokens]}
    maps |= {f"{name} query": query[:, position] for name, position in subject.trained_queries.items()}

    colors = over_points(torch.stack(list(maps.values()), 1), centers, cloud)[0].unbind(1)
    by_map = {name: own.numpy() for name, own in zip(maps, colors, strict=True)}
    return AttentionMaps(layer, cloud.numpy(), by_map, maps, centers, tokens)


@torch.no_grad()
def reconstruct(subject: Subject, chosen: Sequence[int]) -> Reconstruction:
    """Mask shapes and have them reconstructed."""
    fed = random_subset(subject.points(chosen), subject.config.npoints, subject.draw)
    truth = normalize_unit_sphere(fed)
    pieces = subject.model.reconstruct(truth, generator=subject.draw)
    patches = {name: piece.unflatten(1, (-1, subject.encoder.group_size)) for name, piece in pieces.items()}
    distances = []
    for predicted, masked in zip(patches["predicted"], patches["masked"], strict=True):
        values = {loss: float(distance(predicted, masked)) for loss, distance in RECONSTRUCTION_LOSSES.items()}
        distances.append({f"chamfer_{loss}": round(value, 6) for loss, value in values.items()})
    return Reconstruction(truth.numpy(), {name: piece.numpy() for name, piece in pieces.items()}, distances)


def of_head(weights: Tensor, head: int | None) -> Tensor:
    """Drop dimension 1: the mean over heads, or one of them, counted from 1."""
    return weights.mean(1) if head is None else weights[:, head - 1]


def within(flag: str, value: int, most: int) -> int:
    """Return a number counted from 1.

    Raises:
        UserError: if it is not in 1..most.
    """
    if not 1 <= value <= most:
        raise UserError(f"{flag} must be in 1..{most}, got {value}")
    return value
