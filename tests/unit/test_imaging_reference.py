"""What a picture means: orientation, transparency, depth, colour spaces, frames and limits, to the exact pixel."""

import io
import struct
import threading
import zlib
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from tenfold.adapters.imaging import reference
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import OneAtATime, PillowDecoder
from tenfold.core.datasets.preprocessing import Preprocessing, image_preprocessing
from tenfold.core.errors import BadImage
from tenfold.testing.picture_files import encode, make_photo, with_orientation

DECODERS = [PillowDecoder(), FastDecoder()]
each_decoder = pytest.mark.parametrize("decoder", DECODERS, ids=["reference", "fast"])


def saved(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def decode(decoder, data, size, channels=3, **about):
    return decoder.decode(data, image_preprocessing(width=size[0], height=size[1], channels=channels, **about))


@each_decoder
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(decoder, orientation):
    data = with_orientation(encode(make_photo(48, 32), "JPEG"), orientation)
    stored = np.asarray(Image.open(io.BytesIO(data)))
    meant = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(stored, 1),
    }[orientation]
    facts = decoder.probe(data)
    assert (facts.width, facts.height) == (meant.shape[1], meant.shape[0])
    np.testing.assert_array_equal(decode(decoder, data, (facts.width, facts.height)), meant)


@each_decoder
@pytest.mark.parametrize(("channels", "expected"), [(3, [[[255, 0, 0], [10, 20, 30], [132, 10, 15]]]), (1, None)])
def test_alpha_is_composited_on_the_background(decoder, channels, expected):
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [255, 0, 0, 128]]], np.uint8)
    found = decode(decoder, encode(pixels), (3, 1), channels, background=(10, 20, 30))
    if expected is None:
        assert found[0, 1, 0] == 18  # the background's brightness, not the hidden red's
    else:
        np.testing.assert_allclose(found, expected, atol=1)
        np.testing.assert_array_equal(found[0, :2], expected[0][:2])


@each_decoder
def test_a_transparent_palette_colour_shows_the_background(decoder):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    found = decode(decoder, saved(image, transparency=0), (2, 1), background=(1, 2, 3))
    np.testing.assert_array_equal(found, [[[1, 2, 3], [0, 255, 0]]])


@each_decoder
def test_16_bit_grey_is_scaled_not_clipped(decoder):
    values = np.array([[0, 257, 40000, 65535]], np.uint16)
    found = decode(decoder, saved(Image.fromarray(values)), (4, 1), channels=1)
    np.testing.assert_array_equal(found[0, :, 0], [0, 1, 156, 255])


@each_decoder
def test_a_transparent_16_bit_grey_shows_the_background(decoder):
    data = saved(Image.fromarray(np.array([[0, 40000]], np.uint16)))
    hidden = b"tRNS" + struct.pack(">H", 40000)
    chunk = struct.pack(">I", 2) + hidden + struct.pack(">I", zlib.crc32(hidden))
    found = decode(decoder, data[:33] + chunk + data[33:], (2, 1), channels=1, background=(9, 9, 9))
    np.testing.assert_array_equal(found[0, :, 0], [0, 9])


@each_decoder
def test_other_colour_spaces_become_rgb(decoder):
    photo = Image.fromarray(make_photo(24, 16))
    for image, kind in [
        (photo.convert("CMYK"), "JPEG"),
        (photo.quantize(16), "PNG"),
        (photo.convert("1"), "PNG"),
        (photo.convert("L"), "JPEG"),
        (photo, "BMP"),
        (photo, "TIFF"),
        (photo, "PPM"),
    ]:
        data = saved(image, kind)
        expected = Image.open(io.BytesIO(data)).convert("RGB")
        np.testing.assert_array_equal(decode(decoder, data, (24, 16)), expected, image.mode)
        difference = np.asarray(expected).astype(int) - np.asarray(image.convert("RGB"))
        assert np.abs(difference).mean() < 12, image.mode


@each_decoder
def test_of_an_animation_the_first_frame_counts(decoder):
    first, second = Image.new("RGB", (4, 4), (255, 0, 0)), Image.new("RGB", (4, 4), (0, 0, 255))
    data = saved(first, "GIF", save_all=True, append_images=[second])
    np.testing.assert_array_equal(decode(decoder, data, (4, 4))[0, 0], [255, 0, 0])


@each_decoder
def test_resize_modes(decoder):
    pixels = np.full((40, 20, 1), 200, np.uint8)
    pixels[10:30] = 10
    cropped = decode(decoder, encode(pixels), (4, 4), channels=1, resize="crop")
    assert (cropped == 10).all()
    squashed = decode(decoder, encode(pixels), (4, 4), channels=1, resize="squash")
    assert squashed[0, 0, 0] > 150
    assert (squashed == squashed[:, :1]).all()
    filled = decode(decoder, encode(pixels), (4, 4), channels=1, resize="fill", background=(7, 7, 7))
    assert (filled[:, [0, 3]] == 7).all()
    np.testing.assert_array_equal(filled[:, 1:3, 0], np.repeat(squashed[:, :1, 0], 2, axis=1))


@pytest.mark.parametrize(
    ("size", "mode", "box", "inner"),
    [
        ((100, 50), "squash", (0, 0, 100, 50), (10, 10)),
        ((100, 50), "crop", (25, 0, 75, 50), (10, 10)),
        ((50, 101), "crop", (0, 25, 50, 75), (10, 10)),
        ((100, 50), "fill", (0, 0, 100, 50), (10, 5)),
        ((1, 1000), "fill", (0, 0, 1, 1000), (1, 10)),
        ((100, 50), "half", (12, 0, 87, 50), (10, 7)),  # by 7.5, the mean of 10 and 5: 75 px stay of the width
        ((50, 100), "half", (0, 12, 50, 87), (7, 10)),
        ((20, 20), "half", (0, 0, 20, 20), (10, 10)),
        ((1, 1000), "half", (0, 249, 1, 750), (1, 10)),  # half of the height stays
    ],
)
def test_what_stays_of_a_picture_and_where(size, mode, box, inner):
    assert reference.placement(*size, {"width": 10, "height": 10, "mode": mode}) == (box, inner)


@each_decoder
def test_half_cuts_the_longer_side_and_fills_along_the_other(decoder):
    pixels = np.full((8, 24, 1), 100, np.uint8)
    pixels[:, :4], pixels[:, -4:] = 0, 0
    found = decode(decoder, encode(pixels), (8, 8), channels=1, resize="half", background=(255, 255, 255))[..., 0]
    np.testing.assert_array_equal(found[[0, 1, 6, 7]], 255)
    np.testing.assert_array_equal(found[2:6], 100)


def huge_png(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 9) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + body + bytes(9)


@each_decoder
@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "image.empty", "empty"),
        (b"this is text", "image.format", "known format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image.format", "known format"),
        (huge_png(20_000, 10_000), "image.too-many-pixels", "200 megapixels (20000 x 10000)"),
        (encode(make_photo(40, 40), "JPEG")[:400], "image.unreadable", ""),
        (encode(make_photo(40, 40), "JPEG")[:-200], "image.unreadable", "truncated"),
        (encode(make_photo(40, 40))[:-60], "image.unreadable", "truncated"),
        (encode(make_photo(40, 40))[:1000], "image.unreadable", ""),
        (saved(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"), "image.depth", "32 bits"),
    ],
)
def test_what_cannot_be_read_is_named(decoder, data, code, words):
    with pytest.raises(BadImage) as caught:
        decode(decoder, data, (8, 8))
    assert caught.value.code == code
    assert words in caught.value.message


@each_decoder
def test_one_bad_picture_leaves_the_others_alone(decoder):
    photo = make_photo(16, 12)
    preprocessing = image_preprocessing(width=16, height=12, channels=3)
    out = np.zeros((3, 12, 16, 3), np.uint8)
    first, second, third = decoder.decode_many([encode(photo), b"no picture", encode(photo)], preprocessing, out)
    assert (first.width, first.height, first.is_colour) == (16, 12, True)
    assert isinstance(second, BadImage)
    assert third == first
    np.testing.assert_array_equal(out[2], photo)
    np.testing.assert_array_equal(out[0], photo)


@each_decoder
def test_a_grey_palette_is_grey(decoder):
    assert not decoder.probe(saved(Image.new("L", (3, 3)).convert("P"))).is_colour
    assert decoder.probe(saved(Image.fromarray(make_photo(8, 8)).quantize(8))).is_colour


def test_a_server_may_read_smaller_pictures_only():
    strict, preprocessing = PillowDecoder(most_pixels=63), image_preprocessing(width=8, height=8, channels=3)
    picture = encode(make_photo(8, 8))
    with pytest.raises(BadImage, match="at most 0 are read") as caught:
        strict.decode(picture, preprocessing)
    assert caught.value.code == "image.too-many-pixels"
    assert isinstance(strict.decode_many([picture], preprocessing, np.zeros((1, 8, 8, 3), np.uint8))[0], BadImage)
    assert PillowDecoder(most_pixels=64).decode(picture, preprocessing).shape == (8, 8, 3)


class Held(Preprocessing):
    """Counts who decodes, and holds them until they are let go."""

    inside = threading.Semaphore(0)
    let_go = threading.Event()

    @property
    def is_plain(self):
        Held.inside.release()
        assert Held.let_go.wait(60)
        return super().is_plain


def test_a_server_holds_one_picture_at_a_time():
    plain = image_preprocessing(width=4, height=4, channels=3)
    held = Held(**{each.name: getattr(plain, each.name) for each in fields(plain)})
    decoder, data, found = OneAtATime(100), encode(make_photo(4, 4), "PNG"), []
    threads = [threading.Thread(target=lambda: found.append(decoder.decode(data, held))) for _ in range(2)]
    for each in threads:
        each.start()
    assert Held.inside.acquire(timeout=60)
    is_second_inside = Held.inside.acquire(timeout=0.3)
    Held.let_go.set()
    for each in threads:
        each.join()
    assert not is_second_inside
    np.testing.assert_array_equal(*found)
