"""A small z-buffer renderer in numpy: flat-shaded pictures of meshes on a plain background."""

from __future__ import annotations

import colorsys

import numpy as np

from datasets.demo.mesh import Mesh, cross

View = tuple[float, float, float]


def camera_frame(azimuth: float, elevation: float) -> np.ndarray:
    """Axes of a camera that looks at the origin; y is up in the world and azimuth 0 looks at the front (from +z).

    Args:
        azimuth: degrees around y, positive towards +x.
        elevation: degrees above the horizon.

    Returns:
        (3, 3) rows: right, up, and from the origin towards the camera.
    """
    a, e = np.radians([azimuth, elevation])
    right = [np.cos(a), 0.0, -np.sin(a)]
    up = [-np.sin(a) * np.sin(e), np.cos(e), -np.cos(a) * np.sin(e)]
    towards = [np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]
    return np.array([right, up, towards])


def rasterize(xy: np.ndarray, nearness: np.ndarray, faces: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest face at every pixel centre of a square image.

    All faces are cut into pixel rows, and all rows into pixels, at once; no loop over faces or pixels.

    Args:
        xy: (V, 2) vertices in pixels, x to the right, y down; pixel (0, 0) covers [0, 1) x [0, 1).
        nearness: (V,) positive 1 / depth of the vertices (which, unlike depth, is linear on the screen).
        faces: (F, 3) vertex indices, of either winding.
        size: width and height of the image.

    Returns:
        (size, size) int64 face index, -1 where nothing is; (size, size) float64 nearness, 0 where nothing is.
    """
    xs, ys = xy.T.astype(np.float64)
    order = np.argsort(ys[faces], axis=1)
    corners = np.ascontiguousarray(np.take_along_axis(faces, order, axis=1).T)
    x, y, depth = xs[corners], ys[corners], nearness.astype(np.float64)[corners]

    first = np.clip(np.ceil(y[0] - 0.5), 0, size).astype(np.int64)
    last = np.clip(np.ceil(y[2] - 0.5), 0, size).astype(np.int64)
    face, row = _expand(first, last)
    centre = row + 0.5
    long_side, upper, lower = (_edge(x, y, a, b) for a, b in ((0, 2), (0, 1), (1, 2)))
    side_a = x[0][face] + (centre - y[0][face]) * long_side[face]
    middle = y[1][face]
    side_b = x[1][face] + (centre - middle) * np.where(centre < middle, upper[face], lower[face])
    left = np.clip(np.ceil(np.minimum(side_a, side_b) - 0.5), 0, size).astype(np.int64)
    right = np.clip(np.ceil(np.maximum(side_a, side_b) - 0.5), 0, size).astype(np.int64)

    # nearness = base + slope_x * x + slope_y * y on each face; edge-on faces cover no pixel centre, so any slope does
    ux, uy, vx, vy = x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]
    du, dv = depth[1] - depth[0], depth[2] - depth[0]
    area = ux * vy - uy * vx
    area[np.abs(area) < 1e-9] = np.inf
    slope_x, slope_y = (du * vy - dv * uy) / area, (dv * ux - du * vx) / area
    base = depth[0] - slope_x * x[0] - slope_y * y[0]
    row_base = base[face] + slope_y[face] * centre
    span, column = _expand(left, right)
    near = row_base[span] + slope_x[face][span] * (column + 0.5)
    # slivers extrapolate badly: no pixel of a face lies nearer or farther than its corners
    np.maximum(near, depth.min(0)[face][span], out=near)
    np.minimum(near, depth.max(0)[face][span], out=near)

    # one integer a candidate, depth in the high bits and face in the low ones, so that one maximum decides both
    top = depth.max(initial=1e-12)
    key = (np.rint(near / top * (2**31 - 1)).astype(np.int64) << 32) | face[span]
    winner = np.full(size * size, -1, dtype=np.int64)
    np.maximum.at(winner, (row * size)[span] + column, key)
    winner = winner.reshape(size, size)
    hit = winner >= 0
    return np.where(hit, winner & 0xFFFFFFFF, -1), np.where(hit, (winner >> 32) * (top / (2**31 - 1)), 0.0)


def _expand(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every integer of every range [start, stop): the index of its range, and its value."""
    counts = np.maximum(stop - start, 0)
    owner = np.repeat(np.arange(len(counts)), counts)
    offset = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - (offset - start)[owner]


def _edge(x: np.ndarray, y: np.ndarray, a: int, b: int) -> np.ndarray:
    """dx / dy of the edge between two corners; 0 for level edges, which no pixel row asks for."""
    rise = y[b] - y[a]
    return (x[b] - x[a]) / np.where(rise > 1e-12, rise, np.inf)


def draw_view(rng: np.random.Generator) -> View:
    """Draw (azimuth, elevation, distance): mostly a front three-quarter view, sometimes from anywhere around."""
    azimuth = rng.choice([-1, 1]) * rng.normal(38, 18) if rng.random() < 0.7 else rng.uniform(-180, 180)
    return float(azimuth), float(45 * rng.beta(2.0, 1.8)), float(rng.uniform(2.4, 5.0))


def render(
    mesh: Mesh,
    rng: np.random.Generator | None = None,
    size: int = 128,
    view: View | None = None,
    color: tuple[float, float, float] | None = None,
    palette: np.ndarray | None = None,
) -> np.ndarray:
    """Draw a mesh in perspective with Lambert and ambient shading, anti-aliased by 2 x 2 supersampling.

    Args:
        mesh: what to draw, at any place and scale; y is up, the front faces +z.
        rng: draws view, colours, light, background and framing; seed 0 if absent.
        size: width and height in pixels.
        view: (azimuth, elevation) in degrees and distance in radii of the mesh; drawn if absent.
        color: RGB in 0..1 around which the parts vary; drawn if absent.
        palette: (parts, 3) RGB in 0..1 of the parts themselves; drawn if absent.

    Returns:
        (size, size, 3) uint8.

    Raises:
        ValueError: if the camera would stand inside the mesh's sphere.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    drawn = draw_view(rng)
    azimuth, elevation, distance = drawn if view is None else view
    if distance <= 1:
        raise ValueError(f"the camera must stand outside the mesh, at a distance above 1 radius, got {distance}")
    drawn_palette = draw_palette(int(mesh.part.max()) + 1, color, rng)
    palette = drawn_palette if palette is None else palette
    light = np.array([rng.uniform(-0.9, 0.9), rng.uniform(0.4, 1.3), rng.uniform(0.4, 1.2)])
    ambient, fill = rng.uniform(0.3, 0.45), rng.uniform(0.08, 0.22)
    background = np.full(3, rng.uniform(0.94, 1.0))
    if rng.random() < 0.3:
        background = rng.uniform(0.75, 1.0) * (1 - 0.2 * rng.random(3))
    fit, shift = rng.uniform(0.74, 0.94), rng.uniform(-1, 1, 2)

    seen = mesh.normalized().vertices.astype(np.float64) @ camera_frame(azimuth, elevation).T
    depth = distance - seen[:, 2]

    fine = 2 * size
    xy = seen[:, :2] / depth[:, None] * (1, -1)
    low, high = xy.min(0), xy.max(0)
    scale = fit * fine / max((high - low).max(), 1e-12)
    spare = (fine - scale * (high - low)) / 2
    xy = (xy - (low + high) / 2) * scale + fine / 2 + shift * 0.4 * spare
    face, _ = rasterize(xy, 1 / depth, mesh.faces, fine)

    a, b, c = seen[mesh.faces.T]
    normal = cross(b - a, c - a)
    normal /= np.maximum(np.sqrt(np.einsum("ij,ij->i", normal, normal)), 1e-12)[:, None]
    away = np.einsum("ij,ij->i", normal, a - (0, 0, distance)) > 0
    lambert = np.maximum(np.where(away, -1, 1) * (normal @ (light / np.linalg.norm(light))), 0)
    shade = ambient + fill * np.abs(normal[:, 2]) + (1.05 - ambient - fill) * lambert

    colors = np.vstack([palette[mesh.part] * shade[:, None], background])  # row -1 is the background
    quarters = [colors.take(face[i::2, j::2], 0) for i in (0, 1) for j in (0, 1)]
    image = (quarters[0] + quarters[1] + quarters[2] + quarters[3]) / 4
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def render_views(mesh: Mesh, n: int, rng: np.random.Generator, size: int = 128) -> np.ndarray:
    """Draw a mesh `n` times, each time from another view and in other colours.

    Returns:
        (n, size, size, 3) uint8.
    """
    return np.stack([render(mesh, rng, size) for _ in range(n)])


def draw_palette(parts: int, color: tuple[float, float, float] | None, rng: np.random.Generator) -> np.ndarray:
    """(parts, 3) RGB around one base colour; some parts take an accent colour or a grey instead."""
    base = np.array([rng.random(), rng.beta(1.3, 1.8), rng.uniform(0.45, 0.95)])
    accent = np.array([rng.random(), rng.beta(1.3, 1.8), rng.uniform(0.25, 0.9)])
    if color is not None:
        base = np.array(colorsys.rgb_to_hsv(*color))
    hsv = np.where(rng.random((parts, 1)) < 0.3, accent, base) + rng.normal(0, [0.02, 0.06, 0.09], (parts, 3))
    hsv = np.column_stack([hsv[:, 0] % 1, np.clip(hsv[:, 1], 0, 1), np.clip(hsv[:, 2], 0.15, 1)])
    return np.array([colorsys.hsv_to_rgb(*row) for row in hsv])
