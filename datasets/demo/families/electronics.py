"""Families of hand-held and desk electronics: mobile and fixed telephones."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, placed, rod
from datasets.demo.families.forms import along, both, copies, smooth, taper
from datasets.demo.families.panels import bezel, cable, casing, coil, keypad, plate, puck
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, extrude, lathe, slab, tube


def slate(draw: Draw, width: float, height: float, depth: float) -> Mesh:
    """Centred thin body with its front in z = depth/2: square, rounded, soft or waisted."""
    style = draw.integer("slate", 0, 3)
    if style == 3:
        t = np.linspace(-1, 1, 9)
        x = width / 2 * (1 - draw.rng.uniform(-0.05, 0.12) * (1 - t**2)) * (1 - 0.12 * np.abs(t) ** 6)
        return extrude(np.concatenate([np.c_[x, t * height / 2], np.c_[-x, t * height / 2][::-1]]), depth)
    return casing(draw, width, height, depth, style)


def number_pad(draw: Draw, width: float, height: float, thick: float) -> Mesh:
    """Centred keypad of a mobile telephone: navigation ring and two soft keys above twelve keys."""
    pad = keypad(4, 3, width, 0.64 * height, thick, draw.chance(0.4)).moved(0, -0.18 * height)
    y, r = 0.34 * height, 0.13 * height
    soft = both(plate(0.26 * width, 0.07 * height, thick).moved(0.34 * width, y + 0.05 * height))
    call = both(plate(0.26 * width, 0.07 * height, thick).moved(0.34 * width, y - 0.06 * height))
    return combine([pad, soft, call, puck(min(r, 0.2 * width), thick, 12).moved(0, y)])


@family(
    "cellphone",
    parts=("body", "screen", "buttons", "camera", "antenna"),
    variants=("smartphone", "button phone", "flip phone", "slider", "brick phone"),
    synonyms=(
        "mobile phone",
        "cell phone",
        "cellular telephone",
        "cellular phone",
        "smartphone",
        "mobile",
        "handphone",
    ),
)
def cellphone(variant: str, draw: Draw) -> Pieces:
    """Mobile telephone, mostly upright, its screen to the front."""
    p = draw(
        width=(0.42, 0.58), depth=(0.05, 0.11), margin=(0.02, 0.09), chin=(0.02, 0.15), lens=(0.03, 0.06),
        key=(0.006, 0.02), antenna=(0.1, 0.5), open=(5, 45), share=(0.3, 0.45), slide=(0.35, 0.5),
    )  # fmt: skip
    w, d, key = p.width, p.depth, p.key
    thick = d * (1 if variant == "smartphone" else 1.7)
    front = thick / 2
    out: Pieces
    if variant == "smartphone":
        out = [(slate(draw, w, 1.0, d), 0)]
        tall = 1 - 2 * p.chin if draw.chance(0.6) else 1 - 2 * p.margin * w
        screen = plate(w * (1 - p.margin), tall, 0.006, 0.05 if draw.chance(0.5) else 0)
        out.append((screen.moved(0, 0, front), 1))
        if tall < 0.88:
            y = tall / 2 + (1 - tall) / 4
            home = puck(0.22 * (1 - tall), 0.012, 14) if draw.chance(0.6) else plate(0.2 * w, 0.16 * (1 - tall), 0.012)
            out.append((home.moved(0, -y, front), 2))
            out.append((plate(0.2 * w, 0.012, 0.008).moved(0, y, front), 0))
        ys = draw(side_key=(0.05, 0.2)).side_key + np.array([0, 0.13])
        out.append(
            (
                copies(
                    box(0.02, 0.09, 0.35 * d), [(s * w / 2, y, 0) for s, y in ((-1, ys[0]), (-1, ys[1]), (1, ys[0]))]
                ),
                2,
            )
        )
        n = draw.integer("lenses", 1, 4)
        spots = np.array([(0, 0, 0), (0, -2.6, 0), (2.6, -1.3, 0), (2.6, 0.6, 0)])[:n] * p.lens
        at = np.array([-w / 2 + 2.2 * p.lens, 0.5 - 2.2 * p.lens, 0])
        if n > 1:
            bump = plate((5.2 if n > 2 else 2.8) * p.lens, 5.2 * p.lens, 0.015, p.lens)
            out.append((bump.turned("y", 180).moved(*(at + [1.3 * p.lens * (n > 2), -1.3 * p.lens, -front])), 3))
        out.append((copies(puck(p.lens, 0.02, 12).turned("y", 180), spots + at - [0, 0, front + 0.01 * (n > 1)]), 3))
    elif variant == "button phone":
        h = 0.95
        out = [(slate(draw, w * 0.92, h, thick), 0)]
        s = p.share * h
        out.append(
            (plate(0.74 * w, 0.86 * s, 0.012, 0.03 if draw.chance(0.5) else 0).moved(0, h / 2 - 0.06 - s / 2, front), 1)
        )
        out.append((plate(0.2 * w, 0.012, 0.01).moved(0, h / 2 - 0.035, front), 2))
        out.append((number_pad(draw, 0.78 * w, 0.9 * (h - s - 0.1), key + 0.006).moved(0, -s / 2 - 0.03, front), 2))
        if draw.chance(0.4):
            out.append((rod((0.3 * w, h / 2 - 0.02, 0), (0.3 * w, h / 2 + 0.6 * p.antenna, 0), 0.05, 8), 4))
        if draw.chance(0.4):
            out.append((puck(p.lens, 0.02, 12).turned("y", 180).moved(0, 0.35 * h, -front), 3))
    elif variant == "flip phone":
        h, t = 0.58, 0.7 * thick
        style = draw.integer("slate", 0, 2)
        half = casing(draw, w, h, t, style)
        lower: Pieces = [
            (half.moved(0, -h / 2 - 0.01), 0),
            (number_pad(draw, 0.84 * w, 0.86 * h, key).moved(0, -h / 2 - 0.03, t / 2), 2),
        ]
        upper: Pieces = [
            (half.moved(0, h / 2 + 0.01), 0),
            (plate(0.78 * w, (0.35 + p.share) * h, 0.01).moved(0, 0.52 * h, t / 2), 1),
        ]
        upper.append((plate(0.22 * w, 0.015, 0.01).moved(0, 0.94 * h, t / 2), 0))
        upper.append((plate(0.5 * w, 0.3 * h, 0.012).turned("y", 180).moved(0, 0.45 * h, -t / 2), 1))
        upper.append((puck(p.lens, 0.02, 12).turned("y", 180).moved(0, 0.78 * h, -t / 2), 3))
        hinge = rod((-0.36 * w, 0, 0.1 * t), (0.36 * w, 0, 0.1 * t), 0.6 * t, 10)
        closed = draw.chance(0.12)
        fold = 172 if closed else p.open
        if closed:
            upper = placed(upper, z=0.5 * t)
            lower = placed(lower, z=-0.5 * t)
        if draw.chance(0.35):
            lower.append((rod((0.4 * w, -0.05, -0.3 * t), (0.4 * w, 0.3 * p.antenna, -0.5 * t), 0.035, 8), 4))
        tilt = draw.rng.uniform(0, 1)
        out = [
            *placed(lower, pitch=-tilt * fold * (not closed)),
            (hinge, 0),
            *placed(upper, pitch=(1 - tilt) * fold if not closed else fold),
        ]
    elif variant == "slider":
        h, t = 0.72, 0.6 * thick
        move = p.slide * h
        back, face = slate(draw, w, h, t), slate(draw, w, h, t)
        out = [(back.moved(0, -move / 2), 0), (face.moved(0, move / 2, t), 0)]
        out.append((plate(0.84 * w, (0.4 + 0.7 * p.share) * h, 0.01).moved(0, move / 2 + 0.06 * h, 1.5 * t), 1))
        out.append((puck(0.08 * h, 0.02, 14).moved(0, move / 2 - 0.39 * h, 1.5 * t), 2))
        out.append((both(plate(0.25 * w, 0.06 * h, 0.015).moved(0.3 * w, move / 2 - 0.39 * h, 1.5 * t)), 2))
        low = -move / 2 - h / 2
        out.append((keypad(4, 3, 0.86 * w, 0.9 * move, key + 0.006).moved(0, low + 0.5 * move, t / 2), 2))
        out.append((puck(p.lens, 0.02, 12).turned("y", 180).moved(0, move / 2 + 0.3 * h, 0.5 * t), 3))
    else:
        h, t = 0.9, (0.5 + 0.5 * p.share) * w + d
        w = 0.8 * w
        body = taper(casing(draw, w, h, t, draw.integer("casing", 0, 2)), 1, 0.85)
        out = [(body, 0)]
        out.append(
            (keypad(draw.integer("rows", 4, 6), 3, 0.8 * w, 0.5 * h, key + 0.01).moved(0, -0.14 * h, t / 2 - 0.02), 2)
        )
        out.append((plate(0.7 * w, 2.2 * p.lens * h, 0.03).moved(0, 0.2 * h, t / 2 - 0.03), 1))
        out.append(
            (combine([plate(0.5 * w, 0.02, 0.03).moved(0, (0.32 + 0.04 * k) * h, t / 2 - 0.045) for k in range(3)]), 0)
        )
        long = p.antenna + 0.25
        out.append(
            (
                lathe([(0, 0), (0.06, 0), (0.05, long), (0.035, long + 0.03), (0, long + 0.03)], 10).moved(
                    0.3 * w, h / 2 - 0.02, -0.2 * t
                ),
                4,
            )
        )
    pose = draw.rng.random()
    if pose < 0.2:
        return placed(out, pitch=-90)
    return placed(out, pitch=-draw.rng.uniform(5, 25)) if pose < 0.35 else out


def handset(draw: Draw, length: float, thick: float, boxy: bool) -> Mesh:
    """Receiver along x over y = 0, its ear and mouth pieces pointing down, its grip bent up."""
    x, drop = length / 2, draw.rng.uniform(1.2, 2.0) * thick
    if boxy:
        grip = box(length, thick * 1.1, 1.7 * thick).moved(0, drop)
        ends = both(box(0.26 * length, drop * 1.1, 2.0 * thick).moved(0.37 * length, 0.55 * drop))
        return combine([grip, ends])
    bend = smooth(
        [
            (-x * 0.86, 0.6 * drop, 0),
            (-0.6 * x, drop, 0),
            (0, 1.25 * drop, 0),
            (0.6 * x, drop, 0),
            (x * 0.86, 0.6 * drop, 0),
        ],
        3,
    )
    r = 0.16 * length
    cup = lathe([(0, 0), (0.85 * r, 0), (r, 0.25 * drop), (0.8 * r, 0.7 * drop), (0.4 * r, drop), (0, drop)], 16)
    cup = cup.turned("z", draw.rng.uniform(0, 18)).moved(0.8 * x)
    return combine([tube(bend, 0.6 * thick, 8), both(cup)])


@family(
    "telephone",
    parts=("base", "handset", "dial", "cord", "display"),
    variants=("rotary", "desk phone", "push button", "wall phone", "cordless", "candlestick", "pay phone"),
    synonyms=("phone", "landline phone", "telephone set", "corded phone"),
)
def telephone(variant: str, draw: Draw) -> Pieces:
    """Fixed telephone: a base with a dial or keys, and a handset on its cradle."""
    p = draw(
        width=(0.7, 1.05), depth=(0.7, 1.0), height=(0.25, 0.5), top=(0.35, 0.65), dial=(0.2, 0.28), length=(0.85, 1.1),
        thick=(0.07, 0.11), slope=(8, 30), sag=(0.1, 0.3), antenna=(0.2, 0.6), key=(0.015, 0.04),
    )  # fmt: skip
    w, d, h, t, n = p.width, p.depth, p.height, p.thick, p.length
    key = p.key
    boxy = draw.chance(0.4)
    out: Pieces = []

    def finger_dial(r: float) -> Mesh:
        a = np.radians(np.linspace(-40, 250, 10))
        holes = copies(
            bezel(0.17 * r, 0.035 * r, 10), np.c_[0.7 * r * np.cos(a), 0.7 * r * np.sin(a), np.full(10, 0.13 * r)]
        )
        rim = lathe([(0, 0), (1.1, 0), (1.1, 0.08), (1, 0.13), (0, 0.13)], 22).scaled(r)
        return combine(
            [
                along(rim),
                holes,
                puck(0.38 * r, 0.18 * r, 16),
                box(0.1 * r, 0.3 * r, 0.1 * r).turned("z", 50).moved(0.75 * r, -0.85 * r, 0.12 * r),
            ]
        )

    def cord(start, end) -> Mesh:
        return coil(start, end, p.sag, 0.035, draw.integer("turns", 9, 14), 0.012)

    if variant in ("rotary", "push button"):
        body = taper(
            cushion(w, h, d, draw.rng.uniform(0.15, 0.5), 22) if draw.chance(0.6) else box(w, h, d),
            p.top + 0.1,
            p.top,
            -0.12 * d,
        )
        out = [(body.moved(0, h / 2), 0)]
        slope = np.degrees(np.arctan2(h, d / 2 * (1 - p.top) + 0.12 * d)) - 90
        z = d / 2 - 0.5 * (d / 2 * (1 - p.top) + 0.12 * d)
        face = (
            finger_dial(p.dial)
            if variant == "rotary"
            else combine(
                [plate(1.5 * p.dial, 1.8 * p.dial, 0.02, 0.03), keypad(4, 3, 1.4 * p.dial, 1.7 * p.dial, 0.02 + key)]
            )
        )
        out.append((face.turned("x", slope).moved(0, 0.52 * h, z - 0.01), 2))
        y, back = h - 0.02, -0.12 * d
        posts = [box(0.06, 0.18, 0.2 * d).moved(sx * 0.24 * n, y + 0.05, back) for sx in (-1, 1)]
        out.append((combine([*posts, box(0.5 * w, 0.08, 0.2 * d).moved(0, y, back)]), 0))
        out.append((handset(draw, n, t, boxy).moved(0, y + 0.02 + 0.5 * t, back), 1))
        if draw.chance(0.6):
            out.append((cord((-0.42 * n, y + 0.02, back), (-w / 2, 0.12, -0.3 * d)), 3))
        return out + [(m.moved(0, -0.03), part) for m, part in feet(draw, 0.85 * w, 0.85 * d, 0.05, 0.08, 0)]
    if variant == "desk phone":
        w, h = 1.1 * w, 0.6 * h
        wedge = np.array(
            [(-d / 2, 0), (d / 2, 0), (d / 2, 0.25 * h), (-d / 2, 0.25 * h + d * np.tan(np.radians(p.slope)))]
        )
        body = extrude(wedge, w).turned("y", -90)
        out = [(body, 0)]
        s = draw.rng.choice([-1, 1])
        items: Pieces = []
        hand = handset(draw, min(n, d * 0.98), t, boxy).turned("y", 90)
        items.append((hand.moved(s * 0.36 * w, 0.03), 1))
        x = -s * 0.14 * w
        items.append(
            (keypad(4, 3, 0.32 * w, 0.4 * d, key + 0.01, draw.chance(0.3)).turned("x", -90).moved(x, 0, 0.2 * d), 2)
        )
        if draw.chance(0.8):
            screen = plate(0.5 * w, 0.24 * d, 0.03)
            items.append((screen.turned("x", -90 + draw.rng.choice([0, 25])).moved(x, 0.01, -0.3 * d), 4))
        else:
            items.append((keypad(2, 5, 0.5 * w, 0.2 * d, key).turned("x", -90).moved(x, 0, -0.3 * d), 2))
        if draw.chance(0.6):
            items.append((keypad(6, 1, 0.1 * w, 0.75 * d, key).turned("x", -90).moved(-s * 0.42 * w), 2))
        middle = 0.25 * h + 0.5 * d * np.tan(np.radians(p.slope))
        out += placed(items, 0, middle, 0, 0, p.slope)
        if draw.chance(0.5):
            out.append((cord((s * 0.36 * w, 0.3 * h, d / 2), (s * w / 2, 0.1, -0.1 * d)).moved(s * 0.04), 3))
        return out
    if variant == "wall phone":
        across = draw.chance(0.3)
        w, h = (0.85 if across else 0.5) * w, 0.9 + 0.5 * (p.height - 0.25)
        deep = 0.25 * p.depth
        out = [(casing(draw, w, h, deep).moved(z=0), 0)]
        hand = handset(draw, 0.9 * n, t, boxy)
        hand = hand.turned("x", 90) if across else hand.turned("x", 90).turned("z", 90)
        x = 0 if across or draw.chance(0.4) else -0.55 * w
        out.append((hand.moved(x, 0.4 * h if across else 0.02, deep / 2 + 0.02), 1))
        face = finger_dial(0.8 * p.dial) if draw.chance(0.4) else keypad(4, 3, 0.55 * w, 0.36 * h, key)
        out.append((face.moved(0.2 * w if x else 0, -0.15 * h, deep / 2), 2))
        end = (x - 0.1, -h / 2 - 0.05, 0.05)
        out.append(
            (
                coil(
                    (x, -0.45 * n if not across else 0.3 * h, deep / 2 + 0.1), end, 0.6 * p.sag + 0.2, 0.035, 12, 0.012
                ),
                3,
            )
        )
        return out
    if variant == "cordless":
        w, h = 0.4 * w, 0.8 * n
        base = taper(casing(draw, 1.5 * w, 0.22 * h, 0.6 * d, draw.integer("casing", 0, 2)), 0.9, 0.85).moved(
            0, 0.1 * h
        )
        hand = [(slate(draw, 0.75 * w, h, 1.2 * t), 1)]
        hand.append((keypad(4, 3, 0.6 * w, 0.33 * h, key).moved(0, -0.12 * h, 0.6 * t), 2))
        hand.append((plate(0.56 * w, 0.17 * h, 0.02).moved(0, 0.18 * h, 0.6 * t), 4))
        hand.append((puck(0.14 * w, 0.03, 12).moved(0, 0.06 * h, 0.6 * t), 2))
        if draw.chance(0.5):
            hand.append((cylinder(0.03, p.antenna, 8).moved(0.22 * w, 0.48 * h, -0.2 * t), 1))
        flat = draw.chance(0.25)
        out = [(base, 0), *placed(hand, 0, 0.26 * h if flat else 0.58 * h, 0.05 * d, 0, -90 if flat else -p.slope)]
        if draw.chance(0.5):
            out.append((keypad(3, 2, 0.5 * w, 0.16 * d, key).turned("x", -80).moved(-0.35 * w, 0.2 * h, 0.18 * d), 2))
        if draw.chance(0.3):
            out.append((cylinder(0.025, p.antenna + 0.2, 8).moved(-0.6 * w, 0.2 * h, -0.2 * d), 0))
        return out
    if variant == "candlestick":
        own = draw(foot=(0.24, 0.36), horn=(-18, 12))
        h, r = 0.75 * n, own.foot * w
        profile = smooth(
            [
                (r, 0),
                (0.95 * r, 0.06 * h),
                (0.35 * r, 0.13 * h),
                (0.16 * r, 0.3 * h),
                (0.16 * r, 0.8 * h),
                (0.22 * r, 0.95 * h),
            ],
            3,
        )
        out = [(lathe([(0, 0), *profile, (0, h)], 20), 0)]
        horn = lathe(
            [(0, 0), (0.1, 0), (0.14, 0.3), (0.22, 0.7), (0.4, 1), (0.34, 1), (0.15, 0.7), (0, 0.6)], 16
        ).scaled(0.25 + t)
        out.append((along(horn).turned("x", own.horn).moved(0, h, 0.05), 2))
        if draw.chance(0.5):
            out.append((finger_dial(0.5 * r).turned("x", -55).moved(0, 0.11 * h, 0.62 * r), 2))
        ear = lathe([(0, 0), (0.05, 0), (0.045, 0.25), (0.06, 0.3), (0.1, 0.42), (0.1, 0.46), (0, 0.46)], 14)
        s = draw.rng.choice([-1, 1])
        out.append((ear.scaled(1.1).turned("z", 180).moved(s * 0.22, 0.93 * h), 1))
        out.append((rod((0, 0.75 * h, 0), (s * 0.2, 0.72 * h, 0), 0.02, 6), 0))
        path = [
            (s * 0.22, 0.92 * h, 0),
            (s * 0.36, 0.8 * h, -0.05),
            (s * (0.3 + p.sag), 0.3 * h, -0.1),
            (s * 0.3, 0.03, -0.2),
            (0.1 * s, 0.04, -0.9 * r),
        ]
        return [*out, (cable(path, 0.014), 3)]
    w, h, deep = 0.75 * w, 1.1 + 0.6 * (p.height - 0.25), 0.35 * p.depth
    out = [(casing(draw, w, h, deep, draw.integer("casing", 0, 1)), 0)]
    hand = handset(draw, 0.6 * n, 0.8 * t, boxy).turned("x", 90).turned("z", 90)
    out.append((hand.moved(-0.28 * w, 0.12 * h, deep / 2 + 0.02), 1))
    out.append((keypad(4, 3, 0.36 * w, 0.26 * h, key + 0.01).moved(0.2 * w, 0.08 * h, deep / 2), 2))
    out.append((plate(0.4 * w, 0.12 * h, 0.02).moved(0.2 * w, 0.34 * h, deep / 2), 4))
    out.append((plate(0.86 * w, 0.25 * h, 0.03).moved(0, -0.33 * h, deep / 2), 0))
    out.append((copies(box(0.1 * w, 0.02, 0.03), [(0.1 * w, 0.45 * h, deep / 2), (0.25 * w, 0.45 * h, deep / 2)]), 0))
    path = [
        (-0.28 * w, -0.14 * h, deep / 2 + 0.08),
        (-0.4 * w, -0.14 * h - p.sag, deep / 2 + 0.15),
        (-0.1 * w, -0.2 * h - p.sag, deep / 2 + 0.1),
        (0, -0.2 * h, deep / 2),
    ]
    out.append((cable(path, 0.022, 4, 6), 3))
    if draw.chance(0.4):
        out.append(
            (
                combine(
                    [
                        both(slab((0.6 * w, 0.63 * w), (-0.6 * h, 0.7 * h), (-deep / 2, deep))),
                        slab((-0.63 * w, 0.63 * w), (0.7 * h, 0.74 * h), (-deep / 2, deep * 1.2)),
                    ]
                ),
                0,
            )
        )
    return out
