"""Where this software deliberately differs from the released code, and which released surprises a key corrects.

The registry is `fidelity.yaml`. `python -m tools.fidelity` prints both tables, `--markdown` as docs/fidelity.md holds
them, `--json` for programs. The README and the notes under the paper's tables come from it.
"""

import dataclasses
import fnmatch
import itertools
import json
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.report.tables import markdown_table
from utils.config import parse, read_yaml
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

    def cells(self) -> tuple[str, ...]:
        return f"`{self.key}`", f"`{self.released}`", f"`{self.corrected}`", self.meaning


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
    yaml: list[list[str]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        return self.what, self.released, self.ours, self.why, f"`{self.released_by}`" if self.released_by else ""


@dataclass(frozen=True)
class Registered:
    """The content of `fidelity.yaml`."""

    corrections: list[Correction]
    differences: list[Difference]


REGISTERED = parse(Registered, read_yaml(Path(__file__).with_suffix(".yaml")), "")
CORRECTIONS, DIFFERENCES = REGISTERED.corrections, REGISTERED.differences
CORRECTION_ROWS = [("key", "released, default", "corrected", "what the released value does")]
CORRECTION_ROWS += [entry.cells() for entry in CORRECTIONS]
DIFFERENCE_ROWS = [("what", "released", "ours", "why", "released form by")]
DIFFERENCE_ROWS += [entry.cells() for entry in DIFFERENCES]


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
    pairs = itertools.chain.from_iterable(entry.yaml for entry in DIFFERENCES)
    return any(fnmatch.fnmatch(file, files) and fnmatch.fnmatch(key, keys) for files, keys in pairs)


def document() -> str:
    """The content of docs/fidelity.md."""
    return (
        "# Differences from the released code\n\n"
        "Made by `python -m tools.fidelity --markdown`. The released behaviour is the default except for what the\n"
        "first table names; tests compare every key of the released YAML files and every flag with it.\n\n"
        f"## Deliberate differences\n\n{markdown_table(DIFFERENCE_ROWS)}\n\n"
        f"## Released behaviour that a key corrects\n\n{markdown_table(CORRECTION_ROWS)}\n"
    )


def wrapped_table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows for a terminal, the first as the head, long cells over several lines."""
    rows = [[cell.replace("`", "") for cell in row] for row in rows]
    # Keys and flags stay in one piece, to be copied; the rest of the line is shared out evenly.
    even = (shutil.get_terminal_size((150, 24)).columns - 2 * len(rows[0])) // len(rows[0])
    widths = [max(even, *(len(word) for cell in column for word in cell.split())) for column in zip(*rows, strict=True)]
    lines = []
    for row in [rows[0], ["-" * width for width in widths], *rows[1:]]:
        cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            lines.append("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())
        lines += [""] * (row in rows[1:])
    return "\n".join(lines)


def main() -> None:
    """Command line: see `python -m tools.fidelity --help`."""
    parser = Parser(prog="tools.fidelity", description="Print all deliberate differences from the released code.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="as docs/fidelity.md holds them")
    form.add_argument("--json", action="store_true", help="for programs")
    args = parser.parse_args()
    if args.markdown:
        print(document(), end="")
    elif args.json:
        content = dataclasses.asdict(REGISTERED)
        print(json.dumps({name: content[name] for name in ("differences", "corrections")}, indent=1))
    else:
        print(f"Deliberate differences from the released code\n\n{wrapped_table(DIFFERENCE_ROWS)}")
        print("\nReleased behaviour that a key corrects; the released value is the default\n")
        print(wrapped_table(CORRECTION_ROWS))


if __name__ == "__main__":
    run_command(main)
