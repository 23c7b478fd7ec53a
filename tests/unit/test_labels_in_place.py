"""Pictures used in place have labels of every kind, and are packed as an import would have packed them."""

import csv

import pytest

from tenfold.adapters.formats.importing.build import BuildPlaces, Working, build_revision
from tenfold.adapters.formats.in_place.reader import RevisionOpener
from tenfold.adapters.formats.in_place.registration import (
    PackingPlaces,
    RegistrationPlaces,
    pack_registered,
    register_revision,
)
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import open_source
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.layouts import source_choice
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.testing.picture_files import encode, make_photo

LABELS = {
    "class": lambda at: "xy"[at % 2],
    "classes": lambda at: "|".join(name for name, part in (("sea", 2), ("wood", 3), ("sky", 5)) if at % part == 0),
    "order": lambda at: ("low", "middle", "high")[at % 3],
    "number": lambda at: f"{at * 7 % 31 / 4}",
}


@pytest.mark.parametrize("kind", LABELS)
def test_a_registered_table_is_packed_as_it_would_have_been_imported(kind, tmp_path):
    root = tmp_path / "pictures"
    root.mkdir()
    with (root / "table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label", "patient", "weight"])
        for at in range(40):
            (root / f"{at:02d}.png").write_bytes(encode(make_photo(8, 8, seed=at)))
            rows.writerow([f"{at:02d}.png", LABELS[kind](at), f"p{at // 3}", 0.5 + at % 3])
    for name in ("one.work", "one", "two.work", "two", "built.work", "built", "source"):
        (tmp_path / name).mkdir()
    source = open_source(
        root, SourcePlaces(work=tmp_path / "source", allowed=root), source_choice({"label_kind": kind})
    )
    order = {"class_order": "low, middle, high"} if kind == "order" else {}
    spec = DatasetSpec(label_kind=kind, storage="in place", **order)
    working = Working(decoder=FastDecoder(), report=lambda *_: None, threads=1)
    places = RegistrationPlaces(work=tmp_path / "one.work", destination=tmp_path / "one", packed="two")
    register_revision(source, spec, places, working)
    registered = RevisionOpener(FastDecoder)(tmp_path / "one")
    told = [(r.path, r.split, r.label, r.classes, r.value, r.group, r.weight) for r in registered.records([*range(40)])]
    assert registered.label_facts.num_torn == 0
    at = PackingPlaces(work=tmp_path / "two.work", destination=tmp_path / "two", registered=tmp_path / "one")
    packed = pack_registered(spec, at, working, verified=lambda _: None)
    reader = open_revision(tmp_path / "two")
    found = [(r.path, r.split, r.label, r.classes, r.value, r.group, r.weight) for r in reader.records([*range(40)])]
    assert found == told
    assert reader.classes == registered.classes
    places = BuildPlaces(work=tmp_path / "built.work", destination=tmp_path / "built")
    built = build_revision(source, spec, places, decoder=FastDecoder(), report=lambda *_: None)
    assert packed.content == built.content
    assert packed.label_kind == registered.manifest.label_kind == kind
    assert packed.split_sizes == registered.manifest.split_sizes == built.split_sizes
