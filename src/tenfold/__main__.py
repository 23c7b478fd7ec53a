"""`tenfold` and `python -m tenfold`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs a worker, the template they are forked from, an export for one, a foreign model, or the command line."""
    match sys.argv[1:]:
        case ["worker", folder, attempt, slot]:
            from tenfold.bootstrap.worker import run_worker  # noqa: PLC0415  each way in loads what it needs only

            raise SystemExit(run_worker(folder, int(attempt), slot))
        case ["template", connection]:
            from tenfold.bootstrap.worker import run_template  # noqa: PLC0415

            run_template(int(connection))
        case ["answer", folder]:
            from tenfold.bootstrap.answering import run_answering  # noqa: PLC0415

            run_answering(folder)
        case ["onnx"]:
            from tenfold.bootstrap.onnx_at_home import answer_export  # noqa: PLC0415

            answer_export()
        case _:
            sys.modules["httpx._main"] = None  # type: ignore[assignment]  # httpx's own command: a fifth of the start
            from tenfold import __version__  # noqa: PLC0415
            from tenfold.bootstrap.local import DataFolderDoor  # noqa: PLC0415
            from tenfold.interfaces.cli.app import build_app  # noqa: PLC0415

            build_app(DataFolderDoor(), __version__)()


if __name__ == "__main__":
    main()
