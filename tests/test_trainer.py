"""The loop and the tasks on it: resuming, accumulation, broken losses, freezing, what is left behind."""

import json
import os
import shlex
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torch import nn

import main
import tools.engine.loop
from tools.engine.data import Batches
from tools.engine.loop import Trainer
from tools.engine.task import TrainedTask
from tools.tasks.classify import Classify
from tools.tasks.pretrain import Pretrain
from utils.checkpoint import load_checkpoint
from utils.errors import Interrupted, UserError
from utils.logging import read_history

ROOT = Path(__file__).parent.parent


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def assert_same(a, b) -> None:
    """Compare nested states bit for bit."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def interrupt(monkeypatch, task: type[TrainedTask], method: str, call: int) -> None:
    """Send this process SIGTERM in the given call of a task's method."""
    original, calls = getattr(task, method), iter(range(1000))

    def interrupted(self, *args):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *args)

    monkeypatch.setattr(task, method, interrupted)


@pytest.mark.parametrize(
    "config, flags, task, method, call, stands",
    [
        ("classify", ["--scratch_model"], Classify, "losses", 4, (1, 2)),
        ("classify", ["--scratch_model", "--opts", "step_per_update=2"], Classify, "losses", 3, (1, 2)),
        ("classify", ["--scratch_model"], Classify, "evaluate", 0, (1, 3)),
        ("pretrain", [], Pretrain, "losses", 7, (2, 2)),
    ],
)
def test_resumed_equals_unbroken(run, monkeypatch, config, flags, task, method, call, stands):
    whole = run(config, *flags, exp="whole")
    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        interrupt(patch, task, method, call)
        run(config, *flags, exp="broken")
    broken = whole.with_name("broken")
    state = load_checkpoint(broken / "ckpt-last.pth")
    assert (state["epoch"], state["step"]) == stands
    assert not metrics(broken)["finished"]
    run(config, *flags, "--resume", exp="broken")
    for name in ("ckpt-last.pth", "ckpt-best.pth"):
        one, two = (load_checkpoint(folder / name) for folder in (whole, broken))
        for key in ("base_model", "optimizer", "epoch", "step", "metrics", "best_metrics"):
            assert_same(one[key], two[key])
    assert metrics(broken)["finished"] and metrics(broken)["best"] == metrics(whole)["best"]


def test_resume_of_nothing_and_of_a_finished_run(run, capsys):
    folder = run("classify", "--scratch_model", "--resume")
    assert "nothing to resume" in capsys.readouterr().out
    before = load_checkpoint(folder / "ckpt-last.pth")
    run("classify", "--scratch_model", "--resume")
    assert_same(before["base_model"], load_checkpoint(folder / "ckpt-last.pth")["base_model"])
    run("classify", "--scratch_model")
    assert "holds a finished run, which this one replaces" in capsys.readouterr().out


def test_resume_of_nothing_starts_from_the_given_weights(run):
    opts = ["--opts", "max_epoch=0", "optimizer.kwargs.lr=1e-30", "scheduler.kwargs.initial_epochs=0"]
    weights = run("pretrain", *opts, exp="start") / "ckpt-last.pth"
    folder = run("classify", "--finetune_model", "--resume", "--ckpts", str(weights), *opts)
    given, kept = (load_checkpoint(path)["base_model"] for path in (weights, folder / "ckpt-last.pth"))
    # A step of Adam at the schedule's least rate, 1e-6, moves no weight by more.
    for name in ("cls_pos", "encoder.first_conv.0.weight", "blocks.blocks.1.mlp.fc1.weight"):
        torch.testing.assert_close(kept[name], given["MAE_encoder." + name], atol=1e-4, rtol=0)
    with pytest.raises(UserError, match="nothing to resume in .*other, and no --ckpts FILE"):
        run("classify", "--finetune_model", "--resume", exp="other")


@pytest.mark.parametrize("key, value", [("optimizer", 3), ("optimizer", {}), ("epoch", None), ("best_metrics", None)])
def test_resume_from_a_damaged_checkpoint(run, key, value):
    path = run("classify", "--scratch_model", "--opts", "max_epoch=0") / "ckpt-last.pth"
    torch.save(load_checkpoint(path) | {key: value}, path)
    (path.parent / "ckpt-best.pth").unlink()
    with pytest.raises(UserError, match=f"cannot resume from {path}: it.*{key}.*--overwrite starts the run over"):
        run("classify", "--scratch_model", "--resume")


@pytest.mark.parametrize("damage", ["missing", "cut off", "without optimizer", "not finite"])
def test_resume_falls_back_to_the_newest_sound_checkpoint(run, capsys, damage):
    """That of epoch 1; those of epoch 0 are older, and the best is damaged too."""
    whole = run("classify", "--scratch_model", "--opts", "save_epochs=[0, 1]", exp="whole")
    folder = run("classify", "--scratch_model", "--opts", "save_epochs=[0, 1]")
    last = folder / "ckpt-last.pth"
    (folder / "ckpt-best.pth").write_bytes(b"")
    if damage == "missing":
        last.unlink()
    elif damage == "cut off":
        last.write_bytes(last.read_bytes()[:5000])
    else:
        state = load_checkpoint(last)
        if damage == "not finite":
            state["base_model"]["cls_pos"][0] = float("nan")
        else:
            del state["optimizer"]
        torch.save(state, last)
    run("classify", "--scratch_model", "--resume", "--opts", "save_epochs=[0, 1]")
    assert f"falling back to {folder}/ckpt-epoch-001.pth, the newest that is sound" in capsys.readouterr().out
    one, two = (load_checkpoint(path / "ckpt-last.pth") for path in (whole, folder))
    assert_same(one["base_model"], two["base_model"])
    assert_same(one["optimizer"], two["optimizer"])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".pth", ".json", ".yaml")}


def test_an_earlier_run_is_replaced_only_when_asked(run, configs):
    folder = run("classify", "--scratch_model", "--opts", "max_epoch=0")
    before = contents(folder)
    command = ["--config", str(configs["classify"]), "--num_workers", "0", "--scratch_model"]
    told = f"{folder} holds a finished run: --overwrite replaces it, --resume continues it, another --exp_name keeps"
    with pytest.raises(UserError, match=told):
        main.main(command)
    (folder / "metrics.json").unlink()
    with pytest.raises(UserError, match="holds an earlier run: --overwrite"):
        main.main(command)
    (folder / "metrics.json").write_bytes(before["metrics.json"])
    assert contents(folder) == before and len(list(folder.glob("*.log"))) == 1
    with pytest.raises(UserError, match="--overwrite replaces it: give one of them"):
        main.main([*command, "--overwrite", "--resume"])
    with pytest.raises(UserError, match="no_such_key"):
        main.main([*command, "--overwrite", "--opts", "no_such_key=1"])
    assert contents(folder) == before


def test_a_result_is_replaced_by_one_of_other_settings_only_when_asked(run, configs):
    run("svm", "--svm")
    command = ["--config", str(configs["svm"]), "--num_workers", "0", "--svm"]
    main.main(command)  # which gives the same again
    with pytest.raises(UserError, match="holds a result with other svm.C: --overwrite replaces it, another --exp_name"):
        main.main([*command, "--opts", "svm.C=0.1"])
    main.main([*command, "--overwrite", "--opts", "svm.C=0.1"])


def test_two_runs_do_not_share_a_folder(run, configs):
    """Nor do copies of one command; the lock of a process that is killed is gone."""
    folder = run("classify", "--scratch_model", "--opts", "max_epoch=0", exp="shared")
    before = contents(folder)
    code = f"import sys, utils.files as f, pathlib; l = f.lock_folder(pathlib.Path({str(folder)!r})); print('held')"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{code}; sys.stdout.flush(); sys.stdin.read()"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(UserError, match=f"shared is in use by process {holder.pid} on .*another --exp_name"):
        run("classify", "--scratch_model", exp="shared")
    assert contents(folder) == before
    holder.kill()
    holder.communicate()
    run("classify", "--scratch_model", "--opts", "max_epoch=0", exp="shared")


def test_a_run_that_is_replaced_leaves_no_result(run, monkeypatch):
    folder = run("classify", "--scratch_model", "--opts", "max_epoch=0")
    assert metrics(folder)["finished"]
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt(patch, Classify, "losses", 0)
        run("classify", "--scratch_model")
    assert not metrics(folder)["finished"] and not metrics(folder)["last"]


def test_pretraining_on_a_data_set_without_texts(run, configs):
    content = yaml.safe_load(configs["pretrain"].read_text())
    content["dataset"] = {"train": content["dataset"]["extra_train"]}
    configs["pretrain"].write_text(yaml.safe_dump(content))
    assert metrics(run("pretrain", "--opts", "max_epoch=0"))["finished"]


def test_resume_from_another_model(run):
    run("classify", "--scratch_model")
    with pytest.raises(UserError, match="another model: .* keys are missing"):
        run("classify", "--scratch_model", "--resume", "--opts", "model.depth=3")


def test_resume_with_other_settings(run, capsys):
    """More epochs are welcome, and said; another seed would be another run."""
    run("classify", "--scratch_model", "--opts", "max_epoch=0")
    with pytest.raises(UserError, match="cannot resume from .*ckpt-last.pth: its seed is 0, not 4"):
        run("classify", "--scratch_model", "--resume", "--seed", "4", "--opts", "max_epoch=0")
    folder = run("classify", "--scratch_model", "--resume", "--opts", "max_epoch=1")
    assert "resuming with other settings than before: max_epoch" in capsys.readouterr().out
    assert metrics(folder)["epochs"] == 2


class Numbers(list):
    """A data set of points whose label is their mean."""

    class_names = ["number"]

    def __init__(self, length: int):
        super().__init__({"points": torch.full((2, 3), float(i)), "label": i} for i in range(length))

    def set_epoch(self, epoch: int) -> None:
        pass

    def name(self, index: int) -> str:
        return f"number {index}"

    def epoch_order(self, epoch: int) -> None:
        return None

    def finish(self, batch: dict) -> dict:
        return batch


class Fit(TrainedTask):
    metric, higher_is_better = "loss", False

    @classmethod
    def accepts(cls, model, args):
        return False

    def build_model(self):
        model = nn.Linear(3, 1, bias=False)
        nn.init.zeros_(model.weight)
        return model

    def losses(self, model, batch, draw):
        error = model(batch["points"]).mean() - batch["label"].float().mean()
        return {"near": error**2, "broken": error * getattr(self, "factor", 0)}


@pytest.fixture
def fitting(run, monkeypatch):
    """Return a function that makes a Trainer of `Fit` on a few numbers."""

    def make(length: int, *opts: str) -> Trainer:
        made = []
        monkeypatch.setattr(main, "perform", made.append)
        run("classify", "--scratch_model", "--opts", "augment=none", *opts)
        monkeypatch.setattr(tools.engine.loop, "open_training", lambda *_: Numbers(length))
        return Trainer(made[0], Fit(made[0]))

    return make


@pytest.mark.parametrize(
    "kind, length, together, updates",
    [("mean", 20, 1, 5), ("mean", 20, 2, 3), ("mean", 20, 9, 1), ("mean", 3, 1, 1)]
    + [("sum", 20, 1, 5), ("sum", 20, 2, 2)],
)
def test_number_of_updates(fitting, kind, length, together, updates):
    trainer = fitting(length, f"accumulation={kind}", f"step_per_update={together}", "max_epoch=0")
    count, step = [], trainer.optimizer.step
    trainer.optimizer.step = lambda: (count.append(1), step())
    trainer.fit()
    assert len(count) == updates
    assert len(trainer.loader) == max(1, length // 4)


def test_training_without_an_update_is_refused(fitting):
    with pytest.raises(UserError, match="'step_per_update': 6 batches an update, but an epoch has 5"):
        fitting(20, "step_per_update=6")
    assert fitting(20, "step_per_update=6", "accumulation=mean", "max_epoch=0").fit()


def test_accumulated_gradient_is_the_mean(fitting):
    grads = []
    for together, size in ((1, 8), (2, 4)):
        opts = ("accumulation=mean", f"total_bs={size}", "max_epoch=0", "grad_norm_clip=null")
        trainer = fitting(8, f"step_per_update={together}", *opts)
        trainer.task.losses = lambda model, batch, draw: {"loss": model(batch["points"]).mean()}
        trainer.optimizer.step = lambda t=trainer: grads.append(t.model.weight.grad.clone())
        trainer.fit()
    torch.testing.assert_close(*grads)


def gradients_of_updates(trainer: Trainer) -> list[float]:
    """Train on a loss whose gradient is 1 a batch; returns what each update sees."""
    seen, step = [], trainer.optimizer.step
    trainer.task.losses = lambda model, batch, draw: {"loss": model.weight.sum()}
    trainer.optimizer.step = lambda: (seen.append(trainer.model.weight.grad[0, 0].item()), step())
    trainer.fit()
    return seen


def test_released_accumulation_adds_up_and_carries_over(fitting):
    """Three batches an epoch, updates after two: the third's gradient waits for the first update of the next epoch."""
    opts = ("step_per_update=2", "grad_norm_clip=null")
    assert gradients_of_updates(fitting(12, *opts, "max_epoch=2")) == [2, 3, 3]
    assert gradients_of_updates(fitting(12, *opts, "max_epoch=0")) == [2]


def test_gradients_carried_over_survive_resuming(fitting):
    opts = ("step_per_update=2", "grad_norm_clip=null")
    whole = fitting(12, *opts, "max_epoch=1")
    gradients_of_updates(whole)
    first = fitting(12, *opts, "max_epoch=0")
    gradients_of_updates(first)
    second = fitting(12, *opts, "max_epoch=1")
    second.run.args.resume = True
    second = Trainer(second.run, second.task)
    assert gradients_of_updates(second) == [3]
    torch.testing.assert_close(second.model.weight, whole.model.weight, rtol=0, atol=0)


def test_loss_weights(fitting):
    trainer = fitting(8, "max_epoch=0", "total_bs=8", "grad_norm_clip=null")
    trainer.task.losses = lambda model, batch, draw: dict.fromkeys(
        ("a", "b"), (model(batch["points"]) - 1).square().mean()
    )
    trainer.task.loss_weights = {"b": 0.25}
    found = trainer.fit()
    assert found["a"] == found["b"] and found["loss"] == pytest.approx(1.25 * found["a"])


def test_pretraining_weighs_its_losses(run):
    found = metrics(run("pretrain", "--opts", "loss_weights={smc: 0.5}"))["last"]
    assert found["loss"] == pytest.approx(found["mdm"] + 0.5 * found["smc"], rel=1e-5)


@pytest.mark.parametrize("together", [1, 2])
def test_double_step(fitting, together):
    """The released bug: each update steps twice on one gradient, as it is and clipped."""
    trainer = fitting(16, "double_step=true", f"step_per_update={together}", "grad_norm_clip=0.5", "max_epoch=0")
    weight = trainer.model.weight.detach().clone().requires_grad_()
    schedule = [group["lr"] for group in trainer.optimizer.param_groups if group["params"]]
    by_hand = torch.optim.AdamW([weight], lr=schedule[0], weight_decay=0.05)
    order = list(trainer.loader.batch_sampler)
    trainer.fit()
    for first in range(0, len(order), together):
        mine = order[first : first + together]
        errors = [(weight.sum() * sum(batch) / len(batch) - sum(batch) / len(batch)) ** 2 for batch in mine]
        weight.grad = torch.autograd.grad(sum(errors), weight)[0].clone()
        by_hand.step()
        nn.utils.clip_grad_norm_([weight], 0.5)
        by_hand.step()
    torch.testing.assert_close(trainer.model.weight, weight, rtol=1e-5, atol=1e-9)
    assert by_hand.state[weight]["step"] == 2 * len(order) / together


def test_clipping(fitting):
    trainer, norms = fitting(8, "grad_norm_clip=0.5", "max_epoch=0"), []
    trainer.optimizer.step = lambda: norms.append(float(trainer.model.weight.grad.norm()))
    trainer.fit()
    assert norms == pytest.approx([0.5] * len(norms))


def test_broken_loss_is_named_and_the_last_checkpoint_kept(fitting):
    trainer = fitting(8, "max_epoch=3")
    trainer.fit()
    trainer.at.epoch, trainer.task.factor = 2, float("nan")
    with pytest.raises(UserError, match="loss 'broken' became nan in epoch 2, step 0; .*ckpt-last.pth holds"):
        trainer.fit()
    assert load_checkpoint(trainer.checkpoints.last)["epoch"] == 3


@pytest.mark.parametrize("clip", ["null", "1"])
def test_a_broken_gradient_is_named(fitting, clip):
    """The loss stays finite: the square root of zero, whose slope is not."""
    trainer = fitting(8, "max_epoch=1", f"grad_norm_clip={clip}", "total_bs=4")
    trainer.task.losses = lambda model, batch, draw: {"loss": (model.weight * 0).abs().sum().sqrt()}
    with pytest.raises(UserError, match="the norm of the gradient became (inf|nan) in epoch 0, step 0; a lower"):
        trainer.fit()
    assert not list(trainer.run.folder.glob("ckpt-*.pth"))


@pytest.mark.parametrize("stopped", [False, True])
def test_weights_that_are_not_finite_are_not_saved(fitting, stopped):
    """Broken by the last update of an epoch, which no loss comes after; or as the run is asked to stop."""
    trainer = fitting(8, "max_epoch=2")
    step = trainer.optimizer.step

    def breaking():
        step()
        if trainer.at.epoch == 1 and trainer.at.step == 1:
            trainer.model.weight.data[0, 1] = float("inf")
            trainer.stop.made = stopped

    trainer.optimizer.step = breaking
    with pytest.raises(UserError, match="weight 'weight' became not finite in epoch 1, step 1; .*ckpt-last.pth holds"):
        trainer.fit()
    assert len(trainer.loader) == 2 and not metrics(trainer.run.folder)["finished"]
    assert {load_checkpoint(path)["epoch"] for path in trainer.run.folder.glob("ckpt-*.pth")} == {0}


def test_a_pretraining_that_diverges_is_told_in_one_line(run):
    with pytest.raises(UserError, match="became .* in epoch [01], step .; a lower optimizer.kwargs.lr"):
        opts = ["optimizer.kwargs.lr=1e6", "scheduler.kwargs.initial_epochs=0"]
        run("pretrain", "--opts", *opts)
    assert not list(Path("experiments/pretrain/cfgs/default").glob("ckpt-*.pth"))


def test_weights_that_are_not_finite_are_not_measured(run):
    trained = run("classify", "--scratch_model", "--opts", "max_epoch=0") / "ckpt-last.pth"
    pretrained = run("pretrain", "--opts", "max_epoch=0", "validate=none") / "ckpt-last.pth"
    for path in (trained, pretrained):
        state = load_checkpoint(path)
        weight = next(value for name, value in state["base_model"].items() if name.endswith("mlp.fc1.weight"))
        weight[0, 0] = float("nan")
        torch.save(state, path)
    told = "ckpt-last.pth is of a run that diverged: 1 weights are not finite .*mlp.fc1.weight"
    for task, flag, path in (("classify", "--test", trained), ("svm", "--svm", pretrained)):
        with pytest.raises(UserError, match=told):
            run(task, flag, "--ckpts", str(path))


def test_too_little_data(fitting):
    with pytest.raises(UserError, match="1 samples is too small"):
        fitting(1)


def test_batches(monkeypatch):
    whole = [Batches(11, 2, True, 0) for _ in range(2)]
    for batches in whole:
        batches.seek(3, 0)
    assert list(whole[0]) == list(whole[1]) and len(whole[0]) == 5
    seen = sum(whole[0], [])
    assert len(set(seen)) == 10
    whole[1].seek(3, 2)
    assert list(whole[1]) == list(whole[0])[2:]
    whole[1].seek(4, 0)
    assert list(whole[1]) != list(whole[0])
    # Two processes share the batches of one with twice the size.
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr("utils.distributed.rank", lambda r=rank: r)
        monkeypatch.setattr("utils.distributed.world_size", lambda: 2)
        shares.append((Batches(11, 1, True, 0), list(Batches(11, 2, False, 0))))
        shares[-1][0].seek(3, 0)
    assert [a + b for a, b in zip(*(share[0] for share in shares), strict=True)] == list(whole[0])
    assert sorted(sum(shares[0][1] + shares[1][1], [])) == list(range(11))


def test_pretraining_leaves_what_it_should(run):
    folder = run("pretrain")
    left = {"config.yaml", "ckpt-last.pth", "ckpt-best.pth", "ckpt-epoch-001.pth", "metrics.json"}
    assert left <= set(os.listdir(folder))
    assert len(list(folder.glob("*.log"))) == 1 and list(Path("experiments/pretrain/cfgs/TFBoard/default").iterdir())
    state = load_checkpoint(folder / "ckpt-last.pth")
    assert {"base_model", "optimizer", "epoch", "metrics", "best_metrics"} <= state.keys() and state["epoch"] == 2
    found = metrics(folder)
    assert found["task"] == "pretrain" and found["seed"] == 0 and found["finished"] and found["epochs"] == 3
    assert found["metric"] == "svm_accuracy" and {"mdm", "smc", "loss", "svm_accuracy"} <= found["last"].keys()
    assert found["best"]["svm_accuracy"] >= found["last"]["svm_accuracy"]
    assert found["last"]["svm_total"] == 6 and found["parameters"]["total"] > 0 and found["wall_seconds"] > 0
    assert metrics(run("pretrain", "--opts", "dataset.extra_val=null", exp="unprobed"))["metric"] == "loss"


def test_the_record_tells_when_and_by_which_command(run, monkeypatch):
    began = datetime.now(timezone.utc)
    folder = run("pretrain", "--opts", "max_epoch=1", "save_epochs=[0]")
    first = metrics(folder)
    words = shlex.split(first["command"])
    assert words[:2] == ["python", "main.py"] and words[-3:] == ["--opts", "max_epoch=1", "save_epochs=[0]"]
    dates = [datetime.fromisoformat(first[name]) for name in ("started", "ended")]
    assert began - timedelta(seconds=1) <= dates[0] <= dates[1] <= datetime.now(timezone.utc)
    state = folder / "metrics.json"
    state.write_text(json.dumps(first | {"started": "2026-01-31 12:00:00+00:00", "finished": False}))
    (folder / "ckpt-last.pth").unlink()
    (folder / "ckpt-epoch-000.pth").rename(folder / "ckpt-last.pth")
    run("pretrain", "--resume")
    again = metrics(folder)
    assert again["started"] == "2026-01-31 12:00:00+00:00" and again["ended"] >= first["ended"]
    assert "--resume" in again["command"]


def test_run_can_be_repeated_from_its_snapshot(run):
    first = run("classify", "--scratch_model")
    main.main(["--config", str(first / "config.yaml"), "--scratch_model", "--num_workers", "2"])
    second = Path("experiments/config/default/default")
    one, two = (load_checkpoint(folder / "ckpt-last.pth")["base_model"] for folder in (first, second))
    assert_same(one, two)


def test_pretraining_is_validated_as_asked(run):
    teacher = ROOT / "datasets/demo/teacher"
    texts = (f"model.text_encoder=local-dir:{teacher}", "model.text_dim=64")
    probed = metrics(run("pretrain", "--opts", *texts, "validate=zeroshot", "max_epoch=1"))
    assert probed["metric"] == "zeroshot_accuracy" and probed["best"]["epoch"] == 1
    assert probed["last"]["zeroshot_total"] == 6 and "svm_accuracy" not in probed["last"]
    assert metrics(run("pretrain", "--opts", "validate=none", exp="none"))["metric"] == "loss"
    with pytest.raises(UserError, match="validate: zeroshot needs a text teacher"):
        run("pretrain", "--opts", "validate=zeroshot", exp="wordless")


def test_held_out_losses(run, world, tmp_path, monkeypatch):
    """Terms over shapes that are not trained on: means over shapes, in eval mode, alike whenever they are asked for."""
    lists = tmp_path / "lists"
    lists.mkdir()
    names = [path.name for path in sorted((world / "ShapeNet55-34/shapenet_pc").iterdir())]
    (lists / "train.txt").write_text("\n".join(names[:8]))
    (lists / "test.txt").write_text("\n".join(names[8:]))  # 6: a batch of 4 and one of 2
    base = f"NAME: ShapeNet, DATA_PATH: {lists}, PC_PATH: {world}/ShapeNet55-34/shapenet_pc, images: false"
    base += f", TEXT_PATH: {world}/ShapeNet55-34/shapenet55.json, whole: false"
    section = "dataset.{}={{_base_: {{" + base + "}}, others: {{subset: {}}}}}"
    opts = [section.format("train", "train"), section.format("val", "test"), "held_out=true", "validate=none"]
    losses, evaluate, seen = Pretrain.losses, Pretrain.evaluate, []

    def looked_at(self, model, batch, draw):
        found = losses(self, model, batch, draw)
        if not model.training:
            assert not any(value.requires_grad for value in found.values())
            seen.append((len(batch["category"]), {name: float(value) for name, value in found.items()}))
        return found

    def asked_twice(self, model, epoch=0):
        found = evaluate(self, model, epoch)
        assert evaluate(self, model, epoch) == found
        return found

    monkeypatch.setattr(Pretrain, "losses", looked_at)
    monkeypatch.setattr(Pretrain, "evaluate", asked_twice)
    folder = run("pretrain", "--opts", *opts, "loss_weights.smc=0.5")
    assert [size for size, _ in seen] == [4, 2] * 4  # twice after each of epochs 1 and 2
    last = metrics(folder)["last"]
    for name in ("mdm", "smc"):
        assert last[f"held_out_{name}"] == pytest.approx(sum(size * found[name] for size, found in seen[-2:]) / 6)
    assert last["held_out_loss"] == pytest.approx(last["held_out_mdm"] + 0.5 * last["held_out_smc"])
    rows = read_history(folder)
    assert [row.get("held_out/mdm") is not None for row in rows] == [False, True, True]
    assert rows[-1]["held_out/loss"] == pytest.approx(last["held_out_loss"])
    with pytest.raises(UserError, match="held_out: 8 shapes of dataset.val are in dataset.train, such as 0.*whole"):
        run("pretrain", "--opts", opts[0], section.format("val", "train"), "held_out=true", exp="leak")


def test_svm_of_whole_batches(run, capsys):
    """Twelve training shapes, batches of five: two shapes are left out of the released fit."""
    whole = metrics(run("svm", "--svm", "--opts", "total_bs=5"))["last"]
    assert "drop_last" not in capsys.readouterr().out
    released = metrics(run("svm", "--svm", "--opts", "total_bs=5", "svm={drop_last: true}", exp="released"))["last"]
    assert "fitted to 10 of 12 samples" in capsys.readouterr().out
    assert whole["total"] == released["total"] == 6
    with pytest.raises(UserError, match="12 training samples are less than a batch"):
        run("svm", "--svm", "--opts", "total_bs=13", "svm={drop_last: true}", exp="large")


def test_checkpoints_that_are_kept(run):
    """Where the config does not say which: every 25th epoch of pretraining from 250 on."""
    folder = run("pretrain", "--opts", "save_epochs=null", "max_epoch=1", exp="released")
    assert {path.name for path in folder.glob("*.pth")} == {"ckpt-last.pth", "ckpt-best.pth"}
    task = object.__new__(Pretrain)
    task.run = SimpleNamespace(config=SimpleNamespace(max_epoch=300))
    assert [*task.save_epochs()] == [250, 275, 300]


def test_pretrain_then_everything(run):
    weights = run("pretrain") / "ckpt-last.pth"
    tuned = run("classify", "--finetune_model", "--ckpts", str(weights))
    assert metrics(tuned)["last"]["total"] == 6
    tested = metrics(run("classify", "--test", "--vote", "--ckpts", str(tuned / "ckpt-best.pth")))
    assert tested["last"]["accuracy"] == metrics(tuned)["best"]["accuracy"]
    assert tested["last"]["vote"]["count"] == 3 and tested["last"]["vote"]["std"] >= 0
    assert sum(one["correct"] for one in tested["last"]["class_accuracy"].values()) == tested["last"]["correct"]
    svm = metrics(run("svm", "--svm", "--ckpts", str(weights)))
    assert svm["last"]["total"] == 6 and not svm["random_weights"] and svm["last"]["accuracy"] > 50
    assert metrics(run("svm", "--svm"))["random_weights"]
    more = run("pretrain", "--start_ckpts", str(weights), exp="more")
    assert metrics(more)["finished"]


@pytest.mark.parametrize("kind, freeze_bn", [("linear", False), ("mlp3", True)])
def test_frozen_protocols(run, kind, freeze_bn):
    opts = ["--opts", f"model.type={kind}", f"freeze_bn={str(freeze_bn).lower()}"]
    weights = run("classify", "--scratch_model", *opts, "max_epoch=0") / "ckpt-last.pth"
    folder = run("classify", "--finetune_model", "--ckpts", str(weights), *opts, exp="tuned")
    before, after = (load_checkpoint(p)["base_model"] for p in (weights, folder / "ckpt-last.pth"))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name for name in moved if "cls" in name} >= {"cls_token", "cls_pos"}
    statistics = {name for name in moved if "cls" not in name}
    assert all("running" in name or "num_batches" in name for name in statistics)
    assert bool(statistics) != freeze_bn
    heads = [name for name in before if "cls" in name and "running" not in name and "num_batches" not in name]
    assert metrics(folder)["parameters"]["trainable"] == sum(before[name].numel() for name in heads)


def test_classifier_checks(run, configs):
    with pytest.raises(UserError, match="'model.cls_dim': 3 classes, but the data set has 15"):
        run("classify", "--scratch_model", "--opts", "model.cls_dim=3")
    with pytest.raises(UserError, match="'PointTransformer' is not a model to pretrain"):
        run("classify")
    with pytest.raises(UserError, match="main_split/test_objectdataset.h5 has 96 points, fewer than the 97"):
        run("classify", "--scratch_model", "--opts", "npoints=97")
    with pytest.raises(UserError, match="no section 'dataset.val'"):
        run("classify", "--scratch_model", "--opts", "dataset.val=null")
    with pytest.raises(UserError, match="missing config key 'scheduler'"):
        run("classify", "--scratch_model", "--opts", "scheduler=null")


def test_a_run_that_replaces_another_takes_nothing_from_it(run, monkeypatch):
    """The folder is the earlier run's until the new one has saved; then nothing of the earlier is left."""
    folder = run("classify", "--scratch_model")
    other = run("classify", "--scratch_model", "--seed", "1", exp="other")
    before = contents(folder)

    def killed(*_):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr("tools.engine.loop.Trainer._train_epoch", killed)
        with pytest.raises(RuntimeError):
            run("classify", "--scratch_model", "--seed", "1")
    assert contents(folder) == before
    with pytest.raises(UserError, match="its seed is 0, not 1"):
        run("classify", "--scratch_model", "--seed", "1", "--resume")
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt(patch, Classify, "losses", 0)
        run("classify", "--scratch_model", "--seed", "1")
    assert [path.name for path in folder.glob("*.pth")] == ["ckpt-last.pth"] and metrics(folder)["seed"] == 1
    # Killed as the new run took over: its metrics stand beside the checkpoints of the earlier one.
    for name in ("ckpt-last.pth", "ckpt-best.pth"):
        (folder / name).write_bytes(before[name])
    run("classify", "--scratch_model", "--resume")
    assert metrics(folder)["finished"] and metrics(folder)["seed"] == 1
    assert_same(*(load_checkpoint(path / "ckpt-last.pth")["base_model"] for path in (folder, other)))
