"""Families of machines that wash. Rough sizes are in metres; fronts face +z."""

from __future__ import annotations

import numpy as np

from datasets.demo.families.common import Draw, Pieces, family, feet, handle, placed, rod, shell
from datasets.demo.families.forms import along, both, copies, taper
from datasets.demo.families.panels import bored, dials, keypad, plate, rack, row
from datasets.demo.mesh import Mesh, box, combine, cylinder, lathe, slab


def dishes(draw: Draw, width: float, y: float, z: float, radius: float) -> Mesh:
    """A row of plates that stand on edge."""
    plates = along(lathe([(0, 0), (0.6, 0), (1, 0.12), (0.95, 0.16), (0.6, 0.05), (0, 0.05)], 14)).turned("y", 90)
    n = draw.integer("plates", 3, 6)
    return copies(plates, row(0.38 * width, n, y + radius, z), radius, 0, draw.rng.uniform(-3, 3))


def control_strip(draw: Draw, width: float, height: float) -> Mesh:
    """Buttons, a display and perhaps a dial on a strip in z = 0."""
    n = draw.integer("buttons", 3, 7)
    keys = keypad(1, n, 0.4 * width, 0.35 * height, 0.01, draw.chance(0.4)).moved(
        draw.rng.choice([-1, 1]) * 0.22 * width
    )
    items = [keys, plate(0.18 * width, 0.4 * height, 0.006).moved(0.05 * width)]
    if draw.chance(0.4):
        items.append(dials([(0, 0, 0)], 0.32 * height, 0.03).moved(-np.sign(keys.vertices[:, 0].mean()) * 0.36 * width))
    return combine(items)


@family(
    "dishwasher",
    parts=("body", "door", "handle", "panel", "rack"),
    variants=("built in", "open", "under counter", "drawers", "countertop"),
    synonyms=("dish washer", "dishwashing machine"),
)
def dishwasher(variant: str, draw: Draw) -> Pieces:
    """Box with one large plain door, a panel above it and a plinth set back below it."""
    p = draw(
        width=(0.42, 0.66), height=(0.74, 0.95), depth=(0.5, 0.66), panel=(0.08, 0.17), kick=(0.05, 0.14),
        grip=(0.4, 0.88), inset=(0.03, 0.08), door=(0.02, 0.05), opening=(55, 90), pull=(0.15, 0.7),
    )  # fmt: skip
    w, h, d, kick, strip = p.width, p.height, p.depth, p.kick, p.panel
    if variant == "countertop":
        w, h, kick = 1.0 * w, 0.55 * h, 0.3 * kick
        strip *= 0.8
    front = d / 2
    low, top = kick, h - strip
    plinth = slab((-0.47 * w, 0.47 * w), (0, kick), (-d / 2, d / 2 - p.inset))
    if variant == "countertop":
        out: Pieces = feet(draw, 0.9 * w, 0.9 * d, kick, 0.05, 0)
    else:
        out = [(plinth, 0)]
    style = draw.integer("grip style", 0, 3)

    def grip(y: float, z: float) -> Pieces:
        if style == 0:
            return [(slab((-p.grip * w / 2, p.grip * w / 2), (y - 0.012, y + 0.012), (z, z + 0.012)), 2)]
        if style == 1:
            return [(rod((-p.grip * w / 2, y, z + 0.04), (p.grip * w / 2, y, z + 0.04), 0.012), 2),
                    (copies(box(0.02, 0.02, 0.05), row(0.46 * p.grip * w, 2, y, z + 0.02)), 2)]  # fmt: skip
        return [(handle(p.grip * w, 0.022).moved(0, y, z), 2)]

    if variant == "drawers":
        out.append((slab((-w / 2, w / 2), (low, h), (-d / 2, d / 2)), 0))
        middle = low + (h - low) * draw.rng.uniform(0.45, 0.55)
        pulled = p.pull * d * draw.chance(0.5)
        for y0, y1, move in ((low, middle, 0.0), (middle, h, pulled)):
            z = front + move
            out.append((slab((-0.49 * w, 0.49 * w), (y0 + 0.006, y1 - 0.006), (z, z + p.door)), 1))
            out += grip(y1 - 0.06, z + p.door)
            if move:
                tub = [slab((s * 0.44 * w, s * 0.45 * w), (y0 + 0.04, y1 - 0.05), (front, z)) for s in (-1, 1)]
                floor = slab((-0.44 * w, 0.44 * w), (y0 + 0.04, y0 + 0.05), (front, z))
                out.append((combine([*tub, floor]), 4))
        strip_z = front + p.door + pulled
        out.append((control_strip(draw, w, 0.04).moved(0, h - 0.02, strip_z), 3))
        return out
    door = slab((-0.49 * w, 0.49 * w), (low, top), (0, p.door))
    if variant == "open":
        out += shell((-w / 2, w / 2), (low, h), (-d / 2, front), 0.02, 0)
        leaf: Pieces = [(door.moved(0, -low), 1), *[(m.moved(0, -low), 2) for m, _ in grip(top - 0.05, p.door)]]
        leaf.append((slab((-0.49 * w, 0.49 * w), (top - low, h - low), (0, p.door)), 3))
        leaf.append((control_strip(draw, w, strip).moved(0, h - strip / 2 - low, p.door), 3))
        out += placed(leaf, 0, low, front, 0, p.opening)
        for level, slide in (
            (low + 0.05, draw.rng.uniform(0, 0.7)),
            (low + 0.52 * (h - low), draw.rng.uniform(0, 0.4)),
        ):
            move = slide * p.pull * d
            out.append((rack(0.88 * w, 0.85 * d, 0.11, 0.004).moved(0, level, move), 4))
            if draw.chance(0.7):
                out.append((dishes(draw, 0.8 * w, level + 0.01, move, 0.16 * w + 0.02), 4))
        return out
    out.append((slab((-w / 2, w / 2), (kick, h), (-d / 2, front)), 0))
    out.append((door.moved(z=front), 1))
    hidden = variant == "under counter" and draw.chance(0.6)
    out.append((slab((-0.49 * w, 0.49 * w), (top + 0.006, h - 0.004), (front, front + p.door)), 1 if hidden else 3))
    if not hidden:
        out.append((control_strip(draw, w, strip).moved(0, h - strip / 2, front + p.door), 3))
    out += grip(top - 0.05 if draw.chance(0.6) else top + 0.02, front + p.door)
    if variant == "under counter":
        over = w * draw.rng.uniform(0.02, 0.7)
        out.append((slab((-w / 2 - over, w / 2 + over), (h, h + 0.04), (-d / 2, front + 0.04)), 0))
        if over > 0.15 * w:
            sides = slab((w / 2 + 0.01, w / 2 + over), (kick, h), (-d / 2, front))
            out += [
                (both(sides), 0),
                (both(slab((w / 2 + 0.03, w / 2 + over - 0.02), (low, h - 0.02), (front, front + 0.02))), 0),
            ]
    elif draw.chance(0.5):
        out.append((slab((-w / 2, w / 2), (h, h + 0.03), (-d / 2, front + p.door)), 0))
    if variant == "countertop" and draw.chance(0.6):
        out.append((plate(0.7 * w, 0.5 * (top - low), 0.01, 0.03).moved(0, (low + top) / 2, front + p.door), 1))
    return out


def loader(draw: Draw, w: float, h: float, d: float, p, opening: float = 0.0) -> Pieces:
    """Front-loading machine on y = 0, its porthole's door opened by so many degrees."""
    strip, r = p.panel * h / 0.85, min(p.porthole * w, 0.36 * h)
    middle = draw.rng.uniform(0.44, 0.52) * (h - strip)
    depth = 0.35 * r if not opening else 0.7 * r
    body, drum = bored(w, h - strip, d, r, [(0.95 * r, -0.02), (0.85 * r, -depth)], middle - (h - strip) / 2)
    at = (0, (h - strip) / 2, d / 2)
    out: Pieces = [(body.moved(*at), 0), (drum.moved(*at), 4)]
    glass = lathe([(0.62 * r, 0), (0.6 * r, 0.02), (0.45 * r, p.bulge * r), (0, p.bulge * r * 1.3)], 24)
    ring = lathe([(0.62, 0), (1.1, 0), (1.12, 0.05), (1.0, 0.13), (0.68, 0.1), (0.62, 0.0)], 28).scaled(
        r, r * p.ring, r
    )
    grip = slab((0.88 * r, 1.04 * r), (-0.16 * r, 0.16 * r), (0.05 * r, 0.22 * r))
    side = draw.rng.choice([-1, 1])
    door: Pieces = [(along(ring), 1), (along(glass), 1), (grip.scaled(side, 1, 1), 1)]
    if opening:
        hinge = -side * 1.1 * r
        door = placed([(m.moved(-hinge), part) for m, part in door], hinge, 0, 0, -side * opening)
    out += [(m.moved(0, middle, d / 2), part) for m, part in door]
    lean = draw.rng.uniform(0, 0.06)
    panel = slab((-w / 2, w / 2), (h - strip, h), (-d / 2, d / 2))
    panel.vertices[(panel.vertices[:, 1] > h - 0.01) & (panel.vertices[:, 2] > 0), 2] -= lean
    out.append((panel, 2))
    y, z = h - strip / 2, d / 2 - lean / 2
    flip = draw.rng.choice([-1, 1])
    out.append((plate(0.28 * w, 0.7 * strip, 0.012).moved(-flip * 0.33 * w, y, z), 2))
    out.append((dials([(flip * draw.rng.uniform(0, 0.12) * w, y, z)], 0.36 * strip, 0.035), 3))
    out.append(
        (keypad(1, 4, 0.2 * w, 0.25 * strip, 0.01, draw.chance(0.5)).moved(flip * 0.34 * w, y - 0.15 * strip, z), 3)
    )
    out.append((plate(0.18 * w, 0.25 * strip, 0.006).moved(flip * 0.34 * w, y + 0.2 * strip, z), 2))
    if draw.chance(0.5):
        out.append((plate(0.2 * w, 0.08 * h, 0.008).moved(flip * 0.33 * w, 0.07 * h, d / 2), 0))
    return out


def top_loader(draw: Draw, w: float, h: float, d: float, p, opening: float = 0.0) -> Pieces:
    """Top-loading machine on y = 0 with a console at the back, its lid opened by so many degrees."""
    out: Pieces = []
    c, deep = p.console, 0.2 * d
    console = slab((-w / 2, w / 2), (h, h + c), (-d / 2, -d / 2 + deep))
    front = (console.vertices[:, 1] > h + 0.01) & (console.vertices[:, 2] > -d / 2 + 0.01)
    console.vertices[front, 2] -= 0.7 * deep * min(p.lean / 25, 1)
    out.append((console, 2))
    tilt = np.degrees(np.arctan(0.7 * deep * min(p.lean / 25, 1) / c))
    n = draw.integer("dials", 1, 3)
    knobs: Pieces = [(dials([(s, 0, 0) for s in np.linspace(-0.36, 0.36, n + 1)[1:] * w], 0.24 * c, 0.03, True), 3)]
    knobs.append((keypad(1, 5, 0.25 * w, 0.2 * c, 0.01).moved(-0.3 * w), 3))
    out += placed(knobs, 0, h + c / 2, -d / 2 + deep - 0.35 * deep * min(p.lean / 25, 1), 0, -tilt)
    lid_z = (-d / 2 + deep + 0.01, d / 2 - 0.02)
    length, wide = lid_z[1] - lid_z[0], draw(lid=(0.72, 0.97)).lid * w
    if opening:
        r = 0.38 * min(w, length)
        middle = (lid_z[0] + lid_z[1]) / 2
        tub, drum = bored(w, d, h, r, [(0.95 * r, -0.03), (0.9 * r, -0.55 * h), (0.3 * r, -0.55 * h)], -middle)
        out += [(tub.turned("x", -90).moved(0, h), 0), (drum.turned("x", -90).moved(0, h), 4)]
        out.append((cylinder(0.25 * r, 0.5 * h, 12).moved(0, 0.4 * h, middle), 4))
    else:
        out.append((slab((-w / 2, w / 2), (0.03, h), (-d / 2, d / 2)), 0))
        out += feet(draw, w, d, 0.03, 0.05, 0)
    lid: Pieces = [(slab((-wide / 2, wide / 2), (0, 0.025), (0, length)), 1)]
    if draw.chance(0.5):
        lid.append((slab((-0.35 * wide, 0.35 * wide), (0.02, 0.03), (0.15 * length, 0.8 * length)), 1))
    lid.append((slab((-0.12 * wide, 0.12 * wide), (0.005, 0.03), (length, length + 0.02)), 1))
    return out + placed(lid, 0, h, lid_z[0], 0, -opening)


@family(
    "washer",
    parts=("body", "door", "panel", "knobs", "drum"),
    variants=("front loader", "top loader", "open front loader", "open top loader", "stacked", "pair", "twin tub"),
    synonyms=("washing machine", "clothes washer", "laundry machine"),
)
def washer(variant: str, draw: Draw) -> Pieces:
    """Washing machine with a porthole or a lid, alone or with its dryer."""
    p = draw(
        width=(0.5, 0.74), height=(0.78, 1.08), depth=(0.45, 0.78), panel=(0.09, 0.17), porthole=(0.24, 0.38),
        ring=(0.5, 1.3), bulge=(-0.15, 0.25), console=(0.1, 0.24), lean=(0, 25), opening=(60, 125),
    )  # fmt: skip
    w, h, d = p.width, p.height, p.depth
    if variant == "front loader":
        return [*placed(loader(draw, w, h, d, p), y=0.02), *feet(draw, w, d, 0.02, 0.06, 0)]
    if variant == "open front loader":
        return loader(draw, w, h, d, p, p.opening)
    if variant == "top loader":
        return top_loader(draw, w, h, d, p)
    if variant == "open top loader":
        return top_loader(draw, w, h, d, p, 0.8 * p.opening)
    state = draw.rng.bit_generator.state
    make = loader if variant == "stacked" or draw.chance(0.6) else top_loader
    if variant == "twin tub":
        body = taper(box(1.35 * w, h, 0.85 * d).moved(0, h / 2), 1, 0.95)
        out: Pieces = [(body, 0), *feet(draw, 1.3 * w, 0.85 * d, 0.02, 0.06, 0)]
        lid = draw(tub=(0.6, 0.76), lid=(0.45, 0.62))
        for x, share in ((-0.28, lid.tub), (0.36, 0.5)):
            out.append((plate(share * w, lid.lid * d, 0.03, 0.04).turned("x", -90).moved(x * w * 1.1, h, 0.08 * d), 1))
            out.append((handle(0.2 * w, 0.02).turned("x", -90).moved(x * w * 1.1, h + 0.03, 0.25 * d), 1))
        console = taper(slab((-0.67 * w, 0.67 * w), (h, h + p.console), (-0.42 * d, -0.24 * d)), 1, 0.6)
        out += [(console, 2), (dials(row(0.48 * w, 3, h + p.console / 2, -0.26 * d), 0.22 * p.console, 0.04, True), 3)]
        return out
    first = make(draw, w, h, d, p)
    draw.rng.bit_generator.state = state
    make = loader if variant == "stacked" or draw.chance(0.6) else top_loader
    second = make(draw, w, h, d, p)
    if variant == "stacked":
        return [*first, *placed(second, y=h + 0.01)]
    gap = draw.rng.uniform(0.505, 0.56) * w
    return [*placed(first, x=-gap), *placed(second, x=gap)]
