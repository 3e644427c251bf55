"""What grows in pots: stems and leaves."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw
from datasets.demo.families.forms import around, copies, golden, leaf, ring, smooth
from datasets.demo.mesh import Mesh, combine, cylinder, ellipsoid, frustum, lathe, tube


def foliage(variant: str, draw: Draw, radius: float, height: float) -> list[tuple[Mesh, bool]]:
    """A plant that grows from the origin; pairs of a mesh and whether it is leaf, not stem."""
    d = draw(leaf=(0.5, 1.0), leaf_width=(0.2, 0.5), droop=(0.0, 0.6), lean=(15, 60), phase=(0, 360))
    out: list[tuple[Mesh, bool]] = []
    if variant == "cactus":
        r = min(radius * 0.8, 0.45 * height)
        rounded = draw.chance(0.35)
        n = draw.integer("ribs", 7, 12)
        body = (
            ellipsoid(r * 1.15, min(height, 2.2 * r) / 2, r * 1.15, 16).moved(0, min(height, 2.2 * r) * 0.42)
            if rounded
            else lathe(
                smooth([(0, 0), (0.55 * r, 0), (0.65 * r, 0.5 * height), (0.55 * r, 0.88 * height), (0, height)]).clip(
                    0
                ),
                2 * n,
            )
        )
        v = body.vertices.copy()  # ribs
        v[:, [0, 2]] *= 1 + 0.08 * np.cos(n * np.arctan2(v[:, 0], v[:, 2]))[:, None]
        out.append((Mesh(v, body.faces, body.part), False))
        if rounded:
            top = min(height, 2.2 * r) * 0.9
            at, yaw = ring(5, 0, top)
            out.append((copies(leaf(0.35 * r, 0.2 * r, 0), at, yaw=yaw, pitch=-45), True))
        else:
            for k in range(draw.integer("arms", 1, 3)):
                y, a = height * (0.3 + 0.15 * k), 0.35 * r
                path = smooth(
                    [
                        (0, y, 0),
                        (1.1 * r, y + 0.02, 0),
                        (1.25 * r, y + 0.12 * height, 0),
                        (1.25 * r, y + (0.2 + 0.25 * d.droop) * height, 0),
                    ],
                    3,
                )
                size = np.full(len(path), a)
                size[-1] *= 0.6
                out.append((tube(path, size, 8).turned("y", d.phase + 160 * k), True))
        return out
    if variant == "palm":
        bend = 0.25 * (d.droop - 0.2) * height
        stem = [(bend * t**2, t * 0.65 * height, 0) for t in np.linspace(0, 1, 6)]
        out.append((tube(stem, np.linspace(1, 0.65, 6) * (0.03 + 0.1 * radius), 8), False))
        n = draw.integer("fronds", 7, 13)
        yaw, t, noise = golden(n, d.phase)
        at = np.tile(stem[-1], (n, 1))
        length, width = 0.5 * height * (0.6 + 0.4 * d.leaf), 0.35 * height * d.leaf_width + 0.03
        frond = leaf(length, width, 0.4 + 0.6 * d.droop, 7)
        out.append((copies(frond, at, 1 + 0.15 * noise, yaw, -60 * t + 10), True))
        return out
    if variant == "flowers":
        n = draw.integer("flowers", 3, 8)
        yaw, t, noise = golden(n, d.phase)
        bloom = 0.09 * height + 0.12 * radius
        head = copies(
            leaf(bloom, 0.75 * bloom, -0.3, 4), *(lambda p: (p[0], 1.0, p[1]))(ring(6, 0.2 * bloom)), pitch=-20
        )
        head = combine([head, ellipsoid(0.35 * bloom, 0.25 * bloom, 0.35 * bloom, 8)])
        spread = radius * (0.5 + 1.2 * d.leaf_width / 0.5) * np.sqrt(t)
        top = around(yaw, spread, height * (0.9 - 0.25 * t + 0.1 * noise))
        for p in top:
            out.append((tube([(0.2 * p[0], 0, 0.2 * p[2]), (0.7 * p[0], 0.6 * p[1], 0.7 * p[2]), p], 0.012, 5), False))
        out.append((copies(head, top, 1.0, yaw, 25), True))
        at = np.tile([0, 0.02, 0], (n + 3, 1))
        blade = leaf(0.5 * height * d.leaf, 0.22 * height * d.leaf_width + 0.03, d.droop)
        out.append((copies(blade, at, 1, golden(n + 3)[0] + 40, -d.lean), True))
        return out
    if variant == "bush":
        n = draw.integer("leaves", 24, 60)
        yaw, t, noise = golden(n, d.phase)
        stem = 0.2 * height * d.droop
        out.append(
            (tube([(0, 0, 0), (0, stem, 0), (0, 0.7 * height, 0)], [0.15 * radius, 0.1 * radius, 0.03], 7), False)
        )
        crown = 0.5 * (height - stem)
        wide = (0.4 + 0.6 * d.leaf) * max(radius, 0.7 * crown)
        up = np.arcsin(1.8 * t - 0.9)
        at = around(yaw, 0.45 * wide * np.cos(up), stem + crown + 0.55 * crown * np.sin(up))
        size = 0.55 * wide + 0.1 * crown
        blade = leaf(size, size * (0.4 + d.leaf_width), 0.5 * d.droop, 4)
        out.append((copies(blade, at, 1 + 0.2 * noise, yaw, -np.degrees(up) + 15 * noise), True))
        return out
    if variant == "topiary":
        stem = height * (0.2 + 0.3 * d.droop)
        r = (height - stem) / 2
        out.append((cylinder(0.03 + 0.05 * radius, stem + 0.3 * r, 8), False))
        crown = (
            ellipsoid(r * (0.6 + 0.5 * d.leaf), r, r * (0.6 + 0.5 * d.leaf), 14)
            if draw.chance(0.6)
            else frustum(r * (0.5 + 0.4 * d.leaf), 0.02, 2 * r, 10).moved(0, -r)
        )
        out.append((crown.moved(0, stem + r), True))
        return out
    n = draw.integer("blades", 8, 20)  # grass, aloe, sansevieria
    yaw, t, noise = golden(n, d.phase)
    at = around(yaw, 0.35 * radius * t, 0 * t)
    blade = leaf(height, 0.3 * height * d.leaf_width + 0.03, 0.5 * d.droop, 6)
    out.append((frustum(0.4 * radius, 0.2 * radius, 0.1 * height, 10), False))
    out.append((copies(blade, at, 0.85 + 0.15 * noise, yaw, -90 + (0.4 + 0.6 * t) * d.lean), True))
    return out


def greenery(kind: str, draw: Draw, radius: float, height: float) -> list[tuple[Mesh, bool]]:
    """Further plants, as `foliage` gives them: those that the demo's small worlds lack."""
    d = draw(
        leaf=(0.5, 1.0), leaf_width=(0.25, 0.6), droop=(0.1, 0.7), fullness=(0.3, 1.0), phase=(0, 360), jitter=(5, 25)
    )
    out: list[tuple[Mesh, bool]] = []
    rng = draw.rng

    def count(low: int, high: int) -> int:
        return int(round(low + d.fullness * (high - low)))

    def tufts(at: np.ndarray, size: float, each: int, width: float = 0.0) -> Mesh:
        """Leaves that point every way, `each` at a place."""
        n = len(at) * each
        blade = leaf(size, size * (width or 0.3 + d.leaf_width), 0.5 * d.droop, 3)
        places = np.repeat(at, each, 0) + rng.normal(0, 0.25 * size, (n, 3))
        return copies(blade, places, rng.uniform(0.7, 1.3, n), rng.uniform(0, 360, n), rng.uniform(-70, 35, n))

    if kind == "fern":
        n = count(10, 22)
        yaw, t, noise = golden(n, d.phase)
        length = 0.75 * height
        s = np.linspace(0.15, 1, 7)
        # Leaflets along an arch that rises and bends over.
        arch = np.stack([0 * s, length * (0.9 * s - (0.55 + 0.5 * d.droop) * s**2), length * s * 0.9], -1)
        small = leaf(length * (0.12 + 0.25 * d.leaf_width), 0.16 * length * d.leaf, 0.2, 3)
        pairs = [copies(small, arch, 1.15 - 0.8 * s, 90 * side, 0) for side in (-1, 1)]
        rib = tube(np.concatenate([[[0, 0, 0]], arch[1::2]]), 0.006 + 0.006 * d.leaf, 4)
        frond = combine([rib, *pairs])
        out.append((frustum(0.3 * radius, 0.15 * radius, 0.1 * height, 8), False))
        out.append((copies(frond, np.tile([0, 0.03, 0], (n, 1)), 0.85 + 0.2 * noise, yaw, -45 * (1 - t) + 10), True))
    elif kind == "large leaves":
        n = count(6, 16)
        yaw, t, noise = golden(n, d.phase)
        top = around(yaw, radius * (0.3 + 1.5 * t), height * (0.95 - 0.55 * t + 0.08 * noise))
        for p in top:
            out.append((tube([(0.1 * p[0], 0, 0.1 * p[2]), (0.5 * p[0], 0.65 * p[1], 0.5 * p[2]), p], 0.012, 5), False))
        size = (0.25 + 0.2 * d.leaf) * height
        out.append(
            (
                copies(
                    leaf(size, size * (0.5 + d.leaf_width), 0.3 * d.droop, 5),
                    top,
                    1 + 0.2 * noise,
                    yaw,
                    30 * d.droop + d.jitter * noise,
                ),
                True,
            )
        )
    elif kind in ("tree", "bonsai"):
        short = kind == "bonsai"
        high = height * (0.45 if short else 1)
        bend = (0.5 if short else 0.12) * high
        s = np.linspace(0, 1, 6)
        trunk = np.stack([bend * np.sin(3 * s + d.phase) * s, 0.75 * high * s, bend * np.cos(2 * s) * s], -1)
        trunk -= trunk[0]
        thick = (0.2 if short else 0.09) * radius + 0.015
        out.append((tube(trunk, np.linspace(thick, 0.4 * thick, 6), 7), False))
        n = count(4, 9)
        yaw, t, noise = golden(n, d.phase)
        start = trunk[np.clip((2 + 4 * t).astype(int), 2, 5)]
        reach = (0.6 if short else 0.32) * high * (0.5 + 0.5 * d.leaf)
        tips = start + around(yaw, reach * (1.1 - 0.6 * t), (0.1 if short else 0.22) * high * (0.6 + t))
        for a, b in zip(start, tips, strict=True):
            out.append((tube([a, 0.5 * (a + b) - [0, 0.02, 0], b], [0.5 * thick, 0.35 * thick, 0.2 * thick], 5), False))
        crown = np.concatenate([tips, trunk[-1:] + [0, 0.1 * high, 0]])
        if draw.chance(0.35):
            blob = ellipsoid(1, 0.4 if short else 0.75, 1, 8)
            out.append((copies(blob, crown, rng.uniform(0.35, 0.65, len(crown)) * reach), True))
        else:
            each = count(6, 14)
            scattered = crown + rng.normal(0, 0.12 * reach, crown.shape)
            out.append((tufts(scattered, 0.35 * reach + 0.03, each), True))
    elif kind == "hanging":
        n = count(8, 18)
        yaw, _, noise = golden(n, d.phase)
        for a, k in zip(yaw, noise, strict=True):
            fall = height * (0.5 + 0.4 * k)
            path = around(
                np.full(5, a), radius * np.array([0.3, 1.0, 1.25, 1.2, 1.3]), np.array([0, 0.12, 0.02, -0.5, -1]) * fall
            )
            out.append((tube(path, 0.008, 4), False))
            u = np.linspace(0, 1, 9)[1:]
            at = np.stack([np.interp(u, np.linspace(0, 1, 5), path[:, i]) for i in range(3)], -1)
            small = leaf(0.09 + 0.1 * d.leaf, (0.09 + 0.1 * d.leaf) * (0.5 + d.leaf_width), 0.2, 3)
            out.append((copies(small, at, 1, a + rng.uniform(-90, 90, 8), rng.uniform(0, 60, 8)), True))
    elif kind == "bamboo":
        n = count(3, 9)
        yaw, t, noise = golden(n, d.phase)
        foot, lean = around(yaw, 0.5 * radius * t, 0.0), around(yaw, 0.3 * radius * (0.5 + t), 0.0)
        for i in range(n):
            top = foot[i] + lean[i] + [0, height * (0.85 + 0.15 * noise[i]), 0]
            out.append((tube([foot[i], top], 0.012 + 0.02 * d.leaf, 6), False))
            u = np.linspace(0.45, 1, count(4, 9))[:, None]
            out.append((tufts(foot[i] + u * (top - foot[i]), 0.25 * height * d.leaf, 2, 0.25), True))
    elif kind == "rosette":  # succulents and agaves
        n = count(14, 40)
        yaw, t, noise = golden(n, d.phase)
        size = 0.6 * height + 0.8 * radius
        blade = leaf(size * d.leaf, size * (0.2 + 0.5 * d.leaf_width), -0.3 * d.droop, 4)
        out.append((frustum(0.3 * radius, 0.1 * radius, 0.15 * size, 8), False))
        out.append((copies(blade, around(yaw, 0.1 * radius, 0.08 * size), 1.1 - 0.6 * t, yaw, -12 - 65 * t), True))
    elif kind == "orchid":
        for k in range(draw.integer("sprays", 1, 3)):
            yaw = d.phase + 130 * k
            s = np.linspace(0, 1, 7)
            path = around(
                np.full(7, yaw),
                0.1 * radius + (0.2 + 0.5 * d.droop) * height * s**2.5,
                height * (s - 0.25 * s**3 * d.droop),
            )
            out.append((tube(path, 0.01, 5), False))
            bloom = 0.06 * height * (0.7 + d.leaf)
            head = copies(leaf(bloom, 0.8 * bloom, -0.2, 3), np.zeros((5, 3)), 1, np.arange(5) * 72.0, 0).turned(
                "x", 70
            )
            out.append((copies(head, path[3:], 1, np.full(4, yaw) + rng.uniform(-50, 50, 4)), True))
        blade = leaf(0.4 * height * d.leaf, 0.2 * height * d.leaf_width + 0.05, 0.3, 5)
        out.append((copies(blade, np.zeros((6, 3)), 1, d.phase + np.arange(6) * 60.0, -20), True))
    elif kind == "twigs":
        n = count(5, 14)
        yaw, t, noise = golden(n, d.phase)
        top = around(yaw, radius * (0.3 + 1.6 * t), height * (1 - 0.3 * t + 0.1 * noise))
        for p in top:
            mid = 0.5 * p + rng.normal(0, 0.05 * height, 3)
            out.append((tube([(0, 0, 0), mid, p], [0.014, 0.01, 0.005], 4), False))
            fork = mid + rng.normal(0, 0.12 * height, 3) + [0, 0.25 * height, 0]
            out.append((tube([mid, fork], 0.006, 4), False))
        out.append((tufts(top, 0.1 * height * d.leaf, count(1, 4)), True))
    elif kind == "blob":  # a crown of a few low-poly lumps
        stem = height * 0.6 * d.droop
        out.append((tube([(0, 0, 0), (0, stem + 0.2 * height, 0)], 0.03 + 0.1 * radius, 6), False))
        n = count(1, 7)
        r = 0.5 * (height - stem) * (0.6 + 0.5 * d.leaf)
        at = rng.normal(0, 0.35 * r * (n > 1), (n, 3)) + [0, stem + r, 0]
        out.append(
            (
                copies(
                    ellipsoid(1, 1, 1, draw.integer("roundness", 5, 10)),
                    at,
                    rng.uniform(0.5, 0.8, n) * r * (1 if n > 1 else 1.3),
                ),
                True,
            )
        )
    else:  # a thicket of leaves on many stems
        n = count(18, 50)
        yaw, t, noise = golden(n, d.phase)
        top = around(yaw, radius * (0.4 + 1.2 * np.sqrt(t)), height * (1 - 0.6 * t**2 + 0.12 * noise))
        for p in top[::3]:
            out.append((tube([(0.3 * p[0], 0, 0.3 * p[2]), p], [0.014, 0.006], 4), False))
        low = top * [0.75, 0.6, 0.75]
        out.append((tufts(np.concatenate([top, low]), (0.12 + 0.14 * d.leaf) * height, 2), True))
    return out
