"""The encoder that people call: every layout of checkpoint, every kind of input, names, warnings."""

import warnings
from dataclasses import asdict
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import trimesh
import yaml

from extensions import farthest_point_sample, gather
from models import build_model_from_cfg, load_pretrained, save_pretrained
from models.encoder import EncoderWarning, PointEncoder
from models.pretrained import find_checkpoint
from utils.checkpoint import load_checkpoint
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere, turn_up
from utils.prompts import all_prompts

ROOT = Path(__file__).parent.parent
TEACHER = f"local-dir:{ROOT}/datasets/demo/teacher"
# Three heads, as the published size of this width; nothing but weights has to tell it.
SIZES = {"trans_dim": 192, "encoder_dims": 192, "depth": 2, "num_heads": 3, "patch_dim": 16}
PATCHES = {"num_group": 64, "group_size": 32}
GIVEN = {"img_encoder": "features", "img_dim": 512, "text_encoder": "features", "text_dim": 512}
DECODER = {"decoder_depth": 1, "decoder_num_heads": 3}
PRETRAINING = {"transformer_config": {**SIZES, **DECODER}, **PATCHES}
FLAT = {**SIZES, **PATCHES}
SEGMENTER = {"cls_dim": 13, "propagation_dims": [32], "head_dims": [32, 16], "depth": 3}
# What is published or trained here: its model, what stands in front of its names, where its weights stand.
LAYOUTS = {
    "ReCon": ({"NAME": "ReCon", **PRETRAINING, **GIVEN}, "module.", "base_model"),
    "ReCon, several processes": ({"NAME": "ReCon", **PRETRAINING, **GIVEN}, "", "base_model"),
    "ReCon, class query": ({"NAME": "ReCon", **PRETRAINING, "self_contrastive": True}, "", "base_model"),
    "vanilla multi-task": (
        {"NAME": "ReCon", **PRETRAINING, **GIVEN, "block_form": "joint", "stop_grad": False},
        "",
        "base_model",
    ),
    "TwoTower": ({"NAME": "TwoTower", **PRETRAINING, **GIVEN}, "module.", "base_model"),
    "PointMAE": ({"NAME": "PointMAE", **PRETRAINING}, "module.", "base_model"),
    "full": ({"NAME": "PointTransformer", "cls_dim": 5, **FLAT}, "module.", "base_model"),
    "mlp3": ({"NAME": "PointTransformer", "cls_dim": 5, "type": "mlp3", **FLAT}, "", "base_model"),
    "linear": ({"NAME": "PointTransformer", "cls_dim": 5, "type": "linear", **FLAT}, "", "model"),
    "PointMAE, fine-tuned": ({"NAME": "PlainTransformer", "cls_dim": 5, **FLAT}, "module.base_model.", "state_dict"),
    "TwoTower, fine-tuned": ({"NAME": "PointTransformerTwoTower", "cls_dim": 5, **FLAT}, "", "base_model"),
    "contrast tower": (
        {"NAME": "PointTransformerTwoTower", "stream": "CMC", "cls_dim": 5, **FLAT},
        "",
        "base_model",
    ),
    "parts": ({"NAME": "PartSegmentation", **FLAT, **SEGMENTER}, "", "model_state_dict"),
    "scenes": ({"NAME": "SemanticSegmentation", **FLAT, **SEGMENTER}, "", "base_model"),
    "svm": ({"NAME": "PointTransformerSVM", **FLAT}, "", None),
    "zeroshot": ({"NAME": "PointTransformerZeroShot", **FLAT, "text_encoder": "features"}, "", None),
    "of another prefix": ({"NAME": "PointMAE", **PRETRAINING}, "module.Some_encoder.", "base_model"),
}


def write(path: Path, model: torch.nn.Module, prefix: str = "", key: str | None = "base_model") -> Path:
    state = {prefix + name: value for name, value in model.state_dict().items()}
    torch.save({key: state, "epoch": 3} if key else state, path)
    return path


def build(config: dict) -> torch.nn.Module:
    torch.manual_seed(0)
    model = build_model_from_cfg(config).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):  # as after training
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return model


@pytest.fixture(scope="module")
def clouds() -> torch.Tensor:
    return normalize_unit_sphere(torch.rand(3, 200, 3, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def demo() -> PointEncoder:
    return load_pretrained("demo")


@torch.no_grad()
def features(model: torch.nn.Module, points: torch.Tensor):
    """Queries and tokens by the models' own code."""
    towers = [getattr(model, "MAE_encoder", model), getattr(model, "Dis_encoder", None)]
    if not hasattr(towers[0], "encoder"):
        towers = [towers[1], None]
    outputs = []
    for tower in filter(None, towers):
        tokens, centers, _ = tower.tokenize(points)
        outputs.append(tower.encode(tokens, centers))
    return torch.cat([query for query, _ in outputs], 1), outputs[0][1]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore::models.encoder.EncoderWarning")
def test_every_layout(layout, tmp_path, clouds):
    config, prefix, key = LAYOUTS[layout]
    model = build(config)
    encoder = load_pretrained(write(tmp_path / "any.pth", model, prefix, key))
    found = encoder.encode(clouds)
    query, local = features(model, clouds)
    assert torch.allclose(found.local, local, atol=1e-5) and found.local.shape == (3, 64, 192)
    pooled = local.amax(1) + local.mean(1)
    if layout in ("PointMAE", "of another prefix"):
        assert found.queries is found.image is found.text is None
        assert torch.allclose(found.pooled, pooled, atol=1e-5)
    else:
        assert torch.allclose(found.queries, query, atol=1e-5)
        assert torch.allclose(found.pooled, torch.cat((query.amax(1), pooled), 1), atol=1e-5)
    if hasattr(model, "text_proj") and model.text_proj is not None:
        image, text = query[:, -2:].unbind(1)
        assert torch.allclose(found.image, model.img_proj(image), atol=1e-5)
        assert torch.allclose(found.text, model.text_proj(text), atol=1e-5)
        assert encoder.text_encoder == "ViT-B/32"
    else:
        assert found.image is found.text is None
    if getattr(model, "classifies", False) and not hasattr(model, "Dis_encoder"):
        named = encoder.classify(clouds)
        assert torch.allclose(named.probabilities, model(clouds).softmax(1), atol=1e-5)
        assert encoder.classify(clouds, list("abcde")).names == [
            "abcde"[int(name.removeprefix("class "))] for name in named.names
        ]
        with pytest.raises(UserError, match="5 classes, 2 names"):
            encoder.classify(clouds, ["a", "b"])
    elif found.text is None:
        with pytest.raises(UserError, match="no features in the space of texts"):
            encoder.classify(clouds, ["a", "b"])


def test_configs_tell_what_weights_do_not(tmp_path, clouds):
    config = {"NAME": "PointTransformer", "cls_dim": 3, "num_group": 16, "group_size": 8, **SIZES}
    config |= {"num_heads": 4, "block_form": "slides"}
    path = write(tmp_path / "ckpt-best.pth", model := build(config))
    with pytest.warns(EncoderWarning, match="does not tell its patches"):
        assert load_pretrained(path).network.num_group == 64
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model": config, "npoints": 128}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = load_pretrained(tmp_path)  # the folder
    assert encoder.npoints == 128 and encoder.network.shape.num_heads == 4
    thinned = gather(clouds, farthest_point_sample(clouds, 128))
    assert torch.allclose(encoder.encode(clouds).local, features(model, thinned)[1], atol=1e-5)

    names = ["night_stand", "bed", "sofa"]
    inside = {"base_model": model.state_dict(), "config": {"model": config, "npoints": 64, "class_names": names}}
    torch.save(inside, tmp_path / "own.pth")  # what it holds itself comes first
    encoder = load_pretrained(tmp_path / "own.pth")
    assert encoder.npoints == 64 and encoder.classify(clouds).labels == ["night stand", "bed", "sofa"]

    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model": {**config, "depth": 5}, "npoints": 128}))
    with pytest.warns(EncoderWarning, match="of another model"):
        load_pretrained(path)
    assert load_pretrained(tmp_path / "own.pth", num_group=4, npoints=100).encode(clouds).local.shape[1] == 4


def test_what_is_no_encoder(tmp_path):
    odd = {**PRETRAINING, "transformer_config": {**SIZES, **DECODER, "trans_dim": 48, "encoder_dims": 48}}
    path = write(tmp_path / "odd.pth", build({"NAME": "PointMAE", **odd}))
    with pytest.raises(UserError, match=r"odd.pth: nothing tells .* heads \(width 48\): num_heads=N"):
        load_pretrained(path)
    assert load_pretrained(path, num_heads=3).network.shape.num_heads == 3
    with pytest.raises(UserError, match="trans_dim 48 is not a multiple of num_heads 5"):
        load_pretrained(path, num_heads=5)

    baseline = build({"NAME": "PointNet", "cls_dim": 4, "width": 0.125})
    with pytest.raises(UserError, match="no point encoder"):
        load_pretrained(write(tmp_path / "pointnet.pth", baseline))
    state = {"transformer_q.encoder.first_conv.0.weight": torch.ones(8, 3, 1), "dvae.a": torch.ones(2)}
    torch.save({"base_model": state}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="no point encoder, but transformer_q, dvae"):
        load_pretrained(tmp_path / "other.pth")
    mae = build({"NAME": "PointMAE", **PRETRAINING}).state_dict()
    mae["MAE_encoder.encoder.second_conv.3.weight"] = torch.ones(256, 64, 1)
    torch.save({"base_model": mae}, tmp_path / "reduced.pth")
    with pytest.raises(UserError, match="tokens of 256 numbers, its blocks take 192"):
        load_pretrained(tmp_path / "reduced.pth")
    with pytest.raises(UserError, match="called 'dmeo' .did you mean 'demo'"):
        load_pretrained("dmeo")
    with pytest.raises(UserError, match="not found"):
        load_pretrained(tmp_path / "none.pth")
    with pytest.raises(UserError, match="several checkpoints, name one: odd.pth"):
        load_pretrained(tmp_path)
    (tmp_path / "damaged.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match=r"damaged.safetensors cannot be read"):
        load_pretrained(tmp_path / "damaged.safetensors")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_safetensors_round_trip(tmp_path, clouds, dtype, demo):
    path = save_pretrained(demo, tmp_path / "packed.safetensors", dtype, {"license": "MIT"})
    again = load_pretrained(path)
    assert (again.npoints, again.class_names, again.network.shape) == (256, demo.class_names, demo.network.shape)
    assert again.network.norm.weight.dtype == torch.float32
    for one, other in zip(again.encode(clouds), demo.encode(clouds), strict=True):
        assert torch.allclose(one, other, atol=1e-6 if dtype == torch.float32 else 0.02)
    assert again.classify(clouds, ["chair", "table"]).labels == ["chair", "table"]
    # The same file is a checkpoint for main.py.
    assert {name.split(".")[0] for name in load_checkpoint(path)["base_model"]} >= {"blocks", "text_proj"}


@pytest.fixture
def hub(tmp_path, demo, monkeypatch) -> Path:
    """The cache of the hub as its library lays it out, without a network: blobs, and links to them by revision."""
    cache = tmp_path / "hub/models--someone--recon"
    revision = "0123456789abcdef0123456789abcdef01234567"
    for folder in ("refs", "blobs", f"snapshots/{revision}"):
        (cache / folder).mkdir(parents=True)
    (cache / "refs/main").write_text(revision)
    save_pretrained(demo, cache / "blobs/feed")
    (cache / f"snapshots/{revision}/model.safetensors").symlink_to("../../blobs/feed")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return cache


@pytest.mark.parametrize("name", ["", "@main", "@0123456789abcdef0123456789abcdef01234567", "/model.safetensors"])
def test_hub(hub, demo, clouds, name):
    encoder = load_pretrained(f"hub:someone/recon{name}")
    assert torch.equal(encoder.encode(clouds).local, demo.encode(clouds).local)


def test_hub_without_what_is_asked_for(hub):
    for name in ("someone/else", "someone/recon@other"):
        with pytest.raises(UserError, match=f"hub:{name} can neither be downloaded nor found in the cache"):
            load_pretrained(f"hub:{name}")
    with pytest.raises(UserError, match=r"not found: .*other.pth"):
        load_pretrained("hub:someone/recon/other.pth")
    for name in ("", "one", "a/b/c@../d"):
        with pytest.raises(UserError, match="must be hub:OWNER/NAME"):
            load_pretrained(f"hub:{name}")


def test_torch_hub(demo, clouds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encoder = torch.hub.load(str(ROOT), "recon", "demo", source="local")
    assert torch.equal(encoder.encode(clouds).local, demo.encode(clouds).local)
    assert torch.hub.load(str(ROOT), "recon", source="local").class_names == load_pretrained().class_names
    assert encoder.classify(clouds, ["chair"]).names == ["chair"] * 3  # finds its teacher from any folder
    assert (ROOT / "models/py.typed").is_file()


def test_inputs_of_every_kind(demo, clouds):
    whole = demo.encode(clouds)
    assert whole.local.shape == (3, 16, 128) and whole.queries.shape == (3, 3, 128) and whole.pooled.shape == (3, 256)
    assert whole.image.shape == whole.text.shape == (3, 64)
    colours = torch.cat((clouds, torch.rand(3, 200, 3)), 2)
    for points in (
        clouds.numpy(),
        list(clouds),
        clouds.double(),
        [c.numpy().astype(np.float64) for c in clouds],
        colours,
    ):
        for one, other in zip(demo.encode(points, batch_size=2), whole, strict=True):
            assert torch.allclose(one, other, atol=1e-4)
    assert torch.allclose(demo.encode(clouds[1]).text, whole.text[1:2], atol=1e-5)
    # Far from the origin and of any size: the same.
    assert torch.allclose(demo.encode(clouds.double() * 40 + 5e5).text, whole.text, atol=1e-3)
    whole_numbers = (clouds * 1000).round()
    assert torch.allclose(demo.encode(whole_numbers.int()).text, demo.encode(whole_numbers).text, atol=1e-5)


@pytest.mark.filterwarnings("ignore::models.encoder.EncoderWarning")
@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int16, np.uint16, np.int64])
def test_integers_do_not_overflow(demo, kind):
    """Voxel indices, whose differences are more than their type holds."""
    least, most = max(np.iinfo(kind).min, -120), min(np.iinfo(kind).max, 250)
    grid = np.random.default_rng(0).integers(least, most, (300, 3)).astype(kind)
    assert torch.equal(demo.encode(grid).pooled, demo.encode(grid.astype(np.float64)).pooled)


def test_shipped_names_come_before_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("demo").mkdir()
    assert find_checkpoint("demo").parent.name == "weights"
    with pytest.raises(UserError, match="demo holds no checkpoint"):
        find_checkpoint("./demo/")


def test_unequal_clouds_are_as_if_alone(demo, clouds):
    sizes = (200, 16, 300, 17, 200, 15 + 1, 256)
    unequal = [torch.rand(n, 3, generator=torch.Generator().manual_seed(n)) for n in sizes]
    together = demo.encode(unequal, batch_size=2)
    for index, cloud in enumerate(unequal):
        for one, other in zip(demo.encode(cloud), together, strict=True):
            assert torch.allclose(one[0], other[index], atol=1e-5)
    assert together.local.shape == (7, 16, 128)
    # Fewer points than patches: all of them are centres, some twice.
    few = load_pretrained("demo", num_group=24).encode(unequal[1])
    assert few.local.shape == (1, 24, 128) and torch.equal(few.local[:, :8], few.local[:, 16:])


def test_refused_inputs(demo, clouds):
    for points, message in (
        (clouds[0, :15], "cloud 0 has 15 points, the model needs at least 16"),
        ([clouds[0], clouds[1, :3]], "cloud 1 has 3 points"),
        (clouds[0].T, "cloud 0 has 3 points"),
        (clouds[0, :, :2], r"cloud 0 must have shape \(N, 3\)"),
        (clouds[0, 0], r"points must be \(N, 3\)"),
        ([], "points must be"),
        (clouds / 0, "NaN or infinite"),
    ):
        with pytest.raises(ValueError, match=message):
            demo.encode(points)
    with pytest.raises(UserError, match="labels must be names"):
        demo.classify(clouds, [])
    with pytest.raises(UserError, match="labels must be names"):
        demo.classify(clouds, "chair")
    with pytest.raises(UserError, match="with {} where"):
        demo.classify(clouds, ["chair"], prompts=["a chair"])
    with pytest.raises(UserError, match="never read 'A spaceship"):
        demo.similarity(clouds, ["A spaceship."])
    with pytest.raises(UserError, match=r"never read 'sofaa' \(did you mean 'sofa'\? known: .*bathtub.*, vase\)"):
        demo.classify(clouds, ["chair", "sofaa"], prompts=["{}"])


def furniture(up: str = "y", back: bool = True) -> torch.Tensor:
    """A chair, or without its back a stool, of 1,024 points."""
    place = trimesh.transformations.translation_matrix
    legs = [((0.1, 0.5, 0.1), (x, 0.25, z)) for x in (-0.45, 0.45) for z in (-0.45, 0.45)]
    boxes = [((1, 0.1, 1), (0, 0.5, 0)), *legs] + [((1, 1, 0.1), (0, 1, -0.45))] * back
    mesh = trimesh.util.concatenate([trimesh.creation.box(size, place(at)) for size, at in boxes])
    points = torch.from_numpy(trimesh.sample.sample_surface(mesh, 1024, seed=0)[0]).float()
    turns = {"y": ((0, 1), (1, 1), (2, 1)), "z": ((0, 1), (2, -1), (1, 1)), "x": ((1, 1), (0, -1), (2, 1))}
    turned = torch.stack([sign * points[:, axis] for axis, sign in turns[up]], 1)
    assert torch.allclose(turn_up(turned, up), points)
    return turned


def test_frames(demo):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        upright = demo.encode(furniture())
        for up in ("x", "z"):
            assert torch.allclose(demo.encode(furniture(up), up=up).text, upright.text, atol=1e-4)
    normal = normalize_unit_sphere(furniture())
    assert torch.allclose(demo.encode(normal, center=False, scale=False).text, upright.text, atol=1e-4)
    for turned in ("x", "y", "z", "-x", "-y", "-z"):  # rotations, none mirrors
        assert torch.linalg.det(turn_up(torch.eye(3), turned)).item() == pytest.approx(1)


def test_warnings(demo):
    points = furniture()
    with pytest.warns(EncoderWarning, match="1 of 1 clouds have fewer than half as many points"):
        demo.encode(points[:100])
    with pytest.warns(EncoderWarning, match="more than twice as many points"):
        demo.encode(points, npoints=None)
    with pytest.warns(EncoderWarning, match="another size"):
        demo.encode(points * 100, scale=False)
    with pytest.warns(EncoderWarning, match="another centre"):
        demo.encode(points + 2, center=False)
    with pytest.warns(EncoderWarning, match="outliers"):
        demo.encode(torch.cat((points, torch.tensor([[50.0, 0, 0]]))))
    for true, told in (("z", "y"), ("y", "z"), ("x", "y")):
        with pytest.warns(EncoderWarning, match=f"as if {true} pointed up or down, not {told}: try up='{true}'"):
            demo.encode([furniture(true, back=False)] * 4, up=told)


def test_names_by_the_text_teacher(demo):
    """The mean over prompts, both queries, and CLIP's temperature."""
    points, labels = [furniture(), furniture() * torch.tensor([1.2, 1.0, 0.9])], ["chair", "flower_pot", "table"]
    found = demo.classify(points, labels)
    assert found.names == ["chair", "chair"] and found.labels == labels
    assert torch.allclose(found.probabilities.sum(1), torch.ones(2))
    teacher = demo.open_teacher()
    classes = torch.stack([teacher.encode(all_prompts(name.replace("_", " "))).mean(0) for name in labels])
    encoding = demo.encode(points)
    joint = F.normalize(demo.ratio * encoding.text + encoding.image, dim=1)
    cosines = joint @ F.normalize(classes, dim=1).T
    expected = (teacher.clip.logit_scale.exp().clamp(max=100) * cosines).softmax(1)
    assert torch.allclose(found.probabilities, expected, atol=1e-4)
    assert found.top(2)[0][0] == ("chair", pytest.approx(found.probabilities[0, 0].item()))
    similar = demo.similarity(points, ["A model of a chair.", "A model of a table."])
    assert similar.shape == (2, 2) and (similar[:, 0] > similar[:, 1]).all() and similar.abs().max() <= 1.0001
    assert demo.classify(points).labels == demo.class_names  # those of pretraining, if none are given
    assert "text_teacher" not in dict(demo.named_modules()) and not any("clip" in name for name in demo.state_dict())


def test_what_is_no_cloud_or_axis(demo):
    with pytest.raises(ValueError, match="cloud 1 is 500 times the same point"):
        demo.encode([furniture(), np.full((500, 3), 0.5)])
    with pytest.raises(ValueError, match="up must be one of .*, got 'q'"):
        demo.encode(furniture(), up="q")


def test_shipped_weights_are_the_default(demo, monkeypatch):
    monkeypatch.setattr("models.text_teachers.find_spec", lambda name: None)  # of MiniLM
    world = load_pretrained()
    assert len(world.class_names) == 78 and world.ratio == 1.0 and world.npoints == 512 != demo.npoints
    named = world.classify(furniture(), ["chair", "airplane", "bottle"], prompts=["{}"])
    assert named.names[0] == "chair"
    with pytest.raises(UserError, match=r"never read 'chiar' \(did you mean 'chair'\?\); pip install -r require"):
        world.classify(furniture(), ["chiar"])


def test_gradients_go_through_the_plain_call(demo, clouds):
    points = clouds.clone().requires_grad_()
    demo(points).pooled.sum().backward()
    assert points.grad.abs().sum() > 0
    demo.zero_grad()
    assert not demo.encode(clouds).pooled.requires_grad and not demo.training


def test_checkpoints_of_a_run_are_enough(run, tmp_path, clouds):
    """Moved away from their folder, they still tell their sizes and names."""
    folder = run("pretrain", "--opts", "max_epoch=0", "validate=none")
    (folder / "ckpt-last.pth").rename(tmp_path / "moved.pth")
    encoder = load_pretrained(tmp_path / "moved.pth", text_encoder="features")
    assert encoder.network.num_group == 8 and encoder.npoints == 64 and encoder.class_names == ["bag", "bin", "box"]
    tuned = run("classify", "--scratch_model", "--opts", "max_epoch=0")
    named = load_pretrained(tuned).classify(clouds)
    assert len(named.labels) == 15 and "bed" in named.labels


@pytest.mark.parametrize(
    "config, message",
    [
        ({"num_group": 1 << 40}, "num_group must be in 1..65536"),
        ({"num_heads": 0}, "num_heads must be at least 1"),
        ({"num_heads": "four"}, "must be a whole number"),
        ({"ratio": "much"}, "ratio 'much'"),
    ],
)
def test_damaged_configs(tmp_path, demo, config, message):
    own = {"NAME": "PointEncoder", **asdict(demo.network.shape), **config}
    torch.save({"base_model": demo.network.state_dict(), "config": {"model": own}}, tmp_path / "own.pth")
    with pytest.raises(UserError, match=message):
        load_pretrained(tmp_path / "own.pth")


def test_files_do_not_choose_what_else_is_read(tmp_path, demo):
    for teacher in (f"local-dir:{tmp_path}", "local-dir:../elsewhere", 5, "local-dir:datasets/demo/teacher"):
        own = {
            "NAME": "PointEncoder",
            **asdict(demo.network.shape),
            "text_encoder": teacher,
            "text_weights": "/etc/x.pt",
        }
        torch.save({"base_model": demo.network.state_dict(), "config": {"model": own}}, tmp_path / "own.pth")
        encoder = load_pretrained(tmp_path / "own.pth")
        assert encoder.text_weights is None
        assert encoder.text_encoder == (TEACHER if teacher == "local-dir:datasets/demo/teacher" else None)
