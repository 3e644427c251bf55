"""Depth-camera scans of meshes: one-sided, noisy, with floor, wall and clutter; the physics of ScanObjectNN.

The splits follow Uy et al., "Revisiting Point Cloud Classification" (ICCV 2019): OBJ_ONLY is the object as the
camera saw it, OBJ_BG what lies in its bounding box, PB_T50_RS what lies in a box that was shifted by up to half its
size along each axis and scaled, and then turned about the vertical axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.demo.mesh import Mesh, box, combine, cross, quad
from datasets.demo.render import camera_frame, rasterize

DENSE = 16000  # surface samples on the object before visibility
REACH = 2.6  # nothing of the scene lies farther from the object's centre, in object radii
NEAREST_CAMERA = 3.2  # in object radii; beyond REACH, so that no vertex is behind a camera
BUFFER = 320  # depth buffer, pixels a side
FEWEST = 200  # seen points on the object below which other cameras are drawn
FEWEST_PIXELS = 100  # the same, in depth images
FIELD = 1.35  # radius of the sphere that a depth image shows


@dataclass
class Capture:
    """What the cameras saw, in the object's own frame: radius 1, y up, front to +z, bounding box around the origin."""

    points: np.ndarray  # (M, 3) float64, noisy
    is_object: np.ndarray  # (M,) bool; the rest is background
    half: np.ndarray  # (3,) half extents of the object's bounding box
    noise: float  # standard deviation of the sensor at the object, in object radii
    heading: float  # how the object stands in the room, radians about y


def capture(mesh: Mesh, rng: np.random.Generator, neighbour: Mesh | None = None) -> Capture:
    """Put an object into a corner of a room and scan it from one to three nearby positions.

    Args:
        mesh: the object, at any place and scale.
        rng: draws the room, the cameras and the noise.
        neighbour: a mesh to stand beside it; a box if absent.
    """
    target = mesh.normalized()
    half = np.ptp(target.vertices, axis=0).astype(np.float64) / 2
    background = combine(surroundings(half, rng, neighbour))
    scene = combine([target, background])
    count = int(DENSE * _area(background) / _area(target))
    samples = [target.sample(DENSE, rng), background.sample(count, rng)]
    points, normals = (np.concatenate([sample[i] for sample in samples]).astype(np.float64) for i in (0, 1))
    is_object = np.arange(len(points)) < DENSE

    noise = rng.uniform(0.004, 0.011)
    seen = np.zeros(len(points), dtype=bool)
    noisy = points.copy()
    for _ in range(10):
        base, count = rng.uniform(-70, 70), rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])
        for _ in range(count):
            view = base + rng.normal(0, 20), rng.uniform(12, 42), rng.uniform(NEAREST_CAMERA, 4.6)
            fresh, moved = _look(points, normals, scene, view, noise, rng)
            fresh &= ~seen
            noisy[fresh] = moved[fresh]
            seen |= fresh
        if seen[:DENSE].sum() >= FEWEST:
            break
    seen |= is_object & (seen[:DENSE].sum() < FEWEST)  # hidden from everywhere around: better whole than empty
    keep = seen & ~patches(points, rng)
    if keep[:DENSE].sum() < FEWEST:
        keep = seen
    return Capture(noisy[keep], is_object[keep], half, noise, rng.uniform(0, 2 * np.pi))


def snapshot(mesh: Mesh, n: int, rng: np.random.Generator) -> Capture:
    """Scan an object in the corner of a room with a depth camera from one to three nearby positions, fast.

    Unlike `capture` it has no dense surface samples: the points are the pixels of the depth images, whose number is
    chosen for `n` points on the object, put back where the camera saw them.

    Args:
        mesh: the object, in the unit sphere, its bounding box around the origin.
        n: points wanted.
        rng: draws the room, the cameras and the noise.
    """
    half = np.ptp(mesh.vertices, axis=0).astype(np.float64) / 2
    scene = combine([mesh, *surroundings(half, rng, None)])
    noise, base = rng.uniform(0.002, 0.011), rng.uniform(-180, 180)
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    pixels = int(np.clip(2.2 * np.sqrt(n / count), 40, 200))
    found = []
    for shot in range(count + 4):
        if shot >= count:  # too little was seen
            if sum(own.sum() for _, own in found) >= FEWEST_PIXELS:
                break
            base, pixels = rng.uniform(-180, 180), min(2 * pixels, 400)
        view = base + rng.normal(0, 25), rng.uniform(5, 50), rng.uniform(NEAREST_CAMERA, 4.6)
        points, face = _depth_image(scene, view, pixels, noise, rng)
        found.append((points, face < len(mesh.faces)))
    points, is_object = (np.concatenate(parts) for parts in zip(*found, strict=True))
    keep = ~patches(points, rng)
    if is_object[keep].sum() < FEWEST_PIXELS:
        keep[:] = True
    if not is_object.any():  # hidden from everywhere around: better whole than empty
        points, is_object, keep = mesh.sample(n, rng)[0].astype(np.float64), np.ones(n, bool), np.ones(n, bool)
    return Capture(points[keep], is_object[keep], half, noise, rng.uniform(0, 2 * np.pi))


def _depth_image(
    scene: Mesh, view: tuple[float, float, float], pixels: int, noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What a depth camera measures of the unit sphere: points (M, 3), and which face each lies on, (M,)."""
    azimuth, elevation, distance = view
    frame = camera_frame(azimuth, elevation)
    roll = rng.uniform(0, np.pi / 2)  # so that the pixels are no grid along the object's axes
    frame[:2] = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) @ frame[:2]
    local = scene.vertices.astype(np.float64) @ frame.T
    depth = distance - local[:, 2]
    focal = pixels / 2 * np.sqrt(distance**2 - FIELD**2) / FIELD
    xy = local[:, :2] * (1, -1) * (focal / depth)[:, None] + pixels / 2
    face, nearness = rasterize(xy, 1 / depth, scene.faces, pixels)
    row, column = np.nonzero(face >= 0)
    image = np.where(face >= 0, 1 / np.maximum(nearness, 1e-6), np.inf)
    face, z = face[row, column], image[row, column]
    ray = np.stack([(column + 0.5 - pixels / 2) / focal, (pixels / 2 - row - 0.5) / focal, np.full(len(z), -1.0)], -1)
    a, b, c = (local[scene.faces[:, i]] for i in range(3))
    normal = cross(b - a, c - a)
    normal /= np.maximum(np.sqrt((normal**2).sum(1, keepdims=True)), 1e-12)
    cosine = np.abs((ray * normal[face]).sum(1)) / np.sqrt((ray**2).sum(1))
    slant = np.minimum(np.sqrt(np.maximum(1 - cosine**2, 0)) / np.maximum(cosine, 1e-3), 4)

    # a pixel on an edge mixes the depths of both sides
    beside = image[row, np.minimum(column + 1, pixels - 1)]
    mixed = (np.abs(beside - z) < 1) & (np.abs(beside - z) > 0.05) & (rng.random(len(z)) < 0.3)
    z[mixed] += (rng.random(len(z)) * (np.where(np.isfinite(beside), beside, z) - z))[mixed]
    z += rng.standard_normal(len(z)) * noise * (z / 4) ** 2 * (1 + 0.5 * slant)
    stray = rng.random(len(z)) < rng.uniform(0, 0.01)
    z[stray] += rng.normal(0, 0.12, stray.sum())
    if rng.random() < 0.3:  # a sensor with few levels
        step = rng.uniform(0.005, 0.03)
        z = np.rint(z / step) * step
    seen = rng.random(len(z)) < (cosine - 0.06) / 0.25  # grazing returns are lost
    points = (ray * z[:, None] + (0, 0, distance)) @ frame
    return points[seen], face[seen]


def obj_only(shot: Capture, rng: np.random.Generator, n: int = 2048) -> np.ndarray:
    """The object without its background: (n, 3) float32, centred, unit sphere."""
    return unit_sphere(_turn(refill(shot.points[shot.is_object], n, shot.noise, rng), shot.heading))


def obj_bg(shot: Capture, rng: np.random.Generator, n: int = 2048) -> np.ndarray:
    """Everything in the object's slightly enlarged bounding box: (n, 3) float32, centred, unit sphere."""
    inside = np.all(np.abs(shot.points) <= shot.half * rng.uniform(1.04, 1.2, 3) + 3 * shot.noise, axis=1)
    return unit_sphere(_turn(refill(shot.points[inside], n, shot.noise, rng), shot.heading))


def pb_t50_rs(shot: Capture, rng: np.random.Generator, n: int = 2048, background: bool = True) -> np.ndarray:
    """Everything in a badly placed box, turned: (n, 3) float32.

    The box is shifted by up to 50 % of its size along each axis and scaled by 0.75 to 1.25; its centre becomes the
    origin and half its diagonal the unit, so the object ends up off-centre, cropped and of another size.
    """
    points, is_object = shot.points, shot.is_object
    if not background:
        points, is_object = points[is_object], is_object[is_object]
    best, best_share = None, -1.0
    for _ in range(20):
        centre, scale = rng.uniform(-1, 1, 3) * shot.half, rng.uniform(0.75, 1.25)
        inside = np.all(np.abs(points - centre) <= shot.half * scale + 3 * shot.noise, axis=1)
        share = (inside & is_object).sum() / is_object.sum()
        if share > best_share:
            best, best_share = (inside, centre, scale), share
        if share >= 0.3:
            best = inside, centre, scale
            break
    inside, centre, scale = best
    cloud = (refill(points[inside], n, shot.noise, rng) - centre) / (np.linalg.norm(shot.half) * scale)
    return _turn(cloud, rng.uniform(0, 2 * np.pi)).astype(np.float32)


def scan(
    mesh: Mesh,
    rng: np.random.Generator,
    n: int = 2048,
    background: bool = True,
    hardest: bool = False,
    neighbour: Mesh | None = None,
) -> np.ndarray:
    """Scan one object as ScanObjectNN would hold it: upright, at any heading.

    Args:
        mesh: the object; y is up.
        rng: draws everything.
        n: points to return.
        background: keep floor, wall and clutter (OBJ_BG) or not (OBJ_ONLY).
        hardest: translate, turn, scale and crop as PB_T50_RS.
        neighbour: a mesh to stand beside it; a box if absent.

    Returns:
        (n, 3) float32; centred and in the unit sphere, unless `hardest`.
    """
    shot = capture(mesh, rng, neighbour)
    if hardest:
        return pb_t50_rs(shot, rng, n, background)
    return obj_bg(shot, rng, n) if background else obj_only(shot, rng, n)


def surroundings(half: np.ndarray, rng: np.random.Generator, neighbour: Mesh | None) -> list[Mesh]:
    """Floor, mostly a wall behind, mostly something beside the object; no larger than a shifted box can see."""
    x, y, z = half * 2.3 + 0.05
    back = -half[2] - rng.uniform(0, 0.25) if rng.random() < 0.6 else -z
    floor = -half[1]
    pieces = [quad([-x, floor, back], [0, 0, z - back], [2 * x, 0, 0])]
    if back > -z:
        pieces.append(quad([-x, floor, back], [2 * x, 0, 0], [0, rng.uniform(0.6, 1) * 3.3 * half[1], 0]))
    if rng.random() < 0.7:
        pieces.append(_clutter(half, back, rng, neighbour))
    return pieces


def _clutter(half: np.ndarray, back: float, rng: np.random.Generator, neighbour: Mesh | None) -> Mesh:
    piece = box(*rng.uniform(0.2, 0.7, 3)) if neighbour is None else neighbour.normalized().scaled(rng.uniform(0.5, 1))
    piece = piece.turned("y", rng.uniform(0, 360))
    low, high = piece.vertices.min(0), piece.vertices.max(0)
    gap, left = half[0] + rng.uniform(-0.02, 0.15), rng.random() < 0.5
    x = -gap - high[0] if left else gap - low[0]
    piece = piece.moved(x, -half[1] - low[1], max(back, rng.uniform(-half[2], 0.3 * half[2])) - low[2])
    within = np.linalg.norm(piece.vertices, axis=1) < REACH
    return Mesh(piece.vertices, piece.faces[within[piece.faces].all(1)], np.zeros(0, dtype=np.int64)).labelled(0)


def _look(
    points: np.ndarray,
    normals: np.ndarray,
    scene: Mesh,
    view: tuple[float, float, float],
    noise: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Which points one camera sees, (M,) bool, and where it measures them, (M, 3)."""
    azimuth, elevation, distance = view
    frame = camera_frame(azimuth, elevation)
    focal = BUFFER / 2 * distance / REACH

    def project(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        local = where @ frame.T
        depth = distance - local[:, 2]
        return local[:, :2] * (1, -1) * (focal / depth)[:, None] + BUFFER / 2, depth

    xy, depth = project(scene.vertices)
    _, nearness = rasterize(xy, 1 / depth, scene.faces, BUFFER)
    xy, depth = project(points)
    column, row = np.floor(xy).astype(np.int64).T
    on_screen = (column >= 0) & (column < BUFFER) & (row >= 0) & (row < BUFFER)
    surface = 1 / np.maximum(nearness[np.clip(row, 0, BUFFER - 1), np.clip(column, 0, BUFFER - 1)], 1e-6)

    ray = points - distance * frame[2]
    length = np.linalg.norm(ray, axis=1)
    ray /= length[:, None]
    cosine = -np.sum(ray * normals, axis=1)  # negative on the sides that look away
    slant = np.minimum(np.sqrt(np.maximum(1 - cosine**2, 0)) / np.maximum(cosine, 1e-3), 4)
    # within one pixel a slanted surface spans a range of depths
    visible = on_screen & (depth <= surface + depth / focal * (1 + slant))
    visible &= rng.random(len(points)) < (cosine - 0.06) / 0.25  # grazing returns are lost

    # sensor noise grows with the square of the distance, and along the ray with the slant
    sigma = noise * (length / 4) ** 2
    along = rng.normal(size=len(points)) * sigma * (1 + 0.5 * slant)
    stray = rng.random(len(points)) < rng.uniform(0.003, 0.015)
    along[stray] += rng.normal(0, 0.12, stray.sum())
    return visible, points + along[:, None] * ray + rng.normal(size=points.shape) * (0.35 * sigma)[:, None]


def patches(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Patches that no frame of the scan happened to cover: (M,) bool."""
    count = rng.integers(0, 5)
    centres, radii = points[rng.integers(0, len(points), count)], rng.uniform(0.06, 0.22, count)
    return np.any(np.linalg.norm(points[:, None] - centres, axis=2) < radii, axis=1)


def refill(points: np.ndarray, n: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """`n` of the points; where there are too few, the rest are repeats measured anew."""
    chosen = points[rng.permutation(len(points))[:n]]
    if len(chosen) < n:
        again = chosen[rng.integers(0, len(chosen), n - len(chosen))]
        chosen = np.concatenate([chosen, again + rng.normal(0, noise, again.shape)])
    return chosen


def unit_sphere(points: np.ndarray) -> np.ndarray:
    points = points - points.mean(0)
    return (points / np.linalg.norm(points, axis=1).max()).astype(np.float32)


def _turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Rotate about y."""
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def _area(mesh: Mesh) -> float:
    a, b, c = mesh.triangles.swapaxes(0, 1)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)
