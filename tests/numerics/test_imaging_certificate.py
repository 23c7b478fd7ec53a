"""The certificate of the fast decoder: how near it comes to the reference on mixed photos."""

import numpy as np
import pytest
from real_photos import real_photos

from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.preprocessing import image_preprocessing
from tenfold.testing.picture_files import encode, make_photo, with_orientation

SIZES = [(500, 375), (375, 500), (640, 480), (97, 61)]


def files():
    for seed, (width, height) in enumerate(SIZES):
        photo = make_photo(width, height, seed=seed)
        yield f"420-{width}", encode(photo, "JPEG", quality=92, subsampling="4:2:0")
        yield f"444-{width}", encode(photo, "JPEG", quality=75, subsampling="4:4:4")
        yield f"progressive-{width}", encode(photo, "JPEG", quality=85, progressive=True)
        yield f"grey-{width}", encode(photo[:, :, 1], "JPEG", quality=90)
        yield f"png-{width}", encode(photo)
    yield "rgb-jpeg", encode(make_photo(300, 200), "JPEG", keep_rgb=True)
    yield "422-jpeg", encode(make_photo(301, 201), "JPEG", subsampling="4:2:2")
    for orientation in range(2, 9):
        yield f"orientation-{orientation}", with_orientation(encode(make_photo(120, 80), "JPEG"), orientation)
    yield "small-grey", encode(make_photo(31, 28)[:, :, 0])
    yield "small-rgb", encode(make_photo(31, 28))
    yield from real_photos().items()


FILES = dict(files())


@pytest.mark.parametrize("resize", ["squash", "crop", "fill", "half"])
@pytest.mark.parametrize("channels", [1, 3])
def test_at_least_70_db_on_mixed_photos(resize, channels):
    preprocessing = image_preprocessing(
        width=224, height=200, channels=channels, resize=resize, background=(250, 120, 3)
    )
    errors = []
    for name, data in FILES.items():
        fast, exact = (decoder.decode(data, preprocessing).astype(int) for decoder in (FastDecoder(), PillowDecoder()))
        assert np.abs(fast - exact).max() <= 2, name
        errors.append(np.mean((fast - exact) ** 2))
    assert 10 * np.log10(255**2 / np.mean(errors)) >= 70


@pytest.mark.parametrize("name", FILES)
def test_equal_where_nothing_is_resized(name):
    facts = PillowDecoder().probe(FILES[name])
    for channels in (1, 3):
        preprocessing = image_preprocessing(width=facts.width, height=facts.height, channels=channels)
        fast, exact = (decoder.decode(FILES[name], preprocessing) for decoder in (FastDecoder(), PillowDecoder()))
        np.testing.assert_array_equal(fast, exact)


@pytest.mark.parametrize("resize", ["squash", "crop", "fill", "half"])
def test_decoding_that_is_labelled_fast_is_the_same_in_both(resize):
    shape = {"width": 60, "height": 50, "channels": 3, "resize": resize}
    fast_decoding, exact_decoding = image_preprocessing(**shape, scaling="dct"), image_preprocessing(**shape)
    errors, changes = [], []
    for name, data in FILES.items():
        fast, reference = (
            decoder.decode(data, fast_decoding).astype(int) for decoder in (FastDecoder(), PillowDecoder())
        )
        assert np.abs(fast - reference).max() <= 2, name
        errors.append(np.mean((fast - reference) ** 2))
        changes.append(np.mean((reference - PillowDecoder().decode(data, exact_decoding)) ** 2))
    assert 10 * np.log10(255**2 / np.mean(errors)) >= 60  # what is made smaller by less than 2 is rounded more often
    assert 25 < 10 * np.log10(255**2 / np.mean(changes)) < 60  # it is another picture, and not by much
