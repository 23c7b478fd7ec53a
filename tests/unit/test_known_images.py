"""Every known picture means its pixels, to the reference and to the fast decoder, or is named."""

import numpy as np
import pytest
from known_images import BEHIND, KNOWN

from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.preprocessing import image_preprocessing
from tenfold.core.errors import BadImage

DECODERS = {"reference": PillowDecoder(), "fast": FastDecoder()}


def test_there_are_at_least_sixty():
    assert len(KNOWN) >= 60
    assert sum(isinstance(expected, str) for _, expected, _, _ in KNOWN.values()) >= 10


@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS)
@pytest.mark.parametrize("name", KNOWN)
def test_each_means_its_pixels_or_is_named(decoder, name):
    data, expected, atol, decode = KNOWN[name]
    if isinstance(expected, str):
        height, width, channels = 8, 8, decode.get("channels", 3)
    else:
        height, width, channels = np.shape(expected)
    about = {"background": BEHIND, "mode": "grey" if channels == 1 else "rgb", **decode}
    about.pop("channels", None)
    preprocessing = image_preprocessing(width=width, height=height, channels=channels, **about)
    if isinstance(expected, str):
        with pytest.raises(BadImage) as caught:
            decoder.decode(data, preprocessing)
        assert caught.value.code == expected
        return
    found = decoder.decode(data, preprocessing)
    assert found.dtype == preprocessing.dtype
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.astype(np.float64), np.asarray(expected, np.float64), rtol=0, atol=atol)
