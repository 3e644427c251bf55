"""A browser for pages: that of the system, without a window."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# WebGL on the CPU; the sandbox does not go with root.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Headless Chromium; BROWSER names another."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "there is no Chromium (apt-get install chromium); BROWSER=/path/to/it names one"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


class Watched:
    """A page, and what it complained of or asked of the network."""

    def __init__(self, page, path: Path):
        self.page, self.complaints, self.requests = page, [], []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("console", lambda said: self.complaints.append(said.text) if "WebGL" in said.text else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.absolute().as_uri())
        self.own = page.url

    def check(self) -> None:
        assert self.complaints == []
        assert [url for url in self.requests if url != self.own and not url.startswith(("data:", "blob:"))] == []


@pytest.fixture
def look(browser):
    """Open a file at a width in pixels; returns a `Watched`."""
    pages = []

    def call(path: Path, width: int) -> Watched:
        pages.append(browser.new_page(viewport={"width": width, "height": 900}))
        return Watched(pages[-1], path)

    yield call
    for page in pages:
        page.close()
