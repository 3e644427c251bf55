"""Table 1's models without pretraining, each written from its paper, on the operators of this project."""

from models.baselines import dgcnn, pct, pointmlp, pointnet, pointnet2  # noqa: F401  (fills the registry)
