"""The weights of teachers, which many libraries load, and one line where they cannot be had."""

import logging
import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from utils.errors import UserError


def timm_network(name: str, weights: str | None, train: bool) -> nn.Module:
    import timm

    if weights is None:
        return timm.create_model(name, pretrained=not train, num_classes=0)
    network = timm.create_model(name, num_classes=0)
    state = {key: value for key, value in read_weights(weights, "").items() if not key.startswith("head.")}
    network.load_state_dict(state)
    return network


def read_weights(path: str | None, url: str) -> dict[str, Tensor]:
    """State dict of a local file (.pth or .safetensors), or of a download that torch.hub caches."""
    if path is None:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)
    if path.endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def guard(kind: str, name: str, weights: str | None, source: str, load: Callable[[], Any]) -> Any:
    """Run a loader whose many libraries raise many things, and say in one line what a user can do."""
    if weights is not None and (os.sep in weights or os.path.splitext(weights)[1]) and not os.path.isfile(weights):
        raise UserError(f"model.{kind}_weights: file not found: {weights}")
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the libraries' own warnings and retries; what matters is raised
    try:
        return load()
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        if weights is not None:
            raise UserError(f"model.{kind}_weights: '{weights}' does not fit teacher '{name}' ({reason})") from error
        raise UserError(
            f"weights of teacher '{name}' (model.{kind}_encoder) cannot be had from {source}; without a network, get "
            f"that file elsewhere and name it in model.{kind}_weights ({reason})"
        ) from error
    finally:
        logging.disable(disabled)
