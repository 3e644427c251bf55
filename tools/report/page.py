"""A report: one HTML file that shows a run, or several side by side, and opens anywhere without a network."""

import html
import json
import os
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from plotly import graph_objects as go
from plotly.offline import get_plotlyjs

from tools.engine.run import Run, past_run
from tools.report import figures
from tools.report.exhibits import Cloud, Exhibit
from utils.config import flatten, load_config, read_yaml
from utils.errors import UserError
from utils.files import write_text, writing
from utils.logging import read_history, read_metrics

NAME = "report.html"
# Curves by the part of their names before the slash, in this order.
FAMILIES = {"loss": "Loss terms", "held_out": "Loss terms over held-out shapes", "test": "Measured on the test set"}
FAMILIES |= {"lr": "Learning rate", "": "Throughput"}
# Tables of results that have a row a class, and the number in it.
BY_CLASS = {"class_accuracy": "accuracy", "category_miou": "miou", "class_iou": "iou"}


@dataclass
class Page:
    """A page as it grows: HTML, and the figures that it refers to by number."""

    parts: list[str] = field(default_factory=list)
    figures: list[dict] = field(default_factory=list)

    def add(self, *parts: str) -> None:
        self.parts += parts

    def plots(
        self, rows: Sequence[Sequence[tuple[go.Figure, str]]], choices: Sequence[str] = (), kind: str = ""
    ) -> None:
        """Put figures side by side.

        Args:
            rows: pairs of a figure and what it shows, for those who do not see it; of several rows one is seen.
            choices: names of the rows, to choose from.
            kind: class of the row.
        """
        numbers = [[self._figure(*pair) for pair in row] for row in rows]
        if choices:
            self.add('<div class="choices" role="group" aria-label="shape">')
            for name, row in zip(choices, numbers, strict=True):
                pressed = str(row is numbers[0]).lower()
                self.add(
                    f'<button type="button" aria-pressed="{pressed}" data-figures="{row}">{html.escape(name)}</button>'
                )
            self.add("</div>")
        self.add(f'<div class="row {kind}">')
        for number in numbers[0]:
            layout, label = self.figures[number]["layout"], html.escape(self.figures[number]["label"], quote=True)
            classes, keys = ("plot cloud", ' tabindex="0"') if "scene" in layout else ("plot", "")
            self.add(
                f'<div class="{classes}" role="img" aria-label="{label}"{keys} data-figure="{number}"'
                f' style="height:{layout["height"]}px"></div>'
            )
        self.add("</div>")

    def _figure(self, figure: go.Figure, label: str) -> int:
        content = json.loads(str(figure.to_json()))
        content["layout"].pop("template", None)
        hint = ". Arrow keys turn it, + and - zoom." * ("scene" in content["layout"])
        self.figures.append({**content, "label": label + hint})
        return len(self.figures) - 1

    def table(self, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add a table; numbers stand to the right."""

        def cell(value: Any) -> str:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
            return f'<td class="number">{text}</td>' if number else f"<td>{html.escape(text)}</td>"

        self.add('<div class="wide"><table><thead><tr>', *(f"<th>{html.escape(name)}</th>" for name in head))
        self.add("</tr></thead><tbody>")
        for row in rows:
            self.add("<tr>", *map(cell, row), "</tr>")
        self.add("</tbody></table></div>")

    def html(self, title: str, lead: str) -> str:
        content = json.dumps(self.figures, separators=(",", ":")).replace("<", "\\u003c")
        parts = {"title": html.escape(title), "lead": lead, "body": "".join(self.parts), "figures": content}
        return fill(Path(__file__).with_name("page.html"), plotly=get_plotlyjs(), **parts)


def fill(template: Path, **parts: str) -> str:
    """Put parts into a page, and what all pages have in common."""
    own = {name: Path(__file__).with_name(file) for name, file in {"style": "style.css", "keys": "keys.js"}.items()}
    common = {name: path.read_text(encoding="utf-8") for name, path in own.items()}
    return string.Template(template.read_text(encoding="utf-8")).substitute(parts, **common)


def write_report(run: Run) -> Path:
    """Write `report.html` into the folder of a run.

    Args:
        run: with its record, finished or not.

    Returns:
        The file.

    Raises:
        UserError: if the record is damaged, or the file cannot be written.
    """
    record = read_metrics(run.folder) or {}
    page = Page()
    name = record.get("exp_name") or run.folder.name
    _results(page, {name: record})
    _curves(page, {name: run.folder})
    _classes(page, {name: record})
    try:
        for exhibit in run.task.exhibits(run):
            _exhibit(page, exhibit)
    except UserError as error:
        page.add(f"<h2>Shapes</h2><p>Not shown: {html.escape(str(error))}</p>")
    _setup(page, record)
    what = f"{record['task']}: {record.get('config')}, seed {record['seed']}"
    state = "" if record.get("finished") else " (not finished)"
    lead = f"<p>{html.escape(what + state)}</p>"
    return _write(page.html(name, lead), run.folder / NAME)


def write_comparison(folders: Sequence[Path], path: Path) -> Path:
    """Write a page that shows runs side by side: results, settings that differ, curves, classes.

    Raises:
        UserError: if a folder holds no run, its record is damaged, or the file cannot be written.
    """
    common = Path(os.path.commonpath([folder.resolve().parent for folder in folders]))
    records = {}
    for folder in folders:
        record = read_metrics(folder)
        if record is None:
            raise UserError(f"{folder} holds no run: it has no metrics.json")
        records[str(folder.resolve().relative_to(common))] = record
    page = Page()
    _results(page, records)
    settings = {
        name: _flat(record["settings"]) | {"seed": str(record["seed"]), "--ckpts": str(record.get("ckpts"))}
        for name, record in records.items()
    }
    keys = sorted({key for own in settings.values() for key in own})
    differ = [key for key in keys if len({own.get(key) for own in settings.values()}) > 1]
    page.add("<h2>Settings that differ</h2>")
    if differ:
        page.table(["key", *settings], ([key, *(own.get(key, "") for own in settings.values())] for key in differ))
    else:
        page.add("<p>None.</p>")
    _curves(page, dict(zip(records, folders, strict=True)))
    _classes(page, records)
    return _write(page.html(f"{len(records)} runs", f"<p>Below {html.escape(str(common))}</p>"), path)


def _write(text: str, path: Path) -> Path:
    with writing(path):
        write_text(text, path)
    return path


def _numbers(found: Mapping, prefix: str = "") -> dict[str, float | int | str]:
    """Numbers of a record, an accuracy with its counts; tables by class are shown otherwise."""
    numbers: dict[str, float | int | str] = {}
    counted = {"accuracy", "correct", "total"} <= found.keys()
    for name, value in found.items():
        if counted and name == "accuracy":
            numbers[prefix + name] = f"{value:.2f} % ({found['correct']} of {found['total']})"
        elif counted and name in ("correct", "total"):
            continue
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[prefix + name] = value
        elif isinstance(value, Mapping) and name not in (*BY_CLASS, "confusion", "by_query"):
            numbers |= _numbers(value, f"{prefix}{name}, ")
    return numbers


def _results(page: Page, records: Mapping[str, Mapping]) -> None:
    page.add("<h2>Results</h2>")
    columns = {
        f"{name} {which}".strip() if len(records) > 1 else which: _numbers(record[which])
        for name, record in records.items()
        for which in ("best", "last")
        if record.get(which)
    }
    keys = dict.fromkeys(key for own in columns.values() for key in own)
    page.table(["", *columns], ([key.replace("_", " "), *(own.get(key) for own in columns.values())] for key in keys))


def _curves(page: Page, folders: Mapping[str, Path]) -> None:
    """Curves of history.csv, a figure for each family of them, or of several runs for each curve."""
    families: dict[tuple[str, str], dict[str, dict[str, list[tuple[float, float]]]]] = {}
    for run, folder in folders.items():
        for row in read_history(folder):
            for name, value in row.items():
                if name == "epoch":
                    continue
                family, _, curve = name.rpartition("/")
                group = (family, "" if len(folders) == 1 else curve)
                own = families.setdefault(group, {}).setdefault(run, {})
                own.setdefault(curve.replace("_", " "), []).append((row["epoch"], value))
    if not families:
        return
    page.add("<h2>Curves</h2>")
    drawn, order = [], list(FAMILIES)
    for family, curve in sorted(families, key=lambda key: order.index(key[0]) if key[0] in order else len(order)):
        runs = families[family, curve]
        if family == "lr":  # groups of parameters that have the same rate are one curve
            runs = {run: _distinct(own) for run, own in runs.items()}
        title = FAMILIES.get(family, family) + (f": {curve.replace('_', ' ')}" if curve else "")
        drawn.append((figures.curves(title, runs, log=family in ("loss", "held_out")), title))
    page.plots([drawn], kind="half")


def _distinct(own: Mapping[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    return {", ".join(name for name in own if own[name] == pairs): pairs for pairs in own.values()}


def _classes(page: Page, records: Mapping[str, Mapping]) -> None:
    """Numbers by class, and the confusion matrix of a single run."""
    for key, number in BY_CLASS.items():
        found = {name: record["last"][key] for name, record in records.items() if record["last"].get(key)}
        if not found:
            continue
        runs = {name: {label: row[number] for label, row in own.items()} for name, own in found.items()}
        first = next(iter(found.values()))
        counts = {label: row.get("total", row.get("shapes")) for label, row in first.items()}
        counts = {label: count for label, count in counts.items() if count is not None}
        title = f"{number.replace('miou', 'mean IoU').replace('iou', 'IoU').capitalize()} by class, last"
        page.add("<h2>Classes</h2>")
        drawn = [(figures.class_bars(title, runs, counts), title)]
        matrix = next(iter(records.values()))["last"].get("confusion")
        if len(records) == 1 and matrix:
            drawn.append((figures.confusion(matrix), "Confusion matrix"))
        page.plots([drawn], kind="half")


def _exhibit(page: Page, exhibit: Exhibit) -> None:
    page.add(f"<h2>{html.escape(exhibit.title)}</h2><p>{html.escape(exhibit.text)}</p>")
    title, lines = exhibit.details
    if lines:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        page.add(f"<details><summary>{len(lines)} {html.escape(title)}</summary><ul>{items}</ul></details>")
    rows = [
        [
            (figures.draw_panel(what), f"{'Point cloud' if isinstance(what, Cloud) else 'Bars'}, {what.title}, {name}")
            for what in row
        ]
        for name, row in exhibit.rows.items()
    ]
    page.plots(rows, list(exhibit.rows))


def _flat(settings: Mapping) -> dict[str, str]:
    return {key: value for key, _, value in (entry.partition("=") for entry in flatten(settings))}


def _setup(page: Page, record: Mapping) -> None:
    """What was run: settings as a difference to their base, versions, machine."""
    base, settings = _base(record.get("config")), _flat(record["settings"])
    page.add("<h2>What was run</h2>")
    if base is not None:
        before = _flat(load_config(base))
        keys = [key for key in dict.fromkeys((*before, *settings)) if before.get(key) != settings.get(key)]
        page.add(f"<p>{'Differences to' if keys else 'As in'} {html.escape(base)}</p>")
        if keys:
            page.table(
                ["key", "base", "this run"], ([key, before.get(key, "-"), settings.get(key, "-")] for key in keys)
            )
    else:
        page.add("<p>The config file is not here any more; all settings are below.</p>")
    text = html.escape(yaml.safe_dump(record["settings"], sort_keys=False))
    page.add(f"<details><summary>all settings</summary><pre>{text}</pre></details>")
    names = "command started ended wall_seconds git_revision ckpts processes device"
    facts = {name: record.get(name) for name in names.split()}
    facts |= record.get("machine") or {}
    facts |= {f"{name} parameters": count for name, count in (record.get("parameters") or {}).items()}
    facts |= record.get("versions") or {}
    rows = ((name.replace("_", " "), value) for name, value in facts.items() if value is not None)
    page.table(["", ""], rows)


def _base(config: str | None) -> str | None:
    """The file that a config builds on; itself if it builds on none; None if it is not there."""
    if not config or not Path(config).is_file():
        return None
    try:
        base = read_yaml(config).get("_base_")
        for found in (base, Path(config).parent / base) if isinstance(base, str) else ():
            if Path(found).is_file():
                return str(found)
        load_config(config)
    except UserError:
        return None
    return config


def report_folder(folder: Path, device: torch.device) -> Path:
    """Write the report of a run whose record is in a folder.

    Raises:
        UserError: if there is no such run, or the file cannot be written.
    """
    return write_report(past_run(folder, device))
