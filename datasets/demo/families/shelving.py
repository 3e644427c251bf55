"""Bookshelves."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import (
    Draw,
    Pieces,
    beam,
    books,
    family,
    feet,
    legs,
    moved,
    ornament,
    pedestal,
    placed,
    rod,
    shell,
)
from datasets.demo.families.forms import side
from datasets.demo.families.frames import box_frame, corners, front_of
from datasets.demo.mesh import box, cylinder, slab

DEMO_BOOKSHELVES = ("closed back", "open", "ladder", "cubes", "bookcase")


@family(
    "bookshelf", ("frame", "boards", "back", "books", "doors"), DEMO_BOOKSHELVES,
    more=("stepped", "corner", "wall", "with doors", "zigzag", "metal", "revolving", "library", "staggered", "low",
          "tree-like", "full"),
    synonyms=("bookcase", "shelf", "shelves", "shelving unit", "book shelf", "rack"),
)  # fmt: skip
def bookshelf(variant: str, draw: Draw) -> Pieces:
    """Shelf unit, low or tall, empty or with things on it."""
    if variant not in DEMO_BOOKSHELVES:
        return _more_bookshelf(variant, draw)
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


def _more_bookshelf(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.6, 1.4), height=(1.0, 2.1), depth=(0.2, 0.4), board=(0.018, 0.045), fill=(0.2, 1.0),
        cell=(0.28, 0.42), cut=(0.3, 0.6),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.board
    x, z = w / 2, (-d / 2, d / 2)
    pieces: Pieces = []

    def row(x0: float, x1: float, y: float, room: float, deep: float = 1.0) -> Pieces:
        if room < 0.08 or x1 - x0 < 0.1 or not draw.chance(p.fill):
            return []
        if draw.chance(0.75):
            return moved(books(draw, (x0, x1), min(room, 0.36), d * 0.85 * deep, 3), y=y)
        return moved(ornament(draw, min(room, x1 - x0, d) * 0.75, 3), (x0 + x1) / 2, y)

    def bay(x0: float, x1: float, y0: float, y1: float, rows: int, back: bool = True) -> Pieces:
        """A case with shelves and what stands on them."""
        out = shell((x0, x1), (y0, y1), z, t, 0, False)
        if back:
            out.append((slab((x0 + t, x1 - t), (y0 + t, y1 - t), (-d / 2, -d / 2 + 0.5 * t)), 2))
        edge = np.linspace(y0, y1 - t, rows + 1)
        out += [(slab((x0 + t, x1 - t), (y, y + t), z), 1) for y in edge[1:-1]]
        for a, b in zip(edge[:-1], edge[1:], strict=True):
            out += row(x0 + t, x1 - t, a + t, b - a - 1.5 * t)
        return out

    rows = int(np.clip(round(h / p.cell), 3, 6))
    if variant == "stepped":
        n = draw.integer("steps", 2, 4)
        for k in range(n):
            pieces += bay(
                -x + k * w / n * 1.3,
                -x + (k + 1) * w / n * 1.3,
                0,
                h * (k + 1) / n,
                max(rows * (k + 1) // n, 1),
                draw.chance(0.5),
            )
        return pieces
    if variant == "corner":
        one = bay(-x, x, 0, h, rows)
        return [
            *one,
            *placed(bay(-x * 0.8, x * 0.8, 0, h, rows), -x - d / 2 + 0.01, 0, x * 0.8 + d / 2, 90),
            (slab((-x - d, -x), (0, h), (-d / 2, -d / 2 + t)), 2),
        ]
    if variant == "wall":  # boards on brackets or in a rail
        n = draw.integer("boards", 1, 4)
        for k in range(n):
            y = k * p.cell * 1.1
            shift = draw.rng.uniform(-0.25, 0.25) * w * draw.chance(0.5)
            pieces.append((slab((-x + shift, x + shift), (y, y + t), z), 1))
            tri = [(-d / 2, 0), (d * 0.3, 0), (-d / 2, -0.18)]
            pieces += [(side(tri, 0.02).moved(s * x * 0.7 + shift, y), 0) for s in (-1, 1)]
            pieces += row(-x * 0.9 + shift, x * 0.8 + shift, y + t, p.cell)
        if draw.chance(0.4):
            pieces += [
                (slab((s * x * 0.7 - 0.015, s * x * 0.7 + 0.015), (-0.2, n * p.cell), (-d / 2 - 0.02, -d / 2)), 0)
                for s in (-1, 1)
            ]
        return pieces
    if variant in ("with doors", "library"):
        cut = h * p.cut * 0.8
        n = draw.integer("bays", 1, 2) if variant == "with doors" else draw.integer("bays", 2, 4)
        edge = np.linspace(-x, x, n + 1) * (1 if variant == "with doors" else 1.5)
        for a, b in zip(edge[:-1], edge[1:], strict=True):
            pieces += bay(a, b, cut, h * 1.05, max(rows - 2, 2))
            pieces.append((slab((a, b), (0.05, cut), (-d / 2, d / 2)), 0))
            mid = (a + b) / 2
            grip = draw.integer("grip", 0, 1)
            pieces += front_of(draw, (a, mid), (0.06, cut), d / 2, 4, 4, grip, "left") + front_of(
                draw, (mid, b), (0.06, cut), d / 2, 4, 4, grip, "right"
            )
        pieces.append(
            (slab((edge[0] - 0.03, edge[-1] + 0.03), (h * 1.05, h * 1.05 + 2 * t), (-d / 2, d / 2 + 0.04)), 0)
        )
        pieces.append((slab((edge[0], edge[-1]), (0, 0.05), (-d / 2, d / 2 - 0.03)), 0))
        if variant == "library" and draw.chance(0.5):  # a ladder leans on it
            foot, top, at = d / 2 + 0.4, h, edge[0] * 0.3
            pieces += [(rod((at + s * 0.2, 0, foot), (at + s * 0.2, top, d / 2 + 0.03), 0.02, 6), 4) for s in (-1, 1)]
            pieces += [
                (
                    rod(
                        (at - 0.2, v * top, foot + (d / 2 + 0.03 - foot) * v),
                        (at + 0.2, v * top, foot + (d / 2 + 0.03 - foot) * v),
                        0.014,
                        6,
                    ),
                    4,
                )
                for v in np.linspace(0.1, 0.9, 6)
            ]
        return pieces
    if variant == "zigzag":
        n, edge = rows + 1, np.linspace(0, h, rows + 2)
        for k in range(n):
            lean = (1 if k % 2 else -1) * w * 0.3
            pieces.append((slab((-x, x), (edge[k], edge[k] + t), z), 1))
            pieces.append((beam((-lean, edge[k], 0), (lean, edge[k + 1], 0), t, d), 0))
            pieces += row(
                x * 0.1 if lean < 0 else -x * 0.9, x * 0.9 if lean < 0 else -x * 0.1, edge[k] + t, edge[1] - 1.5 * t
            )
        return [*pieces, (slab((-x, x), (h, h + t), z), 1)]
    if variant == "metal":  # a rack of posts and wire or sheet shelves
        post = box(0.03, h, 0.03).moved(y=h / 2) if draw.chance(0.5) else cylinder(0.016, h, 8)
        pieces += corners(post, x, d / 2, 0)
        wires = draw.chance(0.5)
        for y in np.linspace(0.1, h - 0.05, rows):
            if wires:
                pieces += box_frame(x, (y, y + 0.02), d / 2, 0.012, 1)
                pieces += [(box(0.008, 0.008, d).moved(v, y + 0.015), 1) for v in np.linspace(-x, x, 9)[1:-1]]
            else:
                pieces.append((slab((-x, x), (y, y + t), z), 1))
            for _ in range(draw.integer("boxes", 0, 2)):
                size = draw.rng.uniform([0.2, 0.12, 0.7], [0.38, 0.3, 0.95]) * [1, 1, d]
                pieces.append((box(*size).moved(draw.rng.uniform(-0.3, 0.3) * w, y + t + size[1] / 2, 0), 3))
        if draw.chance(0.4):
            pieces += [
                (bar.moved(z=-d / 2), 2)
                for bar in (beam((-x, 0.1, 0), (x, h, 0), 0.02, 0.006), beam((x, 0.1, 0), (-x, h, 0), 0.02, 0.006))
            ]
        return pieces
    if variant == "revolving":
        h *= 0.75
        size = 0.5 * d + 0.12
        pieces = [(cylinder(0.03, h + 0.1, 8), 0), *pedestal(0.1, 0.05, size * 1.2, 0, 4)]
        for y in np.linspace(0.1, h, draw.integer("floors", 3, 5)):
            pieces.append((box(2.1 * size, t, 2.1 * size).moved(y=y), 1))
        for turn in range(4):
            own: Pieces = [(slab((size * 0.98, size), (0.1, h), (-size, -size * 0.2)), 0)]
            own += (
                moved(books(draw, (-size * 0.8, size * 0.8), 0.3, 0.3, 3), y=0.1 + t, z=size * 0.75)
                if draw.chance(p.fill)
                else []
            )
            pieces += placed(own, 0, 0, 0, 90 * turn)
        return pieces
    if variant == "staggered":  # boxes stacked out of line
        n = draw.integer("cubes", 3, 6)
        y = 0.0
        for _ in range(n):
            wide, tall = w * draw.rng.uniform(0.5, 0.9), p.cell * draw.rng.uniform(0.8, 1.3)
            at = draw.rng.uniform(-0.3, 0.3) * w
            pieces += bay(at - wide / 2, at + wide / 2, y, y + tall, draw.integer("shelf", 1, 1), draw.chance(0.4))
            y += tall
        return pieces
    if variant == "low":
        w, x = 1.5 * w, 0.75 * w
        columns = draw.integer("columns", 2, 5)
        edge = np.linspace(-0.75 * p.width * 2, 0.75 * p.width * 2, columns + 1) / 1.2
        high = p.cell * draw.integer("rows", 1, 2) * 1.1 + 0.05
        for a, b in zip(edge[:-1], edge[1:], strict=True):
            pieces += moved(bay(a, b, 0, high, 2 if high > 0.6 else 1, draw.chance(0.7)), y=0.06)
        pieces += moved(legs(draw, edge[-1] - edge[0], d, 0.06, 0.04, 0))
        return pieces + moved(ornament(draw, 0.3, 3), edge[0] * 0.5, high + 0.06)
    if variant == "tree-like":  # one spine with shelves to both sides
        pieces = [(slab((-t, t), (0, h), (-d / 2, d / 2)), 0), (slab((-w * 0.3, w * 0.3), (0, t), z), 0)]
        for k, y in enumerate(np.linspace(0.2, h - 0.15, rows + 2)):
            reach = x * draw.rng.uniform(0.5, 1.0)
            sign = 1 if k % 2 else -1
            a, b = sorted((0.0, sign * reach))
            pieces.append((slab((a, b), (y, y + t), z), 1))
            if draw.chance(0.4):
                pieces.append((slab((sign * reach - t / 2, sign * reach + t / 2), (y, y + 0.15), z), 1))
            pieces += row(a + 0.03, b - 0.05, y + t, 0.3)
        return pieces
    # full: crowded with books from side to side
    columns = draw.integer("columns", 1, 2)
    edge = np.linspace(-x, x, columns + 1)
    pieces = shell((-x, x), (0, h), z, t, 0)
    for y in np.linspace(0, h - t, rows + 1)[:-1]:
        room = h / rows - t
        pieces.append((slab((-x + t, x - t), (y, y + t), z), 1))
        at = -x + t
        while at < x - t - 0.03:
            thick = draw.rng.uniform(0.02, 0.07)
            tall, deep = room * draw.rng.uniform(0.6, 0.95), d * draw.rng.uniform(0.65, 0.9)
            if draw.chance(0.95):
                pieces.append(
                    (slab((at, min(at + thick * 0.95, x - t)), (y + t, y + t + tall), (-d / 2, -d / 2 + deep)), 3)
                )
            at += thick
    return pieces + [(slab((v - t / 2, v + t / 2), (0, h), z), 0) for v in edge[1:-1]]
