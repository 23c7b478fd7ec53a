"""Pictures used in place: registered by name, size and time, read where they lie, checked and packed behind."""

import os
import shutil

import numpy as np
import pytest

from tenfold.adapters.formats.importing.build import BuildPlaces, Working, build_revision
from tenfold.adapters.formats.in_place.reader import RevisionOpener
from tenfold.adapters.formats.in_place.registration import (
    AT_ONCE,
    NO_FILES,
    PackingPlaces,
    RegistrationPlaces,
    pack_registered,
    register_revision,
)
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import open_source
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.bootstrap.origins import Origins
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.layouts import SourceChoice
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset, Damaged
from tenfold.testing.pictures import write_shapes
from tenfold.worker.toolbox import BuildFolders

OPEN = RevisionOpener(FastDecoder)
SPEC = DatasetSpec(storage="in place", width=20, height=20)


class Kept:
    """A data folder with what a registration and its packing make of a folder of pictures."""

    def __init__(self, home, spec=SPEC):
        self.home, self.spec = home, spec
        self.pictures = home / "pictures"
        self.told = []

    def folder(self, name):
        path = self.home / name
        path.mkdir(exist_ok=True)
        return path

    def working(self, **about):
        return Working(**{"decoder": FastDecoder(), "report": lambda *_: None, "threads": 2, **about})

    def source(self, path=None):
        places = SourcePlaces(work=self.folder("source.work"), allowed=self.home)
        return open_source(path or self.pictures, places, SourceChoice())

    def asked_for(self, path=None, **source):
        """The source as an import job on a server opens it."""
        told = {"folder": str(path or self.pictures), **source}
        about = {"dataset": "d", "dataset_name": "d", "task": "classification", "revision": "r", "spec": {}}
        job = ImportJob(**about, source=told, roots=[str(self.home)])
        work = self.folder("source.work")
        return Origins(job, BuildFolders(data=self.home, work=work, staged=work), lambda: False, print).open()

    def register(self, path=None, source=None):
        places = RegistrationPlaces(work=self.folder("one.work"), destination=self.folder("one"), packed="two")
        assert register_revision(source or self.source(path), self.spec, places, self.working()) is not None
        return OPEN(self.home / "one")

    def pack(self, **about):
        staged = self.folder("staged")
        places = PackingPlaces(work=self.folder("two.work"), destination=staged, registered=self.home / "one")
        made = pack_registered(self.spec, places, self.working(**about), verified=self.told.append)
        if made is None:
            return None
        staged.rename(self.home / "two")
        return OPEN(self.home / "two")


@pytest.fixture
def kept(tmp_path):
    write_shapes(tmp_path / "pictures", per_class=30)
    return Kept(tmp_path)


def pictures_of(reader):
    return {split: reader.pictures(split, np.arange(len(reader.labels(split)))) for split in ("train", "val", "test")}


def assert_same_pictures(one, other):
    for split, pictures in pictures_of(one).items():
        np.testing.assert_array_equal(pictures, pictures_of(other)[split], err_msg=split)


def test_registered_packed_and_imported_pictures_are_the_same_bytes(kept):
    one = kept.register()
    assert not one.is_packed
    assert one.manifest.num_samples == 90
    assert not (kept.home / "one" / "pixels.npy").exists()
    before = pictures_of(one)
    two = kept.pack()
    two.verify()
    assert kept.told == [0]
    assert (one.is_packed, two.is_packed) == (True, True)
    plain = kept.folder("plain")
    places = BuildPlaces(work=kept.folder("plain.work"), destination=plain)
    build_revision(kept.source(), kept.spec, places, decoder=FastDecoder(), report=lambda *_: None)
    imported = OPEN(plain)
    for split, pictures in before.items():
        np.testing.assert_array_equal(pictures, pictures_of(two)[split])
        np.testing.assert_array_equal(one.labels(split), two.labels(split))
    assert_same_pictures(one, two)
    assert_same_pictures(two, imported)
    assert two.manifest.content == imported.manifest.content
    assert two.manifest.statistics == imported.manifest.statistics
    assert [two.sample(at) for at in range(90)] == [imported.sample(at) for at in range(90)]


def test_a_reader_that_was_open_goes_on_with_packed_pictures(kept):
    one = kept.register()
    before = pictures_of(one)
    kept.pack()
    shutil.rmtree(kept.pictures)
    for split, pictures in pictures_of(one).items():
        np.testing.assert_array_equal(pictures, before[split])


def test_what_cannot_be_read_is_black_in_place_and_left_out_when_packed(kept):
    broken = kept.pictures / "bar" / "0003.png"
    broken.write_bytes(broken.read_bytes()[:60])
    one = kept.register()
    at = [record.path for record in map(one.sample, range(90))].index("bar/0003.png")
    split = one.sample(at).split
    place = int(np.flatnonzero(one.indices(split) == at)[0])
    assert not one.pictures(split, np.array([place])).any()
    two = kept.pack()
    assert kept.told == [0]
    assert not one.pictures(split, np.array([place])).any()
    assert two.manifest.num_samples == 89
    assert [file.path for file in two.manifest.rejected] == ["bar/0003.png"]
    assert two.manifest.seen == one.manifest.seen == 90
    others = [one.sample(index) for index in range(90) if index != at]
    assert [(each.path, each.label, each.split) for each in others] == [
        (each.path, each.label, each.split) for each in map(two.sample, range(89))
    ]


@pytest.mark.parametrize("how", ["content", "time", "removed", "link"])
def test_a_file_that_was_touched_is_named_and_never_read_as_if_nothing_was(kept, how):
    touched = kept.pictures / "bar" / "0003.png"
    one = kept.register()
    record = next(one.sample(index) for index in range(90) if one.sample(index).path == "bar/0003.png")
    places = np.arange(len(one.labels(record.split)))
    one.pictures(record.split, places)
    if how == "content":
        facts = touched.stat()
        touched.write_bytes(touched.read_bytes() + b"x")
        os.utime(touched, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    elif how == "time":
        os.utime(touched)
    else:
        touched.unlink()
    if how == "link":
        outside = kept.home.parent / "outside.png"
        outside.write_bytes(b"secret")
        touched.symlink_to(outside)
    with pytest.raises(Damaged, match=r"bar/0003\.png was changed or removed since it was registered"):
        one.pictures(record.split, places)
    two = kept.pack()
    assert kept.told == [1]
    assert [file.path for file in two.manifest.rejected] == ["bar/0003.png"]
    with pytest.raises(Damaged, match=r"bar/0003\.png"):
        one.pictures(record.split, places)


def test_packing_that_was_stopped_goes_on_where_it_was(kept):
    write_shapes(kept.pictures, per_class=2 * AT_ONCE)
    kept.register()
    looks = iter([False] * 4)
    assert kept.pack(should_stop=lambda: next(looks, True)) is None
    verified = (kept.home / "two.work" / "verified.bin").stat().st_size // 32
    assert 0 < verified < 6 * AT_ONCE
    read = []
    source = kept.source().files.root
    two = kept.pack(report=lambda done, total: read.append((done, total)))
    assert read[0][0] == verified // AT_ONCE * AT_ONCE
    assert two.manifest.num_samples == 6 * AT_ONCE
    two.verify()
    assert source == str(kept.pictures)


def test_a_list_and_a_table_of_files_can_be_used_in_place(kept):
    files = sorted(kept.pictures.glob("*/*.png"))
    table = kept.home / "birds.csv"
    table.write_text(
        "path,label\n" + "".join(f"pictures/{each.parent.name}/{each.name},{each.parent.name}\n" for each in files)
    )
    one = kept.register(table)
    two = kept.pack()
    assert_same_pictures(one, two)


def test_a_table_that_names_missing_files_is_packed_in_the_order_it_was_registered(kept):
    files = sorted(kept.pictures.glob("*/*.png"))
    rows = [f"pictures/{each.parent.name}/{each.name},{each.parent.name}\n" for each in files]
    for each in files[::4]:
        each.unlink()
    table = kept.home / "birds.csv"
    table.write_text("path,label\n" + "".join(rows))
    one = kept.register(table)
    before = pictures_of(one)
    two = kept.pack()
    assert dict(two.manifest.rejected_by_code) == {"file.vanished": len(files[::4])}
    for split, pictures in before.items():
        np.testing.assert_array_equal(pictures, pictures_of(two)[split])
        np.testing.assert_array_equal(pictures, pictures_of(one)[split])
    kept_records = range(one.manifest.num_samples)
    assert [one.sample(at).path for at in kept_records] == [two.sample(at).path for at in kept_records]


def test_pictures_within_files_cannot_be_used_in_place(kept):
    np.savez(kept.home / "all.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    with pytest.raises(BadDataset) as caught:
        kept.register(kept.home / "all.npz")
    assert caught.value.message == NO_FILES


def test_what_was_rejected_or_skipped_when_registered_is_told_once_more_when_packed(kept):
    (kept.pictures / "bar" / "notes.txt").write_text("no picture")
    (kept.pictures / "bar" / "old.heic").write_bytes(b"heic")
    one = kept.register()
    two = kept.pack()
    assert dict(two.manifest.skipped_by_reason) == dict(one.manifest.skipped_by_reason) == {"no picture": 1}
    assert dict(two.manifest.rejected_by_code) == {"image.format": 1}
    assert two.manifest.seen == one.manifest.seen == 92
    assert not any("black" in note for note in two.manifest.notes)


def test_a_folder_can_be_used_in_place_where_the_web_is_allowed(kept):
    one = kept.register(source=kept.asked_for(web=True, internal_hosts=[]))
    assert one.manifest.num_samples == 90
    assert_same_pictures(one, kept.pack())


def test_addresses_of_the_web_stay_out_of_a_table_that_is_used_in_place(kept):
    files = [f"pictures/{each.parent.name}/{each.name},{each.parent.name}" for each in kept.pictures.glob("*/*.png")]
    table = kept.home / "birds.csv"
    table.write_text("\n".join(["path,label", "https://pictures.example/1.png,bar", *files]))
    one = kept.register(source=kept.asked_for(table, web=True, internal_hosts=[]))
    assert (one.manifest.num_samples, dict(one.manifest.rejected_by_code)) == (90, {"file.address": 1})
    assert "choose the storage Packed first" in one.manifest.rejected[0].message


def test_folders_for_validation_and_testing_that_lie_elsewhere_are_used_in_place(kept):
    for name, seed in (("later", 2), ("last", 3)):
        write_shapes(kept.home / name, per_class=5, seed=seed)
    apart = {"val_folder": str(kept.home / "later"), "test_folder": str(kept.home / "last")}
    one = kept.register(source=kept.asked_for(**apart))
    assert {split: one.manifest.split_size(split) for split in ("train", "val", "test")} == {
        "train": 90,
        "val": 15,
        "test": 15,
    }
    assert one.sample(0).path.startswith("train/")
    before = pictures_of(one)
    two = kept.pack()
    two.verify()
    for split, pictures in before.items():
        np.testing.assert_array_equal(pictures, pictures_of(two)[split])
    plain = kept.folder("plain")
    places = BuildPlaces(work=kept.folder("plain.work"), destination=plain)
    build_revision(kept.asked_for(**apart), kept.spec, places, decoder=FastDecoder(), report=lambda *_: None)
    assert two.manifest.content == OPEN(plain).manifest.content


def test_a_changed_file_of_a_split_that_lies_elsewhere_is_noticed(kept):
    write_shapes(kept.home / "later", per_class=5, seed=2)
    one = kept.register(source=kept.asked_for(val_folder=str(kept.home / "later")))
    touched = kept.home / "later" / "bar" / "0000.png"
    touched.write_bytes(touched.read_bytes() + b"more")
    with pytest.raises(Damaged, match=r"val/bar/0000\.png was changed"):
        pictures_of(one)
