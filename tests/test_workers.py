"""Pools of workers that are left by Ctrl-C."""

import time

import pytest

from utils.workers import Processes, Threads


def note(path):
    path.touch()
    time.sleep(0.2)
    return path.name


@pytest.mark.parametrize("pool", [Processes, Threads])
def test_what_is_not_begun_is_dropped(pool, tmp_path):
    with pool(1) as workers:
        assert list(workers.each(note, [tmp_path / "a", tmp_path / "b"], chunksize=2)) == ["a", "b"]
    things = [tmp_path / str(number) for number in range(100)]
    with pytest.raises(KeyboardInterrupt), pool(1) as workers:
        workers.each(note, things, chunksize=50)
        while not things[0].exists():
            time.sleep(0.01)
        raise KeyboardInterrupt
    made = [path for path in things if path.exists()]
    assert made == things[: len(made)] and len(made) < 50  # less than what the process was handed
