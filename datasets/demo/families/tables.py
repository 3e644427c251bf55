"""Tables and desks."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, legs, ornament, pedestal, shell
from datasets.demo.families.frames import box_frame, crossed, ends, front_of, moved, tabletop
from datasets.demo.mesh import box, slab


@family("table", ("top", "legs", "shelf", "things"), ("four legs", "round pedestal", "trestle", "with shelf", "block"))
def table(variant: str, draw: Draw) -> Pieces:
    """Table to eat at or to stand things on, low or high."""
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


@family(
    "desk", ("top", "legs", "drawers", "handles", "screen"), ("pedestal", "two pedestals", "panel", "hutch", "corner")
)
def desk(variant: str, draw: Draw) -> Pieces:
    """Table to work at, with drawers or panels under it."""
    p = draw(
        width=(0.8, 2.0), depth=(0.42, 0.95), height=(0.58, 0.95), top_thick=(0.02, 0.08), leg_thick=(0.03, 0.11),
        drawer_width=(0.2, 0.34), panel_height=(0.2, 0.9), hutch_height=(0.2, 0.7), wing=(0.4, 1.0),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.height, p.top_thick
    under = h - t
    grip = draw.integer("grip", 0, 2)
    pieces = tabletop(w, d, h, t, False, 0)
    z = d / 2 - t

    def drawers(x0: float, x1: float) -> Pieces:
        out: Pieces = [(slab((x0, x1), (0.04, under), (-d / 2 + t, z)), 1)]
        count = draw.integer("drawers", 2, 4)
        edge = np.linspace(0.04, under, count + 1)
        for low, high in zip(edge[:-1], edge[1:], strict=True):
            out += front_of(draw, (x0, x1), (low, high), z, 2, 3, grip, "drawer")
        return out

    def end(x: float) -> Pieces:
        if draw.chance(0.5):
            return [(slab((x - t / 2, x + t / 2), (0, under), (-d / 2, d / 2)), 1)]
        half = p.leg_thick / 2
        post = slab((x - half, x + half), (0, under), (-half, half))
        return [(post.moved(z=s * (d / 2 - half)), 1) for s in (-1, 1)]

    block = p.drawer_width * w
    left = -w / 2 + t
    if variant == "two pedestals":
        pieces += drawers(left, left + block) + drawers(-left - block, -left)
    elif variant == "panel":
        pieces += end(-w / 2 + t) + end(w / 2 - t)
        flat = min(0.14, under * 0.25)
        count = draw.integer("flat drawers", 1, 3)
        edge = np.linspace(-w / 2 + 2 * t, w / 2 - 2 * t, count + 1)
        pieces.append((slab((edge[0], edge[-1]), (under - flat, under), (-d / 2 + t, z)), 2))
        for x0, x1 in zip(edge[:-1], edge[1:], strict=True):
            pieces += front_of(draw, (x0, x1), (under - flat, under), z, 2, 3, grip, "drawer")
    else:
        pieces += drawers(left, left + block) + end(w / 2 - max(t, p.leg_thick) / 2)
    if draw.chance(0.7):
        low = under * (1 - p.panel_height)
        pieces.append((slab((-w / 2 + t, w / 2 - t), (low, under), (-d / 2 + t, -d / 2 + 1.6 * t)), 1))
    if variant == "hutch":
        top, back = h + p.hutch_height, -d / 2 + 0.3 * d
        pieces += shell((-w / 2, w / 2), (h, top), (-d / 2, back), t * 0.8, 4)
        count = draw.integer("hutch bays", 1, 4)
        for x in np.linspace(-w / 2, w / 2, count + 1)[1:-1]:
            pieces.append((slab((x - t * 0.4, x + t * 0.4), (h, top - t * 0.8), (-d / 2, back)), 4))
        if draw.chance(0.5):
            y = h + p.hutch_height * 0.5
            pieces.append((slab((-w / 2 + t, w / 2 - t), (y, y + t * 0.7), (-d / 2, back)), 4))
    if variant == "corner":
        x0 = w / 2 - d * 0.75
        pieces.append((slab((x0, w / 2), (under, h), (d / 2, d / 2 + p.wing)), 0))
        pieces.append((slab((x0, w / 2), (0, under), (d / 2 + p.wing - 2 * t, d / 2 + p.wing - t)), 1))
    if variant != "hutch" and draw.chance(0.35):
        size = draw(screen=(0.25, 0.45)).screen
        screen = box(size * 1.5, size, 0.03).moved(y=size * 0.75)
        pieces += [
            (screen.moved(0, h, -d * 0.25), 4),
            (box(0.05, size * 0.5, 0.04).moved(0, h + size * 0.25, -d * 0.29), 4),
        ]
        pieces.append((box(size * 0.7, 0.015, size * 0.5).moved(0, h + 0.0075, -d * 0.25), 4))
    return pieces
