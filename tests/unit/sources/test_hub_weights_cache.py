"""Weights of the hub, from a server on loopback that speaks its addresses."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from loopback_web import Reply, web
from safetensors.numpy import save

from tenfold.adapters.sources.guarded_http import GuardedHttp
from tenfold.adapters.sources.hub import HubCache
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.bootstrap.hub import CachedHub
from tenfold.bootstrap.weights import Weights
from tenfold.core.errors import Damaged, Forbidden, NotFound, TenfoldError, Unavailable
from tenfold.core.networks.weights import WeightOrigin

COMMIT, LATER = "0123456789abcdef0123456789abcdef01234567", "f" * 40
BIAS = np.arange(5, dtype=np.float32)
CONTENT = save({"classifier.1.bias": BIAS})


class Repository:
    """One repository of a hub; what it answers may be changed."""

    def __init__(self) -> None:
        self.commit = COMMIT
        self.weights = CONTENT
        self.lfs: object = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
        self.files = {
            "config.json": b'{"model_type": "resnet"}',
            "README.md": b"---\nlicense: mit\n---\n",
            "preprocessor_config.json": b'{"image_mean": [0.5], "image_std": [0.25]}',
        }
        self.has_weights = True

    def __call__(self, path: str) -> Reply:
        if path.startswith("/api/models/someone/net/revision/"):
            names = [*self.files, *(["model.safetensors"] if self.has_weights else ["pytorch_model.bin"])]
            siblings = [{"rfilename": name, "lfs": self.lfs if "safetensors" in name else None} for name in names]
            return 200, {}, json.dumps({"sha": self.commit, "siblings": siblings}).encode()
        start, _, name = path.rpartition("/")
        if start == f"/someone/net/resolve/{self.commit}" and name in self.files:
            return 200, {}, self.files[name]
        if path == f"/someone/net/resolve/{self.commit}/model.safetensors":
            return 302, {"Location": "/blob"}, b""
        return (200, {}, self.weights) if path == "/blob" else (404, {}, b"")


@contextmanager
def hub(tmp_path: Path, repository: Repository) -> Iterator[tuple[CachedHub, list[str]]]:
    with web(repository) as (address, asked):
        yield CachedHub(data=tmp_path, endpoint=address, internal_hosts=("127.0.0.1",)), asked


def test_a_revision_is_looked_at_fetched_once_and_then_needs_no_network(tmp_path: Path) -> None:
    told: list[str] = []
    open_weights = Weights(tmp_path, told.append)
    with hub(tmp_path, Repository()) as (find, asked):
        found = find("someone/net", "v1")
        assert (found.licence, found.mean, found.std) == ("mit", (0.5,), (0.25,))
        assert "/blob" not in asked
        origin = WeightOrigin.from_json(WeightOrigin(source="hub:someone/net@v1", **vars(found)).to_json())
        assert np.array_equal(open_weights(origin)["fc.bias"], BIAS)
        assert told[0] == "hub:someone/net@v1 is under the licence mit."
        assert told[1].startswith("Fetching http://127.0.0.1:")
        asked.clear()
        assert find("someone/net", "v1") == found
        assert find("someone/net", COMMIT) == found
        assert asked == []
    assert find("someone/net", "v1") == found
    assert np.array_equal(open_weights(origin)["fc.bias"], BIAS)


def test_a_branch_stays_the_commit_that_it_was_first(tmp_path: Path) -> None:
    repository = Repository()
    with hub(tmp_path, repository) as (find, _):
        first = find("someone/net", "main")
        repository.commit = LATER
        assert find("someone/net", "main") == first
        assert find("someone/net", LATER).place != first.place


def test_weights_with_another_checksum_are_not_used(tmp_path: Path) -> None:
    repository = Repository()
    repository.weights = CONTENT[:-1] + b"x"
    with hub(tmp_path, repository) as (find, _):
        origin = WeightOrigin(source="hub:someone/net@v1", **vars(find("someone/net", "v1")))
        for content in (repository.weights, CONTENT + b"more", b""):
            repository.weights = content
            with pytest.raises(Damaged, match=r"has the checksum|is not what the hub told"):
                Weights(tmp_path, lambda _text: None)(origin)
    assert list(Path(origin.place).glob("*.safetensors")) == []


def test_a_repository_of_pickles_is_refused_by_name(tmp_path: Path) -> None:
    repository = Repository()
    repository.has_weights = False
    with (
        hub(tmp_path, repository) as (find, _),
        pytest.raises(NotFound, match=r"someone/net has no model\.safetensors"),
    ):
        find("someone/net", "v1")


@pytest.mark.parametrize("lfs", [None, {}, {"size": "1"}, {"size": -1, "sha256": "0" * 64}, {"size": 1, "sha256": "x"}])
def test_weights_without_size_or_checksum_are_refused(lfs: object, tmp_path: Path) -> None:
    repository = Repository()
    repository.lfs = lfs
    with hub(tmp_path, repository) as (find, _), pytest.raises(Damaged, match=r"neither size|at most 10 GB"):
        find("someone/net", "v1")


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"sha": "../../x"}', b'{"sha": 3, "siblings": 4}', b"[" * 9999]
)
def test_answers_that_are_none_are_refused(answer: bytes, tmp_path: Path) -> None:
    with web(lambda _path: (200, {}, answer)) as (address, _):
        find = CachedHub(data=tmp_path, endpoint=address, internal_hosts=("127.0.0.1",))
        with pytest.raises(Damaged, match=r"commit|nothing that can be read"):
            find("someone/net", "v1")
    assert not (tmp_path / "cache/hub/someone--net").exists()


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (401, Unavailable), (500, Unavailable)])
def test_a_hub_that_refuses_is_told(status: int, error: type[TenfoldError], tmp_path: Path) -> None:
    with web(lambda _path: (status, {}, b"")) as (address, _), pytest.raises(error):
        CachedHub(data=tmp_path, endpoint=address, internal_hosts=("127.0.0.1",))("someone/net", "v1")


def test_internal_addresses_are_not_asked_unless_allowed(tmp_path: Path) -> None:
    with web(Repository()) as (address, asked), pytest.raises(Forbidden):
        HubCache(tmp_path, GuardedHttp(NetGuard()), address).look("someone/net", "v1")
    assert asked == []
