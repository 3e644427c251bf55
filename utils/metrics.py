"""Numbers that are reported; percentages come with the counts behind them."""

from collections.abc import Sequence

import torch
from torch import Tensor


def accuracy(predicted: Tensor, labels: Tensor) -> dict[str, float | int]:
    """Compare predictions (n,) with labels (n,).

    Returns:
        `accuracy` in percent (0 if n is 0), and the counts `correct` and `total`.
    """
    correct, total = int((predicted == labels).sum()), len(labels)
    return {"accuracy": 100 * correct / max(total, 1), "correct": correct, "total": total}


def topk_accuracy(ranked: Tensor, labels: Tensor, ks: Sequence[int] = (1, 3, 5)) -> dict[str, dict[str, float | int]]:
    """Return `accuracy` as `top<k>`, for each k, of classes (n, K) ranked best first; k is at most K."""
    hits = ranked == labels[:, None]
    return {f"top{k}": accuracy(hits[:, :k].any(1), torch.ones_like(labels, dtype=torch.bool)) for k in ks}


def class_accuracy(predicted: Tensor, labels: Tensor, names: Sequence[str]) -> dict[str, dict[str, float | int]]:
    """Return `accuracy` of each class that occurs in `labels`, by its name (index = label)."""
    return {names[i]: accuracy(predicted[labels == i], labels[labels == i]) for i in labels.unique().tolist()}


def mean_std(values: Sequence[float]) -> dict[str, float | int]:
    """Return mean, population standard deviation, best (highest) and count of some numbers."""
    numbers = torch.tensor(values, dtype=torch.float64)
    return {
        "mean": float(numbers.mean()),
        "std": float(numbers.std(correction=0)),
        "best": float(numbers.max()),
        "count": len(values),
    }
