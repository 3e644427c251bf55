"""Part and indoor semantic segmentation: fine-tuning, training from scratch, testing."""

import argparse
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datasets import PointDataset, collate
from datasets.shapenetpart import PARTS
from models import Trainable, build_model_from_cfg, parse_model_config
from models.losses import segmentation_loss
from tools.engine.data import build_loader, own_augmentation, to_device
from tools.engine.holdout import open_evaluation
from tools.engine.infer import test_batches
from tools.engine.run import Run
from tools.engine.task import FINETUNE, SCRATCH, TASKS, TEST, Generators, TrainedTask
from tools.engine.weights import load_run_weights, load_start
from tools.report.exhibits import SHAPES, Exhibit, labels_of, segmented, some, trained_model
from utils import distributed
from utils.errors import UserError
from utils.logging import progress
from utils.metrics import confusion_matrix, hit_rate, part_iou, part_scores, semantic_scores


class Segment(TrainedTask):
    """Negative log-likelihood of every point's label; the best is the highest mean IoU.

    Args:
        run: the run.

    Attributes:
        kind: what the models that it takes segment.
        table: where the results have a number for each class: the key of the table, and that of the number in its rows.

    Raises:
        UserError: if the data set that is measured on is of another kind than the model, or has more classes.
    """

    modes = (FINETUNE, SCRATCH, TEST)
    kind: ClassVar[str]
    table: ClassVar[tuple[str, str]]

    @classmethod
    def accepts(cls, model: type[Trainable], args: argparse.Namespace) -> bool:
        return model.segments == cls.kind

    def __init__(self, run: Run):
        super().__init__(run)
        if run.config.least_points is not None:
            raise UserError("config key 'npoints': segmentation takes one number, not [fewest, most]")
        section = "val" if run.mode.trains else "test"
        _, self.shape = parse_model_config(run.config.model)
        self.test_data = open_evaluation(run)
        self.weight: Tensor | None = None
        self.check(self.test_data, f"dataset.{section}")

    def setup(self, data: PointDataset) -> None:
        self.augment = own_augmentation(self.run, self.run.config.augment)
        if "point_label" not in data.gives:
            raise UserError(f"dataset.train has no label for every point, which '{self.shape.NAME}' learns from")

    @abstractmethod
    def check(self, data: PointDataset, where: str) -> None:
        """Raise a UserError if a data set is not one to measure this model on."""

    @abstractmethod
    def log_prob(self, model: nn.Module, points: Tensor, batch: dict) -> Tensor:
        """Return log-probabilities (B, N, classes) of points (B, N, 3), which may be augmented ones of the batch."""

    def build_model(self) -> Trainable:
        model = build_model_from_cfg(self.run.config.model)
        load_start(self.run, model)
        return model

    def prepare(self, model: Trainable, batch: dict, draw: Generators) -> dict:
        points = self.augment(batch["points"], draw("augment"))
        return {**batch, "points": points, "patches": model.group(points)}

    def losses(self, model: nn.Module, batch: dict, draw: Generators) -> dict[str, Tensor]:
        log_prob = self.log_prob(model, batch["points"], batch)
        return {"loss": segmentation_loss(log_prob, batch["point_label"], self.weight)}

    def predict(self, model: Trainable, batches: Iterable[dict]) -> Iterator[tuple[dict, Tensor]]:
        """Yield batches with their log-probabilities (B, N, classes)."""
        model.eval()
        for batch in batches:
            with torch.no_grad(), self.run.precision.autocast():
                log_prob = self.log_prob(model, batch["points"], batch).float()
            yield batch, log_prob

    def require(self, key: str, least: int, what: str) -> None:
        """Raise a UserError if a size of the model is less than what the data set has."""
        if (size := getattr(self.shape, key)) < least:
            raise UserError(f"config key 'model.{key}': {size}, but the data set has {least} {what}")

    def measure(self) -> None:
        run = self.run
        if run.args.vote:
            run.log.warning("--vote has no effect: it is for classifiers, segmentation has no voting")
        model = build_model_from_cfg(run.config.model)
        load_run_weights(run, model, run.args.ckpts, first="model_state_dict")
        results = self.evaluate(run.precision.place(model))
        run.log.info("  ".join(f"{name} {value:.2f} %" for name, value in results.items() if isinstance(value, float)))
        key, number = self.table
        for name, row in results[key].items():
            run.log.info(f"  {name}: {row[number]:.2f} %")
        run.record(model, finished=True, metric=self.metric, last=results)


@TASKS.register("part segmentation")
class PartSegment(Segment):
    """Parts of objects of known category."""

    kind = "parts"
    needs = "a model of part segmentation"
    metric = "instance_miou"
    latest_of_equals = True  # as released
    table = ("category_miou", "miou")

    def check(self, data: PointDataset, where: str) -> None:
        if not set(data.class_names) <= set(PARTS):
            raise UserError(f"{where} does not hold objects with parts, as 'ShapeNetPart' does")
        self.require("num_categories", len(data.class_names), "categories")
        self.require("cls_dim", 1 + max(max(PARTS[name]) for name in data.class_names), "parts")

    def log_prob(self, model: nn.Module, points: Tensor, batch: dict) -> Tensor:
        return model(points, batch["label"], batch.get("patches"))

    def evaluate(self, model: Trainable, epoch: int = 0) -> dict[str, Any]:
        """Measure by shape; the prediction is the likeliest of the parts that the shape's category has."""
        self.test_data.set_epoch(epoch)
        names = self.test_data.class_names
        parts = torch.zeros(len(names), self.shape.cls_dim, dtype=torch.bool, device=self.run.device)
        for category, name in enumerate(names):
            parts[category, PARTS[name]] = True
        found = []
        for batch, log_prob in self.predict(model, test_batches(self.run, self.test_data, "test")):
            own, truth = parts[batch["label"]], batch["point_label"]
            predicted = log_prob.masked_fill(~own[:, None], float("-inf")).argmax(2)
            hits = (predicted == truth).sum(1)
            totals = torch.full_like(hits, truth.shape[1])
            columns = (part_iou(predicted, truth, own), batch["label"], hits, totals)
            found.append([column.cpu() for column in columns])
        found = [batch for share in distributed.gather_objects(found) for batch in share]
        iou, category, hits, totals = (torch.cat(column) for column in zip(*found, strict=True))
        return part_scores(iou, category, names) | hit_rate(int(hits.sum()), int(totals.sum()))

    @classmethod
    def exhibits(cls, run: Run) -> Iterator[Exhibit]:
        task, model = cls(run), trained_model(run)
        data, clouds, names = task.test_data, {}, {}
        chosen = some(run, labels_of(data), SHAPES)
        batch = to_device(collate([data[index] for index in chosen]), run.device)
        ((_, log_prob),) = task.predict(model, [batch])
        for row, index in enumerate(chosen):
            category = data.class_names[int(batch["label"][row])]
            parts = torch.tensor(PARTS[category], device=run.device)
            predicted = log_prob[row][:, parts].argmax(1)
            title = f"{category}, shape {index}"
            clouds[title] = batch["points"][row], batch["point_label"][row] - parts[0], predicted
            names[title] = [f"part {number + 1}" for number in range(len(parts))]
        yield segmented(clouds, names)


@TASKS.register("semantic segmentation")
class SemanticSegment(Segment):
    """Indoor semantic segmentation; rare classes weigh more in the loss."""

    kind = "scenes"
    needs = "a model of semantic segmentation"
    metric = "miou"
    table = ("class_iou", "iou")

    def setup(self, data: PointDataset) -> None:
        super().setup(data)
        weights = data.class_weights()
        if weights is None:
            raise UserError("dataset.train has no class weights, as 'S3DIS' does")
        self.weight = F.pad(weights, (0, self.shape.cls_dim - len(data.class_names)))
        self.weight = self.weight.to(self.run.device)

    def check(self, data: PointDataset, where: str) -> None:
        if "index" not in data.gives:
            raise UserError(f"{where} does not cover whole rooms, as 'S3DISRooms' does")
        self.require("cls_dim", len(data.class_names), "classes")

    def log_prob(self, model: nn.Module, points: Tensor, batch: dict) -> Tensor:
        return model(points, batch.get("patches"))

    def evaluate(self, model: Trainable, epoch: int = 0) -> dict[str, Any]:
        """Measure by room: every point takes the class with the highest sum of probabilities over its chunks.

        Chunks come room by room, so only the sums of the rooms at hand are kept.
        """
        data: Any = self.test_data  # of rooms
        rooms, names = data.rooms, data.class_names
        confusion = torch.zeros(len(names), len(names), dtype=torch.int64, device=self.run.device)
        votes: dict[int, Tensor] = {}
        done = 0  # the rooms below are counted

        def votes_of(room: int) -> Tensor:
            if room not in votes:
                votes[room] = torch.zeros(len(rooms[room].labels), len(names), device=self.run.device)
            return votes[room]

        def count_up_to(end: int) -> None:
            """Every process does this in the order of the rooms, with its share of their chunks."""
            for room in range(done, end):
                self.run.stop.check(self.run.device)
                predicted = distributed.total(votes_of(room)).argmax(1)
                truth = torch.from_numpy(rooms[room].labels).to(self.run.device)
                confusion.add_(confusion_matrix(predicted, truth, len(names)))
                del votes[room]

        loader = progress(build_loader(self.run, self.test_data), desc="test")
        for batch, log_prob in self.predict(model, (to_device(batch, self.run.device) for batch in loader)):
            present = batch["label"].unique().tolist()
            if present[0] < done:
                raise ValueError(f"the chunks of room {present[0]} do not come together")
            count_up_to(present[0])
            done = present[0]
            for room in present:
                mine = batch["label"] == room
                prob = log_prob[mine].flatten(0, 1).exp()[:, : len(names)]
                votes_of(room).index_add_(0, batch["index"][mine].flatten(), prob)
        count_up_to(len(rooms))
        return {"rooms": len(rooms)} | semantic_scores(confusion, names)

    @classmethod
    def exhibits(cls, run: Run) -> Iterator[Exhibit]:
        task, model = cls(run), trained_model(run)
        data: Any = task.test_data
        chosen = some(run, [0] * len(data), SHAPES)
        batch = to_device(collate([data[index] for index in chosen]), run.device)
        ((_, log_prob),) = task.predict(model, [batch])
        clouds = {}
        for row, index in enumerate(chosen):
            truth = torch.from_numpy(data.rooms[int(batch["label"][row])].labels)[batch["index"][row].cpu()]
            predicted = log_prob[row][:, : len(data.class_names)].argmax(1).cpu()
            clouds[f"chunk {index}"] = batch["points"][row], truth, predicted
        yield segmented(clouds, dict.fromkeys(clouds, data.class_names))
