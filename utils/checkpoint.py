"""Checkpoints: atomic writes, safe reads, weights found and matched by name."""

import codecs
import errno
import json
import logging
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

from utils import distributed
from utils.checkpoint_checks import count_values, verify_checksums
from utils.errors import UserError
from utils.files import atomic_write, open_regular, writing

# Metrics in published checkpoints may be numpy numbers; these names rebuild them and can do nothing else.
_NUMPY: Any = (getattr(np, "_core", None) or np.core).multiarray  # pyright: ignore[reportAttributeAccessIssue]
NUMPY_NUMBERS = [
    (_NUMPY.scalar, "numpy.core.multiarray.scalar"),
    (_NUMPY.scalar, "numpy._core.multiarray.scalar"),
    codecs.encode,
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "bool")),
]

# Keys that the weights stand under, in the order of preference.
WEIGHT_KEYS = ("base_model", "model", "model_state_dict", "state_dict")
PARALLEL = "module."  # what DataParallel puts in front of the names


def save_atomic(checkpoint: Mapping, path: Path, written: Callable[[], None] | None = None) -> None:
    """Write a checkpoint; a crash while writing leaves the earlier file as it was.

    Args:
        checkpoint: what is saved.
        path: where.
        written: called once it is written, before it takes its place.

    Raises:
        UserError: if it cannot be written: no space, no permission.
    """
    try:
        with atomic_write(path) as temporary:
            try:
                torch.save(dict(checkpoint), temporary)
            except RuntimeError:  # from torch's writer, which does not say why
                if shutil.disk_usage(path.parent).free < 1 << 20:
                    raise OSError(errno.ENOSPC, "no space left on the disk") from None
                raise
            if written is not None:
                written()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)[:200]
        raise UserError(f"checkpoint {path} cannot be written: {reason}") from None


def copy_atomic(path: Path, copy: Path) -> None:
    """Copy a checkpoint.

    Raises:
        UserError: if it cannot be written: no space, no permission.
    """
    with writing(f"checkpoint {copy}"), atomic_write(copy) as temporary:
        shutil.copyfile(path, temporary)


def load_checkpoint(path: str | os.PathLike, first: str | None = None) -> dict:
    """Read a checkpoint onto the CPU, admitting tensors and plain values only.

    The weights may stand under one of `WEIGHT_KEYS`, under any other key if they are the only state dict in the file,
    or be the file's whole content. Of a safetensors file the config is taken from its metadata.

    Args:
        path: the file; one that is named *.safetensors is read as that.
        first: key that is preferred where the file has several of `WEIGHT_KEYS`.

    Returns:
        What the file holds, with the weights under `base_model`; 0-dimensional tensors and numpy numbers outside of
        weights and optimizer become Python numbers.

    Raises:
        UserError: if the file is missing, damaged, holds other objects, or has no weights.
    """
    path = Path(path)
    try:
        open_regular(path).close()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"checkpoint not found: {path}") from None
    except OSError as error:
        raise UserError(f"checkpoint {path} cannot be read: {error.strerror}") from None
    except UserError as error:
        raise UserError(f"checkpoint {error}") from None
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    verify_checksums(path)
    try:
        with torch.serialization.safe_globals(NUMPY_NUMBERS):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail anywhere in the unpickler
        if found := re.search(r"(?:GLOBAL|global) `?([\w.]+)`? was not an allowed", str(error)):
            raise UserError(
                f"checkpoint {path} is refused: it holds {found[1]}, not only tensors and numbers"
            ) from None
        # What follows the first sentence is advice to load the file without safety.
        reason = re.split(r"\.\s|\n", str(error).strip())[0]
        reason = reason if " " in reason else f"{type(error).__name__} {reason}"
        raise UserError(f"checkpoint {path} cannot be read (damaged, or not a checkpoint): {reason[:200]}") from None
    if not isinstance(checkpoint, Mapping):
        raise UserError(f"checkpoint {path} has no weights; it is a {type(checkpoint).__name__}")
    try:
        count_values(checkpoint, {})
    except ValueError as error:
        raise UserError(f"checkpoint {path} is refused: {error}") from None
    if _is_state_dict(checkpoint):
        return {"base_model": _tensors(checkpoint)}
    keys = [key for key in dict.fromkeys((first, *WEIGHT_KEYS)) if _tensors(checkpoint.get(key))]
    others = [key for key, value in checkpoint.items() if _is_state_dict(value)]
    if not keys and len(others) != 1:
        looked = ", ".join(f"'{key}'" for key in WEIGHT_KEYS)
        raise UserError(f"checkpoint {path} has no weights under {looked}; it has {_some(checkpoint) or 'nothing'}")
    key = (keys or others)[0]
    rest = {k: v if "optimizer" in str(k) else plain(v) for k, v in checkpoint.items() if k not in (key, *others)}
    return {**rest, "base_model": _tensors(checkpoint[key])}


def _load_safetensors(path: Path) -> dict:
    """Read the weights, and the `config` that stands as JSON in the metadata, if any."""
    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}
            config = json.loads((file.metadata() or {}).get("config", "{}"))
        count_values(state, {})
    except Exception as error:  # a damaged file can fail anywhere
        raise UserError(f"checkpoint {path} cannot be read (damaged, or no safetensors): {str(error)[:200]}") from None
    if not state:
        raise UserError(f"checkpoint {path} has no weights")
    return {"config": config, "base_model": state}


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """Name the tensors of a state dict, all on one device, that hold NaN or infinity."""
    names = [n for n, x in state.items() if x.is_floating_point() and x.layout == torch.strided and not x.is_meta]
    if not names:
        return []
    finite = torch.stack([state[name].isfinite().all() for name in names]).tolist()
    return [name for name, well in zip(names, finite, strict=True) if not well]


def plain(value: Any) -> Any:
    """Turn 0-dimensional tensors and numpy numbers into Python numbers, inside dicts and lists too."""
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.dim() == 0):
        return value.item()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def strip_prefixes(state: Mapping[str, Tensor], prefixes: Sequence[str], own: Collection[str] = ()) -> dict:
    """Take prefixes off the names of a state dict, however they are nested.

    `module.` goes wherever it stands in a name. Where two names become one, the one that had a prefix is kept.

    Args:
        state: the state dict; its order is kept.
        prefixes: what goes in front of the names.
        own: names of the model; what they begin with themselves is not taken off.
    """
    prefixes = tuple(p for p in (PARALLEL, *prefixes) if not any(name.startswith(p) for name in own))
    inside = not any(f".{PARALLEL}" in f".{name}" for name in own)
    stripped, bare = {}, set()
    for name, value in state.items():
        short = re.sub(r"(^|\.)(?:module\.)+", r"\1", name) if inside else name
        while found := next((p for p in prefixes if short.startswith(p)), None):
            short = short.removeprefix(found)
        if short not in stripped or short in bare:
            stripped[short] = value
        (bare.add if short == name else bare.discard)(short)
    return stripped


def load_weights(
    model: nn.Module,
    path: str | os.PathLike,
    prefixes: Sequence[str] = (),
    new: Sequence[str] = (),
    log: logging.Logger | None = None,
    first: str | None = None,
    allow_missing: bool = False,
    hint: str = "",
    prepare: Callable[[dict[str, Tensor]], Sequence[str]] | None = None,
    loaded: dict | None = None,
) -> dict:
    """Put the weights of a checkpoint into a model, and log which names were not matched.

    Args:
        model: takes the weights.
        path: a checkpoint, see `load_checkpoint`.
        prefixes: see `strip_prefixes`; `module.` is always one.
        new: name prefixes that the file need not hold; they keep their initial values if missing or of another shape.
        log: told of new and unused names, grouped.
        first: see `load_checkpoint`.
        allow_missing: other names may be missing as well, if at least one is there; what they are is a warning.
        hint: what a person can do about missing names, for the message.
        prepare: fits the model to the state dict before they are compared; returns further prefixes that are new.
        loaded: what the file holds, if it has been read before.

    Returns:
        The whole checkpoint, with the names under `base_model` stripped.

    Raises:
        UserError: for an unreadable file (see `load_checkpoint`), if a name that the model needs is missing in it
            or has another shape, or if it holds NaN or infinity.
    """
    log = log or logging.getLogger(__name__)
    checkpoint = load_checkpoint(path, first) if loaded is None else loaded
    state = checkpoint["base_model"] = strip_prefixes(checkpoint["base_model"], prefixes, model.state_dict())
    if prepare is not None:
        try:
            new = (*new, *prepare(state))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
    wanted = model.state_dict()

    missing = [name for name in wanted if name not in state]
    reshaped = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    # BatchNorm's count of batches is not read by anything here, and some converters leave it out.
    needed = [n for n in missing if not n.startswith(tuple(new)) and not n.endswith("num_batches_tracked")]
    misfits = [name for name in reshaped if not name.startswith(tuple(new))]
    nothing = not any(name in wanted for name in state)
    if misfits or nothing or (needed and not allow_missing):
        problems = []
        if needed:
            problems.append(f"{len(needed)} of {len(wanted)} keys are missing ({_some(needed)})")
        if misfits:
            shapes = [f"{n} is {tuple(state[n].shape)}, not {tuple(wanted[n].shape)}" for n in misfits]
            problems.append(f"{len(misfits)} keys have another shape ({_some(shapes)})")
        if nothing:
            problems.append(f"it has others ({_some(state)})")
        elif needed and not misfits and hint:
            problems.append(hint)
        raise UserError(f"{path} is a checkpoint of another model: {'; '.join(problems)}")

    unused = [name for name in state if name not in wanted]
    taken = {name: state[name] for name in wanted if name in state and name not in reshaped}
    if broken := not_finite(taken):
        raise UserError(f"{path} is of a run that diverged: {len(broken)} weights are not finite ({_some(broken)})")
    model.load_state_dict({n: distributed.shared_like(x, wanted[n]) for n, x in taken.items()}, strict=False)
    log.info(f"weights from {path}: {len(taken)} of {len(wanted)} tensors")
    if expected := [name for name in missing if name.startswith(tuple(new))]:
        log.info(f"  new, not in the checkpoint: {_grouped(expected)}")
    if reshaped:
        log.info(f"  new, of another shape in the checkpoint: {_grouped(reshaped)}")
    if needed:
        log.warning(f"  missing in the checkpoint, left as initialised: {_listed(needed, wanted)}")
    if unused:
        log.info(f"  in the checkpoint, not used: {_grouped(unused)}")
    return checkpoint


def _is_state_dict(value: Any) -> bool:
    """Whether this maps names to tensors, some of them with dots, as those of modules' parameters have."""
    return isinstance(value, Mapping) and any(isinstance(v, Tensor) and "." in str(k) for k, v in value.items())


def _tensors(state: Any) -> dict[str, Tensor]:
    items = state.items() if isinstance(state, Mapping) else ()
    return {str(name): value for name, value in items if isinstance(value, Tensor)}


def _some(names: Iterable[str], limit: int = 3) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def _grouped(names: Iterable[str]) -> str:
    """Count names by what stands before their first dot."""
    return ", ".join(f"{group} ({count})" for group, count in Counter(n.split(".")[0] for n in names).items())


def _listed(names: Sequence[str], known: Iterable[str]) -> str:
    """List names, with the number of names for a module of which all are among them."""
    members = Counter()
    for name in known:
        members.update(_ancestors(name))
    among = Counter(ancestor for name in names for ancestor in _ancestors(name))
    listed = Counter(next((a for a in _ancestors(n) if among[a] == members[a]), n) for n in names)
    return ", ".join(name if name in names else f"{name} ({count})" for name, count in listed.items())


def _ancestors(name: str) -> list[str]:
    """The modules that a parameter lies in, the outermost first."""
    parts = name.split(".")[:-1]
    return [".".join(parts[: i + 1]) for i in range(len(parts))]
