"""Packs: the same samples as from the files, made in pieces, damaged in many ways."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch.utils.data import DataLoader

import datasets.packed
import tools.pack
from datasets import build_dataset, collate
from tools.pack import main, verify_pack
from utils.errors import UserError

COUNT = 9
BASE = {
    "NAME": "ShapeNet",
    "DATA_PATH": "data/ShapeNet-55",
    "PC_PATH": "data/pc",
    "IMG_PATH": "data/img",
    "TEXT_PATH": "data/names.json",
    "PACK_PATH": "data/packed",
    "N_POINTS": 48,
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    """Files of nine shapes and a config of them; blocks of four rows."""
    rng = np.random.default_rng(0)
    for folder in ("ShapeNet-55", "pc", "img"):
        (tmp_path / folder).mkdir()
    names = [f"0000000{i % 2}-{i}" for i in range(COUNT)]
    for name in names:
        np.save(tmp_path / "pc" / f"{name}.npy", rng.standard_normal((64, 3)).astype(np.float32))
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(tmp_path / "img" / f"{name}.png")
    (tmp_path / "ShapeNet-55/train.txt").write_text("\n".join(f"{name}.npy" for name in names[:7]))
    (tmp_path / "ShapeNet-55/test.txt").write_text("\n".join(f"{name}.npy" for name in names[7:]))
    (tmp_path / "names.json").write_text(json.dumps([{"catalogue": i, "describe": f"class {i}"} for i in range(2)]))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(BASE))
    for module in (datasets.packed, tools.pack):
        monkeypatch.setattr(module, "BLOCK", 4)
    return tmp_path


@pytest.fixture
def pack(root: Path):
    def call(*arguments: str) -> None:
        main(["shapenet", "--data_root", str(root), "--config", str(root / "config.yaml"), *arguments])

    return call


def build(root: Path, packed: bool, **others):
    others = {"subset": "train", "image_size": 32, **others} | ({} if packed else {"PACK_PATH": None})
    return build_dataset({"_base_": BASE, "others": others}, str(root), "train")


def same(one, other) -> bool:
    batches = [data.finish(collate([data[i] for i in range(len(data))])) for data in (one, other)]
    assert batches[0].keys() == batches[1].keys()
    return all(
        torch.equal(value, batches[1][name]) if isinstance(value, torch.Tensor) else value == batches[1][name]
        for name, value in batches[0].items()
    )


@pytest.mark.parametrize("path", ["pillow", "tensor", "device"])
@pytest.mark.parametrize("bgr", [True, False])
def test_same_samples(root, pack, capsys, path, bgr):
    pack("--image_size", "32")
    assert f"{COUNT} shapes packed in {root / 'packed'}" in capsys.readouterr().out
    for split in ({"whole": True}, {"subset": "test"}, {"ratio": 0.5}):
        plain, packed = (build(root, flag, image_path=path, bgr=bgr, **split) for flag in (False, True))
        assert {*packed.rows} == {"points", "views"} and same(plain, packed)
    loader = DataLoader(build(root, True, bgr=bgr), 3, num_workers=2, collate_fn=collate)
    assert torch.equal(next(iter(loader))["points"], collate([plain[i] for i in range(3)])["points"])


def test_without_the_files(root, pack):
    pack("--image_size", "32")
    before = build(root, True)
    expected = before.finish(collate([before[0], before[8]]))
    shutil.rmtree(root / "pc")
    shutil.rmtree(root / "img")
    after = build(root, True)
    assert torch.equal(after.finish(collate([after[0], after[8]]))["image"], expected["image"])
    with pytest.raises(UserError, match="folder of ShapeNet-55 clouds not found"):
        build(root, False)


def test_plain_images_and_none(root, pack, caplog):
    pack("--image_size", "24", "--plain_images")
    plain, packed = (build(root, flag, image_size=24, image_augment=False) for flag in (False, True))
    assert same(plain, packed) and packed.rows["views"].shape == (COUNT, 24, 24, 3) and not caplog.records
    assert same(build(root, False), build(root, True)) and "files are read" in caplog.text
    with pytest.raises(UserError, match="other lists or settings: --overwrite"):
        pack("--no_images")
    pack("--no_images", "--overwrite")
    assert {*build(root, True).rows} == {"points"} and same(build(root, False), build(root, True))


def test_interrupted_and_continued(root, pack, monkeypatch, capsys):
    read, calls = datasets.shapenet.ShapeNet.stored, []

    def stored(self, index):
        calls.append(index)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(datasets.shapenet.ShapeNet, "stored", stored)
    with pytest.raises(KeyboardInterrupt):
        pack("--image_size", "32", "--threads", "1")
    assert (
        not (root / "packed").exists()
        and len(json.loads((root / "packed.partial/journal.json").read_text())["blocks"]) == 1
    )
    with pytest.raises(UserError, match="was begun: --overwrite"):
        pack("--image_size", "16")
    calls.clear()
    pack("--image_size", "32", "--threads", "1")
    assert sorted(calls) == [0, *range(4, COUNT)]  # the first tells the sizes
    monkeypatch.undo()
    assert {path.name for path in (root / "packed").iterdir()} == {"pack.json", "points.npy", "views.npy"}
    assert not (root / "packed.partial").exists() and same(build(root, False), build(root, True))
    capsys.readouterr()
    pack("--image_size", "32")
    assert capsys.readouterr().out == f"{COUNT} shapes are packed in {root / 'packed'}\n"


def test_what_is_damaged_is_found(root, pack):
    pack("--image_size", "32")
    folder = root / "packed"
    assert verify_pack(folder) == COUNT
    path = folder / "views.npy"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(UserError, match="views.npy is damaged in rows 8 to 8: --overwrite"):
        pack("--verify")
    path.write_bytes(good[:-5])
    with pytest.raises(UserError, match="views.npy"):
        build(root, True)
    path.write_bytes(good)
    (folder / "pack.json").write_text("{}")
    with pytest.raises(UserError, match="pack.json is damaged"):
        build(root, True)
    (folder / "pack.json").unlink()
    with pytest.raises(UserError, match="holds no pack"):
        pack("--verify")


def test_only_packs_are_overwritten(root, pack):
    folder = root / "packed"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    for arguments in ([], ["--overwrite"]):
        with pytest.raises(UserError, match="packed holds mine.txt, which is of no pack"):
            pack("--no_images", *arguments)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"] and not (root / "packed.partial").exists()
    (folder / "mine.txt").unlink()
    pack("--no_images")
    (folder / "pack.json").write_text("{}")  # a damaged one is made again
    pack("--no_images", "--overwrite")
    assert verify_pack(folder) == COUNT and not (root / "packed.old").exists()


def test_what_cannot_be_packed(root, pack):
    with pytest.raises(UserError, match="unknown data set 'shapnet'.*did you mean"):
        main(["shapnet"])
    np.save(root / "pc/00000001-3.npy", np.zeros((50, 3), np.float32))
    with pytest.raises(UserError, match=r"one size to be packed: 00000001-3 has \(50, 3\)"):
        pack("--no_images")
    np.save(root / "pc/00000001-3.npy", np.full((64, 3), np.nan))
    with pytest.raises(UserError, match="00000001-3.npy holds NaN"):
        pack("--no_images")
    (root / "img/00000000-0.png").unlink()
    with pytest.raises(UserError, match="00000000-0.png not found"):
        pack()


def test_a_list_that_grew(root, pack):
    pack("--image_size", "32")
    (root / "ShapeNet-55/test.txt").write_text("00000000-99.npy")
    with pytest.raises(UserError, match="lacks 1 of 1 shapes, first 00000000-99"):
        build(root, True, subset="test")
    assert same(build(root, False, whole=False), build(root, True, whole=False))
