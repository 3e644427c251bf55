"""Sinks."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, feet, legs, vessel
from datasets.demo.families.forms import hollow, smooth
from datasets.demo.families.frames import box_frame, curved_tap, ends, front_of, holed_plate, stand
from datasets.demo.mesh import box, cylinder, frustum, lathe, slab, tube

DEMO_SINKS = ("pedestal", "counter", "wall", "double", "bowl on cabinet")


@family(
    "sink", ("basin", "tap", "stand", "counter"), DEMO_SINKS,
    more=("drainer", "vanity", "trough", "butler", "on legs", "half pedestal", "mirror", "round bowl", "corner"),
    synonyms=("washbasin", "wash basin", "basin", "kitchen sink", "washstand"),
)  # fmt: skip
def sink(variant: str, draw: Draw) -> Pieces:
    """Wash basin or kitchen sink with a tap at the back."""
    if variant not in DEMO_SINKS:
        return _more_sink(variant, draw)
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
            hole = holed_plate(pitch, d + 0.06, w, d, p.roundness * 0.6 + 0.1, 0.03)
            pieces.append((hole.moved(x, h, middle), 3))
        left, right = xs[0] - pitch / 2, xs[-1] + pitch / 2
        for a, c in ((-total / 2, left), (right, total / 2)):
            if c - a > 0.01:
                pieces.append((slab((a, c), (h - 0.03, h), (z0, z1)), 3))
        pieces.append((slab((left, right), (h - 0.03, h), (z0, z1 - d - 0.06)), 3))
        if not slim:
            if draw.chance(0.75):
                pieces += ends(total / 2, (0, h - 0.03), (z0, z1 - 0.02), 0.02, 2)
                doors = draw.integer("doors", 1, 3)
                edge = np.linspace(-total / 2, total / 2, doors + 1)
                for k in range(doors):
                    pieces += front_of(draw, (edge[k], edge[k + 1]), (0.05, h - 0.04), z1 - 0.03, 2, 2, 0, "left")
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
            pieces += front_of(draw, span, (0.05, top), cd * 0.44, 2, 2, 1, "right" if s > 0 else "left")
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


def _more_sink(variant: str, draw: Draw) -> Pieces:
    p = draw(
        width=(0.38, 0.7), depth=(0.34, 0.5), bowl=(0.12, 0.25), wall=(0.015, 0.04), roundness=(0.25, 1.0),
        taper=(0.55, 0.9), height=(0.75, 0.95), tap_height=(0.08, 0.28), tap_reach=(0.12, 0.22),
    )  # fmt: skip
    w, d, b, h = p.width, p.depth, p.bowl, p.height
    x, z, soft = w / 2, d / 2, p.roundness * 0.6 + 0.1
    pieces: Pieces = []

    def tap(at: float, y: float, back: float) -> Pieces:
        out: Pieces = [(curved_tap(p.tap_height, p.tap_reach, 0.014 + 0.1 * p.wall).moved(at, y, back), 1)]
        if draw.chance(0.5):
            out += [(frustum(0.02, 0.028, 0.05, 8).moved(at + s * 0.09, y, back), 1) for s in (-1, 1)]
        else:
            out.append((box(0.09, 0.014, 0.02).turned("z", 20).moved(at + 0.05, y + 0.6 * p.tap_height, back), 1))
        return out

    def bay(at: float, pitch: float, y: float, deep: float = 1.0) -> Pieces:
        """A basin let into a plate as wide as `pitch`."""
        hole = holed_plate(pitch, d + 0.08, w, d, soft, 0.025)
        return [(vessel(w, d, b * deep, 0.012, soft, max(p.taper, 0.75)).moved(at, y, 0), 0), (hole.moved(at, y, 0), 3)]

    if variant == "drainer":  # of steel, loose or on a cupboard
        count, pitch = draw.integer("basins", 1, 2), w + 0.06
        board = draw(drainer=(0.3, 0.6)).drainer
        y = h if draw.chance(0.5) else b + 0.03
        total = count * pitch + board
        for k in range(count):
            pieces += bay(-total / 2 + (k + 0.5) * pitch, pitch, y)
        x0 = -total / 2 + count * pitch
        pieces.append((slab((x0, total / 2), (y - 0.025, y - 0.004), (-z - 0.04, z + 0.04)), 3))
        n = draw.integer("ribs", 4, 8)
        pieces += [
            (slab((v - 0.008, v + 0.008), (y - 0.004, y + 0.004), (-z * 0.8, z * 0.8)), 3)
            for v in np.linspace(x0 + 0.05, total / 2 - 0.05, n)
        ]
        pieces.append((slab((-total / 2, total / 2), (y - 0.02, y + 0.05 * p.taper), (-z - 0.1, -z - 0.04)), 3))
        if y == h:
            pieces += box_frame(total / 2 - 0.01, (0, h - 0.025), z + 0.03, 0.02, 2)
            edge = np.linspace(-total / 2, total / 2, draw.integer("doors", 2, 3) + 1)
            for a, c in zip(edge[:-1], edge[1:], strict=True):
                pieces += front_of(draw, (a, c), (0.05, h - 0.05), z + 0.04, 2, 2, 1, "left")
        pieces += tap(-total / 2 + count * pitch / 2, y, -z - 0.05)
        return pieces if draw.chance(0.5) else [(mesh.scaled(-1, 1, 1), part) for mesh, part in pieces]
    if variant == "vanity":
        total = w * draw(cabinet=(1.1, 2.2)).cabinet
        double = total > 1.0 and draw.chance(0.6)
        xs = (-total / 4, total / 4) if double else (0.0,)
        w = min(w, total / len(xs) * 0.85)
        for at in xs:
            pieces += bay(at, total / len(xs), h)
        pieces.append((slab((-total / 2, total / 2), (h - 0.03, h + 0.1 * p.taper), (-z - 0.1, -z - 0.04)), 3))
        low = 0.08 if draw.chance(0.6) else 0.35
        rows = draw.integer("rows", 1, 2)
        pieces += box_frame(total / 2 - 0.012, (low, h - 0.03), z + 0.03, 0.024, 2)
        columns = draw.integer("columns", 2, 4)
        for i in range(columns):
            for j in range(rows):
                span = (-total / 2 + i * total / columns, -total / 2 + (i + 1) * total / columns)
                y = (low + (h - 0.06 - low) * j / rows, low + (h - 0.06 - low) * (j + 1) / rows)
                pieces += front_of(
                    draw, span, y, z + 0.04, 2, 2, draw.integer("grip", 0, 1), "drawer" if rows > 1 else "left"
                )
        if low < 0.1:
            pieces += feet(draw, total, d, low, 0.05, 2)
        for at in xs:
            pieces += tap(at, h, -z - 0.05)
        if draw.chance(0.4):
            pieces.append((slab((-total * 0.4, total * 0.4), (h + 0.3, h + 1.0), (-z - 0.12, -z - 0.1)), 3))
        return pieces
    if variant == "trough":
        count = draw.integer("taps", 2, 4)
        long = count * 0.5 * w + 0.4
        pieces = [(vessel(long, d, b, 0.02, 0.15, p.taper).moved(y=h), 0)]
        if draw.chance(0.5):
            pieces.append((slab((-long / 2, long / 2), (h, h + 0.4), (-z - 0.04, -z)), 3))
        pieces += stand(draw, long * 0.9, d * 0.85, h - b, 0.05, 2)
        for k in range(count):
            pieces += tap((k + 0.5 - count / 2) * long / count, h, -z + 0.02)
        return pieces
    if variant == "butler":  # a deep box of ceramic that shows its front
        pieces = [(vessel(w * 1.2, d, b * 1.3, 0.025, 0.12, 0.97).moved(y=h), 0)]
        total = w * 1.2 + 0.3
        pieces += [
            (slab((s * a, s * c), (h - 0.05, h - 0.01), (-z - 0.1, z - 0.02)), 3)
            for s in (-1, 1)
            for a, c in ((0.6 * w, total / 2 + 0.15),)
        ]
        pieces.append((slab((-total / 2 - 0.15, total / 2 + 0.15), (h - 0.05, h - 0.01), (-z - 0.12, -z)), 3))
        pieces += box_frame(total / 2 + 0.13, (0, h - 1.3 * b), z - 0.04, 0.02, 2)
        for s in (-1, 1):
            a, c = sorted((0, s * (total / 2 + 0.12)))
            pieces += front_of(draw, (a, c), (0.05, h - 1.3 * b), z - 0.03, 2, 2, 0, "left" if s < 0 else "right")
        return pieces + tap(0.0, h, -z - 0.06)
    if variant == "on legs":
        pieces = bay(0.0, w + 0.14, h)
        pieces += stand(draw, w + 0.1, d, h - 0.025, 0.035, 2)
        if draw.chance(0.5):
            pieces.append((slab((-x, x), (0.2 * h, 0.2 * h + 0.02), (-z, z)), 2))
        if draw.chance(0.5):
            pieces.append((slab((-x, x), (h, h + 0.15), (-z - 0.06, -z - 0.04)), 3))
        return pieces + tap(0.0, h, -z - 0.02)
    if variant == "round bowl":
        y, r = h - 0.1, 0.5 * min(w, d) + 0.04
        pieces = [(hollow(smooth([(0.35 * r, 0), (0.8 * r, 0.35 * b), (r, b)]), 0.015, 24).moved(y=y), 0)]
        total = w * draw(slab_width=(1.2, 2.4)).slab_width
        pieces.append((slab((-total / 2, total / 2), (y - 0.06 * p.taper - 0.02, y), (-z - 0.08, z + 0.03)), 3))
        if draw.chance(0.7):
            pieces += stand(draw, total * 0.92, d * 0.85, y - 0.06, 0.05, 2)
        else:
            pieces.append((slab((-total * 0.46, total * 0.46), (y * 0.4, y - 0.06), (-z - 0.06, z - 0.02)), 2))
        pieces.append((cylinder(0.016, b + 0.03, 8).moved(0, y, -z - 0.02), 1))
        return pieces + [(curved_tap(p.tap_height * 0.5, p.tap_reach, 0.014).moved(0, y + b, -z - 0.02), 1)]
    # a ceramic basin on the wall, in its several ways
    basin = vessel(w, d, b, p.wall, p.roundness, p.taper)
    if variant == "corner":
        basin = basin.turned("y", 45)
    pieces = [(basin.moved(y=h), 0)]
    back = -z if variant != "corner" else -0.45 * d
    pieces.append((slab((-x * 0.75, x * 0.75), (h - b * 0.6, h + 0.03), (back - 0.06, back + 0.05)), 0))
    if variant == "half pedestal" or (variant == "corner" and draw.chance(0.6)):
        cover = lathe([(0, 0), (0.05, 0), (0.09, 0.15), (0.11, 0.35), (0, 0.35)], 16)
        pieces.append((cover.moved(0, h - b - 0.27, -0.1 * d), 2))
    else:
        pieces.append(
            (
                tube(
                    [(0, h - b, 0), (0, h - b - 0.14, 0), (0, h - b - 0.18, -0.4 * z), (0, h - b - 0.1, back - 0.05)],
                    0.022,
                    8,
                ),
                2,
            )
        )
    if variant == "mirror":
        mirror = (
            box(w, 0.6, 0.02) if draw.chance(0.5) else cylinder(0.5, 0.02, 24).turned("x", 90).scaled(w * 0.9, 0.7, 1)
        )
        pieces += [
            (mirror.moved(0, h + 0.65, back - 0.07), 3),
            (slab((-x, x), (h + 0.2, h + 0.22), (back - 0.07, back + 0.05)), 3),
        ]
    return pieces + tap(0.0, h + 0.02, back - 0.01)
