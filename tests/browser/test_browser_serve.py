"""The local page in a real browser."""

import subprocess
import sys
from pathlib import Path

import pytest
import trimesh

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address():
    command = [sys.executable, "-m", "tools.serve", "--ckpts", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[0]
        server.terminate()


@pytest.fixture
def opened(browser, address, tmp_path):
    """The page with a box on it, and what it complained of."""
    trimesh.creation.box((1.0, 0.2, 0.6)).export(tmp_path / "box.obj")
    page, complaints = browser.new_page(viewport={"width": 1100, "height": 900}), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.set_input_files("#file", tmp_path / "box.obj")
    page.wait_for_function("document.getElementById('names').data !== undefined")
    page.wait_for_timeout(1000)
    yield page, complaints
    page.close()


def colors(page) -> list:
    return page.evaluate("document.getElementById('cloud').data[0].marker.color")


def test_a_dropped_mesh_its_names_and_what_a_clicked_point_attends_to(opened):
    page, complaints = opened
    bars = page.evaluate("document.getElementById('names').data[0].y")
    assert len(bars) == 5 and page.inner_text("#status").startswith(bars[-1])
    before = colors(page)
    page.evaluate("document.getElementById('cloud').on('plotly_hover', () => { window.hovers = true; })")
    box = page.locator("#cloud").bounding_box()
    for shift in range(0, 120, 4):  # until there is a point under the pointer
        page.mouse.move(box["x"] + box["width"] / 2 + shift, box["y"] + box["height"] / 2 + shift / 3)
        page.wait_for_timeout(300)
        if page.evaluate("window.hovers === true"):
            break
    page.mouse.down()
    page.wait_for_timeout(100)
    page.mouse.up()
    page.wait_for_function("document.getElementById('status').textContent.startsWith('attention of the local token')")
    clicked = colors(page)
    assert clicked != before
    page.click("text=text query")
    page.wait_for_function("document.getElementById('status').textContent.includes('text query')")
    assert colors(page) != clicked
    page.click("text=height")
    assert colors(page) == before
    assert complaints == []


def test_other_names_and_errors(opened):
    page, _ = opened
    page.fill("#labels", "chair, table")
    page.keyboard.press("Tab")
    page.wait_for_function("document.getElementById('names').data[0].y.length === 2")
    page.fill("#labels", "xylophone")
    page.keyboard.press("Tab")
    page.wait_for_function("document.getElementById('error').textContent.includes('xylophone')")
    page.set_input_files("#file", {"name": "a.off", "mimeType": "text/plain", "buffer": b"nothing"})
    page.wait_for_function("document.getElementById('error').textContent.includes('a.off')")


def test_phone(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
