"""What `--dry_run` tells of a run."""

import resource
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from models import build_model_from_cfg
from tools.engine.config import run_folder
from tools.engine.data import build_loader, open_dataset
from tools.engine.run import Run


def size_of(tensors: Iterable[Tensor]) -> str:
    """Memory of tensors, in words."""
    return f"{sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 2**20:.1f} MiB"


def shapes_of(batch: Any) -> str:
    """Shapes of the tensors in a batch, by name."""
    if isinstance(batch, Tensor):
        return str(tuple(batch.shape))
    if isinstance(batch, dict):
        return ", ".join(f"{name} {shapes_of(value)}" for name, value in batch.items() if value is not None)
    if isinstance(batch, tuple | list) and batch and isinstance(batch[0], Tensor):
        return f"({', '.join(map(shapes_of, batch))})"
    return f"{len(batch)} x {type(batch[0]).__name__}" if isinstance(batch, list) and batch else type(batch).__name__


def peak_memory(device: torch.device) -> str:
    """The most memory that was used so far, in words: of the GPU, or of this process."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB of the GPU"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20:.0f} MiB of this process"


def describe_measurement(run: Run) -> Iterator[str]:
    """Yield lines on what a measurement would look at."""
    model = build_model_from_cfg(run.config.model)
    yield f"{type(model).__name__}, weights {size_of(model.parameters())}"
    sections = run.config.dataset
    for section in (field.name for field in fields(sections) if getattr(sections, field.name) is not None):
        data = open_dataset(run, section)
        yield f"dataset.{section}: {len(data)} samples, batches of {shapes_of(next(iter(build_loader(run, data))))}"


def log_preview(run: Run, lines: Iterable[str]) -> None:
    """Log what a run would do, where it would write, and that it does not."""
    for line in lines:
        run.log.info(line)
    folder = run_folder(run.args.config, run.mode.name, run.args.exp_name, (run.args.way, run.args.shot, run.args.fold))
    held = ", which holds a run" if (folder / "metrics.json").is_file() else ""
    run.log.info(f"it would write to {folder}{held}; nothing was written (--dry_run)")
