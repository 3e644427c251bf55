"""Image and text teachers behind one small interface: something in, a feature out, `dim` wide.

They are frozen, except where an ablation trains them jointly with the student, from random weights (`trained`).
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.teacher_weights import guard, read_weights, timm_network
from models.text_teachers import ClipText, Teacher, WordText, kind_of
from utils.errors import UserError
from utils.registry import suggestion

# Names of the CLIP paper and what open_clip calls them; OpenAI's weights were trained with QuickGELU.
OPENAI_CLIP = {
    "ViT-B/32": "ViT-B-32-quickgelu",
    "ViT-B/16": "ViT-B-16-quickgelu",
    "ViT-L/14": "ViT-L-14-quickgelu",
    "RN50": "RN50-quickgelu",
}
# timm 0.4.5's ViT-B/16 of this name ends in a pre-logits layer that later releases dropped; this file has it.
IN21K = "vit_base_patch16_224_in21k"
IN21K_URL = (
    "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-vitjx/"
    "jx_vit_base_patch16_224_in21k-e5005f0a.pth"
)
PASS_THROUGH = ("features", "stub")
LOCAL_FOLDER = "local-dir:"
MINILM = "minilm"


class Features(Teacher):
    """Pass-through: the inputs are features already.

    Args:
        dim: width of a feature.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def encode(self, inputs: Any) -> Tensor:
        """Return features (B, dim) as they are.

        Raises:
            UserError: if the inputs are not (B, dim).
        """
        if not isinstance(inputs, Tensor) or inputs.dim() != 2 or inputs.shape[1] != self.dim:
            raise UserError(f"the features teacher takes (B, {self.dim}) tensors, got {kind_of(inputs)}")
        return inputs.detach()


class ImageTeacher(Teacher):
    """A network from images (B, 3, H, W) to features.

    Args:
        network: returns (B, dim).
        dim: width of a feature.
        trained: it trains with the student.
        space: see `Teacher`.
    """

    def __init__(self, network: nn.Module, dim: int, trained: bool = False, space: str | None = None):
        super().__init__()
        self.network, self.dim, self.size, self.trained = network, dim, _image_size(network), trained
        self.space = None if trained else space
        self.freeze()

    def encode(self, inputs: Any) -> Tensor:
        """Map images (B, 3, H, W), normalised as the data set does, to features (B, dim).

        Raises:
            UserError: if the inputs are not images, or not of the size that the network takes.
        """
        if not isinstance(inputs, Tensor) or inputs.dim() != 4:
            raise UserError(f"model.img_encoder needs images (B, 3, H, W) from the data set, got {kind_of(inputs)}")
        if self.size is not None and inputs.shape[2:] != self.size:
            wanted, got = ("x".join(map(str, size)) for size in (self.size, inputs.shape[2:]))
            raise UserError(f"model.img_encoder takes images of {wanted} pixels, the data set gives {got} (image_size)")
        with self.gradient():
            return self.network(inputs)


class ViTWithPreLogits(nn.Module):
    """ViT-B/16 of timm 0.4.5: the class token after the final norm, through Linear(768, 768) and tanh."""

    def __init__(self):
        import timm

        super().__init__()
        self.vit = timm.create_model("vit_base_patch16_224", num_classes=0)
        self.pre_logits = nn.Linear(768, 768)

    def load_original(self, state: dict[str, Tensor]) -> None:
        """Load the original checkpoint, whose pre-logits layer is called `pre_logits.fc`.

        Raises:
            KeyError, RuntimeError: if it is another network's.
        """
        state = {name: value for name, value in state.items() if not name.startswith("head.")}
        layer = {name: state.pop(f"pre_logits.fc.{name}") for name in ("weight", "bias")}
        self.pre_logits.load_state_dict(layer)
        self.vit.load_state_dict(state)

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(self.pre_logits(self.vit(images)))


def build_image_teacher(
    name: str | None, dim: int | None = None, weights: str | None = None, train: bool = False
) -> Teacher | None:
    """Build an image teacher.

    Args:
        name: "" or None for none; `features` (or `stub`) for given features; a CLIP name such as `ViT-B/32`;
            `local-dir:FOLDER` for a folder in open_clip's layout; `vit_base_patch16_224_in21k` for the released
            teacher; otherwise any timm model or open_clip model.
        dim: width of the features; needed for `features`, checked against the network otherwise.
        weights: local weight file instead of a download; for open_clip models also a pretrained tag.
        train: start from random weights and let it train, instead of a frozen pretrained one.

    Raises:
        UserError: if the name is unknown, or weights are missing, damaged or of another network.
    """
    if not name or name in PASS_THROUGH:
        return _build_pass_through("img", name, dim)
    if _is_open_clip(name):
        clip, _, width = _load_open_clip(name, weights, "img", train)
        return _checked(
            ImageTeacher(clip.visual, width, train, _aligned_with(name) or _space_of(clip)), dim, "img", name
        )
    import timm

    if name == IN21K:
        network, width = ViTWithPreLogits(), 768
        if not train:
            guard("img", name, weights, IN21K_URL, lambda: network.load_original(read_weights(weights, IN21K_URL)))
    elif timm.is_model(name.split(".")[0]):
        network = guard("img", name, weights, f"timm's {name}", lambda: timm_network(name, weights, train))
        # Some convolutional networks widen their features after pooling.
        width = getattr(network, "head_hidden_size", None) or network.num_features
    else:
        known = [*OPENAI_CLIP, *PASS_THROUGH, IN21K, *timm.list_models()]
        raise UserError(f"unknown image teacher '{name}' in model.img_encoder{suggestion(name, known)}")
    return _checked(ImageTeacher(network, width, train), dim, "img", name)


def build_text_teacher(
    name: str | None, dim: int | None = None, weights: str | None = None, train: bool = False
) -> Teacher | None:
    """Build a text teacher; arguments and errors as for `build_image_teacher`, timm models excepted.

    `minilm` is a sentence encoder, see `WordText`.
    """
    if not name or name in PASS_THROUGH:
        return _build_pass_through("text", name, dim)
    if name == MINILM:
        if train or weights:
            raise UserError(f"model.text_encoder {MINILM} is frozen, and brings its own weights")
        return _checked(WordText(), dim, "text", name)
    if not _is_open_clip(name):
        import open_clip

        known = [*OPENAI_CLIP, *PASS_THROUGH, MINILM, *open_clip.list_models()]
        raise UserError(f"unknown text teacher '{name}' in model.text_encoder{suggestion(name, known)}")
    clip, tokenizer, width = _load_open_clip(name, weights, "text", train)
    return _checked(ClipText(clip, tokenizer, width, train, _space_of(clip)), dim, "text", name)


class TeacherHolder(nn.Module):
    """A model that holds teachers; frozen ones outside its state dict, its parameters and its train mode."""

    img_teacher: Teacher | None
    text_teacher: Teacher | None

    def hold_teachers(self, img: Teacher | None = None, text: Teacher | None = None, train: bool = False) -> None:
        """Keep teachers as `img_teacher` and `text_teacher`.

        Frozen ones become plain attributes, which still follow the model from device to device. With `train` they
        become parts of the model like any other.
        """
        self.jointly_trained = train
        for name, teacher in (("img_teacher", img), ("text_teacher", text)):
            if train:
                setattr(self, name, teacher)
            else:
                object.__setattr__(self, name, teacher)

    def _apply(self, fn, recurse=True):
        for teacher in (self.__dict__.get("img_teacher"), self.__dict__.get("text_teacher")):
            if teacher is not None:
                teacher._apply(fn, recurse)
        return super()._apply(fn, recurse)


def _build_pass_through(kind: str, name: str | None, dim: int | None) -> Teacher | None:
    if not name:
        return None
    if dim is None:
        raise UserError(f"model.{kind}_encoder '{name}' needs model.{kind}_dim, the width of the given features")
    return Features(dim)


def _checked(teacher: Teacher, dim: int | None, kind: str, name: str) -> Teacher:
    if dim is not None and dim != teacher.dim:
        raise UserError(f"model.{kind}_dim is {dim}, but teacher '{name}' has features of width {teacher.dim}")
    return teacher


def _is_open_clip(name: str) -> bool:
    if name in OPENAI_CLIP or name.startswith(LOCAL_FOLDER):
        return True
    import open_clip

    return name in open_clip.list_models()


def _load_open_clip(name: str, weights: str | None, kind: str, train: bool) -> tuple[Any, Any, int]:
    """An open_clip model with weights (random ones to `train`), its tokenizer and the width of its features."""
    import open_clip

    if name.startswith(LOCAL_FOLDER):
        folder = name.removeprefix(LOCAL_FOLDER)
        if not os.path.isfile(os.path.join(folder, "open_clip_config.json")):
            raise UserError(
                f"model.{kind}_encoder: no open_clip_config.json in folder '{folder}' "
                "(expected open_clip's layout: open_clip_config.json and open_clip_model.safetensors)"
            )
    # A local file, a tag given by the user, or the weights that the CLIP paper's names stand for.
    pretrained = weights or ("openai" if name in OPENAI_CLIP else None)
    if not (train or weights or name in OPENAI_CLIP or name.startswith(LOCAL_FOLDER)):
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise UserError(f"model.{kind}_weights must name a file or a pretrained tag for '{name}' (tags: {tags})")
    architecture = OPENAI_CLIP.get(name, name)

    def load():
        if train:
            clip = open_clip.create_model(architecture, load_weights=False, pretrained_text=False)
        else:
            clip = open_clip.create_model(architecture, pretrained=pretrained, require_pretrained=True)
        config: Any = open_clip.get_model_config(architecture)
        return clip, open_clip.get_tokenizer(architecture), config["embed_dim"]

    return guard(kind, name, weights, f"open_clip's {architecture} '{pretrained}'", load)


def _aligned_with(name: str) -> str | None:
    """The space, of another text teacher, that the images of a folder were aligned with; see `tools.demo_teacher`."""
    if not name.startswith(LOCAL_FOLDER):
        return None
    content = json.loads(Path(name.removeprefix(LOCAL_FOLDER), "open_clip_config.json").read_text())
    return content.get("text")  # open_clip has read it


def _space_of(clip: nn.Module) -> str:
    """Digest of the biases and norms of both halves of a CLIP: few, and of no other training, wherever it was read."""
    digest = hashlib.sha256()
    for name, value in clip.state_dict().items():
        if value.dim() == 1:
            digest.update(name.encode() + value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def check_one_space(img: Teacher | None, text: Teacher | None) -> None:
    """Refuse two teachers whose features have one width but are known to be in two spaces; zero-shot adds such.

    Raises:
        UserError: if they do.
    """
    spaces = [teacher.space for teacher in (img, text) if teacher is not None]
    if img is None or text is None or None in spaces or spaces[0] == spaces[1] or img.dim != text.dim:
        return
    raise UserError(
        f"model.img_encoder and model.text_encoder both have features of {img.dim} numbers, but in two spaces; "
        "zero-shot would add them: take both halves of one CLIP, images that were trained into the space of the texts "
        "(python -m tools.demo_teacher --text), or one of another width"
    )


def _image_size(network: nn.Module) -> tuple[int, int] | None:
    """Height and width of the only images that a network takes; None where it takes any."""
    if isinstance(network, ViTWithPreLogits):
        network = network.vit
    trunk = getattr(network, "trunk", network)  # open_clip's wrapper of timm's networks
    patches = getattr(trunk, "patch_embed", None)
    if patches is not None:
        size = patches.img_size if getattr(patches, "strict_img_size", False) else None
    else:
        size = getattr(network, "image_size", None) if trunk is network else None
    return (size, size) if isinstance(size, int) else size and tuple(size)
