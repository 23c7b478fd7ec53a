"""Turns one call of a kind of layer into a node: arguments checked, shapes, weights and counts computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tenfold.core.networks.arguments import ArgumentChecker, Given, set_argument
from tenfold.core.networks.evaluator import Fault, OutOfBudget
from tenfold.core.networks.frames import Placed, Site
from tenfold.core.networks.graph import Node, Weight
from tenfold.core.networks.layers.kinds import LayerFault, LayerKind, Remedy, Shape, Tokens, WeightRule, shape_text
from tenfold.core.networks.limits import MAX_AXIS, MAX_LAYERS, MAX_OUTPUT_VALUES, MAX_PARAMETERS
from tenfold.core.networks.problems import Mistake, ProblemList, QuickFix, insertion
from tenfold.core.networks.source import Span
from tenfold.core.networks.training_factors import is_bias
from tenfold.core.networks.vocabulary import COMMON

_IDEMPOTENT = frozenset({"relu", "relu6", "identity"})


class NodeBuilder:
    """Keeps the nodes of one expansion, in topological order."""

    def __init__(self, checker: ArgumentChecker, problems: ProblemList, warnings: ProblemList) -> None:
        self.nodes: list[Node] = []
        self.by_path: dict[str, Node] = {}
        self.statements: dict[str, Span] = {}
        self._checker = checker
        self._lines = problems.lines
        self._warnings = warnings
        self._parameters = 0

    def training(self, owner: str, given: Given, inherited: Mapping[str, Any]) -> dict[str, Any]:
        """The common arguments that hold here: multipliers multiply, the innermost initialiser wins."""
        own = self._checker.only_given(owner, COMMON, given)
        merged = dict(inherited)
        for name, value in own.items():
            if name == "frozen":
                merged[name] = bool(value) or bool(merged.get(name))
            elif name.endswith("_mult"):
                merged[name] = float(merged.get(name, 1.0)) * float(value)
            else:
                merged[name] = value
        return merged

    def add(self, kind: LayerKind, site: Site, given: Given, inherited: Mapping[str, Any]) -> Placed:
        """Places one layer; `inherited` are the common arguments of the blocks around it. Raises `Fault`."""
        if not kind.min_inputs <= len(site.inputs) <= kind.max_inputs:
            raise _input_count(kind, site)
        _check_tokens(kind, site)
        arguments = self._checker.values(kind.name, kind.arguments, given, site.call.span)
        training = self.training(kind.name, given, inherited)
        shapes = [item.shape for item in site.inputs if item.shape is not None]
        try:
            resolved = kind.resolve(arguments, shapes)
            shape = kind.shape(resolved, shapes)
            rules = kind.weights(resolved, shapes)
        except LayerFault as fault:
            raise self._located(fault, site, given) from None
        self._check_limits(kind, site, shape, rules)
        weights = self._weights(rules, training, given)
        owner = self._owner(site, weights)
        node = Node(
            path=site.path,
            kind=kind.stands_for or kind.name,
            arguments=resolved,
            inputs=tuple(item.path for item in site.inputs),
            shape=shape,
            weights={} if owner else weights,
            weights_from=owner,
            parameters=0 if owner else _count(rules),
            flops=kind.flops(resolved, shapes, shape),
            training=_effective(training) if rules else {},
        )
        self._keep(node, site)
        return Placed(node.path, shape, site.name, self._lines.line(site.span.start))

    def _keep(self, node: Node, site: Site) -> None:
        self._parameters += node.parameters
        if self._parameters > MAX_PARAMETERS:
            raise OutOfBudget(Mistake("network.limit", "A network has at most 10^12 parameters.", site.call.span))
        if len(self.nodes) >= MAX_LAYERS:
            text = f"A network has at most {MAX_LAYERS} layers after blocks and repeats are expanded."
            raise OutOfBudget(Mistake("network.limit", text, site.call.span))
        self.nodes.append(node)
        self.by_path[node.path] = node
        self.statements[node.path] = site.span
        source = self.by_path.get(node.inputs[0])
        if node.kind == "activation" and source is not None and source.kind == "activation":
            function = node.arguments["kind"]
            if function in _IDEMPOTENT and source.arguments["kind"] == function:
                text = f"`{function}` follows `{function}` and changes nothing: remove one."
                self._warnings.add(Mistake("network.repeated-activation", text, site.span), node.path)

    def _check_limits(self, kind: LayerKind, site: Site, shape: Shape, rules: Mapping[str, WeightRule]) -> None:
        if max(shape) > MAX_AXIS or math.prod(shape) > MAX_OUTPUT_VALUES:
            text = f"`{kind.name}` gives {shape_text(shape)}: an axis has at most 2^24 and an output 2^31 values."
            raise Fault(Mistake("network.limit", text, site.call.span))
        if _count(rules) > MAX_PARAMETERS:
            raise Fault(Mistake("network.limit", "A network has at most 10^12 parameters.", site.call.span))

    @staticmethod
    def _weights(rules: Mapping[str, WeightRule], training: Mapping[str, Any], given: Given) -> dict[str, Weight]:
        weights = {}
        for name, rule in rules.items():
            argument = "bias_init" if is_bias(name) else "init"
            wanted = training.get(argument) if rule.trainable else None
            is_meant = argument in given.expressions or len(rule.shape) > 1 or "weight" not in rules
            is_meant = is_meant or (name == "bias" and len(rules["weight"].shape) > 1)
            initialiser = wanted if wanted is not None and is_meant else rule.initialiser
            weights[name] = Weight(rule.shape, initialiser, rule.trainable)
        return weights

    def _owner(self, site: Site, weights: Mapping[str, Weight]) -> str:
        """The path of the layer whose weights a shared one uses; its shapes have to agree."""
        if site.owner == site.path or not weights:
            return ""
        owner = self.by_path.get(site.owner)
        if owner is None:
            raise Fault
        for name, weight in weights.items():
            theirs = owner.weights.get(name)
            if theirs is None or theirs.shape != weight.shape:
                has = shape_text(theirs.shape) if theirs else "none"
                text = f"`{name}` of `{site.owner}` is {has}, but here it would be {shape_text(weight.shape)}:"
                text = f"{text} shared layers need inputs of equal size."
                raise Fault(Mistake("network.share", text, site.span))
        return site.owner

    def _located(self, fault: LayerFault, site: Site, given: Given) -> Fault:
        labels = {f"name{index}": f"`{item.name}`" for index, item in enumerate(site.inputs)}
        texts = [f"`{item.name}` (line {item.line})" for item in site.inputs]
        span = given.spans.get(fault.argument, site.call.name.span)
        fixes = tuple(fix for remedy in fault.remedies if (fix := self._fix(remedy, site, given)) is not None)
        return Fault(Mistake(fault.code, fault.message.format(*texts, **labels), span, fixes=fixes))

    def _fix(self, remedy: Remedy, site: Site, given: Given) -> QuickFix | None:
        if remedy.insert:
            if not site.is_chained:
                return None
            start = self._lines.line_start(site.span.start)
            line = f"{self._lines.indent(site.span.start)}{remedy.insert}\n"
            return QuickFix(f"Put `{remedy.insert}` before it", (insertion(start, line),))
        stated = given.expressions.get(remedy.argument)
        return set_argument(stated[0].span, remedy.argument, remedy.value) if stated else None


def _count(rules: Mapping[str, WeightRule]) -> int:
    return sum(math.prod(rule.shape) for rule in rules.values() if rule.trainable)


def _effective(training: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the default, without the initialisers, which stand with the weights."""
    neutral = {"init", "bias_init"}
    return {name: value for name, value in training.items() if name not in neutral and value != COMMON[name].default}


def _input_count(kind: LayerKind, site: Site) -> Fault:
    if len(site.inputs) < kind.min_inputs:
        text = f"`{kind.name}` joins at least {kind.min_inputs} layers: write `from` and their names."
    elif kind.max_inputs > 1:
        text = f"`{kind.name}` takes at most {kind.max_inputs} inputs, but {len(site.inputs)} are given."
    else:
        text = f"`{kind.name}` takes one input, but {len(site.inputs)} are given: join them by `add` or `concat` first."
    return Fault(Mistake("network.inputs", text, site.call.span))


def _check_tokens(kind: LayerKind, site: Site) -> None:
    for item in site.inputs:
        if isinstance(item.shape, Tokens) and not kind.takes_tokens:
            text = f"`{kind.name}` computes with numbers, but `{item.name}` holds tokens: put `embedding` or `one_hot`"
            raise Fault(Mistake("network.tokens", f"{text} before it.", site.call.span))
