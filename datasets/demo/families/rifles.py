"""Rifles and other guns for two hands, their muzzle at +z."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family
from datasets.demo.families.forms import along, both, copies, side, taper
from datasets.demo.families.pistols import gun_barrel, gun_grip, gun_sights, gun_trigger
from datasets.demo.families.solids import bars, narrowed
from datasets.demo.mesh import Mesh, box, combine, cylinder, ellipsoid, lathe, loft, slab, torus, tube


def _scope(y: float, z: float, length: float, radius: float) -> Mesh:
    """Telescopic sight on two mounts above `y`."""
    r, s = radius, length / 2
    pipe = [
        (0, -s),
        (1.35 * r, -s),
        (1.35 * r, -0.7 * s),
        (r, -0.5 * s),
        (r, 0.4 * s),
        (1.6 * r, 0.65 * s),
        (1.6 * r, s),
        (1.3 * r, s),
        (1.2 * r, 0.9 * s),
        (0, 0.9 * s),
    ]
    knobs = combine([cylinder(0.7 * r, 2.2 * r, 8), cylinder(0.7 * r, 2.2 * r, 8).turned("z", -90)])
    mounts = copies(box(1.2 * r, 2 * r, 0.05), [(0, -1.6 * r, e * s) for e in (-0.35, 0.3)])
    return combine([along(lathe(pipe, 14)), knobs, mounts]).moved(0, y + 2.4 * r, z)


def _stock(draw: Draw, z: float, p, kind: int) -> Mesh:
    """Butt behind z: 0 wooden, 1 telescoping, 2 skeleton, 3 thumbhole."""
    end, w, h = z - p.butt, p.width, p.height
    drop = -p.drop
    if kind == 0:
        line = [
            (z + 0.1, 0.3 * h),
            (z + 0.1, -0.5 * h),
            (z - 0.15, -0.6 * h + 0.3 * drop),
            (end, drop - h - 0.08),
            (end - 0.02, drop + 0.3 * h),
            (z - 0.12, 0.1 * h + 0.3 * drop),
        ]
        return narrowed(side(line, 0.8 * w), [end, z - 0.1, z + 0.1], [1, 0.75, 1])
    if kind == 1:
        pad = [
            (end, 0.35 * h),
            (end, -1.6 * h),
            (end + 0.08, -1.6 * h),
            (end + 0.4 * p.butt, -0.35 * h),
            (end + 0.4 * p.butt, 0.35 * h),
        ]
        return combine(
            [along(cylinder(0.35 * w, 0.95 * p.butt, 10)).moved(0, 0, end + 0.05 * p.butt), side(pad, 0.6 * w)]
        )
    if kind == 2:
        ends = [
            ((0, 0.1 * h, z), (0, 0.1 * h, end)),
            ((0, 0.1 * h, end), (0, -1.5 * h, end)),
            ((0, -1.5 * h, end), (0, -0.4 * h, z)),
        ]
        return bars(ends, 0.025, 6)
    top = [(z, 0.3 * h), (z, -0.1 * h), (end, -0.1 * h + drop), (end, 0.45 * h)]
    low = [
        (end, -0.1 * h + drop),
        (end, -1.8 * h),
        (end + 0.12, -1.8 * h),
        (z - 0.3 * p.butt, -0.7 * h),
        (z - 0.3 * p.butt, -0.1 * h),
    ]
    return combine([side(top, 0.85 * w), side(low, 0.8 * w)])


@family(
    "rifle",
    parts=("stock", "body", "barrel", "magazine", "trigger", "sight"),
    variants=("assault", "bolt action", "shotgun", "sniper", "machine gun", "musket"),
    synonyms=("assault rifle", "shotgun", "sniper rifle", "machine gun", "musket", "carbine"),
)
def rifle(variant: str, draw: Draw) -> Pieces:
    """Gun for two hands; the bore is on the z axis."""
    p = draw(
        receiver=(0.45, 0.75), height=(0.1, 0.17), width=(0.07, 0.11), butt=(0.5, 0.75), drop=(0.02, 0.14),
        fore=(0.3, 0.65), barrel=(0.25, 0.75), bore=(0.018, 0.03), grip=(0.24, 0.34), magazine=(0.2, 0.45),
        scope=(0.3, 0.6), optic=(0.028, 0.045),
    )  # fmt: skip
    h, w, r = p.height, p.width, p.bore
    back, front = -p.receiver / 2, p.receiver / 2
    out: Pieces = []
    if variant in ("assault", "machine gun"):
        heavy = variant == "machine gun"
        out.append(
            (
                side(
                    [
                        (back, -0.6 * h),
                        (back, 0.5 * h),
                        (front, 0.55 * h),
                        (front, -0.5 * h),
                        (0.1 * front, -0.75 * h),
                        (0.5 * back, -0.7 * h),
                    ],
                    w,
                ),
                1,
            )
        )
        muzzle = front + p.fore + p.barrel * (1.2 if heavy else 0.7)
        guard = slab((-0.55 * w, 0.55 * w), (-0.45 * h, 0.4 * h), (front, front + p.fore))
        if draw.chance(0.5):
            guard = along(lathe([(0, 0), (0.5 * h, 0), (0.42 * h, p.fore), (0, p.fore)], 8)).moved(z=front)
        out += [
            (guard, 1),
            (gun_barrel((front, muzzle), r * (1.3 if heavy else 1)), 2),
            (gun_barrel((muzzle - 0.03, muzzle + 0.1), 1.6 * r), 2),
        ]
        kind = draw.integer("stock", 0, 3)
        bullpup = not heavy and draw.chance(0.12)
        out.append((_stock(draw, back, p, 3 if bullpup else kind), 0))
        grip_z = back + (0.5 if bullpup else 0.12) * p.receiver - 0.03
        out += [
            (gun_grip(-0.6 * h, grip_z, p.grip, 0.11, 0.8 * w, 22, draw.chance(0.4)), 0),
            (gun_trigger(-0.65 * h, grip_z + 0.11, 0.1, 0.022), 4),
        ]
        mag_z = back - 0.06 if bullpup else front - 0.18
        curve = draw(curve=(-0.05, 0.55)).curve
        if heavy and draw.chance(0.6):
            drum = (
                cylinder(0.14 + 0.2 * p.magazine, 1.6 * w, 16)
                .turned("z", 90)
                .moved(0.8 * w, -h - 0.12 - 0.1 * p.magazine, mag_z)
                if draw.chance(0.5)
                else box(2.2 * w, 0.24, 0.28).moved(0.3 * w, -h - 0.08, mag_z)
            )
            out.append((drum, 3))
        else:
            a = np.linspace(0, 1, 5)
            mid = np.stack(
                [0 * a, -0.5 * h - p.magazine * a * (1 - 0.15 * curve * a), mag_z + 0.05 + curve * p.magazine * a**1.6],
                -1,
            )
            rings = [
                [(x * 0.35 * w, y, z + s * 0.075) for x, s in ((-1, -1), (1, -1), (1, 1), (-1, 1))] for _, y, z in mid
            ]
            out.append((loft(rings), 3))
        top = 0.55 * h
        optic = draw.integer("optic", 0, 3)
        if optic == 0:
            out.append((_scope(top, 0.0, p.scope, p.optic), 5))
        elif optic == 1:
            carry = [
                ((0, top, back + 0.08), (0, top + 0.12, back + 0.12)),
                ((0, top + 0.12, back + 0.1), (0, top + 0.12, front - 0.05)),
                ((0, top + 0.12, front - 0.07), (0, top, front)),
            ]
            out.append((bars(carry, 0.025, 4), 5))
        elif optic == 2:
            out.append(
                (
                    combine(
                        [
                            box(0.7 * w, 0.03, 0.2).moved(y=top + 0.015),
                            torus(0.05, 0.012, 14, 6).turned("x", 90).moved(y=top + 0.08),
                        ]
                    ),
                    5,
                )
            )
        out.append(
            (
                combine(
                    [
                        side(
                            [
                                (front + p.fore, 0),
                                (front + p.fore + 0.1, 0),
                                (front + p.fore + 0.06, top + 0.08),
                                (front + p.fore + 0.03, top + 0.08),
                            ],
                            0.025,
                        ),
                        box(0.6 * w, 0.06, 0.04).moved(0, top + 0.03, back + 0.05),
                    ]
                ),
                5,
            )
        )
        if heavy or draw.chance(0.15):
            z = front + 0.9 * p.fore
            out.append((both(bars([(0.02, -0.3 * h, z), (0.22, -0.5, z + 0.05)], 0.016)), 2))
        elif draw.chance(0.3):
            out.append((cylinder(0.03, 0.22, 8).moved(0, -0.4 * h - 0.22, front + 0.6 * p.fore), 1))
        return out

    muzzle = front + p.fore + p.barrel * {"sniper": 1.3, "bolt action": 0.9, "shotgun": 0.7, "musket": 1.2}[variant]
    grip = draw.chance(0.6) if variant == "sniper" else variant == "shotgun" and draw.chance(0.2)
    butt_z = back + 0.02
    out.append((_stock(draw, butt_z, p, (3 if draw.chance(0.7) else 1) if grip else 0), 0))
    if grip:
        out.append((gun_grip(-0.5 * h, butt_z + 0.02, p.grip, 0.11, 0.8 * w, 18, draw.chance(0.5)), 0))
    out.append((gun_trigger(-0.6 * h, back + 0.12, 0.1, 0.02), 4))
    if variant == "shotgun":
        out.append(
            (
                side(
                    [(back, -0.6 * h), (back, 0.2 * h), (back + 0.1, 0.55 * h), (front, 0.55 * h), (front, -0.55 * h)],
                    0.9 * w,
                ),
                1,
            )
        )
        if draw.chance(0.4):  # double barrelled
            gap = 1.35 * r
            pair = (
                both(gun_barrel((front, muzzle), 1.35 * r, 0.15 * h).moved(gap))
                if draw.chance(0.6)
                else combine([gun_barrel((front, muzzle), 1.35 * r, y) for y in (0.3 * h, 0.3 * h - 2.7 * r)])
            )
            fore = taper(box(0.9 * w, 0.5 * h, 0.6 * p.fore), 0.8, 1).moved(0, -0.3 * h, front + 0.3 * p.fore)
            out += [(pair, 2), (fore, 0)]
        else:
            out += [
                (gun_barrel((front, muzzle), 1.4 * r, 0.28 * h), 2),
                (along(cylinder(1.3 * r, 0.85 * (muzzle - front), 12)).moved(0, -0.28 * h, front), 3),
            ]
            pump = lathe([(0, 0), (0.42 * h, 0), (0.46 * h, 0.1), (0.42 * h, 0.5 * p.fore), (0, 0.5 * p.fore)], 10)
            out.append((along(pump).moved(0, -0.28 * h, front + 0.25 * p.fore), 0))
        out.append((ellipsoid(0.015, 0.02, 0.015, 6).moved(0, 0.28 * h + 1.5 * r + 0.01, muzzle - 0.03), 5))
        return out
    long = p.fore * (0.75 if variant == "sniper" else 1.2)
    if variant == "musket":
        long = 0.85 * (muzzle - front)
    fore = [
        (back, -0.6 * h),
        (front, -0.65 * h),
        (front + long, -0.15 * h - r),
        (front + long, 0.6 * r),
        (front, 0.1 * h),
        (back, 0.1 * h),
    ]
    out.append((side(fore, 0.85 * w), 0))
    out += [
        (along(cylinder(0.3 * h, p.receiver, 12)).moved(0, 0.1 * h, back), 1),
        (gun_barrel((front - 0.02, muzzle), r * (1.2 if variant == "sniper" else 1), 0.1 * h), 2),
    ]
    if variant == "musket":
        lock = combine(
            [
                box(0.02, 0.1, 0.3).moved(0.45 * w, 0, 0),
                tube([(0.5 * w, 0.03, -0.08), (0.5 * w, 0.15, -0.12), (0.5 * w, 0.18, -0.04)], 0.016, 6),
            ]
        )
        bands = copies(
            torus(0.45 * w, 0.012, 12, 5).turned("x", 90), [(0, -0.05 * h, front + f * long) for f in (0.3, 0.65, 0.97)]
        )
        out += [(lock, 1), (bands, 1), (bars([(0, -0.4 * h, front), (0, -0.25 * h, muzzle - 0.05)], 0.01), 2)]
        if draw.chance(0.35):
            out.append(
                (
                    combine(
                        [
                            box(0.025, 0.03, 0.4).moved(0, -0.1 * h, muzzle + 0.15),
                            torus(1.2 * r, 0.01, 10, 5).turned("x", 90).moved(0, 0.1 * h, muzzle - 0.03),
                        ]
                    ),
                    2,
                )
            )
        out.append((box(0.02, 0.03, 0.03).moved(0, 0.1 * h + r, muzzle - 0.04), 5))
        return out
    bolt = combine(
        [
            bars([(0.2 * h, 0.1 * h, back + 0.1), (0.2 * h + 0.12, -0.1 * h, back + 0.07)], 0.016),
            ellipsoid(0.028, 0.028, 0.028, 8).moved(0.2 * h + 0.13, -0.12 * h, back + 0.07),
        ]
    )
    out.append((bolt, 1))
    if variant == "sniper" or draw.chance(0.6):
        out.append((_scope(0.35 * h, 0.02, p.scope, p.optic), 5))
    else:
        out.append((gun_sights(0.35 * h, (back + 0.15, muzzle - 0.05), w, 0.04), 5))
    if variant == "sniper" or draw.chance(0.4):
        tall = p.magazine * 0.5
        out.append((box(0.6 * w, tall, 0.16).moved(0, -0.6 * h - tall / 2 + 0.03, 0.15 * p.receiver), 3))
    if variant == "sniper":
        if draw.chance(0.6):
            out.append((gun_barrel((muzzle - 0.02, muzzle + draw(brake=(0.08, 0.4)).brake), 1.9 * r, 0.1 * h), 2))
        if draw.chance(0.75):
            z = front + 0.8 * long
            leg = both(bars([(0.02, -0.2 * h, z), (0.2 + 0.1 * p.drop, -0.55, z + 0.06)], 0.016))
            out.append((leg, 2))
    return out
