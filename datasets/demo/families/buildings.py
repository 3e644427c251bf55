"""Towers of brick and stone."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, moved
from datasets.demo.families.forms import copies, ring, smooth, taper
from datasets.demo.families.solids import bars, prism
from datasets.demo.mesh import Mesh, box, boxes, combine, cylinder, ellipsoid, extrude, lathe, slab, torus


def wall_windows(radius: float, y: tuple[float, float], size: float, rows: int, sides: int, arched: bool) -> Mesh:
    """Rows of dark panes on the walls of a shaft with half width `radius`."""
    pane = box(size, 1.7 * size, 0.05 * radius)
    if arched:
        pane = combine(
            [pane, cylinder(size / 2, 0.05 * radius, 10).turned("x", 90).moved(0, 0.85 * size, -0.025 * radius)]
        )
    levels = np.linspace(*y, rows)
    count = min(sides, 4)
    places = [ring(count, radius, level) for level in levels]
    return copies(pane, np.concatenate([at for at, _ in places]), yaw=np.concatenate([yaw for _, yaw in places]))


def church(draw: Draw, p) -> Pieces:
    """Church or clock tower, with or without its nave."""
    h, w = p.height, p.width
    out: Pieces = []
    h *= 0.62
    shaft = 4 if draw.chance(0.8) else 8
    out.append((prism(w, 0.96 * w, h, shaft), 1))
    out += [(box(2.15 * w * k, 0.06, 2.15 * w * k).moved(y=y), 4) for y, k in ((h, 1), (0.66 * h, 1))]
    out.append((wall_windows(w, (0.2 * h, 0.45 * h), 0.22 * w + p.size, draw.integer("rows", 1, 2), 4, True), 3))
    out.append((wall_windows(0.97 * w, (0.8 * h, 0.8 * h), 0.35 * w, 1, 4, True), 3))
    clock = combine(
        [
            cylinder(0.42 * w, 0.06, 18).turned("x", 90),
            bars([((0, 0, 0.07), (0, 0.3 * w, 0.07)), ((0, 0, 0.07), (0.2 * w, 0.05 * w, 0.07))], 0.015, 4),
        ]
    )
    at, yaw = ring(4, 0.97 * w, 0.58 * h)
    if draw.chance(0.6):
        out.append((copies(clock, at, yaw=yaw), 4))
    roof = p.roof * (1.6 if draw.chance(0.6) else 0.7)
    spire = draw.integer("spire", 0, 2)
    if spire == 0:
        out.append((prism(p.top * 0.95 * w, 0.0, roof + 0.3, 4).moved(y=h), 2))
    elif spire == 1:
        out += [
            (prism(0.85 * w, 0.0, 1.2 * roof + 0.4, 8).moved(y=h), 2),
            (
                copies(
                    prism(0.12 * w, 0, 0.3, 4),
                    [(sx * 0.85 * w, h, sz * 0.85 * w) for sx in (-1, 1) for sz in (-1, 1)],
                ),
                2,
            ),
        ]
    else:  # an onion
        onion = smooth([(0.7, 0), (0.95, 0.25), (0.55, 0.6), (0.12, 0.85), (0.03, 1.2)], 3)
        out.append((lathe([(0, 0), *(onion * [w, 0.6 * roof + 0.4]), (0, 1.2 * (0.6 * roof + 0.4))], 14).moved(y=h), 2))
        roof = 1.2 * (0.6 * roof + 0.4) - 0.35
    y = h + roof + 0.3
    out.append((combine([box(0.03, 0.26, 0.03).moved(y=y + 0.05), box(0.14, 0.03, 0.03).moved(y=y + 0.08)]), 4))
    if draw.chance(0.35):  # the nave behind it
        long, hall = 2.6 * w + 2 * p.share, 0.42 * h
        gable = extrude([(-1.3 * w, 0), (1.3 * w, 0), (1.3 * w, hall), (0, hall + 0.9 * w), (-1.3 * w, hall)], long)
        out.append((gable.moved(z=-w - long / 2 + 0.05), 0))
    out.append((slab((-0.3 * w, 0.3 * w), (0, 0.7 * w), (0.9 * w, 1.02 * w)), 3))
    return out


def lighthouse(draw: Draw, p) -> Pieces:
    """Lighthouse with a gallery and a lantern."""
    h, w = p.height, p.width
    out: Pieces = []
    top, h = p.taper * w * 0.85, 0.75 * h
    n = 8 if draw.chance(0.25) else 18
    flare = [
        (0, 0),
        (p.base * w, 0),
        (w, 0.12 * h),
        (0.5 * (w + top) - 0.05 * w * p.bend, 0.5 * h),
        (top, h),
        (0, h),
    ]
    out.append((lathe(flare if draw.chance(0.5) else [(0, 0), (1.05 * w, 0), (top, h), (0, h)], n), 1))
    deck = p.top * 1.1 * top + 0.04
    out.append((lathe([(0, -0.08), (top, -0.08), (deck, 0), (deck, 0.05), (0, 0.05)], n).moved(y=h), 2))
    posts, _ = ring(10, 0.95 * deck, h)
    out.append(
        (
            combine(
                [
                    bars([(a, a + [0, 0.18, 0]) for a in posts], 0.01, 4),
                    torus(0.95 * deck, 0.012, 18, 4).moved(y=h + 0.18),
                ]
            ),
            4,
        )
    )
    lamp, tall = 0.72 * top, 0.25 + 0.25 * p.share
    out.append((cylinder(0.85 * lamp, tall, 12).moved(y=h + 0.04), 3))
    out.append((bars([(a, a + [0, tall, 0]) for a in ring(8, 0.95 * lamp, h + 0.04)[0]], 0.016, 4), 2))
    cap = [
        (0, 0),
        (1.2 * lamp, 0),
        (0.9 * lamp, 0.5 * p.roof * lamp + 0.03),
        (0.2 * lamp, 0.9 * lamp * p.roof + 0.06),
        (0, 0.95 * lamp * p.roof + 0.06),
    ]
    out.append(
        (
            combine([lathe(cap, n), ellipsoid(0.05, 0.06, 0.05, 8).moved(y=0.95 * lamp * p.roof + 0.1)]).moved(
                y=h + tall + 0.04
            ),
            2,
        )
    )
    out.append((copies(box(p.size, 1.6 * p.size, 0.08), [(0, f * h, (w + (top - w) * f)) for f in (0.3, 0.5, 0.7)]), 3))
    if draw.chance(0.4):
        out.append(
            (
                combine(
                    [
                        box(1.6 * w, 0.8 * w, 1.3 * w).moved(0, 0.4 * w, 0),
                        taper(box(1.8 * w, 0.5 * w, 1.4 * w), 1, 0.05).moved(y=1.05 * w),
                    ]
                ).moved(1.3 * w),
                0,
            )
        )
    else:
        out.append((cylinder(1.6 * p.base * w, 0.1, n).moved(y=-0.1), 0))
    return out


def skyscraper(draw: Draw, p) -> Pieces:
    """High-rise of set-back tiers, sometimes a pair."""
    h, w = p.height, p.width
    out: Pieces = []
    tiers = draw.integer("tiers", 1, 4)
    n = (4, 4, 4, 6, 8, 20)[draw.integer("plan", 0, 5)]
    twist = draw.rng.uniform(-8, 8) if draw.chance(0.25) else 0.0
    y, r, slim = 0.0, w, 1 - 0.4 * (1 - p.taper)
    for k in range(tiers):
        part = h / tiers * (1.25 if k == 0 else 0.85)
        end = r * (slim if draw.chance(0.4) else 1.0)
        body = prism(r, end, part, n).scaled(1, 1, p.depth).turned("y", twist * k)
        out.append((body.moved(y=y), 1))
        if n == 4 and draw.chance(0.5):  # upright fins
            fin = np.linspace(-0.85, 0.85, draw.integer("fins", 3, 6))
            lines = [((f * r, y, r), (f * end, y + part, end)) for f in fin]
            rows = [bars(lines, 0.035 * w, 4).turned("y", 90 * q) for q in range(4)]
            out.append((combine(rows).scaled(1.01, 1, 1.01 * p.depth).turned("y", twist * k), 3))
        else:
            v = np.linspace(0.06, 0.94, draw.integer("floors", 4, 12))
            bands = [
                prism((r + (end - r) * f) * 1.025, (r + (end - r) * f) * 1.025, 0.35 * part / len(v), n).moved(
                    y=f * part
                )
                for f in v
            ]
            out.append((combine(bands).scaled(1, 1, p.depth).turned("y", twist * k).moved(y=y), 3))
        y, r = y + part, end * draw.rng.uniform(0.6, 0.95)
    if draw.chance(0.4):
        out.append((prism(0.8 * r, 0.0, p.roof, n).scaled(1, 1, p.depth).moved(y=y), 2))
        y += 0.8 * p.roof
    else:
        out.append((box(0.8 * r, 0.1, 0.8 * r * p.depth).moved(0, y + 0.05), 2))
    if draw.chance(0.6):
        out.append((bars([(0, y, 0), (0, y + p.mast, 0)], [(0.03, 0.01)], 6), 4))
    if draw.chance(0.5):
        out.append((box(2 * p.base * w * 1.1, 0.12 * h, 2 * p.base * w * p.depth).moved(y=0.06 * h), 0))
    if draw.chance(0.12):
        out += moved(out, x=2.9 * p.base * w)
    return out


def castle(draw: Draw, p) -> Pieces:
    """Keep or turret with battlements or a pointed roof."""
    h, w = p.height, p.width
    sides = (4, 4, 6, 8, 20)[draw.integer("sides", 0, 4)]
    out: Pieces = []
    h, n = 0.5 * h, max(sides, 4)
    flare = [(0, 0), (p.base * w, 0), (w, 0.22 * h), (w * (0.9 + 0.1 * p.taper), h), (0, h)]
    grow = 1 / np.cos(np.pi / n)
    out.append((lathe([(r * grow, y) for r, y in flare], n).turned("y", 180 / n if n <= 8 else 0), 1))
    crown, lip = p.top * w, 0.12 + p.size
    corbel = [
        (0, -lip),
        (w * 0.9, -lip),
        (crown, 0),
        (crown, 0.14),
        (0.8 * crown, 0.14),
        (0.8 * crown, 0.0),
        (0, 0),
    ]
    out.append((lathe([(r * grow, y) for r, y in corbel], n).turned("y", 180 / n if n <= 8 else 0).moved(y=h), 2))
    if draw.chance(0.65):
        if n == 4:
            k = np.linspace(-0.9, 0.9, 4) * crown
            spots = [(x, h + 0.22, s * 0.9 * crown) for x in k for s in (-1, 1)] + [
                (s * 0.9 * crown, h + 0.22, z) for z in k[1:-1] for s in (-1, 1)
            ]
            out.append((copies(box(0.3 * crown, 0.2, 0.2 * crown), spots), 2))
        else:
            count = n if n <= 8 else 10
            at, yaw = ring(count, 0.9 * crown, h + 0.22, 180 / n if n <= 8 else 0)
            out.append((copies(box(3.2 * crown / count, 0.2, 0.2 * crown), at, yaw=yaw), 2))
    else:
        out.append((prism(1.05 * crown, 0.0, 0.6 + p.roof, n).moved(y=h + 0.12), 2))
        if draw.chance(0.5):
            y = h + 0.7 + p.roof
            out.append(
                (combine([box(0.02, 0.4, 0.02).moved(y=y + 0.1), box(0.22, 0.12, 0.012).moved(0.11, y + 0.22)]), 4)
            )
    out.append((wall_windows(0.97 * w, (0.4 * h, 0.8 * h), p.size, 2, n, draw.chance(0.5)), 3))
    out.append((box(0.5 * w, 0.3 * h, 0.2).moved(0, 0.15 * h, p.base * w - 0.09), 3))
    if draw.chance(0.3):
        wall = slab((-3 * w, 3 * w), (0, 0.55 * h), (-0.25 * w, 0.25 * w))
        out += [
            (wall, 0),
            (
                boxes(
                    [[x, 0.55 * h, -0.25 * w] for x in np.linspace(-2.9, 2.6, 9) * w],
                    [[x + 0.3 * w, 0.55 * h + 0.12, 0.25 * w] for x in np.linspace(-2.9, 2.6, 9) * w],
                ),
                0,
            ),
        ]
    return out


def pagoda(draw: Draw, p) -> Pieces:
    """Pagoda with a roof a storey."""
    h, w = p.height, p.width
    out: Pieces = []
    tiers, n = draw.integer("tiers", 3, 6), (4, 4, 6, 8)[draw.integer("plan", 0, 3)]
    y, r, step = 0.1, w, 0.75 * h / tiers
    for _ in range(tiers):
        out.append((prism(0.8 * r, 0.78 * r, 0.75 * step, n).moved(y=y), 1))
        eave = p.top * r + 0.12
        line = [
            (0, 0.02),
            (eave, 0.0),
            (1.02 * eave, 0.05),
            (0.75 * eave, 0.1 * step + 0.03),
            (0.6 * r, 0.45 * step),
            (0, 0.45 * step),
        ]
        grow = 1 / np.cos(np.pi / n)
        out.append((lathe([(a * grow, b) for a, b in line], n).turned("y", 180 / n).moved(y=y + 0.65 * step), 2))
        out.append((wall_windows(0.8 * r, (y + 0.35 * step, y + 0.35 * step), 0.22 * step, 1, 4, False), 3))
        y, r = y + step, r * (0.8 + 0.2 * p.taper)
    out += [
        (prism(p.base * w, p.base * w, 0.1, n), 0),
        (
            lathe([(0, 0), (0.05, 0.05), (0.02, 0.1), (0.05, 0.2), (0.01, 0.3 + p.mast), (0, 0.3 + p.mast)], 8).moved(
                y=y + 0.05
            ),
            4,
        ),
    ]
    return out
