"""Guitars and pianos."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, rod
from datasets.demo.families.forms import copies, smooth
from datasets.demo.families.frames import ends, moved
from datasets.demo.mesh import Mesh, box, combine, ellipsoid, extrude, frustum, slab, torus


@family("guitar", parts=("body", "neck", "head", "bridge"), variants=("acoustic", "electric", "flying", "ukulele"))
def guitar(variant: str, draw: Draw) -> Pieces:
    """Upright guitar: body with a waist, neck with frets, head with pegs, bridge and strings."""
    d = draw(
        lower=(0.2, 0.27), upper=(0.7, 0.92), waist=(0.55, 0.78), length=(0.55, 0.72), depth=(0.05, 0.14),
        neck=(0.4, 0.75), thick=(0.022, 0.035), head=(0.12, 0.2), horn=(0.1, 0.3), lean=(-20, 5),
    )  # fmt: skip
    length, depth = d.length, d.depth
    if variant == "ukulele":
        length, reach = 0.8 * length, 0.45 * d.neck + 0.15
        depth *= 1.1
    else:
        reach = d.neck
    if variant in ("electric", "flying"):
        depth = 0.35 * depth + 0.02
    a, b, m = d.lower, d.lower * d.upper, d.lower * d.waist
    w = smooth([(0.0, 0.0), (0.75 * a, 0.04), (a, 0.25), (m, 0.58), (b, 0.8), (0.65 * b, 0.97), (0, 1.0)], 4)
    if variant == "flying":
        outline = np.array(
            [
                (0, 0.3),
                (0.9 * a, 0),
                (1.3 * a, 0.08),
                (0.35 * b, 0.95),
                (-0.35 * b, 0.95),
                (-1.3 * a, 0.08),
                (-0.9 * a, 0),
            ]
        )
    else:
        left = w[::-1] * [-1, 1]
        if variant == "electric":  # horns
            left = left + [[-0.3 * d.horn, d.horn]] * np.exp(-(((left[:, 1:] - 0.88) / 0.07) ** 2)) * (
                np.abs(left[:, :1]) > 0.1
            )
            w = w + [[0.2 * d.horn, 0.6 * d.horn]] * np.exp(-(((w[:, 1:] - 0.88) / 0.07) ** 2)) * (w[:, :1] > 0.1)
        outline = np.concatenate([w[1:-1], left])
    body = extrude(outline * [1, length], depth)
    top = length * 0.95
    front = depth / 2
    out = [(body, 0)]
    t = d.thick
    board = slab((-t, t), (0.75 * length, top + reach), (front - 0.03, front + 0.012))
    frets = copies(
        box(2.1 * t, 0.006, 0.006),
        [(0, top + reach * (1 - 0.5 ** (k / 6)) / 0.75, front + 0.014) for k in range(1, 10)],
    )
    out.append((combine([board, frets]), 1))
    head = extrude(
        [
            (-1.1 * t, 0),
            (1.1 * t, 0),
            (2 * t, 0.35 * d.head),
            (1.7 * t, d.head),
            (-1.7 * t, d.head),
            (-2 * t, 0.35 * d.head),
        ],
        0.025,
    )
    k = 2 if variant == "ukulele" else 3
    pegs = [(s * 2.2 * t, d.head * (0.3 + 0.55 * i / (k - 1)), -0.005) for s in (-1, 1) for i in range(k)]
    head = combine([head, copies(ellipsoid(0.018, 0.013, 0.009, 8), pegs)]).turned("x", -8)
    out.append((head.moved(0, top + reach - 0.005, front - 0.012), 2))
    at = (0.22 if variant != "flying" else 0.35) * length
    strings = box(0.004, top + reach - at, 0.004).moved(0, (top + reach + at) / 2, front + 0.022)
    bridge = [
        box(0.8 * a, 0.035, 0.025).moved(0, at, front + 0.01),
        copies(strings, [(x * t, 0, 0) for x in (-0.7, -0.25, 0.25, 0.7)]),
    ]
    if variant in ("electric", "flying"):
        bridge += [box(0.4 * a, 0.03, 0.02).moved(0, y * length, front + 0.008) for y in (0.42, 0.56)]
    else:
        bridge.append(torus(0.42 * m, 0.012, 18, 6).turned("x", 90).moved(0, 0.6 * length, front))
    out.append((combine(bridge), 3))
    return [(mesh.turned("x", d.lean), part) for mesh, part in out]


@family("piano", ("body", "keys", "legs", "lid"), ("upright", "grand", "digital", "spinet"))
def piano(variant: str, draw: Draw) -> Pieces:
    """Piano with its keyboard at the front."""
    p = draw(
        width=(1.1, 1.65), depth=(0.3, 0.65), height=(0.95, 1.5), key_height=(0.55, 0.78), key_depth=(0.12, 0.22),
        shelf=(0.05, 0.14), leg_thick=(0.05, 0.13), length=(0.9, 2.1), lid_angle=(15, 50), case=(0.18, 0.34),
    )  # fmt: skip
    w, kh, kd = p.width, p.key_height, p.key_depth
    x = w / 2
    pieces: Pieces = []

    def keyboard(z: float, y: float) -> Pieces:
        """White and black keys whose back edge is at z, between cheeks."""
        cheek = 0.05 * w
        out: Pieces = [(slab((-x + cheek, x - cheek), (y, y + 0.02), (z, z + kd)), 1)]
        groups = np.linspace(-x + cheek, x - cheek, 22)[1:-1]
        keep = [k for k in range(len(groups)) if k % 7 not in (2, 6)]
        out += [
            (slab((groups[k] - 0.011, groups[k] + 0.011), (y + 0.02, y + 0.035), (z, z + kd * 0.6)), 1) for k in keep
        ]
        return out

    def cheeks(z: float, y: float, rise: float) -> Pieces:
        c = 0.045 * w
        return [(slab((a, a + c), (y - p.shelf, y + rise), (z, z + kd * 1.08)), 0) for a in (-x, x - c)]

    def stool_bench() -> Pieces:
        if not draw.chance(0.3):
            return []
        sw, sh, sd = 0.55, 0.45, 0.3
        seat: Pieces = [(slab((-sw / 2, sw / 2), (sh - 0.08, sh), (-sd / 2, sd / 2)), 2)]
        return seat + legs(draw, sw, sd, sh - 0.08, 0.05, 2)

    if variant in ("upright", "spinet"):
        h = p.height if variant == "upright" else max(kh + 0.12, p.height * 0.72)
        d = p.depth
        z = d / 2
        pieces.append((slab((-x, x), (0, h), (-z, z)), 0))
        pieces.append((slab((-x * 1.02, x * 1.02), (h, h + 0.03), (-z * 1.03, z * 1.1)), 3))
        pieces.append((slab((-x, x), (kh - p.shelf, kh), (z, z + kd * 1.05)), 0))
        pieces += keyboard(z + 0.02, kh) + cheeks(z, kh, 0.05 + 0.5 * p.shelf)
        lt = p.leg_thick
        for s in (-1, 1):
            xx = s * (x - lt / 2)
            if draw.chance(0.8):
                leg = slab((-lt / 2, lt / 2), (0, kh - p.shelf), (-lt / 2, lt / 2)).moved(xx, 0, z + kd - lt / 2)
                pieces.append((leg, 2))
            pieces.append((slab((xx - lt / 2, xx + lt / 2), (0, 0.07), (-z, z + kd)), 2))
        if h - kh > 0.3:
            rest = box(w * 0.45, (h - kh) * 0.45, 0.02).turned("x", -12)
            pieces.append((rest.moved(0, kh + (h - kh) * 0.5, z + 0.06), 3))
        if draw.chance(0.4):
            pieces.append((box(w * 0.4, kh * 0.5, 0.02).moved(0, kh * 0.42, z + 0.01), 0))
        for k in (-1, 0, 1):
            pieces.append((box(0.025, 0.02, 0.1).moved(k * 0.06, 0.06, z + 0.05), 2))
        return pieces + moved(stool_bench(), z=z + kd + 0.35)
    if variant == "grand":
        length, case = p.length, p.case
        # Outline seen from above: straight bass side at the left, curved on the right.
        z0 = 0.0
        outline = [(-x, z0), (x, z0), (x, -length * 0.3), (x * 0.75, -length * 0.45), (x * 0.3, -length * 0.62)]
        outline += [
            (x * 0.12, -length * 0.85),
            (-x * 0.1, -length * 0.97),
            (-x * 0.5, -length),
            (-x * 0.9, -length * 0.96),
        ]
        outline += [(-x, -length * 0.85)]
        shape = np.array(outline)
        flat = np.c_[shape[:, 0], -shape[:, 1]]
        top = kh + case * 0.7

        def plate(y: float, thick: float) -> Mesh:
            return extrude(flat, thick).turned("x", -90).moved(y=y)

        pieces.append((plate(top - case / 2, case), 0))
        pieces.append((slab((-x, x), (kh - p.shelf, kh), (z0, z0 + kd * 1.05)), 0))
        pieces += keyboard(z0 + 0.01, kh) + cheeks(z0, kh, top - kh)
        angle = p.lid_angle if draw.chance(0.65) else 0.0
        lid = plate(0.015, 0.025).moved(x=x).turned("z", angle).moved(-x, top, 0)
        pieces.append((lid, 3))
        if angle:
            reach = w * 0.62
            a = np.radians(angle)
            end = (-x + reach * np.cos(a), top + reach * np.sin(a), -length * 0.25)
            pieces.append((rod((x * 0.6, top, -length * 0.25), end, 0.015, 6), 3))
        rest = box(w * 0.4, 0.22, 0.02).turned("x", -15).moved(0, top + 0.11, z0 - 0.1)
        pieces.append((rest, 3))
        lt = p.leg_thick
        taper = draw.chance(0.5)
        for lx, lz in ((-x * 0.85, -0.12), (x * 0.85, -0.12), (-x * 0.4, -length * 0.85)):
            if taper:
                leg = frustum(lt * 0.4, lt * 0.75, top - case, 10)
            else:
                leg = box(lt, top - case, lt).moved(y=(top - case) / 2)
            pieces.append((leg.moved(lx, 0, lz), 2))
        pieces.append((slab((-0.1, 0.1), (0.1, 0.14), (-0.2, -0.1)), 2))
        pieces += [(rod((s * 0.07, 0.12, -0.15), (s * 0.05, top - case, -0.2), 0.012, 6), 2) for s in (-1, 1)]
        return pieces + moved(stool_bench(), z=0.5)
    case = p.shelf
    d = kd + 0.1 + 0.3 * p.depth
    z = -d / 2
    pieces.append((slab((-x, x), (kh - case, kh), (z, d / 2)), 0))
    pieces.append((slab((-x, x), (kh, kh + 0.06), (z, d / 2 - kd)), 0))
    pieces += keyboard(d / 2 - kd, kh) + cheeks(d / 2 - kd, kh, 0.05)
    if draw.chance(0.7):
        rest = box(w * 0.45, 0.22, 0.015).turned("x", -15)
        pieces.append((rest.moved(0, kh + 0.17, z + 0.06), 3))
    style = draw.integer("stand", 0, 2)
    under = kh - case
    if style == 0:
        t = p.leg_thick * 0.5
        pieces += [(beam((-x * 0.7 * k, 0.02, 0), (x * 0.7 * k, under, 0), t, t), 2) for k in (-1, 1)]
        for y in (0, under - t):
            pieces += ends(x * 0.7, (y, y + t), (z, d / 2), 2 * t, 2)
    elif style == 1:
        t = p.leg_thick * 0.5
        pieces += ends(x - t, (0, under), (z, d / 2 - 0.05), 2 * t, 2)
        pieces.append((slab((-x + t, x - t), (under * 0.3, under * 0.8), (z + 0.02, z + 0.04)), 2))
    else:
        pieces += legs(draw, w * 0.95, d * 0.9, under, p.leg_thick * 0.7, 2)
    return pieces + moved(stool_bench(), z=d / 2 + 0.35)
