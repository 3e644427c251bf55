"""What the sections of the check share."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extensions import recon_ops

ROOT = Path(__file__).parents[2]


class CheckFailed(Exception):
    """A section found something wrong; what it measured all the same is in `results`."""

    def __init__(self, message: str, **results: Any):
        super().__init__(message)
        self.results = results


@dataclass
class Check:
    """What is checked, on what.

    Attributes:
        device: "cuda" or "cpu".
        small: sizes that show in seconds that everything runs; their times mean nothing.
        scratch: a folder for files that nobody needs afterwards.
    """

    device: str
    small: bool
    scratch: Path

    def require_kernels(self) -> None:
        """Refuse to measure anything on plain PyTorch operators.

        Raises:
            CheckFailed: if these would run.
        """
        wanted, found = {"cpu": "cpp", "cuda": "cuda"}[self.device], recon_ops.backend(self.device)
        if found != wanted:
            raise CheckFailed(f"recon_ops runs on '{found}', not on '{wanted}': the build section says why")


def call(command: list[str | Path], **options: Any) -> subprocess.CompletedProcess:
    """Run a command whose output goes to the section's log.

    Raises:
        CheckFailed: if its exit code is not 0.
    """
    done = subprocess.run([str(part) for part in command], **{"cwd": ROOT, **options})
    if done.returncode:
        raise CheckFailed(f"exit code {done.returncode} of {' '.join(map(str, command[1:4]))}")
    return done
