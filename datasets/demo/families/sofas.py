"""Sofas, and the upholstery that armchairs share with them."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, legs, moved, padded, pillow_mesh, placed, turned
from datasets.demo.families.forms import around, copies
from datasets.demo.families.frames import chair_arms, chair_back, corners, ends, hoops, stand
from datasets.demo.mesh import Mesh, box, cushion, cylinder, ellipsoid, extrude, loft, sheet, slab


def upholstered(
    draw: Draw, w: float, d: float, places: int, part_seat: int, part_back: int, part_base: int, part_arm: int | None
) -> Pieces:
    """Armchair or sofa body: base, seat cushions, back, and arms unless `part_arm` is None."""
    p = draw(
        foot=(0.0, 0.16), base=(0.1, 0.32), cushion_thick=(0.08, 0.22), back_rise=(0.25, 0.65), back_depth=(0.12, 0.26),
        arm_width=(0.08, 0.26), arm_rise=(0.05, 0.32), lean=(0, 12),
    )  # fmt: skip
    soft, split = draw.chance(0.65), draw.chance(0.75)
    pieces: Pieces = []
    foot = p.foot if p.foot > 0.04 else 0.0
    if foot:
        pieces += feet(draw, w * 0.94, d * 0.92, foot, draw(foot_thick=(0.04, 0.1)).foot_thick, part_base)
    pieces.append((slab((-w / 2, w / 2), (foot, foot + p.base), (-d / 2, d / 2)), part_base))
    floor = foot + p.base
    top = floor + p.cushion_thick
    arm = min(p.arm_width, w * 0.22) if part_arm is not None else 0.0
    inside = w - 2 * arm
    bd = min(p.back_depth, d * 0.35)
    seat_depth = d - bd
    n = places if split else 1
    each = inside / n
    for k in range(n):
        x = -inside / 2 + (k + 0.5) * each
        seat = padded(each * 0.98, p.cushion_thick * (1.1 if soft else 1), seat_depth, soft)
        pieces.append((seat.moved(x, floor + p.cushion_thick / 2, d / 2 - seat_depth / 2), part_seat))
    rise = p.back_rise + p.cushion_thick
    style = draw.integer("sofa back", 0, 2)
    if style == 0:
        back = padded(w if draw.chance(0.5) or not arm else inside, rise, bd, False)
        pieces.append((back.turned("x", -p.lean).moved(0, floor + rise / 2, -d / 2 + bd / 2), part_back))
    else:
        if style == 1:
            pieces.append((slab((-w / 2, w / 2), (floor, floor + rise * 0.8), (-d / 2, -d / 2 + bd * 0.5)), part_back))
        for k in range(n):
            x = -inside / 2 + (k + 0.5) * each
            pad = padded(each * 0.97, rise, bd * 0.9, True).turned("x", -p.lean)
            pieces.append((pad.moved(x, floor + rise / 2, -d / 2 + bd * (0.7 if style == 1 else 0.5)), part_back))
    if part_arm is not None:
        arm_top = top + min(p.arm_rise, rise * 0.6)
        arm_style = draw.integer("sofa arm", 0, 2)
        for s in (-1, 1):
            x = s * (w / 2 - arm / 2)
            if arm_style == 0:
                pieces.append((slab((x - arm / 2, x + arm / 2), (floor, arm_top), (-d / 2, d / 2)), part_arm))
            elif arm_style == 1:
                pad = padded(arm, arm_top - foot, d, True)
                pieces.append((pad.moved(x, (arm_top + foot) / 2), part_arm))
            else:
                pieces.append(
                    (slab((x - arm * 0.4, x + arm * 0.4), (floor, arm_top - arm / 2), (-d / 2, d / 2)), part_arm)
                )
                roll = cylinder(arm * 0.55, d * 1.02, 14).turned("x", 90).moved(x, arm_top - arm / 2, -d * 0.51)
                pieces.append((roll, part_arm))
    return pieces


DEMO_SOFAS = ("solid base", "armless", "corner", "on legs")


@family(
    "sofa", ("seat", "back", "arms", "base", "pillows"), DEMO_SOFAS,
    more=("chesterfield", "platform", "chaise longue", "camelback", "sectional", "curved", "settee", "futon", "suite",
          "modules", "slim", "plump"),
    synonyms=("couch", "settee", "loveseat", "davenport"),
)  # fmt: skip
def sofa(variant: str, draw: Draw) -> Pieces:
    """Couch for two or more."""
    if variant not in DEMO_SOFAS:
        return _more_sofa(variant, draw)
    places = draw.integer("places", 2, 4)
    p = draw(place_width=(0.42, 0.8), depth=(0.6, 1.1))
    w, d = p.place_width * places + 0.15, p.depth
    if variant == "on legs":
        q = draw(
            seat_height=(0.28, 0.48), rail=(0.04, 0.1), leg_thick=(0.03, 0.1), cushion_thick=(0.07, 0.18),
            back_height=(0.3, 0.65), back_thick=(0.06, 0.16), recline=(0, 15), arm_rise=(0.15, 0.35),
            arm_width=(0.05, 0.14),
        )  # fmt: skip
        h = q.seat_height
        pieces: Pieces = [(slab((-w / 2, w / 2), (h - q.rail, h), (-d / 2, d / 2)), 3)]
        pieces += legs(draw, w * 0.95, d * 0.95, h - q.rail, q.leg_thick, 3)
        soft = draw.chance(0.5)
        each = w * 0.94 / places
        for k in range(places):
            x = -w * 0.47 + (k + 0.5) * each
            seat = padded(each * 0.98, q.cushion_thick, d * 0.92, soft)
            pieces.append((seat.moved(x, h + q.cushion_thick / 2, d * 0.03), 0))
            pad = padded(each * 0.98, q.back_height, q.back_thick, soft).moved(y=q.back_height / 2)
            pieces.append((pad.turned("x", -q.recline).moved(x, h, -d / 2 + q.back_thick), 1))
        if draw.chance(0.8):
            top = h + q.cushion_thick + min(q.arm_rise, q.back_height * 0.7)
            full = draw.chance(0.5)
            for s in (-1, 1):
                x = s * w / 2
                low = h - q.rail if full else top - 0.05
                pieces.append((slab((x - q.arm_width / 2, x + q.arm_width / 2), (low, top), (-d / 2, d / 2)), 2))
                if not full:
                    z = d / 2 - 0.04
                    posts = [slab((x - 0.02, x + 0.02), (h - q.rail, low), (z0 - 0.02, z0 + 0.02)) for z0 in (-z, z)]
                    pieces += [(post, 2) for post in posts]
        seat_top, back_z = h + q.cushion_thick, -d / 2 + 2 * q.back_thick
    else:
        pieces = upholstered(draw, w, d, places, 0, 1, 3, None if variant == "armless" else 2)
        seat_top = max(float(mesh.vertices[:, 1].max()) for mesh, part in pieces if part == 0)
        back_z = -d * 0.2
        if variant == "corner":
            side = draw.chance(0.5)
            length = d * draw(chaise=(0.5, 1.4)).chaise
            base_top = max(float(mesh.vertices[:, 1].max()) for mesh, part in pieces if part == 3)
            low = min(float(mesh.vertices[:, 1].min()) for mesh, part in pieces if part == 3)
            x0 = w / 2 - p.place_width
            more: Pieces = [
                (slab((x0, w / 2), (low, base_top), (d / 2, d / 2 + length)), 3),
                (padded(p.place_width, seat_top - base_top, length, draw.chance(0.5)).moved(
                    w / 2 - p.place_width / 2, (seat_top + base_top) / 2, d / 2 + length / 2), 0),
            ]  # fmt: skip
            if draw.chance(0.5):
                thick = 0.3 * p.place_width
                more.append((slab((w / 2 - thick, w / 2), (base_top, seat_top + 0.25), (d / 2, d / 2 + length)), 1))
            pieces = [(mesh if side else mesh.scaled(-1, 1, 1), part) for mesh, part in pieces + more]
    for _ in range(draw.integer("loose pillows", 0, 3)):
        size = draw.rng.uniform(0.25, 0.45)
        throw = pillow_mesh(size, size * 0.4, size).turned("x", draw.rng.uniform(50, 75))
        x = draw.rng.uniform(-0.35, 0.35) * w
        pieces.append((throw.moved(x, seat_top + size * 0.42, back_z + size * 0.35), 4))
    return pieces


def cushions(draw: Draw, count: int, x: tuple[float, float], y: float, z: float, part: int) -> Pieces:
    """Loose pillows that lean back on a seat at height y, near z."""
    pieces: Pieces = []
    for _ in range(count):
        size = draw.rng.uniform(0.28, 0.48)
        throw = (
            pillow_mesh(size, size * 0.4, size)
            .turned("x", draw.rng.uniform(55, 80))
            .turned("y", draw.rng.uniform(-20, 20))
        )
        pieces.append((throw.moved(draw.rng.uniform(*x), y + size * 0.42, z + size * 0.3), part))
    return pieces


def _more_sofa(variant: str, draw: Draw) -> Pieces:
    places = 2 + draw.chance(0.5)
    p = draw(
        place_width=(0.5, 0.78), depth=(0.65, 1.0), seat_height=(0.3, 0.48), cushion_thick=(0.08, 0.22),
        back_height=(0.28, 0.6), back_depth=(0.1, 0.24), arm_width=(0.06, 0.26), foot=(0.05, 0.16),
        leg_thick=(0.03, 0.08),
    )  # fmt: skip
    w, d, h, c = p.place_width * places, p.depth, p.seat_height, p.cushion_thick
    back, bd, arm, x = p.back_height, p.back_depth, p.arm_width, p.place_width * places / 2
    soft = draw.chance(0.6)

    def run(n: int, width: float, each: float = 0.0) -> Pieces:
        """Seat cushions and a back with its cushions; the base underneath."""
        out: Pieces = [(slab((-width / 2, width / 2), (p.foot, h - c), (-d / 2, d / 2)), 3)]
        out.append((slab((-width / 2, width / 2), (h - c, h + back * 0.9), (-d / 2, -d / 2 + bd * 0.5)), 1))
        for k in range(n):
            at = (k + 0.5 - n / 2) * width / n
            out.append((padded(width / n * 0.97, c, d - bd * 0.6, soft).moved(at, h - c / 2, bd * 0.3), 0))
            out.append(
                (padded(width / n * 0.96, back, bd, True).turned("x", -8).moved(at, h + back / 2, -d / 2 + bd), 1)
            )
        return out

    if variant == "chesterfield":
        roll = 0.08 + 0.25 * arm
        top = h + back * 0.55
        pieces: Pieces = [(slab((-x, x), (p.foot, h - c), (-d / 2, d / 2)), 3)]
        pieces.append((slab((-x, x), (h - c, top), (-d / 2, -d / 2 + bd)), 1))
        pieces.append((cylinder(roll, w + 2 * roll, 12).turned("z", 90).moved(x + roll, top, -d / 2 + bd / 2), 1))
        pieces += ends(x + roll * 0.5, (p.foot, top), (-d / 2, d / 2), roll * 1.2, 2)
        pieces += [(cylinder(roll, d, 12).turned("x", 90).moved(s * (x + roll), top, -d / 2), 2) for s in (-1, 1)]
        n = places if draw.chance(0.6) else 1
        for k in range(n):
            pieces.append(
                (padded(w / n * 0.98, c * 1.1, d - bd, soft).moved((k + 0.5 - n / 2) * w / n, h - c / 2, bd / 2), 0)
            )
        rows = np.arange(3)[:, None] * 0.3 + 0.1
        at = [
            (u, h + v * (top - h), -d / 2 + bd)
            for v in rows.ravel()
            for u in np.linspace(-x * 0.9, x * 0.9, places * 4)
        ]
        pieces.append((copies(ellipsoid(0.016, 0.016, 0.012, 6), at), 1))
        return pieces + feet(draw, w, d, p.foot, 0.07, 3)
    if variant == "platform":
        low = 0.55 * h + 0.08
        pieces = [(slab((-x * 1.1, x * 1.1), (low - 0.06, low), (-d / 2, d / 2)), 3)]
        pieces += stand(draw, w * 0.95, d * 0.9, low - 0.06, p.leg_thick, 3)
        used = draw.rng.uniform(0.65, 1.0) * w
        for k in range(places):
            at = -x + (k + 0.5) * used / places
            pieces.append((padded(used / places * 0.98, c, d * 0.95, soft).moved(at, low + c / 2), 0))
            pieces.append(
                (
                    padded(used / places * 0.96, back * 0.8, bd, soft)
                    .turned("x", -10)
                    .moved(at, low + c + back * 0.36, -d / 2 + bd * 0.7),
                    1,
                )
            )
        if draw.chance(0.4):
            pieces.append((padded(arm, 0.3, d * 0.9, soft).moved(-x - arm / 2, low + 0.15), 2))
        return pieces + cushions(draw, draw.integer("pillows", 0, 2), (-x * 0.6, x * 0.4), low + c, -d * 0.25, 4)
    if variant == "chaise longue":
        length = 1.3 + 0.5 * p.place_width
        w, d, x = length, 0.6 + 0.2 * p.depth, length / 2
        pieces = [
            (padded(w, c, d, True).moved(y=h - c / 2), 0),
            (slab((-x, x), (h - c - 0.08, h - c), (-d * 0.46, d * 0.46)), 3),
        ]
        pieces += legs(draw, w * 0.9, d * 0.85, h - c - 0.08, p.leg_thick, 3)
        v = np.linspace(0, 1, 8)
        if draw.chance(0.6):  # the head end rolls over
            curl = np.stack([-x + 0.05 - 0.35 * v**2, h - 0.05 + back * np.sin(v * 1.7)], -1)
            grid = np.stack([np.c_[curl, np.full(8, z)] for z in np.linspace(-d / 2, d / 2, 3)], 0)
            pieces.append((sheet(grid, 0.1), 2))
        else:
            pieces.append((padded(0.2, back, d, True).turned("z", 15).moved(-x, h + back * 0.4), 2))
        if draw.chance(0.7):
            fall = [
                (-x, h - c),
                (x * 0.8, h - c),
                (x * 0.3, h + 0.4 * back),
                (-x * 0.3, h + 0.8 * back),
                (-x, h + back),
            ]
            pieces.append((extrude(fall, bd * 0.6).moved(z=-d / 2), 1))
        if draw.chance(0.5):
            pieces.append((cylinder(0.09, d * 0.8, 12).turned("x", 90).moved(-x * 0.75, h + 0.09, -d * 0.4), 4))
        return pieces
    if variant == "camelback":
        u = np.linspace(-1, 1, 15)
        hump = h + back * (0.65 + 0.45 * np.cos(u * np.pi) * 0.5 + 0.2 * draw.chance(0.5) * (np.abs(u) > 0.9))
        outline = [(-x, h - c), *zip(u * x, hump, strict=True), (x, h - c)]
        pieces = [(extrude(outline, bd * 0.7).turned("x", -6).moved(z=-d / 2 + bd * 0.4), 1)]
        pieces.append((padded(w * 0.96, c, d * 0.92, True).moved(y=h - c / 2), 0))
        pieces.append((slab((-x, x), (h - c - 0.1, h - c), (-d / 2, d / 2)), 3))
        pieces += legs(draw, w * 0.95, d * 0.9, h - c - 0.1, p.leg_thick, 3)
        roll = 0.04 + 0.25 * arm
        for s in (-1, 1):
            pieces.append((cylinder(roll, d, 12).turned("x", 90).moved(s * x, h + 0.22, -d / 2), 2))
            pieces.append((slab((s * x - roll * 0.6, s * x + roll * 0.6), (h - c, h + 0.22), (-d / 2, d * 0.45)), 2))
        return pieces
    if variant == "sectional":
        long = run(places, w)
        n = draw.integer("wing places", 1, 3)
        wing = n * p.place_width
        pieces = [*long, *feet(draw, w, d, p.foot, 0.06, 3)]
        # The corner seat is the end of the long run; the wing goes on along z with its back outside.
        right = placed(run(n, wing), x + d / 2 - 0.02, 0, d / 2 + wing / 2 - d / 2, -90)
        corner: Pieces = [
            (slab((x, x + d), (p.foot, h - c), (-d / 2, d / 2)), 3),
            (padded(d * 0.9, c, d * 0.9, soft).moved(x + d / 2, h - c / 2), 0),
        ]
        corner.append((slab((x, x + d), (h - c, h + back * 0.9), (-d / 2, -d / 2 + bd)), 1))
        corner.append((slab((x + d - bd, x + d), (h - c, h + back * 0.9), (-d / 2, d / 2)), 1))
        pieces += corner + moved(right, z=d / 2)
        if draw.chance(0.3):  # a U
            pieces += [
                (mesh.moved(x=-x).scaled(-1, 1, 1).moved(x=-x), part) for mesh, part in corner + moved(right, z=d / 2)
            ]
        elif draw.chance(0.7):
            pieces.append(
                (padded(arm + 0.06, h + 0.25 - p.foot, d, soft).moved(-x - arm / 2, (h + 0.25 + p.foot) / 2), 2)
            )
        pieces += cushions(draw, draw.integer("pillows", 0, 4), (-x * 0.8, x), h, -d * 0.2, 4)
        return [(mesh.scaled(-1, 1, 1), part) for mesh, part in pieces] if draw.chance(0.5) else pieces
    if variant == "curved":
        span = np.radians(draw(sweep=(60, 160)).sweep)
        radius = w / span + 0.5 * d
        a = np.linspace(-span / 2, span / 2, 6 * places + 1)

        def arc(r0: float, r1: float, y0: float, y1: float) -> Mesh:
            edge = np.array([(r0, y0), (r1, y0), (r1, y1), (r0, y1)])
            rings = np.stack(
                [
                    edge[:, 0] * np.sin(a)[:, None],
                    np.broadcast_to(edge[:, 1], (len(a), 4)),
                    -edge[:, 0] * np.cos(a)[:, None],
                ],
                -1,
            )
            return loft(rings)

        inner = max(radius - d, 0.15)
        pieces = [(arc(inner, radius, p.foot, h - c), 3), (arc(inner, radius, h - c, h), 0)]
        pieces.append((arc(radius - bd, radius + 0.02, h - c, h + back), 1))
        pieces += [
            (cylinder(0.03, p.foot, 8).moved(*at), 3)
            for r in (inner + 0.08, radius - 0.08)
            for at in around(180 - np.degrees(a[1::6]), r, 0.0)
        ]
        return moved(pieces, z=radius) + cushions(
            draw, draw.integer("pillows", 0, 2), (-0.3 * w, 0.3 * w), h, 0.0 if span > 2 else d * 0.2, 4
        )
    if variant in ("settee", "futon"):
        pieces = [(slab((-x, x), (h - c - 0.05, h - c), (-d / 2, d / 2)), 3)]
        seats = 1 if variant == "futon" else places
        for k in range(seats):
            at = (k + 0.5 - seats / 2) * w / seats
            pieces.append((padded(w / seats * 0.97, c, d * 0.95, True).moved(at, h - c / 2), 0))
            if variant == "futon" or draw.chance(0.5):
                pieces.append(
                    (
                        padded(w / seats * 0.97, back + 0.15, c, True)
                        .turned("x", -18)
                        .moved(at, h + back * 0.5, -d / 2 + c),
                        1,
                    )
                )
        frame = chair_back(draw, w, h - c + back, 0.05, 1, draw.integer("settee back", 2, 3))
        pieces += moved(turned(frame, "x", -8), 0, 0.0, -d / 2)
        if draw.chance(0.5):
            pieces += corners(box(p.leg_thick, h - c, p.leg_thick).moved(y=(h - c) / 2), x, d / 2 - 0.03, 3)
            pieces += chair_arms(draw, w, d, h, 0.3, p.leg_thick, 2)
        else:
            pieces += hoops(x, (0.02, h + 0.2), (-d / 2, d / 2), p.leg_thick, 2)
        return pieces
    if variant == "suite":
        main = upholstered(draw, w + 0.2, d, places, 0, 1, 3, 2)
        other = upholstered(draw, 0.9, d, 1, 0, 1, 3, 2)
        pieces = main + placed(other, -x - d * 0.8, 0, d * 1.1, 70)
        if draw.chance(0.6):
            pieces += placed(other, x + d * 0.8, 0, d * 1.1, -70)
        return pieces
    if variant == "modules":
        pieces = []
        each = 0.7 + 0.3 * p.place_width
        for k in range(places):
            one: Pieces = [(padded(each * 0.97, h - 0.02, each * 0.97, soft).moved(y=h / 2), 0)]
            if k < places - 1 or draw.chance(0.3):
                one.append((padded(each * 0.97, back, bd, True).moved(0, h + back * 0.45, -each / 2 + bd / 2), 1))
            if k == 0 and draw.chance(0.6):
                one.append((padded(bd, back * 0.8, each * 0.95, True).moved(-each / 2 + bd / 2, h + back * 0.35), 2))
            pieces += moved(one, (k - (places - 1) / 2) * each)
        if draw.chance(0.5):
            pieces.append(
                (padded(each * 0.97, h - 0.02, each * 0.97, soft).moved((places - 1) / 2 * each, h / 2, each), 0)
            )
        return pieces + cushions(
            draw, draw.integer("pillows", 0, 3), (-0.4 * each * places, 0.4 * each * places), h, -each * 0.2, 4
        )
    if variant == "slim":
        pieces = run(places, w)
        pieces = [(mesh, part) for mesh, part in pieces if part != 3] + [
            (slab((-x, x), (h - c - 0.05, h - c), (-d / 2, d / 2)), 3)
        ]
        pieces += stand(draw, w * 0.96, d * 0.92, h - c - 0.05, p.leg_thick, 3)
        thin = 0.04 + 0.2 * arm
        return pieces + ends(x + thin / 2, (h - c - 0.05, h + 0.2), (-d / 2, d / 2), thin, 2)
    # plump: everything is a cushion
    pieces = [(cushion(w * 1.05, h, d, 0.35, 20).moved(y=h * 0.45), 3)]
    for k in range(places):
        at = (k + 0.5 - places / 2) * w / places * 0.92
        pieces.append((cushion(w / places * 0.95, c + 0.1, d * 0.8, 0.5, 16).moved(at, h * 0.9, 0.08), 0))
        pieces.append(
            (
                cushion(w / places * 0.95, back + 0.2, bd + 0.14, 0.5, 16)
                .turned("x", -10)
                .moved(at, h + back * 0.4, -d / 2 + bd),
                1,
            )
        )
    return pieces + [(cushion(arm + 0.2, h * 0.8 + 0.25, d, 0.5, 16).moved(s * x, h * 0.65), 2) for s in (-1, 1)]
