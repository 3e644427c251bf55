"""Stairs."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, placed, rod, turned
from datasets.demo.families.frames import corners, ends
from datasets.demo.mesh import box, cylinder, extrude, slab, tube

DEMO_STAIRS = ("solid", "open", "spiral", "landing", "ladder")


@family(
    "stairs", ("steps", "sides", "rails"), DEMO_STAIRS,
    more=("L-shaped", "U-shaped", "floating", "curved", "between walls", "step ladder", "extension ladder", "porch",
          "low steps", "escalator", "stringers"),
    synonyms=("staircase", "stairway", "steps", "flight of stairs"),
)  # fmt: skip
def stairs(variant: str, draw: Draw) -> Pieces:
    """Flight of steps that climbs away from the front."""
    if variant not in DEMO_STAIRS:
        return _more_stairs(variant, draw)
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


def _more_stairs(variant: str, draw: Draw) -> Pieces:
    count = draw.integer("steps", 5, 14)
    p = draw(
        width=(0.7, 1.5), rise=(0.14, 0.22), run=(0.22, 0.34), tread=(0.02, 0.08), rail_height=(0.6, 1.0),
        side=(0.03, 0.12), post=(0.02, 0.05), landing=(0.9, 1.3),
    )  # fmt: skip
    w, r, run, x = p.width, p.rise, p.run, p.width / 2
    solid, rail_style = draw.chance(0.5), draw.integer("rail", 0, 3)

    def flight(n: int) -> Pieces:
        """n steps that start at z = 0, y = 0 and climb towards -z."""
        out: Pieces = []
        for k in range(n):
            y, z = (k + 1) * r, (-(k + 1) * run - 0.02, -k * run)
            out.append((slab((-x, x), (y - p.tread, y), z), 0))
            if solid:
                out.append((slab((-x, x), (0, y - p.tread), (z[0] + 0.02, z[1])), 1))
        if not solid:
            string = beam((0, r * 0.2, 0), (-n * run, n * r - r * 0.2, 0), 0.8 * r + 0.06, p.side).turned("y", -90)
            out += [(string.moved(s * x), 1) for s in (-1, 1)]
        return out

    def railing(n: int, sides: tuple[int, ...]) -> Pieces:
        out: Pieces = []
        lift, mid = p.rail_height, -0.5 * run
        for s in sides:
            at = s * (x - p.post)
            if rail_style == 3:  # a pane
                pane = extrude([(0, r), (-n * run, n * r), (-n * run, n * r + lift), (0, r + lift)], 0.02)
                out.append((pane.turned("y", -90).moved(at), 2))
                continue
            out.append((rod((at, r + lift, mid), (at, n * r + lift, -n * run - mid), p.post, 8), 2))
            for k in range(0, n, 1 if rail_style == 0 else max(n - 1, 1) if rail_style == 1 else 2):
                z = mid - k * run
                out.append((box(p.post, lift, p.post).moved(at, (k + 1) * r + lift / 2, z), 2))
            if rail_style == 1:
                for level in (0.35, 0.65):
                    out.append(
                        (
                            rod(
                                (at, r + lift * level, mid), (at, n * r + lift * level, -n * run - mid), p.post * 0.4, 6
                            ),
                            2,
                        )
                    )
        return out

    if variant in ("L-shaped", "U-shaped"):
        first = max(count // 2, 2)
        second = count - first
        y, z, size = first * r, -first * run, w * p.landing
        pieces = flight(first) + (railing(first, (-1,) if draw.chance(0.6) else (-1, 1)) if draw.chance(0.7) else [])
        upper = flight(second) + (railing(second, (-1, 1)) if draw.chance(0.7) else [])
        if variant == "L-shaped":
            pieces.append((slab((-x, x), (0 if solid else y - 2 * p.tread, y), (z - w, z)), 0))
            lifted = placed(upper, x, y, z - w / 2, -90)
        else:
            pieces.append((slab((-x, x + w * 1.1), (0 if solid else y - 2 * p.tread, y), (z - size, z)), 0))
            lifted = placed(upper, w * 1.1, y, z, 180)
        if solid:
            a = np.concatenate([mesh.vertices for mesh, part in lifted if part == 1])
            pieces.append((slab(*((a[:, i].min(), a[:, i].max()) if i != 1 else (0, y) for i in range(3))), 1))
        pieces += lifted
        return [(mesh.scaled(-1, 1, 1), part) for mesh, part in pieces] if draw.chance(0.5) else pieces
    if variant == "curved":
        inner, sweep = 0.3 + 1.2 * p.side * 10 * draw.rng.random(), np.radians(draw(sweep=(70, 220)).sweep)
        outer, each = inner + w, sweep / count
        pieces = []
        a = np.linspace(0, each, 4)
        arc = np.stack([np.cos(a), np.sin(a)], -1)
        for k in range(count):
            y = (k + 1) * r
            high = y if solid else p.tread
            wedge = (
                extrude(np.concatenate([arc * inner, arc[::-1] * outer]), high)
                .turned("x", -90)
                .turned("y", np.degrees(k * each))
            )
            pieces.append((wedge.moved(y=y - high / 2), 0))
        t = np.linspace(0, sweep, count + 1)
        level = np.linspace(r, count * r + r, count + 1)
        for radius in (inner + 0.03, outer - 0.03):
            path = np.stack([radius * np.cos(t), level - 0.5 * r, -radius * np.sin(t)], -1)
            pieces.append((tube(path - [0, r, 0] + [0, 0.3 * r, 0], 0.06 + 0.5 * p.side, 4), 1))
            if draw.chance(0.8):
                up = path + [0, p.rail_height, 0]
                pieces.append((tube(up, p.post, 6), 2))
                pieces += [(rod(a_, b_, p.post * 0.5, 5), 2) for a_, b_ in zip(path[::2], up[::2], strict=True)]
        return pieces
    if variant in ("step ladder", "extension ladder"):
        n = max(count // 2 + 1, 3) if variant == "step ladder" else count
        h = n * r * 1.25
        lean = h * draw.rng.uniform(0.25, 0.4)
        x = 0.22 + 0.1 * p.width
        pieces = []
        if variant == "extension ladder":
            q = draw(bar=(0.02, 0.04), rung=(0.01, 0.024), slide=(0.4, 0.8))
            for k in range(draw.integer("sections", 1, 2)):
                low = k * h * q.slide
                pieces += [
                    (
                        rod(
                            (s * x * (1 - 0.12 * k), low, 0.06 * k),
                            (s * x * (1 - 0.12 * k), low + h, 0.06 * k),
                            q.bar,
                            4,
                        ),
                        1,
                    )
                    for s in (-1, 1)
                ]
                pieces += [
                    (rod((-x, low + (i + 0.5) * h / n, 0.06 * k), (x, low + (i + 0.5) * h / n, 0.06 * k), q.rung, 6), 0)
                    for i in range(n)
                ]
            return turned(pieces, "x", -draw.rng.uniform(0, 20))
        for s in (-1, 1):
            pieces.append((rod((s * x * 1.25, 0, lean), (s * x, h, 0.03), 0.025, 4), 1))
            pieces.append((rod((s * x * 1.2, 0, -lean), (s * x, h, -0.03), 0.02, 4), 1))
            pieces.append((rod((s * x * 1.1, 0.4 * h, 0.6 * lean), (s * x * 1.1, 0.4 * h, -0.6 * lean), 0.008, 5), 2))
        for k in range(n):
            u = (k + 1) / n
            wide = x * (1.25 - 0.25 * u)
            deep = 0.05 if u < 1 else 0.16
            pieces.append(
                (slab((-wide, wide), (u * h - p.tread, u * h), (lean * (1 - u) - deep, lean * (1 - u) + deep)), 0)
            )
        pieces.append((rod((-x * 1.15, 0.5 * h, -lean / 2), (x * 1.15, 0.5 * h, -lean / 2), 0.012, 5), 2))
        if draw.chance(0.5):
            pieces.append((tube([(-x, h, 0), (-x, h + 0.4, 0), (x, h + 0.4, 0), (x, h, 0)], 0.018, 6), 2))
        return pieces
    if variant == "floating":
        pieces = [
            (slab((-x, x), ((k + 1) * r - p.tread - 0.03, (k + 1) * r), (-(k + 1) * run, -k * run)), 0)
            for k in range(count)
        ]
        wall = draw.chance(0.5)
        if wall:
            pieces.append((slab((-x - 0.08, -x), (0, count * r + 1.0), (-count * run, 0)), 1))
        else:
            pieces.append((beam((0, 0.2 * r, 0), (-count * run, count * r - r, 0), 0.7 * r, 0.14).turned("y", -90), 1))
        return pieces + (railing(count, (1,)) if draw.chance(0.6) else [])
    if variant == "porch":
        n = min(count, 6)
        pieces = flight(n)
        y, deep = n * r, 0.7 + p.landing
        x2 = x * draw.rng.uniform(1.0, 1.8)
        pieces.append((slab((-x2, x2), (0 if solid else y - 2 * p.tread, y), (-n * run - deep, -n * run)), 0))
        pieces += corners(box(0.09, y, 0.09).moved(y=y / 2), x2 - 0.05, deep / 2 - 0.05, 1)[:2] if not solid else []
        pieces += railing(n, (-1, 1))
        for s in (-1, 1):
            pieces += [
                (box(p.post, p.rail_height, p.post).moved(s * x2, y + p.rail_height / 2, -n * run - v * deep), 2)
                for v in np.linspace(0, 1, 5)
            ]
            pieces.append(
                (
                    slab(
                        (s * x2 - p.post, s * x2 + p.post),
                        (y + p.rail_height, y + p.rail_height + 0.04),
                        (-n * run - deep, -n * run),
                    ),
                    2,
                )
            )
        return pieces
    if variant == "low steps":
        n, pieces = draw.integer("low steps", 2, 5), []
        shape = draw.integer("plan", 0, 2)
        for k in range(n):
            deep = (n - k) * run
            if shape == 0:
                pieces.append((slab((-x - 0.3, x + 0.3), (k * r, (k + 1) * r), (-0.3, deep)), k % 2))
            elif shape == 1:  # steps on three sides
                pieces.append((slab((-x - deep, x + deep), (k * r, (k + 1) * r), (-0.3, deep)), k % 2))
            else:
                pieces.append((cylinder(x * 0.6 + deep, r, 28).moved(y=k * r), k % 2))
        if draw.chance(0.4):
            pieces += ends(x + 0.3 + 0.5 * p.side, (0, n * r + 0.2), (-0.3, n * run), 0.15, 1)
        return pieces
    pieces = flight(count)
    depth, total = count * run, count * r
    if variant == "between walls":
        high = total + draw.rng.uniform(0.2, 1.5)
        pieces += ends(x + p.side / 2, (0, high), (-depth, 0), p.side, 1)[: draw.integer("walls", 1, 2)]
        pieces += [(rod((x - 0.06, r + 0.9, 0), (x - 0.06, total + 0.9, -depth), 0.025, 6), 2)]
        return pieces
    if variant == "escalator":
        lift = 0.45 + 0.4 * p.rail_height
        shape = [
            (0.8, 0),
            (0.8, lift),
            (0.1, lift),
            (-depth, total + lift),
            (-depth - 0.8, total + lift),
            (-depth - 0.8, total - 0.4),
        ]
        pieces.append((slab((-x, x), (0, 0.02), (0, 0.9)), 0))
        pieces.append((slab((-x, x), (total - 0.02, total), (-depth - 0.9, -depth)), 0))
        for s in (-1, 1):
            pieces.append((extrude(shape, 0.06 + p.side * 0.5).turned("y", -90).moved(s * (x + 0.05)), 1))
            rail = np.array([(0.85, lift * 0.3), *shape[1:5]])
            pieces.append((tube(np.c_[np.zeros(5), rail[:, 1] + 0.04, rail[:, 0]], 0.05, 6).moved(s * (x + 0.05)), 2))
        return pieces
    # a straight flight with a full railing
    return pieces + railing(count, (-1, 1) if draw.chance(0.6) else (1,))
