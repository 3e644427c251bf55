"""Pictures of point clouds: masked input, reconstruction and truth side by side."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from datasets import build_dataset, collate
from datasets.point_transforms import normalize_unit_sphere, random_subset
from models import build_model_from_cfg
from tools.builder import RunConfig
from utils.checkpoint import load_weights
from utils.config import load_config, parse
from utils.errors import Parser, UserError, run_command
from utils.seeding import generator


def draw_cloud(axes: Axes, points: np.ndarray, color: str, size: float = 6.0) -> None:
    """Draw one cloud seen from the front, slightly from the right and above; nearer points are darker and larger.

    Args:
        axes: where to draw.
        points: (n, 3) coordinates in the unit sphere, y up.
        color: any matplotlib colour map name.
        size: area of the nearest point, in square points.
    """
    azimuth, elevation = np.radians(35), np.radians(20)
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    toward = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    up = np.cross(toward, right)
    depth = points @ toward
    order = depth.argsort()
    near = np.clip((depth[order] + 1) / 2, 0, 1)
    axes.scatter(
        points[order] @ right,
        points[order] @ up,
        s=size * (0.4 + 0.6 * near),
        c=0.35 + 0.6 * near,
        cmap=color,
        vmin=0,
        vmax=1,
        linewidths=0,
    )
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def reconstruction_figure(pieces: dict[str, np.ndarray], truth: np.ndarray, names: list[str], path: Path) -> None:
    """Write a picture with one row a shape: what the model saw, what it made of it, and the truth.

    Args:
        pieces: what `ReCon.reconstruct` returns, as arrays: `visible`, `masked`, `predicted`, (B, n, 3) each.
        truth: (B, N, 3) the whole clouds.
        names: category names.
        path: PNG to write.
    """
    rows = len(names)
    figure, grid = plt.subplots(rows, 3, figsize=(7.5, 2.5 * rows + 0.3), squeeze=False)
    for row, name in enumerate(names):
        draw_cloud(grid[row, 0], pieces["visible"][row], "Greys")
        draw_cloud(grid[row, 1], pieces["visible"][row], "Greys")
        draw_cloud(grid[row, 1], pieces["predicted"][row], "Reds")
        draw_cloud(grid[row, 2], truth[row], "Blues")
        grid[row, 0].set_ylabel(name, fontsize=11)
    for column, title in enumerate(("masked input", "reconstruction (predicted in red)", "truth")):
        grid[0, column].set_title(title, fontsize=11)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> None:
    """Command line: see `python -m tools.visualize --help`."""
    parser = Parser(description="Draw masked input, reconstruction and truth of a pretrained model.")
    parser.add_argument("--config", required=True, help="pretraining config the checkpoint was made with")
    parser.add_argument("--ckpts", required=True, help="pretraining checkpoint")
    parser.add_argument("--out", default="reconstruction.png", help="PNG to write (default: %(default)s)")
    parser.add_argument("--names", nargs="+", help="categories to show, one shape each (default: four of the data set)")
    parser.add_argument("--seed", type=int, default=0, help="chooses shapes, points and masks (default: %(default)s)")
    parser.add_argument("--opts", nargs="*", default=[], metavar="KEY=VALUE", help="config overrides")
    args = parser.parse_args()

    config = parse(RunConfig, load_config(args.config, args.opts), "")
    if config.model.get("NAME") != "ReCon":
        raise UserError(f"{args.config} is not a pretraining config (model.NAME is {config.model.get('NAME')!r})")
    # The picture needs no teacher.
    model = build_model_from_cfg({**config.model, "img_encoder": "", "text_encoder": "", "reconstruct": True})
    load_weights(model, args.ckpts)
    section = config.dataset.train
    if section is None:
        raise UserError(f"config {args.config} has no section 'dataset.train'")
    use = {**(section.get("others") or {}), "subset": "test", "whole": False, "images": False}
    section = {**section, "others": use}
    dataset = build_dataset(section, config.data_root, "dataset.train", args.seed)

    by_name: dict[str, list[int]] = {}
    for index, label in enumerate(dataset.labels):
        by_name.setdefault(dataset.class_names[int(label)], []).append(index)
    rng = np.random.default_rng(args.seed)
    names = args.names or sorted(rng.choice(sorted(by_name), size=min(4, len(by_name)), replace=False).tolist())
    missing = [name for name in names if name not in by_name]
    if missing:
        raise UserError(f"--names: the data set has no '{missing[0]}' (it has: {', '.join(sorted(by_name))})")

    batch = collate([dataset[int(rng.choice(by_name[name]))] for name in names])
    draw = generator("cpu", "visualize", args.seed)
    points = normalize_unit_sphere(random_subset(batch["points"], config.npoints, draw))
    pieces = model.eval().reconstruct(points, generator=draw)
    arrays = {name: value.numpy() for name, value in pieces.items()}
    reconstruction_figure(arrays, points.numpy(), names, Path(args.out))
    print(f"wrote {args.out}")


if __name__ == "__main__":
    run_command(main)
