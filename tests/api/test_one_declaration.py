"""A field is declared in one place and stands in every door."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
FIELD = """    patience: int = declare(
        7,
        label="Patience",
        help="Stops when so many epochs brought nothing.",
        minimum=1,
        maximum=99,
        unit="epochs",
        group="How long",
    )
"""
LOOK = """
import inspect, json, sys
from pathlib import Path
from starlette.testclient import TestClient
from tenfold.bootstrap.server import build_services
from tenfold.client import Client
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.client.client import Runs
from tenfold.interfaces.schemas.reference import fields_reference
from tenfold.interfaces.web.entry import add_pages
from tenfold.settings import Settings

home = Path(sys.argv[1])
services = build_services(Settings(data=home, roots=[home]))
app = create_app(services, local_secret="s", hosts={"127.0.0.1"}, add_pages=add_pages)
http = TestClient(app, base_url="http://127.0.0.1", headers={"authorization": "Bearer s"})
schema = http.get("/api/v1/openapi.json").json()["paths"]["/api/v1/runs"]["post"]["requestBody"]
properties = schema["content"]["application/json"]["schema"]["properties"]
refused = http.post("/api/v1/runs", json={"dataset": "x", "patience": 100}).json()
found = {
    "rest": properties["patience"],
    "validation": refused["errors"][0]["message"],
    "client": inspect.signature(Runs.start).parameters["patience"].default,
    "docs": "| `patience` | Patience | 7 | 1 to 99 epochs | common |" in fields_reference(),
    "form": http.get("/runs/new?level=everything").text,
}
services.close()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source in which one field was added in one place."""
    copy = tmp_path_factory.mktemp("grown") / "src"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    spec = copy / "tenfold" / "core" / "training" / "spec.py"
    text = spec.read_text("utf-8")
    place = "    batch_size: int = declare("
    assert place in text
    spec.write_text(text.replace(place, FIELD + place), "utf-8")
    return copy


def run(source: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rest_client_form_and_documents_have_it(grown: Path, tmp_path: Path) -> None:
    import json

    found = json.loads(run(grown, "-c", LOOK, str(tmp_path)))
    assert found["rest"] == {
        "title": "Patience",
        "description": "Stops when so many epochs brought nothing.",
        "type": "integer",
        "minimum": 1,
        "maximum": 99,
        "default": 7,
    }
    assert found["validation"] == "Patience is 100; allowed is 1 to 99."
    assert found["client"] == 7
    assert found["docs"] is True
    assert 'name="patience"' in found["form"]
    assert "Stops when so many epochs brought nothing." in found["form"]


def test_the_command_line_has_it(grown: Path) -> None:
    text = run(grown, "-m", "tenfold", "run", "start", "--help")
    assert "--patience" in text
    assert "Stops when so many epochs brought nothing." in text
    assert "Default: 7" in text
