"""The commands of README.md and docs/*.md, run: `python -m tests.docs_commands` runs all that can be run offline.

Each is made smaller by `SMALLER`, or has a reason in `NOT_RUN`; `SLOW` ones are left out by tests/test_docs.py. They
run in a folder that looks like the repository, with the smallest synthetic world as data/demo and checkpoints of it.
"""

import contextlib
import io
import itertools
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "extensions/README.md"])
PRETRAINED = "experiments/pretrain/demo/demo/ckpt-last.pth"
TUNED = "experiments/finetune_scan/demo/mine/ckpt-best.pth"
COMMAND = re.compile(r"(?:\w+=\S* )*(?:python|bash|torchrun|pip|source|sbatch|export) .+|ckpt=.*")

# Why a command is not run, by what it begins with or holds.
NOT_RUN = {
    r"^pip install": "downloads",
    r"^source |^export |^ckpt=": "sets up a shell; variables are put in below",
    r"scripts/(install|demo|run_tests|build_wheels)\.sh": "sets up an environment, as .ci/run does",
    r"^sbatch|--cluster slurm|^NNODES|MAX_RESTARTS|^torchrun|tests/cluster": "needs a cluster; tests/cluster has one",
    r"scripts/gpu_check\.sh": "needs a GPU; tests/test_gpu_check.py tries it without",
    r"tools\.serve": "serves until it is stopped; tests/test_serve.py and tests/browser use it",
    r"tests\.(fuzz|soak)": "goes on for hours; tests/test_fuzz.py and tests/test_jobs.py run parts",
    r"--scale paper": "needs the real data sets, for days",
    r"ObjaverseLVIS|objaverse_lvis": "needs a data set that has no stand-in",
    r"s3dis_convert": "needs the raw rooms; tests/test_s3dis.py makes some",
    r"scripts/pretrain\.sh|cfgs/pretrain/": "needs teachers from a download; tests/test_scripts.py checks the command",
    r"cfgs/(mlp3|linear)/|scripts/fewshot\.sh|tools\.paper\.fewshot": "many runs; tests/test_paper.py makes small ones",
    r"chair\.glb|predict shapes": "tests/test_docs_encoder.py runs that page",
    r"<config>": "stands for the configs of a folder, which tests/test_configs.py reads",
    r"test_matrix\.sh|python -m build": "sets up environments, which takes a network",
    r"benchmark (step|ops|data|\{)|tools\.complexity": "takes minutes; tests/test_benchmark.py runs parts",
    r"datasets\.modelnet_fewshot --data_root": "needs ten shapes a class; tests/test_datasets.py draws smaller folds",
    r"tools\.word_table": "needs the package of requirements-world.txt",
    r"tools\.demo_teacher": "makes the shipped teacher anew, which takes minutes",
    r"convert --to released$|^python -m (tools|datasets)\.(launch|demo|modelnet_fewshot|pack shapenet)$":
        "names a tool; its arguments stand elsewhere",
}  # fmt: skip
# Run by `python -m tests.docs_commands` alone: scripts, trainings, exports, benchmarks.
SLOW = (
    r"^(?:\w+=\S+ )*bash |--scratch_model|tools\.(?:export|audit|pack|benchmark|visualize)|_folder|_endless|world/small"
    r"|-m datasets"
)
# What makes a command small, in this order.
SMALLER = (
    (r" \[--opts zeroshot.*$", ""),
    (r"mine\.pth theirs\.pth|experiments/\.\.\./ckpt-last\.pth", PRETRAINED),
    (r"(scripts/seg\.sh.*)<ckpt-best\.pth>", r"\1experiments/segment_part/demo/docs/ckpt-best.pth"),
    (r"(s3dis.*scripts/test\.sh.*)<ckpt-best\.pth>", r"\1experiments/segment_semantic/demo/docs/ckpt-best.pth"),
    (r"<ckpt-best\.pth>|experiments/\.\.\./ckpt-best\.pth", TUNED),
    (r"<ckpt>|\$ckpt|\bCKPT\b", PRETRAINED),
    (r"RUN RUN", "experiments/pretrain/demo/demo experiments/finetune_scan/demo/mine"),
    (r"<GPU>", "cpu"),
    (r"<exp>", "docs"),
    (r"\bFOLDER\b|\bdata/shapes\b", "mine"),
    (r"real_eval ModelNet40", "real_eval mine"),
    (r"\bIN OUT\b", f"{TUNED} released.pth"),
    (r"/mnt/shards/", "shards/"),
    (r"cfgs/full/finetune_(?:modelnet|scan_hardest)\.yaml", "cfgs/demo/finetune_scan.yaml"),
    (r"cfgs/zeroshot/scan_hardest\.yaml", "cfgs/demo/zeroshot_scan_objbg.yaml"),
    (r"cfgs/baselines/", "cfgs/demo/"),
    (r"CONFIG=cfgs/zeroshot/folder\.yaml", "CONFIG=cfgs/demo/zeroshot_folder.yaml"),
    (r"CONFIG=cfgs/segmentation/s3dis\.yaml (bash scripts/(?:seg|test))", r"CONFIG=cfgs/demo/segment_semantic.yaml \1"),
    (r"^(bash scripts/cls)", r"CONFIG=cfgs/demo/finetune_scan.yaml \1"),
    (r"^(bash scripts/seg)", r"CONFIG=cfgs/demo/segment_part.yaml \1"),
    (r"^(bash scripts/(zeroshot|svm))", r"CONFIG=cfgs/demo/\2.yaml \1"),
    (r"(tools\.check_data)$", r"\1 --data_root data/demo ModelNet40"),
    (r"(tools\.pack shapenet.*)$", r"\1 --data_root data/demo"),
    (r"(datasets\.demo --out) \S+", r"\1 data/again --scale smoke"),
    (r"(benchmark robustness.*--ckpts) (.*)$", r"\1 \2 --count 4 --points 64"),
    (r"(.* bash scripts/(?:cls|seg)\.sh(?!.*--test).*)$", r"\1 --overwrite --opts max_epoch=0"),
    (r"(tools\.audit.*)$", r"\1 --seeds 1 --rounds 2 --gpus cpu --jobs 1 --opts data_root=data/demo max_epoch=0"
                           r" --zeroshot_opts data_root=data/demo"),
    (r"(scripts/reproduce\.sh.*)$", r"\1 --plan"),
    (r"(--scratch_model.*)$", r"\1 --opts max_epoch=0"),
    (r"(pretrain_endless\.yaml.*?)(?: --opts (.*))?$", r"\1 --opts max_epoch=0 dataset.train.others.length=64 \2"),
    (r"(world/small\.yaml.*)$", r"\1 --opts max_epoch=0"),
    (r"(datasets\.demo --shapes) (?:\d+|N)", r"\1 8"),
    (r"--out OUT", "--out data/shards/again"),
)  # fmt: skip


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


def documented() -> dict[str, str]:
    """All commands, each once, as they are written; with the page they stand on."""
    found: dict[str, str] = {}
    for page in PAGES:
        for line in commands(page.read_text(encoding="utf-8")):
            if COMMAND.fullmatch(line):
                found.setdefault(re.sub(r"\s+", " ", line), page.name)
    return found


def reason_of(command: str) -> str | None:
    """Why a command is not run; None if it is."""
    return next((why for mark, why in NOT_RUN.items() if re.search(mark, command)), None)


def smaller(command: str) -> list[str]:
    """The commands that are run for a documented one."""
    for pattern, replacement in SMALLER:
        command = re.sub(pattern, replacement, command)
    return [re.sub(r"\s+", " ", one).strip() for one in alternatives(command)]


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[None]:
    """Work in a folder that looks like the repository, with a tiny world and checkpoints."""
    for path in ROOT.iterdir():
        if path.name not in ("experiments", "data", "build", "docs") and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "docs", folder / "docs")  # the page of the claims is written
    (folder / "mine/chair").mkdir(parents=True)
    for number in range(8):
        shutil.copy(ROOT / "docs/shapes/chair.off", folder / f"mine/chair/chair{number}.off")
    before = os.getcwd()
    os.chdir(folder)
    try:
        short = "--num_workers 0 --opts max_epoch=0 scheduler.kwargs.initial_epochs=0 total_bs=16"
        execute("python -m datasets.demo --out data/demo --scale smoke")
        execute(f"python main.py --config cfgs/demo/pretrain.yaml --exp_name demo {short} report=false")
        tune = "--config cfgs/demo/finetune_scan.yaml --finetune_model --exp_name mine"
        execute(f"python main.py {tune} --ckpts {PRETRAINED} {short} report=false")
        yield
    finally:
        os.chdir(before)


def execute(command: str) -> str:
    """Run a command in the working directory; returns its output.

    Python runs in this process, which saves the imports, but for the modules of data sets, which register them.

    Raises:
        RuntimeError: if it fails.
    """
    words = shlex.split(command)
    if words[0] != "python" or (words[1] == "-m" and words[2].startswith("datasets.")):
        keys = {"VENV": str(Path(sys.prefix)), "VIRTUAL_ENV": sys.prefix}
        done = subprocess.run(["bash", "-c", command], env=os.environ | keys, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout
    argv, output, code = sys.argv, io.StringIO(), None
    try:
        with contextlib.redirect_stdout(output):
            if words[1] == "-c":
                exec(compile(words[2], command, "exec"), {})
            elif words[1] == "-m":
                sys.argv = words[2:]
                runpy.run_module(words[2] + ".__main__" * _is_package(words[2]), run_name="__main__", alter_sys=True)
            else:
                sys.argv = words[1:]
                runpy.run_path(str(ROOT / words[1]), run_name="__main__")
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = argv
    if code:
        raise RuntimeError(f"{command}: exit {code}\n{output.getvalue()[-2000:]}")
    return output.getvalue()


def _is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__main__.py").is_file()


def main() -> int:
    """Run all; returns the exit status."""
    failed, done = 0, set()
    with tempfile.TemporaryDirectory(prefix="recon-docs-") as folder, workplace(Path(folder)):
        for command, page in documented().items():
            why = reason_of(command)
            if why:
                print(f"not run  {page}: {command}: {why}", flush=True)
            for one in [] if why else [one for one in smaller(command) if one not in done]:
                done.add(one)
                try:
                    execute(one)
                    print(f"ok       {page}: {one}", flush=True)
                except Exception:
                    failed += 1
                    print(f"FAILED   {page}: {one}\n{traceback.format_exc(limit=-1)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
