"""Several processes on one model: each holds all of it (`ddp`) or its share of every block (`fsdp`)."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from models import Trainable
from models.transformer import BlockStack
from tools.engine.config import RunConfig
from utils import distributed
from utils.errors import UserError


def shard(model: Trainable, config: RunConfig, device: torch.device) -> None:
    """With `parallel: fsdp`, leave each process its share of a model on the CPU, on the device; before the optimizer.

    The weights of a transformer block are put together where the block computes, and taken apart again. Checkpoints
    hold them whole, under the same names.

    Raises:
        UserError: if there is nothing to share it among, or PyTorch is too old.
    """
    if config.parallel != "fsdp":
        return
    if not torch.distributed.is_initialized():
        raise UserError("config key 'parallel': fsdp needs several processes: torchrun and --launcher pytorch")
    if not hasattr(FSDPModule, "set_reshard_after_forward"):
        raise UserError(f"config key 'parallel': fsdp needs a newer PyTorch than {torch.__version__}")
    mesh = init_device_mesh(device.type, (distributed.world_size(),))
    for stack in [module for module in model.modules() if isinstance(module, BlockStack)]:
        for block in stack.blocks:
            fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)


def wrap(model: Trainable, device: torch.device) -> nn.Module:
    """Return what is called in training, so that gradients are averaged over the processes."""
    if distributed.world_size() == 1 or isinstance(model, FSDPModule):
        return model
    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(model, devices, find_unused_parameters=model.unused_parameters)


@contextlib.contextmanager
def averaging(model: nn.Module, on: bool) -> Iterator[None]:
    """Whether the processes agree on the gradients of what is done within; otherwise each adds up its own."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(on)
        yield
    elif isinstance(model, DistributedDataParallel) and not on:
        with model.no_sync():
            yield
    else:
        yield


@contextlib.contextmanager
def unsharded(model: nn.Module) -> Iterator[None]:
    """Within, every process has all weights and runs the model on its own: as often as it has batches."""
    shares = [module for module in model.modules() if isinstance(module, FSDPModule)]
    for module in shares:
        module.set_reshard_after_forward(False, recurse=False)
        module.unshard()
    try:
        yield
    finally:
        for module in shares:
            module.reshard()
            module.set_reshard_after_forward(module is not model, recurse=False)  # the default
