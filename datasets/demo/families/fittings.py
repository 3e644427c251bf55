"""Fittings of a room's walls: curtains and fireplace surrounds. Rough sizes are in metres."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.carcass import Span
from datasets.demo.families.common import Draw, Pieces, family, moved, ornament, rod
from datasets.demo.families.forms import both, copies, side, smooth
from datasets.demo.mesh import Mesh, box, boxes, combine, cylinder, ellipsoid, extrude, lathe, loft, sheet, slab, torus


def cloth(draw: Draw, x: Span, y: Span, depth: float, pitch: float, width=None, hem=None, toward: int = 1) -> Mesh:
    """Hanging cloth with upright folds.

    Args:
        draw: draws the kind of folds.
        x, y: bounds, y from the hem to the top.
        depth: of the folds, from crest to crest of both sides.
        pitch: width of one fold.
        width: relative width from the top (0) to the hem (1), a function of an array; 1 if None.
        hem: how much of the length hangs at each place across (0..1), a function of an array; all if None.
        toward: the side it is gathered to where it is narrower: -1, 0 (the middle) or 1.
    """
    folds = max(int(round((x[1] - x[0]) / pitch)), 2)
    kind = draw.integer("folds", 0, 3)
    steps = 2 if kind == 0 else 6 if folds < 12 else 4
    u = np.linspace(0, 1, folds * steps + 1)
    v = np.linspace(0, 1, 4 if width is None and hem is None else 11)
    wave = np.sin(2 * np.pi * folds * u + draw.rng.uniform(0, 6))
    if kind == 0:
        wave = np.where(np.arange(len(u)) % 2, 1.0, -1.0)
    elif kind == 1:
        wave = np.tanh(2.5 * wave)
    elif kind == 2:
        wave = 2 * np.abs(np.sin(np.pi * folds * u)) - 1
    wave = wave * (1 + 0.35 * np.sin(2.1 * folds * u + draw.rng.uniform(0, 6)))
    share = np.ones_like(v) if width is None else width(v)
    length = np.ones_like(u) if hem is None else hem(u)
    place = (u - (1 + toward) / 2)[None] * share[:, None] + (1 + toward) / 2
    fall = v[:, None] * length[None]
    z = depth / 2 * wave[None] * (0.6 + 0.4 * fall)
    at = np.stack([x[0] + (x[1] - x[0]) * place, y[1] - (y[1] - y[0]) * fall, z], -1)
    return sheet(at, 0.008)


@family(
    "curtain",
    ("fabric", "rod", "rings", "tiebacks", "valance"),
    ("pair", "closed", "cafe", "tied back", "roman", "swags", "single"),
    synonyms=("curtains", "drapes", "drapery", "window curtain", "window blind", "roman shade"),
)
def curtain(variant: str, draw: Draw) -> Pieces:
    """Cloth that hangs before a window, on a rod or a rail."""
    p = draw(
        width=(1.0, 2.8), height=(1.3, 2.7), depth=(0.04, 0.16), pitch=(0.09, 0.26), drawn=(0.2, 0.5),
        rod=(0.01, 0.028), overhang=(0.04, 0.2), tie=(0.5, 0.75),
    )  # fmt: skip
    w, h = p.width, p.height * (0.45 if variant == "cafe" else 1.0)
    x = w / 2
    if variant == "roman":
        return roman(draw, 0.7 * w, 0.7 * h, p)
    if variant == "single":
        w, x = 0.6 * w, 0.3 * w
    top, pieces = h, []
    if variant in ("closed", "cafe"):
        panels = [(-x, 0.0), (0.0, x)] if draw.chance(0.6) else [(-x, x)]
        width = (lambda v: 1 - 0.12 * np.sin(np.pi * v)) if draw.chance(0.3) else None
        pieces += [(cloth(draw, span, (0, top), p.depth, p.pitch, width, None, 0), 0) for span in panels]
    elif variant == "single":
        k = draw.rng.uniform(0.3, 1.0)
        s = 1 if draw.chance(0.5) else -1
        pieces.append((cloth(draw, (-x, -x + 2 * x * k), (0, top), p.depth, p.pitch * k).scaled(s, 1, 1), 0))
    else:
        reach = (0.9 if variant == "tied back" and draw.chance(0.7) else 1.4 * p.drawn) * x
        reach = min(reach, 0.95 * x)
        waist = draw.rng.uniform(0.25, 0.5)

        def waisted(v):
            return np.interp(v, [0, 0.5 * p.tie, 0.9 * p.tie, p.tie, 1], [1, 0.85, 1.1 * waist, waist, 1.7 * waist])

        width = waisted if variant == "tied back" else None
        if variant == "swags" and draw.chance(0.4):
            width = waisted
        panel = cloth(draw, (x - reach, x), (0, top), p.depth, p.pitch * (0.75 if reach < 0.8 * x else 1), width)
        pieces.append((both(panel), 0))
        if width is not None:
            gather = waist * reach
            band = torus(1, 0.14, 20, 6).scaled(gather / 2 + 0.02, 0.2, p.depth / 2 + 0.03)
            pieces.append((both(band.moved(x - gather / 2, top * (1 - p.tie))), 3))
            if draw.chance(0.4):
                pieces.append((both(knob_hook(0.05).moved(x + 0.01, top * (1 - p.tie) + 0.02, -0.05)), 3))
    if variant == "swags":
        drop = draw.rng.uniform(0.14, 0.3) * h
        count = draw.integer("swags", 1, 4)
        edge = np.linspace(-x - 0.03, x + 0.03, count + 1)
        straight = draw.chance(0.3)

        def hem(u):
            return 0.55 + 0.45 * np.sin(np.pi * u)

        for x0, x1 in zip(edge[:-1], edge[1:], strict=True):
            swag = cloth(
                draw, (x0, x1), (top - drop, top + 0.03), 0.05, 0.8 * p.pitch, None, None if straight else hem, 0
            )
            pieces.append((swag.moved(z=p.depth / 2 + 0.04), 4))
    elif variant != "cafe" and draw.chance(0.15):
        tall, deep = draw.rng.uniform(0.15, 0.35), p.depth + 0.12
        low = boxes([[-x - 0.06, top - 0.1, deep / 2]], [[x + 0.06, top - 0.1 + tall, deep / 2 + 0.02]])
        ends = both(slab((x + 0.04, x + 0.06), (top - 0.1, top - 0.1 + tall), (-deep / 2, deep / 2)))
        return [*pieces, (combine([low, ends]), 4), (box(w, 0.02, 0.05).moved(y=top), 1)]
    return pieces + curtain_rod(draw, x, top, p)


def knob_hook(size: float) -> Mesh:
    """A knob on a stem along z, which holds a tieback."""
    return lathe([(0, 0), (0.2, 0), (0.2, 1), (0.7, 1.2), (0.7, 1.5), (0, 1.6)], 8).scaled(size).turned("x", 90)


def curtain_rod(draw: Draw, x: float, top: float, p) -> Pieces:
    """Rod with ends and brackets over y = top, and what the cloth hangs on it by; or a plain rail."""
    if draw.chance(0.2):
        return [(box(2 * x + p.overhang, 0.03, 0.05).moved(y=top + 0.012), 1)]
    r, end = p.rod, x + p.overhang
    by = draw.integer("hung by", 0, 2)
    y = top + (2.2 * r + 0.03 if by == 0 else 0.0 if by == 1 else 0.05)
    pieces: Pieces = [(rod((-end, y, 0), (end, y, 0), r, 10), 1)]
    tip = draw.integer("finial", 0, 3)
    if tip == 0:
        finial = ellipsoid(2.4 * r, 2.4 * r, 2.4 * r, 10)
    elif tip == 1:
        finial = lathe([(0, 0), (1.2, 0), (2.2, 2), (1, 3.5), (0, 6)], 8).scaled(r).turned("z", -90)
    else:
        finial = cylinder(1.5 * r, 2 * r, 10).turned("z", -90)
    pieces.append((both(finial.moved(end, y)), 1))
    if draw.chance(0.6):
        arm = combine(
            [
                rod((0, y, 0), (0, y, -0.1 - p.depth / 2), 0.7 * r, 6),
                box(0.04, 0.08, 0.012).moved(0, y, -0.1 - p.depth / 2),
            ]
        )
        pieces.append((both(arm.moved(x + 0.4 * p.overhang)), 1))
    spots = np.linspace(-x + 0.03, x - 0.03, int(np.clip(2 * x / 0.14, 5, 16)))
    at = np.stack([spots, np.full_like(spots, y), np.zeros_like(spots)], -1)
    if by == 0:
        ring = torus(2.2 * r + 0.008, 0.006, 10, 4).turned("z", 90).moved(y=-r)
        pieces.append((copies(ring, at), 2))
    elif by == 2:
        tab = box(0.05, 0.07 + 2 * r, 2 * r + 0.012).moved(y=-0.025)
        pieces.append((copies(tab, at), 2))
    return pieces


def roman(draw: Draw, w: float, h: float, p) -> Pieces:
    """Shade that is drawn up into level folds; or a balloon shade, whose hem hangs in arcs."""
    folds = draw.integer("level folds", 3, 7)
    balloon = draw.chance(0.35)
    step = np.linspace(0, 1, 6 * folds + 1)
    # Drawn up, the lower folds lie closer and stand out more.
    y = h * (1 - step ** draw.rng.uniform(0.6, 1.1))
    z = p.depth * (0.35 + 0.65 * step) * np.abs(np.sin(np.pi * folds * step))
    u = np.linspace(0, 1, 31 if balloon else 2)
    arcs = draw.integer("arcs", 2, 4)
    sag = np.abs(np.sin(np.pi * arcs * u)) if balloon else np.zeros_like(u)
    grid = np.stack(
        np.broadcast_arrays((u - 0.5)[None] * w, y[:, None] - 0.2 * h * step[:, None] ** 2 * sag[None],
                            z[:, None] * (1 + 0.8 * sag[None])), -1,
    )  # fmt: skip
    pieces: Pieces = [(sheet(grid, 0.008), 0)]
    pieces.append((box(w + 0.02, 0.05, 0.05).moved(y=h + 0.02), 1))
    if not balloon and draw.chance(0.6):
        pieces.append((box(w, 0.03, 0.02).moved(0, -0.01, 0.01), 1))
    if draw.chance(0.4):
        pieces.append((rod((0.47 * w, h, 0.03), (0.47 * w, 0.3 * h, 0.03), 0.006, 5), 2))
    if draw.chance(0.3):
        pieces.append((boxes([[-w / 2 - 0.02, h - 0.1 * h, 0.06]], [[w / 2 + 0.02, h + 0.05, 0.08]]), 4))
    return pieces


@family(
    "mantel",
    ("legs", "frieze", "shelf", "hearth", "firebox", "chimney breast", "things"),
    ("pilasters", "columns", "corbels", "arched", "chimney breast", "overmantel", "stone"),
    synonyms=("fireplace", "mantelpiece", "fireplace surround", "chimneypiece", "mantel shelf"),
)
def mantel(variant: str, draw: Draw) -> Pieces:
    """Surround of a fireplace, its shelf above and its hearth in front."""
    p = draw(
        width=(1.1, 2.1), height=(0.85, 1.4), depth=(0.1, 0.34), leg=(0.1, 0.2), frieze=(0.1, 0.24), shelf=(0.025, 0.1),
        overhang=(0.03, 0.14), hearth=(0.15, 0.5), rise=(0.6, 1.3),
    )  # fmt: skip
    w, h, d = p.width, p.height, p.depth
    leg, frieze = p.leg * w, p.frieze * h
    x, inside, spring = w / 2, w / 2 - leg, h - frieze
    z = (-d / 2, d / 2)
    pieces: Pieces = []
    if variant == "stone":
        courses = draw.integer("courses", 4, 8)
        edge = np.linspace(0, h, courses + 1)
        low, high = [], []
        for k, (y0, y1) in enumerate(zip(edge[:-1], edge[1:], strict=True)):
            joint = [inside, inside + leg * (0.35 if k % 2 else 0.65), x]
            for a, b in zip(joint[:-1], joint[1:], strict=True):
                bump = draw.rng.uniform(-0.03, 0.03, 2)
                low += [[a + 0.004, y0 + 0.004, z[0]], [-b + 0.004, y0 + 0.004, z[0]]]
                high += [[b - 0.004, y1 - 0.004, z[1] + bump[0]], [-a - 0.004, y1 - 0.004, z[1] + bump[1]]]
        pieces.append((boxes(np.array(low), np.array(high)), 0))
        pieces.append((slab((-inside, inside), (spring, h), (z[0], z[1] + 0.02)), 1))
    else:
        if variant == "columns":
            r = 0.32 * leg
            shaft = [(1.3, 0), (1.3, 0.05), (1, 0.09), (0.95, 0.5), (0.8, 0.88), (1.15, 0.92), (1.2, 1)]
            column = lathe([(0, 0), *[(a * r, b * spring) for a, b in shaft], (0, spring)], 14)
            count = 2 if leg > 0.28 and draw.chance(0.4) else 1
            for k in range(count):
                at = inside + leg * (k + 0.5) / count
                pieces.append((both(column.scaled(1 / count, 1, 1).moved(at, 0, z[1] - r)), 0))
            pieces.append((both(slab((inside, x), (0, spring), (z[0], max(z[0] + 0.02, z[1] - 2 * r)))), 0))
            pieces.append((both(slab((inside, x), (0, 0.07), z)), 0))
        else:
            pieces.append((both(slab((inside, x), (0, spring), z)), 0))
            if draw.chance(0.75):
                foot = slab((inside - 0.01, x + 0.015), (0, 0.14 * h), (z[0], z[1] + 0.02))
                head = slab((inside - 0.01, x + 0.015), (spring - 0.05, spring), (z[0], z[1] + 0.02))
                pieces.append((both(combine([foot, head] if draw.chance(0.6) else [foot])), 0))
            kind = draw.integer("leg face", 0, 2)
            if kind:
                n = 1 if kind == 1 else draw.integer("flutes", 2, 4)
                edge = np.linspace(inside + 0.15 * leg, x - 0.15 * leg, n + 1)
                gap = 0.12 * leg / n
                strips = [
                    slab((a + gap, b - gap), (0.2 * h, spring - 0.1 * h), (z[1], z[1] + 0.015))
                    for a, b in zip(edge[:-1], edge[1:], strict=True)
                ]
                pieces.append((both(combine(strips)), 0))
        if variant == "arched" or (variant == "chimney breast" and draw.chance(0.3)):
            rise = min(draw.rng.uniform(0.3, 1.0) * inside, 0.7 * spring)
            a = np.linspace(np.pi, 0, 17)
            under = np.stack([inside * np.cos(a), spring - rise + rise * np.sin(a) * 0.98, 0 * a], -1)
            over = np.stack([under[:, 0], np.full(17, h), 0 * a], -1)
            pieces.append((sheet(np.stack([under, over]), d), 1))
            pieces.append((both(slab((inside, x), (spring, h), z)), 1))
            if draw.chance(0.6):
                key = extrude([(-0.04, 0), (0.04, 0), (0.07, 1), (-0.07, 1)], d + 0.04).scaled(1, 0.9 * frieze, 1)
                pieces.append((key.moved(y=spring), 1))
        else:
            pieces.append((slab((-x, x), (spring, h), z), 1))
            if draw.chance(0.5):
                block = slab(
                    (-0.25 * inside, 0.25 * inside), (spring + 0.15 * frieze, h - 0.15 * frieze), (z[1], z[1] + 0.02)
                )
                pieces.append((block, 1))
        if draw.chance(0.25):
            n = draw.integer("dentils", 14, 26)
            spots = np.stack([np.linspace(-0.97 * x, 0.97 * x, n), np.full(n, h - 0.02), np.full(n, z[1] + 0.015)], -1)
            pieces.append((copies(box(0.6 * w / n, 0.04, 0.03), spots), 1))
    over = p.overhang
    layers = 1 if variant in ("stone", "corbels") else draw.integer("layers", 1, 3)
    y = h
    for k in range(layers):
        out = over * (k + 1) / layers
        pieces.append((slab((-x - out, x + out), (y, y + p.shelf / layers), (z[0], z[1] + out)), 2))
        y += p.shelf / layers
    if variant == "corbels" or draw.chance(0.15):
        deep, tall = 0.9 * over + 0.05, 0.8 * frieze + 0.05
        curve = smooth([(0, -tall), (0.35 * deep, -0.8 * tall), (0.45 * deep, -0.4 * tall), (deep, -0.1 * tall)], 3)
        bracket = side([(0, 0), (0, -tall), *curve[1:], (deep, 0)], 0.5 * leg).moved(inside + leg / 2, h, z[1])
        pieces.append((both(bracket), 0))
    if draw.chance(0.7):
        thick = draw.rng.uniform(0.02, 0.12)
        front = slab((-x - 0.04, x + 0.04), (-thick, 0), (z[0], z[1] + p.hearth))
        pieces.append((front, 3))
    if draw.chance(0.7):
        pieces += firebox(draw, inside, spring, z)
    if variant in ("chimney breast", "overmantel") or (variant == "stone" and draw.chance(0.4)):
        pieces += above(draw, variant, x, y, z, p.rise)
    if variant != "chimney breast" and draw.chance(0.35):
        for s in (-1, 1):
            pieces += moved(ornament(draw, draw.rng.uniform(0.12, 0.28), 6), s * 0.75 * x, y, 0.2 * d)
    return pieces


def firebox(draw: Draw, inside: float, high: float, z: Span) -> Pieces:
    """What the opening shows: a slip around a hole with a back and at times logs, or a plain panel."""
    slip = draw.rng.uniform(0.1, 0.35) * inside
    if draw.chance(0.25):
        return [(slab((-inside, inside), (0, high), (z[0], z[0] + 0.02)), 4)]
    k, top = inside - slip, high - slip
    back = z[0] - draw.rng.uniform(0.0, 0.3)
    front = z[0] + 0.5 * (z[1] - z[0])
    mesh = combine(
        [
            both(slab((k, inside), (0, high), (z[0], front))),
            slab((-k, k), (top, high), (z[0], front)),
            both(slab((k, k + 0.02), (0, top), (back, z[0]))),
            slab((-k, k), (top, top + 0.02), (back, z[0])),
            slab((-k, k), (0, top), (back - 0.02, back)),
        ]
    )
    pieces: Pieces = [(mesh, 4)]
    if draw.chance(0.35):
        r = 0.09 * k + 0.01
        logs = [
            rod((-0.6 * k, r, 0), (0.6 * k, r, 0.03), r, 7),
            rod((-0.55 * k, r, 0.1), (0.5 * k, r, 0.08), r, 7),
            rod((-0.5 * k, 2.6 * r, 0.06), (0.5 * k, 2.6 * r, 0.02), r, 7),
        ]
        pieces.append((combine(logs).moved(z=0.5 * (back + front) - 0.05), 6))
    return pieces


def above(draw: Draw, variant: str, x: float, y: float, z: Span, rise: float) -> Pieces:
    """What rises over the shelf: a chimney breast, straight or tapered, or a framed panel or mirror."""
    back = (z[0] - 0.05, z[0] + 0.7 * (z[1] - z[0]))
    if variant == "overmantel":
        w, t = draw.rng.uniform(0.55, 0.95) * x, 0.05
        frame = slab((-w, w), (y, y + rise), (z[0], z[0] + t))
        rim = 0.12 * w
        panel = slab((-w + rim, w - rim), (y + rim, y + rise - rim), (z[0] + t, z[0] + t + 0.015))
        pieces: Pieces = [(frame, 5), (panel, 5)]
        if draw.chance(0.5):
            pieces.append((slab((-w - 0.05, w + 0.05), (y + rise, y + rise + 0.06), (z[0], z[0] + t + 0.08)), 5))
        if draw.chance(0.4):
            pieces.append((both(slab((w - 0.02, w + 0.06), (y, y + rise), (z[0], z[0] + t + 0.04))), 5))
        return pieces
    k = draw.rng.uniform(0.45, 1.0)
    high = back[1] if k > 0.8 else back[0] + 0.6 * (back[1] - back[0])
    rings = [
        [(-wide, level, back[0]), (wide, level, back[0]), (wide, level, front), (-wide, level, front)]
        for wide, level, front in ((0.95 * x, y, back[1]), (0.95 * k * x, y + rise, high))
    ]
    pieces = [(loft(np.array(rings)), 5)]
    if k > 0.8 and draw.chance(0.5):
        w, h = 0.55 * x, 0.5 * rise
        pieces.append((slab((-w, w), (y + 0.25 * rise, y + 0.25 * rise + h), (back[1], back[1] + 0.04)), 6))
    return pieces
