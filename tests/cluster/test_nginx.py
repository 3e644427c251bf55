"""Shards from nginx on the loopback interface: `python -m pytest tests/cluster/test_nginx.py`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import datasets.shard_store
from datasets import build_dataset, collate
from tools.engine.data import Batches, Loader
from tools.pack import main
from utils.errors import UserError

COUNT, SHARD = 300, 25


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """300 shapes with views in 12 shards, and a copy of the shards for the server."""
    root, rng = tmp_path_factory.mktemp("shards"), np.random.default_rng(0)
    for name in ("lists", "pc", "img"):
        (root / name).mkdir()
    for number in range(COUNT):
        np.save(root / f"pc/00000000-{number}.npy", rng.standard_normal((512, 3)).astype(np.float32))
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(root / f"img/00000000-{number}.png")
    (root / "lists/train.txt").write_text("\n".join(f"00000000-{number}.npy" for number in range(COUNT)))
    (root / "names.json").write_text(json.dumps([{"catalogue": 0, "describe": "shape"}]))
    base = {"NAME": "ShapeNet", "DATA_PATH": f"{root}/lists", "PC_PATH": f"{root}/pc", "IMG_PATH": f"{root}/img"}
    config = root / "config.yaml"
    config.write_text(yaml.safe_dump(base | {"TEXT_PATH": f"{root}/names.json", "whole": False}))
    main(["shapenet", "--config", str(config), "--shards", str(root / "shards"), "--shard_count", str(SHARD)])
    shutil.copytree(root / "shards", root / "served")
    return root


@contextmanager
def nginx(served: Path, port: int):
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(program):
        pytest.fail("nginx is needed: apt-get install nginx-light", pytrace=False)
    home = served.with_name("nginx")
    home.mkdir(exist_ok=True)
    own = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    server = f"server {{ listen 127.0.0.1:{port}; root {served}; }}"
    user = "user root;" if os.getuid() == 0 else ""
    (home / "nginx.conf").write_text(
        f"{user} daemon off; pid {home}/pid; error_log {home}/error.log;"
        f"events {{}} http {{ access_log {home}/access.log; {own} {server} }}"
    )
    process = subprocess.Popen([program, "-p", str(home), "-c", str(home / "nginx.conf")], stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.05)
        yield home
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.fixture
def port(monkeypatch) -> int:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def build(place: object, **others):
    base = {"NAME": "Shards", "SHARDS": str(place), "lanes": 4, "shuffle": 20}
    return build_dataset({"_base_": base, "others": {"subset": "train", "image_size": 24, **others}}, "", "train", 5)


def batches(data, rank: int, world: int, start: int, monkeypatch, workers: int = 2) -> list:
    monkeypatch.setattr("utils.distributed.rank", lambda: rank)
    monkeypatch.setattr("utils.distributed.world_size", lambda: world)
    chosen = Batches(len(data), 16 // world, True, data.seed, data.epoch_order)
    chosen.seek(4, start)
    data.set_epoch(4)
    return list(Loader(data, chosen, num_workers=workers, collate_fn=collate))


def same(one: list, other: list) -> bool:
    return len(one) == len(other) and all(
        a["text"] == b["text"] and all(torch.equal(a[key], b[key]) for key in ("points", "image", "label"))
        for a, b in zip(one, other, strict=True)
    )


def test_every_process_gets_its_share(folder, port, tmp_path, monkeypatch):
    """Two processes with caches of their own, as on two machines, resumed once: the batches that the folder gives."""
    local = build(folder / "shards")
    with nginx(folder / "served", port) as home:
        for rank in range(2):
            data = build(f"http://127.0.0.1:{port}/", CACHE_PATH=str(tmp_path / f"cache{rank}"))
            expected = batches(local, rank, 2, 0, monkeypatch, workers=0)
            assert len(expected) == COUNT // 16
            assert same(batches(data, rank, 2, 0, monkeypatch), expected)
            assert same(batches(data, rank, 2, 7, monkeypatch, workers=1), expected[7:])
        asked = (home / "access.log").read_text().count(".tar")
    # A shard is fetched once, and a process that reads half of the lanes leaves other shards where they are.
    shards = [len(list((tmp_path / f"cache{rank}").glob("*.tar"))) for rank in range(2)]
    assert asked == sum(shards) and max(shards) < COUNT // SHARD


def test_a_server_that_goes_and_comes_back(folder, port, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.shard_store, "PAUSES", (0.1, 0.1))
    with nginx(folder / "served", port):
        data = build(f"http://127.0.0.1:{port}", CACHE_PATH=str(tmp_path / "cache"))
        whole = batches(data, 0, 1, 0, monkeypatch)
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(UserError, match=r"shard-0000\d\d.tar cannot be reached: .*refused"):
        batches(data, 0, 1, 0, monkeypatch)
    with nginx(folder / "served", port):
        assert same(batches(data, 0, 1, 0, monkeypatch), whole)


def test_what_the_server_lacks_or_cuts_off(folder, port, tmp_path, monkeypatch):
    served = Path(shutil.copytree(folder / "served", tmp_path / "served"))
    (served / "shard-000003.tar").unlink()
    path = served / "shard-000005.tar"
    path.write_bytes(path.read_bytes()[:-1024])
    with nginx(served, port):
        data = build(f"http://127.0.0.1:{port}", CACHE_PATH=str(tmp_path / "cache"))
        monkeypatch.setattr("datasets.shards.Shards._fetch_next", lambda self, index: None)
        assert data[0]["points"].shape == (512, 3)
        with pytest.raises(UserError, match="shard-000003.tar: the server answers 404 Not Found"):
            data[3 * SHARD]
        with pytest.raises(UserError, match="shard-000005.tar is not what its index says: it has .* bytes"):
            data[5 * SHARD]
