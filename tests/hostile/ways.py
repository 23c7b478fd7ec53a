"""All ways by which picture files come in: each puts files where it reads them, and says what its source is."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import lmdb
import pyarrow as pa
import pyarrow.parquet as pq
from bucket_server import BucketServer
from loopback_web import Reply

from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.core.datasets.uploads import SentFile, plan_upload

from .importing import Importer

Files = Mapping[str, bytes]
"""Contents by `CLASS/NAME`."""
Source = dict[str, Any]


def put(root: Path, files: Files) -> Path:
    """Writes files below a folder."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


def upload(importer: Importer, files: Files) -> Source:
    """Sends files as a browser does: announced, then one stream in pieces."""
    uploads = FolderUploads(importer.data / "uploads")
    plan = plan_upload([SentFile(path, len(content)) for path, content in files.items()])
    refused = {name for number, name in enumerate(files) if number in plan.refused}
    stream = b"".join(content for path, content in files.items() if path not in refused)

    async def send() -> str:
        begun = uploads.begin("owner", plan)
        for start in range(0, max(1, len(stream)), 1 << 20):

            async def blocks(start: int = start) -> AsyncIterator[bytes]:
                yield stream[start : start + (1 << 20)]

            await uploads.append(begun.id, start, blocks())
        return begun.id

    return {"upload": asyncio.run(send())}


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def tarred(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def folder(importer: Importer, root: Path, files: Files) -> Source:
    return {"folder": str(put(root, files))}


def three_folders(importer: Importer, root: Path, files: Files) -> Source:
    places = ("train", "elsewhere-1", "elsewhere-2")
    for number, (path, content) in enumerate(files.items()):
        put(root / places[number // 2 % 3 if number > 20 else 0], {path: content})
    return {"folder": str(root / "train"), "val_folder": str(root / places[1]), "test_folder": str(root / places[2])}


def text_list(importer: Importer, root: Path, files: Files) -> Source:
    put(root, files)
    (root / "all.txt").write_text("".join(f"{path} {path.partition('/')[0]}\n" for path in files))
    return {"folder": str(root / "all.txt")}


def sent_list(importer: Importer, root: Path, files: Files) -> Source:
    put(root, files)
    text = "".join(f"{path} {path.partition('/')[0]}\n" for path in files)
    return {**upload(importer, {"all.txt": text.encode()}), "prefix": str(root)}


def csv_table(importer: Importer, root: Path, files: Files) -> Source:
    put(root, files)
    rows = "".join(f"{path},{path.partition('/')[0]}\n" for path in files)
    (root / "table.csv").write_text(f"image,label\n{rows}")
    return {"folder": str(root / "table.csv")}


def parquet(importer: Importer, root: Path, files: Files) -> Source:
    root.mkdir(parents=True)
    columns = {"image": list(files.values()), "label": [path.partition("/")[0] for path in files]}
    pq.write_table(pa.table(columns), root / "table.parquet")
    return {"folder": str(root / "table.parquet")}


def hugging_face(importer: Importer, root: Path, files: Files) -> Source:
    (root / "data").mkdir(parents=True)
    labels = sorted({path.partition("/")[0] for path in files})
    features = {"image": {"_type": "Image"}, "label": {"names": labels, "_type": "ClassLabel"}}
    told = json.dumps({"info": {"features": features}})
    images = [{"bytes": content, "path": path.rpartition("/")[2]} for path, content in files.items()]
    table = pa.table({"image": images, "label": [labels.index(path.partition("/")[0]) for path in files]})
    table = table.replace_schema_metadata({"huggingface": told})
    pq.write_table(table, root / "data" / "train-00000-of-00001.parquet")
    return {"folder": str(root)}


def varint(number: int) -> bytes:
    out = b""
    while number >= 128:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def datum(content: bytes, label: int) -> bytes:
    """An encoded picture as a Caffe `Datum`."""
    return b"\x22" + varint(len(content)) + content + b"\x28" + varint(label) + b"\x38\x01"


def write_lmdb(root: Path, entries: Mapping[bytes, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(root), map_size=1 << 30) as database, database.begin(write=True) as writing:
        for key, value in entries.items():
            writing.put(key, value)
    return root


def caffe(importer: Importer, root: Path, files: Files) -> Source:
    entries = {f"{n:05d}".encode(): datum(content, int(path >= "b")) for n, (path, content) in enumerate(files.items())}
    return {"folder": str(write_lmdb(root, entries))}


def digits_job(importer: Importer, root: Path, files: Files) -> Source:
    caffe(importer, root / "train_db", files)
    put(root, {"labels.txt": b"a\nb\n", "status.pickle": b"cposix\nsystem\n(S'touch /tmp/evil'\ntR."})
    return {"folder": str(root)}


def sent_zip(importer: Importer, root: Path, files: Files) -> Source:
    return upload(importer, {"set.zip": zipped(files)})


def sent_tar(importer: Importer, root: Path, files: Files) -> Source:
    return upload(importer, {"set.tar.gz": tarred(files)})


def sent_files(importer: Importer, root: Path, files: Files) -> Source:
    return upload(importer, {f"set/{path}": content for path, content in files.items()})


LOCAL_WAYS: Mapping[str, Callable[[Importer, Path, Files], Source]] = {
    "server folder": folder,
    "val and test apart": three_folders,
    "text list": text_list,
    "sent list": sent_list,
    "CSV": csv_table,
    "Parquet": parquet,
    "Hugging Face": hugging_face,
    "LMDB": caffe,
    "DIGITS job": digits_job,
    "archive zip": sent_zip,
    "archive tar.gz": sent_tar,
    "many files": sent_files,
}


def bucket(importer: Importer, server: BucketServer, name: str, files: Files) -> Source:
    """The files as objects."""
    server.put(name, files)
    return {
        "bucket": f"s3://{name}", "endpoint": server.endpoint, "secret": importer.secret(),
        "internal_hosts": [server.host],
    }  # fmt: skip


def pages(files: Files) -> dict[str, Reply]:
    """The files as a web server shows a folder."""
    html = {"content-type": "text/html"}
    found: dict[str, Reply] = {"/set/": (200, html, b"<a href='a/'>a</a><a href='b/'>b</a>")}
    for label in "ab":
        inside = {path: content for path, content in files.items() if path.startswith(f"{label}/")}
        links = "".join(f'<a href="{path.partition("/")[2]}">x</a>' for path in inside)
        found[f"/set/{label}/"] = (200, html, links.encode())
        found |= {f"/set/{path}": (200, {"content-type": "image/png"}, content) for path, content in inside.items()}
    return found
