"""The tree of errors that Tenfold raises.

    TenfoldError
    ├── NotFound            what was named does not exist
    ├── Conflict            the request does not fit the present state
    │   ├── NameTaken
    │   ├── InUse           something depends on it
    │   └── Changed         somebody else changed it first
    ├── Invalid             the request itself is wrong
    │   ├── InvalidFields   one problem a field
    │   ├── BadNetwork      a network text with errors
    │   ├── BadModel        a file of another program that is no model that can be used here
    │   ├── BadArchive      an archive that cannot be unpacked safely
    │   ├── BadImage        a picture that cannot be read
    │   └── BadDataset      a folder that holds no usable dataset
    ├── Unauthenticated     nobody, or nobody we know
    ├── Forbidden           somebody, but not allowed
    ├── TooLarge            over a declared limit
    ├── Busy                too much is asked at once, or too often; `retry_after_s` says when to come again
    ├── StorageFull         no room left
    ├── OutOfMemory         a batch does not fit on the device
    ├── Diverged            the loss became infinite
    ├── Damaged             stored bytes do not match their hash
    └── Unavailable         a part that is needed is not there just now

A class's docstring is its default message. `code` is stable and public: clients match on it, never on the text.
A text says what was wrong with which value, what is allowed, and what to do.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import cleandoc


class TenfoldError(Exception):
    """Something went wrong inside Tenfold."""

    code = "internal"

    def __init__(self, message: str | None = None, *, code: str | None = None, **values: object) -> None:
        self.message = message or cleandoc(type(self).__doc__ or "")
        if code is not None:
            self.code = code
        self.values = values
        super().__init__(self.message)


class NotFound(TenfoldError):
    """There is nothing of this name."""

    code = "not-found"


class Conflict(TenfoldError):
    """This does not fit the present state."""

    code = "conflict"


class NameTaken(Conflict):
    """This name is taken."""

    code = "name-taken"


class InUse(Conflict):
    """Something depends on it."""

    code = "in-use"


class Changed(Conflict):
    """It was changed by somebody else in the meantime: load it again."""

    code = "changed"


class Invalid(TenfoldError):
    """The request is not valid."""

    code = "invalid"


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field; `field` is its dotted path, as in `augmentation.flip`."""

    field: str
    message: str
    code: str = "invalid"


class InvalidFields(Invalid):
    """Some fields are not valid."""

    code = "invalid-fields"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problem.message for problem in self.problems) or None)


class BadNetwork(Invalid):
    """The network text has errors."""

    code = "network.invalid"


class BadModel(Invalid):
    """The file is no model that can be used here."""

    code = "model.unusable"


class BadArchive(Invalid):
    """The archive cannot be unpacked safely."""

    code = "archive.unsafe"


class BadImage(Invalid):
    """The picture cannot be read."""

    code = "image.unreadable"

    def alone(self) -> BadImage:
        """The same without the calls that it came through: these hold the bytes of the file as long as it is kept."""
        return BadImage(self.message, code=self.code)


class BadDataset(Invalid):
    """The folder holds no usable dataset."""

    code = "dataset.unusable"


class Unauthenticated(TenfoldError):
    """Sign in first."""

    code = "unauthenticated"


class Forbidden(TenfoldError):
    """You are not allowed to do this."""

    code = "forbidden"


class TooLarge(TenfoldError):
    """This is larger than allowed."""

    code = "too-large"


class Busy(TenfoldError):
    """Too much is asked at once: try again in a moment."""

    code = "busy"

    def __init__(self, message: str | None = None, *, retry_after_s: int, code: str | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, code=code)


class StorageFull(TenfoldError):
    """There is no room left on the disk: free some, then try again."""

    code = "storage-full"


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that there is no room: the disk is full, a quota used up, or a file as large as allowed.

    Libraries that are not written in Python give the system's number in their text only, as `(os error 28)`.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        told = re.search(r"\(os error (\d+)\)", str(error))
        number = int(told[1]) if told else None
    return number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Damaged(TenfoldError):
    """Stored bytes do not match their recorded hash."""

    code = "damaged"


class Unavailable(TenfoldError):
    """A part that is needed is not available just now."""

    code = "unavailable"


class OutOfMemory(TenfoldError):
    """The device has not enough memory for this batch."""

    code = "out-of-memory"


class Diverged(TenfoldError):
    """The loss is no longer a finite number."""

    code = "diverged"
