"""Time the making of synthetic shapes on one core: `python -m tools.benchmark world`.

Every stage is run over the same shapes, again and again, and the least CPU time counts, which other work on the machine
changes least.
"""

import time
from collections.abc import Callable
from typing import Any

import torch

from datasets import build_dataset
from datasets.synthetic_world import Shape, SyntheticWorld
from tools.benchmark.common import add_common_arguments, prepare_device, provenance, save_figures
from tools.report.tables import text_table
from utils.config import load_config
from utils.errors import Parser, UserError
from utils.logging import progress

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "surfaces": ("SyntheticWorld", {}),
    "surfaces, captions": ("SyntheticWorld", {"captions": 1.0}),
    "depth scans": ("SyntheticWorld", {"scan": 1.0, "background": 0.5}),
    "wild, captions": ("SyntheticWorld_wild", {"captions": 1.0}),
}
STAGES = ("mesh", "cloud", "render", "text", "sample")


def open_world(config: str, keys: dict[str, Any]) -> SyntheticWorld:
    """Build the training set of one of `cfgs/dataset_configs`, with some keys of its own."""
    base = load_config(f"cfgs/dataset_configs/{config}.yaml")
    data = build_dataset({"_base_": base, "others": {"subset": "train", **keys}}, "data", "world")
    assert isinstance(data, SyntheticWorld)
    return data


def stages(data: SyntheticWorld, shapes: list[Shape]) -> dict[str, Callable[[int], Any]]:
    """Return what is timed, by its name: functions of the number of a shape."""
    return {
        "mesh": data.shape,
        "cloud": lambda index: data.cloud(shapes[index], index),
        "render": lambda index: data.render(shapes[index], index, 0),
        "text": lambda index: data.text(shapes[index], index, 0),
        "sample": data.__getitem__,
    }


def cpu_ms(call: Callable[[int], Any], count: int) -> float:
    """CPU time in ms of one of `count` calls."""
    began = time.process_time()
    for index in range(count):
        call(index)
    return (time.process_time() - began) / count * 1000


def main(argv: list[str] | None = None) -> None:
    """Command line: see `python -m tools.benchmark world --help`."""
    parser = Parser(prog="tools.benchmark world", description="Time the making of synthetic shapes on one core.")
    parser.add_argument("--shapes", type=int, default=350, help="how many (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="of which the fastest counts (default: %(default)s)")
    parser.add_argument("--points", type=int, default=2048, help="of a cloud (default: %(default)s)")
    parser.add_argument("--image_size", type=int, default=64, help="pixels a side of a render (default: %(default)s)")
    parser.add_argument("--categories", nargs="+", default=["all"], help="names or groups (default: all)")
    add_common_arguments(parser)
    args = parser.parse_args(argv)
    if args.shapes < 1 or args.repeats < 1:
        raise UserError("--shapes and --repeats must be at least 1")
    device = prepare_device(args)
    torch.set_num_threads(1)
    keys = {"N_POINTS": args.points, "image_size": args.image_size, "categories": args.categories}
    worlds = {way: open_world(config, {**keys, **more}) for way, (config, more) in WAYS.items()}
    shapes = {way: [data.shape(index) for index in range(args.shapes)] for way, data in worlds.items()}
    least: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    cells = [(way, stage) for way in WAYS for stage in STAGES]
    for way, stage in progress(cells * args.repeats, desc="measuring", unit="cell"):
        found = cpu_ms(stages(worlds[way], shapes[way])[stage], args.shapes)
        least[way][stage] = min(found, least[way].get(stage, found))
    head = ["CPU ms a shape", *STAGES[:-1], "whole sample", "shapes/s a core"]
    rows = [
        [way, *(f"{times[stage]:.2f}" for stage in STAGES), f"{1000 / times['sample']:.0f}"]
        for way, times in least.items()
    ]
    content = provenance(device) | {"shapes": args.shapes, "repeats": args.repeats, **keys, "cpu_ms": least}
    content["shapes_per_second"] = {way: 1000 / times["sample"] for way, times in least.items()}
    machine, many = content["machine"], len(next(iter(worlds.values())).class_names)
    told = f"{machine['processor']}; {content['date']}, {content['git']}; {many} categories, {args.points} points, "
    print(f"{told}{args.image_size} pixels", text_table([head, *rows]), sep="\n\n")
    save_figures(content, args.json)
