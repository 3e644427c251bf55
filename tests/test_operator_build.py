"""Building the point operators: once, by one set-up at a time, with what the machine has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PYTHON = f"""#!/bin/sh
case "$*" in
    *importlib.metadata*) echo 3.11 2.15 ;;
    *purelib*) echo "$VIRTUAL_ENV" ;;
    *fcntl*) exec {sys.executable} "$@" ;;
    *build_ext*) echo "$RECON_OPS_CUDA" >>builds; sleep $PAUSE; touch extensions/recon_ops/_C.so ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout whose Python notes what it is to build, on a machine that has a GPU where NO_GPU is 0."""
    for folder in ("scripts", "bin", "extensions/recon_ops/csrc"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "env.sh", tmp_path / "scripts")
    for name in ("requirements.txt", "recon-requirements.txt", "extensions/setup.py"):
        (tmp_path / name).touch()
    for name, text in (("python", PYTHON), ("nvidia-smi", '#!/bin/sh\nexit "$NO_GPU"\n')):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def set_up(project: Path, **environment: str) -> subprocess.Popen:
    chosen = os.environ | {"VIRTUAL_ENV": str(project), "NO_GPU": "1", "RECON_OPS_CUDA": "", "PAUSE": "0"} | environment
    command = ["bash", "-euo", "pipefail", "-c", "source scripts/env.sh; echo ready >&9 && exit 1; echo ready"]
    return subprocess.Popen(command, cwd=project, env=chosen, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def builds(project: Path, **environment: str) -> list[str]:
    """What was built until a further set-up was through."""
    out, err = set_up(project, **environment).communicate(timeout=60)
    assert out == "ready\n", err
    return (project / "builds").read_text().split()


def test_set_ups_at_once_build_once(project):
    both = [set_up(project, PAUSE="0.5") for _ in range(2)]
    for one in both:
        assert one.communicate(timeout=60)[0] == "ready\n"
    assert builds(project) == ["0"]


def test_cuda_kernels_outlive_the_gpu(project):
    assert builds(project, NO_GPU="0") == ["auto"]
    assert builds(project) == ["auto"], "the library is fine, on the machine with the GPU too"
    (project / "extensions" / "setup.py").write_text("new")
    assert builds(project) == ["auto", "auto"], "what had CUDA kernels gets them again"
    assert builds(project, RECON_OPS_CUDA="0") == ["auto", "auto", "0"]
    assert builds(project) == ["auto", "auto", "0"]
    assert builds(project, NO_GPU="0") == ["auto", "auto", "0", "auto"]
    assert builds(project, RECON_OPS_CUDA="1", NO_GPU="0")[4:] == ["1"]
    assert builds(project)[4:] == builds(project, NO_GPU="0")[4:] == ["1"]


def setup_py(tmp_path: Path, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a copy of setup.py after some code."""
    ignored = shutil.ignore_patterns("build", "_C*", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "extensions", tmp_path / "extensions", ignore=ignored)
    file = str(tmp_path / "extensions" / "setup.py")
    code = f"import runpy, sys; sys.argv[0] = {file!r}; {code}; runpy.run_path({file!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ | environment, capture_output=True, text=True
    )


def test_isolated_builds_find_pytorch(tmp_path):
    """Where pip shows a build nothing but setuptools, the PyTorch to build against is that beside pip."""
    setuptools = pytest.importorskip("setuptools")
    site = Path(setuptools.__file__).parents[1]
    (tmp_path / "isolated").mkdir()
    for name in ("setuptools", "_distutils_hack"):
        (tmp_path / "isolated" / name).symlink_to(site / name)
    hide = f"sys.path = [{str(tmp_path / 'isolated')!r}] + [path for path in sys.path if 'site-packages' not in path]"
    shown = setup_py(tmp_path, f"{hide}; import importlib.util as u; print(u.find_spec('torch'))", "--name")
    assert shown.returncode == 0 and shown.stdout.split() == ["None", "recon-ops"], shown.stderr
    assert "recon_ops: installed without" not in shown.stderr


def test_without_a_compiler(tmp_path):
    pytest.importorskip("setuptools")
    missing = {"CXX": "no-such-compiler", "CC": "no-such-compiler", "RECON_OPS_CUDA": "0"}
    done = setup_py(tmp_path, "pass", "build_ext", "--inplace", **missing)
    said = [line for line in done.stderr.splitlines() if line.startswith("recon_ops: ")]
    assert done.returncode == 0 and len(said) == 1, done.stderr
    assert said[0].startswith("recon_ops: installed without the compiled library: ")
    assert not list((tmp_path / "extensions" / "recon_ops").glob("_C*"))
