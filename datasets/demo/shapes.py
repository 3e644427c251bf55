"""Shapes of the everyday categories, made from random numbers."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np

from datasets.demo import families
from datasets.demo.families.common import FAMILIES, Draw
from datasets.demo.mesh import Mesh, combine
from utils.errors import UserError
from utils.registry import suggestion

for module in pkgutil.iter_modules(families.__path__, f"{families.__name__}."):
    importlib.import_module(module.name)  # each registers its families

CATEGORIES = sorted(FAMILIES)
PART_NAMES = {name: list(FAMILIES[name].parts) for name in CATEGORIES}
VARIANTS = {name: [*FAMILIES[name].variants, *FAMILIES[name].more] for name in CATEGORIES}


def make_shape(category: str, rng: np.random.Generator, variant: str | None = None, wide: bool = False) -> Mesh:
    """Make one shape of a category, its parts labelled by position in `PART_NAMES[category]`.

    Args:
        category: one of `CATEGORIES`.
        rng: where all of the shape's numbers come from.
        variant: one of `VARIANTS[category]`; drawn if None.
        wide: draw it from all variants, not only from those of the demo's worlds.

    Raises:
        UserError: if there is no such category or variant; the message names the nearest one.
    """
    return _make(category, rng, variant, wide)[0]


def draw_parameters(category: str, rng: np.random.Generator, variant: str | None = None) -> dict[str, float]:
    """The continuous parameters that `make_shape` draws for the same arguments, by name."""
    return _make(category, rng, variant)[1]


def _make(
    category: str, rng: np.random.Generator, variant: str | None, wide: bool = False
) -> tuple[Mesh, dict[str, float]]:
    if category not in FAMILIES:
        raise UserError(f"unknown shape category '{category}'{suggestion(category, CATEGORIES)}")
    family = FAMILIES[category]
    if variant is None:
        variants = VARIANTS[category] if wide else family.variants
        variant = variants[int(rng.integers(len(variants)))]
    elif variant not in VARIANTS[category]:
        raise UserError(f"unknown variant '{variant}' of '{category}'{suggestion(variant, VARIANTS[category])}")
    draw = Draw(rng)
    draw.variant = variant
    mesh = combine(family.build(variant, draw))
    # Makers differ in proportions more than one table of ranges does.
    stretch = draw(stretch_x=(0.85, 1.2), stretch_y=(0.85, 1.2), stretch_z=(0.85, 1.2))
    return mesh.scaled(stretch.stretch_x, stretch.stretch_y, stretch.stretch_z), draw.values
