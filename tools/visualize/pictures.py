"""The four pictures: a subject and the arguments of a sub-command to a figure and its numbers."""

import argparse

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.stats import mode
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from datasets.point_transforms import normalize_unit_sphere, random_subset, sample_test
from extensions import recon_ops
from models import build_model_from_cfg, downstream_of
from models.losses import RECONSTRUCTION_LOSSES
from tools.visualize import figures
from tools.visualize.attention import attention, attention_distance, attention_spread
from tools.visualize.subject import Subject
from utils.errors import UserError
from utils.seeding import seed_everything

DRAWN_POINTS = 3000
NEIGHBORS = (1, 5)

Picture = tuple[Figure, dict]


def attention_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """Attention of a local token and of the queries that were taught, over whole clouds."""
    encoder = subject.model.MAE_encoder
    depth, heads, groups = len(encoder.blocks.blocks), encoder.blocks.blocks[0].attn.num_heads, encoder.num_group
    layer = depth if args.layer is None else _within("--layer", args.layer, depth)
    head = None if args.head is None else _within("--head", args.head, heads)
    chosen = subject.one_of_each(args.names, 2, ("chair", "airplane"))

    stored = subject.points(list(chosen))
    fed = random_subset(stored, subject.config.npoints, subject.draw)
    middle = fed.mean(1, keepdim=True)
    radius = (fed - middle).norm(dim=-1).amax(1)[:, None, None]
    # More points than the model is fed make a clearer picture; they are moved and scaled as the fed ones are.
    cloud = random_subset(stored, min(DRAWN_POINTS, stored.shape[1]), subject.draw)
    cloud = (cloud - middle) / radius
    tokens, centers, _ = encoder.tokenize(normalize_unit_sphere(fed))
    query, local = (_of_head(weights, head) for weights in attention(encoder, tokens, centers)[layer - 1])

    if args.token is None:  # the patch nearest to the viewer, so that nothing hides it
        token = torch.from_numpy(figures.project(centers.numpy())[2].argmax(1))
    else:
        token = torch.full((len(centers),), _within("--token", args.token, groups) - 1)
    rows = torch.arange(len(centers))
    maps = {"local token": local[rows, token]}
    maps |= {f"{name} query": query[:, position] for name, position in subject.trained_queries.items()}

    square, index = recon_ops.three_nn(cloud, centers)
    near = 1 / (square + 1e-8)
    near = near / near.sum(-1, keepdim=True)
    colors = recon_ops.three_interpolate(torch.stack(list(maps.values()), 1), index, near).unbind(1)
    captions = {
        title: [f"{low:.2f} to {high:.2f} x uniform" for low, high in zip(*extent, strict=True)]
        for title, extent in ((title, (weights * groups).aminmax(dim=1)) for title, weights in maps.items())
    }
    figure = figures.attention_figure(
        cloud.numpy(),
        centers[rows, token].numpy(),
        {title: values.numpy() for title, values in zip(maps, colors, strict=True)},
        captions,
        list(chosen.values()),
        f"layer {layer} of {depth}, {_which(head, heads)}",
    )
    shapes = [
        {
            "name": name,
            "index": index,
            "token": int(token[row]) + 1,
            "centers": _rounded(centers[row]),
            "attention": {title: _rounded(weights[row]) for title, weights in maps.items()},
        }
        for row, (index, name) in enumerate(chosen.items())
    ]
    return figure, {"layer": layer, "head": head, "shapes": shapes}


def reconstruction_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """Masked input, reconstruction and truth."""
    chosen = subject.one_of_each(args.names, 4)
    names = list(chosen.values())
    fed = random_subset(subject.points(list(chosen)), subject.config.npoints, subject.draw)
    points = normalize_unit_sphere(fed)
    pieces = subject.model.reconstruct(points, generator=subject.draw)
    patches = {name: pieces[name].unflatten(1, (-1, subject.model.MAE_encoder.group_size)) for name in pieces}
    shapes = [
        {"name": name, "index": index}
        | {
            f"chamfer_{loss}": round(float(distance(patches["predicted"][row], patches["masked"][row])), 6)
            for loss, distance in RECONSTRUCTION_LOSSES.items()
        }
        for row, (index, name) in enumerate(chosen.items())
    ]
    captions = [f"Chamfer distance (L2) {shape['chamfer_cdl2']:.4f}" for shape in shapes]
    arrays = {name: value.numpy() for name, value in pieces.items()}
    return figures.reconstruction_figure(arrays, points.numpy(), names, captions), {"shapes": shapes}


def distance_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """Mean attention distance by layer: local tokens against the queries that were taught.

    Every head is measured by itself, then heads, tokens and shapes are averaged. `attention_spread` compares both
    streams; `attention_distance` is defined for local tokens only.
    """
    encoder = subject.model.MAE_encoder
    heads = encoder.blocks.blocks[0].attn.num_heads
    head = None if args.head is None else _within("--head", args.head, heads)
    indices = subject.many(args.names, args.count)
    measured, uniform = [], []
    for stored in subject.batches(indices, "attention distance"):
        points = normalize_unit_sphere(random_subset(stored, subject.config.npoints, subject.draw))
        tokens, centers, _ = encoder.tokenize(points)
        between = torch.cdist(centers, centers, compute_mode="donot_use_mm_for_euclid_dist")

        def measure(query: Tensor, local: Tensor, between: Tensor = between) -> Tensor:
            each = [attention_distance(local, between), attention_spread(local, between)]
            each = [value.mean(-1, keepdim=True) for value in each] + [attention_spread(query, between)]
            return _of_head(torch.cat(each, dim=-1), head)

        measured.append(torch.stack(attention(encoder, tokens, centers, measure), 1))
        uniform.append(between.mean((1, 2)))
    values = torch.cat(measured)  # (shapes, layers, 5)
    columns = {"local": {"distance": 0, "spread": 1}}
    columns |= {name: {"spread": 2 + position} for name, position in subject.trained_queries.items()}

    def by_token(values: Tensor) -> dict[str, dict[str, list[float]]]:
        return {name: {kind: _rounded(values[:, i]) for kind, i in own.items()} for name, own in columns.items()}

    curves, level = by_token(values.mean(0)), round(float(torch.cat(uniform).mean()), 6)
    numbers = {"head": head, "shapes": len(values), "uniform": level, "mean": curves}
    numbers["std_over_shapes"] = by_token(values.std(0, correction=0))
    return figures.distance_figure(curves, level, f"{len(values)} shapes, {_which(head, heads)}"), numbers


def embedding_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """t-SNE of the features that a linear SVM is put on, with the pretrained weights and before pretraining."""
    shown, most = args.names, figures.MAX_CATEGORIES
    if shown is None and len(subject.members) > most:
        shown = sorted(subject.members, key=lambda name: -len(subject.members[name]))[:most]
        print(f"only the {most} largest of {len(subject.members)} categories are shown; --names chooses others")
    indices = subject.many(shown, args.count)
    names, labels = np.unique(
        [subject.dataset.class_names[subject.dataset.labels[i]] for i in indices], return_inverse=True
    )
    if not 2 <= len(names) <= most or len(names) == len(indices):
        raise UserError(
            f"t-SNE needs shapes of 2 to {most} categories and more than one a category, "
            f"got {len(indices)} of {len(names)} (--names, --count)"
        )
    seed_everything(args.seed, "model")
    untrained = build_model_from_cfg(subject.section)
    models = {"before pretraining": untrained, "after pretraining": subject.model}
    for title, model in models.items():
        models[title] = downstream_of(model, "PointTransformerSVM").eval()
    parts = {title: [] for title in models}
    for stored in subject.batches(indices, "features"):
        points = normalize_unit_sphere(sample_test(stored, subject.config.npoints))
        for title, model in models.items():
            parts[title].append(model(points))
    numbers, places = {}, {}
    for title, features in parts.items():
        features = torch.cat(features).numpy()
        scores = numbers[title] = separation(features, labels)
        tsne = TSNE(
            metric="cosine", init="pca", perplexity=min(30, (len(labels) - 1) / 3), random_state=args.seed % 2**32
        )
        caption = f"1-NN accuracy {scores['nearest_neighbor_1']:.1f} %, silhouette {scores['silhouette']:.2f}"
        places[f"{title}\n{caption}"] = tsne.fit_transform(features)
    figure = figures.embedding_figure(places, labels, [name.replace("_", " ") for name in names])
    return figure, {"shapes": len(labels), "categories": names.tolist(), **numbers}


def separation(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How well features (n, d) tell labels (n,) apart, by cosine.

    Returns:
        `nearest_neighbor_<k>`: accuracy in % of the vote of the k nearest others, and `silhouette`, -1 to 1.
    """
    most = min(max(NEIGHBORS), len(labels) - 1)
    others = NearestNeighbors(n_neighbors=most, metric="cosine").fit(features).kneighbors(return_distance=False)
    scores = {
        f"nearest_neighbor_{k}": 100 * float((mode(labels[others[:, :k]], axis=1).mode == labels).mean())
        for k in NEIGHBORS
    }
    return scores | {"silhouette": float(silhouette_score(features, labels, metric="cosine"))}


def _of_head(weights: Tensor, head: int | None) -> Tensor:
    """Drop dimension 1: the mean over heads, or one of them, counted from 1."""
    return weights.mean(1) if head is None else weights[:, head - 1]


def _which(head: int | None, heads: int) -> str:
    return f"mean of {heads} heads" if head is None else f"head {head} of {heads}"


def _within(flag: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise UserError(f"{flag} must be in 1..{most}, got {value}")
    return value


def _rounded(values: Tensor) -> list:
    return np.round(values.double().numpy(), 6).tolist()
