"""Point operators: sampling, nearest neighbours, grouping, interpolation and Chamfer distance, from `recon_ops`."""

import os
import sys
from pathlib import Path

# First on the path for now, so that this copy is the one `recon_ops` in the whole process, installed or not: its
# operators can be registered with PyTorch only once. RECON_OPS_INSTALLED=1 takes the installed one, to test a wheel.
if os.environ.get("RECON_OPS_INSTALLED") != "1":
    sys.path.insert(0, str(Path(__file__).parent))

import recon_ops
from recon_ops import (
    ball_query,
    chamfer_l1,
    chamfer_l2,
    farthest_point_sample,
    gather,
    group,
    knn,
    max_pool,
    three_interpolate,
    three_nn,
)

if os.environ.get("RECON_OPS_INSTALLED") != "1":
    sys.path.remove(str(Path(__file__).parent))
# The same modules by their longer names: importing them a second time would register the operators again.
for _name, _module in list(sys.modules.items()):
    if _name == "recon_ops" or _name.startswith("recon_ops."):
        sys.modules[f"extensions.{_name}"] = _module

__all__ = [
    "ball_query",
    "chamfer_l1",
    "chamfer_l2",
    "farthest_point_sample",
    "gather",
    "group",
    "knn",
    "max_pool",
    "recon_ops",
    "three_interpolate",
    "three_nn",
]
