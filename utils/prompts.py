"""The 60 prompts around a category name: 20 beginnings times 3 endings (as in the released ReCon)."""

from collections.abc import Sequence
from typing import Literal

import torch

_SUBJECTS = ["model", "image", "3D model", "rendering model", "point cloud", "point cloud model"]
_SUBJECTS += ["3D rendering model", "rendering image", "3D rendering image"]
_BEGINNINGS = ["", "A "] + [f"A {subject} of {article}" for subject in _SUBJECTS for article in ("", "a ")]
_ENDINGS = [".", " with white background.", " with black context."]

TEMPLATES = [beginning + "{}" + ending for ending in _ENDINGS for beginning in _BEGINNINGS]
PromptNames = Literal["released", "plain"]


def spell(name: str, names: PromptNames = "released") -> str:
    """Spell a category name for a prompt: as it is ("released"), or with spaces for underscores ("plain")."""
    return name.replace("_", " ") if names == "plain" else name


def all_prompts(name: str) -> list[str]:
    """Return the 60 prompts of one category name."""
    return [template.format(name) for template in TEMPLATES]


def strip_prompt(text: str) -> str:
    """Return the name in one of the 60 prompts, with "an" for "a" as well; any other text comes back as it is."""
    ending = next((e for e in reversed(_ENDINGS) if text.endswith(e)), None)
    if ending is None:
        return text
    text = text.removesuffix(ending)
    beginnings = [*_BEGINNINGS, *(f"{b[:-1]}n " for b in _BEGINNINGS if b[-2:] in ("a ", "A "))]
    return text.removeprefix(max((b for b in beginnings if text.startswith(b)), key=len))


def prompt(names: Sequence[str], generator: torch.Generator) -> list[str]:
    """Draw one of the 60 prompts for each name."""
    drawn = torch.randint(len(TEMPLATES), (len(names),), generator=generator, device=generator.device).tolist()
    return [TEMPLATES[i].format(name) for i, name in zip(drawn, names, strict=True)]
