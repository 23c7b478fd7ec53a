"""Bodies that are checked by the declared fields themselves, so that every door says the same words."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from tenfold.core.errors import InvalidFields, Problem
from tenfold.interfaces.api.problems import shape_problems

SchemaT = TypeVar("SchemaT", bound=BaseModel)


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises `InvalidFields` for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _invalid(f"The body is {kind or 'of no named type'}; it must be application/json.")
    try:
        value = json.loads(await request.body(), parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"The body is not valid JSON: {str(error)[:200]}.") from None
    if not isinstance(value, dict):
        raise _invalid(f"The body is {type(value).__name__}; it must be a JSON object.")
    halves = [name for name, content in value.items() if not _is_text([name, content])]
    if halves:
        text = "It has half a character in it, which is no text that could be kept."
        raise InvalidFields([Problem(name if _is_text(name) else "body", text, "character") for name in halves])
    return value


class JsonBody(Generic[SchemaT]):
    """A dependency: the body as an object of this schema, read and refused as those of declared fields are."""

    def __init__(self, schema: type[SchemaT]) -> None:
        self._schema = schema

    async def __call__(self, request: Request) -> SchemaT:
        value = await json_object(request)
        try:
            return self._schema.model_validate(value)
        except ValidationError as error:
            raise InvalidFields(shape_problems(error.errors(include_url=False))) from None


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """What the OpenAPI document says of such a body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):  # half a surrogate pair, or too deep to be written
        return False
    return True


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _invalid(message: str) -> InvalidFields:
    return InvalidFields([Problem("body", message, "json")])
