"""What a user asks for when a network is to be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, declare
from tenfold.core.numerals import whole_number


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """The fields of a training run. Network parameters stand beside it: their fields come from the network's text."""

    dataset: str = declare(
        label="Dataset",
        help="The prepared pictures to learn from. The run keeps the revision that is current when it is submitted.",
        level="essential",
        group="What",
        reference="dataset",
    )
    network: str = declare(
        "lenet",
        label="Network",
        help="The architecture to train. LeNet is small and quick and suits digits; AlexNet wants larger pictures.",
        level="essential",
        group="What",
        reference="network",
    )
    name: str | None = declare(
        None,
        label="Name",
        help="What the run and its best model are called. Left empty, a name is made of network and dataset.",
        level="essential",
        group="What",
    )
    epochs: int = declare(
        3,
        label="Epochs",
        help="How often the network sees every training picture. More epochs take longer and often end more accurate.",
        minimum=1,
        maximum=10_000,
        unit="epochs",
        group="How long",
        sweepable=True,
    )
    batch_size: int = declare(
        64,
        label="Batch size",
        help="Pictures per step. Larger batches run faster and need more memory; the rate usually grows with them.",
        minimum=1,
        maximum=65_536,
        unit="pictures",
        group="How",
        sweepable=True,
    )
    optimizer: Literal["sgd", "adam"] = declare(
        "sgd",
        label="Optimizer",
        help="How weights follow the gradient.",
        choices=(
            Choice("sgd", "SGD with momentum", "Steady, and the better choice for most picture networks."),
            Choice("adam", "Adam", "Forgives a badly chosen rate; use a rate about 10 to 50 times smaller."),
        ),
        group="How",
        sweepable=True,
    )
    weights: Literal["as-written", "published"] = declare(
        "as-written",
        label="Begin with",
        help="What the network knows before the first step.",
        choices=(
            Choice("as-written", "As its text says", "Drawn numbers, unless the text names a source of weights."),
            Choice(
                "published",
                "Published weights",
                "Those that others trained on many pictures; what does not fit your classes starts anew. "
                "There are some for EfficientNet-Lite0, 1 and 2, fetched once, and those that an import brought.",
            ),
        ),
        group="How",
    )
    rate: float = declare(
        0.03,
        label="Learning rate",
        help="The largest step along the gradient. Too large and the loss grows; too small and nothing is learnt.",
        above=0.0,
        maximum=100.0,
        group="How",
        sweepable=True,
    )
    schedule: Literal["one-cycle", "fixed"] = declare(
        "one-cycle",
        label="Schedule",
        help="How the rate moves during training.",
        choices=(
            Choice("one-cycle", "One cycle", "Rises to the rate, then falls to nearly zero: most accurate per epoch."),
            Choice("fixed", "Fixed", "Stays at the rate after the warm-up."),
        ),
        group="How",
        sweepable=True,
    )
    warm_up: float = declare(
        25.0,
        label="Warm-up",
        help="The part of the training during which the rate rises from 1/25 of its value. 0 starts at full rate.",
        minimum=0.0,
        maximum=90.0,
        unit="% of training",
        group="How",
        sweepable=True,
    )
    momentum: float = declare(
        0.9,
        label="Momentum",
        help="How much of the last step goes into the next. Used by SGD; for Adam it is the first decay rate.",
        minimum=0.0,
        maximum=0.999,
        group="How",
        sweepable=True,
    )
    weight_decay: float = declare(
        0.0005,
        label="Weight decay",
        help="Pulls weights towards zero, which helps against learning by heart. 0 switches it off.",
        minimum=0.0,
        maximum=1.0,
        group="How",
        sweepable=True,
    )
    seed: int = declare(
        1,
        label="Seed",
        help="The same seed on the same machine gives the same weights, bit for bit.",
        minimum=0,
        maximum=2**32 - 1,
        level="everything",
        group="Repeatability",
        sweepable=True,
    )
    folds: int | None = declare(
        None,
        label="Folds",
        help="Deals the samples for training and validation into so many parts, to validate on each of them in turn.",
        minimum=2,
        maximum=100,
        unit="folds",
        level="everything",
        group="Repeatability",
    )
    fold: int | None = declare(
        None,
        label="Fold",
        help="The fold that is validated on, from 1; the run trains on all others. Empty: the dataset's own split.",
        minimum=1,
        maximum=100,
        level="everything",
        group="Repeatability",
    )
    framework: Literal["torch", "keras"] = declare(
        "torch",
        label="Framework",
        help="What computes. The network's text, its first weights, the order of samples and the steps are the same.",
        choices=(
            Choice("torch", "PyTorch", "Trains every network, on a GPU or the CPU."),
            Choice("keras", "Keras on TensorFlow", "On the CPU, in an environment of its own."),
        ),
        group="Machine",
    )
    device: str = declare(
        "auto",
        label="Device",
        help="`auto` takes the first free GPU and the CPU where there is none; `cpu` and `cuda:0` ask for one.",
        level="everything",
        group="Machine",
    )
    threads: int | None = declare(
        None,
        label="CPU threads",
        help="Threads that compute. Left empty, the run takes all cores it is granted.",
        minimum=1,
        maximum=1024,
        unit="threads",
        level="everything",
        group="Machine",
    )
    checkpoint_every: float = declare(
        30.0,
        label="Checkpoint at least every",
        help="What a crash can cost at most. A checkpoint is also written after every validation.",
        minimum=0.0,
        maximum=3600.0,
        unit="seconds",
        level="everything",
        group="Safety",
    )
    steps_per_row: int | None = declare(
        None,
        label="Steps per chart point",
        help="Metric rows are means over this many steps. Left empty, a run gets about 300 rows.",
        minimum=1,
        maximum=1_000_000,
        unit="steps",
        level="everything",
        group="Charts",
    )

    def problems(self) -> list[Problem]:
        """What does not fit together between fields."""
        device = self.device
        is_gpu = device.startswith("cuda:") and whole_number(device.removeprefix("cuda:")) is not None
        if device not in {"auto", "cpu"} and not is_gpu:
            text = f"Device is {device!r}; allowed is auto, cpu, or cuda: and a number, as in cuda:0."
            return [Problem("device", text, "choice")]
        if (self.fold is None) != (self.folds is None):
            missing = "fold" if self.fold is None else "folds"
            return [Problem(missing, "Give the number of folds and the fold of this run, or neither.", "fold.half")]
        if self.fold is not None and self.folds is not None and self.fold > self.folds:
            return [Problem("fold", f"Fold is {self.fold}; there are {self.folds} folds.", "range")]
        return []
