"""What the client raises: a class for each way in which a request can fail."""

from __future__ import annotations

from tenfold.interfaces.schemas.objects import FieldProblem, ProblemDocument


class ApiError(Exception):
    """The server refused; `problem` says why, and `problem.errors` names fields."""

    def __init__(self, problem: ProblemDocument) -> None:
        self.problem = problem
        self.code = problem.code
        self.status = problem.status
        super().__init__(problem.detail or problem.title)


class NotFoundError(ApiError):
    """There is nothing of this name."""


class ConflictError(ApiError):
    """It does not fit the present state."""


class InvalidError(ApiError):
    """The request is not valid."""


class SignInError(ApiError):
    """Nobody is signed in, or not allowed to do this."""


class ServerUnreachable(Exception):
    """No server answers at this address."""


def error_of(problem: ProblemDocument) -> ApiError:
    """The error for a problem document."""
    kinds = {404: NotFoundError, 409: ConflictError, 422: InvalidError, 401: SignInError, 403: SignInError}
    return kinds.get(problem.status, ApiError)(problem)


def unsendable(problems: list[FieldProblem]) -> InvalidError:
    """The error for values that no request can carry; nothing was sent."""
    detail = " ".join(problem.message for problem in problems)
    document = ProblemDocument(
        title="Unprocessable Content", status=422, detail=detail, code="invalid-fields", errors=problems
    )
    return InvalidError(document)
