"""Updates whose loss or gradient is not finite: kept from the weights without waiting for the device."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from utils import distributed

NORM = "norm of the gradient"
LEFT_OUT = "update left out"  # of the numbers of a step: 1 if so, the same in all processes


class Guard:
    """Makes the updates of a model but those that are not finite.

    An update is not finite if a loss since the one before it is not, in any process, or the norm of its gradient; in
    float16 the norm does not count, which tells the scaler that the loss was scaled too high. Such an update leaves
    weights, the state of the optimizer and buffers as they were. From the one after the last that is allowed on, all
    do, until the host hears of it: the model then stands where that one began.

    Args:
        model: what is trained.
        optimizer: of its parameters.
        scaler: of the loss.
        allowed: how many updates may be left out in an epoch.

    Attributes:
        most: how many may be in this epoch.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, allowed: int = 0
    ):
        self.model, self.optimizer, self.scaler = model, optimizer, scaler
        self.allowed = self.most = allowed
        device = next(model.parameters()).device
        self.broken = torch.zeros((), dtype=torch.bool, device=device)
        self.left_out = torch.zeros((), device=device)
        self.skip = torch.zeros((), device=device)
        self.buffers: list[Tensor] = []

    def begin(self, left_out: int) -> None:
        """Begin an epoch, or go on within one, at any of its batches.

        Args:
            left_out: how many of its updates have been left out already. If these are more than are allowed now, the
                next one ends the run.
        """
        self.most = max(self.allowed, left_out)
        self.left_out.fill_(left_out)
        self.remember()

    def remember(self) -> None:
        """Call it before the first batch of an update."""
        self.buffers = [buffer.clone() for buffer in self.model.buffers()]

    def watch(self, loss: Tensor) -> None:
        """Call it with the loss of every batch."""
        self.broken |= ~loss.detach().isfinite()

    @torch.no_grad()
    def judge(self) -> dict[str, Tensor]:
        """Decide about the gradients that there are now; returns their norm, and whether they are left out."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = distributed.whole(nn.utils.get_total_norm(gradients, foreach=True)).to(self.skip.device)
        broken = self.broken if self.scaler.is_enabled() else self.broken | ~norm.isfinite()
        broken = distributed.total(broken.float()).clamp(max=1)
        over = self.left_out > self.most
        self.left_out += broken
        self.skip.copy_(torch.where(over, 1.0, broken))
        self.broken.zero_()
        for buffer, before in zip(self.model.buffers(), self.buffers, strict=True):
            buffer.copy_(torch.where(self.skip > 0, before, buffer))
        return {NORM: norm, LEFT_OUT: self.skip.clone()}

    def update(self, clip: float | None, twice: bool = False) -> dict[str, Tensor]:
        """Make an update unless it is not finite; returns what `judge` does.

        Args:
            clip: the norm that gradients are clipped to.
            twice: step before that as well, see `RunConfig.double_step`.
        """
        self.scaler.unscale_(self.optimizer)
        told = self.judge()
        if twice:
            self._step()
        nn.utils.clip_grads_with_norm_(self.model.parameters(), clip or math.inf, told[NORM], foreach=True)
        self._step()
        if self.scaler.is_enabled():
            for found in self._overflows():  # that the loss is not finite is not due to its scale
                found.copy_(torch.where(self.skip > 0, 0.0, found))
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return told

    def _overflows(self) -> Iterable[Tensor]:
        """What the scaler skips a step for, and lowers the scale of the loss, if it is not 0."""
        return self.scaler._found_inf_per_device(self.optimizer).values()

    def _step(self) -> None:
        if self.scaler.is_enabled():
            for found in self._overflows():
                found.copy_(torch.maximum(found, self.skip))
            self.scaler.step(self.optimizer)
        elif getattr(self.optimizer, "_step_supports_amp_scaling", False):  # fused
            self.optimizer.found_inf = self.skip  # pyright: ignore[reportAttributeAccessIssue]
            self.optimizer.step()
        elif not self.skip.item():
            self.optimizer.step()


@contextlib.contextmanager
def find_source(model: nn.Module) -> Iterator[list[str]]:
    """Within, look at all outputs and gradients, which makes the host wait for each of them.

    Yields:
        A list that gets the first module whose output is not finite, and the first parameter whose gradient is not.
    """
    found: dict[str, str] = {}

    def look(kind: str, name: str, value: Any) -> None:
        tensors = value if isinstance(value, (tuple, list)) else [value]
        if kind not in found and any(isinstance(x, Tensor) and not x.isfinite().all() for x in tensors):
            found[kind] = name
            told.append(f"{kind} {name}")

    told: list[str] = []
    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: look("the output of", name, output))
        for name, module in model.named_modules()
        if name
    ]
    hooks += [
        parameter.register_hook(lambda gradient, name=name: look("the gradient of", name, gradient))
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    ]
    try:
        yield told
    finally:
        for hook in hooks:
            hook.remove()


def brief(names: Sequence[str], most: int = 4) -> str:
    """Name a few of many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
