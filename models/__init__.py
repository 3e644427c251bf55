"""What is computed: the ReCon models, their teachers, and what they are compared with."""

from models import baselines, downstream, recon, segmentation, two_tower  # noqa: F401  (fills the registry)
from models.build import CHECKPOINT_PREFIXES, build_model_from_cfg, parse_model_config

__all__ = ["CHECKPOINT_PREFIXES", "build_model_from_cfg", "parse_model_config"]
