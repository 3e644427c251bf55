"""Modules, files, flags and links that the documentation names exist, and its commands run."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

import main
from tests import docs_commands
from tests.docs_commands import PAGES, alternatives, commands
from tools.engine.task import COMMANDS

ROOT = Path(__file__).parents[1]


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


def test_every_command_is_run_or_has_a_reason():
    """No reason and no substitution without a command; what is left is run by `python -m tests.docs_commands`."""
    documented = list(docs_commands.documented())
    for mark in docs_commands.NOT_RUN:
        assert any(re.search(mark, command) for command in documented), mark
    run = [command for command in documented if docs_commands.reason_of(command) is None]
    assert len(run) > 25
    made = [one for command in run for one in docs_commands.smaller(command)]
    assert [one for one in made if re.search(r"[<>$]|\bCKPT\b|\bFOLDER\b|\.\.\.", one)] == []


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    with docs_commands.workplace(tmp_path_factory.mktemp("docs")):
        yield


QUICK = [
    one
    for command in docs_commands.documented()
    if docs_commands.reason_of(command) is None
    for one in docs_commands.smaller(command)
    if not re.search(docs_commands.SLOW, one)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", QUICK)
def test_quick_commands_run(workplace, command):
    assert docs_commands.execute(command)


def test_a_failing_command_is_told(workplace):
    with pytest.raises(RuntimeError, match="checkpoint not found: gone.pth|exit 2"):
        docs_commands.execute("python main.py predict docs/shapes/chair.off --ckpts gone.pth")
    with pytest.raises(RuntimeError, match="exit 3"):
        docs_commands.execute("bash -c 'exit 3'")
