"""Point operators: farthest point sampling, k nearest neighbours, gathering and Chamfer distance."""

from extensions.reference import chamfer_l1, chamfer_l2, farthest_point_sample, gather, knn, nearest_squared_distances

__all__ = ["chamfer_l1", "chamfer_l2", "farthest_point_sample", "gather", "knn", "nearest_squared_distances"]
