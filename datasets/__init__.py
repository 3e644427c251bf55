"""Data sets in their published layouts, read into one kind of sample."""

from datasets.build import DATASETS, PointDataset, build_dataset, collate, dataset_class

__all__ = ["DATASETS", "PointDataset", "build_dataset", "collate", "dataset_class"]
