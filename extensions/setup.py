"""Builds recon_ops: the compiled library where a compiler and PyTorch are at hand, else the Python package alone.

    pip install ./extensions
    python setup.py build_ext --inplace

RECON_OPS_CUDA=0 leaves the CUDA kernels out; RECON_OPS_CUDA=1 demands them, and makes every build failure an error.
"""

import ctypes
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
CUDA_WISH = os.environ.get("RECON_OPS_CUDA", "")


def say(message: str) -> None:
    print(f"recon_ops: {message}", file=sys.stderr)


def cuda_is_usable(torch, cuda_home: str | None) -> bool:
    """Whether the CUDA kernels can be compiled for this PyTorch; says why where that may surprise."""
    if CUDA_WISH == "0" or not torch.version.cuda:
        if CUDA_WISH == "1":
            raise SystemExit("recon_ops: RECON_OPS_CUDA=1, but this PyTorch was built without CUDA")
        return False
    compiler = Path(cuda_home or "", "bin", "nvcc")
    reason = None
    try:
        text = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
        release = re.search(r"release ([\d.]+)", text)
        if not release or release[1].split(".")[0] != torch.version.cuda.split(".")[0]:
            reason = f"nvcc {release[1] if release else 'of unknown version'}, PyTorch built for {torch.version.cuda}"
    except (OSError, subprocess.CalledProcessError):
        reason = f"no nvcc was found at {compiler}" if cuda_home else "no CUDA toolkit was found (CUDA_HOME names one)"
    if reason and CUDA_WISH == "1":
        raise SystemExit(f"recon_ops: RECON_OPS_CUDA=1, but {reason}")
    if reason:
        say(f"built without CUDA kernels: {reason}")
    return reason is None


def hidden_paths() -> list[str]:
    """Where this Python looks for packages by itself: an isolated build by pip hides that, and so PyTorch."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONNOUSERSITE")}
    command = [sys.executable, "-c", "import sys; print(*sys.path[1:], sep='\\n')"]
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.splitlines()


def extension_arguments() -> dict:
    """Arguments of setup() for the compiled library; none where PyTorch is missing."""
    if importlib.util.find_spec("torch") is None:
        sys.path += hidden_paths()
    try:
        import torch
        from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension
    except ImportError as error:
        if CUDA_WISH == "1":
            raise
        say(f"installed without the compiled library: PyTorch cannot be imported ({error}); try --no-build-isolation")
        return {}

    class Build(BuildExtension):
        """Carries on when something cannot be compiled or loaded: with less, and at last in plain PyTorch."""

        def build_extensions(self) -> None:
            [library] = self.extensions
            self.force = True  # an older build may have been for another PyTorch, or without CUDA
            failed = []
            for missing, arguments in attempts.items():
                vars(library).update(vars(make_library(**arguments)))
                file = Path(self.get_ext_fullpath(library.name))
                try:
                    super().build_extensions()
                    ctypes.CDLL(str(file))
                except (Exception, SystemExit) as error:
                    if CUDA_WISH == "1":
                        raise
                    file.unlink(missing_ok=True)
                    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                    failed.append(f"without {missing}: {reason}")
                else:
                    for line in failed:
                        say(f"built {line}")
                    return
            say(f"installed {failed[-1]}")
            self.extensions = []

    csrc = ROOT / "recon_ops" / "csrc"
    cuda = cuda_is_usable(torch, CUDA_HOME)
    if cuda and not torch.cuda.device_count() and not os.environ.get("TORCH_CUDA_ARCH_LIST"):
        # By itself PyTorch compiles for the GPUs it sees, and fails where it sees none.
        os.environ["TORCH_CUDA_ARCH_LIST"] = "7.5;8.0;9.0+PTX"
    headers = [str(path.relative_to(ROOT)) for pattern in ("*.h", "*.cuh") for path in csrc.rglob(pattern)]
    # The language standard is PyTorch's to choose: its build helper adds the one that its headers need.
    # Fused multiply-adds round differently: with them the same points could give other indices.
    if sys.platform == "win32":
        flags = ["/O2", "/fp:precise"]
    else:
        flags = [
            "-O3",
            "-g0",
            "-ffp-contract=off",
            "-fno-strict-aliasing",
            "-Wno-maybe-uninitialized",
        ]
    # What is built, by what one goes without if that fails.
    attempts = {"the compiled library": {"cuda": False, "openmp": False}}
    if sys.platform.startswith("linux"):
        attempts = {"threads": {"cuda": False, "openmp": True}, **attempts}
    if cuda:
        attempts = {"CUDA kernels": {"cuda": True, "openmp": sys.platform.startswith("linux")}, **attempts}

    def make_library(cuda: bool, openmp: bool) -> Extension:
        patterns = ("*.cpp", "*.cu") if cuda else ("*.cpp",)
        sources = sorted(str(path.relative_to(ROOT)) for pattern in patterns for path in csrc.rglob(pattern))
        # Without it at::parallel_for is serial. Not for the linker: PyTorch brings an OpenMP runtime, and there should
        # be but one. What GCC compiles runs on any of them, what Clang compiles on those of LLVM and Intel only.
        arguments = {"cxx": flags + ["-fopenmp"] * openmp}
        if cuda:
            arguments["nvcc"] = ["-O3", "--fmad=false"]
        kind = CUDAExtension if cuda else CppExtension
        return kind("recon_ops._C", sources, depends=sorted(headers), extra_compile_args=arguments)

    return {"ext_modules": [make_library(cuda=False, openmp=False)], "cmdclass": {"build_ext": Build}}


os.chdir(ROOT)
setup(**extension_arguments())
