"""Name shapes in files: `python main.py predict FILE|FOLDER...`, without a config, with the shipped weights."""

import argparse
import csv
import json
import os
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datasets.folder import SUFFIXES, read_for_encoder
from models import load_pretrained
from models.encoder import EncoderWarning
from models.pretrained import DEFAULT
from tools.engine.task import COMMANDS, Command
from utils.errors import UserError, at_least
from utils.files import atomic_write, writing
from utils.geometry import TURNS
from utils.logging import print_line, progress

SHOWN = 5  # names of a shape
BLOCKS = 20  # up to so many files each has a block of bars, more have a line each
BAR = 24
BATCH = 64

KEPT = ("pooled", "image", "text")  # of the features

Guesses = list[tuple[str, float]]


class Files(Dataset):
    """Clouds of files, or what is wrong with a file.

    Args:
        paths: the files.
        npoints, least, seed: see `read_for_encoder`.
    """

    def __init__(self, paths: Sequence[str], npoints: int, least: int, seed: int):
        self.paths, self.npoints, self.least, self.seed = paths, npoints, least, seed

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[str, np.ndarray | str]:
        path = self.paths[index]
        try:
            if Path(path).suffix.lower() not in SUFFIXES:
                raise UserError(f"{path} is none of {', '.join(SUFFIXES)}")
            return path, read_for_encoder(path, self.npoints, self.least, self.seed)
        except UserError as error:
            return path, str(error)


def find_files(given: Sequence[str]) -> list[str]:
    """Return the files that are named, and the shapes in the folders that are, and below.

    Raises:
        UserError: if one of them does not exist, or there is no shape at all.
    """
    found = []
    for path in given:
        if not os.path.isdir(path):
            if not os.path.exists(path):
                raise UserError(f"no such file or folder: {path}")
            found.append(path)
            continue
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            shapes = [name for name in names if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")]
            found += [os.path.join(folder, name) for name in sorted(shapes)]
    if not found:
        raise UserError(f"no shapes in {', '.join(given)}: files of {', '.join(SUFFIXES)}")
    return found


def in_table(rows: Iterable[tuple[str, Guesses]], many: bool) -> Iterator[str]:
    """Lay out names with bars: a block a file, or a line where there are many."""
    try:
        "█".encode(getattr(sys.stdout, "encoding", None) or "ascii")
        full = "█"
    except UnicodeEncodeError:
        full = "#"
    width = shutil.get_terminal_size((100, 24)).columns
    for path, guesses in rows:
        lines = [(name, f"{100 * p:5.1f} %", full * round(BAR * p)) for name, p in guesses]
        if many:
            name, percent, bar = lines[0]
            yield f"{percent} {bar:{BAR}} {name:16} {path}"
            continue
        longest = max(len(name) for name, _, _ in lines)
        yield path
        for name, percent, bar in lines:
            yield f"  {name:{longest}} {percent} {bar}"[:width].rstrip()


def in_json(rows: Iterable[tuple[str, Guesses]]) -> Iterator[str]:
    """Lay out one JSON list, an element a line."""
    before = "["
    for path, guesses in rows:
        names = [{"name": name, "probability": round(p, 6)} for name, p in guesses]
        yield before + json.dumps({"file": path, "names": names}, ensure_ascii=False)
        before = ","
    yield "]" if before == "," else "[]"


class _Line:
    """What a csv writer writes to."""

    def write(self, line: str) -> str:
        return line.rstrip("\r\n")


def in_csv(rows: Iterable[tuple[str, Guesses]]) -> Iterator[str]:
    """Lay out comma-separated values below a head line."""
    writer: Any = csv.writer(_Line())
    numbers = range(1, SHOWN + 1)
    yield writer.writerow(["file", *(f"{what}{i}" for i in numbers for what in ("name", "probability"))])
    for path, guesses in rows:
        cells = [cell for name, p in guesses for cell in (name, f"{p:.6f}")]
        yield writer.writerow([path, *cells, *[""] * (2 * SHOWN - len(cells))])


@COMMANDS.register("predict")
class Predict(Command):
    """Name the shapes in files."""

    help = "name the shapes in files or folders, with the shipped weights or --ckpts"

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="FILE|FOLDER", help=f"files of {', '.join(SUFFIXES)}")
        parser.add_argument(
            "--labels", metavar="NAME,NAME", help="names to choose from (those that the weights were trained on)"
        )
        parser.add_argument(
            "--ckpts",
            default=DEFAULT,
            metavar="SOURCE",
            help="a checkpoint, the name of shipped weights or hub:OWNER/NAME (%(default)s)",
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
        form.add_argument("--csv", action="store_true", help="print comma-separated values instead of a table")
        parser.add_argument("--embeddings", type=Path, metavar="OUT.npz", help="write the features there, too")
        parser.add_argument(
            "--up", choices=TURNS, default="y", help="the axis that points upwards in the files (%(default)s)"
        )
        parser.add_argument("--device", choices=("cpu", "cuda"), help="(CUDA, where there is a GPU)")
        parser.add_argument("--num_workers", type=at_least(0), default=0, metavar="N", help="processes that read files")
        parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of points drawn from surfaces")

    def run(self) -> int:
        args = self.args
        if args.embeddings and not args.embeddings.absolute().parent.is_dir():
            raise UserError(f"--embeddings {args.embeddings}: there is no such folder")
        if args.device == "cuda" and not torch.cuda.is_available():
            raise UserError("--device cuda: PyTorch finds no CUDA device here")
        self.files = find_files(args.paths)
        self.encoder = load_pretrained(
            args.ckpts, device=args.device or ("cuda" if torch.cuda.is_available() else "cpu")
        )
        self.labels = self._labels()
        self.broken, self.unlike = 0, Counter()
        self.embedded: list[str] = []
        self.kept: list[dict[str, Tensor | None]] = []
        rows, many = self._rows(), len(self.files) > BLOCKS
        lines = in_json(rows) if args.json else in_csv(rows) if args.csv else in_table(rows, many)
        for line in lines:
            print_line(line, sys.stdout)
        for (what, total), count in self.unlike.items():
            of = f"{count} of {len(self.files)} clouds {what}" if total else what
            print_line(f"warning: {of}", sys.stderr)
        if self.kept:
            self._write(args.embeddings)
        if self.broken:
            print_line(f"{self.broken} of {len(self.files)} files could not be read", sys.stderr)
        return 1 if self.broken else 0

    def _labels(self) -> list[str] | None:
        """The names to choose from; None where only embeddings are wanted of weights that know none."""
        encoder, given = self.encoder, self.args.labels
        labels = encoder.class_names if given is None else [name.strip() for name in given.split(",") if name.strip()]
        if encoder.network.cls_head_finetune is None:
            if not labels and given is None:
                if self.args.embeddings:
                    return None
                raise UserError("these weights do not tell what to choose from: --labels chair,table, or --embeddings")
            if encoder.network.text_proj is None and given is None and self.args.embeddings:
                return None
            encoder.name_features(labels)  # what is wrong with them is said before the files are read
        return labels

    def _rows(self) -> Iterator[tuple[str, Guesses]]:
        """Yield files with their guesses, in order, and note what cannot be read and what is unlike the training."""
        encoder, args = self.encoder, self.args
        data = Files(self.files, encoder.npoints, encoder.network.group_size, args.seed)
        loader = DataLoader(data, BATCH, num_workers=args.num_workers, collate_fn=list)
        with progress(total=len(self.files), desc="shapes", unit="file") as bar:
            for batch in loader:
                for _, problem in batch:
                    if isinstance(problem, str):
                        self.broken += 1
                        print_line(f"skipped: {problem}", sys.stderr)
                sound = [(path, cloud) for path, cloud in batch if isinstance(cloud, np.ndarray)]
                if sound:
                    yield from self._named(*zip(*sound, strict=True))
                bar.update(len(batch))

    def _named(self, paths: tuple[str, ...], clouds: tuple[np.ndarray, ...]) -> Iterator[tuple[str, Guesses]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", EncoderWarning)
            encoding = self.encoder.encode(clouds, up=self.args.up)
        for warning in (one.message for one in caught):
            if isinstance(warning, EncoderWarning):
                self.unlike[warning.what, warning.count is not None] += warning.count or 1
        if self.args.embeddings:
            self.embedded += paths
            self.kept.append({name: encoding._asdict()[name] for name in KEPT})
        if self.labels is not None:
            yield from zip(paths, self.encoder.classify_encoding(encoding, self.labels).top(SHOWN), strict=True)

    def _write(self, path: Path) -> None:
        """Write the features (n, d) of the n files that could be read, and their names.

        Raises:
            UserError: if that fails.
        """
        arrays: dict[str, Any] = {"files": np.array(self.embedded)}
        for name in KEPT:
            parts = [part for kept in self.kept if (part := kept[name]) is not None]
            if parts:
                arrays[name] = torch.cat(parts).cpu().numpy()
        with writing(f"--embeddings {path}"), atomic_write(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)
