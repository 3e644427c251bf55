"""Command line: `python -m tools.visualize attention|reconstruction|distance|embedding --ckpts ...`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from tools.visualize.pictures import attention_picture, distance_picture, embedding_picture, reconstruction_picture
from tools.visualize.subject import load
from utils.errors import Parser, UserError, run_command
from utils.logging import write_json

FORMATS = (".png", ".pdf", ".svg")
PICTURES = {
    "attention": (attention_picture, "what a local token and the queries attend to"),
    "reconstruction": (reconstruction_picture, "masked input, reconstruction and truth"),
    "distance": (distance_picture, "mean attention distance by layer, of both streams"),
    "embedding": (embedding_picture, "t-SNE of the features before and after pretraining"),
}


def read_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check the command line; a config that was left out is the one beside the checkpoint.

    Raises:
        UserError: for anything wrong with it.
    """
    parser = Parser(
        prog="python -m tools.visualize",
        description="Draw what a pretrained model has learned, and write the numbers as JSON beside the picture.",
    )
    commands = parser.add_subparsers(dest="picture", required=True, metavar="|".join(PICTURES))
    for name, (_, purpose) in PICTURES.items():
        command = commands.add_parser(name, help=purpose, description=f"Draw {purpose}.")
        command.add_argument("--ckpts", required=True, metavar="FILE", help="pretraining checkpoint")
        command.add_argument(
            "--config", metavar="FILE", help="its pretraining config (default: config.yaml beside the checkpoint)"
        )
        command.add_argument(
            "--out",
            type=Path,
            default=Path(f"{name}.png"),
            metavar="FILE",
            help="png, pdf or svg (default: %(default)s)",
        )
        command.add_argument(
            "--data",
            metavar="FILE",
            help="config whose dataset.test is shown (default: the pretraining data's test list)",
        )
        command.add_argument(
            "--seed", type=int, default=0, metavar="N", help="of all that is drawn (default: %(default)s)"
        )
        command.add_argument(
            "--opts", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="override keys of the config"
        )
        shown = {"attention": "a chair and an airplane", "reconstruction": "four of the data set"}
        command.add_argument(
            "--names", nargs="+", metavar="NAME", help=f"categories to show (default: {shown.get(name, 'all')})"
        )
        if name not in shown:
            count = {"distance": 128, "embedding": 500}[name]
            command.add_argument(
                "--count", type=int, default=count, metavar="N", help="shapes at most (default: %(default)s)"
            )
        if name == "attention":
            command.add_argument("--layer", type=int, metavar="N", help="which block, from 1 (default: the last)")
            command.add_argument(
                "--token", type=int, metavar="N", help="which local token, from 1 (default: the nearest to the viewer)"
            )
        if name in ("attention", "distance"):
            command.add_argument("--head", type=int, metavar="N", help="which head, from 1 (default: mean over heads)")
    args = parser.parse_args(argv)
    if args.out.suffix.lower() not in FORMATS:
        raise UserError(f"--out must end in one of {', '.join(FORMATS)}, got {args.out}")
    if not Path(args.ckpts).is_file():
        raise UserError(f"--ckpts: checkpoint not found: {args.ckpts}")
    if args.config is None:
        beside = Path(args.ckpts).with_name("config.yaml")
        if not beside.is_file():
            raise UserError(f"there is no config.yaml beside {args.ckpts}: name its pretraining config with --config")
        args.config = str(beside)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Draw one picture; see `python -m tools.visualize --help`."""
    args = read_arguments(argv)
    out, numbers_out = args.out, args.out.with_suffix(".json")
    draw, _ = PICTURES[args.picture]
    subject = load(args)
    with torch.no_grad():
        figure, numbers = draw(subject, args)
    header = {"picture": args.picture, "ckpts": args.ckpts, "config": args.config, "data": args.data}
    header |= {"opts": args.opts, "seed": args.seed}
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
