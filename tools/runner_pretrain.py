"""Pretraining ReCon on points, images and text."""

from collections.abc import Mapping

from torch import Tensor, nn

from datasets.point_transforms import AUGMENTATIONS, normalize_unit_sphere, random_subset
from datasets.prompts import prompt
from models import build_model_from_cfg, parse_model_config
from tools.builder import Run, build_dataset, load_pretrained
from tools.runner_svm import probe
from tools.task import Draw, Task
from tools.trainer import Trainer
from utils.errors import UserError


class Pretrain(Task):
    """All losses of ReCon; with `dataset.extra_train` and `extra_val`, the best is what a linear SVM likes best.

    Without them the best is the lowest training loss.
    """

    def __init__(self, run: Run):
        super().__init__(run)
        self.loss_weights = vars(run.config.loss_weights)
        self.probed = None
        if run.config.dataset.extra_train and run.config.dataset.extra_val:
            self.probed = [build_dataset(run, section) for section in ("extra_train", "extra_val")]
            self.metric = "svm_accuracy"
            if run.config.model["NAME"] != "ReCon":
                raise UserError(
                    "dataset.extra_train and extra_val: the linear SVM is for 'model.NAME' ReCon, not "
                    f"{run.config.model['NAME']}; leave them out"
                )
        else:
            self.metric, self.higher_is_better = "loss", False

    def build_model(self) -> nn.Module:
        model = build_model_from_cfg(self.run.config.model)
        if not hasattr(model, "MAE_encoder"):
            raise UserError(f"config key 'model.NAME': '{self.run.config.model['NAME']}' is not a model to pretrain")
        if self.run.args.start_ckpts:
            load_pretrained(self.run, model, self.run.args.start_ckpts, first="model")
        return model

    def losses(self, model: nn.Module, batch: dict, draw: Draw) -> dict[str, Tensor]:
        config = self.run.config
        points = normalize_unit_sphere(random_subset(batch["points"], config.npoints, draw("points")))
        points = AUGMENTATIONS[config.augment](points, draw("augment"))
        text = prompt(batch["text"], draw("prompts", "cpu")) if "text" in batch else None
        return model(points, batch.get("image"), text, category=batch["label"], generator=draw("mask"))

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        if self.probed is None:
            return {}
        encoder = build_svm_model(self.run.config.model, model).to(self.run.device)
        return {f"svm_{name}": value for name, value in probe(self.run, encoder, *self.probed).items()}


def build_svm_model(section: Mapping, model: nn.Module) -> nn.Module:
    """Return the encoder of a pretraining model, built from this `model` section, as the model an SVM is put on."""
    _, config = parse_model_config(section)
    patches = {name: getattr(config, name) for name in ("num_group", "group_size", "block_form")}
    sizes = ("trans_dim", "encoder_dims", "patch_dim", "depth", "num_heads")
    transformer = {name: getattr(config.transformer_config, name) for name in sizes}
    svm = build_model_from_cfg({"NAME": "PointTransformerSVM", **patches, **transformer})
    svm.load_state_dict(model.MAE_encoder.state_dict())
    return svm


def main(run: Run) -> None:
    """Pretrain."""
    Trainer(run, Pretrain(run)).fit()
