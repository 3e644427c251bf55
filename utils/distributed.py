"""One process or many: everything here works alike in both."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.rendezvous import rendezvous
from torch.distributed.tensor import DTensor, distribute_tensor

from utils.errors import UserError

MOST_PROCESSES = 100_000
JOIN_MINUTES = 5.0  # that processes wait for all of them to come, at most
PR_SET_PDEATHSIG = 1  # of Linux's sys/prctl.h


def environment(name: str, most: int, default: int | None = None) -> int:
    """Return the whole number in 0..`most` that an environment variable holds; `default` if it is not set.

    Raises:
        UserError: if it holds anything else.
    """
    text = os.environ.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most):
        raise UserError(f"environment variable {name} must be a whole number from 0 to {most}, got '{text}'")
    return int(text)


def start(launcher: str, local_rank: int, minutes: float = 60.0) -> torch.device:
    """Join the process group if there is one, and choose the device of this process.

    Args:
        launcher: "none" for one process, "pytorch" when started by torchrun.
        local_rank: number of this process on its machine; it is the number of its GPU.
        minutes: how long processes wait for each other; for all of them to come, at most `JOIN_MINUTES`.

    Raises:
        UserError: if torchrun's environment is missing or wrong, or there without this launcher, or there are more
            processes than GPUs; if the processes do not meet.
    """
    cuda = torch.cuda.is_available()
    if launcher == "none":
        if "TORCHELASTIC_RUN_ID" in os.environ and environment("WORLD_SIZE", MOST_PROCESSES, 1) > 1:
            raise UserError(
                "torchrun started several processes, each of which would do the whole run: add --launcher pytorch"
            )
        return torch.device("cuda" if cuda else "cpu")
    missing = [name for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise UserError(
            f"--launcher pytorch: {', '.join(missing)} not set; start with torchrun --nproc_per_node=N main.py ..."
        )
    world = environment("WORLD_SIZE", MOST_PROCESSES)
    if environment("RANK", MOST_PROCESSES) >= world:
        raise UserError(f"environment variable RANK must be below WORLD_SIZE {world}, got {os.environ['RANK']}")
    environment("MASTER_PORT", 65535)
    if cuda:
        if local_rank >= torch.cuda.device_count():
            raise UserError(f"--local_rank {local_rank}: this machine has {torch.cuda.device_count()} GPU(s)")
        torch.cuda.set_device(local_rank)
    job()
    _end_with_torchrun()
    join, timeout = min(minutes, JOIN_MINUTES), timedelta(minutes=minutes)
    try:
        store, rank, world = next(rendezvous("env://", timeout=timedelta(minutes=join)))
        store.set_timeout(timeout)
        dist.init_process_group("nccl" if cuda else "gloo", store=store, rank=rank, world_size=world, timeout=timeout)
    except (dist.DistError, RuntimeError, OSError, ValueError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise UserError(
            f"the {world} processes cannot meet at {where} within {join:g} minutes: {str(error)[:200]}"
        ) from None
    return torch.device("cuda", local_rank) if cuda else torch.device("cpu")


def job() -> str | None:
    """Name of torchrun's job, whose processes are started again when one fails or machines come or go; None without.

    Raises:
        UserError: if it has none to tell it from other jobs by, and is to start its processes again.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    if name == "none" and environment("TORCHELASTIC_MAX_RESTARTS", MOST_PROCESSES, 0):
        raise UserError(
            "torchrun --max-restarts needs --rdzv-id NAME, another one for each job (or --standalone): processes that "
            "are started again resume the run of their own job only"
        )
    return None if name == "none" else name


def end_with_parent() -> None:
    """Have Linux send this process SIGTERM once its parent has ended, however it did."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_with_torchrun() -> None:
    """Be sent SIGTERM when torchrun ends, if it started this process: it may end by SIGKILL, or without passing it on.

    Raises:
        UserError: if it has ended while this process started; nobody would be at the other end.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or not sys.platform.startswith("linux"):
        return  # what else starts processes may end before them, such as a shell, or be process 1 of a container
    end_with_parent()
    if os.getppid() == 1 and b"torch" not in Path("/proc/1/cmdline").read_bytes():
        raise UserError("torchrun, which started this process, has ended")


def stop() -> None:
    """Leave the process group, if there is one."""
    if _joined():
        dist.destroy_process_group()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Number of this process, 0 if it is the only one."""
    return dist.get_rank() if _joined() else 0


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if _joined() else 1


def is_main() -> bool:
    """Whether this process is the one that logs and writes."""
    return rank() == 0


def gather_objects(value: Any) -> list:
    """Return the picklable `value` of every process, in the order of their ranks."""
    if world_size() == 1:
        return [value]
    values = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def mean(numbers: dict[str, float]) -> dict[str, float]:
    """Average numbers of the same name over the processes."""
    every = gather_objects(numbers)
    return {name: sum(one[name] for one in every) / len(every) for name in numbers}


def total(tensor: torch.Tensor) -> torch.Tensor:
    """Add up a tensor over the processes, in place."""
    if world_size() > 1:
        dist.all_reduce(tensor)
    return tensor


def gather_rows(tensor: torch.Tensor) -> torch.Tensor:
    """Put the rows (B, ...) of every process, which all have as many, one after the other, with their gradient.

    That of a loss which every process computes from them, summed over the processes, is what a row gets; averaging
    parameters' gradients over the processes then gives the gradient of that one loss.
    """
    if world_size() == 1:
        return tensor
    return _Gather.apply(tensor)  # pyright: ignore[reportReturnType]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(world_size())]
        dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return total(grad.clone(memory_format=torch.contiguous_format)).chunk(world_size())[rank()]


def whole(value: Any) -> Any:
    """Put tensors together of which each process has a share, inside dicts and lists too; all processes must call it.

    Returns:
        The same with ordinary tensors.
    """
    if isinstance(value, DTensor):
        return value.full_tensor()
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


def own_share(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return what this process has of tensors, by name."""
    return {name: x.to_local() if isinstance(x, DTensor) else x for name, x in state.items()}


def shared_like(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return this process's share of a tensor that all of them have, where they share the other one; else itself."""
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value.to(like.device, like.dtype), like.device_mesh, like.placements)


def share_buffers(model: nn.Module) -> None:
    """Give every process the main one's buffers, such as running statistics."""
    if world_size() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)


def anywhere(flags: Sequence[bool], device: torch.device) -> list[bool]:
    """For each flag, whether it is set in any process."""
    if world_size() == 1:
        return list(flags)
    votes = torch.tensor(flags, dtype=torch.int32, device=device)
    dist.all_reduce(votes, op=dist.ReduceOp.MAX)
    return votes.bool().tolist()
