"""Forecasts from a workload, the room there is, and what a probe saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenfold.core.errors import InvalidFields
from tenfold.core.networks.analysis import require_graph
from tenfold.core.training.preflight.forecast import Reading, Room, Workload, forecast

TEXT = """language 1
network wide "two layers"
input x = vector(1000)
fc1 = dense(5000)
gelu
fc2 = dense(10)
output logits
"""
GB = 10**9
WORK = Workload(
    graph=require_graph(TEXT),
    optimizer="adam",
    batch_size=64,
    epochs=5,
    num_training=6400,
    num_validation=640,
    num_pictures=8000,
    picture_bytes=1000,
    is_packed=True,
)
ROOM = Room(device="cpu", memory_total_bytes=16 * GB, memory_free_bytes=12 * GB, disk_free_bytes=100 * GB)


def test_a_small_run_fits_and_its_parts_are_its_peak() -> None:
    told = forecast(WORK, ROOM)

    parts = told.parts
    assert told.verdict == "fits"
    assert told.memory_how == "reckoned"
    assert parts.pictures == 8000 * 1000
    assert parts.optimizer == 2 * parts.gradients
    assert told.memory_bytes == sum(vars(parts).values())
    assert told.memory_bytes < told.memory_high_bytes
    assert (told.epoch_s, told.total_s, told.time_how) == (None, None, None)


def test_what_cannot_fit_is_refused_with_the_largest_batch_that_does() -> None:
    room = replace(ROOM, memory_total_bytes=GB, memory_free_bytes=GB)
    many = replace(WORK, num_training=60_000)
    large = forecast(replace(many, batch_size=60_000), room)

    with pytest.raises(InvalidFields) as refusal:
        large.require_room()

    nearest = forecast(replace(many, batch_size=large.nearest_batch), room)
    largest = forecast(replace(many, batch_size=large.largest_batch), room)
    assert refusal.value.problems[0].field == "batch_size"
    assert f"Batch {large.nearest_batch:,} fits." in refusal.value.message
    assert largest.memory_bytes <= GB < forecast(replace(many, batch_size=large.largest_batch + 1), room).memory_bytes
    assert (nearest.verdict, nearest.nearest_batch) == ("fits", 0)
    assert large.free_batch == large.nearest_batch < large.largest_batch


def test_a_batch_takes_no_more_than_there_is_to_train_on() -> None:
    few = replace(WORK, num_training=100, batch_size=60_000)

    assert forecast(few, ROOM).memory_bytes == forecast(replace(few, batch_size=100), ROOM).memory_bytes
    read = (Reading(100, 500_000_000, 0.5), Reading(50_000, 600_000_000, 0.7))
    told = forecast(few, ROOM, read)
    assert told.memory_bytes == 600_000_000 + told.parts.pictures
    assert told.epoch_s == pytest.approx(0.7 + 640 * 0.007 / 3)
    refused = forecast(few, replace(ROOM, memory_total_bytes=10**8, memory_free_bytes=10**8))
    assert "there are only 100 pictures to train on" in refused.sentence


def test_what_does_not_fit_beside_others_names_the_batch_that_does() -> None:
    many = replace(WORK, num_training=60_000, batch_size=30_000)
    told = forecast(many, replace(ROOM, memory_free_bytes=GB))

    assert told.verdict == "full"
    assert f"Batch {told.nearest_batch:,} does." in told.sentence
    assert 0 < told.nearest_batch < 30_000


def test_where_no_batch_fits_the_sentence_says_so() -> None:
    told = forecast(WORK, replace(ROOM, memory_total_bytes=10**7, memory_free_bytes=10**7))

    assert (told.verdict, told.largest_batch) == ("never", 0)
    assert "No batch fits" in told.sentence


def test_memory_that_others_use_is_a_warning_and_no_refusal() -> None:
    told = forecast(WORK, replace(ROOM, memory_free_bytes=10**7))

    assert told.verdict == "full"
    told.require_room()


def test_two_readings_give_the_slope_of_time_and_the_larger_one_moves_memory() -> None:
    readings = (Reading(8, 500_000_000, 0.1 + 8 * 0.01), Reading(16, 580_000_000, 0.1 + 16 * 0.01))

    told = forecast(WORK, ROOM, readings)

    assert told.memory_bytes == forecast(WORK, ROOM, readings[1:]).memory_bytes > 580_000_000
    assert told.epoch_s == pytest.approx(100 * 0.1 + 6400 * 0.01 + 640 * 0.01 / 3)
    assert told.total_s == pytest.approx(5 * told.epoch_s)
    assert (told.memory_how, told.time_how) == ("measured", "measured")


def test_one_reading_moves_what_was_reckoned() -> None:
    reckoned = forecast(WORK, ROOM).memory_bytes
    small = replace(WORK, batch_size=2)
    seen = forecast(small, ROOM).memory_bytes - forecast(small, ROOM).parts.pictures + 30_000_000

    told = forecast(WORK, ROOM, (Reading(2, seen, 0.5),))

    assert told.memory_bytes >= reckoned
    assert told.epoch_s == pytest.approx(6400 * 0.25 + 640 * 0.25 / 3)


def test_pictures_that_are_not_packed_stay_on_the_disk() -> None:
    assert forecast(replace(WORK, is_packed=False), ROOM).parts.pictures == 0


def test_the_disk_holds_checkpoints_and_the_model() -> None:
    weights = forecast(WORK, ROOM).parts.weights

    assert forecast(WORK, ROOM).disk_bytes == 3 * 3 * weights + 2 * weights
