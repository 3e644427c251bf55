"""Cones."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import cut, sleeve, smooth
from datasets.demo.mesh import Mesh, box, cylinder, ellipsoid, frustum, lathe, torus

DEMO_CONES = ("traffic", "plain", "party", "icecream")


@family(
    "cone", parts=("cone", "base", "band"), variants=DEMO_CONES,
    more=("delineator", "stack", "witch hat", "slanted", "collapsible", "row", "stepped"),
    synonyms=("traffic cone", "road cone", "pylon", "party hat"),
)  # fmt: skip
def cone(variant: str, draw: Draw) -> Pieces:
    """Traffic cone, plain cone, party hat or ice cream cone."""
    if variant not in DEMO_CONES:
        return _more_cone(variant, draw)
    d = draw(
        radius=(0.2, 0.5), tip=(0.0, 0.2), base=(1.15, 1.7), plate=(0.03, 0.1), band=(0.3, 0.6), width=(0.1, 0.22),
        scoop=(1.0, 1.25), bulge=(-0.04, 0.04),
    )  # fmt: skip
    r, tip = d.radius, d.tip * d.radius

    def at(t):
        return r + (tip - r) * t

    if variant == "traffic":
        r *= 0.8
        tip = max(tip, 0.06)
        y = d.plate
        out = [(frustum(r, tip, 1, 24).moved(0, y), 0)]
        half = d.base * r
        if draw.chance(0.7):
            out.append((box(2 * half, y, 2 * half).moved(0, y / 2), 1))
        else:
            out.append((cylinder(half, y, draw.integer("sides", 6, 8)), 1))
        for k in range(draw.integer("bands", 1, 2)):
            a, b = d.band - 0.25 * k, d.band + d.width * (1 - 0.3 * k) - 0.25 * k
            out.append(
                (
                    lathe([(at(a) - 0.01, a), (at(a) + 0.012, a), (at(b) + 0.012, b), (at(b) - 0.01, b)], 24).moved(
                        0, y
                    ),
                    2,
                )
            )
        return out
    if variant == "plain":
        return cut(
            lathe([(0, 0), (r, 0), (r, 0.5 * d.plate), (0.5 * r + d.bulge, 0.5), (0.3 * tip, 1), (0, 1)], 28),
            0.45 * d.plate,
            1,
            0,
        )
    if variant == "party":
        shell = lathe(
            [
                (r - 0.012, 0),
                (r, 0),
                (0.5 * r + 0.5 * d.bulge, 0.5),
                (0.015, 1),
                (0.0, 0.97),
                (0.5 * r - 0.02, 0.48),
                (r - 0.012, 0),
            ],
            26,
        )
        out = [(shell, 0), (ellipsoid(0.04 + 0.25 * tip, 0.04 + 0.25 * tip, 0.04 + 0.25 * tip, 10).moved(0, 1), 2)]
        out.append((torus(r, 0.3 * d.plate, 26, 6), 1))
        if draw.chance(0.5):
            a = d.band
            out.append((torus(at(a), 0.02, 22, 6).moved(0, a), 2))
        return out
    r *= 0.75
    out = [(lathe([(0, 0), (0.2 * tip + 0.01, 0), (r, 1), (0.92 * r, 1), (0, 0.75)], 24), 0)]
    out.append((torus(r, 0.3 * d.plate + 0.01, 24, 6).moved(0, 0.98), 1))
    if draw.chance(0.75):
        s = d.scoop * r
        for k in range(draw.integer("scoops", 1, 2)):
            out.append((ellipsoid(s, 0.9 * s, s, 18).scaled(1 - 0.2 * k).moved(0, 1 + 0.35 * s + 1.1 * s * k), 2))
    if draw.chance(0.4):  # a waffle cone held upside down
        out = [(mesh.turned("x", 180), part) for mesh, part in out]
    return out


def _more_cone(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.2, 0.42), tip=(0.04, 0.2), base=(1.15, 1.7), plate=(0.03, 0.09), band=(0.2, 0.5), width=(0.1, 0.22),
        bend=(-0.15, 0.15),
    )  # fmt: skip
    r, tip, y, half = d.radius, d.tip * d.radius + 0.01, d.plate, d.base * d.radius
    plate = (
        box(2 * half, y, 2 * half).moved(y=y / 2)
        if draw.chance(0.6)
        else cylinder(half, y, draw.integer("sides", 6, 24))
    )

    def at(t: float) -> float:
        return r + (tip - r) * t

    def band(low: float, high: float) -> tuple[Mesh, int]:
        return sleeve((at(low) - 0.01, at(low) + 0.012), (at(high) - 0.01, at(high) + 0.012), high - low).moved(
            y=y + low
        ), 2

    one: Pieces = [(frustum(r, tip, 1, 24).moved(y=y), 0), (plate, 1), band(d.band, d.band + d.width)]
    if variant == "stack":
        n = draw.integer("cones", 2, 6)
        return [(mesh.moved(y=k * (0.1 + y)), part) for k in range(n) for mesh, part in one]
    if variant == "row":
        n = draw.integer("cones", 2, 4)
        return [(mesh.moved(x=k * (2.3 * half + d.width)), part) for k in range(n) for mesh, part in one]
    if variant == "delineator":
        r = 0.6 * r
        tip = 0.7 * r
        out: Pieces = [
            (frustum(r, tip, 1, 20).moved(y=y), 0),
            (plate, 1),
            band(0.5, 0.5 + 0.6 * d.width),
            band(0.72, 0.72 + 0.6 * d.width),
        ]
        return [*out, (torus(0.8 * tip, 0.025, 14, 6).turned("x", 90).moved(y=y + 1.0 + 0.6 * tip), 2)]
    if variant == "witch hat":
        k = draw(brim=(0.9, 1.5), pinch=(0.32, 0.55), crook=(0.12, 0.28))
        brim = k.brim * half
        curve = smooth([(0.8 * r, 0.04), (k.pinch * r, 0.4), (k.crook * r, 0.8), (0.01, 1.1)], 4)
        body = lathe([(0, 0.04), *curve, (0, 1.1)], 22)
        v = body.vertices.copy()
        v[:, 0] += d.bend * 2 * (v[:, 1] / 1.1) ** 3
        flat = lathe([(0, 0), (brim, 0.02), (brim, 0.04), (0.8 * r, 0.05), (0, 0.05)], 26)
        return [
            (Mesh(v, body.faces, body.part), 0),
            (flat, 1),
            (sleeve((0.7 * r, 0.82 * r), (0.6 * r, 0.75 * r), 0.12).moved(y=0.04), 2),
        ]
    if variant == "slanted":  # an oblique cone, or one with few sides
        body = frustum(r, 0.0 if draw.chance(0.5) else tip, 1, draw.integer("faces", 3, 26))
        v = body.vertices.copy()
        v[:, 0] += 3 * d.bend * v[:, 1]
        return [(Mesh(v, body.faces, body.part).moved(y=0.3 * y), 0), (cylinder(1.02 * r, 0.3 * y, 26), 1)]
    if variant == "collapsible":
        n = draw.integer("rings", 4, 8)
        edge = np.linspace(0, 1, n + 1)
        profile = (
            [(0, 0)]
            + [(at(a) * k, a + s) for a in edge[:-1] for k, s in ((1.0, 0), (1.0, 0.6 / n), (0.9, 0.65 / n))]
            + [(0, 1)]
        )
        return [
            (lathe(profile, 22).moved(y=y), 0),
            (plate, 1),
            (cylinder(0.6 * tip + 0.02, 0.12, 10).moved(y=y + 0.98), 2),
        ]
    steps = draw.integer("steps", 3, 7)  # stepped
    out = [
        (cylinder(at(k / steps), 1 / steps, 20).moved(y=y + k / steps), 0 if k % 2 == 0 else 2) for k in range(steps)
    ]
    return [*out, (plate, 1)]
