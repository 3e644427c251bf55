"""Generated rooms: complete, furnished without overlap, and seen from inside."""

import numpy as np
import pytest

from datasets.demo import rooms
from datasets.demo.mesh import Mesh, box
from datasets.demo.rooms import AREAS, TYPES, Piece, build_room, make_room, scan_room
from datasets.s3dis import CLASS_NAMES

SHELL = ("ceiling", "floor", "wall", "beam", "window", "door", "board")


def footprint(mesh: Mesh) -> np.ndarray:
    corners = mesh.triangles.reshape(-1, 3)
    return np.stack([corners.min(0), corners.max(0)])[:, :2]


def within(one: Mesh, other: Mesh) -> bool:
    """Whether one thing is above another, seen from the top."""
    (low, high), (least, most) = footprint(one), footprint(other)
    return bool((low >= least).all() and (high <= most).all())


def test_areas_and_types():
    assert set(AREAS) == {1, 2, 3, 4, 5, 6} and all(2 <= len(kinds) <= 4 for kinds in AREAS.values())
    assert {kind for kinds in AREAS.values() for kind in kinds} == set(TYPES)
    assert set(rooms.COLORS) == set(CLASS_NAMES)


@pytest.mark.parametrize("kind", sorted({kinds[0] for kinds in AREAS.values()}))
def test_everything_is_everything(kind):
    for seed in range(4):
        pieces = build_room(kind, np.random.default_rng(seed), everything=True)
        assert {piece.label for piece in pieces} == set(CLASS_NAMES)
    labels = make_room(kind, np.random.default_rng(0), 6000, everything=True)[:, 6]
    assert np.bincount(labels.astype(int), minlength=13).min() > 10  # and it is seen


@pytest.mark.parametrize("kind", TYPES)
def test_a_room(kind):
    room = make_room(kind, np.random.default_rng(1), 5000)
    assert room.shape == (5000, 7) and room.dtype == np.float32 and np.isfinite(room).all()
    assert np.array_equal(room[:, :3].min(0), [0, 0, 0])
    extent = room[:, :3].max(0)
    assert 1.6 < extent[1] < 4.5 and 3 < extent[0] < 6.5 and 2.4 < extent[2] < 3.2  # metres, z up
    assert 0 <= room[:, 3:6].min() and room[:, 3:6].max() <= 255
    label = room[:, 6].astype(int)
    assert {"ceiling", "floor", "wall", "door"} <= {CLASS_NAMES[i] for i in set(label)}
    heights = [np.median(room[label == CLASS_NAMES.index(name), 2]) for name in ("floor", "wall", "ceiling")]
    assert heights[0] < 0.05 and 0.8 < heights[1] < 2.4 and heights[2] > extent[2] - 0.1
    assert not np.array_equal(room, make_room(kind, np.random.default_rng(2), 5000))
    assert np.array_equal(room, make_room(kind, np.random.default_rng(1), 5000))


@pytest.mark.parametrize("kind", TYPES)
def test_furniture_stands_on_the_floor_and_nothing_overlaps(kind):
    for seed in range(6):
        pieces = build_room(kind, np.random.default_rng(seed))
        size = next(piece.mesh.vertices.max(0) for piece in pieces if piece.label == "floor")
        movable = [piece for piece in pieces if piece.label not in SHELL]
        floor = [piece.mesh for piece in movable if piece.mesh.triangles[..., 2].min() < 0.02]
        assert floor
        for piece in movable:
            low, high = footprint(piece.mesh)
            assert (low >= -1e-5).all() and (high <= size[:2] + 1e-5).all()
            if not any(piece.mesh is mesh for mesh in floor):  # it stands on something
                tables = [one.mesh for one in movable if one.label == "table" and within(piece.mesh, one.mesh)]
                assert tables and 0 < piece.mesh.triangles[..., 2].min() <= tables[0].triangles[..., 2].max() + 0.01
        for i, one in enumerate(floor):
            for other in floor[:i]:
                (low, high), (least, most) = footprint(one), footprint(other)
                assert (high <= least + 1e-5).any() or (most <= low + 1e-5).any()


def test_furniture_faces_the_room():
    """A chair that is built to face +z has its back behind, wherever it is put."""
    for seed in range(8):
        builder = rooms._Builder(TYPES["lounge"], np.random.default_rng(seed), False)
        sofa = rooms._stood(rooms.make_shape("sofa", builder.rng, "on legs"), (1.6, 0.8, 0.8), "sofa")
        placed = builder._to_wall(sofa, "sofa", "sofa")
        if placed is None:
            continue
        back = placed.vertices[placed.faces[placed.part == rooms.PART_NAMES["sofa"].index("back")]].reshape(-1, 3)
        low, high = footprint(placed)
        gaps = np.concatenate([low, builder.size[:2] - high])
        axis, is_high = gaps.argmin() % 2, gaps.argmin() >= 2
        middle = (low + high)[axis] / 2
        assert (back[:, axis].mean() > middle) == is_high and gaps.min() < 0.1
        return
    pytest.fail("no sofa found a place")


def test_what_is_hidden_is_not_scanned():
    """A closed box in the middle: no point inside of it, none under it, and none behind the walls."""
    rng = np.random.default_rng(0)
    pieces = [piece for piece in build_room("lobby", rng) if piece.label in ("floor", "ceiling", "wall")]
    size = next(piece.mesh.vertices.max(0) for piece in pieces if piece.label == "floor")[:2]
    gray = np.full(3, 128.0)
    outer, inner = (box(*edges).moved(*(size / 2), 0.51) for edges in ((1, 1, 1), (0.7, 0.7, 0.7)))
    room = scan_room([*pieces, Piece(outer, "column", gray), Piece(inner, "clutter", gray)], 6000, rng)
    count = np.bincount(room[:, 6].astype(int), minlength=13)
    assert count[CLASS_NAMES.index("clutter")] < 0.01 * count[CLASS_NAMES.index("column")]
    floor = room[room[:, 6] == CLASS_NAMES.index("floor"), :2]
    under = (np.abs(floor - size / 2) < 0.4).all(1)
    assert len(floor) > 500 and under.mean() < 0.01
    assert (room[:, 0].max() < size[0] + 0.1) and (room[:, 1].max() < size[1] + 0.1)


def test_noise_is_a_few_millimetres():
    room = make_room("office", np.random.default_rng(0), 8000)
    floor = room[room[:, 6] == CLASS_NAMES.index("floor"), 2]
    assert 0.0015 < floor.std() < 0.006
