"""The benchmark of data loading, on a handful of shapes."""

import json

import pytest

import tools.benchmark.data
import tools.benchmark.world
from tools.benchmark.__main__ import main as benchmark
from tools.benchmark.data import SHARD_WAYS, WAYS, main
from utils.errors import UserError


@pytest.mark.parametrize("shards", [False, True])
def test_every_way_is_measured_and_nothing_is_left(tmp_path, monkeypatch, capsys, shards):
    ways, workers = (SHARD_WAYS, ["1"]) if shards else (WAYS, ["0", "1"])
    monkeypatch.setattr("datasets.shard_store.PAUSES", (0.5,) * 20)  # for its server to start
    monkeypatch.setattr(tools.benchmark.data, "BATCH", 2)
    folder = tmp_path / "shapes"
    folder.mkdir()
    arguments = ["--shapes", "48", "--repeats", "1", "--workers", *workers, "--folder", str(folder), "--device", "cpu"]
    arguments += ["--shards"] * shards
    main([*arguments, "--json", str(tmp_path / "data.json"), "--markdown", str(tmp_path / "data.md")])
    told, content = capsys.readouterr().out, json.loads((tmp_path / "data.json").read_text())
    measured = {(row["way"], row["workers"]) for row in content["samples_per_second"]}
    assert measured == {(way.name, int(count)) for way in ways for count in workers}
    assert all(row["median"] > 0 for row in content["samples_per_second"])
    assert all(len(values) == 2 and min(values) > 1 for values in content["memory_mb"].values())
    assert {row["ratio"] for row in content["samples_per_second"] if row["way"] == "plain files"} == {1.0}
    table = (tmp_path / "data.md").read_text()
    assert all(way.name in told and f"| {way.name} |" in table for way in ways)
    assert (content["bytes_a_shape"] or 0) >= 90000 * shards and all(min(v) > 50 for v in content["pss_mb"].values())
    assert not list(folder.iterdir())


def test_wrong_arguments(tmp_path):
    for arguments, words in (
        (["--shapes", "100"], "--shapes must be at least 1,280"),
        (["--folder", str(tmp_path / "missing")], "cannot be written to"),
        (["--json", str(tmp_path / "missing/x.json")], "does not exist"),
    ):
        with pytest.raises(UserError, match=words):
            main(arguments)


def test_the_making_of_synthetic_shapes(tmp_path, capsys):
    figures, small = (
        tmp_path / "world.json",
        ["--shapes", "3", "--repeats", "2", "--points", "64", "--image_size", "16"],
    )
    benchmark(["world", *small, "--categories", "chair", "mug", "--device", "cpu", "--json", str(figures)])
    told, content = capsys.readouterr().out, json.loads(figures.read_text())
    assert set(content["cpu_ms"]) == set(tools.benchmark.world.WAYS) and "2 categories, 64 points, 16 pixels" in told
    for way, times in content["cpu_ms"].items():
        assert set(times) == set(tools.benchmark.world.STAGES) and min(times.values()) > 0
        assert f"{content['shapes_per_second'][way]:.0f}" in told
    with pytest.raises(UserError, match="must be at least 1"):
        benchmark(["world", "--shapes", "0"])
