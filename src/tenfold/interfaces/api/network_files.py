"""The form of an import: the files of a network of another program, and what they leave open."""

from __future__ import annotations

import mmap
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.networks.importing import ForeignFile, ForeignFiles
from tenfold.interfaces.schemas.requests import IMPORT_FIELDS

MAX_DESCRIPTION = 10_000_000
MAX_WEIGHTS = 2_000_000_000
FILES = ("network", "solver", "weights")


@dataclass(frozen=True)
class ImportForm:
    """What was sent; `name` is empty where none was given."""

    files: ForeignFiles
    values: Mapping[str, object]
    name: str


@asynccontextmanager
async def import_form(request: Request) -> AsyncIterator[ImportForm]:
    """The form of a request; its files are there as long as the block. Raises `InvalidFields`."""
    async with request.form(max_files=len(FILES), max_fields=20) as form:
        yield read_form(form)


def field_problems(form: FormData, known: Collection[str], *, files: Collection[str]) -> list[Problem]:
    """Fields that there are not, and files in place of texts; `files` are the fields that may be one."""
    unknown = [
        Problem(name[:40] or "form", f"There is no field {name[:40]!r}; there are {', '.join(known)}.", "unknown")
        for name in form
        if name not in known
    ]
    return unknown + [
        Problem(name, f"{name} is a text, not a file.", "type")
        for name in known
        if name not in files and isinstance(form.get(name), UploadFile)
    ]


def read_form(form: FormData) -> ImportForm:
    """Files and fields of a form; raises `InvalidFields` with every problem."""
    known = (*FILES, "name", *(field.name for field in IMPORT_FIELDS))
    problems = field_problems(form, known, files=FILES)
    found = {name: _file(form.get(name), name, problems) for name in FILES}
    texts = {name: value for name, value in form.items() if name not in FILES and isinstance(value, str)}
    network = found["network"]
    if network is None and all(problem.field != "network" for problem in problems):
        problems.append(Problem("network", "Choose the file with the network's description.", "required"))
    if problems or network is None:
        raise InvalidFields(problems)
    files = ForeignFiles(network=network, solver=found["solver"], weights=found["weights"])
    return ImportForm(files, {name: value for name, value in texts.items() if name != "name"}, texts.get("name", ""))


def _file(sent: UploadFile | str | None, name: str, problems: list[Problem]) -> ForeignFile | None:
    if isinstance(sent, str) and sent:
        return ForeignFile(f"{name}.prototxt", sent.encode("utf-8", "replace"))
    if not isinstance(sent, UploadFile) or not (sent.filename or sent.size):
        return None
    size, most = sent.size or 0, MAX_WEIGHTS if name == "weights" else MAX_DESCRIPTION
    if size > most:
        text = f"{name} has {size:,} bytes; at most {most:,} are read."
        problems.append(Problem(name, text, "length"))
        return None
    return ForeignFile(sent.filename or name, mapped(sent, size) if name == "weights" else sent.file.read())


def mapped(sent: UploadFile, size: int) -> bytes | memoryview:
    """The content without holding it, where it lies on the disk already."""
    sent.file.seek(0)
    if not size or not getattr(sent.file, "_rolled", False):
        return sent.file.read()
    return memoryview(mmap.mmap(sent.file.fileno(), size, access=mmap.ACCESS_READ))
