"""People and tokens over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from tenfold.interfaces.api import present
from tenfold.interfaces.api.access import Access, CallerNow, ServicesNow
from tenfold.interfaces.api.bodies import JsonBody, described
from tenfold.interfaces.api.lists import ListQuery
from tenfold.interfaces.schemas import objects

router = APIRouter(tags=["accounts"])


class NewToken(BaseModel):
    """A token that is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(max_length=200)
    scope: str = Field("read", max_length=20)


class NewUser(BaseModel):
    """An account that is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    role: str = Field("editor", max_length=20)
    run_code: bool = False


class NewPassword(BaseModel):
    """A password that is to be set; `current` is needed for one's own."""

    model_config = ConfigDict(extra="forbid", strict=True)
    password: str = Field(max_length=1000)
    current: str = Field("", max_length=1000)


@router.get("/me", dependencies=[Depends(Access("read"))])
def show_me(caller: CallerNow, services: ServicesNow) -> objects.User:
    """Who asks."""
    return present.user(services.accounts.me(caller))


@router.get("/tokens", dependencies=[Depends(Access("account.self"))])
def list_tokens(query: ListQuery, caller: CallerNow, services: ServicesNow) -> objects.Page[objects.Token]:
    """One's own tokens."""
    found = services.accounts.tokens(caller, query)
    return objects.Page(**present.page(found, [present.token(item) for item in found.items]))


@router.post(
    "/tokens",
    status_code=201,
    dependencies=[Depends(Access("account.self"))],
    openapi_extra=described(NewToken.model_json_schema()),
)
def create_token(
    caller: CallerNow, services: ServicesNow, body: Annotated[NewToken, Depends(JsonBody(NewToken))]
) -> objects.Token:
    """Makes a token; its secret is shown this once."""
    token, secret = services.accounts.create_token(caller, body.name, body.scope)
    return present.token(token, secret)


@router.delete("/tokens/{id}", dependencies=[Depends(Access("account.self"))])
def revoke_token(id: str, caller: CallerNow, services: ServicesNow) -> objects.Token:
    """Ends a token of one's own."""
    return present.token(services.accounts.revoke_token(caller, id))


@router.get("/users", dependencies=[Depends(Access("user.manage"))])
def list_users(query: ListQuery, caller: CallerNow, services: ServicesNow) -> objects.Page[objects.User]:
    """Everybody."""
    found = services.accounts.users(caller, query)
    return objects.Page(**present.page(found, [present.user(item) for item in found.items]))


@router.post(
    "/users",
    status_code=201,
    dependencies=[Depends(Access("user.manage"))],
    openapi_extra=described(NewUser.model_json_schema()),
)
def add_user(
    caller: CallerNow, services: ServicesNow, body: Annotated[NewUser, Depends(JsonBody(NewUser))]
) -> objects.User:
    """Adds an account."""
    added = services.accounts.add_user(
        caller, body.name, role=body.role, password=body.password, run_code=body.run_code
    )
    return present.user(added)


@router.post("/users/{name}/disable", dependencies=[Depends(Access("user.manage"))])
def disable_user(name: str, caller: CallerNow, services: ServicesNow) -> objects.User:
    """Locks somebody out at once."""
    return present.user(services.accounts.set_disabled(caller, name, True))


@router.post("/users/{name}/enable", dependencies=[Depends(Access("user.manage"))])
def enable_user(name: str, caller: CallerNow, services: ServicesNow) -> objects.User:
    """Lets somebody in again."""
    return present.user(services.accounts.set_disabled(caller, name, False))


@router.post("/users/{name}/allow-code", dependencies=[Depends(Access("user.manage"))])
def allow_code(name: str, caller: CallerNow, services: ServicesNow) -> objects.User:
    """Lets somebody run own Python code."""
    return present.user(services.accounts.set_run_code(caller, name, True))


@router.post("/users/{name}/refuse-code", dependencies=[Depends(Access("user.manage"))])
def refuse_code(name: str, caller: CallerNow, services: ServicesNow) -> objects.User:
    """Takes that right away: their runs of networks of Python fail, those that run within a moment."""
    return present.user(services.accounts.set_run_code(caller, name, False))


@router.post(
    "/users/{name}/password",
    dependencies=[Depends(Access("account.self"))],
    openapi_extra=described(NewPassword.model_json_schema()),
)
def set_password(
    name: str, caller: CallerNow, services: ServicesNow, body: Annotated[NewPassword, Depends(JsonBody(NewPassword))]
) -> objects.User:
    """Sets a password, one's own or, for an owner, anybody's."""
    return present.user(services.accounts.set_password(caller, name, body.password, current=body.current))
