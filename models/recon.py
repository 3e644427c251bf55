"""Pretraining: masked point modelling and cross-modal contrast in one model."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from extensions import gather, knn
from models.build import MODELS, BlockForm, Trainable, check_encoder, check_positive
from models.losses import RECONSTRUCTION_LOSSES, single_modal_contrast
from models.teachers import PASS_THROUGH, TeacherHolder, build_image_teacher, build_text_teacher
from models.transformer import Decoder, ReConEncoder, position_mlp


@dataclass(kw_only=True)
class TransformerConfig:
    """Keys of `model.transformer_config`; `init_std: null` leaves the encoder's weights as PyTorch draws them."""

    mask_ratio: float = 0.6
    mask_type: Literal["rand", "block"] = "rand"
    trans_dim: int = 384
    encoder_dims: int = 384
    patch_dim: int = 128
    depth: int = 12
    drop_path_rate: float = 0.1
    num_heads: int = 6
    decoder_depth: int = 4
    decoder_num_heads: int = 6
    init_std: float | None = 0.02

    def __post_init__(self):
        check_encoder(self)
        check_positive(self, "decoder_depth", "decoder_num_heads")
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"mask_ratio must be between 0 and 1, got {self.mask_ratio}")
        if self.trans_dim % self.decoder_num_heads:
            raise ValueError(
                f"trans_dim {self.trans_dim} is not a multiple of decoder_num_heads {self.decoder_num_heads}"
            )


@dataclass(kw_only=True)
class ReConConfig:
    """Keys of a `model` section with `NAME: ReCon`.

    `train_teachers` starts the teachers from random weights and trains them along.
    """

    NAME: str
    transformer_config: TransformerConfig
    num_group: int = 64
    group_size: int = 32
    loss: Literal["cdl1", "cdl2"] = "cdl2"
    img_encoder: str | None = ""
    text_encoder: str | None = ""
    img_dim: int | None = None
    text_dim: int | None = None
    img_weights: str | None = None
    text_weights: str | None = None
    self_contrastive: bool = False
    reconstruct: bool = True
    stop_grad: bool = True
    block_form: BlockForm = "released"
    train_teachers: bool = False

    def __post_init__(self):
        check_positive(self, "img_dim", "text_dim")
        masked = int(self.transformer_config.mask_ratio * self.num_group)
        if not 0 < masked < self.num_group:
            raise ValueError(
                f"mask_ratio {self.transformer_config.mask_ratio} masks {masked} of {self.num_group} groups; "
                "at least one must be masked and one visible"
            )
        if not (self.reconstruct or self.img_encoder or self.text_encoder or self.self_contrastive):
            raise ValueError("every loss is switched off")
        if self.stop_grad and self.block_form == "joint":
            raise ValueError("block_form joint is one stream, in which no gradient can be cut: set stop_grad to false")
        given = {self.img_encoder, self.text_encoder} & set(PASS_THROUGH) or self.img_weights or self.text_weights
        if self.train_teachers and given:
            raise ValueError("train_teachers starts from nothing: it takes neither given features nor given weights")

    def encoder_arguments(self) -> dict:
        """The arguments of `ReConEncoder`."""
        names = ("trans_dim", "patch_dim", "depth", "num_heads", "drop_path_rate")
        shape = {name: getattr(self.transformer_config, name) for name in names}
        return shape | {name: getattr(self, name) for name in ("num_group", "group_size", "stop_grad", "block_form")}


class MaskedAutoencoder(Trainable, nn.Module):
    """What every pretraining model has: patches are hidden, and predicted from the visible ones.

    A model that is one draws its first weights with `_init_weights`, once all of its parts are there.

    Args:
        config: see `ReConConfig`.
        encoders: by name; `MAE_encoder` sees the visible patches.
    """

    def __init__(self, config: ReConConfig, **encoders: ReConEncoder):
        super().__init__()
        shape = config.transformer_config
        width = shape.trans_dim
        self.config = config
        self.loss = RECONSTRUCTION_LOSSES[config.loss]
        self.mask_type = shape.mask_type
        self.num_masked = int(shape.mask_ratio * config.num_group)
        self.reconstructs = config.reconstruct

        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        for name, encoder in encoders.items():
            self.add_module(name, encoder)
        self.decoder_pos_embed = position_mlp(width)
        self.MAE_decoder = Decoder(width, shape.decoder_depth, shape.decoder_num_heads, shape.drop_path_rate)
        self.increase_dim = nn.Sequential(nn.Conv1d(width, 3 * config.group_size, 1))

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

    pretrains = True

    def group(self, points):
        return self.MAE_encoder.group(points)

    def targets(self, image, text):
        return {"image": image, "text": text}

    def downstream(self, **keys):
        patches = {name: getattr(self.config, name) for name in ("num_group", "group_size", "block_form")}
        sizes = ("trans_dim", "encoder_dims", "patch_dim", "depth", "num_heads")
        transformer = {name: getattr(self.config.transformer_config, name) for name in sizes}
        from models.build import build_model_from_cfg

        downstream = build_model_from_cfg({**patches, **transformer, **keys})
        state = {name.removeprefix("MAE_encoder."): value for name, value in self.state_dict().items()}
        wanted = downstream.state_dict()
        downstream.load_state_dict({name: state.get(name, value) for name, value in wanted.items()})
        return downstream

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
        if self.mask_type == "block":
            seed = torch.randint(groups, (batch, 1), generator=generator, device=centers.device)
            hidden = knn(gather(centers, seed), centers, self.num_masked)[:, 0]
        else:
            noise = torch.rand(batch, groups, generator=generator, device=centers.device)
            hidden = noise.argsort(dim=1)[:, : self.num_masked]
        return torch.zeros(batch, groups, dtype=torch.bool, device=centers.device).scatter_(1, hidden, True)

    def _encode_visible(self, points: Tensor, mask: Tensor | None, generator: torch.Generator | None):
        """Group, mask and encode; what both training and `reconstruct` start with.

        Returns:
            Queries (B, Q, C), local tokens (B, V, C), centres (B, G, 3), neighbourhoods (B, G, K, 3) and the indices
            of the visible (B, V) and of the hidden groups (B, M).
        """
        tokens, centers, neighborhoods = self.MAE_encoder.tokenize(points)
        if mask is None:
            mask = self.draw_mask(centers, generator)
            num_masked = self.num_masked
        else:
            num_masked = _rows_equal(mask, centers.shape[:2])
        # Stable: visible groups first, then the hidden ones, each in their original order.
        order = mask.int().argsort(dim=1, stable=True)
        visible, hidden = order[:, : order.shape[1] - num_masked], order[:, order.shape[1] - num_masked :]
        query, local = self.MAE_encoder.encode(gather(tokens, visible), gather(centers, visible))
        return query, local, centers, neighborhoods, visible, hidden

    def _decode(self, local: Tensor, centers: Tensor, visible: Tensor, hidden: Tensor) -> Tensor:
        """Predict the hidden neighbourhoods (B, M, K, 3) from the encoded visible tokens."""
        masked = self.mask_token.expand(*hidden.shape, -1)
        pos = self.decoder_pos_embed(gather(centers, torch.cat((visible, hidden), dim=1)))
        features = self.MAE_decoder(torch.cat((local, masked), dim=1), pos, hidden.shape[1])
        return self.increase_dim(features.transpose(1, 2)).transpose(1, 2).unflatten(-1, (-1, 3))

    def _reconstruction(
        self, local: Tensor, centers: Tensor, neighborhoods: Tensor, visible: Tensor, hidden: Tensor
    ) -> dict[str, Tensor]:
        """Loss terms of the local stream: `mdm`, unless it is switched off."""
        if not self.reconstructs:
            return {}
        predicted = self._decode(local, centers, visible, hidden)
        truth = gather(neighborhoods.flatten(2), hidden).unflatten(-1, (-1, 3))
        return {"mdm": self.loss(predicted.flatten(0, 1), truth.flatten(0, 1))}

    @torch.no_grad()
    def reconstruct(
        self, points: Tensor, mask: Tensor | None = None, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Hide groups and fill them in again, for pictures.

        Args:
            points: (B, N, 3) float coordinates.
            mask: (B, G) bool, True where hidden; drawn if None.
            generator: source of randomness of the mask.

        Returns:
            `visible` (B, V*K, 3), `masked` (B, M*K, 3) and `predicted` (B, M*K, 3) points in the frame of the input.
        """
        _, local, centers, neighborhoods, visible, hidden = self._encode_visible(points, mask, generator)
        placed = (neighborhoods + centers[:, :, None]).flatten(2)
        predicted = self._decode(local, centers, visible, hidden) + gather(centers, hidden)[:, :, None]
        return {
            "visible": gather(placed, visible).unflatten(-1, (-1, 3)).flatten(1, 2),
            "masked": gather(placed, hidden).unflatten(-1, (-1, 3)).flatten(1, 2),
            "predicted": predicted.flatten(1, 2),
        }


@MODELS.register("ReCon")
class ReCon(TeacherHolder, MaskedAutoencoder):
    """Contrast with reconstruct (ICML 2023): the pretraining model.

    The local stream reconstructs masked patches; the three global queries read it without gradient and are
    matched to frozen image and text teachers, which are held outside the state dict (unless `train_teachers`).

    Args:
        config: see `ReConConfig`; an empty `img_encoder` or `text_encoder` drops that term.
    """

    Config = ReConConfig

    def __init__(self, config: ReConConfig):
        super().__init__(config, **self.build_encoders(config))
        width, train = config.transformer_config.trans_dim, config.train_teachers
        img_teacher = build_image_teacher(config.img_encoder, config.img_dim, config.img_weights, train)
        text_teacher = build_text_teacher(config.text_encoder, config.text_dim, config.text_weights, train)
        self.hold_teachers(img_teacher, text_teacher, train)
        self.img_proj = nn.Linear(width, img_teacher.dim) if img_teacher else None
        self.text_proj = nn.Linear(width, text_teacher.dim) if text_teacher else None
        self.cls_proj = None
        if config.self_contrastive:
            self.cls_proj = nn.Sequential(
                nn.Linear(width, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128), nn.BatchNorm1d(128)
            )
        self._init_weights(config.transformer_config.init_std)

    def build_encoders(self, config: ReConConfig) -> dict[str, ReConEncoder]:
        """Return the encoders by name."""
        return {"MAE_encoder": ReConEncoder(**config.encoder_arguments())}

    def _init_weights(self, std: float | None) -> None:
        super()._init_weights(std)
        for head in filter(None, (self.img_proj, self.text_proj, self.cls_proj)):
            for module in head.modules():
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, mean=0.02, std=0.01)  # mean 0.02 is as released
                    nn.init.zeros_(module.bias)

    def forward(
        self,
        points: Tensor,
        image: Tensor | None = None,
        text: list[str] | Tensor | None = None,
        category: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
        targets=None,
    ) -> dict[str, Tensor]:
        """Compute the loss terms of a batch.

        Args:
            points: (B, N, 3) float coordinates.
            image: what the image teacher takes: (B, 3, H, W), or its features (B, d) for `features`.
            text: what the text teacher takes: B strings, or its features (B, d) for `features`.
            category: (B,) int64, equal where samples share a category name; needed for `smc`.
            mask: (B, G) bool, True where hidden, the same number in every row; drawn if None.
            generator: source of randomness of the mask, on the device of `points`.

        Returns:
            Scalar losses by name, those that apply of `mdm`, `csc_img`, `csc_text`, `smc`; train on their sum.

        Raises:
            ValueError: if the category is missing though `smc` needs it, or shapes do not fit.
            UserError: if an input is not what its teacher takes, see `Teacher.encode`.
        """
        if targets:
            image, text = targets["image"], targets["text"]
        query, *encoded = self._encode_visible(points, mask, generator)
        *cls_query, img_query, text_query = query.unbind(1)
        losses = self._reconstruction(*encoded)
        if self.img_proj is not None:
            losses["csc_img"] = F.smooth_l1_loss(self.img_proj(img_query), self.img_teacher.encode(image))
        if self.text_proj is not None:
            losses["csc_text"] = F.smooth_l1_loss(self.text_proj(text_query), self.text_teacher.encode(text))
        if self.cls_proj is not None:
            if category is None:
                raise ValueError("self_contrastive needs the category of every sample")
            losses["smc"] = single_modal_contrast(F.normalize(self.cls_proj(*cls_query), dim=1), category)
        return losses


def _init_encoder(encoder: ReConEncoder, std: float | None) -> None:
    if "cls" in encoder.queries:
        nn.init.trunc_normal_(encoder.cls_token, std=0.02)
    for module in encoder.modules() if std is not None else ():
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
