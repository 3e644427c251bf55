"""Trains; the engine leads towards +z."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, moved, rod
from datasets.demo.families.forms import along, both, copies, side, taper
from datasets.demo.families.solids import vault
from datasets.demo.families.vehicles import panes
from datasets.demo.mesh import box, combine, cylinder, ellipsoid, frustum, lathe, loft, slab, torus, tube


def _bogies(length: float, width: float, radius: float, wheels: int = 2) -> Pieces:
    """Two trucks of `wheels` axles under a car whose floor is at 2.2 radii."""
    step = 2.3 * radius
    at = [
        e * (0.5 * length - 0.6 * step * wheels) + (k - (wheels - 1) / 2) * step for e in (-1, 1) for k in range(wheels)
    ]
    hub = lathe([(0, -0.03), (0.8 * radius, -0.03), (radius, 0), (radius, 0.05), (0, 0.05)], 14).turned("z", -90)
    places = [(x, radius, z) for z in at for x in (0.4 * width,)]
    beams = [slab((0.4 * width, 0.47 * width), (0.8 * radius, 1.5 * radius), (z - 1.1 * step, z + 1.1 * step))
             for z in (at[0] + (wheels - 1) / 2 * step, at[-1] - (wheels - 1) / 2 * step)]  # fmt: skip
    frame = slab((-0.35 * width, 0.35 * width), (1.2 * radius, 2.3 * radius), (-0.47 * length, 0.47 * length))
    return [(both(combine([copies(hub, places), *beams])), 1), (frame, 1)]


def _coach(draw: Draw, p, length: float, rise: float) -> Pieces:
    """Passenger car."""
    floor, h, w = 2.2 * p.wheel, p.height, p.width
    body = vault(w, h, length, rise).moved(y=floor)
    rows = 2 if draw.chance(0.1) else 1
    out = [(body, 0), *_bogies(length, w, p.wheel)]
    for k in range(rows):
        y = (
            floor + (0.42 if rows == 1 else 0.15 + 0.38 * k) * h,
            floor + (0.42 + p.pane if rows == 1 else 0.36 + 0.36 * k) * h,
        )
        out.append(
            (panes(0.5 * w, y, (-0.46 * length, 0.46 * length), max(3, round(length / 0.3)), p.pillar, 0.015), 2)
        )
    return out


def _freight(draw: Draw, p, length: float) -> Pieces:
    """Goods wagon: box, tank, hopper, flat with containers, or gondola with a load."""
    floor, h, w = 2.2 * p.wheel, 0.85 * p.height, p.width
    out = _bogies(length, w, p.wheel)
    kind = draw.integer("load", 0, 4)
    if kind == 0:
        out += [
            (vault(w, h, length, 0.1 * h).moved(y=floor), 0),
            (both(box(0.03, 0.8 * h, 0.25 * length).moved(w / 2, floor + 0.45 * h)), 2),
        ]
    elif kind == 1:
        r = 0.47 * w
        tank = lathe(
            [
                (0, -0.5 * length),
                (0.7 * r, -0.48 * length),
                (r, -0.44 * length),
                (r, 0.44 * length),
                (0.7 * r, 0.48 * length),
                (0, 0.5 * length),
            ],
            16,
        )
        out += [(along(tank).moved(y=floor + r), 0), (cylinder(0.3 * r, 0.25 * r, 10).moved(y=floor + 1.9 * r), 0)]
    elif kind == 2:
        hopper = [(-0.5 * length, h), (0.5 * length, h), (0.3 * length, 0.1 * h), (-0.3 * length, 0.1 * h)]
        out += [
            (side(hopper, w).moved(y=floor), 0),
            (ellipsoid(0.45 * w, 0.2 * h, 0.46 * length, 10).moved(y=floor + h), 0),
        ]
    elif kind == 3:
        out += [(slab((-w / 2, w / 2), (floor, floor + 0.08), (-length / 2, length / 2)), 0)]
        out += [
            (box(0.95 * w, 0.75 * h, 0.45 * length).moved(0, floor + 0.46 * h, s * 0.24 * length), 0) for s in (-1, 1)
        ]
    else:
        wall = both(slab((w / 2 - 0.03, w / 2), (floor, floor + 0.5 * h), (-length / 2, length / 2)))
        ends = [
            slab((-w / 2, w / 2), (floor, floor + 0.5 * h), (e - 0.02, e + 0.02))
            for e in (-0.49 * length, 0.49 * length)
        ]
        out += [(combine([wall, *ends, box(w, 0.05, length).moved(y=floor + 0.03)]), 0)]
        if draw.chance(0.7):
            out += [(ellipsoid(0.46 * w, 0.3 * h, 0.46 * length, 12).moved(y=floor + 0.4 * h), 0)]
    return out


def _steam(draw: Draw, p) -> tuple[Pieces, float]:
    """Steam engine and its length."""
    w, r, length = p.width, 0.36 * p.height * (0.75 + p.boiler), 1.1 * p.length
    big, count = p.wheel * (1.5 + 1.3 * p.pane), draw.integer("drivers", 2, 5)
    big = min(big, 0.27 * length / count * 1.5)
    floor = 1.35 * big
    y, front, cab = floor + 0.95 * r, 0.5 * length, -0.28 * length
    barrel = [
        (0, cab),
        (0.95 * r, cab),
        (r, 0.1 * length),
        (r, front - 0.12 * length),
        (1.06 * r, front - 0.12 * length),
        (1.06 * r, front - 0.02),
        (0.7 * r, front),
        (0.65 * r, front + 0.03),
        (0, front + 0.04),
    ]
    stack, flare = p.stack * 1.3 * r, draw.rng.choice([0.7, 1.0, 1.8])
    chimney = frustum(0.27 * r, 0.3 * r * flare, stack, 14).moved(0, y + 0.9 * r, front - 0.08 * length)
    domes = combine(
        [
            ellipsoid(0.36 * r, 0.5 * r, 0.4 * r, 12).moved(0, y + r, z * length)
            for z in (0.03, 0.2)[: draw.integer("domes", 1, 2)]
        ]
    )
    out: Pieces = [(along(lathe(barrel, 18)).moved(y=y), 0), (chimney, 3), (domes, 3)]
    out.append((slab((-w / 2, w / 2), (floor - 0.05, floor), (-0.5 * length, front)), 0))
    roof = y + r + 0.35 * r * p.boiler + 0.25 * r
    back = -0.5 * length
    side_wall = slab((0.46 * w, 0.5 * w), (floor, floor + 0.55 * (roof - floor)), (back, cab))
    posts = [slab((0.46 * w, 0.5 * w), (floor, roof), (z, z + 0.05)) for z in (back, cab - 0.06)]
    top = vault(1.1 * w, 0.14 * r + 0.06, cab - back + 0.14, 0.14 * r).moved(0, roof - 0.03, (cab + back) / 2)
    front_wall = slab((-w / 2, w / 2), (floor, roof), (cab - 0.04, cab))
    out.append((combine([both(combine([side_wall, *posts])), front_wall, top]), 4))
    span = np.linspace(cab - 0.1 * length + big, 0.16 * length, count) if count > 1 else [0.0]
    spoked = combine(
        [
            torus(0.93 * big, 0.07 * big, 14, 5).scaled(1, 1.2, 1),
            cylinder(0.25 * big, 0.06, 8),
            *[box(1.8 * big, 0.03, 0.07 * big).turned("y", 60 * k) for k in range(3)],
        ]
    )
    small = cylinder(0.5 * big, 0.05, 14).turned("z", -90)
    pilot = [(0.42 * w, 0.5 * big, front - z) for z in (0.09, 0.2, 0.31)[: draw.integer("pilot", 1, 3)]]
    rodding = slab((0.42 * w + 0.05, 0.42 * w + 0.08), (0.85 * big, big), (span[0], span[-1]))
    piston = along(cylinder(0.3 * big, 0.3, 12)).moved(0.45 * w, big, front - 0.36)
    gear = [copies(spoked.turned("z", 90), [(0.42 * w, big, z) for z in span]), copies(small, pilot), rodding, piston]
    out.append((both(combine(gear)), 1))
    out.append((slab((-0.3 * w, 0.3 * w), (0.6 * big, floor), (-0.45 * length, 0.95 * front)), 1))
    if draw.chance(0.5):
        catcher = loft(
            [
                [(-0.48 * w, y, front), (0.48 * w, y, front), (k * w, y, front + z), (-k * w, y, front + z)]
                for y, k, z in ((0.08, 0.1, 0.3), (floor - 0.02, 0.35, 0.06))
            ]
        )
        out.append((catcher, 1))
    if draw.chance(0.7):
        out.append((along(cylinder(0.2 * r, 0.12, 10)).moved(0, y + 0.75 * r, front + 0.02), 2))
    return out, length


def _engine(draw: Draw, p, kind: str) -> tuple[Pieces, float]:
    """Diesel or electric engine, or the head of a fast train or a tram, and its length."""
    w, h, floor, length = p.width, p.height, 2.2 * p.wheel, 1.25 * p.length
    if kind == "fast":
        nose = length * (0.2 + 0.35 * p.boiler)
        t = np.linspace(0, 1, 7)[:, None]
        a = np.linspace(0, 2 * np.pi, 16, endpoint=False)[None]
        k = 0.55 + 0.2 * p.pane
        x = np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 0.5 * w / 2 * (1 - 0.75 * t ** (1 / k + 1))
        y = np.sign(np.sin(a)) * np.abs(np.sin(a)) ** 0.5 * h / 2
        y = np.where(y > 0, y * (1 - t**1.6 * 1.25), y * (1 - 0.25 * t)) + 0.02 * h * t
        rings = np.stack([x, y + h / 2 + floor - 0.06, 0 * x + length / 2 - nose + nose * np.sin(t * np.pi / 2)], -1)
        rings = np.concatenate([rings[:1] - [0, 0, length - nose], rings])
        glass = ellipsoid(0.3 * w, 0.15 * h, 0.28 * nose, 12).moved(0, floor + 0.72 * h, length / 2 - 0.66 * nose)
        back = length / 2 - nose
        windows = panes(
            0.5 * w,
            (floor + 0.5 * h, floor + 0.7 * h),
            (-0.46 * length, back),
            max(3, round(0.6 * length / 0.3)),
            p.pillar,
            0.015,
        )
        return [(loft(rings), 0), (glass, 2), (windows, 2), *_bogies(length - 0.5 * nose, w, p.wheel)], length
    out = _bogies(length, w, p.wheel, draw.integer("axles", 2, 3))
    if kind == "hood":
        cab = length * draw(cab=(-0.05, 0.32)).cab
        out += [
            (slab((-0.3 * w, 0.3 * w), (floor, floor + 0.8 * h), (-0.49 * length, cab)), 0),
            (slab((-0.3 * w, 0.3 * w), (floor, floor + 0.62 * h), (cab, 0.48 * length)), 0),
        ]
        out += [
            (slab((-w / 2, w / 2), (floor - 0.04, floor + 0.04), (-length / 2, length / 2)), 0),
            (vault(0.95 * w, 1.05 * h, 0.2 * length, 0.12 * h).moved(0, floor, cab), 4),
        ]
        out.append(
            (
                panes(
                    0.475 * w,
                    (floor + 0.62 * h, floor + 0.85 * h),
                    (cab - 0.08 * length, cab + 0.08 * length),
                    2,
                    0.2,
                    0.015,
                ),
                2,
            )
        )
        out.append(
            (
                slab(
                    (-0.36 * w, 0.36 * w),
                    (floor + 0.66 * h, floor + 0.88 * h),
                    (cab - 0.11 * length, cab + 0.11 * length),
                ),
                2,
            )
        )
        rail = combine(
            [
                rod(
                    (0.48 * w, floor + 0.35 * h, -0.48 * length), (0.48 * w, floor + 0.35 * h, 0.48 * length), 0.012, 5
                ),
                *[
                    rod((0.48 * w, floor, z), (0.48 * w, floor + 0.35 * h, z), 0.012, 5)
                    for z in np.linspace(-0.48, 0.48, 6) * length
                ],
            ]
        )
        out += [(both(rail), 0), (cylinder(0.08, 0.1, 10).moved(0, floor + 0.8 * h, -0.2 * length), 3)]
        return out, length
    front, low, rise = length / 2, floor, h * (0.08 + 0.2 * p.boiler)
    nose = p.slope * h
    face = [
        (front - 0.5 * h, low),
        (front, low),
        (front, low + (0.5 if kind == "cab" else 0.35) * h),
        (front - 0.3 * nose, low + 0.6 * h),
        (front - nose, low + 0.97 * h),
        (front - 0.5 * h, low + 0.97 * h),
    ]
    ends = 2 if kind == "tram" or draw.chance(0.4) else 1
    body = vault(w, h, length - ends * 0.45 * h, rise).moved(0, low, -0.225 * h * (2 - ends))
    out.append((body, 0))
    head = taper(side(face, 0.98 * w), 0.85, 1)
    pane = side(
        [
            (front + 0.015, low + 0.6 * h),
            (front - 0.7 * nose + 0.015, low + 0.88 * h),
            (front - 0.7 * nose - 0.1, low + 0.88 * h),
            (front - 0.1, low + 0.6 * h),
        ],
        0.75 * w,
    )
    pane = pane.moved(z=-0.28 * nose)
    for flip in (1, -1)[:ends]:
        out += [(head.turned("y", 0 if flip > 0 else 180), 4), (pane.turned("y", 0 if flip > 0 else 180), 2)]
    count = max(2, round(length / (0.35 if kind == "tram" else 0.6)))
    y = (low + 0.4 * h, low + 0.75 * h) if kind == "tram" else (low + 0.5 * h, low + 0.72 * h)
    out.append((panes(0.5 * w, y, (-0.42 * length, 0.36 * length), count, p.pillar + 0.1, 0.015), 2))
    if draw.chance(0.6):
        out.append((box(0.5 * w, 0.08, 0.3 * length).moved(0, low + h, -0.15 * length), 3))
    if kind == "tram" or draw.chance(0.35):  # pantograph
        y, z = low + h, 0.1 * length
        out.append(
            (
                both(
                    tube([(0.2 * w, y, z - 0.2), (0.2 * w, y + 0.15, z + 0.15), (0.2 * w, y + 0.3, z - 0.1)], 0.014, 5)
                ),
                3,
            )
        )
        out.append((box(0.8 * w, 0.03, 0.06).moved(0, y + 0.3, z - 0.1), 3))
    return out, length


@family(
    "train",
    parts=("body", "wheel", "window", "chimney", "cab", "rail"),
    variants=("steam", "diesel", "high speed", "passenger", "tram", "freight"),
    synonyms=("locomotive", "railway train", "railroad car", "railcar", "tram", "wagon", "metro"),
)
def train(variant: str, draw: Draw) -> Pieces:
    """Engine, car, or both in a row, sometimes on rails."""
    p = draw(
        width=(0.5, 0.75), height=(0.5, 0.8), length=(1.5, 2.6), wheel=(0.07, 0.12), boiler=(0.0, 1.0),
        stack=(0.3, 1.0), pane=(0.15, 0.34), pillar=(0.08, 0.4), slope=(0.0, 0.7), gap=(0.04, 0.16),
        car=(0.8, 1.35), rise=(0.08, 0.35),
    )  # fmt: skip
    cars = draw.integer("cars", 0, 3) if draw.chance(0.5) else 0
    rise, car = p.rise * p.height, p.car * p.length
    train: list[tuple[Pieces, float]] = []
    if variant == "steam":
        train.append(_steam(draw, p))
        if draw.chance(0.65):
            short = 0.5 * p.length
            tender = box(p.width, 0.62 * p.height, short).moved(y=2.2 * p.wheel + 0.31 * p.height)
            coal = ellipsoid(0.4 * p.width, 0.15 * p.height, 0.4 * short, 10)
            coal = coal.moved(y=2.2 * p.wheel + 0.62 * p.height)
            train.append(([*_bogies(short, p.width, p.wheel), (tender, 0), (coal, 0)], short))
        cars = min(cars, 2)
    elif variant == "diesel":
        train.append(_engine(draw, p, "hood" if draw.chance(0.45) else "cab"))
    elif variant == "high speed":
        train.append(_engine(draw, p, "fast"))
    elif variant == "tram":
        train.append(_engine(draw, p, "tram"))
        cars = min(cars, 1)
    elif variant == "passenger":
        cars = max(1, cars)
        if draw.chance(0.3):
            train.append(_engine(draw, p, "cab"))
    else:
        cars = max(1, cars)
        if draw.chance(0.3):
            train.append(_engine(draw, p, "hood" if draw.chance(0.5) else "cab"))
    goods = variant == "freight" or (variant in ("steam", "diesel") and draw.chance(0.5))
    coach = None if goods else _coach(draw, p, car, rise)
    for _ in range(cars):
        train.append((_freight(draw, p, car) if coach is None else coach, car))
    if variant == "high speed" and cars and draw.chance(0.6):
        head, long = train[0]
        train.append(([(mesh.turned("y", 180), part) for mesh, part in head], long))
    out: Pieces = []
    z = total = sum(long + p.gap for _, long in train)
    for pieces, long in train:
        out += moved(pieces, z=z - long / 2)
        z -= long + p.gap
        out.append((box(0.1, 0.05, 2 * p.gap + 0.1).moved(0, 1.8 * p.wheel, z + p.gap / 2), 1))
    if draw.chance(0.2):
        x, bed = 0.4 * p.width, total + 0.3
        sleepers = np.linspace(-0.1, total + 0.1, round(6 * bed))
        out.append((both(slab((x - 0.02, x + 0.03), (-0.05, 0.0), (-0.15, total + 0.15))), 5))
        out.append((copies(box(1.3 * p.width, 0.04, 0.07), [(0, -0.07, s) for s in sleepers]), 5))
    return out
