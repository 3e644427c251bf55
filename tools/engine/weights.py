"""The weights that a task starts from."""

from collections.abc import Callable, Sequence

from torch import Tensor

from models import CHECKPOINT_PREFIXES, Trainable
from tools.engine.run import Run
from utils import checkpoint
from utils.errors import UserError


def load_run_weights(
    run: Run,
    model: Trainable,
    path: str,
    new: Sequence[str] = (),
    first: str = "base_model",
    prepare: Callable[[dict[str, Tensor]], Sequence[str]] | None = None,
) -> None:
    """Put the weights of a checkpoint into a model, taking the encoder out of a pretraining checkpoint.

    With `--allow_missing` other names than the new ones may be missing too.

    Args:
        run: the run.
        model: takes the weights.
        path: the checkpoint.
        new: name prefixes that need not be there.
        first: key of the weights that is preferred if there are several.
        prepare: see `utils.checkpoint.load_weights`.

    Raises:
        UserError: see `utils.checkpoint.load_weights`.
    """
    checkpoint.load_weights(
        model,
        path,
        CHECKPOINT_PREFIXES,
        new,
        run.log,
        first=first,
        allow_missing=run.args.allow_missing,
        hint="" if run.mode.needs_weights else "--allow_missing leaves them as initialised",
        prepare=prepare,
    )


def load_start(run: Run, model: Trainable) -> None:
    """Put the weights that fine-tuning starts from into a model with `new_parameters`.

    Raises:
        UserError: if they do not fit; or if there are none, and nothing to resume either.
    """
    if run.args.ckpts:  # with --resume too: there may be nothing to resume yet
        load_run_weights(run, model, run.args.ckpts, model.new_parameters)
    elif run.mode.name == "finetune" and run.args.resume and not run.checkpoints():
        raise UserError(f"nothing to resume in {run.folder}, and no --ckpts FILE to start from")
