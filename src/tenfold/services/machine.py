"""The machine at a glance."""

from __future__ import annotations

from tenfold.core.accounts.policy import Actor
from tenfold.core.workstation.machine import Gauges, MachineFacts


class MachineService:
    """What people see of the machine."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def look(self, actor: Actor) -> MachineFacts:
        """The machine now."""
        actor.require("read")
        return self._gauges.read()
