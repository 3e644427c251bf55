"""Zero-shot: both queries in one pass, names to choose from, splits, and what is written for whom."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import main
from datasets import build_dataset
from datasets.point_transforms import sample_test
from models import build_model_from_cfg
from tools.engine.run import start_run
from tools.tasks.zeroshot import classify, group_accuracy, random_columns, rank_classes, results_table, spellings
from utils.checkpoint import load_checkpoint, load_weights
from utils.config import load_config
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere
from utils.metrics import topk_accuracy

NAMES = ("bag", "bin", "box", "cup", "jar", "tin")


class Words(nn.Module):
    """Texts to features by the class name in them; the one prompt has features of its own."""

    dim = 16

    def encode(self, texts):
        words = [next(i for i, name in enumerate(NAMES) if name in text) for text in texts]
        noise = torch.randn(len(NAMES), 16, generator=torch.Generator().manual_seed(int(len(texts) == 60)))
        return noise[words]


@pytest.fixture
def weights(configs, monkeypatch) -> Path:
    """A checkpoint with random weights, for a model whose teacher is `Words`."""
    monkeypatch.setattr("models.downstream.build_text_teacher", lambda *_: Words())
    path = configs["zeroshot"].with_name("weights.pth")
    torch.manual_seed(5)
    model = build_model_from_cfg(load_config(configs["zeroshot"])["model"]).eval()
    with torch.no_grad():  # random features are nearly the same for all shapes, until their mean is taken away
        sizes = torch.tensor([[1.0, 0.5, 0.1], [0.1, 1.0, 0.5], [0.5, 0.1, 1.0]]).repeat(4, 1)
        text, image = model.project(normalize_unit_sphere((2 * torch.rand(12, 64, 3) - 1) * sizes[:, None]))
        model.text_proj.bias -= text.mean(0)
        model.img_proj.bias -= image.mean(0)
    torch.save({"base_model": model.state_dict()}, path)
    return path


@pytest.fixture
def zeroshot(run, weights):
    """Run zero-shot with some overrides; returns the results and the rows of predictions.csv."""

    def call(*opts: str) -> tuple[dict, list[dict]]:
        folder = run("zeroshot", "--zeroshot", "--ckpts", str(weights), *(["--opts", *opts] if opts else []))
        with open(folder / "predictions.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        found = json.loads((folder / "metrics.json").read_text())
        assert found["finished"]
        return found["last"], rows

    return call


@pytest.fixture
def shapes(tmp_path) -> Path:
    """Four clouds that are no class of the tiny world's."""
    rng = np.random.default_rng(1)
    for name in ("cup/a.npy", "cup/b.npy", "jar/c.npy", "tin/d.npy"):
        path = tmp_path / "shapes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, rng.standard_normal((70, 3)) * rng.random(3))
    return tmp_path / "shapes"


def folder(path: Path, **others) -> str:
    return str({"_base_": {"NAME": "Folder", "DATA_PATH": str(path)}, "others": {"subset": "test", **others}})


def test_group_accuracy():
    classes = torch.eye(4)
    features = torch.tensor([[9.0, 1, 0, 0], [0, 1, 2, 0], [0, 0, 1, 0], [3, 0, 0, 1]])
    labels = torch.tensor([0, 1, 2, 3])
    assert classify(features, classes).tolist() == [0, 2, 2, 0]
    seen = group_accuracy(features, labels, classes, [0, 1])
    assert seen["among_all_names"] == {"accuracy": 50.0, "correct": 1, "total": 2}
    assert seen["among_own_names"]["correct"] == 2
    assert group_accuracy(features, labels, classes, [])["among_all_names"]["total"] == 0


def test_ranking_and_topk():
    cosines, ranked = rank_classes(torch.tensor([[3.0, 4, 0], [0, 1, 2]]), 7 * torch.eye(3), 3)
    assert ranked[0].tolist() == [1, 0, 2] and ranked[1].tolist() == [2, 1, 0]
    torch.testing.assert_close(cosines[0], torch.tensor([0.8, 0.6, 0.0]))
    found = topk_accuracy(ranked, torch.tensor([0, 0]), (1, 2, 3))
    assert {k: v["correct"] for k, v in found.items()} == {"top1": 0, "top2": 1, "top3": 2}
    assert found["top2"] == {"accuracy": 50.0, "correct": 1, "total": 2}
    assert topk_accuracy(torch.zeros(0, 5, dtype=torch.int64), torch.zeros(0))["top5"]["total"] == 0


@pytest.mark.parametrize("ensemble, prompts", [("true", "all_prompts"), ("false", "one_prompt")])
def test_every_type_in_one_pass(zeroshot, configs, weights, ensemble, prompts):
    """What stands beside the result is what a run of that type gives, and that is what the model of that type says."""
    whole, _ = zeroshot("model.ratio=0.3", "zeroshot.random_columns=false")
    assert whole["by_query"].keys() == {"text", "image", "full"}
    config = load_config(configs["zeroshot"])
    data = build_dataset(config["dataset"]["test"], config["data_root"], "dataset.test")
    repeats = 60 if prompts == "all_prompts" else 1
    classes = torch.stack([Words().encode([name] * repeats)[0] for name in NAMES[:3]])
    for kind in ("text", "image", "full"):
        settings = ("zeroshot.random_columns=false", f"zeroshot.ensemble={ensemble}")
        alone, rows = zeroshot("model.ratio=0.3", f"model.type={kind}", *settings)
        model = build_model_from_cfg(config["model"] | {"type": kind, "ratio": 0.3}).eval()
        load_weights(model, weights)
        with torch.no_grad():
            features = model(sample_test(data.points, 64))
        cosines = torch.cosine_similarity(features[:, None], classes, dim=2).max(1)
        assert [row["name1"] for row in rows] == [NAMES[i] for i in cosines.indices]
        assert [float(row["cosine1"]) for row in rows] == pytest.approx(cosines.values.tolist(), abs=1e-3)
        assert alone["by_query"] == whole["by_query"]
        for key in ("accuracy", "correct", "total"):
            assert alone[key] == whole["by_query"][kind][prompts]["test"][key]
        assert sum(row["truth"] == row["name1"] for row in rows) == alone["correct"] and len(rows) == alone["total"]


def test_train_and_test_together(zeroshot, numbers_of):
    found, rows = zeroshot("zeroshot={seen: [bag], splits: [train, test]}")
    together = found["by_query"]["full"]["all_prompts"]["train+test"]
    assert together["accuracy"] == found["accuracy"] and together["total"] == 18
    assert found["accuracy"] in numbers_of("table3", "ModelNet40", {"last": found})
    assert found["total"] == 18 and found["splits"] == ["train", "test"] and found["one_prompt"]["total"] == 18
    assert sum(part["correct"] for part in found["split_accuracy"].values()) == found["correct"]
    for prompts in found["by_query"]["image"].values():
        assert prompts["train"]["correct"] + prompts["test"]["correct"] == prompts["train+test"]["correct"]
        assert "top3" not in prompts["test"]  # there are three names
    assert found["seen"]["among_own_names"]["accuracy"] == 100 and found["unseen"]["classes"] == 2
    assert [(row["split"], row["file"]) for row in rows] == [("train", str(i)) for i in range(12)] + [
        ("test", str(i)) for i in range(6)
    ]


def test_random_columns_of_more_points(configs):
    """Released: FPS to a fifth more points than are fed, then the same random ones of them for the whole batch."""
    args = main.read_arguments(["--config", str(configs["zeroshot"]), "--zeroshot"])
    run = start_run(args, torch.device("cpu"))
    points = torch.rand(2, 96, 3, generator=torch.Generator().manual_seed(0))
    pick = random_columns(run, "test")
    first, second = pick(points), pick(points)
    assert first.shape == (2, 64, 3) and not torch.equal(first, second)
    assert torch.equal(random_columns(run, "test")(points), first)
    candidates = sample_test(points, 76)
    for cloud, those in zip(first, candidates, strict=True):
        assert {*map(tuple, cloud.tolist())} <= {*map(tuple, those.tolist())}
    run.config.zeroshot.random_columns = False
    assert torch.equal(random_columns(run, "test")(points), sample_test(points, 64))


def test_spelling_of_names(configs):
    args = main.read_arguments(["--config", str(configs["zeroshot"]), "--zeroshot"])
    run, scan = start_run(args, torch.device("cpu")), SimpleNamespace(RELEASED_SPELLING={"toilet": "toile"})
    assert spellings(run, ["toilet", "night_stand"], [scan]) == ["toilet", "night_stand"]
    run.config.prompts.prompt_names = "plain"
    assert spellings(run, ["toilet", "night_stand"], [scan]) == ["toilet", "night stand"]
    run.config.zeroshot.released_typo = True
    assert spellings(run, ["toilet"], [scan]) == ["toile"]
    with pytest.raises(UserError, match="misspells none"):
        spellings(run, ["sofa"], [scan])


def test_checks(zeroshot, run, weights):
    with pytest.raises(UserError, match="'zeroshot.seen': the data set has no class 'bagg' \\(did you mean 'bag'"):
        zeroshot("zeroshot={seen: [bagg]}")
    with pytest.raises(UserError, match="its img_proj gives 16 numbers, model.img_dim is 8: leave that key out"):
        zeroshot("model.img_dim=8", "model.type=image")
    with pytest.raises(UserError, match="'bag', a class of dataset.test, is not among the names .* 'bags'"):
        zeroshot("zeroshot={names: [bags, bin, box]}")
    with pytest.raises(UserError, match="names must be different from each other"):
        zeroshot("zeroshot={names: [bag, bag]}")
    with pytest.raises(UserError, match="is not a zero-shot model, PointTransformerZeroShot; it is for --svm"):
        run("svm", "--zeroshot", "--ckpts", str(weights))
    with pytest.raises(UserError, match="another model"):
        run("svm", "--svm", "--ckpts", str(weights), "--opts", "model.depth=4")


def test_features_of_text_need_no_image_of_that_width(zeroshot, weights, configs):
    content = load_config(configs["zeroshot"])["model"] | {"img_dim": 8, "type": "text"}
    torch.save({"base_model": build_model_from_cfg(content).state_dict()}, weights)
    for img_dim in ("8", "null"):  # found from the checkpoint where it is left out
        found, _ = zeroshot(f"model.img_dim={img_dim}", "model.type=text")
        assert list(found["by_query"]) == ["text"] and found["total"] == 6
        with pytest.raises(
            UserError, match="its img_proj gives 8 numbers, text .* 16 .*; model.type=text goes with it"
        ):
            zeroshot(f"model.img_dim={img_dim}", "model.type=image")
    with pytest.raises(UserError, match="type full does not go with this checkpoint: its img_proj gives 8 numbers"):
        zeroshot("model.img_dim=null")


@pytest.mark.parametrize("kind, other", [("text", "img"), ("image", "text")])
def test_checkpoints_with_one_projection(zeroshot, weights, kind, other, capsys):
    whole, _ = zeroshot(f"model.type={kind}")
    state = {n: v for n, v in load_checkpoint(weights)["base_model"].items() if not n.startswith(f"{other}_proj.")}
    torch.save(state, weights)
    found, _ = zeroshot(f"model.type={kind}")
    assert found["by_query"] == {kind: whole["by_query"][kind]} and found["correct"] == whole["correct"]
    assert f"new, not in the checkpoint: {other}_proj (2)" in capsys.readouterr().out
    with pytest.raises(UserError, match=f"it has no {other}_proj; model.type={kind} goes with it"):
        zeroshot()
    torch.save({n: v for n, v in state.items() if "_proj." not in n}, weights)
    with pytest.raises(UserError, match="it has no text_proj and no img_proj$"):
        zeroshot(f"model.type={kind}")


def test_text_of_another_teacher(zeroshot, weights):
    state = load_checkpoint(weights)["base_model"]
    state |= {f"text_proj.{name}": state[f"text_proj.{name}"][:9].clone() for name in ("weight", "bias")}
    torch.save(state, weights)
    with pytest.raises(UserError, match="its text_proj gives 9 numbers, text features have 16: model.text_encoder"):
        zeroshot("model.type=text")


def test_more_names_than_classes(zeroshot):
    plain, few = zeroshot()
    found, rows = zeroshot("zeroshot={names: [tin, jar, cup, box, bin, bag]}")
    assert [row["truth"] for row in rows] == [row["truth"] for row in few] == ["bag"] * 2 + ["bin"] * 2 + ["box"] * 2
    assert {row[f"name{i}"] for row in rows for i in (1, 2, 3)} - {"bag", "bin", "box"}
    assert found["correct"] <= plain["correct"] and found["top3"]["correct"] >= found["correct"]
    assert found["top5"]["correct"] >= found["top3"]["correct"] and found["class_accuracy"].keys() == {
        "bag",
        "bin",
        "box",
    }


def test_folder(zeroshot, shapes):
    found, rows = zeroshot(f"dataset.test={folder(shapes)}")
    assert found["total"] == 4 and found["class_accuracy"]["cup"]["total"] == 2
    assert [Path(row["file"]).name for row in rows] == ["a.npy", "b.npy", "c.npy", "d.npy"]
    assert [row["truth"] for row in rows] == ["cup", "cup", "jar", "tin"]
    assert all(float(row["cosine1"]) >= float(row["cosine2"]) >= float(row["cosine3"]) for row in rows)
    with pytest.raises(UserError, match="a.npy is in 'train' and 'test', and would count twice"):
        zeroshot(
            f"dataset.test={folder(shapes)}", f"dataset.train={folder(shapes)}", "zeroshot={splits: [train, test]}"
        )
    (shapes.parent / "more/jar").mkdir(parents=True)
    (shapes / "jar/c.npy").rename(shapes.parent / "more/jar/c.npy")
    both = (f"dataset.test={folder(shapes)}", f"dataset.train={folder(shapes.parent / 'more')}")
    with pytest.raises(UserError, match="'cup', a class of dataset.test, is not among the names to choose from"):
        zeroshot(*both, "zeroshot={splits: [train, test]}")
    found, _ = zeroshot(*both, "zeroshot={splits: [train, test], names: [cup, jar, tin]}")
    assert found["total"] == 4 and found["split_accuracy"]["train"]["total"] == 1


def test_random_weights(run, weights, capsys):
    """Accepted without a checkpoint, as released, and told; the weights depend on the seed alone."""
    found = []
    for _ in range(2):
        folder = run("zeroshot", "--zeroshot")
        assert "warning: no --ckpts: zero-shot classification by RANDOM weights" in capsys.readouterr().out
        found.append((folder / "predictions.csv").read_text())
    assert found[0] == found[1]
    run("zeroshot", "--zeroshot", "--seed", "1")
    assert (folder / "predictions.csv").read_text() != found[0]


def test_shapes_without_classes(zeroshot, shapes, capsys):
    for path in list(shapes.glob("*/*.npy")):
        path.rename(shapes / path.name)
    with pytest.raises(UserError, match="'zeroshot.names' must list the names to choose from"):
        zeroshot(f"dataset.test={folder(shapes)}")
    found, rows = zeroshot(f"dataset.test={folder(shapes)}", "zeroshot={names: [jar, cup]}")
    assert found == {"splits": ["test"], "prompts": 60, "type": "full", "ratio": 1.0, "unlabelled": 4}
    assert [Path(row["file"]).name for row in rows] == ["a.npy", "b.npy", "c.npy", "d.npy"]
    assert all(row["truth"] == "" and {row["name1"], row["name2"]} == {"jar", "cup"} for row in rows)
    assert f"d.npy: {rows[3]['name1']} (" in capsys.readouterr().out


def test_table():
    by_query = {"full": {"one_prompt": {}, "all_prompts": {}}}
    for prompts, base in (("one_prompt", 10.0), ("all_prompts", 20.0)):
        for split in ("train", "test", "train+test"):
            number = {"accuracy": base + len(split), "top3": {"accuracy": base + 50}, "top5": {"accuracy": base + 60}}
            by_query["full"][prompts][split] = number
    lines = results_table(by_query, ("full", "all_prompts"), ["train", "test"], 40).splitlines()
    assert lines[2].split()[-5:] == ["15.0", "14.0", "20.0", "60.0", "70.0"] and "*" not in lines[2]
    assert lines[3].split()[-6:] == ["*", "25.0", "24.0", "30.0", "70.0", "80.0"]
    assert lines[4].split() == ["chance", "2.5", "2.5", "2.5", "7.5", "12.5"]
    assert len(results_table(by_query, ("full", "all_prompts"), ["test"], 3).splitlines()[0].split("  ")) >= 2


def test_an_earlier_result_is_not_replaced_in_silence(zeroshot, capsys):
    zeroshot()
    zeroshot()
    assert "replaces" not in capsys.readouterr().out
    zeroshot("zeroshot={ensemble: false}")
    assert "holds a result with other zeroshot.ensemble, which this one replaces" in capsys.readouterr().out


def test_a_gpu_that_is_not_there_is_told(zeroshot, capsys, monkeypatch):
    for asked, told in (("-1", False), ("0,1", True)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)
        zeroshot()
        assert ("PyTorch finds no GPU 0,1 here: running on the CPU" in capsys.readouterr().out) == told


def test_page_shows_shapes_with_their_names(zeroshot):
    _, rows = zeroshot("report=true", "zeroshot={splits: [train, test]}")
    text = Path("experiments/zeroshot/cfgs/default/report.html").read_text()
    assert "Zero-shot names" in text and "<summary>60 prompts</summary>" in text
    shown = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.S)[1])
    bars = [figure for figure in shown if "cosine similarity" in figure["layout"]["title"]["text"]]
    assert len(bars) == 6
    names, cosines = bars[0]["data"][0]["y"][::-1], bars[0]["data"][0]["x"][::-1]
    assert any(
        [row[f"name{i}"] for i in (1, 2, 3)] == [name.removesuffix(" (true)") for name in names]
        and [float(row[f"cosine{i}"]) for i in (1, 2, 3)] == cosines
        for row in rows
    )
