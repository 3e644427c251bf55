"""What a runner says about its task, and the one loop over a test set."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tools.builder import Run, build_loader
from utils import distributed
from utils.errors import UserError
from utils.logging import progress

Draw = Callable[..., torch.Generator]


class Task(ABC):
    """What is special about one trained task; everything else is the trainer's.

    Attributes:
        metric: the number that decides which checkpoint is the best: one of `evaluate`'s, or the training "loss".
        higher_is_better: its direction.
        latest_of_equals: of equally good checkpoints the last is the best; otherwise the first.
        loss_weights: factors of the loss terms in the sum that is trained on; 1 for those not named.
    """

    metric = "accuracy"
    higher_is_better = True
    latest_of_equals = False

    def __init__(self, run: Run):
        self.run = run
        self.loss_weights: dict[str, float] = {}

    def save_epochs(self) -> Collection[int]:
        """After which epochs a checkpoint is kept, unless the config says so itself."""
        return ()

    def prepare(self, data: Dataset) -> None:  # noqa: B027  (most tasks need nothing)
        """Take from the training set what the losses need, such as class weights."""

    @abstractmethod
    def build_model(self) -> nn.Module:
        """Return the model, on the CPU, with its starting weights; what shall not train requires no gradient."""

    @abstractmethod
    def losses(self, model: nn.Module, batch: dict, draw: Draw) -> dict[str, Tensor]:
        """Return the scalar loss terms of a batch; the model is trained on their weighted sum.

        Args:
            model: call it for the forward pass; it may be wrapped for several processes.
            batch: from `datasets.collate`, tensors on the device of the run.
            draw: `draw(name)` is a generator on that device that belongs to this step and name, `draw(name, "cpu")`
                one on the CPU.
        """

    def train_mode(self, model: nn.Module) -> None:
        """Put the model into the mode it is trained in."""
        model.train()

    def evaluate(self, model: nn.Module, epoch: int = 0) -> dict[str, Any]:
        """Return the numbers to report of the model after an epoch, if any, by name.

        Percentages are floats, which the log and TensorBoard show; the counts behind them are integers, and tables by
        class are mappings.
        """
        return {}


def to_device(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Return a batch with its tensors on a device."""
    return {k: v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for k, v in batch.items()}


def interruptible(run: Run, loader: DataLoader, name: str) -> Iterator[dict[str, Any]]:
    """Yield this process's share of test batches below a progress bar.

    Raises:
        KeyboardInterrupt: in all processes together, if one of them was asked to stop.
    """
    left = -(-len(loader.dataset) // (loader.batch_sampler.batch_size * distributed.world_size()))
    for batch in progress(loader, desc=name):
        run.stop.check(run.device)
        left -= 1
        yield batch
    for _ in range(left):  # other processes may have a batch more
        run.stop.check(run.device)


@torch.no_grad()
def predict(run: Run, model: nn.Module, dataset: Dataset, prepare: Callable[[Tensor], Tensor], name: str = "test"):
    """Run a model in eval mode over a whole data set, shared among the processes.

    Args:
        run: the run.
        model: from points to outputs (B, d).
        dataset: samples with `points` and `label`.
        prepare: from the stored points (B, n, 3), on the device, to the points that the model is fed.
        name: what the progress bar is called.

    Returns:
        Outputs (n, d) and labels (n,), on the CPU, in the order of the data set.

    Raises:
        UserError: if an output is not finite.
        KeyboardInterrupt: see `interruptible`.
    """
    model.eval()
    outputs, labels = [], []
    for batch in interruptible(run, build_loader(run, dataset), name):
        points = batch["points"].to(run.device, non_blocking=True)
        outputs.append(model(prepare(points)).float().cpu())
        labels.append(batch["label"])
    # A process may be left without samples where there are fewer samples than processes.
    outputs, labels = (torch.cat(parts) if parts else None for parts in (outputs, labels))
    # Process r took the samples r, r + world, r + 2 world ...
    world = distributed.world_size()
    back = torch.tensor([i for rank in range(world) for i in range(rank, len(dataset), world)]).argsort()
    outputs, labels = (
        torch.cat([p for p in distributed.gather(part) if p is not None])[back] for part in (outputs, labels)
    )
    if broken := int((~outputs.isfinite().flatten(1).all(1)).sum()):
        raise UserError(f"{name}: the model diverged: its outputs for {broken} of {len(outputs)} are not finite")
    return outputs, labels
