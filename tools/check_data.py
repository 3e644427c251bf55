"""Say which data sets are there: `python -m tools.check_data --data_root data`.

The loaders themselves are asked, so what is reported good can be trained on. A data set that keeps its shapes in many
files is looked at by its lists; `--read` reads every shape too. Nothing is written.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from datasets import build_dataset
from datasets.build import PointDataset, below_root, parse_section
from datasets.modelnet import ModelNet, cache_of, read_lists
from datasets.readers import read_points_txt
from utils.config import load_config, read_yaml
from utils.errors import Parser, UserError, run_command
from utils.logging import progress
from utils.registry import nearest

TEST_ONLY = ("ObjaverseLVIS", "Folder")
FOLD = re.compile(r"(\d+)way_(\d+)shot/(\d+)\.pkl")


def check(base: dict, data_root: str, read: bool = False) -> str:
    """Build every split of a data set; of ModelNet, where its cache is absent, look at the text files instead.

    Args:
        base: the content of its config.
        data_root: what the leading `data` of paths stands for.
        read: read every shape too.

    Returns:
        What it holds.

    Raises:
        UserError: if something is missing or damaged; the message is the loader's.
    """
    if base.get("NAME") == "ModelNetFewShot":
        return _check_folds(base, data_root)
    subsets = ("test",) if base.get("NAME") in TEST_ONLY else ("train", "test")
    found, classes = zip(*(_look(base, data_root, read, subset) for subset in subsets), strict=True)
    return ", ".join([*found, f"{classes[-1]} classes"])


def _look(base: dict, data_root: str, read: bool, subset: str) -> tuple[str, int]:
    """Build one split; returns what it holds and the number of classes."""
    if base.get("NAME") == "ModelNet":
        values = {key: value for key, value in base.items() if key != "NAME"}
        config = parse_section(ModelNet.Config, {**values, "subset": subset}, data_root, subset)
        if not os.path.exists(cache_of(config)):  # building would make it
            paths, _, class_names = read_lists(config)
            for path in progress(paths, desc=f"reading {subset}", unit="shape"):
                if read:
                    read_points_txt(path, 6, config.N_POINTS, ModelNet.hint())
                elif not os.path.isfile(path):
                    raise UserError(f"point file not found: {path}; {ModelNet.hint()}")
            return f"{subset} {len(paths)} shapes", len(class_names)
    lists = {"whole": False} if base.get("NAME") == "ShapeNet" else {}  # each list by itself
    dataset = build_dataset({"_base_": base, "others": {"subset": subset, **lists}}, data_root, subset)
    if read:
        _read(dataset, subset)
    rooms = getattr(dataset, "rooms", None)
    held = f"{len(dataset)} shapes" if rooms is None else f"{len(rooms)} rooms"
    return f"{subset} {held}", len(dataset.class_names)


def _read(dataset: PointDataset, subset: str) -> None:
    """Ask for every shape that was not read when the data set was built."""
    if hasattr(dataset, "rooms") or hasattr(dataset, "points"):
        return
    for index in progress(range(len(dataset)), desc=f"reading {subset}", unit="shape"):
        dataset[index]


def _check_folds(base: dict, data_root: str) -> str:
    """Read every few-shot fold that is there; if none is, the loader says what it misses."""
    root = Path(below_root(base.get("DATA_PATH", ""), data_root))
    places = [FOLD.fullmatch(path.relative_to(root).as_posix()) for path in sorted(root.glob("*/*.pkl"))]
    settings = [tuple(map(int, place.groups())) for place in places if place] or [(5, 10, 0)]
    for way, shot, fold in progress(settings, desc="few-shot folds", unit="fold"):
        for subset in ("train", "test"):
            others = {"subset": subset, "way": way, "shot": shot, "fold": fold}
            build_dataset({"_base_": base, "others": others}, data_root, subset)
    counts = Counter((way, shot) for way, shot, _ in settings)
    return ", ".join(f"{way} way {shot} shot: {count} folds" for (way, shot), count in sorted(counts.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Say which data sets are there, how large they are, and what is missing or damaged.")
    parser.add_argument("names", nargs="*", help="data set configs, such as ModelNet40 (default: all published ones)")
    parser.add_argument("--data_root", default="data", help="folder of the data sets (default: %(default)s)")
    parser.add_argument("--configs", default="cfgs/dataset_configs", help="folder of their configs")
    parser.add_argument("--read", action="store_true", help="read every shape, not only the lists; takes minutes")
    args = parser.parse_args(arguments)

    configs = {path.stem: path for path in sorted(Path(args.configs).glob("*.yaml"))}
    if not configs:
        raise UserError(
            f"{args.configs} holds no data set configs; run this from the folder of main.py, or set --configs"
        )
    for name in args.names:
        if name not in configs:
            raise UserError(f"unknown data set config '{name}'{nearest(name, configs)}")
    # By default only what is published: no folder of the user's own, no variant of another config.
    published = [name for name in configs if name != "Folder" and "_base_" not in read_yaml(configs[name])]
    chosen = args.names or published
    width, bad = max(map(len, chosen)), 0
    for name in chosen:
        try:
            told = check(load_config(configs[name]), os.fspath(args.data_root), args.read)
        except UserError as error:
            bad, told = bad + 1, f"error: {error}"
        print(f"{name:<{width}}  {told}", flush=True)
    if bad:
        raise UserError(f"{bad} of {len(chosen)} data sets are missing or damaged")


if __name__ == "__main__":
    run_command(main)
