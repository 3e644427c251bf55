"""Benches."""

from __future__ import annotations

from datasets.demo.families.common import Draw, Pieces, beam, family, legs
from datasets.demo.families.frames import chair_arms, chair_back, ends, moved, turned
from datasets.demo.mesh import box, slab


@family("bench", ("seat", "back", "legs", "arms"), ("park", "backless", "slab", "picnic"))
def bench(variant: str, draw: Draw) -> Pieces:
    """Long hard seat."""
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
