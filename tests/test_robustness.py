"""Corruptions, the benchmark that applies them, and training on clouds of varying density."""

import json
import re
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from datasets.corruptions import CORRUPTIONS, SEVERITIES
from extensions import group
from models.transformer import Patches
from tools.benchmark import __main__ as benchmark
from tools.benchmark import robustness
from tools.engine.density import group_varied, numbers_of_points
from utils.checkpoint import load_checkpoint
from utils.errors import UserError
from utils.geometry import normalize_unit_sphere
from utils.seeding import generator


@pytest.fixture(scope="module")
def clouds() -> Tensor:
    return normalize_unit_sphere(torch.rand(4, 400, 3, generator=generator("cpu", 0)) * torch.tensor([1.0, 0.6, 0.3]))


def distance(one: Tensor, other: Tensor) -> float:
    """Mean distance from the points of one to the nearest of the other."""
    return torch.cdist(one, other).amin(2).mean().item()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions_get_worse_and_are_made_again(name, clouds):
    changed = [CORRUPTIONS[name](clouds, severity, generator("cpu", 1)) for severity in SEVERITIES]
    again = CORRUPTIONS[name](clouds, 3, generator("cpu", 1))
    assert torch.equal(again, changed[2]) and not torch.equal(again, CORRUPTIONS[name](clouds, 3, generator("cpu", 2)))
    assert all(one.isfinite().all() and one.shape[0] == 4 for one in changed)
    expected = {
        "drop global": [300, 250, 200, 150, 100],
        "drop local": [360, 320, 280, 240, 200],
        "add global": [404, 408, 412, 416, 420],
        "add local": [440, 480, 520, 560, 600],
    }.get(name, [400] * 5)
    assert [one.shape[1] for one in changed] == expected
    moved = [max(distance(one, clouds), distance(clouds, one)) for one in changed]
    assert moved[0] > 0 and moved[4] > moved[0]
    if name.startswith("drop"):
        assert distance(changed[4], clouds) < 1e-4  # nothing is moved
    if name.startswith("add"):
        assert torch.equal(changed[4][:, :400], clouds)
    if name == "rotate":
        assert torch.allclose(changed[4].norm(dim=2), clouds.norm(dim=2), atol=1e-5)


def test_the_benchmark(configs, run, tmp_path, capsys):
    """A fine-tuned classifier beside itself: a table, a picture, figures, the same numbers again."""
    folder = run("classify", "--scratch_model")
    first, second = str(folder / "ckpt-last.pth"), str(folder / "ckpt-best.pth")
    words = ["robustness", "--config", str(configs["classify"]), "--ckpts", first, second]
    files = ["--out", str(tmp_path / "out"), "--json", str(tmp_path / "all.json")]
    capsys.readouterr()
    benchmark.main([*words, *files])
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out/robustness.md").read_text()
    assert (tmp_path / "out/robustness.png").read_bytes().startswith(b"\x89PNG")
    results = json.loads((tmp_path / "all.json").read_text())["results"]
    assert list(results) == [first, second] and results[first]["mce"] == pytest.approx(100)
    found = results[first]
    assert found["clean"] == pytest.approx(load_checkpoint(first)["metrics"]["accuracy"])  # what training measured
    assert list(found["corrupted"]) == list(CORRUPTIONS) and all(len(v) == 5 for v in found["corrupted"].values())
    assert found["mean"] == pytest.approx(sum(found["by_corruption"].values()) / 7)
    assert f"| {found['clean']:.1f} |" in printed
    benchmark.main(words)
    assert capsys.readouterr().out == printed
    with pytest.raises(UserError, match="is a checkpoint of another model"):
        benchmark.main([*words, "--opts", "model.depth=3"])


def test_density_is_that_of_the_points_fed():
    """What predicts right only where it is fed 256 points shows so in the curve."""
    points = [torch.rand(512, 3) for _ in range(6)]
    clouds = robustness.Clouds(points, torch.arange(6) % 2, ["a", "b"], True)

    def predict(batch: Tensor, most: int | None) -> Tensor:
        fed = min(batch.shape[1], most or batch.shape[1])
        return torch.arange(len(batch)) % 2 if fed == 256 else torch.full((len(batch),), 2)

    found = robustness.measure_robustness(predict, 256, clouds, None, 0, SimpleNamespace(update=lambda: None))
    assert found["density"]["fed"] == {128: 0.0, 256: 100.0, 512: 0.0}
    assert found["density"]["sampled"] == {128: 0.0, 256: 100.0, 512: 100.0}
    assert found["clean"] == 100 and found["corrupted"]["add local"] == [100.0] * 5
    assert found["corrupted"]["drop global"] == [0.0] * 5


def test_numbers_of_points():
    config = SimpleNamespace(npoints=256, least_points=128, most_points=2048)
    batches = [numbers_of_points(config, 8, lambda *key, n=n: generator("cpu", n)) for n in range(100)]
    edges = [round(128 * 2 ** (part / 2)) for part in range(9)]
    for batch in batches:  # each holds sparse and dense clouds
        assert all(low <= n <= high for low, n, high in zip(edges, batch, edges[1:], strict=False))
    assert len({n for batch in batches for n in batch}) > 300
    config.most_points = None
    assert max(numbers_of_points(config, 2, lambda *key: generator("cpu", 0))) <= 256


class Cuts:
    """A model that tells what it was fed, and cuts it as `group` does."""

    def __init__(self):
        self.fed = []

    def group(self, points):
        self.fed.append(points)
        return Patches(*group(points, 4, 8))


def test_batches_of_several_densities():
    config = SimpleNamespace(npoints=64, least_points=16, most_points=96)
    points, model = torch.rand(12, 96, 3, generator=generator("cpu", 0)), Cuts()

    def draw(name, device="cpu"):
        return generator(device, name)

    patches = group_varied(model, points, config, draw, lambda part: part[:, :64])
    assert patches.centers.shape == (12, 4, 3) and patches.neighborhoods.shape == (12, 4, 8, 3)
    sizes = [part.shape[1] for part in model.fed]
    assert sizes == [min(n, 64) for n in numbers_of_points(config, 8, draw)] and sizes[0] < 20 and sizes[-1] == 64
    again = torch.cat([part[:, :8] for part in model.fed])
    same = (again[:, :, None] == points[:, None]).all(3).any(2)
    assert same.all()  # each cloud's own points, in its place
    assert len(group_varied(Cuts(), points[:3], config, draw, lambda part: part).centers) == 3


def test_density_needs_patches(run):
    options = ["--scratch_model", "--opts", "npoints=[16, 64]", "max_epoch=0"]
    model = 'model={"NAME": "PointNet", "cls_dim": 15, "width": 0.25}'
    with pytest.raises(UserError, match="'least_points': clouds of several sizes need a model that cuts them"):
        run("classify", *options, model)


@pytest.mark.parametrize("task, flags", [("pretrain", ()), ("classify", ("--scratch_model",))])
def test_varying_density_resumes_exactly(run, task, flags):
    options = ["--opts", "npoints=[16, 64]", "max_epoch=1", *["validate=none"] * (task == "pretrain")]
    whole = run(task, *flags, *options, exp="whole")
    run(task, *flags, *options[:2], "max_epoch=0", *options[3:], exp="part")
    part = run(task, *flags, *options, "--resume", exp="part")
    one, other = (load_checkpoint(folder / "ckpt-last.pth")["base_model"] for folder in (whole, part))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    fixed = load_checkpoint(run(task, *flags, *options[:1], *options[2:], exp="fixed") / "ckpt-last.pth")["base_model"]
    name = "mask_token" if task == "pretrain" else "cls_token"
    assert not torch.equal(fixed[name], one[name])


def test_wrong_densities(run):
    for value, message in (
        ("[64, 16]", r"must be a number or \[fewest, most\], got \[64, 16\]"),
        ("[4, 64]", "num_group' must be in 1..npoints .4., got 8"),
        ("[16, 32, 64]", "'npoints' must be a whole number"),
        ("[16, many]", "'npoints' must be a whole number"),
        ("64 most_points=96", "'most_points' goes with 'least_points'"),
        ("[16, 64] most_points=32", "'most_points' goes with 'least_points' and is at least npoints, got 32"),
    ):
        with pytest.raises(UserError, match=message):
            run("classify", "--scratch_model", "--opts", *re.split(" (?=most)", f"npoints={value}"))
