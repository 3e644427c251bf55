"""What stands around the model is what the released programs do, by the recordings in golden/pipeline."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from easydict import EasyDict
from torch import nn
from torch.nn import functional as F

from datasets import dataset_class, point_transforms
from datasets.build import CloudDataset
from datasets.modelnet import farthest_from
from datasets.point_transforms import AUGMENTATIONS, point_all, sample_test, sample_train
from datasets.scanobjectnn import CLASS_NAMES, ScanObjectNN
from extensions import farthest_point_sample
from models import build_model_from_cfg
from tests.test_golden import fill_by_name
from tools.engine.config import DatasetSections, RunConfig
from tools.engine.optim import AdamWKwargs, OptimizerConfig, build_optimizer
from utils.geometry import normalize_unit_sphere
from utils.prompts import all_prompts, prompt, spell

GOLDEN = Path(__file__).parent / "golden/pipeline"
SAMPLING = np.load(GOLDEN / "sampling.npz")


def recorded(name: str) -> torch.Tensor:
    array = SAMPLING[name]
    return torch.from_numpy(array.astype(np.int64) if array.dtype.kind == "i" else array)


@pytest.fixture
def drawn(monkeypatch):
    """Put recorded draws in the place of random ones: columns, and factors in the order in which they are asked for."""

    def put(columns: torch.Tensor | None = None, factors: Sequence[torch.Tensor] = ()) -> None:
        left = list(factors)
        if columns is not None:
            monkeypatch.setattr(torch, "randperm", lambda *_, **__: columns)
        monkeypatch.setattr(
            point_transforms, "_uniform", lambda low, high, shape, generator, like: left.pop(0).float().view(shape)
        )

    return put


GENERATOR = torch.Generator()


@pytest.mark.parametrize(
    "case, npoints, augment, factors",
    [
        ("modelnet_train", 1024, "scale_translate", ("scale", "shift")),
        ("fewshot_train", 1024, "rotate", ("angle",)),
        ("scan_train", 2048, "rotate", ("angle",)),
        ("zeroshot_train_part", 1024, "none", ()),
        ("zeroshot_test_part", 1024, "none", ()),
    ],
)
def test_points_that_are_fed(drawn, case, npoints, augment, factors):
    points = recorded(f"{case}/after_loader")
    total = point_all(npoints, points.shape[1])
    if f"{case}/fps_count" in SAMPLING:
        assert total == SAMPLING[f"{case}/fps_count"]
    assert torch.equal(farthest_point_sample(points, total), recorded(f"{case}/fps_index"))
    drawn(recorded(f"{case}/columns"), [recorded(f"{case}/{name}") for name in factors])
    fed = AUGMENTATIONS[augment](sample_train(points, npoints, GENERATOR), GENERATOR)
    torch.testing.assert_close(fed, recorded(f"{case}/fed"), rtol=0, atol=1e-5)


def test_points_that_are_measured():
    points = recorded("modelnet_val/after_loader")
    assert torch.equal(farthest_point_sample(points, 1024), recorded("modelnet_val/fps_index"))
    torch.testing.assert_close(sample_test(points, 1024), recorded("modelnet_val/fed"), rtol=0, atol=1e-5)
    svm = recorded("svm_train/after_loader")
    assert torch.equal(farthest_point_sample(svm, 1024), recorded("svm_train/fps_index"))


@pytest.mark.parametrize("case, npoints, factor", [("modelnet", 1024, "scale"), ("scan_hardest", 2048, "angle")])
def test_points_that_vote(drawn, case, npoints, factor):
    points = recorded(f"vote_{case}/stored_in_order")
    total = point_all(npoints, points.shape[1])
    index = farthest_point_sample(points, total)
    assert total == SAMPLING[f"vote_{case}/fps_count"] and torch.equal(index, recorded(f"vote_{case}/fps_index"))
    drawn(factors=[recorded(f"vote_{case}/{factor}")[0]])
    chosen = sample_test(points, total)[:, recorded(f"vote_{case}/columns")[0]]
    fed = AUGMENTATIONS[{"scale": "scale", "angle": "rotate"}[factor]](chosen, GENERATOR)
    torch.testing.assert_close(fed, recorded(f"vote_{case}/fed_first"), rtol=0, atol=1e-5)


def test_points_that_are_pretrained_on(drawn):
    stored, order = recorded("pretrain/stored"), recorded("pretrain/sample_order")
    chosen = [stored[i][rows[:128]] for i, rows in zip(order, recorded("pretrain/permutation"), strict=True)]
    drawn(factors=[recorded("pretrain/angle")])
    fed = AUGMENTATIONS["rotate"](normalize_unit_sphere(torch.stack(chosen)), GENERATOR)
    torch.testing.assert_close(fed, recorded("pretrain/fed"), rtol=0, atol=1e-5)


def test_points_of_part_segmentation(drawn):
    def chosen(case: str, choice: str) -> torch.Tensor:
        clouds = normalize_unit_sphere(recorded(f"{case}/stored")[..., :3])
        return torch.stack([cloud[rows] for cloud, rows in zip(clouds, recorded(f"{case}/{choice}"), strict=True)])

    drawn(factors=[recorded("partseg_train/scale"), recorded("partseg_train/shift")])
    fed = AUGMENTATIONS["scale_translate_small"](chosen("partseg_train", "choice"), GENERATOR)
    torch.testing.assert_close(fed, recorded("partseg_train/fed"), rtol=0, atol=1e-5)
    fed = chosen("partseg_test", "choice_first_evaluation")
    torch.testing.assert_close(fed, recorded("partseg_test/fed_first_evaluation"), rtol=0, atol=1e-5)


def test_modelnet_cache_starts_anywhere():
    raw, start = recorded("modelnet_cache/raw")[None], torch.tensor([int(SAMPLING["modelnet_cache/start"])])
    index = farthest_from(raw, start, 128)
    assert torch.equal(index[0], recorded("modelnet_cache/index"))
    assert farthest_from(raw, start, 300)[0].sort().values.tolist() == list(range(300))


def test_training_clouds_are_shuffled_when_they_are_read():
    stored = normalize_unit_sphere(recorded("modelnet/train_stored"))
    read = ("sample_order", "loader_permutation", "after_loader")
    for sample, permutation, points in zip(*(recorded(f"modelnet_train/{name}") for name in read), strict=True):
        torch.testing.assert_close(points, stored[sample][permutation], rtol=0, atol=1e-6)

    train = CloudDataset(stored, np.zeros(3, np.int64), ["a"], shuffle=True)
    epochs = []
    for epoch in (0, 1, 0):
        train.set_epoch(epoch)
        epochs.append(torch.stack([train[i]["points"] for i in range(3)]))
    assert torch.equal(epochs[0], epochs[2])
    for cloud, first, second in zip(stored, *epochs[:2], strict=True):
        assert sorted(map(tuple, first.tolist())) == sorted(map(tuple, cloud.tolist()))
        assert not torch.equal(first[0], second[0]) and not torch.equal(first[0], cloud[0])

    def pairs(clouds: torch.Tensor) -> zip:
        return zip(stored, clouds, strict=True)

    # FPS starts at the first point: another stored one for every sample and epoch.
    starts = [(cloud == points[0]).all(1).nonzero().item() for e in epochs[:2] for cloud, points in pairs(e)]
    assert len(set(starts)) == 6
    test = CloudDataset(stored, np.zeros(3, np.int64), ["a"])
    assert torch.equal(test[1]["points"], stored[1])


@pytest.mark.parametrize("name", ["ModelNet", "ModelNetFewShot", "ScanObjectNN", "ScanObjectNN_hardest"])
def test_augmentation_by_the_name_of_the_data_set(name):
    golden = json.loads((GOLDEN / "augment_by_runner.json").read_text())["classification"][name]
    data = dataset_class({"_base_": {"NAME": name}}, "dataset.train")
    assert (data.AUGMENT, data.VOTE_AUGMENT) == (golden["train"], golden["test_voting"])


def test_augmentation_of_other_tasks():
    golden = json.loads((GOLDEN / "augment_by_runner.json").read_text())
    assert dataset_class({"_base_": {"NAME": "ShapeNet"}}, "").AUGMENT == golden["pretraining"]["train"]
    assert golden["part_segmentation"]["train"] == "seg_scale_shift"  # what we call scale_translate_small
    assert dataset_class({"_base_": {"NAME": "ShapeNetPart"}}, "").AUGMENT == "scale_translate_small"


def test_prompts():
    golden = json.loads((GOLDEN / "prompts.json").read_text())
    for name, content in golden["zeroshot"].items():
        typos = ScanObjectNN.RELEASED_SPELLING if name.startswith("Scan") else {}
        asked = CLASS_NAMES if typos else content["classes_in_label_order"]
        assert [typos.get(c, c) for c in asked] == content["classes_in_label_order"], name
        for label, category in enumerate(content["classes_in_label_order"]):
            assert all_prompts(spell(category)) == content["prompts"][category], (name, label)
    for name, strings in golden["pretraining"]["strings"].items():
        drawn = prompt([spell(name)] * 3000, torch.Generator().manual_seed(0))
        assert set(drawn) == set(strings), name
    assert spell("night_stand", "plain") == "night stand"


@pytest.mark.parametrize("name", ["finetune", "linear"])
def test_trajectory(name):
    golden = np.load(GOLDEN / f"trajectory_{name}.npz")
    config = json.loads(str(golden["config"]))
    model = fill_by_name(build_model_from_cfg(EasyDict(config["model"]))).train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    if config["model"]["type"] != "full":
        for parameter_name, parameter in model.named_parameters():
            parameter.requires_grad_("cls" in parameter_name)
    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen == set(golden["frozen_names"].tolist())
    kwargs = AdamWKwargs(config["lr"], config["weight_decay"])
    run = RunConfig(config["model"], DatasetSections(), npoints=256, total_bs=4, optimizer=OptimizerConfig(kwargs))
    optimizer = build_optimizer(model, run)
    names = {id(parameter): n for n, parameter in model.named_parameters()}
    for group, key in zip(optimizer.param_groups, ("head", "no_decay", "decay"), strict=True):
        assert {names[id(p)] for p in group["params"]} == set(golden[f"group_{key}"].tolist()), key
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(config["group_lr"])
    start = {n: p.detach().clone() for n, p in model.named_parameters()}

    rtol = 1e-5 if name == "linear" else 1e-4
    for step, expected in enumerate(golden["loss"]):
        points, label = (torch.from_numpy(golden[key][step]) for key in ("points", "label"))
        loss = F.cross_entropy(model(points), label)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), config["grad_norm_clip"])
        optimizer.step()
        optimizer.zero_grad()
        assert loss.item() == pytest.approx(expected, rel=rtol), step
        assert norm.item() == pytest.approx(golden["grad_norm"][step], rel=10 * rtol), step

    found = dict(model.named_parameters())
    for n, final, update in zip(golden["final_names"], golden["final_norms"], golden["update_norms"], strict=True):
        assert found[n].norm().item() == pytest.approx(final, rel=2e-3, abs=1e-6), n
        moved = (found[n] - start[n]).norm().item()
        if n in frozen:
            assert moved == 0 == update, n
        elif n not in golden["zero_gradient_names"]:
            assert moved == pytest.approx(update, rel=5e-3), n
    buffers = dict(model.named_buffers())
    for n, expected in zip(golden["buffer_names"], golden["buffer_norms"], strict=True):
        assert buffers[n].norm().item() == pytest.approx(expected, rel=1e-3), n
