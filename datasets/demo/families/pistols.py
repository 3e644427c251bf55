"""Pistols, their muzzle at +z, and what all fire-arms have."""

from __future__ import annotations

from functools import cache

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import along, both, copies, side, smooth
from datasets.demo.families.solids import bars
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, frustum, lathe, slab, torus, tube


def gun_barrel(z: tuple[float, float], radius: float, y: float = 0.0, sides: int = 14) -> Mesh:
    """Tube along z with an open muzzle."""
    long, inner = z[1] - z[0], 0.55 * radius
    pipe = lathe([(0, 0), (radius, 0), (radius, long), (inner, long), (inner, 0.75 * long), (0, 0.75 * long)], sides)
    return along(pipe).moved(0, y, z[0])


@cache
def _trigger() -> Mesh:
    guard = smooth([(0, 0, 0), (0, -0.9, 0.15), (0, -1, 0.8), (0, 0, 1.4)], 3)
    return combine([tube(guard, 0.1, 6), tube([(0, 0, 0.75), (0, -0.35, 0.7), (0, -0.7, 0.85)], 0.12, 5)])


def gun_trigger(y: float, z: float, size: float, thick: float) -> Mesh:
    """Trigger in a guard that hangs from `y` between z and z + 1.4 sizes."""
    return _trigger().scaled(5 * thick, size, size).moved(0, y, z)


def gun_grip(y: float, z: float, length: float, depth: float, width: float, angle: float, soft: bool) -> Mesh:
    """Pistol grip that hangs from `y`, its back at z on top, leaning back by `angle` degrees."""
    back = length * np.tan(np.radians(angle))
    line = [
        (z, y + 0.02),
        (z + depth, y + 0.02),
        (z + 0.92 * depth - 0.55 * back, y - 0.5 * length),
        (z + depth - back, y - length),
        (z - 0.05 * depth - back, y - length),
        (z - 0.12 * depth - 0.4 * back, y - 0.45 * length),
    ]
    if soft:
        t = np.linspace(0, 1, 6)
        mid = np.stack([0 * t, y - length * t, z + depth / 2 - back * t], -1)
        mid[:, 2] -= 0.08 * depth * np.sin(np.pi * t)
        return tube(mid, depth / 2, 10).scaled(width / depth, 1, 1)
    return side(line, width)


def gun_sights(y: float, z: tuple[float, float], width: float, size: float) -> Mesh:
    """Notch behind and blade in front on a ridge at `y`."""
    return combine(
        [
            both(box(0.25 * width, size, size).moved(0.25 * width, y + size / 2, z[0])),
            box(0.2 * width, size, size).moved(0, y + size / 2, z[1]),
        ]
    )


@family(
    "pistol",
    parts=("grip", "body", "barrel", "trigger", "sight"),
    variants=("semi-automatic", "revolver", "flintlock", "blaster", "machine pistol"),
    synonyms=("gun", "handgun", "revolver", "hand gun", "blaster"),
)
def pistol(variant: str, draw: Draw) -> Pieces:
    """Gun for one hand; the bore is on the z axis."""
    p = draw(
        length=(0.75, 1.15), height=(0.11, 0.18), width=(0.085, 0.14), grip=(0.34, 0.55), depth=(0.16, 0.25),
        angle=(8, 26), guard=(0.12, 0.18), bore=(0.022, 0.042), frame=(0.5, 0.95), sight=(0.02, 0.05),
        drop=(0.05, 0.12), cut=(0.0, 0.5),
    )  # fmt: skip
    long, h, w, g, r = p.length, p.height, p.width, p.guard, p.bore
    back, front = -long / 2, long / 2
    out: Pieces = []
    soft = draw.chance(0.35)
    if variant == "semi-automatic":
        slide = side(
            [
                (back, -h / 2),
                (back, 0.4 * h),
                (back + 0.1 * h, h / 2),
                (front - 0.3 * p.cut * h, h / 2),
                (front, (0.5 - 0.8 * p.cut) * h),
                (front, -h / 2),
            ],
            w,
        )
        low = -h / 2 - p.drop
        under = [
            (back + 0.02, -h / 2),
            (front - (1 - p.frame) * 0.5 * long, -h / 2),
            (front - (1 - p.frame) * 0.5 * long - 0.03, low),
            (back + 0.06, low),
            (back - 0.06, -0.62 * h),
        ]
        out += [(slide, 1), (side(under, 0.92 * w), 1), (gun_barrel((front - 0.1, front + 0.02), r), 2)]
        out.append((gun_grip(low + 0.03, back + 0.04, p.grip, p.depth, 0.92 * w, p.angle, soft), 0))
        out.append((gun_trigger(low, back + 0.04 + p.depth, g, 0.03), 3))
        out.append((gun_sights(h / 2, (back + 0.06, front - 0.06), w, p.sight), 4))
        if draw.chance(0.6):
            out.append((box(0.3 * w, 0.3 * h, 0.06).turned("x", -25).moved(0, 0.3 * h, back - 0.02), 3))
        if draw.chance(0.5):
            ribs = [(0, -0.05 * h, back + 0.05 + 0.03 * k) for k in range(5)]
            out.append((copies(box(1.06 * w, 0.7 * h, 0.012), ribs), 1))
        extra = draw.integer("extra", 0, 6)
        if extra == 0:
            out.append((gun_barrel((front, front + 0.5 * long), 0.42 * h), 2))
        elif extra == 1:
            out.append(
                (box(0.6 * w, 0.7 * p.drop, 0.22).moved(0, low - 0.02, front - (1 - p.frame) * 0.5 * long - 0.16), 4)
            )
    elif variant == "revolver":
        drum_r, drum_l = 0.6 * h + 0.25 * p.drop + 0.03, 0.2 * long + 0.05
        drum_y, z0 = -0.5 * drum_r, back + 0.2 * long
        rim = [(0, 0), (0.9, 0), (1, 0.1), (1, 0.9), (0.85, 1), (0, 1)]
        drum = along(lathe([(drum_r * x, drum_l * y) for x, y in rim], 12)).moved(0, drum_y, z0)
        a = np.arange(6) * np.pi / 3
        flutes = np.stack(
            [0.95 * drum_r * np.sin(a), drum_y + 0.95 * drum_r * np.cos(a), 0 * a + z0 + 0.55 * drum_l], -1
        )
        out += [(drum, 1), (copies(box(0.14 * drum_r, 0.14 * drum_r, 0.8 * drum_l), flutes), 1)]
        top, low = drum_y + drum_r + 0.035, drum_y - drum_r - 0.03
        end = z0 + drum_l
        x, y = (-0.35 * w, 0.35 * w), (low, top)
        frame = [slab(x, (e, e + 0.05), (z0 - 0.05, end + 0.06)) for e in (top - 0.05, low)]
        frame += [slab(x, y, z) for z in ((z0 - 0.12, z0 - 0.01), (end + 0.01, end + 0.08))]
        out.append((combine(frame), 1))
        out.append((gun_barrel((end + 0.02, front), 1.25 * r + 0.01, 0.0), 2))
        out.append((slab((-0.3 * w, 0.3 * w), (r, top), (end, front - 0.02)), 2))
        if draw.chance(0.6):
            out.append(
                (slab((-0.28 * w, 0.28 * w), (-2.4 * r - 0.02, -0.8 * r), (end, front - 0.35 * p.cut * long)), 2)
            )
        gz = z0 - 0.12
        out.append((gun_grip(low + 0.04, gz - 0.02, p.grip, 0.75 * p.depth, w, p.angle + 8, soft), 0))
        out.append((gun_trigger(low, gz + 0.05, g, 0.03), 3))
        out.append((box(0.35 * w, 0.13, 0.05).turned("x", -35).moved(0, top + 0.01, gz - 0.02), 3))
        out.append((gun_sights(top, (z0 - 0.08, front - 0.06), 0.8 * w, p.sight), 4))
    elif variant == "flintlock":
        low = -0.06 - 0.4 * p.drop
        bend = [
            (0.3, -0.01),
            (-0.15, -0.02),
            (-0.32, 0.8 * low),
            (-0.46, low - 0.35 * p.grip),
            (-0.53, low - 0.75 * p.grip),
        ]
        path = smooth([(0, y, z * long) for z, y in bend], 3)
        thick = np.interp(np.arange(13), [0, 5, 9, 12], [0.6, 0.9, 0.85, 0.75]) * (0.07 + 0.2 * (p.depth - 0.16))
        out.append((tube(path, thick, 10).scaled(8 * w, 1, 1), 0))
        out.append((ellipsoid(0.5 * w + 0.01, 0.06, 0.07, 10).moved(0, low - 0.8 * p.grip, -0.54 * long), 0))
        muzzle = 0.32 * long + 0.3 * p.frame * long * 0.6
        count = draw.integer("barrels", 1, 2) if draw.chance(0.25) else 1
        bore = gun_barrel((-0.25 * long, muzzle), 1.3 * r, 0.05)
        out.append((bore if count == 1 else both(bore.moved(1.2 * r)), 2))
        if draw.chance(0.4):
            bell = lathe([(1.2 * r, 0), (2.4 * r, 0.08), (1.7 * r, 0.08), (0.9 * r, 0), (1.2 * r, 0)], 14)
            out.append((along(bell).moved(0, 0.05, muzzle - 0.02), 2))
        cock = [(0.5 * w, y, z * long) for y, z in ((0.02, -0.26), (0.14, -0.3), (0.17, -0.24))]
        plate, steel = box(0.02, 0.09, 0.28).moved(0.45 * w, 0.0, -0.18 * long), box(0.03, 0.1, 0.02)
        lock = combine([plate, tube(cock, 0.018, 6), steel.moved(0.5 * w, 0.09, -0.12 * long)])
        out += [(lock, 1), (gun_trigger(0.4 * low - 0.05, -0.3 * long, g, 0.025), 3)]
        out.append((bars([(0, -0.065, -0.05 * long), (0, -0.06, 0.9 * muzzle)], 0.012), 2))
    elif variant == "blaster":
        r0 = 0.7 * h + 0.3 * p.drop
        kind = draw.integer("kind", 0, 2)
        if kind == 0:  # ray gun
            body = lathe(
                [
                    (0, back),
                    (0.5 * r0, back + 0.02),
                    (1.2 * r0, back + 0.22 * long),
                    (r0, back + 0.42 * long),
                    (0.35 * r0, back + 0.55 * long),
                    (0, back + 0.55 * long),
                ],
                16,
            )
            rings = [
                torus((0.55 + 0.3 * k) * r0 * (0.7 + p.cut), 0.02 + 0.1 * r * k, 16, 6)
                .turned("x", 90)
                .moved(z=front - 0.1 - 0.11 * k)
                for k in range(draw.integer("rings", 1, 3))
            ]
            out += [
                (along(body), 1),
                (
                    combine(
                        [
                            along(frustum(0.35 * r0, 0.2 * r0, 0.5 * long, 12)).moved(z=0),
                            *rings,
                            ellipsoid(1.6 * r, 1.6 * r, 1.6 * r, 10).moved(z=front),
                        ]
                    ),
                    2,
                ),
            ]
            fin = side([(back + 0.05, r0), (back + 0.3 * long, r0), (back - 0.08, r0 + 0.16)], 0.02)
            out.append((fin, 4))
        else:
            shell = side(
                [
                    (back, -0.5 * h),
                    (back + 0.06, 0.7 * h),
                    (0.1 * long, 0.8 * h),
                    (front - 0.1, 0.5 * h),
                    (front, 0.3 * h),
                    (front, -0.3 * h),
                    (front - 0.25, -0.7 * h),
                    (back + 0.1, -0.75 * h),
                ],
                1.5 * w,
            )
            out += [
                (shell if kind == 1 else cushion(1.6 * w, 1.5 * h, long, 0.5, 16), 1),
                (gun_barrel((front - 0.05, front + 0.15 + 0.3 * p.cut), 1.8 * r + 0.02, 0, 10), 2),
            ]
            out.append((both(cylinder(0.35 * h, 0.03, 12).turned("z", -90).moved(0.74 * w, 0.05 * h, -0.1 * long)), 4))
            if draw.chance(0.6):
                scope = combine(
                    [along(cylinder(0.3 * h + 0.01, 0.4 * long, 10)), box(0.04, 0.1, 0.1).moved(0, -0.08, 0.2 * long)]
                )
                out.append((scope.moved(0, 1.2 * h + 0.03, -0.25 * long), 4))
        out.append((gun_grip(-0.6 * h, back + 0.14, p.grip, p.depth, 1.05 * w, p.angle, soft), 0))
        out.append((gun_trigger(-0.65 * h, back + 0.14 + p.depth, g, 0.03), 3))
    else:
        tall = 1.5 * h
        out += [
            (slab((-w / 2, w / 2), (-tall / 2, tall / 2), (back, front - 0.12)), 1),
            (gun_barrel((front - 0.14, front + 0.1 + 0.3 * p.cut), 1.2 * r), 2),
        ]
        gz = -0.15 * long + 0.2 * long * (p.frame - 0.7)
        out.append((gun_grip(-tall / 2, gz, 0.8 * p.grip, p.depth, 0.9 * w, 0.3 * p.angle, False), 0))
        out.append(
            (box(0.7 * w, 0.5 * p.grip + 0.1, 0.75 * p.depth).moved(0, -tall / 2 - p.grip, gz + 0.45 * p.depth), 0)
        )
        out += [
            (gun_trigger(-tall / 2, gz + p.depth, g, 0.03), 3),
            (gun_sights(tall / 2, (back + 0.06, front - 0.18), w, 1.5 * p.sight), 4),
        ]
        if draw.chance(0.5):
            y = -0.2 * tall
            wire = smooth([(0.4 * w, y, back), (0.4 * w, y, back - 0.45), (0.4 * w, y - 0.22, back - 0.47)], 2)
            out.append((both(tube(wire, 0.018, 6)), 1))
            out.append((bars([(-0.4 * w, y - 0.22, back - 0.47), (0.4 * w, y - 0.22, back - 0.47)], 0.018), 1))
    return out
