"""The family of clocks."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, family, feet, placed, rod
from datasets.demo.families.forms import along, both, copies, smooth, taper
from datasets.demo.families.panels import casing, digits, keypad, plate, puck
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, extrude, frustum, lathe, slab, tube


def pointer(length: float, width: float, degrees: float, z: float) -> Mesh:
    """Clock hand from the origin, turned clockwise from twelve."""
    blade = slab((-width / 2, width / 2), (-0.18 * length, length), (0, 0.3 * width))
    return taper(blade, 0.45, 1).turned("z", -degrees).moved(z=z)


def dial(draw: Draw, r: float, thick: float, frame: int = 1, rim: bool = True) -> Pieces:
    """Round clock face in z = 0 with marks, hands and a rim."""
    n = (12, 12, 4)[draw.integer("marks", 0, 2)]
    a = np.arange(n) * 360 / n
    own = draw(mark=(0.08, 0.2), hour=(0, 360), minute=(0, 360), hand=(0.06, 0.12))
    long = own.mark * r
    mark = slab((-0.03 * r, 0.03 * r), (0.9 * r - long, 0.9 * r), (0, 0.03 * r))
    marks = [mark.turned("z", float(angle)) for angle in a]
    face = combine([puck(r, thick, 28), *[m.moved(z=thick) for m in marks]])
    wide = own.hand * r
    hands = [
        pointer(0.52 * r, 1.2 * wide, own.hour, thick + 0.03 * r),
        pointer(0.8 * r, wide, own.minute, thick + 0.06 * r),
    ]
    hands.append(puck(0.06 * r, 0.1 * r, 10).moved(z=thick))
    out: Pieces = [(face, 0), (combine(hands), 2)]
    if rim:
        profile = [(0.95, 0), (1.12, 0), (1.12, 0.1), (1.05, 0.2), (0.97, 0.12), (0.95, 0)]
        out.append((along(lathe(profile, 28).scaled(r, max(6 * thick, 0.3 * r), r)), frame))
    return out


def pendulum(length: float, bob: float) -> Mesh:
    """Rod that hangs from the origin with a disc at its end, facing +z."""
    return combine(
        [rod((0, 0, 0), (0, -length, 0), 0.08 * bob, 6), puck(bob, 0.25 * bob, 18).moved(0, -length, -0.1 * bob)]
    )


@family(
    "clock",
    parts=("face", "frame", "hands", "base", "pendulum"),
    variants=("wall", "alarm", "grandfather", "mantel", "digital", "cuckoo", "pendulum wall", "sunburst"),
    synonyms=("timepiece", "time piece", "timekeeper"),
)
def clock(variant: str, draw: Draw) -> Pieces:
    """Clock on a wall, a table or the floor, its face to the front."""
    p = draw(
        radius=(0.32, 0.48), thick=(0.04, 0.16), width=(0.36, 0.6), height=(1.5, 2.1), depth=(0.16, 0.34),
        hood=(1.05, 1.3), waist=(0.6, 0.9), share=(0.2, 0.32), bob=(0.1, 0.16), base=(0.04, 0.12), swing=(-14, 14),
        lean=(0, 18),
    )  # fmt: skip
    r, t, w, d = p.radius, p.thick, p.width, p.depth
    out: Pieces = []
    if variant == "wall":
        style = draw.integer("style", 0, 3)
        if style == 0:
            return dial(draw, r, t)
        n = (4, 4, 8, 6)[style]
        if style == 1:
            frame = casing(draw, 2.3 * r, 2.3 * r * p.waist * 1.2, t, draw.integer("casing", 0, 2))
        else:
            a = (np.arange(n) + 0.5) * 2 * np.pi / n
            frame = extrude(1.25 * r * np.stack([np.cos(a), np.sin(a)], -1), t)
        out = [(frame.moved(z=t / 2), 1)]
        r *= min(1, p.waist * 1.2) * 0.92
        return out + placed(dial(draw, r, 0.05 * r, 1, draw.chance(0.6)), z=t)
    if variant == "sunburst":
        n = draw.integer("rays", 10, 28)
        inner, reach = 0.45 * r, (0.6 + p.waist) * r
        out = placed(dial(draw, inner, 0.3 * t), z=0.02)
        spike = draw.chance(0.5)
        for k in range(n):
            long = reach * (1 if k % 2 else p.waist)
            ray = box(0.03, long, 0.025) if not spike else taper(box(0.9 * inner * 6 / n, long, 0.03), 0.1, 1)
            tip = [] if spike or k % 2 == 0 else [ellipsoid(0.04, 0.04, 0.03, 8).moved(0, inner + long)]
            out.append((combine([ray.moved(0, inner + 0.5 * long), *tip]).turned("z", 360 * k / n), 1))
        return out
    if variant == "alarm":
        deep = 0.5 * r + 1.2 * t
        front = deep / 2
        drum = along(
            lathe([(0, -front), (0.85 * r, -front), (1.06 * r, -0.7 * front), (1.06 * r, front), (0, front)], 26)
        )
        out = [(drum, 1), *placed(dial(draw, 0.98 * r, 0.02), z=front)]
        spread = draw.rng.uniform(24, 38)
        if draw.chance(0.8):  # bells
            size = draw.rng.uniform(0.34, 0.5) * r
            bell = lathe([(0, 0.55), (0.05, 0.5), (0.6, 0.42), (0.95, 0.1), (1, 0), (0, 0)][::-1], 16).scaled(size)
            stalk = cylinder(0.03, 0.25 * r, 8).moved(0, -0.2 * r)
            out.append((both(combine([bell, stalk]).moved(0, 1.25 * r).turned("z", -spread)), 1))
            out.append(
                (
                    combine(
                        [rod((0, r, 0), (0, 1.45 * r, 0), 0.012, 6), ellipsoid(0.05, 0.05, 0.03, 8).moved(0, 1.45 * r)]
                    ),
                    1,
                )
            )
            if draw.chance(0.6):
                out.append((arch(1.7 * r * np.sin(np.radians(spread)), 0.5 * r, 0.02, 12, 6).moved(0, 1.5 * r), 1))
        else:
            out.append((cylinder(0.08, 0.08, 12).moved(0, 1.03 * r), 1))
        leg = rod((0, -0.95 * r, 0), (0, -1.3 * r - p.base, 0), (0.05, 0.03), 8)
        if draw.chance(0.75):
            out.append(
                (both(combine([leg, ellipsoid(0.045, 0.045, 0.045, 8).moved(0, -1.3 * r - p.base)]).turned("z", 35)), 3)
            )
        else:
            out.append((slab((-0.8 * r, 0.8 * r), (-1.2 * r, -0.95 * r), (-front, front)), 3))
        return placed(out, pitch=-0.5 * p.lean)
    if variant == "digital":
        w, h = 1.2 * p.height * 0.5, p.share * 1.4 + 0.05
        style = draw.integer("style", 0, 2)
        if style == 0:
            body = extrude([(-d, 0), (d, 0), (d - 0.35 * h, h), (-d * p.waist, h)], w).turned("y", -90)
            pitch, z = -np.degrees(np.arctan(0.35)), d - 0.175 * h
        else:
            body = casing(draw, w, h, 2 * d, style).moved(0, h / 2)
            pitch, z = 0.0, d
        own = draw(pane=(0.76, 0.92), figure=(0.38, 0.54))
        screen: Pieces = [
            (plate(own.pane * w, 0.7 * h, 0.02), 0),
            (digits(draw, 0.72 * w, own.figure * h, 0.03).moved(z=0.02), 2),
        ]
        out = [(body, 1), *placed(screen, 0, h / 2, z, 0, pitch)]
        out.append((keypad(1, draw.integer("keys", 3, 5), 0.6 * w, 0.12, 0.03).turned("x", -90).moved(0, h, 0), 3))
        return [*out, *[(m.moved(0, -0.03), part) for m, part in feet(draw, 0.9 * w, 1.8 * d, 0.03, 0.06, 3)]]
    if variant == "cuckoo":
        w, h = 0.75 * p.width + 0.1, 0.62
        wall = extrude([(-w / 2, 0), (w / 2, 0), (w / 2, 0.6 * h), (0, h), (-w / 2, 0.6 * h)], d)
        slope = np.degrees(np.arctan2(0.4 * h, w / 2))
        length = 0.5 * w / np.cos(np.radians(slope)) + 0.1
        roof = box(length, 0.035, 1.35 * d).moved(length / 2).turned("z", -slope).moved(0, h + 0.02, 0.05)
        front = d / 2
        out = [(wall, 1), (both(roof), 1), *placed(dial(draw, 0.3 * w, 0.02), 0, 0.34 * h, front)]
        out.append((plate(0.2 * w, 0.2 * h, 0.02, 0.03).moved(0, 0.73 * h, front), 1))
        if draw.chance(0.6):
            bird = [
                ellipsoid(0.03, 0.03, 0.06, 8),
                ellipsoid(0.025, 0.025, 0.025, 8).moved(0, 0.035, 0.05),
                along(frustum(0.01, 0, 0.03, 6)).moved(0, 0.035, 0.07),
            ]
            out.append((combine(bird).moved(0, 0.72 * h, front + 0.08), 1))
        if draw.chance(0.6):  # carved leaves
            leaf = ellipsoid(0.05, 0.11, 0.03, 10)
            spots = [(-0.46, 0.75, 50), (0.46, 0.75, -50), (-0.5, 0.1, 130), (0.5, 0.1, -130), (0, 1.05, 0)]
            out.append((combine([leaf.turned("z", turn).moved(x * w, y * h, front) for x, y, turn in spots]), 1))
        out.append((slab((-0.56 * w, 0.56 * w), (-0.05, 0), (-d / 2, 0.6 * d)), 1))
        swing = pendulum(0.3 + p.share, 0.5 * p.bob).turned("z", p.swing)
        out.append((swing.moved(0, 0, 0.1 * d), 4))
        drop = draw.rng.uniform(0.3, 0.8, 2)
        cone = lathe([(0, -0.16), (0.02, -0.15), (0.04, -0.06), (0.03, 0), (0, 0.01)], 10)
        for s, y in zip((-1, 1), drop, strict=True):
            out.append(
                (
                    combine([rod((0, 0, 0), (0, -y, 0), 0.007, 5), cone.moved(0, -y)]).moved(
                        s * 0.22 * w, -0.02, 0.2 * d
                    ),
                    4,
                )
            )
        return out
    if variant == "mantel":
        style = draw.integer("style", 0, 3)
        r, h = 0.75 * r, 2.5 * r * 0.75
        front, y = d / 2, 1.3 * r
        base = slab((-1.0, 1.0), (-p.base, 0), (-0.6, 0.6))
        if style == 0:  # low at its ends, round over the dial
            x = np.linspace(-1, 1, 25)
            wide = (1.9 + 2 * p.waist) * r
            top = 0.25 * r + 2.35 * r * np.exp(-((x / (0.42 + 0.2 * p.share)) ** 4))
            body = extrude(np.r_[[(wide / 2, 0), (-wide / 2, 0)], np.c_[x * wide / 2, top]][np.r_[0, 26:1:-1, 1]], d)
        elif style == 1:  # arched
            a = np.linspace(0, np.pi, 13)
            wide = 2.5 * r
            body = extrude(
                np.r_[[(-wide / 2, 0), (wide / 2, 0)], np.stack([wide / 2 * np.cos(a), y + 1.25 * r * np.sin(a)], -1)],
                d,
            )
        elif style == 2:  # carriage clock with its handle
            wide = 2.3 * r
            body = combine(
                [
                    slab((-wide / 2, wide / 2), (0, 1.25 * h), (-0.9 * front, 0.9 * front)),
                    slab((-0.55 * wide, 0.55 * wide), (1.25 * h, 1.25 * h + 0.06), (-1.1 * front, 1.1 * front)),
                    both(combine([cylinder(0.04, 1.25 * h, 10).moved(wide / 2, 0, s * front) for s in (-1, 1)])),
                ]
            )
            out.append((arch(0.7 * wide, 0.35 * r, 0.03, 12, 6).moved(0, 1.25 * h + 0.05), 1))
            y = 0.8 * h
        else:  # temple with columns and a gable
            wide = 3.0 * r
            body = combine(
                [
                    slab((-0.32 * wide, 0.32 * wide), (0, h), (-front, front)),
                    both(copies(cylinder(0.07 * wide, h, 12), [(0.42 * wide, 0, s * 0.5 * front) for s in (-1, 1)])),
                    slab((-0.52 * wide, 0.52 * wide), (h, h + 0.07), (-1.2 * front, 1.2 * front)),
                    extrude([(-0.5 * wide, 0), (0.5 * wide, 0), (0, 0.6 * r)], 1.9 * front).moved(0, h + 0.07),
                ]
            )
            y, r = 0.52 * h, 0.85 * r
        out += [(body, 1), (base.scaled(0.56 * wide, 1, 1.1 * d), 3)]
        out += placed(dial(draw, 0.92 * r, 0.03), 0, y, front - 0.01)
        return out + [(m.moved(0, -p.base - 0.04), part) for m, part in feet(draw, wide, d, 0.05, 0.08, 3)]
    if variant == "pendulum wall":
        h, r = 0.62 * p.height, 0.5 * w * 0.82
        front = 0.35 * d
        if draw.chance(0.45):  # schoolhouse: an octagon with a drop below
            a = (np.arange(8) + 0.5) * np.pi / 4
            head = extrude(1.35 * r * np.stack([np.cos(a), np.sin(a)], -1), 2 * front)
            low = -0.6 * h
            drop = extrude(
                [(-0.75 * r, 0), (0.75 * r, 0), (0.75 * r, 0.75 * low), (0, low - 0.1), (-0.75 * r, 0.75 * low)],
                1.6 * front,
            )
            out = [(head, 1), (drop.moved(0, -0.8 * r), 1), *placed(dial(draw, r, 0.02), z=front)]
            at, length = (0, -1.1 * r, 0.82 * front), 0.45 * h - 0.1
        else:
            body = slab((-w / 2, w / 2), (-h + 1.3 * r, 1.3 * r), (-front, front))
            out = [(body, 1), *placed(dial(draw, 0.9 * r, 0.02), z=front)]
            gable = extrude([(-0.55 * w, 0), (0.55 * w, 0), (0.3 * w, 0.14), (0, 0.24), (-0.3 * w, 0.14)], 2.3 * front)
            out += [
                (gable.moved(0, 1.3 * r), 1),
                (slab((-0.55 * w, 0.55 * w), (-h + 1.2 * r, -h + 1.3 * r), (-front, 1.2 * front)), 1),
            ]
            out.append((both(cylinder(0.03, 0.9 * h, 8).moved(0.46 * w, 1.25 * r - 0.95 * h, front)), 1))
            at, length = (0, -1.1 * r, front + 0.02), h - 3.2 * r
        out.append((pendulum(max(length, 0.15), 0.9 * p.bob).turned("z", 0.5 * p.swing).moved(*at), 4))
        return out
    h, foot = p.height, p.base
    plinth, hood = p.share * h, 1.25 * w * p.hood
    thin, front = p.waist * w, d / 2
    out = [(slab((-w / 2, w / 2), (foot, plinth), (-front, front)), 3)]
    out.append(
        (slab((-0.56 * w, 0.56 * w), (0, foot), (-1.1 * front, 1.1 * front)), 3)
        if draw.chance(0.6)
        else (combine([m for m, _ in feet(draw, w, d, foot, 0.1, 3)]), 3)
    )
    out.append((slab((-0.54 * w, 0.54 * w), (plinth, plinth + 0.04), (-1.08 * front, 1.08 * front)), 3))
    top = h - hood
    out.append((slab((-thin / 2, thin / 2), (plinth, top), (-0.85 * front, 0.85 * front)), 1))
    out.append((slab((-0.52 * w, 0.52 * w), (top - 0.05, top), (-1.05 * front, 1.05 * front)), 1))
    out.append((slab((-w / 2, w / 2), (top, h), (-front, front)), 1))
    out += placed(dial(draw, 0.42 * w, 0.02, 1, draw.chance(0.6)), 0, top + 0.5 * hood, front)
    if draw.chance(0.6):
        out.append((both(cylinder(0.03, hood, 10).moved(0.47 * w, top, front)), 1))
    pediment = draw.integer("top", 0, 3)
    if pediment == 0:
        out.append((slab((-0.57 * w, 0.57 * w), (h, h + 0.06), (-1.12 * front, 1.12 * front)), 1))
    elif pediment == 1:
        out.append((extrude([(-0.56 * w, 0), (0.56 * w, 0), (0, 0.4 * w)], 1.1 * d).moved(0, h), 1))
    elif pediment == 2:
        a = np.linspace(0, np.pi, 11)
        out.append((extrude(np.stack([0.54 * w * np.cos(a), 0.42 * w * np.sin(a)], -1), 1.1 * d).moved(0, h), 1))
    else:  # swan's neck
        s = smooth([(0.55 * w, 0.03, 0), (0.35 * w, 0.1, 0), (0.2 * w, 0.26, 0), (0.08 * w, 0.24, 0)], 3)
        out.append((both(tube(s, 0.05, 6)).moved(0, h, 0.8 * front), 1))
        out += [(slab((-w / 2, w / 2), (h, h + 0.06), (-front, front)), 1)]
        out.append(
            (lathe([(0, 0), (0.03, 0), (0.05, 0.1), (0.01, 0.2), (0, 0.22)], 10).moved(0, h + 0.06, 0.8 * front), 1)
        )
    case = top - plinth
    bob = min(0.95 * p.bob, 0.4 * thin)
    if draw.chance(0.8):
        out.append((pendulum(0.62 * case, bob).turned("z", 0.2 * p.swing).moved(0, top - 0.1, 0.9 * front), 4))
        if draw.chance(0.5):
            weight = cylinder(0.06 * w, 0.16 * case, 10)
            for s, y in ((-1, 0.45), (1, 0.6)):
                out.append(
                    (
                        combine([weight, rod((0, 0.1, 0), (0, y * case, 0), 0.008, 5)]).moved(
                            s * 0.26 * thin, top - y * case - 0.06, 0.95 * front
                        ),
                        4,
                    )
                )
    else:
        out.append((plate(0.7 * thin, 0.85 * case, 0.03, 0.03).moved(0, plinth + 0.5 * case, 0.85 * front), 1))
    return out
