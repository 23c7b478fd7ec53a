"""Pictures that lie elsewhere in the network: buckets and web addresses, as people name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.events import Json
from tenfold.core.fields import declare

MAX_ADDRESS = 4000
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


@dataclass(frozen=True)
class Credentials:
    """The two halves of a key to a bucket; never shown."""

    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return "Credentials(...)"


@dataclass(frozen=True)
class BucketPlace:
    """A folder of an S3-compatible bucket; without an `endpoint`, of Amazon's own."""

    bucket: str
    prefix: str
    endpoint: str = ""
    region: str = ""

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def wish(self) -> str:
        """The name that it proposes for a dataset."""
        return self.prefix.rstrip("/").rpartition("/")[2] or self.bucket

    def to_json(self) -> dict[str, Json]:
        found: dict[str, Json] = {"bucket": self.address, "endpoint": self.endpoint, "region": self.region}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, kw_only=True)
class BucketOptions:
    """What goes with the address of a bucket, as fields of a form and options of a command."""

    endpoint: str | None = declare(
        None,
        label="Endpoint",
        help="The address of an S3-compatible server, as in https://minio.example:9000. Empty: Amazon's own.",
        group="Bucket",
    )
    region: str | None = declare(None, label="Region", help="As in eu-central-1, where it is needed.", group="Bucket")
    access_key: str | None = declare(
        None, label="Access key", help="Empty for a bucket that is open to all.", group="Bucket"
    )
    secret_key: str | None = declare(
        None, label="Secret key", help="Kept encrypted until the import is over, and shown nowhere.", group="Bucket"
    )


class SecretStore(Protocol):
    """Keys that an import needs until it is over, encrypted; they stand nowhere else. Thread-safe."""

    def keep(self, secret: Credentials) -> str:
        """Stores a secret and returns its id."""
        ...

    def get(self, id: str) -> Credentials:
        """Raises `NotFound` for one that is gone."""
        ...

    def remove(self, id: str) -> None:
        """Removes a secret; nothing happens when it is not there."""
        ...

    def kept_before(self, time: float) -> list[str]:
        """The ids of secrets that were stored before a time (seconds since 1970)."""
        ...


def bucket_place(values: Mapping[str, object]) -> BucketPlace:
    """The place from `bucket` (as in s3://NAME/FOLDER), `endpoint` and `region`; raises `InvalidFields`."""
    address, endpoint, region = (str(values.get(name) or "").strip() for name in ("bucket", "endpoint", "region"))
    problems = []
    name, _, prefix = address.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(name) or ".." in name or not _is_plain(address):
        problems.append(
            Problem("bucket", f"{address[:80]!r} is no bucket: write s3://NAME or s3://NAME/FOLDER.", "bucket")
        )
    if endpoint and not is_web_address(endpoint):
        text = f"{endpoint[:80]!r} is no endpoint: write its address, as in https://minio.example:9000."
        problems.append(Problem("endpoint", text, "url.invalid"))
    if region and not re.fullmatch(r"[A-Za-z0-9-]{1,60}", region):
        problems.append(Problem("region", f"{region[:80]!r} is no region, as in eu-central-1.", "region"))
    if problems:
        raise InvalidFields(problems)
    prefix = prefix.strip("/")
    return BucketPlace(name, f"{prefix}/" if prefix else "", endpoint.rstrip("/"), region)


def is_web_address(text: str) -> bool:
    """Whether a text is an http or https address with a host and nobody's name or password in it."""
    if not _is_plain(text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    has_place = parts.scheme in {"http", "https"} and bool(parts.hostname) and (port is None or port > 0)
    return has_place and "@" not in parts.netloc


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= MAX_ADDRESS and text.isprintable() and not any(char.isspace() for char in text)
