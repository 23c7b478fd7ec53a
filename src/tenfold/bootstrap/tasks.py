"""The tasks, and the dotted names under which frameworks are found."""

from __future__ import annotations

import importlib
from typing import Any

from tenfold.core.training.task import Task
from tenfold.tasks.classification.task import Classification

TASKS: dict[str, Task] = {"classification": Classification()}
FRAMEWORK = "torch"
BACKEND = "tenfold.adapters.frameworks.torch.backend:TorchBackend"
WARM_UP = "tenfold.adapters.frameworks.torch.warm:warm_up"
FAST_DECODER = "tenfold.adapters.imaging.fast:FastDecoder"
PREDICTOR = "tenfold.adapters.runtimes.onnxruntime:OnnxPredictor"
JUDGE = "tenfold.adapters.frameworks.torch.judge:TorchJudge"
ONNX_EXPORT = "tenfold.adapters.frameworks.torch.onnx_export:export_onnx"


def find(dotted: str) -> Any:
    """What stands under `module:attribute`."""
    module, _, attribute = dotted.partition(":")
    return getattr(importlib.import_module(module), attribute)
