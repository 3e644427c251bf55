"""Accuracy against the number of points, and under seven corruptions: `python -m tools.benchmark robustness`."""

import argparse
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from datasets import PointDataset, build_dataset
from datasets.corruptions import CORRUPTIONS, SEVERITIES
from datasets.point_transforms import sample_test
from models import CHECKPOINT_PREFIXES, build_model_from_cfg, load_pretrained, parse_model_config
from models.encoder import EncoderWarning, PointEncoder
from tools.benchmark.common import add_common_arguments, prepare_device, provenance, save_figures
from tools.engine.config import parse_run_config, task_sections
from tools.report.tables import markdown_table
from utils.checkpoint import load_weights
from utils.config import load_config
from utils.errors import Parser, UserError, at_least
from utils.geometry import normalize_unit_sphere
from utils.logging import progress
from utils.seeding import generator

DENSITIES = (128, 256, 512, 1024, 2048, 4096, 8192)
BATCH = 64
# All points, or those that farthest point sampling leaves of them.
FEEDS = {"fed": "all points are fed", "sampled": "reduced to the trained number"}

Labeler = Callable[[Tensor, int | None], Tensor]


@dataclass
class Clouds:
    """A test set: stored points of each shape, (n, 3) normalised as its data set does, labels and their names."""

    points: list[Tensor]
    labels: Tensor
    names: list[str]
    normalizes: bool


def build_parser() -> Parser:
    """Build the parser of the command line."""
    parser = Parser(prog="tools.benchmark robustness", description=__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="its dataset.test is what is measured on")
    parser.add_argument(
        "--ckpts",
        nargs="+",
        required=True,
        metavar="CKPT",
        help="fine-tuned classifiers of the config's model, or what load_pretrained takes; the first is the reference "
        "of mCE",
    )
    parser.add_argument(
        "--opts", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="override config keys"
    )
    parser.add_argument("--count", type=at_least(1), metavar="N", help="so many shapes, evenly spaced (all)")
    parser.add_argument("--points", type=at_least(1), metavar="N", help="points before corruption (the trained number)")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of all draws (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write robustness.md and robustness.png there")
    add_common_arguments(parser)
    return parser


def open_clouds(dataset: PointDataset, count: int | None, device: torch.device) -> Clouds:
    """Read a test set, or `count` shapes of it."""
    total = len(dataset)
    chosen = [i * total // min(count or total, total) for i in range(min(count or total, total))]
    samples = [dataset[i] for i in progress(chosen, desc="reading", unit="shape")]
    labels = torch.tensor([int(sample["label"]) for sample in samples])
    if int(labels.min()) < 0:
        raise UserError("dataset.test: its shapes have no classes")
    points = [sample["points"][:, :3].to(device) for sample in samples]
    return Clouds(points, labels, list(dataset.class_names), dataset.NORMALIZES != "never")


def open_model(path: str, section: dict, npoints: int, clouds: Clouds, device: torch.device) -> tuple[Labeler, int]:
    """Return what names clouds of one size, and the number of points that it was trained on.

    It takes clouds (B, N, 3) and how many of their points are kept at most, and returns labels (B,) on the CPU.

    Raises:
        UserError: if the checkpoint names no shapes.
    """
    if parse_model_config(section)[0].classifies:
        model = build_model_from_cfg(section)
        load_weights(model, path, CHECKPOINT_PREFIXES)
        model.eval().to(device)

        def by_head(points: Tensor, most: int | None) -> Tensor:
            points = normalize_unit_sphere(points) if clouds.normalizes else points
            if most is not None and points.shape[1] > most:
                points = sample_test(points, most)
            return model(points)[:, : len(clouds.names)].argmax(1).cpu()

        return by_head, npoints
    encoder: PointEncoder = load_pretrained(path, device=device)
    encoder.classify(clouds.points[0], clouds.names)  # what it cannot do is said before the work

    def by_names(points: Tensor, most: int | None) -> Tensor:
        found = encoder.encode(points, npoints=most, scale=clouds.normalizes, center=clouds.normalizes)
        return encoder.classify_encoding(found, clouds.names).probabilities.argmax(1).cpu()

    return by_names, encoder.npoints


@torch.no_grad()
def accuracy_under(
    predict: Labeler, clouds: Clouds, change: Callable[[Tensor, int], Tensor], most: int | None
) -> float:
    """Accuracy in % on clouds that `change` has changed; it takes a batch (B, N, 3) and its number."""
    right = 0
    for number, start in enumerate(range(0, len(clouds.points), BATCH)):
        batch = torch.stack(clouds.points[start : start + BATCH])
        right += int((predict(change(batch, number), most) == clouds.labels[start : start + BATCH]).sum())
    return 100 * right / len(clouds.points)


def thin(batch: Tensor, count: int, seed: int, number: int) -> Tensor:
    """Draw `count` points of each cloud of batch `number` (B, N, 3); those of fewer are among those of more."""
    keys = torch.rand(batch.shape[:2], generator=generator("cpu", "robustness", seed, "points", number))
    return batch.gather(1, keys.to(batch.device).argsort(1)[:, :count, None].expand(-1, -1, 3))


def measure_robustness(
    predict: Labeler, trained: int, clouds: Clouds, points: int | None, seed: int, bar: Any
) -> dict[str, Any]:
    """Measure one model: accuracies by number of points, and by corruption and severity."""
    stored, device = min(map(len, clouds.points)), clouds.points[0].device
    density: dict[str, dict[int, float]] = {feed: {} for feed in FEEDS}
    for count in (n for n in DENSITIES if n <= stored):
        for feed, most in (("fed", None), ("sampled", trained)):
            density[feed][count] = accuracy_under(predict, clouds, lambda b, i, n=count: thin(b, n, seed, i), most)
            bar.update()
    base = min(points or trained, stored)
    clean = accuracy_under(predict, clouds, lambda batch, _: sample_test(batch, base), trained)
    corrupted: dict[str, list[float]] = {}
    for name, corrupt in CORRUPTIONS.items():
        corrupted[name] = []
        for severity in SEVERITIES:

            def change(batch: Tensor, number: int) -> Tensor:
                draw = generator(device, "robustness", seed, name, severity, number)  # noqa: B023
                return corrupt(sample_test(batch, base), severity, draw)  # noqa: B023

            corrupted[name].append(accuracy_under(predict, clouds, change, trained))
            bar.update()
    return {"trained": trained, "points": base, "clean": clean, "density": density, "corrupted": corrupted}


def summarize(results: dict[str, dict[str, Any]]) -> None:
    """Add to each model the mean accuracy of each corruption, that of all (`mean`), and `mce`, 100 for the first."""
    reference = next(iter(results.values()))
    for found in results.values():
        found["by_corruption"] = {name: mean(values) for name, values in found["corrupted"].items()}
        found["mean"] = mean(found["by_corruption"].values())
        errors = [
            (100 - found["by_corruption"][name]) / max(100 - reference["by_corruption"][name], 1e-9)
            for name in CORRUPTIONS
        ]
        found["mce"] = 100 * mean(errors)


def tables(results: dict[str, dict[str, Any]]) -> str:
    """Lay results out in Markdown: by corruption, and by number of points."""
    rows = [["accuracy in %", "clean", *CORRUPTIONS, "mean", "mCE"]]
    for name, found in results.items():
        numbers = [found["clean"], *found["by_corruption"].values(), found["mean"], found["mce"]]
        rows.append([name, *(f"{number:.1f}" for number in numbers)])
    counts = [*next(iter(results.values()))["density"]["fed"]]
    points = [["accuracy in %, points", *counts]]
    for name, found in results.items():
        for feed, told in FEEDS.items():
            label = f"{name}, {told}" + (f" ({found['trained']})" if feed == "sampled" else "")
            points.append([label, *(f"{value:.1f}" for value in found["density"][feed].values())])
    return markdown_table(rows) + "\n\n" + markdown_table(points) + "\n"


def draw(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw accuracy against number of points, and against severity, the mean over corruptions."""
    from tools.visualize.figures import COLORS, MARKERS, plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for number, (name, found) in enumerate(results.items()):
        style: dict[str, Any] = {"color": COLORS[number % len(COLORS)], "marker": MARKERS[number % len(MARKERS)]}
        for feed, line in (("fed", "-"), ("sampled", "--")):
            left.plot(*zip(*found["density"][feed].items(), strict=True), line, label=f"{name}, {FEEDS[feed]}", **style)
        severities = [found["clean"], *(mean(values) for values in zip(*found["corrupted"].values(), strict=True))]
        right.plot((0, *SEVERITIES), severities, label=name, **style)
    if counts := [*next(iter(results.values()))["density"]["fed"]]:
        left.set_xscale("log", base=2)
        left.set_xticks(counts, [str(count) for count in counts])
    left.set(xlabel="points a cloud", ylabel="accuracy in %", ylim=(0, 100))
    right.set(xlabel="severity (0: clean), mean over 7 corruptions", ylabel="accuracy in %", ylim=(0, 100))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def run(args: argparse.Namespace, device: torch.device) -> dict[str, dict[str, Any]]:
    """Measure all checkpoints; returns what is found by their names.

    Raises:
        UserError: for anything wrong with the config, its data or a checkpoint.
    """
    config = parse_run_config(load_config(args.config, args.opts, task_sections()))
    if config.dataset.test is None:
        raise UserError(f"config {args.config} has no section 'dataset.test'")
    clouds = open_clouds(
        build_dataset(config.dataset.test, config.data_root, "dataset.test", args.seed), args.count, device
    )
    smallest = min(map(len, clouds.points))
    clouds.points = [cloud[:smallest] for cloud in clouds.points]
    models = {
        path: open_model(path, config.model, config.npoints, clouds, device) for path in dict.fromkeys(args.ckpts)
    }
    passes = len(CORRUPTIONS) * len(SEVERITIES) + 2 * sum(n <= smallest for n in DENSITIES)
    results = {}
    with progress(total=len(models) * passes, desc="robustness", unit="pass") as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", EncoderWarning)  # unlike the training on purpose
        for path, (predict, trained) in models.items():
            results[path] = measure_robustness(predict, trained, clouds, args.points, args.seed, bar)
    summarize(results)
    return results


def main(argv: Sequence[str]) -> None:
    """Measure robustness; `--help` lists the arguments."""
    args = build_parser().parse_args(argv)
    device = prepare_device(args)
    if args.out and not args.out.absolute().parent.is_dir():
        raise UserError(f"--out {args.out}: the folder above it does not exist")
    results = run(args, device)
    text = tables(results)
    print(text, end="")
    save_figures({**provenance(device), "seed": args.seed, "config": args.config, "results": results}, args.json)
    if args.out:
        args.out.mkdir(exist_ok=True)
        (args.out / "robustness.md").write_text(text, encoding="utf-8")
        draw(results, args.out / "robustness.png")
