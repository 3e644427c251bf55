"""Captions of shapes: style, colour, material, count and part words, true of the mesh and of its palette."""

from __future__ import annotations

import colorsys
import re
from typing import NamedTuple

import numpy as np

from datasets.demo.effects import pieces_of
from datasets.demo.families.common import FAMILIES
from datasets.demo.kinds import MANY, NOT_IN, NOUNS, SAID_AS, SEVERAL, names_of
from datasets.demo.mesh import Mesh, cross
from datasets.demo.render import draw_palette
from utils.prompts import TEMPLATES

NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
OPENINGS = [
    "{}",
    "{}",
    "a photo of {}",
    "a picture of {}",
    "a 3D model of {}",
    "a rendering of {}",
    "a CAD model of {}",
]
# The 60 prompts' beginnings; their endings tell of a background that renders do not have.
BEGINNINGS = [*dict.fromkeys(re.sub(r"\ba (?=\{)|^A (?=\{)", "", t).replace("A image", "An image")
                             for t in TEMPLATES if t.endswith("{}."))]  # fmt: skip
PART_WORDS = {
    "content": ("contents",),
    "wing": ("wings",),
    "arms": ("arms", "armrests"),
    "back": ("back", "backrest"),
    "lid": ("lid", "cover"),
}
# Of these a thing has one; several in a mesh are layers of it, or several things.
ONE = set("seat headboard lid back neck screen stand rim entrance crest tank trigger barrel blade bowl mattress stock "
          "nose deck spout head mast chimney canopy visor brim bridge lens shaft tail cab pendulum cable flag "
          "magazine dial".split())  # fmt: skip
MASS = {"hair", "paper", "content", "contents", "clothes", "keys", "landing gear"}  # are not counted
FEWEST_TWO = {"wheel", "window"}  # touch each other where one is counted
UNSAID = {
    "console",
    "cabinet",
    "gear",
    "body",
    "frame",
    "things",
    "trim",
    "panels",
    "sides",
    "edge",
    "base",
    "top",
    "fronts",
    "leaf",
    "tub",
    "cushion",
    "case",
    "extras",
    "detail",
    "face",
    "wall",
    "cone",
    "hull",
    "shell",
    "torso",
    "cushions",
    "cups",
    "canvas",
    "glass",
    "fabric",
    "floor",
    "head",
}


class Material(NamedTuple):
    """What a thing is made of: its words, and ranges (low, high) of hue, saturation and value in 0..1."""

    words: tuple[str, ...]
    hue: tuple[float, float]
    saturation: tuple[float, float]
    value: tuple[float, float]


MATERIALS = {
    "wood": Material(("wooden", "wood"), (0.055, 0.1), (0.4, 0.8), (0.3, 0.8)),
    "metal": Material(("metal", "steel"), (0.5, 0.65), (0.0, 0.1), (0.4, 0.85)),
    "plastic": Material(("plastic",), (0.0, 1.0), (0.5, 1.0), (0.5, 1.0)),
    "paint": Material(("painted",), (0.0, 1.0), (0.2, 0.9), (0.4, 1.0)),
    "fabric": Material(("fabric", "cloth"), (0.0, 1.0), (0.15, 0.6), (0.3, 0.9)),
    "leather": Material(("leather",), (0.03, 0.08), (0.4, 0.8), (0.15, 0.6)),
    "ceramic": Material(("ceramic", "porcelain"), (0.0, 1.0), (0.0, 0.3), (0.75, 1.0)),
    "clay": Material(("clay", "terracotta"), (0.03, 0.06), (0.5, 0.75), (0.55, 0.85)),
    "glass": Material(("glass",), (0.45, 0.58), (0.08, 0.3), (0.75, 1.0)),
    "cardboard": Material(("cardboard",), (0.08, 0.11), (0.3, 0.5), (0.55, 0.85)),
    "stone": Material(("stone", "concrete"), (0.08, 0.15), (0.0, 0.1), (0.45, 0.95)),
}
MATERIAL_WORDS = {word for material in MATERIALS.values() for word in material.words}
MATERIAL_WORDS |= {"enamel", "iron", "log", "mesh", "paper", "tin", "wicker", "wire"}
# Of what families are made; those that are not here, of wood, metal, plastic or paint.
_MADE_OF = {
    "fabric leather": ("sofa", "pillow", "bag"),
    "fabric": ("tent", "cap", "curtain"),
    "wood metal fabric leather plastic": ("chair", "stool"),
    "wood metal fabric": ("bed",),
    "ceramic glass clay metal": ("vase", "bowl", "mug", "cup", "jar"),
    "glass plastic": ("bottle",),
    "glass metal": ("glass box",),
    "ceramic metal stone": ("sink", "bathtub"),
    "ceramic": ("toilet",),
    "clay ceramic plastic": ("flower pot",),
    "cardboard wood plastic": ("box",),
    "stone wood metal": ("stairs", "mantel", "tower"),
    "wood paint": (
        "bench",
        "birdhouse",
        "bookshelf",
        "cabinet",
        "dresser",
        "night stand",
        "tv stand",
        "guitar",
        "piano",
        "wardrobe",
    ),
    "metal paint": ("airplane", "bus", "car", "motorbike", "rocket", "train"),
    "metal plastic": (
        "camera",
        "can",
        "display",
        "earphone",
        "keyboard",
        "laptop",
        "microwave",
        "printer",
        "stove",
        "washer",
    ),
    "metal": ("faucet", "dishwasher", "file cabinet", "knife", "range hood"),
    "plastic": ("cellphone", "cone", "remote", "xbox", "radio", "telephone", "microphone"),
    "plastic metal paint": ("helmet",),
    "wood metal": ("rifle", "pistol", "mailbox", "clock"),
    "wood plastic": ("loudspeaker", "skateboard"),
    "wood metal plastic": ("basket",),
    "paint wood metal": ("watercraft",),
    "": ("person", "plant"),
}
MADE_OF = {family: materials.split() for materials, families in _MADE_OF.items() for family in families}
USUAL = ["wood", "metal", "plastic", "paint"]


def main_part(mesh: Mesh) -> int:
    """The part with the largest surface, whose colour is that of the whole."""
    corner = mesh.triangles
    double = cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    return int(np.bincount(mesh.part, np.sqrt((double**2).sum(1))).argmax())


def draw_style(category: str, mesh: Mesh, rng: np.random.Generator) -> tuple[str | None, np.ndarray]:
    """Draw of what a shape is made, and colours that fit.

    Args:
        category: the family that made it.
        mesh: of which the main part is made so; other parts may have other colours.
        rng: draws both.

    Returns:
        One of `MATERIALS`, or None where things of the family are of no material; (parts, 3) RGB in 0..1.
    """
    count, materials = int(mesh.part.max()) + 1, MADE_OF.get(category, USUAL)
    if not materials:
        return None, draw_palette(count, None, rng)
    kind = materials[rng.integers(len(materials))]
    material = MATERIALS[kind]
    hsv = [float(rng.uniform(*bounds)) for bounds in (material.hue, material.saturation, material.value)]
    color = colorsys.hsv_to_rgb(*hsv)
    palette = draw_palette(count, color, rng)
    palette[main_part(mesh)] = color
    return kind, palette


def color_name(rgb: np.ndarray) -> str:
    """Name an RGB colour, values in 0..1, in one or two words."""
    hue, saturation, value = colorsys.rgb_to_hsv(*map(float, rgb))
    if value < 0.2:
        return "black"
    if saturation < 0.12:
        return "white" if value > 0.85 else "light grey" if value > 0.65 else "grey" if value > 0.4 else "dark grey"
    degrees = hue * 360
    if 15 <= degrees < 50 and (value < 0.7 or saturation < 0.6):
        name = "beige" if saturation < 0.4 and value > 0.65 else "brown"
    elif degrees < 15 or degrees >= 345:
        name = "pink" if saturation < 0.5 and value > 0.7 else "red"
    else:
        ends = (42, "orange"), (68, "yellow"), (160, "green"), (195, "turquoise"), (255, "blue"), (300, "purple")
        name = next((name for end, name in ends if degrees < end), "pink" if value > 0.5 else "purple")
    if name in ("beige", "pink"):
        return name
    if value < 0.42:
        return f"dark {name}"
    return f"light {name}" if value > 0.8 and saturation < 0.45 else name


def count_parts(mesh: Mesh, names: list[str]) -> dict[str, int | None]:
    """Count what a mesh has of each part.

    Pieces whose bounding boxes touch are one thing.

    Args:
        mesh: a shape.
        names: of its parts, by number.

    Returns:
        {name: count} of the parts that are there; None where the things differ too much in size to be counted.
    """
    piece, corners = pieces_of(mesh), mesh.triangles
    starts = np.flatnonzero(np.diff(piece, prepend=-1))
    low, high = np.minimum.reduceat(corners.min(1), starts), np.maximum.reduceat(corners.max(1), starts)
    part, counts = mesh.part[starts], {}
    for number in np.unique(part).tolist():
        own_low, own_high = low[part == number], high[part == number]
        if len(own_low) > 64:
            counts[names[number]] = None
            continue
        apart = np.maximum(own_low[:, None], own_low) > np.minimum(own_high[:, None], own_high) + 1e-4
        touch, group = ~apart.any(2), np.arange(len(own_low))
        while (smallest := np.where(touch, group, len(group)).min(1)).tolist() != group.tolist():
            group = smallest
        size = [np.linalg.norm(own_high[group == k].max(0) - own_low[group == k].min(0)) for k in np.unique(group)]
        alike = max(size) < 1.35 * min(size)
        counts[names[number]] = len(size) if alike and len(size) < len(NUMBERS) else None
    return counts


def describe(
    name: str,
    variant: str,
    mesh: Mesh,
    parts: list[str],
    palette: np.ndarray,
    material: str | None,
    rng: np.random.Generator,
    kind: bool = False,
) -> str:
    """Say what a shape is, without an article: "dark red wooden chair with four legs and armrests".

    Args:
        name: what to call it.
        variant: of its family.
        mesh: the shape.
        parts: names of its parts, by number.
        palette: (P, 3) RGB in 0..1, of the parts.
        material: one of `MATERIALS`.
        rng: draws what is said of all that could be.
        kind: the name tells the variant already: a soda can is a drink can.
    """
    say_color, say_material, say_variant, say_parts, say_lack = rng.random(5) < (0.65, 0.45, 0.35, 0.6, 0.15)
    words, ends, own = [name], [], color_name(palette[main_part(mesh)])
    phrase, follows = variant_words("" if kind else variant)
    several = variant if say_variant and variant in SEVERAL and not kind else ""
    if several:
        words = [plural_of(name)]
    elif say_variant and phrase and phrase.lower() != name.lower() and phrase not in name:
        if follows:
            ends.append(phrase)
        elif phrase in NOUNS or phrase.endswith(name):  # a handbag is a bag
            words = [phrase]
        else:
            words.insert(0, phrase)
    named = MATERIAL_WORDS & {*name.split(), *variant.split()}
    if say_material and material is not None and not named:
        options = MATERIALS[material].words
        word = options[rng.integers(len(options))]
        words = [word, *words] if word not in name else words
    if say_color:
        words.insert(0, own)
    counts = count_parts(mesh, parts)
    if variant in MANY:
        counts = dict.fromkeys(counts)
    told = [part for part in counts if part not in UNSAID and part not in f"{variant} {name}"]
    told = [part for part in told if (variant, part) not in NOT_IN]
    if say_parts and told:
        for part in rng.permutation(told)[: 1 + int(rng.random() < 0.4)].tolist():
            ends.append(_part_words(part, counts[part], color_name(palette[parts.index(part)]), own, rng))
    text = f"{several} of {' '.join(words)}" if several else " ".join(words)
    if ends and ends[0].startswith(("on ", "in ", "between ")):
        text += f" {ends.pop(0)}"
    if ends:
        ends[0] = ends[0].removeprefix("with ")
        text += (" and " if " with " in text else " with ") + " and ".join(
            filter(None, [", ".join(ends[:-1]), ends[-1]])
        )
    lacking = [part for part in parts if part not in counts and part not in {*UNSAID, "boards", "cab"}]
    lacking = [part for part in lacking if part not in f"{variant} {name}"]
    if say_lack and lacking and " with " not in text:
        part = lacking[rng.integers(len(lacking))]
        text += f" without {part if part in MASS else with_article(part)}"
    return text


def _part_words(part: str, count: int | None, color: str, own: str, rng: np.random.Generator) -> str:
    """Words for a part: "four black legs", "armrests", "a handle"."""
    options = PART_WORDS.get(part, (part,))
    word = options[rng.integers(len(options))]
    single = part in ONE and word != plural_of(word)
    count = 1 if single else None if part in FEWEST_TWO and count == 1 else count
    if count != 1 and part not in MASS:
        word = plural_of(word)
    plural = word == plural_of(word)
    if color != own and rng.random() < 0.5:
        word = f"{color} {word}"
    if count is not None and count > 1 and part not in MASS and rng.random() < 0.8:
        return f"{NUMBERS[count]} {word}"
    return word if plural or part in MASS or count != 1 else with_article(word)


def plural_of(word: str) -> str:
    """Several of a thing; what ends in s is mostly plural already."""
    for single, several in {"foot": "feet", "shelf": "shelves", "leaf": "leaves", "knife": "knives"}.items():
        if word.endswith((single, several)):
            return word.removesuffix(several).removesuffix(single) + several
    if is_plural(word):
        return word
    if word.endswith("ry"):
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("s", "x", "sh", "ch")) else "s")


def is_plural(phrase: str) -> bool:
    """Whether the noun of a phrase is a plural: "red stairs with a rail", but not "bus" or "chest of drawers"."""
    word = re.split(r" (?:with|without|of|on|in|between) ", phrase)[0]
    return word.endswith(("s", "people", "feet")) and not word.endswith(("ss", "us", "lens", "canvas"))


def variant_words(variant: str) -> tuple[str, bool]:
    """Words for a structural variant, and whether they follow the name: "with doors", or precede it: "bunk"."""
    if variant in ("mixed", "single", "standard", "simple", "classic", *SEVERAL):
        return "", False
    phrase = SAID_AS.get(variant, variant)
    if phrase.startswith(("with ", "on ", "in ", "between ")):
        return phrase, True
    if phrase not in NOUNS and is_plural(phrase) and phrase != "sports":  # of cars
        return f"with {phrase}", True
    return phrase, False


def with_article(phrase: str) -> str:
    """Put "a" or "an" before a phrase, unless it is a plural."""
    if is_plural(phrase):
        return phrase
    vowel = phrase[0].lower() in "aeiou" and not phrase.startswith(("U-", "ukulele", "urinal", "one"))
    return f"{'an' if vowel or phrase.startswith(('hour', 'L-', 'X-', 'xbox')) else 'a'} {phrase}"


def in_prompt(name: str, rng: np.random.Generator) -> str:
    """Make a whole text of a name: one of the 60 prompts, or another beginning."""
    if rng.random() < 0.5:
        return TEMPLATES[rng.integers(len(TEMPLATES))].format(name)
    return OPENINGS[rng.integers(len(OPENINGS))].format(with_article(name))


def in_caption(phrase: str, rng: np.random.Generator) -> str:
    """Make a whole caption of a phrase without an article."""
    if rng.random() < 0.5:
        text = BEGINNINGS[rng.integers(len(BEGINNINGS))].format(with_article(phrase))
        return text[0].upper() + text[1:]
    return OPENINGS[rng.integers(len(OPENINGS))].format(with_article(phrase))


def draw_name(category: str, variant: str, own: str, rng: np.random.Generator) -> str:
    """One of the names of a shape: the data set's own in half of all cases, or a synonym that fits the variant."""
    names = names_of(category, variant, FAMILIES[category].synonyms)
    return names[rng.integers(len(names))] if names and rng.random() < 0.5 else own.replace("_", " ")
