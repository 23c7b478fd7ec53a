"""The contracts of the dataset ports, over every adapter."""

import numpy as np

from tenfold.adapters.formats.files.idx import FILES, IdxSource
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.testing.datasets import check_image_decoder, check_sample_source
from tenfold.testing.picture_files import write_class_folders


def test_the_reference_decodes():
    check_image_decoder(PillowDecoder())


def test_the_fast_decoder_decodes():
    check_image_decoder(FastDecoder())


def test_a_folder_is_a_source(tmp_path):
    check_sample_source(ImageFolder(write_class_folders(tmp_path / "p", {"a": 4, "b": 3})), has_splits=False)


def test_a_folder_with_splits_is_a_source(tmp_path):
    for split in ("train", "test"):
        write_class_folders(tmp_path / "p" / split, {"a": 4, "b": 3})
    check_sample_source(ImageFolder(tmp_path / "p"), has_splits=True)


def test_idx_files_are_a_source(tmp_path):
    for images, labels in FILES.values():
        head = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (12, 5, 4))
        (tmp_path / images).write_bytes(head + bytes(240))
        digits = np.arange(12, dtype=np.uint8) % 10
        (tmp_path / labels).write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 12]) + digits.tobytes())
    check_sample_source(IdxSource(tmp_path), has_splits=True)
