"""Which source files shapes, clouds, renders and captions depend on, as a digest that changes with them."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# These say and schedule, and change nothing that is made.
SILENT = ("datasets.demo.sources", "utils.errors", "utils.logging", "utils.registry", "utils.workers")


def source_files(module: str) -> list[str]:
    """Names of the modules whose source decides what a module makes.

    They are the module itself and, as far as imports lead, those of `datasets.demo` and of `utils`, except `SILENT`.

    Args:
        module: its full name.
    """
    found, left = set(), [module]
    while left:
        for name in _modules(left.pop()):
            if name not in found:
                found.add(name)
                left += (other for other, _ in _imports(name) if _followed(other))
    return sorted(found)


@functools.cache
def source_hash(module: str) -> str:
    """Digest of `source_files`, and of the constants that these import from other data sets.

    How those read their files changes nothing.
    """
    digest = hashlib.sha256()
    for name in source_files(module):
        digest.update(_path(name).read_bytes())
        for other, members in _imports(name):
            if other.startswith("datasets.") and not _followed(other):
                values = [getattr(importlib.import_module(other), member) for member in members]
                values = [value for value in values if isinstance(value, (str, int, float, tuple, list, dict))]
                digest.update(repr(values).encode())
    return digest.hexdigest()[:16]


def _followed(name: str) -> bool:
    return name.startswith(("datasets.demo.", "utils.")) and name not in SILENT


def _path(name: str) -> Path:
    return ROOT / f"{name.replace('.', '/')}.py"


def _modules(name: str) -> list[str]:
    """A module by itself; of a package, which finds its modules by looking, all of them."""
    folder = ROOT / name.replace(".", "/")
    return sorted(f"{name}.{path.stem}" for path in folder.glob("*.py")) if folder.is_dir() else [name]


def _imports(name: str) -> Iterator[tuple[str, list[str]]]:
    """What a module imports `from` others: their names, and which of their members."""
    for node in ast.walk(ast.parse(_path(name).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if (ROOT / inner.replace(".", "/")).is_dir() or _path(inner).is_file():
                    yield inner, []  # a module of a package
                else:
                    yield node.module, [alias.name]
