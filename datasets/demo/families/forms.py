"""Curves, vessels, copies and places, of which families are composed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.demo.families.common import Pieces
from datasets.demo.mesh import Mesh, combine, extrude, lathe, tube


def smooth(controls: Sequence[tuple[float, float]], steps: int = 4) -> np.ndarray:
    """Catmull-Rom curve through control points."""
    p = np.asarray(controls, dtype=float)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    curve = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(-1, p.shape[1]), p[-2:-1]])


def hollow(profile: Sequence[tuple[float, float]], wall: float, segments: int = 24) -> Mesh:
    """Hollow vessel open at the top: the outside profile, going up, and the same less `wall` back down."""
    outer = np.asarray(profile, dtype=float).clip(1e-3 * np.array([1, -1e6]))
    floor = outer[0, 1] + wall
    keep = outer[outer[:, 1] > floor][::-1]
    inner = np.r_[keep, [[np.interp(floor, outer[:, 1], outer[:, 0]), floor]]]
    inner[:, 0] = np.maximum(inner[:, 0] - wall, 0.4 * inner[:, 0])
    return lathe(np.r_[[[0, outer[0, 1]]], outer, inner, [[0, floor]]], segments)


def sleeve(low: tuple[float, float], high: tuple[float, float], height: float, segments: int = 24) -> Mesh:
    """Ring with a wall, open below and above: (inner, outer) radius at y = 0 and at `height`."""
    return lathe([(low[0], 0), (low[1], 0), (high[1], height), (high[0], height), (low[0], 0)], segments)


def cut(mesh: Mesh, height: float, low: int, high: int) -> Pieces:
    """A mesh in two parts, its faces below and above a height."""
    above = mesh.triangles[:, :, 1].mean(1) > height
    pieces = [(Mesh(mesh.vertices, mesh.faces[m], mesh.part[m]), p) for m, p in ((~above, low), (above, high))]
    return [piece for piece in pieces if len(piece[0].faces)]


def both(mesh: Mesh) -> Mesh:
    """With its mirror image across x = 0."""
    return combine([mesh, mesh.scaled(-1, 1, 1)])


def copies(mesh: Mesh, at, scale=1.0, yaw=0.0, pitch=0.0) -> Mesh:
    """Copies at (n, 3) places, each scaled, then pitched about x, then yawed about y (degrees)."""
    at = np.asarray(at, dtype=float).reshape(-1, 3)
    n = len(at)
    scale = np.broadcast_to(
        np.asarray(scale, dtype=float).reshape(-1, 1, 1) if np.ndim(scale) < 2 else np.asarray(scale)[:, None],
        (n, 1, 3),
    )
    yaw, pitch = (np.radians(np.broadcast_to(a, (n,)))[:, None] for a in (yaw, pitch))
    x, y, z = np.moveaxis(mesh.vertices * scale, -1, 0)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    vertices = np.stack([x, y, z], -1) + at[:, None]
    faces = mesh.faces + (np.arange(n) * len(mesh.vertices))[:, None, None]
    return Mesh(vertices.reshape(-1, 3).astype(np.float32), faces.reshape(-1, 3), np.tile(mesh.part, n))


def taper(mesh: Mesh, x: float, z: float, shift: float = 0) -> Mesh:
    """Its top scaled by x and z and moved by `shift` along z, what is below in proportion."""
    v = mesh.vertices.copy()
    t = (v[:, 1] - v[:, 1].min()) / np.ptp(v[:, 1])
    v[:, 0] *= 1 + (x - 1) * t
    v[:, 2] = v[:, 2] * (1 + (z - 1) * t) + shift * t
    return Mesh(v, mesh.faces, mesh.part)


def along(mesh: Mesh) -> Mesh:
    """What points up along y turned to point along z."""
    return mesh.turned("x", 90)


def side(outline: Sequence[tuple[float, float]], width: float) -> Mesh:
    """Prism across x of a (z, y) outline."""
    return extrude(outline, width).turned("y", -90)


def loop(x: float, y: float, width: float, height: float, thick: float, bend: float = 1.0, turn: float = 90) -> Mesh:
    """Tube along a half ellipse from (x, y - height/2) to (x, y + height/2), `width` out along x (squarer below 1)."""
    angle = np.radians(np.linspace(-turn, turn, 13))
    c, s = np.cos(angle), np.sin(angle)
    path = np.stack(
        [x + width * np.sign(c) * np.abs(c) ** bend, y + height / 2 * np.sign(s) * np.abs(s) ** bend, 0 * s]
    )
    return tube(path.T, thick, 8)


def leaf(length: float, width: float, droop: float, points: int = 5) -> Mesh:
    """Thin leaf from the origin along +z, bending down towards its tip; both sides are surface."""
    t = np.linspace(0, 1, points)
    half = width / 2 * np.sin(np.pi * t.clip(0.04, 0.97)) ** 0.8
    rise = -droop * length * t**2
    v = np.stack([np.stack([s * half, rise + 0.3 * abs(s) * half, length * t], -1) for s in (-1, 0, 1)], 1)
    i = np.arange(points - 1)[:, None] * 3 + np.arange(2)
    i = i.reshape(-1)
    faces = np.concatenate([np.stack([i, i + 3, i + 1], -1), np.stack([i + 1, i + 3, i + 4], -1)])
    faces = np.concatenate([faces, faces[:, ::-1]])
    return Mesh(v.reshape(-1, 3).astype(np.float32), faces, np.zeros(len(faces), dtype=np.int64))


def around(yaw: np.ndarray, radius, y) -> np.ndarray:
    """(n, 3) places at a yaw (degrees), a radius and a height each."""
    a = np.radians(yaw)
    return np.stack([radius * np.sin(a), np.broadcast_to(y, a.shape), radius * np.cos(a)], -1)


def ring(n: int, radius: float, y: float = 0, phase: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """n places around y and the yaw (degrees) that points z outward there."""
    yaw = phase + np.arange(n) * 360 / n
    return around(yaw, radius, y), yaw


def golden(n: int, phase: float = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """n yaws (degrees) by the golden angle, places 0..1, and a noise in -1..1."""
    i = np.arange(n)
    return i * 137.5 + phase, (i + 0.5) / n, np.sin(i * 12.9898 + phase)


def round_rectangle(width: float, height: float, radius: float, steps: int = 3) -> np.ndarray:
    """(n, 2) centred rectangle with round corners."""
    radius = min(radius, 0.499 * min(width, height))
    angle = np.linspace(0, np.pi / 2, steps + 1)
    corner = radius * np.stack([np.cos(angle), np.sin(angle)], -1) + [width / 2 - radius, height / 2 - radius]
    x, y = corner.T
    return np.concatenate([corner, np.c_[-x, y][::-1], np.c_[-x, -y], np.c_[x, -y][::-1]])


def rounded(width: float, height: float, depth: float, radius: float, steps: int = 4) -> Mesh:
    """Centred box whose four edges along z are rounded."""
    return extrude(round_rectangle(width, height, radius, steps), depth)
