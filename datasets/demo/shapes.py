"""Shapes of the everyday categories, made from random numbers."""

from __future__ import annotations

import numpy as np

from datasets.demo.families import furniture, objects  # noqa: F401, imported for the families they register
from datasets.demo.families.common import FAMILIES, Draw
from datasets.demo.mesh import Mesh, combine
from utils.errors import UserError
from utils.registry import suggestion

CATEGORIES = sorted(FAMILIES)
PART_NAMES = {name: list(FAMILIES[name].parts) for name in CATEGORIES}
VARIANTS = {name: list(FAMILIES[name].variants) for name in CATEGORIES}


def make_shape(category: str, rng: np.random.Generator, variant: str | None = None) -> Mesh:
    """Make one shape of a category, its parts labelled by position in `PART_NAMES[category]`.

    Args:
        category: one of `CATEGORIES`.
        rng: where all of the shape's numbers come from.
        variant: one of `VARIANTS[category]`; drawn if None.

    Raises:
        UserError: if there is no such category or variant; the message names the nearest one.
    """
    return _make(category, rng, variant)[0]


def draw_parameters(category: str, rng: np.random.Generator, variant: str | None = None) -> dict[str, float]:
    """The continuous parameters that `make_shape` draws for the same arguments, by name."""
    return _make(category, rng, variant)[1]


def _make(category: str, rng: np.random.Generator, variant: str | None) -> tuple[Mesh, dict[str, float]]:
    if category not in FAMILIES:
        raise UserError(f"unknown shape category '{category}'{suggestion(category, CATEGORIES)}")
    family = FAMILIES[category]
    if variant is None:
        variant = family.variants[int(rng.integers(len(family.variants)))]
    elif variant not in family.variants:
        raise UserError(f"unknown variant '{variant}' of '{category}'{suggestion(variant, family.variants)}")
    draw = Draw(rng)
    draw.variant = variant
    mesh = combine(family.build(variant, draw))
    # Makers differ in proportions more than one table of ranges does.
    stretch = draw(stretch_x=(0.85, 1.2), stretch_y=(0.85, 1.2), stretch_z=(0.85, 1.2))
    return mesh.scaled(stretch.stretch_x, stretch.stretch_y, stretch.stretch_z), draw.values
