"""Keras through the doors: where its environment stands, and what is greyed is what is refused."""

from __future__ import annotations

import html
import json
import re
import sys

import pytest
from starlette.testclient import TestClient

from tenfold.adapters.environments.folder import RECORD
from tenfold.client import Client, InvalidError
from tenfold.services.datasets import ImportRequest

from .conftest import Site

RECURRENT = """language 1
network rows "Rows of a picture as a sequence"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
to_sequence
state = lstm(4, result=last)
fc = dense(classes)
output logits
"""
MISSING = "has no environment on this machine yet: {0}tenfold environment add keras{0} makes one"
LACKING = "Keras on TensorFlow has no {0}lstm{0} so far, as {0}state{0} needs it: choose PyTorch."


@pytest.fixture(scope="module")
def furnished(site: Site) -> Site:
    """A dataset, and a network that Keras cannot build."""
    services, owner = site.services, site.services.owner
    request = ImportRequest(source={"folder": str(site.home / "shapes")}, values={}, name="shapes")
    services.datasets.import_samples(owner, request)
    services.networks.create(owner, "rows", RECURRENT)
    return site


def options_of(page: str, field: str) -> dict[str, str]:
    """The options of a field that cannot be chosen, by value, with their words."""
    select = page.split(f'id="field-{field}"')[1].split("</select>", maxsplit=1)[0]
    found = re.findall(r'<option value="([^"]*)"([^>]*)>([^<]*)<', select)
    return {value: html.unescape(words) for value, about, words in found if "disabled" in about}


def test_keras_without_an_environment_is_greyed_and_refused_alike(
    furnished: Site, owner: TestClient, client: Client
) -> None:
    (environment,) = client.environments()
    assert (environment.name, environment.state, environment.versions) == ("keras", "missing", {})
    assert environment.message == f"Keras on TensorFlow {MISSING.format('`')}."
    page = owner.get("/runs/new?dataset=shapes").text
    assert options_of(page, "framework") == {"keras": f"Keras on TensorFlow ({MISSING.format('')})"}
    assert options_of(page, "weights") == {}
    with pytest.raises(InvalidError) as error:
        client.runs.start(dataset="shapes", network="lenet", framework="keras")
    assert error.value.problem.errors[0].message == environment.message
    assert f"Keras on TensorFlow {MISSING.format('')}." in page  # beside the field, which may be closed
    assert f"H{MISSING.format('')[1:]}." in owner.get("/settings").text


def test_what_keras_lacks_is_greyed_and_refused_alike(furnished: Site, owner: TestClient, client: Client) -> None:
    record = furnished.home / "data" / "environments" / "keras" / RECORD
    record.parent.mkdir(parents=True)
    versions = {"keras": "3.15.1", "tensorflow-cpu": "2.21.0"}
    record.write_text(json.dumps({"python": sys.executable, "versions": versions, "size_bytes": 7}), "utf-8")
    (environment,) = client.environments()
    assert (environment.state, environment.versions, environment.message) == ("ready", versions, "")
    page = owner.get("/runs/new?dataset=shapes&framework=keras").text
    assert options_of(page, "framework") == {}
    assert options_of(page, "weights")["published"].startswith("Published weights (come in PyTorch's")
    row = next(part for part in page.split("<label ") if 'value="rows"' in part)
    assert LACKING.format("") in html.unescape(row)
    assert "disabled" in row.split(">")[1]
    assert 'hx-select="form[data-main]"' in page.split('id="field-framework"')[1].split(">")[0]
    with_torch = owner.get("/runs/new?dataset=shapes").text
    assert options_of(with_torch, "weights") == {}
    assert LACKING.format("") not in html.unescape(with_torch)
    for fields, field in (({"network": "rows"}, "network"), ({"weights": "published"}, "weights")):
        with pytest.raises(InvalidError) as error:
            client.runs.preflight(dataset="shapes", framework="keras", **{"network": "lenet", **fields})
        assert [each.field for each in error.value.problem.errors] == [field]
    assert "keras 3.15.1, tensorflow-cpu 2.21.0" in owner.get("/settings").text
