"""Tables and pictures of `tools.paper.claims` from its records: `python -m tools.paper.claims_page docs/claims`."""

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tools.paper.claims_grid import Grid, read_grid
from tools.report.tables import markdown_table
from tools.visualize.colors import COLORS
from utils.errors import Parser, UserError, run_command
from utils.files import read_text, write_text
from utils.logging import write_json
from utils.metrics import mean_std

RUNS = "runs"  # folder of the records
BEGIN, END = "<!-- measurements -->", "<!-- end of measurements -->"
OPEN, NONE = "open", "-"
MARKERS = "osD^vP"
TERMS = {"mdm": "reconstruction", "csc_img": "contrast with images", "csc_text": "contrast with texts"}
QUERIES = {"local": "local tokens", "image": "image query", "text": "text query"}
LEGEND = f"Mean +- standard deviation over seeds, n of them if not all; {OPEN}: not measured yet; {NONE}: not planned."

Column = tuple[str, int]  # data and epochs


def read_records(out: Path) -> dict[str, dict[str, Any]]:
    """Read all records by name.

    Raises:
        UserError: if one is damaged.
    """
    found = {}
    for path in sorted((out / RUNS).glob("*.json")):
        try:
            found[path.stem] = json.loads(read_text(path))
            if not isinstance(found[path.stem]["numbers"], dict):
                raise ValueError("its numbers are no mapping")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
    return found


class GridResults:
    """The records of a grid, by what they are of.

    Args:
        grid: what is planned.
        records: what is there.
    """

    def __init__(self, grid: Grid, records: Iterable[Mapping[str, Any]]):
        self.grid, self.records = grid, list(records)
        self.planned: dict[tuple[str, Column], list[int]] = {}  # seeds
        for stage in grid.stages:
            for model in stage.models or grid.models:
                for column in ((data, epochs) for data in grid.data for epochs in stage.epochs):
                    seeds = self.planned.setdefault((model, column), [])
                    seeds += [seed for seed in stage.seeds if seed not in seeds]
        lengths = sorted({epochs for stage in grid.stages for epochs in stage.epochs})
        self.columns: list[Column] = [(data, epochs) for data in grid.data for epochs in lengths]

    def of(self, model: str, column: Column) -> list[Mapping[str, Any]]:
        """The records of a model on a data set for so many epochs, one a seed."""
        data, epochs = column
        spec = {"model": model, "data": data, "epochs": epochs}
        seeds = self.planned.get((model, column), [])
        return [found for found in self.records if {**found, **spec} == found and found["seed"] in seeds]

    def values(self, model: str, column: Column, measure: str) -> list[float]:
        """A measure of each seed."""
        return [found["numbers"][measure] for found in self.of(model, column) if measure in found["numbers"]]

    def measurable(self, model: str, measure: str) -> bool:
        return self.grid.measures[measure].task not in self.grid.models[model].lacks

    def cell(self, model: str, column: Column, measure: str) -> str:
        """A measure, as tables show it."""
        planned = self.planned.get((model, column))
        if not planned or not self.measurable(model, measure):
            return NONE
        values = self.values(model, column, measure)
        if not values:
            return OPEN
        numbers, count = mean_std(values), "" if len(values) == len(planned) else f" (n {len(values)})"
        return (f"{numbers['mean']:.1f}" + f" +- {numbers['std']:.1f}" * (len(values) > 1)) + count

    def table(self, text: Callable[[str, Column], str], models: Sequence[str] | None = None) -> str:
        """Lay out what every model has on every data set for every length of training."""
        models = list(models or self.grid.models)
        rows = [["data", "epochs", *(self.grid.models[model].title for model in models)]]
        rows += [[self.grid.data[c[0]].title, c[1], *(text(model, c) for model in models)] for c in self.columns]
        return markdown_table(rows)

    def losses(self, model: str, column: Column, term: str) -> str:
        """A loss term at the end of training, and where it was lowest on held-out shapes."""
        if not self.planned.get((model, column)):
            return NONE
        found = [record["losses"] for record in self.of(model, column)]
        if not found:
            return OPEN
        found = [own for own in found if term in own["held_out"]]
        if not found:
            return NONE
        last = [np.mean([own[kind][term][-1] for own in found]) for kind in ("train", "held_out")]
        curve = np.mean([own["held_out"][term] for own in found], axis=0)
        lowest = int(curve.argmin())
        return f"{last[0]:.3g} / {last[1]:.3g} ({curve[lowest]:.3g} after {found[0]['epoch'][lowest] + 1})"

    def attention(self) -> str:
        """Attention spread by layer of the longest training of every model, and where it is."""
        rows: list[list[Any]] = []
        for model, spec in self.grid.models.items():
            if "attention" in spec.lacks:
                continue
            for data in self.grid.data:
                done = [c for c in self.columns if c[0] == data and any(r.get("attention") for r in self.of(model, c))]
                if not done:
                    continue
                looks = [record["attention"] for record in self.of(model, done[-1]) if record.get("attention")]
                start = [spec.title, self.grid.data[data].title, done[-1][1]]
                for name, title in QUERIES.items():
                    for kind in ("distance", "spread"):
                        curves = [own["mean"][name][kind] for own in looks if kind in own["mean"].get(name, ())]
                        if curves:
                            layers = [f"{value:.3f}" for value in np.mean(curves, axis=0)]
                            uniform = f"{np.mean([own['uniform'] for own in looks]):.3f}"
                            rows.append([*start, f"{title}, {kind}", *layers, uniform])
        if not rows:
            return ""
        layers = [f"layer {i + 1}" for i in range(len(rows[0]) - 5)]
        return markdown_table([["model", "data", "epochs", "tokens", *layers, "uniform"], *rows])

    def count(self) -> str:
        """How much of the grid there is."""
        planned = sum(map(len, self.planned.values()))
        done = sum(len(self.of(*key)) for key in self.planned)
        return f"{done} of {planned} pretrainings are measured."

    def remarks(self) -> list[str]:
        """What must be known to read the tables."""
        found = list(self.grid.notes)
        for key, what in {"git_revision": "revisions of the code", "world": "synthetic worlds"}.items():
            by_data = {(record["data"] if key == "world" else "", record.get(key)) for record in self.records}
            several = len(by_data) - len({data for data, _ in by_data})
            found += [f"the records are of {several + 1} {what}, see there"] if several else []
        return found


def accuracy_picture(results: GridResults) -> Figure:
    """Every measure over the length of training: a row a measure, a column a data set, a curve a model."""
    grid = results.grid
    figure, axes = plt.subplots(
        len(grid.measures),
        len(grid.data),
        figsize=(3.4 * len(grid.data) + 1, 2.3 * len(grid.measures)),
        sharex=True,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    lengths = sorted({epochs for _, epochs in results.columns})
    for row, (measure, spec) in zip(axes, grid.measures.items(), strict=True):
        row[0].set_ylabel(textwrap.fill(spec.title, 26) + " (%)", fontsize=8)
        for panel, data in zip(row, grid.data, strict=True):
            for i, ((model, own), color) in enumerate(zip(grid.models.items(), COLORS, strict=False)):
                values = {n: results.values(model, (data, n), measure) for n in lengths}
                numbers = {n: mean_std(found) for n, found in values.items() if found}
                middle = [found["mean"] for found in numbers.values()]
                error = [found["std"] for found in numbers.values()]
                beside = [n * 1.04 ** (i - (len(grid.models) - 1) / 2) for n in numbers]  # not on top of each other
                style = {"color": color, "marker": MARKERS[i % len(MARKERS)]}
                style |= {"markersize": 4.5, "linewidth": 1.3, "capsize": 2}
                panel.errorbar(beside, middle, error, label=own.title, **style)
            panel.set(xscale="log", xticks=lengths, xticklabels=map(str, lengths))
            panel.set_xlim(lengths[0] / 1.3, lengths[-1] * 1.3)
            panel.minorticks_off()
            _plain(panel)
    _heads(axes, [about.title for about in grid.data.values()], "epochs of pretraining")
    _legend(figure, axes[0, 0])
    return figure


def loss_picture(results: GridResults) -> Figure:
    """Loss terms over training: of training shapes solid, of held-out ones dashed.

    On each data set those of the length that most models have, of several such of the longest.
    """
    grid = results.grid
    figure, axes = plt.subplots(
        len(TERMS), len(grid.data), figsize=(3.4 * len(grid.data) + 1, 2.6 * len(TERMS)), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    heads = []
    for column, (data, about) in zip(axes.T, grid.data.items(), strict=True):
        own = [column for column in results.columns if column[0] == data]
        chosen = max(own, key=lambda c: (sum(bool(results.of(model, c)) for model in grid.models), c[1]))
        heads.append(f"{about.title}, {chosen[1]} epochs")
        for panel, term in zip(column, TERMS, strict=True):
            for (model, own), color in zip(grid.models.items(), COLORS, strict=False):
                curves = [
                    record["losses"] for record in results.of(model, chosen) if term in record["losses"]["held_out"]
                ]
                panel.plot([], [], color=color, label=own.title)
                for kind, line in (("train", ".-"), ("held_out", ".--")) if curves else ():
                    mean = np.mean([curve[kind][term] for curve in curves], axis=0)
                    style = {"color": color, "linewidth": 1.3, "markersize": 3}
                    panel.plot(np.array(curves[0]["epoch"]) + 1, mean, line, **style)
            panel.set_yscale("log")
            _plain(panel)
    for panel, title in zip(axes[:, 0], TERMS.values(), strict=True):
        panel.set_ylabel(f"{title}\n(dashed: held out)", fontsize=8)
    _heads(axes, heads, "epoch of pretraining")
    _legend(figure, axes[0, 0])
    return figure


def _plain(panel: Any) -> None:
    panel.grid(color="#e5e5e5", linewidth=0.8)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(which="both", labelsize=8)


def _heads(axes: Any, titles: Sequence[str], below: str) -> None:
    for top, bottom, title in zip(axes[0], axes[-1], titles, strict=True):
        top.set_title(title, fontsize=11)
        bottom.set_xlabel(below, fontsize=9)


def _legend(figure: Figure, panel: Any) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def block(results: GridResults, folder: str) -> str:
    """Everything that is measured, in Markdown; pictures are in `folder`."""
    lines = [results.count(), LEGEND, ""]
    for measure, spec in results.grid.measures.items():
        lines += [f"### {spec.title[0].upper()}{spec.title[1:]} (%)", ""]
        models = [model for model in results.grid.models if results.measurable(model, measure)]
        lines += [results.table(lambda model, column, m=measure: results.cell(model, column, m), models), ""]
    lines += [f"![accuracy over the length of training]({folder}/accuracy.png)", ""]
    for term, title in TERMS.items():
        lines += [
            f"### Loss: {title}",
            "",
            "At the end, training / held-out (held-out at its lowest, after epochs).",
            "",
        ]
        lines += [results.table(lambda model, column, t=term: results.losses(model, column, t)), ""]
    lines += [f"![losses of training and of held-out shapes]({folder}/losses.png)", ""]
    lines += ["### Attention by layer", ""]
    lines += ["Radius of a shape: 1. Spread: mean distance between two patches drawn from the attention of one token, "]
    lines += ["defined for queries, too; distance: from a token to a patch drawn from its attention.", ""]
    lines += [results.attention() or OPEN, ""]
    return "\n".join([*lines, *(f"* {note}" for note in results.remarks())])


def summary_rows(results: GridResults) -> list[dict[str, Any]]:
    """One row for every number that is measured."""
    rows = []
    for (model, (data, epochs)), seeds in results.planned.items():
        for measure in results.grid.measures:
            if results.measurable(model, measure):
                values = results.values(model, (data, epochs), measure)
                if not values:
                    continue
                numbers = mean_std(values)
                row = {"model": model, "data": data, "epochs": epochs, "measure": measure}
                rows.append(row | {key: numbers[key] for key in ("mean", "std")} | {"n": len(values), "of": len(seeds)})
    return rows


def render_page(grid: Grid, out: Path) -> str:
    """Write `<out>.md` (between its marks, if it is there), the pictures and summary.json in `out`.

    Returns:
        Where, and how much of the grid there is.

    Raises:
        UserError: if a record is damaged, the page has no marks, or something cannot be written.
    """
    records = read_records(out)
    results, page = GridResults(grid, records.values()), out.with_suffix(".md")
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = read_text(page) if page.is_file() else f"# {grid.title}\n\n{BEGIN}\n{END}\n"
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise UserError(f"{page} has no lines {BEGIN} and {END} to write between")
        write_text(f"{before}{BEGIN}\n\n{block(results, out.name)}\n\n{END}{after}", page)
        write_json({"title": grid.title, "cells": summary_rows(results)}, out / "summary.json")
        for name, picture in (("accuracy", accuracy_picture), ("losses", loss_picture)):
            figure = picture(results)
            figure.savefig(out / f"{name}.png", dpi=110)
            plt.close(figure)
    except OSError as error:
        raise UserError(f"{page} cannot be written: {error.strerror}") from None
    return f"{results.count()} {page}, pictures and records in {out}"


def main() -> None:
    """Command line: write the page anew from the records that are there."""
    parser = Parser(prog="tools.paper.claims_page", description="Write the page of the claims from its records.")
    parser.add_argument("out", type=Path, help="folder of the records; the page is written beside it, as .md")
    args = parser.parse_args()
    print(render_page(read_grid(), args.out))


if __name__ == "__main__":
    run_command(main)
