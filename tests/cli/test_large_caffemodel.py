"""A caffemodel larger than VGG-16's, sent to a real server whose memory is watched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from unit.caffe.caffe_texts import Chain, picture
from unit.caffe.caffe_weights import sized, varint

from ..server_process import Server

WIDTHS = {"fc6": (25_088, 4096), "fc7": (4096, 8192), "fc8": (8192, 4096)}
MARK = 7.5


def header(number: int, length: int) -> bytes:
    return varint(number << 3 | 2) + varint(length)


def write_sparse(file: BinaryIO) -> int:
    """Matrices of zeros that take no room on the disk, with a mark as their last value; the size of the file."""
    for name, (inputs, outputs) in WIDTHS.items():
        floats = 4 * inputs * outputs
        blob = sized(7, sized(1, varint(outputs) + varint(inputs))) + header(5, floats)
        layer = sized(1, name.encode()) + header(7, len(blob) + floats) + blob
        file.write(header(100, len(layer) + floats) + layer)
        file.seek(floats - 4, 1)
        file.write(np.array([MARK], "<f4").tobytes())
    return file.tell()


def own_memory(pid: int) -> int:
    """Bytes that a process holds beside the files that it has mapped."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))


class Watch(threading.Thread):
    """Remembers the most memory that a process held."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended = pid, threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._ended.wait(0.01):
            self.most = max(self.most, own_memory(self._pid))

    def end(self) -> int:
        self._ended.set()
        self.join()
        return self.most


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    running.start()
    with closing(running):
        yield running


@pytest.mark.campaign
def test_campaign_large_caffemodel(server: Server, tmp_path: Path) -> None:
    text, weights = tmp_path / "wide.prototxt", tmp_path / "wide.caffemodel"
    chain = Chain("wide", picture(512, 7))
    for name, (_, outputs) in WIDTHS.items():
        chain.dense(name, outputs, "bias_term: false")
    text.write_text(chain.text)
    with weights.open("wb") as file:
        size = write_sparse(file)
    pid = json.loads((server.data / "server.json").read_text())["pid"]
    before, watch = own_memory(pid), Watch(pid)
    watch.start()
    made = server.client.networks.import_files(text, weights=weights, name="wide")
    grown = watch.end() - before
    kept = next(server.data.glob("artifacts/**/model.safetensors"))
    print(f"\n{size / 1e6:.0f} MB: the server's own memory grew by {grown / 1e6:.0f} MB")
    assert made.imported is not None
    assert made.imported["weights"]["num_loaded"] == len(WIDTHS)
    stored = np.memmap(kept, np.uint8, "r")
    begin = 8 + int(stored[:8].view("<u8")[0])
    floats = stored[begin:].view("<f4")
    places = np.cumsum([inputs * outputs for inputs, outputs in WIDTHS.values()]) - 1
    assert floats.size == places[-1] + 1
    assert (floats[places] == MARK).all()
    assert np.count_nonzero(floats) == len(WIDTHS)
    assert grown < 100e6
