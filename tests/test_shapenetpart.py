"""ShapeNetPart in its real layout, written here: what is read, and what is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from datasets import build_dataset, collate
from datasets.shapenetpart import PARTS
from utils.errors import UserError

FOLDER = "shapenetcore_partanno_segmentation_benchmark_v0_normal"
BASE = {"NAME": "ShapeNetPart", "DATA_PATH": f"data/{FOLDER}", "npoints": 40}
SYNSETS = {"Airplane": "02691156", "Mug": "03797390", "Table": "04379243"}
LISTS = {"train": ["Airplane/a", "Mug/b", "Table/c"], "val": ["Mug/d"], "test": ["Table/e", "Airplane/f"]}


def build(root: Path, seed: int = 0, **others):
    return build_dataset({"_base_": BASE, "others": {"subset": "train", **others}}, str(root), "dataset.train", seed)


def refuse(*words):
    """Expect a one-line UserError that holds the words, in any order."""
    return pytest.raises(UserError, match="^" + "".join(f"(?=.*{word})" for word in words) + "[^\n]*$")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder, rng = tmp_path / FOLDER, np.random.default_rng(0)
    (folder / "train_test_split").mkdir(parents=True)
    (folder / "synsetoffset2category.txt").write_text("".join(f"{name}\t{one}\n" for name, one in SYNSETS.items()))
    for split, names in LISTS.items():
        entries = []
        for name in names:
            category, one = name.split("/")
            (folder / SYNSETS[category]).mkdir(exist_ok=True)
            xyz = rng.normal(3, 2, (30, 3))
            label = np.where(xyz[:, 0] > 3, PARTS[category][0], PARTS[category][-1])
            np.savetxt(folder / SYNSETS[category] / f"{one}.txt", np.c_[xyz, xyz, label], fmt="%.6f")
            entries.append(f"shape_data/{SYNSETS[category]}/{one}")
        (folder / f"train_test_split/shuffled_{split}_file_list.json").write_text(json.dumps(entries))
    return tmp_path


def test_parts_are_numbered_without_gaps():
    assert [part for parts in PARTS.values() for part in parts] == list(range(50))
    assert list(PARTS) == sorted(PARTS) and len(PARTS) == 16


def test_what_is_read(root: Path):
    data, test = build(root), build(root, subset="test")
    assert data.class_names == test.class_names == list(PARTS)
    assert data.labels.tolist() == [0, 11, 15, 11] and test.labels.tolist() == [15, 0]  # train and val; test
    assert data.labels.dtype == np.int64 and len(data) == 4 and data.names[3] == "03797390/d"
    batch = collate([data[i] for i in range(4)])
    assert {name: tuple(value.shape) for name, value in batch.items()} == {
        "points": (4, 40, 3),
        "label": (4,),
        "point_label": (4, 40),
    }
    assert batch["points"].dtype == torch.float32 and batch["point_label"].dtype == torch.int64
    assert batch["label"].tolist() == data.labels.tolist()


def test_the_whole_cloud_is_normalised_before_points_are_drawn(root: Path):
    data = build(root, npoints=10)
    stored = np.loadtxt(root / FOLDER / "02691156/a.txt")
    xyz = stored[:, :3] - stored[:, :3].mean(0)
    xyz /= np.linalg.norm(xyz, axis=1).max()
    sample = data[0]
    distance = np.linalg.norm(sample["points"].numpy()[:, None] - xyz, axis=2)
    assert distance.min(1).max() < 1e-5
    assert sample["point_label"].tolist() == stored[distance.argmin(1), 6].tolist()  # labels go with their points


def test_draws_are_with_replacement_and_have_an_owner(root: Path):
    first, same, other = (build(root, seed=seed) for seed in (3, 3, 4))
    assert len(first[0]["points"].unique(dim=0)) < 30 < len(first[0]["points"])
    assert torch.equal(first[1]["points"], same[1]["points"]) and not torch.equal(
        first[1]["points"], other[1]["points"]
    )
    batch = next(iter(DataLoader(first, 4, num_workers=1, collate_fn=collate)))
    assert torch.equal(batch["points"][1], first[1]["points"])
    before = first[1]["points"]
    first.set_epoch(1)
    assert not torch.equal(first[1]["points"], before)
    for fixed in (False, True):
        test = build(root, subset="test", fixed_test_points=fixed)
        before = test[0]["points"]
        test.set_epoch(1)
        assert torch.equal(test[0]["points"], before) == fixed


def test_a_shape_is_read_once_and_only_when_asked_for(root: Path):
    data = build(root)
    kept = data[0]["points"]
    for path in (root / FOLDER).glob("*/*.txt"):
        path.unlink()
    assert torch.equal(data[0]["points"], kept)
    with refuse(root / FOLDER / "03797390/b.txt", "not found", "expected layout"):
        data[1]


def test_some_categories(root: Path):
    data = build(root, classes=["Mug"])
    assert data.names == ["03797390/b", "03797390/d"] and data.labels.tolist() == [11, 11]
    with refuse("dataset.train", "unknown category 'mug'.*did you mean 'Mug'"):
        build(root, classes=["mug"])
    with refuse("at least one category"):
        build(root, classes=[])
    with refuse("shuffled_train.*shuffled_val", "list no shape of Cap"):
        build(root, classes=["Cap"])


def test_normals_do_not_matter(root: Path):
    path = root / FOLDER / "02691156/a.txt"
    values = np.loadtxt(path)
    expected = build(root)[0]["points"]
    values[:, 3:6] = np.nan
    np.savetxt(path, values, fmt="%.6f")
    assert torch.equal(build(root)[0]["points"], expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 0 0 0 1\n", ("line 1", "expected 7 numbers")),
        ("0 0 0 0 0 1 0\n0 0 x 0 0 1 0\n", ("line 2", "expected 7 numbers", "0 0 x 0 0 1 0")),
        ("0 0 0 0 0 1 0\n1 0 0 0 0 1 0.5\n", ("whole numbers, one a point",)),
        ("0 0 0 0 0 1 0\n1 0 0 0 0 1 4\n", ("Airplane", "label 4 of point 1", "0..3")),
        ("0 0 0 0 0 1 -1\n", ("label -1",)),
        ("nan 0 0 0 0 1 0\n", ("NaN",)),
        ("", ("empty",)),
    ],
)
def test_bad_shapes(root: Path, text: str, words: tuple[str, ...]):
    path = root / FOLDER / "02691156/a.txt"
    path.write_text(text)
    with refuse(path, *words):
        build(root)[0]


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("synsetoffset2category.txt", "Airplane\n", "category and its synset.*'Airplane'"),
        ("synsetoffset2category.txt", "Plane 02691156\n", "unknown category 'Plane'.*Airplane"),
        ("synsetoffset2category.txt", "", "empty"),
        ("train_test_split/shuffled_val_file_list.json", "{}", "must hold a list"),
        ("train_test_split/shuffled_val_file_list.json", "[", "damaged"),
        ("train_test_split/shuffled_val_file_list.json", "[3]", "entry must be like"),
        ("train_test_split/shuffled_val_file_list.json", '["03797390/d"]', "entry must be like.*03797390/d"),
        ("train_test_split/shuffled_val_file_list.json", '["shape_data/../d"]', "entry must be like"),
        ("train_test_split/shuffled_val_file_list.json", '["shape_data/09999999/d"]', "synset 09999999"),
    ],
)
def test_bad_lists(root: Path, file: str, text: str, words: str):
    (root / FOLDER / file).write_text(text)
    with refuse(root / FOLDER / file, words):
        build(root)


def test_missing_files(root: Path, tmp_path: Path):
    with refuse(tmp_path / "none" / FOLDER, "not found", "expected layout", "get it from", "datasets.demo"):
        build(tmp_path / "none")
    (root / FOLDER / "03797390/d.txt").unlink()
    with refuse(root / FOLDER / "03797390/d.txt", "not found", "shuffled_val_file_list.json lists it"):
        build(root)
    for path in (root / FOLDER / "04379243").iterdir():
        path.unlink()
    (root / FOLDER / "04379243").rmdir()
    with refuse("folder of ShapeNetPart shapes not found", "04379243"):
        build(root, subset="test")
    (root / FOLDER / "train_test_split/shuffled_test_file_list.json").unlink()
    with refuse("shuffled_test_file_list.json", "not found"):
        build(root, subset="test")
