"""Uploaded files under `uploads/` of the data folder."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

from tenfold.adapters.storage.durable import disk_errors, fsync_path, write_durably
from tenfold.core.datasets.model import RejectedFile
from tenfold.core.datasets.uploads import PIECE_BYTES, PieceDigest, Upload, UploadPlan
from tenfold.core.errors import Conflict, Invalid, NotFound, TooLarge
from tenfold.core.events import Json
from tenfold.core.ids import is_id, new_id

WRITTEN_AT_ONCE = 1 << 20
KEPT_OPEN = 32
SYNCED_ONE_BY_ONE = 64
FILES, ABOUT, LIST, PIECES, DIGEST = "files", "about.json", "files.json", "pieces", "digest"


class FolderUploads:
    """Fulfils `tenfold.core.datasets.uploads.UploadStore`.

    `ID/files` holds what arrived, each file at its checked path, and files are filled in their order: so how far the
    upload is stands on the disk itself. `ID/pieces` keeps the digests of whole pieces, `ID/digest` says that all is
    there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._open: OrderedDict[str, _Receiving] = OrderedDict()
        folder.mkdir(parents=True, exist_ok=True)

    def clear_unfinished(self) -> None:
        """Removes what was being announced when an earlier server died; before this one receives."""
        for part in self._folder.glob(".*.part"):
            shutil.rmtree(part)

    def begin(self, owner: str, plan: UploadPlan) -> Upload:
        with self._mutex:
            known = next((each for each in self._abouts() if self._is_same(each, owner, plan)), None)
            begun = str(known["id"]) if known else self._announce(owner, plan)
        return self.get(begun)

    async def append(self, id: str, offset: int, blocks: AsyncIterator[bytes], *, digest: str = "") -> Upload:
        receiving = self._receiving(id)
        with disk_errors(self._folder / id):
            if receiving is not None:
                await self._take(receiving, offset, blocks)
                if receiving.offset == receiving.size_bytes:
                    await asyncio.to_thread(self._complete, id, receiving, digest)
        return self.get(id)

    def get(self, id: str) -> Upload:
        about = self._about(id)
        with _named(id):
            refused = json.loads((self._folder / id / LIST).read_text("utf-8"))["refused"]
        return self._upload(about, {number: RejectedFile(*each) for number, *each in refused})

    def all(self) -> list[Upload]:
        return list(self._uploads())

    def path(self, id: str) -> Path:
        return self._folder / str(self._about(id)["id"]) / FILES

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    def idle_since(self, time: float) -> list[str]:
        found = (path for path in self._folder.iterdir() if is_id(path.name))
        return sorted(path.name for path in found if path.stat().st_mtime < time)

    def remove(self, id: str) -> None:
        if is_id(id):
            with self._mutex:
                receiving = self._open.pop(id, None)
            if receiving is not None:
                receiving.writer = None
            gone = self._folder / f".{id}.part"
            with suppress(FileNotFoundError):
                (self._folder / id).rename(gone)  # at once: nobody finds it with half of its files
            shutil.rmtree(gone, ignore_errors=True)

    async def _take(self, receiving: _Receiving, offset: int, blocks: AsyncIterator[bytes]) -> None:
        """Appends a stream; a call that comes later takes the upload over, for its sender has lost this one."""
        token = object()
        async with receiving.turn:
            if offset != receiving.offset:
                text = f"The upload has {receiving.offset:,} bytes by now: go on there, not at {offset:,}."
                raise Conflict(text, code="upload.offset", offset=receiving.offset)
            receiving.writer = token
        waiting = bytearray()
        try:
            async for block in blocks:
                waiting += block
                if len(waiting) >= WRITTEN_AT_ONCE:
                    ready, waiting = waiting, bytearray()
                    await self._write(receiving, token, ready)
        finally:
            await self._write(receiving, token, waiting)
            await asyncio.to_thread(receiving.rest)
            receiving.writer = None

    @staticmethod
    async def _write(receiving: _Receiving, token: object, content: bytearray) -> None:
        async with receiving.turn:
            if content and receiving.writer is not token:
                raise Conflict("A later request goes on with this upload.", code="upload.taken-over")
            if receiving.offset + len(content) > receiving.size_bytes:
                text = f"The upload was announced with {receiving.size_bytes:,} bytes, and more came."
                raise TooLarge(text, code="upload.size")
            if content:
                await asyncio.to_thread(receiving.write, content)

    def _complete(self, id: str, receiving: _Receiving, digest: str) -> None:
        found = receiving.digest.hexdigest()
        if digest and digest != found:
            self.remove(id)
            text = "What arrived is not what was sent: its digest differs. Send it again."
            raise Invalid(text, code="upload.digest")
        receiving.finish()
        write_durably(self._folder / id / DIGEST, found.encode())
        with self._mutex:
            self._open.pop(id, None)

    def _announce(self, owner: str, plan: UploadPlan) -> str:
        made = new_id("upload")
        part = self._folder / f".{made}.part"
        about = {
            "id": made,
            "owner": owner,
            "name": plan.name,
            "num_files": len(plan.files),
            "size_bytes": plan.size_bytes,
            "fingerprint": plan.fingerprint,
        }
        listed = {
            "files": [[file.path, file.size_bytes] for file in plan.files],
            "refused": [[number, each.path, each.code, each.message] for number, each in plan.refused.items()],
        }
        with disk_errors(self._folder / made):
            try:
                (part / FILES).mkdir(parents=True, mode=0o700)
                (part / LIST).write_text(json.dumps(listed), "utf-8")
                write_durably(part / ABOUT, json.dumps(about).encode())
                part.rename(self._folder / made)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        return made

    def _is_same(self, about: dict[str, Json], owner: str, plan: UploadPlan) -> bool:
        is_open = not (self._folder / str(about["id"]) / DIGEST).exists()
        return is_open and (about["owner"], about["fingerprint"]) == (owner, plan.fingerprint)

    def _uploads(self) -> Iterator[Upload]:
        for about in self._abouts():
            try:
                yield self._upload(about)
            except NotFound:
                continue  # it was removed meanwhile

    def _abouts(self) -> Iterator[dict[str, Json]]:
        for path in sorted(self._folder.iterdir()):
            if is_id(path.name):
                try:
                    yield self._about(path.name)
                except NotFound:
                    continue  # it was removed meanwhile

    def _about(self, id: str) -> dict[str, Json]:
        with _named(id):
            if not is_id(id):
                raise FileNotFoundError
            about: dict[str, Json] = json.loads((self._folder / id / ABOUT).read_text("utf-8"))
        return about

    def _upload(self, about: dict[str, Json], refused: Mapping[int, RejectedFile] = MappingProxyType({})) -> Upload:
        own, size = str(about["id"]), int(str(about["size_bytes"]))
        with _named(own):
            receiving = self._receiving(own)
            digest = "" if receiving is not None else (self._folder / own / DIGEST).read_text("ascii")
        return Upload(
            id=own,
            owner=str(about["owner"]),
            name=str(about["name"]),
            num_files=int(str(about["num_files"])),
            size_bytes=size,
            offset=size if receiving is None else receiving.offset,
            fingerprint=str(about["fingerprint"]),
            digest=digest,
            refused=refused,
        )

    def _receiving(self, id: str) -> _Receiving | None:
        """The upload as it is being received; `None` when it is complete."""
        self._about(id)
        if (self._folder / id / DIGEST).exists():
            return None
        with self._mutex:
            if id not in self._open:
                self._open[id] = _Receiving(self._folder / id)
            self._open.move_to_end(id)
            idle = [known for known, each in self._open.items() if each.writer is None and known != id]
            for known in idle[: max(0, len(self._open) - KEPT_OPEN)]:
                del self._open[known]
            return self._open[id]


@contextmanager
def _named(id: str) -> Iterator[None]:
    """Says that there is no such upload where its files are not there, or not any more."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no upload {id!r}.", code="upload.not-found") from None


class _Receiving:
    """An upload that is not complete: the place of the next byte, and the digest of those before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        listed = json.loads((folder / LIST).read_text("utf-8"))["files"]
        self._paths: list[str] = [path for path, _ in listed]
        self._ends: list[int] = list(accumulate(size for _, size in listed))
        self.turn = asyncio.Lock()
        self.writer: object | None = None
        self._file: int | None = None
        self._handle = -1
        self.offset = self._arrived()
        self.digest = self._digest()

    @property
    def size_bytes(self) -> int:
        return self._ends[-1] if self._ends else 0

    def write(self, content: bytes | bytearray) -> None:
        """Appends bytes to the files that they belong to; no more than are missing."""
        known = len(self.digest.pieces)
        rest = memoryview(content)
        while rest:
            file = bisect_right(self._ends, self.offset)
            part = rest[: self._ends[file] - self.offset]
            self._turn_to(file)
            written = os.write(self._handle, part)
            self.digest.update(part[:written])
            self.offset += written
            rest = rest[written:]
        if len(self.digest.pieces) > known:
            with (self._folder / PIECES).open("ab") as pieces:
                pieces.write(self.digest.pieces[known:])

    def rest(self) -> None:
        """Closes the file in hand, and notes that something came just now."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._file = -1, None
        if self._folder.exists():
            os.utime(self._folder)

    def finish(self) -> None:
        """Makes the empty files, which no byte belongs to, and brings all to the disk itself."""
        self.rest()
        for number, path in enumerate(self._paths):
            if not self._size(number):
                os.close(self._create(path))
        if len(self._paths) > SYNCED_ONE_BY_ONE:
            os.sync()  # one call for any number of files
            return
        for path in self._paths:
            fsync_path(self._folder / FILES / path)

    def _turn_to(self, file: int) -> None:
        if file != self._file:
            if self._handle >= 0:
                os.close(self._handle)
            self._file, self._handle = file, self._create(self._paths[file])

    def _create(self, path: str) -> int:
        target = self._folder / FILES / path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(target, flags, 0o600)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            return os.open(target, flags, 0o600)

    def _arrived(self) -> int:
        """How many bytes lie on the disk: files are filled in order, so the first that is not full is the last."""
        sized = [number for number in range(len(self._ends)) if self._size(number)]
        full = bisect_left(sized, True, key=lambda number: self._on_disk(number) < self._size(number))
        if full == len(sized):
            return self.size_bytes
        return self._ends[sized[full]] - self._size(sized[full]) + self._on_disk(sized[full])

    def _size(self, number: int) -> int:
        return self._ends[number] - (self._ends[number - 1] if number else 0)

    def _on_disk(self, number: int) -> int:
        try:
            return (self._folder / FILES / self._paths[number]).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def _digest(self) -> PieceDigest:
        """The digest of what lies on the disk; only what its known pieces lack is read."""
        try:
            known = bytearray((self._folder / PIECES).read_bytes())
        except FileNotFoundError:
            known = bytearray()
        count = min(len(known) // 32, self.offset // PIECE_BYTES)
        digest = PieceDigest(known[: 32 * count])
        for block in self._read(count * PIECE_BYTES):
            digest.update(block)
        (self._folder / PIECES).write_bytes(digest.pieces)
        return digest

    def _read(self, start: int) -> Iterator[bytes]:
        """What lies on the disk from a place of the stream on."""
        while start < self.offset:
            file = bisect_right(self._ends, start)
            inside = start - (self._ends[file] - self._size(file))
            with (self._folder / FILES / self._paths[file]).open("rb") as opened:
                opened.seek(inside)
                while block := opened.read(min(WRITTEN_AT_ONCE, self.offset - start)):
                    start += len(block)
                    yield block
