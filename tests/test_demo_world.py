"""The synthetic world: renderer, scans, and the layouts it is written in."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from datasets import build_dataset, collate
from datasets.demo import vocabulary, world
from datasets.demo.mesh import Mesh, box, combine, slab
from datasets.demo.render import camera_frame, rasterize, render, render_views
from datasets.demo.scan import capture, obj_bg, obj_only, pb_t50_rs, scan
from datasets.demo.shapes import CATEGORIES, PART_NAMES, make_shape
from datasets.demo.sources import source_files, source_hash
from datasets.shapenetpart import PARTS
from utils.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
FRONT = (0.0, 0.0, 4.0)


def cube() -> Mesh:
    return box(2, 2, 2)


def chair() -> Mesh:
    return make_shape("chair", np.random.default_rng(3))


def coverage(image: np.ndarray) -> float:
    return float(np.mean(np.abs(image.astype(int) - image[0, 0].astype(int)).max(-1) > 4))


class TestRenderer:
    def test_rasterize_fills_exactly_the_pixel_centres_inside(self):
        square = np.array([[1.0, 1.0], [5.0, 1.0], [5.0, 4.0], [1.0, 4.0]])
        face, near = rasterize(square, np.full(4, 0.5), np.array([[0, 1, 2], [0, 2, 3]]), 8)
        expected = np.zeros((8, 8), dtype=bool)
        expected[1:4, 1:5] = True
        assert np.array_equal(face >= 0, expected)
        np.testing.assert_allclose(near[expected], 0.5, rtol=1e-6)
        assert (near[~expected] == 0).all()

    def test_rasterize_agrees_with_ray_casting(self):
        rng = np.random.default_rng(0)
        xy, near = rng.uniform(-4, 36, (60, 2)), rng.uniform(0.2, 1, 60)
        faces = rng.integers(0, 60, (40, 3))
        faces = faces[[len(set(face)) == 3 for face in faces.tolist()]]
        got, _ = rasterize(xy, near, faces, 32)
        pixels = np.stack(np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5), -1).reshape(-1, 2)
        a, b, c = (xy[faces[:, i]] for i in range(3))
        solve = np.linalg.inv(np.stack([b - a, c - a], -1))
        uv = np.einsum("fij,pfj->pfi", solve, pixels[:, None] - a)
        weights = np.concatenate([1 - uv.sum(-1, keepdims=True), uv], -1)
        depth = np.where((weights >= 0).all(-1), (weights * near[faces]).sum(-1), -1)
        expected = np.where(depth.max(1) < 0, -1, depth.argmax(1)).reshape(32, 32)
        assert np.mean(got == expected) > 0.999

    def test_camera_frame_is_a_rotation_that_starts_in_front(self):
        np.testing.assert_allclose(camera_frame(0, 0), np.eye(3), atol=1e-12)
        frame = camera_frame(35, 20)
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1)

    def test_the_near_box_hides_the_far_one_and_not_the_other_way_round(self):
        far, near = slab((-0.2, 0.2), (-0.2, 0.2), (-1, -0.8)), slab((-0.6, 0.6), (-0.6, 0.6), (0.5, 1))
        alone = render(near, np.random.default_rng(1), 64, FRONT)
        both = combine([(near, 0), (far, 1)])
        hidden = render(both, np.random.default_rng(1), 64, FRONT)
        from_behind = render(both, np.random.default_rng(1), 64, (180.0, 0.0, 4.0))
        centre = np.s_[24:40, 24:40]
        assert hidden[centre].reshape(-1, 3).std(0).max() < 2  # one flat face only
        assert alone[centre].reshape(-1, 3).std(0).max() < 2
        middle, rim = from_behind[32, 32].astype(int), from_behind[32, 10].astype(int)
        assert np.abs(middle - rim).max() > 4  # the small box stands before the big one

    def test_shading_varies_over_the_faces_of_one_part(self):
        image = render(cube(), np.random.default_rng(0), 64, (35.0, 30.0, 4.0))
        colors, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
        assert (counts > 100).sum() == 4  # three faces and the background

    @pytest.mark.parametrize("category", CATEGORIES)
    def test_every_category_fills_a_sensible_share_of_the_picture(self, category):
        images = render_views(make_shape(category, np.random.default_rng(5)), 3, np.random.default_rng(0), 64)
        assert images.shape == (3, 64, 64, 3) and images.dtype == np.uint8
        shares = [coverage(image) for image in images]
        assert 0.02 < np.mean(shares) < 0.95, shares

    def test_the_same_generator_draws_the_same_picture_and_views_differ(self):
        first, second = (render(chair(), np.random.default_rng(7), 48) for _ in range(2))
        assert np.array_equal(first, second)
        assert not np.array_equal(*render_views(chair(), 2, np.random.default_rng(7), 48))

    def test_color_is_kept_roughly(self):
        image = render(cube(), np.random.default_rng(2), 32, FRONT, (0.9, 0.1, 0.1))
        red, green, blue = image[16, 16].astype(int)
        assert red > green + 40 and red > blue + 40


class TestScans:
    def test_plain_scans_are_centred_in_the_unit_sphere(self):
        for background in (False, True):
            points = scan(chair(), np.random.default_rng(0), 1024, background)
            assert points.shape == (1024, 3) and points.dtype == np.float32 and np.isfinite(points).all()
            np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
            assert np.linalg.norm(points, axis=1).max() == pytest.approx(1, abs=1e-5)

    def test_a_box_is_seen_from_one_side(self):
        shot = capture(cube(), np.random.default_rng(0))
        points = shot.points[shot.is_object] / shot.half
        assert len(points) < 0.7 * 16000
        towards = np.stack([(points[:, axis] * sign > 0.9).sum() for axis in range(3) for sign in (-1, 1)])
        bottom, back = towards[2], towards[4]
        assert bottom < 0.1 * towards.max()  # what is left there are the foot edges of the sides
        assert back < 0.2 * towards.max()

    def test_the_sensor_is_noisy(self):
        shot = capture(cube(), np.random.default_rng(1))
        points = shot.points[shot.is_object]
        off_surface = np.abs(np.abs(points / shot.half).max(1) - 1) * shot.half[0]
        assert 0.001 < np.median(off_surface) < 0.05
        assert (off_surface > 0.1).any()  # outliers

    def test_background_is_there_when_asked_for(self):
        share = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            shot = capture(chair(), rng, make_shape("table", rng))
            margin = np.abs(shot.points) <= 1.04 * shot.half
            share.append(np.mean(~shot.is_object[margin.all(1)]))
            assert obj_bg(shot, rng).shape == obj_only(shot, rng).shape == (2048, 3)
        assert 0.05 < np.mean(share) < 0.8

    def test_the_hardest_split_moves_turns_and_scales(self):
        rng = np.random.default_rng(0)
        shot = capture(chair(), rng)
        clouds = [pb_t50_rs(shot, rng) for _ in range(12)]
        centres = np.array([cloud.mean(0) for cloud in clouds])
        radii = np.array([np.linalg.norm(cloud, axis=1).max() for cloud in clouds])
        assert centres.std(0).min() > 0.05
        assert radii.std() > 0.02 and radii.max() < 1.6
        assert all(cloud.shape == (2048, 3) and cloud.dtype == np.float32 for cloud in clouds)

    def test_objects_stay_upright_at_any_heading(self):
        slab = box(2, 0.4, 0.1)
        axes = []
        for seed in range(8):
            points = scan(slab, np.random.default_rng(seed), 1024, background=False)
            assert np.ptp(points[:, 1]) < 0.8
            axes.append(np.abs(np.linalg.svd(points[:, [0, 2]] - points[:, [0, 2]].mean(0))[2][0, 0]))
        assert np.std(axes) > 0.1

    @pytest.mark.parametrize("name", world.SCANOBJECTNN)
    def test_every_class_can_be_scanned(self, name):
        rng = np.random.default_rng(11)
        shot = capture(make_shape(world.RENAMED.get(name, name), rng), rng)
        assert 200 <= shot.is_object.sum() < 0.9 * 16000


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("world") / "demo"
    assert world.make_world(out, seed=3, scale="smoke", workers=2, image_size=48, quiet=True)
    return out


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1]


class TestSources:
    def test_what_is_made_depends_on_what_is_imported(self):
        stored, endless = (set(source_files(name)) for name in ("datasets.demo.world", "datasets.synthetic_world"))
        both = ("shapes", "mesh", "render", "scan", "vocabulary", "families.cups", "families.common")
        assert {f"datasets.demo.{name}" for name in both} <= stored & endless
        assert {"datasets.demo.rooms", "datasets.demo.world"} <= stored - endless
        assert {"datasets.demo.captions", "datasets.demo.effects", "datasets.demo.kinds"} <= endless - stored
        assert {"datasets.synthetic_world", "utils.prompts", "utils.seeding"} <= endless - stored
        for name in ("demo.sheet", "demo.__main__", "demo.sources", "shapenetpart", "build", "views"):
            assert f"datasets.{name}" not in stored | endless
        assert not {"utils.logging", "utils.errors", "utils.workers"} & (stored | endless)

    def test_constants_of_other_data_sets_count(self, monkeypatch):
        before = [source_hash.__wrapped__(name) for name in ("datasets.demo.world", "datasets.demo.render")]
        assert before[0] == source_hash("datasets.demo.world") != before[1]
        monkeypatch.setitem(PARTS, "Mug", [37, 36])
        after = [source_hash.__wrapped__(name) for name in ("datasets.demo.world", "datasets.demo.render")]
        assert after[0] != before[0] and after[1] == before[1]


class TestLayouts:
    def test_every_name_is_a_category(self):
        names = [*world.SHAPENET, *world.DEMO_MODELNET40, *world.SCANOBJECTNN]
        assert {world.RENAMED.get(name, name) for name in names} <= set(CATEGORIES)
        assert not {world.RENAMED.get(name, name) for name in vocabulary.UNSEEN} & set(world.SHAPENET)
        assert set(vocabulary.UNSEEN) < set(world.DEMO_MODELNET40)
        assert set(world.DEMO_MODELNET10) < set(world.DEMO_MODELNET40)

    def test_shapenet(self, smoke):
        folder = smoke / "ShapeNet55-34"
        train, test = (lines(folder / "ShapeNet-55" / f"{split}.txt") for split in ("train", "test"))
        assert (len(train), len(test)) == (24 * 4, 24 * 2)
        assert sorted(train + test) == sorted(path.name for path in (folder / "shapenet_pc").iterdir())
        stems = {name.removesuffix(".npy") for name in train + test}
        assert stems == {path.name.removesuffix(".png") for path in (folder / "shapenet_img").iterdir()}
        records = json.loads((folder / "shapenet55.json").read_text())
        catalogue = {record["catalogue"]: record["describe"] for record in records}
        assert catalogue[2691156] == "airplane" and len(catalogue) == 24
        assert set(catalogue) == {int(stem.split("-")[0]) for stem in stems}
        for stem in sorted(stems)[::20]:
            synset, identity = stem.split("-")
            assert len(synset) == 8 and len(identity) == 32
            points = np.load(folder / "shapenet_pc" / f"{stem}.npy")
            assert points.shape == (8192, 3) and points.dtype == np.float32 and np.isfinite(points).all()
            with Image.open(folder / "shapenet_img" / f"{stem}.png") as image:
                assert image.size == (48, 48) and image.mode == "RGB"
        assert len({name.split("-")[0] for name in train[:40]}) > 10  # the list is mixed

    def test_modelnet(self, smoke):
        folder = smoke / "ModelNet/modelnet40_normal_resampled"
        names = lines(folder / "modelnet40_shape_names.txt")
        assert len(names) == 28 and {"monitor", "flower_pot", "cone", "vase"} < set(names)
        train, test = (lines(folder / f"modelnet40_{split}.txt") for split in ("train", "test"))
        assert (len(train), len(test)) == (28 * 3, 28 * 2) and not set(train) & set(test)
        assert sorted(train + test) == sorted(path.stem for path in folder.glob("*/*.txt"))
        assert all((folder / stem.rsplit("_", 1)[0] / f"{stem}.txt").is_file() for stem in train + test)
        assert lines(folder / "modelnet10_shape_names.txt") == world.DEMO_MODELNET10
        assert len(lines(folder / "modelnet10_train.txt")) == 8 * 3
        assert set(lines(folder / "modelnet10_test.txt")) < set(test)
        for stem in ("flower_pot_0001", "chair_0005"):
            values = np.loadtxt(folder / stem.rsplit("_", 1)[0] / f"{stem}.txt", delimiter=",")
            assert values.shape == (10000, 6)
            assert np.linalg.norm(values[:, :3], axis=1).max() == pytest.approx(1, abs=1e-4)
            np.testing.assert_allclose(np.linalg.norm(values[:, 3:], axis=1), 1, atol=1e-3)

    @pytest.mark.parametrize(("split", "count"), [("training", 3), ("test", 2)])
    def test_scanobjectnn(self, smoke, split, count):
        for path, copies in (
            (f"main_split/{split}_objectdataset.h5", 1),
            (f"main_split_nobg/{split}_objectdataset.h5", 1),
            (f"main_split/{split}_objectdataset_augmentedrot_scale75.h5", world.HARDEST_COPIES),
        ):
            with h5py.File(smoke / "ScanObjectNN" / path) as file:
                data, label = file["data"][:], file["label"][:]
            assert data.shape == (15 * count * copies, 2048, 3) and data.dtype == np.float32
            assert label.ndim == 1 and np.array_equal(np.bincount(label), np.full(15, count * copies))
            assert np.isfinite(data).all() and np.linalg.norm(data, axis=2).max() < 1.8
            assert (np.ptp(data, axis=1).max(1) > 0.5).all()

    def test_no_shape_stands_twice(self, smoke):
        clouds = [np.load(path) for path in sorted((smoke / "ShapeNet55-34/shapenet_pc").iterdir())]
        extents = np.array([np.sort(np.ptp(cloud, axis=0)) / np.ptp(cloud) for cloud in clouds])
        gap = np.abs(extents[:, None] - extents).max(-1) + np.eye(len(extents))
        assert gap.min() > 1e-6
        draws = {
            tuple(world.shape_rng(0, kind, split, "chair", index).integers(0, 2**62, 2))
            for kind in ("shapenet", "modelnet", "scan", "part", "teacher")
            for split in ("train", "test")
            for index in range(50)
        }
        assert len(draws) == 5 * 2 * 50

    def test_parts(self, smoke):
        folder = smoke / world.PART_FOLDER
        synsets = dict(line.split("\t") for line in lines(folder / "synsetoffset2category.txt"))
        assert list(synsets) == list(PARTS) and len(set(synsets.values())) == 16
        listed = []
        for split, count in (("train", 3), ("val", 1), ("test", 2)):
            entries = json.loads((folder / f"train_test_split/shuffled_{split}_file_list.json").read_text())
            assert len(entries) == 10 * count and {entry.split("/")[0] for entry in entries} == {"shape_data"}
            listed += [entry.removeprefix("shape_data/") for entry in entries]
        assert sorted(listed) == sorted(f"{path.parent.name}/{path.stem}" for path in folder.glob("*/*.txt"))

    def test_parts_through_the_real_loader(self, smoke):
        base = {"NAME": "ShapeNetPart", "DATA_PATH": f"data/{world.PART_FOLDER}"}
        for subset, count in (("train", 40), ("test", 20)):
            data = build_dataset({"_base_": base, "others": {"subset": subset}}, str(smoke), "dataset")
            seen = {name: set() for name in PARTS}
            for index in range(len(data)):
                points, labels = data.cloud(index)
                assert points.shape == (2500, 3) and data[index]["points"].shape == (2048, 3)
                seen[data.class_names[data.labels[index]]] |= set(labels.tolist())
            assert len(data) == count and sum(map(bool, seen.values())) == 10
            if subset == "train":
                for category in world.PARTS_OF:  # no part is left out
                    name = category.capitalize()
                    assert len(seen[name]) >= len(PARTS[name]) - 1 and seen[name] <= set(PARTS[name])

    @pytest.mark.parametrize("category", world.PARTS_OF)
    def test_every_part_has_a_number(self, category):
        table = world.part_table(category)
        assert len(table) == len(PART_NAMES[category]) and set(table) == set(PARTS[category.capitalize()])

    def test_rooms_through_the_real_loader(self, smoke):
        base = {"DATA_PATH": f"data/{world.ROOM_FOLDER}", "npoints": 256, "min_points_block": 128}
        for subset, count in (("train", 5), ("test", 1)):
            others = {"subset": subset}
            data = build_dataset({"_base_": {"NAME": "S3DIS", **base}, "others": others}, str(smoke), "dataset")
            assert len(data.rooms) == count and (data.class_weights() > 0).all()  # all 13 classes occur
            assert len(collate([data[0], data[1]])["point_label"].unique()) > 2
            rooms = build_dataset({"_base_": {"NAME": "S3DISRooms", **base}, "others": others}, str(smoke), "dataset")
            seen = {(s["label"], i) for s in map(rooms.__getitem__, range(len(rooms))) for i in s["index"].tolist()}
            assert len(seen) == 8000 * count

    @pytest.mark.parametrize(
        ("kind", "name", "expected"),
        [
            ("shapenet", "chair", (-0.06228, 0.44887, -0.11896)),
            ("shapenet", "lamp", (0.32979, 0.14807, -0.16805)),
            ("modelnet", "flower_pot", (0.24321, 0.21961, -0.75523)),
            ("scan", "shelf", (-0.38964, 0.3222, -0.46239)),
        ],
    )
    def test_the_shapes_of_a_seed_stay_what_they_are(self, kind, name, expected, tmp_path):
        """Results on the synthetic world can be compared only as long as its shapes are the same."""
        for folder in (world.SHAPENET_FOLDER + "/shapenet_pc", world.SHAPENET_FOLDER + "/shapenet_img"):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / world.MODELNET_FOLDER / name).mkdir(parents=True)
        made = world._make(world.Job(kind, "train", name, 1, "x", 0, tmp_path, 32))
        if kind == "scan":
            points = made["obj_bg"][0]
        elif kind == "shapenet":
            points = np.load(tmp_path / world.SHAPENET_FOLDER / "shapenet_pc/x.npy")
        else:
            points = np.loadtxt(tmp_path / world.MODELNET_FOLDER / name / "x.txt", delimiter=",")[:, :3]
        np.testing.assert_allclose(points[7], expected, atol=1e-4)


class TestMaking:
    counts = {"shapenet_per_class": (1, 1), "modelnet_per_class": (1, 1), "scan_per_class": (1, 1)}
    counts |= {"part_per_class": (1, 1, 1), "rooms": (1, 500)}

    def digest(self, folder: Path) -> dict[str, str]:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}

    def test_a_seed_is_a_world_whatever_the_workers(self, tmp_path, smoke):
        for name, workers in (("a", 1), ("b", 2)):
            world.make_world(tmp_path / name, 1, **self.counts, workers=workers, image_size=48, quiet=True)
        first, second, other = (self.digest(folder) for folder in (tmp_path / "a", tmp_path / "b", smoke))
        assert first == second
        shared = set(first.values()) & set(other.values())  # lists and names, which no seed touches
        assert all(not key.endswith((".npy", ".png", ".h5")) for key, value in first.items() if value in shared)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]

    def test_pretraining_may_see_all_categories(self, tmp_path):
        """By lists of their own; nothing else is another for it, and no number is that of a real category."""
        for name, every in (("some", False), ("all", True)):
            options = self.counts | {"workers": 1, "image_size": 16, "quiet": True, "all_categories": every}
            world.make_world(tmp_path / name, 1, **options)
        some, every = (self.digest(tmp_path / name) for name in ("some", "all"))
        added = {key for key in every if some.get(key) != every[key]} - {"world.json"}
        assert some.keys() < every.keys() and added == every.keys() - some.keys()
        assert len(added) == 11 * 2 * 2 + 3
        lists = f"data/ShapeNet55-34/{world.ALL_LISTS}"
        base = {"NAME": "ShapeNet", "DATA_PATH": lists, "TEXT_PATH": f"{lists}/shapenet55.json", "images": False}
        base |= {"PC_PATH": "data/ShapeNet55-34/shapenet_pc", "whole": False}
        section = {"_base_": base, "others": {"subset": "train"}}
        data = build_dataset(section, str(tmp_path / "all"), "dataset")
        assert sorted(data.class_names) == world.DEMO_CATEGORIES and sorted(data.labels) == list(range(35))
        assert data[0]["points"].shape == (8192, 3)
        assert not {*world.FURTHER.values()} & {*world.SHAPENET.values(), *world.PART_SYNSETS.values()}
        assert "further 11 classes" in str(world.summary(tmp_path / "all"))

    def test_a_second_call_leaves_it_alone(self, smoke):
        before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*")}
        assert not world.make_world(smoke, seed=3, scale="smoke", image_size=48, quiet=True)
        assert before == {path: path.stat().st_mtime_ns for path in smoke.rglob("*")}

    def test_another_or_a_damaged_world_is_replaced(self, tmp_path, monkeypatch):
        monkeypatch.setattr(world, "_build", lambda folder, record, *_: self.fake(folder, record))
        out = tmp_path / "demo"
        assert world.make_world(out, 1, "smoke") and not world.make_world(out, 1, "smoke")
        (out / "stale").touch()
        assert world.make_world(out, 2, "smoke") and not (out / "stale").exists()
        (out / "world.json").write_text("{")
        assert world.make_world(out, 2, "smoke")
        assert [path.name for path in tmp_path.iterdir()] == ["demo"]

    @staticmethod
    def fake(folder: Path, record: dict) -> None:
        folder.mkdir()
        (folder / "world.json").write_text(json.dumps(record))

    def test_an_interruption_leaves_nothing(self, tmp_path, monkeypatch):
        def interrupted(function, jobs, *_):
            yield jobs[0], function(jobs[0])
            raise KeyboardInterrupt

        monkeypatch.setattr(world, "_each", interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.make_world(tmp_path / "demo", 1, "smoke")
        assert list(tmp_path.iterdir()) == []

    def test_a_foreign_folder_is_refused(self, tmp_path):
        (tmp_path / "thesis.tex").touch()
        with pytest.raises(UserError, match="world.json"):
            world.make_world(tmp_path, scale="smoke")
        with pytest.raises(UserError, match="is a file"):
            world.make_world(tmp_path / "thesis.tex", scale="smoke")
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]

    @pytest.mark.parametrize(
        "bad",
        [
            {"seed": -1},
            {"workers": 0},
            {"scale": "smok"},
            {"scan_per_class": (0, 1)},
            {"rooms": (1,)},
            {"image_size": 2},
        ],
    )
    def test_bad_arguments(self, tmp_path, bad):
        with pytest.raises(UserError, match=next(iter(bad)).split("_")[0]):
            world.make_world(tmp_path / "demo", **bad)

    def test_command_line_answers_in_one_line(self, tmp_path):
        (tmp_path / "thesis.tex").touch()
        command = [sys.executable, "-m", "datasets.demo", "--out", str(tmp_path), "--scale", "smoke"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1

    def test_summary_counts_what_is_there(self, smoke):
        rows = world.summary(smoke)
        assert [row[2] for row in rows] == ["144 shapes", "140 shapes", "75 shapes", "60 shapes", "6 rooms"]
        assert all(row[3] > 1 for row in rows)

    def test_teacher_renders_know_the_names_in_use(self):
        images, names = world.teacher_renders(["chair", "display"], 6, size=32, workers=1, quiet=True)
        assert images.shape == (12, 32, 32, 3) and images.dtype == np.uint8
        assert len(names) == 12 and set(names) == {"chair", "display", "monitor"}
        again, same = world.teacher_renders(["chair", "display"], 6, size=32, workers=2, quiet=True)
        assert np.array_equal(images, again) and names == same
