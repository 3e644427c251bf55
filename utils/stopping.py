"""Ctrl-C and the signals of batch systems as a polite request."""

import contextlib
import os
import signal
import threading

import torch

from utils import distributed

# Besides Ctrl-C: what `kill`, `timeout` and torchrun send; a closed terminal; Slurm's warning (--signal=USR1@90), in
# jobs of submitit USR2.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """While entered, the first of `SIGNALS` only sets `made`; Ctrl-C after it stops at once.

    The others may come several times, since batch systems repeat themselves and torchrun passes on what it gets.

    Attributes:
        made: whether a stop was asked for.
        by: number of the signal that asked first; None where another process was asked.
        at_once: set it where nothing would be lost; then a request raises `KeyboardInterrupt` on the spot.
    """

    def __init__(self):
        self.made = self.at_once = False
        self.by: int | None = None
        self.before = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            # nohup ignores a closed terminal, and so does what it runs.
            numbers = [n for n in SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
            self.before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def anywhere(self, device: torch.device) -> bool:
        """Whether a stop was asked for in any process; all of them must call this."""
        return distributed.anywhere([self.made], device)[0]

    def check(self, device: torch.device) -> None:
        """Call it in all processes where nothing would be lost.

        Raises:
            KeyboardInterrupt: in all of them, if a stop was asked for in any.
        """
        if self.anywhere(device):
            raise KeyboardInterrupt

    def _ask(self, number: int, _) -> None:
        again, self.made = self.made, True
        if not again:
            self.by = number
        if self.at_once or (again and number == signal.SIGINT):
            raise KeyboardInterrupt
        if not again:
            with contextlib.suppress(OSError):  # the terminal may be what was closed
                os.write(2, b"\nfinishing this step and saving; Ctrl-C stops at once\n")
