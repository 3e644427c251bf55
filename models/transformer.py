"""The ReCon block, the two-stream encoder made of it, and the masked-autoencoder decoder."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from timm.layers.drop import DropPath
from timm.layers.mlp import Mlp
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from extensions import group
from models.embedding import PatchEmbedding
from models.shape import EncoderShape

Streams = tuple[Tensor, Tensor]
# On CPUs the plain formula is faster than PyTorch's fused attention up to about so many keys.
SHORT = 256


class Patches(NamedTuple):
    """What grouping makes of clouds: `neighborhoods` (B, G, K, 3) relative to their `centers` (B, G, 3)."""

    neighborhoods: Tensor
    centers: Tensor


class MultiHeadAttention(nn.Module):
    """What both attentions share: `project` gives queries (B, Q, C), keys and values (B, L, C), heads side by side.

    Args:
        dim: width C.
        num_heads: heads H; C must be a multiple of it.
    """

    project: Callable[..., tuple[Tensor, ...]]
    proj: nn.Linear

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads

    def forward(self, *inputs: Tensor) -> Tensor:
        """Map what `project` takes to (B, Q, C)."""
        q, k, v = self.project(*inputs)
        return self.proj(_attend(q, k, v, self.num_heads))

    def weights(self, *inputs: Tensor) -> Tensor:
        """How much each query attends to each key: (B, H, Q, L), rows sum to 1."""
        q, k, _ = self.project(*inputs)
        return _weights(q, k, self.num_heads)


class Attention(MultiHeadAttention):
    """Self-attention of tokens (B, L, C); qkv without bias."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__(dim, num_heads)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def project(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values of tokens (B, L, C)."""
        return self.qkv(x).chunk(3, dim=-1)


class CrossAttention(MultiHeadAttention):
    """Attention of queries (B, Q, C) over a memory (B, L, C); q and kv without bias."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__(dim, num_heads)
        self.q = nn.Linear(dim, dim, bias=False)
        self.kv = nn.Linear(dim, 2 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def project(self, query: Tensor, memory: Tensor) -> tuple[Tensor, ...]:
        """Queries of a query, keys and values of a memory."""
        return self.q(query), *self.kv(memory).chunk(2, dim=-1)


def _heads(x: Tensor, num_heads: int) -> Tensor:
    """Split into heads: (B, L, C) to (B, H, L, C / H)."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def _attend(q: Tensor, k: Tensor, v: Tensor, num_heads: int) -> Tensor:
    if q.device.type == "cpu" and k.shape[1] <= SHORT:
        weights = _weights(q, k, num_heads)
        with torch.autocast("cpu", enabled=False):
            read = weights @ _heads(v, num_heads).to(weights.dtype)
    else:
        q, k, v = (_heads(x, num_heads) for x in (q, k, v))
        read = F.scaled_dot_product_attention(q, k, v)
    return read.transpose(1, 2).flatten(2)


def _weights(q: Tensor, k: Tensor, num_heads: int) -> Tensor:
    """Softmax of scaled products (B, H, Q, L), in float32 also under autocast, as fused attention keeps it."""
    with torch.autocast(q.device.type, enabled=False):
        q, k = (_heads(x.float() if x.dtype in (torch.bfloat16, torch.float16) else x, num_heads) for x in (q, k))
        return (q * q.shape[-1] ** -0.5 @ k.mT).softmax(-1)


class BlockLayers(nn.Module):
    """The layers of a plain pre-norm ViT block.

    Args:
        dim: width C.
        num_heads: attention heads.
        drop_path: stochastic depth rate.
        mlp_ratio: hidden width of the MLP over C.
    """

    def __init__(self, dim: int, num_heads: int, drop_path: float = 0.0, mlp_ratio: float = 4.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(mlp_ratio * dim))
        self.attn = Attention(dim, num_heads)

    def plain(self, x: Tensor) -> Tensor:
        """Map tokens (B, L, C) to (B, L, C)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class Block(BlockLayers):
    """Plain pre-norm ViT block; arguments as for `BlockLayers`."""

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, L, C) to (B, L, C)."""
        return self.plain(x)


class ReConBlock(BlockLayers):
    """Two streams: local tokens attend to themselves, global queries read them by cross-attention.

    With `stop_grad` no gradient flows from the queries into the local tokens, so that contrast is guided by
    reconstruction and does not disturb it (paper, section 3.3). This is the released form: the residual stream is
    the normalised value, and cross-attention reads the local tokens as they were before self-attention.

    Args:
        dim: width C.
        num_heads: heads of either attention.
        drop_path: stochastic depth rate, drawn separately at each of its four uses.
        stop_grad: cut the gradient from queries to local tokens.
        mlp_ratio: hidden width of either MLP over C.
    """

    def __init__(
        self, dim: int, num_heads: int, drop_path: float = 0.0, stop_grad: bool = True, mlp_ratio: float = 4.0
    ):
        super().__init__(dim, num_heads, drop_path, mlp_ratio)
        self.stop_grad = stop_grad
        self.norm1_contrast = nn.LayerNorm(dim)
        self.norm2_contrast = nn.LayerNorm(dim)
        self.mlp_contrast = Mlp(dim, int(mlp_ratio * dim))
        self.attn_contrast = CrossAttention(dim, num_heads)

    def memory(self, local: Tensor) -> Tensor:
        """What the queries read of local tokens (B, L, C)."""
        return local.detach() if self.stop_grad else local

    def forward(self, query: Tensor, local: Tensor) -> Streams:
        """Map queries (B, 3, C) and local tokens (B, L, C) to the same shapes."""
        query, local = self.norm1_contrast(query), self.norm1(local)
        query = query + self.drop_path(self.attn_contrast(query, self.memory(local)))
        local = local + self.drop_path(self.attn(local))
        query, local = self.norm2_contrast(query), self.norm2(local)
        query = query + self.drop_path(self.mlp_contrast(query))
        local = local + self.drop_path(self.mlp(local))
        return query, local


class SlidesBlock(ReConBlock):
    """The ReCon block as the slides draw it: plain pre-norm, cross-attention after self-attention."""

    def forward(self, query: Tensor, local: Tensor) -> Streams:
        """Map queries (B, 3, C) and local tokens (B, L, C) to the same shapes."""
        local = local + self.drop_path(self.attn(self.norm1(local)))
        query = query + self.drop_path(self.attn_contrast(self.norm1_contrast(query), self.memory(local)))
        local = local + self.drop_path(self.mlp(self.norm2(local)))
        query = query + self.drop_path(self.mlp_contrast(self.norm2_contrast(query)))
        return query, local


class JointBlock(BlockLayers):
    """One plain ViT block for both streams, in which queries and local tokens attend to each other.

    What ReCon is compared with: with queries the ordinary encoder of the vanilla multi-task ablation, without any the
    one of Point-MAE. Arguments as for `ReConBlock`.

    Raises:
        ValueError: if `stop_grad` is on: the two streams are one, in which no gradient can be cut.
    """

    def __init__(
        self, dim: int, num_heads: int, drop_path: float = 0.0, stop_grad: bool = False, mlp_ratio: float = 4.0
    ):
        super().__init__(dim, num_heads, drop_path, mlp_ratio)
        if stop_grad:
            raise ValueError("stop_grad must be off in a joint block")

    def forward(self, query: Tensor, local: Tensor) -> Streams:
        """Map queries (B, Q, C) and local tokens (B, L, C) to the same shapes."""
        query, local = self.plain(torch.cat((query, local), dim=1)).tensor_split((query.shape[1],), dim=1)
        return query, local


BLOCKS = {"released": ReConBlock, "slides": SlidesBlock, "joint": JointBlock}
# Learned queries and their positions, in the order of the released state dict.
LEARNED = ("cls_token", "cls_pos", "img_token", "text_token", "img_pos", "text_pos")


class BlockStack(nn.Module):
    """Blocks one after the other, with or without keeping their activations.

    Args:
        blocks: they may have several inputs and outputs.

    Attributes:
        checkpointing: in training, recompute the activations in the backward pass.
    """

    checkpointing = False

    def __init__(self, blocks: list[nn.Module]):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def run(self, block: nn.Module, *inputs: Tensor) -> Any:
        """Call one of the blocks; returns what it does."""
        if self.checkpointing and self.training:
            return checkpoint(block, *inputs, use_reentrant=False)
        return block(*inputs)


def drop_path_rates(last: float, depth: int) -> list[float]:
    """Stochastic depth rates of `depth` blocks, rising linearly from 0."""
    return torch.linspace(0, last, depth, device="cpu").tolist()


class ReConBlocks(BlockStack):
    """The blocks of an encoder; positions are added before every one.

    Args:
        shape: of the encoder.
        stop_grad: see `ReConBlock`.
        form: a key of `BLOCKS`.
    """

    def __init__(self, shape: EncoderShape, stop_grad: bool, form: str):
        kind, rates = BLOCKS[form], drop_path_rates(shape.drop_path_rate, shape.depth)
        super().__init__([kind(shape.trans_dim, shape.num_heads, rate, stop_grad) for rate in rates])

    def forward(self, query: Tensor, local: Tensor, query_pos: Tensor, local_pos: Tensor) -> list[Streams]:
        """Return queries (B, Q, C) and local tokens (B, L, C) after every block; positions have the same shapes."""
        layers = []
        for block in self.blocks:
            query, local = self.run(block, query + query_pos, local + local_pos)
            layers.append((query, local))
        return layers


def position_mlp(width: int) -> nn.Sequential:
    """Positions from centre coordinates: 3 -> 128 -> `width` channels."""
    return nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))


class ReConEncoder(nn.Module):
    """Points to global queries (in ReCon three: cls, image, text) and local tokens.

    Args:
        shape: sizes.
        queries: names of the Q learned queries, in the order they stand in.
        stop_grad: cut the gradient from queries to local tokens (on in pretraining, off downstream).
        form: of the blocks, where it is not the one of the shape.
    """

    cls_token: nn.Parameter  # of the learned queries, where it is one of them

    def __init__(
        self,
        shape: EncoderShape,
        queries: tuple[str, ...] = ("cls", "img", "text"),
        stop_grad: bool = False,
        form: str | None = None,
    ):
        super().__init__()
        self.shape, self.queries, width = shape, queries, shape.trans_dim
        self.num_group, self.group_size = shape.num_group, shape.group_size
        for name in LEARNED:
            if name.partition("_")[0] in queries:
                value = torch.zeros(1, 1, width)
                self.register_parameter(name, nn.Parameter(value))
                if name != "cls_token":
                    nn.init.trunc_normal_(value, std=0.02)
        self.encoder = PatchEmbedding(width, shape.patch_dim)
        self.pos_embed = position_mlp(width)
        self.blocks = ReConBlocks(shape, stop_grad, form or shape.block_form)
        self.norm = nn.LayerNorm(width)

    @torch.no_grad()
    def group(self, points: Tensor | Patches) -> Patches:
        """Cut points (B, N, 3) into patches, unless that is done."""
        if isinstance(points, Patches):
            return points
        return Patches(*group(points, self.num_group, self.group_size))

    def tokenize(self, points: Tensor | Patches) -> tuple[Tensor, Tensor, Tensor]:
        """Group points (B, N, 3); returns tokens (B, G, C), centres (B, G, 3), neighbourhoods (B, G, K, 3)."""
        neighborhoods, centers = self.group(points)
        return self.encoder(neighborhoods), centers, neighborhoods

    def encode(self, tokens: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
        """Run the blocks and the final norm.

        Args:
            tokens: (B, L, C) local tokens, all of them or the visible ones.
            centers: (B, L, 3) their centres.

        Returns:
            Queries (B, Q, C) and local tokens (B, L, C).
        """
        query, local = self.layers(tokens, centers)[-1]
        return self.norm(query), self.norm(local)

    def layers(self, tokens: Tensor, centers: Tensor) -> list[Streams]:
        """Return queries and local tokens after every block, before the final norm; arguments as for `encode`."""
        none = tokens.new_empty(0)  # for an encoder without queries
        # Flat, so that gradients are laid out as the parameters are, not as slices of one tensor: DDP copies them.
        query, query_pos = (
            torch.cat([none, *(getattr(self, f"{name}_{kind}").flatten() for name in self.queries)])
            for kind in ("token", "pos")
        )
        query, query_pos = (x.view(1, -1, tokens.shape[2]) for x in (query, query_pos))
        return self.blocks(query.expand(tokens.shape[0], -1, -1), tokens, query_pos, self.pos_embed(centers))


class Decoder(BlockStack):
    """Plain ViT blocks that turn visible tokens and mask tokens into features of the masked patches.

    Args:
        dim: width C.
        depth: number of blocks.
        num_heads: attention heads.
        drop_path_rate: stochastic depth rate of the last block; it rises linearly from 0.
    """

    def __init__(self, dim: int, depth: int, num_heads: int, drop_path_rate: float = 0.0):
        super().__init__([Block(dim, num_heads, rate) for rate in drop_path_rates(drop_path_rate, depth)])
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, pos: Tensor, num_masked: int) -> Tensor:
        """Map tokens (B, L, C) with positions (B, L, C) to the last `num_masked` outputs (B, M, C)."""
        for block in self.blocks:
            x = self.run(block, x + pos)
        return self.norm(x[:, -num_masked:])
