"""Sets the arguments of a layer, block or input, and makes one of them a parameter of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tenfold.core.networks.domains import read_range
from tenfold.core.networks.editing.edits import Edited, edited, refused, replaced
from tenfold.core.networks.editing.places import (
    Place,
    all_values,
    check_name,
    file_values,
    find_block,
    find_parameter,
    find_place,
    local_values,
    parts,
    tokens_of,
)
from tenfold.core.networks.evaluator import Budget, Evaluator, Fault, Scope
from tenfold.core.networks.expression_parser import read_expression
from tenfold.core.networks.layers.kinds import Argument as Declared
from tenfold.core.networks.problems import TextEdit, insertion
from tenfold.core.networks.source import Lines, Span
from tenfold.core.networks.syntax import (
    Argument,
    Call,
    DefaultStatement,
    Definition,
    InputStatement,
    LanguageStatement,
    LayerStatement,
    NetworkStatement,
    ParamStatement,
    Variable,
)
from tenfold.core.networks.values import Value, Word, shown
from tenfold.core.networks.vocabulary import COMMON, INPUT_KINDS, LAYERS

_ROOM = 8  # a range is proposed up to this many times the value where the vocabulary has no maximum
_BELOW = 0.01  # and this far below a bound that itself is not allowed


@dataclass(frozen=True)
class _Signature:
    """What a call may be given: the names in the order of positions, declarations, and defaults as written; and what
    it is given."""

    names: tuple[str, ...]
    declared: Mapping[str, Declared]
    defaults: dict[str, str]
    given: dict[str, Argument]

    def takes(self, name: str) -> bool:
        return name in self.names or name in COMMON


@dataclass(frozen=True, kw_only=True)
class StatedArgument:
    """One argument that a call may be given: as `written` in the text, or its `default`; a required one has none.

    `parameter` is the network's parameter that gives the value, as `parameter_written`.
    """

    name: str
    declared: Declared | None
    written: str
    default: str
    parameter: str = ""
    parameter_written: str = ""
    is_common: bool = False


def stated_arguments(definition: Definition, at: int) -> tuple[StatedArgument, ...]:
    """What the call at an offset may be given and is given, for a form; raises `Conflict` where there is no call."""
    _, call = _called(definition, at)
    signature = _signature(definition, call)
    common = [name for name in COMMON if name not in signature.names and call.name.text not in INPUT_KINDS]
    stated = []
    for name in (*signature.names, *common):
        given, behind = signature.given.get(name), parameter_behind(definition, at, name)
        default = definition.text[slice(*_default_span(definition.text, behind))] if behind is not None else ""
        stated.append(
            StatedArgument(
                name=name,
                declared=signature.declared.get(name),
                written=_written(definition.text, given) if given is not None else "",
                default=signature.defaults.get(name, ""),
                parameter=behind.name.text if behind is not None else "",
                parameter_written=default,
                is_common=name in common,
            )
        )
    return tuple(stated)


def parameter_behind(definition: Definition, at: int, name: str) -> ParamStatement | None:
    """The parameter that gives an argument its value, so that a form can offer to change it instead."""
    place, call = _called(definition, at)
    given = _signature(definition, call).given.get(name)
    if given is None or not isinstance(given.value, Variable) or given.value.name in local_values(place.block):
        return None
    return find_parameter(definition, given.value.name)


def set_argument(definition: Definition, at: int, name: str, value: str, *, of_parameter: bool = False) -> Edited:
    """Gives an argument of the call at an offset a value, written as in the language.

    One equal to the default is removed. `of_parameter` changes the default of the parameter behind it instead, and so
    every place that reads it. Raises `Conflict` with the reason.
    """
    place, call = _called(definition, at)
    signature = _signature(definition, call)
    if not signature.takes(name):
        has = ", ".join(signature.names) or "none"
        raise refused(f"`{call.name.text}` has no `{name}`. It has: {has}.")
    wanted = read_expression(value) if "\n" not in value else None
    if wanted is None:
        raise refused(f"`{value[:40]}` is no value: write a number, a word, a text, a list or an expression.")
    if of_parameter:
        return edited([_parameter_edit(definition, at, name, value)])
    present = signature.given.get(name)
    if _is_default(value, signature.defaults.get(name), place) and _may_go(call, present):
        return edited(_without(place, call, present) if present else [])
    if present is not None:
        return edited([replaced(_value_span(place.text, present), value)])
    return edited([_added(call, f"{name}={value}")])


def make_parameter(definition: Definition, at: int, name: str, parameter: str) -> Edited:
    """Declares a parameter with the value of an argument, which then reads it; the range is the vocabulary's.

    Raises `Conflict` where the value is no plain one, or the name is taken.
    """
    place, call = _called(definition, at)
    signature = _signature(definition, call)
    check_name(parameter)
    if parameter in all_values(definition):
        raise refused(f"The name `{parameter}` is taken by a value or a choice: choose another.")
    present = signature.given.get(name)
    declared = signature.declared.get(name)
    written = _written(place.text, present) if present else signature.defaults.get(name)
    if written is None:
        raise refused(f"`{call.name.text}` has no value for `{name}` that could become a parameter: set it first.")
    value = _literal(written, place)
    if not isinstance(value, int | float | str | list):
        raise refused(f"`{name}` is `{written}`: only a plain value can become a parameter.")
    line = " ".join(part for part in (f"param {parameter} = {written}", _domain(value, declared)) if part)
    use = replaced(_value_span(place.text, present), parameter) if present else _added(call, f"{name}={parameter}")
    return edited([insertion(_after_parameters(definition), f"\n{line}"), use])


# what a call takes and what it is given


def _called(definition: Definition, at: int) -> tuple[Place, Call]:
    place = find_place(definition, at)
    statement = place.statement
    if not isinstance(statement, LayerStatement | InputStatement | DefaultStatement):
        raise refused(f"Line {place.line(statement)} has no arguments to set: choose a layer or an input.")
    if statement.call.name.text == "share":
        raise refused("A shared layer has the arguments of the layer it shares: set them there.")
    return place, statement.call


def _signature(definition: Definition, call: Call) -> _Signature:
    """What the call may be given. Raises `Conflict` for an unknown kind."""
    name, text = call.name.text, definition.text
    block, kind = find_block(definition, call), LAYERS.get(name)
    if block is not None:
        names = tuple(formal.name.text for formal in block.formals)
        written = {item.name.text: text[slice(*item.default.span)] for item in block.formals if item.default}
        return _Signature(names, COMMON, {**_defaults(COMMON), **written}, _named(call, names))
    if name in INPUT_KINDS:
        return _Signature(INPUT_KINDS[name], {}, {}, _named(call, INPUT_KINDS[name]))
    if kind is None:
        raise refused(f"There is no layer or block `{name}`.")
    names = tuple(item.name for item in kind.arguments)
    given = _named(call, names)
    declared = {**COMMON, **{item.name: item for item in kind.arguments}}
    defaults = _defaults(declared)
    for item in kind.arguments:
        if item.same_as in given:
            defaults[item.name] = _written(text, given[item.same_as])
    for statement in definition.statements:
        if not isinstance(statement, DefaultStatement) or statement.call is call:
            continue
        if statement.call.name.text == name:
            stated = _named(statement.call, names)
            defaults.update({key: _written(text, argument) for key, argument in stated.items()})
    return _Signature(names, declared, defaults, given)


def _defaults(declared: Mapping[str, Declared]) -> dict[str, str]:
    values = {name: item.default for name, item in declared.items() if item.default is not None}
    return {name: shown(Word(value) if isinstance(value, str) else value) for name, value in values.items()}


def _named(call: Call, names: tuple[str, ...]) -> dict[str, Argument]:
    named: dict[str, Argument] = {}
    for index, argument in enumerate(call.arguments):
        if argument.name is not None:
            named[argument.name.text] = argument
        elif index < len(names):
            named[names[index]] = argument
    return named


# values


def _value_span(text: str, argument: Argument) -> Span:
    """Where the value of an argument stands, with its brackets."""
    if argument.name is None:
        return argument.span
    start = text.index("=", argument.name.span.end) + 1
    while text[start] in " \t\r\n":
        start += 1
    return Span(start, argument.span.end)


def _written(text: str, argument: Argument) -> str:
    return text[slice(*_value_span(text, argument))]


def _literal(written: str, place: Place) -> Value:
    """The value of a text that reads no parameter, no argument of a block and no layer; else nothing."""
    expression = read_expression(written)
    hidden = local_values(place.block) | file_values(place.definition)
    found = list(parts(expression))
    if any(isinstance(part, Variable) and part.name in hidden for part in found):
        return None
    try:
        return Evaluator(Budget(lambda: False)).evaluate(expression, Scope()) if expression else None
    except Fault:
        return None


def _is_default(written: str, default: str | None, place: Place) -> bool:
    if default is None:
        return False
    value, usual = _literal(written, place), _literal(default, place)
    is_same = value is not None and value == usual and isinstance(value, bool) == isinstance(usual, bool)
    return is_same or written == default


def _parameter_edit(definition: Definition, at: int, name: str, written: str) -> TextEdit:
    parameter = parameter_behind(definition, at, name)
    if parameter is None:
        raise refused(f"`{name}` is no parameter of the network here: change it only here.")
    value = _literal(written, find_place(definition, parameter.span.start))
    if value is not None and parameter.domain is not None:
        try:
            allowed = read_range(parameter.domain, Evaluator(Budget(lambda: False)), Scope())
        except Fault:
            allowed = None
        if allowed is not None and not allowed.holds(value):
            raise refused(f"`{parameter.name.text}` would be {written}, allowed are {allowed}.")
    return replaced(_default_span(definition.text, parameter), written)


def _default_span(text: str, parameter: ParamStatement) -> Span:
    """Where the default of a parameter stands, with its brackets."""
    tokens = tokens_of(text, parameter)
    depth, end = 0, tokens[2].end - 1
    for token in tokens[3:]:
        if depth == 0 and (token.text == "in" or token.kind == "text"):
            break
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        end = token.end
    return Span(tokens[3].start, end)


# edits of a call


def _added(call: Call, written: str) -> TextEdit:
    if not call.has_brackets:
        return insertion(call.span.end, f"({written})")
    if call.arguments:
        return insertion(call.arguments[-1].span.end, f", {written}")
    return insertion(call.span.end - 1, written)


def _may_go(call: Call, argument: Argument | None) -> bool:
    """Whether no argument after it counts on its place."""
    if argument is None or argument.name is not None:
        return True
    index = call.arguments.index(argument)
    return all(item.name is not None for item in call.arguments[index + 1 :])


def _without(place: Place, call: Call, argument: Argument) -> list[TextEdit]:
    """Removes an argument with its comma, or with the brackets where it is the only one; comments stay."""
    index, own = call.arguments.index(argument), argument.span
    if len(call.arguments) == 1:
        gone = Span(call.name.span.end, call.span.end)
    elif index > 0:
        gone = Span(call.arguments[index - 1].span.end, own.end)
    else:
        gone = Span(own.start, call.arguments[1].span.start)
    if not any(gone.start < comment.start < gone.end for comment in place.definition.comments):
        return [replaced(gone, "")]
    comma = next((token for token in tokens_of(place.text, place.statement) if token.start >= own.end), None)
    if comma is not None and comma.text == ",":
        return [replaced(own, ""), replaced(comma.span, "")]
    return [replaced(own, "")]


# parameters


def _domain(value: Value, declared: Declared | None) -> str:
    """The range of a new parameter, from the vocabulary where it states one."""
    if declared is not None and declared.choices and isinstance(value, str):
        return f"in [{', '.join(declared.choices)}]"
    if declared is None or not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    low = declared.minimum if declared.minimum is not None else min(value, 0)
    high = declared.maximum if declared.maximum is not None else max(abs(value), 1) * _ROOM
    if declared.below is not None:
        high = max(value, declared.below - _BELOW)
    return f"in {shown(low)}..{shown(high)}"


def _after_parameters(definition: Definition) -> int:
    """The end of the line after which a new parameter stands: the last one's, or that of the network's name."""
    for wanted in (ParamStatement, NetworkStatement, LanguageStatement):
        found = [item for item in definition.statements if isinstance(item, wanted)]
        if found:
            return Lines(definition.text).line_end(found[-1].span.end)
    raise refused("The text has no `network` line after which a parameter could stand.")
