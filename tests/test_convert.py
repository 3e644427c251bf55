"""Converted checkpoints, read as the released programs read them, and released ones continued here.

The readers below are written from the facts in tests/golden/pipeline/checkpoint_layouts.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import build_model_from_cfg
from tools import convert
from tools.engine.optim import build_optimizer
from utils.checkpoint import load_checkpoint, save_atomic
from utils.errors import UserError
from utils.logging import read_metrics
from utils.optimizer_state import optimizer_state

LAYOUTS = json.loads((Path(__file__).parent / "golden/pipeline/checkpoint_layouts.json").read_text())
SIZES = {"trans_dim": 12, "encoder_dims": 12, "depth": 1, "num_heads": 2}
TEACHERS = {"img_encoder": "features", "img_dim": 6, "text_encoder": "features", "text_dim": 6}
PRETRAINING = {**TEACHERS, "transformer_config": {**SIZES, "decoder_depth": 1, "decoder_num_heads": 2}}
MODELS = {
    "ReCon": {"NAME": "ReCon", **PRETRAINING, "self_contrastive": True},
    "TwoTower": {"NAME": "TwoTower", **PRETRAINING},
    "PointTransformer": {"NAME": "PointTransformer", "cls_dim": 15, **SIZES},
    "PointTransformerTwoTower": {"NAME": "PointTransformerTwoTower", "cls_dim": 15, **SIZES},
    "segmentation": {"NAME": "PartSegmentation", "cls_dim": 50, **SIZES},
}
RUN_CONFIG = type("Config", (), {})  # what build_optimizer looks at


def saved(name: str) -> dict:
    """What the released code saves of a model, by kind of launch."""
    return {kind: value for kind, value in LAYOUTS["saved"].items() if kind.startswith(f"{name} ") or kind == name}


def ordered(model: nn.Module, name: str) -> list[tuple[str, nn.Parameter]]:
    """Named parameters in the order of the released model's top-level modules."""
    groups = list(next(iter(saved(name).values()))["weights_by_group"])
    return sorted(model.named_parameters(), key=lambda item: groups.index(item[0].split(".")[0]))


def released_optimizer(model: nn.Module, name: str) -> torch.optim.AdamW:
    """AdamW on the released groups, in the released order (spec: head, no decay, decay)."""
    head, no_decay, decay = [], [], []
    for n, p in ordered(model, name):
        part = "conv" in n and "encoder" not in n
        if (part and name == "segmentation") or ("cls" in n and name == "PointTransformer"):
            head.append(p)
        elif p.dim() == 1 or n.endswith(".bias") or "token" in n:
            no_decay.append(p)
        else:
            decay.append(p)
    return torch.optim.AdamW([{"params": group} for group in (head, no_decay, decay)], lr=1e-3)


def our_optimizer(model: nn.Module, cfg: dict) -> torch.optim.Optimizer:
    config = RUN_CONFIG()
    config.model, config.optimizer = cfg, RUN_CONFIG()
    config.optimizer.type, config.optimizer.kwargs = "AdamW", RUN_CONFIG()
    config.optimizer.kwargs.lr, config.optimizer.kwargs.weight_decay = 1e-3, 0.05
    return build_optimizer(model, config)


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """A step in which every parameter has a gradient of its own; returns the averages by name."""
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 1.0 + number)
    optimizer.step()
    return {name: optimizer.state[parameter]["exp_avg"] for name, parameter in model.named_parameters()}


def ours(name: str, path: Path, **more) -> tuple[nn.Module, dict]:
    """Write a checkpoint as the trainer does; returns its model and the averages by name."""
    torch.manual_seed(0)
    model = build_model_from_cfg(MODELS[name])
    optimizer = our_optimizer(model, MODELS[name])
    averages = step(model, optimizer)
    content = {"base_model": model.state_dict(), "optimizer": optimizer_state(optimizer, model), "epoch": 4, "step": 0}
    content |= {"sums": {}, "metric": "accuracy", "metrics": {"accuracy": 81.0, "loss": 1.0}}
    content |= {"best_metrics": {"epoch": 3, "accuracy": 82.0}, "seconds": 3.0}
    save_atomic(content | more, path)
    return model, averages


def run_tool(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["convert", *map(str, arguments)])
    convert.main()


def without_module(state: dict) -> dict:
    return {name.replace("module.", ""): value for name, value in state.items()}


@pytest.mark.parametrize("prefix", ["module", "none"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "segmentation"])
def test_released_resume_test_and_start(tmp_path, monkeypatch, capsys, name, prefix):
    model, averages = ours(name, tmp_path / "ours.pth")
    arguments = ["--to", "released", tmp_path / "ours.pth", tmp_path / "out.pth", "--prefix", prefix]
    teachers = (
        {f"{kind}_encoder.weight": torch.rand(2, 2) for kind in ("img", "text")}
        if "mask_token" in dict(model.named_parameters())
        else {}
    )
    if teachers:
        more = {f"module.{n}": value for n, value in {**model.state_dict(), **teachers}.items()}
        torch.save({"base_model": more}, tmp_path / "released.pth")
        arguments += ["--teachers", tmp_path / "released.pth"]
    run_tool(monkeypatch, *arguments)
    assert "in the released layout" in capsys.readouterr().out

    read = torch.load(tmp_path / "out.pth", weights_only=True)
    launch = "one process (DataParallel)" if prefix == "module" else "DistributedDataParallel"
    facts = LAYOUTS["saved"][f"{name} save_checkpoint {launch}"]
    assert {key: type(value).__name__ for key, value in read.items()} == facts["keys"]
    groups: dict[str, int] = {}
    for full in read["base_model"]:
        assert full.startswith(facts["weight_name_prefix"])
        group = full.removeprefix(facts["weight_name_prefix"]).split(".")[0]
        groups[group] = groups.get(group, 0) + 1
    # The teachers are frozen, so that their place does not count for the optimizer.
    assert groups == facts["weights_by_group"]
    assert [n for n in groups if n not in TEACHERS] == [n for n in facts["weights_by_group"] if n not in TEACHERS]
    assert len(read["optimizer"]["param_groups"]) == facts["optimizer_groups"]

    # builder.resume_model and builder.load_model: 'module.' removed, strict.
    again = build_model_from_cfg(MODELS[name])
    for n, value in teachers.items():
        again.add_module(n.split(".")[0], nn.Linear(2, 2, bias=False))
        assert torch.equal(read["base_model"][facts["weight_name_prefix"] + n], value)
    again.load_state_dict(without_module(read["base_model"]), strict=True)
    for n in teachers:
        delattr(again, n.split(".")[0])
    optimizer = released_optimizer(again, name)
    optimizer.load_state_dict(read["optimizer"])
    for n, parameter in again.named_parameters():
        assert torch.equal(optimizer.state[parameter]["exp_avg"], averages[n]), n
    step(again, optimizer)
    assert read["epoch"] + 1 == 5
    for key, value in (("metrics", 81.0), ("best_metrics", 82.0)):
        assert isinstance(read[key]["acc"], torch.Tensor) and read[key]["acc"] == value and read[key]["acc"].dim() == 0


def test_released_segmentation(tmp_path, monkeypatch):
    scores = {"instance_miou": 80.0, "class_miou": 75.0, "accuracy": 90.0}
    model, averages = ours("segmentation", tmp_path / "ours.pth", metric="instance_miou", metrics=scores)
    run_tool(monkeypatch, "--to", "released", tmp_path / "ours.pth", tmp_path / "out.pth")
    read, facts = torch.load(tmp_path / "out.pth", weights_only=True), LAYOUTS["saved"]["segmentation"]
    assert read.keys() == facts["keys"].keys()
    for key, kind in facts["keys"].items():
        assert isinstance(read[key], {"int": int, "dict": dict, "numpy float64": float}[kind])
    assert (read["test_acc"], read["class_avg_iou"], read["inctance_avg_iou"]) == (0.9, 0.75, 0.8)
    assert list(dict.fromkeys(n.split(".")[0] for n in read["model_state_dict"])) == list(facts["weights_by_group"])
    # --test: no name handling, strict.
    again = build_model_from_cfg(MODELS["segmentation"])
    again.load_state_dict(read["model_state_dict"], strict=True)
    names = [name for name, _ in ordered(again, "segmentation")]
    place = 0
    for group in read["optimizer_state_dict"]["param_groups"]:
        assert "param_names" not in group
        for number in group["params"]:
            assert number == place
            place += 1
    assert place == len(names) == len(averages)

    # And back: what it says of itself is what the trainer wrote.
    run_tool(monkeypatch, "--to", "recon", tmp_path / "out.pth", tmp_path / "back.pth")
    back = load_checkpoint(tmp_path / "back.pth")
    assert back["metrics"] == pytest.approx(scores) and back["best_metrics"]["epoch"] == back["epoch"] == 4
    assert {name: value.tolist() for name, value in back["base_model"].items()} == {
        name: value.tolist() for name, value in model.state_dict().items()
    }


@pytest.mark.parametrize("name", MODELS)
def test_there_and_back(tmp_path, monkeypatch, name):
    model, _ = ours(name, tmp_path / "ours.pth")
    run_tool(monkeypatch, "--to", "released", tmp_path / "ours.pth", tmp_path / "out.pth")
    run_tool(monkeypatch, "--to", "recon", tmp_path / "out.pth", tmp_path / "back.pth")
    back = load_checkpoint(tmp_path / "back.pth")
    assert back["base_model"].keys() == model.state_dict().keys()
    assert all(torch.equal(value, back["base_model"][n]) for n, value in model.state_dict().items())
    assert {"optimizer", "epoch", "step", "sums", "metrics", "best_metrics"} <= back.keys() and back["epoch"] == 4


def test_any_layout_becomes_ours(tmp_path, monkeypatch, capsys):
    model, _ = ours("ReCon", tmp_path / "ours.pth")
    state = model.state_dict() | {"img_encoder.weight": torch.zeros(2, 2)}
    torch.save({f"module.base_model.{n}": value for n, value in state.items()}, tmp_path / "bare.pth")
    run_tool(monkeypatch, "--to", "recon", tmp_path / "bare.pth", tmp_path / "out.pth")
    assert "--resume cannot continue it, it has no optimizer, epoch, metrics, best_metrics" in capsys.readouterr().out
    assert load_checkpoint(tmp_path / "out.pth")["base_model"].keys() == model.state_dict().keys()
    run_tool(monkeypatch, "--to", "released", tmp_path / "bare.pth", tmp_path / "released.pth")
    out = capsys.readouterr().out
    assert "no optimizer in it" in out and "--teachers" not in out  # it has them itself
    assert "module.img_encoder.weight" in torch.load(tmp_path / "released.pth", weights_only=True)["base_model"]
    run_tool(monkeypatch, "--to", "released", tmp_path / "ours.pth", tmp_path / "bare.pth", "--overwrite")
    assert "--teachers FILE" in capsys.readouterr().out
    encoder = {n: value for n, value in state.items() if n.startswith("MAE_encoder.")}
    torch.save({"state_dict": encoder}, tmp_path / "encoder.pth")
    run_tool(monkeypatch, "--to", "recon", tmp_path / "encoder.pth", tmp_path / "out.pth", "--overwrite")
    assert "cls_token" in load_checkpoint(tmp_path / "out.pth")["base_model"]


def test_mid_epoch(tmp_path, monkeypatch, capsys):
    ours("PointTransformer", tmp_path / "ours.pth", step=2)
    run_tool(monkeypatch, "--to", "released", tmp_path / "ours.pth", tmp_path / "out.pth")
    assert torch.load(tmp_path / "out.pth", weights_only=True)["epoch"] == 3
    assert "in the middle of epoch 4" in capsys.readouterr().out


def test_an_optimizer_without_names(tmp_path, monkeypatch, capsys):
    """It is passed on where the order of the parameters is the released one, and left out where that is not known."""
    for name, kept in (("PointTransformer", True), ("PointTransformerTwoTower", False)):
        ours(name, tmp_path / "ours.pth")
        state = load_checkpoint(tmp_path / "ours.pth")
        for group in state["optimizer"]["param_groups"]:
            del group["param_names"]
        torch.save(state, tmp_path / "ours.pth")
        run_tool(monkeypatch, "--to", "released", tmp_path / "ours.pth", tmp_path / "out.pth", "--overwrite")
        assert ("optimizer" in torch.load(tmp_path / "out.pth", weights_only=True)) == kept
        assert ("since IN does not name the parameters" in capsys.readouterr().out) != kept


def test_errors(tmp_path, monkeypatch):
    ours("PointTransformer", tmp_path / "ours.pth")
    before = (tmp_path / "ours.pth").read_bytes()
    for message, *arguments in (
        ("exists already; --overwrite", "--to", "released", tmp_path / "ours.pth", tmp_path / "ours.pth"),
        ("checkpoint not found", "--to", "released", tmp_path / "nothing.pth", tmp_path / "out.pth"),
        ("OUT must be a file in an existing folder", "--to", "recon", tmp_path / "ours.pth", tmp_path / "no/out.pth"),
        ("--teachers and --prefix go with", "--to", "recon", "--prefix", "none", tmp_path / "ours.pth", tmp_path / "o"),
        ("--teachers goes with a pretraining", "--to", "released", "--teachers", tmp_path / "t.pth")
        + (tmp_path / "ours.pth", tmp_path / "out.pth"),
    ):
        torch.save({"img_encoder.weight": torch.zeros(1)}, tmp_path / "t.pth")
        with pytest.raises(UserError, match=message):
            run_tool(monkeypatch, *arguments)
    for cfg, message in (
        ({"NAME": "PlainTransformer", "cls_dim": 5, **SIZES}, "plain blocks"),
        ({"NAME": "SemanticSegmentation", "cls_dim": 5, **SIZES}, "semantic segmentation"),
        ({"NAME": "PointNet", "cls_dim": 5, "width": 0.125}, "no 'encoder.first_conv.0.weight'"),
    ):
        torch.save({"base_model": build_model_from_cfg(cfg).state_dict()}, tmp_path / "other.pth")
        with pytest.raises(UserError, match=f"other.pth: the released code has no such model: .*{message}"):
            run_tool(monkeypatch, "--to", "released", tmp_path / "other.pth", tmp_path / "out.pth")
    state = load_checkpoint(tmp_path / "ours.pth")
    for bad in ({"optimizer": {"param_groups": 3}}, {"inctance_avg_iou": None}, {"epoch": "two"}):
        torch.save(state | bad, tmp_path / "bad.pth")
        with pytest.raises(UserError, match="bad.pth: its optimizer or metrics are damaged"):
            run_tool(monkeypatch, "--to", "released", tmp_path / "bad.pth", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists() and (tmp_path / "ours.pth").read_bytes() == before


def test_released_metrics():
    best = {"metrics": {"acc": 80.0}, "best_metrics": {"acc": 85.0}, "epoch": 7, "base_model": {}}
    read = convert.from_released(best, "accuracy")
    assert read["metrics"] == {"accuracy": 80.0} and read["best_metrics"] == {"epoch": None, "accuracy": 85.0}
    assert convert.from_released({**best, "metrics": {"acc": 85.0}}, "accuracy")["best_metrics"]["epoch"] == 7
    for unmeasured in (({"acc": 0.0}, "accuracy"), ({"acc": 80.0}, "loss")):
        read = convert.from_released({**best, "metrics": unmeasured[0], "best_metrics": unmeasured[0]}, unmeasured[1])
        assert read["metrics"] == read["best_metrics"] == {}
    own = {"metrics": {"accuracy": 1.0}, "best_metrics": {"epoch": 1, "accuracy": 1.0}, "step": 3, "sums": {"loss": 1}}
    assert convert.from_released(own, "accuracy") == own


def as_released(path: Path, prefix: str = "module.") -> None:
    """Rewrite a checkpoint of this code as the released code would have saved it."""
    state = load_checkpoint(path)
    for group in state["optimizer"]["param_groups"]:
        del group["param_names"]
        group |= {"fused": None, "initial_lr": 1.0}
    weights = {f"{prefix}{name}": value for name, value in state["base_model"].items()}
    weights |= {f"{prefix}{kind}_encoder.weight": torch.zeros(2, 2) for kind in ("img", "text")}
    metrics = {key: {"acc": torch.tensor(value)} for key, value in (("metrics", 40.0), ("best_metrics", 101.0))}
    torch.save({"base_model": weights, "optimizer": state["optimizer"], "epoch": state["epoch"], **metrics}, path)


@pytest.mark.parametrize("task, flags", [("pretrain", []), ("classify", ["--scratch_model"])])
def test_resuming_a_released_run(run, task, flags):
    """It goes on as if it were ours; only the best epoch is not known."""
    whole = run(task, *flags, exp="whole")
    folder = run(task, *flags, "--opts", "max_epoch=1", exp="released")
    as_released(folder / "ckpt-last.pth")
    (folder / "metrics.json").unlink()
    run(task, *flags, "--resume", exp="released")
    one, two = (load_checkpoint(path / "ckpt-last.pth") for path in (whole, folder))
    assert all(torch.equal(value, two["base_model"][name]) for name, value in one["base_model"].items())
    assert two["epoch"] == one["epoch"] == 2
    assert two["best_metrics"] == {"epoch": None, one["metric"]: 101.0} and read_metrics(folder)["finished"]


def test_numpy_numbers_of_released_segmentation(tmp_path, monkeypatch):
    model, _ = ours("segmentation", tmp_path / "ours.pth")
    content = {"epoch": 7, "train_acc": np.float64(0.9), "test_acc": np.float64(0.8), "class_avg_iou": np.float64(0.7)}
    content |= {"inctance_avg_iou": np.float64(0.75), "model_state_dict": model.state_dict()}
    torch.save(content | {"optimizer_state_dict": {}}, tmp_path / "best_model.pth")
    run_tool(monkeypatch, "--to", "recon", tmp_path / "best_model.pth", tmp_path / "out.pth")
    read = load_checkpoint(tmp_path / "out.pth")
    assert read["best_metrics"] == {"epoch": 7, "accuracy": 80.0, "class_miou": 70.0, "instance_miou": 75.0}
