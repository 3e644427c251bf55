"""Memory that is kept: large blocks are not faulted in again."""

import subprocess
import sys

import pytest

COUNT = """
import resource, sys, torch
torch.set_num_threads(1)
if sys.argv[1] == "keep":
    from utils.memory import keep_freed_memory
    assert keep_freed_memory()
x = torch.ones(1 << 24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(6):
    x + 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is on Linux")
def test_freed_memory_is_kept():
    """Six results of 64 MB, one after the other, are new pages each time, or the pages of the one before."""
    faults = {}
    for how in ("keep", "leave"):
        command = [sys.executable, "-c", COUNT, how]
        faults[how] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert 2 * faults["keep"] < faults["leave"], faults
