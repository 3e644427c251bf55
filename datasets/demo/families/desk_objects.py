"""Screens, keyboards and laptops."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import both, copies, taper
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, frustum, slab, tube


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


@family("display", parts=("screen", "frame", "stand"), variants=("monitor", "television", "crt", "wall"))
def display(variant: str, draw: Draw) -> Pieces:
    """Monitor on a stand, television on feet, tube monitor or wall screen on an arm."""
    d = draw(
        width=(0.7, 1.1), ratio=(0.45, 0.8), depth=(0.03, 0.09), bezel=(0.02, 0.06), stand=(0.1, 0.3),
        base=(0.25, 0.55), foot=(0.14, 0.34), tilt=(-10, 12), neck=(0.03, 0.09), tube=(0.5, 0.9),
    )  # fmt: skip
    w, h, t = d.width, d.width * d.ratio, d.depth
    if variant == "monitor" and draw.chance(0.12):
        w, h = h, w  # turned upright
    b = d.bezel
    deep = 0.35 * t if variant != "crt" else 0.1
    rim = [
        slab((-w / 2, w / 2), (h / 2 - b, h / 2), (0, deep)),
        slab((-w / 2, w / 2), (-h / 2, -h / 2 + 1.3 * b), (0, deep)),
        both(slab((w / 2 - b, w / 2), (-h / 2, h / 2), (0, deep))),
    ]
    glass = box(w - 2 * b, h - 2 * b, 0.012).moved(0, 0, 0.6 * deep)
    if variant == "crt":
        w2 = cushion(w - 2 * b, h - 2 * b, 0.12, 0.5).moved(0, 0, 0.03)
        back = taper(box(w, d.tube * 0.8 * w, h), 0.5, 0.55, 0.1 * h).turned("x", -90).moved(0, 0, -d.tube * 0.4 * w)
        out = [(w2, 0), (combine([*rim, back]), 1)]
        y = h / 2 + 0.3 * d.stand
        out = [(mesh.turned("x", -0.7 * abs(d.tilt)).moved(0, y), part) for mesh, part in out]
        z = -0.35 * d.tube * w
        if draw.chance(0.7):
            foot = [
                frustum(d.base * 0.8 * w, d.base * 0.6 * w, 0.05 + 0.05 * d.stand),
                frustum(0.4 * d.base * w, 0.3 * d.base * w, 0.35 * d.stand + 0.06),
            ]
            out.append((combine(foot).moved(0, -0.03, z), 2))
        else:
            legs = [(sx * 0.35 * w, y - h / 2 - 0.04, z + sz * 0.2 * w) for sx in (-1, 1) for sz in (-1, 1)]
            out.append((copies(box(0.06, 0.1, 0.06), legs), 2))
        return out
    back = slab((-w / 2, w / 2), (-h / 2, h / 2), (-0.65 * t, 0))
    hump = taper(box(0.6 * w, 0.7 * t, 0.5 * h), 0.85, 0.8).turned("x", -90).moved(0, -0.1 * h, -0.85 * t)
    out = [(glass, 0), (combine([back, *rim] + ([hump] if draw.chance(0.6) else [])), 1)]
    if variant == "wall":
        arm = [box(0.2, 0.22, 0.02).moved(0, 0, -0.75 * t)]
        reach = 0.05 + 0.6 * d.stand
        arm += [
            box(d.neck, d.neck, reach).moved(0, 0, -0.7 * t - reach / 2),
            box(0.16 + 0.3 * d.base, 0.3 * h + 0.1, 0.025).moved(0, 0, -0.7 * t - reach),
        ]
        out.append((combine(arm), 2))
        return [(mesh.turned("x", -d.tilt) if part < 2 else mesh, part) for mesh, part in out]
    if variant == "television":
        y = h / 2 + 0.35 * d.stand
        out = [(mesh.moved(0, y), part) for mesh, part in out]
        high = 0.35 * d.stand + 0.02
        if draw.chance(0.5):
            foot = [tube([(0, high, 0), (0.02, 0, s * d.foot * 0.7)], 0.018, 6) for s in (-1, 1)]
            out.append((both(combine(foot).moved((0.2 + 0.4 * d.base) * w)), 2))
        else:
            out.append((slab((-d.base * w / 2, d.base * w / 2), (0, 0.025), (-d.foot / 2, d.foot / 2)), 2))
            out.append((slab((-0.15 * w, 0.15 * w), (0, high), (-0.6 * t, -0.05 * t)), 2))
        return out
    rise = d.stand
    y = rise + h / 2
    out = [(mesh.turned("x", -d.tilt).moved(0, y), part) for mesh, part in out]
    neck = slab((-d.neck, d.neck), (0, rise + 0.35 * h), (-0.04, 0.0)).moved(0, 0, -0.65 * t - 0.05)
    foot = (
        box(d.base * w, 0.025, d.foot).moved(0, 0.0125)
        if draw.chance(0.5)
        else cylinder(0.55 * d.base * w, 0.025, 24).scaled(1, 1, 0.8)
    )
    out.append((combine([neck, foot, box(0.15, 0.15, 0.09).moved(0, y, -0.65 * t - 0.02)]), 2))
    return out


@family("keyboard", parts=("case", "keys", "feet"), variants=("full", "compact", "slim", "split"))
def keyboard(variant: str, draw: Draw) -> Pieces:
    """Computer keyboard: wedge case, key rows, rear feet."""
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


@family("laptop", parts=("base", "keys", "lid", "screen"), variants=("classic", "thin", "thick", "tent"))
def laptop(variant: str, draw: Draw) -> Pieces:
    """Open laptop: base with keys and touch pad, hinged lid with a screen."""
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
