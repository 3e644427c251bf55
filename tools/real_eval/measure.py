"""What is measured of one encoder: zero-shot, nearest neighbour, linear SVM, few-shot, and number of points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from models.encoder import Encoding, PointEncoder
from models.network import Network
from models.text_teachers import TextTeacher
from tools.benchmark.robustness import BATCH, FEEDS, Clouds, thin
from tools.tasks.svm import SvmConfig, linear_svm
from tools.tasks.zeroshot import class_features, group_accuracy, rank_classes, top_accuracies
from utils.metrics import accuracy, by_class, mean_std
from utils.seeding import generator, seed_everything
from utils.splits import halves

FEWEST_FOR_SVM = 8  # shapes of a class: half of them fit
SETTINGS = ((5, 5), (5, 10), (10, 5), (10, 10))  # ways and shots
FEWEST_TESTED, MOST_TESTED = 5, 20  # shapes of a class beside the shots


@dataclass(frozen=True)
class Protocol:
    """What is asked of every encoder.

    Attributes:
        splits: halves that the linear SVM is fitted to.
        folds: few-shot draws of classes and shots.
        points: numbers of points to measure with.
        seed: of all draws.
    """

    splits: int = 10
    folds: int = 20
    points: tuple[int, ...] = (128, 256, 512, 1024, 2048)
    seed: int = 0


@dataclass(frozen=True)
class Names:
    """The names to choose from.

    Attributes:
        plain: one a class, spelt as texts are.
        synonyms: further names of the classes that have any, by plain name.
    """

    plain: list[str]
    synonyms: Mapping[str, Sequence[str]]


def untrained(encoder: PointEncoder, seed: int) -> PointEncoder:
    """Return an encoder of the same shape with random weights, which names what the first one could name."""
    network = encoder.network
    seed_everything(seed, "model")
    heads = {"img": network.img_proj, "text": network.text_proj}
    widths = {name: layer.out_features for name, layer in heads.items() if layer is not None}
    contrast = network.names[len(network.queries) :]
    fresh = Network(network.shape, network.queries, network.shape.block_form, contrast, widths)
    options = (encoder.npoints, encoder.text_encoder, encoder.text_weights, encoder.ratio, encoder.class_names)
    return PointEncoder(fresh, *options).to(encoder.device)


def passes(encoder: PointEncoder, protocol: Protocol) -> int:
    """How often `measure` encodes every cloud."""
    return 1 + len(protocol.points) + sum(count > encoder.npoints for count in protocol.points)


def encode(encoder: PointEncoder, clouds: Clouds, count: int | None, most: int | None, seed: int, bar: Any) -> Encoding:
    """Encode all clouds.

    Args:
        encoder: the encoder.
        clouds: of at least `count` points each.
        count: so many random points of each; None: all.
        most: more are reduced to so many by farthest point sampling; None: all are fed.
        seed: of the draw.
        bar: is told of every cloud.

    Returns:
        Features on the CPU, without `local`, of which there would be much.
    """
    parts = []
    for number, start in enumerate(range(0, len(clouds.points), BATCH)):
        batch: Any = clouds.points[start : start + BATCH]
        if count is not None:
            batch = thin(torch.stack(batch), count, seed, number)
        found = encoder.encode(batch, npoints=most, center=clouds.normalizes, scale=clouds.normalizes)
        parts.append([None if part is None else part.cpu() for part in found._replace(local=None)])  # pyright: ignore
        bar.update(len(batch))
    return Encoding(*(None if part[0] is None else torch.cat(part) for part in zip(*parts, strict=True)))  # pyright: ignore


def name_features(teacher: TextTeacher, names: Sequence[str]) -> Tensor:
    """Unit features (C, d) of names over all 60 prompts; also of words that a small teacher never read."""
    return F.normalize(class_features(teacher, names, ensemble=True), dim=1)


def with_synonyms(teacher: TextTeacher, names: Names, features: Tensor) -> Tensor:
    """Average the features (C, d) of names with those of their synonyms, those with words that a teacher never read
    excepted."""
    others = [(i, other) for i, name in enumerate(names.plain) for other in names.synonyms.get(name, ())]
    unread = set(teacher.unknown([other for _, other in others]))
    others = [(i, other) for i, other in others if other not in unread]
    if not others:
        return features
    rows = torch.tensor([i for i, _ in others])
    return F.normalize(features.index_add(0, rows, name_features(teacher, [other for _, other in others])), dim=1)


def zeroshot(joint: Tensor, labels: Tensor, classes: Tensor, names: Names, seen: Sequence[bool]) -> dict[str, Any]:
    """Name shapes by their joint features (n, d) and those (C, d) of the names, of which some were `seen`.

    Returns:
        See `top_accuracies` and `by_class`; and `seen` and `unseen`: the same accuracies over the shapes of these
        classes, see `group_accuracy`.
    """
    best = rank_classes(joint, classes, 1)[1][:, 0]
    found = {**top_accuracies(joint, labels, classes), **by_class(best, labels, names.plain)}
    for group in ("seen", "unseen"):
        members = [i for i, was in enumerate(seen) if was == (group == "seen")]
        inside = torch.isin(labels, torch.tensor(members, dtype=torch.int64))
        tops = top_accuracies(joint[inside], labels[inside], classes)
        found[group] = {**tops, **group_accuracy(joint, labels, classes, members)}
    return found


def nearest_labels(features: Tensor, labels: Tensor, gallery: Tensor) -> Tensor:
    """Labels (n,) of the nearest other shapes by cosine; row i of the gallery (n, d) is the same shape as row i."""
    cosines = F.normalize(features, dim=1) @ F.normalize(gallery, dim=1).T
    return labels[cosines.fill_diagonal_(-2).argmax(1)]


def svm_halves(features: Tensor, labels: Tensor, names: Sequence[str], protocol: Protocol) -> dict[str, Any] | None:
    """Fit a linear SVM to a stratified half of the classes that have enough shapes, and test it on the other half.

    With seed 0 the first halves are those of `tools.paper.claims`.

    Args:
        features: (n, d).
        labels: (n,).
        names: of the classes.
        protocol: says how many halves.

    Returns:
        `mean`, `std`, `best` and `count` of the accuracies over several halves, the number of `classes` and `shapes`;
        None where there are fewer than two classes.
    """
    counts = labels.bincount()
    members = (counts >= FEWEST_FOR_SVM).nonzero()[:, 0]
    if len(members) < 2:
        return None
    inside = torch.isin(labels, members)
    x, y = features[inside], labels[inside]
    draws = (halves(y.numpy(), names, protocol.seed, number) for number in range(protocol.splits))
    found = [_svm_accuracy(x, y, fit, test, protocol.seed) for fit, test in draws]
    return {**mean_std(found), "classes": len(members), "shapes": len(y)}


def few_shot(features: Tensor, labels: Tensor, way: int, shot: int, protocol: Protocol) -> dict[str, Any] | None:
    """Fit a linear SVM to `shot` shapes of each of `way` classes, and test it on up to 20 others of each.

    Returns:
        As `svm_halves`, over several draws of both, and of how many `classes` they are drawn; None where there are
        fewer than `way` with enough shapes.
    """
    members = (labels.bincount() >= shot + FEWEST_TESTED).nonzero()[:, 0]
    if len(members) < way:
        return None
    found = []
    for fold in range(protocol.folds):
        draw = generator("cpu", "few-shot", protocol.seed, way, shot, fold)
        fit, test = [], []
        for label in members[torch.randperm(len(members), generator=draw)[:way]].tolist():
            own = (labels == label).nonzero()[:, 0]
            own = own[torch.randperm(len(own), generator=draw)]
            fit.append(own[:shot])
            test.append(own[shot : shot + MOST_TESTED])
        found.append(_svm_accuracy(features, labels, torch.cat(fit), torch.cat(test), protocol.seed))
    return {**mean_std(found), "classes": len(members)}


def _svm_accuracy(x: Tensor, y: Tensor, fit: Any, test: Any, seed: int) -> float:
    svm = linear_svm(x[fit], y[fit], SvmConfig().C, seed)
    return float(accuracy(torch.from_numpy(svm.predict(x[test].numpy())), y[test])["accuracy"])


def measure(
    encoder: PointEncoder, clouds: Clouds, names: Names, seen: Sequence[bool], protocol: Protocol, bar: Any
) -> dict[str, Any]:
    """Measure one encoder.

    Args:
        encoder: the encoder.
        clouds: the shapes.
        names: the names to choose from.
        seen: of each name, whether it was seen in pretraining.
        protocol: what is asked.
        bar: is told of every cloud that is encoded.

    Returns:
        `seen`, the names that were; `zeroshot`, see there, and `with_synonyms`, where some name has any, both only
        if the weights have features in the space of texts; `unread`, names with words that the text teacher never
        read; `nearest_neighbor`, leave one out; `svm`; `few_shot` by setting; and `points`, by how clouds are fed
        and number of points, accuracies of zero-shot and nearest neighbour (against the whole clouds).
    """
    labels, seed = clouds.labels, protocol.seed
    whole = encode(encoder, clouds, None, encoder.npoints, seed, bar)
    found: dict[str, Any] = {
        "npoints": encoder.npoints,
        "shapes": len(labels),
        "seen": [name for name, was in zip(names.plain, seen, strict=True) if was],
    }
    classes = None
    if encoder.network.text_proj is not None:
        teacher = encoder.open_teacher()
        classes = name_features(teacher, names.plain)
        found["unread"] = teacher.unknown(names.plain)
        joint = encoder.joint(whole)
        found["zeroshot"] = zeroshot(joint, labels, classes, names, seen)
        if names.synonyms:
            averaged = with_synonyms(teacher, names, classes)
            found["with_synonyms"] = zeroshot(joint, labels, averaged, names, seen)
    neighbor = nearest_labels(whole.pooled, labels, whole.pooled)
    found["nearest_neighbor"] = accuracy(neighbor, labels) | by_class(neighbor, labels, names.plain)
    found["svm"] = svm_halves(whole.pooled, labels, names.plain, protocol)
    found["few_shot"] = {
        f"{way}-way {shot}-shot": few_shot(whole.pooled, labels, way, shot, protocol) for way, shot in SETTINGS
    }
    found["points"] = {feed: {} for feed in FEEDS}
    for count in protocol.points:
        row = {}
        for feed, most in (("fed", None), ("sampled", encoder.npoints)):
            if feed == "fed" or count > encoder.npoints:  # otherwise they are the same
                few = encode(encoder, clouds, count, most, seed, bar)
                row = {"nearest_neighbor": accuracy(nearest_labels(few.pooled, labels, whole.pooled), labels)}
                if classes is not None:
                    row["zeroshot"] = accuracy(rank_classes(encoder.joint(few), classes, 1)[1][:, 0], labels)
            found["points"][feed][count] = row
    return found
