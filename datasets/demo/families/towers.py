"""Towers and tall buildings."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.buildings import castle, church, lighthouse, pagoda, skyscraper, wall_windows
from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import both, copies, ring
from datasets.demo.families.solids import bars, lattice, prism
from datasets.demo.mesh import box, combine, cylinder, ellipsoid, lathe, torus, tube


def _iron(draw: Draw, p) -> Pieces:
    """Radio mast, pylon, or iron tower with platforms and arches."""
    h, w = p.height, p.width
    out: Pieces = []
    foot, tip = 1.4 * w, 0.12 * w + 0.1 * w * p.taper
    legs = 3 if draw.chance(0.2) else 4
    levels = draw.integer("levels", 5, 8)
    out.append((lattice(foot, tip, h, p.bend, levels, legs, p.thick), 1))
    u = np.array([0.0, p.share, 0.45 + 0.5 * p.share])
    half = tip + (foot - tip) * (1 - u) ** p.bend
    if draw.chance(0.5):  # platforms and arches, as a famous one has
        out += [(box(2.3 * r, 0.05, 2.3 * r).moved(y=v * h), 2) for r, v in zip(half[1:], u[1:], strict=True)]
        out += [
            (box(0.35 * foot, 0.1, 0.35 * foot).moved(sx * foot, 0.02, sz * foot), 0)
            for sx in (-1, 1)
            for sz in (-1, 1)
        ]
        a = np.linspace(0, np.pi, 9)
        arc = tube(
            np.stack([0.8 * half[1] * np.cos(a), 0.55 * u[1] * h + 0.4 * u[1] * h * np.sin(a), 0 * a], -1), 0.02, 5
        )
        out += [(arc.moved(z=0.95 * half[1] + 0.1).turned("y", k * 90), 4) for k in range(4)]
    elif draw.chance(0.5):  # a pylon
        for k in range(draw.integer("arms", 1, 3)):
            y, reach = h * (0.95 - 0.13 * k), (0.6 + 0.25 * (k == 1)) * w * p.top * 1.4
            arm = bars(
                [
                    ((0, y + 0.12, 0), (reach, y, 0)),
                    ((0, y - 0.02, tip), (reach, y, 0)),
                    ((0, y - 0.02, -tip), (reach, y, 0)),
                ],
                0.5 * p.thick,
                4,
            )
            out += [(both(arm), 2), (both(cylinder(0.02, 0.14, 6).moved(reach, y - 0.14)), 4)]
    else:
        out.append((copies(cylinder(0.1, 0.05, 12).turned("x", 90), ring(4, tip + 0.05, 0.85 * h)[0]), 4))
    out.append((bars([(0, h - 0.05, 0), (0, h + p.mast, 0)], [(0.02, 0.008)], 6), 2))
    if draw.chance(0.4):
        out.append((box(2.6 * foot, 0.06, 2.6 * foot).moved(y=-0.03), 0))
    return out


def _water(draw: Draw, p) -> Pieces:
    """Water tank on legs or on a stem."""
    h, w = p.height, p.width
    out: Pieces = []
    h, r = 0.55 * h, p.base * w
    kind = draw.integer("tank", 0, 2)
    tall = r * p.depth
    if kind == 0:
        tank = ellipsoid(1.15 * r, r * (0.7 + 0.3 * p.taper), 1.15 * r, 20).moved(y=0.8 * r)
    elif kind == 1:
        tank = lathe(
            [(0, -0.12 * r), (r, 0), (r, tall + 0.3), (1.06 * r, tall + 0.3), (0, tall + 0.3 + p.roof * 0.8 * r)],
            20,
        )
    else:
        tank = lathe(
            [
                (0, -0.1),
                (0.3 * r, -0.1),
                (1.3 * r, 0.7 * tall),
                (1.3 * r, tall + 0.1),
                (0.9 * r, tall + 0.2 + 0.3 * p.roof),
                (0, tall + 0.22 + 0.35 * p.roof),
            ],
            20,
        )
    out.append((tank.moved(y=h), 2))
    if kind == 2 or draw.chance(0.3):
        stem = [
            (0, 0),
            (0.55 * r * p.base, 0),
            (0.25 * r, 0.2 * h),
            (0.25 * r, 0.85 * h),
            (0.4 * r, h + 0.05),
            (0, h + 0.05),
        ]
        out.append((lathe(stem, 16), 1))
    else:
        legs = draw.integer("legs", 4, 8)
        lines = [ring(legs, r * (1.25 - 0.3 * f), f * h, 45)[0] for f in (0, 0.5, 1)]
        ends = [(a, b) for k in range(2) for a, b in zip(lines[k], lines[k + 1], strict=True)]
        cross = [
            (a, b)
            for k in range(2)
            for s in (1, -1)
            for a, b in zip(lines[k], np.roll(lines[k + 1], s, 0), strict=True)
        ]
        rungs = [(a, b) for a, b in zip(lines[1], np.roll(lines[1], 1, 0), strict=True)]
        out.append(
            (
                bars(
                    ends + cross + rungs,
                    [1.6 * p.thick] * len(ends) + [0.5 * p.thick] * (len(cross) + len(rungs)),
                    6,
                ),
                1,
            )
        )
        out.append((cylinder(0.08 + 0.1 * r, h, 10), 1))
    if draw.chance(0.5):
        out.append((torus(1.15 * r + 0.04, 0.03, 22, 6).moved(y=h + (0.75 * r if kind == 0 else 0.1)), 4))
    rung = bars([((x, 0, 1.28 * r), (x, h + 0.2, 1.05 * r)) for x in (-0.06, 0.06)], 0.012, 4)
    out.append((rung, 4))
    if draw.chance(0.4):
        out.append((cylinder(1.7 * r, 0.08, 16).moved(y=-0.08), 0))
    return out


def _television(draw: Draw, p) -> Pieces:
    """Television tower with pods and a mast."""
    h, w = p.height, p.width
    out: Pieces = []
    r, h = 0.4 * w, 1.1 * h
    shaft = [
        (0, 0),
        (r * (1 + p.bend), 0),
        (r * (0.7 + 0.3 * p.bend), 0.1 * h),
        (r, 0.35 * h),
        (0.7 * r, 0.8 * h),
        (0, 0.8 * h),
    ]
    out.append((lathe(shaft, 14), 1))
    pod = draw.integer("pod", 0, 2)
    big, y = r * (1.8 + 2.2 * p.share * 4), h * (0.5 + 0.2 * p.taper)
    shape = {
        0: [(0, -0.5), (0.4, -0.5), (1, -0.05), (1, 0.1), (0.7, 0.3), (0.3, 0.55), (0, 0.55)],
        1: [(0, -0.6), (0.5, -0.55), (0.9, -0.3), (1, 0), (0.9, 0.3), (0.5, 0.55), (0, 0.6)],
        2: [
            (0, -0.4),
            (0.6, -0.4),
            (1, -0.25),
            (1, -0.1),
            (0.75, -0.08),
            (0.75, 0.1),
            (0.95, 0.12),
            (0.95, 0.25),
            (0.4, 0.4),
            (0, 0.4),
        ],
    }[pod]
    out.append((lathe([(a * big, b * big * (0.7 + 0.5 * p.depth) * 0.8) for a, b in shape], 20).moved(y=y), 2))
    if draw.chance(0.5):
        out.append(
            (
                lathe([(0, -0.06), (0.55 * big, 0), (0.55 * big, 0.07), (0, 0.1)], 16).moved(y=y + 0.75 * big + 0.1),
                2,
            )
        )
    out.append((torus(1.01 * big * (1 if pod else 0.98), 0.02 + 0.02 * big, 22, 6).moved(y=y), 3))
    mast = [
        (0.45 * r, 0.8 * h),
        (0.45 * r, 0.9 * h),
        (0.22 * r, 0.9 * h),
        (0.22 * r, h + 0.5 * p.mast),
        (0.08 * r, h + p.mast),
    ]
    out.append((lathe([(0, 0.8 * h), *mast, (0, h + p.mast)], 8), 4))
    if draw.chance(0.4):
        struts = bars([(a, [0, 0.25 * h, 0]) for a in ring(3, 1.6 * r * p.base + 0.1, 0)[0]], 0.4 * r, 8)
        out.append((struts, 0))
    else:
        out.append((lathe([(0, 0), (2.4 * p.base * r, 0), (2.2 * p.base * r, 0.12), (0, 0.2)], 18), 0))
    return out


def _watch(draw: Draw, p) -> Pieces:
    """Lookout on stilts."""
    h, w = p.height, p.width
    out: Pieces = []
    h, cabin = 0.5 * h, 1.3 * w * p.top * 0.8
    out.append((lattice(p.base * w, 0.85 * w, h, 1.0, draw.integer("levels", 2, 4), 4, 1.4 * p.thick), 1))
    out.append((box(2.4 * cabin, 0.05, 2.4 * cabin).moved(y=h), 2))
    rail = bars(
        [
            (a, b)
            for y in (h + 0.12, h + 0.22)
            for a, b in zip(
                ring(4, 1.65 * cabin, y, 45)[0], np.roll(ring(4, 1.65 * cabin, y, 45)[0], 1, 0), strict=True
            )
        ],
        0.014,
        4,
    )
    posts = bars([(a, a + [0, 0.24, 0]) for a in ring(4, 1.65 * cabin, h, 45)[0]], 0.016, 4)
    out.append((combine([rail, posts]), 4))
    tall = 0.35 + p.share
    if draw.chance(0.6):
        out += [
            (box(1.7 * cabin, tall, 1.7 * cabin).moved(y=h + tall / 2), 2),
            (wall_windows(0.85 * cabin, (h + 0.6 * tall, h + 0.6 * tall), 0.5 * cabin, 1, 4, False), 3),
        ]
    else:
        out.append((bars([(a, a + [0, tall, 0]) for a in ring(4, 1.2 * cabin, h, 45)[0]], 0.03, 4), 2))
    out.append((prism(1.25 * cabin, 0.0, 0.2 + 0.4 * p.roof, 4).moved(y=h + tall), 2))
    z = p.base * w
    ladder = [((x, 0, 1.15 * z), (x, h, 0.9 * w)) for x in (-0.08, 0.08)]
    steps = [
        ((-0.08, f * h, 1.15 * z + (0.9 * w - 1.15 * z) * f), (0.08, f * h, 1.15 * z + (0.9 * w - 1.15 * z) * f))
        for f in np.linspace(0.08, 0.92, 8)
    ]
    out.append((bars(ladder + steps, 0.014, 4), 4))
    return out


@family(
    "tower",
    parts=("base", "shaft", "top", "window", "detail"),
    variants=("lattice", "church", "lighthouse", "skyscraper", "castle", "water", "television", "watch", "pagoda"),
    synonyms=("church tower", "lighthouse", "skyscraper", "water tower", "clock tower", "radio tower", "watchtower"),
)
def tower(variant: str, draw: Draw) -> Pieces:
    """Tall building or mast."""
    p = draw(
        height=(2.2, 4.2), width=(0.28, 0.55), taper=(0.55, 0.95), base=(1.1, 1.7), top=(1.05, 1.5), roof=(0.3, 1.1),
        size=(0.06, 0.13), thick=(0.015, 0.035), bend=(1.0, 2.6), mast=(0.1, 0.7), share=(0.15, 0.35), depth=(0.6, 1.4),
    )  # fmt: skip
    build = {
        "lattice": _iron, "church": church, "lighthouse": lighthouse, "skyscraper": skyscraper, "castle": castle,
        "water": _water, "television": _television, "watch": _watch, "pagoda": pagoda,
    }[variant]  # fmt: skip
    return build(draw, p)
