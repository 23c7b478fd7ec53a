"""What a server needed for big pictures does not stay with it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import io, threading
import psutil
from PIL import Image
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.bootstrap.memory import give_back_large_blocks
from tenfold.core.datasets.preprocessing import Decode, Preprocessing, Resize

give_back_large_blocks()
stream = io.BytesIO()
Image.new("RGBA", (3000, 3000)).save(stream, "PNG")
wanted = Preprocessing((Decode(mode="rgb"), Resize(width=28, height=28)))
decoder, turns, together = PillowDecoder(), threading.Lock(), threading.Barrier(4)

def look():
    together.wait()
    for _ in range(2):
        with turns:
            decoder.decode(stream.getvalue(), wanted)
    together.wait()

before = psutil.Process().memory_info().rss
threads = [threading.Thread(target=look) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print((psutil.Process().memory_info().rss - before) >> 20)
"""


def test_threads_keep_nothing_of_the_pictures_that_they_decoded() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True)
    assert int(ended.stdout) < 20, "MB more than before; it is some hundred where the C library decides"
