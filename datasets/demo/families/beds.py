"""Beds and pillows."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, pillow_mesh, pinched, rod
from datasets.demo.families.frames import bead, chair_back, corners, moved, turned
from datasets.demo.mesh import Mesh, cushion, cylinder, ellipsoid, extrude, lathe, slab, torus, tube


@family("bed", ("mattress", "frame", "headboard", "pillows", "blanket"), ("single", "double", "bunk", "four-poster"))
def bed(variant: str, draw: Draw) -> Pieces:
    """Bed with its head at the back."""
    p = draw(
        width=(0.75, 1.1), length=(1.6, 2.3), frame_height=(0.12, 0.5), frame_thick=(0.1, 0.22), mattress=(0.12, 0.32),
        head_rise=(0.15, 0.85), board=(0.04, 0.12), foot_rise=(0.0, 0.4), blanket=(0.35, 0.75), leg_thick=(0.05, 0.14),
    )  # fmt: skip
    w = p.width * (1.75 if variant == "double" else 1.0)
    if variant == "four-poster":
        w *= 1.0 + 0.7 * draw.chance(0.7)
    length, board = p.length, p.board
    double = w > 1.2

    def layer(base: float) -> Pieces:
        out: Pieces = []
        soft = draw.chance(0.5)
        mw, ml = w * 0.96, length * 0.97
        if soft:
            out.append((cushion(mw, p.mattress, ml, 0.2, 20).moved(y=base + p.mattress / 2), 0))
        else:
            out.append((slab((-mw / 2, mw / 2), (base, base + p.mattress), (-ml / 2, ml / 2)), 0))
        top = base + p.mattress
        count = 2 if double else 1
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
            z0 = ml / 2 - p.blanket * ml
            drop = p.mattress * draw.rng.uniform(0.3, 0.95)
            edge = mw / 2 + 0.02
            out.append((slab((-edge, edge), (top - drop, top + 0.03), (z0, ml / 2 + 0.015)), 4))
            if draw.chance(0.5):
                out.append((slab((-edge, edge), (top + 0.03, top + 0.07), (z0, z0 + 0.2)), 4))
        return out

    base, t = p.frame_height, p.frame_thick
    rail = min(t, base)
    frame = slab((-w / 2, w / 2), (base - rail * 0.8, base + 0.03), (-length / 2, length / 2))
    pieces: Pieces = []
    if variant == "bunk":
        upper = base + draw(bunk_gap=(0.75, 1.1)).bunk_gap
        for y in (base, upper):
            pieces.append((frame.moved(y=y - base), 1))
            pieces += layer(y + 0.03)
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
    pieces += [(frame, 1), *layer(base + 0.03)]
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


@family("pillow", ("cushion", "trim"), ("seamed", "bolster", "round", "box edge", "pair"))
def pillow(variant: str, draw: Draw) -> Pieces:
    """Loose cushion, lying, leaning or standing."""
    p = draw(
        width=(0.3, 0.85), aspect=(0.45, 1.05), thick=(0.18, 0.55), pinch=(0.0, 0.6), trim=(0.008, 0.025),
        dent=(0.0, 0.3), tilt=(0, 90), roundness=(0.2, 0.6),
    )  # fmt: skip
    w, d = p.width, p.width * p.aspect
    h = d * p.thick

    def dented(mesh: Mesh) -> Mesh:
        vertices = mesh.vertices.copy()
        near = np.exp(-((vertices[:, 0] / (0.22 * w)) ** 2) - (vertices[:, 2] / (0.3 * d)) ** 2)
        vertices[:, 1] -= p.dent * h * near * (vertices[:, 1] > 0)
        return Mesh(vertices, mesh.faces, mesh.part)

    def seamed(w: float, h: float, d: float) -> Pieces:
        body = dented(pillow_mesh(w, h, d, p.pinch, 10))
        u = np.linspace(-1, 1, 7)
        v = np.concatenate([np.c_[u, -np.ones(7)], np.c_[np.ones(7), u], np.c_[-u, np.ones(7)], np.c_[-np.ones(7), -u]])
        x, z = pinched(v[:, 0], v[:, 1], p.pinch)
        keep = np.r_[0:6, 7:13, 14:20, 21:28]
        path = np.stack([x * w / 2, 0 * x, z * d / 2], -1)[keep]
        out: Pieces = [(body, 0), (tube(path, p.trim * 0.6, 6), 1)]
        if draw.chance(0.3):
            out += corners(ellipsoid(0.03, 0.02, 0.03, 8), w / 2, d / 2, 1)
        return out

    if variant == "bolster":
        r = h * 0.6
        y = np.linspace(0, 1, 9)
        swell = r * (0.8 + 0.2 * np.sin(np.pi * y) ** 0.5)
        body = lathe([(0, 0), *zip(swell, y * w, strict=True), (0, w)], 18).moved(y=-w / 2).turned("z", 90)
        pieces: Pieces = [(body, 0)]
        ends = torus(r * 0.8, p.trim, 18, 6).turned("z", 90)
        pieces += [(ends.moved(x=s * w / 2), 1) for s in (-1, 1)]
        if draw.chance(0.5):
            pieces += [(ellipsoid(0.04, 0.03, 0.03, 8).moved(x=s * w / 2), 1) for s in (-1, 1)]
    elif variant == "round":
        body = (
            dented(cushion(w, h, max(d, 0.8 * w), 0.999, 24))
            if draw.chance(0.4)
            else ellipsoid(w / 2, h / 2, w / 2, 22)
        )
        pieces = [(body, 0), (torus(w / 2, p.trim, 24, 6), 1)]
        pieces += [(ellipsoid(0.035, 0.015, 0.035, 8).moved(y=s * h * (0.5 - 0.3 * p.dent)), 1) for s in (-1, 1)]
    elif variant == "box edge":
        pieces = [(dented(cushion(w, h, d, p.roundness, 24)), 0)]
        level = h * 0.36 if p.roundness < 0.4 else 0.0
        for y in {level, -level}:
            pieces.append((bead(w * 0.97, d * 0.97, p.roundness, p.trim * 0.6).moved(y=y), 1))
    elif variant == "pair":
        pieces = seamed(w, h, d)
        k = draw(second=(0.6, 1.0)).second
        other = turned(seamed(w * k, h * k, d * k), "y", draw.rng.uniform(-25, 25))
        if draw.chance(0.5):
            pieces += moved(other, draw.rng.uniform(-0.1, 0.1) * w, h * 0.42 + h * k * 0.42, 0)
        else:
            pieces += moved(turned(other, "x", 60), 0, d * k * 0.3, -d * 0.45)
        return pieces
    else:
        pieces = seamed(w, h, d)
    if draw.chance(0.5):
        pieces = turned(pieces, "x", p.tilt)
    return pieces
