"""Part-labelled triangle meshes and the primitives they are made of. y is up, objects face +z."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

AXES = {"x": 0, "y": 1, "z": 2}
CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
CUBE_FACES = np.array([triangle for a, b, c, d in QUADS for triangle in ((a, b, c), (a, c, d))])


@dataclass
class Mesh:
    """Triangles with a part label each.

    Attributes:
        vertices: (V, 3) float32.
        faces: (F, 3) int64 into the vertices, counter-clockwise seen from outside.
        part: (F,) int64, the part that a face belongs to, 0..P-1.
    """

    vertices: np.ndarray
    faces: np.ndarray
    part: np.ndarray

    @property
    def triangles(self) -> np.ndarray:
        """(F, 3, 3) corner coordinates."""
        return self.vertices[self.faces]

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw points from the surface, uniformly by area.

        Returns:
            Points (n, 3) float32, unit normals (n, 3) float32, part labels (n,) int64.
        """
        corner = self.triangles
        normal = cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        double_area = np.linalg.norm(normal, axis=1)
        total = np.cumsum(double_area, dtype=np.float64)
        face = np.searchsorted(total, rng.random(n) * total[-1], side="right").clip(max=len(total) - 1)
        u, v = rng.random((2, n, 1))
        root = np.sqrt(u)
        picked = corner[face]
        points = (1 - root) * picked[:, 0] + root * (1 - v) * picked[:, 1] + root * v * picked[:, 2]
        normals = normal[face] / np.maximum(double_area[face], 1e-20)[:, None]
        return points.astype(np.float32), normals.astype(np.float32), self.part[face]

    def moved(self, x: float = 0, y: float = 0, z: float = 0) -> Mesh:
        """Shifted."""
        return Mesh(self.vertices + np.float32([x, y, z]), self.faces, self.part)

    def scaled(self, x: float = 1, y: float | None = None, z: float | None = None) -> Mesh:
        """Scaled about the origin, by one factor or by one an axis; negative factors mirror."""
        factor = np.float32([x, x if y is None else y, x if z is None else z])
        faces = self.faces if factor.prod() > 0 else self.faces[:, ::-1]
        return Mesh(self.vertices * factor, faces, self.part)

    def turned(self, axis: str, degrees: float) -> Mesh:
        """Rotated about an axis through the origin, by the right-hand rule."""
        i = AXES[axis]
        j, k = (i + 1) % 3, (i + 2) % 3
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        rotation = np.eye(3, dtype=np.float32)
        rotation[[j, j, k, k], [j, k, j, k]] = cos, -sin, sin, cos
        return Mesh(self.vertices @ rotation.T, self.faces, self.part)

    def labelled(self, part: int) -> Mesh:
        """With all faces in one part."""
        return Mesh(self.vertices, self.faces, np.full(len(self.faces), part, dtype=np.int64))

    def normalized(self) -> Mesh:
        """Centred on its bounding box and scaled into the unit sphere."""
        vertices = self.vertices - (self.vertices.min(0) + self.vertices.max(0)) / 2
        return Mesh(vertices / np.sqrt((vertices**2).sum(1).max()), self.faces, self.part)

    def volume(self) -> float:
        """Signed volume; positive for a closed mesh whose faces look outward."""
        a, b, c = self.triangles.astype(np.float64).swapaxes(0, 1)
        return float((a * cross(b, c)).sum() / 6)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products of (n, 3) rows, of which one may be a (3,) vector: `np.cross`, in a third of its time."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def combine(pieces: Iterable[Mesh | tuple[Mesh, int]]) -> Mesh:
    """Join meshes into one; (mesh, part) pairs are labelled on the way."""
    meshes = [piece[0].labelled(piece[1]) if isinstance(piece, tuple) else piece for piece in pieces]
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float32),
        np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.part for mesh in meshes]),
    )


def _mesh(vertices, faces) -> Mesh:
    faces = np.asarray(faces, dtype=np.int64).reshape(-1, 3)
    return Mesh(np.asarray(vertices, dtype=np.float32), faces, np.zeros(len(faces), dtype=np.int64))


@functools.lru_cache(1024)
def _grid_faces(rows: int, columns: int, close_rows: bool = False, close_columns: bool = False) -> np.ndarray:
    """Two triangles for each cell of a (rows, columns) grid of vertices, wrapped around where closed."""
    i, j = np.meshgrid(
        np.arange(rows if close_rows else rows - 1), np.arange(columns if close_columns else columns - 1), indexing="ij"
    )
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = (i + 1) % rows * columns + j, (i + 1) % rows * columns + (j + 1) % columns
    faces = np.stack([a, d, b, a, c, d], -1).reshape(-1, 3)
    faces.setflags(write=False)  # it is shared
    return faces


@functools.lru_cache(64)
def _ring(segments: int) -> np.ndarray:
    """(segments, 3) points of the unit circle about y."""
    angle = np.arange(segments) * 2 * np.pi / segments
    return np.stack([np.sin(angle), np.zeros(segments), np.cos(angle)], -1)


def boxes(low: np.ndarray, high: np.ndarray) -> Mesh:
    """Many boxes with edges along x, y and z in one mesh.

    Args:
        low, high: (n, 3) two opposite corners of each.
    """
    low, high = np.atleast_2d(np.minimum(low, high)), np.atleast_2d(np.maximum(low, high))
    vertices = low[:, None] + CUBE * (high - low)[:, None]
    return _mesh(vertices.reshape(-1, 3), CUBE_FACES + 8 * np.arange(len(low))[:, None, None])


def box(width: float, height: float, depth: float) -> Mesh:
    """Centred box with edges along x, y and z."""
    half = np.array([width, height, depth]) / 2
    return boxes(-half, half)


def slab(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Mesh:
    """Box from its bounds along x, y and z."""
    return boxes(*np.array([x, y, z]).T)


def quad(corner: Sequence[float], u: Sequence[float], v: Sequence[float]) -> Mesh:
    """Parallelogram that looks along u x v."""
    corner, u, v = np.array(corner), np.array(u), np.array(v)
    vertices = np.stack([corner, corner + u, corner + u + v, corner + v]).astype(np.float32)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]]), np.zeros(2, dtype=np.int64))


def lathe(profile: Sequence[tuple[float, float]], segments: int = 24) -> Mesh:
    """Surface of revolution about y.

    Args:
        profile: (radius, height) pairs; going up, the surface looks outward, going down, inward. A profile that
            starts and ends at radius 0 is closed.
        segments: steps around.
    """
    radius, height = np.asarray(profile, dtype=float).T
    vertices = radius[:, None, None] * _ring(segments)
    vertices[..., 1] = height[:, None]
    faces = _grid_faces(len(radius), segments, close_columns=True)[:, ::-1]
    return _without_slivers(_mesh(vertices.reshape(-1, 3), faces))


def frustum(bottom: float, top: float, height: float, segments: int = 20) -> Mesh:
    """Closed truncated cone about y, from y = 0 to `height`, with radii `bottom` and `top` (0 for a cone)."""
    return lathe([(0, 0), (bottom, 0), (top, height), (0, height)], segments)


def cylinder(radius: float, height: float, segments: int = 20) -> Mesh:
    """Closed cylinder about y, from y = 0 to `height`."""
    return _unit_cylinder(segments).scaled(radius, height, radius)


@functools.lru_cache(64)
def _unit_cylinder(segments: int) -> Mesh:
    return frustum(1, 1, 1, segments)


def ellipsoid(x: float, y: float, z: float, segments: int = 20) -> Mesh:
    """Centred ellipsoid with half axes x, y, z."""
    return _unit_ball(segments).scaled(x, y, z)


@functools.lru_cache(64)
def _unit_ball(segments: int) -> Mesh:
    angle = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    return lathe(np.stack([np.cos(angle).clip(0), np.sin(angle)], -1), segments)


def cushion(width: float, height: float, depth: float, roundness: float = 0.4, segments: int = 20) -> Mesh:
    """Centred superellipsoid: a box whose edges are the rounder the nearer `roundness` is to 1."""
    v, u = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1), np.arange(segments) * 2 * np.pi / segments, indexing="ij"
    )

    def power(value):
        # Rounding noise at the poles would be blown up into a hole.
        return np.sign(value) * np.where(np.abs(value) < 1e-9, 0, np.abs(value)) ** roundness

    ring = power(np.cos(v))
    unit = np.stack([ring * power(np.sin(u)), power(np.sin(v)), ring * power(np.cos(u))], -1)
    vertices = unit * [width, height, depth]
    return _without_slivers(_mesh(vertices.reshape(-1, 3) / 2, _grid_faces(*v.shape, close_columns=True)[:, ::-1]))


def torus(radius: float, tube: float, segments: int = 24, sides: int = 10) -> Mesh:
    """Centred torus about y: `radius` to the middle of the tube, `tube` its own radius."""
    around = _ring(segments)
    across = np.arange(sides) * 2 * np.pi / sides
    ring = radius + tube * np.cos(across)
    vertices = around[:, None] * np.stack([ring, np.ones(sides), ring], -1)
    vertices[..., 1] = tube * np.sin(across)
    return _mesh(vertices.reshape(-1, 3), _grid_faces(segments, sides, True, True))


def tube(path: Sequence[Sequence[float]], radius: float | Sequence[float], sides: int = 8) -> Mesh:
    """Closed tube along a polyline.

    Args:
        path: (n, 3) points, n >= 2.
        radius: one for all, or one a point.
        sides: corners of the cross-section.
    """
    path = np.asarray(path, dtype=float)
    tangent = np.empty_like(path)  # what np.gradient says, but for a scale
    tangent[0], tangent[-1] = path[1] - path[0], path[-1] - path[-2]
    tangent[1:-1] = path[2:] - path[:-2]
    tangent /= np.sqrt((tangent**2).sum(1, keepdims=True)).clip(1e-9)
    # A reference that no tangent is parallel to keeps the cross-sections from twisting.
    reference = np.eye(3)[np.abs(tangent).max(0).argmin()]
    side = cross(tangent, reference)
    side /= np.sqrt((side**2).sum(1, keepdims=True)).clip(1e-9)
    across = np.stack([side, cross(side, tangent)], 1)
    if np.ndim(radius):
        across *= np.asarray(radius, dtype=float)[:, None, None]
    else:
        across *= radius
    return skin(path[:, None] + _corners(sides) @ across)


@functools.lru_cache(64)
def _corners(sides: int) -> np.ndarray:
    """(sides, 2) corners of a regular polygon; half a step on, four sides make a bar that lies flat."""
    angle = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def skin(rings: np.ndarray) -> Mesh:
    """A `loft` through (n, m, 3) rings that run clockwise seen along their way, so that its inside is known."""
    rows, m = rings.shape[:2]
    vertices = np.empty((rows * m + 2, 3), dtype=np.float32)
    vertices[:-2] = rings.reshape(-1, 3)
    vertices[-2:] = rings[:: rows - 1].sum(1) / m
    return _mesh(vertices, skin_faces(rows, m))


@functools.lru_cache(1024)
def skin_faces(rows: int, m: int) -> np.ndarray:
    """Faces of `skin`: its walls, then the caps on the first and the last ring."""
    n, around, last = rows * m, np.arange(m), (rows - 1) * m
    after = (around + 1) % m
    start = np.stack([np.full(m, n), around, after], -1)
    end = np.stack([np.full(m, n + 1), last + after, last + around], -1)
    faces = np.concatenate([_grid_faces(rows, m, close_columns=True), start, end])
    faces.setflags(write=False)  # it is shared
    return faces


def loft(rings: np.ndarray) -> Mesh:
    """Closed surface through (n, m, 3) rings of m points each, with a cap on the first and the last."""
    return _outward(skin(np.asarray(rings, dtype=float)))


def extrude(outline: Sequence[Sequence[float]], depth: float) -> Mesh:
    """Prism of a star-shaped polygon in the x-y plane, from z = -depth/2 to depth/2.

    Args:
        outline: (n, 2) corners, in either direction, all visible from their mean.
        depth: thickness along z.
    """
    outline = np.asarray(outline, dtype=float)
    n = len(outline)
    vertices = np.empty((2, n + 1, 3))
    vertices[:, :n, :2] = outline
    vertices[:, n, :2] = outline.sum(0) / n
    vertices[0, :, 2], vertices[1, :, 2] = -depth / 2, depth / 2
    return _outward(_mesh(vertices.reshape(-1, 3), _prism_faces(n)))


@functools.lru_cache(256)
def _prism_faces(n: int) -> np.ndarray:
    i, j = np.arange(n), (np.arange(n) + 1) % n
    back = np.stack([np.full(n, n), j, i], -1)
    front = np.stack([np.full(n, 2 * n + 1), i + n + 1, j + n + 1], -1)
    walls = np.concatenate([np.stack([i, j, j + n + 1], -1), np.stack([i, j + n + 1, i + n + 1], -1)])
    faces = np.concatenate([back, front, walls])
    faces.setflags(write=False)  # it is shared
    return faces


def sheet(points: np.ndarray, thickness: float) -> Mesh:
    """Bent plate: a (rows, columns, 3) grid of points given a thickness along its normals."""
    points = np.asarray(points, dtype=float)
    rows, columns = points.shape[:2]
    normal = cross(*(np.gradient(points, axis=axis).reshape(-1, 3) for axis in (0, 1)))
    normal *= thickness / 2 / np.sqrt((normal**2).sum(1, keepdims=True)).clip(1e-9)
    points = points.reshape(-1, 3)
    return _outward(_mesh(np.concatenate([points + normal, points - normal]), _sheet_faces(rows, columns)))


@functools.lru_cache(256)
def _sheet_faces(rows: int, columns: int) -> np.ndarray:
    n = rows * columns
    faces = _grid_faces(rows, columns)
    grid = np.arange(n).reshape(rows, columns)
    rim = np.concatenate([grid[0, :-1], grid[:-1, -1], grid[-1, :0:-1], grid[:0:-1, 0]])
    after = np.roll(rim, -1)
    walls = np.concatenate([np.stack([rim, after + n, after], -1), np.stack([rim, rim + n, after + n], -1)])
    faces = np.concatenate([faces[:, ::-1], faces + n, walls])
    faces.setflags(write=False)  # it is shared
    return faces


def wing(root: float, tip: float, span: float, sweep: float, thickness: float) -> Mesh:
    """Tapered plate from x = 0 to `span`: chords `root` and `tip` along z, the tip moved back (to -z) by `sweep`."""
    corners = []
    for x, chord, shift, height in ((0, root, 0, thickness), (span, tip, -sweep, thickness * tip / root)):
        corners += [[x, y * height / 2, z * chord / 2 + shift] for y in (-1, 1) for z in (-1, 1)]
    unit = box(1, 1, 1)
    return _outward(Mesh(np.asarray(corners, dtype=np.float32), unit.faces, unit.part))


def _without_slivers(mesh: Mesh) -> Mesh:
    """Drop faces without area, as a lathe has at radius 0."""
    corner = mesh.triangles
    double = cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    keep = (double**2).sum(1) > 1e-18
    if keep.all():
        return mesh
    return Mesh(mesh.vertices, mesh.faces[keep], mesh.part[keep])


def _outward(mesh: Mesh) -> Mesh:
    """A closed mesh with its faces turned outward."""
    return mesh if mesh.volume() >= 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1], mesh.part)
