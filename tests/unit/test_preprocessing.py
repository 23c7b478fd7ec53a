"""Preprocessing is declared data: it survives JSON, and what is not allowed is named."""

import json

import numpy as np
import pytest

from tenfold.core.datasets.preprocessing import Decode, Preprocessing, Resize, Scale, image_preprocessing
from tenfold.core.errors import Invalid

RGB = image_preprocessing(width=20, height=10, channels=3, resize="fill", background=(1, 2, 3))


@pytest.mark.parametrize(
    "preprocessing",
    [
        RGB,
        image_preprocessing(width=28, height=28, channels=1),
        RGB.with_normalisation(mean=[0.5, 0.4, 0.3], std=[0.1, 0.2, 0.3]),
        Preprocessing((*RGB.operations, Scale())),
    ],
)
def test_json_round_trip(preprocessing):
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


def test_shape_is_height_width_channels():
    assert RGB.shape == (10, 20, 3)
    assert image_preprocessing(width=28, height=30, channels=1).shape == (30, 28, 1)


def changed(**changes):
    values = RGB.with_normalisation(mean=[0.5] * 3, std=[0.2] * 3).to_json()
    for where, value in changes.items():
        op, key = where.split("_", 1)
        next(item for item in values["operations"] if item["op"] == op)[key] = value
    return values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (changed(decode_mode="cmyk"), "decode.mode is 'cmyk'; allowed is grey, rgb"),
        (changed(decode_frame=1), "decode.frame"),
        (changed(decode_background=[1, 2]), "three numbers"),
        (changed(decode_background=[1, 2, 256]), "three numbers"),
        (changed(resize_width=0), "resize.width is 0"),
        (changed(resize_width=2.5), "resize.width is 2.5"),
        (changed(resize_mode=["crop"]), "resize.mode"),
        (changed(resize_filter="nearest"), "bilinear-antialias"),
        (changed(scale_divide_by=0), "divide_by"),
        (changed(normalise_std=[0.1, 0, 0.1]), "std is above 0"),
        (changed(normalise_mean=[float("nan")] * 3), "normalise.mean"),
        (changed(normalise_mean=[0.5]), "one number a channel, here 3"),
        (changed(decode_extra=1), "extra"),
        ({"version": 2, "operations": []}, "version is 2"),
        ({"version": 1}, "no list"),
        ({"version": 1, "operations": [{"op": []}]}, "no operation"),
        ({"version": 1, "operations": [{"op": "blur"}]}, "known are decode, resize"),
        ([], "version is None"),
    ],
)
def test_what_is_not_allowed_is_named(values, words):
    with pytest.raises(Invalid, match="preprocessing is not valid") as caught:
        Preprocessing.from_json(values)
    assert words in caught.value.message
    assert caught.value.code == "preprocessing.invalid"


def test_operations_stand_in_their_order():
    with pytest.raises(Invalid, match="decode, resize, scale, normalise"):
        Preprocessing((Resize(width=1, height=1), Decode(mode="rgb")))


def test_arrays_are_scaled_normalised_and_channels_first():
    images = np.arange(2 * 10 * 20 * 3, dtype=np.uint8).reshape(2, 10, 20, 3)
    arrays = RGB.with_normalisation(mean=[0.5, 0.25, 0.0], std=[0.5, 1, 2]).to_arrays(images)
    assert arrays.shape == (2, 3, 10, 20)
    assert arrays.dtype == np.float32
    assert arrays.flags.c_contiguous
    np.testing.assert_allclose(arrays[1, 0, 3, 4], (images[1, 3, 4, 0] / 255 - 0.5) / 0.5, rtol=1e-6)
    np.testing.assert_allclose(arrays[1, 2, 3, 4], images[1, 3, 4, 2] / 255 / 2, rtol=1e-6)
