"""Boats and ships; the bow is at +z."""

from __future__ import annotations

from functools import partial

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import along, both, copies, side, taper
from datasets.demo.families.ships import freighter, hull, liner, rail, tall_ship, warship
from datasets.demo.families.solids import bars, narrowed
from datasets.demo.mesh import Mesh, box, combine, cushion, ellipsoid, frustum, lathe, loft, sheet, slab, torus


def _sail(luff: float, foot: float, belly: float, thick: float, gaff: float = 0.0) -> Mesh:
    """Sail in the y-z plane: luff up along y from the origin, foot towards -z; triangular, or cut at the top."""
    v, u = np.meshgrid(np.linspace(0, 1, 6), np.linspace(0, 1, 6), indexing="ij")
    wide = foot * (1 - v * (0.97 - gaff))
    grid = np.stack([belly * foot * np.sin(np.pi * u) * (1 - 0.7 * v), luff * v * (1 + 0.25 * gaff * u), -u * wide], -1)
    return sheet(grid, thick)


def _submarine(draw: Draw, p, length: float, beam: float) -> Pieces:
    """Hull of revolution with a tower, fins and a screw."""
    r = 0.28 * beam
    nose, stern = 0.25 + 0.3 * p.sheer, 0.5 + 0.5 * p.rake
    t = np.linspace(0, 1, 7)[1:]
    hull = [(0, -length / 2), *[(r * np.sin(a * np.pi / 2) ** 1.1, -length / 2 + a * stern) for a in t]]
    hull += [(r * np.cos(a * np.pi / 2) ** 0.6, length / 2 - nose + a * nose) for a in [0, *t]]
    tower = cushion(0.45 * r + 0.1 * p.stern * r, (0.8 + 0.6 * p.belly) * r, (0.6 + 1.2 * p.house) * r * 1.6, 0.45, 14)
    at = (p.full - 1.6) * 0.15
    out: Pieces = [(along(lathe(hull, 18)).scaled(1, 0.9 + 0.3 * p.flare, 1), 0), (tower.moved(0, 1.15 * r, at), 1)]
    posts = [
        ((x, 1.2 * r, at + z), (x, (1.7 + h) * r, at + z))
        for x, z, h in ((0, 0.1, p.mast - 0.8), (0.04, 0, 0.3), (0, -0.1, 0.1))
    ]
    out.append((bars(posts[: draw.integer("periscopes", 1, 3)], 0.06 * r), 2))
    fin = narrowed(slab((-1.9 * r, 1.9 * r), (-0.04 * r, 0.04 * r), (-0.35 * r, 0.35 * r)), [-1, 1], [1, 1])
    aft = -length / 2 + 0.3 * stern
    fins = [fin.moved(z=aft), fin.turned("z", 90).scaled(1, 0.9, 1).moved(z=aft)]
    fins.append(
        fin.scaled(0.4, 1, 0.8).moved(0, 1.2 * r, at)
        if draw.chance(0.6)
        else fin.scaled(0.8, 1, 0.7).moved(0, 0, 0.3 * length)
    )
    blades = [box(0.12 * r, 0.9 * r, 0.04).turned("y", 30).moved(y=0.45 * r).turned("z", 72 * k) for k in range(5)]
    screw = combine([*blades, along(frustum(0.15 * r, 0.05 * r, 0.2, 8)).turned("y", 180)]).moved(z=-length / 2 - 0.03)
    out += [(combine(fins), 0), (screw, 4)]
    if draw.chance(0.4):  # a deck casing, as old boats have it
        out.append((cushion(0.9 * r, 0.5 * r, 0.75 * length, 0.4, 14).moved(0, 0.85 * r, 0.02 * length), 0))
    return out


def _open_boat(draw: Draw, p, grid: np.ndarray, length: float, depth: float, variant: str) -> Pieces:
    """Rowing boat, dinghy with a motor, kayak or canoe."""
    out: Pieces = []
    open_ = variant != "kayak" or draw.chance(0.5)  # a canoe is open, a kayak decked
    if variant == "kayak":
        grid[:, :, 1] += 0.6 * p.sheer * depth * np.abs(grid[:, :, 2] / length * 2) ** 3
    out.append((sheet(grid, 0.03) if open_ else loft(grid), 0))
    back = grid[0] if variant != "kayak" else None
    if back is not None and p.stern > 0.2:
        out.append((loft(np.stack([back - [0, 0, 0.02], back + [0, 0, 0.02]])), 0))
    if open_:
        for f in np.linspace(0.2, 0.7, draw.integer("thwarts", 2, 4)):
            w, y, z = rail(grid, f)
            out.append((box(1.9 * w, 0.03, 0.14 if variant != "kayak" else 0.07).moved(0, 0.8 * y, z), 4))
    else:
        w, y, z = rail(grid, 0.5)
        out.append((torus(0.6 * w, 0.03, 16, 6).scaled(1, 1, 2.2).moved(0, y, z - 0.05), 1))
        out.append((ellipsoid(0.7 * w, 0.08, 0.42 * length, 10).moved(0, y - 0.02, 0), 0))
    if variant == "motor boat":
        w, y, z = rail(grid, 0.0)
        out.append(
            (
                combine(
                    [
                        cushion(0.2, 0.28, 0.24, 0.4, 10).moved(0, y + 0.12, z - 0.08),
                        box(0.07, y + 0.1, 0.1).moved(0, y / 2, z - 0.1),
                    ]
                ),
                4,
            )
        )
    elif draw.chance(0.65):
        w, y, z = rail(grid, 0.45)
        if variant == "kayak":
            span, tilt = 0.55 + 0.4 * p.house, 0.3 * p.belly
            paddle = combine(
                [
                    bars([(-span, 0, 0), (span, 0, 0)], 0.014),
                    *[ellipsoid(0.13, 0.05, 0.02, 8).moved(s * span) for s in (-1, 1)],
                ]
            )
            out.append((paddle.turned("z", 20 * tilt).turned("y", 90 * p.belly).moved(0, y + 0.12, z + 0.1), 4))
        else:
            reach = w + 0.5 + 0.5 * p.house
            oar = combine(
                [
                    bars([(w - 0.3, y + 0.08, z), (reach, y - 0.25 * depth, z - 0.2)], 0.018),
                    box(0.3, 0.015, 0.1).moved(reach, y - 0.27 * depth, z - 0.2),
                ]
            )
            out.append((both(oar), 4))
    return out


def _sailing(draw: Draw, p, grid: np.ndarray, length: float, beam: float, depth: float) -> Pieces:
    """Masts, sails and a cabin for a sailing boat."""
    out: Pieces = []
    deck = depth
    z0 = -length / 2
    masts = 2 if draw.chance(0.15) else 1
    h = p.mast * length * 0.82
    step = 0.12 * length
    fin = side(
        [
            (0.16 * length, 0.1),
            (-0.06 * length, 0.1),
            (-0.04 * length, -0.35 * depth - 0.4 * p.house),
            (0.08 * length, -0.35 * depth - 0.4 * p.house),
        ],
        0.05,
    )
    if draw.chance(0.6):
        out.append((combine([fin, box(0.03, 0.6 * depth, 0.1).moved(0, 0.1, z0 + 0.12)]), 0))
    house = taper(box(0.55 * beam, 0.14, p.house * 0.8 * length), 0.85, 0.85)
    out.append((house.moved(0, deck + 0.05, -0.02 * length), 1))
    boom = 0.38 * length
    for k in range(masts):
        z, tall = step - 0.42 * length * k, h * (1 - 0.4 * k)
        out.append((bars([(0, 0.2, z), (0, deck + tall, z)], [(0.022, 0.014)]), 2))
        out.append((bars([(0, deck + 0.25, z), (0, deck + 0.25, z - boom * (1 - 0.4 * k))], 0.016), 2))
        if draw.chance(0.85):
            cloth = _sail(tall * 0.88, boom * (1 - 0.4 * k) * 0.95, p.belly, 0.012, 0.5 if draw.chance(0.15) else 0)
            out.append((cloth.turned("y", draw.rng.uniform(-25, 5)).moved(0, deck + 0.28, z - 0.03), 3))
    bow = rail(grid, 1.0)
    stay = [(0, bow[1], bow[2] - 0.03), (0, deck + 0.85 * h, step)]
    out.append(
        (
            bars(
                [
                    stay,
                    ((0, deck, z0 + 0.05), (0, deck + h, step)),
                    *[((s * 0.45 * beam, deck, step - 0.05), (0, deck + 0.8 * h, step)) for s in (-1, 1)],
                ],
                0.006,
                4,
            ),
            2,
        )
    )
    if draw.chance(0.75):
        a, b = np.array(stay[0]), np.array(stay[1])
        v, u = np.meshgrid(np.linspace(0.05, 0.95, 6), np.linspace(0, 1, 5), indexing="ij")
        line = a + v[..., None] * (b - a)
        foot = np.array([0.0, deck + 0.1, step - 0.05])
        clew = line + u[..., None] * (1 - v[..., None]) * (foot - a)
        clew[..., 0] += p.belly * 1.2 * np.sin(np.pi * u) * (1 - v)
        out.append((sheet(clew, 0.012), 3))
    return out


def _motor(draw: Draw, p, grid: np.ndarray, length: float, beam: float, depth: float) -> Pieces:
    """Cabin, rails and engine for a motor boat."""
    out: Pieces = []
    deck = depth
    z0 = -length / 2
    long = p.house * length
    z, kind = -0.08 * length, draw.integer("kind", 0, 2)
    cabin = taper(box(0.72 * beam, 0.3 + 0.2 * p.belly, long), 0.8, 0.6, -0.08 * long).moved(0, deck + 0.14, z)
    out.append((cabin, 1))
    if kind == 0:  # a yacht with a flybridge
        out.append(
            (taper(box(0.62 * beam, 0.22, 0.8 * long), 0.85, 0.75, -0.05).moved(0, deck + 0.42, z - 0.1 * long), 1)
        )
        out.append(
            (
                both(
                    bars([(0.25 * beam, deck + 0.5, z - 0.3 * long), (0.2 * beam, deck + 0.85, z - 0.5 * long)], 0.03)
                ),
                2,
            )
        )
        out.append((box(0.42 * beam, 0.04, 0.12).moved(0, deck + 0.85, z - 0.5 * long), 2))
    elif kind == 1:  # a runabout
        pane = sheet(
            np.stack(
                np.meshgrid(np.linspace(-0.38, 0.38, 5) * beam, np.linspace(0, 0.24, 3), [0.0], indexing="ij"), -1
            )[:, :, 0],
            0.02,
        )
        out.append((pane.turned("x", -35).moved(0, deck + 0.2, z + 0.5 * long), 1))
        out.append(
            (
                copies(
                    cushion(0.26 * beam, 0.28, 0.1, 0.4, 10),
                    [(x, deck + 0.3, z - 0.2 * long) for x in (-0.2 * beam, 0.2 * beam)],
                ),
                4,
            )
        )
    if draw.chance(0.6):
        out.append((cushion(0.22, 0.4, 0.26, 0.4, 10).moved(0, deck, z0 - 0.1), 4))
    if draw.chance(0.6):
        spots = [rail(grid, f) for f in (0.6, 0.72, 0.84, 0.97)]
        top = [(0.92 * w, y + 0.14, zz) for w, y, zz in spots]
        posts = [((0.92 * w, y, zz), (0.92 * w, y + 0.14, zz)) for w, y, zz in spots]
        out.append((both(bars([*posts, *zip(top, top[1:], strict=False)], 0.012, 5)), 4))
    return out


@family(
    "watercraft",
    parts=("hull", "deckhouse", "mast", "sail", "gear"),
    variants=(
        "sailing boat", "motor boat", "cargo ship", "rowing boat", "warship", "submarine", "kayak", "tall ship",
        "cruise ship", "tug",
    ),
    synonyms=("boat", "ship", "vessel", "yacht", "sailboat", "speedboat", "canoe"),
)  # fmt: skip
def watercraft(variant: str, draw: Draw) -> Pieces:
    """Anything that floats."""
    p = draw(
        length=(2.2, 3.2), beam=(0.6, 1.0), depth=(0.28, 0.5), sheer=(0.0, 0.35), rake=(0.0, 0.8), flare=(0.05, 0.35),
        stern=(0.35, 0.95), full=(1.6, 3.2), square=(0.45, 1.0), mast=(0.9, 1.5), house=(0.25, 0.5), belly=(0.02, 0.15),
    )  # fmt: skip
    length, beam, depth = p.length, p.beam, p.depth
    if variant == "submarine":
        return _submarine(draw, p, length, beam)
    shape = {
        "sailing boat": (0.85, 0.5, 0.9, p.stern * 0.8, 1.8, 0.75), "motor boat": (0.85, 1, 1, 0.92, 2.4, 0.6),
        "cargo ship": (1.5, 0.75, 1.1, 0.85, 4.5, 0.3), "rowing boat": (0.65, 0.95, 0.8, p.stern, p.full, p.square),
        "warship": (1.5, 0.65, 0.9, 0.75, 1.7, 0.6), "kayak": (0.9, 0.42, 0.5, 0.02, 1.7, 0.8),
        "tall ship": (1.1, 0.75, 1.2, 0.7, 2.4, 0.6), "cruise ship": (1.5, 0.75, 1.0, 0.8, 2.6, 0.4),
        "tug": (0.8, 1.1, 1.3, 0.75, 2.4, 0.6),
    }[variant]  # fmt: skip
    length, beam, depth = length * shape[0], beam * shape[1], depth * shape[2]
    grid = hull(p, length, beam, depth, *shape[3:])

    if variant in ("rowing boat", "kayak") or (variant == "motor boat" and draw.chance(0.3)):
        return _open_boat(draw, p, grid, length, depth, variant)
    build = {
        "sailing boat": _sailing,
        "motor boat": _motor,
        "cargo ship": freighter,
        "warship": warship,
        "tall ship": tall_ship,
        "cruise ship": liner,
        "tug": partial(freighter, tug=True),
    }[variant]
    return [(loft(grid), 0), *build(draw, p, grid, length, beam, depth)]
