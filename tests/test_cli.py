"""The command line: what is refused, in one line and with exit code 2, and what the flags mean.

`golden/pipeline/cli.json` holds what the released parser takes, refuses and derives.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import main
from tools.engine.config import run_folder
from tools.engine.task import all_modes
from utils.errors import UserError

ROOT = Path(__file__).parent.parent
RELEASED = json.loads((ROOT / "tests/golden/pipeline/cli.json").read_text())


@pytest.fixture
def ckpt(tmp_path) -> str:
    torch.save({"base_model": {"other.weight": torch.zeros(1)}}, tmp_path / "c.pth")
    return str(tmp_path / "c.pth")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "required: --config"),
        (["--config"], "--config: expected one argument"),
        (["--config", "c", "--test"], "--test needs --ckpts"),
        (["--config", "c", "--test", "--resume", "--ckpts", "p"], "--resume does not go with --test"),
        (["--config", "c", "--resume", "--start_ckpts", "p"], "--resume does not go with --start_ckpts"),
        (["--config", "c", "--exp_name", "a/TFBoard"], "--exp_name must be of printable characters"),
        (["--config", "c", "--exp_name", "a\x1b[2J"], "--exp_name must be of printable characters.*a.x1b"),
        (["--config", "c", "--exp_name", "a/" + "b" * 300], "longer than 200 bytes"),
        (["--config", "c", "--svm", "--ckpts", "."], "--ckpts: checkpoint is no file: ."),
        (["--config", "c", "--svm", "--ckpts", "gone.pth"], "--ckpts: checkpoint not found: gone.pth"),
        (["--config", "c", "--start_ckpts", "gone.pth"], "--start_ckpts: checkpoint not found: gone.pth"),
        (["--config", "c", "--scratch_model", "--ckpts", "gone.pth"], "--ckpts: checkpoint not found: gone.pth"),
        (["--config", "c", "--scratch_model", "--way", "0"], "--way: must be at least 1, got 0"),
        (["--config", "c", "--scratch_model", "--fold", "-2"], "--fold: must be at least 0, got -2"),
        (["--config", "c", "--mode", "hardest"], "--mode: invalid choice: 'hardest'"),
        (["--config", "c", "--scratch_model", "--way", "five"], "--way: invalid whole number value: 'five'"),
        (["--config", "c", "--seed", "-1"], "--seed: must be at least 0"),
        (["--config", "c", "--val_freq", "0"], "--val_freq: must be at least 1"),
        (["--config", "c", "--launcher", "slurm"], "invalid choice: 'slurm'"),
        (["--config", "c", "--scratch_model", "--rounds", "5"], "--rounds goes with --vote"),
        (["--config", "c", "--test", "--rounds", "0"], "--rounds: must be at least 1"),
        *(
            (
                ["--config", "c", "--exp_name", name],
                f"--exp_name must be a name below the folder of runs.*, got '{name}'",
            )
            for name in ("", ".", "..", "../x", "a/../../x", "a/..", "/x")
        ),
        (["--config", "c", "--sed", "1"], "unrecognized arguments: --sed"),
        (["--config", "gone.yaml"], "config file not found: gone.yaml"),
        (["--config", "gone.yaml", "--launcher", "pytorch"], "RANK.* not set; start with torchrun"),
    ],
)
def test_refused(arguments, message, monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=message) as caught:
        main.main(arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "opts, message",
    [
        (["npoitns=3"], "unknown config key 'npoitns' \\(did you mean 'npoints'"),
        (["model.NAME=PointTransfomer"], "unknown model 'PointTransfomer' \\(did you mean 'PointTransformer'"),
        (["model.dept=3"], "unknown config key 'model.dept' \\(did you mean 'depth'"),
        (["model=3"], "'model' must be a mapping"),
        (["model={}"], "missing config key 'model.NAME'"),
        (["total_bs=1"], "'total_bs': 1 is less than 2 samples a process"),
        (["model.trans_dim=4000000", "model.encoder_dims=4000000"], "trans_dim 4000000.* of at least|takes at least"),
        (["model.cls_dim=100000000000"], "cls_dim 100000000000.* GB"),
        (["model.depth=100000"], "depth must be at most 1000, got 100000"),
        (["model={NAME: PointNet, cls_dim: 15, width: 1.0e5}"], "width 100000.* GB"),
        (["model={NAME: PointNet, cls_dim: 15, width: 1.0e300}"], "width 1e.300.* GB"),
        (["total_bs=big"], "'total_bs' must be a whole number"),
        (["data_root=nowhere"], "nowhere/ScanObjectNN/main_split"),
        (["dataset=3"], "'dataset' must be a mapping"),
        (["dataset.train=3"], "'dataset.train' must be a mapping"),
        (["dataset.train.others=3"], "'dataset.train.others' must be a mapping"),
        (["dataset.train._base_.NAME=ScanObject"], "dataset.train._base_.NAME: unknown data set 'ScanObject'"),
    ],
)
def test_bad_config_values(run, opts, message):
    with pytest.raises(UserError, match=message) as caught:
        run("classify", "--scratch_model", "--opts", *opts)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["dataset", "dataset.train", "dataset.train.others"])
def test_bad_sections_with_few_shot(run, key):
    with pytest.raises(UserError, match=f"'{key}' must (be a mapping|hold a _base_)"):
        run("fewshot", "--scratch_model", "--way", "3", "--shot", "2", "--fold", "1", "--opts", f"{key}=3")


def test_run_folder_that_cannot_be_written(run):
    Path("experiments").write_text("in the way")
    with pytest.raises(UserError, match="run folder experiments/classify/cfgs/default cannot be made or written to"):
        run("classify", "--scratch_model")


@pytest.mark.parametrize("task, flag", [("classify", "--finetune_model"), ("classify", "--test"), ("svm", "--svm")])
def test_checkpoint_of_another_model(run, ckpt, task, flag):
    with pytest.raises(UserError, match="c.pth is a checkpoint of another model: .* keys are missing"):
        run(task, flag, "--ckpts", ckpt)


def test_few_shot_fills_the_data_sets(run):
    run("fewshot", "--scratch_model", "--way", "3", "--shot", "2", "--fold", "1")
    left = Path("experiments/fewshot/cfgs/default_3way_2shot_fold1/metrics.json").read_text()
    assert json.loads(left)["few_shot"] == {"way": 3, "shot": 2, "fold": 1}
    with pytest.raises(UserError, match="3way_2shot/7.pkl"):
        run("fewshot", "--scratch_model", "--way", "3", "--shot", "2", "--fold", "7")
    with pytest.raises(UserError, match="--way, --shot, --fold: no data set of .* is a few-shot fold"):
        run("classify", "--scratch_model", "--way", "5", "--shot", "10", "--fold", "2")


def test_few_shot_flags_stand_alone(run):
    """One of them sets its key; the others are left to the config."""
    own = [f"dataset.{section}.others.{key}" for section in ("train", "val") for key in ("way=3", "shot=2")]
    run("fewshot", "--scratch_model", "--way", "-1", "--fold", "1", "--opts", *own, "max_epoch=0")
    left = json.loads(Path("experiments/fewshot/cfgs/default_fold1/metrics.json").read_text())
    assert left["few_shot"] == {"fold": 1}
    assert left["settings"]["dataset"]["val"]["others"] == {"subset": "test", "way": 3, "shot": 2, "fold": 1}
    with pytest.raises(UserError, match="missing config key 'dataset.val.shot'"):
        run("fewshot", "--scratch_model", "--way", "3", "--fold", "1")


def test_local_rank_comes_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert main.read_arguments(["--config", "c"]).local_rank == 3
    assert main.read_arguments(["--config", "c", "--local_rank", "1"]).local_rank == 1


@pytest.mark.parametrize("flag, said", RELEASED["main.py"].items())
def test_released_flag(flag, said, ckpt):
    """Type, default and choices; `--num_workers` has the released default as its ceiling."""
    dest = flag.removeprefix("--")
    default = getattr(main.read_arguments(["--config", "c"]), dest)
    if flag == "--config":
        assert said["default"] is None and default == "c"
    elif flag == "--num_workers":
        cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))
        assert default == min(said["default"], len(cores(0)))
    elif flag == "--mode":
        assert default is said["default"]
    else:
        assert default == said["default"] and type(default) is type(said["default"])

    def read(*value: str):
        words = ["--config", "c", "--svm" if dest == "ckpts" else "--loss=cd1", flag, *value]
        return getattr(main.read_arguments([*words, *(["--ckpts", ckpt] if dest == "test" else [])]), dest)

    if not said["takes_value"]:
        assert said["type"] == "flag" and read() is True
    elif said["choices"]:
        choices = [choice for choice in said["choices"] if choice]
        assert list(map(read, choices)) == choices
        with pytest.raises(UserError, match=f"{flag}: invalid choice"):
            read("other")
    elif said["type"] == "int":
        assert read("3") == 3
        if said["default"] == -1:
            assert read("-1") == -1
    else:
        value = "name" if flag == "--exp_name" else ckpt
        assert read(value) == value


@pytest.mark.parametrize("line, accepted", RELEASED["accepted"].items())
def test_released_combination(line, accepted, ckpt):
    args = main.read_arguments(["--config", "c", *(ckpt if word == "p" else word for word in line.split())])
    given = [mode.name for mode in all_modes() if mode.flag and mode.flag in line.split()]
    assert accepted and args.task.name == (given[0] if given else "pretrain")
    silent = ("--svm", "--zeroshot", "--way 5")  # the runners of the first two tell that the weights are random
    assert len(args.notes) == (0 if line in silent else 1)


@pytest.mark.parametrize("line", RELEASED["refused"])
def test_released_refusal(line, ckpt):
    with pytest.raises(UserError):
        main.read_arguments(["--config", "c", *(ckpt if word == "p" else word for word in line.split())])


def test_first_task_flag_wins(ckpt):
    modes = [mode for mode in all_modes() if mode.flag]
    assert [mode.flag for mode in modes] == " or ".join(RELEASED["task_choice"][:-1]).split(" or ")
    for first, task in enumerate(modes):
        flags = [mode.flag for mode in modes[first:]]
        args = main.read_arguments(["--config", "c", "--ckpts", ckpt, *reversed(flags)])
        assert args.task == task
        assert any(note.startswith(f"a run does one task: {flags[0]}") for note in args.notes) == (len(flags) > 1)


@pytest.mark.parametrize("line, places", RELEASED["derived"]["examples"].items())
def test_released_run_folder(line, places, ckpt):
    args = main.read_arguments([ckpt if word == "p" else word for word in line.split()])
    folder = run_folder(args.config, args.task.name, args.exp_name)
    assert folder == Path(places["experiment_path"]) and folder.name == places["exp_name"]


def test_run_folders_below_each_other(run):
    """And with a mode, with TensorBoard's curves in the released place."""
    run("classify", "--scratch_model", "--mode", "hard", "--opts", "max_epoch=0", exp="./many//one")
    home = Path("experiments/classify/cfgs")
    weights = home / "many/one_hard/ckpt-last.pth"
    assert list((home / "TFBoard/many/one_hard").glob("events*"))
    run("classify", "--test", "--ckpts", str(weights), exp="many/one")
    assert json.loads((home / "test_many/one/metrics.json").read_text())["exp_name"] == "many/one"


@pytest.mark.parametrize(
    "line, note",
    [
        ("--finetune_model", "--finetune_model without --ckpts: training from scratch"),
        ("--finetune_model --resume", ""),
        ("--scratch_model --ckpts p", "--scratch_model with --ckpts: training starts from .*c.pth, not from scratch"),
        ("--ckpts gone", "--ckpts has no effect: pretraining starts from --start_ckpts"),
        ("--svm --start_ckpts gone", "--start_ckpts has no effect: only pretraining starts from it, not svm"),
        ("--zeroshot --resume", "--resume has no effect with --zeroshot"),
        ("--vote", "--vote has no effect without --test"),
        ("--vote --no_vote", ""),
        ("--loss cd2", "--loss has no effect"),
        ("--mode easy", "--mode has no effect but on the name of the run, which ends in _easy"),
    ],
)
def test_notes(line, note, ckpt):
    args = main.read_arguments(["--config", "c", *(ckpt if word == "p" else word for word in line.split())])
    assert len(args.notes) == bool(note) and all(re.match(note, one) for one in args.notes)
    assert "gone" not in (args.ckpts, args.start_ckpts)


def test_notes_are_told_and_scratch_with_weights_loads_them(run, capsys):
    first = run("classify", "--finetune_model", "--opts", "max_epoch=0", exp="first")
    printed = capsys.readouterr().out
    assert (
        "warning: --finetune_model without --ckpts: training from scratch" in printed and "weights from" not in printed
    )
    run("classify", "--scratch_model", "--ckpts", str(first / "ckpt-last.pth"), "--opts", "max_epoch=0", exp="second")
    printed = capsys.readouterr().out
    assert "warning: --scratch_model with --ckpts" in printed and f"weights from {first}/ckpt-last.pth" in printed


def test_resuming_keeps_the_seed(run, capsys):
    folder = run("classify", "--scratch_model", "--seed", "31", "--opts", "max_epoch=0")
    capsys.readouterr()
    run("classify", "--scratch_model", "--resume", "--opts", "max_epoch=1")
    printed = capsys.readouterr().out
    assert "(seed 31, " in printed and "resuming at epoch 1" in printed
    assert json.loads((folder / "metrics.json").read_text())["seed"] == 31
    with pytest.raises(UserError, match="its seed is 31, not 0"):
        run("classify", "--scratch_model", "--resume", "--seed", "0")
    run("classify", "--scratch_model", "--resume", "--opts", "max_epoch=0", exp="nothing")
    assert "(seed 0, " in capsys.readouterr().out
    assert main.read_arguments(["--config", "c", "--svm", "--resume"]).seed == 0


def test_several_gpus_that_one_process_cannot_use(run, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    run("classify", "--scratch_model", "--opts", "max_epoch=0")
    assert "warning: one of 4 GPUs is used; torchrun --nproc_per_node=4 main.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, code, words",
    [(["--help"], 0, "--finetune_model"), (["--config", "c", "--test"], 2, "error: --test needs --ckpts")],
)
def test_exit_codes(arguments, code, words):
    done = subprocess.run([sys.executable, ROOT / "main.py", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == code and words in done.stdout + done.stderr
    if code:
        assert done.stderr.count("\n") == 1 and not done.stdout


def test_exit_code_of_a_late_error(configs):
    command = [sys.executable, ROOT / "main.py", "--config", configs["classify"], "--scratch_model"]
    done = subprocess.run([*command, "--opts", "data_root=nowhere"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("error: ScanObjectNN not found: nowhere/")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("task, flags", [("pretrain", []), ("classify", ["--scratch_model"]), ("svm", ["--svm"])])
def test_dry_run_tells_and_writes_nothing(configs, task, flags, capsys):
    before = {path: path.stat().st_mtime_ns for path in Path.cwd().rglob("*")}
    main.main(["--config", str(configs[task]), *flags, "--dry_run", "--num_workers", "0", "--exp_name", "a/b"])
    said = capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path.cwd().rglob("*")} == before
    assert f"it would write to experiments/{task}/cfgs/a/b; nothing was written" in said
    if task == "svm":
        assert "dataset.train: 12 samples, batches of points (4, 96, 3), label (4,)" in said
    else:
        assert "3 epochs of 3 steps of 4 samples" in said and "peak memory of a step" in said
        assert "points ((4, 8, 8, 3), (4, 8, 3))" in said


def test_dry_run_of_a_run_that_is_there(run, configs, capsys):
    folder = run("classify", "--scratch_model")
    held = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    main.main(["--config", str(configs["classify"]), "--scratch_model", "--dry_run", "--num_workers", "0"])
    assert f"it would write to {folder}, which holds a run" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == held
    with pytest.raises(UserError, match="does not go with --resume"):
        main.main(["--config", str(configs["classify"]), "--scratch_model", "--dry_run", "--resume"])


def test_weights_and_biases_offline(run, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = run("classify", "--scratch_model", "--wandb", "recon")
    (record,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    assert all(name in record.read_bytes() for name in (b"loss/loss", b"test/accuracy", b"samples_per_second"))
    assert json.loads((folder / "metrics.json").read_text())["finished"]


def test_help_has_examples_that_parse(monkeypatch):
    text = main.build_parser().format_help()
    lines = text.partition("examples:")[2].partition("without a config")[0].replace("\\\n", " ").strip().splitlines()
    assert len(lines) == 4 and "main.py predict" in text and "\x1b" not in text
    for line in lines:
        words = line.split()[line.split().index("main.py") + 1 :]
        assert Path(__file__).parents[1].joinpath(words[words.index("--config") + 1]).is_file()
        main.build_parser().parse_args(words)
