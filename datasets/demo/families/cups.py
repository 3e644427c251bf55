"""Mugs and vases."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, squared
from datasets.demo.families.foliage import foliage, greenery
from datasets.demo.families.forms import both, cut, hollow, loop, smooth
from datasets.demo.mesh import Mesh, box, combine, ellipsoid, frustum, lathe, torus, tube

DEMO_MUGS = ("straight", "rounded", "tapered", "stein")


@family(
    "mug", parts=("body", "handle", "lid", "saucer"), variants=DEMO_MUGS,
    more=("travel", "teacup", "enamel", "square", "barrel", "espresso", "bent", "with spoon", "latte"),
    synonyms=("coffee mug", "coffee cup", "tea mug"),
)  # fmt: skip
def mug(variant: str, draw: Draw) -> Pieces:
    """Cup with a handle at its side."""
    if variant not in DEMO_MUGS:
        return _more_mug(variant, draw)
    d = draw(
        radius=(0.28, 0.5), height=(0.5, 1.1), wall=(0.02, 0.05), top=(1.05, 1.5), belly=(1.05, 1.25),
        out=(0.14, 0.34), size=(0.45, 0.75), thick=(0.03, 0.065), bend=(0.5, 1.0),
    )  # fmt: skip
    r, h = d.radius, d.height
    curve = {
        "straight": [(0.94 * r, 0), (r, 0.04 * h), (r, h)],
        "rounded": smooth([(0.6 * r, 0), (d.belly * r, 0.4 * h), (r, h)]),
        "tapered": [(0.75 * r, 0), (0.75 * d.top * r, h)],
        "stein": [
            (1.1 * r, 0),
            (1.1 * r, 0.08 * h),
            (0.95 * r, 0.1 * h),
            (0.85 * r, 0.9 * h),
            (0.92 * r, 0.92 * h),
            (0.92 * r, h),
        ],
    }[variant]
    if draw.chance(0.3):
        curve = [(0.7 * curve[0][0], -0.05), (0.75 * curve[0][0], 0), *curve]
    y = 0.52 * h
    size = d.size * h
    edge = np.interp([y - size / 2, y, y + size / 2], *np.asarray(curve)[:, ::-1].T)
    grip = loop(edge[1] - d.wall, y, d.out, size, d.thick, d.bend)
    lean = np.interp(grip.vertices[:, 1], [y - size / 2, y, y + size / 2], edge - edge[1])
    v = grip.vertices.copy()
    v[:, 0] += lean
    return [
        (hollow(curve, d.wall, draw.integer("sides", 6, 8) if draw.chance(0.1) else 26), 0),
        (Mesh(v, grip.faces, grip.part).scaled(1, 1, 1.4), 1),
    ]


# Each: the outside profile, and which shape the handle has: round, angular, a ring or hanging from the rim.
MUGS = {
    "travel": ([(0.75, 0), (0.8, 0.05), (0.82, 0.4), (1, 0.45), (1.02, 1)], "round"),
    "teacup": ([(0.45, 0), (0.5, 0.06), (0.85, 0.35), (1.0, 0.7), (1.12, 1)], "ring"),
    "enamel": ([(0.92, 0), (1, 0.06), (1, 1)], "angular"),
    "square": ([(0.95, 0), (1, 0.05), (1, 1)], "angular"),
    "barrel": ([(0.85, 0), (1.08, 0.3), (1.1, 0.6), (0.9, 1)], "round"),
    "espresso": ([(0.6, 0), (0.85, 0.2), (0.95, 0.6), (1, 1)], "ring"),
    "bent": ([(0.95, 0), (0.8, 0.35), (0.8, 0.6), (1.05, 1)], "ear"),
    "with spoon": ([(0.9, 0), (0.98, 0.08), (1, 1)], "round"),
    "latte": ([(0.6, 0), (0.65, 0.06), (0.85, 0.5), (1.05, 1)], "ear"),
}


def _more_mug(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.36, 0.48), height=(0.75, 1.1), wall=(0.02, 0.045), out=(0.16, 0.34), size=(0.45, 0.75),
        thick=(0.03, 0.06), bulge=(0.92, 1.08),
    )  # fmt: skip
    profile, grip = MUGS[variant]
    low = {"teacup": 0.65, "espresso": 0.75, "travel": 1.35, "latte": 1.25}.get(variant, 1.0)
    r, h = d.radius * (1.2 if variant == "teacup" else 1), d.height * low
    curve = np.array(profile) * [r, h]
    curve[1:-1, 0] *= d.bulge
    if variant not in ("travel", "enamel", "square"):
        curve = smooth(curve)
    body = hollow(curve, d.wall, 26)
    if variant == "square":
        body = squared(body, 0.45)
    out: Pieces = [(body, 0)]
    y, size = 0.52 * h, d.size * h * (0.8 if grip == "ring" else 1)
    edge = np.interp([y - size / 2, y, y + size / 2], curve[:, 1], curve[:, 0])
    if grip == "angular":
        x = edge[1] - d.wall
        arm = tube(
            [(x, y + size / 2, 0), (x + d.out, y + size / 2, 0), (x + d.out, y - size / 2, 0), (x, y - size / 2, 0)],
            d.thick,
            6,
        )
    elif grip == "ring":
        arm = torus(0.3 * size + 0.05, d.thick * 0.7, 16, 7).turned("x", 90).moved(edge[1] + 0.25 * size, y + 0.1 * h)
    elif grip == "ear":
        x = edge[2] - d.wall
        arm = tube(
            smooth(
                [(x, 0.85 * h, 0), (x + d.out, 0.9 * h, 0), (x + 0.9 * d.out, 0.55 * h, 0), (edge[0], y - size / 2, 0)],
                4,
            ),
            d.thick,
            8,
        )
    else:
        arm = loop(edge.min() - d.wall, y, d.out + np.ptp(edge), size, d.thick, 0.7)
    if variant != "travel" or draw.chance(0.6):
        out.append((arm.scaled(1, 1, 1.3), 1))
    if variant == "travel":
        top = curve[-1, 0]
        lid = lathe([(0, -0.04), (1.04 * top, -0.04), (1.04 * top, 0.05), (0.8 * top, 0.1), (0, 0.1)], 26)
        out.append((combine([lid, box(0.12, 0.04, 0.08).moved(0, 0.11, 0.5 * top)]).moved(y=h), 2))
    elif variant == "enamel":
        out.append((torus(r, 0.02, 26, 6).moved(y=h), 0))
    if variant in ("teacup", "espresso", "latte") and draw.chance(0.6):
        s = 1.7 * r
        out.append(
            (
                lathe([(0, 0), (0.55 * s, 0), (s, 0.09), (0.98 * s, 0.11), (0.5 * s, 0.03), (0, 0.03)], 28).moved(
                    y=-0.03
                ),
                3,
            )
        )
    if variant == "with spoon" or draw.chance(0.08):
        spoon = [tube([(0, 0, 0), (0.1, 1.2 * h, 0)], 0.02, 6), ellipsoid(0.06, 0.1, 0.02, 8).moved(0.0, 0.02)]
        out.append((combine(spoon).turned("z", -10).moved(-0.2 * r, 0.15 * h, 0.1 * r), 2))
    return out


# Profiles in (radius, height), the radius in that of the belly.
VASES = {
    "bottle-shaped": [(0.7, 0), (1, 0.22), (0.9, 0.42), (0.3, 0.62), (0.22, 0.9), (0.32, 1)],
    "ginger jar": [(0.62, 0), (0.7, 0.12), (1, 0.62), (0.9, 0.82), (0.5, 0.92), (0.52, 1)],
    "gourd": [(0.75, 0), (1, 0.2), (0.75, 0.42), (0.45, 0.52), (0.62, 0.72), (0.3, 0.88), (0.36, 1)],
    "hourglass": [(0.95, 0), (1, 0.08), (0.6, 0.45), (0.5, 0.55), (0.85, 0.9), (1, 1)],
    "square": [(0.95, 0), (1, 0.04), (0.95, 0.5), (1, 1)],
    "ball": [(0.45, 0), (0.95, 0.25), (1, 0.5), (0.85, 0.8), (0.4, 0.95), (0.45, 1)],
    "tulip": [(0.5, 0), (0.62, 0.1), (1, 0.4), (0.8, 0.7), (0.7, 0.82), (0.98, 1)],
    "urn": [
        (0.5, 0),
        (0.5, 0.05),
        (0.25, 0.12),
        (0.3, 0.2),
        (0.85, 0.45),
        (1, 0.65),
        (0.75, 0.82),
        (0.65, 0.9),
        (0.95, 1),
    ],
    "ringed": [(0.8, 0), (1, 0.12), (0.8, 0.25), (0.98, 0.37), (0.78, 0.5), (0.95, 0.62), (0.7, 0.75), (0.6, 1)],
    "twisted": [(0.7, 0), (1, 0.4), (0.8, 0.75), (0.95, 1)],
}
DEMO_VASES = ("bulb", "amphora", "cylinder", "trumpet", "faceted")


@family(
    "vase", parts=("body", "neck", "foot", "handle", "flowers"), variants=DEMO_VASES,
    more=(*VASES, "with flowers", "pitcher-like", "pair"),
    synonyms=("flower vase", "urn"),
)  # fmt: skip
def vase(variant: str, draw: Draw) -> Pieces:
    """Vase with a belly and a neck, at times with handles."""
    if variant not in DEMO_VASES:
        return _more_vase(variant, draw)
    d = draw(
        radius=(0.18, 0.42), belly=(0.3, 0.65), neck=(0.25, 0.7), lip=(0.4, 1.05), foot=(0.4, 0.8),
        neck_at=(0.72, 0.88), wall=(0.015, 0.035), plinth=(0.02, 0.08),
    )  # fmt: skip
    r, n, f = d.radius, d.radius * d.neck, d.radius * d.foot
    p, top = d.plinth, d.neck_at
    curve = {
        "bulb": [(f, p), (r, d.belly), (n, top), (max(n, d.lip * r), 1)],
        "amphora": [(0.8 * f, p), (0.85 * r, 0.7 * d.belly), (r, d.belly + 0.06), (n, top), (n, 0.93), (1.3 * n, 1)],
        "cylinder": [(0.9 * r, p), (r, 0.1), (r, 0.5), (0.95 * r, 0.9), (d.lip * 0.3 * r + 0.7 * r, 1)],
        "trumpet": [(0.7 * f, p), (0.6 * n, 0.3), (0.75 * n, 0.6), (max(1.2 * n, 0.7 * r), 0.85), (r, 1)],
        "faceted": [(f, p), (r, d.belly), (n, top), (max(n, d.lip * r), 1)],
    }[variant]
    faceted = variant == "faceted"
    segments = draw.integer("sides", 4, 9) if faceted else 26
    shell = hollow(curve if faceted else smooth(curve, 5), d.wall, segments)
    if draw.chance(0.25) and not faceted:  # fluted
        k = draw.integer("flutes", 6, 13)
        v = shell.vertices.copy()
        v[:, [0, 2]] *= 1 + 0.05 * np.cos(k * np.arctan2(v[:, 0], v[:, 2]))[:, None]
        shell = Mesh(v, shell.faces, shell.part)
    base = curve[0][0]
    out = [*cut(shell, 0.97 * top, 0, 1), (frustum(1.1 * base, base, p + 0.005, segments), 2)]
    if variant == "amphora" or (variant == "bulb" and draw.chance(0.2)):
        path = smooth(
            [
                (0.8 * r, d.belly + 0.05, 0),
                (1.1 * r, 0.5 * (d.belly + 0.95), 0),
                (n + 0.4 * (r - n) + 0.05, 0.95, 0),
                (0.95 * n, 0.93, 0),
            ],
            3,
        )
        out.append((both(tube(path, 0.02 + 0.04 * r, 8)), 3))
    return out


def _more_vase(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.2, 0.4), wall=(0.012, 0.03), shift=(-0.08, 0.08), lip=(0.85, 1.3), neck=(0.8, 1.25), foot=(0.8, 1.2),
        depth=(0.02, 0.08),
    )  # fmt: skip
    if variant == "pair":
        kinds = list(VASES)
        out = []
        for k in range(draw.integer("vases", 2, 3)):
            size = draw.rng.uniform(0.5, 1.0)
            own = _more_vase(kinds[draw.integer("kind", 0, len(kinds) - 1)], draw)
            out += [(mesh.scaled(size).moved(0.75 * k, 0, -0.2 * (k % 2)), part) for mesh, part in own]
        return out
    name = variant
    if variant in ("with flowers", "pitcher-like"):
        names = [kind for kind in VASES if kind not in ("square", "twisted")]
        name = names[draw.integer("kind", 0, len(names) - 1)]
    profile = np.array(VASES[name], dtype=float)
    profile[0, 0] *= d.foot
    profile[-1, 0] *= d.lip
    profile[(profile[:, 1] > 0.6) & (profile[:, 0] < 0.6), 0] *= d.neck
    profile[1:-1, 1] = (profile[1:-1, 1] + d.shift * np.sin(np.pi * profile[1:-1, 1])).clip(0.02, 0.98)
    plain = name == "square" or draw.chance(0.15)
    curve = (profile if plain else smooth(profile, 4)) * [d.radius, 1]
    body = hollow(curve, d.wall, 28 if name != "twisted" else 32)
    v = body.vertices.copy()
    if name == "square":
        body = squared(body, 0.3)
    elif name == "twisted" or draw.chance(0.15):
        k = draw.integer("ribs", 4, 12)
        turn = draw.rng.uniform(-4, 4) if name == "twisted" else 0.0
        v[:, [0, 2]] *= (
            1 + (0.06 + d.depth) * np.cos(k * np.arctan2(v[:, 0], v[:, 2]) + turn * k * v[:, 1] / 3)[:, None]
        )
        body = Mesh(v, body.faces, body.part)
    high = profile[:, 1] > 0.55
    joint = float(profile[high][profile[high, 0].argmin(), 1]) - 0.02
    out: Pieces = cut(body, min(joint, 0.93), 0, 1)
    base = curve[0, 0]
    plinth = frustum(1.12 * base, base, 0.03 + d.depth, 28)
    out.append(((squared(plinth, 0.3) if name == "square" else plinth).moved(y=-0.02 - d.depth), 2))
    belly = float(curve[:, 0].max())
    if variant == "pitcher-like" or (name in ("urn", "ginger jar", "bottle-shaped") and draw.chance(0.4)):
        y = (0.5, 0.9)
        x = np.interp(y, curve[:, 1], curve[:, 0])
        path = smooth(
            [(x[0] * 0.97, y[0], 0), (belly * 1.15, 0.62, 0), (belly * 1.05, 0.85, 0), (x[1] * 0.95, y[1], 0)], 4
        )
        arm = tube(path, 0.012 + 0.03 * belly + 0.01, 7)
        out.append((both(arm) if variant != "pitcher-like" else arm, 3))
    if variant == "with flowers":
        kind = draw.integer("bunch", 0, 2)
        grown = (
            foliage("flowers", draw, 0.8 * belly, 0.7)
            if kind == 0
            else greenery(("twigs", "orchid")[kind - 1], draw, belly, 0.9)
        )
        out += [(mesh.moved(y=0.75), 4) for mesh, _ in grown]
    return out
