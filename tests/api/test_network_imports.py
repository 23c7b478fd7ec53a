"""Caffe's files come in over REST and by the client, and hostile ones are refused by the line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processor import without_blowing_up
from safetensors.numpy import load_file
from starlette.datastructures import FormData, UploadFile
from starlette.testclient import TestClient
from unit.caffe.caffe_texts import Chain, layer, lenet, picture
from unit.caffe.caffe_weights import caffemodel

from tenfold.client import Client, InvalidError
from tenfold.core.errors import InvalidFields
from tenfold.core.training.spec import TrainingSpec
from tenfold.interfaces.api.network_files import MAX_WEIGHTS, read_form

from .conftest import Site

DATA = """layer { name: "mnist" type: "Data" top: "data" top: "label"
  transform_param { scale: 0.00390625 mean_value: 33.0 }
  data_param { source: "/etc/passwd" batch_size: 48 } }
"""
SOLVER = """net: "train_val.prototxt"
base_lr: 0.01
momentum: 0.9
weight_decay: 0.0005
lr_policy: "inv"
gamma: 0.0001
max_iter: 10000
type: "Nesterov"
"""
LOSS = layer("loss", "SoftmaxWithLoss", ["ip2", "label"], ["loss"])
TRAIN_VAL = lenet(DATA).text + layer("odd", "Mystery", ["ip2"]) + LOSS
LENET = {
    "conv1": (np.ones((20, 1, 5, 5), np.float32), np.zeros(20, np.float32)),
    "conv2": (np.ones((20, 50, 5, 5), np.float32), np.zeros(50, np.float32)),
    "elsewhere": (np.ones(3, np.float32),),
}
SIZE = {"channels": 1, "height": 28, "width": 28}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_train_val_comes_in_with_its_solver_and_says_what_it_cannot(client: Client, tmp_path: Path) -> None:
    network = written(tmp_path, "train_val.prototxt", TRAIN_VAL)
    solver = written(tmp_path, "solver.prototxt", SOLVER)
    made = client.networks.import_files(network, solver=solver, **SIZE)
    assert (made.name, made.state, made.num_parameters) == ("LeNet", "ready", 431_080)
    assert made.origin == "file:train_val.prototxt"
    told = made.imported
    (left,) = told["unsupported"]
    assert (left["name"], left["type"], left["line"]) == ("odd", "Mystery", 12)
    assert told["preprocessing"]["mean_values"] == [33.0]
    assert told["training"] == {
        "batch_size": 48,
        "rate": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "optimizer": "sgd",
    }
    assert TrainingSpec(dataset="x", **told["training"]).problems() == []
    unsaid = " ".join(told["unsaid"])
    assert all(word in unsaid for word in ("Line 8: `type`", "Line 5: `lr_policy`", "`gamma`", "`max_iter` is 10,000"))
    assert "weights" not in told
    assert client.networks.get("LeNet").imported == told


def test_a_solver_s_values_that_no_training_takes_are_named(client: Client, tmp_path: Path) -> None:
    network = written(tmp_path, "deploy.prototxt", lenet(picture(1, 28)).text)
    solver = written(tmp_path, "solver.prototxt", "base_lr: 1000 momentum: 0.9999 max_iter: 1")
    told = client.networks.import_files(network, solver=solver, name="bold").imported
    assert set(told["training"]) == {"weight_decay", "optimizer", "schedule", "warm_up"}
    assert any("Learning rate is 1000; allowed is above 0" in each for each in told["unsaid"])
    assert any("Momentum is 0.9999" in each for each in told["unsaid"])


def test_weights_that_fit_are_kept_and_the_others_counted(client: Client, tmp_path: Path, site: Site) -> None:
    network = written(tmp_path, "deploy.prototxt", lenet(picture(1, 28)).text)
    weights = written(tmp_path, "lenet.caffemodel", caffemodel(LENET))
    about = client.networks.import_files(network, weights=weights, name="weighted").imported["weights"]
    counts = {word: about[f"num_{word}"] for word in ("loaded", "missing", "unexpected", "unfit")}
    assert counts == {"loaded": 3, "missing": 4, "unexpected": 1, "unfit": 1}
    assert about["unexpected"] == ["elsewhere"]
    (file,) = (site.home / "data" / "artifacts" / "weights" / about["id"]).glob("*.safetensors")
    tensors = load_file(file)
    assert sorted(tensors) == ["conv1.bias", "conv1.weight", "conv2.bias"]
    assert (tensors["conv1.weight"] == 1).all()


def test_an_old_syntax_and_a_size_of_the_form_come_in(owner: TestClient) -> None:
    text = 'name: "old" input: "data" layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" }'
    form = {"classes": "7", "channels": "2", "height": "3", "width": "4", "name": "older"}
    made = owner.post("/api/v1/networks/import", files={"network": ("n.prototxt", text)}, data=form).json()
    assert (made["name"], made["num_parameters"]) == ("older", 2 * 3 * 4 * 7 + 7)
    assert "input data = image(2, 3, 4)" in made["text"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\nets\\a.prototxt", "a\x00b", ".", "\u202egpj.exe", ""])
def test_a_file_s_name_is_shown_and_nowhere_looked_up(owner: TestClient, name: str) -> None:
    files = {"network": (name or "x", lenet(picture(1, 28)).text)}
    made = owner.post("/api/v1/networks/import", files=files).json()
    assert made["origin"].startswith("file:")
    assert not set("/\\\x00\u202e") & set(made["origin"])


def refused(owner: TestClient, files: dict[str, Any], **form: str) -> list[dict[str, Any]]:
    answer = owner.post("/api/v1/networks/import", files=files, data=form)
    assert answer.status_code == 422, answer.text
    return list(answer.json()["errors"])


NETWORK = ("a.prototxt", lenet(picture(1, 28)).text)


@pytest.mark.parametrize(
    ("files", "form", "field"),
    [
        ({"solver": ("s", SOLVER)}, {}, "network"),
        ({"network": NETWORK, "other": ("o", b"x")}, {}, "other"),
        ({"network": NETWORK}, {"classes": "0"}, "classes"),
        ({"network": NETWORK}, {"channels": "3"}, "height"),
        ({"network": NETWORK}, {"colour": "red"}, "colour"),
        ({"network": NETWORK}, {"": "red"}, "form"),
        ({"network": NETWORK, "classes": ("c", b"3")}, {}, "classes"),
        ({"network": NETWORK}, {"name": "a/b"}, "name"),
    ],
)
def test_a_form_that_is_not_right_names_the_field(
    owner: TestClient, files: dict[str, Any], form: dict[str, str], field: str
) -> None:
    assert field in [each["field"] for each in refused(owner, files, **form)]


@pytest.mark.parametrize("body", [b"", b"{}", b"name: 'x'"])
def test_what_is_no_form_is_refused(owner: TestClient, body: bytes) -> None:
    answer = owner.post("/api/v1/networks/import", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "network")


def test_a_file_of_weights_over_the_limit_is_refused_with_the_limit() -> None:
    form = FormData(
        [
            ("network", UploadFile(BytesIO(b"name: 'x'"), size=9, filename="x.prototxt")),
            ("weights", UploadFile(BytesIO(), size=MAX_WEIGHTS + 1, filename="x.caffemodel")),
        ]
    )
    with pytest.raises(InvalidFields) as error:
        read_form(form)
    (problem,) = error.value.problems
    assert problem.field == "weights"
    assert problem.message == "weights has 2,000,000,001 bytes; at most 2,000,000,000 are read."


INPUT = 'input: "d" input_dim: 1 input_dim: 3000 input_dim: 8 input_dim: 8\n'
MANY_TOPS = " ".join(f'top: "t{number}"' for number in range(3000))
HOSTILE = {
    "no network": "hello",
    "unclosed": "layer {\n" * 20,
    "deep": "layer { a " + "{ a " * 100_000,
    "ten megabytes": "# nothing\n" * 1_000_000,
    "one string": 'name: "' + "x" * 9_000_000,
    "many fields": "a: 1\n" * 90_000,
    "convolutions": INPUT
    + layer("a", "Convolution", ["d"], ["d"], "convolution_param { num_output: 3 kernel_size: 1 }") * 3900,
    "slices": INPUT + f'layer {{ type: "Slice" bottom: "d" {MANY_TOPS} }}\n' * 10,
    "nothing known": INPUT + 'layer { type: "Mystery" bottom: "x" }\n' * 3000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_prototxt_is_refused_by_its_line_without_blowing_up(owner: TestClient, name: str) -> None:
    """Counted in work done at the same time, for the machine itself is slower at times."""
    before = owner.get("/api/v1/networks").json()["total"]
    with without_blowing_up():
        answer = owner.post("/api/v1/networks/import", files={"network": ("x.prototxt", HOSTILE[name])})
    if answer.status_code == 201:  # the machine is quick enough for it
        assert name == "convolutions"
    else:
        (problem,) = answer.json()["errors"]
        assert (answer.status_code, problem["line"] >= 1) == (422, True), answer.text
        assert owner.get("/api/v1/networks").json()["total"] == before


HOSTILE_SOLVERS = {
    "names": "base_lr: 1\n" + "".join(f"a{number}: 1\n" for number in range(49_000)),
    "values": "base_lr: 1\n" + "gamma: 1\n" * 49_000,
    "words": "base_lr: much",
    "none": "layer { }",
}


@pytest.mark.parametrize("name", HOSTILE_SOLVERS)
def test_a_hostile_solver_is_refused_by_its_line_without_blowing_up(owner: TestClient, name: str) -> None:
    with without_blowing_up():
        (problem,) = refused(owner, {"network": NETWORK, "solver": ("s.prototxt", HOSTILE_SOLVERS[name])})
    assert problem["line"] >= 1
    assert problem["message"].startswith("s.prototxt: ")


def test_a_damaged_caffemodel_is_refused_and_nothing_is_kept(client: Client, tmp_path: Path, site: Site) -> None:
    network = written(tmp_path, "deploy.prototxt", lenet(picture(1, 28)).text)
    weights = written(tmp_path, "torn.caffemodel", caffemodel(LENET)[:-7])
    kept = site.home / "data" / "artifacts" / "weights"
    before = sorted(kept.glob("*"))
    with pytest.raises(InvalidError, match="damaged"):
        client.networks.import_files(network, weights=weights, name="torn")
    whole = written(tmp_path, "whole.caffemodel", caffemodel(LENET))
    with pytest.raises(InvalidError, match="has a “/” in it"):
        client.networks.import_files(network, weights=whole, name="a/b")
    assert sorted(kept.glob("*")) == before
    assert "torn" not in [each.name for each in client.networks.list()]


def test_a_size_out_of_reach_leaves_its_layer_out_by_name(client: Client, tmp_path: Path) -> None:
    chain = Chain("big", picture(1, 4)).dense("ip", 2**53).dense("small", 3)
    told = client.networks.import_files(written(tmp_path, "big.prototxt", chain.text)).imported
    assert [(each["name"], each["line"]) for each in told["unsupported"]] == [("ip", 3), ("small", 4)]


def test_a_layer_with_its_own_classes_keeps_them(client: Client, tmp_path: Path) -> None:
    chain = Chain("open", picture(1, 4)).dense("ip", None)
    made = client.networks.import_files(written(tmp_path, "a.prototxt", chain.text), classes=12)
    assert "param classes = 12 in 1..100000" in made.text
    assert made.num_parameters == 16 * 12 + 12
