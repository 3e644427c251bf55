"""Safe readers: every file a user can bring is checked, and no file can run code.

Each reader raises a one-line `UserError` that names the file when it is missing, damaged or of the wrong shape.
"""

import io
import itertools
import json
import math
import os
import pickle
import re
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import h5py
import numpy as np
import trimesh
from PIL import Image

from utils.errors import UserError
from utils.files import atomic_write, open_regular, read_text

StrPath = str | os.PathLike

PLAIN_KINDS = "biufcSU"
DEFLATE = 1032  # bytes that one compressed byte of a png or h5 file stands for at most
MAX_PIXELS = 1 << 25  # of an image: 5,792 x 5,792
MAX_INSTANCED = 5_000_000  # faces and vertices of a scene that places meshes several times
IMAGE_FORMATS = ("PNG", "JPEG")


def guarded(path: StrPath, what: str, read: Callable[[], Any], hint: str = "") -> Any:
    """Call `read`; what goes wrong becomes one line that names the file. `hint` tells how to get a missing one."""
    try:
        return read()
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{what} not found: {path}{hint and '; '}{hint}") from None
    except MemoryError:
        raise UserError(f"{what} {path} does not fit into memory") from None
    except pickle.UnpicklingError as error:
        raise UserError(f"{what} {path} is refused or damaged: {str(error)[:200]}") from None
    except Exception as error:  # decoders of damaged files raise nearly anything
        told = str(error)[:200] or type(error).__name__
        raise UserError(f"{what} {path} is damaged or cannot be read: {told}") from None


def _read_text(path: StrPath) -> str:
    return read_text(path, encoding="utf-8-sig")  # with or without the mark that Windows puts in front


def _read_bytes(path: StrPath) -> bytes:
    with open_regular(path) as file:
        return file.read()


def _open(path: StrPath, content: bytes | None) -> BinaryIO:
    """Open a file, or what was read of it already."""
    return open_regular(path) if content is None else io.BytesIO(content)


def _size(file: BinaryIO) -> int:
    at = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(at)
    return size


def read_bytes(path: StrPath, what: str, hint: str = "") -> bytes:
    """Read a file as it is.

    Raises:
        UserError: if it is missing.
    """
    return guarded(path, what, lambda: _read_bytes(path), hint)


def read_json(path: StrPath, what: str = "json file", hint: str = "") -> Any:
    """Read a json file.

    Raises:
        UserError: if the file is missing, or is not json.
    """
    return guarded(path, what, lambda: json.loads(_read_text(path)), hint)


def read_lines(path: StrPath, what: str, hint: str = "") -> list[str]:
    """Read a text file as stripped, non-empty lines.

    Args:
        path: the file.
        what: what it is, for messages: "ModelNet40 test list".
        hint: for the message about a missing file: the expected layout and where to get it.

    Raises:
        UserError: if the file is missing, not text, or empty.
    """
    text = guarded(path, what, lambda: _read_text(path), hint)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError(f"{what} {path} is empty")
    return lines


class _Dtype:
    """A pickled dtype, of which only its code and byte order are believed."""

    def __init__(self, code: str, *_: Any):
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not re.fullmatch(r"[biufc]\d{1,2}|[SU]\d{1,6}|O8?", code):
            raise pickle.UnpicklingError(f"it holds an array of {code[:60]}")
        self.real = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        _version, order, *rest = state
        if rest[:3] != [None] * 3 or order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"it holds an array of a compound {self.real}")
        self.real = self.real.newbyteorder(order)


class _Array(np.ndarray):
    """Array under construction, which gets its content once and in full."""

    def __setstate__(self, state: tuple) -> None:
        _version, shape, dtype, fortran, content = state
        real, count = dtype.real, _count(shape)
        if not isinstance(content, list if real.kind == "O" else (bytes, str)) or self.dtype != np.int8:
            raise pickle.UnpicklingError(f"it holds an array of {real}")
        content = _encode(content) if isinstance(content, str) else content
        if len(content) != count * (1 if real.kind == "O" else real.itemsize):
            raise pickle.UnpicklingError(
                f"it announces an array of {count} {real}, but holds {len(content)} of content"
            )
        if real.kind == "S" and not real.itemsize:
            raise pickle.UnpicklingError("it holds an array of empty strings")
        super().__setstate__((1, shape, real, bool(fortran), content))  # pyright: ignore[reportArgumentType] numpy says np.bool


def _count(shape: tuple) -> int:
    """How many values an array of a shape has, which must be one that arrays can have."""
    if not isinstance(shape, tuple) or len(shape) > 32 or not all(type(n) is int and 0 <= n < 1 << 40 for n in shape):
        raise pickle.UnpicklingError(f"it holds an array of shape {str(shape)[:60]}")
    if math.prod(max(n, 1) for n in shape) >= 1 << 48:
        raise pickle.UnpicklingError(f"it holds an array of shape {shape}")
    return math.prod(shape)


def _plain(dtype: _Dtype) -> np.dtype:
    if dtype.real.kind not in PLAIN_KINDS:
        raise pickle.UnpicklingError(f"it holds an array of {dtype.real}")
    return dtype.real


def _reconstruct(_subtype: Any, _shape: tuple, _code: Any) -> np.ndarray:
    return np.empty(0, np.int8).view(_Array)


def _frombuffer(buffer: Any, dtype: _Dtype, shape: tuple, order: str, axes: tuple | None = None) -> np.ndarray:
    array = np.frombuffer(bytearray(_buffer(buffer)), _plain(dtype))
    if _count(shape) != array.size:
        raise pickle.UnpicklingError(f"it announces an array of shape {shape}, but holds {array.size} values")
    if order == "K" and axes is not None:  # numpy 2.3 and later: contiguous after its axes are swapped
        return array.reshape(shape).transpose(axes)
    return array.reshape(shape, order="F" if order == "F" else "C")


def _buffer(content: Any) -> bytes | bytearray:
    if not isinstance(content, (bytes, bytearray)):
        raise pickle.UnpicklingError(f"it holds an array made of {type(content).__name__}")
    return content


def _scalar(dtype: _Dtype, content: bytes | str) -> np.generic:
    buffer = content.encode("latin1") if isinstance(content, str) else _buffer(content)
    return np.frombuffer(buffer, _plain(dtype), count=1)[0]


def _encode(text: str, _encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportAttributeAccessIssue]
    """Admits lists, tuples, dicts, strings, numbers and numpy arrays, scalars and dtypes; runs nothing else.

    It stands on the unpickler that is written in Python: the one in C reserves memory for what a file only announces.
    """

    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]

    ADMITTED = {
        ("numpy", "dtype"): _Dtype,
        ("numpy", "ndarray"): "ndarray",  # an argument of _reconstruct, never to be called
        ("_codecs", "encode"): _encode,  # how protocol 2 writes bytes
    }
    # numpy 2 moved numpy.core to numpy._core; files carry either name.
    for core in ("numpy.core", "numpy._core"):
        ADMITTED[core + ".multiarray", "_reconstruct"] = _reconstruct
        ADMITTED[core + ".multiarray", "scalar"] = _scalar
        ADMITTED[core + ".numeric", "_frombuffer"] = _frombuffer

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}; only lists, dicts, numbers, arrays are let in")
        return self.ADMITTED[module, name]

    def _build(self) -> None:
        if not isinstance(self.stack[-2], (_Array, _Dtype)):
            raise pickle.UnpicklingError(f"it sets the state of a {type(self.stack[-2]).__name__}")
        state = self.stack.pop()
        self.stack[-1].__setstate__(state)

    def _bytearray(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(size)))

    dispatch = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: _build, pickle.BYTEARRAY8[0]: _bytearray}  # pyright: ignore
    # Other ways to make objects and to refer to what is not in the file.
    for code in (pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4):
        del dispatch[code[0]]
    for code in (pickle.PERSID, pickle.BINPERSID, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER):
        del dispatch[code[0]]


def _unpickle(file: BinaryIO) -> Any:
    size = _size(file)
    # No more memory than the file is long, whatever it announces.
    bounded = types.SimpleNamespace(read=lambda count: file.read(min(count, size)), readline=file.readline)
    return _Unpickler(cast(Any, bounded), encoding="latin1").load()


def read_pickle(path: StrPath, what: str = "pickle", hint: str = "") -> Any:
    """Read a pickle of lists, tuples, dicts, strings, numbers and numpy arrays, written by Python 2 or 3, numpy 1 or 2.

    Raises:
        UserError: if the file is missing or damaged, or holds anything else; nothing in it is run.
    """

    def read() -> Any:
        with open_regular(path) as file:
            return _unpickle(file)

    return guarded(path, what, read, hint)


def write_pickle(path: StrPath, content: Any) -> None:
    """Write a pickle by an atomic write."""
    with atomic_write(Path(path)) as temporary, open(temporary, "wb") as file:
        pickle.dump(content, file, protocol=4)


def read_npy(path: StrPath, what: str = "array file", hint: str = "", content: bytes | None = None) -> Any:
    """Read an npy file; one that holds objects goes through the restricted unpickler.

    Args:
        path: the file.
        what: what it is, for messages.
        hint: for the message about a missing file.
        content: its bytes, if they were read already.

    Returns:
        The array, or the object itself if a single one is stored (`np.save` of a dict).

    Raises:
        UserError: if the file is missing, damaged, or holds more than arrays and plain values.
    """

    def read() -> Any:
        with _open(path, content) as file:
            if _npy_header(file)[2].hasobject:
                array = np.asarray(_unpickle(file))
                return array.item() if array.ndim == 0 else array
            file.seek(0)
            return np.load(file, allow_pickle=False)

    return guarded(path, what, read, hint)


def npy_layout(path: StrPath, what: str = "array file") -> tuple[tuple[int, ...], np.dtype, int]:
    """Return shape, dtype and where in the file the values begin of an npy file in C order that holds no objects.

    Raises:
        UserError: if the file is missing, damaged, or anything else.
    """

    def read() -> tuple[tuple[int, ...], np.dtype, int]:
        with open_regular(path) as file:
            shape, fortran, dtype = _npy_header(file)
            if fortran or dtype.hasobject:
                raise ValueError("it holds objects, or its axes are turned")
            return shape, dtype, file.tell()

    return guarded(path, what, read)


def _npy_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read shape, Fortran order and dtype of an npy file, and see that the file is as long as they say."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(file)
    if dtype.hasobject:
        return shape, fortran, dtype
    if dtype.kind not in PLAIN_KINDS or not dtype.itemsize:
        raise ValueError(f"it holds an array of {dtype}")
    announced, held = _count(shape) * dtype.itemsize, _size(file) - file.tell()
    if announced > held:
        raise ValueError(f"it announces {announced} bytes of values, but holds {held}")
    return shape, fortran, dtype


def read_points_npy(
    path: StrPath, columns: int = 3, min_points: int = 1, hint: str = "", content: bytes | None = None
) -> np.ndarray:
    """Read one cloud; see `read_npy`.

    Returns:
        (n, columns) float32; further columns of the file are dropped.

    Raises:
        UserError: if the file is missing, damaged, or not a finite cloud of at least `min_points` points.
    """
    array = read_npy(path, "point file", hint, content)
    if isinstance(array, np.ndarray) and array.dtype == object:
        if any(isinstance(value, (list, tuple, dict, np.ndarray)) for value in array.flat):
            raise UserError(f"{path} must hold numbers of shape (points, columns), got lists in an array")
        array = guarded(path, "point file", lambda: array.astype(np.float32), hint)
    return check_points(array, path, min_points, columns)[:, :columns]


def read_points_txt(
    path: StrPath,
    columns: int | None = 6,
    min_points: int = 1,
    hint: str = "",
    keep: Sequence[int] | None = None,
) -> np.ndarray:
    """Read one cloud from text: a point a line, values separated by commas or spaces.

    Args:
        path: the file.
        columns: how many values a line holds; None: as many as the first line, at least 3, and what may stand
            in front (the number of points alone on a line, names of columns, lines that begin with # or //) is passed
            over.
        min_points: how many points there must be at least.
        hint: for the message about a missing file.
        keep: the columns to return; all if None. What the others hold does not matter, as long as it is a number.

    Returns:
        (n, columns or len(keep)) float32.

    Raises:
        UserError: if the file is missing, a line does not hold `columns` numbers (naming the line), or the cloud is
            not finite or has fewer than `min_points` points.
    """
    lines = read_lines(path, "point file", hint)
    any_width = columns is None
    if any_width:
        skipped = next((i for i, line in enumerate(lines) if not _is_preamble(line)), len(lines))
        lines = lines[skipped:] or lines
        columns = max(3, len(lines[0].replace(",", " ").split()))
    delimiter = "," if "," in lines[0] else None
    try:
        array = np.loadtxt(lines, np.float32, comments=None, delimiter=delimiter, ndmin=2)
    except ValueError:
        array = None
    if array is None or array.shape[1] != columns:
        raise UserError(_bad_line(path, columns, delimiter, any_width))
    return check_points(array if keep is None else array[:, keep], path, min_points)


def _is_preamble(line: str) -> bool:
    words = [word.strip('"') for word in re.split(r"[\s,]+", line.strip(" ,"))]
    named = all(word.isidentifier() and word.lower() not in ("nan", "inf", "infinity") for word in words)
    return line.startswith(("#", "//")) or line.isdecimal() or named


def _bad_line(path: StrPath, columns: int, delimiter: str | None, preamble: bool) -> str:
    """Find the line that a fast parse stumbled over."""
    expected = f"expected {columns} numbers separated by commas or spaces"
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        preamble = preamble and (not line.strip() or _is_preamble(line.strip()))
        try:
            good = preamble or not line.strip() or len([float(value) for value in line.split(delimiter)]) == columns
        except ValueError:
            good = False
        if not good:
            return f"point file {path}, line {number}: {expected}, got '{line.strip()[:60]}'"
    return f"point file {path}: {expected} a line"


PCD_TYPES = {"F": "f", "I": "i", "U": "u"}


def read_points_pcd(path: StrPath, min_points: int = 1) -> np.ndarray:
    """Read one cloud from a PCD file (Point Cloud Library, version 0.7): ascii, binary or binary_compressed.

    Returns:
        (n, 3) float32 coordinates; points without a measurement (NaN, as the format has it) are left out.

    Raises:
        UserError: if the file is missing, damaged, has no fields x, y and z, or has fewer than `min_points` points.
    """
    points = guarded(path, "point file", lambda: _parse_pcd(_read_bytes(path)))
    measured = ~np.isnan(points).any(1)
    return check_points(points[measured], path, min_points)


def _parse_pcd(content: bytes) -> np.ndarray:
    """Return the columns x, y, z (n, 3) of a PCD file; raises ValueError, KeyError or IndexError if it is damaged."""
    header, start = {}, 0
    while "DATA" not in header:
        end = content.index(b"\n", start)
        words = content[start:end].decode("ascii").split()
        start = end + 1
        if words and not words[0].startswith("#"):
            header[words[0]] = words[1:]
    names, kinds, count = header["FIELDS"], header["TYPE"], int(header["POINTS"][0])
    sizes, repeats = ([int(word) for word in header.get(key, ["1"] * len(names))] for key in ("SIZE", "COUNT"))
    missing = [name for name in "xyz" if names.count(name) != 1 or repeats[names.index(name)] != 1]
    if missing:
        raise ValueError(f"it has no field {missing[0]}, but {' '.join(names)}")
    columns = list(zip(names, kinds, sizes, repeats, strict=True))
    body, form = content[start:], header["DATA"][0]
    if form == "ascii":
        first = np.cumsum([0, *repeats])
        wanted = [int(first[names.index(name)]) for name in "xyz"]
        points = np.loadtxt(body.decode("ascii").splitlines(), usecols=wanted, ndmin=2)
        if len(points) != count:
            raise ValueError(f"it holds {len(points)} points, but announces {count}")
        return points
    # One number a field: names may repeat ("_" is padding).
    dtypes = [np.dtype((f"<{PCD_TYPES[kind]}{size}", (repeat,))) for _, kind, size, repeat in columns]
    width = sum(dtype.itemsize for dtype in dtypes)
    if form == "binary_compressed":
        packed, unpacked = np.frombuffer(body, "<u4", 2).tolist()
        if unpacked != count * width:
            raise ValueError(f"it holds {unpacked} bytes, but announces {count} points of {width}")
        body = _decompress_lzf(body[8 : 8 + packed], unpacked)
    elif form != "binary":
        raise ValueError(f"its data is '{form}', not ascii, binary or binary_compressed")
    if count < 0 or len(body) < count * width:
        raise ValueError(f"it holds {len(body)} bytes of data, {count} points take {count * width}")
    if form == "binary":
        rows = np.frombuffer(body, np.dtype([(f"f{i}", dtype) for i, dtype in enumerate(dtypes)]), count)
        fields = [rows[f"f{i}"] for i in range(len(dtypes))]
    else:  # field after field
        offsets = np.cumsum([0] + [count * dtype.itemsize for dtype in dtypes]).tolist()
        fields = [
            np.frombuffer(body, dtype.base, count * dtype.shape[0], offset).reshape(count, -1)
            for dtype, offset in zip(dtypes, offsets, strict=False)
        ]
    return np.column_stack([fields[names.index(name)][:, 0] for name in "xyz"]).astype(np.float64)


def _decompress_lzf(packed: bytes, size: int) -> bytes:
    """Undo LZF: a control byte below 32 is followed by that many literal bytes and one, others copy what is behind."""
    out, i = bytearray(), 0
    while i < len(packed):
        control = packed[i]
        i += 1
        if control < 32:
            out += packed[i : i + control + 1]
            i += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += packed[i]
            i += 1
        length += 2
        begin = len(out) - ((control & 31) << 8) - packed[i] - 1
        i += 1
        if begin < 0 or len(out) + length > size:
            raise ValueError("its compressed data is damaged")
        chunk = bytes(out[begin : begin + length])
        out += (chunk * (length // len(chunk) + 1))[:length]  # a copy may run into what it writes
    if len(out) != size:
        raise ValueError("its compressed data is damaged")
    return bytes(out)


def read_mesh(path: StrPath, num_points: int, seed: int, min_points: int = 1) -> np.ndarray:
    """Read a ply, off, obj, stl or glb file and draw points from its surface, uniformly by area.

    Args:
        path: the file; only it is read, no material or texture that it names.
        num_points: how many points are drawn from a surface.
        seed: of the draw.
        min_points: how many points a file without faces must have at least.

    Returns:
        (num_points, 3) float32; of a file without faces its points (n, 3).

    Raises:
        UserError: if the file is missing, damaged or cut off (an obj file does not tell how much it should hold), or
            holds neither a surface nor enough finite points.
    """

    def read() -> np.ndarray:
        kind = Path(path).suffix[1:].lower()
        content = io.BytesIO(_whole_mesh(_read_bytes(path), kind))
        # Its annotations do not tell that geometries have vertices.
        scene = cast(Any, trimesh.load_scene(content, file_type=kind, process=False, skip_materials=True))
        placed = [scene.geometry[scene.graph[node][1]] for node in scene.graph.nodes_geometry]
        size = sum(len(part.vertices) + len(getattr(part, "faces", ())) for part in placed)
        if len(placed) > len(scene.geometry) and size > MAX_INSTANCED:
            raise ValueError(f"it places its meshes {len(placed)} times, {size} vertices and faces in all")
        parts = scene.dump()
        meshes = [part for part in parts if isinstance(part, trimesh.Trimesh) and len(part.faces)]
        if not meshes:
            return np.concatenate([np.asarray(part.vertices).reshape(-1, 3) for part in parts] or [np.empty((0, 3))])
        mesh = cast(trimesh.Trimesh, trimesh.util.concatenate(meshes))
        check_points(np.asarray(mesh.vertices), path)
        if not mesh.area > 0:
            raise UserError(f"mesh {path} has no surface to draw points from: its area is {mesh.area:g}")
        return np.asarray(trimesh.sample.sample_surface(mesh, num_points, seed=seed)[0])

    points = guarded(path, "mesh", read)
    if not len(points):
        raise UserError(f"mesh {path} is damaged or cannot be read: it holds neither faces nor points")
    return check_points(points, path, min_points)


def _whole_mesh(content: bytes, kind: str) -> bytes:
    """Check that no text of a mesh file is missing, and make of it what trimesh reads as it is meant.

    trimesh takes what there is of an ascii ply or off file, reads lines of an off file with comments twice, and needs
    another package for text that is not UTF-8.

    Raises:
        ValueError: if text ends before what its header announces, or within a solid of an stl file.
    """
    if kind == "glb":
        _check_glb(content)
        return content
    if kind == "stl" and len(content) == 84 + 50 * int.from_bytes(content[80:84], "little"):
        return content  # binary
    data = b""
    if kind == "ply":  # what follows the header may be binary
        content, end, data = content.partition(b"end_header")
        content += end
    text = content.decode("utf-8-sig", "replace")  # only in names and comments, which are not looked at
    if kind == "ply":
        header = [line.split() for line in text.splitlines()]
        if ["format", "ascii"] not in [words[:2] for words in header]:
            return text.encode() + data
        lines = _rows(data.decode("utf-8", "replace"))
        rest = iter(lines)
        for words, following in itertools.pairwise(header):
            if words[:1] == ["element"]:
                _check_rows(rest, words[1], int(words[2]), following[:2] == ["property", "list"])
        text = "\n".join([text, *lines])
    elif kind == "off":
        _, name, text = re.sub("#.*", "", text).partition("OFF")
        sizes, *lines = _rows(text) or [""]
        vertices, faces, *_ = map(int, sizes.split())
        rest = iter(lines)
        _check_rows(rest, "vertex", vertices)
        _check_rows(rest, "face", faces, lists=True)
        text = "\n".join([name, sizes, *lines])
    elif kind == "stl" and re.search(r"\n\s*vertex\s", text.lower().rpartition("endsolid")[2]):
        raise ValueError("it ends within a solid")
    return text.encode()


def _check_glb(content: bytes) -> None:
    """Check that a glb file holds what its accessors announce, before there is memory taken for it."""
    header = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
    counts = [accessor["count"] for accessor in header.get("accessors", ())]
    if min(counts, default=0) < 0 or sum(counts) > 4 * len(content):  # several accessors may share values
        raise ValueError(f"its accessors announce {sum(counts)} values, but it has {len(content)} bytes")


def _rows(text: str) -> list[str]:
    return [row for line in text.splitlines() if (row := line.strip())]


def _check_rows(rest: Iterator[str], what: str, announced: int, lists: bool = False) -> None:
    """Take the rows that are announced; where they are lists, each begins with its length."""
    rows = list(itertools.islice(rest, announced))
    if len(rows) < announced:
        raise ValueError(f"it announces {announced} rows of '{what}', but holds {len(rows)}")
    for row in rows if lists else ():
        count, *values = row.split()
        if len(values) < float(count):
            raise ValueError(f"a row of '{what}' is cut off: '{row[:60]}'")


def read_h5(
    path: StrPath, keys: Sequence[str], what: str = "h5 file", hint: str = "", optional: Sequence[str] = ()
) -> list[np.ndarray]:
    """Read whole arrays from an h5 file: those of `keys`, then those of the `optional` ones that it has.

    Raises:
        UserError: if the file is missing or damaged, or lacks one of the keys.
    """

    def read() -> list[np.ndarray]:
        with open_regular(path) as opened:
            size = os.fstat(opened.fileno()).st_size
        with h5py.File(path, "r") as file:
            arrays: list[h5py.Dataset] = []
            for key in (*keys, *(key for key in optional if key in file)):
                if (
                    not isinstance(file.get(key, getlink=True), h5py.HardLink)
                    or file.get(key, getclass=True) is not h5py.Dataset
                ):
                    held = ", ".join(itertools.islice(file, 10)) or "nothing"
                    raise UserError(f"{what} {path} lacks the array '{key}', it holds: {held}")
                arrays.append(cast(h5py.Dataset, file[key]))
                _check_h5(arrays[-1], size)
            return [array[()] for array in arrays]

    return guarded(path, what, read, hint)


def _check_h5(array: h5py.Dataset, size: int) -> None:
    """Check that an array holds plain values, and that a file of `size` bytes can hold as many as it announces.

    Raises:
        ValueError: if it does not, or if its values are in other files.
    """
    made = array.id.get_create_plist()
    if made.get_external_count() or made.get_layout() == h5py.h5d.VIRTUAL:
        raise ValueError(f"the values of '{array.name}' are in other files")
    if array.dtype.kind not in PLAIN_KINDS or array.shape is None:
        raise ValueError(f"'{array.name}' holds {array.dtype}")
    most = size * (DEFLATE if made.get_nfilters() else 1)
    for shape in (array.shape, array.chunks or ()):
        if math.prod(shape) * array.dtype.itemsize > most:
            raise ValueError(f"'{array.name}' announces {shape} values of {array.dtype}, but the file has {size} bytes")
    if array.size and array.id.get_storage_size() * DEFLATE < array.size * array.dtype.itemsize:
        raise ValueError(f"'{array.name}' announces {array.shape} values that the file does not hold")


def read_image(path: StrPath, bgr: bool = False, hint: str = "", content: bytes | None = None) -> Image.Image:
    """Read an image as 8-bit colour; transparency is dropped.

    Args:
        path: the file.
        bgr: swap red and blue, as the released code does by decoding with OpenCV and never converting.
        hint: for the message about a missing file.
        content: its bytes, if they were read already.

    Raises:
        UserError: if the file is missing or damaged, is neither png nor jpeg, or has more than `MAX_PIXELS`.
    """

    def read() -> Image.Image:
        with _open(path, content) as file, Image.open(file, formats=IMAGE_FORMATS) as image:
            pixels, size = image.width * image.height, _size(file)
            if pixels > MAX_PIXELS or pixels > 8 * DEFLATE * size:  # up to eight pixels a byte
                raise ValueError(f"it announces {image.width} x {image.height} pixels in {size} bytes")
            if image.mode.startswith("I"):  # 16 bits of grey
                image = Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
            return image.convert("RGB")

    image = guarded(path, "image", read, hint)
    return Image.merge("RGB", image.split()[::-1]) if bgr else image


def check_points(array: Any, path: StrPath, min_points: int = 1, columns: int = 3, ndim: int = 2) -> np.ndarray:
    """Check one cloud, or a stack of clouds.

    Args:
        array: what a file held.
        path: the file (and the place in it), for messages.
        min_points: how many points a cloud must have at least.
        columns: how many columns it must have at least.
        ndim: 2 for a cloud (n, C), 3 for a stack of them (m, n, C).

    Returns:
        The array as float32.

    Raises:
        UserError: if it is not a float array of that shape, holds NaN or infinite values, or has too few points.
    """
    shape = "(points, columns)" if ndim == 2 else "(shapes, points, columns)"
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        got = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise UserError(f"{path} must hold numbers of shape {shape}, got {got}")
    if array.ndim != ndim or array.shape[-1] < columns or 0 in array.shape:
        raise UserError(f"{path} must have shape {shape} with at least {columns} columns, got {array.shape}")
    if array.shape[-2] < min_points:
        raise UserError(f"{path} has {array.shape[-2]} points, fewer than the {min_points} asked for")
    with np.errstate(over="ignore"):
        array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        *cloud, point, _ = np.argwhere(~np.isfinite(array))[0].tolist()
        place = f"shape {cloud[0]}, point {point}" if cloud else f"point {point}"
        raise UserError(f"{path} holds NaN or infinite values, first at {place} (counted from 0)")
    return array


def check_labels(
    labels: Any, classes: int | range, path: StrPath, count: int | None = None, what: str = "shape"
) -> np.ndarray:
    """Check class labels.

    Args:
        labels: numbers, or an array of any shape with one value a shape.
        classes: labels must lie in 0..classes-1, or in this range.
        path: the file they come from, for messages.
        count: how many there must be.
        what: what has a label, for messages.

    Returns:
        (n,) int64.

    Raises:
        UserError: if they are not whole numbers in range, or not as many as there are shapes.
    """
    try:
        if not isinstance(labels, np.ndarray):
            labels = [one.item() if isinstance(one, (np.ndarray, np.generic)) else one for one in labels]
            if not all(isinstance(one, (int, float)) for one in labels):  # lists in lists may expand to any size
                raise TypeError
        array = np.asarray(labels).reshape(-1)
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int64)
        valid = array.dtype.kind in "fiu" and (whole == array).all()
    except (TypeError, ValueError, OverflowError):
        valid, whole = False, np.empty(0, np.int64)
    if not valid:
        raise UserError(f"{path}: labels must be whole numbers, one a {what}")
    if count is not None and len(whole) != count:
        raise UserError(f"{path} holds {len(whole)} labels for {count} {what}s")
    allowed = range(classes) if isinstance(classes, int) else classes
    outside = np.flatnonzero((whole < allowed[0]) | (whole > allowed[-1]))
    if outside.size:
        first = outside[0]
        place = f"label {whole[first]} of {what} {first}"
        raise UserError(f"{path}: {place} is out of range {allowed[0]}..{allowed[-1]}")
    return whole
