"""Make the data that planned runs on the synthetic world need."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.paper.plan import SETTINGS
from tools.paper.runs import PlannedRun
from utils.errors import UserError


def prepare(runs: Sequence[PlannedRun], data_root: str, folds: int) -> None:
    """Make the synthetic world, and its few-shot folds if a run needs them, unless they are there.

    Raises:
        UserError: if that fails.
    """
    prepare_world(data_root)
    files = [Path(data_root, f"ModelNetFewshot/{way}way_{shot}shot/{folds - 1}.pkl") for way, shot in SETTINGS]
    if any(run.fold for run in runs) and not all(file.is_file() for file in files):
        options = ["--folds", str(folds), "--test-per-class", "10", "--points", "2048"]
        _call("datasets.modelnet_fewshot", "--data_root", data_root, *options)


def prepare_world(out: str, *options: str) -> None:
    """Make a synthetic world unless it is there.

    Raises:
        UserError: if that fails.
    """
    _call("datasets.demo", "--out", out, *options)


def _call(*command: str) -> None:
    if subprocess.run([sys.executable, "-m", *command]).returncode:
        raise UserError(f"python -m {' '.join(command)} failed; its message is above")
