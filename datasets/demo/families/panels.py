"""Casings, keys, dials, drivers and cables, of which devices are composed. Fronts lie in z = 0 and face +z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.demo.families.common import Draw
from datasets.demo.families.forms import along, copies, rounded, smooth, taper
from datasets.demo.mesh import Mesh, box, boxes, cushion, cylinder, frustum, lathe, loft, slab, torus, tube


def casing(draw: Draw, width: float, height: float, depth: float, style: int | None = None) -> Mesh:
    """Centred body of a device: 0 box, 1 round corners seen from the front, 2 soft, 3 narrower in front."""
    style = draw.integer("casing", 0, 3) if style is None else style
    if style == 0:
        return box(width, height, depth)
    if style == 1:
        return rounded(width, height, depth, draw.rng.uniform(0.06, 0.3) * min(width, height), 3)
    if style == 2:
        return cushion(width, height, depth, draw.rng.uniform(0.08, 0.3), 20)
    return along(taper(box(width, depth, height), *draw.rng.uniform(0.86, 0.98, 2)))


def plate(width: float, height: float, thick: float, radius: float = 0) -> Mesh:
    """Flat plate from z = 0 to `thick`, centred, with round corners if `radius` is not 0."""
    if radius:
        return rounded(width, height, thick, radius, 3).moved(z=thick / 2)
    return slab((-width / 2, width / 2), (-height / 2, height / 2), (0, thick))


def puck(radius: float, thick: float, segments: int = 20) -> Mesh:
    """Round plate from z = 0 to `thick`."""
    return along(cylinder(radius, thick, segments))


def bezel(radius: float, thick: float, segments: int = 24) -> Mesh:
    """Ring in the plane z = 0."""
    return torus(radius, thick, segments, 6).turned("x", 90)


def dials(at, radius: float, thick: float, pointer: bool = False) -> Mesh:
    """Turning knobs at (n, 3) places, with a grip across if `pointer`."""
    one = along(frustum(radius, 0.85 * radius, thick, 12))
    out = copies(one, at)
    if not pointer:
        return out
    grips = copies(box(0.35 * radius, 1.7 * radius, 0.6 * thick), np.asarray(at, dtype=float) + [0, 0, thick])
    faces = np.concatenate([out.faces, grips.faces + len(out.vertices)])
    return Mesh(np.concatenate([out.vertices, grips.vertices]), faces, np.zeros(len(faces), dtype=np.int64))


def row(x: float, n: int, y: float = 0, z: float = 0) -> np.ndarray:
    """n places from -x to x."""
    return np.stack([np.linspace(-x, x, n) if n > 1 else np.zeros(1), np.full(n, y), np.full(n, z)], -1)


def keypad(rows: int, columns: int, width: float, height: float, thick: float, round_keys: bool = False) -> Mesh:
    """Centred grid of keys."""
    x, y = ((np.arange(n) + 0.5) / n - 0.5 for n in (columns, rows))
    grid = np.stack([np.repeat(x[None] * width, rows, 0), np.repeat(y[:, None] * height, columns, 1)], -1).reshape(
        -1, 2
    )
    kw, kh = 0.72 * width / columns, 0.7 * height / rows
    if round_keys:
        key = along(frustum(0.5, 0.42, 1, 8)).scaled(min(kw, 1.6 * kh), min(kh, 1.6 * kw), thick)
        return copies(key, np.c_[grid, np.zeros(len(grid))])
    low = np.c_[grid - [kw / 2, kh / 2], np.zeros(len(grid))]
    return boxes(low, low + [kw, kh, thick])


def bored(
    width: float, height: float, depth: float, radius: float, profile: Sequence[tuple[float, float]], y: float = 0.0
) -> tuple[Mesh, Mesh]:
    """Box with a round hole in its front, and what is in the hole, together one closed surface.

    Args:
        width, height, depth: of the box; its front lies in z = 0.
        radius: of the hole.
        profile: (radius, z) of the surface in the hole, from its edge on.
        y: height of the hole's middle over that of the box.
    """
    t = np.linspace(-1, 1, 8, endpoint=False)
    one = np.ones(8)
    u, v = np.concatenate([[t, -one], [one, t], [-t, one], [-one, -t]], 1)
    square = np.stack([u * width / 2, v * height / 2], -1)
    circle = np.stack([u, v], -1) / np.hypot(u, v)[:, None]
    rings = [np.c_[square, np.full(32, -depth)], np.c_[square, np.zeros(32)]]
    rings += [np.c_[circle * r + [0, y], np.full(32, z)] for r, z in [(radius, 0.0), *profile]]
    mesh = loft(np.stack(rings))
    # The wall between box and hole is the second band of faces; the first cap is the back.
    band = np.concatenate([np.repeat(np.arange(len(rings) - 1), 64), np.repeat([0, 9], 32)])
    return tuple(Mesh(mesh.vertices, mesh.faces[m], mesh.part[m]) for m in (band < 2, band >= 2))


def cone_profile(radius: float) -> list[tuple[float, float]]:
    """Of a loudspeaker's driver with surround and dust cap, for `bored` and `driver`."""
    steps = [(0.98, 0.06), (0.9, 0.08), (0.82, 0.0), (0.35, -0.3), (0.3, -0.2), (0.12, -0.14)]
    return [(r * radius, z * radius) for r, z in steps]


def driver(radius: float, segments: int = 20) -> Mesh:
    """Loudspeaker driver that stands out from a closed front."""
    profile = [(0, 0), (1, 0), (1, 0.12), (0.92, 0.2), (0.8, 0.16), (0.35, 0.03), (0.25, 0.1), (0, 0.13)]
    return along(lathe(np.multiply(profile, radius), segments))


def cable(controls: Sequence[Sequence[float]], radius: float, steps: int = 4, sides: int = 5) -> Mesh:
    """Cable along a smooth curve through (n, 3) points."""
    return tube(smooth(controls, steps), radius, sides)


def coil(start: Sequence[float], end: Sequence[float], sag: float, radius: float, turns: int, thick: float) -> Mesh:
    """Coiled cord that hangs between two points."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    t = np.linspace(0, 1, 7 * turns + 1)[:, None]
    first = np.cross(end - start, [0.3, 1, 0.2])
    second = np.cross(end - start, first)
    first, second = (radius * v / np.linalg.norm(v) for v in (first, second))
    angle = 2 * np.pi * turns * t
    path = start + t * (end - start) - 4 * sag * t * (1 - t) * [0, 1, 0]
    return tube(path + np.cos(angle) * first + np.sin(angle) * second, thick, 4)


# Of 0..9, the lit ones of the bars bottom, middle, top, lower and upper left, lower and upper right.
SEGMENTS = (
    "1011111",
    "0000011",
    "1111001",
    "1110011",
    "0100111",
    "1110110",
    "1111110",
    "0010011",
    "1111111",
    "1110111",
)


def digits(draw: Draw, width: float, height: float, thick: float) -> Mesh:
    """Four seven-segment figures of a clock in z = 0, centred."""
    step = width / 4.5
    w, h, t = 0.62 * step, height, 0.14 * height
    bars = [(0, k * h / 2, w, t) for k in (-1, 0, 1)]
    bars += [(i * w / 2, k * h / 4, t, h / 2) for i in (-1, 1) for k in (-1, 1)]
    low, high = [], []
    for x in np.array([-1.75, -0.75, 0.75, 1.75]) * step:
        lit = SEGMENTS[draw.integer("figure", 0, 9)]
        for (bx, by, bw, bh), on in zip(bars, lit, strict=True):
            if on == "1":
                low.append((x + bx - bw / 2, by - bh / 2, 0))
                high.append((x + bx + bw / 2, by + bh / 2, thick))
    return boxes(np.array(low), np.array(high))


def rack(width: float, depth: float, height: float, wire: float = 0.004, count: int = 6) -> Mesh:
    """Wire basket that stands on y = 0."""
    x, z = (np.linspace(-size / 2, size / 2, count) for size in (width, depth))
    low = [(a, 0, z[0]) for a in x] + [(x[0], 0, b) for b in z] + [(a, height, z[0]) for a in x[[0, -1]]]
    high = [(a, 0, z[-1]) for a in x] + [(x[-1], 0, b) for b in z] + [(a, height, z[-1]) for a in x[[0, -1]]]
    low += [(x[0], height, b) for b in z[[0, -1]]]
    high += [(x[-1], height, b) for b in z[[0, -1]]]
    posts = [(a, b) for a in x[[0, -1]] for b in z] + [(a, b) for a in x[1:-1] for b in z[[0, -1]]]
    low += [(a, 0, b) for a, b in posts]
    high += [(a, height, b) for a, b in posts]
    return boxes(np.array(low) - wire, np.array(high) + wire)
