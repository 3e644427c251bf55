"""Bottles and bowls."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, squared
from datasets.demo.families.forms import around, both, copies, cut, golden, hollow, loop, sleeve, smooth
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, frustum, lathe, torus, tube

# Profiles in (radius, height): radii in those of the body, which are drawn, heights in 0..1.
BOTTLES = {
    "beer": [(0.96, 0), (1, 0.03), (1, 0.5), (0.85, 0.6), (0.42, 0.75), (0.36, 0.97), (0.42, 0.97), (0.42, 1)],
    "champagne": [(0.97, 0), (1, 0.04), (1, 0.38), (0.8, 0.52), (0.38, 0.78), (0.3, 0.95), (0.38, 0.95), (0.38, 1)],
    "cola": [(0.85, 0), (1, 0.06), (0.98, 0.2), (0.8, 0.35), (0.95, 0.52), (0.8, 0.7), (0.42, 0.88), (0.38, 1)],
    "jug": [(0.9, 0), (1, 0.05), (1, 0.6), (0.8, 0.75), (0.3, 0.88), (0.28, 1)],
    "pill": [(0.97, 0), (1, 0.03), (1, 0.72), (0.82, 0.8), (0.8, 1)],
    "perfume": [(0.9, 0), (1, 0.05), (1, 0.62), (0.9, 0.7), (0.25, 0.72), (0.25, 1)],
    "water": [(0.9, 0), (1, 0.05), (0.96, 0.15), (1, 0.25), (0.9, 0.45), (1, 0.6), (0.75, 0.78), (0.4, 0.88), (0.4, 1)],
    "decanter": [(0.8, 0), (1, 0.12), (0.85, 0.35), (0.3, 0.55), (0.26, 0.85), (0.45, 1)],
    "sauce": [(0.85, 0), (1, 0.06), (0.95, 0.5), (0.6, 0.68), (0.32, 0.8), (0.3, 1)],
    "spirits": [(0.97, 0), (1, 0.03), (1, 0.6), (0.88, 0.68), (0.3, 0.72), (0.28, 1)],
    "vial": [(0.6, 0), (1, 0.04), (1, 0.68), (0.5, 0.76), (0.5, 0.92), (0.65, 0.92), (0.65, 1)],
}
# How tall a bottle is over its radius, and what closes it.
BUILDS = {
    "beer": (5.5, "crown"), "champagne": (5.8, "cork"), "cola": (5.5, "crown"), "jug": (3.6, "screw"),
    "pill": (3.4, "wide"), "perfume": (3.0, "ball"), "water": (5.4, "screw"), "decanter": (3.4, "ball"),
    "sauce": (4.6, "nozzle"), "spirits": (4.6, "cork"), "vial": (4.2, "wide"),
}  # fmt: skip
DEMO_BOTTLES = ("wine", "plastic", "flask", "jar")


@family(
    "bottle", parts=("body", "neck", "cap", "label"), variants=DEMO_BOTTLES,
    more=(*BOTTLES, "canister", "pump", "baby", "pack"),
    synonyms=("flask", "glass bottle", "plastic bottle"),
)  # fmt: skip
def bottle(variant: str, draw: Draw) -> Pieces:
    """Body that narrows to a neck, with a cap or open."""
    if variant not in DEMO_BOTTLES:
        return _more_bottle(variant, draw)
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


# Profiles of what closes a neck, the rim at height 0: radii in the neck's, heights in the size of the closure.
CLOSURES = {
    "screw": [(0, -1), (1.15, -1), (1.15, 0.3), (1.05, 0.4), (0, 0.4)],
    "wide": [(0, -0.8), (1.2, -0.8), (1.2, 1), (1.1, 1.1), (0, 1.1)],
    "crown": [(0, -0.3), (1.2, -0.3), (1.05, 0.15), (0, 0.25)],
    "cork": [(0, -1), (0.75, -1), (0.85, 0.6), (1.2, 0.6), (1.1, 1.1), (0, 1.2)],
    "ball": [(0, -0.5), (0.7, -0.5), (0.7, 0.3), (1.7, 1), (1.9, 1.6), (1.2, 2.4), (0, 2.6)],
    "nozzle": [(0, -0.4), (1.2, -0.4), (1.1, 0.6), (0.4, 0.9), (0.2, 2.6), (0, 2.6)],
}


def closure(kind: str, radius: float, size: float) -> Mesh:
    """What closes a neck of that outer radius, whose rim is at y = 0."""
    return lathe(np.array(CLOSURES[kind]) * [radius, size], 16)


def _more_bottle(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.85, 1.2), waist=(0.9, 1.1), neck=(0.8, 1.2), shoulder=(-0.06, 0.06), cap=(0.04, 0.09),
        squash=(0.45, 0.9), label=(0.15, 0.4),
    )  # fmt: skip
    if variant == "pack":  # several side by side
        kind = ("beer", "cola", "water")[draw.integer("kind", 0, 2)]
        one = _more_bottle(kind, draw)
        wide = 2.1 * max(float(np.abs(mesh.vertices[:, [0, 2]]).max()) for mesh, _ in one)
        rows, columns = draw.integer("rows", 1, 2), draw.integer("columns", 2, 3)
        at = [
            ((i - (columns - 1) / 2) * wide, 0, (j - (rows - 1) / 2) * wide)
            for i in range(columns)
            for j in range(rows)
        ]
        return [(copies(mesh, at), part) for mesh, part in one]
    if variant == "canister":
        w, h, z = 0.5 * d.radius, 0.75 * d.waist, 0.3 * d.neck
        body = squared(hollow([(0.92, 0), (1, 0.05), (1, 0.75), (0.6, 0.95)], 0.05, 24), 0.35).scaled(w / 2, h, z / 2)
        neck = hollow([(0.07, 0), (0.07, 0.1)], 0.012, 14).moved(0.22 * w, 0.93 * h)
        grip = tube(
            [(-0.35 * w, 0.82 * h, 0), (-0.3 * w, h + 0.1, 0), (0.05 * w, h + 0.1, 0), (0.1 * w, 0.9 * h, 0)], 0.035, 8
        )
        return [
            (combine([body, grip]), 0),
            (neck, 1),
            (closure("screw", 0.07, d.cap).moved(0.22 * w, 0.93 * h + 0.1), 2),
        ]
    if variant in ("pump", "baby"):
        profile = [(0.95, 0), (1, 0.04), (1, 0.62), (0.75, 0.72), (0.45, 0.75), (0.45, 0.82)]
        if variant == "baby":
            profile = [(0.95, 0), (1, 0.04), (d.waist * 0.85, 0.35), (1, 0.7), (0.9, 0.75), (0.9, 0.8)]
        tall, closing = 3.6, "screw"
    else:
        profile = BOTTLES[variant]
        tall, closing = BUILDS[variant]
    r = d.radius / tall
    profile = np.array(profile, dtype=float)
    middle = (profile[:, 1] > 0.05) & (profile[:, 1] < 0.6) & (profile[:, 0] > 0.5)
    profile[middle & (np.arange(len(profile)) % 2 == 0), 0] *= d.waist
    profile[profile[:, 0] < 0.5, 0] *= d.neck
    inner = (profile[:, 1] > 0.3) & (profile[:, 1] < 0.9)
    profile[inner, 1] += d.shoulder * (1 - np.abs(profile[inner, 1] - 0.6) / 0.3)
    angular = draw.chance(0.25)
    curve = (
        profile
        if angular or variant in ("spirits", "perfume", "pill", "vial")
        else np.concatenate([profile[:1], smooth(profile[1:-2], 3), profile[-2:]])
    )
    segments = draw.integer("sides", 4, 8) if draw.chance(0.12) else 22
    body = hollow(curve * [r, 1], 0.012 if r > 0.1 else 0.006, segments)
    joint = float(profile[profile[:, 0] > 0.55, 1].max()) - 0.01
    out = cut(body, min(joint, 0.93), 0, 1)
    rim = float(curve[-1, 0]) * r
    if variant == "pump":
        out.append(
            (
                combine(
                    [
                        closure("screw", rim, d.cap),
                        cylinder(0.3 * rim, 0.12, 8),
                        box(0.06, 0.04, r + 0.08).moved(0, 0.13, 0.4 * r),
                    ]
                ).moved(y=0.82),
                2,
            )
        )
    elif variant == "baby":
        teat = [
            (0, -0.06),
            (1.1 * rim, -0.06),
            (1.1 * rim, 0.02),
            (0.7 * rim, 0.04),
            (0.45 * rim, 0.1),
            (0.25 * rim, 0.18),
            (0, 0.2),
        ]
        out.append((lathe(teat, 18).moved(y=0.8), 2))
    elif draw.chance(0.65):
        out.append((closure(closing, rim, d.cap).moved(y=1), 2))
    if draw.chance(0.3) and variant != "jug":
        low = 0.15 + 0.3 * d.label * (0.5 - d.cap)
        y = np.clip([low, low + d.label], 0.06, 0.6)
        edge = np.interp(y, curve[:, 1], curve[:, 0]) * r
        out.append(
            (
                sleeve((edge[0], edge[0] * 1.02), (edge[1], edge[1] * 1.02), float(y[1] - y[0]), segments).moved(
                    y=float(y[0])
                ),
                3,
            )
        )
    if variant == "jug" or (variant == "sauce" and draw.chance(0.3)):
        out.append((loop(0.25 * r, 0.8, 0.7 * r, 0.28, 0.022), 0))
    if variant in ("perfume", "spirits") or draw.chance(0.12):
        out = [(squared(mesh, 0.35) if variant != "beer" and part == 0 else mesh, part) for mesh, part in out]
        out = [(mesh.scaled(1, 1, d.squash), part) for mesh, part in out]
    return out


DEMO_BOWLS = ("round", "conical", "flared", "square")


@family(
    "bowl", parts=("wall", "foot", "rim", "content"), variants=DEMO_BOWLS,
    more=("dish", "footed", "handled", "lobed", "full", "stack", "oval", "mortar", "pet", "with lid"),
    synonyms=("dish", "mixing bowl", "salad bowl", "soup bowl"),
)  # fmt: skip
def bowl(variant: str, draw: Draw) -> Pieces:
    """Open vessel wider than its foot, from a dish to a deep bowl."""
    if variant not in DEMO_BOWLS:
        return _more_bowl(variant, draw)
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


def _more_bowl(variant: str, draw: Draw) -> Pieces:
    d = draw(
        radius=(0.4, 0.6), height=(0.2, 0.5), foot=(0.35, 0.65), foot_height=(0.02, 0.08), wall=(0.012, 0.035),
        belly=(0.3, 0.6), lip=(0.02, 0.08),
    )  # fmt: skip
    r, h, f, y = d.radius, d.height, d.foot * d.radius, d.foot_height
    if variant == "dish":
        h = 0.35 * h
    elif variant in ("mortar", "pet"):
        h = 0.55 + 0.4 * h if variant == "mortar" else 0.6 * h
    elif variant == "footed":
        y = 0.2 + 3 * d.foot_height
    controls = [(f, 0), (r * (0.7 + 0.3 * d.foot), d.belly * 0.6 * h), (r * 0.97, d.belly * 1.6 * h), (r, h)]
    if variant == "pet":
        controls = [(r, 0), (0.92 * r, 0.5 * h), (0.85 * r, h)]
    body = hollow(smooth(controls), d.wall * (2 if variant in ("mortar", "pet") else 1), 28)
    foot = (
        hollow([(0.95 * f, 0), (0.85 * f, y + 0.01)], 0.025, 26)
        if variant != "footed"
        else lathe(
            [
                (0, 0),
                (f, 0),
                (0.9 * f, 0.15 * y),
                (0.2 * r, 0.4 * y),
                (0.18 * r, 0.8 * y),
                (0.5 * f, y + 0.02),
                (0, y + 0.02),
            ],
            22,
        )
    )
    out: Pieces = [(body.moved(y=y), 0), (foot, 1)]
    if variant == "lobed":
        k = draw.integer("lobes", 5, 14)
        v = out[0][0].vertices.copy()
        v[:, [0, 2]] *= 1 + (0.03 + d.lip) * (v[:, 1:2] / (y + h)) * np.cos(k * np.arctan2(v[:, 0], v[:, 2]))[:, None]
        out[0] = (Mesh(v, out[0][0].faces, out[0][0].part), 0)
    elif variant == "handled":
        if draw.chance(0.6):
            out.append(
                (
                    both(loop(0.9 * r, 0, 0.25 * r, 0.5 * r, 0.4 * d.lip + 0.015).turned("x", 90)).moved(
                        y=y + 0.88 * h
                    ),
                    2,
                )
            )
        else:
            out.append(
                (tube([(0.9 * r, y + 0.85 * h, 0), (1.7 * r + d.lip, y + 0.95 * h, 0)], 0.4 * d.lip + 0.02, 8), 2)
            )
    elif variant == "full":
        n = draw.integer("fruits", 4, 9)
        yaw, t, noise = golden(n)
        size = 0.3 * r * (1 - 0.03 * n)
        out.append(
            (
                copies(
                    ellipsoid(size, size, size, 10),
                    around(yaw, (r - 1.3 * size) * np.sqrt(t), y + h * 0.85 + 0.4 * size * (1 - t)),
                    1 + 0.2 * noise,
                ),
                3,
            )
        )
    elif variant == "stack":
        n, pitch = draw.integer("bowls", 2, 5), 0.25 * h + 0.04
        out = [(copies(mesh, [(0, k * pitch, 0) for k in range(n)]), part) for mesh, part in out]
    elif variant == "with lid":
        cover = lathe(
            [
                (0, 0.28 * h),
                *smooth([(1.02 * r, 0), (0.7 * r, 0.2 * h), (0.15 * r, 0.28 * h)], 3)[::-1],
                (0.98 * r, -0.02),
                (0, 0.2 * h),
            ][::-1],
            26,
        )
        out.append(
            (combine([cover, ellipsoid(0.1 * r, 0.08 * r, 0.1 * r, 10).moved(y=0.32 * h)]).moved(y=y + h + 0.01), 2)
        )
    elif variant == "mortar":
        stick = lathe([(0, 0), (0.09, 0.03), (0.08, 0.15), (0.04, 0.3), (0.05, 0.75), (0, 0.8)], 12)
        out.append((stick.turned("z", -30).moved(-0.1 * r, y + 0.2 * h), 3))
    if variant in ("dish", "footed", "pet", "oval") and draw.chance(0.6):
        edge = (r - d.wall, r + 0.6 * d.lip)
        out.append(
            (
                sleeve(edge, edge, 0.02, 28).moved(y=y + h - 0.015)
                if variant != "pet"
                else torus(r * 0.86, 0.02, 26, 6).moved(y=y + h),
                2,
            )
        )
    if variant == "oval":
        return [(mesh.scaled(1.25, 1, 0.6 + 0.4 * d.foot), part) for mesh, part in out]
    return out
