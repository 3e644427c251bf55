"""Tents and cones."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, rod
from datasets.demo.families.forms import cut
from datasets.demo.families.frames import box_frame, corners, ends
from datasets.demo.mesh import box, cylinder, ellipsoid, extrude, frustum, lathe, sheet, slab, torus, tube


@family("tent", ("canvas", "poles", "entrance", "floor"), ("ridge", "dome", "tipi", "tunnel", "pavilion"))
def tent(variant: str, draw: Draw) -> Pieces:
    """Tent with its entrance at the front."""
    p = draw(
        width=(1.2, 3.2), length=(1.4, 3.8), height=(0.9, 2.4), cloth=(0.015, 0.05), pole=(0.015, 0.045),
        wall=(0.0, 0.45), opening=(0.2, 0.6), overhang=(0.0, 0.2), sag=(0.0, 0.12),
    )  # fmt: skip
    w, length, h, c = p.width, p.length, p.height, p.cloth
    x, z = w / 2, length / 2
    pieces: Pieces = [(slab((-x, x), (0, 0.02), (-z, z)), 3)]
    if variant == "ridge":
        eave = h * p.wall * 0.6
        for s in (-1, 1):
            u = np.linspace(0, 1, 6)
            drop = -p.sag * h * np.sin(np.pi * u)
            profile = np.stack([s * (x * (1 + p.overhang) * u), h - (h - eave) * u + drop], -1)
            if eave > 0.1:
                profile = np.concatenate([profile, [(s * x * (1 + p.overhang), 0.01)]])
            grid = np.stack([np.c_[profile, np.full(len(profile), zz)] for zz in np.linspace(-z, z, 4)], 0)
            pieces.append((sheet(grid, c), 0))
        gable = [(-x, 0), (-x, eave), (0, h - c), (x, eave), (x, 0)] if eave > 0.1 else [(-x, 0), (0, h - c), (x, 0)]
        pieces.append((extrude(gable, c).moved(z=-z + c), 2))
        k = p.opening
        for s in (-1, 1):  # two flaps leave a triangular entrance between them
            flap = [(s * x, 0), (s * x, max(eave, 0.02)), (0, h - c), (s * x * k, 0)]
            pieces.append((extrude(flap, c).moved(z=z - c), 2))
        r = p.pole
        gable_ends = (z + 0.02, -z - 0.02)
        if draw.chance(0.5):
            pieces += [(rod((0, 0, e), (0, h + 0.1, e), r, 8), 1) for e in gable_ends]
        else:
            for e in gable_ends:
                pieces += [(beam((s * x, 0, e), (-s * 0.08, h + 0.12, e), 2 * r, 2 * r), 1) for s in (-1, 1)]
        pieces.append((rod((0, h, -z), (0, h, z), r, 8), 1))
        if draw.chance(0.4):
            pieces += [(rod((0, h, s * z), (0, 0, s * (z + 0.5 * h)), r * 0.4, 5), 1) for s in (-1, 1)]
    elif variant == "dome":
        a = np.linspace(0, np.pi / 2, 8)
        power = 0.6 + p.wall
        outline = [(np.cos(t) ** power, np.sin(t)) for t in a[:-1]] + [(0, 1)]
        sides = draw.integer("dome sides", 4, 10)
        body = lathe([(0, 0), *outline], sides if draw.chance(0.7) else 24).turned("y", 180 / sides)
        pieces = [(body.scaled(x, h, z), 0), (pieces[0][0].scaled(0.95, 1, 0.95), 3)]
        arc = np.linspace(0, np.pi, 13)
        for turn in (45, -45) if draw.chance(0.7) else (0, 60, 120):
            hoop = np.stack([np.sign(np.cos(arc)) * np.abs(np.cos(arc)) ** power, np.sin(arc), 0 * arc], -1)
            ct, st = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            path = np.stack([hoop[:, 0] * ct * x, hoop[:, 1] * h, hoop[:, 0] * st * z], -1) * 1.02
            pieces.append((tube(path, p.pole, 6), 1))
        ow, oh = p.opening * w * 0.6, h * 0.62
        arc = np.linspace(0, np.pi, 9)
        frame = np.stack([-np.cos(arc) * ow, np.sin(arc) * oh], -1)
        porch = 0.25 * length * (0.2 + p.overhang * 4)
        inner = np.stack([np.c_[frame * k, np.full(9, zz)] for k, zz in ((1.0, z * 0.55), (1.0, z * 0.8 + porch))])
        pieces.append((sheet(inner, c), 2))
    elif variant == "tipi":
        sides = draw.integer("sides", 5, 12)
        r = min(x, z)
        top = 0.04 + p.wall * 0.15
        body = lathe(
            [
                (r, 0),
                (r * (0.55 - p.sag), h * 0.45),
                (r * top, h),
                (r * top - 0.01, h),
                (r * (0.52 - p.sag), h * 0.44),
                (r - 0.04, 0),
            ],
            sides,
        )
        pieces = [(body, 0), (cylinder(r * 0.9, 0.02, sides), 3)]
        lift = 0.12 + p.overhang
        for k in range(sides):
            turn = 360 / sides * k
            cross = rod((0, 0, r * 1.01), (0, h * (1 + lift), -r * lift * 0.9 + r * top * 0.8), p.pole * 0.8, 6)
            pieces.append((cross.turned("y", turn), 1))
        tall, half = h * 0.5, p.opening * r * 0.6
        slope = np.degrees(np.arctan2(r * (0.45 + p.sag), h * 0.45))
        door_ = extrude([(-half, 0), (half, 0), (0, tall)], 0.05).turned("x", -slope).moved(0, 0.02, r * 1.02)
        pieces.append((door_, 2))
    elif variant == "tunnel":
        arc = np.linspace(0, np.pi, 13)
        power = 0.55 + p.wall
        ring = np.stack([np.sign(np.cos(arc)) * np.abs(np.cos(arc)) ** power * x, np.sin(arc) * h], -1)
        zs = np.linspace(-z, z, 4)
        taper = 1 - p.sag * 3 * np.linspace(1, 0, 4)
        grid = np.stack([np.c_[ring * k, np.full(13, zz)] for k, zz in zip(taper, zs, strict=True)])
        pieces.append((sheet(grid, c), 0))
        pieces += [(tube(grid[k] * [1.02, 1.02, 1], p.pole, 6), 1) for k in range(4)]
        end = np.concatenate([ring, [(0, 0)]])
        pieces.append((extrude(end * taper[0] * 0.99, c).moved(z=-z), 2))
        k = p.opening
        for s in (-1, 1):
            half = ring[:7] * [s, 1] * 0.99
            flap = np.concatenate([half, [(s * x * 0.02, h * 0.6), (s * x * k, 0)]])
            if draw.chance(0.7):
                pieces.append((extrude(flap, c).moved(z=z - 0.03), 2))
    else:
        eave = h * (0.55 + 0.4 * p.wall)
        reach = 1 + p.overhang
        peak = lathe([(0, 1), (0.45, 0.42 - p.sag), (1, 0), (0.97, -0.03), (0.42, 0.36 - p.sag), (0, 0.93)][::-1], 4)
        roof = peak.turned("y", 45).scaled(x * reach * np.sqrt(2), h - eave, z * reach * np.sqrt(2))
        pieces = [pieces[0], (roof.moved(y=eave), 0)]
        r = p.pole * 1.2
        pieces += corners(rod((0, 0, 0), (0, eave, 0), r, 8), x, z, 1)
        pieces.append((rod((0, 0, 0), (0, h + 0.1, 0), r, 8), 1))
        if draw.chance(0.8):
            frill = 0.12 * h
            xr, zr = x * reach, z * reach
            pieces += box_frame(xr, (eave - frill, eave), zr, c, 0)
        if draw.chance(0.6):
            pieces.append((slab((-x, x), (0, eave), (-z - c / 2, -z + c / 2)), 0))
            pieces += ends(x, (0, eave), (-z, z), c, 0)
        k = p.opening
        for s in (-1, 1):
            a, b = sorted((s * x, s * x * k))
            pieces.append((slab((a, b), (0, eave), (z - c / 2, z + c / 2)), 2))
    return pieces


@family("cone", parts=("cone", "base", "band"), variants=("traffic", "plain", "party", "icecream"))
def cone(variant: str, draw: Draw) -> Pieces:
    """Traffic cone, plain cone, party hat or ice cream cone."""
    d = draw(
        radius=(0.2, 0.5), tip=(0.0, 0.2), base=(1.15, 1.7), plate=(0.03, 0.1), band=(0.3, 0.6), width=(0.1, 0.22),
        scoop=(1.0, 1.25), bulge=(-0.04, 0.04),
    )  # fmt: skip
    r, tip = d.radius, d.tip * d.radius

    def at(t):
        return r + (tip - r) * t

    if variant == "traffic":
        r *= 0.8
        tip = max(tip, 0.06)
        y = d.plate
        out = [(frustum(r, tip, 1, 24).moved(0, y), 0)]
        half = d.base * r
        if draw.chance(0.7):
            out.append((box(2 * half, y, 2 * half).moved(0, y / 2), 1))
        else:
            out.append((cylinder(half, y, draw.integer("sides", 6, 8)), 1))
        for k in range(draw.integer("bands", 1, 2)):
            a, b = d.band - 0.25 * k, d.band + d.width * (1 - 0.3 * k) - 0.25 * k
            out.append(
                (
                    lathe([(at(a) - 0.01, a), (at(a) + 0.012, a), (at(b) + 0.012, b), (at(b) - 0.01, b)], 24).moved(
                        0, y
                    ),
                    2,
                )
            )
        return out
    if variant == "plain":
        return cut(
            lathe([(0, 0), (r, 0), (r, 0.5 * d.plate), (0.5 * r + d.bulge, 0.5), (0.3 * tip, 1), (0, 1)], 28),
            0.45 * d.plate,
            1,
            0,
        )
    if variant == "party":
        shell = lathe(
            [
                (r - 0.012, 0),
                (r, 0),
                (0.5 * r + 0.5 * d.bulge, 0.5),
                (0.015, 1),
                (0.0, 0.97),
                (0.5 * r - 0.02, 0.48),
                (r - 0.012, 0),
            ],
            26,
        )
        out = [(shell, 0), (ellipsoid(0.04 + 0.25 * tip, 0.04 + 0.25 * tip, 0.04 + 0.25 * tip, 10).moved(0, 1), 2)]
        out.append((torus(r, 0.3 * d.plate, 26, 6), 1))
        if draw.chance(0.5):
            a = d.band
            out.append((torus(at(a), 0.02, 22, 6).moved(0, a), 2))
        return out
    r *= 0.75
    out = [(lathe([(0, 0), (0.2 * tip + 0.01, 0), (r, 1), (0.92 * r, 1), (0, 0.75)], 24), 0)]
    out.append((torus(r, 0.3 * d.plate + 0.01, 24, 6).moved(0, 0.98), 1))
    if draw.chance(0.75):
        s = d.scoop * r
        for k in range(draw.integer("scoops", 1, 2)):
            out.append((ellipsoid(s, 0.9 * s, s, 18).scaled(1 - 0.2 * k).moved(0, 1 + 0.35 * s + 1.1 * s * k), 2))
    if draw.chance(0.4):  # a waffle cone held upside down
        out = [(mesh.turned("x", 180), part) for mesh, part in out]
    return out
