"""What shape families share: their registry, recorded random draws, and pieces that many objects have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, frustum, lathe, slab, tube

Pieces = list[tuple[Mesh, int]]


class Draw:
    """Named random draws, recorded so that they can be listed and counted.

    Attributes:
        rng: the generator behind the draws.
        values: the continuous draws by name.
        variant: the structural variant of the shape that is being drawn, if known.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.values: dict[str, float] = {}
        self.variant: str | None = None

    def __call__(self, **ranges: tuple[float, float]) -> SimpleNamespace:
        """Draw each name uniformly from its (low, high) range."""
        drawn = {name: float(self.rng.uniform(low, high)) for name, (low, high) in ranges.items()}
        self.values.update(drawn)
        return SimpleNamespace(**drawn)

    def integer(self, name: str, low: int, high: int) -> int:
        """Draw a whole number, both ends included; `name` says what for, it is not recorded."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, p: float) -> bool:
        """True with probability `p`."""
        return bool(self.rng.random() < p)


@dataclass(frozen=True)
class Family:
    """One category of shapes.

    Attributes:
        name: of the category.
        parts: names of the parts; faces are labelled with positions in it.
        variants: names of the structural variants.
        build: makes the (mesh, part index) pieces of one shape from a variant and a `Draw`.
        more: variants that the demo's small worlds do not have.
        synonyms: other names of the category.
    """

    name: str
    parts: tuple[str, ...]
    variants: tuple[str, ...]
    build: Callable[[str, Draw], Pieces]
    more: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


FAMILIES: dict[str, Family] = {}


def family(
    name: str,
    parts: tuple[str, ...],
    variants: tuple[str, ...],
    more: tuple[str, ...] = (),
    synonyms: tuple[str, ...] = (),
):
    """Decorator that files a `build(variant, draw)` function in `FAMILIES`; arguments as for `Family`."""

    def add(build: Callable[[str, Draw], Pieces]) -> Callable[[str, Draw], Pieces]:
        if name in FAMILIES:
            raise KeyError(f"shape family '{name}' is registered twice")
        FAMILIES[name] = Family(name, parts, variants, build, more, synonyms)
        return build

    return add


def legs(draw: Draw, width: float, depth: float, height: float, thick: float, part: int, count: int = 4) -> Pieces:
    """Legs under a rectangle centred on the y axis, from the floor up to `height`.

    Square, round, tapered or splayed, as drawn; three legs stand in a triangle, more in two rows along x.
    """
    style = draw.integer("leg style", 0, 3)
    x, z = max(width / 2 - thick / 2, thick / 2), max(depth / 2 - thick / 2, thick / 2)
    if count == 3:
        spots = [(0.0, z), (-x * 0.87, -z / 2), (x * 0.87, -z / 2)]
    else:
        spots = [(px, pz) for px in np.linspace(-x, x, max(count // 2, 2)) for pz in (-z, z)]
    splay = draw(leg_splay=(0.0, 0.25)).leg_splay * min(height, x, z) if style == 3 else 0.0
    pieces = []
    for px, pz in spots:
        if style == 0:
            leg = box(thick, height, thick).moved(px, height / 2, pz)
        elif style == 1:
            leg = cylinder(thick / 2, height, 10).moved(px, 0, pz)
        elif style == 2:
            leg = frustum(thick * 0.3, thick * 0.6, height, 8).moved(px, 0, pz)
        else:
            leg = rod((px - np.sign(px) * splay, height, pz - np.sign(pz) * splay), (px, 0, pz), thick / 2)
        pieces.append((leg, part))
    return pieces


def feet(draw: Draw, width: float, depth: float, height: float, thick: float, part: int) -> Pieces:
    """Four short feet, blocks or round, from the floor up to `height`."""
    x, z = width / 2 - thick * 0.6, depth / 2 - thick * 0.6
    if draw.chance(0.4):
        foot = frustum(thick * 0.35, thick * 0.5, height, 8)
    else:
        foot = box(thick, height, thick).moved(y=height / 2)
    return [(foot.moved(sx * x, 0, sz * z), part) for sx in (-1, 1) for sz in (-1, 1)]


def pedestal(height: float, post: float, base: float, part: int, star: int = 0) -> Pieces:
    """Central post on a round plate, or on a star of `star` arms."""
    foot = min(0.12 * height, 0.35 * base)
    pieces = [(cylinder(post, height - foot / 2, 10).moved(y=foot / 2), part)]
    if not star:
        return [*pieces, (frustum(base, base * 0.8, foot, 20), part)]
    arm = slab((-post * 0.7, post * 0.7), (foot * 0.4, foot), (0, base))
    tip = ellipsoid(foot * 0.4, foot * 0.4, foot * 0.4, 6).moved(0, foot * 0.4, base)
    both = combine([arm, tip])
    return [*pieces, *[(both.turned("y", 360 / star * k), part) for k in range(star)]]


def rod(start, end, radius: float | tuple[float, float], sides: int = 8) -> Mesh:
    """Straight round bar between two points, with one radius or one an end."""
    return tube([start, end], radius, sides)


def beam(start, end, width: float, depth: float) -> Mesh:
    """Straight rectangular bar between two points of equal z: `width` in the x-y plane, `depth` along z."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    x, y, _ = end - start
    bar = box(float(np.hypot(x, y)), width, depth).turned("z", float(np.degrees(np.arctan2(y, x))))
    return bar.moved(*(start + end) / 2)


def knob(radius: float) -> Mesh:
    """Round knob that sticks out along +z from the origin."""
    profile = [(0, 0), (radius * 0.5, 0), (radius, radius), (radius * 0.8, radius * 1.5), (0, radius * 1.6)]
    return lathe(profile, 8).turned("x", 90)


def handle(length: float, thick: float, upright: bool = False) -> Mesh:
    """Bar handle on two posts that sticks out along +z from the origin, along x or upright along y."""
    bar = box(length, thick, thick).moved(z=thick * 1.5)
    posts = [box(thick, thick, thick).moved(s * (length - thick) / 2, 0, thick / 2) for s in (-1, 1)]
    mesh = combine([bar, *posts])
    return mesh.turned("z", 90) if upright else mesh


def shell(
    x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], thick: float, part: int, back: bool = True
) -> Pieces:
    """Carcass of boards, open to +z: two sides, bottom, top, and a back if wanted."""
    within = (x[0] + thick, x[1] - thick)
    pieces = [
        (slab((x[0], within[0]), y, z), part),
        (slab((within[1], x[1]), y, z), part),
        (slab(within, (y[0], y[0] + thick), z), part),
        (slab(within, (y[1] - thick, y[1]), z), part),
    ]
    if back:
        pieces.append((slab(within, (y[0] + thick, y[1] - thick), (z[0], z[0] + thick * 0.6)), part))
    return pieces


def squared(mesh: Mesh, roundness: float) -> Mesh:
    """A surface of revolution with its circles bent to superellipses: circles at roundness 1, squares near 0."""
    vertices = mesh.vertices.copy()
    radius = np.linalg.norm(vertices[:, [0, 2]], axis=1, keepdims=True)
    flat = vertices[:, [0, 2]] / np.maximum(radius, 1e-9)
    # Without the cut, rounding noise on an axis would be blown up to a visible offset.
    flat[np.abs(flat) < 1e-6] = 0
    vertices[:, [0, 2]] = np.sign(flat) * np.abs(flat) ** roundness * radius
    return Mesh(vertices, mesh.faces, mesh.part)


def vessel(
    width: float,
    depth: float,
    height: float,
    wall: float,
    roundness: float = 0.4,
    taper: float = 0.8,
    segments: int = 28,
) -> Mesh:
    """Hollow vessel, open above: rim at y = 0, bottom at -height.

    Args:
        width, depth, height: outer measures.
        wall: thickness at the rim.
        roundness: of the outline, see `squared`.
        taper: width at the bottom over width at the rim.
        segments: steps around.
    """
    inner = 1 - 2 * wall / min(width, depth)
    floor = min(wall / height, 0.15) - 1
    profile = [(0, -1), (taper * 0.75, -1), (taper, -0.85), (1, 0), (inner, 0), (taper * inner, -0.8)]
    unit = lathe([*profile, (taper * 0.7 * inner, floor), (0, floor)], segments)
    return squared(unit, roundness).scaled(width / 2, height, depth / 2)


def books(draw: Draw, x: tuple[float, float], height: float, depth: float, part: int) -> Pieces:
    """A row of upright books on y = 0, from x[0] towards x[1], centred on z = 0, none taller than `height`."""
    room = x[1] - x[0]
    thick = np.maximum(draw.rng.uniform(0.1, 0.35, 9) * height, 0.06 * room)
    right = np.cumsum(thick)
    right = right[right < room * draw.rng.uniform(0.35, 1.0)]
    pieces = []
    for end, size in zip(right, thick, strict=False):
        tall, deep = draw.rng.uniform([0.55, 0.6], [0.92, 0.9]) * [height, depth]
        span = (x[0] + end - size, x[0] + end - 0.05 * size)
        pieces.append((slab(span, (0, tall), (-deep / 2, deep / 2)), part))
    return pieces


def ornament(draw: Draw, size: float, part: int) -> Pieces:
    """A small thing that stands at the origin: vase, ball, block, frame or plant."""
    kind = draw.integer("ornament", 0, 4)
    if kind == 0:
        profile = [(0, 0), (0.25, 0), (0.4, 0.35), (0.15, 0.75), (0.22, 1), (0, 1)]
        return [(lathe(profile, 10).scaled(size), part)]
    if kind == 1:
        return [(ellipsoid(size * 0.4, size * 0.4, size * 0.4, 10).moved(y=size * 0.4), part)]
    if kind == 2:
        w, h, d = draw.rng.uniform([0.3, 0.2, 0.3], [1.0, 0.9, 0.7]) * size
        return [(box(w, h, d).moved(y=h / 2), part)]
    if kind == 3:
        return [(box(size * 0.7, size * 0.9, size * 0.08).turned("x", -10).moved(y=size * 0.46), part)]
    pot, bush = frustum(0.18, 0.28, 0.4, 10), ellipsoid(0.35, 0.35, 0.35, 8).moved(y=0.65)
    return [(combine([pot, bush]).scaled(size), part)]


def pillow_mesh(width: float, height: float, depth: float, pinch: float = 0.35, steps: int = 8) -> Mesh:
    """Pillow lying flat: thick in the middle, thin at the seam, its sides drawn in by `pinch`."""
    u, v = np.meshgrid(np.linspace(-1, 1, steps + 1), np.linspace(-1, 1, steps + 1), indexing="ij")
    bulge = ((1 - u**2) * (1 - v**2)) ** 0.4 + 0.04
    x, z = pinched(u, v, pinch)
    top = np.stack([x * width / 2, bulge * height / 2, z * depth / 2], -1).reshape(-1, 3)
    n = len(top)
    grid = np.arange(n).reshape(u.shape)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    above = np.stack([a, b, d, a, d, c], -1).reshape(-1, 3)
    rim = np.concatenate([grid[0, :-1], grid[:-1, -1], grid[-1, :0:-1], grid[:0:-1, 0]])
    after = np.roll(rim, -1)
    walls = np.concatenate([np.stack([rim, rim + n, after + n], -1), np.stack([rim, after + n, after], -1)])
    vertices = np.concatenate([top, top * [1, -1, 1]]).astype(np.float32)
    faces = np.concatenate([above, above[:, ::-1] + n, walls])
    return Mesh(vertices, faces, np.zeros(len(faces), dtype=np.int64))


def pinched(u: np.ndarray, v: np.ndarray, pinch: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the square's point (u, v) lies in a pillow whose sides are drawn in by `pinch`."""
    return u * (1 - pinch / 2 * (1 - v**2) * u**2), v * (1 - pinch / 2 * (1 - u**2) * v**2)


def padded(width: float, height: float, depth: float, soft: bool) -> Mesh:
    """A centred block: a rounded cushion if soft, else a box."""
    return cushion(width, height, depth, 0.25, 16) if soft else box(width, height, depth)


def arch(width: float, height: float, radius: float, steps: int = 8, sides: int = 8) -> Mesh:
    """Round bar bent over in the x-y plane from (-width/2, 0) to (width/2, 0), `height` high."""
    angle = np.linspace(0, np.pi, steps + 1)
    path = np.stack([-np.cos(angle) * width / 2, np.sin(angle) * height, np.zeros(steps + 1)], -1)
    return tube(path, radius, sides)


def moved(pieces: Pieces, x: float = 0, y: float = 0, z: float = 0) -> Pieces:
    """All pieces shifted."""
    return [(mesh.moved(x, y, z), part) for mesh, part in pieces]


def turned(pieces: Pieces, axis: str, degrees: float) -> Pieces:
    """All pieces rotated about an axis through the origin."""
    return [(mesh.turned(axis, degrees), part) for mesh, part in pieces]


def placed(pieces: Pieces, x: float = 0, y: float = 0, z: float = 0, yaw: float = 0, pitch: float = 0) -> Pieces:
    """All pieces pitched about x, then turned about y (degrees), then shifted."""
    pieces = turned(pieces, "x", pitch) if pitch else pieces
    return moved(turned(pieces, "y", yaw) if yaw else pieces, x, y, z)
