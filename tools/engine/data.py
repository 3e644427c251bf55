"""From a config's data sets to batches on the device."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

import datasets
from datasets import PointDataset
from datasets.point_transforms import AUGMENTATIONS, Augmentation
from tools.engine.run import Run
from utils import distributed, seeding
from utils.errors import UserError
from utils.files import allow_open_files
from utils.stopping import SIGNALS


def open_dataset(run: Run, section: str) -> PointDataset:
    """Build `dataset.<section>`; unless it says otherwise, its clouds must have the `npoints` of the run.

    Raises:
        UserError: if the config has no such section, or the data set is not what it should be.
    """
    values = getattr(run.config.dataset, section)
    if values is None:
        raise UserError(f"config {run.args.config} has no section 'dataset.{section}', which {run.mode.name} needs")
    others = values.get("others") or {}
    if isinstance(others, dict):
        values = {**values, "others": {"npoints": run.config.npoints, **others}}
    dataset = datasets.build_dataset(values, run.config.data_root, f"dataset.{section}", run.args.seed)
    if dataset.columns != 3:
        columns = f"{dataset.columns} columns, models take 3"
        raise UserError(f"dataset.{section} gives points of {columns}: set USE_NORMALS: false")
    return dataset


def own_augmentation(run: Run, chosen: str | None, attribute: str = "AUGMENT") -> Augmentation:
    """Return the augmentation that the config chooses, or else the data set that is trained on.

    Args:
        run: the run.
        chosen: the config's choice.
        attribute: of the data set, which names its own.

    Raises:
        UserError: if the config has no such data set.
    """
    if chosen is not None:
        return AUGMENTATIONS[chosen]
    sections = run.config.dataset
    where = "train" if sections.train or run.mode.trains else "test"  # what only tests may have no other
    data = datasets.dataset_class(getattr(sections, where) or {}, f"dataset.{where}")
    own = getattr(data, attribute)
    use = "of voting " * (attribute == "VOTE_AUGMENT")
    run.log.info(f"augmentation {use}by the data set of dataset.{where}: {own}")
    return AUGMENTATIONS[own]


class Batches(Sampler[list[int]]):
    """Batches of indices for this process.

    In training every epoch is shuffled by (seed, epoch), all batches are full, and batches may start in mid-epoch.
    Otherwise indices come in order, each exactly once over all processes.

    Args:
        length: samples in the data set.
        batch_size: samples a batch and process, at most `length` over all processes.
        train: see above.
        seed: of the shuffling.
        order: gives another order of an epoch, see `PointDataset.epoch_order`.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        train: bool,
        seed: int,
        order: Callable[[int], Tensor | None] = lambda epoch: None,
    ):
        self.order = order
        self.length, self.batch_size, self.train, self.seed = length, batch_size, train, seed
        self.rank, self.world = distributed.rank(), distributed.world_size()
        self.epoch = self.start = 0

    def seek(self, epoch: int, start: int) -> None:
        """Begin the next iteration at batch `start` of `epoch`."""
        self.epoch, self.start = epoch, start

    def __len__(self) -> int:
        """Batches in a whole epoch."""
        if self.train:
            return self.length // (self.batch_size * self.world)
        return -(-len(range(self.rank, self.length, self.world)) // self.batch_size)

    def of_epoch(self, epoch: int) -> Tensor:
        """Return the indices (batches, batch_size) of a whole epoch of training.

        Of what follows each other in the order every process has its turn, so that it has lanes of shards to itself.
        """
        order = self.order(epoch)
        if order is None:
            order = torch.randperm(self.length, generator=seeding.generator("cpu", self.seed, "order", epoch))
        return order[: len(self) * self.batch_size * self.world].view(-1, self.batch_size, self.world)[..., self.rank]

    def __iter__(self) -> Iterator[list[int]]:
        if self.train:
            yield from self.of_epoch(self.epoch)[self.start :].tolist()
        else:
            order = list(range(self.rank, self.length, self.world))
            yield from (order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size))


def build_loader(run: Run, dataset: PointDataset, train: bool = False) -> "Loader":
    """Load batches of `total_bs` samples over all processes.

    Raises:
        UserError: if there is nothing to load.
    """
    length, world, batch_size = len(dataset), distributed.world_size(), run.config.total_bs
    least = 2 * world if train else 1
    if length < least:
        raise UserError(
            f"a data set of {length} samples is too small for {run.mode.name}, which needs at least {least}"
        )
    if train and length < batch_size:
        batch_size = length - length % world
        run.log.warning(f"total_bs {run.config.total_bs} lowered to {batch_size}: there are only {length} samples")
    if train and batch_size < 2 * world:
        raise UserError(
            f"config key 'total_bs': {run.config.total_bs} is less than 2 samples a process, which BatchNorm needs"
        )
    if run.args.num_workers:
        # Where there are too few, a worker loses its batch, and the main process waits for it for ever.
        allow_open_files(64 + 32 * run.args.num_workers)
    share = batch_size // world if train else -(-batch_size // world)
    return Loader(
        dataset,
        Batches(length, share, train, run.args.seed, dataset.epoch_order),
        num_workers=run.args.num_workers,
        collate_fn=datasets.collate,
        pin_memory=run.device.type == "cuda",
        worker_init_fn=_obey_parent_only,
        persistent_workers=train and run.args.num_workers > 0,
    )


class Loader(DataLoader):
    """A DataLoader whose workers outlive the signals that ask a whole process group to stop and save.

    Args:
        dataset: what is loaded.
        batches: which of its samples make up a batch.
        options: those of DataLoader.
    """

    def __init__(self, dataset: PointDataset, batches: Batches, **options: Any):
        super().__init__(dataset, batch_sampler=batches, **options)
        self.name_of = dataset.name
        self.batches = batches

    def samples(self, epoch: int, steps: list[int]) -> list[str]:
        """Name the samples that this process trains on in some steps of an epoch."""
        return [self.name_of(index) for index in self.batches.of_epoch(epoch)[steps].flatten().tolist()]

    def __iter__(self):
        # Held back while workers start, which inherit that; they would die of a signal before they ignore it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            return super().__iter__()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _obey_parent_only(_: int) -> None:
    """Ignore all `SIGNALS` but those of the main process, which ends its workers with SIGTERM after an error."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    parent = os.getppid()

    def wait() -> None:
        while signal.sigwaitinfo(SIGNALS).si_pid != parent:
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def to_device(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Return a batch with its tensors on a device."""
    return {k: v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for k, v in batch.items()}


def prepared(loader: Iterable[dict], device: torch.device, prepare: Callable[[int, dict], dict]) -> Iterator[dict]:
    """Yield prepared batches.

    On a GPU they are prepared on a stream of its own, at the same time as the training step before.

    Args:
        loader: gives batches on the CPU.
        device: where they are used.
        prepare: gets the number of the batch in this iteration and the batch, on the device; runs without gradient.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None
    used: list[Any] = []  # events after the training steps of the last batches
    if stream is not None:
        stream.wait_stream(torch.cuda.current_stream(device))
    for number, batch in enumerate(loader):
        if stream is not None and len(used) > 1:  # one batch ahead, so that memory is bounded
            stream.wait_event(used.pop(0))
        with torch.cuda.stream(stream), torch.no_grad():  # of None: does nothing
            batch = prepare(number, to_device(batch, device))
        if stream is not None:
            current = torch.cuda.current_stream(device)
            current.wait_stream(stream)
            for tensor in _tensors(batch):
                tensor.record_stream(current)
        yield batch
        if stream is not None:
            used.append(torch.cuda.current_stream(device).record_event())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
