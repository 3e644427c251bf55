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
        "test points of part segmentation are drawn anew at every evaluation",
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
        "all",
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
        "`--test` of few-shot",
        "on ModelNet40's 40 classes",
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
        flags=("--seed", "--num_workers", "--val_freq", "--local_rank"),
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
        "they are frozen: 700 MB a file",
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
        "calls a method that does not exist",
        "runs",
        "Table 9 needs it",
        tables=("table9",),
    ),
)


def notes(table: str) -> tuple[str, ...]:
    """What the notes under a table of the paper say of deliberate differences."""
    return tuple(
        f"{entry.what}: {entry.ours}; released: {entry.released}"
        + (f" (`{entry.released_by}`)" if entry.released_by else "")
        for entry in DIFFERENCES
        if table in entry.tables
    )


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
    width = max(16, (shutil.get_terminal_size((150, 24)).columns - 2 * len(head)) // len(head))
    lines = []
    for row in (head, ["-" * width] * len(head), *rows):
        cells = [textwrap.wrap(cell.replace("`", ""), width) for cell in row]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            lines.append("  ".join(part.ljust(width) for part in parts).rstrip())
        if row in rows:
            lines.append("")
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
