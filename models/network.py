"""The network behind `PointEncoder`: an encoder and what may stand beside it in a checkpoint."""

import torch
from torch import Tensor, nn

from models.shape import EncoderShape
from models.transformer import Patches, ReConEncoder


class Network(ReConEncoder):
    """An encoder and what may stand beside it in a checkpoint, under the released names.

    Args:
        shape: of the encoder.
        queries: names of its queries.
        form: of its blocks.
        contrast: names of the queries of a second tower, `Dis_encoder`; empty for none.
        projections: width of the features by name, "img" and "text", of those that are there.
        head: of a fine-tuned classifier.
    """

    def __init__(
        self,
        shape: EncoderShape,
        queries: tuple[str, ...],
        form: str,
        contrast: tuple[str, ...] = (),
        projections: dict[str, int] | None = None,
        head: nn.Module | None = None,
    ):
        super().__init__(shape, queries, form=form)
        if contrast:
            self.Dis_encoder = ReConEncoder(shape, contrast, form=form)
        widths = projections or {}
        self.img_proj = nn.Linear(shape.trans_dim, widths["img"]) if "img" in widths else None
        self.text_proj = nn.Linear(shape.trans_dim, widths["text"]) if "text" in widths else None
        self.cls_head_finetune = head
        self.names = (*queries, *contrast)  # of all queries

    def features(self, patches: Patches) -> tuple[Tensor, Tensor]:
        """Map patches to queries (B, Q, C) of both towers and local tokens (B, G, C)."""
        query, local = self.encode(self.encoder(patches.neighborhoods), patches.centers)
        if hasattr(self, "Dis_encoder"):
            other, _ = self.Dis_encoder.encode(self.Dis_encoder.encoder(patches.neighborhoods), patches.centers)
            query = torch.cat((query, other), dim=1)
        return query, local

    def project(self, query: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Map queries (B, Q, C) to the features (B, d) of the image and the text query, where there are projections."""
        image = self.img_proj(query[:, self.names.index("img")]) if self.img_proj else None
        return image, self.text_proj(query[:, self.names.index("text")]) if self.text_proj else None
