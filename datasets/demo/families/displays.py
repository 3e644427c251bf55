"""Screens."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, beam, family, rod
from datasets.demo.families.forms import around, both, copies, side, taper
from datasets.demo.families.keyboards import keys
from datasets.demo.mesh import box, combine, cushion, cylinder, ellipsoid, frustum, sheet, slab, tube

DEMO_DISPLAYS = ("monitor", "television", "crt", "wall")


@family(
    "display", parts=("screen", "frame", "stand", "buttons"), variants=DEMO_DISPLAYS,
    more=("curved", "old television", "all-in-one", "two screens", "rear projection", "with keyboard", "projection",
          "flat panel", "portable set", "with speakers"),
    synonyms=("monitor", "screen", "television", "television set", "tv", "computer monitor"),
)  # fmt: skip
def display(variant: str, draw: Draw) -> Pieces:
    """Monitor on a stand, television on feet, tube monitor or wall screen on an arm."""
    if variant not in DEMO_DISPLAYS:
        return _more_display(variant, draw)
    d = draw(
        width=(0.7, 1.1), ratio=(0.45, 0.8), depth=(0.03, 0.09), bezel=(0.02, 0.06), stand=(0.1, 0.3),
        base=(0.25, 0.55), foot=(0.14, 0.34), tilt=(-10, 12), neck=(0.03, 0.09), tube=(0.5, 0.9),
    )  # fmt: skip
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
            out.append((slab((-d.base * w / 2, d.base * w / 2), (0, 0.025), (-d.foot / 2, d.foot / 2)), 2))
            out.append((slab((-0.15 * w, 0.15 * w), (0, high), (-0.6 * t, -0.05 * t)), 2))
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


def panel(width: float, height: float, thick: float, bezel: float) -> Pieces:
    """A flat screen with its frame, centred, looking along +z."""
    x, y, z = width / 2, height / 2, 0.3 * thick
    rim = [
        slab((-x, x), (y - bezel, y), (0, z)),
        slab((-x, x), (-y, -y + 1.4 * bezel), (0, z)),
        both(slab((x - bezel, x), (-y, y), (0, z))),
    ]
    return [
        (box(width - 2 * bezel, height - 2 * bezel, 0.01).moved(z=0.5 * z), 0),
        (combine([slab((-x, x), (-y, y), (-thick, 0)), *rim]), 1),
    ]


def _more_display(variant: str, draw: Draw) -> Pieces:
    d = draw(
        width=(0.7, 1.1), ratio=(0.5, 0.66), thick=(0.03, 0.07), bezel=(0.015, 0.05), stand=(0.12, 0.28),
        base=(0.3, 0.55), tilt=(-4, 10), tube=(0.45, 0.75),
    )  # fmt: skip
    w, h, t, b = d.width, d.width * d.ratio, d.thick, d.bezel
    y = d.stand + h / 2
    style = draw.integer("stand", 0, 3)

    def on_foot(x: float = 0.0) -> Pieces:
        if style == 0:
            foot = [
                box(d.base * w, 0.02, 0.22).moved(y=0.01),
                box(0.07, d.stand + 0.3 * h, 0.03).moved(0, (d.stand + 0.3 * h) / 2, -t - 0.01),
            ]
        elif style == 1:
            foot = [cylinder(0.4 * d.base * w, 0.02, 24), cylinder(0.03, d.stand + 0.2 * h, 10).moved(z=-t)]
        elif style == 2:  # a loop or a wedge
            foot = [
                tube([(0, d.stand + 0.2 * h, -t), (0, 0.015, -t - 0.08), (0.25 * w, 0.015, 0.12)], 0.018, 6),
                tube([(0, 0.015, -t - 0.08), (-0.25 * w, 0.015, 0.12)], 0.018, 6),
            ]
        else:
            foot = [
                beam((-0.25 * w, 0.01, 0), (0, d.stand + 0.1, 0), 0.04, 0.04).moved(z=-t),
                beam((0.25 * w, 0.01, 0), (0, d.stand + 0.1, 0), 0.04, 0.04).moved(z=-t),
                box(0.6 * w, 0.02, 0.2).moved(y=0.01),
            ]
        return [(combine(foot).moved(x), 2)]

    if variant == "curved":
        a = np.linspace(-1, 1, 11) * np.radians(12 + 0.6 * d.tilt + 20 * (d.ratio - 0.4))
        r = w / (a[-1] - a[0])
        cols = np.stack([r * np.sin(a), 0 * a, r - r * np.cos(a)], -1)
        rows = [cols * [k, 1, 1] + [0, y - s * k * h / 2, 0] for k in (1, 0.96) for s in (1, -1)]
        back, glass = (np.stack(rows[i : i + 2]) for i in (0, 2))
        out = [(sheet(back - [0, 0, 0.6 * t], t), 1), (sheet(glass + [0, 0, 0.02], 0.01), 0)]
        return out + on_foot()
    if variant in ("old television", "portable set", "rear projection"):
        deep = d.tube * w * (0.9 if variant != "rear projection" else 0.6)
        h = w * (0.72 + 0.2 * d.ratio) if variant != "rear projection" else 0.9 * w
        x = w / 2
        out = [(slab((-x, x), (0, h), (-deep, 0)), 1)]
        control = 0.22 * w if variant != "rear projection" and draw.chance(0.6) else 0.0
        glass = cushion(w - control - 3 * b, h - 3 * b - 0.2 * h * (variant == "rear projection"), 0.07, 0.45, 16)
        out.append((glass.moved(-control / 2, h / 2 + (0.1 * h if variant == "rear projection" else 0)), 0))
        if control:
            out += [(cylinder(0.035, 0.03, 12).turned("x", 90).moved(x - control / 2, h * v), 3) for v in (0.82, 0.65)]
            out.append((box(control * 0.6, 0.3 * h, 0.015).moved(x - control / 2, 0.3 * h), 3))
        else:
            out.append((box(0.8 * w, 0.1 * h, 0.02).moved(0, 0.07 * h), 3))
        if draw.chance(0.6) or variant == "portable set":
            out += [(rod((s * 0.04, h, -deep / 2), (s * 0.35 * w, h + 0.45, -deep / 2), 0.008, 5), 3) for s in (-1, 1)]
            out.append((ellipsoid(0.08, 0.03, 0.06, 10).moved(0, h, -deep / 2), 3))
        if variant == "portable set" and draw.chance(0.6):
            out.append(
                (
                    tube(
                        [(-0.3 * w, h, -0.1), (-0.3 * w, h + 0.1, -0.1), (0.3 * w, h + 0.1, -0.1), (0.3 * w, h, -0.1)],
                        0.015,
                        6,
                    ),
                    1,
                )
            )
        rise = d.stand if draw.chance(0.5) else 0.03
        legs_ = [
            rod(
                (sx * 0.35 * w, 0, -deep / 2 + sz * 0.3 * deep),
                (sx * 0.42 * w, -rise, -deep / 2 + sz * 0.4 * deep),
                0.02,
                6,
            )
            for sx in (-1, 1)
            for sz in (-1, 1)
        ]
        return [*out, (combine(legs_), 2)]
    if variant == "two screens":
        w2 = 0.62 * w
        h2, gap, yaw = w2 * d.ratio, 0.02, draw.rng.uniform(0, 22)
        one = panel(w2, h2, t, b)
        out = [
            (mesh.turned("y", -s * yaw).moved(s * (w2 / 2 * np.cos(np.radians(yaw)) + gap), d.stand + h2 / 2, 0), part)
            for s in (-1, 1)
            for mesh, part in one
        ]
        out.append(
            (
                combine(
                    [
                        box(w2, 0.03, 0.03).moved(0, d.stand + h2 / 2, -t - 0.06),
                        cylinder(0.022, d.stand + h2 / 2, 8).moved(0, 0, -t - 0.06),
                        cylinder(0.3 * d.base * w, 0.02, 18).moved(0, 0, -t),
                    ]
                ),
                2,
            )
        )
        return out
    if variant == "projection":  # a screen that is let down, on a tripod or from its case
        w, h, k = (
            1.2 * w,
            1.2 * w * (0.6 + 0.4 * d.ratio),
            draw(border=(0.9, 0.98), case=(0.02, 0.05), feet=(0.25, 0.5)),
        )
        out = [
            (box(w * k.border, h * k.border, 0.008).moved(0, 0.5 + h / 2, 0.004), 0),
            (box(w, h, 0.008).moved(0, 0.5 + h / 2, -0.004), 1),
            (cylinder(k.case, w * 1.05, 10).turned("z", 90).moved(w * 0.525, 0.48, 0), 1),
        ]
        if draw.chance(0.6):
            out.append(
                (
                    combine(
                        [
                            cylinder(0.016, 0.55 + h, 8).moved(0, 0, -0.04),
                            *[
                                rod((0, k.feet, -0.04), tuple(a), 0.013, 5)
                                for a in around(np.arange(3) * 120.0, k.feet, 0.0)
                            ],
                        ]
                    ),
                    2,
                )
            )
        else:
            out.append((box(w * 1.08, 2.2 * k.case, 2.2 * k.case).moved(0, 0.5 + h + 1.1 * k.case, 0), 2))
        return out
    out = [(mesh.turned("x", -d.tilt).moved(0, y), part) for mesh, part in panel(w, h, t, b)]
    if variant == "all-in-one":
        chin = slab((-w / 2, w / 2), (y - h / 2 - 0.13, y - h / 2), (-t, 0.3 * t))
        out.append((chin, 1))
        out.append(
            (
                combine(
                    [
                        side([(0.15, 0), (0.15, 0.015), (-0.08, 0.015), (-0.08, 0)], 0.35 * w),
                        beam((0.08, 0, 0), (t, y, 0), 0.02, 0.3 * w).turned("y", 90),
                    ]
                ),
                2,
            )
        )
        return [*out, (ellipsoid(0.02, 0.02, 0.008, 8).moved(0, y - h / 2 - 0.065, 0.3 * t), 3)]
    if variant == "with keyboard":
        out += on_foot()
        board = [
            (box(0.75 * w, 0.025, 0.24).moved(0, 0.0125, 0.4), 3),
            (keys(0.7 * w, 0.2, 5, 14, 0.2, 0.015).moved(0, 0.025, 0.4), 3),
        ]
        return out + board + [(ellipsoid(0.04, 0.02, 0.06, 10).moved(0.5 * w, 0.02, 0.4), 3)]
    if variant == "with speakers":
        size = 0.14 * w
        for s in (-1, 1):
            out.append(
                (slab((s * (w / 2 + 0.02), s * (w / 2 + 0.02 + size)), (0, 0.7 * h + d.stand), (-0.15, 0.05)), 3)
            )
            out += [
                (
                    frustum(0.4 * size, 0.35 * size, 0.015, 14)
                    .turned("x", 90)
                    .moved(s * (w / 2 + 0.02 + size / 2), v * h, 0.05),
                    3,
                )
                for v in (0.25, 0.55)
            ]
        return out + on_foot()
    if draw.chance(0.5):  # a flat panel that lies against nothing, on two short feet
        feet_ = [box(0.03, 0.03, 0.24).moved(s * 0.36 * w, 0.015) for s in (-1, 1)]
        return [(mesh.moved(y=0.05 - d.stand), part) for mesh, part in out] + [(combine(feet_), 2)]
    return out + on_foot()
