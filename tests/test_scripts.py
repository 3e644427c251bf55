"""The bash scripts: syntax, usage errors, what they launch, and the set-up that is done only once.

`golden/pipeline/cli.json` holds what the released scripts take and run.
"""

import functools
import http.server
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import yaml

import main
from utils.config import load_config

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("*.sh"))
RELEASED = json.loads((ROOT / "tests/golden/pipeline/cli.json").read_text())
REEXEC = '[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"'
TASKS = {
    "pretrain.sh": ["exp"],
    "cls.sh": ["exp", "some.pth"],
    "fewshot.sh": ["exp", "some.pth", "5", "10", "0"],
    "zeroshot.sh": ["exp", "some.pth"],
    "svm.sh": ["exp", "some.pth"],
    "seg.sh": ["exp", "some.pth"],
    "test.sh": ["exp", "some.pth"],
}
# `sh` is a plain POSIX shell on some systems and bash in its POSIX mode on others.
SHELLS = pytest.mark.parametrize("shell", [["sh"], ["bash"], ["bash", "--posix"]], ids=["sh", "bash", "posix"])


def run(script: str, *arguments: str, cwd=ROOT, shell=("bash",), **environment: str) -> subprocess.CompletedProcess:
    chosen = ("VIRTUAL_ENV", "CONDA_PREFIX", "VENV", "PYTHON", "CONFIG")
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    command = [*shell, str(ROOT / script), *arguments]
    return subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def fake_python(tmp_path: Path) -> str:
    """An interpreter that prints the GPUs it sees and its arguments, as JSON."""
    path = tmp_path / "python"
    code = 'import json, os, sys; print(json.dumps([os.environ.get("CUDA_VISIBLE_DEVICES"), *sys.argv[1:]]))'
    path.write_text(f"#!/bin/sh\nexec '{sys.executable}' -Ic '{code}' \"$@\"\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def launched(fake_python, tmp_path):
    """Run a script from a folder of its own; returns the GPUs and the arguments of Python."""

    def call(name: str, *arguments: str, **options) -> tuple[str, list[str]]:
        done = run(f"scripts/{name}", *arguments, **{"cwd": tmp_path, "PYTHON": fake_python, **options})
        assert done.returncode == 0 and not done.stderr, done.stderr
        gpus, *words = json.loads(done.stdout)
        return gpus, words

    return call


@pytest.mark.parametrize("script", [*(f"scripts/{name}" for name in SCRIPTS), ".ci/run"])
def test_syntax(script):
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_sh_hands_over_to_bash(name):
    """Before anything that another shell does not know; sourced scripts have no interpreter line."""
    first, *lines = (ROOT / "scripts" / name).read_text().splitlines()
    if first.startswith("#!"):
        assert next(line for line in lines if not line.startswith("#")) == REEXEC


@SHELLS
@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("arguments", [[], ["0"], ["no-gpu", "exp", "some.pth", "5", "10", "0"]])
def test_usage(name, arguments, shell):
    done = run(f"scripts/{name}", *arguments, shell=shell)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"usage: bash scripts/{name} <GPU> <exp>") and done.stderr.count("\n") == 1


@SHELLS
def test_demo_usage(shell):
    for arguments in (["--fast"], ["--out"]):
        done = run("scripts/demo.sh", *arguments, shell=shell)
        assert done.returncode == 2 and done.stderr.startswith("usage: ") and done.stderr.count("\n") == 1


@SHELLS
@pytest.mark.parametrize("path", RELEASED["scripts"])
def test_released_script(path, shell, launched):
    """The released arguments in their order; of segmentation/ the exp is what the released program calls log_dir."""
    said = RELEASED["scripts"][path]
    name, segments = Path(path).name, path.startswith("segmentation/")
    values = {"GPU": "3", "exp_name": "a name", "log_dir": "a name", "ckpts": "my weights.pth"}
    values |= {"way": "5", "shot": "10", "fold": "3"}
    arguments = [values[argument] for argument in said["arguments"]]
    config = {"CONFIG": "cfgs/segmentation/shapenetpart.yaml"} if path == "segmentation/test.sh" else {}
    gpus, words = launched(name, *arguments, shell=shell, **config)
    assert gpus == "3" and words[:3] == ["main.py", "--exp_name", "a name"]

    drawn = "$RANDOM" in " ".join(said["flags"])
    if drawn:
        at = words.index("--seed")
        assert words[at + 1] == "random"
        del words[at : at + 2]
    expected = {}
    for flag in said["flags"]:
        flag, _, value = flag.partition(" ")
        if flag not in ("--gpu", "--log_dir", "--seed"):
            expected[flag] = re.sub(r"\$(\d)", lambda found: arguments[int(found[1]) - 1], value)
    if segments:
        expected |= {"--config": "cfgs/segmentation/shapenetpart.yaml"}
        expected |= {} if "--test" in expected else {"--finetune_model": ""}
    if path == "scripts/test.sh":
        expected |= {"--vote": ""}  # released: `--test` votes by itself
    found = {}
    for word in words[1:]:
        if word.startswith("--"):
            found[flag := word] = ""
        else:
            found[flag] = word
    assert found == expected | {"--exp_name": "a name"}
    assert (ROOT / found["--config"]).is_file()


@pytest.mark.parametrize("name", TASKS)
def test_further_arguments_come_last(name, launched):
    """So that a seed of one's own wins."""
    _, words = launched(name, "0", *TASKS[name], "--seed", "3", "--opts", "a=b c")
    assert words[-4:] == ["--seed", "3", "--opts", "a=b c"]


def test_paths_are_those_of_the_caller(launched, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in ("some.pth", "other.pth", "my.yaml"):
        (folder / name).touch()
    _, words = launched("cls.sh", "cpu", "exp", "some.pth", "--ckpts", "other.pth", cwd=folder, CONFIG="my.yaml")
    assert words[words.index("--config") + 1] == f"{folder}/my.yaml"
    assert [words[i + 1] for i, word in enumerate(words) if word == "--ckpts"] == [
        f"{folder}/some.pth",
        f"{folder}/other.pth",
    ]
    _, words = launched("cls.sh", "cpu", "exp", "README.md", cwd=folder, CONFIG="cfgs/full/finetune_modelnet.yaml")
    assert "README.md" in words and "cfgs/full/finetune_modelnet.yaml" in words  # there they are not


def test_launch_variants(launched, fake_python):
    gpus, words = launched("cls.sh", "cpu", "exp", "some.pth", CONFIG="my.yaml")
    assert gpus == "" and words[words.index("--config") + 1] == "my.yaml"
    gpus, words = launched("pretrain.sh", "0,2", "exp")
    assert gpus == "0,2" and words[:3] == ["-m", "tools.launch", "--standalone"]
    assert words[3:8] == ["--nproc_per_node=2", "main.py", "--launcher", "pytorch", "--exp_name"]
    several = {"NNODES": "1:2", "NODE_RANK": "1", "MASTER_ADDR": "first", "JOB_ID": "7", "MAX_RESTARTS": "3"}
    words = launched("pretrain.sh", "cpu", "exp", **several)[1]
    options = "--nnodes 1:2 --rdzv-backend c10d --rdzv-endpoint first:29400 --rdzv-id 7 --rdzv-conf is_host=0"
    assert words[2:15] == [*options.split(), "--max-restarts", "3", "--nproc_per_node=1"]
    without = run("scripts/pretrain.sh", "cpu", "exp", PYTHON=fake_python, NNODES="2")
    assert without.returncode == 2 and "NNODES needs MASTER_ADDR" in without.stderr
    every = launched("fewshot.sh", "0,1", "exp", "some.pth", "--folds", "3")[1]
    assert every == "-m tools.paper.fewshot --gpus 0,1 --exp_name exp --ckpts some.pth --folds 3".split()
    assert run("scripts/fewshot.sh", "0", "exp", "some.pth", "5", "10", PYTHON=fake_python).returncode == 2
    voted = launched("test.sh", "0", "exp", "some.pth", "--no_vote")[1]
    assert voted.index("--vote") < voted.index("--no_vote")
    assert "--vote" not in launched("test.sh", "0", "exp", "some.pth", CONFIG="cfgs/segmentation/s3dis.yaml")[1]


OVERRIDES = {  # of the flags of the released segmentation: other values than its defaults, and what they become
    "--model": ("pt", []),
    "--batch_size": ("8", ["total_bs=8"]),
    "--epoch": ("20", ["max_epoch=19", "scheduler.kwargs.epochs=20"]),
    "--warmup_epoch": ("3", ["scheduler.kwargs.initial_epochs=3"]),
    "--learning_rate": ("0.002", ["optimizer.kwargs.lr=0.002"]),
    "--npoint": ("1024", ["npoints=1024"]),
}


@pytest.mark.parametrize("name", ["seg.sh", "test.sh"])
@pytest.mark.parametrize("flag, said", RELEASED["segmentation/main.py"].items())
@pytest.mark.parametrize("joined", [False, True])
def test_flags_of_the_released_segmentation(name, flag, said, joined, launched, fake_python, tmp_path):
    """After the positional arguments and in place of them; they choose part segmentation in test.sh."""
    for file in ("some.pth", "other.pth"):
        (tmp_path / file).touch()
    (tmp_path / "it's: data").mkdir()
    own = {"--seed": "7", "--gpu": "1", "--log_dir": "logs/a", "--ckpts": "other.pth", "--root": "it's: data"}
    value = OVERRIDES[flag][0] if flag in OVERRIDES else own.get(flag)
    assert said["takes_value"] == (value is not None)
    given = [flag] if value is None else [f"{flag}={value}"] if joined else [flag, value]
    for positional in (["0", "exp", "some.pth"], []):
        if flag == "--normal":
            done = run(f"scripts/{name}", *positional, *given, cwd=tmp_path, PYTHON=fake_python)
            assert done.returncode == 2 and not done.stdout and done.stderr.startswith("error: --normal: ")
            assert done.stderr.count("\n") == 1
            continue
        gpus, words = launched(name, *positional, *given)
        # Without a flag that it alone has, test.sh tests the classifier.
        kept = name == "test.sh" and positional and flag in ("--test", "--seed", "--deterministic", "--ckpts")
        args = main.build_parser().parse_args(words[1:])
        assert args.config == ("cfgs/full/finetune_modelnet.yaml" if kept else "cfgs/segmentation/shapenetpart.yaml")
        assert args.test == (name == "test.sh" or flag == "--test") != args.finetune_model
        assert args.vote == bool(kept)
        assert gpus == ("1" if flag == "--gpu" else "0")
        assert args.exp_name == ("logs/a" if flag == "--log_dir" else "exp" if positional else "./exp")
        weights = f"{tmp_path}/some.pth" if positional else RELEASED["segmentation/main.py"]["--ckpts"]["default"]
        assert args.ckpts == (f"{tmp_path}/other.pth" if flag == "--ckpts" else weights)
        assert args.seed == (7 if flag == "--seed" else "random")
        assert args.deterministic == (flag == "--deterministic")
        if flag == "--root":
            found = [yaml.safe_load(entry.partition("=")[2]) for entry in args.opts]
            assert found == [f"{tmp_path}/it's: data"] * 3
            assert {entry.split(".")[1] for entry in args.opts} == {"train", "val", "test"}
        else:
            assert args.opts == OVERRIDES.get(flag, ("", []))[1]


def test_what_the_segmentation_flags_override(tmp_path, launched):
    """Keys that the config has, with the released defaults in it; a later --opts wins."""
    said = RELEASED["segmentation/main.py"]
    config = load_config(ROOT / "cfgs/segmentation/shapenetpart.yaml")
    for flag, (_, entries) in OVERRIDES.items():
        for key in (entry.partition("=")[0] for entry in entries):
            value = functools.reduce(operator.getitem, key.split("."), config)
            if key != "max_epoch":
                assert value == said[flag]["default"]
    _, words = launched("seg.sh", "0", "exp", "some.pth", "--opts", "total_bs=4", "--batch_size", "8")
    assert main.build_parser().parse_args(words[1:]).opts == ["total_bs=8", "total_bs=4"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--epoch", "0"], "--epoch: must be a whole number from 1 on, got '0'"),
        (["--epoch", "ten"], "--epoch: must be a whole number from 1 on, got 'ten'"),
        (["--batch_size"], "--batch_size: expected one argument"),
        (["--model", "pointnet"], "--model: the released segmentation model is 'pt', got 'pointnet'"),
    ],
)
def test_wrong_segmentation_flags(arguments, message, fake_python):
    done = run("scripts/seg.sh", "0", "exp", "some.pth", *arguments, PYTHON=fake_python)
    assert done.returncode == 2 and not done.stdout and done.stderr == f"error: {message}\n"


def test_released_places_of_segmentation(launched):
    """`../` of the released program, which runs in segmentation/, is this folder."""
    _, words = launched("seg.sh", "--ckpts", "../README.md", "--root", "../cfgs")
    args = main.build_parser().parse_args(words[1:])
    assert args.ckpts == "README.md" and args.opts[0] == f"dataset.train.others.DATA_PATH='{ROOT}/cfgs'"


@pytest.fixture
def fake_environment(tmp_path: Path) -> Path:
    """An active environment whose interpreter is as old, and whose pip as broken, as the test says."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(
        """#!/bin/sh
case "$*" in
    --version) echo "Python 3.8.1" ;;
    *version_info*) exit "${TOO_OLD:-0}" ;;
    *purelib*) echo "$VIRTUAL_ENV" ;;
    "-m pip install "*) echo "$*" >> "$VIRTUAL_ENV/pip.log"; exit "${PIP_EXIT:-0}" ;;
esac
"""
    )
    python.chmod(0o755)
    return tmp_path


def test_environment_is_set_up_once(fake_environment):
    log = fake_environment / "pip.log"
    failed = run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment), PIP_EXIT="1")
    assert failed.returncode == 2 and failed.stderr.splitlines()[-1].startswith("error: pip could not install")
    for _ in range(2):
        assert run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment)).returncode == 0
        assert len(log.read_text().splitlines()) == 2, "a failed installation is tried again, a good one is not"
    (fake_environment / "recon-requirements.txt").write_text("torch\n")
    assert run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment)).returncode == 0
    assert len(log.read_text().splitlines()) == 3, "changed requirements are installed"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "the following arguments are required: TABLE"),
        (["table99"], "invalid choice: 'table99'"),
        (["table3", "--scale", "tiny"], "invalid choice: 'tiny'"),
        (["table3", "--seeds", "0"], "argument --seeds: must be at least 1, got 0"),
        (["all", "--jobs", "0"], "argument --jobs: must be at least 1, got 0"),
        (["all", "--fast"], "unrecognized arguments: --fast"),
        (["all", "--opts", "data_root"], "take key=value, got 'data_root'"),
    ],
)
def test_arguments_of_reproduce_are_checked_before_anything_is_installed(fake_environment, arguments, message):
    """By the standard library alone."""
    real = fake_environment / "bin/python"
    checks = f"*tools.paper.arguments*) exec '{sys.executable}' -S \"$@\" ;;\nesac\n"
    real.write_text(real.read_text().replace("esac\n", checks))
    done = run("scripts/reproduce.sh", *arguments, VIRTUAL_ENV=str(fake_environment))
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
    for wanted in (["--help"], ["claims", "--seeds", "3", "--help"]):
        done = run("scripts/reproduce.sh", *wanted, VIRTUAL_ENV=str(fake_environment))
        assert done.returncode == 0 and done.stdout.startswith("usage: reproduce.sh") and not done.stderr
    assert not (fake_environment / "pip.log").exists()
    environment = {"VIRTUAL_ENV": str(fake_environment), "RECON_REQUIRE_LIBRARY": "0"}
    assert run("scripts/reproduce.sh", "claims", "--plan", **environment).returncode == 0
    assert (fake_environment / "pip.log").exists()


def test_old_python_is_refused(fake_environment):
    active = run("scripts/env.sh", VIRTUAL_ENV=str(fake_environment), TOO_OLD="1")
    chosen = run(
        "scripts/env.sh",
        PYTHON=str(fake_environment / "bin" / "python"),
        VENV=str(fake_environment / "new"),
        TOO_OLD="1",
    )
    missing = run("scripts/env.sh", PYTHON="/no/python3", VENV=str(fake_environment / "new"))
    for done, found in ((active, "Python 3.8.1"), (chosen, "Python 3.8.1"), (missing, "/no/python3 is missing")):
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert done.stderr.startswith("error: Python 3.10 or newer is needed") and found in done.stderr
    assert not (fake_environment / "new").exists()


@pytest.mark.parametrize("flag, expected", [([], "--overwrite"), (["--resume"], "--resume"), (["--keep"], "--resume")])
def test_demo_resumes_its_pretraining_alone(tmp_path, flag, expected):
    """Every other run of it replaces an earlier one; main.py refuses both flags at once."""
    (tmp_path / "bin").mkdir()
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    shutil.copy(ROOT / "requirements.txt", tmp_path / "recon-requirements.txt")
    python = tmp_path / "bin/python"
    python.write_text('#!/bin/sh\necho "$*" >>calls\ncase "$*" in *purelib*) echo "$VIRTUAL_ENV" ;; esac\n')
    python.chmod(0o755)
    environment = os.environ | {"VIRTUAL_ENV": str(tmp_path), "RECON_REQUIRE_LIBRARY": "0"}
    command = ["bash", str(tmp_path / "scripts/demo.sh"), "--smoke", *flag]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    runs = [line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("main.py ")]
    assert len(runs) == 6
    for line in runs:
        args = main.build_parser().parse_args(line.split()[1:])
        wanted = expected if "cfgs/demo/pretrain.yaml" in line else "--overwrite"
        assert (args.resume, args.overwrite) == (wanted == "--resume", wanted == "--overwrite"), line


def wheels_of(index: Path, name: str, versions: list[str]) -> None:
    """Write versions of an empty package that pip installs, and the page of an index that lists them."""
    folder, page = index / name, ""
    folder.mkdir(parents=True)
    for version in versions:
        info, file = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
        contents = {
            f"{name}.py": "",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD"))
        with zipfile.ZipFile(folder / file, "w") as archive:
            for path, content in contents.items():
                archive.writestr(path, content)
        page += f'<a href="{file.replace("+", "%2B")}">{file}</a>\n'
    (folder / "index.html").write_text(page)


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """Address of a server with a default package index and one of PyTorch's CPU wheels."""
    root = tmp_path_factory.mktemp("indexes")
    wheels = {"torch": ["2.8.8", "2.9.9"], "torchvision": ["0.24.9"], "pytest": ["8.9.9"]}
    for name, versions in wheels.items():
        wheels_of(root / "default", name, versions)
        if name != "pytest":
            wheels_of(root / "cpu", name, [f"{version}+cpu" for version in versions])

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """Scripts, requirements of PyTorch alone, and a fresh environment."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "scripts", root / "scripts")
    (root / "requirements.txt").write_text("torch>=2.6\ntorchvision>=0.21\n")
    (root / "requirements-dev.txt").write_text("-r requirements.txt\npytest>=8.0\n")
    subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True)
    return root


def test_which_pytorch_is_installed(indexes, checkout, tmp_path):
    """CPU wheels where there is no NVIDIA GPU, the default ones where there is one or that index is not there."""
    smi = tmp_path / "nvidia-smi"
    smi.write_text('#!/bin/sh\nexit "$NO_GPU"\n')
    smi.chmod(0o755)
    pip = [str(checkout / "venv/bin/python"), "-m", "pip"]

    def install(**choice: str) -> tuple[dict[str, str], str]:
        subprocess.run([*pip, "uninstall", "-yq", "torch", "torchvision", "pytest"], check=True, capture_output=True)
        return again(**choice)

    def again(**choice: str) -> tuple[dict[str, str], str]:
        for stamp in checkout.glob("venv/lib/python*/site-packages/recon-*"):
            stamp.unlink()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RECON_", "PIP_", "CONDA", "VIRTUAL"))}
        environment = {
            **kept,
            "VIRTUAL_ENV": str(checkout / "venv"),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PIP_INDEX_URL": f"{indexes}/default",
            "PIP_CONFIG_FILE": os.devnull,
            "RECON_TORCH_INDEX": f"{indexes}/cpu",
            "RECON_REQUIRE_LIBRARY": "0",
            "NO_GPU": "1",
            **choice,
        }
        command = ["bash", str(checkout / "scripts/env.sh")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            return {}, done.stderr
        listed = subprocess.run([*pip, "list", "--format", "json"], check=True, capture_output=True, text=True).stdout
        return {one["name"]: one["version"] for one in json.loads(listed)}, done.stderr

    cpu, default = "2.9.9+cpu", "2.9.9"
    for choice, message in (
        ({"RECON_TORCH": "cuda"}, "RECON_TORCH must be cpu, default or keep, got 'cuda'"),
        ({"RECON_TORCH": "keep"}, "RECON_TORCH=keep, but there is no PyTorch"),
        ({"RECON_REQUIREMENTS": "none.txt"}, "no such file: none.txt"),
    ):
        found, told = again(**choice)
        assert not found and message in told.splitlines()[-1]
    found, _ = again()
    assert (found["torch"], found["torchvision"]) == (cpu, "0.24.9+cpu") and "pytest" not in found
    found, _ = again(RECON_TORCH="keep", RECON_REQUIREMENTS="requirements-dev.txt", NO_GPU="0")
    assert found["torch"] == cpu and found["pytest"] == "8.9.9"
    assert install(NO_GPU="0")[0]["torch"] == default
    (checkout / "requirements.lock").write_text("torch==2.8.8\ntorchvision==0.24.9\n")
    assert install(RECON_LOCK="1")[0]["torch"] == "2.8.8+cpu"
    found, told = install(RECON_TORCH_INDEX="http://127.0.0.1:9/none")
    lines = [line for line in told.splitlines() if "CPU wheels cannot be had from http://127.0.0.1:9/none" in line]
    assert found["torch"] == default and len(lines) == 1


def test_the_lock_satisfies_the_requirements():
    """Every package of requirements.txt stands in requirements.lock, in a version that it admits."""
    from packaging.requirements import Requirement

    pinned = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            one = Requirement(line)
            (specifier,) = one.specifier
            assert specifier.operator == "=="
            pinned.setdefault(one.name.replace("-", "_").lower(), []).append(specifier.version)
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        wanted = Requirement(line)
        versions = pinned[wanted.name.replace("-", "_").lower()]
        assert all(wanted.specifier.contains(version) for version in versions), (line, versions)
