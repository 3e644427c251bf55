"""What the baselines share: their config keys, the layer they are all made of, and the head."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from models.build import Trainable
from models.shape import check_memory, check_positive

SLOPE = 0.2  # of the activations below zero in DGCNN and PCT


@dataclass(kw_only=True)
class BaselineConfig:
    """Keys of every baseline.

    Attributes:
        cls_dim: number of classes.
        width: factor of all channels; 1 is the model of its paper.
        dropout: in the head; narrow models want less than wide ones.
    """

    NAME: str
    cls_dim: int
    width: float = 1.0
    dropout: float = 0.5

    def __post_init__(self):
        check_positive(self, "cls_dim", *({"group_size"} & vars(self).keys()))
        if not 1 / 16 <= self.width < float("inf"):
            raise ValueError(f"width must be finite and at least 1/16, got {self.width}")
        check_memory(1e6 * self.width * self.width, f"width {self.width:g}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")

    def channels(self, *full: int) -> list[int]:
        """What these channels of the paper are at this width."""
        return [round(count * self.width) for count in full]


class LinearBNReLU(nn.Sequential):
    """Linear layer, BatchNorm, activation, on values (..., C): what papers call a shared MLP or a 1x1 convolution.

    Args:
        inputs: channels before.
        outputs: channels after.
        slope: of the activation below zero; None leaves the activation out.
    """

    def __init__(self, inputs: int, outputs: int, slope: float | None = 0.0):
        super().__init__(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs))
        if slope is not None:
            self.append(nn.LeakyReLU(slope) if slope else nn.ReLU())

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        return super().forward(input.flatten(0, -2)).unflatten(0, input.shape[:-1])


def units(*channels: int, slope: float = 0.0) -> nn.Sequential:
    """One `LinearBNReLU` between each two neighbours in a list of channels."""
    return nn.Sequential(*(LinearBNReLU(inputs, outputs, slope) for inputs, outputs in pairwise(channels)))


class Baseline(Trainable):
    """A classifier: a trunk, which subclasses write, and the head of two hidden layers that all of them have.

    Args:
        config: its keys.
        features: channels that the trunk gives.
        slope: see `LinearBNReLU`.
        dropouts: hidden layers of the head, counted from its end, that dropout follows.
    """

    classifies = True
    new_parameters = ("cls_head_finetune.",)

    def __init__(self, config: BaselineConfig, features: int, slope: float = 0.0, dropouts: int = 2):
        super().__init__()
        first, second = config.channels(512, 256)
        self.cls_head_finetune = nn.Sequential(
            LinearBNReLU(features, first, slope),
            nn.Dropout(config.dropout if dropouts > 1 else 0.0),
            LinearBNReLU(first, second, slope),
            nn.Dropout(config.dropout),
            nn.Linear(second, config.cls_dim),
        )
