"""Checkpoints: stripped names, mismatches told apart, nothing run, nothing half written."""

import logging
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from utils.checkpoint import load_checkpoint, load_weights, save_atomic
from utils.errors import UserError
from utils.files import written_whole


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
        ({1: torch.zeros(2)}, "4 of 4 keys"),
        ({}, "4 of 4 keys are missing \\(body.weight, body.bias, head.weight, ...\\)"),
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
        torch.save([1, 2] if kind == "list" else {"state_dict": {}}, path)
    with pytest.raises(UserError, match="c.pth") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value) and "must not run" not in capsys.readouterr().out


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
    with pytest.raises(RuntimeError), written_whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
