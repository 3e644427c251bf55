"""ReCon: pretrain, fine-tune, test. `python main.py --help` lists the arguments."""

import argparse
import contextlib
import importlib
import os
from collections.abc import Sequence

from utils.errors import Parser, UserError, run_command

RUNNERS = {
    "pretrain": "runner_pretrain",
    "finetune": "runner_classify",
    "scratch": "runner_classify",
    "test": "runner_classify",
    "zeroshot": "runner_zeroshot",
    "svm": "runner_svm",
}
# Released: the first of these that is given decides, and none of them means pretraining.
TASK_FLAGS = {
    "--test": "test",
    "--zeroshot": "zeroshot",
    "--svm": "svm",
    "--finetune_model": "finetune",
    "--scratch_model": "scratch",
}
# Models that have a runner of their own for what is classification otherwise.
MODEL_RUNNERS = {"PartSegmentation": "runner_segment", "SemanticSegmentation": "runner_segment"}


def at_least(least: int, none: int | None = None):
    """Argument type: whole numbers from `least` on, and `none`, which stands for "not given"."""

    def number(text: str) -> int:
        if int(text) < least and int(text) != none:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
        return int(text)

    number.__name__ = "whole number"
    return number


def build_parser() -> Parser:
    """Build the parser of the command line: the released flags and a few more."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = Parser(prog="main.py", description="Pretrain ReCon (with none of the task flags), or carry it to a task.")

    group = parser.add_argument_group("run")
    group.add_argument("--config", required=True, metavar="FILE", help="YAML file under cfgs/")
    group.add_argument(
        "--exp_name", default="default", metavar="NAME", help="name of the run folder, as a or a/b (%(default)s)"
    )
    group.add_argument(
        "--opts", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="override config keys, as a.b=value"
    )
    group.add_argument(
        "--seed", type=at_least(0), metavar="N", help="seed of all randomness (0; with --resume that of the run)"
    )
    group.add_argument("--deterministic", action="store_true", help="reproducible CUDA kernels, slower")
    group.add_argument(
        "--num_workers",
        type=at_least(0),
        default=min(8, cores),
        metavar="N",
        help="loader processes (8, or the number of cores if less: %(default)s)",
    )
    group.add_argument("--val_freq", type=at_least(1), default=1, metavar="N", help="test every N epochs (%(default)s)")

    group = parser.add_argument_group("task, one of (of several the first in this order)")
    group.add_argument("--test", action="store_true", help="test the fine-tuned classifier or segmenter in --ckpts")
    group.add_argument(
        "--zeroshot", action="store_true", help="classify by class names with --ckpts, or with random weights"
    )
    group.add_argument("--svm", action="store_true", help="linear SVM on the features of --ckpts, or of random weights")
    group.add_argument("--finetune_model", action="store_true", help="train a classifier or segmenter from --ckpts")
    group.add_argument("--scratch_model", action="store_true", help="train one without --ckpts")

    group = parser.add_argument_group("weights")
    group.add_argument("--ckpts", metavar="FILE", help="checkpoint that the task starts from")
    group.add_argument("--start_ckpts", metavar="FILE", help="checkpoint that pretraining starts from")
    group.add_argument(
        "--allow_missing",
        action="store_true",
        help="weights that the checkpoint lacks stay as initialised, and are listed; otherwise they are an error",
    )
    group.add_argument("--resume", action="store_true", help="continue this run from its last checkpoint")
    group.add_argument(
        "--overwrite", action="store_true", help="replace an earlier run of this name, once this one has results"
    )

    group = parser.add_argument_group("few-shot classification and voting")
    group.add_argument("--way", type=at_least(1, -1), default=-1, metavar="W", help="classes (5 or 10)")
    group.add_argument(
        "--shot", type=at_least(1, -1), default=-1, metavar="S", help="training samples a class (10 or 20)"
    )
    group.add_argument("--fold", type=at_least(0, -1), default=-1, metavar="F", help="which of the folds (0 to 9)")
    group.add_argument(
        "--vote",
        action="store_true",
        help="with --test of a classifier: vote as well; goes on after rounds that are done",
    )
    group.add_argument("--no_vote", dest="vote", action="store_false", help="take back a --vote before it")
    group.add_argument("--rounds", type=at_least(1), metavar="N", help="rounds of voting (the config's vote.rounds)")

    group = parser.add_argument_group("several processes")
    group.add_argument("--launcher", choices=("none", "pytorch"), default="none", help="pytorch: started by torchrun")
    group.add_argument(
        "--local_rank", "--local-rank", type=at_least(0), metavar="R", help="number of this process on its machine"
    )
    group.add_argument("--sync_bn", action="store_true", help="BatchNorm over all processes")

    group = parser.add_argument_group("without effect, as released")
    group.add_argument("--loss", metavar="NAME", help="not read (cd1)")
    group.add_argument("--mode", choices=("easy", "median", "hard"), help="only put behind --exp_name")
    return parser


def read_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check the command line.

    Returns:
        The flags; `seed` is None where that of the run to resume is meant. Besides them `task`, and `notes`: lines to
        tell the user, about flags that do something else than they seem to.

    Raises:
        UserError: for anything wrong with it.
    """
    args = build_parser().parse_args(argv)
    args.notes = []
    if args.loss is not None:
        args.notes.append("--loss has no effect: the config says which losses are used")
    if args.mode:
        args.notes.append(f"--mode has no effect but on the name of the run, which ends in _{args.mode}")
    args.loss = args.loss or "cd1"
    if args.local_rank is None:
        args.local_rank = int(os.environ.get("LOCAL_RANK", 0))
    args.exp_name = _run_name(args.exp_name) + (f"_{args.mode}" if args.mode else "")
    _choose_task(args)
    _check_weights(args)
    if args.rounds is not None and not args.vote:
        raise UserError("--rounds goes with --vote")
    if args.vote and args.task != "test":
        args.notes.append("--vote has no effect without --test")
    if args.seed is None and not args.resume:
        args.seed = 0
    return args


def _run_name(name: str) -> str:
    """Return a run's name, which may have folders in it, in its plain form.

    Raises:
        UserError: if it is empty or leads out of the folder of runs.
    """
    plain = os.path.normpath(name) if name else ""
    if plain in ("", ".") or plain.split(os.sep)[0] == ".." or os.path.isabs(plain):
        raise UserError(f"--exp_name must be a name below the folder of runs, such as a or a/b, got '{name}'")
    return plain


def _choose_task(args: argparse.Namespace) -> None:
    """Set `task`, and refuse what the released code refuses."""
    given = [flag for flag in TASK_FLAGS if getattr(args, flag.removeprefix("--"))]
    args.task = TASK_FLAGS[given[0]] if given else "pretrain"
    if given[1:]:
        args.notes.append(f"a run does one task: {given[0]} comes first, {' and '.join(given[1:])} is ignored")
    if args.resume and args.task == "test":
        raise UserError("--resume does not go with --test; voting that was interrupted goes on with the same command")
    if args.resume and args.overwrite:
        raise UserError("--resume continues the run in its folder, --overwrite replaces it: give one of them")
    if args.resume and args.start_ckpts:
        raise UserError("--resume does not go with --start_ckpts: it continues the run from its own ckpt-last.pth")
    if args.resume and args.task in ("zeroshot", "svm"):
        args.notes.append(f"--resume has no effect with {given[0]}, which starts anew")
        args.resume = False


def _check_weights(args: argparse.Namespace) -> None:
    """Check that the checkpoint of the task is there, and drop the one that it does not read."""
    if args.allow_missing and (args.task == "test" or not (args.ckpts or args.start_ckpts)):
        raise UserError("--allow_missing is for a checkpoint that a task starts from; --test needs all weights")
    if args.task == "test" and not args.ckpts:
        raise UserError("--test needs --ckpts FILE, the checkpoint to measure")
    if args.task == "pretrain" and args.ckpts:
        args.notes.append("--ckpts has no effect: pretraining starts from --start_ckpts (no task flag is given)")
        args.ckpts = None
    if args.task != "pretrain" and args.start_ckpts:
        args.notes.append(f"--start_ckpts has no effect: only pretraining starts from it, not {args.task}")
        args.start_ckpts = None
    if args.task == "finetune" and not args.ckpts and not args.resume:
        args.notes.append("--finetune_model without --ckpts: training from scratch, no weights are loaded")
    if args.task == "scratch" and args.ckpts:
        args.notes.append(f"--scratch_model with --ckpts: training starts from {args.ckpts}, not from scratch")
    for name in ("ckpts", "start_ckpts"):
        if getattr(args, name) and not os.path.isfile(getattr(args, name)):
            raise UserError(f"--{name}: checkpoint not found: {getattr(args, name)}")


def runner_of(task: str, model: str) -> str:
    """Return the module under tools/ that does a task with a model of this name."""
    runner = RUNNERS[task]
    return MODEL_RUNNERS.get(model, runner) if runner == "runner_classify" else runner


def main(argv: Sequence[str] | None = None) -> None:
    """Run one task.

    Raises:
        UserError: for everything that the person at the keyboard can mend.
        Interrupted: if asked to stop, after saving.
    """
    args = read_arguments(argv)
    # Imported late: --help and wrong arguments answer at once.
    import torch

    from tools.builder import start_run
    from utils import distributed

    device = distributed.start(args.launcher, args.local_rank)
    with contextlib.ExitStack() as held:
        held.callback(distributed.stop)
        run = start_run(args, args.task, device)
        held.callback(run.close)
        for note in args.notes:
            run.log.warning(note)
        gpus = torch.cuda.device_count()
        if args.launcher == "none" and gpus > 1:
            run.log.warning(
                f"one of {gpus} GPUs is used; torchrun --nproc_per_node={gpus} main.py --launcher pytorch uses all"
            )
        importlib.import_module(f"tools.{runner_of(args.task, run.config.model['NAME'])}").main(run)


if __name__ == "__main__":
    run_command(main)
