"""Plants and their pots."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import around, copies, golden, hollow, leaf, ring, sleeve, smooth
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


def pot(
    shape: str, radius: float, height: float, bottom: float, rim: float, wall: float
) -> tuple[Mesh, Mesh, Mesh, float]:
    """Flower pot as body, rim and soil, and the height of the soil."""
    r, b = radius, radius * bottom
    if shape == "square":
        segments, grow = 4, 1.2
    else:
        segments, grow = 22, 1.0
    curve = [(b, 0), (r, height)]
    if shape == "round":
        curve = smooth([(b, 0), (1.12 * r, 0.5 * height), (r, height)])
    if shape == "bowl":
        curve = smooth([(b * 0.7, 0), (0.9 * r, 0.35 * height), (r, height)])
    body = hollow(curve, wall, segments)
    band = sleeve((r - wall, r + 0.6 * wall), (r - wall, r + 0.8 * wall), rim + 0.01, segments).moved(0, height - rim)
    y = height - max(0.12 * height, 0.02)
    soil = cylinder(np.interp(y, *np.asarray(curve)[:, ::-1].T) - 0.6 * wall, 0.015, segments).moved(0, y - 0.015)
    return (*(m.turned("y", 180 / segments).scaled(grow, 1, grow) for m in (body, band, soil)), y)


@family("flower pot", parts=("pot", "rim", "saucer", "plant"), variants=("tapered", "round", "square", "bowl"))
def flower_pot(variant: str, draw: Draw) -> Pieces:
    """Pot with a rim, mostly with soil or a small plant, at times on a saucer."""
    d = draw(
        radius=(0.3, 0.55), height=(0.4, 1.0), bottom=(0.5, 0.95), rim=(0.05, 0.18), wall=(0.025, 0.06),
        saucer=(1.05, 1.5), plant=(0.3, 0.9),
    )  # fmt: skip
    body, band, soil, y = pot(variant, d.radius, d.height * (0.7 if variant == "bowl" else 1), d.bottom, d.rim, d.wall)
    out = [(body, 0), (band, 1)]
    if draw.chance(0.5):
        b = d.radius * max(d.bottom, 0.7) * d.saucer
        n = 4 if variant == "square" else 22
        dish = hollow([(0.85 * b, 0), (b, 0.07)], 0.02, n).turned("y", 180 / n).moved(0, -0.025)
        out.append((dish.scaled(1.15, 1, 1.15) if n == 4 else dish, 2))
    if draw.chance(0.75):
        out.append((soil, 3))
        if draw.chance(0.75):
            kind = ("cactus", "flowers", "bush", "blades", "topiary")[draw.integer("kind", 0, 4)]
            out += [(mesh.moved(0, y - 0.01), 3) for mesh, _ in foliage(kind, draw, 0.8 * d.radius, d.plant)]
    return out


@family("plant", parts=("pot", "stem", "leaf"), variants=("cactus", "bush", "palm", "flowers", "blades", "topiary"))
def plant(variant: str, draw: Draw) -> Pieces:
    """Plant that is tall for its pot: cactus, leafy bush, palm, flowers, long blades or a clipped tree."""
    d = draw(
        radius=(0.16, 0.36), height=(0.2, 0.5), bottom=(0.55, 1.0), rim=(0.03, 0.1), wall=(0.02, 0.045),
        grown=(0.5, 1.5),
    )  # fmt: skip
    shape = ("tapered", "round", "square", "bowl")[draw.integer("pot", 0, 3)]
    body, band, soil, y = pot(shape, d.radius, d.height, d.bottom, d.rim, d.wall)
    out = [(combine([body, band, soil] if draw.chance(0.6) else [body, soil]), 0)]
    return out + [
        (mesh.moved(0, y - 0.01), 2 if leafy else 1) for mesh, leafy in foliage(variant, draw, d.radius, d.grown)
    ]
