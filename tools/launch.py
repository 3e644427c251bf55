"""torchrun with the exit codes of main.py, and one line for an error.

python -m tools.launch <arguments of torchrun> main.py --launcher pytorch ...
"""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from torch.distributed import DistError
from torch.distributed.elastic.multiprocessing.api import SignalException, SubprocessContext
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous import RendezvousError
from torch.distributed.run import main as torchrun

from utils.errors import REQUEUE, UserError, run_command

STUCK_SECONDS = 60


def _end_when_stuck() -> None:
    """End this process once torchrun has not noticed for a while that its processes have ended.

    It looks every 0.1 s, unless it waits for its store on a machine that is out of reach, as long as TCP does: a
    quarter of an hour.
    """
    ended: dict[int, float] = {}
    while True:
        time.sleep(1)
        children = []
        for file in Path("/proc/self/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children += map(int, file.read_text().split())
        before, ended = ended, {}
        for process in children:
            with contextlib.suppress(ChildProcessError):  # torchrun has noticed
                found = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT | os.WNOHANG)
                if found:
                    ended[process] = before.get(process, time.monotonic())
                    if time.monotonic() - ended[process] > STUCK_SECONDS:
                        os._exit(found.si_status if found.si_code == os.CLD_EXITED else 2)


def _stop(number: int, _) -> None:
    """Have torchrun pass a signal on to its processes, and wait 30 s for them."""
    raise SignalException("asked to stop", sigval=signal.Signals(number))


class _Ended:
    """Statuses that the processes of this machine ended with when torchrun closed them last."""

    def __init__(self):
        self.statuses: set[int | None] = set()
        close = SubprocessContext.close

        def noting(context: SubprocessContext, *args, **kwargs) -> None:
            close(context, *args, **kwargs)
            self.statuses = {handler.proc.poll() for handler in context.subprocess_handlers.values()}

        SubprocessContext.close = noting  # pyright: ignore[reportAttributeAccessIssue]


def main() -> None:
    """Run torchrun.

    Raises:
        UserError: if the machines of the run do not meet, or a process was killed.
        SystemExit: with the status of the process that ended first with another than 0. After a signal: 130 if that
            was Ctrl-C; 75 if all processes of this machine have saved, 0 if they had finished, else 1.
    """
    # A store that is shared by all attempts would still hold the addresses of processes that have ended.
    os.environ.setdefault("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")
    signal.signal(signal.SIGUSR1, _stop)  # torchrun itself would end, and leave its processes alone
    threading.Thread(target=_end_when_stuck, daemon=True).start()
    ended = _Ended()
    try:
        torchrun(sys.argv[1:])
    except SignalException as stop:
        saved = REQUEUE if ended.statuses == {REQUEUE} else int(ended.statuses != {0})
        sys.exit(130 if stop.sigval == signal.SIGINT else saved)
    except ChildFailedError as failed:
        rank, failure = failed.get_first_failure()
        if failure.exitcode < 0:
            raise UserError(f"process {rank} was ended by {signal.Signals(-failure.exitcode).name}") from None
        sys.exit(failure.exitcode)
    except (RendezvousError, DistError) as error:
        raise UserError(f"the machines of this run do not meet, or have lost each other: {error}") from None


if __name__ == "__main__":
    run_command(main)
