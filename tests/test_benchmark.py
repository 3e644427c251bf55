"""The benchmark of the operators: its rows, its report, and what it says of bad arguments and missing peers."""

import json

import pytest
import torch

from tools.benchmark import common, ops, peers, step
from tools.benchmark.__main__ import main
from utils.config import load_config
from utils.errors import UserError


def test_benchmark(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ops, "SHORTEST_SECONDS", 0)
    file = tmp_path / "ops.json"
    main(["ops", "--smoke", "--device", "cpu", "--json", str(file)])
    content = json.loads(file.read_text())
    assert {row["name"] for row in content["rows"]} == {case.name for case in ops.all_cases(smoke=True)}
    printed = capsys.readouterr().out
    for row in content["rows"]:
        assert row["milliseconds"]["recon_ops"] > 0 and row["share_of_limit"] > 0 and row["limit"] in ("flops", "bytes")
        assert row["ratio"] == pytest.approx(row["milliseconds"][row["best_peer"]] / row["milliseconds"]["recon_ops"])
        assert row["title"] in printed
    assert content["machine"]["threads"] == torch.get_num_threads() and content["versions"]["torch"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["ops", "--repeats", "9"], "--repeats 9: must be at least 10"),
        (["ops", "--only", "nothing", "--smoke"], "--only nothing: unknown; there are fps-1024-64"),
        (["ops", "--threads", "0"], "--threads 0: must be at least 1"),
        (["ops", "--json", "no/such/folder/file.json"], "does not exist"),
        (["ops", "--json", "."], "is a folder"),
        (["models"], "invalid choice"),
        (["--repeats", "9"], "--repeats 9: must be at least 10"),
    ],
)
def test_benchmark_tells_bad_arguments(arguments, message):
    with pytest.raises(UserError) as error:
        main(arguments)
    assert message in str(error.value)


def test_benchmark_tells_first_what_it_cannot_write(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(common.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(ops, "run_ops", lambda *_: pytest.fail("measured first"))
    with pytest.raises(UserError, match="ops.json cannot be written: Permission denied"):
        main(["ops", "--json", str(tmp_path / "ops.json")])


def test_benchmark_does_without_broken_peers(monkeypatch, capsys):
    def broken(name: str):
        raise RuntimeError("built for another PyTorch")

    monkeypatch.setattr(peers.importlib, "import_module", broken)
    assert peers.find_peer("pytorch3d") is None
    assert capsys.readouterr().err == "without pytorch3d: built for another PyTorch\n"


def test_benchmark_names_missing_peers_and_calls_those_there(monkeypatch):
    cloud, called = peers.clouds(torch.device("cpu"), 2, 40, 3), []

    class Peer:
        @staticmethod
        def farthest_point_sampling(points, mask, k, **options):
            called.append((points.shape, mask.shape, k, options["random_start"]))

        @staticmethod
        def sample_idx(points, k, h, start_idx):
            called.append((points.shape, k, h, start_idx))

    found = {"torch_fps": Peer, "torch_quickfps": Peer}
    monkeypatch.setattr(peers, "find_peer", found.get)
    calls = peers.sampling(torch.device("cpu"), None, 2, 40, 6)
    assert set(calls) == {"recon_ops", "PyTorch", "torch_fps", "torch_quickfps: h=3", "torch_quickfps: h=5"}
    for name, call in calls.items():
        assert name in ("recon_ops", "PyTorch") or call() is None
    shape = cloud.shape
    assert called == [(shape, shape[:2], 6, False), (shape, 6, 3, 0), (shape, 6, 5, 0)]
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None if name in found else "there")
    assert peers.not_installed() == ["torch_fps", "torch_quickfps"]


def test_steps(tmp_path, capsys, monkeypatch):
    """The quick run measures every arm of every case; the baseline's loss is ours, or it would say so."""
    monkeypatch.chdir(common.REPOSITORY)
    files = [tmp_path / name for name in ("step.json", "step.md")]
    arguments = ["step", "--quick", "--device", "cpu", "--arms", "baseline", "fp32", "bf16"]
    main([*arguments, "--json", str(files[0]), "--markdown", str(files[1])])
    assert files[1].read_text().strip() in capsys.readouterr().out
    rows = json.loads(files[0].read_text())["rows"]
    assert [row["case"] for row in rows] == list(step.CASES)
    for row in rows:
        plain = row["case"] not in ("segmentation", "zero-shot")
        assert list(row["arms"]) == ["baseline"] * plain + ["fp32", "bf16"]
        assert row["flops_published"] >= row["flops_run"] > 0
        for arm in row["arms"].values():
            assert arm["clouds_per_second"] > 0 and arm["peak_memory"] > 0 and arm["milliseconds"]["forward"] > 0
            assert (arm["milliseconds"]["backward"] > 0) == (row["case"] != "zero-shot")


def test_the_grid_varies_one_size_at_a_time(tmp_path, monkeypatch):
    monkeypatch.chdir(common.REPOSITORY)
    arguments = ["step", "--quick", "--grid", "--device", "cpu", "--arms", "fp32", "--only", "finetune-1k"]
    monkeypatch.setitem(step.GRID, "cpu", ((2, 6), (256,)))
    main([*arguments, "--rounds", "1", "--json", str(tmp_path / "step.json")])
    rows = json.loads((tmp_path / "step.json").read_text())["rows"]
    sizes = [(row["batch"], row["points"], row["width"]) for row in rows]
    assert sizes == [(4, 128, 48), (2, 128, 48), (6, 128, 48), (4, 256, 48), (4, 128, 192), (4, 128, 256)]
    assert rows[-1]["flops_run"] > rows[0]["flops_run"] and rows[2]["flops_run"] == 3 * rows[1]["flops_run"]


def test_a_baseline_that_computes_something_else_is_noticed(monkeypatch):
    monkeypatch.chdir(common.REPOSITORY)
    monkeypatch.setattr(step.baseline, "plain_chamfer", lambda a, b: (a - b).square().mean())
    with pytest.raises(RuntimeError, match="that of the baseline"):
        main(["step", "--quick", "--device", "cpu", "--arms", "baseline", "fp32", "--only", "pretrain"])


def test_flops_are_those_of_the_published_formulation():
    """11.35 G a cloud for a step of the base model, forward and backward, however little of it has to be run.

    Patch embedding 4.48, blocks 4.00, decoder 2.72, attention's two products and the heads the rest.
    """
    case = step.Case("pretrain", load_config(common.REPOSITORY / step.CASES["pretrain"]), 2, 1024)
    flops = step.Arm(case, "fp32", torch.device("cpu")).flops()
    assert flops["published"] / 2 == pytest.approx(11.35e9, rel=0.01) and flops["run"] < 0.85 * flops["published"]
