"""Where a training run stands: what its checkpoints hold, and how one is taken up again."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models import CHECKPOINT_PREFIXES
from tools.convert import from_released
from tools.engine.run import Run, differences, read_broken
from utils import checkpoint, distributed
from utils.errors import UserError
from utils.logging import read_history, read_metrics, write_history, write_json
from utils.optimizer_state import load_optimizer, optimizer_state


@dataclass
class Standing:
    """Where a run stands: `step` batches of `epoch` are done, with `sums` of their losses.

    Attributes:
        skipped, skipped_steps: how many updates of `epoch` were left out, and of how many batches.
        metrics: of the last epoch.
        best: those of the best one, with its `epoch`.
        run_id: which run a checkpoint is of; those of an earlier one stay in the folder until this one has saved.
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    skipped: int = 0
    skipped_steps: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def improved(self, metric: str, higher_is_better: bool, latest_of_equals: bool) -> bool:
        """Note the metrics if they are the best so far; returns whether they are."""
        value, best = self.metrics.get(metric), self.best.get(metric)
        if value is None:
            return False
        if best is not None and (value < best if higher_is_better else value > best):
            return False
        if value == best and not latest_of_equals:
            return False
        self.best = {"epoch": self.epoch, **self.metrics}
        return True


class Checkpoints:
    """The checkpoints of a training run and its record.

    Args:
        run: the run.
        metric: the number that decides which epoch is the best.
        model: what is trained, not wrapped.
        optimizer: of its parameters.
        class_names: of what it is trained on.
        batch: samples a batch, over all processes.
        steps: batches an epoch.

    Raises:
        UserError: for a checkpoint that cannot be resumed from.
    """

    def __init__(
        self,
        run: Run,
        metric: str,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        class_names: Sequence[str],
        batch: int,
        steps: int,
    ):
        self.run, self.metric, self.model, self.optimizer = run, metric, model, optimizer
        self.batch, self.steps = batch, steps
        # What a checkpoint needs beside its weights to be used by itself.
        self.config = {
            "model": dict(run.config.model),
            "npoints": run.config.npoints,
            "class_names": [str(name) for name in class_names],
        }
        self.at = Standing()
        self.last = Path(run.args.replay or run.folder / "ckpt-last.pth")
        self.saved = time.monotonic()
        self.history: list[dict[str, float]] = []  # a row an epoch, as in history.csv
        self.earlier: list[Path] = []
        self.replacing = False
        if run.args.resume or run.args.replay:
            self._resume()
            if len({*distributed.gather_objects((self.at.epoch, self.at.step))}) > 1:
                raise UserError(f"processes find different checkpoints in {run.folder}: all machines must share it")
        if self.at.epoch == self.at.step == 0:
            self.earlier = [*run.checkpoints(), *run.folder.glob("nonfinite.*")]
            self.replacing = bool(run.checkpoints() or (read_metrics(run.folder) or {}).get("finished"))

    def record(self, finished: bool) -> None:
        """Write metrics.json, once the folder is this run's.

        Raises:
            UserError: if it cannot be written.
        """
        if self.replacing:
            return
        at = self.at
        self.run.record(
            self.model,
            finished=finished,
            epochs=at.epoch,
            metric=self.metric,
            run=at.run_id,
            best=at.best,
            last={"epoch": at.epoch - 1, **at.metrics} if at.metrics else {},
        )
        if self.history and distributed.is_main():
            write_history(self.history, self.run.folder)

    def due(self) -> bool:
        """Whether the last checkpoint is `save_minutes` old."""
        return time.monotonic() - self.saved > 60 * self.run.config.save_minutes

    def save(self, *names: str) -> None:
        """Write a checkpoint under one or more names.

        Its `step` 0 means that `epoch` is complete, otherwise so many of its batches are done.

        Raises:
            UserError: if it cannot be written.
        """
        self.saved = time.monotonic()
        content = self._content()
        if not distributed.is_main():
            return
        path, *copies = (self.run.folder / f"{name}.pth" for name in names)
        checkpoint.save_atomic(content, path, self._take_over)
        for copy in copies:  # no links: what damages one file must not damage the others
            checkpoint.copy_atomic(path, copy)
        for old in self.earlier:
            if old not in (path, *copies):
                old.unlink(missing_ok=True)
        self.earlier = []

    def save_broken(self, about: Mapping) -> Path | None:
        """Write the state before an update that is not finite, for `--replay`.

        Args:
            about: what is known of that update; written beside it, with what made the run.


        Returns:
            The file; None if it cannot be written.
        """
        content, path = self._content(), self.run.folder / "nonfinite.pth"
        try:
            if distributed.is_main():
                checkpoint.save_atomic(content, path)
                made = {**self.run.identity, "processes": distributed.world_size()}
                write_json({**about, **made}, path.with_suffix(".json"))
        except (UserError, OSError) as error:
            self.run.log.warning(str(error))
            return None
        return path

    def _content(self) -> dict[str, Any]:
        """What a checkpoint holds; all processes must call this."""
        content = {
            "base_model": self.model.state_dict(),
            "config": self.config,
            "optimizer": optimizer_state(self.optimizer, self.model),
            "epoch": self.at.epoch,
            "step": self.at.step,
            "batch": self.batch,
            "sums": self.at.sums,
            "skipped": [self.at.skipped, self.at.skipped_steps],
            "metric": self.metric,
            "metrics": self.at.metrics,
            "best_metrics": self.at.best,
            "seconds": time.perf_counter() - self.run.started,
            "run": self.at.run_id,
        }
        if self.run.precision.scaler.is_enabled():
            content["scaler"] = self.run.precision.scaler.state_dict()
        scale = self.run.precision.scaler.get_scale()  # of the loss in float16, otherwise 1
        left = [[key, p.grad / scale] for key, p in self.model.named_parameters() if p.grad is not None]
        if left:
            # Of batches that the next epoch's first update takes up. No mapping: it would pass for weights.
            content["gradients"] = left
        return distributed.whole(content)

    def _take_over(self) -> None:
        """Make the folder this run's, whose first checkpoint is written; that of an earlier run it was until now."""
        if self.replacing:
            self.replacing = False
            self.record(finished=False)

    def _read(self, path: Path) -> dict:
        """Read a checkpoint to resume from.

        Raises:
            UserError: if it is damaged, or lacks what resuming needs.
        """
        state = from_released(checkpoint.load_checkpoint(path), self.metric)
        kinds = {"optimizer": dict, "epoch": int, "step": int, "sums": dict, "metrics": dict, "best_metrics": dict}
        for name, kind in kinds.items():
            if not isinstance(state.get(name), kind):
                raise UserError(f"cannot resume from {path}: it has no '{name}' of type {kind.__name__}")
        if not {"state", "param_groups"} <= {*state["optimizer"]}:
            raise UserError(f"cannot resume from {path}: its optimizer has no state")
        if broken := checkpoint.not_finite(state["base_model"]):
            raise UserError(f"cannot resume from {path}: its weight '{broken[0]}' is not finite")
        return state

    def _newest(self, before: Mapping) -> tuple[Path, dict] | None:
        """Return the last checkpoint, or the newest of the others if it is missing or damaged; None if there is none.

        Args:
            before: what metrics.json tells of the run. Checkpoints of another one are passed over: an earlier one of
                which it has taken over the folder.

        Raises:
            UserError: if there are some and all are damaged.
        """
        found, problems = None, []
        paths = [self.last, *(path for path in self.run.checkpoints() if path != self.last)]
        for path in paths:
            try:
                state = self._read(path)
            except UserError as error:
                problems += [str(error)] if path.is_file() else []
                continue
            if before.get("run", state.get("run")) != state.get("run", before.get("run")):
                self.run.log.warning(f"{path} is of an earlier run, which this one had begun to replace")
                continue
            if found is None or _progress(state) > _progress(found[1]):
                found = path, state
            if path == self.last:
                break
        if found is None and problems:
            raise UserError(f"{problems[0]}; --overwrite starts the run over")
        if found is not None and found[0] != self.last:
            why = problems[0] if self.last.is_file() else f"{self.last} does not exist"
            self.run.log.warning(f"{why}; falling back to {found[0]}, the newest that is sound")
        return found

    def _resume(self) -> None:
        """Take up the state of the last checkpoint, if there is one.

        Raises:
            UserError: if it is not one of this run.
        """
        run = self.run
        before = (read_broken(run.args.replay) if run.args.replay else read_metrics(run.folder)) or {}
        newest = self._newest(before)
        if newest is None:
            if run.mode.name == "finetune" and not run.args.ckpts:
                raise UserError(f"nothing to resume in {run.folder}, and no --ckpts FILE to start from")
            run.log.warning(f"nothing to resume: {self.last} does not exist; starting at epoch 0")
            return
        path, state = newest
        checkpoint.load_weights(self.model, path, CHECKPOINT_PREFIXES, log=run.log, loaded=state)
        try:
            load_optimizer(self.optimizer, self.model, state["optimizer"], state["base_model"])
            if run.precision.scaler.is_enabled() and isinstance(state.get("scaler"), Mapping):
                run.precision.scaler.load_state_dict(state["scaler"])
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise UserError(f"cannot resume from {path}: its optimizer is of another model: {error}") from None
        parameters, scale = dict(self.model.named_parameters()), run.precision.scaler.get_scale()
        try:
            for name, gradient in state.get("gradients", []):
                if gradient.shape != parameters[name].shape:
                    raise ValueError
                gradient = distributed.shared_like(gradient * scale, parameters[name])
                parameters[name].grad = torch.empty_like(parameters[name]).copy_(gradient)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise UserError(f"cannot resume from {path}: it has gradients of another model") from None
        epoch, step = _progress(state)
        run_id, sums, skipped = state.get("run", self.at.run_id), state["sums"], _skipped(state)
        self.history = [row for row in read_history(run.folder) if row["epoch"] < epoch]
        batch = state.get("batch", self.batch)
        if isinstance(batch, int) and 0 < batch != self.batch and step:
            # Where a batch begins, so that no sample comes twice in this epoch.
            before_it, step = step, min(-(-step * batch // self.batch), self.steps)
            counted = max(before_it - skipped[1], 1)
            sums = {name: value * max(step - skipped[1], 0) / counted for name, value in sums.items()}
            run.log.warning(
                f"{self.batch} samples a batch instead of {batch}: epoch {epoch} goes on at its sample "
                f"{step * self.batch}; it was at {before_it * batch}"
            )
        if step > self.steps:
            raise UserError(f"cannot resume from {path}: it is at step {step} of {self.steps}")
        self.at = Standing(epoch, step, sums, *skipped, state["metrics"], state["best_metrics"], run_id)
        doing = "replaying" if run.args.replay else "resuming"
        changed = differences(before, run.identity) if before else []
        if "seed" in changed:
            raise UserError(f"cannot resume from {path}: its seed is {before['seed']}, not {run.args.seed}")
        if changed := [name for name in changed if name != "weights"]:  # which need not be named again
            run.log.warning(f"{doing} with other settings than before: {', '.join(changed)}")
        processes = distributed.world_size()
        if (earlier := before.get("processes", processes)) != processes:
            run.log.warning(
                f"{doing} with {processes} processes instead of {earlier}: the order of the samples stays, what is "
                "drawn for them (augmentation, masks, dropout) does not"
            )
        run.continues(before, state.get("seconds", 0.0))
        run.log.info(f"{doing} at epoch {epoch}, step {step}")


def _progress(state: Mapping) -> tuple[int, int]:
    """Epoch and step that a checkpoint is to be continued at."""
    return state["epoch"] + (state["step"] == 0), state["step"]


def _skipped(state: Mapping) -> tuple[int, int]:
    """How many updates of the epoch were left out, and of how many batches; older checkpoints do not say."""
    match state.get("skipped"):
        case [int(updates), int(steps)] if 0 <= updates <= steps <= state["step"]:
            return updates, steps
    return 0, 0
