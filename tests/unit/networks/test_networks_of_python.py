"""Networks of Python as texts, of which nothing is executed here."""

from __future__ import annotations

from tenfold.core.networks.custom import HEADER, as_python, is_python


def test_a_source_is_known_by_its_first_line_alone() -> None:
    assert as_python("x = 1\n") == f"{HEADER}\nx = 1\n"
    assert as_python(f"{HEADER}  \nx = 1\n") == f"{HEADER}  \nx = 1\n"
    assert as_python(" \n") == " \n"
    assert not is_python(f"\n{HEADER}\n")


def test_the_mark_that_some_editors_put_first_is_left_out() -> None:
    assert as_python("\ufeffx = 1\n") == f"{HEADER}\nx = 1\n"
    assert as_python(f"\ufeff{HEADER}\nx = 1\n") == f"{HEADER}\nx = 1\n"
