"""Every YAML under cfgs/ is valid, and the released ones hold the released values (see README, real data)."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch

from datasets import build
from models import build_model_from_cfg, parse_model_config
from models.build import MODELS
from tools.engine.config import RunConfig, parse_run_config, run_config_class
from utils.config import load_config, merge, parse, read_yaml

CONFIGS = sorted(str(path) for path in Path("cfgs").glob("*/*.yaml") if path.parent.name != "dataset_configs")
# Keys of a data set that come from the command line, or that are for configs that want to check early.
OPTIONAL = {"way", "shot", "fold", "npoints"}
# Keys that released configs have, and that mean nothing.
IDLE = {"class_dim", "cls_sample"}

# lr, batch, epochs, clip, drop path, points, groups, group size, augmentation
PRETRAIN = (5e-4, 128, 300, None, 0.1, 1024, 64, 32, "rotate")
SCAN = (2e-5, 32, 300, 10, 0.2, 2048, 128, 32, "rotate")
MODELNET = (1e-5, 32, 300, 10, 0.2, 1024, 64, 32, "scale_translate")
MODELNET_8K = (1e-5, 32, 300, 10, 0.2, 8192, 512, 32, "scale_translate")
FEWSHOT = (5e-4, 32, 150, 10, 0.1, 1024, 64, 32, "rotate")
FULL = {
    "finetune_scan_objbg": SCAN,
    "finetune_scan_objonly": SCAN,
    "finetune_scan_hardest": SCAN,
    "finetune_modelnet": MODELNET,
    "finetune_modelnet_8k": MODELNET_8K,
    "fewshot": FEWSHOT,
}
FROZEN_LR = {"finetune_modelnet_8k": 5e-5, "fewshot": 1e-3}
TRAINED = {f"cfgs/pretrain/{name}.yaml": PRETRAIN for name in ("base", "small", "tiny", "zeroshot")}
TRAINED |= {f"cfgs/full/{name}.yaml": values for name, values in FULL.items()}
TRAINED |= {
    f"cfgs/{kind}/{name}.yaml": (FROZEN_LR.get(name, 1e-4), *values[1:])
    for kind in ("linear", "mlp3")
    for name, values in FULL.items()
}
TWO_TOWER = "cfgs/full/finetune_scan_hardest_twotower.yaml"
TRAINED[TWO_TOWER] = (5e-5, *SCAN[1:])
SEGMENTATION = {
    "shapenetpart": (1e-4, 16, 299, 10, 0.1, 2048, 128, 32, "scale_translate_small"),
    "s3dis": (2e-4, 32, 60, 10, 0.1, 2048, 128, 32, "scale_translate_small"),
}
# ratio, points, groups, group size
ZEROSHOT = {
    "modelnet10": (0.2, 1024, 64, 32),
    "modelnet40": (0.25, 1024, 64, 32),
    "scan_objonly": (0.15, 2048, 32, 128),
    "scan_objbg": (0.1, 2048, 64, 64),
    "scan_hardest": (0.05, 2048, 64, 64),
}
# width, heads, decoder heads, parameters of the ScanObjectNN classifier in millions (paper: 43.6, 19.0, 11.4)
SIZES = {"base": (384, 6, 6, 43.57), "small": (256, 4, 4, 19.73), "tiny": (192, 3, 3, 11.35)}
DATA = {
    "scan_objbg": ("ScanObjectNN", "data/ScanObjectNN/main_split"),
    "scan_objonly": ("ScanObjectNN", "data/ScanObjectNN/main_split_nobg"),
    "scan_hardest": ("ScanObjectNN_hardest", "data/ScanObjectNN/main_split"),
}


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    """Base files are named from the repository root."""
    monkeypatch.chdir(Path(__file__).parent.parent)


def run_config(path: str, *opts: str) -> RunConfig:
    return parse_run_config(load_config(path, opts))


def build_on_meta(model: dict) -> torch.nn.Module:
    """Build a model without memory for its weights, and with given features in place of teachers."""
    replaced = {key: "features" for key in ("img_encoder", "text_encoder") if model.get(key)}
    widths = {"img_dim": 768, "text_dim": 512} if "transformer_config" in model else {}
    if "train_teachers" in model:
        widths["train_teachers"] = False  # given features cannot train
    with torch.device("meta"):
        return build_model_from_cfg({**model, **widths, **replaced})


@pytest.mark.parametrize("path", CONFIGS)
def test_config_is_valid(path, monkeypatch):
    config = run_config(path)
    parse_model_config(config.model)
    build_on_meta(config.model)
    # Stop before the files are read.
    find = build.DATASETS.get
    monkeypatch.setattr(build.DATASETS, "get", lambda name: _parse_only(find(name)))
    for field in dataclasses.fields(config.dataset):
        section = getattr(config.dataset, field.name)
        if section is not None:
            _add_flags(section)
            assert build.build_dataset(section, config.data_root, f"dataset.{field.name}") is not None


def _parse_only(dataset: type):
    def give_config(config, data_root, seed):
        return config

    give_config.Config = dataset.Config
    return give_config


def _add_flags(section: dict) -> None:
    """What main.py adds for few-shot."""
    if section["_base_"]["NAME"] == "ModelNetFewShot":
        section["others"].update(way=5, shot=10, fold=0)


@pytest.mark.parametrize("path", TRAINED)
def test_released_values_of_training(path):
    config = run_config(path)
    shape = config.model.get("transformer_config", config.model)
    _check_training(config, TRAINED[path])
    assert not config.double_step
    folder, name = Path(path).parts[1], Path(path).stem
    if folder != "pretrain":
        assert config.model["type"] == folder and (shape["trans_dim"], shape["num_heads"]) == (384, 6)
        assert config.model["cls_dim"] == (15 if "scan" in name else 40)
        _check_data(config, name.removeprefix("finetune_").removesuffix("_twotower"))
        for section, subset in ((config.dataset.train, "train"), (config.dataset.test, "test")):
            assert section["others"] == {"subset": subset}
    else:
        others = config.dataset.train["others"]
        assert others["subset"] == "train" and others["whole"] and others["bgr"] and others["image_augment"]
        assert config.dataset.train["_base_"]["ratio"] == 1
        assert (others["image_size"], others["image_norm"]) == (224, "imagenet")
        assert config.save_epochs == [250, 275, 300]
        assert (shape["mask_ratio"], shape["mask_type"], shape["decoder_depth"]) == (0.6, "rand", 4)
        assert config.model["loss"] == "cdl2" and not config.model["self_contrastive"]
        clip = name == "zeroshot"
        assert config.model["img_encoder"] == ("ViT-B/32" if clip else "vit_base_patch16_224_in21k")
        assert config.model["text_encoder"] == "ViT-B/32"


def _check_training(config: RunConfig, values: tuple) -> None:
    shape, kwargs = config.model.get("transformer_config", config.model), config.optimizer.kwargs
    assert values == (
        kwargs.lr,
        config.total_bs,
        config.max_epoch,
        config.grad_norm_clip,
        shape["drop_path_rate"],
        config.npoints,
        config.model["num_group"],
        config.model["group_size"],
        config.augment,
    )
    assert kwargs.weight_decay == 0.05 and config.step_per_update == 1 and not config.classify.freeze_bn
    schedule = config.scheduler.kwargs
    length = 300 if config.model["NAME"] == "PartSegmentation" else config.max_epoch
    assert (schedule.epochs, schedule.initial_epochs, schedule.released_lag) == (length, 10, True)
    assert shape["depth"] == 12 and config.data_root == "data"


@pytest.mark.parametrize("name", SEGMENTATION)
def test_released_values_of_segmentation(name):
    config = run_config(f"cfgs/segmentation/{name}.yaml")
    _check_training(config, SEGMENTATION[name])
    data = config.dataset
    kinds = {split: getattr(data, split)["_base_"]["NAME"] for split in ("train", "val", "test")}
    if name == "shapenetpart":
        assert config.double_step and set(kinds.values()) == {"ShapeNetPart"}
        golden = build_on_meta({"NAME": "PartSegmentation", "cls_dim": 50}).state_dict()
        mine = build_on_meta(config.model).state_dict()
        assert {n: v.shape for n, v in mine.items()} == {n: v.shape for n, v in golden.items()}
    else:
        assert not config.double_step and kinds == {"train": "S3DIS", "val": "S3DISRooms", "test": "S3DISRooms"}
        assert all(getattr(data, split)["_base_"]["test_area"] == 5 for split in kinds)
        assert config.model["cls_dim"] == 13 and data.test["_base_"]["stride"] == 0.5
    assert [getattr(data, split)["others"]["subset"] for split in kinds] == ["train", "test", "test"]


@pytest.mark.parametrize("name", ZEROSHOT)
def test_released_values_of_zeroshot(name):
    config = run_config(f"cfgs/zeroshot/{name}.yaml")
    model = config.model
    assert ZEROSHOT[name] == (model["ratio"], config.npoints, model["num_group"], model["group_size"])
    assert config.total_bs == 64 and model["type"] == "full" and model["text_encoder"] == "ViT-B/32"
    assert config.zeroshot.ensemble and config.zeroshot.splits == ["test"] and config.zeroshot.seen is None
    _check_data(config, name)


def test_every_zeroshot_config_has_both_splits():
    """For the numbers on train and test together; Objaverse-LVIS is only for testing."""
    for name in ZEROSHOT:
        config = run_config(f"cfgs/zeroshot/{name}.yaml", "zeroshot.splits=[train, test]")
        for split in config.zeroshot.splits:
            assert getattr(config.dataset, split)["others"]["subset"] == split


def test_released_values_on_objaverse():
    config = run_config("cfgs/zeroshot/objaverse_lvis.yaml")
    assert (config.npoints, config.model["num_group"], config.model["group_size"]) == (1024, 64, 32)
    assert config.dataset.test["_base_"]["NAME"] == "ObjaverseLVIS" and config.dataset.train is None


def _check_data(config: RunConfig, name: str) -> None:
    for section in filter(None, (config.dataset.train, config.dataset.val, config.dataset.test)):
        base = section["_base_"]
        if name in DATA:
            assert (base["NAME"], base["ROOT"]) == DATA[name]
        else:
            assert base["NAME"] == ("ModelNetFewShot" if name == "fewshot" else "ModelNet")
            assert base["NUM_CATEGORY"] == (10 if name == "modelnet10" else 40) and base["N_POINTS"] == 8192


def test_released_values_of_svm():
    config = run_config("cfgs/svm/modelnet40.yaml")
    assert (config.svm.C, config.total_bs, config.npoints, config.augment) == (0.075, 128, 1024, None)
    assert (config.model["num_group"], config.model["group_size"], config.model["cls_dim"]) == (64, 32, 40)
    _check_data(config, "modelnet40")


@pytest.mark.parametrize(
    ("name", "augment"),
    [("finetune_scan_hardest", "rotate"), ("finetune_scan_objbg", "none"), ("finetune_scan_objonly", "none")]
    + [("finetune_modelnet", "scale"), ("finetune_modelnet_8k", "scale")],
)
@pytest.mark.parametrize("kind", ["full", "linear", "mlp3"])
def test_released_values_of_voting(kind, name, augment):
    vote = run_config(f"cfgs/{kind}/{name}.yaml").vote
    assert (vote.rounds, vote.samples, vote.augment) == (299, 10, augment)


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    width, heads, decoder_heads, millions = SIZES[name]
    path = Path(f"cfgs/pretrain/{name}.yaml")
    shape = run_config(str(path)).model["transformer_config"]
    assert (shape["trans_dim"], shape["encoder_dims"], shape["num_heads"]) == (width, width, heads)
    assert shape["decoder_num_heads"] == decoder_heads
    # The downstream model of that size is the one that the file's own comment tells how to get.
    comment = path.read_text().partition("--opts ")[2].partition("`")[0]
    model = build_on_meta(run_config("cfgs/full/finetune_scan_hardest.yaml", *comment.split()).model)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_downstream_models_fit_the_pretraining_checkpoint():
    held = build_on_meta(run_config("cfgs/pretrain/zeroshot.yaml", "model.img_encoder=features").model).state_dict()
    held = {name.removeprefix("MAE_encoder."): value.shape for name, value in held.items()}
    for path in ("cfgs/full/fewshot.yaml", "cfgs/svm/modelnet40.yaml", "cfgs/segmentation/s3dis.yaml"):
        model = build_on_meta(run_config(path).model)
        wanted = {name: value.shape for name, value in model.state_dict().items()}
        new = tuple(model.new_parameters)
        assert all(held.get(name) == shape for name, shape in wanted.items() if not (new and name.startswith(new)))


def names(path: str, *opts: str) -> dict[str, torch.Size]:
    """Names and shapes of what the model of a config holds, in a pretraining model without the encoder's prefix."""
    state = build_on_meta(run_config(path, *opts).model).state_dict()
    return {name.removeprefix("MAE_encoder."): value.shape for name, value in state.items()}


DOWNSTREAM = sorted({path for path in TRAINED if "pretrain" not in path} - {TWO_TOWER})
HEAD = ("cls_head_finetune.", "cls_token", "cls_pos")


@pytest.mark.parametrize(
    "pretrain, path, opts, new",
    [("cfgs/ablation/point_mae.yaml", path, ["model.NAME=PlainTransformer"], HEAD) for path in DOWNSTREAM]
    + [("cfgs/pretrain/twotower.yaml", TWO_TOWER, [f"model.stream={name}"], HEAD) for name in ("MDM", "CMC", "ALL")]
    + [("cfgs/ablation/vanilla.yaml", path, ["model.block_form=joint"], HEAD[:1]) for path in DOWNSTREAM[:1]]
    + [("cfgs/ablation/vanilla.yaml", "cfgs/svm/modelnet40.yaml", ["model.block_form=joint"], ())],
)
def test_ablations_go_downstream(pretrain, path, opts, new):
    held, wanted = names(pretrain), names(path, *opts)
    missing = [name for name, shape in wanted.items() if held.get(name) != shape]
    assert all(name.startswith(new) for name in missing) and len({n.split(".")[0] for n in missing}) <= len(new)


ABLATIONS = [path for path in CONFIGS if "ablation" in path]


@pytest.mark.parametrize("path", ABLATIONS)
def test_ablations_are_differences(path):
    """They say what differs from the base and nothing else, so that the same can be laid over the demo's config."""
    difference = read_yaml(path)
    assert difference.pop("_base_") == "cfgs/pretrain/base.yaml"
    assert load_config(path) != load_config("cfgs/pretrain/base.yaml")
    config = parse(run_config_class(), merge(load_config("cfgs/demo/pretrain.yaml"), difference), "")
    parse_model_config(config.model)
    build_on_meta(config.model)


@pytest.mark.parametrize(
    "path, opts, millions",
    [
        ("cfgs/full/finetune_modelnet.yaml", ["model.NAME=PlainTransformer"], 22.1),  # as in the paper
        ("cfgs/full/finetune_modelnet.yaml", ["model.block_form=joint"], 22.3),
        (TWO_TOWER, [], 44.15),
        (TWO_TOWER, ["model.stream=MDM"], 22.1),
        (TWO_TOWER, ["model.stream=CMC"], 22.1),
    ],
)
def test_sizes_of_ablations(path, opts, millions):
    model = build_on_meta(run_config(path, *opts).model)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("path", ABLATIONS)
def test_ablations_teach_the_local_tokens(path):
    """What fine-tuning starts from must have learned something, whichever losses are left."""
    tiny = ["trans_dim=16", "encoder_dims=16", "patch_dim=8", "depth=1", "num_heads=2", "decoder_depth=1"]
    opts = [f"model.transformer_config.{size}" for size in (*tiny, "decoder_num_heads=2")] + ["model.num_group=8"]
    model = load_config(path, [*opts, "model.group_size=4"])["model"]
    generator = torch.Generator().manual_seed(0)
    inputs = {"points": torch.rand(4, 32, 3, generator=generator), "category": torch.tensor([0, 1, 0, 1])}
    for kind, key in (("image", "img"), ("text", "text")):
        if model[f"{key}_encoder"]:
            model |= {f"{key}_encoder": "features", f"{key}_dim": 5, "train_teachers": False}
            inputs[kind] = torch.randn(4, 5, generator=generator)
    network = build_model_from_cfg(model)
    sum(network(**inputs, generator=generator).values()).backward()
    for part in (network.MAE_encoder.encoder, network.MAE_encoder.blocks):
        assert any(parameter.grad is not None and parameter.grad.any() for parameter in part.parameters())
    assert network.MAE_encoder.encoder.first_conv[0].weight.grad.any()


DEMO = ["pretrain", "finetune_scan", "svm", "zeroshot", "zeroshot_folder", "segment_part", "segment_semantic"]


@pytest.mark.parametrize("name", DEMO)
def test_demo_models_are_one_size(name):
    config, pretrain = run_config(f"cfgs/demo/{name}.yaml"), run_config("cfgs/demo/pretrain.yaml")
    shape = config.model.get("transformer_config", config.model)
    for key in ("trans_dim", "encoder_dims", "patch_dim", "depth", "num_heads"):
        assert shape[key] == pretrain.model["transformer_config"][key], key
    for key in ("num_group", "group_size"):  # segmentation has more patches, which have no weights
        assert config.model[key] == pretrain.model[key] or name.startswith("segment"), key
    assert pretrain.data_root == "data/demo"
    assert config.data_root == ("data" if name == "zeroshot_folder" else "data/demo")


def test_demo_knows_which_names_were_seen():
    from datasets.demo.vocabulary import DEMO_MODELNET40, UNSEEN

    assert sorted(run_config("cfgs/demo/zeroshot.yaml").zeroshot.seen) == sorted(set(DEMO_MODELNET40) - set(UNSEEN))


def test_no_key_is_unused():
    """Every key that the code knows is set by at least one YAML."""
    configs = [load_config(path) for path in CONFIGS]
    used = {"": set().union(*(_dotted(config) for config in configs))}
    for name in MODELS.find():
        used[name] = set().union(*(_dotted(c["model"]) for c in configs if _inherits(name, c["model"]["NAME"])))
    for name, schema in ({"": run_config_class()} | {name: cls.Config for name, cls in MODELS.entries.items()}).items():
        aliases = getattr(schema, "ALIASES", {})  # released flat keys
        set_here = {part for key, home in aliases.items() if key in used[name] for part in (home, f"{home}.{key}")}
        idle = _fields(schema) - used[name] - set_here - IDLE
        assert not idle, f"{name or 'run level'}: keys that no YAML sets: {idle}"

    sections = [s for c in configs for s in c["dataset"].values() if s is not None]
    for name, cls in build.DATASETS.find().items():
        mine = [s for s in sections if s["_base_"]["NAME"] == name]
        used_here = set().union(*(set(s["_base_"]) | set(s["others"]) for s in mine))
        idle = _fields(cls.Config) - used_here - OPTIONAL
        assert not idle, f"{name}: keys that no YAML sets: {idle}"


def _inherits(name: str, parent: str) -> bool:
    """Whether a model takes the keys of another."""
    return issubclass(MODELS.entries[name].Config, MODELS.entries[parent].Config)


def _dotted(node: Mapping, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield prefix + key
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")


def _fields(schema: type, prefix: str = "") -> set[str]:
    """Dotted names of the keys of a dataclass and of the dataclasses in it."""
    names = set()
    hints = typing.get_type_hints(schema)
    for field in dataclasses.fields(schema):
        names.add(prefix + field.name)
        hint = hints[field.name]
        options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        for option in filter(dataclasses.is_dataclass, options):
            names |= _fields(option, f"{prefix}{field.name}.")
    return names


BASELINES = {"pointnet": "PointNet", "pointnet2": "PointNet2", "dgcnn": "DGCNN", "pct": "PCT", "pointmlp": "PointMLP"}
# What a baseline takes from the fine-tuning config of the same data, and so shares with it.
SHARED = ("npoints", "augment", "total_bs", "max_epoch", "grad_norm_clip", "step_per_update", "data_root")


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_are_trained_like_the_transformer(name):
    for path, like in (
        (f"cfgs/baselines/{name}.yaml", "cfgs/full/finetune_scan_hardest.yaml"),
        (f"cfgs/demo/{name}.yaml", "cfgs/demo/finetune_scan.yaml"),
    ):
        config, tuned = run_config(path), run_config(like)
        assert config.dataset == tuned.dataset and config.vote == tuned.vote
        assert [getattr(config, key) for key in SHARED] == [getattr(tuned, key) for key in SHARED]
        assert (config.model["NAME"], config.model["cls_dim"]) == (BASELINES[name], 15)
        assert "trans_dim" not in config.model and not config.scheduler.kwargs.released_lag


def test_every_data_set_config_is_used():
    used = {s["_base_"].get("NAME") for path in CONFIGS for s in load_config(path)["dataset"].values() if s is not None}
    for path in Path("cfgs/dataset_configs").glob("*.yaml"):
        assert load_config(path)["NAME"] in used, path
