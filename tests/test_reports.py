"""What is made of finished runs: tables from metrics.json."""

import json
from pathlib import Path

import pytest

from tools.report import tables as report
from utils.errors import UserError


def finished(folder: Path, last: dict, **keys) -> None:
    """Leave the metrics of a finished run."""
    folder.mkdir(parents=True)
    content = {"task": "t", "seed": 0, "finished": True, "metric": "accuracy", "last": last, **keys}
    (folder / "metrics.json").write_text(json.dumps(content))


@pytest.fixture
def demo_runs(tmp_path, monkeypatch) -> Path:
    """The runs of a demo called `d`, with known numbers, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "experiments"
    for kind, base in (("scratch", 40.0), ("recon", 60.0)):
        for seed in range(2):
            last, best = {"accuracy": base + 2 * seed}, {"accuracy": base + 5}
            finished(root / "finetune_scan/demo" / f"d-{kind}-{seed}", last, best=best)
        finished(root / "svm/demo" / f"d-{kind}", {"accuracy": base})
    group = {"among_all_names": {"accuracy": 50.0}, "among_own_names": {"accuracy": 70.0}}
    zero = {"seen": {"classes": 18, **group}, "unseen": {"classes": 10, **group}}
    finished(root / "zeroshot/demo/d", {"accuracy": 55.0, **zero})
    return root


def test_demo_table(demo_runs):
    lines = report.demo_table("d").partition("\n\n")[0].splitlines()
    assert lines[0].split() == ["accuracy", "in", "%", "from", "scratch", "ReCon", "chance"]
    assert lines[2].split()[-7:] == ["41.0", "+-", "1.0", "61.0", "+-", "1.0", "6.7"]
    assert lines[3].split()[-7:] == ["45.0", "+-", "0.0", "65.0", "+-", "0.0", "6.7"]
    assert lines[4].split()[-3:] == ["40.0", "60.0", "3.6"]
    assert [line.split()[-3:] for line in lines[5:]] == [
        ["-", "50.0", "3.6"],
        ["-", "70.0", "5.6"],
        ["-", "50.0", "3.6"],
        ["-", "70.0", "10.0"],
    ]
    assert len({len(line) for line in lines}) == 1  # columns line up


def test_table_of_all_runs_leaves_out_the_unfinished(demo_runs):
    (demo_runs / "half").mkdir()
    (demo_runs / "half/metrics.json").write_text('{"finished": false}')
    lines = report.all_runs_table(demo_runs).splitlines()
    assert len(lines) == 2 + 7 and not any("half" in line for line in lines)


@pytest.mark.parametrize(
    "keys, wrong",
    [({"metric": None}, "'metric' is null"), ({"best": None}, "'best' is null"), ({"seed": [1]}, r"'seed' is \[1\]")],
)
def test_metrics_that_are_not_those_of_a_run(demo_runs, keys, wrong):
    finished(demo_runs / "odd", {"accuracy": 1.0}, **keys)
    with pytest.raises(UserError, match=f"odd/metrics.json cannot be read: its {wrong}"):
        report.result(demo_runs / "odd")
    assert "odd" not in report.all_runs_table(demo_runs)
    (demo_runs / "odd/metrics.json").write_text('{"finished": true}')
    assert "odd" not in report.all_runs_table(demo_runs)


def test_missing_results_are_named(demo_runs):
    with pytest.raises(UserError, match="finetune_scan/demo/other-scratch-"):
        report.demo_table("other")
    path = demo_runs / "zeroshot/demo/d/metrics.json"
    half = path.read_text().replace('"finished": true', '"finished": false')
    for content, message in (("{", "cannot be read"), (half, "did not finish")):
        path.write_text(content)
        with pytest.raises(UserError, match=message):
            report.demo_table("d")
    path.unlink()
    with pytest.raises(UserError, match="has not been made"):
        report.demo_table("d")
    with pytest.raises(UserError, match="no finished run"):
        report.all_runs_table(demo_runs / "nowhere")
