"""The synthetic world without files: endless, the same for every worker and process, and what pretraining needs."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets import build_dataset, collate
from datasets.demo.shapes import CATEGORIES, VARIANTS
from datasets.synthetic_world import GROUPS, SyntheticWorld, SyntheticWorldConfig, family_names, resolve
from tools.engine.data import Batches, Loader
from utils.config import load_config
from utils.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
BASE = {"NAME": "SyntheticWorld", "N_POINTS": 64, "image_size": 16, "length": 40}


def build(seed: int = 0, **keys) -> SyntheticWorld:
    data = build_dataset({"_base_": BASE, "others": {"subset": "train", **keys}}, "", "train", seed)
    assert isinstance(data, SyntheticWorld)
    return data


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(value, other[key]) if isinstance(value, torch.Tensor) else value == other[key]
        for key, value in one.items()
    )


def test_samples():
    data = build(categories=["demo"])
    assert len(data) == 40 and data.class_names == GROUPS["demo"] and len(data.class_names) == 35
    batch = data.finish(collate([data[index] for index in range(40)]))
    assert batch["points"].shape == (40, 64, 3) and batch["points"].dtype == torch.float32
    assert batch["points"].norm(dim=-1).max() < 1 + 1e-5
    assert batch["image"].shape == (40, 3, 16, 16) and batch["image"].dtype == torch.float32
    assert batch["label"].tolist() == [index % 35 for index in range(40)]
    assert batch["text"] == [data.class_names[label] for label in batch["label"]]
    assert "image" not in build(images=False)[0]


def test_an_epoch_has_shapes_of_its_own_unless_it_shall_not():
    fresh, fixed, test = build(), build(fresh=False), build(subset="test")
    first = [data[3] for data in (fresh, fixed, test)]
    assert torch.equal(first[0]["points"], first[1]["points"])  # epoch 0 is the same
    assert not torch.equal(first[0]["points"], first[2]["points"])  # held-out shapes are others
    for data in (fresh, fixed, test):
        data.set_epoch(1)
    second = [data[3] for data in (fresh, fixed, test)]
    assert not torch.equal(first[0]["points"], second[0]["points"])
    assert not torch.equal(first[0]["image"], second[0]["image"])
    assert same(first[1], second[1]) and same(first[2], second[2])


def test_streams_of_seeds_never_meet():
    """Of train and test, epochs, indices, owners and seeds."""
    drawn = set()
    for seed, subset, epochs in ((0, "train", 3), (1, "train", 3), (0, "test", 1)):
        data = build(seed, subset=subset)
        for epoch in range(epochs):
            data.set_epoch(epoch)
            for owner in ("shape", "cloud", "view"):
                drawn |= {int(data._rng(owner, index).integers(1 << 62)) for index in range(50)}
    assert len(drawn) == 7 * 3 * 50


def test_seeds():
    one, other = build(0), build(1)
    assert not torch.equal(one[0]["points"], other[0]["points"])
    one, other = (build(seed, world_seed=5)[0] for seed in (0, 1))
    assert same(one, other)
    one, other = (build(seed, subset="test")[0] for seed in (0, 1))
    assert same(one, other)  # what is tested on does not depend on the run


def loaded(data: SyntheticWorld, epoch: int, start: int, workers: int) -> list[dict]:
    batches = Batches(len(data), 8, True, data.seed, data.epoch_order)
    batches.seek(epoch, start)
    data.set_epoch(epoch)
    return list(Loader(data, batches, num_workers=workers, collate_fn=collate))


@pytest.mark.parametrize("augment", [False, True])
def test_workers_and_resuming_give_the_same_batches(augment):
    data = build(image_augment=augment)
    whole = loaded(data, 2, 0, 0)
    assert len(whole) == 5
    for workers, start in ((0, 2), (1, 0), (2, 3)):
        got = loaded(build(image_augment=augment), 2, start, workers)
        assert len(got) == 5 - start and all(map(same, got, whole[start:]))


DIGEST = """
import hashlib, json, sys
from datasets import build_dataset
base, index = json.loads(sys.argv[1])
data = build_dataset({"_base_": base, "others": {"subset": "train"}}, "", "train", 4)
data.set_epoch(3)
sample = data[index]
print(hashlib.sha256(sample["points"].numpy().tobytes() + sample["image"].numpy().tobytes()).hexdigest())
"""


def test_another_process_makes_the_same_samples():
    command = [sys.executable, "-c", DIGEST, json.dumps([BASE, 12])]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}  # of Python's own hash function
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    data = build(4)
    data.set_epoch(3)
    sample = data[12]
    content = sample["points"].numpy().tobytes() + sample["image"].numpy().tobytes()
    assert told == f"{hashlib.sha256(content).hexdigest()}\n"


def test_names_of_categories():
    assert list(resolve(["all"])) == CATEGORIES
    assert resolve(["monitor", "display", "flower_pot"]) == {"display": "monitor", "flower pot": "flower_pot"}
    assert resolve(["shelf"]) == resolve(["Shelf"]).fromkeys(["bookshelf"], "shelf")
    data = build(categories=["demo_pretraining"], exclude=["modelnet10"])
    assert "monitor" not in data.class_names and "display" not in data.class_names
    assert set(data.class_names) == set(GROUPS["demo_pretraining"]) - {
        *("bathtub", "bed", "chair", "display", "sofa", "table")
    }
    with pytest.raises(UserError, match="categories: unknown category 'chiar'.*did you mean 'chair'"):
        build(categories=["chiar"])
    with pytest.raises(UserError, match="exclude leaves no category"):
        build(categories=["chair"], exclude=["all"])
    with pytest.raises(UserError, match="must be a list"):
        build(categories="all")


@pytest.mark.parametrize(
    ("group", "count"), [("modelnet40", 40), ("modelnet10", 10), ("scanobjectnn", 15), ("shapenet55", 55)]
)
def test_groups_of_the_field(group, count):
    """A group is whole, each name by a family of its own, or says what it lacks."""
    names = GROUPS[group]
    assert len(names) == len(set(names)) == count
    lacking = [name for name in names if name.replace("_", " ") not in family_names()]
    if lacking:
        with pytest.raises(UserError, match=f"no shape family makes {', '.join(lacking)}$"):
            resolve([group])
    else:
        assert list(resolve([group]).values()) == names


def test_wide_and_narrow():
    for wide in (True, False):
        data = build(categories=["chair"], wide=wide, images=False)
        assert {data.shape(index).variant for index in range(40)} <= set(VARIANTS["chair"])
    assert build(wide=False).config.wide is False


def test_views_of_a_shape():
    data = build(fresh=False, views=3)
    shape = data.shape(2)
    views = [data.render(shape, 2, view) for view in range(3)]
    assert not np.array_equal(views[0], views[1]) and not np.array_equal(views[1], views[2])
    seen = set()
    for epoch in range(20):
        data.set_epoch(epoch)
        image = data[2]["image"].permute(1, 2, 0).numpy()
        seen.add(next(number for number, view in enumerate(views) if np.array_equal(view, image)))
    assert seen == {0, 1, 2}


def test_what_teachers_are_asked_once():
    """Images that stay what they are have a key, which changes with all that they depend on."""
    plain = build(fresh=False)
    assert plain.image_key() and plain.image_key() == build(fresh=False).image_key()
    assert build(subset="test").image_key() not in (None, plain.image_key())
    others = [build(1, fresh=False), build(fresh=False, image_size=17), build(fresh=False, categories=["chair"])]
    assert len({data.image_key() for data in [plain, *others]}) == 4
    assert build().image_key() is None and build(fresh=False, image_augment=True).image_key() is None
    assert build(fresh=False, views=2).image_key() is None and build(fresh=False, images=False).image_key() is None
    plain.use_features(torch.arange(80.0).view(40, 2))
    assert plain[3]["image"].tolist() == [6, 7]


def test_wrong_values():
    for keys, words in (
        ({"length": 0}, "length must be at least 1"),
        ({"views": 0}, "views must be at least 1"),
        ({"npoints": 65}, "npoints=65 asks for more points"),
        ({"lenght": 3}, "did you mean 'length'"),
    ):
        with pytest.raises(UserError, match=words):
            build(**keys)


def test_its_config_names_every_key():
    """What can be set stands in the YAML, with the default, besides what all data sets with views have."""
    content = load_config("cfgs/dataset_configs/SyntheticWorld.yaml")
    inherited = {field.name for base in SyntheticWorldConfig.__mro__[1:-1] for field in dataclasses.fields(base)}
    for field in dataclasses.fields(SyntheticWorldConfig):
        if field.name not in inherited:
            default = field.default if field.default is not dataclasses.MISSING else field.default_factory()
            assert content[field.name] == default, field.name
