"""Containers made of walls and bars: baskets, and boxes of glass."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, family, legs, moved, ornament, rod, squared, vessel
from datasets.demo.families.forms import both, copies, golden, leaf, loop
from datasets.demo.families.frames import bead, superellipse
from datasets.demo.families.solids import square_bars
from datasets.demo.mesh import Mesh, box, boxes, combine, cylinder, ellipsoid, slab


def nested(width: float, depth: float, thick: float, roundness: float, heights, scales) -> Mesh:
    """A bead at each height, its width and depth scaled."""
    heights, scales = np.asarray(heights, dtype=float), np.asarray(scales, dtype=float)
    zero, one = np.zeros_like(heights), np.ones_like(heights)
    at, scale = np.stack([zero, heights, zero], -1), np.stack([scales, one, scales], -1)
    return copies(bead(width, depth, roundness, thick), at, scale)


def uprights(w: float, d: float, taper: float, roundness: float, count: int, y, thick: float) -> Mesh:
    """Bars up the wall of a basket from y[0] to y[1], where it is w x d; `taper` times that below."""
    rim = superellipse(w, d, roundness, count)
    x, z = rim.T
    ends = [np.stack([k * x, np.full(count, level), k * z], -1) for k, level in zip((taper, 1), y, strict=True)]
    return square_bars(np.stack(ends, 1), thick)


def open_basket(
    w: float, d: float, h: float, taper: float, roundness: float, stakes: int, hoops: int, thick: float
) -> Mesh:
    """Open basket of bars from y = 0 to h: upright stakes, hoops around them, and bars across the floor."""
    level = np.linspace(0, 1, hoops)
    rings = nested(w, d, 0.6 * thick, roundness, level * h, taper + (1 - taper) * level)
    floor = superellipse(w * taper, d * taper, roundness, stakes)
    across = [[(x, 0, z), (x, 0, -z)] for x, z in floor[floor[:, 1] > 1e-6]]
    return combine([rings, uprights(w, d, taper, roundness, stakes, (0, h), thick), square_bars(across, thick)])


@family(
    "basket",
    ("body", "rim", "handle", "base", "contents"),
    ("wicker", "laundry", "shopping", "wire", "oval", "picnic", "trolley"),
    synonyms=("wicker basket", "laundry basket", "shopping basket", "hamper", "wire basket", "bread basket"),
)
def basket(variant: str, draw: Draw) -> Pieces:
    """Open container of wicker, wire or slotted plastic."""
    p = draw(
        width=(0.6, 1.1), aspect=(0.6, 1.0), height=(0.3, 0.6), taper=(0.65, 0.95), wall=(0.02, 0.045),
        handle=(0.3, 0.65), thick=(0.018, 0.04), bend=(0.6, 1.0),
    )  # fmt: skip
    w, d, h, t = p.width, p.width * p.aspect, p.height, p.thick
    square = {"shopping": 0.3, "picnic": 0.25, "trolley": 0.3}.get(variant, 1.0 if draw.chance(0.65) else 0.4)
    h *= {"laundry": 1.8, "oval": 0.5, "picnic": 0.8, "trolley": 1.2}.get(variant, 1.0)
    if variant == "oval":
        d = w * (0.45 + 0.3 * (p.aspect - 0.6))
    woven = variant in ("wicker", "oval", "picnic") or (variant == "laundry" and draw.chance(0.4))
    out: Pieces = []
    if woven or (variant == "shopping" and draw.chance(0.4)):
        out.append((vessel(w, d, h, p.wall, square, p.taper).moved(y=h), 0))
        count = draw.integer("bands", 0, 5)
        y = (np.arange(count) + 1) / (count + 1)
        # As the wall of `vessel` runs, which is narrower below 15 % of its height.
        k = p.taper * np.interp(y, [0, 0.15, 1], [0.75, 1, 1 / p.taper])
        if count:
            out.append((nested(w, d, 0.6 * t, square, y * h, k), 0))
        if count > 2:
            out.append((uprights(w * 1.01, d * 1.01, p.taper, square, 20, (0.15 * h, h), 0.6 * t), 0))
    else:
        stakes = 2 * draw.integer("stakes", 8, 20)
        solid = draw.chance(0.5)
        thin = t * (1.2 if variant == "laundry" else 0.55)
        out.append((open_basket(w, d, h, p.taper, square, stakes, draw.integer("hoops", 3, 6), thin), 0))
        if solid:
            k = p.taper
            plate = squared(cylinder(1, 0.02, 28), square).scaled(w * k / 2, 1, d * k / 2)
            out.append((plate, 3))
    out.append((bead(w, d, square, t * (1.3 if variant != "wire" else 0.8)).moved(y=h), 1))
    if variant in ("wicker", "shopping") or (variant == "oval" and draw.chance(0.4)):
        rise = p.handle * w * 0.8
        if variant == "shopping":
            fall = draw.rng.uniform(5, 85)
            arc = arch(0.9 * w, 0.8 * d, 0.7 * t, 12, 6)
            out += [(arc.turned("x", s * fall).moved(0, h, s * 0.03), 2) for s in (-1, 1)]
        else:
            out.append((arch(w, rise, t, 12, 6).scaled(1, 1, 2.2).moved(y=h), 2))
    elif variant in ("laundry", "oval", "wire") and draw.chance(0.85):
        ear = loop(w / 2 - t, 0, 0.15 * w * p.bend, 0.35 * d, t, p.bend).turned("x", 90)
        if draw.chance(0.5):
            ear = loop(0, 0, 0.18 * w, 0.35 * d, t, p.bend).turned("x", 90).turned("z", 75).moved(w / 2)
        out.append((both(ear.moved(y=h - (0.1 * h if variant == "laundry" else 0))), 2))
    if variant == "laundry" and draw.chance(0.25):
        lid = squared(cylinder(0.53, 0.05, 28), square).scaled(w, 1, d)
        out.append((lid.moved(y=h) if draw.chance(0.6) else lid.turned("x", -70).moved(0, h + 0.45 * d, -0.55 * d), 1))
    if variant == "picnic":
        leaves = slab((0.01, 0.51 * w), (0, 0.03), (-0.51 * d, 0.51 * d))
        tilt = draw.rng.uniform(20, 70) if draw.chance(0.4) else 0
        out.append((leaves.moved(y=h + t), 1))
        out.append((leaves.turned("z", tilt).scaled(-1, 1, 1).moved(y=h + t), 1))
        out += [(arch(0.6 * w, 0.5 * p.handle, 0.8 * t, 12, 6).moved(0, h, s * d / 2), 2) for s in (-1, 1)]
    elif variant == "trolley":
        return trolley(draw, out, w, d, h, t, p.handle)
    if draw.chance(0.3) and variant in ("wicker", "oval", "wire", "shopping"):
        n = draw.integer("fruit", 3, 9)
        yaw, place, noise = golden(n, draw.rng.uniform(0, 360))
        size, reach = 0.28 * min(w, d) * p.taper, 0.3 * np.sqrt(place)
        at = np.stack(
            [
                w * reach * np.sin(np.radians(yaw)),
                h * 0.75 - size + 0.1 * h * noise,
                d * reach * np.cos(np.radians(yaw)),
            ],
            -1,
        )
        out.append((copies(ellipsoid(0.5 * size, 0.5 * size, 0.5 * size, 10), at, 0.9 + 0.25 * noise), 4))
    elif variant == "laundry" and draw.chance(0.3):
        pile = squared(ellipsoid(0.45 * w, 0.25 * h, 0.45 * d, 16), square)
        out.append((pile.moved(y=h * 0.95), 4))
    return out


def trolley(draw: Draw, out: Pieces, w: float, d: float, h: float, t: float, lift: float) -> Pieces:
    """A basket on a frame with wheels, with a bar to push at the -x end."""
    lift = 0.4 + 0.5 * lift
    r = 0.07 + t
    out = moved(out, y=lift)
    a, b, c = (-0.42 * w, 2 * r), (-0.5 * w, lift + h * 0.9), (-0.62 * w, lift + h * 1.15)
    lines = [(a, b), (a, (0.42 * w, 2 * r)), ((0.42 * w, 2 * r), (0.35 * w, lift)), (b, c)]
    ends = np.array([[(*end, s * 0.45 * d) for end in line] for s in (-1, 1) for line in lines])
    out.append((square_bars(ends, 1.5 * t), 3))
    wheel = cylinder(r, 0.05, 14).turned("x", 90)
    out.append((copies(wheel, [(x * 0.42 * w, r, z * 0.45 * d) for x in (-1, 1) for z in (-1, 1)]), 3))
    out.append((rod((*c, -0.47 * d), (*c, 0.47 * d), 1.2 * t, 8), 2))
    return out


@family(
    "glass box",
    ("glass", "frame", "base", "lid", "contents"),
    ("aquarium", "display case", "terrarium", "vitrine", "counter", "plain"),
    synonyms=("glass case", "aquarium", "fish tank", "display case", "showcase", "terrarium", "vitrine"),
)
def glass_box(variant: str, draw: Draw) -> Pieces:
    """Thin-walled see-through box, mostly empty: fish tank, show case, terrarium."""
    p = draw(
        width=(0.6, 1.6), height=(0.4, 1.0), depth=(0.4, 0.9), wall=(0.008, 0.03), frame=(0.012, 0.045),
        base=(0.03, 0.25), stand=(0.3, 0.9),
    )  # fmt: skip
    w, h, d, t, f = p.width, p.height, p.depth, p.wall, p.frame
    if variant == "vitrine":
        w, d, h = 0.45 * w + 0.3, 0.6 * d + 0.1, 1.2 + h
    elif variant == "counter":
        h *= 0.6
    low = {"plain": 0.0, "vitrine": p.base, "counter": 0.0, "display case": p.base}.get(variant, 0.3 * p.base)
    closed = variant in ("display case", "vitrine", "counter") or draw.chance(0.25)
    x, y, z = (-w / 2, w / 2), (low, low + h), (-d / 2, d / 2)
    panes = [[x[0], y[0], z[0]], [x[1] - t, y[0], z[0]], [x[0] + t, y[0], z[0]], [x[0] + t, y[0], z[1] - t]]
    edges = [[x[0] + t, y[1], z[1]], [x[1], y[1], z[1]], [x[1] - t, y[1], z[0] + t], [x[1] - t, y[1], z[1]]]
    if closed:
        panes.append([x[0], y[1], z[0]])
        edges.append([x[1], y[1] + t, z[1]])
    framed = variant != "plain" and draw.chance(0.75)
    if draw.chance(0.12):  # open at the front
        panes.pop(3)
        edges.pop(3)
    bare = framed and draw.chance(0.12)
    out: Pieces = [] if bare else [(boxes(np.array(panes), np.array(edges)), 0)]
    floor = slab((x[0] - 0.3 * f, x[1] + 0.3 * f), (y[0] - max(low, t), y[0]), (z[0] - 0.3 * f, z[1] + 0.3 * f))
    out.append((floor, 2))
    if framed:
        out.append((edge_frame(x, y, z, f, draw.chance(0.7), True), 1))
    if variant == "vitrine":
        for level in np.linspace(0, 1, draw.integer("shelves", 3, 5))[1:-1]:
            out.append((slab((x[0] + t, x[1] - t), (low + level * h, low + level * h + t), (z[0] + t, z[1] - t)), 0))
            if draw.chance(0.35):
                out += moved(ornament(draw, 0.15 * h, 4), y=low + level * h + t)
        if draw.chance(0.5):
            out.append((slab((x[0] - f, x[1] + f), (y[1], y[1] + 0.5 * p.base), (z[0] - f, z[1] + f)), 3))
    elif variant == "counter":
        rise = p.stand
        out = moved(out, y=rise)
        if draw.chance(0.6):
            out.append((slab(x, (0, rise - t), z), 2))
        else:
            out += legs(draw, w, d, rise - t, 2 * f, 2)
        if draw.chance(0.5):
            level = rise + h * 0.5
            out.append((slab((x[0] + t, x[1] - t), (level, level + t), (z[0] + t, 0.3 * d)), 0))
    elif variant == "terrarium":
        out += [(mesh.moved(y=low), 4) for mesh in planted(draw, w, h, d)]
        if draw.chance(0.6):
            out.append((gable(w, d, draw.rng.uniform(0.2, 0.5) * h, t, f).moved(y=y[1]), 1 if framed else 0))
        else:
            out.append((slab(x, (y[1], y[1] + f), z), 3))
    elif variant == "aquarium":
        if draw.chance(0.5):
            out.append((slab((x[0] + t, x[1] - t), (low, low + 0.08 * h), (z[0] + t, z[1] - t)), 4))
            if draw.chance(0.6):
                out += [(mesh.moved(y=low + 0.05 * h), 4) for mesh in planted(draw, w, 0.8 * h, d)[1:]]
        if draw.chance(0.5):
            out.append((slab(x, (y[1] + t, y[1] + t + 0.12 * h), (z[0], z[1] * draw.rng.uniform(0.0, 1.0))), 3))
    elif variant == "display case":
        if draw.chance(0.5):
            out += moved(ornament(draw, 0.55 * min(w, h, d), 4), y=low)
        if draw.chance(0.3):
            out.append((slab(x, (y[1], y[1] + f), z), 3))
    if variant in ("aquarium", "display case", "terrarium") and draw.chance(0.35):
        rise = p.stand
        out = moved(out, y=rise)
        if draw.chance(0.5):
            out += legs(draw, w, d, rise, 2 * f + 0.02, 2)
            out.append((slab(x, (rise - f, rise), z), 2))
        else:
            out.append((slab(x, (0, rise), z), 2))
    elif variant == "plain" and draw.chance(0.4):
        out.append((slab((x[0] - f, x[1] + f), (y[1], y[1] + f), (z[0] - f, z[1] + f)), 3))
    return out


def edge_frame(x, y, z, f: float, above: bool, below: bool) -> Mesh:
    """Bars of thickness f along the edges of a box: the four uprights, and those above and below if wanted."""
    low, high = [], []
    for a in x:
        for b in z:
            low.append([a - f / 2, y[0], b - f / 2])
            high.append([a + f / 2, y[1], b + f / 2])
    for c in [y[1]] * above + [y[0]] * below:
        for b in z:
            low.append([x[0], c - f / 2, b - f / 2])
            high.append([x[1], c + f / 2, b + f / 2])
        for a in x:
            low.append([a - f / 2, c - f / 2, z[0]])
            high.append([a + f / 2, c + f / 2, z[1]])
    return boxes(np.array(low), np.array(high))


def gable(w: float, d: float, rise: float, t: float, f: float) -> Mesh:
    """Roof of two panes over a w x d box, with a bar along its ridge."""
    length = float(np.hypot(rise, d / 2))
    pane = box(w, t, length).turned("x", float(np.degrees(np.arctan2(rise, d / 2)))).moved(0, rise / 2, d / 4)
    slopes = [[(s * w / 2, 0, k * d / 2), (s * w / 2, rise, 0)] for s in (-1, 1) for k in (-1, 1)]
    gables = square_bars(slopes, f)
    return combine([pane, pane.scaled(1, 1, -1), gables, rod((-w / 2, rise, 0), (w / 2, rise, 0), 0.7 * f, 6)])


def planted(draw: Draw, w: float, h: float, d: float) -> list[Mesh]:
    """Soil, a stone and plants on the floor of a w x d box."""
    soil = box(0.94 * w, 0.14 * h, 0.94 * d).moved(y=0.07 * h)
    stone = ellipsoid(0.13 * w, 0.14 * h, 0.13 * d, 8).moved(draw.rng.uniform(-0.25, 0.25) * w, 0.16 * h, 0.1 * d)
    out = [soil, stone]
    for _ in range(draw.integer("plants", 1, 3)):
        n = draw.integer("leaves", 5, 9)
        yaw, place, noise = golden(n, draw.rng.uniform(0, 360))
        one = leaf(0.55 * min(h, w, d), 0.08 * min(w, d), 0.4)
        at = np.tile([draw.rng.uniform(-0.3, 0.3) * w, 0.12 * h, draw.rng.uniform(-0.25, 0.25) * d], (n, 1))
        out.append(copies(one, at, 0.7 + 0.2 * noise, yaw, -35 - 45 * place))
    return out
