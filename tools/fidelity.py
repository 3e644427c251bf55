"""Where this software knowingly differs from the released code, and which released surprises a key corrects.

`python -m tools.fidelity` prints both tables, `--markdown` as docs/fidelity.md holds them, `--json` for programs. The
README and the notes under the paper's tables come from here.
"""

import dataclasses
import fnmatch
import itertools
import json
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from utils.errors import Parser, run_command


@dataclass(frozen=True)
class Correction:
    """Released behaviour that looks like a mistake: it is the default, and a key corrects it.

    Attributes:
        key: of a config.
        released: its value by default.
        corrected: its value otherwise.
        meaning: what the released value does.
        config: a config in which the key stands.
    """

    key: str
    released: str
    corrected: str
    meaning: str
    config: str


@dataclass(frozen=True)
class Difference:
    """One deliberate difference.

    Attributes:
        what: the behaviour, flag or key.
        released, ours: what either code does.
        why: the reason.
        released_by: the override (of `config`) or flag that gives the released form, where there is one.
        config: a config that the override is for.
        yaml: pairs of patterns, of released YAML files and of their dotted keys, whose values differ or are not there.
        flags: of main.py, whose defaults or refusals differ.
        tables: of the paper, which say so in their notes.
    """

    what: str
    released: str
    ours: str
    why: str
    released_by: str = ""
    config: str = ""
    yaml: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


PRETRAIN, TUNED = "cfgs/pretrain/base.yaml", "cfgs/full/finetune_modelnet.yaml"
ZEROSHOT, PARTS = "cfgs/zeroshot/scan_hardest.yaml", "cfgs/segmentation/shapenetpart.yaml"

CORRECTIONS = (
    Correction(
        "scheduler.kwargs.released_lag",
        "true",
        "false",
        "the schedule is one epoch behind: epochs 0 and 1 alike",
        TUNED,
    ),
    Correction("freeze_bn", "false", "true", "BatchNorm statistics of a frozen encoder move", TUNED),
    Correction("dataset.train.others.bgr", "true", "false", "the image teacher sees blue and red swapped", PRETRAIN),
    Correction(
        "dataset.train.others.image_norm", "imagenet", "clip", "CLIP's images have ImageNet's mean and std", PRETRAIN
    ),
    Correction(
        "accumulation",
        "sum",
        "mean",
        "gradients of step_per_update batches add up; those left at the end of an epoch join the next one's",
        PRETRAIN,
    ),
    Correction("prompt_names", "released", "plain", "names keep their underscores in prompts: night_stand", PRETRAIN),
    Correction(
        "zeroshot.random_columns",
        "true",
        "false",
        "zero-shot is fed random ones of FPS's points: results vary",
        ZEROSHOT,
    ),
    Correction("double_step", "true", "false", "part segmentation steps twice on every gradient", PARTS),
    Correction(
        "dataset.val.others.fixed_test_points",
        "false",
        "true",
        "test points of part segmentation are drawn anew at every evaluation (dataset.test likewise)",
        PARTS,
    ),
)

DIFFERENCES = (
    # What is measured
    Difference(
        "zero-shot split",
        "train and test together",
        "the test split",
        "the honest number; the paper gives both",
        "zeroshot.splits=[train, test]",
        ZEROSHOT,
        tables=("table3",),
    ),
    Difference(
        "zero-shot on the train split",
        "leaves out the last partial batch of a random order",
        "every shape counts once",
        "up to 63 random shapes do not decide a number",
    ),
    Difference(
        "`toilet` of ScanObjectNN in zero-shot",
        "asked for as `toile`",
        "`toilet`",
        "a typing error that costs accuracy",
        "zeroshot.released_typo=true",
        ZEROSHOT,
        tables=("table3",),
    ),
    Difference(
        "names file of ModelNet without a final newline",
        "the last class is lost",
        "every line is a class",
        "an editor must not change the classes",
    ),
    Difference(
        "samples that the linear SVM is fitted to",
        "whole batches of a random order: 9,728 of 9,843",
        "all, in the order of the list",
        "no reason to leave any out",
        "svm.drop_last=true",
        "cfgs/svm/modelnet40.yaml",
        tables=("table10",),
    ),
    Difference(
        "section that SVM and zero-shot are measured on",
        "dataset.val",
        "dataset.test, the same files",
        "one name for what is tested",
        yaml=(("cfgs/svm/*", "dataset.val.*"), ("cfgs/zeroshot/*", "dataset.val.*")),
    ),
    Difference(
        "`--test` with our few-shot configs",
        "on ModelNet40's 40 classes (and still so with released files)",
        "on the test part of the fold",
        "a model of 5 or 10 classes cannot name 40",
        yaml=(("cfgs/*/fewshot.yaml", "dataset.test.*"),),
    ),
    Difference(
        "main.py --test",
        "measures, then votes 299 rounds",
        "measures; --vote votes, and scripts/test.sh passes it",
        "299 rounds are an explicit choice",
        "--vote",
        flags=("--vote",),
    ),
    Difference(
        "result of voting",
        "the best round",
        "mean, standard deviation and best round",
        "the best of 299 is chosen on the test data",
        tables=("table1",),
    ),
    Difference(
        "best checkpoint of pretraining with `validate: none`",
        "none is written",
        "the one of the lowest training loss",
        "costs nothing",
    ),
    Difference(
        "numbers of points other than 1024, 2048, 4096 and 8192",
        "refused in fine-tuning",
        "FPS keeps a fifth more than are fed",
        "small models for small machines",
    ),
    Difference(
        "last epoch of a training",
        "measured if --val_freq says so",
        "always measured",
        "every run ends with a number",
    ),
    Difference(
        "training set of less than a batch",
        "no step is made",
        "total_bs is lowered, with a warning",
        "training that does nothing must not look finished",
    ),
    Difference(
        "ModelNet's cache",
        "FPS starts at a random point",
        "at a point that depends on the shape's name",
        "the same cache on every machine",
    ),
    # Config files
    Difference(
        "keys without effect in released files",
        "written, never read",
        "known, not written",
        "configs hold what counts",
        yaml=(
            ("cfgs/svm/*", "grad_norm_clip"),
            ("cfgs/zeroshot/*", "grad_norm_clip"),
            ("cfgs/pretrain/*", "dataset.val.*"),
            ("cfgs/pretrain/*", "dataset.test.*"),
        ),
    ),
    # Command line
    Difference(
        "--num_workers",
        "8",
        "8, or the number of cores if there are fewer",
        "more processes than cores only slow down",
        flags=("--num_workers",),
    ),
    Difference(
        "--config left out",
        "TypeError",
        "usage error, exit code 2",
        "a user-facing error",
        flags=("--config",),
    ),
    Difference(
        "numbers out of range, such as --seed -1",
        "accepted",
        "refused, exit code 2",
        "fails before anything is done",
    ),
    Difference(
        "run folder of few-shot",
        "way, shot and fold are not part of its name",
        "they are",
        "folds would replace each other's results",
    ),
    Difference("--seed with --local_rank or --gpu", "added up", "generators are keyed by the rank", "exact resuming"),
    Difference(
        "--resume without --seed",
        "seed 0, or a new random one",
        "the seed of the run",
        "goes on bit for bit, with the best metric, sampler position and random state, which the released code forgets",
    ),
    Difference(
        "--finetune_model --resume with nothing to resume and no --ckpts",
        "starts at epoch 0 from random weights",
        "an error",
        "the checkpoint was forgotten",
    ),
    Difference(
        "scripts/test.sh with a segmenter",
        "segmentation/test.sh is a script of its own",
        "scripts/seg.sh ... --test, or test.sh with CONFIG or a flag of the released segmentation",
        "one folder of scripts; test.sh says so where it is given a segmenter",
    ),
    Difference(
        "keys of optimizer.kwargs",
        "whatever PyTorch takes",
        "lr, weight_decay; momentum of SGD",
        "no released file has another",
    ),
    Difference(
        "a second run in the folder of a finished one",
        "replaces it",
        "refused without --overwrite; a lock keeps two runs apart",
        "no result is lost by a repeated command",
        "--overwrite",
    ),
    Difference(
        "weights that become infinite or NaN",
        "saved, and training goes on",
        "an error that names the epoch and step; the last good checkpoint stays",
        "hours of training on NaN",
    ),
    Difference(
        "several GPUs without a launcher",
        "DataParallel",
        "one GPU and a warning; the scripts start torchrun for `0,1`",
        "DistributedDataParallel is faster and exact",
    ),
    Difference(
        "segmentation flags --normal, --model other than pt",
        "accepted",
        "error, exit code 2",
        "there is one model, and it reads coordinates",
    ),
    # Files
    Difference(
        "config.yaml of a run",
        "the file as it is",
        "with bases resolved and overrides",
        "what was run can be read in one place",
    ),
    Difference(
        "teachers in ckpt-last.pth and ckpt-best.pth of pretraining",
        "saved with the model",
        "not saved, and ignored when read",
        "they are frozen, and larger than the rest",
    ),
    Difference(
        "names in checkpoints",
        "`module.` in front (one process)",
        "without",
        "`python -m tools.convert --to released` puts it there",
    ),
    Difference(
        "checkpoints of segmentation",
        "the best model alone, under log/part_seg/, no resuming",
        "those of every other task, under experiments/",
        "one trainer",
    ),
    Difference(
        "further keys in checkpoints",
        "metrics are called acc",
        "metrics by their names in metrics.json; step, sums, seconds, and gradients that wait for an update",
        "exact resuming; `python -m tools.convert --to released` leaves them out",
    ),
    Difference(
        "names and prefixes in checkpoints that a task does not need",
        "refused by --test, --resume and --start_ckpts",
        "read, and what is not used is listed",
        "any layout of the released programs serves any task",
    ),
    Difference(
        "weights that a checkpoint lacks",
        "loaded in part, in silence",
        "an error, or listed with --allow_missing",
        "a wrong file does not train from scratch unnoticed",
    ),
    Difference(
        "a head of another shape in a checkpoint",
        "refused",
        "starts anew, and is named in the log",
        "fine-tuning on other classes",
    ),
    # Not in the released code
    Difference(
        "semantic segmentation",
        "not there",
        "with the recipe of the authors' ACT; the head has no rate of its own",
        "the table has it",
        tables=("segmentation",),
    ),
    Difference(
        "two-tower pretraining",
        "calls a method that does not exist, so it cannot run",
        "runs, by the rest of the released code",
        "Table 9 needs it",
        tables=("table9",),
    ),
)


def notes(table: str, opts: Sequence[str] = ()) -> tuple[str, ...]:
    """What the notes under a table of the paper say of deliberate differences.

    Args:
        table: its name, such as "table3".
        opts: overrides of its runs, which may ask for released forms.
    """
    found = []
    for entry in (entry for entry in DIFFERENCES if table in entry.tables):
        if entry.released_by and entry.released_by in opts:
            found.append(f"{entry.what}: {entry.released}, as released")
        else:
            by = f" (`{entry.released_by}`)" if entry.released_by else ""
            found.append(f"{entry.what}: {entry.ours}; released: {entry.released}{by}")
    return tuple(found)


def explained(file: str, key: str) -> bool:
    """Whether an entry covers a key of a released YAML file."""
    return any(
        fnmatch.fnmatch(file, files) and fnmatch.fnmatch(key, keys)
        for entry in DIFFERENCES
        for files, keys in entry.yaml
    )


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows for a terminal, long cells over several lines."""
    rows = [[cell.replace("`", "") for cell in row] for row in (head, *rows)]
    # Keys and flags stay in one piece, to be copied; the rest of the line is shared out evenly.
    words = [max(len(word) for row in rows for word in row[i].split() or [""]) for i in range(len(head))]
    even = (shutil.get_terminal_size((150, 24)).columns - 2 * len(head)) // len(head)
    widths = [max(even, word) for word in words]
    lines = []
    for row in [rows[0], ["-" * width for width in widths], *rows[1:]]:
        cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            lines.append("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())
        lines += [""] * (row in rows[1:])
    return "\n".join(lines)


CORRECTION_HEAD = ("key", "released, default", "corrected", "what the released value does")
DIFFERENCE_HEAD = ("what", "released", "ours", "why", "released form by")


def _correction_row(entry: Correction) -> tuple[str, ...]:
    return f"`{entry.key}`", f"`{entry.released}`", f"`{entry.corrected}`", entry.meaning


def _difference_row(entry: Difference) -> tuple[str, ...]:
    by = f"`{entry.released_by}`" if entry.released_by else ""
    return entry.what, entry.released, entry.ours, entry.why, by


def corrections_table() -> str:
    """The table of `CORRECTIONS` in Markdown."""
    return _markdown(CORRECTION_HEAD, [_correction_row(entry) for entry in CORRECTIONS])


def differences_table() -> str:
    """The table of `DIFFERENCES` in Markdown."""
    return _markdown(DIFFERENCE_HEAD, [_difference_row(entry) for entry in DIFFERENCES])


def document() -> str:
    """What docs/fidelity.md holds."""
    return (
        "# Differences from the released code\n\n"
        "Made by `python -m tools.fidelity --markdown`. The released behaviour is the default except for what the\n"
        "first table names; tests compare every key of the released YAML files and every flag with it.\n\n"
        f"## Deliberate differences\n\n{differences_table()}\n\n"
        f"## Released behaviour that a key corrects\n\n{corrections_table()}\n"
    )


def main() -> None:
    parser = Parser(prog="tools.fidelity", description="Print all deliberate differences from the released code.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="as docs/fidelity.md holds them")
    form.add_argument("--json", action="store_true", help="for programs")
    args = parser.parse_args()
    if args.markdown:
        print(document(), end="")
    elif args.json:
        tables = {"differences": DIFFERENCES, "corrections": CORRECTIONS}
        print(json.dumps({n: [dataclasses.asdict(e) for e in entries] for n, entries in tables.items()}, indent=1))
    else:
        print("Deliberate differences from the released code\n")
        print(_text(DIFFERENCE_HEAD, [_difference_row(d) for d in DIFFERENCES]))
        print("\nReleased behaviour that a key corrects; the released value is the default\n")
        print(_text(CORRECTION_HEAD, [_correction_row(c) for c in CORRECTIONS]))


if __name__ == "__main__":
    run_command(main)
