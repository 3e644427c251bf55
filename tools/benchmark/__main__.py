"""Command line: `python -m tools.benchmark [ops|step|data|world|robustness] ...`; the operators, if none is named."""

import importlib
import sys
from collections.abc import Sequence

from utils.errors import Parser, run_command

BENCHMARKS = {
    "ops": "point operators beside every peer that can be imported",
    "step": "training steps, by part, precision and size",
    "data": "data loading",
    "world": "making of synthetic shapes, by stage",
    "robustness": "accuracy against number of points and under corruptions, of a checkpoint",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Hand over to the benchmark that is named first; `<name> --help` lists its arguments."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, "ops")
    parser = Parser(prog="tools.benchmark", epilog="; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items()))
    parser.add_argument("what", choices=BENCHMARKS, help="what to measure (default: ops)")
    name = parser.parse_args(arguments[:1]).what
    importlib.import_module(f"tools.benchmark.{name}").main(arguments[1:])


if __name__ == "__main__":
    run_command(main)
