"""What the doctor of a dataset shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenfold.interfaces.web.views.forms import FieldView
from tenfold.interfaces.web.views.home import Progress


@dataclass(frozen=True, kw_only=True)
class FindingView:
    """A finding. `fix_url` is where its fix is asked for, `show_url` where its pictures or files are."""

    sentence: str
    why: str
    is_bad: bool = False
    is_shown: bool = False
    fix_word: str = ""
    fix_url: str = ""
    show_word: str = ""
    show_url: str = ""


@dataclass(frozen=True, kw_only=True)
class DoctorView:
    """The findings of the last checkup, worst first; `good` is what was looked for in vain, `judged` says
    which models judged which labels.

    `notice` says what there is not: a checkup yet, or one that ended well. `next_number` is that of the revision that
    a fix makes. `models` may judge; `label_fields` are those of a search for wrong labels.
    """

    findings: tuple[FindingView, ...] = ()
    good: str = ""
    judged: str = ""
    checked_at: datetime | None = None
    progress: Progress | None = None
    notice: str = ""
    problem: str = ""
    check_url: str = ""
    stop_url: str = ""
    number: int = 1
    next_number: int = 2
    models: tuple[str, ...] = ()
    labels_url: str = ""
    label_fields: tuple[FieldView, ...] = ()
    label_problem: str = ""
