"""Why a network of Python cannot be an ONNX file, in words for who wrote it: an exporter speaks of its own insides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument
from torch import nn

from tenfold.adapters.frameworks.torch.custom import forward_line
from tenfold.core.errors import Damaged
from tenfold.core.networks.custom import line_of, says, showable
from tenfold.core.networks.inspection import MAX_NAME, SourceProblem

_ON_VALUES = frozenset({"GuardOnDataDependentSymNode", "DataDependentOutputException"})
_NO_OPERATOR = re.compile(r"No ONNX function found for <OpOverload\(op='(?:\w+\.)?([\w.]+)'")
_MOST_CAUSES = 8


def why_not_exported(error: BaseException, module: nn.Module) -> SourceProblem:
    """What hinders, at the line of the source that it came from, else at that of the module's `forward`."""
    causes = list(_causes(error))
    line = next(filter(None, map(line_of, reversed(causes))), 0) or forward_line(module)
    operator = next((found[1] for each in causes if (found := _NO_OPERATOR.search(str(each)))), "")
    if operator:
        return SourceProblem(line, f"ONNX has no operator for `{operator}`: compute it of others.")
    if any(isinstance(each, InvalidArgument) for each in causes):
        text = "What it computes depends on how many pictures it is given at once, which an ONNX file cannot say."
        return SourceProblem(line, f"{text} Leave the size of the batch out of decisions.")
    if any(type(each).__name__ in _ON_VALUES for each in causes):
        text = "Which way it computes depends on the values in a picture, which an ONNX file cannot say."
        return SourceProblem(line, f"{text} Choose by torch.where, which computes both ways.")
    if isinstance(error, Damaged):
        text = "What its ONNX file computes is not what it computes: something in it is no operation of PyTorch"
        return SourceProblem(line, f"{text} that an exporter can see, as code of numpy or a random number.")
    innermost = says(causes[-1]).partition("\n")[0]
    return SourceProblem(line, f"PyTorch's exporter to ONNX cannot follow it: {showable(innermost)[:MAX_NAME]}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, the innermost last."""
    seen: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__
