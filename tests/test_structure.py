"""What the code as a whole keeps to: sizes of files, and names that stand for one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONVENTIONS = {"main", "build_parser"}  # what every command has
# An operator has one name: in the extension, its PyTorch reference, the released packages and ONNX.
OPERATORS = ("extensions/", "tools/onnx_ops.py")
WITHIN = "datasets/demo/"  # a vocabulary of its own


def defined(path: Path) -> Iterator[str]:
    """Names of the public functions, classes and type aliases of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
            names = [name for name in targets if name[0].isupper() and not name.isupper()]
        else:
            continue
        yield from (name for name in names if not name.startswith("_"))


def test_a_name_stands_for_one_thing():
    places: dict[str, set[str]] = defaultdict(set)
    for package in ("models", "tools", "utils", "datasets", "extensions"):
        for path in (ROOT / package).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            if not place.startswith("extensions/build/"):
                for name in defined(path):
                    places[name].add(place)
    twice = {
        name: sorted(where)
        for name, where in places.items()
        if len(where) > 1
        and name not in CONVENTIONS
        and not all(place.startswith(OPERATORS) for place in where)
        and not all(place.startswith(WITHIN) for place in where)
    }
    assert not twice, "\n".join(f"{name}: {', '.join(where)}" for name, where in twice.items())


@pytest.mark.parametrize("package", ["models", "tools", "utils"])
def test_files_are_short(package):
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / package).rglob("*.py")}
    assert not {str(path): length for path, length in lengths.items() if length > 400}
