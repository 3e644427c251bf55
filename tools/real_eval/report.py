"""Results in Markdown, and as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.benchmark.robustness import FEEDS
from tools.real_eval.measure import FEWEST_FOR_SVM, Names
from tools.report.tables import markdown_table
from utils.metrics import hit_rate

RANDOM = "random weights"
MISTAKES = 3  # names that a class is mistaken for, the most frequent ones
Results = Mapping[str, Mapping[str, Any]]


def _share(found: Mapping[str, Any]) -> str:
    return f"{found['correct']}/{found['total']} ({found['accuracy']:.1f})"


def _spread(found: Mapping[str, Any] | None) -> str:
    return "-" if found is None else f"{found['mean']:.1f} +- {found['std']:.1f}"


def zeroshot_table(results: Results, names: Names) -> str:
    """Zero-shot of each checkpoint: over all names, of seen and of unseen ones, each in counts and (in %)."""
    rows = [["right/of (in %)", f"all {len(names.plain)} names", "top-3", "top-5", "seen names", "unseen names"]]
    rows[0] += ["seen, among themselves", "unseen, among themselves"]
    for name, found in results.items():
        for key, told in (("zeroshot", ""), ("with_synonyms", ", with synonyms")):
            if key not in found:
                continue
            own = found[key]
            tops = [_share(own[top]) if top in own else "-" for top in ("top3", "top5")]
            groups = [own[group] for group in ("seen", "unseen")]
            apart = [f"{group['classes']}: {_share(group)}" for group in groups]
            among = [_share(group["among_own_names"]) for group in groups]
            rows.append([name + told, _share(own), *tops, *apart, *among])
    return markdown_table(rows)


def features_table(results: Results) -> str:
    """Nearest neighbour, linear SVM and few-shot of each checkpoint, in %."""
    first = next(iter(results.values()))
    svm = first["svm"]
    told = f"linear SVM, {svm['classes']} classes, {svm['shapes']} shapes" if svm else "linear SVM"
    rows = [["in %", "nearest neighbour, right/of (in %)", told, *first["few_shot"]]]
    for name, found in results.items():
        shots = [_spread(own) for own in found["few_shot"].values()]
        rows.append([name, _share(found["nearest_neighbor"]), _spread(found["svm"]), *shots])
    return markdown_table(rows)


def points_table(results: Results) -> str:
    """Accuracy in % against the number of points given, and what of that of most points is left at fewest."""
    counts = list(next(iter(results.values()))["points"]["fed"])
    rows = [["in %, points", *counts, f"{counts[0]} over {counts[-1]}"]]
    for name, found in results.items():
        for metric, title in (("zeroshot", "zero-shot"), ("nearest_neighbor", "nearest neighbour")):
            for feed, told in FEEDS.items():
                own = [row[metric]["accuracy"] for row in found["points"][feed].values() if metric in row]
                if own:
                    label = f"{name}, {title}, {told}" + (f" ({found['npoints']})" if feed == "sampled" else "")
                    ratio = f"{own[0] / own[-1]:.2f}" if own[-1] else "-"
                    rows.append([label, *(f"{value:.1f}" for value in own), ratio])
    return markdown_table(rows)


def class_table(found: Mapping[str, Any], names: Names) -> str:
    """How many shapes of each class are named right, what the others are taken for, and 1-NN beside."""
    rows = [["class", "seen", "zero-shot, right/of", "mistaken for", "nearest neighbour, right/of"]]
    own, neighbor = found.get("zeroshot"), found["nearest_neighbor"]
    for name in names.plain:
        near = neighbor["class_accuracy"].get(name) or hit_rate(0, 0)
        right, wrong = "-", ""
        if own and name in own["class_accuracy"]:
            right = "{correct}/{total}".format(**own["class_accuracy"][name])
            others = [(other, count) for other, count in own["confusion"][name].items() if other != name]
            wrong = ", ".join(f"{other} {count}" for other, count in others[:MISTAKES])
        rows.append([name, "yes" if name in found["seen"] else "no", right, wrong, "{correct}/{total}".format(**near)])
    return markdown_table(rows)


def markdown(results: Results, names: Names, folder: str) -> str:
    """Lay out everything that `measure` found of several checkpoints."""
    shapes = next(iter(results.values()))["shapes"]
    parts = [f"# {shapes} shapes of {len(names.plain)} classes in {folder}"]
    notes = []
    for name, found in results.items():
        if found.get("unread"):
            words = ", ".join(found["unread"])
            notes.append(f"{name}: its text teacher never read {words}; their shapes count all the same")
        if "zeroshot" not in found:
            notes.append(f"{name}: no zero-shot, its weights have no features in the space of texts")
    skipped = [kind for kind, own in next(iter(results.values()))["few_shot"].items() if own is None]
    if skipped:
        notes.append(f"too few shapes for {', '.join(skipped)}")
    parts += ["\n".join(f"* {note}." for note in notes)] if notes else []
    if any("zeroshot" in found for found in results.values()):
        parts += ["## Zero-shot", zeroshot_table(results, names)]
    halves = (
        f"The SVM is fitted to half of the shapes of classes with at least {FEWEST_FOR_SVM}, and tested on the rest."
    )
    parts += ["## Features", halves, features_table(results)]
    parts += ["## Number of points given", points_table(results)]
    for name, found in results.items():
        if name == RANDOM:
            continue
        parts += [f"## Classes: {name}", class_table(found, names)]
    return "\n\n".join(parts) + "\n"


def draw_confusion(table: Mapping[str, Mapping[str, int]], names: Names, seen: Sequence[str], path: Path) -> None:
    """Draw how often which name (column) is chosen for a class (row); `seen` ones first."""
    from tools.visualize.figures import HEAT, plt

    chosen = sorted(names.plain, key=lambda name: (name not in seen, name))
    counts = np.array([[table.get(truth, {}).get(name, 0) for name in chosen] for truth in chosen])
    totals = counts.sum(1)
    side = 2.5 + 0.26 * len(chosen)
    figure, axes = plt.subplots(figsize=(side + 0.6, side), layout="constrained")
    share = 100 * counts / np.maximum(totals, 1)[:, None]
    picture = axes.imshow(share, cmap=HEAT, vmin=0, vmax=100)
    for row, column in zip(*counts.nonzero(), strict=True):
        color = "white" if share[row, column] > 50 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=6, color=color)
    axes.set_xticks(range(len(chosen)), chosen, rotation=90, fontsize=8)
    labels = [f"{name} ({total})" for name, total in zip(chosen, totals, strict=True)]
    axes.set_yticks(range(len(chosen)), labels, fontsize=8)
    title = "zero-shot"
    if 0 < len(seen) < len(chosen):
        title = "zero-shot: seen names first, unseen ones below and right of the line"
        for line in (axes.axhline, axes.axvline):
            line(len(seen) - 0.5, color="gray", linewidth=0.8)
    axes.set(xlabel="chosen", ylabel="class (shapes)", title=title)
    figure.colorbar(picture, label="% of the class", shrink=0.6)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_points(results: Results, path: Path) -> None:
    """Draw accuracy against the number of points given: zero-shot on the left, nearest neighbour on the right."""
    from tools.visualize.figures import COLORS, MARKERS, plt

    figure, both = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
    titles = (("zeroshot", "zero-shot"), ("nearest_neighbor", "nearest neighbour"))
    for axes, (metric, title) in zip(both, titles, strict=True):
        for number, (name, found) in enumerate(results.items()):
            style = {"color": COLORS[number % len(COLORS)], "marker": MARKERS[number % len(MARKERS)]}
            for feed, line in (("fed", "--"), ("sampled", "-")):
                rows = found["points"][feed]
                own = {count: row[metric]["accuracy"] for count, row in rows.items() if metric in row}
                if own:
                    axes.plot(list(own), list(own.values()), line, label=f"{name}, {FEEDS[feed]}", **style)
        counts: Sequence[int] = list(next(iter(results.values()))["points"]["fed"])
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set(xlabel="points given", ylabel="accuracy in %", ylim=(0, 100), title=title)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)
