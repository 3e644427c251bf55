"""Command line: `python -m tools.report` prints a table, `python -m tools.report RUN...` writes a page."""

from pathlib import Path

import torch

from tools.report.tables import EXPERIMENTS, all_runs_table, demo_table
from utils.errors import Parser, UserError, run_command


def main() -> None:
    """See `python -m tools.report --help`."""
    parser = Parser(
        prog="python -m tools.report",
        description="Print the results of finished runs; or, of folders of single runs, write report.html into the "
        "folder, and one page of several runs side by side.",
    )
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", help=f"runs, or a folder of runs (default: {EXPERIMENTS})"
    )
    parser.add_argument("--demo", metavar="NAME", help="print the table of the demo whose runs have this name")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("comparison.html"),
        metavar="FILE",
        help="page of several runs (default: %(default)s)",
    )
    args = parser.parse_args()
    folders = list({folder.resolve(): folder for folder in args.folders or [EXPERIMENTS]}.values())
    runs = [folder for folder in folders if (folder / "metrics.json").is_file()]
    if args.demo:
        print(demo_table(args.demo))
    elif not runs and len(folders) == 1:
        print(all_runs_table(folders[0]))
    elif len(runs) < len(folders):
        lost = next(folder for folder in folders if folder not in runs)
        raise UserError(f"{lost} holds no run: it has no metrics.json")
    else:
        from tools.report.page import report_folder, write_comparison  # with plotly, which tables can do without

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        written = report_folder(runs[0], device) if len(runs) == 1 else write_comparison(runs, args.out)
        print(f"wrote {written}")


if __name__ == "__main__":
    run_command(main)
