"""The page of a run in a real browser."""

import shutil
from pathlib import Path

import pytest

WIDTHS = (1280, 390)


@pytest.fixture
def page(run, world) -> Path:
    """Of a pretraining run that has seen none of nine shapes."""
    source, folder = Path(world, "ShapeNet55-34"), Path("lists/ShapeNet-55")
    shutil.copytree(source / "ShapeNet-55", folder)
    shutil.copy(source / "shapenet55.json", "lists")
    names = (folder / "train.txt").read_text().split()
    (folder / "train.txt").write_text("\n".join(names[9:]))
    (folder / "test.txt").write_text("\n".join(names[:9]))
    return run("pretrain", "--opts", "report=true", f"dataset.train._base_.DATA_PATH={folder}") / "report.html"


def camera(page, number: int = 0) -> dict:
    return page.evaluate(f"document.querySelectorAll('.cloud')[{number}].layout.scene.camera.eye")


def shown(page, name: str = ".cloud") -> None:
    page.locator(name).first.scroll_into_view_if_needed()
    page.wait_for_function(f"document.querySelector('{name}').data !== undefined")
    page.wait_for_timeout(500)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_is_drawn_and_fits(look, page, width):
    watched = look(page, width)
    document = watched.page
    plots = document.locator(".plot")
    for i in range(plots.count()):
        plot = plots.nth(i)
        plot.scroll_into_view_if_needed()
        document.wait_for_function(f"document.querySelectorAll('.plot')[{i}].data !== undefined")
        box = plot.bounding_box()
        assert box["width"] > 150 and box["height"] > 150 and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert document.evaluate("document.documentElement.scrollWidth") <= width
    assert document.evaluate("getComputedStyle(document.body).fontSize") == "15px"
    watched.check()


def test_dragging_turns_a_cloud_and_those_beside_it(look, page):
    watched = look(page, 1280)
    shown(watched.page)
    before, beside = camera(watched.page), camera(watched.page, 1)
    assert before == beside
    box = watched.page.locator(".cloud").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    watched.page.mouse.move(x, y)
    watched.page.mouse.down()
    watched.page.mouse.move(x + 80, y + 20, steps=8)
    watched.page.mouse.up()
    watched.page.wait_for_timeout(500)
    assert camera(watched.page) != before
    assert camera(watched.page, 1) == pytest.approx(camera(watched.page), abs=1e-6)
    watched.check()


def test_the_wheel_and_the_keyboard(look, page):
    watched = look(page, 1280)
    shown(watched.page)
    cloud = watched.page.locator(".cloud").first
    size = "document.querySelector('.cloud').layout.scene.aspectratio.x"
    before, ratio = camera(watched.page), watched.page.evaluate(size)
    cloud.focus()
    assert watched.page.evaluate("document.activeElement.classList.contains('cloud')")
    watched.page.keyboard.press("ArrowRight")
    watched.page.wait_for_timeout(300)
    turned = camera(watched.page)
    assert turned != before and turned["z"] == pytest.approx(before["z"])
    watched.page.keyboard.press("+")
    watched.page.wait_for_timeout(300)
    assert watched.page.evaluate(size) == pytest.approx(1.15 * ratio)
    box = cloud.bounding_box()
    watched.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    watched.page.mouse.wheel(0, -300)
    watched.page.wait_for_timeout(500)
    assert watched.page.evaluate(size) > 1.15 * ratio
    watched.check()


def test_another_shape(look, page):
    watched = look(page, 1280)
    shown(watched.page)
    first = "JSON.stringify(document.querySelector('.cloud').data[0].x)"
    label = watched.page.locator(".cloud").first.get_attribute("aria-label")
    before = watched.page.evaluate(first)
    buttons = watched.page.locator("button[data-figures]")
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"
    buttons.nth(1).focus()
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_timeout(300)
    assert watched.page.evaluate(first) != before
    assert [buttons.nth(i).get_attribute("aria-pressed") for i in (0, 1)] == ["false", "true"]
    assert watched.page.locator(".cloud").first.get_attribute("aria-label") != label
    watched.check()
