"""Networks by the command line, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from unit.caffe.caffe_texts import layer, lenet, picture

from ..server_process import Server
from .test_commands import answer, tenfold

TEXT = """language 1
network small "A first try"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
conv1 = conv(8, 5)
relu
flatten
fc = dense(classes)
output logits
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("networks"))
    running.start()
    with closing(running):
        yield running


def test_a_file_becomes_a_network_with_versions(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "mine.network"
    file.write_text(TEXT, "utf-8")
    made = answer(server, "network", "create", str(file), "--name", "mine")
    assert (made["name"], made["state"], made["number"]) == ("mine", "ready", 1)
    edit = ["--action", "set", "--layer", "conv1", "--argument", "kernel", "--value", "3"]
    assert "conv(8, 3)" in tenfold(server, "network", "edit", "mine", *edit).stdout
    assert tenfold(server, "network", "show", "mine").stdout == TEXT.replace("conv(8, 5)", "conv(8, 3)")
    assert tenfold(server, "network", "show", "mine@1").stdout == TEXT
    assert "mine@2  current" in (listed := tenfold(server, "network", "history", "mine").stdout)
    assert "1 line changed; conv1 kernel 5 to 3" in listed
    saved = answer(server, "network", "save", "mine", str(file))
    assert (saved["name"], saved["summary"]) == ("mine@3", "1 line changed; conv1 kernel 3 to 5")
    late = tenfold(server, "network", "save", "mine", str(file), "--on", made["current"])
    assert (late.returncode, "version 3 is current" in late.stderr) == (1, True)
    told = tenfold(server, "network", "difference", "mine", "@2").stdout
    assert "- conv1 = conv(8, 3)\n+ conv1 = conv(8, 5)\n" in told
    assert "tensors can be taken from weights of mine@2." in told
    copy = answer(server, "network", "copy", "mine@2", "--name", "second")
    assert copy["origin"] == "network:mine@2"
    listed = tenfold(server, "network", "list").stdout.split()
    assert listed.index("second") < listed.index("lenet")
    assert answer(server, "network", "trash", "second")["trashed_at"]


def test_a_file_is_checked_formatted_and_edited_in_place(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "draft.network"
    file.write_text(TEXT.replace("conv1 = conv(8, 5)", "conv1=convv(8, 5)"), "utf-8")
    checked = tenfold(server, "network", "check", str(file))
    assert checked.returncode == 2
    assert f"{file}:5:7: There is no layer or block `convv`, perhaps `conv`." in checked.stderr
    mended = tenfold(server, "network", "edit", str(file), "--action", "remove", "--line", "5")
    assert (mended.returncode, mended.stderr) == (0, "")
    assert "convv" not in file.read_text("utf-8")
    file.write_text(TEXT.replace("conv1 = ", "conv1="), "utf-8")
    assert tenfold(server, "network", "format", str(file)).stdout == TEXT
    assert json.loads(tenfold(server, "network", "statements", str(file)).stdout)["text"] == file.read_text("utf-8")
    assert "LayerStatement" in json.loads(tenfold(server, "network", "language", "--schema").stdout)["$defs"]
    assert "conv" in json.loads(tenfold(server, "network", "language").stdout)["layers"]
    assert tenfold(server, "network", "format", str(file), "--write").returncode == 0
    assert file.read_text("utf-8") == TEXT
    whole = tenfold(server, "network", "check", str(file), "--set", "classes=3", "--input", "1,32,32")
    assert whole.stdout.startswith("small: 4 layers, 19,027 parameters, input image 1 x 32 x 32\n")
    assert tenfold(server, "network", "check", str(file), "--input", "big").returncode == 2


def test_a_caffe_file_is_imported_and_says_how_to_train_it(server: Server, tmp_path: Path) -> None:
    network, solver = tmp_path / "deploy.prototxt", tmp_path / "solver.prototxt"
    network.write_text(lenet(picture(1, 28)).text + layer("odd", "Mystery", ["ip2"]), "utf-8")
    solver.write_text('base_lr: 0.01 lr_policy: "step"', "utf-8")
    done = tenfold(server, "network", "import", str(network), "--solver", str(solver), "--name", "le net")
    assert done.returncode == 0, done.stderr
    assert "le net: ready" in done.stdout
    assert "tenfold run start --dataset DATASET --network 'le net' --momentum 0.0" in done.stdout
    assert "odd (Mystery) is left out" in done.stderr
    assert "Line 1: `lr_policy` is step, for which a training has no field." in done.stderr
    network.write_text("layer {", "utf-8")
    torn = tenfold(server, "network", "import", str(network))
    assert (torn.returncode, "never closed" in torn.stderr) == (2, True)
    told = json.loads(tenfold(server, "network", "show", "le net", "--json").stdout)["imported"]
    assert told["solver"] == "solver.prototxt"


def test_a_file_of_python_is_kept_and_inspected(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    lines = ["from torch import nn", "def network(classes: int = 2, channels: int = 1):"]
    file.write_text("\n".join([*lines, "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))\n"]), "utf-8")
    assert answer(server, "network", "create", str(file), "--name", "own")["language"] == "python"

    told = tenfold(server, "network", "inspect", "own", "--input", "1,5,5").stdout

    assert "own: 2 layers, 52 parameters, input 1 x 5 x 5, 2 classes" in told
    assert "      4  1                                Linear               2" in told
    assert "Level " in told
    file.write_text("from torch import nn\nclass Network(nn.Module)\n", "utf-8")
    answer(server, "network", "save", "own", str(file))
    wrong = tenfold(server, "network", "inspect", "own")
    assert (wrong.returncode, "Line 3: SyntaxError" in wrong.stderr) == (2, True)
