"""Measure encoders on a folder of real shapes: `python -m tools.real_eval FOLDER --ckpts CKPT...`."""

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch

from datasets import build_dataset
from datasets.demo.shapes import FAMILIES
from datasets.folder import Folder
from models import load_pretrained
from models.encoder import EncoderWarning, PointEncoder
from tools.benchmark.common import add_common_arguments, prepare_device, provenance, save_figures
from tools.benchmark.robustness import Clouds, open_clouds
from tools.real_eval.measure import Names, Protocol, measure, passes, untrained
from tools.real_eval.report import RANDOM, draw_confusion, draw_points, markdown
from utils.config import read_yaml
from utils.errors import Parser, UserError, at_least, run_command
from utils.files import atomic_write
from utils.geometry import TURNS
from utils.logging import progress
from utils.prompts import spell
from utils.registry import suggestion


def build_parser() -> Parser:
    """Build the parser of the command line."""
    parser = Parser(prog="python -m tools.real_eval", description=__doc__)
    add, defaults = parser.add_argument, Protocol()
    add("folder", type=Path, help="of shapes, <class>/<file>: meshes and clouds, as the data set Folder reads them")
    told = "which of <class>/{train,test}/<file> (test where there are such folders, otherwise all there is)"
    add("--split", choices=("test", "train", "all"), help=told)
    add("--ckpts", nargs="+", required=True, metavar="CKPT", help="what load_pretrained takes")
    add("--random", action="store_true", help="compare with random weights of the shape of the first one")
    add("--seen", metavar="NAME,NAME", help="classes that pretraining saw (those that the checkpoint tells of)")
    add(
        "--synonyms", type=Path, metavar="FILE", help="YAML, {name: [others]} (those of the synthetic world's families)"
    )
    add("--text_encoder", metavar="NAME", help="the text teacher, if the checkpoints do not tell it")
    add("--up", choices=list(TURNS), default="y", help="axis of the files that points up (%(default)s)")
    told = "numbers of points to give, the most of which are read or drawn of each shape (128 256 512 1024 2048)"
    add("--points", type=at_least(1), nargs="+", default=list(defaults.points), metavar="N", help=told)
    add("--splits", type=at_least(1), default=defaults.splits, metavar="N", help="halves for the SVM (%(default)s)")
    add("--folds", type=at_least(1), default=defaults.folds, metavar="N", help="few-shot draws (%(default)s)")
    add("--seed", type=at_least(0), default=defaults.seed, metavar="N", help="of all draws (%(default)s)")
    add("--out", type=Path, metavar="FOLDER", help="write real_eval.json, real_eval.md and pictures there")
    add_common_arguments(parser)
    return parser


def relatives() -> dict[str, list[str]]:
    """All names of a family of the synthetic world, by each of them that no other family has."""
    groups = [[family.name, *family.synonyms] for family in FAMILIES.values()]
    found: dict[str, list[str]] = {group[0]: group for group in groups}
    for group in groups:
        for name in group[1:]:
            if sum(name in other for other in groups) == 1:
                found[name] = group
    return found


def read_synonyms(path: Path | None, plain: Sequence[str]) -> dict[str, list[str]]:
    """Further names of classes, by name; those that are a class themselves, or belong to two, are left out.

    Raises:
        UserError: if the file is damaged, or is about other classes.
    """
    if path is None:
        given: Mapping[str, Any] = relatives()
    else:
        given = {spell(str(name), "plain"): others for name, others in read_yaml(path).items()}
        for name, others in given.items():
            if not isinstance(others, list) or not all(isinstance(other, str) and other.strip() for other in others):
                raise UserError(f"--synonyms {path}: '{name}' must have a list of names, got {others!r}")
            if name not in plain:
                raise UserError(f"--synonyms {path}: there is no class '{name}'{suggestion(name, plain)}")
    found = {name: [spell(other, "plain") for other in given.get(name, ())] for name in plain}
    owners = [other for others in found.values() for other in set(others)]
    found = {
        name: [other for other in dict.fromkeys(others) if other not in plain and owners.count(other) == 1]
        for name, others in found.items()
    }
    return {name: others for name, others in found.items() if others}


def seen_names(given: str | None, encoder: PointEncoder, plain: Sequence[str]) -> list[bool]:
    """Say of each class whether pretraining saw it, under its own name or another one of its family.

    Raises:
        UserError: if `given` names none of the classes, or a class that is not there.
    """
    if given is None:
        trained, families = {spell(name, "plain") for name in encoder.class_names}, relatives()
        return [bool(trained & {name, *families.get(name, ())}) for name in plain]
    chosen = {spell(name.strip(), "plain") for name in given.split(",") if name.strip()}
    for name in chosen:
        if name not in plain:
            raise UserError(f"--seen: there is no class '{name}'{suggestion(name, plain)}")
    return [name in chosen for name in plain]


def read_shapes(folder: Path, split: str | None, points: int, up: str, device: torch.device) -> tuple[Clouds, str]:
    """Read shapes, (points, 3) each, with names spelt as texts are.

    Args:
        folder: `<class>/<file>` or `<class>/{train,test}/<file>`.
        split: `train`, `test` or `all`; None: `test` where there are such folders, which is told, otherwise all.
        points: how many are drawn from a mesh, or returned of a cloud.
        up: the axis of the files that points up.
        device: for the points.

    Returns:
        The shapes, and which of them these are: `train`, `test` or `all`.

    Raises:
        UserError: if they cannot be read, have no classes, or are not split as `split` says.
    """
    section = {
        "_base_": {"NAME": "Folder", "DATA_PATH": str(folder), "N_POINTS": points, "up": up},
        "others": {"subset": split or "test"},
    }
    dataset = cast(Folder, build_dataset(section, "", "the folder"))
    if not dataset.class_names:
        raise UserError(f"{folder} holds shapes without classes; expected layout: <class>/<file>")
    if split in ("train", "test") and not dataset.splits:
        raise UserError(f"--split {split}: {folder} has no folders <class>/{split}")
    if split is None and dataset.splits:
        told = "%s: the %d shapes of its test folders are measured, the %d of its train folders are not (--split)"
        logging.getLogger(__name__).warning(told, folder, dataset.splits["test"], dataset.splits["train"])
    clouds = open_clouds(dataset, None, device)
    clouds.names = [spell(name, "plain") for name in clouds.names]
    return clouds, split or ("test" if dataset.splits else "all")


def write_results(folder: Path, text: str, content: Mapping[str, Any], names: Names) -> None:
    """Write JSON, Markdown and pictures.

    Raises:
        UserError: if that fails.
    """
    results = content["results"]
    try:
        folder.mkdir(exist_ok=True)
        for name, whole in (("real_eval.md", text), ("real_eval.json", json.dumps(content, indent=2) + "\n")):
            with atomic_write(folder / name) as temporary:
                temporary.write_text(whole, encoding="utf-8")
        for number, found in enumerate(results.values()):
            if "zeroshot" in found:
                picture = folder / f"confusion-{number}.png"
                draw_confusion(found["zeroshot"]["confusion"], names, found["seen"], picture)
        draw_points(results, folder / "points.png")
    except OSError as error:
        raise UserError(f"--out {folder} cannot be written: {error.strerror}") from None


def main(argv: Sequence[str] | None = None) -> None:
    """See `python -m tools.real_eval --help`."""
    args = build_parser().parse_args(argv)
    device = prepare_device(args)
    if args.out and args.out.exists() and not args.out.is_dir():
        raise UserError(f"--out {args.out}: a folder is needed, this is a file")
    if args.out and not args.out.absolute().parent.is_dir():
        raise UserError(f"--out {args.out}: the folder above it does not exist")
    protocol = Protocol(args.splits, args.folds, tuple(sorted(set(args.points))), args.seed)
    options: dict[str, Any] = {"text_encoder": args.text_encoder, "device": device}
    encoders = {path: load_pretrained(path, **options) for path in dict.fromkeys(args.ckpts)}
    first = next(iter(encoders.values()))
    if protocol.points[0] < (least := max(encoder.network.group_size for encoder in encoders.values())):
        raise UserError(f"--points {protocol.points[0]}: a patch of these encoders has {least} points")
    clouds, split = read_shapes(args.folder, args.split, protocol.points[-1], args.up, device)
    plain = clouds.names
    names = Names(plain, read_synonyms(args.synonyms, plain))
    seen_names(args.seen, first, plain)
    for encoder in encoders.values():
        if encoder.network.text_proj is not None:
            encoder.open_teacher()  # what it lacks is said before the work
    if args.random:
        encoders[RANDOM] = untrained(first, args.seed)
    results, total = {}, len(clouds.points) * sum(passes(encoder, protocol) for encoder in encoders.values())
    with progress(total=total, desc="real shapes", unit="cloud") as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", EncoderWarning)  # few points on purpose; the folder's frame is the user's
        for path, encoder in encoders.items():
            seen = seen_names(args.seen, encoder, plain)
            results[path] = measure(encoder, clouds, names, seen, protocol, bar)
    text = markdown(results, names, args.folder.name)
    print(text, end="")
    content = {
        **provenance(device),
        "folder": str(args.folder),
        "split": split,
        "protocol": asdict(protocol),
        **asdict(names),
    }
    content["results"] = results
    save_figures(content, args.json)
    if args.out:
        write_results(args.out, text, content, names)


if __name__ == "__main__":
    run_command(main)
