"""Datasets and their immutable revisions, as the store knows them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, cast

from tenfold.core.datasets.model import LabelKind, RevisionManifest
from tenfold.core.entities import Entity, Named
from tenfold.core.events import Json
from tenfold.core.ids import DatasetId, JobId, RevisionId

DatasetState = Literal["building", "ready", "failed"]
Activity = Literal["", "adding", "verifying", "packing"]


@dataclass(frozen=True, kw_only=True)
class Dataset(Named):
    """A prepared set of samples. `revision` is the current one; while the first is built it names what will be."""

    id: DatasetId
    task: str
    state: DatasetState
    revision: RevisionId
    job: JobId
    spec: dict[str, Json]
    source: dict[str, Json]
    num_samples: int = 0
    num_classes: int = 0
    progress: dict[str, Json] = field(default_factory=dict)
    code: str = ""
    message: str = ""

    @property
    def label_kind(self) -> LabelKind:
        """What is known of each of its samples."""
        return cast("LabelKind", self.spec.get("label_kind", "class"))

    def at(self, revision: Revision) -> Dataset:
        """The dataset as it was at one of its revisions."""
        return replace(self, revision=revision.id, num_samples=revision.num_samples, num_classes=revision.num_classes)

    @property
    def activity(self) -> Activity:
        """What goes on with a dataset that is ready."""
        if "adding" in self.progress:
            return "adding"
        if "packing" in self.progress:
            return "packing" if self.progress.get("phase") in {"packing", "publishing"} else "verifying"
        return ""


@dataclass(frozen=True, kw_only=True)
class Revision(Entity):
    """An immutable version of a dataset. Its folder is an artifact under its id; `manifest` is that folder's hash.

    `size_bytes` are its own, without what it shares with the revision that it was made from.
    """

    SORTABLE: ClassVar[tuple[str, ...]] = ("created_at", "id", "number")

    id: RevisionId
    dataset: DatasetId
    number: int
    created_at: float
    manifest: str
    size_bytes: int
    facts: dict[str, Json]

    @property
    def num_samples(self) -> int:
        return int(str(self.facts.get("num_samples", 0)))

    @property
    def num_classes(self) -> int:
        return int(str(self.facts.get("num_classes", 0)))

    @property
    def content(self) -> str:
        """Hash of pixels, classes and splits, equal for what was exported and imported again; empty where unknown."""
        return str(self.facts.get("content", ""))

    @property
    def is_in_place(self) -> bool:
        """Whether its pictures are not packed, but lie where they were found."""
        return bool(self.facts.get("in_place"))

    @property
    def parent(self) -> str:
        """The revision that it was made from; empty for the first."""
        return str(self.facts.get("parent", ""))

    @property
    def author(self) -> str:
        """Who made it; empty for the first, which is the dataset's owner's."""
        return str(self.facts.get("author", ""))

    @property
    def summary(self) -> str:
        """What it has otherwise than its parent, in words; empty for the first."""
        return str(self.facts.get("summary", ""))


def revision_facts(manifest: RevisionManifest) -> dict[str, Json]:
    """What the store knows of every revision without opening its folder, however it was made."""
    return {
        "num_samples": manifest.num_samples,
        "num_classes": len(manifest.classes),
        "shape": [manifest.channels, manifest.height, manifest.width],
        "num_rejected": manifest.num_rejected,
        "content": manifest.content,
        **({"in_place": True} if manifest.in_place else {}),
    }
