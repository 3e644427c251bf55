"""Trash bins."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, family, squared
from datasets.demo.families.forms import around, both, copies, golden, hollow, ring, sleeve, smooth, taper
from datasets.demo.families.frames import box_frame, corners
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, lathe, slab, torus, tube

DEMO_BINS = ("basket", "swing", "wheelie", "pedal", "square")


@family(
    "trash bin", parts=("body", "lid", "foot", "content"), variants=DEMO_BINS,
    more=("mesh", "street", "dumpster", "classic can", "recycling", "full", "touch", "on a post"),
    synonyms=("bin", "trash can", "garbage can", "waste basket", "dustbin", "wastebasket", "rubbish bin"),
)  # fmt: skip
def trash_bin(variant: str, draw: Draw) -> Pieces:
    """Waste basket, swing-lid or pedal bin, or wheeled bin."""
    if variant not in DEMO_BINS:
        return _more_bin(variant, draw)
    d = draw(
        radius=(0.26, 0.45), height=(0.55, 1.15), bottom=(0.65, 1.0), wall=(0.015, 0.035), lid=(0.06, 0.28),
        rim=(0.02, 0.06), deep=(0.65, 1.1), lift=(0, 70),
    )  # fmt: skip
    r, h, b = d.radius, d.height, d.radius * d.bottom
    if variant in ("basket", "swing", "pedal"):
        if variant == "pedal":
            b = 0.97 * r
        out = [(hollow([(b, 0), (r, h)], d.wall, 26), 0)]
        if variant == "basket":
            out.append((torus(r - d.wall / 2, 0.5 * d.rim, 26, 6).moved(0, h), 1))
            if draw.chance(0.5):
                hoops = [torus(b + (r - b) * t, 0.3 * d.rim, 26, 5).moved(0, h * t) for t in (0.02, 0.4)]
                out.append((combine(hoops), 2))
        elif variant == "swing":
            dome = smooth(
                [(1.03 * r, h - 0.03), (r, h + 0.35 * d.lid), (0.65 * r, h + 0.85 * d.lid), (0.35 * r, h + d.lid)], 3
            )
            out.append((lathe([(r - d.wall, h - 0.03), *dome, (0, h + d.lid)], 24), 1))
            out.append((box(0.7 * r, 0.02, 0.6 * r).turned("x", 35).moved(0, h + 0.75 * d.lid, 0.45 * r), 1))
            out.append((cylinder(1.05 * b, 0.03), 2))
        else:
            top = lathe(
                [(0, 0), (1.03 * r, 0), (1.03 * r, 0.04), (0.85 * r, 0.04 + 0.4 * d.lid), (0, 0.04 + 0.55 * d.lid)], 24
            )
            out.append((top.moved(0, 0, r).turned("x", -d.lift * draw.integer("open", 0, 1)).moved(0, h, -r), 1))
            out.append((combine([cylinder(1.04 * b, 0.05), box(0.3 * r, 0.025, 0.35 * r).moved(0, 0.03, 1.1 * b)]), 2))
        return out
    z = d.deep * (0.95 if variant == "wheelie" else 0.8)
    body = hollow([(b, 0), (r, h)], d.wall, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z)
    half = r * 1.3 / np.sqrt(2)
    out = [(body, 0)]
    if variant == "wheelie":
        profile = [(1.02 * r, h - d.rim), (1.1 * r, h - d.rim), (1.1 * r, h), (1.02 * r, h)]
        out.append((lathe(profile, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z), 0))
        cover = taper(box(2.15 * half, 0.3 * d.lid + 0.02, 2.25 * half * z), 0.92, 0.85).moved(
            0, 0.15 * d.lid + 0.01, 1.1 * half * z
        )
        out.append((cover.turned("x", -d.lift * draw.integer("open", 0, 1)).moved(0, h, -1.08 * half * z), 1))
        back = half * z * d.bottom
        wheel = cylinder(0.1 + 0.5 * d.rim, 0.06, 16).turned("z", 90).moved(half * d.bottom + 0.06, 0.05, -back)
        bar = cylinder(0.02, 1.6 * half, 8).turned("z", 90).moved(0.8 * half, h - 0.04, -half * z - 0.09)
        out += [
            (both(wheel), 2),
            (combine([bar, both(box(0.03, 0.04, 0.12).moved(0.7 * half, h - 0.04, -half * z - 0.04))]), 0),
        ]
        return out
    out.append(
        (slab((-half * d.bottom, half * d.bottom), (-0.03, 0.02), (-half * z * d.bottom, half * z * d.bottom)), 2)
    )
    if draw.chance(0.6):
        rim = hollow([(1.06 * r, 0), (1.06 * r, 0.5 * d.lid)], 0.3 * r, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z)
        out.append(
            (rim.moved(0, h - 0.01), 1)
            if draw.chance(0.4)
            else (taper(box(2.1 * half, d.lid, 2.1 * half * z), 0.75, 0.45).moved(0, h + d.lid / 2), 1)
        )
    else:
        out.append(
            (
                lathe([(r - d.wall, h - d.rim), (1.06 * r, h - d.rim), (1.06 * r, h + 0.01), (r - d.wall, h + 0.01)], 4)
                .turned("y", 45)
                .scaled(1.3, 1, 1.3 * z),
                1,
            )
        )
    return out


def _more_bin(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.25, 0.4), height=(0.6, 1.05), bottom=(0.7, 1.0), wall=(0.012, 0.03), lid=(0.08, 0.2),
        rim=(0.015, 0.035), deep=(0.7, 1.1),
    )  # fmt: skip
    r, h, b = d.radius, d.height, d.radius * d.bottom
    if variant in ("mesh", "full"):
        out: Pieces = [(hollow([(b, 0), (r, h)], d.wall, 24), 0)]
        if variant == "mesh":
            bars = around(np.arange(20) * 18.0, b, 0.0)
            tops = around(np.arange(20) * 18.0, r, h)
            out = [
                (combine([tube([a, c], 0.008, 4) for a, c in zip(bars, tops, strict=True)]), 0),
                (cylinder(b, 0.02, 20), 2),
            ]
            out += [(torus(b + (r - b) * v, 0.01, 24, 5).moved(y=v * h), 0) for v in (0.25, 0.5, 0.75)]
        out.append((torus(r, d.rim, 24, 6).moved(y=h), 1))
        if variant == "full" or draw.chance(0.3):
            n = draw.integer("crumpled", 4, 9)
            yaw, t, noise = golden(n)
            size = 0.35 * r
            out.append(
                (
                    copies(
                        ellipsoid(size, 0.8 * size, size, 6),
                        around(yaw, (r - size) * np.sqrt(t), h - 0.05 + 0.1 * (1 - t)),
                        1 + 0.2 * noise,
                    ),
                    3,
                )
            )
        return out
    if variant == "classic can":  # ribbed, with a domed lid and handles
        n = draw.integer("ribs", 12, 24)
        body = hollow([(b, 0), (r, h)], d.wall, 2 * n)
        v = body.vertices.copy()
        v[:, [0, 2]] *= 1 + 0.02 * np.cos(n * np.arctan2(v[:, 0], v[:, 2]))[:, None]
        out = [(Mesh(v, body.faces, body.part), 0), (torus(1.01 * b, d.rim, 24, 6).moved(y=0.02), 2)]
        cover = lathe([(0, 0), (1.06 * r, -0.04), (1.06 * r, 0.02), (0.7 * r, 0.6 * d.lid), (0, 0.8 * d.lid)], 24)
        grip = arch(0.5 * r, 0.08, 0.015, 12, 6).moved(y=0.75 * d.lid)
        lid = combine([cover, grip])
        out.append((lid.moved(y=h) if draw.chance(0.7) else lid.turned("z", 75).moved(1.35 * r, r, 0), 1))
        return [*out, (both(torus(0.09, 0.012, 12, 5).turned("x", 90).moved(1.02 * r, 0.72 * h)), 0)]
    if variant == "dumpster":
        w, z = 1.4 * h, 0.6 * h * d.deep + 0.2
        body = combine(
            [mesh for mesh, _ in box_frame(w / 2, (0.1, 0.8 * h), z / 2, 2 * d.wall, 0)]
            + [slab((-w / 2, w / 2), (0.1, 0.14), (-z / 2, z / 2))]
        )
        out = [(taper(body, 1.0, 1 + d.lid), 0)]
        for s in (-1, 1):
            leaf_ = box(0.49 * w, 0.03, z * (1.1 + d.lid)).moved(0, 0, z * 0.55)
            angle = draw.rng.uniform(40, 100) if draw.chance(0.3) else 12 * d.bottom
            out.append((leaf_.turned("x", -angle).moved(s * 0.25 * w, 0.82 * h, -z * 0.58), 1))
        out += [(both(box(0.06, 0.1, 0.5 * z).moved(w / 2 + 0.03, 0.5 * h)), 0)]
        return out + corners(cylinder(0.06, 0.05, 10).turned("z", 90).moved(0.02, 0.06), 0.42 * w, 0.4 * z, 2)
    if variant == "recycling":
        n, w = draw.integer("bins", 2, 4), 0.5 * r + 0.25
        out = []
        for k in range(n):
            x = (k - (n - 1) / 2) * w * 1.04
            out.append((box(w, h, w * d.deep).moved(x, h / 2 + 0.03), 0))
            out.append((taper(box(w * 1.02, d.lid, w * d.deep * 1.02), 0.9, 0.7).moved(x, h + d.lid / 2 + 0.03), 1))
            hole = cylinder(0.08, 0.02, 14) if k % 2 else box(0.25, 0.02, 0.05)
            out.append((hole.moved(x, h + d.lid + 0.03), 2))
        return [*out, (slab((-n * w / 2, n * w / 2), (0, 0.03), (-0.45 * w * d.deep, 0.45 * w * d.deep)), 2)]
    if variant == "on a post":
        out = [
            (hollow([(b, 0), (r, 0.7 * h)], d.wall, 22).moved(y=0.45), 0),
            (cylinder(0.03, 1.25 + 0.2 * h, 8).moved(0, 0, -r - 0.03), 2),
        ]
        out.append((cylinder(0.15, 0.03, 12).moved(0, 0, -r - 0.03), 2))
        return [
            *out,
            (cylinder(1.1 * r, 0.03, 22).moved(y=0.7 * h + 0.45 + d.lid), 1),
            (
                combine(
                    [cylinder(0.012, d.lid, 6).moved(*a) for a in around(np.arange(3) * 120.0, 0.9 * r, 0.7 * h + 0.45)]
                ),
                1,
            ),
        ]
    if variant == "street":  # slats round a drum, a roof above
        n = draw.integer("slats", 10, 18)
        k = draw(slat=(1.0, 1.8), thick=(0.015, 0.05), gap=(0.15, 0.35))
        slat = box(k.slat * np.pi * r / n, h, k.thick).moved(y=h / 2 + 0.05)
        at, yaw = ring(n, r)
        out = [
            (copies(slat, at, 1.0, yaw), 0),
            (cylinder(0.93 * r, 0.05), 2),
            (sleeve((0.9 * r, 1.08 * r), (0.9 * r, 1.08 * r), 0.04).moved(y=h + 0.04), 1),
        ]
        if draw.chance(0.6):
            out.append(
                (lathe([(0, 0), (1.1 * r, 0), (0.8 * r, d.lid), (0, 1.3 * d.lid)], 22).moved(y=h + k.gap + 0.03), 1)
            )
            out.append(
                (combine([cylinder(0.015, k.gap, 6).moved(*a) for a in around(np.arange(4) * 90.0, r, h + 0.05)]), 1)
            )
        return out
    # touch: a tall cylinder or box with a domed lid that springs open
    if draw.chance(0.5):
        body = squared(cylinder(r, h, 24), 0.3).scaled(1, 1, d.deep)
        cover = squared(
            lathe([(0, 0), (1.02 * r, 0), (1.02 * r, 0.3 * d.lid), (0.8 * r, d.lid), (0, d.lid)], 24), 0.3
        ).scaled(1, 1, d.deep)
    else:
        body = cylinder(r, h, 24)
        dome = smooth([(1.02 * r, 0.02), (0.9 * r, d.lid), (0.5 * r, 1.7 * d.lid)], 4)
        cover = lathe([(0, 0), (1.02 * r, 0), *dome, (0, 1.9 * d.lid)], 24)
    angle = draw.rng.uniform(30, 80) * draw.integer("open", 0, 1)
    out = [
        (body.moved(y=0.04), 0),
        (cover.moved(z=r).turned("x", -angle).moved(0, h + 0.04, -r), 1),
        (cylinder(1.03 * b, 0.04, 24), 2),
    ]
    return [*out, (box(0.2, 0.02, 0.1).moved(0, 0.05, 1.02 * r), 2)] if draw.chance(0.5) else out
