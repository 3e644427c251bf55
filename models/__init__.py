"""What is computed: the ReCon models, their teachers, and what they are compared with."""

from models.build import (
    CHECKPOINT_PREFIXES,
    MODELS,
    Trainable,
    build_model_from_cfg,
    downstream_of,
    parse_model_config,
)
from models.encoder import PointEncoder
from models.pretrained import load_pretrained, save_pretrained
from models.transformer import Patches

__all__ = [
    "CHECKPOINT_PREFIXES",
    "MODELS",
    "Patches",
    "PointEncoder",
    "Trainable",
    "build_model_from_cfg",
    "downstream_of",
    "load_pretrained",
    "parse_model_config",
    "save_pretrained",
]
