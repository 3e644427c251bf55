"""The paper's claims over data and length of training: a grid of pretrainings, each measured in several ways.

`claims.yaml` says what the grid is; every pretraining leaves a small JSON record, of which `tools.paper.claims_page`
makes tables and pictures. What is run is decided by the file alone, in its order, whatever the numbers say.
"""

import argparse
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from tools.paper.claims_grid import Grid, read_grid
from tools.paper.claims_page import RUNS, read_records, render_page
from tools.paper.plan import Planner, difference
from tools.paper.pool import Pool
from tools.paper.prepare import prepare_world
from tools.paper.queue import open_pool, run_all
from tools.paper.real_shapes import count_shapes, digest_of, split_halves
from tools.paper.runs import PlannedRun, check_configs, estimate, in_order, keep_results
from tools.report.tables import text_table
from tools.visualize.pictures import distance_picture
from tools.visualize.subject import load_subject
from utils.config import flatten
from utils.errors import UserError
from utils.logging import read_history, write_json

OUT = Path("experiments/reproduce/demo/claims")
SHAPES_LOOKED_AT = 280  # for attention distances
DEMO_EPOCHS, DEMO_SHAPES = 14, 2400  # of the pretraining whose `seconds` the scale tells


@dataclass(frozen=True)
class Pretraining:
    """One pretraining of the grid: short names of model and data, epochs, seed."""

    model: str
    data: str
    epochs: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.model}-{self.data}-{self.epochs}"

    def __str__(self) -> str:
        return f"{self.name}-seed{self.seed}"


class Claims:
    """Plans the grid and takes up what its runs have left.

    Args:
        grid: what to measure.
        planner: for the scale of the grid.
        out: where the records are.
        seeds: how many of the grid's seeds; None: all.
        real: a folder of real shapes; None leaves out what is measured on them.
    """

    def __init__(self, grid: Grid, planner: Planner, out: Path, seeds: int | None = None, real: str | None = None):
        self.grid, self.planner, self.out, self.real = grid, planner, out, real
        self.halves, self.digest = (split_halves(real, OUT.parent), digest_of(real)) if real else (None, "")
        self.records = read_records(out)
        self.stages = [
            [
                Pretraining(model, data, epochs, seed)
                for seed in stage.seeds
                if seeds is None or seed < seeds
                for epochs in stage.epochs
                for data in grid.data
                for model in stage.models or grid.models
            ]
            for stage in grid.stages
        ]

    def pretraining(self, what: Pretraining) -> PlannedRun:
        """The run that makes the weights."""
        model, data, planner = self.grid.models[what.model], self.grid.data[what.data], self.planner
        replaced = planner.scale.replaced.get(model.pretrained)
        opts = [*(flatten(difference(model.pretrained)) if replaced is None else replaced), *model.opts, *data.opts]
        opts += [f"max_epoch={what.epochs - 1}", f"scheduler.kwargs.epochs={what.epochs}", *planner.pretrain_opts]
        seconds = planner.scale.seconds["pretrain"] * what.epochs / DEMO_EPOCHS * data.shapes / DEMO_SHAPES
        return planner.run("pretrain", self.grid.pretrain, what.name, what.seed, opts, seconds=seconds)

    def measurements(self, what: Pretraining) -> dict[str, PlannedRun]:
        """The runs that measure them, by measure; several measures may be numbers of one run."""
        before, found = self.pretraining(what), {}
        for name, measure in self.grid.measures.items():
            if measure.task in self.grid.models[what.model].lacks or (measure.real and not self.real):
                continue
            config, opts = self.planner.scale.configs[measure.config], ["report=false"]
            if measure.real:
                folder = self.halves if measure.real == "halves" else self.real
                opts += [f"dataset.{part}.others.DATA_PATH={folder}" for part in ("train", "test")]
            opts += self.planner.encoder_opts(config, before)
            found[name] = self.planner.run(measure.task, config, what.name, what.seed, opts, after=before)
        return found

    def identity(self, what: Pretraining) -> dict[str, Any]:
        """What makes a record one of this pretraining."""
        run = self.pretraining(what)
        spec = {"model": what.model, "data": what.data, "epochs": what.epochs, "seed": what.seed}
        return {**spec, "config": run.config, "opts": list(run.opts)}

    def how(self, measure: str, run: PlannedRun) -> dict[str, Any]:
        """How a number is measured; a folder of real shapes is known by its content, wherever it is."""
        opts = [entry for entry in run.opts if ".others.DATA_PATH=" not in entry]
        found = {"config": run.config, "opts": opts, "path": self.grid.measures[measure].path}
        return found | ({"real": self.digest} if self.grid.measures[measure].real else {})

    def record(self, what: Pretraining) -> dict[str, Any]:
        """The record of a pretraining in `out`; {} if there is none, or it is of other settings."""
        found = self.records.get(str(what), {})
        return found if {**found, **self.identity(what)} == found else {}

    def missing(self, what: Pretraining) -> list[PlannedRun]:
        """The unfinished runs of a pretraining and of what measures it; none where its record has it all."""
        how, runs = self.record(what).get("how", {}), self.measurements(what)
        if how and all(how.get(name) == self.how(name, run) for name, run in runs.items()):
            return []
        return [run for run in in_order([self.pretraining(what), *runs.values()]) if run.result() is None]

    def collect(self) -> None:
        """Write a record of every pretraining that is finished, with as much as is measured of it."""
        for what in dict.fromkeys(what for stage in self.stages for what in stage):
            run, before = self.pretraining(what), self.record(what)
            made = run.result()
            if made is None:
                continue
            if before.get("run") != made["run"]:
                before = {}
            runs = self.measurements(what)
            # Numbers that were measured otherwise are no longer those of the grid; those of real shapes stay without.
            kept = {name: how for name, how in before.get("how", {}).items() if name in self.grid.measures}
            kept = {name: how for name, how in kept.items() if name not in runs or how == self.how(name, runs[name])}
            numbers, totals = ({name: before[key][name] for name in kept} for key in ("numbers", "totals"))
            for name, measuring in runs.items():
                if (found := measuring.result()) is not None:
                    *parents, last = self.grid.measures[name].path.split(".")
                    for key in parents:
                        found = found[key]
                    numbers[name], totals[name], kept[name] = found[last], found.get("total"), self.how(name, measuring)
            record = self.identity(what) | {"run": made["run"], "numbers": numbers, "totals": totals, "how": kept}
            record["losses"] = losses_of(run.folder)
            if "attention" not in self.grid.models[what.model].lacks:
                record["attention"] = before.get("attention") or self.attention(run)
            for key in ("git_revision", "versions", "machine", "world", "wall_seconds"):
                record[key] = made[key]
            when = time.gmtime((run.folder / "metrics.json").stat().st_mtime)
            record["date"] = time.strftime("%Y-%m-%d", when)
            if record != before:
                (self.out / RUNS).mkdir(parents=True, exist_ok=True)
                write_json(record, self.out / RUNS / f"{what}.json")
                self.records[str(what)] = record

    def attention(self, run: PlannedRun) -> dict[str, Any] | None:
        """How far tokens and queries look, by layer; None where the checkpoint is not there any more."""
        checkpoint, data = run.folder / "ckpt-last.pth", self.planner.scale.configs[self.grid.attention]
        if not checkpoint.is_file():
            return None
        opts = [entry for entry in self.planner.opts if entry.startswith("data_root=")]  # that of `attention`
        subject = load_subject(str(checkpoint), str(run.folder / "config.yaml"), opts, data)
        count = min(SHAPES_LOOKED_AT, len(subject.names))
        figure, found = distance_picture(subject, Namespace(names=None, count=count, head=None))
        plt.close(figure)
        return {key: found[key] for key in ("shapes", "uniform", "mean")}


def losses_of(folder: Path) -> dict[str, Any]:
    """Losses of a run at the epochs where they were evaluated on held-out shapes, too: lists of one length."""
    rows = [row for row in read_history(folder) if "held_out/loss" in row]
    found: dict[str, Any] = {"epoch": [int(row["epoch"]) for row in rows]}
    for title, prefix in (("train", "loss/"), ("held_out", "held_out/")):
        names = [name for name in (rows[0] if rows else ()) if name.startswith(prefix)]
        found[title] = {name.removeprefix(prefix): [float(f"{row[name]:.5g}") for row in rows] for name in names}
    return found


def show_claims_plan(claims: Claims, pool: Pool) -> None:
    """Print what will be run, in order, and about how long each part takes."""
    rows, left = [["part", "pretrainings", "done", "about"]], []
    for stage in claims.stages:
        parts: dict[tuple[int, int, str], list[Pretraining]] = {}
        for what in stage:
            parts.setdefault((what.seed, what.epochs, what.data), []).append(what)
        for (seed, epochs, data), own in parts.items():
            todo = {what: claims.missing(what) for what in own}
            runs = [run for found in todo.values() for run in found]
            left += runs
            title = f"seed {seed}, {epochs} epochs, {claims.grid.data[data].title}"
            rows.append([title, str(len(own)), str(sum(not found for found in todo.values())), _hours(runs, pool)])
    rows.append(["together", *(str(sum(int(row[i]) for row in rows[1:])) for i in (1, 2)), _hours(left, pool)])
    print(text_table(rows))
    print(f"{len(left)} runs are left; {pool.where}\n", flush=True)
    if claims.real is None:
        print("without --real FOLDER nothing is measured on real shapes\n", flush=True)
    else:
        print(f"real shapes: {count_shapes(claims.real)}\n", flush=True)


def _hours(runs: Sequence[PlannedRun], pool: Pool) -> str:
    return f"{estimate(runs, pool.size) / 3600:.1f} h"


def main(args: argparse.Namespace) -> None:
    """Make what is missing of the grid, then write and print what is there; interrupted as well.

    Args:
        args: see `tools.paper.arguments`.

    Raises:
        UserError: if runs failed.
        KeyboardInterrupt: see `run_all`.
    """
    grid, pool, out = read_grid(), open_pool(args), Path(args.out or OUT)
    claims = Claims(
        grid,
        Planner(grid.scale, 1, [f"data_root={grid.world}", *args.opts], args.pretrain_opts),
        out,
        args.seeds,
        args.real,
    )
    every = [what for stage in claims.stages for what in stage]
    check_configs([run for what in every for run in claims.measurements(what).values()])
    show_claims_plan(claims, pool)
    if args.plan:
        return
    if not args.overwrite:
        keep_results([run for what in every for run in claims.missing(what)])
    prepare_world(claims.pretraining(every[0]).raw["data_root"], "--all-categories")
    fulfil(claims, pool)


def fulfil(claims: Claims, pool: Pool) -> None:
    """Make the missing runs, stage by stage, and write the page after each.

    Raises:
        UserError: if runs failed.
        KeyboardInterrupt: see `run_all`.
    """
    failed = []
    for stage in claims.stages:
        try:
            failed += run_all([run for what in stage for run in claims.missing(what)], pool)
        finally:
            claims.collect()
            print(render_page(claims.grid, claims.out), flush=True)
    if failed:
        raise UserError(f"{len(failed)} runs failed or could not start, first {failed[0]} (see its output.log)")
