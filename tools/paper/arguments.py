"""The arguments of `scripts/reproduce.sh`, checked with the standard library alone: before anything is installed."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from utils.errors import Parser, UserError, at_least, run_command

HERE = Path(__file__).parent
TABLE_NAMES = re.findall(r"^(\w+):", (HERE / "tables.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
SCALE_NAMES = sorted(path.stem for path in HERE.glob("scales/*.yaml"))


def add_device_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `tools.paper.queue.open_pool` takes."""
    add, cpu = parser.add_argument, "runs at once on the CPU (default: one a core, at most 4)"
    add("--gpus", metavar="0,1", help="GPUs to use, one run each (two on one named twice), or cpu (default: all)")
    add("--jobs", type=at_least(1), metavar="N", help=cpu)
    add("--num_workers", type=at_least(0), metavar="N", help="loader processes of each run (default: by cores)")
    add(
        "--cluster",
        choices=("local", "slurm"),
        help="make the runs as jobs of Slurm, or as processes here, by submitit",
    )
    add("--max_jobs", type=at_least(1), metavar="N", help="with --cluster: jobs at once (default: slurm decides)")
    slurm = "of each job: partition=NAME account=NAME time=MINUTES gpus_per_node=N, or YAML files of such keys"
    add("--slurm", nargs="+", default=[], metavar="KEY=VALUE", help=slurm)
    add("--overwrite", action="store_true", help="replace finished runs of other settings, weights or data")


def check_device_arguments(args: argparse.Namespace) -> None:
    """Check them together.

    Raises:
        UserError: if they do not go together.
    """
    if args.max_jobs and not args.cluster:
        raise UserError(
            "--max_jobs goes with --cluster; without it --gpus and --jobs say how many runs there are at once"
        )
    if args.cluster and args.jobs:
        raise UserError("--jobs does not go with --cluster: --max_jobs limits its jobs")
    if args.slurm and args.cluster != "slurm":
        raise UserError("--slurm goes with --cluster slurm")
    for entry in args.slurm:
        if "=" not in entry and not Path(entry).is_file():
            raise UserError(f"--slurm takes key=value or a YAML file, got '{entry}'")


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check the command line.

    Raises:
        UserError: for anything wrong with it.
    """
    parser = Parser(prog="reproduce.sh", description="Regenerate tables of the paper.")
    add, options = parser.add_argument, {"nargs": "+", "default": [], "metavar": "KEY=VALUE"}
    tables = (*TABLE_NAMES, "all", "claims")
    help = f"{', '.join(TABLE_NAMES)}; all of these; or claims, a grid of many hours of its own (claims.yaml)"
    add("tables", nargs="+", choices=tables, metavar="TABLE", help=help)
    add("--scale", choices=SCALE_NAMES, default="demo", help="demo: the synthetic world (default: %(default)s)")
    add("--seeds", type=at_least(1), metavar="N", help="seeds of every run (default: 1; of claims those of its grid)")
    add_device_arguments(parser)
    add("--opts", help="override config keys in every run, such as data_root=/data", **options)
    add("--pretrain_opts", help="in pretraining, such as model.img_weights=FILE", **options)
    add("--real", metavar="FOLDER", help="of claims: real shapes, <class>/<file>, to measure on as well")
    add("--out", metavar="FOLDER", help="of claims: where its records are; its page is written beside them")
    add("--plan", action="store_true", help="show the plan and stop")
    args = parser.parse_args(argv)
    check_device_arguments(args)
    for entry in (*args.opts, *args.pretrain_opts):
        if not entry.partition("=")[1]:
            raise UserError(f"--opts and --pretrain_opts take key=value, got '{entry}'")
    if "claims" in args.tables:
        if {*args.tables} != {"claims"}:
            raise UserError("claims is a grid of its own: name it alone")
        if args.scale != "demo":
            raise UserError("claims is planned for --scale demo; ablations has its rows for the real data sets")
        return args
    if args.real or args.out:
        raise UserError("--real and --out go with claims")
    args.seeds = args.seeds or 1
    args.tables = list(TABLE_NAMES) if "all" in args.tables else list(dict.fromkeys(args.tables))
    return args


def main() -> None:
    """Check the command line, and answer `--help`."""
    parse_arguments()


if __name__ == "__main__":
    run_command(main)
