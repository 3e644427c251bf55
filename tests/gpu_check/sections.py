"""The sections of the check: the build, the tests, the operator benchmark and the demo."""

import json
import math
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from typing import Any

import torch

from extensions import recon_ops
from gpu_check.check import ROOT, Check, CheckFailed, call
from tools.benchmark import ops
from utils.errors import REQUEUE

# What ReCon calls in training; there the classic kernels are to be beaten by this factor.
TRAINING_ROWS = ("fps-1024-64", "fps-2048-128", "fps-8192-1200", "knn-1024", "knn-2048", "chamfer-32")
TRAINING_ROWS += ("group-1024", "group-2048")
TARGET = 5.0


def check_build(check: Check) -> dict[str, Any]:
    """Compile the extensions for this card and, meanwhile, the classic kernels; on the CPU see that they are built."""
    if check.device == "cpu":
        if recon_ops.backend("cpu") != "cpp":
            raise CheckFailed(f"the compiled library is missing ({recon_ops.ops.missing}): source scripts/env.sh")
        return {"backend": "cpp", "note": "not compiled anew: the library of this folder is used as it is"}
    began = time.perf_counter()
    # With the compiler's whole message in the log if it fails.
    code = "from tools.benchmark import peers; peers.error_line = str; assert peers.compiled_baseline()"
    classic = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    for old in (ROOT / "extensions" / "recon_ops").glob("_C*.so"):
        old.unlink()
    # What scripts/env.sh knows of an earlier library is true no longer.
    (ROOT / "extensions" / "build" / "state").unlink(missing_ok=True)
    results: dict[str, Any] = {"architectures": os.environ["TORCH_CUDA_ARCH_LIST"]}
    try:
        call(
            [sys.executable, "extensions/setup.py", "build_ext", "--inplace"],
            env={**os.environ, "RECON_OPS_CUDA": "1"},
        )
    finally:
        results["seconds_operators"] = round(time.perf_counter() - began, 1)
        classic_failed = classic.wait()
        results["seconds_with_classic_kernels"] = round(time.perf_counter() - began, 1)
    code = "from extensions import recon_ops; print(recon_ops.backend('cuda'), recon_ops.backend('cpu'))"
    backends = call([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True).stdout.split()
    results["backend"], results["backend_cpu"] = backends
    if backends != ["cuda", "cpp"]:
        raise CheckFailed(f"the library was built, but the operators run on {' and '.join(backends)}", **results)
    if classic_failed:
        raise CheckFailed("the classic kernels (extensions/benchmarks/baseline.cu) do not compile", **results)
    return results


def run_tests(check: Check, *arguments: str) -> dict[str, Any]:
    """Run pytest and count.

    Raises:
        CheckFailed: if a test fails, none runs or, on a GPU, one is skipped.
    """
    report = check.scratch / "tests.xml"
    options = ["-q", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "RECON_REQUIRE_LIBRARY": "1"}
    code = subprocess.run([sys.executable, "-m", "pytest", *options, *arguments], cwd=ROOT, env=environment).returncode
    cases = list(ElementTree.parse(report).iter("testcase")) if report.is_file() else []
    found: dict[str, list[str]] = {kind: [] for kind in ("failure", "error", "skipped")}
    for case in cases:
        for kind, names in found.items():
            if (node := case.find(kind)) is not None:
                names.append(f"{case.get('name')}: {(node.get('message') or 'no message').splitlines()[0]}")
    failed = found["failure"] + found["error"]
    counts = {"passed": len(cases) - len(failed) - len(found["skipped"]), "failed": len(failed)}
    results = {**counts, "skipped": len(found["skipped"]), "names_failed": failed[:20]}
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(cases)} tests failed, such as {failed[0]}", **results)
    if code or not counts["passed"]:
        raise CheckFailed(f"pytest ended with {code} after {counts['passed']} tests", **results)
    if found["skipped"] and check.device == "cuda":
        raise CheckFailed(f"a test was skipped: {found['skipped'][0]}", **results)
    return results


def check_operators(check: Check) -> dict[str, Any]:
    """Forward and backward of every operator against plain PyTorch on the CPU."""
    if check.device == "cuda":
        return run_tests(check, "tests/test_recon_ops_cuda.py", "tests/test_recon_ops.py::test_cuda_equals_cpu[cpp]")
    few = ["-k", "three_nn or kernels or every_operator"] if check.small else []
    return run_tests(check, "tests/test_recon_ops_cuda.py", *few)


def check_golden(check: Check) -> dict[str, Any]:
    """The golden vectors of the released model."""
    few = " and svm" if check.small else ""
    return run_tests(check, "tests/test_golden.py", "-k", check.device + few)


def check_benchmark(check: Check) -> dict[str, Any]:
    """The operators beside the classic kernels and the peers."""
    check.require_kernels()
    content = ops.run_ops(torch.device(check.device), 2 if check.small else 15, None, check.small)
    print(ops.ops_table(content))
    rows, below, missing = content["rows"], [], []
    for row in rows:
        times = row["milliseconds"]
        row["classic_ratio"] = times["classic CUDA"] / times["recon_ops"] if "classic CUDA" in times else None
        if row["name"] not in TRAINING_ROWS:
            continue
        if row["classic_ratio"] is None:
            missing.append(row["name"])
        elif row["classic_ratio"] < TARGET:
            below.append(f"{row['name']} {row['classic_ratio']:.1f} x")
    results = {key: content[key] for key in ("backend", "repeats", "limits", "rows")}
    results["peers"] = sorted({name.split(":")[0] for row in rows for name in row["milliseconds"]} - {"recon_ops"})
    if absent := set(TRAINING_ROWS) - {row["name"] for row in rows}:
        raise CheckFailed(f"the operator benchmark has no row {', '.join(sorted(absent))}", **results)
    if check.device == "cpu":
        return results | {"note": "without the classic kernels, which are CUDA's"}
    if missing:
        raise CheckFailed(f"the classic kernels did not run in {', '.join(missing)}", **results)
    if below:
        raise CheckFailed(f"less than {TARGET:g} x the classic kernels: {', '.join(below)}", **results)
    return results


def check_step(check: Check) -> dict[str, Any]:
    """The step benchmark: pretraining with teachers of random weights and fine-tuning, in all precisions.

    Raises:
        CheckFailed: if it fails, as it does where the plain formulation has another loss, or a loss is not finite.
    """
    check.require_kernels()
    file = check.scratch / "step_benchmark.json"
    command = [sys.executable, "-m", "tools.benchmark", "step", "--device", check.device, "--json", file]
    sizes = ["--only", "pretrain", "finetune-2k", "--rounds", "5", "--teachers"]
    if check.small:  # without waiting for the compiler
        sizes = ["--quick", "--only", "pretrain", "finetune-2k", "--rounds", "2", "--arms", "baseline", "fp32", "bf16"]
    call([*command, *sizes])
    results = json.loads(file.read_text(encoding="utf-8"))
    for row in results["rows"]:
        wrong = {name: arm["loss"] for name, arm in row["arms"].items() if not math.isfinite(arm["loss"])}
        if wrong:
            raise CheckFailed(f"{row['case']}: losses {wrong}", **results)
    return {"rows": results["rows"]}


def check_demo(check: Check) -> dict[str, Any]:
    """Pretrain on the demo's data by the command line, stop it after its first epoch, and resume it to the end."""
    check.require_kernels()
    workers, last = min(8, os.cpu_count() or 1), 3 if check.small else 9
    scale, world = "smoke" if check.small else "full", check.scratch / "world"
    began = time.perf_counter()
    call([sys.executable, "-m", "datasets.demo", "--out", world, "--scale", scale, "--workers", str(workers)])
    results: dict[str, Any] = {"config": "cfgs/demo/pretrain_short.yaml", "world": scale, "epochs": last + 1}
    results["seconds_world"] = round(time.perf_counter() - began, 1)

    # Runs are written below the working directory, and configs name files below it.
    for name in ("cfgs", "datasets"):
        (check.scratch / name).symlink_to(ROOT / name)
    folder = check.scratch / "experiments" / "pretrain_short" / "demo" / "gpu_check"
    command = [sys.executable, ROOT / "main.py", "--config", results["config"], "--exp_name", folder.name]
    command += ["--num_workers", min(workers, 2) if check.small else workers]
    settings = ["--opts", f"data_root={world}", f"max_epoch={last}", *["total_bs=16"] * check.small]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""} if check.device == "cpu" else dict(os.environ)

    def start(*arguments: str) -> subprocess.Popen:
        words = [str(part) for part in (*command, *arguments, *settings)]
        return subprocess.Popen(words, cwd=check.scratch, env=environment)

    def metrics() -> dict[str, Any]:
        try:
            return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"epochs": 0}

    began = time.perf_counter()
    run = start()
    while run.poll() is None and not metrics()["epochs"]:
        time.sleep(0.1)
    results["seconds_to_first_epoch"] = round(time.perf_counter() - began, 1)
    run.send_signal(signal.SIGTERM)
    code, found = run.wait(), metrics()
    if code != REQUEUE:
        raise CheckFailed(
            f"main.py ended with {code} when it was stopped after its first epoch, not with {REQUEUE}", **results
        )
    results |= {"device": found["device"], "epochs_at_stop": found["epochs"], "loss_at_stop": found["last"]["loss"]}

    began = time.perf_counter()
    if code := start("--resume").wait():
        raise CheckFailed(f"main.py --resume ended with {code}", **results)
    results["seconds_resumed"], found = round(time.perf_counter() - began, 1), metrics()
    results["loss_last_epoch"] = found["last"]["loss"]
    if not found["finished"] or found["epochs"] != last + 1:
        raise CheckFailed(f"metrics.json tells of {found['epochs']} epochs after the resumed run", **results)
    if not results["loss_last_epoch"] < 0.9 * results["loss_at_stop"]:
        raise CheckFailed(f"the loss does not fall: {results['loss_at_stop']}, {results['loss_last_epoch']}", **results)
    return results
