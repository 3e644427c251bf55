"""Make the rooms of S3DIS from its raw data: `python -m datasets.s3dis_convert --raw DIR --out data/stanford_indoor3d`.

The raw data has a text file for each object of a room, with x y z r g b a line. The result is one array a room, moved
so that its smallest x, y and z are 0, with the object's class as a seventh column. Rooms that are there already are
left alone, so an interrupted run goes on where it stopped.
"""

import math
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

from datasets.readers import read_points_txt
from datasets.s3dis import CLASS_NAMES, S3DIS
from utils.errors import Parser, UserError, run_command
from utils.files import atomic_write, writing
from utils.logging import progress

LAYOUT = "Area_<a>/<room>_<n>/Annotations/<class>_<n>.txt, a line x y z r g b a point"
RAW_COLUMNS = 6

Conversion = tuple[Path, Path, bool]  # the arguments of convert_room


def find_rooms(raw: Path) -> list[Path]:
    """Find the folders of rooms.

    Raises:
        UserError: if there are none.
    """
    rooms = sorted(path.parent for path in raw.glob("Area_[0-9]*/*/Annotations") if path.is_dir())
    if not rooms:
        raise UserError(f"{raw} holds no raw rooms; expected layout: {LAYOUT}; get it from: {S3DIS.SOURCE}")
    return rooms


def objects_of(room: Path) -> list[Path]:
    """Files of the objects of a room, in the order of their names."""
    return sorted(file for file in (room / "Annotations").glob("*.txt") if not file.name.startswith("."))


def name_of(path: Path) -> str:
    """Name of an object, from that of its file: <name>_<n>.txt, or <name>.txt."""
    return path.stem.rpartition("_")[0] or path.stem


def class_of(path: Path) -> int:
    """Class of an object, from the name of its file; what is not among the 13 classes, like stairs, is clutter."""
    name = name_of(path)
    return CLASS_NAMES.index(name if name in CLASS_NAMES else "clutter")


def convert_room(room: Path, path: Path, repair: bool = False) -> list[str]:
    """Convert one room and write it by an atomic write.

    Args:
        room: its raw folder.
        path: where the array (n, 7) float32 is written.
        repair: drop lines that are not 6 numbers, rather than refuse the room.

    Returns:
        A line of text for each line that was dropped.

    Raises:
        UserError: for a room without objects, an empty file, or (unless `repair`) a damaged line, naming file and line.
    """
    files = objects_of(room)
    if not files:
        raise UserError(f"{room / 'Annotations'} holds no objects; expected layout: {LAYOUT}")
    objects, dropped = [], []
    for file in files:
        values, told = _read_object(file, repair)
        objects.append(np.column_stack([values, np.full(len(values), class_of(file), np.float32)]))
        dropped += told
    array = np.concatenate(objects)
    array[:, :3] -= array[:, :3].min(0)
    with writing(path), atomic_write(path) as temporary, open(temporary, "wb") as out:
        np.save(out, array)
    return dropped


def _read_object(path: Path, repair: bool) -> tuple[np.ndarray, list[str]]:
    """Read the points of one object, (n, 6) float32, and tell what was dropped."""
    try:
        return read_points_txt(path, RAW_COLUMNS), []
    except UserError as error:
        reason = error
    try:
        lines = path.read_bytes().decode(errors="replace").split("\n")
    except OSError:
        raise reason from None
    good, bad = [], []
    for number, line in enumerate(lines, 1):
        values = _numbers(line)
        if values is not None:
            good.append(values)
        elif line.strip():
            bad.append(f"{path}, line {number}: expected {RAW_COLUMNS} numbers, got {line.strip()[:60]!r}")
    if not bad or not good:
        raise reason
    if not repair:
        raise UserError(f"{bad[0]}; --repair drops such lines ({len(bad)} in this file)")
    return np.array(good, np.float32), bad


def _numbers(line: str) -> list[float] | None:
    """The finite numbers of a line, None if they are not as many as there should be."""
    try:
        values = [float(value) for value in line.split()]
    except ValueError:
        return None
    return values if len(values) == RAW_COLUMNS and all(map(math.isfinite, values)) else None


def _convert(task: Conversion) -> list[str]:
    return convert_room(*task)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the group; the parent alone answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _each(tasks: list[Conversion], workers: int) -> Iterator[list[str]]:
    """Convert rooms, in whatever order they are done."""
    if workers == 1:
        yield from map(_convert, tasks)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
    try:
        for done in as_completed([pool.submit(_convert, task) for task in tasks]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def main() -> None:
    parser = Parser(description="Make the rooms of S3DIS from its raw data.")
    parser.add_argument("--raw", required=True, help="folder Stanford3dDataset_v1.2_Aligned_Version")
    parser.add_argument("--out", default="data/stanford_indoor3d", help="folder to write to (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    parser.add_argument("--repair", action="store_true", help="drop damaged lines and name them, rather than stop")
    args = parser.parse_args()
    if args.workers < 1:
        raise UserError(f"--workers must be at least 1, got {args.workers}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    rooms, out = find_rooms(Path(args.raw)), Path(args.out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    tasks = [(room, out / f"{room.parent.name}_{room.name}.npy", args.repair) for room in rooms]
    tasks = [task for task in tasks if not task[1].exists()]
    lines = 0
    with progress(total=len(rooms), initial=len(rooms) - len(tasks), desc="S3DIS", unit="room") as bar:
        for dropped in _each(tasks, min(args.workers, max(1, len(tasks)))):
            bar.update()
            for line in dropped:
                bar.write(f"dropped {line}")
            lines += len(dropped)
    print(f"{len(tasks)} rooms converted, {len(rooms) - len(tasks)} were there, {lines} lines dropped: {out}")
    names = Counter(name_of(file) for room in rooms for file in objects_of(room))
    strange = [f"{name} ({names[name]})" for name in sorted(names.keys() - {*CLASS_NAMES, "stairs"})]
    if strange:
        print(f"objects whose names are of no class are clutter: {', '.join(strange)}")
        print(f"if they should not be: rename them, delete their rooms in {out} and repeat")


if __name__ == "__main__":
    run_command(main)
