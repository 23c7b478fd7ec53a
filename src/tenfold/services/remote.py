"""Pictures that lie elsewhere in the network: what may be asked for, and the keys that go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from tenfold.core.datasets.remote import BucketPlace, Credentials, SecretStore, bucket_place, is_web_address
from tenfold.core.errors import Forbidden, InvalidFields, Problem
from tenfold.core.events import Json


class RemoteService:
    """Accepts places of the network. The checks raise `Forbidden` or `Unavailable` for one that may not be asked.

    A key is given with an import, kept encrypted until the import is over, and shown nowhere.
    """

    def __init__(
        self,
        secrets: SecretStore,
        *,
        check_bucket: Callable[[BucketPlace], None],
        check_url: Callable[[str], None],
        internal_hosts: Sequence[str] = (),
        web_is_allowed: bool = False,
    ) -> None:
        self._secrets = secrets
        self._check_bucket = check_bucket
        self._check_url = check_url
        self._internal_hosts = tuple(internal_hosts)
        self.web_is_allowed = web_is_allowed

    def accept_bucket(self, asked: Mapping[str, object]) -> tuple[dict[str, Json], str]:
        """The source of an import job, and the name that it proposes for a dataset."""
        place = bucket_place(asked)
        access, secret = (str(asked.get(name) or "").strip() for name in ("access_key", "secret_key"))
        if bool(access) != bool(secret):
            missing = "secret_key" if access else "access_key"
            raise InvalidFields([Problem(missing, "A key has two halves: give both, or neither.", "required")])
        self._check_bucket(place)
        source: dict[str, Json] = {**place.to_json(), "internal_hosts": list(self._internal_hosts)}
        return ({**source, "secret": self._secrets.keep(Credentials(access, secret))} if access else source), place.wish

    def accept_url(self, url: str) -> tuple[dict[str, Json], str]:
        """The source of an import job, and the name that it proposes; raises `Forbidden` until the web is allowed."""
        if not self.web_is_allowed:
            text = "Imports from the web are off on this server: its administrator allows them by TENFOLD_WEB_IMPORT=1."
            raise Forbidden(text, code="url.off")
        if not is_web_address(url):
            text = f"{url[:80]!r} is no address of the web: write http:// or https://, a host, and no name or password."
            raise InvalidFields([Problem("url", text, "url.invalid")])
        self._check_url(url)
        parts = urlsplit(url)
        wish = unquote(parts.path).rstrip("/").rpartition("/")[2].partition(".")[0] or str(parts.hostname)
        return {"url": url, **self.web()}, wish

    def web(self) -> dict[str, Json]:
        """What an import job is told of the web, for lists that name addresses; nothing where it is off."""
        return {"web": True, "internal_hosts": list(self._internal_hosts)} if self.web_is_allowed else {}
