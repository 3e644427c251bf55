"""Exported files: onnxruntime and PyTorch without this library compute what the model does, at sizes never traced."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open

import tools.export
from extensions import group, max_pool
from models import build_model_from_cfg, load_pretrained
from models.pretrained import find_checkpoint as find
from tools.export import main, unrolled_group, unrolled_max_pool
from utils.errors import UserError

ROOT = Path(__file__).parent.parent
SHAPE = {"trans_dim": 24, "encoder_dims": 24, "depth": 1, "num_heads": 3, "patch_dim": 8}
PATCHES = {"num_group": 12, "group_size": 8}
CLASSIFIER = {"NAME": "PointTransformer", "cls_dim": 5, **SHAPE, **PATCHES}
PRETRAINING = {
    "NAME": "ReCon",
    **PATCHES,
    "img_encoder": "features",
    "img_dim": 6,
    "text_encoder": "features",
    "text_dim": 6,
    "transformer_config": {**SHAPE, "decoder_depth": 1, "decoder_num_heads": 3},
}

newer = pytest.mark.skipif(torch.__version__ < "2.7", reason="PyTorch's ONNX exporter does not go with onnxscript")


def checkpoint(folder: Path, config: dict) -> str:
    """Weights with moved BatchNorm statistics, as training leaves them."""
    torch.manual_seed(0)
    model = build_model_from_cfg(config)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    path = folder / "ckpt.pth"
    names = ["a", "b", "c", "d", "night_stand"]
    torch.save(
        {"base_model": model.state_dict(), "config": {"model": config, "npoints": 64, "class_names": names}}, path
    )
    return str(path)


def clouds() -> list[torch.Tensor]:
    """Batches of several sizes; points that are equal, equally far, or near the origin, which FPS never picks."""
    draw = torch.Generator().manual_seed(3)
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 4)] * 3, indexing="ij"), dim=-1).view(1, 64, 3)
    twice = torch.rand(2, 20, 3, generator=draw).repeat(1, 2, 1)
    origin = torch.rand(3, 33, 3, generator=draw) * 2 - 1
    origin[:, 5:20] *= 0.01
    return [grid, twice, origin, torch.randn(1, 12, 3, generator=draw), torch.randn(7, 300, 3, generator=draw)]


def same(names: list[str], got: list, encoder, points: torch.Tensor) -> None:
    """Compare outputs with those of an encoder."""
    with torch.no_grad():
        expected = encoder(points)
    for name, values in zip(names, got, strict=True):
        if name == "logits":
            head = encoder.network.cls_head_finetune
            with torch.no_grad():
                wanted = head(torch.cat((expected.queries.flatten(1), expected.local.amax(1)), dim=1))
        else:
            wanted = getattr(expected, name)
        assert torch.as_tensor(values).shape == wanted.shape
        assert torch.allclose(torch.as_tensor(values), wanted, atol=1e-4), name


@newer
@pytest.mark.parametrize(
    ("config", "outputs"),
    [
        (CLASSIFIER, ["logits", "local", "queries", "pooled"]),
        (PRETRAINING, ["local", "queries", "pooled", "image", "text"]),
    ],
    ids=["classifier", "pretrained"],
)
def test_onnx(tmp_path, capsys, config, outputs):
    source = checkpoint(tmp_path, config)
    main(["--ckpts", source])
    path, encoder = tmp_path / "ckpt.onnx", load_pretrained(source)
    assert f"{path}: points (B, N >= 12, 3) -> {', '.join(outputs)}" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (takes,) = session.get_inputs()
    assert takes.name == "points" and takes.shape[2] == 3 and all(isinstance(size, str) for size in takes.shape[:2])
    assert [one.name for one in session.get_outputs()] == outputs
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["class_names"])[-1] == "night stand" and about["least_points"] == "12"
    for points in clouds():
        same(outputs, session.run(None, {"points": points.numpy()}), encoder, points)
    assert not list(tmp_path.glob(".*"))


def test_torchexport(tmp_path):
    source = checkpoint(tmp_path, CLASSIFIER)
    main(["--ckpts", source, "--format", "torchexport", "--out", str(tmp_path / "alone.pt2")])
    main(["--ckpts", source, "--format", "torchexport", "--own_ops"])
    encoder, names = load_pretrained(source), ["logits", "local", "queries", "pooled"]
    for file in ("alone.pt2", "ckpt.pt2"):
        module = torch.export.load(str(tmp_path / file)).module()
        for points in clouds():
            same(names, list(module(points)), encoder, points)
    # Where nothing of this library is.
    torch.save(clouds()[4], tmp_path / "points.pt")
    script = (
        "import torch; m = torch.export.load('alone.pt2').module(); p = torch.load('points.pt')\n"
        "torch.save(m(p)[0], 'logits.pt')\n"
        "try: torch.export.load('ckpt.pt2')\n"
        "except Exception: pass\n"
        "else: raise SystemExit('loaded without its operators')"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True)
    same(["logits"], [torch.load(tmp_path / "logits.pt")], encoder, clouds()[4])


def test_operators_in_plain_pytorch():
    for points in clouds():
        expected, got = group(points, 9, 7), unrolled_group(points, 9, 7, True)
        assert torch.equal(got[0], expected[0]) and torch.equal(got[1], expected[1])
        inner = unrolled_group(points, 9, 7, False)
        assert torch.equal(inner[0], group(points, 9, 7, skip_origin=False)[0])
    assert torch.equal(unrolled_max_pool(points)[0], max_pool(points))


def test_safetensors(tmp_path):
    source = checkpoint(tmp_path, CLASSIFIER)
    main(["--ckpts", source, "--format", "safetensors"])
    with safe_open(tmp_path / "ckpt.safetensors", "pt") as file:
        config = json.loads(file.metadata()["config"])
    assert config["npoints"] == 64 and config["model"]["trans_dim"] == 24 and config["class_names"][0] == "a"
    again, points = load_pretrained(tmp_path / "ckpt.safetensors"), clouds()[2]
    model = tools.export.ExportedEncoder(load_pretrained(source)).eval()
    with torch.no_grad():
        same(model.outputs, list(model(points)), again, points)


def test_errors(tmp_path, monkeypatch):
    source = checkpoint(tmp_path, CLASSIFIER)
    for arguments, words in (
        (["--ckpts", str(tmp_path / "none.pth")], "none.pth"),
        (["--ckpts", source, "--format", "tflite"], "invalid choice"),
        (["--ckpts", source, "--own_ops"], "goes with --format torchexport"),
        (["--ckpts", source, "--format", "torchexport", "--out", str(tmp_path / "no/x.pt2")], "cannot be written"),
    ):
        with pytest.raises(UserError, match=words):
            main(arguments)
    for package in ("onnxscript", "onnxruntime"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(UserError, match=f"{package} is needed .*requirements-export.txt"):
                main(["--ckpts", source])


@pytest.mark.parametrize("kind", ["onnx", "torchexport"])
def test_what_computes_something_else_is_not_kept(tmp_path, monkeypatch, kind):
    source, path = checkpoint(tmp_path, CLASSIFIER), tmp_path / f"out{tools.export.SUFFIXES[kind]}"
    monkeypatch.setattr(tools.export, "standalone", lambda program: program)
    monkeypatch.setattr(tools.export, "to_onnx", lambda *_: _Wrong())
    monkeypatch.setattr(tools.export, "run_onnx", lambda path: _Wrong().module())
    monkeypatch.setattr(torch.export, "load", lambda file: _Wrong())
    for before in (None, b"an earlier one"):
        if before:
            path.write_bytes(before)
        with pytest.raises(UserError, match=rf"{path} differs from PyTorch by .* in logits of 1 clouds of 12 points"):
            main(["--ckpts", source, "--format", kind, "--out", str(path)])
        assert (path.read_bytes() if path.exists() else None) == before
        assert {one.name for one in tmp_path.iterdir()} == {"ckpt.pth", *[path.name] * bool(before)}


def test_the_source_is_not_overwritten(tmp_path, monkeypatch):
    source, path = checkpoint(tmp_path, CLASSIFIER), tmp_path / "mine.safetensors"
    main(["--ckpts", source, "--format", "safetensors", "--out", str(path)])
    (tmp_path / "link.safetensors").symlink_to(path)
    shipped = (ROOT / "models/weights/world.safetensors").resolve()
    monkeypatch.setattr(tools.export, "find_checkpoint", lambda name: path if name.startswith("hub:") else find(name))
    before, weights = path.read_bytes(), {one: one.stat().st_mtime_ns for one in shipped.parent.iterdir()}
    for arguments, words in (
        (["--ckpts", str(path)], "another file than the checkpoint"),
        (["--ckpts", str(tmp_path / "link.safetensors")], "another file than the checkpoint"),
        (["--ckpts", str(path), "--out", str(tmp_path / "link.safetensors")], "another file than the checkpoint"),
        (["--out", str(shipped)], "another file than the checkpoint"),
        ([], "--out FILE is needed: world"),
        (["--format", "onnx"], "--out FILE is needed: world"),
        (["--ckpts", str(shipped)], "--out FILE is needed"),
        (["--ckpts", "hub:someone/something"], "--out FILE is needed: hub:someone/something"),
    ):
        with pytest.raises(UserError, match=words):
            main(["--format", "safetensors", *arguments])
    assert path.read_bytes() == before and (tmp_path / "link.safetensors").is_symlink()
    assert {one: one.stat().st_mtime_ns for one in shipped.parent.iterdir()} == weights


class _Wrong:
    def save(self, path):
        Path(path).write_bytes(b"wrong")

    def module(self):
        return lambda points: [part + 1e-3 for part in (torch.zeros(len(points), 5),) * 4]


@newer
def test_documented_example(tmp_path):
    """What docs/interoperability.md shows runs as it stands."""
    text = (ROOT / "docs/interoperability.md").read_text(encoding="utf-8")
    example = next(code for code in re.findall(r"```python\n(.*?)```", text, re.S) if "onnxruntime" in code)
    main(["--ckpts", checkpoint(tmp_path, CLASSIFIER), "--out", str(tmp_path / "encoder.onnx")])
    np.save(tmp_path / "chair.npy", np.random.default_rng(0).normal(5, 3, (500, 3)))
    done = subprocess.run([sys.executable, "-I", "-c", example], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "(1, 48)" in done.stdout


@pytest.mark.skipif(torch.__version__ >= "2.7", reason="of PyTorch 2.6")
def test_onnx_with_an_older_pytorch(tmp_path):
    with pytest.raises(UserError, match="PyTorch 2.6.* do not go together .*newer than 2.6"):
        main(["--ckpts", checkpoint(tmp_path, CLASSIFIER), "--format", "onnx"])
    assert not list(tmp_path.glob("*.onnx"))
