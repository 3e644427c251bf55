"""Two processes: what they train and measure is what one does, or what the other way of sharing the work does."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import write_configs
from test_zeroshot import Words
from torch.distributed.fsdp import FSDPModule
from two_processes import MEASUREMENTS

import main
from models import build_model_from_cfg
from utils.config import load_config

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def both(world, tmp_path_factory):
    """What two_processes.py found, with what it wrote to stderr; and what one process measures, as "alone"."""
    folder = tmp_path_factory.mktemp("processes")
    configs = write_configs(world, folder)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    alone = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("models.downstream.build_text_teacher", lambda *_: Words())
        for task, name, *flags in (("pretrain", "pretrained"), ("classify", "trained", "--scratch_model")):
            opts = ["--opts", "max_epoch=0", "validate=none"]
            main.main(["--config", f"cfgs/{task}.yaml", *flags, "--num_workers", "0", "--exp_name", name, *opts])
            Path("experiments", task, "cfgs", name, "ckpt-last.pth").rename(f"{name}.pth")
        torch.manual_seed(5)
        model = build_model_from_cfg(load_config(configs["zeroshot"])["model"])
        torch.save({"base_model": model.state_dict()}, "zeroshot.pth")
        for name, (task, *flags) in MEASUREMENTS.items():
            main.main(["--config", f"cfgs/{task}.yaml", *flags, "--num_workers", "0", "--exp_name", f"{name}-alone"])
            found = Path("experiments", task, "cfgs", "test_" * ("--test" in flags) + f"{name}-alone", "metrics.json")
            alone[name] = json.loads(found.read_text())["last"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, *torchrun, str(ROOT / "tests/two_processes.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(Path("results.json").read_text()) | {"stderr": done.stderr, "alone": alone}


def result(both: dict, name: str):
    assert "error" not in both[name], both[name]["error"]
    return both[name]


def test_nothing_is_warned_about(both):
    """Neither of the layout of gradients, nor of a search for unused parameters."""
    for said in ("Grad strides do not match bucket view strides", "did not find any unused parameters"):
        assert said not in both["stderr"], both["stderr"]


def test_accumulated_gradients_are_agreed_on_once_an_update(both):
    found = result(both, "accumulation")
    assert found["synced"] == [False, True, True] * 2 and found["difference"] < 1e-5
    assert (found["processes"], found["logs"], found["svm_total"]) == (2, 1, 6)


def test_interruption_of_one_process_stops_both_and_resuming_goes_on(both):
    found = result(both, "interruption")
    assert found["stopped"] == [True, True] and found["at"] == [1, 2]
    assert found["difference"] == 0 and found["same metrics"]


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_measurements_are_those_of_one_process(both, name):
    assert result(both, "measuring")[name] == both["alone"][name]


@pytest.mark.parametrize("loss", ["smc", "info_nce"])
def test_contrast_over_both_is_that_of_the_whole_batch(both, loss):
    found = result(both, "contrasts")[loss]
    assert found["loss"] < 1e-6 and found["gradient"] < 1e-6 and found["as released"] > 1e-2


def test_processes_agree_on_what_is_not_finite(both):
    found = result(both, "nonfinite")
    assert found["skipped"] == 1 and len(found["files"]) == 2
    assert len({*found["told"]}) == 1 and "loss 'loss' became inf in epoch 1, step 1; " in found["told"][0]


sharding = pytest.mark.skipif(
    not hasattr(FSDPModule, "set_reshard_after_forward"), reason="parallel: fsdp needs a newer PyTorch"
)


@sharding
@pytest.mark.parametrize("case", ["clipped", "checkpointed", "frozen", "left over", "from ddp", "from fsdp"])
def test_sharded_training_is_that_of_whole_models(both, case):
    differences = result(both, "sharded")[case]
    assert max(differences.values()) < (1e-6 if "from" not in case else 1e-3), differences


@sharding
def test_sharded_training_in_half_precision(both):
    assert math.isfinite(result(both, "sharded")["bf16"])


def test_sync_bn_on_cpus_is_refused(both):
    assert both["sync_bn"] == "--sync_bn needs GPUs"
