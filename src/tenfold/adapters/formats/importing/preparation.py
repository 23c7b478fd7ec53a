"""What an import decides before it decodes: the plan of all files, and what is done to every picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np

from tenfold.adapters.formats.files.text_column import TextColumn
from tenfold.adapters.formats.importing.listing import ImportTable
from tenfold.adapters.formats.importing.reading import Reading
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.planning import Plan, nothing_found, plan_as_given, plan_samples
from tenfold.core.datasets.ports import ImageDecoder, SampleSource, UInt8Array
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.sizing import decide_size, prepare, scaled_note
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, BadImage

LOOK_AT = 256
LOOK_AT_VALUES = 32
BATCH_BYTES = 8 << 20


@dataclass(frozen=True)
class Fixed:
    """What is settled before an import: its files and their splits, what is done to them, and SHA-256 (N, 32) each."""

    preprocessing: Preprocessing
    sha256: UInt8Array


@dataclass(frozen=True)
class Preparation:
    """All files by rank, which of them are read in which order, how, and sentences for people about that.

    `dividing` has the shares of those splits that are drawn, `sha256` (N, 32) by place the hashes that are known.
    """

    paths: TextColumn
    plan: Plan
    dividing: DatasetSpec
    preprocessing: Preprocessing
    notes: tuple[str, ...]
    batch_size: int
    sha256: UInt8Array | None


def prepare_import(
    source: SampleSource,
    spec: DatasetSpec,
    decoder: ImageDecoder,
    table: ImportTable,
    *,
    fixed: Fixed | None = None,
) -> Preparation:
    """Plans what a table lists and looks at some pictures.

    With `fixed` the files were planned before, splits included, and only their sizes are looked at.
    Raises `BadDataset` when there is nothing to read or fewer than two classes.
    """
    paths = table.paths()
    if not len(paths):
        raise nothing_found(table.rejected_by_code(), next(table.rejected(), None))
    found = table.found(spec.seed)
    plan = plan_as_given(found, spec) if fixed else plan_samples(found, spec)
    look = _Look(source, decoder, paths, plan)
    facts, mean_bytes = look.facts(num_left_out=sum(table.rejected_by_code().values()))
    preprocessing, notes = (fixed.preprocessing, ()) if fixed else _decide(look, facts, spec)
    dividing = replace(spec, validation_share=0.0, test_share=0.0) if fixed else spec
    picture_bytes = int(np.prod(preprocessing.shape)) * preprocessing.dtype.itemsize
    batch_size = min(4096, max(16, BATCH_BYTES // max(mean_bytes, picture_bytes)))
    sha256 = fixed.sha256 if fixed else None
    return Preparation(paths, plan, dividing, preprocessing, notes, batch_size, sha256)


def _decide(look: _Look, facts: list[ImageFacts], spec: DatasetSpec) -> tuple[Preprocessing, tuple[str, ...]]:
    """What is done to every picture, with a sentence where the range of its values had to be found."""
    sizing = decide_size(facts, spec)
    if sizing.depth == "scale" and any(fact.bits == 16 for fact in facts):
        low, high = look.value_range(LOOK_AT_VALUES)
        told = (scaled_note(low, high),) if (low, high) != (0.0, 1.0) else ()
        return prepare(sizing, spec), (*sizing.notes, *told)
    if sizing.depth != "float32":
        return prepare(sizing, spec), sizing.notes
    low, high = look.value_range()
    note = f"Values from {low:g} (black) to {high:g} (white), as in the pictures looked at."
    sizing = replace(sizing, notes=(*sizing.notes, note))
    return prepare(sizing, spec, (low, high)), sizing.notes


class _Look:
    """A look at up to `LOOK_AT` pictures, spread over all classes."""

    def __init__(self, source: SampleSource, decoder: ImageDecoder, paths: TextColumn, plan: Plan) -> None:
        self._source = source
        self._decoder = decoder
        self._paths = paths
        self._ranks = plan.ranks

    def facts(self, *, num_left_out: int) -> tuple[list[ImageFacts], int]:
        """What the headers of readable pictures tell, and the mean size of their files in bytes, at least 1."""
        problems: list[BadImage] = []
        looked_at = [(facts, len(data)) for facts, data in islice(self._readable(problems), LOOK_AT)]
        if not looked_at:
            before = f", and {num_left_out:,} files were left out before" if num_left_out else ""
            text = f"None of {len(problems):,} pictures can be read{before}. The first says: {problems[0].message}"
            raise BadDataset(text, code="dataset.unreadable")
        mean_bytes = sum(size for _, size in looked_at) // len(looked_at)
        return [facts for facts, _ in looked_at], max(1, mean_bytes)

    def value_range(self, most: int = LOOK_AT) -> tuple[float, float]:
        """The least and the greatest number in so many pictures; 0 and 1 where they do not differ."""
        low, high = np.inf, -np.inf
        for _, data in islice(self._readable([]), most):
            try:
                least, greatest = self._decoder.value_range(data)
            except BadImage:
                continue
            low, high = min(low, least), max(high, greatest)
        return (low, high) if low < high else (0.0, 1.0)

    def _readable(self, problems: list[BadImage]) -> Iterator[tuple[ImageFacts, bytes]]:
        """Readable files spread over all classes, with what their headers tell; adds the others to `problems`."""
        stride = max(1, len(self._ranks) // LOOK_AT)
        ranks = chain.from_iterable(self._ranks[start::stride].tolist() for start in range(stride))
        reading = Reading(self._source)
        try:
            for _, content in reading.stream(self._paths[rank] for rank in ranks):
                if isinstance(content, BadImage):
                    problems.append(content)
                    continue
                try:
                    yield self._decoder.probe(content), content
                except BadImage as error:
                    problems.append(error.alone())
        finally:
            reading.close()
