"""Command line of the check; `bash scripts/gpu_check.sh` sets it up on a machine without a network.

Each section runs in a process of its own with a time limit, so that one that fails or hangs leaves the others alone.
Results are written after every section, as JSON and as Markdown.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from gpu_check.check import ROOT, Check, CheckFailed
from gpu_check.report import markdown
from gpu_check.sections import check_benchmark, check_build, check_demo, check_golden, check_operators, check_step
from gpu_check.steps import check_steps
from utils.errors import Parser, UserError, run_command
from utils.files import atomic_write
from utils.logging import git_revision, machine_info, progress, versions, write_json

PACKAGES = ("torch", "torchvision", "timm", "open_clip_torch", "numpy", "scipy", "scikit-learn", "triton", "torch-fps")
LOG_LINES = 60  # of a failed section, in the results
CPU_PATIENCE = 10  # times the limits that are meant for a GPU


@dataclass
class Section:
    """A part of the check: its title, its time limit in seconds, and what it does."""

    title: str
    limit: int
    function: Callable[[Check], dict[str, Any]]


SECTIONS = {
    "build": Section("compiling the operators for this card", 240, check_build),
    "operators": Section("operators against plain PyTorch on the CPU", 120, check_operators),
    "golden": Section("golden vectors of the released model", 90, check_golden),
    "benchmark": Section("operators beside the classic kernels and the peers", 150, check_benchmark),
    "steps": Section("steps of pretraining and fine-tuning", 120, check_steps),
    "demo": Section("a short pretraining on the demo's data", 150, check_demo),
    "step": Section("the step benchmark, beside a plain formulation", 150, check_step),
}


def output_line(command: list[str], starting: str = "") -> str | None:
    """First line of a command's output, of those that hold `starting`; None where there is no such command."""
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return next((line.strip() for line in text.splitlines() if starting in line), None)


def describe_machine(device: str) -> dict[str, Any]:
    """What the check runs on."""
    machine: dict[str, Any] = {**machine_info()}
    machine["compiler"] = output_line([os.environ.get("CXX", "c++"), "--version"])
    if device == "cuda":
        from torch.utils.cpp_extension import CUDA_HOME

        card = torch.cuda.get_device_properties(0)
        machine |= {"gpu": card.name, "capability": f"{card.major}.{card.minor}", "gpus": torch.cuda.device_count()}
        machine |= {"gpu_memory_mib": card.total_memory // 2**20, "multiprocessors": card.multi_processor_count}
        machine |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        machine["driver"] = output_line(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"])
        machine["nvcc"] = output_line([str(Path(CUDA_HOME or "", "bin", "nvcc")), "--version"], "release")
    return machine


def run_section(name: str, check: Check, limit: float) -> dict[str, Any]:
    """Run a section in a process of its own, which is ended with all that it started when its time is over."""
    answer, log = check.scratch / f"{name}.json", check.scratch / f"{name}.log"
    command = [sys.executable, "-m", "gpu_check", "--device", check.device, "--section", name]
    command += ["--small"] * check.small + ["--scratch", str(check.scratch)]
    paths = [str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    began, error = time.perf_counter(), None
    with open(log, "wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            error = f"stopped after {limit:.0f} seconds"
        finally:
            # Whatever it has left behind belongs to its group; a section that ended well leaves nothing.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    answered = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {"error": None, "results": {}}
    error = error or answered["error"]
    if not error and not answer.is_file():
        error = f"ended with {process.returncode} and without a result"
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:] if error else []
    return {
        "title": SECTIONS[name].title,
        "status": "failed" if error else "ok",
        "seconds": round(time.perf_counter() - began, 1),
        "limit": round(limit),
        "error": error,
        "log": tail,
        "results": answered["results"],
    }


def answer_section(name: str, check: Check) -> None:
    """Do the work of a section in this process and leave the answer in the scratch folder."""
    error, results = None, {}
    try:
        results = SECTIONS[name].function(check)
    except CheckFailed as failed:
        error, results = str(failed), failed.results
    except Exception as failed:  # a section may find anything wrong, and all of it is a result
        traceback.print_exc()
        error = f"{type(failed).__name__}: {(str(failed).splitlines() or [''])[0]}"
    write_json({"error": error, "results": results}, check.scratch / f"{name}.json")


def run_check(check: Check, names: list[str], limit: float, out: Path) -> dict[str, Any]:
    """Run the sections one after another and write what they found to `out`.json and `out`.md."""
    began = time.perf_counter()
    content: dict[str, Any] = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "git": git_revision(ROOT) or os.environ.get("GIT_REVISION"),  # a copy without .git may be told
        "device": check.device,
        "small": check.small,
        "machine": describe_machine(check.device),
        "versions": versions(PACKAGES),
        "seconds": 0.0,
        "sections": {},
    }
    if check.device == "cuda":
        # Of this card alone, and the same for all sections: other flags would compile the classic kernels again.
        os.environ["TORCH_CUDA_ARCH_LIST"] = content["machine"]["capability"]
    with progress(total=len(names), desc="GPU check", unit="section") as bar:
        for name in names:
            bar.set_postfix_str(name, refresh=sys.stderr.isatty())
            left = limit - (time.perf_counter() - began)
            own = SECTIONS[name].limit * (CPU_PATIENCE if check.device == "cpu" else 1)
            found = run_section(name, check, max(0.0, min(own, left)))
            content["sections"][name] = found
            content["seconds"] = round(time.perf_counter() - began, 1)
            write_json(content, out.with_name(f"{out.name}.json"))
            with atomic_write(out.with_name(f"{out.name}.md")) as temporary:
                temporary.write_text(markdown(content), encoding="utf-8")
            bar.update()
            say = bar.write if sys.stderr.isatty() else print
            say(
                f"{name}: {found['status']}, {found['seconds']:.0f} s"
                + (f": {found['error']}" if found["error"] else "")
            )
    return content


def stem_of(out: Path | None, device: str) -> Path:
    """Where the results go, without the ending.

    Raises:
        UserError: if nothing can be written there, or the CPU's would go where those of GPUs are.
    """
    if out is None:
        if device == "cpu":
            raise UserError("--device cpu needs --out FILE: extensions/benchmarks/ is for what GPUs gave")
        out = ROOT / "extensions" / "benchmarks" / f"gpu_{datetime.now(timezone.utc):%Y-%m-%d}"
    stem = out.with_suffix("") if out.suffix in (".json", ".md") else out
    if not stem.parent.is_dir() or not os.access(stem.parent, os.W_OK):
        raise UserError(f"--out {out}: the folder {stem.parent} does not exist or cannot be written to")
    return stem.resolve()


def main(arguments: list[str] | None = None) -> None:
    """Command line: see `bash scripts/gpu_check.sh --help`."""
    parser = Parser(
        prog="gpu_check.sh",
        description="Check everything that needs a GPU. Exit code 1 says that a section failed.",
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu tries the check itself")
    parser.add_argument("--small", action="store_true", help="sizes that show that it runs (always on the CPU)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="(extensions/benchmarks/gpu_<date>.{json,md})")
    parser.add_argument("--limit", type=float, metavar="S", help="seconds altogether (480 on a GPU)")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--section", choices=SECTIONS, metavar="SECTION", help="(what the check calls itself with)")
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help="(likewise)")
    args = parser.parse_args(arguments)
    small = args.small or args.device == "cpu"
    if args.section:
        if not args.scratch or not args.scratch.is_dir():
            raise UserError(f"--section {args.section} needs --scratch FOLDER; --only {args.section} is for people")
        return answer_section(args.section, Check(args.device, small, args.scratch))
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UserError("PyTorch finds no CUDA device here; --device cpu --out FILE tries the check itself")
    args.limit = args.limit if args.limit is not None else 480 * (CPU_PATIENCE if args.device == "cpu" else 1)
    if not args.limit > 0:
        raise UserError(f"--limit {args.limit}: must be above 0")
    stem = stem_of(args.out, args.device)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no section is left behind
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as scratch:
        names = [name for name in SECTIONS if not args.only or name in args.only]
        content = run_check(Check(args.device, small, Path(scratch)), names, args.limit, stem)
    failed = [name for name, found in content["sections"].items() if found["status"] != "ok"]
    print(f"{len(failed)} of {len(names)} sections failed, {content['seconds']:.0f} s: {stem}.json, {stem}.md")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    run_command(main)
