"""Hulls, and what ships carry on theirs; the bow is at +z."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces
from datasets.demo.families.forms import both, copies, taper
from datasets.demo.families.solids import bars
from datasets.demo.mesh import (
    Mesh,
    box,
    boxes,
    combine,
    cushion,
    cylinder,
    ellipsoid,
    frustum,
    loft,
    sheet,
    slab,
    torus,
)


def hull(p, length: float, beam: float, depth: float, stern: float, full: float, square: float, rows: int = 13):
    """Stations (rows, 9, 3) of a hull from stern to bow, each from rail to rail; the keel amidships is at y = 0.

    Args:
        p: draws `sheer` (rise of the rail to the ends), `rake` (of the stem) and `flare` (of the sides).
        length, beam, depth: of the hull.
        stern: width at the stern over the beam.
        full: how long it stays wide towards the bow, 1 for a lens, 4 for a barge.
        square: of the midship section, 1 for a round one, near 0 for a box.
        rows: number of stations.
    """
    t = np.linspace(0, 1, rows) ** 0.85
    aft = np.minimum(t / 0.4, 1)
    half = beam / 2 * np.minimum(stern + (1 - stern) * np.sin(aft * np.pi / 2), 1)
    half *= np.maximum(1 - np.maximum((t - 0.4) / 0.6, 0) ** full, 0.012) ** (0.6 if full > 2 else 0.9)
    rail = depth * (1 + p.sheer * ((t - 0.35) / 0.65) ** 2)
    keel = depth * (
        0.45 * np.maximum(1 - t / 0.3, 0) ** 2 * (0.3 + p.rake) + 0.3 * np.maximum((t - 0.75) / 0.25, 0) ** 2
    )
    a = np.linspace(-np.pi / 2, np.pi / 2, 9)[None]
    across = np.sign(np.sin(a)) * np.abs(np.sin(a)) ** square
    down = np.cos(a).clip(0) ** square
    y = rail[:, None] - (rail - keel)[:, None] * down
    x = across * half[:, None] * (1 - p.flare * down)
    z = (t[:, None] - 0.5) * length + p.rake * depth * (y / depth - 0.5) * t[:, None] ** 3
    return np.stack([x, y, z], -1)


def rail(grid: np.ndarray, share: float) -> tuple[float, float, float]:
    """Half width, height and z of the rail at a share of the length from the stern."""
    at = share * (len(grid) - 1)
    return tuple(
        float(np.interp(at, np.arange(len(grid)), np.abs(grid[:, 0, k]) if k == 0 else grid[:, 0, k])) for k in range(3)
    )


def _tiers(
    draw: Draw, width: float, length: float, floor: float, z: float, levels: int, step: float, shrink: float
) -> Pieces:
    """Deckhouse of `levels` levels, each smaller than the one below, with a band of windows on the top one."""
    out: Pieces = []
    for k in range(levels):
        f = shrink**k
        out.append(
            (
                taper(box(width * f, step, length * f), 0.97, 0.94).moved(
                    0, floor + step * (k + 0.5), z - 0.15 * k * length * (1 - f)
                ),
                1,
            )
        )
    top = floor + step * levels
    band = slab(
        (-0.49 * width * f, 0.49 * width * f),
        (top - 0.6 * step, top - 0.25 * step),
        (z - 0.3 * length * f, z + 0.505 * length * f),
    )
    out.append((band, 1))
    return out


def _square_sail(width: float, height: float, belly: float, thick: float) -> Mesh:
    """Sail across the ship, hanging down from a yard at the origin and blown forward."""
    v, u = np.meshgrid(np.linspace(0, 1, 5), np.linspace(-1, 1, 7), indexing="ij")
    bulge = belly * height * np.sin(np.pi * v.clip(0.05, 0.95)) * (1 - 0.5 * u**2)
    return sheet(np.stack([u * width / 2 * (0.9 + 0.1 * v), -height * v, bulge], -1), thick)


def freighter(draw: Draw, p, grid: np.ndarray, length: float, beam: float, depth: float, tug: bool = False) -> Pieces:
    """Bridge and load for a cargo ship or a tug."""
    out: Pieces = []
    deck = depth
    z0 = -length / 2
    z = 0.08 * length if tug else z0 + 0.14 * length if draw.chance(0.75) else 0.36 * length
    levels = draw.integer("levels", 2, 3) if tug else draw.integer("levels", 3, 5)
    out += _tiers(
        draw,
        (0.55 if tug else 0.85) * beam,
        (0.28 if tug else 0.11) * length,
        deck - 0.02,
        z,
        levels,
        0.22 * depth + 0.06,
        0.85 if tug else 0.97,
    )
    top = deck + levels * (0.22 * depth + 0.06)
    stack = frustum(0.1 * beam, 0.09 * beam, 0.3 * depth + 0.4 * p.house, 12)
    out.append((stack.moved(0, top - 0.2 * depth, z - (0.18 if tug else 0.06) * length), 4))
    out.append(
        (
            bars(
                [
                    ((0, top - 0.1, z), (0, top + 0.5 * p.mast * depth, z)),
                    ((0, deck, 0.44 * length), (0, deck + 0.9 * p.mast * depth, 0.44 * length)),
                ],
                0.018,
            ),
            2,
        )
    )
    if tug:
        ring_at = [rail(grid, f) for f in np.linspace(0.05, 0.9, 7)]
        out.append(
            (both(copies(torus(0.09, 0.04, 10, 5).turned("z", 90), [(w, y - 0.12, zz) for w, y, zz in ring_at])), 4)
        )
        out.append((cylinder(0.08, 0.25, 10).moved(0, deck, z0 + 0.2 * length), 4))
    else:
        load = draw.integer("load", 0, 2)
        span = sorted((z + 0.09 * length, 0.40 * length)) if z < 0 else (z0 + 0.08 * length, z - 0.1 * length)
        if load == 0:  # containers
            count = draw.integer("bays", 4, 8)
            edge = np.linspace(*span, count + 1)
            rows = draw.integer("rows", 3, 5)
            tier = 0.17 * depth + 0.05
            xs = np.linspace(-0.44, 0.44, rows + 1) * beam
            cells = [
                (xs[i], xs[i + 1], a, b, draw.integer("stack", 1, 4))
                for a, b in zip(edge, edge[1:], strict=False)
                for i in range(rows)
            ]
            low = [[x0 + 0.01, deck, a + 0.015] for x0, _, a, _, _ in cells]
            high = [[x1 - 0.01, deck + n * tier, b - 0.015] for _, x1, _, b, n in cells]
            out.append((boxes(np.array(low), np.array(high)), 4))
        elif load == 1:  # hatches and cranes
            edge = np.linspace(*span, draw.integer("hatches", 3, 6) + 1)
            out.append(
                (
                    boxes(
                        [[-0.3 * beam, deck, a + 0.05] for a in edge[:-1]],
                        [[0.3 * beam, deck + 0.14, b - 0.08] for b in edge[1:]],
                    ),
                    4,
                )
            )
            jib = 0.55 * length / len(edge)
            cranes = [((0, deck, a), (0, deck + 0.9 * depth, a)) for a in edge[1:-1]]
            arms = [((0, deck + 0.7 * depth, a), (0, deck + 0.95 * depth, a + jib)) for a in edge[1:-1]]
            out.append((bars([*cranes, *arms], [0.05] * len(cranes) + [0.03] * len(arms), 8), 2))
        else:  # pipes and tanks
            pipes = [((x, deck + 0.1, span[0]), (x, deck + 0.1, span[1])) for x in (-0.08 * beam, 0, 0.08 * beam)]
            out.append((bars(pipes, 0.025), 4))
            if draw.chance(0.5):
                r = 0.36 * beam
                balls = np.arange(span[0] + r, span[1] - r + 1e-6, 2.1 * r)
                out.append((copies(ellipsoid(r, r, r, 14), [(0, deck, b) for b in balls]), 4))
    return out


def warship(draw: Draw, p, grid: np.ndarray, length: float, beam: float, depth: float) -> Pieces:
    """Superstructure and guns for a warship, or the flat deck of a carrier."""
    out: Pieces = []
    deck = depth
    long = p.house * length
    if draw.chance(0.2):  # an aircraft carrier
        k = draw(island=(0.25, 0.5), overhang=(1.1, 1.7))
        x, z, w = 0.36 * beam * k.overhang, -0.05 * length, 0.5 * beam * k.overhang
        out.append((box(2 * w, 0.05, 0.98 * length).moved(0, deck + 0.02, -0.01 * length), 1))
        out.append((taper(box(0.3 * beam, 0.9 * depth, 0.4 * long), 0.85, 0.8).moved(x, deck + 0.45 * depth, z), 1))
        out.append((bars([(x, deck + 0.8 * depth, z), (x, deck + (1.1 + k.island) * depth, z)], 0.03), 2))
        places = [(s * 0.3 * beam, deck + 0.07, f * length) for f in (-0.4, -0.3, 0.25) for s in (-1, 1)]
        plane = combine([box(0.05, 0.05, 0.24), box(0.2, 0.02, 0.08)])
        out.append((copies(plane, places[: draw.integer("planes", 1, 6)]), 4))
        return out
    out += _tiers(
        draw, 0.6 * beam, long, deck - 0.02, 0.02 * length, draw.integer("levels", 2, 4), 0.25 * depth + 0.05, 0.72
    )
    top = deck + 2 * (0.25 * depth + 0.05)
    mast = 0.7 * p.mast * depth + 0.3
    out.append(
        (
            bars(
                [
                    ((0, top, 0.02 * length), (0, top + mast, 0.0)),
                    ((-0.2 * beam, top + 0.7 * mast, 0), (0.2 * beam, top + 0.7 * mast, 0)),
                ],
                0.03,
            ),
            2,
        )
    )
    if draw.chance(0.8):
        out.append((cylinder(0.06 * beam, 0.06, 10).moved(0, top + mast, 0), 2))
    for k in range(draw.integer("funnels", 1, 2)):
        funnel = taper(box(0.3 * beam, 0.7 * depth, 0.08 * length), 0.8, 0.7, -0.03)
        out.append((funnel.moved(0, deck + 0.6 * depth, -0.1 * length - 0.16 * k * length), 1))
    house = taper(cushion(0.3 * beam, 0.18, 0.1 * length, 0.3, 12), 0.8, 0.8).moved(y=0.15)
    guns = both(bars([(0.06 * beam, 0.16, 0.03 * length), (0.06 * beam, 0.22, 0.03 * length + 0.45)], 0.022))
    turret = combine([cylinder(0.18 * beam, 0.1, 12), house, guns])
    spots = [(0.33, 0), (0.24, 0), (-0.36, 180)] if draw.chance(0.5) else [(0.3, 0), (-0.35, 180)]
    for f, turn in spots:
        w, y, z = rail(grid, f + 0.5)
        out.append((turret.turned("y", turn).moved(0, y + (0.12 if f == 0.24 else 0) - 0.03, f * length), 4))
    return out


def tall_ship(draw: Draw, p, grid: np.ndarray, length: float, beam: float, depth: float) -> Pieces:
    """Masts and square sails for an old ship."""
    out: Pieces = []
    deck = depth
    out.append((loft(grid[:4] * [0.97, 1, 1] + [0, 0.45 * depth, 0]), 0))
    if draw.chance(0.5):
        out.append((loft(grid[-4:] * [0.97, 1, 1] + [0, 0.25 * depth, -0.02]), 0))
    count = draw.integer("masts", 1, 3)
    h = p.mast * length * 0.75
    bow = rail(grid, 1.0)
    out.append(
        (
            bars(
                [(0, bow[1] - 0.05, bow[2] - 0.2), (0, bow[1] + 0.25, bow[2] + 0.3 * length * p.house + 0.2)],
                [(0.03, 0.015)],
            ),
            2,
        )
    )
    for k, f in enumerate(np.linspace(0.28, -0.28, count) if count > 1 else [0.05]):
        z, tall = f * length, h * (1, 1.1, 0.8)[k]
        out.append((bars([(0, 0.3 * depth, z), (0, deck + tall, z)], [(0.035, 0.018)]), 2))
        wide, tops = 0.42 * length * (0.7 + 0.5 * p.house) * (1, 1.1, 0.8)[k], np.array([0.52, 0.78, 0.97]) * tall
        furled = draw.chance(0.2)
        for j, y in enumerate(tops):
            w = wide * (1, 0.8, 0.55)[j]
            out.append((bars([(-w / 2, deck + y, z + 0.04), (w / 2, deck + y, z + 0.04)], 0.018), 2))
            if not furled:
                cloth = _square_sail(0.95 * w, (0.36, 0.24, 0.17)[j] * tall, 0.12 + p.belly, 0.014)
                out.append((cloth.moved(0, deck + y - 0.02, z + 0.06), 3))
        out.append((both(bars([(0.5 * beam, deck, z), (0, deck + 0.75 * tall, z)], 0.008, 4)), 2))
    return out


def liner(draw: Draw, p, grid: np.ndarray, length: float, beam: float, depth: float) -> Pieces:
    """Decks of a cruise ship."""
    out: Pieces = []
    deck = depth
    levels, step = draw.integer("levels", 3, 6), 0.18 * depth + 0.04
    for k in range(levels):
        a, b = -0.44 + 0.012 * k, 0.36 - 0.035 * k * (0.5 + p.house)
        w = 0.9 * beam * (1 - 0.02 * k)
        long, middle = (b - a) * length, (a + b) / 2 * length
        out.append((taper(box(w, step * 0.72, long), 0.98, 0.99).moved(0, deck + step * (k + 0.45), middle), 1))
        floor = box(1.04 * w, 0.22 * step, long + 0.02 * length)
        out.append((floor.moved(0, deck + step * (k + 0.95), middle), 1))
    top = deck + step * levels
    for k in range(draw.integer("funnels", 1, 4) if draw.chance(0.4) else 1):
        r = 0.12 * beam
        funnel = frustum(1.1 * r, r, 0.6 * depth, 12).scaled(1, 1, 1.4).turned("x", -8)
        out.append((funnel.moved(0, top - 0.05, (-0.25 + 0.13 * k) * length), 4))
    out.append((bars([(0, top, 0.15 * length), (0, top + 0.7 * p.mast * depth, 0.14 * length)], 0.025), 2))
    spots = [
        (x, deck + 1.2 * step, z)
        for z in np.linspace(-0.3, 0.25, draw.integer("boats", 3, 7)) * length
        for x in (-0.5 * beam, 0.5 * beam)
    ]
    out.append((copies(ellipsoid(0.05 * beam + 0.02, 0.05, 0.12, 8), spots), 4))
    return out
