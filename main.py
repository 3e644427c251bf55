"""ReCon: pretrain, fine-tune, test. `python main.py --help` lists the arguments."""

import argparse
import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence

import torch

from models.pretrained import find_checkpoint, shipped
from tools.engine.loop import perform
from tools.engine.run import start_run
from tools.engine.task import COMMANDS, Mode, all_modes, all_tasks
from tools.report import report_on
from utils import distributed
from utils.errors import Parser, UserError, at_least, minutes, run_command, seed
from utils.memory import keep_freed_memory

EXAMPLES = """\
examples:
  python main.py --config cfgs/demo/pretrain.yaml --exp_name mine
  python main.py --config cfgs/demo/pretrain.yaml --exp_name mine --resume
  python main.py --config cfgs/demo/finetune_scan.yaml --finetune_model --exp_name mine \\
      --ckpts experiments/pretrain/demo/mine/ckpt-last.pth --opts max_epoch=10 optimizer.kwargs.lr=0.0003
  torchrun --nproc_per_node 2 main.py --launcher pytorch --config cfgs/pretrain/base.yaml --exp_name mine

without a config:
"""


def build_parser() -> Parser:
    """Build the parser of the command line: the released flags and a few more."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = Parser(
        prog="main.py",
        description="Pretrain ReCon (with none of the task flags), or carry it to a task.",
        epilog=EXAMPLES
        + "".join(f"  python main.py {name} --help\n      {c.help}\n" for name, c in sorted(COMMANDS.find().items())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    group = parser.add_argument_group("run")
    group.add_argument("--config", required=True, metavar="FILE", help="YAML file under cfgs/")
    group.add_argument(
        "--exp_name", default="default", metavar="NAME", help="name of the run folder, as a or a/b (%(default)s)"
    )
    group.add_argument(
        "--opts", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="override config keys, as a.b=value"
    )
    group.add_argument(
        "--seed",
        type=seed,
        metavar="N",
        help="seed of all randomness; random: draw one (0; a run that is resumed or replayed keeps its own unless N is "
        "given)",
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

    group.add_argument("--precision", choices=("fp32", "tf32", "bf16", "fp16"), help="the config's precision (fp32)")
    group.add_argument("--compile", action=argparse.BooleanOptionalAction, help="compile the model (the config's)")

    group = parser.add_argument_group("task, one of (of several the first in this order)")
    for mode in all_modes():
        if mode.flag:
            group.add_argument(mode.flag, action="store_true", help=mode.help)

    group = parser.add_argument_group("weights")
    group.add_argument("--ckpts", metavar="FILE", help="checkpoint that the task starts from")
    group.add_argument("--start_ckpts", metavar="FILE", help="checkpoint that pretraining starts from")
    group.add_argument(
        "--allow_missing",
        action="store_true",
        help="weights that the checkpoint lacks stay as initialised, and are listed; otherwise they are an error",
    )
    group.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        choices=("auto",),
        help="continue this run from its last checkpoint; auto: if one of the same settings is there",
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace an earlier run of this name, once this one has results"
    )

    group.add_argument(
        "--dry_run", action="store_true", help="tell what the run would do, from its first step; write nothing"
    )
    group.add_argument(
        "--wandb", metavar="PROJECT", help="log to Weights & Biases beside TensorBoard (requirements-wandb.txt)"
    )
    group.add_argument(
        "--skip_nonfinite",
        type=at_least(0),
        default=0,
        metavar="N",
        help="leave out up to N updates an epoch whose loss or gradient is not finite (%(default)s)",
    )
    group.add_argument(
        "--replay",
        metavar="FILE",
        help="only repeat the update in nonfinite.pth, which a run ended at; say where it breaks",
    )

    group = parser.add_argument_group("few-shot classification")
    group.add_argument("--way", type=at_least(1, -1), default=-1, metavar="W", help="classes (5 or 10)")
    group.add_argument(
        "--shot", type=at_least(1, -1), default=-1, metavar="S", help="training samples a class (10 or 20)"
    )
    group.add_argument("--fold", type=at_least(0, -1), default=-1, metavar="F", help="which of the folds (0 to 9)")

    for task in all_tasks():
        task.add_arguments(parser)

    group = parser.add_argument_group("several processes")
    group.add_argument("--launcher", choices=("none", "pytorch"), default="none", help="pytorch: started by torchrun")
    group.add_argument(
        "--local_rank", "--local-rank", type=at_least(0), metavar="R", help="number of this process on its machine"
    )
    group.add_argument(
        "--timeout",
        type=minutes,
        default=60.0,
        metavar="MINUTES",
        help="patience with other processes (%(default)g)",
    )
    group.add_argument("--sync_bn", action="store_true", help="BatchNorm over all processes")

    group = parser.add_argument_group("without effect, as released")
    group.add_argument("--loss", metavar="NAME", help="not read (cd1)")
    group.add_argument("--mode", choices=("easy", "median", "hard"), help="only put behind --exp_name")
    return parser


def read_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check the command line.

    Returns:
        The flags; `seed` is None or "random" where `start_run` chooses it. Besides them `command`, the line that was
        typed; `task`, the `Mode` that is asked for; and `notes`: lines to tell the user, about flags that do something
        else than they seem to.

    Raises:
        UserError: for anything wrong with it.
    """
    args = build_parser().parse_args(argv)
    args.notes = []
    args.command = shlex.join(["python", "main.py", *(sys.argv[1:] if argv is None else argv)])
    if args.loss is not None:
        args.notes.append("--loss has no effect: the config says which losses are used")
    if args.mode:
        args.notes.append(f"--mode has no effect but on the name of the run, which ends in _{args.mode}")
    args.loss = args.loss or "cd1"
    if args.local_rank is None:
        args.local_rank = distributed.environment("LOCAL_RANK", 1023, 0)
    args.exp_name = _run_name(args.exp_name) + (f"_{args.mode}" if args.mode else "")
    args.task = _choose_mode(args)
    _check_checkpoints(args, args.task)
    for task in all_tasks():
        task.check_arguments(args)
    if args.seed is None and not args.resume and not args.replay:
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
    parts = plain.split(os.sep)
    if not plain.isprintable() or any(
        part == "TFBoard" or part[0] == "." or len(os.fsencode(part)) > 200 for part in parts
    ):
        raise UserError(
            "--exp_name must be of printable characters, its folders not TFBoard, hidden or longer than 200 bytes; got "
            f"'{name[:100]}'"
        )
    return plain


def _choose_mode(args: argparse.Namespace) -> Mode:
    """Return what is asked for, and refuse what the released code refuses."""
    given = [mode for mode in all_modes() if mode.flag and getattr(args, mode.dest)]
    mode = given[0] if given else next(mode for mode in all_modes() if not mode.flag)
    if given[1:]:
        ignored = " and ".join(other.flag for other in given[1:])
        args.notes.append(f"a run does one task: {mode.flag} comes first, {ignored} is ignored")
        for other in given[1:]:
            setattr(args, other.dest, False)
    if args.resume == "auto" and not mode.trains:
        args.resume = False
    if args.resume and mode.resumed_by:
        raise UserError(f"--resume does not go with {mode.flag}; {mode.resumed_by}")
    if args.resume is True and args.overwrite:
        raise UserError("--resume continues the run in its folder, --overwrite replaces it: give one of them")
    if args.dry_run and (args.resume or args.replay):
        raise UserError("--dry_run tells of a run from its start; it does not go with --resume or --replay")
    if args.replay and (args.resume or not mode.trains):
        raise UserError(
            f"--replay repeats an update of training; it does not go with --resume or {mode.flag or 'this'}"
        )
    if args.resume is True and args.start_ckpts:
        raise UserError("--resume does not go with --start_ckpts: it continues the run from its own ckpt-last.pth")
    if args.resume and not mode.trains:
        args.notes.append(f"--resume has no effect with {mode.flag}, which starts anew")
        args.resume = False
    return mode


def _check_checkpoints(args: argparse.Namespace, mode: Mode) -> None:
    """Check that the checkpoint of the task is there, and drop the one that it does not read."""
    if args.allow_missing and mode.needs_weights:
        raise UserError(f"--allow_missing is for a checkpoint that a task starts from; {mode.flag} needs all weights")
    if args.allow_missing and not (args.ckpts or args.start_ckpts):
        raise UserError("--allow_missing is for a checkpoint that a task starts from, and none is given")
    if mode.needs_weights and not args.ckpts:
        raise UserError(f"{mode.flag} needs --ckpts FILE, the checkpoint to measure")
    if mode.starts_from != "ckpts" and args.ckpts:
        args.notes.append("--ckpts has no effect: pretraining starts from --start_ckpts (no task flag is given)")
        args.ckpts = None
    if mode.starts_from != "start_ckpts" and args.start_ckpts:
        args.notes.append(f"--start_ckpts has no effect: only pretraining starts from it, not {mode.name}")
        args.start_ckpts = None
    if mode.note_without and not args.ckpts and not args.resume:
        args.notes.append(mode.note_without)
    if mode.note_with and args.ckpts:
        args.notes.append(mode.note_with.format(ckpts=args.ckpts))
    for name in ("ckpts", "start_ckpts", "replay"):
        path = getattr(args, name)
        if path in shipped():
            path = str(find_checkpoint(path))
            setattr(args, name, path)
        if path and not os.path.isfile(path):
            raise UserError(f"--{name}: checkpoint {'is no file' if os.path.exists(path) else 'not found'}: {path}")


def perform_command(words: Sequence[str]) -> int:
    """Do what is asked for by name; returns the exit status.

    Raises:
        UserError: for everything that a user can mend.
    """
    command = COMMANDS.get(words[0])
    parser = Parser(prog=f"main.py {words[0]}", description=command.__doc__)
    command.add_arguments(parser)
    return command(parser.parse_args(words[1:])).run()


def main(argv: Sequence[str] | None = None) -> None:
    """Run one task, or a command.

    Raises:
        UserError: for everything that a user can mend.
        Interrupted: if asked to stop, after saving.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in COMMANDS.find():
        if status := perform_command(words):
            sys.exit(status)
        return
    args = read_arguments(words)
    device = distributed.start(args.launcher, args.local_rank, args.timeout)
    if device.type == "cpu":
        keep_freed_memory()
    with contextlib.ExitStack() as held:
        if args.dry_run:
            args.scratch = held.enter_context(tempfile.TemporaryDirectory(prefix="recon-"))
        run = start_run(args, device)
        held.callback(run.close)
        for note in args.notes:
            run.log.warning(note)
        gpus = torch.cuda.device_count()
        if args.launcher == "none" and gpus > 1:
            run.log.warning(
                f"one of {gpus} GPUs is used; torchrun --nproc_per_node={gpus} main.py --launcher pytorch uses all"
            )
        perform(run)
        report_on(run)
    # After an error the group is left alone until this process ends, so that it is heard of before the others notice.
    distributed.stop()


if __name__ == "__main__":
    run_command(main)
