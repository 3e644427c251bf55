"""Pillows."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, pillow_mesh, pinched
from datasets.demo.families.frames import bead, corners, moved, turned
from datasets.demo.mesh import Mesh, cushion, ellipsoid, lathe, torus, tube


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
