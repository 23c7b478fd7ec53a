"""Pictures of every kind, made by code: each with the pixels that it means, or the code of its rejection."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image, ImageCms, features

from tenfold.testing.picture_files import encode, make_photo, with_orientation

KNOWN = {}
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
BEHIND = (10, 20, 30)
BEHIND_GREY = 18
PNG_START = b"\x89PNG\r\n\x1a\n"
PHOTO = make_photo(24, 16)
GREY = PHOTO[:, :, 1]
WIDE = np.random.default_rng(5).integers(0, 65536, (4, 6, 4), dtype=np.uint16)
NARROW = ((WIDE.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
FLOATS = np.random.default_rng(6).normal(5, 2, (4, 6, 3)).astype(np.float32)


def known(name, data, expected, *, atol=0, **decode):
    """A file; `expected` are pixels (H, W, C), or the code of the rejection as a text."""
    assert name not in KNOWN
    KNOWN[name] = (data, expected, atol, decode)


def saved(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def png(values, colour_type, *chunks, bits=16):
    """A PNG file of (H, W, C) numbers; `chunks` are pairs of name and content before the pixels."""
    height, width = values.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2" if bits == 16 else np.uint8).tobytes() for line in values)
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return PNG_START + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def luminance(rgb):
    red, green, blue = (rgb[..., place].astype(np.uint32) for place in range(3))
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)[..., None]


def on_background(values, alpha, full=255, background=BEHIND):
    share = alpha[..., None] / full
    return np.rint(values * share + np.array(background) * (full / 255) * (1 - share)).astype(values.dtype)


def solid(colour, mode="RGB", size=(4, 4)):
    return Image.new(mode, size, colour)


def block(colour, size=(4, 4)):
    return np.full((size[1], size[0], 3), colour, np.uint8)


# --- 8 bits, as they are
for kind, options in {"PNG": {}, "BMP": {}, "TIFF": {}, "PPM": {}, "WEBP": {"lossless": True}}.items():
    known(f"rgb.{kind}", encode(PHOTO, kind, **options), PHOTO)
for kind in ("PNG", "BMP", "TIFF", "PPM", "GIF"):
    known(f"grey.{kind}", encode(GREY, kind), GREY[..., None], mode="grey")
known("grey-in-colour.png", encode(GREY), np.repeat(GREY[..., None], 3, axis=2))
known("colour-in-grey.png", encode(PHOTO), luminance(PHOTO), mode="grey")
known("lzw.tiff", encode(PHOTO, "TIFF", compression="tiff_lzw"), PHOTO)
known("deflate.tiff", encode(PHOTO, "TIFF", compression="tiff_adobe_deflate"), PHOTO)
known("planes.tiff", tiff(PHOTO.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), PHOTO)
known("optimised.png", saved(Image.fromarray(PHOTO), optimize=True), PHOTO)
known("wrong-extension.jpg", encode(PHOTO, "PNG"), PHOTO)
known("black-on-white.tiff", tiff(GREY, photometric="miniswhite"), 255 - GREY[..., None], mode="grey")

# --- one bit and palettes
BITS = Image.fromarray(np.array([[0, 255, 255, 0]], np.uint8)).convert("1")
ONE_BIT = np.array([[BLACK, WHITE, WHITE, BLACK]], np.uint8)
known("one-bit.png", saved(BITS), ONE_BIT)
known("one-bit.tiff", saved(BITS, "TIFF", compression="group4"), ONE_BIT)
known("one-bit.bmp", saved(BITS, "BMP"), ONE_BIT)
known("one-bit.pbm", saved(BITS, "PPM"), ONE_BIT)
PALETTE = Image.new("P", (3, 1))
PALETTE.putpalette([*RED, *GREEN, *BLUE])
PALETTE.putpixel((1, 0), 1)
PALETTE.putpixel((2, 0), 2)
known("palette.png", saved(PALETTE), np.array([[RED, GREEN, BLUE]]))
known("palette.bmp", saved(PALETTE, "BMP"), np.array([[RED, GREEN, BLUE]]))
known("palette.tiff", saved(PALETTE, "TIFF"), np.array([[RED, GREEN, BLUE]]))
known("palette-one-hidden.png", saved(PALETTE, transparency=0), np.array([[BEHIND, GREEN, BLUE]]))
known(
    "palette-half-hidden.png",
    saved(PALETTE, transparency=b"\x00\x80\xff"),
    np.array([[BEHIND, (5, 138, 15), BLUE]]),
    atol=1,
)
known("palette-one-hidden.gif", saved(PALETTE, "GIF", transparency=1), np.array([[RED, BEHIND, BLUE]]))

# --- transparency
ALPHA = np.tile(np.array([0, 255, 128, 64], np.uint8), (16, 6))
known("alpha.png", encode(np.dstack([PHOTO, ALPHA])), on_background(PHOTO, ALPHA), atol=1)
known("alpha.tiff", encode(np.dstack([PHOTO, ALPHA]), "TIFF"), on_background(PHOTO, ALPHA), atol=1)
known(
    "alpha.webp",
    encode(np.dstack([PHOTO, ALPHA]), "WEBP", lossless=True, exact=True),
    on_background(PHOTO, ALPHA),
    atol=1,
)
known("hidden-red.png", encode(np.full((2, 2, 4), (255, 0, 0, 0), np.uint8)), block(BEHIND, (2, 2)))
GREY_ALPHA = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
known("grey-alpha.png", saved(GREY_ALPHA), on_background(np.repeat(GREY[..., None], 3, 2), ALPHA), atol=1)
known(
    "grey-alpha-in-grey.png",
    saved(GREY_ALPHA),
    on_background(GREY[..., None], ALPHA, background=[BEHIND_GREY]),
    atol=1,
    mode="grey",
)
known("one-colour-hidden.png", saved(solid(GREEN), transparency=GREEN), block(BEHIND))
known("one-grey-hidden.png", saved(solid(7, "L"), transparency=7), block(BEHIND))

# --- 16 bits, scaled to 8
known("16-bit-grey.png", png(WIDE[..., :1], 0), NARROW[..., :1], mode="grey")
known(
    "16-bit-grey-alpha.png",
    png(WIDE[..., :2], 4),
    on_background(NARROW[..., :1], NARROW[..., 1], background=[BEHIND_GREY]),
    mode="grey",
    atol=1,
)
known("16-bit-rgb.png", png(WIDE[..., :3], 2), NARROW[..., :3])
known("16-bit-rgba.png", png(WIDE, 6), on_background(NARROW[..., :3], NARROW[..., 3]), atol=1)
HIDDEN = np.where((np.arange(24).reshape(4, 6) == 0)[..., None], np.array(BEHIND), NARROW[..., :3])
known("16-bit-one-hidden.png", png(WIDE[..., :3], 2, (b"tRNS", WIDE[0, 0, :3].astype(">u2").tobytes())), HIDDEN)
for order, name in (("<", "little"), (">", "big")):
    known(f"16-bit-{name}.tiff", tiff(WIDE[..., :3], photometric="rgb", byteorder=order), NARROW[..., :3])
    known(f"16-bit-grey-{name}.tiff", tiff(WIDE[..., 0], byteorder=order), NARROW[..., :1], mode="grey")
known(
    "16-bit-deflate.tiff", tiff(WIDE[..., :3], photometric="rgb", compression="zlib", predictor=True), NARROW[..., :3]
)
known("16-bit.pgm", b"P5 6 4 65535\n" + WIDE[..., 0].astype(">u2").tobytes(), NARROW[..., :1], mode="grey")
PLANES = tiff(WIDE[..., :3].transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
known("16-bit-planes.tiff", PLANES, "image.depth")
known("32-bit-float.tiff", tiff(FLOATS[..., 0]), "image.depth")
known("32-bit-integer.tiff", tiff(WIDE[..., 0].astype(np.int32)), "image.depth")

# --- depth kept
known("kept-16-bit-rgb.png", png(WIDE[..., :3], 2), WIDE[..., :3], depth="uint16")
known("kept-16-bit-rgba.png", png(WIDE, 6), on_background(WIDE[..., :3], WIDE[..., 3], 65535), depth="uint16")
known("kept-16-bit-grey.png", png(WIDE[..., :1], 0), WIDE[..., :1], depth="uint16", mode="grey")
known("kept-16-bit-grey-in-colour.png", png(WIDE[..., :1], 0), np.repeat(WIDE[..., :1], 3, 2), depth="uint16")
known("kept-8-bit.png", encode(PHOTO), PHOTO.astype(np.uint16) * 257, depth="uint16")
known(
    "kept-8-bit-alpha.png",
    encode(np.dstack([PHOTO, ALPHA])),
    on_background(PHOTO, ALPHA).astype(np.uint16) * 257,
    depth="uint16",
    atol=257,
)
known("kept-16-bit.tiff", tiff(WIDE[..., :3], photometric="rgb"), WIDE[..., :3], depth="uint16")
known("kept-16-bit-planes.tiff", PLANES, WIDE[..., :3], depth="uint16")
known("kept-float.tiff", tiff(FLOATS[..., 0]), FLOATS[..., :1], depth="float32", mode="grey", range=(0, 9))
known("kept-float-rgb.tiff", tiff(FLOATS, photometric="rgb"), FLOATS, depth="float32", range=(0, 9))
known(
    "kept-integer.tiff",
    tiff(WIDE[..., 0].astype(np.int32)),
    WIDE[..., :1].astype(np.float32),
    depth="float32",
    mode="grey",
    range=(0, 9),
)
known("float-in-16-bits.tiff", tiff(FLOATS[..., 0]), "image.depth", depth="uint16", mode="grey")
known("not-a-number.tiff", tiff(np.full((3, 3), np.nan, np.float32)), "image.not-finite", depth="float32", range=(0, 9))

# --- all channels
known("two-channels.png", saved(GREY_ALPHA), np.dstack([GREY, ALPHA]), mode="all", channels=2)
known("four-channels.png", encode(np.dstack([PHOTO, ALPHA])), np.dstack([PHOTO, ALPHA]), mode="all", channels=4)
known(
    "four-inks.tiff",
    saved(Image.fromarray(np.dstack([PHOTO, ALPHA]), "CMYK"), "TIFF"),
    np.dstack([PHOTO, ALPHA]),
    mode="all",
    channels=4,
)
SEVEN = np.random.default_rng(7).integers(0, 256, (5, 6, 7), dtype=np.uint8)
known(
    "seven-channels.tiff", tiff(SEVEN, photometric="minisblack", planarconfig="contig"), SEVEN, mode="all", channels=7
)
SEVEN_PLANES = tiff(SEVEN.transpose(2, 0, 1), photometric="minisblack", planarconfig="separate")
known("seven-planes.tiff", SEVEN_PLANES, SEVEN, mode="all", channels=7)
known("seven-channels-in-colour.tiff", tiff(SEVEN, photometric="minisblack", planarconfig="contig"), "image.format")
known("three-of-four-channels.png", encode(PHOTO), "image.channels", mode="all", channels=4)
known(
    "12-channels-of-16-bits.tiff",
    tiff(np.tile(WIDE, 3), photometric="minisblack", planarconfig="contig"),
    np.tile(WIDE, 3),
    mode="all",
    channels=12,
    depth="uint16",
)

# --- colour spaces
INKS = np.array([[(0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 255), (0, 128, 255, 0)]], np.uint8)
OF_INKS = np.array([[WHITE, (0, 255, 255), BLACK, (255, 127, 0)]], np.uint8)
known("cmyk.tiff", saved(Image.fromarray(INKS, "CMYK"), "TIFF"), OF_INKS)
known("cmyk.jpg", saved(solid((0, 255, 255, 0), "CMYK", (16, 16)), "JPEG", quality=100), block(RED, (16, 16)), atol=2)
INVERTED = saved(solid((0, 255, 255, 0), "CMYK", (16, 16)), "JPEG", quality=100)
known("cmyk-without-adobe.jpg", INVERTED.replace(b"Adobe", b"adobe"), block(RED, (16, 16)), atol=2)
known(
    "lab.tiff",
    saved(Image.fromarray(np.full((3, 3, 3), (255, 0, 0), np.uint8), "LAB"), "TIFF"),
    block(WHITE, (3, 3)),
    atol=1,
)
known(
    "ycbcr.jpg",
    saved(solid((200, 30, 60), size=(16, 16)), "JPEG", quality=100, subsampling=0),
    block((200, 30, 60), (16, 16)),
    atol=2,
)
known(
    "rgb.jpg",
    saved(solid((200, 30, 60), size=(16, 16)), "JPEG", quality=100, keep_rgb=True),
    block((200, 30, 60), (16, 16)),
    atol=1,
)
known("grey.jpg", saved(solid(77, "L", (16, 16)), "JPEG", quality=100), block((77, 77, 77), (16, 16)))
known(
    "ycbcr.tiff",
    saved(solid((200, 30, 60), size=(16, 16)), "TIFF", compression="jpeg", quality=100),
    block((200, 30, 60), (16, 16)),
    atol=3,
)
for orientation, meant in {3: PHOTO[::-1, ::-1], 6: np.rot90(PHOTO, -1), 8: np.rot90(PHOTO, 1)}.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    known(f"orientation-{orientation}.png", saved(Image.fromarray(PHOTO), exif=exif), meant)
    known(f"orientation-{orientation}.webp", saved(Image.fromarray(PHOTO), "WEBP", lossless=True, exif=exif), meant)
    known(
        f"own-channels-{orientation}.jpg",
        with_orientation(encode(GREY, "JPEG", quality=100), orientation),
        np.rot90(
            np.asarray(Image.open(io.BytesIO(encode(GREY, "JPEG", quality=100)))), {3: 2, 6: -1, 8: 1}[orientation]
        )[..., None],
        mode="all",
        channels=1,
    )

# --- colour profiles
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
known("profile-ignored.png", saved(Image.fromarray(PHOTO), icc_profile=SRGB), PHOTO)
known("profile-srgb.png", saved(Image.fromarray(PHOTO), icc_profile=SRGB), PHOTO, atol=1, profile="srgb")
known("profile-broken.png", saved(Image.fromarray(PHOTO), icc_profile=b"no profile"), "image.profile", profile="srgb")
known("profile-broken-ignored.png", saved(Image.fromarray(PHOTO), icc_profile=b"no profile"), PHOTO)

# --- several frames: the first counts
FRAMES = {"save_all": True, "append_images": [solid(BLUE), solid(GREEN)]}
known("animated.gif", saved(solid(RED), "GIF", **FRAMES), block(RED))
known("animated.png", saved(solid(RED), "PNG", **FRAMES), block(RED))
known("animated.webp", saved(solid(RED), "WEBP", lossless=True, **FRAMES), block(RED))
known("pages.tiff", saved(solid(RED), "TIFF", **FRAMES), block(RED))
ANIMATED = ("animated.gif", "animated.png", "animated.webp", "pages.tiff")
if features.check("avif"):
    known(
        "avif.avif",
        saved(solid((200, 30, 60), size=(16, 16)), "AVIF", quality=100),
        block((200, 30, 60), (16, 16)),
        atol=3,
    )

# --- no pictures
known("empty.png", b"", "image.empty")
known("text.png", b"this is text", "image.format")
known("vector.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image.format")
known("half.png", encode(PHOTO)[: len(encode(PHOTO)) // 2], "image.unreadable")
known("half.jpg", encode(PHOTO, "JPEG")[:-80], "image.unreadable")
known("half.tiff", encode(PHOTO, "TIFF")[:-300], "image.unreadable")
known("half.gif", encode(PHOTO, "GIF")[:-300], "image.unreadable")
BOMB = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
known(
    "bomb.png",
    PNG_START + struct.pack(">I", 13) + BOMB + struct.pack(">I", zlib.crc32(BOMB)) + b"\0\0\0\x09IDAT" + bytes(9),
    "image.too-many-pixels",
)
known("heic.jpg", b"\0\0\0\x18ftypheic" + bytes(60), "image.format")
