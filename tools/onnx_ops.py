"""The point operators of an encoder in ONNX: farthest point sampling is a Loop, kNN a TopK over all distances.

Squares and sums are separate operations, and ties go to the lowest index, as in our own kernels.
"""

# The functions below are read by onnxscript as a language of its own, which type checkers do not know.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportPossiblyUnboundVariable=false, reportReturnType=false
from typing import Any

import torch
from onnxscript import FLOAT, INT64, script
from onnxscript import opset18 as op
from onnxscript.values import Opset

from extensions.recon_ops.reference import ORIGIN_RADIUS_SQUARED


@script(Opset("recon_ops", 1), default_opset=op)
def farthest_point_sample(points: FLOAT[...], num_samples: INT64[...], origin: FLOAT[...]) -> INT64[...]:
    """Indices (B, G, 1) of points (B, N, 3); those with a squared norm up to `origin` are never picked."""
    x, y, z = op.Split(op.Mul(points, points), num_outputs=3, axis=2)
    near = op.LessOrEqual(op.Add(op.Add(x, y), z), origin)
    distance = op.Where(near, op.Constant(value_float=-1.0), op.Constant(value_float=float("inf")))
    one = op.Constant(value_ints=[1])
    zero = op.Constant(value_int=0)
    batch = op.Shape(points, start=0, end=1)
    count = op.Squeeze(num_samples)
    last = op.Expand(zero, op.Concat(batch, one, one, axis=0))
    # Of one shape throughout the loop, so that all that follows has a known shape.
    picked = op.Expand(zero, op.Concat(batch, num_samples, one, axis=0))
    slots = op.Unsqueeze(op.Range(zero, count, op.Constant(value_int=1)), one)
    for step in range(op.Sub(count, op.Constant(value_int=1))):
        place = op.Expand(last, op.Constant(value_ints=[1, 1, 3]))
        delta = op.Sub(points, op.GatherElements(points, place, axis=1))
        x, y, z = op.Split(op.Mul(delta, delta), num_outputs=3, axis=2)
        distance = op.Min(distance, op.Add(op.Add(x, y), z))
        last = op.ArgMax(distance, axis=1, keepdims=1)
        here = op.Equal(slots, op.Add(step, op.Constant(value_int=1)))
        picked = op.Where(here, last, picked)
    return picked


def _rows(points: Any, index: Any) -> Any:
    """Points (B, L, 3) at indices (B, L, 1)."""
    return op.GatherElements(points, op.Expand(index, _ints(1, 1, 3)), axis=1)


def _ints(*values: int) -> Any:
    return op.Constant(value_ints=values)


def group(points: Any, num_group: int, group_size: int, skip_origin: bool) -> tuple[Any, ...]:
    """See `recon_ops.group`."""
    origin = op.Constant(value_float=ORIGIN_RADIUS_SQUARED if skip_origin else -1.0)
    picked = farthest_point_sample(points, _ints(num_group), origin)
    centers = _rows(points, picked)
    around = op.Unsqueeze(centers, _ints(2))
    delta = op.Sub(around, op.Unsqueeze(points, _ints(1)))
    square = op.Mul(delta, delta)
    # No Split: the exporter of PyTorch 2.6 takes it for an operator of one output.
    x, y, z = (op.Slice(square, _ints(i), _ints(i + 1), _ints(3)) for i in range(3))
    distance = op.Squeeze(op.Add(op.Add(x, y), z), _ints(3))
    _, index = op.TopK(distance, _ints(group_size), axis=2, largest=0, sorted=1)
    near = _rows(points, op.Reshape(index, _ints(0, -1, 1)))
    near = op.Reshape(near, op.Concat(op.Shape(index), _ints(3), axis=0))
    return op.Sub(near, around), centers, op.Squeeze(picked, _ints(2)), index


def max_pool(values: Any) -> tuple[Any, ...]:
    """See `recon_ops.max_pool`."""
    return op.ReduceMax(values, _ints(1), keepdims=0), op.ArgMax(values, axis=1, keepdims=0)


TRANSLATIONS = {
    torch.ops.recon_ops.group.default: group,
    torch.ops.recon_ops.max_pool.default: max_pool,
}
