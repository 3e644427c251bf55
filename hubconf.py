"""Entry point of `torch.hub.load(FOLDER_OR_REPOSITORY, "recon", "world", source="local")`."""

from typing import Any

dependencies = ["torch", "timm", "open_clip", "safetensors", "yaml"]


def recon(source: str = "world", **options: Any):
    """Load a pretrained encoder; see `models.load_pretrained` for the source and the options."""
    from models import load_pretrained

    return load_pretrained(source, **options)
