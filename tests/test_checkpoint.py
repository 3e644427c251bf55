"""Checkpoints: every released layout is read, mismatches told apart, nothing run, nothing half written."""

import copy
import json
import logging
import os
import pickle
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import CHECKPOINT_PREFIXES, build_model_from_cfg
from utils.checkpoint import load_checkpoint, load_weights, save_atomic, strip_prefixes
from utils.errors import UserError
from utils.files import atomic_write
from utils.optimizer_state import load_optimizer, optimizer_state, order_optimizer, parameter_names


class Model(nn.Module):
    def __init__(self, width: int = 3):
        super().__init__()
        self.body = nn.Linear(width, width)
        self.head = nn.Linear(width, 2)


class Pretraining(nn.Module):
    def __init__(self):
        super().__init__()
        self.MAE_encoder = Model()
        self.MAE_decoder = nn.Linear(3, 3)


def prefixed(model: nn.Module, prefix: str, drop: str = "-") -> dict:
    return {prefix + name: value for name, value in model.state_dict().items() if not name.startswith(drop)}


def save(path, state, **more):
    save_atomic({"base_model": state, **more}, path)
    return path


@pytest.mark.parametrize("prefix", ["", "module.", "MAE_encoder.", "module.MAE_encoder."])
def test_prefixes_are_stripped(tmp_path, prefix):
    source, target = Model(), Model()
    load_weights(target, save(tmp_path / "c.pth", prefixed(source, prefix)), ["MAE_encoder."])
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


def test_pretraining_model_keeps_its_names(tmp_path):
    source, target = Pretraining(), Pretraining()
    load_weights(target, save(tmp_path / "c.pth", prefixed(source, "module.")), ["MAE_encoder."])
    assert torch.equal(source.MAE_encoder.body.weight, target.MAE_encoder.body.weight)


def test_new_and_unused_are_reported_in_groups(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    state = {k: v for k, v in Pretraining().state_dict().items() if ".head." not in k}
    target = Model()
    before = target.head.weight.clone()
    load_weights(target, save(tmp_path / "c.pth", state), ["MAE_encoder."], new=["head."])
    assert torch.equal(before, target.head.weight)
    assert "new, not in the checkpoint: head (2)" in caplog.text and "not used: MAE_decoder (2)" in caplog.text


def test_new_of_another_shape_stays_new(tmp_path):
    state = Model().state_dict() | {"head.weight": torch.zeros(7, 3), "head.bias": torch.zeros(7)}
    load_weights(Model(), save(tmp_path / "c.pth", state), new=["head."])


@pytest.mark.parametrize(
    "state, message",
    [
        (prefixed(Model(), "", drop="head"), "another model: 2 of 4 keys are missing \\(head.weight, head.bias\\)"),
        (Model(5).state_dict(), "3 keys have another shape \\(body.weight is \\(5, 5\\), not \\(3, 3\\), "),
        ({"1.a": torch.zeros(2)}, "4 of 4 keys are missing \\(body.weight, .*; it has others \\(1.a\\)"),
    ],
)
def test_another_model(tmp_path, state, message):
    with pytest.raises(UserError, match=message):
        load_weights(Model(), save(tmp_path / "c.pth", state))


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "truncated", "evil", "list", "no_weights"])
def test_unreadable(tmp_path, capsys, kind):
    path = tmp_path / "c.pth"
    if kind in ("empty", "text"):
        path.write_bytes(b"" if kind == "empty" else b"hello, this is no checkpoint")
    elif kind == "truncated":
        save(path, Model().state_dict())
        path.write_bytes(path.read_bytes()[:-700])
    elif kind == "evil":
        path.write_bytes(pickle.dumps({"base_model": Evil()}, protocol=2))
    elif kind != "missing":
        torch.save([1, 2] if kind == "list" else {"state_dict": {}, "epoch": 3}, path)
    with pytest.raises(UserError, match="c.pth") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value) and "must not run" not in capsys.readouterr().out


def test_a_flipped_bit_is_noticed_or_does_not_matter(tmp_path):
    path = save(tmp_path / "c.pth", Model().state_dict(), epoch=3, metrics={"accuracy": 1.5})
    whole, before, rng = path.read_bytes(), load_checkpoint(path), random.Random(0)
    refused = 0
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            found = load_checkpoint(path)
        except UserError:
            refused += 1
            continue
        assert found["epoch"] == 3 and found["metrics"] == before["metrics"]
        assert all(torch.equal(found["base_model"][name], value) for name, value in before["base_model"].items())
    assert refused > 100


def test_a_compressed_checkpoint_is_refused(tmp_path):
    """A megabyte of it may claim gigabytes."""
    path = save(tmp_path / "c.pth", Model().state_dict())
    with zipfile.ZipFile(path) as stored, zipfile.ZipFile(tmp_path / "d.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(UserError, match="d.pth is refused: it is compressed"):
        load_checkpoint(tmp_path / "d.pth")


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_numpy_numbers_are_admitted(tmp_path, kind):
    path = save(tmp_path / "c.pth", Model().state_dict(), metrics={"acc": kind(3)}, best_metrics=None)
    assert load_checkpoint(path)["metrics"]["acc"] == 3


def test_a_checkpoint_that_cannot_be_written(tmp_path):
    with pytest.raises(UserError, match="gone/c.pth cannot be written"):
        save(tmp_path / "gone" / "c.pth", {})


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


# What the released loaders accept, from tests/golden/pipeline/checkpoint_layouts.json.
LAYOUTS = json.loads((Path(__file__).parent / "golden/pipeline/checkpoint_layouts.json").read_text())
SIZES = {"trans_dim": 12, "encoder_dims": 12, "depth": 1, "num_heads": 2}
RECON = {
    "transformer_config": {**SIZES, "decoder_depth": 1, "decoder_num_heads": 2},
    **{"img_encoder": "features", "img_dim": 6, "text_encoder": "features", "text_dim": 6, "self_contrastive": True},
}
CLASSIFIER = {"NAME": "PointTransformer", "cls_dim": 15, **SIZES}
# Segmentation is small here, so that its counts are not the file's; the others are of the recorded size.
LOADERS = {
    "PointTransformer.load_model_from_ckpt": CLASSIFIER,
    "PointTransformerZeroShot.load_model_from_ckpt": {
        **{"NAME": "PointTransformerZeroShot", "img_dim": 6, "text_dim": 6},
        **SIZES,
    },
    "PointTransformerSVM.load_model_from_ckpt": {"NAME": "PointTransformerSVM", **SIZES},
    "PointTransformerTwoTower.load_model_from_ckpt": {**CLASSIFIER, "NAME": "PointTransformerTwoTower"},
    "builder.load_model": CLASSIFIER,
    "builder.resume_model": CLASSIFIER,
    "segmentation get_model.load_model_from_ckpt": {"NAME": "PartSegmentation", "cls_dim": 50, **SIZES},
    "segmentation --test": {"NAME": "PartSegmentation", "cls_dim": 50, **SIZES},
}
RENAMED = {
    "own names": lambda name: name,
    "'module.' in front": lambda name: f"module.{name}",
    "'module.' in the middle (encoder.module.X)": lambda name: name.replace(".", ".module.", 1),
    "'MAE_encoder.' in front": lambda name: f"MAE_encoder.{name}",
    "'module.MAE_encoder.' in front": lambda name: f"module.MAE_encoder.{name}",
    "'base_model.' in front": lambda name: f"base_model.{name}",
    "'module.base_model.' in front": lambda name: f"module.base_model.{name}",
    "'base_model.MAE_encoder.' in front": lambda name: f"base_model.MAE_encoder.{name}",
}


def filled(cfg: dict) -> nn.Module:
    """A model whose tensors all differ from those of any other."""
    torch.manual_seed(0)
    model = build_model_from_cfg(cfg)
    model.load_state_dict(
        {n: torch.rand(v.shape) if v.is_floating_point() else v for n, v in model.state_dict().items()}
    )
    return model


def taken(model: nn.Module, state: dict) -> int:
    """How many of the model's float tensors have a file's values."""
    own = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
    return sum(name in state and torch.equal(value, state[name]) for name, value in own.items())


def load(loader: str, path: Path, allow_missing: bool = False) -> nn.Module:
    model = build_model_from_cfg(LOADERS[loader])
    new = () if LAYOUTS["loaders"][loader]["strict"] else getattr(model, "new_parameters", ())
    load_weights(model, path, CHECKPOINT_PREFIXES, new, allow_missing=allow_missing, hint="--allow_missing")
    return model


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("wrapper", ["base_model", "model", "model_state_dict", "state_dict", "net", None])
def test_wrappers(tmp_path, loader, wrapper):
    """All of them are read by every loader, and so whatever the released loader of the same use reads."""
    state = filled(LOADERS[loader]).state_dict()
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"params": [0]}]}
    torch.save({wrapper: state, "optimizer": optimizer, "epoch": 3} if wrapper else state, tmp_path / "c.pth")
    floats = sum(value.is_floating_point() for value in state.values())
    assert taken(load(loader, tmp_path / "c.pth"), state) == floats
    released = LAYOUTS["loaders"][loader]["wrapper"].get(wrapper or "bare state dict", "")
    if " of " in released and "segmentation" not in loader:
        assert released == f"{floats} of {floats} tensors"


@pytest.mark.parametrize("loader", LOADERS)
def test_names(tmp_path, loader):
    state = filled(LOADERS[loader]).state_dict()
    floats = sum(value.is_floating_point() for value in state.values())
    for case, rename in RENAMED.items():
        path = save(tmp_path / "c.pth", {rename(name): value for name, value in state.items()})
        assert taken(load(loader, path), state) == floats, case
    known = RENAMED.keys() | {"pretraining checkpoint", "two names missing", "a name too many"}
    assert LAYOUTS["loaders"][loader]["names"].keys() <= known | {"a tensor of another shape"}

    path = save(tmp_path / "c.pth", state | {"more.weight": torch.zeros(2)})
    assert taken(load(loader, path), state) == floats
    fewer = {n: v for n, v in state.items() if n not in ("encoder.first_conv.0.weight", "blocks.blocks.0.norm1.bias")}
    path = save(tmp_path / "c.pth", fewer)
    with pytest.raises(UserError, match="2 of .* keys are missing .*--allow_missing"):
        load(loader, path)
    assert taken(load(loader, path, allow_missing=True), fewer) == floats - 2
    path = save(tmp_path / "c.pth", state | {"encoder.first_conv.0.weight": torch.zeros(5, 3, 1)})
    with pytest.raises(UserError, match="1 keys have another shape"):
        load(loader, path, allow_missing=True)


@pytest.mark.parametrize("loader", [name for name in LOADERS if not LAYOUTS["loaders"][name]["strict"]])
def test_a_pretraining_checkpoint_with_teachers(tmp_path, loader, caplog):
    caplog.set_level(logging.INFO)
    two = "TwoTower" in loader
    state = filled({**RECON, "NAME": "TwoTower" if two else "ReCon", "self_contrastive": not two}).state_dict()
    state |= {f"{kind}_encoder.weight": torch.rand(3, 3) for kind in ("img", "text")}
    path = save(tmp_path / "c.pth", {f"module.{name}": value for name, value in state.items()})
    stripped = {name.removeprefix("MAE_encoder."): value for name, value in state.items()}
    count = taken(load(loader, path), stripped)
    if "segmentation" not in loader:
        assert LAYOUTS["loaders"][loader]["names"]["pretraining checkpoint"].startswith(f"{count} of ")
    assert "img_encoder (1)" in caplog.text and "text_encoder (1)" in caplog.text


def test_point_mae_into_the_plain_encoder(tmp_path, caplog):
    """Point-MAE's encoder is the reconstruction tower; its cls token is learned downstream."""
    caplog.set_level(logging.INFO)
    state = filled({**RECON, "NAME": "PointMAE", "img_encoder": "", "text_encoder": "", "self_contrastive": False})
    state = state.state_dict()
    model = build_model_from_cfg({**CLASSIFIER, "NAME": "PlainTransformer"})
    path = save(tmp_path / "c.pth", {f"module.{name}": value for name, value in state.items()})
    load_weights(model, path, CHECKPOINT_PREFIXES, model.new_parameters, logging.getLogger())
    encoder = {n.removeprefix("MAE_encoder."): v for n, v in state.items() if n.startswith("MAE_encoder.")}
    assert taken(model, encoder) == sum(value.is_floating_point() for value in encoder.values()) == 33
    assert "new, not in the checkpoint: cls_token (1), cls_pos (1), cls_head_finetune (16)" in caplog.text
    # Fine-tuned ones have the same names as ours, the head's too.
    tuned = filled({**CLASSIFIER, "NAME": "PlainTransformer"}).state_dict()
    load_weights(model, save(tmp_path / "c.pth", prefixed_state(tuned, "module.")), CHECKPOINT_PREFIXES)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in tuned.items())


def prefixed_state(state: dict, prefix: str) -> dict:
    return {prefix + name: value for name, value in state.items()}


def test_the_released_segmentation_checkpoint(tmp_path):
    state = filled(LOADERS["segmentation --test"]).state_dict()
    content = {"epoch": 7, "test_acc": np.float64(0.9), "inctance_avg_iou": np.float64(0.8), "model_state_dict": state}
    torch.save(content | {"optimizer_state_dict": {}}, tmp_path / "best_model.pth")
    read = load_checkpoint(tmp_path / "best_model.pth")
    assert type(read["inctance_avg_iou"]) is float and read["epoch"] == 7
    assert read["base_model"].keys() == state.keys()


def test_the_preferred_key_of_several(tmp_path):
    one, two = Model().state_dict(), Model().state_dict()
    torch.save({"base_model": one, "model": two, "ema": one}, tmp_path / "c.pth")
    for first, expected in ((None, one), ("base_model", one), ("model", two), ("model_state_dict", one)):
        read = load_checkpoint(tmp_path / "c.pth", first)
        assert torch.equal(read["base_model"]["body.weight"], expected["body.weight"]) and read.keys() == {"base_model"}


def test_metrics_become_numbers(tmp_path):
    metrics = {"acc": torch.tensor(91.5), "names": ["a"], "more": {"n": torch.tensor(3)}}
    path = save(tmp_path / "c.pth", Model().state_dict(), metrics=metrics, epoch=torch.tensor(4))
    read = load_checkpoint(path)
    assert read["metrics"] == {"acc": 91.5, "names": ["a"], "more": {"n": 3}} and type(read["epoch"]) is int


def test_what_stays_as_initialised_is_listed(tmp_path, caplog):
    state = filled(CLASSIFIER).state_dict()
    fewer = {n: v for n, v in state.items() if ".attn." not in n and n not in ("cls_token", "norm.bias")}
    model = build_model_from_cfg(CLASSIFIER)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    load_weights(model, save(tmp_path / "c.pth", fewer), allow_missing=True)
    assert "left as initialised: cls_token, blocks.blocks.0.attn (3), norm.bias" in caplog.text
    for name, value in model.state_dict().items():
        assert torch.equal(value, fewer.get(name, before[name]))


def test_nothing_of_the_model_is_never_allowed(tmp_path):
    path = save(tmp_path / "c.pth", {"other.weight": torch.zeros(2)})
    with pytest.raises(UserError, match="another model: 4 of 4 .*; it has others \\(other.weight\\)$"):
        load_weights(Model(), path, allow_missing=True, hint="--allow_missing")


def test_batch_counts_may_be_missing(tmp_path):
    state = filled(CLASSIFIER).state_dict()
    fewer = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    model = build_model_from_cfg(CLASSIFIER)
    load_weights(model, save(tmp_path / "c.pth", fewer))
    assert taken(model, fewer) == len(fewer) < len(state)


def test_prefixes_of_the_model_itself_and_collisions():
    one, two = torch.zeros(1), torch.ones(1)
    names = {"module.MAE_encoder.a": one, "base_model.module.mask": two}
    assert strip_prefixes(names, CHECKPOINT_PREFIXES, {"MAE_encoder.a", "mask"}).keys() == {"MAE_encoder.a", "mask"}
    assert strip_prefixes({"a.module.b": one}, (), {"a.module.b"}).keys() == {"a.module.b"}
    for state in ({"MAE_encoder.a": two, "a": one}, {"a": one, "MAE_encoder.a": two}):
        assert strip_prefixes(state, CHECKPOINT_PREFIXES) == {"a": two}


def trained(model: nn.Module, reverse: bool = False, kind=torch.optim.AdamW, **options) -> torch.optim.Optimizer:
    """An optimizer of two groups after a step in which every parameter had a gradient of its own."""
    groups = [[p for n, p in model.named_parameters() if n.endswith(end)] for end in ("weight", "bias")]
    groups = [{"params": group[::-1] if reverse else group} for group in groups]
    optimizer = kind(groups, lr=0.1, **options)
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 1.0 + number)
    optimizer.step()
    return optimizer


@pytest.mark.parametrize("named", [True, False])
def test_optimizer_state_goes_by_name(named):
    source, target = Model(), Model()
    before = trained(source, reverse=True)
    state = optimizer_state(before, source)
    assert state["param_groups"][0]["param_names"] == ["head.weight", "body.weight"]
    names = [name for name, _ in source.named_parameters()]
    if not named:  # then the order of the weights in the file counts
        state, names = before.state_dict(), names[::-1]
    after = trained(target)
    after.param_groups[0]["lr"] = 0.5
    load_optimizer(after, target, state, names)
    for name, parameter in source.named_parameters():
        moved = after.state[dict(target.named_parameters())[name]]["exp_avg"]
        assert torch.equal(moved, before.state[parameter]["exp_avg"]), name
    assert after.param_groups[0]["lr"] == 0.5


def test_optimizer_of_another_model():
    model = Model()
    optimizer, names = trained(model), [name for name, _ in model.named_parameters()]
    with pytest.raises(ValueError, match="groups of 2, 2 parameters, not 2, 1"):
        load_optimizer(optimizer, model, optimizer.state_dict(), names[:-1])
    with pytest.raises(ValueError, match="another kind of optimizer than AdamW"):
        load_optimizer(optimizer, model, trained(Model(), kind=torch.optim.SGD).state_dict(), names)
    other = copy.deepcopy(optimizer.state_dict())
    other["state"][0]["exp_avg"] = torch.zeros(7)
    with pytest.raises(ValueError, match="'exp_avg' of another shape, \\(7,\\) instead of"):
        load_optimizer(optimizer, model, other, names)
    with pytest.raises(ValueError, match="groups of other parameters"):
        order_optimizer(other, [["a", "b"], ["c", "d"]], parameter_names(optimizer, model))


def test_allow_missing_on_the_command_line(run, capsys):
    weights = run("pretrain", "--opts", "max_epoch=0", exp="start") / "ckpt-last.pth"
    state = load_checkpoint(weights)["base_model"]
    torch.save({n.replace("MAE_encoder.", "module."): v for n, v in state.items() if ".blocks.1." not in n}, "part.pth")
    for task in (["classify", "--finetune_model"], ["svm", "--svm"]):
        arguments = [*task, "--ckpts", "part.pth", *(["--opts", "max_epoch=0"] if task[0] == "classify" else [])]
        with pytest.raises(UserError, match="23 of .* keys are missing .*; --allow_missing leaves them as initialised"):
            run(*arguments)
        capsys.readouterr()
        run(*arguments[:2], "--allow_missing", *arguments[2:])
        assert "left as initialised: blocks.blocks.1 (23)" in capsys.readouterr().out
    for task in (["classify", "--test", "--ckpts", "part.pth"], ["pretrain"]):
        with pytest.raises(UserError, match="--allow_missing is for a checkpoint that a task starts from"):
            run(*task, "--allow_missing")


def refuse(path, content, message: str) -> None:
    torch.save(content, path)
    with pytest.raises(UserError, match=message) as caught:
        load_weights(Model(), path)
    assert len(str(caught.value)) <= 800


def test_weights_of_another_kind(tmp_path):
    path, state = tmp_path / "a.pth", Model().state_dict()
    name = next(iter(state))
    refuse(path, {**state, name: state[name].to("meta")}, "refused: it holds a tensor of another kind \\(meta\\)")
    refuse(path, {**state, name: state[name].to(torch.float8_e4m3fn)}, "refused: it holds a tensor of float8_e4m3fn")
    refuse(path, {**state, name: state[name].to(torch.complex64)}, "refused: it holds a tensor of complex64")
    refuse(path, {**state, name: torch.eye(3).to_sparse()}, "another kind \\(sparse_coo\\)")
    refuse(path, {**state, name: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])}, "another kind|not only")
    refuse(path, {**state, name: torch.ones(1).expand(10**12)}, "with values for a part of it only")
    refuse(path, {"base_model": {"a": {"b.c": torch.ones(2)}}}, "no weights under")
    refuse(path, {"base_model": {"a": {"b.c": 1}}, "model": [state]}, "no weights under")
    refuse(path, {"base_model": [1, 2]}, "no weights under")
    deep: list = []
    for _ in range(40):
        deep = [deep, deep]
    refuse(path, {"base_model": state, "metrics": deep}, "nested more than 20 deep")
    wide: list = [0] * 10
    for _ in range(8):
        wide = [wide] * 10
    refuse(path, {"base_model": state, "metrics": wide}, "more than 1000000 values")
    cycle: list = []
    cycle.append(cycle)
    refuse(path, {"base_model": state, "metrics": cycle}, "holds itself")


@pytest.mark.parametrize("count", [3, 2**30])
def test_a_record_of_another_size_than_announced(tmp_path, count):
    path, other = tmp_path / "a.pth", tmp_path / "b.pth"
    torch.save({"a.b": torch.arange(4.0)}, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"K\x04t", b"J" + count.to_bytes(4, "little") + b"t"))
    with pytest.raises(UserError, match=f"its record 0 has 16 bytes, not {count} of FloatStorage"):
        load_checkpoint(other)


def test_a_checkpoint_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.pth")
    with pytest.raises(UserError, match="a.pth is not a regular file"):
        load_checkpoint(tmp_path / "a.pth")
    with pytest.raises(UserError, match="is a folder"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("exp_avg", torch.zeros(()), "of another shape"),
        ("exp_avg", torch.zeros(3, dtype=torch.int64), "not float"),
        ("exp_avg", [0.0], "'exp_avg' is list, not float"),
        ("exp_avg_sq", None, "'exp_avg_sq' is NoneType"),
        ("step", torch.zeros(2), "'step' is a Tensor, not one number"),
        ("step", "1", "'step' is a str"),
        ("step", float("nan"), "'step' is nan"),
        ("other", torch.zeros(3), "other"),
    ],
)
def test_hostile_optimizer_state(fused, key, value, message):
    model = Model()
    optimizer, names = trained(model, fused=fused), [name for name, _ in model.named_parameters()]
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0][key] = value
    with pytest.raises(ValueError, match=message):
        load_optimizer(optimizer, model, state, names)
    del state["state"][0][key]
    if key != "other":
        with pytest.raises(ValueError, match="instead of step, exp_avg, exp_avg_sq"):
            load_optimizer(optimizer, model, state, names)


def test_optimizer_state_is_laid_out_as_the_parameters():
    model = Model()
    optimizer, names = trained(model), [name for name, _ in model.named_parameters()]
    state = copy.deepcopy(optimizer.state_dict())
    for entry in state["state"].values():
        entry["exp_avg"] = (
            entry["exp_avg"].double().T.contiguous().T if entry["exp_avg"].dim() > 1 else entry["exp_avg"]
        )
        entry["step"] = 1  # as early versions of PyTorch have it
    load_optimizer(optimizer, model, state, names)
    for parameter in model.parameters():
        moment = optimizer.state[parameter]["exp_avg"]
        assert moment.stride() == parameter.stride() and moment.dtype == parameter.dtype
    optimizer.step()


def test_a_full_disk_is_said_to_be_full(tmp_path, monkeypatch):
    def write(*_):
        raise RuntimeError("[enforce fail at inline_container.cc:858] . PytorchStreamWriter failed writing file data/0")

    monkeypatch.setattr(torch, "save", write)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 20, 1 << 20, 0))
    with pytest.raises(UserError, match="a.pth cannot be written: no space left on the disk"):
        save_atomic({}, tmp_path / "a.pth")
