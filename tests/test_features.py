"""What frozen teachers are asked once: the same as at every step, kept under what it depends on."""

import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from datasets import build_dataset, collate
from models.teachers import Features, ImageTeacher, TeacherHolder, build_text_teacher
from tools.engine.features import teacher_key, use_image_features, use_text_features
from tools.pack import main as pack
from utils.prompts import all_prompts

ROOT = Path(__file__).parent.parent
TEACHER = f"local-dir:{ROOT / 'datasets/demo/teacher'}"
BASE = {"NAME": "ShapeNet", "DATA_PATH": "data/ShapeNet-55", "PC_PATH": "data/pc", "IMG_PATH": "data/img"}
BASE |= {"TEXT_PATH": "data/names.json", "PACK_PATH": "data/packed", "image_size": 16, "image_augment": False}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("ShapeNet-55", "pc", "img"):
        (tmp_path / folder).mkdir()
    names = [f"00000000-{i}" for i in range(70)]  # more than a batch
    for name in names:
        np.save(tmp_path / "pc" / f"{name}.npy", rng.standard_normal((32, 3)).astype(np.float32))
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(tmp_path / "img" / f"{name}.png")
    for split in ("train", "test"):
        (tmp_path / f"ShapeNet-55/{split}.txt").write_text("\n".join(f"{name}.npy" for name in names))
    (tmp_path / "names.json").write_text(json.dumps([{"catalogue": 0, "describe": "chair"}]))
    return tmp_path


class Counting(nn.Module):
    """A small network that counts the images it sees."""

    def __init__(self, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.GELU(), nn.Flatten(), nn.Linear(128, 6)
        )
        self.seen = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += len(images)
        return self.layers(images)


def build(root: Path, **others):
    return build_dataset({"_base_": BASE, "others": {"subset": "test", **others}}, str(root), "train")


def holder(trained: bool = False, seed: int = 0) -> TeacherHolder:
    model = TeacherHolder()
    model.hold_teachers(ImageTeacher(Counting(seed), 6, trained), train=trained)
    return model


@pytest.fixture
def log(caplog) -> logging.Logger:
    caplog.set_level(logging.INFO)
    return logging.getLogger("test")


def test_features_equal_those_of_every_step(root, log, caplog):
    model, data = holder(), build(root)
    teacher = model.img_teacher
    expected = torch.cat([teacher.encode(data.finish(collate([data[i]]))["image"]) for i in range(70)])
    teacher.network.seen = 0
    assert use_image_features(model, data, root / "features", 0, log) and teacher.network.seen == 70
    batch = data.finish(collate([data[i] for i in range(70)]))
    assert isinstance(model.img_teacher, Features) and batch["image"].shape == (70, 6)
    assert torch.allclose(model.img_teacher.encode(batch["image"]), expected, atol=1e-5, rtol=0)
    assert "computed once" in caplog.text

    (root / "img").rename(root / "elsewhere")  # images are not read any more
    assert torch.equal(data[3]["image"], batch["image"][3])
    (root / "elsewhere").rename(root / "img")
    again, data = holder(), build(root)
    teacher = again.img_teacher
    assert use_image_features(again, data, root / "features", 0, log) and teacher.network.seen == 0
    assert torch.equal(collate([data[i] for i in range(70)])["image"], batch["image"]) and "read from" in caplog.text


def test_kept_under_all_that_they_depend_on(root, log):
    def asked(seed: int = 0, **others) -> bool:
        model = holder(seed=seed)
        teacher = model.img_teacher
        assert use_image_features(model, build(root, **others), root / "features", 0, log)
        return teacher.network.seen > 0

    assert asked() and not asked()
    assert asked(seed=1) and asked(bgr=False) and asked(image_norm="clip") and asked(ratio=0.5)
    assert not asked() and len(list((root / "features").iterdir())) == 5
    path = root / "img/00000000-7.png"
    os.utime(path, ns=(0, 0))
    assert asked() and not asked()
    arguments = ["--data_root", str(root), "--config", str(root / "c.yaml"), "--image_size", "16", "--plain_images"]
    (root / "c.yaml").write_text(json.dumps(BASE))
    pack(["shapenet", *arguments])
    assert asked() and not asked()
    for file in (root / "features").iterdir():
        file.write_bytes(file.read_bytes()[:-3])
    assert asked() and not asked()


def test_where_it_does_not_apply(root, log, caplog):
    model, data = holder(), build(root, image_augment=True)
    assert not use_image_features(model, data, root / "features", 0, log)
    assert isinstance(model.img_teacher, ImageTeacher) and data[0]["image"].shape == (3, 16, 16)
    assert "asked at every step, since images change from epoch to epoch" in caplog.text
    assert not use_image_features(holder(trained=True), build(root), root / "features", 0, log)
    assert "since it is trained" in caplog.text
    assert not use_image_features(holder(), build(root, images=False), root / "features", 0, log)
    assert not use_text_features(Features(6), ["chair"], root / "features", log)
    assert not (root / "features").exists()


def test_a_folder_that_cannot_be_written(root, log, caplog):
    (root / "features").write_text("")
    data = build(root)
    assert use_image_features(holder(), data, root / "features", 0, log) and data[0]["image"].shape == (6,)
    assert "cannot be kept" in caplog.text


def test_texts(tmp_path, log, caplog):
    texts = all_prompts("chair") + all_prompts("night stand")
    first, second, third = (build_text_teacher(TEACHER) for _ in range(3))
    expected = torch.cat([first.encode([text]) for text in texts])
    for teacher in (second, third):
        assert use_text_features(teacher, texts, tmp_path, log)
    assert caplog.text.count("computed once") == 1 and caplog.text.count("read from") == 1
    third.clip.encode_text = None  # not asked any more
    for teacher in (second, third):
        assert torch.allclose(teacher.encode(texts), expected, atol=1e-5, rtol=0)
    assert third.to(torch.float64).encode(texts[:2]).dtype == torch.float64
    assert second.encode(["a new one", texts[3]]).shape == (2, 64)
    before = teacher_key(first)
    next(first.parameters()).data.view(-1)[0] += 1
    assert teacher_key(first) != before == teacher_key(second)
