"""The form of an import of a model: its file, its classes, and how a picture becomes its input."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.inference.importing import MAX_MODEL_BYTES
from tenfold.core.networks.importing import ForeignFile
from tenfold.interfaces.api.network_files import field_problems, mapped
from tenfold.interfaces.schemas.requests import MODEL_FIELDS

MAX_LABELS_BYTES = 8_000_000
NAMES = ("file", "labels", "name", *(field.name for field in MODEL_FIELDS))


@dataclass(frozen=True)
class ModelForm:
    """What was sent; `file` is nothing and `name` and `labels` are empty where none were given."""

    file: ForeignFile | None
    labels: str
    values: Mapping[str, object]
    name: str


@asynccontextmanager
async def model_form(request: Request) -> AsyncIterator[ModelForm]:
    """The form of a request; its file is there as long as the block. Raises `InvalidFields`."""
    async with request.form(max_files=2, max_fields=20, max_part_size=MAX_LABELS_BYTES) as form:
        yield read_form(form)


def read_form(form: FormData, *, besides: tuple[str, ...] = ()) -> ModelForm:
    """Files and fields of a form; raises `InvalidFields` with every problem. A page may send others `besides`."""
    known = (*NAMES, *besides)
    problems = field_problems(form, known, files=("file", "labels"))
    file = _file(form.get("file"), problems)
    labels = _labels(form.getlist("labels"), problems)
    if problems:
        raise InvalidFields(problems)
    texts = {name: value for name, value in form.items() if isinstance(value, str) and name not in {"file", "labels"}}
    values = {name: value for name, value in texts.items() if name != "name" and name not in besides}
    return ModelForm(file, labels, values, texts.get("name", ""))


def _file(sent: UploadFile | str | None, problems: list[Problem]) -> ForeignFile | None:
    if isinstance(sent, str) and sent:
        problems.append(Problem("file", "file is an ONNX file, not a text.", "type"))
    if not isinstance(sent, UploadFile) or not (sent.filename or sent.size):
        return None
    size = sent.size or 0
    if size > MAX_MODEL_BYTES:
        problems.append(Problem("file", f"file has {size:,} bytes; at most {MAX_MODEL_BYTES:,} are read.", "length"))
        return None
    return ForeignFile(sent.filename or "model.onnx", mapped(sent, size))


def _labels(sent: list[UploadFile | str], problems: list[Problem]) -> str:
    """From a file where one was sent, else as they were typed."""
    for each in sent:
        if isinstance(each, UploadFile) and (each.filename or each.size):
            if (each.size or 0) > MAX_LABELS_BYTES:
                text = f"labels has {each.size:,} bytes; at most {MAX_LABELS_BYTES:,} are read."
                problems.append(Problem("labels", text, "length"))
                return ""
            return each.file.read().decode("utf-8", "replace")
    return next((each for each in sent if isinstance(each, str)), "")
