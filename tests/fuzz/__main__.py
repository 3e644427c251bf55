"""Fuzz every reader: `python -m tests.fuzz` makes 100,000 files, `--target pickle --first 77 --count 1` one again.

Each file must be read, or refused by a `UserError` of one line. Anything else is a finding, which is kept under
`--out`: another exception, a crash of the process, more than `SECONDS`, more than `MEMORY` beyond that of the start.
"""

import argparse
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import torch

from tests.fuzz.targets import TARGETS
from utils.errors import LIMIT, UserError
from utils.logging import progress

SECONDS, MEMORY = 5.0, 1 << 30
Case = tuple[str, int, int]  # target, seed, number
CORPUS = Path(__file__).parent / "corpus"


def content_of(case: Case) -> bytes:
    """Return the file of a case, which depends on nothing else."""
    name, seed, number = case
    draw = Random(f"{name} {seed} {number}")
    return TARGETS[name].mutation(draw.choice(_seeds(name)), draw)


def _seeds(name: str, made: dict[str, list[bytes]] = {}) -> list[bytes]:  # noqa: B006
    if name not in made:
        made[name] = TARGETS[name].seeds()
    return made[name]


def attempt(name: str, content: bytes, folder: Path) -> str:
    """Read one file.

    Returns:
        "read", "refused", or what is wrong with how it was refused.
    """
    path = folder / TARGETS[name].name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        TARGETS[name].read(path)
    except UserError as error:
        message = str(error)
        if len(message) > LIMIT or not message.isprintable():
            return f"message of {len(message)} characters"
        return "memory: it was asked for" if "fit into memory" in message else "refused"
    except Exception:
        return traceback.format_exc(limit=-4)
    return "read"


def memory(what: str) -> int:
    """Bytes of memory that this process has ("VmRSS"), or has had at most since it last forgot that ("VmHWM")."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what))


def _work(tasks, results, started, folder: str) -> None:
    """Read files until there are no more; the parent ends this process if one takes too long."""
    os.setpgrp()
    parent = os.getppid()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    with contextlib.redirect_stderr(open(os.devnull, "w")):
        for name in TARGETS:  # what is imported and allocated once
            attempt(name, _seeds(name)[0], Path(folder))
        while _wait(tasks, parent) and (case := tasks.recv()) is not None:
            content = content_of(case)
            with contextlib.suppress(OSError):  # without it, a bomb is that of the largest file so far
                Path("/proc/self/clear_refs").write_text("5")
            base = memory("VmRSS")
            started.value = time.monotonic()
            outcome = attempt(case[0], content, Path(folder))
            started.value = 0.0
            if (taken := memory("VmHWM") - base) > MEMORY:
                outcome = f"memory: {taken >> 20} MB"
            results.send((case, outcome))
            if outcome.startswith("memory"):
                return


def _wait(tasks, parent: int) -> bool:
    """Wait for a task; False once the parent is gone, whose end of the pipe other workers hold as well."""
    while not tasks.poll(5):
        if os.getppid() != parent:
            return False
    return True


class Worker:
    """A process that reads files, and another one after each that it does not survive."""

    def __init__(self, folder: str):
        self.folder, self.case = folder, None
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("fork")
        (theirs, self.tasks), (self.results, answers) = context.Pipe(False), context.Pipe(False)
        self.started = context.Value("d", 0.0, lock=False)
        self.process = context.Process(target=_work, args=(theirs, answers, self.started, self.folder), daemon=True)
        self.process.start()
        theirs.close()
        answers.close()

    def give(self, case: Case | None) -> None:
        self.case = case
        with contextlib.suppress(BrokenPipeError):
            self.tasks.send(case)

    def outcome(self) -> str | None:
        """What became of the file that it was given; None while it is at it."""
        alive = self.process.is_alive()  # before the look at what it has sent
        try:
            if self.results.poll():
                outcome = self.results.recv()[1]
                if outcome.startswith("memory"):
                    self._again()
                return outcome
        except EOFError:
            alive = False
        if not alive:
            self._again()
            return f"crash: {self.ended}"
        began = self.started.value
        if began and time.monotonic() - began > SECONDS:
            self.process.kill()
            self._again()
            return f"hang: more than {SECONDS:g} s"
        return None

    def _again(self) -> None:
        self.process.join()
        code = self.process.exitcode or 0
        self.ended = signal.Signals(-code).name if code < 0 else f"exit {code}"
        self.start()


def fuzz(cases: Sequence[Case], workers: int = 1) -> Iterator[tuple[Case, str]]:
    """Yield what becomes of each case, in no order."""
    with contextlib.ExitStack() as held:
        crew = [Worker(held.enter_context(tempfile.TemporaryDirectory())) for _ in range(workers)]
        left = iter(cases)
        for worker in crew:
            worker.give(next(left, None))
        while busy := [worker for worker in crew if worker.case is not None]:
            multiprocessing.connection.wait([worker.results for worker in busy], timeout=0.5)
            for worker in busy:
                if (outcome := worker.outcome()) is not None:
                    yield worker.case, outcome
                    worker.give(next(left, None))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", nargs="+", default=list(TARGETS), choices=list(TARGETS), help="readers (all)")
    parser.add_argument("--count", type=int, default=100_000, help="files in all (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first file of each reader (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all changes (%(default)s)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder of the findings (%(default)s)")
    args = parser.parse_args()
    each = -(-args.count // len(args.target))
    cases = [(name, args.seed, args.first + i) for i in range(each) for name in args.target][: args.count]
    outcomes, kinds, began = {name: Counter() for name in args.target}, Counter(), time.monotonic()
    for case, outcome in progress(fuzz(cases, args.workers), total=len(cases), unit="file"):
        good = outcome in ("read", "refused")
        outcomes[case[0]][outcome if good else "found"] += 1
        if good:
            continue
        told = " ".join([outcome.strip().splitlines()[-1], *outcome.strip().splitlines()[-3:-2]])[:200]
        kinds[case[0], told] += 1
        if kinds[case[0], told] == 1:
            folder = args.out / case[0]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{case[1]}-{case[2]}").write_bytes(content_of(case))
            print(f"{case[0]} --seed {case[1]} --first {case[2]}: {told}", flush=True)
    for name, counts in outcomes.items():
        print(f"{name:8}", ", ".join(f"{counts[kind]} {kind}" for kind in ("read", "refused", "found")))
    seconds = time.monotonic() - began
    print(f"{len(cases)} files in {seconds:.0f} s, {sum(kinds.values())} findings of {len(kinds)} kinds")
    return int(bool(kinds))


if __name__ == "__main__":
    sys.exit(main())
