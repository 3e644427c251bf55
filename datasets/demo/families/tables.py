"""Tables."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, moved, ornament, pedestal, placed, rod
from datasets.demo.families.frames import (
    box_frame,
    corners,
    crossed,
    drawer_stack,
    ends,
    hoops,
    seats_round,
    stand,
    superellipse,
    tabletop,
)
from datasets.demo.families.seating import chair
from datasets.demo.families.stools import stool
from datasets.demo.mesh import box, cylinder, ellipsoid, extrude, frustum, lathe, slab

DEMO_TABLES = ("four legs", "round pedestal", "trestle", "with shelf", "block")


@family(
    "table", ("top", "legs", "shelf", "things", "chairs"), DEMO_TABLES,
    more=("dining set", "round set", "picnic", "folding", "glass", "coffee", "outline", "console", "billiard",
          "ping-pong", "nest", "laid", "pillars", "side table"),
    synonyms=("dining table", "coffee table", "side table", "end table", "kitchen table"),
)  # fmt: skip
def table(variant: str, draw: Draw) -> Pieces:
    """Table to eat at or to stand things on, low or high."""
    if variant not in DEMO_TABLES:
        return _more_table(variant, draw)
    p = draw(
        width=(0.45, 2.2), depth=(0.4, 1.1), height=(0.28, 1.0), top_thick=(0.02, 0.12), leg_thick=(0.03, 0.16),
        inset=(0.0, 0.2), apron=(0.0, 0.16), shelf_height=(0.12, 0.55), roundness=(0.85, 1.2),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.height, p.top_thick
    under = h - t
    pieces: Pieces = []
    if variant == "round pedestal":
        w, d = d, d * p.roundness
        pieces += tabletop(w, d, h, t, draw.chance(0.8), 0)
        star = draw.integer("star", 3, 4) if draw.chance(0.4) else 0
        pieces += pedestal(under, p.leg_thick * 0.6, (0.5 - p.inset) * min(w, d), 1, star)
    elif variant == "trestle":
        pieces += tabletop(w, d, h, t, False, 0)
        cross = draw.chance(0.5)
        thick = p.leg_thick * 0.8
        for s in (-1, 1):
            x = s * w * (0.47 - p.inset)
            if cross:
                pieces += crossed(x, d * 0.84, under, thick, 1)
            else:
                pieces.append((slab((x - thick / 2, x + thick / 2), (0, thick), (-d * 0.42, d * 0.42)), 1))
                pieces.append((slab((x - thick / 2, x + thick / 2), (thick, under), (-d * 0.12, d * 0.12)), 1))
        reach = w * (0.47 - p.inset)
        y = under * (0.5 if cross else p.shelf_height)
        pieces.append((slab((-reach, reach), (y - thick / 2, y + thick / 2), (-thick / 2, thick / 2)), 1))
    elif variant == "block":
        pieces += tabletop(w, d, h, t, False, 0)
        thick = max(p.leg_thick * 0.7, 0.04)
        if draw.chance(0.6):
            pieces += ends(w / 2 - thick / 2, (0, under), (-d / 2, d / 2), thick, 1)
            if draw.chance(0.4):
                y = under * p.shelf_height
                pieces.append((slab((-w / 2 + thick, w / 2 - thick), (y, y + thick), (-d / 2, d / 2)), 2))
        else:
            k = 0.5 - p.inset
            pieces.append((slab((-w * k, w * k), (0, under), (-d * k, d * k)), 1))
    else:
        round_top = draw.chance(0.3)
        if round_top:
            w = min(w, d * 1.6)
        pieces += tabletop(w, d, h, t, round_top, 0)
        k = (0.7 if round_top else 1.0) * (1 - p.inset)
        pieces += legs(draw, w * k, d * k, under, p.leg_thick, 1, 3 if round_top and draw.chance(0.4) else 4)
        if p.apron > 0.06 and not round_top:
            low, thin = under - min(p.apron, under * 0.3), p.leg_thick * 0.4
            x, z = w * k / 2 - thin, d * k / 2 - thin
            pieces += box_frame(x, (low, under), z, thin, 1)
        if variant == "with shelf":
            y = under * p.shelf_height
            pieces += tabletop(w * k * 0.95, d * k * 0.95, y + t * 0.7, t * 0.7, round_top, 2)
    for _ in range(draw.integer("things", 0, 2) if draw.chance(0.35) else 0):
        size = draw.rng.uniform(0.1, 0.25)
        at = draw.rng.uniform(-0.3, 0.3, 2)
        pieces += moved(ornament(draw, size, 3), at[0] * w, h, at[1] * d)
    return pieces


def _more_table(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.7, 2.0), depth=(0.5, 1.1), height=(0.62, 0.84), top_thick=(0.015, 0.07), leg_thick=(0.025, 0.1),
        inset=(0.0, 0.15), level=(0.15, 0.5), size=(0.6, 1.0),
    )  # fmt: skip
    w, d, h, t, thick = p.width, p.depth, p.height, p.top_thick, p.leg_thick
    under = h - t
    if variant in ("dining set", "round set"):
        round_ = variant == "round set"
        w = d * draw(aspect=(0.9, 1.15)).aspect if round_ else w * 1.1
        pieces = tabletop(w, d, h, t, round_, 0)
        if round_ and draw.chance(0.7):
            pieces += pedestal(under, thick, 0.35 * d, 1, 4 * draw.integer("star", 0, 1))
        else:
            pieces += stand(
                draw, w * (0.7 if round_ else 1 - p.inset), d * (0.7 if round_ else 1 - p.inset), under, thick, 1
            )
        size = draw(chair_scale=(0.85, 1.1)).chair_scale
        kind = ("four legs", "four legs", "cantilever", "shell", "sled")[draw.integer("chair", 0, 4)]
        seat = chair(kind, draw) if draw.chance(0.85) else stool("four legs", draw)
        tall = max(float(mesh.vertices[:, 1].max()) for mesh, _ in seat)
        seat = [
            (mesh.scaled(size * min(1.0, 1.05 / tall), size * 0.95 / tall, size * min(1.0, 1.05 / tall)), part)
            for mesh, part in seat
        ]
        each = (1, 1) if round_ else (int(np.clip(w / 0.65, 1, 4)), draw.integer("heads", 0, 1))
        pieces += seats_round(seat, w / 2, d / 2, each, draw(pulled=(0.0, 0.3)).pulled, 4)
        if draw.chance(0.3):
            pieces += moved(ornament(draw, 0.25, 3), 0, h)
        return pieces
    if variant == "picnic":
        w, d = w * 0.9 + 0.3, d * 0.7 + 0.2
        planks, gap = draw.integer("planks", 3, 6), 0.08
        pitch = d / planks
        board = slab((-w / 2, w / 2), (under, h), (-pitch * (0.5 - gap), pitch * (0.5 - gap)))
        pieces = [(board.moved(z=(k - (planks - 1) / 2) * pitch), 0) for k in range(planks)]
        out, low = d / 2 + 0.3, h * 0.6
        for s in (-1, 1):
            pieces.append((slab((-w / 2, w / 2), (low - t, low), (s * out - 0.13, s * out + 0.13)), 4))
            pieces += crossed(s * w * (0.4 - p.inset / 2), 2 * out * 0.95, under, thick, 1)
        return pieces + ends(w * (0.4 - p.inset / 2), (low - t - 0.08, low - t), (-out, out), thick * 0.7, 1)
    if variant == "folding":
        pieces = tabletop(w, d, h, t * 0.6, draw.chance(0.2), 0)
        x = w * (0.42 - p.inset)
        if draw.chance(0.5):  # one large X along the length
            bars = [beam((-x * k, 0, 0), (x * k, under, 0), thick * 0.6, thick * 0.4) for k in (-1, 1)]
            return pieces + [(bar.moved(z=s * d * 0.4), 1) for bar in bars for s in (-1, 1)]
        for s in (-1, 1):
            pieces += [(rod((s * x, 0, z), (s * x * 0.8, under, z), thick * 0.3, 6), 1) for z in (-d * 0.42, d * 0.42)]
            pieces.append((rod((s * x, 0.02, -d * 0.42), (s * x, 0.02, d * 0.42), thick * 0.3, 6), 1))
            pieces.append((rod((s * x * 0.9, under / 2, 0), (s * x * 0.3, under, 0), thick * 0.2, 6), 1))
        return pieces
    if variant == "glass":
        h = h * (0.6 if draw.chance(0.6) else 1)
        t = 0.5 * t + 0.005
        under, round_ = h - t, draw.chance(0.4)
        pieces = tabletop(w, d, h, t, round_, 0)
        k = 0.65 if round_ else 1 - p.inset
        pieces += stand(draw, w * k, d * k, under, thick * 0.7, 1)
        if draw.chance(0.7):
            pieces += tabletop(w * k * p.size, d * k * p.size, under * p.level, t, round_, 2)
        return pieces
    if variant == "coffee":
        h *= 0.55
        under, k = h - t, 1 - p.inset
        pieces = tabletop(w, d, h, t, draw.chance(0.25), 0)
        if draw.chance(0.4):
            pieces += drawer_stack(
                draw, (-w * 0.4, w * 0.4), (under - 0.14, under), (-d * 0.4, d * 0.42), (2, 2, 3), 0, 1
            )
        pieces += stand(draw, w * k * 0.9, d * k * 0.9, under, thick, 1)
        if draw.chance(0.5):
            pieces.append(
                (slab((-w * 0.4, w * 0.4), (under * p.level, under * p.level + 0.02), (-d * 0.4, d * 0.4)), 2)
            )
        if draw.chance(0.5):
            pieces += placed(ornament(draw, 0.25, 3), w * 0.2, h, 0, 30)
        return pieces
    if variant == "outline":  # a top that is neither a rectangle nor a circle
        kind, n = draw.integer("outline", 0, 3), 24
        a = np.arange(n) * 2 * np.pi / n
        if kind == 0:
            n = draw.integer("corners", 5, 8)
            a = (np.arange(n) + 0.5) * 2 * np.pi / n
            outline = np.stack([np.cos(a), np.sin(a)], -1)
        elif kind == 1:
            outline = superellipse(2, 2, 0.3 + 0.5 * p.size, n)
        elif kind == 2:  # a boat
            outline = np.stack(
                [
                    np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 0.35,
                    np.sin(a) * np.where(np.abs(np.sin(a)) > 0.9, 1, 0.85),
                ],
                -1,
            )
        else:  # a pebble
            r = 1 + 0.15 * np.sin(2 * a + 6 * p.level) + 0.1 * np.sin(3 * a)
            outline = np.stack([r * np.cos(a), r * np.sin(a)], -1)
        pieces = [(extrude(outline * [w / 2, d / 2], t).turned("x", 90).moved(y=h - t / 2), 0)]
        if draw.chance(0.5):
            return pieces + stand(draw, w * 0.6, d * 0.55, under, thick, 1)
        if w > 1.3:
            return pieces + [
                (mesh.moved(s * w * 0.25), 1) for mesh, _ in pedestal(under, thick, 0.3 * d, 1) for s in (-1, 1)
            ]
        return pieces + pedestal(under, thick, 0.35 * d, 1, draw.integer("star", 3, 5))
    if variant == "console":
        d = 0.45 * d
        pieces = tabletop(w, d, h, t, False, 0)
        pieces += legs(draw, w * 0.96, d * 0.95, under, thick * 0.7, 1)
        count = draw.integer("drawers", 0, 3)
        edge = np.linspace(-w * 0.45, w * 0.45, count + 1)
        for x0, x1 in zip(edge[:-1], edge[1:], strict=True):
            pieces += drawer_stack(draw, (x0, x1), (under - 0.15, under), (-d * 0.45, d * 0.45), (2, 2, 3), 0, 1)
        if not count:
            pieces += box_frame(w * 0.46, (under - 0.1, under), d * 0.42, 0.02, 1)
        if draw.chance(0.6):
            y = under * p.level * 0.7
            pieces.append((slab((-w * 0.46, w * 0.46), (y, y + 0.025), (-d * 0.45, d * 0.45)), 2))
        for x in (-0.3, 0.3):
            if draw.chance(0.5):
                pieces += moved(ornament(draw, 0.3, 3), x * w, h)
        return pieces
    if variant in ("billiard", "ping-pong"):
        w, d = 1.2 + 0.7 * w, 0.6 + 0.8 * d
        if variant == "ping-pong":
            pieces = [(slab(x, (h - 0.03, h), (-d / 2, d / 2)), 0) for x in ((-w / 2, -0.004), (0.004, w / 2))]
            pieces.append((slab((-0.008, 0.008), (h, h + 0.16), (-d * 0.54, d * 0.54)), 3))
            for s in (-1, 1):
                pieces += moved(hoops(w * 0.14, (0, h - 0.03), (-d * 0.4, d * 0.4), thick * 0.7, 1), s * w * 0.24)
            return pieces
        deep = 0.12 + t
        pieces = [(slab((-w / 2, w / 2), (h - deep, h), (-d / 2, d / 2)), 0)]
        pieces += box_frame(w / 2, (h - 0.4 * deep, h + 0.05), d / 2, 0.1, 2)
        hole = cylinder(0.055, 0.06, 10)
        pieces += [(hole.moved(x * w / 2, h - 0.002, s * d / 2), 2) for x in (-1, 0, 1) for s in (-1, 1)]
        pieces += legs(draw, w * 0.9, d * 0.88, h - deep, thick + 0.07, 1, 6 if draw.chance(0.4) else 4)
        ball = ellipsoid(0.03, 0.03, 0.03, 8)
        balls = draw.rng.uniform(-0.4, 0.4, (draw.integer("balls", 1, 7), 2)) * [w, d]
        pieces += [(ball.moved(x, h + 0.03, z), 3) for x, z in balls]
        if draw.chance(0.5):
            pieces.append((rod((-0.3 * w, h + 0.03, 0.1), (0.1 * w, h + 0.06, 0.3 * d), (0.012, 0.006), 6), 3))
        return pieces
    if variant == "nest":
        pieces = []
        w, d, h = 0.5 * w + 0.1, 0.6 * d, h * 0.75
        style = draw.integer("nest legs", 0, 1)
        for k in range(draw.integer("nest", 2, 3)):
            size, high = 1 - 0.2 * k, h * (1 - 0.13 * k)
            one = tabletop(w * size, d * size, high, t, False, 0)
            inner = high - t
            if style:
                one += corners(
                    box(thick * 0.6, inner, thick * 0.6).moved(y=inner / 2), w * size * 0.46, d * size * 0.46, 1
                )
            else:
                one += ends(w * size / 2 - 0.02, (0, inner), (-d * size / 2, d * size / 2), 0.03, 1)
            pieces += moved(one, 0.0, 0, k * d * (0.15 + p.level))
        return pieces
    if variant == "laid":
        pieces = tabletop(w, d, h, t, draw.chance(0.25), 0) + legs(draw, w * 0.7, d * 0.75, under, thick, 1)
        plate = lathe([(0, 0), (0.07, 0), (0.12, 0.02), (0.115, 0.024), (0, 0.008)], 14)
        for x in np.linspace(-0.3, 0.3, max(int(w / 0.5), 2)) * w:
            for s in (-1, 1):
                pieces.append((plate.moved(x, h, s * d * 0.3), 3))
                if draw.chance(0.5):
                    glass = frustum(0.022, 0.035, 0.12, 10)
                    pieces.append((glass.moved(x + 0.13, h, s * d * 0.17), 3))
        return pieces + moved(ornament(draw, 0.12 + 0.25 * p.level, 3), 0, h)
    if variant == "pillars":
        pieces = tabletop(w * 1.1, d, h, t, draw.chance(0.3), 0)
        x = w * (0.33 - 0.6 * p.inset)
        fat = thick + 0.06
        style = draw.integer("pillar", 0, 2)
        for s in (-1, 1):
            if style == 0:
                pieces.append(
                    (
                        lathe(
                            [
                                (0, 0),
                                (0.3 * d, 0),
                                (0.3 * d, 0.05),
                                (fat, 0.12),
                                (0.7 * fat, 0.5 * under),
                                (fat, 0.9 * under),
                                (0.2 * d, under),
                                (0, under),
                            ],
                            16,
                        ).moved(s * x),
                        1,
                    )
                )
            elif style == 1:
                pieces.append((slab((s * x - fat * 0.5, s * x + fat * 0.5), (0, under), (-d * 0.32, d * 0.32)), 1))
                pieces.append((slab((s * x - fat, s * x + fat), (0, 0.06), (-d * 0.42, d * 0.42)), 1))
            else:
                pieces += [
                    (beam((s * x, 0, 0), (s * (x + 0.2), under, 0), fat * 0.6, fat).moved(z=z), 1)
                    for z in (-0.3 * d, 0.3 * d)
                ]
                pieces += [
                    (beam((s * (x + 0.2), 0, 0), (s * x, under, 0), fat * 0.6, fat).moved(z=z), 1)
                    for z in (-0.3 * d, 0.3 * d)
                ]
        if draw.chance(0.5):
            pieces.append((slab((-x, x), (under * p.level, under * p.level + fat * 0.6), (-0.03, 0.03)), 1))
        return pieces
    w = d = 0.45 * d + 0.1  # a side table
    kind = draw.integer("side table", 0, 3)
    h *= 0.85
    under = h - t
    if kind == 0:  # a C that reaches over a sofa
        pieces = tabletop(w * 1.2, d, h, t, False, 0)
        pieces += [(slab((-w * 0.6, -w * 0.6 + thick * 0.6), (0, under), (-d * 0.4, d * 0.4)), 1)]
        return pieces + [(slab((-w * 0.6, w * 0.5), (0, 0.02), (-d * 0.45, d * 0.45)), 1)]
    if kind == 1:  # a drum
        pieces = tabletop(w, d, h, t, True, 0)
        return pieces + [(frustum(0.5 * w * p.size, 0.35 * w + 0.1 * w * p.level, under, 20), 1)]
    pieces = tabletop(w, d, h, t, draw.chance(0.6), 0)
    pieces += (
        pedestal(under, thick * 0.5, 0.45 * w, 1, 3 * draw.integer("star", 0, 1))
        if kind == 2
        else stand(draw, w * 0.7, d * 0.7, under, thick * 0.5, 1)
    )
    return pieces + moved(ornament(draw, 0.3 * p.size, 3), 0, h)
