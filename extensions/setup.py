"""Builds recon_ops: its library for the CPU and, where nvcc is at hand, the one with the CUDA kernels.

    pip install ./extensions
    python setup.py build_ext --inplace

A compiler that is there and fails is an error. Only where there is none, the Python package is built alone, which runs
in plain PyTorch. RECON_REQUIRE_LIBRARY=1 makes that an error too, 0 forgoes the library. RECON_OPS_CUDA=0 leaves the
CUDA kernels out, RECON_OPS_CUDA=1 demands them.
"""

import contextlib
import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
CUDA_WISH = os.environ.get("RECON_OPS_CUDA", "")
LIBRARY_WISH = os.environ.get("RECON_REQUIRE_LIBRARY", "")
BUILDS = {"build", "build_ext", "bdist_wheel", "develop", "dist_info", "editable_wheel", "egg_info", "install"}
# The first PyTorch whose stable ABI has all that the operators need, as a version and as the headers want it told.
STABLE_FROM, STABLE_TARGET = (2, 10), "0x020a000000000000"
WITHOUT = "RECON_REQUIRE_LIBRARY=0 goes without the compiled library: slow, in plain PyTorch"
WITHOUT_CUDA = "RECON_OPS_CUDA=0 goes without the CUDA kernels: slow on a GPU"

PROBE = """#include <cuda_runtime.h>
__global__ void nothing() {}
void run() { nothing<<<1, 1>>>(), cudaDeviceSynchronize(); }
"""


def say(message: str) -> None:
    print(f"recon_ops: {message}", file=sys.stderr)


def fail(problem: str, *advice: str) -> None:
    raise SystemExit("\n".join(f"recon_ops: {line}" for line in (f"error: {problem}", *advice)))


def first_error(lines: Iterable[str], otherwise: str) -> str:
    """What a compiler or linker found wrong first."""
    told = (line for line in lines if re.search(r"\berror\b ?:|\berror --|cannot find -l|undefined reference", line))
    return next(told, otherwise).strip()


@contextlib.contextmanager
def recorded(lines: list[str]) -> Iterator[None]:
    """Add to `lines` what this process and those it starts print, which is shown all the same."""
    sys.stdout.flush()
    shown, errors = os.dup(1), os.dup(2)
    reader, writer = os.pipe()

    def copy() -> None:
        with os.fdopen(reader, encoding="utf-8", errors="replace") as printed:
            for line in printed:
                lines.append(line)
                os.write(shown, line.encode())

    thread = threading.Thread(target=copy)
    thread.start()
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(shown, 1)
        os.dup2(errors, 2)
        thread.join()
        os.close(shown)
        os.close(errors)


def find_compiler() -> str | None:
    """The C++ compiler that PyTorch's build helper is going to call, None where there is none."""
    if sys.platform == "win32":
        return "cl"  # setuptools looks it up, and says so if there is none
    # One that was asked for by name counts as there: that it cannot be started should not go unnoticed.
    return os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++")), None)


def toolkit_problem(nvcc: Path, compiler: str, library: Extension) -> str | None:
    """What keeps a tiny CUDA program from being compiled and linked as the kernels will be, if anything."""
    host = ["-ccbin", os.environ["CC"]] if os.environ.get("CC") else []
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder, "probe.cu"), Path(folder, "probe.o")
        source.write_text(PROBE)
        needs = [f"-L{path}" for path in library.library_dirs] + [f"-l{name}" for name in library.libraries]
        for command in (
            [nvcc, *host, "-Xcompiler", "-fPIC", "-c", source, "-o", compiled],
            [*compiler.split(), "-shared", compiled, *needs, "-o", Path(folder, "probe.so")],
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True)
            except OSError as error:
                return f"{command[0]}: {error.strerror}"
            if done.returncode:
                output = done.stderr + done.stdout
                return first_error(output.splitlines(), output or f"{command[0]} failed")
    return None


def cuda_is_usable(torch, cuda_home: str, compiler: str, library: Extension) -> bool:
    """Whether the CUDA kernels can be built for this PyTorch; says why not, and fails where they would be missed."""
    nvcc, missed = Path(cuda_home, "bin", "nvcc"), CUDA_WISH == "1"
    try:
        text = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        reason = f"no nvcc was found at {nvcc}"
    else:
        missed = missed or torch.cuda.is_available()
        release = re.search(r"release ([\d.]+)", text)
        if not release or release[1].split(".")[0] != torch.version.cuda.split(".")[0]:
            reason = f"nvcc {release[1] if release else 'of unknown version'}, PyTorch built for {torch.version.cuda}"
        else:
            problem = toolkit_problem(nvcc, compiler, library) if sys.platform == "linux" else None
            reason = problem and f"the toolkit in {cuda_home} cannot build a tiny program: {problem}"
    if reason and missed:
        advice = "complete the toolkit, or name a complete one of PyTorch's CUDA version with CUDA_HOME=/path"
        fail(f"the CUDA kernels cannot be built: {reason}", advice, WITHOUT_CUDA)
    if reason:
        say(f"built without CUDA kernels: {reason}")
    return reason is None


def hidden_paths() -> list[str]:
    """Where this Python looks for packages by itself: an isolated build by pip hides that, and so PyTorch."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONNOUSERSITE")}
    command = [sys.executable, "-c", "import sys; print(*sys.path[1:], sep='\\n')"]
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.splitlines()


def package_alone(reason: str) -> dict:
    if LIBRARY_WISH == "1" or CUDA_WISH == "1":
        fail(f"the library is demanded, but {reason}")
    say(f"installed without the compiled library, so runs in plain PyTorch, slowly: {reason}")
    return {"install_requires": ["torch>=2.6"]}


def library_arguments() -> dict:
    """Arguments of setup() for the compiled libraries and the PyTorch that they need."""
    compiler = find_compiler()
    if LIBRARY_WISH == "0":
        return package_alone("RECON_REQUIRE_LIBRARY=0")
    if compiler is None:
        return package_alone("no C++ compiler was found (CXX names one)")
    if shutil.which(compiler.split()[0]) is None:
        fail(f"CXX names {compiler}, which is not there", "CXX=/path/to/c++ names a compiler", WITHOUT)
    if importlib.util.find_spec("torch") is None:
        sys.path += hidden_paths()
    try:
        import torch
        from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension
    except ImportError as error:
        advice = "install PyTorch first; where it is installed, pip install --no-build-isolation shows it to this build"
        fail(f"PyTorch, which the library is built for, cannot be imported: {error}", advice, WITHOUT)

    if sys.platform != "win32":
        os.environ["CXX"] = compiler
    csrc = ROOT / "recon_ops" / "csrc"
    headers = [str(path.relative_to(ROOT)) for pattern in ("*.h", "*.cuh") for path in csrc.rglob(pattern)]
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    stable = version >= STABLE_FROM
    # The language standard is PyTorch's to choose: its build helper adds the one that its headers need.
    # Fused multiply-adds round differently: with them the same points could give other indices.
    flags = [
        "-O3",
        "-g0",
        "-ffp-contract=off",
        "-fno-strict-aliasing",
        "-fvisibility=hidden",
        "-Wno-maybe-uninitialized",
    ]
    if sys.platform == "win32":
        flags = ["/O2", "/fp:precise"]
    elif sys.platform == "linux" and not stable:
        # Without it at::parallel_for is serial; the stable one is compiled into PyTorch. Not for the linker: PyTorch
        # brings an OpenMP runtime, and there should be but one.
        flags += ["-fopenmp"]

    def make_library(name: str, kind: type, pattern: str, arguments: dict[str, list[str]]) -> Extension:
        sources = sorted(str(path.relative_to(ROOT)) for path in csrc.rglob(pattern))
        macros = [("RECON_STABLE_ABI", str(int(stable)))] + [("TORCH_TARGET_VERSION", STABLE_TARGET)] * stable
        # Neither library calls Python: recon_ops/ops.py loads them as PyTorch loads operators.
        return kind(
            f"recon_ops.{name}",
            sources,
            depends=sorted(headers),
            define_macros=macros,
            extra_compile_args=arguments,
            py_limited_api=True,
        )

    class Build(BuildExtension.with_options(no_python_abi_suffix=True)):
        """Builds anew what may have been built for another PyTorch, tries it, and tells what went wrong."""

        def get_export_symbols(self, ext: Extension) -> list[str]:
            return ext.export_symbols

        def build_extensions(self) -> None:
            self.force = True
            lines: list[str] = []
            try:
                with recorded(lines):
                    super().build_extensions()
            except (Exception, SystemExit) as error:
                # PyTorch asks the compiler for its version first, and keeps what it answers.
                lines += (getattr(error, "output", None) or b"").decode(errors="replace").splitlines()
                cuda = any(library.name.endswith("_cuda") for library in self.extensions)
                advice = "repair the compiler, whose messages precede this, or name another: CXX=/path/to/c++"
                advice += " (CUDA_HOME=/path for nvcc)" * cuda
                problem = f"the operators cannot be compiled with {compiler}: {first_error(lines, str(error))}"
                fail(problem, advice, WITHOUT, *[WITHOUT_CUDA] * cuda)
            for library in self.extensions:
                file = self.get_ext_fullpath(library.name)
                try:
                    ctypes.CDLL(file)
                except OSError as error:
                    Path(file).unlink()
                    fail(f"the library was built, but PyTorch {torch.__version__} cannot load it: {error}", WITHOUT)

    libraries = [make_library("_C", CppExtension, "*.cpp", {"cxx": flags})]
    if CUDA_WISH == "1" and not torch.version.cuda:
        fail("RECON_OPS_CUDA=1, but this PyTorch was built without CUDA")
    if CUDA_WISH == "1" and not CUDA_HOME:
        fail("RECON_OPS_CUDA=1, but no CUDA toolkit was found (CUDA_HOME names one)")
    if torch.version.cuda and CUDA_WISH != "0" and not CUDA_HOME:
        say("built without CUDA kernels: no CUDA toolkit was found (CUDA_HOME names one)")
    elif torch.version.cuda and CUDA_WISH != "0":
        arguments = {"cxx": flags, "nvcc": ["-O3", "--fmad=false", "-DUSE_CUDA"]}
        cuda_library = make_library("_C_cuda", CUDAExtension, "*.cu", arguments)
        if cuda_is_usable(torch, CUDA_HOME, compiler, cuda_library):
            libraries.append(cuda_library)
    if len(libraries) > 1 and not torch.cuda.device_count() and not os.environ.get("TORCH_CUDA_ARCH_LIST"):
        # By itself PyTorch compiles for the GPUs it sees, and fails where it sees none.
        os.environ["TORCH_CUDA_ARCH_LIST"] = "7.5;8.0;9.0+PTX"
    needs = f"torch>={'.'.join(map(str, STABLE_FROM))}" if stable else "torch=={}.{}.*".format(*version)
    return {
        "ext_modules": libraries,
        "cmdclass": {"build_ext": Build},
        "install_requires": [needs],
        "options": {"bdist_wheel": {"py_limited_api": "cp310"}},
    }


os.chdir(ROOT)
setup(**(library_arguments() if BUILDS & set(sys.argv) else {"install_requires": ["torch>=2.6"]}))
