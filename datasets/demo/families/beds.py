"""Beds."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import (
    Draw,
    Pieces,
    arch,
    beam,
    family,
    feet,
    knob,
    moved,
    padded,
    pillow_mesh,
    placed,
    rod,
)
from datasets.demo.families.forms import both, copies
from datasets.demo.families.frames import box_frame, chair_back, corners, rails
from datasets.demo.mesh import box, cushion, cylinder, ellipsoid, extrude, frustum, sheet, slab


def bedding(draw: Draw, w: float, length: float, base: float, mattress: float, blanket: float) -> Pieces:
    """Mattress on a frame whose top is at `base`, pillows at the back, mostly a blanket over its front part."""
    out: Pieces = []
    soft = draw.chance(0.5)
    mw, ml = w * 0.96, length * 0.97
    if soft:
        out.append((cushion(mw, mattress, ml, 0.2, 20).moved(y=base + mattress / 2), 0))
    else:
        out.append((slab((-mw / 2, mw / 2), (base, base + mattress), (-ml / 2, ml / 2)), 0))
    top = base + mattress
    count = 2 if w > 1.2 else 1
    pw = mw / count * draw.rng.uniform(0.65, 0.95)
    pl = draw.rng.uniform(0.28, 0.45)
    thick = draw.rng.uniform(0.09, 0.18)
    for k in range(count):
        x = (k - (count - 1) / 2) * mw / count
        if draw.chance(0.5):
            pillow = pillow_mesh(pw, thick, pl)
        else:
            pillow = cushion(pw, thick, pl, 0.4, 14)
        out.append((pillow.moved(x, top + thick * 0.4, -ml / 2 + pl * 0.6), 3))
    if draw.chance(0.75):
        z0 = ml / 2 - blanket * ml
        drop = mattress * draw.rng.uniform(0.3, 0.95)
        edge = mw / 2 + 0.02
        out.append((slab((-edge, edge), (top - drop, top + 0.03), (z0, ml / 2 + 0.015)), 4))
        if draw.chance(0.5):
            out.append((slab((-edge, edge), (top + 0.03, top + 0.07), (z0, z0 + 0.2)), 4))
    return out


DEMO_BEDS = ("single", "double", "bunk", "four-poster")


@family(
    "bed", ("mattress", "frame", "headboard", "pillows", "blanket", "night stand", "canopy"), DEMO_BEDS,
    more=("canopy", "metal", "crib", "day bed", "sleigh", "hospital", "loft", "round", "camp", "mattress",
          "with drawers", "padded", "with night stands"),
    synonyms=("double bed", "bedstead", "bed frame"),
)  # fmt: skip
def bed(variant: str, draw: Draw) -> Pieces:
    """Bed with its head at the back."""
    if variant not in DEMO_BEDS:
        return _more_bed(variant, draw)
    p = draw(
        width=(0.75, 1.1), length=(1.6, 2.3), frame_height=(0.12, 0.5), frame_thick=(0.1, 0.22), mattress=(0.12, 0.32),
        head_rise=(0.15, 0.85), board=(0.04, 0.12), foot_rise=(0.0, 0.4), blanket=(0.35, 0.75), leg_thick=(0.05, 0.14),
    )  # fmt: skip
    w = p.width * (1.75 if variant == "double" else 1.0)
    if variant == "four-poster":
        w *= 1.0 + 0.7 * draw.chance(0.7)
    length, board = p.length, p.board
    base, t = p.frame_height, p.frame_thick
    rail = min(t, base)
    frame = slab((-w / 2, w / 2), (base - rail * 0.8, base + 0.03), (-length / 2, length / 2))
    pieces: Pieces = []
    if variant == "bunk":
        upper = base + draw(bunk_gap=(0.75, 1.1)).bunk_gap
        for y in (base, upper):
            pieces.append((frame.moved(y=y - base), 1))
            pieces += bedding(draw, w, length, y + 0.03, p.mattress, p.blanket)
        top = upper + p.mattress + 0.25
        x, z = w / 2, length / 2
        half = p.leg_thick / 2
        post = slab((-half, half), (0, top), (-half, half))
        pieces += corners(post, x, z, 1)
        for s in (-1, 1):
            pieces.append((slab((-x, x), (top - 0.12, top - 0.02), (s * z - 0.02, s * z + 0.02)), 2))
            pieces.append(
                (slab((s * x - 0.02, s * x + 0.02), (top - 0.12, top - 0.04), (-z, z * (1 if s < 0 else 0.3))), 2)
            )
        for lx in (0.05, 0.4):
            pieces.append((slab((x + 0.02, x + 0.06), (0, top), (z * 0.95 - lx - 0.04, z * 0.95 - lx)), 2))
        for y in np.linspace(0.25, upper, draw.integer("rungs", 3, 5)):
            pieces.append((slab((x + 0.02, x + 0.06), (y, y + 0.04), (z * 0.95 - 0.4, z * 0.95 - 0.05)), 2))
        return pieces
    pieces += [(frame, 1), *bedding(draw, w, length, base + 0.03, p.mattress, p.blanket)]
    under = base - rail * 0.8
    if under > 0.03:
        if draw.chance(0.75):
            pieces += feet(draw, w, length, under, p.leg_thick, 1)
        else:
            pieces.append((slab((-w * 0.46, w * 0.46), (0, under), (-length * 0.46, length * 0.46)), 1))
    top = base + p.mattress + p.head_rise
    z = -length / 2 - board / 2
    if variant == "four-poster":
        height = draw(post_height=(1.3, 2.2)).post_height
        half = p.leg_thick * 0.4
        post = cylinder(half, height, 10) if draw.chance(0.5) else slab((-half, half), (0, height), (-half, half))
        pieces += corners(post, w / 2, length / 2, 1)
        if draw.chance(0.4):
            pieces.append((slab((-w / 2, w / 2), (height, height + 0.05), (-length / 2, length / 2)), 1))
        else:
            pieces += [
                (rod((-w / 2, height, s * length / 2), (w / 2, height, s * length / 2), half, 8), 1) for s in (-1, 1)
            ]
            pieces += [
                (rod((s * w / 2, height, -length / 2), (s * w / 2, height, length / 2), half, 8), 1) for s in (-1, 1)
            ]
        top = min(top, height * 0.8)
    style = draw.integer("headboard", 0, 4)
    if style == 0:
        pieces.append((slab((-w / 2, w / 2), (0, top), (z - board / 2, z + board / 2)), 2))
    elif style == 1:
        rise = top - base
        pieces.append((cushion(w * 1.02, rise, board * 2.5, 0.25, 20).moved(0, base + rise / 2, z), 2))
        pieces.append((slab((-w * 0.45, w * 0.45), (0, base), (z - board / 2, z + board / 2)), 2))
    elif style == 2:
        u = np.linspace(0, np.pi, 11)
        outline = [
            (-w / 2, 0),
            *zip(-np.cos(u) * w / 2, base + (top - base) * (0.5 + 0.5 * np.sin(u)), strict=True),
            (w / 2, 0),
        ]
        pieces.append((extrude(outline, board).moved(z=z), 2))
    else:
        pieces += moved(chair_back(draw, w, top, board, 2, style - 1), z=z)
    if p.foot_rise > 0.12:
        low, high = (0.0, base + p.foot_rise) if draw.chance(0.7) else (base - rail, base + p.mattress * 0.8)
        zf = length / 2 + board / 2
        pieces.append((slab((-w / 2, w / 2), (low, high), (zf - board / 2, zf + board / 2)), 2))
    return pieces


def _more_bed(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.85, 1.8), length=(1.8, 2.15), frame_height=(0.18, 0.42), mattress=(0.14, 0.3), head_rise=(0.3, 0.8),
        board=(0.04, 0.12), blanket=(0.4, 0.8), leg_thick=(0.04, 0.1),
    )  # fmt: skip
    w, length, base, board, thick = p.width, p.length, p.frame_height, p.board, p.leg_thick
    if variant in ("day bed", "crib", "hospital", "loft", "camp"):
        w = 0.7 + 0.25 * (w - 0.85)
    x, z, top = w / 2, length / 2, base + p.mattress + p.head_rise
    layers = bedding(draw, w, length, base, p.mattress, p.blanket)
    frame: Pieces = [(slab((-x, x), (base - 0.12, base + 0.02), (-z, z)), 1)]
    head: Pieces = [(slab((-x, x), (0, top), (-z - board, -z)), 2)]
    if variant == "canopy":
        high = draw(post_height=(1.7, 2.3)).post_height
        pieces = frame + layers + head
        pieces += corners(box(thick, high, thick).moved(y=high / 2), x, z, 1)
        pieces += box_frame(x, (high - thick, high), z, thick, 1)
        if draw.chance(0.7):
            pieces.append((slab((-x * 1.03, x * 1.03), (high, high + 0.03), (-z * 1.03, z * 1.03)), 6))
            pieces += box_frame(x * 1.03, (high - 0.2, high), z * 1.03, 0.02, 6)
        for sx in (-1, 1):  # curtains, gathered at the posts or let down
            for sz in (-1, 1):
                if draw.chance(0.7):
                    wide = draw.rng.uniform(0.12, 0.45)
                    u = np.linspace(0, 1, 12)
                    fold = np.stack([sx * (x + 0.02 * np.sin(25 * u)), 0 * u, sz * (z - wide * u)], -1)
                    pieces.append((sheet(np.stack([fold + [0, 0.02, 0], fold + [0, high - 0.05, 0]]), 0.015), 6))
        return pieces
    if variant == "metal":
        pieces = layers + box_frame(x, (base - 0.05, base), z, 0.04, 1)
        r, bars = thick * 0.3, draw.integer("bars", 3, 8)
        arched = draw.chance(0.5)
        for end, high in ((-z, top), (z, base + p.mattress + 0.3 * p.head_rise)):
            pieces += [(rod((s * x, 0, end), (s * x, high * 0.9, end), r * 1.3, 8), 2) for s in (-1, 1)]
            if arched:
                pieces.append((arch(w, 0.25 * p.head_rise, r, 8, 6).moved(0, high * 0.9, end), 2))
            else:
                pieces.append((rod((-x, high * 0.9, end), (x, high * 0.9, end), r, 6), 2))
                pieces += [(ellipsoid(2 * r, 2 * r, 2 * r, 8).moved(s * x, high * 0.9, end), 2) for s in (-1, 1)]
            for u in np.linspace(-1, 1, bars + 2)[1:-1]:
                rise = high * 0.9 + (0.25 * p.head_rise * np.sqrt(1 - u * u) if arched else 0)
                pieces.append((rod((u * x, base, end), (u * x, rise, end), r * 0.6, 5), 2))
        return pieces
    if variant == "crib":
        length *= 0.62
        w, z, rail = 0.62 * w + 0.1, length / 2, base + 0.45 + 0.4 * p.head_rise
        x = w / 2
        pieces = [
            (slab((-x, x), (base - 0.04, base), (-z, z)), 1),
            (padded(w * 0.95, 0.5 * p.mattress, length * 0.96, True).moved(y=base + 0.25 * p.mattress), 0),
        ]
        pieces += corners(box(thick, rail, thick).moved(y=rail / 2), x, z, 1)
        for y in (base - 0.08, rail - 0.04):
            pieces += box_frame(x, (y, y + 0.04), z, 0.03, 2)
        n = draw.integer("bars", 6, 11)
        pieces += [
            (box(0.018, rail - base, 0.018).moved(s * x, (rail + base) / 2, u * z), 2)
            for u in np.linspace(-0.9, 0.9, n)
            for s in (-1, 1)
        ]
        if draw.chance(0.6):
            pieces += rails((-x, x), (base - 0.05, rail + 0.15 * draw.chance(0.5)), z, 0.025, 2)
        else:
            pieces += [
                (box(0.018, rail - base, 0.018).moved(u * x, (rail + base) / 2, s * z), 2)
                for u in np.linspace(-0.8, 0.8, n // 2)
                for s in (-1, 1)
            ]
        if draw.chance(0.5):
            pieces.append((padded(w * 0.6, 0.07, 0.25, True).moved(0, base + 0.5 * p.mattress + 0.03, -z * 0.7), 3))
        return pieces
    if variant == "day bed":
        pieces = frame + layers
        style = draw.integer("day bed back", 2, 4)
        side = chair_back(draw, length, top, board, 2, style)
        ends_ = chair_back(draw, w, top * 0.85, board, 2, style)
        pieces += placed(side, -x, 0, 0, 90) + moved(ends_, z=-z) + moved(ends_, z=z)
        pieces = placed(pieces, 0, 0, 0, -90)
        return pieces + [
            (pillow_mesh(0.5, 0.18, 0.5).turned("x", 70).moved(k, base + p.mattress + 0.2, -x * 0.6), 3)
            for k in (-0.4, 0.4)
        ]
    if variant == "sleigh":
        pieces = frame + layers + feet(draw, w, length, base - 0.12, thick, 1)
        v = np.linspace(0, 1, 9)
        for s, high in ((-1, top), (1, base + p.mattress + 0.3 * p.head_rise)):
            roll = s * (z + 0.05 + 0.22 * v**2.5)
            grid = np.stack(
                [np.stack([np.full(9, u), base * 0.4 + (high - base * 0.4) * v, roll], -1) for u in (-x, 0, x)]
            )
            pieces.append((sheet(grid, board), 2))
            pieces.append((cylinder(board * 0.7, w, 10).turned("z", 90).moved(x, high, roll[-1]), 2))
        return pieces
    if variant == "hospital":
        up = np.radians(draw(raised=(15, 60)).raised)
        pieces = [(slab((-x, x), (base, base + 0.05), (-z, z)), 1)]
        part = 0.4 * length
        flat = padded(w * 0.96, 0.12, length - part, False).moved(0, base + 0.15, part / 2)
        raised = (
            padded(w * 0.96, 0.12, part, False)
            .moved(0, 0.1, -part / 2)
            .turned("x", np.degrees(up))
            .moved(0, base + 0.05, -z + part)
        )
        pieces += [(flat, 0), (raised, 0)]
        pillow = (
            cushion(w * 0.7, 0.12, 0.35, 0.4, 14)
            .moved(0, 0.2, -part * 0.75)
            .turned("x", np.degrees(up))
            .moved(0, base + 0.05, -z + part)
        )
        pieces.append((pillow, 3))
        pieces += [
            (slab((-x * 0.9, x * 0.9), (0.3 * base, top if e < 0 else top * 0.8), (e * z - 0.03, e * z + 0.03)), 2)
            for e in (-1, 1)
        ]
        pieces += corners(cylinder(0.07, 0.05, 12).turned("z", 90).moved(0.02, 0.07), x * 0.85, z * 0.9, 1)
        pieces += corners(box(0.05, base - 0.08, 0.05).moved(y=base / 2 + 0.04), x * 0.85, z * 0.9, 1)
        for s in (-1, 1):
            for y in (0.12, 0.3):
                pieces.append((rod((s * x, base + y, -z * 0.5), (s * x, base + y, z * 0.3), 0.015, 6), 1))
            pieces += [(rod((s * x, base, e * z), (s * x, base + 0.3, e * z), 0.015, 6), 1) for e in (-0.5, -0.1, 0.3)]
        return pieces
    if variant == "loft":
        up = draw(loft=(1.1, 1.6)).loft
        pieces = moved([*frame, *layers], y=up) + corners(
            box(thick, up + top * 0.8, thick).moved(y=(up + top * 0.8) / 2), x, z, 1
        )
        pieces += box_frame(x, (up + top * 0.75, up + top * 0.8), z, 0.04, 2)
        for y in np.linspace(0.2, up, draw.integer("rungs", 3, 6)):
            pieces.append((rod((x + 0.03, y, z * 0.9), (x + 0.03, y, z * 0.5), 0.018, 6), 2))
        pieces += [(rod((x + 0.03, 0, e * z), (x + 0.03, up + 0.4, e * z), 0.02, 6), 2) for e in (0.5, 0.9)]
        if draw.chance(0.7):  # a desk below
            pieces.append((slab((-x * 0.95, x * 0.3), (0.7, 0.73), (-z * 0.95, z * 0.4)), 1))
            pieces.append((slab((-x * 0.9, 0), (0.0, 0.7), (-z * 0.9, -z * 0.6)), 1))
        return pieces
    if variant == "round":
        r = 0.6 * length
        soft = cushion(2 * r * 0.95, p.mattress * 1.2, 2 * r * 0.95, 0.8, 28)
        pieces = [(cylinder(r, base, 28), 1), (soft.moved(y=base + p.mattress * 0.5), 0)]
        a = np.radians(np.linspace(-70, 70, 13))
        grid = np.stack(
            [np.stack([-r * np.sin(a), np.full(13, y), -r * np.cos(a)], -1) for y in (0.0, base + p.mattress, top)]
        )
        pieces.append((sheet(grid, board), 2))
        return pieces + [
            (pillow_mesh(0.55, 0.16, 0.38).turned("x", 25).moved(k, base + p.mattress + 0.12, -r * 0.6), 3)
            for k in (-0.35, 0.35)
        ]
    if variant == "camp":
        pieces = [(slab((-x, x), (base, base + 0.04), (-z, z)), 0)]
        pieces += [(rod((s * x, base + 0.02, -z), (s * x, base + 0.02, z), thick * 0.4, 6), 1) for s in (-1, 1)]
        for e in np.linspace(-0.85, 0.85, draw.integer("crosses", 2, 3)) * z:
            pieces += [
                (beam((-k * x, 0, 0), (k * x, base, 0), thick * 0.5, thick * 0.5).moved(z=e), 1) for k in (-1, 1)
            ]
        return pieces + [(pillow_mesh(w * 0.7, 0.12, 0.35).moved(0, base + 0.08, -z * 0.8), 3)]
    if variant == "mattress":
        pieces = bedding(draw, w, length, 0.1 * base, p.mattress + 0.05, p.blanket)
        if draw.chance(0.6):
            slats = [
                (slab((-x * 1.03, x * 1.03), (0, 0.1 * base), (e - 0.05, e + 0.05)), 1)
                for e in np.linspace(-z, z, draw.integer("slats", 4, 9))
            ]
            return pieces + slats
        return pieces + [(slab((-x, x), (0, 0.1 * base), (-z, z)), 1)]
    pieces = frame + layers
    if variant == "with drawers":
        pieces = [(slab((-x, x), (0.03, base + 0.02), (-z, z)), 1), *layers, *head]
        for k in range(2):
            face = slab((x, x + 0.02), (0.06, base - 0.03), (-z + (k + 0.03) * z, -z + (k + 0.97) * z))
            pieces += [(both(face), 1), (both(box(0.03, 0.02, 0.15).moved(x + 0.03, base / 2, -z + (k + 0.5) * z)), 1)]
    elif variant == "padded":
        wide = draw(board_width=(1.02, 1.5)).board_width
        tufts = [
            (u * x * 0.9, base + p.mattress + v * p.head_rise, -z)
            for u in np.linspace(-1, 1, 7)
            for v in (0.25, 0.5, 0.75)
        ]
        pieces.append((cushion(w * wide, top, 2 * board, 0.2, 20).moved(0, top / 2, -z - board), 2))
        pieces.append((copies(ellipsoid(0.02, 0.02, 0.012, 6), tufts), 2))
        if draw.chance(0.5):  # an ottoman at its foot
            pieces.append((padded(w * 0.8, 0.4, 0.42, True).moved(0, 0.22, z + 0.3), 5))
    else:  # with night stands
        pieces += (
            head
            if draw.chance(0.6)
            else moved(chair_back(draw, w, top, board, 2, draw.integer("headboard", 2, 4)), z=-z)
        )
    if variant in ("with night stands", "padded"):
        size = draw(night_stand=(0.32, 0.5)).night_stand
        tall, lamp = base + p.mattress * draw.rng.uniform(0.4, 1.1), draw.chance(0.6)
        for s in (-1, 1):
            if variant == "with night stands" or draw.chance(0.5):
                block = box(size, tall - 0.06, size * 0.9).moved(y=tall / 2 + 0.03)
                own: Pieces = [
                    (block, 5),
                    (box(size * 0.9, tall * 0.35, 0.02).moved(0, tall * 0.65, size * 0.46), 5),
                    (knob(0.02).moved(0, tall * 0.65, size * 0.46), 5),
                ]
                own += feet(draw, size, size, 0.06, 0.04, 5)
                if lamp:
                    own.append((cylinder(0.015, 0.3, 6).moved(y=tall), 5))
                    own.append((frustum(0.13, 0.09, 0.18, 14).moved(y=tall + 0.22), 5))
                pieces += moved(own, s * (x + size * 0.6), 0, -z + size * 0.5)
    return pieces + feet(draw, w, length, base - 0.12, thick, 1)
