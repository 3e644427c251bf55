"""Doors and stairs."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, handle, knob, rod
from datasets.demo.families.frames import moved, turned
from datasets.demo.mesh import box, cylinder, extrude, slab, tube


@family("door", ("leaf", "frame", "handle", "panels"), ("single", "double", "arched", "ajar"))
def door(variant: str, draw: Draw) -> Pieces:
    """Door leaf in a frame."""
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


@family("stairs", ("steps", "sides", "rails"), ("solid", "open", "spiral", "landing", "ladder"))
def stairs(variant: str, draw: Draw) -> Pieces:
    """Flight of steps that climbs away from the front."""
    count = draw.integer("steps", 3, 11)
    p = draw(
        width=(0.6, 2.2), rise=(0.12, 0.26), run=(0.18, 0.4), tread=(0.02, 0.09), rail_height=(0.5, 1.0),
        side=(0.03, 0.12), turn=(20, 34), post=(0.02, 0.05), landing=(0.7, 1.3),
    )  # fmt: skip
    w, r, run = p.width, p.rise, p.run
    pieces: Pieces = []
    if variant == "spiral":
        count = max(count, 7)
        radius = w * 0.6
        height = count * r
        post = max(p.side, 0.04)
        pieces.append((cylinder(post, height + p.rail_height, 12), 1))
        half = np.radians(p.turn) * 0.56
        a = np.linspace(-half, half, 4)
        arc = np.stack([np.sin(a), np.cos(a)], -1)
        outline = np.concatenate([arc * radius, arc[::-1] * post * 0.5])
        wedge = extrude(outline, p.tread).turned("x", 90)
        path = []
        for k in range(count):
            angle = p.turn * k
            pieces.append((wedge.turned("y", angle).moved(y=(k + 1) * r), 0))
            a = np.radians(angle)
            foot = np.array([np.sin(a), 0, np.cos(a)]) * radius * 0.96
            path.append(foot + [0, (k + 1) * r + p.rail_height, 0])
            pieces.append((rod(foot + [0, (k + 1) * r, 0], path[-1], p.post * 0.5, 6), 2))
        pieces.append((tube(path, p.post * 0.8, 6), 2))
        return pieces
    if variant == "ladder":
        count = max(count, 4)
        run *= 0.45
        r *= 1.2
    total, depth = count * r, count * run
    x = w / 2 * (0.5 if variant == "ladder" else 1)
    solid = variant == "solid" or (variant == "landing" and draw.chance(0.5))
    for k in range(count):
        z1 = depth / 2 - k * run
        if solid:
            pieces.append((slab((-x, x), (0, (k + 1) * r - p.tread), (z1 - run, z1)), 1))
            pieces.append((slab((-x, x), ((k + 1) * r - p.tread, (k + 1) * r), (z1 - run, z1)), 0))
        else:
            pieces.append((slab((-x, x), ((k + 1) * r - p.tread, (k + 1) * r), (z1 - run * 1.08, z1)), 0))
            if variant == "landing" or (variant == "open" and p.tread > 0.06):
                pieces.append((slab((-x, x), (k * r, (k + 1) * r - p.tread), (z1 - 0.02, z1)), 0))
    if variant == "landing":
        zl = -depth / 2
        more = draw.integer("upper steps", 2, 5)
        size = w * p.landing
        pieces.append((slab((-x, x), (0 if solid else total - p.tread, total), (zl - size, zl)), 0))
        s = -1 if draw.chance(0.5) else 1
        for k in range(more):
            y = total + (k + 1) * r
            a, b = sorted((s * (x + k * run), s * (x + (k + 1) * run)))
            pieces.append((slab((a, b), (0 if solid else y - p.tread, y), (zl - size, zl)), 0))
        if not solid:
            for sx in (-1, 1):
                pieces.append((slab((sx * x - 0.04, sx * x + 0.04), (0, total), (zl - size, zl - size + 0.08)), 1))
    slope = np.array([(depth / 2, 0.0), (-depth / 2, total)])
    sides = (-1, 1)
    if variant != "solid" or draw.chance(0.5):
        for s in sides:
            xs = s * (x + p.side / 2)
            string = beam((slope[0, 0], r * 0.3, 0), (slope[1, 0], total - r * 0.3, 0), max(r * 0.9, 0.12), p.side)
            pieces.append((string.turned("y", -90).moved(x=xs), 1))
    if variant == "ladder" or draw.chance(0.65):
        lift = p.rail_height
        for s in sides if draw.chance(0.8) else sides[:1]:
            xs = s * (x - p.post)
            pieces.append(
                (rod((xs, r + lift, depth / 2 - run / 2), (xs, total + lift, -depth / 2 + run / 2), p.post * 0.9, 8), 2)
            )
            step = 1 if draw.chance(0.6) else 2
            for k in {0, count - 1, *range(0, count, step)}:
                zc = depth / 2 - (k + 0.5) * run
                pieces.append((rod((xs, (k + 1) * r, zc), (xs, (k + 1) * r + lift, zc), p.post * 0.55, 6), 2))
    return pieces
