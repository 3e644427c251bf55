"""The one training loop."""

import contextlib
import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from models import Trainable
from tools.engine.data import build_loader, open_dataset, prepared
from tools.engine.optim import GROUPS, build_optimizer, build_schedule
from tools.engine.run import Run
from tools.engine.state import Checkpoints
from tools.engine.task import TrainedTask
from utils import checkpoint, distributed, seeding
from utils.errors import Interrupted, UserError
from utils.logging import progress

# Steps between two looks at the losses: on a GPU each makes the host wait until all work there is done.
READ_EVERY = {"cuda": 20}
NORM = "norm of the gradient"


class Trainer:
    """Trains one task: epochs, updates, schedule, logs, checkpoints, resuming.

    Args:
        run: what was asked for.
        task: what is special about it.

    Raises:
        UserError: for a config that cannot train, and for a checkpoint that cannot be resumed from.
    """

    def __init__(self, run: Run, task: TrainedTask):
        self.run, self.task, self.config, self.precision = run, task, run.config, run.precision
        self.data = open_dataset(run, "train")
        task.setup(self.data)
        self.loader = build_loader(run, self.data, train=True)
        together, self.steps = self.config.step_per_update, len(self.loader)
        if self.config.accumulation == "sum" and together > self.steps:
            raise UserError(
                f"config key 'step_per_update': {together} batches an update, but an epoch has {self.steps}, so no "
                "update would be made; accumulation=mean updates at the end of an epoch"
            )
        seeding.seed_everything(run.args.seed, "model")
        self.model: Trainable = task.build_model()
        if run.args.sync_bn and distributed.world_size() > 1:
            if run.device.type != "cuda":
                raise UserError("--sync_bn needs GPUs")
            nn.SyncBatchNorm.convert_sync_batchnorm(self.model)  # of its parts
        if self.config.checkpointing:
            self.model.set_checkpointing(True)
        self.precision.place(self.model)
        self.optimizer = build_optimizer(self.model, self.config)
        self.schedule = build_schedule(self.optimizer, self.config)
        batch = self.loader.batches.batch_size * distributed.world_size()
        self.checkpoints = Checkpoints(run, task.metric, self.model, self.optimizer, batch, self.steps)
        self.at = self.checkpoints.at
        self.stop = run.stop
        self.unread: list[tuple[int, list[str], Tensor]] = []  # step, names and values of losses not looked at yet
        self.skipped = 0  # updates in float16, since the last checkpoint

    def fit(self) -> dict[str, Any]:
        """Train to the end of `max_epoch`, evaluating and saving on the way; returns the last metrics.

        Raises:
            UserError: if a loss, a gradient or a weight is not finite; such weights are not saved.
            Interrupted: after one of `utils.stopping.SIGNALS`, once everything needed to continue is saved.
        """
        at, steps, epochs = self.at, self.steps, self.config.max_epoch + 1
        trained = sum(p.numel() for p in self.model.parameters() if p.requires_grad) / 1e6
        self.run.log.info(f"{len(self.data)} samples, {steps} steps an epoch, {trained:.2f} M trained parameters")
        bar = progress(total=epochs * steps, initial=at.epoch * steps + at.step, unit="step", smoothing=0)
        self.checkpoints.record(finished=at.epoch >= epochs)
        kept = self.task.save_epochs() if self.config.save_epochs is None else self.config.save_epochs
        with bar, self.stop, self._board() as board:
            model = self.model
            if distributed.world_size() > 1:
                devices = [self.run.device] if self.run.device.type == "cuda" else None
                model = DistributedDataParallel(self.model, devices, find_unused_parameters=True)
            while at.epoch < epochs:
                bar.set_description(f"epoch {at.epoch}/{epochs - 1}", refresh=False)
                began, first = time.perf_counter(), at.step
                self._train_epoch(model, bar)
                seconds = time.perf_counter() - began
                self._check_finite()
                at.sums = distributed.mean(at.sums)
                means = {name: value / steps for name, value in at.sums.items()}
                at.metrics = means | self._evaluate()
                improved = self._improved()
                done = (steps - first) * self.checkpoints.batch
                self._report(board, means, done / max(seconds, 1e-9))
                at.step, at.sums = 0, {}
                names = ["ckpt-best"] * improved + [f"ckpt-epoch-{at.epoch:03d}"] * (at.epoch in kept)
                self.checkpoints.save(*names, "ckpt-last")
                at.epoch += 1
                self.checkpoints.record(finished=at.epoch == epochs)
        self.run.log.info(f"finished; metrics in {self.run.folder / 'metrics.json'}")
        return at.metrics

    def _train_epoch(self, model: nn.Module, bar) -> None:
        """Do what is left of the epoch."""
        self.task.train_mode(self.model)
        self.data.set_epoch(self.at.epoch)
        self.loader.batches.seek(self.at.epoch, self.at.step)
        if self.at.step == self.steps:  # saved before it was evaluated
            return
        first = self.at.step
        for batch in prepared(self.loader, self.run.device, lambda number, batch: self._prepare(first + number, batch)):
            seeding.seed_everything(*self._key(self.at.step))
            self.schedule.set(self.at.epoch, self.at.step / self.steps)
            updates = self._train_step(model, batch)
            self.at.step += 1
            last = self.at.step == self.steps
            if last or (updates and len(self.unread) >= READ_EVERY.get(self.run.device.type, 1)):
                self._read_losses()
                bar.set_postfix_str(f"loss {self.at.sums['loss'] / self.at.step:.4g}", refresh=False)
            bar.update()
            if updates or last:
                self._save_if_asked()

    def _key(self, step: int) -> tuple[int, ...]:
        """What all randomness of a step is seeded by."""
        return self.run.args.seed, distributed.rank(), self.at.epoch, step

    def _draw(self, step: int, name: str, device: torch.device | str | None = None) -> torch.Generator:
        return seeding.generator(device or self.run.device, *self._key(step), name)

    def _prepare(self, step: int, batch: dict) -> dict:
        return self.task.prepare(self.model, self.data.finish(batch), partial(self._draw, step))

    def _train_step(self, model: nn.Module, batch: dict) -> bool:
        """Train on one batch; returns whether it ended with an update."""
        step, steps, together = self.at.step, self.steps, self.config.step_per_update
        mean, last = self.config.accumulation == "mean", step + 1 == steps
        updates = (step + 1) % together == 0 or (last and mean)
        share = min(together, steps - step // together * together) if mean else 1
        # Several processes agree on the gradients before each update, and before those left over are saved.
        alone = contextlib.nullcontext()
        if isinstance(model, DistributedDataParallel) and not (updates or last):
            alone = model.no_sync()
        with alone:
            with self.precision.autocast():
                losses = self._losses(model, batch)
            weighed = [self.task.loss_weights.get(name, 1.0) * value for name, value in losses.items()]
            total = sum(weighed[1:], weighed[0])
            self.precision.scaler.scale(total / share).backward()
        numbers = {**losses, "loss": total}
        if updates:
            numbers[NORM] = self._update()
        self.unread.append((step, list(numbers), torch.stack([x.detach().float() for x in numbers.values()])))
        return updates

    def _losses(self, model: nn.Module, batch: dict) -> dict[str, Tensor]:
        try:
            return self.task.losses(model, batch, partial(self._draw, self.at.step))
        except ValueError as error:
            if "must be finite" not in str(error):  # what the point operators say of coordinates
                raise
            raise self._diverged("points that the model makes", "not finite") from None

    def _update(self) -> Tensor:
        """Make an optimizer step; returns the norm of the gradient before it is clipped."""
        scaler = self.precision.scaler
        if self.config.double_step:
            self.optimizer.step()
        scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_norm_clip or math.inf, foreach=True)
        scaler.step(self.optimizer)  # which leaves out the step where the loss was scaled too high for float16
        scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def _read_losses(self) -> None:
        """Add the losses that were not looked at yet to the sums of the epoch.

        Raises:
            UserError: if a loss, or the norm of a gradient, is not finite; in float16 the latter means that the loss
                was scaled too high for this update, which was skipped.
        """
        unread, self.unread = self.unread, []
        rows = torch.cat([values for _, _, values in unread]).tolist() if unread else []
        for step, names, values in unread:
            numbers, rows = dict(zip(names, rows, strict=False)), rows[len(values) :]
            for name, value in numbers.items():
                if math.isfinite(value):
                    continue
                if name != NORM or not self.precision.scaler.is_enabled():
                    raise self._diverged(f"the {NORM}" if name == NORM else f"loss '{name}'", value, step)
                self.skipped += 1
            numbers.pop(NORM, None)
            self.at.sums = {name: self.at.sums.get(name, 0.0) + value for name, value in numbers.items()}

    def _check_finite(self) -> None:
        """Make sure that what is evaluated and saved is worth it.

        Raises:
            UserError: in every process, if a loss, a gradient, a weight or a buffer is not finite in one of them; or if
                float16 has no scale of the loss left that is not too high.
        """
        problem, scaler = None, self.precision.scaler
        try:
            self._read_losses()
            if broken := checkpoint.not_finite(self.model.state_dict()):
                raise self._diverged(f"weight '{broken[0]}'", "not finite", self.at.step - 1)
            left = {name: p.grad for name, p in self.model.named_parameters() if p.grad is not None}
            if not scaler.is_enabled() and (broken := checkpoint.not_finite(left)):
                raise self._diverged(f"the gradient of '{broken[0]}'", "not finite", self.at.step - 1)
            if scaler.is_enabled() and scaler.get_scale() < 1:
                raise self._diverged("gradients in float16", "not finite at any scale of the loss", self.at.step - 1)
        except UserError as error:
            problem = error
        if found := [one for one in distributed.gather_objects(problem and str(problem)) if one]:
            raise UserError(found[0])
        if self.skipped:
            self.run.log.warning(f"{self.skipped} updates skipped: the loss was scaled too high for float16")
            self.skipped = 0

    def _diverged(self, what: str, value: float | str, step: int | None = None) -> UserError:
        last = self.checkpoints.last
        kept = f"; {last} holds the last good state" if last.is_file() and not self.checkpoints.replacing else ""
        return UserError(
            f"{what} became {value} in epoch {self.at.epoch}, step {self.at.step if step is None else step}; "
            f"a lower optimizer.kwargs.lr or a grad_norm_clip may help{kept}"
        )

    def _evaluate(self) -> dict[str, Any]:
        """Evaluate after every `val_freq`-th epoch from `val_from` on, and after the last."""
        epoch = self.at.epoch
        due = epoch >= self.config.val_from and epoch % self.run.args.val_freq == 0
        if not due and epoch != self.config.max_epoch:
            return {}
        distributed.share_buffers(self.model)
        self.checkpoints.save("ckpt-last")  # an error in what follows does not cost the epoch
        # Nothing is lost by stopping here, but several processes have to agree to it, which they do between batches.
        self.stop.at_once = distributed.world_size() == 1
        try:
            found = self.task.evaluate(self.model, epoch)
            if found and self.task.metric not in ("loss", *found):
                raise KeyError(f"{type(self.task).__name__}.evaluate gives no '{self.task.metric}', its metric")
            return found
        except KeyboardInterrupt:
            raise self._saved_to_stop() from None
        finally:
            self.stop.at_once = False

    def _improved(self) -> bool:
        """Note the metrics if they are the best so far."""
        metric, at = self.task.metric, self.at
        value, best = at.metrics.get(metric), at.best.get(metric)
        if value is None:
            return False
        if best is not None and (value < best if self.task.higher_is_better else value > best):
            return False
        if value == best and not self.task.latest_of_equals:
            return False
        at.best = {"epoch": at.epoch, **at.metrics}
        return True

    def _report(self, board, means: dict[str, float], throughput: float) -> None:
        """One line to the log, one point to every curve."""
        at, groups = self.at, zip(GROUPS, self.optimizer.param_groups, strict=True)
        rates = {name: group["lr"] for name, group in groups if group["params"]}
        tested = {n: value for n, value in at.metrics.items() if n not in means and isinstance(value, float)}
        parts = [f"{name} {value:.5g}" for name, value in means.items()]
        parts += [f"{name} {value:.2f} %" for name, value in tested.items()]
        if tested and at.best:
            epoch = at.best["epoch"]  # None after a released checkpoint, which does not say
            where = "" if epoch is None else f" in epoch {epoch}"
            parts.append(f"(best {at.best[self.task.metric]:.2f} %{where})")
        parts += [f"lr {rates.get('decay', max(rates.values())):.3g}", f"{throughput:.1f} samples/s"]
        self.run.log.info(f"epoch {at.epoch}/{self.config.max_epoch}  " + "  ".join(parts))
        curves = {f"loss/{name}": value for name, value in means.items()} | {f"test/{n}": v for n, v in tested.items()}
        curves |= {f"lr/{name}": rate for name, rate in rates.items()} | {"samples_per_second": throughput}
        self.checkpoints.history.append({"epoch": at.epoch, **curves})
        for name, value in curves.items() if board else ():
            board.add_scalar(name, value, at.epoch)

    def _save_if_asked(self) -> None:
        """Save and end the run if that was asked for in any process; save if the last checkpoint is old.

        Raises:
            Interrupted: if that was asked for.
        """
        if self.unread and distributed.world_size() > 1:  # asking the others makes the host wait
            return
        stop, due = distributed.anywhere((self.stop.made, self.checkpoints.due()), self.run.device)
        if stop:
            raise self._saved_to_stop()
        if due and self.at.step < self.steps:
            self._save_within_epoch()

    def _save_within_epoch(self) -> None:
        self._check_finite()
        self.at.sums = distributed.mean(self.at.sums)
        self.checkpoints.save("ckpt-last")

    def _saved_to_stop(self) -> Interrupted:
        """Save in mid-epoch, and return what ends the run.

        Raises:
            UserError: if there are weights that are not finite.
        """
        self._save_within_epoch()
        where = f"epoch {self.at.epoch}, step {self.at.step}"
        return Interrupted(
            f"saved {self.checkpoints.last} ({where}); continue with the same command and --resume", self.stop.by
        )

    @contextlib.contextmanager
    def _board(self) -> Iterator:
        """TensorBoard's writer in the main process, None in the others."""
        if not distributed.is_main():
            yield None
            return
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.run.board), purge_step=self.at.epoch) as board:
            yield board


def perform(run: Run) -> None:
    """Do what a run is about."""
    task = run.task(run)
    if isinstance(task, TrainedTask) and run.mode.trains:
        Trainer(run, task).fit()
    else:
        task.measure()
