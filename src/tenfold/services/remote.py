"""Pictures that lie elsewhere in the network: what may be asked for, and the keys that go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tenfold.core.datasets.remote import BucketPlace, Credentials, SecretStore, bucket_place
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.events import Json


class RemoteService:
    """Accepts places of the network. `check_bucket` raises `Forbidden` or `Unavailable` for one that may not be asked.

    A key is given with an import, kept encrypted until the import is over, and shown nowhere.
    """

    def __init__(
        self,
        secrets: SecretStore,
        *,
        check_bucket: Callable[[BucketPlace], None],
        internal_hosts: Sequence[str] = (),
    ) -> None:
        self._secrets = secrets
        self._check_bucket = check_bucket
        self._internal_hosts = tuple(internal_hosts)

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
