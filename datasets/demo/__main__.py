"""Make the synthetic world: `python -m datasets.demo`."""

import signal

from datasets.demo.world import SCALES, make_world, summary
from utils.errors import Parser, run_command


def main() -> None:
    """Read arguments, make the world if it is not there, say what it holds."""
    parser = Parser(prog="python -m datasets.demo", description="Make the synthetic data sets.")
    parser.add_argument("--out", default="data/demo", help="folder to write to (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="everything follows from it (default: %(default)s)")
    parser.add_argument("--scale", choices=SCALES, default="full", help="how many shapes (default: %(default)s)")
    more = "add the categories that pretraining does not see, with lists of all for it"
    parser.add_argument("--all-categories", action="store_true", help=more)
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not make_world(args.out, args.seed, args.scale, workers=args.workers, all_categories=args.all_categories):
        print("world is up to date")
    print(f"{args.out}:")
    for folder, title, content, size in summary(args.out):
        print(f"  {folder:<54}  {title:<36} {content:>11} {size:>7.1f} MiB")


if __name__ == "__main__":
    run_command(main)
