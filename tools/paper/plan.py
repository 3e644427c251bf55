"""The plan of a table: `tables.yaml` says what its cells measure, `scales/*.yaml` with which configs. Runs nothing."""

import contextlib
import dataclasses
import functools
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models import parse_model_config
from tools import fidelity
from tools.engine.config import read_config, run_folder
from tools.paper.arguments import HERE
from tools.paper.render import Cell, Table
from tools.paper.runs import PlannedRun, mode_of
from utils.config import flatten, load_config, parse, read_yaml
from utils.errors import UserError
from utils.logging import read_metrics

KEY = (
    "ours, with their standard deviation, the best seed and n where there are several runs (the paper's; "
    "the difference); rows without a number of ours are other people's methods"
)


@dataclass(frozen=True)
class Scale:
    """The configs behind the tables, at one size.

    Attributes:
        configs: YAML files by the names that `tables.yaml` uses; columns whose config is missing are left out.
        baselines: folder of the baselines' configs.
        folds: number of few-shot folds.
        seconds: estimated duration of a run, by "pretrain", "test" or the stem of its config, else "other".
        opts: overrides of every run.
        pretrain: the config over which the differences of pretraining configs are laid; None takes these as they are.
        replaced: overrides instead of such a difference, by pretraining config.
        instead: pretraining configs that replace others.
        recipes: for a pretraining config, configs whose `optimizer` section replaces that of a downstream config.
        flags: further arguments of trained runs.
        notes: what differs from the paper's protocol.
        table_notes: further notes by table.
    """

    configs: dict[str, str]
    baselines: str
    folds: int
    seconds: dict[str, float]
    opts: list[str] = field(default_factory=list)
    pretrain: str | None = None
    replaced: dict[str, list[str]] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)
    recipes: dict[str, dict[str, str]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table_notes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """What a cell measures: the keys of its row over those of its column.

    Attributes:
        config: a key of `Scale.configs`; by default the name of the column.
        task: what is measured; "test" is the test of a fine-tuned model.
        metric: key, or dotted path, in the results of that task.
        pretrained: the pretraining config whose weights it starts from; "none" for random weights.
        classifier: `model.NAME` instead of that of the config.
        baseline: a config in `Scale.baselines` whose model is trained from scratch.
        fold: way and shot of few-shot classification, over all folds.
        vote: whether the fine-tuned model votes.
        opts: overrides.
    """

    config: str
    task: Literal["finetune", "test", "svm", "zeroshot"] = "finetune"
    metric: str = "accuracy"
    pretrained: str = "none"
    classifier: str | None = None
    baseline: str | None = None
    fold: list[int] | None = None
    vote: bool = False
    opts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TableSpec:
    """A table of `tables.yaml`."""

    title: str
    columns: dict[str, dict]
    rows: dict[str, dict]
    notes: list[str] = field(default_factory=list)


SCALES = {path.stem: parse(Scale, read_yaml(path), "") for path in sorted(HERE.glob("scales/*.yaml"))}
TABLES = {name: parse(TableSpec, spec, name) for name, spec in read_yaml(HERE / "tables.yaml").items()}
SETTINGS = [tuple(column["fold"]) for column in TABLES["table2"].columns.values()]  # way and shot of the paper


class Planner:
    """Plans the tables of one scale.

    Args:
        scale: a key of `SCALES`.
        seeds: how many; a run that starts from pretraining starts from the pretraining with its own seed.
        opts: overrides of every run.
        pretrain_opts: overrides of pretraining runs.
    """

    def __init__(self, scale: str, seeds: int, opts: Sequence[str] = (), pretrain_opts: Sequence[str] = ()):
        self.scale, self.seeds = SCALES[scale], range(seeds)
        self.opts, self.pretrain_opts = (*self.scale.opts, *opts), tuple(pretrain_opts)

    def table(self, name: str) -> Table:
        """Plan one of `TABLES`."""
        spec = TABLES[name]
        columns = {column: {"config": column, **keys} for column, keys in spec.columns.items()}
        columns = {column: keys for column, keys in columns.items() if keys["config"] in self.scale.configs}
        rows, paper = {}, {}
        for row, keys in spec.rows.items():
            numbers = keys.get("paper", {})
            if isinstance(numbers, list):
                numbers = dict(zip(spec.columns, numbers, strict=True))
            paper[row] = {column: number for column, number in numbers.items() if number is not None}
            own = {key: value for key, value in keys.items() if key not in ("paper", "columns")}
            if own:
                chosen = [column for column in columns if column in keys.get("columns", columns)]
                where = f"{name}.{row}"
                rows[row] = {c: self.cell(parse(Measurement, columns[c] | own, where)) for c in chosen}
        notes = (*spec.notes, *self.scale.table_notes.get(name, []), *fidelity.notes(name, self.opts))
        notes = tuple(note.replace("{folds}", str(self.scale.folds)) for note in (KEY, *notes, *self.scale.notes))
        return Table(spec.title, list(columns), rows, {row: found for row, found in paper.items() if found}, notes)

    def cell(self, what: Measurement) -> Cell:
        """The runs of a number, and where it stands in their metrics.json.

        A trained number is that of the best test epoch, or of the best round of voting, as the paper counts.
        """
        config, task = self.scale.configs[what.config], "finetune" if what.task == "test" else what.task
        opts = (*what.opts, *(self.baseline_opts(config, what.baseline) if what.baseline else ()))
        opts += (f"model.NAME={what.classifier}",) if what.classifier else ()
        folds = [(*what.fold, number) for number in range(self.scale.folds)] if what.fold else [None]
        runs = tuple(
            self.downstream(task, config, what.pretrained, seed, opts, fold) for seed in self.seeds for fold in folds
        )
        if what.vote:
            return Cell(
                tuple(self.test(run, "--vote") for run in runs), ("last", "vote", "best"), ("last", "vote", "mean")
            )
        path = what.metric.split(".")
        if what.task == "finetune":
            return Cell(runs, ("best", *path), ("last", *path))
        return Cell(tuple(map(self.test, runs)) if what.task == "test" else runs, ("last", *path))

    def run(self, task: str, config: str, method: str, seed: int, opts: Sequence[str] = (), **more) -> PlannedRun:
        """One run; `method` names it among the runs of its config."""
        more["flags"] = tuple(self.scale.flags) if mode_of(task).trains else ()
        more.setdefault("seconds", self._seconds(task, config))
        return PlannedRun(task, config, f"{method}-seed{seed}", seed, (*self.opts, *opts), **more)

    def pretraining(self, config: str, seed: int) -> PlannedRun:
        """The run that makes the weights of a pretraining config."""
        if self.scale.pretrain is None:
            return self.run("pretrain", config, "pretrain", seed, self.pretrain_opts)
        replaced = self.scale.replaced.get(config)
        opts = flatten(difference(config)) if replaced is None else replaced
        return self.run("pretrain", self.scale.pretrain, Path(config).stem, seed, (*opts, *self.pretrain_opts))

    def downstream(
        self,
        task: str,
        config: str,
        pretrained: str,
        seed: int,
        opts: Sequence[str] = (),
        fold: tuple[int, ...] | None = None,
    ) -> PlannedRun:
        """A run that starts from a pretraining config's weights, or from random ones ("none")."""
        if pretrained == "none":
            task = "scratch" if task == "finetune" else task
            method = f"{read_config(config, opts)['model']['NAME']}-scratch"
            return self.run(task, config, method, seed, opts, fold=fold)
        pretrained = self.scale.instead.get(pretrained, pretrained)
        before = self.pretraining(pretrained, seed)
        own = list(self.encoder_opts(config, before))
        if recipe := self.scale.recipes.get(pretrained, {}).get(config):
            own += flatten({"optimizer": difference(recipe)["optimizer"]})
        return self.run(task, config, Path(pretrained).stem, seed, (*own, *opts), fold=fold, after=before)

    def test(self, run: PlannedRun, *flags: str) -> PlannedRun:
        """The run that measures what another one has trained."""
        return dataclasses.replace(run, task="test", after=run, flags=flags, seconds=self._seconds("test", run.config))

    @functools.cache  # noqa: B019, a plan lives as long as the command
    def encoder_opts(self, config: str, pretraining: PlannedRun) -> list[str]:
        """Overrides that give a downstream config the encoder that was pretrained."""
        model, trained = parse_model_config(read_config(pretraining.config, pretraining.opts)["model"])
        user, own = parse_model_config(load_config(config)["model"])
        shape = {"trans_dim", "encoder_dims", "patch_dim", "depth", "num_heads", "block_form"}
        changed = {name for name in shape if getattr(trained.encoder, name) != getattr(own.encoder, name)}
        opts = [f"model.{name}={getattr(trained.encoder, name)}" for name in sorted(changed)]
        chosen = model.classifier if user.classifies else model.embedders.get(user.embeds or "")
        if chosen and own.NAME != chosen:
            opts.append(f"model.NAME={chosen}")
        return opts

    def baseline_opts(self, config: str, name: str) -> tuple[str, ...]:
        """Overrides that put a baseline and its recipe into a classification config."""
        own = load_config(f"{self.scale.baselines}/{name}.yaml")
        model = own["model"] | {"cls_dim": load_config(config)["model"]["cls_dim"]}
        recipe = {"optimizer": own["optimizer"], "scheduler": {"kwargs": {"released_lag": False}}}
        return (f"model={json.dumps(model)}", *flatten(recipe))

    @functools.cache  # noqa: B019
    def _seconds(self, task: str, config: str) -> float:
        """The median duration of finished runs of this kind, else the estimate of the scale."""
        took = []
        for folder in Path().glob(str(run_folder(config, task, "*"))):
            with contextlib.suppress(UserError):
                metrics = read_metrics(folder) or {}
                if metrics.get("finished") and metrics.get("task") == task and metrics.get("wall_seconds"):
                    took.append(metrics["wall_seconds"])
        kind = task if task in ("pretrain", "test") else Path(config).stem
        return statistics.median(took) if took else self.scale.seconds.get(kind, self.scale.seconds["other"])


def difference(path: str) -> dict:
    """What a config file holds over its `_base_`."""
    return {key: value for key, value in read_yaml(path).items() if key != "_base_"}
