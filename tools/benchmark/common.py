"""What the benchmarks share: the clock, what the machine can do at best, and where results go."""

import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import torch

from utils.errors import UserError
from utils.files import writing
from utils.logging import git_revision, machine_info, write_json

REPOSITORY = Path(__file__).parents[2]


def timed(call: Callable[[], Any], number: int, device: torch.device) -> float:
    """Seconds of one call, from `number` calls in a row."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(number):
        call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - start) / number


def machine_limits(device: torch.device, smoke: bool) -> dict[str, float]:
    """Measure what the machine can do at best: bytes a second of a large copy, float32 flops of a matrix product."""
    size = 1 << (20 if smoke else 26)
    source = torch.ones(size, device=device)
    into = torch.empty_like(source)
    side = 256 if smoke else 4096 if device.type == "cuda" else 2048
    matrix = torch.ones(side, side, device=device)
    tf32, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, False
    fastest = [
        min(timed(call, 1, device) for _ in range(2 if smoke else 7))
        for call in (partial(into.copy_, source), partial(torch.mm, matrix, matrix))
    ]
    torch.backends.cuda.matmul.allow_tf32 = tf32
    return {"bytes_per_second": 2 * 4 * size / fastest[0], "flops_per_second": 2 * side**3 / fastest[1]}


def provenance(device: torch.device) -> dict[str, Any]:
    """When, at which commit and on which machine something is measured."""
    about = machine_info() | {"threads": torch.get_num_threads()}
    if device.type == "cuda":
        about |= {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"date": date, "git": git_revision(REPOSITORY), "machine": about, "device": device.type}


def add_common_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that `prepare_device` takes."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="(default: CUDA where there is one)")
    parser.add_argument("--threads", type=int, help="CPU threads for all of them (default: PyTorch's choice)")


def prepare_device(args: Namespace) -> torch.device:
    """Check `--json`, `--device` and `--threads`, and set the number of threads.

    Raises:
        UserError: if one of them is wrong.
    """
    if args.threads is not None and args.threads < 1:
        raise UserError(f"--threads {args.threads}: must be at least 1")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no CUDA device here")
    if args.json:
        check_writable(args.json)
    if args.threads:
        torch.set_num_threads(args.threads)
    return torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))


def check_writable(file: Path) -> None:
    """Find out before the work whether a result can be written.

    Raises:
        UserError: if it cannot.
    """
    if not file.parent.is_dir():
        raise UserError(f"--json {file}: the folder {file.parent} does not exist")
    if file.is_dir():
        raise UserError(f"--json {file}: is a folder")
    with writing(f"--json {file}"):
        tempfile.TemporaryFile(dir=file.parent).close()


def save_figures(content: Mapping[str, Any], file: Path | None) -> None:
    """Write results where `--json` says, if it was given.

    Raises:
        UserError: if that fails.
    """
    if file:
        with writing(f"--json {file}"):
            write_json(content, file)
