"""Guitars."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, turned
from datasets.demo.families.forms import copies, smooth
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, extrude, slab, torus, tube

DEMO_GUITARS = ("acoustic", "electric", "flying", "ukulele")
# The right half of a body from its foot to its neck: (half width, height), the left being its mirror image
# unless a second half is given.
BODIES = {
    "double cut": ([(0, 0), (0.75, 0.04), (1, 0.25), (0.62, 0.55), (0.8, 0.85), (0.72, 1.0), (0.5, 0.88), (0.2, 0.8)],
              [(0, 0), (0.75, 0.04), (1, 0.25), (0.66, 0.55), (0.85, 0.9), (0.8, 1.12), (0.6, 1.0), (0.2, 0.8)]),
    "single cut": ([(0, 0), (0.75, 0.03), (1, 0.27), (0.62, 0.6), (0.8, 0.8), (0.72, 0.95), (0.45, 0.82), (0.2, 0.8)],
                   [(0, 0), (0.75, 0.03), (1, 0.27), (0.64, 0.6), (0.82, 0.85), (0.6, 1.0), (0.2, 1.0)]),
    "cutaway": ([(0, 0), (0.75, 0.03), (1, 0.27), (0.68, 0.6), (0.82, 0.78), (0.7, 0.88), (0.35, 0.78), (0.2, 0.9)],
                [(0, 0), (0.75, 0.03), (1, 0.27), (0.68, 0.6), (0.82, 0.82), (0.65, 0.97), (0.2, 1.0)]),
    "jumbo": ([(0, 0), (0.85, 0.03), (1.15, 0.3), (0.75, 0.62), (0.85, 0.82), (0.6, 0.98), (0.2, 1.0)], None),
    "round": ([(0, 0), (0.55, 0.05), (0.95, 0.3), (1.0, 0.5), (0.85, 0.8), (0.5, 0.97), (0.15, 1.0)], None),
    "explorer": ([(0, 0.1), (0.6, 0.0), (1.3, 0.25), (0.55, 0.55), (0.75, 0.85), (0.2, 0.8)],
                 [(0, 0.1), (0.9, 0.0), (0.8, 0.4), (1.2, 1.15), (0.3, 0.85), (0.2, 0.8)]),
    "arrow": ([(0, 0.35), (1.3, 0.0), (1.45, 0.1), (0.3, 0.95), (0.15, 0.95)], None),
}  # fmt: skip


@family(
    "guitar", parts=("body", "neck", "head", "bridge", "stand"), variants=DEMO_GUITARS,
    more=("double cut", "single cut", "cutaway", "jumbo", "bass", "double neck", "banjo", "lute-like", "on a stand",
          "lying", "explorer"),
    synonyms=("acoustic guitar", "electric guitar", "bass guitar"),
)  # fmt: skip
def guitar(variant: str, draw: Draw) -> Pieces:
    """Upright guitar: body with a waist, neck with frets, head with pegs, bridge and strings."""
    if variant not in DEMO_GUITARS:
        return _more_guitar(variant, draw)
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


def _more_guitar(variant: str, draw: Draw) -> Pieces:
    d = draw(
        lower=(0.17, 0.22), length=(0.48, 0.58), depth=(0.07, 0.12), neck=(0.42, 0.6), thick=(0.02, 0.03),
        head=(0.13, 0.19), lean=(-15, 5), waist=(0.88, 1.08),
    )  # fmt: skip
    solid = variant in ("double cut", "single cut", "bass", "double neck", "explorer")
    names = {"bass": "double cut", "double neck": "double cut", "banjo": "round", "lute-like": "round"}
    name = names.get(variant, variant)
    if variant in ("on a stand", "lying"):
        name = ("double cut", "single cut", "cutaway", "jumbo", "arrow")[draw.integer("body", 0, 4)]
        solid = name in ("double cut", "single cut", "arrow")
    a, length, t = d.lower * (1.15 if variant == "double neck" else 1), d.length, d.thick
    depth = 0.045 if solid else d.depth
    reach = d.neck * (1.35 if variant == "bass" else 1.15 if variant == "banjo" else 0.95)
    right, left = BODIES[name]
    curves = [np.array(half, dtype=float) for half in (right, left or right)]
    for curve in curves:
        curve[(curve[:, 1] > 0.45) & (curve[:, 1] < 0.7), 0] *= d.waist
    if name not in ("explorer", "arrow"):
        curves = [smooth(curve, 3) for curve in curves]
    outline = np.concatenate([curves[0], curves[1][::-1][:-1] * [-1, 1]]) * [a, length]
    out: Pieces = []
    if variant == "banjo":
        r = 0.8 * a
        out += [
            (cylinder(r, 0.8 * depth, 26).turned("x", 90).moved(0, 0.5 * length, -0.4 * depth), 0),
            (torus(r, 0.014, 26, 6).turned("x", 90).moved(0, 0.5 * length, 0.4 * depth), 0),
        ]
        front, low = 0.4 * depth, 0.5 * length + 0.8 * r
    elif variant == "lute-like":  # a round back
        bowl = ellipsoid(0.9 * a, 0.5 * length, 1.6 * depth, 20)
        v = bowl.vertices.copy()
        v[:, 2] = v[:, 2].clip(max=0)
        v[:, 0] *= 1 - 0.35 * (v[:, 1] / length + 0.2)
        out.append((Mesh(v, bowl.faces, bowl.part).moved(0, 0.5 * length), 0))
        front, low = 0.0, 0.9 * length
    else:
        out.append((extrude(outline, depth), 0))
        front, low = depth / 2, 0.78 * length
    top = (0.8 if solid else 0.97) * length if variant != "banjo" else low
    end = top + reach
    mid = 0.5 * length

    def neck(x: float, high: float) -> Pieces:
        board = slab(
            (x - t, x + t), (0.72 * length if variant != "banjo" else low, high), (front - 0.025, front + 0.012)
        )
        frets = copies(
            box(2.1 * t, 0.005, 0.006),
            [(x, high - (high - top) * (1 - 0.5 ** (k / 6)) / 0.75, front + 0.014) for k in range(1, 10)],
        )
        wide = 1.9 * t if variant != "bass" else 1.5 * t
        shape = [
            (-1.1 * t, 0),
            (1.1 * t, 0),
            (wide, 0.35 * d.head),
            (0.8 * wide, d.head),
            (-wide, 1.05 * d.head),
            (-wide, 0.3 * d.head),
        ]
        head = extrude(shape, 0.022)
        count = 2 if variant == "bass" else 3
        sides = (-1,) if solid and draw.chance(0.6) else (-1, 1)
        pegs = [
            (s * 1.25 * wide, d.head * (0.25 + 0.65 * i / (count * (3 - len(sides)) - 1)), -0.004)
            for s in sides
            for i in range(count * (3 - len(sides)))
        ]
        head = (
            combine([head, copies(ellipsoid(0.016, 0.012, 0.009, 6), pegs)])
            .turned("x", -6)
            .moved(x, high - 0.004, front - 0.01)
        )
        at = mid - 0.28 * length
        wires = box(0.003, high - at, 0.003).moved(x, (high + at) / 2, front + 0.022)
        return [
            (combine([board, frets]), 1),
            (head, 2),
            (copies(wires, [(k * t, 0, 0) for k in (-0.7, -0.25, 0.25, 0.7)]), 3),
        ]

    necks = ((-0.4 * a, end), (0.4 * a, end * 0.95)) if variant == "double neck" else ((0.0, end),)
    for x, high in necks:
        out += neck(x, high)
        out.append((box(0.35 * a, 0.03, 0.022).moved(x, mid - 0.28 * length, front + 0.008), 3))
        if solid:
            out += [(box(0.32 * a, 0.03, 0.016).moved(x, y * length, front + 0.006), 3) for y in (0.38, 0.55)]
    if solid:
        out += [(cylinder(0.014, 0.016, 8).turned("x", 90).moved(0.55 * a, y * length, front), 3) for y in (0.15, 0.26)]
    elif variant not in ("banjo", "lute-like"):
        out.append((torus(0.32 * a, 0.01, 18, 5).turned("x", 90).moved(0, 0.6 * length, front), 3))
    out = turned(out, "x", d.lean)
    if variant == "lying":
        return turned(out, "x", -90 - d.lean)
    if variant == "on a stand":
        for s in (-1, 1):
            out.append(
                (
                    tube(
                        [(s * 0.2, -0.1, 0.2), (s * 0.08, 0.3 * length, -0.16), (s * 0.03, 0.75 * length, -0.2)],
                        0.012,
                        6,
                    ),
                    4,
                )
            )
            out.append((tube([(s * 0.1, 0.0, 0.14), (s * 0.1, 0.02, -0.12)], 0.012, 6), 4))
        out.append((tube([(0, -0.1, -0.42), (0, 0.75 * length, -0.2)], 0.012, 6), 4))
    return out
