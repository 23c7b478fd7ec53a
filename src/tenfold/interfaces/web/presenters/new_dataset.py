"""The form of a new dataset, generated from what `DatasetSpec` declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.layouts import (
    COLUMN_ROLES,
    LABEL_KINDS,
    NO_COLUMN,
    LayoutPreview,
    SourceChoice,
    SourceOptions,
    asked_for,
    source_choice,
)
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import Conflict, InvalidFields, NameTaken, NotFound, Problem, TenfoldError
from tenfold.core.fields import Field, fields_of, parse_spec
from tenfold.core.names import check_name
from tenfold.interfaces.api.sources import choice_from, import_request
from tenfold.interfaces.schemas.requests import BUCKET_FIELDS
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.datasets import samples
from tenfold.interfaces.web.views import forms
from tenfold.interfaces.web.views.datasets import LayoutView, NewDatasetPage

Source = Literal["folder", "archive", "remote", "camera", "sample"]
SOURCES: tuple[Source, ...] = ("folder", "archive", "remote", "camera", "sample")
PREVIEWED = ("resize", "width", "height", "background", "colour", "profile")
BUCKET_OPTIONS = frozenset(field.name for field in BUCKET_FIELDS)
READ_DIFFERENTLY = ("layout", "prefix", "val_folder", "test_folder")
LATER = "Its pictures are seen once the dataset is made."
NO_PICTURE_YET: Mapping[str, str] = {
    "folder": "Choose a folder or file: its first picture stands here, as it is and as it would be stored.",
    "archive": "Once folders or a table have arrived, their first picture stands here; archives are unpacked later.",
    "remote": LATER,
    "camera": LATER,
    "sample": LATER,
}
MISSING = {
    "folder": "Type or choose a folder.",
    "archive": "Drop or choose what is to be sent.",
    "remote": "Type an address, as in s3://NAME/FOLDER.",
    "camera": "Take some pictures first.",
    "sample": "Choose one of the sets.",
}


def new_dataset_page(
    services: Services, actor: Actor, typed: Mapping[str, str], *, problems: Sequence[Problem] = ()
) -> NewDatasetPage:
    """The form as it stands, with what was wrong beside its cause."""
    views = forms.field_views(fields_of(DatasetSpec), typed, problems)
    more = [view for view in views if view.field.level == "everything"]
    source: Source = next((known for known in SOURCES if known == typed.get("source")), "folder")
    by_field = {problem.field: problem.message for problem in problems}
    roots = services.folders.roots()
    known = {view.name for view in views}
    upload_id, upload_name = _upload(services, actor, typed.get("upload", ""))
    original_url, resized_url = _preview(services, actor, typed)
    return NewDatasetPage(
        source=source,
        folder=typed.get("folder") or (f"{roots[0].rstrip('/')}/" if roots else ""),
        roots=roots,
        samples=samples(),
        sample=typed.get("sample", ""),
        groups=forms.grouped(view for view in views if view not in more),
        more_groups=forms.grouped(more),
        more_is_open=any(view.problem or view.is_changed for view in more),
        name=typed.get("name", ""),
        name_problem=by_field.get("name", ""),
        upload_id=upload_id,
        upload_name=upload_name,
        source_problem=_source_problem(by_field),
        web_is_allowed=services.remote.web_is_allowed,
        bucket=typed.get("bucket", ""),
        bucket_fields=forms.field_views(BUCKET_FIELDS, {**typed, "secret_key": ""}, problems),
        layout=LayoutView() if _source_problem(by_field) else _layout(services, actor, typed),
        no_picture_yet=NO_PICTURE_YET,
        original_url=original_url,
        resized_url=resized_url,
        problem=" ".join(
            problem.message
            for problem in problems
            if problem.field not in {*known, *BUCKET_OPTIONS, "name", "source", "bucket", "url"}
        ),
    )


def _source_problem(by_field: Mapping[str, str]) -> str:
    return by_field.get("source", "") or by_field.get("bucket", "") or by_field.get("url", "")


def _preview(services: Services, actor: Actor, typed: Mapping[str, str]) -> tuple[str, str]:
    """The addresses of the first picture of what was chosen, as it is and resized; empty while there is none."""
    folder, upload = typed.get("folder", "").strip(), typed.get("upload", "")
    place: dict[str, str] = {}
    if typed.get("source", "folder") == "folder" and folder.rstrip("/") not in {"", *services.folders.roots()}:
        address, place = "/api/v1/folders/picture?", {"path": folder}
    elif typed.get("source") == "archive" and upload:
        address = f"/api/v1/uploads/{upload}/picture?"
    else:
        return "", ""
    read: dict[str, str] = {role: typed[f"{role}_column"] for role in COLUMN_ROLES if typed.get(f"{role}_column")}
    place |= {**read, **{name: typed[name] for name in ("layout", "prefix") if typed.get(name)}}
    try:
        services.folders.resolve(folder, may_be_file=True) if "path" in place else services.uploads.folder(
            actor, upload
        )
    except TenfoldError:
        return "", ""
    asked = {"resize": "squash", **{name: typed[name] for name in PREVIEWED if typed.get(name)}}
    return address + urlencode(place), address + urlencode({**place, **asked})


def submit(
    services: Services, actor: Actor, typed: Mapping[str, str], refusal: TenfoldError | None = None
) -> Dataset | tuple[NewDatasetPage, TenfoldError]:
    """The dataset that is being built, or the form again with the error; `refusal` is why its files were not taken."""
    names = {field.name for field in fields_of(DatasetSpec)}
    values: dict[str, object] = {name: value for name, value in typed.items() if name in names}
    try:
        if refusal is not None:
            raise refusal
        about = {"name": typed.get("name", ""), "source": _source(typed), **asked_for(typed)}
        asked = import_request(services, actor, {**values, **about})
        return services.datasets.import_samples(actor, asked)
    except TenfoldError as error:
        return new_dataset_page(
            services, actor, typed, problems=_all_problems(error, values, typed.get("name", ""))
        ), error


def _layout(services: Services, actor: Actor, typed: Mapping[str, str]) -> LayoutView:
    """What was chosen holds, and the fields that say how it is to be read; nothing before something is chosen."""
    look = _looker(services, actor, typed)
    if look is None:
        return LayoutView()
    by_name = {field.name: field for field in fields_of(SourceOptions)}
    others = [by_name[name] for name in READ_DIFFERENTLY]
    try:
        asked = {**_known_columns(services, look, typed), "label_kind": _label_kind(typed)}
        choice = choice_from(services, asked)
        return _layout_view(look(choice), choice, by_name)
    except TenfoldError as error:
        if error.code == "upload.archive":
            return LayoutView(notes=(error.message,))
        is_open = any(typed.get(field.name) for field in others)
        views = forms.field_views(others, typed)
        return LayoutView(problem=error.message, others=views, others_are_open=is_open)


def _looker(
    services: Services, actor: Actor, typed: Mapping[str, str]
) -> Callable[[SourceChoice], LayoutPreview] | None:
    """Looks at what was chosen, in the way that it is told to be read."""
    kind, path, upload = typed.get("source", "folder"), typed.get("folder", "").strip(), typed.get("upload", "")
    if kind == "folder" and path:
        return lambda choice: services.layouts.preview(services.folders.resolve(path, may_be_file=True), choice)
    if kind == "archive" and upload:
        return lambda choice: services.uploads.preview(actor, upload, choice)
    return None


def _known_columns(
    services: Services, look: Callable[[SourceChoice], LayoutPreview], typed: Mapping[str, str]
) -> dict[str, object]:
    """The typed choice without columns that are not there, as when another table was chosen since."""
    asked = asked_for(typed)
    if "columns" in asked:
        known = look(choice_from(services, {**asked, "columns": {}})).look.columns
        asked["columns"] = {
            role: name for role, name in source_choice(asked).columns.items() if name in {*known, NO_COLUMN}
        }
    return asked


def _label_kind(typed: Mapping[str, str]) -> str:
    """The chosen kind of label; the ordinary one while another is none."""
    kind = typed.get("label_kind", "")
    return kind if kind in LABEL_KINDS else ""


def _layout_view(preview: LayoutPreview, choice: SourceChoice, by_name: Mapping[str, Field]) -> LayoutView:
    look = preview.look
    options = [forms.Option(value=name, label=name) for name in look.columns]
    columns = [by_name[f"{role}_column"] for role in COLUMN_ROLES]
    without = {role: name for role, name in choice.columns.items() if name == NO_COLUMN}
    chosen = {f"{role}_column": name for role, name in {**look.chosen, **without}.items()}
    none = [forms.Option(value=NO_COLUMN, label="none")]
    needed = {"image_column", "label_column"}
    fields = {field.name: options if field.name in needed else [*options, *none] for field in columns}
    others = {name: getattr(choice, name) or "" for name in READ_DIFFERENTLY}
    return LayoutView(
        sentence=preview.sentence,
        notes=look.notes,
        columns=forms.field_views(columns, chosen, options=fields, proposals=chosen) if look.columns else (),
        headings=look.columns if look.rows else (),
        rows=look.rows,
        others=forms.field_views([by_name[name] for name in READ_DIFFERENTLY], others),
        others_are_open=any(others.values()),
    )


def _source(typed: Mapping[str, str]) -> dict[str, str]:
    kind = typed.get("source", "")
    key = {"archive": "upload", "camera": "upload", "remote": "bucket"}.get(kind, kind)
    value = typed.get(key, "").strip()
    key = "url" if value.startswith(("http://", "https://")) and key == "bucket" else key
    if kind not in MISSING or not value:
        raise InvalidFields([Problem("source", MISSING.get(kind, "Say where the pictures are."), "required")])
    more = {name: typed[name].strip() for name in BUCKET_OPTIONS if typed.get(name, "").strip()}
    return {key: value, **(more if key == "bucket" else {})}


def _all_problems(error: TenfoldError, values: Mapping[str, object], name: str) -> Sequence[Problem]:
    """What is wrong with the source, the fields and the name: all of it at once, each place named once."""
    found = {problem.field: problem for problem in _problems(error)}
    for check in (lambda: parse_spec(DatasetSpec, values), lambda: check_name(name or "unnamed")):
        try:
            check()
        except InvalidFields as other:
            found = {**{problem.field: problem for problem in other.problems}, **found}
    return tuple(found.values())


def _problems(error: TenfoldError) -> Sequence[Problem]:
    if isinstance(error, InvalidFields) and error.problems[0].field != "files":
        return error.problems
    field = "name" if isinstance(error, NameTaken) else "source"
    return (Problem(field, error.message, error.code),)


def _upload(services: Services, actor: Actor, id: str) -> tuple[str, str]:
    """What has arrived already, and its name; nothing when it is not known."""
    if not id:
        return "", ""
    try:
        return id, services.uploads.complete(actor, id).name
    except (NotFound, Conflict):
        return "", ""
