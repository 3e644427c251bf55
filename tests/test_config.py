"""YAML, bases, overrides and typed checking."""

import os

import pytest
import yaml

from tools.engine.config import RunConfig, run_config_class
from utils.config import load_config, parse
from utils.errors import UserError

GOOD = {
    "model": {"NAME": "ReCon"},
    "dataset": {"train": {"_base_": {"NAME": "ShapeNet"}, "others": {"subset": "train"}}},
    "npoints": 64,
    "total_bs": 4,
    "optimizer": {"type": "AdamW", "kwargs": {"lr": 0.001}},
    "scheduler": {"type": "CosLR", "kwargs": {"epochs": 3}},
}


def write(path, content) -> str:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def load(tmp_path, *opts, **over) -> RunConfig:
    return parse(run_config_class(), load_config(write(tmp_path / "run.yaml", GOOD | over), opts), "")


def test_defaults_and_nesting(tmp_path):
    config = load(tmp_path)
    assert config.optimizer.kwargs.weight_decay == 0.05 and config.scheduler.kwargs.released_lag is True
    assert config.vote.rounds == 299 and config.zeroshot.splits == ["test"] and config.grad_norm_clip is None
    assert config.dataset.val is None and config.dataset.train["_base_"]["NAME"] == "ShapeNet"


def test_opts_override_with_types(tmp_path):
    opts = ("optimizer.kwargs.lr=5e-4", "save_epochs=[1, 2]", "data_root=data/demo", "vote.rounds=2", "model.depth=3")
    with pytest.raises(UserError, match="has no section 'vote'"):
        load(tmp_path, *opts)
    config = load(tmp_path, *opts, vote={"samples": 1})
    assert config.optimizer.kwargs.lr == 5e-4 and config.save_epochs == [1, 2] and config.data_root == "data/demo"
    assert config.vote.rounds == 2 and config.model["depth"] == 3


def test_keys_of_tasks_stand_in_their_sections_or_at_the_top_level(tmp_path):
    flat = {"validate": "svm", "held_out": True, "freeze_bn": True, "prompt_names": "plain"}
    nested = {
        "pretrain": {"validate": "svm", "held_out": True},
        "classify": {"freeze_bn": True},
        "prompts": {"prompt_names": "plain"},
    }
    expected = vars(load(tmp_path, **nested))
    assert vars(load(tmp_path, **flat)) == expected != vars(load(tmp_path))
    opts = [f"{key}={yaml.safe_dump(value).split()[0]}" for key, value in flat.items()]
    assert vars(load(tmp_path, *opts)) == expected
    with pytest.raises(UserError, match="'freeze_bn' and 'classify.freeze_bn' are the same one"):
        load(tmp_path, **flat, classify={"freeze_bn": False})
    with pytest.raises(UserError, match=r"unknown config key 'validat' \(did you mean 'validate'"):
        load(tmp_path, validat="svm")


@pytest.mark.parametrize(
    "over, message",
    [
        ({"npoitns": 3}, r"unknown config key 'npoitns' \(did you mean 'npoints'\?\)"),
        ({"optimizer": {"kwargs": {"lr": 0.1, "weight_deacy": 0}}}, "'optimizer.kwargs.weight_deacy'.*'weight_decay'"),
        ({"optimizer": {"type": "LAMB", "kwargs": {"lr": 0.1}}}, "'optimizer.type' must be one of .*'SGD', got 'LAMB'"),
        ({"optimizer": {"type": "Adam", "kwargs": {"lr": 0.1, "momentum": 0.9}}}, "unknown config.*momentum"),
        ({"optimizer": {"type": "SGD", "kwargs": {"lr": 0.1, "momentum": 2}}}, "momentum must be between 0 and 1"),
        ({"optimizer": {"kwargs": 3}}, "'optimizer.kwargs' must be a mapping"),
        ({"scheduler": {"type": "StepLR", "kwargs": {}}}, "missing config key 'scheduler.kwargs.step_size'"),
        ({"scheduler": {"type": "CosLR"}}, "missing config key 'scheduler.kwargs.epochs'"),
        ({"accumulation": "median"}, "'accumulation' must be one of 'sum', 'mean'"),
        ({"validate": "knn"}, "'validate' must be one of"),
        ({"optimizer": {"kwargs": {}}}, "missing config key 'optimizer.kwargs.lr'"),
        ({"optimizer": {"kwargs": {"lr": -0.1}}}, "'optimizer.kwargs': lr must be above 0"),
        ({"npoints": "many"}, "'npoints' must be a whole number, got 'many'"),
        ({"npoints": True}, "'npoints' must be a whole number"),
        ({"npoints": 0}, "'npoints' must be at least 1"),
        ({"grad_norm_clip": -1}, "'grad_norm_clip' must be positive"),
        ({"freeze_bn": "yes please"}, "'freeze_bn' must be true or false"),
        ({"dataset": [1]}, "'dataset' must be a mapping"),
        ({"augment": "rotat"}, r"'augment': unknown 'rotat' \(did you mean 'rotate'\?\)"),
        ({"save_epochs": 3}, "'save_epochs' must be a list"),
        ({"zeroshot": {"splits": ["tset"]}}, "'zeroshot.splits\\[0\\]' must be one of"),
        ({"vote": {"rounds": 0}}, "'vote'.*at least 1"),
        ({"svm": {"C": 0}}, "'svm': C must be positive"),
        ({"loss_weights": {"smc": -1}}, "'loss_weights': smc must be at least 0"),
        ({"loss_weights": {"msc": 1}}, r"unknown config key 'loss_weights.msc' \(did you mean"),
    ],
)
def test_wrong_values(tmp_path, over, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, **over)


def test_missing_key(tmp_path):
    path = write(tmp_path / "run.yaml", {key: value for key, value in GOOD.items() if key != "total_bs"})
    with pytest.raises(UserError, match="missing config key 'total_bs'"):
        parse(run_config_class(), load_config(path), "")


@pytest.mark.parametrize("entry", ["npoints", "=3", "npoints=[1", "npoints=2024-99-99"])
def test_malformed_opts(tmp_path, entry):
    with pytest.raises(UserError, match="--opts"):
        load(tmp_path, entry)


def test_bases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "base.yaml", {"a": {"x": 1, "y": 2}, "b": 1})
    write(tmp_path / "data.yaml", {"NAME": "ShapeNet"})
    over = {"_base_": "base.yaml", "a": {"y": 3}, "d": {"_base_": "data.yaml", "others": {}}}
    merged = {"a": {"x": 1, "y": 3}, "b": 1, "d": {"_base_": {"NAME": "ShapeNet"}, "others": {}}}
    assert load_config(write(tmp_path / "run.yaml", over)) == merged


def test_delete_keeps_nothing_of_the_base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "one.yaml", {"a": {"x": 1, "deep": {"y": 1}}, "b": 1})
    write(tmp_path / "two.yaml", {"_base_": "one.yaml", "a": {"_delete_": True, "z": 2, "deep": {"y": 2}}})
    assert load_config(tmp_path / "two.yaml") == {"a": {"z": 2, "deep": {"y": 2}}, "b": 1}
    path = write(tmp_path / "run.yaml", {"_base_": "two.yaml", "a": {"x": 3}, "c": {"_delete_": True, "n": 1}})
    assert load_config(path) == {"a": {"z": 2, "deep": {"y": 2}, "x": 3}, "b": 1, "c": {"n": 1}}


def test_overriding_one_use_of_an_anchor_leaves_the_others(tmp_path):
    path = write(tmp_path / "run.yaml", "a: {_base_: &data {NAME: one}}\nb: {_base_: *data}")
    config = load_config(path, ["a._base_.NAME=two"])
    assert config == {"a": {"_base_": {"NAME": "two"}}, "b": {"_base_": {"NAME": "one"}}}


@pytest.mark.parametrize(
    "content, message",
    [
        ({"_base_": "nowhere.yaml"}, "_base_: base file not found: nowhere.yaml"),
        ({"_base_": "run.yaml"}, "run.yaml includes itself"),
        ({"dataset": {"_base_": 3}}, "dataset._base_ must name a file, got 3"),
        ({"dataset": {"train": {"_base_": "nowhere.yaml"}}}, "dataset.train._base_: base file not found"),
        ("a: [1", "not valid YAML"),
        ("a: 2024-99-99", "not valid YAML"),
        ("- 1", "must hold a mapping"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_bad_files(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        load_config(write(tmp_path / "run.yaml", content))
    assert "\n" not in str(caught.value)


def test_missing_file():
    with pytest.raises(UserError, match="config file not found: nowhere.yaml"):
        load_config("nowhere.yaml")


def test_a_base_named_again_takes_the_place_of_the_inherited_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "one.yaml": "{NAME: One, PATH: here}",
        "root.yaml": "{NAME: Two, ROOT: there}",
        "two.yaml": "{_base_: root.yaml, MORE: 1}",
        "old.yaml": "dataset: {train: {_base_: one.yaml, others: {subset: train}}}",
        "new.yaml": "{_base_: old.yaml, dataset: {train: {_base_: two.yaml}}}",
    }.items():
        (tmp_path / name).write_text(text)
    train = load_config("new.yaml")["dataset"]["train"]
    assert train == {"_base_": {"NAME": "Two", "ROOT": "there", "MORE": 1}, "others": {"subset": "train"}}


BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))])


@pytest.mark.parametrize(
    "content, message",
    [
        ("a: !!int ''", "not valid YAML"),
        ("a: !!bool x", "not valid YAML"),
        ("a: !!float x", "not valid YAML"),
        ("a: !!timestamp x", "not valid YAML"),
        ("a: !!set {x}", "not valid YAML"),
        ("a: &a [*a]", "an alias stands within what it stands for"),
        ("a: &a {b: {c: *a}}", "an alias stands within what it stands for"),
        ("a: " + "[" * 100 + "]" * 100, "nested more than 40 deep"),
        ("{" * 100_000, "nested more than 40 deep"),
        ("- " * 5000, "nested more than 40 deep"),
        (BOMB, "more than 50000 values"),
        (BOMB.replace("[", "{<<: [").replace("]", "]}").replace("[x, x]", "{x: 1, y: 2}"), "not valid YAML"),
        ("a: " + "1" * 5000, "not valid YAML"),
        ("a: 1\n" + "#" * 300_000, "more than 262144 bytes"),
        ({"_base_": "x" * 5000}, "base file not found: xxx"),
        ({"_base_": "a\0b"}, "base file not found: a\\\\x00b"),
        ({"_base_": "/dev/zero"}, "base file not found"),
        ({"npoints": "\x1b[2J" * 1000}, "must be a whole number"),
    ],
)
def test_hostile_files(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    content = GOOD | content if isinstance(content, dict) else content
    with pytest.raises(UserError, match=message) as caught:
        parse(run_config_class(), load_config(write(tmp_path / "run.yaml", content)), "")
    assert len(str(caught.value)) <= 800 and str(caught.value).isprintable()


def test_too_many_bases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(1200):
        write(tmp_path / f"{i}.yaml", {"_base_": f"{i + 1}.yaml"})
    with pytest.raises(UserError, match="one base file too many, at most 100"):
        load_config("0.yaml")
    for i in range(10):  # 10 ** 10 of them
        write(tmp_path / f"{i}.yaml", {f"k{j}": {"_base_": f"{i + 1}.yaml"} for j in range(10)})
    write(tmp_path / "10.yaml", {"a": 1})
    with pytest.raises(UserError, match="one base file too many"):
        load_config("0.yaml")


def test_opts_are_parsed_as_safely(tmp_path):
    for value in ("!!int ''", "&a [*a]", "[" * 5000):
        with pytest.raises(UserError, match="is not a YAML value"):
            load(tmp_path, f"npoints={value}")


def test_a_config_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "run.yaml")
    with pytest.raises(UserError, match="not a regular file"):
        load_config(tmp_path / "run.yaml")
    with pytest.raises(UserError, match="is a folder"):
        load_config(tmp_path)
