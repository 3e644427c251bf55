"""Classification: fine-tuning, training from scratch, few-shot, testing and voting."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

from datasets.point_transforms import AUGMENTATIONS, point_all, sample_test, sample_train
from models import build_model_from_cfg
from tools.builder import Run, build_dataset, differences, load_pretrained, load_start, own_augmentation
from tools.task import Draw, Task, predict
from tools.trainer import Trainer
from utils import distributed, seeding
from utils.errors import Interrupted, UserError
from utils.logging import progress, read_metrics
from utils.metrics import accuracy, class_accuracy, mean_std
from utils.stopping import StopRequest


class Classify(Task):
    """Cross entropy, and what the model itself wants besides; the best is the highest accuracy on `dataset.val`."""

    def __init__(self, run: Run):
        super().__init__(run)
        self.test_data = build_dataset(run, "val")
        self.augment = AUGMENTATIONS[own_augmentation(run)]
        # Released protocols `linear` and `mlp3`: what has no `cls` in its name is frozen.
        self.frozen = run.config.model.get("type", "full") != "full"

    def build_model(self) -> nn.Module:
        model = build_classifier(self.run, self.test_data)
        self.model_has_losses = model.has_losses  # asked now: it may be wrapped later
        load_start(self.run, model)
        if self.frozen:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_("cls" in name)
        return model

    def train_mode(self, model: nn.Module) -> None:
        model.train()
        if self.run.config.freeze_bn and self.frozen:
            for module in model.modules():
                if isinstance(module, _BatchNorm) and not module.weight.requires_grad:
                    module.eval()

    def losses(self, model: nn.Module, batch: dict, draw: Draw) -> dict[str, Tensor]:
        config = self.run.config
        points = sample_train(batch["points"], config.npoints, draw("points"))
        points = self.augment(points, draw("augment"))
        if not self.model_has_losses:
            return {"loss": F.cross_entropy(model(points), batch["label"])}
        logits, losses = model(points, with_losses=True)
        return {"cross_entropy": F.cross_entropy(logits, batch["label"]), **losses}

    def evaluate(self, model: nn.Module, epoch: int = 0) -> dict[str, float]:
        logits, labels = predict(self.run, model, self.test_data, partial(sample_test, npoints=self.run.config.npoints))
        return accuracy(logits.argmax(1), labels)


def build_classifier(run: Run, dataset: Dataset) -> nn.Module:
    """Build the model of the config and check that it is a classifier with enough classes.

    Raises:
        UserError: if it is not.
    """
    model, classes = build_model_from_cfg(run.config.model), run.config.model.get("cls_dim")
    if classes is None or not hasattr(model, "cls_head_finetune"):
        raise UserError(f"config key 'model.NAME': '{run.config.model['NAME']}' is not a classifier")
    present = len(dataset.class_names)
    if classes < present:
        raise UserError(f"config key 'model.cls_dim': {classes} classes, but the data set has {present}")
    return model


def vote(run: Run, model: nn.Module, dataset: Dataset, results: dict, done: list[float]) -> None:
    """Classify by the mean logits of augmented random sub-samples, several rounds of it (released `--test`).

    A round draws by its number, so rounds can be continued at any time. What is found is recorded after each.

    Args:
        run: `vote` of its config says how many rounds.
        model: the classifier.
        dataset: what it is measured on.
        results: of the run; gets `vote` with the accuracies of the `rounds`, their `mean`, `std`, `best` and `count`.
            The paper's number is the best.
        done: the accuracies of the first rounds, if they were found before.

    Raises:
        Interrupted: if asked to stop.
    """
    config, settings = run.config, run.config.vote
    augment = AUGMENTATIONS[own_augmentation(run, voting=True)]

    def farthest(points: Tensor) -> Tensor:
        return sample_test(points, point_all(config.npoints, points.shape[1]))

    def one_round(number: int) -> float:
        generator = seeding.generator(run.device, run.args.seed, "vote", number)
        predicted = []
        for points in clouds.split(config.total_bs):
            points = points.to(run.device)
            logits = 0
            for _ in range(settings.samples):
                columns = torch.randperm(points.shape[1], generator=generator, device=run.device)[: config.npoints]
                with torch.no_grad():
                    logits = logits + model(augment(points[:, columns], generator))
            predicted.append(logits.argmax(1).cpu())
        return accuracy(torch.cat(predicted), labels)["accuracy"]

    def record() -> None:
        results.update(_votes(done))
        run.record(model, finished=len(done) == settings.rounds, metric="accuracy", last=results)

    record()  # what an earlier run in this folder left is true no longer
    clouds, labels = predict(run, nn.Identity(), dataset, farthest, "FPS")
    model.eval()
    rank, world = distributed.rank(), distributed.world_size()
    bar = progress(total=settings.rounds, initial=len(done), desc="voting", unit="round")
    with bar, StopRequest() as stop:
        try:
            stop.at_once = True  # at most a round is lost
            for first in range(len(done), settings.rounds, world):
                mine = one_round(first + rank) if first + rank < settings.rounds else None
                done += [value for value in distributed.gather(mine) if value is not None]
                record()
                bar.set_postfix_str(f"best {max(done):.2f} %", refresh=False)
                bar.update(len(done) - bar.n)
        except KeyboardInterrupt:
            raise Interrupted(
                f"{len(done)} of {settings.rounds} rounds are in {run.folder}/metrics.json; "
                f"the same command goes on (with --seed {run.args.seed})",
                stop.by,
            ) from None


def _votes(rounds: list[float]) -> dict:
    return {"vote": {**mean_std(rounds), "rounds": rounds}} if rounds else {}


def rounds_before(run: Run) -> list[float]:
    """Return the accuracies of the rounds that this very run has voted before; with `--vote` those asked for."""
    try:
        before = read_metrics(run.folder) or {}
        found = [float(value) for value in before["last"]["vote"]["rounds"]] if "vote" in before.get("last", {}) else []
        seconds = float(before.get("wall_seconds", 0.0))
    except (UserError, KeyError, TypeError, ValueError) as error:
        run.log.warning(f"{run.folder}/metrics.json is damaged, earlier rounds of voting are lost: {error}")
        return []
    if not before or [name for name in differences(before, run.identity) if name != "vote.rounds"]:
        return []
    if not run.args.vote:
        return found
    run.started -= seconds
    if found:
        run.log.info(f"going on after {len(found)} rounds of voting")
    return found[: run.config.vote.rounds]


def _no_segmenter(weights: Mapping[str, Tensor]) -> tuple[()]:
    """Refuse the weights of a segmenter by a word of what it is."""
    if "convs3.weight" in weights:
        raise UserError("it is a segmenter: scripts/seg.sh <GPU> <exp> <ckpt> --test, or CONFIG=cfgs/segmentation/...")
    return ()


def measure(run: Run) -> None:
    """Measure a fine-tuned classifier on `dataset.test`, with `--vote` by voting too."""
    done = distributed.gather(rounds_before(run))[0]
    dataset = build_dataset(run, "test")
    model = build_classifier(run, dataset)
    load_pretrained(run, model, run.args.ckpts, first="model", prepare=_no_segmenter)
    model.to(run.device)
    logits, labels = predict(run, model, dataset, partial(sample_test, npoints=run.config.npoints))
    results = accuracy(logits.argmax(1), labels)
    counts = f"{results['correct']} of {results['total']}"
    run.log.info(f"accuracy{' without voting' * run.args.vote}: {results['accuracy']:.2f} % ({counts})")
    results["class_accuracy"] = class_accuracy(logits.argmax(1), labels, dataset.class_names)
    if not run.args.vote:
        run.record(model, finished=True, metric="accuracy", last=results | _votes(done))
        rounds, samples = run.config.vote.rounds, run.config.vote.samples
        run.log.info(f"measured without voting; --vote votes as well ({rounds} rounds of {samples} sub-samples)")
        return
    vote(run, model, dataset, results, done)
    votes = results["vote"]
    run.log.info(
        f"with voting, {votes['count']} rounds: {votes['mean']:.2f} +- {votes['std']:.2f} %; "
        f"best round (what the paper calls voting): {votes['best']:.2f} %"
    )


def main(run: Run) -> None:
    """Fine-tune, train from scratch, or test."""
    if run.task == "test":
        measure(run)
    else:
        Trainer(run, Classify(run)).fit()
