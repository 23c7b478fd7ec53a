"""Datasets of 16 and 32 bits and of many channels: what is stored, shown, measured and given to a network."""

import io
import json

import numpy as np
import pytest
import tifffile
from known_images import ANIMATED, KNOWN
from PIL import Image

from tenfold.adapters.formats.importing.arrays import ImportArrays
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.reader import open_revision
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.spec import DatasetSpec


def imported(source, target, **spec):
    target.mkdir()
    work = target.with_name(f"{target.name}.work")
    work.mkdir(exist_ok=True)
    places = BuildPlaces(work=work, destination=target)
    told = {"decoder": FastDecoder(), "report": lambda *_: None, "threads": 2}
    assert build_revision(ImageFolder(source), DatasetSpec(**spec), places, **told) is not None
    return open_revision(target)


def write_tiffs(root, values, **options):
    """Two classes of TIFF files, one picture (H, W, C) each."""
    for number, value in enumerate(values):
        folder = root / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / f"{number:03d}.tiff", value, **options)
    return root


def training_pictures(reader):
    return reader.pictures("train", np.arange(len(reader.labels("train"))))


@pytest.fixture
def wide(tmp_path):
    values = np.random.default_rng(1).integers(1000, 3000, (20, 6, 8), dtype=np.uint16)
    return write_tiffs(tmp_path / "wide", values), values


def test_sixteen_bits_are_kept_where_asked_for(wide, tmp_path):
    folder, values = wide
    reader = imported(folder, tmp_path / "out", depth="keep")
    reader.verify()
    stored = training_pictures(reader)
    assert stored.dtype == np.uint16
    assert {picture.tobytes() for picture in stored} <= {value.tobytes() for value in values}
    assert reader.manifest.pixels[0].dtype == "uint16"
    assert reader.span == 65535
    np.testing.assert_allclose(reader.mean, stored.mean() / 65535, rtol=1e-9)
    np.testing.assert_allclose(reader.std, [max(stored.std() / 65535, 1 / 255)], rtol=1e-6)
    assert any("Depth 16 bits: 20 of 20" in note for note in reader.manifest.notes)
    arrays = Preprocessing.from_json(reader.preprocessing).to_arrays(stored)
    assert abs(arrays.mean()) < 1e-3


def test_an_edit_keeps_the_type_of_the_pixels(wide, tmp_path):
    reader = imported(wide[0], tmp_path / "out", depth="keep")
    (tmp_path / "edited").mkdir()
    derive_revision(tmp_path / "out", tmp_path / "edited", Edit(Change(action="exclude"), (0,)))
    edited = open_revision(tmp_path / "edited")
    assert edited.manifest.num_excluded == 1
    np.testing.assert_array_equal(training_pictures(edited), training_pictures(reader)[1:])


def test_without_asking_sixteen_bits_become_eight(wide, tmp_path):
    folder, values = wide
    stored = training_pictures(imported(folder, tmp_path / "out"))
    assert stored.dtype == np.uint8
    expected = np.round(values / 257).astype(np.uint8)
    assert {picture.tobytes() for picture in stored} <= {value.tobytes() for value in expected}


def test_a_thumbnail_of_sixteen_bits_is_stretched(wide, tmp_path):
    reader = imported(wide[0], tmp_path / "out", depth="keep")
    shown = np.asarray(Image.open(io.BytesIO(reader.thumbnail(0))))
    assert (shown.dtype, shown.min(), shown.max()) == (np.uint8, 0, 255)


def test_what_fills_a_thumbnail_does_not_darken_it(wide, tmp_path):
    reader = imported(wide[0], tmp_path / "out", depth="keep", resize="fill", width=8, height=16)
    shown = np.asarray(Image.open(io.BytesIO(reader.thumbnail(0))))
    assert (shown[[0, -1]] == 255).all()
    assert 60 < np.median(shown[6:10]) < 200


def test_floats_have_the_range_of_the_data_and_keep_their_numbers(tmp_path):
    values = np.random.default_rng(2).normal(0, 5, (20, 6, 8)).astype(np.float32)
    reader = imported(write_tiffs(tmp_path / "in", values), tmp_path / "out", depth="keep")
    stored = training_pictures(reader)
    assert stored.dtype == np.float32
    assert {picture.tobytes() for picture in stored} <= {value.tobytes() for value in values}
    low, high = reader.manifest.preprocessing.decode.range
    assert (low, high) == (values.min(), values.max())
    assert any("(black)" in note and "(white)" in note for note in reader.manifest.notes)
    np.testing.assert_allclose(reader.std[0], stored.std() / (high - low), rtol=1e-5)
    np.testing.assert_allclose(reader.mean_image() is not None, True)


def test_many_channels_go_in_together(tmp_path):
    values = np.random.default_rng(3).integers(0, 256, (20, 6, 8, 7), dtype=np.uint8)
    folder = write_tiffs(tmp_path / "in", values, photometric="minisblack", planarconfig="contig")
    (folder / "a" / "grey.png").write_bytes(KNOWN["grey.PNG"][0])
    reader = imported(folder, tmp_path / "out", colour="all", width=8, height=6)
    assert reader.input_shape == (7, 6, 8)
    assert [(file.path, file.code) for file in reader.rejected()] == [("a/grey.png", "image.channels")]
    assert Image.open(io.BytesIO(reader.thumbnail(0))).mode == "RGB"


def test_the_mean_picture_is_that_of_the_training_split(tmp_path):
    values = np.random.default_rng(4).integers(0, 256, (40, 5, 4, 3), dtype=np.uint8)
    folder = write_tiffs(tmp_path / "in", values, photometric="rgb")
    (folder / "a" / "000.tiff").write_bytes(b"")
    (folder / "b" / "001.tiff").write_bytes(b"")  # what is lost moves others between the splits
    reader = imported(folder, tmp_path / "out", validation_share=30)
    found = np.load(tmp_path / "out" / "mean.npy")
    np.testing.assert_allclose(found, training_pictures(reader).mean(axis=0), rtol=1e-6)
    shown = np.asarray(Image.open(io.BytesIO(reader.mean_image())))
    np.testing.assert_array_equal(shown, np.rint(found).astype(np.uint8))
    assert "mean.npy" in {file.name for file in reader.manifest.files}


class Counted(ImageFolder):
    reads = 0

    def read(self, path):
        self.reads += 1
        return super().read(path)


@pytest.mark.parametrize("depth", ["8bit", "keep"])
def test_an_import_that_is_stopped_and_goes_on_gives_the_same_bytes(tmp_path, depth, monkeypatch):
    monkeypatch.setattr("tenfold.adapters.formats.importing.preparation.BATCH_BYTES", 1)
    values = np.random.default_rng(9).integers(0, 65536, (70, 4, 5), dtype=np.uint16)
    folder = write_tiffs(tmp_path / "in", values)
    whole = imported(folder, tmp_path / "whole", depth=depth)
    target = tmp_path / "halved"
    target.mkdir()
    (tmp_path / "halved.work").mkdir()
    places = BuildPlaces(work=tmp_path / "halved.work", destination=target)
    told = {"decoder": FastDecoder(), "report": lambda *_: None}
    source = Counted(folder)
    spec = DatasetSpec(depth=depth)
    stopped = build_revision(source, spec, places, should_stop=lambda: source.reads > 90, **told)
    assert stopped is None
    with ImportArrays(
        places.work, capacity=70, shape=(4, 5, 1), dtype=np.uint8 if depth == "8bit" else np.uint16
    ) as arrays:
        assert 0 < arrays.num_reached() < 70
    assert build_revision(ImageFolder(folder), spec, places, **told) is not None
    again = open_revision(target)
    assert json.dumps(again.manifest.to_json()) == json.dumps(whole.manifest.to_json())


def test_the_room_for_pixels_is_of_their_depth(tmp_path):
    with ImportArrays(tmp_path, capacity=3, shape=(2, 2, 1), dtype=np.float32) as arrays:
        assert arrays.row_bytes == 16
        values = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
        facts = np.concatenate([block for _, block in arrays.facts()])
        arrays.write(0, values, facts)
        np.testing.assert_array_equal(arrays.pictures(np.array([2, 0])), values[[2, 0]])


def test_known_images_go_through_one_import(tmp_path):
    """All that is read as 8-bit colour, accepted or rejected by the code that each is known for."""
    plain = {
        name: (data, expected)
        for name, (data, expected, _, decode) in KNOWN.items()
        if not decode.keys() - {"mode"} and decode.get("mode") != "all"
    }
    folder = tmp_path / "in"
    for number, (name, (data, _)) in enumerate(plain.items()):
        path = folder / "ab"[number % 2] / f"{number:03d}-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    reader = imported(folder, tmp_path / "out", colour="rgb", width=8, height=8, smallest_side=1)
    expected_codes = {name: expected for name, (_, expected) in plain.items() if isinstance(expected, str)}
    found = {file.path.partition("-")[2]: file.code for file in reader.rejected(limit=500)}
    assert found == expected_codes
    assert reader.manifest.seen == len(plain)
    assert f"{len(ANIMATED)} pictures have more than one frame: the first is used." in reader.manifest.notes


@pytest.mark.parametrize(("low", "high", "is_dim"), [(500, 3500, True), (0, 65_535, False), (20_000, 40_000, False)])
def test_sixteen_bits_in_eight_tell_their_range_and_what_is_lost(tmp_path, low, high, is_dim):
    values = [np.linspace(low, high, 64).astype(np.uint16).reshape(8, 8) for _ in range(6)]
    notes = imported(write_tiffs(tmp_path / "in", values), tmp_path / "out").manifest.notes
    (told,) = [note for note in notes if "16 bits" in note]
    assert f"their values go from {low:,} to {high:,} of 65,535." in told
    assert ("choose" in told or "with the depth As in the files" in told) == is_dim
    kept = imported(tmp_path / "in", tmp_path / "kept", depth="keep").manifest.notes
    assert not any("stored in 8" in note for note in kept)
