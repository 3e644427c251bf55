"""Voting: rounds by number, statistics, and no round lost when it is stopped."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from datasets.point_transforms import AUGMENTATIONS
from utils.errors import Interrupted


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture
def vote(run):
    """Test a classifier with voting; returns the folder of the run."""
    weights = run("classify", "--scratch_model", "--opts", "max_epoch=0") / "ckpt-last.pth"

    def call(*arguments: str, exp: str = "default") -> Path:
        return run("classify", "--test", "--vote", "--ckpts", str(weights), *arguments, exp=exp)

    return call


def stop_in(monkeypatch, call: int) -> None:
    """Send this process SIGTERM when a sub-sample is augmented for the given time."""
    original, calls = AUGMENTATIONS["scale"], iter(range(1000))

    def augment(points, generator):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(points, generator)

    monkeypatch.setitem(AUGMENTATIONS, "scale", augment)


def test_statistics_of_the_rounds(vote, capsys, numbers_of):
    whole = metrics(vote("--rounds", "5"))
    found = whole["last"]
    votes = found["vote"]
    trained = metrics(Path("experiments/classify/cfgs/default"))
    assert {votes["best"], votes["mean"]} <= set(numbers_of("table1", "OBJ_BG", whole | {"best": trained["best"]}))
    mean = sum(votes["rounds"]) / 5
    assert votes["count"] == len(votes["rounds"]) == 5 and votes["best"] == max(votes["rounds"])
    assert votes["mean"] == pytest.approx(mean)
    assert votes["std"] == pytest.approx((sum((x - mean) ** 2 for x in votes["rounds"]) / 5) ** 0.5)
    out = capsys.readouterr().out
    assert f"accuracy without voting: {found['accuracy']:.2f} %" in out
    assert f"best round (what the paper calls voting): {votes['best']:.2f} %" in out


def test_rounds_are_drawn_by_number(vote):
    three, five = (metrics(vote(*more, exp=exp)) for exp, more in (("a", ()), ("b", ("--rounds", "5"))))
    assert three["last"]["vote"]["rounds"] == five["last"]["vote"]["rounds"][:3]  # the config says 3


@pytest.mark.parametrize("call, done", [(1, 0), (5, 1), (11, 2)])
def test_stopped_and_resumed_is_unbroken(vote, monkeypatch, call, done):
    whole = metrics(vote(exp="whole"))["last"]
    with (
        monkeypatch.context() as patch,
        pytest.raises(Interrupted, match=f"{done} of 3 rounds are in .*with --seed 0"),
    ):
        stop_in(patch, call)
        vote(exp="broken")
    folder = Path("experiments/classify/cfgs/test_broken")
    broken = metrics(folder)
    assert not broken["finished"] and broken["last"]["accuracy"] == whole["accuracy"]
    assert broken["last"].get("vote", {}).get("rounds", []) == whole["vote"]["rounds"][:done]
    with monkeypatch.context() as patch:
        stop_in(patch, 4 * (3 - done))  # not reached: four sub-samples a round, and no round is done twice
        resumed = metrics(vote(exp="broken"))
    assert resumed["finished"] and resumed["last"] == whole
    assert resumed["wall_seconds"] >= broken["wall_seconds"]


def test_more_or_fewer_rounds(vote):
    three = metrics(vote())["last"]["vote"]["rounds"]
    five = metrics(vote("--rounds", "5"))["last"]["vote"]["rounds"]
    assert five[:3] == three and len(five) == 5
    assert metrics(vote("--rounds", "2"))["last"]["vote"]["rounds"] == three[:2]


def test_rounds_outlive_a_plain_test(vote, run):
    votes = metrics(vote())["last"]["vote"]
    weights = "experiments/classify/cfgs/default/ckpt-last.pth"
    plain = metrics(run("classify", "--test", "--ckpts", weights))["last"]
    assert plain["vote"] == votes


def test_rounds_of_another_run(vote, capsys):
    folder = vote()
    for flags, key in ((["--seed", "4"], "seed"), (["--seed", "4", "--opts", "vote.samples=1"], "vote.samples")):
        vote(*flags)
        printed = capsys.readouterr().out
        assert f"holds a result with other {key}, which this one replaces" in printed
        assert "going on after" not in printed
        assert metrics(folder)["seed"] == 4 and metrics(folder)["last"]["vote"]["count"] == 3
    (folder / "metrics.json").write_text("{")
    vote()
    assert re.search("metrics.json cannot be read: .*; what it held is lost", capsys.readouterr().out)
    assert metrics(folder)["last"]["vote"]["count"] == 3


def test_a_plain_test_says_how_to_vote(vote, run, capsys):
    vote()
    assert "measured without voting" not in capsys.readouterr().out
    for flags in ([], ["--vote", "--no_vote"]):
        run("classify", "--test", *flags, "--ckpts", "experiments/classify/cfgs/default/ckpt-last.pth", exp="plain")
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == "measured without voting; --vote votes as well"
    assert "vote" not in metrics(Path("experiments/classify/cfgs/test_plain"))["last"]
