"""The networks that people choose from, and the parameters they set."""

from __future__ import annotations

import time

import pytest

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.storage.memory import InMemoryDatabase
from tenfold.core.errors import BadNetwork, InvalidFields, NotFound
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.services.network_texts import KEPT_ANALYSES
from tenfold.services.networks import NetworkService
from tenfold.testing.training import ManualClock

from .bench import Bench

HEAD = "network n\ninput image = image(1, 28, 28)\n"
TEXT = """language 1
network small
param classes = 10 in 2..1000
param width = 8 in 1..64 "Channels of the first layer"
param kind = relu in [relu, tanh]
input image = image(1, 28, 28)
conv1 = conv(width, 3)
activation(kind)
flatten
fc = dense(classes)
output logits
"""


@pytest.fixture
def networks() -> NetworkService:
    shipped = [*read_catalogue(), CatalogueEntry(name="small", title="Small", text=TEXT, paper="")]
    return NetworkService(shipped, InMemoryDatabase(), clock=time.time, worked=time.thread_time)


def test_all_networks_in_their_order(bench: Bench, networks: NetworkService) -> None:
    names = [entry.name for entry in networks.entries(bench.viewer)]
    assert {"alexnet", "lenet", "small"} < set(names)
    assert names[:-1] == sorted(names[:-1])
    assert all(networks.meaning(entry.text).ok for entry in networks.entries(bench.viewer))


def test_what_was_reckoned_once_is_kept_by_text_values_and_size(networks: NetworkService) -> None:
    one = networks.fit(TEXT, {"classes": 10}, (1, 8, 8))
    assert networks.fit(TEXT, {"classes": 10}, (1, 8, 8)) is one
    assert networks.fit(TEXT, {"classes": 11}, (1, 8, 8)) is not one
    assert networks.fit(TEXT, {"classes": 10}, (1, 9, 8)) is not one


def test_an_unknown_one_is_told_with_those_there_are(bench: Bench, networks: NetworkService) -> None:
    with pytest.raises(
        NotFound, match=r"There is no network 'lenett'; there are alexnet, .*, lenet, .*, small"
    ) as error:
        networks.get(bench.viewer, "lenett")
    assert error.value.code == "network.not-found"


def test_knobs_are_what_the_dataset_does_not_decide(networks: NetworkService) -> None:
    knobs = networks.knobs(TEXT, {"classes": 10})
    assert [knob.name for knob in knobs] == ["width", "kind"]
    assert (knobs[0].minimum, knobs[0].maximum, knobs[0].help) == (1, 64, "Channels of the first layer")
    assert [choice.value for choice in knobs[1].choices] == ["relu", "tanh"]


def test_parameters_get_their_types(networks: NetworkService) -> None:
    typed = networks.parse_parameters(TEXT, {"width": "16", "kind": "tanh", "classes": 3}, {"classes": 10})
    assert typed == {"width": 16, "kind": "tanh"}


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"width": 65}, "parameters.width", "range"),
        ({"width": 1.5}, "parameters.width", None),
        ({"width": None}, "parameters.width", "required"),
        ({"kind": "gelu"}, "parameters.kind", None),
        ({"depth": 3}, "parameters.depth", "unknown"),
    ],
)
def test_wrong_parameters_are_told_under_their_names(
    networks: NetworkService, values: dict[str, object], field: str, code: str | None
) -> None:
    with pytest.raises(InvalidFields) as error:
        networks.parse_parameters(TEXT, values, {"classes": 10})
    (problem,) = error.value.problems
    assert problem.field == field
    assert code is None or problem.code == code


def test_a_meaning_is_worked_out_once(networks: NetworkService) -> None:
    assert networks.meaning(TEXT) is networks.meaning(TEXT)


def test_a_text_that_takes_too_long_is_told_and_not_remembered() -> None:
    clock = ManualClock(tick_s=0.0)
    networks = NetworkService([], InMemoryDatabase(), clock=time.time, worked=clock)
    clock.tick_s = 0.3
    slow = HEAD + "relu\n" * 4000 + "output logits\n"
    assert [problem.code for problem in networks.meaning(slow).problems] == ["network.slow"]
    with pytest.raises(BadNetwork, match="takes too long"):
        networks.parse_parameters(slow, {}, {})
    clock.tick_s = 0.0
    assert networks.meaning(slow).ok
    assert networks.parse_parameters(slow, {}, {}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "relu\n" * 4000,
        "# nothing\n" * 20_000,
        "x = conv(3, 3) from a, b\n" * 5000,
        "block a() {\n  x = relu repeat 1000\n}\nq = a() repeat 1000\n",
    ],
)
def test_lateness_is_noticed_in_every_part_of_the_work(text: str) -> None:
    """Reading characters, reading statements and expanding all ask; what is told is that alone."""
    looks = 0

    def is_late() -> bool:
        nonlocal looks
        looks += 1
        return looks > 2

    found = analyse(HEAD + text, is_late=is_late)
    assert found.graph is None
    assert "network.slow" in [problem.code for problem in found.problems]
    assert looks == 3


def test_so_many_meanings_are_kept_and_no_more(networks: NetworkService) -> None:
    for number in range(3 * KEPT_ANALYSES):
        networks.meaning(f"network n{number}\n")
    assert len(networks._known) == KEPT_ANALYSES
