"""A pretrained encoder to call: clouds in, features and names out. `models.pretrained.load_pretrained` gives one."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from extensions import farthest_point_sample, gather, group, max_pool
from models.network import Network
from models.teachers import TeacherHolder, build_text_teacher
from models.text_teachers import TextTeacher
from models.transformer import Patches
from utils.errors import UserError
from utils.geometry import TURNS, Up, normalize_unit_sphere, turn_up, up_scores
from utils.prompts import TEMPLATES, spell
from utils.registry import suggestion

MANY_WORDS = 100  # which no message lists
LOOKED_AT = 64  # so many clouds of a call are looked at for which way is up
PointsLike = Tensor | np.ndarray | Sequence[Tensor | np.ndarray]


class EncoderWarning(UserWarning):
    """Something is unlike the training of the model.

    Attributes:
        what: what it is.
        count: how many clouds it is true of; None for none in particular.
    """

    def __init__(self, what: str, count: int | None = None, total: int = 0):
        super().__init__(what if count is None else f"{count} of {total} clouds {what}")
        self.what, self.count = what, count


class Encoding(NamedTuple):
    """What an encoder says of B clouds.

    Attributes:
        local: (B, G, C) tokens of the patches.
        queries: (B, Q, C) global queries, in ReCon three: class, image, text; None where the model has none.
        pooled: (B, 2C) features for a linear classifier: the maximum over the queries, then maximum plus mean over
            the tokens (those of the linear SVM); (B, C), the second half, where there are no queries.
        image: (B, d) features in the space of the image teacher, not normalised; None where there is no projection.
        text: (B, d) features in the space of the text teacher, likewise.
    """

    local: Tensor
    queries: Tensor | None
    pooled: Tensor
    image: Tensor | None
    text: Tensor | None


class Classification(NamedTuple):
    """What clouds were named.

    Attributes:
        names: the most probable name of each of B clouds.
        probabilities: (B, L), in the order of the labels.
        labels: L names to choose from.
    """

    names: list[str]
    probabilities: Tensor
    labels: list[str]

    def top(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """Return the k most probable names of each cloud with their probabilities."""
        best = self.probabilities.topk(min(k, len(self.labels)), dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [[(self.labels[i], value) for i, value in zip(*row, strict=True)] for row in pairs]


class PointEncoder(TeacherHolder):
    """An encoder with pretrained weights, in eval mode.

    Calling it is differentiable and takes prepared clouds; `encode`, `classify` and `similarity` prepare clouds as they
    come, and compute no gradient.

    Args:
        network: with its weights.
        npoints: how many points a cloud had in training.
        text_encoder: the text teacher, see `models.teachers.build_text_teacher`; it is built when it is needed.
        text_weights: its weights, likewise.
        ratio: weight of the text feature, where it is added to the image feature.
        class_names: those of the head; without a head, those of pretraining, which `classify` chooses from if it is
            given none.
    """

    def __init__(
        self,
        network: Network,
        npoints: int,
        text_encoder: str | None = None,
        text_weights: str | None = None,
        ratio: float = 0.25,
        class_names: Sequence[str] = (),
    ):
        super().__init__()
        self.network, self.npoints, self.ratio, self.class_names = network, npoints, ratio, list(class_names)
        self.text_encoder, self.text_weights = text_encoder, text_weights
        self.hold_teachers()
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.network.norm.weight.device

    def forward(self, points: Tensor) -> Encoding:
        """Encode prepared clouds.

        Args:
            points: (B, N, 3) float32 on the device of the weights, centred, in the unit sphere, y up; N is at least
                the number of points of a patch.
        """
        query, local = self.network.features(self.patches(points))
        pooled = local.amax(1) + local.mean(1)
        if not query.shape[1]:
            return Encoding(local, None, pooled, None, None)
        pooled = torch.cat((query.amax(1), pooled), dim=1)
        return Encoding(local, query, pooled, *self.network.project(query))

    def patches(self, points: Tensor) -> Patches:
        """Cut prepared clouds (B, N, 3) into patches; of fewer points than patches some patches come again."""
        groups, count = self.network.num_group, points.shape[1]
        if count >= groups:
            return Patches(*group(points, groups, self.network.group_size))
        patches = Patches(*group(points, count, self.network.group_size))
        again = torch.arange(groups, device=points.device) % count
        return Patches(*(part[:, again] for part in patches))

    @torch.no_grad()
    def encode(
        self,
        points: PointsLike,
        *,
        up: Up = "y",
        center: bool = True,
        scale: bool = True,
        npoints: int | Literal["trained"] | None = "trained",
        batch_size: int = 64,
    ) -> Encoding:
        """Encode clouds as they come.

        Args:
            points: numpy arrays or tensors of any number type on any device: one cloud (N, 3), several (B, N, 3), or a
                list of clouds of any sizes. Columns behind the third (colours, normals) are not read.
            up: the axis of the input that points upwards; models are trained with y up.
            center: move the mean of each cloud to the origin.
            scale: scale each cloud so that its farthest point has distance 1.
            npoints: clouds of more points are reduced to so many by farthest point sampling; "trained" is the number of
                training, None keeps all.
            batch_size: clouds of one size that are computed together; results do not depend on it, but for rounding.

        Returns:
            Features in the order of the input, on the device of the weights. A cloud in a list gets what it would get
            by itself: nothing is padded.

        Raises:
            ValueError: if the input is no clouds, or one has fewer points than a patch, NaN or infinite values, or one
                point only; or `up` is no axis.

        Warns:
            EncoderWarning: if clouds have far fewer or more points than in training, are not of the size or at the
                place of those in training, hold outliers, or seem to have another axis up.
        """
        clouds = self._prepare(points, up, center, scale)
        if npoints == "trained":
            npoints = self.npoints
        by_size: dict[int, list[int]] = defaultdict(list)
        for index, cloud in enumerate(clouds):
            by_size[len(cloud)].append(index)
        parts, order = [], []
        for size, indices in by_size.items():
            for start in range(0, len(indices), batch_size):
                chosen = indices[start : start + batch_size]
                batch = torch.stack([clouds[i] for i in chosen])
                if npoints is not None and size > npoints:
                    batch = gather(batch, farthest_point_sample(batch, npoints))
                if not parts:
                    self._check(clouds, batch[:LOOKED_AT], up, center, scale, npoints)
                parts.append(self(batch))
                order += chosen
        back = torch.tensor(order).argsort().to(self.device)
        together = [None if part[0] is None else torch.cat(part)[back] for part in zip(*parts, strict=True)]
        return Encoding(*together)  # pyright: ignore[reportArgumentType] None only where a part may be

    def _prepare(self, points: PointsLike, up: Up, center: bool, scale: bool) -> list[Tensor]:
        """Check clouds, and bring each into the frame of training, on the device of the weights."""
        if isinstance(points, (Tensor, np.ndarray)) and points.ndim in (2, 3):
            points = [points] if points.ndim == 2 else list(points)
        if isinstance(points, (Tensor, np.ndarray)) or not len(points):
            raise ValueError(f"points must be (N, 3), (B, N, 3) or a list of (N, 3), got {_shape(points)}")
        if up not in TURNS:
            raise ValueError(f"up must be one of {', '.join(TURNS)}, got {up!r}")
        clouds, least = [], self.network.group_size
        for index, one in enumerate(points):
            cloud = torch.as_tensor(one) if isinstance(one, Tensor) else torch.as_tensor(np.asarray(one))
            if cloud.ndim != 2 or cloud.shape[1] < 3 or cloud.is_complex():
                raise ValueError(f"cloud {index} must have shape (N, 3), got {_shape(cloud)}")
            if len(cloud) < least:
                raise ValueError(f"cloud {index} has {len(cloud)} points, the model needs at least {least}, a patch")
            cloud = cloud[:, :3]
            if not cloud.is_floating_point():  # differences of small integers would overflow
                cloud = cloud.double()
            if not cloud.isfinite().all():
                raise ValueError(f"cloud {index} holds NaN or infinite values")
            if (cloud == cloud[0]).all():
                raise ValueError(f"cloud {index} is {len(cloud)} times the same point")
            if center:  # in its own precision: scans may lie far from the origin
                cloud = cloud - cloud[0]
            cloud = turn_up(cloud.to(self.device, torch.float32), up)
            if center and scale:
                cloud = normalize_unit_sphere(cloud)
            elif center:
                cloud = cloud - cloud.mean(0)
            elif scale:
                cloud = cloud / cloud.norm(dim=1).amax().clamp_min(torch.finfo(torch.float32).tiny)
            clouds.append(cloud)
        return clouds

    def _check(
        self, clouds: list[Tensor], first: Tensor, up: Up, center: bool, scale: bool, npoints: int | None
    ) -> None:
        """Warn of clouds unlike those of training, each thing once; `first` is a batch (B, n, 3) as it is fed."""
        found: Counter[str] = Counter()
        for cloud in clouds:
            fed = min(len(cloud), npoints or len(cloud))
            radius, typical, place = torch.stack([*_spread(cloud)]).tolist()
            found["fewer than half as many points as"] += 2 * fed < self.npoints
            found["more than twice as many points as"] += fed > 2 * self.npoints
            found["another size than"] += not scale and not 0.5 < radius < 2
            found["another centre than"] += not center and place > 0.5
            found["outliers, which decide the scale, unlike"] += radius > 4 * typical
        for what, count in found.items():
            if count:
                trained = f"those of training ({self.npoints} points, centred, in the unit sphere)"
                _warn(EncoderWarning(f"have {what} {trained}", count, len(clouds)))
        few = gather(first, farthest_point_sample(first, min(256, first.shape[1])))
        scores = up_scores(few).mean(0)
        (most, second, _), axes = scores.sort(descending=True)
        # Measured on real shapes: a single cloud needs more of a difference than many, which are seldom wrong together.
        if axes[0] != 1 and most - second > max(0.1, 0.4 / len(first) ** 0.5):
            turned = turn_up(torch.eye(3), up).abs()[:, axes[0]]  # which axis of the input became that one
            axis = "xyz"[int(turned.argmax())]
            told = f"the clouds look as if {axis} pointed up or down, not {up}: try up='{axis}' or up='-{axis}'"
            _warn(EncoderWarning(told))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Map texts to features (T, d) of the text teacher, not normalised, on the device of the weights.

        Raises:
            UserError: if there is no text teacher, its weights cannot be had, or it does not know a word.
        """
        return self._knowing(texts).encode(list(texts)).float().to(self.device)

    def _knowing(self, texts: Sequence[str]) -> TextTeacher:
        """Return the text teacher, if it knows every word."""
        teacher = self.open_teacher()
        if unknown := teacher.unknown(texts):
            frames = {word.strip(",.{}") for text in TEMPLATES for word in text.lower().split()}
            words = [word for word in teacher.known() if word not in frames]
            few = len(words) < MANY_WORDS
            close = suggestion(unknown[0], words if few else self.class_names or words, listed=few)
            raise UserError(f"the text teacher of these weights never read '{unknown[0]}'{close}{teacher.remedy}")
        return teacher

    def open_teacher(self) -> TextTeacher:
        """Return the text teacher, built where it is not yet.

        Raises:
            UserError: if there is none, or its weights cannot be had.
        """
        if self.network.text_proj is None:
            raise UserError("these weights have no features in the space of texts: names take ReCon's pretraining")
        if self.text_teacher is None:
            if not self.text_encoder:
                raise UserError(
                    "these weights do not tell their text teacher, or it lies in a folder elsewhere: "
                    "load_pretrained(..., text_encoder=NAME)"
                )
            width = self.network.text_proj.out_features
            teacher = build_text_teacher(self.text_encoder, width, self.text_weights)
            if not isinstance(teacher, TextTeacher):
                raise UserError(f"text_encoder '{self.text_encoder}' does not read texts")
            self.hold_teachers(text=teacher.to(self.device))
        return self.text_teacher  # pyright: ignore[reportReturnType]

    def joint(self, encoding: Encoding) -> Tensor:
        """Unit features (B, d) to compare texts with: of both queries, where both are in the space of the texts."""
        feature = encoding.text
        assert feature is not None
        if encoding.image is not None and encoding.image.shape == feature.shape:
            feature = self.ratio * feature + encoding.image
        return F.normalize(feature, dim=1)

    def similarity(self, points: PointsLike, texts: Sequence[str], **options: Any) -> Tensor:
        """Return the cosine similarity (B, T) of each cloud and each of T texts, which are taken as they are.

        Args:
            points: see `encode`.
            texts: the texts.
            options: see `encode`.

        Raises:
            ValueError, UserError: see `encode` and `encode_text`.
        """
        features = F.normalize(self.encode_text(texts), dim=1)
        return self.joint(self.encode(points, **options)) @ features.T

    @torch.no_grad()
    def classify(
        self,
        points: PointsLike,
        labels: Sequence[str] | None = None,
        *,
        prompts: Sequence[str] | None = None,
        **options: Any,
    ) -> Classification:
        """Name clouds.

        Args:
            points: see `encode`.
            labels: the names to choose from; None: `class_names`. A fine-tuned classifier has its own, and takes only
                others for the same classes, in their order.
            prompts: texts around a name, such as "A model of a {}."; their features are summed. None: the 60 of ReCon.
            options: see `encode`.

        Returns:
            Names and probabilities: of a fine-tuned classifier those of its head, otherwise the softmax of cosine
            similarities at the temperature of the text teacher. They are not calibrated.

        Raises:
            ValueError: see `encode`.
            UserError: if there are no names, or these weights cannot tell names.
        """
        return self.classify_encoding(self.encode(points, **options), labels, prompts)

    @torch.no_grad()
    def classify_encoding(
        self, encoding: Encoding, labels: Sequence[str] | None = None, prompts: Sequence[str] | None = None
    ) -> Classification:
        """Name clouds that are encoded; arguments and errors as for `classify`."""
        chosen: Sequence[str] = self.class_names if labels is None else labels
        head = self.network.cls_head_finetune
        if head is not None:
            assert encoding.queries is not None
            logits = head(torch.cat((encoding.queries.flatten(1), max_pool(encoding.local)), dim=1))
            chosen = chosen or [f"class {number}" for number in range(logits.shape[1])]
            if len(chosen) != logits.shape[1]:
                raise UserError(f"the fine-tuned head has {logits.shape[1]} classes, {len(chosen)} names are given")
        else:
            logits = self._temperature() * self.joint(encoding) @ self.name_features(chosen, prompts).T
        probabilities = logits.softmax(1)
        names = [chosen[int(i)] for i in probabilities.argmax(1).tolist()]
        return Classification(names, probabilities, list(chosen))

    def name_features(self, labels: Sequence[str], prompts: Sequence[str] | None = None) -> Tensor:
        """Return unit features (L, d) of names, each the mean over prompts; arguments and errors as for `classify`."""
        if isinstance(labels, str) or not labels or not all(isinstance(name, str) and name.strip() for name in labels):
            self.open_teacher()
            raise UserError(f"labels must be names to choose from, such as ['chair', 'table'], got {labels!r}")
        prompts = TEMPLATES if prompts is None else list(prompts)
        if not prompts or not all("{}" in text for text in prompts):
            raise UserError("prompts must be texts with {} where the name goes")
        names = [spell(name, "plain") for name in labels]
        self._knowing(names)  # before the prompts are, so that the message tells the name
        texts = [text.replace("{}", name) for name in names for text in prompts]
        return F.normalize(self.encode_text(texts).view(len(labels), len(prompts), -1).sum(1), dim=1)

    def _temperature(self) -> Tensor:
        return self.open_teacher().temperature().to(self.device)


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if hasattr(value, "shape") else f"a {type(value).__name__} of {len(value)}"


def _spread(cloud: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The largest and the median distance of points (N, 3) from the origin, and that of their mean."""
    distances = cloud.norm(dim=1)
    return distances.amax(), distances.median(), cloud.mean(0).norm()


def _warn(warning: EncoderWarning) -> None:
    warnings.warn(warning, stacklevel=5)
