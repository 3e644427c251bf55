"""The local page: what it answers, and what it refuses."""

import base64
import io
import json

import numpy as np
import pytest
import torch
import trimesh

from models import build_model_from_cfg, load_pretrained
from tools.serve import app as serving
from tools.serve.__main__ import main
from tools.serve.app import KEPT, MAX_BYTES, create_app
from tools.tasks.predict import Files
from utils.errors import UserError

HOST = "127.0.0.1:7860"
SEND = {"Host": HOST, "X-ReCon": "1"}


@pytest.fixture(scope="module")
def client():
    app = create_app(load_pretrained("demo"), None, {HOST})
    return app.test_client()


def mesh(kind: str = "off") -> bytes:
    top, leg = trimesh.creation.box((1.0, 0.05, 0.6)), trimesh.creation.box((0.05, 0.7, 0.05))
    table = trimesh.util.concatenate([top, leg.apply_translation((0, -0.37, 0))])
    content = table.export(file_type=kind)
    return content.encode() if isinstance(content, str) else content


def send(client, path: str, content: bytes = b"", **values):
    return client.post(path, query_string=values, data=content, headers=SEND)


@pytest.mark.parametrize("kind", ["off", "glb", "ply"])
def test_a_mesh_gets_a_name(client, kind):
    found = send(client, "/shape", mesh(kind), name=f"some.{kind}").get_json()
    (bars,), (cloud,) = found["names"]["data"], found["cloud"]["data"]
    assert len(bars["x"]) == 5 and found["best"] == bars["y"][-1] and max(bars["x"]) == bars["x"][-1]
    assert cloud["type"] == "scatter3d" and len(base64.b64decode(cloud["z"]["bdata"])) == 4 * 2048
    assert list(found["queries"]) == ["cls", "img", "text"]


def test_names_are_those_of_the_encoder(client):
    cloud = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    found = send(client, "/shape", npy(cloud), name="a.npy", labels="chair, table").get_json()
    truth = load_pretrained("demo").classify(cloud, ["chair", "table"]).top(5)[0]
    assert list(zip(found["names"]["data"][0]["y"][::-1], found["names"]["data"][0]["x"][::-1], strict=True)) == [
        (name, pytest.approx(p, abs=1e-5)) for name, p in truth
    ]
    again = send(client, "/names", id=found["id"], labels="table,sofa,bed").get_json()
    assert {*again["names"]["data"][0]["y"]} == {"table", "sofa", "bed"}


def npy(cloud: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, cloud)
    return file.getvalue()


def test_fewer_points_than_patches(tmp_path):
    """Of the published size, 64 patches of 32 points; a file that the encoder can name has a page, too."""
    torch.manual_seed(0)
    shape = {"trans_dim": 24, "encoder_dims": 24, "depth": 1, "num_heads": 3, "num_group": 64, "group_size": 32}
    config = {"NAME": "PointTransformer", "cls_dim": 3, **shape}
    known = {"model": config, "npoints": 1024, "class_names": ["chair", "table", "sofa"]}
    torch.save({"base_model": build_model_from_cfg(config).state_dict(), "config": known}, tmp_path / "c.pth")
    encoder, cloud = load_pretrained(tmp_path / "c.pth"), np.random.default_rng(0).normal(size=(40, 3))
    client = create_app(encoder, None, {HOST}).test_client()
    found = send(client, "/shape", npy(cloud.astype(np.float32)), name="few.npy").get_json()
    assert found["best"] == encoder.classify(cloud.astype(np.float32)).names[0]
    look = send(client, "/attention", id=found["id"], point=39).get_json()
    assert len(look["values"]) == 40 and np.isfinite(look["values"]).all()
    reply = send(client, "/shape", npy(cloud[:31].astype(np.float32)), name="few.npy")
    assert reply.status_code == 400 and "few.npy" in reply.get_json()["error"]


def test_the_page_and_predict_feed_the_same_points(client, tmp_path, monkeypatch):
    """Of a mesh the same draw, of a cloud with more points than are drawn from a mesh the same part."""
    fed, look = [], serving._look
    monkeypatch.setattr(serving, "_look", lambda *given: [fed.append(given[1]), look(*given)][1])
    encoder = load_pretrained("demo")
    large = np.random.default_rng(0).normal(size=(9 * encoder.npoints, 3)).astype(np.float32)
    for name, content in (("some.off", mesh()), ("large.npy", npy(large))):
        (tmp_path / name).write_bytes(content)
        assert send(client, "/shape", content, name=name).status_code == 200
        files = Files([str(tmp_path / name)], encoder.npoints, encoder.network.group_size, 0)
        assert np.array_equal(fed[-1], files[0][1]) and len(fed[-1]) == 8 * encoder.npoints


def test_attention_of_a_point_and_of_a_query(client):
    found = send(client, "/shape", mesh(), name="a.off").get_json()
    looks = [send(client, "/attention", id=found["id"], point=point).get_json() for point in (0, 2047)]
    looks += [send(client, "/attention", id=found["id"], query=name).get_json() for name in ("img", "text")]
    for look in looks:
        values = np.array(look["values"])
        assert values.shape == (2048,) and values.min() >= 0 and values.max() <= 1 and np.ptp(values) > 0.5
    assert looks[0]["what"].startswith("local token") and looks[3]["what"] == "text query"
    assert looks[0]["values"] != looks[1]["values"] != looks[2]["values"] != looks[3]["values"]


@pytest.mark.parametrize(
    "path, content, values, message",
    [
        ("/shape", b"", {"name": "a.exe"}, "'a.exe' is none of"),
        ("/shape", b"", {}, "is none of"),
        ("/shape", b"OFF\n1 1 1\n", {"name": "a.off"}, "a.off"),
        ("/shape", b"\x93NUMPY", {"name": "../../a.npy"}, "../../a.npy"),
        ("/shape", b"0 0 0\n", {"name": "a.xyz"}, "1 point"),
        ("/shape", None, {"name": "a.off", "up": "w"}, "up must be one of"),
        ("/shape", None, {"name": "a.off", "labels": "xylophone"}, "xylophone"),
        ("/shape", None, {"name": "a.off", "labels": "a," * 600}, "at most 500 names"),
        ("/names", b"", {"id": 10**9}, "not kept any more"),
        ("/attention", b"", {"id": "x", "point": 1}, "not kept any more"),
    ],
)
def test_bad_requests(client, path, content, values, message):
    reply = send(client, path, mesh() if content is None else content, **values)
    assert reply.status_code == 400 and message in reply.get_json()["error"]
    assert "\n" not in reply.get_json()["error"] and "/tmp" not in reply.get_json()["error"]


def test_points_and_queries_that_are_not_there(client):
    number = send(client, "/shape", mesh(), name="a.off").get_json()["id"]
    for values in ({"point": 2048}, {"point": -1}, {}, {"query": "audio"}):
        assert send(client, "/attention", id=number, **values).status_code == 400


def test_only_this_page_may_ask(client):
    assert client.post("/shape", headers={"Host": HOST}).status_code == 403  # as a page of another origin can
    assert client.get("/", headers={"Host": "evil.example:7860"}).status_code == 403  # a name that was rebound
    page = client.get("/", headers={"Host": HOST})
    assert page.status_code == 200 and "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in page.headers
    assert client.get("/../main.py", headers={"Host": HOST}).status_code == 404


def test_large_files_are_refused_unread(client):
    large = {"CONTENT_LENGTH": str(MAX_BYTES + 1)}
    reply = client.post("/shape?name=a.off", headers=SEND, data=b"OFF", environ_overrides=large)
    assert reply.status_code == 413 and "larger than 64 MB" in json.loads(reply.data)["error"]


def test_only_the_last_shapes_are_kept(client):
    first = send(client, "/shape", mesh(), name="a.off").get_json()["id"]
    for _ in range(KEPT):
        send(client, "/shape", mesh(), name="a.off")
    assert send(client, "/names", id=first).status_code == 400


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--port", "70000"], "--port must be in 0..65535"),
        (["--ckpts", "demo", "--labels", "xylophone"], "xylophone"),
        (["--ckpts", "nothing"], "nothing"),
    ],
)
def test_bad_arguments(monkeypatch, arguments, message):
    monkeypatch.setattr("sys.argv", ["serve", *arguments])
    with pytest.raises(UserError, match=message):
        main()


def test_a_port_that_is_taken(monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["serve", "--port", str(port)])
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 cannot be had"):
            main()
