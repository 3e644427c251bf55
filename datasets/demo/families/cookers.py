"""Families of what cooks: stoves and microwaves. Rough sizes are in metres; fronts face +z."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, handle, placed, shell
from datasets.demo.families.forms import both, copies, hollow, smooth, taper
from datasets.demo.families.panels import bezel, casing, dials, keypad, plate, rack, row
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, frustum, lathe, slab, torus, tube


def hob(draw: Draw, w: float, d: float, kind: int, size: float) -> Pieces:
    """Burners on y = 0: 0 gas with grates, 1 coils, 2 plates."""
    five = draw.chance(0.2) and w > 0.7
    spots = [(sx * 0.25 * w, 0, sz * 0.23 * d) for sx in (-1, 1) for sz in (-1, 1)] + [(0, 0, 0)] * five
    r = np.array([size, 0.8 * size, 0.85 * size, size, 0.9 * size])[: len(spots)] * min(w, d) / 2
    if kind == 1:
        one = combine([torus(f, 0.07, 18, 5) for f in (0.3, 0.6, 0.9)] + [cylinder(1.1, 0.02, 18)])
        return [(copies(one, spots, r), 1)]
    if kind == 2:
        one = lathe([(0, 0), (1, 0), (1, 0.1), (0.85, 0.14), (0.25, 0.14), (0.2, 0.1), (0, 0.1)], 20)
        return [(copies(one, spots, r), 1)]
    one = combine([frustum(0.6, 0.5, 0.15, 14), cylinder(0.4, 0.25, 12)])
    bar = 0.1
    cross = combine([box(2.2, bar, bar).moved(0, 0.38), box(bar, bar, 2.2).moved(0, 0.38)])
    stubs = copies(box(bar, 0.38, bar), [(s, 0.19, 0) for s in (-1.05, 1.05)] + [(0, 0.19, s) for s in (-1.05, 1.05)])
    frame = combine([box(2.2, bar, bar).moved(0, 0.38, s * 1.05) for s in (-1, 1)])
    grate = combine([cross, stubs, *([frame, frame.turned("y", 90)] if draw.chance(0.6) else [])])
    return [(copies(combine([one, grate]), spots, r), 1)]


def saucepan(draw: Draw, r: float) -> Mesh:
    """Cooking pot with two ears or a pan with a handle, on y = 0."""
    if draw.chance(0.5):
        return combine(
            [
                hollow([(0.8 * r, 0), (r, 0.4 * r)], 0.06 * r, 18),
                box(0.2 * r, 0.1 * r, 1.6 * r).moved(0, 0.35 * r, 1.7 * r),
            ]
        )
    h = draw.rng.uniform(0.8, 1.5) * r
    ears = both(box(0.4 * r, 0.1 * r, 0.6 * r).moved(1.1 * r, 0.8 * h))
    return combine(
        [
            cylinder(r, h, 18),
            ears,
            frustum(1.03 * r, 0.5 * r, 0.15 * r, 18).moved(0, h),
            ellipsoid(0.15 * r, 0.15 * r, 0.15 * r, 8).moved(0, h + 0.2 * r),
        ]
    )


def oven_door(draw: Draw, w: float, y0: float, y1: float, window: float) -> Pieces:
    """Oven door in z = 0 with a window and a bar across the top."""
    out: Pieces = [(slab((-0.48 * w, 0.48 * w), (y0 + 0.006, y1 - 0.006), (0, 0.035)), 2)]
    h = y1 - y0
    if draw.chance(0.8):
        out.append(
            (plate(window * w, 0.5 * h, 0.012, 0.02 if draw.chance(0.5) else 0).moved(0, y0 + 0.44 * h, 0.035), 2)
        )
    bar = draw.rng.uniform(0.6, 0.9) * w
    return [*out, (handle(bar, 0.024).moved(0, y1 - min(0.05, 0.15 * h), 0.035), 3)]


@family(
    "stove",
    parts=("body", "burners", "door", "handle", "knobs", "backsplash"),
    variants=("range", "back panel", "double oven", "cooktop", "wood stove", "old range", "open oven"),
    synonyms=("range", "cooker", "kitchen stove", "cooking stove", "oven"),
)
def stove(variant: str, draw: Draw) -> Pieces:
    """Cooker with burners above an oven, a hob alone, or a stove that burns wood."""
    p = draw(
        width=(0.48, 0.98), height=(0.8, 0.98), depth=(0.5, 0.7), panel=(0.08, 0.14), drawer=(0.1, 0.24),
        back=(0.04, 0.3), burner=(0.28, 0.42), window=(0.4, 0.75), leg=(0.03, 0.12), pipe=(0.05, 0.09),
        opening=(60, 92),
    )  # fmt: skip
    w, h, d = p.width, p.height, p.depth
    kind, front = draw.integer("burners", 0, 2), d / 2
    pots: Pieces = []
    if draw.chance(0.25):
        pots = [(saucepan(draw, 0.2 * d).moved(draw.rng.choice([-1, 1]) * 0.25 * w, h + 0.06, -0.2 * d), 1)]
    if variant == "cooktop":
        t, n = 0.05 + 0.6 * p.leg, draw.integer("knobs", 2, 5)
        top = plate(w, d, 0.02, 0.03 if draw.chance(0.5) else 0).turned("x", -90)
        own = draw(knob=(0.018, 0.03), spread=(0.2, 0.38))
        out: Pieces = [(top.moved(0, t), 0), (slab((-0.44 * w, 0.44 * w), (0, t), (-0.44 * d, 0.44 * d)), 0)]
        out += [(m.moved(0, t + 0.02, -0.05 * d), part) for m, part in hob(draw, w * 0.95, 0.85 * d, kind, p.burner)]
        knobs = dials(row(own.spread * w, n), own.knob, 0.025)
        out.append(
            (knobs.moved(0, t * 0.6, 0.44 * d) if t > 0.08 else knobs.turned("x", -90).moved(0, t + 0.02, 0.45 * d), 4)
        )
        return [*out, *[(m.moved(0, t - h), part) for m, part in pots]]
    if variant == "wood stove":
        w, h, d = 0.75 * w, h * draw(squat=(0.7, 1.1)).squat, 0.85 * d
        legs, front, stance = p.leg + 0.05, d / 2, (0.42 * w, 0.38 * d)
        if draw.chance(0.3):  # pot-bellied
            belly = smooth(
                [(0.3 * w, legs), (0.36 * w, legs + 0.2 * h), (0.46 * w, 0.5 * h), (0.35 * w, 0.8 * h), (0.3 * w, h)]
            )
            out = [(lathe([(0, legs), *belly, (0, h)], 22), 0), (cylinder(0.4 * w, 0.03, 22).moved(0, h), 0)]
            out.append((casing(draw, 0.32 * w, 0.22 * h, 0.06, 1).moved(0, 0.5 * h, 0.44 * w), 2))
            front, stance = 0.47 * w, (0.22 * w, 0.22 * w)
        else:
            out = [(slab((-w / 2, w / 2), (legs, h), (-d / 2, d / 2)), 0)]
            out.append((slab((-0.55 * w, 0.55 * w), (h, h + 0.03), (-0.54 * d, 0.56 * d)), 0))
            size = (0.6 * w, 0.5 * (h - legs))
            door = casing(draw, *size, 0.05, draw.integer("door", 0, 1))
            out += [(door.moved(0, legs + 0.5 * (h - legs), front), 2)]
            out.append(
                (plate(0.75 * size[0], 0.65 * size[1], 0.01).moved(0, legs + 0.5 * (h - legs), front + 0.025), 2)
            )
            out.append((slab((-0.4 * w, 0.4 * w), (legs, legs + 0.03), (front, front + 0.12)), 0))
        out.append((handle(0.12, 0.02, True).moved(0.24 * w, 0.55 * h, front + 0.02), 3))
        out.append((dials(row(0.1 * w, 2, legs + 0.1 * (h - legs), front - 0.04), 0.025, 0.05), 4))
        out.append((cylinder(p.pipe, h * draw(chimney=(0.4, 1.2)).chimney, 14).moved(0, h, -0.2 * d), 5))
        out.append((copies(torus(1.1 * p.pipe, 0.012, 16, 6), row(0, 1, h + 0.05, -0.2 * d)), 5))
        curved = tube([(0, 0, 0), (-0.02, 0.4 * legs, 0), (0.01, legs + 0.02, -0.02)], (0.02, 0.018, 0.035), 6)
        return [
            *out,
            *[
                (curved.scaled(-sx, 1, sz).moved(sx * stance[0], 0, sz * stance[1]), 0)
                for sx in (-1, 1)
                for sz in (-1, 1)
            ],
        ]
    if variant == "old range":
        w = max(w, 0.8)
        legs = 0.1 + p.leg
        out = [(slab((-w / 2, w / 2), (legs, h), (-d / 2, d / 2)), 0)]
        out.append((slab((-0.53 * w, 0.53 * w), (h, h + 0.03), (-0.53 * d, 0.53 * d)), 0))
        curved = tube([(0.03, 0, 0.03), (0, 0.5 * legs, 0), (0.02, legs + 0.02, 0)], (0.018, 0.022, 0.04), 6)
        out += [(curved.scaled(sx, 1, sz).moved(sx * 0.44 * w, 0, sz * 0.4 * d), 0) for sx in (-1, 1) for sz in (-1, 1)]
        split = draw.rng.uniform(-0.1, 0.15) * w
        middle = draw.rng.uniform(0.35, 0.6)
        tall = h - legs
        for x0, x1, ys in ((-w / 2, split, (0.02, 0.8)), (split, w / 2, (0.02, middle)), (split, w / 2, (middle, 0.8))):
            y0, y1 = legs + ys[0] * tall, legs + ys[1] * tall
            door = casing(draw, 0.88 * (x1 - x0), 0.9 * (y1 - y0), 0.05, draw.integer("door", 0, 1))
            out += [(door.moved((x0 + x1) / 2, (y0 + y1) / 2, front), 2)]
            out.append((handle(0.3 * (x1 - x0), 0.02).moved((x0 + x1) / 2, y1 - 0.05, front + 0.025), 3))
        out.append((dials(row(0.4 * w, 5, legs + 0.9 * tall, front), 0.025, 0.03), 4))
        lids = copies(
            cylinder(1, 0.06, 18),
            [(sx * 0.25 * w, h + 0.03, sz * 0.2 * d) for sx in (-1, 1) for sz in (-1, 1)],
            0.35 * p.burner * d,
        )
        out.append((lids, 1))
        high = 0.3 + p.back
        out.append((slab((-w / 2, w / 2), (h, h + high), (-d / 2, -d / 2 + 0.03)), 5))
        if draw.chance(0.75):
            out.append((slab((-w / 2, w / 2), (h + high - 0.12, h + high), (-d / 2, -0.1 * d)), 5))
        if draw.chance(0.5):
            out.append((cylinder(p.pipe, 0.5 * h, 12).moved(0.2 * w, h + high - 0.05, -0.35 * d), 5))
        return [*out, *pots]
    kick = 0.05 + 0.5 * p.leg
    out = [(slab((-0.47 * w, 0.47 * w), (0, kick), (-d / 2, d / 2 - 0.05)), 0)]
    strip = p.panel if variant != "back panel" else 0.02
    doors = h - strip
    drawer = kick + p.drawer
    out.append((slab((-w / 2, w / 2), (h, h + 0.02), (-d / 2, d / 2 + 0.02)), 0))
    out += [(m.moved(0, h + 0.02), part) for m, part in hob(draw, w, d * 0.95, kind, p.burner)]
    if variant == "open oven":
        out += shell((-w / 2, w / 2), (drawer, doors), (-d / 2, front), 0.03, 0)
        out += [
            (slab((-w / 2, w / 2), (doors, h), (-d / 2, front)), 0),
            (slab((-w / 2, w / 2), (kick, drawer), (-d / 2, front)), 0),
        ]
        leaf = [(m.moved(0, -drawer), part) for m, part in oven_door(draw, w, drawer, doors, p.window)]
        out += placed(leaf, 0, drawer, front, 0, p.opening)
        out += [
            (rack(0.88 * w, 0.85 * d, 0.006, 0.004, 8).moved(0, drawer + f * (doors - drawer), 0), 3)
            for f in (0.35, 0.65)
        ]
    else:
        out.append((slab((-w / 2, w / 2), (kick, h), (-d / 2, front)), 0))
        if variant == "double oven" and draw.chance(0.5):  # side by side
            wide = 1.0 if w > 0.75 else 1.3
            out = [(m.scaled(wide, 1, 1), part) for m, part in out]
            w *= wide
            share = draw.rng.uniform(0.4, 0.62)
            for x, size in ((-w / 2 + share * w / 2, share * w), (w / 2 - (1 - share) * w / 2, (1 - share) * w)):
                out += placed(oven_door(draw, size, drawer, doors, p.window), x, 0, front)
        elif variant == "double oven":
            middle = drawer + draw.rng.uniform(0.45, 0.7) * (doors - drawer)
            out += placed(oven_door(draw, w, drawer, middle, p.window), z=front)
            out += placed(oven_door(draw, w, middle, doors, p.window), z=front)
        else:
            out += placed(oven_door(draw, w, drawer, doors, p.window), z=front)
    out.append((slab((-0.48 * w, 0.48 * w), (kick + 0.005, drawer - 0.005), (front, front + 0.03)), 2))
    if draw.chance(0.6):
        out.append((handle(0.4 * w, 0.02).moved(0, drawer - 0.05, front + 0.03), 3))
    n = draw.integer("knobs", 4, 6)
    knobs = dials(row(0.4 * w, n), 0.024, 0.035, draw.chance(0.5))
    back = p.back if variant != "back panel" else 0.1 + 0.6 * p.back
    if back > 0.08:
        deep = 0.05 + 0.1 * draw.rng.random()
        splash = taper(slab((-w / 2, w / 2), (h, h + back), (-d / 2, -d / 2 + deep)), 1, 1)
        out.append((splash, 5))
        if variant == "back panel":
            out.append((plate(0.25 * w, 0.4 * back, 0.008).moved(0, h + 0.55 * back, -d / 2 + deep), 5))
            knobs = dials([(s * f * w, 0, 0) for s in (-1, 1) for f in (0.24, 0.38)], 0.03, 0.03, True)
            knobs = knobs.moved(0, h + 0.55 * back, -d / 2 + deep - front)
    out.append((knobs.moved(0, 0 if variant == "back panel" and back > 0.08 else h - strip / 2, front), 4))
    return [*out, *pots]


@family(
    "microwave",
    parts=("body", "door", "handle", "panel", "buttons", "plate"),
    variants=("keypad", "dials", "open", "over the range", "built in", "retro"),
    synonyms=("microwave oven", "microwave cooker"),
)
def microwave(variant: str, draw: Draw) -> Pieces:
    """Wide box with a windowed door at the left and controls at the right."""
    p = draw(
        width=(0.42, 0.66), height=(0.24, 0.38), depth=(0.3, 0.46), panel=(0.17, 0.3), window=(0.6, 0.86),
        tall=(0.5, 0.82), foot=(0.008, 0.03), door=(0.015, 0.04), opening=(45, 115), trim=(0.03, 0.09),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.door
    if variant == "over the range":
        w, h = 1.25 * w, 1.15 * h
    split, front = w / 2 - p.panel * w, d / 2
    wide = split + w / 2
    out: Pieces = []
    style = draw.integer("casing", 0, 2) if variant == "retro" else 0
    if variant == "open":
        out += shell((-w / 2, split), (0, h), (-d / 2, front), 0.02, 0)
        out.append((slab((split, w / 2), (0, h), (-d / 2, front)), 0))
        r = 0.4 * min(wide, d)
        out.append((cylinder(r, 0.012, 24).moved(split - wide / 2, 0.03), 5))
        if draw.chance(0.5):
            size = draw.rng.uniform(0.35, 0.75) * r
            out.append((hollow([(0.6 * size, 0), (size, 0.6 * size)], 0.008, 18).moved(split - wide / 2, 0.042), 5))
    else:
        out.append((casing(draw, w, h, d, 2 if style else 0).moved(0, h / 2), 0))
    out.append((slab((split + 0.004, 0.49 * w), (0.02 * h, 0.98 * h), (front, front + 0.8 * t)), 3))
    door: Pieces = [(slab((0.01 * w, wide - 0.004), (0.02 * h, 0.98 * h), (0, t)), 1)]
    pane = plate(p.window * 0.82 * wide, p.tall * h, 0.006, 0.15 * h if style or draw.chance(0.3) else 0)
    door.append((pane.moved((0.46 if variant != "built in" else 0.5) * wide, h / 2, t), 1))
    grip = draw.integer("grip", 0, 2) if variant != "over the range" else 0
    if grip == 0:
        door.append((handle(draw.rng.uniform(0.55, 0.85) * h, 0.018, True).moved(0.94 * wide, h / 2, t), 2))
    elif grip == 1:
        bow = smooth([(0, -0.35 * h, 0), (0, -0.25 * h, 0.035), (0, 0.25 * h, 0.035), (0, 0.35 * h, 0)])
        door.append((tube(bow, 0.01, 6).moved(0.94 * wide, h / 2, t), 2))
    else:
        door.append((slab((0.9 * wide, 0.97 * wide), (0.15 * h, 0.85 * h), (t, t + 0.012)), 2))
    out += placed(door, -w / 2, 0, front, -p.opening if variant == "open" else 0)
    x, z = (split + w / 2) / 2, front + 0.8 * t
    space = 0.8 * p.panel * w
    if variant in ("dials", "retro") or (variant == "open" and draw.chance(0.3)):
        r = 0.36 * space
        ys = (0.32 * h, 0.68 * h) if variant != "retro" or draw.chance(0.5) else (0.3 * h,)
        out.append((dials([(x, y, z) for y in ys], min(r, 0.16 * h), 0.025, draw.chance(0.5)), 4))
        out.append((copies(bezel(1.35 * min(r, 0.16 * h), 0.004), [(x, y, z) for y in ys]), 3))
    else:
        out.append((plate(0.9 * space, 0.14 * h, 0.005).moved(x, 0.84 * h, z), 3))
        rows = draw.integer("rows", 4, 6)
        out.append((keypad(rows, 3, space, 0.5 * h, 0.006, draw.chance(0.3)).moved(x, 0.48 * h, z), 4))
        out.append((plate(0.9 * space, 0.12 * h, 0.012).moved(x, 0.11 * h, z), 4))
    if variant == "over the range":
        slots = [
            slab((-0.46 * w, 0.46 * w), (h + y, h + y + 0.01), (front - 0.02, front + t)) for y in (0.01, 0.03, 0.05)
        ]
        out.append((combine([slab((-w / 2, w / 2), (h, h + 0.07), (-d / 2, front)), *slots]), 0))
        out.append((slab((-w / 2, w / 2), (-0.02, 0), (-d / 2, front)), 0))
    elif variant == "built in":
        m = p.trim
        frame = [slab((s * w / 2, s * (w / 2 + m)), (-m, h + m), (front - 0.01, front + 0.012)) for s in (-1, 1)]
        frame += [slab((-w / 2, w / 2), y, (front - 0.01, front + 0.012)) for y in ((-m, 0), (h, h + m))]
        out.append((combine(frame), 0))
    else:
        out = [*placed(out, y=p.foot), *feet(draw, 0.9 * w, 0.9 * d, p.foot, 0.04, 0)]
        if draw.chance(0.3):
            slots = copies(box(0.006, 0.008, 0.12), [(0, 0.02 * k, 0) for k in range(6)])
            out.append((slots.moved(w / 2, 0.5 * h, -0.05), 0))
    return out
