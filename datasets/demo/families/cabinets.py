"""Cabinets."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, books, family, feet, knob, legs, moved, ornament, placed, shell
from datasets.demo.families.forms import copies
from datasets.demo.families.frames import box_frame, ends, front_of, stand
from datasets.demo.mesh import box, extrude, slab

DEMO_CABINETS = ("doors", "drawers", "mixed", "open shelf", "wardrobe")


@family(
    "cabinet", ("body", "fronts", "handles", "feet", "things"), DEMO_CABINETS,
    more=("kitchen", "glass", "sideboard", "tall", "corner", "locker", "filing", "cupboard with hutch", "apothecary",
          "media", "ajar"),
    synonyms=("cupboard", "sideboard", "storage cabinet", "credenza"),
)  # fmt: skip
def cabinet(variant: str, draw: Draw) -> Pieces:
    """Closed storage: cupboard, chest of drawers, nightstand, sideboard, wardrobe."""
    if variant not in DEMO_CABINETS:
        return _more_cabinet(variant, draw)
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


def _more_cabinet(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.5, 1.3), height=(0.7, 1.1), depth=(0.35, 0.6), board=(0.018, 0.04), foot=(0.05, 0.2),
        split=(0.3, 0.7), thick=(0.03, 0.06),
    )  # fmt: skip
    w, h, d, t, foot = p.width, p.height, p.depth, p.board, p.foot
    grip = draw.integer("grip", 0, 2)
    x, z = w / 2, d / 2
    pieces: Pieces = []

    def fronts(x0: float, x1: float, y0: float, y1: float, columns: int, rows: int, drawers: bool) -> Pieces:
        xs, ys, out = np.linspace(x0, x1, columns + 1), np.linspace(y0, y1, rows + 1), []
        for j in range(columns):
            for i in range(rows):
                kind = "drawer" if drawers else "left" if j % 2 == 0 else "right"
                out += front_of(draw, (xs[j], xs[j + 1]), (ys[i], ys[i + 1]), z, 1, 2, grip, kind)
        return out

    if variant == "kitchen":  # base units, a worktop, at times units on the wall above
        w, x = 1.6 * w, 0.8 * w
        n = draw.integer("units", 2, 4)
        edge = np.linspace(-x, x, n + 1)
        pieces = [(slab((-x, x), (0.1, h), (-z, z)), 0), (slab((-x, x), (0, 0.1), (-z, z - 0.06)), 3)]
        pieces.append((slab((-x - 0.02, x + 0.02), (h, h + t), (-z, z + 0.04)), 0))
        for a, b in zip(edge[:-1], edge[1:], strict=True):
            pieces += (
                fronts(a, b, 0.1, h, 1, 3, True)
                if draw.chance(0.35)
                else fronts(a, b, 0.1, h * 0.78, 1, 1, False) + fronts(a, b, h * 0.78, h, 1, 1, True)
            )
        if draw.chance(0.6):
            up = h + 0.5
            pieces.append((slab((-x, x), (up, up + 0.65), (-z, 0)), 0))
            pieces += moved(fronts(-x, x, up, up + 0.65, n, 1, False), z=-z)
        return pieces
    if variant == "locker":
        n = draw.integer("lockers", 1, 4)
        wide, tall = (0.2 + 0.12 * w) * n, 1.75 * (0.7 + 0.4 * p.split)
        low = 0.05 + 0.5 * foot
        pieces = [(slab((-wide / 2, wide / 2), (low, tall), (-z, z)), 0)]
        rows = draw.integer("rows", 1, 3)
        pieces += fronts(-wide / 2, wide / 2, low, tall, n, rows, False)
        slits = [
            (-wide / 2 + (k + 0.5) * wide / n, tall - 0.15 - 0.05 * j, z + 0.022) for k in range(n) for j in range(3)
        ]
        pieces.append((copies(box(0.12 * w + 0.03, 0.012, 0.008), slits), 1))
        return pieces + feet(draw, wide, d, low, p.thick, 3)
    if variant == "filing":
        w, x = 0.45 + 0.15 * p.split, 0.225 + 0.075 * p.split
        rows = draw.integer("rows", 2, 5)
        low = 0.3 * foot
        tall = rows * (0.22 + 0.1 * h) + low
        pieces = [(slab((-x, x), (low, tall), (-z * 1.2, z)), 0), *fronts(-x, x, low, tall, 1, rows, True)]
        if draw.chance(0.4):  # one drawer pulled
            k = draw.integer("pulled", 0, rows - 1)
            y = (low + 0.02 + k * (tall - low) / rows, low + (k + 0.9) * (tall - low) / rows)
            pieces += box_frame(x * 0.9, (y[0], y[1] - 0.04), 0.15, 0.02, 1)[:2] + [
                (slab((-x * 0.95, x * 0.95), y, (z + 0.3, z + 0.32)), 1)
            ]
            pieces += ends(x * 0.9, (y[0], y[1] - 0.06), (z, z + 0.3), 0.02, 1)
        return pieces + feet(draw, w, d, low, p.thick, 3)
    if variant == "apothecary":
        columns, rows = draw.integer("columns", 3, 6), draw.integer("rows", 3, 6)
        pieces = [
            (slab((-x, x), (foot, foot + h), (-z, z)), 0),
            (slab((-x - 0.02, x + 0.02), (foot + h, foot + h + t), (-z, z + 0.03)), 0),
        ]
        grip = 0
        return (
            pieces
            + fronts(-x, x, foot, foot + h, columns, rows, True)
            + legs(draw, w * 0.95, d * 0.95, foot, p.thick, 3)
        )
    if variant in ("glass", "cupboard with hutch"):
        low, high = h * 0.75, h * 0.75 + 0.9
        pieces = [
            (slab((-x, x), (0.08, low), (-z, z)), 0),
            (slab((-x - 0.02, x + 0.02), (low, low + t), (-z, z + 0.03)), 0),
        ]
        pieces += fronts(-x, x, 0.08, low * 0.7, 2, 1, False) + fronts(-x, x, low * 0.7, low, 2, 1, True)
        back = -z + 0.65 * d
        pieces += shell((-x, x), (low + t, high), (-z, back), t, 0)
        for y in np.linspace(low + t, high, draw.integer("shelves", 2, 4) + 1)[1:-1]:
            pieces.append((slab((-x + t, x - t), (y, y + 0.015), (-z, back - 0.03)), 0))
            pieces += moved(ornament(draw, 0.2, 4), draw.rng.uniform(-0.3, 0.3) * w, y + 0.015, (-z + back) / 2)
        if variant == "glass":  # framed panes before them
            for a, b in ((-x, 0), (0, x)):
                for v in (a + 0.02, b - 0.02):
                    pieces.append((slab((v - 0.02, v + 0.02), (low + t, high), (back, back + 0.02)), 1))
                pieces += [(slab((a, b), (v, v + 0.05), (back, back + 0.02)), 1) for v in (low + t, high - 0.05)]
        pieces.append((slab((-x - 0.03, x + 0.03), (high, high + 2 * t), (-z, back + 0.04)), 0))
        return pieces + feet(draw, w, d, 0.08, 0.06, 3)
    if variant == "corner":
        plan = (
            [(-x, -z), (x, -z), (x, -z + 0.2 * d), (0.1 * w, z), (-x, z)]
            if draw.chance(0.5)
            else [(-x, -x), (x, -x), (-x, x)]
        )
        tall = h * draw.rng.uniform(0.9, 2.0)
        body = extrude(plan, tall).turned("x", 90).moved(y=foot + tall / 2)
        pieces = [(body, 0)]
        a, b = np.array(plan[2] if len(plan) == 5 else plan[1]), np.array(plan[3] if len(plan) == 5 else plan[2])
        yaw = np.degrees(np.arctan2((b - a)[1], -(b - a)[0]))
        n = float(np.hypot(*(b - a)))
        face = [
            (slab((-n * 0.46, n * 0.46), (foot + tall * lo, foot + tall * hi), (-0.01, 0.015)), 1)
            for lo, hi in ((0.03, 0.47), (0.5, 0.97))
        ]
        face += [(knob(0.02).moved(n * 0.38, foot + tall * v, 0.015), 2) for v in (0.25, 0.7)]
        return (
            pieces
            + placed(face, (a + b)[0] / 2, 0, (a + b)[1] / 2, yaw)
            + [(slab((-x * 0.9, x * 0.3), (0, foot), (-z * 0.6, z * 0.5)), 3)]
        )
    if variant in ("sideboard", "media"):
        w, x = 1.5 * w, 0.75 * w
        h = h * (0.75 if variant == "sideboard" else 0.5)
        pieces = [(slab((-x, x), (foot + h - t, foot + h), (-z, z)), 0)]
        n = draw.integer("bays", 2, 4)
        edge = np.linspace(-x, x, n + 1)
        for k in range(n):
            kind = draw.integer("bay", 0, 2)
            if kind == 2:
                pieces += shell((edge[k], edge[k + 1]), (foot, foot + h - t), (-z, z), t, 0)
                pieces.append(
                    (slab((edge[k] + t, edge[k + 1] - t), (foot + h / 2, foot + h / 2 + t), (-z, z * 0.9)), 0)
                )
            else:
                pieces.append((slab((edge[k], edge[k + 1]), (foot, foot + h - t), (-z, z)), 0))
                pieces += fronts(
                    edge[k],
                    edge[k + 1],
                    foot,
                    foot + h - t,
                    1,
                    1 if kind == 0 else draw.integer("drawers", 2, 3),
                    kind == 1,
                )
        if variant == "media" and draw.chance(0.6):
            size = w * draw.rng.uniform(0.45, 0.7)
            pieces += [
                (box(size, 0.58 * size, 0.04).moved(0, foot + h + 0.36 * size, -z * 0.3), 4),
                (box(0.4 * size, 0.02, 0.2).moved(0, foot + h + 0.01, -z * 0.3), 4),
                (box(0.08, 0.12 * size, 0.04).moved(0, foot + h + 0.05 * size, -z * 0.3), 4),
            ]
        elif draw.chance(0.6):
            pieces += moved(ornament(draw, 0.3, 4), x * 0.5, foot + h) + moved(
                ornament(draw, 0.22, 4), -x * 0.6, foot + h
            )
        return pieces + stand(draw, w * 0.95, d * 0.92, foot, p.thick, 3)
    if variant == "tall":
        tall = h + 0.7 + 0.3 * p.split
        w, x = 0.7 * w, 0.35 * w
        pieces = [(slab((-x, x), (foot, foot + tall), (-z, z)), 0)]
        cut = foot + tall * p.split
        columns = 2 if w > 0.6 else 1
        pieces += fronts(-x, x, foot, cut, columns, 1, False) + fronts(
            -x, x, cut, foot + tall, columns, draw.integer("upper", 1, 2), draw.chance(0.3)
        )
        return pieces + (
            feet(draw, w, d, foot, 0.05, 3)
            if foot > 0.08
            else [(slab((-x * 0.95, x * 0.95), (0, foot), (-z, z * 0.9)), 3)]
        )
    # ajar: an open case with its doors swung out
    tall = h * draw.rng.uniform(0.9, 1.9)
    pieces = shell((-x, x), (foot, foot + tall), (-z, z), t, 0)
    for y in np.linspace(foot, foot + tall, draw.integer("shelves", 2, 5) + 1)[1:-1]:
        pieces.append((slab((-x + t, x - t), (y, y + t), (-z, z * 0.85)), 0))
        pieces += (
            moved(books(draw, (-x + t, x * 0.5), 0.22, d * 0.7, 4), y=y + t)
            if draw.chance(0.5)
            else moved(ornament(draw, 0.2, 4), 0, y + t)
        )
    for s in (-1, 1):
        if draw.chance(0.85):
            leaf: Pieces = [
                (slab((0, x), (foot, foot + tall), (0, 0.02)), 1),
                (knob(0.022).moved(x * 0.88, foot + tall / 2, 0.02), 2),
            ]
            swung = placed(leaf, 0, 0, 0, -draw.rng.uniform(15, 120))
            pieces += [(mesh.scaled(-s, 1, 1).moved(s * x, 0, z), part) for mesh, part in placed(swung, 0, 0, 0, 0)]
    return pieces + legs(draw, w * 0.96, d * 0.95, foot, p.thick, 3)
