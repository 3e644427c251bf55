"""Classification: fine-tuning, training from scratch, few-shot, testing and voting."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

from datasets.point_transforms import AUGMENTATIONS, point_all, sample_test, sample_train
from models import build_model_from_cfg
from tools.builder import Run, build_dataset, load_pretrained
from tools.task import Draw, Task, predict
from tools.trainer import Trainer
from utils import distributed, seeding
from utils.errors import UserError
from utils.logging import progress
from utils.metrics import accuracy, class_accuracy, mean_std


class Classify(Task):
    """Cross entropy; the best is the highest accuracy on `dataset.val`."""

    def __init__(self, run: Run):
        super().__init__(run)
        self.test_data = build_dataset(run, "val")
        # Released protocols `linear` and `mlp3`: what has no `cls` in its name is frozen.
        self.frozen = run.config.model.get("type", "full") != "full"

    def build_model(self) -> nn.Module:
        model = build_classifier(self.run, self.test_data)
        run = self.run
        if run.args.ckpts:  # with --resume too: there may be nothing to resume yet
            load_pretrained(run, model, run.args.ckpts, model.new_parameters)
        elif run.task == "finetune" and not (run.folder / "ckpt-last.pth").is_file():
            raise UserError(f"nothing to resume in {run.folder}, and no --ckpts FILE to start from")
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
        points = AUGMENTATIONS[config.augment](points, draw("augment"))
        return {"loss": F.cross_entropy(model(points), batch["label"])}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
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


def vote(run: Run, model: nn.Module, dataset: Dataset) -> dict[str, float | int]:
    """Classify by the mean logits of augmented random sub-samples, several rounds of it (released `--test`).

    Returns:
        `mean`, `std`, `best` and `count` of the rounds' accuracies. The paper's number is the best.
    """
    config, settings = run.config, run.config.vote
    augment = AUGMENTATIONS[settings.augment]

    def farthest(points: Tensor) -> Tensor:
        return sample_test(points, point_all(config.npoints, points.shape[1]))

    clouds, labels = predict(run, nn.Identity(), dataset, farthest, "FPS")
    model.eval()
    accuracies = []
    share = range(distributed.rank(), settings.rounds, distributed.world_size())
    bar = progress(share, desc="voting", unit="round")
    for number in bar:
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
        accuracies.append(accuracy(torch.cat(predicted), labels)["accuracy"])
        bar.set_postfix_str(f"best {max(accuracies):.2f} %", refresh=False)
    return mean_std([value for part in distributed.gather(accuracies) for value in part])


def measure(run: Run) -> None:
    """Measure a fine-tuned classifier on `dataset.test`, with `--vote` by voting too."""
    dataset = build_dataset(run, "test")
    model = build_classifier(run, dataset)
    load_pretrained(run, model, run.args.ckpts)
    model.to(run.device)
    logits, labels = predict(run, model, dataset, partial(sample_test, npoints=run.config.npoints))
    results = accuracy(logits.argmax(1), labels)
    run.log.info(f"accuracy: {results['accuracy']:.2f} % ({results['correct']} of {results['total']})")
    results["class_accuracy"] = class_accuracy(logits.argmax(1), labels, dataset.class_names)
    run.record(model, finished=not run.args.vote, metric="accuracy", last=results)
    if run.args.vote:
        results["vote"] = votes = vote(run, model, dataset)
        run.log.info(
            f"with voting, {votes['count']} rounds: {votes['mean']:.2f} +- {votes['std']:.2f} %; "
            f"best round (what the paper calls voting): {votes['best']:.2f} %"
        )
        run.record(model, finished=True, metric="accuracy", last=results)


def main(run: Run) -> None:
    """Fine-tune, train from scratch, or test."""
    if run.task == "test":
        measure(run)
    else:
        Trainer(run, Classify(run)).fit()
