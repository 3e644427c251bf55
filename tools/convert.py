"""Checkpoints in the released code's layout, and back: `python -m tools.convert --to released IN OUT`."""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models import CHECKPOINT_PREFIXES
from utils import checkpoint
from utils.errors import Parser, UserError, run_command

# Scores in released segmentation checkpoints, fractions, and what they are called here, in percent.
SEGMENTATION_SCORES = {
    "test_acc": "accuracy",
    "class_avg_iou": "class_miou",
    "inctance_avg_iou": "instance_miou",  # spelt so
}
TEACHERS = ("img_encoder.", "text_encoder.")
# Top-level modules in the order of the released models: an optimizer knows its parameters by their position only.
RELEASED_ORDER = (
    *("mask_token", "MAE_encoder"),
    *("cls_token", "cls_pos", "img_token", "text_token", "img_pos", "text_pos", "encoder", "pos_embed", "blocks"),
    *("Dis_encoder", "norm", "label_conv", "propagation_0", "convs1", "convs2", "convs3", "bns1", "bns2"),
    *("cls_head_finetune", "decoder_pos_embed", "MAE_decoder", "increase_dim"),
    *("img_encoder", "img_proj", "text_encoder", "text_proj", "cls_proj"),
)
# Keys of AdamW's groups in PyTorch 2.0.
GROUP_KEYS = ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "capturable", "differentiable")


def from_released(state: Mapping, metric: str | None = None) -> dict[str, Any]:
    """Fill in what a released checkpoint leaves out, and call its parts as here; ours stay as they are.

    Args:
        state: from `utils.checkpoint.load_checkpoint`.
        metric: what the released `acc` is called here; None keeps the name. The training loss is not among the
            released metrics.

    Returns:
        With `optimizer`, `epoch`, `step`, `sums`, `metrics` and `best_metrics` as the trainer writes them, as far as
        the file holds them; the epoch of the best metrics may be None.
    """
    # The released code writes neither `step` nor `sums`: it saves between epochs only.
    absent: dict[str, Any] = {"step": 0, "sums": {}}
    state = {**absent, **state}
    if "optimizer_state_dict" in state:
        state["optimizer"] = state.pop("optimizer_state_dict")
    if "inctance_avg_iou" in state:
        state.pop("train_acc", None)
        scores = {ours: 100 * state.pop(name) for name, ours in SEGMENTATION_SCORES.items() if name in state}
        # It is written when it is the best so far.
        state |= {"metrics": scores, "best_metrics": {"epoch": state.get("epoch"), **scores}}
    metrics, best = state.get("metrics"), state.get("best_metrics")
    if isinstance(metrics, Mapping) and isinstance(best, Mapping) and "acc" in {**metrics, **best}:
        epoch = state.get("epoch") if metrics.get("acc") == best.get("acc") else None
        state["metrics"], state["best_metrics"] = _rename(metrics, metric), _rename(best, metric)
        if state["best_metrics"]:
            state["best_metrics"] = {"epoch": epoch, **state["best_metrics"]}
    return state


def _rename(metrics: Mapping, metric: str | None) -> dict:
    # 0.0 stands for "not measured yet".
    return {metric or "acc": metrics["acc"]} if metrics.get("acc") and metric != "loss" else {}


def to_recon(state: Mapping) -> dict[str, Any]:
    """Make any checkpoint that is accepted one as the trainer writes it, without the teachers' weights.

    Args:
        state: from `utils.checkpoint.load_checkpoint`.
    """
    pretraining = any(name.split(".")[-1] == "mask_token" for name in state["base_model"])
    prefixes = ("base_model.",) if pretraining else CHECKPOINT_PREFIXES
    weights = checkpoint.strip_prefixes(state["base_model"], prefixes)
    weights = {name: value for name, value in weights.items() if not name.startswith(TEACHERS)}
    classifier = any(name.startswith("cls_head_finetune.") for name in weights)
    # `acc` of pretraining may be that of an SVM or of zero-shot classification.
    return from_released({**state, "base_model": weights}, "accuracy" if classifier else None)


def to_released(state: Mapping, prefix: str = checkpoint.PARALLEL, teachers: Mapping | None = None) -> dict[str, Any]:
    """Make a checkpoint that the released programs read.

    Args:
        state: from `to_recon`.
        prefix: in front of the names: `module.` as DataParallel writes them, or "" as DistributedDataParallel does.
            Part segmentation never has one.
        teachers: weights named `img_encoder.*` and `text_encoder.*`, which the released pretraining holds too.

    Raises:
        UserError: if no released program has such a model, or the optimizer is of another model.
    """
    weights = state["base_model"]
    released_model(weights)
    weights = _in_released_order({**weights, **(teachers or {})})
    optimizer = state.get("optimizer")
    if optimizer is not None:
        optimizer = _released_optimizer(optimizer, list(state["base_model"]))
    epoch = state.get("epoch", 0) - (state.get("step", 0) > 0)
    metrics = state.get("metrics") or {}
    if "label_conv.0.weight" in weights:
        scores = {name: metrics.get(ours, math.nan) / 100 for name, ours in SEGMENTATION_SCORES.items()}
        content = {"epoch": epoch, "train_acc": math.nan, **scores, "model_state_dict": weights}
        return content | ({} if optimizer is None else {"optimizer_state_dict": optimizer})
    accuracies = [_accuracy(state.get(key) or {}, state.get("metric")) for key in ("metrics", "best_metrics")]
    return {
        "base_model": {prefix + name: value for name, value in weights.items()},
        **({} if optimizer is None else {"optimizer": optimizer}),
        "epoch": epoch,
        "metrics": {"acc": accuracies[0]},
        "best_metrics": {"acc": accuracies[1]},
    }


def released_model(weights: Mapping[str, Tensor]) -> str:
    """Say which released program has a model with these names.

    Raises:
        UserError: if there is none.
    """
    encoder = "MAE_encoder." if "mask_token" in weights else ""
    if f"{encoder}encoder.first_conv.0.weight" not in weights:
        raise UserError("the released code has no such model: its encoder has no 'encoder.first_conv.0.weight'")
    if f"{encoder}img_token" not in weights and not any(name.startswith("Dis_encoder.") for name in weights):
        raise UserError("the released code has no such model: plain blocks as Point-MAE's, without 'img_token'")
    if encoder:
        return "pretraining"
    if "label_conv.0.weight" in weights:
        return "part segmentation"
    if "convs1.weight" in weights:
        raise UserError("the released code has no such model: semantic segmentation")
    return "classification" if any(name.startswith("cls_head_finetune.") for name in weights) else "encoder"


def _in_released_order(names: Mapping[str, Any]) -> dict[str, Any]:
    order = {name: place for place, name in enumerate(RELEASED_ORDER)}
    return dict(sorted(names.items(), key=lambda item: order.get(item[0].split(".")[0], len(order))))


def _released_optimizer(optimizer: Mapping, weights: list[str]) -> dict | None:
    """Put an optimizer's parameters into the released order; None if they have no names and the weights another one."""
    groups = optimizer["param_groups"]
    if len(groups) != 3 or any("betas" not in group for group in groups):
        raise UserError(
            f"the released code has AdamW on 3 groups of parameters, the optimizer is another: {len(groups)}"
        )
    names = [group.get("param_names") for group in groups]
    if None not in names:
        optimizer = checkpoint.order_optimizer(
            optimizer, names, [[*_in_released_order(dict.fromkeys(n))] for n in names]
        )
    elif weights != list(_in_released_order(dict.fromkeys(weights))):
        return None
    kept = [{key: group[key] for key in ("params", *GROUP_KEYS) if key in group} for group in optimizer["param_groups"]]
    kept = [{**group, "initial_lr": group["lr"], "foreach": None, "fused": None} for group in kept]
    return {"state": optimizer["state"], "param_groups": kept}


def _accuracy(metrics: Mapping, metric: str | None) -> Tensor | float:
    """Return the released `acc` in percent: a tensor, or 0.0 where nothing was measured."""
    names = [metric, "acc", "accuracy", *(name for name in metrics if str(name).endswith("_accuracy"))]
    found = next((name for name in names if name in metrics and name != "loss"), None)
    return 0.0 if found is None else torch.tensor(float(metrics[found]))


def main() -> None:
    """Command line: see `python -m tools.convert --help`."""
    parser = Parser(
        prog="python -m tools.convert", description="Convert checkpoints to the released code's layout, or from it."
    )
    parser.add_argument(
        "--to", required=True, choices=("released", "recon"), help="released: for the released programs"
    )
    parser.add_argument("source", metavar="IN", help="checkpoint in any layout that main.py takes")
    parser.add_argument("target", metavar="OUT", type=Path, help="file to write")
    parser.add_argument(
        "--prefix",
        choices=("module", "none"),
        default="module",
        help="with --to released: names as DataParallel writes them (%(default)s), or without prefix",
    )
    parser.add_argument(
        "--teachers",
        metavar="FILE",
        help="with --to released: a released pretraining checkpoint whose teachers' weights are added",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    args = parser.parse_args()
    for line in convert(args):
        print(line)


def convert(args: argparse.Namespace) -> list[str]:
    """Convert one file; returns what is to be said of it.

    Raises:
        UserError: for a file that cannot be read, converted or written.
    """
    if args.to == "recon" and (args.teachers or args.prefix != "module"):
        raise UserError("--teachers and --prefix go with --to released")
    if args.target.is_dir() or not args.target.absolute().parent.is_dir():
        raise UserError(f"OUT must be a file in an existing folder, got {args.target}")
    if args.target.exists() and not args.overwrite:
        raise UserError(f"{args.target} exists already; --overwrite replaces it")
    source = checkpoint.load_checkpoint(args.source)
    teachers = _teachers(checkpoint.load_checkpoint(args.teachers) if args.teachers else source)
    if args.teachers and not teachers:
        raise UserError(f"--teachers {args.teachers} has no weights named img_encoder.* or text_encoder.*")
    try:
        state = to_recon(source)
        if args.to == "recon":
            content, said = state, _notes_on_recon(state)
        else:
            kind = released_model(state["base_model"])
            if args.teachers and kind != "pretraining":
                raise UserError(f"--teachers goes with a pretraining checkpoint, this one is of {kind}")
            content = to_released(state, checkpoint.PARALLEL if args.prefix == "module" else "", teachers)
            said = [
                f"{kind}, epoch {content['epoch']}, in the released layout",
                *_notes(kind, state, content, teachers),
            ]
    except UserError as error:
        raise UserError(f"{args.source}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{args.source}: its optimizer or metrics are damaged: {error}") from None
    checkpoint.save_atomic(content, args.target)
    return [f"{args.target}: {said[0]}", *said[1:]]


def _teachers(state: Mapping) -> dict[str, Tensor]:
    weights = checkpoint.strip_prefixes(state["base_model"], ("base_model.",))
    return {name: value for name, value in weights.items() if name.startswith(TEACHERS)}


def _notes_on_recon(state: Mapping) -> list[str]:
    lacks = [key for key in ("optimizer", "epoch", "metrics", "best_metrics") if key not in state]
    said = [f"{len(state['base_model'])} tensors in the layout of main.py"]
    return said + [f"--resume cannot continue it, it has no {', '.join(lacks)}"] * bool(lacks)


def _notes(kind: str, state: Mapping, content: Mapping, teachers: Mapping) -> list[str]:
    """What the released programs cannot do with the file, or do otherwise."""
    notes = []
    if state.get("step", 0):
        notes.append(
            f"saved in the middle of epoch {state['epoch']}, which the released --resume does from its beginning"
        )
    if kind == "pretraining" and not teachers:
        notes.append(
            "the released pretraining (--resume, --start_ckpts) also wants the teachers' weights: add them with "
            "--teachers FILE from one of its ckpt-last.pth; fine-tuning, zero-shot and SVM do without"
        )
    if "optimizer" not in content and kind in ("pretraining", "classification"):
        why = ", since IN does not name the parameters in its own" if "optimizer" in state else ""
        notes.append(f"no optimizer in it{why}: the released --resume cannot continue it")
    if kind == "part segmentation":
        notes.append("the training accuracy is not known here and stands as nan")
    return notes


if __name__ == "__main__":
    run_command(main)
