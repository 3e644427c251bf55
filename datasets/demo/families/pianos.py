"""Pianos."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, moved, padded, pedestal, rod
from datasets.demo.families.forms import smooth
from datasets.demo.families.frames import ends, hoops, relabelled
from datasets.demo.mesh import Mesh, box, combine, cylinder, extrude, frustum, lathe, slab, tube

DEMO_PIANOS = ("upright", "grand", "digital", "spinet")


@family(
    "piano", ("body", "keys", "legs", "lid", "stool"), DEMO_PIANOS,
    more=("baby grand", "concert grand", "cottage", "stage", "keyboard stand", "organ", "toy", "player", "harpsichord"),
    synonyms=("grand piano", "upright piano", "pianoforte"),
)  # fmt: skip
def piano(variant: str, draw: Draw) -> Pieces:
    """Piano with its keyboard at the front."""
    if variant not in DEMO_PIANOS:
        return _more_piano(variant, draw)
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


def _more_piano(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(1.25, 1.55), depth=(0.3, 0.5), height=(1.0, 1.4), key_height=(0.62, 0.74), key_depth=(0.13, 0.2),
        shelf=(0.06, 0.14), leg_thick=(0.06, 0.12), lid=(20, 48),
    )  # fmt: skip
    w, kh, kd, lt = p.width, p.key_height, p.key_depth, p.leg_thick
    x = w / 2
    pieces: Pieces = []

    def row(y: float, z: float, half: float) -> Pieces:
        """White keys with black ones on them, their back at z, and the cheeks at their ends."""
        white = np.linspace(-half, half, 29)
        out: Pieces = [
            (slab((a + 0.002, b - 0.002), (y, y + 0.02), (z, z + kd)), 1)
            for a, b in zip(white[:-1], white[1:], strict=True)
        ]
        black = [k for k in range(1, 28) if k % 7 not in (0, 3)]
        out += [
            (slab((white[k] - 0.011, white[k] + 0.011), (y + 0.02, y + 0.034), (z, z + kd * 0.6)), 1) for k in black
        ]
        return [
            (combine([mesh for mesh, _ in out]), 1),
            *[(slab((s * half, s * (half + 0.05)), (y - p.shelf, y + 0.06), (z, z + kd * 1.05)), 0) for s in (-1, 1)],
        ]

    def seat(z: float) -> Pieces:
        if draw.chance(0.4):
            return []
        if draw.chance(0.4):
            return [
                (cylinder(0.17, 0.06, 18).moved(0, 0.44, z), 4),
                (combine([mesh for mesh, _ in pedestal(0.44, 0.025, 0.2, 4, 4)]).moved(0, 0, z), 4),
            ]
        return [
            (padded(0.6, 0.1, 0.32, True).moved(0, 0.46, z), 4),
            *moved(relabelled(legs(draw, 0.55, 0.28, 0.42, 0.04, 4), 4, 4, 4, 4, 4), z=z),
        ]

    if variant in ("baby grand", "concert grand", "harpsichord"):
        length = {"baby grand": 1.35, "concert grand": 2.5, "harpsichord": 2.1}[variant] * (0.85 + p.depth * 0.6)
        wide = w * (0.75 if variant == "harpsichord" else 1)
        x = wide / 2
        case = 0.2 + 0.6 * p.shelf
        bend = smooth(
            [
                (x, -0.28 * length),
                (0.75 * x, -0.45 * length),
                (0.2 * x, -0.7 * length),
                (-0.25 * x, -0.97 * length),
                (-0.7 * x, -length),
            ],
            4,
        )
        if variant == "harpsichord":
            bend = np.array([(x, -0.15 * length), (0.4 * x, -0.45 * length), (-0.45 * x, -length)])
        plan = np.concatenate([[(-x, 0), (x, 0)], bend, [(-x, -length)]]) * [1, -1]
        top = kh + 0.75 * case

        def plate(y: float, thick: float) -> Mesh:
            return extrude(plan, thick).turned("x", -90).moved(y=y)

        pieces = [
            (plate(top - case / 2, case), 0),
            (slab((-x, x), (kh - p.shelf, kh), (0, kd * 1.05)), 0),
            *row(kh, 0.01, x - 0.05),
        ]
        angle = p.lid if draw.chance(0.7) else 0.0
        pieces.append((plate(0.012, 0.022).moved(x=x).turned("z", angle).moved(-x, top, 0), 3))
        if angle:
            a = np.radians(angle)
            pieces.append(
                (
                    rod(
                        (0.6 * x, top, -0.3 * length),
                        (-x + 1.2 * x * np.cos(a), top + 1.2 * x * np.sin(a), -0.3 * length),
                        0.014,
                        6,
                    ),
                    3,
                )
            )
        pieces.append((box(0.7 * x, 0.2, 0.02).turned("x", -15).moved(0, top + 0.1, -0.1), 3))
        turned_leg = lathe(
            [(0, 0), (0.4 * lt, 0), (0.35 * lt, 0.1), (0.75 * lt, 0.6), (0.5 * lt, 0.8), (0.9 * lt, 1), (0, 1)], 10
        ).scaled(1, top - case, 1)
        leg = turned_leg if draw.chance(0.6) else box(lt, top - case, lt).moved(y=(top - case) / 2)
        pieces += [
            (leg.moved(*at), 2) for at in ((-0.85 * x, 0, -0.12), (0.85 * x, 0, -0.12), (-0.45 * x, 0, -0.85 * length))
        ]
        return pieces + [(box(0.16, 0.35 * kh, 0.03).moved(0, 0.3 * kh, -0.18), 2)] + seat(0.55)
    if variant in ("stage", "keyboard stand"):
        deep = kd + 0.12
        pieces = [(slab((-x, x), (kh, kh + 0.08), (-deep / 2, deep / 2)), 0), *row(kh + 0.08, deep / 2 - kd, x - 0.12)]
        if variant == "stage" and draw.chance(0.6):
            pieces += moved(
                [(slab((-0.7 * x, 0.7 * x), (0, 0.07), (-deep / 2, deep / 2)), 0), *row(0.07, deep / 2 - kd, 0.6 * x)],
                y=kh + 0.3,
                z=-0.12,
            )
            pieces += ends(0.55 * x, (kh + 0.05, kh + 0.32), (-deep / 2 - 0.1, -deep / 2 + 0.02), 0.04, 2)
        style = draw.integer("stand", 0, 2)
        if style == 0:
            bars = [beam((-0.6 * x * k, 0.02, 0), (0.6 * x * k, kh, 0), 0.04, 0.04) for k in (-1, 1)]
            pieces += (
                [(bar, 2) for bar in bars]
                + ends(0.6 * x, (0, 0.04), (-0.25, 0.25), 0.04, 2)
                + ends(0.6 * x, (kh - 0.04, kh), (-deep / 2, deep / 2), 0.04, 2)
            )
        elif style == 1:
            pieces += hoops(0.75 * x, (0.02, kh), (-deep / 2, deep / 2), 0.04, 2)
            pieces.append((rod((-0.75 * x, 0.3 * kh, -deep / 2), (0.75 * x, 0.3 * kh, -deep / 2), 0.018, 6), 2))
        else:
            pieces += legs(draw, 1.7 * x, deep, kh, 0.05, 2)
        pieces.append((box(0.6 * x, 0.2, 0.012).turned("x", -15).moved(0, kh + 0.17, -deep / 2 + 0.03), 3))
        return pieces + seat(deep / 2 + 0.4)
    # uprights of several kinds
    d, h = p.depth, p.height
    if variant == "toy":
        d = 0.8 * d
    if variant == "organ":
        h, d = 1.3 * h, 1.3 * d
    z = d / 2
    pieces = [
        (slab((-x, x), (0, h), (-z, z)), 0),
        (slab((-1.03 * x, 1.03 * x), (h, h + 0.03), (-1.05 * z, 1.12 * z)), 3),
    ]
    pieces += [(slab((-x, x), (kh - p.shelf, kh), (z, z + 1.05 * kd)), 0), *row(kh, z + 0.01, x - 0.06)]
    if variant == "organ":
        pieces += [
            (slab((-x * 0.95, x * 0.95), (kh + 0.1, kh + 0.16), (z, z + 0.7 * kd)), 0),
            *moved(row(kh + 0.16, z, x - 0.1), z=-0.02),
        ]
        n = draw.integer("pipes", 7, 15)
        u = np.linspace(-0.9, 0.9, n)
        pipes = [cylinder(0.4 * w / n, 0.3 + 0.5 * abs(v) ** 1.2, 8).moved(v * x, h + 0.03, 0) for v in u]
        pieces += [(combine(pipes), 3), (slab((-0.5 * x, 0.5 * x), (0.02, 0.06), (z, z + 0.3)), 2)]
    elif variant == "player":
        pieces.append((box(0.45 * w, 0.25, 0.02).moved(0, kh + 0.3, z + 0.01), 3))
        pieces += [(box(0.35 * w, 0.8 * (kh - 0.2), 0.02).moved(s * 0.5 * x, 0.5 * kh, z + 0.01), 3) for s in (-1, 1)]
    else:
        rest = box(0.5 * w, 0.22, 0.02).turned("x", -14)
        pieces.append((rest.moved(0, kh + 0.22, z + 0.05), 3))
        if draw.chance(0.4):  # candle holders
            pieces += [
                (
                    tube(
                        [
                            (s * 0.7 * x, kh + 0.3, z),
                            (s * 0.7 * x, kh + 0.28, z + 0.12),
                            (s * 0.7 * x, kh + 0.38, z + 0.13),
                        ],
                        0.012,
                        6,
                    ),
                    3,
                )
                for s in (-1, 1)
            ]
    leg = (
        lathe([(0, 0), (0.35 * lt, 0), (0.6 * lt, 0.3), (0.35 * lt, 0.6), (0.7 * lt, 1), (0, 1)], 10).scaled(
            1, kh - p.shelf, 1
        )
        if draw.chance(0.5)
        else box(lt, kh - p.shelf, lt).moved(y=(kh - p.shelf) / 2)
    )
    pieces += [(leg.moved(s * (x - lt / 2), 0, z + kd - lt / 2), 2) for s in (-1, 1)]
    pieces += [(box(0.025, 0.02, 0.1).moved(k * 0.06, 0.06, z + 0.05), 2) for k in (-1, 0, 1)]
    pieces += ends(x - lt / 2, (0, 0.06), (-z, z + kd), lt, 2)
    out = pieces + seat(z + kd + 0.35)
    return [(mesh.scaled(0.4, 0.5, 0.5), part) for mesh, part in out] if variant == "toy" else out
