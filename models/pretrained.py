"""Encoders from checkpoints: `load_pretrained` recognises them by their weights, `save_pretrained` packs them."""

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from models.build import CHECKPOINT_PREFIXES, parse_model_config
from models.downstream import ClassifierConfig, PointTransformer, classifier_head
from models.encoder import EncoderWarning, PointEncoder
from models.network import Network
from models.shape import EncoderShape
from models.teachers import LOCAL_FOLDER
from utils.checkpoint import load_checkpoint, load_weights, strip_prefixes
from utils.config import parse, read_yaml
from utils.errors import UserError
from utils.files import atomic_write, writing
from utils.registry import suggestion

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = Path(__file__).parent / "weights"
DEFAULT = "world"  # of the weights that are shipped
HUB = "hub:"
# In the order of preference, where a folder holds several.
FILES = ("model.safetensors", "ckpt-best.pth", "ckpt-last.pth")
QUERIES = ("cls", "img", "text")
# Of the published sizes by width; what checkpoints without a config do not tell.
HEADS = {384: 6, 256: 4, 192: 3}
MOST_PATCHES = 1 << 16  # and points of one
TOWER = "Dis_encoder."  # of contrast, in two-tower models


class Settings(NamedTuple):
    """What an encoder is built from, beside its weights.

    Attributes:
        shape: keys of `EncoderShape`.
        npoints: points a cloud in training.
        text_encoder, text_weights: the text teacher.
        ratio: weight of the text feature.
        class_names: of the data that it was trained on.
        has_head: whether a head in the weights is one on all queries and the maximum over all tokens.
    """

    shape: dict[str, Any]
    npoints: int | None = None
    text_encoder: str | None = None
    text_weights: str | None = None
    ratio: float = 0.25
    class_names: Sequence[str] = ()
    has_head: bool = True


def load_pretrained(
    source: str | Path = DEFAULT,
    *,
    num_heads: int | None = None,
    num_group: int | None = None,
    group_size: int | None = None,
    npoints: int | None = None,
    text_encoder: str | None = None,
    text_weights: str | None = None,
    device: torch.device | str = "cpu",
) -> PointEncoder:
    """Load an encoder.

    Checkpoints of any task of ours and published ones of ReCon and Point-MAE, or of others with the same names, are
    recognised by their weights. What these do not tell comes from the config that our checkpoints hold, or from the
    `config.yaml` beside them, or is that of the released recipes.

    Args:
        source: the name of shipped weights ("world", "demo"); a checkpoint, or a folder that holds one; or
            `hub:OWNER/NAME`, optionally with `@REVISION` and `/FILE`, on the Hugging Face hub.
        num_heads: attention heads; needed where nothing tells them.
        num_group: patches a cloud.
        group_size: points a patch.
        npoints: points a cloud in training.
        text_encoder: the text teacher, as `model.text_encoder` in configs.
        text_weights: its weights, as `model.text_weights`.
        device: where it goes.

    Raises:
        UserError: if there is no such file, or it holds no such encoder.

    Warns:
        EncoderWarning: if the sizes of patches are not told by anything.
    """
    path = find_checkpoint(source)
    checkpoint = load_checkpoint(path)
    try:
        weights = _own_names(checkpoint["base_model"])
        settings = _settings(path, checkpoint, weights)
        given = {"num_heads": num_heads, "num_group": num_group, "group_size": group_size}
        settings.shape.update({name: value for name, value in given.items() if value is not None})
        network = _build(weights, settings)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # as of no encoder's shape
        raise UserError(f"{path}: its weights or its config are damaged: {error}") from None
    load_weights(network, path, loaded={**checkpoint, "base_model": weights})
    encoder = PointEncoder(
        network,
        npoints or settings.npoints or 1024,
        text_encoder or settings.text_encoder,
        text_weights or settings.text_weights,
        settings.ratio,
        settings.class_names,
    )
    return encoder.to(device)


def save_pretrained(
    encoder: PointEncoder, path: str | Path, dtype: torch.dtype = torch.float32, notes: Mapping[str, str] | None = None
) -> Path:
    """Write an encoder as one safetensors file under the released names, which `load_pretrained` and `--ckpts` read.

    Args:
        encoder: what is written; of its text teacher the name only.
        path: the file.
        dtype: of the weights in it, float32 or float16.
        notes: what else shall stand in its metadata.

    Returns:
        The path.

    Raises:
        UserError: if it cannot be written.
    """
    network, path = encoder.network, Path(path)
    shape = {field.name: getattr(network.shape, field.name) for field in fields(EncoderShape)}
    teacher = (encoder.text_encoder or "").replace(f"{ROOT}/", "") or None
    config = {
        "model": {"NAME": "PointEncoder", **shape, "text_encoder": teacher, "ratio": encoder.ratio},
        "npoints": encoder.npoints,
        "class_names": encoder.class_names,
    }
    state = {
        name: (value.to(dtype) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    with writing(path), atomic_write(path) as temporary:
        temporary.write_bytes(save(state, {"format": "pt", "config": json.dumps(config), **(notes or {})}))
    return path


def shipped() -> list[str]:
    """Names of the weights that are shipped."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def recipe(name: str) -> str:
    """Return the pretraining config of shipped weights, as their file tells."""
    with safe_open(SHIPPED / f"{name}.safetensors", "pt") as file:
        return file.metadata()["recipe"].partition(",")[0]


def find_checkpoint(source: str | Path) -> Path:
    """Return the file that `source` means, see `load_pretrained`; one on the hub is downloaded, if it is not cached.

    Raises:
        UserError: if there is none.
    """
    path, name = Path(source), str(source)
    if name.startswith(HUB):
        return _from_hub(name.removeprefix(HUB))
    if name in shipped():  # before a folder of that name, which is ./NAME
        return SHIPPED / f"{name}.safetensors"
    if path.is_dir():
        return _within(path)
    if not path.exists() and not path.suffix and path.name == name:
        raise UserError(f"no file and no shipped weights are called '{name}'{suggestion(name, shipped())}")
    return path


def _within(folder: Path) -> Path:
    """The checkpoint in a folder."""
    found = sorted(path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".pth", ".pt"))
    best = next((name for name in FILES if name in found), found[0] if len(found) == 1 else None)
    if best is None:
        which = f"several checkpoints, name one: {', '.join(found[:5])}" if found else "no checkpoint"
        raise UserError(f"{folder} holds {which}")
    return folder / best


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    parts = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@([\w.-]+))?(?:/(.+))?", name)
    if parts is None or ".." in name:
        raise UserError(f"'{HUB}{name}' must be {HUB}OWNER/NAME, optionally with @REVISION and /FILE")
    repository, revision, file = parts.groups()
    wanted = [file] if file else ["*.safetensors", "*.pth", "*.pt"]
    try:
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=[*wanted, "config.yaml"]))
    except Exception as error:  # of many kinds: no network, no such repository, no right to read it
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{HUB}{name} can neither be downloaded nor found in the cache: {reason}") from None
    return folder / file if file else _within(folder)


def _own_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of an encoder as downstream models have them.

    Whatever else stands in front of all of them is taken off; of two towers that of reconstruction comes first.

    Raises:
        UserError: if there is no encoder, or there are several.
    """
    weights = strip_prefixes(state, CHECKPOINT_PREFIXES)
    if "encoder.first_conv.0.weight" in weights:
        return weights
    first, block = "encoder.first_conv.0.weight", "blocks.blocks.0.norm1.weight"
    fronts = [name.removesuffix(first) for name in weights if name.endswith(first)]
    fronts = [front for front in fronts if front + block in weights]
    if len(fronts) != 1:
        held = ", ".join(dict.fromkeys(name.split(".")[0] for name in list(weights)[:200])) or "nothing"
        which = f"several encoders ({', '.join(fronts)})" if fronts else f"no point encoder, but {held[:200]}"
        raise UserError(f"it holds {which}")
    return strip_prefixes(weights, (*CHECKPOINT_PREFIXES, fronts[0]))


def _settings(path: Path, checkpoint: Mapping, weights: Mapping[str, Tensor]) -> Settings:
    """Put together what weights and config tell."""
    told = _told_by_weights(weights)
    config, where = checkpoint.get("config"), "its own config"
    if not isinstance(config, Mapping) or not config:
        config, where = {}, str(path.with_name("config.yaml"))
        if path.with_name("config.yaml").is_file():
            config = read_yaml(where)
    known = _told_by_config(config, where) if config.get("model") else None
    fixed = {name: value for name, value in told.items() if name != "block_form"}
    if known is not None and not fixed.items() <= known.shape.items():
        warnings.warn(f"{where} is of another model than {path.name}, and is not used", EncoderWarning, stacklevel=3)
        known = None
    if known is None:
        classes = weights.get("cls_head_finetune.8.weight", weights.get("cls_head_finetune.0.weight"))
        if classes is not None or "convs1.weight" in weights:
            warnings.warn(
                f"{path.name} does not tell its patches: 64 of 32 points each are taken, and 1,024 points a cloud "
                "(num_group, group_size, npoints)",
                EncoderWarning,
                stacklevel=3,
            )
        text = weights.get("text_proj.weight")
        # The released teacher; of another width it is another.
        known = Settings({}, text_encoder="ViT-B/32" if text is not None and text.shape[0] == 512 else None)
    form = told["block_form"] if told["block_form"] == "joint" else known.shape.get("block_form", "released")
    return known._replace(shape={**known.shape, **told, "block_form": form, "drop_path_rate": 0.0})


def _told_by_weights(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Keys of `EncoderShape` that weights tell."""
    blocks = {int(found[1]) for name in weights if (found := re.match(r"blocks\.blocks\.(\d+)\.", name))}
    try:
        width = len(weights["norm.weight"])
        hidden = len(weights["encoder.first_conv.0.weight"])
        token = len(weights["encoder.second_conv.3.weight"])
    except KeyError as error:
        raise UserError(f"its encoder lacks {error}") from None
    if token != width:
        raise UserError(f"its patches give tokens of {token} numbers, its blocks take {width}: this is another model")
    told: dict[str, Any] = {"trans_dim": width, "encoder_dims": width, "patch_dim": hidden, "depth": len(blocks)}
    told["block_form"] = "released" if "blocks.blocks.0.norm1_contrast.weight" in weights else "joint"
    if "increase_dim.0.weight" in weights:
        told["group_size"] = len(weights["increase_dim.0.weight"]) // 3
    return told


def _told_by_config(config: Mapping, where: str) -> Settings:
    """What a config tells.

    Raises:
        UserError: if it is damaged, or of a model without such an encoder.
    """
    model = config["model"]
    if isinstance(model, Mapping) and model.get("NAME") == "PointEncoder":
        keys = {field.name for field in fields(EncoderShape)}
        shape, headed = {key: value for key, value in model.items() if key in keys}, True
    else:
        kind, parsed = parse_model_config(model)
        headed = issubclass(kind, PointTransformer)
        if not hasattr(parsed, "encoder"):
            raise UserError(f"{where} is of a {parsed.NAME}, which has no encoder of this kind")
        shape = {field.name: getattr(parsed.encoder, field.name) for field in fields(EncoderShape)}
        if getattr(parsed, "train_teachers", False):
            model = {**model, "text_encoder": None}  # it was trained jointly: no name stands for its weights
    npoints, names = config.get("npoints"), config.get("class_names") or []
    ratio = model.get("ratio", 0.25)
    counted = npoints is None or (isinstance(npoints, int) and npoints > 0)
    if not counted or not isinstance(names, list) or not isinstance(ratio, (int, float)):
        raise UserError(f"{where} is damaged: npoints {npoints!r}, class_names {names!r}, ratio {ratio!r}")
    teacher, tag = _no_path(model.get("text_encoder")), model.get("text_weights")
    tag = tag if isinstance(tag, str) and tag.isidentifier() else None
    return Settings(shape, npoints, teacher, tag, ratio, [str(name).replace("_", " ") for name in names], headed)


def _build(weights: dict[str, Tensor], settings: Settings) -> Network:
    """Build what the weights fit into, and leave only those that it has."""
    keys = settings.shape
    if "num_heads" not in keys:
        if keys["trans_dim"] not in HEADS:
            raise UserError(f"nothing tells its number of attention heads (width {keys['trans_dim']}): num_heads=N")
        keys["num_heads"] = HEADS[keys["trans_dim"]]
    shape = parse(EncoderShape, keys, "")
    for name in ("num_group", "group_size"):
        if not 1 <= getattr(shape, name) <= MOST_PATCHES:
            raise UserError(f"{name} must be in 1..{MOST_PATCHES}, got {getattr(shape, name)}")
    queries = tuple(name for name in QUERIES if f"{name}_token" in weights)
    contrast = tuple(name for name in QUERIES if f"{TOWER}{name}_token" in weights)
    names = (*queries, *contrast)
    projections = {
        name: len(weights[f"{name}_proj.weight"])
        for name in ("img", "text")
        if name in names and f"{name}_proj.weight" in weights
    }
    head, first = None, weights.get("cls_head_finetune.0.weight")
    width = (len(queries) + 1) * shape.trans_dim
    if first is not None and settings.has_head and not contrast and first.shape[1] == width:
        linear = "cls_head_finetune.4.weight" not in weights
        classes = len(weights["cls_head_finetune.0.weight" if linear else "cls_head_finetune.8.weight"])
        head = classifier_head(width, ClassifierConfig(NAME="", cls_dim=classes, type="linear" if linear else "full"))
    network = Network(shape, queries, shape.block_form, contrast, projections, head)
    wanted = network.state_dict().keys()
    for name in [name for name in weights if name not in wanted]:
        del weights[name]
    return network


def _no_path(teacher: Any) -> str | None:
    """Return the teacher that a file names, unless that is a folder outside of this repository.

    A file must not choose what else is read. Folders within are found from any working directory.
    """
    if not isinstance(teacher, str) or not teacher.startswith(LOCAL_FOLDER):
        return teacher if isinstance(teacher, str) else None
    folder = (ROOT / teacher.removeprefix(LOCAL_FOLDER)).resolve()
    return f"{LOCAL_FOLDER}{folder}" if folder.is_relative_to(ROOT) else None
