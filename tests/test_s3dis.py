"""S3DIS: blocks, whole rooms, and the converter of the raw data, on small rooms."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from datasets import build_dataset, collate, s3dis_convert
from datasets.s3dis import CLASS_NAMES, read_room
from datasets.s3dis_convert import class_of, convert_room
from utils.errors import UserError

BASE = {"DATA_PATH": "data/stanford_indoor3d", "npoints": 64, "min_points_block": 20}
SIZES = {"Area_1_office_1": 3000, "Area_2_hallway_1": 1000, "Area_5_lobby_1": 1500, "Area_5_office_10": 200}


def build(root: Path, name: str = "S3DIS", seed: int = 0, **others):
    section = {"_base_": {"NAME": name, **BASE}, "others": {"subset": "train", **others}}
    return build_dataset(section, str(root), "dataset.train", seed)


def refuse(*words):
    """Expect a one-line UserError that holds the words, in any order."""
    return pytest.raises(UserError, match="^" + "".join(f"(?=.*{word})" for word in words) + "[^\n]*$")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder, rng = tmp_path / "stanford_indoor3d", np.random.default_rng(0)
    folder.mkdir()
    for name, count in SIZES.items():
        xyz = rng.uniform(0, 1, (count, 3)) * ((0.7, 0.4, 2.5) if count == 200 else (3.3, 2.2, 2.5))
        labels = (xyz[:, 0] * 3.5).astype(int)  # told by x, so that labels can be checked
        np.save(folder / f"{name}.npy", np.c_[xyz - xyz.min(0), rng.uniform(0, 255, (count, 3)), labels])
    (folder / "notes.npy").touch()
    return tmp_path


def stored(root: Path, name: str) -> np.ndarray:
    return np.load(root / "stanford_indoor3d" / f"{name}.npy").astype(np.float32)


class TestBlocks:
    def test_split_by_area(self, root):
        names = {subset: [room.name for room in build(root, subset=subset).rooms] for subset in ("train", "test")}
        assert names == {"train": list(SIZES)[:2], "test": list(SIZES)[2:]}
        assert [room.name for room in build(root, subset="test", test_area=2).rooms] == ["Area_2_hallway_1"]
        assert len(build(root, subset="train", test_area=2).rooms) == 3

    def test_epoch_and_shares_of_rooms(self, root):
        data = build(root)
        assert len(data) == 4000 // 64 and len(build(root, sample_rate=0.5)) == 4000 // 128
        share = np.bincount(data.room_of) / len(data)
        np.testing.assert_allclose(share, [0.75, 0.25], atol=0.02)

    def test_a_block_is_cut_out_centred_and_labelled(self, root):
        data = build(root, subset="test")
        for index in range(len(data)):
            sample = data[index]
            points, label = sample["points"].numpy(), sample["point_label"].numpy()
            assert points.shape == (64, 3) and points.dtype == np.float32 and label.dtype == np.int64
            assert sample["label"] == 0 and np.abs(points[:, :2]).max() <= 0.5
            room = stored(root, data.rooms[data.room_of[index]].name)
            # z is as stored and tells the row
            row = np.abs(room[:, 2] - points[:, 2:3]).argmin(1)
            assert np.array_equal(room[row, 2], points[:, 2]) and np.array_equal(room[row, 6], label)
            shift = room[row, :2] - points[:, :2]
            assert np.ptp(shift, axis=0).max() < 1e-5
            inside = np.abs(room[:, :2] - shift[0]) <= 0.5
            assert len(set(row)) == 64 or inside.all(1).sum() < 64  # repeats only where there are too few

    def test_blocks_are_full_enough_where_that_is_possible(self, root):
        room = stored(root, "Area_2_hallway_1")
        data = build(root, min_points_block=100, npoints=8)
        for index in np.flatnonzero(data.room_of == 1).tolist():
            sample = data[index]["points"].numpy()
            row = np.abs(room[:, 2] - sample[0, 2]).argmin()
            middle = room[row, :2] - sample[0, :2]
            assert (np.abs(room[:, :2] - middle) <= 0.5).all(1).sum() > 95
        best = build(root, min_points_block=10**6)[0]  # never: the best of some
        assert best["points"].shape == (64, 3)

    def test_draws_have_an_owner(self, root):
        first, same, other = (build(root, seed=seed) for seed in (3, 3, 4))
        assert torch.equal(first[5]["points"], same[5]["points"])
        assert not torch.equal(first[5]["points"], other[5]["points"])
        batch = next(iter(DataLoader(first, 6, num_workers=1, collate_fn=collate)))
        assert torch.equal(batch["points"][5], first[5]["points"])
        before, test = first[5]["points"], build(root, subset="test")
        fixed = test[0]["points"]
        first.set_epoch(1), test.set_epoch(1)
        assert not torch.equal(first[5]["points"], before) and torch.equal(test[0]["points"], fixed)

    def test_class_weights(self, root):
        data = build(root)
        count = np.bincount(np.concatenate([room.labels for room in data.rooms]), minlength=13)
        weights = data.class_weights()
        assert weights.dtype == torch.float32 and weights.shape == (13,) and (count == 0).any()
        for weight, number in zip(weights.tolist(), count, strict=True):
            assert weight == pytest.approx((count.max() / number) ** (1 / 3) if number else 0)


class TestRooms:
    @pytest.mark.parametrize(
        "options", [{}, {"stride": 1.0}, {"stride": 0.3, "npoints": 7}, {"block_size": 0.4, "stride": 0.33}]
    )
    def test_every_point_of_every_room_is_covered(self, root, options):
        data = build(root, "S3DISRooms", subset="test", **options)
        seen = [np.zeros(len(room), int) for room in data.rooms]
        size = options.get("block_size", 1.0)
        for sample in (data[i] for i in range(len(data))):
            room, index = data.rooms[sample["label"]], sample["index"].numpy()
            assert index.dtype == np.int64 and len(index) == data.config.npoints
            np.add.at(seen[sample["label"]], index, 1)
            assert np.array_equal(sample["point_label"].numpy(), room.labels[index])
            points = sample["points"].numpy()
            assert (
                np.array_equal(points[:, 2], room.points[index, 2]) and np.abs(points[:, :2]).max() <= size / 2 + 1e-3
            )
            assert np.ptp(room.points[index, :2] - points[:, :2], axis=0).max() < 1e-5
        assert all(count.min() >= 1 for count in seen)

    def test_chunks_of_a_block_hold_its_points_once_but_for_the_fill(self, root):
        data = build(root, "S3DISRooms", subset="test")
        blocks: dict[tuple[int, int], list[np.ndarray]] = {}
        for i, (room, block, _) in enumerate(data._chunks.tolist()):
            blocks.setdefault((room, block), []).append(data[i]["index"].numpy())
        for (number, block), chunks in blocks.items():
            found = data.rooms[number].within(*data._grids[number].bounds(block))
            assert np.array_equal(np.unique(np.concatenate(chunks)), found)
            assert len(chunks) == -(-len(found) // 64)

    def test_the_same_in_any_order_and_epoch(self, root):
        data, again = build(root, "S3DISRooms", subset="test"), build(root, "S3DISRooms", subset="test")
        again.set_epoch(3)
        forward = [data[i]["index"] for i in range(len(data))]
        backward = [again[i]["index"] for i in reversed(range(len(data)))][::-1]
        assert all(torch.equal(a, b) for a, b in zip(forward, backward, strict=True))
        assert not torch.equal(build(root, "S3DISRooms", seed=1, subset="test")[0]["index"], forward[0])

    def test_rooms_attribute(self, root):
        data = build(root, "S3DISRooms", subset="test")
        assert [room.name for room in data.rooms] == ["Area_5_lobby_1", "Area_5_office_10"]
        assert data.rooms[1].labels.shape == (200,) and data.rooms[1].labels.dtype == np.int64
        assert data.class_names == CLASS_NAMES and len(CLASS_NAMES) == 13

    def test_coordinates_far_from_the_origin(self, root):
        path = root / "stanford_indoor3d/Area_5_lobby_1.npy"
        values = np.load(path)
        values[:, :2] += (-37.123, 91.7)
        np.save(path, values)
        data = build(root, "S3DISRooms", subset="test")
        seen = np.unique(
            np.concatenate([s["index"] for s in map(data.__getitem__, range(len(data))) if s["label"] == 0])
        )
        assert len(seen) == 1500


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (np.zeros((0, 7)), "empty room"),
            (np.zeros((9, 6)), "7 columns.*got 6"),
            (np.zeros(7), "shape"),
            (np.array(["a"]), "must hold numbers"),
            (np.full((9, 7), np.nan), "NaN"),
            (np.full((9, 7), 13.0), "label 13 of point 0.*0..12"),
            (np.full((9, 7), 0.5), "whole numbers, one a point"),
            (np.array({"xyz": 1}, dtype=object), "must hold numbers"),
        ],
    )
    @pytest.mark.parametrize("name", ["S3DIS", "S3DISRooms"])
    def test_bad_rooms(self, root, content, words, name):
        path = root / "stanford_indoor3d/Area_1_office_1.npy"
        np.save(path, content)
        with refuse(path, words):
            build(root, name)

    def test_damaged_and_missing(self, root, tmp_path):
        path = root / "stanford_indoor3d/Area_1_office_1.npy"
        path.write_bytes(path.read_bytes()[:500])
        with refuse(path, "damaged"):
            build(root)
        with refuse(
            tmp_path / "none/stanford_indoor3d", "not found", "expected layout", "s3dis_convert", "get it from"
        ):
            build(tmp_path / "none")
        with refuse("no rooms of area 4", "areas there: 1, 2, 5"):
            build(root, subset="test", test_area=4)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"test_area": 7}, "test_area must be in 1..6"),
            ({"block_size": 0}, "block_size"),
            ({"sample_rate": float("nan")}, "sample_rate"),
            ({"min_points_block": -1}, "min_points_block"),
            ({"npoints": 0}, "npoints"),
        ],
    )
    def test_bad_values(self, root, options, words):
        with refuse("dataset.train", words):
            build(root, **options)

    @pytest.mark.parametrize("stride", [0.0, 1.1, float("nan")])
    def test_blocks_that_would_leave_gaps(self, root, stride):
        with refuse("stride must be greater than 0 and at most block_size"):
            build(root, "S3DISRooms", stride=stride)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for room, objects in {
        "Area_1/office_1": {"chair_1": 20, "chair_12": 10, "stairs_1": 5, "ceiling_1": 30},
        "Area_5/hallway_6": {"ceiling_1": 12, "wall_2": 8},
        "Area_6/office_1": {"floor_1": 9},
    }.items():
        folder = tmp_path / "raw" / room / "Annotations"
        folder.mkdir(parents=True)
        for name, count in objects.items():
            values = np.c_[rng.uniform(-20, 30, (count, 3)), rng.integers(0, 256, (count, 3))]
            np.savetxt(folder / f"{name}.txt", values, fmt="%.3f")
        (folder / "._wall_1.txt").write_text("Mac OS X")
        (folder / ".DS_Store").touch()
    (tmp_path / "raw/Area_1/.DS_Store").touch()
    return tmp_path / "raw"


class TestConverter:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("chair_12", "chair"),
            ("stairs_1", "clutter"),
            ("bookcase_3", "bookcase"),
            ("<UNK>_1", "clutter"),
            ("door", "door"),
        ],
    )
    def test_classes(self, name, expected):
        assert CLASS_NAMES[class_of(Path(f"{name}.txt"))] == expected

    def test_a_room(self, raw, tmp_path):
        assert convert_room(raw / "Area_1/office_1", tmp_path / "a.npy") == []
        array = np.load(tmp_path / "a.npy")
        assert array.shape == (65, 7) and array.dtype == np.float32
        assert np.array_equal(array[:, :3].min(0), [0, 0, 0])
        classes = [CLASS_NAMES.index(name) for name in ("chair", "ceiling", "clutter")]
        assert [int((array[:, 6] == label).sum()) for label in classes] == [30, 30, 5]
        chair = np.loadtxt(raw / "Area_1/office_1/Annotations/chair_12.txt", dtype=np.float32)
        low = np.concatenate([np.loadtxt(p) for p in (raw / "Area_1/office_1/Annotations").glob("[a-z]*.txt")]).min(0)
        mine = array[(array[:, 6] == classes[0])]
        expected = np.c_[chair[:, :3] - low[:3], chair[:, 3:]]
        assert all(np.abs(mine[:, :6] - row).max(1).min() < 1e-4 for row in expected)
        assert len(read_room(str(tmp_path / "a.npy"))) == 65

    def test_damaged_line(self, raw, tmp_path):
        file, out = raw / "Area_5/hallway_6/Annotations/ceiling_1.txt", tmp_path / "b.npy"
        lines = file.read_text().splitlines()
        lines[4] = lines[4].replace(" ", "\x10", 1)
        lines[6] = "1 2 3 4 5 nan"
        file.write_text("\n".join(lines))
        with refuse(file, "line 5", "expected 6 numbers", "--repair", "2 in this file"):
            convert_room(raw / "Area_5/hallway_6", out)
        assert not out.exists()
        dropped = convert_room(raw / "Area_5/hallway_6", out, repair=True)
        assert len(dropped) == 2 and str(file) in dropped[0] and "line 5" in dropped[0] and "line 7" in dropped[1]
        assert len(np.load(out)) == 12 + 8 - 2
        file.write_bytes(b"\xff\xfe 1\n" + "\n".join(lines[:4]).encode())
        with refuse(file, "line 1"):
            convert_room(raw / "Area_5/hallway_6", out)
        assert len(convert_room(raw / "Area_5/hallway_6", out, repair=True)) == 1
        file.write_text("")
        with refuse(file, "empty"):
            convert_room(raw / "Area_5/hallway_6", out, repair=True)

    def test_command_goes_on_where_it_stopped(self, raw, monkeypatch, capsys):
        file, out = raw / "Area_5/hallway_6/Annotations/ceiling_1.txt", raw.parent / "out"
        file.write_text(file.read_text().replace(" ", "x", 1))
        arguments = ["s3dis_convert", "--raw", str(raw), "--out", str(out), "--workers"]
        monkeypatch.setattr(sys, "argv", [*arguments, "1"])
        with refuse(file, "line 1"):
            s3dis_convert.main()
        assert [path.name for path in out.iterdir()] == ["Area_1_office_1.npy"]  # nothing half-written
        stamp = (out / "Area_1_office_1.npy").stat().st_mtime_ns

        monkeypatch.setattr(sys, "argv", [*arguments, "2", "--repair"])
        s3dis_convert.main()
        told = capsys.readouterr().out
        assert f"dropped {file}, line 1" in told and "2 rooms converted, 1 were there, 1 lines dropped" in told
        assert (out / "Area_1_office_1.npy").stat().st_mtime_ns == stamp
        assert sorted(path.stem for path in out.iterdir()) == ["Area_1_office_1", "Area_5_hallway_6", "Area_6_office_1"]

    def test_unknown_names_are_told(self, raw, monkeypatch, capsys):
        monkeypatch.setattr(
            sys, "argv", ["convert", "--raw", str(raw), "--out", str(raw.parent / "out"), "--workers", "1"]
        )
        s3dis_convert.main()
        assert "of no class" not in capsys.readouterr().out  # stairs are clutter by design
        for room, old, new in [("Area_1/office_1", "chair_1", "Chair_1"), ("Area_5/hallway_6", "wall_2", "Wall_2")]:
            (raw / room / "Annotations" / f"{old}.txt").rename(raw / room / "Annotations" / f"{new}.txt")
        (raw / "Area_6/office_1/Annotations/floor_1.txt").rename(raw / "Area_6/office_1/Annotations/Wall_7.txt")
        s3dis_convert.main()
        assert "names are of no class are clutter: Chair (1), Wall (2)\n" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--raw", "none"], "none holds no raw rooms; expected layout.*get it from"),
            (["--raw", ".", "--workers", "0"], "--workers must be at least 1"),
            ([], "--raw"),
        ],
    )
    def test_bad_arguments(self, options, words, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["convert", *options])
        with refuse(words):
            s3dis_convert.main()
