"""Takes a foreign model in: reads the file, runs it, and writes the same graph with our input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from tenfold.adapters.foreign_models.bounds import opset_of, read_model
from tenfold.adapters.foreign_models.seen import Ends, look, num_parameters
from tenfold.adapters.foreign_models.wrapping import with_our_input, with_our_output
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadModel, InvalidFields, Problem
from tenfold.core.inference.importing import MAX_CLASSES, ForeignModel, ModelImport, told
from tenfold.core.inference.ports import GraphTrier, TrialGraph

_SUMS_TO_1 = 1e-3
_ALIKE = 1e-3
Output = Literal["probabilities", "logits"]


def take_in(source: Path, wanted: ModelImport, target: Path, *, try_graph: GraphTrier) -> ForeignModel:
    """Writes the model to `target`, which takes images (N, C, H, W) and gives probabilities (N, K).

    Raises `BadModel` for a file that cannot be used, `InvalidFields` for what it leaves open. `try_graph` runs it.
    """
    model = read_model(source.read_bytes())
    ends = look(model, wanted)
    channels, height, width = ends.sizes
    images = _trial_images(wanted.preprocessing(width, height, channels))
    rows, batch = _raw_rows(model, ends, images, try_graph)
    classes = _num_classes(rows[0], ends)
    flat = np.stack([row.reshape(-1) for row in rows]).astype(np.float32)
    if not np.isfinite(flat).all():
        text = "For a black picture or for noise it gives what is no number (NaN or infinite)."
        raise BadModel(text, code="model.not-numbers")
    output, says_output = _output(flat, ends, wanted)
    ours = with_our_input(model, ends, batch=batch)
    with_our_output(ours, ends, classes=classes, is_flat=rows[0].ndim == 1, add_softmax=output == "logits")
    trial = try_graph(ours.SerializeToString())
    _require_same(trial, images, flat if output == "probabilities" else _softmax(flat))
    target.write_bytes(ours.SerializeToString())
    return ForeignModel(
        width=width,
        height=height,
        channels=channels,
        layout=ends.layout,
        classes=classes,
        output=output,
        says_output=says_output,
        batch=batch,
        parameters=num_parameters(model),
        num_nodes=len(model.graph.node),
        opset=opset_of(model),
        producer=told(f"{model.producer_name} {model.producer_version}".strip()),
        input=told(ends.input),
    )


def _trial_images(preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """Three pictures as the model is given them: black, and two of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (2, *preprocessing.shape), np.uint8)
    return preprocessing.to_arrays(np.concatenate([np.zeros_like(noise[:1]), noise]))


def _raw_rows(
    model: ModelProto, ends: Ends, images: npt.NDArray[np.float32], try_graph: GraphTrier
) -> tuple[list[npt.NDArray[Any]], int]:
    """What the graph gives for each picture, and how many it takes at a time: 0 for any number, else 1."""
    graph = try_graph(with_our_input(model, ends, batch=ends.batch).SerializeToString())
    found = [graph.run(image[None]) for image in images]
    for each in found:
        if each.ndim < 2 or each.shape[0] != 1 or each.shape != found[0].shape:
            raise _no_vector(ends, each.shape)
    rows = [each[0] for each in found]
    return rows, ends.batch or _try_all(graph, images, rows)


def _try_all(graph: TrialGraph, images: npt.NDArray[np.float32], rows: list[npt.NDArray[Any]]) -> int:
    """0 where the pictures have together the outputs that they have alone, else 1: a file may say more than it does."""
    try:
        together = graph.run(images)
    except BadModel as error:
        if error.code in {"model.slow", "model.memory"}:
            raise
        return 1
    alone = np.stack(rows)
    is_same = together.shape == alone.shape and np.allclose(together, alone, rtol=_ALIKE, atol=_ALIKE, equal_nan=True)
    return 0 if is_same else 1


def _num_classes(row: npt.NDArray[Any], ends: Ends) -> int:
    if sum(size != 1 for size in row.shape) > 1:
        raise _no_vector(ends, (1, *row.shape))
    if row.size == 1:
        text = "It gives one number a picture; a number for each class is needed, of two classes or more."
        raise BadModel(text, code="model.one-class")
    if not 2 <= row.size <= MAX_CLASSES:
        raise BadModel(f"It gives {row.size:,} numbers a picture; 2 to {MAX_CLASSES:,} classes are read.")
    return row.size


def _no_vector(ends: Ends, shape: tuple[int, ...]) -> BadModel:
    found = " x ".join(map(str, shape[:8])) or "one number"
    text = f"Its output {told(ends.output)} for one picture is {found}, not 1 x classes: it does not classify pictures."
    return BadModel(text, code="model.no-vector")


def _output(rows: npt.NDArray[np.float32], ends: Ends, wanted: ModelImport) -> tuple[Output, str]:
    """What the output is, and by what that is known."""
    sums = rows.sum(1)
    are_probabilities = bool((rows >= -_SUMS_TO_1).all() and (np.abs(sums - 1) <= _SUMS_TO_1).all())
    if wanted.output == "logits":
        return "logits", "as was said"
    if are_probabilities:
        says = "it ends in a softmax" if ends.ends_in == "Softmax" else "its numbers add up to 1"
        return "probabilities", "as was said" if wanted.output == "probabilities" else says
    if wanted.output == "probabilities" or ends.ends_in == "Softmax":
        text = f"Its numbers add up to {sums[-1]:.4g} for a picture of noise, not to 1: they are no probabilities of"
        raise InvalidFields([Problem("output", f"{text} classes. Choose logits if they are the values before.")])
    return "logits", "its numbers do not add up to 1"


def _softmax(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers = np.exp(rows - rows.max(1, keepdims=True))
    found: npt.NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return found


def _require_same(graph: TrialGraph, images: npt.NDArray[np.float32], rows: npt.NDArray[np.float32]) -> None:
    """The graph that was written says what the one that came said, also when it is asked again."""
    for image, row in zip([*images, images[-1]], [*rows, rows[-1]], strict=True):
        found = graph.run(image[None])
        if found.shape != (1, len(row)) or not np.allclose(found[0], row, atol=_ALIKE):
            text = "It gives something else each time that it is run: such a model cannot be used."
            raise BadModel(text, code="model.not-repeatable")
