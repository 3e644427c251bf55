"""Zero-shot classification: features of points against features of class names."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.point_transforms import sample_test
from datasets.prompts import all_prompts
from models import build_model_from_cfg
from tools.builder import Run, build_dataset, load_pretrained
from tools.task import predict
from utils.errors import UserError
from utils.logging import progress
from utils.metrics import accuracy, class_accuracy
from utils.registry import nearest

ONE_PROMPT = "A point cloud model of {}."


def class_features(teacher: nn.Module, names: Sequence[str], ensemble: bool) -> Tensor:
    """Encode class names.

    Args:
        teacher: a text teacher.
        names: C names.
        ensemble: sum the features of all 60 prompts; otherwise use `ONE_PROMPT`.

    Returns:
        (C, d), on the CPU, not normalised.
    """
    if not ensemble:
        return teacher.encode([ONE_PROMPT.format(name.replace("_", " ")) for name in names]).float().cpu()
    encoded = [teacher.encode(all_prompts(name)).sum(0) for name in progress(names, desc="class names")]
    return torch.stack(encoded).float().cpu()


def classify(features: Tensor, classes: Tensor) -> Tensor:
    """Return the index (n,) of the class feature (C, d) of highest cosine similarity to each feature (n, d)."""
    return (F.normalize(features, dim=1) @ F.normalize(classes, dim=1).T).argmax(1)


def group_accuracy(features: Tensor, labels: Tensor, classes: Tensor, members: Sequence[int]) -> dict:
    """Accuracy over the samples of some classes, among all class names and among their own only.

    Args:
        features: (n, d).
        labels: (n,).
        classes: (C, d).
        members: indices of the classes.
    """
    members = torch.tensor(members, dtype=torch.int64)
    inside = torch.isin(labels, members)
    features, labels = features[inside], labels[inside]
    own = members[classify(features, classes[members])] if len(members) else labels
    return {
        "classes": len(members),
        "among_all_names": accuracy(classify(features, classes), labels),
        "among_own_names": accuracy(own, labels),
    }


def main(run: Run) -> None:
    """Classify `zeroshot.splits` by class names."""
    settings = run.config.zeroshot
    data = {split: build_dataset(run, split) for split in settings.splits}
    names = next(iter(data.values())).class_names
    for name in settings.seen or ():
        if name not in names:
            raise UserError(f"config key 'zeroshot.seen': the data set has no class '{name}'{nearest(name, names)}")
    model = build_model_from_cfg(run.config.model)
    if run.config.model["NAME"] != "PointTransformerZeroShot" or model.text_teacher is None:
        raise UserError("zero-shot needs NAME: PointTransformerZeroShot with a text encoder under 'model.text_encoder'")
    load_pretrained(run, model, run.args.ckpts)
    model.to(run.device)

    many, one = (class_features(model.text_teacher, names, ensemble) for ensemble in (True, False))
    chosen, other = (many, one) if settings.ensemble else (one, many)
    prepare = partial(sample_test, npoints=run.config.npoints)
    parts = {split: predict(run, model, dataset, prepare, split) for split, dataset in data.items()}
    features, labels = (torch.cat(tensors) for tensors in zip(*parts.values(), strict=True))
    predicted = classify(features, chosen)
    results = {
        "splits": list(parts),
        "prompts": 60 if settings.ensemble else 1,
        **accuracy(predicted, labels),
        "one_prompt" if settings.ensemble else "all_prompts": accuracy(classify(features, other), labels),
        "class_accuracy": class_accuracy(predicted, labels, names),
    }
    if len(parts) > 1:
        results["split_accuracy"] = {split: accuracy(classify(x, chosen), y) for split, (x, y) in parts.items()}
    counts = f"{results['correct']} of {results['total']}"
    run.log.info(f"zero-shot on {' + '.join(parts)}: {results['accuracy']:.2f} % ({counts})")
    if settings.seen is not None:
        for group, seen in (("seen", True), ("unseen", False)):
            members = [i for i, name in enumerate(names) if (name in settings.seen) == seen]
            results[group] = found = group_accuracy(features, labels, chosen, members)
            run.log.info(
                f"  {len(members)} {group} names: {found['among_all_names']['accuracy']:.2f} % among all {len(names)}, "
                f"{found['among_own_names']['accuracy']:.2f} % among their own"
            )
    run.record(model, finished=True, metric="accuracy", last=results)
