"""Shards: the samples of the files in another order, shared out without loss, from a folder or a server, damaged."""

import functools
import http.server
import io
import json
import pickle
import shutil
import tarfile
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import webdataset
import yaml
from PIL import Image

import datasets.shard_store
import tools.shards
from datasets import build_dataset, collate
from datasets.shards import _members
from tools.engine.data import Batches, Loader
from tools.pack import main
from utils.errors import UserError

COUNT = 61
BASE = {
    "NAME": "ShapeNet",
    "DATA_PATH": "data/ShapeNet-55",
    "PC_PATH": "data/pc",
    "IMG_PATH": "data/img",
    "TEXT_PATH": "data/names.json",
    "CAPTION_PATH": "data/captions.json",
    "N_POINTS": 48,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Shapes with a view each, one of them with three and captions, and a config of them."""
    root, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for folder in ("ShapeNet-55", "pc", "img/00000000-2"):
        (root / folder).mkdir(parents=True)
    names = [f"0000000{i % 2}-{i}" for i in range(COUNT)]
    for name in names:
        np.save(root / "pc" / f"{name}.npy", rng.standard_normal((64, 3)).astype(np.float32))
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(root / "img" / f"{name}.png")
    Image.new("RGB", (20, 20), "red").save(root / "img/00000000-2/1.png")
    Image.new("RGB", (20, 20), "blue").save(root / "img/00000000-2/2.jpg")
    (root / "ShapeNet-55/train.txt").write_text("\n".join(f"{name}.npy" for name in names[1:]))
    (root / "ShapeNet-55/test.txt").write_text(f"{names[0]}.npy")
    (root / "names.json").write_text(json.dumps([{"catalogue": i, "describe": f"class {i}"} for i in range(2)]))
    (root / "captions.json").write_text(json.dumps({"00000000-2": ["a chair", "ein Stuhl für zwei"]}))
    (root / "config.yaml").write_text(yaml.safe_dump(BASE))
    pack(root, root / "shards")
    return root


def pack(files: Path, out: Path, *arguments: str) -> None:
    config = ["--data_root", str(files), "--config", str(files / "config.yaml")]
    main(["shapenet", *config, "--shards", str(out), "--shard_count", "10", "--threads", "2", *arguments])


@pytest.fixture
def shards(files, tmp_path) -> Path:
    """A copy of the shards, to be damaged."""
    return Path(shutil.copytree(files / "shards", tmp_path / "shards"))


def build(place: object, seed: int = 0, **others):
    keys = {"NAME": "Shards", "SHARDS": str(place), "N_POINTS": 48, "lanes": 2, "shuffle": 7}
    return build_dataset({"_base_": keys, "others": {"subset": "train", "image_size": 16, **others}}, "", "train", seed)


def numbers(data) -> list[int]:
    """Which shape each sample is."""
    return [json.loads(_members(data.store.read(index))["json"])["number"] for index in range(len(data))]


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(value, other[key]) if isinstance(value, torch.Tensor) else value == other[key]
        for key, value in one.items()
    )


@pytest.mark.parametrize("path", ["pillow", "tensor", "device"])
@pytest.mark.parametrize("augment", [True, False])
def test_samples_are_those_of_the_files(files, path, augment):
    options = {"image_path": path, "image_augment": augment, "image_size": 16, "subset": "train"}
    plain = build_dataset({"_base_": BASE, "others": options}, str(files), "train", 3)
    data = build(files / "shards", 3, **options)
    assert len(data) == COUNT and data.class_names == plain.class_names and data.gives == plain.gives
    order = numbers(data)
    assert sorted(order) == list(range(COUNT)) and order != sorted(order)
    for dataset in (plain, data):
        dataset.set_epoch(2)
    chosen = [index for index, number in enumerate(order) if number != 2 or not augment][:20]
    batches = [
        plain.finish(collate([plain[order[i]] for i in chosen])),
        data.finish(collate([data[i] for i in chosen])),
    ]
    assert same(*batches)
    assert torch.equal(data.normalize(batches[0]["points"], "sample"), plain.normalize(batches[0]["points"], "sample"))


def test_several_views_and_captions(files):
    data = build(files / "shards", captions=True)
    order = numbers(data)
    index, texts, views = order.index(2), set(), set()
    for epoch in range(30):
        data.set_epoch(epoch)
        texts.add(data[index]["text"])
        views.add(data._draw("view", 2, 3))
    assert texts == {"a chair", "ein Stuhl für zwei"} and views == {0, 1, 2}
    assert data[order.index(3)]["text"] == "class 1"
    assert {*_members(data.store.read(index))} == {"points.npy", "json", "0.png", "1.png", "2.jpg"}


def test_the_library_reads_them_too(files):
    places = sorted(map(str, (files / "shards").glob("*.tar")))
    assert len(places) == 7
    samples = list(webdataset.WebDataset(places, shardshuffle=False).decode("pil"))
    assert len(samples) == COUNT and len({sample["__key__"] for sample in samples}) == COUNT
    assert samples[0]["points.npy"].shape == (64, 3) and samples[0]["0.png"].size == (20, 20)


def batches_of(data, epoch: int, start: int, batch: int, rank: int, world: int, monkeypatch, workers: int = 0) -> list:
    monkeypatch.setattr("utils.distributed.rank", lambda: rank)
    monkeypatch.setattr("utils.distributed.world_size", lambda: world)
    batches = Batches(len(data), batch // world, True, data.seed, data.epoch_order)
    batches.seek(epoch, start)
    if not workers:
        return list(batches)
    data.set_epoch(epoch)
    return list(Loader(data, batches, num_workers=workers, collate_fn=collate))


def test_order(files, monkeypatch):
    data = build(files / "shards")
    whole = batches_of(data, 1, 0, 8, 0, 1, monkeypatch)
    seen = sum(whole, [])
    assert len(whole) == COUNT // 8 and len(set(seen)) == len(seen) == 56
    # Resuming, another epoch, another seed.
    assert batches_of(data, 1, 3, 8, 0, 1, monkeypatch) == whole[3:]
    assert batches_of(data, 2, 0, 8, 0, 1, monkeypatch) != whole
    assert batches_of(build(files / "shards", 1), 1, 0, 8, 0, 1, monkeypatch) != whole
    # Processes share every batch, whatever their number, and have as many steps.
    for world in (2, 4):
        shares = [batches_of(data, 1, 0, 8, rank, world, monkeypatch) for rank in range(world)]
        turns = [list(zip(*parts, strict=True)) for parts in zip(*shares, strict=True)]
        assert [list(sum(batch, ())) for batch in turns] == whole
    # A lane, here of one of two processes, reads few shards at a time: a quarter of it is in a part of them.
    lane = sum(batches_of(data, 1, 0, 8, 0, 2, monkeypatch), [])
    assert lane == seen[::2]
    assert len({data.store.shard_of(index) for index in lane[:7]}) <= 3
    assert len({data.store.shard_of(index) for index in seen}) == 7


@pytest.mark.parametrize("lanes", [1, 2, 5, 8, 100])
def test_order_with_other_batches(files, lanes, monkeypatch):
    """All samples once, in an order that knows no batches: what is resumed at another size takes none twice."""
    data = build(files / "shards", lanes=lanes)
    order = data.epoch_order(3).tolist()
    assert sorted(order) == list(range(COUNT)) and order != data.epoch_order(4).tolist()
    for batch in (1, 6, 7, 16):
        batches = batches_of(data, 3, 0, batch, 0, 1, monkeypatch)
        assert len(batches) == COUNT // batch and sum(batches, []) == order[: COUNT // batch * batch]
    before = sum(batches_of(data, 3, 0, 6, 0, 1, monkeypatch)[:4], [])
    after = sum(batches_of(data, 3, 3, 8, 0, 1, monkeypatch), [])  # at sample 24
    assert before + after == order[:56]


def test_workers_and_resuming_give_the_same_batches(files, monkeypatch):
    data = build(files / "shards", image_path="device")
    plain = batches_of(data, 1, 0, 8, 1, 2, monkeypatch)
    expected = [collate([data[i] for i in batch]) for batch in plain if not data.set_epoch(1)]
    for workers, start in ((1, 0), (2, 0), (2, 4)):
        got = batches_of(data, 1, start, 8, 1, 2, monkeypatch, workers)
        assert len(got) == 7 - start
        assert all(same(*pair) for pair in zip(got, expected[start:], strict=True))


def test_interrupted_and_continued(files, tmp_path, monkeypatch, capsys):
    written, write = [], tools.shards.ShardWriter._write_shard

    def interrupted(self, name, samples, bar):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(name)
        return write(self, name, samples, bar)

    monkeypatch.setattr(tools.shards.ShardWriter, "_write_shard", interrupted)
    out, partial = tmp_path / "out", tmp_path / "out.partial"
    with pytest.raises(KeyboardInterrupt):
        pack(files, out)
    assert not out.exists() and len(list(partial.glob("*.tar"))) == 3
    with pytest.raises(UserError, match="other files or settings that were begun"):
        pack(files, out, "--half")
    # The second was damaged since: it and what follows is written again.
    (partial / "shard-000001.tar").write_bytes(b"x" * (partial / "shard-000001.tar").stat().st_size)
    (partial / ".shard-000003.tar.1.tmp").write_bytes(b"left over")
    written[:] = []
    with pytest.raises(KeyboardInterrupt):
        pack(files, out)
    assert written == ["shard-000001", "shard-000002", "shard-000003"]
    monkeypatch.undo()
    pack(files, out)
    one, other = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (out, files / "shards"))
    assert one == other and not partial.exists()
    with pytest.raises(UserError, match="is there already"):
        pack(files, out)
    pack(files, out, "--half", "--overwrite", "--shard_mb", "1", "--no_images")
    capsys.readouterr()
    pack(files, out, "--verify")
    assert capsys.readouterr().out == f"{COUNT} shapes in {out} are as they were packed\n"
    data, full = build(out, images=False), build(files / "shards", images=False)
    assert torch.allclose(data[5]["points"], full[5]["points"], rtol=1e-3) and "views" not in data[5]
    with pytest.raises(UserError, match="no views: set images: false"):
        build(out)
    with pytest.raises(UserError, match="more than 64 points, 100 are asked for"):
        build(out, images=False, npoints=100)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_only_shards_are_overwritten(files, shards, tmp_path, monkeypatch):
    """A folder that holds anything else is refused before any work, and is as it was."""

    def refused(folder: Path, words: str) -> None:
        before = contents(tmp_path)
        with monkeypatch.context() as patch, pytest.raises(UserError, match=words):
            patch.setattr("tools.pack.build_dataset", lambda *_: pytest.fail("it had begun"))
            pack(files, folder, "--overwrite")
        assert contents(tmp_path) == before

    home = tmp_path / "home"
    (home / "photos").mkdir(parents=True)
    refused(home, "home holds photos, which is of no pack")
    (home / "photos").rmdir()
    (home / "index.json").write_text('{"pages": 3}')
    refused(home, "is no index of shards")
    for name in ("notes.txt", "shard-000009.tar"):
        (shards / name).write_text("mine")
        refused(shards, f"shards holds {name}")
        (shards / name).unlink()
    link = tmp_path / "link"
    link.symlink_to(shards)
    refused(link, "is not a folder of its own")
    partial = tmp_path / "shards.partial"
    partial.mkdir()
    (partial / "mine.txt").write_text("mine")
    refused(shards, "holds others: move it away")
    shutil.rmtree(partial)
    # What is replaced is deleted after the new one is in place, and stays if that cannot be.
    before, rename = contents(shards), Path.rename

    def failing(self, target):
        if self == partial:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch, pytest.raises(UserError, match="cannot be renamed to .*No space"):
        patch.setattr(Path, "rename", failing)
        pack(files, shards, "--overwrite", "--half")
    assert contents(shards) == before and not (tmp_path / "shards.old").exists()
    (shards / "shard-000002.tar").unlink()  # of a damaged one, too
    pack(files, shards, "--overwrite", "--half")
    assert contents(shards) != before and not partial.exists() and not (tmp_path / "shards.old").exists()
    assert len(build(shards)) == COUNT


def test_what_is_damaged_is_found(files, shards):
    path, index = shards / "shard-000002.tar", shards / "index.json"
    good, about = path.read_bytes(), json.loads(index.read_text())
    path.write_bytes(good[:-512])
    with pytest.raises(UserError, match="shard-000002.tar has .* bytes, its index says"):
        build(shards)
    middle = bytearray(good)
    middle[len(good) // 2] ^= 1
    path.write_bytes(middle)
    with pytest.raises(UserError, match="shard-000002.tar is damaged: its sha256"):
        pack(files, shards, "--verify")
    data = build(shards)
    with pytest.raises(UserError, match=r"shard-000002.tar is damaged at byte \d+, sample 2\d: restore it"):
        [data[i] for i in range(20, 30)]
    path.write_bytes(good[: len(good) // 2])  # while it is read
    with pytest.raises(UserError, match="shard-000002.tar is cut off at byte"):
        [data[i] for i in range(20, 30)]
    path.unlink()
    with pytest.raises(UserError, match="shard-000002.tar is missing"):
        build(shards)
    entry = about["shards"][0]
    for wrong in (
        [],
        {"format": 2},
        about | {"class_names": 3},
        about | {"facts": {}},
        about | {"shards": [entry | {"file": "../x.tar"}]},
        about | {"shards": [entry | {"sha256": "../../x"}]},
        about | {"shards": [entry | {"offsets": entry["offsets"][:-1]}]},
        about | {"shards": [entry | {"offsets": [-512, *entry["offsets"][1:]]}]},
        about | {"shards": [entry | {"offsets": [1 << 70, *entry["offsets"][1:]]}]},
        about | {"shards": [entry | {"offsets": [0, 1 << 40], "crc32": [0], "size": 1 << 40}]},
        about | {"shards": []},
    ):
        index.write_text(json.dumps(wrong))
        with pytest.raises(UserError, match="index of shards .*index.json is damaged"):
            build(shards)
    index.write_text("[" * 100000)
    with pytest.raises(UserError, match="index.json is damaged"):
        build(shards)
    index.unlink()
    with pytest.raises(UserError, match="index of shards not found: .*--shards writes it"):
        build(shards)


def tar(*members: tuple[str, bytes, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=tarfile.GNU_FORMAT) as archive:
        for name, kind, content in members:
            about = tarfile.TarInfo(name)
            about.type, about.size, about.linkname = kind, len(content), "/etc/passwd" if kind in b"12" else ""
            archive.addfile(about, io.BytesIO(content))
    content = file.getvalue()
    return (
        content if mode != "w" else content[: file.tell()].rstrip(b"\0") + b"\0" * (-len(content.rstrip(b"\0")) % 512)
    )


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Bomb:
    def __reduce__(self):
        return (Path("/tmp/never").touch, ())


ABOUT = ("1.json", b"0", json.dumps({"number": 1, "label": 0}).encode())
POINTS = ("1.points.npy", b"0", npy(np.ones((64, 3), np.float32)))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([ABOUT, ("1.points.npy", b"0", npy(np.array([Bomb()])))], "it asks for"),
        ([ABOUT, POINTS, ("1.pyd", b"0", pickle.dumps(Bomb()))], "none of the files of a sample"),
        ([ABOUT, ("../1.points.npy", b"0", POINTS[2])], "none of the files of a sample"),
        ([ABOUT, ("2.points.npy", b"0", POINTS[2])], "none of the files of a sample"),
        ([ABOUT, ("1.points.npy", b"2", b"")], "none of the files of a sample"),
        ([ABOUT, ("1.points.npy", b"S", POINTS[2])], "none of the files of a sample"),
        ([ABOUT, ("1.points.npy", b"0", POINTS[2][:-9])], "announces 768 bytes"),
        ([ABOUT, ("1.points.npy", b"0", npy(np.full((64, 3), np.nan)))], "NaN"),
        ([ABOUT], "points.npy"),
        ([POINTS], "json"),
        ([("1.json", b"0", b'{"number": 1, "label": 7}'), POINTS], "label 7 of 2 classes"),
        ([("1.json", b"0", b"[" * 5000), POINTS], "sample 0 is damaged"),
        ([("1.json", b"0", b'{"number": 1, "label": 0, "captions": [3]}'), POINTS], "list of texts"),
        ([ABOUT, POINTS, ("1.0.png", b"0", b"%!PS-Adobe")], "1.0.png|0.png"),
    ],
)
def test_hostile_samples(shards, members, words):
    replace(shards, tar(*members))
    with pytest.raises(UserError, match=words):
        build(shards, images=len(members) == 3 and "png" in members[2][0])[0]


def test_compressed_samples(shards):
    replace(shards, tar(ABOUT, POINTS, mode="w:gz").ljust(2048, b"\0"))
    with pytest.raises(UserError, match="sample 0 is damaged"):
        build(shards, images=False)[0]


def replace(shards: Path, content: bytes) -> None:
    """Make one sample all that the shards hold, with an index that agrees."""
    about = json.loads((shards / "index.json").read_text())
    (shards / "shard-000000.tar").write_bytes(content)
    entry = {"file": "shard-000000.tar", "size": len(content), "sha256": "0" * 64}
    about["shards"] = [entry | {"offsets": [0, len(content)], "crc32": [zlib.crc32(content)]}]
    (shards / "index.json").write_text(json.dumps(about))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; `faults` says what goes wrong, and how many times."""

    faults: dict[str, list] = {}
    served: list[str] = []

    def do_GET(self):
        kind = self.faults.get(self.path, []) and self.faults[self.path].pop(0)
        self.served.append(self.path)
        if isinstance(kind, int) and kind:
            self.send_error(kind)
        elif kind == "short":
            content = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:100])
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(shards, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(datasets.shard_store, "PAUSES", (0, 0))
    monkeypatch.setattr(Handler, "faults", {})
    monkeypatch.setattr(Handler, "served", [])
    handler = functools.partial(Handler, directory=str(shards))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_from_a_server(files, shards, server, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    remote, local = build(server, CACHE_PATH=str(cache)), build(files / "shards")
    assert not cache.exists()
    Handler.faults["/shard-000000.tar"] = [503, "short"]
    assert all(same(remote[i], local[i]) for i in (0, 60, 33, 9))
    got = batches_of(remote, 1, 2, 8, 0, 1, monkeypatch, workers=2)
    assert len(got) == 5 and sorted({*Handler.served} - {"/index.json"}) == [f"/shard-00000{i}.tar" for i in range(7)]
    assert len(list(cache.glob("*.tar"))) == 7 and not list(cache.glob("*.tmp"))
    # What is there is not fetched again; what is damaged there is found.
    Handler.served[:] = []
    again = build(server, CACHE_PATH=str(cache))
    assert same(again[12], local[12]) and Handler.served == ["/index.json"]
    for path in cache.glob("*.tar"):
        path.write_bytes(path.read_bytes().replace(b"NUMPY", b"numpy"))
    with pytest.raises(UserError, match="is damaged at byte .*delete it"):
        again[12]


def test_a_small_cache(files, server, tmp_path):
    sizes = [path.stat().st_size for path in (files / "shards").glob("*.tar")]
    data = build(server, CACHE_PATH=str(tmp_path / "cache"), cache_gb=2.5 * max(sizes) / 1e9)
    local = build(files / "shards")
    assert all(same(data[i], local[i]) for i in range(0, COUNT, 5))
    data.store._fetch(data.store.shards[0], tmp_path / "cache" / f"{'0' * 64}.tar")
    assert sum(path.stat().st_size for path in (tmp_path / "cache").glob("*.tar")) <= 2.5 * max(sizes)


def test_what_killed_processes_leave_in_a_cache(files, server, tmp_path):
    cache, size = tmp_path / "cache", (files / "shards/shard-000000.tar").stat().st_size
    data = build(server, CACHE_PATH=str(cache), cache_gb=3.5 * size / 1e9)
    store, first, second = data.store, *data.store.shards[:2]
    cache.mkdir()
    own, others = cache / f".{first.sha256}.tar.1.tmp", cache / f".{second.sha256}.tar.1.tmp"
    for path in (own, others):
        path.write_bytes(b"x" * 2 * size)
    store.open(first).close()
    assert not own.exists() and others.exists()  # the other may be in the making
    store.open(store.shards[2]).close()
    assert [path.name for path in cache.glob("*.tar")] == [f"{store.shards[2].sha256}.tar"]  # what is left counts
    store.open(second).close()
    store.open(store.shards[3]).close()
    assert not others.exists() and len(list(cache.glob("*.tar"))) == 3


def test_what_servers_do(shards, server, tmp_path, monkeypatch):
    def data():
        return build(server, CACHE_PATH=str(tmp_path / "cache"))

    # No thread fetches what is to fail here.
    monkeypatch.setattr("datasets.shards.Shards._fetch_next", lambda self, index: None)
    for faults, words in (([404], "the server answers 404"), ([503] * 3, "answers 503"), (["short"] * 3, "sends 100")):
        for path, use in (("/index.json", data), ("/shard-000000.tar", lambda: data()[0])):
            Handler.faults[path] = list(faults)
            with pytest.raises(UserError, match=f"{path}: .*{words}"):
                use()
    (shards / "shard-000000.tar").write_bytes((shards / "shard-000000.tar").read_bytes()[:-512])
    with pytest.raises(UserError, match="shard-000000.tar is not what its index says: it has .* bytes"):
        data()[0]
    (shards / "shard-000001.tar").write_bytes(b"x" * (shards / "shard-000001.tar").stat().st_size)
    with pytest.raises(UserError, match="it has another sha256"):
        data()[10]
    (shards / "index.json").unlink()
    with pytest.raises(UserError, match="the server answers 404"):
        data()
    with pytest.raises(UserError, match="http://127.0.0.1:1/index.json cannot be reached: .*refused"):
        build("http://127.0.0.1:1")


def test_other_data_sets(world, tmp_path):
    """Clouds that are normalised when they are read are packed so, and captions found; segmentation does not fit."""
    rng, records = np.random.default_rng(0), []
    for number in range(5):
        content = {"xyz": rng.standard_normal((70, 3)), "text": ["a mug"], "blip_caption": f"mug {number}"}
        np.save(tmp_path / f"{number}.npy", np.array(content, object), allow_pickle=True)
        records.append({"uid": f"{number}", "category": "mug", "data_path": f"{number}.npy"})
    (tmp_path / "lvis.json").write_text(json.dumps(records))
    base = {"NAME": "ObjaverseLVIS", "DATA_PATH": str(tmp_path), "LIST_PATH": str(tmp_path / "lvis.json")}
    (tmp_path / "lvis.yaml").write_text(yaml.safe_dump(base))
    main(["lvis", "--config", str(tmp_path / "lvis.yaml"), "--subset", "test", "--shards", str(tmp_path / "s")])
    plain = build_dataset({"_base_": base, "others": {"subset": "test"}}, "", "test")
    data = build(tmp_path / "s", images=False, captions=True, N_POINTS=96)
    assert len(data) == len(plain) and data.NORMALIZES == "never"
    for index, number in enumerate(numbers(data)):
        assert torch.equal(data[index]["points"], plain[number]["points"])
        assert data[index]["text"] in ("a mug", f"mug {number}")

    base = {"NAME": "ModelNet", "DATA_PATH": "data/ModelNet/modelnet40_normal_resampled", "N_POINTS": 96}
    (tmp_path / "modelnet.yaml").write_text(yaml.safe_dump(base))
    with pytest.raises(UserError, match="ModelNet cannot be packed"):
        main(["m", "--config", str(tmp_path / "modelnet.yaml"), "--data_root", str(world), "--shards"])
    with pytest.raises(UserError, match="unknown data set 'ShapeNet-56'.*ShapeNet-55"):
        main(["ShapeNet-56", "--shards"])


def test_pretraining_resumes_exactly(world, run, configs, tmp_path):
    """Pretraining on shards, stopped in mid-epoch and resumed, ends as the one that was not stopped."""
    config = yaml.safe_load(configs["pretrain"].read_text())
    base = config["dataset"]["train"]["_base_"]
    (tmp_path / "shapenet.yaml").write_text(yaml.safe_dump(base))
    arguments = ["--config", str(tmp_path / "shapenet.yaml"), "--data_root", str(world), "--no_images"]
    main(["shapenet", *arguments, "--shards", str(tmp_path / "s"), "--shard_count", "4"])
    shards = {"NAME": "Shards", "SHARDS": str(tmp_path / "s"), "images": False}
    config["dataset"]["train"] = {"_base_": shards, "others": {"subset": "train"}}
    config["dataset"] |= {"extra_train": None, "extra_val": None}
    configs["pretrain"].write_text(yaml.safe_dump(config))
    whole = run("pretrain", exp="whole")
    import tools.engine.loop
    from utils.errors import Interrupted

    step, calls = tools.engine.loop.Trainer._train_step, []

    def stopping(self, model, batch):
        calls.append(1)
        if len(calls) == 5:
            self.stop.made = True
        return step(self, model, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools.engine.loop.Trainer, "_train_step", stopping)
        with pytest.raises(Interrupted):
            run("pretrain", exp="parts")
    parts = run("pretrain", "--resume", exp="parts")
    one, other = (torch.load(folder / "ckpt-last.pth", weights_only=True) for folder in (whole, parts))
    weights = [content["base_model"] for content in (one, other)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
