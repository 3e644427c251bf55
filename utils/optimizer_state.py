"""The state of an optimizer in a checkpoint, by parameter name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from utils import distributed


def parameter_names(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[list[str]]:
    """Name the parameters of every group of an optimizer."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [[names[id(parameter)] for parameter in group["params"]] for group in optimizer.param_groups]


def optimizer_state(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict:
    """Return the state dict of an optimizer with `param_names` in its groups, as PyTorch itself writes them."""
    state = optimizer.state_dict()
    for group, names in zip(state["param_groups"], parameter_names(optimizer, model), strict=True):
        group["param_names"] = names
    return state


def order_optimizer(state: Mapping, names: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> dict:
    """Renumber the state dict of an optimizer, which knows its parameters by position only.

    Args:
        state: the state dict.
        names: of the parameters in each of its groups.
        wanted: the same names, in the order that they shall have.

    Raises:
        ValueError: if the groups do not have these parameters.
    """
    groups = state["param_groups"]
    if [len(group["params"]) for group in groups] != [len(group) for group in names]:
        sizes = ", ".join(str(len(group["params"])) for group in groups)
        raise ValueError(f"groups of {sizes} parameters, not {', '.join(str(len(group)) for group in names)}")
    if [sorted(group) for group in names] != [sorted(group) for group in wanted]:
        raise ValueError("groups of other parameters")
    place = {}
    for group, own in zip(groups, names, strict=True):
        place |= dict(zip(own, group["params"], strict=True))
    order = [name for group in wanted for name in group]
    entries = {i: state["state"][place[name]] for i, name in enumerate(order) if place[name] in state["state"]}
    number, ordered = 0, []
    for group, own in zip(groups, wanted, strict=True):
        ordered.append({**group, "params": list(range(number, number + len(own)))})
        if "param_names" in group:
            ordered[-1]["param_names"] = list(own)
        number += len(own)
    return {"state": entries, "param_groups": ordered}


def load_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, state: Mapping, weights: Iterable[str]) -> None:
    """Give an optimizer the state of a checkpoint, parameter by parameter; its own hyperparameters stay.

    Args:
        optimizer: takes the state.
        model: whose parameters it trains.
        state: a state dict of the same kind of optimizer; without `param_names` its parameters are taken to be in the
            order of the weights.
        weights: names of the weights in the checkpoint, in its order.

    Raises:
        ValueError: if the state is of other parameters, or its groups do not fit.
    """
    wanted, groups = parameter_names(optimizer, model), state["param_groups"]
    weights = list(weights)
    names = [group.get("param_names") for group in groups]
    if None in names:
        names = [[name for name in weights if name in group] for group in map(set, wanted)]
    state = order_optimizer(state, names, wanted)
    own = optimizer.state_dict()["param_groups"]
    for name in ("betas", "momentum", "alpha"):  # what tells kinds of optimizers apart
        if any((name in before) != (name in now) for before, now in zip(groups, own, strict=True)):
            raise ValueError(f"another kind of optimizer than {type(optimizer).__name__}")
    parameters, entries = [p for group in optimizer.param_groups for p in group["params"]], {}
    for number, before in state["state"].items():
        keys = OPTIMIZER_STATE[type(optimizer)]
        if not isinstance(before, Mapping) or {*before} != {*keys}:
            held = ", ".join(map(str, before)) if isinstance(before, Mapping) else type(before).__name__
            raise ValueError(f"state {held[:200] or 'of nothing'} instead of {', '.join(keys)}")
        entries[number] = {key: _moment(key, value, parameters[number]) for key, value in before.items()}
    optimizer.load_state_dict({"state": entries, "param_groups": own})


# What fused and foreach kernels read without looking at it.
OPTIMIZER_STATE: dict[type, tuple[str, ...]] = {
    torch.optim.AdamW: ("step", "exp_avg", "exp_avg_sq"),
    torch.optim.Adam: ("step", "exp_avg", "exp_avg_sq"),
    torch.optim.RAdam: ("step", "exp_avg", "exp_avg_sq"),
    torch.optim.SGD: ("momentum_buffer",),
}


def _moment(key: str, value: Any, parameter: Tensor) -> Any:
    """Return what an optimizer keeps of a parameter, laid out in memory as the parameter is.

    Raises:
        ValueError: if it is of another shape or kind.
    """
    if key == "step":
        if isinstance(value, bool) or not isinstance(value, (int, float)) and not _is_number(value):
            raise ValueError(f"'step' is a {type(value).__name__}, not one number")
        if not 0 <= float(value) < 1e15:
            raise ValueError(f"'step' is {float(value):g}")
        return torch.tensor(float(value))
    if value is None and key == "momentum_buffer":
        return None
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise ValueError(f"'{key}' is {value.dtype if isinstance(value, Tensor) else type(value).__name__}, not float")
    if value.shape != parameter.shape:
        raise ValueError(f"'{key}' of another shape, {tuple(value.shape)} instead of {tuple(parameter.shape)}")
    value = distributed.shared_like(value, parameter)
    return torch.empty_like(parameter, device=value.device).copy_(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() == 0 and not value.is_complex()
