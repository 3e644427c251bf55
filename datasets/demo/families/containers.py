"""Boxes and bags."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, family, moved, ornament, placed, squared
from datasets.demo.families.forms import both, hollow, leaf, side, smooth, taper
from datasets.demo.families.frames import box_frame, corners, ends, rails
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, extrude, lathe, slab, torus, tube

DEMO_BOXES = ("closed", "open", "flaps", "chest", "crate")
DEMO_BAGS = ("handbag", "backpack", "shopping", "sack")


@family(
    "box", ("body", "lid", "content"), DEMO_BOXES,
    more=("taped", "round", "stack", "tote", "gift", "shoe", "full", "toolbox"),
    synonyms=("cardboard box", "carton", "crate", "chest", "storage box"),
)  # fmt: skip
def carton(variant: str, draw: Draw) -> Pieces:
    """Box with or without a lid: carton, chest, crate."""
    if variant not in DEMO_BOXES:
        return _more_box(variant, draw)
    p = draw(
        width=(0.25, 1.0), height=(0.15, 0.9), depth=(0.2, 0.8), wall=(0.01, 0.04), lid=(0.1, 0.45), opening=(10, 160),
        flap=(0.3, 0.55), band=(0.02, 0.08),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.wall
    x, z = w / 2, d / 2

    def tub() -> Pieces:
        walls = ends(x - t / 2, (t, h), (-z, z), t, 0) + rails((-x + t, x - t), (t, h), z - t / 2, t, 0)
        return [(slab((-x, x), (0, t), (-z, z)), 0), *walls]

    if variant == "closed":
        lip = h * p.lid * 0.6
        edge = t * 0.6
        pieces: Pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        pieces.append((slab((-x - edge, x + edge), (h - lip, h + t), (-z - edge, z + edge)), 1))
        if draw.chance(0.3):
            b = p.band * w
            pieces.append((slab((-b, b), (-0.003, h + t * 1.3), (-z - edge * 1.6, z + edge * 1.6)), 1))
            pieces.append((slab((-x - edge * 1.6, x + edge * 1.6), (-0.003, h + t * 1.3), (-b, b)), 1))
        return pieces
    if variant == "open":
        lid = slab((-x, x), (-t / 2, t / 2), (0, d)).turned("x", -p.opening)
        pieces = [*tub(), (lid.moved(y=h + t / 2, z=-z), 1)]
        if draw.chance(0.3):  # the lid leans against the side instead
            pieces[-1] = (box(w, t, d).turned("z", 75).moved(x + 0.2 * w, w * 0.48, 0), 1)
        return pieces
    if variant == "flaps":
        pieces = tub()
        long, short = p.flap * d, p.flap * w
        angle = p.opening * 0.9
        flap = slab((-x, x), (0, t * 0.5), (0, long))
        side = slab((0, short), (0, t * 0.5), (-z, z))
        tilt = draw.rng.uniform(-30, 30, 4)
        pieces.append((flap.turned("x", -angle - tilt[0]).moved(0, h, -z), 1))
        pieces.append((flap.turned("x", -angle - tilt[1]).scaled(1, 1, -1).moved(0, h, z), 1))
        pieces.append((side.turned("z", angle + tilt[2]).moved(-x, h, 0), 1))
        pieces.append((side.turned("z", angle + tilt[3]).scaled(-1, 1, 1).moved(x, h, 0), 1))
        return pieces
    if variant == "chest":
        rise = p.lid * d
        u = np.linspace(0, np.pi, 11)
        outline = np.stack([np.cos(u) * z, np.sin(u) * rise], -1)
        lid = extrude(outline, w).turned("y", 90)
        if draw.chance(0.4):
            lid = lid.moved(z=z).turned("x", -p.opening * 0.5).moved(z=-z)
            pieces = tub()
        else:
            pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        pieces.append((lid.moved(y=h), 1))
        pieces.append((box(w * 0.12, h * 0.2, t * 1.5).moved(0, h * 0.92, z + t * 0.7), 1))
        pieces += ends(w * 0.35, (0, h), (-z - t * 0.5, z + t * 0.5), p.band, 0)
        return pieces
    rows = draw.integer("crate boards", 2, 4)
    pitch = h / rows
    size = pitch * (1 - p.flap * 0.5)
    pieces = [(slab((-x, x), (0, t), (-z, z)), 0)]
    for k in range(rows):
        y = (k * pitch, k * pitch + size)
        pieces += box_frame(x, y, z, t, 0)
    post = p.band * 0.8
    corner = slab((-post, 0), (0, h), (-post, 0))
    pieces += [(corner.scaled(sx, 1, sz).moved(sx * x, 0, sz * z), 0) for sx in (-1, 1) for sz in (-1, 1)]
    if draw.chance(0.5):
        pieces.append((slab((-x - t, x + t), (h, h + t), (-z - t, z + t)), 1))
    else:
        count = 3
        for k in range(count):
            zc = -z + (k + 0.5) * d / count
            board = slab((-x - t, x + t), (h, h + t), (zc - d / count * 0.35, zc + d / count * 0.35))
            pieces.append((board, 1))
    return pieces


def _more_box(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.3, 0.9), height=(0.2, 0.7), depth=(0.25, 0.7), wall=(0.012, 0.035), lid=(0.06, 0.2),
        band=(0.03, 0.08), slant=(1.0, 1.25),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.wall
    x, z = w / 2, d / 2

    def tub(high: float) -> Mesh:
        walls = ends(x - t / 2, (t, high), (-z, z), t, 0) + rails((-x + t, x - t), (t, high), z - t / 2, t, 0)
        return combine([slab((-x, x), (0, t), (-z, z)), *[mesh for mesh, _ in walls]])

    if variant == "taped":
        out: Pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        out += [(slab((-x, x), (h, h + t * 0.5), span), 1) for span in ((-z, -0.004), (0.004, z))]
        tape = slab((-x - 0.003, x + 0.003), (h * 0.75, h + t * 0.5 + 0.004), (-p.band / 2, p.band / 2))
        return [*out, (tape, 1)]
    if variant == "round":
        r, high = x, h * 0.9
        out = [(hollow([(r, 0), (r, high)], t, 28), 0)]
        cover = lathe([(0, 0), (1.03 * r, 0), (1.03 * r, p.lid), (0, p.lid)], 28)
        return (
            [*out, (cover.moved(y=high - 0.8 * p.lid), 1)]
            if draw.chance(0.7)
            else [*out, (cover.turned("z", 70).moved(1.25 * r, 1.0 * r, 0), 1)]
        )
    if variant == "stack":
        out, y = [], 0.0
        for k in range(draw.integer("boxes", 2, 4)):
            sx, sy, sz = draw.rng.uniform(0.6, 1.0, 3)
            own = [
                (box(w * sx, h * sy, d * sz).moved(y=h * sy / 2), 0),
                (box(w * sx * 0.5, 0.012, d * sz * 1.005).moved(y=h * sy), 1),
            ]
            out += placed(own, draw.rng.uniform(-0.1, 0.1) * w, y, 0, draw.rng.uniform(-25, 25))
            y += h * sy
            if k == 1 and draw.chance(0.4):
                out += placed(own, w * 1.05, 0, 0.1, 20)
        return out
    if variant == "tote":  # moulded, wider at its rim
        body = taper(tub(h), p.slant, p.slant)
        rim = [(x * p.slant, z * p.slant)]
        out = [(body, 0), *box_frame(rim[0][0], (h - 0.03, h), rim[0][1], 0.04, 0)]
        if draw.chance(0.6):
            out.append((box(2 * rim[0][0] + 0.05, 0.03, 2 * rim[0][1] + 0.05).moved(y=h + 0.015), 1))
        else:
            out.append(
                (
                    both(
                        tube(
                            [
                                (rim[0][0], h - 0.06, -0.1),
                                (rim[0][0] + 0.05, h - 0.06, -0.1),
                                (rim[0][0] + 0.05, h - 0.06, 0.1),
                                (rim[0][0], h - 0.06, 0.1),
                            ],
                            0.012,
                            6,
                        )
                    ),
                    1,
                )
            )
        return out
    if variant == "gift":
        out = [
            (slab((-x, x), (0, h), (-z, z)), 0),
            (slab((-x * 1.04, x * 1.04), (h - p.lid, h + t), (-z * 1.04, z * 1.04)), 1),
        ]
        b = p.band / 2
        out += [
            (slab((-b, b), (0, h + t + 0.006), (-z * 1.05, z * 1.05)), 1),
            (slab((-x * 1.05, x * 1.05), (0, h + t + 0.006), (-b, b)), 1),
        ]
        loops = [
            torus(0.09, 0.02, 12, 6).turned("x", 90).turned("z", s * 60).scaled(1, 0.7, 1).moved(s * 0.09, h + t + 0.06)
            for s in (-1, 1)
        ]
        return [*out, (combine(loops), 1)]
    if variant == "shoe":  # its lid beside it, or half on
        h = 0.55 * h
        cover = combine(
            [
                slab((-x * 1.03, x * 1.03), (0, t), (-z * 1.03, z * 1.03)),
                *[mesh for mesh, _ in box_frame(x * 1.03, (-p.lid, 0), z * 1.03, t, 1)],
            ]
        )
        kind = draw.integer("lid", 0, 2)
        if kind == 0:
            cover = cover.moved(0.25 * w, h + 0.01, 0).turned("y", 8)
        elif kind == 1:
            cover = cover.turned("x", -70).moved(0, x * 0.5 + h * 0.5, -z * 1.25)
        else:
            cover = cover.scaled(1, -1, 1).moved(1.15 * w, t, 0)
        return [(tub(h), 0), (cover, 1)]
    if variant == "full":
        out = [(tub(h), 0)]
        out += [
            (
                slab((0, 0.45 * w), (0, t * 0.5), (-z, z)).turned("z", 120).scaled(s, 1, 1).moved(s * x, h, 0),
                1,
            )
            for s in (-1, 1)
        ]
        for _ in range(draw.integer("things", 4, 8)):
            size = draw.rng.uniform(0.2, 0.45) * min(w, d)
            at = draw.rng.uniform(-0.6, 0.6, 2) * [x, z]
            out += moved(ornament(draw, size, 2), at[0], h * draw.rng.uniform(0.4, 0.75), at[1])
        return out
    # toolbox: a ridge lid with a handle
    out = [
        (slab((-x, x), (0, 0.7 * h), (-z, z)), 0),
        (side([(-z, 0), (z, 0), (0.5 * z, 0.35 * h), (-0.5 * z, 0.35 * h)], w).moved(y=0.7 * h), 1),
    ]
    out.append((arch(0.5 * w, 0.12 + p.lid, 0.014 + 0.2 * t, 12, 6).moved(y=1.03 * h), 1))
    return out + [(box(0.08, 0.1, 0.02).moved(s * 0.3 * w, 0.7 * h, z + 0.01), 1) for s in (-1, 1)]


@family(
    "bag", parts=("body", "handle", "pocket"), variants=DEMO_BAGS,
    more=("tote", "duffel", "messenger", "suitcase", "briefcase", "bucket", "clutch", "paper", "garbage"),
    synonyms=("handbag", "backpack", "purse", "shopping bag", "rucksack", "suitcase"),
)  # fmt: skip
def bag(variant: str, draw: Draw) -> Pieces:
    """Handbag, backpack, paper shopping bag or tied sack."""
    if variant not in DEMO_BAGS:
        return _more_bag(variant, draw)
    d = draw(
        width=(0.55, 1.1), height=(0.5, 1.1), depth=(0.2, 0.5), top=(0.55, 0.95), round=(0.25, 0.5),
        handle=(0.25, 0.6), thick=(0.015, 0.035), pocket=(0.5, 0.8),
    )  # fmt: skip
    w, h, z = d.width, d.height, d.depth
    if variant == "sack":
        r = w / 2
        neck = 0.15 + 0.3 * (d.top - 0.55)
        curve = smooth(
            [(0.7 * r, 0), (r, 0.25 * h), (0.85 * r, 0.6 * h), (neck * r, 0.85 * h), (0.6 * d.top * r, 1.05 * h)]
        )
        body = hollow(curve, 0.02)
        out = [(body.scaled(1, 1, 0.7 + 0.6 * z), 0)]
        out.append(
            (torus(neck * r, 1.6 * d.thick, 18, 8).moved(0, 0.85 * h).scaled(1.08, 1, (0.7 + 0.6 * z) * 1.08), 1)
        )
        if draw.chance(0.5):
            out.append(
                (tube([(0, 0.85 * h, 0.3 * r), (0.1, 0.8 * h, 0.6 * r), (0.05, 0.55 * h, 1.05 * r)], d.thick, 6), 1)
            )
        return out
    if variant == "shopping":
        h *= 1.15
        outside = [
            taper(slab(x, (0, h), y), 1, 1)
            for x, y in (
                ((-w / 2, w / 2), (z / 2 - 0.012, z / 2)),
                ((-w / 2, w / 2), (-z / 2, -z / 2 + 0.012)),
                ((w / 2 - 0.012, w / 2), (-z / 2, z / 2)),
                ((-w / 2, -w / 2 + 0.012), (-z / 2, z / 2)),
            )
        ]
        body = combine([*outside, slab((-w / 2, w / 2), (0, 0.012), (-z / 2, z / 2))])
        out = [(taper(body, 0.8 + 0.4 * d.round, d.top), 0)]
        strap = arch(0.45 * w, 0.7 * d.handle, 0.7 * d.thick, 12, 6)
        out += [(strap.moved(0, h, s * z / 2 * d.top), 1) for s in (-1, 1)]
        if draw.chance(0.4):
            out.append((box(d.pocket * 0.7 * w, 0.35 * h, 0.015).moved(0, 0.5 * h, z / 2 * (1 + d.top) / 2), 2))
        return out
    if variant == "handbag":
        body = taper(cushion(w, h * 0.75, z, d.round), d.top, 0.4 + 0.5 * d.top).moved(0, 0.375 * h)
        out = [(body, 0)]
        spread = 0.55 * w * d.top
        if draw.chance(0.5):
            out += [(arch(spread, d.handle, d.thick, 12, 6).moved(0, 0.7 * h, s * 0.2 * z), 1) for s in (-1, 1)]
        else:
            out.append((arch(w * d.top * 0.9, 1.4 * d.handle, d.thick, 12, 6).moved(0, 0.66 * h), 1))
        flap = cushion(d.pocket * w, 0.4 * h, 0.12 * z + 0.03, 0.3).turned("x", -8).moved(0, 0.42 * h, 0.4 * z)
        out.append((flap, 2))
        return out
    h = 0.6 + 0.6 * h
    w = 0.75 * w
    z = max(z, 0.3)
    out = [(taper(cushion(w, h, z, d.round + 0.1), d.top, d.top).moved(0, h / 2), 0)]
    pocket = cushion(d.pocket * w, 0.42 * h, 0.5 * z, 0.4).moved(0, 0.3 * h, 0.5 * z)
    out.append((pocket, 2))
    if draw.chance(0.5):
        out.append((both(cushion(0.25 * w, 0.35 * h, 0.5 * z, 0.5).moved(0.5 * w, 0.25 * h)), 2))
    strap = smooth(
        [
            (0, 0.92 * h, -0.25 * z),
            (0, 0.85 * h, -0.5 * z - 0.08),
            (0, 0.5 * h, -0.5 * z - 0.4 * d.handle),
            (0, 0.2 * h, -0.5 * z - 0.05),
            (0, 0.12 * h, -0.4 * z),
        ],
        3,
    )
    out.append((both(tube(strap, 1.1 * d.thick, 6).scaled(2, 1, 1).moved(0.25 * w)), 1))
    out.append((arch(0.25 * w, 0.35 * d.handle, d.thick, 12, 6).moved(0, 0.97 * h), 1))
    return out


def _more_bag(variant: str, draw: Draw) -> Pieces:
    d = draw(
        width=(0.6, 1.0), height=(0.5, 0.9), depth=(0.18, 0.4), soft=(0.15, 0.5), handle=(0.2, 0.5),
        thick=(0.014, 0.03), top=(0.6, 1.0),
    )  # fmt: skip
    w, h, z, thin = d.width, d.height, d.depth, d.thick
    out: Pieces = []
    if variant in ("tote", "bucket"):
        n = 4 if variant == "tote" else 24
        shape = hollow(smooth([(0.8, 0), (0.95, 0.3), (0.7 + 0.3 * d.top, 1)], 4), 0.03, 24)
        body = squared(shape, 0.35 if n == 4 else 1.0).scaled(w / 2, h, z / 2 if n == 4 else w / 2.4)
        out = [(body, 0)]
        if n == 4:
            out += [(arch(0.45 * w, 1.3 * d.handle, thin, 12, 6).moved(0, 0.93 * h, s * 0.42 * z), 1) for s in (-1, 1)]
            return (
                [*out, (cushion(0.5 * w, 0.35 * h, 0.05, d.soft).moved(0, 0.4 * h, 0.5 * z), 2)]
                if draw.chance(0.5)
                else out
            )
        out.append((arch(0.75 * w, 1.5 * d.handle, thin, 12, 6).moved(0, 0.9 * h), 1))
        return [*out, (torus(0.8, 0.03, 22, 5).scaled(w / 2, 1, w / 2.4).moved(y=0.88 * h), 2)]
    if variant == "duffel":
        r = 0.25 * w
        body = cushion(2 * r, 2 * r, 1.3 * w, 0.65, 20).turned("y", 90).moved(y=r)
        out = [
            (body, 0),
            *[(arch(0.4 * w, 0.5 * d.handle + 0.1, thin, 12, 6).moved(0, 1.85 * r, s * 0.35 * r), 1) for s in (-1, 1)],
        ]
        out += [(torus(1.02 * r, 0.6 * thin, 20, 5).turned("z", 90).moved(s * 0.3 * w), 1) for s in (-1, 1)]
        out = [(mesh.moved(y=r) if k > 2 else mesh, part) for k, (mesh, part) in enumerate(out)]
        return [*out, (cushion(0.5 * w, 0.7 * r, 0.3 * r, d.soft).moved(0, 0.8 * r, r), 2)]
    if variant == "messenger":
        out = [(cushion(w, 0.7 * h, z, 0.25).moved(0, 0.35 * h), 0)]
        out.append((cushion(0.97 * w, 0.45 * h + 0.1 * d.top, 0.06, 0.2).moved(0, 0.45 * h, 0.5 * z), 2))
        strap = smooth(
            [
                (-0.5 * w, 0.5 * h, 0),
                (-0.45 * w, 0.7 * h + d.handle, -0.05),
                (0.45 * w, 0.7 * h + d.handle, -0.05),
                (0.5 * w, 0.5 * h, 0),
            ],
            5,
        )
        return [*out, (tube(strap, thin, 5).scaled(1, 1, 1.8), 1)]
    if variant in ("suitcase", "briefcase"):
        tall = h * (1.3 if variant == "suitcase" else 0.75)
        deep = z * (1.1 if variant == "suitcase" else 0.6)
        wide = w * (0.8 if variant == "suitcase" else 1.0)
        body = cushion(wide, tall, deep, 0.12 + 0.3 * d.soft, 20) if draw.chance(0.7) else box(wide, tall, deep)
        out = [(body.moved(y=tall / 2 + 0.04), 0)]
        if variant == "suitcase":
            top = tall + 0.04
            lift = d.handle * draw.integer("drawn out", 0, 1) + 0.06
            out.append(
                (
                    tube(
                        [
                            (-0.2 * wide, top - 0.02, -0.3 * deep),
                            (-0.2 * wide, top + lift, -0.3 * deep),
                            (0.2 * wide, top + lift, -0.3 * deep),
                            (0.2 * wide, top - 0.02, -0.3 * deep),
                        ],
                        0.7 * thin,
                        6,
                    ),
                    1,
                )
            )
            out += [
                (mesh, 2)
                for mesh, _ in corners(
                    cylinder(0.045, 0.03, 10).turned("z", 90).moved(0.015, 0.045), 0.4 * wide, 0.35 * deep, 2
                )
            ]
            ribs = [
                box(0.02, 0.75 * tall, 0.02).moved(v * wide, tall / 2 + 0.04, deep / 2)
                for v in np.linspace(-0.3, 0.3, draw.integer("ribs", 2, 5))
            ]
            return [*out, (combine(ribs), 2)]
        out.append((arch(0.25 * wide, 0.08 + 0.1 * d.top, thin, 12, 6).moved(0, tall + 0.03), 1))
        return out + [(box(0.07, 0.05, 0.02).moved(s * 0.28 * wide, tall * 0.92, deep / 2 + 0.01), 2) for s in (-1, 1)]
    if variant == "clutch":
        body = taper(cushion(w, 0.5 * h, 0.6 * z, d.soft), d.top, 0.5).moved(0, 0.25 * h)
        flap = cushion(0.9 * w, 0.32 * h, 0.05, d.soft).turned("x", -10).moved(0, 0.33 * h, 0.27 * z)
        return [(body, 0), (flap, 2), (torus(0.09, thin * 0.6, 14, 5).turned("x", 90).moved(0.55 * w, 0.3 * h), 1)]
    if variant == "paper":  # a lunch bag whose top is folded over
        deep = 0.7 * z + 0.08
        body = taper(box(0.65 * w, h, deep).moved(y=h / 2), 1.0, 0.12 + 0.3 * d.soft)
        out = [(body, 0), (box(0.66 * w, 0.12 * h, 0.05 + 0.1 * d.soft).moved(0, h, 0.02), 2)]
        return (
            [*out, (arch(0.3 * w, d.handle * 0.6, thin * 0.7, 12, 6).moved(0, h + 0.05 * h), 1)]
            if draw.chance(0.5)
            else out
        )
    # garbage: a lumpy sack tied at the top
    body = ellipsoid(0.45 * w, 0.45 * h, 0.4 * w, 18)
    v = body.vertices.copy()
    v *= 1 + 0.06 * np.sin(9 * v[:, :1] / w + 7 * d.top) * np.cos(8 * v[:, 1:2] / h + 5 * d.soft)
    v[:, 1] = v[:, 1].clip(-0.33 * h)
    out = [(Mesh(v, body.faces, body.part).moved(y=0.33 * h), 0)]
    ears = [leaf(0.3 * h, 0.2 * w, 0.2, 4).turned("x", -50 - 20 * d.soft).turned("y", 360 * k / 5) for k in range(5)]
    return [
        *out,
        (combine([cylinder(0.06 * w, 0.1 * h, 10), *[ear.moved(y=0.07 * h) for ear in ears]]).moved(y=0.75 * h), 1),
    ]
