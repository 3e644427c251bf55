"""Tables from the metrics.json files that runs leave; logs are never read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from utils.errors import UserError
from utils.logging import read_metrics
from utils.metrics import mean_std

EXPERIMENTS = Path("experiments")
LEGEND = """\
from scratch: the same network without pretraining (for the SVM: with random weights)
fine-tuning:  few labelled scans a class; one-sided, noisy, with background
zero-shot:    no label at all, a shape is compared with class names; "unseen" names never stood in pretraining"""


def result(folder: Path) -> dict:
    """Read what a run found, see `read_metrics`.

    Raises:
        UserError: if it is missing, damaged, or of a run that did not finish.
    """
    found = read_metrics(folder)
    if found is None:
        raise UserError(f"no results at {folder}: that run has not been made")
    if not found.get("finished"):
        raise UserError(f"{folder} is of a run that did not finish (continue it with --resume)")
    return found


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells, the first row as the head, the first column to the left and the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)]
        return "  ".join(cells)

    return "\n".join([line(rows[0]), "  ".join("-" * w for w in widths), *map(line, rows[1:])])


def markdown_table(rows: Sequence[Sequence[Any]]) -> str:
    """The same in Markdown, of any cells."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _spread(values: list[float]) -> str:
    numbers = mean_std(values)
    return f"{numbers['mean']:.1f} +- {numbers['std']:.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def demo_table(name: str) -> str:
    """The table that `scripts/demo.sh` ends with.

    Args:
        name: how the demo called its runs.

    Raises:
        UserError: if a run is missing.
    """
    from datasets.scanobjectnn import CLASS_NAMES  # with all readers, which the other tables can do without

    tuned = {}
    for kind in ("scratch", "recon"):
        paths = sorted((EXPERIMENTS / "finetune_scan" / "demo").glob(f"{name}-{kind}-*/metrics.json"))
        if not paths:
            raise UserError(f"no results under {EXPERIMENTS}/finetune_scan/demo/{name}-{kind}-*: run scripts/demo.sh")
        tuned[kind] = [result(path.parent) for path in paths]
    svm = {kind: result(EXPERIMENTS / "svm" / "demo" / f"{name}-{kind}") for kind in tuned}
    zero = result(EXPERIMENTS / "zeroshot" / "demo" / name)["last"]

    seeds = len(tuned["recon"])
    last = {kind: [run["last"]["accuracy"] for run in runs] for kind, runs in tuned.items()}
    best = {kind: [run["best"]["accuracy"] for run in runs] for kind, runs in tuned.items()}
    rows = [["accuracy in %", "from scratch", "ReCon", "chance"]]
    for title, values in (("last epoch", last), ("best epoch", best)):
        head = f"fine-tuning on scans, {title}" + (f" ({seeds} seeds)" if seeds > 1 else "")
        rows.append([head, _spread(values["scratch"]), _spread(values["recon"]), _chance(len(CLASS_NAMES))])
    classes = zero["seen"]["classes"] + zero["unseen"]["classes"]
    scores = {kind: run["last"]["accuracy"] for kind, run in svm.items()}
    rows.append(
        ["linear SVM on frozen features", f"{scores['scratch']:.1f}", f"{scores['recon']:.1f}", _chance(classes)]
    )
    for group in ("seen", "unseen"):
        among_all, own = zero[group]["among_all_names"], zero[group]["among_own_names"]
        count = zero[group]["classes"]
        rows.append(
            [f"zero-shot, {group} names, among all {classes}", "-", f"{among_all['accuracy']:.1f}", _chance(classes)]
        )
        rows.append([f"zero-shot, {group} names, among these {count}", "-", f"{own['accuracy']:.1f}", _chance(count)])
    return f"{text_table(rows)}\n\n{LEGEND}"


def _chance(classes: int) -> str:
    return f"{100 / classes:.1f}"


def all_runs_table(root: Path) -> str:
    """One row for every finished run below a folder.

    Raises:
        UserError: if there is none.
    """
    rows = [["run", "task", "metric", "best", "last", "seed"]]
    for path in sorted(root.rglob("metrics.json")):
        try:
            run = result(path.parent)
        except UserError:
            continue
        metric = run["metric"]
        values = [run[which].get(metric) for which in ("best", "last")]
        numbers = [f"{value:.4g}" if isinstance(value, int | float) else "-" for value in values]
        rows.append([str(path.parent.relative_to(root)), run["task"], metric, *numbers, str(run["seed"])])
    if len(rows) == 1:
        raise UserError(f"no finished run (metrics.json) below {root}")
    return text_table(rows)
