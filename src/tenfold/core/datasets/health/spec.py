"""What a person asks for when wrong labels are to be found."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.fields import declare


@dataclass(frozen=True, kw_only=True)
class LabelSearch:
    """The runs that judge labels: each learns from all folds but one, and judges that one."""

    network: str = declare(
        "lenet",
        label="Network",
        help="The architecture that judges. A small one that learns the classes fairly well is enough.",
        level="essential",
        reference="network",
    )
    epochs: int = declare(
        3,
        label="Epochs",
        help="How often each run sees its pictures. A network that learns by heart believes wrong labels, too.",
        minimum=1,
        maximum=1000,
        unit="epochs",
    )
    folds: int = declare(
        4,
        label="Folds",
        help="How many runs are queued. More learn from more pictures each, and take longer together.",
        minimum=2,
        maximum=20,
        unit="runs",
    )
