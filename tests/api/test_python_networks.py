"""Networks of Python over REST and by the client, and whom they are refused."""

from __future__ import annotations

import pytest
from kernel import level_here

from tenfold.client import Client, ConflictError, InvalidError
from tenfold.core.networks.custom import HEADER

from .conftest import Site

SOURCE = """\
from torch import nn


class Network(nn.Module):
    def __init__(self, classes: int = 4, channels: int = 1, width: int = 6):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3)
        self.head = nn.LazyLinear(classes)

    def forward(self, images):
        return self.head(self.conv(images).relu().flatten(1))
"""


def test_a_source_is_kept_inspected_and_a_draft_until_then(client: Client) -> None:
    made = client.networks.create(SOURCE, name="own", language="python")
    assert (made.language, made.state, made.problems, made.text) == ("python", "draft", [], f"{HEADER}\n{SOURCE}")

    found = client.networks.inspect("own", input_shape=(1, 12, 12), parameters={"width": 3})

    assert (found.state, found.num_parameters, found.classes) == ("finished", 1234, 4), found.message
    assert [(layer.path, layer.line, layer.shape) for layer in found.layers] == [
        ("conv", 8, [3, 10, 10]),
        ("relu", 12, [3, 10, 10]),
        ("flatten", 12, [300]),
        ("head", 9, [4]),
    ]
    assert found.parameters["properties"]["width"]["default"] == 6
    assert (found.onnx, found.why_not_onnx, found.warnings) == ("yes", None, [])
    assert found.confinement is not None
    assert found.confinement.level == level_here(), found.confinement.lacking
    assert client.networks.get("own").state == "ready"
    version = client.networks.save("own", SOURCE.replace("width: int = 6", "width: int = 8"))
    assert (version.name, version.summary, version.num_parameters) == ("own@2", "1 line changed", None)
    (come,) = [line for line in client.networks.difference("own").lines if line.new and not line.old]
    assert (come.new, come.text.endswith("width: int = 8):")) == (6, True)


def test_what_hinders_a_model_and_an_exact_resume_is_told(client: Client) -> None:
    steps = "self.steps += 1\n        if images.mean() > 9: images = images / 2\n        return"
    source = SOURCE.replace("        self.conv", "        self.steps = 0\n        self.conv", 1).replace(
        "return", steps
    )
    client.networks.create(source, name="counting", language="python")

    found = client.networks.inspect("counting", input_shape=(1, 12, 12))

    assert (found.state, found.onnx) == ("finished", "no"), found.message
    assert found.why_not_onnx is not None
    assert (found.why_not_onnx.line, "values in a picture" in found.why_not_onnx.message) == (14, True)
    assert [(each.line, each.message[:20]) for each in found.warnings] == [(13, "`self.steps` changes")]


def test_a_mistake_is_told_with_its_line(client: Client) -> None:
    broken = SOURCE.replace("flatten(1)", "flatten(2)")
    client.networks.create(broken, name="broken", language="python")

    found = client.networks.inspect("broken")

    assert found.state == "failed"
    assert found.problem is not None
    assert (found.problem.line, "are needed" in found.problem.message) == (11, True)
    assert client.networks.get("broken").state == "draft"


def test_only_whom_it_is_allowed_may_bring_and_inspect_python(site: Site, client: Client) -> None:
    client.networks.create(SOURCE, name="guarded", language="python")
    editor, viewer = site.client("editor"), site.client("viewer")

    assert viewer.get("/api/v1/networks/guarded").json()["text"].endswith(SOURCE)
    assert viewer.get("/api/v1/networks/guarded/inspection").json()["state"] == "none"
    for person, path, body in (
        (editor, "/networks", {"text": SOURCE, "language": "python"}),
        (editor, "/networks", {"text": f"{HEADER}\n{SOURCE}"}),
        (editor, "/networks", {"copy_of": "guarded"}),
        (editor, "/networks/guarded/inspect", {}),
    ):
        refused = person.post(f"/api/v1{path}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "run-code"), path
    assert viewer.post("/api/v1/networks/guarded/inspect", json={}).json()["code"] == "forbidden"


def test_what_reads_the_language_does_not_read_python(client: Client) -> None:
    text = f"{HEADER}\n{SOURCE}"
    (problem,) = client.networks.check(text).problems
    assert (problem.code, problem.line) == ("network.python", 1)
    with pytest.raises(InvalidError, match="written in Python"):
        client.networks.format(text)
    with pytest.raises(InvalidError, match="written in Python"):
        client.networks.edit(text, action="remove", line=5)
    with pytest.raises(ConflictError, match="network language"):
        client.networks.inspect("lenet")
    made = client.networks.copy("lenet", name="no-python")
    with pytest.raises(InvalidError, match="make a network of its own"):
        client.networks.save("no-python", text, on=made.current)
