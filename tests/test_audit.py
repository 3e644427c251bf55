"""The protocol audit: what it runs, what it makes of the numbers, and how it goes on; and the validation part."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from datasets import PointDataset
from tools import audit
from tools.engine.holdout import Part, split_indices
from tools.paper.runs import PlannedRun
from utils.checkpoint import load_checkpoint
from utils.errors import UserError

ROOT = Path(__file__).parents[1]
TEACHER = f"model.text_encoder=local-dir:{ROOT}/datasets/demo/teacher"


@pytest.fixture
def command(configs, run, monkeypatch) -> list[str]:
    """An audit of a checkpoint on the tiny world, as short as it can be."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    weights = run("pretrain", "--opts", "max_epoch=0", TEACHER, "model.text_dim=64", exp="first") / "ckpt-last.pth"
    words = ["--config", str(configs["classify"]), "--ckpts", str(weights), "--seeds", "1", "--rounds", "12"]
    words += ["--val_share", "0.3", "--gpus", "cpu", "--jobs", "1", "--opts", "vote.samples=1"]
    zero = ["--zeroshot", str(configs["zeroshot"]), "--zeroshot_opts", TEACHER]
    return [*words, *zero, "model.text_dim=64", "model.type=text"]


def test_audit(command, capsys):
    audit.main(command)
    printed = capsys.readouterr().out
    stem = Path("experiments/audit/classify/audit")
    content = json.loads(stem.with_suffix(".json").read_text())
    found = content["checkpoints"]["first"]
    by_name = {record["habit"]: record for record in found}
    for record in found:
        assert record["habit"] in printed and record["habit"] in stem.with_suffix(".md").read_text()
        assert len(record["by_seed"]) == 1 and 0 <= record["accuracy"] <= 100
    home = Path("experiments/classify/cfgs")
    whole = json.loads((home / "audit-first-seed0/metrics.json").read_text())
    last, best = (by_name[f"{name}"] for name in ("last epoch", "epoch chosen on the test data"))
    assert last["honest"] and last["accuracy"] == whole["last"]["accuracy"] and last["difference"] is None
    assert best["accuracy"] == whole["best"]["accuracy"]
    assert best["difference"] == pytest.approx(best["accuracy"] - last["accuracy"]) and best["difference"] >= 0

    # The epoch is chosen on 4 of the 14 training clouds, the model tested on the test set.
    part = json.loads((home / "audit-first-part-seed0/metrics.json").read_text())
    tested = json.loads((home / "test_audit-first-part-seed0/metrics.json").read_text())
    assert part["last"]["total"] == 4 and tested["last"]["total"] == whole["last"]["total"] == 6
    chosen = by_name["epoch chosen on 30 % of the training data, held out"]
    assert chosen["accuracy"] == tested["last"]["accuracy"]

    # Votes are those of the last weights.
    votes = json.loads((home / "test_audit-first-last-seed0/metrics.json").read_text())
    weights = (home / "audit-first-seed0/ckpt-last.pth").read_bytes()
    assert votes["weights"] == hashlib.sha256(weights).hexdigest()
    rounds = votes["last"]["vote"]["rounds"]
    assert len(rounds) == 12 and votes["last"]["accuracy"] == whole["last"]["accuracy"]
    assert by_name["voting, best of 10 rounds"]["accuracy"] == max(rounds[:10])
    assert by_name["voting, best of 12 rounds"]["accuracy"] == max(rounds)
    assert by_name["voting, mean of 12 rounds"]["accuracy"] == pytest.approx(sum(rounds) / 12)

    zero = json.loads(Path("experiments/zeroshot/cfgs/audit-first-seed0/metrics.json").read_text())["last"]
    assert by_name["zero-shot, test shapes"]["accuracy"] == zero["split_accuracy"]["test"]["accuracy"]
    both = by_name["zero-shot, training and test shapes"]
    assert both["accuracy"] == zero["accuracy"]
    assert both["difference"] == pytest.approx(zero["accuracy"] - zero["split_accuracy"]["test"]["accuracy"])

    made = {path: path.stat().st_mtime_ns for path in Path("experiments").rglob("metrics.json")}
    audit.main(command)  # all is done
    assert "6 runs, 6 done" in capsys.readouterr().out
    assert made == {path: path.stat().st_mtime_ns for path in Path("experiments").rglob("metrics.json")}


def test_an_interrupted_audit_tells_what_it_has(command, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "run_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        audit.main(command)
    assert not Path("experiments/audit").exists()
    accuracies = [40.0, 60.0]

    def result(run):
        if run.task == "finetune" and "part" not in run.name:
            return {"last": {"accuracy": accuracies[run.seed]}, "best": {"accuracy": accuracies[run.seed] + 5}}

    monkeypatch.setattr(PlannedRun, "result", result)
    with pytest.raises(KeyboardInterrupt):
        audit.main([*command, "--seeds", "3"][:-1] + ["2"])
    path = Path("experiments/audit/classify/audit.json")
    found = {one["habit"]: one for one in json.loads(path.read_text())["checkpoints"]["first"]}
    assert (found["last epoch"]["accuracy"], found["last epoch"]["std"]) == (50.0, 10.0)
    assert found["epoch chosen on the test data"]["difference"] == 5
    assert (found["best of 2 seeds"]["accuracy"], found["best of 2 seeds"]["difference"]) == (60.0, 10.0)
    assert found["voting, mean of 12 rounds"]["accuracy"] is None
    table = path.with_suffix(".md").read_text()
    assert "| last epoch | 50.0 +- 10.0 | honest |" in table and "| voting, mean of 12 rounds | - |  |" in table


def test_plan_runs_nothing(command, capsys, monkeypatch):
    monkeypatch.setattr(audit, "run_all", None)
    audit.main([*command, "--plan", "--ckpts", "none", "--seeds", "2"])
    printed = capsys.readouterr().out
    assert printed.startswith("10 runs, 0 done") and "audit-none-seed1" in printed and "zeroshot/" not in printed
    assert not Path("experiments/classify").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (["--ckpts", "gone.pth"], "checkpoint not found: gone.pth"),
        (["--ckpts", "dmeo"], "did you mean 'demo'"),
        (["--val_share", "1"], "--val_share must be between 0 and 1, got 1"),
        (["--opts", "no_such_key=1"], "unknown config key 'no_such_key'"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_user_errors(command, words, message):
    with pytest.raises(UserError, match=message):
        audit.main([*command, *words])


def test_checkpoints_of_one_name(tmp_path):
    for folder in "ab":
        (tmp_path / folder / "same").mkdir(parents=True)
        (tmp_path / folder / "same/ckpt-last.pth").touch()
    with pytest.raises(UserError, match="runs of one name, 'same'"):
        audit.name_checkpoints([str(tmp_path / folder / "same/ckpt-last.pth") for folder in "ab"])


class Numbers(PointDataset):
    """40 samples of two classes, whose images are given as features or not at all."""

    def __init__(self):
        super().__init__()
        self.class_names, self.labels = ["a", "b"], [0] * 30 + [1] * 10
        self.files, self.features = [f"file {index}" for index in range(40)], None

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = {} if self.features is None else {"image": self.features[index]}
        return {"points": torch.zeros(1, 3), "label": index} | image

    def epoch_order(self, epoch):
        return torch.randperm(len(self), generator=torch.Generator().manual_seed(epoch))

    def image_key(self):
        return "images"

    def use_features(self, features):
        self.features = features


def test_parts_of_every_class():
    kept, held = split_indices(Numbers(), 0.2, 3)
    assert sorted([*kept, *held]) == list(range(40)) and [sum(i < 30 for i in held), len(held)] == [6, 8]
    assert split_indices(Numbers(), 0.2, 3) == (kept, held) and split_indices(Numbers(), 0.2, 4)[1] != held
    few = Numbers()
    few.labels = [label for label in range(15) for _ in range(3)]  # 0.3 of each
    assert len({few.labels[i] for i in split_indices(few, 0.1, 0)[1]}) == 5
    for share in (0.001, 0.999):
        with pytest.raises(UserError, match="leaves one part empty"):
            split_indices(Numbers(), share, 0)


def test_a_part_is_what_it_is_a_part_of():
    whole, (kept, held) = Numbers(), split_indices(Numbers(), 0.2, 3)
    part, rest = Part(whole, held), Part(Numbers(), kept)
    assert [part[i]["label"] for i in range(len(part))] == held and part.class_names == ["a", "b"]
    assert part.labels.tolist() == [whole.labels[i] for i in held] and part.files == [whole.files[i] for i in held]
    assert [part.name(i) for i in range(len(part))] == part.files
    part.set_epoch(3)
    assert part.epoch == whole.epoch == 3
    order = part.epoch_order(1)
    assert [held[i] for i in order] == [i for i in whole.epoch_order(1).tolist() if i in held]
    # Images of a part have a key of their own, and features in its order.
    assert len({whole.image_key(), part.image_key(), rest.image_key()}) == 3
    assert Part(whole, held).image_key() == part.image_key() and Part(whole, held).pack_key() != rest.pack_key()
    part.use_features(torch.arange(len(held))[:, None].float())
    assert [part[i]["image"].item() for i in range(len(part))] == list(range(len(part)))
    whole.image_key = whole.epoch_order = lambda *_: None
    assert part.image_key() is None and part.epoch_order(0) is None


@pytest.mark.parametrize("name", [name for name in vars(PointDataset) if not name.startswith("_")])
def test_a_part_drops_nothing(name):
    """Whatever data sets say of themselves, a part says as well, or it is the same for all, or told by class."""
    by_class = {"AUGMENT", "VOTE_AUGMENT", "RELEASED_SPELLING", "SUBSETS", "PUBLISHED", "Config", "LAYOUT", "SOURCE"}
    on_top_of_others = {"STAND_IN", "hint", "look", "held", "normalize", "epoch"}
    part = Part(Numbers(), [0, 1])
    assert name in vars(Part) or name in vars(part) or name in by_class | on_top_of_others


def test_copies_of_an_object_stay_together():
    data = Numbers()
    data.objects = np.arange(40) // 5 * 7 % 31  # 8 objects of 5 copies
    for seed in range(5):
        kept, held = split_indices(data, 0.3, seed)
        assert not {*data.objects[kept]} & {*data.objects[held]} and len(held) == 10
    data.objects, data.copies = None, True  # not told which: those that follow each other
    starts = set()
    for seed in range(5):
        held = split_indices(data, 0.3, seed)[1]
        assert np.diff(held).tolist().count(1) >= 10 and [sum(i < 30 for i in held), len(held)] == [9, 12]
        starts.add(held[0])
    assert len(starts) > 1


def test_training_on_a_part_resumes_exactly(run):
    words = ["--scratch_model", "--opts", "val_share=0.3", "save_epochs=[0]"]
    folder = run("classify", *words)
    whole = load_checkpoint(folder / "ckpt-last.pth")
    (folder / "ckpt-last.pth").unlink()
    (folder / "ckpt-epoch-000.pth").rename(folder / "ckpt-last.pth")
    run("classify", *words, "--resume")
    again = load_checkpoint(folder / "ckpt-last.pth")
    assert all(torch.equal(again["base_model"][name], value) for name, value in whole["base_model"].items())
    assert again["metrics"] == whole["metrics"] and whole["metrics"]["total"] == 4
    with pytest.raises(UserError, match="'val_share' is for pretraining with held_out"):
        run("pretrain", "--opts", "val_share=0.3")
    part = json.loads((run("pretrain", "--opts", "val_share=0.3", "held_out=true") / "metrics.json").read_text())
    assert {"held_out_loss", "held_out_mdm"} <= set(part["last"])
    with pytest.raises(UserError, match="must be at least 0 and less than 1"):
        run("classify", "--scratch_model", "--opts", "val_share=1")


def test_only_classifiers_and_models_that_read_texts(command, configs):
    with pytest.raises(UserError, match="its model does not classify"):
        audit.main([*command, "--opts", "npoints=32", "--config", str(configs["pretrain"])])
    with pytest.raises(UserError, match="its model does not compare with texts"):
        audit.main([*command, "--zeroshot_opts", "npoints=32", "--zeroshot", str(configs["svm"])])


def test_differences_are_of_the_same_seeds():
    """Seeds differ by more than habits do."""

    def runs(*accuracies):
        results = [None if found is None else {"accuracy": found} for found in accuracies]
        return tuple(SimpleNamespace(seed=seed, result=lambda found=found: found) for seed, found in enumerate(results))

    def difference(*accuracies):
        habits = [
            audit.Habit("last", runs(40.0, 60.0, 80.0), lambda found: found["accuracy"], honest=True),
            audit.Habit("other", runs(*accuracies), lambda found: found["accuracy"]),
        ]
        return audit.habit_records(habits)[1]["difference"]

    assert difference(41.0, 61.0, 81.0) == pytest.approx(1)
    assert difference(None, None, 80.0) is None and difference(None, None, None) is None
