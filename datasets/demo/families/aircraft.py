"""Airplanes."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import along, both, copies, smooth
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, frustum, lathe, slab, tube, wing

DEMO_PLANES = ("jet", "propeller", "fighter", "biplane")
# Of each type: the fuselage's radius; half span, chord at the root, taper and sweep of the wing, its height in radii
# and its place along z; the tail; the engines. The length is 1.
PLANES = {
    "airliner": (0.055, 0.48, 0.2, 0.3, 0.24, -0.5, 0.05, "low", "pods 1"),
    "jumbo": (0.07, 0.5, 0.24, 0.25, 0.27, -0.5, 0.08, "low", "pods 2"),
    "business jet": (0.05, 0.4, 0.17, 0.35, 0.16, -0.6, 0.02, "tee", "rear"),
    "cargo": (0.075, 0.5, 0.2, 0.35, 0.16, 0.85, 0.08, "tee", "pods 2"),
    "turboprop": (0.058, 0.46, 0.15, 0.5, 0.03, 0.85, 0.06, "tee", "props 1"),
    "bomber": (0.055, 0.52, 0.2, 0.4, 0.06, -0.2, 0.1, "twin", "props 2"),
    "light plane": (0.07, 0.6, 0.18, 0.8, 0.01, 1.0, 0.14, "low", "nose"),
    "racer": (0.065, 0.5, 0.22, 0.4, 0.05, -0.6, 0.12, "low", "nose"),
    "glider": (0.045, 0.95, 0.11, 0.35, 0.03, 0.4, 0.12, "tee", "none"),
    "seaplane": (0.075, 0.6, 0.18, 0.7, 0.02, 1.0, 0.1, "low", "nose"),
    "delta": (0.045, 0.3, 0.6, 0.12, 0.5, -0.5, -0.05, "fin", "belly"),
    "swept fighter": (0.06, 0.32, 0.36, 0.25, 0.25, 0.1, -0.08, "twin", "inside"),
    "forward canards": (0.055, 0.34, 0.42, 0.15, 0.32, 0.0, -0.12, "canard", "inside"),
    "flying wing": (0.06, 0.85, 0.42, 0.2, 0.45, 0.0, 0.0, "none", "inside"),
    "three engines": (0.06, 0.45, 0.2, 0.3, 0.22, -0.5, 0.03, "tee", "rear 3"),
    "triplane": (0.07, 0.42, 0.15, 0.9, 0.0, -0.4, 0.14, "low", "nose"),
}


@family(
    "airplane", parts=("fuselage", "wing", "tail", "engine", "landing gear"), variants=DEMO_PLANES, more=tuple(PLANES),
    synonyms=("aeroplane", "plane", "aircraft"),
)  # fmt: skip
def airplane(variant: str, draw: Draw) -> Pieces:
    """Fuselage along z with wings, tail fins and engines or propellers."""
    if variant in PLANES:
        return _typed_plane(variant, draw)
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


def screw(blades: int, length: float, hub: float) -> Mesh:
    """Propeller that looks along +z, its spinner in front."""
    one = box(0.1 * length + 0.012, length, 0.012).turned("y", 20).moved(y=length / 2)
    turned = [one.turned("z", 360 * k / blades) for k in range(blades)]
    return combine([along(lathe([(0, -hub), (hub, -hub), (0.8 * hub, 0), (0, 1.2 * hub)], 10)), *turned])


def pod(radius: float, length: float) -> Mesh:
    """Jet engine along z, open at its front."""
    r = radius
    profile = [
        (0, -0.6),
        (0.5 * r, -0.6),
        (0.75 * r, -0.35),
        (r, 0.1),
        (0.95 * r, 0.4),
        (0.8 * r, 0.4),
        (0.75 * r, 0.2),
        (0, 0.2),
    ]
    return along(lathe(np.array(profile) * [1, length], 14))


def _typed_plane(variant: str, draw: Draw) -> Pieces:
    d = draw(
        fat=(0.8, 1.25), span=(0.85, 1.15), chord=(0.85, 1.2), taper=(0.8, 1.25), sweep=(0.75, 1.25), dihedral=(0, 6),
        tail=(0.13, 0.2), fin=(0.14, 0.22), blunt=(0.25, 0.6), belly=(0.85, 1.1), thick=(0.015, 0.03),
    )  # fmt: skip
    radius, span, chord, ratio, sweep, height, place, tail, engines = PLANES[variant]
    r, span, chord, sweep, thick = radius * d.fat, span * d.span, chord * d.chord, sweep * d.sweep, d.thick
    out: Pieces = []
    if variant != "flying wing":
        sharp = variant in ("delta", "swept fighter", "forward canards")
        rear = (
            [(0.0, -0.5), (0.25 * r, -0.49), (0.75 * r, -0.28)]
            if not sharp
            else [(0.0, -0.5), (0.75 * r, -0.5), (r, -0.3)]
        )
        front = (
            [(r, 0.3), (0.75 * r, 0.42), (d.blunt * 0.6 * r, 0.49), (0.0, 0.5)]
            if not sharp
            else [(0.9 * r, 0.15), (0.5 * r, 0.38), (0.0, 0.58)]
        )
        body = along(lathe(smooth([*rear, (r, -0.1), *front], 3).clip((0, -1)), 18))
        if variant == "glider":
            taper_ = np.where(body.vertices[:, 2:] < 0.1, 0.45 + 0.55 * np.exp(4 * (body.vertices[:, 2:] - 0.1)), 1)
            body = Mesh(
                body.vertices * np.c_[taper_, taper_, np.ones(len(taper_))].astype(np.float32), body.faces, body.part
            )
        out.append((body.scaled(1, d.belly, 1), 0))
    level = height * r
    lift = np.tan(np.radians(d.dihedral))
    plane = wing(chord, chord * ratio * d.taper, span, sweep, thick).turned("z", d.dihedral).moved(0, level, place)
    out.append((both(plane), 1))
    if variant == "flying wing":
        lump = ellipsoid(1.6 * r, 0.9 * r, 0.45 * chord, 14).moved(0, 0.2 * r, 0.02)
        out.append((lump, 0))
    if variant == "triplane":
        out += [
            (both(wing(chord, chord * 0.9, span * k, 0, thick).moved(0, level + gap * 1.6 * r, place)), 1)
            for gap, k in ((1, 0.9), (2, 1.0))
        ]
        out += [(both(box(0.012, 3.2 * r, 0.05).moved(0.7 * span, level + 1.6 * r, place)), 1)]
    if variant in ("light plane", "seaplane") and draw.chance(0.7):
        out.append((both(tube([(0.6 * r, -0.6 * r, place), (0.5 * span, level, place)], 0.008, 5)), 1))
    # Tail
    small = wing(d.tail, 0.55 * d.tail, d.tail * 1.3, 0.2 * d.tail + 0.4 * sweep * (tail != "canard"), 0.8 * thick)
    fin = wing(1.1 * d.tail, 0.6 * d.tail, d.fin, 0.3 * d.tail + 0.4 * sweep, 0.8 * thick).turned("z", 90)
    if tail in ("low", "tee"):
        out.append((fin.moved(0, 0.4 * r, -0.4), 2))
        high = 0.4 * r + 0.95 * d.fin if tail == "tee" else 0.25 * r
        out.append((both(small.moved(0, high, -0.42 - (0.3 * d.tail + 0.35 * sweep if tail == "tee" else 0))), 2))
    elif tail == "twin":
        lean = draw.rng.uniform(0, 25) if engines == "inside" else 0
        side = 0.8 * r if engines == "inside" else 1.2 * d.tail
        out.append((both(small.moved(0, 0.1 * r, -0.42)), 2))
        out.append((both(fin.turned("z", -lean).moved(side, 0.1 * r, -0.4)), 2))
    elif tail in ("fin", "canard"):
        out.append((fin.scaled(1, 1.1, 1.3).moved(0, 0.4 * r, -0.36), 2))
        if tail == "canard":
            out.append((both(small.scaled(0.7).moved(0.5 * r, 0.3 * r, 0.22)), 2))
    elif draw.chance(0.4):
        out.append((both(fin.scaled(0.6).moved(0.4 * span, 0, -0.3 * chord - 0.4 * sweep)), 2))
    # Engines
    kind, _, number = engines.partition(" ")
    if kind in ("pods", "props"):
        for k in range(int(number)):
            x = span * (0.33 + 0.3 * k)
            z, y = place - sweep * x / span + 0.5 * chord * (1 - 0.6 * x / span), level + lift * x
            if kind == "pods":
                size = 0.5 * r * (1 if number == "1" else 0.8)
                one = combine(
                    [pod(size, 0.14).moved(0, -1.3 * size), box(0.015, size, 0.1).moved(0, -0.4 * size, -0.03)]
                )
            else:
                body = along(lathe([(0, -0.2), (0.35 * r, -0.12), (0.5 * r, 0), (0.4 * r, 0.06), (0, 0.06)], 12))
                one = combine([body, screw(draw.integer("blades", 3, 5), 1.5 * r, 0.2 * r).moved(z=0.08)])
            out.append((both(one.moved(x, y, z)), 3))
    elif kind == "rear":
        out.append(
            (
                both(
                    combine(
                        [
                            pod(0.45 * r, 0.15).moved(1.6 * r, 0.35 * r, -0.25),
                            box(r, 0.02, 0.08).moved(1.1 * r, 0.35 * r, -0.28),
                        ]
                    )
                ),
                3,
            )
        )
        if number:
            out.append((pod(0.45 * r, 0.18).moved(0, 1.3 * r, -0.35), 3))
    elif kind == "nose":
        out.append((screw(draw.integer("blades", 2, 4), 2 * r, 0.35 * r).moved(z=0.5), 3))
    elif kind == "belly":
        out.append(
            (
                both(
                    combine(
                        [
                            slab((0.1, 0.145), (level - 0.05, level), (-0.4, -0.12)),
                            slab((0.15, 0.195), (level - 0.05, level), (-0.4, -0.12)),
                        ]
                    )
                ),
                3,
            )
        )
    elif kind == "inside":
        side = 0.5 * r if tail == "twin" else 0
        nozzle = along(
            lathe([(0.65 * r, 0.08), (0.5 * r, -0.06), (0.42 * r, -0.06), (0.4 * r, 0.04), (0, 0.04)][::-1], 14)
        ).moved(side, 0, -0.5 if variant != "flying wing" else -0.3 * chord)
        out.append((both(nozzle) if side else nozzle, 3))
        if variant != "flying wing":
            out.append((both(slab((0.6 * r, 1.3 * r), (-0.7 * r, 0.3 * r), (-0.3, 0.1))), 3))
    if kind in ("nose", "inside", "none"):
        out.append(
            (
                ellipsoid(0.55 * r, 0.6 * r, 0.12, 12).moved(
                    0,
                    0.75 * r * (variant != "flying wing") + 0.3 * r * (variant == "flying wing"),
                    0.18 if variant != "flying wing" else 0.25 * chord,
                ),
                0,
            )
        )
    if variant == "seaplane":
        float_ = along(lathe([(0, -0.25), (0.03, -0.2), (0.035, 0.1), (0.02, 0.25), (0, 0.28)], 10)).moved(
            2 * r, -2.4 * r, 0.1
        )
        out.append(
            (
                both(
                    combine(
                        [float_, *[tube([(0.6 * r, -0.6 * r, z), (2 * r, -2.2 * r, z)], 0.008, 5) for z in (0.02, 0.2)]]
                    )
                ),
                4,
            )
        )
    elif draw.chance(0.4 if kind != "nose" else 0.8) and variant != "glider":
        size = 0.025 if kind != "nose" else 0.04
        y = min(-r * d.belly, level) - 1.8 * size
        tyre = cylinder(size, 0.6 * size, 10).turned("z", 90)
        out.append(
            (
                both(
                    combine([tyre.moved(1.3 * r, y), tube([(1.3 * r, y, 0), (0.8 * r, -0.4 * r, 0)], 0.007, 5)]).moved(
                        z=place - 0.02
                    )
                ),
                4,
            )
        )
        out.append((combine([tyre.moved(0, y), tube([(0, y, 0), (0, -0.5 * r, 0)], 0.007, 5)]).moved(z=0.36), 4))
    return out
