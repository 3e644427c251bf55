"""Worker processes that Ctrl-C stops within the one thing that each of them is at."""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any

import torch.multiprocessing

_stopped: Any = None  # of a worker process: an event of its parent


class Processes(ProcessPoolExecutor):
    """A pool of processes; as a context that is left by an error, or Ctrl-C, it drops what is not begun.

    Futures that are handed to a process cannot be cancelled, and hold many things each; workers therefore look at an
    event before each thing.

    Args:
        count: of the processes.
        begin: called in each process with `arguments`.
    """

    def __init__(self, count: int, begin: Callable[..., None] | None = None, arguments: tuple = ()):
        context = torch.multiprocessing.get_context("spawn")
        self.stopped = context.Event()
        super().__init__(count, context, _begin, (self.stopped, begin, arguments))

    def each(self, function: Callable[[Any], Any], things: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """Yield what a function makes of things, in order; processes are handed `chunksize` of them at a time."""
        return self.map(partial(_call, function), things, chunksize=chunksize)

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self.stopped.set()
        self.shutdown(cancel_futures=kind is not None)


class Threads(ThreadPoolExecutor):
    """A pool of threads of the same kind."""

    def each(self, function: Callable[[Any], Any], things: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """See `Processes.each`; a thread takes one thing at a time."""
        return self.map(function, things)

    def __exit__(self, kind: Any, *_: Any) -> None:
        self.shutdown(cancel_futures=kind is not None)


def _begin(stopped: Any, begin: Callable[..., None] | None, arguments: tuple) -> None:
    """Begin a worker process; Ctrl-C reaches every process of the group, the parent alone answers it."""
    global _stopped
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stopped = stopped
    if begin is not None:
        begin(*arguments)


def _call(function: Callable[[Any], Any], thing: Any) -> Any:
    if _stopped.is_set():
        raise CancelledError
    return function(thing)
