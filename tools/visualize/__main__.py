"""Command line: `python -m tools.visualize attention|reconstruction|distance|embedding --ckpts ...`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from models.pretrained import recipe, shipped
from tools.visualize.pictures import attention_picture, distance_picture, embedding_picture, reconstruction_picture
from tools.visualize.subject import load_subject
from utils.errors import Parser, UserError, run_command
from utils.logging import write_json
from utils.registry import suggestion

FORMATS = (".png", ".pdf", ".svg")
# What draws it, what it shows, and of which categories.
PICTURES = {
    "attention": (attention_picture, "what a local token and the queries attend to", "a chair and an airplane"),
    "reconstruction": (reconstruction_picture, "masked input, reconstruction and truth", "four of the data set"),
    "distance": (distance_picture, "mean attention distance by layer, of both streams", "all"),
    "embedding": (embedding_picture, "t-SNE of the features before and after pretraining", "all"),
}
COUNTS = {"distance": 128, "embedding": 500}


def parse_command(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check the command line; a config that was left out is the one beside the checkpoint.

    Raises:
        UserError: for anything wrong with it.
    """
    about = "Draw what a pretrained model has learned, and write the numbers as JSON beside the picture."
    parser = Parser(prog="python -m tools.visualize", description=about)
    commands = parser.add_subparsers(dest="picture", required=True, metavar="|".join(PICTURES))
    for name, (_, purpose, shown) in PICTURES.items():
        command = commands.add_parser(name, help=purpose, description=f"Draw {purpose}.")

        def add(flag: str, text: str, command: argparse.ArgumentParser = command, **options: Any) -> None:
            command.add_argument(flag, help=text, **{"metavar": "FILE", **options})

        known = "" if name == "reconstruction" else f", or the name of shipped weights ({', '.join(shipped())})"
        add("--ckpts", f"pretraining checkpoint{known}", required=True)
        add(
            "--config",
            "its pretraining config (default: config.yaml beside it; or that of shipped weights)",
        )
        add("--out", "png, pdf or svg (default: %(default)s)", type=Path, default=Path(f"{name}.png"))
        add("--data", "config whose dataset.test is shown (default: the pretraining data's test list)")
        add("--seed", "of all that is drawn (default: %(default)s)", type=int, default=0, metavar="N")
        add("--opts", "override keys of the config", nargs="+", default=[], action="extend", metavar="KEY=VALUE")
        add("--names", f"categories to show (default: {shown})", nargs="+", metavar="NAME")
        if name in COUNTS:
            add("--count", "shapes at most (default: %(default)s)", type=int, default=COUNTS[name], metavar="N")
        if name == "attention":
            add("--layer", "which block, from 1 (default: the last)", type=int, metavar="N")
            add("--token", "which local token, from 1 (default: the nearest to the viewer)", type=int, metavar="N")
        if name in ("attention", "distance"):
            add("--head", "which head, from 1 (default: mean over heads)", type=int, metavar="N")
    args = parser.parse_args(argv)
    if args.out.suffix.lower() not in FORMATS:
        raise UserError(f"--out must end in one of {', '.join(FORMATS)}, got {args.out}")
    by_name = args.ckpts in shipped()
    if not by_name and not Path(args.ckpts).is_file():
        raise UserError(f"--ckpts: checkpoint not found: {args.ckpts}{suggestion(args.ckpts, shipped())}")
    if args.config is None:
        beside = Path(args.ckpts).with_name("config.yaml")
        args.config = recipe(args.ckpts) if by_name else str(beside)
        if not Path(args.config).is_file():
            where = f"no {args.config}" if by_name else f"no config.yaml beside {args.ckpts}"
            raise UserError(f"there is {where}: name its pretraining config with --config")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Draw one picture; see `python -m tools.visualize --help`."""
    args = parse_command(argv)
    out, numbers_out = args.out, args.out.with_suffix(".json")
    draw, *_ = PICTURES[args.picture]
    subject = load_subject(args.ckpts, args.config, args.opts, args.data, args.seed)
    with torch.no_grad():
        figure, numbers = draw(subject, args)
    header = {name: getattr(args, name) for name in ("picture", "ckpts", "config", "data", "opts", "seed")}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, dpi=150)
        write_json(header | numbers, numbers_out)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from None
    finally:
        plt.close(figure)
    print(f"wrote {out} and {numbers_out}")


if __name__ == "__main__":
    run_command(main)
