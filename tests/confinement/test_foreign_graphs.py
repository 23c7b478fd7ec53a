"""The process that a foreign model classifies in: what it can reach, and what becomes of it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import foreign_models as made
import numpy as np
import psutil
import pytest
from kernel import level_here
from PIL import Image

from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.runtimes.apart import ApartPredictor
from tenfold.bootstrap.answering import COMMAND
from tenfold.core.errors import BadModel, Busy
from tenfold.core.inference.importing import ModelImport


@pytest.fixture
def apart() -> Iterator[ApartPredictor]:
    predictor = ApartPredictor(PillowDecoder(), COMMAND, seconds=120, most=2)
    yield predictor
    predictor.close()


def folder_of(path: Path, graph: bytes) -> Path:
    """A model's folder with this graph."""
    path.mkdir()
    (path / "model.onnx").write_bytes(graph)
    (path / "labels.txt").write_text("".join(f"{number}\n" for number in range(made.CLASSES)), "utf-8")
    preprocessing = ModelImport().preprocessing(made.SIDE, made.SIDE, 3).to_json()
    (path / "preprocessing.json").write_text(json.dumps(preprocessing), "utf-8")
    return path


def picture(path: Path, colour: str = "red") -> bytes:
    Image.new("RGB", (made.SIDE, made.SIDE), colour).save(path / "picture.png")
    return (path / "picture.png").read_bytes()


def children() -> set[int]:
    return {each.pid for each in psutil.Process(os.getpid()).children()}


def test_it_answers_for_many_pictures_and_is_kept_ready_until_two_others_are_asked(
    tmp_path: Path, apart: ApartPredictor
) -> None:
    before = children()
    folder = folder_of(tmp_path / "soft", made.linear(ends="Softmax"))
    image = np.zeros((1, 3, made.SIDE, made.SIDE), np.float32)
    image[:, 0] = 1
    known = made.softmax(made.logits_of(image))[0]

    ranked = apart.classify(folder, [picture(tmp_path)] * 40)

    assert len(ranked) == 40
    for each in ranked:
        assert {int(guess.label): guess.probability for guess in each} == pytest.approx(
            dict(enumerate(known)), abs=1e-5
        )
    (first,) = children() - before
    status = Path(f"/proc/{first}/status").read_text("ascii")
    assert "NoNewPrivs:\t1" in status
    assert ("Seccomp:\t2" in status) == (level_here() == "B")
    apart.classify(folder, [picture(tmp_path)])
    assert children() - before == {first}
    others = [folder_of(tmp_path / name, made.linear()) for name in ("second", "third")]
    apart.classify(others[0], [picture(tmp_path)])
    assert first in children()
    apart.classify(others[1], [picture(tmp_path)])
    assert first not in children()
    assert len(children() - before) == 2
    apart.close()
    assert children() == before


def test_it_opens_no_file_but_its_own(tmp_path: Path, apart: ApartPredictor) -> None:
    weights = made.WEIGHTS.tobytes()
    (tmp_path / "secret.bin").write_bytes(weights)
    outside = folder_of(tmp_path / "outside", made.outside("../secret.bin"))
    (tmp_path / "link").mkdir()
    linked = folder_of(tmp_path / "linked", made.outside("weights.bin"))
    (linked / "weights.bin").symlink_to(tmp_path / "secret.bin")
    beside = folder_of(tmp_path / "beside", made.outside("weights.bin"))
    (beside / "weights.bin").write_bytes(weights)

    assert apart.classify(beside, [picture(tmp_path)])
    for folder in (outside, linked) if level_here() == "B" else (outside,):
        with pytest.raises(BadModel, match="cannot be run") as error:
            apart.classify(folder, [picture(tmp_path)])
        assert error.value.code == "model.failed"


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (made.bomb(), "needs more memory than it may take"),
        (b"no graph", "cannot load it"),
        (made.model([made.dense()[0], made.helper.make_node("Log", ["f"], ["y"])]).SerializeToString(), "numbers"),
    ],
)
def test_a_graph_that_fails_is_told_and_the_next_is_answered(
    tmp_path: Path, apart: ApartPredictor, graph: bytes, says: str
) -> None:
    with pytest.raises(BadModel, match=says):
        apart.classify(folder_of(tmp_path / "bad", graph), [picture(tmp_path)])
    assert apart.classify(folder_of(tmp_path / "good", made.linear()), [picture(tmp_path)])


def test_a_graph_without_end_is_ended(tmp_path: Path, apart: ApartPredictor) -> None:
    before, folder = children(), folder_of(tmp_path / "sleeper", made.endless("white"))
    apart.classify(folder, [picture(tmp_path)])
    apart._seconds = 1.0
    with pytest.raises(BadModel, match="did not answer in time"):
        apart.classify(folder, [picture(tmp_path, "white")])
    assert children() == before


def test_a_model_without_end_holds_up_none_but_itself(tmp_path: Path, apart: ApartPredictor) -> None:
    sleeper = folder_of(tmp_path / "sleeper", made.endless("white"))
    other, third = (folder_of(tmp_path / name, made.linear()) for name in ("other", "third"))
    apart.classify(sleeper, [picture(tmp_path)])
    before = children()
    with ThreadPoolExecutor(1) as threads:
        endless = threads.submit(apart.classify, sleeper, [picture(tmp_path, "white")])
        while not apart._kept[sleeper].mutex.locked():
            threading.Event().wait(0.005)
        with pytest.raises(Busy):
            apart.classify(sleeper, [picture(tmp_path)])
        assert apart.classify(other, [picture(tmp_path)])
        assert apart.classify(third, [picture(tmp_path)])
        assert not endless.done()
        for pid in before & children():
            psutil.Process(pid).kill()
        with pytest.raises(BadModel, match="ended"):
            endless.result()


@pytest.mark.parametrize(
    "says",
    ["import time; time.sleep(99)", "import os; os.write(1, b'+' + b'\\xff' * 99)", "import os; os.write(1, b'-\\1')"],
)
def test_a_process_that_lies_is_not_believed(tmp_path: Path, says: str) -> None:
    folder = folder_of(tmp_path / "model", made.linear())
    predictor = ApartPredictor(PillowDecoder(), [COMMAND[0], "-c", says], seconds=2, most=1)
    with pytest.raises(BadModel):
        predictor.classify(folder, [picture(tmp_path)])
    predictor.close()
