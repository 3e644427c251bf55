"""The one training loop."""

import contextlib
import math
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from models import CHECKPOINT_PREFIXES
from tools.builder import GROUPS, Run, build_dataset, build_loader, build_optimizer, build_schedule, differences
from tools.convert import from_released
from tools.task import Task, to_device
from utils import checkpoint, distributed, seeding
from utils.errors import Interrupted, UserError
from utils.logging import progress, read_metrics


class Trainer:
    """Trains one task: epochs, updates, schedule, logs, checkpoints, resuming.

    Args:
        run: what was asked for.
        task: what is special about it.

    Raises:
        UserError: for a config that cannot train, and for a checkpoint that cannot be resumed from.
    """

    def __init__(self, run: Run, task: Task):
        self.run, self.task, self.config = run, task, run.config
        self.data = build_dataset(run, "train")
        task.prepare(self.data)
        self.loader = build_loader(run, self.data, train=True)
        together, steps = self.config.step_per_update, len(self.loader)
        if self.config.accumulation == "sum" and together > steps:
            raise UserError(
                f"config key 'step_per_update': {together} batches an update, but an epoch has {steps}, so no update "
                "would be made; accumulation=mean updates at the end of an epoch"
            )
        seeding.seed_everything(run.args.seed, "model")
        self.model = task.build_model().to(run.device)
        if run.args.sync_bn and distributed.world_size() > 1:
            if run.device.type != "cuda":
                raise UserError("--sync_bn needs GPUs")
            self.model = nn.SyncBatchNorm.convert_sync_batchnorm(self.model)
        self.optimizer = build_optimizer(self.model, self.config)
        self.schedule = build_schedule(self.optimizer, self.config)
        # Where the run stands: `step` batches of `epoch` are done, with `sums` of their losses.
        self.epoch = self.step = 0
        self.sums: dict[str, float] = {}
        self.norm: tuple[int, Tensor] | None = None  # of the last update's gradient, and its step; not looked at yet
        self.metrics: dict[str, Any] = {}
        self.best: dict[str, Any] = {}
        self.stop = run.stop
        self.last = run.folder / "ckpt-last.pth"
        # Which run a checkpoint is of: those of an earlier one stay in the folder until this one has saved.
        self.run_id = uuid.uuid4().hex
        self.replacing = False
        self.earlier: list[Path] = []
        if run.args.resume:
            self._resume()

    def fit(self) -> dict[str, Any]:
        """Train to the end of `max_epoch`, evaluating and saving on the way; returns the last metrics.

        Raises:
            UserError: if a loss, a gradient or a weight is not finite; such weights are not saved.
            Interrupted: after one of `utils.stopping.SIGNALS`, once everything needed to continue is saved.
        """
        steps, epochs = len(self.loader), self.config.max_epoch + 1
        trained = sum(p.numel() for p in self.model.parameters() if p.requires_grad) / 1e6
        self.run.log.info(f"{len(self.data)} samples, {steps} steps an epoch, {trained:.2f} M trained parameters")
        bar = progress(total=epochs * steps, initial=self.epoch * steps + self.step, unit="step", smoothing=0)
        if self.epoch == self.step == 0:
            self.earlier = self.run.checkpoints()
            self.replacing = bool(self.earlier or (read_metrics(self.run.folder) or {}).get("finished"))
        if not self.replacing:
            self._record(finished=self.epoch >= epochs)
        kept = self.task.save_epochs() if self.config.save_epochs is None else self.config.save_epochs
        with bar, self.stop, self._board() as board:
            model = self.model
            if distributed.world_size() > 1:
                devices = [self.run.device] if self.run.device.type == "cuda" else None
                model = DistributedDataParallel(self.model, devices, find_unused_parameters=True)
            while self.epoch < epochs:
                bar.set_description(f"epoch {self.epoch}/{epochs - 1}", refresh=False)
                began, first = time.perf_counter(), self.step
                self._train_epoch(model, bar)
                seconds = time.perf_counter() - began
                self._check_weights()
                means = {name: value / steps for name, value in distributed.mean(self.sums).items()}
                self.metrics = means | self._evaluate()
                improved = self._improved()
                done = (steps - first) * self.loader.batch_sampler.batch_size * distributed.world_size()
                self._report(board, means, done / max(seconds, 1e-9))
                self.step, self.sums = 0, {}
                if improved:
                    self._save("ckpt-best")
                if self.epoch in kept:
                    self._save(f"ckpt-epoch-{self.epoch:03d}")
                self._save("ckpt-last")
                self.epoch += 1
                self._record(finished=self.epoch == epochs)
        self.run.log.info(f"finished; metrics in {self.run.folder / 'metrics.json'}")
        return self.metrics

    def _train_epoch(self, model: nn.Module, bar) -> None:
        """Do what is left of the epoch."""
        self.task.train_mode(self.model)
        self.data.set_epoch(self.epoch)
        self.loader.batch_sampler.seek(self.epoch, self.step)
        steps, together, mean = len(self.loader), self.config.step_per_update, self.config.accumulation == "mean"
        for batch in self.loader if self.step < steps else ():
            batch = self.data.finish(to_device(batch, self.run.device))
            key = (self.run.args.seed, distributed.rank(), self.epoch, self.step)
            seeding.seed_everything(*key)
            self.schedule.set(self.epoch, self.step / steps)
            last = self.step + 1 == steps
            updates = (self.step + 1) % together == 0 or (last and mean)
            share = min(together, steps - self.step // together * together) if mean else 1
            # Several processes agree on the gradients before each update, and before those left over are saved.
            with contextlib.nullcontext() if updates or last or model is self.model else model.no_sync():
                losses = self._losses(model, batch, key)
                total = sum(self.task.loss_weights.get(name, 1.0) * value for name, value in losses.items())
                (total / share).backward()
            self._add(losses | {"loss": total})
            if updates:
                if self.config.double_step:
                    self.optimizer.step()
                self.norm = self.step, self._clip()
                self.optimizer.step()
                self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            bar.set_postfix_str(f"loss {self.sums['loss'] / self.step:.4g}", refresh=False)
            bar.update()
            if updates and self.stop.anywhere(self.run.device):
                self._save_and_stop()

    def _losses(self, model: nn.Module, batch: dict, key: tuple) -> dict[str, Tensor]:
        try:
            return self.task.losses(model, batch, partial(self._generator, key))
        except ValueError as error:
            if "must be finite" not in str(error):  # what the point operators say of coordinates
                raise
            raise self._diverged("points that the model makes", "not finite") from None

    def _clip(self) -> Tensor:
        """Clip the gradients as the config says; returns their norm before."""
        return nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_norm_clip or math.inf)

    def _generator(self, key: tuple, name: str, device: torch.device | str | None = None) -> torch.Generator:
        return seeding.generator(device or self.run.device, *key, name)

    def _add(self, losses: dict[str, Tensor]) -> None:
        """Add the losses of a step to the sums of the epoch.

        The norm of the gradient of the update before is read with them, so that there is one synchronization a step.

        Raises:
            UserError: if one is not finite.
        """
        numbers = [x.detach().float() for x in losses.values()]
        if self.norm is not None:
            numbers.append(self.norm[1].float())
        *numbers, norm = torch.stack(numbers).tolist() + [0.0] * (self.norm is None)
        self._check_norm(norm)
        values = dict(zip(losses, numbers, strict=True))
        for name, value in values.items():
            if not math.isfinite(value):
                raise self._diverged(f"loss '{name}'", value)
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in values.items()}

    def _check_norm(self, norm: float) -> None:
        if not math.isfinite(norm):
            raise self._diverged("the norm of the gradient", norm, self.norm[0])
        self.norm = None

    def _check_weights(self) -> None:
        """Make sure that what is evaluated and saved is worth it.

        Raises:
            UserError: in every process, if a weight, a buffer or the last gradient is not finite in one of them.
        """
        if self.norm is not None:
            self._check_norm(self.norm[1].item())
        if broken := sum(distributed.gather(checkpoint.not_finite(self.model.state_dict())), []):
            raise self._diverged(f"weight '{broken[0]}'", "not finite", self.step - 1)

    def _diverged(self, what: str, value: float | str, step: int | None = None) -> UserError:
        kept = f"; {self.last} holds the last good state" if self.last.is_file() and not self.replacing else ""
        return UserError(
            f"{what} became {value} in epoch {self.epoch}, step {self.step if step is None else step}; "
            f"a lower optimizer.kwargs.lr or a grad_norm_clip may help{kept}"
        )

    def _evaluate(self) -> dict[str, Any]:
        """Evaluate after every `val_freq`-th epoch from `val_from` on, and after the last."""
        due = self.epoch >= self.config.val_from and self.epoch % self.run.args.val_freq == 0
        if not due and self.epoch != self.config.max_epoch:
            return {}
        distributed.share_buffers(self.model)
        # Nothing is lost by stopping here, but several processes have to agree to it, which they do between batches.
        self.stop.at_once = distributed.world_size() == 1
        try:
            return self.task.evaluate(self.model, self.epoch)
        except KeyboardInterrupt:
            self._save_and_stop()
        finally:
            self.stop.at_once = False

    def _improved(self) -> bool:
        """Note the metrics if they are the best so far."""
        value, best = self.metrics.get(self.task.metric), self.best.get(self.task.metric)
        if value is None:
            return False
        if best is not None and (value < best if self.task.higher_is_better else value > best):
            return False
        if value == best and not self.task.latest_of_equals:
            return False
        self.best = {"epoch": self.epoch, **self.metrics}
        return True

    def _report(self, board, means: dict[str, float], throughput: float) -> None:
        """One line to the log, one point to every curve."""
        groups = zip(GROUPS, self.optimizer.param_groups, strict=True)
        rates = {name: group["lr"] for name, group in groups if group["params"]}
        tested = {n: value for n, value in self.metrics.items() if n not in means and isinstance(value, float)}
        parts = [f"{name} {value:.5g}" for name, value in means.items()]
        parts += [f"{name} {value:.2f} %" for name, value in tested.items()]
        if tested and self.best:
            epoch = self.best["epoch"]  # None after a released checkpoint, which does not say
            where = "" if epoch is None else f" in epoch {epoch}"
            parts.append(f"(best {self.best[self.task.metric]:.2f} %{where})")
        parts += [f"lr {rates.get('decay', max(rates.values())):.3g}", f"{throughput:.1f} samples/s"]
        self.run.log.info(f"epoch {self.epoch}/{self.config.max_epoch}  " + "  ".join(parts))
        curves = {f"loss/{name}": value for name, value in means.items()} | {f"test/{n}": v for n, v in tested.items()}
        curves |= {f"lr/{name}": rate for name, rate in rates.items()} | {"samples_per_second": throughput}
        for name, value in curves.items() if board else ():
            board.add_scalar(name, value, self.epoch)

    def _record(self, finished: bool) -> None:
        self.run.record(
            self.model,
            finished=finished,
            epochs=self.epoch,
            metric=self.task.metric,
            run=self.run_id,
            best=self.best,
            last={"epoch": self.epoch - 1, **self.metrics} if self.metrics else {},
        )

    def _save(self, name: str) -> None:
        """Write a checkpoint; `step` 0 means that `epoch` is complete, otherwise so many of its batches are done."""
        if distributed.is_main():
            content = {
                "base_model": self.model.state_dict(),
                "optimizer": checkpoint.optimizer_state(self.optimizer, self.model),
                "epoch": self.epoch,
                "step": self.step,
                "sums": self.sums,
                "metric": self.task.metric,
                "metrics": self.metrics,
                "best_metrics": self.best,
                "seconds": time.perf_counter() - self.run.started,
                "run": self.run_id,
            }
            left = [(key, p.grad) for key, p in self.model.named_parameters() if p.grad is not None]
            if left:
                # Of batches that the next epoch's first update takes up. No mapping: it would pass for weights.
                content["gradients"] = left
            path = self.run.folder / f"{name}.pth"
            checkpoint.save_atomic(content, path, self._take_over)
            for old in self.earlier:
                if old != path:
                    old.unlink(missing_ok=True)
            self.earlier = []

    def _take_over(self) -> None:
        """Make the folder this run's, whose first checkpoint is written; that of an earlier run it was until now."""
        if self.replacing:
            self.replacing = False
            self._record(finished=False)

    def _read(self, path: Path) -> dict:
        """Read a checkpoint to resume from.

        Raises:
            UserError: if it is damaged, or lacks what resuming needs.
        """
        state = from_released(checkpoint.load_checkpoint(path), self.task.metric)
        kinds = {"optimizer": dict, "epoch": int, "step": int, "sums": dict, "metrics": dict, "best_metrics": dict}
        for name, kind in kinds.items():
            if not isinstance(state.get(name), kind):
                raise UserError(f"cannot resume from {path}: it has no '{name}' of type {kind.__name__}")
        if not {"state", "param_groups"} <= {*state["optimizer"]}:
            raise UserError(f"cannot resume from {path}: its optimizer has no state")
        if broken := checkpoint.not_finite(state["base_model"]):
            raise UserError(f"cannot resume from {path}: its weight '{broken[0]}' is not finite")
        return state

    def _newest(self, before: dict) -> tuple[Path, dict] | None:
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
            if found is None or self._stand(state) > self._stand(found[1]):
                found = path, state
            if path == self.last:
                break
        if found is None and problems:
            raise UserError(f"{problems[0]}; --overwrite starts the run over")
        if found is not None and found[0] != self.last:
            why = problems[0] if self.last.is_file() else f"{self.last} does not exist"
            self.run.log.warning(f"{why}; falling back to {found[0]}, the newest that is sound")
        return found

    @staticmethod
    def _stand(state: dict) -> tuple[int, int]:
        return state["epoch"] + (state["step"] == 0), state["step"]

    def _resume(self) -> None:
        """Take up the state of the last checkpoint, if there is one.

        Raises:
            UserError: if it is not one of this run.
        """
        before = read_metrics(self.run.folder) or {}
        newest = self._newest(before)
        if newest is None:
            if self.run.task == "finetune" and not self.run.args.ckpts:
                raise UserError(f"nothing to resume in {self.run.folder}, and no --ckpts FILE to start from")
            self.run.log.warning(f"nothing to resume: {self.last} does not exist; starting at epoch 0")
            return
        path, state = newest
        checkpoint.load_weights(self.model, path, CHECKPOINT_PREFIXES, log=self.run.log, loaded=state)
        self.run_id = state.get("run", self.run_id)
        try:
            checkpoint.load_optimizer(self.optimizer, self.model, state["optimizer"], state["base_model"])
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise UserError(f"cannot resume from {path}: its optimizer is of another model: {error}") from None
        parameters = dict(self.model.named_parameters())
        for name, gradient in state.get("gradients", []):
            if name not in parameters or parameters[name].shape != gradient.shape:
                raise UserError(f"cannot resume from {path}: it has gradients of another model")
            parameters[name].grad = gradient.to(self.run.device)
        self.step, self.sums = state["step"], state["sums"]
        self.epoch, _ = self._stand(state)
        self.metrics, self.best = state["metrics"], state["best_metrics"]
        if self.step > len(self.loader):
            raise UserError(f"cannot resume from {path}: it is at step {self.step} of {len(self.loader)}")
        changed = differences(before, self.run.identity) if before else []
        if "seed" in changed:
            raise UserError(f"cannot resume from {path}: its seed is {before['seed']}, not {self.run.args.seed}")
        if changed := [name for name in changed if name != "weights"]:  # which need not be named again
            self.run.log.warning(f"resuming with other settings than before: {', '.join(changed)}")
        self.run.started -= state.get("seconds", 0.0)
        self.run.log.info(f"resuming at epoch {self.epoch}, step {self.step}")

    def _save_and_stop(self) -> None:
        """Save in mid-epoch and end the run.

        Raises:
            Interrupted: once that is done.
            UserError: if there are weights that are not finite.
        """
        self._check_weights()
        self.sums = distributed.mean(self.sums)
        self._save("ckpt-last")
        where = f"epoch {self.epoch}, step {self.step}"
        raise Interrupted(f"saved {self.last} ({where}); continue with the same command and --resume", self.stop.by)

    @contextlib.contextmanager
    def _board(self) -> Iterator:
        """TensorBoard's writer in the main process, None in the others."""
        if not distributed.is_main():
            yield None
            return
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.run.board), purge_step=self.epoch) as board:
            yield board
