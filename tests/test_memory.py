"""Memory that is kept: the blocks of a training step are not faulted in anew at every step."""

import subprocess
import sys

import pytest

COUNT = """
import resource, sys, torch
torch.set_num_threads(1)
if sys.argv[1] == "keep":
    from utils.memory import keep_freed_memory
    assert keep_freed_memory()
model = torch.nn.Sequential(torch.nn.Linear(3, 256), torch.nn.ReLU(), torch.nn.Linear(256, 64))
points = torch.ones(1 << 14, 3)
for step in range(16):
    if step == 8:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    model(points).sum().backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is on Linux")
def test_freed_memory_is_kept():
    faults = {}
    for how in ("keep", "leave"):
        command = [sys.executable, "-c", COUNT, how]
        runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(5)]
        faults[how] = [int(run.stdout) for run in runs]
    # The system may take pages back meanwhile, and glibc now and then keeps a block by itself.
    assert 4 * min(faults["keep"]) < max(faults["leave"]), faults
