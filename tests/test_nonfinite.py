"""Updates that are not finite: left out or the end of a run, with weights, buffers and moments as they were before."""

import json
import math
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml

from tools.engine.loop import READ_EVERY, Trainer
from utils.checkpoint import load_checkpoint, not_finite
from utils.errors import Interrupted, UserError

HUGE = 5  # number of the sample that no float32 holds the square of
FLAGS = ("--scratch_model", "--opts", "max_epoch=1")


@pytest.fixture
def huge(configs, world, tmp_path):
    """The data of the classifier with a shape that is 1e25 in size."""
    folder = tmp_path / "ScanObjectNN/main_split"
    folder.mkdir(parents=True)
    for path in (world / "ScanObjectNN/main_split").iterdir():
        with h5py.File(path) as file, h5py.File(folder / path.name, "w") as copy:
            data = file["data"][:]
            if "training" in path.name:
                data[HUGE] *= np.float32(1e25)
            copy["data"], copy["label"] = data, file["label"][:]
    content = yaml.safe_load(configs["classify"].read_text())
    configs["classify"].write_text(yaml.safe_dump(content | {"data_root": str(tmp_path)}))


@pytest.fixture
def states(monkeypatch):
    """The state after every update: weights and buffers, moments, and the scale of the loss."""
    found, step = [], Trainer._train_step

    def recorded(self, model, batch):
        updates = step(self, model, batch)
        state = {name: x.clone() for name, x in self.model.state_dict().items()}
        moments = [x.clone() for s in self.optimizer.state_dict()["state"].values() for x in s.values()]
        found.append(((self.at.epoch, self.at.step), state, moments, self.precision.scaler.get_scale()))
        return updates

    monkeypatch.setattr(Trainer, "_train_step", recorded)
    return found


def same(one: dict, two: dict) -> bool:
    return all(torch.equal(value, two[name]) for name, value in one.items())


def batches_with_huge(trainers: list, epochs: int) -> list[list[bool]]:
    """Whether the batches of every epoch have the huge shape."""
    batches = trainers[0].loader.batches
    return [[HUGE in batch for batch in batches.of_epoch(epoch).tolist()] for epoch in range(epochs)]


@pytest.fixture
def trainers(monkeypatch):
    made, original = [], Trainer.__init__
    monkeypatch.setattr(Trainer, "__init__", lambda self, *args: (original(self, *args), made.append(self))[0])
    return made


def raised(error: Exception):
    raise error


def moments(state: dict) -> list:
    return [x for entry in state["optimizer"]["state"].values() for x in entry.values()]


@pytest.mark.parametrize("read_every, precision", [(1, "fp32"), (20, "fp32"), (20, "fp16")])
def test_an_update_that_is_not_finite_ends_the_run_with_the_state_before_it(
    run, huge, states, monkeypatch, read_every, precision, capsys
):
    """However many steps pass until the host looks at the losses; and --replay repeats it."""
    monkeypatch.setitem(READ_EVERY, "cpu", read_every)
    folder = Path("experiments/classify/cfgs/default")
    told = "loss 'loss' became nan in epoch 0, step .; .*; its batch: .*training_objectdataset.h5.[0-9]+., "
    flags = ("--precision", precision, *FLAGS)
    with pytest.raises(UserError, match=told):
        run("classify", *flags, "--seed", "2")
    about = json.loads((folder / "nonfinite.json").read_text())
    assert len(about["files"]) == 4 and any(name.endswith(f"h5[{HUGE}]") for name in about["files"])
    assert not list(folder.glob("ckpt-*"))
    state = load_checkpoint(folder / "nonfinite.pth")
    assert (state["epoch"], state["step"]) == (0, about["step"])
    before = {at: found for at, *found in states}[0, about["step"] - 1]
    assert same(before[0], state["base_model"]) and not not_finite(state["base_model"])
    assert all(torch.equal(a, torch.as_tensor(b)) for a, b in zip(before[1], moments(state), strict=True))
    assert state.get("scaler", {"scale": 1.0})["scale"] == before[2]

    files = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    capsys.readouterr()
    with pytest.raises(UserError, match=f"loss 'loss' became nan in epoch 0, step {about['step']}"):
        run("classify", *flags, "--replay", str(folder / "nonfinite.pth"))
    assert "not finite first: the output of " in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == files


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("read_every", [1, 20])
def test_updates_left_out(run, huge, states, trainers, monkeypatch, capsys, read_every, precision):
    """Weights, buffers and moments stay as they were, and the mean of the losses is that of the others."""
    monkeypatch.setitem(READ_EVERY, "cpu", read_every)
    folder = run("classify", "--skip_nonfinite", "1", "--precision", precision, *FLAGS)
    hit = batches_with_huge(trainers, 2)
    assert sum(map(sum, hit)) > 0
    found = {at: found for at, *found in states}
    for epoch, row in enumerate(hit):
        for step in range(1, len(row)):
            before, after = found[epoch, step - 1], found[epoch, step]
            assert same(before[0], after[0]) == row[step]
            assert all(map(torch.equal, before[1], after[1])) == row[step] or precision == "fp16"
            assert before[2] == after[2] or not row[step]
    last = json.loads((folder / "metrics.json").read_text())["last"]
    assert last.get("skipped_updates", 0) == sum(hit[1]) and math.isfinite(last["loss"])
    told = "update left out: loss 'loss' was nan in epoch ., step ., of .*h5.* .1 of at most 1 in an epoch."
    assert len(re.findall(told, capsys.readouterr().out)) == sum(map(sum, hit))
    assert not not_finite(load_checkpoint(folder / "ckpt-last.pth")["base_model"])
    assert not list(folder.glob("nonfinite*"))


@pytest.mark.parametrize("accumulation", ["sum", "mean"])
def test_updates_of_several_batches_left_out(run, huge, trainers, monkeypatch, accumulation):
    """With all of their batches, and what is left over at the end of an epoch as well; but no other gradients."""
    opts = ("step_per_update=2", f"accumulation={accumulation}", "max_epoch=3")
    flags = ("--skip_nonfinite", "1", "--seed", "1", *FLAGS, *opts)
    state = load_checkpoint(run("classify", *flags, exp="at_once") / "ckpt-last.pth")
    monkeypatch.setitem(READ_EVERY, "cpu", 20)
    late = load_checkpoint(run("classify", *flags, exp="late") / "ckpt-last.pth")
    hit = batches_with_huge(trainers, 4)
    assert {row.index(True) // 2 for row in hit if any(row)} == {0, 1}
    assert same(state["base_model"], late["base_model"]) and all(map(torch.equal, moments(state), moments(late)))
    assert same(dict(state.get("gradients", [])), dict(late.get("gradients", [])))
    assert state["metrics"] == late["metrics"] and ("gradients" in state) == ("gradients" in late)
    assert state["metrics"].get("skipped_updates", 0) == any(hit[-1])
    assert not not_finite(state["base_model"]) and not not_finite(dict(state.get("gradients", [])))


def test_how_many_are_left_out_survives_resuming(run, huge, trainers, monkeypatch):
    """Those of the epoch, so that they do not begin anew."""
    flags = ("--skip_nonfinite", "1", "--seed", "3", *FLAGS)
    whole = load_checkpoint(run("classify", *flags, exp="whole") / "ckpt-last.pth")
    hit = next(row for row in batches_with_huge(trainers, 2) if any(row))
    original = Trainer._train_step

    def stopping(self, model, batch):
        self.stop.made |= self.at.step == hit.index(True)
        return original(self, model, batch)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Trainer, "_train_step", stopping)
        run("classify", *flags, exp="broken")
    broken = load_checkpoint("experiments/classify/cfgs/broken/ckpt-last.pth")
    assert broken["skipped"] == [1, 1]
    broken = load_checkpoint(run("classify", *flags, "--resume", exp="broken") / "ckpt-last.pth")
    assert same(whole["base_model"], broken["base_model"]) and whole["metrics"] == broken["metrics"]


def test_fewer_left_out_than_before(run, huge, trainers, monkeypatch, capsys):
    """What was left out before an epoch was resumed does not end it, and is still counted; another update would."""
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Trainer, "_save_if_asked", lambda self: self.at.skipped and raised(self._saved_to_stop()))
        run("classify", "--skip_nonfinite", "1", "--seed", "3", *FLAGS)
    state = load_checkpoint("experiments/classify/cfgs/default/ckpt-last.pth")
    assert state["skipped"] == [1, 1] and (state["epoch"], state["step"]) == (0, 1)
    folder = run("classify", "--scratch_model", "--resume", "--opts", "max_epoch=0")
    assert "1 updates of epoch" in capsys.readouterr().out
    assert json.loads((folder / "metrics.json").read_text())["last"]["skipped_updates"] == 1


@pytest.mark.parametrize("kind", ["SGD", "RAdam"])
def test_optimizers_that_are_not_fused(run, huge, trainers, kind):
    opts = ("optimizer.type=" + kind, "optimizer.kwargs={lr: 0.001}")
    folder = run("classify", "--skip_nonfinite", "1", *FLAGS, *opts)
    assert sum(map(sum, batches_with_huge(trainers, 2)))
    assert not not_finite(load_checkpoint(folder / "ckpt-last.pth")["base_model"])


def test_replay_tells_what_is_not_as_it_was(run, huge, capsys):
    replay = ("--replay", "experiments/classify/cfgs/default/nonfinite.pth")
    with pytest.raises(UserError, match="became nan"):
        run("classify", *FLAGS)
    path = Path(replay[1]).with_suffix(".json")
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"processes": 2}))
    with pytest.raises(UserError, match="became nan"):
        run("classify", *FLAGS, "optimizer.kwargs.lr=0.5", *replay)
    said = capsys.readouterr().out
    assert "replaying with other settings than before: optimizer.kwargs.lr" in said
    assert "replaying with 1 processes instead of 2" in said
    with pytest.raises(UserError, match="its seed is 0, not 4"):
        run("classify", *FLAGS, "--seed", "4", *replay)
    del about["seed"]
    path.write_text(json.dumps(about))
    with pytest.raises(UserError, match="--replay needs .*nonfinite.json beside its checkpoint: it has no 'seed'"):
        run("classify", *FLAGS, *replay)


def test_replay_is_of_training(run, tmp_path):
    path = tmp_path / "nonfinite.pth"
    with pytest.raises(UserError, match="--replay: checkpoint not found"):
        run("classify", "--scratch_model", "--replay", str(path))
    torch.save({}, path)
    with pytest.raises(UserError, match="--replay repeats an update of training"):
        run("classify", "--test", "--ckpts", str(path), "--replay", str(path))


def test_every_data_set_names_its_samples(run, trainers, world):
    run("pretrain", "--opts", "max_epoch=0")
    run("fewshot", "--scratch_model", "--way", "3", "--shot", "2", "--fold", "1", "--opts", "max_epoch=0")
    shape_net, few = (trainer.data for trainer in trainers)
    assert shape_net.name(4) == shape_net.names[4] == "00000000-003"
    assert few.name(2).endswith("3way_2shot/1.pkl, train[2]")
