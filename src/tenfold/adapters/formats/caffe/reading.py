"""A Caffe network with its solver and its weights, as what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from tenfold.adapters.formats.caffe.caffemodel import ImportedWeights, place_blobs, read_caffemodel
from tenfold.adapters.formats.caffe.network_import import CaffeNetwork, import_network
from tenfold.adapters.formats.caffe.solver import CaffeSolver, read_solver
from tenfold.adapters.formats.files.soundness import find_unsound
from tenfold.adapters.formats.files.tensor_file import Blocks, write_tensors
from tenfold.core.errors import BadNetwork
from tenfold.core.events import Json
from tenfold.core.networks.importing import ForeignFile, ForeignFiles, ForeignNetwork, NetworkImport
from tenfold.core.networks.weights import WEIGHTS_FILE

_MOST_KEPT = 200
_MOST_SHOWN = 200


def read_caffe(files: ForeignFiles, wanted: NetworkImport, is_late: Callable[[], bool]) -> ForeignNetwork:
    """Fulfils `tenfold.core.networks.importing.NetworkReader` for prototxt, solver and caffemodel."""
    network = import_network(
        bytes(files.network.content), input_shape=wanted.input_shape, classes=wanted.classes, is_late=is_late
    )
    facts = _facts(files.network, network)
    solver = _solver(files.solver, is_late)
    weights = _weights(files.weights, network)
    if weights is not None and files.weights is not None:
        facts["weights"] = _weight_facts(files.weights, weights)
        facts["notes"] = _texts([*find_unsound(files.weights.name, _values(weights)), *network.notes])
    training = {"batch_size": network.batch_size} if network.batch_size else {}
    has_tensors = weights is not None and bool(weights.tensors)
    return ForeignNetwork(
        text=network.text,
        facts=facts,
        training={**training, **(solver.fields if solver is not None else {})},
        unsaid=_unsaid(solver),
        write_weights=_writer(weights) if weights is not None and has_tensors else None,
    )


def _solver(file: ForeignFile | None, is_late: Callable[[], bool]) -> CaffeSolver | None:
    if file is None:
        return None
    try:
        return read_solver(bytes(file.content), is_late)
    except BadNetwork as error:
        raise BadNetwork(f"{file.name}: {error.message}", code=error.code, file="solver", **error.values) from None


def _weights(file: ForeignFile | None, network: CaffeNetwork) -> ImportedWeights | None:
    if file is None:
        return None
    try:
        return place_blobs(network, read_caffemodel(file.content))
    except BadNetwork as error:
        raise BadNetwork(f"{file.name}: {error.message}", code=error.code, file="weights", **error.values) from None


def _unsaid(solver: CaffeSolver | None) -> tuple[str, ...]:
    if solver is None:
        return ()
    if solver.max_iter is None:
        return solver.unsaid
    many = f"{solver.iter_size} batches" if solver.iter_size > 1 else "one batch"
    steps = f"`max_iter` is {solver.max_iter:,} steps of {many}: a training counts epochs of its dataset."
    return (*solver.unsaid, steps)


def _facts(file: ForeignFile, network: CaffeNetwork) -> dict[str, Json]:
    """What the file said that the text does not."""
    unsupported = [
        {"line": each.line, "name": each.name[:_MOST_SHOWN], "type": each.type[:_MOST_SHOWN], "why": each.why}
        for each in network.unsupported
    ]
    return {
        "format": "caffe",
        "file": file.name,
        "name": network.name[:_MOST_SHOWN],
        "unsupported": cast("Json", unsupported[:_MOST_KEPT]),
        "num_unsupported": len(unsupported),
        "notes": _texts(network.notes),
        "preprocessing": cast("Json", {**asdict(network.preprocessing), "mean_values": _means(network)}),
        "losses": cast("Json", [asdict(loss) for loss in network.losses[:_MOST_KEPT]]),
    }


def _means(network: CaffeNetwork) -> list[float]:
    return [*network.preprocessing.mean_values[:_MOST_KEPT]]


def _weight_facts(file: ForeignFile, weights: ImportedWeights) -> dict[str, Json]:
    return {
        "file": file.name,
        "num_loaded": len(weights.tensors),
        "num_missing": len(weights.missing),
        "num_unexpected": len(weights.unexpected),
        "num_unfit": len(weights.unfit),
        "missing": _texts(weights.missing),
        "unexpected": _texts(weights.unexpected),
        "unfit": _texts(weights.unfit),
    }


def _values(weights: ImportedWeights) -> dict[str, tuple[tuple[int, ...], Blocks]]:
    return {path: (shape, weights.tensors.blocks(path)) for path, shape in weights.tensors.shapes.items()}


def _texts(found: Sequence[str]) -> list[Json]:
    """The first of many, each cut to what can be shown."""
    return [each[: 2 * _MOST_SHOWN] for each in found[:_MOST_KEPT]]


def _writer(weights: ImportedWeights) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_tensors(folder / WEIGHTS_FILE, weights.tensors.shapes, weights.tensors.blocks)

    return write
