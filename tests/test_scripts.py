"""The bash scripts: syntax, usage errors, what they launch, and the set-up that is done only once."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("*.sh"))
TASKS = {
    "pretrain.sh": ["exp"],
    "cls.sh": ["exp", "some.pth"],
    "fewshot.sh": ["exp", "some.pth", "5", "10", "0"],
    "zeroshot.sh": ["exp", "some.pth"],
    "svm.sh": ["exp", "some.pth"],
    "seg.sh": ["exp", "some.pth"],
    "test.sh": ["exp", "some.pth"],
}


def run(script: str, *arguments: str, cwd=ROOT, **environment: str) -> subprocess.CompletedProcess:
    chosen = ("VIRTUAL_ENV", "CONDA_PREFIX", "VENV", "PYTHON", "CONFIG")
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    command = ["bash", str(ROOT / script), *arguments]
    return subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def fake_python(tmp_path: Path) -> str:
    """An interpreter that prints the GPUs it sees and its arguments."""
    path = tmp_path / "python"
    path.write_text('#!/bin/sh\necho "[$CUDA_VISIBLE_DEVICES] $*"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("script", [*(f"scripts/{name}" for name in SCRIPTS), ".ci/run"])
def test_syntax(script):
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("arguments", [[], ["0"], ["no-gpu", "exp", "some.pth", "5", "10", "0"]])
def test_usage(name, arguments):
    done = run(f"scripts/{name}", *arguments)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"usage: bash scripts/{name} <GPU> <exp>") and done.stderr.count("\n") == 1


def test_demo_usage():
    for arguments in (["--fast"], ["--out"]):
        done = run("scripts/demo.sh", *arguments)
        assert done.returncode == 2 and done.stderr.startswith("usage: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", TASKS)
def test_launch(name, fake_python, tmp_path):
    done = run(f"scripts/{name}", "0", *TASKS[name], "--seed", "3", cwd=tmp_path, PYTHON=fake_python)
    assert done.returncode == 0, done.stderr
    gpus, main, *arguments = done.stdout.split()
    assert (gpus, main) == ("[0]", "main.py")
    assert arguments[:2] == ["--exp_name", "exp"] and arguments[-2:] == ["--seed", "3"]
    assert (ROOT / arguments[arguments.index("--config") + 1]).is_file()
    if name != "pretrain.sh":
        assert arguments[arguments.index("--ckpts") + 1] == "some.pth"


def test_launch_variants(fake_python, tmp_path):
    (tmp_path / "some.pth").touch()
    cls = run("scripts/cls.sh", "cpu", "exp", "some.pth", cwd=tmp_path, PYTHON=fake_python, CONFIG="my.yaml").stdout
    assert cls.startswith("[] main.py ") and "--config my.yaml" in cls and f"--ckpts {tmp_path}/some.pth" in cls
    several = run("scripts/pretrain.sh", "0,2", "exp", PYTHON=fake_python).stdout
    assert several.startswith("[0,2] -m torch.distributed.run ")
    assert "--nproc_per_node=2 main.py --launcher pytorch --exp_name exp" in several
    fewshot = run("scripts/fewshot.sh", "0", *TASKS["fewshot.sh"], PYTHON=fake_python).stdout
    assert "--way 5 --shot 10 --fold 0" in fewshot
    every = run("scripts/fewshot.sh", "0,1", "exp", "some.pth", "--folds", "3", PYTHON=fake_python).stdout
    assert every.split()[1:] == "-m tools.fewshot --gpus 0,1 --exp_name exp --ckpts some.pth --folds 3".split()
    assert run("scripts/fewshot.sh", "0", "exp", "some.pth", "5", "10", PYTHON=fake_python).returncode == 2


@pytest.fixture
def fake_environment(tmp_path: Path) -> Path:
    """An active environment whose interpreter is as old, and whose pip as broken, as the test says."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(
        """#!/bin/sh
case "$*" in
    --version) echo "Python 3.8.1" ;;
    *version_info*) exit "${TOO_OLD:-0}" ;;
    *purelib*) echo "$VIRTUAL_ENV" ;;
    "-m pip install "*) echo "$*" >> "$VIRTUAL_ENV/pip.log"; exit "${PIP_EXIT:-0}" ;;
esac
"""
    )
    python.chmod(0o755)
    return tmp_path


def test_environment_is_set_up_once(fake_environment):
    log = fake_environment / "pip.log"
    failed = run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment), PIP_EXIT="1")
    assert failed.returncode == 2 and failed.stderr.splitlines()[-1].startswith("error: pip could not install")
    for _ in range(2):
        assert run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment)).returncode == 0
        assert len(log.read_text().splitlines()) == 2, "a failed installation is tried again, a good one is not"
    (fake_environment / "recon-requirements.txt").write_text("torch\n")
    assert run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment)).returncode == 0
    assert len(log.read_text().splitlines()) == 3, "changed requirements are installed"


def test_old_python_is_refused(fake_environment):
    active = run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment), TOO_OLD="1")
    chosen = run(
        "scripts/env.sh",
        PYTHON=str(fake_environment / "bin" / "python"),
        VENV=str(fake_environment / "new"),
        TOO_OLD="1",
    )
    missing = run("scripts/env.sh", PYTHON="/no/python3", VENV=str(fake_environment / "new"))
    for done, found in ((active, "Python 3.8.1"), (chosen, "Python 3.8.1"), (missing, "/no/python3 is missing")):
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert done.stderr.startswith("error: Python 3.10 or newer is needed") and found in done.stderr
    assert not (fake_environment / "new").exists()
