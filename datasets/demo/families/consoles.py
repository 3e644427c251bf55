"""Furniture for televisions and for files. Rough sizes are in metres."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.carcass import BASE, BODY, DRAWER, GRIP, THING, case, footing, front, pick, stuff, style
from datasets.demo.families.common import Draw, Pieces, family, moved, ornament, shell
from datasets.demo.families.forms import both, copies
from datasets.demo.mesh import box, combine, cylinder, extrude, frustum, slab

TV_STANDS = {
    "console": ("l o2 r", "l o r", "d2 o2 d2", "l r l r", "o/d d d", "l d2 r", "1 o o/1.5 l r", "d d d", "l l o3 r r"),
    "shelf bays": ("o o", "o o o", "o2 o2", "o2 o3 o2", "o/o o", "o o o o", "o2", "o/2 o o o"),
    "with television": ("l o2 r", "o o o", "d d d", "o/d d", "l r", "o2 o2", "d2 o2 d2"),
    "wall unit": ("o o", "d d", "l o r", "o/d d", "o2"),
}


@family(
    "tv stand",
    ("body", "drawers", "doors", "handles", "legs", "television", "shelves"),
    (*TV_STANDS, "tiers", "corner"),
    synonyms=("television stand", "tv console", "media console", "tv bench", "entertainment center", "tv cabinet"),
)
def tv_stand(variant: str, draw: Draw) -> Pieces:
    """Low long furniture for a television and what is plugged into it."""
    p = draw(
        width=(0.85, 2.3), height=(0.28, 0.58), depth=(0.3, 0.58), foot=(0.03, 0.2), foot_thick=(0.03, 0.07),
        board=(0.015, 0.045), overhang=(0.0, 0.03), tv=(0.55, 0.95),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.board
    look, television = style(draw), variant == "with television" or draw.chance(0.12)
    if look.grip == 4:
        look.grip = 2
    if variant == "tiers":
        w *= 0.75
        pieces, top = tiers(draw, w, h + 0.1, d, t), h + 0.1
    elif variant == "corner":
        w = min(w, 1.5) * 0.85
        back, flank = w * 0.35, d * draw.rng.uniform(0.1, 0.25)
        half = [(w / 2, d / 2), (w / 2, d / 2 - flank), (back / 2, -d / 2)]
        plan = np.array([*half, *[(-x, y) for x, y in half[::-1]]])
        pieces, y = footing(draw, "plinth legs none", back, 0.8 * d, p.foot, p.foot_thick)
        top = y + h
        levels = np.linspace(y, top - t, draw.integer("levels", 2, 4))
        if draw.chance(0.5):
            for level in levels:
                plate = extrude(plan, t).turned("x", 90).moved(y=level + t / 2)
                pieces.append((plate, BODY if level == levels[-1] else 6))
            wall = slab((-back / 2, back / 2), (y, top), (-d / 2, -d / 2 + t))
            post = slab((0, t), (y, top), (-t / 2, t / 2))
            posts = [post.moved(s * (w / 2 - t) - (t if s > 0 else 0), 0, d / 2 - t) for s in (-1, 1)]
            pieces.append((combine([wall, *posts]), BODY))
        else:
            pieces.append((extrude(plan, h).turned("x", 90).moved(y=y + h / 2), BODY))
            doors = draw.integer("doors", 1, 2)
            edge = np.linspace(-0.45 * w, 0.45 * w, doors + 1)
            for i, (x0, x1) in enumerate(zip(edge[:-1], edge[1:], strict=True)):
                pieces += front(look, "lr"[i], (x0, x1), (y + 0.02, y + h - 0.04), d / 2)
            pieces.append((extrude(plan * 1.05, t).turned("x", 90).moved(y=top + t / 2), BODY))
            top += t
    else:
        layout = pick(draw, TV_STANDS[variant])
        styles = "plinth legs legs sled hairpin castors" + " none" * (variant != "shelf bays")
        pieces, y = footing(draw, styles, w, d, p.foot, p.foot_thick)
        board = (t, p.overhang) if draw.chance(0.5) else None
        fill = 0.35 if variant != "console" else 0.5
        pieces += case(draw, look, layout, (w, h, d), y, t, fill, board)
        top = y + h + (t if board else 0)
    if variant == "wall unit":
        pieces += wall_unit(draw, w, d, top, t)
        television = draw.chance(0.5)
        w *= 0.8
    if television:
        pieces += moved(screen(draw, min(p.tv * w, 1.6)), y=top)
    return pieces


def tiers(draw: Draw, w: float, h: float, d: float, t: float) -> Pieces:
    """Glass or metal boards between posts, from the floor up to h."""
    count = draw.integer("tiers", 2, 4)
    level = np.linspace(draw.rng.uniform(0.03, 0.35) * h, h - t, count)
    pieces: Pieces = []
    shrink = draw.rng.uniform(0.75, 1.0)
    bowed = draw.chance(0.4)
    for i, y in enumerate(level):
        k = 1 if i == count - 1 else shrink
        if bowed:
            plan = [(x * w / 2, -d / 2 + d * (0.65 + 0.35 * (1 - x * x))) for x in np.linspace(-1, 1, 9)]
            plate = extrude(np.array([(-w / 2, -d / 2), *plan, (w / 2, -d / 2)]) * [k, 1], t).turned("x", 90)
            pieces.append((plate.moved(y=y + t / 2), BODY if i == count - 1 else 6))
        else:
            pieces.append((box(w * k, t, d).moved(y=y + t / 2), BODY if i == count - 1 else 6))
    r, x = draw.rng.uniform(0.012, 0.035), 0.46 * w * shrink
    if draw.chance(0.3):  # one column behind
        pieces.append((slab((-0.14 * w, 0.14 * w), (0, h - t), (-0.45 * d, -0.45 * d + 2 * r)), BASE))
        pieces.append((slab((-0.4 * w, 0.4 * w), (0, 0.02), (-0.45 * d, 0.4 * d)), BASE))
    else:
        post = cylinder(r, h - t, 10) if draw.chance(0.6) else slab((-r, r), (0, h - t), (-r, r))
        spots = [(sx * x, 0, z * d) for sx in (-1, 1) for z in (-0.4, 0.4)]
        pieces.append((copies(post, spots), BASE))
    if draw.chance(0.5):
        pieces += moved(stuff(draw, (-0.3 * w, 0.3 * w), level[1] - level[0] - t, 0.8 * d), y=level[0] + t)
    return pieces


def screen(draw: Draw, width: float) -> Pieces:
    """Television on y = 0: a flat one on a foot, or a tube."""
    h = width * draw.rng.uniform(0.5, 0.62)
    if draw.chance(0.15):
        h, width = 0.45, 0.55
        tube_back = frustum(0.5, 0.3, 0.3, 4).turned("y", 45).turned("x", -90).scaled(0.7, 0.65, 1)
        return [
            (combine([box(width, h, 0.16), tube_back.moved(z=-0.08)]).moved(y=h / 2), 5),
            (box(0.8 * width, 0.75 * h, 0.02).moved(y=0.54 * h, z=0.08), 5),
        ]
    low = draw.rng.uniform(0.02, 0.1)
    panel = combine([box(width, h, 0.035), box(width - 0.04, h - 0.04, 0.04)]).moved(y=low + h / 2)
    if draw.chance(0.5):
        foot = combine([box(0.35 * width, 0.015, 0.2).moved(y=0.0075), box(0.08, low + 0.05, 0.03).moved(y=low / 2)])
    else:
        foot = both(box(0.03, low, 0.22).moved(0.36 * width, low / 2))
    return [(combine([panel, foot]), 5)]


def wall_unit(draw: Draw, w: float, d: float, top: float, t: float) -> Pieces:
    """What rises over the low part of an entertainment centre: towers, a bridge between them, or a back panel."""
    q = draw(tower=(0.6, 1.4), tower_width=(0.14, 0.26), bridge=(0.18, 0.4))
    pieces: Pieces = []
    high, wide = q.tower, q.tower_width * w
    if draw.chance(0.4):
        pieces.append((slab((-w / 2, w / 2), (top, top + high), (-d / 2, -d / 2 + t)), BODY))
        for k in range(draw.integer("boards", 0, 2)):
            y = top + high * (0.8 - 0.2 * k)
            pieces.append((slab((-w / 2, w * (0.5 - 0.3 * k)), (y, y + t), (-d / 2, -d / 2 + 0.6 * d)), 6))
        return pieces
    for s in (-1, 1):
        tower = case(draw, style(draw), "o3" if draw.chance(0.6) else "o2/l", (wide, high, 0.8 * d), top, t, 0.3)
        pieces += moved(tower, s * (w - wide) / 2, 0, -0.1 * d)
    span = w / 2 - wide
    pieces += shell((-span, span), (top + high * (1 - 0.5 * q.bridge), top + high), (-d / 2, 0.3 * d), t, 6)
    return pieces


FILES = {
    "vertical": ("d2", "d3", "d4", "d4", "d5"),
    "lateral": ("d2", "d3", "d4", "0.9 o/3 d3"),
    "pedestal": ("d/1.8 d", "0.8 d2/1.6 d", "d3", "d2", "0.5 d/d/2 d"),
    "bank": ("d4 d4", "d3 d3 d3", "d4 d4 d4", "d2 d2", "d5 d5"),
    "card index": ("d d/d d/d d/d d", "d d d/d d d/d d d/d d d", "d d d d/d d d d/d d d d"),
}


@family(
    "file cabinet",
    ("body", "drawers", "label holders", "handles", "base", "files"),
    (*FILES, "open drawer"),
    synonyms=("filing cabinet", "office drawers", "file drawer", "drawer pedestal"),
)
def file_cabinet(variant: str, draw: Draw) -> Pieces:
    """Steel or wooden cabinet of deep drawers for files, each with a label."""
    p = draw(
        width=(0.34, 0.52), rise=(0.24, 0.37), depth=(0.42, 0.78), foot=(0.02, 0.09), proud=(0.004, 0.022),
        label=(0.18, 0.36), label_at=(0.62, 0.82), pull=(0.4, 0.9),
    )  # fmt: skip
    layout = pick(draw, FILES.get(variant, FILES["vertical"]))
    rows = sum(max(int(cell[1:] or 1) for cell in row.split() if cell[0] in "do") for row in layout.split("/"))
    w, d = p.width * max(row.count("d") for row in layout.split("/")), p.depth
    if variant == "lateral":
        w, d = w * 2.1, min(d, 0.55)
    h = rows * p.rise
    if variant == "pedestal":
        h, w = draw.rng.uniform(0.45, 0.66), min(w, 0.48)
    elif variant == "card index":
        h, w = rows * 0.5 * p.rise, 0.55 * w
    look = style(draw)
    look.panel, look.proud, look.pair, look.grip_long = 0, p.proud, False, 0.2 + 0.4 * look.grip_long
    look.grip = (1, 1, 3, 5, 6, 2)[draw.integer("pull", 0, 5)]
    styles = "castors castors none" if variant == "pedestal" else "plinth none none"
    pieces, y = footing(draw, styles, w * 0.94, d * 0.94, p.foot, 0.04)
    pulled = p.pull * d if variant == "open drawer" or draw.chance(0.08) else 0.0
    top = (0.02, draw.rng.uniform(0, 0.015)) if draw.chance(0.3) else None
    body = case(draw, look, layout, (w, h, d), y, 0.018, 0.2, top, pulled, even=True)
    # A label holder on each drawer, and files in the one that is drawn out.
    labelled: Pieces = []
    wanted = draw.chance(0.75)
    for mesh, part in body:
        labelled.append((mesh, part))
        if part != DRAWER:
            continue
        low, high = mesh.vertices.min(0), mesh.vertices.max(0)
        wide, tall = p.label * min(high[0] - low[0], 0.4), min(0.16 * (high[1] - low[1]), 0.05)
        at = ((low[0] + high[0]) / 2, low[1] + p.label_at * (high[1] - low[1]) + 0.3 * tall, high[2])
        if wanted:
            labelled.append((box(wide, tall, 0.012).moved(*at), 2))
        if high[2] - low[2] > 0.1:
            z = low[2] + 0.03
            while z < high[2] - 0.1:
                sheet = box(0.8 * (high[0] - low[0]), draw.rng.uniform(0.6, 0.95) * (high[1] - low[1]), 0.012)
                labelled.append((sheet.moved(at[0], (low[1] + high[1]) / 2, z), THING))
                z += draw.rng.uniform(0.03, 0.12)
    pieces += labelled
    if draw.chance(0.5):  # the lock
        pieces.append((cylinder(0.01, 0.012, 8).turned("x", 90).moved(0.4 * w, y + h - 0.012, d / 2), GRIP))
    if draw.chance(0.15):
        pieces += moved(ornament(draw, 0.2, THING), 0, y + h + (0.02 if top else 0))
    return pieces
