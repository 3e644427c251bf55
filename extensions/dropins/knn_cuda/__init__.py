"""Stands in for the package `knn_cuda`: the same names on top of recon_ops, on the CPU too."""

import torch
from torch import Tensor, nn

import recon_ops

__version__ = "0.2"

__all__ = ["KNN", "knn"]


@torch.no_grad()
def knn(ref: Tensor, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Find the k nearest references of each query of one cloud.

    Args:
        ref: (C, N) float coordinates.
        query: (C, M) float coordinates.
        k: how many, 1 <= k <= N.

    Returns:
        (k, M) float32 distances, not squared, nearest first, and (k, M) int64 indices into N.

    Raises:
        ValueError: if shapes, devices or values are wrong or k is out of range.
    """
    distance, index = KNN(k)(ref.unsqueeze(0), query.unsqueeze(0))
    return distance[0], index[0]


class KNN(nn.Module):
    """k nearest neighbours by Euclidean distance.

    Args:
        k: how many, at least 1.
        transpose_mode: clouds come as (B, N, C) and results go as (B, M, k); otherwise (B, C, N) and (B, k, M).
    """

    def __init__(self, k: int, transpose_mode: bool = False):
        super().__init__()
        self.k, self._t = k, transpose_mode

    @torch.no_grad()
    def forward(self, ref: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Find the nearest references of each query.

        Args:
            ref: (B, N, C) float coordinates, or (B, C, N).
            query: (B, M, C) float coordinates, or (B, C, M).

        Returns:
            (B, M, k) float32 distances, not squared, nearest first, and (B, M, k) int64 indices into N; or (B, k, M).

        Raises:
            ValueError: if shapes, devices or values are wrong or k is out of range.
        """
        for name, cloud in (("ref", ref), ("query", query)):
            if not isinstance(cloud, Tensor) or cloud.dim() != 3:
                raise ValueError(f"{name} must be a tensor of three dimensions")
        if not self._t:
            ref, query = ref.mT, query.mT
        squared, index = recon_ops.knn(query, ref, self.k, sorted=True, return_distances=True)
        distance = squared.sqrt()
        return (distance, index) if self._t else (distance.mT.contiguous(), index.mT.contiguous())
