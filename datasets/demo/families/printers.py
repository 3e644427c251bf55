"""The family of printers and copiers."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, handle, placed, rod
from datasets.demo.families.forms import both, taper
from datasets.demo.families.panels import casing, keypad, plate
from datasets.demo.mesh import Mesh, box, combine, cylinder, sheet, slab


def paper(width: float, length: float, bend: float) -> Mesh:
    """Sheet of paper from the origin along +z, centred in x, bending up by `bend` of its length."""
    t = np.linspace(0, 1, 6)
    grid = np.stack(
        [np.stack([np.full(6, x), bend * length * t**2, length * t], -1) for x in (width / 2, 0, -width / 2)], 0
    )
    return sheet(grid, 0.006)


@family(
    "printer",
    parts=("body", "tray", "paper", "panel", "lid"),
    variants=("inkjet", "laser", "all in one", "open scanner", "copier", "label", "plotter"),
    synonyms=("computer printer", "office printer", "printing machine", "copier", "photocopier"),
)
def printer(variant: str, draw: Draw) -> Pieces:
    """Printer on a desk, or a copier or plotter on the floor; paper comes out in front or on top."""
    p = draw(
        width=(0.85, 1.3), height=(0.34, 0.56), depth=(0.6, 0.95), tray=(0.25, 0.5), feed=(0.3, 0.55), lean=(12, 38),
        sheet=(0.5, 0.68), bend=(-0.05, 0.35), panel=(0.3, 0.7), lid=(0.05, 0.12), opening=(30, 75), foot=(0.01, 0.04),
    )  # fmt: skip
    w, h, d, page = p.width, p.height, p.depth, p.sheet * p.width
    front = d / 2
    out: Pieces = []

    def output(y: float, z: float) -> Pieces:
        tray = slab((-0.55 * page, 0.55 * page), (y - 0.02, y), (z - 0.05, z + p.tray))
        stop = slab((-0.15 * page, 0.15 * page), (y, y + 0.05), (z + p.tray - 0.02, z + p.tray))
        pieces: Pieces = [(combine([tray, stop]), 1)]
        if draw.chance(0.65):
            pieces.append((paper(page, 0.9 * p.tray + 0.05, 0.2 * p.bend).moved(0, y + 0.015, z - 0.03), 2))
        return pieces

    def feeder(y: float, z: float) -> Pieces:
        board: Pieces = [(plate(1.12 * page, p.feed, 0.03, 0.04 if draw.chance(0.5) else 0).moved(0, p.feed / 2), 1)]
        if draw.chance(0.75):
            board.append((plate(page, 1.15 * p.feed, 0.012).moved(0, 0.6 * p.feed, 0.035), 2))
        board.append((both(slab((0.52 * page, 0.56 * page), (0, 0.3 * p.feed), (0, 0.06))), 1))
        return placed(board, 0, y, z, 0, -p.lean)

    def controls(y: float, z: float, pitch: float, width: float, tall: float) -> Pieces:
        s = draw.rng.choice([-1, 1])
        items: Pieces = [(plate(0.4 * width, 0.7 * tall, 0.015).moved(-s * 0.22 * width), 3)]
        items.append(
            (
                keypad(
                    draw.integer("rows", 1, 3),
                    draw.integer("columns", 2, 4),
                    0.36 * width,
                    0.7 * tall,
                    0.02,
                    draw.chance(0.4),
                ).moved(s * 0.22 * width),
                3,
            )
        )
        return placed(items, 0, y, z, 0, pitch)

    if variant == "inkjet":
        style = draw.integer("casing", 0, 2)
        d *= 0.8
        front = d / 2
        body = (
            casing(draw, w, h, d, style).moved(0, h / 2)
            if draw.chance(0.6)
            else taper(box(w, h, d).moved(0, h / 2), 0.96, draw.rng.uniform(0.5, 0.85), -0.05)
        )
        out = [(body, 0), *feeder(0.92 * h, -0.3 * d)]
        out.append((slab((-0.58 * page, 0.58 * page), (0.1 * h, 0.42 * h), (front - 0.02, front + 0.015)), 4))
        out += output(0.12 * h, front)
        out += controls(h + 0.005, 0.0, -90, 0.3 * w, 0.2 * d) if draw.chance(0.5) else []
        out.append((plate(0.5 * w, 0.4 * d, 0.015).turned("x", -90).moved(-0.1 * w, 0.99 * h, 0.05), 4))
    elif variant == "laser":
        h *= draw.rng.uniform(1.2, 1.9)
        w, d = 0.9 * w, 1.0 * d
        front = d / 2
        low = h * draw.rng.uniform(0.68, 0.82)
        out = [(slab((-w / 2, w / 2), (0, low), (-front, front)), 0)]
        side_ = (w - 1.15 * page) / 2
        out.append((both(slab((w / 2 - side_, w / 2), (low, h), (-front, front))), 0))
        back = d * draw.rng.uniform(0.25, 0.45)
        out.append((slab((-w / 2 + side_, w / 2 - side_), (low, h), (-front, -front + back)), 0))
        slope = np.degrees(np.arctan2(h - low, d - back))
        ramp = slab((-w / 2 + side_, w / 2 - side_), (-0.02, 0.01), (0, np.hypot(h - low, d - back) * 0.9)).turned(
            "x", -slope
        )
        out.append((ramp.moved(0, low + 0.02, -front + back), 1))
        if draw.chance(0.55):
            out.append(
                (paper(page, 0.8 * (d - back), 0.5 * (h - low) / d + 0.2).moved(0, low + 0.06, -front + back - 0.02), 2)
            )
        lip = low + 0.55 * (h - low)
        out.append((slab((-w / 2 + side_, w / 2 - side_), (low, lip), (front - 0.06, front)), 0))
        out.append((slab((-0.46 * w, 0.46 * w), (0.04 * h, 0.28 * h), (front, front + 0.025)), 1))
        out.append((slab((-0.15 * w, 0.15 * w), (0.2 * h, 0.25 * h), (front + 0.02, front + 0.04)), 1))
        if draw.chance(0.35):
            out.append((slab((-0.55 * page, 0.55 * page), (0.36 * h, 0.38 * h), (front, front + p.tray)), 1))
        else:
            out.append((slab((-0.55 * page, 0.55 * page), (0.36 * h, 0.62 * h), (front, front + 0.015)), 4))
        out += (
            controls(h, 0.3 * d, -90, 0.3 * w, 0.15 * d)
            if draw.chance(0.3)
            else controls(0.5 * (low + lip), front, 0, 0.5 * w, 0.8 * (lip - low))
        )
    elif variant in ("all in one", "open scanner"):
        h *= 1.0 + 0.4 * draw.rng.random()
        out = [(casing(draw, w, h, d, draw.integer("casing", 0, 1)).moved(0, h / 2), 0)]
        t = p.lid
        lid: Pieces = [(casing(draw, 0.98 * w, t, d, draw.integer("casing", 0, 2)).moved(0, t / 2, d / 2), 4)]
        if draw.chance(0.4):  # document feeder
            lid.append((casing(draw, 0.6 * w, 0.14, 0.6 * d, 2).moved(-0.12 * w, t + 0.05, d / 2), 4))
            lid.append((box(0.5 * w, 0.02, 0.5 * d).turned("z", 14).moved(0.2 * w, t + 0.14, d / 2), 1))
        opening = p.opening if variant == "open scanner" else 0
        out += placed(lid, 0, h + 0.01, -front, 0, -opening)
        if opening:
            out.append((slab((-0.42 * w, 0.42 * w), (h, h + 0.006), (-0.42 * d, 0.42 * d)), 1))
        tilted = draw.rng.uniform(0, 60)
        block = slab((-p.panel * w / 1.6, p.panel * w / 1.6), (-0.11, 0.11), (-0.05, 0.03)).turned("x", -tilted)
        y = 0.78 * h
        out += [
            (block.moved(0, y, front), 3),
            *placed(controls(0, 0.03, 0, 1.1 * p.panel * w, 0.18), 0, y, front, 0, -tilted),
        ]
        out.append((slab((-0.56 * page, 0.56 * page), (0.12 * h, 0.5 * h), (front - 0.01, front + 0.015)), 4))
        out += output(0.14 * h, front)
        out += feeder(0.85 * h, -front) if draw.chance(0.2) and not opening else []
    elif variant == "copier":
        tall = h * draw.rng.uniform(1.9, 2.8)
        w, d = 0.9 * w, 0.9 * d
        front, low = d / 2, 0.04 + p.foot
        gap = (tall * 0.72, tall * 0.84)
        out = [(slab((-w / 2, w / 2), (low, gap[0]), (-front, front)), 0)]
        out.append((slab((-w / 2, w / 2), (gap[0], gap[1]), (-front, -0.1 * d)), 0))
        out.append((slab((-w / 2, -0.38 * w), (gap[0], gap[1]), (-front, front)), 0))
        out.append((slab((-w / 2, w / 2), (gap[1], tall), (-front, front)), 0))
        n = draw.integer("drawers", 2, 4)
        ys = np.linspace(low, low + 0.62 * (gap[0] - low), n + 1)
        for a, b in zip(ys[:-1], ys[1:], strict=True):
            out.append((slab((-0.48 * w, 0.48 * w), (a + 0.01, b - 0.01), (front, front + 0.03)), 1))
            out.append((handle(0.3 * w, 0.03).moved(0, (a + b) / 2 + 0.01, front + 0.03), 1))
        out.append((slab((-0.48 * w, 0.48 * w), (ys[-1] + 0.01, gap[0] - 0.01), (front, front + 0.02)), 4))
        top = casing(draw, 0.98 * w, 2 * p.lid, 0.9 * d, draw.integer("casing", 0, 2)).moved(0, tall + p.lid, -0.05 * d)
        out.append((top, 4))
        if draw.chance(0.6):
            out.append(
                (casing(draw, 0.35 * w, 0.14, 0.7 * d, 2).moved(-0.28 * w, tall + 2 * p.lid + 0.04, -0.05 * d), 4)
            )
            out.append(
                (box(0.5 * w, 0.02, 0.5 * d).turned("z", 18).moved(0.1 * w, tall + 2 * p.lid + 0.1, -0.05 * d), 1)
            )
        console = slab((-0.35 * w, 0.35 * w), (-0.02, 0.03), (0, 0.2)).turned("x", 15)
        out += [(console.moved(0, tall, front - 0.02), 3), *controls(tall + 0.01, front + 0.09, -75, 0.6 * w, 0.15)]
        if draw.chance(0.6):
            out.append((box(p.tray, 0.025, 0.55 * d).turned("z", 15).moved(w / 2 + 0.45 * p.tray, 0.55 * tall), 1))
        if draw.chance(0.35):
            out.append((paper(0.3 * w, 0.5 * d, 0.05).moved(0.1 * w, gap[0] + 0.01, -0.05 * d), 2))
        return [*out, *[(m, part) for m, part in feet(draw, w, d, low, 0.07, 0)]]
    elif variant == "label":
        w, h, d = 0.55 * w, 0.9 * h + 0.1, 0.75 * d
        front = d / 2
        body = casing(draw, w, h, d, draw.integer("casing", 0, 2)).moved(0, h / 2)
        top_feed = draw.chance(0.5)
        strip = (
            paper(0.7 * w, 0.15 + 0.8 * p.tray, 0.5 + p.bend)
            if not top_feed
            else paper(0.7 * w, 0.15 + 0.8 * p.tray, 0.2).turned("x", -65 - p.lean / 2)
        )
        at = (0, 0.45 * h, front - 0.02) if not top_feed else (0, h - 0.02, 0.1 * d)
        out = [(body, 0), (strip.moved(*at), 2)]
        slot = slab((-0.4 * w, 0.4 * w), (-0.025, 0.025), (-0.02, 0.03))
        out.append((slot.moved(*at).moved(0, 0, 0.01), 4))
        out += (
            controls(0.75 * h, front, 0, 0.6 * w, 0.2 * h)
            if not top_feed
            else controls(0.4 * h, front, 0, 0.7 * w, 0.3 * h)
        )
        if draw.chance(0.3):  # roll on a holder behind
            out.append((cylinder(0.22, 0.7 * w, 20).turned("z", 90).moved(0.35 * w, 0.3, -front - 0.25), 2))
            out.append((both(slab((0.36 * w, 0.39 * w), (0, 0.45), (-front - 0.4, -front))), 1))
    else:
        w, h, d = 1.9 * w, 0.4 * h + 0.08, 0.5 * d
        front, rise = d / 2, 0.9 * draw(rise=(0.75, 1.1)).rise
        out = [(casing(draw, w, h, d, draw.integer("casing", 0, 2)).moved(0, rise + h / 2), 0)]
        out.append((plate(0.75 * w, 0.6 * d, 0.03).turned("x", -90).moved(0, rise + h), 4))
        out.append((both(casing(draw, 0.1 * w, 1.15 * h, 1.15 * d, 2).moved(0.48 * w, rise + h / 2)), 0))
        out.append(
            (
                both(
                    combine([box(0.06, rise, 0.1).moved(0, rise / 2), box(0.07, 0.06, 1.6 * d).moved(0, 0.04)]).moved(
                        0.36 * w
                    )
                ),
                1,
            )
        )
        out.append((rod((-0.36 * w, 0.25 * rise, 0), (0.36 * w, 0.25 * rise, 0), 0.025, 6), 1))
        out.append((cylinder(0.09, 0.76 * w, 14).turned("z", 90).moved(0.38 * w, rise + h + 0.03, -front), 2))
        out.append(
            (
                paper((p.sheet + 0.1) * w, (0.2 + p.tray) * rise, 0.02)
                .turned("x", 70 + 0.4 * p.lean)
                .moved(0, rise + 0.45 * h, front),
                2,
            )
        )
        return (
            out
            + controls(rise + h + 0.02, 0.1 * d, -70, 0.16 * w, 0.5 * d)[0:1]
            + placed(controls(0, 0, -60, 0.2 * w, 0.5 * d), 0.44 * w, rise + 1.1 * h, 0.2 * d)
        )
    return [*placed(out, y=p.foot), *feet(draw, 0.9 * w, 0.9 * d, p.foot, 0.05, 0)]
