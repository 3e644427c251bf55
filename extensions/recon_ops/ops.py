"""Registration of the operators with PyTorch: schemas, kernels, shapes for tracing, and gradients.

The compiled libraries, where there are any, bring the kernels for the CPU and CUDA. The plain PyTorch implementations
stand behind them for every device without a kernel, and alone where there is no library, so that autograd,
torch.compile and torch.export see the same operators either way.
"""

import functools
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import reference

SCHEMAS = {
    "farthest_point_sample": "(Tensor points, SymInt num_samples, bool skip_origin) -> Tensor",
    "knn": "(Tensor query, Tensor points, SymInt k, bool sorted) -> (Tensor, Tensor)",
    "nearest": "(Tensor a, Tensor b) -> (Tensor, Tensor, Tensor, Tensor)",
    "nearest_backward": (
        "(Tensor grad_a, Tensor grad_b, Tensor a, Tensor b, Tensor index_a, Tensor index_b) -> Tensor"
    ),
    "ball_query": "(Tensor centers, Tensor points, float radius, SymInt k) -> Tensor",
    "three_interpolate": "(Tensor features, Tensor index, Tensor weight) -> Tensor",
    "three_interpolate_backward": "(Tensor grad, Tensor index, Tensor weight, SymInt m) -> Tensor",
    "gather_channels": "(Tensor features, Tensor index) -> Tensor",
    "gather_channels_backward": "(Tensor grad, Tensor index, SymInt n) -> Tensor",
    "group": (
        "(Tensor points, SymInt num_group, SymInt group_size, bool skip_origin) -> (Tensor, Tensor, Tensor, Tensor)"
    ),
    "max_pool": "(Tensor values) -> (Tensor, Tensor)",
    "linear_max_backward": "(Tensor grad, Tensor index, Tensor points, Tensor weight) -> (Tensor, Tensor)",
}

_library = torch.library.Library("recon_ops", "DEF")
for _name, _schema in SCHEMAS.items():
    _library.define(_name + _schema, tags=torch.Tag.pt2_compliant_tag)


def _load(name: str) -> str | None:
    """Load a compiled library, which registers its kernels; returns why that cannot be done."""
    suffix = ".pyd" if os.name == "nt" else ".so"
    file = Path(__file__).with_name(name + suffix)
    if not file.exists():
        return "it is not built"
    try:
        torch.ops.load_library(str(file))
    except OSError as error:  # built against another PyTorch, perhaps: the reason is worth telling
        return str(error)
    return None


# Why there are no kernels for the CPU and for CUDA; None where they are loaded.
missing = _load("_C")
missing_cuda = _load("_C_cuda") if torch.version.cuda else "this PyTorch was built without CUDA"

if missing and os.environ.get("RECON_REQUIRE_LIBRARY") == "1":
    raise ImportError(f"recon_ops: RECON_REQUIRE_LIBRARY=1, but the compiled library is missing: {missing}")


# How messages about wrong arguments begin in C++.
_MARK = "recon_ops: "


def call(name: str, *arguments: Any) -> Any:
    """Call an operator; what its kernels find wrong with the arguments is a ValueError.

    Of the exceptions that come through the stable ABI, some versions of PyTorch keep the message but not the type.
    """
    try:
        return getattr(torch.ops.recon_ops, name)(*arguments)
    except (RuntimeError, ValueError) as error:
        _, mark, message = str(error).partition(_MARK)
        if not mark:
            raise
        raise ValueError(message) from None


def has_kernel(device: str) -> bool:
    """Whether the compiled library runs on this kind of device ("cpu", "cuda")."""
    key = {"cpu": "CPU", "cuda": "CUDA"}.get(device)
    return key is not None and torch._C._dispatch_has_kernel_for_dispatch_key("recon_ops::knn", key)


@functools.cache
def _announce(device: str) -> None:
    reason = {"cpu": missing, "cuda": missing_cuda}.get(device)
    library = "compiled library" if device == "cpu" else f"library for {device}"
    # As from a file that does not exist, so that no source line is printed below it.
    message = f"recon_ops runs in plain PyTorch, slowly, without the {library} ({reason or 'there is none'})"
    warnings.warn_explicit(message, UserWarning, "recon_ops", 1)


def fallback(name: str) -> Callable[..., Any]:
    """Return the plain PyTorch kernel of an operator; the first one to run on a device says so."""
    function = getattr(reference, name)

    @functools.wraps(function)
    def kernel(tensor: Tensor, *arguments: Any) -> Any:
        _announce(tensor.device.type)
        with torch.no_grad():
            return function(tensor, *arguments)

    return kernel


for _name in SCHEMAS:
    _library.impl(_name, fallback(_name), "CompositeExplicitAutograd")


@torch.library.register_fake("recon_ops::farthest_point_sample")
def _(points, num_samples, skip_origin):
    return points.new_empty(points.shape[0], num_samples, dtype=torch.int64)


@torch.library.register_fake("recon_ops::knn")
def _(query, points, k, sorted):
    shape = *query.shape[:2], k
    return query.new_empty(shape), query.new_empty(shape, dtype=torch.int64)


@torch.library.register_fake("recon_ops::nearest")
def _(a, b):
    index = [cloud.new_empty(cloud.shape[:2], dtype=torch.int64) for cloud in (a, b)]
    return a.new_empty(a.shape[:2]), b.new_empty(b.shape[:2]), *index


@torch.library.register_fake("recon_ops::nearest_backward")
def _(grad_a, grad_b, a, b, index_a, index_b):
    return torch.empty_like(a)


@torch.library.register_fake("recon_ops::ball_query")
def _(centers, points, radius, k):
    return centers.new_empty(*centers.shape[:2], k, dtype=torch.int64)


@torch.library.register_fake("recon_ops::three_interpolate")
def _(features, index, weight):
    return features.new_empty(*features.shape[:2], index.shape[1])


@torch.library.register_fake("recon_ops::three_interpolate_backward")
def _(grad, index, weight, m):
    return grad.new_empty(*grad.shape[:2], m)


@torch.library.register_fake("recon_ops::gather_channels")
def _(features, index):
    return features.new_empty(*features.shape[:2], index.shape[1])


@torch.library.register_fake("recon_ops::gather_channels_backward")
def _(grad, index, n):
    return grad.new_empty(*grad.shape[:2], n)


@torch.library.register_fake("recon_ops::group")
def _(points, num_group, group_size, skip_origin):
    batch = points.shape[0]
    return (
        points.new_empty(batch, num_group, group_size, 3),
        points.new_empty(batch, num_group, 3),
        points.new_empty(batch, num_group, dtype=torch.int64),
        points.new_empty(batch, num_group, group_size, dtype=torch.int64),
    )


@torch.library.register_fake("recon_ops::max_pool")
def _(values):
    shape = values.shape[0], values.shape[2]
    return values.new_empty(shape), values.new_empty(shape, dtype=torch.int64)


@torch.library.register_fake("recon_ops::linear_max_backward")
def _(grad, index, points, weight):
    return points.new_empty(points.shape), weight.new_empty(weight.shape)


def _save_nearest(ctx, inputs, output):
    ctx.save_for_backward(*inputs, *output[2:])


def _nearest_backward(ctx, grad_a, grad_b, *_):
    a, b, index_a, index_b = ctx.saved_tensors
    into, (needs_a, needs_b) = torch.ops.recon_ops.nearest_backward, ctx.needs_input_grad
    into_a = into(grad_a, grad_b, a, b, index_a, index_b) if needs_a else None
    into_b = into(grad_b, grad_a, b, a, index_b, index_a) if needs_b else None
    return into_a, into_b


def _save_interpolate(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def _interpolate_backward(ctx, grad):
    features, index, weight = ctx.saved_tensors
    grad, into_features, into_weight = grad.contiguous(), None, None
    if ctx.needs_input_grad[0]:
        into_features = torch.ops.recon_ops.three_interpolate_backward(grad, index, weight, features.shape[2])
    if ctx.needs_input_grad[2]:
        picked = torch.ops.recon_ops.gather_channels(features, index.flatten(1)).unflatten(2, index.shape[1:])
        into_weight = (grad[..., None] * picked).sum(1)
    return into_features, None, into_weight


def _save_gather(ctx, inputs, output):
    features, index = inputs
    ctx.save_for_backward(index)
    ctx.total = features.shape[2]


def _gather_backward(ctx, grad):
    (index,) = ctx.saved_tensors
    return torch.ops.recon_ops.gather_channels_backward(grad, index, ctx.total), None


def _save_pool(ctx, inputs, output):
    ctx.save_for_backward(output[1])
    ctx.rows = inputs[0].shape[1]


def _pool_backward(ctx, grad, _):
    (index,) = ctx.saved_tensors
    return grad.new_zeros(grad.shape[0], ctx.rows, grad.shape[1]).scatter_(1, index[:, None], grad[:, None])


torch.library.register_autograd("recon_ops::max_pool", _pool_backward, setup_context=_save_pool)
torch.library.register_autograd("recon_ops::nearest", _nearest_backward, setup_context=_save_nearest)
torch.library.register_autograd("recon_ops::three_interpolate", _interpolate_backward, setup_context=_save_interpolate)
torch.library.register_autograd("recon_ops::gather_channels", _gather_backward, setup_context=_save_gather)


def _refuse_second(name: str) -> None:
    def refuse(ctx, *grads):
        raise NotImplementedError(f"recon_ops.{name} has no second derivative")

    torch.library.register_autograd(f"recon_ops::{name}_backward", refuse)


# Without this a second derivative would silently lack its share of these operators.
for _name in ("nearest", "three_interpolate", "gather_channels", "linear_max"):
    _refuse_second(_name)
