"""Range hoods and faucets. Rough sizes are in metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, rod
from datasets.demo.families.forms import along, both, copies, ring, side, smooth
from datasets.demo.mesh import (
    Mesh,
    box,
    boxes,
    combine,
    cylinder,
    ellipsoid,
    frustum,
    lathe,
    loft,
    sheet,
    slab,
    torus,
    tube,
)


def stacked(sections: Sequence[tuple[float, float, float, float]], wall: float = 0.015) -> Mesh:
    """Hood open below, through level rectangles from the lowest up.

    Args:
        sections: (height, width, front, back) of each, front and back along z.
        wall: thickness at the lower edge.
    """
    y, w, front, back = sections[0]
    low = y + 0.6 * max(sections[1][0] - y, 0.02)
    inner = (w - 2 * wall, front - wall, back + wall)
    rows = [(low, *inner), (y, *inner), *sections]
    rings = [[(-w / 2, y, b), (w / 2, y, b), (w / 2, y, f), (-w / 2, y, f)] for y, w, f, b in rows]
    return loft(np.array(rings))


@family(
    "range hood",
    ("canopy", "chimney", "filters", "controls", "glass"),
    ("chimney", "box", "under cabinet", "island", "angled glass", "curved glass", "wooden"),
    synonyms=("extractor hood", "cooker hood", "kitchen hood", "exhaust hood", "vent hood"),
)
def range_hood(variant: str, draw: Draw) -> Pieces:
    """Hood over a stove that draws the fumes off."""
    p = draw(
        width=(0.55, 1.15), depth=(0.42, 0.62), lip=(0.03, 0.1), slope=(0.1, 0.4), chimney=(0.18, 0.36),
        chimney_depth=(0.18, 0.32), rise=(0.3, 0.95), front=(0.75, 1.1),
    )  # fmt: skip
    w, d, lip, slope = p.width, p.depth, p.lip, p.slope
    z = (-d / 2, d / 2)
    cw, cd = p.chimney * min(w / 0.8, 1.15), p.chimney_depth
    island = variant == "island"
    vent = (-cd / 2, cd / 2) if island else (z[0], z[0] + cd)
    pieces: Pieces = []
    grilles, level = draw.integer("filters", 1, 3), 0.3 * lip + 0.004
    if variant in ("chimney", "island", "wooden"):
        bell = draw.rng.uniform(0.35, 0.75) if variant == "wooden" or draw.chance(0.3) else 1.0
        t = np.array([0, 1]) if bell == 1 else np.linspace(0, 1, 8)
        k = t**bell  # below 1 the sides curve in
        top = lip + slope * (1.6 if variant == "wooden" else 1.0)
        if variant == "wooden":
            cw, cd = w * draw.rng.uniform(0.45, 0.8), d * draw.rng.uniform(0.55, 0.85)
            vent = (z[0], z[0] + cd)
        sections = [(0.0, w, z[1], z[0])]
        sections += [
            (lip + (top - lip) * a, w + (cw - w) * b, z[1] + (vent[1] - z[1]) * b, z[0] + (vent[0] - z[0]) * b)
            for a, b in zip(t, k, strict=True)
        ]
        if island and draw.chance(0.25):  # a round one
            curve = [(0.5 * w * (1 - b) + 0.5 * cw * b, lip + (top - lip) * a) for a, b in zip(t, k, strict=True)]
            inner = 0.5 * w - 0.015
            profile = [(0, 0.6 * lip), (inner, 0.6 * lip), (inner, 0), (0.5 * w, 0), *curve, (0, top)]
            pieces.append((lathe(profile, 24), 0))
            pieces.append((cylinder(0.45 * cw, p.rise, 16).moved(y=top - 0.01), 1))
            pieces.append((cylinder(0.3 * w, 0.02, 16).moved(y=level), 2))
            return pieces
        pieces.append((stacked(sections), 0))
        if variant == "wooden":
            pieces.append((slab((-w / 2 - 0.02, w / 2 + 0.02), (lip * 0.6, lip * 0.6 + 0.04), (z[0], z[1] + 0.02)), 3))
            if draw.chance(0.5):
                pieces.append((slab((-cw / 2 - 0.03, cw / 2 + 0.03), (top, top + 0.05), (z[0], vent[1] + 0.03)), 3))
            if draw.chance(0.4):
                curve = side([(0, 0), (0, -0.25), (0.06, -0.2), (0.9 * d - 0.1, 0)], 0.06)
                pieces.append((both(curve.moved(w / 2 - 0.04, 0, z[0])), 3))
    elif variant == "box":
        high = lip + 0.3 * slope
        top = high
        pieces.append((stacked([(0, w, z[1], z[0]), (high, w, z[1], z[0])]), 0))
    elif variant == "under cabinet":
        high = 0.1 + 0.35 * slope
        face = draw.rng.uniform(0.3, 0.9)
        outline = [(z[0], 0), (z[1] * p.front, 0), (z[1] * p.front, lip), (z[0] + face * d, high), (z[0], high)]
        pieces.append((side(outline, w), 0))
        top, level = high, -0.012
        if draw.chance(0.35):
            pieces.append((slab((-cw / 2, cw / 2), (high, high + 0.5 * p.rise), vent), 1))
    elif variant == "angled glass":
        tall, lean = 0.35 + slope, draw.rng.uniform(15, 50)
        pane = box(w, tall, 0.02 + 0.3 * lip).moved(y=tall / 2).turned("x", -lean)
        pieces.append((pane.moved(0, 0, z[1] * 0.6), 4))
        run, top = tall * np.sin(np.radians(lean)), tall * np.cos(np.radians(lean)) * 0.9
        front = z[1] * 0.6 - 0.02
        inset = 0.96 * w if draw.chance(0.6) else 0.7 * w
        outline = [(z[0], 0.25 * top), (front, 0.03), (front - 0.9 * run, top), (z[0] - 0.05, top)]
        pieces.append((side(outline, inset), 0))
        vent = (z[0] - 0.05, max(front - run, z[0] + 0.12))
        level = 0.1 * top
    else:
        top = lip + 0.12
        u = np.linspace(-1, 1, 13)
        bend = draw.rng.uniform(0.05, 0.16) * (1 if draw.chance(0.7) else -1)
        v = np.linspace(z[0], z[1], 2) if draw.chance(0.5) else np.linspace(z[0], z[1], 7)
        narrow = np.ones_like(v) if len(v) == 2 else 1 - 0.25 * ((v - z[0]) / d) ** 4
        grid = np.stack(
            np.broadcast_arrays(u[None] * w / 2 * narrow[:, None], lip + 0.06 - bend * u[None] ** 2, v[:, None]), -1
        )
        pieces.append((sheet(grid, 0.012), 4))
        pieces.append((stacked([(0, 0.55 * w, 0.3 * d, z[0]), (top, 0.5 * w, 0.2 * d, z[0])]), 0))
        w *= 0.5
    if variant not in ("under cabinet",) and draw.chance(0.93):
        pieces.append((slab((-cw / 2, cw / 2), (top - 0.01, top + p.rise), vent), 1))
        if draw.chance(0.4):  # the upper half slides in the lower
            k = 0.5 * p.rise
            pieces.append((slab((-cw / 2 - 0.008, cw / 2 + 0.008), (top, top + k), (vent[0], vent[1] + 0.008)), 1))
    edge = np.linspace(-0.42 * w, 0.42 * w, grilles + 1)
    low = [[a + 0.01, level, 0.8 * z[0]] for a in edge[:-1]]
    high = [[b - 0.01, level + 0.012, 0.2 * d] for b in edge[1:]]
    mesh = boxes(np.array(low), np.array(high))
    pieces.append((mesh, 2))
    if draw.chance(0.7) and variant != "angled glass":
        n, size = draw.integer("buttons", 3, 6), 0.4 * lip
        front = {"curved glass": 0.3 * d, "under cabinet": z[1] * p.front}.get(variant, z[1])
        spots = [(x, 0.5 * lip, front) for x in np.linspace(-0.1, 0.1, n)]
        knob = cylinder(0.5 * size, 0.02, 8).turned("x", 90) if draw.chance(0.6) else box(0.025, size, 0.02)
        pieces.append((copies(knob, spots), 3))
    return pieces


def tap_handle(kind: int, s: float) -> Mesh:
    """What turns the water on, standing up along y from the origin: cross, lever, wheel, knob, bar or blade."""
    stem = cylinder(0.35 * s, 0.5 * s, 10)
    if kind == 0:
        arms = [rod((-s, 0.6 * s, 0), (s, 0.6 * s, 0), 0.14 * s, 6).turned("y", a) for a in (0, 90)]
        tips = copies(ellipsoid(0.22 * s, 0.22 * s, 0.22 * s, 8), ring(4, s, 0.6 * s, 90)[0])
        return combine([stem, *arms, tips, ellipsoid(0.35 * s, 0.3 * s, 0.35 * s, 8).moved(y=0.6 * s)])
    if kind == 1:
        return combine(
            [
                stem,
                ellipsoid(0.4 * s, 0.3 * s, 0.4 * s, 10).moved(y=0.5 * s),
                rod((0, 0.55 * s, 0), (1.9 * s, 0.8 * s, 0), (0.2 * s, 0.12 * s), 8),
            ]
        )
    if kind == 2:
        spokes = [rod((-0.8 * s, 0.6 * s, 0), (0.8 * s, 0.6 * s, 0), 0.1 * s, 5).turned("y", a) for a in (0, 60, 120)]
        return combine([stem, torus(0.85 * s, 0.16 * s, 16, 6).moved(y=0.6 * s), *spokes])
    if kind == 3:
        grip = [(0, 0.3), (0.55, 0.35), (0.75, 0.7), (0.65, 1.1), (0.35, 1.25), (0, 1.25)]
        return combine([stem, lathe([(a * s, b * s) for a, b in grip], 8)])
    if kind == 4:
        return combine([stem, rod((-1.1 * s, 0.6 * s, 0), (1.1 * s, 0.6 * s, 0), 0.2 * s, 8)])
    return combine([stem, box(0.5 * s, 0.18 * s, 2.2 * s).moved(0, 0.55 * s, -0.4 * s)])


def neck(kind: int, rise: float, reach: float, drop: float) -> np.ndarray:
    """Path of a spout from the origin up and forward: an arc, a swan's neck, square, rising or straight."""
    if kind == 0:
        a = np.linspace(np.pi, 0, 11)
        arc = np.stack([0 * a, rise - reach / 2 + reach / 2 * np.sin(a), reach / 2 + reach / 2 * np.cos(a)], -1)
        return np.r_[[(0, 0, 0)], arc, [(0, rise - reach / 2 - drop, reach)]]
    if kind == 1:
        end = (0.8 * rise - 0.3 * drop, reach)
        path = smooth([(0, 0), (0.6 * rise, -0.02), (rise, 0.25 * reach), (0.95 * rise, 0.75 * reach), end])
    elif kind == 2:
        end = [(rise, 0.97 * reach), (rise - 0.03, reach), (rise - 0.04 - drop, reach)]
        path = np.array([(0, 0), (0.97 * rise, 0), (rise, 0.03 * reach), *end])
    elif kind == 3:
        path = smooth([(0, 0), (0.5 * rise, 0.05 * reach), (0.8 * rise, 0.55 * reach), (0.85 * rise, reach)])
    else:
        path = np.array([(0, 0), (0.7 * rise, 0), (0.75 * rise, 0.1 * reach), (0.7 * rise, reach)])
    return np.insert(path, 0, 0, axis=1)


@family(
    "faucet",
    ("spout", "body", "handles", "base"),
    ("single lever", "bridge", "gooseneck", "wall", "garden tap", "widespread", "block"),
    synonyms=("tap", "water tap", "spigot", "kitchen faucet", "sink tap", "mixer tap", "bathroom faucet"),
)
def faucet(variant: str, draw: Draw) -> Pieces:
    """Water tap over a sink, at a wall or in the garden; the water comes out to the front."""
    p = draw(
        rise=(0.1, 0.3), reach=(0.1, 0.24), drop=(0.01, 0.08), thick=(0.009, 0.02), body=(0.018, 0.032),
        handle=(0.02, 0.036), apart=(0.06, 0.14), plate=(0.035, 0.06), turn=(-60, 60),
    )  # fmt: skip
    r, s, b = p.thick, p.handle, p.body
    sides = 10 if draw.chance(0.85) else 4
    kind = draw.integer("handle", 0, 5)

    def spout(path: np.ndarray, y: float = 0.0, z: float = 0.0, flare: float = 1.0) -> Pieces:
        tip = path[-1] + [0, y, z]
        radius = r * np.linspace(max(flare, 1.0), min(1.0, 1 / flare), len(path))
        nozzle = cylinder(1.35 * r, 0.02 + 0.4 * p.drop, 10).moved(*(tip - [0, 0.015 + 0.4 * p.drop, 0]))
        return [(tube(path + [0, y, z], radius, sides), 0), (nozzle, 0)]

    pieces: Pieces = []
    if variant == "single lever":
        high = 0.06 + 0.4 * p.rise
        post = cylinder(b, high, 14) if draw.chance(0.7) else box(1.8 * b, high, 1.8 * b).moved(y=high / 2)
        pieces.append((post.turned("x", draw.rng.uniform(0, 12)), 1))
        level, fall = high * draw.rng.uniform(0.4, 0.8), draw.rng.uniform(-0.02, 0.08)
        path = smooth([(0, level, 0), (0, level + 0.02 + fall, 0.5 * p.reach), (0, level + fall, p.reach)], 4)
        pieces += spout(path, flare=draw.rng.uniform(1.0, 1.6))
        cap = ellipsoid(1.02 * b, 0.8 * b, 1.02 * b, 12).moved(y=high)
        tip = (0, high + 0.03 + p.drop, draw.rng.uniform(-0.1, 0.12))
        lever = rod((0, high + 0.4 * b, 0), tip, (0.4 * b, 0.25 * b), 8)
        pieces.append((combine([cap, lever.scaled(1.8, 1, 1)]), 2))
        pieces.append((frustum(p.plate, 0.8 * p.plate, 0.015, 18), 3))
        if draw.chance(0.25):
            pieces.append((box(4 * p.plate, 0.012, 1.8 * p.plate).moved(y=0.006), 3))
    elif variant == "gooseneck":
        rise, reach = 1.4 * p.rise + 0.12, 0.9 * p.reach + 0.05
        foot = 0.05 + 0.3 * p.drop
        post = [(0, 0), (b, 0), (b, foot), (0.7 * b, foot + 0.02), (r, foot + 0.03), (0, foot + 0.03)]
        pieces.append((lathe(post, 14), 1))
        rise = max(rise, 0.6 * reach + foot + 0.05)
        path = neck((0, 0, 0, 2)[draw.integer("neck", 0, 3)], rise, reach, p.drop)
        pieces += spout(path)
        if draw.chance(0.4):  # a head that pulls out
            head = frustum(1.9 * r, 1.3 * r, 0.06 + p.drop, 12)
            pieces.append((head.moved(*(path[-1] - [0, 0.05 + p.drop, 0])), 0))
        if draw.chance(0.15):  # a spring around the neck
            coils = [(0, y, 0) for y in np.linspace(foot + 0.06, rise - reach / 2, 8)]
            pieces.append((copies(torus(1.7 * r, 0.3 * r, 12, 5), coils), 0))
        bar = rod((0, 0.03, 0), (0.02, 0.03 + 2.5 * s, 0), (0.35 * b, 0.2 * b), 8)
        lever = combine([cylinder(0.55 * b, 0.03, 10), bar])
        if draw.chance(0.7):
            pieces.append((lever.turned("z", -90 + 0.5 * p.turn).moved(0.8 * b, 0.7 * foot), 2))
        else:
            pieces.append((both(tap_handle(kind, 0.8 * s).moved(p.apart)), 2))
            pieces.append((both(frustum(0.9 * s, 0.5 * s, 0.02, 12).moved(p.apart)), 3))
        pieces.append((frustum(p.plate, 0.85 * p.plate, 0.012, 18), 3))
        if draw.chance(0.25):
            pieces.append((box(2.4 * p.apart, 0.012, 2 * p.plate).moved(y=0.006), 3))
    elif variant in ("bridge", "widespread"):
        bridge = variant == "bridge"
        high = 0.05 + 0.25 * p.rise
        column = [(0.7 * s, 0), (0.55 * s, 0.012), (0.45 * s, high), (0, high)]
        pieces.append((both(lathe([(0, 0), *column], 12).moved(p.apart)), 1))
        grip = tap_handle(kind, s).turned("y", p.turn)
        pieces.append((both(grip.moved(p.apart, high)), 2))
        pieces.append((both(frustum(s, 0.75 * s, 0.012, 14).moved(p.apart)), 3))
        level = 0.6 * high if bridge else 0.0
        if bridge:
            pieces.append((rod((-p.apart, level, 0), (p.apart, level, 0), 0.9 * r, 10), 1))
            if draw.chance(0.6):
                pieces.append((ellipsoid(1.6 * r, 1.6 * r, 1.6 * r, 10).moved(y=level), 1))
        else:
            pieces.append((lathe([(0, 0), (p.plate * 0.8, 0), (1.2 * r, 0.03), (0, 0.035)], 14), 3))
        pieces += spout(neck(draw.integer("neck", 0, 4), p.rise + 0.5 * p.reach, p.reach, p.drop), level)
    elif variant == "wall":
        out = 0.04 + 0.3 * p.drop
        disc = frustum(p.plate, 0.8 * p.plate, 0.012, 16).turned("x", 90)
        double = draw.chance(0.7)
        pieces.append((both(disc.moved(p.apart)) if double else disc, 3))
        if double:
            pieces.append((both(rod((p.apart, 0, 0), (p.apart, 0, out), 0.9 * b, 10)), 1))
            pieces.append((rod((-p.apart - 0.02, 0, out), (p.apart + 0.02, 0, out), 0.8 * b, 12), 1))
            grip = tap_handle(kind, s).turned("z", -90) if draw.chance(0.5) else along(tap_handle(kind, s))
            at = (p.apart + 0.02, 0, out) if grip.vertices[:, 2].max() < 1.2 * s else (p.apart, 0, out + 0.5 * b)
            pieces.append((both(grip.moved(*at)), 2))
        else:
            pieces.append((rod((0, 0, 0), (0, 0, out + 0.02), b, 12), 1))
            pieces.append((tap_handle(kind, s).moved(0, b, 0.6 * out), 2))
        shape = draw.integer("spout", 0, 2)
        if shape == 0:
            end = [(-0.01, out + p.reach - 0.01), (-0.03 - p.drop, out + p.reach)]
            path = np.insert(np.array([(0, out), (0, out + p.reach - 0.03), *end]), 0, 0, axis=1)
        else:
            path = neck(0 if shape == 1 else 1, p.rise + 0.4 * p.reach, p.reach, p.drop) + [0, 0, out]
        pieces += spout(path)
    elif variant == "garden tap":
        long = 0.07 + 0.3 * p.reach
        disc = frustum(0.8 * p.plate, 0.7 * p.plate, 0.01, 14).turned("x", 90)
        thread = cylinder(0.6 * b, 0.03, 10).turned("x", 90)
        pieces.append((disc if draw.chance(0.5) else thread, 3))
        pieces.append((rod((0, 0, 0), (0, 0, long), 0.75 * b, 10), 1))
        pieces.append((ellipsoid(1.05 * b, 1.05 * b, 1.3 * b, 12).moved(z=0.6 * long), 1))
        bonnet = [(0, 0), (0.9 * b, 0), (0.9 * b, 0.6 * b), (0.55 * b, b), (0.5 * b, 2 * b), (0, 2 * b)]
        lean = draw.rng.uniform(-25, 10)
        top = lathe(bonnet, 6 if draw.chance(0.5) else 12)
        grip = tap_handle(kind, 1.2 * s).turned("y", p.turn).moved(y=2 * b)
        pieces += [(mesh.turned("x", lean).moved(0, 0.6 * b, 0.6 * long), part) for mesh, part in ((top, 1), (grip, 2))]
        end = (-0.05 - p.drop, long + 0.045)
        path = smooth([(0, long - 0.02), (-0.005, long + 0.02), (-0.03, long + 0.04), end], 3)
        path = np.insert(path, 0, 0, axis=1)
        pieces.append((tube(path, 0.7 * b, 10), 0))
        collar = [cylinder(0.85 * b, 0.008, 10).moved(0, -0.05 - p.drop + 0.012 * k, long + 0.045) for k in range(2)]
        pieces.append((combine(collar), 0))
        if draw.chance(0.25):  # on a standpipe
            tall = 0.3 + 2 * p.rise
            pieces.append((rod((0, -tall, -0.02), (0, 0.02, -0.02), 0.9 * b, 10), 3))
    else:
        w, high = 1.6 * b + 0.01, 0.08 + 0.6 * p.rise
        pieces.append((box(w, high, w).moved(y=high / 2), 1))
        flat = 0.012 + 0.4 * r
        level = high - draw.rng.uniform(0.0, 0.5) * high
        wide = w * draw.rng.uniform(0.8, 1.6)
        pieces.append((slab((-wide / 2, wide / 2), (level - flat, level), (-w / 2, p.reach + 0.02)), 0))
        if draw.chance(0.4):
            pieces.append(
                (slab((-0.4 * w, 0.4 * w), (level - flat - 0.02, level - flat), (p.reach - 0.02, p.reach + 0.02)), 0)
            )
        blade = box(0.9 * w, 0.012, 0.05 + p.drop).moved(z=0.02)
        pieces.append((blade.turned("x", -draw.rng.uniform(0, 30)).moved(0, high + 0.025, 0), 2))
        pieces.append((box(0.7 * w, 0.025, 0.7 * w).moved(y=high + 0.01), 2))
        pieces.append((box(2 * p.plate, 0.01, 2 * p.plate).moved(y=0.005), 3))
    return pieces
