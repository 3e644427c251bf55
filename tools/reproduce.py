"""Regenerate the paper's tables: plan the runs, make those that are missing, print paper and ours side by side."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.jobs import Job, add_arguments, check_configs, estimate, in_order, keep_results, slots
from tools.paper import SCALES, SETTINGS, TABLES, Planner
from tools.report import table as layout
from tools.tables import Table, make
from utils.errors import Parser, UserError, run_command

OUT = Path("experiments/reproduce")


def show_plan(tables: dict[str, Table], places: Sequence[str]) -> list[Job]:
    """Print what will be run and about how long it takes; returns the jobs that are not done."""
    rows, shown, todo = [["table", "runs", "done", "about"]], set(), []
    for name, table in tables.items():
        own = [job for job in in_order(table.jobs) if job not in shown]
        shown.update(own)
        left = [job for job in own if job.result() is None]
        todo += left
        rows.append([name, str(len(own)), str(len(own) - len(left)), _span(estimate(left, len(places)))])
    if len(tables) > 1:
        rows.append(["together", str(len(shown)), str(len(shown) - len(todo)), _span(estimate(todo, len(places)))])
    print(layout(rows))
    where = f"{len(places)} runs at once on the CPU" if places[0] == "" else f"one run each on GPU {', '.join(places)}"
    print(f"{where}; runs that tables share count for the first of them\n", flush=True)
    return todo


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:.0f} h"


def prepare(names: Sequence[str], data_root: str, folds: int) -> None:
    """Make the synthetic world, and its few-shot folds if a table needs them; nothing to do if they are there.

    Raises:
        UserError: if that fails.
    """
    _make("datasets.demo", "--out", data_root)
    fewshot = Path(data_root, "ModelNetFewshot")
    made = all((fewshot / f"{way}way_{shot}shot/{folds - 1}.pkl").is_file() for way, shot in SETTINGS.values())
    if "table2" in names and not made:
        options = ["--folds", str(folds), "--test-per-class", "10", "--points", "2048"]
        _make("datasets.modelnet_fewshot", "--data_root", data_root, *options)


def _make(*command: str) -> None:
    if subprocess.run([sys.executable, "-m", *command]).returncode:
        raise UserError(f"python -m {' '.join(command)} failed; its message is above")


def main() -> None:
    """Command line: see `python -m tools.reproduce --help`."""
    parser = Parser(prog="tools.reproduce", description="Regenerate tables of the paper.")
    parser.add_argument(
        "tables", nargs="+", choices=(*TABLES, "all"), metavar="TABLE", help=f"{', '.join(TABLES)}, all"
    )
    parser.add_argument(
        "--scale", choices=SCALES, default="demo", help="demo: the synthetic world (default: %(default)s)"
    )
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds of every run (default: %(default)s)")
    add_arguments(parser)
    options = {"nargs": "+", "default": [], "metavar": "KEY=VALUE"}
    parser.add_argument("--opts", help="override config keys in every run, such as data_root=/data", **options)
    parser.add_argument("--pretrain_opts", help="in pretraining, such as model.img_weights=FILE", **options)
    parser.add_argument("--plan", action="store_true", help="show the plan and stop")
    args = parser.parse_args()
    if args.seeds < 1:
        raise UserError("--seeds must be at least 1")
    places = slots(args)
    planner = Planner(args.scale, args.seeds, args.opts, args.pretrain_opts)
    names = list(TABLES) if "all" in args.tables else list(dict.fromkeys(args.tables))
    tables = {name: planner.table(name) for name in names}
    jobs = [job for table in tables.values() for job in table.jobs]
    check_configs(jobs)
    todo = show_plan(tables, places)
    if args.scale == "paper" and places[0] == "":
        print("these times are guesses for one data-centre GPU; a CPU takes many times as long\n", flush=True)
    if args.plan:
        return
    if not args.overwrite:
        keep_results(jobs)
    if todo and args.scale == "demo":
        prepare(names, todo[0].raw["data_root"], planner.scale.folds)
    folder = OUT / args.scale
    make({folder / name: table for name, table in tables.items()}, places, folder / "logs", args.num_workers)


if __name__ == "__main__":
    run_command(main)
