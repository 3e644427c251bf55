"""What our training step is measured against: the same model written straight from its equations.

Convolutions run on transposed tensors, the patch feature is repeated for every point, attention is an explicit
softmax, clouds are grouped one by one, and Chamfer distances are full tables of differences. It takes the modules of
one of our models, with the block form `released`, so that both have the same weights and the same loss.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def plain_group(points: Tensor, num_group: int, group_size: int) -> tuple[Tensor, Tensor]:
    """Farthest points (B, G, 3) of points (B, N, 3), and their nearest points (B, G, K, 3) relative to them."""
    neighborhoods, centers = [], []
    for cloud in points:
        away = torch.full((len(cloud),), torch.inf, device=cloud.device)
        away[cloud.square().sum(1) <= 1e-3] = -1  # as in the released kernel
        chosen = [torch.zeros((), dtype=torch.int64, device=cloud.device)]
        while len(chosen) < num_group:
            away = torch.minimum(away, (cloud - cloud[chosen[-1]]).square().sum(1))
            chosen.append(away.argmax())
        middle = cloud[torch.stack(chosen)]
        near = (middle[:, None] - cloud[None]).square().sum(2).topk(group_size, largest=False).indices
        neighborhoods.append(cloud[near] - middle[:, None])
        centers.append(middle)
    return torch.stack(neighborhoods), torch.stack(centers)


def plain_embed(embedding: Any, neighborhoods: Tensor) -> Tensor:
    """Tokens (B, G, C) of neighbourhoods (B, G, K, 3)."""
    batch, groups, size, _ = neighborhoods.shape
    features = embedding.first_conv(neighborhoods.reshape(batch * groups, size, 3).transpose(2, 1))
    whole = torch.max(features, dim=2, keepdim=True)[0]
    features = embedding.second_conv(torch.cat((whole.expand(-1, -1, size), features), dim=1))
    return torch.max(features, dim=2)[0].reshape(batch, groups, -1)


def plain_attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    q, k, v = (x.reshape(*x.shape[:2], heads, -1).permute(0, 2, 1, 3) for x in (q, k, v))
    weights = ((q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5).softmax(dim=-1)
    return (weights @ v).transpose(1, 2).reshape(q.shape[0], q.shape[2], -1)


def plain_attention(layer: Any, x: Tensor) -> Tensor:
    q, k, v = layer.qkv(x).chunk(3, dim=-1)
    return layer.proj(plain_attend(q, k, v, layer.num_heads))


def plain_cross_attention(layer: Any, query: Tensor, memory: Tensor) -> Tensor:
    k, v = layer.kv(memory).chunk(2, dim=-1)
    return layer.proj(plain_attend(layer.q(query), k, v, layer.num_heads))


def plain_encode(encoder: Any, tokens: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Queries (B, 3, C) and local tokens (B, L, C)."""
    query, query_pos = (
        torch.cat([getattr(encoder, f"{name}_{kind}") for name in encoder.queries], dim=1).expand(len(tokens), -1, -1)
        for kind in ("token", "pos")
    )
    local, local_pos = tokens, encoder.pos_embed(centers)
    for block in encoder.blocks.blocks:
        query, local = block.norm1_contrast(query + query_pos), block.norm1(local + local_pos)
        memory = local.detach() if block.stop_grad else local
        query = query + block.drop_path(plain_cross_attention(block.attn_contrast, query, memory))
        local = local + block.drop_path(plain_attention(block.attn, local))
        query, local = block.norm2_contrast(query), block.norm2(local)
        query = query + block.drop_path(block.mlp_contrast(query))
        local = local + block.drop_path(block.mlp(local))
    return encoder.norm(query), encoder.norm(local)


def plain_chamfer(a: Tensor, b: Tensor) -> Tensor:
    squared = (a[:, :, None] - b[:, None]).square().sum(3)
    return squared.min(2)[0].mean() + squared.min(1)[0].mean()


def plain_pretrain(model: Any, points: Tensor, mask: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """Loss terms of ReCon for points (B, N, 3) and a mask (B, G) of hidden patches."""
    encoder, shape = model.MAE_encoder, model.shape
    neighborhoods, centers = plain_group(points, shape.num_group, shape.group_size)
    tokens, batch = plain_embed(encoder.encoder, neighborhoods), len(points)
    seen, hidden = (centers[choice].reshape(batch, -1, 3) for choice in (~mask, mask))
    query, local = plain_encode(encoder, tokens[~mask].reshape(batch, -1, tokens.shape[2]), seen)
    x = torch.cat((local, model.mask_token.expand(batch, hidden.shape[1], -1)), dim=1)
    pos = torch.cat((model.decoder_pos_embed(seen), model.decoder_pos_embed(hidden)), dim=1)
    for block in model.MAE_decoder.blocks:
        x = x + pos
        x = x + block.drop_path(plain_attention(block.attn, block.norm1(x)))
        x = x + block.drop_path(block.mlp(block.norm2(x)))
    x = model.MAE_decoder.norm(x[:, -hidden.shape[1] :])
    rebuilt = model.increase_dim(x.transpose(1, 2)).transpose(1, 2).reshape(-1, shape.group_size, 3)
    losses = {"mdm": plain_chamfer(rebuilt, neighborhoods[mask])}
    for position, (name, term) in enumerate((("image", "csc_img"), ("text", "csc_text")), start=1):
        if name in targets:
            project = model.img_proj if name == "image" else model.text_proj
            losses[term] = F.smooth_l1_loss(project(query[:, position]), targets[name])
    return losses


def plain_classify(model: Any, points: Tensor) -> Tensor:
    """Logits (B, classes) of `PointTransformer` for points (B, N, 3)."""
    neighborhoods, centers = plain_group(points, model.num_group, model.group_size)
    query, local = plain_encode(model, plain_embed(model.encoder, neighborhoods), centers)
    return model.cls_head_finetune(torch.cat((query.flatten(1), torch.max(local, dim=1)[0]), dim=1))
