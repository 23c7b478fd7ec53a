"""Expands statements into single layers: blocks, repeats, switches, sharing; shapes and counts as it goes."""

from __future__ import annotations

from collections.abc import Mapping

from tenfold.core.networks.arguments import ArgumentChecker, Given, match_arguments
from tenfold.core.networks.domains import read_range
from tenfold.core.networks.evaluator import UNKNOWN, Budget, Evaluator, Fault, OutOfBudget, Scope
from tenfold.core.networks.frames import Called, Frame, Placed, Site, Unplaced, declared_names
from tenfold.core.networks.limits import MAX_BLOCK_DEPTH, MAX_REPEAT, MAX_UNPLACED
from tenfold.core.networks.nodes import NodeBuilder
from tenfold.core.networks.problems import Mistake, ProblemList, QuickFix, insertion, nearest, replacement
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    BrokenStatement,
    Call,
    Domain,
    LayerStatement,
    LetStatement,
    OutputStatement,
    Reference,
    Statement,
    Variable,
)
from tenfold.core.networks.values import Value, shown
from tenfold.core.networks.vocabulary import COMMON, LAYERS

_STEPS_PER_LAYER = 20


class Expander:
    """Builds nodes from statements. Mistakes go to `problems`; what depends on them is unknown and says nothing."""

    def __init__(
        self, problems: ProblemList, warnings: ProblemList, budget: Budget, blocks: Mapping[str, BlockStatement]
    ) -> None:
        self.defaults: dict[str, Given] = {}
        self.used_blocks: set[str] = set()
        self.evaluator = Evaluator(budget)
        self.checker = ArgumentChecker(self.evaluator, warnings.add)
        self.nodes = NodeBuilder(self.checker, problems, warnings)
        self.groups: dict[str, str] = {}
        self.unplaced: dict[str, Unplaced] = {}
        self._problems = problems
        self._budget = budget
        self._blocks = blocks

    def report(self, fault: Fault, path: str = "") -> None:
        if fault.mistake is not None:
            self._problems.add(fault.mistake, path)

    # statements

    def layer(self, statement: LayerStatement, frame: Frame) -> None:
        """Places the layer, its copies, or what stands in its place when it is switched off."""
        name = statement.name
        is_taken = name is not None and name.text in frame.lines
        is_faulty = is_taken
        if name is not None and is_taken:
            self._name_taken(name.text, statement.span, frame)
        try:
            placed = self._place(statement, frame) if not is_taken else None
        except Fault as fault:
            path = f"{frame.prefix}{name.text}" if name else frame.path
            self.report(fault, path)
            placed = None
            is_faulty = fault.mistake is not None
        line = self._line(statement.span)
        shown_name = name.text if name else statement.call.name.text
        if placed is None:
            placed = Placed(self._unplaced(statement, frame, is_faulty), None, shown_name, line)
        frame.chain = placed
        if name is not None and not is_taken:
            frame.layers[name.text] = frame.chain
            frame.lines[name.text] = line
            frame.last_name = name.text

    def _unplaced(self, statement: LayerStatement, frame: Frame, is_faulty: bool) -> str:
        """Notes a layer that could not be placed; its path, or that of the layer at fault inside it."""
        if len(self.unplaced) >= MAX_UNPLACED:
            return ""
        call = statement.call.name.text
        path = frame.prefix + (statement.name.text if statement.name else call)
        inner = [known for known in self.unplaced if known.startswith(f"{path}.")] if call in self._blocks else []
        if inner and not is_faulty:
            return inner[-1]
        read = [frame.layers.get(reference.parts[0]) for reference in statement.sources] or [frame.chain]
        while path in self.nodes.by_path or path in self.unplaced:
            path += "'"
        inputs = tuple(item.path for item in read if item is not None and item.path)
        self.unplaced[path] = Unplaced(path, call, inputs, statement.span, is_faulty)
        return path

    def broken(self, statement: BrokenStatement, frame: Frame) -> None:
        """A layer or value that could not be read is unknown, so that nothing below complains of it."""
        name = statement.name.text if statement.name else ""
        if statement.keyword == "let" and name:
            frame.scope.values[name] = UNKNOWN
        elif statement.keyword in {"", "input"}:
            frame.chain = Placed("", None, name, self._line(statement.span))
            if name:
                frame.layers.setdefault(name, frame.chain)
                frame.lines.setdefault(name, self._line(statement.span))
        elif statement.keyword == "output" and name:
            frame.outputs[name] = Placed("", None, name, self._line(statement.span))

    def let(self, statement: LetStatement, frame: Frame) -> None:
        name = statement.name.text
        if name in frame.scope.values:
            text = f"The name `{name}` is taken by another value."
            self._problems.add(Mistake("network.duplicate-value", text, statement.name.span), frame.path)
            return
        try:
            frame.scope.values[name] = self.evaluator.evaluate(statement.value, frame.scope)
        except Fault as fault:
            self.report(fault, frame.path)
            frame.scope.values[name] = UNKNOWN

    def output(self, statement: OutputStatement, frame: Frame) -> Placed | None:
        """What an output gives, or nothing where it is switched off or at fault."""
        self._budget.spend(1, statement.span)
        try:
            if statement.when is not None and not self.evaluator.boolean(statement.when, frame.scope, "`when`"):
                return None
            placed = self.resolve(statement.source, frame) if statement.source else frame.chain
        except Fault as fault:
            self.report(fault, frame.path)
            return Placed("", None, statement.name.text, self._line(statement.span))
        if placed is None:
            self.report(_no_input(statement.span), frame.path)
        return placed

    def _name_taken(self, name: str, span: Span, frame: Frame) -> None:
        text = f"The name `{name}` is taken (line {frame.lines[name]})."
        text = f"{text} Names are unique because weights are stored under them."
        self._problems.add(Mistake("network.name-taken", text, span), frame.path)

    def _line(self, span: Span) -> int:
        return self._problems.lines.line(span.start)

    # references

    def resolve(self, reference: Reference, frame: Frame) -> Placed:
        """What a reference names; raises `Fault`, silently where that is unknown."""
        first = reference.parts[0]
        placed = frame.layers.get(first)
        if placed is None:
            near = nearest(first, frame.layers)
            hint = f", perhaps `{near}`" if near else ""
            fixes = (replacement(reference.span, near),) if near else ()
            text = f"There is no layer `{first}` above this line{hint}."
            raise Fault(Mistake("network.unknown-reference", text, reference.span, fixes=fixes))
        for part in reference.parts[1:]:
            if placed.shape is None:
                raise Fault
            placed = self._part(placed, part, reference)
        if placed.shape is None:
            raise Fault
        return placed

    def _part(self, placed: Placed, part: str, reference: Reference) -> Placed:
        if part.isdigit():
            index = int(part) if len(part) < 5 else MAX_REPEAT
            if index < len(placed.copies):
                return placed.copies[index]
            has = f"{len(placed.copies)} copies, counted from 0" if placed.copies else "no copies: it has no `repeat`"
            text = f"`{reference}` does not exist: `{placed.name}` has {has}."
        else:
            if part in placed.outputs:
                return placed.outputs[part]
            has = f"It has: {', '.join(placed.outputs)}." if placed.outputs else "It has none."
            text = f"`{placed.name}` has no output `{part}`. {has}"
        raise Fault(Mistake("network.unknown-reference", text, reference.span))

    def _inputs(self, statement: LayerStatement, frame: Frame) -> tuple[Placed, ...]:
        self._budget.spend(len(statement.sources), statement.span)
        if not statement.sources:
            if frame.chain is None:
                raise _no_input(statement.span)
            if frame.chain.shape is None:
                raise Fault
            return (frame.chain,)
        inputs: list[Placed] = []
        for reference in statement.sources:
            try:
                inputs.append(self.resolve(reference, frame))
            except Fault as fault:
                self.report(fault, frame.path)
        if len(inputs) < len(statement.sources):
            raise Fault
        return tuple(inputs)

    # layers

    def _place(self, statement: LayerStatement, frame: Frame) -> Placed:
        call = statement.call
        self._budget.spend(_STEPS_PER_LAYER, statement.span)
        self._check_known(call)
        inputs = self._inputs(statement, frame)
        is_on = statement.when is None or self.evaluator.boolean(statement.when, frame.scope, "`when`")
        count = self._count(statement, frame)
        name = statement.name.text if statement.name else self._generated_name(statement, frame)
        if not is_on:
            if statement.name:
                frame.called[name] = Called(call, Given(), 0, "", is_bypassed=True)
            return Placed(inputs[0].path, inputs[0].shape, name, self._line(statement.span))
        before = len(self.nodes.nodes)
        if count is not None:
            self._group(frame.prefix + name, f"{call.name.text} × {count}", statement.span)
        copies = []
        for index in range(count or 1):
            self._budget.spend(1, statement.span)
            suffix = name if count is None else f"{name}.{index}"
            scope = frame.scope if count is None else self._copy_scope(frame.scope, index, count)
            site = Site(
                call=call,
                span=statement.span,
                inputs=inputs,
                path=frame.prefix + suffix,
                owner=frame.owner + suffix,
                name=name,
                is_chained=not statement.sources,
            )
            placed = self._apply(site, frame, scope, count)
            copies.append(placed)
            inputs = (placed, *inputs[1:])
        if statement.name is None:
            self._check_unnamed(statement, frame, before)
        last = copies[-1]
        return Placed(last.path, last.shape, name, last.line, last.outputs, tuple(copies) if count else ())

    @staticmethod
    def _copy_scope(scope: Scope, index: int, count: int) -> Scope:
        return Scope(values={"index": index, "count": count}, layers=scope.layers, outer=scope)

    def _count(self, statement: LayerStatement, frame: Frame) -> int | None:
        if statement.repeat is None:
            return None
        value = self.evaluator.evaluate(statement.repeat, frame.scope)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_REPEAT:
            text = f"`repeat` is {shown(value)}, allowed are 1 to {MAX_REPEAT}."
            raise self.evaluator.unfit(value, statement.repeat, frame.scope, text)
        if statement.name is None:
            proposal = self._free_name(statement.call.name.text, frame)
            fix = QuickFix(f"Name it `{proposal}`", (insertion(statement.span.start, f"{proposal} = "),))
            text = f"What is repeated needs a name: `{proposal} = ...`."
            raise Fault(Mistake("network.unnamed", text, statement.span, fixes=(fix,)))
        return value

    def _generated_name(self, statement: LayerStatement, frame: Frame) -> str:
        """The name that a layer without one is shown by, as `conv1_relu`."""
        base = statement.sources[0].parts[0] if statement.sources else frame.last_name
        call = statement.call
        kind = call.name.text
        value = call.arguments[0].value if kind == "activation" and call.arguments else None
        if isinstance(value, Variable):
            try:
                found = self.evaluator.evaluate(value, frame.scope)
            except Fault:
                found = kind
            kind = found if isinstance(found, str) else kind
        name = f"{base}_{kind}" if base else kind
        number = frame.generated.get(name, 0) + 1
        unique = name if number == 1 else f"{name}_{number}"
        while unique in frame.declared:
            number += 1
            unique = f"{name}_{number}"
        frame.generated[name] = number
        return unique

    def _free_name(self, kind: str, frame: Frame) -> str:
        number = 1
        while f"{kind}{number}" in frame.declared:
            number += 1
        return f"{kind}{number}"

    def _check_unnamed(self, statement: LayerStatement, frame: Frame, before: int) -> None:
        if not any(node.weights for node in self.nodes.nodes[before:]):
            return
        kind = statement.call.name.text
        proposal = self._free_name(kind, frame)
        lines = self._problems.lines
        source = lines.text[statement.call.span.start : statement.call.span.end]
        written = f"{proposal} = {source if len(source) <= 60 else kind}"
        fix = QuickFix(f"Name it `{proposal}`", (insertion(statement.span.start, f"{proposal} = "),))
        text = f"`{kind}` has weights, so it needs a name under which they are stored: `{written}`."
        self._problems.add(Mistake("network.unnamed", text, statement.span, fixes=(fix,)), frame.path)

    def _check_known(self, call: Call) -> None:
        kind = call.name.text
        if kind in self._blocks or kind in LAYERS or kind == "share":
            return
        near = nearest(kind, [*LAYERS, "share", *self._blocks])
        hint = f", perhaps `{near}`" if near else ""
        fixes = (replacement(call.name.span, near),) if near else ()
        text = f"There is no layer or block `{kind}`{hint}."
        raise Fault(Mistake("network.unknown-layer", text, call.name.span, fixes=fixes))

    def _apply(self, site: Site, frame: Frame, scope: Scope, count: int | None) -> Placed:
        """Places one copy of a call."""
        name = site.call.name.text
        if name == "share" and name not in self._blocks:
            return self._share(site, frame)
        given = self._match(site.call, scope)
        if site.name not in frame.called:
            frame.called[site.name] = Called(site.call, given, count or 0, frame.owner + site.name)
        return self._apply_given(site, given, frame)

    def _apply_given(self, site: Site, given: Given, frame: Frame) -> Placed:
        block = self._blocks.get(site.call.name.text)
        if block is not None:
            return self._block(block, site, given, frame)
        return self.nodes.add(LAYERS[site.call.name.text], site, given, frame.training)

    def _match(self, call: Call, scope: Scope) -> Given:
        name = call.name.text
        block = self._blocks.get(name)
        if block is not None:
            if block.is_broken:
                raise Fault
            return match_arguments(
                name, [formal.name.text for formal in block.formals], tuple(COMMON), call.arguments, scope
            )
        kind = LAYERS[name]
        names = [argument.name for argument in kind.arguments]
        given = match_arguments(name, names, tuple(COMMON), call.arguments, scope)
        default = self.defaults.get(name)
        if default is not None:
            given.expressions = {**default.expressions, **given.expressions}
            given.spans = {**default.spans, **given.spans}
        return given

    def _share(self, site: Site, frame: Frame) -> Placed:
        """The same layer or block once more, on other inputs and with the same weights."""
        arguments = site.call.arguments
        target = arguments[0].value if len(arguments) == 1 else None
        if not isinstance(target, Variable):
            text = "`share` takes the name of one layer above, as in `share(left)`."
            raise Fault(Mistake("network.share", text, site.call.span))
        called = frame.called.get(target.name)
        if called is None:
            if target.name in frame.layers and frame.layers[target.name].shape is None:
                raise Fault
            near = nearest(target.name, frame.called)
            hint = f", perhaps `{near}`" if near else ""
            text = f"There is no layer `{target.name}` above this line{hint}."
            raise Fault(Mistake("network.unknown-reference", text, target.span))
        if called.is_bypassed:
            return site.inputs[0]
        frame.called.setdefault(site.name, called)
        placed = site.inputs[0]
        for index in range(called.count or 1):
            suffix = f".{index}" if called.count else ""
            inputs = (placed, *site.inputs[1:]) if index else site.inputs
            copy = Site(
                call=called.call,
                span=site.span,
                inputs=inputs,
                path=site.path + suffix,
                owner=called.owner + suffix,
                name=site.name,
                is_chained=False,
            )
            given = called.given
            if called.count:
                scopes = {name: scope for name, (_, scope) in given.expressions.items()}
                expressions = {
                    name: (expression, self._recopied(scopes[name], index))
                    for name, (expression, _) in given.expressions.items()
                }
                given = Given(expressions, given.spans)
            placed = self._apply_given(copy, given, frame)
        return placed

    @staticmethod
    def _recopied(scope: Scope, index: int) -> Scope:
        """The scope of another copy of a repeat."""
        return Scope(values={**scope.values, "index": index}, layers=scope.layers, outer=scope.outer)

    # blocks

    def _block(self, block: BlockStatement, site: Site, given: Given, frame: Frame) -> Placed:
        name = block.name.text
        self.used_blocks.add(name)
        self._check_depth(block, site, frame)
        names = [item.text for item in block.inputs] or ["input"]
        if len(site.inputs) != len(names):
            takes = f"{len(names)} input{'s' * (len(names) != 1)} ({', '.join(names)})"
            text = f"Block `{name}` takes {takes}, but {len(site.inputs)} are given: write `from` and their names."
            raise Fault(Mistake("network.inputs", text, site.call.span))
        training = self.nodes.training(name, given, frame.training)
        self._group(site.path, name, site.span)
        layers = {
            label: Placed(item.path, item.shape, label, item.line, item.outputs)
            for label, item in zip(names, site.inputs, strict=True)
        }
        inner = Frame(
            prefix=f"{site.path}.",
            owner=f"{site.owner}.",
            scope=Scope(layers=layers, outer=self._file_scope(frame.scope)),
            chain=layers[names[0]],
            layers=layers,
            lines={label: self._line(block.span) for label in names},
            declared=declared_names(block.statements) | set(names),
            training=training,
            stack=(*frame.stack, name),
            last_name=names[0],
        )
        self._bind_formals(block, site, given, inner)
        for statement in block.statements:
            self._inner(statement, inner)
        if inner.chain is None or inner.chain.shape is None:
            raise Fault
        return Placed(inner.chain.path, inner.chain.shape, site.name, self._line(site.span), inner.outputs)

    def _group(self, path: str, kind: str, span: Span) -> None:
        """Notes a path that stands for several layers: a block, or all copies of a repeat."""
        self.groups[path] = kind
        self.nodes.statements[path] = span

    def _inner(self, statement: Statement, frame: Frame) -> None:
        if self._problems.is_full:
            raise OutOfBudget(Mistake("network.limit", "There are too many problems to go on.", statement.span))
        match statement:
            case LayerStatement():
                self.layer(statement, frame)
            case LetStatement():
                self.let(statement, frame)
            case OutputStatement():
                self._block_output(statement, frame)
            case BrokenStatement():
                self.broken(statement, frame)

    def _block_output(self, statement: OutputStatement, frame: Frame) -> None:
        name = statement.name.text
        if statement.arguments:
            text = "An output of a block has no arguments: give them where the file declares its output."
            self._problems.add(Mistake("network.output-arguments", text, statement.arguments[0].span), frame.path)
        if name in frame.outputs:
            text = f"This block has an output `{name}` already."
            self._problems.add(Mistake("network.name-taken", text, statement.name.span), frame.path)
            return
        placed = self.output(statement, frame)
        if placed is not None:
            frame.outputs[name] = placed

    @staticmethod
    def _file_scope(scope: Scope) -> Scope:
        while scope.outer is not None:
            scope = scope.outer
        return scope

    def _check_depth(self, block: BlockStatement, site: Site, frame: Frame) -> None:
        name = block.name.text
        if name in frame.stack:
            cycle = ", ".join([*frame.stack[frame.stack.index(name) :], name])
            text = f"Block `{name}` uses itself ({cycle}). Use `repeat` to stack it."
            raise Fault(Mistake("network.recursion", text, site.span))
        if len(frame.stack) >= MAX_BLOCK_DEPTH:
            raise Fault(Mistake("network.limit", f"Blocks nest at most {MAX_BLOCK_DEPTH} deep.", site.span))

    def _bind_formals(self, block: BlockStatement, site: Site, given: Given, inner: Frame) -> None:
        missing = [
            formal.name.text
            for formal in block.formals
            if formal.default is None and formal.name.text not in given.expressions
        ]
        if missing:
            text = f"Block `{block.name.text}` needs {' and '.join(f'`{name}`' for name in missing)}."
            raise Fault(Mistake("network.missing-argument", text, site.call.span))
        for formal in block.formals:
            name = formal.name.text
            expression, scope = given.expressions.get(name, (formal.default, inner.scope))
            assert expression is not None
            value = self.evaluator.evaluate(expression, scope)
            self._check_formal(formal.domain, name, value, given.spans.get(name, formal.span), inner)
            inner.scope.values[name] = value

    def _check_formal(self, domain: Domain | None, name: str, value: Value, span: Span, inner: Frame) -> None:
        if domain is None:
            return
        allowed = read_range(domain, self.evaluator, inner.scope)
        if not allowed.holds(value):
            text = f"`{name}` is {shown(value)}, allowed are {allowed}."
            raise Fault(Mistake("network.argument-range", text, span))


def _no_input(span: Span) -> Fault:
    text = "There is no input above this line: declare one, as in `input image = image(1, 28, 28)`."
    return Fault(Mistake("network.no-input", text, span))
