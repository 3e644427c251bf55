"""The interface of a task."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from utils.errors import UserError
from utils.registry import Registry

if TYPE_CHECKING:
    from datasets import PointDataset
    from models import Trainable
    from tools.engine.run import Run
    from tools.report.exhibits import Exhibit

Generators = Callable[..., torch.Generator]
TASKS = Registry("task", "tools.tasks")
COMMANDS = Registry("command", "tools.tasks")


@dataclass(frozen=True)
class Mode:
    """What main.py is asked to do with a model.

    Attributes:
        name: what run folders and metrics.json call it.
        flag: of the command line; empty for what is meant without any.
        help: of the flag.
        rank: where several flags are given, that of the lowest rank decides.
        trains: whether a model is trained; otherwise it is measured.
        starts_from: the argument that names the checkpoint it starts from.
        needs_weights: whether that must be given.
        note_with, note_without: what to tell the user if it is given, or not.
        resumed_by: how to go on after an interruption, where that is not `--resume`.
    """

    name: str
    flag: str
    help: str = ""
    rank: int = 5
    trains: bool = False
    starts_from: str = "ckpts"
    needs_weights: bool = False
    note_with: str = ""
    note_without: str = ""
    resumed_by: str = ""

    @property
    def dest(self) -> str:
        """Attribute of the parsed arguments that holds the flag."""
        return self.flag.removeprefix("--").replace("-", "_")


TEST = Mode(
    "test",
    "--test",
    "test the fine-tuned classifier or segmenter in --ckpts",
    rank=0,
    needs_weights=True,
    resumed_by="voting that was interrupted goes on with the same command",
)
FINETUNE = Mode(
    "finetune",
    "--finetune_model",
    "train a classifier or segmenter from --ckpts",
    rank=3,
    trains=True,
    note_without="--finetune_model without --ckpts: training from scratch, no weights are loaded",
)
SCRATCH = Mode(
    "scratch",
    "--scratch_model",
    "train one without --ckpts",
    rank=4,
    trains=True,
    note_with="--scratch_model with --ckpts: training starts from {ckpts}, not from scratch",
)


class Command(ABC):
    """What main.py does without a config and a run, asked for by its name: a file in tools/tasks, filed in `COMMANDS`.

    Attributes:
        help: what it does, in a line.
    """

    help: ClassVar[str]

    def __init__(self, args: argparse.Namespace):
        self.args = args

    @classmethod
    @abstractmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add its arguments."""

    @abstractmethod
    def run(self) -> int:
        """Do it; returns the exit status."""


class Task(ABC):
    """One task: a file in tools/tasks, which files its class in `TASKS`.

    Attributes:
        modes: what it does.
        needs: what kind of model it is for, for messages.
        sections: config sections of its own: dataclasses of their keys, by name.
        aliases: keys of those sections that stand at the top level of released configs: {key: section}.
        growing: dotted config keys of its own of which more adds to an earlier result instead of replacing it.
    """

    modes: ClassVar[tuple[Mode, ...]]
    needs: ClassVar[str]
    sections: ClassVar[Mapping[str, type]] = {}
    aliases: ClassVar[Mapping[str, str]] = {}
    growing: ClassVar[Collection[str]] = ()

    def __init__(self, run: "Run"):
        self.run = run

    @classmethod
    @abstractmethod
    def accepts(cls, model: "type[Trainable]", args: argparse.Namespace) -> bool:
        """Whether this is the task for a model of this class; `args` is the command line."""

    @classmethod  # noqa: B027
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add flags beside those of its modes."""

    @classmethod  # noqa: B027
    def check_arguments(cls, args: argparse.Namespace) -> None:
        """Check them, whatever task is chosen, and add lines for the user to `args.notes`.

        Raises:
            UserError: if they are wrong.
        """

    @classmethod  # noqa: B027
    def override(cls, raw: dict, args: argparse.Namespace) -> None:
        """Put what they say into a config that has been read."""

    def measure(self) -> None:
        """Do what its modes that train nothing are about."""
        raise NotImplementedError

    @classmethod
    def exhibits(cls, run: "Run") -> "Iterable[Exhibit]":
        """Yield what the report of a finished run of this task shows besides its numbers.

        Raises:
            UserError: if what that needs is not there any more.
        """
        return ()


class TrainedTask(Task):
    """What is special about one trained task.

    Attributes:
        metric: the number that decides which checkpoint is the best: one of `evaluate`'s, or the training "loss".
        higher_is_better: its direction.
        latest_of_equals: of equally good checkpoints the last is the best; otherwise the first.
        loss_weights: factors of the loss terms in the sum that is trained on; 1 for those not named.
    """

    metric = "accuracy"
    higher_is_better = True
    latest_of_equals = False

    def __init__(self, run: "Run"):
        super().__init__(run)
        self.loss_weights: dict[str, float] = {}

    def save_epochs(self) -> Collection[int]:
        """After which epochs a checkpoint is kept, unless the config says so itself."""
        return ()

    def setup(self, data: "PointDataset") -> None:
        """Take from the training set what the losses need, such as class weights."""

    @abstractmethod
    def build_model(self) -> "Trainable":
        """Return the model, on the CPU, with its starting weights; what shall not train requires no gradient."""

    def prepare(self, model: "Trainable", batch: dict, draw: Generators) -> dict:
        """Do, without gradient, what a batch needs before the model is trained on it.

        On a GPU this is done while the model is trained on the batch before.

        Args:
            model: for what it holds that does not train, such as teachers; its weights may change meanwhile.
            batch: from `datasets.collate`, tensors on the device of the run.
            draw: `draw(name)` is a generator on that device that belongs to the step of this batch and the name,
                `draw(name, "cpu")` one on the CPU.

        Returns:
            What `losses` gets as its batch.
        """
        return batch

    @abstractmethod
    def losses(self, model: nn.Module, batch: dict, draw: Generators) -> dict[str, Tensor]:
        """Return the scalar loss terms of a batch; the model is trained on their weighted sum.

        Args:
            model: call it for the forward pass; it may be wrapped for several processes.
            batch: from `prepare`.
            draw: as for `prepare`.
        """

    def train_mode(self, model: "Trainable") -> None:
        """Put the model into the mode it is trained in."""
        model.train()

    def evaluate(self, model: "Trainable", epoch: int = 0) -> dict[str, Any]:
        """Return the numbers to report of the model after an epoch, if any, by name.

        Percentages are floats, which the log and TensorBoard show; the counts behind them are integers, and tables by
        class are mappings.
        """
        return {}


def all_tasks() -> list[type[Task]]:
    """The classes of all tasks."""
    return list(TASKS.find().values())


def all_modes() -> list[Mode]:
    """The modes of all tasks, in the order in which their flags decide."""
    return sorted({mode for task in all_tasks() for mode in task.modes}, key=lambda mode: (mode.rank, mode.name))


def growing_keys() -> set[str]:
    """The dotted config keys of all tasks of which more adds to an earlier result."""
    return {key for task in all_tasks() for key in task.growing}


def find_task(mode: Mode, name: str, model: "type[Trainable]", args: argparse.Namespace) -> type[Task]:
    """Return the class of the task that does what is asked for with a model.

    A task goes before those that it is a kind of.

    Args:
        mode: what is asked for.
        name: of the model, for messages.
        model: its class.
        args: the command line.

    Raises:
        UserError: if there is none.
    """
    able = [task for task in all_tasks() if mode in task.modes]
    accepting = [task for task in able if task.accepts(model, args)]
    accepting = [task for task in accepting if not any(issubclass(o, task) and o is not task for o in accepting)]
    if len(accepting) > 1:
        raise TypeError(f"{mode.flag} of '{name}' is claimed by {', '.join(task.__name__ for task in accepting)}")
    if accepting:
        return accepting[0]
    others = [m for m in all_modes() if any(m in t.modes and t.accepts(model, args) for t in all_tasks())]
    instead = f"; it is for {', '.join(m.flag or 'pretraining' for m in others)}" if others else ""
    wanted = " or ".join(dict.fromkeys(task.needs for task in able))
    raise UserError(f"config key 'model.NAME': '{name}' is not {wanted}{instead}")
