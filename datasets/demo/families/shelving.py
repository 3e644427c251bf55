"""Bookshelves and cabinets."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, books, family, feet, legs, ornament, shell
from datasets.demo.families.frames import corners, front_of, moved
from datasets.demo.mesh import box, slab


@family("bookshelf", ("frame", "boards", "back", "books"), ("closed back", "open", "ladder", "cubes", "bookcase"))
def bookshelf(variant: str, draw: Draw) -> Pieces:
    """Shelf unit, low or tall, empty or with things on it."""
    p = draw(
        width=(0.4, 2.0), height=(0.5, 2.3), depth=(0.18, 0.5), board=(0.018, 0.06), plinth=(0.0, 0.14),
        cell=(0.25, 0.55), fill=(0.0, 1.0), taper=(0.4, 0.9),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.board
    z = (-d / 2, d / 2)
    rows = int(np.clip(round(h / p.cell), 2, 6))
    columns = int(np.clip(round(w / (p.cell * 1.3)), 1, 5)) if variant in ("cubes", "bookcase") else 1 + (w > 1.1)
    if draw.chance(0.2):
        columns = 1
    pieces: Pieces = []
    low = 0.0
    depths = np.full(rows + 1, d)
    if variant == "ladder":
        depths = d * np.linspace(1, p.taper * 0.7, rows + 1)
        thick = max(t, 0.03)
        for s in (-1, 1):
            x = s * (w / 2 - thick / 2)
            pieces.append((slab((x - thick / 2, x + thick / 2), (0, h), (-d / 2, -d / 2 + thick)), 0))
            front = beam((d / 2, 0, 0), (-d / 2 + depths[-1], h, 0), thick, thick).turned("y", -90)
            pieces.append((front.moved(x=x), 0))
        edge = np.linspace(0.12 * h, h - t, rows + 1)
    elif variant == "open":
        thick = max(t, 0.025)
        x, zz = w / 2 - thick / 2, d / 2 - thick / 2
        if draw.chance(0.6):
            post = box(thick, h, thick).moved(y=h / 2)
            pieces += corners(post, x, zz, 0)
        else:
            pieces += [(box(thick, h, d).moved(s * x, h / 2), 0) for s in (-1, 1)]
        edge = np.linspace(h * draw(lowest=(0.0, 0.15)).lowest, h - t, rows + 1)
        if draw.chance(0.3):
            cross = [beam((-x * k, edge[0], 0), (x * k, h, 0), thick * 0.5, 0.01) for k in (-1, 1)]
            pieces += [(bar.moved(z=-d / 2), 2) for bar in cross]
    else:
        low = p.plinth if p.plinth > 0.04 else 0.0
        if low:
            if draw.chance(0.5):
                pieces.append((slab((-w * 0.48, w * 0.48), (0, low), (-d * 0.45, d * 0.45)), 0))
            else:
                pieces += feet(draw, w, d, low, min(0.07, d * 0.3), 0)
        pieces += shell((-w / 2, w / 2), (low, h), z, t, 0, False)
        if variant != "cubes" or draw.chance(0.4):
            pieces.append((slab((-w / 2 + t, w / 2 - t), (low + t, h - t), (-d / 2, -d / 2 + t * 0.5)), 2))
        if variant == "bookcase" and draw.chance(0.7):
            pieces.append((slab((-w * 0.53, w * 0.53), (h, h + t * 2), (-d * 0.52, d * 0.56)), 0))
        edge = np.linspace(low, h - t, rows + 1)
    bay = np.linspace(-w / 2 + t, w / 2 - t, columns + 1)
    inner_edges = edge if variant in ("ladder", "open") else edge[1:-1]
    for y, depth in zip(inner_edges, depths, strict=False):
        pieces.append((slab((-w / 2 + t, w / 2 - t), (y, y + t), (-d / 2, -d / 2 + depth)), 1))
    if variant not in ("ladder", "open"):
        for x in bay[1:-1]:
            pieces.append((slab((x - t / 2, x + t / 2), (low + t, h - t), (-d / 2, d / 2)), 1))
    total = 0
    for k in range(rows):
        room = edge[k + 1] - edge[k] - t
        for x0, x1 in zip(bay[:-1], bay[1:], strict=True):
            if total >= 14 or not draw.chance(p.fill) or room < 0.06:
                continue
            total += 1
            zc = -d / 2 + depths[k] / 2
            if draw.chance(0.7):
                row = books(draw, (x0 + t, x1 - t), min(room, 0.4), depths[k] * 0.9, 3)
            else:
                size = min(room, x1 - x0 - 2 * t, depths[k] * 1.1) * draw.rng.uniform(0.5, 0.85)
                row = moved(ornament(draw, size, 3), draw.rng.uniform(0.4, 0.6) * (x1 - x0) + x0)
            pieces += moved(row, y=edge[k] + t, z=zc)
    if draw.chance(0.25):
        pieces += moved(ornament(draw, min(d * 0.8, 0.25), 3), draw.rng.uniform(-0.3, 0.3) * w, h + 0.001)
    return pieces


@family(
    "cabinet", ("body", "fronts", "handles", "feet", "things"), ("doors", "drawers", "mixed", "open shelf", "wardrobe")
)
def cabinet(variant: str, draw: Draw) -> Pieces:
    """Closed storage: cupboard, chest of drawers, nightstand, sideboard, wardrobe."""
    p = draw(
        width=(0.35, 1.8), height=(0.4, 1.3), depth=(0.28, 0.65), foot=(0.0, 0.22), foot_thick=(0.03, 0.09),
        top_thick=(0.02, 0.06), overhang=(0.0, 0.05), split=(0.3, 0.7),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.top_thick
    if variant == "wardrobe":
        h, d = h * 1.1 + 0.9, d * 1.1
    foot = p.foot if p.foot > 0.05 else 0.0
    grip = draw.integer("grip", 0, 2)
    pieces: Pieces = []
    if foot:
        if draw.chance(0.3):
            pieces.append((slab((-w * 0.47, w * 0.47), (0, foot * 0.5), (-d * 0.45, d * 0.4)), 3))
            foot *= 0.5
        else:
            pieces += legs(draw, w * 0.95, d * 0.93, foot, p.foot_thick, 3)
    z = d / 2
    top = foot + h
    half = w / 2 + p.overhang
    pieces.append((slab((-half, half), (top, top + t), (-d / 2, z + p.overhang + 0.02)), 0))

    def doors(x0: float, x1: float, y0: float, y1: float) -> Pieces:
        count = int(np.clip(round((x1 - x0) / (0.3 + 0.35 * p.split)), 1, 4))
        edge = np.linspace(x0, x1, count + 1)
        out: Pieces = []
        for k in range(count):
            kind = "left" if k % 2 == 0 else "right"
            out += front_of(draw, (edge[k], edge[k + 1]), (y0, y1), z, 1, 2, grip, kind)
        return out

    def drawers(x0: float, x1: float, y0: float, y1: float, most: int = 5) -> Pieces:
        rows = int(np.clip(round((y1 - y0) / (0.14 + 0.2 * p.split)), 1, most))
        columns = 2 if x1 - x0 > 0.9 and draw.chance(0.6) else 1
        ys, xs = np.linspace(y0, y1, rows + 1), np.linspace(x0, x1, columns + 1)
        out: Pieces = []
        for i in range(rows):
            for j in range(columns):
                out += front_of(draw, (xs[j], xs[j + 1]), (ys[i], ys[i + 1]), z, 1, 2, grip, "drawer")
        return out

    x = w / 2
    if variant == "open shelf":
        cut = foot + h * p.split
        pieces.append((slab((-x, x), (foot, cut), (-d / 2, z)), 0))
        pieces += doors(-x, x, foot, cut) if draw.chance(0.5) else drawers(-x, x, foot, cut, 3)
        pieces += shell((-x, x), (cut, top), (-d / 2, z), t * 0.8, 0)
        if draw.chance(0.5):
            pieces += moved(books(draw, (-x + t, x - t), min(top - cut - t * 2, 0.35), d * 0.8, 4), y=cut + t * 0.8)
    else:
        pieces.append((slab((-x, x), (foot, top), (-d / 2, z)), 0))
        if variant == "doors":
            pieces += doors(-x, x, foot, top)
        elif variant == "drawers":
            pieces += drawers(-x, x, foot, top)
        elif variant == "wardrobe":
            low = foot + h * 0.25 * draw.integer("wardrobe drawers", 0, 1)
            pieces += doors(-x, x, low, top)
            if low > foot:
                pieces += drawers(-x, x, foot, low, 2)
        elif draw.chance(0.5):
            cut = -x + w * p.split
            pieces += doors(-x, cut, foot, top) + drawers(cut, x, foot, top, 4)
        else:
            cut = foot + h * max(p.split, 0.5)
            pieces += doors(-x, x, foot, cut) + drawers(-x, x, cut, top, 2)
    if variant != "wardrobe" and draw.chance(0.4):
        for _ in range(draw.integer("things", 1, 3)):
            size = draw.rng.uniform(0.12, 0.35) * min(1, w)
            at = draw.rng.uniform(-0.35, 0.35)
            pieces += moved(ornament(draw, size, 4), at * w, top + t, 0)
    return pieces
