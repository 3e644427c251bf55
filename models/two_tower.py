"""What ReCon is compared with: plain masked autoencoding, and contrast in a tower of its own (Table 9)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from extensions import max_pool
from models.build import MODELS, DownstreamConfig
from models.downstream import (
    Classifier,
    ClassifierConfig,
    PointModel,
    PointTransformer,
    PointTransformerZeroShot,
    SVMConfig,
    ZeroShotConfig,
    classifier_head,
)
from models.recon import MaskedAutoencoder, ReCon, ReConConfig, Split
from models.transformer import Patches, ReConEncoder


def check_plain(config: ReConConfig | DownstreamConfig) -> None:
    """Check a config whose encoders are plain: all tokens in one self-attention.

    `block_form` and `stop_grad` are keys of the ReCon block. They are known, so that these configs are differences
    over ReCon's, and have no effect.
    """
    if (form := config.encoder.block_form) != "released":
        raise ValueError(f"{config.NAME} is made of plain blocks; block_form {form} does not apply to it")


@dataclass(kw_only=True)
class PointMAEConfig(ReConConfig):
    """Keys of a `model` section with `NAME: PointMAE`: those of ReCon, with contrast switched off."""

    def __post_init__(self):
        super().__post_init__()
        check_plain(self)
        if self.img_encoder or self.text_encoder or self.self_contrastive:
            raise ValueError("PointMAE has no contrast: img_encoder and text_encoder '', self_contrastive false")


@MODELS.register("PointMAE")
class PointMAE(MaskedAutoencoder):
    """Masked autoencoder on plain blocks (Pang et al., 2022), without queries: reconstruction only.

    Args:
        config: see `PointMAEConfig`.
    """

    Config = PointMAEConfig
    classifier = "PlainTransformer"

    def __init__(self, config: PointMAEConfig):
        super().__init__(config, MAE_encoder=ReConEncoder(config.encoder, (), form="joint"))
        self._init_weights(config.transformer_config.init_std)


@dataclass(kw_only=True)
class TwoTowerConfig(ReConConfig):
    """Keys of a `model` section with `NAME: TwoTower`; `class_dim` and `cls_sample` are released and unused."""

    class_dim: int | None = None
    cls_sample: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_plain(self)


@MODELS.register("TwoTower")
class TwoTower(ReCon):
    """Reconstruction and contrast in two separate encoders that share nothing.

    `MAE_encoder` is Point-MAE's. `Dis_encoder` sees all groups of the cloud, behind an image and a text query that
    are matched to the teachers, and a cls query if `self_contrastive` wants one (not released).

    Args:
        config: see `TwoTowerConfig`.
    """

    Config = TwoTowerConfig
    classifier = "PointTransformerTwoTower"
    embedders = {"features": "TwoTowerSVM", "text": "TwoTowerZeroShot"}
    probes = ()

    def build_encoders(self, config: TwoTowerConfig) -> dict[str, ReConEncoder]:
        """Return the two towers by name."""
        queries = ("cls", "img", "text") if config.self_contrastive else ("img", "text")
        towers = {"MAE_encoder": (), "Dis_encoder": queries}
        return {name: ReConEncoder(config.encoder, queries, form="joint") for name, queries in towers.items()}

    def encode(self, patches: Patches, split: Split) -> tuple[Tensor, Tensor]:
        """As for ReCon, but the queries are those of the other tower."""
        _, local = super().encode(patches, split)
        return _queries(self.Dis_encoder, patches), local


def _queries(tower: ReConEncoder, patches: Patches) -> Tensor:
    """Queries (B, Q, C) of a tower that sees all patches."""
    return tower.encode(tower.encoder(patches.neighborhoods), patches.centers)[0]


@dataclass(kw_only=True)
class PlainClassifierConfig(ClassifierConfig):
    """Keys of a `model` section with `NAME: PlainTransformer`: those of `PointTransformer`."""

    def __post_init__(self):
        super().__post_init__()
        check_plain(self)


@MODELS.register("PlainTransformer")
class PlainTransformer(PointTransformer):
    """Classifier on one plain tower: Point-MAE fine-tuned, or the paper's Transformer from scratch.

    Its features are the cls query and the maximum over local tokens, 2C.
    """

    Config = PlainClassifierConfig
    queries, form = ("cls",), "joint"
    new_parameters = (*PointTransformer.new_parameters, "cls_token", "cls_pos")


@dataclass(kw_only=True)
class TwoTowerClassifierConfig(PlainClassifierConfig):
    """Keys of a `model` section with `NAME: PointTransformerTwoTower`."""

    stream: Literal["MDM", "CMC", "ALL"] = "ALL"

    def __post_init__(self):
        super().__post_init__()
        if self.stream != "CMC" and self.encoder.num_group < 3:
            raise ValueError(f"stream {self.stream} needs at least 3 groups, got num_group {self.encoder.num_group}")


@MODELS.register("PointTransformerTwoTower")
class PointTransformerTwoTower(Classifier, PointModel):
    """Classifier on the reconstruction tower (2C features), on the contrast tower (2C), or on both (4C).

    The towers that a stream does not use do not exist. The maximum over the tokens of the reconstruction tower leaves
    out the first two patches, as released: it starts at index 3, though only one query stands in front.

    Args:
        config: `stream` is MDM (reconstruction), CMC (contrast) or ALL.
    """

    Config = TwoTowerClassifierConfig
    new_parameters = PlainTransformer.new_parameters

    def __init__(self, config: TwoTowerClassifierConfig):
        shape = config.encoder
        if config.stream == "CMC":
            nn.Module.__init__(self)
            self.num_group, self.group_size = shape.num_group, shape.group_size
        else:
            super().__init__(shape, ("cls",), form="joint")
        self.stream, self.protocol = config.stream, config.type
        if config.stream != "MDM":
            self.Dis_encoder = ReConEncoder(shape, ("img", "text"), form="joint")
        self.cls_head_finetune = classifier_head((4 if config.stream == "ALL" else 2) * shape.trans_dim, config)

    def head_parameters(self) -> list[str]:
        """None: the released optimizer trains all of it at one rate."""
        return []

    def forward(self, points: Tensor | Patches) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        patches, features = self.group(points), []
        if self.stream != "CMC":
            query, local = self.features(patches)
            features += [query.flatten(1), max_pool(local[:, 2:])]
        if self.stream != "MDM":
            features.append(_queries(self.Dis_encoder, patches).flatten(1))
        return self.cls_head_finetune(torch.cat(features, dim=1))


@dataclass(kw_only=True)
class TwoTowerSVMConfig(SVMConfig):
    """Keys of a `model` section with `NAME: TwoTowerSVM`: those of `PointTransformerSVM`."""

    def __post_init__(self):
        check_plain(self)


@MODELS.register("TwoTowerSVM")
class TwoTowerSVM(PointModel):
    """Frozen features of both towers for a linear support vector machine, put together as `PointTransformerSVM` does.

    The paper has no such number; queries and local tokens come from the tower that each was trained in.
    """

    Config = TwoTowerSVMConfig
    embeds = "features"

    def __init__(self, config: TwoTowerSVMConfig):
        super().__init__(config.encoder, (), form="joint")
        self.Dis_encoder = ReConEncoder(config.encoder, ("img", "text"), form="joint")

    def forward(self, points: Tensor | Patches) -> Tensor:
        """Map points (B, N, 3) to features (B, 2C): maximum over queries; maximum plus mean over local tokens."""
        patches = self.group(points)
        _, local = self.features(patches)
        query = _queries(self.Dis_encoder, patches)
        return torch.cat((query.amax(1), local.amax(1) + local.mean(1)), dim=1)


@dataclass(kw_only=True)
class TwoTowerZeroShotConfig(ZeroShotConfig):
    """Keys of a `model` section with `NAME: TwoTowerZeroShot`: those of `PointTransformerZeroShot`."""

    def __post_init__(self):
        super().__post_init__()
        check_plain(self)


@MODELS.register("TwoTowerZeroShot")
class TwoTowerZeroShot(PointTransformerZeroShot):
    """Features of the contrast tower in the space of the text teacher."""

    Config = TwoTowerZeroShotConfig
    queries, form = (), "joint"

    def __init__(self, config: TwoTowerZeroShotConfig):
        super().__init__(config)
        self.Dis_encoder = ReConEncoder(config.encoder, ("img", "text"), form="joint")

    def project(self, points: Tensor | Patches) -> tuple[Tensor, Tensor]:
        img_query, text_query = _queries(self.Dis_encoder, self.group(points)).unbind(1)
        return self.text_proj(text_query), self.img_proj(img_query)
