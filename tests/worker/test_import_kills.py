"""An import whose worker is killed goes on by itself, ends as if nobody had touched it, and leaves no litter."""

from __future__ import annotations

import asyncio
import io
import os
import random
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.uploads import SentFile
from tenfold.core.events import Envelope, Json, PhaseStarted, Progressed
from tenfold.services.datasets import ImportRequest
from tenfold.testing.picture_files import encode, make_photo

from .workstation import Workstation

PHASES = ("while it lists", "while it decodes", "while it publishes")
UNPACKING = "while it unpacks"
TRIES = 10  # a busy machine may look too late
LINKS = 500


@pytest.fixture(scope="module")
def photos(workstation: Workstation) -> Path:
    """Three classes of photos, few of them different: 1,500 names, and one file that is no picture."""
    folder = workstation.data.parent / "photos"
    for label in range(3):
        (folder / f"class {label}").mkdir(parents=True)
        originals = [encode(make_photo(500, 375, seed=10 * label + n), "JPEG", quality=92) for n in range(4)]
        for number, content in enumerate(originals):
            (folder / f"class {label}" / f"original {number}.jpg").write_bytes(content)
        for number in range(LINKS):
            source = folder / f"class {label}" / f"original {number % 4}.jpg"
            os.link(source, folder / f"class {label}" / f"{number:04d}.jpg")
    (folder / "class 1" / "0100x.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def whole(workstation: Workstation, photos: Path) -> Dataset:
    return workstation.dataset(photos, width=128, height=128)


def test_a_killed_import_ends_like_the_uninterrupted_one(
    workstation: Workstation, photos: Path, whole: Dataset
) -> None:
    kill_and_compare(workstation, lambda: {"folder": str(photos)}, whole, PHASES)


def test_an_archive_that_was_sent_ends_alike_wherever_it_is_killed(workstation: Workstation, photos: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(photos.glob("*/0[01]*.jpg")):
            archive.write(path, path.relative_to(photos))

    def send() -> dict[str, Json]:
        return {"upload": asyncio.run(sent(workstation, buffer.getvalue()))}

    request = ImportRequest(source=send(), values={"width": 128, "height": 128}, name="archive")
    made = workstation.services.datasets.import_samples(workstation.owner, request)
    whole = workstation.wait(lambda: now(workstation, made), lambda found: found.state != "building")
    kill_and_compare(workstation, send, whole, (UNPACKING, "while it decodes"))
    uploads = workstation.data / "uploads"
    workstation.wait(lambda: [path.name for path in uploads.iterdir()], lambda names: not names)


async def sent(workstation: Workstation, content: bytes) -> str:
    """The id of an upload of one archive that is complete."""

    async def blocks() -> AsyncIterator[bytes]:
        yield content

    uploads, owner = workstation.services.uploads, workstation.owner
    begun = uploads.begin(owner, [SentFile("photos.zip", len(content))])
    return (await uploads.append(owner, begun.id, 0, blocks())).id


@pytest.mark.campaign
def test_campaign_import_kill(workstation: Workstation, photos: Path, whole: Dataset) -> None:
    kill_and_compare(workstation, lambda: {"folder": str(photos)}, whole, [PHASES[n % len(PHASES)] for n in range(20)])
    print(f"\n20 kills of imports {', '.join(PHASES)}: manifest {manifest_of(workstation, whole)[:16]}")


def kill_and_compare(
    workstation: Workstation, source: Callable[[], dict[str, Json]], whole: Dataset, phases: Sequence[str]
) -> None:
    assert whole.state == "ready", whole.message
    chance = random.Random(len(phases))
    before = revisions(workstation)
    num_imports = 0
    for phase in phases:
        for _ in range(TRIES):
            at = chance.uniform(0.05, 0.8) * whole.num_samples
            num_imports += 1
            if is_killed_once(workstation, source(), f"killed {len(before)} {num_imports}", whole, (phase, at)):
                break
        else:
            pytest.fail(f"{TRIES} imports came through {phase} before they were killed")
    assert len(revisions(workstation)) == len(before) + num_imports


def is_killed_once(
    workstation: Workstation, source: dict[str, Json], name: str, whole: Dataset, place: tuple[str, float]
) -> bool:
    """An import killed in this phase at this picture, which ends as `whole`; false where it came through first."""
    phase, at = place
    request = ImportRequest(source=source, values={"width": 128, "height": 128}, name=name)
    made = workstation.services.datasets.import_samples(workstation.owner, request)
    reached = kill_in(workstation, made, phase, at)
    over = workstation.wait(lambda: now(workstation, made), lambda found: found.state != "building")
    assert over.state == "ready", over.message
    assert manifest_of(workstation, over) == manifest_of(workstation, whole)
    is_killed = any(each.attempt == 2 for each in events_of(workstation, over))
    if phase == "while it decodes" and is_killed:
        assert first_progress(workstation, over, attempt=2) >= reached > 0
    work = workstation.data / "jobs" / over.job / "work"
    workstation.wait(work.exists, lambda is_there: not is_there)
    left = [path.name for path in (workstation.data / "jobs" / over.job / "attempts").iterdir()]
    assert left in ([], ["2" if is_killed else "1"])
    return is_killed


def kill_in(workstation: Workstation, made: Dataset, phase: str, at: float) -> int:
    """Kills the import's first worker in a phase, of decoding at so many pictures; returns how many were done then."""
    unpacked = workstation.data / "jobs" / made.job / "work" / "unpacked"
    conditions: dict[str, Callable[[list[Envelope]], bool]] = {
        UNPACKING: lambda _events: unpacked.exists(),
        "while it lists": bool,
        "while it decodes": lambda events: any(done >= at for done in counts(events)),
        "while it publishes": lambda events: any(
            isinstance(each.event, PhaseStarted) and each.event.phase == "publishing" for each in events
        ),
    }
    deadline = time.monotonic() + 300
    while True:
        assert time.monotonic() < deadline, f"{phase} was not reached"
        events = events_of(workstation, made)
        if conditions[phase](events):
            workstation.services.desk._executor.kill(made.job)
            return max(counts(events_of(workstation, made)), default=0)
        time.sleep(0.002)


def counts(events: list[Envelope]) -> list[int]:
    return [each.event.done for each in events if isinstance(each.event, Progressed) and each.event.total]


def first_progress(workstation: Workstation, made: Dataset, *, attempt: int) -> int:
    return next(iter(counts([each for each in events_of(workstation, made) if each.attempt == attempt])), 0)


def events_of(workstation: Workstation, made: Dataset) -> list[Envelope]:
    found, _ = workstation.services.desk._folders.read_events(made.job, 0)
    return list(found)


def now(workstation: Workstation, made: Dataset) -> Dataset:
    return workstation.services.datasets.named.get(workstation.owner, made.id)


def revisions(workstation: Workstation) -> list[str]:
    return sorted(path.name for path in (workstation.data / "artifacts" / "revisions").iterdir())


def manifest_of(workstation: Workstation, made: Dataset) -> str:
    with workstation.services.database.read() as tx:
        return tx.revisions.get(now(workstation, made).revision).manifest
