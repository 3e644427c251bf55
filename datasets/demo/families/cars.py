"""Cars."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, rod
from datasets.demo.families.forms import both, side, smooth, taper
from datasets.demo.families.frames import box_frame, superellipse
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, extrude, lathe, loft, sheet, slab, tube

DEMO_CARS = ("sedan", "van", "pickup", "sports")
# Of each type: the z of the foot and the top of the rear window and of the top and the foot of the windscreen, for a
# car from z = -0.5 to 0.5; the heights of belt and roof, the wheels' radius and how boxy it is, near 0 as a box.
TYPES = {
    "saloon": (-0.36, -0.2, 0.1, 0.26, 0.2, 0.33, 0.075, 0.3),
    "hatchback": (-0.48, -0.38, 0.08, 0.27, 0.22, 0.37, 0.085, 0.35),
    "estate": (-0.49, -0.42, 0.1, 0.25, 0.2, 0.34, 0.075, 0.25),
    "coupe": (-0.42, -0.16, 0.02, 0.2, 0.18, 0.28, 0.08, 0.4),
    "off-roader": (-0.48, -0.45, 0.12, 0.22, 0.28, 0.46, 0.105, 0.18),
    "minibus": (-0.49, -0.47, 0.28, 0.46, 0.28, 0.5, 0.075, 0.2),
    "limousine": (-0.42, -0.34, 0.2, 0.3, 0.15, 0.24, 0.055, 0.25),
    "bubble": (-0.46, -0.22, 0.14, 0.32, 0.26, 0.42, 0.09, 0.75),
    "taxi": (-0.36, -0.22, 0.1, 0.25, 0.2, 0.34, 0.075, 0.28),
    "police": (-0.38, -0.24, 0.1, 0.25, 0.2, 0.33, 0.078, 0.28),
    "convertible": (-0.3, -0.26, 0.08, 0.18, 0.19, 0.3, 0.08, 0.35),
    "open jeep": (-0.46, -0.44, 0.1, 0.14, 0.26, 0.44, 0.11, 0.12),
    "old-timer": (-0.42, -0.38, 0.04, 0.08, 0.26, 0.46, 0.11, 0.15),
    "truck": (0.1, 0.12, 0.38, 0.46, 0.24, 0.42, 0.085, 0.15),
}


@family(
    "car", parts=("body", "cabin", "wheel", "light"), variants=DEMO_CARS, more=(*TYPES, "racing", "buggy"),
    synonyms=("automobile", "motor car", "auto", "passenger car"),
)  # fmt: skip
def car(variant: str, draw: Draw) -> Pieces:
    """Road car on four wheels."""
    if variant in TYPES:
        return _typed_car(variant, draw)
    if variant not in DEMO_CARS:
        return _open_wheeler(variant, draw)
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


def wheel(draw: Draw, radius: float, width: float) -> Mesh:
    """A tyre and its rim, the outside at +x and the middle at the origin."""
    n = draw.integer("tyre", 10, 20)
    w = width / 2
    section = [(0.55, -1), (0.92, -1), (1, -0.6), (1, 0.6), (0.92, 1), (0.55, 1), (0.55, -1)]
    tyre = lathe(np.array(section) * [radius, w], n)
    pieces = [tyre]
    if draw.chance(0.5):
        hub = cylinder(0.15 * radius, 0.5 * width, 8)
        spoke = box(1.15 * radius, 0.15 * width, 0.16 * radius).moved(y=0.25 * width)
        pieces += [hub, *[spoke.turned("y", 180 / k * i) for k in (draw.integer("spokes", 2, 4),) for i in range(k)]]
    else:
        pieces.append(
            lathe(
                [
                    (0, -0.4 * width),
                    (0.58 * radius, -0.3 * width),
                    (0.58 * radius, 0.2 * width),
                    (0.2 * radius, 0.38 * width),
                    (0, 0.38 * width),
                ],
                n,
            )
        )
    return combine(pieces).turned("z", -90)


def body_shell(stations: np.ndarray, roundness: float, corners: int = 16) -> Mesh:
    """Body through rounded cross-sections; stations: (z, low, high, half width)."""
    z, low, high, half = np.asarray(stations).T[:, :, None]
    flat = superellipse(2, 2, roundness, corners)
    x, y = flat.T
    rings = [half * x, (low + high) / 2 + (high - low) / 2 * y, np.broadcast_to(z, (len(z), corners))]
    return loft(np.stack(rings, -1))


def greenhouse(
    foot: tuple[float, float],
    top: tuple[float, float],
    y: tuple[float, float],
    half: tuple[float, float],
    roundness: float,
) -> Mesh:
    """What stands on the belt line: from z = foot[0] to foot[1] below, top[0] to top[1] above, of half widths."""
    rings = []
    for t in (0.0, 0.55, 0.92, 1.0):
        rear, front = (a + (b - a) * (t * (0.92 + 0.08 * t)) for a, b in zip(foot, top, strict=True))
        shrink = 1 if t < 1 else 0.93
        plan = superellipse(1, 1, roundness, 16) * [
            2 * (half[0] + (half[1] - half[0]) * t) * shrink,
            (front - rear) * shrink,
        ]
        rings.append(np.c_[plan[:, 0], np.full(16, y[0] + (y[1] - y[0]) * t), plan[:, 1] + (rear + front) / 2])
    return loft(np.stack(rings))


def _typed_car(variant: str, draw: Draw) -> Pieces:
    d = draw(
        width=(0.36, 0.46), belt=(0.9, 1.12), roof=(0.92, 1.1), wheel=(0.92, 1.12), clearance=(0.05, 0.08),
        shift=(-0.03, 0.03), narrow=(0.75, 0.95), nose=(0.75, 0.97), boxy=(0.7, 1.4), axle=(0.28, 0.34),
    )  # fmt: skip
    rear0, rear1, front1, front0, belt, roof, wr, boxy = TYPES[variant]
    w = d.width * (0.75 if variant == "limousine" else 1)
    belt, roof, wr = belt * d.belt, roof * d.roof + 0.01, wr * d.wheel
    rounded, clear = (
        min(boxy * d.boxy, 1.0),
        d.clearance * (0.7 if variant == "limousine" else 1.8 if "off" in variant or "jeep" in variant else 1),
    )
    rear0, rear1, front1, front0 = (v + d.shift for v in (rear0, rear1, front1, front0))
    rear0, rear1 = max(rear0, -0.495), max(rear1, -0.49)
    half, deck = w / 2, belt * (1 if rear0 < -0.44 else 0.97)
    nose = belt * d.nose
    out: Pieces = []
    section = 0.12 + 0.45 * rounded
    if variant == "old-timer":
        hood = w * 0.3
        out.append(
            (
                body_shell(
                    np.array([(front1 - 0.02, clear, belt, hood), (0.44, clear, belt * 0.97, hood * 0.75)]), 0.3
                ),
                0,
            )
        )
        out.append((slab((-half * 0.8, half * 0.8), (clear, belt), (rear0, front1)), 0))
        out.append((slab((-half, half), (clear, clear + 0.02), (-0.3, 0.3)), 0))
        a = np.radians(np.linspace(-20, 200, 9))
        for z in (-d.axle, d.axle + 0.03):
            fender = np.stack(
                [
                    np.stack([np.full(9, x), wr + 1.2 * wr * np.sin(a), z + 1.35 * wr * np.cos(a)], -1)
                    for x in (half - 0.05, half + 0.05)
                ]
            )
            out.append((both(sheet(fender, 0.015)), 0))
    elif variant == "truck":
        back, kind = front0 - 0.5 * (front0 - rear0) - 0.2, draw.integer("load", 0, 3)
        out.append((slab((-half * 0.8, half * 0.8), (clear, clear + 0.05), (-0.5, 0.45)), 0))
        out.append(
            (
                body_shell(
                    np.array(
                        [
                            (rear0, clear, belt, half),
                            (0.47, clear, belt * 0.98, half),
                            (0.5, clear + 0.03, belt * 0.9, half * 0.95),
                        ]
                    ),
                    0.12,
                ),
                0,
            )
        )
        bed = (-0.5, min(back, rear0 - 0.03))
        if kind == 0:
            out.append((slab((-half * 1.05, half * 1.05), (clear + 0.06, roof * 1.25), bed), 0))
        elif kind == 1:
            out.append(
                (
                    cylinder(half * 0.75, bed[1] - bed[0], 18)
                    .turned("x", 90)
                    .moved(0, clear + 0.08 + half * 0.75, bed[0]),
                    0,
                )
            )
        else:
            out.append((slab((-half, half), (clear + 0.06, clear + 0.09), bed), 0))
            walls = box_frame(
                half - 0.01, (clear + 0.09, belt * (0.9 if kind == 2 else 1.2)), (bed[1] - bed[0]) / 2, 0.02, 0
            )
            out += moved(walls, z=(bed[0] + bed[1]) / 2)
    else:
        rise = 0.35 * (belt - clear)
        stations = [
            (-0.5, clear + rise, deck * 0.82, half * 0.8), (-0.485, clear + 0.4 * rise, deck * 0.95, half * 0.93),
            (-0.4, clear, deck, half), (rear0, clear, belt, half), (front0, clear, belt, half),
            (0.42, clear, nose, half * 0.98), (0.485, clear + 0.2 * rise, nose * 0.93, half * 0.9),
            (0.5, clear + 0.8 * rise, nose * 0.8, half * 0.75),
        ]  # fmt: skip
        out.append((body_shell(np.array(sorted(stations)), section), 0))
    if variant in ("convertible", "open jeep"):
        screen = [(-half * 0.85, 0), (half * 0.85, 0), (half * 0.75, roof - belt), (-half * 0.75, roof - belt)]
        out.append(
            (
                extrude(screen, 0.015)
                .turned("x", -np.degrees(np.arctan2(front0 - front1, roof - belt)))
                .moved(0, belt - 0.01, front0),
                1,
            )
        )
        seat = combine(
            [box(0.32 * w, 0.04, 0.12).moved(y=0.02), box(0.32 * w, 0.14, 0.03).turned("x", -12).moved(0, 0.08, -0.06)]
        )
        for z in (-0.02, -0.2) if rear0 < -0.28 else (-0.05,):
            out.append((both(seat.moved(0.22 * w, belt - 0.01, z)), 1))
        if variant == "open jeep" and draw.chance(0.6):
            out += [
                (
                    tube(
                        [
                            (-half * 0.9, belt, z),
                            (-half * 0.85, roof, z),
                            (half * 0.85, roof, z),
                            (half * 0.9, belt, z),
                        ],
                        0.015,
                        6,
                    ),
                    1,
                )
                for z in (-0.12, -0.42)
            ]
    else:
        shape = greenhouse(
            (rear0, front0), (rear1, front1), (belt - 0.004, roof), (half * 0.97, half * d.narrow), 0.1 + 0.5 * rounded
        )
        out.append((shape, 1))
    axles = (-d.axle, d.axle + 0.02) if variant != "truck" or draw.chance(0.5) else (-0.38, -0.2, 0.33)
    one = wheel(draw, wr, 0.06 + 0.02 * d.narrow)
    x = half - 0.02 if variant != "old-timer" else half
    out.append((both(combine([one.moved(x, wr, z) for z in axles])), 2))
    y = clear + 0.6 * (nose - clear)
    lamp = ellipsoid(0.035, 0.035, 0.02, 10) if rounded > 0.33 or variant == "old-timer" else box(0.17 * w, 0.03, 0.02)
    front = 0.485 if variant != "old-timer" else 0.44
    out.append((both(lamp.moved(half * (0.62 if variant != "old-timer" else 0.5), y, front)), 3))
    out.append((both(box(0.12 * w, 0.045, 0.02).moved(half * 0.72, clear + 0.6 * (deck - clear), -0.492)), 3))
    if variant not in ("old-timer", "truck") or draw.chance(0.5):
        out += [
            (slab((-half * 0.85, half * 0.85), (clear + 0.01, clear + 0.05), z), 0)
            for z in ((0.48, 0.515), (-0.515, -0.48))
        ]
    if draw.chance(0.7):  # mirrors
        out.append((both(box(0.05, 0.03, 0.025).moved(half + 0.02, belt + 0.025, front0 - 0.06)), 0))
    if variant == "taxi":
        out.append((box(0.13, 0.035, 0.045).moved(0, roof + 0.015, (rear1 + front1) / 2 + 0.05), 3))
    elif variant == "police":
        out.append((box(0.8 * w, 0.03, 0.06).moved(0, roof + 0.015, (rear1 + front1) / 2 + 0.03), 3))
    elif rear1 < -0.35 and draw.chance(0.4) and roof > belt:
        out.append((both(slab((half * 0.55, half * 0.6), (roof, roof + 0.02), (rear1 + 0.05, front1 - 0.05))), 1))
    if ("off" in variant or "jeep" in variant) and draw.chance(0.6):
        out.append((wheel(draw, wr, 0.06).turned("y", 90).moved(0, belt * 0.9, -0.53), 2))
    return out


def _open_wheeler(variant: str, draw: Draw) -> Pieces:
    """Formula cars and buggies: wheels beside a narrow body."""
    d = draw(
        body=(0.07, 0.11), height=(0.09, 0.15), track=(0.2, 0.27), wheel=(0.07, 0.1), rear=(1.0, 1.3),
        wing=(0.14, 0.3), nose=(0.03, 0.06), axle=(0.3, 0.38),
    )  # fmt: skip
    b, h, low = d.body, d.height, 0.03
    out: Pieces = []
    if variant == "racing":
        tail = [(-0.48, low + 0.02, low + 0.6 * h, 0.4 * b), (-0.3, low, low + 1.3 * h, 1.1 * b)]
        middle = [(-0.1, low, low + 1.1 * h, 1.2 * b), (0.1, low, low + 0.9 * h, b)]
        shape = [*tail, *middle, (0.5, low + 0.2 * h, low + 0.5 * h, d.nose)]
        out.append((body_shell(smooth(shape, 3), 0.6), 0))
        out.append((both(slab((0.8 * b, 2 * b), (low, low + 0.7 * h), (-0.25, 0.08))), 0))
        out.append((slab((-d.track, d.track), (low, low + 0.015), (0.42, 0.5)), 0))
        out.append((slab((-0.85 * d.track, 0.85 * d.track), (d.wing, d.wing + 0.02), (-0.5, -0.42)), 0))
        out.append((both(slab((0.8 * d.track, 0.83 * d.track), (low + 0.3 * h, d.wing + 0.03), (-0.51, -0.4))), 0))
        out.append((ellipsoid(0.035, 0.045, 0.04, 10).moved(0, low + 1.2 * h, -0.02), 1))
        out.append((tube([(-b, low + h, 0.08), (0, low + 1.45 * h, 0.1), (b, low + h, 0.08)], 0.012, 6), 1))
    else:
        out.append((slab((-1.4 * b, 1.4 * b), (low + 0.02, low + 0.05), (-0.42, 0.42)), 0))
        out.append((body_shell(np.array([(0.1, low, low + h, b), (0.45, low + 0.02, low + 0.6 * h, 0.5 * b)]), 0.4), 0))
        out.append(
            (
                combine(
                    [
                        box(1.6 * b, 0.03, 0.14).moved(y=0.1),
                        box(1.6 * b, 0.18, 0.03).turned("x", -15).moved(0, 0.18, -0.09),
                    ]
                ),
                1,
            )
        )
        top = low + 1.8 * h + d.wing
        for s in (-1, 1):
            x = s * 1.3 * b
            out.append(
                (
                    tube(
                        [
                            (x, low + 0.04, 0.35),
                            (x, low + h, 0.2),
                            (0.8 * x, top, 0.02),
                            (0.8 * x, top, -0.15),
                            (x, low + 0.05, -0.42),
                        ],
                        0.014,
                        6,
                    ),
                    1,
                )
            )
        out += [(rod((-1.05 * b, top, z), (1.05 * b, top, z), 0.013, 6), 1) for z in (0.02, -0.15)]
        out.append((box(1.8 * b, 0.1, 0.14).moved(0, low + 0.09, -0.32), 0))
    front = wheel(draw, d.wheel, 0.07)
    back = wheel(draw, d.wheel * d.rear, 0.1)
    out.append((both(front.moved(d.track, d.wheel, d.axle)), 2))
    out.append((both(back.moved(d.track, d.wheel * d.rear, -d.axle)), 2))
    for z, y in ((d.axle, d.wheel), (-d.axle, d.wheel * d.rear)):
        out += [(rod((-d.track, y, z + e), (d.track, y, z), 0.01, 6), 0) for e in (-0.04, 0.04)]
    out.append(
        (both(ellipsoid(0.02, 0.02, 0.015, 8).moved(0.5 * b, low + 0.7 * h, 0.44 if variant == "buggy" else 0.4)), 3)
    )
    return out
