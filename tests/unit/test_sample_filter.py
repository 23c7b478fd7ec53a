"""Samples are found by what they are, and a page is a page in whatever order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.adapters.formats.files.text_column import TextColumn, write_texts
from tenfold.adapters.formats.revisions.reader import RevisionFolder, open_revision
from tenfold.adapters.formats.revisions.sample_orders import KEPT, SampleOrders
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.marks import Marks
from tenfold.core.datasets.model import SampleRecord
from tenfold.core.errors import InvalidFields, NotFound
from tenfold.core.fields import fields_of, parse_spec
from tenfold.testing.revisions import CLASSES, write_revision

NUM = 500
ORDERS = next(field for field in fields_of(SampleFilter) if field.name == "sort").choices


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("revision")
    write_revision(made, NUM)
    splits = np.load(made / "splits.npy")
    splits[::50] = ~splits[::50]
    counts = [int((splits == code).sum()) for code in range(3)]
    np.save(made / "splits.npy", splits)
    values = json.loads((made / "manifest.json").read_text("utf-8"))
    values["counts"] = {name: [count, 0, 0, 0] for name, count in zip(("train", "val", "test"), counts, strict=True)}
    values["num_excluded"] = len(splits[::50])
    (made / "manifest.json").write_text(json.dumps(values), "utf-8")
    return made


@pytest.fixture(scope="module")
def reader(folder: Path) -> RevisionFolder:
    return open_revision(folder)


@pytest.fixture(scope="module")
def records(reader: RevisionFolder) -> list[SampleRecord]:
    return [reader.sample(index) for index in range(NUM)]


CASES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda r: r.split is not None),
    ({"split": "excluded"}, lambda r: r.split is None),
    ({"split": "val", "label": "cat"}, lambda r: (r.split, r.label) == ("val", 2)),
    ({"min_width": 100, "max_width": 900}, lambda r: r.split and 100 <= r.width <= 900),
    ({"max_height": 50}, lambda r: r.split and r.height <= 50),
    ({"min_bytes": 2**32}, lambda r: r.split and r.size_bytes >= 2**32),
    ({"min_width": 2**40}, lambda r: False),
    ({"max_width": 2**40}, lambda r: r.split is not None),
    ({"min_brightness": 0.5, "max_contrast": 0.3}, lambda r: r.split and r.brightness >= 0.5 and r.contrast <= 0.3),
    ({"text": "bee/img_00001"}, lambda r: r.split and "bee/img_00001" in r.path.lower()),
    ({"text": "7.PNG"}, lambda r: r.split and r.path.endswith("7.png")),
    ({"text": "ÄRGER"}, lambda r: r.split and r.label == 3),
    ({"text": "pngant"}, lambda r: False),
    ({"text": "x" * 200}, lambda r: False),
]


@pytest.mark.parametrize(("asked", "fits"), CASES, ids=[str(asked) for asked, _ in CASES])
def test_exactly_what_fits_is_found(
    reader: RevisionFolder, records: list[SampleRecord], asked: dict[str, Any], fits: Any
) -> None:
    expected = [index for index, record in enumerate(records) if fits(record)]
    assert reader.find(SampleFilter(**asked)).tolist() == expected


KEYS: dict[str, Any] = {
    "index": lambda index, record: index,
    "mixed": lambda index, record: index * 2_654_435_769 % 2**32,
    "path": lambda index, record: record.path.encode(),
    "label": lambda index, record: record.label,
    "split": lambda index, record: ("train", "val", "test").index(record.split),
    "width": lambda index, record: record.width,
    "height": lambda index, record: record.height,
    "bytes": lambda index, record: record.size_bytes,
    "brightness": lambda index, record: record.brightness,
    "contrast": lambda index, record: record.contrast,
}


@pytest.mark.parametrize("sort", [choice.value for choice in ORDERS if choice.value.strip("-") in KEYS])
def test_every_order_is_stable_and_its_pages_are_its_parts(
    reader: RevisionFolder, records: list[SampleRecord], sort: str
) -> None:
    key = KEYS[sort.removeprefix("-")]
    there = [(index, record) for index, record in enumerate(records) if record.split]
    expected = [index for index, _ in sorted(there, key=lambda each: key(*each), reverse=sort.startswith("-"))]
    wanted = SampleFilter(sort=sort)  # type: ignore[arg-type]
    assert reader.find(wanted).tolist() == expected
    seen: list[int] = []
    cursor, back = "", ["never"]
    while True:
        page = reader.page(wanted, cursor=cursor, limit=77)
        assert (page.first, page.total) == (len(seen), len(expected))
        assert page.before == (None if not seen else back[-1])
        back.append(cursor)
        seen += [item.index for item in page.items]
        cursor = page.after
        if not cursor:
            break
    assert seen == expected


def test_a_mixed_page_has_pictures_from_everywhere(reader: RevisionFolder) -> None:
    shown = np.sort(reader.find(SampleFilter(sort="mixed"))[:50])
    assert np.diff(shown).max() < 3 * NUM / 50


def test_the_next_page_skips_nothing_that_an_edit_took_from_the_one_before(folder: Path) -> None:
    """Ten of the first page leave the class; what follows still begins after the last that was seen."""
    reader = open_revision(folder)
    wanted = SampleFilter(label="cat", sort="label")
    first = reader.page(wanted, limit=20)
    rest = reader.page(wanted, cursor=first.after, limit=500)
    columns = {name: np.array(column) for name, column in reader._columns.items()}
    columns["labels"][[item.index for item in first.items[10:]]] = 0
    edited = SampleOrders(columns, reader._paths, CLASSES)
    order = edited.find(wanted)
    assert order[edited.place_after(first.after, order, "label") :].tolist() == [item.index for item in rest.items]


@pytest.mark.parametrize("cursor", ["x", "-1", "500", "3.1", "1.0", "²", "9" * 20, "1.", ".", "1.2.3"])
def test_a_cursor_of_ones_own_is_refused(reader: RevisionFolder, cursor: str) -> None:
    with pytest.raises(InvalidFields, match="This cursor is not one that a list gave"):
        reader.page(SampleFilter(), cursor=cursor)


def test_a_class_that_is_not_there_is_named(reader: RevisionFolder) -> None:
    with pytest.raises(NotFound, match="There is no class 'dog'") as error:
        reader.find(SampleFilter(label="dog"))
    assert error.value.code == "class.not-found"


def test_few_orders_are_remembered_and_none_can_be_written_to(reader: RevisionFolder) -> None:
    orders = SampleOrders(reader._columns, reader._paths, CLASSES)
    first = orders.find(SampleFilter(min_width=0))
    assert orders.find(SampleFilter(min_width=0)) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1
    for width in range(1, KEPT + 1):
        orders.find(SampleFilter(min_width=width))
    assert len(orders._known) == KEPT
    assert orders.find(SampleFilter(min_width=0)) is not first


def test_bounds_that_leave_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFields, match="From 9 to 3 finds nothing: turn them round") as error:
        parse_spec(SampleFilter, {"min_width": 9, "max_width": "3", "text": "x" * 201})
    assert [problem.field for problem in error.value.problems] == ["min_width", "text"]
    assert not SampleFilter(sort="-path").is_narrowing
    assert SampleFilter(max_contrast=0.2).is_narrowing


TEXTS = st.lists(st.text("abAB/äÄßΣσ0", max_size=20), min_size=1, max_size=40)


@given(texts=TEXTS, wanted=st.text("abAB/ä0", min_size=1, max_size=3))
def test_texts_are_found_and_ranked_as_python_does(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], wanted: str
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    write_texts(folder, "t", texts)
    column = TextColumn(folder, "t", num_texts=len(texts))
    assert column.containing(wanted).tolist() == [wanted.lower() in text.lower() for text in texts]
    ordered = sorted(text.encode() for text in texts)
    assert column.ranks(np.arange(len(texts))).tolist() == [ordered.index(text.encode()) for text in texts]


def test_long_texts_that_differ_at_their_end_are_ranked(tmp_path: Path) -> None:
    texts = ["a" * 100 + tail for tail in ("b", "", "a", "ba", "b")] + ["", "a" * 8, "a" * 16]
    write_texts(tmp_path, "t", texts)
    column = TextColumn(tmp_path, "t", num_texts=len(texts))
    assert column.ranks(np.arange(len(texts))).tolist() == [sorted(texts).index(text) for text in texts]


MARKED = Marks(key="of this", found=np.array([499, 3, 120, 50, 77, 204], np.int32))


def test_a_finding_is_a_filter_with_an_order_of_its_own(reader: RevisionFolder) -> None:
    """Sample 50 is excluded, and so are all fiftieth."""
    by_finding = SampleFilter(finding="duplicate", sort="finding")
    assert reader.find(by_finding, MARKED).tolist() == [499, 3, 120, 77, 204]
    assert reader.find(SampleFilter(finding="duplicate"), MARKED).tolist() == [3, 77, 120, 204, 499]
    assert reader.find(SampleFilter(finding="duplicate", split="excluded"), MARKED).tolist() == [50]
    others = Marks(key="of that", found=np.array([8], np.int32))
    assert reader.find(by_finding, others).tolist() == [8]
    first = reader.page(by_finding, limit=2, marks=MARKED)
    rest = reader.page(by_finding, cursor=first.after, limit=9, marks=MARKED)
    assert [[item.index for item in page.items] for page in (first, rest)] == [[499, 3], [120, 77, 204]]
    assert (rest.first, rest.after, rest.before) == (2, "", "")


def test_confidence_is_an_order_where_a_model_has_judged(reader: RevisionFolder) -> None:
    confidence = np.full(NUM, 0.9, np.float32)
    confidence[[8, 60, 120]] = (0.3, 0.1, 0.3)
    judged = Marks(key="judged", confidence=confidence)
    order = SampleFilter(sort="confidence")
    assert reader.find(order, judged)[:4].tolist() == [60, 8, 120, 1]
    assert reader.find(SampleFilter(sort="-confidence"), judged)[-3:].tolist() == [8, 120, 60]
    first = reader.page(order, limit=2, marks=judged)
    assert reader.page(order, cursor=first.after, limit=1, marks=judged).items[0].index == 120
    with pytest.raises(InvalidFields, match="No model has judged these pictures"):
        reader.find(order)


def test_a_finding_needs_a_checkup_and_a_cursor_of_it(reader: RevisionFolder) -> None:
    with pytest.raises(InvalidFields, match="let the dataset be checked first"):
        reader.find(SampleFilter(finding="blank"))
    with pytest.raises(InvalidFields, match="is not the last one"):
        reader.page(SampleFilter(finding="blank", sort="finding"), cursor="9", marks=MARKED)
    with pytest.raises(InvalidFields, match="Name the finding"):
        parse_spec(SampleFilter, {"sort": "finding"})
