"""Seats for several: sofas and benches."""

from __future__ import annotations

from datasets.demo.families.common import Draw, Pieces, beam, family, feet, legs, padded, pillow_mesh
from datasets.demo.families.frames import chair_arms, chair_back, ends, moved, turned
from datasets.demo.mesh import box, cylinder, slab


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


@family("sofa", ("seat", "back", "arms", "base", "pillows"), ("solid base", "armless", "corner", "on legs"))
def sofa(variant: str, draw: Draw) -> Pieces:
    """Couch for two or more."""
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


@family("bench", ("seat", "back", "legs", "arms"), ("park", "backless", "slab", "picnic"))
def bench(variant: str, draw: Draw) -> Pieces:
    """Long hard seat."""
    p = draw(
        width=(0.8, 2.3), depth=(0.28, 0.65), seat_height=(0.3, 0.55), seat_thick=(0.03, 0.13), leg_thick=(0.04, 0.14),
        back_height=(0.28, 0.6), recline=(2, 20), inset=(0.0, 0.15), gap=(0.1, 0.4),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.seat_height, p.seat_thick
    under = h - t

    def planks(width: float, depth: float, thick: float, part: int) -> Pieces:
        count = draw.integer("planks", 2, 5)
        pitch = depth / count
        size = pitch * (1 - p.gap * 0.6)
        return [
            (box(width, thick, size).moved(0, thick / 2, -depth / 2 + (k + 0.5) * pitch), part) for k in range(count)
        ]

    pieces: Pieces = []
    slatted = variant in ("park", "picnic") or draw.chance(0.35)
    if slatted:
        pieces += moved(planks(w, d, t * 0.7, 0), y=h - t * 0.7)
        cross = p.leg_thick * 0.8
        pieces += ends(w * (0.46 - p.inset), (under - cross * 0.3, h - t * 0.6), (-d * 0.48, d * 0.48), cross, 2)
    else:
        pieces.append((slab((-w / 2, w / 2), (under, h), (-d / 2, d / 2)), 0))
    if variant == "slab":
        thick = p.leg_thick
        pieces += ends(w * (0.5 - p.inset) - thick / 2, (0, under), (-d * 0.46, d * 0.46), thick, 2)
        if draw.chance(0.4):
            pieces.append((slab((-w * 0.3, w * 0.3), (under * 0.3, under * 0.45), (-t / 2, t / 2)), 2))
        has_back = draw.chance(0.3)
    elif variant == "picnic":
        # The table between two benches; the seat planks above are the table's near bench.
        side = d / 2 + 0.28 + p.depth * 0.6
        bench_pieces = pieces
        top = h * 1.6
        pieces = moved(bench_pieces, z=side) + moved(bench_pieces, z=-side)
        pieces += moved(planks(w, p.depth * 2, t, 0), y=top)
        for s in (-1, 1):
            x = s * w * (0.4 - p.inset)
            for k in (-1, 1):
                leg = beam((k * (side + d * 0.2), 0, 0), (k * p.depth * 0.5, top, 0), p.leg_thick, p.leg_thick * 0.6)
                pieces.append((leg.turned("y", 90).moved(x=x), 2))
            bar = slab((x - p.leg_thick * 0.3, x + p.leg_thick * 0.3), (under - p.leg_thick, under), (-side, side))
            pieces.append((bar, 2))
        return pieces
    else:
        pieces += legs(
            draw, w * (1 - 2 * p.inset), d * 0.95, under, p.leg_thick, 2, 6 if w > 1.7 and draw.chance(0.5) else 4
        )
        has_back = variant == "park"
        if variant == "backless" and draw.chance(0.5):
            y = under * 0.3
            pieces.append((slab((-w * (0.5 - p.inset), w * (0.5 - p.inset)), (y, y + t * 0.7), (-t / 2, t / 2)), 2))
    if has_back:
        if draw.chance(0.6):
            back = planks(w, p.back_height, t * 0.7, 1)
            back = moved(turned(back, "x", 90), y=p.back_height * 0.6)
            back += [
                (slab((x - t / 2, x + t / 2), (-t, p.back_height), (-t * 1.4, -t * 0.3)), 1)
                for x in (-w * 0.4, w * 0.4)
            ]
        else:
            back = chair_back(draw, w, p.back_height, t * 0.8, 1, draw.integer("bench back", 2, 3))
        pieces += moved(turned(back, "x", -p.recline), 0, h - t * 0.3, -d / 2 + t * 0.4)
        if draw.chance(0.6):
            pieces += chair_arms(draw, w * 0.97, d, h, p.back_height * 0.7, p.leg_thick * 0.8, 3)
    return pieces
