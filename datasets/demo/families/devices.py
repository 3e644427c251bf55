"""Families of remote controls and game consoles."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, placed
from datasets.demo.families.forms import along, both, copies, ring, smooth, taper
from datasets.demo.families.panels import bezel, cable, casing, keypad, plate, puck, row
from datasets.demo.mesh import box, combine, cushion, cylinder, ellipsoid, extrude, frustum, lathe, slab, torus, tube


@family(
    "remote",
    parts=("body", "buttons", "pad", "display", "emitter"),
    variants=("grid", "slim", "waisted", "display", "air conditioner", "key fob"),
    synonyms=("remote control", "remote controller", "TV remote", "television remote", "clicker"),
)
def remote(variant: str, draw: Draw) -> Pieces:
    """Remote control: a long flat body with many keys, mostly lying on its back, its far end to the rear."""
    p = draw(
        width=(0.2, 0.36), depth=(0.06, 0.14), margin=(0.76, 0.92), key=(0.008, 0.026), pad=(0.55, 0.85),
        waist=(0.05, 0.25), share=(0.3, 0.5), bow=(0.0, 0.12), thin=(0.55, 1.0),
    )  # fmt: skip
    w, d, key = p.width, p.depth, p.key
    h = 1.0
    round_keys = draw.chance(0.4)
    if variant == "key fob":
        w, h = 1.4 * w, 0.65
    if variant in ("display", "air conditioner"):
        w, h = 1.35 * w, 0.8
    if variant == "slim":
        d *= p.thin
    if variant == "waisted":
        t = np.linspace(-1, 1, 13)
        x = w / 2 * (1 - p.waist * np.exp(-(((t - 0.1) / 0.45) ** 2))) * (1 - 0.35 * np.abs(t) ** 8)
        body = extrude(np.concatenate([np.c_[x, t * h / 2], np.c_[-x, t * h / 2][::-1]]), d)
        body = combine([body, cushion(0.7 * w, 0.9 * h, 1.1 * d, 0.4, 14).moved(z=-0.3 * d)])
    else:
        body = casing(draw, w, h, d, (0, 1, 2, 1, 2, 3)[draw.integer("casing", 0, 5)])
        if draw.chance(0.3):  # an underside thicker at the hand's end
            body = combine([body, cushion(0.8 * w, 0.45 * h, d, 0.35, 14).moved(0, -0.2 * h, -0.35 * d)])
    body = taper(body, 1 - p.bow, 1)
    front = d / 2
    inner = p.margin * (1 - p.bow) * w
    out: Pieces = [(body, 0), (box(p.share * w, 0.02, 0.4 * d).moved(0, h / 2), 4)]

    def ring_pad(y: float) -> Pieces:
        r = 0.5 * p.pad * inner
        torus_ = lathe([(0, 0), (r, 0), (r, key), (0.45 * r, 1.1 * key), (0.4 * r, 0.3 * key), (0, 0.3 * key)], 20)
        return [(along(torus_).moved(0, y, front), 2), (puck(0.3 * r, 1.3 * key, 14).moved(0, y, front), 2)]

    def pads(rows: int, columns: int, y0: float, y1: float) -> Pieces:
        return [(keypad(rows, columns, inner, (y1 - y0) * h, key, round_keys).moved(0, (y0 + y1) / 2 * h, front), 1)]

    power = (puck(0.07 * inner + 0.01, key, 12).moved(-0.36 * inner, 0.45 * h, front), 1)
    if variant == "grid":
        columns = draw.integer("columns", 3, 5)
        out += [power, *pads(draw.integer("rows", 2, 4), columns, 0.18, 0.42)]
        if draw.chance(0.6):
            out += [*ring_pad(0.04), *pads(draw.integer("rows", 3, 5), 3, -0.42, -0.13)]
        else:
            out += pads(draw.integer("rows", 5, 8), columns, -0.44, 0.16)
    elif variant == "slim":
        w_ = 0.5 * p.pad * inner
        y = 0.5 * h - 1.3 * w_ - 0.06
        out += ring_pad(y)
        n = draw.integer("rows", 2, 4)
        low = y / h - w_ / h - 0.05
        out += pads(n, 2, low - 0.13 * n, low)
        if draw.chance(0.5):
            out.append((plate(0.3 * inner, 0.12, key, 0.04).moved(0, (low - 0.13 * n) * h - 0.1, front), 1))
    elif variant == "waisted":
        out += [power, *pads(draw.integer("rows", 3, 5), 3, 0.1, 0.43), *ring_pad(0.0 - 0.3 * p.pad * inner)]
        out.append(
            (keypad(draw.integer("rows", 2, 4), 3, 0.85 * inner, 0.22, key, round_keys).moved(0, -0.34, front), 1)
        )
    elif variant in ("display", "air conditioner"):
        tall = p.share * h
        out.append((plate(inner, tall, 0.012, 0.02 if round_keys else 0).moved(0, h / 2 - tall / 2 - 0.06, front), 3))
        low = 0.5 - p.share - 0.1
        if variant == "display":
            out += [*pads(2, 4, low - 0.14, low), *pads(draw.integer("rows", 2, 4), 4, -0.46, low - 0.16)]
        else:
            big = plate(0.42 * inner, 0.09, 1.5 * key, 0.03).moved(0.25 * inner, low * h - 0.05, front)
            out += [(big, 1), (big.moved(-0.5 * inner), 1), *pads(2, 3, low - 0.42, low - 0.13)]
    else:
        n = draw.integer("rows", 2, 4)
        out += [
            (
                keypad(n, draw.integer("columns", 1, 2), 0.7 * inner, 0.7 * h, 1.5 * key, round_keys).moved(
                    0, -0.02, front
                ),
                1,
            )
        ]
        if draw.chance(0.5):  # the key itself
            out.append((plate(0.22 * w, 0.7 * h, 0.3 * d).moved(0, 0.8 * h, -0.15 * d), 4))
        else:
            out.append((torus(0.14 * w + 0.03, 0.015, 18, 6).turned("x", 90).moved(0, h / 2 + 0.05), 4))
    pose = draw.rng.random()
    if pose < 0.6:
        return placed(out, pitch=-90)
    return placed(out, pitch=-30) if pose < 0.7 else out


def gamepad(draw: Draw, cord: bool) -> Pieces:
    """Controller of a game console, about 1 wide, lying on y = 0, its grips to +z."""
    own = draw(pad=(0.42, 0.55), grip=(0.34, 0.5), thick=(0.17, 0.26), stick=(0.07, 0.12), wire=(0.7, 1.1))
    middle = cushion(0.86, own.thick, own.pad, 0.5, 20)
    path = smooth([(0.24, 0, -0.04), (0.36, -0.01, 0.1), (0.44, -0.05, 0.28), (0.46, -0.1, own.grip)], 3)
    grip = tube(path, np.linspace(0.17, 0.075, len(path)), 12)
    bulb = ellipsoid(0.2, 0.12, 0.2, 14).moved(0.27, 0, -0.02)
    out: Pieces = [(combine([middle, both(combine([grip, bulb]))]), 1)]
    stick = combine(
        [
            cylinder(0.05, own.stick, 10),
            lathe([(0, 0), (0.075, 0), (0.08, 0.03), (0.05, 0.025), (0, 0.02)], 14).moved(0, own.stick),
        ]
    )
    even = draw.chance(0.4)
    left, right = ((-0.15, 0.08, 0.12), (0.15, 0.08, 0.12)) if even else ((-0.28, 0.1, -0.05), (0.13, 0.08, 0.12))
    cross = combine([box(0.15, 0.05, 0.05), box(0.05, 0.05, 0.15)]).moved(
        *((-0.28, 0.12, -0.05) if even else (-0.13, 0.11, 0.12))
    )
    keys = copies(cylinder(0.035, 0.04, 10), ring(4, 0.08)[0] + [0.28, 0.11, -0.05])
    small = copies(cylinder(0.025, 0.02, 8), [(-0.09, 0.1, -0.03), (0.09, 0.1, -0.03)])
    out.append(
        (combine([copies(stick, [left, right]), cross, keys, small, cylinder(0.05, 0.02, 14).moved(0, 0.1, -0.1)]), 2)
    )
    out.append((both(cushion(0.22, 0.1, 0.14, 0.4, 12).moved(0.28, 0.02, -0.44 * own.pad)), 2))
    if cord:
        swing = draw.rng.uniform(-0.4, 0.4, 2)
        out.append(
            (cable([(0, 0, -0.22), (0, 0, -0.35), (swing[0], -0.1, -0.6), (swing[1], -0.1, -0.9 * own.wire)], 0.018), 4)
        )
    return placed(out, y=0.12)


@family(
    "xbox",
    parts=("console", "controller", "buttons", "drive", "cable"),
    variants=("flat", "first", "tower", "upright", "with controllers", "controller"),
    synonyms=("game console", "video game console", "games console", "gaming console", "Xbox console"),
)
def xbox(variant: str, draw: Draw) -> Pieces:
    """Console for video games, alone or with its controllers, or a controller alone."""
    p = draw(
        width=(0.85, 1.25), height=(0.2, 0.38), depth=(0.65, 1.1), slot=(0.35, 0.65), pinch=(0.0, 0.18),
        vent=(0.25, 0.6), tall=(1.6, 2.4), split=(0.3, 0.7), button=(0.03, 0.06), tilt=(-20, 60), size=(0.42, 0.62),
    )  # fmt: skip
    w, h, d, b = p.width, p.height, p.depth, p.button
    front = d / 2
    if variant == "controller":
        return placed(gamepad(draw, draw.chance(0.35)), pitch=draw.rng.choice([0, 1, 1]) * p.tilt)
    out: Pieces = []

    def flat(style: int) -> Pieces:
        if style == 3:  # top and bottom drawn in
            t = np.linspace(-1, 1, 9)
            edge = np.c_[t * w / 2, h / 2 * (1 - p.pinch * (1 - t**2))]
            body = extrude(np.concatenate([edge, (edge * [1, -1])[::-1]]), d)
        else:
            body = casing(draw, w, h, d, style)
        pieces: Pieces = [(body, 0)]
        if draw.chance(0.5):  # two shells with a seam
            y = (p.split - 0.5) * h
            pieces.append((slab((-0.51 * w, 0.51 * w), (y, y + 0.06 * h), (-0.51 * d, 0.51 * d)), 0))
        s = draw.rng.choice([-1, 1])
        y = 0.12 * h
        if draw.chance(0.5):
            pieces.append((plate(p.slot * w, 0.07 * h, 0.015).moved(-s * 0.18 * w, y, front), 3))
        else:
            pieces.append((plate(p.slot * w, 0.26 * h, 0.03, 0.02).moved(-s * 0.18 * w, y, front), 3))
        r = min(b * 1.5, 0.3 * h)
        pieces.append(
            (
                combine(
                    [
                        puck(r, 0.03, 16).moved(s * 0.36 * w, 0, front),
                        bezel(1.2 * r, 0.01, 18).moved(s * 0.36 * w, 0, front + 0.01),
                    ]
                ),
                2,
            )
        )
        pieces.append((copies(box(0.06, 0.03, 0.02), row(0.08, 2, -0.25 * h, front + 0.01)).moved(-s * 0.3 * w), 2))
        if draw.chance(0.6):
            n = draw.integer("vents", 5, 12)
            vents = copies(
                box(p.vent * w, 0.015, 0.4 * d / n), [(0.2 * s * w, h / 2, z) for z in np.linspace(-0.4, 0.3, n) * d]
            )
            pieces.append((vents, 0))
        return pieces

    if variant in ("flat", "with controllers"):
        style = draw.integer("casing", 0, 3)
        out = flat(style)
        if draw.chance(0.25):
            out.append(
                (
                    torus(0.3 * min(w, d), 0.02, 26, 6)
                    .scaled(1, 0.5, 1)
                    .moved(0, h / 2 * (1 - p.pinch * (style == 3))),
                    0,
                )
            )
        if variant == "flat":
            return out
        for k in range(draw.integer("controllers", 1, 2)):
            at = (
                (0.35 - 0.75 * k) * w + 0.1 * p.tilt / 60,
                -h / 2,
                d / 2 + 0.5 * p.size + 0.1 + 0.15 * draw.rng.random(),
            )
            pad = [(m.scaled(p.size * 1.2), part) for m, part in gamepad(draw, False)]
            out += placed(pad, *at, draw.rng.uniform(-40, 40))
            if draw.chance(0.4):
                out.append(
                    (
                        cable(
                            [
                                (at[0], -0.45 * h, at[2] - 0.3 * p.size),
                                (at[0], -h / 2 + 0.02, at[2] - 0.5 * p.size),
                                (at[0] * 0.6, -0.4 * h, front + 0.1),
                                (at[0] * 0.6, -0.3 * h, front),
                            ],
                            0.014,
                        ),
                        4,
                    )
                )
        return out
    if variant == "first":  # big black box with a raised X
        h *= 1.15
        body = taper(box(w, h, d), 0.94, 0.94)
        out = [(body, 0)]
        bar = taper(box(0.15 * w, 0.26 * h, 0.88 * np.hypot(w, d)), 0.5, 0.97)
        angle = np.degrees(np.arctan2(w, d))
        out.append((combine([bar.turned("y", s * angle) for s in (-1, 1)]).moved(0, h / 2), 0))
        size = draw(jewel=(0.12, 0.22)).jewel
        jewel = lathe([(0, 0), (size, 0), (0.9 * size, 0.2 * h), (0, 0.24 * h)], 20)
        out.append((jewel.moved(0, h / 2), 2))
        out.append((plate(0.5 * p.slot * w + 0.15, 0.22 * h, 0.03).moved(-0.2 * w, 0.18 * h, front), 3))
        ports = along(lathe([(0, 0), (0.075, 0), (0.075, 0.05), (0.05, 0.05), (0.045, 0.02), (0, 0.02)], 14))
        out.append((copies(ports, row(0.33 * w, 4, -0.22 * h, front - 0.01)), 2))
        out.append(
            (
                copies(puck(b, 0.03, 14), [(0.22 * w, 0.2 * h, front - 0.01), (0.36 * w, 0.2 * h, front - 0.01)]),
                2,
            )
        )
        return out
    if variant == "tower":
        s, tall = 0.6 * w * (0.8 + 0.5 * p.pinch), p.tall * 0.6 * w
        front = s / 2
        out = [(casing(draw, s, tall, s, draw.integer("casing", 0, 1)).moved(0, tall / 2), 0)]
        rings = [torus(f * s, 0.014, 24, 5) for f in (0.12, 0.22, 0.32, 0.44)]
        out.append((combine(rings).moved(0, tall), 0))
        out.append((plate(0.03 * s + 0.01, p.slot * tall * 0.6, 0.015).moved(-0.3 * s, 0.35 * tall, front), 3))
        out.append((puck(b, 0.02, 14).moved(-0.3 * s, 0.9 * tall, front), 2))
        out.append((plate(0.08 * s, 0.03, 0.02).moved(0.25 * s, 0.2 * tall, front), 2))
        out = placed(out, y=0.04) + feet(draw, s, s, 0.04, 0.1, 0)
    else:
        out = [(m.turned("z", 90).moved(0, w / 2), part) for m, part in flat(draw.integer("casing", 0, 3))]
        foot = draw.integer("foot", 0, 2)
        if foot == 1:
            out.append((slab((-0.9 * h, 0.9 * h), (-0.04, 0.02), (-0.4 * d, 0.4 * d)), 0))
        elif foot == 2:
            out.append((frustum(0.5, 0.42, 0.06, 22).scaled(1.2 * h + 0.2, 1, 0.8 * d).moved(0, -0.05), 0))
        if draw.chance(0.35):  # wings beyond the sides
            fin = box(0.05, 1.08 * w, 1.05 * d)
            out.append((both(taper(fin, 1, 0.95, 0.03).turned("z", -4).moved(h / 2 + 0.03, 0.54 * w)), 0))
    if draw.chance(0.35):
        pad = [(m.scaled(p.size * 1.1), part) for m, part in gamepad(draw, False)]
        out += placed(pad, draw.rng.choice([-1, 1]) * (0.4 * p.size + 0.3), 0, 0.5 * d + 0.1, draw.rng.uniform(-30, 30))
    return out
