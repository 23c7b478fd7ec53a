"""Requests drawn from the OpenAPI document itself: nothing fails inside, and every answer is what the document says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

from tenfold.bootstrap.server import build_services
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.services.datasets import ImportRequest
from tenfold.settings import Settings
from tenfold.testing.pictures import write_shapes

EXAMPLES_SHORT, EXAMPLES_LONG = 3, 300
ENDLESS = "/api/v1/events"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HEADERS = {"authorization": "Bearer local"}


class Drawn:
    """The application over a folder of its own, with the document that it gives."""

    def __init__(self, home: Path) -> None:
        write_shapes(home / "shapes", per_class=2)
        (home / "data").mkdir()
        self.services: Services = build_services(Settings(data=home / "data", roots=[home]))
        self.app: ASGIApp = create_app(
            self.services, local_secret="local", hosts={"localhost", "testserver"}, add_pages=lambda _app: None
        )
        self.names = self._existing(home)
        self.schema: BaseSchema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", self.app, headers=HEADERS)

    def _existing(self, home: Path) -> dict[str, str]:
        """Names of things that are there, by the noun in the address. The run was stopped before it began."""
        owner, services = self.services.owner, self.services
        request = ImportRequest(source={"folder": str(home / "shapes")}, values={}, name="shapes")
        services.datasets.import_samples(owner, request)
        services.network_copies.copy_of(owner, "lenet", name="mine")
        services.runs.start(owner, {"dataset": "shapes", "name": "first"}, {})
        services.runs.stop(owner, "first")
        deadline = time.monotonic() + 60
        while services.datasets.named.get(owner, "shapes").state == "building" and time.monotonic() < deadline:
            time.sleep(0.05)
        return {"datasets": "shapes", "runs": "first", "networks": "mine", "users": "nobody"}

    def operations(self) -> list[APIOperation]:
        found = [result.ok() for result in self.schema.get_all_operations()]
        return [operation for operation in found if operation.path != ENDLESS]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    drawn = Drawn(tmp_path_factory.mktemp("drawn"))
    yield drawn
    for job in drawn.services.desk.queue():
        drawn.services.desk.stop(job.id)
        drawn.services.desk._executor.kill(job.id)
    drawn.services.close()


def check_problem(response: Response) -> None:
    """What goes wrong has the one shape, with the status it came with and words for a person."""
    if response.status_code < 400:
        return
    assert response.headers["content-type"] == ["application/problem+json"]
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code
    assert problem["code"]
    assert problem["detail"]
    assert all(error["field"] and error["message"] and error["code"] for error in problem["errors"])


def send(drawn: Drawn, operation: APIOperation, mode: GenerationMode, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), booleans())
    def one(case: Case, is_there: bool) -> None:
        noun = operation.path.split("/")[3] if operation.path.startswith("/api/") else ""
        if is_there and noun in drawn.names and isinstance(case.path_parameters, dict):
            case.path_parameters["name"] = drawn.names[noun]
        response = case.call_and_validate(headers=HEADERS, checks=CHECKS)
        check_problem(response)

    one()


def wrong_answers(drawn: Drawn, examples: int) -> dict[str, str]:
    """By route and kind of request, what is wrong with the answer."""
    found = {}
    for operation in drawn.operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                send(drawn, operation, mode, examples)
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # nothing to get wrong: it takes nothing
            except (AssertionError, FailureGroup) as error:
                told = error.exceptions if isinstance(error, FailureGroup) else (error,)
                found[f"{operation.label}, {mode.value}"] = "\n".join(str(each) for each in told)
    return found


def test_the_document_knows_every_route(drawn: Drawn) -> None:
    labels = {operation.label for operation in drawn.operations()}
    assert {"POST /api/v1/runs", "POST /api/v1/datasets", "GET /api/v1/models/{name}/download"} <= labels
    assert len(labels) > 40
    document = drawn.schema.raw_schema
    assert "HTTPValidationError" not in json.dumps(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)
            assert operation["security"] == ([{"token": []}] if path.startswith("/api/") else [])


def test_drawn_requests_are_answered_as_the_document_says(drawn: Drawn) -> None:
    assert wrong_answers(drawn, EXAMPLES_SHORT) == {}


@pytest.mark.campaign
def test_schema_campaign(drawn: Drawn) -> None:
    assert wrong_answers(drawn, EXAMPLES_LONG) == {}
