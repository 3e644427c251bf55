"""Knives and daggers."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, turned
from datasets.demo.families.forms import copies, side, taper
from datasets.demo.families.solids import stack
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, lathe, loft, torus, tube


def _blade(length: float, back: np.ndarray, edge: np.ndarray, thick: float) -> Mesh:
    """Blade along y from 0 with a spine at x = `back` and a cutting edge at x = `edge`."""
    y = np.linspace(0, length, len(back))
    thin = thick * np.linspace(1, 0.45, len(back))
    ring = [(back, thin / 2), (back, -thin / 2), (edge, -0.06 * thin), (edge, 0.06 * thin)]
    return loft(np.stack([np.stack([x, y, z], -1) for x, z in ring], 1))


@family(
    "knife",
    parts=("blade", "handle", "guard"),
    variants=("kitchen", "dagger", "pocket", "cleaver", "combat", "table"),
    synonyms=("dagger", "cleaver", "pocketknife", "kitchen knife", "combat knife", "blade", "sword"),
)
def knife(variant: str, draw: Draw) -> Pieces:
    """Blade above a handle; lies, stands on its edge, or points up."""
    p = draw(
        blade=(0.55, 0.95), width=(0.08, 0.2), thick=(0.012, 0.035), grip=(0.32, 0.5), hilt=(0.06, 0.1),
        round=(0.3, 0.9),
        belly=(1.6, 4.0), clip=(0.2, 0.5), guard=(0.1, 0.3), swell=(0.8, 1.25), point=(0.0, 0.9), bend=(-0.06, 0.06),
    )  # fmt: skip
    long, w, k, grip, hilt = p.blade, p.width, p.thick, p.grip, p.hilt
    t = np.linspace(0, 1, 11)
    out: Pieces = []
    if variant == "dagger":
        long *= 1 + 0.8 * (p.point > 0.7)
        w *= 0.7
        half = w / 2 * np.maximum(1 - t**p.belly, 0.02) * (1 + (p.swell - 1) * np.sin(np.pi * t))
        y, zero = long * t, 0 * t
        ring = [(half, zero), (zero, 0.5 * k + zero), (-half, zero), (zero, -0.5 * k + zero)]
        out.append((loft(np.stack([np.stack([x, y, z], -1) for x, z in ring], 1)), 0))
        reach = p.guard + 0.5 * w
        bar = tube([(-reach, p.bend, 0), (0, -0.01, 0), (reach, p.bend, 0)], [0.02, 0.03, 0.02], 8)
        cross = bar if draw.chance(0.7) else cushion(1.4 * w, 0.05, 0.1, 0.5, 10)
        handle = lathe(
            [(0, -grip), (0.4 * hilt, -grip), (0.5 * hilt * p.swell, -0.5 * grip), (0.35 * hilt, 0), (0, 0)], 12
        ).scaled(1, 1, 0.7)
        out += [
            (cross, 2),
            (handle, 1),
            (ellipsoid(0.55 * hilt, 0.5 * hilt, 0.5 * hilt, 10).moved(y=-grip - 0.02), 2 if draw.chance(0.5) else 1),
        ]
        if draw.chance(0.4):
            out.append(
                (
                    copies(
                        torus(0.42 * hilt, 0.012, 12, 5).scaled(1, 1, 0.75),
                        [(0, -f * grip, 0) for f in (0.15, 0.35, 0.55, 0.75)],
                    ),
                    1,
                )
            )
    elif variant == "cleaver":
        long, w = 0.75 * long, 1.4 * w + 0.12
        edge = -w * (0.92 + 0.08 * np.sin(np.pi * t)) + 0.2 * p.clip * w * np.maximum(t - 0.8, 0) / 0.2
        spine = 0.04 * p.bend - 0.1 * p.clip * np.maximum(t - 0.85, 0)
        out.append((_blade(long, spine, edge, 1.3 * k).moved(x=0.2 * w), 0))
        out.append((cylinder(0.02, 1.6 * k, 10).turned("x", 90).moved(0.1 * w, 0.9 * long, -0.8 * k), 2))
        out += [
            (cushion(hilt, grip, 0.7 * hilt, p.round, 12).moved(0.15 * w, -grip / 2 + 0.02), 1),
            (box(0.7 * hilt, 0.04, 0.75 * hilt).moved(0.15 * w, 0.0), 2),
        ]
    elif variant == "pocket":
        long, hilt = 0.95 * grip, 1.15 * hilt
        spine = 0.35 * w - (0.5 * w * np.maximum(t - 1 + p.clip, 0) / p.clip) ** 1.4
        edge = spine - np.maximum(0.8 * w * (1 - t**p.belly), 0.004)
        open_ = 0.0 if draw.chance(0.55) else draw.rng.uniform(15, 140)
        fold = [_blade(long, spine, edge, 0.6 * k + 0.006).turned("z", open_)]
        if draw.chance(0.4):
            fold += [
                (_blade(f * long, 0.3 * spine, 0.3 * edge, 0.6 * k).turned("z", a).moved(0, y, z))
                for f, a, y, z in ((0.7, 160, -grip, 0.015), (0.5, 60, 0, -0.015))
            ]
        out.append((combine(fold), 0))
        shape = cushion(hilt, grip + 0.06, 0.35 * hilt + 0.5 * k, p.round, 14)
        bent = taper(shape, p.swell, 1).moved(y=-grip / 2)
        out.append((bent, 1))
        out.append(
            (
                cylinder(0.15 * hilt, 0.45 * hilt + 0.6 * k, 10)
                .turned("x", 90)
                .moved(0, -0.02, -0.22 * hilt - 0.3 * k),
                2,
            )
        )
        if draw.chance(0.4):
            out.append((box(0.35 * hilt, 0.6 * grip, 0.01).moved(0.35 * hilt, -0.5 * grip, 0.2 * hilt + 0.25 * k), 2))
    else:
        if variant == "kitchen":
            spine = 0.02 - 0.5 * p.point * w * np.maximum(t - 0.4, 0) ** 2
            edge = spine - np.maximum(w * (1 - t**p.belly), 0.004)
        elif variant == "combat":
            w *= 0.85
            spine = 0.4 * w - 0.7 * w * (np.maximum(t - 1 + p.clip, 0) / p.clip) ** 1.3
            edge = np.minimum(-0.6 * w + 0.3 * w * np.maximum(t - 0.6, 0) ** 2 * 6, spine - 0.004)
        else:
            w, k = 0.55 * w + 0.02, 0.8 * k
            spine = 0.5 * w * np.where(t > 0.9, 1 - ((t - 0.9) / 0.1) ** 2, 1) * (1 - 0.2 * t)
            edge = (
                -0.5
                * w
                * np.where(t > 0.85, np.maximum(1 - ((t - 0.85) / 0.15) ** 2, -0.9), 1)
                * (0.75 + 0.25 * np.sin(np.pi * t))
            )
            edge = np.minimum(edge, spine - 0.004)
        out.append((_blade(long, spine, edge, k), 0))
        x = -0.3 * w if variant == "kitchen" else 0.0
        style = draw.integer("handle", 0, 2)
        a = np.linspace(0, 1, 7)
        if style == 0:
            shape = side(
                [
                    (0, 0),
                    (0.5 * hilt, 0),
                    (0.42 * hilt * p.swell, -0.4 * grip),
                    (0.55 * hilt, -grip),
                    (-0.55 * hilt, -1.02 * grip),
                    (-0.5 * hilt * p.swell, -0.45 * grip),
                    (-0.5 * hilt, 0),
                ],
                0.5 * hilt,
            ).turned("y", 90)
        elif style == 1:
            shape = cushion(hilt, grip, 0.55 * hilt, p.round, 14).moved(y=-grip / 2)
        else:
            wide = 0.5 * hilt * (0.85 + 0.2 * p.swell * np.sin(2.5 * np.pi * a) ** 2)
            shape = stack([(-grip * (1 - u), q, 0.6 * q) for u, q in zip(a, wide, strict=True)], 10)
        out.append((shape.moved(x), 1))
        if style == 0 or draw.chance(0.3):
            rivet = cylinder(0.13 * hilt, 0.6 * hilt, 8).turned("x", 90)
            out.append((copies(rivet, [(x, -f * grip, -0.3 * hilt) for f in (0.2, 0.5, 0.8)]), 2))
        if variant == "combat":
            reach = 0.5 * w + 0.3 * p.guard + 0.02
            out.append((cushion(2 * reach, 0.035, 0.7 * hilt, 0.4, 10), 2))
            if draw.chance(0.4):
                out.append(
                    (
                        copies(
                            box(0.03, 0.03, k).turned("z", 45),
                            [(0.4 * w, y, 0) for y in np.linspace(0.1, 0.5, 7) * long],
                        ),
                        0,
                    )
                )
        elif variant == "kitchen" or draw.chance(0.5):
            out.append((cushion(1.05 * hilt, 0.05, 0.6 * hilt, 0.4, 10).moved(x, 0.0), 2))
    rest = draw.integer("rest", 0, 3)
    if rest == 1:
        out = turned(out, "x", 90)
    elif rest == 2:
        out = turned(turned(out, "x", 90), "z", 90)
    elif rest == 3:
        out = turned(out, "z", draw.rng.uniform(60, 120))
    return out
