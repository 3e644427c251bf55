"""Drawing clouds and categories with matplotlib, in colours that the colour-blind can tell apart."""

from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from tools.visualize.colors import COLORS

MARKERS = "o^sX"  # with ten colours these tell 40 categories apart
MAX_CATEGORIES = len(COLORS) * len(MARKERS)
HEAT = ListedColormap(colormaps["magma_r"](np.linspace(0.06, 0.9, 256)))


def project(points: np.ndarray) -> np.ndarray:
    """See points (n, 3), y up, from the front, slightly from the right and above.

    Returns:
        Position to the right, position upwards and nearness to the viewer, (3, n).
    """
    azimuth, elevation = np.radians(35), np.radians(20)
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    toward = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    return np.stack((points @ right, points @ np.cross(toward, right), points @ toward))


def draw_cloud(
    axes: Axes, points: np.ndarray, cmap: str | Colormap, values: np.ndarray | None = None, size: float = 10.0
) -> None:
    """Draw points (n, 3) in the unit sphere, y up; nearer ones are larger and, without `values`, darker.

    Args:
        axes: where to draw.
        points: the cloud.
        cmap: matplotlib colour map.
        values: (n,) between 0 and 1, what the colours show.
        size: area of the nearest point, in square points.
    """
    x, y, depth = project(points)
    order = depth.argsort()
    near = np.clip((depth[order] + 1) / 2, 0, 1)
    colors = 0.35 + 0.6 * near if values is None else values[order]
    style = {"cmap": cmap, "vmin": 0, "vmax": 1, "linewidths": 0, "rasterized": True}
    axes.scatter(x[order], y[order], s=size * (0.4 + 0.6 * near), c=colors, **style)


def cloud_grid(clouds: np.ndarray, titles: Sequence[str], names: Sequence[str]) -> tuple[Figure, np.ndarray]:
    """Make a figure with a row of axes for each of the clouds (B, n, 3), cut to what the cloud fills.

    Args:
        clouds: all that a row shows.
        titles: of the columns.
        names: of the rows.

    Returns:
        The figure and its axes (rows, columns).
    """
    seen = np.stack([project(cloud)[:2] for cloud in clouds])
    low, high = seen.min(-1), seen.max(-1)
    sizes, middles = 1.08 * (high - low), (high + low) / 2
    widths = sizes.max(1)
    shares = np.maximum(sizes[:, 1] / widths, 0.35)
    size = 2.3 * len(titles), 2.3 * shares.sum() + 0.35 * len(clouds) + 0.3
    figure, grid = plt.subplots(
        len(clouds), len(titles), figsize=size, height_ratios=shares, squeeze=False, layout="constrained"
    )
    for row, ((x, y), half, share) in enumerate(zip(middles, widths / 2, shares, strict=True)):
        for axes in grid[row]:
            axes.set(xlim=(x - half, x + half), ylim=(y - half * share, y + half * share))
            axes.set(aspect="equal", xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        grid[row, 0].set_ylabel(names[row].replace("_", " "), fontsize=11)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=11)
    return figure, grid


def draw_categories(axes: Axes, places: np.ndarray, labels: np.ndarray, names: Sequence[str], size: float) -> None:
    """Draw points (n, 2) by category.

    Args:
        axes: where to draw.
        places: the points.
        labels: (n,) which of the names each point is of.
        names: at most `MAX_CATEGORIES` of them.
        size: area of a point, in square points.
    """
    for i, name in enumerate(names):
        style = {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i // len(COLORS)], "label": name}
        axes.scatter(*places[labels == i].T, s=size, linewidths=0.3, edgecolors="white", **style)
    axes.set(xticks=[], yticks=[], box_aspect=1)
    axes.spines[:].set_color("#bbbbbb")
    axes.margins(0.04)


def name_categories(axes: Axes, places: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
    """Write each name above the point of its category that is nearest to their median, clear of other names.

    Arguments are those of `draw_categories`; the layout of the figure must be settled.
    """
    taken: list[Bbox] = []
    middles = [np.median(places[labels == i], axis=0) for i in range(len(names))]
    for i in sorted(range(len(names)), key=lambda i: middles[i][1]):
        own = places[labels == i]
        spot = own[np.linalg.norm(own - middles[i], axis=1).argmin()]
        text = axes.annotate(
            names[i], tuple(spot), (0, 0), textcoords="offset points", ha="center", va="center", fontsize=8.5
        )
        text.set(color="#222222", path_effects=[withStroke(linewidth=2.5, foreground="white")], in_layout=False)
        for shift in range(9, 60, 2):
            text.set_position((0, shift))
            if not any(text.get_window_extent().overlaps(other) for other in taken):
                break
        taken.append(text.get_window_extent())
