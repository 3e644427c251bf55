"""Export an encoder or a classifier: `python -m tools.export --ckpts C --format onnx|torchexport|safetensors`.

Sampling and grouping are inside the graph, so that it maps points to features, for any number of clouds and of points.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from extensions import max_pool
from extensions.recon_ops.reference import ORIGIN_RADIUS_SQUARED
from models.encoder import PointEncoder
from models.pretrained import DEFAULT, HUB, SHIPPED, find_checkpoint, load_pretrained, save_pretrained
from utils.errors import Parser, UserError, at_least, run_command
from utils.files import atomic_write, writing
from utils.optional import optional

SUFFIXES = {"onnx": ".onnx", "torchexport": ".pt2", "safetensors": ".safetensors"}
OPSET = 18
TOLERANCE = 1e-4  # of outputs, which are of the order of 1
MOST = 2**31 - 1  # clouds, or points of a cloud
SIZES = ((1, 1), (3, 1.37), (2, 4.1))  # clouds, and points in units of the fewest, to compare on


class ExportedEncoder(nn.Module):
    """Maps points (B, N, 3) to what an encoder has of them.

    Args:
        encoder: in eval mode.

    Attributes:
        outputs: names of what `forward` returns: "logits" (B, classes), if there is a fine-tuned head, and the parts of
            `Encoding` that there are, "local", "queries", "pooled", "image" and "text".
        least: how many points a cloud must have at least.
    """

    def __init__(self, encoder: PointEncoder):
        super().__init__()
        self.encoder, head = encoder, encoder.network.cls_head_finetune
        self.least = max(encoder.network.num_group, encoder.network.group_size)
        with torch.no_grad():
            encoding = encoder(torch.randn(1, self.least, 3))
        self.parts = [name for name in encoding._fields if getattr(encoding, name) is not None]
        self.outputs = ["logits"] * (head is not None) + self.parts

    def forward(self, points: Tensor) -> tuple[Tensor, ...]:
        """Return `outputs`; points are (B, N, 3) float32, centred, in the unit sphere, y up."""
        encoding, head = self.encoder(points), self.encoder.network.cls_head_finetune
        parts = tuple(getattr(encoding, name) for name in self.parts)
        if head is None:
            return parts
        read = max_pool(encoding.local)
        if encoding.queries is not None:
            read = torch.cat((encoding.queries.flatten(1), read), dim=1)
        return head(read), *parts


def traced(model: ExportedEncoder) -> torch.export.ExportedProgram:
    """Trace a model with any number of clouds and of points; it holds the operators `torch.ops.recon_ops`."""
    example = torch.randn(2, 2 * model.least + 1, 3, generator=torch.Generator().manual_seed(0))
    # PyTorch 2.6 wants to know that a batch is not as large as an integer can be.
    dims = {0: torch.export.Dim("batch", max=MOST), 1: torch.export.Dim("points", min=model.least, max=MOST)}
    with torch.no_grad():
        return torch.export.export(model, (example,), dynamic_shapes={"points": dims})


def unrolled_group(points: Tensor, num_group: int, group_size: int, skip_origin: bool) -> tuple[Tensor, ...]:
    """`recon_ops.group` in PyTorch's own operators, unrolled, for programs that know no others."""

    def squared(a: Tensor) -> Tensor:
        x, y, z = (a * a).unbind(-1)
        return x + y + z

    def rows(index: Tensor) -> Tensor:
        return points.gather(1, index.flatten(1)[..., None].expand(-1, -1, 3)).unflatten(1, index.shape[1:])

    distance = torch.full_like(points[..., 0], float("inf"))
    if skip_origin:
        distance = distance.masked_fill(squared(points) <= ORIGIN_RADIUS_SQUARED, -1.0)
    picked = [torch.zeros_like(points[:, 0, 0], dtype=torch.int64)]
    for _ in range(1, num_group):
        distance = torch.minimum(distance, squared(points - rows(picked[-1][:, None])))
        picked.append(distance.argmax(1))
    center_index = torch.stack(picked, dim=1)
    centers = rows(center_index)
    index = squared(centers[:, :, None] - points[:, None]).sort(dim=-1, stable=True)[1][..., :group_size]
    return rows(index) - centers[:, :, None], centers, center_index, index


def unrolled_max_pool(values: Tensor) -> tuple[Tensor, ...]:
    """`recon_ops.max_pool` likewise."""
    return tuple(values.max(1))


def standalone(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Replace our operators by PyTorch's own."""
    own = torch.ops.recon_ops
    return program.run_decompositions({own.group.default: unrolled_group, own.max_pool.default: unrolled_max_pool})


def to_onnx(program: torch.export.ExportedProgram, outputs: Sequence[str], about: dict[str, str]) -> Any:
    """Return the ONNX program of a traced model, with metadata `about`.

    Raises:
        UserError: if this PyTorch does not go with this onnxscript, or a package is missing.
    """
    onnxscript = optional("onnxscript", "the ONNX format", "requirements-export.txt")
    from tools.onnx_ops import TRANSLATIONS

    try:
        converted = torch.onnx.export(
            program,
            dynamo=True,
            custom_translation_table=TRANSLATIONS,
            opset_version=OPSET,
            input_names=["points"],
            output_names=outputs,
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise UserError(
            f"PyTorch {torch.__version__} and onnxscript {onnxscript.__version__} do not go together "
            f"({reason[:200]}); a PyTorch newer than 2.6 is needed"
        ) from None
    assert converted is not None
    converted.model.metadata_props.update(about)
    for size, name in zip(converted.model.graph.inputs[0].shape or (), ("batch", "points"), strict=False):
        assert not isinstance(size, int), f"{name} has become a constant"
    return converted


def run_onnx(path: Path) -> Any:
    """Return a function that maps points (B, N, 3) to the outputs of an ONNX file, by onnxruntime on the CPU."""
    runtime = optional("onnxruntime", "checking an ONNX file", "requirements-export.txt")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda points: [torch.from_numpy(part) for part in session.run(None, {"points": points.numpy()})]


def compare(model: ExportedEncoder, run: Any, where: Path) -> float:
    """Compare a file with the model at sizes that it was not traced with; returns the largest difference.

    Raises:
        UserError: if it is larger than `TOLERANCE`.
    """
    draw, largest = torch.Generator().manual_seed(1), 0.0
    for clouds, factor in SIZES:
        points = torch.rand(clouds, int(factor * model.least), 3, generator=draw) * 2 - 1
        with torch.no_grad():
            expected = model(points)
        for name, one, other in zip(model.outputs, run(points), expected, strict=True):
            difference = (one - other).abs().max().item()
            largest = max(largest, difference)
            if one.shape != other.shape or not difference <= TOLERANCE:
                raise UserError(
                    f"{where} differs from PyTorch by {difference:.2g} in {name} of {clouds} clouds of "
                    f"{points.shape[1]} points (allowed: {TOLERANCE})"
                )
    return largest


def export(
    source: str, kind: str, out: Path | None = None, own_ops: bool = False, sizes: Mapping[str, Any] | None = None
) -> Path:
    """Export what `load_pretrained` loads.

    Args:
        source: see `load_pretrained`.
        kind: a key of `SUFFIXES`.
        out: the file; None: beside the checkpoint, where that is the user's and has another suffix.
        own_ops: a torchexport file keeps the operators of this library, which is faster, and needs it to be loaded.
        sizes: further arguments of `load_pretrained`.

    Returns:
        The file.

    Raises:
        UserError: if there is no such checkpoint, or the file would replace it, a package is missing, the file cannot
            be written, or what it would compute is not what PyTorch does; then there is none, or the one of before.
    """
    checkpoint = find_checkpoint(source)
    path = out or checkpoint.with_suffix(SUFFIXES[kind])
    if out is None and (source.startswith(HUB) or checkpoint.parent.resolve() == SHIPPED.resolve()):
        raise UserError(f"--out FILE is needed: {source} does not lie in a folder of yours")
    if path.exists() and path.samefile(checkpoint):
        raise UserError(f"--out must be another file than the checkpoint {checkpoint}")
    encoder = load_pretrained(source, **sizes or {})
    if kind == "safetensors":
        print(f"{save_pretrained(encoder, path)}: weights, and their config as metadata")
        return path
    if kind == "onnx":
        for package in ("onnxscript", "onnxruntime"):
            optional(package, "the ONNX format", "requirements-export.txt")
    model = ExportedEncoder(encoder).eval()
    about = {"outputs": json.dumps(model.outputs), "npoints": str(encoder.npoints), "least_points": str(model.least)}
    about |= {"class_names": json.dumps(encoder.class_names), "input": "(B, N, 3), centred, in the unit sphere, y up"}
    program = traced(model)
    with writing(path), atomic_write(path) as temporary:
        if kind == "onnx":
            to_onnx(program, model.outputs, about).save(str(temporary))
            run = run_onnx(temporary)
        else:
            with open(temporary, "wb") as file:
                torch.export.save(program if own_ops else standalone(program), file, extra_files=dict(about))
            with open(temporary, "rb") as file:
                run = torch.export.load(file).module()
        largest = compare(model, run, path)
    sizes_told = ", ".join(f"{clouds} x {int(factor * model.least)}" for clouds, factor in SIZES)
    print(f"{path}: points (B, N >= {model.least}, 3) -> {', '.join(model.outputs)}")
    print(f"at {sizes_told} points it differs from PyTorch by {largest:.1g} at most")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(description="Export an encoder or classifier, sampling and grouping included.")
    parser.add_argument("--ckpts", default=DEFAULT, help="a checkpoint, its folder, or hub:OWNER/NAME (%(default)s)")
    parser.add_argument("--format", choices=SUFFIXES, default="onnx", help="default: onnx")
    parser.add_argument("--out", type=Path, help="the file (default: beside a checkpoint of yours)")
    parser.add_argument("--own_ops", action="store_true", help="torchexport: keep this library's faster operators")
    for name in ("num_heads", "num_group", "group_size"):
        parser.add_argument(f"--{name}", type=at_least(1), help="where the checkpoint does not tell")
    args = parser.parse_args(arguments)
    if args.own_ops and args.format != "torchexport":
        raise UserError("--own_ops goes with --format torchexport")
    sizes = {name: getattr(args, name) for name in ("num_heads", "num_group", "group_size")}
    export(args.ckpts, args.format, args.out, args.own_ops, sizes)


if __name__ == "__main__":
    run_command(main)
