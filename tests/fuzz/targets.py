"""What is fuzzed: a reader, files that it takes, and how they are changed."""

import io
import json
import pickle
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
import trimesh
import yaml
from PIL import Image
from torch import nn

from datasets import build_dataset, readers
from datasets.folder import read_shape
from models import PointEncoder, load_pretrained, parse_model_config, save_pretrained
from models.network import Network
from models.shape import EncoderShape
from tests.fuzz import mutate
from tests.fuzz.mutate import Mutation, either
from tools.engine.config import parse_run_config
from tools.engine.run import differences
from utils.checkpoint import load_checkpoint, load_weights
from utils.config import load_config
from utils.errors import UserError
from utils.logging import read_metrics
from utils.optimizer_state import load_optimizer, optimizer_state


@dataclass
class Target:
    """One reader.

    Attributes:
        name: of the file that it reads, with what goes in front of it.
        read: reads a path.
        seeds: contents of sound files.
        mutation: changes them.
    """

    name: str
    read: Callable[[Path], object]
    seeds: Callable[[], list[bytes]]
    mutation: Mutation


def _saved(write: Callable[[Path], object], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _cloud(points: int = 50, columns: int = 6) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((points, columns)).astype(np.float32)


def _pickles() -> list[bytes]:
    cloud = _cloud(40)
    fold = {"train": [(cloud, i % 5, np.int32(i % 5)) for i in range(5)], "test": [(cloud[::-1].T.T, 1, 2)]}
    objects = [np.array([{"xyz": cloud}, [1]], dtype=object), np.array(["ab", "c"]), np.float64(2), b"x"]
    return [pickle.dumps(content, protocol) for protocol in (0, 2, 4, 5) for content in (fold, objects)]


def _read_fold(path: Path) -> object:
    values = {"NAME": "ModelNetFewShot", "DATA_PATH": str(path.parent.parent)}
    others = {"subset": "train", "way": 5, "shot": 10, "fold": 0, "npoints": 8}
    return build_dataset({"_base_": values, "others": others}, "", "dataset.train")


def _arrays() -> list[bytes]:
    kinds = [_cloud(), _cloud().astype(">f8"), np.asfortranarray(_cloud(8, 3)), _cloud(4, 3).astype(object)]
    return [_saved(lambda path, array=array: np.save(path, array), "a.npy") for array in kinds]


def _write_h5(path: Path, **options) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.stack([_cloud(32, 3)] * 4), **options)
        file["label"] = np.arange(4)


def _h5() -> list[bytes]:
    chunked = {"chunks": (1, 32, 3)}
    kinds = [{}, chunked, {**chunked, "compression": "gzip", "shuffle": True}, {**chunked, "fletcher32": True}]
    return [_saved(lambda path, kind=kind: _write_h5(path, **kind), "a.h5") for kind in kinds]


def _images() -> list[bytes]:
    colours, grey = np.random.default_rng(0).integers(0, 256, (24, 24, 4), np.uint8), np.arange(576, dtype=np.uint16)
    pictures = [Image.fromarray(colours), Image.fromarray(colours[..., :3]), Image.fromarray(colours[..., 0])]
    pictures += [pictures[1].quantize(16), Image.fromarray((grey * 100).reshape(24, 24)), pictures[2].convert("1")]
    files = [_saved(picture.save, "a.png") for picture in pictures]
    return [*files, _saved(pictures[1].save, "a.jpg")]


def _mesh(kind: str) -> list[bytes]:
    box = trimesh.creation.box()
    files = [box.export(file_type=kind)]
    if kind == "ply":
        files.append(box.export(file_type=kind, encoding="ascii"))
    if kind == "stl":
        files.append(box.export(file_type="stl_ascii"))
    if kind == "glb":
        scene = trimesh.Scene([box])
        scene.add_geometry(
            trimesh.creation.icosahedron(), transform=trimesh.transformations.translation_matrix([2, 0, 0])
        )
        files.append(scene.export(file_type=kind))
    return [content.encode() if isinstance(content, str) else content for content in files]


def _pcd() -> list[bytes]:
    head = "VERSION .7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH 8\nHEIGHT 1\nPOINTS 8\nDATA "
    points = _cloud(8, 4)
    rows = "\n".join(" ".join(map(str, row)) for row in points.tolist())
    packed = b"".join(bytes([15]) + points.T.tobytes()[i : i + 16] for i in range(0, 128, 16))
    compressed = struct.pack("<II", len(packed), 128) + packed
    bodies = {"ascii": rows.encode(), "binary": points.tobytes(), "binary_compressed": compressed}
    return [f"{head}{form}\n".encode() + body for form, body in bodies.items()]


def _texts() -> list[bytes]:
    rows = [" ".join(f"{value:.4f}" for value in row) for row in _cloud(20, 3).tolist()]
    return ["\n".join(rows).encode(), "\n".join(["x,y,z", *rows]).replace(" ", ",").encode()]


class Small(nn.Module):
    """A model whose checkpoints are fuzzed."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(4, 3), nn.Linear(3, 2, bias=False)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        self.head(self.body(torch.ones(2, 4))).sum().backward()
        optimizer.step()


def _checkpoints() -> list[bytes]:
    contents = []
    for fused in (False, True):
        model = Small()
        optimizer = torch.optim.AdamW(model.parameters(), fused=fused)
        model.step(optimizer)
        run = {
            "epoch": 3,
            "metrics": {"accuracy": 50.0},
            "best_metrics": {},
            "optimizer": optimizer_state(optimizer, model),
        }
        contents += [{"base_model": model.state_dict(), **run}, model.state_dict()]
    files = []
    for content in contents:
        for new in (True, False):
            file = io.BytesIO()
            torch.save(content, file, _use_new_zipfile_serialization=new)
            files.append(file.getvalue())
    return files


def _packed() -> list[bytes]:
    shape = EncoderShape(trans_dim=12, encoder_dims=12, depth=1, num_heads=2, patch_dim=4, num_group=4, group_size=4)
    encoder = PointEncoder(Network(shape, ("cls",), "joint"), 16)
    return [_saved(lambda path: save_pretrained(encoder, path), "a.safetensors")]


def _resume(path: Path) -> None:
    state = load_checkpoint(path)
    model = Small()
    load_weights(model, path, loaded=state)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    if isinstance(state.get("optimizer"), dict):
        try:
            load_optimizer(optimizer, model, state["optimizer"], state["base_model"])
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:  # as when a run is resumed
            raise UserError(f"its optimizer is of another model: {error}") from None
    model.step(optimizer)


CONFIGS = ("pretrain/base", "full/finetune_modelnet", "segmentation/shapenetpart", "zeroshot/modelnet40")


def _configs() -> list[bytes]:
    root = Path(__file__).parent.parent.parent / "cfgs"
    own = [(root / f"{name}.yaml").read_bytes() for name in CONFIGS]
    whole = [yaml.safe_dump(load_config(root / f"{name}.yaml")).encode() for name in CONFIGS[:2]]
    return own + whole


def _read_config(path: Path) -> None:
    parse_model_config(parse_run_config(load_config(path)).model)


def _metrics() -> list[bytes]:
    scores = {"epoch": 3, "accuracy": 50.0, "correct": 5, "total": 10}
    settings = {"npoints": 64, "model": {"NAME": "x"}, "dataset": {"train": {"_base_": {"NAME": "y"}, "others": {}}}}
    record = {"task": "finetune", "seed": 0, "metric": "accuracy", "best": scores, "last": scores, "settings": settings}
    return [json.dumps(record).encode()]


def _read_metrics(path: Path) -> None:
    found = read_metrics(path.parent)
    differences(found, {"task": "finetune", "settings": {"npoints": 64}})


def _shape(path: Path) -> np.ndarray:
    return read_shape(str(path), 64, 0)


raw, text, pickled = mutate.raw, mutate.text, mutate.pickled
TARGETS = {
    "pickle": Target("5way_10shot/0.pkl", _read_fold, _pickles, either(pickled, pickled, raw)),
    "npy": Target("a.npy", readers.read_points_npy, _arrays, either(mutate.npy, raw)),
    "h5": Target("a.h5", lambda path: readers.read_h5(path, ("data", "label")), _h5, either(raw)),
    "image": Target("a.png", readers.read_image, _images, either(mutate.png, raw)),
    "pth": Target("a.pth", _resume, _checkpoints, either(mutate.pth, mutate.pth, raw)),
    "safetensors": Target("a.safetensors", load_pretrained, _packed, either(text, raw)),
    "yaml": Target("self.yaml", _read_config, _configs, either(mutate.config, text, raw)),
    "metrics": Target("metrics.json", _read_metrics, _metrics, either(mutate.json_file, raw)),
    "glb": Target("a.glb", _shape, lambda: _mesh("glb"), either(mutate.glb, raw)),
    **{kind: Target(f"a.{kind}", _shape, lambda kind=kind: _mesh(kind), either(text, raw)) for kind in ("ply", "stl")},
    **{kind: Target(f"a.{kind}", _shape, lambda kind=kind: _mesh(kind), either(text, raw)) for kind in ("obj", "off")},
    "pcd": Target("a.pcd", _shape, _pcd, either(text, raw)),
    "txt": Target("a.txt", _shape, _texts, either(text, raw)),
}
