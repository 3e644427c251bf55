"""Pretraining ReCon on points, images and text."""

from torch import Tensor, nn
from torch.utils.data import Dataset

from datasets.point_transforms import AUGMENTATIONS, normalize_unit_sphere, random_subset
from datasets.prompts import prompt, spell
from models import build_model_from_cfg, downstream_of
from tools import runner_svm, runner_zeroshot
from tools.builder import Run, build_dataset, load_pretrained, own_augmentation
from tools.task import Draw, Task
from tools.trainer import Trainer
from utils.config import load_config
from utils.errors import UserError

# Whose data sets a probe takes where the config has no `extra_train` and `extra_val`.
PROBES = {"svm": "cfgs/svm/modelnet40.yaml", "zeroshot": "cfgs/zeroshot/modelnet40.yaml"}
RATIO = 0.25  # of the queries in the zero-shot probe: that of cfgs/zeroshot/modelnet40.yaml


class Pretrain(Task):
    """All losses of ReCon; what `validate` measures decides which checkpoint is the best.

    Without it that is the one of the lowest training loss.
    """

    def __init__(self, run: Run):
        super().__init__(run)
        self.augment = AUGMENTATIONS[own_augmentation(run)]
        self.loss_weights = vars(run.config.loss_weights)
        self.probed: list[Dataset] = []
        sections = run.config.dataset
        self.validate = run.config.validate or ("svm" if sections.extra_train and sections.extra_val else "none")
        if self.validate == "none":
            self.metric, self.higher_is_better = "loss", False
            return
        if run.config.model["NAME"] != "ReCon":
            raise UserError(f"validate: {self.validate} is for 'model.NAME' ReCon, not {run.config.model['NAME']}")
        if self.validate == "zeroshot" and not run.config.model.get("text_encoder"):
            raise UserError("validate: zeroshot needs a text teacher under 'model.text_encoder'")
        self.metric = f"{self.validate}_accuracy"
        for section, own in (("extra_train", "train"), ("extra_val", "test")):
            if section == "extra_val" or self.validate == "svm":
                if getattr(sections, section) is None:
                    setattr(sections, section, load_config(PROBES[self.validate])["dataset"][own])
                self.probed.append(build_dataset(run, section))

    def save_epochs(self) -> range:
        return range(250, self.run.config.max_epoch + 1, 25)  # as released

    def build_model(self) -> nn.Module:
        model = build_model_from_cfg(self.run.config.model)
        if not model.pretrains:
            raise UserError(
                f"config key 'model.NAME': '{self.run.config.model['NAME']}' is not a model to pretrain; "
                "--finetune_model, --scratch_model, --test, --svm or --zeroshot says what to do with it"
            )
        if self.run.args.start_ckpts:
            load_pretrained(self.run, model, self.run.args.start_ckpts, first="model")
        return model

    def losses(self, model: nn.Module, batch: dict, draw: Draw) -> dict[str, Tensor]:
        config = self.run.config
        points = normalize_unit_sphere(random_subset(batch["points"], config.npoints, draw("points")))
        points, text = self.augment(points, draw("augment")), None
        if "text" in batch:
            names = [spell(name, config.prompt_names) for name in batch["text"]]
            text = prompt(names, draw("prompts", "cpu"))
        return model(points, batch.get("image"), text, category=batch["label"], generator=draw("mask"))

    def evaluate(self, model: nn.Module, epoch: int = 0) -> dict[str, float]:
        if self.validate == "none":
            return {}
        for data in self.probed:
            data.set_epoch(epoch)
        device = self.run.device
        if self.validate == "svm":
            encoder = downstream_of(model, "PointTransformerSVM").to(device)
            found = runner_svm.probe(self.run, encoder, *self.probed)
        else:
            encoder = build_zeroshot(model).to(device)
            found = runner_zeroshot.probe(self.run, encoder, model.text_teacher, *self.probed)
            found = {name: value for name, value in found.items() if not isinstance(value, dict)}
        return {f"{self.validate}_{name}": value for name, value in found.items()}


def build_zeroshot(model: nn.Module) -> nn.Module:
    """Return the encoder of a pretraining model as a zero-shot model; of both queries if they share a space."""
    keys = {"text_dim": model.text_proj.out_features, "type": "text"}
    if model.img_proj is not None:
        keys["img_dim"] = model.img_proj.out_features
        if keys["img_dim"] == keys["text_dim"]:
            keys |= {"type": "full", "ratio": RATIO}
    return downstream_of(model, "PointTransformerZeroShot", **keys)


def main(run: Run) -> None:
    """Pretrain."""
    Trainer(run, Pretrain(run)).fit()
