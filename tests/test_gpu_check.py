"""The check of a GPU, tried on the CPU: its sections, its report, and what it says of failures."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from extensions import recon_ops
from gpu_check import __main__ as gpu_check
from gpu_check import sections
from gpu_check.check import Check, CheckFailed
from gpu_check.report import markdown
from gpu_check.sections import TRAINING_ROWS, check_benchmark, run_tests
from utils.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def check(tmp_path) -> Check:
    return Check("cpu", True, tmp_path)


needs_library = pytest.mark.skipif(
    recon_ops.ops.missing is not None, reason=f"compiled library: {recon_ops.ops.missing}"
)


@needs_library
def test_all_sections_on_the_cpu(tmp_path):
    command = [sys.executable, "-m", "gpu_check", "--device", "cpu", "--out", str(tmp_path / "here.md")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / "here.json").read_text())
    assert list(content["sections"]) == list(gpu_check.SECTIONS)
    assert all(one["status"] == "ok" and one["error"] is None for one in content["sections"].values())
    results = {name: one["results"] for name, one in content["sections"].items()}
    assert results["build"]["backend"] == results["benchmark"]["backend"] == "cpp"
    assert results["operators"]["passed"] > 2 and results["golden"]["passed"] == 1
    assert {row["name"] for row in results["benchmark"]["rows"]} >= set(TRAINING_ROWS)
    for task in ("pretraining", "fine-tuning"):
        for precision in ("float32", "bfloat16"):
            found = results["steps"][task][precision]
            assert len(found["steps_ms"]) == 10 and found["samples_per_second"] > 0
            assert "matmul_tf32" in found["tf32"]
        firsts = [results["steps"][task][precision]["losses"][0] for precision in ("float32", "bfloat16")]
        assert firsts[0] != firsts[1], "both precisions computed in the same type"
    assert 1 <= results["demo"]["epochs_at_stop"] < results["demo"]["epochs"] == 4
    assert results["demo"]["loss_last_epoch"] < 0.9 * results["demo"]["loss_at_stop"]
    arms = {row["case"]: row["arms"] for row in results["step"]["rows"]}
    assert set(arms) == {"pretrain", "finetune-2k"}
    for row in arms.values():
        assert set(row) == {"baseline", "fp32", "bf16"} and row["fp32"]["loss"] != row["bf16"]["loss"]
        assert all(arm["clouds_per_second"] > 0 for arm in row.values())
    text = (tmp_path / "here.md").read_text()
    assert "| pretrain | 4 | 128 | 48 | baseline |" in text
    assert text == markdown(content) and "says nothing about a GPU" not in text and "nothing about a GPU" in text


@needs_library
def test_a_section_that_fails_leaves_the_others_alone(tmp_path, monkeypatch, capsys):
    """It is recorded with its error and log, and what comes after it still runs."""
    monkeypatch.setattr(gpu_check, "CPU_PATIENCE", 1)
    short = gpu_check.Section("golden", 1, gpu_check.check_golden)
    monkeypatch.setattr(gpu_check, "SECTIONS", {"golden": short, "build": gpu_check.SECTIONS["build"]})
    with pytest.raises(SystemExit) as stop:
        gpu_check.main(["--device", "cpu", "--out", str(tmp_path / "out")])
    assert stop.value.code == 1
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["sections"]["golden"]["error"] == "stopped after 1 seconds"
    assert content["sections"]["build"]["status"] == "ok"
    assert "1 of 2 sections failed" in capsys.readouterr().out
    assert "stopped after 1 seconds" in (tmp_path / "out.md").read_text()


def test_time_that_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_check, "SECTIONS", {"build": gpu_check.SECTIONS["build"]})
    with pytest.raises(SystemExit):
        gpu_check.main(["--device", "cpu", "--out", str(tmp_path / "out"), "--limit", "0.001"])
    assert json.loads((tmp_path / "out.json").read_text())["sections"]["build"]["error"] == "stopped after 0 seconds"


def test_what_is_built_for_a_gpu(tmp_path, monkeypatch):
    """The kernels of this card are demanded, an older library goes, and what then runs is asked in a new process."""
    old = tmp_path / "extensions" / "recon_ops" / "_C.old.so"
    state = tmp_path / "extensions" / "build" / "state"
    for file in (old, state):
        file.parent.mkdir(parents=True)
        file.touch()
    commands, backends = [], "cuda cpp"

    def call(command, env=None, **_):
        commands.append((command[1], env and env["RECON_OPS_CUDA"]))
        return subprocess.CompletedProcess(command, 0, stdout=backends)

    monkeypatch.setattr(sections, "ROOT", tmp_path)
    monkeypatch.setattr(sections, "call", call)
    monkeypatch.setattr(sections.sys, "executable", "true")
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "9.0")
    found = sections.check_build(Check("cuda", False, tmp_path))
    assert (found["architectures"], found["backend"]) == ("9.0", "cuda")
    assert commands == [("extensions/setup.py", "1"), ("-c", None)] and not old.exists() and not state.exists()
    backends = "torch cpp"
    with pytest.raises(CheckFailed, match="the operators run on torch and cpp"):
        sections.check_build(Check("cuda", False, tmp_path))
    backends = "cuda cpp"
    monkeypatch.setattr(sections.sys, "executable", "false")
    with pytest.raises(CheckFailed, match="baseline.cu"):
        sections.check_build(Check("cuda", False, tmp_path))


def test_a_gpu_is_described(tmp_path, monkeypatch):
    """Its architecture is what everything is compiled for; the results go where those of GPUs are."""
    card = {"name": "NVIDIA H100", "major": 9, "minor": 0, "total_memory": 2**36, "multi_processor_count": 132}
    monkeypatch.setattr(gpu_check.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu_check.torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(gpu_check.torch.cuda, "get_device_properties", lambda _: SimpleNamespace(**card))
    monkeypatch.setattr(gpu_check, "ROOT", tmp_path)
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "7.5")
    (tmp_path / "extensions" / "benchmarks").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nvidia-smi").write_text("#!/bin/sh\necho 580.159.04\n")
    (tmp_path / "bin" / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    seen = []

    def run_section(name, check, limit):
        seen.append((name, check.device, check.small, limit, os.environ["TORCH_CUDA_ARCH_LIST"]))
        return {"title": name, "status": "ok", "seconds": 1.0, "limit": 1, "error": None, "log": [], "results": {}}

    monkeypatch.setattr(gpu_check, "run_section", run_section)
    gpu_check.main([])
    assert seen == [(n, "cuda", False, s.limit, "9.0") for n, s in gpu_check.SECTIONS.items()]
    [file] = (tmp_path / "extensions" / "benchmarks").glob("gpu_*.json")
    machine = json.loads(file.read_text())["machine"]
    assert machine["gpu"] == "NVIDIA H100" and machine["capability"] == "9.0" and machine["driver"] == "580.159.04"
    assert file.with_suffix(".md").read_text().startswith("# GPU check: NVIDIA H100, 2")


def test_errors_of_a_section_are_its_answer(check, monkeypatch):
    def broken(check):
        raise ValueError("no such thing\nmore")

    def below(check):
        raise CheckFailed("too slow", rows=3)

    for function, error, results in ((broken, "ValueError: no such thing", {}), (below, "too slow", {"rows": 3})):
        monkeypatch.setitem(gpu_check.SECTIONS, "steps", gpu_check.Section("steps", 9, function))
        gpu_check.answer_section("steps", check)
        assert json.loads((check.scratch / "steps.json").read_text()) == {"error": error, "results": results}


def test_failed_tests_are_named(check, tmp_path):
    file = tmp_path / "test_some.py"
    file.write_text("def test_one(): pass\ndef test_two(): assert 1 == 2\n")
    with pytest.raises(CheckFailed, match="1 of 2 tests failed, such as test_two: assert 1 == 2") as failed:
        run_tests(check, str(file))
    assert failed.value.results["passed"] == 1
    with pytest.raises(CheckFailed, match="after 0 tests"):
        run_tests(check, str(file), "-k", "nothing")
    file.write_text("import pytest\ndef test_one(): pass\ndef test_two(): pytest.skip('no GPU')\n")
    assert run_tests(check, str(file))["skipped"] == 1
    with pytest.raises(CheckFailed, match="a test was skipped: test_two"):
        run_tests(Check("cuda", True, tmp_path), str(file))


@pytest.mark.parametrize(
    "classic, message",
    [(None, "the classic kernels did not run in fps-1024-64"), (4.0, "fps-1024-64 4.0 x"), (5.5, None)],
)
def test_the_classic_kernels_are_to_be_beaten(check, monkeypatch, classic, message):
    """Where they run, every row of training must be five times as fast."""
    times = {"recon_ops": 1.0} | ({"classic CUDA": classic} if classic else {})
    row = {"title": "", "best_peer": None, "ratio": None, "share_of_limit": 0.5, "limit": "flops"}
    rows = [{**row, "name": name, "milliseconds": times} for name in TRAINING_ROWS]
    content = {"backend": "cuda", "repeats": 2, "limits": {}, "rows": rows}
    monkeypatch.setattr(gpu_check.Check, "require_kernels", lambda self: None)
    monkeypatch.setattr("tools.benchmark.ops.run_ops", lambda *_: content)
    monkeypatch.setattr("tools.benchmark.ops.ops_table", lambda _: "")
    on_gpu = Check("cuda", False, check.scratch)
    if message is None:
        assert check_benchmark(on_gpu)["rows"][0]["classic_ratio"] == 5.5
        return
    with pytest.raises(CheckFailed, match=message) as failed:
        check_benchmark(on_gpu)
    assert len(failed.value.results["rows"]) == len(TRAINING_ROWS)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--device", "cpu"], "--device cpu needs --out FILE"),
        (["--device", "cpu", "--out", "no/such/folder/file"], "does not exist"),
        (["--device", "cpu", "--out", "file", "--limit", "0"], "--limit 0.0: must be above 0"),
        (["--only", "everything"], "invalid choice"),
        (["--section", "build"], "needs --scratch FOLDER"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        gpu_check.main(arguments)


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = ["bash", str(ROOT / "scripts" / "gpu_check.sh"), *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def test_script_tells_bad_arguments(tmp_path):
    assert script("--wheels").stderr.startswith("usage: bash scripts/gpu_check.sh")
    for arguments, environment, message in (
        (["--wheels", "no-such-folder"], {}, "error: --wheels no-such-folder: there is no such folder\n"),
        ([], {"PYTHON": "/no/python3"}, "error: PyTorch cannot be imported by /no/python3; PYTHON names another one\n"),
    ):
        done = script(*arguments, **environment)
        assert done.returncode == 2 and done.stderr == message
