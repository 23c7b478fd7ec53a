"""Class folders in an S3-compatible bucket, listed as a stream and read by many requests at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from tenfold.adapters.sources.class_folders import Level, find_class_level, judge
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.core.datasets.layouts import ARCHIVE_FILES, PICTURE_FILES, SOURCE_FILES
from tenfold.core.datasets.ports import Find, Note, ShouldStop, Skipped, never
from tenfold.core.datasets.remote import BucketPlace, Credentials
from tenfold.core.errors import BadDataset, BadImage, Unavailable

PARALLEL_READS = 32
MAX_OBJECT_BYTES = 512 << 20
MAX_CLASSES = 100_000
MAX_NAME_BYTES = 200
BLOCK_BYTES = 1 << 20
TIMEOUT_S = 20
ATTEMPTS = 4
Call = Callable[..., Mapping[str, Any]]


class StoredObject(NamedTuple):
    """A file right in the folder of a bucket."""

    name: str
    size_bytes: int


class Top(NamedTuple):
    """What lies right in the folder of a bucket."""

    files: tuple[StoredObject, ...]
    folders: tuple[str, ...]


class BucketSource:
    """Fulfils `SampleSource` over the objects below a prefix; a class is a folder of the keys.

    Keys are what paths are, from the prefix on. The network failing for good ends the import (`Unavailable`); an
    object that is gone or forbidden is one rejected file.
    """

    parallel_reads = PARALLEL_READS
    files: None = None

    def __init__(
        self, place: BucketPlace, credentials: Credentials | None, guard: NetGuard, *, page_size: int = 1000
    ) -> None:
        self._page_size = page_size
        self._place = place
        self._guard = guard
        self._files = _open(place, credentials, guard)
        self._call = cast("Call", self._files.call_s3)

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        level = find_class_level(self._look)
        if level.folder:
            yield Note(f"Classes are read from the folder {level.folder.rstrip('/')}.")
        for page in self._pages(level.folder):
            if should_stop():
                return
            for each in page.get("Contents", ()):
                path = str(each["Key"]).removeprefix(self._place.prefix)
                if path.endswith("/"):
                    yield Skipped("folder marker")
                    continue
                size = int(each["Size"])
                yield judge(path, level, size_bytes=size, use_splits=use_splits, most_bytes=MAX_OBJECT_BYTES)

    def read(self, path: str) -> bytes:
        from fsspec.asyn import sync  # noqa: PLC0415  an extra

        try:
            with self._troubles():
                return cast("bytes", sync(self._files.loop, self._get, path))
        except FileNotFoundError:
            raise BadImage("There is no such object, or it vanished during the import.", code="file.vanished") from None
        except PermissionError:
            raise BadImage("The object may not be read with this key.", code="file.forbidden") from None
        except OSError as error:
            raise BadImage(f"The object cannot be read: {_words(error)}.", code="file.unreadable") from error

    async def _get(self, path: str) -> bytes:
        key = f"{self._place.prefix}{path}"
        answer = await self._files._call_s3("get_object", Bucket=self._place.bucket, Key=key)
        async with answer["Body"] as body:
            if answer["ContentLength"] > MAX_OBJECT_BYTES:
                raise BadImage(f"The object has over {MAX_OBJECT_BYTES >> 20} MB.", code="file.too-large")
            return bytes(await body.read())

    def top(self) -> Top:
        """The files and folders right below the prefix, or the one file that the prefix names itself."""
        files: list[StoredObject] = []
        folders: list[str] = []
        own = self._place.prefix.rstrip("/")
        if own.casefold().endswith((*SOURCE_FILES, *ARCHIVE_FILES)):
            page = next(self._pages("", Prefix=own))
            sizes = [int(each["Size"]) for each in page.get("Contents", ()) if str(each["Key"]) == own]
            if sizes:
                self._place = replace(self._place, prefix=own[: own.rfind("/") + 1])
                return Top((StoredObject(own.rpartition("/")[2], sizes[0]),), ())
        for page in self._pages("", Delimiter="/"):
            keys = ((str(each["Key"]).rpartition("/")[2], int(each["Size"])) for each in page.get("Contents", ()))
            files += [StoredObject(name, size) for name, size in keys if _is_file_name(name)]
            folders += [str(each["Prefix"]).rstrip("/").rpartition("/")[2] for each in page.get("CommonPrefixes", ())]
            if len(folders) > MAX_CLASSES or len(files) > MAX_CLASSES:
                break
        return Top(tuple(files), tuple(name for name in folders if not name.startswith(".")))

    def has(self, path: str) -> bool:
        """Whether there is an object at a path."""
        try:
            with self._troubles():
                self._call("head_object", Bucket=self._place.bucket, Key=f"{self._place.prefix}{path}")
        except OSError:
            return False
        return True

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of an object, some at a time; raises `Unavailable` where they end too early."""
        from fsspec.asyn import sync  # noqa: PLC0415  an extra

        try:
            with self._troubles():
                answer = self._call("get_object", Bucket=self._place.bucket, Key=f"{self._place.prefix}{path}")
                while block := sync(self._files.loop, answer["Body"].read, BLOCK_BYTES):
                    yield cast("bytes", block)
        except OSError as error:
            raise Unavailable(f"{path} cannot be fetched: {_words(error)}.", code="bucket.unavailable") from error

    def _look(self, folder: str) -> Level:
        folders: list[str] = []
        has_pictures = False
        for page in self._pages(folder, Delimiter="/"):
            folders += [str(each["Prefix"]).rstrip("/").rpartition("/")[2] for each in page.get("CommonPrefixes", ())]
            has_pictures = has_pictures or any(_is_picture(str(each["Key"])) for each in page.get("Contents", ()))
            if len(folders) > MAX_CLASSES:
                break
        return Level(tuple(name for name in folders if not name.startswith(".")), has_pictures)

    def _pages(self, folder: str, **options: str) -> Iterator[Mapping[str, Any]]:
        """Pages of a listing, a thousand objects each; raises `BadDataset` when the bucket cannot be listed."""
        asked: dict[str, Any] = {"Bucket": self._place.bucket, "Prefix": self._place.prefix + folder, **options}
        asked |= {"MaxKeys": self._page_size}
        while True:
            try:
                with self._troubles():
                    page = self._call("list_objects_v2", **asked)
            except FileNotFoundError:
                raise BadDataset(f"There is no bucket {self._place.bucket}.", code="bucket.not-found") from None
            except PermissionError:
                text = f"The bucket {self._place.bucket} may not be listed with this key: check key and secret."
                raise BadDataset(text, code="bucket.forbidden") from None
            except OSError as error:
                raise Unavailable(f"The bucket does not answer: {_words(error)}.", code="bucket.unavailable") from error
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = str(page["NextContinuationToken"])

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        """Lets errors of single objects pass as `OSError`; those of the network itself end the import."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  an extra

        try:
            yield
        except ClientError as error:
            raise OSError(str(error)) from error
        except (BotoCoreError, ConnectionError, TimeoutError) as error:
            why = self._guard.refusal or f"{_words(error)}. Start the import again."
            text = f"{self._place.endpoint or 'Amazon S3'} does not answer: {why}"
            raise Unavailable(text, code="bucket.unavailable") from error


def require_bucket_parts() -> None:
    """Raises `Unavailable` that says how to install what buckets need."""
    try:
        import s3fs  # noqa: F401, PLC0415  an extra
    except ImportError:
        text = "Buckets need the package s3fs: install it with pip install 'tenfold[s3]', then start the server again."
        raise Unavailable(text, code="bucket.needs-package") from None


def check_endpoint(place: BucketPlace, guard: NetGuard) -> None:
    """Raises `Forbidden` for an endpoint that lies inside the own network and was not allowed."""
    if place.endpoint:
        parts = urlsplit(place.endpoint)
        guard.addresses(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))


def _open(place: BucketPlace, credentials: Credentials | None, guard: NetGuard) -> Any:
    """The file system over a bucket, every connection of which goes through the guard."""
    require_bucket_parts()
    check_endpoint(place, guard)
    import s3fs  # noqa: PLC0415  an extra

    from tenfold.adapters.sources.guarded_resolver import GuardedResolver  # noqa: PLC0415  needs the extra

    keys = {"key": credentials.access_key, "secret": credentials.secret_key} if credentials else {"anon": True}
    client = {"endpoint_url": place.endpoint} if place.endpoint else {}
    if place.region:
        client["region_name"] = place.region
    return s3fs.S3FileSystem(
        **keys,
        client_kwargs=client,
        config_kwargs={
            "connect_timeout": TIMEOUT_S,
            "read_timeout": TIMEOUT_S,
            "retries": {"max_attempts": ATTEMPTS, "mode": "standard"},
            "max_pool_connections": PARALLEL_READS,
            "proxies": {},  # none of the environment's: they would connect in our place
            "connector_args": {"resolver": GuardedResolver(guard)},
            "s3": {"addressing_style": "path"} if place.endpoint else {},
        },
        skip_instance_cache=True,
        use_listings_cache=False,
        default_cache_type="none",
    )


def _is_file_name(name: str) -> bool:
    return name not in {"", ".", ".."} and "\0" not in name and len(name.encode()) <= MAX_NAME_BYTES


def _is_picture(key: str) -> bool:
    return key.casefold().endswith(PICTURE_FILES)


def _words(error: BaseException) -> str:
    return str(error).strip().rstrip(".")[:300] or type(error).__name__
