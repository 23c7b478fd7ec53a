"""From a network text to its layer graph, or to the list of what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tenfold.core.fields import Field
from tenfold.core.networks.arguments import match_arguments
from tenfold.core.networks.evaluator import UNKNOWN, Budget, Fault, OutOfBudget, Scope
from tenfold.core.networks.expansion import Expander
from tenfold.core.networks.frames import Frame, Placed, Unplaced, declared_names
from tenfold.core.networks.graph import GraphInput, GraphOutput, LayerGraph
from tenfold.core.networks.knobs import Knobs
from tenfold.core.networks.layers.kinds import Shape, Tokens
from tenfold.core.networks.limits import MAX_AXIS, MAX_OUTPUT_VALUES, MAX_PROBLEMS
from tenfold.core.networks.parser import parse
from tenfold.core.networks.pretraining import Pretrained, WeightSources
from tenfold.core.networks.problems import Mistake, NetworkProblem, ProblemList, nearest, refused_text, replacement
from tenfold.core.networks.reachability import dead_statements
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    BrokenStatement,
    DefaultStatement,
    Definition,
    Expression,
    Function,
    InputStatement,
    LanguageStatement,
    LayerStatement,
    LetStatement,
    NetworkStatement,
    OutputStatement,
    ParamStatement,
    PretrainedStatement,
    RenamedStatement,
    Statement,
)
from tenfold.core.networks.varying import marked, mistakes_of_size, sizes_of
from tenfold.core.networks.vocabulary import COMMON, INPUT_KINDS, LAYERS, OUTPUT_ARGUMENTS

LANGUAGE = 1
_FIXED_AXES = ("channels", "features", "vocabulary")


_NOTHING = LayerGraph(inputs=(), nodes=(), outputs=())


@dataclass(frozen=True)
class Analysis:
    """What a text means: its graph where it has no problems, and in any case its parameters as fields, where its
    weights come from (the later source wins), and the paths that have moved, old to new.

    `sketch` holds the layers that are understood, also beside problems, and `unplaced` those that are not; `groups`
    says by path what stands for several layers, and `places` where each path is written. `definition` are its
    statements, where these are still kept.
    """

    name: str
    title: str
    graph: LayerGraph | None
    problems: tuple[NetworkProblem, ...]
    warnings: tuple[NetworkProblem, ...]
    parameters: tuple[Field, ...]
    inputs: tuple[GraphInput, ...]
    pretrained: tuple[Pretrained, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    sketch: LayerGraph = _NOTHING
    unplaced: tuple[Unplaced, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Span] = field(default_factory=dict)
    definition: Definition | None = field(default=None, compare=False, repr=False)

    @property
    def ok(self) -> bool:
        return self.graph is not None


def analyse(
    text: str,
    *,
    parameters: Mapping[str, object] | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    is_late: Callable[[], bool] = lambda: False,
) -> Analysis:
    """Parses, expands and checks a text.

    `parameters` override defaults, `input_shapes` the sizes of inputs by name (channels first, without the batch).
    `is_late` is asked now and then and ends the analysis with a problem; the limits bound the work in any case.
    """
    return _Analyser(parse(text, is_late), parameters or {}, input_shapes or {}, is_late).run()


def require_graph(
    text: str,
    *,
    parameters: Mapping[str, object] | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    is_late: Callable[[], bool] = lambda: False,
) -> LayerGraph:
    """The layer graph; raises `BadNetwork` with every problem in its text and, as data, in `values["problems"]`."""
    analysis = analyse(text, parameters=parameters, input_shapes=input_shapes, is_late=is_late)
    if analysis.graph is None:
        raise refused_text(analysis.problems)
    return analysis.graph


class _Analyser:
    def __init__(
        self,
        definition: Definition,
        overrides: Mapping[str, object],
        input_shapes: Mapping[str, tuple[int, ...]],
        is_late: Callable[[], bool],
    ) -> None:
        self._definition = definition
        self._overrides = overrides
        self._input_shapes = input_shapes
        self._problems = ProblemList(definition.text)
        self._warnings = ProblemList(definition.text)
        self._blocks = self._collect_blocks()
        self._expander = Expander(self._problems, self._warnings, Budget(is_late), self._blocks)
        self._scope = Scope()
        self._frame = Frame(
            prefix="", owner="", scope=self._scope, chain=None, declared=declared_names(definition.statements)
        )
        self._scope.layers = self._frame.layers
        self._knobs = Knobs(self._expander.evaluator, self._scope, self._problems.add, overrides)
        self._varying: dict[str, tuple[int, ...]] = {}
        self._is_late = is_late
        self._weights = WeightSources(definition.statements, self._expander.evaluator, self._problems.add)
        self._network: NetworkStatement | None = None
        self._inputs: list[GraphInput] = []
        self._outputs: list[GraphOutput] = []
        self._output_names: set[str] = set()

    def run(self, *, is_other_size: bool = False) -> Analysis:
        try:
            if self._definition.is_read:
                self._read_all()
        except OutOfBudget as out:
            self._problems.add(out.mistake)
        problems = self._all_problems()
        graph = None
        sketch = LayerGraph(
            inputs=tuple(self._inputs), nodes=tuple(self._expander.nodes.nodes), outputs=tuple(self._outputs)
        )
        if not problems:
            self._warn()
            graph = sketch
            if self._varying and not is_other_size:
                graph = self._at_two_sizes(graph)
                problems = self._all_problems()
        return Analysis(
            name=self._network.name.text if self._network else "",
            title=self._network.title if self._network else "",
            graph=graph,
            problems=problems,
            warnings=self._warnings.in_order(),
            parameters=tuple(self._knobs.fields),
            inputs=graph.inputs if graph is not None else tuple(self._inputs),
            pretrained=tuple(self._weights.pretrained),
            renamed=self._weights.renamed,
            sketch=graph or sketch,
            unplaced=tuple(self._expander.unplaced.values()),
            groups=self._expander.groups,
            places=self._expander.nodes.statements,
            definition=self._definition,
        )

    def _at_two_sizes(self, graph: LayerGraph) -> LayerGraph | None:
        """The graph with what varies marked; nothing where a layer depends on a size that varies."""
        shapes = {**self._input_shapes, **sizes_of(graph.inputs, self._varying)}
        other = _Analyser(self._definition, self._overrides, shapes, self._is_late).run(is_other_size=True)
        if other.graph is None:
            for problem in other.problems:
                text = f"A size of the input varies (`any`), and at twice the size: {problem.message}"
                code = problem.code if problem.code == "network.slow" else "network.varies"
                self._problems.add(Mistake(code, text, Span(problem.start, problem.end)), problem.path)
            return None
        mistakes = mistakes_of_size(graph, other.graph, self._expander.nodes.statements)
        for mistake, path in mistakes:
            self._problems.add(mistake, path)
        return None if mistakes else marked(graph, other.graph)

    def _read_all(self) -> None:
        self._read_values()
        for statement in self._definition.statements:
            if self._problems.is_full:
                break
            self._read(statement)
        self._check_whole()

    def _all_problems(self) -> tuple[NetworkProblem, ...]:
        problems = [*self._definition.problems, *self._problems.in_order()]
        return tuple(sorted(problems, key=lambda problem: problem.start))[:MAX_PROBLEMS]

    # the file's frame

    def _collect_blocks(self) -> dict[str, BlockStatement]:
        blocks: dict[str, BlockStatement] = {}
        for statement in self._definition.statements:
            if isinstance(statement, BlockStatement):
                name = statement.name
                if name.text in blocks:
                    line = self._problems.lines.line(blocks[name.text].span.start)
                    text = f"There is a block `{name.text}` already (line {line})."
                    self._problems.add(Mistake("network.name-taken", text, name.span))
                blocks.setdefault(name.text, statement)
        return blocks

    def _read_values(self) -> None:
        """Parameters and defaults hold for the whole file, so they are read first."""
        for statement in self._definition.statements:
            if isinstance(statement, ParamStatement):
                self._param(statement)
            elif isinstance(statement, BrokenStatement) and statement.keyword == "param" and statement.name:
                self._scope.values.setdefault(statement.name.text, UNKNOWN)
        for statement in self._definition.statements:
            if isinstance(statement, DefaultStatement):
                self._default(statement)
        known = {field.name for field in self._knobs.fields} | set(self._scope.values)
        for name in self._overrides:
            if name not in known:
                near = nearest(name, known)
                hint = f", perhaps `{near}`" if near else ""
                text = f"The network has no parameter `{name[:64]}`{hint}."
                self._problems.add(Mistake("network.unknown-parameter", text, Span(0, 0)))

    def _param(self, statement: ParamStatement) -> None:
        name = statement.name.text
        if name in self._scope.values:
            text = f"There is a parameter `{name}` already."
            self._problems.add(Mistake("network.duplicate-value", text, statement.name.span))
            return
        self._knobs.read(statement)

    def _default(self, statement: DefaultStatement) -> None:
        call = statement.call
        kind = LAYERS.get(call.name.text)
        if kind is None:
            near = nearest(call.name.text, LAYERS)
            hint = f", perhaps `{near}`" if near else ""
            fixes = (replacement(call.name.span, near),) if near else ()
            text = f"There is no layer `{call.name.text}`{hint}."
            self._problems.add(Mistake("network.unknown-layer", text, call.name.span, fixes=fixes))
            return
        names = [argument.name for argument in kind.arguments]
        try:
            given = match_arguments(kind.name, names, tuple(COMMON), call.arguments, self._scope)
            declared = {**COMMON, **{argument.name: argument for argument in kind.arguments}}
            self._expander.checker.only_given(kind.name, declared, given)
        except Fault as fault:
            self._expander.report(fault)
            return
        self._expander.defaults[kind.name] = given

    def _read(self, statement: Statement) -> None:
        match statement:
            case LayerStatement():
                self._expander.layer(statement, self._frame)
            case LetStatement():
                self._expander.let(statement, self._frame)
            case InputStatement():
                self._input(statement)
            case OutputStatement():
                self._output(statement)
            case BrokenStatement():
                self._expander.broken(statement, self._frame)
            case NetworkStatement():
                self._name(statement)
            case LanguageStatement():
                self._check_language(statement)
            case PretrainedStatement():
                line = self._problems.lines.line(statement.span.start)
                self._weights.read_pretrained(statement, self._scope, line)
            case RenamedStatement():
                self._weights.read_renamed(statement)

    def _name(self, statement: NetworkStatement) -> None:
        if self._network is not None:
            text = "A text describes one network: there is a `network` line already."
            self._problems.add(Mistake("network.second-network", text, statement.span))
            return
        self._network = statement

    def _check_language(self, statement: LanguageStatement) -> None:
        if statement.number != LANGUAGE:
            text = f"This text is in language {statement.number}, but this version of Tenfold reads {LANGUAGE}."
            self._problems.add(Mistake("network.language", text, statement.span))

    def _input(self, statement: InputStatement) -> None:
        name, frame = statement.name.text, self._frame
        line = self._problems.lines.line(statement.span.start)
        if name in frame.lines:
            text = f"The name `{name}` is taken (line {frame.lines[name]})."
            self._problems.add(Mistake("network.name-taken", text, statement.name.span))
            return
        shape = None
        try:
            shape = self._input_shape(statement)
            vocabulary = shape.vocabulary if isinstance(shape, Tokens) else 0
            self._inputs.append(GraphInput(name, statement.call.name.text, shape, vocabulary))
        except Fault as fault:
            self._expander.report(fault)
        self._expander.nodes.statements[name] = statement.span
        frame.chain = Placed(name, shape, name, line)
        frame.layers[name] = frame.chain
        frame.lines[name] = line
        frame.last_name = name

    def _input_shape(self, statement: InputStatement) -> Shape:
        call = statement.call
        axes = INPUT_KINDS.get(call.name.text)
        if axes is None:
            near = nearest(call.name.text, INPUT_KINDS)
            hint = f", perhaps `{near}`" if near else ""
            fixes = (replacement(call.name.span, near),) if near else ()
            text = f"There is no kind of input `{call.name.text}`{hint}. Allowed: {', '.join(INPUT_KINDS)}."
            raise Fault(Mistake("network.unknown-input", text, call.name.span, tuple(INPUT_KINDS), fixes))
        given = match_arguments(call.name.text, axes, (), call.arguments, self._scope)
        missing = [axis for axis in axes if axis not in given.expressions]
        if missing:
            text = f"`{call.name.text}` needs {', '.join(axes)}: {' and '.join(missing)} missing."
            raise Fault(Mistake("network.missing-argument", text, call.span))
        sizes: list[int] = []
        for axis in axes:
            expression, scope = given.expressions[axis]
            if isinstance(expression, Function) and expression.name == "any":
                expression = self._any(expression, axis, statement.name.text, len(sizes))
            value = self._expander.evaluator.evaluate(expression, scope)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_AXIS:
                text = f"`{axis}` is a whole number from 1 to {MAX_AXIS}."
                raise self._expander.evaluator.unfit(value, expression, scope, text)
            sizes.append(value)
        if call.name.text == "tokens":
            (length,) = self._overridden(statement, (sizes[0],))
            return Tokens(length, sizes[1])
        shape = self._overridden(statement, tuple(sizes))
        if math.prod(shape) > MAX_OUTPUT_VALUES:
            raise Fault(Mistake("network.limit", "An input has at most 2^31 values.", call.span))
        return shape

    def _any(self, expression: Function, axis: str, name: str, index: int) -> Expression:
        """The size that figures use of one that may differ at run time."""
        if axis in _FIXED_AXES or len(expression.arguments) != 1:
            text = f"`any` takes one size, as in `any(512)`, and stands for any axis but {' and '.join(_FIXED_AXES)}."
            raise Fault(Mistake("network.varies", text, expression.span))
        self._varying[name] = (*self._varying.get(name, ()), index)
        return expression.arguments[0]

    def _overridden(self, statement: InputStatement, shape: Shape) -> Shape:
        given = self._input_shapes.get(statement.name.text)
        if given is None:
            return shape
        fits = len(given) == len(shape) and all(
            isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= MAX_AXIS for size in given
        )
        if not fits:
            kind = statement.call.name.text
            axes = " x ".join(INPUT_KINDS[kind])
            data = " x ".join(str(size) for size in given)
            text = f"`{statement.name.text}` is an {kind} ({axes}), but the data is {data}."
            raise Fault(Mistake("network.input-shape", text, statement.call.span))
        return tuple(given)

    def _output(self, statement: OutputStatement) -> None:
        name = statement.name.text
        if name in self._output_names:
            text = f"There is an output `{name}` already."
            self._problems.add(Mistake("network.name-taken", text, statement.name.span))
            return
        self._output_names.add(name)
        placed = self._expander.output(statement, self._frame)
        declared = {argument.name: argument for argument in OUTPUT_ARGUMENTS}
        try:
            given = match_arguments("output", tuple(declared), (), statement.arguments, self._scope)
            arguments = self._expander.checker.only_given("output", declared, given)
        except Fault as fault:
            self._expander.report(fault)
            return
        if placed is not None and placed.shape is not None:
            meant = {key: value for key, value in arguments.items() if value != declared[key].default}
            self._outputs.append(GraphOutput(name, placed.path, meant))

    # the whole

    def _check_whole(self) -> None:
        end = len(self._definition.text)
        broken = {item.keyword for item in self._definition.statements if isinstance(item, BrokenStatement)}
        if self._network is None and "network" not in broken:
            text = "The name is missing: put `network NAME` at the top."
            self._problems.add(Mistake("network.no-name", text, Span(0, 0)))
        if not self._output_names and "output" not in broken:
            text = "There is no `output`: put `output logits` after the last layer."
            self._problems.add(Mistake("network.no-output", text, Span(end, end)))
        for name in self._input_shapes:
            if name not in self._frame.lines:
                text = f"The network has no input `{name[:64]}`."
                self._problems.add(Mistake("network.unknown-input", text, Span(0, 0)))

    def _warn(self) -> None:
        for statement in self._definition.statements:
            if isinstance(statement, ParamStatement) and statement.name.text not in self._scope.read:
                text = f"Parameter `{statement.name.text}` is not used."
                self._warnings.add(Mistake("network.unused-parameter", text, statement.name.span))
            elif isinstance(statement, BlockStatement) and statement.name.text not in self._expander.used_blocks:
                text = f"Block `{statement.name.text}` is not used."
                self._warnings.add(Mistake("network.unused-block", text, statement.name.span))
        nodes = self._expander.nodes
        for span, path in dead_statements(nodes.nodes, self._outputs, nodes.statements):
            text = f"`{path}` has no effect on any output."
            self._warnings.add(Mistake("network.no-effect", text, span), path)
