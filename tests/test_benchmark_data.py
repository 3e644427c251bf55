"""The benchmark of data loading, on a handful of shapes."""

import json

import pytest

import tools.benchmark.data
from tools.benchmark.data import WAYS, main
from utils.errors import UserError


def test_every_way_is_measured_and_nothing_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tools.benchmark.data, "BATCH", 2)
    folder = tmp_path / "shapes"
    folder.mkdir()
    arguments = ["--shapes", "24", "--repeats", "1", "--workers", "0", "1", "--folder", str(folder), "--device", "cpu"]
    main([*arguments, "--json", str(tmp_path / "data.json"), "--markdown", str(tmp_path / "data.md")])
    told, content = capsys.readouterr().out, json.loads((tmp_path / "data.json").read_text())
    measured = {(row["way"], row["workers"]) for row in content["samples_per_second"]}
    assert measured == {(way.name, workers) for way in WAYS for workers in (0, 1)}
    assert all(row["median"] > 0 for row in content["samples_per_second"])
    assert all(len(values) == 2 and min(values) > 1 for values in content["memory_mb"].values())
    assert {row["ratio"] for row in content["samples_per_second"] if row["way"] == "plain files"} == {1.0}
    table = (tmp_path / "data.md").read_text()
    assert all(way.name in told and f"| {way.name} |" in table for way in WAYS)
    assert not list(folder.iterdir())


def test_wrong_arguments(tmp_path):
    for arguments, words in (
        (["--shapes", "100"], "--shapes must be at least 1,280"),
        (["--folder", str(tmp_path / "missing")], "cannot be written to"),
        (["--json", str(tmp_path / "missing/x.json")], "does not exist"),
    ):
        with pytest.raises(UserError, match=words):
            main(arguments)
