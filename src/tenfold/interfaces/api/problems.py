"""Errors as RFC 9457 problem details: one shape for all routes."""

from __future__ import annotations

import http
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from tenfold.core import errors
from tenfold.interfaces.schemas.objects import FieldProblem, ProblemDocument

STATUSES: dict[type[errors.TenfoldError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.TooLarge: 413,
    errors.Busy: 429,
    errors.StorageFull: 507,
    errors.Unavailable: 503,
}


_PLACED = ("message", "code", "line", "column")
MAX_SHOWN = 200  # characters of an address
PLACES = (("body",), ("query",), ("path",), ("header",), ("cookie",))
_TYPES = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "yes or no",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
}
_LIMITS = {
    "string_too_long": ("length", "at most {} characters"),
    "string_too_short": ("length", "at least {} characters"),
    "string_pattern_mismatch": ("pattern", "what matches {}"),
    "greater_than_equal": ("range", "at least {}"),
    "less_than_equal": ("range", "at most {}"),
}


def status_of(error: errors.TenfoldError) -> int:
    """The HTTP status of an error: that of the nearest class in its tree."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def problem_of(error: errors.TenfoldError) -> ProblemDocument:
    """The problem document of an error."""
    if isinstance(error, errors.BadNetwork):
        return _document(status_of(error), error.message, error.code, _text_problems(error))
    problems = error.problems if isinstance(error, errors.InvalidFields) else ()
    field = {errors.NameTaken: "name", errors.TooLarge: "body"}.get(type(error))
    if field is not None:
        problems = (errors.Problem(field, error.message, error.code),)
    return _document(
        status_of(error),
        error.message,
        error.code,
        [FieldProblem(field=each.field, message=each.message, code=each.code) for each in problems],
    )


def _text_problems(error: errors.BadNetwork) -> list[FieldProblem]:
    """What is wrong with a network's text, each at its line."""
    found: Any = error.values.get("problems")
    if not found:
        line: Any = error.values.get("line")
        return [
            FieldProblem(field=str(error.values.get("file", "text")), message=error.message, code=error.code, line=line)
        ]
    return [FieldProblem(field="text", **{name: each[name] for name in _PLACED}) for each in found]


def problem_response(error: errors.TenfoldError) -> Response:
    """The answer that an error gives."""
    response = _respond(problem_of(error))
    if isinstance(error, errors.Busy):
        response.headers["retry-after"] = str(error.retry_after_s)
    return response


def shape_problems(found: Iterable[Mapping[str, Any]]) -> list[errors.Problem]:
    """What pydantic found, with the codes and in the words that declared fields have."""
    return [_shape_problem(each) for each in found]


def _shape_problem(found: Mapping[str, Any]) -> errors.Problem:
    place = found["loc"][1:] if found["loc"][:1] in PLACES else found["loc"]
    field = ".".join(str(part) for part in place) or "body"
    kind, about, value = str(found["type"]), found.get("ctx", {}), found.get("input")
    if kind == "missing":
        return errors.Problem(field, f"{field} is needed.", "required")
    if kind == "extra_forbidden":
        return errors.Problem(field, f"There is no field {field!r}.", "unknown")
    wanted = _TYPES.get(kind.partition("_")[0]) if kind.endswith(("_type", "_parsing")) else None
    if wanted is not None:
        return errors.Problem(field, f"{field} is {wanted}, not {_shown(value)}.", "type")
    code, words = next((told for begin, told in _LIMITS.items() if kind.startswith(begin)), ("invalid", ""))
    limit = next(iter(about.values()), "")
    text = f"{field} is {_shown(value)}; allowed is {words.format(limit)}." if words else f"{field}: {found['msg']}."
    return errors.Problem(field, text, code)


def _shown(value: object) -> str:
    try:
        return repr(value)[:60]
    except ValueError:  # a number of thousands of digits
        return "a very long number"


def handle_errors(app: FastAPI) -> None:
    """Makes every error of every route a problem document."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.TenfoldError)
        return problem_response(error)

    async def shape(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(errors.InvalidFields(shape_problems(error.errors())))

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, errors.TenfoldError):  # what a reader of forms met and did not know
            return problem_response(error.__cause__)
        status = error.status_code
        told = {
            404: ("not-found", f"There is nothing at {request.url.path[:MAX_SHOWN]}."),
            405: ("method-not-allowed", f"{request.method} is not taken at {request.url.path[:MAX_SHOWN]}."),
        }
        code, detail = told.get(status, ("http", str(error.detail)))
        body = [FieldProblem(field="body", message=detail, code="form")] if status == 400 else []
        return _respond(_document(status, detail, code, body))

    async def full(_request: Request, error: Exception) -> Response:
        if not errors.is_disk_full(error):
            raise error
        return problem_response(errors.StorageFull())

    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)  # nobody reads it: whoever sent a body has left in the middle

    async def unexpected(_request: Request, _error: Exception) -> Response:
        return _respond(_document(500, "Tenfold itself failed; its log has the details.", "internal", []))

    app.add_exception_handler(errors.TenfoldError, ours)
    app.add_exception_handler(OSError, full)
    app.add_exception_handler(RequestValidationError, shape)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)


def _document(status: int, detail: str, code: str, problems: list[FieldProblem]) -> ProblemDocument:
    title = http.HTTPStatus(status).phrase
    return ProblemDocument(title=title, status=status, detail=detail, code=code, errors=problems)


def _respond(document: ProblemDocument) -> Response:
    return JSONResponse(document.model_dump(), document.status, media_type="application/problem+json")
