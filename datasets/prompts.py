"""The 60 prompts around a category name: 20 beginnings times 3 endings (as in the released ReCon)."""

from collections.abc import Sequence

import torch

_SUBJECTS = ["model", "image", "3D model", "rendering model", "point cloud", "point cloud model"]
_SUBJECTS += ["3D rendering model", "rendering image", "3D rendering image"]
_BEGINNINGS = ["", "A "] + [f"A {subject} of {article}" for subject in _SUBJECTS for article in ("", "a ")]
_ENDINGS = [".", " with white background.", " with black context."]

TEMPLATES = [beginning + "{}" + ending for beginning in _BEGINNINGS for ending in _ENDINGS]


def all_prompts(name: str) -> list[str]:
    """Return the 60 prompts of one category name; underscores in it become spaces."""
    return [template.format(name.replace("_", " ")) for template in TEMPLATES]


def prompt(names: Sequence[str], generator: torch.Generator) -> list[str]:
    """Draw one of the 60 prompts for each name; underscores in names become spaces."""
    drawn = torch.randint(len(TEMPLATES), (len(names),), generator=generator, device=generator.device).tolist()
    return [TEMPLATES[i].format(name.replace("_", " ")) for i, name in zip(drawn, names, strict=True)]
