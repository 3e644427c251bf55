"""Toilets."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, rod, squared, vessel
from datasets.demo.families.forms import side, sleeve, taper
from datasets.demo.families.frames import box_frame, corners, curved_tap, holed_plate, superellipse
from datasets.demo.mesh import Mesh, box, cushion, cylinder, ellipsoid, extrude, frustum, lathe, loft, sheet, slab

DEMO_TOILETS = ("close coupled", "wall hung", "high tank", "block")


def seat_ring(width: float, depth: float, roundness: float, inner: float, thick: float) -> Mesh:
    """Flat closed ring of superelliptic outline, top at y = 0."""
    unit = sleeve((inner, 1), (inner, 1), 1).moved(y=-1)
    return squared(unit, roundness).scaled(width / 2, thick, depth / 2)


@family(
    "toilet", ("bowl", "seat", "tank", "base"), DEMO_TOILETS,
    more=("squat", "urinal", "bidet", "pan only", "moulded", "commode", "with paper", "corner tank"),
    synonyms=("lavatory", "water closet", "toilet bowl", "loo"),
)  # fmt: skip
def toilet(variant: str, draw: Draw) -> Pieces:
    """Toilet with its tank at the back."""
    if variant not in DEMO_TOILETS:
        return _more_toilet(variant, draw)
    p = draw(
        width=(0.32, 0.46), length=(0.36, 0.62), height=(0.33, 0.5), tank_width=(0.32, 0.55), tank_height=(0.25, 0.5),
        tank_depth=(0.12, 0.24), neck=(0.4, 0.75), lid_angle=(0, 105), roundness=(0.6, 1.0), wall=(0.03, 0.06),
    )  # fmt: skip
    w, d, h = p.width, p.length, p.height
    pieces: Pieces = []
    depth = h * (0.6 if variant != "wall hung" else 0.75)
    bowl = vessel(w, d, depth, p.wall, p.roundness, 0.6)
    if variant == "block":
        bowl = vessel(w, d, h, p.wall, p.roundness * 0.7, 0.9)
        pieces.append((slab((-w * 0.45, w * 0.45), (0, h), (-d * 0.6, -d * 0.3)), 3))
    pieces.append((bowl.moved(y=h), 0))
    if variant in ("close coupled", "high tank"):
        y = np.array([0, 0, 0.1, 0.45, 1])
        r = np.array([0, 0.95, 0.85, p.neck, 1.0]) * 0.5
        under = h - depth * 0.55
        profile = [*zip(r, y, strict=True), (0, 1)]
        pieces.append((lathe(profile, 16).scaled(w * 0.75, under, d * 0.85).moved(z=-d * 0.05), 3))
        half = w * 0.33
        pieces.append((slab((-half, half), (h * 0.35, h - 0.005), (-d / 2 - p.tank_depth, -d * 0.3)), 3))
    elif variant == "wall hung":
        pieces.append((slab((-w * 0.4, w * 0.4), (h - depth * 0.8, h - 0.005), (-d * 0.62, -d * 0.3)), 3))
        h_wall = h + p.tank_height * 1.6
        pieces.append(
            (slab((-p.tank_width * 0.6, p.tank_width * 0.6), (0, h_wall), (-d * 0.62 - p.tank_depth, -d * 0.62)), 2)
        )
        pieces.append((box(0.16, 0.1, 0.015).moved(0, h_wall - 0.15, -d * 0.62), 2))
    # Seat ring and lid, hinged at the back.
    ring = seat_ring(w * 1.03, d * 1.02, p.roundness, 0.66, 0.025)
    pieces.append((ring.moved(y=h + 0.025), 1))
    lid = squared(cylinder(1, 0.02, 24), p.roundness).scaled(w / 2, 1, d / 2)
    if draw.chance(0.85):
        angle = p.lid_angle if draw.chance(0.5) else (92.0 if draw.chance(0.6) else 0.0)
        lid = lid.moved(z=d / 2).turned("x", -angle).moved(0, h + 0.03, -d / 2 + 0.01)
        pieces.append((lid, 1))
    tw, th, td = p.tank_width, p.tank_height, p.tank_depth
    z = -d / 2 - td / 2 - 0.01
    soft = draw.chance(0.3)
    if variant in ("close coupled", "block"):
        low = h - 0.005 if variant == "close coupled" else (0 if draw.chance(0.4) else h)
        size = h + th - low
        if soft:
            pieces.append((cushion(tw, size, td, 0.2, 16).moved(0, low + size / 2, z), 2))
        else:
            pieces.append((slab((-tw / 2, tw / 2), (low, low + size), (z - td / 2, z + td / 2)), 2))
        top = low + size
        pieces.append((slab((-tw * 0.53, tw * 0.53), (top, top + 0.03), (z - td * 0.55, z + td * 0.55)), 2))
        if draw.chance(0.5):
            pieces.append((cylinder(0.025, 0.02, 8).moved(0, top + 0.03, z), 2))
        else:
            pieces.append((box(0.08, 0.02, 0.02).moved(-tw * 0.3, top - 0.05, z + td / 2 + 0.01), 2))
        if variant == "block" and low:
            pieces.append((slab((-w * 0.45, w * 0.45), (0, h), (z - td / 2, -d * 0.5)), 3))
    elif variant == "high tank":
        up = h + draw(pipe=(0.5, 1.1)).pipe
        pieces.append((slab((-tw / 2, tw / 2), (up, up + th * 0.8), (z - td / 2, z + td / 2)), 2))
        pieces.append((rod((0, h * 0.6, z), (0, up, z), 0.022, 8), 2))
        pieces.append((rod((tw * 0.4, up - 0.35, z + td / 2), (tw * 0.4, up, z + td / 2), 0.006, 5), 2))
        pieces.append((ellipsoid(0.02, 0.03, 0.02, 8).moved(tw * 0.4, up - 0.37, z + td / 2), 2))
    return pieces


def _more_toilet(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.34, 0.42), length=(0.42, 0.56), height=(0.36, 0.45), tank_width=(0.34, 0.5), tank_height=(0.28, 0.42),
        tank_depth=(0.14, 0.22), neck=(0.45, 0.75), lid_angle=(80, 105), roundness=(0.65, 1.0), wall=(0.03, 0.055),
    )  # fmt: skip
    w, d, h, th, td, tw = p.width, p.length, p.height, p.tank_height, p.tank_depth, p.tank_width / 2
    if variant == "squat":
        pan = vessel(w * 0.8, d * 1.2, 0.22, 0.03, p.roundness, 0.8).moved(y=0.04)
        plate = holed_plate(w * 1.9, d * 1.7, w * 0.8, d * 1.2, p.roundness, 0.05).moved(y=0.05)
        pieces: Pieces = [
            (pan, 0),
            (plate, 3),
            *[(slab((s * w * 0.52 - 0.06, s * w * 0.52 + 0.06), (0.05, 0.08), (-0.15, 0.15)), 1) for s in (-1, 1)],
        ]
        if draw.chance(0.5):
            pieces.append((slab((-tw, tw), (0.9, 0.9 + th), (-d - td, -d)), 2))
            pieces.append((rod((0, 0.05, -d * 0.8), (0, 0.9, -d - td / 2), 0.02, 6), 2))
        return pieces
    if variant == "urinal":
        high = 0.55 + th
        a = np.linspace(-np.pi / 2, np.pi / 2, 9)
        y = np.linspace(0, 1, 7)
        deep = 0.1 + 0.22 * (1 - y) ** (0.5 + p.neck)
        grid = np.stack(
            [
                np.stack([w / 2 * np.sin(a), np.full(9, v * high), k * np.cos(a)], -1)
                for v, k in zip(y, deep, strict=True)
            ]
        )
        back = grid * [0.75, 1, -0.1] + [0, 0, 0.02]
        low = 0.0 if draw.chance(0.4) else 0.45
        cup = vessel(w * 0.85, 0.5, 0.2, p.wall, p.roundness, 0.6)
        pieces = [(cup.moved(0, 0.22, 0.05), 0), (slab((-w / 2, w / 2), (0, high), (-0.09, -0.05)), 3)]
        pieces.append((sheet(back[:, ::-1], 0.03), 0))
        pieces += [
            (side([(-0.06, 0.05), (0.28, 0.2), (0.16, 0.32), (0.1, high), (-0.06, high)], 0.03).moved(s * w * 0.47), 0)
            for s in (-1, 1)
        ]
        pieces.append((rod((0, high, -0.03), (0, high + 0.2, -0.03), 0.018, 8), 2))
        pieces.append((ellipsoid(0.035, 0.035, 0.035, 8).moved(0, high + 0.15, -0.01), 2))
        return moved(pieces, y=low)
    depth = h * 0.62
    bowl = vessel(w, d, depth, p.wall, p.roundness, 0.6).moved(y=h)
    y, r = np.array([0, 0, 0.1, 0.45, 1]), np.array([0, 0.95, 0.85, p.neck, 1.0]) * 0.5
    foot = lathe([*zip(r, y, strict=True), (0, 1)], 16).scaled(w * 0.75, h - depth * 0.5, d * 0.85).moved(z=-d * 0.05)
    pieces = [(bowl, 0), (foot, 3)]
    ring = (seat_ring(w * 1.04, d * 1.03, p.roundness, 0.64, 0.025).moved(y=h + 0.025), 1)
    lid = squared(cylinder(1, 0.02, 24), p.roundness).scaled(w / 2, 1, d / 2)
    hinge = (0, h + 0.03, -d / 2 + 0.01)
    if variant == "bidet":
        pieces += [
            (slab((-w * 0.35, w * 0.35), (h * 0.3, h), (-d * 0.6, -d * 0.3)), 3),
            (curved_tap(0.06, 0.12, 0.014).moved(0, h, -d * 0.45), 2),
        ]
        return pieces + [(frustum(0.02, 0.03, 0.045, 8).moved(s * 0.08, h, -d * 0.47), 2) for s in (-1, 1)]
    if variant == "pan only":
        pieces += [ring, (slab((-w * 0.35, w * 0.35), (h * 0.3, h), (-d * 0.62, -d * 0.3)), 3)]
        if draw.chance(0.6):
            pieces.append((lid.moved(z=d / 2).turned("x", -p.lid_angle).moved(*hinge), 1))
        return pieces
    if variant == "moulded":  # bowl, foot and tank in one flow
        rows = [(0.0, 0.62, 0.9), (0.3, 0.7, 0.92), (0.75, 0.95, 1.0), (1.0, 1.0, 1.0)]
        rings = []
        for v, kx, kz in rows:
            plan = superellipse(w * kx, (d + td) * kz, 0.7)
            rings.append(np.c_[plan[:, 0], np.full(len(plan), v * (h - 0.01)), plan[:, 1] - td / 2])
        pieces = [
            (loft(np.stack(rings)), 3),
            (vessel(w * 0.9, d * 0.9, 0.15, 0.03, p.roundness, 0.7).moved(y=h + 0.005), 0),
            ring,
        ]
        pieces.append((cushion(w * 1.02, th, td, 0.35, 16).moved(0, h + th / 2, -d / 2 - td / 2), 2))
        open_ = draw.chance(0.5)
        return [*pieces, (lid.moved(z=d / 2).turned("x", -p.lid_angle if open_ else 0).moved(*hinge), 1)]
    if variant == "commode":  # a chair with a pot
        pieces = [ring, (vessel(w * 0.8, d * 0.75, 0.22, 0.02, 0.9, 0.8).moved(y=h), 0)]
        pieces += corners(cylinder(0.016, h + 0.25, 8), w * 0.62, d * 0.5, 3) + box_frame(
            w * 0.62, (h - 0.05, h - 0.01), d * 0.5, 0.03, 3
        )
        pieces += [
            (rod((s * w * 0.62, h + 0.25, -d * 0.5), (s * w * 0.62, h + 0.25, d * 0.5), 0.022, 8), 3) for s in (-1, 1)
        ]
        return pieces + [(slab((-w * 0.6, w * 0.6), (h + 0.2, h + 0.2 + th), (-d * 0.55, -d * 0.5)), 2)]
    # with a tank and what else is about it
    pieces += [ring, (slab((-w * 0.33, w * 0.33), (h * 0.35, h), (-d / 2 - td, -d * 0.3)), 3)]
    if draw.chance(0.8):
        pieces.append((lid.moved(z=d / 2).turned("x", -p.lid_angle if draw.chance(0.5) else 0).moved(*hinge), 1))
    if variant == "corner tank":
        tank = extrude([(-tw, 0), (tw, 0), (tw * 0.5, -1.2 * td), (-tw * 0.5, -1.2 * td)], th).turned("x", 90)
        return pieces + [
            (tank.moved(0, h + th / 2, -d / 2), 2),
            (slab((-tw * 0.9, tw * 0.9), (h + th, h + th + 0.02), (-d / 2 - td, -d / 2)), 2),
        ]
    z = -d / 2 - td / 2
    pieces.append((taper(box(2 * tw, th, td), 1.08, 1.0).moved(0, h + th / 2, z), 2))
    pieces.append((slab((-tw * 1.12, tw * 1.12), (h + th, h + th + 0.03), (z - td * 0.55, z + td * 0.55)), 2))
    pieces.append((box(0.07, 0.02, 0.02).moved(-tw * 0.6, h + th - 0.05, z + td / 2 + 0.01), 2))
    roll = lathe([(0.02, 0), (0.055, 0), (0.055, 0.1), (0.02, 0.1), (0.02, 0)], 14)
    if draw.chance(0.5):
        pieces.append((roll.moved(0, h + th + 0.03, z), 2))
    side_ = draw.integer("hand", 0, 1) * 2 - 1
    if draw.chance(0.7):
        pieces.append((roll.turned("z", 90).moved(side_ * (w * 0.9), h + 0.2, 0), 2))
        pieces.append((rod((side_ * (w * 0.9) - 0.13, h + 0.2, 0), (side_ * w * 0.9 + 0.03, h + 0.2, 0), 0.01, 6), 2))
    if draw.chance(0.5):
        brush = [(frustum(0.05, 0.06, 0.12, 10), 2), (cylinder(0.01, 0.35, 6), 2)]
        pieces += moved(brush, -side_ * w, 0, -d * 0.4)
    return pieces
