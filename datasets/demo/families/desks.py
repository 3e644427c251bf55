"""Desks."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, placed, shell
from datasets.demo.families.forms import side
from datasets.demo.families.frames import drawer_stack, ends, front_of, hoops, relabelled, stand, tabletop
from datasets.demo.families.seating import chair
from datasets.demo.families.stools import stool
from datasets.demo.mesh import box, cylinder, slab

DEMO_DESKS = ("pedestal", "two pedestals", "panel", "hutch", "corner")


@family(
    "desk", ("top", "legs", "drawers", "handles", "screen", "chair"), DEMO_DESKS,
    more=("standing", "school", "bureau", "workplace", "on stand", "executive", "L-shaped", "leaning", "vanity"),
    synonyms=("writing desk", "office desk", "computer desk", "work table"),
)  # fmt: skip
def desk(variant: str, draw: Draw) -> Pieces:
    """Table to work at, with drawers or panels under it."""
    if variant not in DEMO_DESKS:
        return _more_desk(variant, draw)
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
        count = draw.integer("drawers", 2, 4)
        return drawer_stack(draw, (x0, x1), (0.04, under), (-d / 2 + t, z), (1, 2, 3), grip, count)

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


def _more_desk(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.9, 1.8), depth=(0.45, 0.85), height=(0.66, 0.82), top_thick=(0.02, 0.06), leg_thick=(0.03, 0.08),
        block=(0.2, 0.34), rise=(0.25, 0.6), inset=(0.0, 0.12), slant=(10, 50),
    )  # fmt: skip
    w, d, h, t, thick = p.width, p.depth, p.height, p.top_thick, p.leg_thick
    under, grip = h - t, draw.integer("grip", 0, 2)
    x = w / 2
    pieces: Pieces = []

    def stack(x0: float, width: float, low: float = 0.03) -> Pieces:
        return drawer_stack(
            draw, (x0, x0 + width), (low, under), (-d * 0.46, d * 0.46), (1, 2, 3), grip, draw.integer("drawers", 2, 4)
        )

    def computer(at: float) -> Pieces:
        size = draw(screen=(0.25, 0.42)).screen
        out: Pieces = [(box(size * 1.6, size, 0.03).moved(at, h + size * 0.75, -d * 0.25), 4)]
        out.append((box(0.05, size * 0.5, 0.03).moved(at, h + size * 0.25, -d * 0.27), 4))
        out.append((box(size * 0.7, 0.015, 0.18).moved(at, h + 0.008, -d * 0.25), 4))
        out.append((box(0.42, 0.02, 0.14).moved(at, h + 0.01, d * 0.15), 4))
        if draw.chance(0.5):
            out.append((box(0.07, 0.02, 0.1).moved(at + 0.3, h + 0.01, d * 0.15), 4))
        return out

    if variant == "school":
        w, d = 0.5 * w + 0.2, 0.75 * d
        x = w / 2
        box_ = (
            slab((-x, x), (h - 0.14, h), (-d / 2, d / 2))
            if draw.chance(0.5)
            else slab((-x, x), (h - t, h), (-d / 2, d / 2))
        )
        pieces = [(box_, 0)]
        pieces += hoops(x * 0.85, (0.02, h - t), (-d * 0.4, d * 0.4), thick * 0.7, 1)
        if draw.chance(0.7):
            seat = chair("four legs" if draw.chance(0.6) else "sled", draw)
            pieces += placed(relabelled(seat, 5), 0, 0, d / 2 + 0.2, 180)
        return pieces
    if variant == "bureau":
        pieces = tabletop(w, d, h, t, False, 0)
        front = -d / 2 + d * (0.55 - 0.004 * p.slant)
        top = h + p.rise
        flap = [(-d / 2, h), (d * 0.46, h), (front, top), (-d / 2, top)]
        if draw.chance(0.5):  # the flap let down
            pieces += shell((-x, x), (h, top), (-d / 2, front), 0.02, 2)
            pieces += [
                (slab((v - 0.008, v + 0.008), (h, top), (-d / 2, front)), 2)
                for v in np.linspace(-x, x, draw.integer("pigeonholes", 3, 6))[1:-1]
            ]
            pieces.append((slab((-x * 0.96, x * 0.96), (h, h + 0.02), (front, d * 0.75)), 0))
        elif draw.chance(0.5):  # a roll top
            a = np.linspace(0, np.pi / 2, 8)
            curve = [(-d / 2 + d * 0.95 * np.cos(v), h + p.rise * np.sin(v)) for v in a]
            pieces.append((side([(-d / 2, h), *curve, (-d / 2, top)], w * 0.98), 2))
        else:
            pieces.append((side(flap, w * 0.98), 2))
        if draw.chance(0.5):
            pieces += stack(-x * 0.98, w * 0.98)
        else:
            pieces += drawer_stack(
                draw, (-x * 0.95, x * 0.95), (under - 0.15, under), (-d * 0.46, d * 0.46), (1, 2, 3), grip, 1
            )
            pieces += legs(draw, w * 0.95, d * 0.9, under, thick, 1)
        return pieces
    if variant == "leaning":
        pieces = tabletop(w, d, h, t, False, 0)
        top = h + p.rise + 0.6
        pieces += ends(x - 0.02, (0, top), (-d / 2, -d / 2 + thick), 0.04, 1)
        pieces += [
            (beam((d / 2, 0, 0), (-d / 2, top, 0), thick * 0.7, 0.04).turned("y", -90).moved(s * (x - 0.02)), 1)
            for s in (-1, 1)
        ]
        for k in range(draw.integer("shelves", 1, 3)):
            y = h + (k + 1) * (top - h) / 4
            pieces.append((slab((-x, x), (y, y + 0.02), (-d / 2, -d / 2 + d * (0.6 - 0.15 * k))), 0))
        return pieces
    if variant == "vanity":
        pieces = tabletop(w, d, h, t, False, 0) + legs(draw, w * 0.96, d * 0.94, under, thick, 1)
        edge = np.linspace(-x * 0.92, x * 0.92, draw.integer("drawers", 2, 3) + 1)
        for x0, x1 in zip(edge[:-1], edge[1:], strict=True):
            pieces += drawer_stack(draw, (x0, x1), (under - 0.16, under), (-d * 0.45, d * 0.46), (1, 2, 3), grip, 1)
        size = p.rise + 0.15
        mirror = (
            cylinder(0.5, 0.02, 24).turned("x", 90).scaled(size, size * 1.2, 1)
            if draw.chance(0.5)
            else box(1.1 * size, size, 0.025)
        )
        pieces.append((mirror.moved(0, h + size * 0.62, -d / 2 + 0.03), 4))
        if draw.chance(0.5):
            pieces += placed(relabelled(stool("box" if draw.chance(0.4) else "four legs", draw), 5), 0, 0, d * 0.6, 0)
        return pieces
    if variant == "standing":
        h *= draw(lifted=(1.0, 1.5)).lifted
        under = h - t
        pieces = tabletop(w, d, h, t, False, 0)
        reach = w * (0.42 - p.inset)
        pieces += ends(reach, (0, 0.04), (-d * 0.45, d * 0.45), 0.08, 1) + ends(
            reach, (under - 0.04, under), (-d * 0.4, d * 0.4), 0.06, 1
        )
        pieces += ends(reach, (0, under), (-0.04, 0.04), thick, 1)
        pieces.append((slab((-reach, reach), (under * 0.9, under * 0.96), (-0.03, 0.03)), 1))
        return pieces + (computer(0.0) if draw.chance(0.6) else [])
    if variant == "L-shaped":
        arm = d + draw(wing=(0.4, 1.0)).wing
        deep = d * 0.8
        pieces = tabletop(w, d, h, t, False, 0)
        pieces.append((slab((x - deep, x), (under, h), (d / 2, arm)), 0))
        pieces.append((slab((-x, -x + t), (0, under), (-d / 2, d / 2)), 1))
        pieces.append((slab((x - deep, x), (0, under), (arm - t, arm)), 1))
        pieces.append((slab((x - t, x), (0.1, under), (-d / 2, arm)), 1))
        if draw.chance(0.6):
            pieces += stack(-x + 2 * t, p.block * w)
        pieces += computer(x - d) if draw.chance(0.5) else []
        return [(mesh.scaled(-1, 1, 1), part) for mesh, part in pieces] if draw.chance(0.5) else pieces
    if variant == "executive":
        w, x = w * 1.2, x * 1.2
        pieces = tabletop(w * 1.06, d * 1.25, h, t * 1.5, False, 0)
        pieces += stack(-x, p.block * w) + stack(x - p.block * w, p.block * w)
        pieces.append((slab((-x, x), (0.05 + 0.3 * p.inset, under), (-d * 0.46, -d * 0.42)), 1))
        pieces.append((slab((-x * 0.5, x * 0.5), (under - 0.12, under), (-d * 0.4, d * 0.44)), 2))
        if draw.chance(0.4):
            pieces += computer(0.0)
        return pieces
    pieces = tabletop(w, d, h, t, False, 0)
    if variant == "on stand":
        pieces += stand(draw, w * (1 - p.inset), d * 0.94, under, thick, 1)
        if draw.chance(0.6):
            pieces += drawer_stack(
                draw, (-x * 0.6, x * 0.6), (under - 0.11, under), (-d * 0.4, d * 0.44), (2, 2, 3), grip, 1
            )
        if draw.chance(0.4):
            pieces += computer(0.0)
    else:  # a workplace with its computer and chair
        pieces += computer(draw.rng.uniform(-0.2, 0.2) * w)
        pieces += stack(-x + t, p.block * w) if draw.chance(0.6) else []
        pieces += ends(x - t / 2, (0, under), (-d / 2, d / 2), t, 1)
        if draw.chance(0.5):
            pieces.append((box(0.18, 0.42, 0.4).moved(x - 0.15, 0.25, 0), 4))
        if draw.chance(0.7):
            seat = chair("office" if draw.chance(0.6) else "four legs", draw)
            pieces += placed(relabelled(seat, 5), 0, 0, d / 2 + 0.15, 180 + draw.rng.uniform(-40, 40))
    return pieces
