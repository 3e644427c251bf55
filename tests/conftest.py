"""A tiny world in the published layouts, tiny configs on it, and the command line run in this process."""

import functools
import json
import operator
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml

# The tests are of the compiled operators too: without them they stop here. Set to 0, the variable does without.
os.environ.setdefault("RECON_REQUIRE_LIBRARY", "1")

import main
from tools.paper.plan import Planner

torch.set_num_threads(1)

CLASSES = ("bag", "bin", "box")
ENCODER = {"trans_dim": 32, "encoder_dims": 32, "depth": 2, "num_heads": 2, "drop_path_rate": 0.2}
PATCHES = {"num_group": 8, "group_size": 8}
TRAINING = {
    "optimizer": {"type": "AdamW", "kwargs": {"lr": 0.001, "weight_decay": 0.05}},
    "scheduler": {"type": "CosLR", "kwargs": {"epochs": 2, "initial_epochs": 1}},
    "max_epoch": 2,
    "total_bs": 4,
}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the folders that need servers or a browser of the distribution, unless they are named."""
    apart = {Path(__file__).parent / name for name in ("browser", "cluster")}
    named = any(collection_path.name in argument for argument in config.args)
    return True if collection_path in apart and not named else None


def cloud(rng: np.random.Generator, label: int, points: int = 96) -> np.ndarray:
    """A box whose proportions tell its label."""
    return (rng.uniform(-1, 1, (points, 3)) * np.roll([1.0, 0.5, 0.1], label)).astype(np.float32)


def section(base: dict, **others) -> dict:
    return {"_base_": base, "others": others}


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    """ScanObjectNN, ModelNet40, one of its few-shot folds and ShapeNet-55 with three classes each."""
    root, rng = tmp_path_factory.mktemp("world"), np.random.default_rng(0)
    scan = root / "ScanObjectNN/main_split"
    scan.mkdir(parents=True)
    for split, count in (("training", 14), ("test", 6)):
        labels = np.arange(count) % len(CLASSES)
        with h5py.File(scan / f"{split}_objectdataset.h5", "w") as file:
            file["data"], file["label"] = np.stack([cloud(rng, i) for i in labels]), labels

    model_net = root / "ModelNet/modelnet40_normal_resampled"
    model_net.mkdir(parents=True)
    (model_net / "modelnet40_shape_names.txt").write_text("\n".join(CLASSES))
    for split, numbers in (("train", range(1, 5)), ("test", range(5, 7))):
        ids = [f"{name}_{number:04d}" for name in CLASSES for number in numbers]
        (model_net / f"modelnet40_{split}.txt").write_text("\n".join(ids))
        for one in ids:
            (model_net / one.split("_")[0]).mkdir(exist_ok=True)
            points = cloud(rng, CLASSES.index(one.split("_")[0]))
            np.savetxt(model_net / one.split("_")[0] / f"{one}.txt", np.hstack((points, points)), delimiter=",")

    fold = {"train": [(np.tile(cloud(rng, i % 3), 2), i % 3, i % 3 + 7) for i in range(6)]}
    fold["test"] = fold["train"][:3]
    (root / "ModelNetFewshot/3way_2shot").mkdir(parents=True)
    (root / "ModelNetFewshot/3way_2shot/1.pkl").write_bytes(pickle.dumps(fold))

    shape_net = root / "ShapeNet55-34"
    for folder in ("ShapeNet-55", "shapenet_pc"):
        (shape_net / folder).mkdir(parents=True)
    names = [f"0000000{i % 3}-{i:03d}.npy" for i in range(14)]
    for i, name in enumerate(names):
        np.save(shape_net / "shapenet_pc" / name, cloud(rng, i % 3))
    (shape_net / "ShapeNet-55/train.txt").write_text("\n".join(names))
    (shape_net / "ShapeNet-55/test.txt").write_text(names[0])
    records = [{"catalogue": i, "describe": name} for i, name in enumerate(CLASSES)]
    (shape_net / "shapenet55.json").write_text(json.dumps(records))
    return root


@pytest.fixture
def configs(world, tmp_path, monkeypatch) -> dict[str, Path]:
    """Config files for the tiny world in an empty working directory, by task."""
    monkeypatch.chdir(tmp_path)
    return write_configs(world, tmp_path)


def write_configs(world: Path, folder: Path) -> dict[str, Path]:
    """Write config files for the tiny world into a folder; returns them by task."""
    scan = {"NAME": "ScanObjectNN", "ROOT": "data/ScanObjectNN/main_split"}
    model_net = {"NAME": "ModelNet", "DATA_PATH": "data/ModelNet/modelnet40_normal_resampled", "N_POINTS": 96}
    shape_net = {"NAME": "ShapeNet", "DATA_PATH": "data/ShapeNet55-34/ShapeNet-55", "images": False}
    shape_net["PC_PATH"] = "data/ShapeNet55-34/shapenet_pc"
    splits = {name: section(scan, subset="train" if name == "train" else "test") for name in ("train", "val", "test")}
    few = {"NAME": "ModelNetFewShot", "DATA_PATH": "data/ModelNetFewshot"}
    probes = {"train": section(model_net, subset="train"), "test": section(model_net, subset="test")}
    common = {"npoints": 64, "total_bs": 4, "data_root": str(world), "report": False}
    contents = {
        "classify": {
            **common,
            **TRAINING,
            "dataset": splits,
            "model": {"NAME": "PointTransformer", "cls_dim": 15, **ENCODER, **PATCHES},
            "augment": "scale_translate",
            "grad_norm_clip": 10,
            "vote": {"rounds": 3, "samples": 2, "augment": "scale"},
        },
        "pretrain": {
            **common,
            **TRAINING,
            "dataset": {
                "train": section(shape_net, subset="train"),
                "extra_train": probes["train"],
                "extra_val": probes["test"],
            },
            "model": {
                "NAME": "ReCon",
                **PATCHES,
                "self_contrastive": True,
                "transformer_config": {**ENCODER, "decoder_depth": 1, "decoder_num_heads": 2},
            },
            "augment": "rotate",
            "save_epochs": [1],
        },
        "svm": {**common, "dataset": probes, "model": {"NAME": "PointTransformerSVM", **ENCODER, **PATCHES}},
        "zeroshot": {
            **common,
            "dataset": probes,
            "model": {
                "NAME": "PointTransformerZeroShot",
                "img_dim": 16,
                "text_dim": 16,
                "text_encoder": "fake",
                **ENCODER,
                **PATCHES,
            },
        },
    }
    folds = {split: section(few, subset="train" if split == "train" else "test") for split in ("train", "val")}
    contents["fewshot"] = contents["classify"] | {"dataset": folds}
    folder = folder / "cfgs"
    folder.mkdir()
    for task, content in contents.items():
        (folder / f"{task}.yaml").write_text(yaml.safe_dump(content))
    return {task: folder / f"{task}.yaml" for task in contents}


@pytest.fixture
def numbers_of():
    """What the cells of a column of a table of the paper find in the content of a metrics.json."""

    def numbers(table: str, column: str, metrics: dict) -> list[float]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(Path(__file__).parent.parent)
            cells = [row[column] for row in Planner("demo", 1).table(table).rows.values() if column in row]
        paths = {path for cell in cells for path in (cell.path, cell.last) if path}
        return [functools.reduce(operator.getitem, path, metrics) for path in sorted(paths)]

    return numbers


@pytest.fixture
def run(configs):
    """Run main.py's main on one of the configs, replacing an earlier run; returns the folder of the run."""

    def call(task: str, *arguments: str, exp: str = "default") -> Path:
        words = ["--config", str(configs[task]), "--exp_name", exp, "--num_workers", "0"]
        main.main([*words, *["--overwrite"] * ("--resume" not in arguments), *arguments])
        return Path("experiments", task, "cfgs", f"test_{exp}" if "--test" in arguments else exp)

    return call
