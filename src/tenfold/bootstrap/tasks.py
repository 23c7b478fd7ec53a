"""The tasks, and the dotted names under which frameworks are found."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from tenfold.core.training.task import Task
from tenfold.tasks.classification.task import Classification

TASKS: dict[str, Task] = {"classification": Classification()}
OWN_FRAMEWORK = "torch"
DEVICE_MEMORY = "tenfold.adapters.frameworks.torch.device_memory:DeviceMemory"
FAST_DECODER = "tenfold.adapters.imaging.fast:FastDecoder"
PREDICTOR = "tenfold.adapters.runtimes.onnxruntime:OnnxPredictor"
WALK = "tenfold.adapters.frameworks.torch.walking:walk_layers"
INSPECT = "tenfold.adapters.frameworks.torch.custom_layers:inspect_custom"
ANSWER = "tenfold.adapters.runtimes.answering:answer"
TRIAL = "tenfold.adapters.runtimes.trial:Trial"
APART = "tenfold.adapters.runtimes.apart:ApartPredictor"
TAKE_IN = "tenfold.adapters.foreign_models.taking_in:take_in"
LOAD_COMPILER = "tenfold.adapters.frameworks.torch.warm:load_compiler"
TRY_EXPORT = "tenfold.adapters.frameworks.torch.custom_layers:try_export"
JUDGE = "tenfold.adapters.frameworks.torch.judge:TorchJudge"
CONVERT_WEIGHTS = "tenfold.adapters.frameworks.torch.weight_files:convert_weights"
CUSTOM_EXPORT = "tenfold.adapters.frameworks.torch.onnx_export:export_custom"
ONNX = "onnx"
ONNX_WRITE = "tenfold.adapters.export.onnx.writer:write_model"
ONNX_EXPORT = "tenfold.adapters.frameworks.torch.onnx_export:export_onnx"
ONNX_CHECK = "tenfold.adapters.frameworks.torch.onnx_check:check_onnx"


@dataclass(frozen=True, kw_only=True)
class FrameworkParts:
    """What a worker takes from a framework, by dotted name, and the packages whose versions decide the bits."""

    backend: str
    warm_up: str
    packages: tuple[str, ...]
    decoder: str


PARTS: dict[str, FrameworkParts] = {
    OWN_FRAMEWORK: FrameworkParts(
        backend="tenfold.adapters.frameworks.torch.backend:TorchBackend",
        warm_up="tenfold.adapters.frameworks.torch.warm:warm_up",
        packages=("torch", "numpy"),
        decoder=FAST_DECODER,
    ),
    "keras": FrameworkParts(
        backend="tenfold.adapters.frameworks.keras.backend:KerasBackend",
        warm_up="tenfold.adapters.frameworks.keras.warm:warm_up",
        packages=("keras", "tensorflow-cpu", "numpy"),
        decoder="tenfold.adapters.imaging.pillow:PillowDecoder",
    ),
}


def find(dotted: str) -> Any:
    """What stands under `module:attribute`."""
    module, _, attribute = dotted.partition(":")
    return getattr(importlib.import_module(module), attribute)
