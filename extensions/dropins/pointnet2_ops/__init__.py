"""Stands in for the package `pointnet2_ops`: the same names on top of recon_ops, on the CPU too."""

from . import pointnet2_utils

__version__ = "3.0.0"

__all__ = ["pointnet2_utils"]
