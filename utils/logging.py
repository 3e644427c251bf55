"""What a run tells: console, log file, progress bars and metrics.json."""

import csv
import io
import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tqdm import tqdm

from utils import distributed
from utils.errors import UserError
from utils.files import atomic_write, read_text, write_text, writing

HISTORY = "history.csv"


class ConsoleHandler(logging.Handler):
    """Write to stdout without tearing progress bars apart.

    Where the first line cannot be written, nothing has begun, and it is a `UserError`. Later the run goes on without.
    """

    written = broken = False

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname.lower()}: " * (record.levelno >= logging.WARNING) + self.format(record)
        if self.broken:
            return
        try:
            if sys.stdout is None:
                raise OSError("it is closed")
            print_line(line, sys.stdout)
            sys.stdout.flush()
        except OSError as error:
            self.broken = True
            if not self.written:
                raise UserError(f"stdout cannot be written to: {error.strerror or error}") from None
        self.written = True


class LogFile(logging.FileHandler):
    """A log file; where it cannot be written to any more, that is said once, and the run goes on without."""

    def handleError(self, record: logging.LogRecord) -> None:
        if self.level < logging.CRITICAL:
            self.setLevel(logging.CRITICAL + 1)
            print(f"warning: {self.baseFilename} cannot be written to: {sys.exc_info()[1]}", file=sys.stderr)


def print_line(line: str, file: Any) -> None:
    """Print a line without tearing progress bars apart."""
    if sys.stderr is not None and sys.stderr.isatty():
        tqdm.write(line, file=file)
    else:
        print(line, file=file, flush=True)  # tqdm.write would draw all bars anew


def make_logger(folder: Path) -> logging.Logger:
    """Return the logger of a run: plain lines on the console, dated lines in `<folder>/<date>_<time>.log`.

    Processes other than the main one stay silent, errors apart.
    """
    log = logging.getLogger(f"run.{folder}")
    log.propagate = False
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    console = ConsoleHandler()
    log.addHandler(console)
    if distributed.is_main():
        log.setLevel(logging.INFO)
        file = LogFile(folder / time.strftime("%Y%m%d_%H%M%S.log"), encoding="utf-8", errors="backslashreplace")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)
    else:
        log.setLevel(logging.ERROR)
    return log


def progress(iterable: Iterable | None = None, **options: Any) -> tqdm:
    """Return a bar with an ETA on stderr; where that is not a terminal, at most a line a minute."""
    calm = {} if sys.stderr is not None and sys.stderr.isatty() else {"mininterval": 60, "delay": 60, "ncols": 100}
    defaults = {"leave": False, "dynamic_ncols": True, "disable": not distributed.is_main()}
    return tqdm(iterable, **{**defaults, **calm, **options})


def write_json(content: Mapping, path: Path) -> None:
    """Write JSON whole or not at all."""
    write_text(json.dumps(content, indent=2) + "\n", path)


def read_metrics(folder: Path) -> dict | None:
    """Read the metrics.json of a run, finished or not; None if there is none.

    Returns:
        Its content, of which `task`, `seed`, `metric`, `best` (empty where a run has none) and `last` are sure.

    Raises:
        UserError: if it is damaged.
    """
    path = folder / "metrics.json"
    try:
        found = json.loads(read_text(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    found = {"best": {}, "settings": {}, **found} if isinstance(found, dict) else {}
    for key, kind in {"task": str, "seed": int, "metric": str, "best": dict, "last": dict, "settings": dict}.items():
        if not isinstance(found.get(key), kind):
            raise UserError(f"{path} cannot be read: its '{key}' is {json.dumps(found.get(key))[:60]}")
    return found


def write_history(rows: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write the curves of a run to `history.csv`, a row an epoch, atomically.

    Raises:
        UserError: if that fails.
    """
    columns = dict.fromkeys(name for row in rows for name in row)
    lines = [{name: f"{value:.7g}" for name, value in row.items()} for row in rows]
    path = folder / HISTORY
    with writing(path), atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows(lines)


def read_history(folder: Path) -> list[dict[str, float]]:
    """Read what `write_history` wrote; a file that is missing or damaged is an empty one."""
    try:
        rows = csv.DictReader(io.StringIO(read_text(folder / HISTORY), newline=""))
        return [{name: float(value) for name, value in row.items() if value} for row in rows if row["epoch"]]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []


def git_revision(folder: Path) -> str | None:
    """Return the commit that `folder` is at, with "-dirty" if files differ from it; None outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def machine_info() -> dict[str, str | int | None]:
    """Return the `processor`, its `cores` and the operating `system`."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.platform()}


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of the installed ones among `packages`."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
