"""Builders of box-frame furniture: fronts, tops, backs, arms, and plates with rounded holes."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, arch, beam, handle, knob, legs, padded, rod
from datasets.demo.families.forms import smooth
from datasets.demo.mesh import Mesh, box, combine, cylinder, sheet, slab, tube

STANDS = ("hairpin", "sled", "ends", "trestle", "frame", "legs", "legs", "legs")


def front_of(draw: Draw, x, y, z: float, part_face: int, part_grip: int, grip: int, kind: str) -> Pieces:
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


def relabelled(pieces: Pieces, *parts: int) -> Pieces:
    """With part i become `parts[i]`; the last of them stands for all that follow."""
    return [(mesh, parts[min(part, len(parts) - 1)]) for mesh, part in pieces]


def bent_seat(rows, dish: float, thick: float, steps: int = 4) -> Mesh:
    """Plate bent along a smooth curve, as a seat that goes over into its back.

    Args:
        rows: (z, y, half width) control points, from the front edge backwards and up.
        dish: how far its edges bend towards the sitter.
        thick: of the plate.
        steps: between two control points.
    """
    z, y, half = smooth(rows, steps).T
    tangent = np.gradient(np.stack([z, y], -1), axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    u = np.linspace(-1, 1, 7)
    bend = dish * u**2
    grid = [u * half[:, None], y[:, None] - bend * tangent[:, :1], z[:, None] + bend * tangent[:, 1:]]
    return sheet(np.stack(np.broadcast_arrays(*grid), -1), thick)


def hoops(x: float, y, z, thick: float, part: int, sides: int = 8) -> Pieces:
    """Two closed bars bent to a rectangle, at -x and x: a sled base, the side frames of a seat."""
    path = [(0, y[0], z[0]), (0, y[1], z[0]), (0, y[1], z[1]), (0, y[0], z[1]), (0, y[0], z[0] + thick / 2)]
    return [(tube(path, thick / 2, sides).moved(s * x), part) for s in (-1, 1)]


def stand(draw: Draw, width: float, depth: float, height: float, thick: float, part: int, style: str = "") -> Pieces:
    """What furniture stands on, from the floor up to `height`, in one of the `STANDS`, which is drawn if not given."""
    style = style or STANDS[draw.integer("stand style", 0, len(STANDS) - 1)]
    x, z = width / 2 - thick / 2, depth / 2 - thick / 2
    if style == "hairpin":
        pieces: Pieces = []
        for sx in (-1, 1):
            for sz in (-1, 1):
                tops = [(sx * x, height, sz * (z - 0.12 * depth)), (sx * (x - 0.06 * width), height, sz * z)]
                pieces += [(rod(top, (sx * x, 0, sz * z), thick * 0.2, 6), part) for top in tops]
        return pieces
    if style == "sled":
        return hoops(x, (thick / 2, height), (-z, z), thick, part)
    if style == "ends":
        return ends(x, (0, height), (-depth / 2, depth / 2), thick, part)
    if style == "trestle":
        bar = slab((-x, x), (height * 0.45, height * 0.45 + thick), (-thick / 2, thick / 2))
        return [*crossed(-x, 2 * z, height, thick, part), *crossed(x, 2 * z, height, thick, part), (bar, part)]
    if style == "frame":  # posts with rails below
        posts = corners(slab((-thick / 2, thick / 2), (0, height), (-thick / 2, thick / 2)), x, z, part)
        return posts + box_frame(
            x, (0, thick) if draw.chance(0.5) else (height * 0.2, height * 0.2 + thick), z, thick * 0.8, part
        )
    return legs(draw, width, depth, height, thick, part)


def ends(x: float, y, z, thick: float, part: int) -> Pieces:
    """Two upright boards across x, their middles at -x and x, from y[0] to y[1] and z[0] to z[1]."""
    return [(slab((s * x - thick / 2, s * x + thick / 2), y, z), part) for s in (-1, 1)]


def rails(x, y, z: float, thick: float, part: int) -> Pieces:
    """Two boards along x from x[0] to x[1], their middles at -z and z."""
    return [(slab(x, y, (s * z - thick / 2, s * z + thick / 2)), part) for s in (-1, 1)]


def box_frame(x: float, y, z: float, thick: float, part: int) -> Pieces:
    """Four boards around the rectangle from (-x, -z) to (x, z): an apron, a skirt, the walls of a crate."""
    return rails((-x, x), y, z, thick, part) + ends(x, y, (-z, z), thick, part)


def corners(mesh: Mesh, x: float, z: float, part: int) -> Pieces:
    """The same thing at the four corners (-x, -z) to (x, z)."""
    return [(mesh.moved(sx * x, 0, sz * z), part) for sx in (-1, 1) for sz in (-1, 1)]


def crossed(x: float, depth: float, height: float, thick: float, part: int) -> Pieces:
    """Two bars crossed to an X in the plane of that x, `depth` apart on the floor."""
    bars = [beam((-depth / 2 * k, thick / 2, 0), (depth / 2 * k, height, 0), thick, thick) for k in (-1, 1)]
    return [(bar.turned("y", 90).moved(x=x), part) for bar in bars]


def drawer_stack(draw: Draw, x, y, z, parts: tuple[int, int, int], grip: int, count: int) -> Pieces:
    """A block of `count` drawers one above the other; `parts` are those of its body, fronts and grips."""
    pieces: Pieces = [(slab(x, y, z), parts[0])]
    edge = np.linspace(y[0], y[1], count + 1)
    for low, high in zip(edge[:-1], edge[1:], strict=True):
        pieces += front_of(draw, x, (low, high), z[1], parts[1], parts[2], grip, "drawer")
    return pieces


def seats_round(seat: Pieces, x: float, z: float, each: tuple[int, int], gap: float, part: int) -> Pieces:
    """The same seat along the four sides of the rectangle from (-x, -z) to (x, z), looking inwards.

    Args:
        seat: looks along +z.
        x, z: half extents of what it stands round.
        each: how many a long side (along x) and a short side.
        gap: from the edge to the middle of the seat.
        part: of all.
    """
    mesh = combine([mesh for mesh, _ in seat])
    places = [
        (s * (k + 0.5 - each[0] / 2) * 2 * x / each[0], s * (z + gap), 90 + 90 * s)
        for s in (-1, 1)
        for k in range(each[0])
    ]
    places += [
        (s * (x + gap), s * (k + 0.5 - each[1] / 2) * 2 * z / each[1], -90 * s) for s in (-1, 1) for k in range(each[1])
    ]
    return [(mesh.turned("y", yaw).moved(px, 0, pz), part) for px, pz, yaw in places]


def tabletop(width: float, depth: float, top: float, thick: float, round_top: bool, part: int) -> Pieces:
    if round_top:
        return [(cylinder(0.5, 1, 28).scaled(width, thick, depth).moved(y=top - thick), part)]
    return [(slab((-width / 2, width / 2), (top - thick, top), (-depth / 2, depth / 2)), part)]


def chair_back(draw: Draw, width: float, height: float, thick: float, part: int, style: int | None = None) -> Pieces:
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


def chair_arms(draw: Draw, w: float, d: float, h: float, limit: float, thick: float, part: int) -> Pieces:
    rise = limit * draw(arm_rise=(0.45, 1.0)).arm_rise
    wide, thin = max(thick, 0.04), max(thick * 0.6, 0.025)
    solid = draw.chance(0.25)
    x = w / 2 + wide * 0.2
    if solid:
        return ends(x, (h - 0.05, h + rise), (-d / 2, d / 2), thin, part)
    rests = ends(x, (h + rise - thin, h + rise), (-d / 2, d * 0.45), wide, part)
    posts = ends(x, (h - 0.04, h + rise - thin), (d * 0.3, d * 0.3 + thin), thin, part)
    return [rests[0], posts[0], rests[1], posts[1]]


def superellipse(width: float, depth: float, roundness: float, segments: int = 28) -> np.ndarray:
    angle = np.arange(segments) * 2 * np.pi / segments
    flat = np.stack([np.sin(angle), np.cos(angle)], -1)
    return np.sign(flat) * np.abs(flat) ** roundness * [width / 2, depth / 2]


def bead(width: float, depth: float, roundness: float, radius: float) -> Mesh:
    """A bead along a superelliptic outline in the plane y = 0."""
    outline = superellipse(width, depth, roundness)
    path = np.stack([outline[:, 0], np.zeros(len(outline)), outline[:, 1]], -1)
    return tube(np.concatenate([path, path[:1]]), radius, 6)


def holed_plate(
    width: float, depth: float, inner_width: float, inner_depth: float, roundness: float, thick: float
) -> Mesh:
    """Flat closed plate in the plane y = 0 with a superelliptic hole, `thick` downwards."""
    inner = superellipse(inner_width, inner_depth, roundness)
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


def curved_tap(height: float, reach: float, thick: float) -> Mesh:
    """Spout that rises from the origin and bends over towards +z."""
    a = np.linspace(0, np.pi * 0.95, 6)
    bend = np.stack([0 * a, np.sin(a) * reach / 2, (1 - np.cos(a)) * reach / 2], -1) + [0, height, 0]
    return tube(np.concatenate([[(0, -0.02, 0)], bend]), thick, 8)
