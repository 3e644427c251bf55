"""Pretraining: masked point modelling and cross-modal contrast in one model."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from extensions import gather, knn
from models.build import MODELS, Trainable
from models.losses import CONTRASTS, RECONSTRUCTION_LOSSES, info_nce, single_modal_contrast
from models.shape import EncoderShape, TransformerConfig, check_positive
from models.teachers import PASS_THROUGH, TeacherHolder, build_image_teacher, build_text_teacher, check_one_space
from models.transformer import Decoder, Patches, ReConEncoder, position_mlp
from utils import distributed


@dataclass(kw_only=True)
class ReConConfig:
    """Keys of a `model` section with `NAME: ReCon`.

    `contrast` matches queries to the teachers, see `losses.CONTRASTS`; smooth-L1 is the paper's. `train_teachers`
    starts the teachers from random weights and trains them jointly. With `gather_contrast` what contrasts samples of a
    batch, `smc` and `info_nce`, takes that of all processes; without, every process has its own, as released.
    """

    ALIASES = dict.fromkeys(("num_group", "group_size", "block_form"), "transformer_config")

    NAME: str
    transformer_config: TransformerConfig
    loss: Literal["cdl1", "cdl2"] = "cdl2"
    contrast: Literal["smooth_l1", "info_nce"] = "smooth_l1"
    img_encoder: str | None = ""
    text_encoder: str | None = ""
    img_dim: int | None = None
    text_dim: int | None = None
    img_weights: str | None = None
    text_weights: str | None = None
    self_contrastive: bool = False
    gather_contrast: bool = True
    reconstruct: bool = True
    stop_grad: bool = True
    train_teachers: bool = False

    def __post_init__(self):
        check_positive(self, "img_dim", "text_dim")
        if not (self.reconstruct or self.img_encoder or self.text_encoder or self.self_contrastive):
            raise ValueError("every loss is switched off")
        if self.stop_grad and self.encoder.block_form == "joint":
            raise ValueError("block_form joint is one stream, in which no gradient can be cut: set stop_grad to false")
        given = {self.img_encoder, self.text_encoder} & set(PASS_THROUGH) or self.img_weights or self.text_weights
        if self.train_teachers and given:
            raise ValueError("train_teachers starts from nothing: it takes neither given features nor given weights")

    @property
    def encoder(self) -> EncoderShape:
        """The shape of the encoder, as every model's config has it."""
        return self.transformer_config


class Split(NamedTuple):
    """Which patches are seen: indices of the `visible` (B, V) and of the `hidden` ones (B, M)."""

    visible: Tensor
    hidden: Tensor


class MaskedAutoencoder(Trainable):
    """What every pretraining model has: patches are hidden, and predicted from the visible ones.

    A model that is one draws its first weights with `_init_weights`, once all of its parts are there.

    Args:
        config: see `ReConConfig`.
        encoders: by name; `MAE_encoder` sees the visible patches.
    """

    pretrains = True
    jointly_trained = False  # its teachers
    MAE_encoder: ReConEncoder
    increase_dim: Any  # nn.Sequential, which does not tell of what type its layer is

    def __init__(self, config: ReConConfig, **encoders: ReConEncoder):
        super().__init__()
        self.shape = shape = config.transformer_config
        width = shape.trans_dim
        self.loss = RECONSTRUCTION_LOSSES[config.loss]
        self.reconstructs = config.reconstruct

        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        for name, encoder in encoders.items():
            self.add_module(name, encoder)
        self.decoder_pos_embed = position_mlp(width)
        self.MAE_decoder = Decoder(width, shape.decoder_depth, shape.decoder_num_heads, shape.drop_path_rate)
        self.increase_dim = nn.Sequential(nn.Conv1d(width, 3 * shape.group_size, 1))

    @classmethod
    def point_counts(cls, config: ReConConfig) -> dict[str, int]:
        return {"num_group": config.encoder.num_group, "group_size": config.encoder.group_size}

    def _init_weights(self, std: float | None) -> None:
        nn.init.trunc_normal_(self.mask_token, std=0.02)
        for encoder in self.children():
            if isinstance(encoder, ReConEncoder):
                _init_encoder(encoder, std)
        for module in self.MAE_decoder.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def group(self, points: Tensor | Patches) -> Patches:
        """Cut points (B, N, 3) into patches, unless that is done."""
        return self.MAE_encoder.group(points)

    def draw_mask(self, centers: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Choose the groups to hide.

        Args:
            centers: (B, G, 3) group centres.
            generator: source of randomness on the device of `centers`.

        Returns:
            (B, G) bool, True where hidden, the same number in every row: uniformly ("rand"), or a random centre and
            those nearest to it ("block").
        """
        batch, groups, _ = centers.shape
        if self.shape.mask_type == "block":
            seed = torch.randint(groups, (batch, 1), generator=generator, device=centers.device)
            hidden = knn(gather(centers, seed), centers, self.shape.num_masked)[:, 0]
        else:
            noise = torch.rand(batch, groups, generator=generator, device=centers.device)
            hidden = noise.argsort(dim=1)[:, : self.shape.num_masked]
        return torch.zeros(batch, groups, dtype=torch.bool, device=centers.device).scatter_(1, hidden, True)

    def split(
        self, centers: Tensor, mask: Tensor | Split | None = None, generator: torch.Generator | None = None
    ) -> Split:
        """Split the groups at `centers` (B, G, 3) by a mask, drawn if None, unless that is done."""
        if isinstance(mask, Split):
            return mask
        num_masked = self.shape.num_masked
        if mask is None:
            mask = self.draw_mask(centers, generator)
        else:
            num_masked = _rows_equal(mask, centers.shape[:2])
        # Stable: visible groups first, then the hidden ones, each in their original order.
        order = mask.int().argsort(dim=1, stable=True)
        return Split(*order.tensor_split((order.shape[1] - num_masked,), dim=1))

    def encode(self, patches: Patches, split: Split) -> tuple[Tensor, Tensor]:
        """Tokenise and encode the visible patches; returns queries (B, Q, C) and local tokens (B, V, C)."""
        seen, unseen = (_pick(patches.neighborhoods, index) for index in split)
        return self.MAE_encoder.encode(self.MAE_encoder.encoder(seen, unseen), gather(patches.centers, split.visible))

    def decode(self, local: Tensor, centers: Tensor, split: Split) -> Tensor:
        """Predict the hidden neighbourhoods (B, M, K, 3) from the encoded visible tokens (B, V, C)."""
        masked = self.mask_token.expand(*split.hidden.shape, -1)
        pos = self.decoder_pos_embed(gather(centers, torch.cat(split, dim=1)))
        features = self.MAE_decoder(torch.cat((local, masked), dim=1), pos, split.hidden.shape[1])
        (layer,) = self.increase_dim
        return F.linear(features, layer.weight[..., 0], layer.bias).unflatten(-1, (-1, 3))

    def targets(self, image: Any = None, text: Any = None) -> dict[str, Tensor]:
        """What the teachers say of a batch, by name: nothing, where there are none."""
        return {}

    def contrast(self, query: Tensor, targets: dict[str, Tensor], category: Tensor | None) -> dict[str, Tensor]:
        """Loss terms of the queries (B, Q, C): none, where there is no contrast."""
        return {}

    def prepare(
        self,
        points: Tensor | Patches,
        image: Tensor | None = None,
        text: list[str] | Tensor | None = None,
        category: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> dict[str, Any]:
        """Do what of a step can be done for the next batch while this one trains: group, mask, ask the teachers.

        Returns:
            The arguments of `forward`, which then draws nothing and can be compiled as one graph.
        """
        patches = self.group(points)
        inputs = {"points": patches, "category": category, "mask": self.split(patches.centers, mask, generator)}
        if self.jointly_trained:
            return {**inputs, "image": image, "text": text}
        return {**inputs, "targets": self.targets(image, text)}

    def forward(
        self,
        points: Tensor | Patches,
        image: Tensor | None = None,
        text: list[str] | Tensor | None = None,
        category: Tensor | None = None,
        mask: Tensor | Split | None = None,
        generator: torch.Generator | None = None,
        targets: dict[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the loss terms of a batch.

        Args:
            points: (B, N, 3) float coordinates, or what `group` makes of them.
            image: what the image teacher takes: (B, 3, H, W), or its features (B, d) for `features`.
            text: what the text teacher takes: B strings, or its features (B, d) for `features`.
            category: (B,) int64, equal where samples share a category name; needed for `smc`.
            mask: (B, G) bool, True where hidden, the same number in every row, or what `split` makes of it; drawn if
                None.
            generator: source of randomness of the mask, on the device of `points`.
            targets: what `targets` gives; left out, the teachers are asked.

        Returns:
            Scalar losses by name, those that apply of `losses.LOSS_TERMS`; train on their weighted sum.

        Raises:
            ValueError: if the category is missing though `smc` needs it, or shapes do not fit.
            UserError: if an input is not what its teacher takes, see `Teacher.encode`.
        """
        if targets is None:
            targets = self.targets(image, text)
        patches = self.group(points)
        split = self.split(patches.centers, mask, generator)
        query, local = self.encode(patches, split)
        losses = {}
        if self.reconstructs:
            predicted = self.decode(local, patches.centers, split)
            truth = _pick(patches.neighborhoods, split.hidden)
            losses["mdm"] = self.loss(predicted.flatten(0, 1), truth.flatten(0, 1))
        # Queries of one batch are alike at first, and BatchNorm in a projection would enlarge what bfloat16 rounds off.
        with torch.autocast(query.device.type, enabled=False):
            return {**losses, **self.contrast(query.float(), targets, category)}

    @torch.no_grad()
    def reconstruct(
        self, points: Tensor | Patches, mask: Tensor | None = None, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Hide groups and fill them in again, for pictures.

        Args:
            points: (B, N, 3) float coordinates.
            mask: (B, G) bool, True where hidden; drawn if None.
            generator: source of randomness of the mask.

        Returns:
            `visible` (B, V*K, 3), `masked` (B, M*K, 3) and `predicted` (B, M*K, 3) points in the frame of the input.
        """
        patches = self.group(points)
        split = self.split(patches.centers, mask, generator)
        _, local = self.encode(patches, split)
        placed = patches.neighborhoods + patches.centers[:, :, None]
        pieces = {
            "visible": _pick(placed, split.visible),
            "masked": _pick(placed, split.hidden),
            "predicted": self.decode(local, patches.centers, split) + gather(patches.centers, split.hidden)[:, :, None],
        }
        return {name: piece.flatten(1, 2) for name, piece in pieces.items()}


@MODELS.register("ReCon")
class ReCon(TeacherHolder, MaskedAutoencoder):
    """Contrast with reconstruct (ICML 2023): the pretraining model.

    The local stream reconstructs masked patches; the three global queries read it without gradient and are
    matched to frozen image and text teachers, which are held outside the state dict (unless `train_teachers`).

    Args:
        config: see `ReConConfig`; an empty `img_encoder` or `text_encoder` drops that term.
    """

    Config = ReConConfig
    classifier = "PointTransformer"
    embedders = {"features": "PointTransformerSVM", "text": "PointTransformerZeroShot"}
    probes = ("svm", "zeroshot")

    def __init__(self, config: ReConConfig):
        super().__init__(config, **self.build_encoders(config))
        width, train = config.encoder.trans_dim, config.train_teachers
        img_teacher = build_image_teacher(config.img_encoder, config.img_dim, config.img_weights, train)
        text_teacher = build_text_teacher(config.text_encoder, config.text_dim, config.text_weights, train)
        check_one_space(img_teacher, text_teacher)
        self.hold_teachers(img_teacher, text_teacher, train)
        self.img_proj = nn.Linear(width, img_teacher.dim) if img_teacher else None
        self.text_proj = nn.Linear(width, text_teacher.dim) if text_teacher else None
        self.cls_proj = None
        self.contrast_loss, self.gather_contrast = CONTRASTS[config.contrast], config.gather_contrast
        self.unused_parameters = not (config.reconstruct and (img_teacher or text_teacher or config.self_contrastive))
        if config.self_contrastive:
            self.cls_proj = nn.Sequential(
                nn.Linear(width, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128), nn.BatchNorm1d(128)
            )
        self._init_weights(config.transformer_config.init_std)

    def build_encoders(self, config: ReConConfig) -> dict[str, ReConEncoder]:
        """Return the encoders by name."""
        return {"MAE_encoder": ReConEncoder(config.encoder, stop_grad=config.stop_grad)}

    def _init_weights(self, std: float | None) -> None:
        super()._init_weights(std)
        for head in filter(None, (self.img_proj, self.text_proj, self.cls_proj)):
            for module in head.modules():
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, mean=0.02, std=0.01)  # mean 0.02 is as released
                    nn.init.zeros_(module.bias)

    def targets(self, image: Tensor | None = None, text: list[str] | Tensor | None = None) -> dict[str, Tensor]:
        """Ask the teachers that the losses need: features (B, d) by name, "image" and "text".

        They have no gradient, unless the teachers are jointly trained.
        """
        targets = {}
        if self.img_teacher is not None:
            targets["image"] = self.img_teacher.encode(image)
        if self.text_teacher is not None:
            targets["text"] = self.text_teacher.encode(text)
        return targets

    def contrast(self, query: Tensor, targets: dict[str, Tensor], category: Tensor | None) -> dict[str, Tensor]:
        """Loss terms of the queries (B, 3, C), or (B, 2, C) without a cls query."""
        *cls_query, img_query, text_query = query.unbind(1)
        losses = {}
        if self.img_proj is not None:
            losses["csc_img"] = self._match(self.img_proj(img_query), targets["image"])
        if self.text_proj is not None:
            losses["csc_text"] = self._match(self.text_proj(text_query), targets["text"])
        if self.cls_proj is not None:
            if category is None:
                raise ValueError("self_contrastive needs the category of every sample")
            features = self.cls_proj(*cls_query)
            if self.gather_contrast:
                features, category = distributed.gather_rows(features), distributed.gather_rows(category)
            losses["smc"] = single_modal_contrast(features, category)
        return losses

    def _match(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.gather_contrast and self.contrast_loss is info_nce:
            student, teacher = distributed.gather_rows(student), distributed.gather_rows(teacher)
        return self.contrast_loss(student, teacher)


def _pick(neighborhoods: Tensor, index: Tensor) -> Tensor:
    """Neighbourhoods (B, G, K, 3) at index (B, M): (B, M, K, 3)."""
    return gather(neighborhoods.flatten(2), index).unflatten(-1, (-1, 3))


def _init_encoder(encoder: ReConEncoder, std: float | None) -> None:
    if "cls" in encoder.queries:
        nn.init.trunc_normal_(encoder.cls_token, std=0.02)
    if std is None:
        return
    for module in encoder.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d)):
            nn.init.trunc_normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _rows_equal(mask: Tensor, shape: torch.Size) -> int:
    """Number of hidden groups a row of a given mask."""
    if mask.shape != shape or mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool of shape {tuple(shape)}, got {mask.dtype} {tuple(mask.shape)}")
    counts = mask.sum(1).unique()
    if len(counts) != 1 or not 0 < counts[0] < shape[1]:
        raise ValueError("mask must hide the same number of groups in every row, at least one and not all")
    return int(counts[0])
