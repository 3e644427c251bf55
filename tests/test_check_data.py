"""The check of the data sets: one line each, from the loaders."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from tools.check_data import main
from utils.errors import UserError

ROOT = Path(__file__).parent.parent
CONFIGS = {
    "Folds": {"NAME": "ModelNetFewShot", "DATA_PATH": "data/ModelNetFewshot"},
    "ModelNet40": {"NAME": "ModelNet", "DATA_PATH": "data/ModelNet/modelnet40_normal_resampled", "N_POINTS": 96},
    "Rooms": {"NAME": "S3DISRooms", "DATA_PATH": "data/stanford_indoor3d"},
    "Scan": {"NAME": "ScanObjectNN", "ROOT": "data/ScanObjectNN/main_split"},
    "ShapeNet": {
        "NAME": "ShapeNet",
        "DATA_PATH": "data/ShapeNet55-34/ShapeNet-55",
        "PC_PATH": "data/ShapeNet55-34/shapenet_pc",
        "images": False,
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONFIGS.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


@pytest.fixture
def check(world: Path, folder: Path, capsys):
    """Run the tool on the tiny world; returns what it printed by data set, and its error."""

    def call(*arguments: str) -> tuple[dict[str, str], str]:
        error = ""
        try:
            main(["--data_root", str(world), "--configs", str(folder), *arguments])
        except UserError as caught:
            error = str(caught)
        lines = capsys.readouterr().out.splitlines()
        return {line.split()[0]: " ".join(line.split()[1:]) for line in lines}, error

    return call


def test_what_is_there_and_what_is_not(check):
    told, error = check()
    assert list(told) == list(CONFIGS)
    assert error.startswith("1 of 5 data sets are missing or damaged; --verbose Rooms tells")
    assert told["Folds"] == "ok 3 way 2 shot: 1 folds"
    assert told["ModelNet40"] == "ok train 12 shapes, test 6 shapes, 3 classes"
    assert told["Scan"] == "ok train 14 shapes, test 6 shapes, 15 classes"
    assert told["ShapeNet"] == "ok train 14 shapes, test 1 shapes, 3 classes"
    assert told["Rooms"].startswith("missing folder of S3DIS rooms not found: ") and "get it from" not in told["Rooms"]


def test_by_default_only_what_is_published(check, folder):
    """Neither a folder of one's own shapes nor a variant of another config."""
    (folder / "Mine.yaml").write_text("NAME: Folder\nDATA_PATH: data/mine\n")
    (folder / "Packed.yaml").write_text("NAME: Shards\nSHARDS: data/shards\n")
    (folder / "Variant.yaml").write_text(f"_base_: {folder / 'Scan.yaml'}\n")
    told, _ = check()
    assert list(told) == list(CONFIGS)
    assert check("Mine")[0]["Mine"].startswith("missing")


def test_details(check, capsys):
    told, error = check("Rooms", "Scan", "--verbose")
    assert list(told) == ["Rooms", "expected", "Scan"] and error == "1 of 2 data sets are missing or damaged"
    assert told["expected"].startswith("layout: stanford_indoor3d") and "get it from: the form" in told["expected"]


def test_some_of_them(check):
    told, error = check("Scan", "ModelNet40")
    assert list(told) == ["Scan", "ModelNet40"] and not error
    assert check("Skan") == ({}, "unknown data set config 'Skan' (did you mean 'Scan'?)")


def test_rooms(folder, capsys):
    (folder / "stanford_indoor3d").mkdir()
    for area in (1, 2, 5):
        np.save(folder / f"stanford_indoor3d/Area_{area}_office_1.npy", np.zeros((5, 7)))
    main(["Rooms", "--data_root", str(folder), "--configs", str(folder)])
    assert capsys.readouterr().out == "Rooms  ok       train 2 rooms, test 1 rooms, 13 classes\n"


def test_every_shape_is_read_when_asked_for(check, world):
    path = world / "ShapeNet55-34/shapenet_pc/00000001-001.npy"
    good = path.read_bytes()
    path.write_bytes(good[:90])
    try:
        assert not check("ShapeNet")[1]
        told, error = check("ShapeNet", "--read")
    finally:
        path.write_bytes(good)
    assert told["ShapeNet"].startswith("damaged ") and str(path) in told["ShapeNet"] and "damaged" in told["ShapeNet"]
    assert error and not check("ShapeNet", "--read")[1]


def test_nothing_is_written(check, world, monkeypatch):
    """ModelNet's cache is made by the first run, not here; its text files are looked at."""
    root = world / "ModelNet/modelnet40_normal_resampled"
    for cache in root.glob("*.dat*"):
        cache.unlink()
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*")}
    path = next(root.glob("*/*_0001.txt"))
    good = path.read_text()
    for arguments in (["ModelNet40"], ["ModelNet40", "--read"]):
        assert check(*arguments) == ({"ModelNet40": "ok train 12 shapes, test 6 shapes, 3 classes"}, "")
    assert {path: path.stat().st_mtime_ns for path in world.rglob("*")} == before
    try:
        path.write_text(good.replace(",", ",x", 1))
        assert not check("ModelNet40")[1]
        assert f"{path}, line 1" in check("ModelNet40", "--read")[0]["ModelNet40"]
        path.unlink()
        told = check("ModelNet40")[0]["ModelNet40"]
        assert told == f"missing point file not found: {path}"
    finally:
        path.write_text(good)


def test_a_bad_config(check, folder):
    (folder / "Scan.yaml").write_text("NAME: ScanObject")
    told, error = check("Scan")
    assert "unknown data set 'ScanObject'" in told["Scan"] and error


def test_command(tmp_path):
    command = [sys.executable, "-m", "tools.check_data", "--data_root", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    configs = {path.stem for path in (ROOT / "cfgs/dataset_configs").glob("*.yaml")}
    shown = [line.split()[0] for line in done.stdout.splitlines()]
    variants = {"ModelNet10_2k", "ModelNet40_2k", "S3DISRooms", "SyntheticWorld_wild"}
    assert shown == sorted(configs - variants - {"Folder", "Shards", "SyntheticWorld"})
    assert done.returncode == 2 and done.stderr.startswith(
        f"error: {len(shown)} of {len(shown)} data sets are missing or damaged; --verbose"
    )


def test_a_data_set_with_one_split(tmp_path, capsys):
    root = tmp_path / "ObjaverseLVIS"
    root.mkdir()
    for i in range(2):
        np.save(root / f"{i}.npy", {"xyz": np.random.default_rng(i).random((64, 3)), "rgb": np.zeros((64, 3))})
    entries = [{"uid": str(i), "category": "abc"[i], "data_path": f"{i}.npy"} for i in range(2)]
    (root / "lvis.json").write_text(json.dumps(entries))
    main(["ObjaverseLVIS", "--data_root", str(tmp_path), "--configs", str(ROOT / "cfgs/dataset_configs")])
    assert "test 2 shapes, 2 classes" in capsys.readouterr().out
