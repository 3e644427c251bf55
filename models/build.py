"""Model registry: the `model` section of a config to a module."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from utils.config import parse
from utils.errors import UserError
from utils.registry import Registry

MODELS = Registry("model", "models", "models.baselines")
# What may stand in front of the encoder's names in published checkpoints.
CHECKPOINT_PREFIXES = ("base_model.", "MAE_encoder.")
BlockForm = Literal["released", "slides", "joint"]


@dataclass(kw_only=True)
class EncoderConfig:
    """Keys of every downstream model: the shape of the encoder."""

    NAME: str
    trans_dim: int = 384
    encoder_dims: int = 384
    patch_dim: int = 128
    depth: int = 12
    num_heads: int = 6
    drop_path_rate: float = 0.0
    num_group: int = 64
    group_size: int = 32
    block_form: BlockForm = "released"

    def __post_init__(self):
        check_encoder(self)

    def encoder_arguments(self) -> dict:
        """The arguments of `ReConEncoder`, queries reading with gradient, as in every downstream model."""
        names = ("trans_dim", "patch_dim", "depth", "num_heads", "num_group", "group_size", "drop_path_rate")
        return {name: getattr(self, name) for name in (*names, "block_form")}


class Trainable:
    """Mixed into every model that is trained: what it says of its own training.

    Attributes:
        new_parameters: prefixes of the parameters that a pretraining checkpoint does not hold.
        has_losses: `forward(points, with_losses=True)` gives loss terms of its own beside the logits.
    """

    new_parameters: tuple[str, ...] = ()
    has_losses = False
    pretrains = classifies = gives_features = embeds = False
    segments: str | None = None

    def group(self, points):
        """Group points (B, N, 3), or return them as they are."""
        return points

    def frozen_parameters(self) -> list[nn.Parameter]:
        """What does not train under the config's `type`."""
        return []

    def head_parameters(self) -> list[str]:
        """Names of the parameters that train at ten times the learning rate, all of them with weight decay."""
        return []


def check_positive(config, *names: str) -> None:
    """Raise a ValueError where one of these keys is given and less than 1."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def check_encoder(config) -> None:
    """Raise a ValueError where the sizes of an encoder do not fit together."""
    check_positive(config, "trans_dim", "patch_dim", "depth", "num_heads")
    if config.trans_dim % config.num_heads:
        raise ValueError(f"trans_dim {config.trans_dim} is not a multiple of num_heads {config.num_heads}")
    if config.encoder_dims != config.trans_dim:
        raise ValueError(f"encoder_dims {config.encoder_dims} must equal trans_dim {config.trans_dim}")
    if not 0 <= config.drop_path_rate < 1:
        raise ValueError(f"drop_path_rate must be in [0, 1), got {config.drop_path_rate}")


def parse_model_config(cfg: Mapping):
    """Check a `model` section; returns the model class and its typed config.

    Raises:
        UserError: for an unknown model name, unknown, missing or ill-typed keys, and values that do not fit.
    """
    if not isinstance(cfg, Mapping):
        raise UserError(f"config section 'model' must be a mapping, got {cfg!r}")
    if set(cfg) == {"cls_dim"}:
        cfg = {"NAME": "PartSegmentation", **cfg}  # the released one, which had no name
    if "NAME" not in cfg:
        raise UserError("missing config key 'model.NAME'")
    if not isinstance(cfg["NAME"], str):
        raise UserError(f"config key 'model.NAME' must be text, got {cfg['NAME']!r}")
    cls = MODELS.get(cfg["NAME"])
    return cls, parse(cls.Config, cfg, "model")


def build_model_from_cfg(cfg: Mapping) -> nn.Module:
    """Build the model that a config's `model` section describes.

    Args:
        cfg: mapping with `NAME` and the keys of that model's `Config`.

    Returns:
        The module, on the CPU, in train mode, freshly initialised.

    Raises:
        UserError: see `parse_model_config`; also when a teacher's weights cannot be had.
    """
    cls, config = parse_model_config(cfg)
    return cls(config)
