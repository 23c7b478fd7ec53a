"""Writes a network text layer by layer, with the shape of each by the rules of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tenfold.core.errors import BadNetwork
from tenfold.core.networks.expression_parser import RESERVED
from tenfold.core.networks.layers.kinds import Argument, LayerFault, Shape
from tenfold.core.networks.limits import MAX_LAYERS, MAX_NAME_LENGTH, MAX_OUTPUT_VALUES
from tenfold.core.networks.values import shown
from tenfold.core.networks.vocabulary import COMMON, COMMON_ARGUMENTS, LAYERS

_NO_SIGN = re.compile(r"[^A-Za-z0-9_]")
_INPUT_KINDS = {1: "vector", 2: "sequence", 3: "image", 4: "volume"}
_COLLECTED_FROM = 2


class Parameter(int):
    """A number that the text gives by the name of a parameter."""

    name: str

    def __new__(cls, value: int, name: str) -> Parameter:
        number = super().__new__(cls, value)
        number.name = name
        return number


@dataclass(eq=False)
class Placed:
    """An input or a layer of the text: where its output comes from, and what it gives."""

    name: str
    kind: str
    shape: Shape
    inputs: tuple[Placed, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    has_weights: bool = False
    shares: Placed | None = None


class NetworkText:
    """A text that grows: inputs, layers and outputs in order."""

    def __init__(self, name: str, title: str = "") -> None:
        self._taken: dict[str, int] = {}
        self._name = self.free_name(name or "imported")
        self._taken.clear()
        self._title = title
        self._inputs: list[Placed] = []
        self._steps: list[Placed | tuple[str, Mapping[str, object], Placed]] = []
        self._outputs: dict[str, int] = {}
        self._parameters: dict[str, Parameter] = {}

    def free_name(self, wanted: str) -> str:
        """The name as the language allows it, and no other layer has it."""
        name = _NO_SIGN.sub("_", wanted)[: MAX_NAME_LENGTH - 6] or "layer"
        name = f"layer_{name}"[: MAX_NAME_LENGTH - 6] if name[0].isdigit() else name
        name = f"{name}_" if name in RESERVED else name
        return _free(self._taken, name)

    def input(self, name: str, shape: Shape) -> Placed:
        placed = Placed(self.free_name(name), _INPUT_KINDS[len(shape)], shape)
        self._inputs.append(placed)
        return placed

    def place(self, name: str, kind: str, inputs: Sequence[Placed], arguments: Mapping[str, object]) -> Placed:
        """A layer after others; raises `LayerFault` where it does not fit them."""
        shape, has_weights = _judged(kind, arguments, [item.shape for item in inputs])
        placed = Placed(self.free_name(name), kind, shape, tuple(inputs), dict(arguments), has_weights)
        for value in arguments.values():
            if isinstance(value, Parameter):
                self._parameters[value.name] = value
        self._append(placed)
        return placed

    def share(self, name: str, owner: Placed, source: Placed) -> Placed:
        """A layer applied again with the same weights; raises `LayerFault`."""
        shape, _ = _judged(owner.kind, owner.arguments, [source.shape])
        placed = Placed(self.free_name(name), "share", shape, (source,), shares=owner)
        self._append(placed)
        return placed

    def _append(self, placed: Placed) -> None:
        if len(self._steps) >= MAX_LAYERS:
            text = f"The network has more than {MAX_LAYERS:,} layers in our language: that is too much."
            raise BadNetwork(text, code="caffe.too-large", line=1)
        self._steps.append(placed)

    def output(self, name: str, source: Placed, arguments: Mapping[str, object]) -> str:
        """An output, and the name it got."""
        wanted = _NO_SIGN.sub("_", name)[: MAX_NAME_LENGTH - 13]
        is_bad = wanted[:1].isdigit() or wanted in RESERVED or not wanted
        free = _free(self._outputs, f"output_{wanted}" if is_bad else wanted)
        self._steps.append((free, dict(arguments), source))
        return free

    def leaves(self) -> list[Placed]:
        """Layers whose output nothing reads."""
        steps = [step for step in self._steps if isinstance(step, Placed)]
        read = {source for step in steps for source in step.inputs}
        return [step for step in steps if step not in read]

    def remove(self, leaf: Placed) -> None:
        """Takes back a layer that nothing reads."""
        self._steps.remove(leaf)

    def render(self) -> str:
        """The text."""
        named, bodies, previous = self._named(), [], self._inputs[-1] if self._inputs else None
        defaults = self._defaults()
        for step in self._steps:
            if isinstance(step, tuple):
                name, arguments, source = step
                given = ", ".join(f"{key}={shown(value)}" for key, value in arguments.items())
                origin = "" if source is previous else f" from {source.name}"
                bodies.append(f"output {name}{f'({given})' if given else ''}{origin}")
                continue
            origins = "" if step.inputs == (previous,) else f" from {', '.join(item.name for item in step.inputs)}"
            name = f"{step.name} = " if step in named else ""
            bodies.append(f"{name}{_call(step, defaults.get(step.kind, {}))}{origins}")
            previous = step
        return "\n".join([*self._head(defaults), *bodies]) + "\n"

    def names(self) -> set[str]:
        """Names that the text gives to layers; the others need none."""
        return {item.name for item in self._named()}

    def _head(self, defaults: Mapping[str, Mapping[str, object]]) -> list[str]:
        title = f' "{self._title}"' if self._title else ""
        lines = ["language 1", f"network {self._name}{title}"]
        lines += [f"param {name} = {int(value)} in 1..100000" for name, value in self._parameters.items()]
        lines += [f"input {item.name} = {item.kind}({', '.join(map(str, item.shape))})" for item in self._inputs]
        for kind, given in defaults.items():
            lines.append(f"default {kind}({', '.join(f'{key}={_value(value)}' for key, value in given.items())})")
        return [*lines, ""]

    def _named(self) -> set[Placed]:
        named, previous = set(), self._inputs[-1] if self._inputs else None
        for step in self._steps:
            if isinstance(step, tuple):
                if step[2] is not previous:
                    named.add(step[2])
                continue
            if step.has_weights:
                named.add(step)
            if step.shares is not None:
                named |= {step, step.shares}
            if step.inputs != (previous,):
                named.update(step.inputs)
            previous = step
        return named

    def _defaults(self) -> dict[str, dict[str, object]]:
        """Arguments that all layers of a kind have in common, said once."""
        by_kind: dict[str, list[Mapping[str, object]]] = {}
        for step in self._steps:
            if isinstance(step, Placed) and step.shares is None:
                by_kind.setdefault(step.kind, []).append(step.arguments)
        found: dict[str, dict[str, object]] = {}
        for kind, all_given in by_kind.items():
            if len(all_given) < _COLLECTED_FROM:
                continue
            common = {
                name: value
                for name, value in all_given[0].items()
                if (name in COMMON or (name, value) == ("ceil", True))
                and all(name in given and given[name] == value for given in all_given)
            }
            if common:
                found[kind] = common
        return found


def _free(taken: dict[str, int], name: str) -> str:
    """The name, or with the next number that is free; `taken` keeps the last number of each."""
    free = name
    while free in taken:
        taken[name] += 1
        free = f"{name}_{taken[name]}"
    taken[free] = 1
    return free


def _call(step: Placed, defaults: Mapping[str, object]) -> str:
    if step.shares is not None:
        return f"share({step.shares.name})"
    kind, given = LAYERS[step.kind], []
    for argument in (*kind.arguments, *COMMON_ARGUMENTS):
        if argument.name not in step.arguments or argument.name in defaults:
            continue
        value = step.arguments[argument.name]
        usual = step.arguments.get(argument.same_as) if argument.same_as else argument.default
        if argument.required:
            given.append(_value(value))
        elif _plain(value) != _plain(usual):
            given.append(f"{argument.name}={_value(value)}")
    return f"{step.kind}({', '.join(given)})" if given else step.kind


def _plain(value: object) -> object:
    """One size where all axes have it."""
    return value[0] if isinstance(value, list) and len(set(value)) == 1 else value


def _value(value: object) -> str:
    if isinstance(value, Parameter):
        return value.name
    plain = _plain(value)
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    return shown(plain) if not isinstance(plain, list) else f"[{', '.join(_value(item) for item in plain)}]"


def _judged(kind: str, given: Mapping[str, object], inputs: Sequence[Shape]) -> tuple[Shape, bool]:
    """The shape of a layer's output, and whether it has weights."""
    about = LAYERS[kind]
    if not about.min_inputs <= len(inputs) <= about.max_inputs:
        raise LayerFault(f"`{kind}` does not take {len(inputs)} inputs.", code="network.inputs")
    bound: dict[str, object] = {}
    for argument in about.arguments:
        value = given.get(argument.name, bound.get(argument.same_as, argument.default))
        _check_range(kind, argument, value)
        bound[argument.name] = _plain(value)
    for name, argument in COMMON.items():
        if name in given:
            _check_range(kind, argument, given[name])
    resolved = about.resolve(bound, inputs)
    shape = about.shape(resolved, inputs)
    values = 1
    for size in shape:
        values *= size
    if values > MAX_OUTPUT_VALUES:
        raise LayerFault(f"Its output has more than {MAX_OUTPUT_VALUES:,} values.", code="network.too-large")
    return shape, bool(about.weights(resolved, inputs))


def _check_range(kind: str, argument: Argument, value: object) -> None:
    values = value if isinstance(value, list) else [value]
    for item in values:
        if not isinstance(item, int | float) or isinstance(item, bool):
            continue
        low = argument.minimum is not None and item < argument.minimum
        high = argument.maximum is not None and item > argument.maximum
        if low or high or (argument.below is not None and item >= argument.below):
            text = f"`{argument.name}` of `{kind}` is {item}, allowed are {argument.range_text()}."
            raise LayerFault(text, code="network.range", argument=argument.name)
