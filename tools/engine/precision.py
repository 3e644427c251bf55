"""In which precision a model computes, and whether it is compiled."""

import contextlib
from typing import TypeVar

import torch
from torch import nn

from tools.engine.config import RunConfig
from utils.errors import UserError

Module = TypeVar("Module", bound=nn.Module)
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """The `precision` and `compile` of a config.

    Args:
        config: of the run.
        device: where it runs.

    Raises:
        UserError: if the device does not have that precision.
    """

    def __init__(self, config: RunConfig, device: torch.device):
        self.config, self.device, name = config, device, config.precision
        cuda = device.type == "cuda"
        if name == "tf32" and not (cuda and torch.cuda.get_device_capability(device) >= (8, 0)):
            raise UserError("precision: tf32 needs an NVIDIA GPU of compute capability 8.0 or higher")
        if name == "bf16" and cuda and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise UserError("precision: bf16 is not supported by this GPU; fp16 is")
        # Both: products in convolutions are in TF32 by default, other ones are not.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def autocast(self) -> contextlib.AbstractContextManager:
        """Enter it around every forward pass."""
        dtype = AUTOCAST.get(self.config.precision)
        return torch.autocast(self.device.type, dtype) if dtype else contextlib.nullcontext()

    def place(self, model: Module) -> Module:
        """Put a model on the device, and have it compiled if the config says so; returns it."""
        model = model.to(self.device)
        if self.config.compile:
            model.compile()  # in place, so that the names of the parameters stay
        return model
