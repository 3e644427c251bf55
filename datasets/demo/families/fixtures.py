"""What a bathroom has: bathtub, sink, toilet."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, rod, squared, vessel
from datasets.demo.families.forms import sleeve
from datasets.demo.families.frames import bead, box_frame, ends, front_of, holed_plate
from datasets.demo.mesh import Mesh, box, cushion, cylinder, ellipsoid, frustum, lathe, slab, tube


@family("bathtub", ("tub", "base", "taps", "panel"), ("freestanding", "built in", "clawfoot", "oval block", "corner"))
def bathtub(variant: str, draw: Draw) -> Pieces:
    """Tub to bathe in, long along x."""
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


@family("sink", ("basin", "tap", "stand", "counter"), ("pedestal", "counter", "wall", "double", "bowl on cabinet"))
def sink(variant: str, draw: Draw) -> Pieces:
    """Wash basin or kitchen sink with a tap at the back."""
    p = draw(
        width=(0.35, 0.8), depth=(0.3, 0.6), bowl=(0.12, 0.28), wall=(0.015, 0.05), roundness=(0.25, 1.0),
        taper=(0.45, 0.9), height=(0.6, 1.0), tap_height=(0.1, 0.4), tap_reach=(0.1, 0.25), post=(0.06, 0.15),
    )  # fmt: skip
    w, d, b = p.width, p.depth, p.bowl
    pieces: Pieces = []
    h = p.height
    tap_z = -d / 2 + 0.02
    taps = [0.0]
    if variant in ("pedestal", "wall"):
        pieces.append((vessel(w, d, b, p.wall, p.roundness, p.taper).moved(y=h), 0))
        pieces.append((slab((-w * 0.4, w * 0.4), (h - b * 0.7, h + 0.02), (-d / 2 - 0.06, -d / 2 + 0.05)), 0))
        if variant == "pedestal":
            y = [0, 0, 0.06, 0.25, 0.8, 1]
            r = np.array([0, 1.5, 1.4, 0.9, 0.85, 1.5]) * p.post
            profile = [*zip(r, np.array(y) * (h - b * 0.9), strict=True), (0, h - b * 0.9)]
            square = draw.chance(0.3)
            pieces.append((lathe(profile, 4 if square else 16).turned("y", 45 if square else 0), 2))
        else:
            if draw.chance(0.5):
                pieces.append(
                    (vessel(p.post * 2, p.post * 2, b * 1.3, 0.02, 0.8, 0.5).moved(y=h - b * 0.8, z=-d * 0.15), 2)
                )
            else:
                trap = [
                    (0, h - b, 0),
                    (0, h - b - 0.15, 0),
                    (0, h - b - 0.2, -d * 0.2),
                    (0, h - b - 0.12, -d / 2 - 0.05),
                ]
                pieces.append((tube(trap, 0.025, 8), 2))
            if draw.chance(0.5):
                pieces.append(
                    (slab((-w * 0.55, w * 0.55), (h, h + 0.2 + p.tap_height), (-d / 2 - 0.08, -d / 2 - 0.05)), 3)
                )
        tap_z = -d / 2 + 0.0
    elif variant in ("counter", "double"):
        count = 2 if variant == "double" else 1
        margin = draw(margin=(0.05, 0.5), back_margin=(0.06, 0.14))
        pitch = w + 0.05
        total, deep = pitch * count + margin.margin, d + 0.05 + margin.back_margin
        shift = draw.rng.uniform(-0.4, 0.4) * margin.margin
        xs = [(k - (count - 1) / 2) * pitch + shift for k in range(count)]
        z0, z1 = -deep / 2, deep / 2
        middle = z1 - 0.03 - d / 2
        slim = draw.chance(0.35)
        h = b + 0.02 if slim else h
        for x in xs:
            pieces.append((vessel(w, d, b, 0.012, p.roundness * 0.6 + 0.1, max(p.taper, 0.7)).moved(x, h, middle), 0))
            hole = holed_plate(pitch, d + 0.06, w, d, p.roundness * 0.6 + 0.1, 0.03)
            pieces.append((hole.moved(x, h, middle), 3))
        left, right = xs[0] - pitch / 2, xs[-1] + pitch / 2
        for a, c in ((-total / 2, left), (right, total / 2)):
            if c - a > 0.01:
                pieces.append((slab((a, c), (h - 0.03, h), (z0, z1)), 3))
        pieces.append((slab((left, right), (h - 0.03, h), (z0, z1 - d - 0.06)), 3))
        if not slim:
            if draw.chance(0.75):
                pieces += ends(total / 2, (0, h - 0.03), (z0, z1 - 0.02), 0.02, 2)
                doors = draw.integer("doors", 1, 3)
                edge = np.linspace(-total / 2, total / 2, doors + 1)
                for k in range(doors):
                    pieces += front_of(draw, (edge[k], edge[k + 1]), (0.05, h - 0.04), z1 - 0.03, 2, 2, 0, "left")
                pieces.append((slab((-total / 2, total / 2), (0.03, 0.05), (z0, z1 - 0.03)), 2))
                pieces.append((slab((-total / 2, total / 2), (0.03, h - 0.03), (z0, z0 + 0.015)), 2))
            else:
                pieces += legs(draw, total * 0.97, deep * 0.95, h - 0.03, 0.05, 2)
        tap_z = z1 - d - 0.06 - margin.back_margin * 0.3
        taps = [shift]
    else:
        body = draw(cabinet_height=(0.25, 0.8), cabinet_width=(1.05, 2.0))
        cw, cd, top = w * body.cabinet_width, d * 1.25, body.cabinet_height
        pieces.append((slab((-cw / 2, cw / 2), (top, top + 0.03), (-cd / 2, cd / 2)), 3))
        pieces.append((slab((-cw * 0.48, cw * 0.48), (0.04, top), (-cd * 0.48, cd * 0.44)), 2))
        for s in (-1, 1):
            span = (0, cw * 0.48) if s > 0 else (-cw * 0.48, 0)
            pieces += front_of(draw, span, (0.05, top), cd * 0.44, 2, 2, 1, "right" if s > 0 else "left")
        h = top + 0.03 + b
        pieces.append((vessel(w, d, b, p.wall, max(p.roundness, 0.4), p.taper).moved(y=h), 0))
        tap_z = -cd / 2 + 0.04
        pieces.append((cylinder(0.02, b, 8).moved(0, top + 0.03, tap_z), 1))
    r = 0.014 + 0.1 * p.wall
    for x in taps:
        style = draw.integer("tap", 0, 1)
        top = h + p.tap_height
        if style == 0:
            a = np.linspace(0, np.pi * 0.9, 6)
            bend = np.stack([np.zeros(6), np.sin(a) * p.tap_reach / 2, (1 - np.cos(a)) * p.tap_reach / 2], -1)
            path = np.concatenate([[(0, -0.02, 0)], bend + [0, p.tap_height, 0]])
        else:
            path = np.array([(0, -0.02, 0), (0, p.tap_height * 0.7, 0), (0, p.tap_height * 0.75, 0.03),
                             (0, p.tap_height * 0.7, p.tap_reach)])  # fmt: skip
        pieces.append((tube(path + [x, h, tap_z], r, 8), 1))
        if draw.chance(0.6):
            for s in (-1, 1):
                pieces.append((cylinder(0.012, 0.05, 8).moved(x + s * 0.08, h, tap_z), 1))
                pieces.append((box(0.06, 0.015, 0.015).moved(x + s * 0.08, h + 0.055, tap_z), 1))
        else:
            lever = beam((0, top - p.tap_height * 0.4, 0), (0.08, top - p.tap_height * 0.3, 0), 0.02, 0.02)
            pieces.append((lever.moved(x, 0, tap_z), 1))
    return pieces


def seat_ring(width: float, depth: float, roundness: float, inner: float, thick: float) -> Mesh:
    """Flat closed ring of superelliptic outline, top at y = 0."""
    unit = sleeve((inner, 1), (inner, 1), 1).moved(y=-1)
    return squared(unit, roundness).scaled(width / 2, thick, depth / 2)


@family("toilet", ("bowl", "seat", "tank", "base"), ("close coupled", "wall hung", "high tank", "block"))
def toilet(variant: str, draw: Draw) -> Pieces:
    """Toilet with its tank at the back."""
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
