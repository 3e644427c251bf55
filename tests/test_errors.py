"""What the machine refuses, or a user can mend, is one line and exit code 2, whatever becomes of stdout."""

import errno
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from utils import distributed, errors
from utils.errors import LIMIT, UserError, run_command
from utils.files import allow_open_files
from utils.logging import ConsoleHandler, LogFile, read_metrics

ROOT = Path(__file__).parent.parent


def failing(error: BaseException):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    "error, line",
    [
        (UserError("a\nb"), "error: a b"),
        (OSError(errno.ENOSPC, "No space left on device", "x/y"), "error: no space left on the disk of x/y"),
        (OSError(errno.EMFILE, "Too many open files"), "error: too many open files: raise the limit"),
        (RuntimeError("received 0 items of ancdata"), "error: too many open files"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "error: stdout was closed by what reads it"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), "error: a loader process died"),
        (RuntimeError("DataLoader worker (pid(s) 7, 8) exited unexpectedly"), "error: a loader process died"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"), "error: out of memory"),
        (MemoryError(), "error: out of memory"),
        (RuntimeError("[gloo] Connection closed by peer [::1]:4"), "error: another process of this run has ended"),
        (RuntimeError("Application timeout caused pair closure"), "error: another process of this run did not answer"),
    ],
)
def test_one_line(error, line, capsys):
    with pytest.raises(SystemExit) as stop:
        run_command(failing(error))
    told = capsys.readouterr().err
    assert stop.value.code == 2 and told.startswith(line) and told.count("\n") == 1


def test_a_bug_keeps_its_traceback():
    with pytest.raises(RuntimeError, match="shape"):
        run_command(failing(RuntimeError("shape mismatch")))


def test_messages_are_cut_and_escaped():
    message = str(UserError("begin " + "x\x1b[2J" * 100_000 + " end"))
    assert len(message) <= LIMIT and message.startswith("begin x\\x1b[2J") and message.isprintable()
    assert str(UserError("first " + "y" * 5000 + " last")).endswith("y last")


def test_an_error_of_several_processes_is_told_once(monkeypatch, capsys):
    monkeypatch.setattr(errors, "PATIENCE", 0.1)
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        with pytest.raises(SystemExit) as stop:
            run_command(failing(UserError("wrong")))
        assert stop.value.code == 2
    # torchrun ends the second one while it waits, if the first has the same error; otherwise it speaks for itself.
    assert capsys.readouterr().err == "error: wrong\nerror: process 1: wrong\n"
    with pytest.raises(SystemExit):
        run_command(failing(errors.Interrupted("saved")))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("listening", [True, False])
@pytest.mark.parametrize("error, own", [(UserError("wrong"), False), (OSError(errno.ENOSPC, "full"), True)])
def test_a_process_on_another_machine(monkeypatch, capsys, listening, error, own):
    """It is silent once the main one, which it has met, has ended, unless the error is that of its machine."""
    monkeypatch.setattr(errors, "PATIENCE", 0.1)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with socket.socket() as main:
        main.bind(("127.0.0.1", 0))
        if listening:
            main.listen()
        for name, value in {"RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(main.getsockname()[1])}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stop:
            run_command(failing(error))
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("error: process 1: ") == (listening or own)


PRINT = "from utils.errors import run_command; run_command(lambda: print('é' * {}))"


@pytest.mark.parametrize("count", [1, 100_000])
@pytest.mark.parametrize(
    "redirection, code, told",
    [
        (">/dev/full", 2, "error: no space left on the disk of stdout or the TensorBoard curves\n"),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("| true", None, ""),
    ],
)
def test_stdout_that_cannot_be_written(redirection, code, told, count):
    command = f'"{sys.executable}" -c "{PRINT.format(count)}" {redirection}'
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, shell=True, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    if code is None:  # of the pipe; whether the first one notices is a matter of time
        assert done.stderr in ("", "error: stdout was closed by what reads it\n")
    else:
        assert (done.returncode, done.stderr) == (code, told)


def test_the_console_may_break_but_not_before_the_first_line(monkeypatch, capsys):
    handler, record = ConsoleHandler(), logging.LogRecord("", logging.INFO, "", 0, "line", (), None)
    handler.emit(record)
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        handler.emit(record)
        handler.emit(record)
        with pytest.raises(UserError, match="stdout cannot be written to: No space left"):
            ConsoleHandler().emit(record)
        monkeypatch.undo()
        with pytest.raises(OSError):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(UserError, match="it is closed"):
        ConsoleHandler().emit(record)


def test_a_full_log_is_told_once(capsys):
    file = LogFile("/dev/full", encoding="utf-8")
    log = logging.Logger("full")
    log.addHandler(file)
    log.error("one")
    log.error("two")
    assert capsys.readouterr().err.count("/dev/full cannot be written to: [Errno 28] No space left") == 1
    os.dup2(os.open(os.devnull, os.O_WRONLY), file.stream.fileno())
    file.close()


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "70000", "", "٣", "9" * 5000])
def test_environment_of_torchrun(monkeypatch, text):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": text}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="MASTER_PORT must be a whole number from 0 to 65535"):
        distributed.start("pytorch", 0)
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(UserError, match="RANK must be below WORLD_SIZE 1, got 3"):
        distributed.start("pytorch", 0)


def test_torchrun_without_the_launcher(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "1")
    distributed.start("none", 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="add --launcher pytorch"):
        distributed.start("none", 0)


@pytest.mark.parametrize("content", [{"settings": None}, {"settings": []}, {"best": None}, {"seed": "0"}, [], None])
def test_damaged_metrics(tmp_path, content):
    sound = {"task": "finetune", "seed": 0, "metric": "accuracy", "last": {}}
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(sound))
    assert read_metrics(tmp_path) == {"best": {}, "settings": {}, **sound}
    path.write_text(json.dumps({**sound, **content} if isinstance(content, dict) else content))
    with pytest.raises(UserError, match="cannot be read: its "):
        read_metrics(tmp_path)
    path.write_text("[" * 100_000)
    with pytest.raises(UserError, match="cannot be read"):
        read_metrics(tmp_path)


def test_open_files(monkeypatch):
    limits = {"now": (24, 4096)}
    monkeypatch.setattr("resource.getrlimit", lambda _: limits["now"])
    monkeypatch.setattr("resource.setrlimit", lambda _, new: limits.update(now=new))
    allow_open_files(128)
    assert limits["now"] == (128, 4096)

    def refuse(*_):
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr("resource.setrlimit", refuse)
    with pytest.raises(UserError, match="128 are allowed|allowed are 128"):
        allow_open_files(256)
