"""What each habit of evaluation adds to the accuracy of a checkpoint: `python -m tools.audit --config C --ckpts P...`.

Every checkpoint is fine-tuned by several seeds, once on all training data and once without a part of it on which the
epoch is chosen; the former vote, by the weights of the last epoch and by those that were best on the test data. What is
done is kept: the same command goes on after an interruption.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import parse_model_config
from models.pretrained import find_checkpoint, shipped
from tools.engine.config import read_config
from tools.paper.arguments import add_device_arguments, check_device_arguments
from tools.paper.queue import open_pool, run_all
from tools.paper.runs import PlannedRun, check_configs, estimate, in_order, keep_results
from tools.report.tables import markdown_table, text_table
from utils.errors import Parser, UserError, at_least, run_command
from utils.files import write_text, writing
from utils.logging import write_json
from utils.metrics import mean_std

OUT = Path("experiments/audit")
FEW = 10  # rounds of voting that are cheap enough for everyone

HabitNumber = Callable[[Mapping[str, Any]], float]  # from the content of a metrics.json


@dataclass(frozen=True)
class Habit:
    """A way to arrive at a number.

    Attributes:
        name: what it is.
        runs: one a seed.
        number: what it takes from each.
        best: the best seed counts, otherwise the mean over seeds.
        honest: nothing is chosen on the test data, and others are compared with it.
    """

    name: str
    runs: tuple[PlannedRun, ...]
    number: HabitNumber
    best: bool = False
    honest: bool = False


def _accuracy(section: str) -> HabitNumber:
    return lambda found: found[section]["accuracy"]


def _accuracy_on_test(found: Mapping[str, Any]) -> float:
    return found["last"]["split_accuracy"]["test"]["accuracy"]


def _best_round(most: int | None) -> HabitNumber:
    return lambda found: max(found["last"]["vote"]["rounds"][:most])


def habits_of(name: str, ckpt: str | None, args: argparse.Namespace) -> list[Habit]:
    """Plan what is measured of a checkpoint.

    Args:
        name: of its runs.
        ckpt: the file; None: random weights.
        args: the command line.

    Returns:
        Habits; those that follow an honest one are compared with it.
    """
    task, seeds, rounds = "finetune" if ckpt else "scratch", range(args.seeds), args.rounds

    def planned(task: str, what: str, seed: int, *opts: str, **more: Any) -> PlannedRun:
        return PlannedRun(task, args.config, f"audit-{name}{what}-seed{seed}", seed, (*args.opts, *opts), **more)

    def vote(run: PlannedRun, last: bool) -> PlannedRun:
        what, opts = "-last" if last else "-best", f"vote.rounds={rounds}"
        return planned("test", what, run.seed, opts, after=run, last=last, flags=("--vote",))

    whole = tuple(planned(task, "", seed, ckpts=ckpt) for seed in seeds)
    share = f"val_share={args.val_share:g}"
    parts = [planned(task, "-part", seed, share, ckpts=ckpt) for seed in seeds]
    tested = tuple(planned("test", "-part", run.seed, share, after=run) for run in parts)
    by_last, by_best = (tuple(vote(run, last) for run in whole) for last in (True, False))
    few = min(FEW, rounds)
    habits = [
        Habit("last epoch", whole, _accuracy("last"), honest=True),
        Habit(f"epoch chosen on {100 * args.val_share:g} % of the training data, held out", tested, _accuracy("last")),
        Habit("epoch chosen on the test data", whole, _accuracy("best")),
        Habit(f"best of {args.seeds} seeds", whole, _accuracy("last"), best=True),
        Habit(f"voting, mean of {rounds} rounds", by_last, lambda found: found["last"]["vote"]["mean"]),
        Habit(f"voting, best of {few} rounds", by_last, _best_round(few)),
        Habit(f"voting, best of {rounds} rounds", by_last, _best_round(None)),
        Habit(f"all: best seed, best epoch, best of {rounds} rounds", by_best, _best_round(None), best=True),
    ]
    if args.zeroshot and ckpt:
        common: Any = {"opts": (*args.zeroshot_opts, "zeroshot.splits=[train, test]"), "ckpts": ckpt}
        named = tuple(PlannedRun("zeroshot", args.zeroshot, f"audit-{name}-seed{s}", s, **common) for s in seeds)
        habits.append(Habit("zero-shot, test shapes", named, _accuracy_on_test, honest=True))
        habits.append(Habit("zero-shot, training and test shapes", named, _accuracy("last")))
    return habits


def habit_records(habits: Sequence[Habit]) -> list[dict[str, Any]]:
    """One record a habit: the number of each finished run, what the habit makes of them, the difference in points.

    The difference is that to the last honest number before it, where both are of the same seeds; what is not measured
    yet is None.
    """
    found: list[dict[str, Any]] = []
    honest: dict[int, float] = {}
    for habit in habits:
        results = {run.seed: run.result() for run in habit.runs}
        values = {seed: habit.number(result) for seed, result in results.items() if result}
        own = mean_std([*values.values()]) if values else {"mean": None, "std": None, "best": None}
        accuracy = own["best" if habit.best else "mean"]
        if habit.honest:
            honest = values
        gap = None
        # Over the same seeds only: they differ by more than habits do.
        if not habit.honest and accuracy is not None and values.keys() == honest.keys():
            gap = accuracy - mean_std([*honest.values()])["mean"]
        found.append(
            {
                "habit": habit.name,
                "honest": habit.honest,
                "accuracy": accuracy,
                "std": None if habit.best else own["std"],
                "difference": gap,
                "by_seed": values,
                "runs": [str(run) for run in habit.runs],
                "git_revisions": sorted({str(result.get("git_revision")) for result in results.values() if result}),
            }
        )
    return found


def _rows(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = [["", "accuracy (%)", "difference"]]
    for record in found:
        done, total = len(record["by_seed"]), len(record["runs"])
        text = "-" if record["accuracy"] is None else f"{record['accuracy']:.1f}"
        if record["std"] is not None and done > 1:
            text += f" +- {record['std']:.1f}"
        if 0 < done < total:
            text += f", {done} of {total} seeds"
        gap = "honest" if record["honest"] else "" if record["difference"] is None else f"{record['difference']:+.1f}"
        rows.append([record["habit"], text, gap])
    return rows


def save_audit(found: Mapping[str, Sequence[Mapping[str, Any]]], args: argparse.Namespace, stem: Path) -> bool:
    """Write tables by checkpoint as Markdown and JSON; returns whether there was a number to write.

    Raises:
        UserError: if the files cannot be written.
    """
    if not any(record["by_seed"] for own in found.values() for record in own):
        return False  # an earlier audit may stand there
    lines = [f"# Protocol audit: {args.config}", "", f"{args.seeds} seeds; mean +- standard deviation over them.", ""]
    for ckpt, own in found.items():
        lines += [f"## {ckpt}", "", markdown_table(_rows(own)), ""]
    keys = ("config", "opts", "seeds", "rounds", "val_share", "zeroshot", "zeroshot_opts")
    with writing(f"{stem}.*"):
        stem.parent.mkdir(parents=True, exist_ok=True)
        write_text("\n".join(lines), stem.with_name(f"{stem.name}.md"))
        content = {**{key: getattr(args, key) for key in keys}, "checkpoints": found}
        write_json(content, stem.with_name(f"{stem.name}.json"))
    return True


def build_parser() -> Parser:
    """Build the parser of the command line."""
    parser = Parser(
        prog="python -m tools.audit",
        description="Tell what each habit of evaluation adds to the accuracy of checkpoints.",
    )
    add, options = parser.add_argument, {"nargs": "+", "default": [], "metavar": "KEY=VALUE"}
    add("--config", required=True, metavar="FILE", help="fine-tuning config of a classifier")
    what = f"pretraining checkpoints, names of shipped weights ({', '.join(shipped())}), or none: random weights"
    add("--ckpts", nargs="+", required=True, metavar="FILE", help=what)
    add("--zeroshot", metavar="FILE", help="zero-shot config, for the last two rows")
    add("--seeds", type=at_least(1), default=3, metavar="N", help="of fine-tuning (default: %(default)s)")
    add("--rounds", type=at_least(1), default=299, metavar="N", help="of voting (default: %(default)s, the paper's)")
    held = "part of the training data to choose the epoch on (default: %(default)s)"
    add("--val_share", type=float, default=0.1, metavar="SHARE", help=held)
    add("--opts", help="override config keys of fine-tuning, such as model.trans_dim=256", **options)
    add("--zeroshot_opts", help="and of zero-shot", **options)
    add("--name", default="audit", help="of the tables below experiments/audit/<config> (default: %(default)s)")
    add("--plan", action="store_true", help="show what would be run, and stop")
    add_device_arguments(parser)
    return parser


def name_checkpoints(given: Sequence[str]) -> dict[str, str | None]:
    """Find checkpoints; returns their files by the names of their runs, None for random weights.

    Raises:
        UserError: if one is not there, or two would have one name.
    """
    named: dict[str, str | None] = {}
    for ckpt in dict.fromkeys(given):
        path = None if ckpt == "none" else find_checkpoint(ckpt)
        if path is not None and not path.is_file():
            raise UserError(f"--ckpts: checkpoint not found: {path}")
        name = "none" if path is None else path.resolve().parent.name if path.stem.startswith("ckpt-") else path.stem
        if name in named:
            raise UserError(f"--ckpts: {ckpt} and {named[name]} would have runs of one name, '{name}': rename one")
        named[name] = path and str(path)
    return named


def main(argv: Sequence[str] | None = None) -> None:
    """Audit checkpoints; see `python -m tools.audit --help`."""
    args = build_parser().parse_args(argv)
    check_device_arguments(args)
    if not 0 < args.val_share < 1:
        raise UserError(f"--val_share must be between 0 and 1, got {args.val_share:g}")
    model, _ = parse_model_config(read_config(args.config, args.opts)["model"])
    if not model.classifies:
        raise UserError(f"--config {args.config}: its model does not classify")
    if (
        args.zeroshot
        and parse_model_config(read_config(args.zeroshot, args.zeroshot_opts)["model"])[0].embeds != "text"
    ):
        raise UserError(f"--zeroshot {args.zeroshot}: its model does not compare with texts")
    audits = {name: habits_of(name, ckpt, args) for name, ckpt in name_checkpoints(args.ckpts).items()}
    runs = list(dict.fromkeys(run for habits in audits.values() for habit in habits for run in habit.runs))
    check_configs(runs)
    every, pool = in_order(runs), open_pool(args)
    todo = [run for run in every if run.result() is None]
    minutes = estimate(todo, pool.size) / 60
    print(f"{len(every)} runs, {len(every) - len(todo)} done, {pool.where}; guessed: {minutes:.0f} min", flush=True)
    if args.plan:
        for run in todo:
            print(f"  {run}")
        return
    if not args.overwrite:
        keep_results(runs)
    stem = OUT / Path(args.config).stem / args.name
    try:
        failed = run_all(runs, pool)
    finally:
        found = {name: habit_records(habits) for name, habits in audits.items()}
        saved = save_audit(found, args, stem)
    for name, own in found.items():
        print(f"{name}\n\n{text_table(_rows(own))}\n")
    print(f"saved as {stem}.md and .json" if saved else "nothing to save")
    if failed:
        raise UserError(
            f"{len(failed)} runs failed or could not start, first {failed[0]}; see output.log in their folders"
        )


if __name__ == "__main__":
    run_command(main)
