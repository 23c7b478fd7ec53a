"""Keys to other people's storage, encrypted under `secrets/` of the data folder while an import needs them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tenfold.adapters.storage.durable import write_durably
from tenfold.core.datasets.remote import Credentials
from tenfold.core.errors import NotFound, Unavailable
from tenfold.core.ids import is_id, new_id

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY = "key"


class FolderSecrets:
    """Fulfils `SecretStore`. The key lies beside what it opens, for the owner of the data folder alone (0600).

    That guards copies of single files, backups without the key and logs, not a data folder as a whole.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()

    def keep(self, secret: Credentials) -> str:
        made = new_id("secret")
        content = json.dumps([secret.access_key, secret.secret_key]).encode()
        write_durably(self._folder / made, self._cipher().encrypt(content), mode=0o600)
        return made

    def get(self, id: str) -> Credentials:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  an extra

        try:
            if not is_id(id):
                raise FileNotFoundError
            access, secret = json.loads(self._cipher().decrypt((self._folder / id).read_bytes()))
        except (FileNotFoundError, InvalidToken):
            text = "The key to the bucket is no longer kept: give it again with a new import."
            raise NotFound(text, code="secret.not-found") from None
        return Credentials(access, secret)

    def remove(self, id: str) -> None:
        if is_id(id):
            (self._folder / id).unlink(missing_ok=True)

    def kept_before(self, time: float) -> list[str]:
        if not self._folder.exists():
            return []
        found = (path for path in self._folder.iterdir() if is_id(path.name))
        return sorted(path.name for path in found if path.stat().st_mtime < time)

    def _cipher(self) -> Fernet:
        try:
            from cryptography.fernet import Fernet  # noqa: PLC0415  an extra
        except ImportError:
            text = "Keys are kept encrypted, which needs the package cryptography: pip install 'tenfold[s3]'."
            raise Unavailable(text, code="secret.needs-package") from None
        path = self._folder / KEY
        with self._mutex:
            if not path.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_durably(path, Fernet.generate_key(), mode=0o600)
            return Fernet(path.read_bytes())
