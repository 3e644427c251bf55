"""A sample of what `python -m tests.fuzz` does, and what it has found before."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.fuzz import __main__ as runner
from tests.fuzz.__main__ import CORPUS, attempt, content_of, fuzz
from tests.fuzz.targets import TARGETS


def test_a_sample_is_read_or_refused():
    cases = [(name, 1, number) for number in range(25) for name in TARGETS]
    outcomes = dict(fuzz(cases))
    assert outcomes.keys() == {*cases}
    assert {case: outcome for case, outcome in outcomes.items() if outcome not in ("read", "refused")} == {}
    assert 0.02 < sum(outcome == "read" for outcome in outcomes.values()) / len(cases) < 0.7


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_is_refused(path: Path, tmp_path: Path):
    assert attempt(path.parent.name, path.read_bytes(), tmp_path) == "refused"


@pytest.mark.parametrize("name", TARGETS)
def test_sound_files_are_read(name: str, tmp_path: Path):
    outcomes = [attempt(name, content, tmp_path) for content in TARGETS[name].seeds()]
    assert set(outcomes) <= {"read", "refused"} and 2 * outcomes.count("read") >= len(outcomes)


def test_a_crash_a_hang_and_a_bomb_are_findings(monkeypatch):
    def read(path: Path) -> None:
        number = int(path.read_bytes())
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        elif number == 2:
            time.sleep(60)
        elif number == 3:
            raise KeyError("x")

    target = TARGETS["txt"]
    monkeypatch.setitem(TARGETS, "txt", type(target)("a", read, lambda: [b"0"], target.mutation))
    monkeypatch.setattr(runner, "content_of", lambda case: str(case[2]).encode())
    monkeypatch.setattr(runner, "SECONDS", 3.0)
    found = {case[2]: outcome for case, outcome in fuzz([("txt", 0, number) for number in range(5)])}
    assert [found[0], found[1], found[2], found[4]] == ["read", "crash: SIGKILL", "hang: more than 3 s", "read"]
    assert "KeyError" in found[3]


def test_cases_are_made_again():
    case = ("pth", 3, 5)
    assert content_of(case) == content_of(case) != content_of(("pth", 3, 6))
