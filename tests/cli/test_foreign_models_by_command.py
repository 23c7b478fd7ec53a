"""Models that were trained elsewhere, by the command line, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import foreign_models as made
import pytest
from PIL import Image

from ..server_process import Server
from .test_commands import answer, tenfold


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("foreign"))
    running.start()
    with closing(running):
        yield running


def test_a_file_becomes_a_model_that_classifies(server: Server, tmp_path: Path) -> None:
    file, labels, picture = (tmp_path / name for name in ("pets.onnx", "labels.txt", "red.png"))
    file.write_bytes(made.linear(takes=made.LAST, ends="Softmax"))
    labels.write_text("ant\nbee\ncow\ndog\neel\n", "utf-8")
    Image.new("RGB", (20, 20), "red").save(picture)

    said = tenfold(server, "model", "import", str(file), "--labels", str(labels), "--mean", "0.5", "--std", "0.25")

    assert said.stdout.splitlines() == [
        "pets: 5 classes, colour pictures of 8 x 8, NHWC",
        "Its output is taken for probabilities: it ends in a softmax.",
    ]
    (seen,) = answer(server, "model", "classify", "pets", str(picture))
    assert {each["label"] for each in seen["predictions"]} == {"ant", "bee", "cow", "dog", "eel"}
    assert answer(server, "model", "show", "pets")["facts"]["file"]["wanted"]["mean"] == "0.5"
    assert tenfold(server, "model", "download", "pets", "-o", str(tmp_path / "pets.zip")).returncode == 0


def test_what_is_wrong_is_told_and_nothing_is_made(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "bad.onnx"
    for content, says in (
        (made.outside("../../etc/passwd"), "other files are not opened"),
        (made.linear(takes=["N", 3, "h", "w"]), "leaves the height of its input open"),
        (b"", "The file has 0 bytes"),
    ):
        file.write_bytes(content)
        done = tenfold(server, "model", "import", str(file), "--name", "bad")
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert "bad" not in json.dumps(answer(server, "model", "list"))
