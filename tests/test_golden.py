"""The models compute what the released ones compute, number for number."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from easydict import EasyDict
from torch import nn

from models import build_model_from_cfg

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(params=["cpu"] + ["cuda"] * torch.cuda.is_available())
def device(request):
    """The CPU, and the GPU where there is one, which convolves in TF32 unless it is told not to."""
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield request.param


def load(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def fill_by_name(model: nn.Module) -> nn.Module:
    """Give every weight a value that depends on its name alone."""
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        x = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(tensor.shape)).astype(np.float32)
        if name.endswith("running_var"):
            x = 1 + 0.1 * np.abs(x)
        elif name.endswith("running_mean"):
            x = 0.1 * x
        elif x.ndim == 1:
            x = 1 + 0.1 * x if name.endswith("weight") else 0.05 * x
        elif x.ndim != 2 and ("token" in name or "pos" in name):
            x = 0.5 * x
        else:
            x = x / np.sqrt(np.prod(x.shape[1:]))
        tensor.copy_(torch.from_numpy(np.asarray(x, dtype=np.float32)))
    return model


def state_dict_keys(model: nn.Module, like: np.ndarray) -> list[str]:
    """Names, or name:shape where the golden list has shapes."""
    with_shape = ":" in str(like[0])
    state = model.state_dict().items()
    return sorted(f"{name}:{','.join(map(str, value.shape))}" if with_shape else name for name, value in state)


@pytest.mark.parametrize(
    "name, output",
    [
        ("classification_scanobjectnn_full", "logits"),
        ("classification_modelnet_linear", "logits"),
        ("classification_two_tower_all", "logits"),
        ("zeroshot_modelnet40", "features"),
        ("svm_modelnet40", "features"),
    ],
)
def test_downstream(name, output, device):
    golden = load(name)
    model = fill_by_name(build_model_from_cfg(EasyDict(json.loads(str(golden["config"]))))).eval().to(device)
    assert state_dict_keys(model, golden["state_dict_keys"]) == sorted(map(str, golden["state_dict_keys"]))
    points = torch.from_numpy(golden["points"]).to(device)
    with torch.no_grad():
        assert np.abs(model(points).cpu().numpy() - golden[output]).max() < 2e-4
        if "centers" in golden:
            assert np.array_equal(model.tokenize(points)[1].cpu().numpy(), golden["centers"])


def test_part_segmentation(device):
    golden = load("part_segmentation")
    model = fill_by_name(build_model_from_cfg(EasyDict(json.loads(str(golden["config"]))))).eval().to(device)
    assert state_dict_keys(model, golden["state_dict_keys"]) == sorted(map(str, golden["state_dict_keys"]))
    with torch.no_grad():
        log_prob = model(*(torch.from_numpy(golden[key]).to(device) for key in ("points", "category")))
    assert np.abs(log_prob[:, ::16].cpu().numpy() - golden["log_prob"]).max() < 5e-4


def pretrain_losses(model, golden, step=...):
    """Loss terms of one golden batch; `step` picks a batch of a trajectory."""
    device = next(model.parameters()).device
    points, image, text, mask = (
        torch.from_numpy(golden[key][step]).to(device) for key in ("points", "image_features", "text_features", "mask")
    )
    category = None
    if "text" in golden:
        category = torch.from_numpy(np.unique(golden["text"], return_inverse=True)[1]).to(device)
    return model(points, image, text, category=category, mask=mask)


@pytest.mark.parametrize("name", ["pretrain_base", "pretrain_self_contrastive", "pretrain_two_tower"])
def test_pretrain(name, device):
    golden = load(name)
    model = fill_by_name(build_model_from_cfg(EasyDict(json.loads(str(golden["config"]))))).train().to(device)
    assert state_dict_keys(model, golden["state_dict_keys"]) == sorted(map(str, golden["state_dict_keys"]))
    losses = pretrain_losses(model, golden)
    terms = {key.removeprefix("loss/") for key in golden if key.startswith("loss/")}
    assert set(losses) == (terms or {"mdm", "csc_img", "csc_text"})  # of the two towers the total is all there is
    for term in terms:
        assert losses[term].item() == pytest.approx(golden[f"loss/{term}"].item(), abs=1e-4), term
    total = sum(losses.values())
    assert total.item() == pytest.approx(golden["loss"].item(), abs=1e-4)

    total.backward()
    norms = {name: 0.0 if p.grad is None else p.grad.norm().item() for name, p in model.named_parameters()}
    assert list(norms) == list(map(str, golden["grad_names"]))
    # Biases in front of a BatchNorm have a gradient of zero up to rounding, which no relative bound can describe.
    np.testing.assert_allclose(list(norms.values()), golden["grad_norms"], rtol=1e-3, atol=1e-5)


def test_pretrain_trajectory(device):
    from tools.engine.config import DatasetSections, RunConfig
    from tools.engine.optim import AdamWKwargs, OptimizerConfig, build_optimizer

    golden = load("trajectory_pretrain")
    config = json.loads(str(golden["config"]))
    model = fill_by_name(build_model_from_cfg(EasyDict(config["model"]))).train().to(device)
    kwargs = AdamWKwargs(config["lr"], config["weight_decay"])
    run = RunConfig(config["model"], DatasetSections(), npoints=1024, total_bs=4, optimizer=OptimizerConfig(kwargs))
    optimizer = build_optimizer(model, run)
    for step, expected in enumerate(golden["loss"]):
        optimizer.zero_grad()
        loss = sum(pretrain_losses(model, golden, step).values())
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-3), step
    norms = {name: p.norm().item() for name, p in model.named_parameters()}
    assert list(norms) == list(map(str, golden["final_names"]))
    for (name, norm), expected in zip(norms.items(), golden["final_norms"], strict=True):
        # Biases in front of a BatchNorm have a gradient of rounding errors, of which AdamW makes whole steps.
        assert norm == pytest.approx(expected, rel=1e-2 if name.endswith("conv.0.bias") else 1e-3), name
