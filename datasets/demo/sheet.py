"""A picture of the synthetic world: shapes of every category with their names."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from datasets.demo.render import render
from datasets.demo.shapes import CATEGORIES, make_shape
from utils.logging import progress


def sheet(each: int = 2, size: int = 88, columns: int = 8, seed: int = 0) -> Image.Image:
    """Draw `each` shapes of every category, `size` pixels a side, in `columns` categories a row."""
    wide, tall = each * size, size + 14
    picture = Image.new("RGB", (columns * wide, -(-len(CATEGORIES) // columns) * tall), "white")
    canvas = ImageDraw.Draw(picture)
    for i, category in enumerate(progress(CATEGORIES, desc="drawing", unit="category")):
        x, y = i % columns * wide, i // columns * tall
        for k in range(each):
            rng = np.random.default_rng([seed, i, k])
            pixels = render(make_shape(category, rng, wide=True), rng, size)
            picture.paste(Image.fromarray(pixels), (x + k * size, y + 14))
        canvas.text((x + 3, y + 1), category, fill="black")
    return picture.quantize(256)
