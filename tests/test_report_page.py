"""The page that a run leaves: what it says and shows, and that nothing depends on it."""

import json
import re
from pathlib import Path

import pytest
import torch
import yaml

from tools.engine.run import past_run
from tools.report.__main__ import main as report
from tools.report.page import report_folder
from utils.errors import UserError
from utils.logging import read_history

REPORT = ["--opts", "report=true"]


def content(page: Path) -> tuple[str, list[dict]]:
    """The text of a page without scripts, and its figures."""
    html = page.read_text()
    figures = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.S)[1])
    return re.sub(r"<script.*?</script>", "", html, flags=re.S), figures


def titles(figures: list[dict]) -> list[str]:
    return [figure["layout"]["title"]["text"] for figure in figures]


@pytest.fixture
def pretrained(run, configs) -> Path:
    """The folder of a pretraining run on shapes with classes, with its page."""
    return run("pretrain", *REPORT)


def test_page_of_pretraining(pretrained):
    assert (pretrained / "report.html").stat().st_size < 6_000_000
    text, figures = content(pretrained / "report.html")
    assert "pretrain: " in text and "Loss terms" in titles(figures)
    for heading in ("Results", "Curves", "Reconstruction", "Attention", "Nearest neighbours", "What was run"):
        assert f"<h2>{heading}</h2>" in text
    assert {"masked input", "reconstruction", "truth", "local token", "class query"} <= {*titles(figures)}
    clouds = [figure for figure in figures if "scene" in figure["layout"]]
    assert all(trace["type"] == "scatter3d" for figure in clouds for trace in figure["data"])
    # What a button chooses are figures that there are.
    chosen = re.findall(r'data-figures="\[(.*?)\]"', text)
    assert chosen and {int(number) for row in chosen for number in row.split(",")} <= {*range(len(figures))}
    assert re.search(r"<td>report</td><td>-</td>|<td>report</td><td>false</td><td>true</td>", text)


def test_curves_are_those_of_the_run(pretrained):
    rows = read_history(pretrained)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    metrics = json.loads((pretrained / "metrics.json").read_text())
    assert rows[-1]["loss/loss"] == pytest.approx(metrics["last"]["loss"], rel=1e-5)
    assert rows[-1]["test/svm_accuracy"] == pytest.approx(metrics["last"]["svm_accuracy"], rel=1e-5)
    assert {"lr/decay", "samples_per_second"} <= {*rows[0]}
    _, figures = content(pretrained / "report.html")
    curves = next(figure for figure in figures if figure["layout"]["title"]["text"] == "Loss terms")
    own = next(trace for trace in curves["data"] if trace["name"] == "loss")
    assert own["y"] == pytest.approx([row["loss/loss"] for row in rows]) and own["x"] == [0, 1, 2]


def test_a_resumed_run_keeps_its_curves(run):
    folder = run("pretrain", "--opts", "max_epoch=1", "save_epochs=[0]")
    before = read_history(folder)
    (folder / "ckpt-last.pth").unlink()
    (folder / "ckpt-epoch-000.pth").rename(folder / "ckpt-last.pth")
    run("pretrain", "--resume")
    after = read_history(folder)
    assert [row["epoch"] for row in after] == [0, 1, 2] and after[0] == before[0]
    (folder / "history.csv").write_text("epoch,loss/loss\nnothing,1\n")
    assert read_history(folder) == []


def test_page_of_a_classifier_and_of_its_test(run):
    folder = run("classify", "--scratch_model", *REPORT)
    text, figures = content(folder / "report.html")
    last = json.loads((folder / "metrics.json").read_text())["last"]
    assert f"{last['accuracy']:.2f} % ({last['correct']} of {last['total']})" in text
    assert any(figure["data"][0]["type"] == "heatmap" for figure in figures)
    assert sum(sum(row.values()) for row in last["confusion"].values()) == last["total"]
    assert sum(row.get(name, 0) for name, row in last["confusion"].items()) == last["correct"]
    assert "Test shapes" in text and any(figure["data"][0]["type"] == "bar" for figure in figures)
    tested = run("classify", "--test", "--ckpts", str(folder / "ckpt-last.pth"), *REPORT)
    assert "Test shapes" in content(tested / "report.html")[0]


def test_page_of_probes(run, pretrained):
    weights = ["--ckpts", str(pretrained / "ckpt-last.pth")]
    text, figures = content(run("svm", "--svm", *weights, *REPORT) / "report.html")
    assert "Nearest neighbours" in text and "Confusion matrix" in titles(figures)
    assert sum("cosine" in str(figure["layout"].get("annotations")) for figure in figures) > 0


def test_a_run_without_what_it_started_from(pretrained, configs):
    """What is shown of a run after its checkpoints and its config are gone."""
    for path in pretrained.glob("ckpt-*.pth"):
        path.unlink()
    configs["pretrain"].unlink()
    text, _ = content(report_folder(pretrained, torch.device("cpu")))
    assert "Not shown: its checkpoint is not there any more" in text
    assert "The config file is not here any more" in text and "all settings" in text
    with pytest.raises(UserError, match="checkpoint"):
        list(past_run(pretrained, torch.device("cpu")).task.exhibits(past_run(pretrained, torch.device("cpu"))))


def test_a_run_ends_well_without_its_page(run, capsys):
    def occupy() -> Path:
        folder = Path("experiments/classify/cfgs/default/report.html")
        folder.mkdir(parents=True)
        return folder

    occupied = occupy()
    folder = run("classify", "--scratch_model", *REPORT)
    assert occupied.is_dir() and json.loads((folder / "metrics.json").read_text())["finished"]
    assert "warning: there is no report: " in capsys.readouterr().out


def test_a_run_ends_well_where_its_page_breaks(run, monkeypatch, capsys):
    def out_of_memory(*_) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr("tools.tasks.classify.classified", out_of_memory)
    folder = run("classify", "--scratch_model", *REPORT)
    assert json.loads((folder / "metrics.json").read_text())["finished"]
    assert (
        f"there is no report: RuntimeError: CUDA out of memory; python -m tools.report {folder}"
        in capsys.readouterr().out
    )


def test_runs_side_by_side(run, monkeypatch, capsys):
    folders = [run("classify", "--scratch_model", "--seed", str(seed), exp=f"run<{seed}>") for seed in (0, 1)]
    monkeypatch.setattr("sys.argv", ["report", *map(str, folders), f"{folders[0]}/", "--out", "both.html"])
    capsys.readouterr()
    report()
    assert capsys.readouterr().out == "wrote both.html\n"
    text, figures = content(Path("both.html"))
    assert "run&lt;0&gt; last" in text and "run<0>" not in text
    assert "<td>seed</td><td>0</td><td>1</td>" in text
    assert {trace["name"] for trace in figures[0]["data"]} == {"run<0>", "run<1>"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nowhere"], "no finished run"),
        (["nowhere", "elsewhere"], "nowhere holds no run: it has no metrics.json"),
        (["damaged"], "cannot be read"),
        (["strange"], "there is no task 'tea'"),
    ],
)
def test_bad_folders(configs, monkeypatch, arguments, message):
    for name, text in (("damaged", "{"), ("strange", '{"task": "tea", "seed": 0, "metric": "m", "last": {}}')):
        Path(name).mkdir()
        Path(name, "metrics.json").write_text(text)
    monkeypatch.setattr("sys.argv", ["report", *arguments])
    with pytest.raises(UserError, match=message):
        report()


def test_settings_are_compared_with_the_base(run, configs):
    base = configs["classify"]
    derived = base.with_name("derived.yaml")
    derived.write_text(yaml.safe_dump({"_base_": base.name, "grad_norm_clip": 5, "report": True}))
    configs["derived"] = derived
    folder = run("derived", "--scratch_model", "--opts", "max_epoch=0")
    text, _ = content(folder / "report.html")
    assert f"Differences to {base}" in text
    for row in ("grad_norm_clip</td><td>10</td><td>5", "max_epoch</td><td>2</td><td>0"):
        assert row in text
    assert "<td>npoints</td>" not in text
