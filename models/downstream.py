"""What the pretrained encoder is used for: classification, zero-shot, linear SVM."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from models.build import MODELS, EncoderConfig, Trainable, check_positive
from models.teachers import TeacherHolder, build_text_teacher
from models.transformer import ReConEncoder


class PointModel(Trainable, ReConEncoder):
    """The encoder as a downstream model: all groups visible, queries reading with gradient.

    Args:
        config: sizes of the encoder.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__(**config.encoder_arguments())

    def features(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) to queries (B, Q, C), three in ReCon, and local tokens (B, G, C)."""
        tokens, centers, _ = self.tokenize(points)
        return self.encode(tokens, centers)


@dataclass(kw_only=True)
class ClassifierConfig(EncoderConfig):
    """Keys of a `model` section with `NAME: PointTransformer`."""

    cls_dim: int
    type: Literal["full", "mlp3", "linear"] = "full"

    def __post_init__(self):
        super().__post_init__()
        check_positive(self, "cls_dim")


def classifier_head(width: int, config: ClassifierConfig) -> nn.Sequential:
    """Map features (B, width) to logits (B, classes): one linear layer for `type: linear`, otherwise three."""
    if config.type == "linear":
        return nn.Sequential(nn.Linear(width, config.cls_dim))
    layers = []
    for inputs in (width, 256):
        layers += [nn.Linear(inputs, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(256, config.cls_dim))


@MODELS.register("PointTransformer")
class PointTransformer(PointModel):
    """Classifier on the concatenation of the queries and the maximum over local tokens.

    Args:
        config: see `classifier_head` for its `type`.
    """

    Config = ClassifierConfig
    new_parameters = ("cls_head_finetune.",)

    def __init__(self, config: ClassifierConfig):
        super().__init__(config)
        self.cls_head_finetune = classifier_head((len(self.queries) + 1) * config.trans_dim, config)

    def head_parameters(self) -> list[str]:
        """The released rule: every name with `cls` in it, so the class token and its position too."""
        return [name for name, _ in self.named_parameters() if "cls" in name]

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        query, local = self.features(points)
        return self.cls_head_finetune(torch.cat((query.flatten(1), local.amax(1)), dim=1))


@dataclass(kw_only=True)
class ZeroShotConfig(EncoderConfig):
    """Keys of a `model` section with `NAME: PointTransformerZeroShot`.

    `img_encoder` and `cls_dim` are released keys and unused: no image is looked at.
    """

    type: Literal["full", "text", "image"] = "full"
    ratio: float = 1.0
    img_dim: int = 512
    text_dim: int = 512
    img_encoder: str | None = ""
    text_encoder: str | None = ""
    text_weights: str | None = None
    cls_dim: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_positive(self, "img_dim", "text_dim")
        if self.type == "full" and self.img_dim != self.text_dim:
            raise ValueError(
                f"type full adds both features, so img_dim {self.img_dim} must equal text_dim {self.text_dim}"
            )


@MODELS.register("PointTransformerZeroShot")
class PointTransformerZeroShot(TeacherHolder, PointModel):
    """Features in the space of the text teacher, to be compared with class names.

    Args:
        config: `type: full` is ratio * text feature + image feature.
    """

    Config = ZeroShotConfig

    def __init__(self, config: ZeroShotConfig):
        super().__init__(config)
        self.type, self.ratio = config.type, config.ratio
        self.img_proj = nn.Linear(config.trans_dim, config.img_dim)
        self.text_proj = nn.Linear(config.trans_dim, config.text_dim)
        self.hold_teachers(text=build_text_teacher(config.text_encoder, config.text_dim, config.text_weights))

    def project(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) to the text query's feature (B, text_dim) and the image query's (B, img_dim)."""
        query, _ = self.features(points)
        _, img_query, text_query = query.unbind(1)
        return self.text_proj(text_query), self.img_proj(img_query)

    def combine(self, text: Tensor, image: Tensor, kind: str) -> Tensor:
        """Make the feature (B, d) of `type: kind` of what `project` gives."""
        if kind == "full":
            return self.ratio * text + image
        return text if kind == "text" else image

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to features (B, d), not normalised."""
        return self.combine(*self.project(points), self.type)


@dataclass(kw_only=True)
class SVMConfig(EncoderConfig):
    """Keys of a `model` section with `NAME: PointTransformerSVM`; `cls_dim` is the released key and unused."""

    cls_dim: int | None = None


@MODELS.register("PointTransformerSVM")
class PointTransformerSVM(PointModel):
    """Frozen features for a linear support vector machine."""

    Config = SVMConfig

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to features (B, 2C): maximum over queries; maximum plus mean over local tokens."""
        query, local = self.features(points)
        return torch.cat((query.amax(1), local.amax(1) + local.mean(1)), dim=1)
