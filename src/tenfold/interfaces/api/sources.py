"""Where pictures come from, as a body, an address or a form says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import Depends, Request

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.forecast import forecast_problems, needs_a_look
from tenfold.core.datasets.layouts import (
    COLUMN_ROLES,
    SOURCE_FILES,
    LayoutPreview,
    SourceChoice,
    source_choice,
    without_archive_ending,
)
from tenfold.core.datasets.remote import BucketOptions
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.errors import BadDataset, InvalidFields, NotFound, Problem
from tenfold.core.events import Json
from tenfold.core.fields import fields_of
from tenfold.interfaces.services import Services
from tenfold.services.datasets import ImportRequest

_MORE = {"bucket": tuple(field.name for field in fields_of(BucketOptions))}
SOURCE_CHOICES = ("layout", "columns", "prefix", "val_folder", "test_folder")
Found = tuple[dict[str, Json], str]


def _columns_asked(request: Request) -> dict[str, str]:
    """The columns that an address names, as in `&image=file_name&label=species`."""
    asked = request.query_params
    return {role: asked[role] for role in COLUMN_ROLES if asked.get(role)}


ColumnsAsked = Annotated[dict[str, str], Depends(_columns_asked)]


@dataclass(frozen=True)
class ReadingQuery:
    """How an address asks for a source to be read; what is empty is recognised."""

    columns: ColumnsAsked
    layout: str = ""
    prefix: str = ""
    val_folder: str = ""
    test_folder: str = ""

    def asked(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in SOURCE_CHOICES}


ReadingAsked = Annotated[ReadingQuery, Depends()]


def import_request(services: Services, caller: Actor, body: dict[str, Any]) -> ImportRequest:
    """The import that a body or a form asks for; raises `InvalidFields`, `NotFound`, `Forbidden`, `Conflict`."""
    values = {key: value for key, value in body.items() if key not in {"source", "name", *SOURCE_CHOICES}}
    source, wish = source_from(services, caller, body)
    name = body.get("name") or ""
    if not isinstance(name, str):
        raise InvalidFields([Problem("name", f"A name is a text, not {name!r}.", "type")])
    return ImportRequest(source=source, values=values, name=name, proposed_name=wish)


def source_on_server(services: Services, path: str, asked: Mapping[str, object]) -> tuple[str, SourceChoice]:
    """The real path of a folder or file and how it is to be read.

    Raises `InvalidFields`, `NotFound`, `Forbidden`, also of the folder that paths start from.
    """
    found, choice = services.folders.resolve(path, may_be_file=True), choice_from(services, asked)
    _require_different(found, choice)
    return found, choice


def _require_different(path: str, choice: SourceChoice) -> None:
    """Raises `InvalidFields` where two splits would be the same pictures."""
    text = "This is where the other pictures come from: choose a folder of its own, or leave it empty."
    problems = []
    if choice.val_folder == path:
        problems.append(Problem("val_folder", text, "split.same"))
    if choice.test_folder and choice.test_folder in {path, choice.val_folder}:
        problems.append(Problem("test_folder", text, "split.same"))
    if problems:
        raise InvalidFields(problems)


def choice_from(services: Services, asked: Mapping[str, object]) -> SourceChoice:
    """How a source is to be read; raises as `source_on_server`."""
    choice = source_choice(asked)
    val, test = (
        services.folders.resolve(path, may_be_file=True) if path else ""
        for path in (choice.val_folder, choice.test_folder)
    )
    choice = replace(choice, val_folder=val, test_folder=test)
    is_absolute = choice.prefix.startswith(("/", "~/"))
    return replace(choice, prefix=services.folders.resolve(choice.prefix)) if is_absolute else choice


def source_from(services: Services, caller: Actor, body: Mapping[str, object]) -> Found:
    """The source and the name it proposes."""
    source = body.get("source")
    kind = next((kind for kind in _SOURCES if isinstance(source, dict) and kind in source), None)
    if kind is None or not isinstance(source, dict) or not _is_well_formed(kind, source):
        known = ", ".join(_SOURCES)
        text = f'Name one source ({known}), as in {{"sample": "mnist"}}.'
        raise InvalidFields([Problem("source", text, "required")])
    return _SOURCES[kind](services, caller, source, body)


def _is_well_formed(kind: str, source: Mapping[str, object]) -> bool:
    """Whether a source has one kind, what belongs to that kind, and texts only."""
    allowed = {kind, *_MORE.get(kind, ())}
    return set(source) <= allowed and all(isinstance(value, str) for value in source.values())


def _folder(services: Services, _caller: Actor, source: Mapping[str, Any], body: Mapping[str, object]) -> Found:
    path, choice = source_on_server(services, source["folder"], body)
    if path.casefold().endswith(SOURCE_FILES) or needs_a_look(body):  # a file that is none of its kind is refused now
        _require_possible(services.layouts.preview(path, choice), body)
    return {"folder": path, **choice.to_json(), **services.remote.web()}, without_archive_ending(
        PurePosixPath(path).name
    )


def _require_possible(preview: LayoutPreview, body: Mapping[str, object]) -> None:
    """Raises `InvalidFields` for what a look at the source tells that it cannot give."""
    problems = forecast_problems(preview, body)
    if problems:
        raise InvalidFields(problems)


def _upload(services: Services, caller: Actor, source: Mapping[str, Any], body: Mapping[str, object]) -> Found:
    upload = services.uploads.complete(caller, source["upload"])
    choice = choice_from(services, body)
    try:
        _require_possible(services.uploads.preview(caller, upload.id, choice), body)
    except BadDataset as error:
        if error.code != "upload.archive":
            raise
    return {"upload": upload.id, "file": upload.name, **choice.to_json(), **services.remote.web()}, upload.wish


def _sample(_services: Services, _caller: Actor, source: Mapping[str, Any], _body: Mapping[str, object]) -> Found:
    name = source["sample"]
    if name not in SAMPLE_DATASETS:
        known = ", ".join(SAMPLE_DATASETS)
        raise NotFound(f"There is no sample dataset {name!r}; there are {known}.", code="sample.not-found")
    return {"sample": name}, name


def _bucket(services: Services, _caller: Actor, source: Mapping[str, Any], body: Mapping[str, object]) -> Found:
    choice = choice_from(services, body)
    found, wish = services.remote.accept_bucket(source)
    return {**choice.to_json(), **found}, without_archive_ending(wish)


def _url(services: Services, _caller: Actor, source: Mapping[str, Any], body: Mapping[str, object]) -> Found:
    found, wish = services.remote.accept_url(source["url"])
    return {**found, **choice_from(services, body).to_json()}, wish


_SOURCES: Mapping[str, Callable[[Services, Actor, Mapping[str, Any], Mapping[str, object]], Found]] = {
    "folder": _folder,
    "upload": _upload,
    "sample": _sample,
    "bucket": _bucket,
    "url": _url,
}
