"""Chairs."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, legs, moved, padded, pedestal, rod, turned
from datasets.demo.families.forms import around, copies, cut
from datasets.demo.families.frames import bent_seat, box_frame, chair_arms, chair_back, crossed, ends, hoops, stand
from datasets.demo.families.sofas import upholstered
from datasets.demo.mesh import box, cushion, cylinder, ellipsoid, extrude, frustum, lathe, sheet, slab, torus, tube


@family(
    "chair", ("seat", "back", "legs", "arms"), ("four legs", "pedestal", "cantilever", "block", "X legs"),
    more=("office", "shell", "rocking", "folding", "lounge", "wing", "tub", "bar", "throne", "deck", "wheelchair",
          "garden", "egg", "tablet", "row", "sled"),
    synonyms=("seat", "armchair", "side chair", "dining chair", "easy chair"),
)  # fmt: skip
def chair(variant: str, draw: Draw) -> Pieces:
    """Seat for one with a back; the block is an armchair."""
    if variant in ("wing", "tub", "egg", "lounge", "deck", "shell"):
        return _soft_chair(variant, draw)
    if variant not in ("four legs", "pedestal", "cantilever", "block", "X legs"):
        return _hard_chair(variant, draw)
    p = draw(
        width=(0.34, 0.75), depth=(0.34, 0.7), seat_height=(0.25, 0.62), seat_thick=(0.03, 0.14),
        back_height=(0.25, 0.95), back_thick=(0.03, 0.09), recline=(0, 18), leg_thick=(0.03, 0.11),
    )  # fmt: skip
    w, d, h, t = p.width, p.depth, p.seat_height, p.seat_thick
    if variant == "block":
        w, d = w * 1.4, d * 1.35
        return upholstered(draw, w, d, 1, part_seat=0, part_back=1, part_base=2, part_arm=3)
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
        back = chair_back(draw, w * narrow, p.back_height, p.back_thick, 1)
        pieces += moved(turned(back, "x", -p.recline), 0, h - t * 0.6, -d / 2 + p.back_thick / 2)
    under = h - t
    if variant == "four legs":
        pieces += legs(draw, w * 0.96, d * 0.96, under, p.leg_thick, 2)
        if draw.chance(0.4):
            y = under * draw(stretcher=(0.15, 0.6)).stretcher
            thick = p.leg_thick * 0.5
            x, z = w * 0.48 - thick, d * 0.48 - thick
            pieces += ends(x, (y, y + thick), (-z, z), thick, 2)
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
            pieces += crossed(s * (w / 2 - thick), d, under, thick, 2)
        pieces.append(
            (slab((-w / 2 + thick, w / 2 - thick), (under / 2, under / 2 + thick), (-thick / 2, thick / 2)), 2)
        )
    if draw.chance(0.4) and not one_shell:
        pieces += chair_arms(draw, w, d, h, min(p.back_height * 0.8, 0.4), p.leg_thick, 3)
    return pieces


def _hard_chair(variant: str, draw: Draw) -> Pieces:
    """Chairs that are a flat seat, a back and some way to stand."""
    p = draw(
        width=(0.38, 0.62), depth=(0.38, 0.6), seat_height=(0.36, 0.52), seat_thick=(0.025, 0.1),
        back_height=(0.3, 0.75), back_thick=(0.025, 0.07), recline=(2, 16), leg_thick=(0.025, 0.07),
    )  # fmt: skip
    w, d, h, t, thick = p.width, p.depth, p.seat_height, p.seat_thick, p.leg_thick
    if variant == "bar":
        h, back = h * 1.65, p.back_height * 0.55
    else:
        back = p.back_height * (1.5 if variant == "throne" else 1)
    under = h - t
    if draw.chance(0.5):
        pieces: Pieces = [(padded(w, t * 1.3, d, True).moved(y=h - t * 0.5), 0)]
    else:
        pieces = [(slab((-w / 2, w / 2), (under, h), (-d / 2, d / 2)), 0)]
        if variant == "throne" or draw.chance(0.3):
            pieces.append((cushion(w * 0.92, 0.09, d * 0.9, 0.35, 16).moved(y=h + 0.02), 0))
    style = {"office": 1, "throne": 0}.get(variant)
    if variant == "garden":  # boards side by side, the middle ones longer
        count, pitch = draw.integer("boards", 4, 7), 1.25 * w
        pitch /= count
        tops = back * (1 - 0.25 * np.linspace(-1, 1, count) ** 2)
        board = [slab((-0.42 * pitch, 0.42 * pitch), (0, top), (-0.015, 0.015)) for top in tops]
        behind = [(mesh.moved((k - (count - 1) / 2) * pitch), 1) for k, mesh in enumerate(board)]
    else:
        behind = chair_back(draw, w * (0.9 if variant != "throne" else 1), back, p.back_thick, 1, style)
    lean = p.recline + (12 if variant == "garden" else 0)
    pieces += moved(turned(behind, "x", -lean), 0, h - t * 0.6, -d / 2 + p.back_thick / 2)
    arms = draw.chance(0.35)
    if variant == "office":
        lift = thick * 0.7
        pieces += pedestal(under, lift, 0.6 * w, 2, 5 if draw.chance(0.85) else 4)
        wheels = around(np.arange(5) * 72.0, 0.6 * w, 0.0)
        pieces.append((copies(ellipsoid(0.032, 0.032, 0.02, 8), wheels + [0, 0.01, 0]), 2))
        pieces.append((box(lift * 2.5, 0.05, d * 0.6).moved(y=under - 0.02), 2))
        pieces.append((slab((-0.03, 0.03), (under - 0.02, h + 0.5 * back), (-d / 2 - 0.05, -d / 2 - 0.02)), 1))
        if draw.chance(0.65):
            rise = min(0.6 * back, 0.24)
            pieces += ends(w * 0.56, (h + rise, h + rise + 0.03), (-d * 0.3, d * 0.3), 0.07, 3)
            pieces += ends(w * 0.56, (under, h + rise), (-0.03, 0.03), 0.03, 3)
        if draw.chance(0.3):
            head = cushion(0.5 * w, 0.14, 0.08, 0.4, 12)
            pieces.append((head.moved(0, h + back * 1.1, -d / 2 - 0.01 - back * np.sin(np.radians(p.recline))), 1))
        return pieces
    if variant == "rocking":
        z = np.linspace(-0.85, 0.75, 9) * d
        rocker = np.stack([0 * z, 0.02 + 0.35 * z**2, z], -1)
        pieces += [(tube(rocker, thick * 0.4, 6).moved(s * (w / 2 - thick / 2)), 2) for s in (-1, 1)]
        pieces += moved(legs(draw, w, d, under - 0.07, thick * 0.7, 2), y=0.07)
        arms = draw.chance(0.8)
    elif variant == "folding":
        low = h + back * 0.9
        for s in (-1, 1):
            x = s * (w / 2 + thick * 0.3)
            pieces.append((rod((x, 0, d * 0.55), (x, low, -d * 0.62), thick * 0.35, 6), 2))
            pieces.append((rod((x * 0.93, 0, -d * 0.6), (x * 0.93, under, d * 0.4), thick * 0.35, 6), 2))
        bars = [(0.08, d * 0.5), (0.1, -d * 0.5)]
        pieces += [(rod((-w / 2, y, z), (w / 2, y, z), thick * 0.25, 6), 2) for y, z in bars]
        arms = False
    elif variant == "bar":
        if draw.chance(0.4):
            pieces += pedestal(under, thick * 0.7, 0.5 * w, 2)
            pieces.append((torus(w * 0.34, 0.012, 18, 6).moved(y=under * 0.35), 2))
        else:
            pieces += legs(draw, w, d, under, thick, 2)
            y = under * draw(foot_rest=(0.2, 0.45)).foot_rest
            pieces += box_frame(w / 2 - thick / 2, (y, y + 0.025), d / 2 - thick / 2, 0.025, 2)
    elif variant == "throne":
        pieces.append((slab((-w / 2, w / 2), (0, under), (-d / 2, d / 2)), 2))
        if draw.chance(0.6):
            pieces.append((slab((-w * 0.7, w * 0.7), (0, 0.08), (-d * 0.6, d * 0.8)), 2))
        peak = extrude([(-w / 2, 0), (w / 2, 0), (w * 0.3, 0.1), (0, 0.2), (-w * 0.3, 0.1)], p.back_thick)
        top = [(peak, 1), *[(ellipsoid(0.045, 0.06, 0.045, 8).moved(s * w / 2, 0.03), 1) for s in (-1, 1)]]
        pieces += moved(turned(moved(top, y=back), "x", -lean), 0, h - t * 0.6, -d / 2 + p.back_thick / 2)
        arms = True
    elif variant == "wheelchair":
        big = h * draw(wheel=(0.5, 0.68)).wheel
        for s in (-1, 1):
            x = s * (w / 2 + 0.05)
            pieces.append((torus(big, 0.02, 24, 6).turned("z", 90).moved(x, big + 0.02, -d * 0.3), 2))
            spokes = [box(0.008, 2 * big, 0.012).turned("x", 60 * k) for k in range(3)]
            pieces += [(spoke.moved(x, big + 0.02, -d * 0.3), 2) for spoke in spokes]
            pieces.append((cylinder(0.08, 0.03, 12).turned("z", 90).moved(s * w * 0.4, 0.08, d * 0.5), 2))
            pieces.append((rod((s * w * 0.4, 0.1, d * 0.5), (s * w * 0.45, under, d * 0.4), 0.014, 6), 2))
            pieces.append((rod((s * w * 0.3, under, d * 0.5), (s * w * 0.25, 0.12, d * 0.85), 0.014, 6), 2))
            pieces.append((box(0.4 * w, 0.02, 0.15).moved(s * w * 0.22, 0.1, d * 0.9), 2))
            grip = h + back * 0.85
            pieces.append((rod((s * w * 0.45, grip, -d * 0.5), (s * w * 0.45, grip, -d * 0.8), 0.018, 6), 1))
        arms = True
    elif variant == "garden":
        for s in (-1, 1):
            pieces.append(
                (slab((s * w * 0.62 - 0.07, s * w * 0.62 + 0.07), (h + 0.2, h + 0.225), (-d / 2, d * 0.6)), 3)
            )
            pieces.append((slab((s * w * 0.58 - 0.02, s * w * 0.58 + 0.02), (0, h + 0.2), (d * 0.4, d * 0.52)), 2))
            pieces.append(
                (beam((-d * 0.75, 0.03, 0), (d * 0.5, h, 0), 0.1, 0.03).turned("y", -90).moved(s * w * 0.5), 2)
            )
        arms = False
    elif variant == "row":
        count = draw.integer("places", 2, 5)
        pitch = w * 1.12
        one = pieces + (chair_arms(draw, w, d, h, min(back * 0.6, 0.3), thick, 3) if draw.chance(0.6) else [])
        pieces = []
        for k in range(count):
            pieces += moved(one, (k - (count - 1) / 2) * pitch)
        x = (count - 1) / 2 * pitch
        pieces.append((slab((-x - w / 2, x + w / 2), (under - 0.06, under), (-0.04, 0.04)), 2))
        for s in (-1, 1):
            pieces.append((slab((s * x - 0.03, s * x + 0.03), (0, under), (-0.03, 0.03)), 2))
            pieces.append((slab((s * x - 0.04, s * x + 0.04), (0, 0.04), (-d * 0.5, d * 0.5)), 2))
        return pieces
    elif variant == "tablet":
        pieces += stand(draw, w, d, under, thick, 2)
        y, side = h + 0.24, draw.integer("hand", 0, 1) * 2 - 1
        board = box(0.28, 0.02, 0.5 * d + 0.12).turned("y", 8 * side)
        pieces += [(board.moved(side * (w / 2 - 0.04), y, d * 0.32), 3)]
        pieces.append((rod((side * w / 2, under, -d * 0.1), (side * w / 2, y, d * 0.1), 0.016, 6), 3))
        return pieces
    else:
        pieces += hoops(w / 2 - thick / 4, (thick / 4, under), (-d * 0.48, d * 0.48), thick / 2, 2)
    if arms:
        pieces += chair_arms(draw, w, d, h, min(back * 0.8, 0.35), thick, 3)
    return pieces


def _soft_chair(variant: str, draw: Draw) -> Pieces:
    """Chairs that are a bent shell, or upholstery, or cloth."""
    p = draw(
        width=(0.48, 0.85), depth=(0.46, 0.8), seat_height=(0.26, 0.46), thick=(0.02, 0.09), back_height=(0.4, 0.85),
        lean=(0.12, 0.45), dish=(0.02, 0.14), leg_thick=(0.02, 0.06),
    )  # fmt: skip
    w, d, h, back = p.width, p.depth, p.seat_height, p.back_height
    if variant == "wing":
        pieces = upholstered(draw, w * 1.1, d, 1, 0, 1, 2, 3)
        seat = max(float(mesh.vertices[:, 1].max()) for mesh, part in pieces if part == 0)
        top = max(float(mesh.vertices[:, 1].max()) for mesh, part in pieces if part == 1)
        rise = top - seat + 0.1 + 0.3 * p.dish
        ear = extrude(
            [(0, 0), (0.4 * d, 0), (0.3 * d, 0.5 * rise), (0.34 * d, 0.85 * rise), (0.1 * d, rise), (0, rise)],
            p.thick + 0.05,
        )
        pieces += [(ear.turned("y", -90).moved(s * (w * 0.55 - 0.04), seat, -d / 2), 1) for s in (-1, 1)]
        pieces.append((padded(w * 1.05, rise, 0.12, True).moved(0, seat + rise / 2, -d / 2 + 0.06), 1))
        return pieces
    if variant == "tub":
        turn = np.linspace(-1, 1, 17) * np.radians(draw(wrap=(95, 150)).wrap)
        low, arm = h * 0.35, draw(arm_rise=(0.15, 0.3)).arm_rise
        fall = np.abs(np.linspace(-1, 1, 17)) ** (1 + 20 * p.dish)
        top = h + arm + (back * 0.6 - arm) * (1 - fall)
        rows = np.linspace(0, 1, 4)[:, None]
        flare = 1 + 0.25 * p.lean * rows
        y = low + (top[None] - low) * rows
        grid = np.stack([-np.sin(turn) * w / 2 * flare, y, -np.cos(turn) * d / 2 * flare], -1)
        pieces = [(sheet(grid, p.thick + 0.03), 1)]
        seat = (
            cushion(w * 0.92, 0.2, d * 0.92, 0.7, 20)
            if draw.chance(0.7)
            else cylinder(0.46, 0.2, 20).scaled(w, 1, d).moved(y=-0.1)
        )
        pieces.append((seat.moved(y=h - 0.08), 0))
        if draw.chance(0.3):
            return pieces + [(frustum(0.4, 0.47, h - 0.1, 20).scaled(w, 1, d), 2)]
        if draw.chance(0.3):
            return pieces + pedestal(h - 0.14, p.leg_thick, 0.45 * w, 2, 5 * draw.integer("star", 0, 1))
        return pieces + legs(draw, w * 0.75, d * 0.75, h - 0.12, p.leg_thick, 2)
    if variant == "egg":
        open_ = 0.35 + p.lean
        v = np.linspace(-np.pi / 2, np.pi / 2 - open_, 11)
        outer = np.stack([np.cos(v).clip(0), np.sin(v)], -1)
        ball = lathe([*outer, *(outer[::-1] * 0.9)], 24).turned("x", 62)
        y = h + 0.5 * w
        pieces = [(ball.scaled(0.6 * w, 0.55 * w + 0.2 * back, 0.6 * d).moved(y=y), 1)]
        pieces.append((cushion(w * 0.8, 0.16, d * 0.75, 0.6, 16).moved(0, y - 0.3 * w - 0.05, 0.05 * d), 0))
        low = y - 0.5 * w - 0.12 * back
        return pieces + pedestal(max(low, 0.12), p.leg_thick, 0.42 * w, 2, 4 * draw.integer("star", 0, 1))
    if variant == "deck":
        lean, top = 0.5 + 0.6 * p.lean, h * 0.8 + back
        reach = d * 0.9
        sag = 0.12 + p.dish
        cloth = bent_seat(
            [(reach, h, 0.44 * w), (0.3 * d, h - sag, 0.44 * w), (-0.25 * d, h * 0.75 - sag * 0.3, 0.44 * w),
             (-reach * lean - 0.1, top, 0.44 * w)], 0.0, 0.015)  # fmt: skip
        pieces = cut(cloth, h * 0.82, 0, 1)
        r = p.leg_thick * 0.5
        for s in (-1, 1):
            x = s * w / 2
            pieces.append((rod((x, 0, reach), (x, top, -reach * lean - 0.1), r, 6), 2))
            pieces.append((rod((x * 0.9, h, reach), (x * 0.9, 0, -0.7 * d), r, 6), 2))
            if draw.chance(0.3):
                pieces.append((slab((x - 0.03, x + 0.03), (h + 0.1, h + 0.125), (-0.3 * d, 0.6 * d)), 3))
        bars = [(h, reach), (top, -reach * lean - 0.1), (0.03, -0.68 * d), (0.03, reach)]
        return pieces + [(rod((-w / 2, y, z), (w / 2, y, z), r, 6), 2) for y, z in bars]
    lounge = variant == "lounge"
    lean = p.lean + (0.25 if lounge else 0)
    low = h * (0.85 if lounge else 1)
    half = np.array([0.42, 0.5, 0.5, 0.46, 0.36]) * w
    rows = [
        (0.55 * d, low + 0.02),
        (0.2 * d, low - 0.02),
        (-0.32 * d, low - 0.05),
        (-0.5 * d, low + 0.2),
        (-0.5 * d - lean * back, low + back),
    ]
    body = bent_seat(np.c_[rows, half], p.dish, p.thick)
    pieces = cut(body, low + 0.12, 0, 1)
    if lounge and draw.chance(0.6):
        pieces += cut(bent_seat(np.c_[np.array(rows) + [0.03, 0.07], half * 0.9], p.dish, 0.09), low + 0.17, 0, 1)
    under = low - 0.06
    kind = draw.integer("base", 0, 3)
    if kind == 0:
        pieces += pedestal(under, p.leg_thick * 0.7, 0.45 * w, 2, draw.integer("star", 0, 1) * 4)
    elif kind == 1:
        pieces += hoops(0.42 * w, (p.leg_thick / 2, under), (-0.4 * d, 0.4 * d), p.leg_thick * 0.7, 2)
    else:
        pieces += legs(draw, w * 0.8, d * 0.85, under, p.leg_thick, 2)
    if draw.chance(0.5):
        rise = low + min(0.22, 0.4 * back)
        for s in (-1, 1):
            x = s * (w / 2 + 0.02)
            pieces.append((tube([(x, under, 0.35 * d), (x, rise, 0.3 * d), (x, rise, -0.4 * d)], 0.022, 6), 3))
    if lounge and draw.chance(0.4):
        pieces.append((cushion(w * 0.8, 0.14, 0.45, 0.3, 16).moved(0, low - 0.04, 0.6 * d + 0.4), 0))
        pieces += moved(legs(draw, w * 0.7, 0.36, low - 0.1, p.leg_thick, 2), z=0.6 * d + 0.4)
    return pieces
