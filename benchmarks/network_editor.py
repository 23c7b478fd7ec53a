"""An edit of ResNet-50 to its new shapes, costs and graph, as its page gets them from the routes of the server."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tenfold.bootstrap.memory import set_start_aside
from tenfold.bootstrap.server import build_services
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.drawing import draw
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.web.entry import add_pages
from tenfold.settings import Settings

ROUNDS = 100
GOAL_MS = 200
ORIGIN = "http://127.0.0.1:5000"
RESNET50 = Path(__file__).parents[1] / "src/tenfold/core/networks/catalogue/resnet50.network"


def measure() -> list[dict[str, Any]]:
    """95th of 100 different edits, with blocks folded as the page shows them at first, and all unfolded."""
    text = RESNET50.read_text("utf-8")
    texts = [text.replace("width   = 64", f"width   = {8 + number}") for number in range(ROUNDS)]
    groups = sorted(analyse(text).groups)
    with tempfile.TemporaryDirectory() as home:
        services = build_services(Settings(data=Path(home)))
        app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=add_pages)
        client = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})
        client.get(f"/link/{services.accounts.make_link(services.owner.user)}")
        _look_ms(client, text, groups)
        set_start_aside()
        folded = [_look_ms(client, each, []) for each in texts]
        opened = [_look_ms(client, each, groups) for each in texts]
        services.close()
    analysis = analyse(text)
    laid = [_layout_ms(analysis) for _ in range(ROUNDS)]
    return [
        _row("network_edit_to_graph", folded, f"{len(texts)} edits of ResNet-50, blocks folded", GOAL_MS),
        _row("network_edit_to_graph_unfolded", opened, f"all {len(analysis.sketch.nodes)} layers drawn", GOAL_MS),
        _row("network_layout", laid, "layout alone, unfolded", 20),
    ]


def _look_ms(client: TestClient, text: str, opened: Sequence[str]) -> float:
    started = time.perf_counter()
    asked = {"address": "/networks/resnet50", "text": text, "opened": list(opened), "line": 8}
    answer = client.post("/networks/-/look", json=asked)
    assert answer.json()["problems"] == []
    return (time.perf_counter() - started) * 1000


def _layout_ms(analysis: Any) -> float:
    started = time.process_time()
    draw(analysis)
    return (time.process_time() - started) * 1000


def _row(name: str, times: list[float], opponent: str, goal: float) -> dict[str, Any]:
    p95 = statistics.quantiles(times, n=20)[-1]
    about = f"median {statistics.median(times):.1f} ms; {opponent}"
    return {"name": name, "value": p95, "unit": "ms", "opponent": about, "goal": f"<= {goal}", "holds": p95 <= goal}
