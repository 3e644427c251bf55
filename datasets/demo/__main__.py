"""Make the synthetic world: `python -m datasets.demo`; or any number of shapes, in shards: `... --shapes 100000`."""

import os
import signal
import sys

from datasets.demo.world import SCALES, make_world, summary
from utils.errors import Parser, UserError, at_least, run_command

OUT, SHARDS = "data/demo", "data/shards/world"


def main() -> None:
    """Read arguments, make the world if it is not there, say what it holds."""
    parser = Parser(prog="python -m datasets.demo", description="Make the synthetic data sets.")
    parser.add_argument("--out", help=f"folder to write to (default: {OUT}; with --shapes {SHARDS})")
    parser.add_argument("--seed", type=int, default=0, help="everything follows from it (default: %(default)s)")
    parser.add_argument("--scale", choices=SCALES, default="full", help="how many shapes (default: %(default)s)")
    more = "add the categories that pretraining does not see, with lists of all for it"
    parser.add_argument("--all-categories", action="store_true", help=more)
    parser.add_argument("--workers", type=at_least(1), default=2, help="processes (default: %(default)s)")
    shards = parser.add_argument_group("shapes of all categories as WebDataset shards, for the data set Shards")
    shards.add_argument("--shapes", type=at_least(1), help="how many; a run that was interrupted goes on")
    shards.add_argument("--config", help="of the data set SyntheticWorld (default: that of cfgs/dataset_configs)")
    shards.add_argument("--opts", nargs="+", default=[], metavar="KEY=VALUE", help="keys of it, such as views=4")
    parser.add_argument("--sheet", metavar="FILE", help="draw two shapes of every category, and nothing else")
    args = parser.parse_args()
    if args.sheet:
        from datasets.demo.sheet import sheet

        if not args.sheet.endswith(".png"):
            raise UserError(f"--sheet must end in .png, got {args.sheet}")
        sheet(seed=args.seed).save(args.sheet, optimize=True)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if args.shapes is not None:
        if args.scale != "full" or args.all_categories:
            raise UserError("--scale and --all-categories are not for --shapes")
        if given := [key for key in args.opts if key.startswith(("length=", "world_seed="))]:
            raise UserError(f"{given[0]}: --shapes and --seed say so")
        keys = [f"length={args.shapes}", f"world_seed={args.seed}", "bgr=false", "captions=1.0", *args.opts]
        command = ["SyntheticWorld", "--shards", args.out or SHARDS, "--threads", str(args.workers)]
        command += [*(["--config", args.config] if args.config else []), "--opts", *keys]
        # In this process, which gets the signals, but in a program of its own: data sets do not import tools.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))  # until it answers them
        os.execv(sys.executable, [sys.executable, "-m", "tools.pack", *command])
    if args.config or args.opts:
        raise UserError("--config and --opts are for --shapes")
    args.out = args.out or OUT
    if not make_world(args.out, args.seed, args.scale, workers=args.workers, all_categories=args.all_categories):
        print("world is up to date")
    print(f"{args.out}:")
    for folder, title, content, size in summary(args.out):
        print(f"  {folder:<54}  {title:<36} {content:>11} {size:>7.1f} MiB")


if __name__ == "__main__":
    run_command(main)
