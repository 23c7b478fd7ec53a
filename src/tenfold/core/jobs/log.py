"""What the events of a job say to people: the lines of its log."""

from __future__ import annotations

from typing import NamedTuple

from tenfold.core.events import Ended, Envelope, Logged, Measured, PhaseStarted, Published, Started, cut

PHASES = {"testing": "Tests the best model.", "exporting": "Writes the model.", "publishing": "Publishes the model."}


class Line(NamedTuple):
    """One line and how much it matters: `info`, `warning` or `error`."""

    level: str
    text: str


def line_of(envelope: Envelope) -> Line | None:
    """The line of an event; `None` for what happens too often to be told, or says nothing."""
    event = envelope.event
    text, level = "", "info"
    if isinstance(event, Logged):
        text, level = event.text, event.level
    elif isinstance(event, Started):
        text = _begun(event, envelope.attempt)
    elif isinstance(event, Measured):
        text = _judged(event)
    elif isinstance(event, PhaseStarted):
        text = PHASES.get(event.phase, "")
    elif isinstance(event, Published):
        text = "The result is complete."
    elif isinstance(event, Ended):
        text = event.outcome.capitalize() + (f": {event.message}" if event.message else ".")
        level = "error" if event.outcome == "failed" else "info"
    return Line(level, cut(text)) if text else None


def _begun(event: Started, attempt: int) -> str:
    where = f" on {event.device}" if event.device else ""
    if event.resumed_step is None:
        return f"Attempt {attempt} begins{where}."
    return f"Attempt {attempt} goes on{where} from the checkpoint at step {event.resumed_step:,}."


def _judged(event: Measured) -> str:
    loss, accuracy = event.values.get("val_loss"), event.values.get("val_accuracy")
    if loss is None:
        return ""
    right = f", {accuracy * 100:.2f} % right" if accuracy is not None else ""
    return f"Epoch {round(event.epoch)}: validation loss {loss:.3g}{right}."
