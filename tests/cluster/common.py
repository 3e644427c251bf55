"""What the tests here share."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from utils.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
CONFIG = "cfgs/demo/pretrain_short.yaml"
RUNS = Path("experiments/pretrain_short/demo")
ONE = [sys.executable, *"-m tools.launch --standalone --nproc-per-node 2 main.py --launcher pytorch".split()]


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def weights(name: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(RUNS / name / "ckpt-last.pth")["base_model"]


def assert_same(name: str, other: str) -> None:
    """Two runs have the same weights, bit for bit."""
    first, second = weights(name), weights(other)
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def tool(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
