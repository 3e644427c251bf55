"""The sentence encoder as a text teacher: its table of words, and its package behind it."""

import sys
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from test_models import recon

from datasets.demo.families.common import FAMILIES
from datasets.demo.kinds import KINDS
from models import load_pretrained, save_pretrained
from models import text_teachers as module
from models.teachers import build_text_teacher
from models.text_teachers import WordText, sentence_features, table_key
from tools import demo_teacher, word_table
from utils.errors import UserError
from utils.prompts import TEMPLATES, all_prompts, strip_prompt


class FakeEncoder:
    """Unit vectors that depend on the text alone."""

    def encode(self, texts, **_):
        rows = [torch.randn(384, generator=torch.Generator().manual_seed(len(text))) for text in texts]
        return F.normalize(torch.stack(rows), dim=1)


@pytest.fixture
def absent(monkeypatch):
    """The package is not installed."""
    monkeypatch.setitem(sys.modules, module.MINILM_PACKAGE, None)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    module._sentence_encoder.cache_clear()


@pytest.fixture
def package(monkeypatch):
    """A package with another encoder in its place."""
    fake = SimpleNamespace(load_model=lambda device: FakeEncoder())
    monkeypatch.setitem(sys.modules, module.MINILM_PACKAGE, fake)
    monkeypatch.setattr(module, "find_spec", lambda name: fake)
    module._sentence_encoder.cache_clear()
    yield
    module._sentence_encoder.cache_clear()


def test_prompts_are_told_from_names():
    for name in ("chair", "a", "image", "flower pot", "3D model"):
        assert {strip_prompt(template.format(name)) for template in TEMPLATES} == {name}
    assert strip_prompt("A model of an airplane.") == strip_prompt("An airplane.") == "airplane"
    assert strip_prompt("n airplane.") == "n airplane"
    assert strip_prompt("a tall red chair") == "a tall red chair"


def test_words_need_no_package(absent):
    teacher = build_text_teacher("minilm", 64)
    assert teacher.dim == 64 and not any(parameter.requires_grad for parameter in teacher.parameters())
    prompts = teacher.encode([*all_prompts("night stand"), "night_stand", "Night stand"])
    assert prompts.shape == (62, 64) and (prompts == prompts[0]).all()
    names = ["sofa", "couch", "settee", "airplane", "aeroplane", "night stand", "monitor"]
    cosines = F.cosine_similarity(*(teacher.encode(names)[axis] for axis in ((slice(None), None), (None,))), dim=2)
    assert cosines[0, 1] > 0.6 and cosines[3, 4] > 0.6 and cosines[0, 3] < 0.3  # of like meaning, and of unlike
    assert 0.3 < teacher.encode(names).std() < 0.7  # of the size of CLIP's
    assert teacher.unknown(["sofa", "blorp", "A model of a blorp."]) == ["blorp", "A model of a blorp."]
    assert "sofa" in teacher.known()
    with pytest.raises(
        UserError, match="has no 'blorp' in its table, and needs .* pip install -r requirements-world.txt"
    ):
        teacher.encode(["sofa", "A blorp."])


def test_all_other_texts_ask_the_package(package):
    teacher = WordText()
    found = teacher.encode(["sofa", "a red sofa", "A blorp."])
    said = (sentence_features(["a red sofa", "blorp"]) - teacher.mean) @ teacher.basis
    assert torch.allclose(found[1:], said, atol=1e-5) and torch.equal(found[0], teacher.features[teacher.words["sofa"]])
    assert teacher.unknown(["blorp"]) == [] and teacher.known() == []


def test_a_table_is_made_as_the_shipped_one(package, tmp_path, monkeypatch):
    path = tmp_path / "words.safetensors"
    monkeypatch.setattr(sys, "argv", ["word_table", "--out", str(path), "--dim", "8"])
    word_table.main()
    made, shipped = WordText(path), WordText()
    # Families may have come since, which the shipped one then lacks.
    assert made.dim == 8 and shipped.words.keys() <= made.words.keys()
    said = (sentence_features(["chair"]) - made.mean) @ made.basis
    assert torch.allclose(said, made.encode(["chair"]), atol=2e-3)  # in half precision
    assert abs(float(made.features.std()) - 0.5) < 0.01


def test_the_shipped_table_has_all_names_of_the_synthetic_world():
    words = WordText().words
    names = {name for family in FAMILIES.values() for name in (family.name, *family.synonyms)}
    names |= {name for kinds in KINDS.values() for name in kinds}
    assert [name for name in sorted(names) if table_key(name) not in words] == []


def test_damaged_tables(tmp_path):
    with pytest.raises(UserError, match="no table of words"):
        WordText(tmp_path / "none.safetensors")
    save_file({"mean": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="no table of words"):
        WordText(tmp_path / "other.safetensors")


def test_wrong_settings():
    with pytest.raises(UserError, match="minilm is frozen"):
        build_text_teacher("minilm", weights="x.pth")
    with pytest.raises(UserError, match="text_dim is 32, but teacher 'minilm' has features of width 64"):
        build_text_teacher("minilm", 32)
    with pytest.raises(UserError, match="did you mean 'minilm'"):
        build_text_teacher("minilmm")


def test_pretraining_and_names(absent, tmp_path):
    """A student of this teacher names shapes from its own file, without the package."""
    model = recon(img_encoder="", img_dim=None, text_encoder="minilm", text_dim=None)
    losses = model(torch.rand(2, 64, 3), None, ["A chair.", "A night stand with white background."])
    sum(losses.values()).backward()
    assert model.text_proj.weight.grad.abs().sum() > 0 and losses["csc_text"] > 0
    model.zero_grad()
    encoder = load_pretrained("demo", text_encoder="minilm")  # of the same width
    again = load_pretrained(save_pretrained(encoder, tmp_path / "own.safetensors"))
    assert again.text_encoder == "minilm"
    named = again.classify(torch.rand(2, 256, 3), ["couch", "night_stand", "wardrobe"])
    assert named.probabilities.shape == (2, 3) and torch.allclose(named.probabilities.sum(1), torch.ones(2))
    with pytest.raises(UserError, match="never read 'blorp'"):
        again.classify(torch.rand(256, 3), ["blorp"])


def test_images_are_aligned_with_it(absent, tmp_path, monkeypatch, capsys):
    """An image teacher in the same space, whose text half says that it was never trained."""
    out = tmp_path / "teacher"
    words = ["demo_teacher", "--out", str(out), "--per_class", "4", "--epochs", "1", "--text", "minilm"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(demo_teacher, "teacher_renders", few_renders)
    demo_teacher.main()
    assert "held-out renders named right" in capsys.readouterr().out
    assert build_text_teacher(f"local-dir:{out}").unknown(["A chair."]) == ["A chair."]
    aligned = recon(img_encoder=f"local-dir:{out}", img_dim=None, text_encoder="minilm", text_dim=None)
    assert aligned.img_teacher.dim == aligned.text_teacher.dim == 64
    with pytest.raises(UserError, match="both have features of 64 numbers, but in two spaces"):
        recon(img_encoder="local-dir:datasets/demo/teacher", img_dim=None, text_encoder="minilm", text_dim=None)


def few_renders(categories, per_class, seed, size, wide):
    from datasets.demo.world import teacher_renders

    assert categories is None and not wide
    return teacher_renders(["chair", "bowl"], per_class=40 * per_class, seed=seed, size=size, workers=1, quiet=True)
