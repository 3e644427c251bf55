"""Time the loading of pretraining data: `python -m tools.benchmark data`.

Shapes of ShapeNet-55's sizes are made in a temporary folder, and every way of reading them takes turns: samples a
second until finished batches are on the device, and the memory that the loader's processes have of their own.
"""

import contextlib
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
    shards: str = ""  # "folder" or "http"


WAYS = (
    Way("plain files"),
    Way("packed clouds", "clouds"),
    Way("packed, views cached", "all"),
    Way("packed, views cached, tensor", "all", "tensor"),
    Way("packed, views cached, device", "all", "device"),
)

SHARD_WAYS = (
    WAYS[0],
    Way("shards from a folder", shards="folder"),
    Way("shards from a server", shards="http"),
    Way("shards from a folder, tensor", image_path="tensor", shards="folder"),
)


def write_shape(folder: Path, number: int) -> None:
    """Write a cloud (8192, 3) and a smooth view of 224 pixels, as large as rendered ones are."""
    rng = np.random.default_rng(number)
    np.save(folder / f"pc/00000000-{number}.npy", rng.standard_normal((POINTS, 3)).astype(np.float32))
    view = Image.new("RGB", (PIXELS, PIXELS), "white")
    for _ in range(12):
        x, y = rng.integers(20, 160, 2).tolist()
        ImageDraw.Draw(view).ellipse([x, y, x + 60, y + 40], fill=tuple(rng.integers(0, 256, 3).tolist()))
    view.filter(ImageFilter.GaussianBlur(1)).save(folder / f"img/00000000-{number}.png")


def make_shapes(folder: Path, count: int, different: int, few: int, shards: bool) -> dict[str, Any]:
    """Write shapes, of which so many are different, and pack them; returns the base of a data set section.

    Instead of packs there may be shards: of all shapes, and of the first few.
    """
    for name in ("lists", "lists_few", "pc", "img"):
        (folder / name).mkdir()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        made = pool.map(write_shape, [folder] * different, range(different), chunksize=25)
        list(progress(made, total=different, desc="making shapes", unit="shape"))
    for number in range(different, count):
        for name in ("pc/00000000-{}.npy", "img/00000000-{}.png"):
            os.link(folder / name.format(number % different), folder / name.format(number))
    for split, numbers in (("lists/train", count), ("lists/test", 1), ("lists_few/train", few)):
        (folder / f"{split}.txt").write_text("\n".join(f"00000000-{i}.npy" for i in range(numbers)))
    (folder / "names.json").write_text(json.dumps([{"catalogue": 0, "describe": "shape"}]))
    paths = {"DATA_PATH": "lists", "PC_PATH": "pc", "IMG_PATH": "img", "TEXT_PATH": "names.json"}
    base = {"NAME": "ShapeNet"} | {key: f"{folder}/{name}" for key, name in paths.items()}
    for lists, name in (("lists", "shards"), ("lists_few", "shards_few")) if shards else ():
        (folder / f"{name}.yaml").write_text(json.dumps(base | {"DATA_PATH": f"{folder}/{lists}", "whole": False}))
        pack.main(["shapenet", "--config", f"{folder}/{name}.yaml", "--shards", f"{folder}/{name}"])
    for name, arguments in (("clouds", ["--no_images"]), ("all", [])) if not shards else ():
        (folder / f"{name}.yaml").write_text(json.dumps(base | {"PACK_PATH": f"{folder}/{name}"}))
        pack.main(["shapenet", "--config", f"{folder}/{name}.yaml", *arguments])
    return base


class Load(NamedTuple):
    """What loading took.

    Attributes:
        rate: samples a second.
        own: mean memory in MB that the processes which load have of their own at the end.
        cpu: CPU time of this process a sample in ms, which other work on the machine hardly changes.
        all: memory in MB of this process and its loaders at the end, what they share counted once.
    """

    rate: float
    own: float
    cpu: float
    all: float


def load(base: dict, way: Way, workers: int, device: torch.device, batches: int, ratio: float = 1.0) -> Load:
    """Load batches of an epoch of the first `ratio` of all shapes."""
    folder = f"{Path(base['PC_PATH']).parent}"
    others: dict[str, Any] = {"subset": "train", "image_path": way.image_path}
    name = "shards" if ratio == 1 else "shards_few"
    if way.shards:
        base = {"NAME": "Shards", "SHARDS": f"{folder}/{name}", "CACHE_PATH": f"{folder}/cache"}
    else:
        others |= {"whole": False, "ratio": ratio, "PACK_PATH": f"{folder}/{way.packed}" if way.packed else None}
    with serve(folder) if way.shards == "http" else contextlib.nullcontext() as server:
        if server:
            base["SHARDS"] = f"{server}/{name}"
        return _load({"_base_": base, "others": others}, workers, device, batches, warm=not server)


@contextlib.contextmanager
def serve(folder: str) -> Iterator[str]:
    """Serve a folder by HTTP on the loopback interface; yields its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ["no_proxy"] = ",".join(filter(None, ("127.0.0.1", os.environ.get("no_proxy"))))
    try:
        yield f"http://127.0.0.1:{port}"  # the reader asks again until it is up
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(f"{folder}/cache", ignore_errors=True)


def _load(section: dict, workers: int, device: torch.device, batches: int, warm: bool) -> Load:
    """Load batches; `warm`: measure once the first two are there."""
    data = build_dataset(section, "data", "dataset.train")
    order = data.epoch_order(0)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)) if order is None else order
    pinned = device.type == "cuda"
    loader = DataLoader(data, BATCH, None, order.tolist(), num_workers=workers, collate_fn=collate, pin_memory=pinned)
    began, seconds, cpu, number = time.perf_counter(), 0.0, time.process_time(), 0
    for number, batch in enumerate(iterator := iter(loader)):
        data.finish(to_device(batch, device))
        if pinned:
            torch.cuda.synchronize(device)
        if number == 1 and warm:  # the workers have started, and are ahead as they are at the end
            began, cpu = time.perf_counter(), time.process_time()
        seconds = time.perf_counter() - began
        if number == 1 + batches:
            break
    children = [child.pid for child in multiprocessing.active_children() if child.pid]
    own = statistics.mean(memory_of(process, "Private_") for process in children or [os.getpid()])
    every = sum(memory_of(process, "Pss:") for process in [os.getpid(), *children])
    cpu = time.process_time() - cpu
    del iterator
    samples = max(1, number + 1 - 2 * warm) * BATCH
    return Load(samples / seconds, own, cpu / samples * 1000, every)


def memory_of(process: int, kind: str) -> float:
    """Resident memory of a process in MB: "Private_", without what it shares, or "Pss:", with its part of that."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def main(argv: list[str] | None = None) -> None:
    """Command line: see `python -m tools.benchmark data --help`."""
    parser = Parser(prog="tools.benchmark data", description="Time the loading of pretraining data, in turns.")
    parser.add_argument("--shapes", type=int, default=10000, help="how many, at least 1,280 (default: %(default)s)")
    parser.add_argument("--shards", action="store_true", help="read WebDataset shards instead of packs, some 6 GB")
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
        ways, few = (SHARD_WAYS, args.shapes // 20) if args.shards else (WAYS, args.shapes // 10)
        base = make_shapes(folder, args.shapes, min(args.shapes, 500), few, args.shards)
        most, epoch = max(args.workers), {n: max(1, n // BATCH - 2 - 2 * max(args.workers)) for n in (few, args.shapes)}
        cells = [(way, workers) for way in ways for workers in args.workers]
        for way, workers in progress(cells * args.repeats, desc="measuring", unit="cell"):
            # From a server a whole epoch, since shards are fetched whole.
            found = load(base, way, workers, device, epoch[args.shapes] if way.shards == "http" else 4)
            rates.setdefault((way, workers), []).append(found.rate)
            if workers == 0:
                costs.setdefault(way, []).append(found.cpu)
        memory, together = {}, {}
        for way in progress((WAYS[0], ways[1 if args.shards else 3]), desc="memory over a whole epoch", unit="way"):
            found = [load(base, way, most, device, n, shapes / args.shapes) for shapes, n in epoch.items()]
            memory[way.name], together[way.name] = [one.own for one in found], [one.all for one in found]
        bytes_a_shape = folder_bytes(folder / "shards") / args.shapes if args.shards else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    medians = {(way.name, workers): statistics.median(values) for (way, workers), values in rates.items()}
    cpu_ms = {way.name: statistics.median(values) for way, values in costs.items()}
    ratios = {key: value / medians[WAYS[0].name, key[1]] for key, value in medians.items()}
    head = ["samples/s (ratio to plain files)", *(f"{workers} workers" for workers in args.workers)]
    rows = [[w.name, *(f"{medians[w.name, n]:.0f} ({ratios[w.name, n]:.1f} x)" for n in args.workers)] for w in ways]
    head_memory = [f"MB, {most} workers", f"{few} shapes", f"{args.shapes} shapes"]
    for row in [head, *rows] if cpu_ms else ():
        cost = cpu_ms.get(row[0], 0.0)
        row.append("CPU ms a sample" if row is head else f"{cost:.2f} ({cpu_ms[WAYS[0].name] / cost:.1f} x)")
    told = [("a worker of its own", memory), ("all processes, PSS", together)]
    memory_rows = [head_memory] + [
        [f"{name}: {what}", *(f"{value:.0f}" for value in values)] for what, of in told for name, values in of.items()
    ]
    content = provenance(device) | {"repeats": args.repeats, "batch": BATCH, "shapes": args.shapes, "memory_mb": memory}
    content |= {"cpu_ms_a_sample": cpu_ms, "pss_mb": together, "bytes_a_shape": bytes_a_shape}
    content["samples_per_second"] = [
        {"way": name, "workers": workers, "median": value, "ratio": ratios[name, workers]}
        for (name, workers), value in medians.items()
    ]
    machine = content["machine"]
    where = f"{machine.get('gpu', machine['processor'])}, {machine['cores']} cores; {content['date']}, {content['git']}"
    where += f"; {bytes_a_shape:.0f} bytes a shape in shards" if bytes_a_shape else ""
    print(where, text_table([head, *rows]), text_table(memory_rows), sep="\n\n")
    save_figures(content, args.json)
    if args.markdown:
        parts = "# Loading of pretraining data", where, markdown_table([head, *rows]), markdown_table(memory_rows)
        args.markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
