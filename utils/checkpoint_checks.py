"""What is checked of a checkpoint before and after it is read, since it may come from anyone."""

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from utils.errors import UserError

# Of tensors; others are of no weights that there are models for here.
NUMBERS = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool}
NUMBERS |= {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
MOST_VALUES, MOST_DEPTH = 1_000_000, 20  # of what a checkpoint holds: values and mappings within mappings


def verify_checksums(path: Path) -> None:
    """Check the checksums that `torch.save` writes and `torch.load` does not look at.

    Raises:
        UserError: if one is wrong, or a record is compressed, which `torch.save` never does and which may be any size.
    """
    try:
        if not zipfile.is_zipfile(path):
            return  # the format before PyTorch 1.6, which has none
        with zipfile.ZipFile(path) as archive:
            if any(record.compress_type != zipfile.ZIP_STORED for record in archive.infolist()):
                raise UserError(f"checkpoint {path} is refused: it is compressed")
            broken = archive.testzip()
            if broken is None:
                _Storages(archive).load()
    except UserError:
        raise
    except Exception as error:  # a damaged file can fail anywhere
        raise UserError(f"checkpoint {path} cannot be read (damaged): {str(error)[:200]}") from None
    if broken is not None:
        raise UserError(f"checkpoint {path} is damaged: the checksum of its record {broken[:100]} is wrong")


# Bytes of an element, by the name that a storage has in a checkpoint.
ITEM_SIZES = {"Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1}
ITEM_SIZES |= {"Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16, "Untyped": 1}


class _Storages(pickle._Unpickler):  # pyright: ignore[reportAttributeAccessIssue]
    """Compares the sizes that the pickle of a checkpoint announces with its records, and makes nothing of it.

    Early versions of `torch.load` do not, and read what lies behind a record in memory.

    Args:
        archive: the checkpoint.
    """

    dispatch = dict(pickle._Unpickler.dispatch)  # pyright: ignore[reportAttributeAccessIssue]
    del dispatch[pickle.BYTEARRAY8[0]]  # which takes memory for what is only announced, and is not in checkpoints

    def __init__(self, archive: zipfile.ZipFile):
        names = archive.namelist()
        if len({*names}) != len(names):
            raise ValueError("two of its records have the same name")
        root = names[0].partition("/")[0] if names else ""
        self.sizes = {record.filename.removeprefix(f"{root}/data/"): record.file_size for record in archive.infolist()}
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")), encoding="utf-8")

    def find_class(self, module: str, name: str) -> type:
        return type(name, (_Inert,), {})

    def persistent_load(self, pid: Any) -> "_Inert":
        _, kind, key, _, count = pid
        if self.sizes[key] != count * ITEM_SIZES[kind.__name__.removesuffix("Storage")]:
            raise ValueError(f"its record {key} has {self.sizes[key]} bytes, not {count} of {kind.__name__}")
        return _Inert()


class _Inert:
    """Stands for whatever a pickle would make."""

    def __init__(self, *_: Any):
        pass

    __setstate__ = __setitem__ = append = extend = update = add = __init__


def count_values(value: Any, sizes: dict[int, int], depth: int = 0) -> int:
    """Count the values that mappings and lists hold, those that stand in several places as often.

    Args:
        value: what a checkpoint holds.
        sizes: by id, of what was counted before; 0 while it is being counted.
        depth: how many mappings and lists it lies in.

    Raises:
        ValueError: if they are too many or too deep, or if a tensor has no values of its own for all its elements.
    """
    if isinstance(value, Tensor):
        kind = "meta" if value.is_meta else str(value.layout).removeprefix("torch.")
        if value.is_nested or value.is_quantized or value.layout != torch.strided or value.is_meta:
            raise ValueError(f"it holds a tensor of another kind ({kind}), not one of plain numbers")
        if value.dtype not in NUMBERS:
            raise ValueError(f"it holds a tensor of {str(value.dtype).removeprefix('torch.')}")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ValueError(f"it holds a tensor {tuple(value.shape)} with values for a part of it only")
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = 0
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
        inner = value.values() if isinstance(value, Mapping) else value
        size = 1
        for item in inner:
            size += count_values(item, sizes, depth + 1)
            if size > MOST_VALUES:
                raise ValueError(f"it holds more than {MOST_VALUES} values")
        sizes[id(value)] = size
    elif not sizes[id(value)]:
        raise ValueError("it holds something that holds itself")
    return sizes[id(value)]
