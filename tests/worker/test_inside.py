"""Looking inside models and checkpoints, in real processes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import BadImage, Conflict, InvalidFields, NotFound
from tenfold.core.training.run import Run
from tenfold.services.inside import Inside, Looked

from .workstation import Workstation


@pytest.fixture(scope="module")
def trained(workstation: Workstation, shapes: Dataset) -> Run:
    return workstation.finish(workstation.start(dataset=shapes.name, network="lenet", epochs=2, name="seen"))


def seen(workstation: Workstation, inside: Inside) -> Inside:
    look = workstation.services.inside.look
    return workstation.wait(
        lambda: look(workstation.owner, inside.id), lambda now: now.state not in {"waiting", "running"}
    )


def test_every_layer_of_a_model_is_told_with_facts_and_tiles(workstation: Workstation, trained: Run) -> None:
    found = seen(workstation, workstation.services.inside.of_model(workstation.owner, "seen", Looked()))

    assert (found.state, found.message) == ("finished", "")
    assert [each.path for each in found.layers] == [
        *("conv1", "conv1_max_pool", "conv2", "conv2_max_pool", "conv2_flatten", "ip1", "ip1_relu", "ip2")
    ]
    conv1 = found.layers[0].facts
    model = workstation.services.models.named.get(workstation.owner, "seen")
    stored = load_file(workstation.data / "artifacts" / "models" / model.files / "model.safetensors")["conv1.weight"]
    weight = conv1["weights"][0]  # type: ignore[index, call-overload]
    assert weight["name"] == "weight"
    assert weight["mean"] == pytest.approx(float(stored.mean()), abs=1e-6)
    assert weight["std"] == pytest.approx(float(stored.std()), abs=1e-6)
    assert sum(weight["histogram"]) == stored.size
    assert conv1["parameters"] == 520
    activation = conv1["activation"]
    assert activation["shape"] == [20, 24, 24]  # type: ignore[index, call-overload]
    tiles = activation["tiles"]  # type: ignore[index, call-overload]
    content = workstation.services.inside.tiles(workstation.owner, found.id, tiles["file"])
    picture = Image.open(io.BytesIO(content))
    assert [*picture.size] == tiles["picture"]
    assert (tiles["shown"], tiles["total"], tiles["height"], tiles["width"]) == (20, 20, 24, 24)


def test_what_the_output_layer_gives_is_what_the_model_predicts(workstation: Workstation, trained: Run) -> None:
    found = seen(workstation, workstation.services.inside.of_model(workstation.owner, "seen", Looked(sample=3)))
    facts = found.layers[-1].facts["activation"]
    assert facts["shape"] == [3]  # type: ignore[index, call-overload]
    assert found.sample == 3
    other = seen(workstation, workstation.services.inside.of_model(workstation.owner, "seen", Looked(sample=400)))
    assert facts["high"] != other.layers[-1].facts["activation"]["high"]  # type: ignore[index, call-overload]


def test_a_checkpoint_is_seen_while_its_run_trains_and_the_run_ends_the_same(
    workstation: Workstation, shapes: Dataset
) -> None:
    values = {"dataset": shapes.name, "network": "dropping", "epochs": 8, "batch_size": 16}
    alone = workstation.finish(workstation.start(**values, name="alone-again"))
    run = workstation.start(**values, name="looked-at")
    steps = workstation.wait(lambda: workstation.services.inside.steps(workstation.owner, run), bool)

    found = workstation.services.inside.of_run(workstation.owner, "looked-at", Looked())
    assert found.step in steps
    over = seen(workstation, found)

    assert over.state == "finished" or "no checkpoint of step" in over.message
    assert workstation.weights_sha256(workstation.finish(run)) == workstation.weights_sha256(alone)


def test_a_picture_that_was_sent_is_prepared_as_the_model_s_own(workstation: Workstation, trained: Run) -> None:
    reader = workstation.services.datasets.revision_reader(trained.revision)
    pixels = reader.pictures_at(np.array([7]))[0]
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(buffer, "PNG")
    of = workstation.services.inside.of_run
    own = seen(workstation, of(workstation.owner, "seen", Looked(sample=7)))

    sent = seen(workstation, of(workstation.owner, "seen", Looked(picture=buffer.getvalue())))

    assert (own.sample, sent.sample, own.step == sent.step) == (7, None, True)
    assert [each.facts for each in sent.layers] == [each.facts for each in own.layers]


def test_what_cannot_be_looked_at_is_told(workstation: Workstation, shapes: Dataset, trained: Run) -> None:
    inside = workstation.services.inside
    waiting = workstation.start(dataset=shapes.name, network="lenet", epochs=50, name="not-yet")
    with pytest.raises(Conflict, match="no checkpoint yet"):
        inside.of_run(workstation.owner, "not-yet", Looked())
    workstation.services.runs.stop(workstation.owner, waiting.id)
    workstation.finish(waiting)
    with pytest.raises(NotFound, match="no checkpoint of step 99,999"):
        inside.of_run(workstation.owner, "seen", Looked(step=99_999))
    with pytest.raises(InvalidFields, match="no sample 600"):
        inside.of_model(workstation.owner, "seen", Looked(sample=600))
    with pytest.raises(BadImage):
        inside.of_model(workstation.owner, "seen", Looked(picture=b"no picture"))
    found = inside.of_model(workstation.owner, "seen", Looked())
    for file in ("../../../tenfold.sqlite", "0000-activation.png/../x", "spec.json", "9999-activation.png"):
        with pytest.raises(NotFound):
            inside.tiles(workstation.owner, found.id, file)
    with pytest.raises(NotFound, match="ask anew"):
        inside.look(workstation.owner, "ern_0000000000000000")
