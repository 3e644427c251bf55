"""Plants and their pots."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, placed
from datasets.demo.families.foliage import foliage, greenery
from datasets.demo.families.forms import around, both, copies, hollow, loop, sleeve, smooth, taper
from datasets.demo.families.frames import box_frame
from datasets.demo.mesh import Mesh, combine, cylinder, frustum, lathe, slab, torus, tube


def pot(
    shape: str, radius: float, height: float, bottom: float, rim: float, wall: float
) -> tuple[Mesh, Mesh, Mesh, float]:
    """Flower pot as body, rim and soil, and the height of the soil."""
    r, b = radius, radius * bottom
    if shape == "square":
        segments, grow = 4, 1.2
    else:
        segments, grow = 22, 1.0
    curve = [(b, 0), (r, height)]
    if shape == "round":
        curve = smooth([(b, 0), (1.12 * r, 0.5 * height), (r, height)])
    if shape == "bowl":
        curve = smooth([(b * 0.7, 0), (0.9 * r, 0.35 * height), (r, height)])
    body = hollow(curve, wall, segments)
    band = sleeve((r - wall, r + 0.6 * wall), (r - wall, r + 0.8 * wall), rim + 0.01, segments).moved(0, height - rim)
    y = height - max(0.12 * height, 0.02)
    soil = cylinder(np.interp(y, *np.asarray(curve)[:, ::-1].T) - 0.6 * wall, 0.015, segments).moved(0, y - 0.015)
    return (*(m.turned("y", 180 / segments).scaled(grow, 1, grow) for m in (body, band, soil)), y)


FOLIAGE = ("cactus", "bush", "palm", "flowers", "blades", "topiary")
GREENERY = (
    "fern",
    "large leaves",
    "tree",
    "bonsai",
    "hanging",
    "bamboo",
    "rosette",
    "orchid",
    "twigs",
    "blob",
    "thicket",
)
POTS = ("tapered", "round", "square", "bowl")


def any_plant(draw: Draw, radius: float, height: float) -> list[tuple[Mesh, bool]]:
    """A plant of any kind that stands upright, as pairs of a mesh and whether it is leaf."""
    kinds = [kind for kind in (*FOLIAGE, *GREENERY) if kind != "hanging"]
    kind = kinds[draw.integer("kind", 0, len(kinds) - 1)]
    return (foliage if kind in FOLIAGE else greenery)(kind, draw, radius, height)


def long_box(draw: Draw, length: float, depth: float, height: float, flare: float) -> tuple[Mesh, Mesh]:
    """A planter box and its soil."""
    wall = 0.06 * depth
    body = combine([mesh for mesh, _ in box_frame(length / 2 - wall / 2, (0, height), depth / 2 - wall / 2, wall, 0)])
    soil = slab((-length / 2 + wall, length / 2 - wall), (0, height * 0.88), (-depth / 2 + wall, depth / 2 - wall))
    return taper(body, flare, flare), taper(soil, flare, flare)


@family(
    "flower pot", parts=("pot", "rim", "saucer", "plant"), variants=POTS,
    more=("grown over", "urn", "window box", "hanging basket", "on stand", "group", "barrel", "faceted"),
    synonyms=("plant pot", "planter", "flowerpot"),
)  # fmt: skip
def flower_pot(variant: str, draw: Draw) -> Pieces:
    """Pot with a rim, mostly with soil or a small plant, at times on a saucer."""
    if variant not in POTS:
        return _more_flower_pot(variant, draw)
    d = draw(
        radius=(0.3, 0.55), height=(0.4, 1.0), bottom=(0.5, 0.95), rim=(0.05, 0.18), wall=(0.025, 0.06),
        saucer=(1.05, 1.5), plant=(0.3, 0.9),
    )  # fmt: skip
    body, band, soil, y = pot(variant, d.radius, d.height * (0.7 if variant == "bowl" else 1), d.bottom, d.rim, d.wall)
    out = [(body, 0), (band, 1)]
    if draw.chance(0.5):
        b = d.radius * max(d.bottom, 0.7) * d.saucer
        n = 4 if variant == "square" else 22
        dish = hollow([(0.85 * b, 0), (b, 0.07)], 0.02, n).turned("y", 180 / n).moved(0, -0.025)
        out.append((dish.scaled(1.15, 1, 1.15) if n == 4 else dish, 2))
    if draw.chance(0.75):
        out.append((soil, 3))
        if draw.chance(0.75):
            kind = ("cactus", "flowers", "bush", "blades", "topiary")[draw.integer("kind", 0, 4)]
            out += [(mesh.moved(0, y - 0.01), 3) for mesh, _ in foliage(kind, draw, 0.8 * d.radius, d.plant)]
    return out


def _more_flower_pot(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.25, 0.5), height=(0.4, 0.9), bottom=(0.5, 0.9), rim=(0.04, 0.15), wall=(0.025, 0.05),
        flare=(1.0, 1.3), plant=(0.4, 1.3),
    )  # fmt: skip
    r, h = d.radius, d.height

    def grown(size: float, radius: float, y: float) -> Pieces:
        return [(mesh.moved(0, y, 0), 3) for mesh, _ in any_plant(draw, radius, size)]

    if variant == "window box":
        length, depth = 2.4 * h + 0.6, 0.9 * r + 0.1
        body, soil = long_box(draw, length, depth, 0.6 * h, d.flare)
        out: Pieces = [(body, 0), (soil, 3)]
        kind = ("flowers", "blob", "rosette", "blades", "bush")[draw.integer("kind", 0, 4)]
        one = combine(
            [m for m, _ in (foliage if kind in FOLIAGE else greenery)(kind, draw, 0.4 * depth, 0.6 * d.plant)]
        )
        n = draw.integer("plants", 2, 5)
        at = [(x * length * 0.4, 0.5 * h, 0) for x in np.linspace(-1, 1, n)]
        out.append((copies(one, at, 1, draw.rng.uniform(0, 360, n)), 3))
        if draw.chance(0.4):
            out.append((slab((-0.5 * length, 0.5 * length), (-0.04, 0), (-0.6 * depth, 0.6 * depth)), 2))
        return out
    if variant == "urn":
        foot = [(0.55 * r, 0), (0.6 * r, 0.06 * h), (0.2 * r, 0.2 * h), (0.25 * r, 0.3 * h)]
        cup = smooth(
            [(0.3 * r, 0.3 * h), (0.75 * r, 0.45 * h), (0.85 * r, 0.7 * h), (0.7 * r, 0.88 * h), (1.05 * r, h)]
        )
        out = [(hollow(cup, d.wall), 0), (lathe([(0, 0), *foot, (0, 0.3 * h)], 22), 2)]
        out.append((torus(1.02 * r, 0.4 * d.rim, 24, 6).moved(0, h), 1))
        if draw.chance(0.4):
            out.append((both(loop(0.8 * r, 0.7 * h, 0.3 * r, 0.35 * h, 0.03)), 0))
        return out + [(cylinder(0.7 * r, 0.02, 18).moved(0, 0.9 * h), 3), *grown(d.plant, 0.8 * r, 0.9 * h)]
    if variant == "barrel":
        belly = hollow(smooth([(0.85 * r, 0), (r, 0.45 * h), (0.9 * r, h)]), d.wall, 16)
        hoops_ = [torus(0.97 * r, 0.25 * d.rim, 18, 5).moved(0, y * h) for y in (0.2, 0.75)]
        out = [(belly, 0), (combine(hoops_), 1), (cylinder(0.85 * r, 0.02, 16).moved(0, 0.88 * h), 3)]
        return out + grown(d.plant, 0.9 * r, 0.88 * h)
    if variant == "faceted":
        n = draw.integer("sides", 3, 8)
        bands = draw.integer("bands", 1, 3)
        y = np.linspace(0, h, bands + 2)
        radius = r * np.interp(y, [0, 0.5 * h, h], [d.bottom, d.flare * 0.95, 0.9])
        body = hollow(np.stack([radius, y], -1), d.wall, n)
        top = 0.9 * h
        out = [
            (body, 0),
            (cylinder(0.75 * r, 0.02, n).moved(0, top), 3),
            (frustum(0.9 * d.bottom * r, d.bottom * r, 0.03, n).moved(0, -0.03), 2),
        ]
        return out + grown(d.plant, 0.7 * r, top)
    if variant == "group":
        out = []
        for k in range(draw.integer("pots", 2, 4)):
            size = draw.rng.uniform(0.55, 1)
            body, band, soil, y = pot(POTS[draw.integer("pot", 0, 3)], r * size, h * size, d.bottom, d.rim, d.wall)
            own = [(body, 0), (band, 1), (soil, 3), *grown(d.plant * size, 0.8 * r * size, y)]
            out += placed(own, 2.3 * r * (k % 2) + 0.2 * r, 0, -2.2 * r * (k // 2) + draw.rng.uniform(-0.2, 0.2) * r)
        return out
    shape = POTS[draw.integer("pot", 0, 3)]
    body, band, soil, y = pot(shape, r, h * (0.6 if variant == "hanging basket" else 1), d.bottom, d.rim, d.wall)
    out = [(body, 0), (band, 1), (soil, 3)]
    if variant == "hanging basket":
        top = h + 0.8 * d.plant
        cords = around(np.arange(3) * 120.0, r, 0.55 * h)
        out += [
            (combine([tube([a, (0, top, 0)], 0.012, 5) for a in cords]), 2),
            (torus(0.05, 0.012, 12, 5).turned("x", 90).moved(0, top + 0.04), 2),
        ]
        kind = "hanging" if draw.chance(0.6) else "fern"
        return out + [(mesh.moved(0, y, 0), 3) for mesh, _ in greenery(kind, draw, r, 0.6 * d.plant)]
    if variant == "on stand":
        high = draw(stand_height=(0.2, 1.2)).stand_height
        out = moved(out, y=high) + grown(d.plant, 0.8 * r, y + high)
        at = around(np.arange(4) * 90.0 + 45, 1.05 * r, 0.0)
        bars = [tube([a, a * [0.9, 0, 0.9] + [0, high + 0.4 * h, 0]], 0.025, 6) for a in at]
        return out + [(combine([*bars, torus(0.95 * r, 0.02, 20, 5).moved(0, high * 0.95)]), 2)]
    return out + grown(0.8 + d.plant, r, y)


@family(
    "plant", parts=("pot", "stem", "leaf"), variants=FOLIAGE,
    more=(*GREENERY, "free bush", "box of plants", "group", "vase of flowers"),
    synonyms=("potted plant", "houseplant", "indoor plant", "house plant"),
)  # fmt: skip
def plant(variant: str, draw: Draw) -> Pieces:
    """Plant that is tall for its pot: cactus, leafy bush, palm, flowers, long blades or a clipped tree."""
    if variant not in FOLIAGE:
        return _more_plant(variant, draw)
    d = draw(
        radius=(0.16, 0.36), height=(0.2, 0.5), bottom=(0.55, 1.0), rim=(0.03, 0.1), wall=(0.02, 0.045),
        grown=(0.5, 1.5),
    )  # fmt: skip
    shape = ("tapered", "round", "square", "bowl")[draw.integer("pot", 0, 3)]
    body, band, soil, y = pot(shape, d.radius, d.height, d.bottom, d.rim, d.wall)
    out = [(combine([body, band, soil] if draw.chance(0.6) else [body, soil]), 0)]
    return out + [
        (mesh.moved(0, y - 0.01), 2 if leafy else 1) for mesh, leafy in foliage(variant, draw, d.radius, d.grown)
    ]


def _more_plant(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.16, 0.34), height=(0.18, 0.5), bottom=(0.55, 1.0), rim=(0.03, 0.1), wall=(0.02, 0.04),
        grown=(0.5, 1.7),
    )  # fmt: skip
    r, h = d.radius, d.height

    def labelled(grown: list[tuple[Mesh, bool]], y: float) -> Pieces:
        return [(mesh.moved(0, y, 0), 2 if leafy else 1) for mesh, leafy in grown]

    def potted(grown: list[tuple[Mesh, bool]], size: float = 1.0) -> Pieces:
        shape = POTS[draw.integer("pot", 0, 3)]
        body, band, soil, y = pot(shape, r * size, h * size, d.bottom, d.rim, d.wall)
        return [(combine([body, band, soil] if draw.chance(0.6) else [body, soil]), 0), *labelled(grown, y - 0.01)]

    if variant == "free bush":
        kind = ("thicket", "blob", "large leaves", "fern", "rosette", "tree", "bamboo")[draw.integer("kind", 0, 6)]
        return labelled(greenery(kind, draw, r * (1 + d.bottom), 0.7 * d.grown + 0.3), 0)
    if variant == "box of plants":
        length = 0.8 + 2 * h
        body, soil = long_box(draw, length, 1.6 * r, 0.8 * h + 0.1, 1 + d.rim)
        out: Pieces = [(combine([body, soil]), 0)]
        kind = ("rosette", "blob", "flowers", "blades", "topiary", "bush")[draw.integer("kind", 0, 5)]
        n = draw.integer("plants", 2, 4)
        one = labelled((foliage if kind in FOLIAGE else greenery)(kind, draw, 0.7 * r, 0.8 * d.grown), 0)
        for k in range(n):
            out += placed(one, (k + 0.5 - n / 2) * length / n, 0.7 * h + 0.09, 0, 70 * k)
        return out
    if variant == "group":
        out = []
        for k in range(draw.integer("pots", 2, 3)):
            size = draw.rng.uniform(0.6, 1.0)
            out += placed(potted(any_plant(draw, r * size, d.grown * size), size), 2.4 * r * k, 0, -0.8 * r * (k % 2))
        return out
    if variant == "vase of flowers":
        tall = 0.35 + 0.5 * h
        curve = smooth(
            [(0.5 * r, 0), (0.8 * r, 0.35 * tall), (0.4 * r + 0.2 * d.bottom * r, 0.8 * tall), (0.6 * r, tall)]
        )
        out = [(hollow(curve, d.wall), 0)]
        grown = (
            foliage("flowers", draw, 0.9 * r, 0.5 * d.grown + 0.2)
            if draw.chance(0.7)
            else greenery("twigs", draw, r, d.grown)
        )
        return out + labelled(grown, 0.85 * tall)
    if variant == "hanging":
        grown = greenery(variant, draw, r, d.grown)
        out = potted(grown)
        if draw.chance(0.6):
            top = h + 0.6 + 0.4 * d.grown
            out.append((combine([tube([a, (0, top, 0)], 0.01, 4) for a in around(np.arange(3) * 120.0, r, h)]), 0))
        return out
    return potted(greenery(variant, draw, r, d.grown))
