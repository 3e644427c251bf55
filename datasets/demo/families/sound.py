"""Families of what plays sound to a room: loudspeakers and radios."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, family, feet, legs, placed, rod
from datasets.demo.families.forms import along, both, copies, cut, ring, smooth, taper
from datasets.demo.families.panels import (
    bezel,
    bored,
    casing,
    cone_profile,
    dials,
    digits,
    driver,
    keypad,
    plate,
    puck,
    row,
)
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, extrude, frustum, lathe, slab, torus


def speaker_box(draw: Draw, w: float, d: float, cells: list[tuple[float, float]]) -> Pieces:
    """Box on y = 0, centred, with drivers one above another: (height, radius) each, radius 0 for none."""
    out: Pieces = []
    y = 0.0
    frame = draw.chance(0.5)
    for h, r in cells:
        at = (0, y + h / 2, d / 2)
        if r:
            body, cone = bored(w, h, d, r, cone_profile(r))
            out += [(body.moved(*at), 0), (cone.moved(*at), 1)]
            if frame:
                out.append((bezel(1.06 * r, 0.06 * r, 20).moved(*at), 1))
        else:
            out.append((slab((-w / 2, w / 2), (y, y + h), (-d / 2, d / 2)), 0))
        y += h
    return out


@family(
    "loudspeaker",
    parts=("cabinet", "cone", "grille", "stand", "controls"),
    variants=("bookshelf", "tower", "subwoofer", "on stand", "cylinder", "set", "stage"),
    synonyms=("speaker", "loud speaker", "speaker box", "audio speaker"),
)
def loudspeaker(variant: str, draw: Draw) -> Pieces:
    """Cabinet with round drivers in its front, or a small wireless loudspeaker."""
    p = draw(
        width=(0.22, 0.42), tall=(1.3, 2.0), deep=(0.7, 1.35), woofer=(0.66, 0.92), tweeter=(0.3, 0.6),
        share=(0.52, 0.68), foot=(0.01, 0.04), stand=(0.5, 1.0), base=(0.7, 1.2), lean=(0, 9),
    )  # fmt: skip
    w, d = p.width, p.width * p.deep
    h, big, small = w * p.tall, 0.5 * w * p.woofer, 0.5 * w * p.tweeter

    def two_way() -> Pieces:
        if draw.chance(0.15):  # a grille in front, or a soft shell
            soft = casing(draw, w, h, d, draw.integer("shell", 0, 2)).moved(0, h / 2)
            cover = plate(0.92 * w, 0.94 * h, 0.04 * d, 0.06 * w if draw.chance(0.5) else 0).moved(0, h / 2, d / 2)
            return [(soft, 0), (cover, 2)]
        r = min(big, 0.45 * p.share * h)
        cells = [(p.share * h, r), ((1 - p.share) * h, min(small, 0.42 * (1 - p.share) * h))]
        if draw.chance(0.2):
            cells = [(0.2 * h, 0.0), (0.5 * h, min(r, 0.23 * h)), (0.3 * h, min(small, 0.13 * h))]
        out = speaker_box(draw, w, d, cells)
        if cells[0][1] == 0:
            out.append((bezel(0.07 * h, 0.012 * h, 16).moved(0, 0.1 * h, d / 2), 0))
        elif draw.chance(0.25):
            out.append((dials(row(0.3 * w, 2, 0.03 * h, d / 2), 0.02 * h, 0.03 * d), 4))
        return out

    if variant == "bookshelf":
        out = two_way()
        if draw.chance(0.3):
            return [*placed(out, x=-w * p.base), *placed(out, x=w * p.base)]
        return [
            *out,
            *(
                [(m.moved(0, -p.foot), part) for m, part in feet(draw, w, d, p.foot, 0.05, 3)]
                if draw.chance(0.4)
                else []
            ),
        ]
    if variant == "tower":
        w, d = 0.8 * w, 0.9 * d
        n = draw.integer("woofers", 1, 3)
        r = 0.5 * w * p.woofer
        cells = [(0.9 * w * draw.rng.uniform(0.3, 2.4), 0.0)] + [(2.15 * r, r)] * n + [(2.4 * small, 0.85 * small)]
        if draw.chance(0.3):
            cells = [cells[0], *cells[1:-1], (1.6 * r, 0.7 * r), cells[-1]]
        cells.append((0.15 * w, 0.0))
        out = speaker_box(draw, w, d, cells)
        h = sum(cell[0] for cell in cells)
        if draw.chance(0.3):
            out.append((plate(0.85 * w, 0.6 * h, 0.04 * d, 0.02).moved(0, 0.33 * h, d / 2), 2))
        base = slab((-p.base * w / 1.6, p.base * w / 1.6), (-p.foot, 0), (-0.55 * d, 0.55 * d))
        out.append((base, 3)) if draw.chance(0.6) else out.extend(
            (m.moved(0, -0.03), q) for m, q in feet(draw, w, d, 0.03, 0.04, 3)
        )
        return [(m.turned("x", -0.5 * p.lean), part) for m, part in out]
    if variant == "subwoofer":
        w, h = 1.3 * w, 1.3 * w * (0.75 + 0.25 * p.tall)
        d = w * (0.5 + 0.5 * p.deep)
        low = draw(low=(0.1, 0.2)).low
        out = speaker_box(draw, w, d, [(low * h, 0.0), ((1 - low) * h, 0.46 * min(w, (1 - low) * h) * p.woofer / 0.92)])
        if draw.chance(0.4):
            out.append((bezel(0.05 * h, 0.01 * h, 14).moved(0.3 * w, 0.07 * h, d / 2), 0))
        else:
            out.append((dials(row(0.2 * w, 3, 0.06 * h, d / 2), 0.025 * h, 0.02), 4))
        return [*placed(out, y=p.foot), *feet(draw, w, d, p.foot, 0.06, 3)]
    if variant == "on stand":
        tall = p.stand * draw.rng.uniform(0.8, 1.3)
        out = placed(two_way(), y=tall)
        if draw.chance(0.4):
            spots = ring(3, 0.8 * w)[0]
            out += [(combine([rod((x, 0, z), (0, 0.45 * tall, 0), 0.013, 6) for x, _, z in spots]), 3)]
            return [*out, (cylinder(0.02, 0.7 * tall, 10).moved(0, 0.3 * tall), 3)]
        post = draw.rng.uniform(0.03, 0.3) * w
        foot = slab((-p.base * w / 1.7, p.base * w / 1.7), (0, p.foot), (-0.55 * d, 0.55 * d))
        out += [(foot, 3), (slab((-post, post), (0, tall), (-post, post)), 3)]
        return [*out, (slab((-0.4 * w, 0.4 * w), (tall - 0.02, tall), (-0.4 * d, 0.4 * d)), 3)]
    if variant == "cylinder":
        r, style = 0.5 * w, draw.integer("style", 0, 2)
        if style == 0:  # stands upright
            k = draw(swell=(0.8, 1.15)).swell
            curve = smooth([(0.9 * r, 0), (r, 0.06 * h), (r * k, 0.5 * h), (0.97 * r, 0.94 * h), (0.85 * r, h)], 3)
            out = cut(lathe([(0, 0), *curve, (0, h)], 24), 0.12 * h, 3, 2)
            n = draw.integer("ribs", 0, 6)
            if n > 2:
                out.append(
                    (combine([torus(r * 1.0, 0.012, 24, 5).moved(0, y * h) for y in np.linspace(0.15, 0.9, n)]), 2)
                )
            buttons, _ = ring(4, 0.4 * r, h)
            out.append((copies(cylinder(0.12 * r, 0.02, 10), buttons), 4))
            return [*out, (torus(0.9 * p.woofer * r, 0.02, 22, 6).moved(0, h), 0)]
        if style == 1:  # lies, with radiators at its ends
            tube_ = lathe(
                [(0, -h / 2), (0.8 * r, -h / 2), (r, -0.42 * h), (r, 0.42 * h), (0.8 * r, h / 2), (0, h / 2)], 22
            )
            end = driver(0.88 * p.woofer * r, 18).turned("y", 90).moved(h / 2)
            keys = copies(box(0.12 * r, 0.03, 0.12 * r), row(0.25 * h, 4, r))
            out = [(tube_.turned("z", 90), 2), (both(end), 1), (keys, 4)]
            out.append((both(torus(r, 0.02, 20, 6).turned("z", 90).moved(0.4 * h)), 0))
            if draw.chance(0.4):
                out.append((arch(0.7 * h, 0.7 * r, 0.02, 12, 6).moved(0, 0.9 * r), 3))
            return out
        globe = ellipsoid(r * 1.1, r * 1.1 * p.deep, r * 1.1, 20)
        out = [(globe, 0), (driver(0.62 * r, 20).turned("x", -p.lean).moved(0, 0, 1.06 * r), 1)]
        return [*out, (frustum(0.75 * p.base * r, 0.4 * r, 0.15 * h).moved(0, -r * 1.1 * p.deep - 0.05 * h), 3)]
    if variant == "set":
        sub = speaker_box(draw, w, d, [(0.2 * w, 0.0), (w, 0.5 * p.woofer * w)])
        own = draw(satellite=(0.4, 0.75), apart=(0.55, 0.85))
        s = own.satellite
        cells = [(1.1 * s * w, 0.4 * s * w), (0.5 * s * w, 0.18 * s * w)][: draw.integer("drivers", 1, 2)]
        one = placed(speaker_box(draw, s * w, 0.7 * s * d, cells), pitch=-p.lean)
        gap = w * (own.apart + 0.7 * s)
        z = 0.3 * d
        return [
            *sub,
            *placed(one, -gap, 0, z, 12),
            *placed(one, gap, 0, z, -12),
            (dials([(0, 0.1 * w, d / 2)], 0.05 * w, 0.03), 4),
        ]
    if draw.chance(0.3):  # floor wedge
        body = extrude([(-0.6, 0), (0.5, 0), (0.5, 0.25), (-0.1, 0.85), (-0.6, 0.85)], 1.4).turned("y", -90).scaled(w)
        grille = plate(1.3 * w, 0.72 * w, 0.03, 0.05).turned("x", -45).moved(0, 0.56 * w, 0.22 * w)
        return [(body, 0), (grille, 2), (both(slab((0.7 * w, 0.72 * w), (0.35 * w, 0.45 * w), (-0.3 * w, 0.1 * w))), 3)]
    body = along(taper(box(w, d, h), 1 / p.tweeter**0.3, 1)).moved(0, h / 2)
    front = w / p.tweeter**0.3
    out = [(body, 0)]
    if draw.chance(0.5):
        out.append((plate(0.92 * front, 0.94 * h, 0.03 * d).moved(0, h / 2, d / 2), 2))
    else:
        out.append((driver(big).moved(0, 0.34 * h, d / 2), 1))
        horn = taper(box(0.8 * w, 0.05 * d, 0.24 * h), 1.1, 1.1)
        lip = [slab((-0.4 * w, 0.4 * w), (y, y + 0.015), (0, 0.06 * d)) for y in (-0.12 * h, 0.105 * h)]
        lip += [both(slab((0.38 * w, 0.4 * w), (-0.12 * h, 0.12 * h), (0, 0.06 * d))), driver(0.15 * w, 14)]
        out += [(combine([*lip, along(horn).scaled(1, 1, 0.4)]).moved(0, 0.8 * h, d / 2), 2)]
    grip = [
        both(slab((0.46 * w, 0.5 * w), (0.45 * h, 0.6 * h), (-0.1 * d, 0.1 * d))),
        arch(0.4 * w, 0.05, 0.012, 12, 6).moved(0, h),
    ]
    out.append((combine(grip), 4))
    if draw.chance(0.5):
        tall = p.stand * 1.2
        out = placed(out, y=tall)
        out.append((combine([rod((x, 0, z), (0, 0.5 * tall, 0), 0.013, 6) for x, _, z in ring(3, 1.1 * w)[0]]), 3))
        out.append((cylinder(0.02, 0.65 * tall, 10).moved(0, 0.36 * tall), 3))
    return out


def grille(width: float, height: float, thick: float, n: int, upright: bool = False) -> Mesh:
    """Centred grille of n bars in z = 0."""
    if upright:
        return grille(height, width, thick, n).turned("z", 90)
    return copies(
        box(width, 0.4 * height / n, thick), [(0, (k + 0.5 - n / 2) * height / n, thick / 2) for k in range(n)]
    )


@family(
    "radio",
    parts=("body", "speaker", "antenna", "handle", "dial", "knobs"),
    variants=("portable", "table", "boombox", "cathedral", "walkie-talkie", "console", "pocket"),
    synonyms=("radio set", "radio receiver", "wireless set"),
)
def radio(variant: str, draw: Draw) -> Pieces:
    """Receiver with a loudspeaker, a dial and knobs, carried, on a table or on the floor."""
    p = draw(
        width=(0.7, 1.15), height=(0.42, 0.72), depth=(0.14, 0.34), speaker=(0.6, 0.9), antenna=(0.5, 1.0),
        lean=(-50, 60), handle=(0.12, 0.28), knob=(0.035, 0.07), dial=(0.3, 0.5), foot=(0.01, 0.05),
    )  # fmt: skip
    w, h, d, k = p.width, p.height, p.depth, p.knob
    front, thin = d / 2, 0.018

    def mast(x: float, y: float, length: float) -> Pieces:
        steps = [cylinder(r, length * t, 8) for r, t in ((0.02, 0.35), (0.015, 0.65), (0.01, 1.0))]
        pole = combine([*steps, ellipsoid(0.02, 0.025, 0.02, 8).moved(0, length)]).turned("z", p.lean)
        return [(pole.moved(x, y, -0.35 * d), 2), (along(cylinder(0.03, 0.06, 10)).moved(x, y, -0.45 * d), 2)]

    def voice(r: float, x: float, y: float, z: float = front) -> Pieces:
        style = draw.integer("speaker", 0, 3)
        if style == 0:
            return [(driver(r, 20).moved(x, y, z), 1)]
        if style == 1:
            rings = [bezel(f * r, 0.05 * r, 20) for f in (0.25, 0.5, 0.75, 1.0)]
            return [(combine([puck(r, 0.02), *[m.moved(0, 0, 0.02) for m in rings]]).moved(x, y, z), 1)]
        wide = 1.8 * r
        return [
            (plate(wide, 1.9 * r, 0.015).moved(x, y, z), 1),
            (grille(wide, 1.8 * r, 0.035, draw.integer("bars", 5, 9), style == 3).moved(x, y, z), 1),
        ]

    if variant == "portable":
        body = casing(draw, w, h, d, draw.integer("casing", 0, 2))
        r = min(0.5 * p.speaker * h, 0.24 * w)
        s = draw.rng.choice([-1, 1])
        x, other = -s * (w / 2 - 1.15 * r), s * (0.5 * w - 0.45 * p.dial * w - 0.03)
        out: Pieces = [(body, 0), *voice(r, x, 0)]
        out.append((plate(0.85 * p.dial * w, 0.28 * h, thin, 0.02).moved(other, 0.24 * h, front), 4))
        out.append(
            (box(0.012, 0.26 * h, 0.02).moved(other + 0.2 * p.dial * w * p.lean / 60, 0.24 * h, front + thin), 4)
        )
        n = draw.integer("knobs", 1, 3)
        out.append((dials(row(0.12 * w, n, -0.2 * h, front), k, 0.05).moved(other), 5))
        if draw.chance(0.5):
            out.append((keypad(1, 4, 0.4 * w, 0.3 * d, 0.03).turned("x", -90).moved(0, h / 2), 5))
        if draw.chance(0.75):
            grip = arch(draw.rng.uniform(0.5, 0.96) * w, p.handle, 0.025, 12, 6)
            squarer = grip.scaled(1, 1, 1.4)
            out.append((squarer.turned("x", draw.rng.choice([0, 0, -70])).moved(0, 0.47 * h), 3))
        return [*out, *(mast(draw.rng.choice([-0.44, 0.44]) * w, 0.47 * h, p.antenna) if draw.chance(0.8) else [])]
    if variant == "boombox":
        w, h = 1.25 * w, 0.85 * h
        r = min(0.45 * p.speaker * h, 0.2 * w)
        body = casing(draw, w, h, 0.8 * d, draw.integer("casing", 0, 2))
        front = 0.4 * d
        out = [(body, 0)]
        for s in (-1, 1):
            at = (s * (w / 2 - 1.2 * r), -0.05 * h, front)
            out += [(driver(r, 22).moved(*at), 1), (bezel(1.04 * r, 0.05 * r).moved(*at), 1)]
        room = w - 4.6 * r
        out.append((plate(max(room, 0.2) * 0.9, 0.4 * h, 0.04, 0.02).moved(0, -0.2 * h, front), 4))
        out.append((copies(bezel(0.07 * h, 0.012, 12), row(0.2 * max(room, 0.2), 2, -0.18 * h, front + 0.04)), 4))
        out.append((plate(0.7 * w, 0.13 * h, thin).moved(0, 0.38 * h, front), 4))
        out.append((dials(row(0.35 * max(room, 0.2), 3, 0.15 * h, front), 0.6 * k, 0.04), 5))
        out.append((keypad(1, 6, 0.35 * w, 0.4 * d, 0.03).turned("x", -90).moved(0, h / 2), 5))
        x = draw.rng.uniform(0.35, 0.46) * w
        grip = [both(slab((x - 0.03, x + 0.03), (0.4 * h, h / 2 + p.handle), (-0.03, 0.03)))]
        grip.append(slab((-x - 0.03, x + 0.03), (h / 2 + p.handle - 0.05, h / 2 + p.handle), (-0.035, 0.035)))
        out.append((combine(grip) if draw.chance(0.6) else arch(2 * x, p.handle, 0.03, 12, 6).moved(0, 0.48 * h), 3))
        return [*out, *(mast(0.4 * w, 0.48 * h, p.antenna) if draw.chance(0.6) else [])]
    if variant == "table":
        d *= 1.3
        front = d / 2
        body = casing(draw, w, h, d, draw.integer("casing", 0, 2))
        style = draw.integer("layout", 0, 2)
        out = [(body, 0)]
        if style == 0:  # cloth on the left, round dial on the right
            out.append((plate(0.52 * w, 0.76 * h, thin, 0.03).moved(-0.2 * w, 0, front), 1))
            out.append(
                (
                    grille(0.5 * w, 0.7 * h, 0.03, draw.integer("bars", 4, 10), draw.chance(0.5)).moved(
                        -0.2 * w, 0, front
                    ),
                    1,
                )
            )
            r = min(0.5 * p.dial * h, 0.16 * w)
            out += [
                (puck(r, 0.025).moved(0.28 * w, 0.14 * h, front), 4),
                (dials([(0.28 * w, 0.14 * h, front + 0.02)], 0.4 * r, 0.04), 5),
            ]
            out.append((dials(row(0.09 * w, 2, -0.3 * h, front), k, 0.05).moved(0.28 * w), 5))
        elif style == 1:  # wide scale below, cloth above
            out.append((plate(0.88 * w, 0.5 * h, thin, 0.03).moved(0, 0.17 * h, front), 1))
            out.append((plate(0.55 * w, 0.2 * h, 0.03).moved(0, -0.28 * h, front), 4))
            out.append((dials(row(0.38 * w, 2, -0.28 * h, front), 1.2 * k, 0.06), 5))
            out.append((keypad(1, 6, 0.4 * w, 0.1 * h, 0.03).moved(0, -0.45 * h, front), 5))
        else:
            out += voice(min(0.36 * h, 0.22 * w), 0.22 * w, 0)
            out.append((digits(draw, 0.3 * w, 0.2 * h, thin).moved(-0.22 * w, 0.12 * h, front), 4))
            out.append((plate(0.4 * w, 0.34 * h, 0.01).moved(-0.22 * w, 0.12 * h, front), 4))
            out.append((dials(row(0.12 * w, 2, -0.26 * h, front), k, 0.05).moved(-0.22 * w), 5))
        out += [(m.moved(0, -h / 2 - p.foot), part) for m, part in feet(draw, 0.9 * w, 0.9 * d, p.foot + 0.02, 0.06, 0)]
        return [*out, *(mast(0.4 * w, 0.45 * h, p.antenna) if draw.chance(0.25) else [])]
    if variant in ("cathedral", "console"):
        w, tall, d = 0.75 * w, 0.75 * w * draw(ratio=(1.15, 1.5)).ratio, 1.3 * d
        if variant == "console":
            tall, d = 1.3 * tall, 1.1 * d
        front = d / 2
        own = draw(shoulder=(0.45, 0.62), bend=(0.55, 1.0))
        shoulder, bend = own.shoulder, own.bend
        a = np.linspace(0, np.pi, 13)
        top = np.stack([0.5 * w * np.cos(a), shoulder * tall + (1 - shoulder) * tall * np.abs(np.sin(a)) ** bend], -1)
        if variant == "console" or draw.chance(0.15):
            top = np.array([(w / 2, 0.97 * tall), (0.46 * w, tall), (-0.46 * w, tall), (-w / 2, 0.97 * tall)])
        out = [
            (extrude([(-w / 2, 0), (w / 2, 0), *top], d), 0),
            (slab((-0.54 * w, 0.54 * w), (-0.05, 0.03), (-0.54 * d, 0.54 * d)), 0),
        ]
        inner = [(x * 0.78, 0.44 * tall + (y - 0.44 * tall) * 0.85) for x, y in top]
        cloth = extrude([(-0.39 * w, 0.44 * tall), (0.39 * w, 0.44 * tall), *inner], 0.02)
        out.append((cloth.moved(0, 0, front), 1))
        bars = []
        for x in np.linspace(-0.3, 0.3, draw.integer("bars", 3, 6)) * w:
            end = np.interp(x, *np.array(sorted(inner)).T) - 0.01
            bars.append(slab((x - 0.018, x + 0.018), (0.44 * tall, end), (front, front + 0.035)))
        out.append((combine(bars), 1))
        out.append(
            (
                plate(0.9 * p.dial * w, 0.13 * tall, 0.02, 0.03 if draw.chance(0.5) else 0).moved(
                    0, 0.31 * tall, front
                ),
                4,
            )
        )
        out.append((dials(row(0.3 * w, 3, 0.14 * tall, front), 0.9 * k, 0.05), 5))
        if variant == "console":
            rise = draw(rise=(0.1, 0.35)).rise
            return [*placed(out, y=rise), *legs(draw, w, d, rise, 0.06, 0)]
        return out
    w, h = 0.42 * w, 0.9 * w * draw(ratio=(0.8, 1.1)).ratio
    d = max(0.7 * d, 0.1)
    front = d / 2
    out = [(casing(draw, w, h, d, draw.integer("casing", 0, 3)), 0)]
    if variant == "walkie-talkie":
        x = draw.rng.choice([-0.3, 0.3]) * w
        stub = 0.5 * p.antenna * h + 0.15
        out.append(
            (
                lathe(
                    [(0, 0), (0.14 * w, 0), (0.14 * w, 0.1), (0.09 * w, 0.14), (0.07 * w, stub), (0, stub)], 12
                ).moved(x, h / 2 - 0.01),
                2,
            )
        )
        out.append((cylinder(0.9 * k, 0.07, 12).moved(-x, h / 2 - 0.01), 5))
        out.append(
            (grille(0.9 * p.speaker * w, 0.22 * h, 0.02, draw.integer("bars", 3, 6)).moved(0, 0.12 * h, front), 1)
        )
        out.append((plate(0.6 * w, 0.13 * h, 0.015).moved(0, 0.36 * h, front), 4))
        out.append(
            (
                keypad(draw.integer("rows", 2, 4), 3, 0.75 * w, 0.32 * h, 0.02, draw.chance(0.4)).moved(
                    0, -0.24 * h, front
                ),
                5,
            )
        )
        out.append((box(0.05, 0.22 * h, 0.5 * d).moved(-w / 2, 0.12 * h), 5))
        if draw.chance(0.5):
            out.append((box(0.3 * w, 0.5 * h, 0.03).moved(0, 0.1 * h, -0.5 * d - 0.05), 3))
            out.append((box(0.3 * w, 0.08 * h, 0.08).moved(0, 0.33 * h, -0.5 * d - 0.02), 3))
        return out
    out += voice(0.42 * w * p.speaker, 0, -0.16 * h)
    out.append((plate(0.8 * w, 0.2 * h, thin, 0.02).moved(0, 0.3 * h, front), 4))
    out.append((puck(1.2 * k, 0.03).turned("y", 90).moved(w / 2 - 0.01, 0.25 * h), 5))
    if draw.chance(0.5):
        out.append((dials([(0.2 * w, 0.3 * h, front)], 1.3 * k, 0.04), 5))
    if draw.chance(0.6):
        out.append(
            (
                torus(0.6 * p.handle + 0.05, 0.015, 18, 6)
                .turned("x", 90)
                .scaled(0.5, 1.3, 1)
                .moved(0.4 * w, 0.5 * h + 0.8 * p.handle),
                3,
            )
        )
    return [*out, *(mast(-0.4 * w, 0.48 * h, p.antenna) if draw.chance(0.6) else [])]
