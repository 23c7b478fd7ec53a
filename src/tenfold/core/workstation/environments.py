"""Environments: sets of packages that do not go into Tenfold's own, each with a Python that runs jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

FOLDER = "environments"
"""Where they lie in the data folder."""
EnvironmentState = Literal["ready", "missing", "broken"]


@dataclass(frozen=True, kw_only=True)
class EnvironmentKind:
    """An environment that can be made.

    `packages` are what pip installs, pinned; `modules` what must import when it is ready. `size_bytes` is what it takes
    on the disk, as seen, and `serves` says what it is for.
    """

    name: str
    title: str
    serves: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    size_bytes: int


ENVIRONMENTS: dict[str, EnvironmentKind] = {
    "keras": EnvironmentKind(
        name="keras",
        title="Keras on TensorFlow",
        serves="runs whose framework is Keras",
        packages=(
            "keras==3.15.1",
            "tensorflow-cpu==2.21.0",
            "numpy>=2.0",
            "pillow>=11.2",
            "safetensors>=0.5",
            "xxhash>=3.4",
        ),
        modules=("keras", "tensorflow", "numpy", "PIL", "safetensors", "xxhash"),
        size_bytes=1_700_000_000,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """How an environment stands on this machine.

    `message` says what is wrong with one that is not ready, and what to do, in words that follow its title.
    """

    kind: EnvironmentKind
    state: EnvironmentState
    python: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    size_bytes: int = 0
    message: str = ""

    @property
    def why_not(self) -> str:
        """Why no job can run in it, as a sentence; empty where one can."""
        return "" if self.state == "ready" else f"{self.kind.title} {self.message}"


class Environments(Protocol):
    """The environments of a data folder. Looking is cheap enough for every request."""

    def look(self, name: str) -> Environment:
        """How one stands; raises `NotFound` for a name that is none."""

    def python(self, name: str) -> Path:
        """The Python of one that is ready; raises `NotFound`, `Unavailable`."""


class EnvironmentMaker(Environments, Protocol):
    """Makes environments, too."""

    def add(self, name: str, *, tell: Callable[[str], None]) -> Environment:
        """Makes one, or makes it anew; `tell` hears what happens. Raises `NotFound`, `Unavailable`, `StorageFull`."""

    def adopt(self, name: str, python: Path, *, tell: Callable[[str], None]) -> Environment:
        """Takes the Python of an environment that is there already; raises `NotFound`, `Unavailable`."""
