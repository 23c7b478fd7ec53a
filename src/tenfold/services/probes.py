"""Probes: a few real steps of a training that somebody thinks of, so that memory and time are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tenfold.core.accounts.policy import Actor
from tenfold.core.events import Json, Probed
from tenfold.core.training.job import TrainJob
from tenfold.core.training.preflight.forecast import ProbeState, Reading
from tenfold.services.errands import Errands, Standing

_KIND = "probe"
_DECIDES = ("framework", "batch_size", "optimizer", "threads", "fold", "folds")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How a probe stands and what it read so far."""

    state: ProbeState
    message: str = ""
    readings: tuple[Reading, ...] = ()


class ProbeService:
    """Asks for probes; one at a time, and none while a run trains, for each would slow the other."""

    def __init__(
        self, errands: Errands, *, slots: Callable[[], tuple[str, ...]], is_training: Callable[[], bool]
    ) -> None:
        self._errands = errands
        self._slots = slots
        self._is_training = is_training

    def ask(self, actor: Actor, job: TrainJob) -> Probe:
        """The probe of this job, which is begun where there was none; another that the actor asked for is given up."""
        known = self.known(job)
        if known.state == "none" and self._is_training():
            return Probe(state="held-back", message="Nothing is measured while a run trains.")
        return _told(self._errands.ask(_question(job), slot=self._slot_of(job), asker=actor.user))

    def known(self, job: TrainJob) -> Probe:
        """What is known of this job, without asking."""
        standing = self._errands.known(_question(job), slot=self._slot_of(job))
        return _told(standing) if standing is not None else Probe(state="none")

    def leave(self, actor: Actor) -> None:
        """Gives up what the actor wanted to know."""
        self._errands.leave(actor.user, _KIND)

    def _slot_of(self, job: TrainJob) -> str:
        wanted = str(job.spec.get("device", "auto"))
        if wanted != "auto":
            return wanted
        return next((slot for slot in self._slots() if slot.startswith("cuda:")), "cpu")


def _question(job: TrainJob) -> dict[str, Json]:
    """The job without what does not decide what a step takes."""
    spec: dict[str, Json] = {"dataset": job.revision, **{name: job.spec.get(name) for name in _DECIDES}}
    bare = replace(job, run="", run_name="", dataset_name="", network="", spec=spec, weights=[])
    return bare.to_json() | {"kind": _KIND}


def _told(standing: Standing) -> Probe:
    readings = tuple(
        Reading(each.batch, each.memory_bytes, each.step_s) for each in standing.events if isinstance(each, Probed)
    )
    return Probe(state=standing.state, message=standing.message, readings=readings)
