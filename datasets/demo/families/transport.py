"""Airplanes, cars and rockets."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import along, both, copies, cut, ring, side, smooth, taper
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, frustum, lathe, slab, torus, tube, wing


@family("airplane", parts=("fuselage", "wing", "tail", "engine"), variants=("jet", "propeller", "fighter", "biplane"))
def airplane(variant: str, draw: Draw) -> Pieces:
    """Fuselage along z with wings, tail fins and engines or propellers."""
    d = draw(
        radius=(0.05, 0.1), span=(0.35, 0.75), chord=(0.17, 0.32), taper=(0.3, 0.9), sweep=(0.05, 0.35),
        dihedral=(-2, 8), tail=(0.13, 0.26), fin=(0.13, 0.27), place=(-0.05, 0.12), nose=(0.08, 0.24), pod=(0.3, 0.5),
    )  # fmt: skip
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


@family("car", parts=("body", "cabin", "wheel", "light"), variants=("sedan", "van", "pickup", "sports"))
def car(variant: str, draw: Draw) -> Pieces:
    """Road car on four wheels."""
    d = draw(
        width=(0.36, 0.56), height=(0.1, 0.19), cabin=(0.11, 0.2), wheel=(0.065, 0.1), hood=(0.22, 0.32),
        trunk=(0.08, 0.22), slope=(0.45, 0.85), clearance=(0.03, 0.07), drop=(0.0, 0.35), narrow=(0.72, 0.92),
    )  # fmt: skip
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
    out += [(slab((-0.48 * w, 0.48 * w), (clear, clear + 0.25 * h), z), 0) for z in ((0.47, 0.52), (-0.52, -0.47))]
    if low and draw.chance(0.6):
        spoiler = [
            box(w * 0.95, 0.012, 0.08).moved(0, y1 + 0.06, -0.45),
            both(box(0.015, 0.07, 0.04).moved(0.35 * w, y1 + 0.03, -0.45)),
        ]
        out.append((combine(spoiler), 0))
    return out


@family("rocket", parts=("body", "nose", "fin", "engine"), variants=("classic", "slim", "shuttle", "missile"))
def rocket(variant: str, draw: Draw) -> Pieces:
    """Upright rocket: body, nose, fins, engine bells."""
    d = draw(
        radius=(0.07, 0.17), nose=(0.15, 0.4), fin=(0.1, 0.3), fin_height=(0.14, 0.34), sweep=(0.0, 0.2),
        bell=(0.4, 0.85), waist=(0.6, 1.0), stage=(0.4, 0.65), band=(0.02, 0.06),
    )  # fmt: skip
    r = d.radius
    n = draw.integer("fins", 3, 5)
    cone = lathe([(0.5, 0), (0.35, 0.35), (0.2, 0.5), (0, 0.5)], 14)
    cone = combine([cone, Mesh(cone.vertices * np.float32(0.97), cone.faces[:, ::-1], cone.part)])

    def fins(count, root, span, sweep, radius, y, phase=0.0):
        # A wing turned so that its chord runs along y, its sweep downwards.
        one = wing(root, 0.5 * root, span, sweep, 0.025).turned("x", -90).turned("y", -90).moved(0, y, radius)
        at, yaw = ring(count, 0, 0, phase)
        return copies(one, at, 1.0, yaw), 2

    def bell(width, height):
        return cone.scaled(width, height, width)

    def ogive(radius, segments, straight=0.0, middle=0.7):
        controls = [(radius, top + straight), (middle * radius, top + 0.5 * (1 - top)), (0, 1)]
        return lathe([(0, top), (radius, top), *smooth(controls).clip((0, -1)), (0, 1)], segments), 1

    if variant == "classic":
        r *= 1.3
        curve = smooth([(d.waist * 0.7 * r, 0), (r, 0.35), (0.9 * r, 0.65), (0.5 * r, 0.88), (0.02, 1)])
        out = cut(lathe([(0, 0), *curve.clip((0, -1)), (0, 1)], 24), 1 - 0.7 * d.nose, 0, 1)
        span, at = 0.4 * r + d.fin * 0.8, 0.5 * d.fin_height + 0.02
        out.append(fins(n, d.fin_height, span, 0.1 + d.sweep, 0.75 * d.waist * r, at))
        out.append((bell(r * d.bell * 1.6, 0.2).moved(0, -0.09), 3))
        if draw.chance(0.5):
            out.append((torus(0.25 * r, 0.06 * r, 14, 6).turned("x", 90).moved(0, 0.6, 0.9 * r), 0))
        return out
    r = 0.75 * r
    top = 1 - d.nose * 0.8
    tip = d.waist * r
    if variant == "missile":
        out = [(cylinder(r, top, 20), 0), ogive(r, 20), (bell(1.6 * r * d.bell, 0.08).moved(0, -0.035), 3)]
        out.append(fins(4, 0.8 * d.fin_height, 0.5 * d.fin + r * 0.4, 0.5 * d.sweep, 0.9 * r, 0.45 * d.fin_height))
        if draw.chance(0.6):
            span, turn = 0.3 * d.fin + r * 0.3, 45 * draw.integer("cross", 0, 1)
            out.append(fins(4, 0.3 * d.fin_height, span, 0.3 * d.sweep, 0.9 * r, d.stage + 0.1, turn))
        return out
    if variant == "slim":
        s = d.stage
        band = [(1.02 * r, s), (1.02 * r, s + d.band), (tip, s + 0.08 + d.band)]
        out = [(lathe([(0, 0), (r, 0), (r, s), *band, (tip, top), (0, top)], 22), 0), ogive(tip, 22, 0.02, 0.75)]
        if draw.chance(0.5):
            out.append((frustum(0.1 * tip, 0.08 * tip, 0.12, 8).moved(0, 0.99), 1))
        out.append(fins(n, 0.6 * d.fin_height, 0.35 * d.fin, 0.04, 0.95 * r, 0.4 * d.fin_height))
        out.append((copies(bell(0.75 * r, 0.14), ring(draw.integer("bells", 3, 5), 0.55 * r, -0.06)[0]), 3))
        return out
    # An orbiter on a tank between two boosters.
    tank = [(lathe([(0, 0.12), (0.6 * r, 0.13), (r, 0.18), (r, top), (0, top)], 20), 0), ogive(r, 20)]
    b = r * (0.35 + 0.25 * d.bell)
    booster = [
        (cylinder(b, 0.8 * top, 14), 0),
        (frustum(b, 0.1 * b, 0.12, 14).moved(0, 0.8 * top), 1),
        (bell(2.2 * b, 0.12).moved(0, -0.055), 3),
    ]
    out = tank + [(both(mesh.moved(r + b)), part) for mesh, part in booster]
    if draw.chance(0.6):
        z = r + 0.55 * r
        length = 0.45 + 0.3 * (d.stage - 0.4)
        hull = lathe([(0, 0), (0.6 * r, 0), (0.6 * r, 0.75 * length), (0.4 * r, 0.93 * length), (0, length)], 16)
        hull = hull.moved(0, 0.08, z)
        plane = wing(0.55 * length, 0.15, r + 0.7 * d.fin, 0.12 + 0.5 * d.sweep, 0.025).turned("x", -90)
        plane = plane.moved(0.4 * r, 0.08 + 0.3 * length, z - 0.3 * r)
        fin = slab((-0.012, 0.012), (0.06, 0.06 + 0.22 * length), (z + 0.4 * r, z + 0.6 * r + 0.4 * d.fin))
        out += [(hull, 0), (combine([both(plane), fin]), 2), (both(bell(0.6 * r, 0.1).moved(0.3 * r, 0.04, z)), 3)]
    else:
        span, at = 0.6 * d.fin, 0.12 + 0.4 * d.fin_height
        out.append(fins(n, 0.6 * d.fin_height, span, d.sweep * 0.5, 0.95 * r, at, 45))
    return out
