"""Errors as RFC 9457 problem details: one shape for all routes."""

from __future__ import annotations

import http

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
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


MAX_SHOWN = 200  # characters of an address


def status_of(error: errors.TenfoldError) -> int:
    """The HTTP status of an error: that of the nearest class in its tree."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def problem_of(error: errors.TenfoldError) -> ProblemDocument:
    """The problem document of an error."""
    problems = error.problems if isinstance(error, errors.InvalidFields) else ()
    if isinstance(error, errors.NameTaken):
        problems = (errors.Problem("name", error.message, error.code),)
    return _document(
        status_of(error),
        error.message,
        error.code,
        [FieldProblem(field=each.field, message=each.message, code=each.code) for each in problems],
    )


def problem_response(error: errors.TenfoldError) -> Response:
    """The answer that an error gives."""
    response = _respond(problem_of(error))
    if isinstance(error, errors.Busy):
        response.headers["retry-after"] = str(error.retry_after_s)
    return response


def handle_errors(app: FastAPI) -> None:
    """Makes every error of every route a problem document."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.TenfoldError)
        return problem_response(error)

    async def shape(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems = [
            FieldProblem(field=_field(each["loc"]), message=str(each["msg"]), code=str(each["type"]))
            for each in error.errors()
        ]
        detail = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        return _respond(_document(422, detail, "invalid-fields", problems))

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = error.status_code
        told = {
            404: ("not-found", f"There is nothing at {request.url.path[:MAX_SHOWN]}."),
            405: ("method-not-allowed", f"{request.method} is not taken at {request.url.path[:MAX_SHOWN]}."),
        }
        code, detail = told.get(status, ("http", str(error.detail)))
        return _respond(_document(status, detail, code, []))

    async def full(_request: Request, error: Exception) -> Response:
        if not errors.is_disk_full(error):
            raise error
        return problem_response(errors.StorageFull())

    async def unexpected(_request: Request, _error: Exception) -> Response:
        return _respond(_document(500, "Tenfold itself failed; its log has the details.", "internal", []))

    app.add_exception_handler(errors.TenfoldError, ours)
    app.add_exception_handler(OSError, full)
    app.add_exception_handler(RequestValidationError, shape)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, unexpected)


def _document(status: int, detail: str, code: str, problems: list[FieldProblem]) -> ProblemDocument:
    title = http.HTTPStatus(status).phrase
    return ProblemDocument(title=title, status=status, detail=detail, code=code, errors=problems)


def _respond(document: ProblemDocument) -> Response:
    return JSONResponse(document.model_dump(), document.status, media_type="application/problem+json")


def _field(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place if part not in {"body", "query", "path"}) or "body"
