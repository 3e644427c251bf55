"""What a report shows of a run besides numbers: shapes, and what the model makes of them. Nothing is drawn here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datasets import PointDataset, collate
from datasets.point_transforms import sample_test
from models import CHECKPOINT_PREFIXES, Trainable, build_model_from_cfg, downstream_of
from tools.engine.run import Run
from tools.report.predictions import read_predictions
from utils.checkpoint import load_weights
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere
from utils.seeding import stable_seed

SHAPES = 6  # a row each
COLORED = 1024  # points of a cloud that attention is shown on, if it has so many
NEIGHBORS, SEARCHED = 3, 256
TOP = 5


@dataclass
class Cloud:
    """Points (n, 3), y up, in the unit sphere or near it.

    Attributes:
        title: above it.
        points: of the cloud.
        values: (n,) in 0..1, what the colours show.
        labels: (n,) positions in `names`, instead of values.
        names: of the labels.
        note: below it.
    """

    title: str
    points: np.ndarray
    values: np.ndarray | None = None
    labels: np.ndarray | None = None
    names: Sequence[str] = ()
    note: str = ""


@dataclass
class Bars:
    """Names from the best down, each with a value; `truth` is marked if it is among them."""

    title: str
    names: Sequence[str]
    values: Sequence[float]
    truth: str = ""


@dataclass
class Exhibit:
    """A section of a report.

    Attributes:
        title: of the section.
        text: what is seen.
        rows: what stands side by side, by the name of the row.
        details: lines to unfold, such as prompts.
    """

    title: str
    text: str
    rows: dict[str, list[Cloud | Bars]]
    details: tuple[str, Sequence[str]] = field(default=("", ()))


def weights_of(run: Run) -> Path:
    """The best checkpoint of a run that trained, or the last one; otherwise the one that it measured.

    Raises:
        UserError: if there is none.
    """
    own = [run.folder / f"ckpt-{name}.pth" for name in ("best", "last")] if run.mode.trains else []
    found = next((path for path in [*own, Path(run.args.ckpts or "")] if path.is_file()), None)
    if found is None:
        raise UserError("its checkpoint is not there any more")
    return found


def trained_model(run: Run) -> Trainable:
    """The model of a run with its weights (random ones if it measured these), in eval mode on the run's device.

    Raises:
        UserError: see `weights_of` and `load_weights`.
    """
    torch.manual_seed(run.args.seed)
    model = build_model_from_cfg(run.config.model)
    if run.mode.trains or run.args.ckpts:
        load_weights(model, str(weights_of(run)), CHECKPOINT_PREFIXES)
    return run.precision.place(model.eval())


def some(run: Run, labels: Sequence[int], count: int, spread: bool = True) -> list[int]:
    """Draw indices of a data set, the same ones for a seed; with `spread` of as many classes as there can be."""
    draw = np.random.default_rng(stable_seed("report", run.args.seed))
    order = draw.permutation(len(labels)).tolist()
    if spread:
        met: dict[int, int] = {}
        ranks = []
        for index in order:
            met[labels[index]] = met.get(labels[index], 0) + 1
            ranks.append(met[labels[index]])
        order = [index for _, index in sorted(zip(ranks, order, strict=True), key=lambda pair: pair[0])]
    return order[:count]


def labels_of(data: PointDataset) -> list[int]:
    """Labels of all samples, -1 where they are not known without reading the samples."""
    return [-1] * len(data) if data.labels is None else [int(label) for label in data.labels]


def _name(data: PointDataset, label: int) -> str:
    return data.class_names[label].replace("_", " ") if 0 <= label < len(data.class_names) else "unknown"


def _row(index: int, name: str) -> str:
    return f"{name.replace('_', ' ')}, shape {index}"


@torch.no_grad()
def classified(run: Run, model: nn.Module, data: PointDataset) -> Exhibit:
    """Test shapes with the five most likely classes."""
    chosen = some(run, labels_of(data), SHAPES)
    batch = collate([data[index] for index in chosen])
    points = sample_test(batch["points"].to(run.device), run.config.npoints)
    logits = model(points).float()[:, : len(data.class_names)]
    rows: dict[str, list[Cloud | Bars]] = {}
    for index, label, cloud, own in zip(chosen, batch["label"].tolist(), points, logits.softmax(1), strict=True):
        best = own.topk(min(TOP, len(own)))
        names = [_name(data, i) for i in best.indices.tolist()]
        bars = Bars("probability", names, best.values.tolist(), _name(data, label))
        rows[_row(index, _name(data, label))] = [Cloud("what the model sees", _plain(cloud)), bars]
    return Exhibit("Test shapes", "Five most likely classes of some test shapes, of different classes.", rows)


def named(run: Run, data: dict[str, PointDataset], file: Path, prompts: Sequence[str]) -> Exhibit:
    """Shapes with their five best names, as predictions.csv has them.

    Raises:
        UserError: if that file is missing or damaged.
    """
    split, found = next(iter(data.items()))
    lines = read_predictions(file).get(split, [])
    if len(lines) != len(found):
        raise UserError(f"{file} is not of the {len(found)} shapes of '{split}'")
    rows: dict[str, list[Cloud | Bars]] = {}
    for index in some(run, labels_of(found), SHAPES):
        line = lines[index]
        names = [line[f"name{i}"].replace("_", " ") for i in range(1, TOP + 1) if line.get(f"name{i}")]
        cosines = [float(line[f"cosine{i}"]) for i in range(1, len(names) + 1)]
        points = collate([found[index]])["points"]
        cloud = Cloud("shape", _plain(sample_test(points, min(run.config.npoints, points.shape[1]))[0]))
        truth = line["truth"].replace("_", " ")
        rows[_row(index, truth or "unknown")] = [cloud, Bars("cosine similarity", names, cosines, truth)]
    text = "Five best names of some shapes of different classes. A name's feature is the sum over the prompts."
    return Exhibit("Zero-shot names", text, rows, ("prompts", prompts))


@torch.no_grad()
def nearest_shapes(run: Run, model: nn.Module, data: PointDataset) -> Exhibit:
    """Shapes and those nearest to them in the space of a model's features (B, d), by cosine."""
    labels = labels_of(data)
    chosen = some(run, labels, SEARCHED, spread=False)
    prepare = partial(sample_test, npoints=run.config.npoints)
    features, clouds, found = [], [], []
    for start in range(0, len(chosen), run.config.total_bs):
        batch = collate([data[index] for index in chosen[start : start + run.config.total_bs]])
        points = prepare(batch["points"][..., :3].to(run.device))
        features.append(model(points).float().cpu())
        clouds += points.cpu().unbind()
        found += batch["label"].tolist()
    unit = F.normalize(torch.cat(features))
    rows: dict[str, list[Cloud | Bars]] = {}
    for query in some(run, found, SHAPES - 2):
        near = (unit @ unit[query]).topk(min(NEIGHBORS + 1, len(unit)))
        row: list[Cloud | Bars] = []
        for cosine, i in zip(near.values.tolist(), near.indices.tolist(), strict=True):
            title, note = _name(data, found[i]), f"cosine {cosine:.3f}"
            row.append(Cloud(title, _plain(clouds[i]), note="query" if i == query else note))
        rows[_row(chosen[query], _name(data, found[query]))] = row
    text = f"Nearest of {len(chosen)} shapes in the space of the frozen features."
    return Exhibit("Nearest neighbours", text, rows)


def pretrained(run: Run) -> Iterator[Exhibit]:
    """What a pretrained model fills in, and what its tokens attend to.

    Raises:
        UserError: if the checkpoint or the shapes are not there, or the model is not one of ReCon's.
    """
    # Here, since these need matplotlib, which training can do without.
    from tools.visualize.looks import attend, reconstruct
    from tools.visualize.subject import load_subject

    subject = load_subject(str(weights_of(run)), str(run.folder / "config.yaml"), seed=run.args.seed)
    chosen = subject.one_of_each(None, min(4, len(subject.members)))
    found = reconstruct(subject, list(chosen))
    rows: dict[str, list[Cloud | Bars]] = {}
    for i, (index, name) in enumerate(chosen.items()):
        seen, predicted = (found.pieces[kind][i] for kind in ("visible", "predicted"))
        which = np.repeat([0, 1], [len(seen), len(predicted)])
        note = f"Chamfer distance (L2) {found.distances[i]['chamfer_cdl2']:.4f}"
        both = Cloud("reconstruction", np.concatenate((seen, predicted)), note=note)
        both.labels, both.names = which, ("visible", "predicted")
        rows[_row(index, name)] = [Cloud("masked input", seen), both, Cloud("truth", found.truth[i])]
    yield Exhibit("Reconstruction", "What is left of a masked shape, what the model makes of it, and the truth.", rows)

    chosen = subject.one_of_each(None, min(2, len(subject.members)), ("chair", "airplane"))
    attention = attend(subject, list(chosen), max(run.config.npoints, COLORED))
    rows = {}
    for i, (index, name) in enumerate(chosen.items()):
        clouds = [Cloud(title, attention.cloud[i], values=colors[i]) for title, colors in attention.colors.items()]
        rows[_row(index, name)] = [*clouds]
    text = "Attention in the last layer, mean over heads, of a local token and of the queries that a loss has taught."
    yield Exhibit("Attention", text, rows)

    encoder = downstream_of(subject.model, "PointTransformerSVM").eval().to(run.device)
    yield nearest_shapes(run, encoder, subject.dataset)


def segmented(clouds: dict[str, tuple[Tensor, Tensor, Tensor]], names: dict[str, Sequence[str]]) -> Exhibit:
    """Points (n, 3), their true and their predicted labels (n,), and what these are called, by row."""
    rows: dict[str, list[Cloud | Bars]] = {}
    for row, (points, truth, predicted) in clouds.items():
        same = f"{100 * float((truth == predicted).float().mean()):.1f} % of the points right"
        own = {"points": _plain(points), "names": names[row]}
        rows[row] = [
            Cloud("truth", labels=truth.cpu().numpy(), **own),
            Cloud("prediction", labels=predicted.cpu().numpy(), note=same, **own),
        ]
    return Exhibit("Labels of points", "True and predicted labels of the points of some test shapes.", rows)


def _plain(points: Tensor) -> np.ndarray:
    return normalize_unit_sphere(points[None, :, :3].float().cpu())[0].numpy()
