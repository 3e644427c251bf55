"""The drawing: numpy arrays to matplotlib figures, in colours that the colour-blind can tell apart."""

from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

# Paul Tol's "muted" scheme and black; with four markers these tell 40 categories apart.
COLORS = "#332288 #cc6677 #117733 #88ccee #ddcc77 #882255 #44aa99 #aa4499 #999933 #222222".split()
MARKERS = "o^sX"
MAX_CATEGORIES = len(COLORS) * len(MARKERS)
HEAT = ListedColormap(colormaps["magma_r"](np.linspace(0.06, 0.9, 256)))
STREAMS = {"local": "#222222", "class": "#ddaa33", "image": "#004488", "text": "#bb5566"}  # Tol's "high contrast"
POINTERS = {"local": "o", "class": "^", "image": "s", "text": "D"}
MARK = "#00b4d8"


def project(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """See points (n, 3), y up, from the front, slightly from the right and above.

    Returns:
        Position to the right, position upwards and nearness to the viewer, (n,) each.
    """
    azimuth, elevation = np.radians(35), np.radians(20)
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    toward = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    return points @ right, points @ np.cross(toward, right), points @ toward


def draw_cloud(
    axes: Axes, points: np.ndarray, cmap: str | ListedColormap, values: np.ndarray | None = None, size: float = 10.0
) -> None:
    """Draw one cloud; nearer points are larger and, unless colours mean something else, darker.

    Args:
        axes: where to draw.
        points: (n, 3) coordinates in the unit sphere, y up.
        cmap: matplotlib colour map.
        values: (n,) between 0 and 1, what the colours show.
        size: area of the nearest point, in square points.
    """
    x, y, depth = project(points)
    order = depth.argsort()
    near = np.clip((depth[order] + 1) / 2, 0, 1)
    axes.scatter(
        x[order],
        y[order],
        s=size * (0.4 + 0.6 * near),
        c=0.35 + 0.6 * near if values is None else values[order],
        cmap=cmap,
        vmin=0,
        vmax=1,
        linewidths=0,
        rasterized=True,
    )


def cloud_grid(clouds: Sequence[np.ndarray], titles: Sequence[str], names: Sequence[str]) -> tuple[Figure, np.ndarray]:
    """Make a grid of axes, a row for each cloud, cut to what the cloud fills.

    Args:
        clouds: all that a row shows, (n, 3) each.
        titles: of the columns.
        names: of the rows.

    Returns:
        The figure and its axes (rows, columns).
    """
    corners = [np.stack((seen.min(1), seen.max(1))) for seen in (np.stack(project(cloud)[:2]) for cloud in clouds)]
    widths, heights = np.array([high - low for low, high in corners]).T * 1.08
    widths = np.maximum(widths, heights)
    shares = np.maximum(heights / widths, 0.35)
    figure, grid = plt.subplots(
        len(clouds),
        len(titles),
        figsize=(2.3 * len(titles), 2.3 * shares.sum() + 0.35 * len(clouds) + 0.3),
        height_ratios=shares,
        squeeze=False,
        layout="constrained",
    )
    for row, (low, high) in enumerate(corners):
        (x, y), half = (low + high) / 2, widths[row] / 2
        for axes in grid[row]:
            axes.set(xlim=(x - half, x + half), ylim=(y - half * shares[row], y + half * shares[row]))
            axes.set(aspect="equal", xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        grid[row, 0].set_ylabel(names[row], fontsize=11)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=11)
    return figure, grid


def reconstruction_figure(
    pieces: Mapping[str, np.ndarray], truth: np.ndarray, names: Sequence[str], captions: Sequence[str]
) -> Figure:
    """One row a shape: what the model saw, what it made of it, and the truth.

    Args:
        pieces: what `ReCon.reconstruct` returns, as arrays: `visible`, `masked`, `predicted`, (B, n, 3) each.
        truth: (B, N, 3) the whole clouds.
        names: category names.
        captions: a line for each reconstruction.
    """
    clouds = np.concatenate((truth, pieces["predicted"]), axis=1)
    titles = ("masked input", "reconstruction\n(predicted in red)", "truth")
    figure, grid = cloud_grid(clouds, titles, names)
    size = float(np.clip(3000 / truth.shape[1], 4, 11))
    for row, caption in enumerate(captions):
        draw_cloud(grid[row, 0], pieces["visible"][row], "Greys", size=size)
        draw_cloud(grid[row, 1], pieces["visible"][row], "Greys", size=size)
        draw_cloud(grid[row, 1], pieces["predicted"][row], "Reds", size=size)
        draw_cloud(grid[row, 2], truth[row], "Blues", size=size)
        grid[row, 1].set_xlabel(caption, fontsize=9)
    return figure


def attention_figure(
    clouds: np.ndarray,
    marks: np.ndarray,
    maps: Mapping[str, np.ndarray],
    captions: Mapping[str, Sequence[str]],
    names: Sequence[str],
    subtitle: str,
) -> Figure:
    """One row a shape, one column a token: the cloud in the colours of the token's attention.

    Args:
        clouds: (B, N, 3).
        marks: (B, 3) where the first column's token lies.
        maps: attention of every point (B, N) by column title; in each panel the colours run from least to most.
        captions: a line for each of the B panels, by column title.
        names: category names.
        subtitle: which layer and head this is.
    """
    figure, grid = cloud_grid(clouds, list(maps), names)
    for row, cloud in enumerate(clouds):
        for axes, (title, values) in zip(grid[row], maps.items(), strict=True):
            low, high = values[row].min(), values[row].max()
            draw_cloud(axes, cloud, HEAT, (values[row] - low) / max(high - low, np.finfo(np.float32).tiny), size=6)
            axes.set_xlabel(captions[title][row], fontsize=9)
        x, y, _ = project(marks[row : row + 1])
        grid[row, 0].scatter(x, y, marker="*", s=150, c=MARK, edgecolors="black", linewidths=0.8, zorder=3)
    figure.set_figwidth(figure.get_figwidth() + 0.9)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), HEAT), ax=grid, shrink=0.7, aspect=28, pad=0.02)
    bar.set_ticks([0, 1], labels=["least", "most"])
    bar.set_label(f"attention in the panel\n{subtitle}", fontsize=9, labelpad=-14)
    bar.outline.set_visible(False)
    return figure


def distance_figure(curves: Mapping[str, Mapping[str, Sequence[float]]], uniform: float, subtitle: str) -> Figure:
    """Attention distance by layer.

    Args:
        curves: `spread` and, for the local tokens, `distance` of every layer, by token: local, image, text, class.
        uniform: what either would be if all patches were attended to alike.
        subtitle: what it was measured on.
    """
    figure, axes = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    labels = {"local": "local tokens", "image": "image query", "text": "text query", "class": "class query"}
    layers = np.arange(1, len(curves["local"]["spread"]) + 1)
    for name, curve in curves.items():
        style = {"color": STREAMS[name], "marker": POINTERS[name], "markersize": 5.5, "linewidth": 1.8}
        axes.plot(layers, curve["spread"], label=f"{labels[name]}, spread", clip_on=False, **style)
    style = {"color": STREAMS["local"], "marker": POINTERS["local"], "markersize": 5.5, "markerfacecolor": "white"}
    axes.plot(layers, curves["local"]["distance"], ":", label="local tokens, distance to the token", **style)
    axes.axhline(uniform, color="#888888", linestyle="--", linewidth=1.2, zorder=1, label="uniform attention, both")
    highest = max(uniform, *(value for curve in curves.values() for values in curve.values() for value in values))
    axes.set(xlabel="layer", xticks=layers, xlim=(0.7, len(layers) + 0.3), ylim=(0, 1.08 * highest))
    axes.set_ylabel("distance (radius of a shape: 1)")
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Mean attention distance by layer", fontsize=12, loc="left", pad=46)
    explained = (
        f"{subtitle}\nspread: between two patches drawn from the attention of one token"
        "\ndistance to the token: from a token to a patch drawn from its attention"
    )
    axes.text(0, 1.03, explained, transform=axes.transAxes, fontsize=9, color="#444444", linespacing=1.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def embedding_figure(maps: Mapping[str, np.ndarray], labels: np.ndarray, names: Sequence[str]) -> Figure:
    """Two-dimensional maps of features side by side, coloured by category.

    Args:
        maps: (n, 2) positions by panel title.
        labels: (n,) which of the names each point is of.
        names: at most `MAX_CATEGORIES` of them.
    """
    lines = -(-len(names) // (8 if max(map(len, names)) < 11 else 6))
    per_line = -(-len(names) // lines)
    figure, panels = plt.subplots(
        1, len(maps), figsize=(4.6 * len(maps), 4.7 + 0.21 * lines), squeeze=False, layout="constrained"
    )
    figure.get_layout_engine().set(h_pad=0.1)
    size = float(np.clip(9000 / len(labels), 14, 45))
    for axes, (title, places) in zip(panels[0], maps.items(), strict=True):
        for i in range(len(names)):
            mine = places[labels == i]
            color, marker = COLORS[i % len(COLORS)], MARKERS[i // len(COLORS)]
            axes.scatter(
                *mine.T, s=size, color=color, marker=marker, linewidths=0.3, edgecolors="white", label=names[i]
            )
        axes.set_title(title, fontsize=11)
        axes.set(xticks=[], yticks=[], box_aspect=1)
        axes.spines[:].set_color("#bbbbbb")
        axes.margins(0.04)
    handles, texts = panels[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        texts,
        loc="outside lower center",
        ncols=per_line,
        frameon=False,
        fontsize=8.5,
        handletextpad=0.1,
        columnspacing=1.0,
        markerscale=(30 / size) ** 0.5,
    )
    return figure
