"""What the pretrained encoder is used for: classification, zero-shot, linear SVM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from extensions import max_pool
from models.build import MODELS, DownstreamConfig, Trainable
from models.shape import check_positive
from models.teachers import PASS_THROUGH, TeacherHolder, build_text_teacher
from models.transformer import Patches, ReConEncoder
from utils.errors import UserError


class PointModel(ReConEncoder, Trainable):
    """The encoder as a downstream model: all groups visible, queries reading with gradient.

    Where such a model takes points (B, N, 3), it takes what `group` makes of them as well.
    """

    @classmethod
    def point_counts(cls, config: DownstreamConfig) -> dict[str, int]:
        return {"num_group": config.encoder.num_group, "group_size": config.encoder.group_size}

    def features(self, points: Tensor | Patches) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) to queries (B, Q, C), three in ReCon, and local tokens (B, G, C)."""
        tokens, centers, _ = self.tokenize(points)
        return self.encode(tokens, centers)


@dataclass(kw_only=True)
class ClassifierConfig(DownstreamConfig):
    """Keys of a `model` section with `NAME: PointTransformer`."""

    cls_dim: int
    type: Literal["full", "mlp3", "linear"] = "full"

    def __post_init__(self):
        check_positive(self, "cls_dim")


def classifier_head(width: int, config: ClassifierConfig) -> nn.Sequential:
    """Map features (B, width) to logits (B, classes): one linear layer for `type: linear`, otherwise three."""
    if config.type == "linear":
        return nn.Sequential(nn.Linear(width, config.cls_dim))
    layers = []
    for inputs in (width, 256):
        layers += [nn.Linear(inputs, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(256, config.cls_dim))


class Classifier(Trainable):
    """Mixed into a classifier on an encoder: which of its parameters are the head, by the released rules."""

    classifies = True
    new_parameters = ("cls_head_finetune.",)
    protocol: Literal["full", "mlp3", "linear"]

    def head_parameters(self) -> list[str]:
        """Every name with `cls` in it, so the class token and its position too."""
        return [name for name, _ in self.named_parameters() if "cls" in name]

    def frozen_parameters(self) -> list[str]:
        """Of the protocols `linear` and `mlp3` all but the head."""
        return [] if self.protocol == "full" else [name for name, _ in self.named_parameters() if "cls" not in name]


@MODELS.register("PointTransformer")
class PointTransformer(Classifier, PointModel):
    """Classifier on the concatenation of the queries and the maximum over local tokens.

    Args:
        config: see `classifier_head` for its `type`.
    """

    Config = ClassifierConfig
    queries, form = ("cls", "img", "text"), None

    def __init__(self, config: ClassifierConfig):
        super().__init__(config.encoder, self.queries, form=self.form)
        self.protocol = config.type
        self.cls_head_finetune = classifier_head((len(self.queries) + 1) * config.encoder.trans_dim, config)

    def forward(self, points: Tensor | Patches) -> Tensor:
        """Map points (B, N, 3) to logits (B, classes)."""
        query, local = self.features(points)
        return self.cls_head_finetune(torch.cat((query.flatten(1), max_pool(local)), dim=1))


@dataclass(kw_only=True)
class ZeroShotConfig(DownstreamConfig):
    """Keys of a `model` section with `NAME: PointTransformerZeroShot`.

    Left out, `text_dim` is the width of the text teacher's features, and `img_dim` that of the checkpoint (`fit_to`).
    `img_encoder` and `cls_dim` are released keys and unused: no image is looked at.
    """

    type: Literal["full", "text", "image"] = "full"
    ratio: float = 1.0
    img_dim: int | None = None
    text_dim: int | None = None
    img_encoder: str | None = ""
    text_encoder: str | None = ""
    text_weights: str | None = None
    cls_dim: int | None = None

    def __post_init__(self):
        check_positive(self, "img_dim", "text_dim")
        if self.type == "full" and None not in (self.img_dim, self.text_dim) and self.img_dim != self.text_dim:
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
    embeds = "text"
    queries, form = ("cls", "img", "text"), None

    def __init__(self, config: ZeroShotConfig):
        super().__init__(config.encoder, self.queries, form=self.form)
        width = config.encoder.trans_dim
        self.kind, self.ratio = config.type, config.ratio
        # Given features have no width of their own; 512 is CLIP's.
        text_dim = config.text_dim or (512 if config.text_encoder in PASS_THROUGH else None)
        text_teacher = build_text_teacher(config.text_encoder, text_dim, config.text_weights)
        text_dim = text_teacher.dim if text_teacher else text_dim or 512
        self.img_dim = config.img_dim
        self.kinds = ("text", "image", "full") if self.img_dim in (None, text_dim) else ("text",)
        self.img_proj = nn.Linear(width, config.img_dim or text_dim)
        self.text_proj = nn.Linear(width, text_dim)
        self.hold_teachers(text=text_teacher)

    def fit_to(self, weights: Mapping[str, Tensor]) -> tuple[str, ...]:
        """Give `img_proj` the width that it has in a checkpoint, and set `kinds` to what can be measured with it.

        Args:
            weights: state dict of the checkpoint.

        Returns:
            Prefixes of the weights that it lacks and that `type` does not need.

        Raises:
            UserError: if `type` is not among those kinds, or a width is not what the config says.
        """
        held = {kind: weights.get(f"{kind}_proj.weight") for kind in ("text", "img")}
        text, img = (None if weight is None else weight.shape[0] for weight in held.values())
        text_dim = self.text_proj.out_features
        if text not in (None, text_dim):
            raise UserError(
                f"its text_proj gives {text} numbers, text features have {text_dim}: model.text_encoder (and "
                "model.text_dim) must be the text teacher of its pretraining"
            )
        if None not in (img, self.img_dim) and img != self.img_dim:
            raise UserError(f"its img_proj gives {img} numbers, model.img_dim is {self.img_dim}: leave that key out")
        if img is not None:
            self.img_proj = nn.Linear(self.img_proj.in_features, img)
        self.kinds = tuple(kind for kind, width in (("text", text), ("image", img)) if width == text_dim)
        self.kinds += ("full",) * (len(self.kinds) == 2)
        if self.kind not in self.kinds:
            lacking = [f"{kind}_proj" for kind, width in (("text", text), ("img", img)) if width is None]
            problem = f"it has no {' and no '.join(lacking)}"
            if not lacking:
                problem = (
                    f"its img_proj gives {img} numbers, text features have {text_dim} (its image teacher is no CLIP)"
                )
            can = f"; model.type={self.kinds[0]} goes with it" if self.kinds else ""
            raise UserError(f"model.type {self.kind} does not go with this checkpoint: {problem}{can}")
        return tuple(f"{kind}_proj." for kind, width in (("text", text), ("img", img)) if width is None)

    def project(self, points: Tensor | Patches) -> tuple[Tensor, Tensor]:
        """Map points (B, N, 3) to the text query's feature (B, text_dim) and the image query's (B, img_dim)."""
        query, _ = self.features(points)
        _, img_query, text_query = query.unbind(1)
        return self.text_proj(text_query), self.img_proj(img_query)

    def combine(self, text: Tensor, image: Tensor, kind: str) -> Tensor:
        """Make the feature (B, d) of `type: kind` of what `project` gives."""
        if kind == "full":
            return self.ratio * text + image
        return text if kind == "text" else image

    def forward(self, points: Tensor | Patches) -> Tensor:
        """Map points (B, N, 3) to features (B, d), not normalised."""
        return self.combine(*self.project(points), self.kind)


@dataclass(kw_only=True)
class SVMConfig(DownstreamConfig):
    """Keys of a `model` section with `NAME: PointTransformerSVM`; `cls_dim` is the released key and unused."""

    cls_dim: int | None = None


@MODELS.register("PointTransformerSVM")
class PointTransformerSVM(PointModel):
    """Frozen features for a linear support vector machine."""

    Config = SVMConfig
    embeds = "features"

    def __init__(self, config: SVMConfig):
        super().__init__(config.encoder)

    def forward(self, points: Tensor | Patches) -> Tensor:
        """Map points (B, N, 3) to features (B, 2C): maximum over queries; maximum plus mean over local tokens."""
        query, local = self.features(points)
        return torch.cat((query.amax(1), local.amax(1) + local.mean(1)), dim=1)
