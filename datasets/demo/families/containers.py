"""Boxes, bags and bins."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import bail, both, hollow, smooth, taper
from datasets.demo.families.frames import box_frame, ends, rails
from datasets.demo.mesh import box, combine, cushion, cylinder, extrude, lathe, slab, torus, tube


@family("box", ("body", "lid"), ("closed", "open", "flaps", "chest", "crate"))
def carton(variant: str, draw: Draw) -> Pieces:
    """Box with or without a lid: carton, chest, crate."""
    p = draw(
        width=(0.25, 1.0), height=(0.15, 0.9), depth=(0.2, 0.8), wall=(0.01, 0.04), lid=(0.1, 0.45), opening=(10, 160),
        flap=(0.3, 0.55), band=(0.02, 0.08),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.wall
    x, z = w / 2, d / 2

    def tub() -> Pieces:
        walls = ends(x - t / 2, (t, h), (-z, z), t, 0) + rails((-x + t, x - t), (t, h), z - t / 2, t, 0)
        return [(slab((-x, x), (0, t), (-z, z)), 0), *walls]

    if variant == "closed":
        lip = h * p.lid * 0.6
        edge = t * 0.6
        pieces: Pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        pieces.append((slab((-x - edge, x + edge), (h - lip, h + t), (-z - edge, z + edge)), 1))
        if draw.chance(0.3):
            b = p.band * w
            pieces.append((slab((-b, b), (-0.003, h + t * 1.3), (-z - edge * 1.6, z + edge * 1.6)), 1))
            pieces.append((slab((-x - edge * 1.6, x + edge * 1.6), (-0.003, h + t * 1.3), (-b, b)), 1))
        return pieces
    if variant == "open":
        lid = slab((-x, x), (-t / 2, t / 2), (0, d)).turned("x", -p.opening)
        pieces = [*tub(), (lid.moved(y=h + t / 2, z=-z), 1)]
        if draw.chance(0.3):  # the lid leans against the side instead
            pieces[-1] = (box(w, t, d).turned("z", 75).moved(x + 0.2 * w, w * 0.48, 0), 1)
        return pieces
    if variant == "flaps":
        pieces = tub()
        long, short = p.flap * d, p.flap * w
        angle = p.opening * 0.9
        flap = slab((-x, x), (0, t * 0.5), (0, long))
        side = slab((0, short), (0, t * 0.5), (-z, z))
        tilt = draw.rng.uniform(-30, 30, 4)
        pieces.append((flap.turned("x", -angle - tilt[0]).moved(0, h, -z), 1))
        pieces.append((flap.turned("x", -angle - tilt[1]).scaled(1, 1, -1).moved(0, h, z), 1))
        pieces.append((side.turned("z", angle + tilt[2]).moved(-x, h, 0), 1))
        pieces.append((side.turned("z", angle + tilt[3]).scaled(-1, 1, 1).moved(x, h, 0), 1))
        return pieces
    if variant == "chest":
        rise = p.lid * d
        u = np.linspace(0, np.pi, 11)
        outline = np.stack([np.cos(u) * z, np.sin(u) * rise], -1)
        lid = extrude(outline, w).turned("y", 90)
        if draw.chance(0.4):
            lid = lid.moved(z=z).turned("x", -p.opening * 0.5).moved(z=-z)
            pieces = tub()
        else:
            pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        pieces.append((lid.moved(y=h), 1))
        pieces.append((box(w * 0.12, h * 0.2, t * 1.5).moved(0, h * 0.92, z + t * 0.7), 1))
        pieces += ends(w * 0.35, (0, h), (-z - t * 0.5, z + t * 0.5), p.band, 0)
        return pieces
    rows = draw.integer("crate boards", 2, 4)
    pitch = h / rows
    size = pitch * (1 - p.flap * 0.5)
    pieces = [(slab((-x, x), (0, t), (-z, z)), 0)]
    for k in range(rows):
        y = (k * pitch, k * pitch + size)
        pieces += box_frame(x, y, z, t, 0)
    post = p.band * 0.8
    corner = slab((-post, 0), (0, h), (-post, 0))
    pieces += [(corner.scaled(sx, 1, sz).moved(sx * x, 0, sz * z), 0) for sx in (-1, 1) for sz in (-1, 1)]
    if draw.chance(0.5):
        pieces.append((slab((-x - t, x + t), (h, h + t), (-z - t, z + t)), 1))
    else:
        count = 3
        for k in range(count):
            zc = -z + (k + 0.5) * d / count
            board = slab((-x - t, x + t), (h, h + t), (zc - d / count * 0.35, zc + d / count * 0.35))
            pieces.append((board, 1))
    return pieces


@family("bag", parts=("body", "handle", "pocket"), variants=("handbag", "backpack", "shopping", "sack"))
def bag(variant: str, draw: Draw) -> Pieces:
    """Handbag, backpack, paper shopping bag or tied sack."""
    d = draw(
        width=(0.55, 1.1), height=(0.5, 1.1), depth=(0.2, 0.5), top=(0.55, 0.95), round=(0.25, 0.5),
        handle=(0.25, 0.6), thick=(0.015, 0.035), pocket=(0.5, 0.8),
    )  # fmt: skip
    w, h, z = d.width, d.height, d.depth
    if variant == "sack":
        r = w / 2
        neck = 0.15 + 0.3 * (d.top - 0.55)
        curve = smooth(
            [(0.7 * r, 0), (r, 0.25 * h), (0.85 * r, 0.6 * h), (neck * r, 0.85 * h), (0.6 * d.top * r, 1.05 * h)]
        )
        body = hollow(curve, 0.02)
        out = [(body.scaled(1, 1, 0.7 + 0.6 * z), 0)]
        out.append(
            (torus(neck * r, 1.6 * d.thick, 18, 8).moved(0, 0.85 * h).scaled(1.08, 1, (0.7 + 0.6 * z) * 1.08), 1)
        )
        if draw.chance(0.5):
            out.append(
                (tube([(0, 0.85 * h, 0.3 * r), (0.1, 0.8 * h, 0.6 * r), (0.05, 0.55 * h, 1.05 * r)], d.thick, 6), 1)
            )
        return out
    if variant == "shopping":
        h *= 1.15
        outside = [
            taper(slab(x, (0, h), y), 1, 1)
            for x, y in (
                ((-w / 2, w / 2), (z / 2 - 0.012, z / 2)),
                ((-w / 2, w / 2), (-z / 2, -z / 2 + 0.012)),
                ((w / 2 - 0.012, w / 2), (-z / 2, z / 2)),
                ((-w / 2, -w / 2 + 0.012), (-z / 2, z / 2)),
            )
        ]
        body = combine([*outside, slab((-w / 2, w / 2), (0, 0.012), (-z / 2, z / 2))])
        out = [(taper(body, 0.8 + 0.4 * d.round, d.top), 0)]
        strap = bail(0.45 * w, 0.7 * d.handle, 0.7 * d.thick)
        out += [(strap.moved(0, h, s * z / 2 * d.top), 1) for s in (-1, 1)]
        if draw.chance(0.4):
            out.append((box(d.pocket * 0.7 * w, 0.35 * h, 0.015).moved(0, 0.5 * h, z / 2 * (1 + d.top) / 2), 2))
        return out
    if variant == "handbag":
        body = taper(cushion(w, h * 0.75, z, d.round), d.top, 0.4 + 0.5 * d.top).moved(0, 0.375 * h)
        out = [(body, 0)]
        spread = 0.55 * w * d.top
        if draw.chance(0.5):
            out += [(bail(spread, d.handle, d.thick).moved(0, 0.7 * h, s * 0.2 * z), 1) for s in (-1, 1)]
        else:
            out.append((bail(w * d.top * 0.9, 1.4 * d.handle, d.thick).moved(0, 0.66 * h), 1))
        flap = cushion(d.pocket * w, 0.4 * h, 0.12 * z + 0.03, 0.3).turned("x", -8).moved(0, 0.42 * h, 0.4 * z)
        out.append((flap, 2))
        return out
    h = 0.6 + 0.6 * h
    w = 0.75 * w
    z = max(z, 0.3)
    out = [(taper(cushion(w, h, z, d.round + 0.1), d.top, d.top).moved(0, h / 2), 0)]
    pocket = cushion(d.pocket * w, 0.42 * h, 0.5 * z, 0.4).moved(0, 0.3 * h, 0.5 * z)
    out.append((pocket, 2))
    if draw.chance(0.5):
        out.append((both(cushion(0.25 * w, 0.35 * h, 0.5 * z, 0.5).moved(0.5 * w, 0.25 * h)), 2))
    strap = smooth(
        [
            (0, 0.92 * h, -0.25 * z),
            (0, 0.85 * h, -0.5 * z - 0.08),
            (0, 0.5 * h, -0.5 * z - 0.4 * d.handle),
            (0, 0.2 * h, -0.5 * z - 0.05),
            (0, 0.12 * h, -0.4 * z),
        ],
        3,
    )
    out.append((both(tube(strap, 1.1 * d.thick, 6).scaled(2, 1, 1).moved(0.25 * w)), 1))
    out.append((bail(0.25 * w, 0.35 * d.handle, d.thick).moved(0, 0.97 * h), 1))
    return out


@family("trash bin", parts=("body", "lid", "foot"), variants=("basket", "swing", "wheelie", "pedal", "square"))
def trash_bin(variant: str, draw: Draw) -> Pieces:
    """Waste basket, swing-lid or pedal bin, or wheeled bin."""
    d = draw(
        radius=(0.26, 0.45), height=(0.55, 1.15), bottom=(0.65, 1.0), wall=(0.015, 0.035), lid=(0.06, 0.28),
        rim=(0.02, 0.06), deep=(0.65, 1.1), lift=(0, 70),
    )  # fmt: skip
    r, h, b = d.radius, d.height, d.radius * d.bottom
    if variant in ("basket", "swing", "pedal"):
        if variant == "pedal":
            b = 0.97 * r
        out = [(hollow([(b, 0), (r, h)], d.wall, 26), 0)]
        if variant == "basket":
            out.append((torus(r - d.wall / 2, 0.5 * d.rim, 26, 6).moved(0, h), 1))
            if draw.chance(0.5):
                hoops = [torus(b + (r - b) * t, 0.3 * d.rim, 26, 5).moved(0, h * t) for t in (0.02, 0.4)]
                out.append((combine(hoops), 2))
        elif variant == "swing":
            dome = smooth(
                [(1.03 * r, h - 0.03), (r, h + 0.35 * d.lid), (0.65 * r, h + 0.85 * d.lid), (0.35 * r, h + d.lid)], 3
            )
            out.append((lathe([(r - d.wall, h - 0.03), *dome, (0, h + d.lid)], 24), 1))
            out.append((box(0.7 * r, 0.02, 0.6 * r).turned("x", 35).moved(0, h + 0.75 * d.lid, 0.45 * r), 1))
            out.append((cylinder(1.05 * b, 0.03), 2))
        else:
            top = lathe(
                [(0, 0), (1.03 * r, 0), (1.03 * r, 0.04), (0.85 * r, 0.04 + 0.4 * d.lid), (0, 0.04 + 0.55 * d.lid)], 24
            )
            out.append((top.moved(0, 0, r).turned("x", -d.lift * draw.integer("open", 0, 1)).moved(0, h, -r), 1))
            out.append((combine([cylinder(1.04 * b, 0.05), box(0.3 * r, 0.025, 0.35 * r).moved(0, 0.03, 1.1 * b)]), 2))
        return out
    z = d.deep * (0.95 if variant == "wheelie" else 0.8)
    body = hollow([(b, 0), (r, h)], d.wall, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z)
    half = r * 1.3 / np.sqrt(2)
    out = [(body, 0)]
    if variant == "wheelie":
        profile = [(1.02 * r, h - d.rim), (1.1 * r, h - d.rim), (1.1 * r, h), (1.02 * r, h)]
        out.append((lathe(profile, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z), 0))
        cover = taper(box(2.15 * half, 0.3 * d.lid + 0.02, 2.25 * half * z), 0.92, 0.85).moved(
            0, 0.15 * d.lid + 0.01, 1.1 * half * z
        )
        out.append((cover.turned("x", -d.lift * draw.integer("open", 0, 1)).moved(0, h, -1.08 * half * z), 1))
        back = half * z * d.bottom
        wheel = cylinder(0.1 + 0.5 * d.rim, 0.06, 16).turned("z", 90).moved(half * d.bottom + 0.06, 0.05, -back)
        bar = cylinder(0.02, 1.6 * half, 8).turned("z", 90).moved(0.8 * half, h - 0.04, -half * z - 0.09)
        out += [
            (both(wheel), 2),
            (combine([bar, both(box(0.03, 0.04, 0.12).moved(0.7 * half, h - 0.04, -half * z - 0.04))]), 0),
        ]
        return out
    out.append(
        (slab((-half * d.bottom, half * d.bottom), (-0.03, 0.02), (-half * z * d.bottom, half * z * d.bottom)), 2)
    )
    if draw.chance(0.6):
        rim = hollow([(1.06 * r, 0), (1.06 * r, 0.5 * d.lid)], 0.3 * r, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z)
        out.append(
            (rim.moved(0, h - 0.01), 1)
            if draw.chance(0.4)
            else (taper(box(2.1 * half, d.lid, 2.1 * half * z), 0.75, 0.45).moved(0, h + d.lid / 2), 1)
        )
    else:
        out.append(
            (
                lathe([(r - d.wall, h - d.rim), (1.06 * r, h - d.rim), (1.06 * r, h + 0.01), (r - d.wall, h + 0.01)], 4)
                .turned("y", 45)
                .scaled(1.3, 1, 1.3 * z),
                1,
            )
        )
    return out
