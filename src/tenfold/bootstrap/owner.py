"""Who owns a data folder."""

from __future__ import annotations

import getpass


def owner_name() -> str:
    """What the owner of the data folder is called: the account on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have it
        return "owner"
