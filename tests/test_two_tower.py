"""The models that ReCon is compared with: what they share with it, and what they do not."""

import copy
import json

import pytest
import torch
from test_models import ENCODER, GROUPS, batch, recon
from torch import nn

from models import CHECKPOINT_PREFIXES, build_model_from_cfg
from models.transformer import Block, JointBlock
from utils.checkpoint import load_checkpoint, load_weights
from utils.errors import UserError

NO_CONTRAST = {"img_encoder": "", "text_encoder": ""}
PRETRAINED = {
    "point_mae": {"NAME": "PointMAE", **NO_CONTRAST},
    "two_tower": {"NAME": "TwoTower"},
    "two_tower with smc": {"NAME": "TwoTower", "self_contrastive": True},
    "joint": {"block_form": "joint", "stop_grad": False},
}
CLASSIFIERS = {
    "plain": {"NAME": "PlainTransformer"},
    "linear": {"NAME": "PlainTransformer", "type": "linear"},
    **{stream: {"NAME": "PointTransformerTwoTower", "stream": stream} for stream in ("MDM", "CMC", "ALL")},
}


def classifier(**keys):
    return build_model_from_cfg({**ENCODER, **GROUPS, "cls_dim": 5, **keys})


@pytest.mark.parametrize("name", PRETRAINED)
def test_pretraining_step(name):
    model = recon(**PRETRAINED[name])
    losses = model(**batch())
    contrast = set() if name == "point_mae" else {"csc_img", "csc_text"}
    assert set(losses) == {"mdm"} | contrast | ({"smc"} if "smc" in name else set())
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    other = recon(**PRETRAINED[name]).eval()
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    mask = torch.arange(8).expand(4, 8) % 2 == 0
    one, two = (m(**batch(), mask=mask)["mdm"] for m in (model.eval(), other))
    assert torch.equal(one, two)
    out = model.reconstruct(batch()["points"], mask)
    assert out["predicted"].shape == out["masked"].shape == (4, 4 * 4, 3)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name):
    model, points = classifier(**CLASSIFIERS[name]), batch()["points"]
    out = model(points)
    assert out.shape == (4, 5)
    out.square().sum().backward()
    used = {name for name, p in model.named_parameters() if p.grad is not None}
    assert used == {name for name, _ in model.named_parameters()}
    other = classifier(**CLASSIFIERS[name]).eval()
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    assert torch.equal(other(points), model.eval()(points))


def test_what_two_towers_are_measured_by(tmp_path):
    """Each stream comes from its own tower, and all weights of a pretraining checkpoint find their place."""
    pretrained, points = recon(NAME="TwoTower").eval(), batch()["points"]
    torch.save({"base_model": pretrained.state_dict()}, tmp_path / "two.pth")
    made = {}
    for kind, more in {"features": {}, "text": {"img_dim": 6, "text_dim": 6, "text_encoder": "features"}}.items():
        keys = {**ENCODER, **GROUPS, "NAME": type(pretrained).embedders[kind], **more}
        if kind == "text":
            keys |= {f"{name}_dim": getattr(pretrained, f"{name}_proj").out_features for name in ("img", "text")}
            keys["type"] = "text"
        made[kind] = build_model_from_cfg(keys).eval()
        assert type(made[kind]).embeds == kind
        load_weights(made[kind], tmp_path / "two.pth", CHECKPOINT_PREFIXES)
    patches = pretrained.group(points)
    towers = {}
    for name in ("MAE_encoder", "Dis_encoder"):
        tower = getattr(pretrained, name)
        towers[name] = tower.encode(tower.encoder(patches.neighborhoods), patches.centers)
    query, local = towers["Dis_encoder"][0], towers["MAE_encoder"][1]
    expected = torch.cat((query.amax(1), local.amax(1) + local.mean(1)), dim=1)
    torch.testing.assert_close(made["features"](points), expected)
    torch.testing.assert_close(made["text"](points), pretrained.text_proj(query[:, 1]))
    torch.testing.assert_close(made["text"].project(points)[1], pretrained.img_proj(query[:, 0]))


def test_two_towers_share_nothing():
    model = recon(NAME="TwoTower")
    losses = model(**batch())
    losses["mdm"].backward(retain_graph=True)
    assert all(p.grad is None for p in model.Dis_encoder.parameters())
    model.zero_grad()
    (losses["csc_img"] + losses["csc_text"]).backward()
    assert all(p.grad is None for p in (*model.MAE_encoder.parameters(), *model.MAE_decoder.parameters()))


def test_point_mae_is_the_reconstruction_tower():
    towers, alone = recon(NAME="TwoTower").eval(), recon(**PRETRAINED["point_mae"]).eval()
    assert set(alone.state_dict()) < set(towers.state_dict())
    alone.load_state_dict({name: towers.state_dict()[name] for name in alone.state_dict()})
    one, two = (model(**batch(), generator=torch.Generator().manual_seed(0))["mdm"] for model in (towers, alone))
    assert torch.equal(one, two)


def test_the_contrast_tower_sees_hidden_groups():
    model = recon(NAME="TwoTower").eval()
    masks = [torch.arange(8).expand(4, 8) % 2 == i for i in (0, 1)]
    one, two = (model(**batch(), mask=mask) for mask in masks)
    assert torch.equal(one["csc_img"], two["csc_img"]) and not torch.equal(one["mdm"], two["mdm"])


def test_all_streams_are_those_of_one_side_by_side():
    """The features are the released ones: cls and the maximum from index 3 on, then image and text."""
    whole, points = classifier(**CLASSIFIERS["ALL"]).eval(), batch()["points"]
    features = []
    for name in ("ALL", "MDM", "CMC"):
        model = classifier(**CLASSIFIERS[name]).eval()
        state = {k: v for k, v in whole.state_dict().items() if not k.startswith("cls_head")}
        misfits = model.load_state_dict(state, strict=False)
        assert all(key.startswith("cls_head") for key in misfits.missing_keys)
        model.cls_head_finetune = nn.Identity()
        features.append(model(points))
    assert torch.allclose(features[0], torch.cat(features[1:], dim=1), atol=1e-6)
    query, local = whole.features(points)
    assert query.shape == (4, 1, 32) and local.shape == (4, 8, 32)
    tokens = torch.cat((query, local), dim=1)
    assert torch.allclose(features[1], torch.cat((tokens[:, 0], tokens[:, 3:].amax(1)), dim=1), atol=1e-6)


def test_plain_features_are_cls_and_the_maximum():
    model, points = classifier(NAME="PlainTransformer").eval(), batch()["points"]
    query, local = model.features(points)
    model.cls_head_finetune = nn.Identity()
    assert torch.equal(model(points), torch.cat((query[:, 0], local.amax(1)), dim=1))


def test_joint_block_is_a_plain_one_over_both_streams():
    torch.manual_seed(0)
    joint, plain = JointBlock(32, 2), Block(32, 2)
    plain.load_state_dict(joint.state_dict())
    query, local = torch.randn(2, 3, 32), torch.randn(2, 5, 32)
    out = joint(query, local)
    assert [x.shape for x in out] == [(2, 3, 32), (2, 5, 32)]
    assert torch.equal(torch.cat(out, dim=1), plain(torch.cat((query, local), dim=1)))
    other = joint(torch.randn(2, 3, 32), local)[1]
    assert not torch.allclose(other, out[1], atol=1e-3)  # unlike in ReCon, local tokens see the queries
    with pytest.raises(ValueError, match="stop_grad must be off"):
        JointBlock(32, 2, stop_grad=True)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: recon(NAME="PointMAE"), "PointMAE has no contrast"),
        (lambda: recon(NAME="PointMAE", **NO_CONTRAST, reconstruct=False), "every loss is switched off"),
        (lambda: recon(NAME="TwoTower", block_form="slides"), "block_form slides does not apply"),
        (lambda: classifier(NAME="PlainTransformer", block_form="joint"), "block_form joint does not apply"),
        (lambda: classifier(NAME="PointTransformerTwoTower", stream="BOTH"), "one of 'MDM', 'CMC', 'ALL'"),
        (lambda: classifier(NAME="PointTransformerTwoTower", num_group=2), "needs at least 3 groups"),
    ],
)
def test_bad_configs(build, message):
    with pytest.raises(UserError) as error:
        build()
    assert message in str(error.value)


def opts(**keys) -> list[str]:
    return [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in keys.items()]


UNPROBED = opts(max_epoch=0, model__self_contrastive=False, dataset__extra_val=None)


@pytest.mark.parametrize(
    "pretrain, downstream",
    [
        (opts(model__NAME="PointMAE"), [opts(model__NAME="PlainTransformer")]),
        (
            opts(model__NAME="TwoTower", model__self_contrastive=True),
            [opts(model__NAME="PointTransformerTwoTower", model__stream=stream) for stream in ("MDM", "CMC", "ALL")],
        ),
        (opts(model__block_form="joint", model__stop_grad=False), [opts(model__block_form="joint")]),
    ],
    ids=["point_mae", "two_tower", "joint"],
)
def test_pretrain_then_fine_tune(run, pretrain, downstream):
    weights = run("pretrain", "--opts", *UNPROBED, *pretrain) / "ckpt-last.pth"
    held = {k.removeprefix("MAE_encoder."): v for k, v in load_checkpoint(weights)["base_model"].items()}
    for number, keys in enumerate(downstream):
        still = ["optimizer.kwargs.lr=1e-30", "scheduler.kwargs.initial_epochs=0"]
        arguments = ["--finetune_model", "--ckpts", str(weights), "--opts", "max_epoch=0", *keys, *still]
        tuned = load_checkpoint(run("classify", *arguments, exp=str(number)) / "ckpt-last.pth")["base_model"]
        # Adam moved no weight by more than a step or two of the least rate, 1e-6: they come from pretraining.
        kept = [name for name in tuned if name in held and "running" not in name and "tracked" not in name]
        assert any(name.startswith(("blocks.", "Dis_encoder.blocks.")) for name in kept)
        for name in kept:
            torch.testing.assert_close(tuned[name], held[name], atol=1e-4, rtol=0)
        new = {name.split(".")[0] for name in tuned if name not in held}
        assert new <= {"cls_token", "cls_pos", "cls_head_finetune"}


def test_the_svm_probe_says_what_it_is_for(run):
    with pytest.raises(UserError, match="validate: svm is not for 'model.NAME' PointMAE"):
        run("pretrain", "--opts", "model.NAME=PointMAE", "model.self_contrastive=false")


def test_an_svm_on_the_joint_form(run):
    form = ["model.block_form=joint"]
    folder = run("pretrain", "--opts", "max_epoch=0", "model.stop_grad=false", *form)
    assert "svm_accuracy" in json.loads((folder / "metrics.json").read_text())["last"]
    folder = run("svm", "--svm", "--ckpts", str(folder / "ckpt-last.pth"), "--opts", *form)
    assert json.loads((folder / "metrics.json").read_text())["last"]["total"] == 6
