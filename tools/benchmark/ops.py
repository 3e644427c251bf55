"""The point operators beside every peer that can be imported: `python -m tools.benchmark ops`."""

import math
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from extensions import recon_ops
from tools.benchmark import peers
from tools.benchmark.common import (
    add_common_arguments,
    machine_limits,
    prepare_device,
    provenance,
    save_figures,
    timed,
)
from tools.report.tables import text_table
from utils.config import read_yaml
from utils.errors import Parser, UserError
from utils.logging import progress, versions

ROWS = Path(__file__).with_suffix(".yaml")
# A call is repeated within one measurement until that takes this long, so that the clock does not matter.
SHORTEST_SECONDS = 0.004

CALLS: dict[str, Callable[..., peers.Calls]] = {
    "fps": peers.sampling,
    "knn": peers.neighbors,
    "three-nn": partial(peers.neighbors, ordered=True),
    "chamfer": peers.chamfers,
    "ball-query": peers.ball,
    "gather": peers.gathering,
    "group": peers.grouping,
}


def nn_work(batch: int, rows: int, total: int, k: int, bytes_each: float = 12.0) -> tuple[float, float]:
    return 9.0 * batch * rows * total, batch * (12.0 * (rows + total) + bytes_each * rows * k)


# Operations of the straightforward formulation, and bytes that must at least be read and written.
WORK: dict[str, Callable[..., tuple[float, float]]] = {
    # Per point and step: three differences, three squares, two sums, a minimum and a comparison.
    "fps": lambda batch, total, count: (10.0 * batch * total * count, 12.0 * batch * total + 8 * batch * count),
    "knn": nn_work,
    "three-nn": nn_work,
    # One pass can serve both directions; forward reads the clouds, backward reads them again and writes two.
    "chamfer": lambda batch, m, n: (10.0 * batch * m * n, 60.0 * batch * (m + n)),
    "ball-query": partial(nn_work, bytes_each=8.0),
    "gather": lambda batch, channels, total, places: (
        float(batch * channels * places),
        batch * (8.0 * channels * (total + places) + 16.0 * places),
    ),
    "group": lambda batch, total, groups, size: (
        19.0 * batch * total * groups,
        batch * (12.0 * total + groups * (20.0 + 20.0 * size)),
    ),
}


@dataclass
class OperatorCase:
    """One row of the table.

    Attributes:
        name: as on the command line.
        title: operator and sizes.
        calls: makes the peers' calls and ours ("recon_ops") on a device.
        flops, bytes: see `WORK`.
        target: ratio to the best peer to reach on the CPU, if one is set.
    """

    name: str
    title: str
    calls: Callable[[torch.device], peers.Calls]
    flops: float
    bytes: float
    target: float | None = None


def all_cases(smoke: bool, pool: ThreadPoolExecutor | None = None) -> list[OperatorCase]:
    """The rows; smoke: the same ones at tiny sizes; pool: for peers that take one cloud at a time."""
    content, cases = read_yaml(ROWS), []
    for name, row in content["rows"].items():
        sizes = content["smoke"][row["operator"]] if smoke else row["sizes"]
        calls = partial(CALLS[row["operator"]], pool=pool, **sizes)
        work = WORK[row["operator"]](**sizes)
        cases.append(OperatorCase(name, row["title"].format(**sizes), calls, *work, row.get("target")))
    return cases


def time_case(case: OperatorCase, device: torch.device, repeats: int, tick: Callable[[], Any]) -> dict[str, float]:
    """Median milliseconds of each implementation of a row, which take turns; `tick` is called after every round."""
    calls = case.calls(device)
    first: dict[str, float] = {}
    for name, call in calls.items():
        try:
            timed(call, 1, device)
            first[name] = timed(call, 1, device)
        except Exception as error:  # such as a peer that was built without CUDA, or has another interface
            if name == "recon_ops":
                raise
            print(f"{case.title}: without {name}: {peers.error_line(error)}", file=sys.stderr)
    # Of one peer's variants ("name: variant") only those that may be its best are worth the time.
    best: dict[str, float] = {}
    for name, seconds in first.items():
        peer = name.split(":")[0]
        best[peer] = min(seconds, best.get(peer, seconds))
    first = {name: seconds for name, seconds in first.items() if seconds <= 1.5 * best[name.split(":")[0]]}
    number = {name: max(1, math.ceil(SHORTEST_SECONDS / seconds)) for name, seconds in first.items()}
    times: dict[str, list[float]] = {name: [] for name in first}
    order = list(first)
    for _ in range(repeats):
        for name in order:
            times[name].append(timed(calls[name], number[name], device))
        order = order[1:] + order[:1]
        tick()
    return {name: 1000 * statistics.median(all_of) for name, all_of in times.items()}


def row_of(case: OperatorCase, milliseconds: dict[str, float], limits: dict[str, float], cuda: bool) -> dict[str, Any]:
    """A row of the report: the best peer, our speed as a multiple of its, and our share of the machine's limit."""
    ours = milliseconds["recon_ops"]
    peer = min((name for name in milliseconds if name != "recon_ops"), key=milliseconds.__getitem__, default=None)
    least = {kind: getattr(case, kind) / limits[f"{kind}_per_second"] for kind in ("flops", "bytes")}
    limit = max(least, key=least.__getitem__)
    row = {"name": case.name, "title": case.title, "milliseconds": milliseconds, "best_peer": peer}
    row |= {"ratio": peer and milliseconds[peer] / ours, "target": 5.0 if cuda else case.target}
    return row | {"share_of_limit": 1000 * least[limit] / ours, "limit": limit}


def ops_table(content: dict[str, Any]) -> str:
    """The report as a text table."""
    lines = [["operator", "ours ms", "best peer", "peer ms", "ratio", "target", "of limit"]]
    for row in content["rows"]:
        times, peer, ratio = row["milliseconds"], row["best_peer"], row["ratio"]
        line = [row["title"], f"{times['recon_ops']:.3f}", peer or "-", f"{times[peer]:.3f}" if peer else "-"]
        line += [f"{ratio:.1f} x" if ratio else "-", f"{row['target']:g} x" if row["target"] else "-"]
        lines.append([*line, f"{100 * row['share_of_limit']:.0f} % {row['limit']}"])
    return text_table(lines)


def run_ops(device: torch.device, repeats: int, only: list[str] | None, smoke: bool) -> dict[str, Any]:
    """Measure the operators and return the report, ready for JSON.

    Raises:
        UserError: if a name in `only` is unknown.
    """
    threads, rows = torch.get_num_threads(), []
    with ThreadPoolExecutor(threads) as pool:
        cases = all_cases(smoke, pool if threads > 1 else None)
        names = [case.name for case in cases]
        if unknown := set(only or ()) - set(names):
            raise UserError(f"--only {sorted(unknown)[0]}: unknown; there are {', '.join(names)}")
        cases = [case for case in cases if not only or case.name in only]
        limits = machine_limits(device, smoke)
        with progress(total=len(cases) * repeats, desc="benchmark", unit="round") as bar:
            for case in cases:
                bar.set_postfix_str(case.name)
                rows.append(row_of(case, time_case(case, device, repeats, bar.update), limits, device.type == "cuda"))
    found = {"versions": versions(("torch", "numpy", *peers.PEERS)), "not_installed": peers.not_installed()}
    found |= {"backend": recon_ops.backend(device), "repeats": repeats, "limits": limits, "rows": rows}
    return provenance(device) | found


def main(argv: Sequence[str] | None = None) -> None:
    """Command line: see `python -m tools.benchmark ops --help`."""
    parser = Parser(
        prog="tools.benchmark ops",
        description="Time the point operators beside every peer that can be imported, in turns, in one process.",
        epilog="The share of the limit counts the straightforward formulation; pruning can take it above 100 %.",
    )
    add_common_arguments(parser)
    parser.add_argument("--repeats", type=int, default=15, help="rounds, at least 10 (default: %(default)s)")
    parser.add_argument("--only", action="append", metavar="NAME", help="this row only; may be given several times")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, two rounds: shows that it runs")
    args = parser.parse_args(argv)
    if args.repeats < 10:
        raise UserError(f"--repeats {args.repeats}: must be at least 10")
    device = prepare_device(args)
    content = run_ops(device, 2 if args.smoke else args.repeats, args.only, args.smoke)
    machine = content["machine"]
    where = machine.get("gpu") or f"{machine['processor']}, {machine['threads']} of {machine['cores']} cores"
    print(f"{where}; recon_ops on {content['backend']}; medians of {content['repeats']}, {content['date']}")
    print(ops_table(content))
    if content["not_installed"]:
        print("peers that are not installed:", ", ".join(content["not_installed"]))
    save_figures(content, args.json)
