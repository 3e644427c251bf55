"""The code in docs/encoder.md runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import trimesh

import main

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs/encoder.md").read_text(), re.M | re.S)


@pytest.mark.filterwarnings("ignore::models.encoder.EncoderWarning")
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_block(number, tmp_path, monkeypatch, capsys):
    kind, code = BLOCKS[number]
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "hubconf.py", tmp_path)  # what "." is to torch.hub
    (tmp_path / "shapes").mkdir()
    for name in ("chair.glb", "shapes/table.stl"):
        trimesh.creation.box((1, 0.1, 1)).export(name)
    if kind == "python":
        exec(compile(code, f"docs/encoder.md, block {number}", "exec"), {})
        return
    for line in code.splitlines():
        python, script, *words = shlex.split(line)
        assert (python, script) == ("python", "main.py")
        main.main(words)
    assert "chair.glb" in capsys.readouterr().out and Path("features.npz").is_file()
