"""Steps of pretraining and of fine-tuning on synthetic batches, in several precisions."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.point_transforms import AUGMENTATIONS, random_subset, sample_train
from gpu_check.check import Check, CheckFailed
from models import build_model_from_cfg
from models.teachers import build_image_teacher, build_text_teacher
from tools.benchmark.peers import clouds as draw_clouds
from tools.engine.config import RunConfig, parse_run_config
from tools.engine.optim import build_optimizer
from utils import seeding
from utils.config import load_config
from utils.geometry import normalize_unit_sphere
from utils.prompts import prompt

WARM_UP, STEPS = 3, 10
# How far the first loss may be from that of float32. In another type dropout draws other masks, too.
FIRST_LOSS_TOLERANCE = {"tf32": 0.02, "bfloat16": 0.25}


def teachers_of_random_weights(section: dict[str, Any]) -> nn.Module:
    """Build a pretraining model with frozen teachers of the architectures that its config names, never trained."""
    image = build_image_teacher(section["img_encoder"], train=True)
    text = build_text_teacher(section["text_encoder"], train=True)
    given = {"img_encoder": "features", "img_dim": image.dim, "img_weights": None}
    given |= {"text_encoder": "features", "text_dim": text.dim, "text_weights": None}
    model = build_model_from_cfg({**section, **given})
    for teacher in (image, text):
        teacher.trained = False
        teacher.freeze()
    model.hold_teachers(image, text)
    return model


@dataclass
class Work:
    """A model with a batch to train it on; `losses` maps the model and a generator to scalar loss terms."""

    model: nn.Module
    config: RunConfig
    batch_size: int
    losses: Callable[[nn.Module, torch.Generator], dict[str, Tensor]]
    description: str


def pretraining(check: Check, device: torch.device) -> Work:
    """Pretraining of the released size with teachers of random weights, or the demo's, with its own teacher."""
    path = "cfgs/demo/pretrain.yaml" if check.small else "cfgs/pretrain/base.yaml"
    config = parse_run_config(load_config(path, []))
    section, data = config.model, config.dataset.train["others"]
    model = build_model_from_cfg(section) if check.small else teachers_of_random_weights(section)
    batch = 4 if check.small else config.total_bs
    clouds = draw_clouds(device, batch, 2 * config.npoints if check.small else 8192, 3)
    size = data.get("image_size", 224)
    images = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    names = [("chair", "table", "airplane", "car", "lamp")[i % 5] for i in range(batch)]
    category = torch.arange(batch, device=device) % 5
    weights = vars(config.loss_weights)

    def losses(model: nn.Module, generator: torch.Generator) -> dict[str, Tensor]:
        points = normalize_unit_sphere(random_subset(clouds, config.npoints, generator))
        points = AUGMENTATIONS["rotate"](points, generator)
        texts = prompt(names, torch.Generator().manual_seed(0))
        terms = model(points, images, texts, category=category, generator=generator)
        return {name: weights.get(name, 1.0) * value for name, value in terms.items()}

    kind = "the demo's own teacher" if check.small else "frozen, with random weights"
    return Work(
        model, config, batch, losses, f"{path}; teachers {section['img_encoder']}, {section['text_encoder']}: {kind}"
    )


def finetuning(check: Check, device: torch.device) -> Work:
    """Fine-tuning of the released size, or the demo's."""
    path = "cfgs/demo/finetune_scan.yaml" if check.small else "cfgs/full/finetune_scan_hardest.yaml"
    config = parse_run_config(load_config(path, []))
    batch = 4 if check.small else config.total_bs
    clouds = draw_clouds(device, batch, max(config.npoints, 2048), 3)
    labels = torch.arange(batch, device=device) % config.model["cls_dim"]

    def losses(model: nn.Module, generator: torch.Generator) -> dict[str, Tensor]:
        points = AUGMENTATIONS["rotate"](sample_train(clouds, config.npoints, generator), generator)
        return {"cross_entropy": F.cross_entropy(model(points), labels)}

    return Work(build_model_from_cfg(config.model), config, batch, losses, path)


def tf32_state() -> dict[str, Any]:
    return {
        "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
    }


def train_steps(work: Work, precision: str, device: torch.device) -> dict[str, Any]:
    """Make the steps of training and time them, augmentation and optimizer included, loading and logging not.

    Args:
        work: its model is trained.
        precision: "float32" as PyTorch has it by default, "tf32" for matrix products too, "bfloat16" by autocast.
        device: of model and batch.
    """
    cuda = device.type == "cuda"
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    model = work.model.train()
    optimizer = build_optimizer(model, work.config)
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    seconds, losses = [], []
    for step in range(WARM_UP + STEPS):
        seeding.seed_everything("steps", step)  # dropout and drop path
        generator = seeding.generator(device, "steps", step)
        if cuda:
            torch.cuda.synchronize()
        began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = sum(work.losses(model, generator).values())
        loss.backward()
        if work.config.grad_norm_clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), work.config.grad_norm_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
        losses.append(loss.item())
    median = statistics.median(seconds[WARM_UP:])
    return {
        "batch_size": work.batch_size,
        "median_step_ms": round(1000 * median, 3),
        "steps_ms": [round(1000 * one, 3) for one in seconds[WARM_UP:]],
        "samples_per_second": round(work.batch_size / median, 1),
        "peak_memory_mib": round(torch.cuda.max_memory_allocated() / 2**20) if cuda else None,
        "losses": losses,
        "tf32": tf32_state(),
    }


def check_steps(check: Check) -> dict[str, Any]:
    """Steps of pretraining and of fine-tuning in float32 and bfloat16, on synthetic batches."""
    check.require_kernels()
    device = torch.device(check.device)
    seeding.set_deterministic(False)  # as main.py does
    results: dict[str, Any] = {}
    wrong = []
    for task, prepare in (("pretraining", pretraining), ("fine-tuning", finetuning)):
        seeding.seed_everything("weights", task)
        work = prepare(check, device)
        start = {name: value.clone() for name, value in work.model.state_dict().items()}
        results[task] = {"what": work.description, "warm_up": WARM_UP, "steps": STEPS}
        for precision in ("float32", *(("tf32",) if check.device == "cuda" else ()), "bfloat16"):
            work.model.load_state_dict(start)
            work.model.to(device)  # texts are encoded anew, in this precision
            found = results[task][precision] = train_steps(work, precision, device)
            print(task, precision, {name: value for name, value in found.items() if name != "steps_ms"})
            losses, first = found["losses"], results[task]["float32"]["losses"][0]
            if not all(map(math.isfinite, losses)):
                wrong.append(f"{task} in {precision}: losses {losses}")
            elif abs(losses[0] - first) > FIRST_LOSS_TOLERANCE.get(precision, 0.0) * abs(first):
                wrong.append(f"{task} in {precision}: the first loss is {losses[0]:.5g}, in float32 {first:.5g}")
            elif task == "pretraining" and min(losses[-3:]) >= losses[0]:
                wrong.append(f"{task} in {precision}: the loss does not fall on one batch: {losses}")
        del work
    if wrong:
        raise CheckFailed("; ".join(wrong), **results)
    return results
