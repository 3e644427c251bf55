"""The baselines: shapes, gradients, symmetries, their defining layers against plain loops, and a run of each."""

import json

import pytest
import torch
import yaml

from models import build_model_from_cfg
from models.baselines.dgcnn import EdgeConv
from models.baselines.pct import OffsetAttention
from models.baselines.pointmlp import GeometricAffine
from utils.checkpoint import load_checkpoint
from utils.errors import UserError

SMALL = {
    "PointNet": {},
    "PointNet2": {"num_group": 32, "group_size": 8, "radius": 0.4},
    "DGCNN": {"group_size": 8},
    "PCT": {"num_group": 32, "group_size": 8},
    "PointMLP": {"group_size": 8},
}


def small(name: str, **keys) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model_from_cfg({"NAME": name, "cls_dim": 5, "width": 0.125, **SMALL[name], **keys})


def clouds(size: int = 4, points: int = 256) -> torch.Tensor:
    """Off the origin, where farthest point sampling skips candidates."""
    return torch.rand(size, points, 3, generator=torch.Generator().manual_seed(1)) - 0.1


def settled(model: torch.nn.Module, points: torch.Tensor) -> torch.nn.Module:
    """The model in eval mode with the statistics of these clouds, so that its logits tell clouds apart."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = 1.0
    model.train()(points)
    return model.eval()


@pytest.mark.parametrize("name", SMALL)
def test_training_step(name):
    """Logits of the right shape, and a gradient to every parameter, which moves it."""
    model, labels = small(name), torch.tensor([0, 1, 2, 3])
    if name == "PointNet":  # its transforms start at the identity and let no gradient through
        for net in (model.align_points, model.align_features):
            torch.nn.init.normal_(net.map.weight, std=0.1)
    logits = model(clouds())
    assert logits.shape == (4, 5)
    torch.nn.functional.cross_entropy(logits, labels).backward()
    still = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still and all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_shapes_are_learnt(name):
    """Boxes of three proportions are told apart after 20 steps, also those that training has not seen."""
    generator, model = torch.Generator().manual_seed(0), small(name, cls_dim=3)
    labels = torch.arange(24) % 3
    stretch = torch.tensor([[1.0, 0.5, 0.1], [0.1, 1.0, 0.5], [0.5, 0.1, 1.0]])[labels, None]
    train, test = ((torch.rand(24, 64, 3, generator=generator) - 0.5) * 2 * stretch for _ in range(2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(train), labels).backward()
        optimizer.step()
    assert (settled(model, train)(test).argmax(1) == labels).float().mean() > 0.6


@pytest.mark.parametrize("name", SMALL)
def test_eval_depends_on_nothing_else(name):
    """Eval mode draws nothing, and a cloud's logits do not depend on the others in its batch."""
    model, points = settled(small(name), clouds()), clouds()
    logits = model(points)
    assert torch.equal(logits, model(points)) and (logits[0] - logits[1]).abs().max() > 0.01
    torch.testing.assert_close(torch.cat([model(one[None]) for one in points]), logits, atol=1e-5, rtol=1e-4)
    other = small(name).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(points), logits)


@pytest.mark.parametrize("name", SMALL)
def test_order_of_the_points_means_nothing(name):
    """But for the first one, where farthest point sampling starts, and for balls too full to be taken whole."""
    model = settled(small(name, **({"group_size": 256} if name == "PointNet2" else {})), clouds())
    points = clouds(2)
    order = torch.randperm(255, generator=torch.Generator().manual_seed(2)) + 1
    first = torch.zeros(1, dtype=torch.int64)
    logits = model(points)
    torch.testing.assert_close(model(points[:, torch.cat((first, order))]), logits, atol=1e-5, rtol=1e-4)
    if name in ("PointNet", "DGCNN"):
        torch.testing.assert_close(model(points[:, torch.cat((order, first))]), logits, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(model(points.flip(2)), logits, atol=1e-3)


@pytest.mark.parametrize("name", ["PCT", "PointMLP"])
def test_fewer_points_than_neighbours(name):
    """Deep levels hold few points; all of them are neighbours then."""
    assert small(name, group_size=32)(clouds(points=32)).isfinite().all()


def test_edge_convolution_matches_a_loop():
    torch.manual_seed(0)
    layer, features = EdgeConv(3, 6, group_size=5).eval(), torch.randn(2, 20, 3)
    out = layer(features)
    for cloud, found in zip(features, out, strict=True):
        for i, own in enumerate(cloud):
            near = sorted(cloud, key=lambda other, own=own: float((other - own).square().sum()))[:5]
            edges = torch.stack([torch.cat((other - own, own)) for other in near])
            torch.testing.assert_close(found[i], layer.edge(edges).amax(0), atol=1e-5, rtol=1e-4)


def test_offset_attention_matches_a_loop():
    torch.manual_seed(0)
    layer, x = OffsetAttention(8).eval(), torch.randn(1, 6, 8)
    key, value = layer.query_key(x)[0].detach(), layer.value(x)[0]
    scores = torch.tensor([[float(key[i] @ key[j]) for j in range(6)] for i in range(6)]).exp()
    shares = scores / scores.sum(0, keepdim=True)
    read = torch.stack([(row[:, None] * value).sum(0) / row.sum() for row in shares])
    torch.testing.assert_close(layer(x), x + layer.mlp(x - read), atol=1e-5, rtol=1e-4)


def test_affine_brings_clouds_to_one_spread():
    layer, offsets = GeometricAffine(4), torch.randn(3, 10, 5, 4) * torch.tensor([0.01, 1.0, 50.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(layer(offsets).std((1, 2, 3)), torch.ones(3), atol=2e-3, rtol=0)
    with torch.no_grad():
        layer.alpha.copy_(torch.arange(4.0)), layer.beta.fill_(2)
    assert (layer(offsets)[..., 0] == 2).all()


def test_pointnet_wants_its_transform_to_be_a_rotation():
    model, points = small("PointNet", orthogonality=0.01), clouds()
    model.eval()
    logits, losses = model(points, with_losses=True)
    assert torch.equal(logits, model(points)) and set(losses) == {"orthogonality"}
    assert losses["orthogonality"] == 0, "it starts as the identity"
    with torch.no_grad():
        model.align_features.map.bias.mul_(3)  # A = 3 I, of size 8: ||I - 9 I||^2 = 8 * 64
    assert model(points, with_losses=True)[1]["orthogonality"].item() == pytest.approx(0.01 * 8 * 64)
    with torch.no_grad():
        turned = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)))[0]
        model.align_features.map.bias.copy_(turned.flatten())
    assert model(points, with_losses=True)[1]["orthogonality"].item() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("name", SMALL)
def test_dropout_follows_the_paper(name):
    head = small(name).cls_head_finetune
    rates = [layer.p for layer in head if isinstance(layer, torch.nn.Dropout)]
    assert rates == ([0, 0.3] if name == "PointNet" else [0.5, 0.5])


@pytest.mark.parametrize("name", SMALL)
def test_run(run, configs, name):
    """From scratch in the trainer of everything else, tested, and carried on from its checkpoint."""
    content = yaml.safe_load(configs["classify"].read_text())
    content["model"] = {"NAME": name, "cls_dim": 15, "width": 0.125, **SMALL[name]}
    configs["classify"].write_text(yaml.safe_dump(content))
    folder = run("classify", "--scratch_model")
    found = json.loads((folder / "metrics.json").read_text())
    assert found["finished"] and found["last"]["total"] == 6
    if name == "PointNet":
        last = found["last"]
        assert 0 < last["orthogonality"] < 1 and last["cross_entropy"] > 0
        assert last["loss"] == pytest.approx(last["cross_entropy"] + last["orthogonality"], rel=1e-5)
    best = str(folder / "ckpt-best.pth")
    tested = json.loads((run("classify", "--test", "--ckpts", best) / "metrics.json").read_text())
    assert tested["last"]["accuracy"] == found["best"]["accuracy"]
    tuned = run(
        "classify", "--finetune_model", "--ckpts", best, "--opts", "max_epoch=0", "model.cls_dim=20", exp="tuned"
    )
    weight = load_checkpoint(tuned / "ckpt-last.pth")["base_model"]["cls_head_finetune.4.weight"]
    assert weight.shape[0] == 20


@pytest.mark.parametrize(
    "name, change, message",
    [
        ("PointNet", {"NAME": "PointNet3"}, "unknown model 'PointNet3' (did you mean 'PointNet"),
        ("PointNet", {"cls_dim": 0}, "cls_dim must be at least 1, got 0"),
        ("PointNet", {"width": 0}, "width must be finite and at least 1/16, got 0"),
        ("PCT", {"dropout": 1}, "dropout must be in [0, 1), got 1"),
        ("PointNet", {"orthogonality": -1}, "orthogonality must be at least 0 and finite, got -1"),
        ("PointNet", {"group_size": 8}, "unknown config key 'model.group_size'"),
        ("PointNet2", {"num_group": 3}, "num_group must be at least 4, got 3"),
        ("PointNet2", {"radius": 0}, "radius must be above 0 and finite, got 0"),
        ("PointNet2", {"group_size": 0}, "group_size must be at least 1, got 0"),
        ("DGCNN", {"group_size": 0}, "group_size must be at least 1, got 0"),
        ("DGCNN", {"num_group": 8}, "unknown config key 'model.num_group'"),
        ("PCT", {"num_group": 1}, "num_group must be at least 2, got 1"),
        ("PCT", {"group_size": -1}, "group_size must be at least 1, got -1"),
        ("PointMLP", {"group_size": 0}, "group_size must be at least 1, got 0"),
    ],
)
def test_bad_configs(name, change, message):
    with pytest.raises(UserError) as caught:
        build_model_from_cfg({"NAME": name, "cls_dim": 5, **change})
    assert message in str(caught.value) and "\n" not in str(caught.value)
