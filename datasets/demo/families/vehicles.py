"""Vehicles and boards on wheels; they drive towards +z."""

from __future__ import annotations

from functools import cache

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, rod
from datasets.demo.families.forms import both, copies, side, smooth, taper
from datasets.demo.families.solids import bars, fender, narrowed
from datasets.demo.mesh import (
    Mesh,
    box,
    boxes,
    combine,
    cushion,
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


def _wheel(radius: float, width: float, segments: int = 16) -> Mesh:
    """Wheel on an axle along x, its rim let in."""
    r, w = radius, width / 2
    half = [(0, 0.5 * w), (0.5 * r, 0.6 * w), (0.6 * r, w), (0.92 * r, w), (r, 0.6 * w)]
    return lathe([(x, -y) for x, y in half] + half[::-1], segments).turned("z", 90)


def panes(x: float, y: tuple[float, float], z: tuple[float, float], count: int, gap: float, thick: float) -> Mesh:
    """A row of `count` plates along z on both sides at +-x, `gap` of each place left free."""
    edge = np.linspace(*z, count + 1)
    free = gap / 2 * (edge[1] - edge[0])
    low = np.stack([np.full(count, x - thick), np.full(count, y[0]), edge[:-1] + free], -1)
    high = np.stack([np.full(count, x + thick), np.full(count, y[1]), edge[1:] - free], -1)
    return both(boxes(low, high))


@family(
    "bus",
    parts=("body", "window", "wheel", "door", "light"),
    variants=("city", "coach", "double decker", "school", "minibus", "articulated"),
    synonyms=("coach", "autobus", "omnibus", "school bus", "double-decker bus"),
)
def bus(variant: str, draw: Draw) -> Pieces:
    """Bus on two or three axles, its doors on the right."""
    p = draw(
        width=(0.75, 1.05), height=(0.8, 1.25), length=(2.3, 4.4), clearance=(0.09, 0.2), wheel=(0.14, 0.21),
        sill=(0.32, 0.5), band=(0.62, 0.85), slope=(0.0, 0.22), round=(0.02, 0.12), pillar=(0.05, 0.3), pane=(0.3, 0.7),
        axle=(0.14, 0.26), hood=(0.14, 0.2),
    )  # fmt: skip
    w, h, length = (
        p.width,
        p.height,
        p.length * {"minibus": 0.55, "articulated": 1.35, "double decker": 0.85}.get(variant, 1),
    )
    decks = 2 if variant == "double decker" else 1
    h *= 1.75 if decks == 2 else 1
    low, top, back, front = p.clearance, p.clearance + h, -length / 2, length / 2
    out: Pieces = []
    if variant in ("school", "minibus"):
        hood, lower = p.hood * (length if variant == "school" else 0.6), low + 0.52 * h
        cowl = [
            (front - hood - 0.1, low),
            (front, low),
            (front, lower - 0.1 * h),
            (front - 0.05, lower),
            (front - hood - 0.1, lower),
        ]
        out.append((side([(z, y + 0.06 * h * (y > low + 0.1 and z < front - hood)) for z, y in cowl], 0.88 * w), 0))
        front -= hood
    slope = p.slope * (2.2 if variant == "minibus" else 1)
    r, bonnet = p.round * h, front < length / 2
    parts = [(back, front)]
    if variant == "articulated":
        joint = back + 0.42 * length
        parts = [(back, joint - 0.12), (joint + 0.12, front)]
        folds = np.linspace(joint - 0.13, joint + 0.13, 8)
        bellows = [
            boxes([-k * w, low + 0.05, a], [k * w, top - 0.04, b])
            for a, b, k in zip(folds, folds[1:], [0.48, 0.43] * 4, strict=False)
        ]
        out.append((combine(bellows), 0))
    sill, lintel = low + p.sill * h / decks, low + p.band * h / decks
    rounded, see_through = draw.chance(0.25), decks == 1 and slope < 0.12 and draw.chance(0.35)
    for a, b in parts:
        lean = slope if b == front else 0.0
        outline = [
            (a, low),
            (b, low),
            (b, low + 0.45 * h / decks),
            (b - lean, top - r),
            (b - lean - r, top),
            (a + r, top),
            (a, top - r),
        ]
        if rounded and not see_through:
            out.append(
                (cushion(w, h, b - a, 0.12 + 0.12 * p.round / 0.12, 20).moved(0, (low + top) / 2, (a + b) / 2), 0)
            )
        elif see_through:
            out += [(slab((-w / 2, w / 2), y, (a, b)), 0) for y in ((low, sill), (lintel, top))]
            posts = np.linspace(a, b - 0.04, max(3, round((b - a) / p.pane) + 1))
            out.append(
                (both(boxes([[w / 2 - 0.03, sill, z] for z in posts], [[w / 2, lintel, z + 0.04] for z in posts])), 0)
            )
            row = np.arange(a + 0.25, b - 0.5, 0.38)
            bench = combine([box(0.36 * w, 0.05, 0.2).moved(y=0.02), box(0.36 * w, 0.22, 0.05).moved(0, 0.1, -0.1)])
            out.append((copies(bench, [(s * 0.25 * w, sill + 0.02, z) for z in row for s in (-1, 1)]), 0))
        else:
            out.append((taper(side(outline, w), 1 - 0.6 * p.round, 1), 0))
        if not see_through:
            for deck in range(decks):
                y = [v + deck * 0.48 * h for v in (sill, lintel)]
                inset = 0.06 * (b - a) + lean
                x = 0.49 * w * (1 - 0.6 * p.round * (0.5 + 0.5 * deck) * (not rounded))
                out.append(
                    (panes(x, y, (a + 0.04 * (b - a), b - inset), max(2, round((b - a) / p.pane)), p.pillar, 0.02), 1)
                )
    for deck in range(decks):
        f = np.array([0.5, 0.86]) if decks == 1 else np.array([0.2, 0.42]) + 0.5 * deck
        y = low + h * (np.maximum(f, 0.56) if bonnet else f)
        z = np.interp(y, [low + 0.45 * h / decks, top - r], [front, front - slope])
        glass = [(z[0] + 0.015, y[0]), (z[1] + 0.015, y[1]), (z[1] - 0.05, y[1]), (z[0] - 0.05, y[0])]
        out.append((side(glass, 0.84 * w), 1))
        out.append((slab((-0.36 * w, 0.36 * w), tuple(y), (back - 0.012, back + 0.05)), 1))
    axles = [back + p.axle * length, length / 2 - (0.5 * p.hood * length if bonnet else 0.75 * p.axle * length)]
    if variant == "coach" and draw.chance(0.5):
        axles.append(axles[0] - 2.2 * p.wheel)
    if variant == "articulated":
        axles.append(back + 0.56 * length)
    spots = [(s * (w / 2 - 0.06), p.wheel, z) for z in axles for s in (-1, 1)]
    out.append((copies(_wheel(p.wheel, 0.16), spots), 2))
    doors = [front - 0.3] if variant != "city" else [front - 0.35, back + 0.45 * length]
    for z in doors[: 0 if see_through else 2]:
        out.append((slab((-w / 2 - 0.015, -w / 2 + 0.05), (low + 0.03, low + 0.8 * h / decks), (z - 0.2, z + 0.12)), 3))
    eye = cylinder(0.055, 0.04, 10).turned("x", 90) if draw.chance(0.5) else box(0.16, 0.08, 0.05)
    out.append(
        (
            copies(
                eye, [(s * 0.36 * w, low + 0.14 * h / decks, z) for z in (length / 2, back - 0.01) for s in (-1, 1)]
            ),
            4,
        )
    )
    if draw.chance(0.6):
        arm, y = 0.5 * w + 0.1, low + 0.62 * h / decks
        mirror = combine(
            [
                rod((0.45 * w, y + 0.08, front - slope), (arm, y + 0.06, front), 0.014, 5),
                box(0.05, 0.2, 0.03).moved(arm, y, front),
            ]
        )
        out.append((both(mirror), 4))
    if draw.chance(0.35) and decks == 1:
        out.append((box(0.6 * w, 0.07, 0.24 * length).moved(0, top + 0.02, draw.rng.uniform(-0.25, 0.15) * length), 0))
    return out


def _tyre(draw: Draw, radius: float, thick: float, solid: float) -> Mesh:
    """Motorbike wheel on an axle along x: tyre, and a disc, cast spokes or wires."""
    hub = cylinder(0.2 * radius, 1.4 * thick, 10).moved(y=-0.7 * thick)
    if draw.chance(solid):
        inner = cylinder(0.8 * radius, 0.5 * thick, 18).moved(y=-0.25 * thick)
    else:
        count, wide = (5, 0.12) if draw.chance(0.6) else (12, 0.03)
        spoke = slab((-wide * radius, wide * radius), (-0.2 * thick, 0.2 * thick), (0.1 * radius, radius - 1.4 * thick))
        inner = copies(spoke, np.zeros((count, 3)), yaw=np.arange(count) * 360 / count)
    return combine([torus(radius - thick, thick, 22, 8), hub, inner]).turned("z", 90)


@cache
def _jug() -> Mesh:
    """Air-cooled cylinder of an engine."""
    return combine([cylinder(0.075, 0.32, 10), *[box(0.19, 0.035, 0.22).moved(y=0.06 + 0.09 * k) for k in range(3)]])


@family(
    "motorbike",
    parts=("wheel", "body", "seat", "handlebar", "engine", "exhaust", "light"),
    variants=("sport", "cruiser", "scooter", "dirt bike", "classic"),
    synonyms=("motorcycle", "motor bike", "moped", "chopper", "dirt bike"),
)
def motorbike(variant: str, draw: Draw) -> Pieces:
    """Motorbike on its two wheels."""
    p = draw(
        wheel=(0.27, 0.36), tyre=(0.055, 0.1), base=(1.2, 1.5), rake=(20, 30), seat=(0.7, 0.82), tank=(0.4, 0.58),
        bulk=(0.13, 0.22), bars=(0.28, 0.46), rise=(0.02, 0.3), tail=(0.1, 0.3), engine=(0.28, 0.42),
        pipe=(0.03, 0.055),
    )  # fmt: skip
    scooter, dirt, cruiser, sport = (variant == v for v in ("scooter", "dirt bike", "cruiser", "sport"))
    r, thick, base, seat, rake = p.wheel, p.tyre, p.base, p.seat, p.rake
    if scooter:
        r, base, seat = 0.62 * r, 0.95 * base, 0.95 * seat
    elif cruiser:
        seat, base, rake = 0.8 * seat, 1.12 * base, rake + 8 + 60 * draw(chopper=(0.0, 0.3)).chopper
    elif dirt:
        seat, thick, r = 1.12 * seat, 0.75 * thick, 1.05 * r
    rear_r = r * (0.9 if cruiser or dirt else 1)
    front, rear = np.array([0, r, base / 2]), np.array([0, rear_r, -base / 2])
    lean = np.array([0, np.cos(np.radians(rake)), -np.sin(np.radians(rake))])
    top = seat + (0.2 if dirt else 0.12) + 0.1 * (p.rise if cruiser else 0)
    crown = front + lean * (top - r) / lean[1]
    y0, z0, low = crown[1], crown[2], 0.28 if dirt else 0.15
    out: Pieces = [(_tyre(draw, r, thick, 0.15).moved(*front), 0)]
    out.append((_tyre(draw, rear_r, thick * (1.3 if sport or cruiser else 1), 0.2).scaled(1.15, 1, 1).moved(*rear), 0))
    gap = np.array([thick + 0.035, 0, 0])
    reach, pull = p.bars, (0.5 if cruiser else 0.15) * p.rise + 0.05
    bar_y = y0 + (-0.05 if sport else 0.08 if scooter else p.rise)
    grip = np.array([[reach - 0.1, bar_y + 0.01, z0 - 0.5 * pull], [reach, bar_y, z0 - pull]])
    bar = tube([(0, y0, z0), (0.4 * reach, bar_y, z0 - 0.02), *grip], 0.018, 6)
    rods = bars([(front + gap, crown + gap), grip], [0.026, 0.028])
    yokes = [box(2 * gap[0] + 0.06, 0.03, 0.08).turned("x", -rake).moved(*(crown - k * lean)) for k in (0.0, 0.16)]
    out += [(both(combine([bar, rods])), 3), (combine(yokes), 3)]
    if draw.chance(0.6):
        at = np.array([0.8 * reach, bar_y + 0.14, z0 + 0.04])
        mirror = combine([bars([(0.7 * reach, bar_y, z0), at], 0.01, 5), ellipsoid(0.06, 0.04, 0.015, 8).moved(*at)])
        out.append((both(mirror), 3))
    guard = fender(r + (0.14 if dirt else 0.03), 2 * thick + 0.05, 20, 110 if dirt else 140)
    out.append((guard.moved(*front), 1))
    if not sport and not (dirt and draw.chance(0.5)):
        out.append((ellipsoid(0.095, 0.095, 0.08, 10).moved(0, y0 - 0.06, z0 + 0.13), 6))
    hip = -0.1 * base
    if scooter:
        w, back = p.bulk + 0.12, -base / 2 - r
        toe = base / 2 - r - 0.12
        shield = [(z0 + 0.08, y0 - 0.05), (z0 + 0.02, y0 - 0.02), (toe, low + 0.12), (toe + 0.06, low + 0.06)]
        out.append((taper(side(shield, 1.5 * w), 0.6, 1), 1))
        out.append((slab((-0.5 * w, 0.5 * w), (low, low + 0.09), (hip, toe + 0.08)), 1))
        body = [(hip - 0.02, low), (hip - 0.06, seat - 0.1), (hip - 0.12, seat), (rear[2], seat),
                (back - 0.12, 0.72 * seat), (back - 0.06, rear_r), (rear[2], rear_r), (hip - 0.25, low)]  # fmt: skip
        shell = taper(side(body, 1.35 * w), 0.8, 1)
        out.append((narrowed(shell, [back - 0.12, rear[2], hip - 0.1, hip], [0.35, 0.9, 1, 0.7]), 1))
        long = hip - rear[2] - 0.02
        out.append((cushion(1.05 * w, 0.12, long, 0.45, 12).moved(0, seat + 0.02, hip - 0.1 - long / 2), 2))
        out.append((box(0.14, 0.2, 0.24).moved(0.1, rear_r, rear[2] + 0.05), 4))
        if draw.chance(0.3):
            out.append((box(0.3, 0.26, 0.28).moved(0, seat + 0.14, back + 0.02), 1))
        return out
    neck, tank_z = crown - 0.1 * lean, 0.1 * base
    tank = cushion(1.7 * p.bulk, 0.2 + 0.5 * p.bulk, p.tank, 0.7, 14)
    out.append((taper(tank, 0.85, 0.9).turned("x", -6).moved(0, seat + 0.06, tank_z + 0.02), 1))
    hip, long = hip - 0.1 * base, (0.42 if cruiser else 0.55) * base / 2 + 0.2
    rise = 0.06 + (0.2 * p.tail if sport else 0)
    perch = [(tank_z - 0.5 * p.tank + 0.12, 0.04), (hip, -0.02), (hip - 0.6 * long, 0.05), (hip - long, rise)]
    perch = [(z, y + seat) for z, y in smooth(perch, 2)]
    out.append((side([*perch, *[(z, y - 0.1) for z, y in perch[::-1]]], 1.3 * p.bulk), 2))
    foot, knee, loin = (0.09, low + 0.08, 0.22 * base), (0.09, low + 0.08, hip), (0.05, seat - 0.08, hip - 0.16)
    tubes = [
        (neck, foot),
        (foot, knee),
        (knee, loin),
        (neck, loin),
        (knee, rear + [0.1, 0, 0]),
        (rear + [0.11, 0, 0], loin),
    ]
    out.append((both(bars([(a, b) for a, b in tubes], 0.022)), 1))
    e = p.engine
    block = [cushion(0.3, 0.55 * e, e + 0.1, 0.5, 12).moved(0, low + 0.12 + 0.25 * e, 0.02)]
    for tilt in (24, -24) if cruiser or draw.chance(0.3) else (12,):
        jug = _jug().turned("x", tilt).scaled(1, 3 * e, 1)
        block.append(jug.moved(0, low + 0.15 + 0.3 * e, 0.06 + 0.002 * tilt))
    out.append((combine(block), 4))
    end = rear_r + (0.3 if dirt else 0.02)
    pipe = [(0.06, low + 0.1 + 0.8 * e, 0.2), (0.13, low + 0.1, 0.26), (0.15, low + 0.06, 0.0),
            (0.16, end - 0.06, -0.3 * base), (0.17, end + 0.1 * sport, -0.5 * base - 0.15)]  # fmt: skip
    one = tube(pipe, np.array([0.8, 0.9, 1, 1.1, 1.6]) * p.pipe, 8)
    out.append((one if draw.chance(0.5) else both(one), 5))
    guard = fender(rear_r + (0.04 if cruiser or variant == "classic" else 0.16), 2.6 * thick + 0.06, 30, 150)
    out += [
        (guard.turned("y", 180).moved(*rear), 1),
        (box(0.12, 0.06, 0.05).moved(0, seat + 0.02, hip - long - 0.02), 6),
    ]
    if sport:
        tip = front[2] - 0.02
        nose = [(-0.02 * base, low + 0.05), (0.25 * base, low - 0.02), (0.27 * base, 0.55 * seat),
                (tip + 0.02, 0.75 * y0), (tip + 0.05, 0.83 * y0), (z0 + 0.1, y0 + 0.18), (z0, y0 + 0.02),
                (-0.02 * base, seat - 0.08)]  # fmt: skip
        fairing = taper(side(nose, 2 * p.bulk + 0.1), 0.8, 1)
        out.append((narrowed(fairing, [-0.02 * base, 0.2 * base, tip], [1, 0.95, 0.3]), 1))
        out.append((both(ellipsoid(0.05, 0.03, 0.08, 8).moved(0.06, 0.8 * y0, tip + 0.01)), 6))
        up, far = 0.3 * p.tail, hip - long
        cowl = [
            (hip - 0.15, seat - 0.12),
            (hip - 0.2, seat),
            (far - 0.12, seat + 0.12 + up),
            (far - 0.15, seat + 0.06 + up),
        ]
        out.append((narrowed(side(cowl, 1.3 * p.bulk), [far, hip], [0.4, 1]), 1))
    elif dirt:
        out.append((cushion(0.2, 0.26, 0.04, 0.4, 8).turned("x", -15).moved(0, y0 - 0.05, z0 + 0.1), 1))
    elif draw.chance(0.35):
        out.append((both(cushion(0.2, 0.28, 0.42, 0.4, 12).moved(0.26, rear_r + 0.2, rear[2])), 1))
    if cruiser and draw.chance(0.3):
        out.append((cushion(1.2 * p.bulk, 0.3, 0.06, 0.4, 10).turned("x", -12).moved(0, seat + 0.24, hip - long), 2))
    return out


@family(
    "skateboard",
    parts=("deck", "truck", "wheel"),
    variants=("street", "longboard", "cruiser", "old school", "drop through"),
    synonyms=("longboard", "penny board", "skate board"),
)
def skateboard(variant: str, draw: Draw) -> Pieces:
    """Board on two trucks with two wheels each, its nose at +z."""
    p = draw(
        length=(0.7, 0.95), width=(0.18, 0.26), thick=(0.012, 0.03), kick=(0.03, 0.1), concave=(0.0, 0.02),
        wheel=(0.026, 0.045), base=(0.52, 0.66), axle=(0.85, 1.15), height=(0.05, 0.09), blunt=(1.4, 3.2),
        waist=(0.0, 0.12),
    )  # fmt: skip
    long = variant in ("longboard", "drop through")
    length, w = p.length * (1.3 if long else 0.8 if variant == "cruiser" else 1), p.width
    t = np.linspace(-1, 1, 25)
    t = np.sign(t) * np.abs(t) ** 0.8
    half = np.maximum(1 - np.abs(t) ** (2 * p.blunt), 0) ** 0.5
    nose, tail = p.kick, p.kick
    if variant == "longboard":
        half = np.maximum(1 - np.abs(t * (1 + 0.1 * t)) ** 2.2, 0) ** 0.8
        nose, tail = 0.1 * p.kick, 0.1 * p.kick if draw.chance(0.6) else p.kick
    elif variant == "cruiser":
        half = np.where(t < 0, np.maximum(1 - 0.25 * t**2, 0), np.maximum(1 - np.abs(t) ** 2.6, 0) ** 0.6)
        nose = 0.25 * nose
    elif variant == "old school":
        half = np.where(t < 0, 1 - 0.3 * np.abs(t) ** 3, np.maximum(1 - np.abs(t) ** 3, 0) ** 0.55)
        nose, w = 0.2 * nose, 1.2 * w
    elif variant == "drop through":
        half = half * np.where(np.abs(t) > 0.68, 0.5, 1.0)
        nose = tail = 0.4 * p.kick
    half = np.maximum(half * (1 - p.waist * np.cos(np.pi * t / 2) ** 4), 0.06)
    bend = np.where(t > 0, nose, tail) * (np.maximum(np.abs(t) - p.base - 0.04, 0) / (0.96 - p.base)) ** 1.5
    v = np.linspace(-1, 1, 7)
    y = bend[:, None] + p.concave * (v**2)[None] * half[:, None] + (p.kick * 0.15 if long else 0) * (t**2)[:, None]
    x = v[None] * half[:, None] * w / 2
    deck = sheet(np.stack([x, y, np.broadcast_to(t[:, None] * length / 2, x.shape)], -1), p.thick)
    axle_y, reach = -p.height, 0.46 * w * p.axle
    r = p.wheel * (1.2 if long or variant == "cruiser" else 1)
    plate = slab((-0.2 * w, 0.2 * w), (-0.02, 0), (-0.06, 0.06))
    hanger = loft(
        [
            [(k * 0.7 * reach, axle_y + 0.012 * s, 0.012 * c) for s, c in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
            for k in (-1, 1)
        ]
    )
    pivot = frustum(0.03, 0.012, 0.9 * p.height, 8).turned("x", 180).moved(z=0.0)
    rods = cylinder(0.006, 2 * reach + 0.05, 6).moved(y=-reach - 0.025).turned("z", 90).moved(y=axle_y)
    truck = combine([plate, hanger, pivot, rods, rod((0, -0.02, 0.05), (0, axle_y, 0), 0.015, 6)])
    roll = (
        lathe([(0, -0.5), (0.7, -0.5), (1, -0.25), (1, 0.25), (0.7, 0.5), (0, 0.5)], 14)
        .scaled(r, 1.35 * r, r)
        .turned("z", 90)
    )
    out: Pieces = [(deck, 0)]
    drop = p.concave - p.thick / 2 - (0.02 if variant == "drop through" else 0)
    at = p.base * length / 2 * (1.12 if long else 1)
    for s in (-1, 1):
        flip = truck if s < 0 else truck.scaled(1, 1, -1)
        out.append((flip.moved(0, drop, s * at), 1))
        out.append((both(roll.moved(reach, drop + axle_y, s * at)), 2))
    if draw.chance(0.12):
        out.append((box(0.5 * w, 0.04, 0.3 * length).moved(y=-0.03), 1))
    stand = draw.integer("stand", 0, 7)
    if stand <= 1:
        angle = 180 if stand == 0 else draw.rng.uniform(70, 90)
        out = [(mesh.turned("z" if stand == 0 else "x", angle), part) for mesh, part in out]
    return out
