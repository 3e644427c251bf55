"""Regenerate the paper's tables: plan the runs, make those that are missing, print the paper's numbers and ours."""

from pathlib import Path

from tools.paper import claims
from tools.paper.arguments import parse_arguments
from tools.paper.plan import Planner
from tools.paper.pool import Pool
from tools.paper.prepare import prepare
from tools.paper.queue import make_tables, open_pool
from tools.paper.render import Table
from tools.paper.runs import PlannedRun, check_configs, estimate, in_order, keep_results
from tools.report.tables import text_table
from utils.errors import run_command

OUT = Path("experiments/reproduce")


def show_plan(tables: dict[str, Table], pool: Pool) -> list[PlannedRun]:
    """Print what will be run and about how long it takes; returns the runs that are not finished."""
    rows, shown, todo = [["table", "runs", "done", "about"]], set(), []
    for name, table in tables.items():
        own = [run for run in in_order(table.runs) if run not in shown]
        shown.update(own)
        left = [run for run in own if run.result() is None]
        todo += left
        rows.append([name, str(len(own)), str(len(own) - len(left)), _span(estimate(left, pool.size))])
    if len(tables) > 1:
        rows.append(["together", str(len(shown)), str(len(shown) - len(todo)), _span(estimate(todo, pool.size))])
    print(text_table(rows))
    print(f"{pool.where}; runs that tables share count for the first of them\n", flush=True)
    return todo


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:.0f} h"


def main() -> None:
    """Command line: see `bash scripts/reproduce.sh --help`."""
    args = parse_arguments()
    if args.tables == ["claims"]:
        claims.main(args)
        return
    pool = open_pool(args)
    planner = Planner(args.scale, args.seeds, args.opts, args.pretrain_opts)
    tables = {name: planner.table(name) for name in args.tables}
    runs = [run for table in tables.values() for run in table.runs]
    check_configs(runs)
    todo = show_plan(tables, pool)
    if args.scale == "paper" and "CPU" in pool.where:
        print("these times are estimates for one data-centre GPU; a CPU takes many times as long\n", flush=True)
    if args.plan:
        return
    if not args.overwrite:
        keep_results(runs)
    if todo and args.scale == "demo":
        prepare(runs, todo[0].raw["data_root"], planner.scale.folds)
    folder = OUT / args.scale
    make_tables({folder / name: table for name, table in tables.items()}, pool)


if __name__ == "__main__":
    run_command(main)
