"""Testing a classifier with voting, as the paper does."""

import argparse
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch

from datasets.point_transforms import point_all, sample_test
from models import Trainable
from tools.engine.data import own_augmentation
from tools.engine.infer import SampledClouds, load_clouds
from tools.engine.run import Run
from tools.engine.task import TASKS, TEST
from tools.tasks.classify import Classify
from utils import distributed, seeding
from utils.errors import Interrupted, UserError, at_least
from utils.logging import progress
from utils.metrics import accuracy, mean_std
from utils.stopping import StopRequest


@dataclass
class VoteConfig:
    """`vote`: rounds of test-time voting, each the mean logits of `samples` augmented sub-samples.

    `augment: null` leaves the augmentation to the data set of `dataset.train`, as released.
    """

    rounds: int = 299
    samples: int = 10
    augment: Literal["none", "scale", "rotate"] | None = None

    def __post_init__(self):
        if self.rounds < 1 or self.samples < 1:
            raise ValueError(f"rounds and samples must be at least 1, got {self.rounds} and {self.samples}")


@TASKS.register("vote")
class Vote(Classify):
    """Classify by the mean logits of augmented random sub-samples, several rounds of it (released `--test`).

    A round draws by its number, so rounds can be continued at any time. What is found is recorded after each: the
    accuracies of the `rounds`, their `mean`, `std`, `best` and `count`. The paper's number is the best.
    """

    modes = (TEST,)
    sections = {"vote": VoteConfig}
    growing = ("vote.rounds",)

    @classmethod
    def accepts(cls, model: type[Trainable], args: argparse.Namespace) -> bool:
        return super().accepts(model, args) and args.vote

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        group = parser.add_argument_group("voting")
        group.add_argument(
            "--vote",
            action="store_true",
            help="with --test of a classifier: vote as well; goes on after rounds that are done",
        )
        group.add_argument("--no_vote", dest="vote", action="store_false", help="take back a --vote before it")
        group.add_argument(
            "--rounds", type=at_least(1), metavar="N", help="rounds of voting (the config's vote.rounds)"
        )

    @classmethod
    def check_arguments(cls, args: argparse.Namespace) -> None:
        if args.rounds is not None and not args.vote:
            raise UserError("--rounds goes with --vote")
        if args.vote and not args.test:
            args.notes.append("--vote has no effect without --test")

    @classmethod
    def override(cls, raw: dict, args: argparse.Namespace) -> None:
        if args.rounds is not None and isinstance(raw.setdefault("vote", {}), dict):
            raw["vote"]["rounds"] = args.rounds

    def __init__(self, run: Run):
        super().__init__(run)
        self.settings = run.config.section(VoteConfig)
        self.augment = own_augmentation(run, self.settings.augment, "VOTE_AUGMENT")

    def measure(self) -> None:
        run, wanted = self.run, self.settings.rounds
        done = distributed.gather_objects(self._earlier())[0]
        model, results = self.measure_once("accuracy without voting")

        def record() -> None:
            if done:
                results["vote"] = {**mean_std(done), "rounds": done}
            run.record(model, finished=len(done) == wanted, metric="accuracy", last=results)

        record()  # what an earlier run in this folder left is true no longer
        total = point_all(run.config.npoints, len(self.test_data[0]["points"]))
        clouds = load_clouds(run, self.test_data, partial(sample_test, npoints=total), "FPS")
        rank, world = distributed.rank(), distributed.world_size()
        bar = progress(total=wanted, initial=len(done), desc="voting", unit="round")
        with bar, StopRequest() as stop:
            try:
                stop.at_once = True  # at most a round is lost
                for first in range(len(done), wanted, world):
                    mine = self._round(model, clouds, first + rank) if first + rank < wanted else None
                    done += [value for value in distributed.gather_objects(mine) if value is not None]
                    record()
                    bar.set_postfix_str(f"best {max(done):.2f} %", refresh=False)
                    bar.update(len(done) - bar.n)
            except KeyboardInterrupt:
                raise Interrupted(
                    f"{len(done)} of {wanted} rounds are in {run.folder}/metrics.json; "
                    f"the same command goes on (with --seed {run.args.seed})",
                    stop.by,
                ) from None
        votes = results["vote"]
        run.log.info(
            f"with voting, {votes['count']} rounds: {votes['mean']:.2f} +- {votes['std']:.2f} %; "
            f"best round (what the paper calls voting): {votes['best']:.2f} %"
        )

    @torch.no_grad()
    def _round(self, model: Trainable, clouds: SampledClouds, number: int) -> float:
        """Return the accuracy of one round."""
        run, predicted = self.run, []
        generator = seeding.generator(run.device, run.args.seed, "vote", number)
        for points in clouds.points.split(run.config.total_bs):
            logits = []
            for _ in range(self.settings.samples):
                columns = torch.randperm(points.shape[1], generator=generator, device=run.device)
                sample = self.augment(points[:, columns[: run.config.npoints]], generator)
                with run.precision.autocast():
                    logits.append(model(sample).float())
            predicted.append(sum(logits[1:], logits[0]).argmax(1))
        return accuracy(torch.cat(predicted).cpu(), clouds.labels)["accuracy"]

    def _earlier(self) -> list[float]:
        """Return the accuracies of the rounds that this very run has voted before."""
        before = self.run.recorded()
        try:
            found = [float(value) for value in before.get("last", {}).get("vote", {}).get("rounds", [])]
            self.run.continues(before, float(before.get("wall_seconds", 0.0)))
        except (TypeError, ValueError, AttributeError) as error:
            self.run.log.warning(f"{self.run.folder}/metrics.json is damaged, earlier rounds are lost: {error}")
            return []
        if found:
            self.run.log.info(f"going on after {len(found)} rounds of voting")
        return found[: self.settings.rounds]
