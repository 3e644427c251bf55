"""Bathtubs."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, vessel
from datasets.demo.families.forms import around, both, copies, hollow, sleeve
from datasets.demo.families.frames import bead, box_frame, corners, curved_tap, ends, holed_plate
from datasets.demo.mesh import Mesh, cylinder, ellipsoid, frustum, sheet, slab, torus, tube

DEMO_BATHTUBS = ("freestanding", "built in", "clawfoot", "oval block", "corner")


@family(
    "bathtub", ("tub", "base", "taps", "panel"), DEMO_BATHTUBS,
    more=("slipper", "whirlpool", "with shower", "quarter", "wooden", "stepped", "tin", "bare", "lipped"),
    synonyms=("bath", "tub", "bath tub"),
)  # fmt: skip
def bathtub(variant: str, draw: Draw) -> Pieces:
    """Tub to bathe in, long along x."""
    if variant not in DEMO_BATHTUBS:
        return _more_bathtub(variant, draw)
    p = draw(
        length=(1.1, 1.9), width=(0.55, 1.1), height=(0.38, 0.75), wall=(0.03, 0.08), taper=(0.6, 0.9),
        roundness=(0.3, 1.0), foot=(0.06, 0.18), rim=(0.02, 0.06), lift=(0.0, 0.25),
    )  # fmt: skip
    w, d, h = p.length, p.width, p.height
    pieces: Pieces = []
    if variant in ("built in", "corner"):
        # A block hollowed from above: skirt panels around a basin, with a flat rim between.
        k = p.wall * 1.3
        inner = vessel(w - 2 * k, d - 2 * k, h * 0.85, 0.02, p.roundness * 0.6 + 0.1, p.taper).moved(y=h)
        pieces.append((inner, 0))
        x, z = w / 2, d / 2
        pieces += box_frame(x, (0, h - 0.03), z, 0.03, 3)
        pieces.append((holed_plate(w, d, w - 2 * k, d - 2 * k, p.roundness * 0.6 + 0.1, 0.03).moved(y=h), 0))
        if variant == "corner":
            high = h + 0.25 + p.lift
            pieces.append((slab((-x - 0.05, x), (0, high), (-z - 0.05, -z)), 3))
            pieces.append((slab((-x - 0.05, -x), (0, high), (-z, z)), 3))
        elif draw.chance(0.4):
            pieces.append((slab((-x, x), (0, 0.1), (z, z + 0.15)), 1))
    else:
        round_ = p.roundness if variant == "freestanding" else max(p.roundness, 0.65)
        low = 0.0
        if variant == "clawfoot":
            low = p.foot
            for sx in (-1, 1):
                for sz in (-1, 1):
                    at = (sx * w * 0.28 * p.taper, 0, sz * d * 0.28 * p.taper)
                    pieces.append((frustum(0.03, 0.055, low + h * 0.12, 8).moved(*at), 1))
                    pieces.append((ellipsoid(0.05, 0.03, 0.05, 8).moved(at[0] * 1.1, 0.03, at[2] * 1.1), 1))
        elif variant == "freestanding":
            low = p.foot * 0.5
            pieces.append((cylinder(0.5, low, 24).scaled(w * p.taper * 0.8, 1, d * p.taper * 0.8), 1))
        else:
            low = 0.03
            pieces.append((slab((-w * 0.55, w * 0.55), (0, low), (-d * 0.6, d * 0.6)), 1))
        taper = p.taper if variant != "oval block" else 0.93
        tub = vessel(w, d, h, p.wall, round_, taper)
        if p.lift > 0.08 and variant != "oval block":  # a raised end or two
            vertices = tub.vertices.copy()
            along = np.abs(vertices[:, 0]) if draw.chance(0.5) else np.maximum(vertices[:, 0], 0)
            vertices[:, 1] += p.lift * h * (2 * along / w) ** 2 * (1 + vertices[:, 1] / h)
            tub = Mesh(vertices, tub.faces, tub.part)
        else:
            pieces.append((bead(w, d, round_, p.rim * 0.6).moved(y=low + h), 0))
        pieces.append((tub.moved(y=low + h), 0))
        h += low
    if draw.chance(0.8):
        r = 0.018
        side = -w / 2 + p.wall
        tap = [(side, h - 0.05, 0), (side, h + 0.16, 0), (side + 0.1, h + 0.2, 0), (side + 0.16, h + 0.12, 0)]
        if draw.chance(0.5):
            z = -d / 2 + p.wall
            tap = [(0, h - 0.05, z), (0, h + 0.14, z), (0, h + 0.18, z + 0.08), (0, h + 0.1, z + 0.13)]
        pieces.append((tube(tap, r, 8), 2))
        for s in (-1, 1):
            if tap[0][0]:
                pieces.append((cylinder(0.028, 0.07, 8).moved(side, h, s * 0.1), 2))
            else:
                pieces.append((cylinder(0.028, 0.07, 8).moved(s * 0.1, h, tap[0][2]), 2))
    return pieces


def _more_bathtub(variant: str, draw: Draw) -> Pieces:
    p = draw(
        length=(1.3, 1.8), width=(0.65, 0.95), height=(0.42, 0.65), wall=(0.03, 0.07), taper=(0.65, 0.9),
        roundness=(0.35, 1.0), rise=(0.15, 0.5), tap=(0.1, 0.3),
    )  # fmt: skip
    w, d, h = p.length, p.width, p.height
    x, z = w / 2, d / 2
    low = 0.0
    pieces: Pieces = []
    if variant == "slipper":  # one end rises to lean on
        low = 0.04 if draw.chance(0.5) else 0.12
        tub = vessel(w, d, h, p.wall, max(p.roundness, 0.7), p.taper)
        v = tub.vertices.copy()
        both_ends = draw.chance(0.4)
        t = (np.abs(v[:, 0]) if both_ends else (v[:, 0] + x) / 2) / x
        v[:, 1] += p.rise * h * 1.3 * t**2 * (1 + v[:, 1] / h)
        pieces = [(Mesh(v, tub.faces, tub.part).moved(y=low + h), 0)]
        if low > 0.1:
            pieces += corners(frustum(0.025, 0.06, low + 0.12 * h, 8), x * 0.5, z * 0.45, 1)
        else:
            pieces.append((cylinder(0.5, low + 0.02, 24).scaled(w * p.taper * 0.85, 1, d * p.taper * 0.85), 1))
    elif variant in ("whirlpool", "wooden"):  # round
        r = 0.55 * w
        n = 28 if variant == "whirlpool" or draw.chance(0.5) else draw.integer("corners", 6, 9)
        high = h * (1 + 0.5 * p.rise)
        pieces = [(hollow([(r * (0.9 + 0.1 * p.taper), 0), (r, high)], p.wall * 1.5, n), 0)]
        pieces.append((sleeve((r - 0.12, r + 0.04), (r - 0.12, r + 0.04), 0.04, n).moved(y=high - 0.02), 0))
        if variant == "wooden":
            pieces += [(torus(r * 1.005, 0.018, n, 5).moved(y=v * high), 3) for v in (0.2, 0.75)]
            seat = sleeve((r * 0.55, r * 0.9), (r * 0.55, r * 0.9), 0.04, n).moved(y=high * 0.45)
            pieces.append((seat, 1))
        else:
            jets = around(np.arange(8) * 45.0, r * 0.9, high * 0.5)
            pieces.append((copies(ellipsoid(0.04, 0.04, 0.03, 8), jets), 2))
        for k in range(draw.integer("steps", 0, 2)):
            pieces.append((slab((-0.4, 0.4), (0, high * (0.3 + 0.3 * k)), (r, r + 0.6 - 0.3 * k)), 1))
        return pieces
    elif variant == "quarter":  # in a corner, its front rounded
        a = np.linspace(0, np.pi / 2, 14)
        size = 0.8 * w
        plan = np.concatenate([[(0, 0)], np.stack([np.cos(a), np.sin(a)], -1) * size])
        front = np.stack([np.stack([plan[1:, 0], np.full(14, v), plan[1:, 1]], -1) for v in (0.0, h)])
        basin = vessel(size * 0.75, size * 0.75, h * 0.8, 0.02, max(p.roundness, 0.6), p.taper)
        pieces = [(sheet(front, 0.03), 3), (basin.moved(size * 0.43, h, size * 0.43), 0)]
        edge = np.c_[plan[1:, 0], np.full(14, h), plan[1:, 1]]
        pieces.append((sheet(np.stack([edge, edge * [0.86, 1, 0.86]]), 0.03), 0))
        pieces += [(slab((0, size), (0, h + p.rise), (-0.03, 0)), 3), (slab((-0.03, 0), (0, h + p.rise), (0, size)), 3)]
        pieces.append((curved_tap(p.tap, 0.15, 0.018).turned("y", 45).moved(0.1, h, 0.1), 2))
        return pieces
    elif variant == "tin":
        n = draw.integer("sides", 12, 28)
        low = p.taper - 0.05
        tub = hollow([(low, 0), (low + 0.05, 0.1), (1, 1)], p.wall, n).scaled(x, h * 0.8, z)
        pieces = [(tub, 0), (torus(1, 0.5 * p.wall, n, 6).scaled(x, h, z).moved(y=h * 0.8), 3)]
        grip = torus(0.06, 0.014, 14, 6).turned("x", 90).moved(x * 0.97, h * 0.62)
        return [*pieces, (both(grip), 2)]
    elif variant == "bare":  # the moulded shell alone
        shape = vessel(w, d, h * 0.9, 0.02, p.roundness, p.taper)
        pieces = [(shape.moved(y=h), 0), (holed_plate(w + 0.14, d + 0.14, w, d, p.roundness, 0.03).moved(y=h), 3)]
        drain = [(x * 0.6 * p.taper, h, 0), (x * 0.6 * p.taper, h + 0.02, 0)]
        return [*pieces, (tube(drain, 0.03, 10), 2)]
    else:  # built in, with or without what stands about it
        k = p.wall + 0.03
        basin = vessel(w - 2 * k, d - 2 * k, h * 0.85, 0.02, p.roundness * 0.6 + 0.1, p.taper).moved(y=h)
        rim = holed_plate(w, d, w - 2 * k, d - 2 * k, p.roundness * 0.6 + 0.1, 0.03).moved(y=h)
        pieces = [(basin, 0), (rim, 0), *box_frame(x, (0, h - 0.03), z, 0.03, 3)]
        if variant == "with shower":
            top = 1.7 + p.rise
            pieces.append((slab((-x - 0.03, -x), (0, top), (-z, z)), 3))
            pieces.append((slab((-x, x), (h, top), (-z - 0.03, -z)), 3))
            if draw.chance(0.6):
                pieces.append((slab((-x, x * draw.rng.uniform(-0.2, 0.9)), (h, top - 0.1), (z - 0.02, z)), 3))
            pole = tube([(-x + 0.05, h + 0.1, 0), (-x + 0.05, top - 0.1, 0), (-x + 0.35, top - 0.05, 0)], 0.014, 6)
            pieces += [(pole, 2), (frustum(0.09, 0.03, 0.05, 12).moved(-x + 0.35, top - 0.1, 0), 2)]
        elif variant == "stepped":
            pieces += box_frame(x + 0.25, (0, h - 0.02), z + 0.25, 0.03, 1)
            pieces.append((holed_plate(w + 0.5, d + 0.5, w, d, 0.1, 0.03).moved(y=h - 0.01), 1))
            for s in range(draw.integer("steps", 1, 3)):
                pieces.append((slab((-x, x), (0, h * (0.6 - 0.2 * s)), (z + 0.25 + 0.25 * s, z + 0.5 + 0.25 * s)), 1))
        else:
            pieces += ends(x + 0.02, (h, h + 0.08 + 0.2 * p.rise), (-z, z), 0.03, 3)[: draw.integer("lips", 1, 2)]
            pieces.append((slab((-x, x), (h, h + 0.08 + 0.2 * p.rise), (-z - 0.03, -z)), 3))
    spout = curved_tap(p.tap, 0.16, 0.018).turned("y", 90).moved(-x + 0.06, low + h - 0.03)
    pieces.append((spout, 2))
    pieces += [(cylinder(0.025, 0.06, 8).moved(-x + 0.06, low + h - 0.02, s * 0.1), 2) for s in (-1, 1)]
    return pieces
