"""Families of furniture and fixtures. Rough sizes are in metres, with ranges wider than shops sell."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import (
    Draw,
    Pieces,
    arch,
    beam,
    books,
    family,
    feet,
    handle,
    knob,
    legs,
    ornament,
    padded,
    pedestal,
    pillow_mesh,
    pinched,
    rod,
    shell,
    squared,
    vessel,
)
from datasets.demo.mesh import (
    Mesh,
    box,
    cushion,
    cylinder,
    ellipsoid,
    extrude,
    frustum,
    lathe,
    sheet,
    slab,
    torus,
    tube,
)


def _moved(pieces: Pieces, x: float = 0, y: float = 0, z: float = 0) -> Pieces:
    return [(mesh.moved(x, y, z), part) for mesh, part in pieces]


def _turned(pieces: Pieces, axis: str, degrees: float) -> Pieces:
    return [(mesh.turned(axis, degrees), part) for mesh, part in pieces]


def _front(draw: Draw, x, y, z: float, part_face: int, part_grip: int, grip: int, kind: str) -> Pieces:
    """A door or a drawer front in the plane z, with a grip: 0 knob, 1 bar, 2 none."""
    gap = 0.03 * min(x[1] - x[0], y[1] - y[0])
    thick = 0.02
    pieces = [(slab((x[0] + gap, x[1] - gap), (y[0] + gap, y[1] - gap), (z, z + thick)), part_face)]
    width, height = x[1] - x[0], y[1] - y[0]
    if kind == "drawer":
        at = ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2)
    elif kind == "left":  # hinged at the left, so the grip is at the right
        at = (x[1] - 0.12 * width, (y[0] + y[1]) / 2)
    else:
        at = (x[0] + 0.12 * width, (y[0] + y[1]) / 2)
    if grip == 0:
        pieces.append((knob(0.025).moved(*at, z + thick), part_grip))
    elif grip == 1:
        upright = kind != "drawer"
        length = 0.35 * (height if upright else width)
        pieces.append((handle(min(length, 0.3), 0.018, upright).moved(*at, z + thick), part_grip))
    return pieces


def _tabletop(width: float, depth: float, top: float, thick: float, round_top: bool, part: int) -> Pieces:
    if round_top:
        return [(cylinder(0.5, 1, 28).scaled(width, thick, depth).moved(y=top - thick), part)]
    return [(slab((-width / 2, width / 2), (top - thick, top), (-depth / 2, depth / 2)), part)]


def _chair_back(draw: Draw, width: float, height: float, thick: float, part: int, style: int | None = None) -> Pieces:
    """A back that stands on y = 0, centred on z = 0: solid, padded, slats, ladder, cross or hoop."""
    style = draw.integer("back style", 0, 5) if style is None else style
    if style == 0:
        return [(slab((-width / 2, width / 2), (0, height), (-thick / 2, thick / 2)), part)]
    if style == 1:
        low = height * draw(back_gap=(0.0, 0.35)).back_gap
        pieces = [(padded(width, height - low, thick * 2, draw.chance(0.6)).moved(y=(height + low) / 2), part)]
        if low > 0.02:
            pieces += [
                (slab((x - thick / 2, x + thick / 2), (0, low * 1.5), (-thick / 2, thick / 2)), part)
                for x in (-width * 0.3, width * 0.3)
            ]
        return pieces
    post = thick
    if style == 5:
        pieces = [(arch(width - thick, height, thick / 2, 10, 6), part)]
        count = draw.integer("spindles", 2, 5)
        for x in np.linspace(-0.3, 0.3, count) * width:
            top = height * np.sqrt(max(1 - (2 * x / (width - thick)) ** 2, 0))
            pieces.append((rod((x, 0, 0), (x, top, 0), thick * 0.25, 6), part))
        return pieces
    x = width / 2 - post / 2
    pieces = [(box(post, height, thick).moved(s * x, height / 2), part) for s in (-1, 1)]
    rail = height * draw(back_rail=(0.08, 0.3)).back_rail
    pieces.append((slab((-x, x), (height - rail, height), (-thick * 0.4, thick * 0.4)), part))
    if style == 2:
        pieces.append((slab((-x, x), (height * 0.1, height * 0.18), (-thick * 0.4, thick * 0.4)), part))
        count = draw.integer("slats", 2, 6)
        for sx in (np.arange(count) + 1) / (count + 1) * 2 * x - x:
            slat = slab((-0.25 * post, 0.25 * post), (height * 0.1, height - rail), (-thick / 4, thick / 4))
            pieces.append((slat.moved(x=sx), part))
    elif style == 3:
        for y in np.linspace(0.2, 0.75, draw.integer("rungs", 1, 4)) * height:
            pieces.append((slab((-x, x), (y, y + height * 0.09), (-thick * 0.3, thick * 0.3)), part))
    else:
        low, high = height * 0.08, height - rail
        pieces += [(beam((-s * x, low, 0), (s * x, high, 0), post * 0.6, thick * 0.5), part) for s in (-1, 1)]
    return pieces


@family("chair", ("seat", "back", "legs", "arms"), ("four legs", "pedestal", "cantilever", "block", "X legs"))
def chair(variant: str, draw: Draw) -> Pieces:
    """Seat for one with a back; the block is an armchair."""
    p = draw(
        width=(0.34, 0.75), depth=(0.34, 0.7), seat_height=(0.25, 0.62), seat_thick=(0.03, 0.14),
        back_height=(0.25, 0.95), back_thick=(0.03, 0.09), recline=(0, 18), leg_thick=(0.03, 0.11),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.seat_height, p.seat_thick
    if variant == "block":
        w, d = w * 1.4, d * 1.35
        return _upholstered(draw, w, d, 1, part_seat=0, part_back=1, part_base=2, part_arm=3)
    pieces: Pieces = []
    seat_style = draw.integer("seat", 0, 3)
    if seat_style == 0:
        pieces.append((padded(w, t * 1.5, d, True).moved(y=h - t * 0.75), 0))
    elif seat_style == 1:
        pieces.append((cylinder(0.5, t, 24).scaled(w, 1, d).moved(y=h - t), 0))
    else:
        pieces.append((slab((-w / 2, w / 2), (h - t, h), (-d / 2, d / 2)), 0))
        if seat_style == 2:
            pieces.append((cushion(w * 0.95, 0.08, d * 0.95, 0.3, 16).moved(y=h + 0.02), 0))
    narrow = draw(back_width=(0.7, 1.05)).back_width * (0.75 if seat_style == 1 else 1.0)
    one_shell = variant in ("pedestal", "cantilever") and draw.chance(0.4)
    if one_shell:
        v = np.linspace(0, 1, 9)
        curve = np.stack([np.zeros(9), p.back_height * v, -0.22 * p.back_height * v**2], -1)
        u = np.linspace(-1, 1, 7)
        grid = curve[:, None] + np.stack([u * w / 2 * narrow, 0 * u, 0.12 * w * u**2], -1)[None]
        pieces.append((sheet(grid + [0, h - t, -d * 0.46], p.back_thick), 1))
    else:
        back = _chair_back(draw, w * narrow, p.back_height, p.back_thick, 1)
        pieces += _moved(_turned(back, "x", -p.recline), 0, h - t * 0.6, -d / 2 + p.back_thick / 2)
    under = h - t
    if variant == "four legs":
        pieces += legs(draw, w * 0.96, d * 0.96, under, p.leg_thick, 2)
        if draw.chance(0.4):
            y = under * draw(stretcher=(0.15, 0.6)).stretcher
            thick = p.leg_thick * 0.5
            x, z = w * 0.48 - thick, d * 0.48 - thick
            pieces += [(slab((s * x - thick / 2, s * x + thick / 2), (y, y + thick), (-z, z)), 2) for s in (-1, 1)]
            pieces.append((slab((-x, x), (y, y + thick), (-thick / 2, thick / 2)), 2))
    elif variant == "pedestal":
        star = draw.integer("star", 3, 6) if draw.chance(0.7) else 0
        base = draw(base=(0.35, 0.6)).base * min(w, d)
        pieces += pedestal(under, p.leg_thick * 0.5, base, 2, star)
    elif variant == "cantilever":
        r = p.leg_thick * 0.3
        for s in (-1, 1):
            x = s * (w / 2 - r)
            path = [(x, under - r, -d / 2 + r), (x, under - r, d / 2 - r), (x, r, d / 2), (x, r, -d / 2 + r)]
            pieces.append((tube(path, r, 8), 2))
        pieces.append((rod((-w / 2, r, -d / 2 + r), (w / 2, r, -d / 2 + r), r), 2))
    else:
        thick = p.leg_thick * 0.7
        for s in (-1, 1):
            cross = [beam((-d / 2 * k, thick / 2, 0), (d / 2 * k, under, 0), thick, thick) for k in (-1, 1)]
            pieces += [(leg.turned("y", 90).moved(x=s * (w / 2 - thick)), 2) for leg in cross]
        pieces.append(
            (slab((-w / 2 + thick, w / 2 - thick), (under / 2, under / 2 + thick), (-thick / 2, thick / 2)), 2)
        )
    if draw.chance(0.4) and not one_shell:
        pieces += _chair_arms(draw, w, d, h, min(p.back_height * 0.8, 0.4), p.leg_thick, 3)
    return pieces


def _chair_arms(draw: Draw, w: float, d: float, h: float, limit: float, thick: float, part: int) -> Pieces:
    rise = limit * draw(arm_rise=(0.45, 1.0)).arm_rise
    wide, thin = max(thick, 0.04), max(thick * 0.6, 0.025)
    solid = draw.chance(0.25)
    pieces: Pieces = []
    for s in (-1, 1):
        x = s * (w / 2 + wide * 0.2)
        if solid:
            pieces.append((slab((x - thin / 2, x + thin / 2), (h - 0.05, h + rise), (-d / 2, d / 2)), part))
            continue
        pieces.append((slab((x - wide / 2, x + wide / 2), (h + rise - thin, h + rise), (-d / 2, d * 0.45)), part))
        post = slab((x - thin / 2, x + thin / 2), (h - 0.04, h + rise - thin), (d * 0.3, d * 0.3 + thin))
        pieces.append((post, part))
    return pieces


def _upholstered(
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
        pieces = _upholstered(draw, w, d, places, 0, 1, 3, None if variant == "armless" else 2)
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


@family("stool", ("seat", "legs", "rings"), ("four legs", "three legs", "pedestal", "drum", "box"))
def stool(variant: str, draw: Draw) -> Pieces:
    """Seat for one without a back."""
    p = draw(
        width=(0.25, 0.55), aspect=(0.7, 1.3), height=(0.22, 0.85), seat_thick=(0.025, 0.12), leg_thick=(0.025, 0.09),
        ring_height=(0.15, 0.5), spread=(0.7, 1.25), bulge=(0.75, 1.2),
    )  # fmt: skip
    w, d, h, t = p.width, p.width * p.aspect, p.height, p.seat_thick
    under = h - t
    if variant == "drum":
        y = np.linspace(0, 1, 7)
        radius = 0.5 * (1 + (p.bulge - 1) * np.sin(np.pi * y))
        profile = [(0, 0), *zip(radius, y, strict=True), (0, 1)]
        return [
            (lathe(profile, 20).scaled(w, under, d), 1),
            (cushion(w * 1.02, t * 1.4, d * 1.02, 0.5, 20).moved(y=h - t * 0.6), 0),
            (torus(0.5, 0.02, 20, 6).scaled(w, 0.5, d).moved(y=0.02), 2),
        ]
    round_seat = draw.chance(0.6) if variant != "box" else False
    seat_style = draw.integer("seat", 0, 2)
    if round_seat:
        seat = cylinder(0.5, t, 24).scaled(w, 1, d).moved(y=under)
    elif seat_style == 0:
        seat = padded(w, t * 1.3, d, True).moved(y=h - t / 2)
    elif seat_style == 1:
        u = np.linspace(-1, 1, 9)
        grid = np.stack(
            np.broadcast_arrays(u[:, None] * w / 2, h - t / 2 + 0.06 * (u[:, None] ** 2 - 1), u[None] * d / 2), -1
        )
        seat = sheet(grid, t * 0.7)
    else:
        seat = slab((-w / 2, w / 2), (under, h), (-d / 2, d / 2))
    pieces: Pieces = [(seat, 0)]
    if round_seat and draw.chance(0.3):
        pieces.append((cushion(w, t, d, 0.6, 16).moved(y=h), 0))
    if variant == "box":
        if draw.chance(0.5):
            thick = p.leg_thick * 0.8
            for s in (-1, 1):
                x = s * (w / 2 - thick / 2)
                pieces.append((slab((x - thick / 2, x + thick / 2), (0, under), (-d / 2, d / 2)), 1))
            y = under * p.ring_height
            pieces.append((slab((-w / 2 + thick, w / 2 - thick), (y, y + thick * 1.5), (-thick / 2, thick / 2)), 2))
        else:
            pieces += feet(draw, w, d, under * 0.25, p.leg_thick, 1)
            pieces.append((slab((-w / 2, w / 2), (under * 0.25, under), (-d / 2, d / 2)), 1))
        return pieces
    if variant == "pedestal":
        star = 5 if draw.chance(0.35) else 0
        pieces += pedestal(under, p.leg_thick * 0.5, 0.5 * w * p.spread, 1, star)
        if draw.chance(0.5):
            pieces.append((torus(w * 0.35, 0.014, 20, 6).moved(y=under * p.ring_height), 2))
            y = under * p.ring_height
            pieces.append((rod((-w * 0.35, y, 0), (w * 0.35, y, 0), 0.01, 6), 2))
        return pieces
    count = 3 if variant == "three legs" else 4
    size = 0.72 if round_seat else 0.95
    top, spread = size / 2, size / 2 * p.spread
    if draw.chance(0.5):
        pieces += legs(draw, w * size, d * size, under, p.leg_thick, 1, count)
        spread = top
    else:
        turn = np.arange(count) * 2 * np.pi / count + (np.pi / 4 if count == 4 else 0)
        for a in turn:
            direction = np.array([np.sin(a) * w, 0, np.cos(a) * d]) * (1.35 if count == 4 and not round_seat else 1)
            foot = direction * spread
            pieces.append((rod(direction * top + [0, under, 0], foot, (p.leg_thick * 0.55, p.leg_thick * 0.4), 8), 1))
    if draw.chance(0.6):
        y = under * p.ring_height
        reach = top * p.ring_height + spread * (1 - p.ring_height)
        if round_seat:
            pieces.append((torus(1, 0.03, 20, 6).scaled(w * reach, 0.4, d * reach).moved(y=y), 2))
        else:
            x, z, thick = w * reach, d * reach, p.leg_thick * 0.4
            for s in (-1, 1):
                pieces.append((rod((-x, y, s * z), (x, y, s * z), thick, 6), 2))
                pieces.append((rod((s * x, y + thick, -z), (s * x, y + thick, z), thick, 6), 2))
    return pieces


@family("table", ("top", "legs", "shelf", "things"), ("four legs", "round pedestal", "trestle", "with shelf", "block"))
def table(variant: str, draw: Draw) -> Pieces:
    """Table to eat at or to stand things on, low or high."""
    p = draw(
        width=(0.45, 2.2), depth=(0.4, 1.1), height=(0.28, 1.0), top_thick=(0.02, 0.12), leg_thick=(0.03, 0.16),
        inset=(0.0, 0.2), apron=(0.0, 0.16), shelf_height=(0.12, 0.55), roundness=(0.85, 1.2),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.height, p.top_thick
    under = h - t
    pieces: Pieces = []
    if variant == "round pedestal":
        w, d = d, d * p.roundness
        pieces += _tabletop(w, d, h, t, draw.chance(0.8), 0)
        star = draw.integer("star", 3, 4) if draw.chance(0.4) else 0
        pieces += pedestal(under, p.leg_thick * 0.6, (0.5 - p.inset) * min(w, d), 1, star)
    elif variant == "trestle":
        pieces += _tabletop(w, d, h, t, False, 0)
        crossed = draw.chance(0.5)
        thick = p.leg_thick * 0.8
        for s in (-1, 1):
            x = s * w * (0.47 - p.inset)
            if crossed:
                cross = [beam((-d * 0.42 * k, thick / 2, 0), (d * 0.42 * k, under, 0), thick, thick) for k in (-1, 1)]
                pieces += [(leg.turned("y", 90).moved(x=x), 1) for leg in cross]
            else:
                pieces.append((slab((x - thick / 2, x + thick / 2), (0, thick), (-d * 0.42, d * 0.42)), 1))
                pieces.append((slab((x - thick / 2, x + thick / 2), (thick, under), (-d * 0.12, d * 0.12)), 1))
        reach = w * (0.47 - p.inset)
        y = under * (0.5 if crossed else p.shelf_height)
        pieces.append((slab((-reach, reach), (y - thick / 2, y + thick / 2), (-thick / 2, thick / 2)), 1))
    elif variant == "block":
        pieces += _tabletop(w, d, h, t, False, 0)
        thick = max(p.leg_thick * 0.7, 0.04)
        if draw.chance(0.6):
            for s in (-1, 1):
                x = s * (w / 2 - thick / 2)
                pieces.append((slab((x - thick / 2, x + thick / 2), (0, under), (-d / 2, d / 2)), 1))
            if draw.chance(0.4):
                y = under * p.shelf_height
                pieces.append((slab((-w / 2 + thick, w / 2 - thick), (y, y + thick), (-d / 2, d / 2)), 2))
        else:
            k = 0.5 - p.inset
            pieces.append((slab((-w * k, w * k), (0, under), (-d * k, d * k)), 1))
    else:
        round_top = draw.chance(0.3)
        if round_top:
            w = min(w, d * 1.6)
        pieces += _tabletop(w, d, h, t, round_top, 0)
        k = (0.7 if round_top else 1.0) * (1 - p.inset)
        pieces += legs(draw, w * k, d * k, under, p.leg_thick, 1, 3 if round_top and draw.chance(0.4) else 4)
        if p.apron > 0.06 and not round_top:
            low, thin = under - min(p.apron, under * 0.3), p.leg_thick * 0.4
            x, z = w * k / 2 - thin, d * k / 2 - thin
            pieces += [(slab((-x, x), (low, under), (s * z - thin / 2, s * z + thin / 2)), 1) for s in (-1, 1)]
            pieces += [(slab((s * x - thin / 2, s * x + thin / 2), (low, under), (-z, z)), 1) for s in (-1, 1)]
        if variant == "with shelf":
            y = under * p.shelf_height
            pieces += _tabletop(w * k * 0.95, d * k * 0.95, y + t * 0.7, t * 0.7, round_top, 2)
    for _ in range(draw.integer("things", 0, 2) if draw.chance(0.35) else 0):
        size = draw.rng.uniform(0.1, 0.25)
        at = draw.rng.uniform(-0.3, 0.3, 2)
        pieces += _moved(ornament(draw, size, 3), at[0] * w, h, at[1] * d)
    return pieces


@family(
    "desk", ("top", "legs", "drawers", "handles", "screen"), ("pedestal", "two pedestals", "panel", "hutch", "corner")
)
def desk(variant: str, draw: Draw) -> Pieces:
    """Table to work at, with drawers or panels under it."""
    p = draw(
        width=(0.8, 2.0), depth=(0.42, 0.95), height=(0.58, 0.95), top_thick=(0.02, 0.08), leg_thick=(0.03, 0.11),
        drawer_width=(0.2, 0.34), panel_height=(0.2, 0.9), hutch_height=(0.2, 0.7), wing=(0.4, 1.0),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.height, p.top_thick
    under = h - t
    grip = draw.integer("grip", 0, 2)
    pieces = _tabletop(w, d, h, t, False, 0)
    z = d / 2 - t

    def drawers(x0: float, x1: float) -> Pieces:
        out: Pieces = [(slab((x0, x1), (0.04, under), (-d / 2 + t, z)), 1)]
        count = draw.integer("drawers", 2, 4)
        edge = np.linspace(0.04, under, count + 1)
        for low, high in zip(edge[:-1], edge[1:], strict=True):
            out += _front(draw, (x0, x1), (low, high), z, 2, 3, grip, "drawer")
        return out

    def end(x: float) -> Pieces:
        if draw.chance(0.5):
            return [(slab((x - t / 2, x + t / 2), (0, under), (-d / 2, d / 2)), 1)]
        half = p.leg_thick / 2
        post = slab((x - half, x + half), (0, under), (-half, half))
        return [(post.moved(z=s * (d / 2 - half)), 1) for s in (-1, 1)]

    block = p.drawer_width * w
    left = -w / 2 + t
    if variant == "two pedestals":
        pieces += drawers(left, left + block) + drawers(-left - block, -left)
    elif variant == "panel":
        pieces += end(-w / 2 + t) + end(w / 2 - t)
        flat = min(0.14, under * 0.25)
        count = draw.integer("flat drawers", 1, 3)
        edge = np.linspace(-w / 2 + 2 * t, w / 2 - 2 * t, count + 1)
        pieces.append((slab((edge[0], edge[-1]), (under - flat, under), (-d / 2 + t, z)), 2))
        for x0, x1 in zip(edge[:-1], edge[1:], strict=True):
            pieces += _front(draw, (x0, x1), (under - flat, under), z, 2, 3, grip, "drawer")
    else:
        pieces += drawers(left, left + block) + end(w / 2 - max(t, p.leg_thick) / 2)
    if draw.chance(0.7):
        low = under * (1 - p.panel_height)
        pieces.append((slab((-w / 2 + t, w / 2 - t), (low, under), (-d / 2 + t, -d / 2 + 1.6 * t)), 1))
    if variant == "hutch":
        top, back = h + p.hutch_height, -d / 2 + 0.3 * d
        pieces += shell((-w / 2, w / 2), (h, top), (-d / 2, back), t * 0.8, 4)
        count = draw.integer("hutch bays", 1, 4)
        for x in np.linspace(-w / 2, w / 2, count + 1)[1:-1]:
            pieces.append((slab((x - t * 0.4, x + t * 0.4), (h, top - t * 0.8), (-d / 2, back)), 4))
        if draw.chance(0.5):
            y = h + p.hutch_height * 0.5
            pieces.append((slab((-w / 2 + t, w / 2 - t), (y, y + t * 0.7), (-d / 2, back)), 4))
    if variant == "corner":
        x0 = w / 2 - d * 0.75
        pieces.append((slab((x0, w / 2), (under, h), (d / 2, d / 2 + p.wing)), 0))
        pieces.append((slab((x0, w / 2), (0, under), (d / 2 + p.wing - 2 * t, d / 2 + p.wing - t)), 1))
    if variant != "hutch" and draw.chance(0.35):
        size = draw(screen=(0.25, 0.45)).screen
        screen = box(size * 1.5, size, 0.03).moved(y=size * 0.75)
        pieces += [
            (screen.moved(0, h, -d * 0.25), 4),
            (box(0.05, size * 0.5, 0.04).moved(0, h + size * 0.25, -d * 0.29), 4),
        ]
        pieces.append((box(size * 0.7, 0.015, size * 0.5).moved(0, h + 0.0075, -d * 0.25), 4))
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
        pieces += _moved(planks(w, d, t * 0.7, 0), y=h - t * 0.7)
        cross = p.leg_thick * 0.8
        for s in (-1, 1):
            x = s * w * (0.46 - p.inset)
            pieces.append(
                (slab((x - cross / 2, x + cross / 2), (under - cross * 0.3, h - t * 0.6), (-d * 0.48, d * 0.48)), 2)
            )
    else:
        pieces.append((slab((-w / 2, w / 2), (under, h), (-d / 2, d / 2)), 0))
    if variant == "slab":
        thick = p.leg_thick
        for s in (-1, 1):
            x = s * (w * (0.5 - p.inset) - thick / 2)
            pieces.append((slab((x - thick / 2, x + thick / 2), (0, under), (-d * 0.46, d * 0.46)), 2))
        if draw.chance(0.4):
            pieces.append((slab((-w * 0.3, w * 0.3), (under * 0.3, under * 0.45), (-t / 2, t / 2)), 2))
        has_back = draw.chance(0.3)
    elif variant == "picnic":
        # The table between two benches; the seat planks above are the table's near bench.
        side = d / 2 + 0.28 + p.depth * 0.6
        bench_pieces = pieces
        top = h * 1.6
        pieces = _moved(bench_pieces, z=side) + _moved(bench_pieces, z=-side)
        pieces += _moved(planks(w, p.depth * 2, t, 0), y=top)
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
            back = _moved(_turned(back, "x", 90), y=p.back_height * 0.6)
            back += [
                (slab((x - t / 2, x + t / 2), (-t, p.back_height), (-t * 1.4, -t * 0.3)), 1)
                for x in (-w * 0.4, w * 0.4)
            ]
        else:
            back = _chair_back(draw, w, p.back_height, t * 0.8, 1, draw.integer("bench back", 2, 3))
        pieces += _moved(_turned(back, "x", -p.recline), 0, h - t * 0.3, -d / 2 + t * 0.4)
        if draw.chance(0.6):
            pieces += _chair_arms(draw, w * 0.97, d, h, p.back_height * 0.7, p.leg_thick * 0.8, 3)
    return pieces


@family("bed", ("mattress", "frame", "headboard", "pillows", "blanket"), ("single", "double", "bunk", "four-poster"))
def bed(variant: str, draw: Draw) -> Pieces:
    """Bed with its head at the back."""
    p = draw(
        width=(0.75, 1.1), length=(1.6, 2.3), frame_height=(0.12, 0.5), frame_thick=(0.1, 0.22), mattress=(0.12, 0.32),
        head_rise=(0.15, 0.85), board=(0.04, 0.12), foot_rise=(0.0, 0.4), blanket=(0.35, 0.75), leg_thick=(0.05, 0.14),
    )  # fmt: skip
    w = p.width * (1.75 if variant == "double" else 1.0)
    if variant == "four-poster":
        w *= 1.0 + 0.7 * draw.chance(0.7)
    length, board = p.length, p.board
    double = w > 1.2

    def layer(base: float) -> Pieces:
        out: Pieces = []
        soft = draw.chance(0.5)
        mw, ml = w * 0.96, length * 0.97
        if soft:
            out.append((cushion(mw, p.mattress, ml, 0.2, 20).moved(y=base + p.mattress / 2), 0))
        else:
            out.append((slab((-mw / 2, mw / 2), (base, base + p.mattress), (-ml / 2, ml / 2)), 0))
        top = base + p.mattress
        count = 2 if double else 1
        pw = mw / count * draw.rng.uniform(0.65, 0.95)
        pl = draw.rng.uniform(0.28, 0.45)
        thick = draw.rng.uniform(0.09, 0.18)
        for k in range(count):
            x = (k - (count - 1) / 2) * mw / count
            if draw.chance(0.5):
                pillow = pillow_mesh(pw, thick, pl)
            else:
                pillow = cushion(pw, thick, pl, 0.4, 14)
            out.append((pillow.moved(x, top + thick * 0.4, -ml / 2 + pl * 0.6), 3))
        if draw.chance(0.75):
            z0 = ml / 2 - p.blanket * ml
            drop = p.mattress * draw.rng.uniform(0.3, 0.95)
            edge = mw / 2 + 0.02
            out.append((slab((-edge, edge), (top - drop, top + 0.03), (z0, ml / 2 + 0.015)), 4))
            if draw.chance(0.5):
                out.append((slab((-edge, edge), (top + 0.03, top + 0.07), (z0, z0 + 0.2)), 4))
        return out

    base, t = p.frame_height, p.frame_thick
    rail = min(t, base)
    frame = slab((-w / 2, w / 2), (base - rail * 0.8, base + 0.03), (-length / 2, length / 2))
    pieces: Pieces = []
    if variant == "bunk":
        upper = base + draw(bunk_gap=(0.75, 1.1)).bunk_gap
        for y in (base, upper):
            pieces.append((frame.moved(y=y - base), 1))
            pieces += layer(y + 0.03)
        top = upper + p.mattress + 0.25
        x, z = w / 2, length / 2
        half = p.leg_thick / 2
        post = slab((-half, half), (0, top), (-half, half))
        pieces += [(post.moved(sx * x, 0, sz * z), 1) for sx in (-1, 1) for sz in (-1, 1)]
        for s in (-1, 1):
            pieces.append((slab((-x, x), (top - 0.12, top - 0.02), (s * z - 0.02, s * z + 0.02)), 2))
            pieces.append(
                (slab((s * x - 0.02, s * x + 0.02), (top - 0.12, top - 0.04), (-z, z * (1 if s < 0 else 0.3))), 2)
            )
        for lx in (0.05, 0.4):
            pieces.append((slab((x + 0.02, x + 0.06), (0, top), (z * 0.95 - lx - 0.04, z * 0.95 - lx)), 2))
        for y in np.linspace(0.25, upper, draw.integer("rungs", 3, 5)):
            pieces.append((slab((x + 0.02, x + 0.06), (y, y + 0.04), (z * 0.95 - 0.4, z * 0.95 - 0.05)), 2))
        return pieces
    pieces += [(frame, 1), *layer(base + 0.03)]
    under = base - rail * 0.8
    if under > 0.03:
        if draw.chance(0.75):
            pieces += feet(draw, w, length, under, p.leg_thick, 1)
        else:
            pieces.append((slab((-w * 0.46, w * 0.46), (0, under), (-length * 0.46, length * 0.46)), 1))
    top = base + p.mattress + p.head_rise
    z = -length / 2 - board / 2
    if variant == "four-poster":
        height = draw(post_height=(1.3, 2.2)).post_height
        half = p.leg_thick * 0.4
        post = cylinder(half, height, 10) if draw.chance(0.5) else slab((-half, half), (0, height), (-half, half))
        pieces += [(post.moved(sx * w / 2, 0, sz * length / 2), 1) for sx in (-1, 1) for sz in (-1, 1)]
        if draw.chance(0.4):
            pieces.append((slab((-w / 2, w / 2), (height, height + 0.05), (-length / 2, length / 2)), 1))
        else:
            pieces += [
                (rod((-w / 2, height, s * length / 2), (w / 2, height, s * length / 2), half, 8), 1) for s in (-1, 1)
            ]
            pieces += [
                (rod((s * w / 2, height, -length / 2), (s * w / 2, height, length / 2), half, 8), 1) for s in (-1, 1)
            ]
        top = min(top, height * 0.8)
    style = draw.integer("headboard", 0, 4)
    if style == 0:
        pieces.append((slab((-w / 2, w / 2), (0, top), (z - board / 2, z + board / 2)), 2))
    elif style == 1:
        rise = top - base
        pieces.append((cushion(w * 1.02, rise, board * 2.5, 0.25, 20).moved(0, base + rise / 2, z), 2))
        pieces.append((slab((-w * 0.45, w * 0.45), (0, base), (z - board / 2, z + board / 2)), 2))
    elif style == 2:
        u = np.linspace(0, np.pi, 11)
        outline = [
            (-w / 2, 0),
            *zip(-np.cos(u) * w / 2, base + (top - base) * (0.5 + 0.5 * np.sin(u)), strict=True),
            (w / 2, 0),
        ]
        pieces.append((extrude(outline, board).moved(z=z), 2))
    else:
        pieces += _moved(_chair_back(draw, w, top, board, 2, style - 1), z=z)
    if p.foot_rise > 0.12:
        low, high = (0.0, base + p.foot_rise) if draw.chance(0.7) else (base - rail, base + p.mattress * 0.8)
        zf = length / 2 + board / 2
        pieces.append((slab((-w / 2, w / 2), (low, high), (zf - board / 2, zf + board / 2)), 2))
    return pieces


@family("bookshelf", ("frame", "boards", "back", "books"), ("closed back", "open", "ladder", "cubes", "bookcase"))
def bookshelf(variant: str, draw: Draw) -> Pieces:
    """Shelf unit, low or tall, empty or with things on it."""
    p = draw(
        width=(0.4, 2.0), height=(0.5, 2.3), depth=(0.18, 0.5), board=(0.018, 0.06), plinth=(0.0, 0.14),
        cell=(0.25, 0.55), fill=(0.0, 1.0), taper=(0.4, 0.9),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.board
    z = (-d / 2, d / 2)
    rows = int(np.clip(round(h / p.cell), 2, 6))
    columns = int(np.clip(round(w / (p.cell * 1.3)), 1, 5)) if variant in ("cubes", "bookcase") else 1 + (w > 1.1)
    if draw.chance(0.2):
        columns = 1
    pieces: Pieces = []
    low = 0.0
    depths = np.full(rows + 1, d)
    if variant == "ladder":
        depths = d * np.linspace(1, p.taper * 0.7, rows + 1)
        thick = max(t, 0.03)
        for s in (-1, 1):
            x = s * (w / 2 - thick / 2)
            pieces.append((slab((x - thick / 2, x + thick / 2), (0, h), (-d / 2, -d / 2 + thick)), 0))
            front = beam((d / 2, 0, 0), (-d / 2 + depths[-1], h, 0), thick, thick).turned("y", -90)
            pieces.append((front.moved(x=x), 0))
        edge = np.linspace(0.12 * h, h - t, rows + 1)
    elif variant == "open":
        thick = max(t, 0.025)
        x, zz = w / 2 - thick / 2, d / 2 - thick / 2
        if draw.chance(0.6):
            post = box(thick, h, thick).moved(y=h / 2)
            pieces += [(post.moved(sx * x, 0, sz * zz), 0) for sx in (-1, 1) for sz in (-1, 1)]
        else:
            pieces += [(box(thick, h, d).moved(s * x, h / 2), 0) for s in (-1, 1)]
        edge = np.linspace(h * draw(lowest=(0.0, 0.15)).lowest, h - t, rows + 1)
        if draw.chance(0.3):
            cross = [beam((-x * k, edge[0], 0), (x * k, h, 0), thick * 0.5, 0.01) for k in (-1, 1)]
            pieces += [(bar.moved(z=-d / 2), 2) for bar in cross]
    else:
        low = p.plinth if p.plinth > 0.04 else 0.0
        if low:
            if draw.chance(0.5):
                pieces.append((slab((-w * 0.48, w * 0.48), (0, low), (-d * 0.45, d * 0.45)), 0))
            else:
                pieces += feet(draw, w, d, low, min(0.07, d * 0.3), 0)
        pieces += shell((-w / 2, w / 2), (low, h), z, t, 0, False)
        if variant != "cubes" or draw.chance(0.4):
            pieces.append((slab((-w / 2 + t, w / 2 - t), (low + t, h - t), (-d / 2, -d / 2 + t * 0.5)), 2))
        if variant == "bookcase" and draw.chance(0.7):
            pieces.append((slab((-w * 0.53, w * 0.53), (h, h + t * 2), (-d * 0.52, d * 0.56)), 0))
        edge = np.linspace(low, h - t, rows + 1)
    bay = np.linspace(-w / 2 + t, w / 2 - t, columns + 1)
    inner_edges = edge if variant in ("ladder", "open") else edge[1:-1]
    for y, depth in zip(inner_edges, depths, strict=False):
        pieces.append((slab((-w / 2 + t, w / 2 - t), (y, y + t), (-d / 2, -d / 2 + depth)), 1))
    if variant not in ("ladder", "open"):
        for x in bay[1:-1]:
            pieces.append((slab((x - t / 2, x + t / 2), (low + t, h - t), (-d / 2, d / 2)), 1))
    total = 0
    for k in range(rows):
        room = edge[k + 1] - edge[k] - t
        for x0, x1 in zip(bay[:-1], bay[1:], strict=True):
            if total >= 14 or not draw.chance(p.fill) or room < 0.06:
                continue
            total += 1
            zc = -d / 2 + depths[k] / 2
            if draw.chance(0.7):
                row = books(draw, (x0 + t, x1 - t), min(room, 0.4), depths[k] * 0.9, 3)
            else:
                size = min(room, x1 - x0 - 2 * t, depths[k] * 1.1) * draw.rng.uniform(0.5, 0.85)
                row = _moved(ornament(draw, size, 3), draw.rng.uniform(0.4, 0.6) * (x1 - x0) + x0)
            pieces += _moved(row, y=edge[k] + t, z=zc)
    if draw.chance(0.25):
        pieces += _moved(ornament(draw, min(d * 0.8, 0.25), 3), draw.rng.uniform(-0.3, 0.3) * w, h + 0.001)
    return pieces


@family(
    "cabinet", ("body", "fronts", "handles", "feet", "things"), ("doors", "drawers", "mixed", "open shelf", "wardrobe")
)
def cabinet(variant: str, draw: Draw) -> Pieces:
    """Closed storage: cupboard, chest of drawers, nightstand, sideboard, wardrobe."""
    p = draw(
        width=(0.35, 1.8), height=(0.4, 1.3), depth=(0.28, 0.65), foot=(0.0, 0.22), foot_thick=(0.03, 0.09),
        top_thick=(0.02, 0.06), overhang=(0.0, 0.05), split=(0.3, 0.7),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.top_thick
    if variant == "wardrobe":
        h, d = h * 1.1 + 0.9, d * 1.1
    foot = p.foot if p.foot > 0.05 else 0.0
    grip = draw.integer("grip", 0, 2)
    pieces: Pieces = []
    if foot:
        if draw.chance(0.3):
            pieces.append((slab((-w * 0.47, w * 0.47), (0, foot * 0.5), (-d * 0.45, d * 0.4)), 3))
            foot *= 0.5
        else:
            pieces += legs(draw, w * 0.95, d * 0.93, foot, p.foot_thick, 3)
    z = d / 2
    top = foot + h
    half = w / 2 + p.overhang
    pieces.append((slab((-half, half), (top, top + t), (-d / 2, z + p.overhang + 0.02)), 0))

    def doors(x0: float, x1: float, y0: float, y1: float) -> Pieces:
        count = int(np.clip(round((x1 - x0) / (0.3 + 0.35 * p.split)), 1, 4))
        edge = np.linspace(x0, x1, count + 1)
        out: Pieces = []
        for k in range(count):
            kind = "left" if k % 2 == 0 else "right"
            out += _front(draw, (edge[k], edge[k + 1]), (y0, y1), z, 1, 2, grip, kind)
        return out

    def drawers(x0: float, x1: float, y0: float, y1: float, most: int = 5) -> Pieces:
        rows = int(np.clip(round((y1 - y0) / (0.14 + 0.2 * p.split)), 1, most))
        columns = 2 if x1 - x0 > 0.9 and draw.chance(0.6) else 1
        ys, xs = np.linspace(y0, y1, rows + 1), np.linspace(x0, x1, columns + 1)
        out: Pieces = []
        for i in range(rows):
            for j in range(columns):
                out += _front(draw, (xs[j], xs[j + 1]), (ys[i], ys[i + 1]), z, 1, 2, grip, "drawer")
        return out

    x = w / 2
    if variant == "open shelf":
        cut = foot + h * p.split
        pieces.append((slab((-x, x), (foot, cut), (-d / 2, z)), 0))
        pieces += doors(-x, x, foot, cut) if draw.chance(0.5) else drawers(-x, x, foot, cut, 3)
        pieces += shell((-x, x), (cut, top), (-d / 2, z), t * 0.8, 0)
        if draw.chance(0.5):
            pieces += _moved(books(draw, (-x + t, x - t), min(top - cut - t * 2, 0.35), d * 0.8, 4), y=cut + t * 0.8)
    else:
        pieces.append((slab((-x, x), (foot, top), (-d / 2, z)), 0))
        if variant == "doors":
            pieces += doors(-x, x, foot, top)
        elif variant == "drawers":
            pieces += drawers(-x, x, foot, top)
        elif variant == "wardrobe":
            low = foot + h * 0.25 * draw.integer("wardrobe drawers", 0, 1)
            pieces += doors(-x, x, low, top)
            if low > foot:
                pieces += drawers(-x, x, foot, low, 2)
        elif draw.chance(0.5):
            cut = -x + w * p.split
            pieces += doors(-x, cut, foot, top) + drawers(cut, x, foot, top, 4)
        else:
            cut = foot + h * max(p.split, 0.5)
            pieces += doors(-x, x, foot, cut) + drawers(-x, x, cut, top, 2)
    if variant != "wardrobe" and draw.chance(0.4):
        for _ in range(draw.integer("things", 1, 3)):
            size = draw.rng.uniform(0.12, 0.35) * min(1, w)
            at = draw.rng.uniform(-0.35, 0.35)
            pieces += _moved(ornament(draw, size, 4), at * w, top + t, 0)
    return pieces


@family("box", ("body", "lid"), ("closed", "open", "flaps", "chest", "crate"))
def carton(variant: str, draw: Draw) -> Pieces:
    """Box with or without a lid: carton, chest, crate."""
    p = draw(
        width=(0.25, 1.0), height=(0.15, 0.9), depth=(0.2, 0.8), wall=(0.01, 0.04), lid=(0.1, 0.45), opening=(10, 160),
        flap=(0.3, 0.55), band=(0.02, 0.08),
    )  # fmt: skip
    w, h, d, t = p.width, p.height, p.depth, p.wall
    x, z = w / 2, d / 2

    def tub() -> Pieces:
        return [
            (slab((-x, x), (0, t), (-z, z)), 0),
            *[(slab((s * x - (t if s > 0 else 0), s * x + (0 if s > 0 else t)), (t, h), (-z, z)), 0) for s in (-1, 1)],
            *[
                (slab((-x + t, x - t), (t, h), (s * z - (t if s > 0 else 0), s * z + (0 if s > 0 else t))), 0)
                for s in (-1, 1)
            ],
        ]

    if variant == "closed":
        lip = h * p.lid * 0.6
        edge = t * 0.6
        pieces: Pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        pieces.append((slab((-x - edge, x + edge), (h - lip, h + t), (-z - edge, z + edge)), 1))
        if draw.chance(0.3):
            b = p.band * w
            pieces.append((slab((-b, b), (-0.003, h + t * 1.3), (-z - edge * 1.6, z + edge * 1.6)), 1))
            pieces.append((slab((-x - edge * 1.6, x + edge * 1.6), (-0.003, h + t * 1.3), (-b, b)), 1))
        return pieces
    if variant == "open":
        lid = slab((-x, x), (-t / 2, t / 2), (0, d)).turned("x", -p.opening)
        pieces = [*tub(), (lid.moved(y=h + t / 2, z=-z), 1)]
        if draw.chance(0.3):  # the lid leans against the side instead
            pieces[-1] = (box(w, t, d).turned("z", 75).moved(x + 0.2 * w, w * 0.48, 0), 1)
        return pieces
    if variant == "flaps":
        pieces = tub()
        long, short = p.flap * d, p.flap * w
        angle = p.opening * 0.9
        flap = slab((-x, x), (0, t * 0.5), (0, long))
        side = slab((0, short), (0, t * 0.5), (-z, z))
        tilt = draw.rng.uniform(-30, 30, 4)
        pieces.append((flap.turned("x", -angle - tilt[0]).moved(0, h, -z), 1))
        pieces.append((flap.turned("x", -angle - tilt[1]).scaled(1, 1, -1).moved(0, h, z), 1))
        pieces.append((side.turned("z", angle + tilt[2]).moved(-x, h, 0), 1))
        pieces.append((side.turned("z", angle + tilt[3]).scaled(-1, 1, 1).moved(x, h, 0), 1))
        return pieces
    if variant == "chest":
        rise = p.lid * d
        u = np.linspace(0, np.pi, 11)
        outline = np.stack([np.cos(u) * z, np.sin(u) * rise], -1)
        lid = extrude(outline, w).turned("y", 90)
        if draw.chance(0.4):
            lid = lid.moved(z=z).turned("x", -p.opening * 0.5).moved(z=-z)
            pieces = tub()
        else:
            pieces = [(slab((-x, x), (0, h), (-z, z)), 0)]
        pieces.append((lid.moved(y=h), 1))
        pieces.append((box(w * 0.12, h * 0.2, t * 1.5).moved(0, h * 0.92, z + t * 0.7), 1))
        for s in (-1, 1):
            b = slab((s * w * 0.35 - p.band / 2, s * w * 0.35 + p.band / 2), (0, h), (-z - t * 0.5, z + t * 0.5))
            pieces.append((b, 0))
        return pieces
    rows = draw.integer("crate boards", 2, 4)
    pitch = h / rows
    size = pitch * (1 - p.flap * 0.5)
    pieces = [(slab((-x, x), (0, t), (-z, z)), 0)]
    for k in range(rows):
        y = (k * pitch, k * pitch + size)
        pieces += [(slab((-x, x), y, (s * z - t / 2, s * z + t / 2)), 0) for s in (-1, 1)]
        pieces += [(slab((s * x - t / 2, s * x + t / 2), y, (-z, z)), 0) for s in (-1, 1)]
    post = p.band * 0.8
    pieces += [
        (slab((-post, 0), (0, h), (-post, 0)).scaled(sx, 1, sz).moved(sx * x, 0, sz * z), 0)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]
    if draw.chance(0.5):
        pieces.append((slab((-x - t, x + t), (h, h + t), (-z - t, z + t)), 1))
    else:
        count = 3
        for k in range(count):
            zc = -z + (k + 0.5) * d / count
            board = slab((-x - t, x + t), (h, h + t), (zc - d / count * 0.35, zc + d / count * 0.35))
            pieces.append((board, 1))
    return pieces


@family("door", ("leaf", "frame", "handle", "panels"), ("single", "double", "arched", "ajar"))
def door(variant: str, draw: Draw) -> Pieces:
    """Door leaf in a frame."""
    p = draw(
        width=(0.6, 1.2), height=(1.5, 2.5), thick=(0.03, 0.12), frame=(0.03, 0.2), frame_depth=(0.08, 0.4),
        handle_height=(0.38, 0.55), grip=(0.06, 0.3), panel=(0.1, 0.22), opening=(10, 100),
    )  # fmt: skip
    h, t, f, fd = p.height, p.thick, p.frame, max(p.frame_depth, p.thick * 1.2)
    leaves = 2 if variant == "double" else 1
    lw = p.width * (0.85 if leaves == 2 else 1)
    w = lw * leaves
    rise = w * 0.5 if variant == "arched" else 0.0
    h -= rise * 0.6

    grip_style = draw.integer("grip", 0, 2)
    style = draw.integer("panels", 0, 4)

    def leaf() -> Pieces:
        """One leaf hinged at x = 0, reaching to x = lw, with its grip near x = lw."""
        out: Pieces = [(slab((0.004, lw - 0.004), (0.01, h), (-t / 2, t / 2)), 0)]
        x0, x1 = lw * p.panel, lw * (1 - p.panel)
        rows, columns = ((0, 0), (2, 1), (3, 2), (1, 1), (5, 1))[style]
        for i in range(rows):
            for j in range(columns):
                y0, y1 = h * (0.08 + 0.87 * i / rows), h * (0.08 + 0.87 * (i + 0.88) / rows)
                a = x0 + (x1 - x0) * j / columns
                b = x0 + (x1 - x0) * (j + 0.86) / columns if columns > 1 else x1
                out.append((slab((a, b), (y0, y1), (-t * 0.75 - 0.01, t * 0.75 + 0.01)), 3))
        at, y = lw * 0.92, h * p.handle_height
        for s in (-1, 1):
            if grip_style == 0:
                grip = knob(0.04).scaled(1.2)
            elif grip_style == 1:
                lever = slab((-0.13, 0.02), (-0.012, 0.012), (0.05, 0.07))
                out.append((lever.scaled(1, 1, s).moved(at, y, s * t / 2), 2))
                grip = cylinder(0.02, 0.06, 8).turned("x", 90)
            else:
                grip = handle(0.2 + p.grip * 1.5, 0.025, True)
            out.append((grip.scaled(1, 1, s).moved(at, y, s * t / 2), 2))
        return out

    pieces: Pieces = []
    single = leaf()
    if rise:
        u = np.linspace(0, np.pi, 13)
        half = extrude(np.stack([np.cos(u) * (lw / 2 - 0.004), np.sin(u) * rise], -1), t)
        single.append((half.moved(lw / 2, h, 0), 0))
    angle = p.opening if variant == "ajar" or (leaves == 2 and draw.chance(0.3)) else 0.0
    first = _turned(single, "y", angle if draw.chance(0.5) else -angle)
    pieces += _moved(first, x=-w / 2)
    if leaves == 2:
        pieces += [(mesh.scaled(-1, 1, 1).moved(x=w / 2), part) for mesh, part in single]
    x = w / 2
    pieces += [(slab((-x - f, -x), (0, h), (-fd / 2, fd / 2)), 1), (slab((x, x + f), (0, h), (-fd / 2, fd / 2)), 1)]
    if rise:
        u = np.linspace(0, np.pi, 13)
        for a, b in zip(u[:-1], u[1:], strict=True):
            mid = (a + b) / 2
            size = np.hypot(np.cos(a) - np.cos(b), (np.sin(a) - np.sin(b)) * rise / x) * (x + f)
            turn = np.degrees(np.arctan2(np.cos(mid) * rise, -np.sin(mid) * x))
            block = (
                box(size, f, fd).turned("z", turn).moved(np.cos(mid) * (x + f / 2), h + np.sin(mid) * (rise + f / 2))
            )
            pieces.append((block, 1))
    else:
        pieces.append((slab((-x - f, x + f), (h, h + f), (-fd / 2, fd / 2)), 1))
        if draw.chance(0.25):
            pieces.append((slab((-x - f * 1.4, x + f * 1.4), (h + f, h + f * 1.5), (-fd * 0.7, fd * 0.7)), 1))
    if draw.chance(0.4):
        pieces.append((slab((-x - f, x + f), (-0.04, 0), (-fd * 0.6, fd * 0.6)), 1))
    return pieces


@family("stairs", ("steps", "sides", "rails"), ("solid", "open", "spiral", "landing", "ladder"))
def stairs(variant: str, draw: Draw) -> Pieces:
    """Flight of steps that climbs away from the front."""
    count = draw.integer("steps", 3, 11)
    p = draw(
        width=(0.6, 2.2), rise=(0.12, 0.26), run=(0.18, 0.4), tread=(0.02, 0.09), rail_height=(0.5, 1.0),
        side=(0.03, 0.12), turn=(20, 34), post=(0.02, 0.05), landing=(0.7, 1.3),
    )  # fmt: skip
    w, r, run = p.width, p.rise, p.run
    pieces: Pieces = []
    if variant == "spiral":
        count = max(count, 7)
        radius = w * 0.6
        height = count * r
        post = max(p.side, 0.04)
        pieces.append((cylinder(post, height + p.rail_height, 12), 1))
        half = np.radians(p.turn) * 0.56
        a = np.linspace(-half, half, 4)
        arc = np.stack([np.sin(a), np.cos(a)], -1)
        outline = np.concatenate([arc * radius, arc[::-1] * post * 0.5])
        wedge = extrude(outline, p.tread).turned("x", 90)
        path = []
        for k in range(count):
            angle = p.turn * k
            pieces.append((wedge.turned("y", angle).moved(y=(k + 1) * r), 0))
            a = np.radians(angle)
            foot = np.array([np.sin(a), 0, np.cos(a)]) * radius * 0.96
            path.append(foot + [0, (k + 1) * r + p.rail_height, 0])
            pieces.append((rod(foot + [0, (k + 1) * r, 0], path[-1], p.post * 0.5, 6), 2))
        pieces.append((tube(path, p.post * 0.8, 6), 2))
        return pieces
    if variant == "ladder":
        count = max(count, 4)
        run *= 0.45
        r *= 1.2
    total, depth = count * r, count * run
    x = w / 2 * (0.5 if variant == "ladder" else 1)
    solid = variant == "solid" or (variant == "landing" and draw.chance(0.5))
    for k in range(count):
        z1 = depth / 2 - k * run
        if solid:
            pieces.append((slab((-x, x), (0, (k + 1) * r - p.tread), (z1 - run, z1)), 1))
            pieces.append((slab((-x, x), ((k + 1) * r - p.tread, (k + 1) * r), (z1 - run, z1)), 0))
        else:
            pieces.append((slab((-x, x), ((k + 1) * r - p.tread, (k + 1) * r), (z1 - run * 1.08, z1)), 0))
            if variant == "landing" or (variant == "open" and p.tread > 0.06):
                pieces.append((slab((-x, x), (k * r, (k + 1) * r - p.tread), (z1 - 0.02, z1)), 0))
    if variant == "landing":
        zl = -depth / 2
        more = draw.integer("upper steps", 2, 5)
        size = w * p.landing
        pieces.append((slab((-x, x), (0 if solid else total - p.tread, total), (zl - size, zl)), 0))
        s = -1 if draw.chance(0.5) else 1
        for k in range(more):
            y = total + (k + 1) * r
            a, b = sorted((s * (x + k * run), s * (x + (k + 1) * run)))
            pieces.append((slab((a, b), (0 if solid else y - p.tread, y), (zl - size, zl)), 0))
        if not solid:
            for sx in (-1, 1):
                pieces.append((slab((sx * x - 0.04, sx * x + 0.04), (0, total), (zl - size, zl - size + 0.08)), 1))
    slope = np.array([(depth / 2, 0.0), (-depth / 2, total)])
    sides = (-1, 1)
    if variant != "solid" or draw.chance(0.5):
        for s in sides:
            xs = s * (x + p.side / 2)
            string = beam((slope[0, 0], r * 0.3, 0), (slope[1, 0], total - r * 0.3, 0), max(r * 0.9, 0.12), p.side)
            pieces.append((string.turned("y", -90).moved(x=xs), 1))
    if variant == "ladder" or draw.chance(0.65):
        lift = p.rail_height
        for s in sides if draw.chance(0.8) else sides[:1]:
            xs = s * (x - p.post)
            pieces.append(
                (rod((xs, r + lift, depth / 2 - run / 2), (xs, total + lift, -depth / 2 + run / 2), p.post * 0.9, 8), 2)
            )
            step = 1 if draw.chance(0.6) else 2
            for k in {0, count - 1, *range(0, count, step)}:
                zc = depth / 2 - (k + 0.5) * run
                pieces.append((rod((xs, (k + 1) * r, zc), (xs, (k + 1) * r + lift, zc), p.post * 0.55, 6), 2))
    return pieces


@family("bathtub", ("tub", "base", "taps", "panel"), ("freestanding", "built in", "clawfoot", "oval block", "corner"))
def bathtub(variant: str, draw: Draw) -> Pieces:
    """Tub to bathe in, long along x."""
    p = draw(
        length=(1.1, 1.9), width=(0.55, 1.1), height=(0.38, 0.75), wall=(0.03, 0.08), taper=(0.6, 0.9),
        roundness=(0.3, 1.0), foot=(0.06, 0.18), rim=(0.02, 0.06), lift=(0.0, 0.25),
    )  # fmt: skip
    w, d, h = p.length, p.width, p.height
    pieces: Pieces = []
    if variant in ("built in", "corner"):
        # A block hollowed from above: skirt panels around a basin, with a flat rim between.
        k = p.wall * 1.3
        inner = vessel(w - 2 * k, d - 2 * k, h * 0.85, 0.02, p.roundness * 0.6 + 0.1, p.taper).moved(y=h)
        pieces.append((inner, 0))
        x, z = w / 2, d / 2
        pieces += [(slab((-x, x), (0, h - 0.03), (s * z - 0.015, s * z + 0.015)), 3) for s in (-1, 1)]
        pieces += [(slab((s * x - 0.015, s * x + 0.015), (0, h - 0.03), (-z, z)), 3) for s in (-1, 1)]
        pieces.append((_rim(w, d, w - 2 * k, d - 2 * k, p.roundness * 0.6 + 0.1, 0.03).moved(y=h), 0))
        if variant == "corner":
            high = h + 0.25 + p.lift
            pieces.append((slab((-x - 0.05, x), (0, high), (-z - 0.05, -z)), 3))
            pieces.append((slab((-x - 0.05, -x), (0, high), (-z, z)), 3))
        elif draw.chance(0.4):
            pieces.append((slab((-x, x), (0, 0.1), (z, z + 0.15)), 1))
    else:
        round_ = p.roundness if variant == "freestanding" else max(p.roundness, 0.65)
        low = 0.0
        if variant == "clawfoot":
            low = p.foot
            for sx in (-1, 1):
                for sz in (-1, 1):
                    at = (sx * w * 0.28 * p.taper, 0, sz * d * 0.28 * p.taper)
                    pieces.append((frustum(0.03, 0.055, low + h * 0.12, 8).moved(*at), 1))
                    pieces.append((ellipsoid(0.05, 0.03, 0.05, 8).moved(at[0] * 1.1, 0.03, at[2] * 1.1), 1))
        elif variant == "freestanding":
            low = p.foot * 0.5
            pieces.append((cylinder(0.5, low, 24).scaled(w * p.taper * 0.8, 1, d * p.taper * 0.8), 1))
        else:
            low = 0.03
            pieces.append((slab((-w * 0.55, w * 0.55), (0, low), (-d * 0.6, d * 0.6)), 1))
        taper = p.taper if variant != "oval block" else 0.93
        tub = vessel(w, d, h, p.wall, round_, taper)
        if p.lift > 0.08 and variant != "oval block":  # a raised end or two
            vertices = tub.vertices.copy()
            along = np.abs(vertices[:, 0]) if draw.chance(0.5) else np.maximum(vertices[:, 0], 0)
            vertices[:, 1] += p.lift * h * (2 * along / w) ** 2 * (1 + vertices[:, 1] / h)
            tub = Mesh(vertices, tub.faces, tub.part)
        else:
            pieces.append((_ring_of(w, d, round_, p.rim * 0.6).moved(y=low + h), 0))
        pieces.append((tub.moved(y=low + h), 0))
        h += low
    if draw.chance(0.8):
        r = 0.018
        side = -w / 2 + p.wall
        tap = [(side, h - 0.05, 0), (side, h + 0.16, 0), (side + 0.1, h + 0.2, 0), (side + 0.16, h + 0.12, 0)]
        if draw.chance(0.5):
            z = -d / 2 + p.wall
            tap = [(0, h - 0.05, z), (0, h + 0.14, z), (0, h + 0.18, z + 0.08), (0, h + 0.1, z + 0.13)]
        pieces.append((tube(tap, r, 8), 2))
        for s in (-1, 1):
            if tap[0][0]:
                pieces.append((cylinder(0.028, 0.07, 8).moved(side, h, s * 0.1), 2))
            else:
                pieces.append((cylinder(0.028, 0.07, 8).moved(s * 0.1, h, tap[0][2]), 2))
    return pieces


def _superellipse(width: float, depth: float, roundness: float, segments: int = 28) -> np.ndarray:
    angle = np.arange(segments) * 2 * np.pi / segments
    flat = np.stack([np.sin(angle), np.cos(angle)], -1)
    return np.sign(flat) * np.abs(flat) ** roundness * [width / 2, depth / 2]


def _ring_of(width: float, depth: float, roundness: float, radius: float) -> Mesh:
    """A bead along a superelliptic outline in the plane y = 0."""
    outline = _superellipse(width, depth, roundness)
    path = np.stack([outline[:, 0], np.zeros(len(outline)), outline[:, 1]], -1)
    return tube(np.concatenate([path, path[:1]]), radius, 6)


def _rim(width: float, depth: float, inner_width: float, inner_depth: float, roundness: float, thick: float) -> Mesh:
    """Flat closed plate in the plane y = 0 with a superelliptic hole, `thick` downwards."""
    inner = _superellipse(inner_width, inner_depth, roundness)
    scale = 1 / np.maximum(np.abs(inner[:, 0]) / (width / 2), np.abs(inner[:, 1]) / (depth / 2))
    outer = inner * scale[:, None]
    rings = [(outer, -thick), (outer, 0.0), (inner, 0.0), (inner, -thick)]
    vertices = np.concatenate([np.c_[ring[:, 0], np.full(len(ring), y), ring[:, 1]] for ring, y in rings])
    n = len(inner)
    i = np.arange(n)
    j = (i + 1) % n
    faces = []
    for k in range(4):
        a, b = k * n, (k + 1) % 4 * n
        faces += [np.stack([a + i, a + j, b + j], -1), np.stack([a + i, b + j, b + i], -1)]
    faces = np.concatenate(faces)
    mesh = Mesh(vertices.astype(np.float32), faces, np.zeros(len(faces), dtype=np.int64))
    return mesh if mesh.volume() > 0 else Mesh(mesh.vertices, faces[:, ::-1], mesh.part)


@family("sink", ("basin", "tap", "stand", "counter"), ("pedestal", "counter", "wall", "double", "bowl on cabinet"))
def sink(variant: str, draw: Draw) -> Pieces:
    """Wash basin or kitchen sink with a tap at the back."""
    p = draw(
        width=(0.35, 0.8), depth=(0.3, 0.6), bowl=(0.12, 0.28), wall=(0.015, 0.05), roundness=(0.25, 1.0),
        taper=(0.45, 0.9), height=(0.6, 1.0), tap_height=(0.1, 0.4), tap_reach=(0.1, 0.25), post=(0.06, 0.15),
    )  # fmt: skip
    w, d, b = p.width, p.depth, p.bowl
    pieces: Pieces = []
    h = p.height
    tap_z = -d / 2 + 0.02
    taps = [0.0]
    if variant in ("pedestal", "wall"):
        pieces.append((vessel(w, d, b, p.wall, p.roundness, p.taper).moved(y=h), 0))
        pieces.append((slab((-w * 0.4, w * 0.4), (h - b * 0.7, h + 0.02), (-d / 2 - 0.06, -d / 2 + 0.05)), 0))
        if variant == "pedestal":
            y = [0, 0, 0.06, 0.25, 0.8, 1]
            r = np.array([0, 1.5, 1.4, 0.9, 0.85, 1.5]) * p.post
            profile = [*zip(r, np.array(y) * (h - b * 0.9), strict=True), (0, h - b * 0.9)]
            square = draw.chance(0.3)
            pieces.append((lathe(profile, 4 if square else 16).turned("y", 45 if square else 0), 2))
        else:
            if draw.chance(0.5):
                pieces.append(
                    (vessel(p.post * 2, p.post * 2, b * 1.3, 0.02, 0.8, 0.5).moved(y=h - b * 0.8, z=-d * 0.15), 2)
                )
            else:
                trap = [
                    (0, h - b, 0),
                    (0, h - b - 0.15, 0),
                    (0, h - b - 0.2, -d * 0.2),
                    (0, h - b - 0.12, -d / 2 - 0.05),
                ]
                pieces.append((tube(trap, 0.025, 8), 2))
            if draw.chance(0.5):
                pieces.append(
                    (slab((-w * 0.55, w * 0.55), (h, h + 0.2 + p.tap_height), (-d / 2 - 0.08, -d / 2 - 0.05)), 3)
                )
        tap_z = -d / 2 + 0.0
    elif variant in ("counter", "double"):
        count = 2 if variant == "double" else 1
        margin = draw(margin=(0.05, 0.5), back_margin=(0.06, 0.14))
        pitch = w + 0.05
        total, deep = pitch * count + margin.margin, d + 0.05 + margin.back_margin
        shift = draw.rng.uniform(-0.4, 0.4) * margin.margin
        xs = [(k - (count - 1) / 2) * pitch + shift for k in range(count)]
        z0, z1 = -deep / 2, deep / 2
        middle = z1 - 0.03 - d / 2
        slim = draw.chance(0.35)
        h = b + 0.02 if slim else h
        for x in xs:
            pieces.append((vessel(w, d, b, 0.012, p.roundness * 0.6 + 0.1, max(p.taper, 0.7)).moved(x, h, middle), 0))
            hole = _rim(pitch, d + 0.06, w, d, p.roundness * 0.6 + 0.1, 0.03)
            pieces.append((hole.moved(x, h, middle), 3))
        left, right = xs[0] - pitch / 2, xs[-1] + pitch / 2
        for a, c in ((-total / 2, left), (right, total / 2)):
            if c - a > 0.01:
                pieces.append((slab((a, c), (h - 0.03, h), (z0, z1)), 3))
        pieces.append((slab((left, right), (h - 0.03, h), (z0, z1 - d - 0.06)), 3))
        if not slim:
            if draw.chance(0.75):
                for s in (-1, 1):
                    pieces.append(
                        (slab((s * total / 2 - 0.01, s * total / 2 + 0.01), (0, h - 0.03), (z0, z1 - 0.02)), 2)
                    )
                doors = draw.integer("doors", 1, 3)
                edge = np.linspace(-total / 2, total / 2, doors + 1)
                for k in range(doors):
                    pieces += _front(draw, (edge[k], edge[k + 1]), (0.05, h - 0.04), z1 - 0.03, 2, 2, 0, "left")
                pieces.append((slab((-total / 2, total / 2), (0.03, 0.05), (z0, z1 - 0.03)), 2))
                pieces.append((slab((-total / 2, total / 2), (0.03, h - 0.03), (z0, z0 + 0.015)), 2))
            else:
                pieces += legs(draw, total * 0.97, deep * 0.95, h - 0.03, 0.05, 2)
        tap_z = z1 - d - 0.06 - margin.back_margin * 0.3
        taps = [shift]
    else:
        body = draw(cabinet_height=(0.25, 0.8), cabinet_width=(1.05, 2.0))
        cw, cd, top = w * body.cabinet_width, d * 1.25, body.cabinet_height
        pieces.append((slab((-cw / 2, cw / 2), (top, top + 0.03), (-cd / 2, cd / 2)), 3))
        pieces.append((slab((-cw * 0.48, cw * 0.48), (0.04, top), (-cd * 0.48, cd * 0.44)), 2))
        for s in (-1, 1):
            span = (0, cw * 0.48) if s > 0 else (-cw * 0.48, 0)
            pieces += _front(draw, span, (0.05, top), cd * 0.44, 2, 2, 1, "right" if s > 0 else "left")
        h = top + 0.03 + b
        pieces.append((vessel(w, d, b, p.wall, max(p.roundness, 0.4), p.taper).moved(y=h), 0))
        tap_z = -cd / 2 + 0.04
        pieces.append((cylinder(0.02, b, 8).moved(0, top + 0.03, tap_z), 1))
    r = 0.014 + 0.1 * p.wall
    for x in taps:
        style = draw.integer("tap", 0, 1)
        top = h + p.tap_height
        if style == 0:
            a = np.linspace(0, np.pi * 0.9, 6)
            bend = np.stack([np.zeros(6), np.sin(a) * p.tap_reach / 2, (1 - np.cos(a)) * p.tap_reach / 2], -1)
            path = np.concatenate([[(0, -0.02, 0)], bend + [0, p.tap_height, 0]])
        else:
            path = np.array([(0, -0.02, 0), (0, p.tap_height * 0.7, 0), (0, p.tap_height * 0.75, 0.03),
                             (0, p.tap_height * 0.7, p.tap_reach)])  # fmt: skip
        pieces.append((tube(path + [x, h, tap_z], r, 8), 1))
        if draw.chance(0.6):
            for s in (-1, 1):
                pieces.append((cylinder(0.012, 0.05, 8).moved(x + s * 0.08, h, tap_z), 1))
                pieces.append((box(0.06, 0.015, 0.015).moved(x + s * 0.08, h + 0.055, tap_z), 1))
        else:
            lever = beam((0, top - p.tap_height * 0.4, 0), (0.08, top - p.tap_height * 0.3, 0), 0.02, 0.02)
            pieces.append((lever.moved(x, 0, tap_z), 1))
    return pieces


@family("toilet", ("bowl", "seat", "tank", "base"), ("close coupled", "wall hung", "high tank", "block"))
def toilet(variant: str, draw: Draw) -> Pieces:
    """Toilet with its tank at the back."""
    p = draw(
        width=(0.32, 0.46), length=(0.36, 0.62), height=(0.33, 0.5), tank_width=(0.32, 0.55), tank_height=(0.25, 0.5),
        tank_depth=(0.12, 0.24), neck=(0.4, 0.75), lid_angle=(0, 105), roundness=(0.6, 1.0), wall=(0.03, 0.06),
    )  # fmt: skip
    w, d, h = p.width, p.length, p.height
    pieces: Pieces = []
    depth = h * (0.6 if variant != "wall hung" else 0.75)
    bowl = vessel(w, d, depth, p.wall, p.roundness, 0.6)
    if variant == "block":
        bowl = vessel(w, d, h, p.wall, p.roundness * 0.7, 0.9)
        pieces.append((slab((-w * 0.45, w * 0.45), (0, h), (-d * 0.6, -d * 0.3)), 3))
    pieces.append((bowl.moved(y=h), 0))
    if variant in ("close coupled", "high tank"):
        y = np.array([0, 0, 0.1, 0.45, 1])
        r = np.array([0, 0.95, 0.85, p.neck, 1.0]) * 0.5
        under = h - depth * 0.55
        profile = [*zip(r, y, strict=True), (0, 1)]
        pieces.append((lathe(profile, 16).scaled(w * 0.75, under, d * 0.85).moved(z=-d * 0.05), 3))
        half = w * 0.33
        pieces.append((slab((-half, half), (h * 0.35, h - 0.005), (-d / 2 - p.tank_depth, -d * 0.3)), 3))
    elif variant == "wall hung":
        pieces.append((slab((-w * 0.4, w * 0.4), (h - depth * 0.8, h - 0.005), (-d * 0.62, -d * 0.3)), 3))
        h_wall = h + p.tank_height * 1.6
        pieces.append(
            (slab((-p.tank_width * 0.6, p.tank_width * 0.6), (0, h_wall), (-d * 0.62 - p.tank_depth, -d * 0.62)), 2)
        )
        pieces.append((box(0.16, 0.1, 0.015).moved(0, h_wall - 0.15, -d * 0.62), 2))
    # Seat ring and lid, hinged at the back.
    ring = _seat_ring(w * 1.03, d * 1.02, p.roundness, 0.66, 0.025)
    pieces.append((ring.moved(y=h + 0.025), 1))
    lid = squared(cylinder(1, 0.02, 24), p.roundness).scaled(w / 2, 1, d / 2)
    if draw.chance(0.85):
        angle = p.lid_angle if draw.chance(0.5) else (92.0 if draw.chance(0.6) else 0.0)
        lid = lid.moved(z=d / 2).turned("x", -angle).moved(0, h + 0.03, -d / 2 + 0.01)
        pieces.append((lid, 1))
    tw, th, td = p.tank_width, p.tank_height, p.tank_depth
    z = -d / 2 - td / 2 - 0.01
    soft = draw.chance(0.3)
    if variant in ("close coupled", "block"):
        low = h - 0.005 if variant == "close coupled" else (0 if draw.chance(0.4) else h)
        size = h + th - low
        if soft:
            pieces.append((cushion(tw, size, td, 0.2, 16).moved(0, low + size / 2, z), 2))
        else:
            pieces.append((slab((-tw / 2, tw / 2), (low, low + size), (z - td / 2, z + td / 2)), 2))
        top = low + size
        pieces.append((slab((-tw * 0.53, tw * 0.53), (top, top + 0.03), (z - td * 0.55, z + td * 0.55)), 2))
        if draw.chance(0.5):
            pieces.append((cylinder(0.025, 0.02, 8).moved(0, top + 0.03, z), 2))
        else:
            pieces.append((box(0.08, 0.02, 0.02).moved(-tw * 0.3, top - 0.05, z + td / 2 + 0.01), 2))
        if variant == "block" and low:
            pieces.append((slab((-w * 0.45, w * 0.45), (0, h), (z - td / 2, -d * 0.5)), 3))
    elif variant == "high tank":
        up = h + draw(pipe=(0.5, 1.1)).pipe
        pieces.append((slab((-tw / 2, tw / 2), (up, up + th * 0.8), (z - td / 2, z + td / 2)), 2))
        pieces.append((rod((0, h * 0.6, z), (0, up, z), 0.022, 8), 2))
        pieces.append((rod((tw * 0.4, up - 0.35, z + td / 2), (tw * 0.4, up, z + td / 2), 0.006, 5), 2))
        pieces.append((ellipsoid(0.02, 0.03, 0.02, 8).moved(tw * 0.4, up - 0.37, z + td / 2), 2))
    return pieces


def _seat_ring(width: float, depth: float, roundness: float, inner: float, thick: float) -> Mesh:
    """Flat closed ring of superelliptic outline, top at y = 0."""
    unit = lathe([(inner, -1), (1, -1), (1, 0), (inner, 0), (inner, -1)], 24)
    return squared(unit, roundness).scaled(width / 2, thick, depth / 2)


@family("piano", ("body", "keys", "legs", "lid"), ("upright", "grand", "digital", "spinet"))
def piano(variant: str, draw: Draw) -> Pieces:
    """Piano with its keyboard at the front."""
    p = draw(
        width=(1.1, 1.65), depth=(0.3, 0.65), height=(0.95, 1.5), key_height=(0.55, 0.78), key_depth=(0.12, 0.22),
        shelf=(0.05, 0.14), leg_thick=(0.05, 0.13), length=(0.9, 2.1), lid_angle=(15, 50), case=(0.18, 0.34),
    )  # fmt: skip
    w, kh, kd = p.width, p.key_height, p.key_depth
    x = w / 2
    pieces: Pieces = []

    def keyboard(z: float, y: float) -> Pieces:
        """White and black keys whose back edge is at z, between cheeks."""
        cheek = 0.05 * w
        out: Pieces = [(slab((-x + cheek, x - cheek), (y, y + 0.02), (z, z + kd)), 1)]
        groups = np.linspace(-x + cheek, x - cheek, 22)[1:-1]
        keep = [k for k in range(len(groups)) if k % 7 not in (2, 6)]
        out += [
            (slab((groups[k] - 0.011, groups[k] + 0.011), (y + 0.02, y + 0.035), (z, z + kd * 0.6)), 1) for k in keep
        ]
        return out

    def cheeks(z: float, y: float, rise: float) -> Pieces:
        c = 0.045 * w
        return [(slab((a, a + c), (y - p.shelf, y + rise), (z, z + kd * 1.08)), 0) for a in (-x, x - c)]

    def stool_bench() -> Pieces:
        if not draw.chance(0.3):
            return []
        sw, sh, sd = 0.55, 0.45, 0.3
        seat: Pieces = [(slab((-sw / 2, sw / 2), (sh - 0.08, sh), (-sd / 2, sd / 2)), 2)]
        return seat + legs(draw, sw, sd, sh - 0.08, 0.05, 2)

    if variant in ("upright", "spinet"):
        h = p.height if variant == "upright" else max(kh + 0.12, p.height * 0.72)
        d = p.depth
        z = d / 2
        pieces.append((slab((-x, x), (0, h), (-z, z)), 0))
        pieces.append((slab((-x * 1.02, x * 1.02), (h, h + 0.03), (-z * 1.03, z * 1.1)), 3))
        pieces.append((slab((-x, x), (kh - p.shelf, kh), (z, z + kd * 1.05)), 0))
        pieces += keyboard(z + 0.02, kh) + cheeks(z, kh, 0.05 + 0.5 * p.shelf)
        lt = p.leg_thick
        for s in (-1, 1):
            xx = s * (x - lt / 2)
            if draw.chance(0.8):
                leg = slab((-lt / 2, lt / 2), (0, kh - p.shelf), (-lt / 2, lt / 2)).moved(xx, 0, z + kd - lt / 2)
                pieces.append((leg, 2))
            pieces.append((slab((xx - lt / 2, xx + lt / 2), (0, 0.07), (-z, z + kd)), 2))
        if h - kh > 0.3:
            rest = box(w * 0.45, (h - kh) * 0.45, 0.02).turned("x", -12)
            pieces.append((rest.moved(0, kh + (h - kh) * 0.5, z + 0.06), 3))
        if draw.chance(0.4):
            pieces.append((box(w * 0.4, kh * 0.5, 0.02).moved(0, kh * 0.42, z + 0.01), 0))
        for k in (-1, 0, 1):
            pieces.append((box(0.025, 0.02, 0.1).moved(k * 0.06, 0.06, z + 0.05), 2))
        return pieces + _moved(stool_bench(), z=z + kd + 0.35)
    if variant == "grand":
        length, case = p.length, p.case
        # Outline seen from above: straight bass side at the left, curved on the right.
        z0 = 0.0
        outline = [(-x, z0), (x, z0), (x, -length * 0.3), (x * 0.75, -length * 0.45), (x * 0.3, -length * 0.62)]
        outline += [
            (x * 0.12, -length * 0.85),
            (-x * 0.1, -length * 0.97),
            (-x * 0.5, -length),
            (-x * 0.9, -length * 0.96),
        ]
        outline += [(-x, -length * 0.85)]
        shape = np.array(outline)
        flat = np.c_[shape[:, 0], -shape[:, 1]]
        top = kh + case * 0.7

        def plate(y: float, thick: float) -> Mesh:
            return extrude(flat, thick).turned("x", -90).moved(y=y)

        pieces.append((plate(top - case / 2, case), 0))
        pieces.append((slab((-x, x), (kh - p.shelf, kh), (z0, z0 + kd * 1.05)), 0))
        pieces += keyboard(z0 + 0.01, kh) + cheeks(z0, kh, top - kh)
        angle = p.lid_angle if draw.chance(0.65) else 0.0
        lid = plate(0.015, 0.025).moved(x=x).turned("z", angle).moved(-x, top, 0)
        pieces.append((lid, 3))
        if angle:
            reach = w * 0.62
            a = np.radians(angle)
            end = (-x + reach * np.cos(a), top + reach * np.sin(a), -length * 0.25)
            pieces.append((rod((x * 0.6, top, -length * 0.25), end, 0.015, 6), 3))
        rest = box(w * 0.4, 0.22, 0.02).turned("x", -15).moved(0, top + 0.11, z0 - 0.1)
        pieces.append((rest, 3))
        lt = p.leg_thick
        taper = draw.chance(0.5)
        for lx, lz in ((-x * 0.85, -0.12), (x * 0.85, -0.12), (-x * 0.4, -length * 0.85)):
            if taper:
                leg = frustum(lt * 0.4, lt * 0.75, top - case, 10)
            else:
                leg = box(lt, top - case, lt).moved(y=(top - case) / 2)
            pieces.append((leg.moved(lx, 0, lz), 2))
        pieces.append((slab((-0.1, 0.1), (0.1, 0.14), (-0.2, -0.1)), 2))
        pieces += [(rod((s * 0.07, 0.12, -0.15), (s * 0.05, top - case, -0.2), 0.012, 6), 2) for s in (-1, 1)]
        return pieces + _moved(stool_bench(), z=0.5)
    case = p.shelf
    d = kd + 0.1 + 0.3 * p.depth
    z = -d / 2
    pieces.append((slab((-x, x), (kh - case, kh), (z, d / 2)), 0))
    pieces.append((slab((-x, x), (kh, kh + 0.06), (z, d / 2 - kd)), 0))
    pieces += keyboard(d / 2 - kd, kh) + cheeks(d / 2 - kd, kh, 0.05)
    if draw.chance(0.7):
        rest = box(w * 0.45, 0.22, 0.015).turned("x", -15)
        pieces.append((rest.moved(0, kh + 0.17, z + 0.06), 3))
    style = draw.integer("stand", 0, 2)
    under = kh - case
    if style == 0:
        t = p.leg_thick * 0.5
        pieces += [(beam((-x * 0.7 * k, 0.02, 0), (x * 0.7 * k, under, 0), t, t), 2) for k in (-1, 1)]
        pieces += [(slab((s * x * 0.7 - t, s * x * 0.7 + t), (0, t), (z, d / 2)), 2) for s in (-1, 1)]
        pieces += [(slab((s * x * 0.7 - t, s * x * 0.7 + t), (under - t, under), (z, d / 2)), 2) for s in (-1, 1)]
    elif style == 1:
        t = p.leg_thick * 0.5
        pieces += [(slab((s * (x - t) - t, s * (x - t) + t), (0, under), (z, d / 2 - 0.05)), 2) for s in (-1, 1)]
        pieces.append((slab((-x + t, x - t), (under * 0.3, under * 0.8), (z + 0.02, z + 0.04)), 2))
    else:
        pieces += legs(draw, w * 0.95, d * 0.9, under, p.leg_thick * 0.7, 2)
    return pieces + _moved(stool_bench(), z=d / 2 + 0.35)


@family("pillow", ("cushion", "trim"), ("seamed", "bolster", "round", "box edge", "pair"))
def pillow(variant: str, draw: Draw) -> Pieces:
    """Loose cushion, lying, leaning or standing."""
    p = draw(
        width=(0.3, 0.85), aspect=(0.45, 1.05), thick=(0.18, 0.55), pinch=(0.0, 0.6), trim=(0.008, 0.025),
        dent=(0.0, 0.3), tilt=(0, 90), roundness=(0.2, 0.6),
    )  # fmt: skip
    w, d = p.width, p.width * p.aspect
    h = d * p.thick

    def dented(mesh: Mesh) -> Mesh:
        vertices = mesh.vertices.copy()
        near = np.exp(-((vertices[:, 0] / (0.22 * w)) ** 2) - (vertices[:, 2] / (0.3 * d)) ** 2)
        vertices[:, 1] -= p.dent * h * near * (vertices[:, 1] > 0)
        return Mesh(vertices, mesh.faces, mesh.part)

    def seamed(w: float, h: float, d: float) -> Pieces:
        body = dented(pillow_mesh(w, h, d, p.pinch, 10))
        u = np.linspace(-1, 1, 7)
        v = np.concatenate([np.c_[u, -np.ones(7)], np.c_[np.ones(7), u], np.c_[-u, np.ones(7)], np.c_[-np.ones(7), -u]])
        x, z = pinched(v[:, 0], v[:, 1], p.pinch)
        keep = np.r_[0:6, 7:13, 14:20, 21:28]
        path = np.stack([x * w / 2, 0 * x, z * d / 2], -1)[keep]
        out: Pieces = [(body, 0), (tube(path, p.trim * 0.6, 6), 1)]
        if draw.chance(0.3):
            out += [
                (ellipsoid(0.03, 0.02, 0.03, 8).moved(sx * w / 2, 0, sz * d / 2), 1) for sx in (-1, 1) for sz in (-1, 1)
            ]
        return out

    if variant == "bolster":
        r = h * 0.6
        y = np.linspace(0, 1, 9)
        swell = r * (0.8 + 0.2 * np.sin(np.pi * y) ** 0.5)
        body = lathe([(0, 0), *zip(swell, y * w, strict=True), (0, w)], 18).moved(y=-w / 2).turned("z", 90)
        pieces: Pieces = [(body, 0)]
        ends = torus(r * 0.8, p.trim, 18, 6).turned("z", 90)
        pieces += [(ends.moved(x=s * w / 2), 1) for s in (-1, 1)]
        if draw.chance(0.5):
            pieces += [(ellipsoid(0.04, 0.03, 0.03, 8).moved(x=s * w / 2), 1) for s in (-1, 1)]
    elif variant == "round":
        body = (
            dented(cushion(w, h, max(d, 0.8 * w), 0.999, 24))
            if draw.chance(0.4)
            else ellipsoid(w / 2, h / 2, w / 2, 22)
        )
        pieces = [(body, 0), (torus(w / 2, p.trim, 24, 6), 1)]
        pieces += [(ellipsoid(0.035, 0.015, 0.035, 8).moved(y=s * h * (0.5 - 0.3 * p.dent)), 1) for s in (-1, 1)]
    elif variant == "box edge":
        pieces = [(dented(cushion(w, h, d, p.roundness, 24)), 0)]
        level = h * 0.36 if p.roundness < 0.4 else 0.0
        for y in {level, -level}:
            pieces.append((_ring_of(w * 0.97, d * 0.97, p.roundness, p.trim * 0.6).moved(y=y), 1))
    elif variant == "pair":
        pieces = seamed(w, h, d)
        k = draw(second=(0.6, 1.0)).second
        other = _turned(seamed(w * k, h * k, d * k), "y", draw.rng.uniform(-25, 25))
        if draw.chance(0.5):
            pieces += _moved(other, draw.rng.uniform(-0.1, 0.1) * w, h * 0.42 + h * k * 0.42, 0)
        else:
            pieces += _moved(_turned(other, "x", 60), 0, d * k * 0.3, -d * 0.45)
        return pieces
    else:
        pieces = seamed(w, h, d)
    if draw.chance(0.5):
        pieces = _turned(pieces, "x", p.tilt)
    return pieces


@family("tent", ("canvas", "poles", "entrance", "floor"), ("ridge", "dome", "tipi", "tunnel", "pavilion"))
def tent(variant: str, draw: Draw) -> Pieces:
    """Tent with its entrance at the front."""
    p = draw(
        width=(1.2, 3.2), length=(1.4, 3.8), height=(0.9, 2.4), cloth=(0.015, 0.05), pole=(0.015, 0.045),
        wall=(0.0, 0.45), opening=(0.2, 0.6), overhang=(0.0, 0.2), sag=(0.0, 0.12),
    )  # fmt: skip
    w, length, h, c = p.width, p.length, p.height, p.cloth
    x, z = w / 2, length / 2
    pieces: Pieces = [(slab((-x, x), (0, 0.02), (-z, z)), 3)]
    if variant == "ridge":
        eave = h * p.wall * 0.6
        for s in (-1, 1):
            u = np.linspace(0, 1, 6)
            drop = -p.sag * h * np.sin(np.pi * u)
            profile = np.stack([s * (x * (1 + p.overhang) * u), h - (h - eave) * u + drop], -1)
            if eave > 0.1:
                profile = np.concatenate([profile, [(s * x * (1 + p.overhang), 0.01)]])
            grid = np.stack([np.c_[profile, np.full(len(profile), zz)] for zz in np.linspace(-z, z, 4)], 0)
            pieces.append((sheet(grid, c), 0))
        gable = [(-x, 0), (-x, eave), (0, h - c), (x, eave), (x, 0)] if eave > 0.1 else [(-x, 0), (0, h - c), (x, 0)]
        pieces.append((extrude(gable, c).moved(z=-z + c), 2))
        k = p.opening
        for s in (-1, 1):  # two flaps leave a triangular entrance between them
            flap = [(s * x, 0), (s * x, max(eave, 0.02)), (0, h - c), (s * x * k, 0)]
            pieces.append((extrude(flap, c).moved(z=z - c), 2))
        r = p.pole
        ends = (z + 0.02, -z - 0.02)
        if draw.chance(0.5):
            pieces += [(rod((0, 0, e), (0, h + 0.1, e), r, 8), 1) for e in ends]
        else:
            for e in ends:
                pieces += [(beam((s * x, 0, e), (-s * 0.08, h + 0.12, e), 2 * r, 2 * r), 1) for s in (-1, 1)]
        pieces.append((rod((0, h, -z), (0, h, z), r, 8), 1))
        if draw.chance(0.4):
            pieces += [(rod((0, h, s * z), (0, 0, s * (z + 0.5 * h)), r * 0.4, 5), 1) for s in (-1, 1)]
    elif variant == "dome":
        a = np.linspace(0, np.pi / 2, 8)
        power = 0.6 + p.wall
        outline = [(np.cos(t) ** power, np.sin(t)) for t in a[:-1]] + [(0, 1)]
        sides = draw.integer("dome sides", 4, 10)
        body = lathe([(0, 0), *outline], sides if draw.chance(0.7) else 24).turned("y", 180 / sides)
        pieces = [(body.scaled(x, h, z), 0), (pieces[0][0].scaled(0.95, 1, 0.95), 3)]
        arc = np.linspace(0, np.pi, 13)
        for turn in (45, -45) if draw.chance(0.7) else (0, 60, 120):
            hoop = np.stack([np.sign(np.cos(arc)) * np.abs(np.cos(arc)) ** power, np.sin(arc), 0 * arc], -1)
            ct, st = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            path = np.stack([hoop[:, 0] * ct * x, hoop[:, 1] * h, hoop[:, 0] * st * z], -1) * 1.02
            pieces.append((tube(path, p.pole, 6), 1))
        ow, oh = p.opening * w * 0.6, h * 0.62
        arc = np.linspace(0, np.pi, 9)
        frame = np.stack([-np.cos(arc) * ow, np.sin(arc) * oh], -1)
        porch = 0.25 * length * (0.2 + p.overhang * 4)
        inner = np.stack([np.c_[frame * k, np.full(9, zz)] for k, zz in ((1.0, z * 0.55), (1.0, z * 0.8 + porch))])
        pieces.append((sheet(inner, c), 2))
    elif variant == "tipi":
        sides = draw.integer("sides", 5, 12)
        r = min(x, z)
        top = 0.04 + p.wall * 0.15
        body = lathe(
            [
                (r, 0),
                (r * (0.55 - p.sag), h * 0.45),
                (r * top, h),
                (r * top - 0.01, h),
                (r * (0.52 - p.sag), h * 0.44),
                (r - 0.04, 0),
            ],
            sides,
        )
        pieces = [(body, 0), (cylinder(r * 0.9, 0.02, sides), 3)]
        lift = 0.12 + p.overhang
        for k in range(sides):
            turn = 360 / sides * k
            cross = rod((0, 0, r * 1.01), (0, h * (1 + lift), -r * lift * 0.9 + r * top * 0.8), p.pole * 0.8, 6)
            pieces.append((cross.turned("y", turn), 1))
        tall, half = h * 0.5, p.opening * r * 0.6
        slope = np.degrees(np.arctan2(r * (0.45 + p.sag), h * 0.45))
        door_ = extrude([(-half, 0), (half, 0), (0, tall)], 0.05).turned("x", -slope).moved(0, 0.02, r * 1.02)
        pieces.append((door_, 2))
    elif variant == "tunnel":
        arc = np.linspace(0, np.pi, 13)
        power = 0.55 + p.wall
        ring = np.stack([np.sign(np.cos(arc)) * np.abs(np.cos(arc)) ** power * x, np.sin(arc) * h], -1)
        zs = np.linspace(-z, z, 4)
        taper = 1 - p.sag * 3 * np.linspace(1, 0, 4)
        grid = np.stack([np.c_[ring * k, np.full(13, zz)] for k, zz in zip(taper, zs, strict=True)])
        pieces.append((sheet(grid, c), 0))
        pieces += [(tube(grid[k] * [1.02, 1.02, 1], p.pole, 6), 1) for k in range(4)]
        end = np.concatenate([ring, [(0, 0)]])
        pieces.append((extrude(end * taper[0] * 0.99, c).moved(z=-z), 2))
        k = p.opening
        for s in (-1, 1):
            half = ring[:7] * [s, 1] * 0.99
            flap = np.concatenate([half, [(s * x * 0.02, h * 0.6), (s * x * k, 0)]])
            if draw.chance(0.7):
                pieces.append((extrude(flap, c).moved(z=z - 0.03), 2))
    else:
        eave = h * (0.55 + 0.4 * p.wall)
        reach = 1 + p.overhang
        peak = lathe([(0, 1), (0.45, 0.42 - p.sag), (1, 0), (0.97, -0.03), (0.42, 0.36 - p.sag), (0, 0.93)][::-1], 4)
        roof = peak.turned("y", 45).scaled(x * reach * np.sqrt(2), h - eave, z * reach * np.sqrt(2))
        pieces = [pieces[0], (roof.moved(y=eave), 0)]
        r = p.pole * 1.2
        pieces += [(rod((sx * x, 0, sz * z), (sx * x, eave, sz * z), r, 8), 1) for sx in (-1, 1) for sz in (-1, 1)]
        pieces.append((rod((0, 0, 0), (0, h + 0.1, 0), r, 8), 1))
        if draw.chance(0.8):
            frill = 0.12 * h
            xr, zr = x * reach, z * reach
            pieces += [(slab((-xr, xr), (eave - frill, eave), (s * zr - c / 2, s * zr + c / 2)), 0) for s in (-1, 1)]
            pieces += [(slab((s * xr - c / 2, s * xr + c / 2), (eave - frill, eave), (-zr, zr)), 0) for s in (-1, 1)]
        if draw.chance(0.6):
            pieces.append((slab((-x, x), (0, eave), (-z - c / 2, -z + c / 2)), 0))
            pieces += [(slab((s * x - c / 2, s * x + c / 2), (0, eave), (-z, z)), 0) for s in (-1, 1)]
        k = p.opening
        for s in (-1, 1):
            a, b = sorted((s * x, s * x * k))
            pieces.append((slab((a, b), (0, eave), (z - c / 2, z + c / 2)), 2))
    return pieces
