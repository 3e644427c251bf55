"""Parameter groups and learning rates are the released ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import build_model_from_cfg
from tools.engine.config import run_config_class
from tools.engine.optim import GROUPS, build_optimizer, build_schedule
from utils.config import parse

GOLDEN = Path(__file__).parent / "golden"


def run_config(model: dict, lr: float = 0.001, epochs: int = 10, initial_epochs: int = 2, lag: bool = True):
    values = {
        "model": model,
        "dataset": {},
        "npoints": 1,
        "total_bs": 1,
        "optimizer": {"type": "AdamW", "kwargs": {"lr": lr, "weight_decay": 0.05}},
        "scheduler": {
            "type": "CosLR",
            "kwargs": {"epochs": epochs, "initial_epochs": initial_epochs, "released_lag": lag},
        },
    }
    return parse(run_config_class(), values, "")


@pytest.mark.parametrize("name", ["optimizer_finetune", "optimizer_pretrain"])
def test_released_groups_and_rates(name):
    golden = np.load(GOLDEN / f"{name}.npz")
    given = json.loads(str(golden["config"]))
    config = run_config(given["model"], given["lr"], given["epochs"], given["initial_epochs"])
    model = build_model_from_cfg(given["model"])
    optimizer = build_optimizer(model, config)

    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for group, key in zip(optimizer.param_groups, ("group_head_10x", "group_no_decay", "group_decay"), strict=True):
        assert {names[id(p)] for p in group["params"]} == set(golden[key].tolist())
    assert [group["weight_decay"] for group in optimizer.param_groups] == golden["weight_decay"].tolist()

    schedule, rates = build_schedule(optimizer, config), []
    for epoch in range(len(golden["lr_per_epoch"])):
        schedule.set(epoch)
        rates.append([group["lr"] for group in optimizer.param_groups])
    np.testing.assert_allclose(rates, golden["lr_per_epoch"], rtol=1e-12, atol=0)


def test_the_lag_can_be_switched_off_and_any_epoch_be_set_first():
    rates = {}
    for lag in (True, False):
        config = run_config({"NAME": "Other"}, lag=lag)
        optimizer = build_optimizer(nn.Linear(2, 2), config)
        schedule = build_schedule(optimizer, config)
        for epoch in (7, 0, 1, 2, 10):
            schedule.set(epoch)
            rates[lag, epoch] = optimizer.param_groups[2]["lr"]
    assert rates[True, 0] == rates[True, 1] == rates[False, 0] == 1e-6
    assert rates[True, 2] == rates[False, 1] > 1e-6 and rates[False, 10] == 1e-6
    assert rates[True, 7] > rates[False, 7]


def test_a_schedule_that_moves_with_every_step():
    rates = {}
    for every_step in (True, False):
        config = run_config({"NAME": "Other"}, lag=False)
        config.scheduler.kwargs.every_step = every_step
        optimizer = build_optimizer(nn.Linear(2, 2), config)
        schedule = build_schedule(optimizer, config)
        for epoch, done in ((0, 0.0), (0, 0.5), (1, 0.0), (7, 0.25), (8, 0.0)):
            schedule.set(epoch, done)
            rates[every_step, epoch + done] = optimizer.param_groups[2]["lr"]
    assert rates[True, 0] == rates[False, 0] == rates[False, 0.5] and rates[True, 1] == rates[False, 1]
    assert rates[True, 0.5] == pytest.approx((rates[True, 0] + rates[True, 1]) / 2)
    assert rates[True, 8] < rates[True, 7.25] < rates[False, 7.25]


def test_head_group_is_for_classifiers_and_frozen_parameters_are_left_out():
    shape = {"trans_dim": 8, "encoder_dims": 8, "patch_dim": 4, "depth": 1, "num_heads": 2, "num_group": 4}
    for name, has_head in (("PointTransformer", True), ("PlainTransformer", True), ("PointTransformerTwoTower", False)):
        model = build_model_from_cfg({"NAME": name, "cls_dim": 3, **shape})
        trained = {name: p for name, p in model.named_parameters() if "cls" in name}
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in trained)
        groups = build_optimizer(model, run_config({"NAME": name})).param_groups
        assert len(groups) == len(GROUPS)
        assert sum(len(group["params"]) for group in groups) == len(trained) > 0
        assert len(groups[0]["params"]) == (len(trained) if has_head else 0)


def test_part_segmentation_has_the_released_groups_and_rates():
    golden = json.loads((GOLDEN / "pipeline/optimizer_partseg.json").read_text())
    given = golden["config"]
    model = build_model_from_cfg(given["model"])
    config = run_config(given["model"], given["lr"], given["epochs"], given["initial_epochs"])
    optimizer = build_optimizer(model, config)
    assert golden["group_order"] == list(GROUPS)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for name, group, decay in zip(GROUPS, optimizer.param_groups, golden["weight_decay"], strict=True):
        assert {names[id(p)] for p in group["params"]} == set(golden["groups"][name]), name
        assert group["weight_decay"] == decay and list(group["betas"]) == golden["betas"]
    schedule, rates = build_schedule(optimizer, config), []
    for epoch in range(golden["epochs_run"]["count"]):
        schedule.set(epoch)
        rates.append([group["lr"] for group in optimizer.param_groups])
    np.testing.assert_allclose(rates, golden["lr_per_epoch"], rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", ["Adam", "RAdam", "SGD"])
def test_other_optimizers_train_all_parameters_alike(kind):
    model = build_model_from_cfg({"NAME": "PointTransformer", "cls_dim": 3, "trans_dim": 12, "encoder_dims": 12})
    values = {"model": {}, "dataset": {}, "npoints": 1, "total_bs": 1}
    config = parse(run_config_class(), values | {"optimizer": {"type": kind, "kwargs": {"lr": "1e-2"}}}, "")
    optimizer = build_optimizer(model, config)
    assert type(optimizer).__name__ == kind
    assert [len(group["params"]) for group in optimizer.param_groups] == [0, 0, len(list(model.parameters()))]
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0}
    assert kind != "SGD" or all(g["nesterov"] and g["momentum"] == 0.9 for g in optimizer.param_groups)
    before = model.pos_embed[0].weight.detach().clone()
    model(torch.rand(2, 64, 3, generator=torch.Generator().manual_seed(0))).sum().backward()
    optimizer.step()
    assert not torch.equal(before, model.pos_embed[0].weight)


@pytest.mark.parametrize(
    "kind, kwargs, expected",
    [
        ("StepLR", {"step_size": 2, "gamma": 0.5}, [1, 1, 0.5, 0.5, 0.25]),
        ("LambdaLR", {"decay_step": 2, "lr_decay": 0.25, "lowest_decay": 0.1}, [1, 0.5, 0.25, 0.125, 0.1]),
        ("function", {}, [1, 1, 1, 1, 1]),
    ],
)
def test_other_schedules(kind, kwargs, expected):
    values = {"model": {}, "dataset": {}, "npoints": 1, "total_bs": 1, "optimizer": {"kwargs": {"lr": 0.1}}}
    for lag in (False, True):
        scheduler = {"type": kind, "kwargs": {**kwargs, "released_lag": lag}}
        config = parse(run_config_class(), values | {"scheduler": scheduler}, "")
        optimizer = build_optimizer(nn.Linear(2, 2), config)
        schedule, rates = build_schedule(optimizer, config), []
        for epoch in range(lag, 5 + lag):
            schedule.set(epoch)
            rates.append(optimizer.param_groups[2]["lr"])
        assert rates == pytest.approx([0.1 * factor for factor in expected])
