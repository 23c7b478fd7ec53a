"""Who owns a data folder."""

from __future__ import annotations

import getpass

from tenfold.core.names import clean_name

UNKNOWN = "owner"


def owner_name() -> str:
    """What the owner of the data folder is called: as the account on this machine, made an allowed name."""
    try:
        return clean_name(getpass.getuser(), UNKNOWN)
    except (KeyError, OSError):  # an account without a name, as containers have it
        return UNKNOWN
