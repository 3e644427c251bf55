"""Many runs of main.py: order, skipping, resuming, failures; and the tables that are made of them."""

import dataclasses
import json
import os
from argparse import Namespace
from pathlib import Path

import pytest
import yaml

from tools import fewshot, jobs, paper, reproduce, tables
from tools.jobs import Job, in_order, run_jobs
from tools.paper import SCALES, TABLES, Planner
from tools.tables import Cell, Table
from utils.config import load_config, parse
from utils.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def chain(configs, monkeypatch) -> dict[str, Job]:
    """Pretrain, fine-tune from it, vote; and an SVM."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pretrain = Job("pretrain", str(configs["pretrain"]), "first", opts=("max_epoch=1",))
    tune = Job("finetune", str(configs["classify"]), "second", opts=("max_epoch=1",), after=pretrain)
    vote = Job("test", str(configs["classify"]), "third", opts=("vote.rounds=2",), after=tune)
    return {"pretrain": pretrain, "finetune": tune, "test": vote}


def fake(job: Job, finished: bool = True, **numbers) -> None:
    """Write what a run of the job would leave."""
    header = {"task": job.task, "seed": job.seed, "ckpts": job.start, "finished": finished}
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "config.yaml").write_text(yaml.safe_dump(job.raw))
    (job.folder / "metrics.json").write_text(json.dumps(header | {"metric": "accuracy"} | numbers))


def test_what_a_job_starts_from_comes_first(chain):
    assert in_order([chain["test"], chain["pretrain"]]) == list(chain.values())


def test_result_belongs_to_the_very_job(chain):
    job = chain["pretrain"]
    assert job.result() is None
    fake(job)
    assert job.result() and dataclasses.replace(job, seed=1).result() is None
    assert dataclasses.replace(job, opts=()).result() is None
    vote = dataclasses.replace(job, flags=("--vote",))
    fake(vote, last={"accuracy": 1.0})
    assert vote.result() is None
    fake(job, finished=False)
    assert job.result() is None and "--resume" in job.arguments()


def test_a_changed_config_voids_the_result(chain):
    job = chain["pretrain"]
    fake(job)
    Path(job.config).write_text(Path(job.config).read_text() + "step_per_update: 2\n")
    changed = dataclasses.replace(job)  # what the next command reads
    assert job.result() and changed.result() is None and "--resume" not in changed.arguments()


@pytest.mark.parametrize("source", ["weights", "world"])
def test_result_is_void_once_its_source_is_made_anew(chain, source, world):
    first, second = chain["pretrain"], chain["finetune"]
    fake(first)
    fake(second)
    assert second.result()
    made = Path(second.start) if source == "weights" else world / "world.json"
    made.touch()
    later = (second.folder / "metrics.json").stat().st_mtime + 10
    os.utime(made, (later, later))
    assert second.result() is None and "--resume" not in second.arguments()
    made.unlink()


def test_arguments(chain):
    fold = Job("finetune", "cfgs/full/fewshot.yaml", "x", 3, ("a=1",), (5, 10, 2), ckpts="w.pth")
    words = "--config cfgs/full/fewshot.yaml --exp_name x --seed 3 --finetune_model --way 5 --shot 10 --fold 2"
    assert fold.arguments() == [*words.split(), "--ckpts", "w.pth", "--opts", "a=1"]
    assert fold.folder == Path("experiments/fewshot/full/x_5way_10shot_fold2")
    assert chain["finetune"].start == str(chain["pretrain"].folder / "ckpt-last.pth")
    assert chain["test"].start == str(chain["finetune"].folder / "ckpt-best.pth")


def test_runs_are_made_once_and_failures_do_not_stop_the_others(chain, tmp_path, capsys):
    broken = dataclasses.replace(chain["pretrain"], name="broken", opts=("no_such_key=1",))
    after = dataclasses.replace(chain["finetune"], name="after", after=broken)
    logs = tmp_path / "logs"
    assert set(run_jobs([chain["test"], after], ["", ""], logs)) == {broken, after}
    assert all(job.result() for job in chain.values())
    printed = capsys.readouterr().out
    assert "no_such_key" in printed and "failed" in printed and printed.count("accuracy") >= 2
    made = {job: (job.folder / "metrics.json").stat().st_mtime_ns for job in chain.values()}
    assert run_jobs([chain["test"]], [""], logs) == []
    assert made == {job: (job.folder / "metrics.json").stat().st_mtime_ns for job in chain.values()}


@pytest.mark.parametrize("gpus, jobs_, expected", [("cpu", 3, ["", "", ""]), ("cpu", 1, [""])])
def test_slots_on_the_cpu(gpus, jobs_, expected):
    assert jobs.slots(Namespace(gpus=gpus, jobs=jobs_, num_workers=None)) == expected


def test_slots_name_a_missing_gpu(monkeypatch):
    monkeypatch.setattr(jobs.torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert jobs.slots(Namespace(gpus=None, jobs=None, num_workers=None)) == ["0", "1"]
    assert jobs.slots(Namespace(gpus="1", jobs=None, num_workers=None)) == ["1"]
    with pytest.raises(UserError, match="no GPU '5'"):
        jobs.slots(Namespace(gpus="5", jobs=None, num_workers=None))


def test_fewshot_command(configs, monkeypatch, capsys):
    """Every fold of every setting by one command, from one checkpoint; the table holds their mean."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    config = str(configs["fewshot"])
    weights = Job("scratch", config, "weights", opts=("max_epoch=0",), fold=(3, 2, 1))
    assert run_jobs([weights], [""], Path("logs")) == []
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
    monkeypatch.setattr("sys.argv", ["reproduce", "table10", "--gpus", "cpu", "--opts", "npoints=255"])

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tables, "run_jobs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reproduce.main()
    cells = json.loads((tmp_path / "demo/table10.json").read_text())["cells"]
    assert {"ReCon", "random weights"} <= {cell["row"] for cell in cells}
    assert all(cell["ours"] is None for cell in cells)


def test_plan_counts_a_shared_run_once(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(Job, "result", lambda job: None)
    plan = Planner("demo", 1)
    tables_ = {name: plan.table(name) for name in ("table9", "table10")}
    todo = reproduce.show_plan(tables_, [""])
    assert len(todo) == len(set(todo)) == len(in_order([job for table in tables_.values() for job in table.jobs]))
    assert f"together  {len(todo):>4}" in capsys.readouterr().out


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", TABLES)
def test_every_run_of_every_table_has_a_valid_config(name, scale, monkeypatch):
    from models import parse_model_config
    from tools.builder import RunConfig

    monkeypatch.chdir(ROOT)
    table = Planner(scale, 2).table(name)
    for job in {dataclasses.replace(job, seed=0, fold=None, after=None) for job in in_order(table.jobs)}:
        config = parse(RunConfig, load_config(job.config, job.opts), "")
        parse_model_config(config.model)
    unknown = {"ReCon, ensemble, train+test shapes", "random weights", "Point-MAE, ReCon block", "from scratch"}
    assert not table.paper or set(table.rows) - set(table.paper) <= unknown, "rows that the paper does not have"
    for row, cells in table.rows.items():
        assert set(cells) <= set(table.columns), row
    folders = [job.folder for job in in_order(table.jobs)]
    assert len(folders) == len(set(folders)), "two runs would share a folder"


def test_all_tables_agree_on_their_folders(monkeypatch):
    monkeypatch.chdir(ROOT)
    every = in_order([job for name in TABLES for job in Planner("demo", 1).table(name).jobs])
    assert len({job.folder for job in every}) == len(every)


def test_downstream_runs_get_the_encoder_that_was_pretrained(monkeypatch):
    monkeypatch.chdir(ROOT)
    plan = Planner("paper", 1)
    small = plan.downstream("finetune", "cfgs/full/fewshot.yaml", "cfgs/pretrain/small.yaml", 0)
    assert set(small.opts) == {"model.trans_dim=256", "model.encoder_dims=256", "model.num_heads=4"}
    assert plan.downstream("svm", plan.scale.svm, paper.RECON, 0).opts == ()


def test_flatten_lays_a_difference_over_another_config(monkeypatch):
    monkeypatch.chdir(ROOT)
    opts = list(paper.flatten(paper.difference("cfgs/pretrain/single_modal.yaml")))
    config = load_config("cfgs/demo/pretrain.yaml", opts)
    assert config["model"]["img_encoder"] == "" and config["dataset"]["train"]["others"]["images"] is False
    assert config["model"]["transformer_config"]["trans_dim"] == 128


def test_a_table_puts_ours_beside_the_papers(chain, tmp_path):
    two = [dataclasses.replace(chain["pretrain"], name=name, seed=seed) for seed, name in enumerate("ab")]
    fake(two[0], best={"accuracy": 50.0}, last={"accuracy": 40.0})
    cell = Cell(tuple(two), ("best", "accuracy"), ("last", "accuracy"))
    table = Table("T", ["x"], {"ReCon": {"x": cell}}, {"ReCon": {"x": 90.0}, "other": {"x": [80.0, 2.0]}}, ("note",))
    assert tables.grid(table) == [
        ["", "x"],
        ["ReCon", "50.0, n 1 of 2 (90.0; -40.0)"],
        ["other", "(80.0 +- 2.0)"],
    ]
    fake(two[1], best={"accuracy": 60.0}, last={"accuracy": 60.0})
    tables.save(table, tmp_path / "out" / "t")
    (record, other) = json.loads((tmp_path / "out/t.json").read_text())["cells"]
    assert (record["ours"], record["std"], record["n"], record["difference"]) == (55.0, 5.0, 2, -35.0)
    assert (record["unselected"], other["ours"], other["paper_std"]) == (50.0, None, 2.0)
    assert "| ReCon | 55.0 +- 5.0, n 2 (90.0; -35.0) |" in (tmp_path / "out/t.md").read_text()
    assert (tmp_path / "out/t.csv").read_text().splitlines()[1].startswith("ReCon,x,90.0,,55.0,5.0,2,2,-35.0,50.0")
