"""Time the point operators beside every peer that can be imported: `python -m tools.benchmark ops`."""

import importlib
import importlib.util
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from extensions import recon_ops
from utils.errors import Parser, UserError, run_command
from utils.logging import git_revision, progress, versions, write_json

REPOSITORY = Path(__file__).parents[1]
BASELINE = REPOSITORY / "extensions" / "benchmarks" / "baseline.cu"
PEERS = ("fpsample", "torch_fps", "torch_quickfps", "torch_fpsample", "torchbvh", "pytorch3d", "scipy")
PACKAGES = ("torch", "numpy", *PEERS)
# Which height of its tree is best for fpsample and what derives from it depends on the machine.
TREE_HEIGHTS = (3, 5, 7, 9)

# A call is repeated within one measurement until that takes this long, so that the clock does not matter.
SHORTEST_SECONDS = 0.004

Calls = dict[str, Callable[[], Any]]


@dataclass
class Case:
    """One row of the table.

    Attributes:
        name: as on the command line.
        title: operator and sizes.
        calls: makes the peers' calls and ours ("recon_ops") on a device.
        flops: operations of the straightforward formulation.
        bytes: what must at least be read and written.
        target: ratio to the best peer to reach on the CPU, if one is set.
    """

    name: str
    title: str
    calls: Callable[[torch.device], Calls]
    flops: float
    bytes: float
    target: float | None = None


@dataclass
class Result:
    """Median milliseconds of one row, by implementation, and what they come to."""

    case: Case
    milliseconds: dict[str, float] = field(default_factory=dict)

    def best_peer(self) -> str | None:
        peers = [name for name in self.milliseconds if name != "recon_ops"]
        return min(peers, key=self.milliseconds.__getitem__, default=None)

    def ratio(self) -> float | None:
        peer = self.best_peer()
        return peer and self.milliseconds[peer] / self.milliseconds["recon_ops"]

    def share(self, limits: dict[str, float]) -> tuple[float, str]:
        """Share of the machine's limit that ours reaches, and which limit that is."""
        seconds = {kind: getattr(self.case, kind) / limits[f"{kind}_per_second"] for kind in ("flops", "bytes")}
        bound = max(seconds, key=seconds.__getitem__)
        return 1000 * seconds[bound] / self.milliseconds["recon_ops"], bound


def optional(name: str) -> ModuleType | None:
    """Import a peer, or return None where it is missing or cannot run."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
    except Exception as error:  # one that was built for another PyTorch may raise anything
        print(f"without {name}: {first_line(error)}", file=sys.stderr)
        return None


def not_installed() -> list[str]:
    return [name for name in PEERS if importlib.util.find_spec(name) is None]


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def clouds(device: torch.device, *shape: int, seed: int = 0) -> Tensor:
    """Points on a sphere with a little noise: like a scanned or sampled surface, centred and of unit size."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.nn.functional.normalize(torch.randn(shape, generator=draw), dim=-1)
    return (points + 0.02 * torch.randn(shape, generator=draw)).to(device)


def reference(name: str) -> Callable[..., Any]:
    return getattr(recon_ops.reference, name)


@cache
def compiled_baseline() -> ModuleType | None:
    """The classic CUDA kernels, compiled at first use and kept in PyTorch's cache of extensions; None without nvcc."""
    from torch.utils.cpp_extension import load

    try:
        return load("recon_baseline", [str(BASELINE)], extra_cuda_cflags=["-O3"], extra_cflags=["-O3"])
    except (RuntimeError, OSError, ImportError, subprocess.CalledProcessError) as error:
        print(f"without the classic CUDA kernels: {first_line(error)}", file=sys.stderr)
        return None


def baseline(device: torch.device, name: str) -> Callable[..., Any] | None:
    """The classic CUDA kernel of an operator; None on another device."""
    kernels = compiled_baseline() if device.type == "cuda" else None
    return getattr(kernels, name) if kernels else None


def per_cloud(function: Callable[[int], Any], count: int, pool: ThreadPoolExecutor | None) -> Callable[[], Any]:
    return lambda: list((pool.map if pool else map)(function, range(count)))


# What spares torch_fps work that ours does in any case, or that the clouds here do not need.
LEAST_CHECKS = {"random_start": False, "validate": False, "assume_finite": True}


def masked(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points and the mask of valid ones that torch_fps wants beside them."""
    return points, torch.ones(points.shape[:2], dtype=torch.bool, device=points.device)


def sampling(batch: int, total: int, count: int, pool: ThreadPoolExecutor | None, device: torch.device) -> Calls:
    points = clouds(device, batch, total, 3)
    calls = {
        "recon_ops": partial(recon_ops.farthest_point_sample, points, count),
        "PyTorch": partial(reference("farthest_point_sample"), points, count, True),
    }
    if classic := baseline(device, "farthest_point_sample"):
        calls["classic CUDA"] = partial(classic, points, count, True)
    if torch_fps := optional("torch_fps"):
        calls["torch_fps"] = partial(torch_fps.farthest_point_sampling, *masked(points), count, **LEAST_CHECKS)
    if quick := optional("torch_quickfps"):
        for height in (height for height in TREE_HEIGHTS if 2**height <= total):
            calls[f"torch_quickfps: h={height}"] = partial(quick.sample_idx, points, count, h=height, start_idx=0)
    if fpsample := optional("torch_fpsample"):
        for height in (height for height in TREE_HEIGHTS if 2**height <= total):
            calls[f"torch_fpsample: h={height}"] = partial(fpsample.sample, points, count, h=height, start_idx=0)
    bvh = optional("torchbvh")
    if bvh and device.type == "cuda":
        calls["torchbvh"] = partial(bvh.fps, points, count)
    if three := optional("pytorch3d.ops"):
        calls["pytorch3d"] = partial(three.sample_farthest_points, points, K=count)
    fpsample = optional("fpsample")
    if fpsample and device.type == "cpu":
        arrays = points.numpy()
        pools = {"serial": None, "threads": pool} if pool and batch > 1 else {"serial": None}
        for height in (height for height in TREE_HEIGHTS if 2**height <= total):

            def one(cloud: int, height: int = height) -> Any:
                return fpsample.bucket_fps_kdline_sampling(arrays[cloud], count, h=height, start_idx=0)

            for kind, workers in pools.items():
                calls[f"fpsample: h={height}, {kind}"] = per_cloud(one, batch, workers)
    return calls


def matmul_topk(query: Tensor, points: Tensor, k: int) -> Tensor:
    squared = query.square().sum(-1, keepdim=True) + points.square().sum(-1)[:, None] - 2 * query @ points.mT
    return squared.topk(k, dim=-1, largest=False, sorted=False).indices


def neighbors(batch: int, rows: int, total: int, k: int, is_sorted: bool, device: torch.device) -> Calls:
    points, query = clouds(device, batch, total, 3), clouds(device, batch, rows, 3, seed=1)
    calls = {
        "recon_ops": partial(recon_ops.knn, query, points, k, sorted=is_sorted, return_distances=True),
        "PyTorch: matmul": partial(matmul_topk, query, points, k),
        "PyTorch: cdist": lambda: torch.cdist(query, points).topk(k, largest=False, sorted=is_sorted),
    }
    if classic := baseline(device, "knn"):
        calls["classic CUDA"] = partial(classic, query, points, k)
    bvh = optional("torchbvh")
    if bvh and device.type == "cuda":
        calls["torchbvh"] = lambda: bvh.BVH(points).knn(query, k)
    if three := optional("pytorch3d.ops"):
        calls["pytorch3d"] = partial(three.knn_points, query, points, K=k, return_sorted=is_sorted)
    spatial = optional("scipy.spatial")
    if spatial and device.type == "cpu":
        arrays, queries = points.numpy(), query.numpy()

        def one(cloud: int) -> Any:
            return spatial.cKDTree(arrays[cloud]).query(queries[cloud], k, workers=torch.get_num_threads())

        calls["scipy cKDTree"] = per_cloud(one, batch, None)
    return calls


def cdist_chamfer(a: Tensor, b: Tensor) -> Tensor:
    distance = torch.cdist(a, b)
    return distance.min(2).values.square().mean() + distance.min(1).values.square().mean()


def with_backward(function: Callable[..., Tensor], *inputs: Tensor) -> Callable[[], Any]:
    """Forward and backward of a scalar function into all of its inputs."""
    inputs = [one.detach().clone().requires_grad_() for one in inputs]
    return lambda: torch.autograd.grad(function(*inputs), inputs)


def chamfer(batch: int, m: int, n: int, device: torch.device) -> Calls:
    a, b = clouds(device, batch, m, 3), clouds(device, batch, n, 3, seed=1)
    calls = {
        "recon_ops": with_backward(recon_ops.chamfer_l2, a, b),
        "PyTorch: cdist": with_backward(cdist_chamfer, a, b),
    }
    forward, backward = baseline(device, "nearest"), baseline(device, "nearest_backward")
    if forward and backward:
        grads = [torch.full(one.shape[:2], 1 / one[..., 0].numel(), device=device) for one in (a, b)]
        calls["classic CUDA"] = lambda: backward(*grads, a, b, *forward(a, b)[2:])
    if three := optional("pytorch3d.loss"):
        calls["pytorch3d"] = with_backward(lambda a, b: three.chamfer_distance(a, b)[0], a, b)
    return calls


def ball(batch: int, rows: int, total: int, k: int, device: torch.device) -> Calls:
    points = clouds(device, batch, total, 3)
    centers, radius = points[:, :rows].contiguous(), 0.2
    calls = {
        "recon_ops": partial(recon_ops.ball_query, centers, points, radius, k),
        "PyTorch": partial(reference("ball_query"), centers, points, radius, k),
    }
    if three := optional("pytorch3d.ops"):
        calls["pytorch3d"] = partial(three.ball_query, centers, points, K=k, radius=radius, return_nn=False)
    return calls


def gathering(batch: int, channels: int, total: int, places: int, device: torch.device) -> Calls:
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(batch, channels, total, generator=draw).to(device)
    index = torch.randint(0, total, (batch, places), generator=draw).to(device)
    wide = index[:, None].expand(-1, channels, -1)
    return {
        "recon_ops": with_backward(lambda f: recon_ops.gather_channels(f, index).sum(), features),
        "PyTorch": with_backward(lambda f: f.gather(2, wide).sum(), features),
    }


def grouping(batch: int, total: int, groups: int, size: int, device: torch.device) -> Calls:
    points = clouds(device, batch, total, 3)

    def plain(sample: Callable[..., Tensor], search: Callable[[Tensor], Tensor]) -> Callable[[], Any]:
        def call() -> Tensor:
            centers = recon_ops.gather(points, sample(points, groups, True))
            return recon_ops.gather(points, search(centers)) - centers[:, :, None]

        return call

    calls = {
        "recon_ops": partial(recon_ops.group, points, groups, size),
        "PyTorch": plain(reference("farthest_point_sample"), lambda c: matmul_topk(c, points, size)),
    }
    if torch_fps := optional("torch_fps"):
        inputs = *masked(points), groups, size

        def fused() -> Tensor:
            chosen, index = torch_fps.farthest_point_sampling_with_knn(*inputs, **LEAST_CHECKS)
            return recon_ops.gather(points, index) - recon_ops.gather(points, chosen)[:, :, None]

        calls["torch_fps"] = fused
    classic = baseline(device, "farthest_point_sample"), baseline(device, "knn")
    if all(classic):
        calls["classic CUDA"] = plain(classic[0], lambda c: classic[1](c, points, size)[1])
    return calls


def all_cases(smoke: bool, pool: ThreadPoolExecutor | None = None) -> list[Case]:
    """The rows; smoke: the same ones at tiny sizes; pool: for peers that take one cloud at a time."""
    cases = []
    for batch, total, count, target in (
        (32, 1024, 64, 4),
        (32, 2048, 128, 4),
        (32, 8192, 512, 2.5),
        (32, 8192, 1200, 2.5),
        (16, 10_000, 2500, None),
        (1, 100_000, 4096, 1.5),
    ):
        name = f"fps-{total}-{count}"
        if smoke:
            batch, total, count = 2, 40, 6
        # Per point and step: three differences, three squares, two sums, a minimum and a comparison.
        make = partial(sampling, batch, total, count, pool)
        work = 10.0 * batch * total * count, 12.0 * batch * total + 8 * batch * count
        cases.append(Case(name, f"FPS {batch} x {total} -> {count}", make, *work, target))
    for batch, rows, total, k, target in (
        (32, 64, 1024, 32, 5),
        (32, 128, 2048, 32, 5),
        (32, 512, 8192, 32, 4),
        (16, 2048, 2048, 3, 3),
    ):
        name = "three-nn" if k == 3 else f"knn-{total}"
        if smoke:
            batch, rows, total, k = 2, 6, 40, min(k, 8)
        title = f"{'three-NN' if name == 'three-nn' else 'kNN'} {batch} x ({rows} of {total}), k {k}"
        work = 9.0 * batch * rows * total, batch * (12.0 * (rows + total) + 12.0 * rows * k)
        make = partial(neighbors, batch, rows, total, k, name == "three-nn")
        cases.append(Case(name, title, make, *work, target))
    for batch, m, n, target in ((4864, 32, 32, 15), (8, 2048, 2048, 5)):
        name = f"chamfer-{m}"
        if smoke:
            batch, m, n = 3, 8, 9
        # One pass can serve both directions; forward reads the clouds, backward reads them again and writes two.
        work = 10.0 * batch * m * n, 60.0 * batch * (m + n)
        title = f"Chamfer {batch} x ({m}, {n}), forward+backward"
        cases.append(Case(name, title, partial(chamfer, batch, m, n), *work, target))
    batch, rows, total, k = (2, 6, 40, 4) if smoke else (32, 512, 2048, 32)
    work = 9.0 * batch * rows * total, batch * (12.0 * (rows + total) + 8.0 * rows * k)
    cases.append(
        Case(
            "ball-query",
            f"ball query {batch} x ({rows} of {total}), k {k}",
            partial(ball, batch, rows, total, k),
            *work,
        )
    )
    batch, channels, total, places = (2, 4, 40, 12) if smoke else (16, 64, 2048, 8192)
    work = float(batch * channels * places), batch * (8.0 * channels * (total + places) + 16.0 * places)
    title = f"gather {batch} x {channels} x ({places} of {total}), forward+backward"
    cases.append(Case("gather", title, partial(gathering, batch, channels, total, places), *work))
    for batch, total, groups, size in ((32, 1024, 64, 32), (32, 2048, 128, 32)):
        name = f"group-{total}"
        if smoke:
            batch, total, groups, size = 2, 40, 6, 4
        work = 19.0 * batch * total * groups, batch * (12.0 * total + groups * (20.0 + 20.0 * size))
        title = f"group {batch} x {total} -> {groups} x {size}"
        cases.append(Case(name, title, partial(grouping, batch, total, groups, size), *work))
    return cases


def timed(call: Callable[[], Any], number: int, device: torch.device) -> float:
    """Seconds of one call, from `number` calls in a row."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(number):
        call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - start) / number


def measure(case: Case, device: torch.device, repeats: int, tick: Callable[[], Any]) -> Result:
    """Time all implementations of a row, which take turns; `tick` is called after every round."""
    calls = case.calls(device)
    first = {}
    for name, call in calls.items():
        try:
            timed(call, 1, device)
            first[name] = timed(call, 1, device)
        except Exception as error:  # such as a peer that was built without CUDA, or has another interface
            if name == "recon_ops":
                raise
            print(f"{case.title}: without {name}: {first_line(error)}", file=sys.stderr)
    calls = {name: calls[name] for name in first}
    # Of one peer's variants ("name: variant") only those that may be its best are worth the time.
    for peer in {name.split(":")[0] for name in first}:
        best = min(seconds for name, seconds in first.items() if name.split(":")[0] == peer)
        for name in [name for name in first if name.split(":")[0] == peer and first[name] > 1.5 * best]:
            del calls[name], first[name]
    number = {name: max(1, math.ceil(SHORTEST_SECONDS / seconds)) for name, seconds in first.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(repeats):
        for name in order:
            seconds[name].append(timed(calls[name], number[name], device))
        order = order[1:] + order[:1]
        tick()
    return Result(case, {name: 1000 * statistics.median(all_of) for name, all_of in seconds.items()})


def machine_limits(device: torch.device, smoke: bool) -> dict[str, float]:
    """Measure what the machine can do at best: bytes a second of a large copy, float32 flops of a matrix product."""
    size = 1 << (20 if smoke else 26)
    source = torch.ones(size, device=device)
    into = torch.empty_like(source)
    side = 256 if smoke else 4096 if device.type == "cuda" else 2048
    matrix = torch.ones(side, side, device=device)
    tf32, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, False
    fastest = [
        min(timed(call, 1, device) for _ in range(2 if smoke else 7))
        for call in (partial(into.copy_, source), partial(torch.mm, matrix, matrix))
    ]
    torch.backends.cuda.matmul.allow_tf32 = tf32
    return {"bytes_per_second": 2 * 4 * size / fastest[0], "flops_per_second": 2 * side**3 / fastest[1]}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def report(results: list[Result], device: torch.device, limits: dict[str, float], repeats: int) -> dict[str, Any]:
    """Everything that was measured, ready for JSON."""
    machine = {"processor": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads()}
    machine["system"] = platform.platform()
    if device.type == "cuda":
        machine["gpu"], machine["cuda"] = torch.cuda.get_device_name(device), torch.version.cuda
    rows = []
    for result in results:
        share, bound = result.share(limits)
        row = {"name": result.case.name, "title": result.case.title, "milliseconds": result.milliseconds}
        row |= {"best_peer": result.best_peer(), "ratio": result.ratio()}
        row |= {"target": result.case.target if device.type == "cpu" else 5.0, "share_of_limit": share, "limit": bound}
        rows.append(row)
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "git": git_revision(REPOSITORY),
        "machine": machine,
        "versions": versions(PACKAGES),
        "not_installed": not_installed(),
        "device": device.type,
        "backend": recon_ops.backend(device),
        "repeats": repeats,
        "limits": limits,
        "rows": rows,
    }


def table(content: dict[str, Any]) -> str:
    """The report as a text table."""
    lines = [("operator", "ours ms", "best peer", "peer ms", "ratio", "target", "of limit")]
    for row in content["rows"]:
        peer, ratio = row["best_peer"], row["ratio"]
        lines.append(
            (
                row["title"],
                f"{row['milliseconds']['recon_ops']:.3f}",
                peer or "-",
                f"{row['milliseconds'][peer]:.3f}" if peer else "-",
                f"{ratio:.1f} x" if ratio else "-",
                f"{row['target']:g} x" if row["target"] else "-",
                f"{100 * row['share_of_limit']:.0f} % {row['limit']}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def run_ops(device: torch.device, repeats: int, only: list[str] | None, smoke: bool) -> dict[str, Any]:
    """Measure the operators and return the report.

    Raises:
        UserError: if a name in `only` is unknown.
    """
    threads, results = torch.get_num_threads(), []
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
                results.append(measure(case, device, repeats, bar.update))
    return report(results, device, limits, repeats)


def check_writable(file: Path) -> None:
    """Find out before the work whether a result can be written.

    Raises:
        UserError: if it cannot.
    """
    if not file.parent.is_dir():
        raise UserError(f"--json {file}: the folder {file.parent} does not exist")
    if file.is_dir():
        raise UserError(f"--json {file}: is a folder")
    try:
        tempfile.TemporaryFile(dir=file.parent).close()
    except OSError as error:
        raise UserError(f"--json {file} cannot be written: {error.strerror}") from None


def main(arguments: list[str] | None = None) -> None:
    """Command line: see `python -m tools.benchmark --help`."""
    parser = Parser(
        description="Time the point operators beside every peer that can be imported, in turns, in one process.",
        epilog="The share of the limit counts the straightforward formulation; pruning can take it above 100 %.",
    )
    parser.add_argument("what", choices=["ops"], help="what to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--repeats", type=int, default=15, help="rounds, at least 10 (default: %(default)s)")
    parser.add_argument("--only", action="append", metavar="NAME", help="this row only; may be given several times")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="(default: CUDA where there is one)")
    parser.add_argument("--threads", type=int, help="CPU threads for all of them (default: PyTorch's choice)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, two rounds: shows that it runs")
    args = parser.parse_args(arguments)
    if args.repeats < 10:
        raise UserError(f"--repeats {args.repeats}: must be at least 10")
    if args.threads is not None and args.threads < 1:
        raise UserError(f"--threads {args.threads}: must be at least 1")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no CUDA device here")
    if args.json:
        check_writable(args.json)
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if args.threads:
        torch.set_num_threads(args.threads)
    content = run_ops(device, 2 if args.smoke else args.repeats, args.only, args.smoke)
    machine = content["machine"]
    where = machine.get("gpu") or f"{machine['processor']}, {machine['threads']} of {machine['cores']} cores"
    print(f"{where}; recon_ops on {content['backend']}; medians of {content['repeats']}, {content['date']}")
    print(table(content))
    if content["not_installed"]:
        print("peers that are not installed:", ", ".join(content["not_installed"]))
    if args.json:
        try:
            write_json(content, args.json)
        except OSError as error:
            raise UserError(f"--json {args.json} cannot be written: {error.strerror}") from None


if __name__ == "__main__":
    run_command(main)
