"""Where the curves of a run go while it trains: TensorBoard, and Weights & Biases where `--wandb` asks for it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from tools.engine.run import Run
from tools.engine.state import Standing
from utils import distributed
from utils.errors import UserError
from utils.optional import optional

HELD_OUT = "held_out_"  # begins the names of losses that a task evaluates; what else it evaluates is in percent
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


def in_words_and_numbers(
    at: Standing, metric: str, means: Mapping[str, float], rates: Mapping[str, float], throughput: float
) -> tuple[str, dict[str, float]]:
    """Return the line that the log has of an epoch, and the points of its curves.

    Args:
        at: where the run stands.
        metric: the number that decides which epoch is the best.
        means: of the loss terms.
        rates: learning rates by group of parameters.
        throughput: samples a second.
    """
    evaluated = {n: value for n, value in at.metrics.items() if n not in means and isinstance(value, float)}
    held_out = {n: value for n, value in evaluated.items() if n.startswith(HELD_OUT)}
    tested = {n: value for n, value in evaluated.items() if n not in held_out}
    parts = [f"{name} {value:.5g}" for name, value in means.items()]
    parts += [f"{name} {value:.5g}" for name, value in held_out.items()]
    parts += [f"{name} {value:.2f} %" for name, value in tested.items()]
    if tested and at.best:
        epoch = at.best["epoch"]  # None after a released checkpoint, which does not say
        where = "" if epoch is None else f" in epoch {epoch}"
        parts.append(f"(best {at.best[metric]:.2f} %{where})")
    parts += [f"lr {rates.get('decay', max(rates.values())):.3g}", f"{throughput:.1f} samples/s"]
    curves = {f"loss/{name}": value for name, value in means.items()} | {f"test/{n}": v for n, v in tested.items()}
    curves |= {f"held_out/{name.removeprefix(HELD_OUT)}": value for name, value in held_out.items()}
    curves |= {f"lr/{name}": rate for name, rate in rates.items()} | {"samples_per_second": throughput}
    return "  ".join(parts), curves


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
