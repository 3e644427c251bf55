"""Lamps."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, rod
from datasets.demo.families.forms import around, copies, ring, sleeve, smooth
from datasets.demo.families.frames import corners
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, frustum, lathe, sheet, torus, tube

DEMO_LAMPS = ("floor", "table", "pendant", "desk", "sphere")


@family(
    "lamp", parts=("base", "pole", "shade", "bulb"), variants=DEMO_LAMPS,
    more=("arc", "chandelier", "lantern", "street", "wall", "clip", "banker", "drum", "uplight", "several heads",
          "stacked pendant", "candle", "reading", "ceiling", "paper"),
    synonyms=("light", "table lamp", "floor lamp", "light fixture", "lampshade"),
)  # fmt: skip
def lamp(variant: str, draw: Draw) -> Pieces:
    """Floor, table, pendant, jointed desk or globe lamp."""
    if variant not in DEMO_LAMPS:
        return _more_lamp(variant, draw)
    d = draw(
        height=(0.8, 1.7), base=(0.12, 0.28), plate=(0.02, 0.07), pole=(0.012, 0.03), shade=(0.16, 0.38),
        shade_height=(0.18, 0.42), top=(0.3, 1.0), belly=(0.5, 1.2), bend=(20, 60),
    )  # fmt: skip
    s, sh, p = d.shade, d.shade_height, d.pole

    def hood(radius, top, height):  # open below and above, with a wall
        return sleeve((radius - 0.012, radius), (top - 0.012, top), height)

    bulb = ellipsoid(0.05, 0.065, 0.05, 10)
    if variant == "floor":
        h = d.height
        kind = draw.integer("stand", 0, 2)
        out: Pieces = [(hood(s, d.top * s, sh).moved(0, h - sh), 2), (bulb.moved(0, h - 0.6 * sh), 3)]
        if kind == 2:  # tripod
            at = ring(3, 1.2 * d.base)[0]
            out.append((combine([tube([(x, 0, z), (0, h - sh, 0)], p, 8) for x, _, z in at]), 0))
            out.append((cylinder(1.5 * p, 0.5 * sh, 10).moved(0, h - sh), 1))
        else:
            foot = (
                frustum(d.base, d.base * (0.95 if kind else 0.5), d.plate)
                if kind
                else box(1.7 * d.base, d.plate, 1.7 * d.base).moved(0, d.plate / 2)
            )
            out += [(foot, 0), (cylinder(p, h - 0.6 * sh, 10), 1)]
        return out
    if variant == "table":
        h = 0.3 + 0.25 * d.height
        r, foot = 0.55 * d.base, 0.8 * d.base
        curve = smooth([(foot, 0.02), (0.5 * r, 0.12 * h), (d.belly * r, 0.45 * h), (0.5 * r, 0.85 * h), (p, h)])
        if draw.chance(0.3):
            curve = np.array([(d.belly * r, 0.02), (d.belly * r, 0.9 * h), (p, h)])
        out = [(lathe([(0, 0), (foot, 0), (foot, 0.02), *curve, (0, h)], 20), 0)]
        out += [
            (cylinder(p, 0.5 * sh, 8).moved(0, h - 0.02), 1),
            (hood(s, d.top * s, sh).moved(0, h), 2),
            (bulb.moved(0, h + 0.45 * sh), 3),
        ]
        return out
    if variant == "pendant":
        h = 0.4 * d.height
        if draw.chance(0.5):
            shade = hood(s, 0.12 * s + 0.02, sh)
        else:
            shade = lathe(
                [
                    *smooth([(s, 0), (0.92 * s, 0.5 * sh), (0.5 * s, 0.9 * sh), (0.02, sh)]),
                    *smooth([(0.02, 0.96 * sh), (0.47 * s, 0.87 * sh), (0.88 * s, 0.48 * sh), (0.96 * s, 0)]),
                ],
                24,
            )
        return [
            (shade, 2),
            (bulb.moved(0, 0.25 * sh), 3),
            (cylinder(0.5 * p, h, 8).moved(0, 0.95 * sh), 1),
            (frustum(0.5 * d.base, 0.4 * d.base, d.plate).moved(0, h + sh - d.plate), 0),
        ]
    if variant == "sphere":
        h = 0.15 + 0.8 * (d.height - 0.8)
        r = 0.6 * s + 0.04
        globe = lathe(
            [
                (0.35 * r, -0.93 * r),
                *smooth([(0.7 * r, -0.7 * r), (r, 0), (0.7 * r, 0.7 * r), (0, r)])[:-1].clip((0, -9)),
                (0, r),
            ],
            22,
        )
        return [
            (frustum(d.base, 0.7 * d.base, d.plate), 0),
            (cylinder(p, h, 10), 1),
            (globe.moved(0, h + 0.9 * r), 2),
            (frustum(0.4 * r, 0.45 * r, 0.1 * r, 14).moved(0, h - 0.05 * r), 3),
        ]
    a, b = 0.35 * d.height, 0.3 * d.height
    lean = np.radians(d.bend)
    elbow = np.array([0, d.plate + a * np.cos(0.6 * lean), -a * np.sin(0.6 * lean)])
    head = elbow + [0, b * np.sin(lean * 0.8), b * np.cos(lean * 0.8)]
    r = 0.35 * s + 0.03
    shade = hood(r, 0.35 * r, 0.5 * sh + 0.03).moved(0, -0.5 * sh)
    joints = copies(ellipsoid(1.8 * p, 1.8 * p, 1.8 * p, 8), [elbow, head, (0, d.plate, 0)])
    arms = combine([tube([(0, 0, 0), elbow], p, 8), tube([elbow, head], p, 8), joints])
    return [
        (frustum(d.base, 0.85 * d.base, d.plate), 0),
        (arms, 1),
        (shade.turned("x", -0.5 * d.bend + 5).moved(*head), 2),
        (bulb.scaled(0.6).moved(0, -0.4 * sh).turned("x", -0.5 * d.bend + 5).moved(*head), 3),
    ]


def shade_of(draw: Draw, radius: float, height: float, kind: int | None = None) -> Mesh:
    """A shade that hangs below its top at y = 0: drum, cone, bell, bowl, globe or square."""
    r, h = radius, height
    kind = draw.integer("shade", 0, 5) if kind is None else kind
    t = 0.012
    if kind == 0:
        mesh = sleeve((r - t, r), (0.92 * r - t, 0.92 * r), h)
    elif kind == 1:
        top = draw.rng.uniform(0.2, 0.6) * r
        mesh = sleeve((r - t, r), (top - t, top), h)
    elif kind == 2:
        curve = smooth([(r, 0), (0.6 * r, 0.35 * h), (0.35 * r, h)], 4)
        mesh = lathe([*curve, *(curve[::-1] - [t, 0]), curve[0]], 22)
    elif kind == 3:
        a = np.linspace(0, np.pi / 2, 7)
        curve = np.stack([r * np.cos(a), h * np.sin(a)], -1)
        mesh = lathe([*curve, *(curve[::-1] * 0.93), curve[0]], 22)
    elif kind == 4:
        return ellipsoid(r * 0.9, h * 0.6, r * 0.9, 16).moved(y=-h * 0.6)
    else:
        n = draw.integer("sides", 4, 8)
        top = draw.rng.uniform(0.3, 1.0) * r
        mesh = sleeve((r - t, r), (top - t, top), h, n).turned("y", 180 / n)
    return mesh.moved(y=-h)


def _more_lamp(variant: str, draw: Draw) -> Pieces:
    d = draw(
        height=(1.1, 1.8), base=(0.1, 0.24), plate=(0.02, 0.06), pole=(0.012, 0.028), shade=(0.13, 0.3),
        deep=(0.14, 0.34), reach=(0.3, 0.8), bend=(20, 70),
    )  # fmt: skip
    h, p, s, deep = d.height, d.pole, d.shade, d.deep
    bulb = ellipsoid(0.04, 0.055, 0.04, 10)
    foot = (
        frustum(d.base, d.base * 0.85, d.plate)
        if draw.chance(0.7)
        else box(1.8 * d.base, d.plate, 1.8 * d.base).moved(y=d.plate / 2),
        0,
    )

    def head(x: float, y: float, z: float, size: float = 1.0, tilt: float = 0.0, kind: int | None = None) -> Pieces:
        shade = shade_of(draw, s * size, deep * size, kind)
        return [
            (shade.turned("x", tilt).moved(x, y, z), 2),
            (bulb.moved(y=-0.5 * deep * size).turned("x", tilt).moved(x, y, z), 3),
        ]

    if variant == "arc":
        a = np.linspace(0, np.radians(110 + d.bend * 0.7), 12)
        r = 0.55 * h
        path = np.stack([r - r * np.cos(a), 0.75 * h + r * np.sin(a) - 0.2 * h, 0 * a], -1)
        path = np.concatenate([[(0, 0, 0)], path])
        return [foot, (tube(path, p, 7), 1), *head(path[-1, 0], path[-1, 1], 0, 1.1)]
    if variant in ("chandelier", "several heads"):
        n = draw.integer("arms", 3, 8)
        up = draw.chance(0.5)
        small = 0.5 if variant == "chandelier" else 0.6
        out: Pieces = []
        yaws = np.arange(n) * 360 / n
        if variant == "chandelier":
            y, drop = 0.0, 0.4 + 0.4 * d.reach
            out.append(
                (
                    lathe(
                        smooth(
                            [(0, -0.12), (0.06, -0.06), (0.03, 0.05), (0.05, 0.15), (0.012, 0.25), (0.012, drop)], 3
                        ).clip((0, -9)),
                        12,
                    ),
                    1,
                )
            )
            out.append((frustum(0.09, 0.03, 0.05).moved(y=drop), 0))
        else:
            y = h * 0.85
            out += [foot, (cylinder(p, y, 10), 1)]
        reach = 0.35 + 0.4 * d.reach if variant == "chandelier" else 0.25
        for yaw in yaws:
            level = y if variant == "chandelier" else y * draw.rng.uniform(0.75, 1.0)
            end = 0.12 if up else -0.02
            path = smooth(
                [(0, level, 0), (0, level - 0.1, 0.5 * reach), (0, level - 0.02, reach), (0, level + end, reach)], 3
            )
            out.append((tube(path, 0.6 * p, 6).turned("y", yaw), 1))
            tip = around(np.array([yaw]), reach, level + end)[0]
            shade = shade_of(draw, s * small * 0.8, deep * small * 0.8, 3 if up else 1)
            shade = (
                shade.turned("x", 180) if up and draw.chance(0.6) else shade.moved(y=deep * small * 0.8 if up else 0)
            )
            out += [
                (shade.moved(*tip), 2),
                (bulb.scaled(0.7).moved(tip[0], tip[1] + (0.05 if up else -0.06), tip[2]), 3),
            ]
        if variant == "chandelier" and draw.chance(0.4):
            out.append((torus(reach, 0.012, 24, 5).moved(y=-0.05), 1))
        return out
    if variant == "lantern":
        w, tall, roof = 0.7 * s, 2.2 * deep * 0.7 + 0.1, 0.2 + d.reach
        n = 4 if draw.chance(0.6) else 6
        posts = around(np.arange(n) * 360.0 / n + 45, 1.3 * w, 0.0)
        out = [
            (frustum(1.6 * w, 1.5 * w, d.plate, n).turned("y", 45), 0),
            (copies(box(p, tall, p).moved(y=tall / 2), posts), 0),
        ]
        out.append((sleeve((1.2 * w, 1.24 * w), (1.2 * w, 1.24 * w), tall, n).turned("y", 45), 2))
        out.append((frustum(1.7 * w, 0.3 * w, roof * w + 0.05, n).turned("y", 45).moved(y=tall), 0))
        out.append((torus(0.3 * w + 0.03, 0.012, 16, 5).turned("x", 90).moved(y=tall + (roof + 0.3) * w + 0.08), 1))
        return [*out, (bulb.scaled(1.2).moved(y=0.4 * tall), 3)]
    if variant == "street":
        tall = 2.2 * h
        pole = lathe([(0, 0), (0.1, 0), (0.1, 0.12), (2 * p, 0.2), (1.5 * p, tall), (0, tall)], 10)
        out = [(cylinder(0.05 + d.base, 2 * d.plate, 10), 0), (pole, 1)]
        kind = draw.integer("street", 0, 2)
        if kind == 0:  # bent over the road, on one side or both
            arm = tube(
                smooth(
                    [(0, tall, 0), (0.1, tall + 0.2, 0), (d.reach, tall + 0.3, 0), (d.reach + 0.2, tall + 0.28, 0)], 3
                ),
                0.028,
                6,
            )
            lamp_ = [
                (arm, 1),
                (cushion(0.45, 0.09, 0.18, 0.5, 14).moved(d.reach + 0.3, tall + 0.27), 2),
                (box(0.3, 0.02, 0.1).moved(d.reach + 0.3, tall + 0.22), 3),
            ]
            sides = (1, -1) if draw.chance(0.4) else (1,)
            return out + [(mesh.scaled(s_, 1, 1), part) for mesh, part in lamp_ for s_ in sides]
        if kind == 1:
            glass = sleeve((0.1, 0.11), (0.19, 0.2), 0.35, 4 if draw.chance(0.5) else 6)
            return [
                *out,
                (glass.moved(y=tall), 2),
                (frustum(0.24, 0.03, 0.18, 6).moved(y=tall + 0.35), 0),
                (bulb.moved(y=tall + 0.12), 3),
            ]
        n = draw.integer("globes", 1, 4)
        at = around(np.arange(n) * 360.0 / n, 0.35 * (n > 1), tall + 0.1)
        return [
            *out,
            (copies(ellipsoid(0.16, 0.16, 0.16, 14), at), 2),
            *([(combine([tube([(0, tall - 0.15, 0), a - [0, 0.15, 0]], 0.02, 6) for a in at]), 1)] if n > 1 else []),
            (copies(frustum(0.05, 0.07, 0.06, 8), at - [0, 0.2, 0]), 3),
        ]
    if variant == "wall":
        out = [(box(0.12, 0.2, 0.03) if draw.chance(0.5) else cylinder(0.09, 0.03, 16).turned("x", 90), 0)]
        reach = 0.12 + 0.25 * d.reach
        n = draw.integer("heads", 1, 2)
        for x in np.linspace(-0.12, 0.12, n) if n > 1 else (0.0,):
            out.append((tube(smooth([(0, 0, 0), (x, -0.06, 0.6 * reach), (x, 0.02, reach)], 4), 0.012, 6), 1))
            out += head(x, 0.02 + (deep * 0.5 if draw.chance(0.5) else 0.0), reach, 0.55)
        return out
    if variant == "clip":
        out = [
            (combine([box(0.1, 0.015, 0.05).turned("z", a_).moved(0.03, y_) for a_, y_ in ((8, 0.02), (-8, -0.02))]), 0)
        ]
        path = smooth([(0, 0.02, 0), (-0.02, 0.2, 0.05), (0.03, 0.35, 0.2), (0, 0.33, 0.35)], 4)
        return [*out, (tube(path, 0.012, 6), 1), *head(0, 0.33, 0.36, 0.5, -d.bend, 1)]
    if variant == "banker":
        y = 0.3 + 0.1 * d.reach
        trough = np.linspace(np.radians(10), np.radians(170), 9)
        curve = np.stack([np.zeros(9), 0.07 * np.sin(trough), 0.09 * np.cos(trough)], -1)
        grid = np.stack([curve + [x, 0, 0] for x in (-s, 0, s)])
        out = [foot, (tube([(0, 0, -0.02), (0, y, -0.02), (0, y + 0.04, 0.02)], p * 0.8, 7), 1)]
        return [
            *out,
            (sheet(grid, 0.012).turned("x", 10).moved(0, y, 0.02), 2),
            (cylinder(0.02, 1.4 * s, 8).turned("z", 90).moved(0.7 * s, y + 0.02, 0.03), 3),
        ]
    if variant in ("drum", "candle"):  # table lamps on bodies of many kinds
        y = 0.25 + 0.25 * d.reach
        kind = draw.integer("body", 0, 4)
        r = 0.5 * d.base + 0.03
        if kind == 0:
            body = lathe([(0, 0), *smooth([(0.7 * r, 0), (1.3 * r, 0.35 * y), (0.4 * r, y)], 4), (0, y)], 18)
        elif kind == 1:
            body = cushion(2 * r, y, 1.6 * r, 0.5, 16).moved(y=y / 2)
        elif kind == 2:
            balls = [(0.17 + 0.33 * i, k * r) for i, k in enumerate((1.2, 0.9, 0.65))]
            body = combine([ellipsoid(k, 0.17 * y, k, 12).moved(y=v * y) for v, k in balls])
        elif kind == 3:
            body = box(1.4 * r, y, 1.4 * r).moved(y=y / 2)
        else:
            feet = around(np.arange(3) * 120.0, 1.2 * r, 0.0)
            body = combine([rod(a, a * -0.4 + [0, y, 0], 0.014, 6) for a in feet])
        out = [(body, 0), (cylinder(p * 0.8, 0.6 * deep, 8).moved(y=y), 1)]
        if variant == "candle":
            arms = [
                tube(smooth([(0, y, 0), (0, y - 0.04, 0.12), (0, y + 0.08, 0.14)], 3), 0.01, 5).turned("y", k * 120)
                for k in range(3)
            ]
            tips = around(np.arange(3) * 120.0, 0.14, y + 0.08)
            return [
                *out,
                (combine(arms), 1),
                (copies(frustum(0.1 * s / 0.2, 0.05, 0.12, 12), tips), 2),
                (copies(cylinder(0.012, 0.1, 6), tips), 3),
            ]
        return out + head(0, y + deep * 1.1, 0, 1.2, 0, draw.integer("shade kind", 0, 5))
    if variant == "uplight":
        bowl_ = shade_of(draw, 1.1 * s, 0.5 * deep, 3).turned("x", 180)
        return [foot, (cylinder(p, h, 10), 1), (bowl_.moved(y=h), 2), (bulb.moved(y=h + 0.05), 3)]
    if variant == "stacked pendant":
        n = draw.integer("pendants", 2, 4)
        out = [(box(0.28 * n, 0.04, 0.1).moved(y=0.02), 0)]
        for k in range(n):
            x, drop = (k - (n - 1) / 2) * 0.27, 0.4 + 0.5 * d.reach * (1 + 0.4 * draw.rng.uniform(-1, 1))
            out.append((cylinder(0.006, drop, 6).moved(x, -drop, 0), 1))
            out += head(x, -drop, 0, min(0.45, 0.12 / s), 0, None)
        return out
    if variant == "reading":
        y = 0.85 * h
        elbow = (0, y + 0.1, -0.12)
        tip = (0, y + 0.12 - 0.002 * d.bend, 0.4 * d.reach)
        out = [foot, (cylinder(p, y, 10), 1), (tube([(0, y, 0), elbow, tip], 0.7 * p, 6), 1)]
        return out + head(*tip, 0.5, -20 - 0.4 * d.bend, draw.integer("reading shade", 1, 3))
    if variant == "ceiling":
        kind = draw.integer("ceiling", 0, 3)
        out = [(cylinder(0.55 * s, 0.04, 20).moved(y=0.02), 0)]
        if kind == 0:
            out.append((shade_of(draw, 1.3 * s, 0.5 * deep, 3).turned("x", 180).moved(y=-0.0), 2))
        elif kind == 1:
            out.append((shade_of(draw, 1.3 * s, 0.6 * deep, 0), 2))
        elif kind == 2:  # a fan of spots
            bar = box(3.5 * s, 0.02, 0.04)
            out = [(bar.moved(y=0.03), 0)]
            for x in np.linspace(-1.4, 1.4, draw.integer("spots", 2, 4)) * s:
                out.append((cylinder(0.012, 0.08, 6).moved(x, -0.05), 1))
                out.append((shade_of(draw, 0.07, 0.13, 1).turned("x", draw.rng.uniform(-50, 50)).moved(x, -0.04), 2))
        else:
            out = [
                (box(3 * s, 0.05, 0.18).moved(y=0.02), 0),
                *[(cylinder(0.02, 2.8 * s, 8).turned("z", 90).moved(1.4 * s, -0.03, z), 3) for z in (-0.045, 0.045)],
            ]
            return out
        return [*out, (bulb.moved(y=-0.05), 3)]
    # paper: a tall box or a ball of ribs that stands or hangs
    kind = draw.integer("paper", 0, 2)
    if kind == 0:
        w, tall = 0.9 * s, 0.5 * h
        lamp_ = sleeve((w - 0.01, w), (w - 0.01, w), tall, 4).turned("y", 45).moved(y=d.plate)
        frame = corners(box(0.02, tall + d.plate, 0.02).moved(y=(tall + d.plate) / 2), 0.72 * w, 0.72 * w, 1)
        return [
            (box(1.5 * w, d.plate, 1.5 * w).moved(y=d.plate / 2), 0),
            (lamp_, 2),
            *frame,
            (bulb.moved(y=0.3 * tall), 3),
        ]
    k = draw(ribs=(0.01, 0.06), cut=(0.85, 0.97), cord=(0.2, 1.0))
    r = 1.2 * s
    y = np.linspace(-1, 1, 25)
    ribs = np.sqrt(1 - (k.cut * y) ** 2) * (1 + k.ribs * (np.arange(25) % 2))
    globe = lathe(np.stack([r * ribs, r * y * (0.8 + 0.4 * d.reach)], -1), 20)
    top = r * (0.8 + 0.4 * d.reach)
    if kind == 1:
        return [
            (globe, 2),
            (cylinder(0.008, k.cord, 6).moved(y=top), 1),
            (frustum(0.07, 0.05, 0.04).moved(y=top + k.cord), 0),
        ]
    return [
        foot,
        (cylinder(p, 0.4 + 0.5 * d.reach, 8), 1),
        (globe.moved(y=0.4 + 0.5 * d.reach + top), 2),
        (cylinder(0.3 * r, 0.03, 12).moved(y=0.4 + 0.5 * d.reach), 3),
    ]
