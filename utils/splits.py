"""Drawing what is held out: by class, whole objects, seeded by a key."""

from collections.abc import Sequence

import numpy as np
import torch

from utils.seeding import generator, stable_seed


def hold_out(
    labels: np.ndarray, share: float, *key: int | str, objects: np.ndarray | None = None, stretches: bool = False
) -> np.ndarray:
    """Draw samples to hold out: the same share of every class.

    Args:
        labels: (M,) whole numbers, of the samples.
        share: of the samples, between 0 and 1.
        key: of the draw.
        objects: (M,) whole numbers; samples of one object, which are of one class, stay together. None: each sample is
            an object of its own.
        stretches: take samples of a class which follow each other, instead of drawing each.

    Returns:
        Their indices, in order; there may be none.
    """
    _, first, unit = np.unique(np.arange(len(labels)) if objects is None else objects, True, True)
    draw, own = generator("cpu", *key), labels[first]
    classes, sizes = np.unique(own, return_counts=True)
    counts = np.floor(share * sizes).astype(int)
    # What rounding down leaves goes to the classes that lost most by it, in a drawn order where they lost alike.
    lost, drawn = share * sizes - counts, torch.rand(len(classes), generator=draw).numpy()
    counts[np.lexsort((drawn, -lost))[: int(share * len(own) + 0.5) - counts.sum()]] += 1
    held = np.zeros(len(own), bool)
    for label, count in zip(classes, counts, strict=True):
        members = np.flatnonzero(own == label)
        if stretches:
            begin = int(torch.randint(len(members) - count + 1, (), generator=draw))
            held[members[begin : begin + count]] = True
        else:
            held[members[torch.randperm(len(members), generator=draw).numpy()[:count]]] = True
    return np.flatnonzero(held[unit])


def halves(labels: Sequence[int] | np.ndarray, names: Sequence[str], *key: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two halves of every class; the first one is the larger where a class has an odd number of samples.

    In which half a sample is depends on the name of its class, its place among the samples of this class and the key,
    not on other classes.

    Args:
        labels: (M,) whole numbers.
        names: of the classes; an underscore and a space are the same.
        key: of the draw; none, or zeros only, stands for the halves that pages of results are about.

    Returns:
        The indices of both, each in order.
    """
    labels, parts = np.asarray(labels), ([], [])
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        seed = stable_seed("halves", names[int(label)].replace(" ", "_"), *(key if any(key) else ()))
        order = members[np.random.default_rng(seed).permutation(len(members))]
        middle = (len(members) + 1) // 2
        parts[0].append(order[:middle])
        parts[1].append(order[middle:])
    first, second = (np.sort(np.concatenate(part)) for part in parts)
    return first, second
