"""Linear SVM and nearest neighbour on frozen features."""

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from datasets import PointDataset
from datasets.point_transforms import sample_test
from models import Trainable, build_model_from_cfg
from tools.engine.data import open_dataset
from tools.engine.infer import predict
from tools.engine.run import Run
from tools.engine.task import TASKS, Mode, Task
from tools.engine.weights import load_run_weights
from tools.report.exhibits import Exhibit, nearest_shapes, trained_model
from utils import seeding
from utils.errors import UserError
from utils.metrics import accuracy, by_class


@dataclass
class SvmConfig:
    """`svm`: C of the linear support vector machine.

    With `drop_last` it is fitted to whole batches of randomly ordered samples only, as in the released code, which
    leaves out up to `total_bs` - 1 of them.
    """

    C: float = 0.075
    drop_last: bool = False

    def __post_init__(self):
        if not self.C > 0:
            raise ValueError(f"C must be positive, got {self.C}")


def linear_svm(features: Tensor, labels: Tensor, C: float, seed: int) -> LinearSVC:
    """Fit a linear SVM to features (n, d) and labels (n,), on the CPU, as the released code does."""
    # The dual solver was the default in 2023; today's chooses by the shape of the features.
    svm = LinearSVC(C=C, dual=True, random_state=seed % 2**32)  # pyright: ignore[reportArgumentType]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # its iterations are limited, as in the released code
        return svm.fit(features.numpy(), labels.numpy())


def svm_probe(run: Run, model: nn.Module, train: PointDataset, test: PointDataset) -> dict[str, Any]:
    """Fit a linear SVM (C from `svm.C`) and a 1-nearest-neighbour classifier to features, and test them.

    Args:
        run: the run.
        model: from points (B, N, 3) to features (B, d).
        train: data set with labels that the classifiers are fitted to.
        test: data set that they are measured on.

    Returns:
        `accuracy`, `correct` and `total` of the SVM, and what `by_class` tells; `nearest_neighbor_accuracy` and
        `nearest_neighbor_correct` (by cosine) of the other.

    Raises:
        UserError: if the training set holds fewer than two classes.
    """
    prepare = partial(sample_test, npoints=run.config.npoints)
    (x, y), (x_test, y_test) = (
        predict(run, model, part, prepare, name) for part, name in ((train, "train features"), (test, "test features"))
    )
    if run.config.section(SvmConfig).drop_last:
        batch = run.config.total_bs
        if len(y) < batch:
            raise UserError(f"svm.drop_last: {len(y)} training samples are less than a batch (total_bs {batch})")
        order = torch.randperm(len(y), generator=seeding.generator("cpu", run.args.seed, "svm"))
        run.log.info(f"svm.drop_last: fitted to {len(y) // batch * batch} of {len(y)} samples")
        x, y = (part[order[: len(y) // batch * batch]] for part in (x, y))
    if len(y.unique()) < 2:
        raise UserError(f"an SVM needs at least 2 classes to tell apart, the training set has {len(y.unique())}")
    svm = linear_svm(x, y, run.config.section(SvmConfig).C, run.args.seed)
    nearest = KNeighborsClassifier(1, metric="cosine").fit(x.numpy(), y.numpy())
    by_svm, by_neighbor = (torch.from_numpy(model.predict(x_test.numpy())) for model in (svm, nearest))
    found = accuracy(by_svm, y_test) | by_class(by_svm, y_test, test.class_names)
    neighbor = accuracy(by_neighbor, y_test)
    return found | {f"nearest_neighbor_{name}": neighbor[name] for name in ("accuracy", "correct")}


@TASKS.register("svm")
class Svm(Task):
    """Linear SVM on a pretrained encoder, or on a random one as the baseline."""

    modes = (Mode("svm", "--svm", "linear SVM on the features of --ckpts, or of random weights", rank=2),)
    needs = "a model that gives features, PointTransformerSVM"
    sections = {"svm": SvmConfig}

    @classmethod
    def accepts(cls, model: type[Trainable], args: argparse.Namespace) -> bool:
        return model.embeds == "features"

    def measure(self) -> None:
        run = self.run
        train, test = open_dataset(run, "train"), open_dataset(run, "test")
        seeding.seed_everything(run.args.seed, "model")
        model = build_model_from_cfg(run.config.model)
        if run.args.ckpts:
            load_run_weights(run, model, run.args.ckpts)
        else:
            run.log.warning("no --ckpts: the features come from random weights")
        results = svm_probe(run, run.precision.place(model), train, test)
        run.log.info(
            f"linear SVM: {results['accuracy']:.2f} % ({results['correct']} of {results['total']}), "
            f"1-nearest neighbour: {results['nearest_neighbor_accuracy']:.2f} %"
        )
        run.record(model, finished=True, random_weights=not run.args.ckpts, metric="accuracy", last=results)

    @classmethod
    def exhibits(cls, run: Run) -> Iterator[Exhibit]:
        yield nearest_shapes(run, trained_model(run), open_dataset(run, "test"))
