"""Structural variants in words: names that fit some of them only (no tote is a suitcase), and how they are said."""

from __future__ import annotations

# {category: {name: variants, separated by commas}}; other synonyms of a family fit all of its variants.
KINDS = {
    "bag": {"handbag": "handbag", "purse": "handbag, clutch", "backpack": "backpack", "rucksack": "backpack",
            "shopping bag": "shopping", "suitcase": "suitcase", "briefcase": "briefcase"},
    "basket": {"wicker basket": "wicker, oval", "laundry basket": "laundry", "hamper": "laundry, picnic",
               "shopping basket": "shopping", "wire basket": "wire", "bread basket": "oval",
               "shopping trolley": "trolley"},
    "bed": {"double bed": "double, padded", "bedstead": "metal, sleigh, four-poster", "bunk bed": "bunk",
            "cot": "crib"},
    "bench": {"park bench": "park, cast iron", "garden bench": "park, slab", "pew": "pew"},
    "birdhouse": {"bird feeder": "feeder", "birdfeeder": "feeder"},
    "bottle": {"glass bottle": "wine, beer, champagne, spirits, decanter", "plastic bottle": "plastic, water, cola",
               "flask": "flask"},
    "bowl": {"dish": "dish, oval", "mixing bowl": "round, conical", "salad bowl": "flared, lobed",
             "soup bowl": "handled"},
    "box": {"cardboard box": "flaps, taped, full", "carton": "flaps, taped, full", "crate": "crate, tote",
            "chest": "chest",
            "toolbox": "toolbox"},
    "bus": {"coach": "coach", "school bus": "school", "double-decker bus": "double decker", "minibus": "minibus"},
    "cabinet": {"cupboard": "doors, kitchen, tall, cupboard with hutch", "sideboard": "sideboard, media",
                "credenza": "sideboard, media"},
    "camera": {"digital camera": "compact, reflex", "webcam": "webcam", "camcorder": "camcorder",
               "security camera": "security"},
    "can": {"tin can": "food tin", "tin": "food tin", "beer can": "drink can", "soda can": "drink can",
            "watering can": "watering can"},
    "cap": {"baseball cap": "baseball", "beanie": "beanie", "cowboy hat": "brimmed", "fedora": "brimmed",
            "top hat": "top hat", "beret": "beret"},
    "car": {"minivan": "minibus, van", "convertible": "convertible", "limousine": "limousine", "racing car": "racing",
            "pickup truck": "pickup", "taxi": "taxi", "police car": "police"},
    "cellphone": {"smartphone": "smartphone"},
    "chair": {"armchair": "block, wing, tub, lounge", "side chair": "four legs, X legs", "dining chair": "four legs",
              "easy chair": "block, wing, lounge", "wheelchair": "wheelchair", "rocking chair": "rocking",
              "deckchair": "deck", "throne": "throne"},
    "clock": {"grandfather clock": "grandfather", "alarm clock": "alarm, digital", "wall clock": "wall, sunburst",
              "cuckoo clock": "cuckoo"},
    "cone": {"traffic cone": "traffic, stack, row, collapsible", "road cone": "traffic, row",
             "pylon": "traffic, delineator",
             "party hat": "party", "ice cream cone": "icecream"},
    "cup": {"teacup": "tea cup", "wine glass": "goblet", "goblet": "goblet", "tumbler": "tumbler",
            "drinking glass": "tumbler", "paper cup": "paper cup"},
    "curtain": {"window blind": "roman", "roman shade": "roman", "curtains": "pair, closed, cafe, tied back, swags",
                "drapes": "pair, closed, tied back, swags"},
    "desk": {"writing desk": "bureau, panel", "office desk": "pedestal, two pedestals, executive",
             "computer desk": "workplace, corner", "work table": "standing, on stand"},
    "display": {"monitor": "monitor, curved, with speakers", "computer monitor": "monitor, curved",
                "television": "television, crt, old television, rear projection, portable set, flat panel",
                "television set": "crt, old television, rear projection, portable set", "tv": "television, flat panel"},
    "dresser": {"tallboy": "tallboy", "highboy": "tallboy", "chiffonier": "tallboy"},
    "earphone": {"headphones": "over ear, on ear", "headphone": "over ear, on ear", "headset": "headset",
                 "earphones": "earbuds, neckband, wireless buds", "earpiece": "earbuds, wireless buds"},
    "faucet": {"spigot": "garden tap", "water tap": "garden tap, wall", "mixer tap": "single lever, block"},
    "file cabinet": {"file drawer": "open drawer", "drawer pedestal": "pedestal"},
    "glass box": {"aquarium": "aquarium", "fish tank": "aquarium", "terrarium": "terrarium", "vitrine": "vitrine",
                  "display case": "display case, counter", "showcase": "vitrine, counter"},
    "guitar": {"acoustic guitar": "acoustic, cutaway, jumbo", "bass guitar": "bass", "ukulele": "ukulele",
               "electric guitar": "electric, flying, double cut, single cut, explorer", "banjo": "banjo"},
    "helmet": {"motorcycle helmet": "full face", "crash helmet": "full face", "bike helmet": "bicycle",
               "hard hat": "hard hat", "football helmet": "football"},
    "jar": {"mason jar": "mason", "glass jar": "mason, jam", "cookie jar": "cookie", "ginger jar": "ginger",
            "jam jar": "jam"},
    "keyboard": {"keypad": "number pad", "typewriter": "typewriter"},
    "knife": {"dagger": "dagger", "sword": "dagger", "cleaver": "cleaver", "pocketknife": "pocket",
              "kitchen knife": "kitchen", "combat knife": "combat"},
    "lamp": {"table lamp": "table, drum", "floor lamp": "floor, arc, uplight, reading", "lampshade": "pendant",
             "chandelier": "chandelier", "lantern": "lantern", "street light": "street"},
    "mailbox": {"pillar box": "pillar"},
    "motorbike": {"motor scooter": "scooter", "moped": "scooter", "chopper": "cruiser", "dirt bike": "dirt bike"},
    "mug": {"coffee cup": "espresso, teacup, latte", "coffee mug": "straight, rounded, tapered, barrel, enamel",
            "tea mug": "rounded, barrel"},
    "piano": {"grand piano": "grand, baby grand, concert grand", "upright piano": "upright, spinet, cottage, player"},
    "pillow": {"bed pillow": "seamed, pair", "throw pillow": "seamed, tufted, ruffled"},
    "pistol": {"revolver": "revolver", "blaster": "blaster"},
    "printer": {"copier": "copier", "photocopier": "copier", "office printer": "laser, copier, all in one"},
    "rifle": {"assault rifle": "assault", "shotgun": "shotgun", "sniper rifle": "sniper", "machine gun": "machine gun",
              "musket": "musket", "carbine": "bolt action"},
    "rocket": {"missile": "missile, lying missile", "spaceship": "shuttle, stubby", "bomb": "bomb"},
    "sink": {"kitchen sink": "drainer, double, butler, counter", "washstand": "bowl on cabinet, vanity",
             "washbasin": "pedestal, half pedestal, wall, corner", "wash basin": "pedestal, half pedestal, wall"},
    "skateboard": {"longboard": "longboard, drop through", "penny board": "cruiser"},
    "sofa": {"settee": "settee, camelback", "loveseat": "settee", "chaise longue": "chaise longue"},
    "stairs": {"steps": "low steps, porch", "flight of stairs": "solid, open, stringers", "stepladder": "step ladder",
               "escalator": "escalator"},
    "stool": {"bar stool": "bar", "barstool": "bar", "ottoman": "pouf, drum", "pouf": "pouf", "footstool": "step, box"},
    "stove": {"wood stove": "wood stove", "oven": "open oven, double oven", "cooktop": "cooktop"},
    "table": {"dining table": "four legs, trestle, laid", "coffee table": "coffee", "side table": "side table",
              "end table": "side table", "kitchen table": "four legs"},
    "telephone": {"landline phone": "desk phone, push button", "corded phone": "desk phone, push button, rotary"},
    "tent": {"camping tent": "ridge, dome, tunnel, cabin", "marquee": "marquee, circus", "pavilion": "pavilion",
             "canopy tent": "canopy"},
    "tower": {"church tower": "church", "lighthouse": "lighthouse", "skyscraper": "skyscraper", "water tower": "water",
              "radio tower": "lattice, television", "watchtower": "watch", "clock tower": ""},
    "train": {"locomotive": "steam, diesel", "tram": "tram", "railroad car": "passenger", "wagon": "", "metro": "",
              "railcar": ""},
    "trash bin": {"waste basket": "basket, mesh", "wastebasket": "basket, mesh", "dustbin": "swing, wheelie, pedal",
                  "dumpster": "dumpster"},
    "vase": {"urn": "urn, amphora"},
    "wardrobe": {"armoire": "armoire"},
    "watercraft": {"yacht": "sailing boat, motor boat", "sailboat": "sailing boat", "speedboat": "motor boat",
                   "canoe": "kayak", "ship": "cargo ship, warship, tall ship, cruise ship", "submarine": "submarine",
                   "boat": "sailing boat, motor boat, rowing boat, kayak, tug", "tugboat": "tug"},
    "person": {"man": "", "woman": "", "child": "", "mannequin": "", "people": ""},
}  # fmt: skip
# Structural variants that name the thing: an urn, no urn vase
NOUNS = set(
    "amphora, aquarium, armoire, backpack, banjo, beaker, beanie, beret, bidet, biplane, bolster, bookcase, boombox, "
    "box of plants, brick phone, briefcase, buggy, bureau, business jet, button phone, camcorder, canister, cargo "
    "ship, chaise longue, chandelier, cleaver, coach, coffee cup, commode, cooktop, copier, crate, crib, cruise ship, "
    "cupboard with hutch, dagger, day bed, decanter, delineator, desk phone, dining set, dirt bike, display case, "
    "drink can, dumpster, earbuds, escalator, extension ladder, flat cap, flip phone, food tin, fuel can, futon, "
    "garden tap, glider, goblet, handbag, hanging basket, harpsichord, headset, honey pot, jug, kayak, lantern, "
    "lighthouse, light plane, limousine, locker, longboard, machine gun, machine pistol, marquee, minibus, missile, "
    "monitor, mortar, motor boat, musket, number pad, old television, organ, pagoda, paint can, paper cup, pavilion, "
    "pay phone, pew, plotter, pouf, revolver, rowing boat, sack, sailing boat, scooter, seaplane, settee, shotgun, "
    "sideboard, skyscraper, smartphone, spray can, stein, step ladder, submarine, subwoofer, suitcase, tall ship, "
    "tallboy, taxi, tea cup, terrarium, throne, tipi, toolbox, top hat, tote, tram, triplane, trolley, truck, tug, "
    "tumbler, typewriter, ukulele, urinal, urn, van, vase of flowers, vial, vitrine, walkie-talkie, wall phone, wall "
    "unit, warship, watering can, webcam, wheelchair, window box, wireless earbuds, wood stove, yurt".split(", ")
)
# Variants that are several of the thing: a stack of bowls
SEVERAL = {"group", "nest", "pair", "row", "set", "stack"}
# Those that hold several things besides, whose parts are not counted
MANY = {*SEVERAL, "dining set", "modules", "pack", "round set", "suite", "two screens"}
# How other variants are said, where their name alone would not do; "": not at all
SAID_AS = {
    "arms raised": "with arms raised",
    "arms spread": "with arms spread",
    "back panel": "with a back panel",
    "bowl on cabinet": "on a cabinet",
    "chimney breast": "with a chimney breast",
    "closed back": "with a closed back",
    "corner tank": "with a corner tank",
    "door": "with a door",
    "double oven": "with a double oven",
    "drawers below": "with drawers below",
    "high tank": "with a high tank",
    "hutch": "with a hutch",
    "keyboard stand": "on a keyboard stand",
    "landing": "with a landing",
    "mirror": "with a mirror",
    "on stand": "on a stand",
    "on tripod": "on a tripod",
    "open oven": "with an open oven",
    "open scanner": "with an open scanner",
    "overmantel": "with an overmantel",
    "solid base": "with a solid base",
    "tent": "in tent mode",
    **{
        f"with {part}": f"with a {part}"
        for part in "door keyboard lid mirror mouse shelf shower spoon television".split()
    },
    "all in one": "all-in-one",
    "bolt action": "bolt-action",
    "box edge": "box-edge",
    "built in": "built-in",
    "close coupled": "close-coupled",
    "crt": "CRT",
    "double cut": "double-cut",
    "drop through": "drop-through",
    "free bush": "bush",
    "front loader": "front-loading",
    "gable": "gabled",
    "grown over": "overgrown",
    "heart": "heart-shaped",
    "icecream": "ice cream",
    "lying missile": "missile",
    "on ear": "on-ear",
    "open front loader": "open front-loading",
    "open top loader": "open top-loading",
    "over ear": "over-ear",
    "over the range": "over-the-range",
    "portable set": "portable",
    "single cut": "single-cut",
    "spirits": "liquor",
    "top loader": "top-loading",
    "twin tub": "twin-tub",
    "under counter": "under-counter",
    "wall hung": "wall-hung",
    "wireless buds": "wireless earbuds",
    **dict.fromkeys(
        "basket blob chest controller first jar mattress outline pack plain range suite wardrobe".split(), ""
    ),
    **dict.fromkeys(("classic can", "leaf only", "pan only", "round set", "side table"), ""),
}


# Parts that stand for something else in a variant
NOT_IN = {("digital", "hands"), ("kayak", "deckhouse"), ("rowing boat", "deckhouse"), ("submarine", "deckhouse")}


def names_of(category: str, variant: str, synonyms: tuple[str, ...]) -> list[str]:
    """Names besides the category's own that fit a variant: synonyms for all of them, and those of `KINDS` for it."""
    kinds = KINDS.get(category, {})
    fitting = [name for name, variants in kinds.items() if variant in variants.split(", ")]
    return [name for name in synonyms if name not in kinds] + fitting
