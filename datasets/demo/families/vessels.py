"""Surfaces of revolution that hold something: bottles, bowls, mugs, vases."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import both, cut, hollow, loop, sleeve, smooth
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, frustum, tube


@family("bottle", parts=("body", "neck", "cap"), variants=("wine", "plastic", "flask", "jar"))
def bottle(variant: str, draw: Draw) -> Pieces:
    """Body that narrows to a neck, with a cap or open."""
    d = draw(
        radius=(0.14, 0.3), shoulder=(0.45, 0.7), neck=(0.25, 0.45), slope=(0.08, 0.25), cap=(0.05, 0.14),
        waist=(0.7, 1.0), bottom=(0.75, 1.0), squash=(0.5, 1.0),
    )  # fmt: skip
    r, n, s = d.radius, d.radius * d.neck, d.shoulder
    top, lid = 1.0, d.cap
    if variant == "wine":
        r, n = 0.75 * r, 0.85 * n
    if variant == "wine":
        profile = [
            (0.95 * r, 0),
            *smooth([(r, 0.03), (r, s), (0.8 * r, s + 0.3 * d.slope), (n, s + d.slope), (0.9 * n, top)]),
        ]
        profile += [(1.2 * n, top), (1.2 * n, top + 0.04)]
    elif variant == "plastic":
        curve = smooth(
            [
                (d.bottom * r, 0),
                (r, 0.06),
                (d.waist * r, 0.5 * s),
                (r, s),
                (0.75 * r, s + 0.6 * d.slope),
                (n, s + d.slope),
            ]
        )
        profile = [*curve, (n, s + d.slope + 0.06)]
    elif variant == "flask":
        profile = [
            *smooth([(d.bottom * r, 0), (r * 1.2, 0.3 * s), (r, 0.8 * s), (n, s + 0.5 * d.slope), (n, s + d.slope)])
        ]
        profile += [(n, min(s + d.slope + 0.1, 1))]
    else:
        r *= 1.3
        n = r * (0.65 + 0.6 * (d.neck - 0.25))
        profile = [
            (d.bottom * r, 0),
            *smooth([(r, 0.05), (r, s), (n, s + 0.3 * d.slope)]),
            (n, s + 0.3 * d.slope + 0.05),
        ]
    top = profile[-1][1]
    joint = {
        "wine": s + 0.8 * d.slope,
        "plastic": s + 0.8 * d.slope,
        "flask": s + 0.6 * d.slope,
        "jar": s + 0.3 * d.slope,
    }[variant]
    out = cut(hollow(profile, 0.018), joint, 0, 1)
    rim = profile[-1][0]
    if draw.chance(0.65 if variant != "wine" else 0.4):
        kind = {
            "wine": frustum(0.8 * rim, 0.7 * rim, lid * 0.7).moved(0, top),
            "plastic": frustum(1.2 * rim, 1.15 * rim, 0.6 * lid + 0.05).moved(0, top - 0.05),
            "flask": combine(
                [
                    frustum(0.85 * rim, 1.1 * rim, 0.06),
                    ellipsoid(1.3 * rim, 0.6 * lid, 1.3 * rim, 14).moved(0, 0.06 + 0.5 * lid),
                ]
            ).moved(0, top - 0.03),
            "jar": frustum(1.08 * rim, 1.05 * rim, lid + 0.04).moved(0, top - 0.04),
        }[variant]
        out.append((kind, 2))
    if variant == "plastic" and draw.chance(0.2):  # a spray or pump
        pump = [cylinder(0.35 * n, 0.16, 10), box(0.06, 0.05, 0.3 * r + 0.16).moved(0, 0.17, 0.25 * r)]
        out.append((combine(pump).moved(0, top), 2))
    flat = d.squash if variant in ("flask", "plastic") and draw.chance(0.5) else 1
    return [(mesh.scaled(1, 1, flat), part) for mesh, part in out]


@family("bowl", parts=("wall", "foot", "rim"), variants=("round", "conical", "flared", "square"))
def bowl(variant: str, draw: Draw) -> Pieces:
    """Open vessel wider than its foot, from a dish to a deep bowl."""
    d = draw(
        radius=(0.35, 0.6), height=(0.15, 0.6), foot=(0.3, 0.65), foot_height=(0.02, 0.09), wall=(0.015, 0.045),
        belly=(0.3, 0.55), lip=(0.01, 0.05),
    )  # fmt: skip
    r, h, f = d.radius, d.height, d.foot * d.radius
    y = d.foot_height
    curve = {
        "round": [(f, 0), (r * (0.6 + 0.4 * d.foot), d.belly * 0.5 * h), (r * 0.97, d.belly * 1.6 * h), (r, h)],
        "conical": [(f, 0), (f + 0.55 * (r - f), 0.5 * h), (r, h)],
        "flared": [(f, 0), (0.8 * r, d.belly * 0.6 * h), (0.85 * r, 0.75 * h), (r, h)],
        "square": [(0.8 * r, 0), (0.95 * r, d.belly * h), (r, h)],
    }[variant]
    segments = 4 if variant == "square" else draw.integer("sides", 6, 9) if draw.chance(0.15) else 26
    body = hollow(smooth(curve), d.wall, segments).moved(0, y)
    foot = hollow([(0.92 * f, 0), (0.85 * f, y + 0.01)], 0.03, segments)
    if variant == "square":
        foot = foot.scaled(0.9)
    out = [(body, 0), (foot, 1)]
    if draw.chance(0.6):
        edge = (r - d.wall, r + 0.6 * d.lip)
        out.append((sleeve(edge, edge, d.lip + 0.01, segments).moved(0, y + h - d.lip), 2))
    if variant == "square":
        long = 0.6 + 0.8 * (d.foot - 0.3)
        out = [(mesh.turned("y", 45).scaled(1, 1, long), part) for mesh, part in out]
    return out


@family("mug", parts=("body", "handle"), variants=("straight", "rounded", "tapered", "stein"))
def mug(variant: str, draw: Draw) -> Pieces:
    """Cup with a handle at its side."""
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


@family(
    "vase", parts=("body", "neck", "foot", "handle"), variants=("bulb", "amphora", "cylinder", "trumpet", "faceted")
)
def vase(variant: str, draw: Draw) -> Pieces:
    """Vase with a belly and a neck, at times with handles."""
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
