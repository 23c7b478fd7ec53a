"""The Python client under its public name."""

from tenfold.interfaces.client.client import Client
from tenfold.interfaces.client.errors import (
    ApiError,
    ConflictError,
    InvalidError,
    NotFoundError,
    ServerUnreachable,
    SignInError,
)

__all__ = [
    "ApiError",
    "Client",
    "ConflictError",
    "InvalidError",
    "NotFoundError",
    "ServerUnreachable",
    "SignInError",
]
