"""Random numbers with an owner: every draw comes from a generator seeded by a key such as (seed, rank, epoch, step)."""

import hashlib
import os
import random

import numpy as np
import torch


def stable_seed(*key: int | str) -> int:
    """Return a number below 2**63 that depends on the key alone, on every machine and in every process."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(device: torch.device | str, *key: int | str) -> torch.Generator:
    """Return a generator on `device`, seeded by the key."""
    return torch.Generator(device).manual_seed(stable_seed(*key))


def seed_everything(*key: int | str) -> None:
    """Seed the global generators of torch (dropout, drop path, initialisation), numpy and random by the key."""
    seed = stable_seed(*key)
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def set_deterministic(deterministic: bool) -> None:
    """Choose between reproducible and fastest CUDA kernels; operators that have no reproducible form only warn."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = not deterministic
