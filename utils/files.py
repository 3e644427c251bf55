"""Atomic writes, what cannot be written, and folders of one process only."""

import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from utils.errors import UserError


def allow_open_files(least: int) -> None:
    """See that this process may have so many files open, and raise its own limit where it may not.

    Raises:
        UserError: if the system does not let it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < least:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (least, hard))
        except (ValueError, OSError):
            raise UserError(
                f"loaders need {least} open files, allowed are {soft}: ulimit -n {least}, or fewer --num_workers"
            ) from None


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Open a file for reading bytes, and nothing that could keep a reader waiting for ever.

    Raises:
        UserError: if it is a folder, pipe, device or socket.
        OSError: if it cannot be opened.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise UserError(f"{path} is not a regular file") from None
        raise
    mode = os.fstat(number).st_mode
    if not stat.S_ISREG(mode):
        os.close(number)
        raise UserError(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}")
    return open(number, "rb")


def read_text(path: str | os.PathLike, most: int | None = None, encoding: str = "utf-8") -> str:
    """Read a regular file as text.

    Raises:
        UserError: if it is no regular file, or has more than `most` bytes.
        OSError, UnicodeDecodeError: if it cannot be read, or is not text.
    """
    with open_regular(path) as file:
        content = file.read(-1 if most is None else most + 1)
    if most is not None and len(content) > most:
        raise UserError(f"{path} has more than {most} bytes, too many for such a file")
    return content.decode(encoding).replace("\r\n", "\n")


def sha256_of(file: IO[bytes]) -> str:
    """Return the sha256 of what is left of a file."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place, also on disk, when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write a text file by an atomic write."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def writing(what: object) -> Iterator[None]:
    """Turn an OSError within the block into a UserError: `what` cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{what} cannot be written: {error.strerror or error}") from None


def _flush(path: Path) -> None:
    """Have the file system write a file or folder to the disk, if it can."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(number)


def remove_temporaries(folder: Path) -> None:
    """Remove what `atomic_write` leaves in a folder when its process is killed; the folder must be locked."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def lock_folder(folder: Path) -> IO[str]:
    """Keep other processes out of a folder, until the file that is returned is closed or this process ends, however.

    It is a POSIX lock: a process that was killed leaves none behind, and children do not inherit it. Unlike its own
    process, others are refused.

    Raises:
        UserError: if another process holds it, or the file system has no locks.
    """
    file = open(folder / ".lock", "a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read(200).strip() or "another process"
        file.close()
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise UserError(
                f"{folder} is in use by {owner}: wait for it, or give another --exp_name; several processes of one run "
                "are started with torchrun and --launcher pytorch"
            ) from None
        raise UserError(f"{folder} cannot be locked against other runs: {error.strerror}") from None
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()}\n")
    file.flush()
    return file
