"""Events as JSON: what was written is read back, and what is no event is refused and says why."""

from __future__ import annotations

import json
from typing import Any

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

EVENTS: list[Event] = [
    Started(pid=7, device="CPU", resumed_step=None),
    PhaseStarted(phase="testing"),
    Progressed(done=1, total=2, unit="steps", seconds_left=1.5, facts={"epoch": 1}),
    Measured(step=2, first_step=1, epoch=0.5, values={"train_loss": 0.25, "val_loss": 1e300}),
    CheckpointSaved(step=2),
    Logged(text="ü", level="warning"),
    Published(folder="result", manifest="ab", facts={"shape": [1, 2], "metrics": {"test_accuracy": 1.0}}),
    Ended(outcome="failed", code="diverged", message="It diverged."),
]
ROW = {"step": 1, "first_step": 1, "epoch": 1}
HEAD = {"seq": 1, "attempt": 1, "time": 2.5}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_what_was_written_is_read_back(event: Event) -> None:
    envelope = Envelope(seq=3, attempt=2, time=1.5, event=event)
    assert Envelope.from_json(json.loads(json.dumps(envelope.to_json()))) == envelope


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"type": "sneezed"}, "no event"),
        ({"type": ["log"]}, "no event"),
        ({"type": "log"}, "text"),
        ({"type": "log", "text": 5}, "`text` of 'log' is 5"),
        ({"type": "log", "text": "x", "level": "loud"}, "`level` of 'log' is 'loud'"),
        ({"type": "log", "text": "\ud800"}, "surrogates"),
        ({"type": "checkpoint", "step": "9"}, "`step` of 'checkpoint' is '9'"),
        ({"type": "checkpoint", "step": True}, "`step` of 'checkpoint' is True"),
        ({"type": "checkpoint", "step": 1.0}, "`step` of 'checkpoint' is 1.0"),
        ({"type": "checkpoint", "step": 2**63}, "no number to work with"),
        ({"type": "metrics", "step": 1, "first_step": 1, "epoch": 1, "values": {"loss": "x"}}, "`values` of 'metrics'"),
        ({"type": "metrics", "step": 1, "first_step": 1, "epoch": 1, "values": [1]}, "`values` of 'metrics'"),
        ({"type": "metrics", "step": 1, "first_step": 1, "epoch": float("nan"), "values": {}}, "nan"),
        ({"type": "published", "folder": "r", "manifest": "m", "facts": {"a": [float("inf")]}}, "inf"),
        (
            {"type": "metrics", **ROW, "values": {f"n{number}": 1.0 for number in range(101)}},
            "101 figures, more than 100",
        ),
        ({"type": "metrics", **ROW, "values": {"": 1.0}}, "no name for a figure"),
        ({"type": "metrics", **ROW, "values": {"x" * 101: 1.0}}, "no name for a figure"),
        ({"type": "metrics", **ROW, "values": {"\x1b[2J": 1.0}}, "no name for a figure"),
        ({"type": "progress", "done": 1, "total": 2, "unit": "steps", "facts": {"a\nb": 1.0}}, "no name for a figure"),
        ({"type": "progress", "done": 1, "total": 2, "unit": "s" * 5000}, "`unit` of 'progress' has 5,000 characters"),
        ({"type": "phase", "phase": "sleeping"}, "`phase` of 'phase' is 'sleeping'"),
        ({"type": "log", "text": "x", "seq": "1"}, "`seq` of 'log' is '1'"),
        ({"type": "log", "text": "x", "time": None}, "`time` of 'log' is None"),
        ({"type": "log", "text": "x", "time": 1e300}, "which is no time"),
        ({"type": "log", "text": "x", "time": -1.0}, "which is no time"),
        ({"type": "inspected", "facts": {"name": json.loads("[" * 900 + "]" * 900)}}, "nested too deeply"),
    ],
)
def test_what_is_no_event_is_refused_and_says_why(line: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Envelope.from_json({**HEAD, **line})


@pytest.mark.parametrize("name", HEAD)
def test_every_event_has_its_place(name: str) -> None:
    line = {key: value for key, value in HEAD.items() if key != name}
    with pytest.raises(ValueError, match=name):
        Envelope.from_json({**line, "type": "log", "text": "x"})
