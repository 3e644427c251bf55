"""Train the demo's image/text teacher: a tiny CLIP on renders of the synthetic world's categories.

The demo ships the result (`datasets/demo/teacher`, open_clip's folder layout); this remakes it. The image teacher of
`cfgs/world`, datasets/demo/teacher_wide, was made by `--wide --text minilm --per_class 300 --epochs 16` before the last
changes of the wide families, and names 69.1 % of their held-out renders right among 78 names.
"""

import json
from pathlib import Path
from typing import Any, cast

import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from torchvision.transforms import v2
from tqdm import tqdm

from datasets.demo.shapes import CATEGORIES
from datasets.demo.world import teacher_renders
from datasets.image_transforms import NORMS
from models.teachers import MINILM, build_text_teacher
from utils.errors import Parser, UserError, at_least, run_command
from utils.prompts import all_prompts, prompt
from utils.seeding import generator, seed_everything

LEARNING_RATE = 3e-3
ARCHITECTURE = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 12, "head_width": 48},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 20, "heads": 2, "layers": 2},
}


def contrastive_loss(image: Tensor, text: Tensor, label: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric cross entropy, where all samples of one name are each other's positives.

    Args:
        image: (B, D) image features.
        text: (B, D) text features.
        label: (B,) int64, equal for equal names.
        scale: scalar factor of the cosine similarities.

    Returns:
        Scalar loss.
    """
    logits = scale * F.normalize(image, dim=1) @ F.normalize(text, dim=1).T
    target = (label[:, None] == label[None, :]).float()
    target = target / target.sum(1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@torch.no_grad()
def rescale(clip: Any, images: Tensor, tokens: Tensor | None) -> None:
    """Give features of both kinds a standard deviation of 1/2, about that of the published CLIP's.

    Cosines stay as they are. A student that regresses features would otherwise first have to grow its weights.

    Args:
        clip: changed in place.
        images: (n, 3, H, W), normalised.
        tokens: (m, context) int64; None where its text half was not trained.
    """
    image_factor = 0.5 / clip.encode_image(images).std()
    for parameter in clip.visual.attnpool.c_proj.parameters():
        parameter.mul_(image_factor)
    if tokens is not None:
        clip.text_projection.mul_(0.5 / clip.encode_text(tokens).std())


def main() -> None:
    """Command line: see `python -m tools.demo_teacher --help`."""
    parser = Parser(description="Train the demo's image/text teacher.")
    parser.add_argument("--out", default="datasets/demo/teacher", help="folder to write (default: %(default)s)")
    parser.add_argument("--per_class", type=at_least(1), default=800, help="renders a category (default: %(default)s)")
    parser.add_argument("--epochs", type=at_least(1), default=24, help="(default: %(default)s)")
    parser.add_argument(
        "--text",
        choices=["own", MINILM],
        default="own",
        help="train a text half of its own, or align the images with this frozen text teacher (default: %(default)s)",
    )
    parser.add_argument("--wide", action="store_true", help="all categories, in all variants, not those of the demo")
    parser.add_argument("--width", type=at_least(12), default=12, help="of the image half (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    args = parser.parse_args()
    if args.width % 12:
        raise UserError(f"--width must be a multiple of 12, got {args.width}")

    architecture = ARCHITECTURE | {"vision_cfg": ARCHITECTURE["vision_cfg"] | {"width": args.width}}
    if args.text != "own":  # open_clip wants a text half nevertheless
        architecture["text_cfg"] = ARCHITECTURE["text_cfg"] | {"width": 2, "heads": 1, "layers": 1}
    size, shapes = ARCHITECTURE["vision_cfg"]["image_size"], CATEGORIES if args.wide else None
    renders, names = teacher_renders(shapes, args.per_class, args.seed, size + size // 4, wide=args.wide)
    vocabulary = sorted(set(names))
    labels = torch.tensor([vocabulary.index(name) for name in names])
    images = torch.from_numpy(renders).permute(0, 3, 1, 2)
    # One shape in ten is kept to tell how well names are told apart.
    held = torch.rand(len(images), generator=generator("cpu", "held", args.seed)) < 0.1

    seed_everything(args.seed)
    clip = cast(Any, open_clip.CLIP(**architecture))  # nn.Module does not tell of what type its parts are
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    mean, std = NORMS["imagenet"]
    preprocess = {"mean": list(mean), "std": list(std)}
    content = {"model_cfg": architecture, "preprocess_cfg": preprocess}
    if args.text != "own":
        content["text"] = args.text
    config = json.dumps(content, indent=1)
    (folder / "open_clip_config.json").write_text(config + "\n")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")

    augment = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.6, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
            v2.RandomErasing(p=0.3, scale=(0.02, 0.08)),
        ]
    )
    plain = v2.Compose([v2.CenterCrop(size), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])

    seen = (~held).nonzero()[:, 0]
    steps = args.epochs * (len(seen) // 128)
    optimizer = torch.optim.AdamW(clip.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.1)
    draw = generator("cpu", "batches", args.seed)
    used = set()
    locked = None if args.text == "own" else build_text_teacher(args.text, ARCHITECTURE["embed_dim"])

    def text_features(texts: list[str]) -> Tensor:
        if locked is not None:
            return locked.encode(texts)
        tokens = tokenizer(texts)
        used.update(tokens.unique().tolist())
        return clip.encode_text(tokens)

    bar = tqdm(total=steps, desc="teacher", unit="step")
    for _ in range(args.epochs):
        for rows in seen[torch.randperm(len(seen), generator=draw)].split(128):
            if len(rows) < 128:
                continue
            # One draw of the augmentation a quarter of the batch keeps this vectorised and varied enough.
            batch = torch.cat([augment(part) for part in images[rows].split(32)])
            features = clip.encode_image(batch), text_features(prompt([names[i] for i in rows.tolist()], draw))
            loss = contrastive_loss(*features, labels[rows], clip.logit_scale.exp().clamp(max=100))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            bar.set_postfix(loss=f"{loss.item():.3f}")
            bar.update()
    bar.close()

    clip.eval()
    with torch.no_grad():
        # Words that no prompt holds were never trained; zero says so, and packs well.
        unused = torch.ones(len(clip.token_embedding.weight), dtype=torch.bool)
        unused[list(used)] = False
        clip.token_embedding.weight[unused] = 0
        held_images, held_labels = plain(images[held]), labels[held]
        prompts = [text for name in vocabulary for text in all_prompts(name)]
        rescale(clip, held_images, tokenizer(prompts) if locked is None else None)
        text = F.normalize(text_features([f"A {name.replace('_', ' ')}." for name in vocabulary]), dim=1)
        guess = (F.normalize(clip.encode_image(held_images), dim=1) @ text.T).argmax(1)
    accuracy = (guess == held_labels).float().mean().item()
    save_file(
        {name: value.half().contiguous() for name, value in clip.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    print(f"wrote {folder}: {100 * accuracy:.1f} % of {int(held.sum())} held-out renders named right")


if __name__ == "__main__":
    run_command(main)
