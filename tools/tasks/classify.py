"""Classification: fine-tuning, training from scratch, few-shot, testing."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from datasets import PointDataset
from datasets.point_transforms import sample_test, sample_train
from models import Trainable, build_model_from_cfg, parse_model_config
from models.losses import cross_entropy
from tools.engine.data import own_augmentation
from tools.engine.density import group_varied
from tools.engine.holdout import open_evaluation
from tools.engine.infer import SampledClouds, load_clouds, predict
from tools.engine.run import Run
from tools.engine.task import FINETUNE, SCRATCH, TASKS, TEST, Generators, TrainedTask
from tools.engine.weights import load_run_weights, load_start
from tools.report.exhibits import Exhibit, classified, trained_model
from utils.errors import UserError
from utils.metrics import accuracy, by_class


@dataclass
class ClassifyConfig:
    """`classify`: with `freeze_bn` the running statistics of frozen BatchNorm layers do not move."""

    freeze_bn: bool = False


@TASKS.register("classify")
class Classify(TrainedTask):
    """Cross entropy, and what the model itself wants besides.

    The best is the highest accuracy on `dataset.val`, or on what `val_share` holds out.
    """

    modes = (FINETUNE, SCRATCH, TEST)
    needs = "a classifier"
    sections = {"classify": ClassifyConfig}
    aliases = {"freeze_bn": "classify"}

    @classmethod
    def accepts(cls, model: type[Trainable], args: argparse.Namespace) -> bool:
        return model.classifies

    def __init__(self, run: Run):
        super().__init__(run)
        self.test_data = open_evaluation(run)
        self.test_clouds: SampledClouds | None = None
        self.sample = partial(sample_test, npoints=run.config.npoints)
        if run.mode.trains:
            self.augment = own_augmentation(run, run.config.augment)

    def build_model(self) -> Trainable:
        model = build_classifier(self.run, self.test_data)
        self.model_has_losses = model.has_losses  # asked now: it may be wrapped later
        load_start(self.run, model)
        for name in model.frozen_parameters():
            model.get_parameter(name).requires_grad_(False)
        return model

    def train_mode(self, model: Trainable) -> None:
        model.train()
        if self.run.config.section(ClassifyConfig).freeze_bn and model.frozen_parameters():
            for module in model.modules():
                if isinstance(module, _BatchNorm) and not module.weight.requires_grad:
                    module.eval()

    def prepare(self, model: Trainable, batch: dict, draw: Generators) -> dict:
        config, sampling, augmenting = self.run.config, draw("points"), draw("augment")

        def feed(points: Tensor) -> Tensor:
            if config.least_points is None or points.shape[1] > config.npoints:
                points = sample_train(points, config.npoints, sampling)
            return self.augment(points, augmenting)

        if config.least_points is None:
            return {"points": model.group(feed(batch["points"])), "label": batch["label"]}
        return {"points": group_varied(model, batch["points"], config, draw, feed), "label": batch["label"]}

    def losses(self, model: nn.Module, batch: dict, draw: Generators) -> dict[str, Tensor]:
        if not self.model_has_losses:
            return {"loss": cross_entropy(model(batch["points"]), batch["label"])}
        logits, losses = model(batch["points"], with_losses=True)
        return {"cross_entropy": cross_entropy(logits, batch["label"]), **losses}

    def evaluate(self, model: Trainable, epoch: int = 0) -> dict[str, Any]:
        if self.test_clouds is None:
            self.test_clouds = load_clouds(self.run, self.test_data, self.sample, "test clouds")
        logits, labels = predict(self.run, model, self.test_clouds)
        predicted = logits.argmax(1)
        return accuracy(predicted, labels) | by_class(predicted, labels, self.test_data.class_names)

    def measure(self) -> None:
        model, results = self.measure_once()
        kept = self.run.recorded().get("last", {})  # what an earlier test of the same found besides, such as votes
        self.run.record(model, finished=True, metric="accuracy", last={**kept, **results})
        self.run.log.info("measured without voting; --vote votes as well")

    @classmethod
    def exhibits(cls, run: Run) -> Iterator[Exhibit]:
        yield classified(run, trained_model(run), open_evaluation(run))

    def measure_once(self, what: str = "accuracy") -> tuple[nn.Module, dict]:
        """Measure the classifier in `--ckpts` on `dataset.test`; returns it and the results.

        Args:
            what: name of the accuracy in the log.
        """
        run = self.run
        model = build_classifier(run, self.test_data)
        load_run_weights(run, model, run.args.ckpts, first="model", prepare=_no_segmenter)
        run.precision.place(model)
        logits, labels = predict(run, model, self.test_data, self.sample)
        results: dict[str, Any] = accuracy(logits.argmax(1), labels)
        counts = f"{results['correct']} of {results['total']}"
        run.log.info(f"{what}: {results['accuracy']:.2f} % ({counts})")
        results |= by_class(logits.argmax(1), labels, self.test_data.class_names)
        return model, results


def build_classifier(run: Run, dataset: PointDataset) -> Trainable:
    """Build the model of the config and check that it has enough classes.

    Raises:
        UserError: if it has not.
    """
    classes, present = parse_model_config(run.config.model)[1].cls_dim, len(dataset.class_names)
    if classes < present:
        raise UserError(f"config key 'model.cls_dim': {classes} classes, but the data set has {present}")
    return build_model_from_cfg(run.config.model)


def _no_segmenter(weights: Mapping[str, Tensor]) -> tuple[()]:
    """Refuse the weights of a segmenter by a word of what it is."""
    if "convs3.weight" in weights:
        raise UserError("it is a segmenter: scripts/seg.sh <GPU> <exp> <ckpt> --test, or CONFIG=cfgs/segmentation/...")
    return ()
