"""Building the point operators: once, by one set-up at a time, with what the machine has; and what goes wrong."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent

PYTHON = f"""#!/bin/sh
case "$*" in
    *importlib.metadata*) echo 3.11 2.15 ;;
    *purelib*) echo "$VIRTUAL_ENV" ;;
    *fcntl*) exec {sys.executable} "$@" ;;
    *build_ext*)
        echo "$RECON_OPS_CUDA" >>builds
        sleep $PAUSE
        echo "recon_ops: $SAYS"
        if [ "$BUILDS" = 1 ]; then touch extensions/recon_ops/_C.so; fi
        exit "$STATUS" ;;
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
    chosen = {"VIRTUAL_ENV": str(project), "NO_GPU": "1", "RECON_OPS_CUDA": "", "RECON_REQUIRE_LIBRARY": ""}
    chosen |= {"PAUSE": "0", "SAYS": "fine", "BUILDS": "1", "STATUS": "0"} | environment
    command = [
        "bash",
        "-euo",
        "pipefail",
        "-c",
        "source scripts/env.sh; { echo >&9; } 2>/dev/null && exit 1; echo ready",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=project, env=os.environ | chosen, text=True, **pipes)


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


def test_a_failed_build_ends_the_set_up(project):
    broken = {"SAYS": "error: broken", "BUILDS": "0", "STATUS": "1"}
    for _ in range(2):
        failed = set_up(project, **broken)
        out, err = failed.communicate(timeout=60)
        assert failed.returncode == 2 and not out, err
        assert "recon_ops: error: broken\nerror: the point operators were not built" in err
    assert builds(project) == ["0", "0", "0"], "what failed is tried anew"


def test_a_set_up_without_a_compiler_goes_on_unless_the_library_is_demanded(project):
    alone = {"SAYS": "no compiler", "BUILDS": "0"}
    out, err = set_up(project, **alone).communicate(timeout=60)
    assert out == "ready\n" and err.splitlines()[1:] == ["recon_ops: no compiler"]
    assert builds(project, **alone) == ["0"]
    demanded = set_up(project, RECON_REQUIRE_LIBRARY="1", **alone)
    out, err = demanded.communicate(timeout=60)
    assert demanded.returncode == 2 and not out and "RECON_REQUIRE_LIBRARY=1, but" in err


def test_a_set_up_may_forgo_the_library(project):
    out, err = set_up(project, RECON_REQUIRE_LIBRARY="0").communicate(timeout=60)
    assert out == "ready\n" and not err and not (project / "builds").exists()


def setup_py(tmp_path: Path, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a copy of setup.py after some code."""
    ignored = shutil.ignore_patterns("build", "_C*", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "extensions", tmp_path / "extensions", ignore=ignored)
    file = str(tmp_path / "extensions" / "setup.py")
    code = f"import runpy, sys; sys.argv[0] = {file!r}; {code}; runpy.run_path({file!r}, run_name='__main__')"
    chosen = {name: value for name, value in os.environ.items() if name not in ("CXX", "CC", "CUDA_HOME", "CUDA_PATH")}
    chosen |= {"RECON_OPS_CUDA": "0", "RECON_REQUIRE_LIBRARY": ""} | environment
    return subprocess.run([sys.executable, "-c", code, *arguments], env=chosen, capture_output=True, text=True)


def said(done: subprocess.CompletedProcess) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("recon_ops: ")]


def program(file: Path, text: str) -> str:
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
    return str(file)


def test_isolated_builds_find_pytorch(tmp_path):
    """Where pip shows a build nothing but setuptools, the PyTorch to build against is that beside pip."""
    setuptools = pytest.importorskip("setuptools")
    site = Path(setuptools.__file__).parents[1]
    (tmp_path / "isolated").mkdir()
    for name in ("setuptools", "_distutils_hack", "pkg_resources"):
        if (site / name).exists():
            (tmp_path / "isolated" / name).symlink_to(site / name)
    hide = f"sys.path = [{str(tmp_path / 'isolated')!r}] + [path for path in sys.path if 'site-packages' not in path]"
    code = f"{hide}; import importlib.util as u; print(u.find_spec('torch'))"
    shown = setup_py(tmp_path, code, "build_ext", "--help", CXX="c++")
    assert shown.returncode == 0 and shown.stdout.startswith("None\n"), shown.stderr
    assert not said(shown)


def test_without_pytorch(tmp_path):
    pytest.importorskip("setuptools")
    code = "import subprocess as s; s.run = lambda *_, **__: s.CompletedProcess('', 0, ''); sys.modules['torch'] = None"
    done = setup_py(tmp_path, code, "build_ext", CXX="c++")
    assert done.returncode == 1 and "PyTorch, which the library is built for, cannot be imported" in said(done)[0]


@pytest.mark.parametrize("demand, status", [("", 0), ("1", 1)])
def test_without_a_compiler(tmp_path, demand, status):
    pytest.importorskip("setuptools")
    (tmp_path / "bin").mkdir()
    done = setup_py(
        tmp_path, "pass", "build_ext", "--inplace", PATH=str(tmp_path / "bin"), RECON_REQUIRE_LIBRARY=demand
    )
    assert done.returncode == status and len(said(done)) == 1, done.stderr
    assert said(done)[0].endswith("no C++ compiler was found (CXX names one)")
    assert not list((tmp_path / "extensions" / "recon_ops").glob("_C*"))


def test_the_library_can_be_forgone(tmp_path):
    pytest.importorskip("setuptools")
    done = setup_py(tmp_path, "pass", "build_ext", "--inplace", RECON_REQUIRE_LIBRARY="0", CXX="/no/compiler")
    assert done.returncode == 0 and len(said(done)) == 1, done.stderr


@pytest.mark.parametrize("compiler", ["broken", "missing"])
def test_a_compiler_that_fails_is_an_error(tmp_path, compiler):
    pytest.importorskip("setuptools")
    file = tmp_path / "c++"
    if compiler == "broken":
        program(file, "echo first; echo 'a.cpp:1:1: error: it is broken'; echo 'a.cpp:2:1: error: second'; exit 1\n")
    done = setup_py(tmp_path, "pass", "build_ext", "--inplace", CXX=str(file), CC=str(file))
    assert done.returncode == 1, done.stderr
    if compiler == "missing":
        assert said(done)[0] == f"recon_ops: error: CXX names {file}, which is not there"
    else:
        assert said(done)[0].startswith(f"recon_ops: error: the operators cannot be compiled with {file}: ")
        assert "it is broken" in said(done)[0]
    assert "CXX=" in said(done)[1] and "RECON_REQUIRE_LIBRARY=0" in said(done)[2]
    assert not list((tmp_path / "extensions" / "recon_ops").glob("_C*"))


@pytest.mark.parametrize(
    "compile_, found",
    [
        ("exec c++ -x c++ -c /dev/null -o probe.o", "cannot find -lcudart"),
        ("echo 'host_config.h(99): error: unsupported GNU version'; exit 1", "unsupported GNU version"),
    ],
)
def test_an_incomplete_cuda_toolkit_is_found_before_compiling(tmp_path, compile_, found):
    pytest.importorskip("setuptools")
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler to link with")
    if torch.version.cuda is None:
        pytest.skip("PyTorch's build helper was built without CUDA")
    (tmp_path / "cuda" / "bin").mkdir(parents=True)
    output = 'while [ "$1" != -o ]; do shift; done; '
    compile_ = compile_.replace("probe.o", '"$2"')
    program(tmp_path / "cuda/bin/nvcc", f'case "$1" in --version) echo release 13.0;; *) {output}{compile_};; esac\n')
    code = "import torch; torch.version.cuda = '13.1'"
    demanded = {"CUDA_HOME": str(tmp_path / "cuda"), "RECON_OPS_CUDA": "1", "LIBRARY_PATH": ""}
    done = setup_py(tmp_path, code, "build_ext", "--inplace", **demanded)
    assert done.returncode == 1 and "compiled" not in done.stdout, done.stderr
    assert "cannot build a tiny program" in said(done)[0] and found in said(done)[0]
    assert "CUDA_HOME=" in said(done)[1] and "RECON_OPS_CUDA=0" in said(done)[2]


def test_what_is_installed_needs_the_pytorch_it_was_built_for(tmp_path):
    pytest.importorskip("setuptools")
    done = setup_py(tmp_path, "pass", "egg_info", CXX="c++")
    version = metadata.version("torch").split("+")[0].split(".")[:2]
    needs = "torch>=2.10" if tuple(map(int, version)) >= (2, 10) else f"torch=={'.'.join(version)}.*"
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "extensions" / "recon_ops.egg-info" / "requires.txt").read_text().strip() == needs


def test_one_copy_under_every_name():
    """Importing it a second time would register the operators with PyTorch again, which ends the process."""
    code = "import extensions.recon_ops as longer; from extensions.recon_ops import backend; import recon_ops; "
    code += "from extensions import recon_ops as short; assert longer is short is recon_ops; print(backend('cpu'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "cpp"), done.stderr
