"""User-facing errors."""

import argparse
import contextlib
import errno
import io
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

LIMIT = 800  # characters of a message; what is longer loses its middle
PATIENCE = 10  # seconds that the other processes of a run wait for the main one to report the same error


class UserError(Exception):
    """Something a user can cause and mend: bad file, key, value or argument.

    The message is one line that names what was wrong, where, and what would be right. Files may have a say in it, so it
    is cut to `LIMIT`, and what a terminal would obey is escaped.
    """

    def __init__(self, message: str):
        message = str(message)
        if message.startswith("Caught UserError in"):
            # A loader's worker hands its errors over as text, traceback and all.
            message = message.rsplit("UserError: ", 1)[-1]
        message = " ".join(message[: 100 * LIMIT].split())
        message = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        super().__init__(
            message if len(message) <= LIMIT else f"{message[: LIMIT // 2]} ... {message[-LIMIT // 2 + 5 :]}"
        )


class Parser(argparse.ArgumentParser):
    """Answers wrong arguments in one line, once `run_command` has caught it."""

    def error(self, message: str):
        raise UserError(f"{message} (--help lists the arguments)")


def minutes(text: str) -> float:
    """Argument type: a positive number of minutes, at most a week."""
    if not 0 < float(text) <= 7 * 24 * 60:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {7 * 24 * 60}, got {text}")
    return float(text)


def at_least(least: int, none: int | None = None):
    """Argument type: whole numbers from `least` on, and `none`, which stands for "not given"."""

    def number(text: str) -> int:
        if int(text) < least and int(text) != none:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
        return int(text)

    number.__name__ = "whole number"
    return number


def seed(text: str) -> int | str:
    """Argument type: a whole number from 0 on, or "random"."""
    return text if text == "random" else at_least(0)(text)


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
        self.by = by
        self.code = 130 if by == signal.SIGINT else REQUEUE


def run_command(main: Callable[[], None]) -> None:
    """Run a command line's main function and turn its errors into exit codes.

    Exits 2 with one line on stderr for a `UserError` and for what the machine refuses (see `_refused`), 75 for a run
    that a signal stopped and that has saved, 130 after Ctrl-C; every other exception is a bug, which keeps its
    traceback and exits 1.
    """
    # TensorBoard's thread hands its errors to the main one as well.
    threading.excepthook = lambda thread: None if _refused(thread.exc_value) else threading.__excepthook__(thread)
    if sys.stderr is None:  # closed; bars and warnings are written all the same
        sys.stderr = open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an encoding without some character is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            main()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except (Interrupted, KeyboardInterrupt) as stop:
        if _process() == 0:  # the others were asked as well
            _tell(f"interrupted: {str(stop) or 'stopped at once; what was saved before is kept'}")
        _exit(getattr(stop, "code", 130))
    except Exception as error:
        line = str(error) if isinstance(error, UserError) else _refused(error)
        if line is None:
            raise
        if number := _process():
            # The main process mostly has the same error and tells it; then torchrun ends this one meanwhile, if it is
            # on the same machine.
            if _main_ends() and isinstance(error, UserError):
                _exit(2)
            line = f"process {number}: {line}"
        _tell(f"error: {line}")
        _exit(2)


def _process() -> int:
    """Number of this process among those that torchrun started."""
    text = os.environ.get("RANK", "0")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _main_ends() -> bool:
    """Wait whether the main process ends, before which it tells its error; it listens at MASTER_PORT until then.

    Before the processes have met this cannot be known.
    """
    from torch import distributed

    met = distributed.is_available() and distributed.is_initialized()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if met:
            try:
                socket.create_connection((os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])), 1).close()
            except ConnectionRefusedError:
                return True
            except OSError:  # it is out of reach, and so is what it tells
                pass
        time.sleep(0.5)
    return False


def _refused(error: BaseException | None) -> str | None:
    """Say in one line what the machine refused; None if the error is not of that kind."""
    text = " ".join(str(error).split())[:200]
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on the disk of {getattr(error, 'filename', None) or 'stdout or the TensorBoard curves'}"
    if number in (errno.EMFILE, errno.ENFILE) or "Too many open files" in text or "ancdata" in text:
        return "too many open files: raise the limit (ulimit -n 4096) or lower --num_workers"
    if isinstance(error, BrokenPipeError):
        return "stdout was closed by what reads it"
    if isinstance(error, OSError) and number in (errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBADF):
        return f"{getattr(error, 'filename', None) or 'a file'}: {error.strerror}"
    if isinstance(error, MemoryError) or re.search(
        "can't allocate memory|not enough memory|out of memory|(calculation|multiplication) overflow", text
    ):
        return f"out of memory: {text or 'a smaller batch or model needs less'}"
    if re.search(r"DataLoader worker .*(killed by signal|exited unexpectedly)", text):
        return f"a loader process died, often for want of memory; fewer --num_workers need less: {text}"
    late = r"Timed out waiting|[Tt]imeout (after|caused)|Socket [Tt]imeout"
    if isinstance(error, RuntimeError) and re.search(late, text):
        return f"another process of this run did not answer within --timeout, or cannot be reached any more ({text})"
    if isinstance(error, RuntimeError) and re.search(r"[Cc]onnection (closed|reset|refused)|Broken pipe", text):
        return f"another process of this run has ended; what it says is the reason ({text})"
    return None


def _tell(line: str) -> None:
    """Print to stderr, unless the terminal is closed: the exit status must not depend on it."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _exit(code: int) -> None:
    """Exit with a status that a stdout which cannot be written to does not change."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
