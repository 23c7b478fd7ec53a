"""The command line, as a person and as a script use it, against a real server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tenfold.testing.pictures import write_shapes

from ..server_process import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("cli")
    write_shapes(home / "shapes", per_class=40)
    running = Server(home)
    running.start()
    with closing(running):
        yield running


def tenfold(server: Server, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TENFOLD_DATA": str(server.data), "COLUMNS": "200", "TENFOLD_PASSWORD": password}
    command = [sys.executable, "-m", "tenfold", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def answer(server: Server, *arguments: str) -> Any:
    done = tenfold(server, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_whole_job_by_command(server: Server, tmp_path: Path) -> None:
    folder = server.data.parent / "shapes"
    dataset = answer(server, "dataset", "import", str(folder), "--name", "shapes", "--wait")
    assert (dataset["name"], dataset["state"], dataset["num_classes"]) == ("shapes", "ready", 3)
    told = answer(server, "run", "preflight", "--dataset", "shapes", "--batch-size", "32")
    assert (told["time_how"], told["memory_how"], told["probe"]) == ("measured", "measured", "none")
    bare = answer(server, "run", "preflight", "--dataset", "shapes", "--batch-size", "16", "--no-probe")
    assert (bare["time_how"], bare["total_s"]) == (None, None)
    options = ["--network", "lenet", "--epochs", "6", "--name", "first", "--set", "width1=8", "--wait"]
    run = answer(server, "run", "start", "--dataset", "shapes", *options)
    assert (run["name"], run["state"], run["parameters"]) == ("first", "finished", {"width1": 8})
    assert answer(server, "run", "show", "first")["metrics"]["test_accuracy"] > 0.8
    listed = tenfold(server, "run", "list").stdout
    assert "test_accuracy 0." in listed or "test_accuracy 1" in listed
    assert "{" not in listed
    assert "{" not in tenfold(server, "dataset", "show", "shapes").stdout
    pictures = [str(next((folder / shape).iterdir())) for shape in ("bar", "ring")]
    ranked = answer(server, "model", "classify", "first", *pictures)
    assert [each["predictions"][0]["label"] for each in ranked] == ["bar", "ring"]
    target = tmp_path / "first.zip"
    assert tenfold(server, "model", "download", "first", "--output", str(target)).returncode == 0
    with zipfile.ZipFile(target) as archive:
        assert "first/predict.py" in archive.namelist()
        archive.extractall(tmp_path)
    script = [sys.executable, "predict.py", *pictures]
    done = subprocess.run(script, cwd=tmp_path / "first", capture_output=True, text=True, check=True)
    printed = tenfold(server, "model", "classify", "first", *pictures).stdout
    assert done.stdout == printed
    looked = tenfold(server, "model", "inside", "first", "--picture", pictures[0], "--output", str(tmp_path / "tiles"))
    assert looked.stdout.splitlines()[1].split()[:6] == ["conv1", "8", "x", "24", "x", "24"]
    with Image.open(tmp_path / "tiles" / "0000-conv1-activation.png") as tiles:
        assert tiles.width > 8 * 24 / 4
    seen = answer(server, "run", "inside", "first", "--sample", "3")
    assert (seen["sample"], seen["state"], len(seen["layers"])) == (3, "finished", seen["total"])
    gone = tenfold(server, "run", "inside", "first", "--step", "1")
    assert (gone.returncode, "has no checkpoint of step 1" in gone.stderr) == (1, True)


def test_an_archive_is_sent(server: Server, tmp_path: Path) -> None:
    torn = tmp_path / "shapes" / "ring" / "torn.png"
    shutil.copytree(server.data.parent / "shapes", tmp_path / "shapes")
    torn.write_bytes(b"\x89PNG and no more")
    archive = shutil.make_archive(str(tmp_path / "sent"), "gztar", tmp_path / "shapes")
    sent = tenfold(server, "dataset", "import", archive, "--wait", "--json")
    dataset = json.loads(sent.stdout)
    assert (dataset["name"], dataset["num_samples"]) == ("sent", 120)
    assert "1 of its files was left out: `tenfold dataset rejected sent` names them." in sent.stderr


def test_errors_say_what_is_wrong_and_how_it_ended(server: Server) -> None:
    wrong = tenfold(server, "run", "start", "--dataset", "nothing")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "There is no dataset named 'nothing'" in wrong.stderr
    missing = tenfold(server, "run", "show", "nothing")
    assert (missing.returncode, missing.stderr.strip()) == (1, "There is no run named 'nothing'.")
    usage = tenfold(server, "run", "start", "--dataset", "shapes", "--epochs", "many")
    assert usage.returncode == 2
    unknown = tenfold(server, "run", "start", "--dataset", "shapes", "--epoch", "3")
    assert unknown.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "start", "--dataset", "x", "--rate", "nan"), "rate holds a number that is not finite"),
        (("run", "start", "--dataset", "x", "--rate", "-inf"), "rate holds a number that is not finite"),
        (("run", "start", "--dataset", "x", "--name", "\udcff"), "name has half a character"),
        (("run", "show", "\udcff"), "has half a character"),
        (("run", "list", "--search", "\udcff"), "has half a character"),
        (("run", "rename", "x", "\udcff"), "name has half a character"),
        (("data", "get", "\udcff"), "source has half a character"),
    ],
)
def test_what_cannot_be_sent_is_told_as_wrong_usage(server: Server, arguments: tuple[str, ...], words: str) -> None:
    done = tenfold(server, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("about", ["{}", "[]", "x", '{"url": "http://["}', '{"url": "nowhere", "secret": "\u00e9"}'])
def test_a_damaged_note_of_the_server_is_told(tmp_path: Path, about: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "server.json").write_text(about, "utf-8")
    done = tenfold(Server(tmp_path), "run", "list")
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_command_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    environment = {**os.environ, "TENFOLD_DATA": str(tmp_path)}
    command = [sys.executable, "-X", "importtime", "-m", "tenfold", "run", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {"httpx", "typer"} < loaded
    assert not loaded & {"rich", "pygments", "sqlalchemy", "fastapi", "torch"}


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    lonely = Server(tmp_path)
    done = tenfold(lonely, "run", "list")
    assert done.returncode == 1
    assert "tenfold serve" in done.stderr


def test_tokens_and_users_need_the_data_folder_only(tmp_path: Path) -> None:
    folder = Server(tmp_path)
    token = answer(folder, "token", "create", "--name", "ci", "--scope", "write")
    assert token["token"].startswith("tfd_")
    assert "token" not in {key for key, value in answer(folder, "token", "list")[0].items() if value}
    first = tenfold(folder, "user", "add", "kim", "--role", "viewer", password="long enough it is")
    assert first.returncode == 1
    assert "own password first" in first.stderr
    owner = answer(folder, "user", "list")[0]["name"]
    assert tenfold(folder, "user", "reset", owner, password="long enough it is").returncode == 0
    assert tenfold(folder, "user", "add", "kim", "--role", "viewer", password="long enough it is").returncode == 0
    assert answer(folder, "user", "allow-code", "kim")["run_code"] is True
    assert answer(folder, "user", "refuse-code", "kim")["run_code"] is False
    assert tenfold(folder, "user", "disable", "kim").returncode == 0
    assert {user["name"]: user["state"] for user in answer(folder, "user", "list")} == {
        owner: "enabled",
        "kim": "disabled",
    }


def test_two_servers_do_not_share_a_data_folder(server: Server) -> None:
    second = tenfold(server, "serve", "--port", "0")
    assert second.returncode == 1
    assert "serves" in second.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_addresses_need_a_password_first(tmp_path: Path, host: str) -> None:
    if host == "::" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    done = tenfold(Server(tmp_path), "serve", "--host", host, "--port", "0")
    assert done.returncode == 1
    assert "set a password first" in done.stderr


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("host", ["0.0.0.0", "::1"])
def test_the_printed_links_are_answered(tmp_path: Path, host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    server = Server(tmp_path)
    owner = answer(server, "user", "list")[0]["name"]
    assert tenfold(server, "user", "reset", owner, password="long enough it is").returncode == 0
    server.start("--host", host)
    try:
        links = [word for word in server.output.read_text().split() if "/link/" in word]
        assert links
        for link in links:
            assert httpx.get(link.partition("/link/")[0] + "/healthz").status_code == 200
    finally:
        server.close()


@pytest.mark.parametrize("noun", ["data", "dataset", "network", "run", "model", "job", "token", "user"])
def test_every_noun_explains_itself(server: Server, noun: str) -> None:
    done = tenfold(server, noun, "--help")
    assert done.returncode == 0
    assert "Commands" in done.stdout


def test_samples_are_listed_edited_and_brought_back(server: Server) -> None:
    answer(server, "dataset", "import", str(server.data.parent / "shapes"), "--name", "edited", "--wait")
    wide = answer(server, "dataset", "samples", "edited", "--split", "test", "--sort=-brightness", "--limit", "5")
    assert len(wide) == 5
    assert {sample["split"] for sample in wide} == {"test"}
    chosen = [part for sample in wide[:2] for part in ("--index", str(sample["index"]))]
    made = answer(server, "dataset", "edit", "edited", "--action", "exclude", *chosen)
    assert (made["name"], made["summary"]) == ("edited@2", "2 excluded")
    answer(server, "dataset", "edit", "edited", "--action", "move", "--to-split", "val", "--where", "split=test")
    assert answer(server, "dataset", "undo", "edited")["number"] == 2
    assert answer(server, "dataset", "redo", "edited")["number"] == 3
    deleted = answer(server, "dataset", "edit", "edited", "--action", "delete", "--index", "0", "--index", "5")
    assert deleted["summary"] == "2 deleted"
    refused = tenfold(server, "dataset", "edit", "edited", "--action", "restore", "--index", "5")
    assert (refused.returncode, "Sample 5 was deleted" in refused.stderr) == (1, True)
    answer(server, "dataset", "undo", "edited")
    printed = tenfold(server, "dataset", "revisions", "edited").stdout
    assert "2 excluded" in printed
    assert "10 moved from test to val" in printed
    assert tenfold(server, "dataset", "rejected", "edited").stdout == "Every file could be used.\n"
    target = server.data.parent / "edited.zip"
    done = tenfold(server, "dataset", "export", "edited", "--format", "csv", "--revision", "1", "--output", str(target))
    assert done.stdout == f"{target}\n"
    assert "edited/samples.csv" in zipfile.ZipFile(target).namelist()
    for wrong in (["--action", "exclude"], ["--action", "exclude", "--all", "--index", "1"], ["--all"]):
        assert tenfold(server, "dataset", "edit", "edited", *wrong).returncode == 2
    refused = tenfold(server, "dataset", "undo", "edited", "--revision", made["id"])
    assert (refused.returncode, "was changed meanwhile" in refused.stderr) == (1, True)


def test_a_table_of_the_server_is_looked_at_and_imported(server: Server) -> None:
    home = server.data.parent
    rows = [f"{path.relative_to(home)},{path.parent.name}\n" for path in sorted((home / "shapes").rglob("*.png"))]
    (home / "table.csv").write_text("where,what it is,size\n" + "".join(row.replace("\n", ",1\n") for row in rows))
    looked = tenfold(server, "dataset", "preview", str(home / "table.csv"))
    assert looked.stdout.startswith("This is a table with a row for every picture: 120 pictures")
    choice = ("--label-column", "what it is", "--wait")
    dataset = answer(server, "dataset", "import", str(home / "table.csv"), *choice)
    assert (dataset["state"], dataset["num_samples"], dataset["num_classes"]) == ("ready", 120, 3)


def test_pictures_are_added_to_a_dataset(server: Server, tmp_path: Path) -> None:
    answer(server, "dataset", "import", str(server.data.parent / "shapes"), "--name", "grows", "--wait")
    again = tenfold(server, "dataset", "add", "grows", str(server.data.parent / "shapes"), "--wait")
    assert (again.returncode, "All 120 pictures are in the dataset already" in again.stderr) == (1, True)
    write_shapes(tmp_path / "more", per_class=2, seed=9)
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path / "more")
    grown = answer(server, "dataset", "add", "grows", archive, "--wait")
    assert (grown["num_samples"], grown["progress"]) == (126, {})
    assert answer(server, "dataset", "revisions", "grows")[0]["summary"] == "6 added"


def test_environments_are_listed_and_a_wrong_one_is_told(server: Server, tmp_path: Path) -> None:
    (keras,) = answer(server, "environment", "list")
    assert (keras["name"], keras["state"], keras["serves"]) == ("keras", "missing", "runs whose framework is Keras")
    assert "`tenfold environment add keras` makes one." in tenfold(server, "environment", "list").stdout
    unknown = tenfold(server, "environment", "add", "jax")
    assert (unknown.returncode, unknown.stderr.strip()) == (1, "There is no environment 'jax'; there is: keras.")
    wrong = tenfold(server, "environment", "add", "keras", "--python", str(tmp_path / "python"))
    assert (wrong.returncode, wrong.stderr.strip()) == (1, f"{tmp_path / 'python'} is no Python that can be run.")
    refused = tenfold(server, "run", "start", "--dataset", "shapes", "--framework", "keras")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Keras on TensorFlow has no environment on this machine yet" in refused.stderr
