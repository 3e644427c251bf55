"""Tents."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, rod
from datasets.demo.families.forms import around, copies, side, sleeve
from datasets.demo.families.frames import box_frame, corners, ends
from datasets.demo.mesh import box, cylinder, extrude, lathe, sheet, slab, tube

DEMO_TENTS = ("ridge", "dome", "tipi", "tunnel", "pavilion")


@family(
    "tent", ("canvas", "poles", "entrance", "floor"), DEMO_TENTS,
    more=("cabin", "circus", "canopy", "bell", "lean-to", "yurt", "pop-up", "marquee"),
    synonyms=("camping tent", "marquee", "pavilion", "canopy tent"),
)  # fmt: skip
def tent(variant: str, draw: Draw) -> Pieces:
    """Tent with its entrance at the front."""
    if variant not in DEMO_TENTS:
        return _more_tent(variant, draw)
    p = draw(
        width=(1.2, 3.2), length=(1.4, 3.8), height=(0.9, 2.4), cloth=(0.015, 0.05), pole=(0.015, 0.045),
        wall=(0.0, 0.45), opening=(0.2, 0.6), overhang=(0.0, 0.2), sag=(0.0, 0.12),
    )  # fmt: skip
    w, length, h, c = p.width, p.length, p.height, p.cloth
    x, z = w / 2, length / 2
    pieces: Pieces = [(slab((-x, x), (0, 0.02), (-z, z)), 3)]
    if variant == "ridge":
        eave = h * p.wall * 0.6
        for s in (-1, 1):
            u = np.linspace(0, 1, 6)
            drop = -p.sag * h * np.sin(np.pi * u)
            profile = np.stack([s * (x * (1 + p.overhang) * u), h - (h - eave) * u + drop], -1)
            if eave > 0.1:
                profile = np.concatenate([profile, [(s * x * (1 + p.overhang), 0.01)]])
            grid = np.stack([np.c_[profile, np.full(len(profile), zz)] for zz in np.linspace(-z, z, 4)], 0)
            pieces.append((sheet(grid, c), 0))
        gable = [(-x, 0), (-x, eave), (0, h - c), (x, eave), (x, 0)] if eave > 0.1 else [(-x, 0), (0, h - c), (x, 0)]
        pieces.append((extrude(gable, c).moved(z=-z + c), 2))
        k = p.opening
        for s in (-1, 1):  # two flaps leave a triangular entrance between them
            flap = [(s * x, 0), (s * x, max(eave, 0.02)), (0, h - c), (s * x * k, 0)]
            pieces.append((extrude(flap, c).moved(z=z - c), 2))
        r = p.pole
        gable_ends = (z + 0.02, -z - 0.02)
        if draw.chance(0.5):
            pieces += [(rod((0, 0, e), (0, h + 0.1, e), r, 8), 1) for e in gable_ends]
        else:
            for e in gable_ends:
                pieces += [(beam((s * x, 0, e), (-s * 0.08, h + 0.12, e), 2 * r, 2 * r), 1) for s in (-1, 1)]
        pieces.append((rod((0, h, -z), (0, h, z), r, 8), 1))
        if draw.chance(0.4):
            pieces += [(rod((0, h, s * z), (0, 0, s * (z + 0.5 * h)), r * 0.4, 5), 1) for s in (-1, 1)]
    elif variant == "dome":
        a = np.linspace(0, np.pi / 2, 8)
        power = 0.6 + p.wall
        outline = [(np.cos(t) ** power, np.sin(t)) for t in a[:-1]] + [(0, 1)]
        sides = draw.integer("dome sides", 4, 10)
        body = lathe([(0, 0), *outline], sides if draw.chance(0.7) else 24).turned("y", 180 / sides)
        pieces = [(body.scaled(x, h, z), 0), (pieces[0][0].scaled(0.95, 1, 0.95), 3)]
        arc = np.linspace(0, np.pi, 13)
        for turn in (45, -45) if draw.chance(0.7) else (0, 60, 120):
            hoop = np.stack([np.sign(np.cos(arc)) * np.abs(np.cos(arc)) ** power, np.sin(arc), 0 * arc], -1)
            ct, st = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            path = np.stack([hoop[:, 0] * ct * x, hoop[:, 1] * h, hoop[:, 0] * st * z], -1) * 1.02
            pieces.append((tube(path, p.pole, 6), 1))
        ow, oh = p.opening * w * 0.6, h * 0.62
        arc = np.linspace(0, np.pi, 9)
        frame = np.stack([-np.cos(arc) * ow, np.sin(arc) * oh], -1)
        porch = 0.25 * length * (0.2 + p.overhang * 4)
        inner = np.stack([np.c_[frame * k, np.full(9, zz)] for k, zz in ((1.0, z * 0.55), (1.0, z * 0.8 + porch))])
        pieces.append((sheet(inner, c), 2))
    elif variant == "tipi":
        sides = draw.integer("sides", 5, 12)
        r = min(x, z)
        top = 0.04 + p.wall * 0.15
        body = lathe(
            [
                (r, 0),
                (r * (0.55 - p.sag), h * 0.45),
                (r * top, h),
                (r * top - 0.01, h),
                (r * (0.52 - p.sag), h * 0.44),
                (r - 0.04, 0),
            ],
            sides,
        )
        pieces = [(body, 0), (cylinder(r * 0.9, 0.02, sides), 3)]
        lift = 0.12 + p.overhang
        for k in range(sides):
            turn = 360 / sides * k
            cross = rod((0, 0, r * 1.01), (0, h * (1 + lift), -r * lift * 0.9 + r * top * 0.8), p.pole * 0.8, 6)
            pieces.append((cross.turned("y", turn), 1))
        tall, half = h * 0.5, p.opening * r * 0.6
        slope = np.degrees(np.arctan2(r * (0.45 + p.sag), h * 0.45))
        door_ = extrude([(-half, 0), (half, 0), (0, tall)], 0.05).turned("x", -slope).moved(0, 0.02, r * 1.02)
        pieces.append((door_, 2))
    elif variant == "tunnel":
        arc = np.linspace(0, np.pi, 13)
        power = 0.55 + p.wall
        ring = np.stack([np.sign(np.cos(arc)) * np.abs(np.cos(arc)) ** power * x, np.sin(arc) * h], -1)
        zs = np.linspace(-z, z, 4)
        taper = 1 - p.sag * 3 * np.linspace(1, 0, 4)
        grid = np.stack([np.c_[ring * k, np.full(13, zz)] for k, zz in zip(taper, zs, strict=True)])
        pieces.append((sheet(grid, c), 0))
        pieces += [(tube(grid[k] * [1.02, 1.02, 1], p.pole, 6), 1) for k in range(4)]
        end = np.concatenate([ring, [(0, 0)]])
        pieces.append((extrude(end * taper[0] * 0.99, c).moved(z=-z), 2))
        k = p.opening
        for s in (-1, 1):
            half = ring[:7] * [s, 1] * 0.99
            flap = np.concatenate([half, [(s * x * 0.02, h * 0.6), (s * x * k, 0)]])
            if draw.chance(0.7):
                pieces.append((extrude(flap, c).moved(z=z - 0.03), 2))
    else:
        eave = h * (0.55 + 0.4 * p.wall)
        reach = 1 + p.overhang
        peak = lathe([(0, 1), (0.45, 0.42 - p.sag), (1, 0), (0.97, -0.03), (0.42, 0.36 - p.sag), (0, 0.93)][::-1], 4)
        roof = peak.turned("y", 45).scaled(x * reach * np.sqrt(2), h - eave, z * reach * np.sqrt(2))
        pieces = [pieces[0], (roof.moved(y=eave), 0)]
        r = p.pole * 1.2
        pieces += corners(rod((0, 0, 0), (0, eave, 0), r, 8), x, z, 1)
        pieces.append((rod((0, 0, 0), (0, h + 0.1, 0), r, 8), 1))
        if draw.chance(0.8):
            frill = 0.12 * h
            xr, zr = x * reach, z * reach
            pieces += box_frame(xr, (eave - frill, eave), zr, c, 0)
        if draw.chance(0.6):
            pieces.append((slab((-x, x), (0, eave), (-z - c / 2, -z + c / 2)), 0))
            pieces += ends(x, (0, eave), (-z, z), c, 0)
        k = p.opening
        for s in (-1, 1):
            a, b = sorted((s * x, s * x * k))
            pieces.append((slab((a, b), (0, eave), (z - c / 2, z + c / 2)), 2))
    return pieces


def _more_tent(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(1.6, 3.0), length=(1.6, 3.4), height=(1.5, 2.4), cloth=(0.015, 0.04), pole=(0.015, 0.04),
        wall=(0.4, 0.75), opening=(0.25, 0.6),
    )  # fmt: skip
    w, length, h, c, r = p.width, p.length, p.height, p.cloth, p.pole
    x, z, eave = w / 2, length / 2, p.height * p.wall

    def walls(front: bool) -> Pieces:
        """Cloth round a rectangle, parted in front."""
        out = ends(x, (0, eave), (-z, z), c, 0) + [(slab((-x, x), (0, eave), (-z - c / 2, -z + c / 2)), 0)]
        k = p.opening
        return out + (
            [(slab(tuple(sorted((s * x, s * x * k))), (0, eave), (z - c / 2, z + c / 2)), 2) for s in (-1, 1)]
            if front
            else []
        )

    if variant in ("cabin", "marquee"):
        n = 1 if variant == "cabin" else draw.integer("bays", 2, 3)
        out: Pieces = []
        over = 1.06
        for s in (-1, 1):
            slope = np.stack(
                [
                    np.stack(
                        [np.linspace(0, s * x * over, 4), h - (h - eave) * np.linspace(0, 1, 4), np.full(4, v)], -1
                    )
                    for v in (-z * n * over, z * n * over)
                ]
            )
            out.append((sheet(slope, c), 0))
        z = z * n
        out += walls(True)
        gable = [(-x, eave), (x, eave), (0, h)]
        out += [(extrude(gable, c).moved(z=e), 2) for e in (-z, z)]
        out += [(rod((s * x, 0, v), (s * x, eave, v), r, 6), 1) for s in (-1, 1) for v in np.linspace(-z, z, n + 1)]
        if variant == "cabin" and draw.chance(0.6):  # an awning before the door
            reach = 0.4 * length
            out.append(
                (
                    sheet(
                        np.stack(
                            [[(-x, eave, z), (x, eave, z)], [(-x, 0.9 * eave, z + reach), (x, 0.9 * eave, z + reach)]]
                        ),
                        c,
                    ),
                    0,
                )
            )
            out += [(rod((s * x, 0, z + reach), (s * x, 0.9 * eave, z + reach), r, 6), 1) for s in (-1, 1)]
        return [*out, (slab((-x, x), (0, 0.02), (-z, z)), 3)]
    if variant in ("circus", "bell", "yurt"):
        sides = draw.integer("sides", 8, 16)
        radius = 0.5 * w * (1.3 if variant == "circus" else 1)
        low = eave * (0.5 if variant == "bell" else 0.8)
        sag = 0.5 if variant != "yurt" else 0.9
        roof = [
            (1.04 * radius, low),
            (0.5 * radius, low + (h - low) * sag * 0.75),
            (0.06, h),
            (0.05, h - 0.05),
            (0.49 * radius, low + (h - low) * sag * 0.72),
            (1.02 * radius, low - 0.02),
        ]
        out = [
            (lathe(roof, sides), 0),
            (sleeve((radius - c, radius), (radius - c, radius), low, sides), 0),
            (cylinder(0.95 * radius, 0.02, sides), 3),
        ]
        out += [
            (cylinder(1.3 * r, h + 0.15, 8), 1),
            (copies(cylinder(r, low, 6), around(np.arange(sides) * 360.0 / sides, radius, 0.0)), 1),
        ]
        out.append((box(p.opening * radius, 0.85 * low, 0.05).moved(0, 0.43 * low, radius), 2))
        if variant == "circus":
            out.append(
                (
                    sleeve((1.05 * radius, 1.07 * radius), (1.03 * radius, 1.05 * radius), 0.15 * h, sides).moved(
                        y=low - 0.12 * h
                    ),
                    0,
                )
            )
            out.append((extrude([(0, 0), (0.35, 0.1), (0, 0.2)], 0.01).moved(0, h + 0.05, 0), 2))
        elif variant == "bell" or draw.chance(0.3):
            out += [
                (
                    rod(
                        (0.9 * radius * np.sin(a), low, 0.9 * radius * np.cos(a)),
                        (1.5 * radius * np.sin(a), 0, 1.5 * radius * np.cos(a)),
                        0.3 * r,
                        4,
                    ),
                    1,
                )
                for a in np.arange(8) * np.pi / 4 + 0.3
            ]
        return out
    if variant == "canopy":  # a roof on posts, no walls
        eave = 0.75 * h
        kind = draw.integer("roof", 0, 1)
        if kind == 0:
            roof = (
                lathe([(0, 0.93), (0.95, -0.03), (1, 0), (0, 1)], 4)
                .turned("y", 45)
                .scaled(x * 1.45, h - eave, z * 1.45)
            )
            out = [(roof.moved(y=eave), 0)]
        else:
            a = np.linspace(-1, 1, 9)
            grid = np.stack([np.c_[a * x * 1.05, eave + (h - eave) * (1 - a**2), np.full(9, v)] for v in (-z, z)])
            out = [(sheet(grid, c), 0)]
        out += corners(rod((0, 0, 0), (0, eave, 0), 1.3 * r, 6), x, z, 1) + box_frame(
            x, (eave - 0.14 * h * p.opening, eave), z, c, 0
        )
        out += corners(box(0.16, 0.03, 0.16), x, z, 3)
        return out + (ends(x, (0, eave), (-z, z), c, 2)[:1] if draw.chance(0.3) else [])
    if variant == "lean-to":
        slope = np.stack(
            [
                [(-x, 0.02, -z), (x, 0.02, -z)],
                [(-x, 0.55 * h, 0.1 * z), (x, 0.55 * h, 0.1 * z)],
                [(-x, 0.8 * h, z), (x, 0.8 * h, z)],
            ]
        )
        out = [(sheet(slope, c), 0), (slab((-x, x), (0, 0.02), (-z, z)), 3)]
        out += [(rod((s * x, 0, z), (s * x, 0.8 * h, z), r, 6), 1) for s in (-1, 1)]
        out += [(rod((s * x, 0.8 * h, z), (s * 1.25 * x, 0, 1.5 * z), 0.3 * r, 4), 1) for s in (-1, 1)]
        return out + (
            [(side([(-z, 0), (z, 0), (z, 0.8 * h), (0.1 * z, 0.55 * h)], c).moved(s * x), 2) for s in (-1, 1)]
            if draw.chance(0.6)
            else []
        )
    # pop-up: a low curved shell, open in front
    a, b = np.linspace(0, np.pi, 13), np.linspace(0, np.pi * (0.62 + 0.3 * p.opening), 9)
    grid = np.stack(
        [np.stack([-np.cos(a) * x, np.sin(a) * np.sin(v) * 0.6 * h, np.sin(a) * -np.cos(v) * z], -1) for v in b]
    )
    rim = grid[-1]
    return [
        (sheet(grid, c), 0),
        (tube(rim, r, 6), 1),
        (tube(grid[4], r, 6), 1),
        (slab((-0.9 * x, 0.9 * x), (0, 0.02), (-0.6 * z, 0.7 * z)), 3),
        (slab((-0.5 * x, 0.5 * x), (0.02, 0.05), (0.6 * z, 0.9 * z)), 2),
    ]
