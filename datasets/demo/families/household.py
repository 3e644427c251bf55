"""Vessels of the household, most of them surfaces of revolution from tables of (radius, height) profiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.demo.families.carcass import pick
from datasets.demo.families.common import Draw, Pieces, arch, family, moved, rod, squared, turned
from datasets.demo.families.forms import both, copies, cut, hollow, loop, rounded, smooth, taper
from datasets.demo.mesh import Mesh, box, boxes, combine, cylinder, ellipsoid, extrude, frustum, lathe, torus, tube

Profile = Sequence[tuple[float, float]] | np.ndarray


def sides(draw: Draw, facets: float = 0.12) -> int:
    """Steps around a vessel: mostly round, at times few, as a low-poly or a faceted one has."""
    return draw.integer("facets", 6, 12) if draw.chance(facets) else 24


def fluted(mesh: Mesh, count: int, depth: float) -> Mesh:
    """A surface of revolution with `count` waves of relative depth `depth` around it."""
    v = mesh.vertices.copy()
    v[:, [0, 2]] *= 1 + depth * np.cos(count * np.arctan2(v[:, 0], v[:, 2]))[:, None]
    return Mesh(v, mesh.faces, mesh.part)


def spouted(mesh: Mesh, low: float, reach: float) -> Mesh:
    """With a pouring lip drawn out towards +x above the height `low`."""
    v = mesh.vertices.copy()
    rise = ((v[:, 1] - low) / (v[:, 1].max() - low)).clip(0, 1)
    outside = np.hypot(v[:, 0], v[:, 2]) > 1e-6
    v[:, 0] += reach * rise * outside * np.exp(-((np.arctan2(v[:, 2], v[:, 0]) / 0.35) ** 2))
    return Mesh(v, mesh.faces, mesh.part)


def ear(curve: Profile, y: float, size: float, out: float, thick: float, bend: float = 0.8, flat: float = 1.3) -> Mesh:
    """Handle at the +x side of a surface of revolution, its ends `size` apart on the profile around the height y."""
    ends = [y - size / 2, y, y + size / 2]
    edge = np.interp(ends, *np.asarray(curve, dtype=float)[:, ::-1].T)
    mesh = loop(edge[1] - 0.5 * thick, y, out, size, thick, bend)
    v = mesh.vertices.copy()
    v[:, 0] += np.interp(v[:, 1], ends, edge - edge[1])
    return Mesh(v, mesh.faces, mesh.part).scaled(1, 1, flat)


def revolved(curve: Profile, scale: tuple[float, float], steps: int = 24) -> Mesh:
    """Closed surface of revolution of a profile, scaled by (radius, height); caps close it where it does not."""
    curve = np.asarray(curve, dtype=float) * scale
    return lathe([(0, curve[0, 1]), *curve, (0, curve[-1, 1])], steps)


def with_ring(curve: Profile, y: float) -> np.ndarray:
    """A profile with a point at the height y, so that the surface can be cut there."""
    curve = np.asarray(curve, dtype=float)
    at = int(np.searchsorted(curve[:, 1], y))
    return np.insert(curve, at, [np.interp(y, curve[:, 1], curve[:, 0]), y], axis=0)


def band(outer: Profile, steps: int = 24, thick: float = 0.02) -> Mesh:
    """Closed band around a vessel: the given profile outside, and the same less `thick` inside."""
    outer = np.asarray(outer, dtype=float)
    return lathe(np.r_[outer, outer[::-1] - [thick, 0], outer[:1]], steps)


TUMBLERS = (
    [(0.8, 0), (1, 1)],
    [(0.95, 0), (1, 1)],
    [(0.7, 0), (0.72, 0.1), (1, 1)],
    smooth([(0.75, 0), (0.95, 0.35), (1, 0.6), (0.9, 1)]),
    smooth([(0.85, 0), (0.75, 0.35), (0.85, 0.7), (1, 1)]),
    [(0.7, 0), (0.75, 0.55), (1, 0.68), (0.95, 1)],
)
BOWLS = {
    "wine": [(0.1, 0), (0.7, 0.2), (1, 0.5), (0.9, 0.8), (0.74, 1)],
    "flute": [(0.08, 0), (0.4, 0.15), (0.52, 0.6), (0.46, 1)],
    "martini": [(0.04, 0), (0.52, 0.5), (1.05, 1)],
    "coupe": [(0.08, 0), (0.7, 0.25), (0.98, 0.7), (1.05, 1)],
    "brandy": [(0.15, 0), (0.9, 0.28), (1.05, 0.5), (0.65, 1)],
    "chalice": [(0.2, 0), (0.75, 0.18), (0.8, 0.6), (0.88, 1)],
    "egg cup": [(0.3, 0), (0.6, 0.2), (0.7, 0.6), (0.72, 1)],
}


@family(
    "cup",
    ("body", "base", "handle", "saucer", "lid"),
    ("tumbler", "tea cup", "goblet", "paper cup", "coffee cup", "beaker"),
    synonyms=("drinking cup", "teacup", "wine glass", "goblet", "tumbler", "drinking glass", "paper cup"),
)
def cup(variant: str, draw: Draw) -> Pieces:
    """Vessel to drink from, with or without handle, stem, saucer and lid."""
    p = draw(
        radius=(0.28, 0.46), height=(0.6, 1.2), wall=(0.012, 0.045), base=(0.03, 0.14), size=(0.4, 0.7),
        out=(0.12, 0.3), thick=(0.018, 0.045), saucer=(1.4, 2.1),
    )  # fmt: skip
    r, h = p.radius, p.height
    n = sides(draw)
    if variant == "goblet":
        kind = pick(draw, tuple(BOWLS))
        stem, f = (0.12 if kind == "egg cup" else 0.3 + 0.9 * (p.size - 0.4)) * h, r * (0.55 + 1.5 * p.base)
        depth = h * {"flute": 0.9, "martini": 0.5, "coupe": 0.4}.get(kind, 0.65)
        bowl = hollow(smooth(BOWLS[kind], 3) * [r, depth] + [0, stem], 0.7 * p.wall, n)
        s = p.thick + 0.01
        foot = [(f, 0), (f, 0.02), (0.35 * f, 0.05), (s, 0.12), (s, stem + 0.02)]
        if draw.chance(0.25) and stem > 0.25:
            foot[-1:] = [(s, 0.45 * stem), (2.2 * s, 0.55 * stem), (s, 0.65 * stem), (s, stem + 0.02)]
        return [(bowl, 0), (revolved(np.minimum(foot, [9, stem + 0.02]), (1, 1), n), 1)]
    if variant == "tea cup":
        h *= 0.6
        curve = smooth(
            pick(
                draw,
                (
                    [(0.4, 0), (0.8, 0.22), (0.95, 0.6), (1.02, 1)],
                    [(0.45, 0), (0.9, 0.35), (1, 0.7), (1.02, 1)],
                    [(0.55, 0), (0.7, 0.4), (1, 0.85), (1.12, 1)],
                    [(0.7, 0), (0.85, 0.5), (0.9, 1)],
                ),
            ),
            4,
        ) * [r, h]
        body = hollow(curve, p.wall, n)
        if draw.chance(0.2):
            body = fluted(body, draw.integer("flutes", 6, 14), 0.03)
        rest = 0.5 * p.base
        out = [(body.moved(y=rest), 0), (frustum(1.02 * curve[0][0], curve[0][0], rest + 0.01, n), 1)]
        if draw.chance(0.85):
            grip = ear(curve, (0.5 + 0.1 * p.base) * h, p.size * h, 0.8 * p.out, 0.7 * p.thick, 0.7 + p.size * 0.5)
            out.append((grip.moved(y=rest), 2))
        if draw.chance(0.7):
            wide = p.saucer * r
            dish = hollow(smooth([(0.45 * wide, 0), (0.75 * wide, 0.04), (wide, 0.13)], 3), 0.02, max(n, 16))
            out = [*moved(out, y=0.02), (dish, 3)]
            if draw.chance(0.25):
                spoon = combine([ellipsoid(0.09, 0.015, 0.06, 10), rod((0.05, 0, 0), (0.5, 0.05, 0), 0.012, 5)])
                out.append((spoon.turned("y", 60).moved(-0.2, 0.14, 0.75 * wide), 3))
        return out
    if variant == "paper cup":
        low = 0.62 + 0.25 * (p.size - 0.4)
        h = h + 0.1
        out = [(hollow([(low * r, 0), (r, h)], 0.6 * p.wall, max(n, 10)), 0)]
        edge = torus(r, 0.018, 24, 6).moved(y=h)
        choice = draw.integer("top", 0, 3)
        if choice == 0:
            out.append((edge, 1))
        elif choice == 1:
            profile = [(1.04, 0), (1.06, 0.03), (0.98, 0.05), (0.96, 0.12), (0.9, 0.12), (0.86, 0.09)]
            out.append((revolved([(a * r, y) for a, y in profile], (1, 1)).moved(y=h - 0.02), 4))
        else:
            high = smooth([(1.05, 0), (0.98, 0.12), (0.7, 0.3), (0.3, 0.36)], 3)
            dome = high if choice == 2 else [(1.05, 0), (1, 0.06)]
            out.append((revolved(np.array(dome) * [r, 1], (1, 1)).moved(y=h - 0.02), 4))
            if draw.chance(0.8):
                straw = rod((0.05, 0.1, 0), (0.2 * r, h + 0.3 + p.out, 0.1), 0.022, 6)
                out.append((straw, 4))
        if draw.chance(0.4):  # a sleeve
            at = [(r * (low + (1 - low) * y) + 0.012, y * h) for y in (0.35, 0.7)]
            out.append((band(at), 1))
        if draw.chance(0.12):
            out += moved(out, 2.2 * r, 0, draw.rng.uniform(-0.3, 0.3))
        return out
    if variant == "beaker":
        kind = draw.integer("beaker", 0, 2)
        if kind == 0:  # of a laboratory or a measuring cup
            curve = [(0.94 * r, 0), (r, 0.05 * h), (r, 0.93 * h), (1.08 * r, h)]
            out = cut(spouted(hollow(curve, p.wall, max(n, 16)), 0.85 * h, 0.5 * p.out), 0.06 * h, 1, 0)
            if draw.chance(0.5):
                out.append((ear(curve, 0.52 * h, p.size * h, p.out, p.thick, 0.6).scaled(-1, 1, 1), 2))
            return out
        curve = smooth([(0.8, 0), (0.9, 0.3), (0.95, 0.7), (1, 1)], 3) * [r, 0.8 * h]
        out = cut(hollow(with_ring(curve, p.base * h), p.wall, n), p.base * h, 1, 0)
        out.append((both(ear(curve, 0.45 * h, 0.8 * p.size * h, p.out, p.thick)), 2))
        if kind == 1:  # a child's, with a spout in its lid
            out.append((revolved([(1.05 * r, 0), (1.02 * r, 0.1), (0.3 * r, 0.16)], (1, 1)).moved(y=0.8 * h), 4))
            out.append((taper(box(0.25 * r, 0.18, 0.5 * r), 0.6, 0.7).moved(0, 0.8 * h + 0.2, 0.5 * r), 4))
        return out
    curve = pick(draw, TUMBLERS) * np.array([r, h])
    body = hollow(with_ring(curve, p.base * h), p.wall, n)
    if n == 24 and draw.chance(0.15):
        body = fluted(body, draw.integer("flutes", 7, 12), 0.03)
    out = cut(body, p.base * h, 1, 0)
    if draw.chance(0.4):
        out.append((frustum(1.03 * curve[0][0], 1.02 * curve[0][0], p.base * 0.6, n), 1))
    if variant == "coffee cup":
        out.append((ear(curve, 0.5 * h, p.size * h, p.out, p.thick, 0.5 + 0.6 * draw.rng.random()), 2))
        if draw.chance(0.3):
            top = [(1.04 * r, 0), (1.04 * r, 0.05), (0.85 * r, 0.12), (0.8 * r, 0.08)]
            out.append((revolved(top, (1, 1)).moved(y=h - 0.01), 4))
    elif draw.chance(0.15):
        out.append((rod((0, 0.1, 0), (0.6 * r, h + p.out, 0.2 * r), 0.02, 6), 4))
    return out


@family(
    "can",
    ("body", "lid", "handle", "spout", "label"),
    ("drink can", "food tin", "spray can", "paint can", "drum", "watering can", "fuel can"),
    synonyms=("tin can", "tin", "beer can", "soda can"),
)
def can(variant: str, draw: Draw) -> Pieces:
    """Closed vessel of sheet metal: for drinks, food, paint, oil, or with a spout for water or fuel."""
    p = draw(
        radius=(0.26, 0.42), height=(0.7, 1.3), rim=(0.015, 0.04), neck=(0.76, 0.9), out=(0.12, 0.3),
        thick=(0.012, 0.035), low=(0.1, 0.35), high=(0.6, 0.85),
    )  # fmt: skip
    r, h, n = p.radius, p.height, max(sides(draw, 0.1), 10)
    if variant == "drink can":
        k = p.neck * r
        curve = [((1 - 0.6 * p.low) * r, 0), (r, 0.07), (r, h - p.out), (k, h - 0.025), (k + 0.012, h), (k - 0.02, h)]
        out = [*cut(revolved([*curve, (k - 0.03, h - 0.035)], (1, 1), n), h - 0.03, 0, 1)]
        tab = combine([box(0.3 * r, 0.012, 0.18 * r), torus(0.13 * r, 0.01, 10, 5).moved(0.2 * r)])
        out.append((tab.moved(0.1 * r, h - 0.015, 0), 1))
        if draw.chance(0.12):
            pack = [(x * 2.06 * r, 0, z * 2.06 * r) for x in range(draw.integer("wide", 1, 3)) for z in range(2)]
            out = [(copies(mesh, pack), part) for mesh, part in out]
        return out
    if variant == "spray can":
        r = 0.75 * r
        k = p.neck * r * 0.55
        curve = smooth([(r, h - 0.16), (0.85 * r, h - 0.06), (k, h)], 3)
        out = [(revolved([(r, 0), (1.03 * r, 0.02), (r, 0.04), *curve], (1, 1), n), 0)]
        if draw.chance(0.5):
            tall = 0.15 + 0.3 * p.low
            wide = r if draw.chance(0.6) else 0.8 * r
            cap = revolved([(wide, 0), (0.97 * wide, tall), (0.9 * wide, tall + 0.02)], (1, 1), n)
            out.append((cap.moved(y=h - 0.15), 1))
        else:
            nozzle = combine(
                [
                    cylinder(0.45 * k + 0.02, 0.06, 12),
                    frustum(0.035, 0.03, 0.12, 10).moved(y=0.05),
                    box(0.05, 0.03, 0.05).moved(0, 0.14, 0.03),
                ]
            )
            out.append((nozzle.moved(y=h - 0.01), 3))
        if draw.chance(0.4):
            out.append((band([(1.01 * r, p.low * h), (1.01 * r, 0.8 * h)], n), 4))
        return out
    if variant == "watering can":
        return watering_can(draw, p, n)
    if variant == "fuel can":
        w, d, t = (0.2 + p.high) * h, 0.35 + 0.5 * p.out, p.thick + 0.01
        body = rounded(w, h, d, 0.4 * p.low) if draw.chance(0.7) else box(w, h, d)
        out = [(body.moved(y=h / 2), 0)]
        if draw.chance(0.6):
            out.append((both(boxes([[0.05, 0.2 * h, -d / 2 - 0.02]], [[0.4 * w, 0.75 * h, d / 2 + 0.02]])), 4))
        bars = 3 if draw.chance(0.5) else 1
        for z in np.linspace(-0.3, 0.3, bars) * d if bars > 1 else (0.0,):
            out.append((arch(0.55 * w, 0.1 + 0.3 * p.out, t, 12, 6).moved(-0.1 * w, h - 0.01, z), 2))
        cap = combine([cylinder(0.09, 0.08, 14), cylinder(0.11, 0.05, 14).moved(y=0.08)])
        out.append((cap.turned("z", -25).moved(0.38 * w, h - 0.04, 0), 1))
        if draw.chance(0.4):
            out.append((tube([(0.38 * w, h, 0), (0.5 * w, h + 0.2, 0), (0.75 * w, h + 0.35, 0)], 0.045, 8), 3))
        return out
    h *= {"food tin": 0.45 + p.out * 2, "paint can": 0.75, "drum": 1.0}[variant]
    rim = p.rim
    body = [(r, 0), (r + rim, 0.01), (r + rim, rim + 0.01), (r, 1.5 * rim)]
    if variant == "drum":
        swell = 0.4 * p.thick + 0.5 * rim
        for y in ((0.2 + 0.4 * p.low) * h, 0.9 * p.high * h):
            body += [(r, y - 1.5 * swell), (r + swell, y), (r, y + 1.5 * swell)]
    elif variant == "food tin" and draw.chance(0.5):
        ripple = np.linspace(0.25, 0.75, 2 * draw.integer("ribs", 2, 5) + 1) * h
        body += [(r + 0.4 * rim * (i % 2), y) for i, y in enumerate(ripple)]
    end = [(r, h - 1.5 * rim), (r + rim, h - rim), (r + rim, h), (r - 0.5 * rim, h)]
    opened = variant != "drum" and draw.chance(0.3)
    if opened:
        solid = hollow([*body, *end], 0.02, n)
        out: Pieces = cut(solid, h - 1.6 * rim, 0, 1)
        if draw.chance(0.6):
            lid = cylinder(0.96 * r, 0.015, n).moved(z=-0.96 * r).turned("x", -draw.rng.uniform(50, 100))
            out.append((lid.scaled(1, 1, -1).moved(0, h, -0.9 * r), 1))
    else:
        out = cut(revolved([*body, *end, (r - rim, h - rim)], (1, 1), n), h - 1.2 * rim, 0, 1)
    if variant == "paint can":
        if not opened:
            out.append((revolved([(0.88, 0), (0.88, 1), (0.8, 1), (0.76, 0.3)], (r, 1.2 * rim), n).moved(y=h - rim), 1))
        drop = draw.rng.uniform(0.1, 0.25) * h
        wire = arch(2 * r + 0.06, r * draw.rng.uniform(0.8, 1.3), 0.5 * p.thick + 0.006, 12, 6)
        wire = wire.turned("x", draw.rng.uniform(-110, 110) if draw.chance(0.5) else 0)
        out.append((wire.moved(y=h - drop), 2))
        out.append((both(cylinder(0.05, 0.05, 10).turned("z", -90).moved(r - 0.01, h - drop)), 2))
    elif variant == "drum":
        bungs = [cylinder(0.16 * r, 0.03, 10).moved(x, h - rim, 0) for x in (-0.6 * r, 0.65 * r)]
        out.append((combine(bungs), 1))
        if draw.chance(0.2):  # lying, without a label
            return turned(out, "z", 90)
    else:
        if not opened and draw.chance(0.5):
            pull = combine([torus(0.2 * r, 0.014, 12, 5), box(0.2 * r, 0.014, 0.12 * r).moved(0.25 * r)])
            out.append((pull.moved(0.3 * r, h - 0.5 * rim, 0), 1))
        if draw.chance(0.15):
            out += [(mesh.scaled(0.97, 1, 0.97).moved(y=h), part) for mesh, part in out]
    if draw.chance(0.4):
        out.append((band([(r + 0.5 * rim, 2 * rim), (r + 0.5 * rim, h - 2 * rim)], n), 4))
    return out


def watering_can(draw: Draw, p, n: int) -> Pieces:
    """Body with a long spout to +x and a handle over it or behind it."""
    r, h = p.radius, 0.5 * p.height
    curve = pick(
        draw, ([(1, 0), (0.95, 1)], [(1, 0), (1, 0.6), (0.6, 1)], [(0.7, 0), (1, 0.4), (0.8, 1)], [(1.1, 0), (0.6, 1)])
    ) * np.array([r, h])
    out: Pieces = [(hollow(curve, 0.02, n), 0)]
    reach, rise, t = r + 0.35 + p.out, h * (0.8 + p.high), p.thick + 0.012
    path = smooth(
        [(0.85 * curve[0][0], 0.25 * h, 0), (r + 0.15, 0.4 * h, 0), (reach - 0.05, rise - 0.05, 0), (reach, rise, 0)], 3
    )
    out.append((tube(path, np.linspace(0.09, 0.04, len(path)), 10), 3))
    if draw.chance(0.6):
        rose = frustum(0.045, 0.11 + 0.1 * p.low, 0.12, 14).turned("z", -50)
        out.append((rose.moved(reach, rise, 0), 3))
    top = curve[-1][0]
    if draw.chance(0.5):
        out.append((arch(1.9 * top, 0.25 + p.out, t, 12, 6).moved(y=h - 0.02), 2))
        if draw.chance(0.6):
            out.append((ear(curve, 0.5 * h, 0.7 * h, p.out, t).scaled(-1, 1, 1), 2))
    else:
        low = -0.97 * curve[0][0]
        arc = smooth([(0.4 * top, h, 0), (0, 1.5 * h, 0), (-r - p.out, 1.2 * h, 0), (low, 0.25 * h, 0)], 4)
        out.append((tube(arc, t, 6), 2))
    if draw.chance(0.6):
        half = [(top * np.cos(a), top * np.sin(a)) for a in np.linspace(0, np.pi, 11)]
        out.append((extrude(half, 0.02).turned("x", 90).moved(y=h), 1))
    return out


# Outside profile, the height where the neck begins, and the lids that go with it.
JARS = {
    "mason": ([(0.85, 0), (1, 0.06), (1, 0.68), (0.95, 0.78), (0.76, 0.86), (0.75, 1)], 0.82, "screw flat clamp"),
    "jam": ([(0.92, 0), (1, 0.06), (1, 0.8), (0.88, 0.9), (0.86, 1)], 0.88, "screw flat"),
    "apothecary": ([(0.9, 0), (1, 0.04), (1, 0.85), (0.8, 0.94), (0.8, 1)], 0.9, "dome stopper finial"),
    "ginger": ([(0.55, 0), (0.62, 0.15), (0.95, 0.55), (0.98, 0.72), (0.75, 0.88), (0.45, 0.92), (0.45, 1)], 0.9,
               "cap cap dome"),
    "cookie": ([(0.7, 0), (0.95, 0.2), (1.02, 0.5), (0.9, 0.85), (0.75, 0.95), (0.75, 1)], 0.93, "dome dome flat"),
    "amphora": ([(0.1, 0), (0.45, 0.2), (0.98, 0.55), (0.8, 0.72), (0.35, 0.8), (0.32, 0.95), (0.45, 1)], 0.78, "none"),
    "canister": ([(1, 0), (1, 0.5), (1, 1)], 0.93, "flat dome cork clamp"),
    "honey pot": ([(0.6, 0), (0.9, 0.3), (1, 0.6), (0.8, 0.86), (0.66, 0.9), (0.7, 1)], 0.88, "dome cork none"),
}  # fmt: skip


@family(
    "jar",
    ("body", "neck", "lid", "handle", "label"),
    tuple(JARS),
    synonyms=("mason jar", "glass jar", "cookie jar", "ginger jar", "jam jar"),
)
def jar(variant: str, draw: Draw) -> Pieces:
    """Wide-mouthed vessel, mostly with a lid."""
    p = draw(
        radius=(0.28, 0.5), height=(0.65, 1.25), wall=(0.015, 0.04), bulge=(0.9, 1.15), mouth=(0.85, 1.2),
        lid=(0.08, 0.2), thick=(0.02, 0.05), out=(0.08, 0.2), label=(0.3, 0.55),
    )  # fmt: skip
    controls, neck, lids = JARS[variant]
    r, h = p.radius, p.height * (1.25 if variant == "amphora" else 1.0)
    n = sides(draw, 0.35 if variant == "jam" else 0.1)
    if variant == "jam" and n < 24:
        n = pick(draw, (4, 6, 8))
    curve = np.asarray(controls if variant == "jam" else smooth(controls, 3)) * [r, h]
    # The belly and the mouth vary apart.
    y = curve[:, 1] / h
    curve[:, 0] *= 1 + (p.bulge - 1) * np.sin(np.pi * y.clip(0, 1)) + (p.mouth - 1) * 0.6 * (y > neck) * (neck < 0.92)
    body = hollow(with_ring(curve, neck * h), p.wall, n)
    waves = n == 24 and draw.chance(0.12)
    if waves:
        body = fluted(body, draw.integer("flutes", 8, 14), 0.025)
    out = cut(body, neck * h, 0, 1)
    rim, lid = curve[-1][0], pick(draw, tuple(lids.split()))
    squat = variant in ("jam", "canister", "mason") and draw.chance(0.2)
    if draw.chance(0.85) and lid != "none":
        out.append((cover(lid, rim, p.lid, n).moved(y=h), 2))
        if lid == "clamp":  # a wire over the lid, closed at the front and hinged behind
            ends = [(0, 0.8 * h, 1.02 * curve[:, 0].max()), (0, h + p.lid * 0.4, rim + 0.05), (0, h + 0.02, 0)]
            wire = tube([*ends, *[(x, y, -z) for x, y, z in ends[1::-1]]], 0.5 * p.thick, 6)
            out.append((combine([wire, band([(rim + 0.03, h - 0.06), (rim + 0.03, h - 0.03)], n)]), 3))
    if variant == "amphora" or (variant in ("cookie", "honey pot", "ginger") and draw.chance(0.35)):
        size = (0.36 if variant == "amphora" else 0.3) * h
        middle = 0.77 * h if variant == "amphora" else 0.55 * h
        out.append((both(ear(curve, middle, size, p.out * (1.1 if variant == "amphora" else 0.7), p.thick, 0.8)), 3))
    if variant == "amphora":
        if draw.chance(0.6):  # a ring to stand on, without which it would fall over
            out.append((revolved([(0.45 * r, 0), (0.25 * r, 0.06 * h), (0.2 * r, 0.1 * h)], (1, 1), n), 3))
    elif variant == "apothecary" and draw.chance(0.4):
        stem = [(0.8 * r, 0), (0.75 * r, 0.03), (0.2 * r, 0.06), (0.15 * r, 0.14), (0.4 * r, 0.2)]
        out = [*moved(out, y=0.19), (revolved(stem, (1, 1), n), 3)]
    elif variant in ("mason", "jam", "canister") and not waves and draw.chance(0.35):
        wide = np.interp([0.45 * h - p.label * 0.5 * h, 0.45 * h + 0.5 * p.label * h], curve[:, 1], curve[:, 0]).max()
        edge = [(wide + 0.006, (0.45 - 0.5 * p.label) * h), (wide + 0.006, (0.45 + 0.5 * p.label) * h)]
        out.append((band(edge, n), 4))
    if n == 4:
        out = [(mesh.turned("y", 45), part) for mesh, part in out]
    elif squat:
        out = [(squared(mesh, 0.5), part) for mesh, part in out]
    return out


def cover(kind: str, r: float, size: float, n: int) -> Mesh:
    """Lid for a mouth of radius r whose edge lies in y = 0; `size` is about its height."""
    if kind in ("screw", "clamp"):
        edge = [(1.06, -0.9), (1.08, -0.85), (1.08, 0.05), (1.0, 0.15)] if kind == "screw" else [(1.05, 0), (1, 0.4)]
        return revolved(edge, (r, size), n)
    ball = ellipsoid(0.2 * r, 0.2 * r, 0.2 * r, 10)
    if kind == "flat":
        return combine([revolved([(1.05, -0.02), (1.05, 0.25), (0.95, 0.35)], (r, size), n), ball.moved(y=0.4 * size)])
    if kind == "cap":
        edge = smooth([(1.12, -0.5), (1.12, 0.3), (0.85, 0.75), (0.3, 0.95)], 3)
        return combine([revolved(edge, (r, size), n), ball.scaled(0.7).moved(y=size)])
    if kind == "cork":
        return revolved([(0.9, -0.3), (1.0, 0.7)], (r, size), n)
    if kind == "stopper":
        edge = [(0.85, -0.3), (0.9, 0), (1.1, 0.05), (1.1, 0.2), (0.3, 0.4), (0.25, 0.7)]
        return combine([revolved(edge, (r, size), n), ball.scaled(1.6).moved(y=0.8 * size + 0.2 * r)])
    dome = revolved(smooth([(1.06, -0.02), (1.02, 0.15), (0.75, 0.55), (0.2, 0.75)], 3), (r, size), n)
    if kind == "finial":
        return combine([dome, revolved([(0.12, 0.7), (0.1, 0.9), (0.3, 1.1), (0.05, 1.8)], (r, size), 10)])
    return combine([dome, ball.moved(y=0.75 * size + 0.12 * r)])
