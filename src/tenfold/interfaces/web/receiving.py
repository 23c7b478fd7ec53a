"""Files that come with a form: without scripts there is no other way."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.uploads import SentFile, Upload
from tenfold.interfaces.services import Services

BLOCK = 1 << 20


def chosen_files(form: FormData, name: str) -> list[UploadFile]:
    """The files of a field; an empty field has one without a name."""
    return [each for each in form.getlist(name) if isinstance(each, UploadFile) and each.filename]


async def receive(services: Services, caller: Actor, files: Sequence[UploadFile]) -> Upload:
    """A complete upload of these files; raises what `UploadService` does."""
    mark = secrets.token_hex(8)  # so that no unfinished upload of the same files is gone on with
    announced = [SentFile(file.filename or "", file.size or 0, mark) for file in files]
    upload = await run_in_threadpool(services.uploads.begin, caller, announced)
    coming = [file for number, file in enumerate(files) if number not in upload.refused]
    return await services.uploads.append(caller, upload.id, 0, _blocks(coming))


async def _blocks(files: Sequence[UploadFile]) -> AsyncIterator[bytes]:
    for file in files:
        while block := await file.read(BLOCK):
            yield block
