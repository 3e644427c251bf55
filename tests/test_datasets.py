"""Data sets in their real layouts, written here file by file: what is read, and what is refused in one line."""

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import datasets.modelnet
from datasets import DATASETS, build_dataset, collate
from datasets.modelnet_fewshot import draw_fold
from utils.errors import UserError

ROOT = Path(__file__).parent.parent
RNG = np.random.default_rng(0)

SHAPENET = {
    "NAME": "ShapeNet",
    "DATA_PATH": "data/ShapeNet55-34/ShapeNet-55",
    "PC_PATH": "data/ShapeNet55-34/shapenet_pc",
    "IMG_PATH": "data/ShapeNet55-34/shapenet_img",
    "TEXT_PATH": "data/ShapeNet55-34/shapenet55.json",
    "N_POINTS": 64,
    "whole": False,
}
MODELNET = {
    "NAME": "ModelNet",
    "DATA_PATH": "data/ModelNet/modelnet40_normal_resampled",
    "N_POINTS": 48,
    "NUM_CATEGORY": 40,
    "USE_NORMALS": False,
}
FEWSHOT = {"NAME": "ModelNetFewShot", "DATA_PATH": "data/ModelNetFewshot", "N_POINTS": 64, "NUM_CATEGORY": 40}
SCAN = {"NAME": "ScanObjectNN", "ROOT": "data/ScanObjectNN/main_split"}


def build(root: Path, base: dict, **others: Any):
    return build_dataset({"_base_": base, "others": {"subset": "train", **others}}, str(root), "dataset.train")


def refuse(*words: Any):
    """Expect a one-line UserError that holds the words, in any order."""
    return pytest.raises(UserError, match="^" + "".join(f"(?=.*{word})" for word in words) + "[^\n]*$")


def cloud(n: int = 64, columns: int = 3) -> np.ndarray:
    return RNG.standard_normal((n, columns)).astype(np.float32)


@pytest.fixture
def shapenet(tmp_path: Path) -> Path:
    folder = tmp_path / "ShapeNet55-34"
    for name in ("ShapeNet-55", "shapenet_pc", "shapenet_img"):
        (folder / name).mkdir(parents=True)
    lists = {"train": ["02691156-a-1", "03001627-b", "02691156-c"], "test": ["04379243-d", "03001627-e"]}
    for name, ids in lists.items():
        (folder / "ShapeNet-55" / f"{name}.txt").write_text("".join(f"{i}.npy\n" for i in ids))
        for i in ids:
            np.save(folder / "shapenet_pc" / f"{i}.npy", cloud())
            Image.new("RGB", (40, 30), (250, 100, 20)).save(folder / "shapenet_img" / f"{i}.png")
    records = {2691156: "airplane", 3001627: "chair", 4379243: "table", 2747177: "trash bin"}
    content = [{"catalogue": synset, "describe": name} for synset, name in records.items()]
    (folder / "shapenet55.json").write_text(json.dumps(content))
    return tmp_path


@pytest.fixture
def modelnet(tmp_path: Path) -> Path:
    folder = tmp_path / "ModelNet" / "modelnet40_normal_resampled"
    names = ["bed", "night_stand", "xbox"]
    folder.mkdir(parents=True)
    (folder / "modelnet40_shape_names.txt").write_text("\n".join(names))
    for subset, count in (("train", 4), ("test", 2)):
        offset = 4 * (subset == "test")
        ids = [f"{name}_{offset + i + 1:04}" for i in range(count) for name in names]
        (folder / f"modelnet40_{subset}.txt").write_text("\n".join(ids) + "\n")
        for i, name in enumerate(ids):
            (folder / name[:-5]).mkdir(exist_ok=True)
            np.savetxt(folder / name[:-5] / f"{name}.txt", 3 * cloud(60 + i % 2, 6) + 1, delimiter=",", fmt="%.6f")
    return tmp_path


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    folder = tmp_path / "ScanObjectNN" / "main_split"
    folder.mkdir(parents=True)
    for stem, n in (("objectdataset", 5), ("objectdataset_augmentedrot_scale75", 6)):
        for split in ("training", "test"):
            with h5py.File(folder / f"{split}_{stem}.h5", "w") as file:
                file["data"] = 2 + RNG.standard_normal((n, 64, 3)).astype(np.float32)
                file["label"] = (np.arange(n) * 3 % 15).astype(np.int32)
    return tmp_path


# ShapeNet


def test_shapenet(shapenet: Path):
    data = build(shapenet, SHAPENET, npoints=32, image_size=32)
    assert len(data) == 3 and data.class_names == ["airplane", "chair", "table", "trash bin"]
    sample = data[1]
    stored = np.load(shapenet / "ShapeNet55-34/shapenet_pc/03001627-b.npy")
    assert np.array_equal(sample["points"], stored)  # as stored: normalised only after the draw of 1024
    assert sample["label"] == 1 and sample["text"] == "chair" and sample["image"].shape == (3, 32, 32)
    batch = collate([data[i] for i in range(3)])
    assert batch["points"].shape == (3, 64, 3) and batch["image"].shape == (3, 3, 32, 32)
    assert batch["label"].tolist() == [0, 1, 0] and batch["label"].dtype == torch.int64
    assert batch["text"] == ["airplane", "chair", "airplane"]


def test_shapenet_lists(shapenet: Path):
    whole = build(shapenet, SHAPENET, whole=True)
    released = {key: value for key, value in SHAPENET.items() if key != "whole"}  # whose runner asks for both lists
    assert build(shapenet, released).names == whole.names and build(shapenet, released, subset="test").names == [
        "04379243-d",
        "03001627-e",
    ]
    assert whole.names == ["04379243-d", "03001627-e", "02691156-a-1", "03001627-b", "02691156-c"]
    assert build(shapenet, SHAPENET, whole=True, ratio=0.6).names == whole.names[:3]
    assert build(shapenet, SHAPENET, subset="test").names == whole.names[:2]


def test_shapenet_without_views(shapenet: Path):
    for path in (shapenet / "ShapeNet55-34/shapenet_img").iterdir():
        path.unlink()
    base = {key: value for key, value in SHAPENET.items() if key != "IMG_PATH"}
    assert set(build(shapenet, base, images=False)[0]) == {"points", "label", "text"}
    with refuse("dataset.train", "IMG_PATH"):
        build(shapenet, base)


def test_shapenet_channel_order(shapenet: Path):
    """Released: BGR. The view is plain, so its colour tells."""
    options = {"image_size": 16, "image_augment": False, "image_norm": "clip"}
    samples = [build(shapenet, SHAPENET, bgr=flag, **options)[0] for flag in (True, False)]
    bgr, rgb = (sample["image"].float().mean((1, 2)) for sample in samples)
    assert bgr[0] < bgr[2] and rgb[0] > rgb[2]


def test_shapenet_names_are_found_near_by(shapenet: Path):
    source = shapenet / "ShapeNet55-34/shapenet55.json"
    content = source.read_text()
    source.unlink()
    with refuse("category names not found", "ShapeNet55-34/shapenet55.json", "Point-BERT"):
        build(shapenet, SHAPENET)
    for folder in ("ShapeNet55-34/ShapeNet-55", "."):
        path = shapenet / folder / "shapenet55.json"
        path.write_text(content)
        assert build(shapenet, SHAPENET)[0]["text"] == "airplane"
        path.unlink()


def test_two_synsets_of_one_name_share_a_label(shapenet: Path):
    records = [{"catalogue": "02691156", "describe": "chair"}, {"catalogue": 3001627, "describe": "chair"}]
    (shapenet / "ShapeNet55-34/shapenet55.json").write_text(json.dumps(records))
    data = build(shapenet, SHAPENET)
    assert data.class_names == ["chair"] and data.labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize("synsets", [(2691156, 3001627), ("02691156", "03001627"), ("2691156", 3001627.0)])
@pytest.mark.parametrize("orientation", ["records", "columns by row", "columns as lists"])
def test_orientations_of_the_names(shapenet: Path, synsets, orientation):
    names = ("plane", "chair")
    content = {
        "records": [{"catalogue": c, "describe": d} for c, d in zip(synsets, names, strict=True)],
        "columns as lists": {"catalogue": synsets, "describe": names, "more": [1]},
        # The rows of the two columns belong together by name, not by position.
        "columns by row": {
            "catalogue": {"0": synsets[0], "1": synsets[1]},
            "describe": {"1": names[1], "0": names[0]},
        },
    }[orientation]
    (shapenet / "ShapeNet55-34/shapenet55.json").write_text(json.dumps(content))
    data = build(shapenet, SHAPENET)
    texts = {name[:8]: data[i]["text"] for i, name in enumerate(data.names)}
    assert texts == dict(zip(("02691156", "03001627"), names, strict=True))


def test_views_depend_on_seed_epoch_and_index_only(shapenet: Path):
    section = {"_base_": SHAPENET, "others": {"subset": "train", "image_size": 16}}
    data = build_dataset(section, str(shapenet), "dataset.train", seed=3)
    first = collate([data[i] for i in range(3)])["image"]
    loader = DataLoader(data, 3, num_workers=2, collate_fn=collate, persistent_workers=True)
    assert torch.equal(next(iter(loader))["image"], first)
    data.set_epoch(1)
    second = next(iter(loader))["image"]  # workers of the first epoch live on
    assert torch.equal(second, collate([data[i] for i in range(3)])["image"]) and not torch.equal(first, second)
    other = build_dataset(section, str(shapenet), "dataset.train", seed=4)
    assert not torch.equal(collate([other[i] for i in range(3)])["image"], first)


def test_shapenet_of_more_points(shapenet: Path):
    data = build(shapenet, {**SHAPENET, "N_POINTS": 32}, images=False)
    assert data[0]["points"].shape == (32, 3)
    path = shapenet / "ShapeNet55-34/shapenet_pc/02691156-a-1.npy"
    np.save(path, cloud(16))
    with refuse("clouds of 16 and 32 points", "N_POINTS to 16"):
        collate([data[0], data[1]])


def test_bad_shapenet(shapenet: Path, tmp_path: Path):
    folder = shapenet / "ShapeNet55-34"
    with refuse("not found", tmp_path / "none/ShapeNet55-34/ShapeNet-55/train.txt", "expected layout", "get it from"):
        build(tmp_path / "none", SHAPENET)
    path = folder / "shapenet_pc/02691156-a-1.npy"
    good = path.read_bytes()

    def first():
        return build(shapenet, SHAPENET, npoints=32)[0]

    for content, words in [
        (np.full((64, 3), np.nan), "NaN"),
        (cloud(31), "31 points, fewer than the 32"),
        (cloud()[:, :2], "shape"),
        (cloud()[None], "shape"),
    ]:
        np.save(path, content)
        with refuse(path, words):
            first()
    path.write_bytes(good[:100])
    with refuse(path, "damaged"):
        first()
    path.unlink()
    with refuse(path, "train.txt", "1 of 3 clouds are missing"):
        first()
    path.write_bytes(good)

    image = folder / "shapenet_img/02691156-a-1.png"
    view = image.read_bytes()
    image.write_bytes(view[:40])
    with refuse(image, "damaged"):
        first()
    image.unlink()
    with refuse(image, "1 of 3 views are missing"):
        first()
    image.write_bytes(view)

    listing = folder / "ShapeNet-55/train.txt"
    lines = listing.read_text()
    for content, words in [
        ("chair.npy", "<synset>-<id>.npy"),
        ("02691156-a-1", "<synset>-<id>.npy"),
        ("09999999-a.npy", "synset 09999999"),
        ("²-a.npy", "<synset>-<id>.npy"),
        ("", "empty"),
    ]:
        listing.write_text(content)
        with refuse(listing, words):
            first()
    listing.write_text(lines)
    names = folder / "shapenet55.json"
    for content, words in [
        ("{", "damaged"),
        ("{}", "must hold records"),
        ("[]", "must hold records"),
        ('{"catalogue": [2691156], "describe": []}', "with the same rows"),
        ('{"catalogue": {"0": 2691156}, "describe": {"1": "chair"}}', "with the same rows"),
        ('{"catalogue": [2691156.5], "describe": ["chair"]}', "record 0"),
        ('{"catalogue": [true], "describe": ["chair"]}', "record 0"),
        ('[{"catalogue": "x"}]', "record 0"),
        ('[{"catalogue": Infinity, "describe": "chair"}]', "record 0"),
        ('[{"catalogue": 2691156, "describe": null}]', "record 0"),
    ]:
        names.write_text(content)
        with refuse(names, words):
            first()


# ModelNet


def test_modelnet_builds_its_cache_once(modelnet: Path, monkeypatch: pytest.MonkeyPatch):
    data = build(modelnet, MODELNET, npoints=16)
    folder = modelnet / "ModelNet/modelnet40_normal_resampled"
    cache = folder / "modelnet40_train_48pts_fps.dat"
    clouds, labels = pickle.loads(cache.read_bytes())
    assert len(clouds) == len(labels) == len(data) == 12
    assert clouds[0].shape == (48, 6) and clouds[0].dtype == np.float32
    assert labels[1].tolist() == [1] and labels[1].dtype == np.int32
    assert data.class_names == ["bed", "night_stand", "xbox"] and data[1]["label"] == 1
    text = np.loadtxt(folder / "night_stand/night_stand_0001.txt", delimiter=",", dtype=np.float32)
    kept = set(map(tuple, clouds[1]))
    assert len(kept) == 48 and kept <= set(map(tuple, text))
    points = data.points[1]
    assert points.shape == (48, 3) and points.dtype == torch.float32
    assert torch.allclose(points.mean(0), torch.zeros(3), atol=1e-6) and torch.isclose(
        points.norm(dim=1).max(), torch.ones(())
    )

    def forbidden(*_):
        raise AssertionError("sampled again")

    monkeypatch.setattr("datasets.modelnet.farthest_point_sample", forbidden)
    stamp = cache.stat().st_mtime_ns
    assert torch.equal(build(modelnet, MODELNET).points, data.points) and cache.stat().st_mtime_ns == stamp
    normals = build(modelnet, {**MODELNET, "USE_NORMALS": True}).points[1]
    assert np.array_equal(normals[:, 3:], clouds[1][:, 3:]) and torch.equal(normals[:, :3], points)
    assert not list(folder.glob("*.tmp")) and not list(folder.glob(".*"))


def test_runs_that_start_at_once_make_one_cache(modelnet: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("fcntl")
    made, waiting, sample = [], threading.Event(), datasets.modelnet._sample_all

    def slow(*arguments):
        made.append(arguments)
        assert waiting.wait(20)
        return sample(*arguments)

    monkeypatch.setattr("datasets.modelnet._sample_all", slow)
    monkeypatch.setattr(logging.getLogger("datasets.modelnet"), "warning", lambda *_: waiting.set())
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: build(modelnet, MODELNET), range(2))
    assert len(made) == 1 and torch.equal(first.points, second.points)
    assert not list(modelnet.rglob("*.lock"))


def test_modelnet_cache_keeps_points_near_the_origin(modelnet: Path):
    """Shapes in any unit and place: the operator's blind spot at the origin must not reach the cache."""
    folder = modelnet / "ModelNet/modelnet40_normal_resampled"
    for path in folder.glob("*/*.txt"):
        np.savetxt(path, 0.01 * cloud(50, 6), delimiter=",", fmt="%.7f")
    data = build(modelnet, MODELNET)
    assert all(len(points.unique(dim=0)) == 48 for points in data.points)


def test_modelnet_in_a_folder_that_cannot_be_written(modelnet: Path, monkeypatch, caplog):
    expected = build(modelnet, MODELNET).points
    cache = modelnet / "ModelNet/modelnet40_normal_resampled/modelnet40_train_48pts_fps.dat"
    cache.unlink()

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("datasets.modelnet.write_pickle", denied)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(build(modelnet, MODELNET).points, expected)
    (record,) = caplog.records
    assert str(cache) in record.getMessage() and "\n" not in record.getMessage() and not cache.exists()


def test_modelnet10_has_its_own_files(modelnet: Path):
    folder = modelnet / "ModelNet/modelnet40_normal_resampled"
    (folder / "modelnet10_shape_names.txt").write_text("bed\nxbox\n")
    (folder / "modelnet10_test.txt").write_text("xbox_0001\n")
    data = build(modelnet, {**MODELNET, "NUM_CATEGORY": 10}, subset="test")
    assert len(data) == 1 and data.class_names == ["bed", "xbox"] and data[0]["label"] == 1
    assert (folder / "modelnet10_test_48pts_fps.dat").exists()


def test_bad_cache(modelnet: Path):
    build(modelnet, MODELNET)
    folder = modelnet / "ModelNet/modelnet40_normal_resampled"
    cache = folder / "modelnet40_train_48pts_fps.dat"
    good = cache.read_bytes()
    clouds, labels = pickle.loads(good)
    holed = [clouds[0].copy(), *clouds[1:]]
    holed[0][5, 2] = np.inf
    for content, words in [
        ([clouds[:11], labels[:11]], "11 shapes.*12"),
        ([clouds, labels[:11]], "11 labels for 12"),
        ([clouds, [np.array([3])] * 12], "label 3 .*out of range 0..2"),
        ([clouds, [np.array([0])] * 12], "classes"),
        ([holed, labels], "NaN or infinite.*point 5 "),
        ([[c[:40] for c in clouds], labels], "40 points, fewer than the 48"),
        ([[c[:, :2] for c in clouds], labels], "columns"),
        ([[c[:, : 3 + i % 2] for i, c in enumerate(clouds)], labels], "as many columns"),
        ({"clouds": clouds}, "list of clouds"),
        ([1, 2], "list of clouds"),
    ]:
        cache.write_bytes(pickle.dumps(content))
        with refuse(cache, words, "delete the file"):
            build(modelnet, MODELNET)
    for damaged in (good[:-100], b""):
        cache.write_bytes(damaged)
        with refuse(cache, "damaged", "delete the file"):
            build(modelnet, MODELNET)


def test_bad_modelnet(modelnet: Path, tmp_path: Path):
    with refuse(
        tmp_path / "none/ModelNet", "not found", "expected layout", "get it from", "modelnet40_normal_resampled.zip"
    ):
        build(tmp_path / "none", MODELNET)
    folder = modelnet / "ModelNet/modelnet40_normal_resampled"
    path = folder / "bed/bed_0002.txt"
    good = path.read_text()
    path.write_text(good.replace(",", ",x", 1))
    with refuse(path, "line 1"):
        build(modelnet, MODELNET)
    path.write_text("".join(good.splitlines(True)[:47]))
    with refuse(path, "47 points, fewer than the 48"):
        build(modelnet, MODELNET)
    path.unlink()
    with refuse(path, "not found"):
        build(modelnet, MODELNET)
    path.write_text(good)
    (folder / "modelnet40_train.txt").write_text("nightstand_0001\n")
    with refuse("modelnet40_train.txt", "nightstand_0001", "did you mean 'night_stand'"):
        build(modelnet, MODELNET)
    with refuse("dataset.train", "npoints", "49", "N_POINTS"):
        build(modelnet, MODELNET, npoints=49)
    with refuse("dataset.train.NUM_CATEGORY", "30"):
        build(modelnet, {**MODELNET, "NUM_CATEGORY": 30})


# Few-shot


def fewshot_tool(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    config = root / "ModelNet40.yaml"
    config.write_text(json.dumps(MODELNET))  # JSON is YAML
    command = [sys.executable, "-m", "datasets.modelnet_fewshot", "--data_root", str(root), "--config", str(config)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_fewshot_tool_and_reader(modelnet: Path):
    options = ("--way", "2", "--shot", "3", "--folds", "2", "--test-per-class", "2")
    done = fewshot_tool(modelnet, *options)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    folds = sorted((modelnet / "ModelNetFewshot").rglob("*.*"))
    assert [str(path.relative_to(modelnet)) for path in folds] == [
        f"ModelNetFewshot/2way_3shot/{i}.pkl" for i in (0, 1)
    ]

    def content() -> list[tuple]:
        fold = pickle.loads(folds[0].read_bytes())
        return [(points.tolist(), *labels) for part in ("train", "test") for points, *labels in fold[part]]

    first, fold = content(), pickle.loads(folds[0].read_bytes())
    assert len(fold["train"]) == 6 and len(fold["test"]) == 4
    points, label, original = fold["train"][0]
    assert points.shape == (48, 6) and label in (0, 1) and original in (0, 1, 2)
    pairs = {(label, original) for part in fold.values() for _, label, original in part}
    assert len(pairs) == 2
    assert fewshot_tool(modelnet, *options).returncode == 0 and content() == first
    assert fewshot_tool(modelnet, *options, "--seed", "1").returncode == 0 and content() != first

    data = build(modelnet, FEWSHOT, way=2, shot=3, fold=1, npoints=16)
    assert len(data) == 6 and sorted(int(label) for label in data.labels) == [0, 0, 0, 1, 1, 1]
    assert data[0]["points"].shape == (48, 3) and torch.isclose(data[0]["points"].norm(dim=1).max(), torch.ones(()))
    assert len(build(modelnet, FEWSHOT, subset="test", way=2, shot=3, fold=1)) == 4 and len(data.class_names) == 2

    assert fewshot_tool(modelnet, *options, "--points", "24").returncode == 0
    assert build(modelnet, FEWSHOT, way=2, shot=3, fold=1)[0]["points"].shape == (24, 3)
    assert {label for *_, label in content()} == {label for *_, label in first}  # the draw is the same


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--way", "4", "--shot", "2", "--test-per-class", "2"), "4 way 2 shot needs 4 classes.*has 3"),
        (("--way", "2", "--shot", "5", "--test-per-class", "2"), "at least 5 train"),
        (("--way", "2", "--shot", "2"), "20 test shapes"),
        (("--folds", "0"), "at least 1"),
        (("--points", "0"), "--points must be at least 1"),
    ],
)
def test_fewshot_tool_refuses(modelnet: Path, options: tuple[str, ...], words: str):
    done = fewshot_tool(modelnet, *options)
    *_, last = done.stderr.strip().splitlines()
    assert done.returncode == 2 and last.startswith("error: ") and "Traceback" not in done.stderr
    with refuse(words):
        raise UserError(last)


def test_folds_do_not_repeat_shapes():
    clouds, labels = [np.full((1, 6), i, np.float32) for i in range(60)], np.repeat(np.arange(6), 10)
    fold = draw_fold((clouds, labels), (clouds, labels), 5, 10, 3, np.random.default_rng(0))
    assert len({float(points[0, 0]) for points, _, _ in fold["train"]}) == 50
    assert all(labels[int(points[0, 0])] == original for part in fold.values() for points, _, original in part)
    assert len({label for _, label, _ in fold["test"]}) == 5


def test_bad_fold(tmp_path: Path):
    path = tmp_path / "ModelNetFewshot/5way_10shot/0.pkl"
    options = {"way": 5, "shot": 10, "fold": 0, "npoints": 32}
    with refuse(path, "not found", "expected layout", "python -m datasets.modelnet_fewshot"):
        build(tmp_path, FEWSHOT, **options)
    path.parent.mkdir(parents=True)
    for content, words in [
        ([], "key 'train'"),
        ({"train": []}, "key 'train'"),
        ({"train": [(cloud(), 0)]}, "original label"),
        ({"train": [(cloud(), 5, 0)]}, "train: label 5 .*0..4"),
        ({"train": [(cloud(), 0, 40)]}, "label 40 .*0..39"),
        ({"train": [(cloud(31), 0, 0)]}, "31 points"),
        ({"train": [(cloud() * np.nan, 0, 0)]}, "NaN"),
        ({"train": [(cloud(), 0, 0), (cloud(50), 0, 0)]}, "differ"),
    ]:
        path.write_bytes(pickle.dumps(content))
        with refuse(path, words):
            build(tmp_path, FEWSHOT, **options)
    with refuse("missing config key 'dataset.train.way'"):
        build(tmp_path, FEWSHOT, shot=10, fold=0)


# ScanObjectNN


@pytest.mark.parametrize(("name", "count"), [("ScanObjectNN", 5), ("ScanObjectNN_hardest", 6)])
@pytest.mark.parametrize("subset", ["train", "test"])
def test_scanobjectnn(scan: Path, name: str, count: int, subset: str):
    data = build(scan, {**SCAN, "NAME": name}, subset=subset, npoints=64)
    suffix = "_augmentedrot_scale75" if name.endswith("hardest") else ""
    split = "training" if subset == "train" else "test"
    with h5py.File(scan / f"ScanObjectNN/main_split/{split}_objectdataset{suffix}.h5") as file:
        assert np.array_equal(data.points, file["data"][()])
    read = torch.stack([data[i]["points"] for i in range(count)])
    assert torch.equal(read, data.points) == (subset == "test")
    assert torch.equal(read.sort(1).values, data.points.sort(1).values)
    assert len(data) == count and [data[i]["label"] for i in range(count)] == [3 * i % 15 for i in range(count)]
    assert len(data.class_names) == 15 and data.class_names[0] == "bag" and data.class_names[-1] == "toilet"
    assert collate([data[0], data[1]])["points"].shape == (2, 64, 3)


def test_objects_of_hardest_scans(scan: Path):
    """Where files tell which clouds are copies of one object, the data set does, too."""
    section = {"_base_": SCAN | {"NAME": "ScanObjectNN_hardest"}, "others": {"subset": "train"}}
    data = build_dataset(section, str(scan), "here")
    assert data.objects is None and data.copies
    path = scan / "ScanObjectNN/main_split/training_objectdataset_augmentedrot_scale75.h5"
    with h5py.File(path, "a") as file:
        file["object"] = np.arange(6) // 2
    data = build_dataset(section, str(scan), "here")
    assert data.objects.tolist() == [0, 0, 1, 1, 2, 2] and not data.copies
    with h5py.File(path, "a") as file:
        del file["object"]
        file["object"] = np.zeros(5)
    with pytest.raises(UserError, match="'object' must be 6 whole numbers"):
        build_dataset(section, str(scan), "here")
    assert not build_dataset(section | {"_base_": SCAN}, str(scan), "here").copies


def test_bad_scanobjectnn(scan: Path, tmp_path: Path):
    path = scan / "ScanObjectNN/main_split/training_objectdataset.h5"
    good = np.zeros((2, 64, 3))
    for data, label, words in [
        (good[..., :2], [0, 1], "columns"),
        (good[0], [0, 1], "shape"),
        (good + np.nan, [0, 1], "NaN.*shape 0"),
        (good, [0, 15], "label 15 of shape 1 .*0..14"),
        (good, [0], "1 labels for 2"),
    ]:
        with h5py.File(path, "w") as file:
            file["data"], file["label"] = data, label
        with refuse(path, words):
            build(scan, SCAN)
    with h5py.File(path, "w") as file:
        file["data"] = good
    with refuse(path, "lacks the array 'label'"):
        build(scan, SCAN)
    with refuse("test_objectdataset.h5", "64 points, fewer than the 65"):
        build(scan, SCAN, subset="test", npoints=65)
    path.write_bytes(b"text")
    with refuse(path, "damaged"):
        build(scan, SCAN)
    with refuse(tmp_path / "none/ScanObjectNN/main_split", "not found", "expected layout", "scanobjectnn"):
        build(tmp_path / "none", SCAN)


# What all share


def test_config_errors(scan: Path):
    def section(**changes: Any) -> dict:
        return {"_base_": SCAN, "others": {"subset": "train"}, **changes}

    for values, words in [
        (section(_base_={**SCAN, "NAME": "ScanObjectN"}), "NAME: unknown data set.*did you mean 'ScanObjectNN'"),
        (section(_base_={**SCAN, "NAME": 3}), "NAME' must be text, got 3"),
        (section(_base_={**SCAN, "NAME": ["ScanObjectNN"]}), "NAME' must be text"),
        (section(_base_={"ROOT": "x"}), "dataset.val._base_.NAME"),
        (section(_base_="cfgs/none.yaml"), "'dataset.val' must hold a _base_"),
        (section(other={}), "dataset.val.other'.*did you mean 'others'"),
        (section(others={"subset": "train", "npoint": 5}), "dataset.val.others.npoint'.*did you mean 'npoints'"),
        (section(_base_={**SCAN, "ROOTS": 1}), "dataset.val._base_.ROOTS'.*did you mean 'ROOT'"),
        (section(others={"subset": "valid"}), "dataset.val.subset'.*'train', 'test'.*valid"),
        (section(others={"subset": "train", "npoints": "many"}), "dataset.val.npoints'.*whole number.*many"),
        (section(others={"subset": "train", "npoints": 0}), "dataset.val'.*npoints must be at least 1"),
        (section(others={}), "missing config key 'dataset.val.subset'"),
        (section(others=[1]), "dataset.val.others' must be a mapping"),
        (None, "dataset.val"),
    ]:
        with refuse(words):
            build_dataset(values, str(scan), "dataset.val")
    with refuse("ratio must lie in"):
        build(scan, SHAPENET, ratio=0)


def test_data_root_replaces_only_a_leading_data(scan: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(scan)
    (scan / "elsewhere").symlink_to(scan / "ScanObjectNN")
    for base, root in [(SCAN["ROOT"], "."), ("./" + SCAN["ROOT"], "."), ("elsewhere/main_split", "none")]:
        assert len(build(Path(root), {**SCAN, "ROOT": base})) == 5
    with refuse("none/ScanObjectNN/main_split"):
        build(Path("none"), SCAN)


def test_every_data_set_tells_what_it_needs():
    for name, dataset in DATASETS.entries.items():
        hint = dataset.hint()
        assert "\n" not in hint and hint.startswith("expected layout: ") and "get it from: " in hint, name
        assert dataset.Config.__doc__ and dataset.__doc__
