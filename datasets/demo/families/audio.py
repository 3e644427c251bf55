"""Families of what is held to the mouth or the ears: microphones and earphones."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, placed, rod
from datasets.demo.families.forms import along, both, copies, ring, smooth, taper
from datasets.demo.families.panels import bezel, cable, puck, row
from datasets.demo.mesh import (
    Mesh,
    box,
    combine,
    cushion,
    cylinder,
    ellipsoid,
    frustum,
    lathe,
    sheet,
    slab,
    torus,
    tube,
)


def wand(draw: Draw, length: float, head: float, body: float, narrow: float) -> Pieces:
    """Hand-held microphone along y, its head up, its middle in the origin."""
    y, r = length / 2 - head, body * head
    shape = draw.integer("head", 0, 2)
    if shape == 0:
        ball = ellipsoid(head, head * 1.05, head, 18)
    elif shape == 1:
        curve = smooth(
            [(0.7 * head, -0.9 * head), (head, -0.1 * head), (0.97 * head, 0.3 * head), (0.6 * head, 0.85 * head)], 3
        )
        ball = lathe([(0, -0.9 * head), *curve, (0, head)], 18)
    else:
        curve = [(0.8 * head, -0.8 * head), (0.85 * head, 0.6 * head), (0.6 * head, 0.95 * head)]
        ball = lathe([(0, -0.8 * head), *curve, (0, head)], 18)
    band = torus((0.99, 1.0, 0.84)[shape] * head, 0.07 * head, 20, 6)
    curve = [
        (0.75 * r * narrow, -length / 2),
        (narrow * r, -0.45 * length),
        (r, y - 0.7 * head),
        (0.85 * head, y - 0.45 * head),
    ]
    grip = lathe([(0, -length / 2), *curve, (0, y - 0.4 * head)], 16)
    out: Pieces = [(combine([ball, band]).moved(0, y), 0), (grip, 1)]
    if draw.chance(0.6):
        out.append(
            (box(0.5 * r, draw(switch=(0.08, 0.18)).switch * length, 0.3 * r).moved(0, 0.08 * length, 0.85 * r), 1)
        )
    return out


@family(
    "microphone",
    parts=("head", "body", "stand", "base", "cable"),
    variants=("handheld", "floor stand", "studio", "vintage", "gooseneck", "clip"),
    synonyms=("mic", "mike"),
)
def microphone(variant: str, draw: Draw) -> Pieces:
    """Microphone in the hand, on a stand or on a desk."""
    p = draw(
        length=(0.6, 0.95), head=(0.085, 0.135), body=(0.5, 0.82), narrow=(0.5, 0.85), tilt=(10, 75), stand=(1.1, 1.7),
        base=(0.18, 0.36), pole=(0.012, 0.026), boom=(0.4, 0.9), ribs=(0.6, 1.4), plate=(0.02, 0.08),
    )  # fmt: skip
    out: Pieces = []
    n, r = p.length, p.head
    if variant == "handheld":
        out = wand(draw, n, r, p.body, p.narrow)
        if draw.chance(0.35):
            tail = [
                (0, -n / 2 + 0.03, 0),
                (0, -0.62 * n, 0),
                (0.15, -0.8 * n, 0.1),
                (0.3, -0.75 * n, -0.1),
                (0.5, -0.8 * n, 0),
            ]
            out.append((cable(tail, 0.012), 4))
        pose = draw.integer("pose", 0, 3)
        if pose == 1:
            return placed(out, pitch=p.tilt)
        return [(m.turned("z", (0, 0, -90, p.tilt)[pose]), part) for m, part in out]
    if variant == "floor stand":
        h, pole = p.stand, p.pole
        if draw.chance(0.5):
            out.append(
                (lathe([(0, 0), (p.base, 0), (p.base, 0.5 * p.plate), (0.2 * p.base, p.plate), (0, p.plate)], 22), 3)
            )
        else:
            spots = ring(3, 1.3 * p.base)[0]
            out.append((combine([rod((x, 0.01, z), (0, 0.18, 0), pole * 0.8, 6) for x, _, z in spots]), 3))
        out += [(cylinder(pole, h, 10), 2), (cylinder(1.6 * pole, 0.1, 10).moved(0, 0.55 * h), 2)]
        tip = np.array([0, h, 0.0])
        if draw.chance(0.5):
            angle = np.radians(draw.rng.uniform(-10, 40))
            way = np.array([0, np.sin(angle), np.cos(angle)])
            tip = tip + p.boom * way
            out += [
                (rod((0, h, 0) - 0.4 * p.boom * way, tip, 0.8 * pole, 8), 2),
                (ellipsoid(0.04, 0.04, 0.04, 8).moved(0, h), 2),
            ]
            out.append((rod(tip - 1.35 * p.boom * way, tip - 1.25 * p.boom * way, 2 * pole, 8), 3))
        mic = wand(draw, 0.36, 0.36 * r / n * 1.4, p.body, p.narrow)
        clip = [(cylinder(0.6 * 0.36 * r / n * 1.4, 0.08, 10).moved(0, -0.06), 2)]
        out += placed([*mic, *clip], *(tip + [0, 0.06, 0.04]), 0, p.tilt)
        if draw.chance(0.4):
            out.append(
                (
                    cable(
                        [tip, (0.05, 0.6 * h, -0.06), (-0.04, 0.3 * h, 0.05), (0.08, 0.03, 0.1), (0.3, 0.01, 0.2)],
                        0.008,
                    ),
                    4,
                )
            )
        return out
    if variant == "studio":
        h = 0.55 * n
        curve = [(0.8 * r, 0), (r, 0.1 * h), (r, 0.55 * h)]
        body = lathe([(0, 0), *curve, (0, 0.55 * h)], 20)
        top = smooth([(1.02 * r, 0.55 * h), (1.02 * r, 0.85 * h), (0.6 * r, h)], 3)
        head = lathe([(0, 0.55 * h), *top, (0, h)], 20).scaled(1, 1, draw.rng.uniform(0.6, 1))
        out = [(body, 1), (head, 0), (copies(torus(1.02 * r, 0.012, 20, 6), row(0, 1, 0.55 * h)), 1)]
        support = -0.15
        if draw.chance(0.6):  # elastic suspension
            rings = copies(torus(2.0 * r, 0.014, 20, 6), [(0, 0.08 * h, 0), (0, 0.42 * h, 0)])
            posts = copies(cylinder(0.01, 0.34 * h, 6), ring(4, 2 * r, 0.08 * h)[0])
            bands = [rod((x, 0.08 * h, z), (0.45 * x, 0.3 * h, 0.45 * z), 0.006, 4) for x, _, z in ring(8, 2 * r)[0]]
            yoke = rod((0, 0.25 * h, -2 * r), (0, support, -2.2 * r), 0.02, 6)
            out += [(combine([rings, posts, *bands, yoke]), 2)]
        else:
            out.append(
                (
                    combine(
                        [
                            cylinder(0.4 * r, 0.16).moved(0, -0.15),
                            box(2.4 * r, 0.04, 0.05).moved(0, -0.03),
                            both(box(0.03, 0.4 * h, 0.05).moved(1.15 * r, 0.15 * h)),
                        ]
                    ),
                    2,
                )
            )
        z = -2.2 * r if len(out[-1][0].faces) > 300 else 0
        if draw.chance(0.3):  # pop shield
            out.append((combine([bezel(1.6 * r, 0.012, 22), puck(1.55 * r, 0.008)]).moved(0, 0.7 * h, 3.2 * r), 0))
            out.append((cable([(0, 0.7 * h - 1.6 * r, 3.2 * r), (0, 0.1 * h, 3 * r), (0, -0.1, 0)], 0.01), 2))
        kind = draw.integer("stand", 0, 2)
        if kind == 0:
            low = support - 0.3 * p.stand
            out.append((rod((0, support, z), (0, low, z), p.pole, 8), 2))
            return [*out, (frustum(1.2 * p.base, p.base, p.plate).moved(0, low, z), 3)]
        if kind == 1:
            low = support - 0.12 * p.stand
            return [
                *out,
                (
                    combine(
                        [rod((x, low - 0.12, b + z), (0, support, z), p.pole, 6) for x, _, b in ring(3, p.base)[0]]
                    ),
                    3,
                ),
            ]
        elbow = np.array([-0.6, -0.15 + 0.4 * p.boom, z - 0.3])
        foot = elbow + [0.25, -0.9 * p.boom, -0.2]
        arm = [
            rod((0, support, z), elbow, p.pole * 1.2, 6),
            rod(elbow, foot, p.pole * 1.2, 6),
            ellipsoid(0.04, 0.04, 0.04, 8).moved(*elbow),
        ]
        return [*out, (combine(arm), 2), (frustum(0.3 * p.base, 0.25 * p.base, 0.08).moved(*foot), 3)]
    if variant == "vintage":
        w, h, d = 2.4 * r, 4.2 * r * (0.7 + 0.3 * p.ribs), 2.0 * r
        out = [(cushion(w, h, d, 0.4, 22), 1)]
        count = draw.integer("ribs", 5, 9)
        bars = [
            cushion(0.6 * w / count, h * (1.06 - 0.25 * abs(x) ** 3), d * 1.12, 0.4, 12).moved(0.85 * x * w / 2)
            for x in np.linspace(-1, 1, count)
        ]
        out.append((combine(bars), 0))
        out.append(
            (
                combine(
                    [box(1.04 * w, 0.05 * h, 1.14 * d).moved(0, y * h) for y in ((0.05,), (-0.05, 0.2))[count % 2]]
                ),
                1,
            )
        )
        low = -h / 2 - 0.1
        out += [
            (cylinder(0.35 * r, 0.14, 10).moved(0, low), 2),
            (along(cylinder(0.25 * r, 0.6 * r, 10)).turned("y", 90).moved(-0.3 * r, low + 0.04), 2),
        ]
        out = [(m.turned("x", -0.3 * p.tilt), part) if part < 2 else (m, part) for m, part in out]
        if draw.chance(0.7):
            tall = 0.05 + 0.5 * draw.rng.random()
            out.append((cylinder(p.pole * 1.3, tall + 0.02, 10).moved(0, low - tall), 2))
            out.append(
                (
                    lathe(
                        [
                            (0, 0),
                            (p.base, 0),
                            (0.9 * p.base, p.plate),
                            (0.3 * p.base, 1.4 * p.plate),
                            (0, 1.4 * p.plate),
                        ],
                        22,
                    ).moved(0, low - tall - p.plate),
                    3,
                )
            )
        return out
    if variant == "gooseneck":
        b = p.base
        if draw.chance(0.6):
            base = along(taper(box(1.2 * b, p.plate + 0.04, 1.5 * b), 1, 1)).turned("x", -90)
            out += [
                (base.moved(0, p.plate / 2 + 0.02), 3),
                (puck(0.14 * b, 0.02).turned("x", -90).moved(0, p.plate + 0.04, 0.45 * b), 3),
            ]
        else:
            out.append((frustum(b, 0.75 * b, p.plate + 0.03), 3))
        h, reach = 0.5 * p.stand, 0.5 * p.boom
        a = np.radians(p.tilt)
        path = smooth(
            [
                (0, 0.03, 0),
                (0, 0.45 * h, 0),
                (0, 0.85 * h, 0.15 * reach),
                (0, h, 0.55 * reach),
                (0, h + 0.2 * reach * np.cos(a), reach),
            ],
            4,
        )
        out.append((tube(path, 0.8 * p.pole, 7), 2))
        way = path[-1] - path[-2]
        way /= np.linalg.norm(way)
        size = 0.035 + 0.3 * (r - 0.09)
        out += [
            (rod(path[-1] - 0.1 * way, path[-1] + 0.05 * way, size * 0.55, 10), 1),
            (
                tube(
                    [path[-1], path[-1] + 0.02 * way, path[-1] + 1.4 * size * way, path[-1] + 2.2 * size * way],
                    (0.6 * size, size, size, 0.5 * size),
                    12,
                ),
                0,
            ),
        ]
        return out
    s = 0.7 + 1.5 * (r - 0.09)  # clip on a lapel
    out = [
        (cylinder(0.09 * s, 0.22 * s, 14).moved(0, -0.02), 1),
        (ellipsoid(0.13 * s, 0.16 * s * p.body + 0.05, 0.13 * s, 14).moved(0, 0.3 * s), 0),
    ]
    jaw = tube(
        [(0, 0.1 * s, -0.06 * s), (0, 0.12 * s, -0.2 * s), (0, -0.1 * s, -0.22 * s), (0, -0.3 * s, -0.14 * s)],
        0.03 * s,
        4,
    ).scaled(2.5, 1, 1)
    out += [
        (
            combine(
                [
                    jaw,
                    torus(0.1 * s, 0.025 * s, 16, 6).moved(0, 0.08 * s),
                    box(0.14 * s, 0.3 * s, 0.02).turned("x", 12).moved(0, -0.16 * s, -0.1 * s),
                ]
            ),
            2,
        )
    ]
    drop = p.boom + 0.3
    own = draw(bend_x=(-0.3, 0.3), bend_z=(-0.3, 0.3), end_x=(-0.3, 0.3), end_z=(-0.3, 0.3))
    swing = own.bend_x, own.bend_z, own.end_x, own.end_z
    out.append(
        (
            cable(
                [(0, 0, 0), (0, -0.2 * s, 0), (swing[0], -0.5 * drop, swing[1]), (swing[2], -drop, 0.5 * swing[3])],
                0.014,
            ),
            4,
        )
    )
    return [*out, (rod((swing[2], -drop + 0.02, 0.5 * swing[3]), (swing[2], -drop - 0.12, 0.5 * swing[3]), 0.03, 8), 4)]


def strap(width: float, height: float, wide: float, thick: float, squareness: float = 1.0, fade: float = 0.6) -> Mesh:
    """Head band over x from (-width/2, 0) to (width/2, 0), `height` high, `wide` along z, narrower at its ends."""
    a = np.linspace(0, np.pi, 19)
    x, y = (np.sign(v) * np.abs(v) ** squareness for v in (np.cos(a), np.sin(a)))
    z = wide / 2 * (fade + (1 - fade) * np.sin(a))
    grid = np.stack([np.stack([x * width / 2, y * height, s * z], -1) for s in (-1, 0, 1)], 1)
    return sheet(grid, thick)


def ear_cup(draw: Draw, r: float, thick: float, pad: float, tall: float) -> Pieces:
    """Right ear's cup in the plane x = 0, its shell to +x and its cushion to -x."""
    rim = draw.rng.uniform(0.6, 0.95)
    shell = lathe(
        [(0, 0), (0.95 * r, 0), (r, 0.25 * thick), (0.95 * rim * r, 0.8 * thick), (0.5 * rim * r, thick), (0, thick)],
        22,
    )
    ring_ = lathe(
        [(0, 0.0), (0.92, 0), (1.02, -0.35), (0.92, -0.9), (0.7, -1), (0.5, -0.75), (0.42, -0.3), (0, -0.3)][::-1], 22
    ).scaled(r, pad, r)
    items = [shell, lathe([(0, 0), (0.45 * r, 0), (0.4 * r, 0.05 * r), (0, 0.05 * r)], 16).moved(0, thick * 0.97)]
    out: Pieces = [(combine(items), 0), (ring_, 2)]
    return [(m.turned("z", -90).scaled(1, tall, 1), part) for m, part in out]


@family(
    "earphone",
    parts=("cups", "band", "cushions", "cable", "microphone"),
    variants=("over ear", "on ear", "headset", "earbuds", "neckband", "wireless buds"),
    synonyms=("headphones", "earphones", "headphone", "headset", "earpiece"),
)
def earphone(variant: str, draw: Draw) -> Pieces:
    """Headphones with a band over the head, or a pair of buds."""
    p = draw(
        radius=(0.2, 0.3), thick=(0.4, 0.9), pad=(0.3, 0.55), spread=(0.36, 0.5), rise=(0.55, 0.85), wide=(0.08, 0.2),
        band=(0.025, 0.07), tall=(1.0, 1.35), square=(0.7, 1.0), toe=(-8, 12), droop=(0.3, 0.9),
    )  # fmt: skip
    out: Pieces = []
    if variant in ("over ear", "on ear", "headset"):
        thin = variant == "on ear" or (variant == "headset" and draw.chance(0.4))
        r = p.radius * (0.72 if thin else 1)
        tall = 1.0 if thin else p.tall
        cup = ear_cup(draw, r, p.thick * r, p.pad * r, tall)
        half, rise = p.spread, p.rise
        wide, thick = (0.5 * p.wide, 0.4 * p.band) if thin else (p.wide, p.band)
        start = 0.0 if thin else draw.rng.uniform(0.3, 1.0) * r * tall
        at = half + 0.1 * p.thick * r
        toed = [(m.turned("z", 0.5 * p.toe).moved(at), part) for m, part in cup]
        single = variant == "headset" and draw.chance(0.2)
        out += toed if not single else []
        out += [(m.scaled(-1, 1, 1), part) for m, part in toed]
        if single:
            out.append((cushion(0.05, 0.25, 0.15, 0.3, 12).moved(half), 2))
        width = 2 * (half + 0.3 * p.thick * r)
        out.append((strap(width, rise - start, wide, thick, p.square).moved(0, start), 1))
        if not thin and draw.chance(0.6):
            out.append(
                (strap(0.95 * width, 0.94 * (rise - start), 1.1 * wide, thick, p.square, 0.3).moved(0, start), 2)
            )
        if not thin:  # arms that hold the cups
            x = width / 2
            if not single and draw.chance(0.5):
                fork = torus(1.05 * r, 0.03, 22, 6).turned("z", 90).scaled(1, tall, 1)
                out.append((both(fork.moved(x - 0.02)), 1))
            out.append((both(slab((x - 0.025, x + 0.025), (0.0, start + 0.12), (-0.3 * wide, 0.3 * wide))), 1))
        else:
            out.append((both(box(0.035, 0.25 * r + 0.1, wide * 1.3).moved(width / 2, 0.1)), 1))
        x = -(half + 0.35 * p.thick * r)
        if variant == "headset":
            lift = 0.3 * draw.rng.random() if draw.chance(0.7) else 0.6
            path = [
                (x, -0.1 * r, 0.1 * r),
                (x, -0.5 * r, 0.9 * r),
                (x + 0.12, -0.85 * r + lift * r, 2.1 * r),
                (x + 0.3, -0.9 * r + lift * r, 2.6 * r),
            ]
            out.append((cable(path, 0.018), 4))
            out.append((ellipsoid(0.07, 0.05, 0.05, 12).moved(*path[-1]), 4))
            out.append((puck(0.35 * r, 0.03, 14).turned("y", -90).moved(x), 4))
        if draw.chance(0.4):
            y = -r * tall
            swing = draw.rng.uniform(-0.2, 0.3, 3)
            end = (swing[0] + 0.1, y - p.droop, swing[1])
            out.append(
                (cable([(x, 0.9 * y, 0), (x, y - 0.15, 0), (x + swing[2], y - 0.6 * p.droop, 0.1), end], 0.014), 3)
            )
            out.append((rod(end, (end[0], end[1] - 0.12, end[2]), 0.025, 8), 3))
        return placed(out, pitch=-90) if draw.chance(0.06) else out
    r = 0.14 + 0.5 * (p.radius - 0.2)
    bud = lathe([(0, 0), (0.8, 0), (1, 0.2), (0.95, 0.5), (0.6, 0.9), (0.5, 1.0), (0, 1.0)], 18).scaled(r)
    tip = lathe([(0.0, 0.95), (0.45, 0.95), (0.72, 1.15), (0.62, 1.5), (0.35, 1.75), (0, 1.78)], 16).scaled(
        r * (0.6 + p.pad), r, r * (0.6 + p.pad)
    )
    stem = lathe([(0, 0), (0.26, 0.03), (0.3, 0.3), (0.28, 1), (0, 1)], 12).scaled(r, -r * (1 + 1.6 * p.droop), r)
    toe = p.toe + draw(turn=(10, 60)).turn
    one: Pieces = [(bud.turned("z", 90), 0), (tip.turned("z", 90), 2)]
    if variant != "earbuds" or draw.chance(0.6):
        one.append((stem.moved(-0.35 * r, 0.1 * r), 0))
    one = [(m.turned("y", -toe), part) for m, part in one]
    left = [(m.scaled(-1, 1, 1), part) for m, part in one]
    if variant == "wireless buds":
        cased = draw.chance(0.45)
        gap = (0.45 if cased else 0.9) * p.spread + r
        out = [*placed(one, gap), *placed(left, -gap)]
        if cased:  # in an open case
            w, h, d = 2 * gap + 3.4 * r, (1.6 + 1.6 * p.droop) * r, 3.2 * r
            out.append((cushion(w, h, d, 0.4, 20).moved(0, -0.35 * r - h / 2), 1))
            lid = cushion(w, 0.3 * h + 0.6 * r, d, 0.4, 20).turned("x", -65)
            out.append((lid.moved(0, 0.5 * d - 0.45 * r, -0.55 * d - 0.2 * r), 1))
        return out
    if variant == "neckband":
        a = np.linspace(-0.15 * np.pi, 1.15 * np.pi, 17)
        path = np.stack([1.1 * p.spread * np.cos(a), 0.12 * np.sin(a) ** 2, -p.rise * 0.8 * np.sin(a)], -1)
        out.append((tube(path, p.band * 0.7, 7), 1))
        ends = path[[0, -1]]
        out += [(rod(end, end + [0, 0, 0.35], 0.05, 10), 1) for end in ends]
        for end, pieces, s in ((ends[0], one, 1), (ends[1], left, -1)):
            at = end + [-0.1 * s, 0.3 * draw.rng.uniform(-1.5, 1.5), 0.5 + 0.4 * p.droop]
            out += placed(pieces, *at)
            out.append(
                (
                    cable(
                        [end + [0, 0, 0.3], (end + at) / 2 + [0.12 * s, -0.08, 0.15], at + [0, -0.12, -0.02], at], 0.014
                    ),
                    3,
                )
            )
        return out
    gap, fork = p.spread * draw(apart=(0.75, 1.2)).apart, -0.5 - 0.4 * p.droop
    z = draw.rng.uniform(-0.1, 0.1, 3)
    out = [*placed(one, gap), *placed(left, -gap)]
    for s in (-1, 1):
        x = s * (gap - 0.3 * r)
        out.append((cable([(x, -0.2 * r, 0), (x, -0.5, z[0]), (0.3 * x, 0.6 * fork - 0.2, 0), (0, fork, 0)], 0.014), 3))
    tail = [(0, fork, 0), (0.05, fork - 0.25, z[1]), (-0.1, fork - 0.6 * p.rise, z[2]), (0.1, fork - 1.2 * p.rise, 0)]
    out += [(cable(tail, 0.016), 3), (cylinder(0.03, 0.12, 8).moved(0, fork - 0.06), 3)]
    out.append((cylinder(0.03, 0.18, 8).moved(0.1, fork - 1.2 * p.rise - 0.15), 3))
    if draw.chance(0.5):
        out.append((cushion(0.07, 0.2, 0.05, 0.3, 12).moved(gap - 0.35 * r, -0.45, z[0]), 4))
    return out
