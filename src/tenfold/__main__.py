"""`tenfold` and `python -m tenfold`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenfold.core.accounts.policy import Actor
    from tenfold.services.accounts import AccountService


def main() -> None:
    """Runs a worker, the template that workers are forked from, or the command line."""
    match sys.argv[1:]:
        case ["worker", folder, attempt, slot]:
            from tenfold.bootstrap.worker import run_worker  # noqa: PLC0415  each way in loads what it needs only

            raise SystemExit(run_worker(folder, int(attempt), slot))
        case ["template", connection]:
            from tenfold.bootstrap.worker import run_template  # noqa: PLC0415

            run_template(int(connection))
        case _:
            from tenfold import __version__  # noqa: PLC0415
            from tenfold.interfaces.cli.app import build_app  # noqa: PLC0415

            build_app(_LateDoor(), __version__)()


class _LateDoor:
    """The local door, loaded only by the commands that go through it: `--help` loads none of it."""

    def serve(self, *, host: str | None, port: int | None) -> None:
        from tenfold.bootstrap.server import LocalDoor  # noqa: PLC0415

        LocalDoor().serve(host=host, port=port)

    def fetch_sample(self, name: str, *, tell: Callable[[str], None]) -> None:
        from tenfold.bootstrap.server import LocalDoor  # noqa: PLC0415

        LocalDoor().fetch_sample(name, tell=tell)

    @contextmanager
    def accounts(self) -> Iterator[tuple[AccountService, Actor]]:
        from tenfold.bootstrap.server import LocalDoor  # noqa: PLC0415

        with LocalDoor().accounts() as opened:
            yield opened


if __name__ == "__main__":
    main()
