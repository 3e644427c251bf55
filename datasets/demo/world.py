"""The synthetic world on disk: generated shapes in the layouts of ShapeNet-55, ModelNet40/10, ScanObjectNN,
ShapeNetPart and S3DIS."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from PIL import Image

from datasets.demo.mesh import Mesh
from datasets.demo.render import render
from datasets.demo.rooms import AREAS, make_room
from datasets.demo.scan import capture, obj_bg, obj_only, pb_t50_rs
from datasets.demo.shapes import PART_NAMES, make_shape
from datasets.demo.sources import source_hash
from datasets.demo.vocabulary import (
    DEMO_CATEGORIES,
    DEMO_MODELNET10,
    DEMO_MODELNET40,
    FURTHER,
    RENAMED,
    SHAPENET,
)
from datasets.scanobjectnn import CLASS_NAMES as SCANOBJECTNN
from datasets.shapenetpart import PARTS
from utils.errors import UserError
from utils.logging import progress
from utils.registry import suggestion
from utils.workers import Processes

ALL_LISTS = "ShapeNet-all"  # lists in which pretraining sees all categories

# What each category has in the place of ShapeNetPart's parts, in their order; parts joined by + count as one.
PARTS_OF = {
    "airplane": ["fuselage+landing gear", "wing", "tail", "engine"],
    "bag": ["handle", "body+pocket"],
    "car": ["cabin", "light", "wheel", "body"],
    "chair": ["back", "seat", "legs", "arms"],
    "guitar": ["head", "neck", "body+bridge+stand"],
    "lamp": ["base", "shade", "bulb", "pole"],
    "laptop": ["base+keys+extras", "lid+screen"],
    "mug": ["handle", "body+lid+saucer"],
    "rocket": ["body+engine", "fin", "nose"],
    "table": ["top+things", "legs", "shelf+chairs"],
}
# ShapeNetPart's synset numbers by its own names, with those of categories that the world lacks
PART_SYNSETS = {
    "Cap": "02954340",
    "Earphone": "03261776",
    "Knife": "03624134",
    "Motorbike": "03790512",
    "Pistol": "03948459",
    "Skateboard": "04225987",
} | {name.capitalize(): SHAPENET[name] for name in PARTS_OF}

# (train, test) shapes a class, (train, val, test) for parts; rooms: (rooms an area at most, points a room)
SCALES = {
    "full": {
        "shapenet_per_class": (90, 10),
        "modelnet_per_class": (20, 10),
        "scan_per_class": (12, 20),
        "part_per_class": (20, 4, 10),
        "rooms": (4, 32000),
    },
    "smoke": {
        "shapenet_per_class": (4, 2),
        "modelnet_per_class": (3, 2),
        "scan_per_class": (3, 2),
        "part_per_class": (3, 1, 2),
        "rooms": (1, 8000),
    },
}
SPLITS = ("train", "test")
PART_SPLITS = ("train", "val", "test")
HARDEST_COPIES = 3
SHAPENET_FOLDER = "ShapeNet55-34"
MODELNET_FOLDER = "ModelNet/modelnet40_normal_resampled"
SCAN_FOLDER = "ScanObjectNN"
PART_FOLDER = "shapenetcore_partanno_segmentation_benchmark_v0_normal"
ROOM_FOLDER = "stanford_indoor3d"
SCAN_FILES = {
    "obj_bg": "main_split/{}_objectdataset.h5",
    "obj_only": "main_split_nobg/{}_objectdataset.h5",
    "hardest": "main_split/{}_objectdataset_augmentedrot_scale75.h5",
}


class Job(NamedTuple):
    """One shape to make."""

    kind: str  # shapenet, further, modelnet, scan, part, room
    split: str  # for rooms, the area
    name: str  # class name as the data set writes it; for rooms, the type
    index: int  # within split and class
    stem: str  # file name without suffix
    seed: int
    folder: Path
    size: int  # pixels of a shapenet render, points of a room


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
    part_per_class: tuple[int, int, int] | None = None,
    rooms: tuple[int, int] | None = None,
    workers: int = 2,
    image_size: int = 128,
    quiet: bool = False,
    all_categories: bool = False,
) -> bool:
    """Write the synthetic world below `out`, unless that very world already stands there.

    It is built beside `out` and moved there when complete, so an interruption leaves nothing half-made. The file
    `world.json` marks a finished world and says what it was made from.

    Args:
        out: folder for the data sets; takes the place of `data`.
        seed: the whole world follows from it; no shape is shared between splits, data sets or seeds.
        scale: `full` or `smoke`, the default counts.
        shapenet_per_class, modelnet_per_class, scan_per_class: (train, test) shapes a class.
        part_per_class: (train, val, test) shapes a category of ShapeNetPart.
        rooms: how many rooms an area of S3DIS has at most, and how many points a room.
        workers: processes.
        image_size: pixels a side of the ShapeNet renders.
        quiet: no progress bar.
        all_categories: add shapes of the other categories to those of ShapeNet, with lists of all in `ALL_LISTS`;
            everything else stays as it is.

    Returns:
        True if the world was made, False if it was up to date.

    Raises:
        UserError: for a bad argument, a folder that holds something else, or a disk that cannot be written.
    """
    if scale not in SCALES:
        raise UserError(f"unknown world scale '{scale}'{suggestion(scale, SCALES)}")
    given = {
        "shapenet_per_class": shapenet_per_class,
        "modelnet_per_class": modelnet_per_class,
        "scan_per_class": scan_per_class,
        "part_per_class": part_per_class,
        "rooms": rooms,
    }
    counts = {key: list(value or SCALES[scale][key]) for key, value in given.items()}
    for key, value in counts.items():
        expected = len(SCALES[scale][key])
        if len(value) != expected or min(value) < 1:
            raise UserError(f"{key} must be {expected} counts of at least 1, got {value}")
    for key, value, least in (("seed", seed, 0), ("workers", workers, 1), ("image_size", image_size, 16)):
        if value < least:
            raise UserError(f"{key} must be at least {least}, got {value}")

    out = Path(out).resolve()
    record = {"seed": seed, **counts, "image_size": image_size, "source": source_hash(__name__)}
    record |= {"all_categories": True} if all_categories else {}
    if _existing(out) == record:
        return False
    building = out.with_name(f".{out.name}.{os.getpid()}.building")
    try:
        _build(building, record, workers, quiet)
        _replace(building, out)
    except OSError as error:
        raise UserError(f"the synthetic world cannot be written to {out}: {error}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return True


def summary(out: str | os.PathLike) -> list[tuple[str, str, str, float]]:
    """What a finished world holds: rows of (folder, data set, how much it holds, MiB)."""
    out = Path(out)
    record = json.loads((out / "world.json").read_text())
    rows = []
    for folder, title, key, classes in (
        (SHAPENET_FOLDER, "ShapeNet-55", "shapenet_per_class", SHAPENET),
        (MODELNET_FOLDER, "ModelNet40", "modelnet_per_class", DEMO_MODELNET40),
        (SCAN_FOLDER, "ScanObjectNN", "scan_per_class", SCANOBJECTNN),
        (PART_FOLDER, "ShapeNetPart", "part_per_class", PARTS_OF),
    ):
        rows.append((folder, f"{title} stand-in, {len(classes)} classes", f"{sum(record[key]) * len(classes)} shapes"))
    if record.get("all_categories"):
        count = sum(record["shapenet_per_class"]) * len(FURTHER)
        rows.append((f"{SHAPENET_FOLDER}/{ALL_LISTS}", f"further {len(FURTHER)} classes", f"{count} shapes"))
    rows.append((ROOM_FOLDER, f"S3DIS stand-in, {len(AREAS)} areas", f"{len(_rooms(record['rooms'][0]))} rooms"))
    sizes = [sum(path.stat().st_size for path in (out / row[0]).rglob("*") if path.is_file()) for row in rows]
    return [(*row, size / 2**20) for row, size in zip(rows, sizes, strict=True)]


def part_table(category: str) -> np.ndarray:
    """ShapeNetPart's labels 0..49 of the parts that `make_shape` gives a category, by position."""
    numbers = zip(PARTS[category.capitalize()], PARTS_OF[category], strict=True)
    place = {part: number for number, parts in numbers for part in parts.split("+")}
    return np.array([place[part] for part in PART_NAMES[category]])


def teacher_renders(
    categories: Sequence[str] | None = None,
    per_class: int = 100,
    seed: int = 0,
    size: int = 64,
    workers: int = 2,
    quiet: bool = False,
    wide: bool = False,
) -> tuple[np.ndarray, list[str]]:
    """Pictures of shapes that no data set holds, with their names, to train a small image/text teacher on.

    Args:
        categories: which; those of the demo's worlds if absent.
        per_class: shapes, and so pictures, a category.
        seed: draws the shapes; independent of every world, even of the same seed.
        size: pixels a side.
        workers: processes.
        quiet: no progress bar.
        wide: draw all variants of a category, see `make_shape`.

    Returns:
        (n, size, size, 3) uint8 and n names: of those that the data sets use for a category, one drawn at random.
    """
    names = {category: [category] for category in (categories or DEMO_CATEGORIES)}
    for other, category in RENAMED.items():
        if category in names and other.replace("_", " ") != category:
            names[category].append(other)
    jobs = [(category, index, seed, size, wide) for index in range(per_class) for category in names]
    images = [image for _, image in _each(_teacher_render, jobs, workers, "rendering", quiet)]
    rng = shape_rng(seed, "teacher", "names")
    return np.stack(images), [str(rng.choice(names[category])) for category, *_ in jobs]


def _existing(out: Path) -> dict | None:
    """The record of the world at `out`, {} for a damaged one, None if there is nothing.

    Raises:
        UserError: if `out` is something else than a world.
    """
    if not out.exists():
        return None
    if not out.is_dir():
        raise UserError(f"{out} is a file; the synthetic world needs a folder")
    if not any(out.iterdir()):
        return None
    try:
        return json.loads((out / "world.json").read_text())
    except FileNotFoundError:
        message = f"{out} is not empty and holds no world.json, so it is not an synthetic world and is left alone"
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
    jobs = _jobs(folder, record)
    for path in ("shapenet_pc", "shapenet_img"):
        (folder / SHAPENET_FOLDER / path).mkdir(parents=True)
    for name in DEMO_MODELNET40:
        (folder / MODELNET_FOLDER / name).mkdir(parents=True)
    for name in PARTS_OF:
        (folder / PART_FOLDER / SHAPENET[name]).mkdir(parents=True)
    (folder / ROOM_FOLDER).mkdir()
    scans = [(job, made) for job, made in _each(_make, jobs, workers, "synthetic world", quiet) if job.kind == "scan"]
    _write_shapenet_lists(folder / SHAPENET_FOLDER, "ShapeNet-55", jobs, SHAPENET)
    if record.get("all_categories"):
        _write_shapenet_lists(folder / SHAPENET_FOLDER, ALL_LISTS, jobs, SHAPENET | FURTHER)
    _write_modelnet_lists(folder / MODELNET_FOLDER, jobs)
    _write_part_lists(folder / PART_FOLDER, jobs)
    _write_scans(folder / SCAN_FOLDER, scans)
    (folder / "world.json").write_text(json.dumps(record, indent=1) + "\n")


def _jobs(folder: Path, record: dict) -> list[Job]:
    """Everything there is to make, mixed, so that the time left is estimated well and so that any first part of the
    lists holds every class; the order within a data set does not depend on the others."""
    seed = record["seed"]
    jobs: dict[str, list[Job]] = {}
    further = [("further", FURTHER, SPLITS)] if record.get("all_categories") else []
    for kind, classes, splits in (
        ("shapenet", SHAPENET, SPLITS),
        *further,
        ("modelnet", DEMO_MODELNET40, SPLITS),
        ("scan", SCANOBJECTNN, SPLITS),
        ("part", PARTS_OF, PART_SPLITS),
    ):
        counts = record[f"{'shapenet' if kind == 'further' else kind}_per_class"]
        ids = shape_rng(seed, "ids") if kind == "shapenet" else shape_rng(seed, "ids", kind)
        own = jobs[kind] = []
        for name in classes:
            number = 0
            for split, count in zip(splits, counts, strict=True):
                for index in range(count):
                    number += 1
                    stem = f"{name}_{number:04d}"
                    if kind in ("shapenet", "further", "part"):
                        synset = FURTHER[name] if kind == "further" else SHAPENET[name]
                        stem = f"{synset}{'/' if kind == 'part' else '-'}{ids.bytes(16).hex()}"
                    own.append(Job(kind, split, name, index, stem, seed, folder, record["image_size"]))
    most, points = record["rooms"]
    jobs["room"] = [
        Job("room", f"Area_{area}", name, index, stem, seed, folder, points) for area, name, index, stem in _rooms(most)
    ]
    mixed = []
    for kind, own in jobs.items():
        order = shape_rng(seed, "order", kind).permutation(len(own))
        mixed += [((place + 0.5) / len(own), own[i]) for place, i in enumerate(order)]
    return [job for _, job in sorted(mixed, key=lambda pair: pair[0])]


def _rooms(most: int) -> list[tuple[int, str, int, str]]:
    """The first rooms of each area: area, type, position in the area, file name without suffix."""
    return [
        (area, kind, i, f"Area_{area}_{kind}_{kinds[:i].count(kind) + 1}")
        for area, kinds in AREAS.items()
        for i, kind in enumerate(kinds[:most])
    ]


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
        with Processes(workers) as pool:
            for job, made in zip(jobs, pool.each(function, jobs, chunksize=4), strict=True):
                yield job, made
                bar.update()


def _shape(name: str, rng: np.random.Generator) -> Mesh:
    return make_shape(RENAMED.get(name, name), rng)


def _teacher_render(job: tuple[str, int, int, int, bool]) -> np.ndarray:
    category, index, seed, size, wide = job
    rng = shape_rng(seed, "teacher", category, index)
    return render(make_shape(category, rng, wide=wide), rng, size)


def _make(job: Job) -> dict[str, np.ndarray] | None:
    """Make one shape or room and write its files; scans are returned, since many share a file."""
    rng = shape_rng(job.seed, job.kind, job.split, job.name, job.index)
    if job.kind == "room":
        room = make_room(job.name, rng, job.size, everything=job.index == 0)
        np.save(job.folder / ROOM_FOLDER / f"{job.stem}.npy", room)
        return None
    mesh = _shape(job.name, rng)
    if job.kind == "scan":
        neighbour = _shape(str(rng.choice(SCANOBJECTNN)), rng)
        shot = capture(mesh, rng, neighbour)
        return {
            "obj_bg": obj_bg(shot, rng)[None],
            "obj_only": obj_only(shot, rng)[None],
            "hardest": np.stack([pb_t50_rs(shot, rng) for _ in range(HARDEST_COPIES)]),
        }
    if job.kind in ("shapenet", "further"):
        folder = job.folder / SHAPENET_FOLDER
        np.save(folder / "shapenet_pc" / f"{job.stem}.npy", mesh.sample(8192, rng)[0].astype(np.float32))
        image = Image.fromarray(render(mesh, rng, job.size))
        image.save(folder / "shapenet_img" / f"{job.stem}.png")
        return None
    if job.kind == "part":
        points, normals, parts = mesh.sample(2500, rng)
        values = np.column_stack([points, normals, part_table(job.name)[parts]])
        _write_table(job.folder / PART_FOLDER / f"{job.stem}.txt", values, " ")
        return None
    points, normals, _ = mesh.sample(10000, rng)
    points = points - points.mean(0)
    points /= np.linalg.norm(points, axis=1).max()
    _write_table(job.folder / MODELNET_FOLDER / job.name / f"{job.stem}.txt", np.hstack([points, normals]), ",")
    return None


def _write_table(path: Path, values: np.ndarray, delimiter: str) -> None:
    """A line a row; much faster than `np.savetxt`."""
    line = delimiter.join(["%.6f"] * values.shape[1]) + "\n"
    path.write_text(line * len(values) % tuple(values.ravel().tolist()))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def _write_shapenet_lists(folder: Path, lists: str, jobs: list[Job], classes: dict[str, str]) -> None:
    """Write the lists of some categories, and the names of these: beside the lists, but for those of ShapeNet-55."""
    (folder / lists).mkdir()
    for split in SPLITS:
        pretraining = (job for job in jobs if job.kind in ("shapenet", "further") and job.name in classes)
        own = [job for job in pretraining if job.split == split]
        _write_lines(folder / lists / f"{split}.txt", (f"{job.stem}.npy" for job in own))
    records = [{"catalogue": int(synset), "describe": name} for name, synset in classes.items()]
    names = folder if lists == "ShapeNet-55" else folder / lists
    (names / "shapenet55.json").write_text(json.dumps(records, indent=1) + "\n")


def _write_modelnet_lists(folder: Path, jobs: list[Job]) -> None:
    for title, classes in (("modelnet40", DEMO_MODELNET40), ("modelnet10", DEMO_MODELNET10)):
        _write_lines(folder / f"{title}_shape_names.txt", classes)
        for split in SPLITS:
            own = [job for job in jobs if (job.kind, job.split) == ("modelnet", split) and job.name in classes]
            _write_lines(folder / f"{title}_{split}.txt", sorted(job.stem for job in own))


def _write_part_lists(folder: Path, jobs: list[Job]) -> None:
    _write_lines(folder / "synsetoffset2category.txt", (f"{name}\t{PART_SYNSETS[name]}" for name in PARTS))
    (folder / "train_test_split").mkdir()
    for split in PART_SPLITS:
        entries = [f"shape_data/{job.stem}" for job in jobs if (job.kind, job.split) == ("part", split)]
        (folder / "train_test_split" / f"shuffled_{split}_file_list.json").write_text(json.dumps(entries))


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
                if variant == "hardest":  # which object a cloud is a copy of; the released files lack it
                    file["object"] = np.repeat(np.arange(len(own)), [len(clouds) for _, clouds in own])
