"""Parameters and operations of models, beside the paper's columns: `python -m tools.complexity`."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from models import build_model_from_cfg
from models.embedding import PatchEmbedding
from tools.engine.config import RunConfig, parse_run_config
from tools.report.tables import text_table
from utils.config import load_config, read_yaml
from utils.errors import Parser, UserError, run_command
from utils.files import writing
from utils.logging import write_json

PUBLISHED = Path(__file__).with_suffix(".yaml")
COMPLEXITY_LEGEND = """\
parameters     of the classifier as it is fine-tuned, head included
multiply-adds  of all matrix products, attention included, for one cloud of so many points in eval mode; sampling,
               neighbours, norms, activations and maxima are left out, as usual
FLOPs          two for each multiply-add; of the published patch embedding, where this code needs fewer, since it
               computes once a patch what all points of the patch share
paper          its column holds FLOPs in some rows and multiply-adds in others (*), as those before it counted;
               the difference is to the one of ours that it must be"""


def count_operations(config: RunConfig) -> dict[str, Any]:
    """Count what the model of a config has and does, for one cloud of `npoints`. No weights are made, nothing is run.

    Returns:
        `npoints`, `parameters`, `head_parameters`, `flops` of the published formulation (two for each multiply-add)
        and `flops_run`, which this code needs.

    Raises:
        UserError: for a wrong `model` section, and for a model that takes more than points.
    """
    teachers = {key: "" for key in ("img_encoder", "text_encoder") if config.model.get(key)}
    with torch.device("meta"):
        model = build_model_from_cfg({**config.model, **teachers}).eval()
        points = torch.empty(1, config.npoints, 3)
    _, *others = inspect.signature(model.forward).parameters.values()
    if model.pretrains or any(other.default is other.empty for other in others):
        raise UserError(f"config key 'model.NAME': '{config.model['NAME']}' takes more than points, it is not counted")
    shared = []
    for module in model.modules():
        if isinstance(module, PatchEmbedding):
            module.register_forward_hook(lambda *call: shared.append(_repeated(*call)))
    # Fused attention would be one operator that not every release of PyTorch counts.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(points)
    run = counter.get_total_flops()
    head = getattr(model, "cls_head_finetune", nn.Identity())
    return {
        "npoints": config.npoints,
        "parameters": sum(p.numel() for p in model.parameters()),
        "head_parameters": sum(p.numel() for p in head.parameters()),
        "flops": run + sum(shared),
        "flops_run": run,
    }


def _repeated(embedding: PatchEmbedding, inputs: tuple, output: Any) -> int:
    """FLOPs that the published patch embedding repeats for every point of a patch, and this one does not."""
    batch, groups, size, _ = inputs[0].shape
    half = next(embedding.second_conv.parameters()).numel() // 2
    return 2 * batch * groups * (size - 1) * half


def paper_rows() -> list[dict[str, Any]]:
    """The paper's rows, each with what is measured of the model."""
    rows = read_yaml(PUBLISHED)["rows"]
    for row in rows:
        row["ours"] = count_operations(parse_run_config(load_config(row["config"], row.get("opts", []))))
    return rows


def compared(row: dict[str, Any]) -> tuple[float, float]:
    """Parameters in millions and operations in billions of a measured row, in what the paper's row counts."""
    ours = row["ours"]
    return ours["parameters"] / 1e6, ours["flops"] / 1e9 / (2 if row["counts"] == "multiply-adds" else 1)


def _cells(ours: dict[str, Any]) -> list[str]:
    millions, flops = ours["parameters"] / 1e6, ours["flops"] / 1e9
    return [str(ours["npoints"]), f"{millions:.2f}", f"{flops / 2:.2f}", f"{flops:.2f}"]


HEAD = ["model", "points", "parameters (M)", "multiply-adds (G)", "FLOPs (G)"]


def paper_table(rows: list[dict[str, Any]]) -> str:
    """Lay out `paper_rows`, the paper's columns and the difference to them."""
    lines = [[*HEAD[:3], "paper", "diff", *HEAD[3:], "paper", "diff"]]
    for row in rows:
        points, millions, *operations = _cells(row["ours"])
        paper = [str(row["parameters"]), str(row["operations"]) + " *"[row["counts"] == "multiply-adds"]]
        pairs = zip(compared(row), (row["parameters"], row["operations"]), strict=True)
        diffs = [f"{100 * (have / said - 1):+.1f} %" for have, said in pairs]
        lines.append([row["model"], points, millions, paper[0], diffs[0], *operations, paper[1], diffs[1]])
    notes = [f"{row['model']:<13}  {row['note']}" for row in rows if "note" in row]
    return "\n".join([text_table(lines), "", COMPLEXITY_LEGEND, *notes])


def main() -> None:
    """Command line: see `python -m tools.complexity --help`."""
    parser = Parser(description="Count parameters and operations of models, by default those of the paper's Table 1.")
    parser.add_argument("--config", nargs="+", metavar="FILE", help="count the models of these configs instead")
    parser.add_argument("--opts", nargs="+", default=[], metavar="KEY=VALUE", help="override keys of these configs")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there as well")
    args = parser.parse_args()
    if args.opts and not args.config:
        raise UserError("--opts goes with --config")
    if args.config:
        configs = {path: parse_run_config(load_config(path, args.opts)) for path in args.config}
        rows = [{"config": path, "ours": count_operations(config)} for path, config in configs.items()]
        print(text_table([HEAD] + [[row["config"], *_cells(row["ours"])] for row in rows]))
    else:
        rows = paper_rows()
        print(paper_table(rows))
    if args.json:
        with writing(f"--json {args.json}"):
            write_json({"rows": rows}, Path(args.json))


if __name__ == "__main__":
    run_command(main)
