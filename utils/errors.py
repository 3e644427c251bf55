"""Errors that are for the person at the keyboard."""

import argparse
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


class Interrupted(Exception):
    """A run was asked to stop (Ctrl-C, SIGTERM) and has saved what it had."""


def run_command(main: Callable[[], None]) -> None:
    """Run a command line's main function and turn its errors into exit codes.

    Exits 2 with one line on stderr for a `UserError`, 130 for an interrupted run; every other exception
    is a bug and keeps its traceback.
    """
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except (Interrupted, KeyboardInterrupt) as stop:
        print(f"interrupted: {str(stop) or 'stopped at once; what was saved before is kept'}", file=sys.stderr)
        sys.exit(130)
