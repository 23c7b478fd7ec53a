"""The Python client.

from tenfold.client import Client

client = Client()
run = client.runs.start(dataset="mnist", network="lenet", epochs=3, name="first")
client.runs.wait(run.name)
client.models.classify("first", "seven.png")[0][0].label
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx

from tenfold.core.fields import Field
from tenfold.interfaces.client.errors import ConflictError
from tenfold.interfaces.client.foreign import import_file
from tenfold.interfaces.client.looking import look_inside, opened_picture, save_tiles
from tenfold.interfaces.client.networks import Networks
from tenfold.interfaces.client.things import OPEN_STATES, POLL_S, Things, signature
from tenfold.interfaces.client.transport import Transport, find_server, quoted
from tenfold.interfaces.client.uploading import send_files
from tenfold.interfaces.schemas import inside_objects, network_objects, objects
from tenfold.interfaces.schemas.requests import (
    BUCKET_FIELDS,
    CHANGE_FIELDS,
    DATASET_FIELDS,
    FILTER_FIELDS,
    LABEL_FIELDS,
    MODEL_FIELDS,
    RUN_FIELDS,
)

BUCKET_OPTIONS = tuple(field.name for field in BUCKET_FIELDS)


class Datasets(Things[objects.Dataset]):
    """Datasets."""

    def get(self, name: str) -> objects.DatasetDetail:
        """A dataset by name or id, with the manifest of its current revision; raises `NotFoundError`."""
        return objects.DatasetDetail.model_validate(self._transport.call("GET", f"/{self._noun}/{quoted(name)}"))

    def preview(self, path: str | Path, **choice: Any) -> objects.LayoutPreview:
        """What a folder or file of the server is recognised as; `choice` is `layout`, `columns`, `prefix`,
        `val_folder`, `test_folder`, `label_kind`.
        """
        columns = choice.pop("columns", None) or {}
        params = {"path": str(path), **columns, **{key: value for key, value in choice.items() if value}}
        return objects.LayoutPreview.model_validate(self._transport.call("GET", "/folders/preview", params=params))

    def import_folder(self, folder: str | Path, *, name: str | None = None, **fields: Any) -> objects.Dataset:
        """Imports a folder or file of the server in any known layout.

        `layout` names it, `columns` those of a table by role, `prefix` the folder that listed paths start from.
        """
        return self._create({"folder": str(folder)}, name, fields)

    def upload(
        self, *paths: str | Path, on_change: Callable[[objects.Upload], object] = lambda _upload: None
    ) -> objects.Upload:
        """Sends files, folders or archives in parts; sent again after a break, they go on where they were."""
        return send_files(self._transport, paths, tell=on_change)

    def import_upload(self, upload: str | objects.Upload, *, name: str | None = None, **fields: Any) -> objects.Dataset:
        """Imports what was uploaded; fields as of `import_folder`."""
        return self._create({"upload": upload if isinstance(upload, str) else upload.id}, name, fields)

    def import_archive(self, *files: str | Path, name: str | None = None, **fields: Any) -> objects.Dataset:
        """Sends archives, folders, lists, tables or array files, and imports them; fields as of `import_folder`."""
        return self.import_upload(self.upload(*files), name=name, **fields)

    def import_bucket(self, address: str, *, name: str | None = None, **fields: Any) -> objects.Dataset:
        """Imports a folder of an S3-compatible bucket, as in `s3://NAME/FOLDER`.

        `endpoint`, `region`, `access_key` and `secret_key` say how it is reached; other fields as of `import_folder`.
        """
        about = {name: value for name in BUCKET_OPTIONS if (value := fields.pop(name, None))}
        return self._create({"bucket": address, **about}, name, fields)

    def import_url(self, url: str, *, name: str | None = None, **fields: Any) -> objects.Dataset:
        """Imports an archive, a list, a table or a page of links in the web, if the administrator allows it."""
        return self._create({"url": url}, name, fields)

    def get_sample(self, sample: str, *, name: str | None = None, **fields: Any) -> objects.Dataset:
        """Fetches and imports a public dataset, as `mnist`."""
        return self._create({"sample": sample}, name, fields)

    def samples(self, name: str, *, revision: str | None = None, **fields: Any) -> Iterator[objects.Sample]:
        """The samples that fit what is given, page by page as they are asked for.

        `revision` is the number or id of an earlier revision to look at.
        """
        given = {field: str(value) for field, value in {**fields, "revision": revision}.items() if value is not None}
        return (objects.Sample.model_validate(item) for item in self._pages(name, "samples", given))

    def edit(
        self,
        name: str,
        *,
        indices: Sequence[int] | None = None,
        where: dict[str, Any] | None = None,
        revision: str | None = None,
        **fields: Any,
    ) -> objects.Revision:
        """Changes the samples with these indices, or all that `where` finds, and returns the new revision.

        `revision` is the one that was looked at, without it the current one; raises `ConflictError` when another is
        current by now.
        """
        chosen = {"filter": where or {}} if indices is None else {"indices": [*indices]}
        body = {**fields, **chosen, "revision": revision or self.get(name).revision}
        return self._revision(name, "edits", body)

    def add_folder(self, name: str, folder: str | Path) -> objects.Dataset:
        """Begins to add a folder of the server to a dataset; `wait_added` tells when it is done."""
        return self._add(name, {"folder": str(folder)})

    def add_archive(self, name: str, file: str | Path) -> objects.Dataset:
        """Sends an archive or a folder and begins to add it."""
        return self._add(name, {"upload": self.upload(file).id})

    def pack(self, name: str) -> objects.Dataset:
        """Packs pictures that are used in place, where that was stopped or failed."""
        return objects.Dataset.model_validate(self._transport.call("POST", f"/datasets/{quoted(name)}/pack"))

    def stop(self, name: str) -> objects.Dataset:
        """Stops building a dataset, adding to it or packing it."""
        return objects.Dataset.model_validate(self._transport.call("POST", f"/datasets/{quoted(name)}/stop"))

    def wait_packed(self, name: str) -> objects.Dataset:
        """Returns when nothing is being packed any more; `progress["problem"]` says why it failed, if it did."""
        while "packing" in (dataset := self.get(name)).progress:
            time.sleep(POLL_S)
        return dataset

    def wait_added(self, name: str) -> objects.Dataset:
        """Returns when nothing is being added any more; `progress["problem"]` says why it failed, if it did."""
        while "adding" in (dataset := self.get(name)).progress:
            time.sleep(POLL_S)
        return dataset

    def _add(self, name: str, source: dict[str, str]) -> objects.Dataset:
        answer = self._transport.call("POST", f"/datasets/{quoted(name)}/add", json={"source": source})
        return objects.Dataset.model_validate(answer)

    def check(self, name: str, *, model: str = "") -> objects.Checkup:
        """Begins to look for what is wrong with a dataset; `wait_checked` tells when it is done.

        A `model` judges labels and features.
        """
        return self._checkup("POST", name, params={"model": model} if model else {})

    def judge(self, name: str, model: str) -> objects.Checkup:
        """Lets a model judge all pictures, to sort them by its confidence; `wait_checked` tells when it is done."""
        answer = self._transport.call("POST", f"/datasets/{quoted(name)}/judge", params={"model": model})
        return objects.Checkup.model_validate(answer)

    def judges(self, name: str) -> list[objects.Judge]:
        """The newest models that fit, and whether each has judged the current revision."""
        answer = self._transport.call("GET", f"/datasets/{quoted(name)}/judges")
        return [objects.Judge.model_validate(each) for each in answer]

    def stop_check(self, name: str) -> objects.Checkup:
        """Stops the checkup that waits or runs."""
        answer = self._transport.call("POST", f"/datasets/{quoted(name)}/checkup/stop")
        return objects.Checkup.model_validate(answer)

    def find_wrong_labels(self, name: str, **fields: Any) -> objects.Checkup:
        """Queues a run for each fold and a checkup that they judge; `wait_checked` tells when it is done."""
        answer = self._transport.call("POST", f"/datasets/{quoted(name)}/checkup/labels", json=fields)
        return objects.Checkup.model_validate(answer)

    def checkup(self, name: str) -> objects.Checkup:
        """What the last checkup of the current revision found, worst first."""
        return self._checkup("GET", name)

    def wait_checked(self, name: str) -> objects.Checkup:
        """Returns when no checkup waits or runs any more."""
        while (now := self.checkup(name)).state in OPEN_STATES:
            time.sleep(POLL_S)
        return now

    def fix(self, name: str, code: str, *, revision: str | None = None) -> objects.Revision:
        """Mends a finding, as `duplicate`, and returns the new revision; the one before stays."""
        return self._revision(name, f"findings/{quoted(code)}/fix", {"revision": revision or self.get(name).revision})

    def _checkup(self, method: str, name: str, **asked: Any) -> objects.Checkup:
        answer = self._transport.call(method, f"/datasets/{quoted(name)}/checkup", **asked)
        return objects.Checkup.model_validate(answer)

    def undo(self, name: str, *, revision: str | None = None) -> objects.Revision:
        """Makes the revision current that the current one was made from."""
        return self._revision(name, "undo", {"revision": revision or self.get(name).revision})

    def redo(self, name: str, *, revision: str | None = None) -> objects.Revision:
        """Takes the last undo back."""
        return self._revision(name, "redo", {"revision": revision or self.get(name).revision})

    def revisions(self, name: str) -> Iterator[objects.Revision]:
        """All revisions, newest first."""
        return (objects.Revision.model_validate(item) for item in self._pages(name, "revisions", {}))

    def rejected(self, name: str) -> Iterator[objects.RejectedFile]:
        """All files that could not be used, by path."""
        return (objects.RejectedFile.model_validate(item) for item in self._pages(name, "rejected", {}))

    def _revision(self, name: str, verb: str, body: dict[str, Any]) -> objects.Revision:
        answer = self._transport.call("POST", f"/datasets/{quoted(name)}/{verb}", json=body)
        return objects.Revision.model_validate(answer)

    def _pages(self, name: str, noun: str, given: dict[str, str]) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            params = {**given, "cursor": cursor, "limit": "500"}
            page = self._transport.call("GET", f"/datasets/{quoted(name)}/{noun}", params=params)
            yield from page["items"]
            cursor = page["cursor"]
            if not cursor:
                return

    def export(self, name: str, target: str | Path, *, format: str = "folders", revision: str | int = "") -> Path:
        """Writes a revision, the current one unless told, as an archive: `folders`, `csv`, `coco` or `parquet`."""
        query = urlencode({"format": format, "revision": str(revision)})
        return self._transport.download(f"/datasets/{quoted(name)}/export?{query}", Path(target))

    def _create(self, source: dict[str, str], name: str | None, fields: dict[str, Any]) -> objects.Dataset:
        body = {"source": source, "name": name, **fields}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return objects.Dataset.model_validate(self._transport.call("POST", "/datasets", json=body, headers=headers))


class Runs(Things[objects.Run]):
    """Runs."""

    def start(self, *, parameters: dict[str, Any] | None = None, key: str | None = None, **fields: Any) -> objects.Run:
        """Submits a run; `parameters` are the network's. Sent again with the same `key`, it is still one run."""
        body = {**fields, "parameters": parameters or {}}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return objects.Run.model_validate(self._transport.call("POST", "/runs", json=body, headers=headers))

    def preflight(
        self, *, parameters: dict[str, Any] | None = None, probe: bool = True, **fields: Any
    ) -> objects.Forecast:
        """Says what a run would take, without submitting it; with a `probe`, a few steps of it are measured first."""
        body = {**fields, "parameters": parameters or {}}
        wanted = {"probe": str(probe).lower()}
        while True:
            try:
                answer = self._transport.call("POST", "/runs/preflight", json=body, params=wanted)
            except ConflictError as error:
                if not probe or error.code != "network.measuring":
                    raise
                time.sleep(POLL_S)
                continue
            told = objects.Forecast.model_validate(answer)
            if told.probe not in {"waiting", "running"}:
                return told
            time.sleep(POLL_S)

    def inside(
        self,
        name: str,
        *,
        picture: str | Path | bytes | None = None,
        sample: int | None = None,
        step: int | None = None,
    ) -> inside_objects.Inside:
        """What a checkpoint, else the newest, makes of a picture, else of the dataset's first sample, in each layer."""
        return look_inside(self._transport, f"/runs/{quoted(name)}", picture, sample=sample, step=step)

    def stop(self, name: str) -> objects.Run:
        """Stops it at the next step; the best model so far is kept."""
        return objects.Run.model_validate(self._transport.call("POST", f"/runs/{quoted(name)}/stop"))

    def resume(self, name: str) -> objects.Run:
        """Lets it go on from its newest checkpoint."""
        return objects.Run.model_validate(self._transport.call("POST", f"/runs/{quoted(name)}/resume"))

    def metrics(self, name: str) -> dict[str, list[tuple[int, float]]]:
        """Metric series: (step, value) by name."""
        answer = self._transport.call("GET", f"/runs/{quoted(name)}/metrics")
        return objects.History.model_validate(answer).series

    def log(self, name: str) -> list[objects.LogLine]:
        """What the run told people."""
        answer = self._transport.call("GET", f"/runs/{quoted(name)}/log")
        return [objects.LogLine.model_validate(line) for line in answer]


class Models(Things[objects.Model]):
    """Models."""

    def classify(self, name: str, *pictures: str | Path | bytes) -> list[list[objects.Prediction]]:
        """For each picture all classes, most likely first."""
        files = [("file", opened_picture(picture)) for picture in pictures]
        answer = self._transport.call("POST", f"/models/{quoted(name)}/classify", files=files)
        return objects.Classified.model_validate(answer).pictures

    def import_file(
        self, file: str | Path, *, labels: str | Path | Sequence[str] = (), name: str | None = None, **fields: Any
    ) -> objects.Model:
        """Makes a model of an ONNX file that was trained elsewhere, to classify pictures with it.

        `labels` is a file with one class a line, or the classes in the order of the output; `mean` and `std` may be
        numbers.
        """
        return import_file(self._transport, Path(file), labels, {**fields, "name": name})

    def inside(
        self, name: str, *, picture: str | Path | bytes | None = None, sample: int | None = None
    ) -> inside_objects.Inside:
        """What the model makes of a picture in each layer; without one of its dataset's first sample."""
        return look_inside(self._transport, f"/models/{quoted(name)}", picture, sample=sample)

    def report(self, name: str) -> dict[str, Any]:
        """What the test split said."""
        report: dict[str, Any] = self._transport.call("GET", f"/models/{quoted(name)}/report")
        return report

    def download(self, name: str, target: str | Path) -> Path:
        """Writes the model's archive."""
        return self._transport.download(f"/models/{quoted(name)}/download", Path(target))


class Client:
    """A Tenfold server. Without arguments: `TENFOLD_URL` and `TENFOLD_TOKEN`, else the server of this machine."""

    def __init__(self, url: str = "", token: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        self.transport = Transport(*find_server(url, token), transport=transport)
        self.datasets = Datasets(self.transport, "datasets", objects.Dataset)
        self.runs = Runs(self.transport, "runs", objects.Run)
        self.models = Models(self.transport, "models", objects.Model)
        self.networks = Networks(self.transport, "networks", network_objects.Network)

    def jobs(self) -> list[objects.Job]:
        """The queue: what waits or runs."""
        return [objects.Job.model_validate(item) for item in self.transport.call("GET", "/jobs")]

    def samples(self) -> list[objects.SampleSet]:
        """Public datasets that the server can fetch."""
        return [objects.SampleSet.model_validate(item) for item in self.transport.call("GET", "/samples")]

    def environments(self) -> list[objects.Environment]:
        """The packages beside Tenfold's own, as Keras needs them, and whether jobs can run in them."""
        return [objects.Environment.model_validate(item) for item in self.transport.call("GET", "/environments")]

    def me(self) -> objects.User:
        """Who this client is signed in as."""
        return objects.User.model_validate(self.transport.call("GET", "/me"))

    def save_tiles(self, found: inside_objects.Inside, folder: str | Path) -> list[Path]:
        """Writes what was seen inside as PNG files into a folder; raises `NotFoundError` once it is forgotten."""
        return save_tiles(self.transport, found, Path(folder))

    def close(self) -> None:
        self.transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_SIGNED: tuple[tuple[Any, tuple[Field, ...]], ...] = (
    (Runs.start, RUN_FIELDS),
    (Runs.preflight, RUN_FIELDS),
    (Datasets.import_folder, DATASET_FIELDS),
    (Datasets.import_archive, DATASET_FIELDS),
    (Datasets.import_url, DATASET_FIELDS),
    (Datasets.import_bucket, (*BUCKET_FIELDS, *DATASET_FIELDS)),
    (Datasets.import_upload, DATASET_FIELDS),
    (Datasets.get_sample, DATASET_FIELDS),
    (Datasets.samples, FILTER_FIELDS),
    (Datasets.edit, CHANGE_FIELDS),
    (Datasets.find_wrong_labels, LABEL_FIELDS),
    (Models.import_file, MODEL_FIELDS),
)
for _method, _fields in _SIGNED:
    _method.__signature__ = signature(_method, _fields)
