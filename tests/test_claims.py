"""The grid of docs/claims.md: planned, made, taken up as records, and put on a page."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.conftest import cloud
from tools.paper import arguments, claims, claims_page, plan
from tools.paper.claims import Claims, Pretraining
from tools.paper.claims_grid import Grid, read_grid
from tools.paper.claims_page import BEGIN, END, GridResults, block, read_records, render_page
from tools.paper.plan import Planner
from tools.paper.pool import WorkerPool
from tools.paper.real_shapes import split_halves
from tools.paper.runs import in_order
from tools.visualize.colors import COLORS
from utils.config import parse
from utils.errors import UserError
from utils.logging import read_metrics

ROOT = Path(__file__).parent.parent


@pytest.fixture
def real(tmp_path) -> Path:
    """Two classes of 9 and 8 shapes, and one that is too small to be split."""
    rng = np.random.default_rng(0)
    for label, (name, count) in enumerate({"bag": 9, "bin": 8, "cup": 3}.items()):
        (tmp_path / "real" / name).mkdir(parents=True)
        for number in range(count):
            np.save(tmp_path / f"real/{name}/{number}.npy", cloud(rng, label))
    return tmp_path / "real"


@pytest.fixture
def grid(configs, world, tmp_path, monkeypatch) -> Grid:
    """Two models on the tiny world, of which one is measured for two lengths."""
    names = sorted(path.name for path in (world / "ShapeNet55-34/shapenet_pc").iterdir())
    (tmp_path / "lists").mkdir()
    for split, own in (("train", names[:8]), ("test", names[8:])):
        (tmp_path / f"lists/{split}.txt").write_text("\n".join(own))
    base = {"NAME": "ShapeNet", "DATA_PATH": str(tmp_path / "lists"), "images": False, "whole": False}
    base |= {"PC_PATH": f"{world}/ShapeNet55-34/shapenet_pc", "TEXT_PATH": f"{world}/ShapeNet55-34/shapenet55.json"}
    pretrain = yaml.safe_load(configs["pretrain"].read_text()) | {"held_out": True, "validate": "none", "val_from": 0}
    pretrain["dataset"] = {
        part: {"_base_": base, "others": {"subset": own}} for part, own in (("train", "train"), ("val", "test"))
    }
    configs["pretrain"].write_text(yaml.safe_dump(pretrain))
    folder = {"_base_": {"NAME": "Folder", "DATA_PATH": "x", "N_POINTS": 96}}
    shapes = yaml.safe_load(configs["svm"].read_text())
    shapes["dataset"] = {part: folder | {"others": {"subset": part}} for part in ("train", "test")}
    configs["shapes"] = configs["svm"].with_name("shapes.yaml")
    configs["shapes"].write_text(yaml.safe_dump(shapes))
    for name, model in {"recon": {}, "other": {"stop_grad": False}}.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"model": model} if model else {"_base_": "none"}))
    scale = plan.Scale({name: str(path) for name, path in configs.items()}, "", 1, {"pretrain": 100, "other": 1})
    monkeypatch.setitem(plan.SCALES, "demo", scale)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return parse(
        Grid,
        {
            "title": "Tiny",
            "scale": "demo",
            "world": str(world),
            "pretrain": str(configs["pretrain"]),
            "models": {
                "recon": {"title": "ReCon", "pretrained": str(tmp_path / "recon.yaml")},
                "other": {"title": "Other", "pretrained": str(tmp_path / "other.yaml"), "lacks": ["svm"]},
            },
            "data": {"full": {"title": "all of it", "shapes": 1200}},
            "stages": [{"seeds": [0], "epochs": [2], "models": ["recon"]}, {"seeds": [0, 1], "epochs": [2, 4]}],
            "measures": {
                "tuned": {"title": "fine-tuning", "config": "classify"},
                "best": {"title": "fine-tuning, best", "config": "classify", "path": "best.accuracy"},
                "svm": {"title": "linear SVM", "task": "svm", "config": "svm"},
                "shapes": {"title": "linear SVM, real", "task": "svm", "config": "shapes", "real": "halves"},
            },
            "attention": "svm",
        },
        "",
    )


def test_halves_of_real_shapes(real, tmp_path):
    made = split_halves(str(real), tmp_path)
    split = {part: {f"{p.parts[-3]}/{p.name}" for p in made.glob(f"*/{part}/*")} for part in ("train", "test")}
    assert {part: len(own) for part, own in split.items()} == {"train": 5 + 4, "test": 4 + 4}
    assert split["train"] | split["test"] == {f"bag/{i}.npy" for i in range(9)} | {f"bin/{i}.npy" for i in range(8)}
    assert split_halves(str(real), tmp_path) == made  # as it is there
    moved = tmp_path / "elsewhere"
    shutil.move(real, moved)
    again = split_halves(str(moved), tmp_path / "other")
    assert {p.name for p in (again / "bag/train").iterdir()} == {p.name for p in (made / "bag/train").iterdir()}
    np.save(moved / "bag/0.npy", np.zeros((96, 3), np.float32))
    assert split_halves(str(moved), tmp_path).name != made.name
    with pytest.raises(UserError, match="--real: .* has no class of at least 10 shapes"):
        split_halves(str(moved), tmp_path, least=10)


def test_from_runs_to_the_page(grid, real, monkeypatch, capsys):
    """One pretraining with all that is measured of it; what is not made yet stays open."""
    made = Claims(grid, Planner("demo", 1), Path("out/claims"), real=str(real))
    (what,) = made.stages[0]
    assert [run.task for run in made.missing(what)] == ["pretrain", "finetune", "svm", "svm"]
    stages, made.stages = made.stages, made.stages[:1]
    claims.fulfil(made, WorkerPool([""]))
    record = read_records(made.out)["recon-full-2-seed0"]
    for name, run in made.measurements(what).items():
        found = read_metrics(run.folder)
        place = "best" if name == "best" else "last"
        assert record["numbers"][name] == found[place]["accuracy"] and record["totals"][name] == found[place]["total"]
    assert record["totals"]["shapes"] == 8
    losses = record["losses"]
    assert losses["epoch"] == [0, 1] and set(losses["held_out"]) == {"loss", "mdm", "smc"} <= set(losses["train"])
    last = read_metrics(made.pretraining(what).folder)["last"]
    assert losses["held_out"]["mdm"][-1] == pytest.approx(last["held_out_mdm"], rel=1e-4)
    assert len(record["attention"]["mean"]["local"]["spread"]) == 2 and record["attention"]["shapes"] == 6
    assert record["opts"] == list(made.pretraining(what).opts) and record["seed"] == 0 and record["versions"]["torch"]

    page = Path("out/claims.md").read_text()
    assert f"| all of it | 2 | {record['numbers']['svm']:.1f} (n 1) |" in page and page.count("| open |") > 5
    assert "1 of 8 pretrainings are measured" in page
    assert all(Path(f"out/claims/{name}.png").stat().st_size > 5000 for name in ("accuracy", "losses"))
    cells = json.loads(Path("out/claims/summary.json").read_text())["cells"]
    assert {"model": "recon", "epochs": 2, "measure": "svm", "n": 1, "of": 2}.items() <= cells[2].items()

    before = {path: path.stat().st_mtime_ns for path in Path("experiments").rglob("metrics.json")}
    claims.fulfil(made, WorkerPool([""]))
    assert before == {path: path.stat().st_mtime_ns for path in Path("experiments").rglob("metrics.json")}
    shutil.rmtree("experiments")  # the record stands for the runs, also on another machine
    again = Claims(grid, Planner("demo", 1), made.out, real=str(real))
    assert again.missing(what) == [] and len(again.missing(stages[1][0])) == 0
    changed = Claims(grid, Planner("demo", 1, pretrain_opts=["total_bs=2"]), made.out, real=str(real))
    assert len(changed.missing(what)) == 4 and changed.record(what) == {}
    shutil.copytree(real, "moved")
    assert Claims(grid, Planner("demo", 1), made.out, real="moved").missing(what) == []
    shutil.copytree(real, "others")
    np.save("others/bag/0.npy", np.zeros((96, 3), np.float32))
    assert len(Claims(grid, Planner("demo", 1), made.out, real="others").missing(what)) == 4
    other = dataclasses.replace(grid.measures["tuned"], path="best.accuracy")
    with monkeypatch.context() as patch:
        patch.setitem(grid.measures, "tuned", other)
        assert len(again.missing(what)) == 4
    capsys.readouterr()
    claims.show_claims_plan(again, WorkerPool([""]))
    printed = capsys.readouterr().out
    assert re.search(r"seed 0, 2 epochs, all of it +1 +1 +0\.0 h", printed)
    assert "17 of 2 names with at least 8 are halved" in printed


def test_durations_follow_epochs_and_shapes(grid):
    planned = Claims(grid, Planner("demo", 1), Path("out"))
    seconds = {epochs: planned.pretraining(Pretraining("recon", "full", epochs, 0)).seconds for epochs in (2, 4)}
    assert seconds[4] == 2 * seconds[2] == pytest.approx(100 * 4 / 14 * 1200 / 2400)


def fake_record(what: Pretraining, **numbers: float) -> dict:
    losses = {"epoch": [1, 3], "train": {"mdm": [0.2, 0.1]}, "held_out": {"mdm": [0.25, 0.3]}}
    return dataclasses.asdict(what) | {"numbers": numbers, "losses": losses}


def test_what_tables_say(grid):
    both = [fake_record(Pretraining("recon", "full", 4, seed), tuned=40.0 + seed) for seed in (0, 1)]
    one = fake_record(Pretraining("other", "full", 2, 1), tuned=30.0, svm=99.0)
    results = GridResults(grid, [*both, one])
    column = ("full", 4)
    assert results.cell("recon", column, "tuned") == "40.5 +- 0.5"
    assert results.cell("other", ("full", 2), "tuned") == "30.0 (n 1)"
    assert results.cell("recon", column, "svm") == "open" and results.cell("other", column, "svm") == "-"
    assert results.losses("recon", column, "mdm") == "0.1 / 0.3 (0.25 after 2)"
    assert results.losses("recon", column, "csc_img") == "-" and results.losses("other", column, "mdm") == "open"
    numbers = {(row["model"], row["epochs"], row["measure"]): row for row in claims_page.summary_rows(results)}
    assert numbers["recon", 4, "tuned"] | {"mean": 40.5, "std": 0.5, "n": 2} == numbers["recon", 4, "tuned"]
    assert not {("recon", 4, "svm"), ("other", 2, "svm")} & numbers.keys()
    for picture in (claims_page.accuracy_picture, claims_page.loss_picture):
        figure = picture(results)
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["ReCon", "Other"]
        claims_page.plt.close(figure)


def test_only_between_its_marks_is_a_page_written(grid, tmp_path):
    out = tmp_path / "page"
    (out / "runs").mkdir(parents=True)
    what = Pretraining("recon", "full", 2, 0)
    (out / f"runs/{what}.json").write_text(json.dumps(fake_record(what, tuned=12.34)))
    page = out.with_suffix(".md")
    page.write_text(f"# Mine\n\nwords\n\n{BEGIN}\nold\n{END}\n\nmore words\n")
    render_page(grid, out)
    text = page.read_text()
    assert text.startswith("# Mine\n\nwords\n") and text.endswith("\n\nmore words\n")
    assert "old" not in text and "12.3 (n 1)" in text
    render_page(grid, out)
    assert page.read_text() == text
    page.write_text("no marks")
    with pytest.raises(UserError, match="page.md has no lines"):
        render_page(grid, out)
    (out / f"runs/{what}.json").write_text("[]")
    with pytest.raises(UserError, match="recon-full-2-seed0.json cannot be read"):
        render_page(grid, out)


def test_the_grid_is_that_of_the_page(monkeypatch):
    """Every run has a valid config and a folder of its own; every pretraining keeps its held-out shapes apart."""
    from tools.engine.config import parse_run_config

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(claims, "split_halves", lambda *_: Path("halves"))
    monkeypatch.setattr(claims, "digest_of", lambda _: "digest")
    grid = read_grid()
    planned = Claims(grid, Planner("demo", 1), Path("docs/claims"), real="real")
    every = [what for stage in planned.stages for what in stage]
    assert len(every) == len(set(every)) == 6 * 3 * 3 * 3 + 3 * 3
    assert [what for what in every if what.epochs == 400] == [
        Pretraining(model, data, 400, 0) for data in grid.data for model in ("recon", "no_stop_gradient", "vanilla")
    ]
    assert every.index(Pretraining("point_mae", "all", 14, 0)) < every.index(Pretraining("recon", "quarter", 50, 0))
    runs = in_order([run for what in every for run in planned.measurements(what).values()])
    assert len({run.folder for run in runs}) == len(runs)
    assert len(grid.models) <= len(COLORS)
    assert all(measure.path.endswith("accuracy") for measure in grid.measures.values())
    for run in {(run.config, run.opts): run for run in runs if run.seed == 0}.values():
        config = parse_run_config(run.raw)
        if run.task == "pretrain":
            assert config.pretrain.held_out and config.scheduler.kwargs.epochs == config.max_epoch + 1
            parts = [config.dataset.train, config.dataset.val]
            assert [{**part["_base_"], **part["others"]}["whole"] for part in parts] == [False, False]
            assert [part["others"]["subset"] for part in parts] == ["train", "test"]


def test_the_page_says_what_the_records_say():
    """Nobody has edited a number, and no record is left out."""
    out, grid = ROOT / "docs/claims", read_grid()
    records = read_records(out)
    text = out.with_suffix(".md").read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == block(GridResults(grid, records.values()), out.name)
    planned = {str(Pretraining(m, d, e, s)) for m in grid.models for d in grid.data for e, s in _lengths(grid)}
    assert set(records) <= planned
    for name, record in records.items():
        spec = {key: record[key] for key in ("model", "data", "epochs", "seed")}
        assert str(Pretraining(**spec)) == name and set(record["numbers"]) <= set(grid.measures)
        assert f"max_epoch={record['epochs'] - 1}" in record["opts"] and re.fullmatch(
            r"\d{4}-\d\d-\d\d", record["date"]
        )


def _lengths(grid: Grid) -> set[tuple[int, int]]:
    return {(epochs, seed) for stage in grid.stages for epochs in stage.epochs for seed in stage.seeds}


def test_arguments():
    args = arguments.parse_arguments(["claims", "--real", "x", "--seeds", "2"])
    assert (args.real, args.seeds) == ("x", 2) and arguments.parse_arguments(["claims"]).seeds is None
    assert "claims" not in arguments.parse_arguments(["all"]).tables
    for words, message in (
        (["claims", "table3"], "claims is a grid of its own"),
        (["claims", "--scale", "paper"], "claims is planned for --scale demo"),
        (["table3", "--real", "x"], "--real and --out go with claims"),
    ):
        with pytest.raises(UserError, match=message):
            arguments.parse_arguments(words)
