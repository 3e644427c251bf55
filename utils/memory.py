"""Memory of the process on the CPU."""

import ctypes
import functools
import os
import sys
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Have the C library keep what is freed, for the next allocation, instead of handing it back to the system.

    A training step frees and takes the same large blocks over and over; given back, each of them is faulted in anew,
    page by page, which took a third of a step on two cores. The process stays as large as it has ever been.

    Returns:
        Whether that was done: only glibc can be told.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        mallopt(name, value) for name, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1))
    )


@functools.cache
def machine_memory() -> float:
    """Bytes of memory that this machine, or the container, has; infinite where it does not say."""
    most = float("inf")
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        most = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    try:
        return min(most, float(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # "max"
        return most
