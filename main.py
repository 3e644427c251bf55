"""ReCon: pretrain, fine-tune, test. `python main.py --help` lists the arguments."""

import argparse
import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from utils.errors import Parser, UserError, run_command

RUNNERS = {
    "pretrain": "runner_pretrain",
    "finetune": "runner_classify",
    "scratch": "runner_classify",
    "test": "runner_classify",
    "zeroshot": "runner_zeroshot",
    "svm": "runner_svm",
}
# Models that have a runner of their own for what is classification otherwise.
MODEL_RUNNERS = {"PartSegmentation": "runner_segment", "SemanticSegmentation": "runner_segment"}


def at_least(least: int):
    """Argument type: whole numbers from `least` on."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
        return int(text)

    number.__name__ = "whole number"
    return number


def read_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check the command line.

    Raises:
        UserError: for anything wrong with it.
    """
    cores = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    parser = Parser(prog="main.py", description="Pretrain ReCon (with none of the task flags), or carry it to a task.")

    group = parser.add_argument_group("run")
    group.add_argument("--config", required=True, metavar="FILE", help="YAML file under cfgs/")
    group.add_argument("--exp_name", default="default", metavar="NAME", help="name of the run folder (%(default)s)")
    group.add_argument(
        "--opts", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="override config keys, as a.b=value"
    )
    group.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="seed of all randomness (%(default)s)")
    group.add_argument("--deterministic", action="store_true", help="reproducible CUDA kernels, slower")
    group.add_argument(
        "--num_workers", type=at_least(0), default=cores, metavar="N", help="loader processes (%(default)s)"
    )
    group.add_argument("--val_freq", type=at_least(1), default=1, metavar="N", help="test every N epochs (%(default)s)")

    group = parser.add_argument_group("task, one of").add_mutually_exclusive_group()
    group.add_argument("--finetune_model", action="store_true", help="fine-tune a classifier or segmenter from --ckpts")
    group.add_argument("--scratch_model", action="store_true", help="train one from scratch")
    group.add_argument("--test", action="store_true", help="test the fine-tuned one in --ckpts")
    group.add_argument("--zeroshot", action="store_true", help="classify by class names with --ckpts")
    group.add_argument("--svm", action="store_true", help="linear SVM on the features of --ckpts, or of random weights")

    group = parser.add_argument_group("weights")
    group.add_argument("--ckpts", metavar="FILE", help="checkpoint that the task starts from")
    group.add_argument("--start_ckpts", metavar="FILE", help="checkpoint that pretraining starts from")
    group.add_argument(
        "--allow_missing",
        action="store_true",
        help="weights that the checkpoint lacks stay as initialised, and are listed; otherwise they are an error",
    )
    group.add_argument("--resume", action="store_true", help="continue this run from its ckpt-last.pth")

    group = parser.add_argument_group("few-shot classification and voting")
    group.add_argument("--way", type=at_least(1), metavar="W", help="classes (5 or 10)")
    group.add_argument("--shot", type=at_least(1), metavar="S", help="training samples a class (10 or 20)")
    group.add_argument("--fold", type=at_least(0), metavar="F", help="which of the folds (0 to 9)")
    group.add_argument(
        "--vote",
        action="store_true",
        help="with --test of a classifier: vote as well; goes on after rounds that are done",
    )
    group.add_argument("--rounds", type=at_least(1), metavar="N", help="rounds of voting (the config's vote.rounds)")

    group = parser.add_argument_group("several processes")
    group.add_argument("--launcher", choices=("none", "pytorch"), default="none", help="pytorch: started by torchrun")
    group.add_argument(
        "--local_rank", "--local-rank", type=at_least(0), metavar="R", help="number of this process on its machine"
    )
    group.add_argument("--sync_bn", action="store_true", help="BatchNorm over all processes")

    args = parser.parse_args(argv)
    if args.local_rank is None:
        args.local_rank = int(os.environ.get("LOCAL_RANK", 0))
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    if args.exp_name in ("", "..") or Path(args.exp_name).name != args.exp_name:
        raise UserError(f"--exp_name must be the plain name of a folder, got '{args.exp_name}'")
    flags = {"finetune": args.finetune_model, "scratch": args.scratch_model, "test": args.test}
    flags |= {"zeroshot": args.zeroshot, "svm": args.svm}
    args.task = next((name for name, given in flags.items() if given), "pretrain")
    flag = {"finetune": "--finetune_model", "scratch": "--scratch_model"}.get(args.task, f"--{args.task}")
    if args.task in ("test", "zeroshot") and not args.ckpts:
        raise UserError(f"{flag} needs --ckpts FILE, the checkpoint to measure")
    if args.task == "finetune" and not args.ckpts and not args.resume:
        raise UserError("--finetune_model needs --ckpts FILE, a pretraining checkpoint; --scratch_model does without")
    if args.ckpts and args.task == "pretrain":
        raise UserError("--ckpts needs a task flag such as --finetune_model; pretraining starts from --start_ckpts")
    if args.start_ckpts and args.task != "pretrain":
        raise UserError(f"--start_ckpts is what pretraining starts from; it does not go with {flag}")
    if args.ckpts and args.task == "scratch":
        raise UserError("--ckpts does not go with --scratch_model, which starts from nothing; --finetune_model uses it")
    for name in ("ckpts", "start_ckpts"):
        if getattr(args, name) and not os.path.isfile(getattr(args, name)):
            raise UserError(f"--{name}: checkpoint not found: {getattr(args, name)}")
    if args.allow_missing and (args.task == "test" or not (args.ckpts or args.start_ckpts)):
        raise UserError("--allow_missing is for a checkpoint that a task starts from; --test needs all weights")
    fold = {"--way": args.way, "--shot": args.shot, "--fold": args.fold}
    missing = [name for name, value in fold.items() if value is None]
    if missing and len(missing) < len(fold):
        raise UserError(f"few-shot needs --way, --shot and --fold together; missing: {', '.join(missing)}")
    if args.rounds is not None and not args.vote:
        raise UserError("--rounds goes with --vote")
    if args.vote and args.task != "test":
        raise UserError("--vote goes with --test: fine-tune first, then --test --vote --ckpts .../ckpt-best.pth")


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
    from tools.builder import start_run
    from utils import distributed

    device = distributed.start(args.launcher, args.local_rank)
    try:
        run = start_run(args, args.task, device)
        importlib.import_module(f"tools.{runner_of(args.task, run.config.model['NAME'])}").main(run)
    finally:
        distributed.stop()


if __name__ == "__main__":
    run_command(main)
