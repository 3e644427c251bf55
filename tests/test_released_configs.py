"""Released YAML files, written out from their recording, are accepted and mean what they meant."""

import dataclasses
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import main
from datasets import dataset_class
from datasets.build import parse_section
from datasets.point_transforms import AUGMENTATIONS
from models import parse_model_config
from models.shape import EncoderShape
from tools.engine.config import RunConfig, parse_run_config, read_config
from tools.engine.data import own_augmentation
from tools.engine.task import FINETUNE
from tools.tasks.pretrain import Pretrain
from utils.config import read_yaml
from utils.errors import UserError

GOLDEN = Path(__file__).parent / "golden/pipeline"
FILES = json.loads((GOLDEN / "yaml_keys.json").read_text())["files"]
AUGMENTED = json.loads((GOLDEN / "augment_by_runner.json").read_text())
DATA = {name: values for name, values in FILES.items() if "dataset_configs" in name}
RUNS = sorted({*FILES} - {*DATA})


def nested(flat: Mapping) -> dict:
    """Dotted keys to mappings in mappings."""
    content = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        node = content
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value
    return content


SHAPE_KEYS = {field.name for field in dataclasses.fields(EncoderShape)}


@pytest.fixture
def released(tmp_path, monkeypatch):
    """The folder of released configs, as it was: data sets of a config are named by their files."""
    monkeypatch.chdir(tmp_path)
    for name, flat in FILES.items():
        content = nested(flat)
        for section in content.get("dataset", {}).values():
            section["_base_"] = next(path for path, values in DATA.items() if values == section["_base_"])
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    return tmp_path


def as_run(config: RunConfig) -> SimpleNamespace:
    """As much of a run as its settings ask for."""
    return SimpleNamespace(config=config, mode=FINETUNE, log=logging.getLogger(__name__))


def test_there_are_36():
    assert len(FILES) == 36 and len(RUNS) == 29


@pytest.mark.parametrize("name", RUNS)
def test_released_config_is_accepted(released, name):
    fold = (5, 10, 0) if "fewshot" in name else None
    config = parse_run_config(read_config(name, [], fold))
    flat = FILES[name]
    for key in ("npoints", "total_bs", "max_epoch", "step_per_update", "grad_norm_clip"):
        assert key not in flat or getattr(config, key) == flat[key], key
    if "optimizer.kwargs.lr" in flat:
        assert config.optimizer.kwargs.lr == float(flat["optimizer.kwargs.lr"]) and config.optimizer.type == "AdamW"
        assert config.optimizer.kwargs.weight_decay == flat["optimizer.kwargs.weight_decay"]
        assert config.scheduler.kwargs.epochs == flat["scheduler.kwargs.epochs"]
        assert config.scheduler.kwargs.initial_epochs == 10 and config.scheduler.kwargs.released_lag
    _, model = parse_model_config(config.model)
    for key in (key for key in flat if key.startswith("model.")):
        *parents, last = key.split(".")[1:]
        owner = getattr(model, parents[0]) if parents else model
        owner = model.encoder if last in SHAPE_KEYS else owner
        assert getattr(owner, last) == flat[key], key
    for section in ("train", "val", "test"):
        values = getattr(config.dataset, section)
        data = dataset_class(values, section)
        merged = {k: v for k, v in {**values["_base_"], **values["others"]}.items() if k != "NAME"}
        parsed = parse_section(data.Config, merged, "elsewhere", section)
        assert all(getattr(parsed, k) == v for k, v in merged.items() if not k.endswith(("PATH", "ROOT")))
        assert parsed.subset == ("train" if section == "train" else "test")


@pytest.mark.parametrize("name", [name for name in RUNS if name.split("/")[1] in ("full", "linear", "mlp3")])
def test_classification_is_augmented_and_votes_as_released(released, name):
    config = parse_run_config(read_config(name, [], None))
    expected = AUGMENTED["classification"][FILES[name]["dataset.train._base_.NAME"]]
    assert own_augmentation(as_run(config), config.augment) is AUGMENTATIONS[expected["train"]]
    voted = own_augmentation(as_run(config), config.vote.augment, "VOTE_AUGMENT")
    assert voted is AUGMENTATIONS[expected["test_voting"]]
    assert (config.vote.rounds, config.vote.samples) == (299, 10)
    assert config.val_from == 1 and config.accumulation == "sum" and not config.classify.freeze_bn


@pytest.mark.parametrize("name", [name for name in RUNS if "pretrain" in name])
def test_pretraining_reads_all_shapes_and_keeps_three_epochs(released, name):
    config = parse_run_config(read_config(name, []))
    task = Pretrain(as_run(config))
    augment = own_augmentation(as_run(config), config.augment)
    assert config.augment is None and augment is AUGMENTATIONS[AUGMENTED["pretraining"]["train"]]
    train = config.dataset.train
    merged = {key: value for key, value in {**train["_base_"], **train["others"]}.items() if key != "NAME"}
    parsed = parse_section(dataset_class(train, "train").Config, merged, "data", "dataset.train")
    assert parsed.whole and parsed.images and parsed.bgr and parsed.image_augment
    assert (parsed.image_size, parsed.image_norm) == (224, "imagenet")
    assert config.save_epochs is None and [*task.save_epochs()] == [250, 275, 300]
    assert task.metric == "loss" and config.prompts.prompt_names == "released"


def test_overrides_of_sections_that_released_files_do_not_hold(released):
    config = parse_run_config(read_config("cfgs/zeroshot/scan_objbg.yaml", ["zeroshot.released_typo=true", "svm.C=1"]))
    assert config.zeroshot.released_typo and config.zeroshot.random_columns and config.svm.C == 1
    with pytest.raises(UserError, match="has no section 'zerosht'"):
        read_config("cfgs/zeroshot/scan_objbg.yaml", ["zerosht.released_typo=true"])


@pytest.mark.parametrize("validate", ["svm", "zeroshot"])
def test_pretraining_is_validated_on_the_released_data(released, monkeypatch, validate):
    asked = []
    monkeypatch.setattr("tools.tasks.pretrain.open_dataset", lambda run, section: asked.append(section))
    config = parse_run_config(read_config("cfgs/pretrain/base.yaml", [f"validate={validate}"]))
    assert Pretrain(as_run(config)).metric == f"{validate}_accuracy"
    assert asked == (["extra_train", "extra_val"] if validate == "svm" else ["extra_val"])
    assert config.dataset.extra_val["_base_"]["NUM_CATEGORY"] == 40
    assert config.dataset.extra_val["others"]["subset"] == "test"


@pytest.mark.parametrize("name", [name for name in RUNS if "zeroshot" in name])
def test_zero_shot_samples_and_names_as_released(released, name):
    config = parse_run_config(read_config(name, []))
    assert config.zeroshot.random_columns and config.zeroshot.ensemble and config.prompts.prompt_names == "released"
    assert config.zeroshot.splits == ["test"] and config.svm.C == 0.075


SHAPE = {"trans_dim": 16, "encoder_dims": 16, "depth": 1, "num_heads": 2}
PATCHES = ["model.num_group=8", "model.group_size=4", "npoints=64", "total_bs=4"]
DOWNSTREAM = [f"model.{key}={value}" for key, value in SHAPE.items()] + PATCHES
SHORT = ["max_epoch=1", "scheduler.kwargs.epochs=2", "scheduler.kwargs.initial_epochs=0"]
FOLD = ["--way", "3", "--shot", "2", "--fold", "1"]
FEW = [f"dataset.{section}._base_.N_POINTS=96" for section in ("train", "val", "test")]


@pytest.mark.parametrize(
    "name, flags, opts, said",
    [
        ("full/finetune_scan_objbg", ["--finetune_model"], SHORT, "augmentation by the data set .*: rotate"),
        ("full/finetune_modelnet", ["--scratch_model"], SHORT + FEW, "augmentation by .*: scale_translate"),
        ("linear/finetune_scan_objbg", ["--scratch_model"], SHORT, "epoch 1/1 .*accuracy"),
        ("mlp3/fewshot", ["--finetune_model", *FOLD], SHORT, "epoch 1/1 .*accuracy"),
        ("svm/modelnet40", ["--svm"], [*FEW, "svm.drop_last=true"], "fitted to 12 of 12 samples"),
        ("zeroshot/modelnet40", ["--zeroshot"], [*FEW, "zeroshot.splits=[train, test]"], "zero-shot on train . test"),
    ],
)
def test_released_config_runs(released, world, capsys, name, flags, opts, said):
    """Through main.py, with a small model on a few shapes."""
    small = list(DOWNSTREAM) + [f"data_root={world}"]
    if name.startswith("zeroshot"):
        small += [f"model.text_encoder=local-dir:{Path(__file__).parent.parent / 'datasets/demo/teacher'}"]
    main.main(["--config", f"cfgs/{name}.yaml", "--num_workers", "0", *flags, "--opts", *small, *opts])
    assert re.search(said, capsys.readouterr().out)


def test_released_pretraining_runs(released, world, capsys):
    name, config = "cfgs/pretrain/base.yaml", read_yaml("cfgs/pretrain/base.yaml")
    assert "whole" not in config["dataset"]["train"]["others"]
    shape = [f"model.transformer_config.{key}={value}" for key, value in SHAPE.items()]
    shape += ["model.transformer_config.decoder_depth=1", "model.transformer_config.decoder_num_heads=2"]
    opts = [*shape, *PATCHES, *SHORT, f"data_root={world}", "dataset.train.others.images=false"]
    opts += ["dataset.train.others.npoints=64", "model.img_encoder=", "model.text_encoder="]
    main.main(["--config", name, "--num_workers", "0", "--opts", *opts])
    printed = capsys.readouterr().out
    assert "15 samples" in printed and "augmentation by the data set of dataset.train: rotate" in printed
