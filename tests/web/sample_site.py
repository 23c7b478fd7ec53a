"""The sample pages over HTTP, with the policy of the real site: to look at, and for the browser's tests.

    python tests/web/sample_site.py [PORT]

Addresses are `/sample/page/NAME`. The events, metrics, folders and classification are answered as the API does.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from threading import Event, Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import uvicorn
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from web.sample_pages import PAGES, frame_for
from web.samples.results import test_model_page
from web.samples.things import NOW

from tenfold.core.errors import Conflict
from tenfold.core.networks.analysis import analyse
from tenfold.interfaces.schemas.language import vocabulary
from tenfold.interfaces.web.rendering import BUILT, Renderer
from tenfold.interfaces.web.routes import network_editor
from tenfold.interfaces.web.views import models
from tenfold.services.network_texts import NetworkTexts

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
STEPS_AN_EPOCH = 422
MACHINE = {
    "cpu_busy": 0.41,
    "memory_used_bytes": 49e9,
    "memory_total_bytes": 128e9,
    "disk_free_bytes": 54e9,
    "disk_total_bytes": 1e12,
    "gpus": [{"index": 0, "busy": 0.87, "memory_used_bytes": 18.2e9, "memory_total_bytes": 141e9}],
}
FOLDERS = ("/home/anna", "/home/anna/data", "/home/anna/data/mnist", "/home/anna/flowers", "/home/anna/photos")


class Site:
    """The application, with what it was sent and what it shall tell."""

    def __init__(self) -> None:
        self.renderer = Renderer(now=lambda: NOW, zone=UTC)
        self.received: list[dict[str, Any]] = []
        self.streams = 0
        self.asked_after: list[str] = []
        """From where each stream of events was asked for."""
        self.run_state = "running"
        self.parts_asked = 0
        self.parts_leave = Event()
        """Parts of pages that are asked for are on their way until this is set."""
        self.parts_leave.set()
        self.app = Starlette(
            routes=[
                Route("/sample/page/{name}", self.page),
                Route("/sample/picture/{number:int}.png", picture),
                Route("/api/v1/events", self.events),
                Route("/api/v1/folders", folders),
                Route("/api/v1/folders/complete", complete),
                Route("/api/v1/runs/{name}/log", log),
                Route("/api/v1/uploads", self.store, methods=["POST"]),
                Route("/api/v1/uploads/upl_1", self.store, methods=["PATCH"]),
                Route("/api/v1/runs/{name}/metrics", metrics),
                Route("/models/{name}/classify", self.classify, methods=["POST"]),
                Route("/networks/-/vocabulary", words),
                Route("/networks/-/look", self.look, methods=["POST"]),
                Route("/networks/-/edit", edits, methods=["POST"]),
                Route("/networks/-/format", formatted, methods=["POST"]),
                Route("/datasets/new", self.upload, methods=["POST"]),
                Mount("/static", StaticFiles(directory=BUILT)),
                Route("/{path:path}", self.other, methods=["GET", "POST"]),
            ]
        )

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        fragment = request.headers.get("HX-Target", "")
        if "HX-Request" in request.headers:
            self.parts_asked += 1
            await asyncio.to_thread(self.parts_leave.wait, 20)
        theme = request.cookies.get("tenfold_theme", "system")
        frame = frame_for(name)
        object.__setattr__(frame, "theme", theme)
        return html(self.renderer.render(PAGES[name](), frame, fragment=fragment))

    async def classify(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            content = await file.read()  # type: ignore[union-attr]
            name = str(file.filename)  # type: ignore[union-attr]
        size = Image.open(io.BytesIO(content)).size
        self.received.append({"path": request.url.path, "name": name, "size": size, "content": content})
        page = test_model_page()
        result = models.TestResult(file=name, guesses=page.test.result.guesses)  # type: ignore[union-attr]
        test = type(page.test)(**{**vars(page.test), "result": result})
        return html(
            self.renderer.render(type(page)(**{**vars(page), "test": test}), frame_for("model"), fragment="result")
        )

    async def look(self, request: Request) -> Response:
        asked = network_editor.Asked(**await request.json())
        return JSONResponse(network_editor.answer(asked, analyse(asked.text), self.renderer.part))

    async def store(self, request: Request) -> Response:
        upload = {"id": "upl_1", "name": "set.zip", "num_files": 1, "refused": []}
        if request.method == "POST":
            (file,) = (await request.json())["files"]
            self.received.append({"path": "/api/v1/uploads", "name": file["path"], "bytes": file["size_bytes"]})
            return JSONResponse({**upload, "state": "receiving", "size_bytes": file["size_bytes"], "offset": 0}, 201)
        size = len(await request.body())
        return JSONResponse({**upload, "state": "ready", "size_bytes": size, "offset": size})

    async def upload(self, request: Request) -> Response:
        async with request.form() as form:
            self.received.append({"path": "/datasets/new", "upload": form.get("upload"), "source": form.get("source")})
        return RedirectResponse("/sample/page/dataset-building", status_code=303)

    async def other(self, request: Request) -> Response:
        known = {"": "home", "datasets/new": "dataset-new", "runs/new": "run-new", "sign-in": "sign-in"}
        path = request.path_params["path"]
        if request.method == "POST":
            self.received.append({"path": "/" + path, "form": dict(await request.form())})
        name = known.get(path, path.split("/")[0])
        return RedirectResponse(f"/sample/page/{name if name in PAGES else 'error-404'}", status_code=303)

    async def events(self, request: Request) -> Response:
        self.streams += 1
        self.asked_after.append(request.query_params.get("after", ""))
        return StreamingResponse(
            self.told(request), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def told(self, request: Request) -> AsyncIterator[str]:
        life, _, number = request.query_params["after"].partition("-")
        step = int(number)
        try:
            while not await request.is_disconnected():
                step += 60
                for kind, message in messages(step, self.run_state):
                    yield f"id: {life}-{step}\nevent: {kind}\ndata: {json.dumps(message)}\n\n"
                await asyncio.sleep(0.4)
        finally:
            self.streams -= 1


def messages(step: int, run_state: str) -> Iterator[tuple[str, dict[str, object]]]:
    run = {"id": "run_0123456789abcdef", "name": "lenet-mnist-3"}
    told = {
        "step": step,
        "steps": 12660,
        "seconds_left": (12660 - step) / 103,
        "epoch": step / STEPS_AN_EPOCH,
        "epochs": 30,
    }
    told["samples_per_second"] = 13_150 + step % 70
    yield "run.metrics", run | {"rows": [{"step": step, "epoch": step / STEPS_AN_EPOCH, **values(step)}]}
    yield "run.progress", run | {"state": run_state, "progress": told, "metrics": values(step), "message": ""}
    building = {"done": 2400, "total": 3670, "seconds_left": 39}
    yield "dataset.progress", {"id": "ds_1", "name": "flowers", "state": "building", "progress": building}
    yield "machine", MACHINE


def values(step: int) -> dict[str, float]:
    noise = 0.3 * math.sin(step * 0.7) + 0.2 * math.sin(step * 1.9)
    loss = (0.4 * math.exp(-step / 500) + 0.02 * math.exp(-step / 6000)) * math.exp(noise)
    share = step / 12660
    rate = 0.03 * (share / 0.25 if share < 0.25 else (1 + math.cos((share - 0.25) / 0.75 * math.pi)) / 2)
    return {"train_loss": loss, "train_accuracy": max(0.0, 1 - loss * 0.28), "rate": rate}


async def words(_request: Request) -> Response:
    return JSONResponse(vocabulary())


async def edits(request: Request) -> Response:
    asked = network_editor.AskedEdit(**await request.json())
    try:
        return JSONResponse(network_editor.edits(asked, NetworkTexts(time.monotonic)))
    except Conflict as refusal:
        return JSONResponse({"detail": str(refusal)}, 409)


async def formatted(request: Request) -> Response:
    asked = network_editor.AskedText(**await request.json())
    return JSONResponse(network_editor.formatting(asked, NetworkTexts(time.monotonic)))


async def metrics(request: Request) -> Response:
    if request.path_params["name"] == "nothing-yet":
        return JSONResponse({"series": {}})
    steps = list(range(42, 5318, 42))
    series = {key: [[step, values(step)[key]] for step in steps] for key in ("train_loss", "train_accuracy", "rate")}
    ends = [epoch * STEPS_AN_EPOCH for epoch in range(1, 13)]
    series["val_loss"] = [[step, 0.05 * math.exp(-step / 900) + 0.026] for step in ends]
    series["val_accuracy"] = [[step, 0.9915 - 0.025 * math.exp(-step / 900)] for step in ends]
    return JSONResponse({"series": series})


async def folders(request: Request) -> Response:
    path = request.query_params["path"].rstrip("/")
    if not path.startswith("/home/anna"):
        return JSONResponse({"detail": f"{path} is outside the folders that this server may read: /home/anna."}, 403)
    inside = [folder for folder in FOLDERS if folder.rpartition("/")[0] == path]
    pictures = {"/home/anna/data/mnist": 70_000}
    found = [{"path": each, "name": each.rpartition("/")[2], "pictures": pictures.get(each, 0)} for each in inside]
    return JSONResponse({"path": path, "folders": found})


async def complete(request: Request) -> Response:
    prefix = request.query_params["prefix"]
    depth = max(prefix.count("/"), 2)
    known = (*FOLDERS, "/home/anna/birds.csv")
    return JSONResponse([path for path in known if path.startswith(prefix) and path.count("/") <= depth])


async def log(_request: Request) -> Response:
    return JSONResponse([{"at": NOW.timestamp() + 60, "level": "info", "text": "Step 6000."}])


async def picture(request: Request) -> Response:
    number = request.path_params["number"]
    image = Image.new("L", (28, 28))
    draw = ImageDraw.Draw(image)
    draw.text((8, 2), str(number * 7 % 10), fill=255, font_size=22)
    if number % 3 == 0:
        draw.line((3, 25, 8, 22), fill=120, width=2)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return Response(buffer.getvalue(), media_type="image/png", headers={"Cache-Control": "max-age=3600"})


def html(markup: str) -> Response:
    return HTMLResponse(markup, headers={"Content-Security-Policy": POLICY})


@contextmanager
def serving(port: int = 0) -> Iterator[tuple[Site, str]]:
    """The site on a port of this machine, in a thread of its own."""
    site = Site()
    server = uvicorn.Server(
        uvicorn.Config(site.app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    try:
        bound = server.servers[0].sockets[0].getsockname()[1]
        yield site, f"http://127.0.0.1:{bound}"
    finally:
        server.should_exit = True
        thread.join(5)


if __name__ == "__main__":
    with serving(int(sys.argv[1]) if len(sys.argv) > 1 else 5055) as (_, address):
        print("\n".join(f"{address}/sample/page/{name}" for name in PAGES))
        input("Enter ends it. ")
