"""What test_processes.py starts with torchrun: many runs one after the other in one process group.

    torchrun --nproc_per_node=2 tests/two_processes.py FOLDER

The first process writes what they found to results.json.
"""

import contextlib
import json
import sys
import traceback
import unittest.mock
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
import torch.distributed as dist
from test_zeroshot import Words
from torch import Tensor, nn

import main
import models.downstream
import models.embedding
from models.losses import info_nce, single_modal_contrast
from tools.engine import parallel
from tools.engine.loop import Trainer
from tools.tasks.classify import Classify
from tools.tasks.pretrain import Pretrain
from utils import distributed
from utils.checkpoint import load_checkpoint
from utils.errors import Interrupted, UserError

ACCUMULATE = ("step_per_update=2", "accumulation=mean", "max_epoch=1")
FLAGS = {"classify": ["--scratch_model"]}
KINDS = ("ddp", "fsdp")
MEASUREMENTS = {
    "svm": ("svm", "--svm", "--ckpts", "pretrained.pth"),
    "zeroshot": ("zeroshot", "--zeroshot", "--ckpts", "zeroshot.pth", "--opts", "zeroshot.random_columns=false"),
    "test": ("classify", "--test", "--ckpts", "trained.pth"),
    "vote": ("classify", "--test", "--vote", "--ckpts", "trained.pth"),
}


def run(task: str, *arguments: str, exp: str, opts: tuple[str, ...] = ()) -> Path:
    words = ["--config", f"cfgs/{task}.yaml", "--exp_name", exp, "--num_workers", "0", "--launcher", "pytorch"]
    main.main([*words, *arguments, *["--opts"] * bool(opts), *opts])
    return Path("experiments", task, "cfgs", f"test_{exp}" if "--test" in arguments else exp)


def train(task: str, *arguments: str, exp: str, opts: tuple[str, ...] = ()) -> Path:
    return run(task, *FLAGS.get(task, []), *arguments, exp=exp, opts=opts)


patched = unittest.mock.patch.object


def weights(folder: Path, name: str = "ckpt-last") -> dict:
    dist.barrier()
    return load_checkpoint(folder / f"{name}.pth")["base_model"]


def largest_difference(one: dict, two: dict) -> float:
    assert list(one) == list(two), [sorted({*one} - {*two})[:9], sorted({*two} - {*one})[:9]]
    return max((float((value.double() - two[name].double()).abs().max()) for name, value in one.items()), default=0.0)


def metrics(folder: Path) -> dict:
    dist.barrier()
    return json.loads((folder / "metrics.json").read_text())


def counts(folder: Path) -> dict:
    """How many processes took part, and how many of them wrote a log."""
    return {"processes": metrics(folder)["processes"], "logs": len(list(folder.glob("*.log")))}


def accumulation() -> dict:
    """Pretraining that adds gradients up without asking the other process equals one that asks at every batch."""
    one, synced, averaging = train("pretrain", exp="accumulated", opts=ACCUMULATE), [], parallel.averaging

    def always(model, on):
        synced.append(on)
        return averaging(model, True)

    with patched(parallel, "averaging", always):
        two = train("pretrain", exp="asked", opts=ACCUMULATE)
    return {
        "difference": largest_difference(weights(one), weights(two)),
        "synced": synced,
        **metrics(one)["last"],
        **counts(one),
    }


def interruption() -> dict:
    """Asked to stop in one of the processes only, both stop; resumed, they end as the unbroken run did."""
    step, taken = Trainer._train_step, []

    def stopping(self, model, batch):
        taken.append(1)
        self.stop.made |= distributed.rank() == 1 and len(taken) == 4
        return step(self, model, batch)

    stopped = False
    try:
        with patched(Trainer, "_train_step", stopping):
            train("pretrain", exp="broken", opts=ACCUMULATE)
    except Interrupted:
        stopped = True
    at = load_checkpoint("experiments/pretrain/cfgs/broken/ckpt-last.pth")
    folder = train("pretrain", "--resume", exp="broken", opts=ACCUMULATE)
    whole = Path("experiments/pretrain/cfgs/accumulated")
    return {
        "stopped": distributed.gather_objects(stopped),
        "at": [at["epoch"], at["step"]],
        "difference": largest_difference(weights(folder), weights(whole)),
        "same metrics": metrics(folder)["last"] == metrics(whole)["last"],
    }


def measuring() -> dict:
    """The measurements of checkpoints of one process."""
    with patched(models.downstream, "build_text_teacher", lambda *_: Words()):
        return {name: metrics(run(task, *flags, exp=name))["last"] for name, (task, *flags) in MEASUREMENTS.items()}


def contrasts() -> dict:
    """What `contrast` finds of both losses that contrast the samples of a batch."""
    category, targets = torch.tensor([0, 1, 2, 0, 1, 0, 3, 3]), torch.eye(4)
    return {"smc": contrast(single_modal_contrast, category), "info_nce": contrast(info_nce, targets[category])}


def contrast(contrasted: Callable[[Tensor, Tensor], Tensor], category: Tensor) -> dict:
    """Loss and gradient on both halves of a batch, averaged, beside those of the whole batch."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(8, 5, generator=draw)
    layer = nn.Linear(5, 4)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, generator=draw)
    loss = contrasted(layer(inputs), category)
    loss.backward()
    expected, layer.weight.grad = layer.weight.grad, None
    half = slice(4 * distributed.rank(), 4 * distributed.rank() + 4)
    gathered = distributed.gather_rows(layer(inputs[half])), distributed.gather_rows(category[half])
    own = contrasted(*gathered)
    own.backward()
    mean = distributed.total(layer.weight.grad.clone()) / 2
    alone = distributed.total(contrasted(layer(inputs[half]), category[half]).detach()) / 2
    return {
        "loss": abs(own.item() - loss.item()),
        "gradient": float((mean - expected).abs().max()),
        "as released": abs(alone.item() - loss.item()),
    }


def nonfinite() -> dict:
    """A loss that is not finite in the second process only: both leave the update out, and end with one message."""
    step, told = Trainer._train_step, []

    def breaking(self, model, batch):
        weights = self.task.loss_weights
        broken = distributed.rank() == 1 and (self.at.epoch, self.at.step) == (1, 1)
        self.task.loss_weights = {"loss": float("inf")} if broken else weights
        updates = step(self, model, batch)
        self.task.loss_weights = weights
        return updates

    with patched(Trainer, "_train_step", breaking):
        folder = train("classify", "--skip_nonfinite", "1", exp="skipping", opts=("max_epoch=1",))
        try:
            train("classify", exp="ending", opts=("max_epoch=1",))
        except UserError as error:
            told = distributed.gather_objects(str(error))
    about = json.loads(Path("experiments/classify/cfgs/ending/nonfinite.json").read_text())
    return {"told": told, "files": about["files"], "skipped": metrics(folder)["last"].get("skipped_updates")}


@contextlib.contextmanager
def in_float64():
    """Train in float64, without evaluation: BatchNorm over a few like samples makes a lot of what is rounded off."""
    shard, prepare = parallel.shard, Trainer._prepare

    def double(x):
        return x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x

    with contextlib.ExitStack() as held:
        held.enter_context(patched(parallel, "shard", lambda model, *rest: shard(model.double(), *rest)))
        held.enter_context(
            patched(Trainer, "_prepare", lambda *args: torch.utils._pytree.tree_map(double, prepare(*args)))
        )
        held.enter_context(patched(torch.Tensor, "float", torch.Tensor.double))
        for module in (models.embedding, models.downstream):  # the operator knows no float64
            held.enter_context(patched(module, "max_pool", lambda x: x.amax(1)))
        for task in (Classify, Pretrain):
            held.enter_context(patched(task, "evaluate", lambda *_: {}))
        yield


def sharded() -> dict:
    """Training with fsdp beside ddp."""
    found = {}
    cases = {
        "clipped": (
            "pretrain",
            (
                "step_per_update=2",
                "accumulation=mean",
                "max_epoch=2",
                "grad_norm_clip=0.5",
            ),
        ),
        "checkpointed": ("classify", ("max_epoch=2", "checkpointing=true")),
        "frozen": ("classify", ("max_epoch=1", "model.type=linear", "optimizer.type=SGD")),
        "left over": ("classify", ("max_epoch=1", "step_per_update=2")),
    }
    for name, (task, opts) in cases.items():
        with in_float64():
            one, two = (train(task, exp=f"{name[:4]}-{kind}", opts=(*opts, f"parallel={kind}")) for kind in KINDS)
        states = [load_checkpoint(folder / "ckpt-last.pth") for folder in (one, two)]
        losses = [{k: torch.tensor(v) for k, v in metrics(folder)["last"].items()} for folder in (one, two)]
        found[name] = {
            "weights": largest_difference(weights(one), weights(two)),
            "moments": largest_difference(*map(moments, states)),
            "gradients": largest_difference(*(dict(state.get("gradients", [])) for state in states)),
            "losses": largest_difference(*losses),
        }
    # A checkpoint of ddp goes on with fsdp, and the other way round; Adam's state is taken along.
    opts = ("total_bs=6", "max_epoch=1")
    whole = train("classify", exp="whole", opts=opts)
    for before, after in zip(KINDS, reversed(KINDS), strict=True):
        train("classify", exp=f"from-{before}", opts=(*opts, "max_epoch=0", f"parallel={before}"))
        folder = train("classify", "--resume", exp=f"from-{before}", opts=(*opts, f"parallel={after}"))
        found[f"from {before}"] = {
            "weights": largest_difference(weights(whole), weights(folder)),
            "moments": largest_difference(*(moments(load_checkpoint(f / "ckpt-last.pth")) for f in (whole, folder))),
        }
    folder = train("pretrain", exp="half", opts=("max_epoch=0", "parallel=fsdp", "precision=bf16"))
    return found | {"bf16": metrics(folder)["last"]["loss"]}


def moments(state: dict) -> dict:
    return {f"{n} {k}": torch.as_tensor(x) for n, s in state["optimizer"]["state"].items() for k, x in s.items()}


def sync_bn() -> str:
    try:
        train("classify", "--sync_bn", exp="bn")
    except UserError as error:
        return str(error)
    return "it ran"


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=120))
    distributed.start = lambda *_: torch.device("cpu")
    distributed.stop = lambda: None
    results = {}
    for section in (accumulation, interruption, measuring, contrasts, nonfinite, sharded, sync_bn):
        try:
            results[section.__name__] = section()
        except Exception:
            results[section.__name__] = {"error": traceback.format_exc()}
        dist.barrier()
    if distributed.is_main():
        Path("results.json").write_text(json.dumps(results))
    dist.destroy_process_group()
