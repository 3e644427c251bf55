"""The one training loop."""

import math
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from models import Trainable
from tools.engine import parallel
from tools.engine.curves import Write, in_words_and_numbers, open_curves
from tools.engine.data import build_loader, prepared
from tools.engine.holdout import open_training
from tools.engine.nonfinite import LEFT_OUT, NORM, Guard, brief, find_source
from tools.engine.optim import GROUPS, build_optimizer, build_schedule
from tools.engine.preview import describe_measurement, log_preview, peak_memory, shapes_of, size_of
from tools.engine.run import Run
from tools.engine.state import Checkpoints
from tools.engine.task import TrainedTask
from utils import checkpoint, distributed, seeding
from utils.errors import Interrupted, UserError
from utils.logging import progress

# Steps between two looks at the losses: on a GPU each makes the host wait until all work there is done.
READ_EVERY = {"cuda": 20}
# Several processes ask each other then whether to stop. torchrun kills them 30 s after it has passed a signal on.
LOOK_SECONDS = 5.0


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
        self.data = open_training(run)
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
        parallel.shard(self.model, self.config, run.device)
        self.precision.place(self.model)
        self.optimizer = build_optimizer(self.model, self.config)
        self.schedule = build_schedule(self.optimizer, self.config)
        batch, names = self.loader.batches.batch_size * distributed.world_size(), self.data.class_names
        self.checkpoints = Checkpoints(run, task.metric, self.model, self.optimizer, names, batch, self.steps)
        self.at = self.checkpoints.at
        self.guard = Guard(self.model, self.optimizer, self.precision.scaler, run.args.skip_nonfinite)
        self.stop = run.stop
        self.unread: list[tuple[int, list[str], Tensor]] = []  # step, names and values of losses not looked at yet
        # Steps between two looks; several processes find out how many they can do.
        self.every = READ_EVERY.get(run.device.type, 1) if distributed.world_size() == 1 else 1
        self.looked = time.monotonic()
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
        with bar, self.stop, open_curves(self.run, at.epoch, at.run_id) as write:
            model = parallel.wrap(self.model, self.run.device)
            while at.epoch < epochs:
                bar.set_description(f"epoch {at.epoch}/{epochs - 1}", refresh=False)
                began, first = time.perf_counter(), at.step
                self._train_epoch(model, bar)
                seconds = time.perf_counter() - began
                self._check_finite()
                at.sums = distributed.mean(at.sums)
                means = {name: value / (steps - at.skipped_steps) for name, value in at.sums.items()}
                skipped = {"skipped_updates": at.skipped} if at.skipped else {}
                at.metrics = means | skipped | self._evaluate()
                improved = at.improved(self.task.metric, self.task.higher_is_better, self.task.latest_of_equals)
                done = (steps - first) * self.checkpoints.batch
                self._report(write, means, done / max(seconds, 1e-9))
                at.step, at.sums, at.skipped, at.skipped_steps = 0, {}, 0, 0
                names = ["ckpt-best"] * improved + [f"ckpt-epoch-{at.epoch:03d}"] * (at.epoch in kept)
                self.checkpoints.save(*names, "ckpt-last")
                at.epoch += 1
                self.checkpoints.record(finished=at.epoch == epochs)
        self.run.log.info(f"finished; metrics in {self.run.folder / 'metrics.json'}")
        return at.metrics

    def preview(self) -> Iterator[str]:
        """Make the first step, and yield lines that tell what `fit` would do; nothing is saved."""
        epochs = self.config.max_epoch + 1
        yield f"{len(self.data)} samples, {epochs} epochs of {self.steps} steps of {self.checkpoints.batch} samples"
        batches: Any = self._batches()
        batch = next(batches)
        yield f"first batch: {shapes_of(batch)}"
        self._train_step(self.model, batch)
        batches.close()
        losses = dict(pair for _, names, row in self.unread for pair in zip(names, row.tolist(), strict=True))
        yield f"its losses: {', '.join(f'{name} {value:.4g}' for name, value in losses.items() if name != LEFT_OUT)}"
        state = (x for one in self.optimizer.state.values() for x in one.values() if isinstance(x, Tensor))
        yield f"weights {size_of(self.model.parameters())}, state of the optimizer {size_of(state)}"
        yield f"peak memory of a step: {peak_memory(self.run.device)}"

    def _train_epoch(self, model: nn.Module, bar) -> None:
        """Do what is left of the epoch."""
        self.looked = time.monotonic()
        for batch in self._batches():
            updates = self._train_step(model, batch)
            self.at.step += 1
            last = self.at.step == self.steps
            if last or (updates and len(self.unread) >= self.every):
                self._read_losses()
                loss = self.at.sums.get("loss", math.nan) / max(self.at.step - self.at.skipped_steps, 1)
                bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
            bar.update()
            if updates or last:
                self._save_if_asked()

    def _batches(self) -> Iterator[dict]:
        """Yield the prepared batches that are left of the epoch, each with its seeds and learning rates set."""
        self.task.train_mode(self.model)
        self.data.set_epoch(self.at.epoch)
        self.loader.batches.seek(self.at.epoch, self.at.step)
        if self.at.skipped > self.guard.allowed:
            self.run.log.warning(
                f"{self.at.skipped} updates of epoch {self.at.epoch} were left out before, more than --skip_nonfinite "
                f"{self.guard.allowed}: one more ends the run"
            )
        self.guard.begin(self.at.skipped)
        first = self.at.step
        if first == self.steps:  # saved before it was evaluated
            return
        for batch in prepared(self.loader, self.run.device, lambda number, batch: self._prepare(first + number, batch)):
            seeding.seed_everything(*self._key(self.at.step))
            self.schedule.set(self.at.epoch, self.at.step / self.steps)
            yield batch

    def _key(self, step: int) -> tuple[int, ...]:
        """What all randomness of a step is seeded by."""
        return self.run.args.seed, distributed.rank(), self.at.epoch, step

    def _draw(self, step: int, name: str, device: torch.device | str | None = None) -> torch.Generator:
        return seeding.generator(device or self.run.device, *self._key(step), name)

    def _prepare(self, step: int, batch: dict) -> dict:
        return self.task.prepare(self.model, self.data.finish(batch), partial(self._draw, step))

    def _updates_after(self, step: int) -> bool:
        """Whether a batch ends with an update; after the last one, gradients are left over otherwise."""
        whole = (step + 1) % self.config.step_per_update == 0
        return whole or (step + 1 == self.steps and self.config.accumulation == "mean")

    def _train_step(self, model: nn.Module, batch: dict) -> bool:
        """Train on one batch; returns whether it ended with an update."""
        step, steps, together = self.at.step, self.steps, self.config.step_per_update
        updates, last = self._updates_after(step), step + 1 == steps
        share = min(together, steps - step // together * together) if self.config.accumulation == "mean" else 1
        if step % together == 0:
            self.guard.remember()
        # Several processes agree on the gradients before each update, and before those left over are saved.
        with parallel.averaging(model, updates or last):
            with self.precision.autocast():
                losses = self.task.losses(model, batch, partial(self._draw, step))
            weighed = [self.task.loss_weights.get(name, 1.0) * value for name, value in losses.items()]
            total = sum(weighed[1:], weighed[0])
            self.precision.scaler.scale(total / share).backward()
        numbers = {**losses, "loss": total}
        self.guard.watch(total)
        if updates:
            numbers |= self.guard.update(self.config.grad_norm_clip, self.config.double_step)
        elif last:
            numbers |= self.guard.judge()
        self.unread.append((step, list(numbers), torch.stack([x.detach().float() for x in numbers.values()])))
        return updates

    def _read_losses(self) -> None:
        """Add the losses that were not looked at yet to the sums of the epoch, but those of updates left out.

        Raises:
            UserError: in every process, if too many updates are left out: a loss, or the norm of a gradient, is not
                finite. In float16 the latter means that the loss was scaled too high, and the update was skipped.
        """
        unread, self.unread = self.unread, []
        rows = torch.cat([values for _, _, values in unread]).tolist() if unread else []
        update: list[tuple[int, dict[str, float]]] = []  # steps and numbers of its batches
        for step, names, values in unread:
            numbers, rows = dict(zip(names, rows, strict=False)), rows[len(values) :]
            left_out, norm = numbers.pop(LEFT_OUT, None), numbers.get(NORM, 0.0)
            update.append((step, numbers))
            if left_out is None:
                continue
            if left_out:
                self._left_out(update)
            else:
                self.skipped += not math.isfinite(norm)
                for _, numbers in update:
                    numbers.pop(NORM, None)
                    self.at.sums = {name: self.at.sums.get(name, 0.0) + value for name, value in numbers.items()}
            update = []

    def _left_out(self, update: list[tuple[int, dict[str, float]]]) -> None:
        """Tell of an update that was left out, as every process does at once.

        Args:
            update: steps and numbers of its batches.

        Raises:
            UserError: if they are too many.
        """
        at, most = self.at, self.guard.most
        at.skipped, at.skipped_steps = at.skipped + 1, at.skipped_steps + len(update)
        broken = [
            (f"loss '{n}'", x, step)
            for step, row in update
            for n, x in row.items()
            if n != NORM and not math.isfinite(x)
        ]
        steps = [broken[0][2]] if broken else [step for step, _ in update]
        files = self.loader.samples(at.epoch, steps)
        found = distributed.gather_objects((broken[0] if broken else None, files))
        norm = update[-1][1][NORM]
        unknown = f"the {NORM}", "not finite" if math.isfinite(norm) else norm, update[-1][0]
        what, value, step = next((one for one, _ in found if one), unknown)
        told = [name for one, names in found for name in names if one or not any(one for one, _ in found)]
        ends = at.skipped > most
        # Those that there are now may be of a later batch. The ones left over at the end of an epoch are of this one.
        if ends or not self._updates_after(update[-1][0]):
            self.optimizer.zero_grad(set_to_none=True)
        if not ends:
            self.run.log.warning(
                f"update left out: {what} was {value} in epoch {at.epoch}, step {step}, of {brief(told)} "
                f"({at.skipped} of at most {most} in an epoch)"
            )
            return
        at.step, at.skipped, at.skipped_steps = update[0][0], most, at.skipped_steps - len(update)
        raise self._diverged(what, value, step, told)

    def _check_finite(self) -> None:
        """Make sure that what is evaluated and saved is worth it.

        Raises:
            UserError: in every process, if a loss, a gradient, a weight or a buffer is not finite in one of them; or if
                float16 has no scale of the loss left that is not too high.
        """
        problem, scaler = None, self.precision.scaler
        try:
            self._read_losses()
            if broken := checkpoint.not_finite(distributed.own_share(self.model.state_dict())):
                raise self._diverged(f"weight '{broken[0]}'", "not finite", self.at.step - 1)
            if scaler.is_enabled() and scaler.get_scale() < 1:
                raise self._diverged("gradients in float16", "not finite at any scale of the loss", self.at.step - 1)
        except UserError as error:
            problem = error
        if found := [one for one in distributed.gather_objects(problem and str(problem)) if one]:
            raise UserError(found[0])
        if self.skipped:
            self.run.log.warning(f"{self.skipped} updates skipped: the loss was scaled too high for float16")
            self.skipped = 0

    def _diverged(self, what: str, value: float | str, step: int, files: Sequence[str] | None = None) -> UserError:
        """Say what is not finite; if its batch is known, every process must call this, and its state is kept."""
        at, last = self.at, self.checkpoints.last
        kept = f"; {last} holds the last good state" if last.is_file() and not self.checkpoints.replacing else ""
        if files is not None and not self.run.args.replay:
            about = {"what": what, "value": str(value), "epoch": at.epoch, "step": step}
            kept += f"; its batch: {brief(files)}"
            if broken := self.checkpoints.save_broken({**about, "files": list(files)}):
                kept += f"; all of it in {broken.with_suffix('.json')}; --replay {broken} repeats it"
        return UserError(
            f"{what} became {value} in epoch {at.epoch}, step {step}; "
            f"a lower optimizer.kwargs.lr or a grad_norm_clip may help{kept}"
        )

    def replay(self) -> None:
        """Repeat the update that a run broke at, from the state before it, and say where it begins.

        Raises:
            UserError: if it breaks again.
        """
        model, self.guard.allowed = parallel.wrap(self.model, self.run.device), self.at.skipped
        with find_source(self.model) as found:
            for batch in self._batches():
                updates = self._train_step(model, batch)
                self.at.step += 1
                if updates or self.at.step == self.steps:
                    break
        for where in found:
            self.run.log.info(f"not finite first: {where}")
        self._read_losses()
        self.run.log.info("the update is finite here: it was not repeated exactly, or its cause is gone")

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
            with parallel.unsharded(self.model):
                found = self.task.evaluate(self.model, epoch)
            if found and self.task.metric not in ("loss", *found):
                raise KeyError(f"{type(self.task).__name__}.evaluate gives no '{self.task.metric}', its metric")
            return found
        except KeyboardInterrupt:
            raise self._saved_to_stop() from None
        finally:
            self.stop.at_once = False

    def _report(self, write: Write, means: dict[str, float], throughput: float) -> None:
        """One line to the log, one point to every curve."""
        groups = zip(GROUPS, self.optimizer.param_groups, strict=True)
        rates = {name: group["lr"] for name, group in groups if group["params"]}
        line, curves = in_words_and_numbers(self.at, self.task.metric, means, rates, throughput)
        self.run.log.info(f"epoch {self.at.epoch}/{self.config.max_epoch}  {line}")
        self.checkpoints.history.append({"epoch": self.at.epoch, **curves})
        write(curves, self.at.epoch)

    def _save_if_asked(self) -> None:
        """Save and end the run if that was asked for in any process; save if the last checkpoint is old.

        Several processes agree as well on the steps until they ask again, which take about `LOOK_SECONDS` at most.

        Raises:
            Interrupted: if that was asked for.
        """
        several = distributed.world_size() > 1
        if several and self.unread:  # asking the others makes the host wait
            return
        slow = time.monotonic() - self.looked > LOOK_SECONDS / 2
        stop, due, slow = distributed.anywhere((self.stop.made, self.checkpoints.due(), slow), self.run.device)
        if several:
            most = READ_EVERY.get(self.run.device.type, 1)
            self.every = max(self.every // 2, 1) if slow else min(2 * self.every, most)
        if stop:
            raise self._saved_to_stop()
        if due and self.at.step < self.steps:
            self._save_within_epoch()
        self.looked = time.monotonic()

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


def perform(run: Run) -> None:
    """Do what a run is about."""
    task = run.task(run)
    if isinstance(task, TrainedTask) and run.mode.trains:
        trainer = Trainer(run, task)
        if run.args.dry_run:
            log_preview(run, trainer.preview())
        else:
            trainer.replay() if run.args.replay else trainer.fit()
    elif run.args.dry_run:
        log_preview(run, describe_measurement(run))
    else:
        task.measure()
