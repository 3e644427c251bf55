"""The synthetic world without files: endless, the same for every worker and process, and what pretraining needs."""

import contextlib
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from datasets import build_dataset, collate
from datasets.demo import __main__ as demo
from datasets.demo import captions, effects
from datasets.demo.families.common import FAMILIES
from datasets.demo.mesh import box, combine, cylinder
from datasets.demo.render import render
from datasets.demo.shapes import CATEGORIES, PART_NAMES, VARIANTS, make_shape
from datasets.synthetic_world import CAPTIONS, GROUPS, SyntheticWorld, SyntheticWorldConfig, resolve
from tools import pack
from tools.engine.data import Batches, Loader
from tools.shards import ShardWriter
from tools.tasks.pretrain import Pretrain
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
    """A group is whole, each name by a family of its own."""
    names = GROUPS[group]
    assert len(names) == len(set(names)) == count
    assert list(resolve([group]).values()) == names


def test_wide_and_narrow():
    drawn = {}
    for wide in (True, False):
        data = build(categories=["chair"], wide=wide, images=False)
        drawn[wide] = {data.shape(index).variant for index in range(60)}
    assert drawn[False] == set(FAMILIES["chair"].variants)
    assert drawn[False] < drawn[True] | drawn[False] <= set(VARIANTS["chair"])


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


PLAIN = effects.EffectConfig()
SINGLE = [field.name for field in dataclasses.fields(effects.EffectConfig)]


def cloud(n: int = 512, seed: int = 0, category: str = "chair", **chances: float) -> np.ndarray:
    mesh = make_shape(category, np.random.default_rng(3)).normalized()
    return effects.make_cloud(mesh, n, dataclasses.replace(PLAIN, **chances), np.random.default_rng(seed))


@pytest.mark.parametrize("name", SINGLE)
def test_each_effect_changes_samples_and_keeps_their_form(name):
    plain, data = (
        build(images=False, categories=["chair", "lamp"], N_POINTS=300, **keys) for keys in ({}, {name: 1.0})
    )
    changed = 0
    for index in range(6):
        points = data[index]["points"]
        assert points.shape == (300, 3) and points.dtype == torch.float32 and points.isfinite().all()
        assert points.norm(dim=-1).max() < 1 + 1e-4
        changed += not torch.equal(points, plain[index]["points"])
    # of a cropped scan only if it is one, of background only where something lies in the box
    assert changed == 0 if name == "cropped" else changed >= 4


def test_sparse_clouds_repeat_their_points():
    counts = [len(np.unique(cloud(1024, seed, sparse=1.0), axis=0)) for seed in range(30)]
    assert 128 <= min(counts) < 300 and 600 < max(counts) <= 1024


def test_uneven_clouds_lose_points_on_one_side():
    points = box(1, 1, 1).normalized().sample(4000, np.random.default_rng(0))[0]
    for seed in range(8):
        left = effects.uneven(points, np.random.default_rng(seed))
        assert 1500 < len(left) < 3700 and np.linalg.norm(left.mean(0) - points.mean(0)) > 0.03


def test_noise_and_outliers():
    slab = box(2, 0.01, 2).normalized()
    for name, least, most in (("noisy", 0.001, 0.04), ("outliers", 0.0, 0.001)):
        chances = dataclasses.replace(PLAIN, **{name: 1.0})
        heights = [effects.make_cloud(slab, 1000, chances, np.random.default_rng(seed))[:, 1] for seed in range(10)]
        spread = [np.median(np.abs(height - np.median(height))) for height in heights]
        assert least < np.median(spread) < most + 0.01, name
    far = [np.mean(np.abs(height - np.median(height)) > 0.1) for height in heights]
    assert 0 < np.mean(far) < 0.06


def test_what_is_cut_off_and_what_has_holes():
    mesh = make_shape("sofa", np.random.default_rng(0)).normalized()
    points, rng = mesh.sample(2000, np.random.default_rng(1))[0], np.random.default_rng(2)
    assert all(0.5 < len(effects.cut(points, rng)) / 2000 < 0.95 for _ in range(20))
    left = [len(effects.holes(points, rng)) for _ in range(20)]
    assert min(left) < 1950 and max(left) <= 2000
    assert {*map(tuple, effects.cut(points, rng))} < {*map(tuple, points)}


def test_clouds_stand_upright_until_they_are_tilted():
    points = make_shape("desk", np.random.default_rng(0)).normalized().sample(500, np.random.default_rng(0))[0]
    turned = effects.turned(points, np.random.default_rng(1))
    np.testing.assert_allclose(turned[:, 1], points[:, 1], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(points, axis=1), atol=1e-5)
    assert np.abs(turned - points).max() > 0.1
    for seed in range(10):
        matrix = np.linalg.lstsq(points, effects.tilted(points, np.random.default_rng(seed)), rcond=None)[0]
        assert matrix[1, 1] > np.cos(np.radians(15.01)) and np.linalg.det(matrix) == pytest.approx(1, abs=1e-3)


def test_depth_cameras_see_one_side():
    for seed in range(6):
        shot = effects.snapshot(box(1, 1, 1).normalized(), 1000, np.random.default_rng(seed))
        own = shot.points[shot.is_object] / shot.half
        assert len(own) > 300 and np.abs(own).max() < 2
        sides = [np.sum(own[:, axis] * sign > 0.93) for axis in range(3) for sign in (-1, 1)]
        assert min(sides[:2]) < 0.1 * max(sides) and sides[2] < 0.1 * max(sides)  # never left and right, never below
        on_surface = np.abs(np.abs(own).max(1) - 1)
        assert np.median(on_surface) < 0.06


def test_thin_and_flat_things_can_be_scanned():
    for mesh in (box(0.01, 2, 0.01), box(2, 0.001, 2), cylinder(0.01, 3)):
        shot = effects.snapshot(mesh.normalized(), 2048, np.random.default_rng(0))
        assert shot.is_object.sum() >= 50
    for category in ("lamp", "cone", "guitar", "door"):
        assert np.isfinite(cloud(256, 1, category, scan=1.0, background=1.0, cropped=1.0)).all()


def test_background_is_kept_when_asked_for():
    shares = []
    for seed in range(8):
        shot = effects.snapshot(box(1, 1, 1).normalized(), 500, np.random.default_rng(seed))
        shares.append(np.mean(~shot.is_object))
    assert 0.1 < np.mean(shares) < 0.8


@pytest.mark.parametrize("damage", effects.DAMAGES, ids=lambda damage: damage.__name__)
def test_damages(damage):
    changed = 0
    for seed in range(8):
        mesh = make_shape("chair", np.random.default_rng(seed)).normalized()
        hurt = damage(mesh, np.random.default_rng(seed))
        assert np.isfinite(hurt.vertices).all() and len(hurt.faces) == len(hurt.part) > len(mesh.faces) / 2
        assert hurt.faces.max() < len(hurt.vertices)
        changed += hurt.vertices.shape != mesh.vertices.shape or not np.array_equal(hurt.vertices, mesh.vertices)
    assert changed >= 6


def test_pieces_are_what_a_mesh_was_combined_of():
    mesh = combine([(box(1, 1, 1), 0), (cylinder(1, 2), 1), (box(1, 2, 3).moved(5), 0)])
    assert np.array_equal(np.unique(effects.pieces_of(mesh), return_counts=True)[1], [12, len(mesh.faces) - 24, 12])
    assert len(np.unique(effects.pieces_of(combine([effects.piece_lost(mesh, np.random.default_rng(0))])))) == 2


def test_wrong_chances():
    with pytest.raises(UserError, match=r"noisy must lie in \[0, 1\], got 1.5"):
        build(noisy=1.5)
    with pytest.raises(UserError, match="captions must lie in"):
        build(captions=-1)
    with pytest.raises(UserError, match="set bgr: false"):
        build(captions=0.5, bgr=True)


def test_counts_are_those_of_the_mesh():
    legs = [box(0.1, 1, 0.1).moved(x, 0, z) for x in (-1, 1) for z in (-1, 1)]
    table = combine([(box(3, 0.1, 3).moved(y=0.6), 0), *((leg, 1) for leg in legs)])
    assert captions.count_parts(table, ["top", "legs"]) == {"top": 1, "legs": 4}
    unlike = combine([table, (box(2, 1, 2).moved(9), 1)])
    assert captions.count_parts(unlike, ["top", "legs"]) == {"top": 1, "legs": None}
    for category, variant, part, count in (
        ("stool", "three legs", "legs", 3),
        ("table", "round pedestal", "legs", 1),
        ("car", None, "wheel", 4),
    ):
        found = set()
        for seed in range(6):
            mesh = make_shape(category, np.random.default_rng(seed), variant)
            found.add(captions.count_parts(mesh, PART_NAMES[category]).get(part))
        assert found <= {count, None} and count in found, (category, found)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((1, 0, 0), "red"),
        ((0, 0, 1), "blue"),
        ((0.1, 0.1, 0.1), "black"),
        ((1, 1, 1), "white"),
        ((0.5, 0.5, 0.5), "grey"),
        ((0.4, 0.25, 0.1), "dark brown"),
        ((1, 0.6, 0.1), "orange"),
        ((0.9, 0.8, 0.7), "beige"),
        ((0.6, 0.9, 0.6), "light green"),
        ((0.5, 0.1, 0.6), "purple"),
    ],
)
def test_names_of_colours(rgb, name):
    assert captions.color_name(np.array(rgb)) == name or captions.color_name(np.array(rgb)).endswith(name)


def test_colours_are_those_of_the_view():
    """Where a caption begins with a colour, most pixels of the main part have its hue."""
    data, seen = build(captions=1.0, image_size=48, length=400), 0
    for index in range(120):
        shape = data.shape(index)
        part = captions.main_part(shape.mesh)
        name = captions.color_name(shape.palette[part])
        text = captions.describe(
            "thing", "", shape.mesh, PART_NAMES[shape.category], shape.palette, None, np.random.default_rng(index)
        )
        if not text.startswith(f"{name} thing"):
            assert "thing" in text.split()[:1], text
            continue
        only = shape.palette.copy()
        only[:] = shape.palette[part]
        bright = data.render(dataclasses.replace(shape, palette=only), index, 0).reshape(-1, 3) / 255.0
        background = bright[0]
        inside = bright[np.abs(bright - background).max(1) > 0.05]
        if len(inside) < 600:
            continue  # of bars and wires, which are blended with the background
        seen += 1
        hue, base = inside / inside.max(1, keepdims=True), only[0] / only[0].max()
        assert np.median(np.abs(hue - base).max(1)) < 0.06  # shading changes brightness alone
    assert seen > 40


def test_captions():
    data = build(captions=1.0, categories=["chair", "trash bin"], images=False)
    assert "caption" in data.gives and not data.wraps_text and build().wraps_text
    texts = {data[index]["text"] for index in range(40)}
    assert len(texts) > 30
    assert any(" with " in text for text in texts) and any(text.startswith("a ") for text in texts)
    for index in range(40):
        shape, own = data.shape(index), PART_NAMES[data.shape(index).category]
        several = {data.caption(shape, index, number) for number in range(6)}
        assert len(several) > 3
        present = {own[part] for part in np.unique(shape.mesh.part)}
        for text in several:
            for part in {"arms", "legs", "back", "lid", "handle"} & set(own) - present:
                said = text.partition(" without ")[0].partition(" with ")[2].split()
                assert part not in said or part in shape.variant, text


def test_plain_names_among_captions():
    data = build(captions=0.5, categories=["chair"], images=False)
    texts = [data[index]["text"] for index in range(40)]
    bare = [text for text in texts if "chair." in text or text.endswith(("chair", "context.", "background."))]
    assert 5 < len(bare) < 40


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("four legs", ("with four legs", True)),
        ("on legs", ("on legs", True)),
        ("bunk", ("bunk", False)),
        ("mixed", ("", False)),
        ("pair", ("", False)),
        ("door", ("with a door", True)),
        ("minibus", ("minibus", False)),
        ("glass", ("glass", False)),
        ("between walls", ("between walls", True)),
    ],
)
def test_words_for_variants(variant, words):
    assert captions.variant_words(variant) == words


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("orange urn", "an orange urn"),
        ("urinal", "a urinal"),
        ("hourglass stool", "an hourglass stool"),
        ("L-shaped desk", "an L-shaped desk"),
        ("red stairs with a rail", "red stairs with a rail"),
        ("table with four legs", "a table with four legs"),
        ("chest of drawers", "a chest of drawers"),
        ("blue bus", "a blue bus"),
        ("pair of pink curtains", "a pair of pink curtains"),
    ],
)
def test_articles(phrase, words):
    assert captions.with_article(phrase) == words


def test_captions_are_in_english():
    data = build(captions=1.0, images=False, length=2 * len(CATEGORIES))
    for index in range(len(data)):
        shape = data.shape(index)
        for number in range(4):
            text = data.caption(shape, index, number)
            words = text.rstrip(".").lower().split()
            pairs = list(zip(words, words[1:], strict=False))
            told = f"{shape.category}, {shape.variant}: {text}"
            assert all(one != two for one, two in pairs), told
            assert not any(one == "a" and two[0] in "aeio" for one, two in pairs), told
            assert words.count("with") + words.count("without") <= 1, told
            assert "background" not in text and "context" not in text, told
            colors = [word for word in words if word in ("red", "brown", "green", "blue", "purple", "pink", "yellow")]
            assert len(colors) <= 3, told


def test_several_things_are_a_pair_or_a_row():
    rng, mesh = np.random.default_rng(0), make_shape("cone", np.random.default_rng(0), "row")
    parts, palette = PART_NAMES["cone"], np.full((3, 3), 0.5)
    texts = {captions.describe("cone", "row", mesh, parts, palette, "plastic", rng) for _ in range(40)}
    assert any(text.startswith("row of ") and "cones" in text for text in texts)
    assert not any("two" in text or "three" in text or "row cone" in text for text in texts)


@pytest.mark.parametrize(("name", "kind"), [("clock", False), ("alarm clock", True)])
def test_parts_that_stand_for_something_else_are_not_told(name, kind):
    """Digits of a clock are no hands, whether it is called digital or not."""
    mesh, rng = make_shape("clock", np.random.default_rng(0), "digital"), np.random.default_rng(0)
    assert "hands" in {PART_NAMES["clock"][part] for part in np.unique(mesh.part)}
    look = PART_NAMES["clock"], np.full((9, 3), 0.5), "metal"
    texts = {captions.describe(name, "digital", mesh, *look, rng, kind) for _ in range(40)}
    assert len(texts) > 5 and not any("hands" in text for text in texts)
    assert any("digital" in text for text in texts) != kind


def test_materials_have_their_colours():
    mesh, seen = make_shape("chair", np.random.default_rng(0)), set()
    for seed in range(60):
        material, palette = captions.draw_style("chair", mesh, np.random.default_rng(seed))
        seen.add(material)
        name = captions.color_name(palette[captions.main_part(mesh)])
        if material == "wood":
            assert name.split()[-1] in ("brown", "orange", "black"), name
        if material == "metal":
            assert name.endswith(("grey", "white")), name
    assert seen == {"wood", "metal", "fabric", "leather", "plastic"}
    assert (
        captions.draw_style("plant", make_shape("plant", np.random.default_rng(0)), np.random.default_rng(0))[0] is None
    )


def test_renders_stay_what_they_were():
    """Within one grey level of those of the first renderer; they were equal when this was written."""
    stored = np.load(ROOT / "tests/golden/demo_renders.npz")["views"]
    for number, (category, view) in enumerate(zip(GROUPS["demo"], stored, strict=True)):
        mesh = make_shape(category, np.random.default_rng(9))
        now = render(mesh, np.random.default_rng(number), 32)
        assert np.abs(now.astype(int) - view.astype(int)).max() <= 1, category


def pack_world(out: Path, *opts: str) -> None:
    keys = ["length=25", "N_POINTS=64", "image_size=16", "views=2", "captions=1.0", *opts]
    pack.main(["SyntheticWorld", "--shards", str(out), "--threads", "1", "--shard_count", "10", "--opts", *keys])


def test_packed(tmp_path, monkeypatch):
    """Shards hold what the data set makes, and an interrupted run goes on with the same bytes."""
    pack_world(tmp_path / "one")  # by a process
    monkeypatch.setattr(SyntheticWorld, "COMPUTES", False)
    write = ShardWriter._write_shard

    def interrupted(self, name, samples, bar):
        if name == "shard-000001":
            raise KeyboardInterrupt
        return write(self, name, samples, bar)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ShardWriter, "_write_shard", interrupted)
        pack_world(tmp_path / "two")
    assert len(list((tmp_path / "two.partial").glob("*.tar"))) == 1
    with pytest.raises(UserError, match="other files or settings"):
        pack_world(tmp_path / "two", "world_seed=3")
    pack_world(tmp_path / "two")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two and len(one) == 4
    keys = {"NAME": "Shards", "SHARDS": str(tmp_path / "one"), "N_POINTS": 64, "image_size": 16, "bgr": False}
    others = {"subset": "train", "captions": True, "image_augment": False}
    read = build_dataset({"_base_": keys, "others": others}, "", "train")
    made = build(length=25, views=2, captions=1.0)
    assert len(read) == 25 and read.class_names == made.class_names
    numbers = json.loads((tmp_path / "one/index.json").read_text())["facts"]
    assert numbers["views"] == 2 and numbers["points"] == 64 and numbers["captions"]
    clouds = {made[index]["points"].numpy().tobytes(): index for index in range(25)}
    for place in range(25):
        sample = read[place]
        index = clouds[sample["points"].numpy().tobytes()]
        shape = made.shape(index)
        assert sample["label"] == index % len(made.categories)
        assert np.array_equal(sample["image"].permute(1, 2, 0).numpy(), made.render(shape, index, 0))
        assert sample["text"] in [made.caption(shape, index, number) for number in range(CAPTIONS)]


def test_command(monkeypatch, capfd, tmp_path):
    def run(*words):  # in a process of its own, which becomes tools.pack
        root = Path(__file__).parents[1]
        return subprocess.run([sys.executable, "-m", "datasets.demo", *map(str, words)], cwd=root).returncode

    small = "--opts", "N_POINTS=64", "image_size=16"
    assert run("--shapes", 3, "--out", tmp_path / "world", *small) == 0
    printed = capfd.readouterr().out
    assert "3 shapes packed in" in printed
    assert run("--shapes", 3, "--out", tmp_path / "other", "--opts", "viws=2") == 2
    assert "did you mean 'views'" in capfd.readouterr().err
    for words, message in (
        (["--opts", "views=2"], "are for --shapes"),
        (["--shapes", "3", "--scale", "smoke"], "not for --shapes"),
        (["--shapes", "3", "--opts", "length=7"], "length=7: --shapes and --seed say so"),
    ):
        with pytest.raises(UserError, match=message):
            monkeypatch.setattr(sys, "argv", ["demo", *words])
            demo.main()


def test_captions_are_not_put_into_prompts(monkeypatch):
    """What the text teacher of pretraining gets."""
    asked = []

    class Model:
        def prepare(self, points, image, text, label, generator):
            asked.append(text)

    for data in (build(captions=1.0, images=False), build(images=False)):
        config = SimpleNamespace(npoints=32, least_points=None)
        run = SimpleNamespace(config=config, precision=SimpleNamespace(autocast=contextlib.nullcontext))
        task = SimpleNamespace(run=run, data=data, prompt_names="plain", augment=lambda points, generator: points)
        batch = collate([data[index] for index in range(4)])
        draw = lambda name, device="cpu": torch.Generator().manual_seed(0)  # noqa: E731
        Pretrain._prepare(task, data, Model(), batch, draw)
        assert len(asked[-1]) == 4 and (asked[-1] == batch["text"]) == (not data.wraps_text)
