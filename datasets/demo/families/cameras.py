"""The family of cameras."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, placed, rod, squared
from datasets.demo.families.forms import along, both, copies, ring, smooth, taper
from datasets.demo.families.panels import bezel, cable, casing, plate, puck, row
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, frustum, lathe, slab, torus, tube


def objective(draw: Draw, r: float, length: float, hooded: bool) -> Mesh:
    """Lens barrel along +z from the origin, with rings and a glass set back in its front."""
    k = draw.rng.uniform(0.88, 1.08, 3)
    profile = [(0, 0), (1, 0), (k[0], 0.25), (1.06 * k[0], 0.27), (1.06 * k[0], 0.45), (k[1], 0.48), (k[1], 0.85)]
    if hooded:
        profile += [(1.16 * k[2], 1.3), (1.08 * k[2], 1.3), (0.85 * k[2], 0.9), (0.6 * k[2], 0.8), (0, 0.88)]
    else:
        profile += [(1.05 * k[2], 0.9), (1.05 * k[2], 1), (0.88 * k[2], 1), (0.7 * k[2], 0.86), (0, 0.93)]
    return along(lathe(profile, 24).scaled(r, length, r))


def tripod(tall: float, spread: float, phase: float) -> Mesh:
    """Three legs in two sections, a centre column and a head plate whose top lies in y = 0."""
    tips, _ = ring(3, spread * tall, -tall, phase)
    top = np.array([0, -0.12 * tall, 0])
    parts = [rod(top, (top + foot) / 2, 0.03, 6) for foot in tips] + [
        rod((top + foot) / 2, foot, 0.02, 6) for foot in tips
    ]
    parts += [cylinder(0.035, 0.35 * tall, 10).moved(0, -0.37 * tall), cylinder(0.08, 0.04, 14).moved(0, -0.04)]
    braces = [rod((0, -0.35 * tall, 0), 0.4 * foot + [0, -0.05 * tall, 0], 0.012, 5) for foot in tips]
    return combine([*parts, *braces, rod((0, -0.06, 0), (0.1, -0.15, -0.4), 0.015, 6)])


def still_camera(draw: Draw, p, reflex: bool) -> Pieces:
    """Photographic camera centred on the origin, its body's front in z = depth/2."""
    w, h, d, r = p.width, p.height, p.depth, min(p.lens, 0.44 * p.height)
    out: Pieces = []
    if reflex:
        out.append((casing(draw, w, h, d, draw.integer("casing", 0, 2)), 0))
        x = p.place * w
        tip = taper(box(0.85 * p.hump * w * 1.2, 0.28 * h, 0.95 * d), 0.66, draw.rng.uniform(0.6, 0.95))
        out.append((tip.moved(x, 0.62 * h), 2))
        out.append((plate(0.2 * w, 0.15 * h, 0.06).turned("y", 180).moved(x, 0.56 * h, -d / 2), 2))
        if draw.chance(0.75):
            out.append(
                (cushion(p.grip * w * 1.3, 0.95 * h, 0.9 * d, 0.45, 14).moved(-0.45 * w, -0.02 * h, 0.35 * d), 0)
            )
        length = 0.25 + 0.8 * p.barrel
        out.append((objective(draw, r, length, draw.chance(0.3)).moved(x, -0.06 * h, d / 2), 1))
        tops = [cylinder(0.06, 0.05, 12).moved(-0.42 * w, h / 2), cylinder(0.1, 0.07, 14).moved(0.36 * w, h / 2)]
        tops.append(cylinder(0.08, 0.05, 14).moved(-0.27 * w, h / 2))
        out.append((combine(tops), 3))
        if draw.chance(0.15):
            out.append((box(0.3 * w, 0.3 * h, 0.3).moved(x, 0.95 * h, 0.05), 2))
    else:
        d = 0.6 * d
        out.append((casing(draw, w, 0.95 * h, d, draw.integer("casing", 0, 2)), 0))
        x = p.place * w * draw.rng.choice([-1, 1])
        length = 0.06 + 0.3 * p.barrel
        steps = [along(frustum(r * f, 0.97 * r * f, length * g, 22)) for f, g in ((1, 0.4), (0.85, 0.75), (0.7, 1.0))]
        out.append((combine(steps).moved(x, -0.05 * h, d / 2), 1))
        out.append((puck(0.5 * r, 0.02, 16).moved(x, -0.05 * h, d / 2 + length), 1))
        out.append((plate(0.2 * w, 0.14 * h, 0.03).moved(draw.rng.choice([-0.33, 0.33]) * w, 0.33 * h, d / 2), 2))
        out.append((plate(0.1 * w, 0.1 * h, 0.03).moved(0.05 * w, 0.36 * h, d / 2), 2))
        tops = [
            cylinder(0.055, 0.05, 12).moved(-0.36 * w, 0.475 * h),
            cylinder(0.085, 0.04, 14).moved(-0.2 * w, 0.475 * h),
        ]
        if draw.chance(0.4):  # film winder and rewind
            tops += [cylinder(0.08, 0.07, 14).moved(0.38 * w, 0.475 * h), box(0.12, 0.06, 0.12).moved(0, 0.5 * h)]
        out.append((combine(tops), 3))
        if draw.chance(0.3):
            out.append((both(box(0.16 * w, 0.96 * h, 0.02).moved(0.38 * w, 0, d / 2)), 0))
    out.append((plate(0.6 * w, 0.65 * h, 0.015).turned("y", 180).moved(0, 0, -d / 2), 2))
    if draw.chance(0.2):  # strap
        s = smooth(
            [
                (-0.5 * w, 0.35 * h, 0),
                (-0.62 * w, 0.1, -0.3),
                (-0.3 * w, -0.4 * h, -0.7),
                (0.4 * w, -0.4 * h, -0.7),
                (0.64 * w, 0.1, -0.3),
                (0.5 * w, 0.35 * h, 0),
            ],
            3,
        )
        out.append((tube(s, 0.02, 4).scaled(1, 1, 1), 4))
    return out


@family(
    "camera",
    parts=("body", "lens", "viewfinder", "buttons", "stand"),
    variants=("reflex", "compact", "on tripod", "camcorder", "security", "bellows", "webcam", "cine"),
    synonyms=("photo camera", "photographic camera", "digital camera"),
)
def camera(variant: str, draw: Draw) -> Pieces:
    """Camera whose lens looks to the front."""
    p = draw(
        width=(0.8, 1.2), height=(0.5, 0.78), depth=(0.22, 0.42), lens=(0.19, 0.3), barrel=(0.1, 0.8),
        hump=(0.22, 0.36), grip=(0.12, 0.2), place=(-0.06, 0.16), stand=(1.3, 2.6), spread=(0.3, 0.5), tilt=(-25, 15),
    )  # fmt: skip
    w, h, d, r = p.width, p.height, p.depth, min(p.lens, 0.44 * p.height)
    if variant in ("reflex", "compact"):
        return still_camera(draw, p, variant == "reflex")
    out: Pieces = []
    if variant in ("bellows", "on tripod") and (variant == "bellows" or draw.chance(0.4)):
        s = 0.45 * (w + h)
        n, length = draw.integer("folds", 4, 8), 0.35 + 0.7 * p.barrel
        profile: list[tuple[float, float]] = []
        for k, f in enumerate(np.linspace(1, 0.62, 2 * n + 1)):
            profile.append((0.49 * s * f * (1.0 if k % 2 else 0.86), length * k / (2 * n)))
        folds = squared(lathe([(0, 0), *profile, (0, length)], 16), 0.35)
        out = [(along(folds), 0), (box(s, s, 0.14).moved(z=-0.07), 0), (box(0.9 * s, 0.9 * s, 0.08).moved(z=-0.18), 2)]
        out.append((box(0.72 * s, 0.72 * s, 0.06).moved(z=length), 0))
        out.append((objective(draw, 0.7 * r, 0.25, False).moved(0, 0, length + 0.03), 1))
        out.append((slab((-0.3 * s, 0.3 * s), (-0.5 * s, -0.44 * s), (-0.1, length + 0.1)), 0))
        if variant == "bellows" and draw.chance(0.5):
            out.append((box(0.25 * s, 0.12 * s, 0.12).moved(0, 0.55 * s, -0.05), 2))
            return out
        h = s
    elif variant == "on tripod":
        out = still_camera(draw, p, draw.chance(0.8))
    if out:
        out = placed(out, pitch=-p.tilt)
        out.append((tripod(p.stand, p.spread, draw.rng.uniform(0, 120)).moved(0, -h / 2 - 0.02), 4))
        return out
    if variant == "camcorder":
        pro = draw.chance(0.45)
        long, wide, tall = 1.1 * w, 0.45 * h + 0.1, 0.62 * h
        out.append((casing(draw, wide, tall, long, draw.integer("casing", 0, 2)), 0))
        r = 1.65 * p.lens * min(wide, tall)
        out.append((objective(draw, r * (1.1 if pro else 0.9), 0.15 + 0.5 * p.barrel, pro).moved(0, 0.02, long / 2), 1))
        if draw.chance(0.6):
            screen = plate((0.3 + p.hump) * long, 0.8 * tall, 0.06).turned("y", draw.rng.uniform(-15, 25))
            out.append((screen.moved(wide / 2 + 0.32 * long, 0.02, -0.1 * long), 2))
        out.append((along(frustum(0.09, 0.13, 0.25, 12)).moved(0, 0.36 * tall, -long / 2 - 0.22), 2))
        strap = smooth(
            [(0, 0, -0.4 * long), (-p.grip, 0, -0.25 * long), (-p.grip, 0, 0.2 * long), (0, 0, 0.35 * long)], 3
        )
        out.append((tube(strap, 0.05, 4).scaled(1, 1.8, 1).moved(-wide / 2), 4))
        if pro:
            grip = smooth([(0, 0, -0.3 * long), (0, 0.2, -0.22 * long), (0, 0.22, 0.25 * long), (0, 0, 0.32 * long)], 3)
            out.append((tube(grip, 0.04, 6).moved(0, tall / 2), 4))
            out.append((along(cylinder(0.05, 0.4, 10)).moved(0.3 * wide, tall / 2 + 0.15, 0.1 * long), 3))
        else:
            out.append((copies(cylinder(0.04, 0.04, 10), row(0.1, 2, tall / 2, -0.3 * long)), 3))
        return out
    if variant == "security":
        if draw.chance(0.3):  # dome
            r = p.lens * 2
            dome = lathe(
                [(0, -r), *[(r * np.sin(a), -r * np.cos(a)) for a in np.linspace(0.25, np.pi / 2, 7)], (0, 0)], 22
            )
            out = [(lathe([(0, 0), (1.25 * r, 0), (1.25 * r, 0.5 * d), (1.1 * r, d), (0, d)], 24), 0), (dome, 1)]
            if draw.chance(0.4):  # on a table or a wall
                return placed(out, pitch=draw.rng.choice([90, 180]))
            return out if draw.chance(0.6) else [*out, (cylinder(0.08, p.barrel + 0.2, 10).moved(0, d), 4)]
        long, r = 0.8 * w, 0.8 * p.lens
        if draw.chance(0.5):
            out.append((along(cylinder(r, long, 22)).moved(z=-long / 2), 0))
            out.append((bezel(0.9 * r, 0.1 * r, 22).moved(z=long / 2), 0))
        else:
            out.append((box(1.9 * r, 1.7 * r, long), 0))
        out.append((objective(draw, 0.6 * r, 0.12, False).moved(z=long / 2 - 0.02), 1))
        visor = slab((-1.08 * r, 1.08 * r), (r, 1.08 * r), (-0.4 * long, 0.5 * long + p.grip))
        out.append(
            (combine([visor, both(slab((r, 1.08 * r), (0.2 * r, r), (-0.4 * long, 0.5 * long + 0.5 * p.grip)))]), 0)
        )
        out = placed(out, pitch=-p.tilt + 10, yaw=draw.rng.uniform(-35, 35))
        s = draw.rng.choice([-1, 1])
        drop, back = s * (0.3 + p.spread), -0.35 * long - 0.3
        arm = tube([(0, 0.6 * s * r, -0.1 * long), (0, drop, -0.2 * long), (0, drop, back)], 0.05, 8)
        return [*out, (arm, 4), (along(frustum(0.2, 0.2, 0.06, 16)).moved(0, drop, back - 0.05), 4)]
    if variant == "webcam":
        r = p.lens
        ball = draw.chance(0.6)
        body = ellipsoid(r, r, r, 18) if ball else casing(draw, 3.4 * r, 1.2 * r, r, draw.integer("casing", 0, 2))
        z = 0.8 * r if ball else 0.5 * r
        out = [
            (body, 0),
            (objective(draw, 1.7 * p.hump * r, (0.15 + 0.5 * p.barrel) * r, False).moved(0, 0, z), 1),
            (
                puck(0.08 * r, 0.4 * r, 8).moved(0.75 * r if not ball else 0, 0 if not ball else 0.62 * r, 0.6 * z),
                3,
            ),
        ]
        out = placed(out, pitch=-p.tilt)
        low = -r - p.grip
        out.append((cylinder(0.25 * r, p.grip + 0.5 * r, 10).moved(0, low), 4))
        if draw.chance(0.5):
            out.append((frustum((0.7 + p.spread) * r, 0.7 * r, 0.3 * r, 18).moved(0, low - 0.2 * r), 4))
        else:  # clip on a screen
            clip = [box(1.6 * r, 0.15 * r, 1.2 * r), box(1.6 * r, 0.5 * r, 0.12 * r).moved(0, -0.25 * r, 0.55 * r)]
            clip.append(box(1.5 * r, 1.6 * r, 0.12 * r).turned("x", 25).moved(0, -0.7 * r, -0.3 * r))
            out.append((combine(clip).moved(0, low), 4))
        if draw.chance(0.5):
            out.append(
                (
                    cable(
                        [(0, low, -0.3 * r), (0.1, low - 0.3, -0.5), (-0.2, low - 0.6, -0.4), (0.2, low - 0.8, -0.5)],
                        0.02,
                    ),
                    4,
                )
            )
        return out
    body = box(0.45 * w, 0.75 * h, 0.9 * w)
    out = [(body, 0), (objective(draw, 0.75 * r, 0.3 + 0.4 * p.barrel, True).moved(0, 0.05, 0.45 * w), 1)]
    reel = combine(
        [torus(1, 0.12, 22, 6), cylinder(0.9, 0.06, 22).moved(0, -0.03), cylinder(0.25, 0.3, 12).moved(0, -0.15)]
    )
    size = (0.28 + 0.3 * p.hump) * 0.9
    low = draw.chance(0.5)
    for z, y in ((-0.45 * size * 2.3, 0), (0.45 * size * 2.3, 0.3 * size * low)):
        out.append((reel.turned("z", 90).scaled(0.6, 1, 1).scaled(size).moved(0, 0.38 * h + 0.95 * size + y, z), 3))
    out.append((along(frustum(0.06, 0.09, 0.35, 12)).moved(0.2 * w, 0.2 * h, -0.7 * w), 2))
    out.append((box(0.06, 0.3 * h, 0.5 * w).moved(0.25 * w, 0), 3))
    if draw.chance(0.7):
        out.append((tripod(p.stand, p.spread, draw.rng.uniform(0, 120)).moved(0, -0.38 * h - 0.02), 4))
    return out
