"""The synthetic world without files: shapes, clouds, renders and texts are made when they are asked for."""

import dataclasses
import functools
import hashlib
import io
from typing import Any

import numpy as np
import torch
from PIL import Image

from datasets.build import DATASETS
from datasets.demo.captions import describe, draw_name, draw_style, in_caption, in_prompt
from datasets.demo.effects import EffectConfig, change_mesh, make_cloud
from datasets.demo.families.common import FAMILIES
from datasets.demo.kinds import KINDS
from datasets.demo.mesh import Mesh
from datasets.demo.render import render
from datasets.demo.shapes import CATEGORIES, PART_NAMES, VARIANTS, make_shape
from datasets.demo.sources import source_hash
from datasets.demo.vocabulary import (
    DEMO_CATEGORIES,
    MODELNET10,
    MODELNET40,
    RENAMED,
    SHAPENET,
    SHAPENET55,
)
from datasets.scanobjectnn import CLASS_NAMES as SCANOBJECTNN
from datasets.views import ViewConfig, ViewDataset
from utils.errors import UserError
from utils.registry import suggestion
from utils.seeding import stable_seed

CAPTIONS = 5  # texts of a shape, in shards
# Categories that one name stands for
GROUPS = {
    "all": CATEGORIES,
    "demo": DEMO_CATEGORIES,
    "demo_pretraining": sorted(SHAPENET),
    "modelnet40": MODELNET40,
    "modelnet10": MODELNET10,
    "scanobjectnn": SCANOBJECTNN,
    "shapenet55": SHAPENET55,
}


@dataclasses.dataclass(kw_only=True)
class SyntheticWorldConfig(EffectConfig, ViewConfig):
    """Keys of `SyntheticWorld`, besides those of `ViewConfig` and what may happen to shapes and clouds.

    Attributes:
        length: shapes an epoch.
        categories: names of categories and of `GROUPS`; each category counts once.
        exclude: those to leave out, named in the same way.
        fresh: make other shapes in every epoch; otherwise the same ones. Those of `subset: test` are always the same.
        wide: draw structural variants from all that a category has, otherwise from those of the demo's worlds.
        common: of wide draws, how many are from the demo's variants all the same, which are the common ones.
        world_seed: of the shapes, so that runs of several seeds see the same ones; left out, the seed of the run, and
            0 for `subset: test`.
        views: how many views a shape has, of which an epoch draws one.
        captions: how often "text" is a caption; otherwise it is the category name. If it is more than 0, texts are
            whole: names are in one of the prompts, captions have a beginning of their own.
    """

    N_POINTS: int = 2048
    bgr: bool = False
    image_size: int = 64
    image_augment: bool = False
    length: int = 50_000
    categories: list[str] = dataclasses.field(default_factory=lambda: ["all"])
    exclude: list[str] = dataclasses.field(default_factory=list)
    fresh: bool = True
    wide: bool = True
    common: float = 0.0
    world_seed: int | None = None
    views: int = 1
    captions: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        self.check()
        for name in ("length", "views"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("captions", "common"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.captions and self.bgr:
            raise ValueError("captions name colours of the views: set bgr: false")
        if self.N_POINTS < self.min_points:
            raise ValueError(f"npoints={self.npoints} asks for more points than the clouds have (N_POINTS)")


@dataclasses.dataclass
class Shape:
    """One shape of the world.

    Attributes:
        category: of the family that made it.
        variant: one of `VARIANTS[category]`.
        mesh: in the unit sphere.
        palette: (P, 3) RGB in 0..1, of its parts.
        material: one of `MATERIALS`, if any.
    """

    category: str
    variant: str
    mesh: Mesh
    palette: np.ndarray
    material: str | None


@DATASETS.register("SyntheticWorld")
class SyntheticWorld(ViewDataset):
    """Clouds (N_POINTS, 3); "text", the category name; "image", see `ViewDataset`.

    A shape depends on (seed, subset, epoch, index) only, so any number of workers and processes, and a resumed run, see
    the same ones. Each subset has a stream of seeds of its own. Index i is of category i mod the number of categories.

    Attributes:
        categories: names of the families, in the order of `class_names`.
    """

    COMPUTES = True
    NORMALIZES = "sample"
    PUBLISHED = False
    Config = SyntheticWorldConfig
    LAYOUT = "nothing on disk"
    SOURCE = "itself"
    STAND_IN = ""

    config: SyntheticWorldConfig

    def __init__(self, config: SyntheticWorldConfig, data_root: str, seed: int = 0):
        super().__init__(config, seed)
        self.wraps_text = not config.captions
        self.gives |= {"caption"} if config.captions else set()
        self.origin = f"synthetic world, {config.subset}"
        chosen, left_out = resolve(config.categories, "categories"), resolve(config.exclude, "exclude", False)
        chosen = {family: name for family, name in chosen.items() if family not in left_out}
        if not chosen:
            raise UserError("SyntheticWorld: exclude leaves no category")
        self.categories, self.class_names = [*chosen], [*chosen.values()]
        self.labels = np.arange(config.length) % len(self.categories)
        self.fresh = config.fresh and config.subset == "train"
        own = seed if config.subset == "train" else 0
        self.world_seed = own if config.world_seed is None else config.world_seed

    def __len__(self) -> int:
        return self.config.length

    def _rng(self, owner: str, index: int, *more: int) -> np.random.Generator:
        """Return the generator of what `owner` draws for a shape."""
        of = (self.world_seed, self.config.subset, self.epoch if self.fresh else 0, index)
        return np.random.Generator(np.random.PCG64(stable_seed("synthetic world", owner, *of, *more)))

    def shape(self, index: int) -> Shape:
        """Make the shape of an index in the present epoch."""
        category, rng = self.categories[index % len(self.categories)], self._rng("shape", index)
        wide = self.config.wide and not (self.config.common and rng.random() < self.config.common)
        variants = VARIANTS[category] if wide else FAMILIES[category].variants
        variant = variants[int(rng.integers(len(variants)))]
        mesh = change_mesh(make_shape(category, rng, variant), self.config, self._rng("changes", index))
        material, palette = draw_style(category, mesh, self._rng("style", index))
        return Shape(category, variant, mesh, palette, material)

    def cloud(self, shape: Shape, index: int) -> np.ndarray:
        """Return the cloud of a shape: (N_POINTS, 3) float32."""
        return make_cloud(shape.mesh, self.config.N_POINTS, self.config, self._rng("cloud", index))

    def render(self, shape: Shape, index: int, view: int) -> np.ndarray:
        """Draw one of the views of a shape: (edge, edge, 3) uint8, of the edge that `transform` wants."""
        size = self.config.image_size if self.transform is None else self.transform.edge
        image = render(shape.mesh, self._rng("view", index, view), size, palette=shape.palette)
        return np.ascontiguousarray(image[..., ::-1]) if self.config.bgr else image

    def caption(self, shape: Shape, index: int, number: int = 0) -> str:
        """Return one of the captions of a shape, of which there are as many as numbers."""
        rng, name = self._rng("caption", index, number), self.class_names[index % len(self.categories)]
        name, parts = draw_name(shape.category, shape.variant, name, rng), PART_NAMES[shape.category]
        kind, look = name in KINDS.get(shape.category, {}), (shape.palette, shape.material)
        return in_caption(describe(name, shape.variant, shape.mesh, parts, *look, rng, kind), rng)

    def text(self, shape: Shape, index: int, number: int) -> str:
        """Return one of the texts of a shape, its name or a caption, of which there are as many as numbers."""
        name = self.class_names[index % len(self.categories)]
        if not self.config.captions:
            return name
        if stable_seed(self.seed, "text", number, index) % (1 << 20) < self.config.captions * (1 << 20):
            return self.caption(shape, index, number)
        return in_prompt(name.replace("_", " "), self._rng("prompt", index, number))

    def _draw(self, owner: str, index: int, count: int) -> int:
        """Draw one of `count` things that a shape has, other ones in other epochs."""
        return stable_seed(self.seed, owner, self.epoch, index) % count

    def __getitem__(self, index: int) -> dict[str, Any]:
        shape, label = self.shape(index), index % len(self.categories)
        points = torch.from_numpy(self.cloud(shape, index))
        sample = {"points": points, "label": label, "text": self.text(shape, index, self.epoch)}
        pixels = None
        if self.transform is not None and self.features is None:
            pixels = self.render(shape, index, self._draw("view", index, self.config.views))
        return sample | self.view(index, index, pixels)

    def packable(self, index: int) -> dict[str, Any]:
        """See `PointDataset.packable`; with all views of a shape, and `CAPTIONS` texts if `captions` is above 0."""
        shape = self.shape(index)
        name = f"{self.config.subset}-{self.world_seed}-{index}"
        found = {"name": name, "label": index % len(self.categories), "points": self.cloud(shape, index)}
        if self.transform is not None:
            found["views"] = [_png(self.render(shape, index, view)) for view in range(self.config.views)]
        if self.config.captions:
            found["captions"] = [self.text(shape, index, number) for number in range(CAPTIONS)]
        return found

    def pack_key(self) -> str:
        return f"{self.config} {self.world_seed} {source_hash(__name__)}"

    def image_key(self) -> str | None:
        """Return a digest of what the finished views depend on; None if they change from epoch to epoch."""
        config = self.config
        if self.transform is None or config.image_augment or self.fresh or config.views > 1:
            return None
        settings = (config.image_size, config.image_norm, config.bgr, config.length, config.subset, config.wide)
        settings += (config.common, config.stretched, config.damaged, self.categories, self.world_seed)
        settings += (source_hash(__name__),)
        return hashlib.sha256(repr(settings).encode()).hexdigest()


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def resolve(names: list[str], key: str = "categories", whole: bool = True) -> dict[str, str]:
    """Return the families that names of categories, and of groups of them, stand for.

    Args:
        names: names or synonyms of families, names of the published data sets, names of `GROUPS`.
        key: where they come from, for messages.
        whole: there must be a family for every name of a group.

    Returns:
        {family: name}, each family once, by its first name.

    Raises:
        UserError: if a name is unknown, or no family makes what it stands for.
    """
    known, found, lacking = family_names(), {}, []
    for name in names:
        for member in GROUPS.get(name, [name]):
            family = known.get(_plain(member))
            if family is not None:
                found.setdefault(family, member)
            elif name in GROUPS:
                lacking.append(member)
            else:
                raise UserError(f"{key}: unknown category '{name}'{suggestion(name, [*GROUPS, *known])}")
    if lacking and whole:
        raise UserError(f"{key}: no shape family makes {', '.join(lacking)}")
    return found


@functools.cache
def family_names() -> dict[str, str]:
    """Names and synonyms of all families, with spaces and in lower case: {name: family}; names win over synonyms."""
    names = {}
    for family in CATEGORIES:
        for synonym in FAMILIES[family].synonyms:
            names.setdefault(_plain(synonym), family)
    names |= {_plain(other): family for other, family in RENAMED.items()}
    return names | {_plain(family): family for family in CATEGORIES}


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()
