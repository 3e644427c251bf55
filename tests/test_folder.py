"""A folder of shapes: every format comes back as the same surface, classes and splits follow the folders."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from datasets import build_dataset, readers
from datasets.folder import TEXTS, read_shape
from utils.errors import UserError

SIZES = np.array([1.0, 2.0, 4.0])
MESH_FORMATS = ["ply", "off", "obj", "stl", "glb"]


@pytest.fixture
def cloud() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((70, 3)).astype(np.float32)


def box_file(path: Path, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    trimesh.creation.box(SIZES).export(path, **options)
    return path


def assert_on_box(points: np.ndarray) -> None:
    """Points lie on the box, on each pair of sides as many as its area asks for."""
    on_side = np.isclose(np.abs(points), SIZES / 2, atol=1e-5)
    assert (on_side.sum(1) >= 1).all() and (np.abs(points) <= SIZES / 2 + 1e-5).all()
    areas = SIZES.prod() / SIZES
    np.testing.assert_allclose(on_side.mean(0), areas / areas.sum(), atol=0.03)


@pytest.mark.parametrize("suffix", MESH_FORMATS)
def test_meshes_are_sampled_by_area(tmp_path, suffix):
    points = read_shape(str(box_file(tmp_path / f"box.{suffix}")), 4000, seed=1)
    assert points.shape == (4000, 3) and points.dtype == np.float32
    assert_on_box(points)
    assert np.array_equal(points, read_shape(str(tmp_path / f"box.{suffix}"), 4000, seed=1))
    assert not np.array_equal(points, read_shape(str(tmp_path / f"box.{suffix}"), 4000, seed=2))


def test_off_of_modelnet_with_the_header_glued_to_the_counts(tmp_path):
    path = box_file(tmp_path / "box.off")
    text = re.sub(r"^OFF\s+", "OFF", path.read_text())
    assert text.startswith("OFF8 12")
    path.write_text(text)
    assert_on_box(read_shape(str(path), 4000, seed=0))


ASCII_PLY = {"file_type": "ply", "encoding": "ascii"}
ASCII_STL = {"file_type": "stl_ascii"}


@pytest.mark.parametrize(
    "name, options",
    [("a.ply", ASCII_PLY), ("b.ply", {}), ("a.off", {}), ("a.stl", ASCII_STL), ("b.stl", {}), ("a.glb", {})],
)
def test_a_mesh_that_is_cut_off_is_no_shape(tmp_path, name, options):
    path = box_file(tmp_path / name, **options)
    content = path.read_bytes().rstrip(b"\n")
    for part in (0.95, 0.7, 0.3):
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(UserError, match=f"^mesh {path} is damaged [^\n]*$"):
            read_shape(str(path), 10, seed=0)


def test_all_solids_of_an_stl_must_end(tmp_path):
    path = box_file(tmp_path / "box.stl", **ASCII_STL)
    text = path.read_text()
    path.write_text(text + text)
    assert_on_box(read_shape(str(path), 4000, seed=0))
    path.write_text(text + text[:-20])
    with pytest.raises(UserError, match="ends within a solid"):
        read_shape(str(path), 10, seed=0)


@pytest.mark.parametrize(
    "name, options",
    [("a.ply", ASCII_PLY), ("b.ply", {}), ("a.off", {}), ("a.obj", {}), ("a.stl", ASCII_STL)],
)
def test_comments_and_names_in_any_encoding(tmp_path, name, options):
    path, note = box_file(tmp_path / name, **options), "Möbel".encode("latin1")
    before, after = {
        ".ply": (b"1.0\n", b"1.0\ncomment " + note + b"\n"),
        ".off": (b"OFF\n", b"OFF # " + note + b"\n"),
        ".obj": (b"v ", b"# " + note + b"\nv "),
        ".stl": (b"solid", b"solid " + note),
    }[path.suffix]
    path.write_bytes(path.read_bytes().replace(before, after, 1))
    assert note in path.read_bytes()
    assert_on_box(read_shape(str(path), 4000, seed=0))


def test_variants_of_text_meshes(tmp_path):
    """Comments and blank lines anywhere, colours, faces of three and four corners."""
    rows = "0 0 0 255\n1 0 0 255\n\n0 1 0 255\n0 0 1 255\n# faces\n3 0 1 2 255\n\n4 0 1 2 3\n"
    (tmp_path / "a.off").write_text("# an OFF file\nCOFF\n# counts\n4 2 0\n# corners\n" + rows)
    properties = "".join(f"property float {name}\n" for name in "xyzr")
    head = f"element vertex 4\n{properties}element face 2\nproperty list uchar int vertex_indices\n"
    rows = rows.replace("# faces\n", "").replace("1 2 255", "1 2")
    (tmp_path / "a.ply").write_text(f"ply\nformat ascii 1.0\n{head}end_header\n{rows}")
    for suffix in ("off", "ply"):
        points = read_shape(str(tmp_path / f"a.{suffix}"), 4000, seed=0)
        assert points.min() >= 0 and points.sum(1).max() <= 1 + 1e-6
        assert (points.max(0) > 0.9).all()
        # the first face, its equal among the second's halves, and (2, 3, 0)
        np.testing.assert_allclose([(points[:, axis] < 1e-6).mean() for axis in (2, 0)], [2 / 3, 1 / 3], atol=0.04)


def test_parts_of_a_scene_stand_where_it_puts_them(tmp_path):
    scene, turn = trimesh.Scene(), trimesh.transformations.rotation_matrix(np.pi / 2, [0, 0, 1])
    scene.add_geometry(trimesh.creation.box(SIZES[[1, 0, 2]]), transform=turn)
    scene.export(tmp_path / "box.glb")
    assert_on_box(read_shape(str(tmp_path / "box.glb"), 4000, seed=0))


def test_only_the_file_itself_is_read(tmp_path):
    """An obj may name files of materials anywhere on the disk."""
    path = box_file(tmp_path / "box.obj")
    path.write_text(f"mtllib {tmp_path}/gone.mtl\nusemtl wood\n" + path.read_text())
    assert len(read_shape(str(path), 10, seed=0)) == 10


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize("delimiter", [",", " "])
@pytest.mark.parametrize("first", ["", "# x y z\n", "//X Y Z\n70\n", "70\n"])
def test_text(tmp_path, cloud, suffix, delimiter, first):
    path = tmp_path / f"a{suffix}"
    np.savetxt(path, np.hstack((cloud, cloud)), delimiter=delimiter, fmt="%.7f")
    path.write_text(first + path.read_text())
    np.testing.assert_allclose(read_shape(str(path), 10, seed=0), cloud, atol=1e-6)


@pytest.mark.parametrize("suffix", ["npy", "ply", "obj", "off"])
def test_files_of_points(tmp_path, cloud, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, np.hstack((cloud, cloud)))
    elif suffix == "off":
        np.savetxt(path, cloud, header="OFF\n70 0 0", comments="", fmt="%.7f")
    else:
        trimesh.PointCloud(cloud.astype(np.float64)).export(path)
    np.testing.assert_allclose(read_shape(str(path), 10, seed=0), cloud, atol=1e-6)
    with pytest.raises(UserError, match=f"{path} has 70 points, fewer than the 71"):
        read_shape(str(path), 100, seed=0, min_points=71)


def pcd(cloud: np.ndarray, form: str) -> bytes:
    """A PCD file with a colour, padding and a field of three values beside the coordinates."""
    fields = [("rgb", "<u4", 1), ("x", "<f4", 1), ("_", "u1", 2), ("y", "<f4", 1), ("n", "<f8", 3), ("z", "<f4", 1)]
    rows = np.zeros(len(cloud), [(name, kind, (count,)) for name, kind, count in fields])
    for i, name in enumerate("xyz"):
        rows[name] = cloud[:, i : i + 1]
    kinds = [np.dtype(kind) for _, kind, _ in fields]
    header = {"VERSION": ["0.7"], "FIELDS": [name for name, _, _ in fields], "SIZE": [k.itemsize for k in kinds]}
    header |= {"TYPE": [k.kind.upper() for k in kinds], "COUNT": [count for _, _, count in fields]}
    header |= {"WIDTH": [len(cloud)], "HEIGHT": [1], "POINTS": [len(cloud)], "DATA": [form]}
    text = "# .PCD v0.7\n" + "".join(f"{key} {' '.join(map(str, words))}\n" for key, words in header.items())
    if form == "ascii":
        lines = [" ".join(str(value) for name, _, _ in fields for value in row[name]) for row in rows]
        return (text + "\n".join(lines)).encode()
    body = rows.tobytes()
    if form == "binary_compressed":
        body = b"".join(rows[name].tobytes() for name, _, _ in fields)
        packed = b"".join(bytes([len(body[i : i + 32]) - 1]) + body[i : i + 32] for i in range(0, len(body), 32))
        body = struct.pack("<II", len(packed), len(body)) + packed
    return text.encode() + body


@pytest.mark.parametrize("form", ["ascii", "binary", "binary_compressed"])
def test_pcd(tmp_path, cloud, form):
    holed = np.insert(cloud, 5, np.nan, axis=0)
    path = tmp_path / "a.PCD"
    path.write_bytes(pcd(holed, form))
    np.testing.assert_allclose(read_shape(str(path), 10, seed=0), cloud, rtol=1e-6)


@pytest.mark.parametrize(
    "packed, plain",
    [
        (b"\x02abc", b"abc"),
        (b"\x02abc" + bytes([4 << 5, 2]), b"abcabcabc"),
        (b"\x00a" + bytes([7 << 5, 250, 0]), b"a" * 260),
        (
            b"\x1f" + bytes(range(32)) + b"\x1f" + bytes(range(32, 64)) + bytes([1 << 5, 63]),
            bytes([*range(64), 0, 1, 2]),
        ),
    ],
)
def test_lzf(packed, plain):
    assert readers._decompress_lzf(packed, len(plain)) == plain
    for damaged in (packed + b"\x00a", packed[:-1], bytes([1 << 5, 3]) + packed):
        with pytest.raises((ValueError, IndexError)):
            readers._decompress_lzf(damaged, len(plain))


def bad_files() -> dict[str, tuple[bytes, str]]:
    points = np.ones((70, 3), np.float32)
    flat = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False)
    endless = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]], [[0, 1, 2]], process=False)
    return {
        "junk.ply": (b"junk", "damaged"),
        "empty.stl": (b"", "damaged|neither faces nor points"),
        "empty.obj": (b"", "damaged|neither faces nor points"),
        "junk.glb": (b"junk", "damaged"),
        "cut.off": (b"OFF\n8 12 0\n0 0 0\n", "damaged"),
        "flat.off": (flat.export(file_type="off").encode(), "no surface"),
        "endless.off": (endless.export(file_type="off").encode(), "NaN or infinite|no surface"),
        "few.ply": (trimesh.PointCloud(points[:5]).export(file_type="ply"), "5 points, fewer than the 64"),
        "words.txt": (b"1 2 3\n1 two 3\n", "line 2.*1 two 3"),
        "narrow.xyz": (b"1 2\n1 2\n", "line 1: expected 3 numbers"),
        "late.pts": (b"# head\n2\n1 2 3\n4\n", "line 4: expected 3 numbers"),
        "nan.csv": (b"1,2,3\n" * 70 + b"1,2,nan\n", "NaN"),
        "junk.npy": (b"junk", "damaged"),
        "cut.pcd": (pcd(points, "binary")[:-9], "bytes of data"),
        "packed.pcd": (pcd(points, "binary_compressed")[:-9], "damaged"),
        "lines.pcd": (pcd(points, "ascii").rsplit(b"\n", 1)[0], "69 points, but announces 70"),
        "plane.pcd": (pcd(points, "binary").replace(b" z\n", b" w\n"), "no field z"),
        "form.pcd": (pcd(points, "binary").replace(b"DATA binary", b"DATA packed"), "its data is 'packed'"),
        "head.pcd": (b"# .PCD\nVERSION 0.7\n", "damaged"),
        "void.pcd": (pcd(points * np.nan, "binary"), "shape|points"),
    }


@pytest.mark.parametrize("name", bad_files())
def test_bad_files_are_named_in_one_line(tmp_path, name):
    content, message = bad_files()[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^[^\n]*{path}[^\n]*({message})[^\n]*$"):
        read_shape(str(path), 100, seed=0, min_points=64)


def folder(root: Path, **others):
    base = {"NAME": "Folder", "DATA_PATH": str(root)}
    return build_dataset({"_base_": base, "others": {"subset": "test", **others}}, "data", "dataset.test", seed=3)


@pytest.fixture
def shapes(tmp_path, cloud) -> Path:
    root = tmp_path / "shapes"
    box_file(root / "coffee_table/b.off")
    box_file(root / "coffee_table/a.ply")
    box_file(root / "bed/c.STL", file_type="stl")
    np.save(root / "bed/d.npy", cloud + 100)
    return root


def test_classes_are_folders(shapes):
    data = folder(shapes, N_POINTS=128, npoints=64)
    assert data.class_names == ["bed", "coffee_table"] and data.labels == [0, 0, 1, 1]
    assert [Path(file).name for file in data.files] == ["c.STL", "d.npy", "a.ply", "b.off"]
    for i, label in enumerate(data.labels):
        sample = data[i]
        assert sample["points"].shape == (128, 3) and sample["label"] == label
        assert sample["points"].norm(dim=1).max() == pytest.approx(1, abs=1e-5)
        assert torch.equal(sample["points"], data[i]["points"])
    few = data[1]["points"]  # 70 points: all of them, then again from the first on
    assert torch.equal(few[70:], few[:58]) and len(few[:70].unique(dim=0)) == 70
    assert few[:70].mean(0).abs().max() < 1e-5
    # A shape's draw does not depend on its neighbours.
    alone = folder(shapes, N_POINTS=128, classes=["coffee_table"])
    assert torch.equal(alone[0]["points"], data[2]["points"])


def test_clouds_of_too_few_points_are_told_at_once(shapes, cloud):
    with pytest.raises(UserError, match="d.npy has 70 points, fewer than the 71"):
        folder(shapes, npoints=71)
    (shapes / "bed/e.xyz").write_text("1 2 3\n")
    with pytest.raises(UserError, match="e.xyz has 1 points, fewer than the 64"):
        folder(shapes, npoints=64)
    # What only looks short, and what is damaged, is left to its turn.
    np.savetxt(shapes / "bed/e.xyz", cloud, newline="\x0c")
    (shapes / "bed/f.npy").write_bytes(b"junk")
    data = folder(shapes, npoints=64, N_POINTS=70)
    assert len(data[2]["points"].unique(dim=0)) == 70
    with pytest.raises(UserError, match="f.npy is damaged"):
        data[3]


def test_up(shapes):
    y_up, z_up = (folder(shapes, up=up)[1]["points"] for up in "yz")
    assert torch.equal(z_up, torch.stack((y_up[:, 0], y_up[:, 2], -y_up[:, 1]), 1))


def test_classes_can_be_chosen_and_renamed(shapes):
    box_file(shapes / "tea_table/a.off")
    data = folder(shapes, classes={"tea_table": "table", "coffee_table": "table"})
    assert data.class_names == ["table"] and data.labels == [0, 0, 0]
    data = folder(shapes, classes=["tea_table", "bed"])
    assert data.class_names == ["tea_table", "bed"] and data.labels == [0, 1, 1]
    with pytest.raises(UserError, match=r"has no folder 'beds' \(did you mean 'bed'"):
        folder(shapes, classes=["beds"])
    for wrong in ("bed", [], [1], {"bed": None}):
        with pytest.raises(UserError, match="classes must be a list of folders or a mapping"):
            folder(shapes, classes=wrong)


def test_splits(shapes):
    box_file(shapes / "bed/train/t.off")
    box_file(shapes / "chair/test/u.off")
    train, test = folder(shapes, subset="train"), folder(shapes, subset="test")
    assert train.class_names == test.class_names == ["bed", "chair", "coffee_table"]
    assert [Path(file).name for file in train.files + test.files] == ["t.off", "u.off"]
    assert train.labels == [0] and test.labels == [1] and train.splits == test.splits == {"train": 1, "test": 1}
    both = folder(shapes, subset="all")
    assert [Path(file).name for file in both.files] == ["c.STL", "d.npy", "t.off", "u.off", "a.ply", "b.off"]
    assert both.labels == [0, 0, 0, 1, 2, 2] and both.class_names == train.class_names


def test_loose_files_have_no_class(tmp_path):
    box_file(tmp_path / "b.off")
    box_file(tmp_path / "a.ply")
    (tmp_path / "empty").mkdir()
    data = folder(tmp_path)
    assert data.class_names == [] and data.labels == [-1, -1]
    assert [Path(file).name for file in data.files] == ["a.ply", "b.off"]


def test_other_files_are_counted(shapes, caplog):
    (shapes / "names.txt").write_text("bed")
    (shapes / "bed/readme.md").write_text("bed")
    (shapes / "bed/.DS_Store").write_text("")
    (shapes / "void").mkdir()
    data = folder(shapes)
    assert len(data) == 4 and data.class_names == ["bed", "coffee_table"]
    first, second = caplog.messages
    assert re.search(r"2 files .* passed over \(1 .md, 1 .txt\)", first)
    assert "1 class folders without shapes are passed over (void)" in second


@pytest.mark.parametrize("make", [lambda root: None, Path.mkdir, lambda root: (root / "bed").mkdir(parents=True)])
def test_nothing_there(tmp_path, make):
    make(tmp_path / "shapes")
    with pytest.raises(UserError, match="shapes.*expected layout: <class>/<file>"):
        folder(tmp_path / "shapes")


@pytest.mark.parametrize("head", ["x,y,z", '"X", "Y", "Z"', "x y z intensity", "# x y z"])
def test_names_of_columns_are_passed_over(tmp_path, head):
    rows = "\n".join(" ".join("0.5" for _ in head.strip("# ").replace(",", " ").split()) for _ in range(4))
    (tmp_path / "c.csv").write_text(f"{head}\n{rows}\n")
    assert read_shape(str(tmp_path / "c.csv"), 4, 0).shape == (4, 3)
    (tmp_path / "d.csv").write_text("nan nan nan\n" + rows)
    with pytest.raises(UserError, match="d.csv"):
        read_shape(str(tmp_path / "d.csv"), 4, 0)
