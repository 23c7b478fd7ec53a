"""Weights of the Hugging Face hub: a revision is resolved to a commit once, and what was fetched of it stays."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tenfold.adapters.sources.guarded_http import PAGE, GuardedHttp, Limits
from tenfold.core.errors import BadDataset, Damaged, NotFound, StorageFull, TooLarge, Unavailable, is_disk_full
from tenfold.core.events import Json
from tenfold.core.networks.weights import WEIGHTS_FILE

NEEDED, TOLD = ("config.json",), ("preprocessor_config.json", "README.md")
MAX_BYTES = 10 * 1000**3
MAX_S = 6 * 3600.0
_FACTS = "tenfold.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class HubPlace:
    """Where a commit's files are kept, and the address of its weights."""

    folder: Path
    address: str


class HubCache:
    """What was fetched from a hub at `endpoint`, in a folder; nothing is asked twice."""

    def __init__(self, cache: Path, http: GuardedHttp, endpoint: str = "") -> None:
        self._cache = cache
        self._http = http
        self._endpoint = endpoint.rstrip("/")

    def look(self, name: str, revision: str) -> HubPlace:
        """The small files of OWNER/NAME at a revision, fetched unless they are there.

        A branch or tag stays the commit that it was first. Raises `NotFound` for what the hub has not or that holds no
        safetensors, `Unavailable` where it does not answer, `Damaged` for an answer that is none, `StorageFull`.
        """
        kept = self._cache / name.replace("/", "--")
        pinned = kept / "refs" / revision
        commit = revision if _COMMIT.fullmatch(revision) else ""
        if not commit and pinned.is_file():
            commit = pinned.read_text("ascii")
        if not commit or not (kept / commit / _FACTS).is_file():
            try:
                commit = self._fetch_small(name, revision, kept)
            except OSError as error:
                raise self._full(error) from error
        return HubPlace(kept / commit, f"{self._endpoint}/{name}/resolve/{commit}/{WEIGHTS_FILE}")

    def fetch(self, place: HubPlace, *, report: Callable[[str], object]) -> None:
        """The weights of a place, checked by their published checksum, unless they are there; raises as `look`."""
        if (place.folder / WEIGHTS_FILE).is_file():
            return
        facts = json.loads((place.folder / _FACTS).read_text("utf-8"))
        report(f"Fetching {place.address}: {facts['size'] / 1e6:.0f} MB, once.")
        try:
            with tempfile.TemporaryDirectory(dir=place.folder, prefix=".fetch-") as folder:
                part = Path(folder) / WEIGHTS_FILE
                found = self._download(place.address, part, facts["size"])
                if found != facts["sha256"]:
                    text = f"{place.address} has the checksum {found}, not {facts['sha256']}: it is not used."
                    raise Damaged(text, code="weights.checksum")
                part.replace(place.folder / WEIGHTS_FILE)
        except OSError as error:
            raise self._full(error) from error

    def _download(self, address: str, target: Path, size: int) -> str:
        digest = hashlib.sha256()
        try:
            with (
                self._http.opened(address, Limits(max_bytes=size, max_s=MAX_S)) as answer,
                target.open("wb") as file,
            ):
                for block in answer.blocks:
                    digest.update(block)
                    file.write(block)
        except (BadDataset, TooLarge) as error:
            raise Damaged(f"{address} is not what the hub told: {error.message}", code="weights.damaged") from error
        return digest.hexdigest()

    def _fetch_small(self, name: str, revision: str, kept: Path) -> str:
        """Asks for a revision and its small files; gives its commit."""
        about = self._asked(f"api/models/{name}/revision/{revision}?blobs=true", name)
        commit, files = about.get("sha"), _files(about)
        if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            raise Damaged(f"The hub tells no commit for {name}@{revision}.", code="weights.damaged")
        if WEIGHTS_FILE not in files:
            text = f"{name} has no {WEIGHTS_FILE}; nothing else is read, for other files may hold programs."
            raise NotFound(text, code="weights.no-safetensors")
        facts = _weight_facts(name, files[WEIGHTS_FILE])
        (kept / "refs").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept, prefix=".look-") as temporary:
            folder = Path(temporary) / commit
            folder.mkdir()
            for file in (*NEEDED, *(each for each in TOLD if each in files)):
                (folder / file).write_bytes(self._read(f"{name}/resolve/{commit}/{file}"))
            (folder / _FACTS).write_text(json.dumps(facts), "utf-8")
            if not (kept / commit / _FACTS).is_file():
                folder.replace(kept / commit)
            if revision != commit:
                pin = Path(temporary) / "pin"
                pin.write_text(commit, "ascii")
                pin.replace(kept / "refs" / revision)
        return commit

    def _asked(self, path: str, name: str) -> Mapping[str, Json]:
        try:
            found = json.loads(self._read(path))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Damaged(f"The hub answers nothing that can be read about {name}.", code="weights.damaged")
        return found

    def _read(self, path: str) -> bytes:
        try:
            return self._http.read(f"{self._endpoint}/{path}", PAGE)
        except (BadDataset, TooLarge) as error:
            raise Damaged(error.message, code="weights.damaged") from error
        except Unavailable as error:
            text = f"{error.message} Without a network, put the files into a folder and name it `folder:NAME`."
            raise Unavailable(text, code="weights.unavailable") from error

    def _full(self, error: OSError) -> Exception:
        if is_disk_full(error):
            return StorageFull(f"There is no room for weights in {self._cache}: free some, then try again.")
        return error


def _files(about: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    siblings = about.get("siblings")
    entries = siblings if isinstance(siblings, list) else []
    return {str(each.get("rfilename")): each for each in entries if isinstance(each, dict)}


def _weight_facts(name: str, about: Mapping[str, Json]) -> dict[str, Json]:
    """Size and checksum of the weights; raises `Damaged` where the hub does not tell them."""
    large = about.get("lfs")
    facts = large if isinstance(large, dict) else {}
    size, digest = facts.get("size"), facts.get("sha256")
    if not isinstance(size, int) or not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise Damaged(f"The hub tells neither size nor checksum of the weights of {name}.", code="weights.damaged")
    if not 0 < size <= MAX_BYTES:
        text = f"The weights of {name} have {size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.0f} GB are fetched."
        raise Damaged(text, code="weights.too-large")
    return {"size": size, "sha256": digest}
