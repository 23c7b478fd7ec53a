"""A network in Tenfold's own language with its weights as safetensors, as its download holds both."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from tenfold.adapters.formats.files.soundness import find_unsound
from tenfold.adapters.formats.files.tensor_file import Blocks, write_tensors
from tenfold.core.errors import BadNetwork
from tenfold.core.events import Json
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.importing import ForeignFile, ForeignFiles, ForeignNetwork
from tenfold.core.networks.matching import Loaded, match_weights
from tenfold.core.networks.problems import refused_text
from tenfold.core.networks.weights import WEIGHTS_FILE

SUFFIX = ".network"
_MOST_KEPT = 200
_MOST_SHOWN = 400
_PIECE = 1 << 22
_LENGTH = 8  # of the number with which a file begins
_MOST_HEADER = 8 << 20
_KINDS = frozenset({"F64", "F32", "F16"})


def read_own(files: ForeignFiles, is_late: Callable[[], bool]) -> ForeignNetwork:
    """A text without mistakes, and what of the weights beside it fits. Raises `BadNetwork`."""
    if files.solver is not None:
        text = f"{files.network.name} is a text in Tenfold's own language, and {files.solver.name} a solver of Caffe:"
        raise BadNetwork(
            f"{text} leave it out, a run's form says how it is trained.", code="network.solver", file="solver"
        )
    text = bytes(files.network.content).decode("utf-8", "replace")
    meaning = analyse(text, is_late=is_late)
    if meaning.graph is None:
        raise refused_text(meaning.problems)
    facts: dict[str, Json] = {
        "format": "tenfold",
        "file": files.network.name,
        "name": meaning.name,
        "unsupported": [],
        "num_unsupported": 0,
        "notes": [],
    }
    if files.weights is None:
        return ForeignNetwork(text=text, facts=facts)
    sent = files.weights
    with _opened(sent) as file:
        names: list[str] = file.keys()
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
        match = match_weights(meaning.graph, shapes, meaning.renamed)
        _require_numbers(sent, file, match)
        facts["notes"] = list(
            find_unsound(sent.name, {path: (shapes[name], _blocks(file, name)) for path, name in match.loaded.items()})
        )
    if not match.loaded:
        first = f", as it has {next(iter(shapes))[:_MOST_SHOWN]}" if shapes else ""
        text = (
            f"{sent.name}: nothing in it fits the network, which has {next(iter(_wanted(match)), 'no weights')}{first}."
        )
        raise BadNetwork(text, code="weights.unfit", file="weights")
    facts["weights"] = _counts(sent, match)
    return ForeignNetwork(text=text, facts=facts, write_weights=_writer(sent, match, shapes))


@contextmanager
def _opened(sent: ForeignFile) -> Iterator[Any]:  # Any: the library's reader has no types
    """The file as safetensors, which the library reads from the disk alone. Raises `BadNetwork`."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415  the server rarely needs it

    content = memoryview(sent.content)
    if len(content) > _LENGTH and int.from_bytes(content[:_LENGTH], "little") > _MOST_HEADER:
        text = f"{sent.name} is no file of safetensors that names its tensors in {_MOST_HEADER >> 20} MB."
        raise BadNetwork(text, code="weights.damaged", file="weights")
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as copy:
        for start in range(0, len(content), _PIECE):
            copy.write(content[start : start + _PIECE])
        copy.flush()
        try:
            with safe_open(copy.name, framework="np") as file:
                yield file
        except (SafetensorError, ValueError) as error:
            text = f"{sent.name} is no file of safetensors: {str(error)[:200]}. Other files of weights may hold code"
            raise BadNetwork(f"{text} and are not read.", code="weights.damaged", file="weights") from None


def _require_numbers(sent: ForeignFile, file: Any, match: Loaded) -> None:
    for name in match.loaded.values():
        kind = file.get_slice(name).get_dtype()
        if kind not in _KINDS:
            text = (
                f"{sent.name}: {name[:_MOST_SHOWN]} holds {kind}; F16, F32 and F64 are read: save it as one of these."
            )
            raise BadNetwork(text, code="weights.numbers", file="weights")


def _writer(sent: ForeignFile, match: Loaded, shapes: Mapping[str, tuple[int, ...]]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with _opened(sent) as file:
            wanted = {path: shapes[name] for path, name in match.loaded.items()}
            write_tensors(
                folder / WEIGHTS_FILE,
                wanted,
                lambda path: _blocks(file, match.loaded[path]),
            )

    return write


def _blocks(file: Any, name: str) -> Blocks:
    yield file.get_tensor(name).astype(np.float32, copy=False)


def _wanted(match: Loaded) -> Sequence[str]:
    return [*match.missing, *(each.path for each in match.unfit)]


def _counts(sent: ForeignFile, match: Loaded) -> dict[str, Json]:
    unfit = [each.path for each in match.unfit]
    named = {"missing": match.missing, "unexpected": match.unexpected, "unfit": unfit}
    counts: dict[str, Json] = {f"num_{word}": len(names) for word, names in named.items()}
    lists = {word: [name[:_MOST_SHOWN] for name in names[:_MOST_KEPT]] for word, names in named.items()}
    return {"file": sent.name, "num_loaded": len(match.loaded), **counts, **cast("dict[str, Json]", lists)}
