"""The embedded world on disk: generated shapes in the layouts of ShapeNet-55, ModelNet40/10 and ScanObjectNN."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from PIL import Image

from datasets.demo.mesh import Mesh
from datasets.demo.render import render
from datasets.demo.scan import capture, obj_bg, obj_only, pb_t50_rs
from datasets.demo.shapes import CATEGORIES, make_shape
from utils.errors import UserError
from utils.logging import progress
from utils.registry import nearest

# ShapeNet synset numbers of the categories that pretraining sees
SHAPENET = {
    "airplane": "02691156",
    "bag": "02773838",
    "bathtub": "02808440",
    "bed": "02818832",
    "bench": "02828884",
    "bookshelf": "02871439",
    "bottle": "02876657",
    "bowl": "02880940",
    "cabinet": "02933112",
    "car": "02958343",
    "chair": "03001627",
    "display": "03211117",
    "flower pot": "03991062",
    "guitar": "03467517",
    "keyboard": "03085013",
    "lamp": "03636649",
    "laptop": "03642806",
    "mug": "03797390",
    "piano": "03928116",
    "pillow": "03938244",
    "rocket": "04099429",
    "sofa": "04256520",
    "table": "04379243",
    "trash bin": "02747177",
}
UNSEEN = ["cone", "desk", "door", "plant", "sink", "stairs", "stool", "tent", "toilet", "vase"]
MODELNET40 = sorted(
    ["airplane", "bathtub", "bed", "bench", "bookshelf", "bottle", "bowl", "car", "chair", "flower_pot", "guitar"]
    + ["keyboard", "lamp", "laptop", "monitor", "piano", "sofa", "table"]
    + UNSEEN
)
MODELNET10 = ["bathtub", "bed", "chair", "desk", "monitor", "sofa", "table", "toilet"]
SCANOBJECTNN = ["bag", "bin", "box", "cabinet", "chair", "desk", "display", "door", "shelf", "table"]
SCANOBJECTNN += ["bed", "pillow", "sink", "sofa", "toilet"]  # in the released order
RENAMED = {"flower_pot": "flower pot", "monitor": "display", "bin": "trash bin", "shelf": "bookshelf"}

SCALES = {
    "full": {"shapenet_per_class": (90, 10), "modelnet_per_class": (12, 8), "scan_per_class": (12, 20)},
    "smoke": {"shapenet_per_class": (4, 2), "modelnet_per_class": (3, 2), "scan_per_class": (3, 2)},
}
SPLITS = ("train", "test")
HARDEST_COPIES = 3
SHAPENET_FOLDER = "ShapeNet55-34"
MODELNET_FOLDER = "ModelNet/modelnet40_normal_resampled"
SCAN_FOLDER = "ScanObjectNN"
SCAN_FILES = {
    "obj_bg": "main_split/{}_objectdataset.h5",
    "obj_only": "main_split_nobg/{}_objectdataset.h5",
    "hardest": "main_split/{}_objectdataset_augmentedrot_scale75.h5",
}


class Job(NamedTuple):
    """One shape to make."""

    kind: str  # shapenet, modelnet, scan
    split: str
    name: str  # class name as the data set writes it
    index: int  # within split and class
    stem: str  # file name without suffix
    seed: int
    folder: Path
    image_size: int


def shape_rng(seed: int, *owner: str | int) -> np.random.Generator:
    """A generator that belongs to one shape, told apart by data set, split, name and index."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, owner)).encode())])


def make_world(
    out: str | os.PathLike,
    seed: int = 0,
    scale: str = "full",
    shapenet_per_class: tuple[int, int] | None = None,
    modelnet_per_class: tuple[int, int] | None = None,
    scan_per_class: tuple[int, int] | None = None,
    workers: int = 2,
    image_size: int = 128,
    quiet: bool = False,
) -> bool:
    """Write the embedded world below `out`, unless that very world already stands there.

    It is built beside `out` and moved there when complete, so an interruption leaves nothing half-made. The file
    `world.json` marks a finished world and says what it was made from.

    Args:
        out: folder for the data sets; takes the place of `data`.
        seed: the whole world follows from it; no shape is shared between splits, data sets or seeds.
        scale: `full` or `smoke`, the default counts.
        shapenet_per_class, modelnet_per_class, scan_per_class: (train, test) shapes a class.
        workers: processes.
        image_size: pixels a side of the ShapeNet renders.
        quiet: no progress bar.

    Returns:
        True if the world was made, False if it was up to date.

    Raises:
        UserError: for a bad argument, a folder that holds something else, or a disk that cannot be written.
    """
    if scale not in SCALES:
        raise UserError(f"unknown world scale '{scale}'{nearest(scale, SCALES)}")
    given = {
        "shapenet_per_class": shapenet_per_class,
        "modelnet_per_class": modelnet_per_class,
        "scan_per_class": scan_per_class,
    }
    counts = {key: list(value or SCALES[scale][key]) for key, value in given.items()}
    for key, value in counts.items():
        if len(value) != 2 or min(value) < 1:
            raise UserError(f"{key} must be two counts of at least 1 (train, test), got {value}")
    for key, value, least in (("seed", seed, 0), ("workers", workers, 1), ("image_size", image_size, 16)):
        if value < least:
            raise UserError(f"{key} must be at least {least}, got {value}")

    out = Path(out).resolve()
    record = {"seed": seed, **counts, "image_size": image_size, "source": _source_hash()}
    if _existing(out) == record:
        return False
    building = out.with_name(f".{out.name}.{os.getpid()}.building")
    try:
        _build(building, record, workers, quiet)
        _replace(building, out)
    except OSError as error:
        raise UserError(f"the embedded world cannot be written to {out}: {error}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return True


def summary(out: str | os.PathLike) -> list[tuple[str, str, int, float]]:
    """What a finished world holds: rows of (folder, data set, shapes, MiB)."""
    out = Path(out)
    record = json.loads((out / "world.json").read_text())
    rows = []
    for folder, title, key, classes in (
        (SHAPENET_FOLDER, "ShapeNet-55", "shapenet_per_class", SHAPENET),
        (MODELNET_FOLDER, "ModelNet40", "modelnet_per_class", MODELNET40),
        (SCAN_FOLDER, "ScanObjectNN", "scan_per_class", SCANOBJECTNN),
    ):
        size = sum(path.stat().st_size for path in (out / folder).rglob("*") if path.is_file())
        title = f"{title} stand-in, {len(classes)} classes"
        rows.append((folder, title, sum(record[key]) * len(classes), size / 2**20))
    return rows


def teacher_renders(
    categories: Sequence[str] | None = None,
    per_class: int = 100,
    seed: int = 0,
    size: int = 64,
    workers: int = 2,
    quiet: bool = False,
) -> tuple[np.ndarray, list[str]]:
    """Pictures of shapes that no data set holds, with their names, to train a small image/text teacher on.

    Args:
        categories: which; all if absent.
        per_class: shapes, and so pictures, a category.
        seed: draws the shapes; independent of every world, even of the same seed.
        size: pixels a side.
        workers: processes.
        quiet: no progress bar.

    Returns:
        (n, size, size, 3) uint8 and n names: of those that the data sets use for a category, one drawn at random.
    """
    names = {category: [category] for category in (categories or CATEGORIES)}
    for other, category in RENAMED.items():
        if category in names and other.replace("_", " ") != category:
            names[category].append(other)
    jobs = [(category, index, seed, size) for index in range(per_class) for category in names]
    images = [image for _, image in _each(_teacher_render, jobs, workers, "rendering", quiet)]
    rng = shape_rng(seed, "teacher", "names")
    return np.stack(images), [str(rng.choice(names[category])) for category, *_ in jobs]


def _source_hash() -> str:
    """Of the modules a world depends on."""
    digest, home = hashlib.sha256(), Path(__file__).parent
    for path in sorted(home.rglob("*.py")):
        if not path.relative_to(home).parts[0].startswith(("__", "teacher")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _existing(out: Path) -> dict | None:
    """The record of the world at `out`, {} for a damaged one, None if there is nothing.

    Raises:
        UserError: if `out` is something else than a world.
    """
    if not out.exists():
        return None
    if not out.is_dir():
        raise UserError(f"{out} is a file; the embedded world needs a folder")
    if not any(out.iterdir()):
        return None
    try:
        return json.loads((out / "world.json").read_text())
    except FileNotFoundError:
        message = f"{out} is not empty and holds no world.json, so it is not an embedded world and is left alone"
        raise UserError(f"{message}; choose another --out") from None
    except ValueError:
        return {}


def _replace(building: Path, out: Path) -> None:
    _existing(out)
    old = building.with_suffix(".old")
    if out.exists():
        out.rename(old)
    try:
        building.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _build(folder: Path, record: dict, workers: int, quiet: bool) -> None:
    seed = record["seed"]
    ids = shape_rng(seed, "ids")
    jobs = []
    for kind, classes in (("shapenet", SHAPENET), ("modelnet", MODELNET40), ("scan", SCANOBJECTNN)):
        for name in classes:
            number = 0
            for split, count in zip(SPLITS, record[f"{kind}_per_class"], strict=True):
                for index in range(count):
                    number += 1
                    stem = f"{SHAPENET[name]}-{ids.bytes(16).hex()}" if kind == "shapenet" else f"{name}_{number:04d}"
                    jobs.append(Job(kind, split, name, index, stem, seed, folder, record["image_size"]))
    for path in (f"{SHAPENET_FOLDER}/shapenet_pc", f"{SHAPENET_FOLDER}/shapenet_img", f"{SHAPENET_FOLDER}/ShapeNet-55"):
        (folder / path).mkdir(parents=True)
    for name in MODELNET40:
        (folder / MODELNET_FOLDER / name).mkdir(parents=True)

    # mixed, so that the time left is estimated well, and so that any first part of the lists holds every class
    jobs = [jobs[i] for i in shape_rng(seed, "order").permutation(len(jobs))]
    scans = [(job, made) for job, made in _each(_make, jobs, workers, "embedded world", quiet) if job.kind == "scan"]
    _write_shapenet_lists(folder / SHAPENET_FOLDER, jobs)
    _write_modelnet_lists(folder / MODELNET_FOLDER, jobs)
    _write_scans(folder / SCAN_FOLDER, scans)
    (folder / "world.json").write_text(json.dumps(record, indent=1) + "\n")


def _each(
    function: Callable[[Any], Any], jobs: Iterable[Any], workers: int, title: str, quiet: bool
) -> Iterator[tuple[Any, Any]]:
    """Yield (job, function(job)) in order, computed by `workers` processes, with a progress bar."""
    jobs = list(jobs)
    with progress(total=len(jobs), desc=title, unit="shape", **({"disable": True} if quiet else {})) as bar:
        if workers == 1:
            for job in jobs:
                yield job, function(job)
                bar.update()
            return
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
        try:
            for job, made in zip(jobs, pool.map(function, jobs, chunksize=4), strict=True):
                yield job, made
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the group; the parent alone answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _shape(name: str, rng: np.random.Generator) -> Mesh:
    return make_shape(RENAMED.get(name, name), rng)


def _teacher_render(job: tuple[str, int, int, int]) -> np.ndarray:
    category, index, seed, size = job
    rng = shape_rng(seed, "teacher", category, index)
    return render(make_shape(category, rng), rng, size)


def _make(job: Job) -> dict[str, np.ndarray] | None:
    """Make one shape and write its files; scans are returned, since many share a file."""
    rng = shape_rng(job.seed, job.kind, job.split, job.name, job.index)
    mesh = _shape(job.name, rng)
    if job.kind == "scan":
        neighbour = _shape(str(rng.choice(SCANOBJECTNN)), rng)
        shot = capture(mesh, rng, neighbour)
        return {
            "obj_bg": obj_bg(shot, rng)[None],
            "obj_only": obj_only(shot, rng)[None],
            "hardest": np.stack([pb_t50_rs(shot, rng) for _ in range(HARDEST_COPIES)]),
        }
    if job.kind == "shapenet":
        folder = job.folder / SHAPENET_FOLDER
        np.save(folder / "shapenet_pc" / f"{job.stem}.npy", mesh.sample(8192, rng)[0].astype(np.float32))
        image = Image.fromarray(render(mesh, rng, job.image_size))
        image.save(folder / "shapenet_img" / f"{job.stem}.png")
        return None
    points, normals, _ = mesh.sample(10000, rng)
    points = points - points.mean(0)
    points /= np.linalg.norm(points, axis=1).max()
    values = np.hstack([points, normals])
    line = ",".join(["%.6f"] * 6) + "\n"
    text = line * len(values) % tuple(values.ravel().tolist())
    (job.folder / MODELNET_FOLDER / job.name / f"{job.stem}.txt").write_text(text)
    return None


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def _write_shapenet_lists(folder: Path, jobs: list[Job]) -> None:
    for split in SPLITS:
        own = [job for job in jobs if (job.kind, job.split) == ("shapenet", split)]
        _write_lines(folder / "ShapeNet-55" / f"{split}.txt", (f"{job.stem}.npy" for job in own))
    records = [{"catalogue": int(synset), "describe": name} for name, synset in SHAPENET.items()]
    (folder / "shapenet55.json").write_text(json.dumps(records, indent=1) + "\n")


def _write_modelnet_lists(folder: Path, jobs: list[Job]) -> None:
    for title, classes in (("modelnet40", MODELNET40), ("modelnet10", MODELNET10)):
        _write_lines(folder / f"{title}_shape_names.txt", classes)
        for split in SPLITS:
            own = [job for job in jobs if (job.kind, job.split) == ("modelnet", split) and job.name in classes]
            _write_lines(folder / f"{title}_{split}.txt", sorted(job.stem for job in own))


def _write_scans(folder: Path, scans: list[tuple[Job, dict[str, np.ndarray]]]) -> None:
    for variant, file_name in SCAN_FILES.items():
        for split, word in zip(SPLITS, ("training", "test"), strict=True):
            own = [(job, made[variant]) for job, made in scans if job.split == split]
            labels = [np.full(len(clouds), SCANOBJECTNN.index(job.name)) for job, clouds in own]
            path = folder / file_name.format(word)
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(path, "w") as file:
                file["data"] = np.concatenate([clouds for _, clouds in own])
                file["label"] = np.concatenate(labels).astype(np.int32)
