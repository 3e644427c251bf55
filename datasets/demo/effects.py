"""What happens to shapes and clouds between the factory and the sensor: deformation, damage, poor sampling, noise.

Robustness is measured with `datasets/corruptions.py`. Nothing here calls it, so that what a model is measured on is not
what it was trained on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from datasets.demo.mesh import Mesh, combine, cross
from datasets.demo.scan import obj_bg, obj_only, patches, pb_t50_rs, refill, snapshot, surroundings, unit_sphere

FEWEST = 128  # different points of a sparse cloud


@dataclasses.dataclass(kw_only=True)
class EffectConfig:
    """Probabilities with which things happen to a shape and its cloud, each by itself.

    Attributes:
        stretched: every axis of the shape gets a factor of its own.
        damaged: one of `DAMAGES` is done to the shape.
        scan: depth cameras see the shape from a few sides; otherwise points are drawn from its whole surface.
        background: floor, mostly a wall, and clutter around the shape are kept.
        cropped: of a scan, what lies in a badly placed box (PB_T50_RS of ScanObjectNN).
        sparse: only 128 to N_POINTS points are different, the others repeat them.
        uneven: points are denser on one side.
        noisy: coordinates have Gaussian noise.
        outliers: some points lie anywhere.
        holes: up to four patches are missing.
        cut: what lies beyond a plane is missing.
        turned: at any angle about y; scans always are.
        tilted: by up to 15 degrees about a horizontal axis.
    """

    stretched: float = 0.0
    damaged: float = 0.0
    scan: float = 0.0
    background: float = 0.0
    cropped: float = 0.0
    sparse: float = 0.0
    uneven: float = 0.0
    noisy: float = 0.0
    outliers: float = 0.0
    holes: float = 0.0
    cut: float = 0.0
    turned: float = 0.0
    tilted: float = 0.0

    def check(self) -> None:
        """Raise ValueError if a probability is none."""
        for field in dataclasses.fields(EffectConfig):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} must lie in [0, 1], got {getattr(self, field.name)}")


def stretched(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Stretch every axis by its own factor in 2/3..3/2."""
    return mesh.scaled(*np.exp(rng.uniform(-0.4, 0.4, 3)))


def sheared(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Lean by up to 17 degrees."""
    x, y, z = mesh.vertices.T
    lean = rng.uniform(-0.3, 0.3, 2)
    return _with_vertices(mesh, np.stack([x + lean[0] * y, y, z + lean[1] * y], -1))


def tapered(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Scale cross-sections from 1 at one end of an axis to 0.5..0.9 at the other."""
    axis = int(rng.integers(3))
    along = mesh.vertices[:, axis]
    share = (along - along.min()) / max(np.ptp(along), 1e-9)
    factor = 1 - (share if rng.random() < 0.5 else 1 - share) * rng.uniform(0.1, 0.5)
    vertices = mesh.vertices * factor[:, None]
    vertices[:, axis] = along
    return _with_vertices(mesh, vertices)


def twisted(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Turn cross-sections about y, by up to 40 degrees from end to end."""
    x, y, z = mesh.vertices.T
    angle = y / max(np.ptp(y), 1e-9) * np.radians(rng.uniform(-40, 40))
    cos, sin = np.cos(angle), np.sin(angle)
    return _with_vertices(mesh, np.stack([cos * x + sin * z, y, cos * z - sin * x], -1))


def bent(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Let one axis follow a parabola into another."""
    along, into = rng.permutation(3)[:2]
    vertices = mesh.vertices.copy()
    vertices[:, into] += rng.uniform(-0.35, 0.35) * vertices[:, along] ** 2
    return _with_vertices(mesh, vertices)


def piece_lost(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Leave out a piece that holds at most a third of the vertices, a leg or a handle; a whole mesh without such."""
    pieces = pieces_of(mesh)
    size = np.bincount(pieces)
    small = np.flatnonzero((size > 0) & (size <= len(mesh.faces) / 3))
    if not len(small):
        return mesh
    return _with_faces(mesh, pieces != small[rng.integers(len(small))])


def bitten(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Leave out faces in a ball around a corner; a mesh of few faces loses them only as far as a third of its area."""
    corners = mesh.triangles
    centre = corners[rng.integers(len(corners)), 0]
    distance = np.linalg.norm(corners.mean(1) - centre, axis=1)
    keep = distance > rng.uniform(0.15, 0.4)
    area = np.linalg.norm(_cross(corners), axis=1)
    return _with_faces(mesh, keep) if area[keep].sum() > 2 / 3 * area.sum() else mesh


DAMAGES: tuple[Callable[[Mesh, np.random.Generator], Mesh], ...] = (sheared, tapered, twisted, bent, piece_lost, bitten)


def change_mesh(mesh: Mesh, chances: EffectConfig, rng: np.random.Generator) -> Mesh:
    """Stretch and damage a shape as often as `chances` say; the result lies in the unit sphere."""
    chance = rng.random(2)
    if chance[0] < chances.stretched:
        mesh = stretched(mesh, rng)
    if chance[1] < chances.damaged:
        mesh = DAMAGES[rng.integers(len(DAMAGES))](mesh, rng)
    return mesh.normalized()


def pieces_of(mesh: Mesh) -> np.ndarray:
    """Number the pieces that a mesh was combined of: (F,) int64, which piece each face belongs to.

    Pieces stand one after the other in the vertices, so they end where no face holds vertices of both sides.
    """
    first, last = mesh.faces.min(1), mesh.faces.max(1)
    within = np.zeros(len(mesh.vertices) + 1, np.int64)
    np.add.at(within, first, 1)
    np.add.at(within, last, -1)
    starts = np.cumsum(np.cumsum(within)[:-1] == 0)  # vertices that close a piece
    return starts[first]


def uneven(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lose up to 95 % of the points, the more of them the farther they lie in some direction."""
    direction = rng.normal(size=3)
    along = points @ (direction / np.linalg.norm(direction))
    share = (along - along.min()) / max(np.ptp(along), 1e-9)
    return _at_least(points, rng.random(len(points)) > share * rng.uniform(0.5, 0.95))


def sparse(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Keep 128 points, or any number up to all of them, log-uniformly."""
    few = min(FEWEST, len(points))
    count = round(few * (len(points) / few) ** rng.random())
    return points[rng.permutation(len(points))[:count]]


def noisy(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of standard deviation 0.002 to 0.03, log-uniformly."""
    sigma = 0.002 * 15 ** rng.random()
    return points + sigma * rng.standard_normal(points.shape, np.float32)


def outliers(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put 0.3 to 5 % of the points anywhere in a cube around the shape."""
    moved = rng.random(len(points)) < rng.uniform(0.003, 0.05)
    points = points.copy()
    points[moved] = rng.uniform(-1.1, 1.1, (int(moved.sum()), 3))
    return points


def holes(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lose up to four round patches."""
    return _at_least(points, ~patches(points, rng))


def cut(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lose 10 to 45 % of the points, those beyond a plane."""
    direction = rng.normal(size=3)
    along = points @ (direction / np.linalg.norm(direction))
    return points[along <= np.quantile(along, rng.uniform(0.55, 0.9))]


def turned(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn about y by any angle."""
    return points @ _rotation(np.array([0.0, 1.0, 0.0]), rng.uniform(0, 2 * np.pi)).astype(np.float32)


def tilted(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn by up to 15 degrees about a horizontal axis."""
    heading = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(heading), 0.0, np.sin(heading)])
    return points @ _rotation(axis, np.radians(15) * rng.random()).astype(np.float32)


# In the order in which they happen: what is there, where it stands, how it is measured.
CLOUD_EFFECTS = {effect.__name__: effect for effect in (cut, holes, turned, tilted, uneven, sparse, noisy, outliers)}


def make_cloud(mesh: Mesh, n: int, chances: EffectConfig, rng: np.random.Generator) -> np.ndarray:
    """Measure a shape, in one of the ways that `chances` allow.

    Args:
        mesh: in the unit sphere.
        n: points to return.
        chances: how often what happens.
        rng: draws everything.

    Returns:
        (n, 3) float32 in random order; centred in the unit sphere, unless nothing happened to the cloud. Where fewer
        points were measured, the rest repeats them.
    """
    scan, background, cropped, *others = rng.random(3 + len(CLOUD_EFFECTS))
    scan, background, cropped = scan < chances.scan, background < chances.background, cropped < chances.cropped
    effects = [
        effect
        for (name, effect), chance in zip(CLOUD_EFFECTS.items(), others, strict=True)
        if chance < getattr(chances, name) and not (scan and name in ("turned", "uneven", "holes"))
    ]
    if not (scan or background or effects):
        return mesh.sample(n, rng)[0]
    if scan:
        shot = snapshot(mesh, n, rng)
        if cropped:
            points = pb_t50_rs(shot, rng, n, background)
        else:
            points = (obj_bg if background else obj_only)(shot, rng, n)
    else:
        points = _with_background(mesh, n, rng) if background else mesh.sample(n, rng)[0]
    for effect in effects:
        points = effect(points, rng)
    return unit_sphere(refill(points, n, 0.0, rng))


def _with_background(mesh: Mesh, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points from a shape and what stands around it, as far as it lies in the slightly enlarged bounding box."""
    half = np.ptp(mesh.vertices, axis=0).astype(np.float64) / 2
    scene = combine([mesh, *surroundings(half, rng, None)])
    points = scene.sample(2 * n, rng)[0]
    return points[np.all(np.abs(points) <= half * rng.uniform(1.02, 1.3, 3) + 0.01, axis=1)][:n]


def _at_least(points: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Keep some points, if they are not too few."""
    return points[keep] if keep.sum() >= min(FEWEST, len(points) / 4) else points


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) matrix that turns row vectors about a unit axis."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _cross(corners: np.ndarray) -> np.ndarray:
    return cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _with_vertices(mesh: Mesh, vertices: np.ndarray) -> Mesh:
    return Mesh(vertices.astype(np.float32), mesh.faces, mesh.part)


def _with_faces(mesh: Mesh, keep: np.ndarray) -> Mesh:
    """A mesh with some of its faces, and the vertices that they need."""
    used, faces = np.unique(mesh.faces[keep], return_inverse=True)
    return Mesh(mesh.vertices[used], faces.reshape(-1, 3), mesh.part[keep])
