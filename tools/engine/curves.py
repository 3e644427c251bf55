"""Where the curves of a run go while it trains: TensorBoard, and Weights & Biases where `--wandb` asks for it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from tools.engine.run import Run
from utils import distributed
from utils.errors import UserError
from utils.optional import optional

Write = Callable[[Mapping[str, float], int], None]


@contextlib.contextmanager
def open_curves(run: Run, epoch: int, run_id: str) -> Iterator[Write]:
    """Yield what writes a point of every curve, by name and epoch; in the main process only it does something.

    Args:
        run: the run.
        epoch: the first that is written; what an earlier try left of it is forgotten.
        run_id: stays when the run is resumed.

    Raises:
        UserError: if Weights & Biases is asked for and cannot be had.
    """
    if not distributed.is_main():
        yield lambda curves, epoch: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(run.board), purge_step=epoch) as board, contextlib.ExitStack() as opened:
        logger = opened.enter_context(_wandb(run, run_id)) if run.args.wandb else None

        def write(curves: Mapping[str, float], epoch: int) -> None:
            for name, value in curves.items():
                board.add_scalar(name, value, epoch)
            if logger is not None:
                logger.log({**curves, "epoch": epoch}, step=epoch)

        yield write


def _wandb(run: Run, run_id: str):
    """A run of Weights & Biases; WANDB_MODE=offline keeps it in the run folder, to be sent later by `wandb sync`."""
    wandb = optional("wandb", "--wandb", "requirements-wandb.txt")
    try:
        return wandb.init(
            project=run.args.wandb,
            name=str(run.folder),
            id=run_id,
            resume="allow",
            dir=str(run.folder),
            config={**run.settings, "task": run.mode.name, "seed": run.args.seed, "git_revision": run.revision},
            settings=wandb.Settings(console="off", silent=True),
        )
    except Exception as error:  # a network, a key, a project: the library raises many things
        raise UserError(f"--wandb {run.args.wandb}: {str(error)[:300]}; WANDB_MODE=offline needs no network") from None
