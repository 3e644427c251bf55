"""Stools."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, legs, padded, pedestal, rod
from datasets.demo.families.forms import around, copies, smooth
from datasets.demo.families.frames import box_frame, ends, stand
from datasets.demo.mesh import box, cushion, cylinder, ellipsoid, lathe, sheet, slab, torus, tube

DEMO_STOOLS = ("four legs", "three legs", "pedestal", "drum", "box")


@family(
    "stool", ("seat", "legs", "rings"), DEMO_STOOLS,
    more=("bar", "swivel", "pouf", "saddle", "step", "folding", "hourglass", "piano", "stack"),
    synonyms=("bar stool", "footstool", "ottoman", "pouf", "barstool"),
)  # fmt: skip
def stool(variant: str, draw: Draw) -> Pieces:
    """Seat for one without a back."""
    if variant not in DEMO_STOOLS:
        return _more_stool(variant, draw)
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


def _more_stool(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.3, 0.46), aspect=(0.8, 1.25), height=(0.38, 0.52), seat_thick=(0.03, 0.1), leg_thick=(0.025, 0.05),
        ring=(0.25, 0.5), spread=(0.9, 1.3),
    )  # fmt: skip
    w, d, h, t, thick = p.width, p.width * p.aspect, p.height, p.seat_thick, p.leg_thick
    if variant == "pouf":
        soft = draw.rng.uniform(0.35, 0.9)
        size = 1.2 + 0.4 * p.ring
        body = cushion(w * size, h * 0.85, d * size, soft, 22).moved(y=h * 0.45)
        out: Pieces = [(body, 0), (torus(0.5, 0.02, 24, 6).scaled(w * size, 0.6, d * size * 0.98).moved(y=h * 0.45), 2)]
        return out + feet(draw, w * 0.9, d * 0.9, h * 0.12, 0.04, 1)
    if variant == "hourglass":
        curve = smooth([(0.5, 0), (0.5 * p.ring + 0.1, 0.5), (0.5, 1)], 5)
        body = lathe([(0, 0), *curve, (0, 1)], draw.integer("sides", 6, 22)).scaled(w, h - t, d)
        return [
            (body, 1),
            (cylinder(0.5, t, 22).scaled(w * 1.02, 1, d * 1.02).moved(y=h - t), 0),
            (torus(0.5, 0.03, 22, 6).scaled(w, 0.5, d).moved(y=0.02), 2),
        ]
    if variant == "step":
        n, out = draw.integer("steps", 2, 3), []
        run = 0.2 + 0.1 * p.ring
        for k in range(n):
            y, z = h * (k + 1) / n, -k * run
            out.append((slab((-w / 2, w / 2), (y - 0.03, y), (z - run, z + 0.02)), 0))
        outline = [
            (0.02, 0),
            (-n * run, 0),
            (-n * run, h - 0.03),
            (-(n - 1) * run, h - 0.03),
            *[(-k * run, h * (k + 1) / n - 0.03) for k in range(n - 2, -1, -1)],
            (0.02, h / n - 0.03),
        ]
        if draw.chance(0.5):
            out += [
                (
                    slab(
                        (s * w / 2 - 0.012, s * w / 2 + 0.012), (0, h * (k + 1) / n - 0.03), (-(k + 1) * run, -k * run)
                    ),
                    1,
                )
                for s in (-1, 1)
                for k in range(n)
            ]
        else:
            out += [
                (rod((s * w / 2, 0, z), (s * w / 2, h, -(n - 0.5) * run), thick * 0.4, 6), 1)
                for s in (-1, 1)
                for z in (outline[0][0] + 0.1, -n * run - 0.05)
            ]
        return out
    if variant == "stack":
        n = draw.integer("stools", 2, 4)
        one = [(cylinder(0.5, t, 18).scaled(w, 1, d).moved(y=h - t), 0)]
        one += [
            (rod((a[0] * 0.8, h - t, a[2] * 0.8), (a[0], 0, a[2]), thick * 0.4, 6), 1)
            for a in around(np.arange(4) * 90.0 + 45, 0.55 * w * p.spread, 0.0)
        ]
        one.append((torus(0.5 * w * p.spread, 0.012, 18, 5).moved(y=h * p.ring), 2))
        return [(mesh.turned("y", 20 * k).moved(y=k * (t + 0.04)), part) for k in range(n) for mesh, part in one]
    tall = h * (1.45 if variant in ("bar", "saddle") and draw.chance(0.8) else 1.2 if variant == "swivel" else 1)
    under = tall - t
    if variant == "saddle":
        u = np.linspace(-1, 1, 9)
        grid = np.stack(
            np.broadcast_arrays(
                u[:, None] * w * 0.6, tall - t / 2 + 0.07 * (u[:, None] ** 2 - 1), u[None, ::2] * d * 0.35
            ),
            -1,
        )
        out = [(sheet(grid, t * 0.6), 0)]
    elif draw.chance(0.6):
        out = [(cylinder(0.5, t, 22).scaled(w, 1, d).moved(y=under), 0)]
        if draw.chance(0.5):
            out.append((cushion(w * 1.02, t + 0.03, d * 1.02, 0.7, 16).moved(y=tall), 0))
    else:
        out = [(padded(w, t * 1.2, d, True).moved(y=tall - t / 2), 0)]
    y = under * p.ring
    if variant == "folding":
        for s in (-1, 1):
            out += [
                (rod((s * w * 0.48, 0, k * d * 0.6), (s * w * 0.48, under, -k * d * 0.5), thick * 0.4, 6), 1)
                for k in (-1, 1)
            ]
        return out + [
            (rod((-w / 2, 0.03, k * d * 0.58), (w / 2, 0.03, k * d * 0.58), thick * 0.3, 6), 2) for k in (-1, 1)
        ]
    if variant in ("swivel", "piano"):
        if variant == "piano":  # three or four turned legs about a screw
            n = draw.integer("legs", 3, 4)
            out.append(
                (
                    lathe(
                        [(0, 0.35 * under), (0.05, 0.4 * under), (0.035, 0.7 * under), (0.06, under), (0, under)], 12
                    ),
                    1,
                )
            )
            feet_ = around(np.arange(n) * 360.0 / n, 0.45 * w * p.spread + 0.1, 0.0)
            return (
                out
                + [
                    (tube(smooth([(0, 0.45 * under, 0), a * 0.6 + [0, 0.4 * under, 0], a], 3), thick * 0.5, 7), 1)
                    for a in feet_
                ]
                + [(torus(0.06, 0.012, 12, 5).moved(y=0.42 * under), 2)]
            )
        out += pedestal(under, thick * 0.6, 0.6 * w * p.spread, 1, 5 if draw.chance(0.8) else 0)
        out.append((copies(ellipsoid(0.03, 0.03, 0.02, 8), around(np.arange(5) * 72.0, 0.6 * w * p.spread, 0.0)), 1))
        return out + (
            [(torus(0.4 * w, 0.012, 20, 6).moved(y=y), 2), (box(0.8 * w, 0.012, 0.015).moved(y=y), 2)]
            if draw.chance(0.6)
            else []
        )
    out += stand(draw, w, d, under, thick, 1) if draw.chance(0.4) else legs(draw, w * 0.9, d * 0.9, under, thick, 1)
    return out + box_frame(w * 0.45 - thick / 2, (y, y + 0.02), d * 0.45 - thick / 2, 0.02, 2)
