"""Benches."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, moved, padded, rod, turned
from datasets.demo.families.forms import side, smooth
from datasets.demo.families.frames import box_frame, chair_arms, chair_back, ends, front_of, stand
from datasets.demo.mesh import box, cylinder, ellipsoid, sheet, slab, tube

DEMO_BENCHES = ("park", "backless", "slab", "picnic")


@family(
    "bench", ("seat", "back", "legs", "arms"), DEMO_BENCHES,
    more=("cast iron", "upholstered", "log", "pew", "storage", "curved", "on stand", "planter", "workout", "piano"),
    synonyms=("park bench", "garden bench", "pew", "bench seat"),
)  # fmt: skip
def bench(variant: str, draw: Draw) -> Pieces:
    """Long hard seat."""
    if variant not in DEMO_BENCHES:
        return _more_bench(variant, draw)
    p = draw(
        width=(0.8, 2.3), depth=(0.28, 0.65), seat_height=(0.3, 0.55), seat_thick=(0.03, 0.13), leg_thick=(0.04, 0.14),
        back_height=(0.28, 0.6), recline=(2, 20), inset=(0.0, 0.15), gap=(0.1, 0.4),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.seat_height, p.seat_thick
    under = h - t

    def planks(width: float, depth: float, thick: float, part: int) -> Pieces:
        count = draw.integer("planks", 2, 5)
        pitch = depth / count
        size = pitch * (1 - p.gap * 0.6)
        return [
            (box(width, thick, size).moved(0, thick / 2, -depth / 2 + (k + 0.5) * pitch), part) for k in range(count)
        ]

    pieces: Pieces = []
    slatted = variant in ("park", "picnic") or draw.chance(0.35)
    if slatted:
        pieces += moved(planks(w, d, t * 0.7, 0), y=h - t * 0.7)
        cross = p.leg_thick * 0.8
        pieces += ends(w * (0.46 - p.inset), (under - cross * 0.3, h - t * 0.6), (-d * 0.48, d * 0.48), cross, 2)
    else:
        pieces.append((slab((-w / 2, w / 2), (under, h), (-d / 2, d / 2)), 0))
    if variant == "slab":
        thick = p.leg_thick
        pieces += ends(w * (0.5 - p.inset) - thick / 2, (0, under), (-d * 0.46, d * 0.46), thick, 2)
        if draw.chance(0.4):
            pieces.append((slab((-w * 0.3, w * 0.3), (under * 0.3, under * 0.45), (-t / 2, t / 2)), 2))
        has_back = draw.chance(0.3)
    elif variant == "picnic":
        # The table between two benches; the seat planks above are the table's near bench.
        side = d / 2 + 0.28 + p.depth * 0.6
        bench_pieces = pieces
        top = h * 1.6
        pieces = moved(bench_pieces, z=side) + moved(bench_pieces, z=-side)
        pieces += moved(planks(w, p.depth * 2, t, 0), y=top)
        for s in (-1, 1):
            x = s * w * (0.4 - p.inset)
            for k in (-1, 1):
                leg = beam((k * (side + d * 0.2), 0, 0), (k * p.depth * 0.5, top, 0), p.leg_thick, p.leg_thick * 0.6)
                pieces.append((leg.turned("y", 90).moved(x=x), 2))
            bar = slab((x - p.leg_thick * 0.3, x + p.leg_thick * 0.3), (under - p.leg_thick, under), (-side, side))
            pieces.append((bar, 2))
        return pieces
    else:
        pieces += legs(
            draw, w * (1 - 2 * p.inset), d * 0.95, under, p.leg_thick, 2, 6 if w > 1.7 and draw.chance(0.5) else 4
        )
        has_back = variant == "park"
        if variant == "backless" and draw.chance(0.5):
            y = under * 0.3
            pieces.append((slab((-w * (0.5 - p.inset), w * (0.5 - p.inset)), (y, y + t * 0.7), (-t / 2, t / 2)), 2))
    if has_back:
        if draw.chance(0.6):
            back = planks(w, p.back_height, t * 0.7, 1)
            back = moved(turned(back, "x", 90), y=p.back_height * 0.6)
            back += [
                (slab((x - t / 2, x + t / 2), (-t, p.back_height), (-t * 1.4, -t * 0.3)), 1)
                for x in (-w * 0.4, w * 0.4)
            ]
        else:
            back = chair_back(draw, w, p.back_height, t * 0.8, 1, draw.integer("bench back", 2, 3))
        pieces += moved(turned(back, "x", -p.recline), 0, h - t * 0.3, -d / 2 + t * 0.4)
        if draw.chance(0.6):
            pieces += chair_arms(draw, w * 0.97, d, h, p.back_height * 0.7, p.leg_thick * 0.8, 3)
    return pieces


def _more_bench(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(1.0, 1.9), depth=(0.34, 0.55), seat_height=(0.38, 0.5), seat_thick=(0.03, 0.09), leg_thick=(0.04, 0.09),
        back_height=(0.32, 0.6), recline=(4, 20), inset=(0.02, 0.14),
    )  # fmt: skip
    w, d, h, t, thick, back = p.width, p.depth, p.seat_height, p.seat_thick, p.leg_thick, p.back_height
    x, under = w / 2, h - t
    lean = np.sin(np.radians(p.recline)) * back
    if variant == "cast iron":  # slats from one curved side frame to the other
        n = draw.integer("slats", 4, 8)
        pieces: Pieces = [
            (slab((-x, x), (h - 0.03, h), (z - 0.4 * d / n, z + 0.4 * d / n)), 0)
            for z in np.linspace(-d * 0.42, d * 0.45, n)
        ]
        rows = np.linspace(0.2, 1, draw.integer("back slats", 2, 6))
        pieces += [
            (
                box(w, 0.3 * back / len(rows) + 0.03, 0.025)
                .turned("x", -p.recline)
                .moved(0, h + v * back, -d / 2 - v * lean),
                1,
            )
            for v in rows
        ]
        frame = smooth([(0.55 * d, 0), (0.4 * d, 0.6 * h), (-0.45 * d, h - 0.05), (-d / 2 - lean, h + back)], 4)
        leg = smooth([(-0.65 * d, 0), (-0.45 * d, 0.5 * h), (-0.2 * d, h - 0.04)], 3)
        arm = smooth([(0.4 * d, h - 0.05), (0.55 * d, h + 0.22), (0.0, h + 0.24), (-0.55 * d, h + 0.22)], 4)
        for s in (-1, 1) if w < 1.5 else (-1, 0, 1):
            for part, path in ((2, frame), (2, leg), (3, arm)):
                if part == 2 or s:
                    pieces.append(
                        (
                            tube(
                                np.c_[np.full(len(path), s * x * (1 - p.inset)), path[:, 1], path[:, 0]], thick * 0.4, 6
                            ),
                            part,
                        )
                    )
        return pieces
    if variant == "log":
        r = 0.5 * d
        half = [(r * np.cos(a), r * np.sin(a)) for a in np.linspace(-np.pi, 0, 9)]
        pieces = [(side(half, w).moved(y=h), 0)]
        for s in (-1, 1):
            z = x * (1 - 2 * p.inset) * s * 0.85
            pieces.append(
                (cylinder(0.35 * r + 0.04, d * 0.9, 12).turned("x", 90).moved(z, (h - r) * 0.5, -d * 0.45), 2)
                if draw.chance(0.5)
                else (box(0.12, h - 0.6 * r, d * 0.6).moved(z, (h - 0.6 * r) / 2, 0), 2)
            )
        if draw.chance(0.4):
            pieces += [
                (side(half, w).turned("x", 80).scaled(1, 1, 0.5).moved(0, h + 0.3, -d * 0.55), 1),
                *[(box(0.07, 0.35, 0.06).moved(s * x * 0.6, h + 0.12, -d * 0.45), 1) for s in (-1, 1)],
            ]
        return pieces
    if variant == "pew":
        pieces = [
            (slab((-x, x), (under, h), (-d / 2, d / 2)), 0),
            (slab((-x, x), (0.1, h + back + 0.1), (-0.02, 0.02)).turned("x", -p.recline * 0.5).moved(z=-d / 2), 1),
        ]
        outline = [
            (-0.62 * d, 0),
            (0.55 * d, 0),
            (0.55 * d, h + 0.15),
            (0.1 * d, h + 0.25),
            (-0.35 * d, h + back + 0.15),
            (-0.62 * d, h + back + 0.15),
        ]
        pieces += [(side(outline, thick).moved(s * x), 2) for s in (-1, 1)]
        if draw.chance(0.5):
            pieces.append((slab((-x, x), (h + back * 0.5, h + back * 0.5 + 0.02), (-d * 0.62 - 0.15, -d * 0.55)), 1))
        return pieces
    if variant == "storage":
        pieces = [
            (slab((-x, x), (0, under), (-d / 2, d / 2)), 2),
            (padded(w, t * 1.4, d, draw.chance(0.6)).moved(y=h - t * 0.4), 0),
        ]
        n = draw.integer("fronts", 2, 4)
        edge = np.linspace(-x, x, n + 1)
        pieces += [
            piece
            for a, b in zip(edge[:-1], edge[1:], strict=True)
            for piece in front_of(draw, (a, b), (0.04, under), d / 2, 2, 2, draw.integer("grip", 0, 2), "drawer")
        ]
        if draw.chance(0.6):
            pieces.append((slab((-x, x), (h, h + back), (-d / 2, -d / 2 + 0.04)), 1))
            pieces += ends(x - 0.02, (h, h + back * 0.6), (-d / 2, d / 2), 0.04, 3) if draw.chance(0.5) else []
        return pieces
    if variant == "curved":
        sweep, n = np.radians(draw(sweep=(50, 150)).sweep), 14
        radius = w / sweep + d
        a = np.linspace(-sweep / 2, sweep / 2, n)
        ring_ = np.stack([np.sin(a), 0 * a, -np.cos(a)], -1)
        grid = np.stack([ring_ * r + [0, h - t / 2, 0] for r in (radius - d, radius)])
        pieces = [(sheet(grid, t), 0)]
        at = (radius - d / 2) * ring_[1 :: max(n // 4, 1)]
        pieces += [
            (
                box(0.08, under, d * 0.8)
                .turned("y", -np.degrees(np.arctan2(q[0], -q[2])))
                .moved(q[0], under / 2, q[2]),
                2,
            )
            for q in at
        ]
        if draw.chance(0.6):
            up = np.stack([ring_ * radius + [0, y, 0] for y in (h + 0.12, h + back)])
            pieces += [
                (sheet(up, 0.03), 1),
                *[
                    (rod(radius * q + [0, under, 0], radius * q + [0, h + back * 0.6, 0], 0.02, 6), 1)
                    for q in ring_[1::4]
                ],
            ]
        return moved(pieces, z=radius)
    if variant == "workout":
        pieces = [
            (padded(0.6 * p.depth, p.seat_thick + 0.03, w * 0.4, True).moved(0, h, w * 0.2), 0),
            (
                padded(0.6 * p.depth, p.seat_thick + 0.03, w * 0.5, True)
                .moved(0, 0, -w * 0.25)
                .turned("x", 2 * p.recline)
                .moved(0, h, 0),
                1,
            ),
        ]
        for z in (w * 0.35, -w * 0.35):
            pieces += [(rod((0, h, z), (0, 0.02, z), 0.03, 4), 2), (rod((-0.28, 0.02, z), (0.28, 0.02, z), 0.03, 4), 2)]
        pieces.append((rod((0, 0.7 * h, w * 0.35), (0, 0.7 * h, -w * 0.35), 0.03, 4), 2))
        if draw.chance(0.6):
            pieces += [(rod((s * 0.35, 0, -w * 0.5), (s * 0.35, h + 0.5, -w * 0.5), 0.025, 6), 3) for s in (-1, 1)]
            pieces.append((rod((-0.7, h + 0.5, -w * 0.48), (0.7, h + 0.5, -w * 0.48), 0.014, 6), 3))
            pieces += [
                (cylinder(0.2, 0.06, 18).turned("z", 90).moved(s * 0.62 + 0.03, h + 0.5, -w * 0.48), 3) for s in (-1, 1)
            ]
        return pieces
    if variant == "planter":
        pieces = [(slab((-x, x), (under, h), (-d / 2, d / 2)), 0)]
        size = d * 1.15
        for s in (-1, 1):
            pieces.append((box(size, h + 0.1, size).moved(s * (x + size * 0.45), (h + 0.1) / 2), 2))
            pieces.append(
                (
                    ellipsoid(size * 0.45, back * 0.7, size * 0.45, 10).moved(
                        s * (x + size * 0.45), h + 0.1 + back * 0.4
                    ),
                    3,
                )
            )
        return pieces
    if variant == "piano":
        w, x = 0.5 * w, 0.25 * w
        return [
            (padded(w, t * 1.6, d, True).moved(y=h - t * 0.5), 0),
            *box_frame(x * 0.92, (under - 0.1, under), d * 0.44, 0.03, 2),
            *legs(draw, w * 0.95, d * 0.95, under, thick * 0.8, 2),
        ]
    soft = variant == "upholstered"
    pieces = [(padded(w, t * (1.8 if soft else 1), d, soft).moved(y=h - t / 2), 0)]
    pieces += stand(draw, w * (1 - p.inset), d * 0.92, under, thick, 2)
    if soft and draw.chance(0.4):
        pieces += [(cylinder(0.07, d, 12).turned("x", 90).moved(s * x, h + 0.08, -d / 2), 3) for s in (-1, 1)]
    elif draw.chance(0.4):
        behind = chair_back(draw, w, back, 0.04, 1, draw.integer("bench back", 1, 4))
        pieces += moved(turned(behind, "x", -p.recline), 0, h - t * 0.5, -d / 2 + 0.02)
    return pieces
