"""The four pictures: a subject and the arguments of a sub-command to a figure and its numbers."""

import argparse
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from scipy.stats import mode
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from datasets.point_transforms import random_subset, sample_test
from models import build_model_from_cfg, downstream_of
from tools.visualize.attention import attention_distance, attention_spread, block_attention
from tools.visualize.figures import (
    HEAT,
    MAX_CATEGORIES,
    cloud_grid,
    draw_categories,
    draw_cloud,
    name_categories,
    project,
)
from tools.visualize.looks import attend, of_head, reconstruct, within
from tools.visualize.subject import Subject
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere
from utils.seeding import seed_everything

DRAWN_POINTS = 3000
NEIGHBORS = (1, 5)
STAR = {"marker": "*", "s": 190, "c": "#00b4d8", "edgecolors": "white", "linewidths": 1.2, "zorder": 3}
# Curves of tokens, in Paul Tol's "high contrast" scheme.
CURVES: dict[str, tuple[str, dict[str, Any]]] = {
    "local": ("local tokens", {"color": "#222222", "marker": "o"}),
    "image": ("image query", {"color": "#004488", "marker": "s"}),
    "text": ("text query", {"color": "#bb5566", "marker": "D"}),
    "class": ("class query", {"color": "#ddaa33", "marker": "^"}),
}
SPREAD_AND_DISTANCE = """\
spread: between two patches drawn from the attention of one token
distance to the token: from a token to a patch drawn from its attention"""

Picture = tuple[Figure, dict]


def attention_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """Attention of a local token and of the queries that were taught, over whole clouds: a row a shape."""
    chosen = subject.one_of_each(args.names, 2, ("chair", "airplane"))
    found = attend(subject, list(chosen), DRAWN_POINTS, args.layer, args.head, args.token)
    heads, depth, groups = subject.encoder.shape.num_heads, subject.encoder.shape.depth, subject.encoder.num_group
    figure, grid = cloud_grid(found.cloud, list(found.weights), list(chosen.values()))
    for row in range(len(chosen)):
        for axes, (title, weights) in zip(grid[row], found.weights.items(), strict=True):
            # Large enough to hide what lies behind.
            draw_cloud(axes, found.cloud[row], HEAT, found.colors[title][row], size=14)
            least, most = (groups * weights[row]).aminmax()
            axes.set_xlabel(f"{least:.2f} to {most:.2f} x uniform", fontsize=9, labelpad=8)
        x, y, _ = project(found.centers[row, found.token[row : row + 1]].numpy())
        grid[row, 0].scatter(x, y, **STAR)
    figure.set_figwidth(figure.get_figwidth() + 0.9)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), HEAT), ax=grid, shrink=0.7, aspect=28, pad=0.02)
    bar.set_ticks([0, 1], labels=["least", "most"])
    title = f"attention in the panel\nlayer {found.layer} of {depth}, {_which(args.head, heads)}"
    bar.set_label(title, fontsize=9, labelpad=-14)
    bar.outline.set_visible(False)

    shapes = []
    for row, (index, name) in enumerate(chosen.items()):
        shapes.append({"name": name, "index": index, "token": int(found.token[row]) + 1})
        shapes[-1]["centers"] = _rounded(found.centers[row])
        shapes[-1]["attention"] = {title: _rounded(weights[row]) for title, weights in found.weights.items()}
    return figure, {"layer": found.layer, "head": args.head, "shapes": shapes}


def reconstruction_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """What the model saw, what it made of it, and the truth: a row a shape."""
    if not subject.has_decoder:
        raise UserError(
            f"reconstruction needs the decoder, and {args.ckpts} holds the encoder alone, as shipped weights do: "
            "name a pretraining checkpoint; attention, distance and embedding work without it"
        )
    chosen = subject.one_of_each(args.names, 4)
    found = reconstruct(subject, list(chosen))
    truth, pieces = found.truth, found.pieces
    titles = ("masked input", "reconstruction\n(predicted in red)", "truth")
    figure, grid = cloud_grid(np.concatenate((truth, pieces["predicted"]), 1), titles, list(chosen.values()))
    size = float(np.clip(3000 / truth.shape[1], 4, 11))
    shapes = []
    for row, (index, name) in enumerate(chosen.items()):
        shapes.append({"name": name, "index": index, **found.distances[row]})
        visible, predicted = (pieces[kind][row] for kind in ("visible", "predicted"))
        drawn = ((0, visible, "Greys"), (1, visible, "Greys"), (1, predicted, "Reds"), (2, truth[row], "Blues"))
        for column, points, cmap in drawn:
            draw_cloud(grid[row, column], points, cmap, size=size)
        grid[row, 1].set_xlabel(f"Chamfer distance (L2) {shapes[-1]['chamfer_cdl2']:.4f}", fontsize=9)
    return figure, {"shapes": shapes}


def distance_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """Mean attention distance by layer: local tokens against the queries that were taught.

    Every head is measured by itself, then heads, tokens and shapes are averaged. `attention_spread` compares both
    streams; `attention_distance` is defined for local tokens only.
    """
    heads = subject.encoder.shape.num_heads
    head = None if args.head is None else within("--head", args.head, heads)
    measured, uniform = [], []
    for stored in subject.batches(subject.many(args.names, args.count), "attention distance"):
        points = normalize_unit_sphere(random_subset(stored, subject.config.npoints, subject.draw))
        tokens, centers, _ = subject.encoder.tokenize(points)
        between = torch.cdist(centers, centers, compute_mode="donot_use_mm_for_euclid_dist")
        layers = []
        for query, local in block_attention(subject.encoder, tokens, centers):
            own = [attention_distance(local, between), attention_spread(local, between)]
            own = [value.mean(-1, keepdim=True) for value in own]
            layers.append(of_head(torch.cat([*own, attention_spread(query, between)], dim=-1), head))
        measured.append(torch.stack(layers, 1))
        uniform.append(between.mean((1, 2)))
    values = torch.cat(measured)  # (shapes, layers, 5)
    columns = {"local": {"distance": 0, "spread": 1}}
    columns |= {name: {"spread": 2 + position} for name, position in subject.trained_queries.items()}

    def by_token(values: Tensor) -> dict[str, dict[str, list[float]]]:
        return {name: {kind: _rounded(values[:, i]) for kind, i in own.items()} for name, own in columns.items()}

    curves, level = by_token(values.mean(0)), round(float(torch.cat(uniform).mean()), 6)
    figure, axes = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    layers = np.arange(1, values.shape[1] + 1)
    for name, curve in curves.items():
        title, style = CURVES[name]
        style = {"markersize": 5.5, "linewidth": 1.8, "clip_on": False} | style
        axes.plot(layers, curve["spread"], label=f"{title}, spread", **style)
        if "distance" in curve:
            style |= {"linestyle": ":", "linewidth": 1.5, "markerfacecolor": "white"}
            axes.plot(layers, curve["distance"], label=f"{title}, distance to the token", **style)
    axes.axhline(level, color="#888888", linestyle="--", linewidth=1.2, zorder=1, label="uniform attention, both")
    highest = max(level, float(values.mean(0).max()))
    axes.set(xlabel="layer", xticks=layers, xlim=(0.7, len(layers) + 0.3), ylim=(0, 1.08 * highest))
    axes.set_ylabel("distance (radius of a shape: 1)")
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Mean attention distance by layer", fontsize=12, loc="left", pad=46)
    text = f"{len(values)} shapes, {_which(head, heads)}\n{SPREAD_AND_DISTANCE}"
    axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=9, color="#444444", linespacing=1.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    numbers = {"head": head, "shapes": len(values), "uniform": level, "mean": curves}
    return figure, numbers | {"std_over_shapes": by_token(values.std(0, correction=0))}


def embedding_picture(subject: Subject, args: argparse.Namespace) -> Picture:
    """t-SNE of the features that a linear SVM is put on, with the pretrained weights and before pretraining."""
    shown, most = args.names, MAX_CATEGORIES
    if shown is None and len(subject.members) > most:
        shown = sorted(subject.members, key=lambda name: -len(subject.members[name]))[:most]
        print(f"only the {most} largest of {len(subject.members)} categories are shown; --names chooses others")
    indices = subject.many(shown, args.count)
    categories, labels = np.unique([subject.names[i] for i in indices], return_inverse=True)
    names = [name.replace("_", " ") for name in categories]
    if not 2 <= len(names) <= most or len(names) == len(indices):
        raise UserError(
            f"t-SNE needs shapes of 2 to {most} categories and more than one a category, "
            f"got {len(indices)} of {len(names)} (--names, --count)"
        )
    seed_everything(args.seed, "model")
    models = {"before pretraining": build_model_from_cfg(subject.section), "after pretraining": subject.model}
    models = {title: downstream_of(model, "PointTransformerSVM").eval() for title, model in models.items()}
    parts = {title: [] for title in models}
    for stored in subject.batches(indices, "features"):
        points = normalize_unit_sphere(sample_test(stored, subject.config.npoints))
        for title, model in models.items():
            parts[title].append(model(points))

    lines = -(-len(names) // (8 if max(map(len, names)) < 11 else 6))
    size = float(np.clip(9000 / len(labels), 14, 45))
    figure, panels = plt.subplots(1, 2, figsize=(10.4, 5.3 + 0.21 * lines), layout="constrained")
    tsne = {"metric": "cosine", "init": "pca", "perplexity": min(30, (len(labels) - 1) / 3)}
    numbers, places = {}, []
    for axes, (title, features) in zip(panels, parts.items(), strict=True):
        features = torch.cat(features).numpy()
        scores = numbers[title] = separation(features, labels)
        places.append(TSNE(**tsne, random_state=args.seed % 2**32).fit_transform(features))
        draw_categories(axes, places[-1], labels, names, size)
        caption = f"1-NN accuracy {scores['nearest_neighbor_1']:.1f} %, silhouette {scores['silhouette']:.2f}"
        axes.set_title(f"{title}\n{caption}", fontsize=11)
    legend = {"ncols": -(-len(names) // lines), "frameon": False, "fontsize": 8.5, "handletextpad": 0.1}
    legend |= {"columnspacing": 1.0, "markerscale": (30 / size) ** 0.5, "loc": "outside lower center"}
    figure.legend(*panels[0].get_legend_handles_labels(), **legend)
    figure.draw_without_rendering()
    for axes, own in zip(panels, places, strict=True):
        name_categories(axes, own, labels, names)
    return figure, {"shapes": len(labels), "categories": categories.tolist(), **numbers}


def separation(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How well features (n, d) tell labels (n,) apart, by cosine.

    Returns:
        `nearest_neighbor_<k>`: accuracy in % of the vote of the k nearest others, and `silhouette`, -1 to 1.
    """
    most = min(max(NEIGHBORS), len(labels) - 1)
    others = NearestNeighbors(n_neighbors=most, metric="cosine").fit(features).kneighbors(return_distance=False)
    scores = {}
    for k in NEIGHBORS:
        votes = mode(labels[others[:, :k]], axis=1).mode
        scores[f"nearest_neighbor_{k}"] = 100 * float((votes == labels).mean())
    return scores | {"silhouette": float(silhouette_score(features, labels, metric="cosine"))}


def _which(head: int | None, heads: int) -> str:
    return f"mean of {heads} heads" if head is None else f"head {head} of {heads}"


def _rounded(values: Tensor) -> list:
    return np.round(values.double().numpy(), 6).tolist()
