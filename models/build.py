"""From the `model` section of a config to a module, and what a model that is trained says of itself.

A model is one file in this folder or in `baselines/`: a dataclass of its config keys and a class filed in `MODELS`.
The files are found by themselves.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from torch import nn

from models.shape import EncoderShape
from models.transformer import BlockStack
from utils import distributed
from utils.config import parse
from utils.errors import UserError
from utils.registry import Registry

MODELS = Registry("model", "models", "models.baselines")
# What may stand in front of the encoder's names in published checkpoints.
CHECKPOINT_PREFIXES = ("base_model.", "MAE_encoder.")


@dataclass(kw_only=True)
class DownstreamConfig:
    """Keys of every downstream model: its name and, beside it, those of its encoder."""

    ALIASES = {key.name: "encoder" for key in fields(EncoderShape)}

    NAME: str
    encoder: EncoderShape = field(default_factory=EncoderShape)


class Trainable(nn.Module):
    """Every model that is trained or measured: what it says of itself, so that nobody else has to know its name.

    Attributes:
        pretrains: `forward(points, image, text, category)` gives loss terms by name.
        classifier: of a model that pretrains, the NAME of the classifier that it is fine-tuned as.
        embedders: of a model that pretrains, the NAME of what measures its "features" or "text" features, see `embeds`.
        probes: of a model that pretrains, what `validate` may measure: "svm", "zeroshot".
        classifies: `forward(points)` gives logits (B, classes), and the head is `cls_head_finetune`.
        has_losses: `forward(points, with_losses=True)` gives loss terms of its own beside the logits.
        segments: `forward` gives log-probabilities (B, N, classes): of "parts", given points and category, or of
            "scenes", given points.
        embeds: `forward(points)` gives "features" for a linear SVM, or features in the space of the "text" teacher.
        new_parameters: prefixes of the parameters that a pretraining checkpoint does not hold.
        unused_parameters: some parameters that require a gradient get none from the losses.
    """

    pretrains = False
    classifier: str | None = None
    embedders: Mapping[str, str] = MappingProxyType({})
    probes: tuple[str, ...] = ()
    classifies = False
    has_losses = False
    segments: Literal["parts", "scenes"] | None = None
    embeds: Literal["features", "text"] | None = None
    new_parameters: tuple[str, ...] = ()
    unused_parameters = False

    @classmethod
    def point_counts(cls, config: Any) -> dict[str, int]:
        """Keys of its config that count points of a cloud, of which there must be as many, with their values."""
        return {}

    def head_parameters(self) -> list[str]:
        """Names of the parameters that train at ten times the learning rate, all of them with weight decay."""
        return []

    def frozen_parameters(self) -> list[str]:
        """Names of the parameters that do not train under the protocol (`type`) of the model's config."""
        return []

    def group(self, points: Any) -> Any:
        """Do what of `forward` needs no gradient, for a model that cuts points (B, N, 3) into patches first.

        Returns:
            What `forward` takes in the place of the points.
        """
        return points

    def set_checkpointing(self, on: bool = True) -> None:
        """Recompute the activations of the transformer blocks in the backward pass instead of keeping them.

        Raises:
            UserError: if the model has no such blocks.
        """
        stacks = [module for module in self.modules() if isinstance(module, BlockStack)]
        if on and not stacks:
            raise UserError(f"checkpointing: {type(self).__name__} has no transformer blocks")
        for stack in stacks:
            stack.checkpointing = on


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


def build_model_from_cfg(cfg: Mapping) -> Trainable:
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


def downstream_of(model: Any, NAME: str, **keys: Any) -> Trainable:
    """Return the encoder of a pretraining model as a downstream model, on the CPU.

    Args:
        model: its `shape` and weights are taken, also those of its projections where the downstream model has them.
        NAME: of the downstream model.
        keys: those of its keys that do not describe the encoder.

    Raises:
        UserError: if the pretraining model lacks weights of the encoder.
    """
    shape = asdict(model.shape)
    shape = {key.name: shape[key.name] for key in fields(EncoderShape)} | {"drop_path_rate": 0.0}
    downstream = build_model_from_cfg({"NAME": NAME, **shape, **keys})
    whole = distributed.whole(dict(model.state_dict()))
    state = {name.removeprefix("MAE_encoder."): value for name, value in whole.items()}
    wanted = downstream.state_dict()
    lacking = [name for name in wanted if name not in state and "_proj." not in name]
    if lacking:
        raise UserError(f"{type(model).__name__} has no {lacking[0]}, which {NAME} needs")
    downstream.load_state_dict({name: state.get(name, value) for name, value in wanted.items()})
    return downstream
