"""Zero-shot classification: features of points against features of class names."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from datasets import PointDataset
from datasets.point_transforms import sample_test, sample_train
from models import Trainable, build_model_from_cfg
from models.downstream import PointTransformerZeroShot
from models.teachers import Teacher
from tools.engine.data import open_dataset
from tools.engine.infer import predict
from tools.engine.run import Run
from tools.engine.task import TASKS, Mode, Task
from tools.engine.weights import load_run_weights
from tools.report.exhibits import Exhibit, named
from tools.report.predictions import GUESSES, PREDICTIONS, prediction_rows, write_predictions
from tools.report.tables import text_table
from utils import distributed, seeding
from utils.errors import UserError
from utils.logging import progress
from utils.metrics import accuracy, by_class, topk_accuracy
from utils.prompts import TEMPLATES, PromptNames, all_prompts, spell
from utils.registry import suggestion

ONE_PROMPT = "A point cloud model of {}."
QUERIES = {"text": "text query", "image": "image query", "full": "both queries"}
PROMPTS = {"one_prompt": "1 prompt", "all_prompts": "60 prompts"}
TOP = (1, 3, 5)
SHOWN = 20  # so many names of shapes without a class are shown, all are in predictions.csv


@dataclass
class ZeroShotSettings:
    """`zeroshot`: all 60 prompts or one, the splits to measure on, and the class names seen in pretraining.

    `names` are the names to choose from where they are not the data set's own: more of them, or those for shapes whose
    class is not known. With `random_columns` FPS gives more points than the model takes, of which some are drawn, as
    released; otherwise FPS gives those that the model takes. `released_typo` spells names as the released code does
    where it misspells them.
    """

    ensemble: bool = True
    splits: list[Literal["train", "val", "test"]] = field(default_factory=lambda: ["test"])
    seen: list[str] | None = None
    names: list[str] | None = None
    random_columns: bool = True
    released_typo: bool = False

    def __post_init__(self):
        if self.names is not None and not (
            all(map(str.strip, self.names)) and 0 < len(self.names) == len(set(self.names))
        ):
            raise ValueError(f"names must be different from each other and not empty, got {self.names}")
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise ValueError(f"splits must name at least one split, each once, got {self.splits}")


@dataclass
class PromptConfig:
    """`prompts`: `prompt_names: plain` puts spaces for the underscores of category names."""

    prompt_names: PromptNames = "released"


def class_features(teacher: Teacher, names: Sequence[str], ensemble: bool) -> Tensor:
    """Encode class names.

    Args:
        teacher: a text teacher.
        names: C names, as they shall reach the tokenizer.
        ensemble: sum the features of all 60 prompts; otherwise use `ONE_PROMPT`.

    Returns:
        (C, d), on the CPU, not normalised.
    """
    if not ensemble:
        return teacher.encode([ONE_PROMPT.format(name) for name in names]).float().cpu()
    encoded = [teacher.encode(all_prompts(name)).sum(0) for name in progress(names, desc="class names")]
    return torch.stack(encoded).float().cpu()


def random_columns(run: Run, split: str) -> Callable[[Tensor], Tensor]:
    """Return what picks the points that the model is fed: FPS, then random ones of these (see `random_columns`)."""
    if not run.config.section(ZeroShotSettings).random_columns:
        return partial(sample_test, npoints=run.config.npoints)
    draw = seeding.generator(run.device, run.args.seed, "zeroshot", split, distributed.rank())
    return partial(sample_train, npoints=run.config.npoints, generator=draw)


def rank_classes(features: Tensor, classes: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Find the k class features (C, d) of highest cosine similarity to each feature (n, d).

    Returns:
        Cosines (n, k) from the highest on, and indices (n, k) of the classes.
    """
    classes = F.normalize(classes, dim=1).T
    # In parts: Objaverse-LVIS has 46,205 shapes and 1,156 classes.
    parts = [(F.normalize(part, dim=1) @ classes).topk(k, dim=1) for part in features.split(8192)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def classify(features: Tensor, classes: Tensor) -> Tensor:
    """Return the index (n,) of the class feature (C, d) of highest cosine similarity to each feature (n, d)."""
    return rank_classes(features, classes, 1)[1][:, 0]


def group_accuracy(features: Tensor, labels: Tensor, classes: Tensor, members: Sequence[int]) -> dict:
    """Accuracy over the samples of some classes, among all class names and among their own only.

    Args:
        features: (n, d).
        labels: (n,).
        classes: (C, d).
        members: indices of the classes.
    """
    own = torch.tensor(members, dtype=torch.int64)
    inside = torch.isin(labels, own)
    features, labels = features[inside], labels[inside]
    among_own = own[classify(features, classes[own])] if len(own) else labels
    return {
        "classes": len(members),
        "among_all_names": accuracy(classify(features, classes), labels),
        "among_own_names": accuracy(among_own, labels),
    }


class Queries(nn.Module):
    """Both queries' features of a zero-shot model side by side, so that one pass over the data serves all types."""

    def __init__(self, model: PointTransformerZeroShot):
        super().__init__()
        self.model = model

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, N, 3) to (B, text_dim + img_dim)."""
        return torch.cat(self.model.project(points), dim=1)


def names_to_choose(chosen: Sequence[str] | None, data: dict[str, PointDataset]) -> list[str]:
    """Return `zeroshot.names`, or else the class names of the data sets.

    Raises:
        UserError: if there are none, or they are not those of every data set.
    """
    own = {split: dataset.class_names for split, dataset in data.items()}
    names = list(chosen or next(iter(own.values())))
    if not names:
        raise UserError("config key 'zeroshot.names' must list the names to choose from: the shapes have no classes")
    for split, present in own.items():
        for name in present:
            if name not in names:
                close = suggestion(name, names)
                raise UserError(f"'{name}', a class of dataset.{split}, is not among the names to choose from{close}")
        if not chosen and present != names:
            raise UserError(f"dataset.{split} has other classes than dataset.{next(iter(own))}: set zeroshot.names")
    return names


def spellings(run: Run, names: Sequence[str], data: Iterable[PointDataset]) -> list[str]:
    """Spell class names as they shall reach the tokenizer (`prompt_names`, `zeroshot.released_typo`).

    Raises:
        UserError: if a released misspelling is asked for where there is none.
    """
    typos = {}
    if run.config.section(ZeroShotSettings).released_typo:
        for dataset in data:
            typos |= dataset.RELEASED_SPELLING
        if not {*typos} & {*names}:
            raise UserError("config key 'zeroshot.released_typo': the released code misspells none of these names")
    chosen = run.config.section(PromptConfig).prompt_names
    return [spell(typos.get(name, name), chosen) for name in names]


def check_splits(data: dict[str, PointDataset]) -> None:
    """Refuse to count a shape twice.

    Raises:
        UserError: if two splits share a file.
    """
    owner = {}
    for split, dataset in data.items():
        for file in dataset.files or ():
            if owner.setdefault(file, split) != split:
                raise UserError(f"zeroshot.splits: {file} is in '{owner[file]}' and '{split}', and would count twice")


def top_accuracies(features: Tensor, labels: Tensor, classes: Tensor) -> dict:
    """Return `accuracy`, and that of the first 3 and 5 guesses as `top3` and `top5` where there are more names."""
    ks = [k for k in TOP if k == 1 or k < len(classes)]
    found = topk_accuracy(rank_classes(features, classes, ks[-1])[1], labels, ks)
    return {**found.pop("top1"), **found}


def results_table(by_query: dict, chosen: tuple[str, str], splits: Sequence[str], classes: int) -> str:
    """Lay out top-1 of every split, and top-1, 3 and 5 of all, for each query and prompt; `chosen` gets a star."""
    tops = [k for k in TOP if k == 1 or k < classes]
    joined = "+".join(splits)
    head = splits if len(splits) > 1 else ()
    rows = [[f"accuracy in %, {classes} names (* the result)", *head, joined, *(f"{joined} top-{k}" for k in tops[1:])]]
    for query, prompts in by_query.items():
        for prompt, found in prompts.items():
            numbers = [found[split] for split in head] + [found[joined]]
            numbers += [found[joined][f"top{k}"] for k in tops[1:]]
            star = " *" * ((query, prompt) == chosen)
            title = f"{QUERIES[query]}, {PROMPTS[prompt]}{star}"
            rows.append([title, *(f"{number['accuracy']:.1f}" for number in numbers)])
    chance = [1] * len(head) + tops
    rows.append(["chance", *(f"{100 * k / classes:.1f}" for k in chance)])
    return text_table(rows)


def zeroshot_probe(run: Run, model: PointTransformerZeroShot, teacher: Teacher, dataset: PointDataset) -> dict:
    """Measure zero-shot classification once, without writing anything.

    Args:
        run: the run.
        model: from points to features.
        teacher: the text teacher in whose space these are.
        dataset: what it is measured on.

    Returns:
        See `top_accuracies`.
    """
    names = spellings(run, dataset.class_names, [dataset])
    classes = class_features(teacher, names, run.config.section(ZeroShotSettings).ensemble)
    features, labels = predict(run, model, dataset, random_columns(run, "probe"), "zero-shot")
    return top_accuracies(features, labels, classes)


def accuracies(
    run: Run,
    model: PointTransformerZeroShot,
    pairs: dict[str, tuple[Tensor, Tensor]],
    labels: dict[str, Tensor],
    prompts: dict[str, Tensor],
    chosen: tuple[str, str],
    names: Sequence[str],
) -> dict:
    """Measure every query with every kind of prompt, and log a table.

    Args:
        run: says which names were seen.
        model: combines the features of both queries.
        pairs: text features (n, text_dim) and image features (n, img_dim), by split.
        labels: (n,) positions in `names`, or -1, by split.
        prompts: features (C, text_dim) of the class names, by kind of prompt.
        chosen: the query and the kind of prompt that are the result.
        names: C names.

    Returns:
        What metrics.json tells of the result, and everything beside it under `by_query`.
    """
    joined = "+".join(labels)
    known = {split: own >= 0 for split, own in labels.items()}
    labels = {split: own[known[split]] for split, own in labels.items()}
    pairs = {split: (text[known[split]], image[known[split]]) for split, (text, image) in pairs.items()}
    if len(labels) > 1:
        texts, images = zip(*pairs.values(), strict=True)
        pairs[joined], labels[joined] = (torch.cat(texts), torch.cat(images)), torch.cat(list(labels.values()))
    by_query = {
        kind: {
            prompt: {
                split: top_accuracies(model.combine(*pair, kind), labels[split], classes)
                for split, pair in pairs.items()
            }
            for prompt, classes in prompts.items()
        }
        for kind in model.kinds
    }
    kind, prompt = chosen
    other = next(name for name in prompts if name != prompt)
    features, own = model.combine(*pairs[joined], kind), labels[joined]
    found = by_query[kind][prompt]
    results = {
        **found[joined],
        other: by_query[kind][other][joined],
        **by_class(classify(features, prompts[prompt]), own, names),
    }
    if len(found) > 1:
        results["split_accuracy"] = {split: number for split, number in found.items() if split != joined}
    counts = f"{results['correct']} of {results['total']}"
    run.log.info(f"zero-shot on {joined.replace('+', ' + ')}: {results['accuracy']:.2f} % ({counts})")
    seen = run.config.section(ZeroShotSettings).seen
    for group in ("seen", "unseen") if seen is not None else ():
        members = [i for i, name in enumerate(names) if (name in (seen or ())) == (group == "seen")]
        results[group] = part = group_accuracy(features, own, prompts[prompt], members)
        run.log.info(
            f"  {len(members)} {group} names: {part['among_all_names']['accuracy']:.2f} % among all {len(names)}, "
            f"{part['among_own_names']['accuracy']:.2f} % among their own"
        )
    splits = [split for split in found if split != joined] or [joined]
    run.log.info("\n" + results_table(by_query, chosen, splits, len(names)))
    return {**results, "by_query": by_query}


@TASKS.register("zeroshot")
class ZeroShot(Task):
    """Name the shapes of `zeroshot.splits`, and measure it where their classes are known."""

    modes = (Mode("zeroshot", "--zeroshot", "classify by class names with --ckpts, or with random weights", rank=1),)
    needs = "a zero-shot model, PointTransformerZeroShot"
    sections = {"zeroshot": ZeroShotSettings, "prompts": PromptConfig}
    aliases = {"prompt_names": "prompts"}

    @classmethod
    def accepts(cls, model: type[Trainable], args: argparse.Namespace) -> bool:
        return model.embeds == "text"

    def measure(self) -> None:
        run = self.run
        settings = run.config.section(ZeroShotSettings)
        data = {split: open_dataset(run, split) for split in settings.splits}
        check_splits(data)
        names = names_to_choose(settings.names, data)
        for name in settings.seen or ():
            if name not in names:
                close = suggestion(name, names)
                raise UserError(f"config key 'zeroshot.seen': the data set has no class '{name}'{close}")
        seeding.seed_everything(run.args.seed, "model")
        model: Any = build_model_from_cfg(run.config.model)
        if model.text_teacher is None:
            raise UserError("zero-shot classification needs a text encoder under 'model.text_encoder'")
        if run.args.ckpts:
            load_run_weights(run, model, run.args.ckpts, prepare=model.fit_to)
        else:
            run.log.warning("no --ckpts: zero-shot classification by RANDOM weights, which measures chance")
        if model.kind not in model.kinds:
            raise UserError(
                f"model.type {model.kind} adds or compares features of unlike widths: img_dim is not text_dim"
            )
        widths = (model.text_proj.out_features, model.img_proj.out_features)
        queries = run.precision.place(Queries(model))

        spelt = spellings(run, names, data.values())
        prompts = {prompt: class_features(model.text_teacher, spelt, prompt == "all_prompts") for prompt in PROMPTS}
        pairs, labels = {}, {}
        for split, dataset in data.items():
            both, own = predict(run, queries, dataset, random_columns(run, split), split)
            pairs[split] = both.split(widths, dim=1)
            # From the data set's own numbers to positions in `names`; -1 stays: not known.
            labels[split] = torch.tensor([*map(names.index, dataset.class_names), -1])[own]
        chosen = (model.kind, "all_prompts" if settings.ensemble else "one_prompt")
        rows = []
        for split, dataset in data.items():
            guesses = rank_classes(
                model.combine(*pairs[split], model.kind), prompts[chosen[1]], min(GUESSES, len(names))
            )
            rows += prediction_rows(split, dataset.files, labels[split], *guesses, names)
        if distributed.is_main():
            write_predictions(run.folder / PREDICTIONS, rows)
        run.log.info(f"{len(rows)} shapes named in {run.folder / PREDICTIONS}")

        results = {"splits": list(data), "prompts": 60 if settings.ensemble else 1}
        results |= {"type": model.kind, "ratio": model.ratio}
        if all((own < 0).all() for own in labels.values()):
            for row in rows[:SHOWN]:
                run.log.info(f"  {row[1]}: {row[3]} ({row[4]})")
            run.record(model, finished=True, metric="accuracy", last={**results, "unlabelled": len(rows)})
            return
        results |= accuracies(run, model, pairs, labels, prompts, chosen, names)
        run.record(model, finished=True, metric="accuracy", last=results)

    @classmethod
    def exhibits(cls, run: Run) -> Iterator[Exhibit]:
        settings = run.config.section(ZeroShotSettings)
        data = {split: open_dataset(run, split) for split in settings.splits}
        prompts = TEMPLATES if settings.ensemble else [ONE_PROMPT]
        yield named(run, data, run.folder / PREDICTIONS, prompts)
