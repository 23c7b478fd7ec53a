"""Where an import's pictures come from, and the source that reads them there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tenfold.adapters.formats.files.cifar import open_cifar
from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.idx import IdxSource
from tenfold.adapters.formats.layouts.joined import Addresses, SplitSources, WithRejected
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import open_source, sent_source
from tenfold.adapters.sources.bucket import BucketSource
from tenfold.adapters.sources.guarded_http import ARCHIVE, GuardedHttp
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.adapters.sources.received import lay_out, unpack
from tenfold.adapters.sources.samples import SampleCache
from tenfold.adapters.sources.web_index import PARALLEL_READS, WebIndex, read_picture
from tenfold.adapters.storage.secrets import FolderSecrets
from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.bootstrap.buckets import BucketContent
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.layouts import SourceChoice, is_archive, source_choice
from tenfold.core.datasets.model import Split
from tenfold.core.datasets.ports import SampleSource
from tenfold.core.datasets.remote import bucket_place
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS
from tenfold.core.datasets.uploads import SentFile, plan_upload
from tenfold.core.errors import Forbidden
from tenfold.worker.toolbox import BuildFolders

FETCHED = "fetched"


@dataclass(frozen=True)
class Origins:
    """Opens the source of one import job; what must be fetched or unpacked first goes to the job's work folder."""

    job: ImportJob
    places: BuildFolders
    should_stop: Callable[[], bool]
    tell: Callable[[str], None]

    def open(self) -> SampleSource | None:
        """The source; `None` if the import was stopped before it could be read."""
        match self.job.source:
            case {"folder": str(folder)}:
                return self._opened(Path(folder), self._root_of(folder))
            case {"upload": str(upload)}:
                return self._open_upload(upload)
            case {"bucket": str()}:
                return self._open_bucket()
            case {"url": str(url)}:
                return self._open_url(url)
            case {"sample": str(sample)}:
                return self._open_sample(sample)
        raise AssertionError(f"{self.job.source} is no source")

    @property
    def _choice(self) -> SourceChoice:
        return source_choice({**self.job.source, "label_kind": self.job.spec.get("label_kind")})

    def _opened(self, path: Path, allowed: Path) -> SampleSource | None:
        """What lies at a path, with the splits that lie elsewhere."""
        apart = self._choice.apart
        places: dict[Split, tuple[Path, Path]] = {
            "train": (path, allowed),
            **{key: (Path(each), self._root_of(each)) for key, each in apart.items()},
        }
        if not apart:
            return self._opened_alone(path, allowed, "train")
        sources: dict[Split, SampleSource] = {}
        for split, (at, inside) in places.items():
            source = self._opened_alone(at, inside, split)
            if source is None:
                return None
            sources[split] = source
        return SplitSources(sources)

    def _opened_alone(self, path: Path, allowed: Path, split: Split) -> SampleSource | None:
        """What lies at a path or in an archive, its lists with addresses of the web where these are allowed."""
        if is_archive(path.name) and GuardedFolder(path.parent, allowed=allowed).has_file(path.name):
            self.tell(f"Unpacking {path.name}.")
            folder = unpack(path, self.places.work, f"unpacked-{split}", should_stop=self.should_stop)
            if folder is None:
                return None
            path, allowed = sent_source(folder), folder
        roots = tuple(Path(str(root)) for root in self.job.roots)
        addresses = None
        if self.job.source.get("web"):
            addresses = Addresses(partial(read_picture, GuardedHttp(self._guard())), PARALLEL_READS)
        places = SourcePlaces(work=self.places.work, allowed=allowed, roots=roots, addresses=addresses)
        return open_source(path, places, self._choice)

    def _open_upload(self, upload: str) -> SampleSource | None:
        uploads = FolderUploads(self.places.data / "uploads")
        source = self._open_sent(uploads.path(upload))
        refused = tuple(uploads.get(upload).refused.values())
        return WithRejected(source, refused) if source is not None and refused else source

    def _open_sent(self, files: Path) -> SampleSource | None:
        folder = lay_out(files, self.places.work, should_stop=self.should_stop)
        return self._opened(sent_source(folder), folder) if folder is not None else None

    def _open_url(self, url: str) -> SampleSource | None:
        """A page of links is read where it is; an archive, list or table is fetched first, once."""
        folder, mark = self.places.work / FETCHED, self.places.work / f"{FETCHED}.done"
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            self.tell(f"Fetching {url}.")
            with GuardedHttp(self._guard()).opened(url, ARCHIVE) as answer:
                if answer.content_type == "text/html":
                    return WebIndex(GuardedHttp(self._guard()), answer.url)
                with (folder / _file_name(answer.url)).open("wb") as file:
                    for block in answer.blocks:
                        file.write(block)
                        if self.should_stop():
                            return None
            mark.touch()
        return self._open_sent(folder)

    def _open_bucket(self) -> SampleSource | None:
        secret = self.job.source.get("secret")
        credentials = FolderSecrets(self.places.data / "secrets").get(str(secret)) if secret else None
        bucket = BucketSource(bucket_place(self.job.source), credentials, self._guard())
        more = (self.places.work, self._choice, self._open_sent, self.should_stop, self.tell)
        return BucketContent(bucket, *more).open()

    def _open_sample(self, name: str) -> SampleSource:
        folder = SampleCache(self.places.data / "cache").fetch(name, report=self.tell)
        sample = SAMPLE_DATASETS[name]
        if sample.layout == "idx":
            return IdxSource(folder, sample.classes)
        return open_cifar(folder / next(iter(sample.md5)), self.places.work, sample.classes)

    def _guard(self) -> NetGuard:
        hosts = self.job.source.get("internal_hosts")
        return NetGuard([str(host) for host in hosts] if isinstance(hosts, list) else ())

    def _root_of(self, folder: str) -> Path:
        for root in self.job.roots:
            if Path(folder).is_relative_to(str(root)):
                return Path(str(root))
        raise Forbidden("The folder lies outside the folders that may be read.", code="folder.outside")


def _file_name(url: str) -> str:
    """The name under which a fetched file is kept: that of its address, where it is a plain one."""
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    return name if plan_upload([SentFile(name, 1)]).files else "fetched"
