"""One process that imports whatever it is asked to, as a worker does, and tells what became of it and what it took."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.bootstrap.worker import make_toolbox
from tenfold.core.datasets.job import ImportJob
from tenfold.core.errors import TenfoldError
from tenfold.worker.toolbox import BuildFolders

TOOLS = make_toolbox()


def outcome(asked: dict[str, Any]) -> dict[str, Any]:
    """What an import came to: a revision's facts, or the code and words of the refusal."""
    places = BuildFolders(**{name: Path(asked[name]) for name in ("data", "work", "staged")})
    try:
        TOOLS.build_dataset(
            ImportJob.from_json(asked["job"]),
            places,
            report=lambda _done, _total: None,
            should_stop=lambda: False,
            tell=lambda _text: None,
            enter=lambda _phase: None,
        )
    except TenfoldError as error:
        return {"code": error.code, "message": error.message}
    except Exception as error:  # noqa: BLE001 - what no worker may meet is what is looked for
        return {"code": "internal", "message": f"{error!r}\n{traceback.format_exc()}"}
    reader = open_revision(places.staged)
    manifest = reader.manifest
    columns = reader.columns
    return {
        "code": "",
        "message": "",
        "seen": manifest.seen,
        "kept": {
            reader.path(row): columns["pixel_hashes"][row].tobytes().hex() for row in range(len(columns["labels"]))
        },
        "classes": list(manifest.classes),
        "splits": columns["splits"].tolist(),
        "rejected": [[each.path, each.code] for each in reader.rejected(limit=10**6)],
        "num_rejected": manifest.num_rejected,
        "skipped": dict(manifest.skipped_by_reason),
        "notes": list(manifest.notes),
        "content": manifest.content,
        "dtype": str(manifest.preprocessing.dtype),
    }


def _peak_kib() -> int:
    """The most this program has held; `getrusage` would count what its parent held when it forked."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main() -> None:
    """Answers line by line; `alive` is told at once, so that whoever waits knows that it began."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        began, used = time.monotonic(), time.process_time()
        found = outcome(json.loads(line))
        found["seconds"], found["cpu_s"] = time.monotonic() - began, time.process_time() - used
        found["peak_mib"] = _peak_kib() >> 10
        found["threads"] = threading.active_count()
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
