"""A folder of real shapes, as `tools.paper.claims` measures on it: a stratified half fits, the other half tests."""

import functools
import hashlib
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np

from datasets import build_dataset
from utils.errors import UserError
from utils.splits import halves

LEAST = 8  # shapes that a class must have to be split


def split_halves(folder: str, out: Path, least: int = LEAST) -> Path:
    """Put the shapes of the larger classes below `out` as `<class>/{train,test}/<file>`, half of each class in each.

    Which half a shape is in depends on the names of its class and its file alone, unless others are added.

    Args:
        folder: `<class>/<file>`, see the data set `Folder`.
        out: gets a folder named after the content of `folder`, which is left alone if it is there.
        least: shapes that a class must have.

    Returns:
        That folder.

    Raises:
        UserError: if `folder` holds no shapes, or no class of so many.
    """
    files = _files_by_class(folder)
    if max(map(len, files.values())) < least:
        raise UserError(f"--real: {folder} has no class of at least {least} shapes")
    made = out / f"real-halves-{least}-{digest_of(folder)}"
    if made.is_dir():
        return made
    building = made.with_name(f".{made.name}.{os.getpid()}")
    files = {name: own for name, own in files.items() if len(own) >= least}
    paths = [(name, path) for name, own in files.items() for path in own]
    labels = np.repeat(np.arange(len(files)), [len(own) for own in files.values()])
    for split, part in zip(("train", "test"), halves(labels, [*files]), strict=True):
        for name, path in (paths[index] for index in part):
            target = building / name / split / Path(path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    building.rename(made)
    return made


def digest_of(folder: str) -> str:
    """Digest of the shapes of a folder and their names, wherever it is."""
    digest = hashlib.sha256()
    for name, own in sorted(_files_by_class(folder).items()):
        for path in sorted(own):
            digest.update(f"{name}/{Path(path).name}\n".encode() + hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:12]


def count_shapes(folder: str) -> str:
    """Say how much there is, and how much of it in classes that are split."""
    counts = Counter({name: len(own) for name, own in _files_by_class(folder).items()})
    large = [count for count in counts.values() if count >= LEAST]
    return (
        f"{counts.total()} of {len(counts)} names; {sum(large)} of {len(large)} names with at least {LEAST} are halved"
    )


@functools.cache
def _files_by_class(folder: str) -> dict[str, list[str]]:
    section = {"_base_": {"NAME": "Folder", "DATA_PATH": folder}, "others": {"subset": "test"}}
    data = build_dataset(section, ".", "--real")
    found: dict[str, list[str]] = {name: [] for name in data.class_names}
    assert data.files is not None and data.labels is not None
    for path, label in zip(data.files, data.labels, strict=True):
        found[data.class_names[label]].append(path)
    return found
