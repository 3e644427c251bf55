"""Doors."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, handle, knob, moved, placed, turned
from datasets.demo.families.forms import around, copies
from datasets.demo.families.frames import ends
from datasets.demo.mesh import Mesh, box, combine, cylinder, extrude, lathe, sheet, slab

DEMO_DOORS = ("single", "double", "arched", "ajar")


@family(
    "door", ("leaf", "frame", "handle", "panels", "wall"), DEMO_DOORS,
    more=("leaf only", "glazed", "french", "sliding", "garage", "louvred", "ledged", "portal", "in a wall", "shutter",
          "revolving", "elevator"),
    synonyms=("doorway", "front door", "entrance door"),
)  # fmt: skip
def door(variant: str, draw: Draw) -> Pieces:
    """Door leaf in a frame."""
    if variant not in DEMO_DOORS:
        return _more_door(variant, draw)
    p = draw(
        width=(0.6, 1.2), height=(1.5, 2.5), thick=(0.03, 0.12), frame=(0.03, 0.2), frame_depth=(0.08, 0.4),
        handle_height=(0.38, 0.55), grip=(0.06, 0.3), panel=(0.1, 0.22), opening=(10, 100),
    )  # fmt: skip
    h, t, f, fd = p.height, p.thick, p.frame, max(p.frame_depth, p.thick * 1.2)
    leaves = 2 if variant == "double" else 1
    lw = p.width * (0.85 if leaves == 2 else 1)
    w = lw * leaves
    rise = w * 0.5 if variant == "arched" else 0.0
    h -= rise * 0.6

    grip_style = draw.integer("grip", 0, 2)
    style = draw.integer("panels", 0, 4)

    def leaf() -> Pieces:
        """One leaf hinged at x = 0, reaching to x = lw, with its grip near x = lw."""
        out: Pieces = [(slab((0.004, lw - 0.004), (0.01, h), (-t / 2, t / 2)), 0)]
        x0, x1 = lw * p.panel, lw * (1 - p.panel)
        rows, columns = ((0, 0), (2, 1), (3, 2), (1, 1), (5, 1))[style]
        for i in range(rows):
            for j in range(columns):
                y0, y1 = h * (0.08 + 0.87 * i / rows), h * (0.08 + 0.87 * (i + 0.88) / rows)
                a = x0 + (x1 - x0) * j / columns
                b = x0 + (x1 - x0) * (j + 0.86) / columns if columns > 1 else x1
                out.append((slab((a, b), (y0, y1), (-t * 0.75 - 0.01, t * 0.75 + 0.01)), 3))
        at, y = lw * 0.92, h * p.handle_height
        for s in (-1, 1):
            if grip_style == 0:
                grip = knob(0.04).scaled(1.2)
            elif grip_style == 1:
                lever = slab((-0.13, 0.02), (-0.012, 0.012), (0.05, 0.07))
                out.append((lever.scaled(1, 1, s).moved(at, y, s * t / 2), 2))
                grip = cylinder(0.02, 0.06, 8).turned("x", 90)
            else:
                grip = handle(0.2 + p.grip * 1.5, 0.025, True)
            out.append((grip.scaled(1, 1, s).moved(at, y, s * t / 2), 2))
        return out

    pieces: Pieces = []
    single = leaf()
    if rise:
        u = np.linspace(0, np.pi, 13)
        half = extrude(np.stack([np.cos(u) * (lw / 2 - 0.004), np.sin(u) * rise], -1), t)
        single.append((half.moved(lw / 2, h, 0), 0))
    angle = p.opening if variant == "ajar" or (leaves == 2 and draw.chance(0.3)) else 0.0
    first = turned(single, "y", angle if draw.chance(0.5) else -angle)
    pieces += moved(first, x=-w / 2)
    if leaves == 2:
        pieces += [(mesh.scaled(-1, 1, 1).moved(x=w / 2), part) for mesh, part in single]
    x = w / 2
    pieces += [(slab((-x - f, -x), (0, h), (-fd / 2, fd / 2)), 1), (slab((x, x + f), (0, h), (-fd / 2, fd / 2)), 1)]
    if rise:
        u = np.linspace(0, np.pi, 13)
        for a, b in zip(u[:-1], u[1:], strict=True):
            mid = (a + b) / 2
            size = np.hypot(np.cos(a) - np.cos(b), (np.sin(a) - np.sin(b)) * rise / x) * (x + f)
            turn = np.degrees(np.arctan2(np.cos(mid) * rise, -np.sin(mid) * x))
            block = (
                box(size, f, fd).turned("z", turn).moved(np.cos(mid) * (x + f / 2), h + np.sin(mid) * (rise + f / 2))
            )
            pieces.append((block, 1))
    else:
        pieces.append((slab((-x - f, x + f), (h, h + f), (-fd / 2, fd / 2)), 1))
        if draw.chance(0.25):
            pieces.append((slab((-x - f * 1.4, x + f * 1.4), (h + f, h + f * 1.5), (-fd * 0.7, fd * 0.7)), 1))
    if draw.chance(0.4):
        pieces.append((slab((-x - f, x + f), (-0.04, 0), (-fd * 0.6, fd * 0.6)), 1))
    return pieces


def glazing_bars(x, y, columns: int, rows: int, bar: float, depth: float, part: int) -> Pieces:
    """Bars that part the rectangle into columns and rows, with a border, in the plane z = 0."""
    z = (-depth / 2, depth / 2)
    pieces = [(slab((v - bar / 2, v + bar / 2), y, z), part) for v in np.linspace(x[0], x[1], columns + 1)]
    return pieces + [(slab(x, (v - bar / 2, v + bar / 2), z), part) for v in np.linspace(y[0], y[1], rows + 1)]


def door_grip(draw: Draw, y: float, out: float) -> Mesh:
    """Knob, lever or pull at height y on both sides of a leaf whose faces are at +-out."""
    style = draw.integer("grip", 0, 2)
    if style == 0:
        grip = knob(0.045)
    elif style == 1:
        grip = combine([cylinder(0.018, 0.06, 8).turned("x", 90), slab((-0.13, 0.02), (-0.012, 0.012), (0.045, 0.065))])
    else:
        grip = handle(0.2 + 0.5 * draw.rng.random(), 0.025, True)
    grip = grip.moved(0, y, out)
    return combine([grip, grip.scaled(1, 1, -1)])


def _more_door(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.7, 1.1), height=(1.9, 2.5), thick=(0.03, 0.08), frame=(0.05, 0.16), frame_depth=(0.1, 0.3),
        stile=(0.08, 0.18), rail=(0.1, 0.3), opening=(15, 95),
    )  # fmt: skip
    w, h, t, f, fd = p.width, p.height, p.thick, p.frame, p.frame_depth
    grip_at, wide = h * draw.rng.uniform(0.4, 0.5), w

    def jambs(width: float, height: float) -> Pieces:
        x = width / 2
        top = (slab((-x - f, x + f), (height, height + f), (-fd / 2, fd / 2)), 1)
        return [*ends(x + f / 2, (0, height), (-fd / 2, fd / 2), f, 1), top]

    def glazed(width: float, columns: int, rows: int, low: float) -> Pieces:
        """A leaf from x = 0 to `width`, glass between bars above `low`."""
        s, r = p.stile, p.rail
        out: Pieces = [
            (slab((0, s), (0, h), (-t / 2, t / 2)), 0),
            (slab((width - s, width), (0, h), (-t / 2, t / 2)), 0),
        ]
        out += [(slab((s, width - s), y, (-t / 2, t / 2)), 0) for y in ((0, max(low, r)), (h - 0.6 * r, h))]
        y = (max(low, r), h - 0.6 * r)
        out.append((slab((s, width - s), y, (-0.005, 0.005)), 3))
        return out + glazing_bars((s, width - s), y, columns, rows, 0.025, 0.7 * t, 0)

    if variant in ("glazed", "french"):
        n = 2 if variant == "french" else 1
        leaf = glazed(
            w / n * 1.15, draw.integer("columns", 1, 3), draw.integer("rows", 1, 5), h * 0.5 * draw.chance(0.4)
        )
        wide = w * 1.15
        leaf.append((door_grip(draw, grip_at, t / 2).moved(wide / n - p.stile * 0.5), 2))
        angle = p.opening * draw.chance(0.4)
        pieces = placed(leaf, -wide / 2, 0, 0, angle)
        if n == 2:
            pieces += [(mesh.scaled(-1, 1, 1), part) for mesh, part in pieces]
        if draw.chance(0.3):  # a light above
            y = (h + f, h + f + 0.35)
            pieces += moved(glazing_bars((-wide / 2, wide / 2), y, 2 * n, 1, 0.03, t, 1))
            pieces.append((slab((-wide / 2, wide / 2), y, (-0.005, 0.005)), 3))
        return pieces + jambs(wide, h)
    if variant == "sliding":
        panels, pieces = draw.integer("panels", 2, 3), []
        leaf = (
            glazed(w, 1, 1, 0.0)
            if draw.chance(0.7)
            else [
                (slab((0, w), (0, h), (-t / 2, t / 2)), 0),
                *moved(glazing_bars((0.1, w - 0.1), (0.1, h - 0.1), 1, 3, 0.03, t * 1.4, 3)),
            ]
        )
        slid = draw.rng.uniform(0, 0.8) * w * draw.chance(0.5)
        for k in range(panels):
            x = (k - panels / 2) * w * 0.97 + (slid if k == 0 else 0)
            pieces += moved(leaf, x, 0, (k % 2 - 0.5) * 1.3 * t)
        pieces.append((handle(0.3, 0.025, True).moved(-panels * w / 2 + 0.06 + slid, grip_at, 0), 2))
        return pieces + jambs(panels * w * 0.97, h)
    if variant == "garage":
        wide, high = w * 2.6, h
        rows, columns = draw.integer("rows", 3, 6), draw.integer("columns", 2, 6)
        pieces = [
            (slab((-wide / 2, wide / 2), (k * high / rows + 0.008, (k + 1) * high / rows - 0.008), (-t / 2, t / 2)), 0)
            for k in range(rows)
        ]
        if draw.chance(0.7):
            for k in range(rows):
                for c in range(columns):
                    x = (c + 0.5 - columns / 2) * wide / columns
                    pieces.append(
                        (
                            box(wide / columns * 0.8, high / rows * 0.65, 0.02).moved(
                                x, (k + 0.5) * high / rows, t / 2
                            ),
                            3,
                        )
                    )
        pieces.append((handle(0.2, 0.03).moved(0, high * 0.3, t / 2 + 0.01), 2))
        return pieces + jambs(wide, high)
    if variant == "shutter":
        wide, n = w * 1.8, draw.integer("slats", 14, 28)
        slat = box(wide, 0.85 * h / n, 0.5 * t).turned("x", 12)
        pieces = [(copies(slat, [(0, (k + 0.5) * h / n, 0) for k in range(n)]), 0)]
        pieces.append((cylinder(0.14 + f, wide + 2 * f, 14).turned("z", 90).moved(wide / 2 + f, h + 0.1, 0), 1))
        return pieces + jambs(wide, h)
    if variant == "elevator":
        gap = draw.rng.uniform(0, 0.9) * draw.chance(0.4)
        pieces = [
            (slab((s * x0, s * x1), (0, h), (-t / 2, t / 2)), 0)
            for s in (-1, 1)
            for x0, x1 in ((0.006 + gap * w / 2, w / 2 + gap * w / 2),)
        ]
        pieces += jambs(w, h) + ends(w * (0.95 + p.stile), (0, h + f), (-fd / 2, fd / 2 - 0.02), w * 0.7, 4)
        pieces.append((box(0.12, 0.25, 0.02).moved(w * 0.5 + f + 0.18, grip_at, fd / 2), 2))
        return pieces + [(box(w * 0.5, 0.12, 0.03).moved(0, h + f * 0.5, fd / 2), 3)]
    if variant == "revolving":
        pieces = [
            (box(2 * w * 0.9, h, 0.03).turned("y", turn + p.opening).moved(y=h / 2), 0)
            for turn in ((0, 90) if draw.chance(0.6) else (0, 60, 120))
        ]
        a = np.linspace(-40, 40, 9)
        for turn in (90, 270):
            wall = np.stack([around(a + turn, 0.95 * w, y) for y in (0.0, h)])
            pieces.append((sheet(wall, 0.05), 3))
        pieces += [
            (cylinder(1.03 * w, f + 0.05, 24).moved(y=h), 1),
            (cylinder(1.03 * w, 0.03, 24).moved(y=-0.03), 1),
            (cylinder(0.05, h, 10), 1),
        ]
        return pieces + [(handle(0.5, 0.03).turned("y", p.opening).moved(0, grip_at, 0), 2)]
    # A plain leaf from x = 0, dressed in one way or another.
    leaf: Pieces = [(slab((0.003, w - 0.003), (0.01, h), (-t / 2, t / 2)), 0)]
    x0, x1 = p.stile * w / 0.9, w - p.stile * w / 0.9
    style = draw.integer("panels", 0, 4)
    if variant == "louvred":
        n = draw.integer("slats", 12, 24)
        leaf = [(slab((a, b), (0, h), (-t / 2, t / 2)), 0) for a, b in ((0, x0), (x1, w))]
        leaf += [(slab((x0, x1), (v, v + 0.1), (-t / 2, t / 2)), 0) for v in (0, h / 2, h - 0.1)]
        slat = box(x1 - x0, 0.75 * h / n, 0.012).turned("x", 35)
        leaf.append((copies(slat, [((x0 + x1) / 2, (k + 0.5) * h / n, 0) for k in range(n)]), 3))
    elif variant == "ledged":
        n = draw.integer("boards", 4, 8)
        leaf = [(slab((k * w / n + 0.005, (k + 1) * w / n - 0.005), (0.01, h), (-t / 3, t / 3)), 0) for k in range(n)]
        for s in (-1, 1) if draw.chance(0.5) else (1,):
            leaf += [
                (slab((0.02, w - 0.02), (v * h, v * h + 0.1), (s * t / 3, s * t * 0.8)), 3) for v in (0.1, 0.5, 0.85)
            ]
            if draw.chance(0.6):
                leaf.append((beam((0.08, 0.15 * h, 0), (w - 0.08, 0.5 * h, 0), 0.09, t * 0.4).moved(z=s * t * 0.55), 3))
                leaf.append(
                    (beam((0.08, 0.55 * h, 0), (w - 0.08, 0.87 * h, 0), 0.09, t * 0.4).moved(z=s * t * 0.55), 3)
                )
    elif style < 3:
        rows, columns = ((2, 1), (3, 2), (1, 1))[style]
        for i in range(rows):
            for j in range(columns):
                a, b = (x0 + (x1 - x0) * (j + e) / columns for e in (0.05, 0.95))
                y = (h * (0.07 + 0.88 * i / rows), h * (0.07 + 0.88 * (i + 0.88) / rows))
                leaf.append((slab((a, b), y, (-t * 0.7 - 0.008, t * 0.7 + 0.008)), 3))
    else:  # a window in its upper part
        y = (h * 0.55, h * 0.88)
        leaf += moved(
            glazing_bars((x0, x1), y, draw.integer("columns", 1, 3), draw.integer("rows", 1, 3), 0.035, t * 1.5, 3)
        )
    leaf.append((door_grip(draw, grip_at, t / 2).moved(w - 0.07), 2))
    leaf = moved(leaf, -w / 2)
    if draw.chance(0.5):
        leaf = [(mesh.scaled(-1, 1, 1), part) for mesh, part in leaf]
    if variant == "leaf only":
        return leaf
    pieces = leaf if draw.chance(0.7) else placed(moved(leaf, w / 2), -w / 2, 0, 0, p.opening)
    pieces += jambs(w, h)
    if variant == "portal":
        out = w / 2 + f + 0.14
        if draw.chance(0.5):
            column = lathe(
                [(0, 0), (0.12, 0), (0.12, 0.08), (0.085, 0.12), (0.07, h), (0.12, h + 0.06), (0, h + 0.06)], 14
            )
        else:
            column = box(0.16, h + 0.06, 0.12).moved(y=h / 2 + 0.03)
        pieces += [(column.moved(s * out, 0, fd / 2), 1) for s in (-1, 1)]
        pieces.append((slab((-out - 0.14, out + 0.14), (h + 0.06, h + 0.22), (-fd / 2, fd / 2 + 0.14)), 1))
        if draw.chance(0.6):
            peak = extrude([(-out - 0.16, 0), (out + 0.16, 0), (0, 0.25 + p.rail)], fd + 0.1)
            pieces.append((peak.moved(0, h + 0.22, 0.05), 1))
        for k in range(draw.integer("steps", 0, 3)):
            pieces.append(
                (
                    slab(
                        (-out - 0.1 * k - 0.1, out + 0.1 * k + 0.1),
                        (-0.12 * (k + 1), -0.12 * k),
                        (-fd / 2, fd + 0.3 * (k + 1)),
                    ),
                    4,
                )
            )
    elif variant == "in a wall":
        left, right, up = draw.rng.uniform([0.2, 0.2, 0.2], [1.2, 1.2, 0.7])
        x, z = w / 2 + f, (-fd * 0.4, fd * 0.4)
        for a, b, low in ((-x - left, -x, 0), (x, x + right, 0), (-x, x, h + f)):
            pieces.append((slab((a, b), (low, h + f + up), z), 4))
    return pieces
