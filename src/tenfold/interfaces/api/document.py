"""The OpenAPI document: what is derived from the routes, with the one shape of all errors and the way to sign in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from tenfold.interfaces.schemas.objects import ProblemDocument

PROBLEM = {
    "description": "A problem, with a stable code and an entry for each field that is wrong.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
}
SIGNED_IN = {"type": "http", "scheme": "bearer", "description": "A token, as `tenfold token create` gives it."}
DERIVED = ("HTTPValidationError", "ValidationError")  # what FastAPI says of errors, which have another shape here


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document of an application's routes; made once."""
    if app.openapi_schema is None:
        document = app.openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in DERIVED:
            schemas.pop(name, None)
        _, described = models_json_schema(
            [(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}"
        )
        schemas.update(described["$defs"])
        document["components"]["securitySchemes"] = {"token": SIGNED_IN}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = PROBLEM
                operation["security"] = [{"token": []}] if path.startswith("/api/") else []
        app.openapi_schema = document
    return app.openapi_schema
