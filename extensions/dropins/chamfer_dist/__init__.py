"""Stands in for the package `chamfer_dist`: the same names on top of recon_ops, on the CPU too."""

from types import SimpleNamespace

from torch import Tensor, nn

import recon_ops

__all__ = ["ChamferDistanceL1", "ChamferDistanceL2", "ChamferDistanceL2_split", "ChamferFunction"]

# Squared distances both ways, (B, M) and (B, N), of clouds (B, M, 3) and (B, N, 3).
ChamferFunction = SimpleNamespace(apply=recon_ops.nearest_squared_distances)


class _Chamfer(nn.Module):
    """Base of the Chamfer distances.

    Args:
        ignore_zeros: in a batch of one, leave out points whose coordinates sum to zero, such as padding.
    """

    def __init__(self, ignore_zeros: bool = False):
        super().__init__()
        self.ignore_zeros = ignore_zeros

    def _clouds(self, xyz1: Tensor, xyz2: Tensor) -> tuple[Tensor, Tensor]:
        pair = xyz1, xyz2
        if self.ignore_zeros and all(isinstance(xyz, Tensor) and xyz.dim() == 3 and len(xyz) == 1 for xyz in pair):
            xyz1, xyz2 = (xyz[xyz.sum(2) != 0].unsqueeze(0) for xyz in pair)
        return xyz1, xyz2


class ChamferDistanceL2(_Chamfer):
    """Chamfer distance on squared distances: mean over one cloud plus mean over the other."""

    def forward(self, xyz1: Tensor, xyz2: Tensor) -> Tensor:
        """Return the scalar distance of xyz1 (B, M, 3) and xyz2 (B, N, 3); ValueError if they do not fit."""
        return recon_ops.chamfer_l2(*self._clouds(xyz1, xyz2))


class ChamferDistanceL2_split(_Chamfer):
    """Chamfer distance on squared distances, its two halves apart."""

    def forward(self, xyz1: Tensor, xyz2: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means from xyz1 (B, M, 3) to xyz2 (B, N, 3) and back; ValueError if they do not fit."""
        there, back = recon_ops.nearest_squared_distances(*self._clouds(xyz1, xyz2))
        return there.mean(), back.mean()


class ChamferDistanceL1(_Chamfer):
    """Chamfer distance on distances: half the sum of both means. Coinciding points have gradient zero, not NaN."""

    def forward(self, xyz1: Tensor, xyz2: Tensor) -> Tensor:
        """Return the scalar distance of xyz1 (B, M, 3) and xyz2 (B, N, 3); ValueError if they do not fit."""
        return recon_ops.chamfer_l1(*self._clouds(xyz1, xyz2))
