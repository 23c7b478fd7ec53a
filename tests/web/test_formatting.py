"""Numbers as people read them; the browser's twin gives the same texts."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from web.scripts import NODE, SOURCES

from tenfold.interfaces.web import formatting

NOW = datetime(2026, 11, 21, 13, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00041, "410 µs"),
        (0.041, "41 ms"),
        (4.1, "4.1 s"),
        (42.3, "42 s"),
        (72, "1 min 12 s"),
        (520, "8 min 40 s"),
        (124, "2 min 04 s"),
        (1140, "19 min"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_have_two_parts_at_most(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "out_of", "text"),
    [(0.9917, 10_000, "99.17"), (0.9134, 367, "91.3"), (0.87, 40, "87"), (0.5, None, "50.00")],
)
def test_an_accuracy_has_as_many_digits_as_its_test_set_can_tell(share: float, out_of: int | None, text: str) -> None:
    assert formatting.percent(share, out_of) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.02724, "0.0272"), (13.06, "13.1"), (0.0, "0"), (-0.0009, "−0.000900"), (float("nan"), "infinite")],
)
def test_a_loss_has_three_significant_digits(value: float, text: str) -> None:
    assert formatting.significant(value) == text


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 B"), (1_724_320, "1.7 MB"), (54_880_000, "55 MB"), (540e9, "540 GB")]
)
def test_bytes_are_in_si_units(size: float, text: str) -> None:
    assert formatting.data_size(size) == text


@pytest.mark.parametrize(
    ("number", "text"), [(950, "950"), (431_080, "431 k"), (61_100_840, "61.1 M"), (999_900, "1 M")]
)
def test_large_counts_are_short(number: int, text: str) -> None:
    assert formatting.short_count(number) == text


def test_times_of_today_need_no_day() -> None:
    assert formatting.clock(NOW, NOW, UTC) == "13:40"
    assert formatting.clock(NOW - timedelta(days=1), NOW, UTC) == "20 Nov 13:40"
    assert formatting.clock(NOW - timedelta(days=400), NOW, UTC) == "17 Oct 2025"


def test_counts_agree_with_their_nouns() -> None:
    assert formatting.plural(1, "class", "classes") == "1 class"
    assert formatting.plural(3670, "picture") == "3,670 pictures"


VALUES = [
    0.00041,
    0.0009996,
    0.041,
    0.12,
    0.99,
    0.9999,
    1.0,
    4.1,
    9.94,
    9.96,
    59.6,
    72,
    124,
    599.4,
    600,
    3599,
    12_000,
    187_200,
]
SIZES = [0, 12, 999, 1000, 1_724_320, 9_949_999, 9_960_000, 54_880_000, 999_600_000, 5.4e11]
LOSSES = [0.0, 0.02724, 0.00012, 0.00009, 1.0, 13.06, 99.96, 1234.6, 2_000_000.0, -0.0009]


def test_the_browser_writes_the_same_numbers() -> None:
    script = f"""
        import {{ bytes, count, duration, significant }} from {json.dumps((SOURCES / "format.js").as_uri())};
        const lists = [{VALUES}.map(duration), {SIZES}.map(bytes), {LOSSES}.map(significant), {SIZES}.map(count)];
        console.log(JSON.stringify(lists));
    """
    told = subprocess.run([*NODE, "--input-type=module", "--eval", script], capture_output=True, check=True, text=True)
    assert json.loads(told.stdout) == [
        [formatting.duration(value) for value in VALUES],
        [formatting.data_size(value) for value in SIZES],
        [formatting.significant(value) for value in LOSSES],
        [formatting.count(value) for value in SIZES],
    ]
