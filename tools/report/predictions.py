"""predictions.csv: the best names of every shape of a zero-shot run."""

import csv
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from utils.errors import UserError
from utils.files import atomic_write, writing

PREDICTIONS, GUESSES = "predictions.csv", 5


def prediction_rows(
    split: str, files: Sequence[str] | None, labels: Tensor, cosines: Tensor, ranked: Tensor, names: Sequence[str]
) -> list[list]:
    """Lay out a row for each shape: split, file (or index), truth (if it is known), and name and cosine of each guess.

    Args:
        split: which split they are of.
        files: of the n shapes, if they have files of their own.
        labels: (n,) positions in `names`, or -1.
        cosines, ranked: (n, k) from `rank_classes`.
        names: C names.
    """
    rows = []
    for i, (label, scores, best) in enumerate(zip(*(t.tolist() for t in (labels, cosines, ranked)), strict=True)):
        guesses = [cell for c, score in zip(best, scores, strict=True) for cell in (names[c], f"{score:.4f}")]
        rows.append([split, files[i] if files else i, names[label] if label >= 0 else "", *guesses])
    return rows


def write_predictions(path: Path, rows: Sequence[Sequence]) -> None:
    """Write the rows of `prediction_rows` under a head line.

    Raises:
        UserError: if the file cannot be written.
    """
    guesses = range(1, (len(rows[0]) - 3) // 2 + 1)
    head = ["split", "file", "truth"] + [f"{what}{i}" for i in guesses for what in ("name", "cosine")]
    with writing(path), atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


def read_predictions(path: Path) -> dict[str, list[dict[str, str]]]:
    """Read the rows of each split, in the order of its data set.

    Raises:
        UserError: if the file is missing or damaged.
    """
    splits: dict[str, list[dict[str, str]]] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                splits.setdefault(row["split"], []).append(row)
    except (OSError, ValueError, KeyError, csv.Error):
        raise UserError(f"{path} is missing or damaged") from None
    return splits
