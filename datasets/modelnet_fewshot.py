"""ModelNet40 few-shot: few classes, few training shapes; and the tool that draws the folds.

`python -m datasets.modelnet_fewshot --data_root data` draws 10 folds of each of 5 and 10 way, 10 and 20 shot; `--way 5
--shot 10` those of one setting. Classes with too few shapes are passed over; the synthetic world has 10 test shapes a
class: `--data_root data/demo --test-per-class 10 --points 2048`.
"""

import collections
import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.build import (
    DATASETS,
    CloudDataset,
    DatasetConfig,
    at_most,
    below_root,
    build_dataset,
    parse_section,
    stack_clouds,
)
from datasets.modelnet import ModelNetConfig, read_modelnet
from datasets.readers import check_labels, check_points, read_pickle, write_pickle
from utils.config import read_yaml
from utils.errors import Parser, UserError, run_command
from utils.files import writing
from utils.logging import progress

FOLD = re.compile(r"(\d+)way_(\d+)shot/(\d+)\.pkl")


@dataclasses.dataclass(kw_only=True)
class ModelNetFewShotConfig(DatasetConfig):
    """Keys of `ModelNetFewShot`.

    Attributes:
        DATA_PATH: folder of the `<way>way_<shot>shot` folders.
        way, shot, fold: number of classes, training shapes a class, and which draw.
        N_POINTS: maximum number of points returned.
        NUM_CATEGORY: classes of the data set the folds were drawn from.
        USE_NORMALS: return (N, 6) with normals.
    """

    DATA_PATH: str
    way: int
    shot: int
    fold: int
    N_POINTS: int = 8192
    NUM_CATEGORY: int = 40
    USE_NORMALS: bool = False


@DATASETS.register("ModelNetFewShot")
class ModelNetFewShot(CloudDataset):
    """Clouds (N, 3), centred and scaled to the unit sphere; labels 0..way-1."""

    NORMALIZES = "cloud"
    Config = ModelNetFewShotConfig
    LAYOUT = (
        "ModelNetFewshot/<way>way_<shot>shot/<fold>.pkl, a pickle of train and test, each a list of "
        "(points (8192 x 6), label in 0..way-1, original label)"
    )
    SOURCE = (
        "Point-BERT (https://github.com/lulutang0608/Point-BERT), or draw it from ModelNet40 with "
        "'python -m datasets.modelnet_fewshot'"
    )
    STAND_IN = (
        "python -m datasets.demo --out data/demo; python -m datasets.modelnet_fewshot --data_root data/demo "
        "--folds 3 --test-per-class 10"
    )

    @classmethod
    def look(cls, base: Mapping, data_root: str, read: bool = False) -> str:
        """Read every fold that is there; if none is, the error says what is missing."""
        root = Path(below_root(str(base.get("DATA_PATH", "")), data_root))
        places = [FOLD.fullmatch(path.relative_to(root).as_posix()) for path in sorted(root.glob("*/*.pkl"))]
        settings = [tuple(map(int, place.groups())) for place in places if place] or [(5, 10, 0)]
        for way, shot, fold in progress(settings, desc="few-shot folds", unit="fold"):
            for subset in cls.SUBSETS:
                others = {"subset": subset, "way": way, "shot": shot, "fold": fold}
                build_dataset({"_base_": base, "others": others}, data_root, subset)
        counts = collections.Counter((way, shot) for way, shot, _ in settings)
        return ", ".join(f"{way} way {shot} shot: {count} folds" for (way, shot), count in sorted(counts.items()))

    def __init__(self, config: ModelNetFewShotConfig, data_root: str, seed: int = 0):
        path = os.path.join(config.DATA_PATH, f"{config.way}way_{config.shot}shot", f"{config.fold}.pkl")
        content = read_pickle(path, "few-shot fold", self.hint())
        samples = content.get(config.subset) if isinstance(content, dict) else None
        if not isinstance(samples, (list, tuple)) or not samples:
            raise UserError(f"{path} must hold a dict of lists with the key '{config.subset}'")
        if not all(isinstance(sample, (list, tuple)) and len(sample) == 3 for sample in samples):
            raise UserError(f"{path}, {config.subset}: every sample must be (points, label, original label)")
        clouds, labels, originals = zip(*samples, strict=True)
        clouds = [
            at_most(check_points(cloud, f"{path}, {config.subset} shape {i},", config.min_points), config.N_POINTS)
            for i, cloud in enumerate(clouds)
        ]
        if len({cloud.shape for cloud in clouds}) > 1:
            raise UserError(f"{path}, {config.subset}: shapes differ in their number of points or columns")
        labels = check_labels(labels, config.way, f"{path}, {config.subset}", len(clouds))
        originals = check_labels(originals, config.NUM_CATEGORY, f"{path}, {config.subset}, original", len(clouds))
        names = dict(zip(labels.tolist(), originals.tolist(), strict=True))
        class_names = [f"class {names[label]}" if label in names else f"label {label}" for label in range(config.way)]
        points = stack_clouds(clouds, config.USE_NORMALS)
        super().__init__(points, labels, class_names, seed, shuffle=config.subset == "train")
        self.origin = f"{path}, {config.subset}"


StoredClouds = tuple[list[np.ndarray], np.ndarray]


def draw_fold(
    train: StoredClouds, test: StoredClouds, way: int, shot: int, test_per_class: int, rng: np.random.Generator
) -> dict:
    """Draw one fold: `way` classes, `shot` training and `test_per_class` test shapes of each.

    Args:
        train, test: clouds and labels of the splits to draw from.
        way, shot, test_per_class: how many.
        rng: where the draws come from.

    Returns:
        {"train": [(points, label in 0..way-1, original label)], "test": likewise}, shuffled.

    Raises:
        UserError: if there are not enough classes or shapes.
    """
    wanted = {"train": (train, shot), "test": (test, test_per_class)}
    rich = [np.flatnonzero(np.bincount(labels) >= count) for (_, labels), count in wanted.values()]
    able = np.intersect1d(rich[0], rich[1])
    if len(able) < way:
        raise UserError(
            f"{way} way {shot} shot needs {way} classes with at least {shot} train and {test_per_class} test shapes, "
            f"ModelNet has {len(able)} of these; --test-per-class asks for fewer"
        )
    chosen = rng.choice(able, way, replace=False)
    fold = {}
    for name, ((clouds, labels), count) in wanted.items():
        picks = [
            (int(i), label, int(original))
            for label, original in enumerate(chosen)
            for i in rng.choice(np.flatnonzero(labels == original), count, replace=False)
        ]
        fold[name] = [(clouds[i], label, original) for i, label, original in rng.permutation(picks).tolist()]
    return fold


def main() -> None:
    parser = Parser(description="Draw the folds of ModelNet few-shot classification.")
    parser.add_argument("--data_root", default="data", help="folder of ModelNet; ModelNetFewshot is written beside it")
    parser.add_argument("--config", default="cfgs/dataset_configs/ModelNet40.yaml", help="the data set to draw from")
    parser.add_argument("--points", type=int, help="points a shape, kept by FPS (default: N_POINTS of the config)")
    parser.add_argument("--way", type=int, nargs="+", default=[5, 10], help="classes a fold")
    parser.add_argument("--shot", type=int, nargs="+", default=[10, 20], help="training shapes a class")
    parser.add_argument("--folds", type=int, default=10, help="how many folds of each")
    parser.add_argument("--test-per-class", type=int, default=20, help="test shapes a class")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if min(*args.way, *args.shot, args.folds, args.test_per_class) < 1 or args.seed < 0:
        raise UserError("--way, --shot, --folds and --test-per-class must be at least 1, --seed at least 0")

    if args.points is not None and args.points < 1:
        raise UserError(f"--points must be at least 1, got {args.points}")

    values = {key: value for key, value in read_yaml(args.config).items() if key != "NAME"}
    values |= {} if args.points is None else {"N_POINTS": args.points}
    train, test = (
        read_modelnet(parse_section(ModelNetConfig, {**values, "subset": subset}, args.data_root, args.config))[:2]
        for subset in ("train", "test")
    )
    out = below_root("data/ModelNetFewshot", args.data_root)
    tasks = [(way, shot, fold) for way in args.way for shot in args.shot for fold in range(args.folds)]
    for way, shot, fold in progress(tasks, desc="few-shot folds", unit="fold"):
        rng = np.random.default_rng((args.seed, way, shot, fold))
        content = draw_fold(train, test, way, shot, args.test_per_class, rng)
        path = os.path.join(out, f"{way}way_{shot}shot", f"{fold}.pkl")
        with writing(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_pickle(path, content)
    print(f"{len(tasks)} folds in {out}")


if __name__ == "__main__":
    run_command(main)
