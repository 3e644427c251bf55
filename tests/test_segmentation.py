"""Segmentation: the models, their metrics, and both tasks from pretrained weights to measured rooms."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import main
from datasets.shapenetpart import PARTS
from extensions import three_interpolate, three_nn
from models import build_model_from_cfg
from tools.tasks.segment import PartSegment, SemanticSegment
from utils.checkpoint import load_checkpoint
from utils.errors import Interrupted, UserError
from utils.metrics import confusion_matrix, part_iou, part_scores, semantic_scores

ROOT = Path(__file__).parent.parent
LEARN = ["optimizer.kwargs.lr=0.003", "max_epoch=10", "scheduler.kwargs={epochs: 30, initial_epochs: 0}"]
LEARN += ["model.drop_path_rate=0"]
TINY = {"trans_dim": 32, "encoder_dims": 32, "depth": 2, "num_heads": 2, "num_group": 8, "group_size": 4}
HEAD = {"propagation_dims": [64, 32], "head_dims": [64, 32]}


def build(name: str, **keys):
    torch.manual_seed(0)
    return build_model_from_cfg({"NAME": name, "cls_dim": 5, **TINY, **HEAD, **keys})


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    points = torch.rand(3, 40, 3, generator=torch.Generator().manual_seed(1)) - 0.5
    return points, torch.tensor([0, 3, 1])


def forward(model, points, category):
    return model(points, category) if hasattr(model, "label_conv") else model(points)


@pytest.mark.parametrize("block_form", ["released", "slides"])
@pytest.mark.parametrize("name, keys", [("PartSegmentation", {"num_categories": 4}), ("SemanticSegmentation", {})])
def test_models(name, keys, block_form, inputs):
    model = build(name, block_form=block_form, **keys)
    out = forward(model, *inputs)
    assert out.shape == (3, 40, 5)
    torch.testing.assert_close(out.exp().sum(2), torch.ones(3, 40))
    F.nll_loss(out.flatten(0, 1), torch.arange(120) % 5).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.encoder.first_conv[0].weight.grad.any() and model.cls_token.grad.any()
    new = [name for name in model.state_dict() if name.startswith(model.new_parameters)]
    encoder = build_model_from_cfg({"NAME": "PointTransformerSVM", **TINY, "block_form": block_form}).state_dict()
    assert set(model.state_dict()) - set(new) == set(encoder)


def plain(model, points, category):
    """The model as the paper's figures draw it: everything repeated for every point and concatenated."""
    tokens, centers, _ = model.tokenize(points)
    layers = model.layers(tokens, centers)
    tokens = torch.cat([model.norm(layers[i][1]) for i in model.tapped_layers], dim=2).mT
    label = model.label_conv(F.one_hot(category, 4).float()[..., None])
    whole = torch.cat((tokens.amax(2), tokens.mean(2), layers[-1][0].amax(1), label[..., 0]), dim=1)
    squared, index = three_nn(points, centers)
    weight = 1 / (squared + 1e-8)
    x = three_interpolate(tokens.contiguous(), index, weight / weight.sum(2, keepdim=True))
    x = torch.cat((points.mT, x), dim=1)
    for conv, norm in zip(model.propagation_0.mlp_convs, model.propagation_0.mlp_bns, strict=True):
        x = F.relu(norm(conv(x)))
    x = torch.cat((x, whole[..., None].expand(-1, -1, points.shape[1])), dim=1)
    x = F.relu(model.bns2(model.convs2(F.relu(model.bns1(model.convs1(x))))))
    return F.log_softmax(model.convs3(x), dim=1).mT


def test_what_is_shared_is_computed_once_and_nothing_else_changes(inputs):
    outs, gradients = [], []
    for compute in (lambda model, *inputs: model(*inputs), plain):
        model = build("PartSegmentation", num_categories=4, drop_path_rate=0.0)
        model.dp1.p = 0.0
        outs.append(compute(model.train(), *inputs))
        F.nll_loss(outs[-1].flatten(0, 1), torch.arange(120) % 5).backward()
        buffers = [value.clone() for name, value in model.named_buffers() if "running" in name]
        gradients.append([p.grad for name, p in model.named_parameters() if name.endswith("weight")] + buffers)
    torch.testing.assert_close(*outs, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "depth, given, layers",
    [(12, None, [3, 7, 11]), (4, None, [1, 2, 3]), (6, None, [1, 3, 5]), (1, None, [0]), (4, [0, 3], [0, 3])],
)
def test_tapped_layers(depth, given, layers):
    model = build("SemanticSegmentation", depth=depth, tapped_layers=given)
    assert model.tapped_layers == layers
    assert model.propagation_0.mlp_convs[0].in_channels == 3 + 32 * len(layers)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"tapped_layers": [2]}, "tapped_layers must name blocks 0 to 1, got \\[2\\]"),
        ({"tapped_layers": []}, "tapped_layers must name"),
        ({"head_dims": [4]}, "head_dims must be two widths"),
        ({"propagation_dims": [8, 0]}, "all above 0, got"),
        ({"num_group": 2}, "num_group must be at least 3"),
        ({"num_categories": 0}, "num_categories must be at least 1"),
        ({"cls_dim": 0}, "cls_dim must be at least 1"),
    ],
)
def test_bad_models(change, message):
    with pytest.raises(UserError, match=message):
        build("PartSegmentation", **change)


def test_only_the_released_config_needs_no_name():
    with torch.device("meta"):
        model = build_model_from_cfg({"cls_dim": 50})
    assert type(model).__name__ == "PartSegmentation" and model.convs1.weight.shape == (512, 3776, 1)
    for other in ({}, {"cls_dim": 50, "depth": 4}):
        with pytest.raises(UserError, match="missing config key 'model.NAME'"):
            build_model_from_cfg(other)


def test_part_iou():
    # Shape 0 has parts 0 to 2: 2 of 3 points of part 0 found, part 1 missed and predicted once, part 2 in neither.
    predicted = torch.tensor([[0, 0, 1, 0], [3, 3, 4, 4]])
    truth = torch.tensor([[0, 0, 0, 1], [3, 3, 4, 4]])
    parts = torch.tensor([[True, True, True, False, False], [False, False, False, True, True]])
    iou = part_iou(predicted, truth, parts)
    assert iou.tolist() == pytest.approx([(2 / 4 + 0 + 1) / 3, 1.0])
    found = part_scores(torch.cat((iou, iou[1:])), torch.tensor([0, 2, 2]), ["a", "b", "c"])
    assert found["instance_miou"] == pytest.approx(100 * 2.5 / 3) and found["class_miou"] == pytest.approx(75)
    assert found["category_miou"] == {"a": {"miou": 50.0, "shapes": 1}, "c": {"miou": 100.0, "shapes": 2}}
    assert (found["shapes"], found["categories"]) == (3, 2)


def test_semantic_scores():
    truth = torch.tensor([[0, 0, 0], [0, 1, 1]])
    predicted = torch.tensor([[0, 0, 1], [3, 1, 0]])
    confusion = confusion_matrix(predicted, truth, 4)
    assert confusion.tolist() == [[2, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    found = semantic_scores(confusion, ["a", "b", "c", "d"])
    # IoU 2/5, 1/3 and, predicted but never true, 0; c stands in neither.
    assert found["miou"] == pytest.approx(100 * (2 / 5 + 1 / 3 + 0) / 3)
    assert found["macc"] == pytest.approx(50) and found["accuracy"] == pytest.approx(50)
    assert (found["correct"], found["total"], found["classes"]) == (3, 6, 3)
    assert found["class_iou"]["a"] == {"iou": 40.0, "union": 5, "accuracy": 50.0, "correct": 2, "total": 4}
    assert list(found["class_iou"]) == ["a", "b", "d"] and found["class_iou"]["d"]["total"] == 0


@pytest.fixture(scope="module")
def segments(tmp_path_factory) -> Path:
    """ShapeNetPart with two categories and S3DIS with four rooms, labels told by the coordinates."""
    root, rng = tmp_path_factory.mktemp("segments"), np.random.default_rng(0)
    shapes = root / "shapenetcore_partanno_segmentation_benchmark_v0_normal"
    synsets = {"Bag": "02773838", "Mug": "03797390"}
    (shapes / "train_test_split").mkdir(parents=True)
    (shapes / "synsetoffset2category.txt").write_text("".join(f"{name}\t{one}\n" for name, one in synsets.items()))
    for split, count in (("train", 26), ("val", 2), ("test", 5)):
        entries = []
        for i in range(count):
            name = ("Bag", "Mug")[i % 2]
            xyz = rng.uniform(-1, 1, (80, 3)) * ((1, 0.5, 1) if name == "Bag" else (1, 1, 0.5))
            label = np.where(xyz[:, 1] > 0, PARTS[name][0], PARTS[name][-1])
            (shapes / synsets[name]).mkdir(exist_ok=True)
            np.savetxt(shapes / synsets[name] / f"{split}{i}.txt", np.c_[xyz, xyz, label], fmt="%.5f")
            entries.append(f"shape_data/{synsets[name]}/{split}{i}")
        (shapes / f"train_test_split/shuffled_{split}_file_list.json").write_text(json.dumps(entries))
    rooms = root / "stanford_indoor3d"
    rooms.mkdir()
    for name, count in (("Area_1_a_1", 700), ("Area_2_b_1", 500), ("Area_5_a_1", 300), ("Area_5_c_1", 250)):
        xyz = rng.uniform(0, 1, (count, 3)) * (1.4, 1.2, 2)
        label = np.digitize(xyz[:, 2], [0.6, 1.2])  # floor, wall and so on by height
        np.save(rooms / f"{name}.npy", np.c_[xyz, xyz, label])
    return root


@pytest.fixture
def configs(configs, segments) -> dict[str, Path]:
    """Those of all tests and, on these data sets, `part` and `semantic`."""
    common = yaml.safe_load(configs["classify"].read_text())
    model = {**common["model"], **HEAD}
    del model["NAME"], model["cls_dim"]
    shapes = {"NAME": "ShapeNetPart", "DATA_PATH": "data/shapenetcore_partanno_segmentation_benchmark_v0_normal"}
    blocks = {"NAME": "S3DIS", "DATA_PATH": "data/stanford_indoor3d", "min_points_block": 64}
    rooms = blocks | {"NAME": "S3DISRooms"}
    changes = {
        "part": ("PartSegmentation", 50, shapes, shapes),
        "semantic": ("SemanticSegmentation", 13, blocks, rooms),
    }
    for task, (name, classes, train, test) in changes.items():
        content = common | {
            "model": {"NAME": name, "cls_dim": classes, **model},
            "dataset": {
                split: {
                    "_base_": train if split == "train" else test,
                    "others": {"subset": split.replace("val", "test")},
                }
                for split in ("train", "val", "test")
            },
            "augment": "scale_translate_small",
            "data_root": str(segments),
        }
        configs[task] = configs["classify"].with_name(f"{task}.yaml")
        configs[task].write_text(yaml.safe_dump(content))
    return configs


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


FIXED = [f"dataset.{section}.others.fixed_test_points=true" for section in ("val", "test")]


def test_parts_from_pretraining_to_the_test(run, capsys, numbers_of):
    weights = run("pretrain", "--opts", "max_epoch=0") / "ckpt-last.pth"
    folder = run("part", "--finetune_model", "--ckpts", str(weights), "--val_freq", "5", "--opts", *LEARN, *FIXED)
    said = capsys.readouterr().out
    assert "new, not in the checkpoint: propagation_0 (14)" in said and "  instance_miou " in said
    left = metrics(folder)
    best = left["best"]
    assert left["metric"] == "instance_miou" and left["finished"]
    assert best["shapes"] == 5 and best["total"] == 5 * 64 and best["categories"] == 2
    rows = best["category_miou"]
    assert {name: row["shapes"] for name, row in rows.items()} == {"Bag": 3, "Mug": 2}
    assert best["instance_miou"] == pytest.approx((3 * rows["Bag"]["miou"] + 2 * rows["Mug"]["miou"]) / 5)
    assert best["class_miou"] == pytest.approx((rows["Bag"]["miou"] + rows["Mug"]["miou"]) / 2)
    assert numbers_of("segmentation", "ShapeNetPart class mIoU", left)[0] == best["class_miou"]
    assert best["accuracy"] == 100 * best["correct"] / best["total"] > 70  # of two parts, without the other 48

    again = run("part", "--test", "--ckpts", str(folder / "ckpt-best.pth"), "--opts", *FIXED, "report=true")
    assert "Labels of points" in (again / "report.html").read_text()
    tested = metrics(again)["last"]
    assert tested == {name: best[name] for name in tested}
    assert f"instance_miou {best['instance_miou']:.2f} %" in capsys.readouterr().out
    board = EventAccumulator("experiments/part/cfgs/TFBoard/default").Reload()
    shown = {tag for tag in board.Tags()["scalars"] if tag.startswith("test/")}
    assert shown == {"test/instance_miou", "test/class_miou", "test/accuracy"}


def test_rooms_from_scratch_to_the_test(run, capsys, numbers_of):
    folder = run("semantic", "--scratch_model", "--val_freq", "5", "--opts", *LEARN)
    left = metrics(folder)
    best = left["best"]
    assert left["metric"] == "miou" and "miou " in capsys.readouterr().out
    assert (best["rooms"], best["total"], best["classes"] >= 3) == (2, 550, True)  # every point of both rooms, once
    assert sum(row["total"] for row in best["class_iou"].values()) == 550
    assert sum(row["correct"] for row in best["class_iou"].values()) == best["correct"]
    assert best["accuracy"] > 70
    again = run("semantic", "--test", "--ckpts", str(folder / "ckpt-best.pth"), "--opts", "report=true")
    assert "Labels of points" in (again / "report.html").read_text()
    whole = metrics(again)
    assert whole["last"] == {name: best[name] for name in whole["last"]}
    assert numbers_of("segmentation", "S3DIS Area 5 mAcc", whole) == [best["macc"]]


def start(task, configs, kind=None, *opts):
    """A task object without training: on the tiny config, with `evaluate` ready to be called."""
    from tools.engine.run import start_run

    args = main.read_arguments(["--config", str(configs[task]), "--scratch_model", "--num_workers", "0"])
    args.opts = list(opts)
    run = start_run(args, torch.device("cpu"))
    return (kind or {"part": PartSegment, "semantic": SemanticSegment}[task])(run)


def test_votes_of_a_room_are_probabilities_that_add_up(configs):
    """Against a loop over all chunks that keeps everything."""
    task = start("semantic", configs, None, "total_bs=3")
    model = build("SemanticSegmentation", cls_dim=13)
    found = task.evaluate(model)
    votes = [torch.zeros(len(room.labels), 13, dtype=torch.float64) for room in task.test_data.rooms]
    with torch.no_grad():
        for i in range(len(task.test_data)):
            sample = task.test_data[i]
            prob = model(sample["points"][None])[0].exp()
            for point, index in enumerate(sample["index"].tolist()):
                votes[sample["label"]][index] += prob[point]
    predicted = torch.cat([one.argmax(1) for one in votes])
    truth = torch.cat([torch.from_numpy(room.labels) for room in task.test_data.rooms])
    assert found == {"rooms": 2} | semantic_scores(confusion_matrix(predicted, truth, 13), task.test_data.class_names)


def test_rare_classes_weigh_more(configs):
    task = start("semantic", configs)
    task.setup(FakeBlocks())
    log_prob = torch.randn(2, 4, 13, generator=torch.Generator().manual_seed(0)).log_softmax(2)
    batch = {"points": torch.zeros(2, 4, 3), "point_label": torch.tensor([[0, 1, 1, 1], [0, 0, 1, 1]])}
    draw = lambda name: torch.Generator().manual_seed(0)  # noqa: E731
    loss = task.losses(lambda *inputs: log_prob, batch, draw)["loss"]
    each = -log_prob.flatten(0, 1)[torch.arange(8), batch["point_label"].flatten()]
    weights = torch.tensor([1.0, 2.0])[batch["point_label"].flatten()]
    torch.testing.assert_close(loss, (each * weights).sum() / weights.sum())


class FakeBlocks(list):
    class_names = [str(i) for i in range(13)]
    gives = ("point_label", "class_weights")

    def __init__(self):
        super().__init__([{"point_label": torch.zeros(4)}])

    def class_weights(self):
        return torch.tensor([1.0, 2.0] + 11 * [0.0])


def test_parts_of_other_categories_are_never_predicted(configs):
    task = start("part", configs)
    first = torch.zeros(50)
    first[0] = 9.0  # a part of an airplane
    first[PARTS["Bag"][0]] = first[PARTS["Mug"][0]] = 1.0

    class Constant(torch.nn.Module):
        def forward(self, points, category, patches=None):
            return first.expand(*points.shape[:2], 50).log_softmax(2)

    found = task.evaluate(Constant())
    truth = torch.cat([sample["point_label"] for sample in task.test_data])
    assert found["correct"] == sum(int((truth == PARTS[name][0]).sum()) for name in ("Bag", "Mug")) > 0


@pytest.mark.parametrize("task, kind", [("part", PartSegment), ("semantic", SemanticSegment)])
def test_resumed_equals_unbroken(run, monkeypatch, task, kind):
    flags = ["--scratch_model", "--opts", "max_epoch=1", "double_step=true"]
    whole = run(task, *flags, exp="whole")
    original, calls = kind.losses, iter(range(100))

    def interrupted(self, *args):
        if next(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *args)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(kind, "losses", interrupted)
        run(task, *flags, exp="broken")
    run(task, *flags, "--resume", exp="broken")
    one, two = (load_checkpoint(whole.with_name(name) / "ckpt-last.pth") for name in ("whole", "broken"))
    assert all(torch.equal(value, two["base_model"][name]) for name, value in one["base_model"].items())
    assert one["metrics"] == two["metrics"] and one["best_metrics"] == two["best_metrics"]


BOTH = """
import json, sys
import main
from tools.engine.loop import perform
from tools.engine.run import start_run
from utils import distributed
every = [main.read_arguments(line) for line in json.loads(sys.argv[1])]
device = distributed.start("pytorch", every[0].local_rank)
for args in every:
    perform(start_run(args, device))
distributed.stop()
"""


def test_two_processes_measure_what_one_does(run, configs):
    """torchrun with gloo: every shape and every point of a room counts once, whatever process saw it."""
    once, lines = {}, []
    for task in ("part", "semantic"):
        weights = run(task, "--scratch_model", "--opts", "max_epoch=0") / "ckpt-last.pth"
        once[task] = metrics(run(task, "--test", "--ckpts", str(weights)))["last"]
        lines.append(["--config", str(configs[task]), "--test", "--ckpts", str(weights), "--num_workers", "0"])
    Path("both.py").write_text(BOTH)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    command += ["both.py", json.dumps(lines)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for task, expected in once.items():
        found = metrics(Path(f"experiments/{task}/cfgs/test_default"))
        assert found["processes"] == 2 and found["last"] == expected


@pytest.mark.parametrize(
    "task, arguments, message",
    [
        ("part", ["--opts", "model.cls_dim=49"], "'model.cls_dim': 49, but the data set has 50 parts"),
        ("part", ["--opts", "model.num_categories=2"], "'model.num_categories': 2, but the data set has 16 categories"),
        ("semantic", ["--opts", "model.cls_dim=12"], "'model.cls_dim': 12, but the data set has 13 classes"),
        ("semantic", ["--opts", "model.NAME=PartSegmentation"], "dataset.val does not hold objects with parts"),
        ("part", ["--opts", "model.NAME=SemanticSegmentation"], "dataset.val does not cover whole rooms"),
    ],
)
def test_data_sets_that_do_not_fit(run, task, arguments, message):
    with pytest.raises(UserError, match=message):
        run(task, "--scratch_model", *arguments)
