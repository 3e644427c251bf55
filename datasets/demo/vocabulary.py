"""Category names: of the published data sets, of the demo's stand-ins for them, and what they are called here."""

from __future__ import annotations

# The published data sets' names, spelt and ordered as theirs, so that labels agree
MODELNET40 = (
    "airplane bathtub bed bench bookshelf bottle bowl car chair cone cup curtain desk door dresser flower_pot "
    "glass_box guitar keyboard lamp laptop mantel monitor night_stand person piano plant radio range_hood sink sofa "
    "stairs stool table tent toilet tv_stand vase wardrobe xbox"
).split()
MODELNET10 = "bathtub bed chair desk dresser monitor night_stand sofa table toilet".split()
SHAPENET55 = (
    "airplane bag basket bathtub bed bench birdhouse bookshelf bottle bowl bus cabinet camera can cap car cellphone "
    "chair clock dishwasher display earphone faucet file_cabinet flower_pot guitar helmet jar keyboard knife lamp "
    "laptop loudspeaker mailbox microphone microwave motorbike mug piano pillow pistol printer remote rifle rocket "
    "skateboard sofa stove table telephone tower train trash_bin washer watercraft"
).split()

# The demo: ShapeNet synset numbers of the categories that its pretraining sees, those that it does not see, and all
SHAPENET = {
    "airplane": "02691156",
    "bag": "02773838",
    "bathtub": "02808440",
    "bed": "02818832",
    "bench": "02828884",
    "bookshelf": "02871439",
    "bottle": "02876657",
    "bowl": "02880940",
    "cabinet": "02933112",
    "car": "02958343",
    "chair": "03001627",
    "display": "03211117",
    "flower pot": "03991062",
    "guitar": "03467517",
    "keyboard": "03085013",
    "lamp": "03636649",
    "laptop": "03642806",
    "mug": "03797390",
    "piano": "03928116",
    "pillow": "03938244",
    "rocket": "04099429",
    "sofa": "04256520",
    "table": "04379243",
    "trash bin": "02747177",
}
UNSEEN = ["cone", "desk", "door", "plant", "sink", "stairs", "stool", "tent", "toilet", "vase"]
DEMO_CATEGORIES = sorted([*SHAPENET, *UNSEEN, "box"])
# Numbers, which are no synsets, of the categories that pretraining does not see
FURTHER = {name: f"9{number:07d}" for number, name in enumerate(["box", *UNSEEN])}
# Categories by the names that the published data sets have for them
RENAMED = {"flower_pot": "flower pot", "monitor": "display", "bin": "trash bin", "shelf": "bookshelf"}
# What the stand-ins of ModelNet have of it; that of ScanObjectNN has all
DEMO_MODELNET40, DEMO_MODELNET10 = (
    [name for name in names if RENAMED.get(name, name) in DEMO_CATEGORIES] for names in (MODELNET40, MODELNET10)
)
