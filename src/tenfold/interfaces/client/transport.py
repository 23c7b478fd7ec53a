"""HTTP for the client: addresses, the token, errors, streams."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from tenfold.interfaces.client.errors import ServerUnreachable, error_of, unsendable
from tenfold.interfaces.schemas.objects import FieldProblem, ProblemDocument

BLOCK = 1 << 20


class Transport:
    """One server. `transport` may be an in-process one, as tests use it."""

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.url = url
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=60.0, transport=transport)
        except httpx.InvalidURL as error:
            raise ServerUnreachable(f"{url!r} is no address of a server ({error}): set TENFOLD_URL.") from None
        except UnicodeEncodeError:
            problem = FieldProblem(field="token", message="The token has a character that no token has.", code="token")
            raise unsendable([problem]) from None

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of the answer; raises an `ApiError`, an `InvalidError` for what cannot be sent."""
        if "json" in request:
            body = encode_body(request.pop("json"))
            request["content"] = body
            request["headers"] = {**request.get("headers", {}), "content-type": "application/json"}
        response = self._send(method, path, **request)
        try:
            return response.json()
        except ValueError:
            raise ServerUnreachable(f"What answers at {self.url} is no Tenfold: set TENFOLD_URL.") from None

    def download(self, path: str, target: Path) -> Path:
        """Streams an answer into a file, which is there as a whole or not at all."""
        part = target.with_name(f".{target.name}.part")
        try:
            with self._http.stream("GET", f"/api/v1{path}") as response:
                if response.is_error:
                    response.read()
                    _raise(response)
                with part.open("wb") as file:
                    for block in response.iter_bytes(BLOCK):
                        file.write(block)
            part.replace(target)
        except httpx.TransportError as error:
            raise ServerUnreachable(f"The connection to {self.url} broke: {error}.") from error
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from error
        finally:
            part.unlink(missing_ok=True)
        return target

    def close(self) -> None:
        self._http.close()

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, f"/api/v1{path}", **request)
        except UnicodeEncodeError as error:
            message = f"{error.object!r} has half a character in it, which no request can carry."
            raise unsendable([FieldProblem(field="query", message=message, code="character")]) from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            text = f"No Tenfold answers at {self.url}. Start it with `tenfold serve`, or set TENFOLD_URL."
            raise ServerUnreachable(text) from error
        if response.is_error:
            _raise(response)
        return response


def find_server(url: str = "", token: str = "") -> tuple[str, str]:
    """Address and token: as given, else from `TENFOLD_URL` and `TENFOLD_TOKEN`, else of the server on this machine."""
    url = url or os.environ.get("TENFOLD_URL", "")
    token = token or os.environ.get("TENFOLD_TOKEN", "")
    if url:
        return url.rstrip("/"), token
    data = Path(os.environ.get("TENFOLD_DATA", "") or Path.home() / ".tenfold")
    try:
        about = json.loads((data / "server.json").read_text("utf-8"))
        return str(about["url"]), token or str(about["secret"])
    except OSError:
        text = f"No server is known ({data / 'server.json'} is missing): run `tenfold serve`, or set TENFOLD_URL."
    except (ValueError, KeyError, TypeError):
        text = f"{data / 'server.json'} names no server: start `tenfold serve` again, or set TENFOLD_URL."
    raise ServerUnreachable(text)


def encode_body(body: Mapping[str, Any]) -> bytes:
    """A body as JSON; raises `InvalidError` that names the fields JSON cannot carry."""
    problems = [
        FieldProblem(field=name, message=f"{name} {wrong}", code="json")
        for name, value in body.items()
        if (wrong := _wrong(value))
    ]
    if problems:
        raise unsendable(problems)
    return _encoded(body)


def sendable(path: Path) -> str:
    """The name of a file as a form can carry it: a name on disk may be no text."""
    return path.name.encode("utf-8", "replace").decode()


def quoted(name: str) -> str:
    """A name as a part of an address; raises `InvalidError` for half a character."""
    wrong = _wrong(name)
    if wrong:
        raise unsendable([FieldProblem(field="name", message=f"The name {name!r} {wrong}", code="character")])
    return quote(name, safe="")


def _encoded(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def _wrong(value: object) -> str:
    """Why something cannot be sent, in words; empty when it can."""
    try:
        _encoded(value)
    except UnicodeEncodeError:
        return "has half a character in it, which no request can carry."
    except ValueError:
        return "holds a number that is not finite or too long, or itself: JSON cannot carry it."
    except (TypeError, RecursionError) as error:
        return f"cannot be written as JSON: {error}."
    return ""


def _raise(response: httpx.Response) -> NoReturn:
    try:
        problem = ProblemDocument.model_validate(response.json())
    except (ValueError, ValidationError):
        problem = ProblemDocument(
            title=response.reason_phrase, status=response.status_code, detail=response.text[:200], code="http"
        )
    raise error_of(problem)
