"""Pack the small files of a data set: `python -m tools.pack shapenet --data_root data`, or `... --shards`.

Without `--shards` they become a few arrays. Reading 52,470 clouds and decoding as many views is what limits
pretraining; rows of an array are read at the speed of memory. The views are stored decoded, resized as far as no draw
decides. The loader takes either form and gives the same samples, to the bit. An interrupted run continues where it
stopped when it is repeated.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from datasets.build import below_root, build_dataset, dataset_class
from datasets.packed import BLOCK, INDEX, open_pack
from datasets.shapenet import ShapeNet
from datasets.shard_store import INDEX as SHARD_INDEX
from datasets.shard_store import SHARD_NAME, ShardStore, verify_shards
from datasets.views import ViewDataset
from tools.shards import ShardWriter
from utils.config import apply_opts, load_config
from utils.errors import Parser, UserError, at_least, run_command
from utils.files import atomic_write, lock_folder
from utils.logging import progress
from utils.registry import suggestion
from utils.workers import Threads

CONFIGS = Path("cfgs/dataset_configs")
PACKABLE = {"shapenet": str(CONFIGS / "ShapeNet-55.yaml")}
PACKED = {INDEX, "points.npy", "views.npy"}  # the files of a pack
JOURNAL = "journal.json"  # of a pack in the making: what it is of, and the checksums of its blocks so far


class Writer:
    """A pack in the making, in a folder of its own beside the place of the finished one.

    Args:
        data: a data set with `names`, `stored(index)` and `pack_settings()`.
        folder: where the pack is made; a pack of the same data set that was begun there is continued.

    Raises:
        UserError: if the folder cannot be written, the disk is too small, or another pack was begun there.
    """

    def __init__(self, data, folder: Path):
        self.data, self.folder = data, folder
        self.first = data.stored(0)
        arrays = {name: {"shape": [len(data), *row.shape], "dtype": row.dtype.name} for name, row in self.first.items()}
        names = hashlib.sha256("\n".join(data.names).encode()).hexdigest()
        self.journal = {"names": names, "settings": data.pack_settings(), "arrays": arrays, "blocks": []}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.lock = lock_folder(folder)
            before = json.loads((folder / JOURNAL).read_text()) if (folder / JOURNAL).is_file() else None
        except ValueError:
            before = None
        except OSError as error:
            raise UserError(f"{folder} cannot be written to: {error.strerror}") from None
        if before and {**before, "blocks": []} == self.journal:
            self.journal = before
        elif before:
            raise UserError(f"{folder} holds a pack of other files or settings that was begun: --overwrite drops it")
        needed = sum(row.nbytes * len(data) for row in self.first.values())
        needed -= sum(path.stat().st_blocks * 512 for path in folder.glob("*.npy"))
        if needed > (free := shutil.disk_usage(folder).free):
            raise UserError(f"the pack takes {needed / 1e9:.1f} GB more, {folder} has {free / 1e9:.1f} GB free")
        self.arrays = {name: self._open(name) for name in arrays}

    def _open(self, name: str) -> np.memmap:
        path, array = self.folder / f"{name}.npy", self.journal["arrays"][name]
        try:
            if self.journal["blocks"]:
                return np.load(path, mmap_mode="r+")
        except (OSError, ValueError):  # damaged: from the first row again
            self.journal["blocks"] = []
        return np.lib.format.open_memmap(path, "w+", array["dtype"], tuple(array["shape"]))

    def _row(self, index: int) -> dict[str, np.ndarray]:
        row = self.data.stored(index)
        for name, values in row.items():
            if values.shape != self.first[name].shape:
                names = self.data.names
                raise UserError(
                    f"{name} of all shapes must be of one size to be packed: {names[index]} has {values.shape}, "
                    f"{names[0]} {self.first[name].shape}"
                )
        return row

    def write(self, threads: int) -> None:
        """Write the rows that are not there, block by block, then read all of them again and compare checksums.

        Raises:
            UserError: for a missing or damaged file, one of another size, or if what was written is not what is read.
        """
        count, done = len(self.data), len(self.journal["blocks"]) * BLOCK
        with (
            Threads(threads) as pool,
            progress(total=count, initial=min(done, count), desc=f"packing into {self.folder}", unit="shape") as bar,
        ):
            for start in range(done, count, BLOCK):
                end = min(start + BLOCK, count)
                rows, sums = list(pool.map(self._row, range(start, end))), {}
                try:
                    for name, array in self.arrays.items():
                        block = np.stack([row[name] for row in rows])
                        array[start:end] = block
                        array.flush()
                        sums[name] = zlib.crc32(block.data)
                    self.journal["blocks"].append(sums)
                    with atomic_write(self.folder / JOURNAL) as temporary:
                        temporary.write_text(json.dumps(self.journal))
                except OSError as error:
                    raise UserError(f"cannot write to {self.folder}: {error.strerror}") from None
                bar.update(end - start)
        for name, array in self.journal["arrays"].items():
            array["blocks"] = [sums[name] for sums in self.journal["blocks"]]
        index = {key: self.journal[key] for key in ("settings", "arrays")} | {"names": self.data.names}
        with atomic_write(self.folder / INDEX) as temporary:
            temporary.write_text(json.dumps(index))
        try:
            verify_pack(self.folder)
        except UserError:
            (self.folder / INDEX).unlink()
            (self.folder / JOURNAL).unlink()
            raise
        (self.folder / JOURNAL).unlink()
        self.lock.close()
        (self.folder / ".lock").unlink()


def verify_pack(folder: Path) -> int:
    """Compare all arrays of a pack with their checksums; returns the number of shapes.

    Raises:
        UserError: if there is no pack, or a block of it is damaged.
    """
    pack = open_pack(folder)
    if pack is None:
        raise UserError(f"{folder} holds no pack ({INDEX}): python -m tools.pack makes it")
    places = [(name, start) for name in pack.rows for start in range(0, len(pack.names), BLOCK)]
    for name, start in progress(places, desc=f"verifying {folder}", unit="block"):
        if pack.rows[name].damaged(start):
            rows = f"rows {start} to {min(start + BLOCK, len(pack.names)) - 1}"
            raise UserError(f"{folder / f'{name}.npy'} is damaged in {rows}: --overwrite makes it again")
    return len(pack.names)


def main(arguments: Sequence[str] | None = None) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))  # datasets.demo has blocked them
    parser = Parser(description="Pack the small files of a data set into a few arrays, which the loader prefers.")
    parser.add_argument("name", help=f"the data set: {', '.join(PACKABLE)}; for shards any of {CONFIGS}, too")
    parser.add_argument("--data_root", default="data", help="folder of the data sets (default: %(default)s)")
    parser.add_argument("--image_size", type=int, default=224, help="of the views, as in pretraining (default: 224)")
    parser.add_argument("--plain_images", action="store_true", help="for pretraining with image_augment: false")
    parser.add_argument("--no_images", action="store_true", help="pack the clouds only")
    parser.add_argument("--config", help="another config of the data set")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1, help="readers, or makers (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a pack that is there")
    parser.add_argument("--verify", action="store_true", help="compare the pack that is there with its checksums")
    shards = parser.add_argument_group("WebDataset shards (docs/data.md)")
    shards.add_argument("--shards", nargs="?", const="", metavar="OUT", help="write shards (default: DATA_ROOT/shards)")
    shards.add_argument("--subset", default="train", choices=["train", "test"], help="which split (default: train)")
    shards.add_argument("--shard_count", type=at_least(1), default=1000, help="most shapes a shard (default: 1000)")
    shards.add_argument("--shard_mb", type=at_least(1), default=500, help="a shard ends at so many MB (default: 500)")
    shards.add_argument(
        "--half", action="store_true", help="points as float16: half the size, a relative error of 0.0005"
    )
    shards.add_argument("--seed", type=int, default=0, help="of the order of the shapes (default: 0)")
    shards.add_argument("--opts", nargs="+", default=[], metavar="KEY=VALUE", help="keys of the data set")
    args = parser.parse_args(arguments)
    if args.threads < 1:
        raise UserError(f"--threads must be at least 1, got {args.threads}")
    if args.shards is not None:
        pack_shards(args)
        return
    if args.name not in PACKABLE:
        close = suggestion(args.name, PACKABLE)
        raise UserError(f"unknown data set '{args.name}'{close} (known: {', '.join(PACKABLE)})")

    base = load_config(args.config or PACKABLE[args.name])
    if not base.get("PACK_PATH"):
        raise UserError(f"config {args.config} names no PACK_PATH to write to")
    folder = Path(below_root(str(base["PACK_PATH"]), args.data_root))
    if args.verify:
        print(f"{verify_pack(folder)} shapes in {folder} are as they were packed")
        return
    partial = folder.with_name(f"{folder.name}.partial")
    if args.overwrite or open_pack(folder) is None:
        replaceable(folder)
    if args.overwrite:
        drop_begun(partial)
    # From the files, and all of them, whatever part of the lists the config reads.
    others = {"subset": "train", "whole": True, "ratio": 1.0, "PACK_PATH": None, "images": not args.no_images}
    others |= {"image_size": args.image_size, "image_augment": not args.plain_images}
    # No other data set knows these keys.
    data = cast(ShapeNet, build_dataset({"_base_": base, "others": others}, args.data_root, args.name))
    there = None if args.overwrite else open_pack(folder)
    if there is not None:
        if (there.names, there.settings) != (data.names, data.pack_settings()):
            raise UserError(f"{folder} holds a pack of other lists or settings: --overwrite replaces it")
        print(f"{len(there.names)} shapes are packed in {folder}")
        return
    writer = Writer(data, partial)
    writer.write(args.threads)
    finish(partial, folder, len(data))


def finish(partial: Path, folder: Path, count: int) -> None:
    """Move a pack, or shards, that are whole to their place; what they replace is deleted once they are there.

    Raises:
        UserError: if the file system refuses, or the place holds files that are neither pack nor shards.
    """
    aside, names = _aside(folder), replaceable(folder)
    try:
        if folder.is_dir():
            folder.rename(aside)
        try:
            partial.rename(folder)
        except OSError:
            if aside.is_dir():
                aside.rename(folder)
            raise
    except OSError as error:
        raise UserError(f"{partial} cannot be renamed to {folder}: {error.strerror}") from None
    try:
        for name in names:
            (aside / name).unlink(missing_ok=True)
        if aside.is_dir():
            aside.rmdir()
    except OSError as error:
        raise UserError(f"{folder} is whole, but what it replaced stays in {aside}: {error.strerror}") from None
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{count} shapes packed in {folder} ({size / 1e9:.2f} GB), verified")


def _aside(folder: Path) -> Path:
    """Where a pack is while another takes its place."""
    return folder.with_name(f"{folder.name}.old")


def replaceable(folder: Path) -> set[str]:
    """Return the names of the files in a folder, all of them of one pack or of shards; none if it does not exist.

    Raises:
        UserError: if there is anything else, which must not be deleted.
    """
    if (aside := _aside(folder)).exists():
        raise UserError(f"{aside} was left by a run that was killed as it replaced {folder}: rename or delete it")
    if not folder.exists():
        return set()
    if folder.is_symlink() or not folder.is_dir():
        raise UserError(f"{folder} is not a folder of its own, and is not replaced")
    own, found = PACKED if (folder / INDEX).is_file() else set(), {path.name: path for path in folder.iterdir()}
    if not own and SHARD_INDEX in found:
        try:
            index = json.loads(found[SHARD_INDEX].read_bytes())
            files = {str(shard["file"]) for shard in index["shards"] if index["format"] == 1}
            own = {SHARD_INDEX, *(file for file in files if SHARD_NAME.fullmatch(file))}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise UserError(f"{found[SHARD_INDEX]} is no index of shards: delete {folder} if it may go") from None
    others = sorted(name for name, path in found.items() if name not in own or path.is_dir())
    if others:
        raise UserError(f"{folder} holds {others[0]}, which is of no pack and no shards: nothing is replaced")
    return {*found}


def drop_begun(partial: Path) -> None:
    """Delete a pack, or shards, in the making.

    Raises:
        UserError: if the folder is not one that a run of this program began, or it cannot be deleted.
    """
    if not partial.exists():
        return
    if not {".lock", INDEX, SHARD_INDEX} & {path.name for path in partial.iterdir()}:
        raise UserError(f"{partial} is where the files are written first, and holds others: move it away")
    try:
        shutil.rmtree(partial)
    except OSError as error:
        raise UserError(f"{partial} cannot be deleted: {error.strerror}") from None


def pack_shards(args: argparse.Namespace) -> None:
    """Write, or verify, the shards that arguments ask for; see `main`.

    Raises:
        UserError: for wrong arguments and unfit data, and if other shards are there.
    """
    folder = Path(args.shards or Path(args.data_root, "shards", args.name.lower()))
    if args.verify:
        store = ShardStore(str(folder))
        verify_shards(store, lambda shards: progress(shards, desc=f"verifying {folder}", unit="shard"))
        print(f"{len(store)} shapes in {folder} are as they were packed")
        return
    known = PACKABLE | {path.stem: str(path) for path in sorted(CONFIGS.glob("*.yaml")) if path.stem != "Shards"}
    if args.name not in known and not args.config:
        raise UserError(f"unknown data set '{args.name}'{suggestion(args.name, known)} (known: {', '.join(known)})")
    partial = folder.with_name(f"{folder.name}.partial")
    if folder.exists() and not args.overwrite:
        raise UserError(f"{folder} is there already: --verify compares it with its checksums, --overwrite replaces it")
    replaceable(folder)
    if args.overwrite:
        drop_begun(partial)
    base = load_config(args.config or known[args.name])
    others: dict[str, Any] = {"subset": args.subset}
    dataset = dataset_class({"_base_": base}, args.name)
    if issubclass(dataset, ViewDataset):
        known = {field.name for field in dataclasses.fields(dataset.Config)}
        whole = {"PACK_PATH": None, "ratio": 1.0, "images": not args.no_images}
        others |= {key: value for key, value in whole.items() if key in known}
    apply_opts(others, args.opts)
    data = build_dataset({"_base_": base, "others": others}, args.data_root, args.name)
    dtype = "float16" if args.half else "float32"
    ShardWriter(data, partial, args.shard_count, args.shard_mb * 1_000_000, dtype, args.seed).write(args.threads)
    finish(partial, folder, len(data))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # worker processes end, as after Ctrl-C
    run_command(main)
