"""Say which data sets are there: `python -m tools.check_data --data_root data`.

The loaders themselves are asked, so what is reported good can be trained on. A data set that keeps its shapes in many
files is looked at by its lists; `--read` reads every shape too. Nothing is written.
"""

from collections.abc import Sequence
from pathlib import Path

from datasets import dataset_class
from utils.config import load_config, read_yaml
from utils.errors import Parser, UserError, run_command
from utils.registry import suggestion


def check(name: str, path: Path, data_root: str, read: bool) -> tuple[str, str, str]:
    """Look at one data set.

    Args:
        name: of its config.
        path: its config.
        data_root: what the leading `data` of paths stands for.
        read: read every shape too.

    Returns:
        "ok", "missing" or "damaged"; what it holds, or what is wrong; and what to do about that.
    """
    try:
        base = load_config(path)
        return "ok", dataset_class({"_base_": base}, name).look(base, data_root, read), ""
    except UserError as error:
        wrong, mark, hint = str(error).partition("; expected layout: ")
        return "missing" if "not found" in wrong else "damaged", wrong, mark[2:] + hint


def _by_default(name: str, path: Path) -> bool:
    """Whether it is looked at unless others are named: it is published, and no variant of another config."""
    own = read_yaml(path)
    try:
        return "_base_" not in own and dataset_class({"_base_": own}, name).PUBLISHED
    except UserError:
        return True  # `check` tells what is wrong with it


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Say which data sets are there, how large they are, and what is missing or damaged.")
    parser.add_argument("names", nargs="*", help="data set configs, such as ModelNet40 (default: all published ones)")
    parser.add_argument("--data_root", default="data", help="folder of the data sets (default: %(default)s)")
    parser.add_argument("--configs", default="cfgs/dataset_configs", help="folder of their configs")
    parser.add_argument("--read", action="store_true", help="read every shape, not only the lists; takes minutes")
    parser.add_argument("--verbose", action="store_true", help="tell the layout of what is missing and where to get it")
    args = parser.parse_args(arguments)

    configs = {path.stem: path for path in sorted(Path(args.configs).glob("*.yaml"))}
    if not configs:
        raise UserError(
            f"{args.configs} holds no data set configs; run this from the folder of main.py, or set --configs"
        )
    for name in args.names:
        if name not in configs:
            raise UserError(f"unknown data set config '{name}'{suggestion(name, configs)}")
    chosen = args.names or [name for name, path in configs.items() if _by_default(name, path)]
    width, bad = max(map(len, chosen)), []
    for name in chosen:
        verdict, told, hint = check(name, configs[name], str(args.data_root), args.read)
        bad += [name] * (verdict != "ok")
        print(f"{name:<{width}}  {verdict:<7}  {told}", flush=True)
        if args.verbose and hint:
            print(f"{'':<{width}}  {hint}", flush=True)
    if bad:
        more = "" if args.verbose else f"; --verbose {bad[0]} tells what belongs where and where to get it"
        raise UserError(f"{len(bad)} of {len(chosen)} data sets are missing or damaged{more}")


if __name__ == "__main__":
    run_command(main)
