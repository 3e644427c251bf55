"""Birdhouses and mailboxes."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, turned
from datasets.demo.families.forms import both, copies, hollow, ring, side, smooth
from datasets.demo.families.solids import bars, holed, vault
from datasets.demo.mesh import box, combine, cylinder, extrude, lathe, slab, torus, tube


def _mount(draw: Draw, out: Pieces, width: float, top: float, depth: float, part: int) -> Pieces:
    """What carries a birdhouse: nothing, a post, a rope, or a board at its back."""
    kind = draw.integer("mount", 0, 4)
    k = draw(post=(0.8, 2.2), thick=(0.05, 0.12))
    if kind <= 1:
        post = (
            cylinder(0.5 * k.thick, k.post, 10)
            if draw.chance(0.4)
            else box(k.thick, k.post, k.thick).moved(y=k.post / 2)
        )
        out = moved(out, y=k.post)
        out.append((post, part))
        if draw.chance(0.4):
            brace = [((s * 0.4 * width, k.post, 0), (0, k.post - 0.4 * width - 0.1, 0)) for s in (-1, 1)]
            out.append((bars(brace, 0.35 * k.thick, 4), part))
        if draw.chance(0.4):
            out.append((box(5 * k.thick, 0.05, 5 * k.thick), part))
    elif kind == 2:
        out.append((torus(0.06, 0.015, 12, 6).turned("x", 90).moved(y=top + 0.3 * k.post), part))
        out.append((bars([(0, top - 0.05, 0), (0, top + 0.3 * k.post, 0)], 0.012), part))
    elif kind == 3:
        out.append(
            (slab((-0.2 * width, 0.2 * width), (-0.25, top + 0.15), (-depth / 2 - k.thick / 2, -depth / 2)), part)
        )
    return out


@family(
    "birdhouse",
    parts=("wall", "roof", "perch", "floor", "post"),
    variants=("gable", "lean-to", "a-frame", "round", "tall", "feeder"),
    synonyms=("bird house", "nesting box", "nest box", "bird feeder", "birdfeeder"),
)
def birdhouse(variant: str, draw: Draw) -> Pieces:
    """Small house with a round hole in its front, on a post, hung, or by itself."""
    p = draw(
        width=(0.4, 0.7), height=(0.4, 0.8), depth=(0.4, 0.7), wall=(0.02, 0.05), pitch=(0.35, 1.1), hole=(0.14, 0.24),
        place=(0.55, 0.75), eave=(0.04, 0.16), perch=(0.1, 0.25), floor=(1.0, 1.3), lean=(0.08, 0.3),
        overhang=(0.02, 0.2),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.wall
    if variant == "tall":
        h *= 1.5
    r, x, z = p.hole * w, w / 2, d / 2
    out: Pieces = []

    def roof(rise: float, eave: float, half: float, out: float) -> Pieces:
        """Two boards that meet above the middle and reach `out` beyond the walls."""
        line = np.array([(0, rise), (half + out, -out * rise / half)])
        board = extrude([line[0] + [0, t], line[0], line[1], line[1] + [0, t]], d + 2 * p.overhang)
        return [(both(board).moved(y=eave), 1)]

    if variant in ("gable", "tall"):
        rise = p.pitch * x
        front = [(-x, 0), (x, 0), (x, h), (0, h + rise), (-x, h)]
        out.append((holed(front, (0, p.place * h), r, t).moved(z=z - t), 0))
        if draw.chance(0.3) and variant == "tall":
            out[0] = (extrude(front, t).moved(z=z - t / 2), 0)
            out += [
                (both(torus(0.7 * r, 0.3 * t + 0.01, 14, 5).turned("x", 90).moved(0.24 * w, y, z)), 2)
                for y in (0.25 * h, 0.6 * h, 0.9 * h)
            ]
        out += [(extrude(front, t).moved(z=-z + t / 2), 0), (both(slab((x - t, x), (0, h), (-z, z))), 0)]
        out += roof(rise, h, x, p.eave)
        top = h + rise
    elif variant == "lean-to":
        back = h * (1 + p.lean)
        out.append((holed([(-x, 0), (x, 0), (x, h), (-x, h)], (0, p.place * h), r, t).moved(z=z - t), 0))
        wall = side([(-z, 0), (z, 0), (z, h), (-z, back)], t)
        out += [(both(wall.moved(x - t / 2)), 0), (slab((-x, x), (0, back), (-z, -z + t)), 0)]
        slope = (back - h) / d
        lid = [
            (-z - 0.3 * p.overhang, back + 0.3 * p.overhang * slope),
            (z + p.overhang + 0.04, h - (p.overhang + 0.04) * slope),
        ]
        out.append((side([*lid, *[(a, b + t) for a, b in lid[::-1]]], w + 2 * p.eave), 1))
        top = back
    elif variant == "a-frame":
        top = 1.2 * h + 0.3 * p.pitch
        out.append(
            (holed([(-0.92 * x, 0), (0.92 * x, 0), (0, top)], (0, 0.36 * top), min(r, 0.2 * w), t).moved(z=z - t), 0)
        )
        out.append((extrude([(-0.92 * x, 0), (0.92 * x, 0), (0, top)], t).moved(z=-z + t), 0))
        out += roof(top, 0, x, 0.25 * p.eave)
    elif variant == "round":
        n = 20 if draw.chance(0.6) else draw.integer("sides", 5, 8)
        belly = 1 + 0.5 * p.lean * draw.integer("belly", 0, 2)
        body = smooth([(0.8 * x, 0), (belly * x, 0.5 * h), (0.9 * x, h)], 3)
        out.append((hollow(body, t, n), 0))
        edge = np.interp(p.place * h, body[:, 1], body[:, 0]) * (1 if n == 20 else np.cos(np.pi / n))
        front = combine(
            [
                torus(r, 0.35 * t + 0.01, 16, 6).turned("x", 90),
                cylinder(0.9 * r, t, 14).turned("x", 90).moved(z=-0.7 * t),
            ]
        )
        out.append(
            (
                front.turned("y", 0 if n == 20 else 180 / n).moved(
                    *ring(1, edge, p.place * h, 0 if n == 20 else 180 / n)[0][0]
                ),
                2,
            )
        )
        lid = [
            (0, 0),
            (0.9 * x + p.eave + 0.05, -0.05),
            (0.9 * x + p.eave + 0.06, 0),
            (0.4 * x, 0.6 * p.pitch * w),
            (0, 0.8 * p.pitch * w),
        ]
        out.append((lathe(lid, n).moved(y=h), 1))
        if n != 20:
            out = turned(out, "y", -180 / n)
        top, z = h + 0.8 * p.pitch * w, edge
    else:
        x, z = 1.25 * x, 1.25 * z
        d, tall = 2 * z, 0.8 * h
        lip = 0.06 + 0.3 * t
        posts = [(s * 0.85 * x, tall / 2, e * 0.8 * z) for s in (-1, 1) for e in (-1, 1)]
        out.append((copies(box(1.3 * t + 0.02, tall, 1.3 * t + 0.02), posts), 0))
        out += [
            (both(slab((x - t, x), (0, lip), (-z, z))), 0),
            (copies(box(2 * x, lip, t), [(0, lip / 2, z - t / 2), (0, lip / 2, t / 2 - z)]), 0),
        ]
        out += roof(p.pitch * x, tall, x, p.eave)
        if draw.chance(0.5):
            out.append((cylinder(0.35 * x, 0.7 * tall, 12), 2))
        top = tall + p.pitch * x
    base = p.floor if variant != "round" else 0.9
    out.append((slab((-base * x, base * x), (-t, 0.0), (-z, z * (base if variant != "round" else 0.9))), 3))
    if variant != "feeder" and draw.chance(0.75):
        y = max(p.place * h - 1.9 * r, 0.06) if variant != "a-frame" else 0.1 * top
        out.append((bars([(0, y, z - 0.1), (0, y, z + p.perch)], 0.018, 8), 2))
    if draw.chance(0.3) and variant in ("gable", "tall", "feeder"):
        out.append((box(0.16 * w, 0.3 * h, 0.16 * w).moved(0.25 * w, top - 0.02, -0.1 * d), 1))
    return _mount(draw, out, w, top + t, 2 * z, 4)


@family(
    "mailbox",
    parts=("box", "door", "post", "flag", "slot"),
    variants=("rural", "wall", "pillar", "parcel", "street", "bank"),
    synonyms=("letter box", "post box", "mail box", "letterbox", "postbox", "pillar box"),
)
def mailbox(variant: str, draw: Draw) -> Pieces:
    """Box for letters: on a post, on a wall, or standing by itself."""
    p = draw(
        width=(0.26, 0.45), height=(0.3, 0.55), depth=(0.5, 0.85), post=(0.8, 1.6), thick=(0.07, 0.16),
        flag=(0.12, 0.25), slot=(0.5, 0.8), arch=(0.35, 1.0), slope=(0.1, 0.4), open=(5, 95), lid=(1.02, 1.14),
    )  # fmt: skip
    w, h, d = p.width, p.height, p.depth
    out: Pieces = []
    if variant == "rural":
        rise = min(p.arch * w / 2, 0.8 * h)
        count = draw.integer("boxes", 1, 3) if draw.chance(0.2) else 1
        body: Pieces = [(vault(w, h, d, rise, 12), 0)]
        lid = vault(1.04 * w, 1.02 * h, 0.04, rise, 12)
        door = lid.turned("x", p.open) if draw.chance(0.25) else lid
        body.append((door.moved(z=d / 2 + 0.01), 1))
        body.append((box(0.06, 0.07, 0.05).moved(0, 0.85 * h, d / 2 + 0.05), 1))
        up = draw.chance(0.6)
        flag = combine(
            [
                box(0.014, p.flag, 0.025).moved(y=p.flag / 2),
                box(0.014, 0.4 * p.flag, 0.5 * p.flag).moved(0, 0.85 * p.flag, 0.2 * p.flag),
            ]
        )
        body.append((flag.turned("x", 0 if up else 85).moved(w / 2 + 0.015, 0.55 * h, 0.1 * d), 3))
        if draw.chance(0.3):
            body.append((side([(-d / 2, h), (d / 2, h), (d / 2 + 0.02, h + 0.02), (-d / 2, h + 0.02)], 0.3 * w), 4))
        for k in range(count):
            out += moved(body, (k - (count - 1) / 2) * 1.2 * w, p.post)
        t = p.thick
        kind = draw.integer("post", 0, 4)
        if kind == 0:
            out.append((cylinder(0.35 * t, p.post, 10), 2))
        elif kind == 1:  # a timber post with an arm and a brace
            out.append((box(t, p.post + 0.6 * h, t).moved(0, (p.post + 0.6 * h) / 2, -d / 2 - t / 2), 2))
            out.append((slab((-t / 2, t / 2), (p.post - t, p.post), (-d / 2 - 0.2, 0.45 * d)), 2))
            out.append((bars([(0, p.post - 0.4 * d, -d / 2 - t / 2), (0, p.post - t / 2, 0.15 * d)], 0.4 * t, 4), 2))
        elif kind == 2:  # a brick pillar
            out.append((box(1.3 * w, p.post, 0.8 * d).moved(y=p.post / 2), 2))
            out.append((box(1.5 * w, 0.08, 0.9 * d).moved(y=p.post - 0.04), 2))
        elif kind == 3:
            out.append(
                (
                    tube(
                        smooth([(0, 0, 0), (0, 0.6 * p.post, 0), (0, 0.85 * p.post, -0.2 * d), (0, p.post, 0)], 3),
                        0.35 * t,
                        8,
                    ),
                    2,
                )
            )
        else:
            out.append((box(t, p.post, t).moved(y=p.post / 2), 2))
        out.append((box(count * 1.1 * w, 0.03, 0.9 * d).moved(y=p.post - 0.01), 2))
        if draw.chance(0.25):
            out.append((cylinder(2.5 * t, 0.06, 14) if draw.chance(0.5) else box(4 * t, 0.06, 4 * t), 2))
    elif variant == "wall":
        h, d = 1.25 * h if draw.chance(0.6) else 0.8 * h, 0.35 * d
        back = h * (1 + 0.6 * p.slope)
        outline = [(-d / 2, 0), (d / 2, 0.0), (d / 2, h), (-d / 2, back)]
        if draw.chance(0.3):  # a round roof
            a = np.linspace(0, np.pi / 2, 5)
            outline = [(-d / 2, 0), (d / 2, 0), *[(-d / 2 + d * np.cos(q), h + (back - h) * np.sin(q)) for q in a]]
        out.append((side(outline, w), 0))
        tilt = np.degrees(np.arctan2(back - h, d))
        lid = box(p.lid * w, 0.025, 1.12 * np.hypot(d, back - h)).moved(z=0.03).turned("x", tilt)
        out.append((lid.moved(0, (h + back) / 2 + 0.015, 0), 1))
        face = draw.integer("face", 0, 2)
        if face != 1:
            out.append(
                (slab((-0.5 * p.slot * w, 0.5 * p.slot * w), (0.78 * h, 0.86 * h), (d / 2 - 0.01, d / 2 + 0.02)), 4)
            )
        if face != 2:
            out.append((slab((-0.42 * w, 0.42 * w), (0.1 * h, 0.65 * h), (d / 2 - 0.01, d / 2 + 0.015)), 1))
            out.append((cylinder(0.02, 0.03, 8).turned("x", 90).moved(0.3 * w, 0.4 * h, d / 2), 4))
        if draw.chance(0.5):  # hooks or a roll for the newspaper
            if draw.chance(0.5):
                hook = [(0, 0.02, 0.3 * d), (0, -0.16, 0.25 * d), (0, -0.2, 0.5 * d), (0, -0.1, 0.75 * d)]
                out.append((both(tube(smooth(hook, 2), 0.012, 5).moved(0.3 * w)), 2))
            else:
                pipe = hollow([(0.12, 0), (0.12, 0.9 * w)], 0.01, 14).turned("z", 90).moved(0.45 * w, -0.12)
                out.append((pipe, 2))
        if draw.chance(0.35):
            out.append((both(slab((0.35 * w, 0.42 * w), (-p.post, h), (-d / 2 - 0.05, -d / 2))), 2))
        elif draw.chance(0.2):
            out.append((slab((-1.6 * w, 1.6 * w), (-0.6, back + 0.5), (-d / 2 - 0.1, -d / 2)), 2))
    elif variant == "pillar":
        r, tall = 0.55 * w + 0.05, p.post + 0.4
        n = 20 if draw.chance(0.75) else 6
        dome = 0.05 + 0.5 * p.slope * r * 2
        out.append((lathe([(0, 0), (1.15 * r, 0), (1.15 * r, 0.14), (r, 0.16), (r, tall), (0, tall)], n), 0))
        cap = [
            (0, -0.02),
            (p.lid * 1.08 * r, -0.02),
            (p.lid * 1.08 * r, 0.06),
            (0.95 * r, 0.1),
            (0.6 * r, 0.1 + 0.7 * dome),
            (0, 0.1 + dome),
        ]
        out.append((lathe(cap, n).moved(y=tall), 1))
        depth = r * np.cos(np.pi / n)
        turn = 0 if n == 20 else 30
        front = combine(
            [
                box(1.1 * p.slot * r, 0.07, 0.1).moved(0, 0.84 * tall, depth),
                box(1.2 * p.slot * r, 0.03, 0.14).moved(0, 0.84 * tall + 0.05, depth),
            ]
        )
        out.append((front.turned("y", turn), 4))
        plate = box(1.0 * r, 0.45 * tall, 0.06).moved(0, 0.45 * tall, depth - 0.02 * (n != 20) - 0.04 * (n == 20))
        out.append((plate.turned("y", turn), 1))
        if draw.chance(0.3):
            ribs = [torus(1.02 * r, 0.02, 20, 5).moved(y=f * tall) for f in (0.3, 0.93)]
            out.append((combine(ribs), 0))
        if n == 6:
            out = turned(out, "y", -30)
        if draw.chance(0.2):
            out += moved(out, x=2.8 * r)
        out.append((box(2.6 * r, 0.03, 2.6 * r) if draw.chance(0.4) else cylinder(1.25 * r, 0.05, n), 2))
    elif variant == "parcel":
        w, h, d = 1.3 * w + 0.1, 1.7 * h + 0.2, 0.7 * d
        stand = 0.3 * p.post * draw.integer("stand", 0, 2)
        out.append((slab((-w / 2, w / 2), (0, h), (-d / 2, d / 2)), 0))
        if draw.chance(0.5):
            out.append(
                (
                    side(
                        [
                            (-d / 2 - 0.02, h),
                            (d / 2 + 0.06, h),
                            (d / 2 + 0.06, h + 0.03),
                            (-d / 2 - 0.02, h + 0.05 + p.slope * d),
                        ],
                        p.lid * w,
                    ),
                    0,
                )
            )
        cut = 0.35 + 0.3 * p.slope
        out.append((slab((-0.46 * w, 0.46 * w), (0.03 * h, (1 - cut) * h), (d / 2, d / 2 + 0.025)), 1))
        hatch = slab((-0.46 * w, 0.46 * w), (0, (cut - 0.05) * h), (0, 0.025)).turned(
            "x", p.open * 0.5 if draw.chance(0.3) else 0
        )
        out.append((hatch.moved(0, (1 - cut + 0.02) * h, d / 2), 1))
        out.append((box(0.4 * p.slot * w, 0.03, 0.04).moved(0, 0.9 * h, d / 2 + 0.04), 4))
        out.append((cylinder(0.025, 0.03, 8).turned("x", 90).moved(0.36 * w, (0.5 - 0.5 * cut) * h, d / 2 + 0.02), 4))
        if draw.chance(0.35):
            out.append(
                (
                    both(
                        tube(
                            [
                                (0.5 * w, 0.55 * h, 0.1 * d),
                                (0.5 * w + 0.03, 0.55 * h + p.flag, 0.1 * d),
                                (0.5 * w + 0.03, 0.55 * h + p.flag, 0.3 * d),
                            ],
                            0.015,
                            5,
                        )
                    ),
                    3,
                )
            )
        if stand > 0:
            leg = p.thick * 0.7
            if draw.chance(0.5):
                out += [
                    (box(leg, stand, leg).moved(sx * 0.4 * w, -stand / 2, sz * 0.38 * d), 2)
                    for sx in (-1, 1)
                    for sz in (-1, 1)
                ]
            else:
                out += [
                    (box(0.3 * w, stand, 0.4 * d).moved(y=-stand / 2), 2),
                    (box(0.8 * w, 0.03, d).moved(y=-stand), 2),
                ]
    elif variant == "street":
        w, tall, d = 1.5 * w + 0.1, 0.8 * p.post + 0.3, 0.8 * d
        rise = 0.5 * d * (0.6 + 0.4 * p.arch)
        body = vault(d, tall, w, rise, 12).turned("y", 90)
        leg = 0.12 + 0.15 * p.slope
        out.append((body.moved(y=leg), 0))
        out.append(
            (
                copies(
                    box(p.thick * 0.6, leg + 0.02, p.thick * 0.6),
                    [(sx * 0.43 * w, leg / 2, sz * 0.42 * d) for sx in (-1, 1) for sz in (-1, 1)],
                ),
                2,
            )
        )
        y = leg + tall - rise
        hatch = (
            box(0.8 * w, 0.5 * rise, 0.03)
            .moved(0, 0.2 * rise, 0.0)
            .turned("x", -25 - (0.4 * p.open if draw.chance(0.3) else 0))
        )
        out.append((hatch.moved(0, y + 0.1 * rise, 0.5 * d), 1))
        out.append((box(0.5 * p.slot * w, 0.03, 0.06).moved(0, y + 0.5 * rise, 0.5 * d + 0.02), 4))
        out.append(
            (slab((-0.4 * w, 0.4 * w), (leg + 0.08, leg + 0.5 * (tall - rise)), (d / 2 - 0.02, d / 2 + 0.02)), 1)
        )
        out += [(both(slab((w / 2 - 0.01, w / 2 + 0.012), (leg + 0.1, y - 0.05), (-0.35 * d, 0.35 * d))), 0)]
    else:
        rows, columns = draw.integer("rows", 2, 5), draw.integer("columns", 1, 5)
        cw, ch, d = 0.9 * w, 0.5 * h, 0.5 * d
        x, tall = columns * cw / 2, rows * ch
        out.append((slab((-x - 0.04, x + 0.04), (0, tall + 0.06), (-d / 2, d / 2)), 0))
        cells = [(-x + (i + 0.5) * cw, 0.03 + (j + 0.5) * ch) for i in range(columns) for j in range(rows)]
        out.append((copies(box(0.9 * cw, 0.86 * ch, 0.03), [(a, b, d / 2 + 0.01) for a, b in cells]), 1))
        out.append(
            (copies(box(p.slot * cw, 0.12 * ch, 0.03), [(a, b + 0.22 * ch, d / 2 + 0.025) for a, b in cells]), 4)
        )
        if draw.chance(0.5):
            out.append(
                (
                    slab(
                        (-p.lid * x - 0.05, p.lid * x + 0.05), (tall + 0.06, tall + 0.1), (-d / 2 - 0.03, d / 2 + 0.08)
                    ),
                    0,
                )
            )
        if draw.chance(0.7):
            leg = 0.5 * p.post
            posts = combine(
                [
                    both(box(p.thick, leg, p.thick).moved(0.8 * x, -leg / 2)),
                    both(box(2.5 * p.thick, 0.03, 2.5 * p.thick).moved(0.8 * x, -leg)),
                ]
            )
            if columns <= 2 and draw.chance(0.6):
                posts = combine(
                    [
                        box(1.6 * p.thick, leg, 1.6 * p.thick).moved(y=-leg / 2),
                        box(4 * p.thick, 0.03, 4 * p.thick).moved(y=-leg),
                    ]
                )
            out.append((posts, 2))
    return out
