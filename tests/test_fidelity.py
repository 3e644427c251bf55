"""The registry of differences is complete, and what the README and the tables say comes from it."""

import json
import sys
from pathlib import Path

import pytest
import yaml

import main
from tools import fidelity
from tools.engine.config import parse_run_config
from tools.paper.plan import Planner
from utils.config import load_config, read_yaml

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden/pipeline"
FILES = json.loads((GOLDEN / "yaml_keys.json").read_text())["files"]
MISSING = object()


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def look_up(config: dict, dotted: str):
    for part in dotted.split("."):
        if not isinstance(config, dict) or part not in config:
            return MISSING
        config = config[part]
    return config


def same(ours, released) -> bool:
    """Whether two values are alike; a number written like 5e-4 is text in YAML 1.1."""
    return ours == released or str(ours) == str(released) or (isinstance(released, str) and _number(released) == ours)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def unlike(name: str) -> list[str]:
    """Keys of a released file that ours of that name has otherwise or not at all, and that no entry explains."""
    ours = read_yaml(name) if "dataset_configs" in name else load_config(name)
    keys = FILES[name].items()
    return [key for key, value in keys if not same(look_up(ours, key), value) and not fidelity.explained(name, key)]


@pytest.mark.parametrize("name", FILES)
def test_every_released_value_is_ours_or_explained(name):
    assert not unlike(name)


def test_a_changed_default_is_noticed(monkeypatch):
    changed = FILES["cfgs/full/finetune_modelnet.yaml"] | {"optimizer.kwargs.lr": "3e-5", "dataset.val.others.new": 1}
    monkeypatch.setitem(FILES, "cfgs/full/finetune_modelnet.yaml", changed)
    assert unlike("cfgs/full/finetune_modelnet.yaml") == ["optimizer.kwargs.lr", "dataset.val.others.new"]


def test_no_entry_explains_what_is_alike():
    for entry in fidelity.DIFFERENCES:
        for files, keys in entry.yaml:
            covered = [
                (name, key)
                for name, values in FILES.items()
                for key in values
                if Path(name).match(files) and fidelity.fnmatch.fnmatch(key, keys)
            ]
            assert covered, f"{entry.what}: no released file has {files} {keys}"


def test_every_flag_has_the_released_default_or_an_entry():
    recorded = json.loads((GOLDEN / "cli.json").read_text())["main.py"]
    ours = vars(main.read_arguments(["--config", "some.yaml"]))
    explained = {flag for entry in fidelity.DIFFERENCES for flag in entry.flags}
    for flag, facts in recorded.items():
        if flag not in explained:
            assert ours[flag.removeprefix("--")] == facts["default"], flag
    assert explained <= recorded.keys()


@pytest.mark.parametrize("entry", fidelity.CORRECTIONS, ids=lambda entry: entry.key)
def test_released_surprises_are_the_default_and_can_be_corrected(entry):
    config = load_config(entry.config)
    value = look_up(config, entry.key)
    if value is MISSING:  # a key of the data set, which stands with its description
        head, _, last = entry.key.rpartition(".others.")
        value = look_up(config, f"{head}._base_.{last}")
    assert value == yaml.safe_load(entry.released) != yaml.safe_load(entry.corrected)
    parse_run_config(load_config(entry.config, [f"{entry.key}={entry.corrected}"]))


def test_released_forms_can_be_asked_for():
    for entry in fidelity.DIFFERENCES:
        if entry.config:
            parse_run_config(load_config(entry.config, [entry.released_by]))
        else:
            assert not entry.released_by or entry.released_by in main.build_parser().format_help()


def test_readme_page_and_tables_come_from_the_registry(capsys, monkeypatch):
    assert (ROOT / "docs/fidelity.md").read_text(encoding="utf-8") == fidelity.document()
    assert fidelity.markdown_table(fidelity.CORRECTION_ROWS) in (ROOT / "README.md").read_text(encoding="utf-8")
    typo = "zeroshot.released_typo=true"
    used = [note for note in Planner("paper", 1, [typo]).table("table3").notes if "toilet" in note]
    assert used == ["`toilet` of ScanObjectNN in zero-shot: asked for as `toile`, as released"]
    for name in ("table1", "table3", "table10"):
        expected = fidelity.notes(name)
        assert expected and set(expected) <= set(Planner("paper", 1).table(name).notes)
    for arguments in ([], ["--markdown"], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["fidelity", *arguments])
        fidelity.main()
        printed = capsys.readouterr().out
        assert "toile" in printed and "released_lag" in printed
    assert json.loads(printed).keys() == {"differences", "corrections"}
