"""What the events of a job say to people."""

from __future__ import annotations

import pytest

from tenfold.core.events import (
    CheckpointSaved,
    Ended,
    Envelope,
    Event,
    Logged,
    Measured,
    PhaseStarted,
    Progressed,
    Published,
    Started,
)
from tenfold.core.jobs.log import line_of


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (Started(pid=1, device="cpu"), "info", "Attempt 2 begins on cpu."),
        (Started(pid=1), "info", "Attempt 2 begins."),
        (Started(pid=1, resumed_step=1200), "info", "Attempt 2 goes on from the checkpoint at step 1,200."),
        (
            Measured(step=844, first_step=1, epoch=1.0, values={"val_loss": 0.03518, "val_accuracy": 0.98933}),
            "info",
            "Epoch 1: validation loss 0.0352, 98.93 % right.",
        ),
        (PhaseStarted(phase="testing"), "info", "Tests the best model."),
        (Published(folder="result", manifest="0" * 64), "info", "The result is complete."),
        (Logged(text="This resume is not exact.", level="warning"), "warning", "This resume is not exact."),
        (Ended(outcome="finished"), "info", "Finished."),
        (Ended(outcome="failed", message="The disk is full."), "error", "Failed: The disk is full."),
    ],
)
def test_events_that_matter_have_a_line(event: Event, level: str, text: str) -> None:
    assert line_of(Envelope(seq=1, attempt=2, time=0.0, event=event)) == (level, text)


@pytest.mark.parametrize(
    "event",
    [
        Progressed(done=1, total=2, unit="steps"),
        CheckpointSaved(step=3),
        PhaseStarted(phase="training"),
        Measured(step=5, first_step=1, epoch=0.1, values={"train_loss": 1.0}),
    ],
)
def test_what_happens_all_the_time_has_none(event: Event) -> None:
    assert line_of(Envelope(seq=1, attempt=1, time=0.0, event=event)) is None
