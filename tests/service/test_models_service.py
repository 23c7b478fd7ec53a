"""What people can do with models."""

from __future__ import annotations

import io
import shutil
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tenfold.core.errors import Busy, Damaged, Forbidden, InvalidFields, NotFound
from tenfold.core.export.contents import CONTENTS
from tenfold.core.ids import ModelId, RunId, new_id
from tenfold.core.inference.model import Model
from tenfold.services.models import MAX_PICTURES, MOST_WAITING

from .bench import Bench


@pytest.fixture
def model(bench: Bench) -> Model:
    bench.ready()
    bench.trained("first", actor=bench.editor)
    return bench.models.named.get(bench.owner, "first")


def test_a_model_knows_where_it_comes_from(bench: Bench, model: Model) -> None:
    run = bench.runs.named.get(bench.owner, "first")
    assert (model.run, model.revision, model.network) == (run.id, run.revision, "lenet")
    assert (model.owner, model.step, model.metrics) == (bench.editor.user, 7, {"test_accuracy": 0.9})
    assert model.facts["dataset"] == "shapes"
    assert run.model == model.id
    assert run.metrics["test_accuracy"] == 0.9


def test_its_size_is_that_of_its_files(bench: Bench, model: Model) -> None:
    folder = bench.artifacts.path("models", model.files)
    assert model.size_bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_pictures_go_to_the_model_that_was_named(bench: Bench, model: Model) -> None:
    ranked = bench.models.classify(bench.viewer, "first", [b"ab", b"abc"])
    assert [classes[0].label for classes in ranked] == [f"{model.files} 2", f"{model.files} 3"]


@pytest.mark.parametrize("count", [0, MAX_PICTURES + 1])
def test_a_request_has_one_to_a_hundred_pictures(bench: Bench, model: Model, count: int) -> None:
    with pytest.raises(InvalidFields, match=f"There are {count} pictures; a request takes 1 to 100"):
        bench.models.classify(bench.viewer, model.id, [b"x"] * count)


def test_one_request_is_worked_on_at_a_time_and_few_may_wait(bench: Bench, model: Model) -> None:
    inside, let_go = threading.Semaphore(0), threading.Event()
    at_once: list[int] = []

    def slowly() -> Iterator[bytes]:
        at_once.append(1)
        inside.release()
        assert let_go.wait(60)
        at_once.pop()
        yield b"x"

    def ask(_number: int) -> int:
        return len(bench.models.classify(bench.viewer, "first", slowly()))

    with ThreadPoolExecutor(MOST_WAITING + 1) as threads:
        asked = threads.map(ask, range(MOST_WAITING + 1))
        assert inside.acquire(timeout=60)
        while bench.models._turns.num_waiting < MOST_WAITING:
            threading.Event().wait(0.005)
        assert len(at_once) == 1
        with pytest.raises(Busy) as error:
            bench.models.classify(bench.viewer, "first", [b"x"])
        assert error.value.retry_after_s > 0
        let_go.set()
        assert list(asked) == [1] * (MOST_WAITING + 1)
    assert bench.models.classify(bench.viewer, "first", [b"x"])


def test_a_slow_model_of_others_holds_up_no_model_of_ours(bench: Bench, model: Model) -> None:
    foreign = replace(model, id=ModelId(new_id("model")), name="foreign", run=RunId(""))
    with bench.database.write() as tx:
        tx.models.add(foreign)
    ours = bench.artifacts.path("models", model.files)
    shutil.copytree(ours, bench.data / bench.artifacts.relative_path("models", foreign.files))
    inside, let_go = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        inside.set()
        assert let_go.wait(60)
        yield b"x"

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(bench.models.classify, bench.viewer, "foreign", slowly())
        try:
            assert inside.wait(60)
            assert bench.models.classify(bench.viewer, "first", [b"x"])
            assert not slow.done()
        finally:
            let_go.set()
        assert len(slow.result()) == 1


def test_a_reading_token_may_classify_and_download(bench: Bench, model: Model) -> None:
    reader = bench.person("viewer", scope="read")
    assert bench.models.classify(reader, "first", [b"x"])
    assert bench.models.download(reader, "first")[0] == "first.zip"


def test_what_is_not_there_is_named(bench: Bench) -> None:
    for act in (
        lambda: bench.models.classify(bench.owner, "none", [b"x"]),
        lambda: bench.models.download(bench.owner, "none"),
    ):
        with pytest.raises(NotFound) as error:
            act()
        assert error.value.code == "model.not-found"


def test_the_report_is_what_the_training_wrote(bench: Bench, model: Model) -> None:
    assert bench.models.report(bench.viewer, model) == {"metrics": {"accuracy": 0.9}}
    (bench.artifacts.path("models", model.files) / "metrics.json").unlink()
    with pytest.raises(NotFound) as error:
        bench.models.report(bench.viewer, model)
    assert error.value.code == "model.no-report"


def test_a_download_holds_every_file_under_its_name(bench: Bench, model: Model) -> None:
    bench.models.named.rename(bench.editor, "first", "blüten")
    name, blocks = bench.models.download(bench.viewer, "blüten")
    assert name == "blüten.zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(f"blüten/{file}" for file in CONTENTS)
        assert archive.read("blüten/labels.txt") == f"labels.txt of {model.run}".encode()


def test_a_damaged_model_is_not_handed_out(bench: Bench, model: Model) -> None:
    path: Path = bench.artifacts.path("models", model.files) / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(Damaged, match=r"model\.onnx"):
        bench.models.download(bench.owner, "first")


def test_a_model_belongs_to_who_trained_it(bench: Bench, model: Model) -> None:
    with pytest.raises(Forbidden, match="somebody else"):
        bench.models.named.trash(bench.person("editor", name="other"), model.id)
    assert bench.models.named.trash(bench.editor, model.id).trashed_at is not None


def test_closing_lets_go_of_the_predictor(bench: Bench) -> None:
    bench.models.close()
    assert bench.predictor.is_closed
