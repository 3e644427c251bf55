"""Objaverse-LVIS in OpenShape's layout: found, turned, checked, and never run as code."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets import build_dataset, collate
from utils.errors import UserError

CATEGORIES = ["Rollerblade", "bat_(animal)", "mug", "mug"]


@pytest.fixture
def root(tmp_path) -> Path:
    rng, folder = np.random.default_rng(0), tmp_path / "data/ObjaverseLVIS"
    records = []
    for i, category in enumerate(reversed(CATEGORIES)):
        uid = f"{i:032x}"
        path = folder / "Objaverse" / f"000-{i:03d}" / f"{uid}.npy"
        path.parent.mkdir(parents=True)
        xyz = (rng.standard_normal((50, 3)) * (1, 2, 3) + 5).astype(np.float32)
        np.save(path, {"uid": uid, "xyz": xyz, "rgb": rng.random((50, 3))}, allow_pickle=True)
        records.append({"uid": uid, "category": category, "data_path": str(path.relative_to(folder)), "group": i})
    (folder / "lvis.json").write_text(json.dumps(records))
    return tmp_path / "data"


def build(root: Path, **others):
    base = {"NAME": "ObjaverseLVIS", "DATA_PATH": "data/ObjaverseLVIS", "LIST_PATH": "data/ObjaverseLVIS/lvis.json"}
    return build_dataset({"_base_": base, "others": {"subset": "test", **others}}, str(root), "dataset.test")


def rewrite(root: Path, change) -> Path:
    path = root / "ObjaverseLVIS/lvis.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    return path


def test_samples(root):
    data = build(root)
    assert len(data) == 4 and data.class_names == ["Rollerblade", "bat_(animal)", "mug"]
    assert data.labels == [2, 2, 1, 0] and data.files[3] == f"{3:032x}"
    stored = np.load(data.paths[1], allow_pickle=True).item()["xyz"]
    points = data[1]["points"]
    moved = torch.from_numpy(stored[:, [0, 2, 1]] - stored[:, [0, 2, 1]].mean(0))
    torch.testing.assert_close(points, moved / moved.norm(dim=1).max(), atol=1e-5, rtol=0)
    assert collate([data[i] for i in range(4)])["points"].shape == (4, 50, 3)
    assert len(build(root, N_POINTS=20)[0]["points"]) == 20
    with pytest.raises(UserError, match="50 points, fewer than the 51"):
        build(root, npoints=51)[0]
    with pytest.raises(UserError, match="subset' must be one of 'test', got 'train'"):
        build(root, subset="train")


@pytest.mark.parametrize("prefix", ["/mnt/data/processed/", "old/", "./"])
def test_paths_of_the_machine_that_the_list_was_made_on(root, prefix):
    expected = build(root).paths
    rewrite(root, lambda records: [{**r, "data_path": prefix + r["data_path"]} for r in records])
    # The first cloud being away does not keep the others from being found.
    os.rename(expected[0], expected[0] + ".away")
    with pytest.raises(UserError, match=f"{expected[0]}, though .*lvis.json lists it \\(1 of 4 are missing\\)"):
        build(root)
    os.rename(expected[0] + ".away", expected[0])
    assert build(root).paths == expected


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda records: {}, "must hold a list of records"),
        (lambda records: [], "must hold a list of records"),
        (
            lambda records: records[:1] + [{"uid": "a", "category": "mug"}],
            "record 1: expected texts uid, category, data",
        ),
        (lambda records: [3], "record 0: expected texts"),
        (
            lambda records: [{**r, "data_path": "x/" + r["uid"]} for r in records],
            r"\(4 of 4 are missing\); expected lay",
        ),
    ],
)
def test_bad_list(root, change, message):
    path = rewrite(root, change)
    with pytest.raises(UserError, match=f"^[^\n]*{path}.*{message}[^\n]*$"):
        build(root)
    path.unlink()
    with pytest.raises(UserError, match="list not found: .*expected layout: ObjaverseLVIS/lvis.json"):
        build(root)


class Evil:
    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.mark.parametrize(
    "content, message",
    [
        ({"xyz": np.zeros((50, 2), np.float32)}, r"xyz, must have shape \(points, columns\) with at least 3"),
        ({"xyz": np.full((50, 3), np.nan)}, "NaN"),
        ({"rgb": np.zeros((50, 3))}, "must hold a dict with xyz, got dict"),
        (np.zeros((50, 3)), "must hold a dict with xyz, got ndarray"),
        ({"xyz": Evil()}, "refused"),
    ],
)
def test_bad_clouds(root, monkeypatch, content, message):
    monkeypatch.chdir(root)
    data = build(root)
    np.save(data.paths[2], content, allow_pickle=True)
    with pytest.raises(UserError, match=f"^.*{re.escape(data.paths[2])}.*{message}.*$"):
        data[2]
    assert not Path("ran").exists()
