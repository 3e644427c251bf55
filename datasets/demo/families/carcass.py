"""Carcasses divided into drawers, doors and open bays, of which storage furniture is made. Sizes are in metres."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, books, handle, knob, legs, moved, ornament, shell
from datasets.demo.families.forms import both, copies, rounded, side
from datasets.demo.families.frames import stand
from datasets.demo.mesh import Mesh, box, boxes, combine, cushion, cylinder, extrude, slab, torus

# Labels that all of these families share; the last is what stands on, hangs in or belongs to the piece.
BODY, DRAWER, DOOR, GRIP, BASE, THING = range(6)
Span = tuple[float, float]


def footing(draw: Draw, styles: str, w: float, d: float, height: float, thick: float) -> tuple[Pieces, float]:
    """What a piece of furniture stands on, under a w x d rectangle centred on the y axis.

    Args:
        draw: draws the style.
        styles: those that the piece may have, separated by blanks: plinth, legs, bracket, sled, hairpin, castors, none.
        w, d: size of the rectangle.
        height: of legs; the lower styles take a part of it.
        thick: of a leg.

    Returns:
        Pieces, and the height above the floor at which the body begins.
    """
    options = styles.split()
    style = options[draw.integer("stand", 0, len(options) - 1)]
    x, z = w / 2, d / 2
    if style == "none":
        return [], 0.0
    if style == "plinth":
        low = min(height, 0.12) * 0.8
        return [(slab((-x * 0.97, x * 0.97), (0, low), (-z * 0.97, z * 0.88)), BASE)], low
    if style == "legs":
        return legs(draw, w * 0.97, d * 0.95, height, thick, BASE, 6 if w > 1.3 and draw.chance(0.4) else 4), height
    if style == "bracket":
        low, long = min(height, 0.13), min(2.5 * thick, 0.3 * w, 0.4 * d)
        outline = np.array([(0, 1), (1, 1), (0.75, 0.6), (0.45, 0), (0, 0)]) * [long, low]
        foot = both(extrude(outline, 0.02).moved(-x, 0, z - 0.01))
        flank = both(side(outline, 0.02).moved(x - 0.01, 0, -z))
        pieces = [foot, flank, flank.scaled(1, 1, -1)]
        if draw.chance(0.5):
            pieces.append(slab((-x, x), (0.7 * low, low), (z - 0.02, z)))
        return [(combine(pieces), BASE)], low
    if style == "castors":
        r = min(0.035, 0.4 * height)
        tyre = cylinder(r, 0.6 * r, 10).turned("z", 90).moved(0.3 * r, r)
        wheel = combine([tyre, cylinder(0.3 * r, 1.3 * r, 6).moved(0, r)])
        spots = [(sx * (x - 1.3 * r), 0, sz * (z - 1.3 * r)) for sx in (-1, 1) for sz in (-1, 1)]
        return [(copies(wheel, spots, yaw=draw.rng.uniform(0, 360, 4)), BASE)], 2.3 * r
    return stand(draw, w * 0.97, d * 0.95, height, thick, BASE, style), height


def style(draw: Draw) -> SimpleNamespace:
    """How the fronts of one piece look: gaps, grips (0 to 6, 2 for none) and panels (0 to 3, mostly flat)."""
    q = draw(gap=(0.003, 0.022), proud=(0.004, 0.042), grip_size=(0.7, 1.8), grip_long=(0.12, 0.6), frame=(0.12, 0.26))
    q.grip = draw.integer("grip", 0, 6)
    q.panel = draw.integer("panel", 0, 3) if draw.chance(0.5) else 0
    q.pair = draw.chance(0.6)
    return q


def grip(look: SimpleNamespace, room: float, upright: bool) -> Mesh | None:
    """The handle of one front, sticking out along +z from the origin; `room` is the front's length along it."""
    s = look.grip_size
    length = min(look.grip_long * room, 0.5)
    if look.grip == 0:
        return knob(0.016 * s)
    if look.grip == 1:
        return handle(max(length, 0.06), 0.012 * s, upright)
    if look.grip == 3:
        return cushion(0.085 * s, 0.036 * s, 0.05 * s, 0.6, 10)
    if look.grip == 4:
        plate = box(0.05 * s, 0.03 * s, 0.006).moved(z=0.003)
        return combine([plate, torus(0.026 * s, 0.005 * s, 12, 5).turned("x", 80).moved(0, -0.024 * s, 0.012)])
    if look.grip == 5:
        bow = arch(max(length, 0.07), 0.03 * s, 0.006 * s, 6, 6).turned("x", 90)
        return bow.turned("z", 90) if upright else bow
    return None


def front(look: SimpleNamespace, kind: str, x: Span, y: Span, z: float, pulled: float = 0.0) -> Pieces:
    """A closed front in the plane z with its grip.

    Args:
        look: from `style`.
        kind: "d" drawer, "l" or "r" door hinged at its left or right, "f" flap hinged below.
        x, y: bounds of the cell.
        z: front plane of the body.
        pulled: how far a drawer is drawn out; it is then a tray.
    """
    gap = min(look.gap, 0.1 * (x[1] - x[0]), 0.1 * (y[1] - y[0]))
    x, y = (x[0] + gap, x[1] - gap), (y[0] + gap, y[1] - gap)
    w, h = x[1] - x[0], y[1] - y[0]
    cx, cy, face = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2, z + pulled + look.proud
    part = DRAWER if kind == "d" else DOOR
    low, high = [[x[0], y[0], face - look.proud - 0.002]], [[x[1], y[1], face]]
    if pulled:
        t, top = 0.014, y[0] + 0.8 * h
        low += [[x[0], y[0], z - 0.01], [x[1] - t, y[0], z - 0.01], [x[0], y[0], z - 0.01]]
        high += [[x[0] + t, top, face], [x[1], top, face], [x[1], y[0] + t, face]]
    rim, rise = look.frame * min(w, h, 0.45), 0.006 + 0.3 * look.proud
    if look.panel == 1:
        low += [[x[0], y[0], face], [x[1] - rim, y[0], face], [x[0] + rim, y[0], face], [x[0] + rim, y[1] - rim, face]]
        high += [[x[0] + rim, y[1], 0], [x[1], y[1], 0], [x[1] - rim, y[0] + rim, 0], [x[1] - rim, y[1], 0]]
        for corner in high[-4:]:
            corner[2] = face + rise
    elif look.panel == 2:
        low.append([x[0] + rim, y[0] + rim, face])
        high.append([x[1] - rim, y[1] - rim, face + rise])
    elif look.panel == 3 and kind != "d":
        edge = np.linspace(y[0] + rim, y[1] - rim, int(np.clip(h / 0.07, 3, 14)))
        low += [[x[0] + rim, a, face] for a in edge[:-1]]
        high += [[x[1] - rim, a + 0.55 * (edge[1] - edge[0]), face + rise] for a in edge[:-1]]
    pieces: Pieces = [(boxes(np.array(low), np.array(high)), part)]
    upright = kind in "lr"
    if look.grip == 6:  # a ledge along the upper edge, or along the edge that opens
        ledge = 0.012 * look.grip_size
        if upright:
            edge = x[1] if kind == "l" else x[0]
            pieces.append((box(ledge, 0.6 * h, 2 * ledge).moved(edge, cy, face), GRIP))
        else:
            pieces.append((box(0.9 * w, ledge, 2 * ledge).moved(cx, y[1] - ledge, face), GRIP))
        return pieces
    mesh = grip(look, h if upright else w, upright)
    if mesh is None:
        return pieces
    if upright:
        aside = min(0.12 * w, 0.06)
        pieces.append((mesh.moved(x[1] - aside if kind == "l" else x[0] + aside, cy, face), GRIP))
        return pieces
    high_up = 0.0 if kind == "d" and h < 0.3 else 0.32 * h
    spots = (-0.28 * w, 0.28 * w) if look.pair and w > 0.6 and look.grip_long < 0.45 else (0.0,)
    return [*pieces, *[(mesh.moved(cx + s, cy + high_up, face), GRIP) for s in spots]]


def case(
    draw: Draw,
    look: SimpleNamespace,
    layout: str,
    size: tuple[float, float, float],
    y: float = 0.0,
    board: float = 0.02,
    fill: float = 0.0,
    top: tuple[float, float] | None = None,
    pulled: float = 0.0,
    even: bool = False,
) -> Pieces:
    """Carcass with its fronts, centred on the y axis.

    Args:
        draw: draws how wide a middle column is, and what lies in open bays.
        look: of the fronts, from `style`.
        layout: rows from the top down, separated by "/": a relative height (1 if absent) and cells, each a kind of
            `front`, or "o" for an open bay, and how many of it are stacked. "d d / 2 l o3 r" has two drawers over a
            left door, three open bays and a right door.
        size: width, height, depth.
        y: where it begins.
        board: thickness of boards.
        fill: chance that something lies in an open bay.
        top: thickness and overhang of a board on it.
        pulled: how far one of the drawers is drawn out.
        even: all columns equally wide.
    """
    w, h, d = size
    x, z = (-w / 2, w / 2), (-d / 2, d / 2)
    pieces: Pieces = []
    if top is not None:
        pieces.append((slab((x[0] - top[1], x[1] + top[1]), (y + h, y + h + top[0]), (z[0], z[1] + top[1])), BODY))
    inset = board if "o" in layout or draw.chance(0.5) else 0.2 * board
    hollow = "o" in layout or pulled > 0
    if hollow:
        pieces += shell(x, (y, y + h), z, board, BODY, draw.chance(0.85) or "o" not in layout)
    elif draw.chance(0.15):
        pieces.append((rounded(w, h, d, min(0.08, 0.15 * h)).moved(y=y + h / 2), BODY))
    else:
        pieces.append((slab(x, (y, y + h), z), BODY))
    rows = [row.split() for row in layout.split("/")]
    weight = np.array([float(row.pop(0)) if row[0][0].isdigit() else 1.0 for row in rows])
    level = y + h - inset - np.r_[0, np.cumsum(weight / weight.sum())] * (h - 2 * inset)
    middle = draw(middle_column=(0.7, 1.7)).middle_column
    closed, low, high = [], [], []
    for row, high_y, low_y in zip(rows, level[:-1], level[1:], strict=True):
        share = np.ones(len(row))
        if len(row) % 2 and len(row) > 1 and not even:
            share[len(row) // 2] = middle
        edge = x[0] + inset + np.r_[0, np.cumsum(share / share.sum())] * (w - 2 * inset)
        if low_y > level[-1] + 1e-6:
            low.append([x[0] + board, low_y - board / 2, z[0]])
            high.append([x[1] - board, low_y + board / 2, z[1] - 0.003])
        for e in edge[1:-1]:
            low.append([e - board / 2, low_y, z[0]])
            high.append([e + board / 2, high_y, z[1] - 0.003])
        for cell, x0, x1 in zip(row, edge[:-1], edge[1:], strict=True):
            step = np.linspace(low_y, high_y, int(cell[1:] or 1) + 1)
            for y0, y1 in zip(step[:-1], step[1:], strict=True):
                if cell[0] != "o":
                    closed.append((cell[0], (x0, x1), (y0, y1)))
                    continue
                if y0 > low_y:
                    low.append([x0, y0 - board / 2, z[0]])
                    high.append([x1, y0 + board / 2, z[1] - 0.01])
                if draw.chance(fill):
                    pieces += moved(stuff(draw, (x0 + board, x1 - board), y1 - y0 - 1.5 * board, d), y=y0 + board)
    if hollow and low:
        pieces.append((boxes(np.array(low), np.array(high)), BODY))
    drawers = [k for k, cell in enumerate(closed) if cell[0] == "d"]
    out = drawers[draw.integer("pulled", 0, len(drawers) - 1)] if pulled and drawers else -1
    for k, (kind, cx, cy) in enumerate(closed):
        pieces += front(look, kind, cx, cy, z[1], pulled if k == out else 0.0)
    return pieces


def stuff(draw: Draw, x: Span, height: float, depth: float) -> Pieces:
    """Something in an open bay on y = 0: a row of books, a flat device or an ornament."""
    kind = draw.integer("stuff", 0, 2)
    w = x[1] - x[0]
    if kind == 0:
        return books(draw, x, min(height, 0.3), 0.7 * depth, THING)
    if kind == 1:
        wide, tall = min(0.8 * w, 0.45), min(0.6 * height, 0.12)
        return [(box(wide, tall, 0.65 * depth).moved((x[0] + x[1]) / 2, tall / 2), THING)]
    return moved(ornament(draw, min(0.85 * height, 0.6 * w, 0.3), THING), (x[0] + x[1]) / 2)


def pick(draw: Draw, options: tuple[str, ...]) -> str:
    """One of the options."""
    return options[draw.integer("option", 0, len(options) - 1)]
