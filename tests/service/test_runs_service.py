"""What people can do with runs, and what becomes of runs while their jobs live."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadNetwork, Conflict, Forbidden, InUse, InvalidFields, NameTaken, NotFound, Unavailable
from tenfold.core.events import Ended, Logged, Measured, PhaseStarted, Progressed, Started
from tenfold.core.ids import new_id
from tenfold.core.jobs.confinement import Confinement
from tenfold.core.networks.custom import as_python
from tenfold.core.networks.inspection import Inspection, SourceProblem
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.networks.weights import WEIGHTS_FILE
from tenfold.core.training.run import Run
from tenfold.services.runs import thin

from .bench import Bench


@pytest.fixture
def ready(bench: Bench) -> Bench:
    bench.ready()
    return bench


def fields_of(error: pytest.ExceptionInfo[InvalidFields]) -> list[str]:
    return [problem.field for problem in error.value.problems]


def test_a_run_is_stored_told_to_its_worker_and_started(ready: Bench) -> None:
    run = ready.runs.start(ready.editor, {"dataset": "shapes", "epochs": 2, "name": "first"}, {"width1": "12"})
    assert ready.runs.named.get(ready.viewer, "first") == ready.runs.named.get(ready.viewer, run.id)
    assert run.owner == ready.editor.user
    assert run.parameters == {"width1": 12}
    job = ready.runs.job(ready.viewer, run)
    assert (job.state, job.attempt, job.granted) == ("running", 1, "cpu")
    assert ready.processes.started[-1] == (run.job, 1, "cpu")
    told = json.loads((ready.folders.path(run.job) / "spec.json").read_text("utf-8"))
    assert told["kind"] == "train"
    assert told["run_name"] == "first"
    assert told["spec"]["epochs"] == 2
    assert told["revision_folder"] == f"artifacts/revisions/{run.revision}"
    assert told["network_text"] == ready.networks.get(ready.viewer, "lenet").text


def test_without_a_name_a_run_is_called_after_network_and_dataset(ready: Bench) -> None:
    names = [ready.start().name for _ in range(3)]
    assert names == ["lenet-shapes", "lenet-shapes-2", "lenet-shapes-3"]


def test_a_name_that_is_taken_is_refused_and_nothing_is_left(ready: Bench) -> None:
    ready.start(name="mine")
    queued = ready.desk.queue()
    with pytest.raises(NameTaken, match="'mine' is taken"):
        ready.start(name="mine")
    assert ready.desk.queue() == queued
    with ready.database.read() as tx:
        assert tx.runs.count() == 1


@pytest.mark.parametrize("name", ["a/b", "new", "compare", "-x", "run_0123456789abcdef", "x\x00", "   "])
def test_names_that_no_run_may_have(ready: Bench, name: str) -> None:
    with pytest.raises(InvalidFields) as error:
        ready.start(name=name)
    assert fields_of(error) == ["name"]


def test_all_wrong_fields_are_told_at_once(ready: Bench) -> None:
    values = {"dataset": "shapes", "epochs": 0, "rate": "fast", "epoch": 1}
    with pytest.raises(InvalidFields) as error:
        ready.runs.start(ready.owner, values, {})
    assert sorted(fields_of(error)) == ["epoch", "epochs", "rate"]


def test_what_is_not_there_is_told_at_its_field(bench: Bench) -> None:
    with pytest.raises(InvalidFields) as error:
        bench.runs.start(bench.owner, {"dataset": "none", "network": "nothing"}, {})
    assert fields_of(error) == ["dataset", "network"]


def test_parameters_are_told_under_their_own_names(ready: Bench) -> None:
    with pytest.raises(InvalidFields) as error:
        ready.runs.start(ready.owner, {"dataset": "shapes"}, {"width1": 0, "widht2": 1})
    assert sorted(fields_of(error)) == ["parameters.widht2", "parameters.width1"]
    assert "it has " in str(error.value)


def test_what_the_dataset_decides_cannot_be_set(ready: Bench) -> None:
    run = ready.runs.start(ready.owner, {"dataset": "shapes"}, {"classes": 99})
    assert run.parameters == {}


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("unet", "its output `mask` is 2 x 512 x 512, not one number for each class"),
        ("siamese", "it takes 2 inputs at a time, not one picture"),
        ("char_cnn", "it takes tokens, not pictures"),
        ("autoencoder", "its output `reconstruction` is 1 x 28 x 28, not one number for each class"),
    ],
)
def test_a_network_for_another_task_says_why(ready: Bench, network: str, reason: str) -> None:
    with pytest.raises(InvalidFields) as error:
        ready.start(network=network)
    (problem,) = error.value.problems
    assert problem.field == "network"
    assert problem.message == f"{network} cannot learn image classification: {reason}. Choose another network."


def test_a_network_that_does_not_fit_names_both(ready: Bench) -> None:
    with pytest.raises(BadNetwork, match="alexnet does not fit shapes: "):
        ready.start(network="alexnet")
    assert ready.desk.queue() == ()


NOWHERE = {"folder": "", "place": "", "inside": "", "licence": "", "address": "", "internal_hosts": [], "heads": 0}


def with_weights(source: str) -> CatalogueEntry:
    """LeNet that begins with the weights of a source."""
    lenet = next(entry for entry in read_catalogue() if entry.name == "lenet")
    text = lenet.text.replace("output logits", f'output logits\npretrained "{source}"', 1)
    return CatalogueEntry(name="tuned", title="Tuned", text=text, paper="")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("catalogue:lenet", "has no published weights; `catalogue:efficientnet_lite0`, "),
        ("model:nobody", "is no model of this workstation"),
        ("folder:models/none", "cannot be used: There is no folder models/none in those that may be read ("),
        ("upload:abc", "are no weights that were brought in here"),
    ],
)
def test_a_source_of_weights_that_there_is_not_starts_nothing(tmp_path: Path, source: str, why: str) -> None:
    bench = Bench(tmp_path, catalogue=[with_weights(source)])
    bench.ready()
    with pytest.raises(BadNetwork, match=re.escape(why)) as error:
        bench.start(network="tuned")
    assert error.value.code == "network.pretrained"
    assert error.value.message.startswith("Line ")
    assert bench.desk.queue() == ()


def test_a_run_says_where_its_weights_lie_and_how_pixels_were_normalised(tmp_path: Path) -> None:
    bench = Bench(tmp_path, catalogue=[with_weights("catalogue:efficientnet_lite0")])
    bench.ready()
    run = bench.start(network="tuned")
    told = json.loads((bench.folders.path(run.job) / "spec.json").read_text("utf-8"))["weights"]
    half = [0.5, 0.5, 0.5]
    assert told == [{"source": "catalogue:efficientnet_lite0", "mean": half, "std": half, **NOWHERE}]


def test_the_form_asks_for_published_weights(ready: Bench) -> None:
    run = ready.start(network="efficientnet_lite1", weights="published")
    assert run.network_text.endswith('\npretrained "catalogue:efficientnet_lite1"\n')
    assert ready.networks.meaning(run.network_text).ok
    with pytest.raises(InvalidFields, match="lenet has no published weights; there are some for efficientnet_lite0, "):
        ready.start(network="lenet", weights="published")


def test_an_imported_network_begins_with_the_weights_that_came_with_it(ready: Bench) -> None:
    kept = new_id("upload")
    ready.artifacts.publish("weights", kept, lambda folder: (folder / WEIGHTS_FILE).write_bytes(b""))
    lenet = ready.networks.get(ready.owner, "lenet")
    facts: dict[str, Any] = {"weights": {"id": kept}}
    ready.networks.create(ready.owner, "brought", lenet.text, origin="file:a.prototxt", imported=facts)
    run = ready.start(network="brought", weights="published")
    assert run.network_text.endswith(f'\npretrained "upload:{kept}"\n')
    (told,) = json.loads((ready.folders.path(run.job) / "spec.json").read_text("utf-8"))["weights"]
    place = {**NOWHERE, "folder": f"artifacts/weights/{kept}"}
    assert told == {"source": f"upload:{kept}", "mean": [], "std": [], **place}


def hub_layout(folder: Path) -> None:
    """A folder of the hub's layout without its weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "resnet"}')
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5], "image_std": [0.25]}')


def test_a_run_begins_with_the_weights_of_a_folder(tmp_path: Path) -> None:
    bench = Bench(tmp_path, catalogue=[with_weights("folder:models/small")])
    bench.ready()
    place = bench.home / "models/small"
    hub_layout(place)
    with pytest.raises(
        BadNetwork, match=r"cannot be used: small needs model.safetensors: there is none\. Name another"
    ):
        bench.start(network="tuned")
    (place / WEIGHTS_FILE).write_bytes(b"")
    run = bench.start(network="tuned")
    (told,) = json.loads((bench.folders.path(run.job) / "spec.json").read_text("utf-8"))["weights"]
    about = {"place": str(place), "inside": str(bench.home), "licence": "mit", "mean": [0.5], "std": [0.25]}
    assert told == {**NOWHERE, "source": "folder:models/small", **about}


def test_without_the_hub_a_run_that_needs_it_does_not_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path, catalogue=[with_weights("hub:someone/net@v1")])
    bench.ready()
    with pytest.raises(Unavailable, match=r"does not answer: .* put the files into a folder and name it `folder:NAME`"):
        bench.start(network="tuned")
    assert bench.desk.queue() == ()


def test_a_copy_of_a_catalogue_network_begins_with_its_published_weights(ready: Bench) -> None:
    text = ready.networks.get(ready.owner, "efficientnet_lite0").text
    ready.networks.create(ready.owner, "mine", text, origin="catalogue:efficientnet_lite0")
    run = ready.start(network="mine", weights="published")
    assert run.network_text.endswith('\npretrained "catalogue:efficientnet_lite0"\n')


def test_a_viewer_and_a_reading_token_start_nothing(ready: Bench) -> None:
    reader = ready.person("owner", scope="read")
    for actor in (ready.viewer, reader):
        with pytest.raises(Forbidden, match=r"run\.start"):
            ready.start(actor=actor)


@pytest.mark.parametrize("act", ["stop", "resume"])
def test_a_run_belongs_to_who_started_it(ready: Bench, act: str) -> None:
    run = ready.start(actor=ready.editor)
    with pytest.raises(Forbidden, match="somebody else"):
        getattr(ready.runs, act)(ready.person("editor", name="other"), run.id)


def test_the_owner_of_the_machine_may_stop_any_run(ready: Bench) -> None:
    run = ready.start(actor=ready.editor)
    assert ready.runs.stop(ready.owner, run.id).state == "stopping"


def test_the_same_key_gives_the_same_run(ready: Bench) -> None:
    values = {"dataset": "shapes", "epochs": 1}
    first = ready.runs.start(ready.owner, values, {}, key="k")
    again = ready.runs.start(ready.owner, values, {}, key="k")
    assert again.id == first.id
    assert len(ready.desk.queue()) == 1
    with pytest.raises(Conflict) as error:
        ready.runs.start(ready.owner, {**values, "epochs": 2}, {}, key="k")
    assert error.value.code == "idempotency.key-reused"
    assert ready.runs.start(ready.editor, values, {}, key="k").id != first.id


def test_a_key_whose_request_failed_can_be_used_again(ready: Bench) -> None:
    with pytest.raises(InvalidFields):
        ready.runs.start(ready.owner, {"dataset": "shapes", "epochs": 0}, {}, key="k")
    assert ready.runs.start(ready.owner, {"dataset": "shapes", "epochs": 1}, {}, key="k").state == "waiting"


def test_a_run_waits_for_its_dataset_and_then_starts(bench: Bench) -> None:
    dataset = bench.import_shapes()
    run = bench.start()
    assert bench.job(run.job).reason == "Waits for its dataset to be ready."
    assert bench.runs.named.get(bench.owner, run.id).progress["reason"] == "Waits for its dataset to be ready."
    bench.build(dataset)
    assert bench.job(run.job).state == "running"
    assert bench.runs.named.get(bench.owner, run.id).state == "running"


def test_a_run_falls_with_its_dataset_and_says_why(bench: Bench) -> None:
    dataset = bench.import_shapes()
    run = bench.start()
    bench.end(dataset.job, Started(pid=1), Ended(outcome="failed", code="dataset.one-class", message="One class."))
    over = bench.runs.named.get(bench.owner, run.id)
    assert (over.state, over.code) == ("failed", "job.dependency-gone")
    assert over.message == "What it waited for failed: One class."


def test_no_run_starts_on_a_dataset_that_failed(bench: Bench) -> None:
    dataset = bench.import_shapes()
    bench.end(dataset.job, Ended(outcome="failed", code="dataset.unusable", message="No pictures."))
    with pytest.raises(InvalidFields, match=r"shapes could not be built: No pictures."):
        bench.start()


def test_one_place_takes_one_run_and_the_next_follows(ready: Bench) -> None:
    first, second = ready.start(), ready.start()
    assert ready.job(second.job).reason == "Waits for a free place: 1 is running."
    ready.train(first)
    assert ready.job(second.job).state == "running"


def test_stopping_a_run_that_waits_ends_it_at_once(ready: Bench) -> None:
    ready.start()
    waiting = ready.start()
    assert ready.runs.stop(ready.owner, waiting.id).state == "stopped"
    with pytest.raises(Conflict, match="only a run that waits or runs can be stopped"):
        ready.runs.stop(ready.owner, waiting.id)


def test_stopping_a_run_leaves_word_and_its_model_stays(ready: Bench) -> None:
    run = ready.start(name="halted")
    assert ready.runs.stop(ready.owner, run.id).state == "stopping"
    assert (ready.folders.path(run.job) / "stop").exists()
    ready.end(run.job, Started(pid=1), ready.publish_model(run), Ended(outcome="stopped"))
    over = ready.runs.named.get(ready.owner, "halted")
    assert over.state == "stopped"
    assert ready.models.named.get(ready.owner, "halted").id == over.model


def test_resuming_opens_a_new_attempt_and_clears_the_stop(ready: Bench) -> None:
    run = ready.start()
    ready.runs.stop(ready.owner, run.id)
    ready.end(run.job, Started(pid=1), Ended(outcome="stopped"))
    again = ready.runs.resume(ready.owner, run.id)
    assert again.state == "running"
    assert ready.job(run.job).attempt == 2
    assert not (ready.folders.path(run.job) / "stop").exists()
    with pytest.raises(Conflict, match="is running; only a run that was stopped or has failed"):
        ready.runs.resume(ready.owner, run.id)


def test_a_failed_run_resumes_in_a_new_life_of_the_server(ready: Bench) -> None:
    run = ready.start()
    ready.end(run.job, Started(pid=1), Ended(outcome="failed", code="storage-full", message="No room."))
    assert ready.runs.named.get(ready.owner, run.id).code == "storage-full"
    ready.open_desk()
    assert ready.runs.resume(ready.owner, run.id).state == "running"
    job = ready.train(run)
    assert (job.state, job.attempt, job.code, job.message) == ("finished", 2, "", "")


def test_a_resumed_run_replaces_its_model_and_keeps_what_people_wrote(ready: Bench) -> None:
    run = ready.start(name="twice")
    ready.end(run.job, Started(pid=1), ready.publish_model(run), Ended(outcome="stopped"))
    first = ready.models.named.annotate(ready.owner, "twice", note="the good one", tags=["keep"])
    ready.models.named.rename(ready.owner, "twice", "better")
    ready.runs.resume(ready.owner, run.id)
    ready.end(run.job, Started(pid=1), ready.publish_model(run, LICENSE="other"), Ended(outcome="finished"))
    model = ready.models.named.get(ready.owner, first.id)
    assert (model.name, model.note, model.tags) == ("better", "the good one", ("keep",))
    assert model.manifest != first.manifest
    assert (ready.artifacts.path("models", model.files) / "LICENSE").read_text("utf-8") == "other"
    assert [path.name for path in (ready.data / "artifacts" / "models").iterdir()] == [model.files]


class PowerCut(BaseException):
    """Stands for a server that is killed there."""


def test_a_kill_while_a_resumed_run_publishes_loses_neither_model(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ready.start(name="twice")
    ready.end(run.job, Started(pid=1), ready.publish_model(run), Ended(outcome="stopped"))
    first = ready.models.named.get(ready.owner, "twice")
    ready.runs.resume(ready.owner, run.id)
    adopt = ready.artifacts.adopt

    def adopt_and_die(*about: Any) -> int:
        adopt(*about)
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(ready.artifacts, "adopt", adopt_and_die)
        with pytest.raises(PowerCut):
            ready.end(run.job, Started(pid=1), ready.publish_model(run, LICENSE="other"), Ended(outcome="finished"))
    assert (ready.artifacts.path("models", first.files) / "LICENSE").exists()
    ready.open_desk().tick()
    second = ready.models.named.get(ready.owner, first.id)
    assert ready.job(run.job).state == "finished"
    assert (ready.artifacts.path("models", second.files) / "LICENSE").read_text("utf-8") == "other"
    assert [path.name for path in (ready.data / "artifacts" / "models").iterdir()] == [second.files]


def test_a_model_whose_name_is_taken_gets_the_next(ready: Bench) -> None:
    first = ready.trained("lenet")
    ready.runs.named.trash(ready.owner, first.id)
    second = ready.trained("lenet")
    with ready.database.read() as tx:
        assert {tx.models.get(str(run.model)).name for run in (first, second)} == {"lenet", "lenet-2"}


def test_a_resumed_run_takes_its_model_out_of_the_trash_under_a_free_name(ready: Bench) -> None:
    run = ready.start(name="late")
    ready.end(run.job, Started(pid=1), ready.publish_model(run), Ended(outcome="stopped"))
    model = ready.models.named.trash(ready.owner, "late")
    other = ready.trained("other")
    ready.models.named.rename(ready.owner, other.name, "late")
    ready.runs.resume(ready.owner, run.id)
    published = ready.publish_model(run, **{"labels.txt": "more"})
    ready.end(run.job, Started(pid=2), published, Ended(outcome="finished"))
    assert ready.runs.named.get(ready.owner, run.id).state == "finished"
    again = ready.models.named.get(ready.owner, model.id)
    assert (again.name, again.trashed_at) == ("late-2", None)


def test_news_of_a_run_reach_its_row(ready: Bench) -> None:
    run = ready.start()
    ready.tell(
        run.job,
        Started(pid=1, device="CPU, 2 threads", resumed_step=None),
        PhaseStarted(phase="training"),
        Progressed(done=5, total=20, unit="steps", seconds_left=3.0, per_second=5.0, facts={"epoch": 0.5}),
        Measured(step=5, first_step=1, epoch=0.5, values={"train_loss": 0.7}),
        Logged(text="Best so far."),
    )
    seen = ready.runs.named.get(ready.viewer, run.id)
    assert seen.progress["device"] == "CPU, 2 threads"
    assert (seen.progress["phase"], seen.progress["step"], seen.progress["steps"]) == ("training", 5, 20)
    assert seen.progress["epoch"] == 0.5
    assert seen.metrics == {"train_loss": 0.7}
    assert ready.runs.history(ready.viewer, run.id) == {"train_loss": [(5, 0.7)]}
    assert [line.text for line in ready.runs.log(ready.viewer, run.id)] == [
        "Attempt 1 begins on CPU, 2 threads.",
        "Best so far.",
    ]


def test_the_log_is_in_order_and_ends_with_the_newest(ready: Bench) -> None:
    run = ready.start()
    ready.tell(run.job, *(Logged(text=str(number)) for number in range(510)))
    texts = [line.text for line in ready.runs.log(ready.owner, run.id)]
    assert texts == [str(number) for number in range(10, 510)]


def test_listeners_hear_of_rows_and_states(ready: Bench) -> None:
    heard = []
    ready.hub.listen(heard.append)
    run = ready.start(name="live")
    ready.tell(run.job, Measured(step=1, first_step=1, epoch=0.1, values={"train_loss": 1.0}))
    rows = [news.data["rows"] for news in heard if news.name == "run.metrics"]
    assert rows == [[{"step": 1, "epoch": 0.1, "train_loss": 1.0}]]
    ready.train(run)
    states = [news.data["state"] for news in heard if news.name == "run.progress"]
    assert states[-1] == "finished"
    assert {news.data["name"] for news in heard} == {"live"}


def test_a_run_in_work_is_not_thrown_away_and_its_model_outlives_it(ready: Bench) -> None:
    run = ready.start(name="kept")
    with pytest.raises(InUse, match="its own job"):
        ready.runs.named.trash(ready.owner, run.id)
    ready.train(run)
    ready.runs.named.trash(ready.owner, "kept")
    with pytest.raises(NotFound):
        ready.runs.named.get(ready.owner, "kept")
    assert ready.models.named.get(ready.owner, "kept").run == run.id


def test_a_run_can_be_begun_from_another(ready: Bench) -> None:
    """What a copy is: the same values and parameters, another name."""
    first = ready.runs.start(ready.owner, {"dataset": "shapes", "epochs": 7, "name": "one"}, {"width1": 9})
    spec = {name: value for name, value in first.spec.items() if name != "name"}
    second = ready.runs.start(ready.editor, spec, first.parameters)
    assert second.name == "lenet-shapes"
    assert {**second.spec, "name": ""} == {**first.spec, "name": ""}
    assert second.parameters == first.parameters


def python_run(bench: Bench, name: str) -> Run:
    """A run of a network of Python, whose inspection is played."""
    text = as_python("class Network: ...\n")
    if all(each.name != "coded" for each in bench.networks.choices(bench.owner)):
        bench.networks.create(bench.owner, "coded", text)
        version = bench.networks.find(bench.owner, "coded").version
        assert version is not None
        found = Inspection(
            name="Network",
            layers=(),
            num_layers=0,
            num_parameters=7,
            input_shape=(1, 28, 28),
            classes=3,
            onnx="no",
            why_not_onnx=SourceProblem(2, "It depends."),
            confinement=Confinement(level="B"),
        )

        def write(folder: Path) -> None:
            (folder / "inspection.json").write_text(json.dumps(found.to_json()), "utf-8")

        bench.artifacts.publish("inspections", version.id, write)
        bench.networks.note_size(version, 7)
    return bench.start(network="coded", name=name)


def test_who_may_no_longer_run_code_has_none_run(ready: Bench) -> None:
    running, waiting, other = python_run(ready, "first"), python_run(ready, "second"), ready.start(name="third")
    ready.tell(running.job, Started(pid=1))

    ready.accounts.set_run_code(ready.owner, "ada", False)
    ready.desk.tick()

    def now(run: Run) -> tuple[str, str]:
        found = ready.runs.named.get(ready.owner, run.id)
        return found.state, found.code

    assert ready.processes.killed == [running.job]
    assert (now(running), now(waiting), now(other)) == (("failed", "run-code"), ("failed", "run-code"), ("running", ""))
    assert "ada, whose run it is, may not run" in ready.runs.named.get(ready.owner, running.id).message
    with pytest.raises(Forbidden, match="may not run own Python code"):
        ready.runs.resume(ready.accounts.actor_of_user(ready.owner.user), running.id)
    ready.end(other.job, ready.publish_model(other), Ended(outcome="finished"))

    ready.accounts.set_run_code(ready.owner, "ada", True)
    assert ready.runs.resume(ready.accounts.actor_of_user(ready.owner.user), running.id).state == "running"


def test_python_of_who_is_disabled_is_not_run(ready: Bench) -> None:
    actor = ready.coder("cora")
    python_run(ready, "owned")
    running, waiting = (ready.start(network="coded", name=name, actor=actor) for name in ("first", "second"))
    ready.end(ready.runs.named.get(ready.owner, "owned").job, Ended(outcome="stopped"))
    ready.tell(running.job, Started(pid=1))

    ready.accounts.set_disabled(ready.owner, "cora", True)
    ready.desk.tick()

    found = [ready.runs.named.get(ready.owner, run.id) for run in (running, waiting)]
    assert [(run.state, run.code) for run in found] == [("failed", "run-code")] * 2
    assert all("The account of cora, whose run it is, is disabled" in run.message for run in found)
    ready.accounts.set_disabled(ready.owner, "cora", False)
    assert ready.runs.resume(actor, running.id).state == "running"


def test_what_an_inspection_found_is_told_before_a_run(ready: Bench) -> None:
    python_run(ready, "warned")
    (warning,) = ready.inspections.warnings(ready.networks.find(ready.owner, "coded"))
    assert warning == "Its training cannot end with a model, which is an ONNX file. Line 2: It depends."


def test_reading_takes_the_right_to_read(ready: Bench) -> None:
    run = ready.start()
    for actor in (ready.viewer, ready.person("viewer", scope="read")):
        assert ready.runs.history(actor, run.id) == {}
        assert ready.runs.log(actor, run.id) == ()


@pytest.mark.parametrize("count", [1, 399, 400, 401, 10_000])
def test_thinning_keeps_ends_and_extremes(count: int) -> None:
    points = [(step, float((step * 7919) % 1009)) for step in range(count)]
    kept = thin(points, 400)
    assert len(kept) <= 400
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert kept == sorted(kept)
    assert {max(points, key=lambda point: point[1])[1], min(points, key=lambda point: point[1])[1]} <= {
        value for _, value in kept
    }


def test_thinning_keeps_a_single_spike() -> None:
    points = [(step, 0.0) for step in range(5000)]
    points[1234] = (1234, 9.0)
    assert (1234, 9.0) in thin(points, 400)


def test_nobody_is_let_through_by_a_wrong_id(ready: Bench) -> None:
    stranger: Actor = ready.person("editor", name="stranger")
    with pytest.raises(NotFound):
        ready.runs.stop(stranger, "run_0000000000000000")
    with pytest.raises(NotFound, match="There is no run named 'nope'"):
        ready.runs.history(stranger, "nope")


def test_what_is_in_the_trash_is_not_resumed(bench: Bench) -> None:
    bench.ready()
    run = bench.start(name="gone")
    bench.end(run.job, Ended(outcome="stopped"))
    bench.runs.named.trash(bench.owner, "gone")
    with pytest.raises(Conflict, match="gone is in the trash: take it out, then resume it"):
        bench.runs.resume(bench.owner, run.id)
    assert bench.job(run.job).state == "stopped"
    bench.runs.named.restore(bench.owner, run.id)
    assert bench.runs.resume(bench.owner, run.id).state == "running"
