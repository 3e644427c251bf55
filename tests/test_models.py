"""Every model in every form: shapes, round trips, masks and where gradients flow."""

import copy

import pytest
import torch
from torch import nn

import models.baselines
from models import build_model_from_cfg, downstream_of, parse_model_config
from models.build import MODELS
from models.embedding import PatchEmbedding, linear_max
from models.losses import (
    LOSS_TERMS,
    cross_entropy,
    info_nce,
    rotation_error,
    segmentation_loss,
    single_modal_contrast,
)
from models.transformer import Attention, CrossAttention
from utils.errors import UserError

ENCODER = {"trans_dim": 32, "encoder_dims": 32, "depth": 2, "num_heads": 2, "drop_path_rate": 0.1}
GROUPS = {"num_group": 8, "group_size": 4}


def recon(transformer=None, **keys):
    """A tiny pretraining model, teachers passed through unless said otherwise."""
    config = {
        "NAME": "ReCon",
        **GROUPS,
        "transformer_config": {**ENCODER, "decoder_depth": 1, "decoder_num_heads": 2, **(transformer or {})},
        "img_encoder": "features",
        "text_encoder": "features",
        "img_dim": 10,
        "text_dim": 6,
        **keys,
    }
    torch.manual_seed(0)
    return build_model_from_cfg(config)


def batch(size=4, points=64):
    generator = torch.Generator().manual_seed(1)
    return {
        "points": torch.rand(size, points, 3, generator=generator) - 0.5,
        "image": torch.randn(size, 10, generator=generator),
        "text": torch.randn(size, 6, generator=generator),
        "category": torch.tensor([0, 1, 0, 2])[:size],
    }


@pytest.mark.parametrize("block_form", ["released", "slides", "joint"])
@pytest.mark.parametrize("mask_type", ["rand", "block"])
@pytest.mark.parametrize("loss", ["cdl1", "cdl2"])
def test_pretraining_step(block_form, mask_type, loss):
    keys = {"block_form": block_form, "stop_grad": block_form != "joint"}
    model = recon({"mask_type": mask_type}, loss=loss, self_contrastive=True, **keys)
    losses = model(**batch())
    assert set(losses) == {"mdm", "csc_img", "csc_text", "smc"}
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    "keys, terms",
    [
        ({"img_encoder": ""}, {"mdm", "csc_text"}),
        ({"img_encoder": None}, {"mdm", "csc_text"}),  # what YAML makes of nothing after the colon
        ({"text_encoder": ""}, {"mdm", "csc_img"}),
        ({"img_encoder": "", "text_encoder": ""}, {"mdm"}),
        ({"img_encoder": "", "text_encoder": "", "self_contrastive": True}, {"mdm", "smc"}),
        ({"reconstruct": False}, {"csc_img", "csc_text"}),
    ],
)
def test_terms_can_be_dropped(keys, terms):
    model = recon(**keys)
    assert set(model(**batch())) == terms
    assert ("img_proj.weight" in model.state_dict()) == ("csc_img" in terms)


def test_stop_gradient_guards_the_local_stream():
    """With it, contrast leaves no gradient on what only local tokens use; without it, it does."""
    for stop_grad in (True, False):
        model = recon(stop_grad=stop_grad)
        losses = model(**batch())
        (losses["csc_img"] + losses["csc_text"]).backward()
        local = [model.MAE_encoder.encoder.first_conv[0].weight, model.MAE_encoder.blocks.blocks[0].attn.qkv.weight]
        assert all((p.grad is None or not p.grad.any()) == stop_grad for p in local)


@pytest.mark.parametrize("mask_type", ["rand", "block"])
def test_masks(mask_type):
    model = recon({"mask_type": mask_type, "mask_ratio": 0.6}, num_group=16)
    centers = torch.rand(64, 16, 3, generator=torch.Generator().manual_seed(0))
    mask = model.draw_mask(centers, torch.Generator().manual_seed(3))
    assert mask.dtype == torch.bool and (mask.sum(1) == int(0.6 * 16)).all()
    assert torch.equal(mask, model.draw_mask(centers, torch.Generator().manual_seed(3)))
    assert not torch.equal(mask, model.draw_mask(centers, torch.Generator().manual_seed(4)))
    if mask_type == "rand":
        assert 0.4 < mask.float().mean(0).min() and mask.float().mean(0).max() < 0.75
    else:
        distance = torch.cdist(centers, centers)
        nearest = torch.zeros(64, 16, 16, dtype=torch.bool).scatter_(2, distance.topk(9, largest=False).indices, True)
        assert (nearest == mask[:, None]).all(2).any(1).all()


def test_given_mask_is_checked():
    model = recon()
    uneven = torch.zeros(4, 8, dtype=torch.bool)
    uneven[0, 0] = True
    for mask in (uneven, torch.ones(4, 8, dtype=torch.bool), torch.zeros(4, 7, dtype=torch.bool), torch.ones(4, 8)):
        with pytest.raises(ValueError, match="mask must"):
            model(**batch(), mask=mask)


def test_reconstruct_places_points_in_the_cloud():
    model = recon().eval()
    points = batch()["points"]
    out = model.reconstruct(points, generator=torch.Generator().manual_seed(0))
    assert out["visible"].shape == (4, 4 * 4, 3) and out["masked"].shape == out["predicted"].shape == (4, 4 * 4, 3)
    for name in ("visible", "masked"):
        assert torch.cdist(out[name], points).amin(2).max() < 1e-3


def test_contrast_matches_a_loop():
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(6, 5, generator=generator), dim=1)
    category = torch.tensor([0, 1, 0, 2, 1, 0])
    total = 0.0
    for i in range(6):
        similarity = features[i] @ features.T
        same = category == category[i]
        logits = torch.cat((similarity[same].mean()[None], similarity[~same])) / 0.1
        total += torch.nn.functional.cross_entropy(logits[None], torch.tensor([0]))
    assert single_modal_contrast(features, category).item() == pytest.approx(total.item() / 6, rel=1e-5)


def test_info_nce_matches_a_loop():
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 5, 4, generator=generator)
    teacher[3] = 2 * teacher[1]  # two samples of one text
    total = 0.0
    for i in range(5):
        truth = torch.softmax(torch.cosine_similarity(teacher[i], teacher) / 0.07, 0)
        said = torch.log_softmax(torch.cosine_similarity(student[i], teacher) / 0.07, 0)
        total += torch.sum(truth * (truth.log() - said))
    assert info_nce(student, teacher).item() == pytest.approx(total.item() / 5, rel=1e-5)
    assert info_nce(3 * teacher, teacher).item() == pytest.approx(0, abs=1e-6)


def test_contrast_is_a_key():
    released, other = recon(), recon(contrast="info_nce")
    losses, others = (
        model.eval()(**batch(), generator=torch.Generator().manual_seed(0)) for model in (released, other)
    )
    assert losses.keys() == others.keys()
    assert [term for term in losses if losses[term] != others[term]] == ["csc_img", "csc_text"]
    with pytest.raises(UserError, match="contrast"):
        recon(contrast="cosine")


DOWNSTREAM = {
    "full": ({"NAME": "PointTransformer", "type": "full", "cls_dim": 5}, 5),
    "mlp3": ({"NAME": "PointTransformer", "type": "mlp3", "cls_dim": 5}, 5),
    "linear": ({"NAME": "PointTransformer", "type": "linear", "cls_dim": 5}, 5),
    "zeroshot": ({"NAME": "PointTransformerZeroShot", "img_dim": 6, "text_dim": 6, "ratio": 0.5}, 6),
    "zeroshot text": ({"NAME": "PointTransformerZeroShot", "type": "text", "img_dim": 10, "text_dim": 6}, 6),
    "zeroshot with a released key": ({"NAME": "PointTransformerZeroShot", "cls_dim": 40}, 512),
    "zeroshot image": ({"NAME": "PointTransformerZeroShot", "type": "image", "img_dim": 10, "text_dim": 6}, 10),
    "svm": ({"NAME": "PointTransformerSVM"}, 64),
}


@pytest.mark.parametrize("block_form", ["released", "slides", "joint"])
@pytest.mark.parametrize("name", DOWNSTREAM)
def test_downstream(name, block_form):
    keys, width = DOWNSTREAM[name]
    config = {**ENCODER, **GROUPS, **keys, "block_form": block_form}
    model = build_model_from_cfg(config)
    points = batch()["points"]
    out = model(points)
    assert out.shape == (4, width)
    out.sum().backward()
    assert model.encoder.first_conv[0].weight.grad.any()

    other = build_model_from_cfg(config).eval()
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    assert torch.equal(other(points), model.eval()(points))


def test_full_zero_shot_is_the_weighted_sum():
    config = {**ENCODER, **GROUPS, **DOWNSTREAM["zeroshot"][0]}
    points, outs = batch()["points"], {}
    full = build_model_from_cfg(config).eval()
    for kind in ("text", "image"):
        model = build_model_from_cfg({**config, "type": kind}).eval()
        model.load_state_dict(full.state_dict())
        outs[kind] = model(points)
    assert torch.allclose(full(points), 0.5 * outs["text"] + outs["image"], atol=1e-6)


@pytest.mark.parametrize("width, heads, millions", [(384, 6, 43.57), (256, 4, 19.73), (192, 3, 11.35)])
def test_parameter_counts(width, heads, millions):
    """The paper says 43.6, 19.0 and 11.4 M."""
    config = {"NAME": "PointTransformer", "trans_dim": width, "encoder_dims": width, "num_heads": heads, "cls_dim": 15}
    with torch.device("meta"):
        model = build_model_from_cfg(config)
    parameters = sum(p.numel() for p in model.parameters())
    assert parameters / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"NAME": "ReConn"}, "unknown model 'ReConn' (did you mean 'ReCon'?)"),
        ({"num_groups": 8}, "unknown config key 'model.num_groups' (did you mean 'num_group'?)"),
        ({"num_group": "eight"}, "config key 'model.num_group' must be a whole number"),
        ({"loss": "cdl3"}, "must be one of 'cdl1', 'cdl2'"),
        ({"block_form": "poster"}, "must be one of 'released', 'slides', 'joint'"),
        ({"block_form": "joint"}, "no gradient can be cut: set stop_grad to false"),
        ({"train_teachers": True}, "train_teachers starts from nothing: it takes neither given features"),
        ({"img_encoder": "vit_tiny_patch16_224", "img_weights": "x.pth", "train_teachers": True}, "nor given weights"),
        ({"img_encoder": "vit_bass_patch16_224"}, "unknown image teacher 'vit_bass_patch16_224'"),
        ({"text_encoder": "ViT-B/33"}, "did you mean 'ViT-B/32'?"),
        ({"img_dim": None}, "needs model.img_dim"),
        ({"transformer_config": {**ENCODER, "num_heads": 3}}, "trans_dim 32 is not a multiple of num_heads 3"),
        ({"transformer_config": {**ENCODER, "mask_ratio": 1.5}}, "mask_ratio must be between 0 and 1"),
        ({"num_group": 1}, "at least one must be masked"),
        ({"transformer_config": {**ENCODER, "decoder_num_heads": 0}}, "decoder_num_heads must be at least 1, got 0"),
        ({"transformer_config": {**ENCODER, "decoder_depth": -1}}, "decoder_depth must be at least 1, got -1"),
        ({"text_dim": -3}, "text_dim must be at least 1, got -3"),
        ({"NAME": ["ReCon"]}, "config key 'model.NAME' must be text"),
    ],
)
def test_bad_configs(change, message):
    with pytest.raises(UserError) as error:
        recon(**change)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["full", "linear", "zeroshot"])
def test_bad_downstream_configs(name):
    keys = DOWNSTREAM[name][0] | ({"text_dim": 0, "img_dim": 0} if name == "zeroshot" else {"cls_dim": 0})
    with pytest.raises(UserError, match="must be at least 1, got 0"):
        build_model_from_cfg({**ENCODER, **GROUPS, **keys})


def test_model_section_must_be_a_mapping():
    with pytest.raises(UserError, match="config section 'model' must be a mapping"):
        build_model_from_cfg(None)


def test_a_narrow_patch_embedding():
    model = recon({"patch_dim": 16})
    shapes = {name: tuple(value.shape) for name, value in model.MAE_encoder.encoder.state_dict().items()}
    assert shapes["first_conv.0.weight"] == (16, 3, 1) and shapes["first_conv.3.weight"] == (32, 16, 1)
    assert shapes["second_conv.0.weight"] == (64, 64, 1) and shapes["second_conv.3.weight"] == (32, 64, 1)
    sum(model(**batch()).values()).backward()
    downstream = build_model_from_cfg({"NAME": "PointTransformerSVM", **ENCODER, **GROUPS, "patch_dim": 16})
    downstream.load_state_dict(model.MAE_encoder.state_dict())


@pytest.mark.parametrize("std", [0.02, 0.1, None])
def test_initial_weights(std):
    weight = recon({"init_std": std}).MAE_encoder.blocks.blocks[0].mlp.fc1.weight
    expected = std or (3 * weight.shape[1]) ** -0.5  # PyTorch's is uniform in +- 1 / sqrt(inputs)
    assert weight.std().item() == pytest.approx(expected, rel=0.1)


PRETRAINED = {
    "released": {"self_contrastive": True},
    "slides": {"block_form": "slides"},
    "joint": {"block_form": "joint", "stop_grad": False},
    "PointMAE": {"NAME": "PointMAE", "img_encoder": "", "text_encoder": ""},
    "TwoTower": {"NAME": "TwoTower"},
}


@pytest.mark.parametrize(
    "name, precision", [("released", torch.bfloat16), *((name, torch.float32) for name in PRETRAINED)], ids=str
)
def test_a_prepared_step_is_one_graph(name, precision):
    """Encoder, decoder and losses compile without a graph break, and compute what they compute uncompiled."""
    torch.compiler.reset()
    model = recon({"drop_path_rate": 0.0}, **PRETRAINED[name])
    inputs = model.prepare(**batch(), generator=torch.Generator().manual_seed(0))
    compiled = torch.compile(model, fullgraph=True, dynamic=False, backend="aot_eager")
    gradients, found = [], []
    for call in (model, compiled):
        model.zero_grad()
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            losses = call(**inputs)
        sum(losses.values()).backward()
        found.append(losses)
        gradients.append({key: p.grad.clone() for key, p in model.named_parameters()})
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-4)
    if precision == torch.float32:
        torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("name", ["full", "zeroshot", "svm"])
def test_downstream_models_are_one_graph(name):
    torch.compiler.reset()
    model = build_model_from_cfg({**ENCODER, **GROUPS, **DOWNSTREAM[name][0]}).eval()
    compiled = torch.compile(model, fullgraph=True, dynamic=False, backend="aot_eager")
    for points in (batch()["points"], model.group(batch()["points"])):
        torch.testing.assert_close(compiled(points), model(points), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", PRETRAINED)
def test_what_is_prepared_changes_nothing(name):
    model = recon({"drop_path_rate": 0.0}, **PRETRAINED[name])
    one = model(**batch(), generator=torch.Generator().manual_seed(3))
    inputs = model.prepare(**batch(), generator=torch.Generator().manual_seed(3))
    other = model(**inputs)
    assert one.keys() == other.keys() <= LOSS_TERMS.keys()
    assert all(torch.equal(one[term], other[term]) for term in one)
    assert not any(value.requires_grad for value in (*inputs["points"], *inputs["mask"], *inputs["targets"].values()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_stays_close(dtype):
    """Under autocast losses, norms' statistics and softmax are float32: terms differ by the products' rounding only."""
    model = recon({"drop_path_rate": 0.0}, self_contrastive=True)
    inputs = model.prepare(**batch(), generator=torch.Generator().manual_seed(0))
    plain, stream = model(**inputs), []
    norms = [module for module in model.modules() if isinstance(module, nn.LayerNorm)]
    hooks = [norm.register_forward_hook(lambda *call: stream.append(call[2].dtype)) for norm in norms]
    with torch.autocast("cpu", dtype):
        half = model(**inputs)
        tokens, centers, _ = model.MAE_encoder.tokenize(batch()["points"])
        weights = model.MAE_encoder.blocks.blocks[0].attn.weights(tokens)
    for hook in hooks:
        hook.remove()
    assert tokens.dtype == weights.dtype == torch.float32 and weights.sum(-1).sub(1).abs().max() < 1e-5
    assert set(stream) == {torch.float32}  # that of the residual stream
    for term in plain:
        assert half[term].dtype == torch.float32
        assert half[term].item() == pytest.approx(plain[term].item(), rel=0.02, abs=1e-4), term
    sum(half.values()).backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())


def test_losses_are_float32_under_autocast():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(4, 30, 5, generator=generator) * 8, torch.randint(5, (4, 30), generator=generator)
    features = torch.randn(4, 12, generator=generator).bfloat16()
    calls = {
        "cross_entropy": lambda x: cross_entropy(x[:, 0], labels[:, 0]),
        "segmentation": lambda x: segmentation_loss(x.log_softmax(2), labels, torch.arange(1.0, 6)),
        "smc": lambda x: single_modal_contrast(features, labels[:, 0]),
        "info_nce": lambda x: info_nce(features, x[:, 0, :3].repeat(1, 4)),
        "rotation": lambda x: rotation_error(features[:, :9].unflatten(1, (3, 3))),
    }
    for name, call in calls.items():
        with torch.autocast("cpu", torch.bfloat16):
            half = call(logits)
        assert half.dtype == torch.float32 and torch.equal(half, call(logits)), name


@pytest.mark.parametrize("kind", [Attention, CrossAttention])
def test_short_and_fused_attention_agree(kind, monkeypatch):
    torch.manual_seed(0)
    layer, inputs = kind(32, 4), [torch.randn(2, 7, 32, requires_grad=True) for _ in range(2 - (kind is Attention))]
    results = []
    for limit in (7, 6):
        monkeypatch.setattr("models.transformer.SHORT", limit)
        out = layer(*inputs)
        results.append((out, *torch.autograd.grad(out.square().sum(), [*inputs, *layer.parameters()])))
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-4)


def test_linear_max_is_the_maximum_of_the_layer():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(6, 5, 7, generator=generator, requires_grad=True)
    weight = torch.randn(9, 7, generator=generator, requires_grad=True)
    plain = torch.nn.functional.linear(points, weight).max(1)[0]
    ours = linear_max(points, weight)
    assert torch.equal(ours, plain)
    for one, other in zip(*(torch.autograd.grad(x.sin().sum(), (points, weight)) for x in (ours, plain)), strict=True):
        torch.testing.assert_close(one, other)


def test_hidden_patches_count_in_the_statistics_only():
    torch.manual_seed(0)
    embedding, patches = PatchEmbedding(16, 8), torch.randn(3, 6, 5, 3)
    both = copy.deepcopy(embedding)
    tokens = embedding(patches[:, :2], patches[:, 2:])
    torch.testing.assert_close(tokens, both(patches)[:, :2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(dict(embedding.named_buffers()), dict(both.named_buffers()))
    torch.testing.assert_close(embedding.eval()(patches[:, :2], patches[:, 2:]), embedding(patches[:, :2]))


@pytest.mark.parametrize("name", ["recon", "PartSegmentation"])
def test_checkpointing_changes_memory_only(name):
    keys = {"NAME": "PartSegmentation", "cls_dim": 5, **ENCODER, **GROUPS}
    model = recon() if name == "recon" else build_model_from_cfg(keys)
    points = batch()["points"]
    inputs = model.prepare(**batch()) if name == "recon" else {"points": points, "category": torch.arange(4)}
    runs = []
    for on in (False, True):
        model.set_checkpointing(on)
        model.zero_grad()
        torch.manual_seed(5)
        out = model(**inputs)
        loss = sum(out.values()) if name == "recon" else out.square().mean()
        loss.backward()
        runs.append([loss.detach(), *(p.grad.clone() for p in model.parameters())])
    assert all(torch.equal(*pair) for pair in zip(*runs, strict=True))
    with pytest.raises(UserError, match="checkpointing: PointNet has no transformer blocks"):
        build_model_from_cfg({"NAME": "PointNet", "cls_dim": 3, "width": 0.125}).set_checkpointing()


def test_downstream_of_takes_shape_and_weights():
    model = recon({"patch_dim": 16}, block_form="slides")
    zero_shot = downstream_of(model, "PointTransformerZeroShot", type="text", img_dim=10, text_dim=6).eval()
    assert zero_shot.shape.patch_dim == 16 and zero_shot.shape.block_form == "slides"
    for name, value in zero_shot.state_dict().items():
        of = model.state_dict()
        assert torch.equal(value, of[name if name in of else f"MAE_encoder.{name}"])
    patches = zero_shot.group(batch()["points"])
    assert torch.equal(zero_shot(patches), zero_shot(batch()["points"]))


def test_keys_of_the_encoder_stand_where_the_released_ones_do():
    _, flat = parse_model_config({"NAME": "PointTransformerSVM", **ENCODER, **GROUPS})
    _, nested = parse_model_config({"NAME": "PointTransformerSVM", "encoder": {**ENCODER, **GROUPS}})
    assert flat == nested and flat.encoder.trans_dim == 32 and flat.encoder.num_group == 8
    assert recon(num_group=6).shape.num_group == 6
    with pytest.raises(UserError, match="'model.num_group' and 'model.transformer_config.num_group' are the same"):
        recon({"num_group": 8})


TOY = """
from dataclasses import dataclass
from models.baselines.common import Baseline, BaselineConfig, LinearBNReLU
from models.build import MODELS
from extensions import max_pool


@MODELS.register("ToyNet")
class ToyNet(Baseline):
    Config = BaselineConfig

    def __init__(self, config):
        super().__init__(config, 16)
        self.layer = LinearBNReLU(3, 16)

    def forward(self, points):
        return self.cls_head_finetune(max_pool(self.layer(points)))
"""


def test_a_new_classifier_is_one_file(tmp_path, monkeypatch):
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(models.baselines, "__path__", [*models.baselines.__path__, str(tmp_path)])
    try:
        model = build_model_from_cfg({"NAME": "ToyNet", "cls_dim": 3, "width": 0.125})
        assert model.classifies and model.new_parameters == ("cls_head_finetune.",) and not model.pretrains
        optimizer, before = torch.optim.SGD(model.parameters(), lr=0.1), model.layer[0].weight.clone()
        cross_entropy(model(batch()["points"]), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
        assert not torch.equal(model.layer[0].weight, before)
    finally:
        MODELS.entries.pop("ToyNet", None)


def test_every_model_says_what_it_is():
    kinds = {"ReCon": "pretrains", "PointMAE": "pretrains", "PointTransformer": "classifies", "DGCNN": "classifies"}
    kinds |= {"PartSegmentation": "segments", "PointTransformerSVM": "embeds", "PointTransformerZeroShot": "embeds"}
    parse_model_config({"NAME": "PointTransformerSVM"})
    for name, cls in MODELS.entries.items():
        said = {kind for kind in ("pretrains", "classifies", "segments", "embeds") if getattr(cls, kind)}
        assert len(said) == 1 and kinds.get(name, min(said)) in said, name
        if cls.pretrains:
            assert MODELS.get(cls.classifier).classifies
