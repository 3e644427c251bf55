"""Numbers that are reported; percentages come with the counts behind them."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor


def accuracy(predicted: Tensor, labels: Tensor) -> dict[str, float | int]:
    """Compare predictions (n,) with labels (n,).

    Returns:
        See `hit_rate`.
    """
    return hit_rate(int((predicted == labels).sum()), len(labels))


def hit_rate(correct: int, total: int) -> dict[str, float | int]:
    """Return `accuracy` in percent (0 if there is nothing), and the counts `correct` and `total`."""
    return {"accuracy": 100 * correct / max(total, 1), "correct": correct, "total": total}


def topk_accuracy(ranked: Tensor, labels: Tensor, ks: Sequence[int] = (1, 3, 5)) -> dict[str, dict[str, float | int]]:
    """Return `accuracy` as `top<k>`, for each k, of classes (n, K) ranked best first; k is at most K."""
    hits = ranked == labels[:, None]
    return {f"top{k}": accuracy(hits[:, :k].any(1), torch.ones_like(labels, dtype=torch.bool)) for k in ks}


def by_class(predicted: Tensor, labels: Tensor, names: Sequence[str]) -> dict[str, dict[str, dict]]:
    """Compare predictions (n,) with labels (n,) class by class.

    Returns:
        Of each class that occurs in `labels`, by its name (index = label): `class_accuracy`, see `accuracy`, and
        `confusion`, how often which name was predicted, the most frequent first.
    """
    table, confusion = {}, {}
    for i in labels.unique().tolist():
        own = predicted[labels == i]
        table[names[i]] = accuracy(own, labels[labels == i])
        guesses = Counter(own.tolist()).most_common()
        # A classifier may have more classes than its data set.
        confusion[names[i]] = {names[k] if k < len(names) else f"class {k}": count for k, count in guesses}
    return {"class_accuracy": table, "confusion": confusion}


def mean_std(values: Sequence[float]) -> dict[str, float | int]:
    """Return mean, population standard deviation, best (highest) and count of some numbers."""
    numbers = torch.tensor(values, dtype=torch.float64)
    return {
        "mean": float(numbers.mean()),
        "std": float(numbers.std(correction=0)),
        "best": float(numbers.max()),
        "count": len(values),
    }


def part_iou(predicted: Tensor, truth: Tensor, parts: Tensor) -> Tensor:
    """Mean IoU of each shape over the parts of its category (ShapeNetPart).

    Args:
        predicted: (M, N) int64 part of every point.
        truth: likewise.
        parts: (M, P) bool, which parts a shape's category has.

    Returns:
        (M,) float64 in [0, 1]; a part that neither has counts 1.
    """
    one = torch.ones_like(truth)
    count = torch.zeros(parts.shape, dtype=torch.int64, device=truth.device)
    both = count.scatter_add(1, truth, (predicted == truth).long())
    either = count.scatter_add(1, truth, one).scatter_add(1, predicted, one) - both
    iou = torch.where(either > 0, both.double() / either, 1.0)
    return (iou * parts).sum(1) / parts.sum(1)


def part_scores(iou: Tensor, category: Tensor, names: Sequence[str]) -> dict:
    """Average the IoU of shapes (M,) in [0, 1] over all of them, and over categories (M,) that occur.

    Returns:
        `instance_miou` and `class_miou` in percent, the counts `shapes` and `categories`, and `category_miou`: `miou`
        and `shapes` of each category by its name (index = category).
    """
    parts = {names[i]: 100 * iou[category == i] for i in category.unique().tolist()}
    table = {name: {"miou": float(part.mean()), "shapes": len(part)} for name, part in parts.items()}
    return {
        "instance_miou": float(100 * iou.mean()),
        "class_miou": sum(row["miou"] for row in table.values()) / len(table),
        "shapes": len(iou),
        "categories": len(table),
        "category_miou": table,
    }


def confusion_matrix(predicted: Tensor, truth: Tensor, classes: int) -> Tensor:
    """Count points by their true (row) and predicted (column) class; any shape of int64 to (classes, classes)."""
    pairs = truth.flatten() * classes + predicted.flatten()
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes)


def semantic_scores(confusion: Tensor, names: Sequence[str]) -> dict:
    """Summarise a confusion matrix (C, C) of points, see `confusion_matrix`.

    Returns:
        In percent `miou`, over the classes that truth or prediction has, `macc`, the mean accuracy over those that
        truth has, and `accuracy` of all points with its counts `correct` and `total`; and `class_iou`: `iou`,
        `accuracy` and counts of each class that either has, by its name.
    """
    both, truth = confusion.diagonal(), confusion.sum(1)
    either = truth + confusion.sum(0) - both
    table = {
        names[i]: {
            "iou": 100 * int(both[i]) / int(either[i]),
            "union": int(either[i]),
            **hit_rate(int(both[i]), int(truth[i])),
        }
        for i in either.nonzero().flatten().tolist()
    }
    recalls = [row["accuracy"] for row in table.values() if row["total"]]
    return {
        "miou": sum(row["iou"] for row in table.values()) / len(table),
        "macc": sum(recalls) / len(recalls),
        **hit_rate(int(both.sum()), int(truth.sum())),
        "classes": len(table),
        "class_iou": table,
    }
