"""The layers of a module that is no layer graph: by a symbolic trace, else by watching one run of it."""

from __future__ import annotations

import operator
import tempfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn

from tenfold.adapters.frameworks.torch.custom import CustomNetwork, check_forward, example, forward_line, own_line
from tenfold.adapters.frameworks.torch.custom_state import what_is_not_kept
from tenfold.adapters.frameworks.torch.onnx_export import why_not_custom
from tenfold.core.events import Json
from tenfold.core.networks.custom import showable
from tenfold.core.networks.inspection import MAX_NAME, MOST_LAYERS, InspectJob, SourceProblem
from tenfold.core.training.custom import graph_of_python

_INPUT = "input"
_SAMPLES = 2
_NOWHERE = "/tmp"


def inspect_custom(job: InspectJob) -> dict[str, Json]:
    """What is in a network of Python, as `Inspection` has it; whatever its code raises passes.

    Raises `BadNetwork`, whose `line` says where, for what is no network that can be trained.
    """
    torch.set_num_threads(1)
    source = CustomNetwork(job.network_text)
    shape, classes = source.input_shape(job.input_shape), source.classes(job.classes)
    module = source.build(job.parameters, shape, classes)
    check_forward(module, shape, classes, line=forward_line(module))
    lost = what_is_not_kept(module, shape, job.network_text)  # first: a trace leaves attributes of its own
    module.eval()
    layers, why_not = _layers(module, source.made_at, example(shape, _SAMPLES))
    shown: list[Json] = [*layers[:MOST_LAYERS]]
    return {
        "name": showable(source.name)[:MAX_NAME],
        "layers": shown,
        "num_layers": len(layers),
        "num_parameters": sum(each.numel() for each in module.parameters() if each.requires_grad),
        "input_shape": [*shape],
        "classes": classes,
        "knobs": [{"name": knob.name, "type": knob.type, "default": knob.default} for knob in source.knobs],
        "why_not_traced": why_not,
        "warnings": [{"line": each.line, "message": each.message} for each in lost],
    }


def try_export(job: InspectJob) -> SourceProblem | None:
    """Why such a network cannot be exported to ONNX; `None` where it can. Whatever its code raises passes."""
    tempfile.tempdir = tempfile.tempdir or _NOWHERE
    source = CustomNetwork(job.network_text)
    shape, classes = source.input_shape(job.input_shape), source.classes(job.classes)
    module = source.ready(job.parameters, shape, classes)
    return why_not_custom(module, graph_of_python(shape, classes))


def _layers(module: nn.Module, made_at: Mapping[int, int], images: torch.Tensor) -> tuple[list[dict[str, Json]], str]:
    """The layers, and why they are not those of a symbolic trace; empty where they are."""
    try:
        tracer = _Tracer()
        graph = tracer.trace(module)
        traced = fx.GraphModule(tracer.root, graph)
        shapes = _Shapes(traced)
        with torch.no_grad():
            shapes.run(images)
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        why_not = showable(str(error).partition("\n")[0])[:MAX_NAME] or type(error).__name__
        return _watched(module, made_at, images), why_not
    return _traced(traced, made_at, tracer.lines, shapes.shapes), ""


class _Tracer(fx.Tracer):
    """Notes the line of the source at which each node came to be."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(*args, **kwargs)
        self.lines[node.name] = own_line()
        return node


class _Shapes(fx.Interpreter):
    """Runs a traced module and keeps the shape of what each node gives; nothing of what is no tensor."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        given = super().run_node(n)
        shape = _shape(given)
        if shape is not None:
            self.shapes[n.name] = shape
        return given


def _traced(
    traced: fx.GraphModule,
    made_at: Mapping[int, int],
    lines: Mapping[str, int],
    shapes: Mapping[str, tuple[int, ...]],
) -> list[dict[str, Json]]:
    layers = _Listed()
    sources: dict[fx.Node, tuple[str, ...]] = {}
    for node in traced.graph.nodes:
        inputs = tuple(dict.fromkeys(path for each in node.all_input_nodes for path in sources[each]))
        if node.op == "placeholder":
            sources[node] = (_INPUT,)
        elif node.op == "output" or node.name not in shapes:
            sources[node] = ()
        elif node.target is operator.getitem and _is_several(node.args[0], traced):
            sources[node] = inputs
        else:
            kind, line, parameters = _about(node, traced, made_at, lines)
            wish = str(node.target) if node.op in {"call_module", "get_attr"} else node.name
            about: dict[str, Json] = {"kind": kind, "line": line, "shape": [*shapes[node.name]]}
            path = layers.add(wish, inputs, parameters, about)
            sources[node] = (path,)
    return layers.items


def _about(
    node: fx.Node, traced: fx.GraphModule, made_at: Mapping[int, int], lines: Mapping[str, int]
) -> tuple[str, int, Mapping[int, int]]:
    """Its kind, its line, and the sizes of its trainable tensors by their identity."""
    line = lines.get(node.name, 0)
    if node.op == "call_module":
        module = traced.get_submodule(str(node.target))
        return type(module).__name__, made_at.get(id(module), 0) or line, _sizes(module)
    if node.op == "get_attr":
        found: Any = traced
        for part in str(node.target).split("."):
            found = getattr(found, part)
        learns = isinstance(found, nn.Parameter) and found.requires_grad
        return type(found).__name__, line, {id(found): found.numel()} if learns else {}
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    return name, line, {}


def _is_several(node: object, traced: fx.GraphModule) -> bool:
    """Whether a node gives several tensors, as an LSTM or a split does."""
    if not isinstance(node, fx.Node):
        return False
    if node.op == "call_module":
        return isinstance(traced.get_submodule(str(node.target)), nn.RNNBase | nn.MultiheadAttention)
    return getattr(node.target, "__name__", node.target) in {"chunk", "split", "unbind", "topk", "max", "min"}


def _watched(module: nn.Module, made_at: Mapping[int, int], images: torch.Tensor) -> list[dict[str, Json]]:
    """The modules without parts in the order in which they run, each with those whose output it was given."""
    layers = _Listed()
    gives: dict[int, str] = {id(images): _INPUT}
    held: list[object] = [images]

    def watch(path: str, part: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def seen(_part: nn.Module, taken: tuple[object, ...], given: object) -> None:
            shape = _shape(given)
            if shape is None:
                return
            inputs = tuple(dict.fromkeys(gives[id(each)] for each in taken if id(each) in gives))
            line = made_at.get(id(part), 0) or own_line()
            about: dict[str, Json] = {"kind": type(part).__name__, "line": line, "shape": [*shape]}
            name = layers.add(path, inputs, _sizes(part), about)
            for each in given if isinstance(given, tuple | list) else (given,):
                held.append(each)  # or another tensor could come to have its identity
                gives[id(each)] = name

        return part.register_forward_hook(seen)

    parts = [(path, part) for path, part in module.named_modules() if path and not any(part.children())]
    hooks = [watch(path, part) for path, part in parts]
    try:
        with torch.no_grad():
            module(images)
    finally:
        for hook in hooks:
            hook.remove()
    return layers.items


class _Listed:
    """Layers by paths that differ: a module that runs again gets a number. Its parameters count once."""

    def __init__(self) -> None:
        self.items: list[dict[str, Json]] = []
        self._times: dict[str, int] = {}
        self._counted: set[int] = set()

    def add(self, wish: str, inputs: tuple[str, ...], parameters: Mapping[int, int], about: Mapping[str, Json]) -> str:
        wish = showable(wish)[: MAX_NAME - 8]
        times = self._times[wish] = self._times.get(wish, 0) + 1
        path = wish if times == 1 else f"{wish} ({times})"
        count = sum(size for each, size in parameters.items() if each not in self._counted)
        self._counted |= parameters.keys()
        self.items.append({"path": path, "inputs": [*inputs], "parameters": count, **about})
        return path


def _sizes(module: nn.Module) -> dict[int, int]:
    return {id(each): each.numel() for each in module.parameters() if each.requires_grad}


def _shape(given: object) -> tuple[int, ...] | None:
    """The shape without the batch of what a layer gives, of several tensors that of the first."""
    if isinstance(given, tuple | list):
        given = next((each for each in given if isinstance(each, torch.Tensor)), None)
    return tuple(given.shape[1:]) if isinstance(given, torch.Tensor) else None
