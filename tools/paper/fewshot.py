"""Few-shot classification from one checkpoint: every protocol, setting and fold, then mean and standard deviation."""

from pathlib import Path

from tools.paper.arguments import add_device_arguments, check_device_arguments
from tools.paper.plan import SCALES, SETTINGS
from tools.paper.queue import make_tables, open_pool
from tools.paper.render import Cell, Table
from tools.paper.runs import PlannedRun, check_configs, keep_results
from utils.errors import Parser, UserError, at_least, run_command

PAPER_SCALE = SCALES["paper"]
CONFIGS = [config for name, config in PAPER_SCALE.configs.items() if name.startswith("few-shot")]
WAYS, SHOTS = (sorted(set(numbers)) for numbers in zip(*SETTINGS, strict=True))


def fewshot_table(title: str, configs: list[str], settings: list[tuple[int, int]], folds: int, **common) -> Table:
    """Plan the runs: a row a config, a column a setting (way, shot), the best test epoch of every fold.

    Args:
        title: of the table.
        configs: YAML files of the protocols.
        settings: ways and shots.
        folds: how many, from 0.
        common: further arguments of every `PlannedRun`.
    """
    rows = {}
    for config in configs:
        cells = {}
        for way, shot in settings:
            runs = tuple(PlannedRun("finetune", config, fold=(way, shot, fold), **common) for fold in range(folds))
            cells[f"{way}w{shot}s"] = Cell(runs, ("best", "accuracy"), ("last", "accuracy"))
        rows[config.removeprefix("cfgs/").removesuffix(".yaml")] = cells
    note = f"mean and standard deviation over {folds} folds of the best test epoch"
    return Table(title, [f"{way}w{shot}s" for way, shot in settings], rows, notes=(note,))


def main() -> None:
    """Command line: see `python -m tools.paper.fewshot --help`."""
    about = "Few-shot classification: all protocols, settings and folds."
    parser = Parser(prog="tools.paper.fewshot", description=about)
    add, count = parser.add_argument, at_least(1)
    add("--ckpts", required=True, metavar="FILE", help="pretraining checkpoint")
    add("--exp_name", default="fewshot", metavar="NAME", help="name of the runs (default: %(default)s)")
    add("--configs", nargs="+", default=CONFIGS, metavar="FILE", help="protocols (default: the released)")
    add("--way", type=count, nargs="+", default=WAYS, metavar="W", help="classes (default: 5 10)")
    add("--shot", type=count, nargs="+", default=SHOTS, metavar="S", help="a class (default: 10 20)")
    add("--folds", type=count, default=PAPER_SCALE.folds, metavar="N", help="folds (default: %(default)s)")
    add("--seed", type=at_least(0), default=0, metavar="N", help="of every run (default: %(default)s)")
    add("--opts", nargs="+", default=[], metavar="KEY=VALUE", help="override config keys in every run")
    add_device_arguments(parser)
    args = parser.parse_args()
    check_device_arguments(args)
    for file in (args.ckpts, *args.configs):
        if not Path(file).is_file():
            raise UserError(f"file not found: {file}")
    settings = [(way, shot) for way in args.way for shot in args.shot]
    name = f"{args.exp_name}-seed{args.seed}"
    common = {"name": name, "seed": args.seed, "opts": tuple(args.opts), "ckpts": args.ckpts}
    title = f"Few-shot classification from {args.ckpts} (%)"
    table = fewshot_table(title, args.configs, settings, args.folds, **common)
    stem = Path("experiments/fewshot") / name
    pool = open_pool(args)
    check_configs(table.runs)
    done = sum(run.result() is not None for run in table.runs)
    if not args.overwrite:
        keep_results(table.runs)
    print(f"{len(table.runs)} runs, {done} done, {pool.where}", flush=True)
    make_tables({stem: table}, pool)


if __name__ == "__main__":
    run_command(main)
