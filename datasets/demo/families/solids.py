"""Solids that families make many of: skins through rings, bars by the dozen, and scaled copies of unit shapes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from datasets.demo.families.forms import ring
from datasets.demo.mesh import Mesh, cross, extrude, frustum, sheet, skin, skin_faces


def framed(mesh: Mesh, frame: np.ndarray, at: Sequence[float] | np.ndarray, scale: Sequence[float] = (1, 1, 1)) -> Mesh:
    """Scaled along its own axes, turned so that these are the rows of `frame`, and moved."""
    return Mesh((mesh.vertices * np.asarray(scale) @ frame + at).astype(np.float32), mesh.faces, mesh.part)


def ellipses(center, right, ahead, width, depth, shift, sides: int) -> np.ndarray:
    """(n, sides, 3) ellipses (rectangles for four sides) around n centres.

    Args:
        center: (n, 3).
        right, ahead: (n, 3) or (1, 3) unit axes.
        width, depth, shift: (n,) half axes along `right` and `ahead`, and how far it is moved along `ahead`.
        sides: points a ring.
    """
    angle = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    grow = np.sqrt(2) if sides == 4 else 1.0
    w, d, z = (np.asarray(a, dtype=float)[:, None, None] for a in (width, depth, shift))
    c, s = grow * np.cos(angle)[None, :, None], grow * np.sin(angle)[None, :, None]
    return center[:, None] + w * c * right[:, None] + (d * s + z) * ahead[:, None]


def stack(rows: Sequence[tuple[float, float, float]], sides: int = 14) -> Mesh:
    """Closed body of ellipses above each other: (height, half width, half depth) from below to above."""
    y, w, d = np.asarray(rows, dtype=float).T
    return skin(ellipses(np.stack([0 * y, y, 0 * y], -1), np.eye(3)[:1], np.eye(3)[2:], w, d, 0 * y, sides))


def bars(ends, radius, sides: int = 6) -> Mesh:
    """Many straight round bars in one mesh.

    Args:
        ends: (n, 2, 3) where each starts and ends.
        radius: one for all, one a bar (n,), or one an end (n, 2).
        sides: corners of the cross-section; 4 makes a square one.
    """
    ends = np.asarray(ends, dtype=float).reshape(-1, 2, 3)
    n = len(ends)
    along = ends[:, 1] - ends[:, 0]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    aside = cross(along, np.eye(3)[np.abs(along).argmin(1)])
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    over = cross(aside, along)
    angle = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    ring = np.cos(angle)[None, :, None] * aside[:, None] + np.sin(angle)[None, :, None] * over[:, None]
    radius = np.asarray(radius, dtype=float)
    radius = np.broadcast_to(radius[:, None] if radius.ndim == 1 else radius, (n, 2))
    vertices = ends[:, :, None] + radius[:, :, None, None] * ring[:, None]
    vertices = np.concatenate([vertices.reshape(n, -1, 3), ends], 1)
    faces = skin_faces(2, sides) + (np.arange(n) * vertices.shape[1])[:, None, None]
    return Mesh(
        vertices.reshape(-1, 3).astype(np.float32), faces.reshape(-1, 3), np.zeros(faces.size // 3, dtype=np.int64)
    )


def square_bars(ends, thick: float) -> Mesh:
    """Many square `bars` in one mesh, `thick` from side to side."""
    return bars(ends, thick / np.sqrt(2), 4)


@cache
def _unit_fender(low: float, high: float) -> Mesh:
    a = np.radians(np.linspace(low, high, 9))
    arc = np.stack([0 * a, np.sin(a), np.cos(a)], -1)
    grid = [arc * [0, 1 - 0.06 * abs(x), 1 - 0.06 * abs(x)] + [x / 2, 0, 0] for x in (-1, 0, 1)]
    return sheet(np.stack(grid), 0.04)


def fender(radius: float, width: float, low: float, high: float) -> Mesh:
    """Mudguard around an axle along x, from `low` to `high` degrees above +z."""
    return _unit_fender(low, high).scaled(width, radius, radius)


def narrowed(mesh: Mesh, z: Sequence[float], factor: Sequence[float]) -> Mesh:
    """Its width (x) scaled by a factor that runs along z as given."""
    v = mesh.vertices.copy()
    v[:, 0] *= np.interp(v[:, 2], z, factor)
    return Mesh(v, mesh.faces, mesh.part)


def vault(width: float, height: float, length: float, rise: float, sides: int = 8) -> Mesh:
    """Block along z on y = 0 whose top is arched by `rise`."""
    a = np.linspace(0, np.pi, sides)
    roof = np.stack([np.cos(a) * width / 2, height - rise + rise * np.sin(a)], -1)
    return extrude([(width / 2, 0), *roof, (-width / 2, 0)], length)


def prism(bottom: float, top: float, height: float, sides: int) -> Mesh:
    """Upright prism or pyramid from y = 0: half widths below and above, faces square to the axes for four sides."""
    grow = 1 / np.cos(np.pi / sides)
    mesh = frustum(bottom * grow, top * grow, height, sides)
    return mesh.turned("y", 180 / sides) if sides <= 8 else mesh


def lattice(base: float, top: float, height: float, bend: float, levels: int, sides: int, thick: float) -> Mesh:
    """Lattice of legs, rungs and crosses from half width `base` to `top`, the legs drawn in as `bend` says."""
    u = np.linspace(0, 1, levels + 1) ** 0.85
    radius = (top + (base - top) * (1 - u) ** bend) * np.sqrt(2)
    at = np.stack([ring(sides, r, height * v, 45)[0] for r, v in zip(radius, u, strict=True)])
    after = np.roll(at, -1, 1)
    lines = [(at[:-1], at[1:]), (at[1:], after[1:]), (at[:-1], after[1:]), (after[:-1], at[1:])]
    ends = np.concatenate([np.stack(pair, 2).reshape(-1, 2, 3) for pair in lines])
    radii = np.full(len(ends), 0.55 * thick)
    radii[: levels * sides] = thick
    return bars(ends, radii, 4)


def holed(outline, center: tuple[float, float], radius: float, thick: float, steps: int = 16) -> Mesh:
    """Plate in the x-y plane, z = 0 to `thick`, with a round hole.

    Args:
        outline: (n, 2) corners, anticlockwise, all visible from `center`.
        center, radius: of the hole.
        thick: along z.
        steps: around the hole, besides those that the corners need.
    """
    corner = np.asarray(outline, dtype=float) - center
    angle = np.unique(np.r_[np.arctan2(corner[:, 1], corner[:, 0]), np.arange(steps) * 2 * np.pi / steps - np.pi])
    ray = np.stack([np.cos(angle), np.sin(angle)], -1)
    edge = np.roll(corner, -1, 0) - corner
    normal = np.stack([edge[:, 1], -edge[:, 0]], -1)
    reach = (corner * normal).sum(1) / np.where((down := ray @ normal.T) > 1e-9, down, np.nan)
    outer = ray * np.nanmin(reach, 1, keepdims=True)
    inner = radius * ray
    n = len(ray)
    rows = [np.c_[p + center, np.full(n, z)] for p, z in ((outer, 0), (inner, 0), (inner, thick), (outer, thick))]
    i, j = np.meshgrid(np.arange(4), np.arange(n), indexing="ij")
    a, b, c, d = i * n + j, i * n + (j + 1) % n, (i + 1) % 4 * n + j, (i + 1) % 4 * n + (j + 1) % n
    faces = np.stack([a, b, d, a, d, c], -1).reshape(-1, 3)
    mesh = Mesh(np.concatenate(rows).astype(np.float32), faces, np.zeros(len(faces), dtype=np.int64))
    return mesh if mesh.volume() > 0 else Mesh(mesh.vertices, faces[:, ::-1], mesh.part)
