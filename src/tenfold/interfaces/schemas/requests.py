"""What the REST API takes, generated from the declared fields: one schema for documents, command line and client."""

from __future__ import annotations

from typing import Any

from tenfold.core.datasets.edits import MAX_CHOSEN, Change
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.spec import LabelSearch
from tenfold.core.datasets.layouts import COLUMN_ROLES, LAYOUTS
from tenfold.core.datasets.remote import BucketOptions
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.datasets.uploads import MAX_FILES
from tenfold.core.fields import Field, fields_of
from tenfold.core.inference.importing import ModelImport
from tenfold.core.networks.importing import NetworkImport
from tenfold.core.networks.operation import Operation
from tenfold.core.training.spec import TrainingSpec

RUN_FIELDS: tuple[Field, ...] = fields_of(TrainingSpec)
DATASET_FIELDS: tuple[Field, ...] = fields_of(DatasetSpec)
BUCKET_FIELDS: tuple[Field, ...] = fields_of(BucketOptions)
CHANGE_FIELDS: tuple[Field, ...] = fields_of(Change)
OPERATION_FIELDS: tuple[Field, ...] = fields_of(Operation)
IMPORT_FIELDS: tuple[Field, ...] = fields_of(NetworkImport)
MODEL_FIELDS: tuple[Field, ...] = fields_of(ModelImport)
LABEL_FIELDS: tuple[Field, ...] = fields_of(LabelSearch)
FILTER_FIELDS: tuple[Field, ...] = fields_of(SampleFilter)


def object_schema(fields: tuple[Field, ...], **more: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object with these fields."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**{field.name: field.json_schema() for field in fields}, **more},
        "required": [field.name for field in fields if field.required],
    }


def run_request() -> dict[str, Any]:
    """The body of a submit."""
    about = "Network parameters by name; what is left out has the network's own default."
    return object_schema(RUN_FIELDS, parameters={"type": "object", "description": about})


def dataset_request() -> dict[str, Any]:
    """The body of an import."""
    name = {"type": ["string", "null"], "description": "Left out, a free name is made of the source's."}
    schema = object_schema(DATASET_FIELDS, name=name, **_source())
    return {**schema, "required": ["source", *schema["required"]]}


_ON = {"type": "string", "description": "The revision that this is asked for on; another by now is refused."}


def edit_request() -> dict[str, Any]:
    """The body of an edit: what is done, and to which samples."""
    index = {"type": "integer", "minimum": 0}
    indices = {"type": "array", "items": index, "maxItems": MAX_CHOSEN, "description": "These samples."}
    wanted = {**object_schema(FILTER_FIELDS), "description": "All samples that it finds; without a field, all."}
    schema = object_schema(CHANGE_FIELDS, revision=_ON, indices=indices, filter=wanted)
    return {**schema, "required": ["revision", *schema["required"]]}


def addition_request() -> dict[str, Any]:
    """The body of an addition."""
    return {**object_schema((), **_source()), "required": ["source"]}


def _source() -> dict[str, dict[str, Any]]:
    """Where pictures come from, and how they lie there."""
    source = {
        "description": "Where the pictures come from: one of folder, upload, sample, bucket and url.",
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "folder": {"type": "string", "description": "A folder or file on the server, inside its roots."},
            "upload": {"type": "string", "description": "The id of a complete upload."},
            "sample": {"type": "string", "description": "A public dataset that Tenfold can fetch, as in `mnist`."},
            "bucket": {"type": "string", "description": "A folder of a bucket, as in `s3://NAME/FOLDER`."},
            "url": {"type": "string", "description": "An archive, list, table or page of links in the web."},
            **{field.name: {"type": "string", "description": f"Of a bucket. {field.help}"} for field in BUCKET_FIELDS},
        },
    }
    layout = {
        "type": ["string", "null"],
        "enum": [*LAYOUTS, None],
        "description": "How the pictures lie there; left out, it is recognised.",
    }
    columns = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {role: {"type": "string", "description": f"The column: {role}."} for role in COLUMN_ROLES},
        "description": "Columns of a table by what they tell; those left out are recognised.",
    }
    prefix = {"type": ["string", "null"], "description": "The folder that paths in lists and tables start from."}
    apart = {
        name: {"type": ["string", "null"], "description": f"The pictures for {word}, where they lie elsewhere."}
        for name, word in (("val_folder", "validation"), ("test_folder", "testing"))
    }
    return {"source": source, "layout": layout, "columns": columns, "prefix": prefix, **apart}


def upload_request() -> dict[str, Any]:
    """The body that announces an upload."""
    file = {
        "type": "object",
        "required": ["path", "size_bytes"],
        "properties": {
            "path": {"type": "string", "maxLength": 4000, "description": "Its path in the upload, with /."},
            "size_bytes": {"type": "integer", "minimum": 0, "maximum": 2**50},
            "modified": {"type": "string", "maxLength": 100, "description": "Anything that changes with the file."},
        },
    }
    files = {"type": "array", "items": file, "minItems": 1, "maxItems": MAX_FILES}
    return {"type": "object", "required": ["files"], "properties": {"files": files}}


def turn_request() -> dict[str, Any]:
    """The body of an undo or a redo."""
    return {**object_schema((), revision=_ON), "required": ["revision"]}


def label_search_request() -> dict[str, Any]:
    """The body of a search for wrong labels."""
    return object_schema(LABEL_FIELDS)


def text_edit_request() -> dict[str, Any]:
    """The body of an edit of a network text: the text, and what is done to it."""
    schema = object_schema(OPERATION_FIELDS, text={"type": "string", "description": "The text as it is now."})
    return {**schema, "required": ["text", *schema["required"]]}


def network_import_request() -> dict[str, Any]:
    """The form of an import: files, and what they leave open."""
    files = {
        "network": "Caffe's prototxt (train_val, deploy or both in one), or a text of Tenfold, called *.network.",
        "solver": "How it is trained, as Caffe's prototxt.",
        "weights": "Its weights: a caffemodel, or safetensors beside a text.",
    }
    about: dict[str, dict[str, Any]] = {
        name: {"type": "string", "format": "binary", "description": text} for name, text in files.items()
    }
    name = {"type": "string", "description": "Left out, a free name is made of the file's."}
    given = {field.name: _given(field) for field in IMPORT_FIELDS}
    schema = {"type": "object", "properties": {**about, "name": name, **given}, "required": ["network"]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def model_import_request() -> dict[str, Any]:
    """The form of an import of a model: its file, its classes, and how a picture becomes its input."""
    about: dict[str, dict[str, Any]] = {
        "file": {"type": "string", "format": "binary", "description": "The ONNX file, with its weights inside."},
        "labels": {
            "type": "string",
            "description": "The classes in the order of the output, one a line, as text or as a file; left out, they "
            "are `class 0` and so on.",
        },
        "name": {"type": "string", "description": "Left out, a free name is made of the file's."},
    }
    given = {field.name: _given(field) for field in MODEL_FIELDS}
    schema = {"type": "object", "properties": {**about, **given}, "required": ["file"]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def filter_parameters() -> list[dict[str, Any]]:
    """The query parameters of a list of samples."""
    return [{"name": field.name, "in": "query", "required": False, "schema": _given(field)} for field in FILTER_FIELDS]


def _given(field: Field) -> dict[str, Any]:
    """The schema of a value in an address, where one that is not given is left out and never null."""
    schema: dict[str, Any] = {
        **field.json_schema(),
        "type": {"choice": "string", "text": "string"}.get(field.type, field.type),
    }
    schema.pop("default", None)
    if "enum" in schema:
        schema["enum"] = [choice.value for choice in field.choices]
    return schema
