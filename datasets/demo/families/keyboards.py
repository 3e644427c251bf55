"""Keyboards and laptops."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, squared
from datasets.demo.families.forms import both, copies, side, smooth, taper
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, slab, tube

DEMO_KEYBOARDS = ("full", "compact", "slim", "split")
DEMO_LAPTOPS = ("classic", "thin", "thick", "tent")


def keys(
    width: float,
    depth: float,
    rows: int,
    columns: int,
    gap: float,
    height: float,
    bar: bool = True,
    stagger: float = 0.0,
) -> Mesh:
    """Rows of keys on the plane y = 0, centred, the front row with a space bar."""
    pitch, row = width / columns, depth / rows
    at, scale = [], []
    for k in range(rows):
        z = (k + 0.5) * row - depth / 2
        edges = np.linspace(-width / 2, width / 2, columns + 1)
        if k == rows - 1 and bar and columns > 6:
            lo, hi = round(0.27 * columns), round(0.65 * columns)
            edges = np.r_[edges[: lo + 1], edges[hi:]]
        elif stagger:
            edges[1:-1] += pitch * (stagger * k % 1.0 - 0.5) * 0.9
        at += [(x, height / 2, z) for x in (edges[1:] + edges[:-1]) / 2]
        scale += [(x, 1, 1) for x in np.diff(edges) - gap * pitch]
    return copies(taper(box(1, height, row * (1 - gap)), 0.85, 0.85), at, np.asarray(scale))


@family(
    "keyboard", parts=("case", "keys", "feet", "extras"), variants=DEMO_KEYBOARDS,
    more=("rounded", "typewriter", "wave", "with mouse", "mechanical", "number pad", "low-poly", "trackball"),
    synonyms=("computer keyboard", "keypad"),
)  # fmt: skip
def keyboard(variant: str, draw: Draw) -> Pieces:
    """Computer keyboard: wedge case, key rows, rear feet."""
    if variant not in DEMO_KEYBOARDS:
        return _more_keyboard(variant, draw)
    d = draw(
        width=(0.9, 1.2), depth=(0.28, 0.48), height=(0.03, 0.09), slope=(0, 9), gap=(0.1, 0.3), key=(0.015, 0.045),
        margin=(0.02, 0.06), foot=(0.01, 0.05), spread=(0.02, 0.15),
    )  # fmt: skip
    w, z, m, h = d.width, d.depth, d.margin, d.height
    if variant == "compact":
        w = 0.62 * w
    if variant == "slim":
        h *= 0.4
    rows = draw.integer("rows", 4, 6)
    inner = z - 2 * m

    def half(width, columns):
        block = keys(
            width - 2 * m, inner, rows, columns, d.gap, d.key * (0.6 if variant == "slim" else 1), stagger=0.25
        )
        return [(box(width, h, z), 0), (block.moved(0, h / 2 - 0.002), 1)]

    if variant == "full":
        main = 0.68 * (w - 2 * m)
        left = -w / 2 + m
        blocks = [keys(main, inner, rows, 14, d.gap, d.key, stagger=0.25).moved(left + main / 2)]
        if draw.chance(0.75):
            blocks.append(
                keys(0.12 * w, inner * 0.4, 2, 3, d.gap, d.key).moved(left + main + 0.085 * w, 0, -0.3 * inner)
            )
            blocks.append(
                keys(0.12 * w, inner * 0.22, 1, 3, d.gap, d.key).moved(left + main + 0.085 * w, 0, 0.38 * inner)
            )
            blocks.append(keys(0.14 * w, inner, rows, 4, d.gap, d.key).moved(w / 2 - m - 0.07 * w))
        else:
            blocks.append(keys(0.26 * w, inner, rows, 6, d.gap, d.key, False).moved(w / 2 - m - 0.13 * w))
        out = [(box(w, h, z), 0), (combine(blocks).moved(0, h / 2 - 0.002), 1)]
    elif variant == "split":
        piece = combine(half(0.5 * w, 7)).turned("y", -60 * d.spread).moved(0.25 * w + 0.4 * d.spread)
        piece = both(piece)
        out = [(Mesh(piece.vertices, piece.faces[piece.part == k], piece.part[piece.part == k]), k) for k in (0, 1)]
        if draw.chance(0.6):
            out.append((box(0.4 * w, 0.9 * h, z), 0))
    else:
        out = half(w, 13 if variant == "compact" else 15)
    if variant != "slim" and draw.chance(0.25):  # a palm rest
        out.append((taper(box(w, 0.8 * h, 0.25 * z), 1, 0.7).moved(0, -0.1 * h, 0.62 * z), 0))
    foot = both(box(0.08, d.foot + 0.02, 0.03).moved(0.38 * w, -h / 2 - d.foot / 2, -0.4 * z))
    return [(mesh.turned("x", d.slope), part) for mesh, part in [*out, (foot, 2)]]


def _more_keyboard(variant: str, draw: Draw) -> Pieces:
    d = draw(
        width=(0.85, 1.1), depth=(0.3, 0.42), height=(0.03, 0.07), key=(0.02, 0.05), gap=(0.1, 0.3),
        margin=(0.02, 0.06), slope=(1, 9),
    )  # fmt: skip
    w, z, h, m = d.width, d.depth, d.height, d.margin
    rows = draw.integer("rows", 5, 6)
    main = 0.7 * (w - 2 * m)

    def blocks(y: float, height: float) -> Mesh:
        left = -w / 2 + m
        parts = [keys(main, z - 2 * m, rows, 14, d.gap, height, stagger=0.25).moved(left + main / 2)]
        parts.append(keys(0.1 * w, 0.4 * z, 2, 3, d.gap, height).moved(left + main + 0.07 * w, 0, -0.18 * z))
        parts.append(keys(0.13 * w, z - 2 * m, rows, 4, d.gap, height).moved(w / 2 - m - 0.065 * w))
        return combine(parts).moved(y=y)

    foot = (both(box(0.07, 0.03 + 0.5 * h, 0.03).moved(0.38 * w, -h / 2 - 0.015, -0.4 * z)), 2)
    if variant == "number pad":
        wide = 0.3 * w
        return [
            (box(wide, h, 1.1 * z), 0),
            (keys(wide - m, 1.1 * z - m, 5, 4, d.gap, d.key, False).moved(y=h / 2 - 0.002), 1),
            (both(box(0.03, 0.04, 0.03).moved(0.1 * w, -h / 2 - 0.01, -0.4 * z)), 2),
        ]
    if variant == "typewriter":  # round keys in steps
        at = [
            ((c - 5.5 + 0.3 * r) * w / 13, h / 2 + 0.03 * (rows - r) + 0.02, (r - rows / 2 + 0.5) * z / rows)
            for r in range(rows)
            for c in range(11)
        ]
        key = cylinder(0.35 * w / 13, d.key, 10)
        wedge = side([(-z / 2, -h / 2), (z / 2, -h / 2), (z / 2, h / 2), (-z / 2, h / 2 + 0.03 * rows)], w)
        return [(wedge, 0), (copies(key, at), 1), foot]
    if variant == "low-poly":
        pads = [
            box((0.66 if k == 0 else 0.13) * w, d.key, z - 2 * m).moved(x * w, h / 2 + d.key / 2)
            for k, x in enumerate((-0.13, 0.28, 0.42))
        ]
        return [(taper(box(w, h, z), 0.97, 0.93), 0), (combine(pads), 1), foot]
    if variant == "wave":  # bowed to the hands
        board = [
            (box(w, h, z), 0),
            (blocks(h / 2 - 0.002, d.key), 1),
            (taper(box(w, 0.8 * h, 0.3 * z), 1, 0.6).moved(0, -0.1 * h, 0.62 * z), 0),
        ]
        bent = []
        for mesh, part in board:
            v = mesh.vertices.copy()
            v[:, 2] += 0.25 * z * (2 * v[:, 0] / w) ** 2
            v[:, 1] += 0.5 * h * (1 - (2 * v[:, 0] / w) ** 2)
            bent.append((Mesh(v, mesh.faces, mesh.part), part))
        return [*bent, foot]
    if variant == "mechanical":
        out = [
            (box(w, h, z), 0),
            (blocks(h / 2 + 0.01, 1.3 * d.key), 1),
            foot,
            (slab((-w / 2, w / 2), (-h / 2, h / 2 + 0.4 * d.key), (-z / 2 - 0.04, -z / 2)), 0),
        ]
    elif variant == "rounded":
        out = [(cushion(w, h * 1.2, z * 1.05, 0.3, 20), 0), (blocks(h * 0.5, d.key), 1), foot]
    elif variant == "trackball":
        out = [
            (box(w, h, z * 1.15).moved(z=0.07 * z), 0),
            (blocks(h / 2 - 0.002, d.key), 1),
            foot,
            (ellipsoid(0.05, 0.05, 0.05, 14).moved(0.3 * w, h / 2, 0.56 * z), 3),
        ]
        out.append((keys(0.2 * w, 0.05, 1, 8, d.gap, d.key, False).moved(-0.2 * w, h / 2, 0.56 * z), 1))
    else:
        out = [(taper(box(w, h, z), 0.98, 0.95), 0), (blocks(h / 2 - 0.002, d.key), 1), foot]
        mouse = ellipsoid(0.055, 0.045, 0.085, 14).moved(0.62 * w, -0.1 * h, 0.05)
        out.append((mouse, 3))
        if draw.chance(0.5):
            out.append((box(0.3, 0.006, 0.28).moved(0.65 * w, -h / 2, 0.03), 3))
    return [(mesh.turned("x", d.slope), part) for mesh, part in out]


@family(
    "laptop", parts=("base", "keys", "lid", "screen", "extras"), variants=DEMO_LAPTOPS,
    more=("closed", "convertible", "rugged", "nearly shut", "with mouse", "low-poly", "wide open", "on a stand"),
    synonyms=("notebook", "laptop computer", "notebook computer"),
)  # fmt: skip
def laptop(variant: str, draw: Draw) -> Pieces:
    """Open laptop: base with keys and touch pad, hinged lid with a screen."""
    if variant not in DEMO_LAPTOPS:
        return _more_laptop(variant, draw)
    d = draw(
        width=(0.75, 1.1), depth=(0.5, 0.78), base=(0.03, 0.06), lid=(0.018, 0.04), open=(70, 140), bezel=(0.02, 0.07),
        pad=(0.18, 0.4), gap=(0.1, 0.3), keys=(0.42, 0.58),
    )  # fmt: skip
    w, z = d.width, d.depth
    t = d.base * {"classic": 1, "thin": 0.5, "thick": 1.8, "tent": 0.6}[variant]
    lid = d.lid * (0.6 if variant in ("thin", "tent") else 1.1)
    body = taper(box(w, t, z), 1, 1) if variant != "thin" else taper(box(0.97 * w, t, 0.97 * z), 1.03, 1.03)
    out = [(body.moved(0, -t / 2), 0)]
    rows, columns = draw.integer("rows", 4, 6), draw.integer("columns", 10, 14)
    out.append((keys(0.88 * w, d.keys * z, rows, columns, d.gap, 0.014).moved(0, 0, (d.keys / 2 - 0.42) * z), 1))
    out.append((box(d.pad * w, 0.008, 0.26 * z).moved(0, 0.002, 0.29 * z), 0))
    angle = d.open if variant != "tent" else 245 + 0.5 * d.open
    parts = [
        (slab((-w / 2, w / 2), (0.005, z), (-lid, 0)), 2),
        (slab((-w / 2 + d.bezel, w / 2 - d.bezel), (1.5 * d.bezel, z - d.bezel), (0, 0.006)), 3),
        (cylinder(0.6 * lid, 0.7 * w, 10).turned("z", 90).moved(0.35 * w, 0, -0.4 * lid), 2),
    ]
    out += [(mesh.turned("x", 90 - angle).moved(0, 0, -z / 2), part) for mesh, part in parts]
    if variant == "thick":
        out.append((slab((-0.3 * w, 0.3 * w), (-t, -0.3 * t), (-z / 2 - 0.08, -z / 2)), 0))
    if variant == "tent":
        turn = angle / 2 - 90
        out = [(mesh.moved(0, 0, z / 2).turned("x", turn).turned("y", 180), part) for mesh, part in out]
    return out


def _more_laptop(variant: str, draw: Draw) -> Pieces:
    d = draw(
        width=(0.8, 1.05), depth=(0.52, 0.74), base=(0.025, 0.06), lid=(0.012, 0.03), open=(95, 125),
        bezel=(0.02, 0.06), gap=(0.12, 0.3),
    )  # fmt: skip
    w, z, t, lid, angle = d.width, d.depth, d.base, d.lid, d.open
    if variant == "rugged":
        t, lid = 2.2 * t, 2 * lid
    if variant == "closed":
        angle = 0.0
    elif variant == "nearly shut":
        angle = 0.3 * angle
    elif variant == "wide open":
        angle = 150 + 0.25 * (angle - 95)
    soft = draw.chance(0.5) and variant not in ("low-poly", "rugged")
    base = (
        squared(cylinder(0.5, t, 28), 0.15).scaled(w * 0.98, 1, z * 0.98).moved(y=-t)
        if soft
        else box(w, t, z).moved(y=-t / 2)
    )
    out: Pieces = [(base, 0)]
    if variant == "low-poly":
        out.append((box(0.86 * w, 0.01, 0.45 * z).moved(0, 0.005, -0.14 * z), 1))
    else:
        block = keys(0.88 * w, 0.45 * z, draw.integer("rows", 5, 6), draw.integer("columns", 11, 14), d.gap, 0.012)
        out.append((block.moved(0, 0, -0.14 * z), 1))
    out.append((box(0.3 * w, 0.006, 0.24 * z).moved(0, 0.002, 0.3 * z), 0))
    shift = 0.0
    cover = [
        (slab((-w / 2, w / 2), (0.005, z), (-lid, 0)), 2),
        (slab((-w / 2 + d.bezel, w / 2 - d.bezel), (1.6 * d.bezel, z - d.bezel), (0, 0.005)), 3),
        (both(cylinder(0.5 * lid + 0.004, 0.18 * w, 10).turned("z", 90).moved(0.38 * w, 0, -0.3 * lid)), 2),
    ]
    if variant == "convertible":  # the screen turned on its foot or slid forward
        yaw, shift = draw.rng.uniform(30, 180), 0.0
        cover = [(mesh.turned("y", yaw), part) for mesh, part in cover] + [(cylinder(0.04, 0.02, 10).moved(y=-0.01), 2)]
    lift = 0.014 if variant == "closed" else 0.0
    out += [(mesh.turned("x", 90 - angle).moved(0, lift, -z / 2 + shift), part) for mesh, part in cover]
    if variant == "rugged":
        out.append(
            (
                tube(
                    [
                        (-0.25 * w, -t / 2, z / 2),
                        (-0.25 * w, -t / 2, z / 2 + 0.12),
                        (0.25 * w, -t / 2, z / 2 + 0.12),
                        (0.25 * w, -t / 2, z / 2),
                    ],
                    0.025,
                    6,
                ),
                4,
            )
        )
        out += [
            (box(0.07, t * 1.15, 0.07).moved(sx * w / 2, -t / 2, sz * z / 2), 4) for sx in (-1, 1) for sz in (-1, 1)
        ]
    elif variant == "with mouse":
        side_ = draw.integer("hand", 0, 1) * 2 - 1
        out.append((ellipsoid(0.06, 0.04, 0.095, 14).moved(side_ * (0.7 * w), -t + 0.03, 0.1), 4))
        if draw.chance(0.4):
            out.append(
                (
                    tube(
                        smooth(
                            [
                                (side_ * 0.5 * w, -t / 2, -0.2),
                                (side_ * 0.65 * w, -t, -0.25),
                                (side_ * 0.7 * w, -t + 0.02, 0.02),
                            ],
                            3,
                        ),
                        0.007,
                        5,
                    ),
                    4,
                )
            )
    elif variant == "on a stand":
        rise = 0.15 + 0.2 * d.gap
        bars = [
            tube(
                [
                    (s * 0.35 * w, -t - rise, 0.3 * z),
                    (s * 0.35 * w, -t - 0.01, 0.4 * z),
                    (s * 0.35 * w, -t - 0.01, -0.4 * z),
                    (s * 0.35 * w, -t - rise, -0.5 * z),
                ],
                0.015,
                6,
            )
            for s in (-1, 1)
        ]
        out.append(
            (
                combine(
                    [
                        *bars,
                        box(0.7 * w, 0.015, 0.03).moved(0, -t - rise, 0.3 * z),
                        box(0.7 * w, 0.015, 0.03).moved(0, -t - rise, -0.5 * z),
                    ]
                ),
                4,
            )
        )
    return out
