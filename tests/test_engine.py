"""What tasks and the engine are to each other: new files, precision, compilation, saving within an epoch."""

import functools
import json
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

import main
import models.baselines
import tools.engine.loop
import tools.tasks
from models.build import MODELS
from tools.engine.loop import READ_EVERY, Trainer
from tools.engine.task import TASKS
from tools.tasks.classify import Classify
from utils.checkpoint import load_checkpoint
from utils.errors import Interrupted, UserError

TASK = '''
"""How far the points of a data set reach."""

from dataclasses import dataclass

from tools.engine.data import open_dataset
from tools.engine.infer import predict
from tools.engine.task import TASKS, Mode, Task
from models import build_model_from_cfg


@dataclass
class ReachConfig:
    factor: float = 1.0


@TASKS.register("reach")
class Reach(Task):
    modes = (Mode("reach", "--how-far", "measure how far points reach"),)
    needs = "a classifier"
    sections = {"reach": ReachConfig}

    @classmethod
    def accepts(cls, model, args):
        return model.classifies

    def measure(self):
        model = build_model_from_cfg(self.run.config.model)
        points, _ = predict(self.run, model, open_dataset(self.run, "test"), lambda points: points[:, :4])
        reach = self.run.config.section(ReachConfig).factor * points.shape[1]
        self.run.record(model, finished=True, metric="reach", last={"reach": reach})
'''
CLASSIFIER = '''
"""The mean of a cloud, and a linear layer."""

from dataclasses import dataclass

from torch import nn

from models.build import MODELS, Trainable


@dataclass
class MeanConfig:
    NAME: str
    cls_dim: int


@MODELS.register("Mean")
class Mean(Trainable, nn.Module):
    Config = MeanConfig
    classifies = True

    def __init__(self, config):
        super().__init__()
        self.head = nn.Linear(3, config.cls_dim)

    def forward(self, points):
        return self.head(points.mean(1))
'''


@pytest.fixture
def new_files(tmp_path, monkeypatch):
    """A task and a classifier, each a file in a folder of its own that is looked into besides ours."""
    before = [(registry, dict(registry.find())) for registry in (TASKS, MODELS)]
    for package, name, text in ((tools.tasks, "reach", TASK), (models.baselines, "mean", CLASSIFIER)):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    for registry, entries in before:
        monkeypatch.setattr(registry, "entries", entries)
    yield
    for name in ("tools.tasks.reach", "models.baselines.mean"):
        sys.modules.pop(name, None)


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def test_a_new_task_is_one_file_and_a_new_classifier_too(new_files, run, configs):
    content = yaml.safe_load(configs["classify"].read_text())
    content |= {"model": {"NAME": "Mean", "cls_dim": 15}, "reach": {"factor": 2.0}}
    configs["classify"].write_text(yaml.safe_dump(content))
    assert "--how-far" in main.build_parser().format_help()
    trained = run("classify", "--scratch_model")
    assert metrics(trained)["finished"] and metrics(trained)["last"]["total"] == 6
    assert metrics(run("classify", "--how-far", exp="far"))["last"] == {"reach": 30.0}
    run("classify", "--test", "--ckpts", str(trained / "ckpt-best.pth"))
    with pytest.raises(UserError, match="'Mean' is not a model to pretrain; it is for --test, --finetune_model, --scr"):
        run("classify")


@pytest.mark.parametrize("task, flags", [("classify", ["--scratch_model"]), ("pretrain", [])])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_precision(run, task, flags, precision):
    """Parameters stay in float32; losses are near those of float32 and not the same."""
    exact = metrics(run(task, *flags, "--opts", "max_epoch=0", exp="exact"))
    folder = run(task, *flags, "--precision", precision, "--opts", "max_epoch=0", exp=precision)
    state = load_checkpoint(folder / "ckpt-last.pth")
    assert all(x.dtype == torch.float32 for x in state["base_model"].values() if x.is_floating_point())
    assert ("scaler" in state) == (precision == "fp16")
    found = metrics(folder)
    assert found["settings"]["precision"] == precision
    assert found["last"]["loss"] == pytest.approx(exact["last"]["loss"], rel=0.05)
    assert found["last"]["loss"] != exact["last"]["loss"]


def test_fp16_resumes_where_it_was(run, monkeypatch):
    flags = ("--scratch_model", "--precision", "fp16")
    whole = load_checkpoint(run("classify", *flags, exp="whole") / "ckpt-last.pth")
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        stop_at(patch, 4)
        run("classify", *flags, exp="broken")
    broken = load_checkpoint(run("classify", *flags, "--resume", exp="broken") / "ckpt-last.pth")
    assert broken["scaler"] == whole["scaler"]
    assert all(torch.equal(value, broken["base_model"][name]) for name, value in whole["base_model"].items())


def test_skipped_updates_in_fp16_are_told_and_end_a_run(run, monkeypatch, capsys):
    """The loss stays finite, its gradient never is."""
    original = Classify.losses

    def losses(self, model, batch, draw):
        broken = (model.cls_pos * 0).abs().sum().sqrt()  # whose slope at 0 is infinite
        return {"loss": original(self, model, batch, draw)["loss"] + broken}

    monkeypatch.setattr(Classify, "losses", losses)
    with pytest.raises(UserError, match="gradients in float16 became not finite at any scale of the loss"):
        run("classify", "--scratch_model", "--precision", "fp16", "--opts", "max_epoch=20")
    assert "3 updates skipped: the loss was scaled too high for float16" in capsys.readouterr().out


def test_gradients_left_over_in_fp16_are_saved_unscaled(run, monkeypatch):
    flags, opts = ("--scratch_model",), ("--opts", "step_per_update=2", "max_epoch=0")
    exact, half = (
        dict(load_checkpoint(run("classify", *flags, *more, *opts, exp=exp) / "ckpt-last.pth")["gradients"])
        for exp, more in (("exact", ()), ("half", ("--precision", "fp16")))
    )
    name = "cls_head_finetune.8.bias"
    torch.testing.assert_close(half[name], exact[name], rtol=0.1, atol=0.01)


def test_precision_that_a_device_does_not_have(run):
    with pytest.raises(UserError, match="precision: tf32 needs an NVIDIA GPU"):
        run("classify", "--scratch_model", "--precision", "tf32")
    with pytest.raises(UserError, match="'double_step' does not go with precision: fp16"):
        run("classify", "--scratch_model", "--opts", "precision=fp16", "double_step=true")


@pytest.mark.parametrize("task, flags", [("classify", ["--scratch_model"]), ("pretrain", [])])
def test_compiled_models_keep_their_names_and_numbers(run, task, flags, monkeypatch):
    """Through Dynamo without the compiler behind it, which takes a minute."""
    plain = load_checkpoint(run(task, *flags, exp="plain") / "ckpt-last.pth")
    compiled, original = [], nn.Module.compile

    def compile_eagerly(module, **options):
        compiled.append(type(module).__name__)
        original(module, backend="eager", **options)

    monkeypatch.setattr(nn.Module, "compile", compile_eagerly)
    found = load_checkpoint(run(task, *flags, "--compile", exp="compiled") / "ckpt-last.pth")
    assert compiled
    assert list(found["base_model"]) == list(plain["base_model"])
    for name, value in plain["base_model"].items():
        torch.testing.assert_close(found["base_model"][name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task, flags", [("classify", ["--scratch_model"]), ("pretrain", [])])
def test_checkpointing_changes_nothing(run, task, flags):
    one, two = (
        load_checkpoint(run(task, *flags, "--opts", f"checkpointing={on}", exp=on) / "ckpt-last.pth")["base_model"]
        for on in ("false", "true")
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-5, atol=1e-6)


def stop_at(monkeypatch, step: int) -> None:
    """Ask the run to stop in the given step, counted over epochs."""
    original, steps = Classify.losses, []

    def losses(self, *args):
        steps.append(1)
        self.run.stop.made |= len(steps) == step
        return original(self, *args)

    monkeypatch.setattr(Classify, "losses", losses)


def test_losses_are_looked_at_every_so_many_steps(run, monkeypatch):
    """The sums are the same, and the step of a broken loss is known, though it is noticed later."""
    now = metrics(run("classify", "--scratch_model", exp="now"))["last"]
    monkeypatch.setitem(READ_EVERY, "cpu", 2)
    later = metrics(run("classify", "--scratch_model", exp="later"))["last"]
    assert now == later
    monkeypatch.setitem(READ_EVERY, "cpu", 20)
    original = Classify.losses

    def losses(self, model, batch, draw):
        found = original(self, model, batch, draw)
        return {"loss": found["loss"] * float("nan")} if self.broken() else found

    steps = iter([False, True, False])
    monkeypatch.setattr(Classify, "broken", lambda self: next(steps), raising=False)
    monkeypatch.setattr(Classify, "losses", losses)
    with pytest.raises(UserError, match="loss 'loss' became nan in epoch 0, step 1"):
        run("classify", "--scratch_model", exp="broken")
    assert not list(Path("experiments/classify/cfgs/broken").glob("ckpt-*.pth"))


def same_weights(one: Path, two: Path) -> bool:
    one, two = (load_checkpoint(folder / "ckpt-last.pth") for folder in (one, two))
    return all(torch.equal(value, two["base_model"][name]) for name, value in one["base_model"].items()) and (
        one["metrics"] == two["metrics"]
    )


def test_saving_within_an_epoch(run, monkeypatch):
    """What is killed in its first epoch goes on from where it last saved."""
    whole = run("classify", "--scratch_model", exp="whole")
    taken, step = [], Trainer._train_step

    def killed(self, model, batch):
        taken.append(self.at.step)
        if len(taken) == 3:
            raise RuntimeError("killed")
        return step(self, model, batch)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Trainer, "_train_step", killed)
        run("classify", "--scratch_model", "--opts", "save_minutes=1e-9", exp="broken")
    state = load_checkpoint("experiments/classify/cfgs/broken/ckpt-last.pth")
    assert (state["epoch"], state["step"]) == (0, 2)
    assert same_weights(whole, run("classify", "--scratch_model", "--resume", exp="broken"))


def test_an_error_in_evaluation_does_not_cost_the_epoch(run, monkeypatch):
    whole = run("classify", "--scratch_model", exp="whole")

    def broken(self, model, epoch):
        raise RuntimeError("no test data")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Classify, "evaluate", broken)
        run("classify", "--scratch_model", exp="broken")
    state = load_checkpoint("experiments/classify/cfgs/broken/ckpt-last.pth")
    assert (state["epoch"], state["step"]) == (1, 3)
    trained, epoch = [], tools.engine.loop.Trainer._train_step
    monkeypatch.setattr(
        Trainer, "_train_step", lambda self, *args: (trained.append(self.at.epoch), epoch(self, *args))[1]
    )
    assert same_weights(whole, run("classify", "--scratch_model", "--resume", exp="broken"))
    assert set(trained) == {2}


def test_test_clouds_are_sampled_once(run, monkeypatch):
    sampled, original = [], Classify.__init__

    def counted(self, run):
        original(self, run)
        sample = self.sample
        self.sample = functools.wraps(sample)(lambda points: (sampled.append(len(points)), sample(points))[1])

    monkeypatch.setattr(Classify, "__init__", counted)
    run("classify", "--scratch_model")
    assert sum(sampled) == 6
