"""Pillows."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, pillow_mesh, pinched, placed, turned
from datasets.demo.families.forms import both, copies
from datasets.demo.families.frames import bead, corners, superellipse
from datasets.demo.mesh import Mesh, cushion, ellipsoid, lathe, loft, sheet, torus, tube

DEMO_PILLOWS = ("seamed", "bolster", "round", "box edge", "pair")


@family(
    "pillow", ("cushion", "trim"), DEMO_PILLOWS,
    more=("stack", "tufted", "heart", "neck", "ruffled", "folded"),
    synonyms=("cushion", "throw pillow", "bed pillow"),
)  # fmt: skip
def pillow(variant: str, draw: Draw) -> Pieces:
    """Loose cushion, lying, leaning or standing."""
    if variant not in DEMO_PILLOWS:
        return _more_pillow(variant, draw)
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


def _more_pillow(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.4, 0.8), aspect=(0.6, 1.0), thick=(0.2, 0.45), pinch=(0.0, 0.5), trim=(0.008, 0.02), lean=(50, 80),
        lump=(0.0, 0.12),
    )  # fmt: skip
    w, d = p.width, p.width * p.aspect
    h = d * p.thick
    if variant == "stack":
        pieces: Pieces = []
        y = 0.0
        for _ in range(draw.integer("pillows", 2, 4)):
            high = h * draw.rng.uniform(0.7, 1.1)
            own: Pieces = [(pillow_mesh(w, high, d, p.pinch, 10), 0), (bead(w * 0.98, d * 0.98, 0.2, p.trim * 0.6), 1)]
            pieces += placed(own, draw.rng.uniform(-0.08, 0.08) * w, y + high / 2, 0, draw.rng.uniform(-20, 20))
            y += 0.8 * high
        return pieces
    if variant == "tufted":
        body = cushion(w, h, w, 0.35 + p.pinch, 24)
        v = body.vertices.copy()
        n = draw.integer("tufts", 1, 3)
        spots = (
            [(a, b) for a in np.linspace(-0.28, 0.28, n) * w for b in np.linspace(-0.28, 0.28, n) * w]
            if n > 1
            else [(0.0, 0.0)]
        )
        for a, b in spots:
            near = np.exp(-((v[:, 0] - a) ** 2 + (v[:, 2] - b) ** 2) / (0.1 * w) ** 2)
            v[:, 1] *= 1 - 0.5 * near
        buttons = copies(ellipsoid(0.02, 0.012, 0.02, 8), [(a, 0.27 * h, b) for a, b in spots])
        return turned([(Mesh(v, body.faces, body.part), 0), (buttons, 1)], "x", p.lean * draw.integer("standing", 0, 1))
    if variant in ("heart", "neck"):
        a = np.linspace(-np.pi, np.pi, 29)
        if variant == "heart":
            plan = np.stack(
                [
                    0.5 * w * np.sin(a) ** 3,
                    0.03 * w * (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)),
                ],
                -1,
            )
            rings = np.stack(
                [
                    np.c_[plan * k, np.full(29, z * h)]
                    for k, z in ((0.55, -0.5), (0.85, -0.4), (1.0, 0.0), (0.85, 0.4), (0.55, 0.5))
                ]
            )
            edge = np.c_[plan, np.zeros(29)]
            return turned([(loft(rings[:, :-1]), 0), (tube(edge, p.trim, 5), 1)], "x", -p.lean * 0.3)
        k = draw(open=(130, 165), fat=(0.12, 0.19), thin=(0.1, 0.5))
        arc = np.radians(np.linspace(-k.open, k.open, 17))
        path = np.stack([0.4 * w * np.sin(arc), 0 * arc, -0.4 * w * np.cos(arc)], -1)
        size = k.fat * w * (1 + p.lump) * (1 - k.thin * (1 - np.cos(arc / 2)))
        return [(tube(path, size, 12), 0), (tube(path[3:-3] + [0, 1.03 * k.fat * w, 0], p.trim, 5), 1)]
    body = pillow_mesh(w, h, d, 0.2 * p.pinch, 10)
    if variant == "folded":  # bent at the middle as against a wall
        v = body.vertices.copy()
        up = np.maximum(v[:, 2] * -1, 0)
        v[:, 1] += 0.9 * up
        v[:, 2] += 0.5 * up
        return [
            (Mesh(v, body.faces, body.part), 0),
            (both(tube([(w / 2, 0, d / 2), (w / 2, 0, 0), (w / 2, 0.45 * d, -0.25 * d)], p.trim, 5)), 1),
        ]
    u = np.linspace(0, 2 * np.pi, 57)
    plan = superellipse(w, d, 0.25, 56)
    plan = np.concatenate([plan, plan[:1]])
    wave = (0.02 + p.lump * 0.3) * np.sin(14 * u)
    frill = np.stack([np.c_[plan[:, 0] * k, wave * j, plan[:, 1] * k] for k, j in ((0.94, 0), (1.12, 1))])
    return turned([(body, 0), (sheet(frill, p.trim * 0.6), 1)], "x", p.lean * draw.integer("standing", 0, 1))
