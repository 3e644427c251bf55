"""Many runs of main.py: order, skipping, resuming, failures; and the tables that are made of them."""

import dataclasses
import fcntl
import json
import time
from argparse import Namespace
from pathlib import Path

import pytest

from tools.engine.run import run_identity
from tools.paper import __main__ as reproduce
from tools.paper import arguments, fewshot, plan, queue, render
from tools.paper.plan import SCALES, TABLES, Planner
from tools.paper.pool import WorkerPool
from tools.paper.queue import choose_devices, run_all
from tools.paper.render import Cell, Table
from tools.paper.runs import PlannedRun, check_configs, in_order, keep_results
from utils.config import load_config, parse
from utils.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def chain(configs, monkeypatch) -> dict[str, PlannedRun]:
    """Pretrain, fine-tune from it, vote; and an SVM."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pretrain = PlannedRun("pretrain", str(configs["pretrain"]), "first", opts=("max_epoch=1",))
    tune = PlannedRun("finetune", str(configs["classify"]), "second", opts=("max_epoch=1",), after=pretrain)
    vote = PlannedRun("test", str(configs["classify"]), "third", opts=("vote.rounds=2",), after=tune)
    return {"pretrain": pretrain, "finetune": tune, "test": vote}


def fake(run: PlannedRun, finished: bool = True, **numbers) -> None:
    """Write what a run of the run would leave."""
    header = run_identity(run.task, run.seed, run.raw, run.start) | {
        "finished": finished,
        "metric": "accuracy",
        "last": {},
    }
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "metrics.json").write_text(json.dumps(header | numbers))


def test_what_a_job_starts_from_comes_first(chain):
    assert in_order([chain["test"], chain["pretrain"]]) == list(chain.values())


def test_result_belongs_to_the_very_job(chain):
    run = chain["pretrain"]
    assert run.result() is None
    fake(run)
    assert run.result() and dataclasses.replace(run, seed=1).result() is None
    assert dataclasses.replace(run, opts=()).result() is None
    vote = dataclasses.replace(run, flags=("--vote",))
    fake(vote, last={"accuracy": 1.0})
    assert vote.result() is None
    fake(run, finished=False)
    assert run.result() is None and "--resume" in run.arguments()


def test_a_changed_config_voids_the_result(chain):
    run = chain["pretrain"]
    fake(run)
    Path(run.config).write_text(Path(run.config).read_text() + "step_per_update: 2\n")
    changed = dataclasses.replace(run)  # what the next command reads
    assert run.result() and changed.result() is None and "--resume" not in changed.arguments()


@pytest.mark.parametrize("source", ["weights", "world"])
def test_result_is_void_once_its_source_is_another(chain, source, world):
    first, second = chain["pretrain"], chain["finetune"]
    made = Path(second.start) if source == "weights" else world / "world.json"
    fake(first)
    made.write_text("one")
    fake(first)
    fake(second)
    assert second.result() and not second.replaces()
    copy = made.with_name("copy")
    copy.write_text("one")
    copy.replace(made)  # the time of a file means nothing
    assert second.result()
    made.write_text("another")
    assert second.result() is None and second.replaces() and "--resume" not in second.arguments()
    made.unlink()
    assert (second.result() is not None) == (source == "weights")  # which may be removed to save space


def test_a_failed_run_leaves_the_earlier_result_as_it_was(chain):
    """And neither its settings nor its numbers pass for those of the failed one."""
    run = chain["pretrain"]
    assert run_all([run], WorkerPool([""])) == []
    before = {path.name: path.read_text() for path in run.folder.glob("[cm]*.[yj]*")}
    failing = dataclasses.replace(run, opts=(*run.opts, "data_root=nowhere"))
    assert run_all([failing], WorkerPool([""])) == [failing] and failing.result() is None
    assert {path.name: path.read_text() for path in run.folder.glob("[cm]*.[yj]*")} == before
    assert set(before) == {"config.yaml", "metrics.json"} and run.result()


def test_finished_runs_are_not_replaced_unasked(chain):
    run = chain["pretrain"]
    fake(run)
    keep_results([run])
    with pytest.raises(UserError, match="1 finished runs, first .*first, are of other settings.*--overwrite"):
        keep_results([dataclasses.replace(run, opts=("max_epoch=2",))])
    fake(run, finished=False)
    keep_results([dataclasses.replace(run, opts=("max_epoch=2",))])


def test_wrong_settings_are_found_before_any_run(chain):
    check_configs([chain["test"]])
    with pytest.raises(UserError, match="second: unknown config key 'no_such_key'"):
        check_configs([dataclasses.replace(chain["finetune"], opts=("no_such_key=1",))])


def test_arguments(chain):
    fold = PlannedRun("finetune", "cfgs/full/fewshot.yaml", "x", 3, ("a=1",), (5, 10, 2), ckpts="w.pth")
    words = "--config cfgs/full/fewshot.yaml --exp_name x --seed 3 --finetune_model --way 5 --shot 10 --fold 2"
    assert fold.arguments() == [*words.split(), "--ckpts", "w.pth", "--overwrite", "--opts", "a=1"]
    assert fold.folder == Path("experiments/fewshot/full/x_5way_10shot_fold2")
    assert chain["finetune"].start == str(chain["pretrain"].folder / "ckpt-last.pth")
    assert chain["test"].start == str(chain["finetune"].folder / "ckpt-best.pth")


def test_runs_are_made_once_and_failures_do_not_stop_the_others(chain, capsys):
    broken = dataclasses.replace(chain["pretrain"], name="broken", opts=("no_such_key=1",))
    after = dataclasses.replace(chain["finetune"], name="after", after=broken)
    assert set(run_all([chain["test"], after], WorkerPool(["", ""]))) == {broken, after}
    assert all(run.result() for run in chain.values())
    printed = capsys.readouterr().out
    assert "no_such_key" in printed and "failed" in printed and printed.count("accuracy") >= 2
    made = {run: (run.folder / "metrics.json").stat().st_mtime_ns for run in chain.values()}
    assert run_all([chain["test"]], WorkerPool([""])) == []
    assert made == {run: (run.folder / "metrics.json").stat().st_mtime_ns for run in chain.values()}


def until(condition) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_run_under_way_is_waited_for_not_made_twice(chain):
    run, pool = chain["pretrain"], WorkerPool([""])
    pool.take([run])
    run.folder.mkdir(parents=True)
    run.output.write_text("what the first command said\n")
    with open(run.folder / ".lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        pool.start(run)
        until(lambda: "waiting for the run of another command" in run.output.read_text())
        fake(run)
    until(lambda: [(run, True)] == [(ended, well) for ended, well, _ in pool.finished()])
    assert run.output.read_text().startswith("what the first") and not list(run.folder.glob("*.pth"))


def test_stopped_runs_go_on(chain):
    run, pool = dataclasses.replace(chain["pretrain"], opts=("max_epoch=100000",)), WorkerPool([""])
    pool.take([run])
    pool.start(run)
    until(lambda: (run.metrics() or {}).get("epochs"))
    pool.stop()
    assert (run.folder / "ckpt-last.pth").is_file() and "--resume" in run.arguments()
    assert "continue with the same command" in run.output.read_text()


@pytest.mark.parametrize("gpus, jobs, expected", [("cpu", 3, ["", "", ""]), ("cpu", 1, [""])])
def test_devices_on_the_cpu(gpus, jobs, expected):
    assert choose_devices(Namespace(gpus=gpus, jobs=jobs, num_workers=None)) == expected


def test_a_missing_gpu_is_named(monkeypatch):
    monkeypatch.setattr(queue.torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert choose_devices(Namespace(gpus=None, jobs=None, num_workers=None)) == ["0", "1"]
    assert choose_devices(Namespace(gpus="1", jobs=None, num_workers=None)) == ["1"]
    with pytest.raises(UserError, match="no GPU '5'"):
        choose_devices(Namespace(gpus="5", jobs=None, num_workers=None))
    with pytest.raises(UserError, match="--jobs is for runs on the CPU"):
        choose_devices(Namespace(gpus="0,1", jobs=4, num_workers=None))


def test_fewshot_command(configs, monkeypatch, capsys):
    """Every fold of every setting by one command, from one checkpoint; the table holds their mean."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    config = str(configs["fewshot"])
    weights = PlannedRun("scratch", config, "weights", opts=("max_epoch=0",), fold=(3, 2, 1))
    assert run_all([weights], WorkerPool([""])) == []
    command = ["fewshot", "--ckpts", str(weights.folder / "ckpt-last.pth"), "--configs", config, "--way", "3"]
    command += ["--shot", "2", "--folds", "2", "--gpus", "cpu", "--jobs", "2", "--opts", "max_epoch=1"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(UserError, match="1 runs failed.*fold0"):  # the tiny world holds fold 1 alone
        fewshot.main()
    assert "n 1 of 2" in capsys.readouterr().out
    (cell,) = json.loads(Path("experiments/fewshot/fewshot-seed0.json").read_text())["cells"]
    assert (cell["column"], cell["n"], cell["runs"]) == ("3w2s", 1, 2) and 0 <= cell["ours"] <= 100


def test_tables_are_saved_when_interrupted(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(reproduce, "OUT", tmp_path)
    monkeypatch.setattr(reproduce, "prepare", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["reproduce", "table10", "--gpus", "cpu", "--overwrite", "--opts", "npoints=255"])

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "run_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reproduce.main()
    assert not (tmp_path / "demo").exists()  # nothing to save, and perhaps an earlier table there
    done = {"last": {"accuracy": 50.0}}
    monkeypatch.setattr(PlannedRun, "result", lambda run: done if run.task == "svm" and run.after is None else None)
    with pytest.raises(KeyboardInterrupt):
        reproduce.main()
    cells = {cell["row"]: cell for cell in json.loads((tmp_path / "demo/table10.json").read_text())["cells"]}
    assert cells["random weights"]["ours"] == 50.0 and cells["ReCon"]["ours"] is None


def test_plan_counts_a_shared_run_once(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(PlannedRun, "result", lambda run: None)
    planner = Planner("demo", 1)
    tables = {name: planner.table(name) for name in ("table9", "table10")}
    todo = reproduce.show_plan(tables, WorkerPool([""]))
    assert len(todo) == len(set(todo)) == len(in_order([run for table in tables.values() for run in table.runs]))
    assert f"together  {len(todo):>4}" in capsys.readouterr().out


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", TABLES)
def test_every_run_of_every_table_has_a_valid_config(name, scale, monkeypatch):
    from models import parse_model_config
    from tools.engine.config import run_config_class

    monkeypatch.chdir(ROOT)
    table = Planner(scale, 2).table(name)
    for run in {dataclasses.replace(run, seed=0, fold=None, after=None) for run in in_order(table.runs)}:
        config = parse(run_config_class(), load_config(run.config, run.opts), "")
        parse_model_config(config.model)
    unknown = {"ReCon, ensemble, train+test shapes", "random weights", "Point-MAE, ReCon block", "from scratch"}
    assert not table.paper or set(table.rows) - set(table.paper) <= unknown, "rows that the paper does not have"
    for row, cells in table.rows.items():
        assert set(cells) <= set(table.columns), row
    folders = [run.folder for run in in_order(table.runs)]
    assert len(folders) == len(set(folders)), "two runs would share a folder"


def test_tables_and_scales_are_known_without_reading_them():
    assert arguments.TABLE_NAMES == list(TABLES) and arguments.SCALE_NAMES == list(SCALES)


def test_all_tables_agree_on_their_folders(monkeypatch):
    monkeypatch.chdir(ROOT)
    every = in_order([run for name in TABLES for run in Planner("demo", 1).table(name).runs])
    assert len({run.folder for run in every}) == len(every)


def test_a_wrong_key_of_a_row_is_named(monkeypatch):
    monkeypatch.chdir(ROOT)
    spec = dataclasses.replace(TABLES["table10"], rows={"ours": {"pretrained": "none", "metrics": "accuracy"}})
    monkeypatch.setitem(TABLES, "table10", spec)
    with pytest.raises(UserError, match=r"'table10.ours.metrics' \(did you mean 'metric'\?\)"):
        Planner("demo", 1).table("table10")


def test_downstream_runs_get_the_encoder_that_was_pretrained(monkeypatch):
    monkeypatch.chdir(ROOT)
    planner = Planner("paper", 1)
    small = planner.downstream("finetune", "cfgs/full/fewshot.yaml", "cfgs/pretrain/small.yaml", 0)
    assert set(small.opts) == {"model.trans_dim=256", "model.encoder_dims=256", "model.num_heads=4"}
    assert planner.downstream("svm", "cfgs/svm/modelnet40.yaml", "cfgs/pretrain/base.yaml", 0).opts == ()


def test_flatten_lays_a_difference_over_another_config(monkeypatch):
    monkeypatch.chdir(ROOT)
    opts = list(plan.flatten(plan.difference("cfgs/pretrain/single_modal.yaml")))
    config = load_config("cfgs/demo/pretrain.yaml", opts)
    assert config["model"]["img_encoder"] == "" and config["dataset"]["train"]["others"]["images"] is False
    assert config["model"]["transformer_config"]["trans_dim"] == 128


def test_a_table_puts_ours_beside_the_papers(chain, tmp_path):
    two = [dataclasses.replace(chain["pretrain"], name=name, seed=seed) for seed, name in enumerate("ab")]
    fake(two[0], best={"accuracy": 50.0}, last={"accuracy": 40.0})
    cell = Cell(tuple(two), ("best", "accuracy"), ("last", "accuracy"))
    table = Table("T", ["x"], {"ReCon": {"x": cell}}, {"ReCon": {"x": 90.0}, "other": {"x": [80.0, 2.0]}}, ("note",))
    assert render.grids(table) == {
        "T": [["", "x"], ["ReCon", "50.0, n 1 of 2 (90.0; -40.0)"], ["other", "(80.0 +- 2.0)"]],
        render.LAST: [["", "x"], ["ReCon", "40.0"]],
    }
    fake(two[1], best={"accuracy": 60.0}, last={"accuracy": 60.0})
    render.save_table(table, tmp_path / "out" / "t.v2")
    (record, other) = json.loads((tmp_path / "out/t.v2.json").read_text())["cells"]
    assert (record["ours"], record["std"], record["n"], record["difference"]) == (55.0, 5.0, 2, -35.0)
    assert (record["last"], other["ours"], other["paper_std"]) == (50.0, None, 2.0)
    text = (tmp_path / "out/t.v2.md").read_text()
    assert "| ReCon | 55.0 +- 5.0, best 60.0, n 2 (90.0; -35.0) |" in text and "| ReCon | 50.0 +- 10.0 |" in text
    row = (tmp_path / "out/t.v2.csv").read_text().splitlines()[1]
    assert row.startswith("ReCon,x,90.0,,55.0,5.0,60.0,2,2,-35.0,50.0")


def test_a_cell_of_folds_where_nothing_was_chosen(chain, configs):
    run = dataclasses.replace(chain["pretrain"], config=str(configs["fewshot"]))
    folds = tuple(dataclasses.replace(run, fold=(5, 10, fold)) for fold in range(2))
    for fold, value in zip(folds, (50.0, 60.0), strict=True):
        fake(fold, last={"accuracy": value})
    table = Table("T", ["x"], {"a": {"x": Cell(folds, ("last", "accuracy"))}})
    assert render.grids(table) == {"T": [["", "x"], ["a", "55.0 +- 5.0, n 2"]]}
