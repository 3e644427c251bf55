"""Attention weights, distances, and the pictures with their numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from PIL import Image

from models import build_model_from_cfg
from models.shape import EncoderShape
from models.transformer import BLOCKS, Attention, CrossAttention, ReConEncoder
from tools.visualize.__main__ import main
from tools.visualize.attention import attention_distance, attention_spread, block_attention
from tools.visualize.pictures import separation
from utils.config import load_config
from utils.errors import UserError

ROOT = Path(__file__).parents[1]
HEADS, GROUPS, DEPTH = 2, 8, 2


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", [Attention, CrossAttention])
@torch.no_grad()
def test_weights_are_those_that_forward_uses(kind):
    module, memory, query = kind(16, HEADS), 3 * draw(2, 7, 16), draw(2, 3, 16)
    if kind is Attention:
        inputs, (q, k, v) = (memory,), module.qkv(memory).chunk(3, -1)
    else:
        inputs, q, (k, v) = (query, memory), module.q(query), module.kv(memory).chunk(2, -1)
    weights, out = module.weights(*inputs), torch.empty_like(q)
    assert weights.shape == (2, HEADS, q.shape[1], 7)
    for head in range(HEADS):
        part = slice(8 * head, 8 * head + 8)
        by_hand = ((q[..., part] @ k[..., part].mT) / 8**0.5).exp()
        assert torch.allclose(weights[:, head], by_hand / by_hand.sum(-1, keepdim=True), atol=1e-6)
        out[..., part] = weights[:, head] @ v[..., part]
    assert torch.allclose(module.proj(out), module(*inputs), atol=1e-6)


class AttentionFreeBlock(torch.nn.Module):
    """Tokens that do not look at each other."""

    def forward(self, query, local):
        return query, local


def encoder(form: str = "released") -> ReConEncoder:
    torch.manual_seed(0)
    sizes = {"trans_dim": 16, "encoder_dims": 16, "depth": DEPTH, "num_heads": HEADS}
    return ReConEncoder(EncoderShape(**sizes, num_group=GROUPS, group_size=4), form=form).eval()


@pytest.mark.parametrize("form", BLOCKS)
@torch.no_grad()
def test_attention_of_every_block(form):
    model, tokens, centers = encoder(form), draw(2, GROUPS, 16), draw(2, GROUPS, 3)
    layers = block_attention(model, tokens, centers)
    assert len(layers) == DEPTH
    for query, local in layers:
        assert query.shape == (2, HEADS, 3, GROUPS) and local.shape == (2, HEADS, GROUPS, GROUPS)
        assert torch.allclose(query.sum(-1), torch.ones(())) and torch.allclose(local.sum(-1), torch.ones(()))
    assert not torch.allclose(layers[0][1], layers[1][1], atol=1e-4)
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())

    # The first block by hand, from what enters it.
    block, pos = model.blocks.blocks[0], model.pos_embed(centers)
    query = torch.cat((model.cls_token, model.img_token, model.text_token), 1)
    query = (query + torch.cat((model.cls_pos, model.img_pos, model.text_pos), 1)).expand(2, -1, -1)
    local = tokens + pos
    if form == "released":
        expected = block.attn_contrast.weights(block.norm1_contrast(query), block.norm1(local))
        among_local = block.attn.weights(block.norm1(local))
    elif form == "slides":
        among_local = block.attn.weights(block.norm1(local))
        after = local + block.attn(block.norm1(local))
        expected = block.attn_contrast.weights(block.norm1_contrast(query), after)
    else:
        both = block.attn.weights(block.norm1(torch.cat((query, local), 1)))[..., 3:]
        both = both / both.sum(-1, keepdim=True)
        expected, among_local = both[:, :, :3], both[:, :, 3:]
    assert torch.allclose(layers[0][0], expected, atol=1e-6)
    assert torch.allclose(layers[0][1], among_local, atol=1e-6)


def test_blocks_without_attention_are_refused(monkeypatch):
    monkeypatch.setitem(BLOCKS, "none", lambda *_: AttentionFreeBlock())
    model = encoder("none")
    with pytest.raises(UserError, match=r"model\.block_form.* no attention"):
        block_attention(model, draw(1, GROUPS, 16), draw(1, GROUPS, 3))
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())


def test_distances_of_known_attention():
    """Three patches on a line at 0, 1 and 3."""
    centers = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [3, 0, 0]]])
    between = torch.cdist(centers, centers)
    uniform = torch.full((1, 1, 3, 3), 1 / 3)
    assert torch.allclose(attention_distance(uniform, between), torch.tensor([4 / 3, 1.0, 5 / 3]))
    assert torch.allclose(attention_spread(uniform, between), between.mean())
    assert attention_distance(uniform, between).mean() == pytest.approx(between.mean().item())
    to_itself = torch.eye(3)[None, None]
    assert not attention_distance(to_itself, between).any() and not attention_spread(to_itself, between).any()
    to_the_last = F.one_hot(torch.tensor([[[2, 2, 2]]]), 3).float()
    assert attention_distance(to_the_last, between).flatten().tolist() == [3, 2, 0]
    assert not attention_spread(to_the_last, between).any()
    query = torch.tensor([[[[0.5, 0, 0.5]]]])  # two draws lie 3 apart half of the time
    assert attention_spread(query, between).item() == pytest.approx(1.5)


def test_distances_keep_heads_and_clouds_apart():
    centers, weights = draw(2, GROUPS, 3), draw(2, HEADS, GROUPS, GROUPS).softmax(-1)
    between = torch.cdist(centers, centers)
    distance, spread = attention_distance(weights, between), attention_spread(weights, between)
    assert distance.shape == spread.shape == (2, HEADS, GROUPS)
    w, d = weights[1, 1, 5], between[1]
    assert distance[1, 1, 5].item() == pytest.approx((w @ d[5]).item(), rel=1e-5)
    assert spread[1, 1, 5].item() == pytest.approx((w @ d @ w).item(), rel=1e-5)


@pytest.fixture
def checkpoint(configs) -> Path:
    """Random weights of a model with both teachers as after a run, its config beside them, and a test list of nine."""
    config = yaml.safe_load(configs["pretrain"].read_text())
    # A run with teachers leaves their names in its config; pictures must not need the teachers themselves.
    config["model"] |= {"img_encoder": "nowhere.pth", "text_encoder": "nowhere.pth", "img_dim": 4, "text_dim": 4}
    config["dataset"]["train"]["_base_"]["DATA_PATH"] = "lists"
    folder, source = Path("run"), Path(config["data_root"], "ShapeNet55-34")
    folder.mkdir()
    shutil.copytree(source / "ShapeNet-55", "lists")
    shutil.copy(source / "shapenet55.json", "lists")
    (Path("lists") / "test.txt").write_text("\n".join((source / "ShapeNet-55/train.txt").read_text().split()[:9]))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    torch.manual_seed(0)
    features = {"img_encoder": "features", "text_encoder": "features"}
    model = build_model_from_cfg(config["model"] | features)
    torch.save({"base_model": model.state_dict()}, folder / "ckpt.pth")
    return folder / "ckpt.pth"


def picture(name: str, checkpoint: Path, *arguments: str) -> tuple[np.ndarray, dict]:
    """Run a sub-command; returns the pixels (H, W, 3) and the numbers."""
    main([name, "--ckpts", str(checkpoint), "--out", f"pictures/{name}.png", *arguments])
    pixels = np.asarray(Image.open(f"pictures/{name}.png").convert("RGB")).astype(int)
    return pixels, json.loads(Path(f"pictures/{name}.json").read_text())


def test_reconstruction(checkpoint, capsys):
    pixels, numbers = picture("reconstruction", checkpoint, "--names", "bag")
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 110)
    blue = (pixels[..., 2] > 120) & (pixels[..., 0] < 90)
    third = pixels.shape[1] // 3
    assert red[:, third : 2 * third].any() and not red[:, :third].any()
    assert blue[:, 2 * third :].any() and not blue[:, : 2 * third].any()
    assert capsys.readouterr().out == "wrote pictures/reconstruction.png and pictures/reconstruction.json\n"
    (shape,) = numbers["shapes"]
    assert shape["name"] == "bag" and numbers["ckpts"] == str(checkpoint)
    assert picture("reconstruction", checkpoint, "--names", "bag")[1] == numbers
    assert picture("reconstruction", checkpoint, "--names", "bag", "--seed", "1")[1]["shapes"] != numbers["shapes"]


def test_reconstruction_counts_only_masked_patches(checkpoint, monkeypatch):
    """A model that fills in the truth, moved by 0.1 along x, is 0.1 off at most."""

    def moved(self, points, mask=None, generator=None):
        truth = points[:, :32].clone()
        return {"visible": points, "masked": truth, "predicted": truth + torch.tensor([0.1, 0, 0])}

    monkeypatch.setattr("models.recon.ReCon.reconstruct", moved)
    _, numbers = picture("reconstruction", checkpoint, "--names", "box", "bin")
    assert [shape["name"] for shape in numbers["shapes"]] == ["box", "bin"]
    for shape in numbers["shapes"]:
        assert 0 < shape["chamfer_cdl2"] <= 2 * 0.01 + 1e-6 and 0 < shape["chamfer_cdl1"] <= 0.1 + 1e-6


def test_attention_picture(checkpoint):
    pixels, numbers = picture("attention", checkpoint, "--names", "bag", "box")
    assert numbers["layer"] == DEPTH and numbers["head"] is None
    assert [shape["name"] for shape in numbers["shapes"]] == ["bag", "box"]
    for shape in numbers["shapes"]:
        assert list(shape["attention"]) == ["local token", "image query", "text query", "class query"]
        assert np.shape(shape["centers"]) == (GROUPS, 3)
        for weights in shape["attention"].values():
            assert len(weights) == GROUPS and sum(weights) == pytest.approx(1, abs=1e-4)
    star = (abs(pixels - [0x00, 0xB4, 0xD8]).sum(-1) < 30).any(0)
    assert star[: pixels.shape[1] // 4].any() and not star[pixels.shape[1] // 3 :].any()

    heads = [picture("attention", checkpoint, "--names", "bag", "--head", head, "--token", "3")[1] for head in "12"]
    both = picture("attention", checkpoint, "--names", "bag", "--token", "3")[1]
    first, second, mean = (np.array(n["shapes"][0]["attention"]["local token"]) for n in (*heads, both))
    assert np.allclose((first + second) / 2, mean, atol=2e-6) and not np.allclose(first, second, atol=1e-4)
    other = picture("attention", checkpoint, "--names", "bag", "--layer", "1", "--token", "3")[1]
    assert other["shapes"][0]["token"] == 3 and other["layer"] == 1
    assert not np.allclose(other["shapes"][0]["attention"]["local token"], mean, atol=1e-4)


def test_queries_without_a_loss_are_left_out(checkpoint):
    opts = ["--opts", "model.img_encoder=", "model.self_contrastive=false"]
    _, numbers = picture("attention", checkpoint, "--names", "bag", *opts)
    assert list(numbers["shapes"][0]["attention"]) == ["local token", "text query"]
    _, numbers = picture("distance", checkpoint, *opts)
    assert list(numbers["mean"]) == ["local", "text"]


def test_distance(checkpoint):
    _, numbers = picture("distance", checkpoint)
    assert numbers["shapes"] == 9 and list(numbers["mean"]) == ["local", "image", "text", "class"]
    assert all(len(values) == DEPTH for curve in numbers["mean"].values() for values in curve.values())
    spread = np.array([curve["spread"] for curve in numbers["mean"].values()])
    assert (spread > 0).all() and (spread < 2).all()
    assert picture("distance", checkpoint, "--names", "bag", "--count", "2")[1]["shapes"] == 2
    heads = [picture("distance", checkpoint, "--head", head)[1]["mean"]["local"]["distance"] for head in "12"]
    assert np.allclose(np.mean(heads, 0), numbers["mean"]["local"]["distance"], atol=2e-6)


def test_distance_of_uniform_attention(checkpoint):
    """Without keys every token attends to all patches alike, and all curves lie on the dashed line."""
    content = torch.load(checkpoint, weights_only=True)
    for name, value in content["base_model"].items():
        if name.endswith("qkv.weight"):
            value[32:64] = 0
        elif name.endswith("kv.weight"):
            value[:32] = 0
    torch.save(content, checkpoint)
    _, numbers = picture("distance", checkpoint)
    for curve in numbers["mean"].values():
        for values in curve.values():
            assert values == pytest.approx([numbers["uniform"]] * DEPTH, rel=1e-4)


def test_embedding(checkpoint):
    pixels, numbers = picture("embedding", checkpoint)
    assert numbers["shapes"] == 9 and numbers["categories"] == ["bag", "bin", "box"]
    for title in ("before pretraining", "after pretraining"):
        scores = numbers[title]
        assert 0 <= scores["nearest_neighbor_1"] <= 100 and -1 <= scores["silhouette"] <= 1
    assert numbers["before pretraining"] != numbers["after pretraining"]
    for color in ([0x33, 0x22, 0x88], [0xCC, 0x66, 0x77], [0x11, 0x77, 0x33]):
        shown = (abs(pixels - color).sum(-1) < 30).any(0)
        assert shown[: pixels.shape[1] // 2].any() and shown[pixels.shape[1] // 2 :].any()


def test_scores_of_known_features():
    angle = torch.tensor([0.0, 0.01, 0.02, 1.5, 1.51, 1.52])
    features = torch.stack((angle.cos(), angle.sin()), 1).numpy()
    apart = separation(features, np.array([0, 0, 0, 1, 1, 1]))
    assert apart["nearest_neighbor_1"] == 100 and apart["silhouette"] > 0.99
    mixed = separation(features, np.array([0, 1, 0, 1, 0, 1]))
    assert mixed["nearest_neighbor_1"] == 0 and mixed["silhouette"] < 0


def test_other_data(checkpoint, configs):
    _, numbers = picture("embedding", checkpoint, "--data", str(configs["svm"]))
    assert numbers["shapes"] == 6 and numbers["data"] == str(configs["svm"])
    assert numbers["config"] == str(checkpoint.with_name("config.yaml"))


@pytest.mark.parametrize("kind", ["Folder", "S3DISRooms"])
def test_data_without_classes(checkpoint, kind):
    """Shapes in no class folder, and rooms."""
    base = {"NAME": kind, "DATA_PATH": str(Path("lists").absolute())}
    np.save("lists/Area_5_office_1.npy", np.zeros((90, 7)))
    config = yaml.safe_load(checkpoint.with_name("config.yaml").read_text())
    config["dataset"] = {"test": {"_base_": base, "others": {"subset": "test"}}}
    Path("other.yaml").write_text(yaml.safe_dump(config))
    for name in ("attention", "reconstruction", "distance", "embedding"):
        with pytest.raises(UserError, match="'dataset.test' in other.yaml has no classes to choose shapes by"):
            main([name, "--ckpts", str(checkpoint), "--data", "other.yaml"])


def test_shapes_of_the_endless_world(checkpoint):
    path = checkpoint.with_name("config.yaml")
    config = yaml.safe_load(path.read_text())
    others = {"subset": "train", "npoints": 64, "N_POINTS": 64, "length": 12, "categories": ["chair", "bed"]}
    config["dataset"]["train"] = {"_base_": {"NAME": "SyntheticWorld"}, "others": others}
    path.write_text(yaml.safe_dump(config))
    _, numbers = picture("distance", checkpoint)
    assert numbers["shapes"] == 12


def test_weights_of_the_encoder_alone(checkpoint):
    """Shipped weights: all pictures but the one that needs the decoder, and those as with it."""
    content = torch.load(checkpoint, weights_only=True)
    encoder = {n.removeprefix("MAE_encoder."): x for n, x in content["base_model"].items() if "MAE_encoder." in n}
    torch.save({"base_model": encoder}, "run/encoder.pth")
    for name in ("attention", "distance"):
        assert picture(name, Path("run/encoder.pth"))[1] | {"ckpts": ""} == picture(name, checkpoint)[1] | {"ckpts": ""}
    main(["embedding", "--ckpts", "run/encoder.pth", "--out", "e.png"])
    with pytest.raises(
        UserError, match="reconstruction needs the decoder, and run/encoder.pth holds the encoder alone"
    ):
        main(["reconstruction", "--ckpts", "run/encoder.pth"])


def test_shipped_weights_by_name(checkpoint, monkeypatch):
    with monkeypatch.context() as patch:
        patch.chdir(ROOT)
        config = load_config("cfgs/demo/pretrain.yaml")
    tiny = yaml.safe_load(checkpoint.with_name("config.yaml").read_text())
    config |= {"data_root": tiny["data_root"], "dataset": tiny["dataset"], "npoints": 64}
    Path("cfgs/demo").mkdir(exist_ok=True)
    Path("cfgs/demo/pretrain.yaml").write_text(yaml.safe_dump(config))
    _, numbers = picture("distance", Path("demo"))
    assert numbers["shapes"] == 9 and len(numbers["mean"]["text"]["spread"]) == 4
    with pytest.raises(UserError, match="reconstruction needs the decoder, and demo holds the encoder alone"):
        main(["reconstruction", "--ckpts", "demo"])


def test_a_pdf_too(checkpoint):
    main(["distance", "--ckpts", str(checkpoint), "--count", "1", "--out", "d.pdf"])
    assert Path("d.pdf").read_bytes().startswith(b"%PDF") and json.loads(Path("d.json").read_text())["shapes"] == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "required: attention|reconstruction|distance|embedding"),
        (["poster", "--ckpts", "run/ckpt.pth"], "invalid choice: 'poster'"),
        (["distance"], "--ckpts"),
        (["distance", "--ckpts", "run/lost.pth"], "checkpoint not found: run/lost.pth"),
        (["distance", "--ckpts", "demo"], "there is no cfgs/demo/pretrain.yaml: name its pretraining config with"),
        (["distance", "--ckpts", "lists/test.txt"], "no config.yaml beside lists/test.txt"),
        (["distance", "--ckpts", "run/config.yaml"], "run/config.yaml cannot be read"),
        (["distance", "--ckpts", "run/ckpt.pth", "--config", "cfgs/svm.yaml"], "not a pretraining config of ReCon"),
        (["distance", "--ckpts", "run/ckpt.pth", "--count", "0"], "--count must be at least 1, got 0"),
        (["distance", "--ckpts", "run/ckpt.pth", "--head", "3"], "--head must be in 1..2, got 3"),
        (["distance", "--ckpts", "run/ckpt.pth", "--names", "bax"], "no 'bax'"),
        (["distance", "--ckpts", "run/ckpt.pth", "--names", "sofa"], "no 'sofa'"),
        (["distance", "--ckpts", "run/ckpt.pth", "--out", "picture.bmp"], "--out must end in one of .png"),
        (["distance", "--ckpts", "run/ckpt.pth", "--out", "run/ckpt.pth/d.png", "--count", "1"], "cannot be written"),
        (["distance", "--ckpts", "run/ckpt.pth", "--opts", "npoints=4096"], "npoints=4096"),
        (["distance", "--ckpts", "run/ckpt.pth", "--opts", "model.num_group=999"], "num_group' must be in 1..npoints"),
        (["distance", "--ckpts", "run/ckpt.pth", "--opts", "npoints=3"], "npoints (3), got 8"),
        (["distance", "--ckpts", "run/ckpt.pth", "--opts", "model.group_size=0"], "'model.group_size' must be in 1.."),
        (["attention", "--ckpts", "run/ckpt.pth", "--layer", "0"], "--layer must be in 1..2, got 0"),
        (["attention", "--ckpts", "run/ckpt.pth", "--token", "9"], "--token must be in 1..8, got 9"),
        (["attention", "--ckpts", "run/ckpt.pth", "--names", *["bag"] * 4], "fewer shapes of 'bag'"),
        (["embedding", "--ckpts", "run/ckpt.pth", "--names", "bag"], "2 to 40 categories"),
        (["embedding", "--ckpts", "run/ckpt.pth", "--data", "cfgs/pretrain.yaml"], "no section 'dataset.test'"),
    ],
)
def test_bad_input(checkpoint, arguments, message):
    with pytest.raises(UserError) as error:
        main(arguments)
    assert message in str(error.value)
