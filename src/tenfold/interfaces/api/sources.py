"""Where pictures come from, as a body, an address or a form says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import Depends, Request

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.layouts import COLUMN_ROLES, SOURCE_FILES, SourceChoice, source_choice
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
    return services.folders.resolve(path, may_be_file=True), choice_from(services, asked)


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
    if path.casefold().endswith(SOURCE_FILES):
        services.layouts.preview(path, choice)  # a file that is none of its kind is refused at once
    return {"folder": path, **choice.to_json(), **services.remote.web()}, PurePosixPath(path).name


def _upload(services: Services, caller: Actor, source: Mapping[str, Any], body: Mapping[str, object]) -> Found:
    upload = services.uploads.complete(caller, source["upload"])
    choice = choice_from(services, body)
    try:
        services.uploads.preview(caller, upload.id, choice)
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


def _bucket(services: Services, _caller: Actor, source: Mapping[str, Any], _body: Mapping[str, object]) -> Found:
    return services.remote.accept_bucket(source)


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
