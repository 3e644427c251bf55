"""Lamps."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import copies, ring, sleeve, smooth
from datasets.demo.mesh import box, combine, cylinder, ellipsoid, frustum, lathe, tube


@family("lamp", parts=("base", "pole", "shade", "bulb"), variants=("floor", "table", "pendant", "desk", "sphere"))
def lamp(variant: str, draw: Draw) -> Pieces:
    """Floor, table, pendant, jointed desk or globe lamp."""
    d = draw(
        height=(0.8, 1.7), base=(0.12, 0.28), plate=(0.02, 0.07), pole=(0.012, 0.03), shade=(0.16, 0.38),
        shade_height=(0.18, 0.42), top=(0.3, 1.0), belly=(0.5, 1.2), bend=(20, 60),
    )  # fmt: skip
    s, sh, p = d.shade, d.shade_height, d.pole

    def hood(radius, top, height):  # open below and above, with a wall
        return sleeve((radius - 0.012, radius), (top - 0.012, top), height)

    bulb = ellipsoid(0.05, 0.065, 0.05, 10)
    if variant == "floor":
        h = d.height
        kind = draw.integer("stand", 0, 2)
        out: Pieces = [(hood(s, d.top * s, sh).moved(0, h - sh), 2), (bulb.moved(0, h - 0.6 * sh), 3)]
        if kind == 2:  # tripod
            at = ring(3, 1.2 * d.base)[0]
            out.append((combine([tube([(x, 0, z), (0, h - sh, 0)], p, 8) for x, _, z in at]), 0))
            out.append((cylinder(1.5 * p, 0.5 * sh, 10).moved(0, h - sh), 1))
        else:
            foot = (
                frustum(d.base, d.base * (0.95 if kind else 0.5), d.plate)
                if kind
                else box(1.7 * d.base, d.plate, 1.7 * d.base).moved(0, d.plate / 2)
            )
            out += [(foot, 0), (cylinder(p, h - 0.6 * sh, 10), 1)]
        return out
    if variant == "table":
        h = 0.3 + 0.25 * d.height
        r, foot = 0.55 * d.base, 0.8 * d.base
        curve = smooth([(foot, 0.02), (0.5 * r, 0.12 * h), (d.belly * r, 0.45 * h), (0.5 * r, 0.85 * h), (p, h)])
        if draw.chance(0.3):
            curve = np.array([(d.belly * r, 0.02), (d.belly * r, 0.9 * h), (p, h)])
        out = [(lathe([(0, 0), (foot, 0), (foot, 0.02), *curve, (0, h)], 20), 0)]
        out += [
            (cylinder(p, 0.5 * sh, 8).moved(0, h - 0.02), 1),
            (hood(s, d.top * s, sh).moved(0, h), 2),
            (bulb.moved(0, h + 0.45 * sh), 3),
        ]
        return out
    if variant == "pendant":
        h = 0.4 * d.height
        if draw.chance(0.5):
            shade = hood(s, 0.12 * s + 0.02, sh)
        else:
            shade = lathe(
                [
                    *smooth([(s, 0), (0.92 * s, 0.5 * sh), (0.5 * s, 0.9 * sh), (0.02, sh)]),
                    *smooth([(0.02, 0.96 * sh), (0.47 * s, 0.87 * sh), (0.88 * s, 0.48 * sh), (0.96 * s, 0)]),
                ],
                24,
            )
        return [
            (shade, 2),
            (bulb.moved(0, 0.25 * sh), 3),
            (cylinder(0.5 * p, h, 8).moved(0, 0.95 * sh), 1),
            (frustum(0.5 * d.base, 0.4 * d.base, d.plate).moved(0, h + sh - d.plate), 0),
        ]
    if variant == "sphere":
        h = 0.15 + 0.8 * (d.height - 0.8)
        r = 0.6 * s + 0.04
        globe = lathe(
            [
                (0.35 * r, -0.93 * r),
                *smooth([(0.7 * r, -0.7 * r), (r, 0), (0.7 * r, 0.7 * r), (0, r)])[:-1].clip((0, -9)),
                (0, r),
            ],
            22,
        )
        return [
            (frustum(d.base, 0.7 * d.base, d.plate), 0),
            (cylinder(p, h, 10), 1),
            (globe.moved(0, h + 0.9 * r), 2),
            (frustum(0.4 * r, 0.45 * r, 0.1 * r, 14).moved(0, h - 0.05 * r), 3),
        ]
    a, b = 0.35 * d.height, 0.3 * d.height
    lean = np.radians(d.bend)
    elbow = np.array([0, d.plate + a * np.cos(0.6 * lean), -a * np.sin(0.6 * lean)])
    head = elbow + [0, b * np.sin(lean * 0.8), b * np.cos(lean * 0.8)]
    r = 0.35 * s + 0.03
    shade = hood(r, 0.35 * r, 0.5 * sh + 0.03).moved(0, -0.5 * sh)
    joints = copies(ellipsoid(1.8 * p, 1.8 * p, 1.8 * p, 8), [elbow, head, (0, d.plate, 0)])
    arms = combine([tube([(0, 0, 0), elbow], p, 8), tube([elbow, head], p, 8), joints])
    return [
        (frustum(d.base, 0.85 * d.base, d.plate), 0),
        (arms, 1),
        (shade.turned("x", -0.5 * d.bend + 5).moved(*head), 2),
        (bulb.scaled(0.6).moved(0, -0.4 * sh).turned("x", -0.5 * d.bend + 5).moved(*head), 3),
    ]
