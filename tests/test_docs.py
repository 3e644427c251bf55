"""Modules, files, flags and links that the documentation names exist."""

import importlib.util
import itertools
import re
import shlex
from pathlib import Path

import pytest

import main
from tools.engine.task import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "extensions/README.md"])


def commands(text: str) -> list[str]:
    """Lines of bash blocks, continued ones put together, and what stands between backticks."""
    blocks = re.findall(r"^```(?:bash|sh)\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return [line.partition(" #")[0].strip() for line in [*lines, *inline]]


def alternatives(command: str) -> list[str]:
    """What a command means: `a/{b,c}.yaml` is two; what stands in [] or after | is left out."""
    command = re.sub(r"\[[^\]]*\]", "", command).partition("|")[0].replace("...", "")
    parts = re.split(r"\{([^{}]*,[^{}]*)\}", command)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def words_of(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def of_page(page: Path) -> list[str]:
    return sorted({one for line in commands(page.read_text()) for one in alternatives(line)})


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@each_page
def test_modules_exist(page):
    for command in of_page(page):
        module = command.partition("python -m ")[2].partition(" ")[0].rstrip(",")
        if module.split(".")[0] in ("tools", "datasets", "tests"):
            assert importlib.util.find_spec(module) is not None, command


@each_page
def test_files_exist(page):
    for command in of_page(page):
        for word in words_of(command):
            for path in re.findall(r"(?:^|=)((?:scripts|cfgs|tests|docs)/[\w./-]+\.\w+)$", word):
                assert (ROOT / path).exists(), command


@each_page
def test_flags_of_main_exist(page):
    known = {flag for action in main.build_parser()._actions for flag in action.option_strings}
    for command in of_page(page):
        words = words_of(command)
        places = [i for i, word in enumerate(words) if word.endswith("main.py") and not word.startswith("segmentation")]
        words = words[places[0] + 1 :] if places else []
        if words and words[0] not in COMMANDS.find():
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, command


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(), re.M)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_every_page_is_linked():
    """By the README, or by a page."""
    pages = {page.name: page.read_text() for page in (ROOT / "docs").glob("*.md")}
    text = "\n".join([(ROOT / "README.md").read_text(), *(own.replace("](", "](docs/") for own in pages.values())])
    assert [name for name in pages if f"docs/{name}" not in text] == []
