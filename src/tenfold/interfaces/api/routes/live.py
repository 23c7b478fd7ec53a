"""What changes while one watches: the event stream, the machine, and whether the server can serve."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tenfold.core.accounts.policy import Actor
from tenfold.interfaces.api.access import Access, CallerNow, Public, ServicesNow, is_still_let_in
from tenfold.interfaces.api.document import openapi_document
from tenfold.interfaces.services import Services
from tenfold.services.hub import News

router = APIRouter(tags=["live"])
health = APIRouter(tags=["live"])
MACHINE_S = 2.0
QUEUE_LENGTH = 1000
PLACE = "^([0-9a-f]{8}-[0-9]{1,15})?$"


@router.get(
    "/events",
    dependencies=[Depends(Access("read"))],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream_events(
    request: Request,
    caller: CallerNow,
    services: ServicesNow,
    last_event_id: Annotated[str, Header(pattern=PLACE)] = "",
    after: Annotated[str, Query(pattern=PLACE, description="As Last-Event-ID.")] = "",
) -> StreamingResponse:
    """Server-sent events: `run.progress`, `run.metrics`, `dataset.progress`, `machine`.

    With `Last-Event-ID` or `after` what was missed comes first; `reset` says that nobody knows what was missed. The
    stream ends within two seconds after the account, session or token that asked for it.
    """
    return _Stream(_events(request, caller, services, last_event_id or after), media_type="text/event-stream")


@router.get("/machine", dependencies=[Depends(Access("read"))])
def show_machine(caller: CallerNow, services: ServicesNow) -> dict[str, Any]:
    """The machine now."""
    return {**asdict(services.machine.look(caller)), "executor": services.desk.executor_facts()}


@router.get("/openapi.json", dependencies=[Depends(Access("read"))], include_in_schema=False)
def show_openapi(request: Request) -> dict[str, Any]:
    """This interface as an OpenAPI document."""
    return openapi_document(request.app)


@health.get("/healthz", dependencies=[Depends(Public())])
def show_health(services: ServicesNow) -> dict[str, str]:
    """Whether the server can serve: its database answers."""
    with services.database.read() as tx:
        tx.users.count()
    return {"status": "ok", "version": services.version}


class _Stream(StreamingResponse):
    """Closes its source whenever the client goes away, also in the middle of a send."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            source = self.body_iterator
            assert isinstance(source, AsyncGenerator)
            await source.aclose()


async def _events(request: Request, caller: Actor, services: Services, after: str) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[News] = asyncio.Queue(QUEUE_LENGTH)

    def put(news: News) -> None:
        if queue.full():  # a client that reads too slowly loads anew what it missed
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(News("", "reset", {}))
        queue.put_nowait(news)

    def listener(news: News) -> None:
        loop.call_soon_threadsafe(put, news)

    missed = services.hub.listen(listener, after=after)
    try:
        yield b"retry: 2000\n\n"
        if missed is None:
            yield b"event: reset\ndata: {}\n\n"
        for news in missed or []:
            yield _encode(news.name, news.data, news.id)
        while await is_still_let_in(request, "read"):
            facts = await run_in_threadpool(services.machine.look, caller)
            yield _encode("machine", asdict(facts))
            deadline = loop.time() + MACHINE_S
            while (left := deadline - loop.time()) > 0:
                try:
                    news = await asyncio.wait_for(queue.get(), left)
                except TimeoutError:
                    break
                yield _encode(news.name, news.data, news.id)
    finally:
        services.hub.leave(listener)


def _encode(name: str, data: dict[str, Any], id: str = "") -> bytes:
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
