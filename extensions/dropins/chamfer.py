"""Stands in for the compiled module `chamfer`, for projects that bring their own `chamfer_dist` package."""

from functools import partial

import torch
from torch import Tensor

import recon_ops


@torch.no_grad()
def forward(xyz1: Tensor, xyz2: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Find nearest neighbours both ways.

    Args:
        xyz1: (B, M, 3) float coordinates.
        xyz2: (B, N, 3) float coordinates.

    Returns:
        float32 squared distances (B, M) and (B, N), int32 indices (B, M) into N and (B, N) into M.

    Raises:
        ValueError: if shapes, devices or values are wrong or a cloud is empty.
    """
    there, back, index1, index2 = recon_ops.nearest(xyz1, xyz2)
    return there, back, index1.int(), index2.int()


@torch.no_grad()
def backward(
    xyz1: Tensor, xyz2: Tensor, idx1: Tensor, idx2: Tensor, grad_dist1: Tensor, grad_dist2: Tensor
) -> tuple[Tensor, Tensor]:
    """Carry gradients of the squared distances back to the clouds.

    Args:
        xyz1: (B, M, 3) float coordinates.
        xyz2: (B, N, 3) float coordinates.
        idx1: (B, M) integer indices into N, from `forward`.
        idx2: (B, N) integer indices into M, from `forward`.
        grad_dist1: (B, M) gradients.
        grad_dist2: (B, N) gradients.

    Returns:
        float32 gradients (B, M, 3) and (B, N, 3).

    Raises:
        ValueError: if shapes do not fit or (on the CPU) an index is out of range.
    """
    for name, tensor, cloud in (
        ("xyz1", xyz1, xyz1),
        ("xyz2", xyz2, xyz2),
        ("idx1", idx1, xyz1),
        ("idx2", idx2, xyz2),
        ("grad_dist1", grad_dist1, xyz1),
        ("grad_dist2", grad_dist2, xyz2),
    ):
        expected = (len(xyz1), cloud.shape[1], 3)[: 3 if tensor is cloud else 2]
        if tuple(tensor.shape) != expected:
            raise ValueError(f"{name} must have the shape {expected}, got {tuple(tensor.shape)}")
    a, b, grad_a, grad_b = (tensor.float().contiguous() for tensor in (xyz1, xyz2, grad_dist1, grad_dist2))
    index_a, index_b = idx1.long().contiguous(), idx2.long().contiguous()
    into = partial(recon_ops.ops.call, "nearest_backward")
    return into(grad_a, grad_b, a, b, index_a, index_b), into(grad_b, grad_a, b, a, index_b, index_a)
