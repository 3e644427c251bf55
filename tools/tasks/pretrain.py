"""Pretraining on points, images and text."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from datasets import PointDataset
from datasets.point_transforms import random_subset, sample_test
from models import Trainable, build_model_from_cfg, downstream_of, parse_model_config
from models.losses import LOSS_TERMS
from models.teachers import TeacherHolder
from models.text_teachers import TextTeacher
from tools.engine.curves import HELD_OUT
from tools.engine.data import open_dataset, own_augmentation
from tools.engine.density import group_varied
from tools.engine.features import use_image_features, use_text_features
from tools.engine.holdout import open_evaluation
from tools.engine.infer import test_batches
from tools.engine.run import Run
from tools.engine.task import TASKS, Generators, Mode, TrainedTask
from tools.engine.weights import load_run_weights
from tools.report.exhibits import Exhibit, pretrained
from tools.tasks.svm import svm_probe
from tools.tasks.zeroshot import PromptConfig, zeroshot_probe
from utils import distributed, seeding
from utils.config import load_config
from utils.errors import UserError
from utils.prompts import PromptNames, all_prompts, prompt, spell

# Whose data sets a probe takes where the config has no `extra_train` and `extra_val`.
PROBES = {"svm": "cfgs/svm/modelnet40.yaml", "zeroshot": "cfgs/zeroshot/modelnet40.yaml"}
RATIO = 0.25  # of the queries in the zero-shot probe: that of cfgs/zeroshot/modelnet40.yaml


@dataclass
class PretrainConfig:
    """`pretrain`: how pretraining is evaluated.

    `validate` is what the encoder is measured by after every epoch; left out, by a linear SVM if the config has
    `dataset.extra_train` and `extra_val`. With `held_out` the losses are evaluated over `dataset.val` as well.
    """

    validate: Literal["none", "svm", "zeroshot"] | None = None
    held_out: bool = False


def _check_factors(weights: Any) -> None:
    for name, weight in vars(weights).items():
        if not 0 <= weight < float("inf"):
            raise ValueError(f"{name} must be at least 0 and finite, got {weight}")


# `loss_weights`: factors of the terms of the loss.
LossWeights = make_dataclass(
    "LossWeights",
    [(name, float, field(default=weight)) for name, weight in LOSS_TERMS.items()],
    namespace={"__post_init__": _check_factors},
)


@TASKS.register("pretrain")
class Pretrain(TrainedTask):
    """All losses of ReCon; what `validate` measures decides which checkpoint is the best.

    Without it that is the one of the lowest training loss. With `held_out` the losses over `dataset.val`, or over
    what `val_share` holds out, are evaluated beside it, and decide nothing.
    """

    modes = (Mode("pretrain", "", trains=True, starts_from="start_ckpts"),)
    needs = "a model to pretrain"
    sections = {"pretrain": PretrainConfig, "prompts": PromptConfig, "loss_weights": LossWeights}
    aliases = {"validate": "pretrain", "held_out": "pretrain", "prompt_names": "prompts"}

    @classmethod
    def accepts(cls, model: type[Trainable], args: argparse.Namespace) -> bool:
        return model.pretrains

    def __init__(self, run: Run):
        super().__init__(run)
        settings = run.config.section(PretrainConfig)
        if run.config.val_share and not settings.held_out:
            raise UserError("config key 'val_share' is for pretraining with held_out: true; nothing else looks at it")
        self.augment = own_augmentation(run, run.config.augment)
        self.loss_weights = vars(run.config.section(LossWeights))
        self.probed: list[PointDataset] = []
        self.prompt_names: PromptNames = run.config.section(PromptConfig).prompt_names
        sections, model, config = run.config.dataset, *parse_model_config(run.config.model)
        self.held_out = open_evaluation(run) if settings.held_out else None
        within_batch = config.self_contrastive or config.contrast == "info_nce"
        gathers = within_batch and config.gather_contrast and distributed.world_size() > 1
        if self.held_out is not None and gathers:  # of test batches some processes may have one more than others
            raise UserError("held_out on several processes needs model.gather_contrast=false")
        self.validate = settings.validate or ("svm" if sections.extra_train and sections.extra_val else "none")
        if self.validate == "none":
            self.metric, self.higher_is_better = "loss", False
            return
        if self.validate not in model.probes:
            raise UserError(f"validate: {self.validate} is not for 'model.NAME' {config.NAME}")
        if self.validate == "zeroshot" and not config.text_encoder:
            raise UserError("validate: zeroshot needs a text teacher under 'model.text_encoder'")
        self.metric = f"{self.validate}_accuracy"
        for section, own in (("extra_train", "train"), ("extra_val", "test")):
            if section == "extra_val" or self.validate == "svm":
                if getattr(sections, section) is None:
                    setattr(sections, section, load_config(PROBES[self.validate])["dataset"][own])
                self.probed.append(open_dataset(run, section))

    def setup(self, data: PointDataset) -> None:
        self.data = data
        if self.held_out is not None and (shared := {*(data.files or ())} & {*(self.held_out.files or ())}):
            raise UserError(
                f"held_out: {len(shared)} shapes of dataset.val are in dataset.train, such as {min(shared)}; "
                "'whole: false' keeps ShapeNet's lists apart"
            )

    def save_epochs(self) -> range:
        return range(250, self.run.config.max_epoch + 1, 25)  # as released

    def build_model(self) -> Trainable:
        model = build_model_from_cfg(self.run.config.model)
        if self.run.args.start_ckpts:
            load_run_weights(self.run, model, self.run.args.start_ckpts, first="model")
        if isinstance(model, TeacherHolder) and not self.run.args.dry_run:  # which writes nothing
            self._ask_once(model)
        return model

    def _ask_once(self, model: TeacherHolder) -> None:
        """Replace what a frozen teacher is asked again and again by what it says once."""
        run, folder = self.run, Path(self.run.config.data_root, "features")
        for teacher in (model.img_teacher, model.text_teacher):
            if teacher is not None:
                teacher.to(run.device)
        teacher = model.img_teacher
        replaced = use_image_features(model, self.data, folder, run.args.num_workers, run.log)
        if self.held_out is not None:
            if replaced:
                model.hold_teachers(teacher, model.text_teacher)
            if use_image_features(model, self.held_out, folder, run.args.num_workers, run.log) != replaced:
                raise UserError("held_out: dataset.val must give images as dataset.train does (images, image_augment)")
        names = [spell(name, self.prompt_names) for name in self.data.class_names]
        if "caption" in self.data.gives:
            if isinstance(model.text_teacher, TextTeacher):
                model.text_teacher.learns = False
        elif "text" in self.data.gives:
            prompts = [text for name in names for text in all_prompts(name)]
            use_text_features(model.text_teacher, prompts, folder, run.log)

    def prepare(self, model: Any, batch: dict, draw: Generators) -> dict:
        return self._prepare(self.data, model, batch, draw)

    def _prepare(self, data: PointDataset, model: Any, batch: dict, draw: Generators) -> dict:
        config, text = self.run.config, None
        augmenting = draw("augment")

        def feed(points: Tensor) -> Tensor:
            points = data.normalize(points, "sample")
            if points.shape[1] > config.npoints:
                points = sample_test(points, config.npoints)
            return self.augment(points, augmenting)

        if config.least_points is None:
            points = feed(random_subset(batch["points"], config.npoints, draw("points")))
        else:
            points = group_varied(model, batch["points"], config, draw, feed)
        if "text" in batch and not data.wraps_text:
            text = batch["text"]
        elif "text" in batch:
            names = [spell(name, self.prompt_names) for name in batch["text"]]
            text = prompt(names, draw("prompts", "cpu"))
        with self.run.precision.autocast():
            return model.prepare(points, batch.get("image"), text, batch["label"], generator=draw("mask"))

    def losses(self, model: nn.Module, batch: dict, draw: Generators) -> dict[str, Tensor]:
        losses = model(**batch)
        if unknown := losses.keys() - self.loss_weights.keys():
            raise KeyError(f"loss terms that models/losses.py does not list: {', '.join(sorted(unknown))}")
        return losses

    def evaluate(self, model: Any, epoch: int = 0) -> dict[str, Any]:
        losses = {} if self.held_out is None else self._held_out_losses(model, self.held_out)
        if self.validate == "none":
            return losses
        for data in self.probed:
            data.set_epoch(epoch)
        if self.validate == "svm":
            encoder = downstream_of(model, "PointTransformerSVM").to(self.run.device)
            found = svm_probe(self.run, encoder, *self.probed)
        else:
            encoder = zeroshot_model(model).to(self.run.device)
            found = zeroshot_probe(self.run, encoder, model.text_teacher, *self.probed)
        found = {f"{self.validate}_{name}": value for name, value in found.items() if not isinstance(value, dict)}
        return found | losses

    def _held_out_losses(self, model: Any, data: PointDataset) -> dict[str, float]:
        """Average every loss term over a data set in eval mode; points, masks and prompts are the same at every call.

        Returns:
            The terms and their weighted sum "loss", each behind `HELD_OUT`.

        Raises:
            KeyboardInterrupt: see `interruptible`.
        """
        run, sums, count = self.run, {}, 0
        model.eval()
        for number, batch in enumerate(test_batches(run, data, "held-out losses")):

            def draw(name: str, device: Any = None, key: int = number) -> torch.Generator:
                return seeding.generator(device or run.device, "held out", distributed.rank(), key, name)

            size = len(batch["label"])
            with torch.no_grad():
                batch = self._prepare(data, model, data.finish(batch), draw)
                with run.precision.autocast():
                    losses = self.losses(model, batch, draw)
            sums = {name: sums.get(name, 0.0) + size * float(value) for name, value in losses.items()}
            count += size
        shares = distributed.gather_objects((sums, count))  # without samples, where there are fewer than processes
        total = sum(own for _, own in shares)
        names = dict.fromkeys(name for own, _ in shares for name in own)
        found = {name: sum(own.get(name, 0.0) for own, _ in shares) / total for name in names}
        found["loss"] = sum(self.loss_weights[name] * value for name, value in found.items())
        return {f"{HELD_OUT}{name}": value for name, value in found.items()}

    @classmethod
    def exhibits(cls, run: Run) -> Iterator[Exhibit]:
        yield from pretrained(run)


def zeroshot_model(model: Any) -> Any:
    """Return the encoder of a pretraining model as a zero-shot model; of both queries if they share a space."""
    keys = {"text_dim": model.text_proj.out_features, "type": "text"}
    if model.img_proj is not None:
        keys["img_dim"] = model.img_proj.out_features
        if keys["img_dim"] == keys["text_dim"]:
            keys |= {"type": "full", "ratio": RATIO}
    return downstream_of(model, "PointTransformerZeroShot", **keys)
