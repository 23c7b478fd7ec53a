"""How the server and the process that runs a foreign graph talk, over two pipes.

The process begins with OK once the graph is loaded, or says why it is not. Then, as often as it is asked:

    request   N, C, H, W (uint32, little endian), then the images as float32
    answer    OK, N, K (uint32), then the probabilities as float32; or NO, a length (uint32), and a text
"""

from __future__ import annotations

import struct

OK, NO = b"+", b"-"
REQUEST = struct.Struct("<4I")
ANSWER = struct.Struct("<2I")
LENGTH = struct.Struct("<I")
MAX_TEXT = 1000


def refusal(text: str) -> bytes:
    """An answer that says why there is none."""
    told = text.encode("utf-8", "replace")[:MAX_TEXT]
    return NO + LENGTH.pack(len(told)) + told
