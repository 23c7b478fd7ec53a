"""What an import worker is told, as it lies in the job folder's `spec.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tenfold.core.events import Json


@dataclass(frozen=True, kw_only=True)
class ImportJob:
    """`source` says where samples come from: `{"folder": PATH}`, `{"upload": ID}` or `{"sample": NAME}`.

    `roots` are the folders that the server may read. With a `parent`, a revision, the samples are added to it. Where
    pictures are used in place, one job registers them and names the revision that they will be `packed` as, and
    another packs the `registered` revision.
    """

    dataset: str
    dataset_name: str
    task: str
    revision: str
    source: dict[str, Json]
    spec: dict[str, Json]
    roots: list[Json]
    parent: str = ""
    packed: str = ""
    registered: str = ""

    def to_json(self) -> dict[str, Json]:
        return {"kind": "import", **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> ImportJob:
        return cls(**{name: value for name, value in values.items() if name != "kind"})  # type: ignore[arg-type]
