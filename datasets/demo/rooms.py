"""Furnished rooms, scanned from inside, as S3DIS holds them: z up, metres, every point in one of 13 classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from datasets.demo.mesh import Mesh, combine, quad, slab
from datasets.demo.shapes import PART_NAMES, make_shape
from datasets.s3dis import CLASS_NAMES

# Rooms by area, the first of each with something of every class.
AREAS = {
    1: ["conferenceRoom", "office", "lounge"],
    2: ["office", "hallway"],
    3: ["lounge", "office"],
    4: ["office", "lobby", "hallway"],
    5: ["conferenceRoom", "office", "lounge", "hallway"],
    6: ["office", "lounge"],
}


class RoomType(NamedTuple):
    """What a room of a type is like.

    Attributes:
        length, width: ranges in metres.
        furniture: how many of each category, (least, most).
    """

    length: tuple[float, float]
    width: tuple[float, float]
    furniture: dict[str, tuple[int, int]]


TYPES = {
    "conferenceRoom": RoomType((4.0, 5.0), (3.0, 3.8), {"table": (1, 1), "chair": (3, 5), "small": (1, 2)}),
    "office": RoomType((3.2, 4.2), (2.8, 3.6), {"desk": (1, 2), "chair": (1, 3), "bookshelf": (1, 2), "small": (1, 3)}),
    "lounge": RoomType((3.4, 4.4), (3.0, 3.8), {"sofa": (1, 2), "table": (1, 1), "chair": (0, 2), "small": (1, 3)}),
    "lobby": RoomType((4.0, 5.0), (3.0, 4.0), {"sofa": (1, 2), "table": (0, 1), "chair": (1, 3), "small": (1, 2)}),
    "hallway": RoomType((4.5, 6.0), (1.7, 2.2), {"bookshelf": (0, 1), "chair": (0, 1), "small": (1, 2)}),
}


class Size(NamedTuple):
    """Ranges in metres of a piece of furniture's width, height and depth, and its class."""

    width: tuple[float, float]
    height: tuple[float, float]
    depth: tuple[float, float]
    label: str


SIZES = {
    "table": Size((1.0, 1.6), (0.68, 0.76), (0.7, 1.0), "table"),
    "desk": Size((1.1, 1.5), (0.70, 0.80), (0.6, 0.75), "table"),
    "chair": Size((0.45, 0.6), (0.80, 1.0), (0.45, 0.6), "chair"),
    "sofa": Size((1.4, 2.0), (0.70, 0.9), (0.75, 0.95), "sofa"),
    "bookshelf": Size((0.7, 1.2), (1.2, 2.0), (0.28, 0.4), "bookcase"),
}
ON_FLOOR = {
    "trash bin": Size((0.25, 0.4), (0.3, 0.6), (0.25, 0.4), "clutter"),
    "plant": Size((0.35, 0.6), (0.6, 1.2), (0.35, 0.6), "clutter"),
    "box": Size((0.3, 0.5), (0.25, 0.5), (0.3, 0.5), "clutter"),
    "bag": Size((0.3, 0.45), (0.3, 0.5), (0.18, 0.3), "clutter"),
    "cabinet": Size((0.4, 0.7), (0.6, 1.0), (0.35, 0.45), "clutter"),
}
ON_TABLE = {
    "display": Size((0.4, 0.55), (0.35, 0.45), (0.15, 0.22), "clutter"),
    "laptop": Size((0.3, 0.38), (0.2, 0.26), (0.24, 0.32), "clutter"),
    "mug": Size((0.1, 0.13), (0.09, 0.12), (0.08, 0.1), "clutter"),
    "keyboard": Size((0.38, 0.46), (0.02, 0.04), (0.13, 0.18), "clutter"),
    "vase": Size((0.14, 0.22), (0.2, 0.35), (0.14, 0.22), "clutter"),
}
# Parts of furniture that are of another class.
STRANGE_PARTS = {"table": {"things": "clutter"}}
AGAINST_WALL = ("bookshelf", "sofa", "desk", "cabinet")
COLORS = {
    "ceiling": (228, 226, 220),
    "floor": (120, 104, 90),
    "wall": (205, 198, 182),
    "beam": (196, 190, 178),
    "column": (188, 184, 176),
    "window": (150, 176, 200),
    "door": (134, 92, 60),
    "table": (160, 120, 80),
    "chair": (66, 72, 92),
    "sofa": (120, 60, 58),
    "bookcase": (128, 94, 66),
    "board": (238, 240, 238),
    "clutter": (110, 130, 100),
}

GAP = 0.06  # least distance between pieces of furniture
TRIES = 40  # of finding a place for one thing, and of building a room that has everything
EYE = 1.45  # height of the scanner
STOPS = (3, 5)  # of the scanner, least and most
DENSE = 250_000  # surface samples of a room; many, since they also hide what is behind them
PANORAMA = (200, 100)  # directions around and up that a scan tells apart

Rect = tuple[float, float, float, float]  # x from, y from, x to, y to


class Piece(NamedTuple):
    """One thing in a room: its mesh in room coordinates (z up), class and colour 0..255."""

    mesh: Mesh
    label: str
    color: np.ndarray


class Opening(NamedTuple):
    """A rectangle on a wall, in metres along it and up."""

    kind: str  # door, window, board
    left: float
    right: float
    low: float
    high: float


def make_room(kind: str, rng: np.random.Generator, n: int = 32000, everything: bool = False) -> np.ndarray:
    """Build, furnish and scan one room.

    Args:
        kind: one of `TYPES`.
        rng: where everything comes from.
        n: points.
        everything: have at least one thing of each of the 13 classes.

    Returns:
        (n, 7) float32: x y z (metres, z up, smallest values 0), r g b (0..255), label 0..12.
    """
    return scan_room(build_room(kind, rng, everything), n, rng)


def build_room(kind: str, rng: np.random.Generator, everything: bool = False) -> list[Piece]:
    """Walls and furniture of a room whose inside begins at (0, 0, 0); arguments as for `make_room`."""
    for _ in range(TRIES):
        pieces = _Builder(TYPES[kind], rng, everything).pieces
        if not everything or {piece.label for piece in pieces} == set(CLASS_NAMES):
            return pieces
    raise RuntimeError(f"no {kind} could be furnished with everything")


class _Builder:
    """Puts one room together; what does not fit is left out."""

    def __init__(self, style: RoomType, rng: np.random.Generator, everything: bool):
        self.rng, self.everything = rng, everything
        self.size = np.array([rng.uniform(*style.length), rng.uniform(*style.width), rng.uniform(2.5, 3.0)])
        self.pieces: list[Piece] = []
        self.taken: list[Rect] = []
        self.openings: list[list[Opening]] = [[], [], [], []]
        self._shell()
        if self._chance(0.35):
            self._column()
        if self._chance(0.4):
            self._beam()
        self._furnish(style.furniture)

    def _add(self, mesh: Mesh, label: str, color: np.ndarray | None = None) -> None:
        self.pieces.append(Piece(mesh, label, self._color(label) if color is None else color))

    def _color(self, label: str) -> np.ndarray:
        return np.clip(np.array(COLORS[label]) + self.rng.normal(0, 12) + self.rng.normal(0, 6, 3), 0, 255)

    def _chance(self, probability: float) -> bool:
        return self.everything or self.rng.random() < probability

    # A wall is built along x with the room at positive y, then turned to its side.

    def _to_side(self, mesh: Mesh, side: int) -> Mesh:
        x, y = self.size[0] * (side in (1, 2)), self.size[1] * (side in (2, 3))
        return mesh.turned("z", 90 * side).moved(x, y)

    def _shell(self) -> None:
        x, y, z = self.size
        self._add(quad([0, 0, 0], [x, 0, 0], [0, y, 0]), "floor")
        self._add(quad([0, 0, z], [0, y, 0], [x, 0, 0]), "ceiling")
        kinds = ["door"] + ["window"] * self._chance(0.6) + ["board"] * self._chance(0.5)
        for kind in kinds:
            self._draw_opening(kind)
        paint = self._color("wall")
        for side, openings in enumerate(self.openings):
            length = self.size[side % 2]
            self._add(self._to_side(_wall(length, z, openings), side), "wall", paint)
            for one in openings:
                self._add(self._to_side(self._fill(one), side), one.kind)
                if one.kind == "door":  # which has to open
                    clear = self._to_side(slab((one.left, one.right), (0, 0.8), (0, 1)), side)
                    self.taken.append(_rect(clear))

    def _draw_opening(self, kind: str) -> None:
        rng = self.rng
        width, low, high = {
            "door": ((0.85, 1.0), (0, 0), (2.0, 2.1)),
            "window": ((0.9, 1.6), (0.85, 1.0), (1.9, 2.1)),
            "board": ((1.0, 1.7), (0.85, 1.0), (1.8, 2.1)),
        }[kind]
        for _ in range(TRIES):
            side, wide = int(rng.integers(4)), rng.uniform(*width)
            left = 0.25 + rng.random() * (self.size[side % 2] - 0.5 - wide)
            there = self.openings[side]
            if left >= 0.25 and all(left > one.right + 0.15 or left + wide < one.left - 0.15 for one in there):
                there.append(Opening(kind, left, left + wide, rng.uniform(*low), rng.uniform(*high)))
                return

    def _fill(self, one: Opening) -> Mesh:
        """What is in, or on, a wall at an opening."""
        width, height, rng = one.right - one.left, one.high - one.low, self.rng
        if one.kind == "door":
            leaf = _stood(make_shape("door", rng, str(rng.choice(["single", "double"]))), (width, 0.1, height))
            return leaf.moved((one.left + one.right) / 2, -0.06)
        if one.kind == "board":
            rim = _frame(width, height, 0.03, (0, 0.04))
            tray = slab((0.1, width - 0.1), (0, 0.08), (0, 0.02))
            face = slab((0, width), (0, 0.02), (0, height))
            return combine([rim, tray, face]).moved(one.left, 0, one.low)
        bars = [
            slab((x - 0.025, x + 0.025), (-0.12, -0.06), (0, height))
            for x in np.linspace(0, width, int(rng.integers(2, 5)))[1:-1]
        ]
        pane = slab((0, width), (-0.11, -0.09), (0, height))
        sill = slab((-0.04, width + 0.04), (-0.1, 0.08), (-0.03, 0))
        return combine([_frame(width, height, 0.06, (-0.13, 0)), pane, sill, *bars]).moved(one.left, 0, one.low)

    def _column(self) -> None:
        """At a wall, or in a corner."""
        thick, height = self.rng.uniform(0.25, 0.45), self.size[2]
        self._to_wall(slab((-thick / 2, thick / 2), (-thick / 2, thick / 2), (0, height)), "column", gap=0)

    def _beam(self) -> None:
        """Under the ceiling, from wall to wall."""
        axis, wide, deep = int(self.rng.integers(2)), self.rng.uniform(0.2, 0.35), self.rng.uniform(0.2, 0.35)
        middle = self.rng.uniform(0.25, 0.75) * self.size[axis]
        spans = [(0, self.size[0]), (0, self.size[1])]
        spans[axis] = (middle - wide / 2, middle + wide / 2)
        self._add(slab(*spans, (self.size[2] - deep, self.size[2])), "beam")

    def _furnish(self, wanted: dict[str, tuple[int, int]]) -> None:
        rng = self.rng
        counts = {name: int(rng.integers(least, most + 1)) for name, (least, most) in wanted.items()}
        if self.everything:
            for name in ("bookshelf", "sofa", "desk" if "desk" in wanted else "table", "chair", "small"):
                counts[name] = max(1, counts.get(name, 0))
        tables: list[Mesh] = []
        for name in sorted(counts, key=["bookshelf", "sofa", "desk", "table", "chair", "small"].index):  # largest first
            for _ in range(counts[name]):
                if name == "small":
                    category = str(rng.choice(list(ON_FLOOR)))
                    self._furniture(category, ON_FLOOR[category], tables)
                else:
                    self._furniture(name, SIZES[name], tables)

    def _furniture(self, category: str, size: Size, tables: list[Mesh]) -> None:
        """One thing on the floor; a table gets things on it, a chair goes to a table if it can."""
        mesh = _stood(make_shape(category, self.rng), [self.rng.uniform(*size[i]) for i in (0, 2, 1)], category)
        if category in AGAINST_WALL:
            placed = self._to_wall(mesh, size.label, category)
        else:
            placed = self._to_middle(mesh, size.label, category, tables if category == "chair" else ())
        if placed is not None and size.label == "table":
            tables.append(placed)
            self._things_on(placed, category)

    def _put(self, mesh: Mesh, label: str, category: str | None, gap: float) -> Mesh | None:
        """Add a thing where its mesh stands, unless that is outside, or too near to something else."""
        x0, y0, x1, y1 = rect = _rect(mesh)
        if x0 < 0 or y0 < 0 or x1 > self.size[0] or y1 > self.size[1]:
            return None
        if any(x0 < x3 + gap and x2 < x1 + gap and y0 < y3 + gap and y2 < y1 + gap for x2, y2, x3, y3 in self.taken):
            return None
        self.taken.append(rect)
        other = {PART_NAMES[category].index(part): name for part, name in STRANGE_PARTS.get(category, {}).items()}
        for part, name in [(None, label), *other.items()]:
            own = ~np.isin(mesh.part, list(other)) if part is None else mesh.part == part
            if own.any():
                self._add(Mesh(mesh.vertices, mesh.faces[own], mesh.part[own]), name)
        return mesh

    def _to_wall(self, mesh: Mesh, label: str, category: str | None = None, gap: float = GAP) -> Mesh | None:
        """Put a thing with its back to a wall, and not before what is on the wall."""
        width, depth, height = np.ptp(mesh.vertices, axis=0)
        for _ in range(TRIES):
            side = int(self.rng.integers(4))
            along = self.rng.uniform(width / 2, max(width / 2, self.size[side % 2] - width / 2))
            hidden = [
                one
                for one in self.openings[side]
                if one.low < height and one.left < along + width / 2 and along - width / 2 < one.right
            ]
            if not hidden:
                there = self._to_side(mesh.moved(along, depth / 2 + gap / 2 + 1e-3), side)
                if self._put(there, label, category, gap) is not None:
                    return there
        return None

    def _to_middle(
        self, mesh: Mesh, label: str, category: str, tables: Sequence[Mesh], gap: float = GAP
    ) -> Mesh | None:
        """Put a thing anywhere on the floor; first tries are before one of the tables, if there are any."""
        rng = self.rng
        for attempt in range(TRIES):
            if len(tables) and attempt < TRIES // 2:
                x0, y0, x1, y1 = _rect(tables[int(rng.integers(len(tables)))])
                quarter = int(rng.integers(4))  # which way it looks: +y, -x, -y, +x
                turned = mesh.turned("z", 90 * quarter + rng.normal(0, 8))
                half = np.ptp(turned.vertices[:, :2], axis=0) / 2 + gap + 0.01
                x = [rng.uniform(x0, x1), x1 + half[0], rng.uniform(x0, x1), x0 - half[0]][quarter]
                y = [y0 - half[1], rng.uniform(y0, y1), y1 + half[1], rng.uniform(y0, y1)][quarter]
            else:
                turned = mesh.turned("z", 90 * int(rng.integers(4)) + rng.normal(0, 8))
                x, y = rng.uniform(0, self.size[:2])
            centre = (turned.vertices.min(0) + turned.vertices.max(0)) / 2
            there = self._put(turned.moved(x - centre[0], y - centre[1]), label, category, gap)
            if there is not None:
                return there
        return None

    def _things_on(self, table: Mesh, category: str) -> None:
        """Put some small things on a table's top."""
        rng = self.rng
        top = table.vertices[table.faces[table.part == PART_NAMES[category].index("top")]].reshape(-1, 3)
        middle, half, height = (top.min(0) + top.max(0)) / 2, np.ptp(top, axis=0) / 2, top[:, 2].max()
        rects: list[Rect] = []
        for name in rng.choice(list(ON_TABLE), int(rng.integers(1, 4)), replace=False).tolist():
            size = ON_TABLE[name]
            mesh = _stood(make_shape(name, rng), [rng.uniform(*size[i]) for i in (0, 2, 1)])
            mesh = mesh.turned("z", 90 * int(rng.integers(4)) + rng.normal(0, 10))
            room = 0.7 * half[:2] - np.ptp(mesh.vertices[:, :2], axis=0) / 2  # 0.7: the top may be round
            if (room < 0).any():
                continue
            mesh = mesh.moved(*(middle[:2] + rng.uniform(-room, room)), height)
            x0, y0, x1, y1 = rect = _rect(mesh)
            if not any(x0 < x3 and x2 < x1 and y0 < y3 and y2 < y1 for x2, y2, x3, y3 in rects):
                rects.append(rect)
                self._add(mesh, size.label)


def _rect(mesh: Mesh) -> Rect:
    """The bounds of a mesh seen from above."""
    return (*mesh.vertices[:, :2].min(0).tolist(), *mesh.vertices[:, :2].max(0).tolist())


def _stood(mesh: Mesh, size: Sequence[float], category: str | None = None) -> Mesh:
    """Turn a shape from y up to z up, front to +y, make it as wide, deep and high as wanted, and stand it on z = 0.

    The height of a thing with a top (a table) is that of the top, whatever stands on it.
    """
    mesh = mesh.turned("x", 90).turned("z", 180)
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    extent = high - low
    if category is not None and "top" in PART_NAMES[category]:
        top = mesh.vertices[mesh.faces[mesh.part == PART_NAMES[category].index("top")]]
        extent[2] = top[..., 2].max() - low[2]
    middle = (low + high) / 2
    return mesh.moved(-middle[0], -middle[1], -low[2]).scaled(*(np.asarray(size) / extent).tolist())


def _wall(length: float, height: float, openings: Sequence[Opening]) -> Mesh:
    """The face of a wall, at y = 0, with holes for doors and windows."""
    holes = [one for one in openings if one.kind != "board"]
    along = sorted({0, length, *(x for one in holes for x in (one.left, one.right))})
    up = sorted({0, height, *(z for one in holes for z in (one.low, one.high))})
    return combine(
        quad([x0, 0, z0], [0, 0, z1 - z0], [x1 - x0, 0, 0])
        for x0, x1 in zip(along, along[1:], strict=False)
        for z0, z1 in zip(up, up[1:], strict=False)
        if not any(one.left <= x0 and x1 <= one.right and one.low <= z0 and z1 <= one.high for one in holes)
    )


def _frame(width: float, height: float, thick: float, depth: tuple[float, float]) -> Mesh:
    """Four bars around a rectangle from (0, 0), inside of it."""
    sides = [slab((x, x + thick), depth, (0, height)) for x in (0, width - thick)]
    return combine(sides + [slab((0, width), depth, (z, z + thick)) for z in (0, height - thick)])


def scan_room(pieces: Sequence[Piece], n: int, rng: np.random.Generator) -> np.ndarray:
    """Scan a room from some places in it: what none of them sees is not in the result.

    Args:
        pieces: the room.
        n: points.
        rng: draws the places, the points and the noise.

    Returns:
        (n, 7) float32 as from `make_room`.
    """
    scene = combine((piece.mesh, number) for number, piece in enumerate(pieces))
    points, normals, owner = scene.sample(DENSE, rng)
    seen = np.zeros(len(points), dtype=bool)
    for place in _places(pieces, int(rng.integers(STOPS[0], STOPS[1] + 1)), rng):
        seen |= _visible(points, normals, place)
    found = np.flatnonzero(seen)
    chosen = rng.choice(found, n, replace=len(found) < n)
    owner = owner[chosen]
    colors = np.stack([piece.color for piece in pieces])[owner] * (0.85 + 0.15 * normals[chosen, 2:])
    colors = np.clip(np.round(colors + rng.normal(0, 6, colors.shape)), 0, 255)
    points = points[chosen] + rng.normal(0, rng.uniform(0.002, 0.004), (n, 3))
    labels = np.array([CLASS_NAMES.index(piece.label) for piece in pieces])[owner]
    return np.column_stack([points - points.min(0), colors, labels]).astype(np.float32)


def _places(pieces: Sequence[Piece], count: int, rng: np.random.Generator) -> np.ndarray:
    """Where the scanner stands, (count, 3): in the room, and in nothing that is as high as its eye."""
    inside = next(piece.mesh.vertices for piece in pieces if piece.label == "floor")
    low, high = inside.min(0)[:2] + 0.3, inside.max(0)[:2] - 0.3
    solid = [piece.mesh for piece in pieces if piece.label not in ("floor", "ceiling", "wall", "beam")]
    rects = np.array([_rect(mesh) for mesh in solid if mesh.vertices[:, 2].max() > EYE - 0.1])
    drawn = rng.uniform(low, high, (20 * count, 2))
    if len(rects):
        near = (drawn[:, None] > rects[:, :2] - 0.2).all(-1) & (drawn[:, None] < rects[:, 2:] + 0.2).all(-1)
        drawn = np.concatenate([drawn[~near.any(1)], drawn])
    return np.column_stack([drawn[:count], np.full(count, EYE)])


def _visible(points: np.ndarray, normals: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Which points face a scanner and have none before them in their direction, (M,) bool."""
    ray = points - place.astype(np.float32)
    length = np.linalg.norm(ray, axis=1)
    ray /= length[:, None]
    cosine = -(ray * normals).sum(1)
    columns, rows = PANORAMA
    column = ((np.arctan2(ray[:, 1], ray[:, 0]) / (2 * np.pi) + 0.5) * columns).astype(np.int64).clip(max=columns - 1)
    row = ((np.arcsin(ray[:, 2].clip(-1, 1)) / np.pi + 0.5) * rows).astype(np.int64).clip(max=rows - 1)
    nearest = np.full((rows, columns), np.inf, np.float32)
    np.minimum.at(nearest, (row, column), length)
    # within one direction a slanted surface spans a range of distances
    slant = np.sqrt(1 - np.minimum(cosine**2, 1)) / np.maximum(cosine, 0.05)
    span = length * (2 * np.pi / columns) * (1 + np.minimum(slant, 5))
    # close by, fine directions miss the samples of a surface: what is near has to hide in coarse ones too
    coarse = nearest.reshape(rows // 2, 2, columns // 2, 2).min((1, 3))
    visible = (cosine > 0.05) & (length <= nearest[row, column] + span)
    return visible & (length <= coarse[row // 2, column // 2] + 2 * span)
