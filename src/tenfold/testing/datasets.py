"""The contracts of the dataset ports, as checks that a plug-in's own tests may call."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from tenfold.core.datasets.model import ImageFacts, RejectedFile
from tenfold.core.datasets.ports import ImageDecoder, Note, SampleSource, Skipped, SourceFile
from tenfold.core.datasets.preprocessing import image_preprocessing
from tenfold.core.errors import BadImage
from tenfold.testing.picture_files import encode, make_photo, with_orientation


@dataclass(frozen=True)
class Listing:
    """All that a source told, sorted."""

    files: tuple[SourceFile, ...]
    rejected: tuple[RejectedFile, ...]
    skipped: dict[str, int]
    notes: tuple[str, ...]

    @property
    def seen(self) -> int:
        return len(self.files) + len(self.rejected) + sum(self.skipped.values())


def listed(source: SampleSource, *, use_splits: bool = True) -> Listing:
    """Collects what a source tells of."""
    finds = list(source.finds(use_splits=use_splits))
    skipped: Counter[str] = Counter()
    for find in finds:
        if isinstance(find, Skipped):
            skipped[find.reason] += find.count
    return Listing(
        files=tuple(sorted((find for find in finds if isinstance(find, SourceFile)), key=lambda file: file.path)),
        rejected=tuple(sorted((find for find in finds if isinstance(find, RejectedFile)), key=lambda file: file.path)),
        skipped=dict(sorted(skipped.items())),
        notes=tuple(find.text for find in finds if isinstance(find, Note)),
    )


def check_sample_source(source: SampleSource, *, has_splits: bool) -> None:
    """A listing that is repeatable, and whose files can be read, twice alike."""
    listing = listed(source)
    assert listing == listed(source)
    paths = [file.path for file in listing.files]
    assert len(set(paths)) == len(paths)
    assert any(file.split for file in listing.files) == has_splits
    without = listed(source, use_splits=False)
    assert [file.path for file in without.files] == paths
    assert not any(file.split for file in without.files)
    assert all(source.read(path) == source.read(path) for path in paths[:5])
    with pytest.raises(BadImage) as caught:
        source.read("there/is none.png")
    assert caught.value.code == "file.vanished"
    assert len(list(source.finds(should_stop=lambda: True))) <= len(paths)


def check_image_decoder(decoder: ImageDecoder) -> None:
    """Facts and pixels of every kind of file, alone and in a batch; bad bytes named and harmless."""
    photo = make_photo(40, 24)
    files = [
        encode(photo),
        encode(photo, "JPEG"),
        encode(photo, "BMP"),
        encode(photo, "WEBP", lossless=True),
        encode(photo, "TIFF"),
        encode(photo[:, :, 0]),
        b"P5 40 24 255\n" + bytes(960),
        with_orientation(encode(make_photo(24, 40), "JPEG"), 6),
        b"",
        b"no picture",
        encode(photo)[:300],
    ]
    preprocessing = image_preprocessing(width=40, height=24, channels=3)
    out = np.empty((len(files), *preprocessing.shape), np.uint8)
    found = decoder.decode_many(files, preprocessing, out)
    for row, (data, item) in enumerate(zip(files, found, strict=True)):
        if isinstance(item, BadImage):
            with pytest.raises(BadImage) as caught:
                decoder.decode(data, preprocessing)
            assert (caught.value.code, caught.value.message) == (item.code, item.message)
        else:
            assert item == decoder.probe(data) == _facts(is_colour=row not in {5, 6})
            np.testing.assert_array_equal(out[row], decoder.decode(data, preprocessing))
    assert [isinstance(item, BadImage) for item in found] == [False] * 8 + [True] * 3
    for row in (0, 2, 3, 4):
        np.testing.assert_array_equal(out[row], photo)
    assert decoder.name


def _facts(*, is_colour: bool) -> ImageFacts:
    return ImageFacts(40, 24, is_colour=is_colour, channels=3 if is_colour else 1)
