"""Storage furniture for clothes, files, televisions and what lies beside a bed. Rough sizes are in metres."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.carcass import BASE, BODY, DOOR, DRAWER, GRIP, THING, case, footing, front, pick, style
from datasets.demo.families.common import Draw, Pieces, family, knob, legs, moved, ornament, rod, shell
from datasets.demo.families.forms import both, rounded, side
from datasets.demo.mesh import box, combine, cylinder, ellipsoid, extrude, frustum, lathe, slab, tube

DRESSERS = {
    "chest": ("d/d/d", "d/d/d/d", "d d/d/d/d", "d d/1.3 d/1.5 d", "d/d/d/d/d", "0.6 d d d/d/d/d"),
    "double": ("d d/d d/d d", "d d d/d d/d d", "d3 d3 d3", "0.6 d d d d/d d/d d", "d d/d d", "d4 d3 d4"),
    "tallboy": ("d5", "d6", "d7", "d d/d5", "d d/d4", "2 l r/d3"),
    "with mirror": ("d3", "d d/d/d", "d3 d3", "d3 d3 d3", "d d/d2", "d2"),
    "on legs": ("d2", "d3", "d d/d d", "d3 d3", "d3 l", "d3 l r d3"),
    "with door": ("d3 l", "d4 d4 l", "d/3 d3 r", "l d3 r", "d d d/2 l d2 r", "d3 l d3"),
}


@family(
    "dresser",
    ("body", "drawers", "doors", "handles", "legs", "mirror"),
    tuple(DRESSERS),
    synonyms=("chest of drawers", "bureau", "tallboy", "highboy", "chiffonier"),
)
def dresser(variant: str, draw: Draw) -> Pieces:
    """Chest of drawers, high or low, at times with a mirror."""
    p = draw(
        width=(0.6, 1.1), height=(0.6, 1.1), depth=(0.34, 0.62), foot=(0.06, 0.2), foot_thick=(0.035, 0.08),
        top_thick=(0.015, 0.05), overhang=(0.0, 0.035),
    )  # fmt: skip
    w, h = {
        "double": (p.width * 1.8, p.height * 0.85),
        "tallboy": (p.width * 0.65, p.height * 1.5),
        "with mirror": (p.width * 1.3, p.height * 0.8),
        "with door": (p.width * 1.6, p.height * 0.9),
    }.get(variant, (p.width, p.height))
    styles = "legs legs hairpin sled" if variant == "on legs" else "plinth legs bracket none"
    look = style(draw)
    if look.grip == 2 and draw.chance(0.7):  # a dresser without any grip is rare
        look.grip = 0
    layout = pick(draw, DRESSERS[variant])
    if variant == "on legs" and layout.count(" ") > 1:
        w *= 1.7
    foot = p.foot * (1.3 if variant == "on legs" else 1)
    pieces, y = footing(draw, styles, w, p.depth, foot, p.foot_thick)
    top = (p.top_thick, p.overhang) if draw.chance(0.75) else None
    pulled = 0.45 * p.depth if draw.chance(0.07) else 0.0
    pieces += case(draw, look, layout, (w, h, p.depth), y, 0.02, 0.0, top, pulled)
    high = y + h + (top[0] if top else 0)
    if variant == "with mirror":
        pieces += moved(mirror(draw, w), y=high, z=-p.depth * 0.38)
    elif draw.chance(0.25):
        for at in (-0.3, 0.25)[: draw.integer("ornaments", 1, 2)]:
            pieces += moved(ornament(draw, draw.rng.uniform(0.1, 0.25), THING), at * w, high)
    return pieces


def mirror(draw: Draw, width: float) -> Pieces:
    """Dressing mirror on y = 0: a framed plate, round-headed or oval, between posts or straight on the top."""
    q = draw(mirror_wide=(0.45, 0.95), mirror_tall=(0.45, 1.1), tilt=(0, 8))
    w, h = q.mirror_wide * width, q.mirror_tall * min(0.85, width)
    kind = draw.integer("mirror", 0, 3)
    t = 0.03
    if kind == 0:
        plate = box(w, h, t).moved(y=h / 2)
        glass = box(w - 0.1, h - 0.1, t + 0.01).moved(y=h / 2)
    elif kind == 1:
        w = min(w, 1.3 * h)
        plate = cylinder(0.5, t, 28).turned("x", 90).scaled(w, h, 1).moved(y=h / 2, z=-t / 2)
        glass = cylinder(0.44, t + 0.01, 28).turned("x", 90).scaled(w, h, 1).moved(y=h / 2, z=-t / 2)
    else:
        round_top = [(w / 2 * np.cos(a), h * 0.7 + h * 0.3 * np.sin(a)) for a in np.linspace(0, np.pi, 13)]
        outline = np.array([(-w / 2, 0), (w / 2, 0), *round_top])
        plate = extrude(outline, t)
        glass = extrude((outline - [0, h / 2]) * [1 - 0.1 / w, 1 - 0.1 / h] + [0, h / 2], t + 0.01)
    pieces: Pieces = [(combine([plate, glass]).turned("x", -q.tilt).moved(y=0.05), THING)]
    if draw.chance(0.6):
        post = box(0.04, 0.75 * h, 0.04).moved(min(w / 2 + 0.03, width / 2 - 0.02), 0.375 * h, -0.02)
        pieces.append((both(post), THING))
    if draw.chance(0.3):
        small = rounded(0.3 * w, 0.85 * h, t, 0.05).moved(0.15 * w, 0.45 * h)
        pieces.append((both(small.turned("y", -25).moved(w / 2, 0.03, 0)), THING))
    return pieces


NIGHT_STANDS = {
    "drawers": ("d", "d2", "d3", "d/1.5 d"),
    "open shelf": ("d/1.5 o", "d/o2", "o/d", "o/1.3 d2", "o2", "o"),
    "door": ("l", "d/2 r", "d/2 l", "o/2 r", "l r", "d/1.6 l r"),
}


@family(
    "night stand",
    ("body", "drawer", "door", "handles", "legs", "things"),
    (*NIGHT_STANDS, "side table", "round", "tripod"),
    synonyms=("nightstand", "bedside table", "night table", "bedside cabinet"),
)
def night_stand(variant: str, draw: Draw) -> Pieces:
    """Small piece beside a bed, often with a lamp, books or a clock on it."""
    p = draw(
        width=(0.32, 0.66), height=(0.3, 0.62), depth=(0.28, 0.5), foot=(0.06, 0.28), foot_thick=(0.025, 0.06),
        top_thick=(0.012, 0.045), overhang=(0.0, 0.04), shelf=(0.15, 0.5),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.top_thick
    look = style(draw)
    top = h + t
    if variant in NIGHT_STANDS:
        layout = pick(draw, NIGHT_STANDS[variant])
        styles = "legs legs plinth bracket sled hairpin" + " none" * ("d" in layout or "l" in layout)
        pieces, y = footing(draw, styles, w, d, p.foot, p.foot_thick)
        pulled = 0.4 * d if draw.chance(0.08) else 0.0
        board = (t, p.overhang) if draw.chance(0.7) else None
        pieces += case(draw, look, layout, (w, h, d), y, 0.018, 0.35, board, pulled)
        top = y + h + (t if board else 0)
    elif variant == "side table":
        apron = (0.25 + 0.3 * p.shelf) * h
        pieces = legs(draw, w, d, h, p.foot_thick, BASE)
        pieces += case(draw, look, "d", (w * 0.96, apron, d * 0.94), h - apron, 0.015, 0.0, (t, p.overhang))
        if draw.chance(0.7):
            low = p.shelf * 0.6 * h
            pieces.append((slab((-w * 0.47, w * 0.47), (low, low + t), (-d * 0.46, d * 0.46)), BODY))
    elif variant == "round":
        r, y = 0.48 * w, p.foot
        if draw.chance(0.6):
            pieces = legs(draw, 1.5 * r, 1.5 * r, y, p.foot_thick, BASE)
            pieces.append((cylinder(r, h - 0.4 * y, 24).moved(y=y), BODY))
            top = y + h - 0.4 * y + t
            face = slab((-0.55 * r, 0.55 * r), (y + 0.55 * (h - y), y + 0.9 * (h - y)), (0.75 * r, 1.01 * r))
            pieces.append((face, DRAWER))
            pieces.append((knob(0.02).moved(0, y + 0.72 * (h - y), 1.01 * r), GRIP))
        else:
            pieces = legs(draw, 1.5 * r, 1.5 * r, h, p.foot_thick, BASE, 3 if draw.chance(0.5) else 4)
            pieces.append((cylinder(0.9 * r, 0.2 * h, 24).moved(y=0.8 * h - 0.002), BODY))
            if draw.chance(0.5):
                pieces.append((cylinder(0.75 * r, t, 24).moved(y=p.shelf * 0.7 * h), BODY))
        pieces.append((cylinder(r + p.overhang, t, 28).moved(y=top - t), BODY))
    else:
        r = 0.5 * w
        post = [(0, 0.3 * h), (0.6, 0.32 * h), (1, 0.4 * h), (0.55, 0.55 * h), (0.8, 0.75 * h), (0.5, h), (0, h)]
        pieces = [(lathe([(x * p.foot_thick, y) for x, y in post], 12), BODY)]
        arc = np.array([(0, 0.36 * h, 0), (0, 0.3 * h, 0.35 * r), (0, 0.12 * h, 0.65 * r), (0, 0.015, 0.9 * r)])
        leg = tube(arc, (0.5 * p.foot_thick, 0.45 * p.foot_thick, 0.4 * p.foot_thick, 0.35 * p.foot_thick), 6)
        pieces += [(leg.turned("y", a + 180 / 3), BASE) for a in (0, 120, 240)]
        plate = cylinder(r, t, 28) if draw.chance(0.7) else rounded(w, d, t, 0.06).turned("x", 90).moved(y=t / 2)
        pieces.append((plate.moved(y=h), BODY))
        if draw.chance(0.4):
            pieces += moved(case(draw, look, "d", (0.9 * r, 0.12, 0.9 * r), h - 0.12, 0.012))
    if draw.chance(0.5):
        pieces += moved(bedside(draw, min(w, d)), y=top)
    return pieces


def bedside(draw: Draw, room: float) -> Pieces:
    """What stands on a bedside table, on y = 0: a lamp, a pile of books, an alarm clock."""
    pieces: Pieces = []
    if draw.chance(0.6):
        q = draw(lamp=(0.3, 0.55), shade=(0.22, 0.36))
        h, r = q.lamp, q.shade * room
        foot = [(0, 0), (0.55 * r, 0), (0.5 * r, 0.03 * h), (0.15 * r, 0.06 * h)]
        if draw.chance(0.5):
            foot = [(0, 0), (0.4 * r, 0), (0.6 * r, 0.2 * h), (0.3 * r, 0.42 * h)]
        lamp = combine(
            [
                lathe([*foot, (0.08 * r, 0.5 * h), (0.08 * r, 0.7 * h), (0, 0.7 * h)], 12),
                frustum(r, r * draw.rng.uniform(0.5, 0.95), 0.45 * h, 16).moved(y=0.55 * h),
            ]
        )
        pieces.append((lamp.moved(draw.rng.uniform(-0.1, 0.1) * room, 0, -0.1 * room), THING))
    if draw.chance(0.4):
        y = 0.0
        for _ in range(draw.integer("pile", 1, 3)):
            w, h, d = draw.rng.uniform([0.32, 0.05, 0.22], [0.45, 0.1, 0.3]) * room
            pieces.append(
                (box(w, h, d).turned("y", draw.rng.uniform(-15, 15)).moved(0.2 * room, y + h / 2, 0.2 * room), THING)
            )
            y += h
    elif draw.chance(0.4):
        clock = cylinder(0.13 * room, 0.08 * room, 14).turned("x", 90).moved(-0.25 * room, 0.15 * room, 0.2 * room)
        pieces.append(
            (
                combine(
                    [
                        clock,
                        ellipsoid(0.04 * room, 0.04 * room, 0.04 * room, 8).moved(
                            -0.25 * room, 0.3 * room, 0.24 * room
                        ),
                    ]
                ),
                THING,
            )
        )
    return pieces


WARDROBES = {
    "two doors": ("l r",),
    "three doors": ("l l r", "l r r", "l r l r"),
    "with shelves": ("l o5", "l r o4", "l o4 r", "3 l r o3/l r o", "4 l o4 r/d d d", "l o r", "5 l r o2/d d d3"),
    "drawers below": ("4 l r/d", "3 l r/d d", "2.5 l r/d2", "3 l r r/d d d", "2 l r/d3", "3 l d4 r/d d d"),
}


@family(
    "wardrobe",
    ("body", "drawers", "doors", "handles", "feet", "clothes"),
    (*WARDROBES, "sliding", "open", "armoire"),
    synonyms=("closet", "armoire", "clothes cupboard", "clothes cabinet", "clothes press"),
)
def wardrobe(variant: str, draw: Draw) -> Pieces:
    """Tall furniture for clothes."""
    p = draw(
        width=(0.75, 1.4), height=(1.5, 2.3), depth=(0.42, 0.7), foot=(0.04, 0.18), foot_thick=(0.04, 0.09),
        board=(0.018, 0.04), crown=(0.03, 0.14), rail=(0.78, 0.92),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.board
    look = style(draw)
    look.frame *= 0.6
    if look.grip in (3, 4):
        look.grip = 1
    w *= {"three doors": 1.5, "sliding": 1.4, "with shelves": 1.4}.get(variant, 1.15 if draw.chance(0.5) else 1.0)
    pieces, y = footing(draw, "plinth plinth legs bracket none", w, d, p.foot, p.foot_thick)
    top = (p.crown * 0.4, 0.0) if draw.chance(0.5) else None
    if variant in WARDROBES:
        pieces += case(draw, look, pick(draw, WARDROBES[variant]), (w, h, d), y, t, 0.4, top)
        if draw.chance(0.25):  # a mirror on a door
            pieces.append((box(0.2 * w, 0.6 * h, 0.01).moved(-0.25 * w, y + 0.55 * h, d / 2 + look.proud + 0.01), DOOR))
    elif variant == "sliding":
        pieces.append((slab((-w / 2, w / 2), (y, y + h), (-d / 2, d / 2 - 0.08)), BODY))
        frame = [slab((w / 2 - t, w / 2), (y, y + h), (d / 2 - 0.08, d / 2)).scaled(s, 1, 1) for s in (-1, 1)]
        frame += [slab((-w / 2, w / 2), (v, v + t), (d / 2 - 0.08, d / 2)) for v in (y, y + h - t)]
        pieces.append((combine(frame), BODY))
        count = draw.integer("doors", 2, 3)
        edge = np.linspace(-w / 2 + t, w / 2 - t, count + 1)
        look.grip, look.grip_long = 1 if draw.chance(0.5) else 2, 0.2
        stripes = draw.integer("stripes", 0, 3)
        for k in range(count):
            z = d / 2 - 0.03 - 0.04 * (k % 2)
            x = (edge[k] - 0.02, edge[k + 1] + 0.02)
            pieces += front(look, "lr"[k % 2], x, (y + t, y + h - t), z - look.proud)
            for v in np.linspace(0, 1, stripes + 2)[1:-1]:
                pieces.append((slab(x, (y + v * h - 0.015, y + v * h + 0.015), (z, z + 0.012)), DOOR))
    elif variant == "armoire":
        pieces += case(draw, look, pick(draw, ("l r", "3 l r/d", "4 l r/d d")), (w, h, d), y, t, 0)
        over = 0.4 * p.crown
        levels = [(0.0, 0.3), (0.35, 0.6), (0.65, 1.0)]
        for low, wide in levels:
            z = d / 2 + over * wide
            pieces.append(
                (
                    slab(
                        (-w / 2 - over * wide, w / 2 + over * wide),
                        (y + h + low * p.crown, y + h + (low + 0.35) * p.crown),
                        (-d / 2, z),
                    ),
                    BODY,
                )
            )
        high = y + h + p.crown
        if draw.chance(0.6):  # a pediment
            a = np.linspace(0, np.pi, 11)
            arched = np.stack([-np.cos(a) * w / 2, np.sin(a) * 1.5 * p.crown], -1)
            gable = np.array([(-w / 2, 0), (w / 2, 0), (0, 1.8 * p.crown)])
            pieces.append((extrude(arched if draw.chance(0.6) else gable, 0.05).moved(0, high, d / 2 - 0.025), BODY))
    else:
        pieces += open_wardrobe(draw, look, w, h, d, t, y, p.rail)
    return pieces


def open_wardrobe(draw: Draw, look, w: float, h: float, d: float, t: float, y: float, rail: float) -> Pieces:
    """Carcass with its doors open or without doors: a rail with clothes, shelves and drawers."""
    hung = w * draw.rng.uniform(0.5, 0.75) if draw.chance(0.6) else w
    pieces = shell((-w / 2, w / 2), (y, y + h), (-d / 2, d / 2), t, BODY)
    x = (-w / 2 + t, -w / 2 + hung - t)
    if hung < w:
        pieces.append((slab((x[1], x[1] + t), (y + t, y + h - t), (-d / 2, d / 2 - 0.01)), BODY))
        column = case(draw, look, pick(draw, ("o5", "o2/d3", "o4", "o3/d2")), (w - hung, h - t, d - 0.02), y, t, 0.3)
        pieces += moved(column, w / 2 - (w - hung) / 2)
    floor = y + t
    if draw.chance(0.5):
        rows = pick(draw, ("d", "d2", "d d"))
        pieces += moved(case(draw, look, rows, (x[1] - x[0], 0.2 * h, d - 0.03), floor, t), (x[0] + x[1]) / 2)
        floor += 0.2 * h
    level = y + rail * h
    pieces.append((rod((x[0], level, 0), (x[1], level, 0), 0.014, 8), GRIP))
    pieces += clothes(draw, x, level, level - floor, d)
    if draw.chance(0.35):
        for s in (-1, 1):
            leaf = box(w / 2, h, 0.02).moved(-s * w / 4, y + h / 2, 0)
            pieces.append((leaf.turned("y", -s * draw.rng.uniform(95, 150)).moved(s * w / 2, 0, d / 2), DOOR))
    return pieces


def clothes(draw: Draw, x: tuple[float, float], level: float, room: float, depth: float) -> Pieces:
    """Garments on hangers along x, their shoulders just below the height `level`, at most `room` long."""
    pieces: Pieces = []
    at = x[0] + 0.04
    half = min(0.42 * depth, 0.24)
    while at < x[1] - 0.04:
        long, wide = draw.rng.uniform(0.45, 0.95) * room, half * draw.rng.uniform(0.8, 1.0)
        outline = [
            (-wide, -0.14),
            (-0.25 * wide, -0.04),
            (0.25 * wide, -0.04),
            (wide, -0.14),
            (wide * 0.95, -long),
            (-wide * 0.95, -long),
        ]
        cloth = side(outline, draw.rng.uniform(0.02, 0.05)).turned("y", draw.rng.uniform(-12, 12))
        pieces.append((cloth.moved(at, level), THING))
        at += draw.rng.uniform(0.05, 0.22)
    return pieces
