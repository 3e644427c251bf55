"""Builds recon_ops: the compiled library where a compiler and PyTorch are at hand, else the Python package alone.

    pip install --no-build-isolation ./extensions
    python setup.py build_ext --inplace

RECON_OPS_CUDA=0 leaves the CUDA kernels out; RECON_OPS_CUDA=1 demands them, and makes every build failure an error.
"""

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
        release = re.search(r"release (\d+)", text)
        if not release or release[1] != torch.version.cuda.split(".")[0]:
            reason = f"{compiler} is not of the CUDA {torch.version.cuda} that PyTorch was built with"
    except (OSError, subprocess.CalledProcessError):
        reason = f"no nvcc was found at {compiler}" if cuda_home else "no CUDA toolkit was found (CUDA_HOME names one)"
    if reason and CUDA_WISH == "1":
        raise SystemExit(f"recon_ops: RECON_OPS_CUDA=1, but {reason}")
    if reason:
        say(f"built without CUDA kernels: {reason}")
    return reason is None


def extension_arguments() -> dict:
    """Arguments of setup() for the compiled library; none where PyTorch is missing."""
    try:
        import torch
        from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension
    except ImportError as error:
        if CUDA_WISH == "1":
            raise
        say(f"installed without the compiled library: PyTorch cannot be imported ({error}); try --no-build-isolation")
        return {}

    class Build(BuildExtension):
        """Carries on when something cannot be compiled: without CUDA kernels, or in plain PyTorch."""

        def build_extensions(self) -> None:
            try:
                super().build_extensions()
            except (Exception, SystemExit) as error:
                if CUDA_WISH == "1":
                    raise
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                [library] = self.extensions
                if "nvcc" in library.extra_compile_args:
                    say(f"built without CUDA kernels: {reason}")
                    vars(library).update(vars(make_library(cuda=False)))
                    self.build_extensions()
                else:
                    say(f"installed without the compiled library: {reason}")
                    self.extensions = []

    csrc = ROOT / "recon_ops" / "csrc"
    cuda = cuda_is_usable(torch, CUDA_HOME)
    if cuda and not torch.cuda.device_count() and not os.environ.get("TORCH_CUDA_ARCH_LIST"):
        # By itself PyTorch compiles for the GPUs it sees, and fails where it sees none.
        os.environ["TORCH_CUDA_ARCH_LIST"] = "7.5;8.0;9.0+PTX"
    headers = [str(path.relative_to(ROOT)) for pattern in ("*.h", "*.cuh") for path in csrc.rglob(pattern)]
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    standard = "c++20" if version >= (2, 15) else "c++17"
    # Fused multiply-adds round differently: with them the same points could give other indices.
    if sys.platform == "win32":
        flags = ["/O2", "/fp:precise", f"/std:{standard}"]
    else:
        flags = [
            "-O3",
            "-g0",
            "-ffp-contract=off",
            "-fno-strict-aliasing",
            "-Wno-maybe-uninitialized",
            f"-std={standard}",
        ]
    if sys.platform.startswith("linux"):
        # For at::parallel_for. Not for the linker: PyTorch brings its own OpenMP runtime, and there should be but one.
        flags.append("-fopenmp")

    def make_library(cuda: bool) -> Extension:
        patterns = ("*.cpp", "*.cu") if cuda else ("*.cpp",)
        sources = sorted(str(path.relative_to(ROOT)) for pattern in patterns for path in csrc.rglob(pattern))
        arguments = {"cxx": list(flags)}
        if cuda:
            arguments["nvcc"] = ["-O3", "--fmad=false", f"-std={standard}"]
        kind = CUDAExtension if cuda else CppExtension
        return kind("recon_ops._C", sources, depends=sorted(headers), extra_compile_args=arguments)

    return {"ext_modules": [make_library(cuda)], "cmdclass": {"build_ext": Build}}


os.chdir(ROOT)
setup(**extension_arguments())
