"""What a picture is made of: a pretrained model and shapes to show it."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from datasets import build_dataset, collate
from datasets.build import PointDataset, dataset_class
from models import CHECKPOINT_PREFIXES, build_model_from_cfg, parse_model_config
from models.pretrained import find_checkpoint
from models.recon import ReCon
from models.transformer import ReConEncoder
from tools.engine.config import RunConfig, parse_run_config
from utils.checkpoint import load_checkpoint, load_weights, strip_prefixes
from utils.config import load_config
from utils.errors import UserError
from utils.logging import progress
from utils.registry import suggestion
from utils.seeding import generator, stable_seed

PICTURE_BATCH = 16  # small: attention weights are kept for all heads


class Subject:
    """A pretraining model and a data set of shapes by category.

    Args:
        config: the pretraining config.
        section: its `model` section without teachers and what else pictures do not need.
        model: built from it, in eval mode, with the weights of the checkpoint.
        dataset: samples with `points` (n, 3 or more).
        labels: of all samples.
        seed: of all that is drawn.
        has_decoder: the checkpoint holds the weights of the decoder, too.

    Attributes:
        members: indices into the data set by category name.
        draw: what points and masks are drawn from.
    """

    def __init__(
        self,
        config: RunConfig,
        section: dict,
        model: ReCon,
        dataset: PointDataset,
        labels: Sequence[int],
        seed: int,
        has_decoder: bool = True,
    ):
        self.config, self.section, self.model, self.dataset = config, section, model, dataset
        self.has_decoder = has_decoder
        self.names = [dataset.class_names[int(label)] for label in labels]
        self.members: dict[str, list[int]] = {}
        for index, name in enumerate(self.names):
            self.members.setdefault(name, []).append(index)
        self._choose = np.random.default_rng(stable_seed("visualize", seed))
        self.draw = generator("cpu", "visualize", seed)

    @property
    def encoder(self) -> ReConEncoder:
        return self.model.get_submodule("MAE_encoder")  # pyright: ignore[reportReturnType]

    @property
    def trained_queries(self) -> dict[str, int]:
        """Positions of the global queries that a loss has taught; the others mean nothing."""
        losses = {"image": ("img_encoder", 1), "text": ("text_encoder", 2), "class": ("self_contrastive", 0)}
        return {name: position for name, (key, position) in losses.items() if self.config.model.get(key)}

    def check_names(self, names: Sequence[str]) -> None:
        """Raise a UserError for a category that the data set has no shape of."""
        for name in names:
            if name not in self.members:
                raise UserError(f"--names: the data set has no '{name}'{suggestion(name, self.members)}")

    def one_of_each(self, names: Sequence[str] | None, count: int, favourites: Sequence[str] = ()) -> dict[int, str]:
        """Draw a shape of each category; without names of the favourites, or else of `count` drawn categories.

        Returns:
            Category names by index into the data set.
        """
        names = names or [name for name in favourites if name in self.members]
        if not names:
            names = sorted(self._choose.choice(sorted(self.members), min(count, len(self.members)), replace=False))
        self.check_names(names)
        order = {name: iter(self._choose.permutation(self.members[name]).tolist()) for name in dict.fromkeys(names)}
        chosen = {}
        for name in names:
            index = next(order[name], None)
            if index is None:
                raise UserError(f"--names: the data set has fewer shapes of '{name}' than are asked for")
            chosen[index] = str(name)
        return chosen

    def many(self, names: Sequence[str] | None, count: int) -> list[int]:
        """Draw up to `count` shapes of these categories, or of all, in the order of the data set."""
        if count < 1:
            raise UserError(f"--count must be at least 1, got {count}")
        self.check_names(names or ())
        indices = [index for name in dict.fromkeys(names or self.members) for index in self.members[name]]
        return sorted(self._choose.permutation(indices)[:count].tolist())

    def points(self, indices: Sequence[int]) -> Tensor:
        """Stored points (B, n, 3) of some shapes."""
        return collate([{"points": self.dataset[index]["points"][:, :3]} for index in indices])["points"]

    def batches(self, indices: Sequence[int], title: str) -> Iterator[Tensor]:
        """Stored points (at most 16, n, 3) of all these shapes, with a progress bar."""
        with progress(total=len(indices), desc=title, unit="shape") as bar:
            for start in range(0, len(indices), PICTURE_BATCH):
                yield self.points(indices[start : start + PICTURE_BATCH])
                bar.update(min(PICTURE_BATCH, len(indices) - start))


def load_subject(
    ckpts: str, config_file: str, opts: Sequence[str] = (), data: str | None = None, seed: int = 0
) -> Subject:
    """Read the pretraining config, the checkpoint and the list of shapes.

    Args:
        ckpts: the checkpoint, or the name of shipped weights; it may lack the decoder.
        config_file: its pretraining config.
        opts: overrides of that.
        data: a config whose `dataset.test` is shown; None for the test list of the pretraining data.
        seed: of all that is drawn.

    Raises:
        UserError: for anything wrong with one of them.
    """
    config = parse_run_config(load_config(config_file, opts))
    if parse_model_config(config.model)[0] is not ReCon:
        name = config.model.get("NAME")
        raise UserError(f"{config_file} is not a pretraining config of ReCon (model.NAME is {name!r})")
    bare = {"img_encoder": "", "text_encoder": "", "self_contrastive": False, "reconstruct": True}
    bare = {**config.model, **bare}
    model = build_model_from_cfg(bare)
    path = find_checkpoint(ckpts)
    loaded = load_checkpoint(path)
    names = strip_prefixes(loaded["base_model"], CHECKPOINT_PREFIXES)
    has_decoder = any(name.startswith("MAE_decoder.") for name in names)
    taught = model if has_decoder else model.get_submodule("MAE_encoder")
    load_weights(taught, path, CHECKPOINT_PREFIXES, loaded=loaded)

    where, source = ("dataset.test", data) if data else ("dataset.train", config_file)
    section = parse_run_config(load_config(data)).dataset.test if data else config.dataset.train
    if section is None:
        raise UserError(f"config {source} has no section '{where}'")
    if not data:  # the shapes that pretraining has not seen, unless it was told to see them
        others, kind = section.get("others") or {}, dataset_class(section, where)
        if isinstance(others, dict):
            wanted = {"subset": kind.SUBSETS[-1], "whole": False, "images": False}
            known = {field.name for field in dataclasses.fields(kind.Config)}
            section = {**section, "others": {**others, **{key: wanted[key] for key in wanted if key in known}}}
    dataset = build_dataset(section, config.data_root, where, seed)
    labels = dataset.labels
    if labels is not None and not len(labels):
        raise UserError(f"the data set of '{where}' in {source} is empty")
    if labels is None or min(labels) < 0:
        raise UserError(f"the data set of '{where}' in {source} has no classes to choose shapes by")
    return Subject(config, bare, model.eval(), dataset, labels, seed, has_decoder)
