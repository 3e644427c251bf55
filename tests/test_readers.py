"""Readers: what is good comes back equal, what is bad is one line that names the file, and no file runs code."""

import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from datasets import readers
from utils.errors import UserError


def refuse(path: Path, *words: str):
    """Expect a one-line UserError that names the file and holds the words."""
    pattern = "".join(f"(?=.*{word})" for word in (str(path), *words))
    return pytest.raises(UserError, match=f"^{pattern}[^\n]*$")


class Evil:
    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.fixture
def cloud() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)


@pytest.mark.parametrize("protocol", range(6))
def test_pickle_round_trip(tmp_path: Path, cloud: np.ndarray, protocol: int):
    content = {"train": [(cloud, 3, np.int32(7))], "test": [cloud.astype(np.float64)[::-1].T, np.array([1], np.int32)]}
    content |= {"text": "é", "bytes": b"\xff\x00", "none": None, "flag": True, "names": np.array(["a", "bc"])}
    content["objects"] = np.array([{"xyz": cloud}, 1], dtype=object)
    content["turned"] = np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2)  # neither C nor Fortran order
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    back = readers.read_pickle(path)
    (points, label, original), (transposed, one) = back["train"][0], back["test"]
    assert np.array_equal(points, cloud) and points.dtype == np.float32 and (label, original) == (3, 7)
    assert np.array_equal(transposed, content["test"][0]) and one.dtype == np.int32
    assert {k: back[k] for k in ("text", "bytes", "none", "flag")} == {
        k: content[k] for k in ("text", "bytes", "none", "flag")
    }
    assert np.array_equal(back["turned"], content["turned"])
    assert back["names"].tolist() == ["a", "bc"] and np.array_equal(back["objects"][0]["xyz"], cloud)


@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_pickle_of_either_numpy(tmp_path: Path, core: bytes):
    path, array = tmp_path / "a.pkl", np.arange(6, dtype=np.float32).reshape(2, 3)
    # Protocol 0 names modules in plain text, so that the other numpy's name can be put in.
    content = (
        pickle.dumps([array, np.float64(2.5)], 0).replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", core)
    )
    path.write_bytes(content)
    back = readers.read_pickle(path)
    assert np.array_equal(back[0], array) and back[1] == 2.5


def test_pickle_of_python_2(tmp_path: Path):
    """Python 2 wrote the bytes of arrays as str, to be read as latin1."""
    path, values = tmp_path / "a.dat", np.array([-1.5, 2.25], "<f4")
    dtype = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    path.write_bytes(b"\x80\x02" + array + b"(K\x01K\x02\x85" + dtype + b"\x89U\x08" + values.tobytes() + b"tb.")
    assert np.array_equal(readers.read_pickle(path), values)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_malicious_pickle_does_not_run(tmp_path: Path, protocol: int):
    path, marker = tmp_path / "evil.pkl", tmp_path / "ran"
    path.write_bytes(pickle.dumps([Evil(marker)], protocol))
    with refuse(path, "refused", "system"):
        readers.read_pickle(path)
    array = np.empty(1, object)
    array[0] = Evil(marker)
    np.save(tmp_path / "evil.npy", array)
    with refuse(tmp_path / "evil.npy", "refused", "system"):
        readers.read_points_npy(tmp_path / "evil.npy")
    (tmp_path / "raw.npy").write_bytes(path.read_bytes())
    with refuse(tmp_path / "raw.npy"):
        readers.read_points_npy(tmp_path / "raw.npy")
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"c__builtin__\ngetattr\n.",
        b"cnumpy\nload\n.",
        b"cnumpy\nndarray\n(I4\ntR.",  # an array over memory of its choice
        b"cdatasets.readers\nUserError\n.",
    ],
)
def test_other_classes_are_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with refuse(path):
        readers.read_pickle(path)


def test_array_that_lies_about_objects_is_refused(tmp_path: Path):
    """A dtype whose flags deny that it holds objects would make numpy take bytes for pointers."""
    dtype = b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    for name, body in {
        "array": array + b"(K\x01K\x01\x85" + dtype + b"\x89U\x08" + b"A" * 8 + b"tb.",
        "scalar": b"cnumpy.core.multiarray\nscalar\n" + dtype + b"U\x08" + b"A" * 8 + b"\x86R.",
    }.items():
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(b"\x80\x02" + body)
        with refuse(path, "refused"):
            readers.read_pickle(path)


@pytest.mark.parametrize("content", [b"", b"garbage", pickle.dumps(np.zeros(100))[:-40], b"\x80\x04."])
def test_damaged_pickle(tmp_path: Path, content: bytes):
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with refuse(path, "damaged"):
        readers.read_pickle(path)
    with refuse(tmp_path / "b.pkl", "not found", "get it there"):
        readers.read_pickle(tmp_path / "b.pkl", hint="get it there")


def test_write_pickle_leaves_no_other_file(tmp_path: Path):
    readers.write_pickle(tmp_path / "a.pkl", [1])
    assert readers.read_pickle(tmp_path / "a.pkl") == [1]
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        readers.write_pickle(tmp_path / "a.pkl", [lambda: None])
    assert readers.read_pickle(tmp_path / "a.pkl") == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", object])
def test_points_npy(tmp_path: Path, cloud: np.ndarray, dtype):
    path = tmp_path / "a.npy"
    cloud = cloud.astype(np.float16)
    np.save(path, cloud.astype(dtype))
    points = readers.read_points_npy(path)
    assert points.dtype == np.float32 and np.array_equal(points, cloud[:, :3])


def test_bad_points_npy(tmp_path: Path, cloud: np.ndarray):
    path = tmp_path / "a.npy"
    holed = cloud.copy()
    holed[17, 1] = np.nan
    infinite = cloud.astype(np.float64)
    infinite[3, 0] = 1e300  # too large for float32
    cases = {
        "shape": cloud[:, 0],
        r"3 columns.*\(50, 2\)": cloud[:, :2],
        r"\(0, 6\)": cloud[:0],
        "NaN or infinite.*point 17 ": holed,
        "NaN or infinite.*point 3 ": infinite,
        "numbers.*<U1": np.array([["a", "b", "c"]]),
        "numbers.*complex": cloud.astype(np.complex64),
        "dict": np.array({"xyz": 1}, dtype=object),
        "damaged": np.array([[1, 2, 3], [4, "b", 6]], dtype=object),
    }
    for words, array in cases.items():
        np.save(path, array)
        with refuse(path, words):
            readers.read_points_npy(path)
    np.save(path, cloud)
    with refuse(path, "50 points, fewer than the 51 asked for"):
        readers.read_points_npy(path, min_points=51)
    content = path.read_bytes()
    for damaged in (b"", b"not an array", content[:90], content[:-1]):
        path.write_bytes(damaged)
        with refuse(path, "damaged"):
            readers.read_points_npy(path)
    with refuse(tmp_path / "b.npy", "not found"):
        readers.read_points_npy(tmp_path / "b.npy")
    with refuse(tmp_path):
        readers.read_points_npy(tmp_path)


@pytest.mark.parametrize("delimiter", [",", " ", ", ", "\t"])
def test_points_txt(tmp_path: Path, cloud: np.ndarray, delimiter: str):
    path = tmp_path / "a.txt"
    np.savetxt(path, cloud, delimiter=delimiter, fmt="%.6f")
    path.write_text("\n" + path.read_text() + "\n")
    assert np.allclose(readers.read_points_txt(path), cloud, atol=1e-6)


def test_bad_points_txt(tmp_path: Path):
    path = tmp_path / "a.txt"
    row = "1,2,3,4,5,6\n"
    for content, words in {
        row + "\n" + row + "1,2,x,4,5,6\n": "line 4.*1,2,x,4",
        row + "1,2,3\n": "line 2.*6 numbers",
        "1,2,3\n1,2,3\n": "line 1.*6 numbers",
        row + "1,2,3,4,5,\n": "line 2",
        row + "nan,2,3,4,5,6\n": "NaN.*point 1 ",
        row: "1 points, fewer than the 2",
        "": "empty",
        row + "# note\n": "line 2",
    }.items():
        path.write_text(content)
        with refuse(path, words):
            readers.read_points_txt(path, 6, 2)
    path.write_bytes(b"\xff\xfe\x00")
    with refuse(path, "damaged"):
        readers.read_points_txt(path)
    with refuse(tmp_path / "b.txt", "not found"):
        readers.read_points_txt(tmp_path / "b.txt")


def test_lines(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("one\r\n\n two \n")
    assert readers.read_lines(path, "list") == ["one", "two"]
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")  # as Windows editors save it
    assert readers.read_lines(path, "list") == ["one", "two"]
    with refuse(tmp_path / "b.txt", "class list not found", "get it there"):
        readers.read_lines(tmp_path / "b.txt", "class list", "get it there")


def test_json(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf[1, "two"]\r\n')
    assert readers.read_json(path) == [1, "two"]
    for damaged in (b"", b"[1, ", b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(damaged)
        with refuse(path, "damaged"):
            readers.read_json(path)
    with refuse(tmp_path / "b.json", "not found"):
        readers.read_json(tmp_path / "b.json")


def test_h5(tmp_path: Path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["data"], file["label"] = np.ones((2, 5, 3)), np.array([0, 1], np.uint8)
        file.create_group("group")
    data, label = readers.read_h5(path, ("data", "label"))
    assert data.shape == (2, 5, 3) and label.tolist() == [0, 1]
    for key in ("points", "group"):
        with refuse(path, f"lacks the array '{key}'.*data"):
            readers.read_h5(path, (key,))
    content = path.read_bytes()
    for damaged in (b"", b"text", content[:100]):
        path.write_bytes(damaged)
        with refuse(path, "damaged"):
            readers.read_h5(path, ("data",))
    with refuse(tmp_path / "b.h5", "not found"):
        readers.read_h5(tmp_path / "b.h5", ("data",))


def test_image(tmp_path: Path):
    path = tmp_path / "a.png"
    Image.new("RGBA", (4, 3), (10, 20, 30, 40)).save(path)
    assert readers.read_image(path).getpixel((0, 0)) == (10, 20, 30)
    assert readers.read_image(path, bgr=True).getpixel((0, 0)) == (30, 20, 10)
    assert readers.read_image(path, bgr=True).size == (4, 3)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    content = path.read_bytes()
    for damaged in (b"", b"text", content[:20], content[: len(content) // 2]):
        path.write_bytes(damaged)
        with refuse(path, "damaged"):
            readers.read_image(path)
    with refuse(tmp_path / "b.png", "not found"):
        readers.read_image(tmp_path / "b.png")


def test_stack_of_clouds():
    clouds = np.zeros((3, 4, 3))
    assert readers.check_points(clouds, "a.h5", 4, ndim=3).dtype == np.float32
    clouds[2, 1, 0] = np.inf
    with refuse("a.h5", "shape 2, point 1 "):
        readers.check_points(clouds, "a.h5", ndim=3)
    with refuse("a.h5", r"\(4, 3\)"):
        readers.check_points(clouds[0], "a.h5", ndim=3)


def test_labels():
    assert readers.check_labels([np.array([1], np.int32), np.array([0], np.int32)], 2, "a").tolist() == [1, 0]
    assert readers.check_labels(np.array([1.0, 0.0]), 2, "a").dtype == np.int64
    for labels, words in [
        ([0, 2], "label 2 of shape 1 is out of range 0..1"),
        ([-1, 0], "label -1 of shape 0 is out of range"),
        ([0.5, 1], "whole numbers"),
        ([np.nan, 1], "whole numbers"),
        (["a", "b"], "whole numbers"),
        ([None, 1], "whole numbers"),
        ([[0, 1], [0]], "whole numbers"),
        ([0, 1, 1], "3 labels for 2 shapes"),
    ]:
        with refuse("a.dat", words):
            readers.check_labels(labels, 2, "a.dat", 2)


DTYPE = b"cnumpy\ndtype\nU\x02%sK\x00K\x01\x87R"
EMPTY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
STATE = b"(K\x03U\x01%sNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
FLOAT, OBJECT = DTYPE % b"f4" + STATE % b"<", DTYPE % b"O8" + STATE % b"|"


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "objects": EMPTY + b"(K\x01M\x00\x10\x85" + OBJECT + b"\x89]Natb",  # 4096 of them in a list of one
        "floats": EMPTY + b"(K\x01M\x00\x10\x85" + FLOAT + b"\x89U\x04abcdtb",
        "negative": EMPTY + b"(K\x01J\xff\xff\xff\xff\x85" + FLOAT + b"\x89U\x00tb",
        "subarray": DTYPE % b"f4" + b"(K\x03U\x01<" + DTYPE % b"f4" + b"J\x00\x00\x00\x7f\x85\x86NNK\x04K\x04K\x00tb",
        "fields": DTYPE % b"f4" + b"(K\x03U\x01<NU\x01a\x85}K\x04K\x04K\x00tb",
        "order": DTYPE % b"f4" + STATE % b"?",
        "code": DTYPE % b"V8",
        "twice": EMPTY + 2 * (b"(K\x01K\x01\x85" + FLOAT + b"\x89U\x04abcdtb"),
        "state of a function": b"c_codecs\nencode\n}b",
        "state of a list": b"]}b",
        "view of an array": b"cnumpy.core.numeric\n_frombuffer\n(" + EMPTY + FLOAT + b"K\x00\x85U\x01CtR",
        "memo": b"Nr\xff\xff\xff\x7f.",
        "text": b"X\xff\xff\xff\x7fa.",
        "bytearray": b"\x96\x00\x00\x00\x00\x00\x01\x00\x00.",  # a terabyte
        "persistent": b"Pabc\n.",
        "instance": b"(inumpy\ndtype\n.",
    }.items(),
)
def test_hostile_pickles(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x02" + content + b".")
    if name == "memo":  # costs nothing
        assert readers.read_pickle(path) is None
        return
    with refuse(path):
        readers.read_pickle(path)


def test_labels_that_expand():
    labels: list = [1]
    for _ in range(40):
        labels = [labels] * 10
    with refuse("a.dat", "whole numbers"):
        readers.check_labels(labels, 2, "a.dat")
    with refuse("a.dat", "whole numbers"):
        readers.check_labels([10**400], 2, "a.dat")


def test_announced_sizes_are_compared_with_the_file(tmp_path: Path):
    path = tmp_path / "a.npy"
    for shape in ((10**11, 3), (2**62, 0, 2**62), (-1, 3), (2**63, 3)):
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % repr(shape).encode()
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        with refuse(path, "damaged"):
            readers.read_npy(path)
        with refuse(path, "damaged"):
            readers.npy_layout(path)
    path = tmp_path / "a.png"
    Image.new("1", (8000, 8000)).save(path)
    with refuse(path, "8000 x 8000"):
        readers.read_image(path)
    path = tmp_path / "a.glb"
    header = b'{"accessors": [{"count": 100000000000, "componentType": 5126, "type": "VEC3"}], "bufferViews": []}  '
    path.write_bytes(b"glTF\x02\x00\x00\x00\xff\x00\x00\x00" + len(header).to_bytes(4, "little") + b"JSON" + header)
    with refuse(path, "announce 100000000000"):
        readers.read_mesh(path, 10, 0)


def test_hostile_h5(tmp_path: Path):
    path, other = tmp_path / "a.h5", tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["data"] = np.ones((2, 5, 3))
    (tmp_path / "secret").write_bytes(bytes(800))
    layout = h5py.VirtualLayout((2, 5, 3), "f8")
    layout[:] = h5py.VirtualSource(str(other), "data", (2, 5, 3))
    text = h5py.string_dtype()
    for name, write in {
        "lacks the array": lambda file: file.__setitem__("data", h5py.ExternalLink(str(other), "data")),
        "lacks the array.": lambda file: file.__setitem__("data", h5py.SoftLink("/real")),
        "in other files": lambda file: file.create_dataset(
            "data", (100,), "f8", external=[(str(tmp_path / "secret"), 0, 800)]
        ),
        "in other files.": lambda file: file.create_virtual_dataset("data", layout),
        "announces": lambda file: file.create_dataset("data", (10**10, 3), "f4"),
        "announces ": lambda file: file.create_dataset("data", (10**6, 2048, 3), "f4", compression="gzip"),
        "does not hold": lambda file: file.create_dataset(
            "data", (10**5, 3), "f4", chunks=(100, 3), compression="gzip"
        ),
        "object": lambda file: file.create_dataset("data", data=["a"], dtype=text),
    }.items():
        with h5py.File(path, "w") as file:
            file["real"] = np.ones((2, 5, 3))
            write(file)
        with refuse(path, name.rstrip(". ")):
            readers.read_h5(path, ("data",))
    with h5py.File(path, "w") as file:  # what compresses best is still read
        file.create_dataset("data", data=np.zeros((1000, 1024, 3), np.float32), compression="gzip")
    assert readers.read_h5(path, ("data",))[0].shape == (1000, 1024, 3)


def test_only_regular_files(tmp_path: Path):
    path = tmp_path / "a.npy"
    os.mkfifo(path)
    with refuse(path, "not a regular file"):
        readers.read_npy(path)
    with refuse(path, "not a regular file"):
        readers.read_lines(path, "list")
    with refuse(path, "not a regular file"):
        readers.read_h5(path, ("data",))
    for name in ("/dev/zero", "/dev/full"):
        with refuse(Path(name), "not a regular file"):
            readers.read_image(Path(name))


def test_only_listed_image_formats(tmp_path: Path):
    path, image = tmp_path / "a.png", Image.new("RGB", (4, 4), (10, 20, 30))
    image.save(path, "jpeg")
    assert readers.read_image(path).size == (4, 4)
    for name in ("eps", "bmp", "tiff", "gif"):
        image.save(path, name)
        with refuse(path, "cannot identify"):
            readers.read_image(path)


def test_sixteen_bits_of_grey_are_scaled(tmp_path: Path):
    path, grey = tmp_path / "a.png", np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(grey).save(path)
    assert [readers.read_image(path).getpixel((i, 0)) for i in range(4)] == [(i,) * 3 for i in (0, 1, 128, 255)]
