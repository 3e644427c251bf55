"""The check of a GPU, tried on the CPU: its sections, its report, and what it says of failures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from extensions import recon_ops
from tools.gpu_check import __main__ as gpu_check
from tools.gpu_check.check import Check, CheckFailed
from tools.gpu_check.report import markdown
from tools.gpu_check.sections import TRAINING_ROWS, check_benchmark, run_tests
from utils.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def check(tmp_path) -> Check:
    return Check("cpu", True, tmp_path)


@pytest.mark.skipif(recon_ops.ops.missing is not None, reason=f"the compiled library: {recon_ops.ops.missing}")
def test_all_sections_on_the_cpu(tmp_path):
    command = [sys.executable, "-m", "tools.gpu_check", "--device", "cpu", "--out", str(tmp_path / "here.md")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / "here.json").read_text())
    sections = content["sections"]
    assert list(sections) == list(gpu_check.SECTIONS)
    assert all(one["status"] == "ok" and one["error"] is None for one in sections.values())
    results = {name: one["results"] for name, one in sections.items()}
    assert results["build"]["backend"] == results["benchmark"]["backend"] == "cpp"
    assert results["operators"]["passed"] > 2 and results["golden"]["passed"] == 2
    assert {row["name"] for row in results["benchmark"]["rows"]} >= set(TRAINING_ROWS)
    for task in ("pretraining", "fine-tuning"):
        for precision in ("float32", "bfloat16"):
            found = results["steps"][task][precision]
            assert len(found["steps_ms"]) == 10 and found["samples_per_second"] > 0
            assert "matmul_tf32" in found["tf32"]
        firsts = [results["steps"][task][precision]["losses"][0] for precision in ("float32", "bfloat16")]
        assert firsts[0] != firsts[1], "both precisions computed in the same type"
    assert results["demo"]["epochs_at_stop"] == 2 and results["demo"]["epochs"] == 4
    assert results["demo"]["loss_last_epoch"] < 0.9 * results["demo"]["loss_first_epoch"]
    text = (tmp_path / "here.md").read_text()
    assert text == markdown(content) and "says nothing about a GPU" not in text and "nothing about a GPU" in text


def test_a_section_that_fails_leaves_the_others_alone(tmp_path, monkeypatch, capsys):
    """It is recorded with its error and log, and what comes after it still runs."""
    real = gpu_check.run_section

    def run_section(name, check, limit):
        return real(name, Check("cuda" if name == "build" else "cpu", True, check.scratch), limit)

    monkeypatch.setattr(gpu_check, "run_section", run_section)
    monkeypatch.delenv("TORCH_CUDA_ARCH_LIST", raising=False)
    monkeypatch.setitem(gpu_check.SECTIONS, "golden", gpu_check.Section("stopped", 1, lambda check: {}))
    monkeypatch.setattr(gpu_check, "SECTIONS", {n: gpu_check.SECTIONS[n] for n in ("golden", "operators")})
    with pytest.raises(SystemExit) as stop:
        gpu_check.main(["--device", "cpu", "--out", str(tmp_path / "out")])
    assert stop.value.code == 1
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["sections"]["golden"]["error"] == "stopped after 1 seconds"
    assert content["sections"]["operators"]["status"] == "ok"
    assert "1 of 2 sections failed" in capsys.readouterr().out
    assert "stopped after 1 seconds" in (tmp_path / "out.md").read_text()


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
    monkeypatch.setattr("tools.benchmark.run_ops", lambda *_: content)
    monkeypatch.setattr("tools.benchmark.table", lambda _: "")
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
