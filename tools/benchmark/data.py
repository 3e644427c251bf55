"""Time the loading of pretraining data: `python -m tools.benchmark data`.

Shapes of ShapeNet-55's sizes are made in a temporary folder, and every way of reading them takes turns: samples a
second until finished batches are on the device, and the memory that the loader's processes have of their own.
"""

import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch.utils.data import DataLoader

from datasets import build_dataset, collate
from tools import pack
from tools.benchmark.common import add_common_arguments, prepare_device, provenance, save_figures
from tools.engine.data import to_device
from tools.report.tables import markdown_table, text_table
from utils.errors import Parser, UserError
from utils.logging import progress
from utils.memory import keep_freed_memory

POINTS, PIXELS, BATCH = 8192, 224, 128


class Way(NamedTuple):
    """One way of reading: from which files, and how views are made (`image_path`)."""

    name: str
    packed: str = ""  # which arrays of the pack
    image_path: str = "pillow"


WAYS = (
    Way("plain files"),
    Way("packed clouds", "clouds"),
    Way("packed, views cached", "all"),
    Way("packed, views cached, tensor", "all", "tensor"),
    Way("packed, views cached, device", "all", "device"),
)


def make_shape(folder: Path, number: int) -> None:
    """Write a cloud (8192, 3) and a smooth view of 224 pixels, as large as rendered ones are."""
    rng = np.random.default_rng(number)
    np.save(folder / f"pc/00000000-{number}.npy", rng.standard_normal((POINTS, 3)).astype(np.float32))
    view = Image.new("RGB", (PIXELS, PIXELS), "white")
    for _ in range(12):
        x, y = rng.integers(20, 160, 2).tolist()
        ImageDraw.Draw(view).ellipse([x, y, x + 60, y + 40], fill=tuple(rng.integers(0, 256, 3).tolist()))
    view.filter(ImageFilter.GaussianBlur(1)).save(folder / f"img/00000000-{number}.png")


def make_shapes(folder: Path, count: int, different: int) -> dict[str, Any]:
    """Write shapes, of which so many are different, and pack them; returns the base of a data set section."""
    for name in ("lists", "pc", "img"):
        (folder / name).mkdir()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        made = pool.map(make_shape, [folder] * different, range(different), chunksize=25)
        list(progress(made, total=different, desc="making shapes", unit="shape"))
    for number in range(different, count):
        for name in ("pc/00000000-{}.npy", "img/00000000-{}.png"):
            os.link(folder / name.format(number % different), folder / name.format(number))
    for split, numbers in (("train", range(count)), ("test", range(1))):
        (folder / f"lists/{split}.txt").write_text("\n".join(f"00000000-{i}.npy" for i in numbers))
    (folder / "names.json").write_text(json.dumps([{"catalogue": 0, "describe": "shape"}]))
    paths = {"DATA_PATH": "lists", "PC_PATH": "pc", "IMG_PATH": "img", "TEXT_PATH": "names.json"}
    base = {"NAME": "ShapeNet"} | {key: f"{folder}/{name}" for key, name in paths.items()}
    for name, arguments in (("clouds", ["--no_images"]), ("all", [])):
        (folder / f"{name}.yaml").write_text(json.dumps(base | {"PACK_PATH": f"{folder}/{name}"}))
        pack.main(["shapenet", "--config", f"{folder}/{name}.yaml", *arguments])
    return base


def load(
    base: dict, way: Way, workers: int, device: torch.device, batches: int, ratio: float = 1.0
) -> tuple[float, float, float]:
    """Load batches of an epoch of the first `ratio` of all shapes.

    Returns:
        Samples a second; the memory in MB that the processes which load have of their own at the end; and this
        process's own CPU time a sample in ms, which other work on the machine hardly changes.
    """
    folder = f"{Path(base['PC_PATH']).parent}/{way.packed}" if way.packed else None
    others = {"subset": "train", "whole": False, "ratio": ratio, "image_path": way.image_path, "PACK_PATH": folder}
    data = build_dataset({"_base_": base, "others": others}, "data", "dataset.train")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)).tolist()
    pinned = device.type == "cuda"
    loader = DataLoader(data, BATCH, None, order, num_workers=workers, collate_fn=collate, pin_memory=pinned)
    began = seconds = cpu = 0.0
    for number, batch in enumerate(iterator := iter(loader)):
        data.finish(to_device(batch, device))
        if pinned:
            torch.cuda.synchronize(device)
        if number == 1:  # the workers have started, and are ahead as they are at the end
            began, cpu = time.perf_counter(), time.process_time()
        seconds = time.perf_counter() - began
        if number == 1 + batches:
            break
    processes = [child.pid for child in multiprocessing.active_children() if child.pid] or [os.getpid()]
    memory, cpu = statistics.mean(map(own_memory, processes)), time.process_time() - cpu
    del iterator
    return batches * BATCH / seconds, memory, cpu / (batches * BATCH) * 1000


def own_memory(process: int) -> float:
    """Resident memory of a process in MB, without what it shares with others."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def main(argv: list[str] | None = None) -> None:
    """Command line: see `python -m tools.benchmark data --help`."""
    parser = Parser(prog="tools.benchmark data", description="Time the loading of pretraining data, in turns.")
    parser.add_argument("--shapes", type=int, default=10000, help="how many, at least 1,280 (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="of the loader (default: 0 1 2)")
    parser.add_argument("--folder", help="where shapes are made, some 4 GB, and deleted (default: the system's)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    add_common_arguments(parser)
    args = parser.parse_args(argv)
    if args.shapes < 10 * BATCH or args.repeats < 1 or min(args.workers) < 0:
        raise UserError("--shapes must be at least 1,280, --repeats at least 1 and --workers at least 0")
    device = prepare_device(args)
    if device.type == "cpu":
        keep_freed_memory()  # as main.py does
    rates: dict[tuple[Way, int], list[float]] = {}
    costs: dict[Way, list[float]] = {}
    try:
        folder = Path(tempfile.mkdtemp(prefix="recon-data-", dir=args.folder))
    except OSError as error:
        raise UserError(f"--folder {args.folder} cannot be written to: {error.strerror}") from None
    try:
        base = make_shapes(folder, args.shapes, min(args.shapes, 500))
        cells = [(way, workers) for way in WAYS for workers in args.workers]
        for way, workers in progress(cells * args.repeats, desc="measuring", unit="cell"):
            rate, _, cpu = load(base, way, workers, device, 4)
            rates.setdefault((way, workers), []).append(rate)
            if workers == 0:
                costs.setdefault(way, []).append(cpu)
        most = max(args.workers)
        memory = {}
        for way in progress((WAYS[0], WAYS[3]), desc="memory over a whole epoch", unit="way"):
            counts = [(ratio, int(ratio * args.shapes) // BATCH - 2 - 2 * most) for ratio in (0.1, 1.0)]
            memory[way.name] = [load(base, way, most, device, max(1, n), ratio)[1] for ratio, n in counts]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    medians = {(way.name, workers): statistics.median(values) for (way, workers), values in rates.items()}
    cpu_ms = {way.name: statistics.median(values) for way, values in costs.items()}
    ratios = {key: value / medians[WAYS[0].name, key[1]] for key, value in medians.items()}
    head = ["samples/s (ratio to plain files)", *(f"{workers} workers" for workers in args.workers)]
    rows = [[w.name, *(f"{medians[w.name, n]:.0f} ({ratios[w.name, n]:.1f} x)" for n in args.workers)] for w in WAYS]
    head_memory = [f"MB of its own a worker, {most} workers", f"{args.shapes // 10} shapes", f"{args.shapes} shapes"]
    for row in [head, *rows] if cpu_ms else ():
        cost = cpu_ms.get(row[0], 0.0)
        row.append("CPU ms a sample" if row is head else f"{cost:.2f} ({cpu_ms[WAYS[0].name] / cost:.1f} x)")
    memory_rows = [head_memory, *([name, *(f"{value:.0f}" for value in values)] for name, values in memory.items())]
    content = provenance(device) | {"repeats": args.repeats, "batch": BATCH, "shapes": args.shapes, "memory_mb": memory}
    content["cpu_ms_a_sample"] = cpu_ms
    content["samples_per_second"] = [
        {"way": name, "workers": workers, "median": value, "ratio": ratios[name, workers]}
        for (name, workers), value in medians.items()
    ]
    machine = content["machine"]
    where = f"{machine.get('gpu', machine['processor'])}, {machine['cores']} cores; {content['date']}, {content['git']}"
    print(where, text_table([head, *rows]), text_table(memory_rows), sep="\n\n")
    save_figures(content, args.json)
    if args.markdown:
        parts = "# Loading of pretraining data", where, markdown_table([head, *rows]), markdown_table(memory_rows)
        args.markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
