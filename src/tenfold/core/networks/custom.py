"""Networks of Python: a text that says so on its first line is a file with a module, which workers alone execute.

The server never parses, imports or compiles such a text. It is for what the network language cannot say.
"""

from __future__ import annotations

import re
import traceback

from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.problems import NetworkProblem

HEADER = "# language python 1"
SOURCE_NAME = "network.py"
"""What the text is called in tracebacks and in a download."""
DECIDED = ("classes", "channels", "input_shape")
"""Arguments of a constructor that the dataset decides: how many classes, and the shape of its pictures."""
MAX_MESSAGE = 800
_MOST_CAUSES = 8
_NAMED = re.compile(rf'File "{re.escape(SOURCE_NAME)}", line (\d{{1,6}})')
TITLE = "Written in Python"


def is_python(text: str) -> bool:
    """Whether a text is a network of Python."""
    return text.partition("\n")[0].rstrip() == HEADER


def as_python(text: str) -> str:
    """A text as one of Python: its first line says so. A blank one stays blank; a mark of its encoding is left out."""
    text = text.removeprefix("\ufeff")
    return text if is_python(text) or not text.strip() else f"{HEADER}\n{text}"


def meaning_of_python(text: str) -> Analysis:
    """What can be known of such a text without executing it: nothing but what it is."""
    message = "This network is written in Python: it is inspected and trained in a worker, and has no layers to edit."
    end = text.find("\n") if "\n" in text else len(text)
    problem = NetworkProblem(
        code="network.python",
        message=message,
        line=1,
        column=1,
        end_line=1,
        end_column=end + 1,
        start=0,
        end=end,
    )
    return Analysis(
        name="", title=TITLE, graph=None, problems=(problem,), warnings=(), parameters=(), inputs=(), pretrained=()
    )


def line_of(error: BaseException) -> int:
    """The innermost line of the network's own source that an error, or its cause, came through; 0 for none.

    A library that looks into the source, as an exporter does, names the line in its text.
    """
    seen: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if seen is None:
            break
        if isinstance(seen, SyntaxError) and seen.filename == SOURCE_NAME:
            return seen.lineno or 0
        frames = traceback.walk_tb(seen.__traceback__)
        lines = [number for frame, number in frames if frame.f_code.co_filename == SOURCE_NAME]
        if lines:
            return lines[-1]
        seen = seen.__cause__ or seen.__context__
    named = _NAMED.findall(str(error))
    return int(named[-1]) if named else 0


def says(error: BaseException) -> str:
    """An error of a network's own code, in a line: its kind and what it says."""
    about = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = type(error).__name__
    text = f"{kind}: {about}" if about else kind
    return showable(text)[:MAX_MESSAGE]


def showable(text: str) -> str:
    """A text of a network's own code without what no file can hold: halves of characters become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
