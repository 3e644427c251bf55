"""The runs of main.py that a table needs: what each is called with, what it starts from, and whether it is finished."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.engine.config import Fold, parse_run_config, read_config, run_folder
from tools.engine.run import differences, run_identity
from tools.engine.task import Mode, all_modes
from utils.errors import UserError
from utils.logging import read_metrics


def mode_of(task: str) -> Mode:
    """What main.py calls a task."""
    return next(mode for mode in all_modes() if mode.name == task)


@dataclass(frozen=True)
class PlannedRun:
    """One run of main.py.

    Attributes:
        task: name of a `Mode` of main.py.
        config: YAML file.
        name: of the run folder.
        seed: of the run.
        opts: overrides, as `key=value`.
        fold: (way, shot, fold) of few-shot classification.
        after: the run whose weights it starts from: the last ones of pretraining, else the best.
        last: it starts from the last ones in any case.
        ckpts: a checkpoint to start from, where no planned run makes it.
        flags: further arguments of main.py.
        seconds: estimated duration, with one device or core to itself.
    """

    task: str
    config: str
    name: str
    seed: int = 0
    opts: tuple[str, ...] = ()
    fold: Fold | None = None
    after: "PlannedRun | None" = None
    last: bool = False
    ckpts: str | None = None
    flags: tuple[str, ...] = ()
    seconds: float = field(default=60.0, repr=False)

    @property
    def folder(self) -> Path:
        return run_folder(self.config, self.task, self.name, self.fold)

    @property
    def output(self) -> Path:
        """What it prints, in all attempts."""
        return self.folder / "output.log"

    @property
    def start(self) -> str | None:
        """The checkpoint it starts from."""
        if self.after is None:
            return self.ckpts
        last = self.last or self.after.task == "pretrain"
        return str(self.after.folder / ("ckpt-last.pth" if last else "ckpt-best.pth"))

    def __str__(self) -> str:
        return str(self.folder.relative_to("experiments"))

    @functools.cached_property
    def raw(self) -> dict:
        """The config with its overrides."""
        return read_config(self.config, self.opts, self.fold)

    def metrics(self) -> dict | None:
        """The metrics.json in its folder, if it belongs to exactly this run, finished or not."""
        try:
            found = read_metrics(self.folder)
        except UserError:
            found = None
        if found is None or (self.after is not None and self.after.result() is None):
            return None
        own = run_identity(self.task, self.seed, self.raw, self.start)
        if self.start and own["weights"] is None:  # removed since
            del own["weights"]
        return None if differences(found, own) else found

    def replaces(self) -> bool:
        """Whether its folder holds a finished run with other settings, weights or data."""
        try:
            found = read_metrics(self.folder)
        except UserError:
            return False
        return bool(found and found.get("finished")) and self.metrics() is None

    def result(self) -> dict | None:
        """The metrics of the run, if it is finished."""
        found = self.metrics()
        if not found or not found.get("finished") or ("--vote" in self.flags and "vote" not in found["last"]):
            return None
        return found

    def arguments(self) -> list[str]:
        """The command line of main.py; an interrupted run is resumed."""
        words = ["--config", self.config, "--exp_name", self.name, "--seed", str(self.seed)]
        mode = mode_of(self.task)
        words += [*filter(None, [mode.flag]), *self.flags]
        if self.fold:
            words += "--way {} --shot {} --fold {}".format(*self.fold).split()
        if self.start:
            words += ["--ckpts", self.start]
        found = self.metrics()
        # Only unfinished runs are overwritten here: `keep_results` looks after finished ones.
        unfinished = mode.trains and found and not found.get("finished")
        words.append("--resume" if unfinished else "--overwrite")
        return words + (["--opts", *self.opts] if self.opts else [])


def in_order(runs: Sequence[PlannedRun]) -> list[PlannedRun]:
    """Every run once, after the run that it starts from."""
    ordered: dict[PlannedRun, None] = {}

    def add(run: PlannedRun) -> None:
        if run.after is not None:
            add(run.after)
        ordered[run] = None

    for run in runs:
        add(run)
    return list(ordered)


def check_configs(runs: Sequence[PlannedRun]) -> None:
    """Read the config of every run and of what it starts from.

    Raises:
        UserError: for the first that is wrong.
    """
    for run in {(run.config, run.opts): run for run in in_order(runs)}.values():
        try:
            parse_run_config(run.raw)
        except UserError as error:
            raise UserError(f"{run}: {error}") from None


def keep_results(runs: Sequence[PlannedRun]) -> None:
    """Refuse to replace finished runs.

    Raises:
        UserError: if one would be.
    """
    lost = [run for run in in_order(runs) if run.replaces()]
    if lost:
        raise UserError(
            f"{len(lost)} finished runs, first {lost[0].folder}, are of other settings, weights or data; "
            "--overwrite replaces them, moving them away keeps them"
        )


def estimate(runs: Sequence[PlannedRun], devices: int) -> float:
    """Estimated seconds of the runs on so many devices, as if none had to wait for another."""
    return max(sum(run.seconds for run in runs) / devices, max((run.seconds for run in runs), default=0.0))
