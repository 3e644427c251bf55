"""Teachers built from small networks made here, through the same code that loads the published ones."""

import copy
import json
import shutil

import open_clip
import pytest
import timm
import torch
from open_clip.modified_resnet import ModifiedResNet
from safetensors.torch import save_file
from test_models import ENCODER, GROUPS, recon

from models import build_model_from_cfg
from models.teachers import (
    IN21K,
    Features,
    ImageTeacher,
    ViTWithPreLogits,
    build_image_teacher,
    build_text_teacher,
    check_one_space,
)
from utils.errors import UserError

CLIP = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 16, "layers": 1, "head_width": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """A tiny CLIP in open_clip's folder layout; returns the folder and the model."""
    folder = tmp_path_factory.mktemp("clip")
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CLIP, "preprocess_cfg": preprocess}))
    torch.manual_seed(0)
    clip = open_clip.CLIP(**CLIP).eval()
    save_file({k: v.contiguous() for k, v in clip.state_dict().items()}, folder / "open_clip_model.safetensors")
    return folder, clip


def test_open_clip_folder(clip_folder):
    folder, clip = clip_folder
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    image = build_image_teacher(f"local-dir:{folder}")
    assert image.dim == 12 and torch.allclose(image.encode(images), clip.encode_image(images), atol=1e-6)

    text = build_text_teacher(f"local-dir:{folder}")
    names = ["A chair.", "A table.", "A chair."]
    expected = clip.encode_text(open_clip.get_tokenizer(f"local-dir:{folder}")(names))
    assert text.dim == 12 and torch.allclose(text.encode(names), expected, atol=1e-6)
    assert len(text.table) == 2  # each distinct text is encoded once
    assert torch.allclose(text.double().encode(names), expected.double(), atol=1e-5) and len(text.table) == 2


def test_teachers_stay_frozen_and_out_of_the_state(clip_folder):
    name = f"local-dir:{clip_folder[0]}"
    model = recon(img_encoder=name, text_encoder=name, img_dim=None, text_dim=None).train()
    assert not model.img_teacher.training and not model.text_teacher.training
    assert not any("teacher" in key or "clip" in key for key in model.state_dict())
    assert len(list(model.parameters())) == len(list(recon().parameters()))
    losses = model(torch.rand(2, 64, 3), torch.randn(2, 3, 32, 32), ["A chair.", "A table."])
    sum(losses.values()).backward()
    assert all(p.grad is None for p in model.img_teacher.parameters())
    model.double()
    assert next(model.img_teacher.parameters()).dtype == torch.float64


def test_teachers_say_which_space_is_theirs(clip_folder, tmp_path):
    folder, clip = clip_folder
    shutil.copytree(folder, tmp_path / "moved")
    image, text = build_image_teacher(f"local-dir:{folder}"), build_text_teacher(f"local-dir:{tmp_path / 'moved'}")
    assert image.space and image.space == text.space
    check_one_space(image, text)
    given, other = Features(text.dim), Features(text.dim)
    other.space = "another"
    trained = build_text_teacher(f"local-dir:{folder}", train=True)
    for pair in ((given, text), (None, text), (other, None), (other, trained)):
        check_one_space(*pair)  # of one of them it is not known
    wider = Features(text.dim + 1)
    wider.space = "another"
    check_one_space(wider, text)
    with pytest.raises(UserError, match="both have features of 12 numbers, but in two spaces"):
        check_one_space(other, text)


@pytest.fixture
def trained(clip_folder):
    """A pretraining model whose teachers, a tiny CLIP, are jointly trained, and a batch for it."""
    name = f"local-dir:{clip_folder[0]}"
    model = recon(img_encoder=name, text_encoder=name, img_dim=None, text_dim=None, train_teachers=True)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return model.train(), (torch.rand(2, 64, 3), images, ["A chair.", "A table."])


def test_trained_teachers_start_from_random_weights(trained, clip_folder):
    model, clip = trained[0], clip_folder[1]
    for teacher, source in ((model.img_teacher.network, clip.visual), (model.text_teacher.clip, clip)):
        state = source.state_dict()
        for name, value in teacher.state_dict().items():
            if value.dim() > 1 and "proj" in name:
                assert value.shape == state[name].shape and not torch.equal(value, state[name]), name


def test_trained_teachers_train_with_the_student(trained):
    model, inputs = trained
    assert model.img_teacher.training and model.text_teacher.training
    parameters = dict(model.named_parameters())
    sum(model(*inputs).values()).backward()
    idle = {name for name, p in parameters.items() if p.grad is None}
    assert all("logit" in name or name.startswith("MAE_encoder.cls") for name in idle), idle
    taught = [name for name in parameters if name.startswith(("img_teacher.", "text_teacher.")) and name not in idle]
    before = {name: parameters[name].detach().clone() for name in taught}
    first = model.text_teacher.encode(["A chair."]).detach()
    torch.optim.AdamW(model.parameters(), lr=0.01).step()
    moved = [name for name in taught if not torch.equal(before[name], parameters[name])]
    assert {name.split(".")[0] for name in moved} == {"img_teacher", "text_teacher"}
    # Nothing is looked up: the feature of a text follows the weights.
    assert model.text_teacher.table is None and not torch.allclose(model.text_teacher.encode(["A chair."]), first)
    assert not model.eval().img_teacher.training
    with torch.no_grad():
        assert not model.img_teacher.encode(inputs[1]).requires_grad


def test_trained_teachers_are_in_the_checkpoint_and_not_needed_downstream(trained, tmp_path):
    from utils.checkpoint import load_weights

    model, inputs = trained
    assert any(name.startswith("text_teacher.clip.") for name in model.state_dict())
    torch.save({"base_model": model.state_dict()}, tmp_path / "weights.pth")
    again = copy.deepcopy(model)
    for parameter in again.parameters():
        torch.nn.init.zeros_(parameter)
    load_weights(again, tmp_path / "weights.pth")
    mask = torch.arange(8).expand(2, 8) % 2 == 0
    for term, value in model.eval()(*inputs, mask=mask).items():
        assert torch.equal(value, again.eval()(*inputs, mask=mask)[term]), term
    downstream = build_model_from_cfg({"NAME": "PointTransformerSVM", **ENCODER, **GROUPS})
    load_weights(downstream, tmp_path / "weights.pth", prefixes=("MAE_encoder.",))


def test_a_run_with_trained_teachers_resumes(run, clip_folder):
    opts = ["model.train_teachers=true", f"model.text_encoder=local-dir:{clip_folder[0]}", "dataset.extra_val=null"]
    whole = run("pretrain", "--opts", *opts, exp="whole")
    broken = run("pretrain", "--opts", *opts, "max_epoch=1", exp="broken")
    run("pretrain", "--resume", "--opts", *opts, exp="broken")
    start, one, two = (
        torch.load(path)["base_model"]
        for path in (whole / "ckpt-epoch-001.pth", whole / "ckpt-last.pth", broken / "ckpt-last.pth")
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    name = "text_teacher.clip.text_projection"
    assert not torch.equal(start[name], one[name])
    assert run("svm", "--svm", "--ckpts", str(broken / "ckpt-last.pth"))  # which has no use for them


def test_timm_teachers_can_be_trained(monkeypatch):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", None)  # nothing is to be had
    with torch.device("meta"):
        teacher = build_image_teacher(IN21K, train=True)
    assert teacher.dim == 768 and all(p.requires_grad for p in teacher.parameters())
    teacher = build_image_teacher("mobilenetv3_small_050", train=True).train()
    assert teacher.encode(torch.zeros(2, 3, 64, 64)).requires_grad


def test_features_pass_through():
    teacher = build_image_teacher("stub", dim=5)
    x = torch.randn(3, 5)
    assert isinstance(teacher, Features) and torch.equal(teacher.encode(x), x)
    assert build_image_teacher("") is None and build_text_teacher("") is None
    for bad in (torch.randn(3, 4), torch.randn(3, 5, 1), ["a", "b"]):
        with pytest.raises(UserError, match="takes \\(B, 5\\)"):
            teacher.encode(bad)


def test_timm_teacher_from_a_local_file(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", num_classes=7).eval()
    torch.save(network.state_dict(), tmp_path / "vit.pth")
    teacher = build_image_teacher("vit_tiny_patch16_224", weights=str(tmp_path / "vit.pth"))
    images = torch.randn(1, 3, 224, 224)
    features = network.forward_head(network.forward_features(images), pre_logits=True)
    assert teacher.dim == 192 and torch.allclose(teacher.encode(images), features, atol=1e-5)


def test_released_image_teacher_ends_in_pre_logits(tmp_path):
    """A file with the names of timm 0.4.5 loads, and its pre-logits layer is used."""
    torch.manual_seed(0)
    source = ViTWithPreLogits().eval()
    state = {**source.vit.state_dict(), "head.weight": torch.zeros(21843, 768), "head.bias": torch.zeros(21843)}
    state |= {f"pre_logits.fc.{key}": value for key, value in source.pre_logits.state_dict().items()}
    torch.save(state, tmp_path / "in21k.pth")
    teacher = build_image_teacher(IN21K, weights=str(tmp_path / "in21k.pth"))
    images = torch.randn(1, 3, 224, 224)
    assert teacher.dim == 768
    assert torch.allclose(teacher.encode(images), source(images), atol=1e-5)
    assert teacher.encode(images).abs().max() <= 1

    del state["pre_logits.fc.weight"]
    torch.save(state, tmp_path / "orig.pth")
    with pytest.raises(UserError, match="does not fit teacher"):
        build_image_teacher(IN21K, weights=str(tmp_path / "orig.pth"))


def test_damaged_and_missing_weights(tmp_path):
    (tmp_path / "broken.pth").write_bytes(b"not a checkpoint")
    for path, message in (("broken.pth", "does not fit teacher"), ("absent.pth", "file not found")):
        with pytest.raises(UserError) as error:
            build_image_teacher("vit_tiny_patch16_224", weights=str(tmp_path / path))
        assert message in str(error.value) and path in str(error.value)
    with pytest.raises(UserError, match="no open_clip_config.json in folder"):
        build_text_teacher(f"local-dir:{tmp_path}")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": CLIP, "preprocess_cfg": {}}))
    with pytest.raises(UserError, match="weights of teacher .* cannot be had"):
        build_text_teacher(f"local-dir:{tmp_path}")


@pytest.mark.parametrize("build, name", [(build_image_teacher, IN21K), (build_text_teacher, "ViT-B/32")])
def test_offline_is_explained(build, name, monkeypatch, tmp_path):
    """When nothing can be downloaded, the message names the key that takes a local file."""

    def refuse(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(open_clip, "create_model", refuse)
    with pytest.raises(UserError) as error:
        build(name)
    message = str(error.value)
    assert "without a network" in message and "_weights" in message and "Network is unreachable" in message


def test_width_is_checked(clip_folder):
    with pytest.raises(UserError, match="model.img_dim is 512, but teacher .* width 12"):
        build_image_teacher(f"local-dir:{clip_folder[0]}", dim=512)


def test_inputs_that_do_not_fit_are_explained(clip_folder):
    """What the config of the data set can get wrong is for the user, not a traceback from inside a network."""
    name = f"local-dir:{clip_folder[0]}"
    image, text = build_image_teacher(name), build_text_teacher(name)
    with pytest.raises(UserError, match="takes images of 32x32 pixels, the data set gives 64x48"):
        image.encode(torch.zeros(1, 3, 64, 48))
    for inputs, got in ((None, "nothing"), (torch.zeros(2, 12), r"\(2, 12\)")):
        with pytest.raises(UserError, match=f"needs images.*got {got}"):
            image.encode(inputs)
        with pytest.raises(UserError, match=f"needs a list of texts.*got {got}"):
            text.encode(inputs)


def test_image_sizes_of_networks():
    for network, size in (
        (ViTWithPreLogits(), (224, 224)),
        (timm.create_model("vit_tiny_patch16_224", num_classes=0), (224, 224)),
        (timm.create_model("resnet10t", num_classes=0), None),
        (open_clip.CLIP(**CLIP).visual, (32, 32)),
        (ModifiedResNet([1, 1, 1, 1], 12, 4, image_size=32, width=8), (32, 32)),
    ):
        assert ImageTeacher(network, 1).size == size


def test_widths_of_other_architectures(tmp_path):
    """Some timm networks widen their features after pooling; some open_clip models keep the text half in a module."""
    torch.manual_seed(0)
    save_file(timm.create_model("mobilenetv3_small_050", num_classes=0).state_dict(), tmp_path / "mobile.safetensors")
    teacher = build_image_teacher("mobilenetv3_small_050", weights=str(tmp_path / "mobile.safetensors"))
    assert teacher.encode(torch.zeros(1, 3, 64, 64)).shape == (1, teacher.dim)

    clip = open_clip.CustomTextCLIP(**CLIP)
    config = {"model_cfg": {**CLIP, "custom_text": True}, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    save_file({k: v.contiguous() for k, v in clip.state_dict().items()}, tmp_path / "open_clip_model.safetensors")
    teacher = build_text_teacher(f"local-dir:{tmp_path}")
    assert teacher.encode(["A chair."]).shape == (1, teacher.dim) == (1, 12)


def test_captions_are_not_kept(clip_folder):
    """What a teacher says of captions depends on the batch alone, whatever it was asked before, and takes no memory."""
    teachers = [build_text_teacher(f"local-dir:{clip_folder[0]}") for _ in range(2)]
    for teacher in teachers:
        teacher.learns = False
    teachers[0].encode(["A mug.", "A red mug."])
    texts = ["A mug.", "A blue mug.", "A mug."]
    assert torch.equal(teachers[0].encode(texts), teachers[1].encode(texts))
    assert teachers[0].encode(texts).shape == (3, 12) and teachers[0].table is None and not teachers[0].rows
