"""A checkup's folder: what was found in a revision, and the fingerprints that the next checkup begins with.

findings.json       `Report`
CODE.samples.npy    int32, the samples of a finding, worst or most alike first
CODE.chosen.npy     int32, those that its fix changes
descriptors.npy     float16 (N, D), detail.npy and light.npy float32 (N,): `Fingerprints` of all samples by index
probabilities.npy and others where models judged: see `judging`
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.checkups.judging import OpenJudge, judge_pictures, judged_by, taken_over, write_judgement
from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.revisions.derived import link_file
from tenfold.adapters.formats.revisions.reader import RevisionFolder
from tenfold.core.datasets.health.checkup import Examined, Judgement, Subject, examine, unseen_right
from tenfold.core.datasets.health.codes import CODES
from tenfold.core.datasets.health.findings import Report, report_from_json
from tenfold.core.datasets.health.fingerprints import Fingerprints, descriptor_size, fingerprint
from tenfold.core.datasets.health.judging import JudgeSpec
from tenfold.core.datasets.model import ONE_CLASS, rejected_kinds
from tenfold.core.datasets.ports import ShouldStop
from tenfold.core.errors import Damaged, NotFound

FINDINGS = "findings.json"
PRINTS = ("descriptors", "detail", "light")
BLOCK_BYTES = 16 << 20
LOOK_AT_REJECTED = 10_000
Tell = Callable[[int, int], None]
JudgeOpener = Callable[[JudgeSpec], OpenJudge]


@dataclass(frozen=True, kw_only=True)
class CheckPlaces:
    """Where a checkup works: `work` is kept between attempts, `destination` is empty; `earlier` may be `None`."""

    work: Path
    destination: Path
    earlier: Path | None = None


def _no_judge(spec: JudgeSpec) -> OpenJudge:
    raise AssertionError(f"nobody opens {spec.name}")


def check_revision(
    reader: RevisionFolder,
    places: CheckPlaces,
    *,
    judges: Sequence[JudgeSpec] = (),
    open_judge: JudgeOpener = _no_judge,
    report: Tell,
    should_stop: ShouldStop,
) -> Report | None:
    """Writes a checkup; `None` if it was stopped. A second call with the same `work` goes on where the first was."""
    prints = take_fingerprints(reader, places, report=report, should_stop=should_stop)
    if prints is None:
        return None
    judgement, source = None, places.work
    if judges:
        judgement = _taken_over(reader, places, judges)
        if judgement is not None:
            source = places.earlier or places.work
        else:
            judgement = judge_pictures(
                reader, [open_judge(spec) for spec in judges], places.work, report=report, should_stop=should_stop
            )
        if judgement is None:
            return None
    examined = examine(subject_of(reader), prints, judgement=judgement)
    with named_disk_errors(prints.descriptors.nbytes):
        for name in PRINTS:
            link_file(places.work / f"{name}.npy", places.destination / f"{name}.npy")
        if judgement is not None:
            write_judgement(judgement, reader.assigned().labels, source, places.destination)
        _write_findings(examined, places.destination)
    return examined.report


def judge_revision(
    reader: RevisionFolder,
    places: CheckPlaces,
    judge: JudgeSpec,
    *,
    open_judge: JudgeOpener,
    report: Tell,
    should_stop: ShouldStop,
) -> Report | None:
    """Writes what one model says of all pictures, and looks for nothing else; `None` if it was stopped."""
    judgement, source = _taken_over(reader, places, [judge]), places.earlier or places.work
    if judgement is None:
        source, opened = places.work, [open_judge(judge)]
        judgement = judge_pictures(reader, opened, places.work, report=report, should_stop=should_stop)
    if judgement is None:
        return None
    by = unseen_right(judgement, reader.assigned())
    told = Report(num_samples=reader.manifest.num_samples, findings=(), checked=(), judged=by)
    with named_disk_errors(judgement.probabilities.nbytes):
        write_judgement(judgement, reader.assigned().labels, source, places.destination)
        _write_findings(Examined(told, ()), places.destination)
    return told


def _taken_over(reader: RevisionFolder, places: CheckPlaces, judges: Sequence[JudgeSpec]) -> Judgement | None:
    """What the earlier checkup has of the same judges."""
    if places.earlier is None or not (places.earlier / FINDINGS).exists():
        return None
    by = judged_by(judges)
    known = CheckupFolder(places.earlier).report
    return taken_over(places.earlier, by, reader) if known.judged.judges == by.judges else None


def subject_of(reader: RevisionFolder) -> Subject:
    """The columns of a revision that a checkup looks at."""
    manifest, assigned = reader.manifest, reader.assigned()
    has_one_class = manifest.label_kind in ONE_CLASS
    return Subject(
        classes=assigned.classes if has_one_class else ("",),
        labels=assigned.labels if has_one_class else np.zeros(len(assigned.splits), np.int32),
        splits=assigned.splits,
        widths=reader.columns["widths"],
        heights=reader.columns["heights"],
        pixel_hashes=reader.columns["pixel_hashes"],
        stored=(manifest.width, manifest.height),
        read=reader.pictures_at,
        span=reader.span,
        num_seen=manifest.seen,
        num_rejected=manifest.num_rejected,
        rejected=rejected_kinds(manifest.rejected_by_code, reader.rejected(limit=LOOK_AT_REJECTED)),
    )


def take_fingerprints(
    reader: RevisionFolder, places: CheckPlaces, *, report: Tell, should_stop: ShouldStop
) -> Fingerprints | None:
    """The fingerprints of all samples, in arrays under `work`; `None` if it was stopped."""
    total = reader.manifest.num_rows
    prints, reached = _open_prints(reader, places, total)
    channels, height, width = reader.input_shape
    size = max(16, BLOCK_BYTES // (channels * height * width * 4))
    mark = places.work / "reached"
    for start in range(reached, total, size):
        stop = min(start + size, total)
        block = fingerprint(reader.pictures_at(np.arange(start, stop)), reader.span)
        for name in PRINTS:
            getattr(prints, name)[start:stop] = getattr(block, name)
        mark.write_text(str(stop), "ascii")
        report(stop, total)
        if should_stop():
            return None
    return prints


def _open_prints(reader: RevisionFolder, places: CheckPlaces, total: int) -> tuple[Fingerprints, int]:
    """Arrays for all samples, and how many of them an earlier attempt or checkup has filled."""
    mark = places.work / "reached"
    if mark.exists():
        arrays = {name: np.load(places.work / f"{name}.npy", mmap_mode="r+", allow_pickle=False) for name in PRINTS}
        return Fingerprints(**arrays), int(mark.read_text("ascii"))
    shapes = {"descriptors": (total, descriptor_size(reader.input_shape[0])), "detail": (total,), "light": (total,)}
    arrays = {}
    for name, shape in shapes.items():
        dtype = np.float16 if name == "descriptors" else np.float32
        with named_disk_errors(int(np.prod(shape)) * 4):
            arrays[name] = np.lib.format.open_memmap(places.work / f"{name}.npy", "w+", dtype, shape)
    known = _earlier_prints(places.earlier, shapes["descriptors"])
    reached = len(known["detail"]) if known else 0
    for name, values in known.items():
        arrays[name][:reached] = values
    mark.write_text(str(reached), "ascii")
    return Fingerprints(**arrays), reached


def _earlier_prints(folder: Path | None, shape: tuple[int, ...]) -> dict[str, npt.NDArray[Any]]:
    """What an earlier checkup knows of the first samples; nothing where it does not fit."""
    if folder is None:
        return {}
    try:
        found = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in PRINTS}
    except (OSError, ValueError):
        return {}
    fits = found["descriptors"].shape[1:] == shape[1:] and len(found["descriptors"]) <= shape[0]
    return found if fits else {}


def _write_findings(examined: Examined, folder: Path) -> None:
    for each in examined.found:
        np.save(folder / f"{each.finding.code}.samples.npy", each.samples)
        np.save(folder / f"{each.finding.code}.chosen.npy", each.chosen)
    text = json.dumps(examined.report.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FINDINGS).write_text(text, "utf-8")


class CheckupFolder:
    """Fulfils `tenfold.core.datasets.health.ports.CheckupReader`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def report(self) -> Report:
        try:
            return report_from_json(json.loads((self._folder / FINDINGS).read_bytes()))
        except FileNotFoundError:
            raise NotFound(f"{self._folder.name} is no checkup: it has no {FINDINGS}.") from None
        except ValueError as error:
            raise Damaged(f"{FINDINGS} in {self._folder.name} cannot be read.") from error

    def samples(self, code: str) -> npt.NDArray[np.int32]:
        return self._indices(code, "samples")

    def chosen(self, code: str) -> npt.NDArray[np.int32]:
        return self._indices(code, "chosen")

    def judged(self, name: str) -> npt.NDArray[Any] | None:
        if not self.report.judged.names:
            return None
        try:
            found: npt.NDArray[Any] = np.load(self._folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Damaged(f"{name}.npy in {self._folder.name} cannot be read: {error}.") from error
        return found

    def _indices(self, code: str, which: str) -> npt.NDArray[np.int32]:
        if code not in CODES or self.report.finding(code) is None:
            return np.empty(0, np.int32)
        name = f"{code}.{which}.npy"
        try:
            found: npt.NDArray[np.int32] = np.load(self._folder / name, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Damaged(f"{name} in {self._folder.name} cannot be read: {error}.") from error
        return found
