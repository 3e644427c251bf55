"""Ctrl-C and SIGTERM as a polite request."""

import os
import signal
import threading


class StopRequest:
    """While entered, the first Ctrl-C or SIGTERM only sets `made`; a second one stops at once.

    Attributes:
        made: whether a stop was asked for.
        at_once: set it where nothing would be lost; then a request raises `KeyboardInterrupt` on the spot.
    """

    def __init__(self):
        self.made = self.at_once = False
        self.before = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, *_) -> None:
        if self.made or self.at_once:
            raise KeyboardInterrupt
        self.made = True
        os.write(2, b"\nfinishing this step and saving; once more stops at once\n")
