"""Measuring encoders on a folder of real shapes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from conftest import cloud

from models import load_pretrained
from tools.real_eval import __main__ as real_eval
from tools.real_eval.measure import Protocol, few_shot, nearest_labels, svm_halves, untrained
from utils.errors import UserError

COUNTS = {"airplane": 8, "night_stand": 9, "table": 3}
FEW = ["--points", "64", "300", "--splits", "2", "--folds", "2"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """A folder of boxes, whose proportions tell their class."""
    root, rng = tmp_path_factory.mktemp("real"), np.random.default_rng(0)
    for label, (name, count) in enumerate(COUNTS.items()):
        (root / name).mkdir()
        for number in range(count):
            np.save(root / name / f"{number}.npy", cloud(rng, label, 400))
    return root


@pytest.fixture(scope="module")
def demo():
    return load_pretrained("demo")


def test_whole(shapes, demo, tmp_path, capsys):
    others = tmp_path / "synonyms.yaml"
    others.write_text("table: [desk, chair, airplane, gizmo]\nnight_stand: [chair]\n")
    out = tmp_path / "out"
    words = [str(shapes), "--ckpts", "demo", "--random", "--out", str(out), "--synonyms", str(others), *FEW]
    real_eval.main(words)
    printed = capsys.readouterr().out
    assert printed == (out / "real_eval.md").read_text()
    for name in ("confusion-0.png", "confusion-1.png", "points.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    content = json.loads((out / "real_eval.json").read_text())
    assert content["plain"] == ["airplane", "night stand", "table"]
    # Another class's name is no synonym, nor is one of two classes; a small teacher leaves out what it never read.
    assert content["synonyms"] == {"table": ["desk", "gizmo"]}
    found = content["results"]["demo"]
    assert found["seen"] == ["airplane", "table"]
    assert found["unread"] == ["night stand"] and "never read night stand" in printed

    clouds = [np.load(shapes / name / f"{i}.npy") for name, count in COUNTS.items() for i in range(count)]
    labels = torch.arange(3).repeat_interleave(torch.tensor(list(COUNTS.values())))
    zero = found["zeroshot"]
    assert zero["total"] == 20 and zero["seen"]["total"] == 11 and zero["unseen"]["total"] == 9
    assert zero["correct"] == zero["seen"]["correct"] + zero["unseen"]["correct"]
    assert {name: row["total"] for name, row in zero["class_accuracy"].items()} == {
        name.replace("_", " "): count for name, count in COUNTS.items()
    }
    encoding = demo.encode([one[:300] for one in clouds])
    # The names that classify does not refuse.
    named = demo.classify_encoding(encoding, ["airplane", "table"]).probabilities.argmax(1)
    own = labels != 1
    assert zero["seen"]["among_own_names"]["correct"] == int((named[own] * 2 == labels[own]).sum())
    assert found["nearest_neighbor"]["correct"] == int(
        (nearest_labels(encoding.pooled, labels, encoding.pooled) == labels).sum()
    )
    assert f"| demo | {zero['correct']}/20 " in printed and "| demo, with synonyms |" in printed
    assert found["svm"]["classes"] == 2 and found["svm"]["shapes"] == 17 and found["svm"]["count"] == 2
    assert found["few_shot"]["5-way 5-shot"] is None and "too few shapes for 5-way 5-shot" in printed
    assert set(found["points"]["sampled"]) == {"64", "300"}
    assert found["points"]["fed"]["64"] == found["points"]["sampled"]["64"]
    assert found["points"]["sampled"]["300"]["zeroshot"]["total"] == 20

    real_eval.main(words)
    assert capsys.readouterr().out == printed  # seeded


def test_other_seen_names(shapes, capsys):
    real_eval.main([str(shapes), "--ckpts", "demo", "--seen", "night_stand", *FEW])
    printed = capsys.readouterr().out
    assert (
        "| 1: " in printed and "/9 (" in printed and "| night stand | yes |" in printed and "| table | no |" in printed
    )


def test_checkpoints_without_texts(run, shapes, capsys):
    folder = run("classify", "--scratch_model")
    capsys.readouterr()
    real_eval.main([str(shapes), "--ckpts", str(folder), "--seen", "table", *FEW])
    printed = capsys.readouterr().out
    assert "no zero-shot, its weights have no features in the space of texts" in printed
    assert "## Zero-shot" not in printed and "linear SVM, 2 classes, 17 shapes" in printed


@pytest.mark.parametrize(
    "words, message",
    [
        (["--split", "test"], "--split test: .* has no folders <class>/test"),
        (["--seen", "tabel"], "no class 'tabel' .did you mean 'table'"),
        (["--points", "8"], "--points 8: a patch of these encoders has 16 points"),
        (["--out", "no/where"], "the folder above it does not exist"),
        (["--text_encoder", "local-dir:none"], "no open_clip_config.json"),
    ],
)
def test_wrong_arguments(shapes, words, message):
    with pytest.raises(UserError, match=message):
        real_eval.main([str(shapes), "--ckpts", "demo", *words])


@pytest.mark.parametrize(
    "text, message", [("tabel: [desk]", "no class 'tabel'"), ("table: desk", "must have a list of names, got 'desk'")]
)
def test_wrong_synonyms(shapes, tmp_path, text, message):
    (tmp_path / "synonyms.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        real_eval.main([str(shapes), "--ckpts", "demo", "--synonyms", str(tmp_path / "synonyms.yaml")])


def test_splits_of_a_folder(tmp_path, capsys, caplog):
    """As ModelNet40 is distributed: off files in <class>/{train,test}."""
    for name, size in (("chair", 1), ("night_stand", 2)):
        for split, count in (("train", 3), ("test", 2)):
            (tmp_path / name / split).mkdir(parents=True)
            for number in range(count):
                path = tmp_path / name / split / f"{name}_{split}_{number}.off"
                trimesh.creation.box((1, size, 1 + number)).export(path)
    few = ["--ckpts", "demo", "--points", "64", "--splits", "1", "--folds", "1"]
    for words, count in (([], 4), (["--split", "test"], 4), (["--split", "train"], 6), (["--split", "all"], 10)):
        caplog.clear()
        real_eval.main([str(tmp_path), *words, *few])
        assert capsys.readouterr().out.startswith(f"# {count} shapes of 2 classes")
        told = "the 4 shapes of its test folders are measured, the 6 of its train folders are not"
        assert (told in caplog.text) == (not words)


def test_shapes_without_classes(tmp_path):
    np.save(tmp_path / "a.npy", cloud(np.random.default_rng(0), 0))
    with pytest.raises(UserError, match="holds shapes without classes"):
        real_eval.main([str(tmp_path), "--ckpts", "demo"])


def test_probes_tell_apart_what_differs():
    labels = torch.arange(6).repeat_interleave(12)
    draw = torch.Generator().manual_seed(0)
    apart = torch.eye(6)[labels] + 0.01 * torch.randn(72, 6, generator=draw)
    alike = torch.randn(72, 6, generator=draw)
    protocol = Protocol(splits=3, folds=4)
    assert torch.equal(nearest_labels(apart, labels, apart), labels)
    names = list("abcdef")
    for probe in (
        lambda *words: svm_halves(*words[:2], names, words[2]),
        lambda *words: few_shot(*words[:2], 5, 5, words[2]),
    ):
        good, bad = (probe(features, labels, protocol) for features in (apart, alike))
        assert good["mean"] == 100 and good["std"] == 0 and good["classes"] == 6 and bad["mean"] < 50
    assert few_shot(apart, labels, 5, 10, protocol) is None  # too few would be left to test


def test_random_weights_are_of_the_same_shape(demo):
    one, other, third = untrained(demo, 0), untrained(demo, 0), untrained(demo, 1)
    weights = [encoder.network.state_dict() for encoder in (demo, one, other, third)]
    assert all(weights[0][name].shape == value.shape for name, value in weights[1].items())
    name = "text_proj.weight"
    assert torch.equal(weights[1][name], weights[2][name]) and not torch.equal(weights[1][name], weights[3][name])
    assert not torch.equal(weights[0][name], weights[1][name])


def test_families_share_their_names(monkeypatch):
    some = [*real_eval.FAMILIES.values()][:2]
    families = {
        "display": replace(some[0], name="display", synonyms=("monitor", "screen")),
        "cabinet": replace(some[1], name="cabinet", synonyms=("cupboard", "screen")),
    }
    monkeypatch.setattr(real_eval, "FAMILIES", families)
    found = real_eval.relatives()
    assert found["monitor"] == ["display", "monitor", "screen"] and "screen" not in found
    assert real_eval.read_synonyms(None, ["monitor", "chair"]) == {"monitor": ["display", "screen"]}
