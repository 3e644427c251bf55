"""Objects that stand on tables and floors, hang, drive or fly: vessels, devices, bags, plants, vehicles."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import (
    along,
    bail,
    both,
    copies,
    cut,
    golden,
    hollow,
    leaf,
    loop,
    ring,
    side,
    smooth,
    taper,
)
from datasets.demo.mesh import (
    Mesh,
    box,
    combine,
    cushion,
    cylinder,
    ellipsoid,
    extrude,
    frustum,
    lathe,
    slab,
    torus,
    tube,
    wing,
)


@family("airplane", parts=("fuselage", "wing", "tail", "engine"), variants=("jet", "propeller", "fighter", "biplane"))
def airplane(variant: str, draw: Draw) -> Pieces:
    """Fuselage along z with wings, tail fins and engines or propellers."""
    d = draw(
        radius=(0.05, 0.1),
        span=(0.35, 0.75),
        chord=(0.17, 0.32),
        taper=(0.3, 0.9),
        sweep=(0.05, 0.35),
        dihedral=(-2, 8),
        tail=(0.13, 0.26),
        fin=(0.13, 0.27),
        place=(-0.05, 0.12),
        nose=(0.08, 0.24),
        pod=(0.3, 0.5),
    )
    r, thick = d.radius * (1.25 if variant == "biplane" else 1), 0.025
    blunt = 0.65 if variant in ("propeller", "biplane") else 0.3
    hull = smooth(
        [
            (0.25 * r, -0.5),
            (0.7 * r, -0.3),
            (r, -0.08),
            (r, 0.5 - d.nose),
            (blunt * r + 0.3 * r, 0.5 - d.nose / 3),
            (blunt * r, 0.5),
        ]
    )
    out: Pieces = [(along(lathe([(0, -0.5), *hull, (0, 0.5 + 0.3 * blunt * r)], 20)), 0)]
    sweep = d.sweep if variant in ("jet", "fighter") else 0.15 * d.sweep
    tip = d.chord * (0.15 + 0.5 * d.taper if variant == "fighter" else d.taper)
    root = d.chord * (1.6 if variant == "fighter" else 1)
    span = d.span * (0.75 if variant == "fighter" else 1)
    high = draw.chance(0.4)
    level = (0.75 * r if high else -0.5 * r) if variant != "fighter" else -0.2 * r
    plane = wing(root, tip, span, sweep, thick).turned("z", d.dihedral).moved(0, level, d.place)
    out.append((both(plane), 1))
    small = wing(d.tail * 0.9, d.tail * 0.5, d.tail * 1.2, 0.1 + 0.3 * sweep, thick * 0.8)
    fin = wing(d.tail, d.tail * 0.5, d.fin, 0.08 + 0.5 * sweep, thick * 0.8).turned("z", 90)
    tee = variant in ("jet", "propeller") and draw.chance(0.25)
    out.append(
        (both(small.moved(0, d.fin * 0.95 if tee else 0.1 * r, -0.47 - (0.05 + 0.3 * sweep if tee else -0.05))), 2)
    )
    if variant == "fighter" and draw.chance(0.6):
        out.append((both(fin.turned("z", -20).moved(0.6 * r, 0.2 * r, -0.38)), 2))
    else:
        out.append((fin.moved(0, 0.3 * r, -0.4), 2))
    if variant == "jet":
        for k in range(draw.integer("engines", 1, 2)):
            x = span * (d.pod + 0.28 * k)
            er = 0.5 * r
            z = d.place - sweep * x / span + 0.1
            y = level + np.tan(np.radians(d.dihedral)) * x - er - 0.4 * thick
            pod = lathe(
                [(0, -0.08), (0.6 * er, -0.09), (er, 0.02), (er, 0.1), (0.8 * er, 0.1), (0.7 * er, 0.03), (0, 0.03)], 14
            )
            out.append((both(along(pod).moved(x, y, z)), 3))
    elif variant == "fighter":
        out.append((ellipsoid(0.5 * r, 0.6 * r, 0.13, 12).moved(0, 0.75 * r, 0.2), 0))
        nozzle = lathe([(0.8 * r, 0.1), (0.55 * r, -0.06), (0.45 * r, -0.06), (0.4 * r, 0.05)][::-1], 14)
        out.append((along(nozzle).moved(0, 0, -0.5), 3))
        out.append((both(slab((0.7 * r, 1.4 * r), (-0.6 * r, 0.4 * r), (-0.35, 0.12))), 3))
    else:
        count, blade = draw.integer("blades", 2, 4), 0.55 * d.fin + r / 2
        one = box(0.035, 2 * blade, 0.012).turned("y", 15).moved(0, blade, 0.01)
        turned = [one.turned("z", 360 * k / count) for k in range(count)]
        screw = combine([along(frustum(0.45 * r, 0.05 * r, 0.6 * r, 12)), *turned])
        if variant == "propeller" and draw.chance(0.4):
            for sign in (-1, 1):
                at = (sign * span * d.pod, level + 0.02, d.place + 0.5 * root)
                pod = along(lathe([(0, -0.2), (0.4 * r, -0.1), (0.5 * r, 0), (0, 0.02)], 12))
                out.append((combine([pod, screw.scaled(0.7)]).moved(*at), 3))
        else:
            out.append((screw.moved(0, 0, 0.5 + 0.1 * r), 3))
        if variant == "biplane":
            gap = r + d.fin * 0.8
            out.append((both(wing(root, tip, span, sweep, thick).moved(0, level + gap, d.place + 0.04)), 1))
            struts = [
                (s * span * f, level + gap / 2, d.place + z)
                for s in (-1, 1)
                for f in (0.25, 0.7)
                for z in (-0.04, 0.06)
            ]
            out.append((copies(box(0.012, gap, 0.012), struts), 1))
            wheels = cylinder(0.05, 0.025, 12).turned("z", 90).moved(r, -1.7 * r, 0.25)
            out.append((both(combine([wheels, tube([(r, -1.7 * r, 0.25), (0.4 * r, -0.5 * r, 0.22)], 0.01, 5)])), 0))
    return out


@family("bag", parts=("body", "handle", "pocket"), variants=("handbag", "backpack", "shopping", "sack"))
def bag(variant: str, draw: Draw) -> Pieces:
    """Handbag, backpack, paper shopping bag or tied sack."""
    d = draw(
        width=(0.55, 1.1),
        height=(0.5, 1.1),
        depth=(0.2, 0.5),
        top=(0.55, 0.95),
        round=(0.25, 0.5),
        handle=(0.25, 0.6),
        thick=(0.015, 0.035),
        pocket=(0.5, 0.8),
    )
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
        strap = bail(0.45 * w, 0.7 * d.handle, 0.7 * d.thick)
        out += [(strap.moved(0, h, s * z / 2 * d.top), 1) for s in (-1, 1)]
        if draw.chance(0.4):
            out.append((box(d.pocket * 0.7 * w, 0.35 * h, 0.015).moved(0, 0.5 * h, z / 2 * (1 + d.top) / 2), 2))
        return out
    if variant == "handbag":
        body = taper(cushion(w, h * 0.75, z, d.round), d.top, 0.4 + 0.5 * d.top).moved(0, 0.375 * h)
        out = [(body, 0)]
        spread = 0.55 * w * d.top
        if draw.chance(0.5):
            out += [(bail(spread, d.handle, d.thick).moved(0, 0.7 * h, s * 0.2 * z), 1) for s in (-1, 1)]
        else:
            out.append((bail(w * d.top * 0.9, 1.4 * d.handle, d.thick).moved(0, 0.66 * h), 1))
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
    out.append((bail(0.25 * w, 0.35 * d.handle, d.thick).moved(0, 0.97 * h), 1))
    return out


@family("bottle", parts=("body", "neck", "cap"), variants=("wine", "plastic", "flask", "jar"))
def bottle(variant: str, draw: Draw) -> Pieces:
    """Body that narrows to a neck, with a cap or open."""
    d = draw(
        radius=(0.14, 0.3),
        shoulder=(0.45, 0.7),
        neck=(0.25, 0.45),
        slope=(0.08, 0.25),
        cap=(0.05, 0.14),
        waist=(0.7, 1.0),
        bottom=(0.75, 1.0),
        squash=(0.5, 1.0),
    )
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
        radius=(0.35, 0.6),
        height=(0.15, 0.6),
        foot=(0.3, 0.65),
        foot_height=(0.02, 0.09),
        wall=(0.015, 0.045),
        belly=(0.3, 0.55),
        lip=(0.01, 0.05),
    )
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
        out.append(
            (
                lathe(
                    [
                        (r - d.wall, h - d.lip),
                        (r + 0.6 * d.lip, h - d.lip),
                        (r + 0.6 * d.lip, h + 0.01),
                        (r - d.wall, h + 0.01),
                        (r - d.wall, h - d.lip),
                    ],
                    segments,
                ).moved(0, y),
                2,
            )
        )
    if variant == "square":
        long = 0.6 + 0.8 * (d.foot - 0.3)
        out = [(mesh.turned("y", 45).scaled(1, 1, long), part) for mesh, part in out]
    return out


@family("car", parts=("body", "cabin", "wheel", "light"), variants=("sedan", "van", "pickup", "sports"))
def car(variant: str, draw: Draw) -> Pieces:
    """Road car on four wheels."""
    d = draw(
        width=(0.36, 0.56),
        height=(0.1, 0.19),
        cabin=(0.11, 0.2),
        wheel=(0.065, 0.1),
        hood=(0.22, 0.32),
        trunk=(0.08, 0.22),
        slope=(0.45, 0.85),
        clearance=(0.03, 0.07),
        drop=(0.0, 0.35),
        narrow=(0.72, 0.92),
    )
    low = variant == "sports"
    w, hood, trunk, clear = d.width, d.hood, d.trunk, d.clearance
    h = d.height * (0.8 if low else 1)
    c = d.cabin * {"sedan": 1, "van": 1.35, "pickup": 1.05, "sports": 0.7}[variant]
    if variant == "van":
        hood, trunk = 0.5 * hood, 0.01
    if variant == "pickup":
        trunk = 0.33 + 0.4 * trunk
    y1 = clear + h
    drop = d.drop * h * (1.3 if low else 1)
    outline = [
        (-0.5, clear + 0.15 * h),
        (-0.49, y1 - 0.1 * h),
        (-0.46, y1),
        (0.5 - hood, y1),
        (0.46, y1 - drop),
        (0.5, clear + 0.5 * (h - drop)),
        (0.49, clear),
        (-0.48, clear),
    ]
    out: Pieces = []
    front, rear = 0.5 - hood + 0.03, -0.5 + trunk
    if variant == "pickup":
        bed = rear + 0.01
        outline = [(bed, clear), (bed, y1), *outline[3:7]]
        floor = clear + 0.4 * h
        walls = [
            slab((-w / 2, w / 2), (clear, floor), (-0.5, bed)),
            slab((-w / 2, w / 2), (clear, y1), (-0.5, -0.475)),
            both(slab((w / 2 - 0.03, w / 2), (clear, y1), (-0.5, bed))),
        ]
        out.append((combine(walls), 0))
    out.append((side(outline, w), 0))
    length = front - rear
    base = box(w * 0.96, c, length)
    slope = d.slope * (0.75 if low else 1)
    top = {"sedan": slope, "van": 0.78 + 0.2 * slope, "pickup": 0.6 + 0.3 * slope, "sports": slope}[variant]
    back = {"sedan": -0.05, "van": -0.4, "pickup": -0.35, "sports": -0.2}[variant]
    out.append(
        (taper(base, d.narrow, top, back * (1 - top) * length).moved(0, y1 + c / 2 - 0.002, (front + rear) / 2), 1)
    )
    r = d.wheel * (0.95 if low else 1.05)
    tyre = cylinder(r, 0.075, 16).turned("z", 90).moved(0.5 * w + 0.02, r)
    rim = cylinder(0.55 * r, 0.02, 10).turned("z", -90).moved(0.5 * w + 0.02, r)
    tyres = combine([combine([tyre, rim]).moved(0, 0, z) for z in (0.5 - 0.55 * r - 0.11, -0.5 + 0.55 * r + 0.12)])
    out.append((both(tyres), 2))
    lamp = box(0.18 * w, 0.22 * h, 0.03).moved(0.36 * w, clear + 0.5 * (h - drop) + 0.05 * h, 0.49)
    tail = box(0.15 * w, 0.22 * h, 0.03).moved(0.4 * w, clear + 0.65 * h, -0.49)
    out.append((both(combine([lamp, tail])), 3))
    out.append(
        (
            combine(
                [
                    slab((-0.48 * w, 0.48 * w), (clear, clear + 0.25 * h), (a, b))
                    for a, b in ((0.47, 0.52), (-0.52, -0.47))
                ]
            ),
            0,
        )
    )
    if low and draw.chance(0.6):
        spoiler = [
            box(w * 0.95, 0.012, 0.08).moved(0, y1 + 0.06, -0.45),
            both(box(0.015, 0.07, 0.04).moved(0.35 * w, y1 + 0.03, -0.45)),
        ]
        out.append((combine(spoiler), 0))
    return out


@family("cone", parts=("cone", "base", "band"), variants=("traffic", "plain", "party", "icecream"))
def cone(variant: str, draw: Draw) -> Pieces:
    """Traffic cone, plain cone, party hat or ice cream cone."""
    d = draw(
        radius=(0.2, 0.5),
        tip=(0.0, 0.2),
        base=(1.15, 1.7),
        plate=(0.03, 0.1),
        band=(0.3, 0.6),
        width=(0.1, 0.22),
        scoop=(1.0, 1.25),
        bulge=(-0.04, 0.04),
    )
    r, tip = d.radius, d.tip * d.radius

    def at(t):
        return r + (tip - r) * t

    if variant == "traffic":
        r *= 0.8
        tip = max(tip, 0.06)
        y = d.plate
        out = [(frustum(r, tip, 1, 24).moved(0, y), 0)]
        half = d.base * r
        if draw.chance(0.7):
            out.append((box(2 * half, y, 2 * half).moved(0, y / 2), 1))
        else:
            out.append((cylinder(half, y, draw.integer("sides", 6, 8)), 1))
        for k in range(draw.integer("bands", 1, 2)):
            a, b = d.band - 0.25 * k, d.band + d.width * (1 - 0.3 * k) - 0.25 * k
            out.append(
                (
                    lathe([(at(a) - 0.01, a), (at(a) + 0.012, a), (at(b) + 0.012, b), (at(b) - 0.01, b)], 24).moved(
                        0, y
                    ),
                    2,
                )
            )
        return out
    if variant == "plain":
        return cut(
            lathe([(0, 0), (r, 0), (r, 0.5 * d.plate), (0.5 * r + d.bulge, 0.5), (0.3 * tip, 1), (0, 1)], 28),
            0.45 * d.plate,
            1,
            0,
        )
    if variant == "party":
        shell = lathe(
            [
                (r - 0.012, 0),
                (r, 0),
                (0.5 * r + 0.5 * d.bulge, 0.5),
                (0.015, 1),
                (0.0, 0.97),
                (0.5 * r - 0.02, 0.48),
                (r - 0.012, 0),
            ],
            26,
        )
        out = [(shell, 0), (ellipsoid(0.04 + 0.25 * tip, 0.04 + 0.25 * tip, 0.04 + 0.25 * tip, 10).moved(0, 1), 2)]
        out.append((torus(r, 0.3 * d.plate, 26, 6), 1))
        if draw.chance(0.5):
            a = d.band
            out.append((torus(at(a), 0.02, 22, 6).moved(0, a), 2))
        return out
    r *= 0.75
    out = [(lathe([(0, 0), (0.2 * tip + 0.01, 0), (r, 1), (0.92 * r, 1), (0, 0.75)], 24), 0)]
    out.append((torus(r, 0.3 * d.plate + 0.01, 24, 6).moved(0, 0.98), 1))
    if draw.chance(0.75):
        s = d.scoop * r
        for k in range(draw.integer("scoops", 1, 2)):
            out.append((ellipsoid(s, 0.9 * s, s, 18).scaled(1 - 0.2 * k).moved(0, 1 + 0.35 * s + 1.1 * s * k), 2))
    if draw.chance(0.4):  # a waffle cone held upside down
        out = [(mesh.turned("x", 180), part) for mesh, part in out]
    return out


@family("display", parts=("screen", "frame", "stand"), variants=("monitor", "television", "crt", "wall"))
def display(variant: str, draw: Draw) -> Pieces:
    """Monitor on a stand, television on feet, tube monitor or wall screen on an arm."""
    d = draw(
        width=(0.7, 1.1),
        ratio=(0.45, 0.8),
        depth=(0.03, 0.09),
        bezel=(0.02, 0.06),
        stand=(0.1, 0.3),
        base=(0.25, 0.55),
        foot=(0.14, 0.34),
        tilt=(-10, 12),
        neck=(0.03, 0.09),
        tube=(0.5, 0.9),
    )
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
            out.append(
                (
                    combine(
                        [
                            slab((-d.base * w / 2, d.base * w / 2), (0, 0.025), (-d.foot / 2, d.foot / 2)),
                            slab((-0.15 * w, 0.15 * w), (0, high), (-0.6 * t, -0.05 * t)),
                        ]
                    ),
                    2,
                )
            )
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


def foliage(variant: str, draw: Draw, radius: float, height: float) -> list[tuple[Mesh, bool]]:
    """A plant that grows from the origin; pairs of a mesh and whether it is leaf, not stem."""
    d = draw(leaf=(0.5, 1.0), leaf_width=(0.2, 0.5), droop=(0.0, 0.6), lean=(15, 60), phase=(0, 360))
    out: list[tuple[Mesh, bool]] = []
    if variant == "cactus":
        r = min(radius * 0.8, 0.45 * height)
        rounded = draw.chance(0.35)
        n = draw.integer("ribs", 7, 12)
        body = (
            ellipsoid(r * 1.15, min(height, 2.2 * r) / 2, r * 1.15, 16).moved(0, min(height, 2.2 * r) * 0.42)
            if rounded
            else lathe(
                smooth([(0, 0), (0.55 * r, 0), (0.65 * r, 0.5 * height), (0.55 * r, 0.88 * height), (0, height)]).clip(
                    0
                ),
                2 * n,
            )
        )
        v = body.vertices.copy()  # ribs
        v[:, [0, 2]] *= 1 + 0.08 * np.cos(n * np.arctan2(v[:, 0], v[:, 2]))[:, None]
        out.append((Mesh(v, body.faces, body.part), False))
        if rounded:
            top = min(height, 2.2 * r) * 0.9
            at, yaw = ring(5, 0, top)
            out.append((copies(leaf(0.35 * r, 0.2 * r, 0), at, yaw=yaw, pitch=-45), True))
        else:
            for k in range(draw.integer("arms", 1, 3)):
                y, a = height * (0.3 + 0.15 * k), 0.35 * r
                path = smooth(
                    [
                        (0, y, 0),
                        (1.1 * r, y + 0.02, 0),
                        (1.25 * r, y + 0.12 * height, 0),
                        (1.25 * r, y + (0.2 + 0.25 * d.droop) * height, 0),
                    ],
                    3,
                )
                size = np.full(len(path), a)
                size[-1] *= 0.6
                out.append((tube(path, size, 8).turned("y", d.phase + 160 * k), True))
        return out
    if variant == "palm":
        bend = 0.25 * (d.droop - 0.2) * height
        stem = [(bend * t**2, t * 0.65 * height, 0) for t in np.linspace(0, 1, 6)]
        out.append((tube(stem, np.linspace(1, 0.65, 6) * (0.03 + 0.1 * radius), 8), False))
        n = draw.integer("fronds", 7, 13)
        yaw, t, noise = golden(n, d.phase)
        at = np.tile(stem[-1], (n, 1))
        out.append(
            (
                copies(
                    leaf(
                        0.5 * height * (0.6 + 0.4 * d.leaf), 0.35 * height * d.leaf_width + 0.03, 0.4 + 0.6 * d.droop, 7
                    ),
                    at,
                    1 + 0.15 * noise,
                    yaw,
                    -60 * t + 10,
                ),
                True,
            )
        )
        return out
    if variant == "flowers":
        n = draw.integer("flowers", 3, 8)
        yaw, t, noise = golden(n, d.phase)
        bloom = 0.09 * height + 0.12 * radius
        head = copies(
            leaf(bloom, 0.75 * bloom, -0.3, 4), *(lambda p: (p[0], 1.0, p[1]))(ring(6, 0.2 * bloom)), pitch=-20
        )
        head = combine([head, ellipsoid(0.35 * bloom, 0.25 * bloom, 0.35 * bloom, 8)])
        spread = radius * (0.5 + 1.2 * d.leaf_width / 0.5) * np.sqrt(t)
        top = np.stack(
            [
                spread * np.sin(np.radians(yaw)),
                height * (0.9 - 0.25 * t + 0.1 * noise),
                spread * np.cos(np.radians(yaw)),
            ],
            -1,
        )
        for p in top:
            out.append((tube([(0.2 * p[0], 0, 0.2 * p[2]), (0.7 * p[0], 0.6 * p[1], 0.7 * p[2]), p], 0.012, 5), False))
        out.append((copies(head, top, 1.0, yaw, 25), True))
        at = np.tile([0, 0.02, 0], (n + 3, 1))
        out.append(
            (
                copies(
                    leaf(0.5 * height * d.leaf, 0.22 * height * d.leaf_width + 0.03, d.droop),
                    at,
                    1,
                    golden(n + 3)[0] + 40,
                    -d.lean,
                ),
                True,
            )
        )
        return out
    if variant == "bush":
        n = draw.integer("leaves", 24, 60)
        yaw, t, noise = golden(n, d.phase)
        stem = 0.2 * height * d.droop
        out.append(
            (tube([(0, 0, 0), (0, stem, 0), (0, 0.7 * height, 0)], [0.15 * radius, 0.1 * radius, 0.03], 7), False)
        )
        crown = 0.5 * (height - stem)
        wide = (0.4 + 0.6 * d.leaf) * max(radius, 0.7 * crown)
        up = np.arcsin(1.8 * t - 0.9)
        at = np.stack(
            [
                0.45 * wide * np.cos(up) * np.sin(np.radians(yaw)),
                stem + crown + 0.55 * crown * np.sin(up),
                0.45 * wide * np.cos(up) * np.cos(np.radians(yaw)),
            ],
            -1,
        )
        size = 0.55 * wide + 0.1 * crown
        out.append(
            (
                copies(
                    leaf(size, size * (0.4 + d.leaf_width), 0.5 * d.droop, 4),
                    at,
                    1 + 0.2 * noise,
                    yaw,
                    -np.degrees(up) + 15 * noise,
                ),
                True,
            )
        )
        return out
    if variant == "topiary":
        stem = height * (0.2 + 0.3 * d.droop)
        r = (height - stem) / 2
        out.append((cylinder(0.03 + 0.05 * radius, stem + 0.3 * r, 8), False))
        crown = (
            ellipsoid(r * (0.6 + 0.5 * d.leaf), r, r * (0.6 + 0.5 * d.leaf), 14)
            if draw.chance(0.6)
            else frustum(r * (0.5 + 0.4 * d.leaf), 0.02, 2 * r, 10).moved(0, -r)
        )
        out.append((crown.moved(0, stem + r), True))
        return out
    n = draw.integer("blades", 8, 20)  # grass, aloe, sansevieria
    yaw, t, noise = golden(n, d.phase)
    at = np.stack([0.35 * radius * t * np.sin(np.radians(yaw)), 0 * t, 0.35 * radius * t * np.cos(np.radians(yaw))], -1)
    blade = leaf(height, 0.3 * height * d.leaf_width + 0.03, 0.5 * d.droop, 6)
    out.append((frustum(0.4 * radius, 0.2 * radius, 0.1 * height, 10), False))
    out.append((copies(blade, at, 0.85 + 0.15 * noise, yaw, -90 + (0.4 + 0.6 * t) * d.lean), True))
    return out


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
    band = lathe(
        [
            (r - wall, height - rim),
            (r + 0.6 * wall, height - rim),
            (r + 0.8 * wall, height + 0.01),
            (r - wall, height + 0.01),
            (r - wall, height - rim),
        ],
        segments,
    )
    y = height - max(0.12 * height, 0.02)
    soil = cylinder(np.interp(y, *np.asarray(curve)[:, ::-1].T) - 0.6 * wall, 0.015, segments).moved(0, y - 0.015)
    return (*(m.turned("y", 180 / segments).scaled(grow, 1, grow) for m in (body, band, soil)), y)


@family("flower pot", parts=("pot", "rim", "saucer", "plant"), variants=("tapered", "round", "square", "bowl"))
def flower_pot(variant: str, draw: Draw) -> Pieces:
    """Pot with a rim, mostly with soil or a small plant, at times on a saucer."""
    d = draw(
        radius=(0.3, 0.55),
        height=(0.4, 1.0),
        bottom=(0.5, 0.95),
        rim=(0.05, 0.18),
        wall=(0.025, 0.06),
        saucer=(1.05, 1.5),
        plant=(0.3, 0.9),
    )
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


@family("plant", parts=("pot", "stem", "leaf"), variants=("cactus", "bush", "palm", "flowers", "blades", "topiary"))
def plant(variant: str, draw: Draw) -> Pieces:
    """Plant that is tall for its pot: cactus, leafy bush, palm, flowers, long blades or a clipped tree."""
    d = draw(
        radius=(0.16, 0.36),
        height=(0.2, 0.5),
        bottom=(0.55, 1.0),
        rim=(0.03, 0.1),
        wall=(0.02, 0.045),
        grown=(0.5, 1.5),
    )
    shape = ("tapered", "round", "square", "bowl")[draw.integer("pot", 0, 3)]
    body, band, soil, y = pot(shape, d.radius, d.height, d.bottom, d.rim, d.wall)
    out = [(combine([body, band, soil] if draw.chance(0.6) else [body, soil]), 0)]
    return out + [
        (mesh.moved(0, y - 0.01), 2 if leafy else 1) for mesh, leafy in foliage(variant, draw, d.radius, d.grown)
    ]


@family("guitar", parts=("body", "neck", "head", "bridge"), variants=("acoustic", "electric", "flying", "ukulele"))
def guitar(variant: str, draw: Draw) -> Pieces:
    """Upright guitar: body with a waist, neck with frets, head with pegs, bridge and strings."""
    d = draw(
        lower=(0.2, 0.27),
        upper=(0.7, 0.92),
        waist=(0.55, 0.78),
        length=(0.55, 0.72),
        depth=(0.05, 0.14),
        neck=(0.4, 0.75),
        thick=(0.022, 0.035),
        head=(0.12, 0.2),
        horn=(0.1, 0.3),
        lean=(-20, 5),
    )
    length, depth = d.length, d.depth
    if variant == "ukulele":
        length, reach = 0.8 * length, 0.45 * d.neck + 0.15
        depth *= 1.1
    else:
        reach = d.neck
    if variant in ("electric", "flying"):
        depth = 0.35 * depth + 0.02
    a, b, m = d.lower, d.lower * d.upper, d.lower * d.waist
    w = smooth([(0.0, 0.0), (0.75 * a, 0.04), (a, 0.25), (m, 0.58), (b, 0.8), (0.65 * b, 0.97), (0, 1.0)], 4)
    if variant == "flying":
        outline = np.array(
            [
                (0, 0.3),
                (0.9 * a, 0),
                (1.3 * a, 0.08),
                (0.35 * b, 0.95),
                (-0.35 * b, 0.95),
                (-1.3 * a, 0.08),
                (-0.9 * a, 0),
            ]
        )
    else:
        left = w[::-1] * [-1, 1]
        if variant == "electric":  # horns
            left = left + [[-0.3 * d.horn, d.horn]] * np.exp(-(((left[:, 1:] - 0.88) / 0.07) ** 2)) * (
                np.abs(left[:, :1]) > 0.1
            )
            w = w + [[0.2 * d.horn, 0.6 * d.horn]] * np.exp(-(((w[:, 1:] - 0.88) / 0.07) ** 2)) * (w[:, :1] > 0.1)
        outline = np.concatenate([w[1:-1], left])
    body = extrude(outline * [1, length], depth)
    top = length * 0.95
    front = depth / 2
    out = [(body, 0)]
    t = d.thick
    board = slab((-t, t), (0.75 * length, top + reach), (front - 0.03, front + 0.012))
    frets = copies(
        box(2.1 * t, 0.006, 0.006),
        [(0, top + reach * (1 - 0.5 ** (k / 6)) / 0.75, front + 0.014) for k in range(1, 10)],
    )
    out.append((combine([board, frets]), 1))
    head = extrude(
        [
            (-1.1 * t, 0),
            (1.1 * t, 0),
            (2 * t, 0.35 * d.head),
            (1.7 * t, d.head),
            (-1.7 * t, d.head),
            (-2 * t, 0.35 * d.head),
        ],
        0.025,
    )
    k = 2 if variant == "ukulele" else 3
    pegs = [(s * 2.2 * t, d.head * (0.3 + 0.55 * i / (k - 1)), -0.005) for s in (-1, 1) for i in range(k)]
    head = combine([head, copies(ellipsoid(0.018, 0.013, 0.009, 8), pegs)]).turned("x", -8)
    out.append((head.moved(0, top + reach - 0.005, front - 0.012), 2))
    at = (0.22 if variant != "flying" else 0.35) * length
    strings = box(0.004, top + reach - at, 0.004).moved(0, (top + reach + at) / 2, front + 0.022)
    bridge = [
        box(0.8 * a, 0.035, 0.025).moved(0, at, front + 0.01),
        copies(strings, [(x * t, 0, 0) for x in (-0.7, -0.25, 0.25, 0.7)]),
    ]
    if variant in ("electric", "flying"):
        bridge += [box(0.4 * a, 0.03, 0.02).moved(0, y * length, front + 0.008) for y in (0.42, 0.56)]
    else:
        bridge.append(torus(0.42 * m, 0.012, 18, 6).turned("x", 90).moved(0, 0.6 * length, front))
    out.append((combine(bridge), 3))
    return [(mesh.turned("x", d.lean), part) for mesh, part in out]


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


@family("keyboard", parts=("case", "keys", "feet"), variants=("full", "compact", "slim", "split"))
def keyboard(variant: str, draw: Draw) -> Pieces:
    """Computer keyboard: wedge case, key rows, rear feet."""
    d = draw(
        width=(0.9, 1.2),
        depth=(0.28, 0.48),
        height=(0.03, 0.09),
        slope=(0, 9),
        gap=(0.1, 0.3),
        key=(0.015, 0.045),
        margin=(0.02, 0.06),
        foot=(0.01, 0.05),
        spread=(0.02, 0.15),
    )
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


@family("lamp", parts=("base", "pole", "shade", "bulb"), variants=("floor", "table", "pendant", "desk", "sphere"))
def lamp(variant: str, draw: Draw) -> Pieces:
    """Floor, table, pendant, jointed desk or globe lamp."""
    d = draw(
        height=(0.8, 1.7),
        base=(0.12, 0.28),
        plate=(0.02, 0.07),
        pole=(0.012, 0.03),
        shade=(0.16, 0.38),
        shade_height=(0.18, 0.42),
        top=(0.3, 1.0),
        belly=(0.5, 1.2),
        bend=(20, 60),
    )
    s, sh, p = d.shade, d.shade_height, d.pole

    def hood(radius, top, height):  # open below and above, with a wall
        t = 0.012
        return lathe([(radius - t, 0), (radius, 0), (top, height), (top - t, height), (radius - t, 0)], 24)

    bulb = ellipsoid(0.05, 0.065, 0.05, 10)
    if variant == "floor":
        h = d.height
        kind = draw.integer("stand", 0, 2)
        out: Pieces = [(hood(s, d.top * s, sh).moved(0, h - sh), 2), (bulb.moved(0, h - 0.6 * sh), 3)]
        if kind == 2:  # tripod
            at = ring(3, 1.2 * d.base)[0]
            out.append((combine([tube([(x, 0, z), (0, h - sh, 0)], p, 8) for x, _, z in at]), 0))
            out.append((cylinder(1.5 * p, 0.5 * sh, 10).moved(0, h - sh), 1))
        else:
            foot = (
                frustum(d.base, d.base * (0.95 if kind else 0.5), d.plate)
                if kind
                else box(1.7 * d.base, d.plate, 1.7 * d.base).moved(0, d.plate / 2)
            )
            out += [(foot, 0), (cylinder(p, h - 0.6 * sh, 10), 1)]
        return out
    if variant == "table":
        h = 0.3 + 0.25 * d.height
        r, foot = 0.55 * d.base, 0.8 * d.base
        curve = smooth([(foot, 0.02), (0.5 * r, 0.12 * h), (d.belly * r, 0.45 * h), (0.5 * r, 0.85 * h), (p, h)])
        if draw.chance(0.3):
            curve = np.array([(d.belly * r, 0.02), (d.belly * r, 0.9 * h), (p, h)])
        out = [(lathe([(0, 0), (foot, 0), (foot, 0.02), *curve, (0, h)], 20), 0)]
        out += [
            (cylinder(p, 0.5 * sh, 8).moved(0, h - 0.02), 1),
            (hood(s, d.top * s, sh).moved(0, h), 2),
            (bulb.moved(0, h + 0.45 * sh), 3),
        ]
        return out
    if variant == "pendant":
        h = 0.4 * d.height
        if draw.chance(0.5):
            shade = hood(s, 0.12 * s + 0.02, sh)
        else:
            shade = lathe(
                [
                    *smooth([(s, 0), (0.92 * s, 0.5 * sh), (0.5 * s, 0.9 * sh), (0.02, sh)]),
                    *smooth([(0.02, 0.96 * sh), (0.47 * s, 0.87 * sh), (0.88 * s, 0.48 * sh), (0.96 * s, 0)]),
                ],
                24,
            )
        return [
            (shade, 2),
            (bulb.moved(0, 0.25 * sh), 3),
            (cylinder(0.5 * p, h, 8).moved(0, 0.95 * sh), 1),
            (frustum(0.5 * d.base, 0.4 * d.base, d.plate).moved(0, h + sh - d.plate), 0),
        ]
    if variant == "sphere":
        h = 0.15 + 0.8 * (d.height - 0.8)
        r = 0.6 * s + 0.04
        globe = lathe(
            [
                (0.35 * r, -0.93 * r),
                *smooth([(0.7 * r, -0.7 * r), (r, 0), (0.7 * r, 0.7 * r), (0, r)])[:-1].clip((0, -9)),
                (0, r),
            ],
            22,
        )
        return [
            (frustum(d.base, 0.7 * d.base, d.plate), 0),
            (cylinder(p, h, 10), 1),
            (globe.moved(0, h + 0.9 * r), 2),
            (frustum(0.4 * r, 0.45 * r, 0.1 * r, 14).moved(0, h - 0.05 * r), 3),
        ]
    a, b = 0.35 * d.height, 0.3 * d.height
    lean = np.radians(d.bend)
    elbow = np.array([0, d.plate + a * np.cos(0.6 * lean), -a * np.sin(0.6 * lean)])
    head = elbow + [0, b * np.sin(lean * 0.8), b * np.cos(lean * 0.8)]
    r = 0.35 * s + 0.03
    shade = hood(r, 0.35 * r, 0.5 * sh + 0.03).moved(0, -0.5 * sh)
    joints = copies(ellipsoid(1.8 * p, 1.8 * p, 1.8 * p, 8), [elbow, head, (0, d.plate, 0)])
    arms = combine([tube([(0, 0, 0), elbow], p, 8), tube([elbow, head], p, 8), joints])
    return [
        (frustum(d.base, 0.85 * d.base, d.plate), 0),
        (arms, 1),
        (shade.turned("x", -0.5 * d.bend + 5).moved(*head), 2),
        (bulb.scaled(0.6).moved(0, -0.4 * sh).turned("x", -0.5 * d.bend + 5).moved(*head), 3),
    ]


@family("laptop", parts=("base", "keys", "lid", "screen"), variants=("classic", "thin", "thick", "tent"))
def laptop(variant: str, draw: Draw) -> Pieces:
    """Open laptop: base with keys and touch pad, hinged lid with a screen."""
    d = draw(
        width=(0.75, 1.1),
        depth=(0.5, 0.78),
        base=(0.03, 0.06),
        lid=(0.018, 0.04),
        open=(70, 140),
        bezel=(0.02, 0.07),
        pad=(0.18, 0.4),
        gap=(0.1, 0.3),
        keys=(0.42, 0.58),
    )
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


@family("mug", parts=("body", "handle"), variants=("straight", "rounded", "tapered", "stein"))
def mug(variant: str, draw: Draw) -> Pieces:
    """Cup with a handle at its side."""
    d = draw(
        radius=(0.28, 0.5),
        height=(0.5, 1.1),
        wall=(0.02, 0.05),
        top=(1.05, 1.5),
        belly=(1.05, 1.25),
        out=(0.14, 0.34),
        size=(0.45, 0.75),
        thick=(0.03, 0.065),
        bend=(0.5, 1.0),
    )
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


@family("rocket", parts=("body", "nose", "fin", "engine"), variants=("classic", "slim", "shuttle", "missile"))
def rocket(variant: str, draw: Draw) -> Pieces:
    """Upright rocket: body, nose, fins, engine bells."""
    d = draw(
        radius=(0.07, 0.17),
        nose=(0.15, 0.4),
        fin=(0.1, 0.3),
        fin_height=(0.14, 0.34),
        sweep=(0.0, 0.2),
        bell=(0.4, 0.85),
        waist=(0.6, 1.0),
        stage=(0.4, 0.65),
        band=(0.02, 0.06),
    )
    r = d.radius
    n = draw.integer("fins", 3, 5)

    def fins(count, root, span, sweep, radius, y, phase=0.0):
        # A wing turned so that its chord runs along y, its sweep downwards.
        one = wing(root, 0.5 * root, span, sweep, 0.025).turned("x", -90).turned("y", -90).moved(0, y, radius)
        at, yaw = ring(count, 0, 0, phase)
        return copies(one, at, 1.0, yaw)

    bell = lathe([(0.5, 0), (0.35, 0.35), (0.2, 0.5), (0, 0.5)], 14)
    bell = combine([bell, Mesh(bell.vertices * np.float32(0.97), bell.faces[:, ::-1], bell.part)])
    if variant == "classic":
        r *= 1.3
        curve = smooth([(d.waist * 0.7 * r, 0), (r, 0.35), (0.9 * r, 0.65), (0.5 * r, 0.88), (0.02, 1)])
        out = cut(lathe([(0, 0), *curve.clip((0, -1)), (0, 1)], 24), 1 - 0.7 * d.nose, 0, 1)
        out.append(
            (
                fins(
                    n, d.fin_height, 0.4 * r + d.fin * 0.8, 0.1 + d.sweep, 0.75 * d.waist * r, 0.5 * d.fin_height + 0.02
                ),
                2,
            )
        )
        out.append((bell.scaled(r * d.bell * 1.6, 0.2, r * d.bell * 1.6).moved(0, -0.09), 3))
        if draw.chance(0.5):
            out.append((torus(0.25 * r, 0.06 * r, 14, 6).turned("x", 90).moved(0, 0.6, 0.9 * r), 0))
        return out
    r = 0.75 * r
    top = 1 - d.nose * 0.8
    tip = d.waist * r
    ogive = [
        (tip, top),
        *smooth([(tip, top + 0.02), (0.75 * tip, top + 0.5 * (1 - top)), (0.0, 1)]).clip((0, -1)),
        (0, 1),
    ]
    if variant == "missile":
        tip = r
        ogive = [(r, top), *smooth([(r, top), (0.7 * r, top + 0.5 * (1 - top)), (0, 1)]).clip((0, -1)), (0, 1)]
        out = [
            (cylinder(r, top, 20), 0),
            (lathe([(0, top), *ogive], 20), 1),
            (bell.scaled(1.6 * r * d.bell, 0.08, 1.6 * r * d.bell).moved(0, -0.035), 3),
        ]
        out.append((fins(4, 0.8 * d.fin_height, 0.5 * d.fin + r * 0.4, 0.5 * d.sweep, 0.9 * r, 0.45 * d.fin_height), 2))
        if draw.chance(0.6):
            out.append(
                (
                    fins(
                        4,
                        0.3 * d.fin_height,
                        0.3 * d.fin + r * 0.3,
                        0.3 * d.sweep,
                        0.9 * r,
                        d.stage + 0.1,
                        45 * draw.integer("cross", 0, 1),
                    ),
                    2,
                )
            )
        return out
    if variant == "slim":
        s = d.stage
        body = lathe(
            [
                (0, 0),
                (r, 0),
                (r, s),
                (1.02 * r, s),
                (1.02 * r, s + d.band),
                (tip, s + 0.08 + d.band),
                (tip, top),
                (0, top),
            ],
            22,
        )
        out = [(body, 0), (lathe([(0, top), *ogive], 22), 1)]
        if draw.chance(0.5):
            out.append((frustum(0.1 * tip, 0.08 * tip, 0.12, 8).moved(0, 0.99), 1))
        out.append((fins(n, 0.6 * d.fin_height, 0.35 * d.fin, 0.04, 0.95 * r, 0.4 * d.fin_height), 2))
        k = draw.integer("bells", 3, 5)
        at = ring(k, 0.55 * r, -0.06)[0]
        out.append((copies(bell.scaled(0.75 * r, 0.14, 0.75 * r), at), 3))
        return out
    # An orbiter on a tank between two boosters.
    tank = [
        (lathe([(0, 0.12), (0.6 * r, 0.13), (r, 0.18), (r, top), (0, top)], 20), 0),
        (
            lathe(
                [
                    (0, top),
                    (r, top),
                    *smooth([(r, top), (0.7 * r, top + 0.5 * (1 - top)), (0, 1)]).clip((0, -1)),
                    (0, 1),
                ],
                20,
            ),
            1,
        ),
    ]
    b = r * (0.35 + 0.25 * d.bell)
    booster = [
        (cylinder(b, 0.8 * top, 14), 0),
        (frustum(b, 0.1 * b, 0.12, 14).moved(0, 0.8 * top), 1),
        (bell.scaled(2.2 * b, 0.12, 2.2 * b).moved(0, -0.055), 3),
    ]
    out = tank + [(both(mesh.moved(r + b)), part) for mesh, part in booster]
    if draw.chance(0.6):
        z = r + 0.55 * r
        length = 0.45 + 0.3 * (d.stage - 0.4)
        hull = lathe([(0, 0), (0.6 * r, 0), (0.6 * r, 0.75 * length), (0.4 * r, 0.93 * length), (0, length)], 16).moved(
            0, 0.08, z
        )
        plane = (
            wing(0.55 * length, 0.15, r + 0.7 * d.fin, 0.12 + 0.5 * d.sweep, 0.025)
            .turned("x", -90)
            .moved(0.4 * r, 0.08 + 0.3 * length, z - 0.3 * r)
        )
        fin = slab((-0.012, 0.012), (0.06, 0.06 + 0.22 * length), (z + 0.4 * r, z + 0.6 * r + 0.4 * d.fin))
        out += [
            (hull, 0),
            (combine([both(plane), fin]), 2),
            (both(bell.scaled(0.6 * r, 0.1, 0.6 * r).moved(0.3 * r, 0.04, z)), 3),
        ]
    else:
        out.append(
            (fins(n, 0.6 * d.fin_height, 0.6 * d.fin, d.sweep * 0.5, 0.95 * r, 0.12 + 0.4 * d.fin_height, 45), 2)
        )
    return out


@family("trash bin", parts=("body", "lid", "foot"), variants=("basket", "swing", "wheelie", "pedal", "square"))
def trash_bin(variant: str, draw: Draw) -> Pieces:
    """Waste basket, swing-lid or pedal bin, or wheeled bin."""
    d = draw(
        radius=(0.26, 0.45),
        height=(0.55, 1.15),
        bottom=(0.65, 1.0),
        wall=(0.015, 0.035),
        lid=(0.06, 0.28),
        rim=(0.02, 0.06),
        deep=(0.65, 1.1),
        lift=(0, 70),
    )
    r, h, b = d.radius, d.height, d.radius * d.bottom
    if variant in ("basket", "swing", "pedal"):
        if variant == "pedal":
            b = 0.97 * r
        out = [(hollow([(b, 0), (r, h)], d.wall, 26), 0)]
        if variant == "basket":
            out.append((torus(r - d.wall / 2, 0.5 * d.rim, 26, 6).moved(0, h), 1))
            if draw.chance(0.5):
                hoops = [torus(b + (r - b) * t, 0.3 * d.rim, 26, 5).moved(0, h * t) for t in (0.02, 0.4)]
                out.append((combine(hoops), 2))
        elif variant == "swing":
            dome = smooth(
                [(1.03 * r, h - 0.03), (r, h + 0.35 * d.lid), (0.65 * r, h + 0.85 * d.lid), (0.35 * r, h + d.lid)], 3
            )
            out.append((lathe([(r - d.wall, h - 0.03), *dome, (0, h + d.lid)], 24), 1))
            out.append((box(0.7 * r, 0.02, 0.6 * r).turned("x", 35).moved(0, h + 0.75 * d.lid, 0.45 * r), 1))
            out.append((cylinder(1.05 * b, 0.03), 2))
        else:
            top = lathe(
                [(0, 0), (1.03 * r, 0), (1.03 * r, 0.04), (0.85 * r, 0.04 + 0.4 * d.lid), (0, 0.04 + 0.55 * d.lid)], 24
            )
            out.append((top.moved(0, 0, r).turned("x", -d.lift * draw.integer("open", 0, 1)).moved(0, h, -r), 1))
            out.append((combine([cylinder(1.04 * b, 0.05), box(0.3 * r, 0.025, 0.35 * r).moved(0, 0.03, 1.1 * b)]), 2))
        return out
    z = d.deep * (0.95 if variant == "wheelie" else 0.8)
    body = hollow([(b, 0), (r, h)], d.wall, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z)
    half = r * 1.3 / np.sqrt(2)
    out = [(body, 0)]
    if variant == "wheelie":
        profile = [(1.02 * r, h - d.rim), (1.1 * r, h - d.rim), (1.1 * r, h), (1.02 * r, h)]
        out.append((lathe(profile, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z), 0))
        cover = taper(box(2.15 * half, 0.3 * d.lid + 0.02, 2.25 * half * z), 0.92, 0.85).moved(
            0, 0.15 * d.lid + 0.01, 1.1 * half * z
        )
        out.append((cover.turned("x", -d.lift * draw.integer("open", 0, 1)).moved(0, h, -1.08 * half * z), 1))
        back = half * z * d.bottom
        wheel = cylinder(0.1 + 0.5 * d.rim, 0.06, 16).turned("z", 90).moved(half * d.bottom + 0.06, 0.05, -back)
        bar = cylinder(0.02, 1.6 * half, 8).turned("z", 90).moved(0.8 * half, h - 0.04, -half * z - 0.09)
        out += [
            (both(wheel), 2),
            (combine([bar, both(box(0.03, 0.04, 0.12).moved(0.7 * half, h - 0.04, -half * z - 0.04))]), 0),
        ]
        return out
    out.append(
        (slab((-half * d.bottom, half * d.bottom), (-0.03, 0.02), (-half * z * d.bottom, half * z * d.bottom)), 2)
    )
    if draw.chance(0.6):
        rim = hollow([(1.06 * r, 0), (1.06 * r, 0.5 * d.lid)], 0.3 * r, 4).turned("y", 45).scaled(1.3, 1, 1.3 * z)
        out.append(
            (rim.moved(0, h - 0.01), 1)
            if draw.chance(0.4)
            else (taper(box(2.1 * half, d.lid, 2.1 * half * z), 0.75, 0.45).moved(0, h + d.lid / 2), 1)
        )
    else:
        out.append(
            (
                lathe([(r - d.wall, h - d.rim), (1.06 * r, h - d.rim), (1.06 * r, h + 0.01), (r - d.wall, h + 0.01)], 4)
                .turned("y", 45)
                .scaled(1.3, 1, 1.3 * z),
                1,
            )
        )
    return out


@family(
    "vase", parts=("body", "neck", "foot", "handle"), variants=("bulb", "amphora", "cylinder", "trumpet", "faceted")
)
def vase(variant: str, draw: Draw) -> Pieces:
    """Vase with a belly and a neck, at times with handles."""
    d = draw(
        radius=(0.18, 0.42),
        belly=(0.3, 0.65),
        neck=(0.25, 0.7),
        lip=(0.4, 1.05),
        foot=(0.4, 0.8),
        neck_at=(0.72, 0.88),
        wall=(0.015, 0.035),
        plinth=(0.02, 0.08),
    )
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
