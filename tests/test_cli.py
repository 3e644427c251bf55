"""The command line: what is refused, in one line and with exit code 2, and what the flags mean."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import main
from utils.errors import UserError

ROOT = Path(__file__).parent.parent


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
        (["--config", "c", "--zeroshot"], "--zeroshot needs --ckpts"),
        (["--config", "c", "--finetune_model"], "--finetune_model needs --ckpts"),
        (["--config", "c", "--test", "--svm"], "--svm: not allowed with argument --test"),
        (["--config", "c", "--svm", "--ckpts", "gone.pth"], "--ckpts: checkpoint not found: gone.pth"),
        (["--config", "c", "--start_ckpts", "gone.pth"], "--start_ckpts: checkpoint not found: gone.pth"),
        (["--config", "c", "--ckpts", "gone.pth"], "--ckpts needs a task flag"),
        (["--config", "c", "--svm", "--start_ckpts", "w.pth"], "--start_ckpts .* does not go with --svm"),
        (["--config", "c", "--scratch_model", "--ckpts", "gone.pth"], "does not go with --scratch_model"),
        (["--config", "c", "--scratch_model", "--way", "5", "--fold", "0"], "together; missing: --shot"),
        (["--config", "c", "--scratch_model", "--way", "five"], "--way: invalid whole number value: 'five'"),
        (["--config", "c", "--seed", "-1"], "--seed: must be at least 0"),
        (["--config", "c", "--val_freq", "0"], "--val_freq: must be at least 1"),
        (["--config", "c", "--launcher", "slurm"], "invalid choice: 'slurm'"),
        (["--config", "c", "--scratch_model", "--vote"], "--vote goes with --test"),
        (["--config", "c", "--scratch_model", "--rounds", "5"], "--rounds goes with --vote"),
        (["--config", "c", "--test", "--rounds", "0"], "--rounds: must be at least 1"),
        (["--config", "c", "--exp_name", ""], "--exp_name must be the plain name of a folder, got ''"),
        (["--config", "c", "--exp_name", "../x"], "--exp_name must be the plain name"),
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
    with pytest.raises(UserError, match=f"'{key}' must be a mapping"):
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
    with pytest.raises(UserError, match="unknown config key 'dataset.val.others.way'"):
        run("classify", "--scratch_model", "--way", "5", "--shot", "10", "--fold", "2")


def test_local_rank_comes_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert main.read_arguments(["--config", "c"]).local_rank == 3
    assert main.read_arguments(["--config", "c", "--local_rank", "1"]).local_rank == 1


def test_released_command_lines_parse(ckpt):
    lines = [
        "",
        f"--finetune_model --ckpts {ckpt} --way 5 --shot 10 --fold 0 --deterministic --sync_bn",
        "--scratch_model --seed 7 --num_workers 4 --val_freq 5 --resume",
        f"--test --vote --rounds 10 --ckpts {ckpt}",
        f"--zeroshot --ckpts {ckpt} --opts a.b=c d=1 --launcher none",
        f"--start_ckpts {ckpt} --local_rank 0",
    ]
    tasks = [main.read_arguments(["--config", "c", "--exp_name", "e", *line.split()]).task for line in lines]
    assert tasks == ["pretrain", "finetune", "scratch", "test", "zeroshot", "pretrain"]


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
