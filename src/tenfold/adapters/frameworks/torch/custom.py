"""Networks of Python: executes a source in a worker, and builds the module that it defines.

A source defines a class `Network`, a function `network`, or one public `nn.Module` class alone. Its arguments have
defaults; `classes`, `channels` and `input_shape` are given by the dataset where they are asked for. The module takes
float32 images (N, C, H, W) and gives logits (N, classes).
"""

from __future__ import annotations

import inspect
import linecache
import math
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tenfold.core.errors import BadNetwork, InvalidFields
from tenfold.core.events import MAX_WHOLE
from tenfold.core.networks.custom import DECIDED, SOURCE_NAME, showable
from tenfold.core.networks.inspection import Knob, KnobType

_MODULE = "network"
_DEFAULT_SHAPE = (3, 224, 224)
_DEFAULT_CLASSES = 10
_TYPES: dict[type, KnobType] = {bool: "boolean", int: "integer", float: "number", str: "text"}
_CHECKED_BATCHES = (2, 3)
MAX_DEFAULT = 1000
_KEPT = frozenset(
    {
        *(torch.float64, torch.float32, torch.float16, torch.complex64, torch.bool),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
    }
)


class CustomNetwork:
    """The source of a network, executed. Whatever its code raises passes."""

    def __init__(self, text: str) -> None:
        module = types.ModuleType(_MODULE)
        module.__file__ = SOURCE_NAME
        sys.modules[_MODULE] = module
        linecache.cache[SOURCE_NAME] = (len(text), None, [f"{line}\n" for line in text.split("\n")], SOURCE_NAME)
        exec(compile(text, SOURCE_NAME, "exec", dont_inherit=True), module.__dict__)
        self._make = _maker(module)
        self._arguments = dict(inspect.signature(self._make).parameters)
        self.knobs = tuple(self._knobs())
        self.made_at: dict[int, int] = {}

    @property
    def name(self) -> str:
        """What the class or the function is called."""
        return self._make.__name__

    def input_shape(self, asked: tuple[int, ...]) -> tuple[int, ...]:
        """The shape (C, H, W) that is asked for, else the source's own default, else 3 x 224 x 224."""
        if asked:
            return asked
        own = self._default("input_shape")
        if isinstance(own, tuple | list) and len(own) == 3 and all(type(size) is int and size > 0 for size in own):
            return tuple(own)
        channels = self._default("channels")
        return (channels if type(channels) is int and channels > 0 else _DEFAULT_SHAPE[0], *_DEFAULT_SHAPE[1:])

    def classes(self, asked: int | None) -> int:
        """How many classes are asked for, else the source's own default, else 10."""
        own = self._default("classes")
        return asked or (own if type(own) is int and own > 0 else _DEFAULT_CLASSES)

    def build(
        self, parameters: Mapping[str, object], input_shape: tuple[int, ...], classes: int, *, seed: int = 0
    ) -> nn.Module:
        """The module with first weights that are a function of the seed; raises `BadNetwork` if it is none."""
        decided = {"classes": classes, "channels": input_shape[0], "input_shape": tuple(input_shape)}
        wanted = {**self._parsed(parameters), **decided}
        given = {name: value for name, value in wanted.items() if name in self._arguments}
        torch.manual_seed(seed)
        with self._noting_lines():
            module = self._make(**given)
        if not isinstance(module, nn.Module):
            text = f"`{self.name}` gives {_kind(module)}, where a torch.nn.Module is needed."
            raise BadNetwork(text, line=self._line())
        return module

    def ready(
        self, parameters: Mapping[str, object], input_shape: tuple[int, ...], classes: int, *, seed: int = 0
    ) -> nn.Module:
        """The module as it is trained: built, checked, and with every weight there; in evaluation mode."""
        module = self.build(parameters, input_shape, classes, seed=seed)
        check_results(module, input_shape, classes, line=forward_line(module))
        return module

    def _parsed(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """What people set, in the types of the arguments; raises `BadNetwork` for what there is not, or is not such."""
        fields = {knob.name: knob.field() for knob in self.knobs}
        parsed: dict[str, object] = {}
        for name, value in parameters.items():
            if name not in fields:
                known = ", ".join(fields) or "none"
                raise BadNetwork(f"`{self.name}` has no parameter {name!r}; it has {known}.", line=self._line())
            try:
                parsed[name] = fields[name].parse(value)
            except InvalidFields as error:
                raise BadNetwork(error.message, line=self._line()) from None
        return parsed

    def _knobs(self) -> Iterator[Knob]:
        for name, argument in self._arguments.items():
            if name in DECIDED or argument.kind in {argument.VAR_POSITIONAL, argument.VAR_KEYWORD}:
                continue
            if argument.default is argument.empty or argument.kind is argument.POSITIONAL_ONLY:
                told = f"The argument `{name}` of `{self.name}` needs a default, as in `{name}: int = 32`"
                text = f"{told}; only {', '.join(DECIDED)} are given by the dataset."
                raise BadNetwork(text, line=self._line())
            kind = _type_of(argument)
            if kind is not None:
                if not _can_be_told(argument.default):
                    text = (
                        f"The default of `{name}` of `{self.name}` cannot be set in a form: {argument.default!a:.40}."
                    )
                    raise BadNetwork(text, line=self._line())
                default = float(argument.default) if kind is float else argument.default
                yield Knob(name=name, type=_TYPES[kind], default=default)

    def _default(self, name: str) -> object:
        argument = self._arguments.get(name)
        return None if argument is None or argument.default is argument.empty else argument.default

    def _line(self) -> int:
        """Where the constructor or function begins."""
        code = getattr(self._make, "__code__", None) or getattr(self._make.__init__, "__code__", None)
        return code.co_firstlineno if code is not None and code.co_filename == SOURCE_NAME else 0

    @contextmanager
    def _noting_lines(self) -> Iterator[None]:
        """Notes for each module that is made at which line of the source."""
        original = nn.Module.__init__

        def noting(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            self.made_at[id(module)] = own_line()
            original(module, *args, **kwargs)

        nn.Module.__init__ = noting  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            nn.Module.__init__ = original  # type: ignore[method-assign]


def check_results(module: nn.Module, input_shape: tuple[int, ...], classes: int, *, line: int = 0) -> None:
    """Runs batches of several sizes through the module; raises `BadNetwork` where it does not give logits.

    Weights whose shapes are only known by then, as of `LazyLinear`, are made on the way.
    """
    module.eval()
    with torch.no_grad():
        for size in _CHECKED_BATCHES:
            _require_logits(module(example(input_shape, size)), size, classes, line)
    _settle_state(module)


def check_forward(module: nn.Module, input_shape: tuple[int, ...], classes: int, *, line: int = 0) -> None:
    """The same, and whether something in it can learn."""
    check_results(module, input_shape, classes, line=line)
    module.train()
    logits = module(example(input_shape, _CHECKED_BATCHES[0]))
    _require_logits(logits, _CHECKED_BATCHES[0], classes, line)
    if not logits.requires_grad:
        text = "Nothing in it can learn: the logits do not depend on any parameter that has a gradient."
        raise BadNetwork(text, line=line)


def example(input_shape: tuple[int, ...], size: int) -> torch.Tensor:
    """A batch of so many inputs, which does not touch the generator that weights are drawn from."""
    generator = torch.Generator()
    generator.manual_seed(size)
    return torch.randn(size, *input_shape, generator=generator)


def own_line() -> int:
    """The innermost line of the source that is being executed; 0 where it is none."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != SOURCE_NAME:
        frame = frame.f_back
    return frame.f_lineno if frame is not None else 0


def forward_line(module: nn.Module) -> int:
    """Where the module's own `forward` begins."""
    code = getattr(type(module).forward, "__code__", None)
    return code.co_firstlineno if code is not None and code.co_filename == SOURCE_NAME else 0


def _maker(module: types.ModuleType) -> Callable[..., object]:
    """What makes the network: the class `Network`, the function `network`, or the one module class there is."""
    for name in ("Network", "network"):
        found = module.__dict__.get(name)
        if callable(found):
            made: Callable[..., object] = found
            return made
    own = [
        each
        for name, each in module.__dict__.items()
        if isinstance(each, type)
        and issubclass(each, nn.Module)
        and each.__module__ == _MODULE
        and not name.startswith("_")
    ]
    if len(own) == 1:
        return own[0]
    if not own:
        raise BadNetwork("It defines no network: write a class `Network(nn.Module)`, or a function `network`.")
    names = ", ".join(f"`{each.__name__}`" for each in own[:6])
    raise BadNetwork(f"It defines several modules ({names}): call the one that is to be trained `Network`.")


def _type_of(argument: inspect.Parameter) -> type | None:
    """The type of an argument that people can set: as it is annotated, else that of its default."""
    by_name = {each.__name__: each for each in _TYPES}
    annotated = argument.annotation
    wanted = by_name.get(annotated) if isinstance(annotated, str) else annotated
    wanted = wanted if wanted in _TYPES else type(argument.default)
    fits = type(argument.default) is wanted or (wanted is float and type(argument.default) is int)
    return wanted if wanted in _TYPES and fits else None


def _can_be_told(default: bool | int | float | str) -> bool:
    """Whether a default is a number that there is for forms and files, or a text of a line's length."""
    if isinstance(default, str):
        return len(default) <= MAX_DEFAULT and showable(default) == default
    return abs(default) < MAX_WHOLE if isinstance(default, int) else math.isfinite(default)


def _settle_state(module: nn.Module) -> None:
    """Raises `BadNetwork` for what no checkpoint can keep; values that share their memory get one each.

    A tensor that was made by `expand` could not be written to when a checkpoint is loaded.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if any(step == 0 and size > 1 for step, size in zip(tensor.stride(), tensor.shape, strict=True)):
            tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
    for name, value in module.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise BadNetwork(f"`{name}` of its state is {_kind(value)}: a checkpoint keeps tensors alone.")
        if value.dtype not in _KEPT or value.layout is not torch.strided or value.is_meta:
            found = str(value.dtype).removeprefix("torch.")
            text = f"`{name}` is {found} ({str(value.layout).removeprefix('torch.')}, on {value.device}), which no"
            raise BadNetwork(f"{text} checkpoint can keep: use a dense tensor of float32, of whole numbers or truths.")


def _require_logits(given: object, size: int, classes: int, line: int) -> None:
    needed = f"logits of the shape {size} x {classes} (batch x classes) are needed"
    if not isinstance(given, torch.Tensor):
        raise BadNetwork(f"`forward` gives {_kind(given)}; {needed}.", line=line)
    if tuple(given.shape) != (size, classes) or not given.is_floating_point():
        shape = " x ".join(map(str, given.shape)) or "a single number"
        raise BadNetwork(f"`forward` gives {shape} of {str(given.dtype).removeprefix('torch.')}; {needed}.", line=line)


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}" if value is not None else "nothing"
