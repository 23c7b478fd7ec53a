"""How pictures come that do not lie in the server's folders: uploads, and places of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tenfold.adapters.formats.layouts.recognition import Layouts
from tenfold.adapters.sources.bucket import check_endpoint, require_bucket_parts
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.adapters.storage.secrets import FolderSecrets
from tenfold.adapters.storage.uploads import FolderUploads
from tenfold.core.datasets.remote import BucketPlace
from tenfold.services.remote import RemoteService
from tenfold.services.uploads import UploadLimits, UploadService
from tenfold.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """The stores, and the services that accept."""

    uploads: FolderUploads
    secrets: FolderSecrets
    layouts: Layouts
    upload_service: UploadService
    remote_service: RemoteService


def open_arrivals(settings: Settings, roots: Sequence[str]) -> Arrivals:
    """All of it over the data folder; `roots` are the folders that may be read."""
    uploads = FolderUploads(settings.data / "uploads")
    uploads.clear_unfinished()
    secrets = FolderSecrets(settings.data / "secrets")
    layouts = Layouts(tuple(Path(root) for root in roots))
    limits = UploadLimits(upload_bytes=settings.max_upload_mb * 10**6, person_bytes=settings.upload_quota_mb * 10**6)
    guard = NetGuard(settings.internal_hosts)

    def check_bucket(place: BucketPlace) -> None:
        require_bucket_parts()
        check_endpoint(place, guard)

    def check_url(url: str) -> None:
        parts = urlsplit(url)
        guard.addresses(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))

    return Arrivals(
        uploads=uploads,
        secrets=secrets,
        layouts=layouts,
        upload_service=UploadService(uploads, layouts, limits=limits),
        remote_service=RemoteService(
            secrets,
            check_bucket=check_bucket,
            check_url=check_url,
            internal_hosts=settings.internal_hosts,
            web_is_allowed=settings.web_import,
        ),
    )
