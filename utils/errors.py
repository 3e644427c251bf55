"""User-facing errors."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable


class UserError(Exception):
    """Something a user can cause and mend: bad file, key, value or argument.

    The message is one line that names what was wrong, where, and what would be right.
    """

    def __init__(self, message: str):
        message = str(message)
        if message.startswith("Caught UserError in"):
            # A loader's worker hands its errors over as text, traceback and all.
            message = message.rsplit("UserError: ", 1)[-1]
        super().__init__(" ".join(message.split()))


class Parser(argparse.ArgumentParser):
    """Answers wrong arguments in one line, once `run_command` has caught it."""

    def error(self, message: str):
        raise UserError(f"{message} (--help lists the arguments)")


def at_least(least: int, none: int | None = None):
    """Argument type: whole numbers from `least` on, and `none`, which stands for "not given"."""

    def number(text: str) -> int:
        if int(text) < least and int(text) != none:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
        return int(text)

    number.__name__ = "whole number"
    return number


# Exit status of a run that was stopped and has saved: EX_TEMPFAIL of sysexits.h, which batch systems requeue.
REQUEUE = 75


class Interrupted(Exception):
    """A run was asked to stop and has saved what it had.

    Args:
        message: what was saved, and how to go on.
        by: number of the signal that asked, if this process got one.
    """

    def __init__(self, message: str, by: int | None = None):
        super().__init__(message)
        self.code = 130 if by == signal.SIGINT else REQUEUE


def run_command(main: Callable[[], None]) -> None:
    """Run a command line's main function and turn its errors into exit codes.

    Exits 2 with one line on stderr for a `UserError`, 75 for a run that SIGTERM, SIGHUP or SIGUSR1 stopped and that has
    saved, 130 after Ctrl-C; every other exception is a bug, which keeps its traceback and exits 1.
    """
    try:
        main()
    except UserError as error:
        _tell(f"error: {error}")
        sys.exit(2)
    except (Interrupted, KeyboardInterrupt) as stop:
        _tell(f"interrupted: {str(stop) or 'stopped at once; what was saved before is kept'}")
        sys.exit(getattr(stop, "code", 130))


def _tell(line: str) -> None:
    """Print to stderr, unless the terminal is closed: the exit status must not depend on it."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)
