"""Training steps by part, precision and size, beside a plain formulation: `python -m tools.benchmark step`."""

import copy
import os
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from datasets import build_dataset, collate
from models import build_model_from_cfg, parse_model_config
from models.embedding import PatchEmbedding
from models.losses import cross_entropy, segmentation_loss
from models.teachers import TeacherHolder, build_image_teacher, build_text_teacher
from tools.benchmark import baseline
from tools.benchmark.common import add_common_arguments, prepare_device, provenance, save_figures
from tools.report.tables import markdown_table
from utils.config import load_config
from utils.errors import Parser, UserError
from utils.files import writing
from utils.logging import progress, versions
from utils.memory import keep_freed_memory

CASES = {
    "pretrain": "cfgs/pretrain/base.yaml",
    "finetune-1k": "cfgs/full/finetune_modelnet.yaml",
    "finetune-2k": "cfgs/full/finetune_scan_hardest.yaml",
    "finetune-8k": "cfgs/full/finetune_modelnet_8k.yaml",
    "few-shot": "cfgs/full/fewshot.yaml",
    "segmentation": "cfgs/segmentation/shapenetpart.yaml",
    "zero-shot": "cfgs/zeroshot/modelnet40.yaml",
}
ARMS = ("baseline", "fp32", "bf16", "bf16+compile")
STAGES = ("data", "grouping", "teachers", "forward", "backward", "optimizer")
# What is varied, one at a time, around a case's own sizes: batch, points, width and heads.
GRID = {"cpu": ((4, 8, 32), (2048, 4096)), "cuda": ((32, 256, 512), (2048, 8192))}
WIDTHS = ((192, 3), (256, 4))
TINY = {"depth": 2, "trans_dim": 48, "encoder_dims": 48, "num_heads": 3, "patch_dim": 16, "num_group": 16}


@dataclass
class Case:
    """A config and sizes: what one table row is measured on.

    Attributes:
        name: a key of `CASES`.
        config: content of its YAML.
        batch: clouds a step.
        points: points a cloud.
        shape: keys of the encoder that differ from the config's.
        teachers: ask image and text teachers of the config's architectures, with random weights.
        data: where the loader reads the training set of the config; None: the batch is there already.
    """

    name: str
    config: dict
    batch: int
    points: int
    shape: dict[str, int] = field(default_factory=dict)
    teachers: bool = False
    data: str | None = None

    def model(self) -> Any:
        section = dict(self.config["model"])
        names = section.get("img_encoder"), section.get("text_encoder")
        if "transformer_config" in section:
            inner = {key: value for key, value in self.shape.items() if key != "num_group"}
            inner |= {"decoder_num_heads": self.shape["num_heads"]} if self.shape else {}
            section["transformer_config"] = {**section["transformer_config"], **inner}
            section |= {key: value for key, value in self.shape.items() if key == "num_group"}
            section |= {"img_encoder": "features", "text_encoder": "features", "img_dim": 768, "text_dim": 512}
        else:
            section |= self.shape | ({"text_encoder": "features"} if "text_encoder" in section else {})
            section |= {"tapped_layers": None} if "tapped_layers" in section else {}  # those of the depth
        torch.manual_seed(0)
        model = build_model_from_cfg(section)
        if self.teachers and model.pretrains and isinstance(model, TeacherHolder):
            held = build_image_teacher(names[0], train=True), build_text_teacher(names[1], train=True)
            for teacher in filter(None, held):
                teacher.trained = False
                teacher.freeze()
            model.hold_teachers(*held)
        return model


class Arm:
    """One way to take the steps of a case.

    Args:
        case: what is trained.
        name: one of `ARMS`.
        device: where.
    """

    def __init__(self, case: Case, name: str, device: torch.device):
        self.case, self.name, self.device = case, name, device
        self.dtype = torch.bfloat16 if name.startswith("bf16") else torch.float32
        self.model = case.model().to(device)
        self.trains = self.model.embeds is None
        self.model.train(self.trains).requires_grad_(self.trains)
        plain = name == "baseline"
        kind: dict[str, Any] = {"fused": False, "foreach": False} if plain else {"fused": True}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, **kind)
        self.call = torch.compile(self.model, dynamic=False) if name.endswith("compile") else self.model
        draw = torch.Generator().manual_seed(0)
        count, shape = case.batch, self.model.shape
        self.points = (torch.rand(count, case.points, 3, generator=draw) * 2 - 1).to(device)
        self.image = torch.randn(count, *((3, 224, 224) if case.teachers else (768,)), generator=draw).to(device)
        words = [f"a shape of kind {i}" for i in range(count)]
        self.text = words if case.teachers else torch.randn(count, 512, generator=draw).to(device)
        self.labels = torch.randint(10, (count,), generator=draw).to(device)
        self.mask = torch.rand(count, shape.num_group, generator=draw).argsort(1) < getattr(shape, "num_masked", 0)
        self.mask = self.mask.to(device)
        self.batches = self._batches(case.data) if case.data else None

    def _batches(self, root: str):
        section = self.case.config["dataset"]["train"]
        data = build_dataset(section, root, "dataset.train", 0)
        loader = DataLoader(data, self.case.batch, shuffle=True, drop_last=True, num_workers=1, collate_fn=collate)
        if not len(loader):
            raise UserError(f"--data_root: {len(data)} samples are fewer than a batch of {self.case.batch}")
        while True:
            yield from loader

    def losses(self, patches: Any, targets: dict[str, Tensor]) -> Tensor:
        """The loss of a batch; for a model that does not train here, its output's mean."""
        model, segments = self.model, self.model.segments
        if model.pretrains:
            if self.name == "baseline":
                terms = baseline.plain_pretrain(model, self.points, self.mask, targets)
            else:
                terms = self.call(patches, mask=self.split, targets=targets)
            return sum(terms.values(), torch.zeros(()))
        if segments:
            category = (self.labels,) if segments == "parts" else ()
            log_prob = self.call(self.points, *category, patches=patches)
            return segmentation_loss(log_prob, self.labels[:, None].expand(log_prob.shape[:2]))
        if self.name == "baseline":
            return cross_entropy(baseline.plain_classify(model, self.points), self.labels)
        output = self.call(patches)
        return cross_entropy(output, self.labels) if model.classifies else output.float().mean()

    def step(self) -> dict[str, float]:
        """Take one step; returns the seconds of its parts."""
        seconds, plain, batches = {}, self.name == "baseline", self.batches
        if batches is not None:
            batch = self._timed(seconds, "data", lambda: next(batches))
            self.points = batch["points"][:, : self.case.points, :3].to(self.device).contiguous()
        patches = None if plain else self._timed(seconds, "grouping", lambda: self.model.group(self.points))
        with torch.autocast(self.device.type, self.dtype) if self.dtype != torch.float32 else nullcontext():
            targets = {}
            if self.model.pretrains:
                targets = self._timed(seconds, "teachers", lambda: self.model.targets(self.image, self.text))
                self.split = None if patches is None else self.model.split(patches.centers, self.mask)
            with torch.set_grad_enabled(self.trains):
                self.loss = self._timed(seconds, "forward", lambda: self.losses(patches, targets))
        if self.trains:
            self._timed(seconds, "backward", self.loss.backward)
            self._timed(seconds, "optimizer", self._update)
        return seconds

    def _update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _timed(self, seconds: dict[str, float], part: str, call: Callable[[], Any]) -> Any:
        now = clock_of(self.device)
        start = now()
        result = call()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        seconds[part] = now() - start
        return result

    def memory(self) -> int:
        """Peak bytes that a step allocates beyond the weights and the optimizer's state."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            self.step()
            return torch.cuda.max_memory_allocated() - before
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler tells when it starts
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            self.step()
        held = peak = 0
        results: Any = recorded.profiler and recorded.profiler.kineto_results
        for event in results.events():
            if event.name() == "[memory]":
                held += event.nbytes()
                peak = max(peak, held)
        return peak

    def flops(self) -> dict[str, int]:
        """Floating-point operations of the matrix products of a step: of the `published` formulation, and `run`.

        Not run are, in pretraining, the last layer of the patch embedding for hidden patches, and on CPUs all of that
        layer's gradient but what flows through the maxima.
        """
        saved = []

        def count(module: PatchEmbedding, inputs: tuple, output: Tensor) -> None:
            batch, groups, size, _ = inputs[0].shape
            hidden = batch * inputs[1].shape[1] if len(inputs) > 1 and self.trains else 0
            product = 2 * size * module.second_conv[3].weight.numel()
            sparse = 2 * batch * groups if self.trains and self.device.type == "cpu" else 0
            saved.append(product * ((3 if self.trains else 1) * hidden + sparse))

        hooks = [m.register_forward_hook(count) for m in self.model.modules() if isinstance(m, PatchEmbedding)]
        with FlopCounterMode(display=False) as counter:
            self.step()
        for hook in hooks:
            hook.remove()
        run = counter.get_total_flops()
        return {"published": run + sum(saved), "run": run}


def clock_of(device: torch.device) -> Callable[[], float]:
    """Return the clock to time with: of one thread its own CPU time, whatever else the machine does."""
    return time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter


def peak_flops(device: torch.device, dtype: torch.dtype, side: int) -> float:
    """Operations a second of one large matrix product."""
    matrix = torch.randn(side, side, device=device, dtype=dtype)
    seconds, now = [], clock_of(device)
    for _ in range(3):
        start = now()
        torch.matmul(matrix, matrix)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(now() - start)
    return 2 * side**3 / min(seconds)


def arms_of(case: Case, wanted: Sequence[str]) -> list[str]:
    """The arms that a case has: the baseline is written for classification and pretraining only."""
    kind = parse_model_config(case.config["model"])[0]
    return [arm for arm in wanted if arm != "baseline" or kind.pretrains or kind.classifies]


def measure_steps(case: Case, wanted: Sequence[str], device: torch.device, rounds: int, side: int) -> dict[str, Any]:
    """Time the arms of a case in turns.

    Returns:
        By arm the medians of the parts in ms, clouds a second, share of the matrix-product peak and peak memory.

    Raises:
        RuntimeError: if the losses of the baseline and of ours differ.
    """
    arms = [Arm(case, name, device) for name in arms_of(case, wanted)]
    peaks, times, losses, title = {}, {arm.name: [] for arm in arms}, {}, f"{case.name} {case.batch}x{case.points}"
    for arm in progress(arms, desc=f"{title}: first steps"):
        torch.manual_seed(0)
        arm.step()
        losses[arm.name] = arm.loss.item()
    if {"baseline", "fp32"} <= losses.keys() and abs(losses["baseline"] / losses["fp32"] - 1) > 1e-3:
        raise RuntimeError(f"{title}: the loss is {losses['fp32']}, that of the baseline {losses['baseline']}")
    for _ in progress(range(rounds), desc=title):
        for arm in arms:
            peak = peak_flops(device, arm.dtype, side)
            peaks[arm.dtype] = max(peaks.get(arm.dtype, 0.0), peak)
            times[arm.name].append(arm.step())
    eager = next((arm for arm in arms if arm.name == "fp32"), copy.copy(arms[-1]))
    flops, rows = eager.flops(), {}
    for arm in arms:
        parts = {part: 1e3 * statistics.median(t.get(part, 0.0) for t in times[arm.name]) for part in STAGES}
        total = statistics.median(sum(t.values()) for t in times[arm.name])
        rows[arm.name] = {
            "milliseconds": {"step": 1e3 * total, **parts},
            "clouds_per_second": case.batch / total,
            "share_of_peak": flops["published"] / total / peaks[arm.dtype],
            "peak_memory": arm.memory(),
            "loss": losses[arm.name],
        }
    sizes = {"case": case.name, "batch": case.batch, "points": case.points, "width": arms[0].model.shape.trans_dim}
    flops = {f"flops_{name}": value for name, value in flops.items()}
    return {**sizes, **flops, "peaks": {str(k): v for k, v in peaks.items()}, "arms": rows}


def report(results: Sequence[dict[str, Any]]) -> str:
    """The table in Markdown: a row for each case and arm."""
    lines = [["case", "batch", "points", "width", "arm", "clouds/s", "x baseline", "of peak", *STAGES, "memory (GB)"]]
    for result in results:
        first = result["arms"].get("baseline")
        for name, row in result["arms"].items():
            ratio = f"{row['clouds_per_second'] / first['clouds_per_second']:.1f}" if first else "-"
            sizes = [result[key] for key in ("case", "batch", "points", "width")]
            parts = [f"{row['milliseconds'][part]:.1f}" for part in STAGES]
            speed = [f"{row['clouds_per_second']:.1f}", ratio, f"{100 * row['share_of_peak']:.0f} %"]
            lines.append([*sizes, name, *speed, *parts, f"{row['peak_memory'] / 1e9:.2f}"])
    return markdown_table(lines)


def main(argv: Sequence[str]) -> None:
    """Command line: see `python -m tools.benchmark step --help`."""
    parser = Parser(prog="tools.benchmark step", description="Time training steps; parts in ms, shares of the peak.")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases (default: all)")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="(default: all)")
    parser.add_argument(
        "--batch", type=int, metavar="B", help="clouds a step (default: 16 on CPUs, the config's on CUDA)"
    )
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="steps of each arm (default: %(default)s)")
    parser.add_argument("--grid", action="store_true", help="vary batch, points and width of the first case as well")
    parser.add_argument("--teachers", action="store_true", help="ask teachers of full size, with random weights")
    parser.add_argument("--data_root", metavar="DIR", help="read the data sets of the configs there")
    parser.add_argument("--quick", action="store_true", help="a tiny model and few steps, to see that it runs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    add_common_arguments(parser)
    args = parser.parse_args(argv)
    if args.rounds < 1 or (args.batch or 2) < 2:
        raise UserError("--rounds must be at least 1, --batch at least 2")
    device = prepare_device(args)
    kept = device.type == "cpu" and keep_freed_memory()
    side, rounds = (256, 1) if args.quick else (8192 if device.type == "cuda" else 2048, args.rounds)
    cases = []
    for name in args.only:
        config = load_config(CASES[name])
        batch = 4 if args.quick else args.batch or (16 if device.type == "cpu" else config["total_bs"])
        points = 128 if args.quick else config["npoints"]
        shape = TINY if args.quick else {}
        cases.append(Case(name, config, batch, points, shape, args.teachers, args.data_root))
    if args.grid:
        first, (batches, clouds) = replace(cases[0], data=None), GRID[device.type]
        cases += [replace(first, batch=batch) for batch in batches] + [replace(first, points=n) for n in clouds]
        for width, heads in WIDTHS:
            shape = first.shape | {"trans_dim": width, "encoder_dims": width, "num_heads": heads}
            cases.append(replace(first, shape=shape))
    results = [measure_steps(case, args.arms, device, rounds, side) for case in cases]
    table = report(results)
    print(table)
    content = {
        **provenance(device),
        "clock": clock_of(device).__name__,
        "keeps_freed_memory": kept,
        "versions": versions(("torch", "timm")),
        "rows": results,
    }
    save_figures(content, args.json)
    if args.markdown:
        with writing(f"--markdown {args.markdown}"):
            args.markdown.write_text(table + "\n", encoding="utf-8")
