"""Helmets and caps; the face looks towards +z."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, turned
from datasets.demo.families.forms import both, copies, side, smooth
from datasets.demo.families.solids import bars, stack
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, lathe, sheet, tube


def _dome(x: float, y: float, z: float, wall: float, low: float = 0.0, point: float = 1.0, segments: int = 24) -> Mesh:
    """Hollow upper part of an ellipsoid from `low` degrees up, the flatter above the lower `point` is."""
    a = np.radians(np.linspace(low, 90, 9))
    line = np.stack([np.maximum(np.cos(a), 0), np.sign(np.sin(a)) * np.abs(np.sin(a)) ** point], -1)
    inner = line[::-1] * (1 - wall / x)
    return lathe([*line, *inner, line[0]], segments).scaled(x, y, z)


def _patch(
    half: tuple[float, float, float],
    yaw: tuple[float, float],
    pitch: tuple[float, float],
    thick: float,
    steps: int = 13,
) -> Mesh:
    """Plate on an ellipsoid between two yaws (0 in front) and two pitches, in degrees."""
    u, v = np.meshgrid(np.radians(np.linspace(*yaw, steps)), np.radians(np.linspace(*pitch, 5)), indexing="ij")
    grid = np.stack([np.sin(u) * np.cos(v) * half[0], np.sin(v) * half[1], np.cos(u) * np.cos(v) * half[2]], -1)
    return sheet(grid, thick)


def _seams(x: float, y: float, z: float, point: float, count: int, thick: float) -> Mesh:
    """Piping from the rim of a `_dome` to near its top."""
    t = np.linspace(0.03, 1.45, 7)
    yaws = np.arange(count) * 2 * np.pi / count + 0.5
    rise = y * np.sin(t) ** point
    lines = [np.stack([x * np.cos(t) * np.sin(a), rise, z * np.cos(t) * np.cos(a)], -1) * 1.01 for a in yaws]
    return combine([tube(line, thick, 4) for line in lines])


def _bill(x: float, z: float, reach: float, spread: float, droop: float, tilt: float, thick: float) -> Mesh:
    """Peak ahead of an ellipse with half axes x, z: `reach` long, `spread` degrees to each side."""
    u, v = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(0, 1, 4), indexing="ij")
    a = np.radians(u * spread)
    out = reach * np.cos(u * np.pi / 2) ** 0.65
    grid = np.stack(
        [x * np.sin(a) * (1 + 0.05 * v), -droop * u**2 - tilt * v * out, z * np.cos(a) - 0.01 + v * (out + 0.01)], -1
    )
    return sheet(grid, thick)


def _brim(x: float, z: float, wide: float, curl: float, dip: float, thick: float) -> Mesh:
    """Brim all round an ellipse: its sides curl up and its front and back dip."""
    a, v = np.meshgrid(np.linspace(0, 2 * np.pi, 29), np.linspace(0, 1, 4), indexing="ij")
    rise = v**1.5 * (curl * np.sin(a) ** 2 - dip * np.cos(a) ** 2)
    return sheet(np.stack([np.sin(a) * (x + v * wide), rise, np.cos(a) * (z + v * wide)], -1), thick)


def _straps(x: float, y: float, z: float, length: float, thick: float) -> Mesh:
    """Chin strap hung from both sides."""
    path = smooth(
        [
            (x, y, z),
            (0.85 * x, y - 0.6 * length, z + 0.05),
            (0.4 * x, y - length, z + 0.1),
            (0, y - 1.1 * length, z + 0.12),
        ],
        2,
    )
    return both(tube(path, thick, 5))


@family(
    "helmet",
    parts=("shell", "visor", "strap", "crest", "brim"),
    variants=("full face", "bicycle", "army", "hard hat", "knight", "football", "horned"),
    synonyms=("motorcycle helmet", "bike helmet", "hard hat", "crash helmet", "football helmet", "headpiece"),
)
def helmet(variant: str, draw: Draw) -> Pieces:
    """Hard hollow headgear."""
    p = draw(
        width=(0.4, 0.5), height=(0.4, 0.54), depth=(0.47, 0.62), wall=(0.025, 0.06), jaw=(0.55, 0.8), face=(48, 68),
        brow=(4, 24), chin=(1.0, 1.25), strap=(0.3, 0.6), crest=(0.05, 0.2), brim=(0.05, 0.16), open=(0, 70),
        point=(0.8, 1.2),
    )  # fmt: skip
    x, y, z, wall = p.width, p.height, p.depth, p.wall
    out: Pieces = []
    if variant == "full face":
        jaw = (x, p.jaw, z)
        out.append((_dome(x, y, z, wall, 0), 0))
        out.append((_patch(jaw, (p.face, 360 - p.face), (-62, 0), wall, 21), 0))
        bar = (1.02 * x, p.jaw, p.chin * z)
        out.append((_patch(bar, (-p.face - 6, p.face + 6), (-62, -30), wall), 0))
        if draw.chance(0.8):
            lift = p.open if draw.chance(0.35) else 0.0
            shield = _patch((1.03 * x, p.jaw, 1.04 * z), (-p.face - 12, p.face + 12), (-34, p.brow), 0.015)
            out.append((shield.turned("x", -lift), 1))
            out.append((both(cylinder(0.06, 0.03, 10).turned("z", -90).moved(x, 0.02, 0.1 * z)), 1))
        if draw.chance(0.3):
            out.append((_bill(x, z, 0.2 + p.brim, 55, 0.06, -0.25, 0.025).moved(y=0.45 * y), 4))
        if draw.chance(0.5):
            fin = side(
                [(-0.9 * z, 0.2 * y), (-0.98 * z - 0.5 * p.crest, 0.3 * y), (-0.6 * z, 0.82 * y), (-0.4 * z, 0.8 * y)],
                0.7 * x,
            )
            out.append((fin, 3))
        if draw.chance(0.5):
            out.append((both(box(0.08, 0.04, 0.16).turned("x", -35).moved(0.35 * x, 0.8 * y, 0.5 * z)), 3))
        if draw.chance(0.5):
            out.append((_straps(0.75 * x, -0.75 * p.jaw, 0.05, 0.4 * p.strap, 0.02), 2))
    elif variant == "bicycle":
        y, z = 0.85 * y, 1.08 * z
        ribs = draw.integer("ribs", 4, 8)
        solid = draw.chance(0.4)
        if solid:
            out.append((_dome(x, y, z, wall, 5), 0))
        # Ribs run from front to back, each an arc in a plane through the long axis.
        t = np.radians(np.linspace(8, 172, 13))
        scale = 1.04 if solid else 1.0
        for roll in np.linspace(-62, 62, ribs):
            s, c = np.sin(np.radians(roll)), np.cos(np.radians(roll))
            arc = np.stack([x * s * np.sin(t), y * c * np.sin(t), z * np.cos(t)], -1) * scale
            lift = 1 + p.crest * 0.5 * np.exp(-(((t - 2.2) / 0.5) ** 2))
            out.append((tube(arc * lift[:, None], (0.5 + 2 * (p.wall - 0.02)) * x / ribs * 0.75 + 0.01, 6), 0))
        rim = [_patch((1.02 * x, y, 1.02 * z), (0, 360), (-4, 12), 1.3 * wall, 25)]
        for turn in (60, 120):
            rim.append(
                tube(
                    [
                        (1.0 * x * np.cos(a), y * np.sin(a) * np.sin(np.radians(turn)), z * np.cos(np.radians(turn)))
                        for a in np.linspace(0.1, np.pi - 0.1, 9)
                    ],
                    0.7 * wall,
                    6,
                )
            )
        out.append((combine(rim), 0))
        if draw.chance(0.4):
            out.append((_bill(x, z, p.brim + 0.06, 50, 0.02, 0.1, 0.02), 1))
        out.append((_straps(0.8 * x, 0, 0.1, p.strap, 0.018), 2))
        out.append((both(bars([(0.8 * x, 0, -0.4 * z), (0.75 * x, -0.45 * p.strap, 0.12)], 0.015)), 2))
    elif variant == "army":
        kind = draw.integer("kind", 0, 2)
        low = -12 if kind else 0
        out.append((_dome(x, y, z, wall, low, p.point), 0))
        if kind == 0:
            out.append((_brim(0.97 * x, 0.98 * z, 0.5 * p.brim, -0.02, 0.03 + 0.3 * p.brim, wall), 4))
        elif kind == 1:  # a skirt that flares over ears and neck
            u = np.linspace(0, 1, 4)
            a = np.radians(np.linspace(38, 322, 21))
            flare = 1 + (0.35 * p.brim + 0.12) * u**1.5
            deep = -0.18 * y - u * (0.25 + 1.2 * p.brim) * y
            grid = np.stack(
                [
                    np.outer(np.sin(a), 0.98 * x * flare),
                    np.broadcast_to(deep, (21, 4)),
                    np.outer(np.cos(a), 0.98 * z * flare),
                ],
                -1,
            )
            out += [
                (sheet(grid, wall), 4),
                (_bill(0.97 * x, 0.97 * z, 0.6 * p.brim + 0.03, 45, 0.0, 0.5, wall).moved(y=-0.17 * y), 4),
            ]
        else:
            out.append((_patch((1.01 * x, p.jaw, z), (65, 295), (-42, -5), wall, 19), 0))
            if draw.chance(0.6):
                mount = [
                    box(0.1, 0.12, 0.05).moved(0, 0.35 * y, 0.96 * z),
                    both(box(0.04, 0.06, 0.3).moved(1.02 * x, 0.05, 0)),
                ]
                out.append((combine(mount), 3))
        if draw.chance(0.7):
            out.append((_straps(0.9 * x, -0.1 * y, 0, p.strap, 0.02), 2))
        if draw.chance(0.3):
            out.append((_patch((1.04 * x, y, 1.04 * z), (0, 360), (2, 14), 0.03, 25), 2))
    elif variant == "hard hat":
        out.append((_dome(x, 0.9 * y, z, wall, 0, 0.9), 0))
        if draw.chance(0.45):
            out.append((_brim(0.97 * x, 0.97 * z, 0.8 * p.brim + 0.03, 0.02, 0.03, wall), 4))
        else:
            out.append((_brim(0.97 * x, 0.97 * z, 0.04, 0, 0, wall), 4))
        out.append((_bill(x, z, p.brim + 0.06, 65, 0.03, 0.2, wall), 4))
        t = np.radians(np.linspace(15, 165, 13))
        for roll in (0,) if draw.chance(0.3) else (-24, 0, 24):
            s, c = np.sin(np.radians(roll)), np.cos(np.radians(roll))
            arc = np.stack([x * s * np.sin(t), 0.9 * y * c * np.sin(t), z * np.cos(t)], -1)
            out.append((tube(arc, 0.03 + 0.25 * p.crest * (roll == 0) * 0.6, 6), 3))
        if draw.chance(0.4):
            out.append(
                (
                    both(
                        combine(
                            [
                                ellipsoid(0.09, 0.16, 0.13, 10).moved(1.12 * x, -0.22),
                                bars([(1.05 * x, 0.05, 0), (1.12 * x, -0.15, 0)], 0.02),
                            ]
                        )
                    ),
                    2,
                )
            )
        elif draw.chance(0.5):
            out.append((_straps(0.85 * x, 0, 0, p.strap, 0.016), 2))
        if draw.chance(0.25):
            out.append((_patch((1.1 * x, 1.0, 1.15 * z), (-65, 65), (-40, 0), 0.012), 1))
    elif variant == "knight":
        tall = 0.9 * p.jaw
        if draw.chance(0.5):  # a great helm
            lid = [(0, 0.28), (0.95, 0.28), (1, 0.32), (0.6, 0.32 + 0.5 * y), (0, 0.34 + 0.54 * y)]
            out.append((lathe(lid, 20).scaled(x, 1, z), 0))
            out.append((_patch((x, 3, z), (70, 290), (-18, 6), wall, 19), 0))
            slit = 0.06 + 0.2 * (p.wall - 0.02)
            front = [(-72, 72, -18, -1.5 - 40 * slit / 3), (-72, 72, 1.0, 6)]
            out += [(_patch((x, 3, z * 1.03), (a, b), (c, d), wall), 1) for a, b, c, d in front]
            cross = [
                box(0.05, tall, 0.03).moved(0, -0.35 * tall, z * 1.03),
                box(0.7 * x, 0.045, 0.03).moved(0, 0.0, z),
            ]
            out.append((combine(cross), 3))
            holes = [
                (s * 0.1 * k * x * 2, -0.35 - 0.1 * j, z * 1.02 * np.sqrt(1 - (0.2 * k) ** 2))
                for s in (-1, 1)
                for k in (1, 2)
                for j in range(3)
            ]
            out.append((copies(ellipsoid(0.02, 0.02, 0.02, 6), holes), 1))
        else:  # a bascinet with a pointed visor
            out.append((_dome(x, 1.2 * y, z, wall, 0, p.point + 0.2), 0))
            out.append((_patch((x, p.jaw, z), (p.face, 360 - p.face), (-60, 2), wall, 19), 0))
            u, v = np.meshgrid(
                np.radians(np.linspace(-p.face - 8, p.face + 8, 13)), np.linspace(0, 1, 6), indexing="ij"
            )
            beak = 1.03 + (0.35 + p.crest) * np.sin(np.pi * v) ** 1.5 * np.cos(u) ** 4
            grid = np.stack([1.02 * x * np.sin(u), 0.18 - 0.75 * p.jaw * v + 0 * u, z * np.cos(u) * beak], -1)
            lift = p.open if draw.chance(0.3) else 0
            out.append((sheet(grid, wall).turned("x", -lift), 1))
            out.append((both(cylinder(0.05, 0.04, 10).turned("z", -90).moved(x, 0.05, 0)), 1))
        if draw.chance(0.5):
            path = smooth(
                [
                    (0, 0.9 * y, 0.1),
                    (0, 1.1 * y + p.crest, -0.1),
                    (0, y + 1.5 * p.crest, -0.5 * z),
                    (0, 0.3 * y, -1.25 * z),
                ],
                3,
            )
            out.append((tube(path, np.interp(np.arange(10), [0, 3, 9], [0.03, 0.13, 0.05]), 8), 3))
    elif variant == "football":
        out.append((_dome(x, y, z, wall, 0), 0))
        cheek = (x, p.jaw + 0.1, z)
        out.append((_patch(cheek, (p.face, 360 - p.face), (-48, 0), wall, 21), 0))
        thick, reach = 0.022 + 0.2 * (p.wall - 0.025), p.chin * 1.15 * z
        a = np.radians(np.linspace(-p.face - 8, p.face + 8, 11))
        levels = np.linspace(-0.12, -0.58, draw.integer("mask bars", 3, 5))
        for k, low in enumerate(levels):
            far = reach * (0.96 + 0.06 * np.sin(np.pi * k / len(levels)))
            out.append((tube(np.stack([1.03 * x * np.sin(a), low + 0 * a, far * np.cos(a)], -1), thick, 6), 1))
        for s in (-0.3, 0.3) if draw.chance(0.6) else (0,):
            out.append((bars([(s * x, levels[0], reach * 0.93), (s * x, levels[-1], reach * 0.93)], thick), 1))
        out.append((both(cylinder(0.07, 0.02, 12).turned("z", -90).moved(0.97 * x, -0.12, -0.05)), 3))
        t = np.radians(np.linspace(15, 175, 13))
        out.append((tube(np.stack([0 * t, 1.0 * y * np.sin(t), z * np.cos(t)], -1), 0.02 + 0.1 * p.crest, 4), 3))
        out.append((_straps(0.95 * x, -0.4, 0.1, 0.4 * p.strap, 0.02), 2))
    else:
        out.append((_dome(x, y, z, wall, 0, p.point), 0))
        out.append((_patch((1.03 * x, y, 1.03 * z), (0, 360), (-3, 12), 1.2 * wall, 25), 4))
        t = np.radians(np.linspace(0, 180, 13))
        out += [
            (
                tube(
                    np.stack([1.01 * x * np.sin(q) * np.cos(t), y * np.sin(t), z * np.cos(q) * np.cos(t)], -1), 0.03, 5
                ),
                4,
            )
            for q in (0, np.pi / 2)
        ]
        if draw.chance(0.65):
            reach = 0.5 + 2 * p.crest
            horn = smooth(
                [
                    (0.85 * x, 0.35 * y, 0),
                    (x + 0.4 * reach, 0.45 * y, 0.02),
                    (x + 0.65 * reach, 0.5 * y + 0.5 * reach, 0.05),
                    (x + 0.5 * reach, 0.5 * y + reach, 0.1),
                ],
                3,
            )
            out.append((both(tube(horn, np.linspace(0.11, 0.015, 10), 8)), 3))
        else:  # a crest from front to back
            a = np.radians(np.linspace(20, 190, 13))
            v = np.linspace(1, 1.3 + 1.5 * p.crest, 3)
            out.append(
                (
                    sheet(
                        np.stack([np.zeros((13, 3)), np.outer(np.sin(a), y * v), np.outer(np.cos(a), z * v)], -1), 0.08
                    ),
                    3,
                )
            )
        if draw.chance(0.6):
            out.append((cushion(0.09, 0.5 * p.jaw, 0.04, 0.4, 8).moved(0, -0.22 * p.jaw, 0.98 * z), 1))
        if draw.chance(0.5):
            out.append((both(_patch((x, p.jaw, z), (50, 115), (-60, 0), wall, 7)), 1))
        if draw.chance(0.4):
            out.append((_patch((1.05 * x, p.jaw, 1.05 * z), (115, 245), (-50, 0), wall, 11), 2))
    return out


@family(
    "cap",
    parts=("crown", "brim", "band", "button"),
    variants=("baseball", "beanie", "brimmed", "top hat", "beret", "flat cap", "bucket", "peaked"),
    synonyms=("hat", "baseball cap", "beanie", "cowboy hat", "fedora", "top hat", "beret"),
)
def cap(variant: str, draw: Draw) -> Pieces:
    """Soft headgear."""
    p = draw(
        width=(0.4, 0.5), height=(0.3, 0.52), depth=(0.46, 0.6), wall=(0.012, 0.035), bill=(0.25, 0.48),
        spread=(55, 82), droop=(0.0, 0.14), tilt=(-0.05, 0.4), brim=(0.18, 0.5), curl=(-0.05, 0.25),
        dip=(-0.02, 0.12), taper=(0.75, 1.0), point=(0.75, 1.1), lean=(-6, 8),
    )  # fmt: skip
    x, y, z, wall = p.width, p.height, p.depth, p.wall
    out: Pieces = []
    if variant == "baseball":
        out.append((_dome(x, y, z, wall, 0, p.point), 0))
        out.append((_bill(x, z, p.bill, p.spread, p.droop, p.tilt, 0.8 * wall + 0.01), 1))
        if draw.chance(0.7):
            out.append((ellipsoid(0.035, 0.02, 0.035, 8).moved(y=y), 3))
        if draw.chance(0.4):
            out.append((_patch((1.01 * x, y, 1.01 * z), (0, 360), (0, 10), wall, 25), 2))
        if draw.chance(0.4):
            out.append((_seams(x, y, z, p.point, 6, 0.008), 2))
    elif variant == "beanie":
        tall = 1.35 * y
        out.append((_dome(x, tall, z, wall + 0.015, 0, p.taper), 0))
        if draw.chance(0.75):
            deep = 0.18 + 0.3 * p.brim
            line = [(1.0, 0), (1.08, 0.02), (1.1, 0.5), (1.06, 1), (0.98, 1), (1.0, 0)]
            out.append((lathe([(r, h * deep) for r, h in line], 24).scaled(x, 1, z), 2))
        if draw.chance(0.5):
            r = 0.08 + 0.2 * p.brim
            out.append((ellipsoid(r, r, r, 12).moved(y=tall + 0.6 * r), 3))
        if draw.chance(0.25):
            out.append((both(cushion(0.06, 0.4, 0.3, 0.6, 10).moved(0.97 * x, -0.15)), 1))
            out.append((both(bars([(0.97 * x, -0.3, 0), (0.95 * x, -0.6 - p.brim, 0.05)], 0.018)), 3))
        if draw.chance(0.4):
            out.append((_seams(x, tall, z, p.taper, 8, 0.016), 0))
    elif variant in ("brimmed", "top hat"):
        top = 1.5 * y if variant == "top hat" else y
        k = p.taper if variant == "brimmed" else 0.85 + 0.35 * (p.taper - 0.75) * 2
        body = stack(
            [
                (0, x, z),
                (0.5 * top, x * (1 + k) / 2, z * (1 + k) / 2),
                (0.93 * top, k * x, k * z),
                (top, 0.9 * k * x, 0.92 * k * z),
            ],
            24,
        )
        if variant == "brimmed":
            crown = draw.integer("crown", 0, 2)
            if crown == 0:  # dented along the middle and pinched in front
                v = body.vertices
                v[:, 1] -= 0.28 * top * np.exp(-((v[:, 0] / (0.3 * x)) ** 2)) * (v[:, 1] > 0.8 * top)
                v[:, 0] *= 1 - 0.35 * (v[:, 1] / top).clip(0, 1) * (v[:, 2] / z).clip(0, 1)
            elif crown == 1:
                body = _dome(x, top, z, wall, 0, 0.8)
        wide = p.brim * (0.55 if variant == "top hat" else 1)
        out += [(body, 0), (_brim(0.98 * x, 0.98 * z, wide, p.curl, p.dip, wall), 1)]
        if draw.chance(0.75):
            out.append(
                (lathe([(1.0, 0.02), (1.03, 0.02), (1.02, 0.2), (0.95, 0.2), (1.0, 0.02)], 24).scaled(x, top, z), 2)
            )
        if draw.chance(0.2):
            out.append((cushion(0.06, 0.14, 0.1, 0.5, 8).moved(1.02 * x, 0.12 * top, 0.1), 3))
    elif variant == "beret":
        wide = 1.15 + 0.5 * p.brim
        puff = (
            ellipsoid(wide * x, 0.32 * y + 0.03, wide * z, 20)
            .turned("z", p.lean * 2)
            .moved(0.25 * p.brim * x, 0.24 * y)
        )
        out.append((puff, 0))
        line = [(0.9, -0.3), (0.96, -0.3), (1.0, 0.4), (0.94, 0.4), (0.9, -0.3)]
        out.append((lathe([(r, 0.35 * h * y) for r, h in line], 24).scaled(x, 1, z), 2))
        out.append(
            (bars([(0.25 * p.brim * x, 0.5 * y, 0), (0.25 * p.brim * x + 0.03, 0.62 * y + p.droop, 0)], 0.014), 3)
        )
    elif variant == "flat cap":
        body = _dome(x, 0.55 * y + 0.05, 1.05 * z, wall, 0, p.point)
        v = body.vertices
        v[:, 1] *= 1 - 0.45 * (v[:, 2] / z)
        v[:, 2] += 0.25 * p.bill * v[:, 1].clip(0) / y
        out.append((body, 0))
        out.append((_bill(0.95 * x, 1.0 * z, 0.5 * p.bill, p.spread, p.droop, p.tilt + 0.1, wall + 0.01), 1))
        out.append((ellipsoid(0.03, 0.02, 0.03, 8).moved(0, 0.56 * y + 0.04, 0), 3))
        if draw.chance(0.5):
            out.append((_patch((1.01 * x, y, 1.06 * z), (70, 290), (-2, 10), wall, 19), 2))
    elif variant == "bucket":
        r = [(1, 0), (p.taper, 1), (0, 1), (0, 0.93), (p.taper - 0.05, 0.93), (0.95, 0), (1, 0)]
        out.append((lathe(r, 24).scaled(x, 0.9 * y, z), 0))
        wide = 0.5 * p.brim + 0.08
        out.append((_brim(0.98 * x, 0.98 * z, wide, -0.5 * wide - 0.3 * p.droop, 0.5 * wide, wall), 1))
        if draw.chance(0.5):
            out.append(
                (
                    lathe([(0.98, 0.02), (1.02, 0.02), (0.99, 0.2), (0.93, 0.2), (0.98, 0.02)], 24).scaled(
                        x, 0.9 * y, z
                    ),
                    2,
                )
            )
    else:
        high = 0.3 + 0.5 * p.brim
        band = lathe([(0.95, 0), (1, 0), (1, high), (0.95, high), (0.95, 0)], 24).scaled(x, y, z)
        flare = 1.1 + 0.6 * p.brim
        plate = stack(
            [
                (0, x, z),
                (0.4 * y, flare * x, flare * z),
                (0.48 * y, 0.97 * flare * x, 0.97 * flare * z),
                (0.55 * y, 0.5 * x, 0.5 * z),
            ],
            24,
        )
        out += [(band, 2), (plate.turned("x", -p.lean - 4).moved(y=0.9 * high * y), 0)]
        out.append((_bill(x, z, 0.7 * p.bill, 0.8 * p.spread, p.droop, p.tilt + 0.35, wall + 0.01).moved(y=0.06), 1))
        if draw.chance(0.7):
            out.append((ellipsoid(0.07, 0.09, 0.03, 8).moved(0, (high + 0.1) * y, 1.02 * z), 3))
    if draw.chance(0.3):
        out = turned(out, "x", p.lean)
    return out
