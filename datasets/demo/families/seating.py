"""Seats for one: chairs and stools."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, legs, padded, pedestal, rod
from datasets.demo.families.frames import chair_arms, chair_back, crossed, ends, moved, turned
from datasets.demo.families.sofas import upholstered
from datasets.demo.mesh import cushion, cylinder, lathe, sheet, slab, torus, tube


@family("chair", ("seat", "back", "legs", "arms"), ("four legs", "pedestal", "cantilever", "block", "X legs"))
def chair(variant: str, draw: Draw) -> Pieces:
    """Seat for one with a back; the block is an armchair."""
    p = draw(
        width=(0.34, 0.75), depth=(0.34, 0.7), seat_height=(0.25, 0.62), seat_thick=(0.03, 0.14),
        back_height=(0.25, 0.95), back_thick=(0.03, 0.09), recline=(0, 18), leg_thick=(0.03, 0.11),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.seat_height, p.seat_thick
    if variant == "block":
        w, d = w * 1.4, d * 1.35
        return upholstered(draw, w, d, 1, part_seat=0, part_back=1, part_base=2, part_arm=3)
    pieces: Pieces = []
    seat_style = draw.integer("seat", 0, 3)
    if seat_style == 0:
        pieces.append((padded(w, t * 1.5, d, True).moved(y=h - t * 0.75), 0))
    elif seat_style == 1:
        pieces.append((cylinder(0.5, t, 24).scaled(w, 1, d).moved(y=h - t), 0))
    else:
        pieces.append((slab((-w / 2, w / 2), (h - t, h), (-d / 2, d / 2)), 0))
        if seat_style == 2:
            pieces.append((cushion(w * 0.95, 0.08, d * 0.95, 0.3, 16).moved(y=h + 0.02), 0))
    narrow = draw(back_width=(0.7, 1.05)).back_width * (0.75 if seat_style == 1 else 1.0)
    one_shell = variant in ("pedestal", "cantilever") and draw.chance(0.4)
    if one_shell:
        v = np.linspace(0, 1, 9)
        curve = np.stack([np.zeros(9), p.back_height * v, -0.22 * p.back_height * v**2], -1)
        u = np.linspace(-1, 1, 7)
        grid = curve[:, None] + np.stack([u * w / 2 * narrow, 0 * u, 0.12 * w * u**2], -1)[None]
        pieces.append((sheet(grid + [0, h - t, -d * 0.46], p.back_thick), 1))
    else:
        back = chair_back(draw, w * narrow, p.back_height, p.back_thick, 1)
        pieces += moved(turned(back, "x", -p.recline), 0, h - t * 0.6, -d / 2 + p.back_thick / 2)
    under = h - t
    if variant == "four legs":
        pieces += legs(draw, w * 0.96, d * 0.96, under, p.leg_thick, 2)
        if draw.chance(0.4):
            y = under * draw(stretcher=(0.15, 0.6)).stretcher
            thick = p.leg_thick * 0.5
            x, z = w * 0.48 - thick, d * 0.48 - thick
            pieces += ends(x, (y, y + thick), (-z, z), thick, 2)
            pieces.append((slab((-x, x), (y, y + thick), (-thick / 2, thick / 2)), 2))
    elif variant == "pedestal":
        star = draw.integer("star", 3, 6) if draw.chance(0.7) else 0
        base = draw(base=(0.35, 0.6)).base * min(w, d)
        pieces += pedestal(under, p.leg_thick * 0.5, base, 2, star)
    elif variant == "cantilever":
        r = p.leg_thick * 0.3
        for s in (-1, 1):
            x = s * (w / 2 - r)
            path = [(x, under - r, -d / 2 + r), (x, under - r, d / 2 - r), (x, r, d / 2), (x, r, -d / 2 + r)]
            pieces.append((tube(path, r, 8), 2))
        pieces.append((rod((-w / 2, r, -d / 2 + r), (w / 2, r, -d / 2 + r), r), 2))
    else:
        thick = p.leg_thick * 0.7
        for s in (-1, 1):
            pieces += crossed(s * (w / 2 - thick), d, under, thick, 2)
        pieces.append(
            (slab((-w / 2 + thick, w / 2 - thick), (under / 2, under / 2 + thick), (-thick / 2, thick / 2)), 2)
        )
    if draw.chance(0.4) and not one_shell:
        pieces += chair_arms(draw, w, d, h, min(p.back_height * 0.8, 0.4), p.leg_thick, 3)
    return pieces


@family("stool", ("seat", "legs", "rings"), ("four legs", "three legs", "pedestal", "drum", "box"))
def stool(variant: str, draw: Draw) -> Pieces:
    """Seat for one without a back."""
    p = draw(
        width=(0.25, 0.55), aspect=(0.7, 1.3), height=(0.22, 0.85), seat_thick=(0.025, 0.12), leg_thick=(0.025, 0.09),
        ring_height=(0.15, 0.5), spread=(0.7, 1.25), bulge=(0.75, 1.2),
    )  # fmt: skip
    w, d, h, t = p.width, p.width * p.aspect, p.height, p.seat_thick
    under = h - t
    if variant == "drum":
        y = np.linspace(0, 1, 7)
        radius = 0.5 * (1 + (p.bulge - 1) * np.sin(np.pi * y))
        profile = [(0, 0), *zip(radius, y, strict=True), (0, 1)]
        return [
            (lathe(profile, 20).scaled(w, under, d), 1),
            (cushion(w * 1.02, t * 1.4, d * 1.02, 0.5, 20).moved(y=h - t * 0.6), 0),
            (torus(0.5, 0.02, 20, 6).scaled(w, 0.5, d).moved(y=0.02), 2),
        ]
    round_seat = draw.chance(0.6) if variant != "box" else False
    seat_style = draw.integer("seat", 0, 2)
    if round_seat:
        seat = cylinder(0.5, t, 24).scaled(w, 1, d).moved(y=under)
    elif seat_style == 0:
        seat = padded(w, t * 1.3, d, True).moved(y=h - t / 2)
    elif seat_style == 1:
        u = np.linspace(-1, 1, 9)
        grid = np.stack(
            np.broadcast_arrays(u[:, None] * w / 2, h - t / 2 + 0.06 * (u[:, None] ** 2 - 1), u[None] * d / 2), -1
        )
        seat = sheet(grid, t * 0.7)
    else:
        seat = slab((-w / 2, w / 2), (under, h), (-d / 2, d / 2))
    pieces: Pieces = [(seat, 0)]
    if round_seat and draw.chance(0.3):
        pieces.append((cushion(w, t, d, 0.6, 16).moved(y=h), 0))
    if variant == "box":
        if draw.chance(0.5):
            thick = p.leg_thick * 0.8
            pieces += ends(w / 2 - thick / 2, (0, under), (-d / 2, d / 2), thick, 1)
            y = under * p.ring_height
            pieces.append((slab((-w / 2 + thick, w / 2 - thick), (y, y + thick * 1.5), (-thick / 2, thick / 2)), 2))
        else:
            pieces += feet(draw, w, d, under * 0.25, p.leg_thick, 1)
            pieces.append((slab((-w / 2, w / 2), (under * 0.25, under), (-d / 2, d / 2)), 1))
        return pieces
    if variant == "pedestal":
        star = 5 if draw.chance(0.35) else 0
        pieces += pedestal(under, p.leg_thick * 0.5, 0.5 * w * p.spread, 1, star)
        if draw.chance(0.5):
            pieces.append((torus(w * 0.35, 0.014, 20, 6).moved(y=under * p.ring_height), 2))
            y = under * p.ring_height
            pieces.append((rod((-w * 0.35, y, 0), (w * 0.35, y, 0), 0.01, 6), 2))
        return pieces
    count = 3 if variant == "three legs" else 4
    size = 0.72 if round_seat else 0.95
    top, spread = size / 2, size / 2 * p.spread
    if draw.chance(0.5):
        pieces += legs(draw, w * size, d * size, under, p.leg_thick, 1, count)
        spread = top
    else:
        turn = np.arange(count) * 2 * np.pi / count + (np.pi / 4 if count == 4 else 0)
        for a in turn:
            direction = np.array([np.sin(a) * w, 0, np.cos(a) * d]) * (1.35 if count == 4 and not round_seat else 1)
            foot = direction * spread
            pieces.append((rod(direction * top + [0, under, 0], foot, (p.leg_thick * 0.55, p.leg_thick * 0.4), 8), 1))
    if draw.chance(0.6):
        y = under * p.ring_height
        reach = top * p.ring_height + spread * (1 - p.ring_height)
        if round_seat:
            pieces.append((torus(1, 0.03, 20, 6).scaled(w * reach, 0.4, d * reach).moved(y=y), 2))
        else:
            x, z, thick = w * reach, d * reach, p.leg_thick * 0.4
            for s in (-1, 1):
                pieces.append((rod((-x, y, s * z), (x, y, s * z), thick, 6), 2))
                pieces.append((rod((s * x, y + thick, -z), (s * x, y + thick, z), thick, 6), 2))
    return pieces
