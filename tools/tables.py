"""Tables of runs: the mean of each cell's runs beside the paper's number, as text, Markdown, CSV and JSON."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.jobs import Job, run_jobs
from tools.report import table as layout
from utils.errors import UserError
from utils.files import written_whole
from utils.logging import write_json
from utils.metrics import mean_std

FIELDS = (
    "row",
    "column",
    "paper",
    "paper_std",
    "ours",
    "std",
    "n",
    "runs",
    "difference",
    "unselected",
    "unselected_std",
)


@dataclass(frozen=True)
class Cell:
    """One number of a table: the mean of runs that differ by their seed or fold.

    Attributes:
        jobs: the runs.
        path: where the number stands in metrics.json, as the paper counts.
        unselected: the same without choosing on the test data: the last epoch, the mean round of voting.
    """

    jobs: tuple[Job, ...]
    path: tuple[str, ...]
    unselected: tuple[str, ...]

    def values(self) -> list[tuple[float, float]]:
        """Both numbers of every run that is done."""
        results = [result for job in self.jobs if (result := job.result())]
        return [(_look_up(result, self.path), _look_up(result, self.unselected)) for result in results]


def _look_up(node, path: tuple[str, ...]) -> float:
    for key in path:
        node = node[key]
    return node


@dataclass
class Table:
    """Cells by row and column beside the paper's numbers: floats, or [mean, std] over folds."""

    title: str
    columns: list[str]
    rows: dict[str, dict[str, Cell]]
    paper: dict[str, dict[str, float | list[float]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def jobs(self) -> list[Job]:
        return [job for row in self.rows.values() for cell in row.values() for job in cell.jobs]


def records(table: Table) -> list[dict]:
    """One record of `FIELDS` for every number that the paper has or that is planned here.

    `ours` counts as the paper does, `unselected` is the last epoch or the mean round of voting; `n` of `runs` are done.
    """
    found = []
    for row in [*table.paper, *(row for row in table.rows if row not in table.paper)]:
        for column in table.columns:
            paper, cell = table.paper.get(row, {}).get(column), table.rows.get(row, {}).get(column)
            if paper is None and cell is None:
                continue
            mean, std = paper if isinstance(paper, list) else (paper, None)
            record = dict.fromkeys(FIELDS) | {"row": row, "column": column, "paper": mean, "paper_std": std}
            found.append(record | _ours(cell, mean) if cell else record)
    return found


def _ours(cell: Cell, paper: float | None) -> dict:
    values = cell.values()
    record = {"n": len(values), "runs": len(cell.jobs)}
    if values:
        ours, unselected = (mean_std(numbers) for numbers in zip(*values, strict=True))
        record |= {
            "ours": ours["mean"],
            "std": ours["std"],
            "unselected": unselected["mean"],
            "unselected_std": unselected["std"],
        }
        record["difference"] = None if paper is None else ours["mean"] - paper
    return record


def _number(mean: float | None, std: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:.1f}" if std is None else f"{mean:.1f} +- {std:.1f}"


def grid(table: Table) -> list[list[str]]:
    """The table as rows of text: ours, then in brackets the paper's and the difference."""
    cells = {(record["row"], record["column"]): record for record in records(table)}
    rows = [["", *table.columns]]
    for row in dict.fromkeys(row for row, _ in cells):
        line = [row]
        for column in table.columns:
            record = cells.get((row, column))
            if record is None:
                line.append("")
                continue
            done, runs = record["n"], record["runs"]
            text = _number(record["ours"], record["std"] if done and done > 1 else None) if runs else ""
            if done and runs > 1:
                text += f", n {done}" + f" of {runs}" * (done < runs)
            if record["paper"] is not None:
                gap = "" if record["difference"] is None else f"; {record['difference']:+.1f}"
                text += f" ({_number(record['paper'], record['paper_std'])}{gap})"
            line.append(text.strip())
        rows.append(line)
    return rows


def markdown(table: Table) -> str:
    """The table in Markdown, with what differs in protocol below it."""
    rows = [f"| {' | '.join(row)} |" for row in grid(table)]
    rows.insert(1, "|---" * (len(table.columns) + 1) + "|")
    return "\n".join([f"## {table.title}", "", *rows, "", *(f"* {note}" for note in table.notes)]) + "\n"


def save(table: Table, stem: Path) -> None:
    """Write the table as Markdown, CSV and JSON.

    Raises:
        UserError: if the files cannot be written.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, FIELDS)
    writer.writeheader()
    writer.writerows(records(table))
    runs = {str(job): job.result() is not None for job in table.jobs}
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for suffix, text in ((".md", markdown(table)), (".csv", lines.getvalue())):
            with written_whole(stem.with_suffix(suffix)) as temporary:
                temporary.write_text(text, encoding="utf-8")
        content = {"title": table.title, "notes": table.notes, "cells": records(table), "runs": runs}
        write_json(content, stem.with_suffix(".json"))
    except OSError as error:
        raise UserError(f"{stem}.* cannot be written: {error.strerror}") from None


def show(table: Table) -> None:
    """Print the table and its notes."""
    print("\n".join([table.title, "", layout(grid(table)), "", *(f"* {note}" for note in table.notes), ""]))


def make(tables: Mapping[Path, Table], places: Sequence[str], logs: Path, workers: int | None = None) -> None:
    """Make the runs that tables lack, then save and print them; interrupted, save what there is.

    Args:
        tables: by where each is saved, without a suffix.
        places, logs, workers: see `run_jobs`.

    Raises:
        UserError: if runs failed, once all tables are printed.
        KeyboardInterrupt: see `run_jobs`.
    """
    try:
        failed = run_jobs([job for table in tables.values() for job in table.jobs], places, logs, workers)
    finally:
        for stem, table in tables.items():
            save(table, stem)
    for stem, table in tables.items():
        show(table)
        print(f"saved as {stem}.md, .csv and .json\n")
    if failed:
        raise UserError(f"{len(failed)} runs failed or could not start, first {failed[0]}; what they said is in {logs}")
