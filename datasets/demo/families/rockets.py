"""Rockets."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, turned
from datasets.demo.families.forms import around, both, copies, cut, ring, sleeve, smooth
from datasets.demo.families.frames import corners
from datasets.demo.mesh import Mesh, box, combine, cylinder, extrude, frustum, lathe, slab, torus, tube, wing

DEMO_ROCKETS = ("classic", "slim", "shuttle", "missile")


@family(
    "rocket", parts=("body", "nose", "fin", "engine"), variants=DEMO_ROCKETS,
    more=("boosters", "capsule", "stubby", "model", "on a pad", "lying missile", "bomb"),
    synonyms=("spaceship", "space rocket", "missile"),
)  # fmt: skip
def rocket(variant: str, draw: Draw) -> Pieces:
    """Upright rocket: body, nose, fins, engine bells."""
    if variant not in DEMO_ROCKETS:
        return _more_rocket(variant, draw)
    d = draw(
        radius=(0.07, 0.17), nose=(0.15, 0.4), fin=(0.1, 0.3), fin_height=(0.14, 0.34), sweep=(0.0, 0.2),
        bell=(0.4, 0.85), waist=(0.6, 1.0), stage=(0.4, 0.65), band=(0.02, 0.06),
    )  # fmt: skip
    r = d.radius
    n = draw.integer("fins", 3, 5)
    cone = lathe([(0.5, 0), (0.35, 0.35), (0.2, 0.5), (0, 0.5)], 14)
    cone = combine([cone, Mesh(cone.vertices * np.float32(0.97), cone.faces[:, ::-1], cone.part)])

    def fins(count, root, span, sweep, radius, y, phase=0.0):
        # A wing turned so that its chord runs along y, its sweep downwards.
        one = wing(root, 0.5 * root, span, sweep, 0.025).turned("x", -90).turned("y", -90).moved(0, y, radius)
        at, yaw = ring(count, 0, 0, phase)
        return copies(one, at, 1.0, yaw), 2

    def bell(width, height):
        return cone.scaled(width, height, width)

    def ogive(radius, segments, straight=0.0, middle=0.7):
        controls = [(radius, top + straight), (middle * radius, top + 0.5 * (1 - top)), (0, 1)]
        return lathe([(0, top), (radius, top), *smooth(controls).clip((0, -1)), (0, 1)], segments), 1

    if variant == "classic":
        r *= 1.3
        curve = smooth([(d.waist * 0.7 * r, 0), (r, 0.35), (0.9 * r, 0.65), (0.5 * r, 0.88), (0.02, 1)])
        out = cut(lathe([(0, 0), *curve.clip((0, -1)), (0, 1)], 24), 1 - 0.7 * d.nose, 0, 1)
        span, at = 0.4 * r + d.fin * 0.8, 0.5 * d.fin_height + 0.02
        out.append(fins(n, d.fin_height, span, 0.1 + d.sweep, 0.75 * d.waist * r, at))
        out.append((bell(r * d.bell * 1.6, 0.2).moved(0, -0.09), 3))
        if draw.chance(0.5):
            out.append((torus(0.25 * r, 0.06 * r, 14, 6).turned("x", 90).moved(0, 0.6, 0.9 * r), 0))
        return out
    r = 0.75 * r
    top = 1 - d.nose * 0.8
    tip = d.waist * r
    if variant == "missile":
        out = [(cylinder(r, top, 20), 0), ogive(r, 20), (bell(1.6 * r * d.bell, 0.08).moved(0, -0.035), 3)]
        out.append(fins(4, 0.8 * d.fin_height, 0.5 * d.fin + r * 0.4, 0.5 * d.sweep, 0.9 * r, 0.45 * d.fin_height))
        if draw.chance(0.6):
            span, turn = 0.3 * d.fin + r * 0.3, 45 * draw.integer("cross", 0, 1)
            out.append(fins(4, 0.3 * d.fin_height, span, 0.3 * d.sweep, 0.9 * r, d.stage + 0.1, turn))
        return out
    if variant == "slim":
        s = d.stage
        band = [(1.02 * r, s), (1.02 * r, s + d.band), (tip, s + 0.08 + d.band)]
        out = [(lathe([(0, 0), (r, 0), (r, s), *band, (tip, top), (0, top)], 22), 0), ogive(tip, 22, 0.02, 0.75)]
        if draw.chance(0.5):
            out.append((frustum(0.1 * tip, 0.08 * tip, 0.12, 8).moved(0, 0.99), 1))
        out.append(fins(n, 0.6 * d.fin_height, 0.35 * d.fin, 0.04, 0.95 * r, 0.4 * d.fin_height))
        out.append((copies(bell(0.75 * r, 0.14), ring(draw.integer("bells", 3, 5), 0.55 * r, -0.06)[0]), 3))
        return out
    # An orbiter on a tank between two boosters.
    tank = [(lathe([(0, 0.12), (0.6 * r, 0.13), (r, 0.18), (r, top), (0, top)], 20), 0), ogive(r, 20)]
    b = r * (0.35 + 0.25 * d.bell)
    booster = [
        (cylinder(b, 0.8 * top, 14), 0),
        (frustum(b, 0.1 * b, 0.12, 14).moved(0, 0.8 * top), 1),
        (bell(2.2 * b, 0.12).moved(0, -0.055), 3),
    ]
    out = tank + [(both(mesh.moved(r + b)), part) for mesh, part in booster]
    if draw.chance(0.6):
        z = r + 0.55 * r
        length = 0.45 + 0.3 * (d.stage - 0.4)
        hull = lathe([(0, 0), (0.6 * r, 0), (0.6 * r, 0.75 * length), (0.4 * r, 0.93 * length), (0, length)], 16)
        hull = hull.moved(0, 0.08, z)
        plane = wing(0.55 * length, 0.15, r + 0.7 * d.fin, 0.12 + 0.5 * d.sweep, 0.025).turned("x", -90)
        plane = plane.moved(0.4 * r, 0.08 + 0.3 * length, z - 0.3 * r)
        fin = slab((-0.012, 0.012), (0.06, 0.06 + 0.22 * length), (z + 0.4 * r, z + 0.6 * r + 0.4 * d.fin))
        out += [(hull, 0), (combine([both(plane), fin]), 2), (both(bell(0.6 * r, 0.1).moved(0.3 * r, 0.04, z)), 3)]
    else:
        span, at = 0.6 * d.fin, 0.12 + 0.4 * d.fin_height
        out.append(fins(n, 0.6 * d.fin_height, span, d.sweep * 0.5, 0.95 * r, at, 45))
    return out


def _more_rocket(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.05, 0.09), nose=(0.12, 0.3), stage=(0.35, 0.6), waist=(0.6, 1.0), fin=(0.06, 0.16),
        sweep=(0.02, 0.16), bell=(0.5, 0.9),
    )  # fmt: skip
    r, n = d.radius, draw.integer("fins", 3, 4)

    def fins(count: int, root: float, out: float, low: float, at: float, phase: float = 0.0) -> tuple[Mesh, int]:
        shape = [(0, 0), (out, -d.sweep), (out, root * 0.45 - d.sweep), (0, root)]
        one = extrude(shape, 0.018).turned("y", -90).moved(0, low, at)
        return copies(one, np.zeros((count, 3)), 1, phase + np.arange(count) * 360 / count), 2

    def tip(radius: float, low: float, high: float) -> tuple[Mesh, int]:
        curve = smooth([(radius, low), (0.75 * radius, low + 0.5 * (high - low)), (0, high)], 4).clip((0, -1))
        return lathe([(0, low), *curve], 18), 1

    def bell(radius: float, height: float) -> Mesh:
        return lathe([(0, 0), (0.9 * radius, -height), (radius, -height), (0.35 * radius, 0), (0, 0)][::-1], 12)

    top = 1 - d.nose
    if variant in ("boosters", "on a pad"):
        out: Pieces = [(cylinder(r, top, 20), 0), tip(r, top, 1)]
        k = draw.integer("boosters", 2, 6) if variant == "boosters" else draw.integer("boosters", 0, 4)
        if k:
            b, high = 0.6 * r * (0.6 + 0.4 * d.waist), d.stage * 1.1
            at = around(np.arange(k) * 360.0 / k, r + b, 0.0)
            one = [
                (cylinder(b, high, 12), 0),
                (frustum(b, 0.1 * b, 0.1, 12).moved(y=high), 1),
                (bell(0.9 * b, 0.06), 3),
            ]
            out += [(copies(mesh, at), part) for mesh, part in one]
        out.append((bell(r * d.bell, 0.08), 3))
        if variant == "on a pad":
            x = 2.6 * r + 0.05
            tower = corners(box(0.015, 0.9, 0.015).moved(y=0.45), 0.05, 0.05, 0)
            tower += [
                (box(0.11, 0.012, 0.11).moved(y=y), 0) for y in np.linspace(0.1, 0.9, draw.integer("floors", 4, 8))
            ]
            out += moved(tower, x) + [(slab((r, x), (y, y + 0.02), (-0.02, 0.02)), 0) for y in (0.4, 0.75)]
            out.append((slab((-2.5 * r - 0.1, x + 0.12), (-0.14, -0.09), (-2 * r - 0.1, 2 * r + 0.1)), 0))
        elif draw.chance(0.5):
            out.append(fins(k, 0.15, d.fin, 0.0, r + 0.5 * r, 180 / k))
        return out
    if variant == "capsule":
        s, w = d.stage, d.waist * r
        body = [
            (0, 0),
            (r, 0),
            (r, s),
            (w, s + 0.06),
            (w, top - 0.1),
            (1.05 * w, top - 0.1),
            (1.05 * w, top - 0.02),
            (0.5 * w, top + 0.07),
            (0, top + 0.07),
        ]
        out = [(lathe(body, 20), 0), (frustum(1.05 * w, 0.35 * w, 0.12, 18).moved(y=top - 0.03), 1)]
        out.append((cylinder(0.1 * w, 1 - top, 8).moved(y=top + 0.05), 1))
        bars = [tube([a, (0, top + 0.1, 0)], 0.006, 4) for a in around(np.arange(3) * 120.0, 0.4 * w, top + 0.05)]
        out.append((combine(bars), 1))
        out.append((copies(bell(0.4 * r * d.bell, 0.06), around(np.arange(4) * 90.0, 0.55 * r, 0.0)), 3))
        return out + [fins(4, 0.1, d.fin * 0.7, 0.05, 0.95 * r)]
    if variant == "stubby":  # a toy or a comic's rocket on its fins
        r *= 2.2
        k = draw(tail=(0.4, 0.7), belly=(0.32, 0.48), shoulder=(0.7, 0.95))
        curve = smooth([(k.tail * r, 0.12), (r, k.belly), (k.shoulder * r, 0.65)], 5)
        out = [(lathe([(0, 0.12), *curve, (0, 0.65)], 22), 0), tip(k.shoulder * r, 0.65, 1)]
        a = np.linspace(0, 1, 6)
        outline = np.stack([0.4 * r + (d.fin * 2 + 0.3 * r) * a, 0.45 - 0.45 * a**1.6], -1)
        inner = np.stack([0.4 * r + (d.fin * 1.6 + 0.2 * r) * a[::-1], 0.18 - 0.18 * a[::-1] ** 2], -1)
        one = extrude(np.concatenate([outline, inner]), 0.03).turned("y", -90)
        out.append((copies(one, np.zeros((n, 3)), 1, np.arange(n) * 360 / n), 2))
        out.append((bell(0.5 * r * d.bell, 0.07).moved(y=0.13), 3))
        if draw.chance(0.7):
            out.append((torus(0.3 * r, 0.05 * r, 16, 6).turned("x", 90).moved(0, 0.58, 0.9 * r), 0))
        return out
    if variant == "model":
        r *= 0.6
        out = [
            (cylinder(r, top, 16), 0),
            tip(r, top, 1),
            fins(n, 0.22, d.fin, 0.02, 0.95 * r),
            (cylinder(0.6 * r, 0.03, 12).moved(y=-0.03), 3),
        ]
        return out + [(cylinder(0.008, 1.1, 6).moved(r + 0.01, -0.1, 0), 0)] if draw.chance(0.4) else out
    if variant == "lying missile":
        out = [
            (cylinder(0.8 * r, top, 18), 0),
            tip(0.8 * r, top, 1),
            fins(4, 0.14, d.fin, 0.03, 0.78 * r, 45),
            (bell(0.6 * r, 0.03), 3),
        ]
        if draw.chance(0.7):
            out.append(fins(4, 0.12, d.fin * 0.7, d.stage, 0.78 * r, 45))
        return turned(out, "x", 90)
    # a bomb: a fat drop with a boxed tail
    r *= 2
    curve = smooth([(0.25 * r, 0.1), (0.7 * r, 0.3), (r, 0.6), (0.8 * r, 0.85)], 4)
    out = [
        (lathe([(0, 0.1), *curve, (0, 0.85)], 20), 0),
        tip(0.8 * r, 0.85, 1),
        fins(4, 0.3, 0.55 * r + d.fin * 0.4, 0.12, 0.25 * r),
    ]
    out.append(
        (
            sleeve((0.65 * r, 0.72 * r), (0.65 * r, 0.72 * r), 0.1 * d.bell, 4 if draw.chance(0.5) else 18).moved(
                y=0.02
            ),
            2,
        )
    )
    return turned(out, "x", 180 if draw.chance(0.6) else 90)
