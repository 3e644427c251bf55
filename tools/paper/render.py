"""A table of planned runs, printed and saved: the mean of each cell's runs beside the paper's number."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.paper.runs import PlannedRun
from tools.report.tables import markdown_table, text_table
from utils.files import write_text, writing
from utils.logging import write_json
from utils.metrics import mean_std

LAST = "not the epoch that was best on the test data but the last (with voting: the mean round of that best epoch)"
FIELDS = tuple("row column paper paper_std ours std best n runs difference last last_std".split())


@dataclass(frozen=True)
class Cell:
    """One number of a table: the mean of runs that differ by their seed or fold.

    Attributes:
        runs: to be averaged.
        path: where the number stands in metrics.json, as the paper counts.
        last: where the last epoch's stands, and of voting the mean round's, if the paper's is chosen on the test data.
    """

    runs: tuple[PlannedRun, ...]
    path: tuple[str, ...]
    last: tuple[str, ...] | None = None

    def values(self, path: tuple[str, ...]) -> list[float]:
        """The number at a path of every finished run."""
        numbers = []
        for found in filter(None, (run.result() for run in self.runs)):
            for key in path:
                found = found[key]
            numbers.append(found)
        return numbers


@dataclass
class Table:
    """Cells by row and column beside the paper's numbers: floats, or [mean, std] over folds."""

    title: str
    columns: list[str]
    rows: dict[str, dict[str, Cell]]
    paper: dict[str, dict[str, float | list[float]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def runs(self) -> list[PlannedRun]:
        return [run for row in self.rows.values() for cell in row.values() for run in cell.runs]


def table_records(table: Table) -> list[dict]:
    """One record of `FIELDS` for every number that the paper has or that is planned here.

    `ours` counts as the paper does, `best` is the best seed, `last` see `Cell`; `n` of `runs` are done.
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
    values = cell.values(cell.path)
    record = {"n": len(values), "runs": len(cell.runs)}
    if values:
        ours = mean_std(values)
        best = None if any(run.fold for run in cell.runs) else ours["best"]  # folds are not to be chosen among
        gap = None if paper is None else ours["mean"] - paper
        record |= {"ours": ours["mean"], "std": ours["std"], "best": best, "difference": gap}
        if cell.last:
            last = mean_std(cell.values(cell.last))
            record |= {"last": last["mean"], "last_std": last["std"]}
    return record


def _number(mean: float | None, std: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:.1f}" if std is None else f"{mean:.1f} +- {std:.1f}"


def _beside_the_paper(record: dict) -> str:
    done, runs, text = record["n"], record["runs"], ""
    if runs:
        text = _number(record["ours"], record["std"] if done > 1 else None)
        if done > 1 and record["best"] is not None:
            text += f", best {record['best']:.1f}"
        if done and runs > 1:
            text += f", n {done}" + f" of {runs}" * (done < runs)
    if record["paper"] is not None:
        gap = "" if record["difference"] is None else f"; {record['difference']:+.1f}"
        text += f" ({_number(record['paper'], record['paper_std'])}{gap})"
    return text.strip()


def _last(record: dict) -> str:
    return _number(record["last"], record["last_std"] if record["n"] > 1 else None)


def grids(table: Table) -> dict[str, list[list[str]]]:
    """What is printed, as rows of text by title: ours, in brackets the paper's and the difference; and `LAST`."""
    found = table_records(table)
    last = [record for record in found if record["last"] is not None]
    shown = {table.title: (found, _beside_the_paper)} | ({LAST: (last, _last)} if last else {})
    return {title: _grid(table.columns, *content) for title, content in shown.items()}


def _grid(columns: Sequence[str], found: Sequence[dict], text: Callable[[dict], str]) -> list[list[str]]:
    cells = {(record["row"], record["column"]): text(record) for record in found}
    rows = dict.fromkeys(row for row, _ in cells)
    return [["", *columns], *([row, *(cells.get((row, column), "") for column in columns)] for row in rows)]


def remarks(table: Table) -> list[str]:
    """The notes of a table, and whether its runs are of one state of the code."""
    revisions = {result.get("git_revision") for run in table.runs if (result := run.result())}
    mixed = [f"the runs are of {len(revisions)} revisions of the code, see the JSON file"] if len(revisions) > 1 else []
    return [*table.notes, *mixed]


def table_page(table: Table) -> str:
    """The table in Markdown, with its notes below it."""
    lines = []
    for title, rows in grids(table).items():
        lines += [f"{'###' if lines else '##'} {title}", "", markdown_table(rows), ""]
    return "\n".join([*lines, *(f"* {note}" for note in remarks(table))]) + "\n"


def save_table(table: Table, stem: Path) -> bool:
    """Write the table as Markdown, CSV and JSON; returns whether there was a number to write.

    Raises:
        UserError: if the files cannot be written.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, FIELDS)
    writer.writeheader()
    writer.writerows(table_records(table))
    results = {str(run): run.result() for run in table.runs}
    if not any(results.values()):
        return False  # an earlier table may stand there
    with writing(f"{stem}.*"):
        stem.parent.mkdir(parents=True, exist_ok=True)
        for suffix, text in ((".md", table_page(table)), (".csv", lines.getvalue())):
            write_text(text, stem.with_name(stem.name + suffix))
        runs = {
            run: {"done": bool(found), "git_revision": (found or {}).get("git_revision")}
            for run, found in results.items()
        }
        content = {"title": table.title, "notes": remarks(table), "cells": table_records(table), "runs": runs}
        write_json(content, stem.with_name(f"{stem.name}.json"))
    return True


def show(table: Table) -> None:
    """Print the table and its notes."""
    for title, rows in grids(table).items():
        print(f"{title}\n\n{text_table(rows)}\n")
    print("\n".join([*(f"* {note}" for note in remarks(table)), ""]))
