"""Optimizers on three groups of parameters, and learning rate schedules."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from timm.scheduler.cosine_lr import CosineLRScheduler
from torch import nn

from models.build import Trainable
from utils.config import parse
from utils.errors import UserError

if TYPE_CHECKING:
    from tools.engine.config import RunConfig

GROUPS = ("head", "no_decay", "decay")


@dataclass
class AdamWKwargs:
    """`optimizer.kwargs`."""

    lr: float
    weight_decay: float = 0.05

    def __post_init__(self):
        if not (self.lr > 0 and self.weight_decay >= 0):
            raise ValueError(f"lr must be above 0 and weight_decay at least 0, got {self.lr} and {self.weight_decay}")


@dataclass
class AdamKwargs(AdamWKwargs):
    """`optimizer.kwargs` of Adam and RAdam."""

    weight_decay: float = 0.0


@dataclass
class SGDKwargs(AdamKwargs):
    """`optimizer.kwargs` of SGD, which takes Nesterov's step, as released."""

    momentum: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.momentum < 1:
            raise ValueError(f"momentum must be between 0 and 1, got {self.momentum}")


OPTIMIZER_KWARGS = {"AdamW": AdamWKwargs, "Adam": AdamKwargs, "RAdam": AdamKwargs, "SGD": SGDKwargs}


@dataclass
class OptimizerConfig:
    """`optimizer`; the keys of `kwargs` depend on its type."""

    kwargs: Any
    type: Literal["AdamW", "Adam", "RAdam", "SGD"] = "AdamW"

    def __post_init__(self):
        if not isinstance(self.kwargs, AdamWKwargs):
            self.kwargs = parse(OPTIMIZER_KWARGS[self.type], self.kwargs, "optimizer.kwargs")


@dataclass(kw_only=True)
class ScheduleKwargs:
    """`scheduler.kwargs` of every type, and all that `function` has: a constant rate.

    With `released_lag` epoch e uses what the schedule gives for e - 1, as the released code does, so epochs 0 and 1
    are alike. With `every_step` the rate moves with every step instead of every epoch: short runs need it.
    """

    released_lag: bool = True
    every_step: bool = False


@dataclass(kw_only=True)
class CosLRKwargs(ScheduleKwargs):
    """`scheduler.kwargs` of CosLR: cosine over `epochs` after a warm-up of `initial_epochs`."""

    epochs: int
    initial_epochs: int = 10

    def __post_init__(self):
        if self.epochs < 1 or self.initial_epochs < 0:
            raise ValueError(f"epochs must be at least 1 and initial_epochs at least 0, got {self}")


@dataclass(kw_only=True)
class StepLRKwargs(ScheduleKwargs):
    """`scheduler.kwargs` of StepLR: times `gamma` after every `step_size` epochs."""

    step_size: int
    gamma: float = 0.1

    def __post_init__(self):
        if self.step_size < 1 or not self.gamma > 0:
            raise ValueError(f"step_size must be at least 1 and gamma above 0, got {self}")


@dataclass(kw_only=True)
class LambdaLRKwargs(ScheduleKwargs):
    """`scheduler.kwargs` of LambdaLR: times `lr_decay` in every `decay_step` epochs, down to `lowest_decay` in all."""

    decay_step: float
    lr_decay: float
    lowest_decay: float

    def __post_init__(self):
        if not (self.decay_step > 0 and self.lr_decay > 0 and self.lowest_decay >= 0):
            raise ValueError(f"decay_step and lr_decay must be above 0 and lowest_decay at least 0, got {self}")


SCHEDULE_KWARGS = {
    "CosLR": CosLRKwargs,
    "LambdaLR": LambdaLRKwargs,
    "StepLR": StepLRKwargs,
    "function": ScheduleKwargs,
}


@dataclass
class SchedulerConfig:
    """`scheduler`; the keys of `kwargs` depend on its type."""

    kwargs: Any = field(default_factory=dict)
    type: Literal["CosLR", "LambdaLR", "StepLR", "function"] = "CosLR"

    def __post_init__(self):
        if not isinstance(self.kwargs, ScheduleKwargs):
            self.kwargs = parse(SCHEDULE_KWARGS[self.type], self.kwargs, "scheduler.kwargs")


def build_optimizer(model: nn.Module, config: "RunConfig") -> torch.optim.Optimizer:
    """Build the optimizer of a config on three groups of the trainable parameters.

    The `GROUPS`, any of which may be empty: `head` (the model's `head_parameters`) at ten times the learning rate,
    `no_decay` (vectors, biases, tokens), `decay` (the rest). As released, they are AdamW's; other types train all
    parameters alike, as `decay`.

    Raises:
        UserError: if the config has no `optimizer`.
    """
    if config.optimizer is None:
        raise UserError("missing config key 'optimizer', which training needs")
    kind, kwargs = config.optimizer.type, config.optimizer.kwargs
    names = {*model.head_parameters()} if isinstance(model, Trainable) else set()
    head, no_decay, decay = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if kind != "AdamW":
            decay.append(parameter)
        elif name in names:
            head.append(parameter)
        elif parameter.dim() == 1 or name.endswith(".bias") or "token" in name:
            no_decay.append(parameter)
        else:
            decay.append(parameter)
    lr, weight_decay = kwargs.lr, kwargs.weight_decay
    groups = zip((head, no_decay, decay), (10 * lr, lr, lr), (weight_decay, 0.0, weight_decay), strict=True)
    groups = [{"params": group, "lr": rate, "weight_decay": wd} for group, rate, wd in groups]
    if isinstance(kwargs, SGDKwargs):
        return torch.optim.SGD(groups, momentum=kwargs.momentum, nesterov=True)
    options = {} if kind == "RAdam" else {"fused": True}
    return getattr(torch.optim, kind)(groups, **options)


class Schedule:
    """Learning rates of an epoch or step, set anew each time, so that there is no state to save.

    Args:
        optimizer: its groups' learning rates are set.
        config: the kind of schedule, the released lag, and whether it moves with every step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, config: ScheduleKwargs):
        self.config, self.optimizer = config, optimizer
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.cosine = None
        if isinstance(config, CosLRKwargs):
            self.cosine = CosineLRScheduler(
                optimizer,
                t_initial=config.epochs,
                lr_min=1e-6,
                warmup_t=config.initial_epochs,
                warmup_lr_init=1e-6,
                cycle_limit=1,
            )

    def set(self, epoch: int, done: float = 0.0) -> None:
        """Set the learning rates for `epoch`, of which the fraction `done` lies behind."""
        at = max(epoch + done * self.config.every_step - self.config.released_lag, 0)
        if self.cosine is not None:
            self.cosine.step(at)  # pyright: ignore[reportArgumentType]  (fractions of an epoch as well)
            return
        factor = 1.0
        if isinstance(self.config, StepLRKwargs):
            factor = self.config.gamma ** (at // self.config.step_size)
        elif isinstance(self.config, LambdaLRKwargs):
            factor = max(self.config.lr_decay ** (at / self.config.decay_step), self.config.lowest_decay)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = factor * rate


def build_schedule(optimizer: torch.optim.Optimizer, config: "RunConfig") -> Schedule:
    """Build the learning rate schedule of a config.

    Raises:
        UserError: if the config has no `scheduler`.
    """
    if config.scheduler is None:
        raise UserError("missing config key 'scheduler', which training needs")
    return Schedule(optimizer, config.scheduler.kwargs)
