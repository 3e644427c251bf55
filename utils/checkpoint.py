"""Checkpoints: written whole or not at all, read without running code from them."""

import codecs
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from utils.errors import UserError
from utils.files import written_whole

# Metrics in published checkpoints may be numpy numbers; these names rebuild them and can do nothing else.
_NUMPY = (getattr(np, "_core", None) or np.core).multiarray
NUMPY_NUMBERS = [
    (_NUMPY.scalar, "numpy.core.multiarray.scalar"),
    (_NUMPY.scalar, "numpy._core.multiarray.scalar"),
    codecs.encode,
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "bool")),
]


def save_atomic(checkpoint: Mapping, path: Path) -> None:
    """Write a checkpoint; a crash while writing leaves the earlier file as it was.

    Raises:
        UserError: if it cannot be written: no space, no permission.
    """
    try:
        with written_whole(path) as temporary:
            torch.save(dict(checkpoint), temporary)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError
        raise UserError(f"checkpoint {path} cannot be written: {str(error)[:200]}") from None


def load_checkpoint(path: str | os.PathLike) -> dict:
    """Read a checkpoint onto the CPU, admitting tensors and plain values only.

    Raises:
        UserError: if the file is missing, damaged, holds other objects, or has no weights under `base_model`.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint not found: {path}")
    try:
        with torch.serialization.safe_globals(NUMPY_NUMBERS):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail anywhere in the unpickler
        # What follows the first sentence is advice to load the file without safety.
        reason = re.split(r"\.\s|\n", str(error).strip())[0] or type(error).__name__
        raise UserError(f"checkpoint {path} cannot be read (damaged, or not a checkpoint): {reason[:200]}") from None
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("base_model"), Mapping):
        keys = f"it has {_some(checkpoint)}" if isinstance(checkpoint, dict) else f"it is a {type(checkpoint).__name__}"
        raise UserError(f"checkpoint {path} has no weights under the key 'base_model'; {keys}")
    return checkpoint


def load_weights(
    model: nn.Module,
    path: str | os.PathLike,
    prefixes: Sequence[str] = (),
    new: Sequence[str] = (),
    log: logging.Logger | None = None,
) -> dict:
    """Put the weights of a checkpoint into a model, and log which names were not matched.

    Args:
        model: takes the weights.
        path: a checkpoint with the weights under `base_model`.
        prefixes: stripped from the names in the file, in this order, unless the model's own names have them.
        new: name prefixes that the file need not hold; they keep their initial values if missing or of another shape.
        log: told of new and unused names, grouped.

    Returns:
        The whole checkpoint.

    Raises:
        UserError: for an unreadable file (see `load_checkpoint`), or if a name that the model needs is missing in it
            or has another shape.
    """
    log = log or logging.getLogger(__name__)
    wanted = model.state_dict()
    checkpoint = load_checkpoint(path)
    state = {str(name): value for name, value in checkpoint["base_model"].items() if isinstance(value, Tensor)}
    for prefix in ("module.", *prefixes):
        if not any(name.startswith(prefix) for name in wanted):
            state = {name.removeprefix(prefix): value for name, value in state.items()}

    missing = [name for name in wanted if name not in state]
    reshaped = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    needed = [name for name in missing if not name.startswith(tuple(new))]
    misfits = [name for name in reshaped if not name.startswith(tuple(new))]
    if needed or misfits:
        problems = []
        if needed:
            problems.append(f"{len(needed)} of {len(wanted)} keys are missing ({_some(needed)})")
        if misfits:
            shapes = [f"{n} is {tuple(state[n].shape)}, not {tuple(wanted[n].shape)}" for n in misfits]
            problems.append(f"{len(misfits)} keys have another shape ({_some(shapes)})")
        raise UserError(f"{path} is a checkpoint of another model: {'; '.join(problems)}")

    unused = [name for name in state if name not in wanted]
    model.load_state_dict({name: state[name] for name in wanted if name not in {*missing, *reshaped}}, strict=False)
    log.info(f"weights from {path}")
    if missing or reshaped:
        log.info(f"  new, not in the checkpoint: {_grouped(missing + reshaped)}")
    if unused:
        log.info(f"  in the checkpoint, not used: {_grouped(unused)}")
    return checkpoint


def _some(names: Iterable[str], limit: int = 3) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def _grouped(names: Iterable[str]) -> str:
    """Count names by what stands before their first dot."""
    return ", ".join(f"{group} ({count})" for group, count in Counter(n.split(".")[0] for n in names).items())
