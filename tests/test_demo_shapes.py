"""The shape families: sound meshes, enough variety, and classes that their bounding boxes do not give away."""

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.demo import mesh
from datasets.demo.families import carcass, forms, household, kitchen_fixtures, panels, solids
from datasets.demo.families.common import FAMILIES, Draw
from datasets.demo.shapes import CATEGORIES, PART_NAMES, VARIANTS, draw_parameters, make_shape
from datasets.demo.world import DEMO_CATEGORIES
from utils.errors import UserError

EVERY = [(category, variant) for category in CATEGORIES for variant in VARIANTS[category]]


def areas(shape: mesh.Mesh) -> np.ndarray:
    a, b, c = shape.triangles.astype(np.float64).swapaxes(0, 1)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def test_categories_have_variants():
    assert len(CATEGORIES) == 78
    assert len(DEMO_CATEGORIES) == 35 and set(DEMO_CATEGORIES) <= set(CATEGORIES)
    assert set(PART_NAMES) == set(VARIANTS) == set(CATEGORIES)
    for category in CATEGORIES:
        assert len(VARIANTS[category]) == len(set(VARIANTS[category])) >= 4
        assert len(PART_NAMES[category]) == len(set(PART_NAMES[category])) >= 2


def test_no_name_stands_for_two_categories():
    names = CATEGORIES + [name for category in CATEGORIES for name in FAMILIES[category].synonyms]
    assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}


def test_the_shapes_of_the_demo_stay_what_they_are():
    stored = json.loads((Path(__file__).parent / "golden" / "demo_shapes.json").read_text())
    assert sorted(stored) == DEMO_CATEGORIES
    for category, rows in stored.items():
        for seed, (vertices, faces, parts, moments) in enumerate(rows):
            shape = make_shape(category, np.random.default_rng(seed))
            assert (len(shape.vertices), len(shape.faces), int(shape.part.sum())) == (vertices, faces, parts)
            np.testing.assert_allclose((shape.vertices.astype(float) ** 2).sum(0), moments, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("category, variant", EVERY)
def test_shapes_are_sound(category, variant):
    for seed in range(3):
        shape = make_shape(category, np.random.default_rng(seed), variant)
        assert np.isfinite(shape.vertices).all() and shape.vertices.dtype == np.float32
        assert shape.faces.min() >= 0 and shape.faces.max() < len(shape.vertices)
        assert len(shape.part) == len(shape.faces)
        assert shape.part.min() >= 0 and shape.part.max() < len(PART_NAMES[category])
        present = np.unique(shape.part)
        assert len(present) >= 2
        area = areas(shape)
        assert all(area[shape.part == part].sum() > 1e-6 for part in present)
        points, normals, part = shape.sample(500, np.random.default_rng(seed))
        assert np.isfinite(points).all() and set(part) <= set(present)
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("category, variant", EVERY)
def test_shapes_follow_their_seed(category, variant):
    first, again, other = (make_shape(category, np.random.default_rng(seed), variant) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.faces, again.faces)
    np.testing.assert_array_equal(first.part, again.part)
    assert first.vertices.shape != other.vertices.shape or not np.allclose(first.vertices, other.vertices)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_part_occurs(category):
    rng = np.random.default_rng(0)
    seen = set()
    for i in range(80):
        seen |= set(make_shape(category, rng, VARIANTS[category][i % len(VARIANTS[category])]).part)
        if len(seen) == len(PART_NAMES[category]):
            return
    assert not [name for i, name in enumerate(PART_NAMES[category]) if i not in seen]


class Nudged:
    """A generator of which one uniform draw lands elsewhere in its range."""

    def __init__(self, seed: int, which: int | None = None):
        self.rng, self.which, self.calls = np.random.default_rng(seed), which, 0

    def __getattr__(self, name):
        return getattr(self.rng, name)

    def uniform(self, low, high, size=None):
        value, span = self.rng.uniform(low, high, size), np.subtract(high, low)
        if self.calls == self.which:
            value = low + np.mod(value - low + 0.3 * span, np.maximum(span, 1e-9))
        self.calls += 1
        return value


def built(category: str, variant: str, rng) -> np.ndarray:
    draw = Draw(rng)
    draw.variant = variant
    return mesh.combine(FAMILIES[category].build(variant, draw)).vertices


def moving_draws(category: str, variant: str, seed: int, enough: int) -> int:
    """How many of the uniform draws of a shape move its vertices, or change what it is made of."""
    plain = Nudged(seed)
    shape, count = built(category, variant, plain), 0
    for which in range(plain.calls):
        other = built(category, variant, Nudged(seed, which))
        count += other.shape != shape.shape or np.abs(other - shape).max() > 1e-4
        if count == enough:
            break
    return count


@pytest.mark.parametrize("category, variant", EVERY)
def test_shapes_have_many_continuous_parameters(category, variant):
    first, other = (draw_parameters(category, np.random.default_rng(seed), variant) for seed in (0, 1))
    own = [name for name in first if not name.startswith("stretch_")]
    assert len(first) - len(own) == 3
    assert all(first[name] != other[name] for name in own if name in other)
    # With the stretches along x, y and z at least seven; plain ones, such as a tin or a cone, have no more.
    assert any(moving_draws(category, variant, seed, 4) == 4 for seed in range(8))


def test_unknown_names_are_told_with_the_nearest():
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="'chairr'.*did you mean 'chair'"):
        make_shape("chairr", rng)
    with pytest.raises(UserError, match=f"did you mean '{VARIANTS['chair'][0]}'"):
        make_shape("chair", rng, VARIANTS["chair"][0] + "x")


BEND = np.stack(np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 2, 7), [0.0], indexing="ij"), -1)[:, :, 0]
PRIMITIVES = {
    "box": (mesh.box(1, 2, 3), 6, 1e-5),
    "slab": (mesh.slab((0, 1), (-1, 1), (2, 5)), 6, 1e-5),
    "lathe": (mesh.lathe([(0, 0), (1, 0), (1, 2), (0, 2)], 64), 2 * np.pi, 0.01),
    "hollow lathe": (
        mesh.lathe([(0, 0), (1, 0), (1, 2), (0.5, 2), (0.5, 1), (0, 1)], 64),
        2 * np.pi - 0.25 * np.pi,
        0.01,
    ),
    "frustum": (mesh.frustum(2, 1, 3, 64), np.pi * 3 * (4 + 2 + 1) / 3, 0.01),
    "cone": (mesh.frustum(1, 0, 3, 64), np.pi, 0.01),
    "cylinder": (mesh.cylinder(0.5, 4, 64), np.pi, 0.01),
    "ellipsoid": (mesh.ellipsoid(1, 2, 3, 64), 4 / 3 * np.pi * 6, 0.01),
    "cushion": (mesh.cushion(2, 2, 2, 1.0, 64), 4 / 3 * np.pi, 0.01),
    "square cushion": (mesh.cushion(1, 2, 3, 0.4, 40), 6, 0.25),
    "torus": (mesh.torus(2, 0.5, 64, 32), 2 * np.pi**2 * 2 * 0.25, 0.02),
    "tube": (mesh.tube([(0, 0, 0), (1, 2, 2)], 0.5, 48), np.pi * 0.25 * 3, 0.01),
    "tapered tube": (mesh.tube([(0, 0, 0), (0, 0, -3)], (1, 0.5), 48), np.pi * (1 + 0.5 + 0.25), 0.01),
    "extrude": (mesh.extrude([(0, 0), (2, 0), (0, 2)], 3), 6, 1e-5),
    "extrude clockwise": (mesh.extrude([(0, 2), (2, 0), (0, 0)], 3), 6, 1e-5),
    "sheet": (mesh.sheet(BEND, 0.1), 0.2, 1e-4),
    "wing": (mesh.wing(2, 2, 3, 0.5, 0.1), 0.6, 1e-4),
    "bored": (mesh.combine(panels.bored(4, 2, 3, 0.5, [(0.5, -2)], 0.4)), 24 - 0.5 * np.pi, 0.01),
    "stack": (solids.stack([(0, 1, 2), (3, 1, 2)], 64), 6 * np.pi, 0.01),
    "bars": (solids.bars([((0, 0, 0), (1, 2, 2)), ((5, 0, 0), (5, 0, -4))], 0.5, 48), np.pi * 0.25 * 7, 0.01),
    "tapered bar": (solids.bars([(0, 0, 0), (0, 3, 0)], [(1, 0.5)], 48), np.pi * (1 + 0.5 + 0.25), 0.01),
    "square bars": (solids.square_bars([((0, 0, 0), (0, 3, 4)), ((1, 1, 1), (1, -1, 1))], 0.1), 0.07, 1e-4),
    "prism": (solids.prism(1, 1, 3, 4), 12, 1e-5),
    "vault": (solids.vault(2, 3, 4, 1, 65), 4 * (4 + np.pi / 2), 0.01),
    "holed": (solids.holed([(-1, 0), (1, 0), (1, 2), (0, 3), (-1, 2)], (0, 1), 0.5, 2, 64), 10 - np.pi / 2, 0.01),
    "mirrored": (mesh.box(1, 2, 3).scaled(-1, 1, 1), 6, 1e-5),
    "rounded": (forms.rounded(2, 1, 3, 0.25, 16), 3 * (2 - 0.25**2 * (4 - np.pi)), 1e-3),
    "band": (household.band([(2, 0), (2, 1)], 64, 0.5), np.pi * (4 - 1.5**2), 0.01),
    "hood": (kitchen_fixtures.stacked([(0, 1, 1, 0), (0.5, 1, 1, 0)], 0.1), 0.5 - 0.8 * 0.8 * 0.3, 1e-4),
    "turned": (mesh.box(1, 2, 3).turned("x", 30).moved(1, 2, 3), 6, 1e-4),
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_primitives_are_closed_and_look_outward(name):
    solid, volume, tolerance = PRIMITIVES[name]
    assert solid.volume() == pytest.approx(volume, rel=tolerance)
    # Over a closed surface the area vectors cancel.
    a, b, c = solid.triangles.astype(np.float64).swapaxes(0, 1)
    normal = np.cross(b - a, c - a)
    assert np.abs(normal.sum(0)).max() < 1e-4 * np.abs(normal).sum()
    # Corners that coincide are one; each edge is then passed as often forth as back.
    _, same = np.unique(solid.vertices.round(5), axis=0, return_inverse=True)
    face = same.reshape(-1)[solid.faces]
    edges = np.concatenate([face[:, [0, 1]], face[:, [1, 2]], face[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    assert sorted(map(tuple, edges)) == sorted(map(tuple, edges[:, ::-1]))


@pytest.mark.parametrize("wide", [False, True])
def test_bounding_boxes_do_not_give_the_class_away(wide):
    rng = np.random.default_rng(0)
    extents = np.empty((len(CATEGORIES), 40, 3))
    for i, category in enumerate(CATEGORIES):
        for j in range(40):
            extents[i, j] = np.ptp(make_shape(category, rng, wide=wide).normalized().vertices, axis=0)
    centroid = extents[:, :20].mean(1)
    test = extents[:, 20:].reshape(-1, 3)
    guess = np.linalg.norm(test[:, None] - centroid[None], axis=-1).argmin(1)
    accuracy = (guess == np.repeat(np.arange(len(CATEGORIES)), 20)).mean()
    assert accuracy < 0.3, f"nearest centroid on bounding-box extents is right {accuracy:.0%} of the time"


@pytest.mark.parametrize(
    "layout, drawers, doors", [("d d/d3", 5, 0), ("2 l o3 r/d d d", 3, 2), ("o2/f", 0, 1), ("d4 l", 4, 1)]
)
def test_a_carcass_has_the_fronts_of_its_layout(layout, drawers, doors):
    draw = Draw(np.random.default_rng(0))
    look = carcass.style(draw)
    pieces = carcass.case(draw, look, layout, (1.0, 0.8, 0.5), y=0.1)
    fronts = [[piece for piece, part in pieces if part == kind] for kind in (carcass.DRAWER, carcass.DOOR)]
    assert [len(group) for group in fronts] == [drawers, doors]
    for piece in fronts[0] + fronts[1]:
        low, high = piece.vertices.min(0), piece.vertices.max(0)
        assert (low > [-0.5, 0.1, 0.2]).all() and (high[:2] < [0.5, 0.9]).all() and high[2] > 0.25
