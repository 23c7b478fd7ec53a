"""What a training worker is told: all it needs to know, as it lies in the job folder's `spec.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

from tenfold.core.events import Json
from tenfold.core.fields import parse_spec
from tenfold.core.networks.weights import WeightOrigin
from tenfold.core.training.spec import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """`revision_folder` is relative to the data folder, so that the data folder can be moved.

    `weights` say where those lie that the network's text takes from elsewhere. `environment` names the one that the
    worker runs in; empty is Tenfold's own.
    """

    run: str
    run_name: str
    task: str
    dataset_name: str
    revision: str
    revision_folder: str
    network: str
    network_text: str
    parameters: dict[str, Json]
    spec: dict[str, Json]
    weights: list[dict[str, Json]] = field(default_factory=list)
    environment: str = ""

    def training_spec(self) -> TrainingSpec:
        return parse_spec(TrainingSpec, self.spec)

    def weight_origins(self) -> dict[str, WeightOrigin]:
        """Where weights lie, by what the text calls them."""
        return {origin.source: origin for origin in map(WeightOrigin.from_json, self.weights)}

    def to_json(self) -> dict[str, Json]:
        return {"kind": "train", **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> TrainJob:
        return cls(**{name: value for name, value in values.items() if name != "kind"})  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What was chosen before step 1 and holds for every later attempt, so that a resume computes the same."""

    device: str
    threads: int
    versions: dict[str, str]

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", asdict(self))

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> Decisions:
        return cls(
            device=str(values["device"]),
            threads=int(str(values["threads"])),
            versions=cast("dict[str, str]", values["versions"]),
        )

    def differences(self, now: Decisions) -> list[str]:
        """Why a resume here would not be exact; empty when it is."""
        reasons = []
        if self.device.split(":")[0] != now.device.split(":")[0]:
            reasons.append(f"it began on {self.device} and goes on on {now.device}")
        for package, version in self.versions.items():
            if now.versions.get(package) != version:
                reasons.append(f"{package} was {version} and is {now.versions.get(package, 'gone')}")
        return reasons
