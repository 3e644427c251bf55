"""Features of frozen teachers, computed once where their input does not change, and cached beside the data."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from datasets import PointDataset, collate
from models.teachers import Features, ImageTeacher, Teacher, TeacherHolder
from models.text_teachers import TextTeacher
from utils import distributed
from utils.files import atomic_write
from utils.logging import progress, versions

TEACHER_BATCH = 64


def teacher_key(teacher: Teacher) -> str:
    """Digest of a teacher: its layers with their settings, its weights, and the libraries that it is made of."""
    digest = hashlib.sha256(json.dumps([type(teacher).__name__, versions(("timm", "open_clip_torch"))]).encode())
    for name, module in teacher.named_modules():
        settings = {key: value for key, value in vars(module).items() if isinstance(value, (int, float, str, tuple))}
        digest.update(f"{name} {type(module).__name__} {sorted(settings.items(), key=repr)}".encode())
    for name, value in teacher.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def use_image_features(
    model: TeacherHolder, data: PointDataset, folder: Path, workers: int, log: logging.Logger
) -> bool:
    """Ask a frozen image teacher once about every image, if they are the same in every epoch.

    From then on the data set gives features for images, and the model takes them as they are. They equal those of a
    step up to rounding, since PyTorch adds up batches of other sizes in another order: by less than 1e-5 in float32.

    Args:
        model: holds the teacher, on the device where it is asked.
        data: gives the images.
        folder: where the features are kept; those of other teachers, images or image settings stay there.
        workers: of the loader that reads the images.
        log: is told what happens, and why not if nothing does.

    Returns:
        Whether it does that now.
    """
    teacher, images = model.img_teacher, data.image_key()
    if not isinstance(teacher, ImageTeacher) or "image" not in data.gives:
        return False
    if teacher.trained or images is None:
        why = "it is trained" if teacher.trained else "images change from epoch to epoch"
        log.info(f"image teacher: asked at every step, since {why}")
        return False

    def compute() -> Tensor:
        loader = DataLoader(data, TEACHER_BATCH, num_workers=workers, collate_fn=collate, generator=torch.Generator())
        device = next(teacher.parameters()).device
        batches = progress(loader, desc="features of the image teacher")
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            return torch.cat(
                [
                    teacher.encode(data.finish({"image": batch["image"].to(device)})["image"]).float().cpu()
                    for batch in batches
                ]
            )

    features = _kept(folder, "image", (teacher_key(teacher), images), (len(data), teacher.dim), compute, log)
    data.use_features(features)
    model.hold_teachers(Features(teacher.dim), model.text_teacher)
    return True


def use_text_features(teacher: Teacher | None, texts: Sequence[str], folder: Path, log: logging.Logger) -> bool:
    """Ask a frozen text teacher once about all the texts that it will ever see, and let it remember the answers.

    Args:
        teacher: on the device where it is asked.
        texts: the prompts around all names.
        folder, log: see `use_image_features`.

    Returns:
        Whether it does that now.
    """
    if not isinstance(teacher, TextTeacher) or teacher.trained:
        return False
    texts = sorted(set(texts))

    def compute() -> Tensor:
        parts = [texts[i : i + TEACHER_BATCH] for i in range(0, len(texts), TEACHER_BATCH)]
        device = next(teacher.parameters()).device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            parts = progress(parts, desc="features of the text teacher")
            return torch.cat([teacher.encode(part).float().cpu() for part in parts])

    key = (teacher_key(teacher), json.dumps(teacher.tokens_of(texts)), *texts)
    features = _kept(folder, "text", key, (len(texts), teacher.dim), compute, log)
    parameter = next(teacher.parameters())
    teacher.remember(texts, features.to(parameter.device, parameter.dtype))
    return True


def _kept(folder: Path, kind: str, key: Sequence[str], shape: tuple[int, int], compute, log: logging.Logger) -> Tensor:
    """Return features (float32, on the CPU) from the file of their key, or compute them and write it.

    Of several processes the main one computes, unless it cannot write what the others shall read.
    """
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    path = folder / f"{kind}-{digest[:20]}.npy"
    features, told = _read(path, shape), f"{kind} teacher: features of {shape[0]} {kind}s"
    if features is not None:
        log.info(f"{told} read from {path}")
    if features is None and distributed.is_main():
        features = compute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary, open(temporary, "wb") as file:
                np.save(file, features.numpy())
            log.info(f"{told} computed once and kept in {path}")
        except OSError as error:
            log.warning(f"{told} cannot be kept in {path} ({error.strerror}): the next run computes them again")
    distributed.gather_objects(None)  # the others wait
    if features is None:
        features = _read(path, shape)
    return compute() if features is None else features


def _read(path: Path, shape: tuple[int, int]) -> Tensor | None:
    """Read features; None if they are not there, or not whole."""
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = stored.shape == shape and stored.dtype == np.float32 and np.isfinite(stored).all()
    return torch.from_numpy(stored) if whole else None
