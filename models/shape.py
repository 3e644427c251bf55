"""The shape of an encoder, one dataclass for pretraining and everything downstream."""

from dataclasses import dataclass
from typing import Literal

from utils.memory import machine_memory

MOST_BLOCKS = 1000  # a hundred times what is trained


def check_positive(config, *names: str) -> None:
    """Raise a ValueError where one of these keys is given and less than 1, or so large that no memory holds it."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
        check_memory(256 * (value or 0), f"{name} {value}")


def check_memory(weights: float, what: str) -> None:
    """Raise a ValueError where so many weights, a lower estimate, do not fit into the memory of this machine."""
    if 4 * weights > machine_memory():
        held, weights = machine_memory() / 1e9, min(weights, 1e30)
        raise ValueError(
            f"{what} takes at least {4 * weights / 1e9:,.0f} GB for weights, this machine has {held:,.0f} GB"
        )


@dataclass(kw_only=True)
class EncoderShape:
    """Keys that describe an encoder; the configs of models name them beside their own, as the released ones do.

    Attributes:
        trans_dim: width C; `encoder_dims` is the released key for the same number.
        patch_dim: first layer of the patch embedding.
        depth: blocks.
        num_heads: attention heads.
        drop_path_rate: stochastic depth rate of the last block.
        num_group: patches a cloud, G.
        group_size: points a patch, K.
        block_form: which block, a key of `transformer.BLOCKS`.
    """

    trans_dim: int = 384
    encoder_dims: int = 384
    patch_dim: int = 128
    depth: int = 12
    num_heads: int = 6
    drop_path_rate: float = 0.0
    num_group: int = 64
    group_size: int = 32
    block_form: Literal["released", "slides", "joint"] = "released"

    def __post_init__(self):
        check_positive(self, "trans_dim", "patch_dim", "depth", "num_heads")
        if self.depth > MOST_BLOCKS:
            raise ValueError(f"depth must be at most {MOST_BLOCKS}, got {self.depth}")
        check_memory(12 * self.depth * self.trans_dim**2, f"trans_dim {self.trans_dim} with depth {self.depth}")
        check_memory(12 * self.patch_dim**2, f"patch_dim {self.patch_dim}")
        if self.trans_dim % self.num_heads:
            raise ValueError(f"trans_dim {self.trans_dim} is not a multiple of num_heads {self.num_heads}")
        if self.encoder_dims != self.trans_dim:
            raise ValueError(f"encoder_dims {self.encoder_dims} must equal trans_dim {self.trans_dim}")
        if not 0 <= self.drop_path_rate < 1:
            raise ValueError(f"drop_path_rate must be in [0, 1), got {self.drop_path_rate}")


@dataclass(kw_only=True)
class TransformerConfig(EncoderShape):
    """Keys of `model.transformer_config`; `init_std: null` leaves the encoder's weights as PyTorch draws them."""

    drop_path_rate: float = 0.1
    mask_ratio: float = 0.6
    mask_type: Literal["rand", "block"] = "rand"
    decoder_depth: int = 4
    decoder_num_heads: int = 6
    init_std: float | None = 0.02

    def __post_init__(self):
        super().__post_init__()
        check_positive(self, "decoder_depth", "decoder_num_heads")
        if self.decoder_depth > MOST_BLOCKS:
            raise ValueError(f"decoder_depth must be at most {MOST_BLOCKS}, got {self.decoder_depth}")
        check_memory(12 * self.decoder_depth * self.trans_dim**2, f"decoder_depth {self.decoder_depth}")
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"mask_ratio must be between 0 and 1, got {self.mask_ratio}")
        if self.trans_dim % self.decoder_num_heads:
            raise ValueError(
                f"trans_dim {self.trans_dim} is not a multiple of decoder_num_heads {self.decoder_num_heads}"
            )
        if not 0 < self.num_masked < self.num_group:
            raise ValueError(
                f"mask_ratio {self.mask_ratio} masks {self.num_masked} of {self.num_group} groups; "
                "at least one must be masked and one visible"
            )

    @property
    def num_masked(self) -> int:
        """Patches that are hidden."""
        return int(self.mask_ratio * self.num_group)
