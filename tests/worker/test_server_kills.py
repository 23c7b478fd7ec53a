"""The server is killed with SIGKILL under submits: what it acknowledged is there, once, and trainings go on."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tenfold.client import ApiError, Client, ServerUnreachable
from tenfold.testing.pictures import write_shapes

from ..server_process import PATIENCE_S, Server

KILLS_SHORT, KILLS_LONG = 4, 20


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    kill_under_submits(tmp_path, KILLS_SHORT)


@pytest.mark.campaign
def test_campaign_kill_server(tmp_path: Path) -> None:
    kill_under_submits(tmp_path, KILLS_LONG)


def kill_under_submits(home: Path, num_kills: int) -> None:
    write_shapes(home / "shapes", per_class=60)
    server = Server(home)
    client = server.start()
    chance = random.Random(num_kills)
    acknowledged: dict[str, str] = {}
    with closing(server):
        dataset = client.datasets.wait(client.datasets.import_folder(home / "shapes", name="shapes").id)
        assert dataset.state == "ready", dataset.message
        long = client.runs.start(
            dataset="shapes", network="lenet", epochs=10_000, name="goes-on", batch_size=16, threads=1
        )
        wait_for_steps(client, long.id, 1)
        attempts = attempt_of(server, long.job)
        for number in range(num_kills):
            before = steps_of(client, long.id)
            submitting = threading.Thread(target=submit, args=(client, number, acknowledged))
            submitting.start()
            time.sleep(chance.uniform(0.0, 0.25))
            server.kill()
            submitting.join()
            client.close()
            client = server.start()
            resubmit(client, number, acknowledged)
            wait_for_steps(client, long.id, before + 1)
        assert attempt_of(server, long.job) == attempts == 1, "the training was started anew"
        found = [run.name for run in client.runs.list()]
        assert sorted(found) == sorted([*acknowledged, "goes-on"])
        assert {run.name: run.id for run in client.runs.list() if run.name != "goes-on"} == acknowledged
        queued = [job.subject for job in client.jobs()]
        assert len(queued) == len(set(queued)) == len(found)
        print(
            print(
                f"\n{num_kills} server kills: {len(found)} acknowledged runs, each there once; one attempt trained on"
            )
        )


def submit(client: Client, number: int, acknowledged: dict[str, str]) -> None:
    """Submits as fast as it can until the server is gone; what was answered is noted."""
    for count in range(1000):
        name = f"r{number}-{count}"
        try:
            acknowledged[name] = client.runs.start(dataset="shapes", network="lenet", name=name, key=name).id
        except (ServerUnreachable, ApiError):
            acknowledged.setdefault("unanswered", name)
            return


def resubmit(client: Client, number: int, acknowledged: dict[str, str]) -> None:
    """Asks again, with the same key, what was left unanswered: it is one run, whether it was stored or not."""
    name = acknowledged.pop("unanswered", f"r{number}-again")
    acknowledged[name] = client.runs.start(dataset="shapes", network="lenet", name=name, key=name).id


def steps_of(client: Client, run: str) -> int:
    return int(client.runs.get(run).progress.get("step", 0))


def wait_for_steps(client: Client, run: str, steps: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while steps_of(client, run) < steps:
        assert time.monotonic() < deadline, f"the training is at step {steps_of(client, run)}, not {steps}"
        time.sleep(0.05)


def attempt_of(server: Server, job: str) -> int:
    return int((server.data / "jobs" / job / "attempt").read_text())
