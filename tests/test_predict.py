"""`main.py predict`: every format, tables and data, broken files, and a fresh clone without a network."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

import main
from datasets.folder import SUFFIXES
from models import build_model_from_cfg, load_pretrained
from tools.tasks import predict
from utils.errors import UserError

ROOT = Path(__file__).parent.parent


def bottle() -> trimesh.Trimesh:
    """A bottle with y up."""
    profile = [(0, 0), (0.2, 0), (0.2, 0.6), (0.07, 0.75), (0.07, 1), (0, 1)]
    mesh = trimesh.creation.revolve(profile)
    return mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0)))


def write(path: Path, mesh: trimesh.Trimesh) -> str:
    """Write a mesh, or 600 points of it, as the suffix says."""
    points = trimesh.sample.sample_surface(mesh, 600, seed=1)[0]
    if path.suffix == ".npy":
        np.save(path, points.astype(np.float32))
    elif path.suffix in (".txt", ".xyz"):
        np.savetxt(path, points)
    elif path.suffix == ".csv":
        np.savetxt(path, points, delimiter=",", header="x,y,z", comments="")
    elif path.suffix == ".pts":
        np.savetxt(path, points, header="600", comments="")
    elif path.suffix == ".pcd":
        fields = "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 600\nHEIGHT 1\nPOINTS 600\n"
        np.savetxt(path, points, header=f"{fields}DATA ascii", comments="")
    else:
        mesh.export(path)
    return str(path)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    """A bottle in every format, some in a folder below, and a file of another kind."""
    root = tmp_path_factory.mktemp("shapes")
    (root / "more").mkdir()
    for number, suffix in enumerate(SUFFIXES):
        write(root / ("more" if number % 3 == 0 else ".") / f"bottle{suffix}", bottle())
    (root / "notes.md").write_text("no shape")
    return root


def call(capsys, *words: str, status: int = 0) -> tuple[str, str]:
    """Run the command; returns what it printed and what it complained of."""
    capsys.readouterr()
    if status:
        with pytest.raises(SystemExit) as stop:
            main.main(["predict", *words])
        assert stop.value.code == status
    else:
        main.main(["predict", *words])
    return capsys.readouterr()


def test_every_format_and_json(shapes, capsys, tmp_path):
    out = tmp_path / "features.npz"
    printed, complaints = call(capsys, str(shapes), "--json", "--embeddings", str(out))
    rows = json.loads(printed)
    assert len(rows) == len(SUFFIXES) and not complaints
    assert {Path(row["file"]).suffix for row in rows} == {*SUFFIXES}
    for row in rows:
        assert row["names"][0]["name"] == "bottle" and len(row["names"]) == 5, row
        assert row["names"][0]["probability"] > row["names"][1]["probability"]
    with np.load(out) as kept:
        assert kept["files"].tolist() == [row["file"] for row in rows]
        assert kept["pooled"].shape == (len(rows), 320) and kept["text"].shape == kept["image"].shape == (len(rows), 64)
        points = np.load(next(shapes.rglob("*.npy")))
        index = [Path(name).suffix for name in kept["files"]].index(".npy")
        assert np.allclose(kept["pooled"][index], load_pretrained().encode(points).pooled[0], atol=1e-4)


def test_table(shapes, capsys, monkeypatch):
    file = str(next(shapes.rglob("*.off")))
    printed, _ = call(capsys, file, "--labels", "bottle, chair,table")
    first, *names = printed.splitlines()
    assert first == file and len(names) == 3 and names[0].split()[0] == "bottle" and "█" in names[0]
    again, _ = call(capsys, file, "--labels", "bottle,chair,table")
    assert again == printed  # the surface is drawn by the seed
    monkeypatch.setattr(predict, "BLOCKS", 1)
    printed, _ = call(capsys, file, file)
    assert len(printed.splitlines()) == 2 and all(file in line for line in printed.splitlines())


def test_csv(shapes, capsys):
    file = str(next(shapes.rglob("*.glb")))
    rows = list(csv.reader(io.StringIO(call(capsys, file, "--csv", "--labels", "bottle,chair")[0])))
    assert rows[0][:3] == ["file", "name1", "probability1"] and len(rows[0]) == len(rows[1]) == 11
    assert rows[1][:2] == [file, "bottle"] and float(rows[1][2]) + float(rows[1][4]) == pytest.approx(1, abs=1e-5)


def test_broken_files_are_named_and_skipped(shapes, capsys, tmp_path):
    (tmp_path / "cut.off").write_text("OFF\n3 1 0\n0 0 0\n")
    np.save(tmp_path / "few.npy", np.random.rand(5, 3))
    good = write(tmp_path / "good.obj", bottle())
    other = tmp_path / "notes.md"
    other.write_text("no shape")
    printed, complaints = call(capsys, str(tmp_path), str(other), "--json", status=1)
    assert [row["file"] for row in json.loads(printed)] == [good]
    skipped = [line for line in complaints.splitlines() if line.startswith("skipped: ")]
    assert [name in line for line, name in zip(skipped, ("cut.off", "few.npy", "notes.md"), strict=True)] == [True] * 3
    assert "3 of 4 files could not be read" in complaints
    printed, _ = call(capsys, str(tmp_path / "cut.off"), "--json", status=1)
    assert json.loads(printed) == []


def test_up_and_unlike_inputs(shapes, capsys, tmp_path):
    lying = bottle().apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0)))  # z up
    files = [write(tmp_path / f"{number}.stl", lying) for number in range(4)]
    printed, _ = call(capsys, *files, "--up", "z", "--json")
    assert {row["names"][0]["name"] for row in json.loads(printed)} == {"bottle"}
    np.save(tmp_path / "sparse.npy", trimesh.sample.sample_surface(bottle(), 40, seed=0)[0])
    _, complaints = call(capsys, str(tmp_path / "sparse.npy"))
    assert "warning: 1 of 1 clouds have fewer than half as many points" in complaints


def test_streams_in_batches_and_processes(shapes, capsys, monkeypatch):
    monkeypatch.setattr(predict, "BATCH", 4)
    one, _ = call(capsys, str(shapes), "--csv")
    several, _ = call(capsys, str(shapes), "--csv", "--num_workers", "2")
    assert one == several and len(one.splitlines()) == len(SUFFIXES) + 1


def test_user_errors(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr("models.text_teachers.find_spec", lambda name: None)  # of MiniLM, which reads anything
    file = str(next(shapes.rglob("*.off")))
    torch.save({"base_model": {"a.b": torch.ones(1)}}, tmp_path / "other.pth")
    (tmp_path / "empty").mkdir()
    for words, message in (
        ([], "required: FILE|FOLDER"),
        (["gone.off"], "no such file or folder: gone.off"),
        ([str(tmp_path / "empty")], "no shapes in"),
        ([file, "--labels", "bottle,spaceshipp"], "never read 'spaceshipp' ("),
        ([file, "--labels", " , "], "labels must be names"),
        ([file, "--ckpts", "gone.pth"], "checkpoint not found: gone.pth"),
        ([file, "--ckpts", "dmeo"], "did you mean 'demo'"),
        ([file, "--ckpts", str(tmp_path / "other.pth")], "no point encoder"),
        ([file, "--embeddings", "no/such/folder.npz"], "no such folder"),
        ([file, "--json", "--csv"], "not allowed with argument"),
        ([file, "--up", "w"], "invalid choice: 'w'"),
    ):
        with pytest.raises(UserError) as error:
            main.main(["predict", *words])
        assert message in str(error.value)


def test_weights_without_names(shapes, capsys, tmp_path):
    """Those of Point-MAE give embeddings, and a line if they are asked for names."""
    sizes = {
        "trans_dim": 192,
        "encoder_dims": 192,
        "depth": 1,
        "num_heads": 3,
        "decoder_depth": 1,
        "decoder_num_heads": 3,
    }
    model = build_model_from_cfg({"NAME": "PointMAE", "transformer_config": sizes, "num_group": 64, "group_size": 32})
    path, file = str(tmp_path / "mae.pth"), str(next(shapes.rglob("*.off")))
    torch.save({"base_model": model.state_dict()}, path)
    out = str(tmp_path / "features.npz")
    assert json.loads(call(capsys, file, "--ckpts", path, "--embeddings", out, "--json")[0]) == []
    with np.load(out) as kept:
        assert kept.files == ["files", "pooled"] and kept["pooled"].shape == (1, 192)
    with pytest.raises(UserError, match="--labels chair,table, or --embeddings"):
        main.main(["predict", file, "--ckpts", path])
    with pytest.raises(UserError, match="no features in the space of texts"):
        main.main(["predict", file, "--ckpts", path, "--labels", "chair"])


def test_fresh_clone_without_a_network(tmp_path):
    """Nothing compiled, nothing downloaded, another working directory's file: a name for a mesh."""
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "*.so", "__pycache__", "tests", "data?", "experiments")
    shutil.copytree(ROOT, clone, ignore=ignored, symlinks=True)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import socket\ndef refuse(*_): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse\n"
    )
    file = write(tmp_path / "mesh.glb", bottle())
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(tmp_path / "site"), "RECON_REQUIRE_LIBRARY": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(clone / "main.py"), "predict", file, "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["names"][0]["name"] == "bottle"
