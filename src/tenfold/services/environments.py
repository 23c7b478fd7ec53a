"""Environments: which there are, and whether jobs can run in them."""

from __future__ import annotations

from tenfold.core.accounts.policy import Actor
from tenfold.core.training.frameworks import FRAMEWORKS, Framework
from tenfold.core.workstation.environments import ENVIRONMENTS, Environment, Environments


class EnvironmentService:
    """What people see of environments; they are made on the machine itself, by `tenfold environment add`."""

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    def all(self, actor: Actor) -> tuple[Environment, ...]:
        """Each that can be made, as it stands."""
        actor.require("read")
        return tuple(self._environments.look(name) for name in ENVIRONMENTS)

    def why_not(self, framework: Framework) -> str:
        """Why a framework cannot train on this machine now, as a sentence; empty where it can."""
        return self._environments.look(framework.environment).why_not if framework.environment else ""

    def missing(self) -> dict[str, str]:
        """By framework, why it cannot train on this machine now, in words that follow its title."""
        found = {name: each.environment for name, each in FRAMEWORKS.items() if each.environment}
        return {name: self._environments.look(environment).message for name, environment in found.items()}
