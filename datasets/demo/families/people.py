"""People: a jointed body, posed, proportioned, built and dressed in many ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, rod
from datasets.demo.families.forms import both, side, taper
from datasets.demo.families.solids import ellipses, framed
from datasets.demo.mesh import Mesh, box, combine, cushion, cylinder, ellipsoid, extrude, lathe, sheet, skin, slab, tube

JOINTS = ("arm_out", "arm_ahead", "elbow", "thigh_out", "thigh_ahead", "knee")
# Degrees a joint, for one side and for the other; a limb at 0 hangs down.
POSES = {
    "standing": [((3, 25), (-10, 15), (0, 35), (0, 10), (-4, 6), (0, 8))] * 2,
    "upright": [((2, 14), (-4, 7), (0, 15), (0, 6), (-1, 2), (0, 3))] * 2,
    "arms spread": [((40, 97), (-6, 6), (0, 12), (1, 18), (-3, 3), (0, 5))] * 2,
    "walking": [
        ((4, 18), (10, 40), (5, 50), (0, 5), (-30, -12), (0, 20)),
        ((4, 18), (-40, -8), (5, 40), (0, 5), (12, 35), (0, 25)),
    ],
    "running": [
        ((8, 30), (20, 70), (60, 110), (0, 6), (-45, -15), (30, 100)),
        ((8, 30), (-70, -25), (50, 110), (0, 6), (35, 85), (40, 110)),
    ],
    "sitting": [((5, 30), (10, 50), (10, 80), (0, 22), (72, 98), (55, 110))] * 2,
    "kneeling": [
        ((8, 40), (0, 60), (20, 100), (0, 12), (70, 100), (75, 110)),
        ((8, 40), (-10, 40), (10, 90), (0, 10), (-15, 15), (80, 110)),
    ],
    "arms raised": [
        ((105, 172), (-15, 25), (0, 40), (0, 15), (-6, 10), (0, 15)),
        ((60, 172), (-15, 25), (0, 40), (0, 15), (-6, 10), (0, 15)),
    ],
    "fighting": [
        ((20, 70), (20, 95), (10, 110), (8, 30), (5, 40), (10, 60)),
        ((20, 70), (-20, 80), (10, 110), (8, 30), (-35, 5), (5, 40)),
    ],
}
LEAN = {"running": (5, 28), "sitting": (-18, 20), "kneeling": (0, 25), "fighting": (0, 28), "walking": (0, 9)}
# Hand on the hip, waving, pointing, carrying, at the head: (arm out, arm ahead, elbow, forearm out).
GESTURES = ((45, -8, 12, -80), (75, 5, 0, 85), (8, 85, 5, 0), (8, 20, 75, -10), (95, 25, 25, 75))
STYLES = ("smooth", "low poly", "blocky", "capsule", "mannequin")

# (height, half width, half depth, shift ahead) up the trunk and up the head, in shares of their measures.
TRUNK = (
    (-0.14, 0.35, 0.55, 0), (-0.06, 0.85, 0.9, -0.1), (0.06, 1.0, 1.0, -0.15), (0.22, 0.93, 0.92, 0),
    (0.42, 0.85, 0.85, 0.08), (0.62, 0.88, 1.0, 0.08), (0.8, 0.93, 1.0, 0.05), (0.93, 0.82, 0.72, -0.08),
    (1.0, 0.45, 0.55, -0.12), (1.06, 0.27, 0.45, -0.1), (1.2, 0.25, 0.43, 0),
)  # fmt: skip
SKULL = (
    (0, 0.2, 0.25, 0.3), (0.06, 0.42, 0.5, 0.22), (0.22, 0.6, 0.72, 0.1), (0.45, 0.72, 0.88, 0), (0.68, 0.76, 0.95, 0),
    (0.85, 0.64, 0.8, -0.03), (0.96, 0.36, 0.45, -0.04), (1.0, 0.1, 0.12, -0.04),
)  # fmt: skip


def _frame(s: int, out: float, ahead: float) -> np.ndarray:
    """Rows right, up and ahead of a limb on side `s` (-1, 1), `out` degrees sideways and `ahead` degrees forward."""
    o, a = s * np.radians(out), np.radians(ahead)
    up = [-np.sin(o) * np.cos(a), np.cos(o) * np.cos(a), -np.sin(a)]
    return np.array([[np.cos(o), np.sin(o), 0], up, [-np.sin(o) * np.sin(a), np.cos(o) * np.sin(a), np.cos(a)]])


def _limb(style: str, at: np.ndarray, frames: np.ndarray, lengths: Sequence[float], radii, sides: int) -> Mesh:
    """Upper and lower limb from `at` on, each along the -y of its frame, with radii at the three joints."""
    (u, v), (r, s, t) = frames, radii
    middle = at - lengths[0] * u[1]
    end = middle - lengths[1] * v[1]
    if style in ("smooth", "low poly"):
        bend = u + v
        bend /= np.maximum(np.linalg.norm(bend, axis=1, keepdims=True), 0.3)
        share = np.array([1, 0.65, 0.3, 0, 0.8, 0.35, 0])[:, None]
        axes = np.stack([v, v, v, bend, u, u, u])
        path = np.r_[middle + (end - middle) * share[:4], at + (middle - at) * share[4:]]
        wide = np.array([t, 0.45 * s + 0.55 * t, 1.15 * s, s, 1.1 * s, 1.02 * r, r])
        return skin(ellipses(path, axes[:, 0], axes[:, 2], wide, wide, 0 * wide, sides))
    if style == "blocky":
        m = (s + t) / 2
        thick = ((2.3 * r, lengths[0], 2.3 * r), (2.2 * m, lengths[1], 2.2 * m))
        block = box(1, 1, 1).moved(y=-0.5)
        return combine([framed(block, f, p, z) for f, p, z in zip(frames, (at, middle), thick, strict=True)])
    joints = (at, middle, end)
    if style == "capsule":
        m = (r + s + t) / 2.6
        bars = [framed(_capsule_bar(), f, p, (m, q, m)) for f, p, q in zip(frames, joints, lengths, strict=False)]
        return combine([*bars, *[ellipsoid(m, m, m, 10).moved(*j) for j in joints]])
    bars = [
        framed(_spindle(), f, p, (q, long, q))
        for f, p, long, q in zip(frames, joints, lengths, (r, 1.05 * s), strict=False)
    ]
    return combine([*bars, *[ellipsoid(q, q, q, 10).moved(*j) for j, q in zip(joints, radii, strict=True)]])


@cache
def _capsule_bar() -> Mesh:
    return cylinder(1, 1, 10).moved(y=-1)


@cache
def _spindle() -> Mesh:
    return lathe([(0, -0.95), (0.6, -0.95), (0.75, -0.75), (1.05, -0.3), (0.75, -0.06), (0, -0.06)], 10)


def _spine(t, length: float, lean: float, twist: float):
    """Centre, right and forward (n, 3) at heights `t` of a back that is `length` long and bends by `lean` degrees."""
    t = np.asarray(t, dtype=float)
    bend, turn = np.radians(lean) * t, np.radians(twist) * t
    y, z = t * np.sinc(bend / np.pi), t * np.sinc(bend / 2 / np.pi) * np.sin(bend / 2)
    right = np.stack([np.cos(turn), 0 * t, -np.sin(turn)], -1)
    ahead = np.stack([np.sin(turn) * np.cos(bend), -np.sin(bend), np.cos(turn) * np.cos(bend)], -1)
    return length * np.stack([0 * t, y, z], -1), right, ahead


@cache
def _hand(style: str, fingers: bool) -> Mesh:
    """Hand of length 1 that hangs down from the wrist, its palm inward and its thumb ahead."""
    if style == "blocky":
        return box(0.5, 0.55, 0.5).moved(y=-0.3)
    if style == "capsule":
        return ellipsoid(0.3, 0.35, 0.35, 10).moved(y=-0.3)
    thumb = rod((0, -0.15, 0.15), (0, -0.5, 0.38), (0.1, 0.07), 5)
    if not fingers:
        return combine([ellipsoid(0.13, 0.52, 0.24, 10).moved(y=-0.48), thumb])
    palm = cushion(0.2, 0.55, 0.48, 0.6, 8).moved(y=-0.27)
    ends = [((0, -0.45, z), (0.04, -y, 1.25 * z)) for z, y in ((-0.18, 0.8), (-0.06, 0.97), (0.06, 1), (0.18, 0.92))]
    return combine([palm, thumb, *[rod(a, b, 0.06, 5) for a, b in ends]])


@cache
def _foot(style: str) -> Mesh:
    """Foot of length, width and height 1, ahead of and below the ankle at the origin."""
    if style == "blocky":
        return box(1.2, 1, 0.8).moved(0, -0.5, 0.15)
    if style == "capsule":
        return ellipsoid(0.55, 0.6, 0.42, 10).moved(0, -0.5, 0.18)
    foot = side([(-0.26, -1), (-0.27, -0.2), (-0.14, 0.35), (0.12, 0.3), (0.4, -0.35), (0.7, -0.6), (0.73, -1)], 1)
    return foot if style == "low poly" else taper(foot, 0.7, 1.0)


@cache
def _nose() -> Mesh:
    """Nose of a head of height 1."""
    return extrude([(-0.06, 0), (0.06, 0), (0, 0.25)], 0.14).turned("x", -12)


def _head(draw: Draw, style: str, h: float, sides: int) -> Pieces:
    """Head on y = 0 up to `h`, with a face, and with hair or a hat."""
    k = draw(skull=(0.85, 1.2), hair=(1.04, 1.2), brim=(1.3, 2.2), crown=(0.25, 0.8))
    r = h / 2
    if style == "blocky":
        skull = box(0.85 * h * k.skull, h, 0.85 * h).moved(y=r)
    elif style in ("capsule", "mannequin"):
        skull = ellipsoid(0.42 * h * k.skull, r, 0.45 * h, 14).moved(y=r)
    else:
        t, w, d, z = np.array(SKULL).T
        up = np.stack([0 * t, t * h, 0 * t], -1)
        right, ahead = np.array([[1.0, 0, 0]]), np.array([[0, 0, 1.0]])
        skull = skin(ellipses(up, right, ahead, w * r * k.skull, d * r, z * r, sides))
    out: Pieces = [(skull, 0)]
    wide, deep = (0.44 * h * k.skull, 0.47 * h) if style == "blocky" else (0.4 * h * k.skull, 0.48 * h)
    if style in ("smooth", "low poly") or draw.chance(0.3):
        out.append((_nose().scaled(h).moved(0, 0.36 * h, 0.44 * h), 0))
        out.append((both(ellipsoid(0.04 * h, 0.12 * h, 0.07 * h, 6).moved(0.95 * wide, 0.45 * h)), 0))
    top = draw.integer("hair", 0, 8)
    if top <= 3:  # short hair, and what hangs down or is tied from it
        a, b, c = wide * k.hair, 0.33 * h * k.hair, deep * k.hair
        cap = box(2 * a, 1.3 * b, 2 * c) if style == "blocky" else ellipsoid(a, b, c, sides if sides > 5 else 8)
        out.append((cap.moved(0, 0.73 * h, -0.08 * h), 6))
        if top == 1:
            low = -h * k.crown
            fall = cushion(1.9 * wide, 0.75 * h - low, 0.45 * h, 0.4, 12).moved(0, (0.75 * h + low) / 2, -0.36 * h)
            out.append((fall, 6))
        elif top == 2:
            tail = [(0, 0.8 * h, -0.4 * h), (0, 0.75 * h, -0.75 * h), (0, 0.3 * h - h * k.crown, -0.7 * h)]
            out.append((tube(tail, [0.1 * h, 0.17 * h, 0.05 * h], 7), 6))
    elif top == 4:  # a hat with a brim all round
        low, high = 0.68 * h, (0.75 + k.crown) * h
        hat = [(0, low), (k.brim, low), (k.brim, low + 0.05 * h), (1.06, low + 0.08 * h), (0.9, high), (0, high)]
        out.append((lathe(hat, 16).scaled(wide, 1, deep), 7))
    elif top == 5:  # a peaked cap or a helmet
        dome = lathe([(0, -0.1), (1.08, -0.1), (1.08, 0.25), (0.95, 0.7), (0.55, 1), (0, 1.08)], 14)
        out.append((dome.scaled(wide, 0.45 * h * k.hair, deep).moved(y=0.62 * h), 7))
        if draw.chance(0.6):
            peak = cylinder(1, 0.04 * h, 12).scaled(0.9 * wide, 1, 0.5 * k.brim * deep).moved(0, 0.64 * h, 0.6 * deep)
            out.append((peak, 7))
    elif top == 6:  # a hood or a round helmet
        out.append((cushion(2.3 * wide, 1.15 * h, 2.1 * deep, 0.75, 12).moved(0, 0.58 * h, -0.12 * h), 7))
    return out


def _pose(variant: str, draw: Draw) -> list[SimpleNamespace]:
    """Angles of the joints of both sides."""
    limits = POSES[variant][:: -1 if draw.chance(0.5) else 1]
    sides = []
    for s, ranges in enumerate(limits):
        drawn = draw(**{f"{joint}_{s}": span for joint, span in zip(JOINTS, ranges, strict=True)})
        sides.append(SimpleNamespace(**{joint: getattr(drawn, f"{joint}_{s}") for joint in JOINTS}, forearm_out=0.0))
    if limits[0] == limits[1] and draw.chance(0.55):
        sides[1] = sides[0]
    if variant in ("standing", "walking", "sitting", "kneeling") and draw.chance(0.35):
        gesture = np.array(GESTURES[draw.integer("gesture", 0, len(GESTURES) - 1)]) + draw.rng.uniform(-9, 9, 4)
        for one in sides if draw.chance(0.35) else sides[:1]:
            one.__dict__.update(zip(("arm_out", "arm_ahead", "elbow", "forearm_out"), gesture, strict=True))
    return sides


@family(
    "person",
    parts=("head", "torso", "arm", "hand", "leg", "foot", "hair", "clothes", "stand"),
    variants=tuple(POSES),
    synonyms=("human", "man", "woman", "child", "figure", "mannequin", "character", "people"),
)
def person(variant: str, draw: Draw) -> Pieces:
    """Grown-up, child, hero or cartoon figure; the pelvis is at the origin."""
    p = draw(
        leg=(0.74, 1.0), trunk=(0.46, 0.62), head=(0.2, 0.27), shoulder=(0.15, 0.22), hip=(0.11, 0.165),
        waist=(0.7, 1.1), depth=(0.085, 0.14), arm=(0.54, 0.72), bulk=(0.75, 1.35), foot=(0.85, 1.25),
        neck=(0.6, 1.3), nod=(-12, 20), look=(-30, 30), twist=(-12, 12), lean=LEAN.get(variant, (-4, 7)),
    )  # fmt: skip
    style = STYLES[int(draw.rng.choice(len(STYLES), p=[0.5, 0.17, 0.1, 0.11, 0.12]))]
    sides = {"smooth": 12, "low poly": draw.integer("sides", 5, 7), "blocky": 4}.get(style, 12)
    leg, trunk, head, arm, bulk, shoulder, hip, depth = (
        p.leg, p.trunk, p.head, p.arm, p.bulk, p.shoulder, p.hip, p.depth
    )  # fmt: skip
    build = draw.rng.choice(["adult", "child", "hero", "cartoon"], p=[0.62, 0.14, 0.12, 0.12])
    woman = build in ("adult", "child") and draw.chance(0.45)
    if build == "child":
        leg, trunk, arm = 0.62 * leg, 0.75 * trunk, 0.68 * arm
        bulk, shoulder, hip = 0.8 * bulk, 0.75 * shoulder, 0.8 * hip
    elif build == "hero":
        shoulder, bulk, hip, depth, arm = 1.3 * shoulder, 1.35 * bulk, 0.95 * hip, 1.2 * depth, 1.08 * arm
    elif build == "cartoon":
        leg, trunk, arm, head, bulk = 0.5 * leg, 0.75 * trunk, 0.62 * arm, 1.8 * head, 1.1 * bulk
    if woman:
        shoulder, hip, bulk = 0.88 * shoulder, 1.08 * hip, 0.85 * bulk
    pose = _pose(variant, draw)
    spine = {"length": trunk, "lean": p.lean, "twist": p.twist}

    t, w, d, z = np.array(TRUNK[1:9:6] if style == "blocky" else TRUNK).T
    neck = np.clip(p.neck, 0.5 * bulk, 1.3 * bulk)
    waist = p.waist * (0.85 if woman else 1)
    narrow = 1 + (waist - 1) * np.exp(-(((t - 0.4) / 0.22) ** 2))
    measure = np.where(t > 0.95, 0.165 * neck, np.interp(t, [0.1, 0.85], [hip, shoulder])) * narrow
    deep = np.where(t > 0.95, 0.11 * neck, depth * (0.75 + 0.25 * bulk))
    if style == "blocky":
        w = w / w
    out: Pieces = [(skin(ellipses(*_spine(t, **spine), w * measure, d * deep, z * depth, sides)), 1)]
    if woman and style != "blocky" and build == "adult":
        at, right, ahead = _spine(0.68, **spine)
        r = depth * draw(bust=(0.35, 0.65)).bust
        spots = [at + s * 0.45 * shoulder * right + 0.65 * depth * ahead for s in (-1, 1)]
        out += [(ellipsoid(r, r, r, 10).moved(*spot), 1) for spot in spots]

    at, _, ahead = _spine(1.0, **spine)
    raised = 0.17 * trunk if style != "blocky" else 0.0
    up = np.array([0, np.cos(np.radians(p.lean)), np.sin(np.radians(p.lean))])
    for mesh, part in _head(draw, style, head, sides):
        mesh = mesh.turned("x", p.nod + 0.6 * p.lean).turned("y", p.look + p.twist)
        out.append((mesh.moved(*(at + (raised - 0.05 * head) * up + 0.1 * head * ahead)), part))

    at, right, _ = _spine(0.9, **spine)
    fingers, loose = draw.chance(0.4), draw(sleeve=(0.85, 1.35), trousers=(0.85, 1.4))
    palm, armed = min(max(0.7 * head, 0.24 * arm), 0.36 * arm), draw.integer("armed", -1, 12)
    floor = np.inf
    for s, q in zip((-1, 1), pose, strict=True):
        fore = _frame(s, q.arm_out + q.forearm_out, q.arm_ahead + q.elbow)
        frames = np.stack([_frame(s, q.arm_out, q.arm_ahead), fore])
        a = at + s * (shoulder - (0.0 if style == "blocky" else 0.03 * bulk)) * right
        radii = np.array([0.056, 0.043 * loose.sleeve, 0.03 * loose.sleeve]) * bulk
        out.append((_limb(style, a, frames, (0.5 * arm, 0.46 * arm), radii, min(sides, 9)), 2))
        c = a - 0.5 * arm * frames[0, 1] - 0.46 * arm * frames[1, 1]
        out.append((framed(_hand(style, fingers), fore, c, [palm] * 3), 3))
        if s == armed:
            grip, reach = c - 0.5 * palm * fore[1], draw(reach=(0.2, 0.8)).reach
            out.append((rod(grip - 0.25 * reach * fore[2], grip + reach * fore[2], (0.02, 0.012), 6), 7))

        shin = q.thigh_ahead - q.knee
        frames = np.stack([_frame(s, q.thigh_out, q.thigh_ahead), _frame(s, 0.6 * q.thigh_out, shin)])
        a = np.array([s * 0.55 * hip, -0.04 * trunk, 0])
        radii = np.array([min(0.088 * bulk, 0.62 * hip), 0.058 * bulk, 0.042 * bulk * loose.trousers])
        radii[1] *= 0.5 + 0.5 * loose.trousers
        out.append((_limb(style, a, frames, (0.5 * leg, 0.47 * leg), radii, min(sides, 10)), 4))
        c = a - 0.5 * leg * frames[0, 1] - 0.47 * leg * frames[1, 1]
        ground = _frame(s, 0, 0 if abs(shin) < 28 else 0.75 * shin)
        foot = framed(_foot(style), ground, c, (0.095 * bulk * p.foot, 0.07, 0.27 * leg * p.foot))
        out.append((foot, 5))
        floor = min(floor, float(foot.vertices[:, 1].min()))

    if style != "blocky":
        out += _clothes(draw, variant, woman, spine, shoulder, hip, depth * (0.75 + 0.25 * bulk), leg, sides)
    if variant == "sitting" and draw.chance(0.5):
        y = -0.1 * trunk - 0.06
        w, z = 0.5 * draw(seat=(0.35, 0.7)).seat, 0.24
        seat = slab((-w, w), (floor if draw.chance(0.5) else y - 0.06, y), (-z, z))
        ends = [(x, e) for x in (-w, w - 0.04) for e in (-z, z - 0.04)]
        stand = [seat, *[slab((x, x + 0.04), (floor, y), (e, e + 0.04)) for x, e in ends]]
        if draw.chance(0.5):
            stand.append(slab((-w, w), (y, 0.8 * trunk), (-z - 0.05, -z)))
        out.append((combine(stand), 8))
    elif variant != "sitting" and draw.chance(0.12):
        out.append((cylinder(0.3 + 0.2 * leg, 0.04, 24 if draw.chance(0.6) else 4).moved(y=floor - 0.03), 8))
    return out


def _clothes(
    draw: Draw,
    variant: str,
    woman: bool,
    spine: dict,
    shoulder: float,
    hip: float,
    depth: float,
    leg: float,
    sides: int,
) -> Pieces:
    """What is worn or carried over the body: skirt, coat or robe, belt, cape, pack."""
    out: Pieces = []
    upright = variant in ("standing", "upright", "arms spread", "arms raised", "walking")
    k = draw(hem=(0.3, 0.95), flare=(1.15, 2.0))
    if upright and draw.chance(0.45 if woman else 0.15):
        top = 0.38 if draw.chance(0.6) else 0.75
        t = np.array([-k.hem * leg / spine["length"], -0.1, 0.12, *([top] if top > 0.5 else [0.38])])
        if variant == "walking":
            k.flare += 0.4
        w = np.array([k.flare * hip, 1.2 * hip, 1.08 * hip, 0.98 * (hip + (shoulder - hip) * (top > 0.5))])
        d = np.array([0.9 * k.flare * hip, 1.25 * depth, 1.12 * depth, 1.05 * depth])
        out.append((skin(ellipses(*_spine(t, **spine), w, d, 0 * t, max(sides, 6))), 7))
    elif draw.chance(0.3):
        t = np.array([0.17, 0.26])
        out.append((skin(ellipses(*_spine(t, **spine), [1.02 * hip] * 2, [1.06 * depth] * 2, [0, 0], 14)), 7))
    at, right, ahead = _spine(0.62, **spine)
    extra = draw.integer("extra", 0, 9)
    if extra == 0:
        pack = cushion(1.3 * shoulder, 0.55 * spine["length"], 0.8 * shoulder, 0.5, 12)
        out.append((pack.turned("x", spine["lean"]).moved(*(at - (depth + 0.25 * shoulder) * ahead)), 7))
    elif extra == 1 and upright:
        u, v = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(0, 1, 6), indexing="ij")
        low = -k.hem * leg
        grid = np.stack(
            [u * shoulder * (0.8 + 0.5 * v), 0.95 * spine["length"] * (1 - v) + low * v,
             -depth * (1.1 - 0.4 * u**2) - 0.25 * v * k.flare * leg * 0.3 + 0.03 * np.sin(6 * u) * v], -1
        )  # fmt: skip
        out.append((sheet(grid, 0.015), 7))
    return out
