"""The one pass over a test set."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from datasets import PointDataset
from tools.engine.data import build_loader, to_device
from tools.engine.run import Run
from utils import distributed
from utils.errors import UserError
from utils.logging import progress


class SampledClouds(NamedTuple):
    """A whole test set as a model is fed it: points (n, N, 3) on the device of the run, labels (n,) on the CPU."""

    points: Tensor
    labels: Tensor


def interruptible(run: Run, batches: Iterable[Any], length: int, size: int) -> Iterator[Any]:
    """Yield this process's share of test batches.

    Args:
        run: the run.
        batches: of the share.
        length: samples of all processes.
        size: samples a batch, of one process.

    Raises:
        KeyboardInterrupt: in all processes together, if one of them was asked to stop.
    """
    left = -(-length // (size * distributed.world_size()))
    for batch in batches:
        run.stop.check(run.device)
        left -= 1
        yield batch
    for _ in range(left):  # other processes may have a batch more
        run.stop.check(run.device)


def test_batches(run: Run, dataset: PointDataset, name: str) -> Iterator[dict[str, Any]]:
    """Yield this process's share of a data set in batches on the device of the run, below a progress bar.

    Raises:
        KeyboardInterrupt: see `interruptible`.
    """
    loader = build_loader(run, dataset)
    for batch in interruptible(run, progress(loader, desc=name), len(dataset), loader.batches.batch_size):
        yield to_device(batch, run.device)


def load_clouds(run: Run, dataset: PointDataset, prepare: Callable[[Tensor], Tensor], name: str) -> SampledClouds:
    """Sample a whole test set, shared among the processes, each of which gets all of it.

    Args:
        run: the run.
        dataset: samples with `points` and `label`.
        prepare: from the stored points (B, n, 3), on the device, to those that the model is fed.
        name: what the progress bar is called.

    Raises:
        KeyboardInterrupt: see `interruptible`.
    """
    points, labels = _collect(len(dataset), _batches(run, dataset, prepare, name))
    return SampledClouds(points.to(run.device), labels)


def predict(
    run: Run,
    model: nn.Module,
    dataset: PointDataset | SampledClouds,
    prepare: Callable[[Tensor], Tensor] | None = None,
    name: str = "test",
) -> tuple[Tensor, Tensor]:
    """Run a model in eval mode over a whole test set, shared among the processes.

    Args:
        run: the run.
        model: from points (B, N, 3) to outputs (B, d).
        dataset: samples with `points` and `label`; or what `load_clouds` made of them, then without `prepare`.
        prepare: see `load_clouds`.
        name: what the progress bar is called.

    Returns:
        Outputs (n, d) in float32 and labels (n,), in the order of the data set, on the CPU.

    Raises:
        UserError: if an output is not finite.
        KeyboardInterrupt: see `interruptible`.
    """
    model.eval()
    if isinstance(dataset, SampledClouds):
        rank, world = distributed.rank(), distributed.world_size()
        size, total = -(-run.config.total_bs // world), len(dataset.labels)
        shares = zip(*(part[rank::world].split(size) for part in dataset), strict=True)
        batches = interruptible(run, shares, total, size)
    else:
        total, batches = len(dataset), _batches(run, dataset, prepare, name)
    with torch.no_grad(), run.precision.autocast():
        outputs, labels = _collect(total, ((model(points).float(), labels) for points, labels in batches))
    if broken := int((~outputs.isfinite().flatten(1).all(1)).sum()):
        raise UserError(f"{name}: the model diverged: its outputs for {broken} of {len(outputs)} are not finite")
    return outputs, labels


def _batches(
    run: Run, dataset: PointDataset, prepare: Callable[[Tensor], Tensor] | None, name: str
) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in test_batches(run, dataset, name):
        with torch.no_grad():
            points = prepare(batch["points"]) if prepare else batch["points"]
        yield points, batch["label"]


def _collect(total: int, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Put the shares of all processes together on the CPU, in the order of the data set of `total` samples."""
    # A process may be left without samples where there are fewer samples than processes.
    own = list(zip(*batches, strict=True))
    every = distributed.gather_objects([torch.cat(parts).cpu() for parts in own])
    # Process r took the samples r, r + world, r + 2 world ...
    world = distributed.world_size()
    back = torch.tensor([i for rank in range(world) for i in range(rank, total, world)]).argsort()
    outputs, labels = (torch.cat(parts)[back] for parts in zip(*filter(None, every), strict=True))
    return outputs, labels
